/*
 * What coding takes away of the camera's noise: how much more the source varies than the decoded picture, where that is
 * flat. What the decoded picture still has of the noise is not counted, so that noise as strong as is measured makes it
 * vary as the source does. How neighbours go together is measured in the difference of the two.
 */
#ifndef DFY_VIDEO_NOISE_METER_H
#define DFY_VIDEO_NOISE_METER_H

#include "video/syntax/frame.h"
#include "video/syntax/grain.h"

#define DFY_NOISE_LAGS 7 /* of the covariance; see noise_meter.c */

/* Sums over blocks of 8x8 pixels of a plane; begin as zeros. */
typedef struct DfyNoiseSums {
    double blocks[DFY_GRAIN_LEVELS], variance[DFY_GRAIN_LEVELS]; /* by the block's mean level; of chroma all in [0] */
    double covariance[DFY_NOISE_LAGS];
} DfyNoiseSums;

typedef struct DfyNoiseMeter {
    DfyNoiseSums sums[3];
    DfyGrain told; /* the chunk that is in force */
} DfyNoiseMeter;

/* Adds what a picture shows, as it came and as decoders have it, to the sums of the three planes. */
void dfy_noise_measure(DfyNoiseSums sums[3], const DfyFrame *source, const DfyFrame *decoded, int width, int height);

/* Adds the sums of so many pictures, in their order. */
void dfy_noise_meter_join(DfyNoiseMeter *meter, DfyNoiseSums (*pictures)[3], int count);

/* The noise measured so far. */
void dfy_noise_meter_read(const DfyNoiseMeter *meter, DfyGrain *grain);

/*
 * Before a segment whose pictures were measured is written: whether its noise is other than what was told last; if so,
 * it is in *grain and counts as told. What was measured counts half from now on.
 */
int dfy_noise_meter_tells(DfyNoiseMeter *meter, DfyGrain *grain);

#endif
