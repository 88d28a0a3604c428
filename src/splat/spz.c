/*
 * Niantic .spz: gzip around a header of 16 bytes and one array an attribute. Versions 2 (rotation in three bytes)
 * and 3 (smallest three in four bytes) are read, 3 is written. The format's axes are right, up, back; models here
 * are right, down, forward as in training, so y and z change sign, and with them parts of rotation and colour.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "splat/files.h"

enum { HEADER_BYTES = 16, FRACTION_BITS = 12 };
#define MAGIC 0x5053474eu /* "NGSP" */
#define COLOUR_SCALE 0.15

/* Sign of each colour coefficient when y and z change theirs: -1 where its polynomial is odd in (y, z). */
static const int8_t turn_rest[15] = {-1, -1, 1, -1, 1, 1, -1, 1, -1, 1, -1, -1, 1, -1, 1};
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
    int degree, fraction_bits;
} Header;

static int read_header(Header *header, DfyBytes *bytes, DfyMessage *message) {
    uint32_t magic = dfy_read_u32le(bytes);
    header->version = dfy_read_u32le(bytes);
    header->count = dfy_read_u32le(bytes);
    header->degree = dfy_read_u8(bytes);
    header->fraction_bits = dfy_read_u8(bytes);
    dfy_read_u8(bytes);
    dfy_read_u8(bytes);
    if (bytes->overrun || magic != MAGIC)
        return dfy_fail(message, DFY_ERROR_FORMAT, "This gzip file holds no .spz model.");
    if (header->version < 2 || header->version > 3)
        return dfy_fail(message, DFY_ERROR_UNSUPPORTED, "This .spz file is of version %u: 2 and 3 are supported.",
                        header->version);
    if (header->degree > DFY_SPLAT_MAX_DEGREE || header->fraction_bits > 23 || header->count > DFY_SPLAT_MAX_COUNT)
        return dfy_fail(message, DFY_ERROR_FORMAT, "The .spz header is broken: degree %d, %d fraction bits, %u splats.",
                        header->degree, header->fraction_bits, header->count);
    return DFY_OK;
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
                s->rest[i * rest * 3 + c * rest + k] = (float)((*bytes++ - 128) / 128.0 * turn_rest[k]);
}

static int read_model(DfySplats *s, const Header *header, DfyBytes *bytes, DfyMessage *message) {
    size_t n = header->count, rotation_bytes = header->version == 2 ? 3 : 4;
    size_t rest = (size_t)dfy_splat_rest(header->degree) * 3;
    if ((uint64_t)n * (9 + 1 + 3 + 3 + rotation_bytes + rest) > dfy_bytes_left(bytes))
        return dfy_fail(message, DFY_ERROR_DAMAGED, "The .spz file is cut: its %u splats are not all there.",
                        header->count);
    int status = dfy_splats_alloc(s, header->count, header->degree, message);
    if (status || !n) return status;
    read_places(s, dfy_read_span(bytes, n * 9), header->fraction_bits);
    const uint8_t *alphas = dfy_read_span(bytes, n), *colours = dfy_read_span(bytes, n * 3);
    const uint8_t *scales = dfy_read_span(bytes, n * 3), *rotations = dfy_read_span(bytes, n * rotation_bytes);
    for (size_t i = 0; i < n; i++) {
        s->opacity[i] = (float)dfy_logit(alphas[i] / 255.0);
        for (size_t k = 0; k < 3; k++) {
            s->dc[i * 3 + k] = (float)((colours[i * 3 + k] / 255.0 - 0.5) / COLOUR_SCALE);
            s->scale[i * 3 + k] = (float)(scales[i * 3 + k] / 16.0 - 10);
        }
        read_rotation(rotations + i * rotation_bytes, header->version, s->rotation + i * 4);
    }
    if (rest) read_rest(s, dfy_read_span(bytes, n * rest));
    return DFY_OK;
}

int dfy_read_spz(DfySplats *splats, const uint8_t *data, size_t size_bytes, DfyMessage *message) {
    DfyBuffer head = {0}, body = {0};
    Header header;
    int status = inflate_all(&head, data, size_bytes, HEADER_BYTES);
    if (status) dfy_fail(message, status, "The .spz file can't be unpacked: its gzip data is damaged.");
    DfyBytes bytes = dfy_bytes(head.data, head.size);
    if (!status) status = read_header(&header, &bytes, message);
    if (!status) {
        /* Longer than its header says is of no interest; 65 bytes a splat is the most. */
        status = inflate_all(&body, data, size_bytes, HEADER_BYTES + (size_t)header.count * 65);
        if (status) dfy_fail(message, status, "The .spz file can't be unpacked: its gzip data is damaged.");
    }
    if (!status) {
        bytes = dfy_bytes(body.data, body.size);
        dfy_read_span(&bytes, HEADER_BYTES);
        status = read_model(splats, &header, &bytes, message);
    }
    dfy_buffer_free(&head);
    dfy_buffer_free(&body);
    return status;
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

static void put_places(const DfySplats *s, DfyBuffer *out) {
    for (size_t i = 0; i < (size_t)s->count * 3; i++) {
        double value = round((double)s->xyz[i] * turn_axis[i % 3] * (1 << FRACTION_BITS));
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

int dfy_write_spz(const DfySplats *s, DfyBuffer *buffer) {
    DfyBuffer out = {0};
    size_t n = s->count, rest = (size_t)dfy_splat_rest(s->degree);
    dfy_put_u32le(&out, MAGIC);
    dfy_put_u32le(&out, 3);
    dfy_put_u32le(&out, s->count);
    dfy_put_u8(&out, (unsigned)s->degree);
    dfy_put_u8(&out, FRACTION_BITS);
    dfy_put_u8(&out, 0);
    dfy_put_u8(&out, 0);
    put_places(s, &out);
    for (size_t i = 0; i < n; i++) dfy_put_u8(&out, dfy_to_byte(dfy_sigmoid(s->opacity[i]) * 255));
    for (size_t i = 0; i < n * 3; i++) dfy_put_u8(&out, dfy_to_byte(s->dc[i] * COLOUR_SCALE * 255 + 127.5));
    for (size_t i = 0; i < n * 3; i++) dfy_put_u8(&out, dfy_to_byte((s->scale[i] + 10.0) * 16));
    for (size_t i = 0; i < n; i++) dfy_put_u32le(&out, pack_smallest_three(s->rotation + i * 4));
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < rest; k++)
            for (size_t c = 0; c < 3; c++)
                dfy_put_u8(&out, pack_coefficient(s->rest[i * rest * 3 + c * rest + k] * turn_rest[k], k < 3));
    int status = out.failed ? DFY_ERROR_MEMORY : deflate_all(buffer, out.data, out.size);
    dfy_buffer_free(&out);
    return status;
}
