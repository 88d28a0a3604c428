#include "video/decode/picture_decoder.h"

#include <stdlib.h>
#include <string.h>

#include "diffy/diffy.h"
#include "video/decode/origins.h"
#include "video/syntax/tiles.h"

#define MOST_SPARE 8 /* frames at hand that nobody holds; more are freed */

/* Frames that nobody holds. */
typedef struct Spare {
    DfyPool *pool; /* whose lock guards them, NULL: they are one thread's */
    DfyFrame *frames[MOST_SPARE];
    int count;
} Spare;

struct DfyPictureDecoder {
    int width, height;
    DfyPictureCoding picture;
    int16_t coefficients[DFY_SUPERBLOCK_COEFFICIENTS];
    DfyFrame *scratch; /* for the filters in the loop */
    Spare own, *spare; /* those it uses: its own, or another decoder's */
};

DfyPictureDecoder *dfy_picture_decoder_new(int width, int height) {
    DfyPictureDecoder *d = calloc(1, sizeof *d);
    if (!d) return NULL;
    d->width = width;
    d->height = height;
    d->spare = &d->own;
    d->scratch = dfy_frame_new(width, height);
    if (!dfy_picture_coding_open(&d->picture, width, height) && d->scratch) return d;
    dfy_picture_decoder_free(d);
    return NULL;
}

DfyPictureDecoder *dfy_picture_decoder_beside(DfyPictureDecoder *decoder) {
    DfyPictureDecoder *d = dfy_picture_decoder_new(decoder->width, decoder->height);
    if (d) d->spare = decoder->spare;
    return d;
}

void dfy_picture_decoder_share(DfyPictureDecoder *decoder, DfyPool *pool) {
    decoder->spare->pool = pool;
}

void dfy_picture_decoder_free(DfyPictureDecoder *d) {
    if (!d) return;
    while (d->own.count) dfy_frame_free(d->own.frames[--d->own.count]);
    dfy_frame_free(d->scratch);
    dfy_picture_coding_close(&d->picture);
    free(d);
}

/* ---------------------------------------------------------------- frames */

static void lock(const Spare *spare) {
    if (spare->pool) dfy_pool_lock(spare->pool);
}

static void unlock(const Spare *spare) {
    if (spare->pool) dfy_pool_unlock(spare->pool);
}

/* The spare frame that shows as many tiles of another (NULL: none) as there is; NULL when there is no spare one. */
static DfyFrame *take_spare(Spare *spare, const DfyFrame *like) {
    lock(spare);
    int best = dfy_most_alike(spare->frames, spare->count, like);
    DfyFrame *frame = best < 0 ? NULL : spare->frames[best];
    if (frame) spare->frames[best] = spare->frames[--spare->count];
    unlock(spare);
    return frame;
}

/* A frame for a picture that is much like another (NULL: none). */
static DfyFrame *take(DfyPictureDecoder *d, const DfyFrame *like) {
    DfyFrame *frame = take_spare(d->spare, like);
    if (!frame) {
        frame = dfy_coded_frame_new(d->width, d->height);
        if (!frame) return NULL;
        frame->origins = calloc((size_t)frame->motion_stride, (size_t)frame->plane[0].height / 8);
        if (!frame->origins) {
            dfy_frame_free(frame);
            return NULL;
        }
    }
    frame->users = 1;
    return frame;
}

/* Whoever holds a frame may hold it more than once, and give it back: the count is no part of the picture. */
static DfyFrame *counted(const DfyFrame *frame) {
    return (DfyFrame *)(uintptr_t)frame;
}

DfyFrame *dfy_hold_frame(const DfyFrame *frame) {
    DfyFrame *f = counted(frame);
    if (f) __atomic_add_fetch(&f->users, 1, __ATOMIC_RELAXED);
    return f;
}

void dfy_release_frame(DfyPictureDecoder *d, const DfyFrame *frame) {
    DfyFrame *f = counted(frame);
    if (!f || __atomic_sub_fetch(&f->users, 1, __ATOMIC_ACQ_REL)) return;
    lock(d->spare);
    int has_room = d->spare->count < MOST_SPARE;
    if (has_room) d->spare->frames[d->spare->count++] = f;
    unlock(d->spare);
    if (!has_room) dfy_frame_free(f);
}

/* ---------------------------------------------------------------- blocks */

/* What a superblock has turned out to be, as far as it is decoded. */
typedef struct Tile {
    int number;
    uint64_t identity; /* of the reference's tile that all blocks so far copy; 0: it is made anew */
    int blocks;
} Tile;

/* A still block whose pixels the frame shows already, from when it was another picture, needs no copying. */
static void reconstruct(DfyWalk *walk, const DfyBlock *block) {
    Tile *tile = walk->context;
    uint64_t identity = dfy_still_tile(walk->picture, block, tile->number);
    if (!tile->blocks++) tile->identity = identity;
    if (tile->identity != identity) tile->identity = 0;
    if (!identity || identity != walk->picture->before[tile->number])
        dfy_reconstruct_block(walk->picture, block, walk->coefficients);
}

/* The weights go on from those of the references as they are, not as they are weighted. */
static void decode_alf(DfyPictureDecoder *d, DfyRangeCoder *coder, DfyPictureHeader *header, DfyFrame *frame) {
    dfy_code_alf(coder, &frame->state->models, &d->picture, &header->alf);
    dfy_note_alf(frame, &d->picture, &header->alf);
}

/* All that follows a picture's header and references. The models in frame->state are those at its beginning. */
static void decode_blocks(DfyPictureDecoder *d, DfyRangeCoder *coder, DfyPictureHeader *header, DfyFrame *frame) {
    DfyPictureCoding *p = &d->picture;
    p->contexts = &frame->state->models;
    p->qp = header->qp;
    p->variable_qp = header->variable_qp;
    dfy_picture_coding_begin(p, frame);
    Tile tile = {0};
    DfyWalk walk = {.picture = p,
                    .coder = coder,
                    .qp = p->qp,
                    .coefficients = d->coefficients,
                    .block_done = reconstruct,
                    .context = &tile};
    for (int row = 0; row < p->rows; row++)
        for (int column = 0; column < p->columns; column++) {
            tile = (Tile){.number = row * p->columns + column};
            dfy_walk_superblock(&walk, column, row);
            dfy_note_tile(p, tile.number, tile.identity);
        }
    dfy_filter_picture(p, header, d->scratch);
}

/* The same with weighted references; they are themselves again afterwards. */
static int decode_weighted_blocks(DfyPictureDecoder *d, DfyRangeCoder *coder, DfyPictureHeader *header,
                                  DfyFrame *frame) {
    DfyWeightedReferences references = {0};
    int status = DFY_OK;
    for (int i = 0; i < d->picture.reference_count && !status; i++) {
        if (!dfy_weight_changes(&header->weight[i])) continue;
        DfyFrame *weighted = take(d, NULL);
        if (weighted)
            dfy_lend_weighted(&d->picture, &references, i, weighted, &header->weight[i]);
        else
            status = DFY_ERROR_MEMORY;
    }
    if (!status) decode_blocks(d, coder, header, frame);
    for (int i = 0; i < DFY_MAX_REFERENCES; i++) dfy_release_frame(d, dfy_return_weighted(&d->picture, &references, i));
    return status;
}

/* ---------------------------------------------------------------- pictures */

int dfy_decode_plate(DfyPictureDecoder *d, const uint8_t *data, size_t size, const DfyFrame **out) {
    DfyFrame *frame = take(d, NULL);
    if (!frame) return DFY_ERROR_MEMORY;
    DfyPictureHeader header = {0};
    DfyRangeCoder coder;
    dfy_range_decode_start(&coder, data, size);
    dfy_contexts_reset(&frame->state->models);
#ifdef DFY_TRAIN
    dfy_train_begin(&frame->state->models, NULL);
#endif
    dfy_code_picture(&coder, &frame->state->models, 0, &header, DFY_FIRST_QP);
    d->picture.reference_count = 0;
    dfy_set_class(&d->picture, 0);
    frame->order = 0;
    decode_alf(d, &coder, &header, frame);
    decode_blocks(d, &coder, &header, frame);
    *out = frame;
    return DFY_OK;
}

/* Gets what the picture's own bytes name. Held, where set, whatever is returned. */
static int fetch_references(const DfyCodedPicture *coded, const DfyMiniGroupHeader *group,
                            const DfyPictureHeader *header, DfyReferenceSources *sources) {
    int32_t index = group->map.index[coded->place.number];
    int status = DFY_OK;
    if (index >= 0) status = coded->fetch.long_term(coded->fetch.context, index, &sources->long_term);
    if (!status && header->long_term_anchor)
        status =
            coded->fetch.long_term_anchor(coded->fetch.context, header->long_term_anchor, &sources->long_term_anchor);
    return status;
}

static void repeat_past(DfyPictureDecoder *d, const DfyCodedPicture *coded, DfyFrame *frame) {
    DfyReferenceSources sources = {.past = coded->past};
    dfy_picture_references(&d->picture, &sources);
    dfy_picture_repeat(&d->picture, frame);
    dfy_note_origins(&d->picture, &sources);
}

/* A picture whose header comes next. Nothing of the decoder is set before all references are there: fetching may decode
 * others with it. */
static int decode_coded(DfyPictureDecoder *d, const DfyCodedPicture *coded, const DfyMiniGroupHeader *group,
                        DfyRangeCoder *coder, DfyFrame *frame) {
    DfyPictureHeader header = {0};
    int picture_class = dfy_picture_class(&coded->place), model_class = picture_class > 0;
    dfy_code_picture(coder, &frame->state->models, model_class, &header, dfy_layer_qp(group->qp, &coded->place));
    if (header.plate && !coded->plate) return DFY_ERROR_DAMAGED;
    DfyReferenceSources sources = {.past = coded->past,
                                   .future = coded->future,
                                   .before = coded->before,
                                   .plate = header.plate ? coded->plate : NULL};
    int status = fetch_references(coded, group, &header, &sources);
    if (!status) {
        dfy_set_class(&d->picture, picture_class);
        dfy_picture_references(&d->picture, &sources);
        dfy_code_weights(coder, &frame->state->models, model_class, d->picture.reference_count, &header);
        d->picture.frame = frame;
        dfy_code_global_motion(coder, &frame->state->models, &d->picture);
        decode_alf(d, coder, &header, frame);
        status = decode_weighted_blocks(d, coder, &header, frame);
    }
    if (!status) dfy_note_origins(&d->picture, &sources);
    dfy_release_frame(d, sources.long_term);
    dfy_release_frame(d, sources.long_term_anchor);
    return status;
}

/* An anchor's bytes begin with what it says of its group. */
static int decode_anchor(DfyPictureDecoder *d, const DfyCodedPicture *coded, DfyRangeCoder *coder, DfyFrame *frame) {
    DfyMiniGroupHeader *group = &frame->state->group;
    const DfyMiniGroupHeader *before = coded->past.frame ? &coded->past.frame->state->group : NULL;
    int status =
        dfy_code_mini_group(coder, &frame->state->models, group, coded->frames, before, coded->long_term_frames);
    if (status) return status;
    if (!dfy_code_repeats(coder, &frame->state->models, 0)) return decode_coded(d, coded, group, coder, frame);
    if (!coded->past.frame) return DFY_ERROR_DAMAGED;
    repeat_past(d, coded, frame);
    return DFY_OK;
}

int dfy_decode_picture(DfyPictureDecoder *d, const DfyCodedPicture *coded, const DfyFrame **out) {
    DfyFrame *frame = take(d, coded->past.frame ? coded->past.frame : coded->plate);
    if (!frame) return DFY_ERROR_MEMORY;
    int status = DFY_OK;
    DfyRangeCoder coder;
    dfy_range_decode_start(&coder, coded->data, coded->size);
    frame->order = coded->order;
    if (coded->models)
        frame->state->models = coded->models->state->models;
    else
        dfy_contexts_reset(&frame->state->models);
#ifdef DFY_TRAIN
    dfy_train_begin(&frame->state->models, coded->models ? &coded->models->state->models : NULL);
#endif
    if (!coded->group)
        status = decode_anchor(d, coded, &coder, frame);
    else if (coded->size)
        status = decode_coded(d, coded, coded->group, &coder, frame);
    else if (coded->past.frame)
        repeat_past(d, coded, frame);
    else
        status = DFY_ERROR_DAMAGED;
    if (status) dfy_release_frame(d, frame);
    *out = status ? NULL : frame;
    return status;
}
