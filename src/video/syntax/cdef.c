/*
 * The second filter in the loop: AV1's constrained directional enhancement filter (AV1 specification, section 7.15;
 * Midtskogen and Valin, "The AV1 constrained directional enhancement filter", 2018). Each 8x8 block that was coded
 * anew is smoothed along the direction of its strongest edge, by no more than its neighbours differ; what was copied
 * whole from an earlier picture is left alone.
 */
#include "video/syntax/filter_blocks.h"

static const uint8_t strengths[DFY_CDEF_STRENGTHS][2] = {{0, 0}, {1, 1}, {2, 1}, {3, 2},
                                                         {4, 2}, {6, 2}, {8, 4}, {12, 4}};

int dfy_cdef_applies(const DfyPictureCoding *picture, int cx, int cy) {
    return picture->blocks8[cy * picture->stride8 + cx].kind != DFY_SKIP;
}

DfyDirection dfy_cdef_direction(const DfyPictureCoding *picture, const DfyFrame *source, int cx, int cy) {
    const DfyPlane *luma = &source->plane[0];
    DfyDirection direction;
    direction.index =
        picture->kernels->direction(luma->pixels + cy * 8 * luma->stride + cx * 8, luma->stride, &direction.variance);
    return direction;
}

/* AV1 takes 3 to 6 by quantiser. */
static int damping(const DfyPictureCoding *picture) {
    return 3 + (picture->qp >> 4);
}

static int floor_log2(unsigned value) {
    return 31 - __builtin_clz(value);
}

/* The strength of the filter along the edge grows with how much of an edge there is. */
static int adjusted(int primary, uint32_t variance) {
    unsigned v = variance >> 6;
    if (!v) return 0;
    int grade = floor_log2(v);
    return (primary * (4 + (grade < 12 ? grade : 12)) + 8) >> 4;
}

void dfy_cdef_block(const DfyPictureCoding *picture, int plane, int cx, int cy, int strength, const DfyFrame *source,
                    const DfyDirection *direction, uint8_t *dst, ptrdiff_t stride) {
    const DfyPlane *from = &source->plane[plane];
    int side = plane ? 4 : 8, primary = strengths[strength][0], secondary = strengths[strength][1];
    if (!plane) primary = adjusted(primary, direction->variance);
    picture->kernels->cdef(dst, stride, from->pixels + cy * side * from->stride + cx * side, from->stride, side,
                           direction->index, primary, secondary, damping(picture) - (plane > 0));
}

static void filter_block(const DfyBlockFilter *filter, const DfyPictureCoding *picture, DfyFrame *out, int cx, int cy) {
    const uint8_t *strength = filter->settings;
    DfyDirection direction = dfy_cdef_direction(picture, picture->frame, cx, cy);
    for (int plane = 0; plane < 3; plane++) {
        if (!strength[plane > 0]) continue;
        const DfyPlane *to = &out->plane[plane];
        int side = plane ? 4 : 8;
        dfy_cdef_block(picture, plane, cx, cy, strength[plane > 0], picture->frame, &direction,
                       to->pixels + cy * side * to->stride + cx * side, to->stride);
    }
}

void dfy_cdef(const DfyPictureCoding *picture, const uint8_t strength[2], DfyFrame *scratch) {
    const DfyBlockFilter filter = {dfy_cdef_applies, filter_block, strength, strength[0], strength[1]};
    if (strength[0] || strength[1]) dfy_filter_blocks(&filter, picture, scratch);
}
