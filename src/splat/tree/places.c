/*
 * Positions: space is halved again and again, along the axis that has most bits left, and for each cell that holds
 * n points only the number in its lower half is coded. So n! orders of the points cost nothing (12 bits a splat for
 * 12,000 splats), and where a surface runs, the halves of the neighbours that are already known tell which half of
 * this cell it passes through. The tree is walked level by level, so that neighbours are known on all sides.
 */
#include "splat/tree/places.h"

#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"
#include "diffy/diffy.h"

enum { SPARSE = 128 }; /* cells are sparse when all but one in so many are a point's own */

enum { NONE = 0 }; /* no cell: it is empty, as are its halves */

typedef struct Cell {
    uint32_t start, count; /* of the keys in it */
    uint32_t lower;        /* how many are in the lower half, once coded */
    uint32_t beside[3][2]; /* the cells before and after it along each axis */
    uint32_t child[2];     /* its halves among the next level's cells */
} Cell;

typedef struct Walk {
    Cell *cells, *next; /* from the second on: the first is no cell; and room for one behind */
    uint32_t cell_count;
    int sparse; /* nearly every cell holds one point: neighbours are too far to tell anything */
} Walk;

int dfy_place_axes(const int bits[3], uint8_t axes[3 * DFY_PLACE_BITS]) {
    int left[3] = {bits[0], bits[1], bits[2]}, levels = 0;
    while (left[0] || left[1] || left[2]) {
        int axis = 0;
        for (int i = 1; i < 3; i++)
            if (left[i] > left[axis]) axis = i;
        left[axis]--;
        axes[levels++] = (uint8_t)axis;
    }
    return levels;
}

uint64_t dfy_place_key(const uint8_t *axes, int levels, const int bits[3], const uint32_t place[3]) {
    int left[3] = {bits[0], bits[1], bits[2]};
    uint64_t key = 0;
    for (int i = 0; i < levels; i++) key = key << 1 | (place[axes[i]] >> --left[axes[i]] & 1);
    return key;
}

void dfy_place_of_key(const uint8_t *axes, int levels, uint64_t key, uint32_t place[3]) {
    place[0] = place[1] = place[2] = 0;
    for (int i = 0; i < levels; i++) {
        uint32_t *p = &place[axes[i]];
        *p = *p << 1 | (uint32_t)(key >> (levels - 1 - i) & 1);
    }
}

/* ---------------------------------------------------------------- neighbours */

/* 0 none, 1 few, 2 as many as here, 3 more: counts seen from a cell of n points. */
static inline uint32_t density(uint32_t count, uint32_t n) {
    return (uint32_t)(count > 0) + (count * 2 > n) + (count > n * 2);
}

static inline uint32_t points(const Walk *walk, uint32_t cell) {
    return walk->cells[cell].count;
}

static inline uint32_t points_below(const Walk *walk, uint32_t cell) {
    return walk->cells[cell].lower;
}

/* What the neighbours say on where in the cell the points are. */
static int gather(const Walk *walk, uint32_t index, int axis, int level, uint32_t hash[DFY_MIX_LANES]) {
    const Cell *cell = &walk->cells[index];
    uint32_t n = cell->count, size = dfy_min_count(n, 6), before = cell->beside[axis][0];
    uint32_t whole_before = density(points(walk, before), n);
    uint32_t near_before = density(points(walk, before) - points_below(walk, before), n);
    uint32_t whole_after = density(points(walk, cell->beside[axis][1]), n);
    uint32_t lateral = 0, lateral_counts = 0;
    uint32_t lower = 0, upper = 0;
    for (int other = 0; other < 3; other++) {
        if (other == axis) continue;
        uint32_t known = cell->beside[other][0], unknown = cell->beside[other][1];
        uint32_t low = points_below(walk, known), high = points(walk, known) - low;
        lower += low;
        upper += high;
        lateral = lateral * 9 + ((uint32_t)(low > 0) + (low > high)) * 3 + (high > 0) + (high > low);
        lateral_counts = lateral_counts * 4 + density(points(walk, unknown), n);
    }
    uint32_t sides = (near_before * 4 + whole_before) * 4 + whole_after;
    uint32_t balance = lower > upper * 2 ? 2 : upper > lower * 2 ? 1 : lower ? 3 : 0;
    hash[0] = dfy_mix_hash(1u << 8 | (uint32_t)level, size);
    hash[1] = dfy_mix_hash(2u << 8 | size, sides);
    hash[2] = dfy_mix_hash(3u << 8 | size, lateral);
    hash[3] = dfy_mix_hash(4u << 8 | size, (sides << 4 | lateral_counts) << 2 | balance);
    return 4;
}

/* ---------------------------------------------------------------- the tree */

static int code_flag(DfyMixer *mixer, const uint32_t *base, int count, int set, uint32_t step, int bit) {
    uint32_t hash[DFY_MIX_LANES];
    for (int i = 0; i < count; i++) hash[i] = (base[i] & ~7u) | step;
    return dfy_mix_bit(mixer, hash, count, set, bit);
}

/* The number of n points in the lower half. */
static uint32_t code_lower(DfyMixer *mixer, const Walk *walk, uint32_t index, int axis, int level, uint32_t lower) {
    uint32_t hash[DFY_MIX_LANES], n = walk->cells[index].count;
    if (n == 1 && walk->sparse) return (uint32_t)!dfy_code_with(mixer->coder, 32768, lower == 0);
    int count = gather(walk, index, axis, level, hash), set = n == 1 ? 0 : n < 4 ? 4 : 8;
    if (code_flag(mixer, hash, count, set, 0, lower == 0)) return 0;
    if (n == 1) return 1;
    if (code_flag(mixer, hash, count, set + 1, 1, lower == n)) return n;
    uint32_t low = 1, size = n - 1; /* lower is in low .. low + size - 1 */
    for (int step = 2; size > 1; step++) {
        uint32_t half = size / 2;
        int upper = step < 6 ? code_flag(mixer, hash, count, set + 2, (uint32_t)step, lower >= low + half)
                             : dfy_code_with(mixer->coder, 32768, lower >= low + half);
        low += upper ? half : 0;
        size = upper ? size - half : half;
    }
    return low;
}

static uint32_t count_lower(const uint64_t *keys, const Cell *cell, int bit) {
    uint32_t low = 0, high = cell->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (keys[cell->start + middle] >> bit & 1)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Without branches, as no processor guesses which halves are empty. */
static void add_children(Walk *walk, Cell *cell, uint32_t *children) {
    uint32_t count[2] = {cell->lower, cell->count - cell->lower}, start = cell->start;
    for (int half = 0; half < 2; half++) {
        uint32_t any = count[half] > 0;
        cell->child[half] = *children & (0 - any);
        walk->next[*children] = (Cell){.start = start, .count = count[half]};
        *children += any;
        start += count[half];
    }
}

static uint32_t child_of(const Walk *walk, uint32_t cell, int half) {
    return walk->cells[cell].child[half];
}

/* A child's neighbours are its parent's neighbours' children, but for its sibling. */
static void find_neighbours(const Walk *walk, const Cell *cell, int axis) {
    for (int half = 0; half < 2; half++) {
        if (cell->child[half] == NONE) continue;
        Cell *child = &walk->next[cell->child[half]];
        for (int other = 0; other < 3; other++)
            for (int side = 0; side < 2; side++)
                child->beside[other][side] = child_of(walk, cell->beside[other][side], other == axis ? !side : half);
        child->beside[axis][!half] = cell->child[!half];
    }
}

static void no_neighbours(Cell *cell) {
    for (int axis = 0; axis < 3; axis++) cell->beside[axis][0] = cell->beside[axis][1] = NONE;
}

static void code_level(DfyMixer *mixer, Walk *walk, int axis, int level, int bit, uint64_t *keys) {
    int encoding = mixer->coder->mode;
    uint32_t children = 1;
    for (uint32_t i = 1; i <= walk->cell_count; i++) {
        Cell *cell = &walk->cells[i];
        if (walk->sparse) no_neighbours(cell);
        uint32_t lower = encoding ? count_lower(keys, cell, bit) : 0;
        cell->lower = code_lower(mixer, walk, i, axis, level, lower);
    }
    for (uint32_t i = 1; i <= walk->cell_count; i++) {
        Cell *cell = &walk->cells[i];
        for (uint32_t k = encoding ? cell->count : cell->lower; k < cell->count; k++)
            keys[cell->start + k] |= (uint64_t)1 << bit;
        add_children(walk, cell, &children);
    }
    for (uint32_t i = 1; i <= walk->cell_count && !walk->sparse; i++) find_neighbours(walk, &walk->cells[i], axis);
    Cell *swap = walk->cells;
    walk->cells = walk->next;
    walk->next = swap;
    walk->cell_count = children - 1;
}

int dfy_code_places(DfyMixer *mixer, const int bits[3], uint32_t count, uint64_t *keys) {
    uint8_t axes[3 * DFY_PLACE_BITS];
    int levels = dfy_place_axes(bits, axes);
    Walk walk = {.cell_count = 1};
    walk.cells = malloc(((size_t)count + 2) * sizeof *walk.cells);
    walk.next = malloc(((size_t)count + 2) * sizeof *walk.next);
    int status = walk.cells && walk.next ? DFY_OK : DFY_ERROR_MEMORY;
    if (!status) {
        walk.cells[NONE] = walk.next[NONE] = (Cell){0};
        walk.cells[1] = (Cell){.count = count};
        no_neighbours(&walk.cells[1]);
        if (!mixer->coder->mode) memset(keys, 0, count * sizeof *keys);
        for (int level = 0; level < levels; level++) {
            walk.sparse = walk.cell_count > count - count / SPARSE;
            code_level(mixer, &walk, axes[level], level, levels - 1 - level, keys);
        }
    }
    free(walk.cells);
    free(walk.next);
    return status;
}
