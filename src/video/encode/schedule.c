#include "video/encode/schedule.h"

#include <limits.h>
#include <string.h>

/*
 * Rates need not come from the very last picture's models: as far behind, several pictures can be decided while
 * earlier ones wait to be written. 2 and 3 cost nothing that shows over seven clips, 5 took 0.5 % more bytes.
 */
#define LAG 2

enum { WAITING, BEGINNING, DECIDING, FILTERING, DECIDED };

/* The later of the pictures that enclose it, -1: none. Two pictures with the same one are siblings. */
static int parent(const DfyScheduled *picture) {
    return picture->references[0] > picture->references[1] ? picture->references[0] : picture->references[1];
}

/* Notes in `ancestors` what picture i needs, directly or not. */
static void find_ancestors(const DfySchedule *s, int i, uint8_t ancestors[DFY_MAX_GROUP]) {
    memset(ancestors, 0, DFY_MAX_GROUP);
    ancestors[i] = 1;
    for (; i >= 0; i--)
        for (int d = 0; ancestors[i] && d < 2; d++)
            if (s->pictures[i].references[d] >= 0) ancestors[s->pictures[i].references[d]] = 1;
}

/*
 * The models that picture i's rates come from: LAG pictures behind, or as late as what it has to wait for anyway.
 * Siblings share them, so that they can be decided side by side.
 */
static int find_models(const DfySchedule *s, int i) {
    for (int first = 0; first < i; first++)
        if (parent(&s->pictures[i]) >= 0 && parent(&s->pictures[first]) == parent(&s->pictures[i]))
            return s->pictures[first].models;
    uint8_t ancestors[DFY_MAX_GROUP];
    find_ancestors(s, i, ancestors);
    int models = i > LAG ? i - LAG : 0;
    while (models < i && ancestors[models]) models++;
    return models;
}

void dfy_schedule_start(DfySchedule *s, const DfyGroupPicture *pictures, int count, int rows, int drafts) {
    int place[DFY_MAX_GROUP + 1];
    memset(s, 0, sizeof *s);
    s->count = count;
    s->rows = rows;
    s->drafts = drafts;
    for (int i = 0; i < count; i++) place[pictures[i].number] = i;
    for (int i = 0; i < count; i++) {
        DfyScheduled *picture = &s->pictures[i];
        picture->references[0] = pictures[i].past > 0 ? place[pictures[i].past] : -1;
        picture->references[1] = pictures[i].future > 0 ? place[pictures[i].future] : -1;
        picture->models = find_models(s, i);
    }
}

static int can_begin(const DfySchedule *s, int i) {
    const DfyScheduled *picture = &s->pictures[i];
    if (s->written < picture->models) return 0;
    for (int d = 0; d < 2; d++)
        if (picture->references[d] >= 0 && s->pictures[picture->references[d]].stage != DECIDED) return 0;
    return s->drafts > (i != s->written); /* the last draft is kept for the next to be written */
}

/* What can be done for picture i at once; returns whether anything can. */
static int find_job(const DfySchedule *s, int i, DfyJob *job) {
    const DfyScheduled *picture = &s->pictures[i];
    *job = (DfyJob){.picture = i, .row = picture->rows_taken};
    switch (picture->stage) {
    case WAITING: job->kind = DFY_JOB_BEGIN; return can_begin(s, i);
    case DECIDING:
        job->kind = picture->rows_done == s->rows ? DFY_JOB_FILTER : DFY_JOB_ROW;
        return job->kind == DFY_JOB_FILTER || picture->rows_taken < s->rows;
    case DECIDED: job->kind = DFY_JOB_WRITE; return i == s->written && !s->writing;
    default: return 0;
    }
}

static void note_taken(DfySchedule *s, const DfyJob *job) {
    DfyScheduled *picture = &s->pictures[job->picture];
    switch (job->kind) {
    case DFY_JOB_BEGIN:
        picture->stage = BEGINNING;
        s->drafts--;
        break;
    case DFY_JOB_ROW:
        picture->rows_taken++;
        picture->at_work++;
        break;
    case DFY_JOB_FILTER: picture->stage = FILTERING; break;
    case DFY_JOB_WRITE: s->writing = 1; break;
    }
}

/*
 * Writing comes first, since others wait for it; then the picture with the fewest threads at work, which wait for each
 * other wherever something moves; of those the first in coding order.
 */
int dfy_schedule_take(DfySchedule *s, DfyJob *job) {
    if (s->written == s->count) return -1;
    int least = INT_MAX;
    for (int i = s->written; i < s->count && least >= 0; i++) {
        DfyJob found;
        if (!find_job(s, i, &found)) continue;
        int order = found.kind == DFY_JOB_WRITE ? -1 : s->pictures[i].at_work;
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
    switch (job->kind) {
    case DFY_JOB_BEGIN: picture->stage = decided ? DECIDED : DECIDING; break;
    case DFY_JOB_ROW:
        picture->rows_done++;
        picture->at_work--;
        break;
    case DFY_JOB_FILTER: picture->stage = DECIDED; break;
    case DFY_JOB_WRITE:
        s->written++;
        s->writing = 0;
        s->drafts++;
        break;
    }
}
