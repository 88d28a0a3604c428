/*
 * The 24 ways to write down one Gaussian: its three axes can be named in any order and most of them reversed (a
 * rotation of axes onto axes), scales and quaternion change together and the Gaussian, so any picture, is the same.
 */
#ifndef DFY_SPLAT_FORMS_H
#define DFY_SPLAT_FORMS_H

#include "base/status.h"
#include "diffy/splat.h"

enum { DFY_SPLAT_FORMS = 24 }; /* form 0 changes nothing */

/* What a form depends on. */
typedef struct DfyForm {
    float rotation[4], scale[3];
} DfyForm;

DfyForm dfy_form_of(const DfySplats *splats, size_t i);
void dfy_form_set(DfySplats *splats, size_t i, const DfyForm *form);

/* The Gaussian in another of its forms; the quaternion's length stays. */
DfyForm dfy_form_turned(const DfyForm *form, int number);

/* How far apart two are as numbers: the square of (about) the angle in radians, and a little of ln scales'. */
double dfy_form_distance(const DfyForm *a, const DfyForm *b);
/* The form of `other` that is nearest to `reference`, the first of equals. */
int dfy_form_nearest(const DfyForm *reference, const DfyForm *other);

/*
 * The form that like Gaussians share: scales from the largest to the smallest, and the two smaller axes' ends are
 * those with z >= 0.
 */
int dfy_form_canonical(const DfyForm *form);

/* Angle in degrees between the rotations of two quaternions of any length; precise for small ones. */
double dfy_angle_between(const float a[4], const float b[4]);

#endif
