/*
 * Weighted prediction: where lamps, clouds or the camera's exposure change what stands still, a picture may
 * refer to an earlier one with all its luma, and if wanted its colour, scaled. One change a reference, as in the
 * weighted prediction of Rec. H.264 8.4.2.3, but made before prediction, so that the prediction itself knows nothing of
 * it.
 */
#ifndef DFY_VIDEO_WEIGHTED_PREDICTION_H
#define DFY_VIDEO_WEIGHTED_PREDICTION_H

#include "dsp/kernels.h"
#include "entropy/range.h"
#include "video/syntax/frame.h"

#define DFY_MAX_WEIGHT_GAIN 64    /* (128 + gain) / 128 */
#define DFY_MAX_WEIGHT_OFFSET 511 /* eighths of a level */

typedef struct DfyWeight {
    int16_t gain, offset; /* of luma */
    uint8_t chroma;       /* chroma's distance from 128 has the gain too */
} DfyWeight;

/* What a weight does to the samples of a plane: (scale * sample + add) >> 7, held in 0..255. */
typedef struct DfyWeightScale {
    int scale, add;
} DfyWeightScale;

static inline DfyWeightScale dfy_luma_scale(const DfyWeight *weight) {
    return (DfyWeightScale){128 + weight->gain, 16 * weight->offset + 64};
}
/* Of chroma that has the gain too. */
static inline DfyWeightScale dfy_chroma_scale(const DfyWeight *weight) {
    return (DfyWeightScale){128 + weight->gain, -128 * weight->gain + 64};
}
static inline uint8_t dfy_weighted(DfyWeightScale s, int sample) {
    return dfy_clamp_pixel((s.scale * sample + s.add) >> 7);
}

static inline int dfy_weight_changes(const DfyWeight *weight) {
    return weight->gain || weight->offset;
}

typedef struct DfyWeightContexts {
    DfyBit changes[DFY_MAX_REFERENCES], gain[64], offset[64], negative[2], chroma[1];
} DfyWeightContexts;

void dfy_code_weight(DfyRangeCoder *coder, DfyWeightContexts *contexts, int reference, DfyWeight *weight);

/* Makes dst the weighted frame src, border, motion and order too. Both of one size. */
void dfy_weight_frame(DfyFrame *dst, const DfyFrame *src, const DfyWeight *weight);

#endif
