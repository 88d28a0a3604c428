/* zstd, where it is built in. */
#ifndef DFY_SPLAT_ZSTD_H
#define DFY_SPLAT_ZSTD_H

#include "base/bytes.h"

/* The browser's builds have it where DFY_WITH_ZSTD says so; a player's build has the decoder alone. */
#if defined(__EMSCRIPTEN__) && !defined(DFY_WITH_ZSTD)
#define DFY_WITHOUT_ZSTD
#endif
#if defined(DFY_WITHOUT_ZSTD) || defined(DFY_SPLAT_DECODER_ONLY)
#define DFY_WITHOUT_ZSTD_ENCODER
#endif

/* Unpacks to exactly size bytes: 0, DFY_ERROR_DAMAGED, or DFY_ERROR_UNSUPPORTED in a build without zstd. */
int dfy_unzstd(uint8_t *out, size_t size, const uint8_t *data, size_t data_size);
/* Appends the packed bytes; 0, DFY_ERROR_MEMORY or DFY_ERROR_UNSUPPORTED. */
int dfy_zstd(DfyBuffer *out, const uint8_t *data, size_t size, int level);

#endif
