#include "container/v2.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t magic[4] = {'D', 'F', 'Y', 2};
#define END_PAYLOAD 8 /* u64 offset of the index */

const char *dfy_v2_chunk_name(unsigned type) {
    switch (type) {
    case DFY_CHUNK_BACKGROUND: return "BACKGROUND";
    case DFY_CHUNK_IMU: return "IMU_BLOCK";
    case DFY_CHUNK_CYCLE_SKIP: return "CYCLE_SKIP";
    case DFY_CHUNK_METADATA: return "METADATA";
    case DFY_CHUNK_STREAM: return "STREAM";
    case DFY_CHUNK_SEGMENT: return "SEGMENT";
    case DFY_CHUNK_INDEX: return "INDEX";
    case DFY_CHUNK_END: return "END";
    case DFY_CHUNK_CYCLES: return "CYCLES";
    case DFY_CHUNK_CLONE: return "CLONE";
    default: return "unknown";
    }
}

/* Nibble at a time: a 16-entry table is enough at the few kilobytes a second that are written. */
uint32_t dfy_crc32c(uint32_t crc, const uint8_t *data, size_t size) {
    static const uint32_t table[16] = {0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
                                       0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
                                       0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};
    crc = ~crc;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

void dfy_put_varint(DfyBuffer *buffer, uint64_t value) {
    for (; value > 127; value >>= 7) dfy_put_u8(buffer, (unsigned)(value & 127) | 128);
    dfy_put_u8(buffer, (unsigned)value);
}

uint64_t dfy_read_varint(DfyBytes *bytes) {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        uint8_t byte = dfy_read_u8(bytes);
        value |= (uint64_t)(byte & 127) << shift;
        if (!(byte & 128)) break;
    }
    return value;
}

static int grow(DfyV2Entry **entries, size_t count, size_t *capacity) {
    if (count < *capacity) return DFY_OK;
    size_t wanted = *capacity ? *capacity * 2 : 64;
    DfyV2Entry *grown = realloc(*entries, wanted * sizeof *grown);
    if (!grown) return DFY_ERROR_MEMORY;
    *entries = grown;
    *capacity = wanted;
    return DFY_OK;
}

/* ---------------------------------------------------------------- writing */

static int put(DfyV2Writer *writer, const uint8_t *data, size_t size) {
    if (size && writer->output.write(writer->output.opaque, data, size)) return DFY_ERROR_IO;
    writer->offset_bytes += size;
    return DFY_OK;
}

int dfy_v2_writer_open(DfyV2Writer *writer, const DfyOutput *output) {
    *writer = (DfyV2Writer){.output = *output};
    return put(writer, magic, sizeof magic);
}

static void store_u32(uint8_t *at, uint32_t value) {
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static int write_plain(DfyV2Writer *writer, unsigned type, unsigned flags, const uint8_t *payload, size_t size) {
    uint8_t head[DFY_V2_HEAD_BYTES], tail[4];
    if (size > DFY_V2_MAX_PAYLOAD) return DFY_ERROR_ARGUMENT;
    head[0] = (uint8_t)type;
    head[1] = (uint8_t)flags;
    store_u32(head + 2, (uint32_t)size);
    uint32_t check = dfy_crc32c(0, head, 6);
    head[6] = (uint8_t)(check >> 8);
    head[7] = (uint8_t)check;
    store_u32(tail, dfy_crc32c(dfy_crc32c(0, head, sizeof head), payload, size));
    int status = put(writer, head, sizeof head);
    if (!status) status = put(writer, payload, size);
    return status ? status : put(writer, tail, sizeof tail);
}

int dfy_v2_write_chunk(DfyV2Writer *writer, unsigned type, unsigned flags, const uint8_t *payload, size_t size,
                       uint64_t first_frame, uint64_t frames) {
    int status = grow(&writer->entries, writer->count, &writer->capacity);
    if (status) return status;
    writer->entries[writer->count++] = (DfyV2Entry){.type = (uint8_t)type,
                                                    .flags = (uint8_t)flags,
                                                    .payload_bytes = (uint32_t)size,
                                                    .offset_bytes = writer->offset_bytes,
                                                    .first_frame = first_frame,
                                                    .frames = frames};
    return write_plain(writer, type, flags, payload, size);
}

/* Chunks follow one another and frames too, so an entry is a type, flags, a size and a number of frames. */
int dfy_v2_writer_finish(DfyV2Writer *writer) {
    DfyBuffer index = {0}, end = {0};
    uint64_t frame = 0;
    dfy_put_varint(&index, writer->count);
    for (size_t i = 0; i < writer->count; i++) {
        const DfyV2Entry *e = &writer->entries[i];
        dfy_put_u8(&index, e->type);
        dfy_put_u8(&index, e->flags);
        dfy_put_varint(&index, e->payload_bytes);
        dfy_put_varint(&index, e->frames);
        if (e->frames) {
            dfy_put_varint(&index, e->first_frame - frame);
            frame = e->first_frame + e->frames;
        }
    }
    dfy_put_u64be(&end, writer->offset_bytes);
    int status = index.failed || end.failed ? DFY_ERROR_MEMORY : DFY_OK;
    if (!status) status = write_plain(writer, DFY_CHUNK_INDEX, 0, index.data, index.size);
    if (!status) status = write_plain(writer, DFY_CHUNK_END, 0, end.data, end.size);
    dfy_buffer_free(&index);
    dfy_buffer_free(&end);
    return status;
}

void dfy_v2_writer_close(DfyV2Writer *writer) {
    free(writer->entries);
    *writer = (DfyV2Writer){0};
}

/* ---------------------------------------------------------------- reading */

typedef struct Head {
    uint8_t bytes[DFY_V2_HEAD_BYTES];
    unsigned type, flags;
    uint32_t size;
    int sound;
} Head;

static Head parse_head(const uint8_t *bytes) {
    Head head = {.type = bytes[0], .flags = bytes[1]};
    memcpy(head.bytes, bytes, sizeof head.bytes);
    head.size = (uint32_t)bytes[2] << 24 | (uint32_t)bytes[3] << 16 | (uint32_t)bytes[4] << 8 | bytes[5];
    uint32_t check = dfy_crc32c(0, bytes, 6);
    head.sound = bytes[6] == (uint8_t)(check >> 8) && bytes[7] == (uint8_t)check && head.size <= DFY_V2_MAX_PAYLOAD;
    return head;
}

static int64_t read_at(const DfyV2Reader *reader, uint64_t offset, uint8_t *data, size_t size) {
    if (offset > reader->input.size_bytes) return 0;
    if (size > reader->input.size_bytes - offset) size = (size_t)(reader->input.size_bytes - offset);
    return reader->input.read(reader->input.opaque, offset, data, size);
}

/* Head and payload of the chunk at offset, checked. */
static int load(const DfyV2Reader *reader, uint64_t offset, Head *head, DfyBuffer *payload) {
    uint8_t bytes[DFY_V2_HEAD_BYTES], tail[4];
    payload->size = 0;
    if (read_at(reader, offset, bytes, sizeof bytes) != sizeof bytes) return DFY_ERROR_FORMAT;
    *head = parse_head(bytes);
    if (!head->sound || (uint64_t)head->size + DFY_V2_OVERHEAD_BYTES > reader->input.size_bytes - offset)
        return DFY_ERROR_FORMAT;
    uint8_t *to = dfy_buffer_reserve(payload, head->size + 1u);
    if (!to) return DFY_ERROR_MEMORY;
    offset += sizeof bytes;
    if (read_at(reader, offset, to, head->size) != (int64_t)head->size) return DFY_ERROR_IO;
    payload->size = head->size;
    if (read_at(reader, offset + head->size, tail, 4) != 4) return DFY_ERROR_IO;
    uint8_t right[4];
    store_u32(right, dfy_crc32c(dfy_crc32c(0, bytes, sizeof bytes), to, head->size));
    return memcmp(right, tail, 4) ? DFY_ERROR_DAMAGED : DFY_OK;
}

static int add_entry(DfyV2Reader *reader, const DfyV2Entry *entry) {
    int status = grow(&reader->entries, reader->count, &reader->capacity);
    if (!status) reader->entries[reader->count++] = *entry;
    return status;
}

/* Opens by END and INDEX; DFY_ERROR_FORMAT when they aren't there or don't fit the file. */
static int open_by_index(DfyV2Reader *reader) {
    const uint64_t end_bytes = END_PAYLOAD + DFY_V2_OVERHEAD_BYTES;
    DfyBuffer payload = {0};
    Head head;
    if (reader->input.size_bytes < sizeof magic + end_bytes) return DFY_ERROR_FORMAT;
    int status = load(reader, reader->input.size_bytes - end_bytes, &head, &payload);
    if (!status && (head.type != DFY_CHUNK_END || head.size != END_PAYLOAD)) status = DFY_ERROR_FORMAT;
    if (!status) {
        DfyBytes bytes = dfy_bytes(payload.data, payload.size);
        uint64_t at = dfy_read_u64be(&bytes);
        status = at < reader->input.size_bytes ? load(reader, at, &head, &payload) : DFY_ERROR_FORMAT;
        if (!status && head.type != DFY_CHUNK_INDEX) status = DFY_ERROR_FORMAT;
        DfyBytes index = dfy_bytes(payload.data, payload.size);
        uint64_t count = dfy_read_varint(&index), offset = sizeof magic, frame = 0;
        for (uint64_t i = 0; !status && i < count; i++) {
            DfyV2Entry e = {.offset_bytes = offset};
            e.type = dfy_read_u8(&index);
            e.flags = dfy_read_u8(&index);
            uint64_t size = dfy_read_varint(&index);
            e.frames = dfy_read_varint(&index);
            if (e.frames) {
                uint64_t gap = dfy_read_varint(&index);
                if (gap > UINT32_MAX || e.frames > UINT32_MAX) status = DFY_ERROR_FORMAT;
                e.first_frame = frame + gap;
                frame = e.first_frame + e.frames;
            }
            e.payload_bytes = (uint32_t)size;
            if (index.overrun || size > DFY_V2_MAX_PAYLOAD || size + DFY_V2_OVERHEAD_BYTES > at - offset)
                status = DFY_ERROR_FORMAT;
            offset += size + DFY_V2_OVERHEAD_BYTES;
            if (!status) status = add_entry(reader, &e);
        }
    }
    dfy_buffer_free(&payload);
    if (status) reader->count = 0;
    reader->complete = !status;
    return status;
}

/*
 * The next offset at which a whole sound chunk begins, or the end of the file. Rubbish seldom looks like a chunk's
 * head; a file made of bytes that do would cost a pass over the rest of the file each: *effort, in bytes, bounds that.
 */
static int resynchronise(DfyV2Reader *reader, uint64_t *offset, uint64_t *effort) {
    uint8_t window[4096];
    DfyBuffer payload = {0};
    int status = DFY_OK, found = 0;
    uint64_t at = *offset;
    while (!found && !status) {
        int64_t got = read_at(reader, at, window, sizeof window), i = 0;
        if (got < 0) status = DFY_ERROR_IO;
        if (got < DFY_V2_OVERHEAD_BYTES) {
            at = reader->input.size_bytes;
            break;
        }
        for (; i + DFY_V2_HEAD_BYTES <= got && !found && !status; i += !found) {
            Head head = parse_head(window + i);
            if (!head.sound || head.flags > DFY_CHUNK_ENTRY || head.size > *effort) continue;
            *effort -= head.size;
            int result = load(reader, at + (uint64_t)i, &head, &payload);
            found = result == DFY_OK;
            if (result == DFY_ERROR_IO || result == DFY_ERROR_MEMORY) status = result;
        }
        at += (uint64_t)i;
    }
    dfy_buffer_free(&payload);
    *offset = at;
    return status;
}

static int open_by_walking(DfyV2Reader *reader) {
    uint64_t offset = sizeof magic, size = reader->input.size_bytes, effort = 4 * size;
    while (offset + DFY_V2_OVERHEAD_BYTES <= size) {
        uint8_t bytes[DFY_V2_HEAD_BYTES];
        if (read_at(reader, offset, bytes, sizeof bytes) != sizeof bytes) return DFY_ERROR_IO;
        Head head = parse_head(bytes);
        if (!head.sound || (uint64_t)head.size + DFY_V2_OVERHEAD_BYTES > size - offset) {
            uint64_t from = offset++;
            int status = resynchronise(reader, &offset, &effort);
            if (status) return status;
            reader->skipped_bytes += offset - from;
            continue;
        }
        DfyV2Entry e = {.type = (uint8_t)head.type,
                        .flags = (uint8_t)head.flags,
                        .payload_bytes = head.size,
                        .offset_bytes = offset};
        if (head.type != DFY_CHUNK_INDEX && head.type != DFY_CHUNK_END) {
            int status = add_entry(reader, &e);
            if (status) return status;
        }
        offset += (uint64_t)head.size + DFY_V2_OVERHEAD_BYTES;
    }
    reader->skipped_bytes += size > offset ? size - offset : 0;
    return DFY_OK;
}

int dfy_v2_reader_open(DfyV2Reader *reader, const DfyInput *input, DfyMessage *message) {
    *reader = (DfyV2Reader){.input = *input};
    int status = open_by_index(reader);
    if (status == DFY_ERROR_FORMAT || status == DFY_ERROR_DAMAGED) status = open_by_walking(reader);
    if (status == DFY_ERROR_MEMORY) return dfy_fail(message, status, "There is not enough memory to open this file.");
    if (status) return dfy_fail(message, status, "The file can't be read.");
    if (!reader->count)
        return dfy_fail(message, DFY_ERROR_FORMAT,
                        "The file ends before its first chunk: nothing in it can be played.");
    return DFY_OK;
}

void dfy_v2_reader_close(DfyV2Reader *reader) {
    free(reader->entries);
    *reader = (DfyV2Reader){0};
}

int dfy_v2_read_chunk(DfyV2Reader *reader, size_t index, DfyBuffer *payload, DfyMessage *message) {
    DfyV2Entry *entry = &reader->entries[index];
    Head head;
    int status = load(reader, entry->offset_bytes, &head, payload);
    if (!status && (head.type != entry->type || head.size != entry->payload_bytes)) status = DFY_ERROR_DAMAGED;
    if (status == DFY_ERROR_FORMAT) status = DFY_ERROR_DAMAGED;
    entry->damaged |= status == DFY_ERROR_DAMAGED;
    if (status == DFY_ERROR_DAMAGED)
        return dfy_fail(message, status, "The %s chunk at byte %llu is damaged.", dfy_v2_chunk_name(entry->type),
                        (unsigned long long)entry->offset_bytes);
    if (status)
        return dfy_fail(message, status,
                        status == DFY_ERROR_MEMORY ? "There is not enough memory to read a chunk."
                                                   : "The file can't be read.");
    return DFY_OK;
}
