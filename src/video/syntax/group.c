#include "video/syntax/group.h"

static int halve(DfyGroupPicture *pictures, int count, int past, int future, int level) {
    if (future - past < 2) return count;
    int middle = (past + future) / 2;
    pictures[count++] = (DfyGroupPicture){middle, past, future, level, future - past > 2};
    count = halve(pictures, count, past, middle, level + 1);
    return halve(pictures, count, middle, future, level + 1);
}

void dfy_group_order_pictures(DfyGroupPicture pictures[DFY_MAX_GROUP], int frames) {
    pictures[0] = (DfyGroupPicture){frames, 0, -1, 0, 1};
    halve(pictures, 1, 0, frames, 1);
}

/* A small signed number under models: magnitude in unary, then its sign. */
static int code_signed(DfyRangeCoder *coder, DfyBit models[64], int value) {
    int magnitude = dfy_code_unary(coder, models, 62, value < 0 ? -value : value);
    return magnitude && dfy_code_bit(coder, &models[63], value < 0) ? -magnitude : magnitude;
}

void dfy_code_group(DfyRangeCoder *coder, DfyContexts *contexts, DfyGroupHeader *header, int previous_qp) {
    header->still = dfy_code_bit(coder, &contexts->group_still[0], header->still);
    header->frames = 1 + (int)dfy_code_tree(coder, contexts->group_size, 5, (uint32_t)(header->frames - 1));
    if (header->still) {
        header->qp = previous_qp;
        return;
    }
    header->qp =
        dfy_clamp(previous_qp + code_signed(coder, contexts->group_qp, header->qp - previous_qp), 0, DFY_MAX_QP);
}

void dfy_code_picture(DfyRangeCoder *coder, DfyContexts *contexts, int picture_class, DfyPictureHeader *header,
                      int level_qp) {
    header->copy = dfy_code_bit(coder, &contexts->picture_still[picture_class], header->copy);
    if (header->copy) return;
    header->qp = dfy_clamp(level_qp + code_signed(coder, contexts->picture_qp[picture_class], header->qp - level_qp), 0,
                           DFY_MAX_QP);
    header->variable_qp = dfy_code_bit(coder, &contexts->picture_flags[0], header->variable_qp);
    header->plate = dfy_code_bit(coder, &contexts->picture_flags[1], header->plate);
}

void dfy_picture_references(DfyPictureCoding *picture, const DfyStore *store, const DfyGroupPicture *place, int plate) {
    const DfyFrame *wanted[DFY_MAX_REFERENCES] = {store->group[place->past]};
    int count = 1;
    if (place->future >= 0) wanted[count++] = store->group[place->future];
    if (plate) wanted[count++] = store->plate;
    if (place->future < 0) wanted[count++] = store->older;
    picture->reference_count = 0;
    for (int i = 0; i < count; i++)
        if (wanted[i]) picture->references[picture->reference_count++] = wanted[i];
}

void dfy_picture_repeat(DfyPictureCoding *picture, DfyFrame *frame) {
    dfy_picture_coding_begin(picture, frame);
    dfy_frame_copy(frame, picture->references[0]);
    int cells = picture->cell_stride * (picture->height / 8);
    for (int i = 0; i < cells; i++) frame->motion[i] = (DfyMotion){.reference = {0, -1}};
}
