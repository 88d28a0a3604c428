/*
 * References under another light: where lamps, clouds or the camera's exposure change what stands still, a picture may
 * refer to an earlier one with all its luma, and if wanted its colour, scaled. One change a reference, as in the
 * weighted prediction of Rec. H.264 8.4.2.3, but made before prediction, so that the prediction itself knows nothing of
 * it.
 */
#ifndef DFY_VIDEO_LIGHT_H
#define DFY_VIDEO_LIGHT_H

#include "dsp/kernels.h"
#include "entropy/range.h"
#include "video/syntax/frame.h"

#define DFY_MAX_LIGHT_GAIN 64    /* (128 + gain) / 128 */
#define DFY_MAX_LIGHT_OFFSET 511 /* eighths of a level */

typedef struct DfyLight {
    int16_t gain, offset; /* of luma */
    uint8_t chroma;       /* chroma's distance from 128 has the gain too */
} DfyLight;

/* What a light does to the samples of a plane: (scale * sample + add) >> 7, held in 0..255. */
typedef struct DfyLightScale {
    int scale, add;
} DfyLightScale;

static inline DfyLightScale dfy_luma_scale(const DfyLight *light) {
    return (DfyLightScale){128 + light->gain, 16 * light->offset + 64};
}
/* Of chroma that has the gain too. */
static inline DfyLightScale dfy_chroma_scale(const DfyLight *light) {
    return (DfyLightScale){128 + light->gain, -128 * light->gain + 64};
}
static inline uint8_t dfy_lit(DfyLightScale s, int sample) {
    return dfy_clamp_pixel((s.scale * sample + s.add) >> 7);
}

static inline int dfy_light_changes(const DfyLight *light) {
    return light->gain || light->offset;
}

typedef struct DfyLightContexts {
    DfyBit changes[DFY_MAX_REFERENCES], gain[64], offset[64], negative[2], chroma[1];
} DfyLightContexts;

void dfy_code_light(DfyRangeCoder *coder, DfyLightContexts *contexts, int reference, DfyLight *light);

/* Makes dst the frame src under another light, border, motion and order too. Both of one size. */
void dfy_relight(DfyFrame *dst, const DfyFrame *src, const DfyLight *light);

#endif
