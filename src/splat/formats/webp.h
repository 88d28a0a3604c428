/* WebP images without loss, where libwebp is built in. */
#ifndef DFY_SPLAT_WEBP_H
#define DFY_SPLAT_WEBP_H

#include "base/bytes.h"

/* The browser's build has a decoder at most (DFY_WITH_WEBP). */
#ifdef __EMSCRIPTEN__
#define DFY_WITHOUT_WEBP_ENCODER
#ifndef DFY_WITH_WEBP
#define DFY_WITHOUT_WEBP
#endif
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
