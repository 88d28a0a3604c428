#include "video/encode/lookahead/pyramid.h"

#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"
#include "diffy/diffy.h"

/* One allocation, which dfy_frame_free frees. */
int dfy_pyramid_begin(DfyFrame *frame) {
    if (frame->pyramid) return DFY_OK;
    const DfyPlane *luma = &frame->plane[0];
    DfyPyramid shape = {.columns = luma->width / 8, .rows = luma->height / 8};
    shape.coarse_columns = (shape.columns + 3) / 4;
    shape.coarse_rows = (shape.rows + 3) / 4;
    size_t tiles = (size_t)frame->tile_columns * (size_t)frame->tile_rows,
           eighths = (size_t)shape.columns * (size_t)shape.rows,
           coarse = (size_t)shape.coarse_columns * (size_t)shape.coarse_rows;
    DfyPyramid *p = malloc(sizeof *p + tiles * sizeof *p->tiles + eighths + coarse);
    if (!p) return DFY_ERROR_MEMORY;
    *p = shape;
    p->tiles = (uint64_t *)(p + 1);
    p->eighths = (uint8_t *)(p->tiles + tiles);
    p->thirty_seconds = p->eighths + eighths;
    frame->pyramid = p;
    return DFY_OK;
}

/* ---------------------------------------------------------------- tiles */

/* A tile's luma: as wide as it is in the picture, less at the right and bottom. */
typedef struct Tile {
    const uint8_t *pixels;
    ptrdiff_t stride;
    int width, height;
} Tile;

static Tile tile_of(const DfyFrame *frame, int column, int row) {
    const DfyPlane *p = &frame->plane[0];
    return (Tile){p->pixels + (ptrdiff_t)row * 64 * p->stride + column * 64, p->stride,
                  dfy_min(64, p->width - column * 64), dfy_min(64, p->height - row * 64)};
}

static int is_same(const Tile *a, const Tile *b) {
    for (int y = 0; y < a->height; y++)
        if (memcmp(a->pixels + y * a->stride, b->pixels + y * b->stride, (size_t)a->width)) return 0;
    return 1;
}

/* FNV-1a's way of mixing, of eight pixels at a time. */
static uint64_t mix(uint64_t hash, uint64_t eight) {
    hash = (hash ^ eight) * 1099511628211u;
    return hash ^ hash >> 32;
}

static uint64_t eight_at(const uint8_t *pixels) {
    uint64_t eight;
    memcpy(&eight, pixels, sizeof eight);
    return eight;
}

/*
 * Means of the tile's 8x8 blocks, and its hash, in one reading. A block's rows are summed in pairs of bytes side by
 * side; of eight blocks beside each other each has a hash of its own, so that none waits for the one before.
 */
static uint64_t reduce(uint8_t *means, int columns, const Tile *tile) {
    const uint64_t even = 0x00ff00ff00ff00ffu;
    uint64_t hash[8] = {14695981039346656037u, 2, 3, 4, 5, 6, 7, 8};
    int across = tile->width / 8;
    for (int y = 0; y < tile->height; y += 8) {
        uint64_t sums[8] = {0}; /* four of 16 bits: at most 16 pixels each */
        for (int j = 0; j < 8; j++)
            for (int i = 0; i < across; i++) {
                uint64_t eight = eight_at(tile->pixels + (y + j) * tile->stride + 8 * i);
                sums[i] += (eight & even) + (eight >> 8 & even);
                hash[i] = mix(hash[i], eight);
            }
        for (int i = 0; i < across; i++)
            means[y / 8 * columns + i] = (uint8_t)((((sums[i] * 0x0001000100010001u) >> 48) + 32) >> 6);
    }
    for (int i = 1; i < 8; i++) hash[0] = mix(hash[0], hash[i]);
    return hash[0];
}

/* A tile of the frame before once more. */
static void take_over(DfyPyramid *p, const DfyPyramid *before, size_t first, int tile, const Tile *shape) {
    p->tiles[tile] = before->tiles[tile];
    for (int y = 0; y < shape->height / 8; y++) {
        size_t at = first + (size_t)y * (size_t)p->columns;
        memcpy(p->eighths + at, before->eighths + at, (size_t)shape->width / 8);
    }
}

/* ---------------------------------------------------------------- rows of them */

static uint8_t coarse_mean(const DfyPyramid *p, int x, int y) {
    int sum = 0, bottom = dfy_min(y + 4, p->rows), right = dfy_min(x + 4, p->columns);
    for (int j = y; j < bottom; j++)
        for (int i = x; i < right; i++) sum += p->eighths[j * p->columns + i];
    return (uint8_t)(sum / ((bottom - y) * (right - x)));
}

void dfy_pyramid_add_row(DfyFrame *frame, int row, const DfyFrame *before) {
    DfyPyramid *p = frame->pyramid;
    for (int column = 0; column < frame->tile_columns; column++) {
        Tile tile = tile_of(frame, column, row), other = {0};
        size_t first = (size_t)row * 8 * (size_t)p->columns + (size_t)column * 8;
        int index = row * frame->tile_columns + column;
        if (before) other = tile_of(before, column, row);
        if (before && is_same(&tile, &other))
            take_over(p, before->pyramid, first, index, &tile);
        else
            p->tiles[index] = reduce(p->eighths + first, p->columns, &tile);
    }
    for (int y = row * 2; y < dfy_min(row * 2 + 2, p->coarse_rows); y++)
        for (int x = 0; x < p->coarse_columns; x++)
            p->thirty_seconds[y * p->coarse_columns + x] = coarse_mean(p, x * 4, y * 4);
}

void dfy_pyramid_end(DfyFrame *frame) {
    DfyPyramid *p = frame->pyramid;
    uint64_t hash = 0;
    for (int i = 0; i < frame->tile_columns * frame->tile_rows; i++) hash = mix(hash, p->tiles[i]);
    p->hash = hash | 1;
}

int dfy_pyramid_make(DfyFrame *frame) {
    int status = dfy_pyramid_begin(frame);
    if (status) return status;
    for (int row = 0; row < frame->tile_rows; row++) dfy_pyramid_add_row(frame, row, NULL);
    dfy_pyramid_end(frame);
    return DFY_OK;
}

/* ---------------------------------------------------------------- comparing */

int dfy_same_source(const DfyFrame *a, const DfyFrame *b) {
    return a->pyramid->hash == b->pyramid->hash && dfy_frame_same(a, b);
}

uint64_t dfy_squared_differences(const uint8_t *a, const uint8_t *b, size_t count, int64_t *sum) {
    uint64_t squares = 0;
    *sum = 0;
    for (size_t from = 0; from < count; from += 4096) { /* so few that sums of 32 bits hold them */
        uint32_t part = 0;
        int32_t differences = 0;
        size_t end = from + 4096 < count ? from + 4096 : count;
        for (size_t i = from; i < end; i++) {
            int32_t d = a[i] - b[i];
            differences += d;
            part += (uint32_t)(d * d);
        }
        squares += part;
        *sum += differences;
    }
    return squares;
}
