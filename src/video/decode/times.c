#include "video/decode/times.h"

#include <stdlib.h>

enum { HEAD_BYTES = 64 }; /* more than the head of a segment without times takes */

/* Most recordings are regular: their chunks' first bytes say so, and the rest needs no reading. */
static int read_first_bytes(DfyV2Reader *file, const DfyV2Row *row, DfySegment *head, DfyMessage *message) {
    uint8_t data[HEAD_BYTES];
    size_t size = row->payload_bytes < sizeof data ? (size_t)row->payload_bytes : sizeof data;
    if (file->input.read(file->input.opaque, row->offset_bytes + DFY_V2_HEAD_BYTES, data, size) != (int64_t)size)
        return dfy_fail(message, DFY_ERROR_IO, "The file can't be read.");
    DfyBytes bytes = dfy_bytes(data, size);
    if (dfy_read_segment(&bytes, head) || head->first_frame != row->first_frame || head->frames != row->frames)
        return DFY_ERROR_DAMAGED;
    return DFY_OK;
}

/* What has a wrong bit there may be put right, as a whole. */
static int read_head(DfyTimes *times, DfyV2Reader *file, size_t chunk, DfyMessage *message) {
    const DfyV2Row *row = &file->rows[chunk];
    int status = read_first_bytes(file, row, &times->head, message);
    if (status != DFY_ERROR_DAMAGED) return status;
    status = dfy_v2_read_chunk(file, chunk, &times->payload, message);
    DfyBytes bytes = dfy_bytes(times->payload.data, times->payload.size);
    if (status) return status;
    return dfy_read_segment(&bytes, &times->head) || times->head.first_frame != row->first_frame ||
                   times->head.frames != row->frames
               ? DFY_ERROR_DAMAGED
               : DFY_OK;
}

/* Takes all times of a chunk that lists them. */
static int take(DfyTimes *times, const DfyBuffer *payload, const DfyStream *stream, DfyMessage *message) {
    size_t frames = (size_t)times->head.frames; /* at most DFY_SEGMENT_FRAMES */
    if (frames > times->capacity) {
        int64_t *grown = realloc(times->pts, frames * sizeof *grown);
        if (!grown) return dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for the times of frames.");
        times->pts = grown;
        times->capacity = frames;
    }
    DfyBytes bytes = dfy_bytes(payload->data, payload->size);
    DfySegment head;
    if (dfy_read_segment(&bytes, &head) || head.frames != times->head.frames) return DFY_ERROR_DAMAGED;
    return dfy_read_times(&bytes, &head, dfy_regular_ticks(stream), times->pts);
}

static int load(DfyTimes *times, DfyV2Reader *file, const DfyStream *stream, size_t chunk, DfyMessage *message) {
    int status = dfy_v2_read_chunk(file, chunk, &times->payload, message);
    if (status && status != DFY_ERROR_DAMAGED) return status; /* the times have a check of their own */
    return take(times, &times->payload, stream, message);
}

static int64_t time_of(const DfyTimes *times, const DfyStream *stream, uint64_t frame) {
    return times->head.flags & DFY_SEGMENT_TIMES ? times->pts[frame - times->head.first_frame]
                                                 : (int64_t)frame * dfy_regular_ticks(stream);
}

int dfy_times_in(DfyTimes *times, const DfyBuffer *payload, const DfyStream *stream, size_t chunk, uint64_t frame,
                 int64_t *pts, DfyMessage *message) {
    if (times->chunk != chunk) {
        times->chunk = 0;
        DfyBytes bytes = dfy_bytes(payload->data, payload->size);
        int status = dfy_read_segment(&bytes, &times->head);
        if (!status && times->head.flags & DFY_SEGMENT_TIMES) status = take(times, payload, stream, message);
        if (status) return status;
        times->chunk = chunk;
    }
    *pts = time_of(times, stream, frame);
    return DFY_OK;
}

int dfy_times_of(DfyTimes *times, DfyV2Reader *file, const DfyStream *stream, size_t chunk, uint64_t frame,
                 int64_t *pts, DfyMessage *message) {
    int status = DFY_OK;
    if (times->chunk != chunk) {
        times->chunk = 0;
        status = read_head(times, file, chunk, message);
        if (!status && times->head.flags & DFY_SEGMENT_TIMES) status = load(times, file, stream, chunk, message);
        if (status) return status;
        times->chunk = chunk;
    }
    *pts = time_of(times, stream, frame);
    return status;
}

void dfy_times_free(DfyTimes *times) {
    free(times->pts);
    dfy_buffer_free(&times->payload);
}
