/*
 * What is to be done next for the pictures of a group. A picture waits for those that it refers to and for the models
 * that its rates come from, and pictures are written in coding order; whatever else can go on side by side does. Knows
 * neither pixels nor threads: calls are made one at a time.
 */
#ifndef DFY_VIDEO_SCHEDULE_H
#define DFY_VIDEO_SCHEDULE_H

#include "video/syntax/group.h"

typedef enum DfyJobKind {
    DFY_JOB_BEGIN,  /* header, references, models */
    DFY_JOB_ROW,    /* decides a row of superblocks, once the rows above have been begun */
    DFY_JOB_FILTER, /* the picture, all rows of which are decided */
    DFY_JOB_WRITE
} DfyJobKind;

typedef struct DfyJob {
    DfyJobKind kind;
    int picture, row; /* picture: its place in coding order */
} DfyJob;

typedef struct DfyScheduled {
    int references[2]; /* places of the group's pictures that enclose it, -1: none */
    int models;        /* its rates come from the models as they are when so many pictures are written */
    int stage;
    int rows_taken, rows_done, at_work; /* at_work: rows that threads are at */
} DfyScheduled;

typedef struct DfySchedule {
    DfyScheduled pictures[DFY_MAX_GROUP];
    int count, rows;
    int drafts; /* pictures that may still be begun before one is written */
    int written, writing;
    int ended; /* jobs */
} DfySchedule;

/* For pictures (count of them, in coding order) of so many rows, as many as `drafts` of them begun and not written. */
void dfy_schedule_start(DfySchedule *schedule, const DfyGroupPicture *pictures, int count, int rows, int drafts);

/* 1: job was set and is to be ended; 0: nothing can be done until a job ends; -1: all is done. */
int dfy_schedule_take(DfySchedule *schedule, DfyJob *job);

/* decided: of a job that begins a picture, nothing is left but to write it. */
void dfy_schedule_end(DfySchedule *schedule, const DfyJob *job, int decided);

#endif
