#include "video/syntax/alf.h"

#include <string.h>

const int8_t *dfy_alf_origin(const DfyPictureCoding *picture, int from) {
    static const int8_t none[DFY_ALF_TAPS];
    return from < picture->reference_count ? picture->references[from]->alf : none;
}

void dfy_code_alf(DfyRangeCoder *coder, DfyContexts *contexts, const DfyPictureCoding *picture, DfyAlf *alf) {
    DfyAlfContexts *c = &contexts->alf;
    int class = picture->picture_class;
    alf->on = (uint8_t)dfy_code_bit(coder, &c->on[class], alf->on);
    if (!alf->on) {
        alf->from = 0;
        return;
    }
    alf->from = picture->reference_count > 1 ? (uint8_t)dfy_code_bit(coder, &c->from[class], alf->from) : 0;
    const int8_t *origin = dfy_alf_origin(picture, alf->from);
    int changes = dfy_code_bit(coder, &c->changes[class], memcmp(alf->weights, origin, DFY_ALF_TAPS) != 0);
    for (int k = 0; k < DFY_ALF_TAPS; k++) {
        DfyBit *models = c->difference[k];
        int difference = alf->weights[k] - origin[k];
        difference = changes ? dfy_code_signed(coder, models, DFY_ALF_STEPS, &models[DFY_ALF_STEPS], difference) : 0;
        alf->weights[k] = (int8_t)dfy_clamp(origin[k] + difference, -DFY_ALF_MOST, DFY_ALF_MOST);
    }
}

void dfy_note_alf(DfyFrame *frame, const DfyPictureCoding *picture, const DfyAlf *alf) {
    memcpy(frame->alf, alf->on ? alf->weights : dfy_alf_origin(picture, 0), DFY_ALF_TAPS);
}

int dfy_alf_applies(const DfyPictureCoding *picture, int cx, int cy) {
    if (picture->cells[cy * picture->cell_stride + cx].kind != DFY_SKIP) return 1;
    const DfyMotion *m = &picture->frame->motion[cy * picture->frame->motion_stride + cx];
    return m->mv[0][0] || m->mv[0][1] || (m->reference[1] >= 0 && (m->mv[1][0] || m->mv[1][1]));
}

static void copy_square(uint8_t *to, const uint8_t *from, ptrdiff_t stride) {
    for (int y = 0; y < 8; y++) memcpy(to + y * stride, from + y * stride, 8);
}

void dfy_alf(const DfyPictureCoding *picture, const DfyAlf *alf, DfyFrame *scratch) {
    if (!alf->on) return;
    const DfyPlane *luma = &picture->frame->plane[0];
    uint8_t *filtered = scratch->plane[0].pixels;
    ptrdiff_t stride = luma->stride;
    for (int copying = 0; copying < 2; copying++) /* only once all are filtered */
        for (int cy = 0; cy < picture->height / 8; cy++)
            for (int cx = 0; cx < picture->width / 8; cx++) {
                ptrdiff_t at = cy * 8 * stride + cx * 8;
                if (!dfy_alf_applies(picture, cx, cy)) continue;
                if (copying)
                    copy_square(luma->pixels + at, filtered + at, stride);
                else
                    picture->kernels->alf(filtered + at, stride, luma->pixels + at, stride, alf->weights);
            }
    dfy_frame_extend(picture->frame);
}
