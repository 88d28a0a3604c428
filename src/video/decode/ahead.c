#include "video/decode/ahead.h"

#include <stdlib.h>

#include "base/numbers.h"
#include "diffy/diffy.h"

#define MOST_REACH (2 * DFY_AHEAD_THREADS + 2)
#define LEADING 8 /* pictures that lead to the farthest frame: a largest mini-group's layers, and anchors */
#define ASKED 2   /* status of a picture that asks for another: neither DFY_OK, DFY_END nor an error */

struct DfyAhead {
    DfyPool *pool;
    DfyPictureDecoder *decoders[DFY_AHEAD_THREADS]; /* [0] is the player's */
    int threads;
    DfyTask tasks[MOST_REACH + LEADING];
    int room; /* of them */
    int stopped;
};

static int reach_of(int threads) {
    return 2 * threads + 2;
}

int dfy_ahead_reach(const DfyAhead *ahead) {
    return reach_of(ahead->threads);
}

/* What is made by tasks, and for each thread a scratch frame and two weighted references. */
int dfy_ahead_frames(int threads) {
    return threads < 2 ? 0 : reach_of(threads) + LEADING + 3 * (threads - 1);
}

/* ---------------------------------------------------------------- tasks; all but the decoding under the lock */

static int is_ready(const DfyTask *task) {
    if (task->state != DFY_TASK_WAITING) return 0;
    for (int i = 0; i < DFY_FROM_COUNT; i++)
        if (task->from[i].task) return 0;
    return 1;
}

/* The one that most others wait for, by its layer; of those the first to be shown. */
static DfyTask *next_ready(DfyAhead *a) {
    DfyTask *best = NULL;
    for (int i = 0; i < a->room && !a->stopped; i++) {
        DfyTask *t = &a->tasks[i];
        if (!is_ready(t)) continue;
        int layer = t->coded.place.layer, least = best ? best->coded.place.layer : 0;
        if (!best || layer < least || (layer == least && t->number < best->number)) best = t;
    }
    return best;
}

static void finish(DfyAhead *a, DfyTask *task, int status);

/* Gives those that wait for a task what it made, or ends them too. */
static void pass_on(DfyAhead *a, DfyTask *task) {
    for (int i = 0; i < a->room; i++) {
        DfyTask *t = &a->tasks[i];
        int lost = 0;
        for (int k = 0; k < DFY_FROM_COUNT && t->state == DFY_TASK_WAITING; k++) {
            if (t->from[k].task != task) continue;
            t->from[k].task = NULL;
            t->from[k].frame = dfy_hold_frame(task->frame);
            lost |= !task->frame;
        }
        if (lost) finish(a, t, DFY_ERROR_DAMAGED);
    }
}

static void finish(DfyAhead *a, DfyTask *task, int status) {
    task->state = DFY_TASK_DONE;
    task->status = status;
    pass_on(a, task);
}

/* What the picture's own bytes name: held here already, or asked for. */
static int fetch_long_term(void *context, int32_t index, const DfyFrame **found) {
    DfyTask *t = context;
    if (t->lent) {
        *found = dfy_hold_frame(t->lent);
        return DFY_OK;
    }
    t->asked_index = index;
    return ASKED;
}

static int fetch_long_term_anchor(void *context, int back, const DfyFrame **found) {
    DfyTask *t = context;
    if (t->from[DFY_FROM_LONG_TERM_ANCHOR].frame) {
        *found = dfy_hold_frame(t->from[DFY_FROM_LONG_TERM_ANCHOR].frame);
        return DFY_OK;
    }
    t->asked_back = back;
    return ASKED;
}

static int decode(DfyPictureDecoder *decoder, DfyTask *t) {
    DfyCodedPicture *coded = &t->coded;
    coded->past.frame = t->from[DFY_FROM_PAST].frame;
    coded->future.frame = t->from[DFY_FROM_FUTURE].frame;
    coded->before.frame = t->from[DFY_FROM_BEFORE].frame;
    coded->models = t->models < 0 ? coded->plate : t->from[t->models].frame;
    const DfyFrame *anchor = t->from[DFY_FROM_ANCHOR].frame;
    coded->group = anchor ? &anchor->state->group : NULL;
    coded->fetch = (DfyPictureFetch){fetch_long_term, fetch_long_term_anchor, t};
    return dfy_decode_picture(decoder, coded, &t->frame);
}

/* Does a task that is ready; called and left with the lock held. */
static void work(DfyAhead *a, DfyTask *task, int thread) {
    task->state = DFY_TASK_AT_WORK;
    dfy_pool_unlock(a->pool);
    int status = decode(a->decoders[thread], task);
    dfy_pool_lock(a->pool);
    if (status == ASKED)
        task->state = DFY_TASK_ASKING;
    else
        finish(a, task, status);
    dfy_pool_stir(a->pool);
}

static int step(void *context, int thread) {
    DfyAhead *a = context;
    dfy_pool_lock(a->pool);
    DfyTask *task = next_ready(a);
    if (task) work(a, task, thread);
    dfy_pool_unlock(a->pool);
    return task != NULL;
}

/* ---------------------------------------------------------------- the player's side */

DfyAhead *dfy_ahead_new(DfyPictureDecoder *decoder, int threads) {
    DfyAhead *a = calloc(1, sizeof *a);
    if (!a) return NULL;
    a->decoders[0] = decoder;
    a->pool = dfy_pool_new(dfy_min(threads, DFY_AHEAD_THREADS));
    if (!a->pool) {
        free(a);
        return NULL;
    }
    a->threads = dfy_pool_threads(a->pool);
    a->room = reach_of(a->threads) + LEADING;
    int ok = a->threads > 1;
    for (int i = 1; ok && i < a->threads; i++) ok = (a->decoders[i] = dfy_picture_decoder_beside(decoder)) != NULL;
    dfy_picture_decoder_share(decoder, a->pool);
    if (ok) {
        dfy_pool_start(a->pool, step, a);
        return a;
    }
    dfy_ahead_free(a);
    return NULL;
}

void dfy_ahead_free(DfyAhead *a) {
    if (!a) return;
    dfy_picture_decoder_share(a->decoders[0], NULL);
    dfy_pool_free(a->pool);
    for (int i = 1; i < a->threads; i++) dfy_picture_decoder_free(a->decoders[i]);
    free(a);
}

/* Which frames there are tasks for is the player's thread's alone to change: it needs no lock to look. */
DfyTask *dfy_ahead_find(DfyAhead *a, uint64_t number) {
    for (int i = 0; i < a->room; i++)
        if (a->tasks[i].number == number && a->tasks[i].payload) return &a->tasks[i];
    return NULL;
}

DfyTask *dfy_ahead_add(DfyAhead *a, uint64_t number) {
    for (int i = 0; i < a->room; i++) {
        DfyTask *t = &a->tasks[i];
        if (t->payload) continue;
        dfy_pool_lock(a->pool);
        *t = (DfyTask){.number = number, .asked_index = -1, .models = -1};
        dfy_pool_unlock(a->pool);
        return t;
    }
    return NULL;
}

void dfy_ahead_post(DfyAhead *a, DfyTask *task) {
    int lost = 0;
    dfy_pool_lock(a->pool);
    a->stopped = 0;
    task->state = DFY_TASK_WAITING;
    for (int i = 0; i < DFY_FROM_COUNT; i++) {
        DfyTask *made_by = task->from[i].task;
        if (!made_by || made_by->state != DFY_TASK_DONE) continue;
        task->from[i].task = NULL;
        task->from[i].frame = dfy_hold_frame(made_by->frame);
        lost |= !made_by->frame;
    }
    if (lost) finish(a, task, DFY_ERROR_DAMAGED);
    dfy_pool_stir(a->pool);
    dfy_pool_unlock(a->pool);
}

static DfyTask *first_in(DfyAhead *a, DfyTaskState state) {
    for (int i = 0; i < a->room; i++)
        if (a->tasks[i].state == state) return &a->tasks[i];
    return NULL;
}

DfyTask *dfy_ahead_asking(DfyAhead *a) {
    dfy_pool_lock(a->pool);
    DfyTask *task = first_in(a, DFY_TASK_ASKING);
    dfy_pool_unlock(a->pool);
    return task;
}

int dfy_ahead_await(DfyAhead *a, DfyTask *task, DfyTask **asking, int in_parts) {
    int worked = 0;
    dfy_pool_lock(a->pool);
    while (task->state != DFY_TASK_DONE && !(*asking = first_in(a, DFY_TASK_ASKING)) && !(in_parts && worked)) {
        DfyTask *ready = is_ready(task) ? task : next_ready(a);
        if (ready)
            work(a, ready, 0);
        else
            dfy_pool_rest(a->pool);
        worked = 1;
    }
    int done = task->state == DFY_TASK_DONE;
    dfy_pool_unlock(a->pool);
    return done;
}

void dfy_ahead_answer(DfyAhead *a, DfyTask *task, int status) {
    if (status) {
        dfy_pool_lock(a->pool);
        finish(a, task, status);
        dfy_pool_stir(a->pool);
        dfy_pool_unlock(a->pool);
    } else {
        dfy_ahead_post(a, task);
    }
}

DfyTask *dfy_ahead_done(DfyAhead *a, DfyTask *task) {
    dfy_pool_lock(a->pool);
    DfyTask *next = task ? task + 1 : a->tasks;
    while (next < a->tasks + a->room && next->state != DFY_TASK_DONE) next++;
    dfy_pool_unlock(a->pool);
    return next < a->tasks + a->room ? next : NULL;
}

void dfy_ahead_remove(DfyAhead *a, DfyTask *task) {
    for (int i = 0; i < DFY_FROM_COUNT; i++) dfy_release_frame(a->decoders[0], task->from[i].frame);
    dfy_release_frame(a->decoders[0], task->coded.plate);
    dfy_release_frame(a->decoders[0], task->lent);
    dfy_release_frame(a->decoders[0], task->frame);
    dfy_pool_lock(a->pool);
    *task = (DfyTask){0};
    dfy_pool_unlock(a->pool);
}

void dfy_ahead_stop(DfyAhead *a) {
    dfy_pool_lock(a->pool);
    a->stopped = 1;
    while (first_in(a, DFY_TASK_AT_WORK)) dfy_pool_rest(a->pool);
    dfy_pool_unlock(a->pool);
}

DfyTask *dfy_ahead_any(DfyAhead *a) {
    for (int i = 0; i < a->room; i++)
        if (a->tasks[i].payload) return &a->tasks[i];
    return NULL;
}
