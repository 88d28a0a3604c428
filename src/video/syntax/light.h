/*
 * References under another light: where lamps, clouds or the camera's exposure change what stands still, a picture may
 * refer to an earlier one with all its luma, and if wanted its colour, scaled. One change a reference, as in the
 * weighted prediction of Rec. H.264 8.4.2.3, but made before prediction, so that the prediction itself knows nothing of
 * it.
 */
#ifndef DFY_VIDEO_LIGHT_H
#define DFY_VIDEO_LIGHT_H

#include "entropy/range.h"
#include "video/syntax/frame.h"

#define DFY_MAX_LIGHT_GAIN 64    /* (128 + gain) / 128 */
#define DFY_MAX_LIGHT_OFFSET 511 /* eighths of a level */

/* luma becomes ((128 + gain) * luma + 16 * offset + 64) >> 7, chroma's distance from 128 is scaled alike if `chroma`.
 */
typedef struct DfyLight {
    int16_t gain, offset;
    uint8_t chroma;
} DfyLight;

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
