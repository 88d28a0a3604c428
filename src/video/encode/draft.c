#include "video/encode/draft.h"

#include <stdlib.h>
#include <string.h>

#include "diffy.h"
#include "video/encode/filter_search.h"

static int superblocks(int pixels) {
    return (pixels + DFY_SUPERBLOCK - 1) / DFY_SUPERBLOCK;
}

size_t dfy_draft_bytes(int width, int height) {
    size_t count = (size_t)superblocks(width) * (size_t)superblocks(height);
    return count * (sizeof(DfyPlan) + DFY_SUPERBLOCK_COEFFICIENTS * sizeof(int16_t));
}

int dfy_draft_open(DfyDraft *d, int width, int height) {
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
    return DFY_OK;
}

void dfy_draft_close(DfyDraft *d) {
    for (int i = 0; i < DFY_MAX_REFERENCES; i++) dfy_frame_free(d->lit.lit[i]); /* left where deciding failed */
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

void dfy_draft_begin(DfyDraft *d, DfyFrame *frame, DfyContexts *contexts) {
    d->picture.contexts = contexts;
    for (int i = 0; i < 4; i++) dfy_level_rates(&d->rates[i >> 1][i & 1], &contexts->residual[i >> 1][i & 1]);
    dfy_picture_coding_begin(&d->picture, frame);
    memset(d->progress, 0, (size_t)d->picture.rows * sizeof *d->progress);
}

void dfy_draft_decide_row(DfyDraft *d, int row, DfyPool *pool, DfyDecider *decider, const DfyEffort *effort) {
    DfyPictureCoding *p = &d->picture;
    for (int column = 0; column < p->columns; column++) {
        int needed = column + 2 < p->columns ? column + 2 : p->columns;
        if (row) dfy_pool_wait(pool, &d->progress[row - 1], needed);
        int at = row * p->columns + column;
        dfy_decide_superblock(decider, p, d->source, effort, d->rates, column, row, d->qps + 4 * at, &d->plans[at]);
        dfy_pool_advance(pool, &d->progress[row], column + 1);
    }
}

void dfy_draft_filter(DfyDraft *d, DfyFrame *scratch) {
    dfy_deblock(&d->picture);
    dfy_frame_extend_near(d->picture.frame);
    dfy_choose_cdef(d->header.cdef, &d->picture, d->source);
    dfy_cdef(&d->picture, d->header.cdef, scratch);
    dfy_frame_extend_near(d->picture.frame);
    d->header.alf = dfy_choose_alf(&d->picture, d->source);
    dfy_note_alf(d->picture.frame, &d->picture, &d->header.alf);
    dfy_alf(&d->picture, &d->header.alf, scratch);
    dfy_frame_extend(d->picture.frame);
}

typedef struct Work {
    DfyDraft *draft;
    DfyPool *pool;
    DfyDecider *const *deciders;
    const DfyEffort *effort;
} Work;

static void decide_row(void *context, int row, int thread) {
    const Work *work = context;
    dfy_draft_decide_row(work->draft, row, work->pool, work->deciders[thread], work->effort);
}

void dfy_draft_decide(DfyDraft *d, DfyFrame *scratch, DfyPool *pool, DfyDecider *const *deciders,
                      const DfyEffort *effort) {
    Work work = {d, pool, deciders, effort};
    dfy_pool_run(pool, d->picture.rows, decide_row, &work);
    dfy_draft_filter(d, scratch);
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

void dfy_draft_write(DfyDraft *d, DfyRangeCoder *coder, DfyContexts *contexts) {
    d->picture.contexts = contexts;
    DfyWalk walk = {.picture = &d->picture, .coder = coder, .qp = d->picture.qp};
    for (int row = 0; row < d->picture.rows; row++)
        for (int column = 0; column < d->picture.columns; column++) {
            DfyPlan *plan = &d->plans[row * d->picture.columns + column];
            walk.next = plan->blocks;
            walk.coefficients = plan->coefficients;
            dfy_walk_superblock(&walk, column, row);
        }
}
