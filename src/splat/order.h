/* The order of a model's splats, which codecs are free to change: what it takes to bring it back. */
#ifndef DFY_SPLAT_ORDER_H
#define DFY_SPLAT_ORDER_H

#include "base/bytes.h"

/* order[i], a permutation of 0..count-1, as bytes; 0 or DFY_ERROR_MEMORY. */
int dfy_order_write(const uint32_t *order, uint32_t count, DfyBuffer *buffer);
/* 0, DFY_ERROR_DAMAGED when the bytes are no such permutation, or DFY_ERROR_MEMORY. */
int dfy_order_read(uint32_t *order, uint32_t count, const uint8_t *data, size_t size_bytes);

#endif
