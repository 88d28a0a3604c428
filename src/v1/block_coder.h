/*
 * Codes one block of a residual against a reference, and corrects the reference to what every reader will decode.
 *
 * The format leaves one freedom to an encoder: which quantised coefficients to send. They are chosen by rate
 * and distortion, the three channels of a coefficient together, with the error measured in luma and chroma,
 * because the format's channels are R, G and B and an eye's are not.
 */
#ifndef DFY_V1_BLOCK_CODER_H
#define DFY_V1_BLOCK_CODER_H

#include "dsp/rgb_kernels.h"
#include "v1/residual.h"

typedef struct DfyV1BlockCoder {
    DfyV1Space space; /* DFY_V1_SPACE_RGB or DFY_V1_SPACE_YCC_BGR */
    DfyV1Table table;
    float step[3][64];   /* the table's */
    DfyLevelCosts costs; /* weights of an error in R, G and B, see init_weights; what a bit is worth */
    float skip_error;    /* a block whose squared error is below this is left as it is */
    const DfyRgbKernels *kernels;
    uint32_t (*sse)(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride, int width, int height);
} DfyV1BlockCoder;

/* A block in two RGB pictures; columns and rows of it that are inside them. */
typedef struct DfyV1Block {
    const uint8_t *source;
    uint8_t *decoded; /* the reference, which coding corrects */
    ptrdiff_t source_stride, decoded_stride;
    int columns, rows;
} DfyV1Block;

/* The coefficients that are sent, in raster order. */
typedef struct DfyV1Levels {
    int count;
    uint8_t at[64];
    int16_t level[64][3]; /* some of the three may be zero */
} DfyV1Levels;

void dfy_v1_block_coder_init(DfyV1BlockCoder *coder, int quality, DfyV1Space space);

/* Squared error of all samples. */
uint32_t dfy_v1_block_error(const DfyV1BlockCoder *coder, const DfyV1Block *block);

/* Returns whether the block is worth sending; only then levels and the decoded pixels change. */
int dfy_v1_code_block(const DfyV1BlockCoder *coder, DfyV1Levels *levels, const DfyV1Block *block);
/* The same with a word of the codebook for every channel; word 0 is nothing. */
int dfy_v1_code_block_vq(const DfyV1BlockCoder *coder, uint8_t word[3], const DfyV1Block *block,
                         const DfyV1Codebook *codebook);

#endif
