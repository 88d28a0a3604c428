#include "v1/packer.h"

#include <zlib.h>

#define SMALL_PICTURE 8192 /* bytes before deflate; level 8 takes twice as long as 7, for 3 percent: it is for */
#define SMALL_LEVEL 8      /* cycles whose pictures are small in the mean, which are soon done */
#define LARGE_LEVEL 7
#define WINDOW 32768      /* of zlib: how far back a segment may refer */
#define ENOUGH (4u << 20) /* bytes that keep several threads at work: no more chunks are held then */

/* What begins a stream of level 7 or above, and its window. */
static const uint8_t stream_header[2] = {0x78, 0xda};

void dfy_v1_packer_free(DfyV1Packer *packer) {
    for (int i = 0; i < DFY_V1_MOST_SEGMENTS; i++) dfy_buffer_free(&packer->segment[i].deflated);
    dfy_buffer_free(&packer->payload);
    dfy_buffer_free(&packer->stream);
}

int dfy_v1_packer_begin(DfyV1Packer *packer, DfyV1ChunkType type) {
    int full = packer->chunks == DFY_V1_MOST_HELD || packer->payload.size >= ENOUGH;
    int status = full ? dfy_v1_packer_flush(packer) : DFY_OK;
    if (!status) packer->chunk[packer->chunks++] = (DfyV1HeldChunk){.type = type, .start = packer->payload.size};
    return status;
}

void dfy_v1_packer_end(DfyV1Packer *packer, uint32_t frames) {
    DfyV1HeldChunk *chunk = &packer->chunk[packer->chunks - 1];
    size_t size = packer->payload.size - chunk->start;
    if (frames) chunk->level = size / frames < SMALL_PICTURE ? SMALL_LEVEL : LARGE_LEVEL;
}

/* ---------------------------------------------------------------- segments */

/* All of it, and what zlib adds to end it on a whole byte, fits in the room there is. */
static int deflate_into(DfyV1Segment *segment, z_stream *zlib, const uint8_t *data) {
    const uInt size = (uInt)(segment->end - segment->start);
    const size_t before = segment->start - segment->chunk->start;
    const uInt known = before < WINDOW ? (uInt)before : WINDOW;
    if (known && deflateSetDictionary(zlib, data - known, known) != Z_OK) return DFY_ERROR_MEMORY;
    const uLong most = deflateBound(zlib, size) + 16;
    zlib->next_out = dfy_buffer_reserve(&segment->deflated, most);
    if (!zlib->next_out) return DFY_ERROR_MEMORY;
    zlib->avail_out = (uInt)most;
    zlib->next_in = (Bytef *)data;
    zlib->avail_in = size;
    int status = deflate(zlib, segment->last ? Z_FINISH : Z_SYNC_FLUSH);
    segment->deflated.size = most - zlib->avail_out;
    return status == (segment->last ? Z_STREAM_END : Z_OK) && zlib->avail_out ? DFY_OK : DFY_ERROR_MEMORY;
}

static void deflate_one(void *context, int number, int thread) {
    DfyV1Packer *packer = context;
    DfyV1Segment *segment = &packer->segment[number];
    const uint8_t *data = packer->payload.data + segment->start;
    z_stream zlib = {0};
    (void)thread;
    segment->status = DFY_OK;
    segment->deflated.size = 0;
    if (!segment->chunk->level) return;
    segment->status = DFY_ERROR_MEMORY;
    if (deflateInit2(&zlib, segment->chunk->level, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) return;
    segment->status = deflate_into(segment, &zlib, data);
    deflateEnd(&zlib);
}

/* ---------------------------------------------------------------- streams */

static int write_chunk(DfyV1Packer *packer, const DfyV1Segment *last) {
    const DfyV1Writer *writer = packer->writer;
    const DfyV1HeldChunk *chunk = last->chunk;
    DfyBuffer *stream = &packer->stream;
    if (!chunk->level)
        return dfy_v1_chunk_write(&writer->output, chunk->type, 0, packer->payload.data + chunk->start,
                                  last->end - chunk->start, writer->message);
    dfy_put_u32be(stream, packer->adler);
    if (stream->failed)
        return dfy_fail(writer->message, DFY_ERROR_MEMORY, "There is no memory for the deflated pictures.");
    return dfy_v1_chunk_write(&writer->output, chunk->type, 1, stream->data, stream->size, writer->message);
}

/* Appends a segment to its chunk's stream, and writes that when it is whole. */
static int take_segment(DfyV1Packer *packer, const DfyV1Segment *segment) {
    if (segment->status)
        return dfy_fail(packer->writer->message, segment->status, "There is no memory for deflating pictures.");
    if (segment->start == segment->chunk->start) {
        packer->stream.size = 0;
        packer->adler = (uint32_t)adler32(0, NULL, 0);
        dfy_put_bytes(&packer->stream, stream_header, sizeof stream_header);
    }
    dfy_put_bytes(&packer->stream, segment->deflated.data, segment->deflated.size);
    packer->adler =
        (uint32_t)adler32(packer->adler, packer->payload.data + segment->start, (uInt)(segment->end - segment->start));
    return segment->last ? write_chunk(packer, segment) : DFY_OK;
}

/* Deflates the segments that are listed. */
static int pack(DfyV1Packer *packer, int count) {
    const DfyV1Writer *writer = packer->writer;
    int status = DFY_OK;
    dfy_pool_run(packer->pool, count, deflate_one, packer);
    for (int i = 0; i < count && !status; i++) status = take_segment(packer, &packer->segment[i]);
    if (status) return status;
    int canonical = packer->segment[count - 1].chunk->type == DFY_V1_CYCLE_CANON;
    return dfy_v1_report(writer, canonical ? DFY_STAGE_FRAMES : DFY_STAGE_CYCLES, writer->coded, writer->frames);
}

int dfy_v1_packer_flush(DfyV1Packer *packer) {
    int status = DFY_OK, count = 0;
    for (int i = 0; i < packer->chunks && !status; i++) {
        const DfyV1HeldChunk *chunk = &packer->chunk[i];
        const int last_chunk = i + 1 == packer->chunks;
        const size_t end = last_chunk ? packer->payload.size : chunk[1].start;
        size_t at = chunk->start;
        do {
            DfyV1Segment *segment = &packer->segment[count++];
            segment->chunk = chunk;
            segment->start = at;
            at = end - at > DFY_V1_SEGMENT_BYTES ? at + DFY_V1_SEGMENT_BYTES : end;
            segment->end = at;
            segment->last = at == end;
            if (count < DFY_V1_MOST_SEGMENTS && !(segment->last && last_chunk)) continue;
            status = pack(packer, count);
            count = 0;
        } while (at < end && !status);
    }
    packer->chunks = 0;
    packer->payload.size = 0;
    return status;
}
