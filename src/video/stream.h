/* What the STREAM chunk of a video and the head of a SEGMENT say; FORMAT.md has the layout. */
#ifndef DFY_VIDEO_STREAM_H
#define DFY_VIDEO_STREAM_H

#include "base/bytes.h"
#include "base/status.h"

#define DFY_VIDEO_REVISION 11 /* of the syntax; one more where there may be clones */

typedef struct DfyStream {
    int width, height;
    int frame_rate_num, frame_rate_den, time_base_num, time_base_den;
    DfyMatrix matrix;
    DfyRange range;
    int quality;
    DfyMode mode;
    int lossless;
    int keep;    /* anchors kept as references */
    int clones;  /* there may be CLONE chunks */
    int library; /* segments may refer to a library */
} DfyStream;

void dfy_put_stream(DfyBuffer *buffer, const DfyStream *stream);
/* DFY_ERROR_FORMAT, DFY_ERROR_UNSUPPORTED (another kind of stream) with a sentence. */
int dfy_read_stream(DfyBytes *bytes, DfyStream *stream, DfyMessage *message);

/* Ticks of a frame when they come regularly; at least 1. */
int64_t dfy_regular_ticks(const DfyStream *stream);

/* The most frames a group may have, so that what a decoder holds is bounded: 32, fewer of very large pictures. */
int dfy_group_limit(const DfyStream *stream);

#define DFY_SEGMENT_FRAMES 65536 /* the most of one segment */

/* Head of a segment, or of clones: which frames, and their times where they are not regular. */
enum { DFY_SEGMENT_TIMES = 1, DFY_SEGMENT_PLATES = 2, DFY_SEGMENT_LIBRARY = 4 };
#define DFY_LIBRARY_FRAMES 65536 /* the most of a library */
typedef struct DfySegment {
    uint64_t first_frame, frames;
    unsigned flags;
    unsigned plates; /* BACKGROUND chunks before it, said where there is more than one; else 0 */
    int64_t first_pts;
    uint64_t library_first, library_frames; /* frames coded before that its groups may refer to; 0: none */
} DfySegment;

void dfy_put_segment(DfyBuffer *buffer, const DfySegment *segment, const int64_t *pts, int64_t regular);
/* pts receives `frames` times when it isn't NULL and has room for them. */
int dfy_read_segment(DfyBytes *bytes, DfySegment *segment);
void dfy_read_times(DfyBytes *bytes, const DfySegment *segment, int64_t regular, int64_t *pts);

#endif
