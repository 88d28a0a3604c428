/*
 * Where the work leaves its routine. Every cycle is aligned in time with others around it. What differs from nearly all
 * of them at the same moment of the work has departed, and so has a cycle whose motion takes much longer than theirs.
 * Neither pauses nor slow changes of the light count, nor what a recording begins with: no routine was seen before it.
 */
#ifndef DFY_ANALYSIS_DEPARTURES_H
#define DFY_ANALYSIS_DEPARTURES_H

#include "analysis/repeats.h"

typedef struct DfyLoggedDeparture {
    uint64_t first, frames;
    int is_slow;                  /* a cycle that takes longer, not something seen */
    int left, top, right, bottom; /* in cells of a descriptor; right and bottom are the first beyond */
    double size;                  /* levels by which the farthest cell differs; slow: times as long as usual */
} DfyLoggedDeparture;

typedef struct DfyDepartures {
    DfyLoggedDeparture *at; /* by their first frames */
    uint32_t count, capacity;
} DfyDepartures;

/*
 * Appends the departures in a film's cycles, of which the last `open` are only compared with. starts: the film begins
 * the recording. Frames are counted from the film's first. 0 or DFY_ERROR_MEMORY; fewer than DFY_ROUTINE_CYCLES whole
 * cycles are no routine to depart from.
 */
int dfy_find_departures(const DfyCycleFinder *finder, const DfyRepeats *repeats, uint32_t open, int starts,
                        DfyDepartures *departures);

/* 0 or DFY_ERROR_MEMORY. */
int dfy_departures_append(DfyDepartures *departures, const DfyLoggedDeparture *departure);
void dfy_departures_free(DfyDepartures *departures);

#define DFY_ROUTINE_CYCLES 5

#endif
