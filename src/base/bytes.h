/*
 * Bytes in and out: a bounded reader over memory and a buffer that grows. A read past the end gives zero and
 * sets `overrun`, and a failed growth sets `failed`, so that a run of calls is checked once at its end.
 * "be" and "le" are big and little endian.
 */
#ifndef DFY_BASE_BYTES_H
#define DFY_BASE_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct DfyBytes {
    const uint8_t *data;
    size_t size, position;
    int overrun;
} DfyBytes;

DfyBytes dfy_bytes(const uint8_t *data, size_t size);
size_t dfy_bytes_left(const DfyBytes *bytes);
/* The next size bytes, or NULL (and overrun) when there are fewer. */
const uint8_t *dfy_read_span(DfyBytes *bytes, size_t size);
uint8_t dfy_read_u8(DfyBytes *bytes);
uint16_t dfy_read_u16be(DfyBytes *bytes);
uint32_t dfy_read_u32be(DfyBytes *bytes);
uint64_t dfy_read_u64be(DfyBytes *bytes);
float dfy_read_f32be(DfyBytes *bytes);
uint16_t dfy_read_u16le(DfyBytes *bytes);
uint32_t dfy_read_u32le(DfyBytes *bytes);
uint64_t dfy_read_u64le(DfyBytes *bytes);
float dfy_read_f32le(DfyBytes *bytes);

static inline float dfy_float_of_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
/* Of four bytes that are known to be there. */
static inline float dfy_float_of_le(const uint8_t *bytes) {
    return dfy_float_of_bits(bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24);
}

typedef struct DfyBuffer {
    uint8_t *data;
    size_t size, capacity;
    int failed;
} DfyBuffer;

/* Room for size more bytes, which the caller fills and counts into buffer->size; NULL when there is none. */
uint8_t *dfy_buffer_reserve(DfyBuffer *buffer, size_t size);
void dfy_buffer_free(DfyBuffer *buffer);
void dfy_put_bytes(DfyBuffer *buffer, const void *data, size_t size);
void dfy_put_u8(DfyBuffer *buffer, unsigned value);
void dfy_put_u16be(DfyBuffer *buffer, unsigned value);
void dfy_put_u32be(DfyBuffer *buffer, uint32_t value);
void dfy_put_u64be(DfyBuffer *buffer, uint64_t value);
void dfy_put_f32be(DfyBuffer *buffer, float value);
void dfy_put_u16le(DfyBuffer *buffer, unsigned value);
void dfy_put_u32le(DfyBuffer *buffer, uint32_t value);
void dfy_put_u64le(DfyBuffer *buffer, uint64_t value);
void dfy_put_f32le(DfyBuffer *buffer, float value);

/* IEEE 754 half precision, which versions 1's quaternions and codebooks are in. */
float dfy_half_to_float(uint16_t half);
uint16_t dfy_float_to_half(float value);

#endif
