#include "video/encode/decide/lossless_search.h"

#include <stdlib.h>
#include <string.h>

/* A vector must save this much, in levels summed over a block, to be worth its bits. */
#define VECTOR_COST 12

typedef struct Search {
    const DfyFrame *source, *reference;
    int x, y, columns, rows; /* luma */
    uint32_t least;
    DfyLosslessBlock best;
} Search;

static uint32_t difference(const Search *s, int dx, int dy) {
    const DfyPlane *a = &s->source->plane[0], *b = &s->reference->plane[0];
    const uint8_t *p = a->pixels + s->y * a->stride + s->x, *q = b->pixels + (s->y + dy) * b->stride + s->x + dx;
    uint32_t sum = 0;
    for (int j = 0; j < s->rows && sum < s->least; j++, p += a->stride, q += b->stride)
        for (int i = 0; i < s->columns; i++) sum += (uint32_t)abs(p[i] - q[i]);
    return sum;
}

static void try_vector(Search *s, int dx, int dy) {
    if (abs(dx) > DFY_LOSSLESS_REACH || abs(dy) > DFY_LOSSLESS_REACH) return;
    uint32_t sum = difference(s, dx, dy) + (dx || dy ? VECTOR_COST : 0);
    if (sum >= s->least) return;
    s->least = sum;
    s->best = (DfyLosslessBlock){.dx = (int8_t)dx, .dy = (int8_t)dy};
}

/* Downhill from the best so far, with steps that halve. */
static void descend(Search *s, int step) {
    while (step) {
        DfyLosslessBlock from = s->best;
        for (int k = 0; k < 9; k++) try_vector(s, from.dx + (k % 3 - 1) * step, from.dy + (k / 3 - 1) * step);
        if (from.dx == s->best.dx && from.dy == s->best.dy) step /= 2;
    }
}

/* Whether the prediction is right to the last sample of all planes. */
static int is_exact(const Search *s, int width, int height) {
    uint8_t predicted[DFY_LOSSLESS_BLOCK * DFY_LOSSLESS_BLOCK];
    for (int plane = 0; plane < 3; plane++) {
        int shift = plane > 0, x = s->x >> shift, y = s->y >> shift, side = DFY_LOSSLESS_BLOCK >> shift;
        int columns = ((width + shift) >> shift) - x, rows = ((height + shift) >> shift) - y;
        columns = columns > side ? side : columns;
        rows = rows > side ? side : rows;
        const DfyPlane *p = &s->source->plane[plane];
        dfy_lossless_predict(s->reference, plane, x, y, columns, rows, &s->best, predicted, side);
        for (int j = 0; j < rows; j++)
            if (memcmp(predicted + j * side, p->pixels + (y + j) * p->stride + x, (size_t)columns)) return 0;
    }
    return 1;
}

void dfy_lossless_search(const DfyLossless *lossless, const DfyFrame *source, int width, int height, int effort,
                         DfyLosslessBlock *blocks) {
    int columns = dfy_lossless_columns(lossless), rows = dfy_lossless_rows(lossless);
    Search s = {.source = source, .reference = dfy_lossless_last(lossless)};
    for (int row = 0; row < rows; row++)
        for (int column = 0; column < columns; column++) {
            DfyLosslessBlock *block = &blocks[row * columns + column];
            s.x = column * DFY_LOSSLESS_BLOCK;
            s.y = row * DFY_LOSSLESS_BLOCK;
            s.columns = width - s.x < DFY_LOSSLESS_BLOCK ? width - s.x : DFY_LOSSLESS_BLOCK;
            s.rows = height - s.y < DFY_LOSSLESS_BLOCK ? height - s.y : DFY_LOSSLESS_BLOCK;
            s.least = UINT32_MAX;
            try_vector(&s, 0, 0);
            if (s.least) {
                if (column) try_vector(&s, block[-1].dx, block[-1].dy);
                if (row) try_vector(&s, block[-columns].dx, block[-columns].dy);
                descend(&s, effort < 3 ? 1 : effort < 7 ? 4 : 8);
            }
            s.best.skip = (uint8_t)is_exact(&s, width, height);
            *block = s.best;
        }
}
