#include "video/stream.h"

#include "base/status.h"
#include "container/v2.h"

void dfy_put_stream(DfyBuffer *buffer, const DfyStream *s) {
    dfy_put_u8(buffer, DFY_STREAM_VIDEO);
    dfy_put_u8(buffer, s->clones ? DFY_VIDEO_REVISION + 1 : DFY_VIDEO_REVISION);
    dfy_put_varint(buffer, (uint64_t)s->width);
    dfy_put_varint(buffer, (uint64_t)s->height);
    dfy_put_varint(buffer, (uint64_t)s->frame_rate_num);
    dfy_put_varint(buffer, (uint64_t)s->frame_rate_den);
    dfy_put_varint(buffer, (uint64_t)s->time_base_num);
    dfy_put_varint(buffer, (uint64_t)s->time_base_den);
    dfy_put_u8(buffer, (unsigned)s->matrix);
    dfy_put_u8(buffer, (unsigned)s->range);
    dfy_put_u8(buffer, (unsigned)s->quality);
    dfy_put_u8(buffer, (unsigned)s->mode | (unsigned)s->lossless << 1 | (unsigned)s->library << 2);
    dfy_put_u8(buffer, (unsigned)s->keep);
}

static int read_number(DfyBytes *bytes, uint64_t most, int *value) {
    uint64_t v = dfy_read_varint(bytes);
    *value = (int)v;
    return v >= 1 && v <= most;
}

int dfy_read_stream(DfyBytes *bytes, DfyStream *s, DfyMessage *message) {
    unsigned kind = dfy_read_u8(bytes), revision = dfy_read_u8(bytes);
    if (kind == DFY_STREAM_SPLATS)
        return dfy_fail(message, DFY_ERROR_UNSUPPORTED,
                        "This file holds a sequence of splats, not a video: open it with the splat commands or page.");
    if (kind == DFY_STREAM_VIDEO && revision < DFY_VIDEO_REVISION)
        return dfy_fail(message, DFY_ERROR_UNSUPPORTED,
                        "This file was written by a draft of the format (revision %u): encode the original once more.",
                        revision);
    if (kind != DFY_STREAM_VIDEO || revision > DFY_VIDEO_REVISION + 1)
        return dfy_fail(message, DFY_ERROR_UNSUPPORTED,
                        "This file holds a stream of kind %u.%u: a newer Diffy is needed to open it.", kind, revision);
    int good = read_number(bytes, DFY_MAX_DIMENSION, &s->width) & read_number(bytes, DFY_MAX_DIMENSION, &s->height) &
               read_number(bytes, INT32_MAX, &s->frame_rate_num) & read_number(bytes, INT32_MAX, &s->frame_rate_den) &
               read_number(bytes, INT32_MAX, &s->time_base_num) & read_number(bytes, INT32_MAX, &s->time_base_den);
    s->matrix = (DfyMatrix)dfy_read_u8(bytes);
    s->range = (DfyRange)(dfy_read_u8(bytes) & 1);
    s->quality = dfy_read_u8(bytes);
    unsigned flags = dfy_read_u8(bytes);
    s->mode = (DfyMode)(flags & 1);
    s->lossless = (int)(flags >> 1 & 1);
    s->library = (int)(flags >> 2 & 1);
    s->keep = dfy_read_u8(bytes);
    s->clones = revision == DFY_VIDEO_REVISION + 1;
    if (s->keep < 2 || s->keep > 64 || (s->library && (s->clones || s->lossless))) good = 0;
    if (!good || bytes->overrun)
        return dfy_fail(message, DFY_ERROR_FORMAT, "The file's STREAM chunk states an impossible size or rate.");
    return DFY_OK;
}

int64_t dfy_regular_ticks(const DfyStream *s) {
    __int128 ticks = (__int128)s->frame_rate_den * s->time_base_den;
    ticks /= (__int128)s->frame_rate_num * s->time_base_num;
    return ticks < 1 ? 1 : ticks > INT32_MAX ? INT32_MAX : (int64_t)ticks;
}

int dfy_group_limit(const DfyStream *s) {
    int most = (1 << 28) / (((s->width + 7) & ~7) * ((s->height + 7) & ~7));
    return most < 1 ? 1 : most > 32 ? 32 : most;
}

static uint64_t zigzag(int64_t value) {
    return (uint64_t)value << 1 ^ (value < 0 ? ~(uint64_t)0 : 0);
}
static int64_t unzigzag(uint64_t value) {
    return (int64_t)(value >> 1 ^ (value & 1 ? ~(uint64_t)0 : 0));
}

void dfy_put_segment(DfyBuffer *buffer, const DfySegment *segment, const int64_t *pts, int64_t regular) {
    unsigned flags = segment->plates > 1 ? DFY_SEGMENT_PLATES : 0;
    if (segment->library_frames) flags |= DFY_SEGMENT_LIBRARY;
    for (uint64_t i = 0; i < segment->frames; i++)
        if (pts[i] != (int64_t)(segment->first_frame + i) * regular) flags |= DFY_SEGMENT_TIMES;
    dfy_put_varint(buffer, segment->first_frame);
    dfy_put_varint(buffer, segment->frames);
    dfy_put_u8(buffer, flags);
    if (flags & DFY_SEGMENT_PLATES) dfy_put_varint(buffer, segment->plates);
    if (flags & DFY_SEGMENT_LIBRARY) {
        dfy_put_varint(buffer, segment->first_frame - segment->library_first);
        dfy_put_varint(buffer, segment->library_frames);
    }
    if (!(flags & DFY_SEGMENT_TIMES)) return;
    dfy_put_varint(buffer, zigzag(pts[0]));
    int64_t step = regular;
    for (uint64_t i = 1; i < segment->frames; i++) { /* change of the step: mostly zero, or to and fro by a tick */
        dfy_put_varint(buffer, zigzag(pts[i] - pts[i - 1] - step));
        step = pts[i] - pts[i - 1];
    }
}

static int read_library(DfyBytes *bytes, DfySegment *segment) {
    segment->library_first = segment->library_frames = 0;
    if (!(segment->flags & DFY_SEGMENT_LIBRARY)) return DFY_OK;
    uint64_t back = dfy_read_varint(bytes);
    segment->library_frames = dfy_read_varint(bytes);
    if (back > segment->first_frame || !segment->library_frames || segment->library_frames > back ||
        segment->library_frames > DFY_LIBRARY_FRAMES)
        return DFY_ERROR_DAMAGED;
    segment->library_first = segment->first_frame - back;
    return DFY_OK;
}

int dfy_read_segment(DfyBytes *bytes, DfySegment *segment) {
    segment->first_frame = dfy_read_varint(bytes);
    segment->frames = dfy_read_varint(bytes);
    segment->flags = dfy_read_u8(bytes);
    segment->plates = segment->flags & DFY_SEGMENT_PLATES ? (unsigned)dfy_read_varint(bytes) : 0;
    if (read_library(bytes, segment) || bytes->overrun || !segment->frames || segment->frames > DFY_SEGMENT_FRAMES ||
        segment->first_frame > (uint64_t)1 << 40)
        return DFY_ERROR_DAMAGED;
    return DFY_OK;
}

void dfy_read_times(DfyBytes *bytes, const DfySegment *segment, int64_t regular, int64_t *pts) {
    if (!(segment->flags & DFY_SEGMENT_TIMES)) {
        for (uint64_t i = 0; i < segment->frames; i++) pts[i] = (int64_t)(segment->first_frame + i) * regular;
        return;
    }
    uint64_t time = (uint64_t)unzigzag(dfy_read_varint(bytes)), step = (uint64_t)regular;
    pts[0] = (int64_t)time;
    for (uint64_t i = 1; i < segment->frames; i++) {
        step += (uint64_t)unzigzag(dfy_read_varint(bytes));
        time += step;
        pts[i] = (int64_t)time;
    }
}
