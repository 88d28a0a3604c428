/*
 * A run: the coded frames from one random access point to the next, and where the bytes of each lie. Segments are
 * looked at as far as somebody asks; of their bytes only the latest are held.
 */
#ifndef DFY_VIDEO_RUN_H
#define DFY_VIDEO_RUN_H

#include "container/v2.h"
#include "video/decode/times.h"
#include "video/syntax/mini_group_record.h"
#include "video/syntax/stream.h"

typedef struct DfyRunSegment {
    size_t chunk;
    DfySegment head;
    int suspect; /* its checksum is wrong: groups have checks of their own */
} DfyRunSegment;

typedef struct DfyRunMiniGroup {
    uint64_t first;  /* number of its first frame, in the file */
    size_t segment;  /* of the run */
    size_t position; /* of its record in the segment's payload */
    int32_t base;    /* coded frames of the run before it */
    int32_t anchor;  /* which of the run's anchors its last frame is; a still group's is that of the group before */
    int32_t past, before;  /* anchors that its anchor refers to in any case, -1: none */
    uint32_t damaged;      /* pictures that can't be decoded, a bit each in coding order */
    uint8_t frames, still; /* see DfyMiniGroupRecord */
    uint8_t broken;        /* its anchor is damaged, or one that it is made from */
} DfyRunMiniGroup;

#define DFY_RUN_PAYLOADS 32 /* segments whose bytes are held; 8 but for random access */

typedef struct DfyRun {
    DfyV2Reader *file;
    const DfyStream *stream;
    DfyMessage *message;
    DfyRunSegment *segments;
    DfyRunMiniGroup *groups;
    int32_t *anchors; /* the groups that have them */
    size_t segment_count, group_count, anchor_count, segment_room, group_room, anchor_room;
    size_t access_point; /* chunk that it begins with, file->count: there is no run */
    int ended;           /* no more segments */
    uint64_t end;        /* frame behind the last one found */
    int32_t base;        /* coded frames before it, from the random access point on */
    struct DfyRunPayload {
        DfyBuffer bytes;
        size_t chunk, stamp; /* stamp 0: unused */
        int suspect, pins;
    } payloads[DFY_RUN_PAYLOADS];
    size_t clock;
    DfyTimes times;
} DfyRun;

/* Borrows all three. */
void dfy_run_open(DfyRun *run, DfyV2Reader *file, const DfyStream *stream, DfyMessage *message);
void dfy_run_close(DfyRun *run);

/*
 * Begins at the segment in that chunk: a random access point (base 0), or, where anchors refer to no others, any,
 * before which there are `base` coded frames from the random access point on.
 */
void dfy_run_begin(DfyRun *run, size_t access_point, int32_t base);

/*
 * Finds the group that the frame is in; *group is an index. DFY_ERROR_DAMAGED, without a sentence, when the run has
 * none; DFY_ERROR_MEMORY and DFY_ERROR_IO with one.
 */
int dfy_run_find(DfyRun *run, uint64_t frame, size_t *group);

/* The bytes of a segment, valid until the next call. Errors as above. */
int dfy_run_payload(DfyRun *run, size_t segment, const DfyBuffer **payload);

/* The record of a group, and the payload that its offsets are of. */
int dfy_run_record(DfyRun *run, size_t group, DfyMiniGroupRecord *record, const DfyBuffer **payload);

/*
 * A payload's bytes stay valid over further calls from pins = 1 to -1; at most DFY_RUN_PAYLOADS - 1 segments at a time.
 */
void dfy_run_pin(DfyRun *run, const DfyBuffer *payload, int pins);

/* Time of a frame of the group, in ticks. */
int dfy_run_time(DfyRun *run, size_t group, uint64_t frame, int64_t *pts);

#endif
