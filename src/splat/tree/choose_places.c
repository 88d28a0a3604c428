/*
 * tree-range, encoder: positions. A tree says which coarse cell a splat is in, and is worth its while as long as cells
 * hold several splats or their neighbours tell something. Below that every bit of a position is noise: those bits,
 * the tail, are numbers of a trellis, which leaves a smaller error than rounding does.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "splat/tree/choose_parts.h"

enum {
    MOST_TAIL = 7,
    FEW_OUTSIDE = 32, /* added splats, or one of so many, that may be outside the grid without a key frame */
    DIGIT = 11,       /* bits that sorting looks at together */
    DIGITS = (1 << DIGIT) - 1
};
/* So many of the coarse cells that are not empty hold one splat, or the tail is shorter. */
#define ALONE 0.9
/*
 * What the trellis leaves of a step, on all three axes, hardly depends on the data, but on how long tails are: times
 * the wanted error.
 */
static const double usual_step[MOST_TAIL + 1] = {1.976, 1.7907, 1.9185, 1.972, 1.9995, 2.0125, 2.0195, 2.0215};

typedef struct KeyOf {
    uint64_t key;
    uint32_t splat;
} KeyOf;

/*
 * Sorts by key, digit by digit from the lowest; pairs of the same key stay in their order. Room holds as many.
 */
static void sort_pairs(KeyOf *pairs, KeyOf *room, size_t count, int bits) {
    KeyOf *from = pairs, *to = room;
    for (int shift = 0; shift < bits; shift += DIGIT) {
        size_t starts[(1 << DIGIT) + 1] = {0};
        for (size_t i = 0; i < count; i++) starts[(from[i].key >> shift & DIGITS) + 1]++;
        for (size_t d = 0; d < 1 << DIGIT; d++) starts[d + 1] += starts[d];
        for (size_t i = 0; i < count; i++) to[starts[from[i].key >> shift & DIGITS]++] = from[i];
        KeyOf *swap = from;
        from = to;
        to = swap;
    }
    if (from != pairs && count) memcpy(pairs, from, count * sizeof *pairs);
}

/* ---------------------------------------------------------------- the grid */

static void set_step(DfyTreeGrid *g, const DfyTreeHull *hull, double step, int tail) {
    double largest = 0;
    for (int k = 0; k < 3; k++) largest = fmax(largest, (double)hull->xyz[1][k] - hull->xyz[0][k]);
    double finest = largest / (1 << (DFY_PLACE_BITS + 1)) * 1.01; /* numbers have no more bits */
    g->step = (float)fmax(step, fmax(finest * 7 / 4, 1e-9));
    for (int k = 0; k < 3; k++) {
        g->origin[k] = hull->xyz[0][k];
        uint32_t last = (uint32_t)(((double)hull->xyz[1][k] - g->origin[k]) / dfy_tree_place_step(g->step) / 2 + 0.5);
        int bits = 0;
        while (last >> bits) bits++;
        g->tail_bits[k] = bits < tail ? bits : tail;
        g->place_bits[k] = bits - g->tail_bits[k];
    }
}

/* So far a coordinate may be from the origin, in wanted errors, for its numbers to have bits enough. */
#define FARTHEST 4e6

static int by_coordinate(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/*
 * Narrows the hull to where most splats are, where it is too wide for the numbers there are: the few outside of it are
 * put at its edge, and kept exactly by whoever checks the errors. room holds a number a splat.
 */
static void narrow(DfyTreeHull *hull, const DfySplats *s, double wanted, float *room) {
    double width = FARTHEST * wanted;
    for (int k = 0; k < 3; k++) {
        if (!(wanted > 0) || (double)hull->xyz[1][k] - hull->xyz[0][k] <= width) continue;
        size_t best = 0, best_end = 0;
        for (size_t i = 0; i < s->count; i++) room[i] = s->xyz[i * 3 + (size_t)k];
        qsort(room, s->count, sizeof *room, by_coordinate);
        for (size_t i = 0, end = 0; i < s->count; i++) {
            while (end < s->count && (double)room[end] - room[i] <= width) end++;
            if (end - i <= best_end - best) continue;
            best = i;
            best_end = end;
        }
        if (best_end == best) continue;
        hull->xyz[0][k] = room[best];
        hull->xyz[1][k] = room[best_end - 1];
    }
}

/* A coordinate in multiples from the origin. */
static double multiples(const DfyTreeGrid *g, const float *xyz, int k) {
    return ((double)xyz[k] - g->origin[k]) / dfy_tree_place_step(g->step);
}

static double last_multiple(const DfyTreeGrid *g, int k) {
    return (double)((int64_t)2 << (g->place_bits[k] + g->tail_bits[k])) - 1.001;
}

static int is_outside(const DfyTreeGrid *g, const float *xyz) {
    int outside = 0;
    for (int k = 0; k < 3; k++) {
        double at = multiples(g, xyz, k);
        outside |= !(at >= -1 && at <= last_multiple(g, k) + 1);
    }
    return outside;
}

/* The coarse cell of a coordinate, the nearest there is, and where in it, in multiples. */
static double cell_of(const DfyTreeGrid *g, const float *xyz, int k, int64_t *cell) {
    double at = fmin(fmax(multiples(g, xyz, k), 0), last_multiple(g, k));
    double width = (double)(2 << g->tail_bits[k]);
    double found = floor((at + (g->tail_bits[k] ? 0.5 : 1)) / width);
    *cell = (int64_t)found;
    return at - found * width;
}

/* Keys of cells by the bytes of their coordinates. */
typedef struct KeyTable {
    uint64_t of[3][(DFY_PLACE_BITS + 7) / 8][256];
} KeyTable;

static void fill_keys(KeyTable *table, const DfyTreeGrid *g, const uint8_t *axes, int levels) {
    for (int k = 0; k < 3; k++)
        for (int byte = 0; byte * 8 < DFY_PLACE_BITS; byte++) {
            uint64_t *of = table->of[k][byte];
            of[0] = 0;
            for (uint32_t v = 1; v < 256; v++) {
                uint32_t place[3] = {0}, lowest = v & (0 - v);
                place[k] = lowest << (8 * byte);
                of[v] = v == lowest ? dfy_place_key(axes, levels, g->place_bits, place) : of[v ^ lowest] | of[lowest];
            }
        }
}

static uint64_t key_of(const DfyTreeGrid *g, const KeyTable *table, const float *xyz) {
    uint64_t key = 0;
    for (int k = 0; k < 3; k++) {
        int64_t cell;
        cell_of(g, xyz, k, &cell);
        for (int byte = 0; byte * 8 < g->place_bits[k]; byte++)
            key |= table->of[k][byte][(uint32_t)cell >> (8 * byte) & 255];
    }
    return key;
}

/* Sorts splats into the order they are coded in. Behind the pairs there is room for as many. */
static void sort_by_key(const DfyTreeGrid *g, const DfySplats *s, KeyOf *pairs, size_t count) {
    uint8_t axes[3 * DFY_PLACE_BITS];
    int levels = dfy_place_axes(g->place_bits, axes);
    KeyTable table;
    fill_keys(&table, g, axes, levels);
    for (size_t i = 0; i < count; i++) pairs[i].key = key_of(g, &table, s->xyz + (size_t)pairs[i].splat * 3);
    sort_pairs(pairs, pairs + count, count, levels);
}

/* ---------------------------------------------------------------- tails */

/* Every stride-th splat's tail; returns the mean squared distance in multiples, or a negative number without memory. */
static double quantise_tails(const DfyTreeGrid *g, const DfySplats *s, const KeyOf *pairs, size_t count, size_t stride,
                             float *rows, int32_t *values) {
    int columns = 0;
    int32_t limits[3];
    double rounded = 0;
    size_t at = 0;
    for (int k = 0; k < 3; k++)
        if (g->tail_bits[k]) limits[columns++] = 1 << g->tail_bits[k];
    for (size_t i = 0; i < count; i += stride)
        for (int k = 0; k < 3; k++) {
            int64_t cell;
            double in_cell = cell_of(g, s->xyz + (size_t)pairs[i].splat * 3, k, &cell);
            if (g->tail_bits[k])
                rows[at++] = (float)in_cell;
            else
                rounded += in_cell * in_cell;
        }
    size_t used = (count + stride - 1) / stride;
    rounded /= (double)(used ? used : 1);
    if (!columns) return rounded;
    DfyTrellis trellis = {.parts = rows, .rows = used, .n = columns, .limits = limits};
    double mean = dfy_trellis_quantise(values, &trellis, 1, 1);
    return mean < 0 ? mean : mean * columns + rounded;
}

/* The longest tail whose coarse cells nearly all hold one splat; pairs are sorted on a grid without tails. */
static int choose_tail(const DfyTreeGrid *g, const KeyOf *pairs, size_t count) {
    int tail = 0, least = DFY_PLACE_BITS;
    for (int k = 0; k < 3; k++)
        if (g->place_bits[k] && g->place_bits[k] < least) least = g->place_bits[k];
    while (tail < MOST_TAIL && tail < least) {
        size_t cells = 0;
        int shift = 0;
        for (int k = 0; k < 3; k++) shift += g->place_bits[k] ? tail + 1 : 0;
        for (size_t i = 0; i < count; i++) cells += !i || pairs[i].key >> shift != pairs[i - 1].key >> shift;
        if ((double)cells < ALONE * (double)count) break;
        tail++;
    }
    return tail;
}

static void set_tails(DfyTreeIndex *indices, const DfyTreeGrid *g, const int32_t *values, size_t count) {
    for (size_t i = 0, at = 0; i < count; i++)
        for (int k = 0; k < 3; k++) indices[i].tail[k] = g->tail_bits[k] ? values[at++] : 0;
}

int dfy_tree_choose_places(DfyTreeChoice *choice, DfyTreeGrid *g, const DfySplats *s, const DfyTreeHull *whole,
                           double wanted, float *work, int32_t *values) {
    size_t count = s->count;
    DfyTreeHull narrowed = *whole;
    const DfyTreeHull *hull = &narrowed;
    narrow(&narrowed, s, wanted, work);
    KeyOf *pairs = malloc((count ? count : 1) * 2 * sizeof *pairs);
    int status = pairs ? DFY_OK : DFY_ERROR_MEMORY;
    for (size_t i = 0; !status && i < count; i++) pairs[i].splat = (uint32_t)i;
    set_step(g, hull, 2 * wanted, 0);
    if (!status) sort_by_key(g, s, pairs, count);
    int tail = status ? 0 : choose_tail(g, pairs, count);
    const DfyTreeHaste *haste = dfy_tree_haste(choice->effort);
    DfyTreeSearch search = {.step = haste ? usual_step[tail] * wanted : 2 * wanted,
                            .power = 1,
                            .stride = haste ? 1 : count / DFY_TREE_SAMPLE_ROWS + 1,
                            .haste = haste};
    for (int go_on = !status; go_on;) {
        set_step(g, hull, search.step, tail);
        if (search.stride == 1) sort_by_key(g, s, pairs, count);
        double mean = quantise_tails(g, s, pairs, count, search.stride, work, values);
        if (mean < 0) status = DFY_ERROR_MEMORY;
        double error = sqrt(fmax(mean, 0)) * dfy_tree_place_step(g->step);
        go_on = !status && (search.step >= (double)g->step * 0.999 || search.stride > 1) &&
                dfy_tree_search_on(&search, wanted > 0 ? error / wanted : 0);
    }
    for (size_t i = 0; !status && i < count; i++) {
        choice->keys[i] = pairs[i].key;
        choice->order[i] = pairs[i].splat;
    }
    if (!status) set_tails(choice->indices, g, values, count);
    free(pairs);
    return status;
}

int dfy_tree_place_splats(const DfyTreeGrid *g, const DfySplats *s, uint32_t *splats, uint32_t count, uint64_t *keys,
                          DfyTreeIndex *indices) {
    KeyOf *pairs = malloc((count ? count : 1) * 2 * sizeof *pairs);
    float *rows = malloc((count ? count : 1) * 3 * sizeof *rows);
    int32_t *values = malloc((count ? count : 1) * 3 * sizeof *values);
    int good = pairs && rows && values ? 1 : -1;
    uint32_t outside = 0;
    for (uint32_t i = 0; i < count; i++) outside += (uint32_t)is_outside(g, s->xyz + (size_t)splats[i] * 3);
    if (good > 0 && outside > FEW_OUTSIDE && outside > count / FEW_OUTSIDE) good = 0;
    for (uint32_t i = 0; good > 0 && i < count; i++) pairs[i].splat = splats[i];
    if (good > 0) sort_by_key(g, s, pairs, count);
    if (good > 0 && quantise_tails(g, s, pairs, count, 1, rows, values) < 0) good = -1;
    for (uint32_t i = 0; good > 0 && i < count; i++) {
        keys[i] = pairs[i].key;
        splats[i] = pairs[i].splat;
    }
    if (good > 0) set_tails(indices, g, values, count);
    free(pairs);
    free(rows);
    free(values);
    return good;
}
