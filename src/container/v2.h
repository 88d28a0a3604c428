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
#include "container/forward.h"

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
    DFY_CHUNK_CYCLES = 0x14,     /* where cycles of the work begin */
    DFY_CHUNK_CLONE = 0x15,      /* frames that show earlier ones */
    DFY_CHUNK_EPISODES = 0x16,   /* ranges of frames that have names */
    DFY_CHUNK_DEPARTURES = 0x17, /* where the work leaves its routine */
    DFY_CHUNK_GRAIN = 0x18,      /* what noise the camera had */
    DFY_CHUNK_SOUND = 0x20,      /* packets of sound */
    DFY_CHUNK_LAST = 0x21        /* how long the last picture is shown */
};

enum { DFY_STREAM_VIDEO = 1, DFY_STREAM_SPLATS = 2, DFY_STREAM_SOUND = 3 }; /* first byte of the STREAM payload */

/* Flags of a chunk. */
enum { DFY_CHUNK_ACCESS_POINT = 1 /* decoding can begin here */ };

/* Name of a type, "unknown" for others; static. */
const char *dfy_v2_chunk_name(unsigned type);

/* CRC-32C (Castagnoli) of size bytes, continued from crc (0 to begin). */
uint32_t dfy_crc32c(uint32_t crc, const uint8_t *data, size_t size);

/*
 * Finds one wrong bit in size bytes (or in their checksum) by what right and stored checksum differ by (exclusive or),
 * and turns it over: 1; 0: more is wrong. Looks at every bit: for what is known to be wrong.
 */
int dfy_crc32c_mend(uint8_t *data, size_t size, uint32_t difference);

/*
 * CRC-16 of size bytes, continued from crc (0 to begin): generator x^16 + x^12 + x^5 + 1 (ITU-T V.41), highest bit
 * first. For parts of a chunk: it finds every error of one bit, and of several within 16.
 */
uint16_t dfy_crc16(uint16_t crc, const uint8_t *data, size_t size);

/* Unsigned numbers of 7 bits a byte, low first, a set top bit meaning more. */
void dfy_put_varint(DfyBuffer *buffer, uint64_t value);
uint64_t dfy_read_varint(DfyBytes *bytes);
/* With a sign, in the lowest bit: small sizes take few bytes. */
void dfy_put_signed_varint(DfyBuffer *buffer, int64_t value);
int64_t dfy_read_signed_varint(DfyBytes *bytes);

/* ---- writing ---- */

/* A row of the index: a chunk; frames is 0 for chunks that hold none. */
typedef struct DfyV2Row {
    uint8_t type, flags;
    uint32_t payload_bytes;
    uint64_t offset_bytes; /* of the head */
    uint64_t first_frame, frames;
    int damaged; /* reading: the head was sound, the CRC is not (once checked) */
    int mended;  /* one bit of it was wrong, and was put right (once read) */
} DfyV2Row;

typedef struct DfyV2Writer {
    DfyOutput output;
    uint64_t offset_bytes; /* bytes written so far */
    DfyV2Row *rows;
    size_t count, capacity;
    DfyBuffer chunk; /* the one being written */
} DfyV2Writer;

/* Writes the magic. */
int dfy_v2_writer_open(DfyV2Writer *writer, const DfyOutput *output);
/* Appends a chunk and notes it for the index; DFY_ERROR_IO or DFY_ERROR_MEMORY. */
int dfy_v2_write_chunk(DfyV2Writer *writer, unsigned type, unsigned flags, const uint8_t *payload, size_t size,
                       uint64_t first_frame, uint64_t frames);
/* Notes a chunk that the output has already, at the end of what was noted before; 0 or DFY_ERROR_MEMORY. */
int dfy_v2_adopt_chunk(DfyV2Writer *writer, const DfyV2Row *row);
/* Writes INDEX and END. */
int dfy_v2_writer_finish(DfyV2Writer *writer);
void dfy_v2_writer_close(DfyV2Writer *writer);

/* ---- reading ---- */

typedef struct DfyV2Reader {
    DfyInput input;
    DfyV2Row *rows; /* all chunks but INDEX and END, in file order */
    size_t count, capacity;
    int complete;           /* the file ends with a sound END */
    DfyForward *forward;    /* of a stream that only goes forward; NULL: a file */
    int ended;              /* no more of that is to come */
    uint64_t skipped_bytes; /* that belong to no sound chunk */
} DfyV2Reader;

/*
 * Finds the chunks, by the index or by walking. frames of chunks are known only by the index; for a walked file the
 * caller fills them in. Errors: DFY_ERROR_FORMAT when there is no chunk at all, DFY_ERROR_IO, DFY_ERROR_MEMORY.
 */
int dfy_v2_reader_open(DfyV2Reader *reader, const DfyInput *input, DfyMessage *message);
void dfy_v2_reader_close(DfyV2Reader *reader);

/*
 * An input of DFY_FORWARD_ONLY, whose magic was read, is opened with its first chunk alone: this takes in the next one,
 * which is the last of `rows` then. DFY_END when there is none, which sets complete; errors as above.
 */
int dfy_v2_reader_more(DfyV2Reader *reader, DfyMessage *message);

/*
 * A file that is still being written or fetched, opened when it was shorter, has now so many bytes: chunks that are
 * whole by now are appended to `rows`. Errors: DFY_ERROR_DAMAGED where no chunk follows the last one, IO, MEMORY.
 */
int dfy_v2_reader_grow(DfyV2Reader *reader, uint64_t size_bytes, DfyMessage *message);

/*
 * Reads a chunk's payload into *payload (replacing what it held) and checks it: DFY_ERROR_DAMAGED, with the row
 * marked, when the CRC is wrong. One wrong bit, which a CRC names, is put right, and the row marked. Of a chunk of a
 * MiB with more wrong bits, one in 500 looks like that: where another check is to be had it should be asked.
 */
int dfy_v2_read_chunk(DfyV2Reader *reader, size_t index, DfyBuffer *payload, DfyMessage *message);

#endif
