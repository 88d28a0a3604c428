/*
 * Quantisation by rate and distortion: every coefficient may be rounded down or dropped, a 4x4 group left out, and the
 * end moved forward, when the bits saved are worth more than the error made. One greedy pass in coding order, as in
 * the HEVC reference encoder (Karczewicz, Ye, Chong, "Rate distortion optimized quantization", VCEG-AH21, 2008),
 * with the rates of the models as they stand.
 */
#include <stdlib.h>
#include <string.h>

#include "video/encode/decide.h"
#include "video/syntax/residual.h"

static const uint16_t scales[6] = {26214, 23302, 20560, 18396, 16384, 14564};
static const uint8_t steps[6] = {40, 45, 51, 57, 64, 72};

static uint32_t last_bits(const DfyResidualContexts *c, int log2, int x, int y) {
    static const uint8_t extra[10] = {0, 0, 0, 0, 1, 1, 2, 2, 3, 3};
    int most = dfy_last_group[(1 << log2) - 1], place[2] = {x, y};
    uint32_t bits = 0;
    for (int axis = 0; axis < 2; axis++) {
        int group = dfy_last_group[place[axis]];
        const DfyBit *models = c->last[axis][log2 - 2];
        for (int i = 0; i < group; i++) bits += dfy_bit_cost(&models[i], 1);
        if (group < most) bits += dfy_bit_cost(&models[group], 0);
        bits += extra[group] * 256u;
    }
    return bits;
}

static uint32_t golomb_bits(const DfyBit *models, int k, uint32_t value) {
    uint32_t shifted = (value >> k) + 1, bits = (uint32_t)k << 8;
    int more = 31 - __builtin_clz(shifted);
    for (int i = 0; i < more; i++) bits += dfy_bit_cost(&models[i], 1);
    bits += dfy_bit_cost(&models[more], 0);
    return bits + (uint32_t)more * 256u;
}

/* Rate of a magnitude that is not zero, with its sign. */
static uint32_t level_bits(const DfyResidualContexts *c, int diagonal, const DfyTemplate *near, int magnitude) {
    const DfyBit *one = &c->greater1[diagonal][near->beyond];
    if (magnitude == 1) return 256 + dfy_bit_cost(one, 0);
    const DfyBit *two = &c->greater2[diagonal][near->beyond];
    uint32_t bits = 256 + dfy_bit_cost(one, 1);
    if (magnitude == 2) return bits + dfy_bit_cost(two, 0);
    return bits + dfy_bit_cost(two, 1) +
           golomb_bits(c->remainder[near->sum < 6    ? 0
                                    : near->sum < 16 ? 1
                                                     : 2],
                       near->sum < 16 ? 0 : 1, (uint32_t)(magnitude - 3));
}

typedef struct Quantiser {
    int scale, shift, step, down; /* level = (c * scale) >> shift; value = (level * step) >> down */
    int error_shift;              /* squared coefficient error >> this = squared pixel error */
    uint32_t lambda;
    int threshold; /* least magnitude that rounds to one */
} Quantiser;

static uint64_t squared_error(const Quantiser *q, int magnitude, int level) {
    int64_t d = magnitude - (((int64_t)level * q->step + (1 << (q->down - 1))) >> q->down);
    return (uint64_t)(d * d);
}

/* Costs are in pixel error << 8 at this point kept at the coefficients' scale: everything << error_shift. */
static int64_t cost_of(const Quantiser *q, uint64_t error, uint32_t bits) {
    return (int64_t)(error << 8) + ((int64_t)((uint64_t)q->lambda * bits >> 8) << q->error_shift);
}

typedef struct Place {
    int64_t cost; /* of the chosen level, with its flag */
    int64_t zero; /* of dropping it, beyond the end: error alone */
    int64_t flag; /* of the significance flag within cost */
    int16_t level;
    uint32_t bits, flag_bits;
} Place;

/* A coefficient that is dropped without a flag of its own: error alone. */
static Place dropped_place(int coefficient) {
    int64_t zero = (int64_t)(coefficient * coefficient) << 8;
    return (Place){.cost = zero, .zero = zero};
}

static void choose_level(const Quantiser *q, const DfyResidualContexts *c, int large, int x, int y, int magnitude,
                         int flagged, const DfyLevelMap *map, Place *place) {
    DfyTemplate near = dfy_template(map, x, y);
    const DfyBit *flag = &c->significant[large][dfy_significant_class(x + y)][near.significant];
    uint32_t zero_bits = flagged ? dfy_bit_cost(flag, 0) : 0;
    place->zero = (int64_t)((uint64_t)((int64_t)magnitude * magnitude) << 8);
    place->level = 0;
    place->bits = place->flag_bits = zero_bits;
    place->flag = cost_of(q, 0, zero_bits);
    place->cost = place->zero + place->flag;
    if (magnitude < q->threshold) return;
    int diagonal = dfy_diagonal_class(x + y);
    int most = (int)(((int64_t)magnitude * q->scale + (1 << (q->shift - 1))) >> q->shift);
    if (most > 32000) most = 32000;
    uint32_t one_bits = flagged ? dfy_bit_cost(flag, 1) : 0;
    int least = most > 2 ? most - 1 : 1;
    if (most > 2) place->cost = INT64_MAX; /* never drop what is that large */
    for (int level = most; level >= least; level--) {
        uint32_t bits = one_bits + level_bits(c, diagonal, &near, level);
        int64_t cost = cost_of(q, squared_error(q, magnitude, level), bits);
        if (cost >= place->cost) continue;
        place->cost = cost;
        place->level = (int16_t)level;
        place->bits = bits;
        place->flag_bits = one_bits;
        place->flag = cost_of(q, 0, one_bits);
    }
}

static uint32_t plain(int16_t *levels, const int16_t *coefficients, int count, const Quantiser *q, uint64_t *error) {
    int any = 0;
    uint64_t sum = 0;
    int64_t offset = ((int64_t)1 << q->shift) / 5;
    for (int i = 0; i < count; i++) {
        int magnitude = abs(coefficients[i]);
        int level = (int)(((int64_t)magnitude * q->scale + offset) >> q->shift);
        if (level > 32000) level = 32000;
        any |= level;
        sum += squared_error(q, magnitude, level);
        levels[i] = (int16_t)(coefficients[i] < 0 ? -level : level);
    }
    *error = sum;
    return any != 0;
}

uint32_t dfy_quantise(int16_t *levels, const int16_t *coefficients, int log2, int qp, uint32_t lambda, int trellis,
                      const DfyResidualContexts *contexts, uint64_t *error, uint64_t *energy) {
    int side = 1 << log2, count = side * side, large = log2 > 3;
    Quantiser q = {
        scales[qp % 6], 14 + qp / 6 + 7 - log2, steps[qp % 6] << (qp / 6), log2 - 1, 2 * (7 - log2), lambda, 0};
    uint64_t total = 0;
    q.threshold = ((1 << (q.shift - 1)) + q.scale - 1) / q.scale;
    int most = 0;
    for (int i = 0; i < count; i++) {
        int c = coefficients[i];
        total += (uint64_t)(c * c);
        most = abs(c) > most ? abs(c) : most;
    }
    *energy = *error = total >> q.error_shift;
    memset(levels, 0, sizeof *levels * (size_t)count);
    if (most < q.threshold) return 0;
    if (!trellis) {
        if (!plain(levels, coefficients, count, &q, error)) return 0;
        *error >>= q.error_shift;
        DfyRangeCoder measure = {.mode = DFY_MEASURE};
        dfy_code_residual(&measure, (DfyResidualContexts *)(uintptr_t)contexts, levels, log2);
        return (uint32_t)measure.cost;
    }

    const uint8_t(*order)[2] = dfy_group_order(log2);
    int groups = count / 16, first = -1;
    Place places[64][16];
    int64_t group_flag[64]; /* cost of the coded-group flag as chosen */
    uint32_t group_flag_bits[64];
    uint8_t coded[9][9] = {{0}};
    DfyLevelMap map;
    dfy_level_map_clear(&map, side);
    int64_t beyond = 0; /* error of groups that come before the first non-zero one in coding order */
    for (int g = groups - 1; g >= 0; g--) {
        int gx = order[g][0], gy = order[g][1];
        const int16_t *in = coefficients + gy * 4 * side + gx * 4;
        int hit = 0;
        uint64_t sum = 0;
        for (int i = 0; i < 16; i++) {
            int c = in[(i >> 2) * side + (i & 3)];
            sum += (uint64_t)(c * c);
            hit |= abs(c) >= q.threshold;
        }
        group_flag[g] = 0;
        group_flag_bits[g] = 0;
        if (first < 0 && !hit) {
            beyond += (int64_t)(sum << 8);
            continue;
        }
        if (first < 0) first = g;
        int64_t group_cost = 0;
        int flagged = g != 0 && g != first, kept = 0;
        const DfyBit *flag = &contexts->subblock[large][coded[gy][gx + 1] + coded[gy + 1][gx]];
        if (flagged && !hit) { /* all drop */
            for (int i = 0; i < 16; i++) {
                int c = in[dfy_diagonal4[i][1] * side + dfy_diagonal4[i][0]];
                places[g][i] = dropped_place(c);
            }
            group_flag_bits[g] = dfy_bit_cost(flag, 0);
            group_flag[g] = cost_of(&q, 0, group_flag_bits[g]);
            continue;
        }
        int i = 15;
        for (; g == first; i--) { /* what comes before the first that may stay is beyond the end */
            int c = in[dfy_diagonal4[i][1] * side + dfy_diagonal4[i][0]];
            if (abs(c) >= q.threshold) break;
            places[g][i] = dropped_place(c);
            group_cost += places[g][i].cost;
        }
        for (; i >= 0; i--) {
            int px = dfy_diagonal4[i][0], py = dfy_diagonal4[i][1];
            Place *place = &places[g][i];
            choose_level(&q, contexts, large, gx * 4 + px, gy * 4 + py, abs(in[py * side + px]),
                         !(i == 0 && flagged && !kept), &map, place);
            kept |= place->level;
            if (place->level) dfy_level_map_set(&map, gx * 4 + px, gy * 4 + py, place->level);
            group_cost += place->cost;
        }
        if (flagged) {
            int64_t with = group_cost + cost_of(&q, 0, dfy_bit_cost(flag, 1));
            int64_t without = (int64_t)(sum << 8) + cost_of(&q, 0, dfy_bit_cost(flag, 0));
            if (!kept || without <= with) { /* leave the whole group out */
                for (i = 0; i < 16; i++) {
                    places[g][i] = (Place){.cost = places[g][i].zero, .zero = places[g][i].zero};
                    dfy_level_map_set(&map, gx * 4 + (i & 3), gy * 4 + (i >> 2), 0);
                }
                kept = 0;
            }
            group_flag_bits[g] = dfy_bit_cost(flag, kept != 0);
            group_flag[g] = cost_of(&q, 0, group_flag_bits[g]);
        } else {
            kept = 1;
        }
        coded[gy][gx] = kept != 0;
    }
    if (first < 0) return 0;

    /* Where to end: everything after the end costs its whole error and no bits. */
    int64_t inside = 0, best = (int64_t)(total << 8);
    int end_group = -1, end_place = 0;
    for (int g = 0; g <= first; g++) { /* sums of what lies at or before each place, from low frequencies up */
        for (int i = 0; i < 16; i++) inside += places[g][i].cost;
        inside += group_flag[g];
    }
    int64_t outside = beyond;
    for (int g = first, stop = 0; g >= 0 && !stop; g--) {
        int64_t here = inside - group_flag[g]; /* the group of the end carries no flag */
        int64_t dropped = outside;
        for (int i = 15; i >= 0; i--) {
            Place *place = &places[g][i];
            if (place->level) {
                int x = order[g][0] * 4 + dfy_diagonal4[i][0], y = order[g][1] * 4 + dfy_diagonal4[i][1];
                int64_t cost = here - place->flag + dropped + cost_of(&q, 0, last_bits(contexts, log2, x, y));
                if (cost < best) {
                    best = cost;
                    end_group = g;
                    end_place = i;
                }
                if (place->level > 1) {
                    stop = 1;
                    break;
                }
            }
            here -= place->cost;
            dropped += place->zero;
        }
        inside -= group_flag[g];
        for (int i = 0; i < 16; i++) {
            inside -= places[g][i].cost;
            outside += places[g][i].zero;
        }
    }
    if (end_group < 0) return 0;

    uint32_t bits = 0;
    uint64_t left = total;
    for (int g = 0; g <= end_group; g++) {
        int gx = order[g][0], gy = order[g][1];
        if (g != end_group) bits += group_flag_bits[g];
        for (int i = 0; i <= (g == end_group ? end_place : 15); i++) {
            Place *place = &places[g][i];
            int at = (gy * 4 + dfy_diagonal4[i][1]) * side + gx * 4 + dfy_diagonal4[i][0];
            bits += place->bits;
            if (!place->level) continue;
            int magnitude = abs(coefficients[at]);
            left += squared_error(&q, magnitude, place->level) - (uint64_t)((int64_t)magnitude * magnitude);
            levels[at] = (int16_t)(coefficients[at] < 0 ? -place->level : place->level);
        }
    }
    const Place *last = &places[end_group][end_place];
    bits += last_bits(contexts, log2, order[end_group][0] * 4 + dfy_diagonal4[end_place][0],
                      order[end_group][1] * 4 + dfy_diagonal4[end_place][1]) -
            last->flag_bits;
    *error = left >> q.error_shift;
    return bits ? bits : 1;
}
