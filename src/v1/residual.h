/*
 * One picture's residual as version 1 stores it: 8x8 DCT coefficients of three channels, quantised, run-length
 * coded as (i16 value, u8 run) triplets, deflated; or, vector-quantised, one codebook index a block.
 *
 * A residual is added straight to the picture it corrects, one row of blocks at a time as it is inflated, so
 * that nothing but that row is ever held, however large the stream claims to be.
 */
#ifndef DFY_V1_RESIDUAL_H
#define DFY_V1_RESIDUAL_H

#include <zlib.h>

#include "base/bytes.h"
#include "base/status.h"
#include "v1/transform.h"

/* How channels of a residual become those of the picture; it depends on the producer. */
typedef enum DfyV1Space {
    DFY_V1_SPACE_RGB,       /* as they are, truncated toward zero */
    DFY_V1_SPACE_YCC_BGR,   /* the Python library's YCbCr, which takes channel 0 for blue; truncated */
    DFY_V1_SPACE_YCC_ROUND, /* the web page's YCbCr, rounded */
} DfyV1Space;

typedef struct DfyV1Box {
    int y, x, height, width;
} DfyV1Box;

typedef struct DfyV1Codebook {
    uint32_t words;
    float (*word)[64];
} DfyV1Codebook;

/* A payload taken apart; stream points into it. */
typedef struct DfyV1Residual {
    DfyV1Box box;
    int quality;
    int vq;
    const uint8_t *stream;
    size_t stream_bytes;
} DfyV1Residual;

typedef enum DfyV1Boxed { DFY_V1_PLAIN, DFY_V1_BOXED, DFY_V1_EITHER } DfyV1Boxed;

/* What applying needs between pictures. Zero-initialise; free at the end. */
typedef struct DfyV1ResidualDecoder {
    z_stream zlib;
    int zlib_ready;
    int16_t *band; /* one row of blocks: [block][channel][64] */
    uint8_t *used; /* a block's channels that aren't all zero, as bits */
    size_t band_blocks;
    int table_quality;
    DfyV1Table table;
} DfyV1ResidualDecoder;

/* 0 or DFY_ERROR_DAMAGED; DFY_V1_EITHER tells boxed and plain apart by the format's test. */
int dfy_v1_residual_parse(DfyV1Residual *residual, const uint8_t *payload, size_t size, int width, int height,
                          DfyV1Boxed boxed);
int dfy_v1_residual_parse_vq(DfyV1Residual *residual, const uint8_t *payload, size_t size, int width, int height,
                             DfyV1Boxed boxed);

/* Adds the residual to an RGB picture. DFY_ERROR_DAMAGED leaves the picture partly changed. */
int dfy_v1_residual_add(DfyV1ResidualDecoder *decoder, DfyPicture *picture, const DfyV1Residual *residual,
                        DfyV1Space space, const DfyV1Codebook *codebook);
void dfy_v1_residual_decoder_free(DfyV1ResidualDecoder *decoder);

/* The three channels' samples of one block, added to the picture at (x, y) and clipped at width x height. */
void dfy_v1_add_block(DfyPicture *picture, const float sample[3][64], int x, int y, int width, int height,
                      DfyV1Space space);

#endif
