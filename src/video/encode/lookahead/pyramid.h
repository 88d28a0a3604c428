/*
 * What a source shows, reduced once, as it comes: whoever asks later what it shows, whether that was seen before or
 * whether a tile is what it was looks here. A tile that is the frame before's once more is neither reduced nor hashed
 * again.
 */
#ifndef DFY_VIDEO_PYRAMID_H
#define DFY_VIDEO_PYRAMID_H

#include "video/syntax/frame.h"

typedef struct DfyPyramid {
    int columns, rows;               /* of 8x8 blocks */
    int coarse_columns, coarse_rows; /* of 32x32 blocks, those at the right and bottom may be smaller */
    uint8_t *eighths;                /* means of 8x8 blocks of luma, row by row */
    uint8_t *thirty_seconds;         /* means of 4x4 of these, those at the edges of fewer; cut, not rounded */
    uint64_t *tiles;                 /* what the luma of each 64x64 tile hashes to, row by row */
    uint64_t hash;                   /* of them all; never 0 */
} DfyPyramid;

/* Gives a frame a pyramid of that size, to be filled, where it has none. 0 or DFY_ERROR_MEMORY. */
int dfy_pyramid_begin(DfyFrame *frame);
/* Reduces a row of tiles, whose luma is there. before: a frame of that size with a pyramid; NULL: none is known. */
void dfy_pyramid_add_row(DfyFrame *frame, int row, const DfyFrame *before);
/* All rows are there. */
void dfy_pyramid_end(DfyFrame *frame);
/* All of that for a frame that is there as a whole. 0 or DFY_ERROR_MEMORY. */
int dfy_pyramid_make(DfyFrame *frame);

/* Whether the luma of two sources is the same in the tile that the pixel lies in. */
static inline int dfy_same_tile(const DfyFrame *a, const DfyFrame *b, int x, int y) {
    int tile = y / 64 * a->tile_columns + x / 64;
    return a->pyramid->tiles[tile] == b->pyramid->tiles[tile];
}

/* Whether all pixels of two sources are the same. */
int dfy_same_source(const DfyFrame *a, const DfyFrame *b);

/* Sum of the squared differences of so many means, and in *sum of the differences. */
uint64_t dfy_squared_differences(const uint8_t *a, const uint8_t *b, size_t count, int64_t *sum);

#endif
