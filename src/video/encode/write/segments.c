#include "video/encode/write/segments.h"

#include <stdlib.h>

#include "video/syntax/mini_group.h"

#define SEGMENT_BYTES 4096 /* a segment this large is written; smaller, its 20 bytes of framing would tell */
#define QUIET_BYTES 128    /* a segment of so few bytes may last three times as long: little happens in it */

int dfy_segments_no_memory(const DfySegments *s) {
    return dfy_fail(s->message, DFY_ERROR_MEMORY, "There is not enough memory to encode pictures of %d x %d pixels.",
                    s->stream->width, s->stream->height);
}

int dfy_segments_no_output(const DfySegments *s, int status) {
    return dfy_fail(s->message, status, "The output can't be written: is the disk full?");
}

int dfy_segments_open(DfySegments *s, const DfyOutput *output) {
    s->pts = malloc((size_t)(3 * s->most + DFY_MAX_MINI_GROUP) * sizeof *s->pts);
    if (!s->pts) return dfy_segments_no_memory(s);
    dfy_range_encode_start(&s->coder);
    int status = dfy_v2_writer_open(&s->file, output);
    if (status) return dfy_fail(s->message, status, "The output can't be written.");
    dfy_put_stream(&s->payload, s->stream);
    return dfy_segments_write_chunk(s, DFY_CHUNK_STREAM, 0, 0, 0);
}

void dfy_segments_close(DfySegments *s) {
    dfy_v2_writer_close(&s->file);
    dfy_range_free(&s->coder);
    dfy_buffer_free(&s->groups);
    dfy_buffer_free(&s->payload);
    free(s->pts);
}

int dfy_segments_write_chunk(DfySegments *s, unsigned type, unsigned flags, uint64_t first, uint64_t frames) {
    int status = s->payload.failed
                     ? DFY_ERROR_MEMORY
                     : dfy_v2_write_chunk(&s->file, type, flags, s->payload.data, s->payload.size, first, frames);
    s->payload.size = 0;
    if (status == DFY_ERROR_IO) return dfy_segments_no_output(s, status);
    return status ? dfy_segments_no_memory(s) : DFY_OK;
}

int64_t *dfy_segments_begin_frames(DfySegments *s, uint64_t first) {
    if (!s->frames) s->first = first;
    return s->pts + s->frames;
}

/* Says what noise the next segment has had, if it is other than that of the one before. */
static int write_grain(DfySegments *s) {
    DfyGrain grain;
    if (!s->noise || !dfy_noise_meter_tells(s->noise, &grain)) return DFY_OK;
    dfy_put_grain(&s->payload, &grain);
    return dfy_segments_write_chunk(s, DFY_CHUNK_GRAIN, 0, 0, 0);
}

int dfy_segments_flush(DfySegments *s) {
    if (!s->frames) return DFY_OK;
    int status = write_grain(s);
    if (status) return status;
    DfySegment segment = {.first_frame = s->first, .frames = s->frames, .plates = s->plates};
    unsigned flags = s->is_access_point ? DFY_CHUNK_ACCESS_POINT : 0;
    int refers = s->long_term && dfy_long_term_is_closed(s->long_term);
    if (refers) {
        segment.long_term_first = dfy_long_term_first(s->long_term);
        segment.long_term_frames = (uint64_t)dfy_long_term_frames(s->long_term);
    }
    dfy_put_segment(&s->payload, &segment, s->pts, dfy_regular_ticks(s->stream));
    if (s->stream->lossless) {
        dfy_range_encode_finish(&s->coder);
        dfy_put_bytes(&s->payload, s->coder.data, s->coder.size);
        dfy_range_encode_restart(&s->coder);
    }
    dfy_put_bytes(&s->payload, s->groups.data, s->groups.size);
    s->groups.size = 0;
    if (s->long_term && !refers && dfy_long_term_note_segment(s->long_term, &s->payload, flags, &segment))
        return dfy_segments_no_memory(s);
    status = dfy_segments_write_chunk(s, DFY_CHUNK_SEGMENT, flags, segment.first_frame, segment.frames);
    s->frames = 0;
    s->is_access_point = 0;
    return status;
}

int dfy_segments_too_long(const DfySegments *s, uint64_t frames, uint64_t last) {
    uint64_t ticks = frames ? (uint64_t)s->pts[frames - 1] - (uint64_t)s->pts[0] : 0;
    double seconds = (double)ticks * s->stream->time_base_num / s->stream->time_base_den;
    return s->longest_seconds > 0 && seconds * (double)(frames + last) > s->longest_seconds * (double)frames;
}

int dfy_segments_add(DfySegments *s, uint64_t frames) {
    s->frames += frames;
    size_t size = s->groups.size + s->coder.size;
    uint64_t most = size < QUIET_BYTES ? 3 * s->most : s->most;
    int enough = size >= SEGMENT_BYTES && !s->stream->access; /* for random access each group is a segment */
    if (enough || s->frames >= most || dfy_segments_too_long(s, s->frames, frames)) return dfy_segments_flush(s);
    return DFY_OK;
}

uint64_t dfy_segments_bytes(const DfySegments *s) {
    return s->file.offset_bytes + s->groups.size + s->coder.size + s->coder.pending;
}
