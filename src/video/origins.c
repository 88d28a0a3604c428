#include "video/origins.h"

#include "diffy.h"

static uint8_t origin_of(const DfyPictureCoding *picture, int reference, const DfyStore *store,
                         const DfyGroupPicture *place) {
    const DfyFrame *frame = picture->references[reference];
    if (place->future >= 0 && frame == store->group[place->future]) return DFY_ORIGIN_LATER;
    if (frame == store->plate) return DFY_ORIGIN_PLATE;
    /* The anchor before the last is a reference of anchors too, but for its nearness and not for being alike. */
    return picture->timeless[reference] ? DFY_ORIGIN_KEPT : DFY_ORIGIN_EARLIER;
}

void dfy_note_origins(const DfyPictureCoding *picture, const DfyStore *store, const DfyGroupPicture *place) {
    uint8_t sources[DFY_MAX_REFERENCES] = {0};
    for (int i = 0; i < picture->reference_count; i++) sources[i] = origin_of(picture, i, store, place);
    const DfyFrame *frame = picture->frame;
    int cells = picture->cell_stride * (picture->height / 8);
    for (int i = 0; i < cells; i++) {
        const int8_t *reference = frame->motion[i].reference;
        unsigned kind = picture->cells[i].kind, origin = 0;
        if (kind != DFY_INTRA && reference[0] >= 0) origin |= sources[reference[0]];
        if (kind != DFY_INTRA && reference[1] >= 0) origin |= sources[reference[1]];
        frame->origins[i] = (uint8_t)(kind == DFY_SKIP ? origin | DFY_ORIGIN_SKIPPED : origin);
    }
}
