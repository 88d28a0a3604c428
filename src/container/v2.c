#include "container/v2.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t magic[4] = {'D', 'F', 'Y', 2};
#define END_PAYLOAD 8                  /* u64 offset of the index */
#define MOST_MENDED ((size_t)16 << 20) /* bytes in which a wrong bit is looked for: some 0.2 s */

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
    case DFY_CHUNK_DEPARTURES: return "DEPARTURES";
    case DFY_CHUNK_SOUND: return "SOUND";
    case DFY_CHUNK_LAST: return "LAST";
    case DFY_CHUNK_CLONE: return "CLONE";
    case DFY_CHUNK_EPISODES: return "EPISODES";
    case DFY_CHUNK_GRAIN: return "GRAIN";
    default: return "unknown";
    }
}

uint16_t dfy_crc16(uint16_t crc, const uint8_t *data, size_t size) {
    /* By halves of a byte. */
    static const uint16_t table[16] = {0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5, 0x60c6, 0x70e7,
                                       0x8108, 0x9129, 0xa14a, 0xb16b, 0xc18c, 0xd1ad, 0xe1ce, 0xf1ef};
    for (size_t i = 0; i < size; i++) {
        crc = (uint16_t)(crc << 4 ^ table[(crc >> 12 ^ data[i] >> 4) & 15]);
        crc = (uint16_t)(crc << 4 ^ table[(crc >> 12 ^ data[i]) & 15]);
    }
    return crc;
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

void dfy_put_signed_varint(DfyBuffer *buffer, int64_t value) {
    dfy_put_varint(buffer, (uint64_t)value << 1 ^ (value < 0 ? ~(uint64_t)0 : 0));
}

int64_t dfy_read_signed_varint(DfyBytes *bytes) {
    uint64_t value = dfy_read_varint(bytes);
    return (int64_t)(value >> 1 ^ (value & 1 ? ~(uint64_t)0 : 0));
}

static int grow(DfyV2Row **rows, size_t count, size_t *capacity) {
    if (count < *capacity) return DFY_OK;
    size_t wanted = *capacity ? *capacity * 2 : 64;
    DfyV2Row *grown = realloc(*rows, wanted * sizeof *grown);
    if (!grown) return DFY_ERROR_MEMORY;
    *rows = grown;
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

/* In one piece: what is cut short by a full disk or a crash ends with a whole chunk wherever the output can do that. */
static int write_plain(DfyV2Writer *writer, unsigned type, unsigned flags, const uint8_t *payload, size_t size) {
    if (size > DFY_V2_MAX_PAYLOAD) return DFY_ERROR_ARGUMENT;
    DfyBuffer *chunk = &writer->chunk;
    chunk->size = 0;
    dfy_put_u8(chunk, type);
    dfy_put_u8(chunk, flags);
    dfy_put_u32be(chunk, (uint32_t)size);
    if (!chunk->failed) dfy_put_u16be(chunk, dfy_crc32c(0, chunk->data, 6) & 0xffff);
    if (size) dfy_put_bytes(chunk, payload, size);
    if (!chunk->failed) dfy_put_u32be(chunk, dfy_crc32c(0, chunk->data, chunk->size));
    return chunk->failed ? DFY_ERROR_MEMORY : put(writer, chunk->data, chunk->size);
}

int dfy_v2_adopt_chunk(DfyV2Writer *writer, const DfyV2Row *row) {
    int status = grow(&writer->rows, writer->count, &writer->capacity);
    if (status) return status;
    writer->rows[writer->count++] = *row;
    writer->offset_bytes = row->offset_bytes + row->payload_bytes + DFY_V2_OVERHEAD_BYTES;
    return DFY_OK;
}

int dfy_v2_write_chunk(DfyV2Writer *writer, unsigned type, unsigned flags, const uint8_t *payload, size_t size,
                       uint64_t first_frame, uint64_t frames) {
    int status = grow(&writer->rows, writer->count, &writer->capacity);
    if (status) return status;
    writer->rows[writer->count++] = (DfyV2Row){.type = (uint8_t)type,
                                               .flags = (uint8_t)flags,
                                               .payload_bytes = (uint32_t)size,
                                               .offset_bytes = writer->offset_bytes,
                                               .first_frame = first_frame,
                                               .frames = frames};
    return write_plain(writer, type, flags, payload, size);
}

/* Chunks follow one another and frames too, so a row is a type, flags, a size and a number of frames. */
int dfy_v2_writer_finish(DfyV2Writer *writer) {
    DfyBuffer index = {0}, end = {0};
    uint64_t frame = 0;
    dfy_put_varint(&index, writer->count);
    for (size_t i = 0; i < writer->count; i++) {
        const DfyV2Row *e = &writer->rows[i];
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
    free(writer->rows);
    dfy_buffer_free(&writer->chunk);
    *writer = (DfyV2Writer){0};
}

/* ---------------------------------------------------------------- reading */

typedef struct Head {
    uint8_t bytes[DFY_V2_HEAD_BYTES];
    unsigned type, flags;
    uint32_t size;
    int sound;
} Head;

static uint32_t load_u32(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static Head parse_head(const uint8_t *bytes) {
    Head head = {.type = bytes[0], .flags = bytes[1]};
    memcpy(head.bytes, bytes, sizeof head.bytes);
    head.size = load_u32(bytes + 2);
    uint32_t check = dfy_crc32c(0, bytes, 6);
    head.sound = bytes[6] == (uint8_t)(check >> 8) && bytes[7] == (uint8_t)check && head.size <= DFY_V2_MAX_PAYLOAD;
    return head;
}

static int64_t read_at(const DfyV2Reader *reader, uint64_t offset, uint8_t *data, size_t size) {
    if (offset > reader->input.size_bytes) return 0;
    if (size > reader->input.size_bytes - offset) size = (size_t)(reader->input.size_bytes - offset);
    return reader->input.read(reader->input.opaque, offset, data, size);
}

/* A whole chunk against the checksum at its end. One wrong bit is put right: *mended. */
static int check_chunk(uint8_t *chunk, size_t bytes, int *mended) {
    size_t size = bytes - 4;
    uint32_t difference = dfy_crc32c(0, chunk, size) ^ load_u32(chunk + size);
    *mended = difference && size <= MOST_MENDED && dfy_crc32c_mend(chunk, size, difference);
    return !difference || *mended ? DFY_OK : DFY_ERROR_DAMAGED;
}

/* Payload of the chunk at offset, whose size is known, and its head, in one read; the rest as load has it. */
static int load_known(const DfyV2Reader *reader, DfyV2Row *row, Head *head, DfyBuffer *payload) {
    const size_t size = row->payload_bytes, whole = size + DFY_V2_OVERHEAD_BYTES;
    payload->size = 0;
    uint8_t *to = dfy_buffer_reserve(payload, whole);
    if (!to) return DFY_ERROR_MEMORY;
    int64_t got = read_at(reader, row->offset_bytes, to, whole);
    if (got < (int64_t)whole) return got < 0 ? DFY_ERROR_IO : DFY_ERROR_FORMAT;
    int status = check_chunk(to, whole, &row->mended);
    *head = parse_head(to);
    if (!head->sound || head->size != size) return DFY_ERROR_FORMAT;
    memmove(to, to + DFY_V2_HEAD_BYTES, size);
    payload->size = size;
    return status;
}

/* Head and payload of the chunk at offset, checked. */
static int load(const DfyV2Reader *reader, uint64_t offset, Head *head, DfyBuffer *payload) {
    uint8_t bytes[DFY_V2_HEAD_BYTES], tail[4];
    payload->size = 0;
    int64_t got = read_at(reader, offset, bytes, sizeof bytes);
    if (got < 0) return DFY_ERROR_IO;
    if (got != sizeof bytes) return DFY_ERROR_FORMAT;
    *head = parse_head(bytes);
    if (!head->sound || (uint64_t)head->size + DFY_V2_OVERHEAD_BYTES > reader->input.size_bytes - offset)
        return DFY_ERROR_FORMAT;
    uint8_t *to = dfy_buffer_reserve(payload, head->size + 1u);
    if (!to) return DFY_ERROR_MEMORY;
    offset += sizeof bytes;
    if (read_at(reader, offset, to, head->size) != (int64_t)head->size) return DFY_ERROR_IO;
    payload->size = head->size;
    if (read_at(reader, offset + head->size, tail, 4) != 4) return DFY_ERROR_IO;
    uint32_t right = dfy_crc32c(dfy_crc32c(0, bytes, sizeof bytes), to, head->size);
    return right == load_u32(tail) ? DFY_OK : DFY_ERROR_DAMAGED;
}

static int add_row(DfyV2Reader *reader, const DfyV2Row *row) {
    int status = grow(&reader->rows, reader->count, &reader->capacity);
    if (!status) reader->rows[reader->count++] = *row;
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
            DfyV2Row e = {.offset_bytes = offset};
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
            if (!status) status = add_row(reader, &e);
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
            if (!head.sound || head.flags > DFY_CHUNK_ACCESS_POINT || head.size > *effort) continue;
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
        DfyV2Row e = {.type = (uint8_t)head.type,
                      .flags = (uint8_t)head.flags,
                      .payload_bytes = head.size,
                      .offset_bytes = offset};
        if (head.type != DFY_CHUNK_INDEX && head.type != DFY_CHUNK_END) {
            int status = add_row(reader, &e);
            if (status) return status;
        }
        offset += (uint64_t)head.size + DFY_V2_OVERHEAD_BYTES;
    }
    reader->skipped_bytes += size > offset ? size - offset : 0;
    return DFY_OK;
}

/* ---------------------------------------------------------------- streams that only go forward */

static int open_forward(DfyV2Reader *reader, const DfyInput *input, DfyMessage *message) {
    DfyForward *forward = reader->forward = malloc(sizeof *forward);
    if (!forward) return DFY_ERROR_MEMORY;
    dfy_forward_open(forward, input, sizeof magic);
    reader->input = (DfyInput){.read = dfy_forward_read, .size_bytes = UINT64_MAX, .opaque = forward};
    int status = dfy_v2_reader_more(reader, message);
    return status == DFY_END ? DFY_OK : status;
}

/* Takes a sound head; what comes before it belongs to no chunk. */
static int take_head(DfyV2Reader *reader, Head *head) {
    DfyForward *forward = reader->forward;
    while (1) {
        int status = forward->next.size < DFY_V2_HEAD_BYTES
                         ? dfy_forward_take(forward, DFY_V2_HEAD_BYTES - forward->next.size)
                         : DFY_OK;
        if (status) return status;
        *head = parse_head(forward->next.data);
        if (head->sound) return DFY_OK;
        dfy_forward_skip(forward, 1);
        reader->skipped_bytes++;
    }
}

/* Takes a whole chunk; what a stream ends with in the middle of one is lost. */
static int take_whole(DfyV2Reader *reader, Head *head) {
    int status = take_head(reader, head);
    if (status) return status;
    return dfy_forward_take(reader->forward, (size_t)head->size + DFY_V2_OVERHEAD_BYTES - DFY_V2_HEAD_BYTES);
}

/* Takes a chunk and notes it, but for INDEX and END. */
static int take_chunk(DfyV2Reader *reader) {
    DfyForward *forward = reader->forward;
    Head head;
    int status;
    while (!(status = take_whole(reader, &head)) && head.type == DFY_CHUNK_INDEX)
        dfy_forward_skip(forward, forward->next.size);
    if (status) return status;
    if (head.type == DFY_CHUNK_END) {
        reader->complete = 1;
        dfy_forward_skip(forward, forward->next.size);
        return DFY_END;
    }
    DfyV2Row e = {.type = (uint8_t)head.type,
                  .flags = (uint8_t)head.flags,
                  .payload_bytes = head.size,
                  .offset_bytes = forward->at - forward->next.size};
    status = add_row(reader, &e);
    int common = e.type == DFY_CHUNK_SEGMENT || e.type == DFY_CHUNK_CLONE || e.type == DFY_CHUNK_SOUND;
    return status ? status : dfy_forward_keep(forward, !common);
}

int dfy_v2_reader_more(DfyV2Reader *reader, DfyMessage *message) {
    if (!reader->forward || reader->ended) return DFY_END;
    int status = take_chunk(reader);
    if (!status) return DFY_OK;
    reader->ended = 1;
    reader->skipped_bytes += reader->forward->next.size;
    if (status == DFY_ERROR_MEMORY) return dfy_fail(message, status, "There is not enough memory to read a chunk.");
    return status == DFY_END ? status : dfy_fail(message, status, "The stream can't be read.");
}

int dfy_v2_reader_open(DfyV2Reader *reader, const DfyInput *input, DfyMessage *message) {
    *reader = (DfyV2Reader){.input = *input};
    int status = input->size_bytes == DFY_FORWARD_ONLY ? open_forward(reader, input, message) : open_by_index(reader);
    if (status == DFY_ERROR_FORMAT || status == DFY_ERROR_DAMAGED) status = open_by_walking(reader);
    if (status == DFY_ERROR_MEMORY) return dfy_fail(message, status, "There is not enough memory to open this file.");
    if (status) return dfy_fail(message, status, "The file can't be read.");
    if (!reader->count)
        return dfy_fail(message, DFY_ERROR_FORMAT,
                        "The file ends before its first chunk: nothing in it can be played.");
    return DFY_OK;
}

/* The chunks that are whole in a file's first bytes, from offset on. */
static int walk_on(DfyV2Reader *reader, uint64_t offset) {
    uint64_t size = reader->input.size_bytes;
    while (!reader->complete && offset + DFY_V2_OVERHEAD_BYTES <= size) {
        uint8_t bytes[DFY_V2_HEAD_BYTES];
        if (read_at(reader, offset, bytes, sizeof bytes) != sizeof bytes) return DFY_ERROR_IO;
        Head head = parse_head(bytes);
        if (!head.sound) return DFY_ERROR_DAMAGED;
        uint64_t whole = (uint64_t)head.size + DFY_V2_OVERHEAD_BYTES;
        if (whole > size - offset) break;
        DfyV2Row e = {.type = (uint8_t)head.type,
                      .flags = (uint8_t)head.flags,
                      .payload_bytes = head.size,
                      .offset_bytes = offset};
        reader->complete = head.type == DFY_CHUNK_END;
        int status = head.type == DFY_CHUNK_INDEX || reader->complete ? DFY_OK : add_row(reader, &e);
        if (status) return status;
        offset += whole;
    }
    return DFY_OK;
}

int dfy_v2_reader_grow(DfyV2Reader *reader, uint64_t size_bytes, DfyMessage *message) {
    if (reader->complete || reader->forward || size_bytes <= reader->input.size_bytes) return DFY_OK;
    const DfyV2Row *last = reader->count ? &reader->rows[reader->count - 1] : NULL;
    reader->input.size_bytes = size_bytes;
    int status =
        walk_on(reader, last ? last->offset_bytes + last->payload_bytes + DFY_V2_OVERHEAD_BYTES : sizeof magic);
    if (!status) return DFY_OK;
    return dfy_fail(message, status,
                    status == DFY_ERROR_MEMORY ? "There is not enough memory to read a chunk."
                    : status == DFY_ERROR_DAMAGED
                        ? "The rest of this file is damaged: open it again once it is complete."
                        : "The file can't be read.");
}

void dfy_v2_reader_close(DfyV2Reader *reader) {
    free(reader->rows);
    if (reader->forward) dfy_forward_close(reader->forward);
    free(reader->forward);
    *reader = (DfyV2Reader){0};
}

int dfy_v2_read_chunk(DfyV2Reader *reader, size_t index, DfyBuffer *payload, DfyMessage *message) {
    DfyV2Row *row = &reader->rows[index];
    Head head;
    int status = load_known(reader, row, &head, payload);
    if (!status && head.type != row->type) status = DFY_ERROR_DAMAGED;
    if (status == DFY_ERROR_FORMAT) status = DFY_ERROR_DAMAGED;
    row->damaged |= status == DFY_ERROR_DAMAGED;
    if (status == DFY_ERROR_DAMAGED)
        return dfy_fail(message, status, "The %s chunk at byte %llu is damaged.", dfy_v2_chunk_name(row->type),
                        (unsigned long long)row->offset_bytes);
    if (status)
        return dfy_fail(message, status,
                        status == DFY_ERROR_MEMORY ? "There is not enough memory to read a chunk."
                                                   : "The file can't be read.");
    return DFY_OK;
}
