/*
 * Sound beside the pictures: packets of the source's own codec, copied as they are, in chunks of their own. A STREAM
 * chunk of kind 3 tells the codec; docs/FORMAT.md has the layout. Nothing here decodes sound.
 */
#ifndef DFY_CONTAINER_SOUND_H
#define DFY_CONTAINER_SOUND_H

#include "container/v2.h"

#define DFY_SOUND_VERSION 1
#define DFY_SOUND_CHUNK_BYTES (64 << 10) /* a chunk this large is written */
#define DFY_SOUND_CHUNK_PACKETS 4096     /* the most of one chunk */

void dfy_put_sound_stream(DfyBuffer *buffer, const DfySound *sound);
/* config points into the bytes. DFY_ERROR_UNSUPPORTED, DFY_ERROR_FORMAT: the file plays without its sound. */
int dfy_read_sound_stream(DfyBytes *bytes, DfySound *sound);

/* Packets on their way into a chunk. */
typedef struct DfySoundWriter {
    DfySound sound;
    DfyBuffer config, table, data;
    uint64_t packets;
    int64_t first, end; /* of the chunk, and of the last packet, in ticks */
} DfySoundWriter;

int dfy_sound_writer_open(DfySoundWriter *writer, const DfySound *sound);
/* Takes a copy. DFY_ERROR_MEMORY. */
int dfy_sound_writer_push(DfySoundWriter *writer, const DfySoundPacket *packet);
/* Whether what has come is enough for a chunk. */
int dfy_sound_writer_is_full(const DfySoundWriter *writer);
/* Appends the chunk's payload and begins another; nothing when there are no packets. */
void dfy_sound_writer_flush(DfySoundWriter *writer, DfyBuffer *payload);
void dfy_sound_writer_close(DfySoundWriter *writer);

/* Reads the sound of a file, forwards from any time; one chunk in memory. */
typedef struct DfySoundReader {
    DfySound sound;
    int has_sound;
    DfyBuffer config, payload;
    size_t chunk;   /* of the payload; 0: none */
    DfyBytes table; /* what is left of it */
    const uint8_t *data, *data_end;
    uint64_t packets; /* left in the chunk */
    int64_t end;      /* of the last packet, in ticks */
} DfySoundReader;

/* Looks for sound in an open file; without any, or damaged, has_sound stays 0. Only DFY_ERROR_MEMORY and DFY_ERROR_IO.
 */
int dfy_sound_reader_open(DfySoundReader *reader, DfyV2Reader *file);
/* Makes the packet that is heard at `ticks`, or the first after it, the next. */
int dfy_sound_reader_seek(DfySoundReader *reader, DfyV2Reader *file, int64_t ticks);
/* DFY_END; DFY_ERROR_DAMAGED where a chunk is lost, the call after goes on behind it. Data is valid until then. */
int dfy_sound_reader_next(DfySoundReader *reader, DfyV2Reader *file, DfySoundPacket *packet);
void dfy_sound_reader_close(DfySoundReader *reader);

#endif
