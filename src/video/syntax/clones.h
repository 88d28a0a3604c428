/* The CLONE chunks of a video: frames that show earlier ones, and which; FORMAT.md has the layout. */
#ifndef DFY_VIDEO_CLONES_H
#define DFY_VIDEO_CLONES_H

#include "video/syntax/stream.h"

/* A whole chunk. sources: for each frame the one shown in its place, not falling, all before segment's first. */
void dfy_put_clones(DfyBuffer *buffer, const DfySegment *segment, const int64_t *pts, int64_t regular,
                    const uint64_t *sources);

/* What follows the head and the times: segment's many sources. DFY_ERROR_DAMAGED when they are not all earlier. */
int dfy_read_sources(DfyBytes *bytes, const DfySegment *segment, uint64_t *sources);

#endif
