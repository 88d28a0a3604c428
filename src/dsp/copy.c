#include "dsp/copy.h"

#include <string.h>

/* With a width known where it is compiled, a row is a few loads and stores. */
static inline void copy_rows(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src, ptrdiff_t src_stride, size_t width,
                             int height) {
    for (int y = 0; y < height; y++, dst += dst_stride, src += src_stride) memcpy(dst, src, width);
}

void dfy_copy_block(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src, ptrdiff_t src_stride, int width,
                    int height) {
    switch (width) {
    case 4: copy_rows(dst, dst_stride, src, src_stride, 4, height); break;
    case 8: copy_rows(dst, dst_stride, src, src_stride, 8, height); break;
    case 16: copy_rows(dst, dst_stride, src, src_stride, 16, height); break;
    case 32: copy_rows(dst, dst_stride, src, src_stride, 32, height); break;
    case 64: copy_rows(dst, dst_stride, src, src_stride, 64, height); break;
    default: copy_rows(dst, dst_stride, src, src_stride, (size_t)width, height); break;
    }
}
