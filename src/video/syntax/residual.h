/* What the residual's writer and the encoder's quantiser must agree on: scan, neighbourhood, context classes. */
#ifndef DFY_VIDEO_RESIDUAL_H
#define DFY_VIDEO_RESIDUAL_H

#include <stdint.h>
#include <string.h>

/* Places in a 4x4 group along diagonals, low frequencies first: x, y. */
extern const uint8_t dfy_diagonal4[16][2];
/* The other way round: the place of y, x. */
extern const uint8_t dfy_place4[4][4];
/* The 4x4 groups of a transform in the same order. */
const uint8_t (*dfy_group_order(int log2))[2];
/* Unary group of a last position 0..31. */
extern const uint8_t dfy_last_group[32];

/*
 * Magnitudes coded so far, with two columns and rows of zeros beyond the last: each with DFY_LEVEL_COUNT more unless it
 * is zero, so that a sum of them tells how many there are, too.
 */
#define DFY_LEVEL_STRIDE 36
#define DFY_LEVEL_COUNT (1 << 12)
typedef struct DfyLevelMap {
    uint16_t level[34 * DFY_LEVEL_STRIDE];
} DfyLevelMap;

static inline void dfy_level_map_clear(DfyLevelMap *map, int side) {
    for (int y = 0; y < side + 2; y++)
        memset(map->level + y * DFY_LEVEL_STRIDE, 0, (size_t)(side + 2) * sizeof *map->level);
}

/* What stands in the map for a magnitude that is not 0. */
static inline uint16_t dfy_level_mark(int magnitude) {
    return (uint16_t)((magnitude > 100 ? 100 : magnitude) + DFY_LEVEL_COUNT);
}

static inline void dfy_level_map_set(DfyLevelMap *map, int x, int y, int magnitude) {
    map->level[y * DFY_LEVEL_STRIDE + x] = dfy_level_mark(magnitude);
}

typedef struct DfyTemplate {
    int sum, significant, beyond; /* of magnitudes; class of the significance flag; class of the greater flags */
} DfyTemplate;

/* at: a place in map->level. */
static inline DfyTemplate dfy_template_at(const uint16_t *at) {
    int all = at[1] + at[2] + at[DFY_LEVEL_STRIDE] + at[DFY_LEVEL_STRIDE + 1] + at[2 * DFY_LEVEL_STRIDE];
    int sum = all % DFY_LEVEL_COUNT, beyond = sum - all / DFY_LEVEL_COUNT, half = (sum + 1) >> 1;
    return (DfyTemplate){sum, half > 4 ? 4 : half, beyond > 4 ? 4 : beyond};
}

static inline DfyTemplate dfy_template(const DfyLevelMap *map, int x, int y) {
    return dfy_template_at(map->level + y * DFY_LEVEL_STRIDE + x);
}

/* By the diagonal x + y of a coefficient, 0..62. */
extern const uint8_t dfy_significant_classes[63], dfy_diagonal_classes[63];
static inline int dfy_significant_class(int diagonal) {
    return dfy_significant_classes[diagonal];
}
static inline int dfy_diagonal_class(int diagonal) {
    return dfy_diagonal_classes[diagonal];
}

/*
 * Whether a 4x4 group says the sign of its last coded level by the parity of its magnitudes' sum, odd for a negative
 * one: where its first and last coded levels lie so far apart in coding order that the encoder has a choice which of
 * them to change (Clare, Henry, Jung, "Sign data hiding", JCTVC-G271, 2011; Rec. H.265 9.3.4.3).
 */
#define DFY_HIDING_REACH 4
static inline int dfy_hides_sign(int first_place, int last_place) {
    return first_place - last_place >= DFY_HIDING_REACH;
}

static inline int dfy_group_any(const int16_t *levels, int side, int gx, int gy) {
    const int16_t *group = levels + gy * 4 * side + gx * 4;
    for (int y = 0; y < 4; y++, group += side)
        if (group[0] | group[1] | group[2] | group[3]) return 1;
    return 0;
}

/* The last coefficient that is not zero, along the coding order; there must be one. */
static inline void dfy_find_last(const int16_t *levels, int log2, int half, int *last_group, int *last_place) {
    int side = 1 << log2, g = (side >> 2) * (side >> 2) - 1, rows = side >> (2 + half);
    const uint8_t(*order)[2] = dfy_group_order(log2);
    while (g > 0 && (order[g][1] >= rows || !dfy_group_any(levels, side, order[g][0], order[g][1]))) g--;
    const int16_t *group = levels + order[g][1] * 4 * side + order[g][0] * 4;
    int place = 15;
    while (place > 0 && !group[dfy_diagonal4[place][1] * side + dfy_diagonal4[place][0]]) place--;
    *last_group = g;
    *last_place = place;
}

#endif
