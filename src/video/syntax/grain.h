/*
 * The noise of the camera, which coding takes away: what GRAIN chunks say of it, and how it is put back at playback
 * when that is asked for. A fact beside the pictures: nothing is predicted from what it makes. Whole numbers only, and
 * the same for a frame's number everywhere; FORMAT.md has the layout and the rules.
 */
#ifndef DFY_VIDEO_GRAIN_H
#define DFY_VIDEO_GRAIN_H

#include "base/bytes.h"
#include "diffy/diffy.h"

#define DFY_GRAIN_LEVELS 8 /* strengths of luma, at the levels 16, 48, 80, ... 240 */
#define DFY_GRAIN_TAPS 4   /* neighbours that a value follows: left, above left, above, above right */
#define DFY_GRAIN_UNITS 16 /* strengths are in so many parts of a level */
#define DFY_GRAIN_ONE 64   /* a tap of 1 */
#define DFY_GRAIN_REACH 60 /* the most that the taps' sizes may add up to, so that values stay bounded */
#define DFY_GRAIN_SIDE 128 /* of the square that noise is cut from */
#define DFY_GRAIN_SIGMA 32 /* standard deviation of its values */
#define DFY_GRAIN_BLOCK 32 /* luma pixels of a block that is cut from it in one place */

/* All zero: no noise. */
typedef struct DfyGrain {
    uint8_t luma[DFY_GRAIN_LEVELS];
    uint8_t chroma[2];
    int8_t taps[2][DFY_GRAIN_TAPS]; /* of luma and of chroma */
} DfyGrain;

/* A GRAIN chunk; one of no noise has no bytes. */
void dfy_put_grain(DfyBuffer *buffer, const DfyGrain *grain);
/* 0, or DFY_ERROR_DAMAGED for what makes no sense, which is then as no noise. */
int dfy_read_grain(DfyBytes *bytes, DfyGrain *grain);

int dfy_grain_is_none(const DfyGrain *grain);

/* Noise ready to be added. */
typedef struct DfyGrainField {
    DfyGrain grain;
    uint8_t strength[256]; /* of luma, by its level */
    int8_t values[3][DFY_GRAIN_SIDE * DFY_GRAIN_SIDE];
} DfyGrainField;

void dfy_grain_prepare(DfyGrainField *field, const DfyGrain *grain);

/* Adds the noise of frame number `frame` to a picture in I420. */
void dfy_grain_add(const DfyGrainField *field, DfyPicture *picture, uint64_t frame);

#endif
