/* The CYCLES chunks of a video: where each cycle of the work begins and what it repeats; FORMAT.md has the layout. */
#ifndef DFY_VIDEO_CYCLE_LIST_H
#define DFY_VIDEO_CYCLE_LIST_H

#include "analysis/cycle_log.h"
#include "base/bytes.h"

#define DFY_MOST_CYCLES ((uint32_t)1 << 18) /* that a reader keeps: 12 days of four-second cycles */

void dfy_put_cycles(DfyBuffer *buffer, const DfyLoggedCycle *cycle, uint32_t count);

typedef struct DfyCycleList {
    DfyLoggedCycle *cycle;
    uint32_t count, capacity, canonicals;
} DfyCycleList;

/*
 * Appends a chunk's cycles as far as they make sense: in order, within the video's frames. 0 or DFY_ERROR_MEMORY.
 */
int dfy_read_cycles(DfyBytes *bytes, uint64_t frames, DfyCycleList *list);
void dfy_cycle_list_free(DfyCycleList *list);

#endif
