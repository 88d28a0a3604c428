#include "video/encode/encoder.h"

#include <stdlib.h>

#include "diffy/diffy.h"
#include "video/encode/group_task.h"
#include "video/syntax/mini_group_record.h"
#include "video/syntax/tiles.h"

#define MAX_AT_ONCE 4 /* pictures of a group that are decided at the same time, if there are threads for it */
#define TASK_BYTES ((size_t)20 << 20) /* that frame tasks may take; large ones are fewer */

/* ---------------------------------------------------------------- its life */

static void forget_lent(DfyVideoEncoder *e) {
    for (int i = 0; i <= DFY_MAX_MINI_GROUP; i++) e->lent.index[i] = -1;
}

/* Threads and what each needs. 0 or DFY_ERROR_MEMORY. */
static int open_threads(DfyVideoEncoder *e, int threads) {
    int rows = e->tasks[0].picture.rows;
    threads = dfy_min(threads, DFY_MOST_THREADS);
    if (threads > MAX_AT_ONCE * rows) threads = rows < 1 ? 1 : MAX_AT_ONCE * rows;
    if (!(e->pool = dfy_pool_new(threads))) return DFY_ERROR_MEMORY;
    for (int i = 0; i < dfy_pool_threads(e->pool); i++)
        if (!(e->deciders[i] = dfy_decider_new())) return DFY_ERROR_MEMORY;
    return DFY_OK;
}

DfyVideoEncoder *dfy_video_encoder_new(int width, int height, int effort, int threads, int keep) {
    DfyVideoEncoder *e = calloc(1, sizeof *e);
    if (!e) return NULL;
    e->width = width;
    e->height = height;
    e->effort = *dfy_effort(effort);
    forget_lent(e);
    int status = dfy_frame_task_open(&e->tasks[0], width, height);
    e->task_count = dfy_clamp((int)(TASK_BYTES / dfy_frame_task_bytes(width, height)), 1, DFY_MOST_TASKS);
    if (!status) status = open_threads(e, threads);
    e->frames = (DfyFramePool){.threads = e->pool, .width = width, .height = height};
    if (!status) status = dfy_kept_anchors_open(&e->anchors, width, height, keep);
    if (!status && (e->propagation = dfy_propagation_new(width, height))) return e;
    dfy_video_encoder_free(e);
    return NULL;
}

/* Gives back all frames but those that the caller holds. */
static void give_back_frames(DfyVideoEncoder *e) {
    dfy_forget_anchors(&e->anchors, &e->frames);
    DfyFrame *others[] = {e->anchor_source, e->filtered, e->plate};
    for (int i = 0; i < 3; i++) dfy_frame_pool_give_back(&e->frames, others[i]);
    for (int i = 1; i <= DFY_MAX_MINI_GROUP; i++) { /* left where coding a group failed */
        dfy_frame_pool_give_back(&e->frames, e->group[i]);
        dfy_give_back_lent(e, i);
    }
}

void dfy_video_encoder_free(DfyVideoEncoder *e) {
    if (!e) return;
    if (e->pool) give_back_frames(e);
    dfy_frame_pool_close(&e->frames);
    dfy_kept_anchors_close(&e->anchors);
    dfy_camera_turns_close(&e->turns);
    dfy_propagation_free(e->propagation);
    for (int i = 0; i < DFY_MOST_THREADS; i++) dfy_decider_free(e->deciders[i]);
    dfy_pool_free(e->pool);
    for (int i = 0; i < DFY_MOST_TASKS; i++) dfy_frame_task_close(&e->tasks[i]);
    free(e);
}

DfyFrame *dfy_video_encoder_take(DfyVideoEncoder *e) {
    return dfy_frame_pool_take(&e->frames);
}

void dfy_video_encoder_give_back(DfyVideoEncoder *e, DfyFrame *frame) {
    if (frame) dfy_frame_pool_give_back(&e->frames, frame); /* a queue that was never opened has neither */
}

/* ---------------------------------------------------------------- what it is told */

void dfy_video_encoder_set_effort(DfyVideoEncoder *e, int effort) {
    e->effort = *dfy_effort(effort);
}

void dfy_video_encoder_set_layers(DfyVideoEncoder *e, int layers) {
    e->layers = layers;
}

void dfy_video_encoder_set_long_term(DfyVideoEncoder *e, int frames, DfyLongTermSource source) {
    e->lent.count = frames;
    e->lent.source = source;
}

void dfy_video_encoder_lend(DfyVideoEncoder *e, int number, int32_t index) {
    e->lent.index[number] = index;
}

int dfy_video_encoder_expect_turns(DfyVideoEncoder *e, const double camera[9]) {
    return dfy_camera_turns_open(&e->turns, camera, e->width, e->height);
}

void dfy_video_encoder_turn(DfyVideoEncoder *e, const DfyOrientation *turned, int frames) {
    dfy_camera_turns_note(&e->turns, turned, e->frame_number + 1, frames);
}

void dfy_video_encoder_measure_noise(DfyVideoEncoder *e, DfyNoiseMeter *meter) {
    e->noise = meter;
}

/* ---------------------------------------------------------------- the plate */

static void set_plate(DfyVideoEncoder *e, DfyFrame *plate) {
    dfy_frame_pool_give_back(&e->frames, e->plate);
    e->plate = plate;
}

/* Decides an intra picture into a frame, and writes it to the task's coder. */
static void code_intra(DfyVideoEncoder *e, DfyFrameTask *task, DfyFrame *frame, DfyFrame *scratch,
                       const DfyFrame *source, int qp) {
    task->header = (DfyPictureHeader){0};
    task->picture.reference_count = 0;
    dfy_set_class(&task->picture, 0);
    task->picture.variable_qp = 0;
    task->source = source;
    frame->order = 0;
    dfy_frame_task_set_qp(task, qp);
    dfy_frame_task_begin(task, frame, NULL);
    dfy_frame_task_decide(task, scratch, e->pool, e->deciders, &e->effort);
    dfy_code_picture(&task->coder, &task->contexts, 0, &task->header, DFY_FIRST_QP);
    dfy_code_alf(&task->coder, &task->contexts, &task->picture, &task->header.alf);
    dfy_frame_task_write(task);
    dfy_range_encode_finish(&task->coder);
    frame->state->models = task->contexts;
}

int dfy_video_encode_plate(DfyVideoEncoder *e, DfyBuffer *out, const DfyFrame *source, int qp) {
    DfyFrame *frame = dfy_frame_pool_take(&e->frames), *scratch = dfy_frame_pool_take(&e->frames);
    DfyFrameTask *task = &e->tasks[0];
    int status = frame && scratch ? DFY_OK : DFY_ERROR_MEMORY;
    if (!status) {
        code_intra(e, task, frame, scratch, source, qp);
        dfy_put_bytes(out, task->coder.data, task->coder.size);
        if (task->coder.failed || out->failed) status = DFY_ERROR_MEMORY;
    }
    dfy_frame_pool_give_back(&e->frames, scratch);
    if (status)
        dfy_frame_pool_give_back(&e->frames, frame);
    else
        set_plate(e, frame);
    return status;
}

int dfy_video_encoder_set_plate(DfyVideoEncoder *e, const DfyFrame *decoded) {
    DfyFrame *frame = dfy_frame_pool_take(&e->frames);
    if (!frame) return DFY_ERROR_MEMORY;
    dfy_copy_reference(frame, decoded);
    frame->order = decoded->order;
    frame->state->models = decoded->state->models;
    set_plate(e, frame);
    return DFY_OK;
}

const DfyFrame *dfy_video_encoder_plate(const DfyVideoEncoder *e) {
    return e->plate;
}

/* ---------------------------------------------------------------- groups */

static void set_anchor_source(DfyVideoEncoder *e, DfyFrame *source) {
    dfy_frame_pool_give_back(&e->frames, e->anchor_source);
    e->anchor_source = source;
}

void dfy_video_encoder_begin_run(DfyVideoEncoder *e) {
    dfy_forget_anchors(&e->anchors, &e->frames);
    set_anchor_source(e, NULL);
    e->group[0] = NULL;
    e->frame_number = 0;
}

int dfy_video_encoder_measure(DfyVideoEncoder *e, DfyFrame *const *sources, int frames, int ahead, int qp,
                              uint64_t *bytes) {
    DfyBuffer out = {0};
    int status = dfy_group_task_run(e, &out, sources, frames, ahead, qp);
    *bytes = out.size;
    dfy_buffer_free(&out);
    dfy_frame_pool_give_back(&e->frames, e->group[frames]);
    e->group[frames] = NULL;
    return status;
}

int dfy_video_encode_mini_group(DfyVideoEncoder *e, DfyBuffer *out, DfyFrame *const *sources, int frames, int ahead,
                                int qp) {
    int status = dfy_group_task_run(e, out, sources, frames, ahead, qp);
    if (status) return status;
    if (e->noise) dfy_noise_meter_join(e->noise, e->measured, DFY_MEASURED);
    dfy_keep_anchor(&e->anchors, &e->frames, e->group[frames], sources[frames - 1]);
    e->group[0] = e->group[frames]; /* which the kept anchors hold */
    e->group[frames] = NULL;
    forget_lent(e);
    e->frame_number += frames;
    set_anchor_source(e, dfy_frame_pool_share(&e->frames, sources[frames - 1]));
    return DFY_OK;
}

int dfy_video_encode_still(DfyVideoEncoder *e, DfyBuffer *out, int frames) {
    DfyMiniGroupRecord record = {.frames = frames, .still = 1};
    dfy_put_mini_group_record(out, &record, NULL);
    e->frame_number += frames; /* the anchor stays the anchor, at its new place in time */
    e->anchors.order[e->anchors.count - 1] = e->frame_number;
    return out->failed ? DFY_ERROR_MEMORY : DFY_OK;
}
