#include "video/encode/encoder.h"

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
    DfyPlan *plans;        /* a superblock each */
    int16_t *coefficients; /* of all plans */
    int *progress;         /* superblocks decided, a row */
    uint8_t *qps;          /* four a superblock */
    DfyFrame *spare[80];   /* frames not in use */
    int spare_count;
    int last_qp;            /* of the group before */
    int frame_number;       /* of the last anchor, since the entry */
    const DfyFrame *source; /* of the picture being decided */
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

DfyVideoEncoder *dfy_video_encoder_new(int width, int height, int effort, int threads) {
    DfyVideoEncoder *e = calloc(1, sizeof *e);
    if (!e) return NULL;
    e->width = width;
    e->height = height;
    e->effort = efforts[effort];
    int status = dfy_picture_coding_open(&e->picture, width, height);
    int count = e->picture.columns * e->picture.rows;
    e->plans = calloc((size_t)count, sizeof *e->plans);
    e->coefficients = calloc((size_t)count * DFY_SUPERBLOCK_COEFFICIENTS, sizeof *e->coefficients);
    e->progress = calloc((size_t)e->picture.rows, sizeof *e->progress);
    e->qps = malloc((size_t)count * 4);
    if (threads > MAX_THREADS) threads = MAX_THREADS;
    if (threads > e->picture.rows) threads = e->picture.rows;
    e->pool = dfy_pool_new(threads);
    int ok = !status && e->plans && e->coefficients && e->progress && e->qps && e->pool;
    for (int i = 0; ok && i < dfy_pool_threads(e->pool); i++) ok = (e->deciders[i] = dfy_decider_new()) != NULL;
    if (!ok) {
        dfy_video_encoder_free(e);
        return NULL;
    }
    for (int i = 0; i < count; i++)
        e->plans[i].coefficients = e->coefficients + (size_t)i * DFY_SUPERBLOCK_COEFFICIENTS;
    e->picture.contexts = &e->contexts;
    dfy_contexts_reset(&e->contexts);
    return e;
}

DfyFrame *dfy_video_encoder_take(DfyVideoEncoder *e) {
    DfyFrame *frame = e->spare_count ? e->spare[--e->spare_count] : dfy_frame_new(e->width, e->height);
    if (frame) frame->still = 0;
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
    dfy_frame_free(e->store.plate);
    dfy_frame_free(e->store.older);
    dfy_frame_free(e->store.group[0]);
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
    dfy_video_encoder_give_back(e, e->store.older);
    dfy_video_encoder_give_back(e, e->store.group[0]);
    e->store.older = e->store.group[0] = NULL;
    dfy_contexts_reset(&e->contexts);
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
    memset(e->qps, e->picture.qp, (size_t)(e->picture.columns * e->picture.rows) * 4);
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
    frame->still = 1;
    DfyContexts kept = e->contexts;
    dfy_contexts_reset(&e->contexts);
    e->picture.reference_count = 0;
    e->picture.picture_class = 0;
    e->picture.qp = qp;
    e->picture.variable_qp = 0;
    decide_picture(e, source, frame);
    DfyPictureHeader header = {.qp = qp};
    dfy_code_picture(coder, &e->contexts, 0, &header, 32);
    write_blocks(e, coder);
    e->contexts = kept;
    dfy_video_encoder_give_back(e, e->store.plate);
    e->store.plate = frame;
    return coder->failed ? DFY_ERROR_MEMORY : DFY_OK;
}

static int same_pixels(const DfyFrame *a, const DfyFrame *b) {
    for (int p = 0; p < 3; p++)
        for (int y = 0; y < a->plane[p].height; y++)
            if (memcmp(a->plane[p].pixels + y * a->plane[p].stride, b->plane[p].pixels + y * b->plane[p].stride,
                       (size_t)a->plane[p].width))
                return 0;
    return 1;
}

static int encode_picture(DfyVideoEncoder *e, DfyRangeCoder *coder, const DfyGroupPicture *place,
                          DfyFrame *const *sources, int group_qp, int qp) {
    DfyFrame *frame = dfy_video_encoder_take(e);
    if (!frame) return DFY_ERROR_MEMORY;
    const DfyFrame *source = sources[place->number - 1];
    DfyPictureHeader header = {.qp = qp, .plate = e->store.plate != NULL};
    frame->order = e->frame_number + place->number;
    e->picture.picture_class = dfy_picture_class(place);
    e->picture.qp = header.qp;
    e->picture.variable_qp = header.variable_qp;
    dfy_picture_references(&e->picture, &e->store, place, header.plate);
    int has_past = e->store.group[place->past] != NULL;
    if (has_past && place->past > 0 && same_pixels(source, sources[place->past - 1])) {
        header.copy = 1;
    } else {
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

int dfy_video_encode_group(DfyVideoEncoder *e, DfyRangeCoder *coder, DfyFrame *const *sources, int frames, int qp) {
    DfyGroupPicture pictures[DFY_MAX_GROUP];
    DfyGroupHeader header = {.frames = frames, .qp = qp};
    static const int8_t offsets[6] = {0, 3, 4, 5, 6, 6};
    dfy_code_group(coder, &e->contexts, &header, e->last_qp);
    e->last_qp = header.qp;
    dfy_group_order_pictures(pictures, frames);
    for (int i = 0; i < frames; i++) {
        int level = pictures[i].referred ? pictures[i].level : 5;
        if (level > 5) level = 5;
        int status = encode_picture(e, coder, &pictures[i], sources, qp, dfy_clamp(qp + offsets[level], 0, DFY_MAX_QP));
        if (status) return status;
    }
    dfy_video_encoder_give_back(e, e->store.older);
    e->store.older = e->store.group[0];
    e->store.group[0] = e->store.group[frames];
    for (int i = 1; i < frames; i++) dfy_video_encoder_give_back(e, e->store.group[i]);
    for (int i = 1; i <= frames; i++) e->store.group[i] = NULL;
    e->frame_number += frames;
    return DFY_OK;
}

int dfy_video_encode_still(DfyVideoEncoder *e, DfyRangeCoder *coder, int frames) {
    DfyGroupHeader header = {.frames = frames, .still = 1, .qp = e->last_qp};
    DfyGroupPicture place = {.number = frames, .past = 0, .future = -1};
    DfyFrame *frame = dfy_video_encoder_take(e);
    if (!frame) return DFY_ERROR_MEMORY;
    dfy_code_group(coder, &e->contexts, &header, e->last_qp);
    dfy_picture_references(&e->picture, &e->store, &place, 0);
    frame->order = e->frame_number + frames;
    dfy_picture_repeat(&e->picture, frame);
    dfy_video_encoder_give_back(e, e->store.older);
    e->store.older = e->store.group[0];
    e->store.group[0] = frame;
    e->frame_number += frames;
    return coder->failed ? DFY_ERROR_MEMORY : DFY_OK;
}
