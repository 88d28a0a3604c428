#include "video/encode/frame_task.h"

#include <stdlib.h>
#include <string.h>

#include "diffy/diffy.h"
#include "video/encode/decide/filter_search.h"

static int superblocks(int pixels) {
    return (pixels + DFY_SUPERBLOCK - 1) / DFY_SUPERBLOCK;
}

size_t dfy_frame_task_bytes(int width, int height) {
    size_t count = (size_t)superblocks(width) * (size_t)superblocks(height);
    return count * (sizeof(DfyPlan) + DFY_SUPERBLOCK_COEFFICIENTS * sizeof(int16_t));
}

int dfy_frame_task_open(DfyFrameTask *task, int width, int height) {
    memset(task, 0, sizeof *task);
    int status = dfy_picture_coding_open(&task->picture, width, height);
    size_t count = (size_t)task->picture.columns * (size_t)task->picture.rows;
    task->plans = calloc(count, sizeof *task->plans);
    task->coefficients = calloc(count * DFY_SUPERBLOCK_COEFFICIENTS, sizeof *task->coefficients);
    task->progress = calloc((size_t)task->picture.rows, sizeof *task->progress);
    task->qps = malloc(count * 4);
    dfy_range_encode_start(&task->coder);
    if (status || !task->plans || !task->coefficients || !task->progress || !task->qps) {
        dfy_frame_task_close(task);
        return DFY_ERROR_MEMORY;
    }
    for (size_t i = 0; i < count; i++)
        task->plans[i].coefficients = task->coefficients + i * DFY_SUPERBLOCK_COEFFICIENTS;
    return DFY_OK;
}

void dfy_frame_task_close(DfyFrameTask *task) {
    for (int i = 0; i < DFY_MAX_REFERENCES; i++)
        dfy_frame_free(task->weighted.frames[i]); /* left where deciding failed */
    dfy_picture_coding_close(&task->picture);
    if (task->plans) dfy_range_free(&task->coder);
    free(task->plans);
    free(task->coefficients);
    free(task->progress);
    free(task->qps);
    memset(task, 0, sizeof *task);
}

void dfy_frame_task_set_qp(DfyFrameTask *task, int qp) {
    task->picture.qp = task->header.qp = qp;
    memset(task->qps, qp, (size_t)(task->picture.columns * task->picture.rows) * 4);
}

void dfy_frame_task_begin(DfyFrameTask *task, DfyFrame *frame, const DfyContexts *models) {
    if (models)
        task->contexts = *models;
    else
        dfy_contexts_reset(&task->contexts);
    task->picture.contexts = &task->contexts;
    dfy_range_encode_restart(&task->coder);
    for (int i = 0; i < 4; i++) dfy_level_rates(&task->rates[i >> 1][i & 1], &task->contexts.residual[i >> 1][i & 1]);
    dfy_picture_coding_begin(&task->picture, frame);
    memset(task->progress, 0, (size_t)task->picture.rows * sizeof *task->progress);
}

/* The reference's tile that all blocks of a superblock copy, 0: it is made anew. */
static uint64_t find_tile(const DfyPictureCoding *picture, const DfyPlan *plan, int tile) {
    uint64_t identity = dfy_still_tile(picture, &plan->blocks[0], tile);
    for (int i = 1; i < plan->count && identity; i++)
        if (dfy_still_tile(picture, &plan->blocks[i], tile) != identity) identity = 0;
    return identity;
}

void dfy_frame_task_decide_row(DfyFrameTask *task, int row, DfyPool *pool, DfyDecider *decider,
                               const DfyEffort *effort) {
    DfyPictureCoding *p = &task->picture;
    for (int column = 0; column < p->columns; column++) {
        int needed = column + 2 < p->columns ? column + 2 : p->columns;
        if (row) dfy_pool_wait(pool, &task->progress[row - 1], needed);
        int at = row * p->columns + column;
        dfy_decide_superblock(decider, p, task->source, effort, task->rates, column, row, task->qps + 4 * at,
                              &task->plans[at]);
        dfy_note_tile(p, at, find_tile(p, &task->plans[at], at));
        dfy_pool_advance(pool, &task->progress[row], column + 1);
    }
}

void dfy_frame_task_filter(DfyFrameTask *task, DfyFrame *scratch, const DfyEffort *effort) {
    dfy_deblock(&task->picture);
    dfy_extend_changed(&task->picture, DFY_FRAME_NEAR);
    dfy_choose_cdef(task->header.cdef, &task->picture, task->source);
    dfy_cdef(&task->picture, task->header.cdef, scratch);
    dfy_extend_changed(&task->picture, DFY_FRAME_NEAR);
    if (!task->picture.picture_class || !effort->alf_for_anchors)
        task->header.alf = dfy_choose_alf(&task->picture, task->source);
    dfy_note_alf(task->picture.frame, &task->picture, &task->header.alf);
    dfy_alf(&task->picture, &task->header.alf, scratch);
    dfy_extend_changed(&task->picture, DFY_FRAME_BORDER);
}

typedef struct Work {
    DfyFrameTask *task;
    DfyPool *pool;
    DfyDecider *const *deciders;
    const DfyEffort *effort;
} Work;

static void decide_row(void *context, int row, int thread) {
    const Work *work = context;
    dfy_frame_task_decide_row(work->task, row, work->pool, work->deciders[thread], work->effort);
}

void dfy_frame_task_decide(DfyFrameTask *task, DfyFrame *scratch, DfyPool *pool, DfyDecider *const *deciders,
                           const DfyEffort *effort) {
    Work work = {task, pool, deciders, effort};
    dfy_pool_run(pool, task->picture.rows, decide_row, &work);
    dfy_frame_task_filter(task, scratch, effort);
}

int dfy_frame_task_is_copy(const DfyFrameTask *task) {
    for (int i = 0; i < task->picture.columns * task->picture.rows; i++)
        for (int b = 0; b < task->plans[i].count; b++) {
            const DfyBlock *block = &task->plans[i].blocks[b];
            const DfyMotion *m = &block->motion[0];
            if (block->kind != DFY_SKIP || m->global || m->reference[0] != 0 || m->reference[1] >= 0 || m->mv[0][0] ||
                m->mv[0][1])
                return 0;
        }
    return 1;
}

void dfy_frame_task_write(DfyFrameTask *task) {
    DfyWalk walk = {.picture = &task->picture, .coder = &task->coder, .qp = task->picture.qp};
    for (int row = 0; row < task->picture.rows; row++)
        for (int column = 0; column < task->picture.columns; column++) {
            DfyPlan *plan = &task->plans[row * task->picture.columns + column];
            walk.next = plan->blocks;
            walk.coefficients = plan->coefficients;
            dfy_walk_superblock(&walk, column, row);
        }
}
