#include "video/syntax/weighted_prediction.h"

#include "video/syntax/tiles.h"

#include <string.h>

static int code_signed(DfyRangeCoder *coder, DfyBit models[64], DfyBit *negative, int k, int most, int value) {
    uint32_t magnitude = dfy_code_golomb(coder, models, k, (uint32_t)(value < 0 ? -value : value));
    if (magnitude > (uint32_t)most) magnitude = (uint32_t)most;
    return dfy_code_sign(coder, negative, (int)magnitude, value);
}

void dfy_code_weight(DfyRangeCoder *coder, DfyWeightContexts *c, int reference, DfyWeight *weight) {
    if (!dfy_code_bit(coder, &c->changes[reference], dfy_weight_changes(weight))) {
        *weight = (DfyWeight){0};
        return;
    }
    weight->gain = (int16_t)code_signed(coder, c->gain, &c->negative[0], 0, DFY_MAX_WEIGHT_GAIN, weight->gain);
    weight->offset = (int16_t)code_signed(coder, c->offset, &c->negative[1], 2, DFY_MAX_WEIGHT_OFFSET, weight->offset);
    weight->chroma = (uint8_t)dfy_code_bit(coder, &c->chroma[0], weight->chroma);
}

/* All rows of a plane with its border. */
static void scale_plane(DfyPlane *dst, const DfyPlane *src, int border, DfyWeightScale scale) {
    const DfyKernels *kernels = dfy_kernels();
    int same = scale.scale == 128 && scale.add == 64;
    for (int y = -border; y < src->height + border; y++) {
        const uint8_t *in = src->pixels + y * src->stride - border;
        uint8_t *out = dst->pixels + y * dst->stride - border;
        if (same)
            memcpy(out, in, (size_t)(src->width + 2 * border));
        else
            kernels->scale(out, in, src->width + 2 * border, scale.scale, scale.add);
    }
}

void dfy_weight_frame(DfyFrame *dst, const DfyFrame *src, const DfyWeight *weight) {
    static const DfyWeight same = {0};
    DfyWeightScale colour = dfy_chroma_scale(weight->chroma ? weight : &same);
    scale_plane(&dst->plane[0], &src->plane[0], DFY_FRAME_BORDER, dfy_luma_scale(weight));
    for (int p = 1; p < 3; p++) scale_plane(&dst->plane[p], &src->plane[p], DFY_FRAME_BORDER / 2, colour);
    size_t blocks8 = (size_t)src->motion_stride * (size_t)(src->plane[0].height / 8);
    memcpy(dst->motion, src->motion, blocks8 * sizeof *src->motion);
    memcpy(dst->reference_order, src->reference_order, sizeof dst->reference_order);
    memcpy(dst->reference_long_term, src->reference_long_term, sizeof dst->reference_long_term);
    dst->order = src->order;
    dfy_renew_tiles(dst);
}
