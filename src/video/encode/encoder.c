#include "video/encode/encoder.h"
#include "video/encode/propagate.h"
#include "video/encode/temporal.h"

#include <stdlib.h>
#include <string.h>

#include "diffy.h"

#define MAX_THREADS 16

struct DfyVideoEncoder {
    int width, height;
    DfyEffort effort;
    DfyPool *pool;
    DfyDecider *deciders[MAX_THREADS];
    DfyPictureCoding picture;
    DfyContexts contexts;
    DfyStore store;
    DfyPlan *plans;                     /* a superblock each */
    int16_t *coefficients;              /* of all plans */
    int *progress;                      /* superblocks decided, a row */
    uint8_t *qps;                       /* four a superblock */
    DfyFrame *spare[DFY_MAX_KEPT + 80]; /* frames not in use */
    int spare_count;
    DfyContexts plate_contexts; /* what coding the plate has taught: entries begin with it */
    int last_qp;                /* of the group before */
    int frame_number;           /* of the last anchor, since the entry */
    const DfyFrame *source;     /* of the picture being decided */
    DfyPropagation *propagation;
    uint8_t *thumbnails[DFY_MAX_KEPT]; /* of the kept anchors' sources */
    int thumbnail_bytes;
    DfyFrame *filtered;      /* the picture at hand without its noise */
    DfyFrame *anchor_source; /* the last anchor as it came, NULL at an entry */
};

static const DfyEffort efforts[10] = {
    {0},
    {2, 0, 1, 0, 0, 2, 0, 3},
    {3, 0, 1, 0, 0, 3, 0, 3},
    {4, 0, 1, 0, 1, 3, 1, 3},
    {6, 0, 2, 0, 1, 3, 1, 2},
    {8, 0, 2, 1, 1, 4, 1, 2},
    {10, 1, 2, 1, 1, 4, 1, 2},
    {12, 1, 3, 1, 1, 4, 2, 1},
    {16, 1, 4, 1, 1, 4, 2, 1},
    {24, 1, 5, 1, 1, 4, 3, 0},
};

DfyVideoEncoder *dfy_video_encoder_new(int width, int height, int effort, int threads, int keep) {
    DfyVideoEncoder *e = calloc(1, sizeof *e);
    if (!e) return NULL;
    e->width = width;
    e->height = height;
    e->effort = efforts[effort];
    e->store.keep = keep;
    e->thumbnail_bytes = (dfy_coded_size(width) / 8) * (dfy_coded_size(height) / 8);
    int status = dfy_picture_coding_open(&e->picture, width, height);
    int count = e->picture.columns * e->picture.rows;
    e->plans = calloc((size_t)count, sizeof *e->plans);
    e->coefficients = calloc((size_t)count * DFY_SUPERBLOCK_COEFFICIENTS, sizeof *e->coefficients);
    e->progress = calloc((size_t)e->picture.rows, sizeof *e->progress);
    e->qps = malloc((size_t)count * 4);
    if (threads > MAX_THREADS) threads = MAX_THREADS;
    if (threads > e->picture.rows) threads = e->picture.rows;
    e->pool = dfy_pool_new(threads);
    e->propagation = dfy_propagation_new(width, height);
    int ok = !status && e->plans && e->coefficients && e->progress && e->qps && e->pool && e->propagation;
    for (int i = 0; ok && i < keep; i++) ok = (e->thumbnails[i] = malloc((size_t)e->thumbnail_bytes)) != NULL;
    for (int i = 0; ok && i < dfy_pool_threads(e->pool); i++) ok = (e->deciders[i] = dfy_decider_new()) != NULL;
    if (!ok) {
        dfy_video_encoder_free(e);
        return NULL;
    }
    for (int i = 0; i < count; i++)
        e->plans[i].coefficients = e->coefficients + (size_t)i * DFY_SUPERBLOCK_COEFFICIENTS;
    e->picture.contexts = &e->contexts;
    dfy_contexts_reset(&e->contexts);
    dfy_contexts_reset(&e->plate_contexts);
    return e;
}

DfyFrame *dfy_video_encoder_take(DfyVideoEncoder *e) {
    DfyFrame *frame = e->spare_count ? e->spare[--e->spare_count] : dfy_frame_new(e->width, e->height);
    return frame;
}

void dfy_video_encoder_give_back(DfyVideoEncoder *e, DfyFrame *frame) {
    if (!frame) return;
    if (e->spare_count < (int)(sizeof e->spare / sizeof *e->spare))
        e->spare[e->spare_count++] = frame;
    else
        dfy_frame_free(frame);
}

void dfy_video_encoder_free(DfyVideoEncoder *e) {
    if (!e) return;
    dfy_propagation_free(e->propagation);
    dfy_frame_free(e->anchor_source);
    dfy_frame_free(e->filtered);
    dfy_frame_free(e->store.plate);
    while (e->store.kept_count) dfy_frame_free(e->store.kept[--e->store.kept_count]);
    for (int i = 0; i < DFY_MAX_KEPT; i++) free(e->thumbnails[i]);
    while (e->spare_count) dfy_frame_free(e->spare[--e->spare_count]);
    for (int i = 0; i < MAX_THREADS; i++) dfy_decider_free(e->deciders[i]);
    dfy_pool_free(e->pool);
    dfy_picture_coding_close(&e->picture);
    free(e->plans);
    free(e->coefficients);
    free(e->progress);
    free(e->qps);
    free(e);
}

void dfy_video_encoder_enter(DfyVideoEncoder *e) {
    while (e->store.kept_count) dfy_video_encoder_give_back(e, e->store.kept[--e->store.kept_count]);
    e->store.group[0] = NULL;
    dfy_video_encoder_give_back(e, e->anchor_source);
    e->anchor_source = NULL;
    e->contexts = e->plate_contexts;
    e->last_qp = 32;
    e->frame_number = 0;
}

/* ---------------------------------------------------------------- one picture */

static void decide_row(void *context, int row, int thread) {
    DfyVideoEncoder *e = context;
    DfyPictureCoding *p = &e->picture;
    for (int column = 0; column < p->columns; column++) {
        int needed = column + 2 < p->columns ? column + 2 : p->columns;
        if (row) dfy_pool_wait(e->pool, &e->progress[row - 1], needed);
        int at = row * p->columns + column;
        dfy_decide_superblock(e->deciders[thread], p, e->source, &e->effort, column, row, e->qps + 4 * at,
                              &e->plans[at]);
        dfy_pool_advance(e->pool, &e->progress[row], column + 1);
    }
}

/* Whether every block stands still on the first reference: the picture is its copy. */
static int is_copy(const DfyVideoEncoder *e) {
    for (int i = 0; i < e->picture.columns * e->picture.rows; i++)
        for (int b = 0; b < e->plans[i].count; b++) {
            const DfyBlock *block = &e->plans[i].blocks[b];
            const DfyMotion *m = &block->motion[0];
            if (block->kind != DFY_SKIP || m->reference[0] != 0 || m->reference[1] >= 0 || m->mv[0][0] || m->mv[0][1])
                return 0;
        }
    return 1;
}

/* Decides a picture into `frame`; references, class and qp are set in e->picture. */
static void decide_picture(DfyVideoEncoder *e, const DfyFrame *source, DfyFrame *frame) {
    dfy_picture_coding_begin(&e->picture, frame);
    e->source = source;
    memset(e->progress, 0, (size_t)e->picture.rows * sizeof *e->progress);
    dfy_pool_run(e->pool, e->picture.rows, decide_row, e);
    dfy_deblock(&e->picture);
    dfy_frame_extend(frame);
}

static void write_blocks(DfyVideoEncoder *e, DfyRangeCoder *coder) {
    DfyWalk walk = {.picture = &e->picture, .coder = coder, .qp = e->picture.qp};
    for (int row = 0; row < e->picture.rows; row++)
        for (int column = 0; column < e->picture.columns; column++) {
            DfyPlan *plan = &e->plans[row * e->picture.columns + column];
            walk.next = plan->blocks;
            walk.coefficients = plan->coefficients;
            dfy_walk_superblock(&walk, column, row);
        }
}

int dfy_video_encode_plate(DfyVideoEncoder *e, DfyRangeCoder *coder, const DfyFrame *source, int qp) {
    DfyFrame *frame = dfy_video_encoder_take(e);
    if (!frame) return DFY_ERROR_MEMORY;
    DfyContexts kept = e->contexts;
    dfy_contexts_reset(&e->contexts);
    e->picture.reference_count = 0;
    e->picture.picture_class = 0;
    e->picture.qp = qp;
    e->picture.variable_qp = 0;
    memset(e->qps, e->picture.qp, (size_t)(e->picture.columns * e->picture.rows) * 4);
    decide_picture(e, source, frame);
    DfyPictureHeader header = {.qp = qp};
    dfy_code_picture(coder, &e->contexts, 0, &header, 32);
    write_blocks(e, coder);
    e->plate_contexts = e->contexts;
    e->contexts = kept;
    dfy_video_encoder_give_back(e, e->store.plate);
    e->store.plate = frame;
    return coder->failed ? DFY_ERROR_MEMORY : DFY_OK;
}

/* Sets the quantiser of every 32x32 square of a picture; returns whether they differ. */
static int set_quantisers(DfyVideoEncoder *e, int number, int qp) {
    int differ = 0;
    for (int row = 0; row < e->picture.rows; row++)
        for (int column = 0; column < e->picture.columns; column++)
            for (int i = 0; i < 4; i++) {
                int x = column * 64 + (i & 1) * 32, y = row * 64 + (i >> 1) * 32;
                int inside = x < e->picture.width && y < e->picture.height;
                int offset = inside ? dfy_propagated_offset(e->propagation, number, x, y) : 0;
                e->qps[(row * e->picture.columns + column) * 4 + i] = (uint8_t)dfy_clamp(qp + offset, 0, DFY_MAX_QP);
                differ |= offset;
            }
    return differ != 0;
}

/* ---------------------------------------------------------------- pictures that came before */

/* Unlikeness: squared differences, so that a few squares far apart weigh more than a shade over all. */
static uint64_t unlike(const DfyVideoEncoder *e, const uint8_t *a, const uint8_t *b) {
    uint64_t sum = 0;
    for (int i = 0; i < e->thumbnail_bytes; i++) sum += (uint64_t)((a[i] - b[i]) * (a[i] - b[i]));
    return sum;
}

static void keep_anchor(DfyVideoEncoder *e, DfyFrame *anchor, const DfyFrame *source) {
    DfyFrame *dropped = dfy_store_keep(&e->store, anchor);
    int last = e->store.kept_count - 1;
    if (dropped) { /* the thumbnails move with their anchors */
        uint8_t *free_one = e->thumbnails[0];
        memmove(e->thumbnails, e->thumbnails + 1, (size_t)last * sizeof *e->thumbnails);
        e->thumbnails[last] = free_one;
        dfy_video_encoder_give_back(e, dropped);
    }
    memcpy(e->thumbnails[last], source->thumbnail, (size_t)e->thumbnail_bytes);
}

/* The kept anchor before the last two that is most like `source`: how many before the end, and how unlike. */
static int most_alike(const DfyVideoEncoder *e, const DfyFrame *source, uint64_t *least) {
    int found = 0;
    *least = UINT64_MAX;
    for (int i = 0; i < e->store.kept_count - 1; i++) {
        uint64_t distance = unlike(e, source->thumbnail, e->thumbnails[i]);
        if (distance >= *least) continue;
        *least = distance;
        found = e->store.kept_count - i;
    }
    return found;
}

/* The kept anchor worth having as a reference: one nearer than the picture's neighbours in time are. */
static int find_stored(const DfyVideoEncoder *e, const DfyGroupPicture *place, DfyFrame *const *sources) {
    uint64_t least, nearest = UINT64_MAX;
    const DfyFrame *own = sources[place->number - 1];
    int found = most_alike(e, own, &least);
    for (int d = 0; found && d < 2; d++) {
        int number = d ? place->future : place->past;
        if (number < 0 || (number == 0 && !e->anchor_source)) continue;
        const DfyFrame *other = number ? sources[number - 1] : e->anchor_source;
        uint64_t distance = unlike(e, own->thumbnail, other->thumbnail);
        if (distance < nearest) nearest = distance;
    }
    return least < nearest / 5 * 4 ? found : 0;
}

int dfy_video_encoder_group_length(DfyVideoEncoder *e, DfyFrame *const *sources, int count, int usual) {
    int best = usual < count ? usual : count;
    if (e->store.kept_count < 3 || count <= usual) return best;
    uint64_t least, here;
    most_alike(e, sources[usual - 1], &least);
    least = least / 5 * 3; /* a group of another length must gain something */
    for (int n = usual * 5 / 8; n <= usual * 11 / 8 && n <= count && n <= DFY_MAX_GROUP; n++) {
        most_alike(e, sources[n - 1], &here);
        if (here >= least) continue;
        least = here;
        best = n;
    }
    return best;
}

static int encode_picture(DfyVideoEncoder *e, DfyRangeCoder *coder, const DfyGroupPicture *place,
                          DfyFrame *const *sources, int count, int group_qp, int qp) {
    DfyFrame *frame = dfy_video_encoder_take(e);
    if (!frame) return DFY_ERROR_MEMORY;
    const DfyFrame *source = sources[place->number - 1];
    DfyPictureHeader header = {.qp = qp, .plate = e->store.plate != NULL};
    frame->order = e->frame_number + place->number;
    e->picture.picture_class = dfy_picture_class(place);
    e->picture.qp = header.qp;
    memset(e->qps, qp, (size_t)(e->picture.columns * e->picture.rows) * 4);
    if (place->referred) header.variable_qp = set_quantisers(e, place->number, qp);
    e->picture.variable_qp = header.variable_qp;
    header.stored = find_stored(e, place, sources);
    dfy_picture_references(&e->picture, &e->store, place, &header);
    int has_past = e->store.group[place->past] != NULL;
    if (has_past && place->past > 0 && dfy_frame_same(source, sources[place->past - 1])) {
        header.copy = 1;
    } else {
        if (place->level == 0) {
            if (!e->filtered && !(e->filtered = dfy_video_encoder_take(e))) return DFY_ERROR_MEMORY;
            if (dfy_temporal_filter(e->pool, e->filtered, sources, place->number - 1, count, qp)) source = e->filtered;
        }
        decide_picture(e, source, frame);
        header.copy = has_past && is_copy(e);
    }
    dfy_code_picture(coder, &e->contexts, e->picture.picture_class, &header, dfy_level_qp(group_qp, place));
    if (header.copy)
        dfy_picture_repeat(&e->picture, frame);
    else
        write_blocks(e, coder);
    e->store.group[place->number] = frame;
    return coder->failed ? DFY_ERROR_MEMORY : DFY_OK;
}

/* The pictures of a group, which stay in store.group[1..frames]. */
static int code_group(DfyVideoEncoder *e, DfyRangeCoder *coder, DfyFrame *const *sources, int frames, int ahead,
                      int qp) {
    DfyGroupPicture pictures[DFY_MAX_GROUP];
    DfyGroupHeader header = {.frames = frames, .qp = qp};
    /* Quantiser steps above the anchor's by level, and of pictures that nothing refers to. */
    static const int8_t offsets[6] = {0, 4, 5, 7, 7, 8};
    dfy_code_group(coder, &e->contexts, &header, e->last_qp);
    e->last_qp = header.qp;
    dfy_group_order_pictures(pictures, frames);
    dfy_propagate(e->propagation, e->pool, e->anchor_source, sources, frames, ahead);
    for (int i = 0; i < frames; i++) {
        int level = pictures[i].referred ? pictures[i].level : 5;
        if (level > 5) level = 5;
        int status = encode_picture(e, coder, &pictures[i], sources, frames + ahead, qp,
                                    dfy_clamp(qp + offsets[level], 0, DFY_MAX_QP));
        if (status) return status;
        if (pictures[i].referred) continue;
        dfy_video_encoder_give_back(e, e->store.group[pictures[i].number]); /* nothing needs it any more */
        e->store.group[pictures[i].number] = NULL;
    }
    return DFY_OK;
}

int dfy_video_encoder_measure(DfyVideoEncoder *e, DfyFrame *const *sources, int frames, int ahead, int qp,
                              uint64_t *bytes) {
    DfyContexts contexts = e->contexts;
    DfyRangeCoder coder;
    int last_qp = e->last_qp;
    dfy_range_encode_start(&coder);
    int status = code_group(e, &coder, sources, frames, ahead, qp);
    *bytes = coder.size + coder.pending;
    dfy_range_free(&coder);
    for (int i = 1; i <= frames; i++) {
        dfy_video_encoder_give_back(e, e->store.group[i]);
        e->store.group[i] = NULL;
    }
    e->contexts = contexts;
    e->last_qp = last_qp;
    return status;
}

int dfy_video_encode_group(DfyVideoEncoder *e, DfyRangeCoder *coder, DfyFrame *const *sources, int frames, int ahead,
                           int qp) {
    int status = code_group(e, coder, sources, frames, ahead, qp);
    if (status) return status;
    keep_anchor(e, e->store.group[frames], sources[frames - 1]);
    for (int i = 1; i < frames; i++) dfy_video_encoder_give_back(e, e->store.group[i]);
    for (int i = 1; i <= frames; i++) e->store.group[i] = NULL;
    e->frame_number += frames;
    if (!e->anchor_source && !(e->anchor_source = dfy_video_encoder_take(e))) return DFY_ERROR_MEMORY;
    dfy_frame_copy(e->anchor_source, sources[frames - 1]);
    return dfy_frame_make_thumbnail(e->anchor_source);
}

int dfy_video_encode_still(DfyVideoEncoder *e, DfyRangeCoder *coder, int frames) {
    DfyGroupHeader header = {.frames = frames, .still = 1, .qp = e->last_qp};
    dfy_code_group(coder, &e->contexts, &header, e->last_qp);
    e->store.group[0]->order += frames; /* the anchor stays the anchor */
    e->frame_number += frames;
    return coder->failed ? DFY_ERROR_MEMORY : DFY_OK;
}
