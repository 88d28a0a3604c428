/*
 * Joins files without decoding them. A file's chunks say which frames they hold, and when these are shown, in their
 * heads alone; what is coded refers to nothing by its number in the file. So chunks are copied, with heads that count
 * on, and the index is made anew. That is also how a file that was cut is finished, how an encoder goes on where
 * another was broken off, and how stretches coded on several machines become one file.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "api/joiner_parts.h"
#include "base/json.h"
#include "base/settings.h"

int dfy_joiner_no_memory(DfyJoiner *j) {
    return dfy_fail(&j->message, DFY_ERROR_MEMORY, "There is not enough memory to join these files.");
}

int dfy_joiner_write_chunk(DfyJoiner *j, unsigned type, unsigned flags, const uint8_t *data, size_t size,
                           uint64_t first, uint64_t frames) {
    int status = dfy_v2_write_chunk(&j->file, type, flags, data, size, first, frames);
    if (status == DFY_ERROR_IO) return dfy_fail(&j->message, status, "The output can't be written: is the disk full?");
    return status ? dfy_joiner_no_memory(j) : DFY_OK;
}

/* ---------------------------------------------------------------- files */

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
        if (!dfy_read_segment(&bytes, &s)) status = dfy_joiner_read_times(j, &bytes, &s);
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
            status = dfy_joiner_take_chunk(j, e->type, e->flags, payload.data, payload.size);
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
            status = dfy_joiner_take_chunk(j, data[0], data[1], data + DFY_V2_HEAD_BYTES, size - DFY_V2_OVERHEAD_BYTES);
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
    j->failed = j->pending.failed ? dfy_joiner_no_memory(j) : take_pending(j);
    return j->failed ? -1 : 0;
}

DfyOutput dfy_joiner_output(DfyJoiner *j) {
    return (DfyOutput){.write = write_to_joiner, .opaque = j};
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
    int status = dfy_joiner_write_last_ticks(j);
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
