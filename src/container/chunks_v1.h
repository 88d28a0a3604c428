/*
 * The container of version 1: a 21-byte header, then chunks (type, compressed, length, payload) to the end of
 * the file. Nothing is indexed, so opening a file walks over all chunk headers; payloads are read when needed.
 */
#ifndef DFY_CONTAINER_CHUNKS_V1_H
#define DFY_CONTAINER_CHUNKS_V1_H

#include "base/bytes.h"
#include "base/status.h"
#include "diffy/diffy.h"

#define DFY_V1_HEADER_BYTES 21
#define DFY_V1_CHUNK_HEADER_BYTES 6

typedef enum DfyV1ChunkType {
    DFY_V1_BACKGROUND = 1,
    DFY_V1_CYCLE_CANON = 2,
    DFY_V1_CYCLE_DELTA = 3,
    DFY_V1_IMU_BLOCK = 4,
    DFY_V1_CYCLE_SKIP = 5,
    DFY_V1_METADATA = 6,
    DFY_V1_CODEBOOK = 7
} DfyV1ChunkType;

enum { DFY_V1_HAS_IMU = 1, DFY_V1_STEREO_RGB = 2 };

typedef struct DfyV1Header {
    uint64_t total_frames;
    float fps;
    int width, height;
    uint8_t flags;
} DfyV1Header;

typedef struct DfyV1Chunk {
    uint8_t type, compressed;
    uint8_t damaged;
    uint64_t offset; /* of the chunk's header */
    uint32_t length; /* of the payload that is there: less than stated when the file is cut inside it */
} DfyV1Chunk;

typedef struct DfyV1Chunks {
    DfyV1Header header;
    DfyV1Chunk *chunk;
    uint32_t count, capacity;
    int cut; /* the file ends inside a chunk or a chunk header */
} DfyV1Chunks;

const char *dfy_v1_chunk_name(uint8_t type);

/* Reads the header and finds every chunk; memory_limit_bytes bounds the list. */
int dfy_v1_chunks_read(DfyV1Chunks *chunks, const DfyInput *input, uint64_t memory_limit_bytes, DfyMessage *message);
void dfy_v1_chunks_free(DfyV1Chunks *chunks);

/* Reads the start of a chunk's payload as stored, at most limit bytes, into an empty buffer. */
int dfy_v1_chunk_read(DfyBuffer *payload, const DfyInput *input, const DfyV1Chunk *chunk, size_t limit,
                      DfyMessage *message);

void dfy_v1_put_header(DfyBuffer *buffer, const DfyV1Header *header);
/* A whole chunk through output; compressed says whether data is already a zlib stream. */
int dfy_v1_chunk_write(const DfyOutput *output, DfyV1ChunkType type, int compressed, const uint8_t *data, size_t size,
                       DfyMessage *message);

#endif
