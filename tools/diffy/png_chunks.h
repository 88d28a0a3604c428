/* What a PNG says before its pixels: chunks of a length, a type and data. */
#ifndef DIFFY_PNG_CHUNKS_H
#define DIFFY_PNG_CHUNKS_H

#include <stddef.h>
#include <stdint.h>

/* A number of four bytes, the highest first. */
static inline uint32_t png_u32(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* The data of the first such chunk before the pixels, NULL when there is none. */
const uint8_t *png_chunk(const uint8_t *data, size_t size, const char *type, size_t *chunk_size);

#endif
