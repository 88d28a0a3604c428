/* When the frames of a version 2 file are shown, read from the heads of its chunks without decoding a picture. */
#ifndef DFY_VIDEO_TIMES_H
#define DFY_VIDEO_TIMES_H

#include "container/v2.h"
#include "video/syntax/stream.h"

/* The times of one chunk, kept because the next question is mostly about the same one. All zero to begin with. */
typedef struct DfyTimes {
    size_t chunk; /* 0 (the STREAM): none is kept */
    DfySegment head;
    int64_t *pts;
    size_t capacity;
    DfyBuffer payload;
} DfyTimes;

/*
 * The time of `frame`, which lies in the SEGMENT or CLONE `chunk`, in ticks of the stream's time base.
 * DFY_ERROR_DAMAGED (without a sentence where the chunk is whole but breaks the rules), DFY_ERROR_MEMORY, DFY_ERROR_IO.
 */
int dfy_times_of(DfyTimes *times, DfyV2Reader *file, const DfyStream *stream, size_t chunk, uint64_t frame,
                 int64_t *pts, DfyMessage *message);

/* The same of a SEGMENT whose payload is at hand: nothing is read. */
int dfy_times_in(DfyTimes *times, const DfyBuffer *payload, const DfyStream *stream, size_t chunk, uint64_t frame,
                 int64_t *pts, DfyMessage *message);
void dfy_times_free(DfyTimes *times);

#endif
