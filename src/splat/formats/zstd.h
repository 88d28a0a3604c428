/* zstd, where it is built in. */
#ifndef DFY_SPLAT_ZSTD_H
#define DFY_SPLAT_ZSTD_H

#include "base/bytes.h"

/* The browser's build has a decoder at most (DFY_WITH_ZSTD). */
#ifdef __EMSCRIPTEN__
#define DFY_WITHOUT_ZSTD_ENCODER
#ifndef DFY_WITH_ZSTD
#define DFY_WITHOUT_ZSTD
#endif
#endif

/* Unpacks to exactly size bytes: 0, DFY_ERROR_DAMAGED, or DFY_ERROR_UNSUPPORTED in a build without zstd. */
int dfy_unzstd(uint8_t *out, size_t size, const uint8_t *data, size_t data_size);
/* Appends the packed bytes; 0, DFY_ERROR_MEMORY or DFY_ERROR_UNSUPPORTED. */
int dfy_zstd(DfyBuffer *out, const uint8_t *data, size_t size, int level);

#endif
