/* Payloads of splat codecs and the serialisers that make bytes of them. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "container/v2.h"
#include "entropy/range.h"
#include "splat/codec.h"
#include "splat/formats/zstd.h"

enum { MAX_SYMBOLS = 1 << 27 /* of a payload */ };

/* ---------------------------------------------------------------- payloads */

void dfy_payload_free(DfySplatPayload *payload) {
    for (int i = 0; i < payload->count; i++) free(payload->streams[i].symbols);
    dfy_buffer_free(&payload->coded);
    *payload = (DfySplatPayload){0};
}

DfySplatStream *dfy_payload_add(DfySplatPayload *payload, uint32_t limit) {
    if (payload->count == DFY_SPLAT_STREAMS) {
        payload->failed = 1;
        return NULL;
    }
    DfySplatStream *stream = &payload->streams[payload->count++];
    *stream = (DfySplatStream){.limit = limit};
    return stream;
}

static int reserve(DfySplatStream *stream, size_t capacity) {
    if (capacity <= stream->capacity) return 1;
    if (capacity < stream->capacity * 2) capacity = stream->capacity * 2;
    if (capacity < 1024) capacity = 1024;
    uint32_t *symbols = realloc(stream->symbols, capacity * sizeof *symbols);
    if (!symbols) return 0;
    stream->symbols = symbols;
    stream->capacity = capacity;
    return 1;
}

void dfy_payload_put(DfySplatPayload *payload, DfySplatStream *stream, uint32_t symbol) {
    if (!stream || !reserve(stream, stream->count + 1))
        payload->failed = 1;
    else
        stream->symbols[stream->count++] = symbol;
}

const DfySplatStream *dfy_payload_next(DfySplatPayload *payload) {
    return payload->next < payload->count ? &payload->streams[payload->next++] : NULL;
}

const uint32_t *dfy_payload_take(DfySplatPayload *payload, size_t count, uint32_t limit) {
    static const uint32_t none = 0;
    const DfySplatStream *stream = dfy_payload_next(payload);
    if (!stream || stream->count != count) return NULL;
    for (size_t i = 0; limit && i < count; i++)
        if (stream->symbols[i] >= limit) return NULL;
    return count ? stream->symbols : &none;
}

/* ---------------------------------------------------------------- heads */

uint64_t dfy_payload_symbols(const DfySplatPayload *payload) {
    uint64_t symbols = 0;
    for (int i = 0; i < payload->count; i++) symbols += payload->streams[i].count;
    return symbols;
}

/* The bytes that a key frame of so many symbols must have. */
static size_t least_bytes(const DfySplatPayload *payload) {
    uint64_t symbols = dfy_payload_symbols(payload);
    return symbols > DFY_SPLAT_SYMBOLS ? (size_t)((symbols - DFY_SPLAT_SYMBOLS) / DFY_SPLAT_SYMBOLS_A_BYTE + 1) : 0;
}

/* Fills up a payload that began at `from`; range decoders and zlib don't look at what is behind their code. */
static void fill_up(const DfySplatPayload *payload, DfyBuffer *buffer, size_t from) {
    size_t least = least_bytes(payload);
    while (!buffer->failed && buffer->size - from < least) dfy_put_u8(buffer, 0);
}

static int symbol_bytes(uint32_t limit) {
    return !limit || limit > 65536 ? 4 : limit > 256 ? 2 : 1;
}

static void write_head(const DfySplatPayload *payload, DfyBuffer *buffer) {
    dfy_put_u8(buffer, (unsigned)payload->count);
    for (int i = 0; i < payload->count; i++) {
        dfy_put_varint(buffer, payload->streams[i].count);
        dfy_put_varint(buffer, payload->streams[i].limit);
    }
}

static int no_memory(DfyMessage *message) {
    return dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for a frame's symbols.");
}

static int damaged(DfyMessage *message) {
    return dfy_fail(message, DFY_ERROR_DAMAGED, "A splat frame's bytes are damaged.");
}

/* Makes the streams, with room for what they are said to hold. */
static int read_head(DfySplatPayload *payload, DfyBytes *bytes, DfyMessage *message) {
    uint64_t total = 0;
    int count = dfy_read_u8(bytes);
    if (count > DFY_SPLAT_STREAMS) return damaged(message);
    for (int i = 0; i < count; i++) {
        uint64_t symbols = dfy_read_varint(bytes), limit = dfy_read_varint(bytes);
        if (bytes->overrun || symbols > MAX_SYMBOLS || (total += symbols) > MAX_SYMBOLS || limit > UINT32_MAX)
            return damaged(message);
        if (total > payload->most)
            return dfy_fail(message, DFY_ERROR_DAMAGED,
                            "A splat frame claims %llu symbols, more than its bytes can stand for: they are damaged.",
                            (unsigned long long)total);
        DfySplatStream *stream = dfy_payload_add(payload, (uint32_t)limit);
        if (!stream || !reserve(stream, (size_t)symbols)) return no_memory(message);
        stream->count = (size_t)symbols;
    }
    return DFY_OK;
}

/* ---------------------------------------------------------------- range */

/*
 * A symbol goes byte by byte, highest first, each byte a tree of models; a stream of flags sees its last three, a
 * stream of larger symbols whether the byte before was 0.
 */
typedef struct ByteModels {
    DfyBit tree[4][8][256];
} ByteModels;

static void reset_models(ByteModels *models) {
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 8; j++)
            for (int k = 0; k < 256; k++) models->tree[i][j][k] = DFY_BIT_EVEN;
}

static void code_stream(DfyRangeCoder *coder, ByteModels *models, DfySplatStream *stream) {
    int bytes = symbol_bytes(stream->limit), flags = stream->limit == 2;
    uint32_t history = 0;
    reset_models(models);
    for (size_t i = 0; i < stream->count; i++) {
        uint32_t symbol = coder->mode ? stream->symbols[i] : 0, out = 0;
        if (flags) {
            out = (uint32_t)dfy_code_bit(coder, &models->tree[0][0][history & 7], (int)symbol);
            history = history << 1 | out;
        }
        for (int b = bytes - 1; !flags && b >= 0; b--) {
            int high = out != 0;
            out = out << 8 | dfy_code_tree(coder, models->tree[b][high], 8, symbol >> (8 * b) & 255);
        }
        stream->symbols[i] = out;
    }
}

static int range_code(DfyRangeCoder *coder, DfySplatPayload *payload, DfyMessage *message) {
    ByteModels *models = malloc(sizeof *models);
    if (!models) return no_memory(message);
    for (int i = 0; i < payload->count; i++) code_stream(coder, models, &payload->streams[i]);
    free(models);
    return DFY_OK;
}

static int range_write(const DfySplatPayload *payload, DfyBuffer *buffer, DfyMessage *message) {
    DfyRangeCoder coder;
    size_t from = buffer->size;
    write_head(payload, buffer);
    dfy_range_encode_start(&coder);
    int status = range_code(&coder, (DfySplatPayload *)(uintptr_t)payload, message); /* encoding changes nothing */
    dfy_range_encode_finish(&coder);
    dfy_put_bytes(buffer, coder.data, coder.size);
    fill_up(payload, buffer, from);
    if (!status && (coder.failed || buffer->failed)) status = no_memory(message);
    dfy_range_free(&coder);
    return status;
}

static int range_read(DfySplatPayload *payload, const uint8_t *data, size_t size_bytes, DfyMessage *message) {
    DfyBytes bytes = dfy_bytes(data, size_bytes);
    DfyRangeCoder coder;
    int status = read_head(payload, &bytes, message);
    if (status) return status;
    dfy_range_decode_start(&coder, data + bytes.position, dfy_bytes_left(&bytes));
    return range_code(&coder, payload, message);
}

const DfySplatSerialiser dfy_serialiser_range = {"range", DFY_SPLAT_ENCODER(range_write), range_read};

/* ---------------------------------------------------------------- zlib and zstd */

/* All streams as bytes, low bytes of a stream's symbols first, so that like stands by like. */
static void pack(const DfySplatPayload *payload, DfyBuffer *raw) {
    for (int i = 0; i < payload->count; i++)
        for (int b = 0; b < symbol_bytes(payload->streams[i].limit); b++)
            for (size_t k = 0; k < payload->streams[i].count; k++)
                dfy_put_u8(raw, payload->streams[i].symbols[k] >> (8 * b) & 255);
}

static size_t packed_bytes(const DfySplatPayload *payload) {
    size_t size = 0;
    for (int i = 0; i < payload->count; i++)
        size += payload->streams[i].count * (size_t)symbol_bytes(payload->streams[i].limit);
    return size;
}

static void unpack(DfySplatPayload *payload, const uint8_t *raw) {
    for (int i = 0; i < payload->count; i++) {
        DfySplatStream *stream = &payload->streams[i];
        for (size_t k = 0; k < stream->count; k++) stream->symbols[k] = 0;
        for (int b = 0; b < symbol_bytes(stream->limit); b++)
            for (size_t k = 0; k < stream->count; k++) stream->symbols[k] |= (uint32_t)*raw++ << (8 * b);
    }
}

/*
 * Compresses (at a level, 0: the usual) or decompresses `in` to exactly *out_size (compressing: at most); 0 when it
 * fails.
 */
typedef int (*Squeeze)(uint8_t *out, size_t *out_size, const uint8_t *in, size_t in_size, int level);

static int squeeze_write(const DfySplatPayload *payload, DfyBuffer *buffer, size_t bound, Squeeze squeeze,
                         DfyMessage *message) {
    DfyBuffer raw = {0};
    write_head(payload, buffer);
    pack(payload, &raw);
    size_t size = bound;
    uint8_t *room = raw.failed ? NULL : dfy_buffer_reserve(buffer, bound + 1);
    int good = room && squeeze(room, &size, raw.data, raw.size, payload->level);
    if (good) buffer->size += size;
    dfy_buffer_free(&raw);
    return good ? DFY_OK : no_memory(message);
}

static int squeeze_read(DfySplatPayload *payload, const uint8_t *data, size_t size_bytes, Squeeze squeeze,
                        DfyMessage *message) {
    DfyBytes bytes = dfy_bytes(data, size_bytes);
    int status = read_head(payload, &bytes, message);
    if (status) return status;
    size_t size = packed_bytes(payload), wanted = size;
    uint8_t *raw = malloc(size ? size : 1);
    if (!raw) return no_memory(message);
    int good = squeeze(raw, &size, data + bytes.position, dfy_bytes_left(&bytes), 0) && size == wanted;
    if (good) unpack(payload, raw);
    free(raw);
    return good ? DFY_OK : damaged(message);
}

static int deflate_bytes(uint8_t *out, size_t *out_size, const uint8_t *in, size_t in_size, int level) {
    static const uint8_t nothing = 0;
    uLongf size = (uLongf)*out_size;
    int good = compress2(out, &size, in ? in : &nothing, (uLong)in_size, level ? level : 9) == Z_OK;
    *out_size = size;
    return good;
}

static int inflate_bytes(uint8_t *out, size_t *out_size, const uint8_t *in, size_t in_size, int level) {
    (void)level;
    uLongf size = (uLongf)*out_size;
    (void)level;
    int good = uncompress(out, &size, in, (uLong)in_size) == Z_OK;
    *out_size = size;
    return good;
}

static int zlib_write(const DfySplatPayload *payload, DfyBuffer *buffer, DfyMessage *message) {
    size_t from = buffer->size;
    int status = squeeze_write(payload, buffer, compressBound((uLong)packed_bytes(payload)), deflate_bytes, message);
    fill_up(payload, buffer, from);
    return status || !buffer->failed ? status : no_memory(message);
}

static int zlib_read(DfySplatPayload *payload, const uint8_t *data, size_t size_bytes, DfyMessage *message) {
    return squeeze_read(payload, data, size_bytes, inflate_bytes, message);
}

const DfySplatSerialiser dfy_serialiser_zlib = {"zlib", DFY_SPLAT_ENCODER(zlib_write), zlib_read};

enum { ZSTD_LEVEL = 7 }; /* gsvvcompressor's */

static int zstd_missing(int status, DfyMessage *message) {
    if (status != DFY_ERROR_UNSUPPORTED) return status == DFY_ERROR_MEMORY ? no_memory(message) : damaged(message);
    return dfy_fail(message, DFY_ERROR_UNSUPPORTED,
                    "This build has no zstd: use the command line, or a codec whose name ends in -range or -zlib.");
}

/* Behind its frame zstd takes none but a frame to be skipped: a head of 8 bytes, then anything. */
static void fill_up_zstd(const DfySplatPayload *payload, DfyBuffer *buffer, size_t from) {
    size_t least = least_bytes(payload), size = buffer->size - from;
    if (size >= least) return;
    uint32_t more = (uint32_t)(least - size);
    dfy_put_u32be(buffer, 0x502A4D18); /* little-endian 0x184D2A50 */
    for (int k = 0; k < 4; k++) dfy_put_u8(buffer, more >> (8 * k) & 255);
    for (uint32_t i = 0; i < more && !buffer->failed; i++) dfy_put_u8(buffer, 0);
}

static int zstd_write(const DfySplatPayload *payload, DfyBuffer *buffer, DfyMessage *message) {
    size_t from = buffer->size;
    DfyBuffer raw = {0};
    write_head(payload, buffer);
    pack(payload, &raw);
    int status = raw.failed ? DFY_ERROR_MEMORY
                            : dfy_zstd(buffer, raw.data, raw.size, payload->level ? payload->level : ZSTD_LEVEL);
    dfy_buffer_free(&raw);
    if (status) return zstd_missing(status, message);
    fill_up_zstd(payload, buffer, from);
    return buffer->failed ? no_memory(message) : DFY_OK;
}

static int zstd_read(DfySplatPayload *payload, const uint8_t *data, size_t size_bytes, DfyMessage *message) {
    DfyBytes bytes = dfy_bytes(data, size_bytes);
    int status = read_head(payload, &bytes, message);
    if (status) return status;
    size_t size = packed_bytes(payload);
    uint8_t *raw = malloc(size ? size : 1);
    if (!raw) return no_memory(message);
    status = dfy_unzstd(raw, size, data + bytes.position, dfy_bytes_left(&bytes));
    if (!status) unpack(payload, raw);
    free(raw);
    return status ? zstd_missing(status, message) : DFY_OK;
}

const DfySplatSerialiser dfy_serialiser_zstd = {"zstd", DFY_SPLAT_ENCODER(zstd_write), zstd_read};

/* ---------------------------------------------------------------- coded */

static int coded_write(const DfySplatPayload *payload, DfyBuffer *buffer, DfyMessage *message) {
    dfy_put_bytes(buffer, payload->coded.data, payload->coded.size);
    return buffer->failed ? no_memory(message) : DFY_OK;
}

static int coded_read(DfySplatPayload *payload, const uint8_t *data, size_t size_bytes, DfyMessage *message) {
    dfy_put_bytes(&payload->coded, data, size_bytes);
    return payload->coded.failed ? no_memory(message) : DFY_OK;
}

const DfySplatSerialiser dfy_serialiser_coded = {"coded", DFY_SPLAT_ENCODER(coded_write), coded_read};
