/* What the residual's writer and the encoder's quantiser must agree on: scan, neighbourhood, context classes. */
#ifndef DFY_VIDEO_RESIDUAL_H
#define DFY_VIDEO_RESIDUAL_H

#include <stdint.h>
#include <string.h>

/* Places in a 4x4 group along diagonals, low frequencies first: x, y. */
extern const uint8_t dfy_diagonal4[16][2];
/* The 4x4 groups of a transform in the same order. */
const uint8_t (*dfy_group_order(int log2))[2];
/* Unary group of a last position 0..31. */
extern const uint8_t dfy_last_group[32];

/* Magnitudes coded so far, with two columns and rows of zeros beyond the last. */
typedef struct DfyLevelMap {
    uint8_t level[34][36];
} DfyLevelMap;

static inline void dfy_level_map_clear(DfyLevelMap *map, int side) {
    for (int y = 0; y < side + 2; y++) memset(map->level[y], 0, (size_t)side + 2);
}

static inline void dfy_level_map_set(DfyLevelMap *map, int x, int y, int magnitude) {
    map->level[y][x] = (uint8_t)(magnitude > 100 ? 100 : magnitude);
}

typedef struct DfyTemplate {
    int sum, significant, beyond; /* of magnitudes; class of the significance flag; class of the greater flags */
} DfyTemplate;

static inline DfyTemplate dfy_template(const DfyLevelMap *map, int x, int y) {
    const uint8_t *row = map->level[y] + x, *below = map->level[y + 1] + x, *low = map->level[y + 2] + x;
    int a = row[1], b = row[2], c = below[0], d = below[1], e = low[0];
    int sum = a + b + c + d + e;
    int count = (a > 0) + (b > 0) + (c > 0) + (d > 0) + (e > 0);
    int beyond = sum - count;
    int half = (sum + 1) >> 1;
    return (DfyTemplate){sum, sum > 6 ? 4 : half > 3 ? 3 : half, beyond > 4 ? 4 : beyond};
}

/* By the diagonal x + y of a coefficient. */
static inline int dfy_significant_class(int diagonal) {
    return diagonal < 2 ? 0 : diagonal < 5 ? 1 : 2;
}
static inline int dfy_diagonal_class(int diagonal) {
    return diagonal == 0 ? 0 : diagonal < 3 ? 1 : diagonal < 10 ? 2 : 3;
}

static inline int dfy_group_any(const int16_t *levels, int side, int gx, int gy) {
    const int16_t *group = levels + gy * 4 * side + gx * 4;
    for (int y = 0; y < 4; y++, group += side)
        if (group[0] | group[1] | group[2] | group[3]) return 1;
    return 0;
}

/* The last coefficient that is not zero, along the coding order; there must be one. */
static inline void dfy_find_last(const int16_t *levels, int log2, int *last_group, int *last_place) {
    int side = 1 << log2, g = (side >> 2) * (side >> 2) - 1;
    const uint8_t(*order)[2] = dfy_group_order(log2);
    while (g > 0 && !dfy_group_any(levels, side, order[g][0], order[g][1])) g--;
    const int16_t *group = levels + order[g][1] * 4 * side + order[g][0] * 4;
    int place = 15;
    while (place > 0 && !group[dfy_diagonal4[place][1] * side + dfy_diagonal4[place][0]]) place--;
    *last_group = g;
    *last_place = place;
}

#endif
