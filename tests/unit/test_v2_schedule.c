/* The order of work in a group, with threads that end their jobs in any order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "video/encode/schedule.h"

#define THREADS 5

/* What was done of a group, as the jobs that ended tell. */
typedef struct Progress {
    DfyMiniGroupPicture pictures[DFY_MAX_MINI_GROUP];
    int begun[DFY_MAX_MINI_GROUP], rows[DFY_MAX_MINI_GROUP], copied[DFY_MAX_MINI_GROUP],
        ended[DFY_MAX_MINI_GROUP + 1]; /* ended: by number */
    int done, tasks;
} Progress;

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

/* Whether a job that was taken may be done now. */
static void check_job(const Progress *p, const DfySchedule *s, const DfyJob *job) {
    const DfyMiniGroupPicture *picture = &p->pictures[job->picture];
    switch (job->kind) {
    case DFY_JOB_BEGIN:
        assert_false(p->begun[job->picture]);
        assert_true(p->ended[picture->past] || !picture->past);
        assert_true(picture->future < 0 || p->ended[picture->future]);
        assert_true(p->ended[picture->models] || !picture->models);
        assert_true(p->tasks > 0);
        break;
    case DFY_JOB_ROW:
        assert_true(p->begun[job->picture]);
        assert_true(job->row >= 0 && job->row < s->rows);
        break;
    case DFY_JOB_END:
        assert_false(p->ended[picture->number]);
        assert_int_equal(p->rows[job->picture], p->copied[job->picture] ? 0 : s->rows);
        break;
    }
}

static void note_taken(Progress *p, const DfyJob *job) {
    p->tasks -= job->kind == DFY_JOB_BEGIN;
}

static void note_ended(Progress *p, const DfyJob *job, int copied) {
    p->begun[job->picture] |= job->kind == DFY_JOB_BEGIN;
    p->rows[job->picture] += job->kind == DFY_JOB_ROW;
    p->copied[job->picture] |= copied;
    p->ended[p->pictures[job->picture].number] |= job->kind == DFY_JOB_END;
    p->done += job->kind == DFY_JOB_END;
    p->tasks += job->kind == DFY_JOB_END;
}

/* Does a group with so many threads; a fifth of the pictures are copies. */
static void do_group(int frames, int rows, int tasks, int threads, uint32_t *random) {
    Progress progress = {.tasks = tasks};
    DfySchedule schedule;
    DfyJob at_work[THREADS];
    int busy = 0, most = 0;
    dfy_mini_group_order_pictures(progress.pictures, frames, 0);
    dfy_schedule_start(&schedule, progress.pictures, frames, rows, tasks);
    for (;;) {
        int taken = 0;
        while (busy < threads && (taken = dfy_schedule_take(&schedule, &at_work[busy])) > 0) {
            check_job(&progress, &schedule, &at_work[busy]);
            note_taken(&progress, &at_work[busy++]);
        }
        if (busy > most) most = busy;
        if (!busy) {
            assert_int_equal(taken, -1); /* nobody is at work, so that nobody would ever end what the rest waits for */
            break;
        }
        int ended = (int)(next_random(random) % (uint32_t)busy);
        int copied = at_work[ended].kind == DFY_JOB_BEGIN && next_random(random) % 5 == 0;
        dfy_schedule_end(&schedule, &at_work[ended], copied);
        note_ended(&progress, &at_work[ended], copied);
        at_work[ended] = at_work[--busy];
    }
    assert_int_equal(progress.done, frames);
    assert_int_equal(progress.tasks, tasks);
    if (frames > 8 && rows > 1 && tasks > 3) assert_true(most >= (threads < 3 ? threads : 3)); /* side by side */
}

static void test_any_group(void **state) {
    (void)state;
    uint32_t random = 1;
    for (int frames = 1; frames <= DFY_MAX_MINI_GROUP; frames++)
        for (int tasks = 1; tasks <= 8; tasks++)
            for (int threads = 1; threads <= THREADS; threads++)
                do_group(frames, 1 + frames % 4, tasks, threads, &random);
}

/* Models pass along references: each picture begins with those of the later one of the two that enclose it. */
static void test_models(void **state) {
    (void)state;
    for (int frames = 1; frames <= DFY_MAX_MINI_GROUP; frames++) {
        DfyMiniGroupPicture pictures[DFY_MAX_MINI_GROUP];
        int place[DFY_MAX_MINI_GROUP + 1] = {-1};
        dfy_mini_group_order_pictures(pictures, frames, 0);
        for (int i = 0; i < frames; i++) place[pictures[i].number] = i;
        assert_int_equal(pictures[0].models, 0);
        for (int i = 1; i < frames; i++) {
            int past = place[pictures[i].past], future = place[pictures[i].future];
            assert_int_equal(place[pictures[i].models], past > future ? past : future);
            assert_int_equal(dfy_mini_group_place(pictures, pictures[i].number), i);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_any_group), cmocka_unit_test(test_models)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
