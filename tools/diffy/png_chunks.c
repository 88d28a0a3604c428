#include "png_chunks.h"

#include <string.h>

const uint8_t *png_chunk(const uint8_t *data, size_t size, const char *type, size_t *chunk_size) {
    for (size_t at = 8; at + 12 <= size;) {
        size_t length = png_u32(data + at);
        if (length > size - at - 12) return NULL;
        if (!memcmp(data + at + 4, type, 4)) {
            *chunk_size = length;
            return data + at + 8;
        }
        if (!memcmp(data + at + 4, "IDAT", 4)) return NULL;
        at += length + 12;
    }
    return NULL;
}
