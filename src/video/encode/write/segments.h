/*
 * What goes into the file: chunks, and the segments that coded frames are gathered in. A segment is written when it is
 * large or long enough, so that framing costs little and a crash loses little.
 */
#ifndef DFY_VIDEO_SEGMENTS_H
#define DFY_VIDEO_SEGMENTS_H

#include "container/v2.h"
#include "entropy/range.h"
#include "video/encode/lookahead/long_term.h"
#include "video/encode/noise_meter.h"
#include "video/syntax/stream.h"

typedef struct DfySegments {
    const DfyStream *stream; /* borrowed, as the message */
    DfyMessage *message;
    DfyV2Writer file;
    DfyBuffer payload;         /* of the chunk at hand: whoever writes one fills it first */
    DfyBuffer groups;          /* the segment's coded groups so far */
    DfyRangeCoder coder;       /* or its lossless pictures */
    int64_t *pts;              /* of its frames; or of clones that wait, no segment being begun then */
    uint64_t first, frames;    /* of the segment so far */
    uint64_t most;             /* frames of a segment in which something happens */
    double longest_seconds;    /* 0: not said */
    int is_access_point;       /* decoding can begin with it */
    unsigned plates;           /* written */
    DfyLongTermSet *long_term; /* borrowed, NULL: none. What segments refer to, or note themselves in */
    DfyNoiseMeter *noise;      /* borrowed, NULL: nothing is told of it */
} DfySegments;

/* Begins the file. All below give 0 or a negative status with a sentence. */
int dfy_segments_open(DfySegments *segments, const DfyOutput *output);
void dfy_segments_close(DfySegments *segments);

/* The sentence for DFY_ERROR_MEMORY, which it returns; and for a failed output. */
int dfy_segments_no_memory(const DfySegments *segments);
int dfy_segments_no_output(const DfySegments *segments, int status);

/* Writes the payload as a chunk, of such frames or of none. */
int dfy_segments_write_chunk(DfySegments *segments, unsigned type, unsigned flags, uint64_t first, uint64_t frames);

/* The next frames coded are counted from `first` on; returns where their times go. */
int64_t *dfy_segments_begin_frames(DfySegments *segments, uint64_t first);
/* Frames were coded into it: it is written when it is large or long enough. */
int dfy_segments_add(DfySegments *segments, uint64_t frames);
/* Writes what there is of a segment. */
int dfy_segments_flush(DfySegments *segments);

/* Whether frames whose times are in pts, and as many more as came last, are longer than the settings let them be. */
int dfy_segments_too_long(const DfySegments *segments, uint64_t frames, uint64_t last);

/* Bytes of the file so far, the segment at hand included. */
uint64_t dfy_segments_bytes(const DfySegments *segments);

#endif
