/*
 * Deflates chunks on several threads and writes them in their order.
 *
 * A payload is cut into segments that threads take one by one. Each is deflated by itself, but starts from the bytes
 * before it as a dictionary and ends on a whole byte, so that the pieces, one after the other, are one zlib stream; it
 * is a few bytes in ten thousand longer than if it were made in one go. Where segments begin follows from the payload
 * alone, and so does every byte. A payload of one segment gives what compress2 makes of it.
 */
#ifndef DFY_V1_PACKER_H
#define DFY_V1_PACKER_H

#include "base/bytes.h"
#include "base/pool.h"
#include "v1/writer.h"

#define DFY_V1_SEGMENT_BYTES ((size_t)1 << 18)
#define DFY_V1_MOST_HELD 64     /* chunks */
#define DFY_V1_MOST_SEGMENTS 32 /* at a time, after which the caller may cancel */

typedef struct DfyV1HeldChunk {
    DfyV1ChunkType type;
    size_t start; /* in the payload of all */
    int level;    /* 0: written as it is */
} DfyV1HeldChunk;

typedef struct DfyV1Segment {
    const DfyV1HeldChunk *chunk;
    size_t start, end; /* in the payload of all */
    int last;          /* of its chunk */
    DfyBuffer deflated;
    int status;
} DfyV1Segment;

/* Zero-initialise but for the writer and the pool. */
typedef struct DfyV1Packer {
    const DfyV1Writer *writer;
    DfyPool *pool;
    DfyBuffer payload; /* of the chunks that are held, end to end; whoever codes appends to it */
    DfyV1HeldChunk chunk[DFY_V1_MOST_HELD];
    int chunks;
    DfyV1Segment segment[DFY_V1_MOST_SEGMENTS];
    DfyBuffer stream; /* the zlib stream that is being put together */
    uint32_t adler;
} DfyV1Packer;

void dfy_v1_packer_free(DfyV1Packer *packer);

/* A chunk, whose payload is what is appended from here on, is begun; many are held to be deflated together. */
int dfy_v1_packer_begin(DfyV1Packer *packer, DfyV1ChunkType type);
/* Its payload is whole, `frames` pictures, or none: then it is written as it is. */
void dfy_v1_packer_end(DfyV1Packer *packer, uint32_t frames);
/* Deflates and writes all chunks. */
int dfy_v1_packer_flush(DfyV1Packer *packer);

#endif
