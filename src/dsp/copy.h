/* Copies of blocks of pixels, whose rows are too short for a call of memcpy each. */
#ifndef DFY_DSP_COPY_H
#define DFY_DSP_COPY_H

#include <stddef.h>
#include <stdint.h>

/* They must not overlap. */
void dfy_copy_block(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src, ptrdiff_t src_stride, int width,
                    int height);

#endif
