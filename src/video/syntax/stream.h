/* What the STREAM chunk of a video and the head of a SEGMENT say; FORMAT.md has the layout. */
#ifndef DFY_VIDEO_STREAM_H
#define DFY_VIDEO_STREAM_H

#include "base/bytes.h"
#include "base/status.h"

#define DFY_VIDEO_VERSION 21 /* of the syntax; 1 to 20 were drafts. From 1.0 on features are added, not versions. */

/*
 * Features of a stream that a reader must know to play it, a set of bits. A reader refuses a stream with a bit it does
 * not know. There are no optional features yet: a reader ignores those it does not know.
 */
enum {
    DFY_FEATURE_CLONES = 1,    /* there may be CLONE chunks */
    DFY_FEATURE_LONG_TERM = 2, /* segments may refer to a long-term reference set */
    DFY_FEATURE_LOSSLESS = 4,  /* pictures are coded without loss, by a syntax of their own */
    DFY_FEATURES_KNOWN = 7
};

#define DFY_BIT_DEPTH 8  /* the only depth so far */
#define DFY_CHROMA_420 1 /* the only chroma format so far, as H.264 and H.265 number them */

typedef struct DfyStream {
    int width, height;
    int frame_rate_num, frame_rate_den, time_base_num, time_base_den;
    int primaries, transfer; /* H.273 code points, as the matrix */
    DfyMatrix matrix;
    DfyRange range;
    int sample_aspect_num, sample_aspect_den; /* 0/0: unknown */
    int orientation;                          /* 1..8 as in EXIF */
    int64_t start_unix_us;                    /* 0: unknown */
    int quality;
    DfyMode mode;
    int lossless;
    int keep; /* anchors kept as references */
    /*
     * Most pictures that a frame needs beside plates and anchors, 2 to 7; 0: not limited. Where it is, anchors refer to
     * the plate alone, mini-groups have as many temporal layers besides the anchor's, and a segment begins with the
     * only mini-group in it that is not still: a frame's own segment and the one before hold all that it needs.
     */
    int access;
    int clones;    /* there may be CLONE chunks */
    int long_term; /* segments may refer to a long-term reference set */
} DfyStream;

void dfy_put_stream(DfyBuffer *buffer, const DfyStream *stream);
/* DFY_ERROR_FORMAT, DFY_ERROR_UNSUPPORTED (another kind of stream) with a sentence. */
int dfy_read_stream(DfyBytes *bytes, DfyStream *stream, DfyMessage *message);

/* Temporal layers of mini-groups, besides the anchor's, at the most; 0: as many as halving takes. */
static inline int dfy_most_layers(const DfyStream *stream) {
    return stream->access;
}

/* Ticks of a frame when they come regularly; at least 1. */
int64_t dfy_regular_ticks(const DfyStream *stream);

/* The most frames a group may have, so that what a decoder holds is bounded: 32, fewer of very large pictures. */
int dfy_mini_group_limit(const DfyStream *stream);

#define DFY_SEGMENT_FRAMES 65536 /* the most of one segment */

/* Head of a segment, or of clones: which frames, and their times where they are not regular. */
enum { DFY_SEGMENT_TIMES = 1, DFY_SEGMENT_PLATES = 2, DFY_SEGMENT_LONG_TERM = 4 };
#define DFY_LONG_TERM_FRAMES 65536 /* the most of a long-term set */
typedef struct DfySegment {
    uint64_t first_frame, frames;
    unsigned flags;
    unsigned plates; /* BACKGROUND chunks before it, said where there is more than one; else 0 */
    int64_t first_pts;
    uint64_t long_term_first, long_term_frames; /* frames coded before that its groups may refer to; 0: none */
} DfySegment;

void dfy_put_segment(DfyBuffer *buffer, const DfySegment *segment, const int64_t *pts, int64_t regular);
/*
 * The head, with which the payload begins, and the times behind it; pts receives `frames` of them when it isn't NULL.
 * DFY_ERROR_DAMAGED when they can't be these, or when their check is wrong.
 */
int dfy_read_segment(DfyBytes *bytes, DfySegment *segment);
int dfy_read_times(DfyBytes *bytes, const DfySegment *segment, int64_t regular, int64_t *pts);

#endif
