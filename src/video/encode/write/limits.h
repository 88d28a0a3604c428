/* What the settings fix for a whole file: what its stream says, and how far the writer looks ahead. */
#ifndef DFY_VIDEO_LIMITS_H
#define DFY_VIDEO_LIMITS_H

#include "diffy/diffy.h"
#include "video/syntax/stream.h"

#define DFY_LOOK_AHEAD 49 /* frames held: a group, and half of the next one, which tells what this one is worth */

typedef struct DfyLimits {
    int group, look_ahead;    /* frames; less for very large pictures */
    int qp;                   /* that the quality stands for */
    int shortest_clones;      /* frames of a stretch of clones */
    uint64_t access_interval; /* frames from one random access point to the next, by what it costs to seek them */
    uint64_t segment_most;    /* frames of a segment */
} DfyLimits;

/* The encoder's settings as a stream, and its limits. */
DfyStream dfy_stream_of(const DfyEncoderSettings *settings);
DfyLimits dfy_limits_of(const DfyEncoderSettings *settings, const DfyStream *stream);

#endif
