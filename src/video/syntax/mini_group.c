#include "video/syntax/mini_group.h"

#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"
#include "base/status.h"
#include "video/syntax/tiles.h"

static int halve(DfyMiniGroupPicture *pictures, int count, int past, int future, int parent, int layer, int layers) {
    if (future - past < 2) return count;
    if (layer == layers) { /* the last one: all that is left lies between the same two */
        for (int number = past + 1; number < future; number++)
            pictures[count++] = (DfyMiniGroupPicture){number, past, future, parent, layer, 0};
        return count;
    }
    int middle = (past + future) / 2;
    pictures[count++] = (DfyMiniGroupPicture){middle, past, future, parent, layer, future - past > 2};
    count = halve(pictures, count, past, middle, middle, layer + 1, layers);
    return halve(pictures, count, middle, future, middle, layer + 1, layers);
}

void dfy_mini_group_order_pictures(DfyMiniGroupPicture pictures[DFY_MAX_MINI_GROUP], int frames, int layers) {
    pictures[0] = (DfyMiniGroupPicture){frames, 0, -1, 0, 0, 1};
    halve(pictures, 1, 0, frames, frames, 1, layers);
}

int dfy_mini_group_place(const DfyMiniGroupPicture pictures[DFY_MAX_MINI_GROUP], int number) {
    int i = 0;
    while (pictures[i].number != number) i++;
    return i;
}

DfyFrame *dfy_coded_frame_new(int width, int height) {
    DfyFrame *frame = dfy_frame_new(width, height);
    if (frame && !(frame->state = malloc(sizeof *frame->state))) {
        dfy_frame_free(frame);
        frame = NULL;
    }
    return frame;
}

/* A quantiser, as what it differs by from another. */
static int code_qp(DfyRangeCoder *coder, DfyBit models[64], int from, int qp) {
    return dfy_clamp(from + dfy_code_signed(coder, models, 62, &models[63], qp - from), 0, DFY_MAX_QP);
}

static int code_long_term_map(DfyRangeCoder *coder, DfyContexts *contexts, DfyLongTermMap *map, int frames) {
    int named = 1;
    for (int i = 1; i <= frames; i++) {
        map->last = dfy_min(map->last + 1, map->frames);
        named = dfy_code_bit(coder, &contexts->long_term_named[named], map->index[i] >= 0);
        if (!named) {
            map->index[i] = -1;
            continue;
        }
        int32_t off = map->index[i] - map->last;
        uint32_t coded = off < 0 ? 2 * (uint32_t)-off - 1 : 2 * (uint32_t)off;
        coded = dfy_code_golomb(coder, contexts->long_term_step, 0, coded);
        int64_t index = map->last + (coded & 1 ? -(int64_t)(coded / 2) - 1 : (int64_t)(coded / 2));
        if (index < 0 || index >= map->frames) return DFY_ERROR_DAMAGED;
        map->last = map->index[i] = (int32_t)index;
    }
    return DFY_OK;
}

int dfy_code_mini_group(DfyRangeCoder *coder, DfyContexts *contexts, DfyMiniGroupHeader *header, int frames,
                        const DfyMiniGroupHeader *before, int long_term_frames) {
    DfyLongTermMap *map = &header->map;
    header->qp = code_qp(coder, contexts->group_qp, before ? before->qp : DFY_FIRST_QP, header->qp);
    map->frames = long_term_frames;
    map->last = before && before->map.frames == long_term_frames ? before->map.last : 0;
    if (long_term_frames) return code_long_term_map(coder, contexts, map, frames);
    for (int i = 0; i <= DFY_MAX_MINI_GROUP; i++) map->index[i] = -1;
    return DFY_OK;
}

int dfy_code_repeats(DfyRangeCoder *coder, DfyContexts *contexts, int repeats) {
    return dfy_code_bit(coder, &contexts->anchor_repeats[0], repeats);
}

void dfy_code_picture(DfyRangeCoder *coder, DfyContexts *contexts, int model_class, DfyPictureHeader *header,
                      int layer_qp) {
    int long_term_anchor = header->long_term_anchor;
    header->qp = code_qp(coder, contexts->picture_qp[model_class], layer_qp, header->qp);
    for (int i = 0; i < 2; i++)
        header->cdef[i] = (uint8_t)dfy_code_tree(coder, contexts->cdef[model_class][i], 3, header->cdef[i]);
    header->variable_qp = dfy_code_bit(coder, &contexts->picture_flags[0], header->variable_qp);
    header->plate = dfy_code_bit(coder, &contexts->picture_flags[1], header->plate);
    header->long_term_anchor =
        dfy_code_bit(coder, &contexts->picture_flags[2 + model_class], header->long_term_anchor > 0);
    if (header->long_term_anchor)
        header->long_term_anchor =
            1 + (int)dfy_code_tree(coder, contexts->long_term_anchor, 6, (uint32_t)(long_term_anchor - 1));
}

void dfy_code_weights(DfyRangeCoder *coder, DfyContexts *contexts, int model_class, int references,
                      DfyPictureHeader *header) {
    if (!references) return;
    int weighted = 0;
    for (int i = 0; i < references; i++) weighted |= dfy_weight_changes(&header->weight[i]);
    weighted = dfy_code_bit(coder, &contexts->weighted[model_class], weighted);
    for (int i = 0; i < references && weighted; i++) dfy_code_weight(coder, &contexts->weight, i, &header->weight[i]);
}

void dfy_filter_picture(const DfyPictureCoding *picture, const DfyPictureHeader *header, DfyFrame *scratch) {
    dfy_deblock(picture);
    if (header->cdef[0] || header->cdef[1]) {
        dfy_extend_changed(picture, DFY_FRAME_NEAR);
        dfy_cdef(picture, header->cdef, scratch);
    }
    if (header->alf.on) {
        dfy_extend_changed(picture, DFY_FRAME_NEAR);
        dfy_alf(picture, &header->alf, scratch);
    }
    dfy_extend_changed(picture, DFY_FRAME_BORDER);
}

void dfy_lend_weighted(DfyPictureCoding *picture, DfyWeightedReferences *references, int i, DfyFrame *frame,
                       const DfyWeight *weight) {
    dfy_weight_frame(frame, picture->references[i], weight);
    references->frames[i] = frame;
    references->plain[i] = picture->references[i];
    picture->references[i] = frame;
}

DfyFrame *dfy_return_weighted(DfyPictureCoding *picture, DfyWeightedReferences *references, int i) {
    DfyFrame *frame = references->frames[i];
    if (frame) picture->references[i] = references->plain[i];
    references->frames[i] = NULL;
    return frame;
}

static void add_reference(DfyPictureCoding *picture, DfyReference reference, int long_term) {
    if (!reference.frame || picture->reference_count == DFY_MAX_REFERENCES) return;
    for (int i = 0; i < picture->reference_count; i++)
        if (picture->references[i] == reference.frame) return;
    picture->long_term[picture->reference_count] = (uint8_t)long_term;
    picture->reference_order[picture->reference_count] = reference.order;
    picture->references[picture->reference_count++] = reference.frame;
}

static void add_long_term(DfyPictureCoding *picture, const DfyFrame *frame) {
    add_reference(picture, (DfyReference){frame, 0}, 1);
}

void dfy_picture_references(DfyPictureCoding *picture, const DfyReferenceSources *sources) {
    picture->reference_count = 0;
    memset(picture->global, 0, sizeof picture->global);
    add_reference(picture, sources->past, 0);
    add_reference(picture, sources->future, 0);
    add_long_term(picture, sources->long_term);
    add_long_term(picture, sources->plate);
    add_long_term(picture, sources->long_term_anchor);
    add_reference(picture, sources->before, 0);
}

void dfy_picture_repeat(DfyPictureCoding *picture, DfyFrame *frame) {
    memset(picture->global, 0, sizeof picture->global);
    dfy_picture_coding_begin(picture, frame);
    memcpy(frame->tiles, picture->before, (size_t)(picture->columns * picture->rows) * sizeof *frame->tiles);
    dfy_frame_become(frame, picture->references[0]);
    int blocks8 = picture->stride8 * (picture->height / 8);
    dfy_note_alf(frame, picture, &(DfyAlf){0});
    for (int i = 0; i < blocks8; i++) frame->motion[i] = (DfyMotion){.reference = {0, -1}};
}
