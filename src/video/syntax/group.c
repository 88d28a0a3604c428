#include "video/syntax/group.h"

#include <string.h>

#include "base/numbers.h"
#include "base/status.h"

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

/* A quantiser, as what it differs by from another. */
static int code_qp(DfyRangeCoder *coder, DfyBit models[64], int from, int qp) {
    return dfy_clamp(from + dfy_code_signed(coder, models, 62, &models[63], qp - from), 0, DFY_MAX_QP);
}

void dfy_code_group(DfyRangeCoder *coder, DfyContexts *contexts, DfyGroupHeader *header, int previous_qp) {
    header->still = dfy_code_bit(coder, &contexts->group_still[0], header->still);
    header->frames = 1 + (int)dfy_code_tree(coder, contexts->group_size, 5, (uint32_t)(header->frames - 1));
    if (header->still) {
        header->qp = previous_qp;
        return;
    }
    header->qp = code_qp(coder, contexts->group_qp, previous_qp, header->qp);
}

int dfy_code_library_map(DfyRangeCoder *coder, DfyContexts *contexts, DfyLibraryMap *map, int frames) {
    int named = 1;
    for (int i = 1; map->frames && i <= frames; i++) {
        map->last = dfy_at_most(map->last + 1, map->frames);
        named = dfy_code_bit(coder, &contexts->library_named[named], map->index[i] >= 0);
        if (!named) {
            map->index[i] = -1;
            continue;
        }
        int32_t off = map->index[i] - map->last;
        uint32_t coded = off < 0 ? 2 * (uint32_t)-off - 1 : 2 * (uint32_t)off;
        coded = dfy_code_golomb(coder, contexts->library_step, 0, coded);
        int64_t index = map->last + (coded & 1 ? -(int64_t)(coded / 2) - 1 : (int64_t)(coded / 2));
        if (index < 0 || index >= map->frames) return DFY_ERROR_DAMAGED;
        map->last = map->index[i] = (int32_t)index;
    }
    return DFY_OK;
}

int dfy_earliest_of_library(const int32_t index[DFY_MAX_GROUP + 1], int frames) {
    int earliest = 0;
    for (int i = 1; i <= frames; i++)
        if (index[i] >= 0 && (!earliest || index[i] < index[earliest])) earliest = i;
    return earliest;
}

void dfy_code_picture(DfyRangeCoder *coder, DfyContexts *contexts, int picture_class, DfyPictureHeader *header,
                      int level_qp) {
    int stored = header->stored;
    header->copy = dfy_code_bit(coder, &contexts->picture_still[picture_class], header->copy);
    if (header->copy) return;
    header->qp = code_qp(coder, contexts->picture_qp[picture_class], level_qp, header->qp);
    for (int i = 0; i < 2; i++)
        header->cdef[i] = (uint8_t)dfy_code_tree(coder, contexts->cdef[picture_class][i], 3, header->cdef[i]);
    header->variable_qp = dfy_code_bit(coder, &contexts->picture_flags[0], header->variable_qp);
    header->plate = dfy_code_bit(coder, &contexts->picture_flags[1], header->plate);
    header->stored = dfy_code_bit(coder, &contexts->picture_flags[2 + (picture_class > 0)], header->stored > 0);
    if (header->stored) header->stored = 1 + (int)dfy_code_tree(coder, contexts->stored, 6, (uint32_t)(stored - 1));
}

void dfy_code_lights(DfyRangeCoder *coder, DfyContexts *contexts, int picture_class, int references,
                     DfyPictureHeader *header) {
    if (header->copy || !references) return;
    int lit = 0;
    for (int i = 0; i < references; i++) lit |= dfy_light_changes(&header->light[i]);
    lit = dfy_code_bit(coder, &contexts->lit[picture_class], lit);
    for (int i = 0; i < references && lit; i++) dfy_code_light(coder, &contexts->light, i, &header->light[i]);
}

void dfy_filter_picture(const DfyPictureCoding *picture, const DfyPictureHeader *header, DfyFrame *scratch) {
    dfy_deblock(picture);
    if (header->cdef[0] || header->cdef[1]) {
        dfy_frame_extend_near(picture->frame);
        dfy_cdef(picture, header->cdef, scratch);
    }
    if (header->alf.on) {
        dfy_frame_extend_near(picture->frame);
        dfy_alf(picture, &header->alf, scratch);
    }
    dfy_frame_extend(picture->frame);
}

void dfy_lend_lit(DfyPictureCoding *picture, DfyLitReferences *references, int i, DfyFrame *frame,
                  const DfyLight *light) {
    dfy_relight(frame, picture->references[i], light);
    references->lit[i] = frame;
    references->plain[i] = picture->references[i];
    picture->references[i] = frame;
}

DfyFrame *dfy_return_lit(DfyPictureCoding *picture, DfyLitReferences *references, int i) {
    DfyFrame *frame = references->lit[i];
    if (frame) picture->references[i] = references->plain[i];
    references->lit[i] = NULL;
    return frame;
}

static void add_reference(DfyPictureCoding *picture, const DfyFrame *frame, int timeless) {
    if (!frame || picture->reference_count == DFY_MAX_REFERENCES) return;
    for (int i = 0; i < picture->reference_count; i++)
        if (picture->references[i] == frame) return;
    picture->timeless[picture->reference_count] = (uint8_t)timeless;
    picture->references[picture->reference_count++] = frame;
}

void dfy_library_picture(DfyFrame *frame, const DfyFrame *decoded) {
    dfy_frame_copy(frame, decoded);
    frame->order = 0;
    memset(frame->alf, 0, sizeof frame->alf);
}

void dfy_picture_references(DfyPictureCoding *picture, const DfyStore *store, const DfyGroupPicture *place,
                            const DfyPictureHeader *header) {
    picture->reference_count = 0;
    add_reference(picture, store->group[place->past], 0);
    if (place->future >= 0) add_reference(picture, store->group[place->future], 0);
    add_reference(picture, store->library[place->number], 1);
    if (header->plate) add_reference(picture, store->plate, 1);
    if (header->stored) add_reference(picture, store->kept[store->kept_count - header->stored], 1);
    if (place->future < 0 && store->kept_count > 1) add_reference(picture, store->kept[store->kept_count - 2], 0);
}

DfyFrame *dfy_store_keep(DfyStore *store, DfyFrame *anchor) {
    DfyFrame *dropped = NULL;
    if (store->kept_count == store->keep) {
        dropped = store->kept[0];
        store->kept_count--;
        for (int i = 0; i < store->kept_count; i++) store->kept[i] = store->kept[i + 1];
    }
    store->kept[store->kept_count++] = store->group[0] = anchor;
    return dropped;
}

void dfy_picture_repeat(DfyPictureCoding *picture, DfyFrame *frame) {
    dfy_picture_coding_begin(picture, frame);
    dfy_frame_copy(frame, picture->references[0]);
    int cells = picture->cell_stride * (picture->height / 8);
    dfy_note_alf(frame, picture, &(DfyAlf){0});
    for (int i = 0; i < cells; i++) frame->motion[i] = (DfyMotion){.reference = {0, -1}};
}
