#include "splat/model/forms.h"

#include <math.h>
#include <string.h>

/* Other forms are a right angle away at least: with less than this, squared, none is nearer. */
#define SURELY_NEAREST 0.5
/* Scales that were coded coarsely must not make up for a right angle. */
#define SCALE_WORTH (1.0 / 16)
#define RADIANS (3.14159265358979323846 / 180)

#define ROOT_HALF 0.70710678118654752440

/* The rotations that take axes to axes: times `part` a unit quaternion, and which axis comes to be the first .. third.
 */
static const struct {
    int8_t turn[4];
    uint8_t from[3];
    double part;
} forms[DFY_SPLAT_FORMS] = {
    {{1, 0, 0, 0}, {0, 1, 2}, 1},          {{0, 1, 0, 0}, {0, 1, 2}, 1},          {{0, 0, 1, 0}, {0, 1, 2}, 1},
    {{0, 0, 0, 1}, {0, 1, 2}, 1},          {{1, 1, 0, 0}, {0, 2, 1}, ROOT_HALF},  {{1, -1, 0, 0}, {0, 2, 1}, ROOT_HALF},
    {{1, 0, 1, 0}, {2, 1, 0}, ROOT_HALF},  {{1, 0, -1, 0}, {2, 1, 0}, ROOT_HALF}, {{1, 0, 0, 1}, {1, 0, 2}, ROOT_HALF},
    {{1, 0, 0, -1}, {1, 0, 2}, ROOT_HALF}, {{0, 1, 1, 0}, {1, 0, 2}, ROOT_HALF},  {{0, 1, -1, 0}, {1, 0, 2}, ROOT_HALF},
    {{0, 1, 0, 1}, {2, 1, 0}, ROOT_HALF},  {{0, 1, 0, -1}, {2, 1, 0}, ROOT_HALF}, {{0, 0, 1, 1}, {0, 2, 1}, ROOT_HALF},
    {{0, 0, 1, -1}, {0, 2, 1}, ROOT_HALF}, {{1, 1, 1, 1}, {1, 2, 0}, 0.5},        {{1, 1, 1, -1}, {2, 0, 1}, 0.5},
    {{1, 1, -1, 1}, {2, 0, 1}, 0.5},       {{1, 1, -1, -1}, {1, 2, 0}, 0.5},      {{1, -1, 1, 1}, {2, 0, 1}, 0.5},
    {{1, -1, 1, -1}, {1, 2, 0}, 0.5},      {{1, -1, -1, 1}, {1, 2, 0}, 0.5},      {{1, -1, -1, -1}, {2, 0, 1}, 0.5},
};

DfyForm dfy_form_of(const DfySplats *s, size_t i) {
    DfyForm form;
    memcpy(form.rotation, s->rotation + i * 4, sizeof form.rotation);
    memcpy(form.scale, s->scale + i * 3, sizeof form.scale);
    return form;
}

void dfy_form_set(DfySplats *s, size_t i, const DfyForm *form) {
    memcpy(s->rotation + i * 4, form->rotation, sizeof form->rotation);
    memcpy(s->scale + i * 3, form->scale, sizeof form->scale);
}

DfyForm dfy_form_turned(const DfyForm *form, int number) {
    if (!number) return *form;
    DfyForm out;
    const int8_t *p = forms[number].turn;
    double w = form->rotation[0], x = form->rotation[1], y = form->rotation[2], z = form->rotation[3];
    double part = forms[number].part;
    out.rotation[0] = (float)((w * p[0] - x * p[1] - y * p[2] - z * p[3]) * part);
    out.rotation[1] = (float)((w * p[1] + x * p[0] + y * p[3] - z * p[2]) * part);
    out.rotation[2] = (float)((w * p[2] - x * p[3] + y * p[0] + z * p[1]) * part);
    out.rotation[3] = (float)((w * p[3] + x * p[2] - y * p[1] + z * p[0]) * part);
    for (int axis = 0; axis < 3; axis++) out.scale[axis] = form->scale[forms[number].from[axis]];
    return out;
}

/* Between two quaternions of any length, as if they had length 1, or between one and the other's opposite. */
static double squared_chord(const float a[4], const float b[4]) {
    double la = 0, lb = 0, plus = 0, minus = 0;
    for (int i = 0; i < 4; i++) {
        la += (double)a[i] * a[i];
        lb += (double)b[i] * b[i];
    }
    la = la > 0 ? sqrt(la) : 1;
    lb = lb > 0 ? sqrt(lb) : 1;
    for (int i = 0; i < 4; i++) {
        double d = a[i] / la - b[i] / lb, s = a[i] / la + b[i] / lb;
        minus += d * d;
        plus += s * s;
    }
    return fmin(plus, minus);
}

double dfy_angle_between(const float a[4], const float b[4]) {
    return 4 * asin(fmin(sqrt(squared_chord(a, b)) / 2, 1)) / RADIANS;
}

double dfy_form_distance(const DfyForm *a, const DfyForm *b) {
    double scales = 0;
    for (int k = 0; k < 3; k++) scales += ((double)a->scale[k] - b->scale[k]) * ((double)a->scale[k] - b->scale[k]);
    return 4 * squared_chord(a->rotation, b->rotation) + scales * SCALE_WORTH;
}

int dfy_form_nearest(const DfyForm *reference, const DfyForm *other) {
    double least = dfy_form_distance(reference, other);
    int nearest = 0;
    if (least < SURELY_NEAREST) return 0;
    for (int number = 1; number < DFY_SPLAT_FORMS; number++) {
        DfyForm form = dfy_form_turned(other, number);
        double distance = dfy_form_distance(reference, &form);
        if (distance >= least) continue;
        least = distance;
        nearest = number;
    }
    return nearest;
}

/* Whether the two smaller axes' z, those of a rotation matrix' columns, are not negative. */
static int is_upright(const float q[4]) {
    double w = q[0], x = q[1], y = q[2], z = q[3];
    return y * z + w * x >= 0 && w * w + z * z >= x * x + y * y;
}

int dfy_form_canonical(const DfyForm *form) {
    for (int number = 0; number < DFY_SPLAT_FORMS; number++) {
        const uint8_t *from = forms[number].from;
        if (form->scale[from[0]] < form->scale[from[1]] || form->scale[from[1]] < form->scale[from[2]]) continue;
        DfyForm out = dfy_form_turned(form, number);
        if (is_upright(out.rotation)) return number;
    }
    return 0; /* not a number among them */
}
