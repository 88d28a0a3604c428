/*
 * Niantic .spz: a header and one array an attribute. Versions 2 (rotation in three bytes) and 3 (smallest three in four
 * bytes) are one gzip stream around all; version 4 is a header of 32 bytes, a table of contents and a zstd stream an
 * attribute. The format's axes are right, up, back; models here are right, down, forward as in training, so y and z
 * change sign, and with them parts of rotation and colour.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "splat/formats/files.h"
#include "splat/formats/zstd.h"

enum {
    HEADER_BYTES = 16,
    LONG_HEADER_BYTES = 32, /* of version 4 */
    FRACTION_BITS = 12,     /* as the format's own writer has it, or fewer where coordinates need it */
    ZSTD_LEVEL = 12,        /* as the format's own writer has it */
    STREAMS = 6,            /* positions, alphas, colours, scales, rotations, spherical harmonics */
    STREAMS_NAMED = 32,     /* that a table of contents may have */
    ANTIALIASED = 1,        /* flags */
    HAS_EXTENSIONS = 2
};
#define MAGIC 0x5053474eu /* "NGSP" */
#define COLOUR_SCALE 0.15

/* Sign of colour coefficient k (from 0, beyond the first) when y and z change theirs: -1 where its polynomial is odd in
 * them. */
static int turn_rest(size_t k) {
    int degree = 1;
    while (dfy_splat_rest(degree) <= (int)k) degree++;
    int m = (int)k - dfy_splat_rest(degree - 1) - degree;
    return ((m < 0) + degree - abs(m)) & 1 ? -1 : 1;
}

static const int8_t turn_axis[3] = {1, -1, -1};

/* ---------------------------------------------------------------- gzip */

/*
 * Inflates into a buffer of at most limit bytes. Memory follows the data: the buffer grows as bytes come, so that a
 * small file can't ask for a large buffer.
 */
static int inflate_all(DfyBuffer *out, const uint8_t *data, size_t size, size_t limit) {
    if (size > UINT32_MAX) return DFY_ERROR_UNSUPPORTED;
    z_stream z = {.next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)size};
    if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK) return DFY_ERROR_MEMORY;
    int result = Z_OK;
    while (result == Z_OK && out->size < limit) {
        uint8_t *room = dfy_buffer_reserve(out, 65536);
        if (!room) break;
        z.next_out = room;
        z.avail_out = 65536;
        result = inflate(&z, Z_NO_FLUSH);
        out->size += 65536 - z.avail_out;
    }
    inflateEnd(&z);
    if (out->failed) return DFY_ERROR_MEMORY;
    return result == Z_STREAM_END || (result == Z_OK && out->size >= limit) ? DFY_OK : DFY_ERROR_DAMAGED;
}

static int deflate_all(DfyBuffer *out, const uint8_t *data, size_t size) {
    if (size > UINT32_MAX / 2) return DFY_ERROR_UNSUPPORTED;
    z_stream z = {0};
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY) != Z_OK)
        return DFY_ERROR_MEMORY;
    size_t bound = deflateBound(&z, (uLong)size);
    uint8_t *room = dfy_buffer_reserve(out, bound);
    int result = Z_MEM_ERROR;
    if (room) {
        z.next_in = (Bytef *)(uintptr_t)data;
        z.avail_in = (uInt)size;
        z.next_out = room;
        z.avail_out = (uInt)bound;
        result = deflate(&z, Z_FINISH);
        out->size += bound - z.avail_out;
    }
    deflateEnd(&z);
    return result == Z_STREAM_END ? DFY_OK : DFY_ERROR_MEMORY;
}

/* ---------------------------------------------------------------- reading */

typedef struct Header {
    uint32_t version, count;
    int degree, fraction_bits, flags, streams;
} Header;

static int read_header(Header *header, DfyBytes *bytes, DfyMessage *message) {
    uint32_t magic = dfy_read_u32le(bytes);
    header->version = dfy_read_u32le(bytes);
    header->count = dfy_read_u32le(bytes);
    header->degree = dfy_read_u8(bytes);
    header->fraction_bits = dfy_read_u8(bytes);
    header->flags = dfy_read_u8(bytes);
    header->streams = dfy_read_u8(bytes);
    if (bytes->overrun || magic != MAGIC)
        return dfy_fail(message, DFY_ERROR_FORMAT, "This gzip file holds no .spz model.");
    if (header->version < 2 || header->version > 4)
        return dfy_fail(message, DFY_ERROR_UNSUPPORTED, "This .spz file is of version %u: 2 to 4 are supported.",
                        header->version);
    if (header->degree > DFY_SPLAT_MAX_DEGREE || header->fraction_bits > 23 || header->count > DFY_SPLAT_MAX_COUNT)
        return dfy_fail(message, DFY_ERROR_FORMAT, "The .spz header is broken: degree %d, %d fraction bits, %u splats.",
                        header->degree, header->fraction_bits, header->count);
    return DFY_OK;
}

static int cut(const Header *header, DfyMessage *message) {
    return dfy_fail(message, DFY_ERROR_DAMAGED, "The .spz file is cut: its %u splats are not all there.",
                    header->count);
}

/* Bytes of each attribute's array. */
static void array_sizes(const Header *header, size_t sizes[STREAMS]) {
    const size_t each[STREAMS] = {9, 1, 3, 3, header->version == 2 ? 3 : 4, (size_t)dfy_splat_rest(header->degree) * 3};
    for (int i = 0; i < STREAMS; i++) sizes[i] = header->count * each[i];
}

static void unpack_first_three(const uint8_t bytes[3], float q[4]) {
    double sum = 0;
    for (int i = 0; i < 3; i++) {
        double value = bytes[i] / 127.5 - 1;
        sum += value * value;
        q[i + 1] = (float)value;
    }
    q[0] = (float)sqrt(sum < 1 ? 1 - sum : 0);
}

/* Components in the format's order x, y, z, w; two bits for the largest, then sign and nine bits of each other. */
static void unpack_smallest_three(uint32_t packed, float q[4]) {
    double xyzw[4], sum = 0;
    int largest = (int)(packed >> 30);
    for (int i = 3; i >= 0; i--) {
        if (i == largest) continue;
        double value = (packed & 511) / 511.0 * sqrt(0.5);
        xyzw[i] = packed >> 9 & 1 ? -value : value;
        sum += value * value;
        packed >>= 10;
    }
    xyzw[largest] = sqrt(sum < 1 ? 1 - sum : 0);
    q[0] = (float)xyzw[3];
    for (int i = 0; i < 3; i++) q[i + 1] = (float)xyzw[i];
}

static void read_rotation(const uint8_t *bytes, uint32_t version, float q[4]) {
    DfyBytes four = dfy_bytes(bytes, 4);
    if (version == 2)
        unpack_first_three(bytes, q);
    else
        unpack_smallest_three(dfy_read_u32le(&four), q);
    q[2] = -q[2];
    q[3] = -q[3];
}

static void read_places(DfySplats *s, const uint8_t *bytes, int fraction_bits) {
    for (size_t i = 0; i < (size_t)s->count * 3; i++, bytes += 3) {
        int32_t value = (int32_t)((uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16);
        if (value & 0x800000) value -= 0x1000000;
        s->xyz[i] = (float)((double)value / (1 << fraction_bits) * turn_axis[i % 3]);
    }
}

static void read_rest(DfySplats *s, const uint8_t *bytes) {
    size_t rest = (size_t)dfy_splat_rest(s->degree);
    for (size_t i = 0; i < s->count; i++)
        for (size_t k = 0; k < rest; k++)
            for (size_t c = 0; c < 3; c++)
                s->rest[i * rest * 3 + c * rest + k] = (float)((*bytes++ - 128) / 128.0 * turn_rest(k));
}

/* Arrays that are all there. */
static int read_arrays(DfySplats *s, const Header *header, const uint8_t *const arrays[STREAMS], DfyMessage *message) {
    size_t n = header->count, rotation_bytes = header->version == 2 ? 3 : 4;
    int status = dfy_splats_alloc(s, header->count, header->degree, message);
    if (status || !n) return status;
    read_places(s, arrays[0], header->fraction_bits);
    for (size_t i = 0; i < n; i++) {
        s->opacity[i] = (float)dfy_logit(arrays[1][i] / 255.0);
        for (size_t k = 0; k < 3; k++) {
            s->dc[i * 3 + k] = (float)((arrays[2][i * 3 + k] / 255.0 - 0.5) / COLOUR_SCALE);
            s->scale[i * 3 + k] = (float)(arrays[3][i * 3 + k] / 16.0 - 10);
        }
        read_rotation(arrays[4] + i * rotation_bytes, header->version, s->rotation + i * 4);
    }
    if (header->degree) read_rest(s, arrays[5]);
    return DFY_OK;
}

/* Versions 2 and 3: one array after the other. */
static int read_model(DfySplats *s, const Header *header, DfyBytes *bytes, DfyMessage *message) {
    size_t sizes[STREAMS];
    const uint8_t *arrays[STREAMS];
    array_sizes(header, sizes);
    for (int i = 0; i < STREAMS; i++)
        if (!(arrays[i] = dfy_read_span(bytes, sizes[i])) && sizes[i]) return cut(header, message);
    return read_arrays(s, header, arrays, message);
}

static void tell_flags(const Header *header, DfyMessage *notes) {
    if (header->flags & ANTIALIASED) dfy_note(notes, "the mark that the model was trained with antialiasing");
    if (header->flags & HAS_EXTENSIONS) dfy_note(notes, "the .spz file's extensions");
}

static int read_gzip(DfySplats *splats, const uint8_t *data, size_t size_bytes, DfyMessage *notes,
                     DfyMessage *message) {
    DfyBuffer head = {0}, body = {0};
    Header header;
    int status = inflate_all(&head, data, size_bytes, HEADER_BYTES);
    if (status) dfy_fail(message, status, "The .spz file can't be unpacked: its gzip data is damaged or cut.");
    DfyBytes bytes = dfy_bytes(head.data, head.size);
    if (!status) status = read_header(&header, &bytes, message);
    if (!status) {
        /* Longer than its header says is of no interest, but the end is, where the checksum is; 92 bytes a splat is the
         * most. */
        status = inflate_all(&body, data, size_bytes, HEADER_BYTES + (size_t)header.count * 92 + 1);
        if (status) dfy_fail(message, status, "The .spz file can't be unpacked: its gzip data is damaged or cut.");
    }
    if (!status) {
        bytes = dfy_bytes(body.data, body.size);
        dfy_read_span(&bytes, HEADER_BYTES);
        status = read_model(splats, &header, &bytes, message);
        tell_flags(&header, notes);
    }
    dfy_buffer_free(&head);
    dfy_buffer_free(&body);
    return status;
}

/* One stream of version 4, exactly so many bytes; a zstd frame says how many it makes. */
static int unpack_stream(uint8_t **array, size_t size, const uint8_t *data, size_t data_size, DfyMessage *message) {
    if (!size) return DFY_OK;
    /* zstd makes 32 kB or so of a byte at most: of fewer bytes no memory is asked for. */
    *array = size / 65536 <= data_size ? malloc(size) : NULL;
    int status = *array ? dfy_unzstd(*array, size, data, data_size) : DFY_ERROR_DAMAGED;
    if (status == DFY_ERROR_UNSUPPORTED)
        return dfy_fail(message, status, "This build has no zstd, which .spz files of version 4 need.");
    return status ? dfy_fail(message, status, "The .spz file can't be unpacked: its zstd data is damaged.") : DFY_OK;
}

static int read_streams(DfySplats *s, const Header *header, DfyBytes *toc, DfyBytes *body, DfyMessage *message) {
    size_t sizes[STREAMS];
    uint8_t *arrays[STREAMS] = {NULL};
    int status = DFY_OK;
    array_sizes(header, sizes);
    for (int i = 0; !status && i < header->streams; i++) {
        uint64_t packed = dfy_read_u64le(toc), unpacked = dfy_read_u64le(toc);
        const uint8_t *data = packed <= dfy_bytes_left(body) ? dfy_read_span(body, (size_t)packed) : NULL;
        if (toc->overrun || !data) status = cut(header, message);
        if (status || i >= STREAMS) continue; /* later writers' streams */
        if (unpacked != sizes[i])
            status = dfy_fail(message, DFY_ERROR_FORMAT,
                              "The .spz file's stream %d has %llu bytes where its %u splats need %llu.", i,
                              (unsigned long long)unpacked, header->count, (unsigned long long)sizes[i]);
        else
            status = unpack_stream(&arrays[i], sizes[i], data, (size_t)packed, message);
    }
    for (int i = header->streams; !status && i < STREAMS; i++)
        if (sizes[i]) status = cut(header, message);
    if (!status) status = read_arrays(s, header, (const uint8_t *const *)arrays, message);
    for (int i = 0; i < STREAMS; i++) free(arrays[i]);
    return status;
}

static int read_version_4(DfySplats *s, const uint8_t *data, size_t size_bytes, DfyMessage *notes,
                          DfyMessage *message) {
    DfyBytes bytes = dfy_bytes(data, size_bytes);
    Header header;
    int status = read_header(&header, &bytes, message);
    if (status) return status;
    uint32_t toc_at = dfy_read_u32le(&bytes);
    size_t toc_bytes = (size_t)header.streams * 16;
    if (header.version != 4)
        return dfy_fail(message, DFY_ERROR_FORMAT, "This .spz file of version %u is not in gzip, as it has to be.",
                        header.version);
    if (toc_at < LONG_HEADER_BYTES || header.streams > STREAMS_NAMED || toc_at > size_bytes ||
        size_bytes - toc_at < toc_bytes)
        return cut(&header, message);
    DfyBytes toc = dfy_bytes(data + toc_at, toc_bytes);
    DfyBytes body = dfy_bytes(data + toc_at + toc_bytes, size_bytes - toc_at - toc_bytes);
    tell_flags(&header, notes);
    return read_streams(s, &header, &toc, &body, message);
}

int dfy_read_spz(DfySplats *s, const uint8_t *data, size_t size_bytes, DfyMessage *notes, DfyMessage *message) {
    if (size_bytes >= 2 && data[0] == 0x1f && data[1] == 0x8b) return read_gzip(s, data, size_bytes, notes, message);
    return read_version_4(s, data, size_bytes, notes, message);
}

/* ---------------------------------------------------------------- writing */

static uint32_t pack_smallest_three(const float in[4]) {
    double length = sqrt((double)in[0] * in[0] + (double)in[1] * in[1] + (double)in[2] * in[2] + (double)in[3] * in[3]);
    double q[4] = {in[1] / length, -in[2] / length, -in[3] / length, in[0] / length};
    int largest = 0;
    for (int i = 1; i < 4; i++)
        if (fabs(q[i]) > fabs(q[largest])) largest = i;
    uint32_t packed = (uint32_t)largest;
    for (int i = 0; i < 4; i++) {
        if (i == largest) continue;
        uint32_t negative = (q[i] < 0) != (q[largest] < 0);
        double magnitude = fabs(q[i]) / sqrt(0.5) * 511 + 0.5;
        packed = packed << 10 | negative << 9 | (magnitude < 511 ? (uint32_t)magnitude : 511);
    }
    return packed;
}

/* The first three components as bytes, with the fourth not negative. */
static void put_first_three(DfyBuffer *out, const float in[4]) {
    double length = sqrt((double)in[0] * in[0] + (double)in[1] * in[1] + (double)in[2] * in[2] + (double)in[3] * in[3]);
    double sign = in[0] < 0 ? -1 / length : 1 / length;
    for (int k = 1; k < 4; k++) dfy_put_u8(out, dfy_to_byte((in[k] * sign * turn_axis[k - 1] + 1) * 127.5));
}

/* As many bits behind the point as leave room for the farthest coordinate. */
static int fraction_bits_for(const DfySplats *s) {
    double most = 0;
    int bits = FRACTION_BITS;
    for (size_t i = 0; i < (size_t)s->count * 3; i++)
        if (isfinite(s->xyz[i])) most = fmax(most, fabs((double)s->xyz[i]));
    while (bits > 0 && most * (1 << bits) > 8388607) bits--;
    return bits;
}

static void put_places(const DfySplats *s, int fraction_bits, DfyBuffer *out) {
    for (size_t i = 0; i < (size_t)s->count * 3; i++) {
        double value = round((double)s->xyz[i] * turn_axis[i % 3] * (1 << fraction_bits));
        int32_t fixed = value > 8388607 ? 8388607 : value < -8388608 ? -8388608 : (int32_t)value;
        for (int shift = 0; shift < 24; shift += 8) dfy_put_u8(out, (uint32_t)fixed >> shift & 255);
    }
}

/* A byte about 128, on the coarser steps the format's own writer uses so that gzip finds repetition. */
static unsigned pack_coefficient(double value, int degree_one) {
    int step = degree_one ? 8 : 16;
    int q = ((int)(fmin(fmax(round(value * 128), -128), 127)) + 128 + step / 2) / step * step;
    return (unsigned)(q > 255 ? 255 : q);
}

/* Each attribute's array. */
static void put_arrays(const DfySplats *s, int version, int fraction_bits, DfyBuffer out[STREAMS]) {
    size_t n = s->count, rest = (size_t)dfy_splat_rest(s->degree);
    put_places(s, fraction_bits, &out[0]);
    for (size_t i = 0; i < n; i++) dfy_put_u8(&out[1], dfy_to_byte(dfy_sigmoid(s->opacity[i]) * 255));
    for (size_t i = 0; i < n * 3; i++) dfy_put_u8(&out[2], dfy_to_byte(s->dc[i] * COLOUR_SCALE * 255 + 127.5));
    for (size_t i = 0; i < n * 3; i++) dfy_put_u8(&out[3], dfy_to_byte((s->scale[i] + 10.0) * 16));
    for (size_t i = 0; i < n && version == 2; i++) put_first_three(&out[4], s->rotation + i * 4);
    for (size_t i = 0; i < n && version > 2; i++) dfy_put_u32le(&out[4], pack_smallest_three(s->rotation + i * 4));
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < rest; k++)
            for (size_t c = 0; c < 3; c++)
                dfy_put_u8(&out[5],
                           pack_coefficient((double)s->rest[i * rest * 3 + c * rest + k] * turn_rest(k), k < 3));
}

static void put_header(const DfySplats *s, int version, int fraction_bits, DfyBuffer *out) {
    dfy_put_u32le(out, MAGIC);
    dfy_put_u32le(out, (uint32_t)version);
    dfy_put_u32le(out, s->count);
    dfy_put_u8(out, (unsigned)s->degree);
    dfy_put_u8(out, (unsigned)fraction_bits);
    dfy_put_u8(out, 0);
    dfy_put_u8(out, version < 4 ? 0 : s->degree ? STREAMS : STREAMS - 1);
}

/* Version 4 behind its short header: the table's place, zeros, the table, the streams. */
static int put_streams(const DfyBuffer arrays[STREAMS], int streams, DfyBuffer *out) {
    DfyBuffer packed = {0};
    dfy_put_u32le(out, LONG_HEADER_BYTES);
    for (int i = 20; i < LONG_HEADER_BYTES; i++) dfy_put_u8(out, 0);
    int status = DFY_OK;
    for (int i = 0; !status && i < streams; i++) {
        size_t before = packed.size;
        status = dfy_zstd(&packed, arrays[i].data, arrays[i].size, ZSTD_LEVEL);
        dfy_put_u64le(out, packed.size - before);
        dfy_put_u64le(out, arrays[i].size);
    }
    dfy_put_bytes(out, packed.data, packed.size);
    if (!status && packed.failed) status = DFY_ERROR_MEMORY;
    dfy_buffer_free(&packed);
    return status;
}

int dfy_write_spz(const DfySplats *s, int version, DfyBuffer *buffer) {
    DfyBuffer arrays[STREAMS] = {{0}}, out = {0};
    int fraction_bits = fraction_bits_for(s), status = DFY_OK;
    put_arrays(s, version, fraction_bits, arrays);
    put_header(s, version, fraction_bits, version < 4 ? &out : buffer);
    if (version >= 4) status = put_streams(arrays, s->degree ? STREAMS : STREAMS - 1, buffer);
    for (int i = 0; i < STREAMS; i++) {
        if (version < 4) dfy_put_bytes(&out, arrays[i].data, arrays[i].size);
        if (arrays[i].failed) status = DFY_ERROR_MEMORY;
        dfy_buffer_free(&arrays[i]);
    }
    if (!status && out.failed) status = DFY_ERROR_MEMORY;
    if (!status && version < 4) status = deflate_all(buffer, out.data, out.size);
    dfy_buffer_free(&out);
    return status;
}
