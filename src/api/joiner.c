/*
 * Joins files without decoding them. A file's chunks say which frames they hold, and when these are shown, in their
 * heads alone; what is coded refers to nothing by its number in the file. So chunks are copied, with heads that count
 * on, and the index is made anew. That is also how a file that was cut is finished, how an encoder goes on where
 * another was broken off, and how stretches coded on several machines become one file.
 */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/settings.h"
#include "container/sound.h"
#include "container/v2.h"
#include "video/syntax/cycle_list.h"
#include "video/syntax/departure_list.h"
#include "video/syntax/episode_list.h"
#include "video/syntax/orientation_list.h"
#include "video/syntax/stream.h"

/* dfy_last_message takes it for a DfyMessage: that comes first. */
struct DfyJoiner {
    DfyMessage message;
    DfyJoinerSettings settings;
    DfyOutput output;
    DfyV2Writer file;
    DfyJoinStats stats;
    DfyBuffer stream;   /* the first input's STREAM, "" before it */
    DfyBuffer sound;    /* that of the sound */
    double sound_ticks; /* of the sound's time base per tick of the pictures' */
    DfyStream video;
    unsigned kind;   /* of stream */
    int failed;      /* status of the first failure */
    int has_plate;   /* the output has one in force */
    int has_grain;   /* and a GRAIN chunk that says of noise */
    DfyBuffer plate; /* whose bytes are these */
    unsigned plates;
    uint32_t canonicals;
    int64_t last_pts, last_ticks; /* of the last frame, and how long it is shown; 0: as long as usual */
    DfyBuffer pending;            /* of an encoder's output: less than a chunk */
    DfyBuffer payload;
    int64_t *pts;
    size_t pts_capacity;
    /* of the input that is being added */
    int inputs, magic_is_read, timed, own_plate, own_grain;
    unsigned own_plates;
    uint64_t first_frame; /* of the output, that its frame 0 becomes */
    uint32_t first_canonical;
    int64_t shift; /* of its times */
};

static int out_of_memory(DfyJoiner *j) {
    return dfy_fail(&j->message, DFY_ERROR_MEMORY, "There is not enough memory to join these files.");
}

static int write_chunk(DfyJoiner *j, unsigned type, unsigned flags, const uint8_t *data, size_t size, uint64_t first,
                       uint64_t frames) {
    int status = dfy_v2_write_chunk(&j->file, type, flags, data, size, first, frames);
    if (status == DFY_ERROR_IO) return dfy_fail(&j->message, status, "The output can't be written: is the disk full?");
    return status ? out_of_memory(j) : DFY_OK;
}

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
    if (j->sound.failed) return out_of_memory(j);
    if (!dfy_read_sound_stream(&bytes, &sound))
        j->sound_ticks =
            (double)j->video.time_base_num / j->video.time_base_den * sound.time_base_den / sound.time_base_num;
    return adopting ? DFY_OK : write_chunk(j, DFY_CHUNK_STREAM, 0, data, size, 0, 0);
}

static int take_stream(DfyJoiner *j, const uint8_t *data, size_t size, int adopting) {
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
    if (j->stream.failed) return out_of_memory(j);
    status = adopting ? DFY_OK : write_chunk(j, DFY_CHUNK_STREAM, 0, data, size, 0, 0);
    const char *own = j->settings.metadata;
    if (status || adopting || !own) return status;
    return write_chunk(j, DFY_CHUNK_METADATA, 0, (const uint8_t *)own, strlen(own), 0, 0);
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

static int read_times(DfyJoiner *j, DfyBytes *bytes, const DfySegment *segment) {
    if (segment->frames > j->pts_capacity) {
        int64_t *grown = realloc(j->pts, (size_t)segment->frames * sizeof *grown);
        if (!grown) return out_of_memory(j);
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
    return write_chunk(j, DFY_CHUNK_BACKGROUND, 0, NULL, 0, 0, 0);
}

/* An input without noise must not be given that of the input before. */
static int begin_without_grain(DfyJoiner *j) {
    if (j->own_grain || !j->has_grain) return DFY_OK;
    j->has_grain = 0;
    return write_chunk(j, DFY_CHUNK_GRAIN, 0, NULL, 0, 0, 0);
}

/* A SEGMENT or CLONE: what its head says is put in terms of the output, the rest is copied. */
static int take_frames(DfyJoiner *j, unsigned type, unsigned flags, const uint8_t *data, size_t size) {
    DfyBytes bytes = dfy_bytes(data, size);
    DfySegment s;
    if (dfy_read_segment(&bytes, &s)) {
        j->stats.damaged++;
        return DFY_OK;
    }
    int status = read_times(j, &bytes, &s);
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
    if (j->payload.failed) return out_of_memory(j);
    j->last_pts = j->pts[s.frames - 1];
    j->stats.frames = s.first_frame + s.frames;
    return write_chunk(j, type, flags, j->payload.data, j->payload.size, s.first_frame, s.frames);
}

static int take_splat(DfyJoiner *j, unsigned flags, const uint8_t *data, size_t size) {
    return write_chunk(j, DFY_CHUNK_SEGMENT, flags, data, size, j->stats.frames++, 1);
}

/* Writes the list that lies in the payload; an empty one needs no chunk. */
static int write_list(DfyJoiner *j, unsigned type, uint64_t count) {
    if (j->payload.failed) return out_of_memory(j);
    return count ? write_chunk(j, type, 0, j->payload.data, j->payload.size, 0, 0) : DFY_OK;
}

static int take_cycles(DfyJoiner *j, const uint8_t *data, size_t size) {
    DfyBytes bytes = dfy_bytes(data, size);
    DfyCycleList list = {0};
    int status = dfy_read_cycles(&bytes, (uint64_t)1 << 40, &list) ? out_of_memory(j) : DFY_OK;
    for (uint32_t i = 0; i < list.count; i++) {
        list.cycle[i].first += j->first_frame;
        list.cycle[i].canonical += j->first_canonical;
        j->canonicals += list.cycle[i].is_canonical != 0;
    }
    j->payload.size = 0;
    if (!status) dfy_put_cycles(&j->payload, list.cycle, list.count);
    if (!status) status = write_list(j, DFY_CHUNK_CYCLES, list.count);
    dfy_cycle_list_free(&list);
    return status;
}

/* Names may come twice in a joined file: the first of them is found by it. */
static int take_episodes(DfyJoiner *j, const uint8_t *data, size_t size) {
    DfyBytes bytes = dfy_bytes(data, size);
    DfyEpisodeList list = {0};
    int status = dfy_read_episodes(&bytes, (uint64_t)1 << 40, &list) ? out_of_memory(j) : DFY_OK;
    for (uint32_t i = 0; i < list.count; i++) list.episode[i].first += j->first_frame;
    j->payload.size = 0;
    if (!status) dfy_put_episodes(&j->payload, &list, 0);
    if (!status) status = write_list(j, DFY_CHUNK_EPISODES, list.count);
    dfy_episode_list_free(&list);
    return status;
}

static int take_departures(DfyJoiner *j, const uint8_t *data, size_t size) {
    DfyBytes bytes = dfy_bytes(data, size);
    DfyDepartures list = {0};
    int status = dfy_read_departures(&bytes, (uint64_t)1 << 40, DFY_MAX_DIMENSION, DFY_MAX_DIMENSION, &list)
                     ? out_of_memory(j)
                     : DFY_OK;
    j->payload.size = 0;
    dfy_move_departures(&j->payload, &list, j->first_frame);
    if (!status) status = write_list(j, DFY_CHUNK_DEPARTURES, list.count);
    dfy_departures_free(&list);
    return status;
}

static int take_orientations(DfyJoiner *j, const uint8_t *data, size_t size) {
    DfyBytes bytes = dfy_bytes(data, size);
    double camera[9] = {0};
    uint64_t first, count = dfy_read_orientations_head(&bytes, camera, &first);
    if (!count) {
        j->stats.damaged++;
        return DFY_OK;
    }
    j->payload.size = 0;
    dfy_put_orientations_head(&j->payload, camera, j->first_frame + first, count);
    dfy_put_bytes(&j->payload, data + bytes.position, size - bytes.position);
    return write_list(j, DFY_CHUNK_IMU, count);
}

/* The first packet's time stands at the beginning; the others follow from it. */
static int take_sound(DfyJoiner *j, const uint8_t *data, size_t size) {
    DfyBytes bytes = dfy_bytes(data, size);
    uint64_t coded = dfy_read_varint(&bytes);
    int64_t time = (int64_t)(coded >> 1 ^ (coded & 1 ? ~(uint64_t)0 : 0));
    if (bytes.overrun) {
        j->stats.damaged++;
        return DFY_OK;
    }
    time += llround((double)j->shift * j->sound_ticks);
    j->payload.size = 0;
    dfy_put_varint(&j->payload, (uint64_t)time << 1 ^ (time < 0 ? ~(uint64_t)0 : 0));
    dfy_put_bytes(&j->payload, data + bytes.position, size - bytes.position);
    if (j->payload.failed) return out_of_memory(j);
    return write_chunk(j, DFY_CHUNK_SOUND, 0, j->payload.data, j->payload.size, 0, 0);
}

/* Only the last input's counts: it is written at the end. */
static int take_last_ticks(DfyJoiner *j, const uint8_t *data, size_t size) {
    DfyBytes bytes = dfy_bytes(data, size);
    uint64_t ticks = dfy_read_varint(&bytes);
    j->last_ticks = bytes.overrun || ticks > INT64_MAX / 4 ? 0 : (int64_t)ticks;
    return DFY_OK;
}

static int write_last_ticks(DfyJoiner *j) {
    if (j->last_ticks < 1) return DFY_OK;
    j->payload.size = 0;
    dfy_put_varint(&j->payload, (uint64_t)j->last_ticks);
    return write_chunk(j, DFY_CHUNK_LAST, 0, j->payload.data, j->payload.size, 0, 0);
}

/* ---------------------------------------------------------------- chunks */

/* A plate comes into force. */
static int keep_plate(DfyJoiner *j, const uint8_t *data, size_t size) {
    j->plates++;
    j->has_plate = size > 0;
    j->plate.size = 0;
    dfy_put_bytes(&j->plate, data, size);
    return j->plate.failed ? out_of_memory(j) : DFY_OK;
}

/* An input's plate; the one in force need not be written again. */
static int take_plate(DfyJoiner *j, unsigned flags, const uint8_t *data, size_t size) {
    j->own_plates++;
    j->own_plate = 1;
    if (j->has_plate && size && size == j->plate.size && !memcmp(data, j->plate.data, size)) return DFY_OK;
    int status = keep_plate(j, data, size);
    return status ? status : write_chunk(j, DFY_CHUNK_BACKGROUND, flags, data, size, 0, 0);
}

static int take_chunk(DfyJoiner *j, unsigned type, unsigned flags, const uint8_t *data, size_t size) {
    if (type == DFY_CHUNK_STREAM) return take_stream(j, data, size, 0);
    if (!j->stream.size)
        return dfy_fail(&j->message, DFY_ERROR_FORMAT, "It doesn't begin with a STREAM chunk: it can't be joined.");
    switch (type) {
    case DFY_CHUNK_INDEX:
    case DFY_CHUNK_END: return DFY_OK;
    case DFY_CHUNK_SEGMENT:
        return j->kind == DFY_STREAM_SPLATS ? take_splat(j, flags, data, size)
                                            : take_frames(j, type, flags, data, size);
    case DFY_CHUNK_CLONE: return take_frames(j, type, flags, data, size);
    case DFY_CHUNK_CYCLES: return take_cycles(j, data, size);
    case DFY_CHUNK_EPISODES: return take_episodes(j, data, size);
    case DFY_CHUNK_DEPARTURES: return take_departures(j, data, size);
    case DFY_CHUNK_SOUND: return take_sound(j, data, size);
    case DFY_CHUNK_LAST: return take_last_ticks(j, data, size);
    case DFY_CHUNK_METADATA:
        if (j->inputs > 1 || j->settings.metadata || j->settings.drop_metadata) return DFY_OK;
        break;
    case DFY_CHUNK_IMU: return j->kind == DFY_STREAM_SPLATS ? DFY_OK : take_orientations(j, data, size);
    case DFY_CHUNK_BACKGROUND: return take_plate(j, flags, data, size);
    case DFY_CHUNK_GRAIN:
        j->own_grain = 1;
        j->has_grain = size > 0;
        break;
    default: break;
    }
    return write_chunk(j, type, flags, data, size, 0, 0);
}

static int begin_input(DfyJoiner *j) {
    if (j->failed) return j->failed;
    int status = j->file.offset_bytes ? DFY_OK : dfy_v2_writer_open(&j->file, &j->output);
    if (status) return dfy_fail(&j->message, status, "The output can't be written: is the disk full?");
    j->inputs++;
    j->pending.size = 0;
    j->magic_is_read = j->timed = j->own_plate = j->own_grain = 0;
    j->shift = 0;
    j->own_plates = 0;
    j->first_frame = j->stats.frames;
    j->first_canonical = j->canonicals;
    return DFY_OK;
}

static const DfyJoinerSettings defaults = {.struct_size = sizeof(DfyJoinerSettings)};

void dfy_joiner_defaults_of(DfyJoinerSettings *settings, size_t struct_size) {
    dfy_give_defaults(settings, struct_size, &defaults, sizeof defaults);
}

int dfy_joiner_open(DfyJoiner **joiner, const DfyJoinerSettings *settings, const DfyOutput *output) {
    if (!joiner || !output || !output->write) return DFY_ERROR_ARGUMENT;
    DfyJoiner *j = *joiner = calloc(1, sizeof *j);
    if (!j) return DFY_ERROR_MEMORY;
    j->output = *output;
    j->settings = defaults;
    if (settings)
        j->failed = dfy_take_settings(&j->settings, sizeof j->settings, offsetof(DfyJoinerSettings, metadata), settings,
                                      "The joiner's settings", "dfy_joiner_defaults", &j->message);
    const char *own = j->settings.metadata;
    if (!j->failed && own && !dfy_is_json_object(own, strlen(own)))
        j->failed = dfy_fail(&j->message, DFY_ERROR_ARGUMENT,
                             "The metadata is not a JSON object: it must look like {\"name\": \"value\"}.");
    return j->failed;
}

/* Sound may stand before the first pictures: how far times are moved must be known by then. */
static int look_at_first_frames(DfyJoiner *j, DfyV2Reader *reader) {
    DfyBuffer payload = {0};
    DfySegment s;
    int status = DFY_OK;
    for (size_t i = 0; i < reader->count && !j->timed && !status; i++) {
        if (reader->rows[i].type != DFY_CHUNK_SEGMENT || dfy_v2_read_chunk(reader, i, &payload, &j->message)) continue;
        DfyBytes bytes = dfy_bytes(payload.data, payload.size);
        if (!dfy_read_segment(&bytes, &s)) status = read_times(j, &bytes, &s);
        if (status == DFY_ERROR_DAMAGED) status = DFY_OK;
    }
    dfy_buffer_free(&payload);
    return status;
}

/* Every whole chunk of an opened file; those whose checksum is wrong are left out. */
static int take_chunks(DfyJoiner *j, DfyV2Reader *reader) {
    DfyBuffer payload = {0};
    int status = DFY_OK;
    for (size_t i = 0; i < reader->count && !status; i++) {
        const DfyV2Row *e = &reader->rows[i];
        status = dfy_v2_read_chunk(reader, i, &payload, &j->message);
        if (status == DFY_ERROR_DAMAGED) {
            j->stats.damaged++;
            status = DFY_OK;
        } else if (!status) {
            status = take_chunk(j, e->type, e->flags, payload.data, payload.size);
        }
    }
    dfy_buffer_free(&payload);
    return status;
}

int dfy_joiner_add(DfyJoiner *j, const DfyInput *input) {
    if (!j || !input || !input->read) return DFY_ERROR_ARGUMENT;
    if (input->size_bytes == DFY_FORWARD_ONLY)
        return dfy_fail(&j->message, DFY_ERROR_UNSUPPORTED,
                        "A stream that only goes forward can't be joined: save it as a file first.");
    DfyV2Reader reader = {0};
    int status = dfy_v2_reader_open(&reader, input, &j->message);
    if (!status) status = begin_input(j);
    if (!status) {
        j->stats.lost_bytes += reader.skipped_bytes;
        j->stats.incomplete += !reader.complete;
        if (j->kind == DFY_STREAM_VIDEO && j->inputs > 1) status = look_at_first_frames(j, &reader);
    }
    if (!status) {
        status = take_chunks(j, &reader);
    }
    dfy_v2_reader_close(&reader);
    return dfy_told(&j->message, j->failed = status);
}

/* ---------------------------------------------------------------- an encoder's output */

int dfy_joiner_begin(DfyJoiner *j) {
    return j ? dfy_told(&j->message, j->failed = begin_input(j)) : DFY_ERROR_ARGUMENT;
}

/* Takes what is whole off the front of the bytes that came. */
static int take_pending(DfyJoiner *j) {
    size_t at = 0, left;
    int status = DFY_OK;
    while (!status && (left = j->pending.size - at) > 0) {
        const uint8_t *data = j->pending.data + at;
        size_t size = j->magic_is_read ? DFY_V2_OVERHEAD_BYTES : 4;
        if (left < size) break;
        if (j->magic_is_read) size += (size_t)data[2] << 24 | (size_t)data[3] << 16 | (size_t)data[4] << 8 | data[5];
        if (left < size) break;
        if (j->magic_is_read)
            status = take_chunk(j, data[0], data[1], data + DFY_V2_HEAD_BYTES, size - DFY_V2_OVERHEAD_BYTES);
        j->magic_is_read = 1;
        at += size;
    }
    if (at) memmove(j->pending.data, j->pending.data + at, j->pending.size - at);
    j->pending.size -= at;
    return status;
}

static int write_to_joiner(void *opaque, const uint8_t *data, size_t size) {
    DfyJoiner *j = opaque;
    if (j->failed) return -1;
    dfy_put_bytes(&j->pending, data, size);
    j->failed = j->pending.failed ? out_of_memory(j) : take_pending(j);
    return j->failed ? -1 : 0;
}

DfyOutput dfy_joiner_output(DfyJoiner *j) {
    return (DfyOutput){.write = write_to_joiner, .opaque = j};
}

/* ---------------------------------------------------------------- going on */

/*
 * Leaves of the chunks those that are whole and follow one another from the beginning, with the frames they hold: what
 * comes behind a gap was never written in this order.
 */
static int keep_whole_chunks(DfyJoiner *j, DfyV2Reader *reader, DfyAdoption *adoption) {
    DfyBuffer payload = {0};
    uint64_t offset = 4; /* behind the magic */
    int status = DFY_OK;
    size_t i = 0;
    for (; i < reader->count; i++) {
        DfyV2Row *e = &reader->rows[i];
        DfySegment s = {0};
        status = e->offset_bytes == offset ? dfy_v2_read_chunk(reader, i, &payload, &j->message) : DFY_ERROR_DAMAGED;
        DfyBytes bytes = dfy_bytes(payload.data, payload.size);
        int holds = e->type == DFY_CHUNK_SEGMENT || e->type == DFY_CHUNK_CLONE;
        if (!status && holds) status = dfy_read_segment(&bytes, &s);
        if (status) break;
        e->first_frame = s.first_frame;
        e->frames = s.frames;
        offset = e->offset_bytes + e->payload_bytes + DFY_V2_OVERHEAD_BYTES;
        if (holds) adoption->frames = s.first_frame + s.frames;
    }
    dfy_buffer_free(&payload);
    reader->count = i;
    adoption->whole_bytes = offset;
    return status == DFY_ERROR_DAMAGED ? DFY_OK : status;
}

/* The first chunk of the last stretch that has begun; its plate, and what it says of noise, come before its frames. */
static size_t last_stretch(const DfyV2Reader *reader, uint64_t stretch_frames, uint64_t *first_frame) {
    size_t found = 0;
    uint64_t frames = 0;
    for (size_t i = 0; i < reader->count; i++) {
        const DfyV2Row *e = &reader->rows[i];
        int begins = e->type == DFY_CHUNK_BACKGROUND || e->type == DFY_CHUNK_GRAIN || e->type == DFY_CHUNK_SEGMENT;
        if (begins && frames % stretch_frames == 0 && frames > *first_frame) {
            found = i;
            *first_frame = frames;
        }
        if (e->frames) frames = e->first_frame + e->frames;
    }
    return found;
}

/* What the chunks before `end` leave behind for those that follow. */
static int adopt_chunks(DfyJoiner *j, DfyV2Reader *reader, size_t end) {
    DfyBuffer payload = {0};
    int status = DFY_OK;
    for (size_t i = 0; i < end && !status; i++) {
        const DfyV2Row *e = &reader->rows[i];
        status = dfy_v2_read_chunk(reader, i, &payload, &j->message);
        DfyBytes bytes = dfy_bytes(payload.data, payload.size);
        DfyCycleList list = {0};
        if (!status && e->type == DFY_CHUNK_STREAM) status = take_stream(j, payload.data, payload.size, 1);
        if (!status && e->type == DFY_CHUNK_CYCLES && dfy_read_cycles(&bytes, (uint64_t)1 << 40, &list))
            status = out_of_memory(j);
        for (uint32_t k = 0; k < list.count; k++) j->canonicals += list.cycle[k].is_canonical != 0;
        dfy_cycle_list_free(&list);
        if (!status && e->type == DFY_CHUNK_BACKGROUND) status = keep_plate(j, payload.data, payload.size);
        if (e->type == DFY_CHUNK_GRAIN) j->has_grain = e->payload_bytes > 0;
        if (e->frames) {
            DfySegment s;
            j->stats.frames = e->first_frame + e->frames;
            if (!status && !dfy_read_segment(&bytes, &s)) status = read_times(j, &bytes, &s);
            if (!status) j->last_pts = j->pts[s.frames - 1];
        }
        if (!status && dfy_v2_adopt_chunk(&j->file, e)) status = out_of_memory(j);
    }
    dfy_buffer_free(&payload);
    return status;
}

int dfy_joiner_adopt(DfyJoiner *j, const DfyInput *input, uint64_t stretch_frames, DfyAdoption *adoption) {
    if (!j || !input || !input->read || !adoption || j->inputs || !stretch_frames) return DFY_ERROR_ARGUMENT;
    static const uint8_t magic[4] = {'D', 'F', 'Y', 2};
    DfyV2Reader reader = {0};
    uint8_t head[4];
    *adoption = (DfyAdoption){0};
    int64_t got = input->read(input->opaque, 0, head, sizeof head);
    if (got < 0) return j->failed = dfy_fail(&j->message, DFY_ERROR_IO, "The file can't be read.");
    if (memcmp(head, magic, (size_t)got))
        return j->failed = dfy_fail(&j->message, DFY_ERROR_FORMAT, "It is not a .dfy file of version 2.");
    int status = dfy_v2_reader_open(&reader, input, &j->message);
    if (status == DFY_ERROR_FORMAT) { /* nothing whole is in it yet */
        dfy_v2_reader_close(&reader);
        return DFY_OK;
    }
    if (!status) status = keep_whole_chunks(j, &reader, adoption);
    size_t end = status ? 0 : last_stretch(&reader, stretch_frames, &adoption->first_frame);
    if (!status && adoption->first_frame) {
        j->file.output = j->output;
        status = adopt_chunks(j, &reader, end);
        j->inputs = (int)(adoption->first_frame / stretch_frames);
        adoption->offset_bytes = j->file.offset_bytes;
    }
    dfy_v2_reader_close(&reader);
    return dfy_told(&j->message, j->failed = status);
}

/* ---------------------------------------------------------------- the end */

void dfy_joiner_stats(const DfyJoiner *j, DfyJoinStats *stats) {
    *stats = (DfyJoinStats){0};
    if (!j) return;
    *stats = j->stats;
    stats->bytes = j->file.offset_bytes;
}

int dfy_joiner_finish(DfyJoiner *j, DfyJoinStats *stats) {
    if (!j) return DFY_ERROR_ARGUMENT;
    if (j->failed) return j->failed;
    if (!j->stats.frames)
        return j->failed = dfy_fail(&j->message, DFY_ERROR_FORMAT, "It has no intact frame, so nothing would be left.");
    int status = write_last_ticks(j);
    if (!status) status = dfy_v2_writer_finish(&j->file);
    if (status == DFY_ERROR_IO)
        status = dfy_fail(&j->message, status, "The output can't be written: is the disk full?");
    if (stats) dfy_joiner_stats(j, stats);
    return dfy_told(&j->message, j->failed = status);
}

void dfy_joiner_close(DfyJoiner **joiner) {
    if (!joiner || !*joiner) return;
    DfyJoiner *j = *joiner;
    dfy_v2_writer_close(&j->file);
    dfy_buffer_free(&j->stream);
    dfy_buffer_free(&j->sound);
    dfy_buffer_free(&j->pending);
    dfy_buffer_free(&j->payload);
    dfy_buffer_free(&j->plate);
    free(j->pts);
    free(j);
    *joiner = NULL;
}
