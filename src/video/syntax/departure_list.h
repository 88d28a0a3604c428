/* The DEPARTURES chunks of a video: where the work leaves its routine; FORMAT.md has the layout. */
#ifndef DFY_VIDEO_DEPARTURE_LIST_H
#define DFY_VIDEO_DEPARTURE_LIST_H

#include "analysis/departures.h"
#include "base/bytes.h"

#define DFY_MOST_DEPARTURES ((uint32_t)1 << 18) /* that a reader keeps */

/* Boxes are in cells in the list, and in pixels of a picture of that size in the chunk. */
void dfy_put_departures(DfyBuffer *buffer, const DfyDepartures *departures, int width, int height);

/*
 * Appends a chunk's departures as far as they make sense: in order, within the video's frames and pictures. Boxes are
 * in pixels. 0 or DFY_ERROR_MEMORY.
 */
int dfy_read_departures(DfyBytes *bytes, uint64_t frames, int width, int height, DfyDepartures *departures);

/* The same with all frames counted from `first` on, boxes as they are. 0 or DFY_ERROR_MEMORY. */
void dfy_move_departures(DfyBuffer *buffer, const DfyDepartures *departures, uint64_t first);

#endif
