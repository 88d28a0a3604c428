/*
 * What is to be done next for the pictures of a group. A picture waits for those that it refers to, whose models it
 * begins with; whatever else can go on side by side does. Knows neither pixels nor threads: calls are made one at a
 * time.
 */
#ifndef DFY_VIDEO_SCHEDULE_H
#define DFY_VIDEO_SCHEDULE_H

#include "video/syntax/mini_group.h"

typedef enum DfyJobKind {
    DFY_JOB_BEGIN, /* header, references, models */
    DFY_JOB_ROW,   /* decides a row of superblocks, once the rows above have been begun */
    DFY_JOB_END    /* filters and writes the picture, all rows of which are decided */
} DfyJobKind;

typedef struct DfyJob {
    DfyJobKind kind;
    int picture, row; /* picture: its place in coding order */
} DfyJob;

typedef struct DfyScheduled {
    int references[2]; /* places of the group's pictures that enclose it, -1: none */
    int stage;
    int rows_taken, rows_done, at_work; /* at_work: rows that threads are at */
} DfyScheduled;

typedef struct DfySchedule {
    DfyScheduled pictures[DFY_MAX_MINI_GROUP];
    int count, rows;
    int tasks; /* pictures that may still be begun before one is ended */
    int done;  /* pictures */
    int ended; /* jobs */
} DfySchedule;

/* For pictures (count of them, in coding order) of so many rows, as many as `tasks` of them begun and not ended. */
void dfy_schedule_start(DfySchedule *schedule, const DfyMiniGroupPicture *pictures, int count, int rows, int tasks);

/* 1: job was set and is to be ended; 0: nothing can be done until a job ends; -1: all is done. */
int dfy_schedule_take(DfySchedule *schedule, DfyJob *job);

/* decided: of a job that begins a picture, nothing is left but to end it. */
void dfy_schedule_end(DfySchedule *schedule, const DfyJob *job, int decided);

#endif
