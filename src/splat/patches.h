/*
 * Numbers that a sequence keeps exactly beside the coded ones: those no codec has a code for, and those that coding
 * left farther off than is allowed. A patch is a splat's whole attribute, or several; or a nudge, which moves a
 * position by small multiples of a unit to where it is near enough.
 *
 * In a frame the list stands as what it dropped of the last frame's and what it adds; see FORMAT.md.
 */
#ifndef DFY_SPLAT_PATCHES_H
#define DFY_SPLAT_PATCHES_H

#include "base/bytes.h"
#include "diffy/splat.h"

enum { DFY_SPLAT_NUDGE = DFY_SPLAT_ATTRIBUTES, DFY_SPLAT_NUDGE_MOST = 127 };

typedef struct DfySplatPatches {
    uint32_t count, capacity;
    uint32_t *splats;    /* ascending */
    uint8_t *attributes; /* 1 << DFY_SPLAT_x each, at least one; a nudge not beside a position */
    float *values;       /* of each patch its attributes in their order */
    size_t value_count, value_capacity;
    size_t rest; /* values of DFY_SPLAT_SH */
    float unit;  /* of nudges */
    int failed;  /* no memory */
} DfySplatPatches;

void dfy_patches_free(DfySplatPatches *patches);
/* Empties the list, for models with so many colour coefficients beyond the first; the unit stays. */
void dfy_patches_clear(DfySplatPatches *patches, size_t rest);
int dfy_patches_copy(DfySplatPatches *out, const DfySplatPatches *in);
/* Appends attributes of splat i of a model as a patch of `splat`. */
void dfy_patches_add(DfySplatPatches *patches, uint32_t splat, unsigned attributes, const DfySplats *model, size_t i);

/*
 * What of `decoded` (in the codec's order: splat i is order[i] of the model; NULL: the same) needs a patch: what is in
 * odd (by splats of the model), and what is off by more than most (0: any) from the tamed model `wanted`. Where `unit`
 * is above 0, positions are nudged if that is enough.
 */
int dfy_patches_find(DfySplatPatches *patches, const DfySplats *wanted, const DfySplatPatches *odd,
                     const DfySplats *decoded, const uint32_t *order, const double most[DFY_SPLAT_ATTRIBUTES],
                     float unit);

/* Writes the list after `last`, which has the same rest; reading puts the new one into *patches. */
void dfy_patches_write(const DfySplatPatches *patches, const DfySplatPatches *last, DfyBuffer *buffer);
int dfy_patches_read(DfySplatPatches *patches, const DfySplatPatches *last, const uint8_t *data, size_t size_bytes,
                     uint32_t splats);

/* The attributes that the list changes, 1 << DFY_SPLAT_x each. */
unsigned dfy_patches_attributes(const DfySplatPatches *patches);

/* Puts the values in: patch of splat i into to[i] (NULL: i). What stood there goes into *undo, which may be NULL. */
void dfy_patches_apply(const DfySplatPatches *patches, DfySplats *model, const uint32_t *to, DfySplatPatches *undo);

#endif
