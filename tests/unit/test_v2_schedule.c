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
    DfyGroupPicture pictures[DFY_MAX_GROUP];
    int begun[DFY_MAX_GROUP], rows[DFY_MAX_GROUP], decided[DFY_MAX_GROUP + 1]; /* decided: by number */
    int written, drafts;
} Progress;

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

/* Whether a job that was taken may be done now. */
static void check_job(const Progress *p, const DfySchedule *s, const DfyJob *job) {
    const DfyGroupPicture *picture = &p->pictures[job->picture];
    switch (job->kind) {
    case DFY_JOB_BEGIN:
        assert_false(p->begun[job->picture]);
        assert_true(p->decided[picture->past] || !picture->past);
        assert_true(picture->future < 0 || p->decided[picture->future]);
        assert_true(s->pictures[job->picture].models <= p->written);
        assert_true(p->drafts > 0);
        break;
    case DFY_JOB_ROW:
        assert_true(p->begun[job->picture]);
        assert_true(job->row >= 0 && job->row < s->rows);
        break;
    case DFY_JOB_FILTER: assert_int_equal(p->rows[job->picture], s->rows); break;
    case DFY_JOB_WRITE:
        assert_int_equal(job->picture, p->written);
        assert_true(p->decided[picture->number]);
        break;
    }
}

static void note_taken(Progress *p, const DfyJob *job) {
    p->drafts -= job->kind == DFY_JOB_BEGIN;
}

static void note_ended(Progress *p, const DfyJob *job, int copied) {
    p->begun[job->picture] |= job->kind == DFY_JOB_BEGIN;
    p->rows[job->picture] += job->kind == DFY_JOB_ROW;
    p->decided[p->pictures[job->picture].number] |= copied || job->kind == DFY_JOB_FILTER;
    p->written += job->kind == DFY_JOB_WRITE;
    p->drafts += job->kind == DFY_JOB_WRITE;
}

/* Does a group with so many threads; a fifth of the pictures are copies. */
static void do_group(int frames, int rows, int drafts, int threads, uint32_t *random) {
    Progress progress = {.drafts = drafts};
    DfySchedule schedule;
    DfyJob at_work[THREADS];
    int busy = 0, most = 0;
    dfy_group_order_pictures(progress.pictures, frames);
    dfy_schedule_start(&schedule, progress.pictures, frames, rows, drafts);
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
    assert_int_equal(progress.written, frames);
    assert_int_equal(progress.drafts, drafts);
    if (frames > 8 && rows > 1 && drafts > 3) assert_true(most >= (threads < 3 ? threads : 3)); /* side by side */
}

static void test_any_group(void **state) {
    (void)state;
    uint32_t random = 1;
    for (int frames = 1; frames <= DFY_MAX_GROUP; frames++)
        for (int drafts = 1; drafts <= 8; drafts++)
            for (int threads = 1; threads <= THREADS; threads++)
                do_group(frames, 1 + frames % 4, drafts, threads, &random);
}

/* The models that rates come from are the file's business: they follow from the group alone. */
static void test_models(void **state) {
    (void)state;
    DfyGroupPicture pictures[DFY_MAX_GROUP];
    DfySchedule one, other;
    dfy_group_order_pictures(pictures, DFY_MAX_GROUP);
    dfy_schedule_start(&one, pictures, DFY_MAX_GROUP, 6, 8);
    dfy_schedule_start(&other, pictures, DFY_MAX_GROUP, 1, 1);
    for (int i = 0; i < DFY_MAX_GROUP; i++) {
        assert_int_equal(one.pictures[i].models, other.pictures[i].models);
        assert_in_range(one.pictures[i].models, 0, i);
    }
    /* the anchor, the middle and the quarter need all that comes before them */
    for (int i = 0; i < 3; i++) assert_int_equal(one.pictures[i].models, i);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_any_group), cmocka_unit_test(test_models)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
