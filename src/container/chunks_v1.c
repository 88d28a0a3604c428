#include "container/chunks_v1.h"

#include <stdlib.h>
#include <string.h>

const char *dfy_v1_chunk_name(uint8_t type) {
    static const char *const names[] = {"unknown",   "BACKGROUND", "CYCLE_CANON", "CYCLE_DELTA",
                                        "IMU_BLOCK", "CYCLE_SKIP", "METADATA",    "CODEBOOK"};
    return names[type < sizeof names / sizeof *names ? type : 0];
}

static int read_header(DfyV1Header *header, const DfyInput *input, DfyMessage *message) {
    uint8_t bytes[DFY_V1_HEADER_BYTES];
    int64_t got = input->read(input->opaque, 0, bytes, sizeof bytes);
    if (got < 0) return dfy_fail(message, DFY_ERROR_IO, "The file's header can't be read.");
    if (got < (int64_t)sizeof bytes)
        return dfy_fail(message, DFY_ERROR_FORMAT, "The file ends inside its header: get a whole copy of it.");
    DfyBytes in = dfy_bytes(bytes, sizeof bytes);
    if (memcmp(dfy_read_span(&in, 4), "DFY\x01", 4) != 0)
        return dfy_fail(message, DFY_ERROR_FORMAT, "This is not a version 1 .dfy file.");
    header->total_frames = dfy_read_u64be(&in);
    header->fps = dfy_read_f32be(&in);
    header->width = dfy_read_u16be(&in);
    header->height = dfy_read_u16be(&in);
    header->flags = dfy_read_u8(&in);
    if (header->width < 1 || header->height < 1 || header->width > DFY_MAX_DIMENSION ||
        header->height > DFY_MAX_DIMENSION)
        return dfy_fail(message, DFY_ERROR_FORMAT, "The header says %d x %d pixels: 1 to %d are supported.",
                        header->width, header->height, DFY_MAX_DIMENSION);
    return DFY_OK;
}

static int append(DfyV1Chunks *chunks, DfyV1Chunk chunk, uint64_t memory_limit_bytes) {
    if (chunks->count == chunks->capacity) {
        size_t capacity = chunks->capacity ? (size_t)chunks->capacity * 2 : 16;
        if (capacity * sizeof chunk > memory_limit_bytes / 8 || capacity > UINT32_MAX / 2) return DFY_ERROR_MEMORY;
        DfyV1Chunk *grown = realloc(chunks->chunk, capacity * sizeof *grown);
        if (!grown) return DFY_ERROR_MEMORY;
        chunks->chunk = grown;
        chunks->capacity = (uint32_t)capacity;
    }
    chunks->chunk[chunks->count++] = chunk;
    return DFY_OK;
}

int dfy_v1_chunks_read(DfyV1Chunks *chunks, const DfyInput *input, uint64_t memory_limit_bytes, DfyMessage *message) {
    *chunks = (DfyV1Chunks){0};
    int status = read_header(&chunks->header, input, message);
    for (uint64_t offset = DFY_V1_HEADER_BYTES; !status && offset < input->size_bytes && !chunks->cut;) {
        uint8_t bytes[DFY_V1_CHUNK_HEADER_BYTES];
        int64_t got = input->read(input->opaque, offset, bytes, sizeof bytes);
        if (got < 0)
            return dfy_fail(message, DFY_ERROR_IO, "The file can't be read at byte %llu.", (unsigned long long)offset);
        if (got < (int64_t)sizeof bytes) {
            chunks->cut = 1;
            break;
        }
        DfyBytes in = dfy_bytes(bytes, sizeof bytes);
        DfyV1Chunk chunk = {.offset = offset};
        chunk.type = dfy_read_u8(&in);
        chunk.compressed = dfy_read_u8(&in);
        chunk.length = dfy_read_u32be(&in);
        offset += sizeof bytes;
        if (chunk.length > input->size_bytes - offset) {
            chunk.length = (uint32_t)(input->size_bytes - offset);
            chunks->cut = chunk.damaged = 1;
        }
        offset += chunk.length;
        status = append(chunks, chunk, memory_limit_bytes);
        if (status) dfy_fail(message, status, "The file's list of chunks needs more memory than allowed.");
    }
    return status;
}

void dfy_v1_chunks_free(DfyV1Chunks *chunks) {
    free(chunks->chunk);
    *chunks = (DfyV1Chunks){0};
}

int dfy_v1_chunk_read(DfyBuffer *payload, const DfyInput *input, const DfyV1Chunk *chunk, size_t limit,
                      DfyMessage *message) {
    size_t size = chunk->length < limit ? chunk->length : limit;
    uint8_t *room = dfy_buffer_reserve(payload, size ? size : 1);
    if (!room)
        return dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for a chunk of %llu bytes.",
                        (unsigned long long)size);
    int64_t got = size ? input->read(input->opaque, chunk->offset + DFY_V1_CHUNK_HEADER_BYTES, room, size) : 0;
    if (got != (int64_t)size)
        return dfy_fail(message, DFY_ERROR_IO, "The chunk at byte %llu can't be read.",
                        (unsigned long long)chunk->offset);
    payload->size += size;
    return DFY_OK;
}

void dfy_v1_put_header(DfyBuffer *buffer, const DfyV1Header *header) {
    dfy_put_bytes(buffer, "DFY\x01", 4);
    dfy_put_u64be(buffer, header->total_frames);
    dfy_put_f32be(buffer, header->fps);
    dfy_put_u16be(buffer, (unsigned)header->width);
    dfy_put_u16be(buffer, (unsigned)header->height);
    dfy_put_u8(buffer, header->flags);
}

int dfy_v1_chunk_write(const DfyOutput *output, DfyV1ChunkType type, int compressed, const uint8_t *data, size_t size,
                       DfyMessage *message) {
    if (size > UINT32_MAX)
        return dfy_fail(message, DFY_ERROR_UNSUPPORTED, "A chunk of more than 4 GiB can't be written in version 1.");
    uint8_t bytes[DFY_V1_CHUNK_HEADER_BYTES] = {(uint8_t)type,         (uint8_t)compressed,  (uint8_t)(size >> 24),
                                                (uint8_t)(size >> 16), (uint8_t)(size >> 8), (uint8_t)size};
    if (output->write(output->opaque, bytes, sizeof bytes) || (size && output->write(output->opaque, data, size)))
        return dfy_fail(message, DFY_ERROR_IO, "The %s chunk could not be written: is the disk full?",
                        dfy_v1_chunk_name((uint8_t)type));
    return DFY_OK;
}
