/*
 * The cycles of a recording of any length, in bounded memory. Frames are looked at in chapters of DFY_CHAPTER_FRAMES:
 * when one is full its cycles are found, and only the canonicals, which later cycles are compared with, and the cycle
 * that the chapter ends in are kept. So at the most 10 MB of descriptors are held, and 6 MB of canonicals.
 */
#ifndef DFY_ANALYSIS_CYCLE_LOG_H
#define DFY_ANALYSIS_CYCLE_LOG_H

#include "analysis/departures.h"
#include "analysis/repeats.h"

#define DFY_CHAPTER_FRAMES 32768   /* 18 minutes at 30 frames a second */
#define DFY_CANONICAL_FRAMES 4096u /* what is kept of a canonical: longer ones are compared by their beginning */

typedef struct DfyLoggedCycle {
    uint64_t first, frames;
    uint32_t canonical; /* the canonical it follows, counted from 0 */
    int is_canonical;
    int is_clone;    /* a reader's: most of its frames are clones */
    double distance; /* mean absolute difference of descriptors, in levels */
} DfyLoggedCycle;

typedef struct DfyCycleLog {
    DfyCycleFinder finder;
    uint64_t chapter_frames; /* DFY_CHAPTER_FRAMES; less in tests */
    uint64_t before;         /* frames of the recording before the finder's first */
    int open;                /* the finder's first frame begins a cycle that the chapter before ended in */
    DfyDescriptor *canonical[DFY_MOST_CANONICALS];
    uint64_t canonical_frames[DFY_MOST_CANONICALS];
    uint32_t canonicals;
    DfyLoggedCycle *cycle; /* of the chapter that was finished last */
    uint32_t cycles;
    DfyDepartures departures; /* of the same chapter, counted in frames of the recording */
} DfyCycleLog;

int dfy_cycle_log_open(DfyCycleLog *log, int width, int height, double fps);
void dfy_cycle_log_close(DfyCycleLog *log);

/* Looks at plane 0. When that filled a chapter, log->cycle are its cycles and log->departures
 * where they depart from each other, until the next push. 0 or DFY_ERROR_MEMORY.
 */
int dfy_cycle_log_push(DfyCycleLog *log, const DfyPicture *picture);

/* Ends the recording: log->cycle are the cycles that were not told yet. */
int dfy_cycle_log_finish(DfyCycleLog *log);

#endif
