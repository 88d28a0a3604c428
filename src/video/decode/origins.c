#include "video/decode/origins.h"

#include "diffy/diffy.h"

static uint8_t origin_of(const DfyPictureCoding *picture, int reference, const DfyReferenceSources *sources) {
    const DfyFrame *frame = picture->references[reference];
    if (frame == sources->future.frame) return DFY_ORIGIN_LATER;
    if (frame == sources->plate) return DFY_ORIGIN_PLATE;
    /* The anchor before the last is a reference of anchors too, but for its nearness and not for being alike. */
    return picture->long_term[reference] ? DFY_ORIGIN_KEPT : DFY_ORIGIN_EARLIER;
}

void dfy_note_origins(const DfyPictureCoding *picture, const DfyReferenceSources *sources) {
    uint8_t origins[DFY_MAX_REFERENCES] = {0};
    for (int i = 0; i < picture->reference_count; i++) origins[i] = origin_of(picture, i, sources);
    const DfyFrame *frame = picture->frame;
    int blocks8 = picture->stride8 * (picture->height / 8);
    for (int i = 0; i < blocks8; i++) {
        const int8_t *reference = frame->motion[i].reference;
        unsigned kind = picture->blocks8[i].kind, origin = 0;
        if (kind != DFY_INTRA && reference[0] >= 0) origin |= origins[reference[0]];
        if (kind != DFY_INTRA && reference[1] >= 0) origin |= origins[reference[1]];
        frame->origins[i] = (uint8_t)(kind == DFY_SKIP ? origin | DFY_ORIGIN_SKIPPED : origin);
    }
}
