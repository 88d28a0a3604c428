/* What the parts of a decision share: the state of the thread that decides, and candidates, ways to code a block. */
#ifndef DFY_VIDEO_DECIDER_H
#define DFY_VIDEO_DECIDER_H

#include <string.h>

#include "dsp/copy.h"
#include "video/encode/decide/superblock.h"

/* A block's pixels in three planes, luma in rows of 64. */
typedef struct DfyPixels {
    uint8_t luma[64 * 64], chroma[2][32 * 32];
} DfyPixels;

static inline uint8_t *dfy_plane_of(DfyPixels *pixels, int plane) {
    return plane ? pixels->chroma[plane - 1] : pixels->luma;
}
static inline ptrdiff_t dfy_stride_of(int plane) {
    return plane ? 32 : 64;
}

/* One way to code a block, measured. */
typedef struct DfyCandidate {
    DfyBlock block;
    int64_t cost;
    uint64_t distortion;
    DfyPixels pixels;
    int16_t coefficients[DFY_SUPERBLOCK_COEFFICIENTS]; /* laid out like the block's part of the superblock's */
} DfyCandidate;

struct DfyDecider {
    DfyPictureCoding *picture;
    const DfyFrame *source;
    const DfyEffort *effort;
    const DfyLevelRates (*rates)[2];
    DfyPlan *plan;
    const uint8_t *qps;
    int qp;
    uint32_t lambda, lambda_absolute;
    double noise[2];      /* squared error of 8x8 pixels of luma and chroma that surely quantises to nothing */
    DfyCandidate best[4]; /* by log2 - 3 */
    DfyCandidate trial;
    DfyPixels predicted;
    DfyIntraBorder borders[3]; /* of the block at hand, where has_border says so: the same for all its modes */
    uint8_t has_border[3];
    DfyLevelMap levels;                               /* for the quantiser: zeros */
    int16_t parent_vectors[5][DFY_MAX_REFERENCES][2]; /* by log2 - 2: what larger blocks found */
};

static inline const uint8_t *dfy_source_at(const DfyDecider *d, int plane, int x, int y) {
    const DfyPlane *p = &d->source->plane[plane];
    return p->pixels + y * p->stride + x;
}

static inline ptrdiff_t dfy_source_stride(const DfyDecider *d, int plane) {
    return d->source->plane[plane].stride;
}

/* ---- candidates (candidate.c) ---- */

/* Where one transform is and what it is coded from and to. */
typedef struct DfyTransform {
    int plane, x, y, log2; /* in pixels of the plane */
    DfyPart shape;         /* a half of that square */
    int intra, kinds;      /* kinds: it may be a DCT or a DST */
    const uint8_t *predicted;
    ptrdiff_t predicted_stride;
    uint8_t *out;
    ptrdiff_t out_stride;
    int16_t *levels;
    /* what comes of it */
    int qp;
    DfyTransformKind kind;
    uint32_t bits; /* 0: nothing is coded */
    uint64_t error;
} DfyTransform;

/* Codes one transform, or leaves it where that costs less; returns the cost. */
int64_t dfy_code_transform(DfyDecider *d, DfyTransform *t);

/* Rate of what a block says, residuals apart. */
uint64_t dfy_syntax_bits(DfyDecider *d, DfyBlock *block);

/* A block at its beginning: no motion, no residual. */
DfyBlock dfy_new_block(int x, int y, int log2);

/* Pixels of a block to and from the picture's frame; its coefficients from one superblock's to another's. */
void dfy_pixels_to_frame(DfyDecider *d, const DfyBlock *block, DfyPixels *pixels);
void dfy_frame_to_pixels(DfyDecider *d, const DfyBlock *block, DfyPixels *pixels);
void dfy_move_coefficients(const DfyBlock *block, int16_t *dst, const int16_t *src);

/*
 * Squared error of 8x8 pixels below which nothing else than the prediction is tried: its residual surely quantises to
 * nothing (with noise of deviation s every coefficient is about s, and three deviations must stay under half a step).
 * factors: of the decider's noise, by the picture's class.
 */
static inline uint32_t dfy_quiet_error(const DfyDecider *d, const double factors[DFY_PICTURE_CLASSES], int plane) {
    return (uint32_t)(factors[d->picture->picture_class] * d->noise[plane > 0]);
}
/*
 * Whether no 8x8 block of a candidate's luma is further from the source than `quarters` quarters of what an even noise
 * that quantises to nothing would leave: then its parts will hardly be predicted better on their own.
 */
int dfy_is_even(const DfyDecider *d, const DfyCandidate *candidate, int quarters);
/* Whether no unit x unit block of a square of the source's plane at (x, y) differs from pixels by more than `most`. */
int dfy_is_near(const DfyDecider *d, int plane, int x, int y, int side, int unit, const uint8_t *pixels,
                ptrdiff_t stride, uint32_t most);

/* Squared error of a plane of a block. */
uint64_t dfy_plane_error(const DfyDecider *d, const DfyBlock *block, int plane, const uint8_t *pixels);

/* Keeps d->trial where it costs less; its pixels may be elsewhere. */
void dfy_keep_better(DfyDecider *d, const DfyPixels *pixels, DfyCandidate *best);
/* Codes d->predicted as it is. */
void dfy_try_skip(DfyDecider *d, const DfyBlock *block, DfyCandidate *best);
/* Codes d->predicted as the prediction of `block` (motion set), with and without residual; keeps the better. */
void dfy_try_inter(DfyDecider *d, const DfyBlock *block, DfyCandidate *best);

/* ---- prediction from references (inter.c) ---- */

/* Tries merging; returns whether the block is so quiet that nothing else need be tried. */
int dfy_try_merge(DfyDecider *d, DfyBlock block, DfyCandidate *best, int64_t *best_absolute);
/* Tries motion of its own for each part; returns its absolute cost, and gives up where that is well above `limit`. */
int64_t dfy_try_motion(DfyDecider *d, DfyBlock block, int part_kind, int64_t limit, DfyCandidate *best);

/* ---- prediction within the picture (intra.c) ---- */

/* inter_absolute: the absolute cost of the best inter prediction, which intra modes are to come near to. */
void dfy_try_intra(DfyDecider *d, DfyBlock block, DfyCandidate *best, int64_t inter_absolute);

#endif
