/* WebP images without loss, where libwebp is built in. */
#ifndef DFY_SPLAT_WEBP_H
#define DFY_SPLAT_WEBP_H

#include "base/bytes.h"

/* The browser's builds have it where DFY_WITH_WEBP says so. */
#if defined(__EMSCRIPTEN__) && !defined(DFY_WITH_WEBP)
#define DFY_WITHOUT_WEBP
#endif

typedef struct DfyImage {
    uint8_t *rgba; /* owned */
    uint32_t width, height;
} DfyImage;

/* An image of more than `most` pixels is refused. 0, DFY_ERROR_DAMAGED, DFY_ERROR_MEMORY, or DFY_ERROR_UNSUPPORTED in a
 * build without libwebp. */
int dfy_webp_read(DfyImage *image, const uint8_t *data, size_t size_bytes, uint64_t most);
int dfy_webp_write(const DfyImage *image, DfyBuffer *buffer);

#endif
