/*
 * Decisions: which blocks a superblock is cut in and how each is coded, by the least distortion + lambda * rate.
 * Rates come from the picture's models as they stood when it was begun, so superblocks of different rows can be
 * decided side by side (each row two superblocks behind the one above it).
 */
#ifndef DFY_VIDEO_SUPERBLOCK_H
#define DFY_VIDEO_SUPERBLOCK_H

#include "video/encode/decide/effort.h"
#include "video/encode/decide/quantise.h"
#include "video/syntax/picture.h"

typedef struct DfyPlan {
    DfyBlock blocks[64];
    int count;
    int16_t *coefficients; /* DFY_SUPERBLOCK_COEFFICIENTS */
} DfyPlan;

typedef struct DfyDecider DfyDecider;

/* Scratch memory of one thread. */
DfyDecider *dfy_decider_new(void);
void dfy_decider_free(DfyDecider *decider);

/*
 * Plans one superblock of picture (whose frame is filled with the result) after `source`. rates: of residuals, luma's
 * or chroma's, inter or intra; qp: the quantisers of its four 32x32 blocks.
 */
void dfy_decide_superblock(DfyDecider *decider, DfyPictureCoding *picture, const DfyFrame *source,
                           const DfyEffort *effort, const DfyLevelRates (*rates)[2], int column, int row,
                           const uint8_t qp[4], DfyPlan *plan);

/* ---- shared by the parts of the encoder ---- */

/* Lagrangian multiplier of a quantiser: squared error (and absolute error) worth one bit, times 256. */
uint32_t dfy_lambda(int qp, int picture_class);
uint32_t dfy_lambda_absolute(int qp, int picture_class);

static inline int64_t dfy_cost(uint64_t distortion, uint32_t lambda, uint64_t bits256) {
    return (int64_t)(distortion << 8) + (int64_t)((lambda * bits256) >> 8);
}

#endif
