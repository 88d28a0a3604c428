#include "video/syntax/alf.h"

#include <string.h>

#include "video/syntax/filter_blocks.h"

const int8_t *dfy_alf_origin(const DfyPictureCoding *picture, int from) {
    static const int8_t none[DFY_ALF_TAPS];
    return from < picture->reference_count ? picture->references[from]->alf : none;
}

void dfy_code_alf(DfyRangeCoder *coder, DfyContexts *contexts, const DfyPictureCoding *picture, DfyAlf *alf) {
    DfyAlfContexts *c = &contexts->alf;
    int class = picture->model_class;
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
    if (picture->blocks8[cy * picture->stride8 + cx].kind != DFY_SKIP) return 1;
    const DfyMotion *m = &picture->frame->motion[cy * picture->frame->motion_stride + cx];
    return m->global || m->mv[0][0] || m->mv[0][1] || (m->reference[1] >= 0 && (m->mv[1][0] || m->mv[1][1]));
}

static void filter_block(const DfyBlockFilter *filter, const DfyPictureCoding *picture, DfyFrame *out, int cx, int cy) {
    const DfyAlf *alf = filter->settings;
    const DfyPlane *luma = &picture->frame->plane[0];
    ptrdiff_t stride = luma->stride, at = cy * 8 * stride + cx * 8;
    picture->kernels->alf(out->plane[0].pixels + at, stride, luma->pixels + at, stride, alf->weights);
}

void dfy_alf(const DfyPictureCoding *picture, const DfyAlf *alf, DfyFrame *scratch) {
    const DfyBlockFilter filter = {dfy_alf_applies, filter_block, alf, .luma = 1};
    if (alf->on) dfy_filter_blocks(&filter, picture, scratch);
}
