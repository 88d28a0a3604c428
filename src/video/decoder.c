#include "video/decoder.h"

#include <stdlib.h>
#include <string.h>

#include "diffy.h"
#include "video/origins.h"

struct DfyVideoDecoder {
    int width, height;
    DfyPictureCoding picture;
    DfyContexts contexts;
    DfyContexts plate_contexts; /* what the plate has taught: entries begin with it */
    DfyRangeCoder coder;
    DfyStore store;
    int group_frames;      /* in store.group[1..], finished */
    struct DfyGroupStart { /* where the last group began, for decoding it once more */
        DfyContexts contexts;
        DfyRangeCoder coder;
        int last_qp;
        int32_t library_last;
    } start;
    int again;
    int group_still; /* the last group repeats the anchor, which stays the anchor */
    int last_qp, frame_number;
    DfyLibraryMap map; /* of the last group */
    DfyLibrarySource library;
    DfyFrame absent; /* stands for what is not wanted of the library; it has no pixels */
    int16_t coefficients[DFY_SUPERBLOCK_COEFFICIENTS];
    DfyFrame *spare[2 * DFY_MAX_GROUP + DFY_MAX_KEPT + 4];
    int spare_count;
};

DfyVideoDecoder *dfy_video_decoder_new(int width, int height, int keep) {
    DfyVideoDecoder *d = calloc(1, sizeof *d);
    if (!d) return NULL;
    d->width = width;
    d->height = height;
    d->store.keep = keep;
    if (dfy_picture_coding_open(&d->picture, width, height)) {
        dfy_video_decoder_free(d);
        return NULL;
    }
    d->picture.contexts = &d->contexts;
    dfy_contexts_reset(&d->contexts);
    dfy_contexts_reset(&d->plate_contexts);
    return d;
}

static void give_back(DfyVideoDecoder *d, DfyFrame **frame) {
    if (*frame) {
        if (d->spare_count < (int)(sizeof d->spare / sizeof *d->spare))
            d->spare[d->spare_count++] = *frame;
        else
            dfy_frame_free(*frame);
    }
    *frame = NULL;
}

static void drop_kept(DfyVideoDecoder *d) {
    while (d->store.kept_count) give_back(d, &d->store.kept[--d->store.kept_count]);
    d->store.group[0] = NULL;
}

static void drop_library(DfyVideoDecoder *d) {
    for (int i = 1; i <= DFY_MAX_GROUP; i++) {
        if (d->store.library[i] == &d->absent) d->store.library[i] = NULL;
        give_back(d, &d->store.library[i]);
    }
}

void dfy_video_decoder_free(DfyVideoDecoder *d) {
    if (!d) return;
    drop_library(d);
    give_back(d, &d->store.plate);
    drop_kept(d);
    for (int i = 1; i <= DFY_MAX_GROUP; i++) give_back(d, &d->store.group[i]);
    while (d->spare_count) dfy_frame_free(d->spare[--d->spare_count]);
    dfy_picture_coding_close(&d->picture);
    free(d);
}

static DfyFrame *take(DfyVideoDecoder *d) {
    if (d->spare_count) return d->spare[--d->spare_count];
    DfyFrame *frame = dfy_frame_new(d->width, d->height);
    if (!frame) return NULL;
    frame->origins = calloc((size_t)frame->motion_stride, (size_t)frame->plane[0].height / 8);
    if (!frame->origins) {
        dfy_frame_free(frame);
        return NULL;
    }
    return frame;
}

static void reconstruct(DfyWalk *walk, const DfyBlock *block) {
    dfy_reconstruct_block(walk->picture, block, walk->coefficients);
}

static int walk_picture(DfyVideoDecoder *d, const DfyPictureHeader *header, DfyFrame *frame, int wanted) {
    DfyPictureCoding *p = &d->picture;
    dfy_picture_coding_begin(p, frame);
    DfyWalk walk = {.picture = p,
                    .coder = &d->coder,
                    .qp = p->qp,
                    .coefficients = d->coefficients,
                    .block_done = wanted ? reconstruct : NULL};
    for (int row = 0; row < p->rows; row++)
        for (int column = 0; column < p->columns; column++) dfy_walk_superblock(&walk, column, row);
    if (!wanted) return DFY_OK;
    DfyFrame *scratch = take(d);
    if (!scratch) return DFY_ERROR_MEMORY;
    dfy_filter_picture(p, header, scratch);
    give_back(d, &scratch);
    return DFY_OK;
}

int dfy_video_decode_plate(DfyVideoDecoder *d, const uint8_t *data, size_t size) {
    DfyFrame *frame = take(d);
    if (!frame) return DFY_ERROR_MEMORY;
    DfyPictureHeader header = {0};
    dfy_contexts_reset(&d->contexts);
    dfy_range_decode_start(&d->coder, data, size);
    dfy_code_picture(&d->coder, &d->contexts, 0, &header, 32);
    if (header.copy) {
        give_back(d, &frame);
        return DFY_ERROR_DAMAGED;
    }
    d->picture.reference_count = 0;
    d->picture.picture_class = 0;
    dfy_code_alf(&d->coder, &d->contexts, &d->picture, &header.alf);
    dfy_note_alf(frame, &d->picture, &header.alf);
    d->picture.qp = header.qp;
    d->picture.variable_qp = header.variable_qp;
    int status = walk_picture(d, &header, frame, 1);
    if (status) {
        give_back(d, &frame);
        return status;
    }
    d->plate_contexts = d->contexts;
    give_back(d, &d->store.plate);
    d->store.plate = frame;
    return DFY_OK;
}

/* The frames of the group before make room; its last is the new group's anchor. */
static void advance(DfyVideoDecoder *d) {
    if (!d->group_frames) return;
    if (d->group_still) { /* the anchor stays the anchor */
        d->store.group[0]->order += d->group_frames;
        give_back(d, &d->store.group[d->group_frames]);
    } else {
        DfyFrame *dropped = dfy_store_keep(&d->store, d->store.group[d->group_frames]);
        d->store.group[d->group_frames] = NULL;
        give_back(d, &dropped);
    }
    for (int i = 1; i < d->group_frames; i++) give_back(d, &d->store.group[i]);
    d->frame_number += d->group_frames;
    d->group_frames = 0;
}

static void drop_group(DfyVideoDecoder *d) {
    for (int i = 1; i <= DFY_MAX_GROUP; i++) give_back(d, &d->store.group[i]);
    d->group_frames = 0;
}

void dfy_video_decoder_enter(DfyVideoDecoder *d) {
    drop_group(d);
    d->again = 0;
    drop_kept(d);
    d->contexts = d->plate_contexts;
    d->last_qp = 32;
    d->map.last = 0;
    d->frame_number = 0;
}

void dfy_video_decoder_set_library(DfyVideoDecoder *d, const DfyLibrarySource *library) {
    if (library->frames != d->map.frames) d->map.last = 0; /* another: segments go on with the one before */
    d->library = *library;
    d->map.frames = library->frames;
}

void dfy_video_decoder_read(DfyVideoDecoder *d, const uint8_t *data, size_t size) {
    dfy_range_decode_start(&d->coder, data, size);
}

/* Marks the pictures that frame `want` is made of: itself and what encloses it, up to the anchors. */
static void mark_wanted(const DfyGroupPicture *pictures, int frames, int want, uint8_t wanted[DFY_MAX_GROUP + 1]) {
    memset(wanted, want == DFY_WANT_ALL, DFY_MAX_GROUP + 1);
    wanted[frames] = 1; /* the anchor is what the next group needs */
    if (want > 0 && want < frames) wanted[want] = 1;
    for (int i = frames - 1; i > 0; i--) /* children come after their parents */
        if (wanted[pictures[i].number]) wanted[pictures[i].past] = wanted[pictures[i].future] = 1;
}

/* Walks a picture whose references may be wanted under another light; they are themselves again afterwards. */
static int walk_lit_picture(DfyVideoDecoder *d, const DfyPictureHeader *header, DfyFrame *frame, int wanted) {
    DfyLitReferences references = {0};
    int status = DFY_OK;
    for (int i = 0; i < d->picture.reference_count && wanted && !status; i++) {
        if (!dfy_light_changes(&header->light[i])) continue;
        DfyFrame *lit = take(d);
        if (lit)
            dfy_lend_lit(&d->picture, &references, i, lit, &header->light[i]);
        else
            status = DFY_ERROR_MEMORY;
    }
    if (!status) status = walk_picture(d, header, frame, wanted);
    for (int i = 0; i < DFY_MAX_REFERENCES; i++) {
        DfyFrame *lit = dfy_return_lit(&d->picture, &references, i);
        give_back(d, &lit);
    }
    return status;
}

static int decode_picture(DfyVideoDecoder *d, const DfyGroupPicture *place, int group_qp, int wanted) {
    DfyFrame *frame = take(d);
    if (!frame) return DFY_ERROR_MEMORY;
    d->store.group[place->number] = frame;
    frame->order = d->frame_number + place->number;
    DfyPictureHeader header = {0};
    d->picture.picture_class = dfy_picture_class(place);
    dfy_code_picture(&d->coder, &d->contexts, d->picture.picture_class, &header, dfy_level_qp(group_qp, place));
    if (header.copy) header.plate = header.stored = 0;
    if ((header.plate && !d->store.plate) || header.stored > d->store.kept_count) return DFY_ERROR_DAMAGED;
    dfy_picture_references(&d->picture, &d->store, place, &header);
    dfy_code_lights(&d->coder, &d->contexts, d->picture.picture_class, d->picture.reference_count, &header);
    d->picture.qp = header.qp;
    d->picture.variable_qp = header.variable_qp;
    if (!header.copy) {
        dfy_code_alf(&d->coder, &d->contexts, &d->picture, &header.alf);
        dfy_note_alf(frame, &d->picture, &header.alf);
        int status = walk_lit_picture(d, &header, frame, wanted);
        if (status) return status;
    } else if (d->store.group[place->past]) {
        dfy_picture_repeat(&d->picture, frame);
    } else {
        return DFY_ERROR_DAMAGED;
    }
    if (wanted) dfy_note_origins(&d->picture, &d->store, place);
    return DFY_OK;
}

static int decode_still(DfyVideoDecoder *d, int want, int frames) {
    if (!d->store.group[0]) return DFY_ERROR_DAMAGED;
    DfyGroupPicture place = {.number = 1, .past = 0, .future = -1};
    DfyPictureHeader header = {0};
    dfy_picture_references(&d->picture, &d->store, &place, &header);
    for (int i = 1; i <= frames; i++) {
        if (want != DFY_WANT_ALL && i != want && i != frames) continue;
        if (!(d->store.group[i] = take(d))) return DFY_ERROR_MEMORY;
        d->store.group[i]->order = d->frame_number + i;
        dfy_picture_repeat(&d->picture, d->store.group[i]);
        dfy_note_origins(&d->picture, &d->store, &place);
    }
    return DFY_OK;
}

/* Gets what the wanted pictures take from the library. */
static int fetch_library(DfyVideoDecoder *d, int frames, const uint8_t wanted[DFY_MAX_GROUP + 1], int sparse) {
    int32_t left[DFY_MAX_GROUP + 1];
    for (int i = 1; i <= frames && d->map.frames; i++) {
        left[i] = wanted[i] ? d->map.index[i] : -1;
        if (d->map.index[i] >= 0) d->store.library[i] = &d->absent;
    }
    for (int i; d->map.frames && (i = dfy_earliest_of_library(left, frames)) > 0; left[i] = -1) {
        const DfyFrame *found;
        int status = d->library.fetch(d->library.context, left[i], sparse, &found);
        if (status) return status;
        if (!(d->store.library[i] = take(d))) return DFY_ERROR_MEMORY;
        dfy_library_picture(d->store.library[i], found);
    }
    return DFY_OK;
}

static int decode_group(DfyVideoDecoder *d, int want, int limit, int *frames) {
    DfyGroupHeader header = {.frames = 1};
    dfy_code_group(&d->coder, &d->contexts, &header, d->last_qp);
    d->last_qp = header.qp;
    if (header.frames > limit || (!d->store.group[0] && header.frames != 1)) return DFY_ERROR_DAMAGED;
    *frames = header.frames;
    d->group_still = header.still;
    if (header.still) return decode_still(d, want, header.frames);
    DfyGroupPicture pictures[DFY_MAX_GROUP];
    uint8_t wanted[DFY_MAX_GROUP + 1];
    dfy_group_order_pictures(pictures, header.frames);
    mark_wanted(pictures, header.frames, want, wanted);
    int status = dfy_code_library_map(&d->coder, &d->contexts, &d->map, header.frames);
    if (!status) status = fetch_library(d, header.frames, wanted, want != DFY_WANT_ALL);
    for (int i = 0; i < header.frames && !status; i++)
        status = decode_picture(d, &pictures[i], header.qp, wanted[pictures[i].number]);
    drop_library(d);
    return status;
}

int dfy_video_decode_group(DfyVideoDecoder *d, int want, int limit, int again, int *frames) {
    if (d->again) {
        drop_group(d);
        d->contexts = d->start.contexts;
        d->coder = d->start.coder;
        d->last_qp = d->start.last_qp;
        d->map.last = d->start.library_last;
    } else {
        advance(d);
    }
    if (again) {
        d->start.contexts = d->contexts;
        d->start.coder = d->coder;
        d->start.last_qp = d->last_qp;
        d->start.library_last = d->map.last;
    }
    d->again = again;
    int status = decode_group(d, want, limit, frames);
    if (status)
        drop_group(d);
    else
        d->group_frames = *frames;
    return status;
}

void dfy_video_decoder_keep(DfyVideoDecoder *d) {
    d->again = 0;
}

const DfyFrame *dfy_video_decoder_frame(const DfyVideoDecoder *d, int number) {
    return d->store.group[number];
}
