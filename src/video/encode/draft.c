#include "video/encode/draft.h"

#include <stdlib.h>
#include <string.h>

#include "diffy.h"

static int superblocks(int pixels) {
    return (pixels + DFY_SUPERBLOCK - 1) / DFY_SUPERBLOCK;
}

size_t dfy_draft_bytes(int width, int height) {
    size_t count = (size_t)superblocks(width) * (size_t)superblocks(height);
    return count * (sizeof(DfyPlan) + DFY_SUPERBLOCK_COEFFICIENTS * sizeof(int16_t));
}

int dfy_draft_open(DfyDraft *d, int width, int height, DfyContexts *contexts) {
    memset(d, 0, sizeof *d);
    int status = dfy_picture_coding_open(&d->picture, width, height);
    size_t count = (size_t)d->picture.columns * (size_t)d->picture.rows;
    d->plans = calloc(count, sizeof *d->plans);
    d->coefficients = calloc(count * DFY_SUPERBLOCK_COEFFICIENTS, sizeof *d->coefficients);
    d->progress = calloc((size_t)d->picture.rows, sizeof *d->progress);
    d->qps = malloc(count * 4);
    if (status || !d->plans || !d->coefficients || !d->progress || !d->qps) {
        dfy_draft_close(d);
        return DFY_ERROR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) d->plans[i].coefficients = d->coefficients + i * DFY_SUPERBLOCK_COEFFICIENTS;
    d->picture.contexts = contexts;
    return DFY_OK;
}

void dfy_draft_close(DfyDraft *d) {
    dfy_picture_coding_close(&d->picture);
    free(d->plans);
    free(d->coefficients);
    free(d->progress);
    free(d->qps);
    memset(d, 0, sizeof *d);
}

void dfy_draft_set_qp(DfyDraft *d, int qp) {
    d->picture.qp = d->header.qp = qp;
    memset(d->qps, qp, (size_t)(d->picture.columns * d->picture.rows) * 4);
}

typedef struct Work {
    DfyDraft *const *drafts;
    DfyFrame *const *frames;
    int count;
    DfyPool *pool;
    DfyDecider *const *deciders;
    const DfyEffort *effort;
} Work;

/* Rows of all pictures in turn, each two superblocks behind the row above. */
static void decide_row(void *context, int number, int thread) {
    const Work *work = context;
    DfyDraft *d = work->drafts[number % work->count];
    DfyPictureCoding *p = &d->picture;
    int row = number / work->count;
    for (int column = 0; column < p->columns; column++) {
        int needed = column + 2 < p->columns ? column + 2 : p->columns;
        if (row) dfy_pool_wait(work->pool, &d->progress[row - 1], needed);
        int at = row * p->columns + column;
        dfy_decide_superblock(work->deciders[thread], p, d->source, work->effort, column, row, d->qps + 4 * at,
                              &d->plans[at]);
        dfy_pool_advance(work->pool, &d->progress[row], column + 1);
    }
}

static void filter_picture(void *context, int number, int thread) {
    const Work *work = context;
    (void)thread;
    dfy_deblock(&work->drafts[number]->picture);
    dfy_frame_extend(work->frames[number]);
}

void dfy_drafts_decide(DfyDraft *const *drafts, DfyFrame *const *frames, int count, DfyPool *pool,
                       DfyDecider *const *deciders, const DfyEffort *effort) {
    Work work = {drafts, frames, count, pool, deciders, effort};
    int rows = drafts[0]->picture.rows;
    for (int i = 0; i < count; i++) {
        dfy_picture_coding_begin(&drafts[i]->picture, frames[i]);
        memset(drafts[i]->progress, 0, (size_t)rows * sizeof *drafts[i]->progress);
    }
    dfy_pool_run(pool, rows * count, decide_row, &work);
    dfy_pool_run(pool, count, filter_picture, &work);
}

int dfy_draft_is_copy(const DfyDraft *d) {
    for (int i = 0; i < d->picture.columns * d->picture.rows; i++)
        for (int b = 0; b < d->plans[i].count; b++) {
            const DfyBlock *block = &d->plans[i].blocks[b];
            const DfyMotion *m = &block->motion[0];
            if (block->kind != DFY_SKIP || m->reference[0] != 0 || m->reference[1] >= 0 || m->mv[0][0] || m->mv[0][1])
                return 0;
        }
    return 1;
}

void dfy_draft_write(DfyDraft *d, DfyRangeCoder *coder) {
    DfyWalk walk = {.picture = &d->picture, .coder = coder, .qp = d->picture.qp};
    for (int row = 0; row < d->picture.rows; row++)
        for (int column = 0; column < d->picture.columns; column++) {
            DfyPlan *plan = &d->plans[row * d->picture.columns + column];
            walk.next = plan->blocks;
            walk.coefficients = plan->coefficients;
            dfy_walk_superblock(&walk, column, row);
        }
}
