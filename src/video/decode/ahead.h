/*
 * Pictures that other threads decode before they are asked for. The player's thread alone adds tasks, waits for them
 * and removes them; it does what needs the file. A task begins once all pictures that it refers to are there, so that
 * whole pictures run side by side: those of one temporal layer, and the next mini-group's anchor beside the last of
 * this one.
 */
#ifndef DFY_VIDEO_AHEAD_H
#define DFY_VIDEO_AHEAD_H

#include "video/decode/picture_decoder.h"
#include "video/decode/run.h"

#define DFY_AHEAD_THREADS 8 /* more find nothing to do */

typedef enum DfyTaskState {
    DFY_TASK_NONE = 0,
    DFY_TASK_WAITING, /* for pictures that it refers to, or for a thread */
    DFY_TASK_ASKING,  /* for what only the player can fetch */
    DFY_TASK_AT_WORK,
    DFY_TASK_DONE /* well or not, as status says */
} DfyTaskState;

/* What a picture is made from. The first three are DfyCodedPicture's, the last said what its group is. */
enum { DFY_FROM_PAST, DFY_FROM_FUTURE, DFY_FROM_BEFORE, DFY_FROM_ANCHOR, DFY_FROM_LONG_TERM_ANCHOR, DFY_FROM_COUNT };

typedef struct DfyTask {
    DfyTaskState state;
    int status;
    uint64_t number; /* of the frame, in the file */
    DfyCodedPicture coded;
    DfyRunMiniGroup group;
    const DfyBuffer *payload; /* pinned */
    struct {
        const DfyFrame *frame; /* held, once it is there; NULL and no task: there is none */
        struct DfyTask *task;  /* that makes it */
    } from[DFY_FROM_COUNT];
    int models;            /* what it begins with the models of: DFY_FROM_PAST, _FUTURE, or -1, the plate */
    int asked_back;        /* the anchor that its bytes name was asked for: so many back; 0: not */
    int64_t asked_index;   /* the same of the long-term set's frame; -1: not */
    const DfyFrame *lent;  /* which is this, held */
    const DfyFrame *frame; /* what was made, held */
} DfyTask;

typedef struct DfyAhead DfyAhead;

/* decoder: the player's own, which does what the player's thread does. NULL when there is no memory or no thread. */
DfyAhead *dfy_ahead_new(DfyPictureDecoder *decoder, int threads);
/* All tasks are removed before. */
void dfy_ahead_free(DfyAhead *ahead);

/* How many frames beyond the one shown are worth adding. */
int dfy_ahead_reach(const DfyAhead *ahead);
/* Frames and picture decoders held by so many threads at the worst, beside the player's. */
int dfy_ahead_frames(int threads);

/* The task for a frame, NULL: none. */
DfyTask *dfy_ahead_find(DfyAhead *ahead, uint64_t number);
/* A new one, NULL when there is no room. The player fills it in and posts it, or removes it. */
DfyTask *dfy_ahead_add(DfyAhead *ahead, uint64_t number);
void dfy_ahead_post(DfyAhead *ahead, DfyTask *task);

/*
 * Works along until the task is done (returns 1) or some task asks for something, which is returned in *asking.
 * in_parts: or until one picture is decoded.
 */
int dfy_ahead_await(DfyAhead *ahead, DfyTask *task, DfyTask **asking, int in_parts);
/* A task that asks for something, NULL: none. */
DfyTask *dfy_ahead_asking(DfyAhead *ahead);
/* The answer is in the task: it goes on, or fails with a negative status. */
void dfy_ahead_answer(DfyAhead *ahead, DfyTask *task, int status);

/* The next task that is done (from the one after `task`; NULL: from the first), or NULL. */
DfyTask *dfy_ahead_done(DfyAhead *ahead, DfyTask *task);
/* Removes a task that no thread is at; what it holds is released. Its payload is the player's to unpin. */
void dfy_ahead_remove(DfyAhead *ahead, DfyTask *task);
/* Lets no task begin any more, and waits for those that have begun. */
void dfy_ahead_stop(DfyAhead *ahead);
/* Any task that is left, NULL: none. */
DfyTask *dfy_ahead_any(DfyAhead *ahead);

#endif
