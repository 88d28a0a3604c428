/* Chunks of files that are joined: the stream they must share, plates, and what holds frames. */
#include <stdlib.h>
#include <string.h>

#include "api/joiner_parts.h"
#include "container/sound.h"

/* ---------------------------------------------------------------- STREAM */

/* Whether two streams are the same but for when they began. */
static int agree(const DfyStream *a, const DfyStream *b) {
    DfyBuffer one = {0}, two = {0};
    DfyStream other = *b;
    other.start_unix_us = a->start_unix_us;
    dfy_put_stream(&one, a);
    dfy_put_stream(&two, &other);
    int same = !one.failed && !two.failed && one.size == two.size && !memcmp(one.data, two.data, one.size);
    dfy_buffer_free(&one);
    dfy_buffer_free(&two);
    return same;
}

/* The STREAM of the sound: one for all. */
static int take_sound_stream(DfyJoiner *j, const uint8_t *data, size_t size, int adopting) {
    DfyBytes bytes = dfy_bytes(data, size);
    DfySound sound;
    if (j->sound.size) {
        if (j->sound.size == size && !memcmp(j->sound.data, data, size)) return DFY_OK;
        return dfy_fail(&j->message, DFY_ERROR_ARGUMENT, "It is not a part of the same recording: its sound differs.");
    }
    dfy_put_bytes(&j->sound, data, size);
    if (j->sound.failed) return dfy_joiner_no_memory(j);
    if (!dfy_read_sound_stream(&bytes, &sound))
        j->sound_ticks =
            (double)j->video.time_base_num / j->video.time_base_den * sound.time_base_den / sound.time_base_num;
    return adopting ? DFY_OK : dfy_joiner_write_chunk(j, DFY_CHUNK_STREAM, 0, data, size, 0, 0);
}

int dfy_joiner_take_stream(DfyJoiner *j, const uint8_t *data, size_t size, int adopting) {
    if (size && data[0] == DFY_STREAM_SOUND && j->stream.size) return take_sound_stream(j, data, size, adopting);
    DfyBytes bytes = dfy_bytes(data, size);
    DfyStream video = {0};
    unsigned kind = size ? data[0] : 0;
    int status = kind == DFY_STREAM_SPLATS ? DFY_OK : dfy_read_stream(&bytes, &video, &j->message);
    if (status) return status;
    if (j->stream.size) {
        if (kind != j->kind || kind == DFY_STREAM_SPLATS || !agree(&j->video, &video))
            return dfy_fail(&j->message, DFY_ERROR_ARGUMENT,
                            "It is not a part of the same recording: size, rates, colour or settings differ.");
        return DFY_OK;
    }
    j->kind = kind;
    j->video = video;
    dfy_put_bytes(&j->stream, data, size);
    if (j->stream.failed) return dfy_joiner_no_memory(j);
    status = adopting ? DFY_OK : dfy_joiner_write_chunk(j, DFY_CHUNK_STREAM, 0, data, size, 0, 0);
    const char *own = j->settings.metadata;
    if (status || adopting || !own) return status;
    return dfy_joiner_write_chunk(j, DFY_CHUNK_METADATA, 0, (const uint8_t *)own, strlen(own), 0, 0);
}

/* ---------------------------------------------------------------- frames */

/*
 * How far an input's times are moved: not at all when they come behind those before, as those of a stretch of one
 * recording do, else so that they do.
 */
static void find_shift(DfyJoiner *j, int64_t first) {
    j->timed = 1;
    int64_t ticks = j->last_ticks > 0 ? j->last_ticks : dfy_regular_ticks(&j->video);
    j->shift = j->inputs > 1 && first <= j->last_pts ? j->last_pts + ticks - first : 0;
    j->last_ticks = 0;
}

int dfy_joiner_read_times(DfyJoiner *j, DfyBytes *bytes, const DfySegment *segment) {
    if (segment->frames > j->pts_capacity) {
        int64_t *grown = realloc(j->pts, (size_t)segment->frames * sizeof *grown);
        if (!grown) return dfy_joiner_no_memory(j);
        j->pts = grown;
        j->pts_capacity = (size_t)segment->frames;
    }
    if (dfy_read_times(bytes, segment, dfy_regular_ticks(&j->video), j->pts)) return DFY_ERROR_DAMAGED;
    if (!j->timed) find_shift(j, j->pts[0]);
    for (uint64_t i = 0; i < segment->frames; i++) j->pts[i] += j->shift;
    return DFY_OK;
}

/* An input whose first frames have no plate must not be given that of the input before. */
static int begin_without_plate(DfyJoiner *j) {
    if (j->own_plate || !j->has_plate || j->video.lossless) return DFY_OK;
    j->has_plate = 0;
    j->plates++;
    j->own_plate = 1;
    return dfy_joiner_write_chunk(j, DFY_CHUNK_BACKGROUND, 0, NULL, 0, 0, 0);
}

/* An input without noise must not be given that of the input before. */
static int begin_without_grain(DfyJoiner *j) {
    if (j->own_grain || !j->has_grain) return DFY_OK;
    j->has_grain = 0;
    return dfy_joiner_write_chunk(j, DFY_CHUNK_GRAIN, 0, NULL, 0, 0, 0);
}

/* A SEGMENT or CLONE: what its head says is put in terms of the output, the rest is copied. */
static int take_frames(DfyJoiner *j, unsigned type, unsigned flags, const uint8_t *data, size_t size) {
    DfyBytes bytes = dfy_bytes(data, size);
    DfySegment s;
    if (dfy_read_segment(&bytes, &s)) {
        j->stats.damaged++;
        return DFY_OK;
    }
    int status = dfy_joiner_read_times(j, &bytes, &s);
    if (status == DFY_ERROR_DAMAGED) {
        j->stats.damaged++;
        return DFY_OK;
    }
    if (!status && type == DFY_CHUNK_SEGMENT) status = begin_without_plate(j);
    if (!status) status = begin_without_grain(j);
    if (status) return status;
    unsigned before = j->plates - j->own_plates;
    if (type == DFY_CHUNK_SEGMENT) s.plates = before + (s.plates ? s.plates : j->own_plates);
    if (s.long_term_frames) s.long_term_first += j->first_frame;
    s.first_frame += j->first_frame;
    j->payload.size = 0;
    dfy_put_segment(&j->payload, &s, j->pts, dfy_regular_ticks(&j->video));
    dfy_put_bytes(&j->payload, data + bytes.position, size - bytes.position);
    if (j->payload.failed) return dfy_joiner_no_memory(j);
    j->last_pts = j->pts[s.frames - 1];
    j->stats.frames = s.first_frame + s.frames;
    return dfy_joiner_write_chunk(j, type, flags, j->payload.data, j->payload.size, s.first_frame, s.frames);
}

static int take_splat(DfyJoiner *j, unsigned flags, const uint8_t *data, size_t size) {
    return dfy_joiner_write_chunk(j, DFY_CHUNK_SEGMENT, flags, data, size, j->stats.frames++, 1);
}

/* ---------------------------------------------------------------- chunks */

int dfy_joiner_keep_plate(DfyJoiner *j, const uint8_t *data, size_t size) {
    j->plates++;
    j->has_plate = size > 0;
    j->plate.size = 0;
    dfy_put_bytes(&j->plate, data, size);
    return j->plate.failed ? dfy_joiner_no_memory(j) : DFY_OK;
}

/* An input's plate; the one in force need not be written again. */
static int take_plate(DfyJoiner *j, unsigned flags, const uint8_t *data, size_t size) {
    j->own_plates++;
    j->own_plate = 1;
    if (j->has_plate && size && size == j->plate.size && !memcmp(data, j->plate.data, size)) return DFY_OK;
    int status = dfy_joiner_keep_plate(j, data, size);
    return status ? status : dfy_joiner_write_chunk(j, DFY_CHUNK_BACKGROUND, flags, data, size, 0, 0);
}

int dfy_joiner_take_chunk(DfyJoiner *j, unsigned type, unsigned flags, const uint8_t *data, size_t size) {
    if (type == DFY_CHUNK_STREAM) return dfy_joiner_take_stream(j, data, size, 0);
    if (!j->stream.size)
        return dfy_fail(&j->message, DFY_ERROR_FORMAT, "It doesn't begin with a STREAM chunk: it can't be joined.");
    switch (type) {
    case DFY_CHUNK_INDEX:
    case DFY_CHUNK_END: return DFY_OK;
    case DFY_CHUNK_SEGMENT:
        return j->kind == DFY_STREAM_SPLATS ? take_splat(j, flags, data, size)
                                            : take_frames(j, type, flags, data, size);
    case DFY_CHUNK_CLONE: return take_frames(j, type, flags, data, size);
    case DFY_CHUNK_CYCLES: return dfy_joiner_take_cycles(j, data, size);
    case DFY_CHUNK_EPISODES: return dfy_joiner_take_episodes(j, data, size);
    case DFY_CHUNK_DEPARTURES: return dfy_joiner_take_departures(j, data, size);
    case DFY_CHUNK_SOUND: return dfy_joiner_take_sound(j, data, size);
    case DFY_CHUNK_LAST: return dfy_joiner_take_last_ticks(j, data, size);
    case DFY_CHUNK_METADATA:
        if (j->inputs > 1 || j->settings.metadata || j->settings.drop_metadata) return DFY_OK;
        break;
    case DFY_CHUNK_IMU: return j->kind == DFY_STREAM_SPLATS ? DFY_OK : dfy_joiner_take_orientations(j, data, size);
    case DFY_CHUNK_BACKGROUND: return take_plate(j, flags, data, size);
    case DFY_CHUNK_GRAIN:
        j->own_grain = 1;
        j->has_grain = size > 0;
        break;
    default: break;
    }
    return dfy_joiner_write_chunk(j, type, flags, data, size, 0, 0);
}
