#include "container/sound.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- the stream's head */

void dfy_put_sound_stream(DfyBuffer *buffer, const DfySound *s) {
    DfyBuffer fields = {0};
    dfy_put_varint(&fields, 0); /* required features */
    dfy_put_varint(&fields, 0); /* optional features */
    dfy_put_varint(&fields, strlen(s->codec));
    dfy_put_bytes(&fields, s->codec, strlen(s->codec));
    dfy_put_varint(&fields, (uint64_t)s->sample_rate);
    dfy_put_varint(&fields, (uint64_t)s->channels);
    dfy_put_varint(&fields, (uint64_t)s->time_base_num);
    dfy_put_varint(&fields, (uint64_t)s->time_base_den);
    dfy_put_varint(&fields, s->config_bytes);
    dfy_put_bytes(&fields, s->config, s->config_bytes);
    dfy_put_u8(buffer, DFY_STREAM_SOUND);
    dfy_put_u8(buffer, DFY_SOUND_VERSION);
    dfy_put_varint(buffer, fields.size);
    dfy_put_bytes(buffer, fields.data, fields.size);
    if (fields.failed) buffer->failed = 1;
    dfy_buffer_free(&fields);
}

static int read_number(DfyBytes *bytes, int *value) {
    uint64_t v = dfy_read_varint(bytes);
    *value = (int)v;
    return v >= 1 && v <= INT32_MAX;
}

int dfy_read_sound_stream(DfyBytes *bytes, DfySound *s) {
    if (dfy_read_u8(bytes) != DFY_STREAM_SOUND) return DFY_ERROR_UNSUPPORTED;
    if (dfy_read_u8(bytes) != DFY_SOUND_VERSION) return DFY_ERROR_UNSUPPORTED;
    uint64_t size = dfy_read_varint(bytes);
    const uint8_t *data = size <= dfy_bytes_left(bytes) ? dfy_read_span(bytes, (size_t)size) : NULL;
    if (!data) return DFY_ERROR_FORMAT;
    DfyBytes fields = dfy_bytes(data, (size_t)size);
    if (dfy_read_varint(&fields)) return DFY_ERROR_UNSUPPORTED;
    dfy_read_varint(&fields);
    uint64_t name = dfy_read_varint(&fields);
    if (name >= sizeof s->codec || name > dfy_bytes_left(&fields)) return DFY_ERROR_FORMAT;
    *s = (DfySound){0};
    memcpy(s->codec, dfy_read_span(&fields, (size_t)name), (size_t)name);
    int good = read_number(&fields, &s->sample_rate) & read_number(&fields, &s->channels) &
               read_number(&fields, &s->time_base_num) & read_number(&fields, &s->time_base_den);
    uint64_t config = dfy_read_varint(&fields);
    if (!good || fields.overrun || config > dfy_bytes_left(&fields)) return DFY_ERROR_FORMAT;
    s->config = dfy_read_span(&fields, (size_t)config);
    s->config_bytes = (size_t)config;
    return DFY_OK;
}

/* A copy of the description whose config lies in a buffer of its own. */
static int keep(DfySound *own, DfyBuffer *config, const DfySound *sound) {
    *own = *sound;
    dfy_put_bytes(config, sound->config, sound->config_bytes);
    own->config = config->data;
    return config->failed ? DFY_ERROR_MEMORY : DFY_OK;
}

/* ---------------------------------------------------------------- writing */

int dfy_sound_writer_open(DfySoundWriter *w, const DfySound *sound) {
    *w = (DfySoundWriter){0};
    return keep(&w->sound, &w->config, sound);
}

int dfy_sound_writer_push(DfySoundWriter *w, const DfySoundPacket *packet) {
    if (!w->packets) w->first = w->end = packet->pts;
    dfy_put_varint(&w->table, packet->size_bytes);
    dfy_put_varint(&w->table, (uint64_t)packet->duration);
    dfy_put_signed_varint(&w->table, packet->pts - w->end);
    dfy_put_bytes(&w->data, packet->data, packet->size_bytes);
    w->end = packet->pts + packet->duration;
    w->packets++;
    return w->table.failed || w->data.failed ? DFY_ERROR_MEMORY : DFY_OK;
}

int dfy_sound_writer_is_full(const DfySoundWriter *w) {
    double seconds = (double)(w->end - w->first) * w->sound.time_base_num / w->sound.time_base_den;
    return w->packets &&
           (w->data.size >= DFY_SOUND_CHUNK_BYTES || w->packets >= DFY_SOUND_CHUNK_PACKETS || seconds >= 2);
}

void dfy_sound_writer_flush(DfySoundWriter *w, DfyBuffer *payload) {
    if (!w->packets) return;
    dfy_put_signed_varint(payload, w->first);
    dfy_put_varint(payload, w->packets);
    dfy_put_bytes(payload, w->table.data, w->table.size);
    dfy_put_bytes(payload, w->data.data, w->data.size);
    w->table.size = w->data.size = 0;
    w->packets = 0;
}

void dfy_sound_writer_close(DfySoundWriter *w) {
    dfy_buffer_free(&w->config);
    dfy_buffer_free(&w->table);
    dfy_buffer_free(&w->data);
}

/* ---------------------------------------------------------------- reading */

int dfy_sound_reader_open(DfySoundReader *r, DfyV2Reader *file) {
    for (size_t i = 1; i < file->count && !r->has_sound; i++) {
        DfyMessage message;
        if (file->rows[i].type != DFY_CHUNK_STREAM) continue;
        int status = dfy_v2_read_chunk(file, i, &r->payload, &message);
        if (status == DFY_ERROR_MEMORY || status == DFY_ERROR_IO) return status;
        DfySound sound;
        DfyBytes bytes = dfy_bytes(r->payload.data, r->payload.size);
        if (status || dfy_read_sound_stream(&bytes, &sound)) continue;
        if (keep(&r->sound, &r->config, &sound)) return DFY_ERROR_MEMORY;
        r->has_sound = 1;
    }
    return DFY_OK;
}

/* The next SOUND chunk from `from` on; file->count for none. */
static size_t next_chunk(const DfyV2Reader *file, size_t from) {
    while (from < file->count && file->rows[from].type != DFY_CHUNK_SOUND) from++;
    return from;
}

/* When a chunk begins, from its first bytes alone, which its checksum does not cover; 0 where they can't be read. */
static int begins(DfyV2Reader *file, size_t chunk, int64_t *ticks) {
    uint8_t head[10];
    const DfyV2Row *e = &file->rows[chunk];
    size_t size = e->payload_bytes < sizeof head ? e->payload_bytes : sizeof head;
    if (file->input.read(file->input.opaque, e->offset_bytes + DFY_V2_HEAD_BYTES, head, size) != (int64_t)size)
        return 0;
    DfyBytes bytes = dfy_bytes(head, size);
    *ticks = dfy_read_signed_varint(&bytes);
    return !bytes.overrun;
}

static int load(DfySoundReader *r, DfyV2Reader *file, size_t chunk) {
    DfyMessage message;
    r->packets = 0;
    r->chunk = chunk;
    int status = dfy_v2_read_chunk(file, chunk, &r->payload, &message);
    if (status) return status;
    r->table = dfy_bytes(r->payload.data, r->payload.size);
    r->end = dfy_read_signed_varint(&r->table);
    uint64_t packets = dfy_read_varint(&r->table);
    if (r->table.overrun || packets > DFY_SOUND_CHUNK_PACKETS) return DFY_ERROR_DAMAGED;
    DfyBytes behind = r->table; /* the data begins behind the table */
    uint64_t total = 0;
    for (uint64_t i = 0; i < packets; i++) {
        total += dfy_read_varint(&behind);
        dfy_read_varint(&behind);
        dfy_read_varint(&behind);
        if (total > r->payload.size) return DFY_ERROR_DAMAGED;
    }
    if (behind.overrun || total > dfy_bytes_left(&behind)) return DFY_ERROR_DAMAGED;
    r->data = r->payload.data + behind.position;
    r->data_end = r->data + total;
    r->packets = packets;
    return DFY_OK;
}

/* The last chunk that begins at or before the time, by halving: reads a few heads, however long the file is. */
static size_t chunk_at(DfyV2Reader *file, int64_t ticks) {
    size_t low = next_chunk(file, 0), high = file->count, best = low;
    while (low < high) {
        size_t middle = next_chunk(file, low + (high - low) / 2);
        int64_t begin;
        if (middle >= high) {
            high = low + (high - low) / 2;
        } else if (begins(file, middle, &begin) && begin > ticks) {
            high = low + (high - low) / 2;
        } else {
            best = middle;
            low = middle + 1;
        }
    }
    return best;
}

int dfy_sound_reader_seek(DfySoundReader *r, DfyV2Reader *file, int64_t ticks) {
    size_t chunk = chunk_at(file, ticks);
    r->packets = 0;
    r->chunk = chunk < file->count ? chunk : file->count - 1; /* of a stream that goes forward more may come */
    if (chunk >= file->count) return DFY_OK;
    int status = load(r, file, chunk);
    while (!status && r->packets) { /* steps over what ends before */
        DfySoundReader here = *r;
        DfySoundPacket packet;
        status = dfy_sound_reader_next(r, file, &packet);
        if (!status && packet.pts + packet.duration > ticks) {
            *r = here;
            break;
        }
    }
    return status == DFY_ERROR_DAMAGED ? DFY_OK : status;
}

int dfy_sound_reader_next(DfySoundReader *r, DfyV2Reader *file, DfySoundPacket *packet) {
    while (!r->packets) {
        size_t chunk = next_chunk(file, r->chunk + 1);
        if (!r->has_sound || chunk >= file->count) return DFY_END;
        int status = load(r, file, chunk);
        if (status) return status;
    }
    uint64_t size = dfy_read_varint(&r->table), duration = dfy_read_varint(&r->table);
    int64_t gap = dfy_read_signed_varint(&r->table);
    r->packets--;
    if (size > (uint64_t)(r->data_end - r->data)) return DFY_ERROR_DAMAGED;
    *packet = (DfySoundPacket){.data = r->data,
                               .size_bytes = (size_t)size,
                               .pts = (int64_t)((uint64_t)r->end + (uint64_t)gap),
                               .duration = (int64_t)(duration & INT64_MAX)};
    r->end = (int64_t)((uint64_t)packet->pts + duration);
    r->data += size;
    return DFY_OK;
}

void dfy_sound_reader_close(DfySoundReader *r) {
    dfy_buffer_free(&r->config);
    dfy_buffer_free(&r->payload);
}
