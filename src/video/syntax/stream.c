#include "video/syntax/stream.h"

#include "base/status.h"
#include "container/v2.h"

static void put_fields(DfyBuffer *buffer, const DfyStream *s) {
    dfy_put_varint(buffer, (s->clones ? DFY_FEATURE_CLONES : 0u) | (s->long_term ? DFY_FEATURE_LONG_TERM : 0u) |
                               (s->lossless ? DFY_FEATURE_LOSSLESS : 0u));
    dfy_put_varint(buffer, 0); /* optional features */
    dfy_put_varint(buffer, (uint64_t)s->width);
    dfy_put_varint(buffer, (uint64_t)s->height);
    dfy_put_varint(buffer, (uint64_t)s->frame_rate_num);
    dfy_put_varint(buffer, (uint64_t)s->frame_rate_den);
    dfy_put_varint(buffer, (uint64_t)s->time_base_num);
    dfy_put_varint(buffer, (uint64_t)s->time_base_den);
    dfy_put_u8(buffer, DFY_BIT_DEPTH);
    dfy_put_u8(buffer, DFY_CHROMA_420);
    dfy_put_u8(buffer, (unsigned)s->primaries);
    dfy_put_u8(buffer, (unsigned)s->transfer);
    dfy_put_u8(buffer, (unsigned)s->matrix);
    dfy_put_u8(buffer, (unsigned)s->range);
    dfy_put_varint(buffer, (uint64_t)s->sample_aspect_num);
    dfy_put_varint(buffer, (uint64_t)s->sample_aspect_den);
    dfy_put_u8(buffer, (unsigned)s->orientation);
    dfy_put_varint(buffer, (uint64_t)s->start_unix_us);
    dfy_put_u8(buffer, (unsigned)s->quality);
    dfy_put_u8(buffer, (unsigned)s->mode);
    dfy_put_u8(buffer, (unsigned)s->keep);
    dfy_put_u8(buffer, (unsigned)s->access);
}

void dfy_put_stream(DfyBuffer *buffer, const DfyStream *s) {
    dfy_put_u8(buffer, DFY_STREAM_VIDEO);
    dfy_put_u8(buffer, DFY_VIDEO_VERSION);
    DfyBuffer fields = {0};
    put_fields(&fields, s);
    dfy_put_varint(buffer, fields.size);
    dfy_put_bytes(buffer, fields.data, fields.size);
    if (fields.failed) buffer->failed = 1;
    dfy_buffer_free(&fields);
}

/* Kind and version; then *fields is what the header's own length encloses, and what may stand behind is left out. */
static int open_header(DfyBytes *bytes, DfyBytes *fields, DfyMessage *message) {
    unsigned kind = dfy_read_u8(bytes), version = dfy_read_u8(bytes);
    if (kind == DFY_STREAM_SPLATS)
        return dfy_fail(message, DFY_ERROR_UNSUPPORTED,
                        "This file holds a sequence of splats, not a video: open it with the splat commands or page.");
    if (kind == DFY_STREAM_VIDEO && version < DFY_VIDEO_VERSION)
        return dfy_fail(message, DFY_ERROR_UNSUPPORTED,
                        "This file was written by a draft of the format (revision %u): encode the original again.",
                        version);
    if (kind != DFY_STREAM_VIDEO || version > DFY_VIDEO_VERSION)
        return dfy_fail(message, DFY_ERROR_UNSUPPORTED,
                        "This file holds a stream of kind %u.%u: a newer Diffy is needed to open it.", kind, version);
    uint64_t size = dfy_read_varint(bytes);
    const uint8_t *data = size <= dfy_bytes_left(bytes) ? dfy_read_span(bytes, (size_t)size) : NULL;
    if (!data || bytes->overrun)
        return dfy_fail(message, DFY_ERROR_FORMAT, "The file's STREAM chunk is shorter than it says.");
    *fields = dfy_bytes(data, (size_t)size);
    return DFY_OK;
}

static int read_number(DfyBytes *bytes, uint64_t least, uint64_t most, int *value) {
    uint64_t v = dfy_read_varint(bytes);
    *value = (int)v;
    return v >= least && v <= most;
}

static int read_features(DfyBytes *fields, DfyStream *s, DfyMessage *message) {
    uint64_t required = dfy_read_varint(fields);
    dfy_read_varint(fields); /* optional features: none is known, and none matters to who does not know it */
    if (required & ~(uint64_t)DFY_FEATURES_KNOWN)
        return dfy_fail(message, DFY_ERROR_UNSUPPORTED,
                        "This file uses features that this version does not know (0x%llx): "
                        "a newer Diffy is needed to open it.",
                        (unsigned long long)(required & ~(uint64_t)DFY_FEATURES_KNOWN));
    s->clones = !!(required & DFY_FEATURE_CLONES);
    s->long_term = !!(required & DFY_FEATURE_LONG_TERM);
    s->lossless = !!(required & DFY_FEATURE_LOSSLESS);
    return DFY_OK;
}

/* Bit depth, chroma format, colour. *depth and *chroma are checked by the caller. */
static void read_colour(DfyBytes *fields, DfyStream *s, unsigned *depth, unsigned *chroma) {
    *depth = dfy_read_u8(fields);
    *chroma = dfy_read_u8(fields);
    s->primaries = dfy_read_u8(fields);
    s->transfer = dfy_read_u8(fields);
    s->matrix = (DfyMatrix)dfy_read_u8(fields);
    s->range = (DfyRange)(dfy_read_u8(fields) & 1);
}

int dfy_read_stream(DfyBytes *bytes, DfyStream *s, DfyMessage *message) {
    DfyBytes fields;
    int status = open_header(bytes, &fields, message);
    if (!status) status = read_features(&fields, s, message);
    if (status) return status;
    unsigned depth, chroma;
    int good =
        read_number(&fields, 1, DFY_MAX_DIMENSION, &s->width) & read_number(&fields, 1, DFY_MAX_DIMENSION, &s->height) &
        read_number(&fields, 1, INT32_MAX, &s->frame_rate_num) &
        read_number(&fields, 1, INT32_MAX, &s->frame_rate_den) & read_number(&fields, 1, INT32_MAX, &s->time_base_num) &
        read_number(&fields, 1, INT32_MAX, &s->time_base_den);
    read_colour(&fields, s, &depth, &chroma);
    good &= read_number(&fields, 0, INT32_MAX, &s->sample_aspect_num) &
            read_number(&fields, 0, INT32_MAX, &s->sample_aspect_den);
    if (!s->sample_aspect_num || !s->sample_aspect_den) s->sample_aspect_num = s->sample_aspect_den = 0;
    s->orientation = dfy_read_u8(&fields);
    if (s->orientation < 1 || s->orientation > 8) s->orientation = 1;
    uint64_t start = dfy_read_varint(&fields);
    s->start_unix_us = start <= INT64_MAX ? (int64_t)start : 0;
    s->quality = dfy_read_u8(&fields);
    s->mode = (DfyMode)(dfy_read_u8(&fields) & 1);
    s->keep = dfy_read_u8(&fields);
    s->access = dfy_read_u8(&fields);
    if (s->access == 1 || s->access > 7) good = 0;
    if (s->keep < 2 || s->keep > 64 || (s->long_term && s->lossless)) good = 0;
    if (!good || fields.overrun)
        return dfy_fail(message, DFY_ERROR_FORMAT, "The file's STREAM chunk has an impossible size or rate.");
    if (depth != DFY_BIT_DEPTH || chroma != DFY_CHROMA_420)
        return dfy_fail(message, DFY_ERROR_UNSUPPORTED,
                        "This file holds pictures of %u bits and chroma format %u: a newer Diffy is needed to open it.",
                        depth, chroma);
    return DFY_OK;
}

int64_t dfy_regular_ticks(const DfyStream *s) {
    int64_t ticks = (int64_t)s->frame_rate_den * s->time_base_den; /* of 31 bits each */
    ticks /= (int64_t)s->frame_rate_num * s->time_base_num;
    return ticks < 1 ? 1 : ticks > INT32_MAX ? INT32_MAX : ticks;
}

int dfy_mini_group_limit(const DfyStream *s) {
    int most = (1 << 28) / (((s->width + 7) & ~7) * ((s->height + 7) & ~7));
    return most < 1 ? 1 : most > 32 ? 32 : most;
}

static void put_times(DfyBuffer *buffer, const DfySegment *segment, const int64_t *pts, int64_t regular) {
    dfy_put_signed_varint(buffer, pts[0]);
    int64_t step = regular;
    for (uint64_t i = 1; i < segment->frames; i++) { /* change of the step: mostly zero, or to and fro by a tick */
        dfy_put_signed_varint(buffer, pts[i] - pts[i - 1] - step);
        step = pts[i] - pts[i - 1];
    }
}

void dfy_put_segment(DfyBuffer *buffer, const DfySegment *segment, const int64_t *pts, int64_t regular) {
    size_t begin = buffer->size;
    unsigned flags = segment->plates > 1 ? DFY_SEGMENT_PLATES : 0;
    if (segment->long_term_frames) flags |= DFY_SEGMENT_LONG_TERM;
    for (uint64_t i = 0; i < segment->frames; i++)
        if (pts[i] != (int64_t)(segment->first_frame + i) * regular) flags |= DFY_SEGMENT_TIMES;
    dfy_put_varint(buffer, segment->first_frame);
    dfy_put_varint(buffer, segment->frames);
    dfy_put_u8(buffer, flags);
    if (flags & DFY_SEGMENT_PLATES) dfy_put_varint(buffer, segment->plates);
    if (flags & DFY_SEGMENT_LONG_TERM) {
        dfy_put_varint(buffer, segment->first_frame - segment->long_term_first);
        dfy_put_varint(buffer, segment->long_term_frames);
    }
    if (flags & DFY_SEGMENT_TIMES) put_times(buffer, segment, pts, regular);
    /* A check of its own: it tells whether head and times are whole where the chunk is not. */
    if (!buffer->failed) dfy_put_u16be(buffer, dfy_crc16(0, buffer->data + begin, buffer->size - begin));
}

static int read_long_term(DfyBytes *bytes, DfySegment *segment) {
    segment->long_term_first = segment->long_term_frames = 0;
    if (!(segment->flags & DFY_SEGMENT_LONG_TERM)) return DFY_OK;
    uint64_t back = dfy_read_varint(bytes);
    segment->long_term_frames = dfy_read_varint(bytes);
    if (back > segment->first_frame || !segment->long_term_frames || segment->long_term_frames > back ||
        segment->long_term_frames > DFY_LONG_TERM_FRAMES)
        return DFY_ERROR_DAMAGED;
    segment->long_term_first = segment->first_frame - back;
    return DFY_OK;
}

int dfy_read_segment(DfyBytes *bytes, DfySegment *segment) {
    segment->first_frame = dfy_read_varint(bytes);
    segment->frames = dfy_read_varint(bytes);
    segment->flags = dfy_read_u8(bytes);
    segment->plates = segment->flags & DFY_SEGMENT_PLATES ? (unsigned)dfy_read_varint(bytes) : 0;
    if (read_long_term(bytes, segment) || bytes->overrun || !segment->frames || segment->frames > DFY_SEGMENT_FRAMES ||
        segment->first_frame > (uint64_t)1 << 40)
        return DFY_ERROR_DAMAGED;
    return DFY_OK;
}

int dfy_read_times(DfyBytes *bytes, const DfySegment *segment, int64_t regular, int64_t *pts) {
    int stated = segment->flags & DFY_SEGMENT_TIMES;
    uint64_t time = (uint64_t)segment->first_frame * (uint64_t)regular, step = (uint64_t)regular;
    if (stated) time = (uint64_t)dfy_read_signed_varint(bytes);
    for (uint64_t i = 0; i < segment->frames && !bytes->overrun && (stated || pts); i++) {
        if (pts) pts[i] = (int64_t)time;
        if (stated && i + 1 < segment->frames) step += (uint64_t)dfy_read_signed_varint(bytes);
        time += step;
    }
    size_t end = bytes->position;
    unsigned check = dfy_read_u16be(bytes);
    return bytes->overrun || check != dfy_crc16(0, bytes->data, end) ? DFY_ERROR_DAMAGED : DFY_OK;
}
