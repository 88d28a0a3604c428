/*
 * Mutations that get past what is compressed or has checksums: a stream is inflated, changed inside and deflated again;
 * CRCs of PNG chunks and of stored zip entries are made right. All bytes of a file are changed as well, now and then,
 * so that the layer itself is not forgotten.
 */
#ifndef DFY_FUZZ_REPAIR_H
#define DFY_FUZZ_REPAIR_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);

enum { REPAIR_MOST = 1 << 17 };

static inline void repair_put_be(uint8_t *at, uint32_t value) {
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static inline uint32_t repair_be(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static inline uint32_t repair_le(const uint8_t *at) {
    return (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 | at[0];
}

/* Changes what is inside a deflated stream; bits: zlib's window bits (15 zlib, 31 gzip). Its new size, 0: it can't be
 * done. */
static inline size_t repair_deflated(uint8_t *data, size_t size, size_t most, int bits) {
    static uint8_t plain[REPAIR_MOST];
    z_stream z = {.next_in = data, .avail_in = (uInt)size, .next_out = plain, .avail_out = sizeof plain};
    if (inflateInit2(&z, bits)) return 0;
    int ended = inflate(&z, Z_FINISH);
    size_t inside = z.total_out;
    inflateEnd(&z);
    if ((ended != Z_STREAM_END && ended != Z_BUF_ERROR) || !inside) return 0;
    inside = LLVMFuzzerMutate(plain, inside, sizeof plain);
    z = (z_stream){.next_in = plain, .avail_in = (uInt)inside, .next_out = data, .avail_out = (uInt)most};
    if (deflateInit2(&z, 1, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY)) return 0;
    ended = deflate(&z, Z_FINISH);
    size_t made = z.total_out;
    deflateEnd(&z);
    return ended == Z_STREAM_END ? made : 0;
}

static inline void repair_png(uint8_t *data, size_t size) {
    for (size_t at = 8; at + 12 <= size;) {
        uint32_t length = repair_be(data + at);
        if (length > size - at - 12) return;
        repair_put_be(data + at + 8 + length, (uint32_t)crc32(0, data + at + 4, length + 4));
        at += 12 + (size_t)length;
    }
}

static inline void repair_zip(uint8_t *data, size_t size) {
    uint32_t crcs[64];
    size_t entries = 0, listed = 0;
    for (size_t at = 0; at + 46 <= size;) {
        size_t name = data[at + 26] | (size_t)data[at + 27] << 8, extra = data[at + 28] | (size_t)data[at + 29] << 8;
        if (!memcmp(data + at, "PK\3\4", 4) && entries < 64) {
            size_t length = repair_le(data + at + 18), from = at + 30 + name + extra;
            if (from > size || length > size - from) return;
            crcs[entries] = (uint32_t)crc32(0, data + from, (uInt)length);
            if (!data[at + 8]) /* stored */
                for (int i = 0; i < 4; i++) data[at + 14 + i] = (uint8_t)(crcs[entries] >> 8 * i);
            entries++;
            at = from + length;
        } else if (!memcmp(data + at, "PK\1\2", 4) && listed < entries) {
            if (!data[at + 10])
                for (int i = 0; i < 4; i++) data[at + 16 + i] = (uint8_t)(crcs[listed] >> 8 * i);
            listed++;
            at += 46;
        } else {
            at++;
        }
    }
}

/* Whatever kind of file it is. */
static inline size_t repair_mutate(uint8_t *data, size_t size, size_t most, unsigned seed) {
    if (size > 4 && data[0] == 0x1f && data[1] == 0x8b && seed % 4) {
        size_t made = repair_deflated(data, size, most, 31);
        if (made) return made;
    }
    size = LLVMFuzzerMutate(data, size, most);
    if (seed % 8 == 0) return size;
    if (size > 8 && !memcmp(data + 1, "PNG", 3)) repair_png(data, size);
    if (size > 4 && !memcmp(data, "PK\3\4", 4)) repair_zip(data, size);
    return size;
}

#endif
