/*
 * The 8x8 transform of version 1: the orthonormal DCT-II in single precision, and its quantisation tables.
 * Float, because the format is defined so; all readers agree within the rounding of the float sums.
 */
#ifndef DFY_V1_TRANSFORM_H
#define DFY_V1_TRANSFORM_H

#include <stdint.h>

typedef struct DfyV1Table {
    uint8_t step[3][64]; /* a channel, in raster order */
} DfyV1Table;

/* quality 1..100 */
void dfy_v1_table_init(DfyV1Table *table, int quality);

/* coefficient -> sample and back, raster order; in and out may not overlap */
void dfy_v1_inverse_dct(float out[64], const float in[64]);
void dfy_v1_forward_dct(float out[64], const float in[64]);

#endif
