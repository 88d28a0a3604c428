#include "video/encode/schedule.h"

#include <limits.h>
#include <string.h>

enum { WAITING, BEGINNING, DECIDING, DECIDED, ENDING, ENDED };

void dfy_schedule_start(DfySchedule *s, const DfyMiniGroupPicture *pictures, int count, int rows, int tasks) {
    int place[DFY_MAX_MINI_GROUP + 1];
    memset(s, 0, sizeof *s);
    s->count = count;
    s->rows = rows;
    s->tasks = tasks;
    for (int i = 0; i < count; i++) place[pictures[i].number] = i;
    for (int i = 0; i < count; i++) {
        DfyScheduled *picture = &s->pictures[i];
        picture->references[0] = pictures[i].past > 0 ? place[pictures[i].past] : -1;
        picture->references[1] = pictures[i].future > 0 ? place[pictures[i].future] : -1;
    }
}

static int can_begin(const DfySchedule *s, int i) {
    const DfyScheduled *picture = &s->pictures[i];
    for (int d = 0; d < 2; d++)
        if (picture->references[d] >= 0 && s->pictures[picture->references[d]].stage != ENDED) return 0;
    return s->tasks > 0;
}

/* What can be done for picture i at once; returns whether anything can. */
static int find_job(const DfySchedule *s, int i, DfyJob *job) {
    const DfyScheduled *picture = &s->pictures[i];
    *job = (DfyJob){.picture = i, .row = picture->rows_taken};
    switch (picture->stage) {
    case WAITING: job->kind = DFY_JOB_BEGIN; return can_begin(s, i);
    case DECIDING:
        job->kind = picture->rows_done == s->rows ? DFY_JOB_END : DFY_JOB_ROW;
        return job->kind == DFY_JOB_END || picture->rows_taken < s->rows;
    case DECIDED: job->kind = DFY_JOB_END; return 1;
    default: return 0;
    }
}

static void note_taken(DfySchedule *s, const DfyJob *job) {
    DfyScheduled *picture = &s->pictures[job->picture];
    switch (job->kind) {
    case DFY_JOB_BEGIN:
        picture->stage = BEGINNING;
        s->tasks--;
        break;
    case DFY_JOB_ROW:
        picture->rows_taken++;
        picture->at_work++;
        break;
    case DFY_JOB_END: picture->stage = ENDING; break;
    }
}

/*
 * Ending a picture comes first, since others wait for it; then the picture with the fewest threads at work, which wait
 * for each other wherever something moves; of those the first in coding order.
 */
int dfy_schedule_take(DfySchedule *s, DfyJob *job) {
    if (s->done == s->count) return -1;
    int least = INT_MAX;
    for (int i = 0; i < s->count && least >= 0; i++) {
        DfyJob found;
        if (!find_job(s, i, &found)) continue;
        int order = found.kind == DFY_JOB_END ? -1 : s->pictures[i].at_work;
        if (order >= least) continue;
        least = order;
        *job = found;
    }
    if (least == INT_MAX) return 0;
    note_taken(s, job);
    return 1;
}

void dfy_schedule_end(DfySchedule *s, const DfyJob *job, int decided) {
    DfyScheduled *picture = &s->pictures[job->picture];
    s->ended++;
    switch (job->kind) {
    case DFY_JOB_BEGIN: picture->stage = decided ? DECIDED : DECIDING; break;
    case DFY_JOB_ROW:
        picture->rows_done++;
        picture->at_work--;
        break;
    case DFY_JOB_END:
        picture->stage = ENDED;
        s->done++;
        s->tasks++;
        break;
    }
}
