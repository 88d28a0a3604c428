#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

DfyBytes dfy_bytes(const uint8_t *data, size_t size) {
    return (DfyBytes){.data = data, .size = size};
}

size_t dfy_bytes_left(const DfyBytes *bytes) {
    return bytes->size - bytes->position;
}

const uint8_t *dfy_read_span(DfyBytes *bytes, size_t size) {
    if (size > dfy_bytes_left(bytes)) {
        bytes->overrun = 1;
        bytes->position = bytes->size;
        return NULL;
    }
    const uint8_t *span = bytes->data + bytes->position;
    bytes->position += size;
    return span;
}

static uint64_t read_be(DfyBytes *bytes, size_t size) {
    const uint8_t *span = dfy_read_span(bytes, size);
    uint64_t value = 0;
    for (size_t i = 0; span && i < size; i++) value = value << 8 | span[i];
    return value;
}

static uint64_t read_le(DfyBytes *bytes, size_t size) {
    const uint8_t *span = dfy_read_span(bytes, size);
    uint64_t value = 0;
    for (size_t i = size; span && i-- > 0;) value = value << 8 | span[i];
    return value;
}

static uint32_t bits_of_float(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

uint8_t dfy_read_u8(DfyBytes *bytes) {
    return (uint8_t)read_be(bytes, 1);
}
uint16_t dfy_read_u16be(DfyBytes *bytes) {
    return (uint16_t)read_be(bytes, 2);
}
uint32_t dfy_read_u32be(DfyBytes *bytes) {
    return (uint32_t)read_be(bytes, 4);
}
uint64_t dfy_read_u64be(DfyBytes *bytes) {
    return read_be(bytes, 8);
}
float dfy_read_f32be(DfyBytes *bytes) {
    return dfy_float_of_bits(dfy_read_u32be(bytes));
}
uint16_t dfy_read_u16le(DfyBytes *bytes) {
    return (uint16_t)read_le(bytes, 2);
}
uint32_t dfy_read_u32le(DfyBytes *bytes) {
    return (uint32_t)read_le(bytes, 4);
}
uint64_t dfy_read_u64le(DfyBytes *bytes) {
    return read_le(bytes, 8);
}
float dfy_read_f32le(DfyBytes *bytes) {
    return dfy_float_of_bits(dfy_read_u32le(bytes));
}

uint8_t *dfy_buffer_reserve(DfyBuffer *buffer, size_t size) {
    if (buffer->failed || size > SIZE_MAX / 2 - buffer->size) {
        buffer->failed = 1;
        return NULL;
    }
    size_t needed = buffer->size + size;
    if (needed > buffer->capacity || !buffer->data) {
        size_t capacity = buffer->capacity + buffer->capacity / 2 + 256;
        if (capacity < needed) capacity = needed;
        uint8_t *data = realloc(buffer->data, capacity);
        if (!data) {
            buffer->failed = 1;
            return NULL;
        }
        buffer->data = data;
        buffer->capacity = capacity;
    }
    return buffer->data + buffer->size;
}

void dfy_buffer_free(DfyBuffer *buffer) {
    free(buffer->data);
    *buffer = (DfyBuffer){0};
}

void dfy_put_bytes(DfyBuffer *buffer, const void *data, size_t size) {
    uint8_t *room = dfy_buffer_reserve(buffer, size);
    if (!room || !size) return;
    memcpy(room, data, size);
    buffer->size += size;
}

static void put_be(DfyBuffer *buffer, uint64_t value, unsigned size) {
    uint8_t bytes[8];
    for (unsigned i = 0; i < size; i++) bytes[i] = (uint8_t)(value >> 8 * (size - 1 - i));
    dfy_put_bytes(buffer, bytes, size);
}

static void put_le(DfyBuffer *buffer, uint64_t value, unsigned size) {
    uint8_t bytes[8];
    for (unsigned i = 0; i < size; i++) bytes[i] = (uint8_t)(value >> 8 * i);
    dfy_put_bytes(buffer, bytes, size);
}

void dfy_put_u8(DfyBuffer *buffer, unsigned value) {
    put_be(buffer, value, 1);
}
void dfy_put_u16be(DfyBuffer *buffer, unsigned value) {
    put_be(buffer, value, 2);
}
void dfy_put_u32be(DfyBuffer *buffer, uint32_t value) {
    put_be(buffer, value, 4);
}
void dfy_put_u64be(DfyBuffer *buffer, uint64_t value) {
    put_be(buffer, value, 8);
}
void dfy_put_f32be(DfyBuffer *buffer, float value) {
    put_be(buffer, bits_of_float(value), 4);
}
void dfy_put_u16le(DfyBuffer *buffer, unsigned value) {
    put_le(buffer, value, 2);
}
void dfy_put_u32le(DfyBuffer *buffer, uint32_t value) {
    put_le(buffer, value, 4);
}
void dfy_put_u64le(DfyBuffer *buffer, uint64_t value) {
    put_le(buffer, value, 8);
}
void dfy_put_f32le(DfyBuffer *buffer, float value) {
    put_le(buffer, bits_of_float(value), 4);
}

float dfy_half_to_float(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31, fraction = half & 1023u;
    if (exponent == 0) { /* zero and subnormal: fraction * 2^-24 */
        float value = (float)fraction * (1.0f / 16777216.0f);
        return sign ? -value : value;
    }
    if (exponent == 31) return dfy_float_of_bits(sign | 0x7F800000u | fraction << 13);
    return dfy_float_of_bits(sign | (exponent + 112) << 23 | fraction << 13);
}

uint16_t dfy_float_to_half(float value) {
    uint32_t bits = bits_of_float(value), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7FFFFFFF;
    if (magnitude > 0x7F800000u) return (uint16_t)(sign | 0x7E00);
    if (magnitude >= 0x47800000u) return (uint16_t)(sign | 0x7C00);
    uint32_t rounded;
    if (magnitude < 0x38800000u) { /* subnormal: the value's multiple of 2^-24, ties to even */
        if (magnitude < 0x33000000u) return (uint16_t)sign;
        uint32_t shift = 126 - (magnitude >> 23), fraction = (magnitude & 0x7FFFFF) | 0x800000;
        uint32_t half = 1u << (shift - 1), rest = fraction & ((1u << shift) - 1);
        rounded = fraction >> shift;
        rounded += rest > half || (rest == half && (rounded & 1));
    } else {
        uint32_t rest = magnitude & 0x1FFF;
        rounded = (magnitude - 0x38000000u) >> 13;
        rounded += rest > 0x1000 || (rest == 0x1000 && (rounded & 1));
    }
    return (uint16_t)(sign | rounded);
}
