/*
 * Coefficients of one transform: where the last one is, then backwards in 4x4 groups along diagonals, each coefficient
 * in the context of the up to five already coded to its right and below (the template of VVC's residual coding,
 * Rec. H.266 9.3.4.2.8).
 */
#include <string.h>

#include "video/syntax/picture.h"
#include "video/syntax/residual.h"

const uint8_t dfy_diagonal4[16][2] = {{0, 0}, {0, 1}, {1, 0}, {0, 2}, {1, 1}, {2, 0}, {0, 3}, {1, 2},
                                      {2, 1}, {3, 0}, {1, 3}, {2, 2}, {3, 1}, {2, 3}, {3, 2}, {3, 3}};
const uint8_t dfy_place4[4][4] = {{0, 2, 5, 9}, {1, 4, 8, 12}, {3, 7, 11, 14}, {6, 10, 13, 15}};

/* Groups of a transform with 1, 2, 4 or 8 of them a side, in diagonal order: x, y. */
static const uint8_t diagonal1[1][2] = {{0, 0}};
static const uint8_t diagonal2[4][2] = {{0, 0}, {0, 1}, {1, 0}, {1, 1}};
static const uint8_t diagonal8[64][2] = {
    {0, 0}, {0, 1}, {1, 0}, {0, 2}, {1, 1}, {2, 0}, {0, 3}, {1, 2}, {2, 1}, {3, 0}, {0, 4}, {1, 3}, {2, 2},
    {3, 1}, {4, 0}, {0, 5}, {1, 4}, {2, 3}, {3, 2}, {4, 1}, {5, 0}, {0, 6}, {1, 5}, {2, 4}, {3, 3}, {4, 2},
    {5, 1}, {6, 0}, {0, 7}, {1, 6}, {2, 5}, {3, 4}, {4, 3}, {5, 2}, {6, 1}, {7, 0}, {1, 7}, {2, 6}, {3, 5},
    {4, 4}, {5, 3}, {6, 2}, {7, 1}, {2, 7}, {3, 6}, {4, 5}, {5, 4}, {6, 3}, {7, 2}, {3, 7}, {4, 6}, {5, 5},
    {6, 4}, {7, 3}, {4, 7}, {5, 6}, {6, 5}, {7, 4}, {5, 7}, {6, 6}, {7, 5}, {6, 7}, {7, 6}, {7, 7}};

const uint8_t (*dfy_group_order(int log2))[2] {
    return log2 == 2 ? diagonal1 : log2 == 3 ? diagonal2 : log2 == 4 ? dfy_diagonal4 : diagonal8;
}

const uint8_t dfy_significant_classes[63] = {0, 0, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
                                             2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
                                             2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2};
const uint8_t dfy_diagonal_classes[63] = {0, 1, 1, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3,
                                          3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3,
                                          3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3};

const uint8_t dfy_last_group[32] = {0, 1, 2, 3, 4, 4, 5, 5, 6, 6, 6, 6, 7, 7, 7, 7,
                                    8, 8, 8, 8, 8, 8, 8, 8, 9, 9, 9, 9, 9, 9, 9, 9};
static const uint8_t group_first[10] = {0, 1, 2, 3, 4, 6, 8, 12, 16, 24};
static const uint8_t group_bits[10] = {0, 0, 0, 0, 1, 1, 2, 2, 3, 3};

static int code_last(DfyRangeCoder *coder, DfyBit *models, int log2, int value) {
    int most = dfy_last_group[(1 << log2) - 1];
    int group = dfy_code_unary(coder, models, most, dfy_last_group[value]);
    return group_first[group] + (int)dfy_code_raw(coder, group_bits[group], (uint32_t)(value - group_first[group]));
}

static int code_level(DfyRangeCoder *coder, DfyResidualContexts *contexts, int diagonal, const DfyTemplate *near,
                      int magnitude) {
    if (!dfy_code_bit(coder, &contexts->greater1[diagonal][near->beyond], magnitude > 1)) return 1;
    if (!dfy_code_bit(coder, &contexts->greater2[diagonal][near->beyond], magnitude > 2)) return 2;
    DfyBit *models = contexts->remainder[near->sum < 6 ? 0 : near->sum < 16 ? 1 : 2];
    uint32_t rest = dfy_code_golomb(coder, models, near->sum < 16 ? 0 : 1, (uint32_t)(magnitude - 3));
    return rest > 32764 ? 32767 : (int)rest + 3;
}

/* The levels of a group, in coding order: where they lie in the transform, and their places in the group. */
typedef struct GroupLevels {
    int at[16], place[16], count, sum;
} GroupLevels;

/* The signs of a group follow its magnitudes, which are all that a reader's levels have so far. */
static void code_signs(DfyRangeCoder *coder, int16_t *levels, const GroupLevels *group) {
    for (int i = 0; i < group->count; i++) {
        int16_t *level = &levels[group->at[i]];
        int hidden = i == group->count - 1 && dfy_hides_sign(group->place[0], group->place[i]);
        int negative = hidden ? group->sum & 1 : (int)dfy_code_raw(coder, 1, *level < 0);
        if (coder->mode == DFY_DECODE && negative) *level = (int16_t)(-*level);
    }
}

void dfy_code_residual(DfyRangeCoder *coder, DfyResidualContexts *contexts, int16_t *levels, int log2, DfyPart shape) {
    int side = 1 << log2, large = log2 > 3, half = shape != DFY_PART_WHOLE, turned = shape == DFY_PART_COLUMNS;
    int rows = side >> (2 + half);
    const uint8_t(*order)[2] = dfy_group_order(log2);
    DfyLevelMap map;
    dfy_level_map_clear(&map, side);
    int last_x = 0, last_y = 0, last_group = 0, last_place = 0;
    if (coder->mode != DFY_DECODE) dfy_find_last(levels, log2, half, &last_group, &last_place);
    if (coder->mode != DFY_DECODE) {
        last_x = order[last_group][0] * 4 + dfy_diagonal4[last_place][0];
        last_y = order[last_group][1] * 4 + dfy_diagonal4[last_place][1];
    }
    last_x = code_last(coder, contexts->last[turned][log2 - 2], log2, last_x);
    last_y = code_last(coder, contexts->last[!turned][log2 - 2 - half], log2 - half, last_y);
    if (coder->mode == DFY_DECODE) {
        while (order[last_group][0] != last_x >> 2 || order[last_group][1] != last_y >> 2) last_group++;
        last_place = dfy_place4[last_y & 3][last_x & 3];
    }
    uint8_t coded_groups[9][9] = {{0}};
    for (int g = last_group; g >= 0; g--) {
        int gx = order[g][0], gy = order[g][1], any = 1;
        if (gy >= rows) continue;
        int place = g == last_group ? last_place : 15;
        if (g != last_group && g != 0) {
            if (coder->mode != DFY_DECODE) any = dfy_group_any(levels, side, gx, gy);
            any = dfy_code_bit(coder, &contexts->subblock[large][coded_groups[gy][gx + 1] + coded_groups[gy + 1][gx]],
                               any);
        }
        coded_groups[gy][gx] = (uint8_t)any;
        if (!any) continue;
        GroupLevels group = {.count = 0};
        for (; place >= 0; place--) {
            int x = gx * 4 + dfy_diagonal4[place][0], y = gy * 4 + dfy_diagonal4[place][1];
            int16_t *level = &levels[y * side + x];
            int magnitude = *level < 0 ? -*level : *level;
            DfyTemplate near = dfy_template(&map, x, y);
            int diagonal = dfy_diagonal_class(x + y), significant = 1;
            int is_last = g == last_group && place == last_place;
            /* The only coefficient of a group that is said to have some needs no flag. */
            if (!is_last && !(place == 0 && !group.count && g != last_group && g != 0))
                significant =
                    dfy_code_bit(coder, &contexts->significant[large][dfy_significant_class(x + y)][near.significant],
                                 magnitude != 0);
            if (!significant) continue;
            magnitude = code_level(coder, contexts, diagonal, &near, magnitude);
            if (coder->mode == DFY_DECODE) *level = (int16_t)magnitude;
            dfy_level_map_set(&map, x, y, magnitude);
            group.at[group.count] = y * side + x;
            group.place[group.count++] = place;
            group.sum += magnitude;
        }
        code_signs(coder, levels, &group);
    }
}
