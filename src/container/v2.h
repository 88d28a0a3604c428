/*
 * The DFY\x02 container: "DFY\x02", then chunks to the end of the file. A chunk is
 *
 *     u8 type, u8 flags, u32 payload bytes, u16 check of these six, payload, u32 CRC-32C of type to payload
 *
 * all big-endian; the check is the low half of the six bytes' CRC-32C. A writer only appends. The last two chunks are
 * INDEX (where every other chunk is) and END (where the index is); a file without them is read by walking from chunk to
 * chunk, and where a chunk's head is broken, by looking for the next head whose check and CRC are right.
 */
#ifndef DFY_CONTAINER_V2_H
#define DFY_CONTAINER_V2_H

#include "base/bytes.h"
#include "base/status.h"

#define DFY_V2_MAX_PAYLOAD ((uint32_t)1 << 28)
#define DFY_V2_HEAD_BYTES 8
#define DFY_V2_OVERHEAD_BYTES 12

/* Types up to 0x07 are version 1's, with the same meaning. */
enum {
    DFY_CHUNK_BACKGROUND = 0x01,
    DFY_CHUNK_IMU = 0x04,
    DFY_CHUNK_CYCLE_SKIP = 0x05,
    DFY_CHUNK_METADATA = 0x06,
    DFY_CHUNK_STREAM = 0x10,  /* what kind of stream, its size and times; the first chunk */
    DFY_CHUNK_SEGMENT = 0x11, /* coded frames */
    DFY_CHUNK_INDEX = 0x12,
    DFY_CHUNK_END = 0x13,
    DFY_CHUNK_CYCLES = 0x14, /* where cycles of the work begin */
    DFY_CHUNK_CLONE = 0x15   /* frames that show earlier ones */
};

enum { DFY_STREAM_VIDEO = 1, DFY_STREAM_SPLATS = 2 }; /* first byte of the STREAM payload */

/* Flags of a chunk. */
enum { DFY_CHUNK_ENTRY = 1 /* decoding can begin here */ };

/* Name of a type, "unknown" for others; static. */
const char *dfy_v2_chunk_name(unsigned type);

/* CRC-32C (Castagnoli) of size bytes, continued from crc (0 to begin). */
uint32_t dfy_crc32c(uint32_t crc, const uint8_t *data, size_t size);

/* Unsigned numbers of 7 bits a byte, low first, a set top bit meaning more. */
void dfy_put_varint(DfyBuffer *buffer, uint64_t value);
uint64_t dfy_read_varint(DfyBytes *bytes);

/* ---- writing ---- */

/* A chunk as the index knows it. frames is 0 for chunks that hold none. */
typedef struct DfyV2Entry {
    uint8_t type, flags;
    uint32_t payload_bytes;
    uint64_t offset_bytes; /* of the head */
    uint64_t first_frame, frames;
    int damaged; /* reading: the head was sound, the CRC is not (once checked) */
} DfyV2Entry;

typedef struct DfyV2Writer {
    DfyOutput output;
    uint64_t offset_bytes; /* bytes written so far */
    DfyV2Entry *entries;
    size_t count, capacity;
} DfyV2Writer;

/* Writes the magic. */
int dfy_v2_writer_open(DfyV2Writer *writer, const DfyOutput *output);
/* Appends a chunk and notes it for the index; DFY_ERROR_IO or DFY_ERROR_MEMORY. */
int dfy_v2_write_chunk(DfyV2Writer *writer, unsigned type, unsigned flags, const uint8_t *payload, size_t size,
                       uint64_t first_frame, uint64_t frames);
/* Writes INDEX and END. */
int dfy_v2_writer_finish(DfyV2Writer *writer);
void dfy_v2_writer_close(DfyV2Writer *writer);

/* ---- reading ---- */

typedef struct DfyV2Reader {
    DfyInput input;
    DfyV2Entry *entries; /* all chunks but INDEX and END, in file order */
    size_t count, capacity;
    int complete;           /* the file ends with a sound END */
    uint64_t skipped_bytes; /* that belong to no sound chunk */
} DfyV2Reader;

/*
 * Finds the chunks, by the index or by walking. frames of chunks are known only by the index; for a walked file the
 * caller fills them in. Errors: DFY_ERROR_FORMAT when there is no chunk at all, DFY_ERROR_IO, DFY_ERROR_MEMORY.
 */
int dfy_v2_reader_open(DfyV2Reader *reader, const DfyInput *input, DfyMessage *message);
void dfy_v2_reader_close(DfyV2Reader *reader);

/*
 * Reads a chunk's payload into *payload (replacing what it held) and checks it: DFY_ERROR_DAMAGED, with the entry
 * marked, when the CRC is wrong.
 */
int dfy_v2_read_chunk(DfyV2Reader *reader, size_t index, DfyBuffer *payload, DfyMessage *message);

#endif
