#include "splat/formats/zstd.h"

#include "diffy/diffy.h"

#ifndef DFY_WITHOUT_ZSTD
#include <zstd.h>
#endif

int dfy_unzstd(uint8_t *out, size_t size, const uint8_t *data, size_t data_size) {
#ifdef DFY_WITHOUT_ZSTD
    (void)out, (void)size, (void)data, (void)data_size;
    return DFY_ERROR_UNSUPPORTED;
#else
    size_t got = ZSTD_decompress(out, size, data, data_size);
    return !ZSTD_isError(got) && got == size ? DFY_OK : DFY_ERROR_DAMAGED;
#endif
}

int dfy_zstd(DfyBuffer *out, const uint8_t *data, size_t size, int level) {
#ifdef DFY_WITHOUT_ZSTD_ENCODER
    (void)out, (void)data, (void)size, (void)level;
    return DFY_ERROR_UNSUPPORTED;
#else
    static const uint8_t nothing = 0;
    size_t bound = ZSTD_compressBound(size);
    uint8_t *room = dfy_buffer_reserve(out, bound);
    if (!room) return DFY_ERROR_MEMORY;
    size_t got = ZSTD_compress(room, bound, data ? data : &nothing, size, level);
    if (ZSTD_isError(got)) return DFY_ERROR_MEMORY;
    out->size += got;
    return DFY_OK;
#endif
}
