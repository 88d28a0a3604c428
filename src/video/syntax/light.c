#include "video/syntax/light.h"

#include <string.h>

static int code_signed(DfyRangeCoder *coder, DfyBit models[64], DfyBit *negative, int k, int most, int value) {
    uint32_t magnitude = dfy_code_golomb(coder, models, k, (uint32_t)(value < 0 ? -value : value));
    if (magnitude > (uint32_t)most) magnitude = (uint32_t)most;
    return dfy_code_sign(coder, negative, (int)magnitude, value);
}

void dfy_code_light(DfyRangeCoder *coder, DfyLightContexts *c, int reference, DfyLight *light) {
    if (!dfy_code_bit(coder, &c->changes[reference], dfy_light_changes(light))) {
        *light = (DfyLight){0};
        return;
    }
    light->gain = (int16_t)code_signed(coder, c->gain, &c->negative[0], 0, DFY_MAX_LIGHT_GAIN, light->gain);
    light->offset = (int16_t)code_signed(coder, c->offset, &c->negative[1], 2, DFY_MAX_LIGHT_OFFSET, light->offset);
    light->chroma = (uint8_t)dfy_code_bit(coder, &c->chroma[0], light->chroma);
}

/* All rows of a plane with its border. */
static void scale_plane(DfyPlane *dst, const DfyPlane *src, int border, DfyLightScale scale) {
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

void dfy_relight(DfyFrame *dst, const DfyFrame *src, const DfyLight *light) {
    static const DfyLight same = {0};
    DfyLightScale colour = dfy_chroma_scale(light->chroma ? light : &same);
    scale_plane(&dst->plane[0], &src->plane[0], DFY_FRAME_BORDER, dfy_luma_scale(light));
    for (int p = 1; p < 3; p++) scale_plane(&dst->plane[p], &src->plane[p], DFY_FRAME_BORDER / 2, colour);
    size_t cells = (size_t)src->motion_stride * (size_t)(src->plane[0].height / 8);
    memcpy(dst->motion, src->motion, cells * sizeof *src->motion);
    memcpy(dst->reference_order, src->reference_order, sizeof dst->reference_order);
    memcpy(dst->reference_timeless, src->reference_timeless, sizeof dst->reference_timeless);
    dst->order = src->order;
}
