/*
 * One greedy pass in coding order, as in the HEVC reference encoder (Karczewicz, Ye, Chong, "Rate distortion optimized
 * quantization", VCEG-AH21, 2008), with the rates of the models as they stand.
 *
 * Costs are counted from dropping every coefficient: a level's is what it adds to that, its own rate and less error. So
 * coefficients that can't become a level have only the rate of their flag, and whole groups of them are passed by.
 */
#include "video/encode/decide/quantise.h"

#include <stdlib.h>
#include <string.h>

#include "video/syntax/picture.h"
#include "video/syntax/residual.h"

static const uint16_t scales[6] = {26214, 23302, 20560, 18396, 16384, 14564};

/* ---------------------------------------------------------------- rates */

static void last_rates(uint16_t rates[32], const DfyBit *models, int side) {
    static const uint8_t extra[10] = {0, 0, 0, 0, 1, 1, 2, 2, 3, 3};
    for (int place = 0; place < side; place++) {
        int group = dfy_last_group[place];
        uint32_t bits = extra[group] * 256u;
        for (int i = 0; i < group; i++) bits += dfy_bit_cost(&models[i], 1);
        if (group < dfy_last_group[side - 1]) bits += dfy_bit_cost(&models[group], 0);
        rates[place] = (uint16_t)bits;
    }
}

/* By how many bits the remainder's size takes in unary; the coarsest class has one raw bit more. */
static void remainder_rates(uint16_t rates[16], const DfyBit *models, int class) {
    uint32_t bits = class == 2 ? 256 : 0;
    for (int more = 0; more < 16; more++) {
        rates[more] = (uint16_t)(bits + dfy_bit_cost(&models[more], 0));
        bits += dfy_bit_cost(&models[more], 1) + 256;
    }
}

/* Flags of the first places of a group without levels, added up; `base` is the group's first diagonal. */
static void blank_rates(uint32_t rates[17], const uint16_t (*significant)[5][2], int base) {
    rates[0] = 0;
    for (int place = 0; place < 16; place++) {
        int class = dfy_significant_class(base + dfy_diagonal4[place][0] + dfy_diagonal4[place][1]);
        rates[place + 1] = rates[place] + significant[class][0][0];
    }
}

void dfy_level_rates(DfyLevelRates *r, const DfyResidualContexts *c) {
    for (int axis = 0; axis < 2; axis++)
        for (int size = 0; size < 4; size++) last_rates(r->last[axis][size], c->last[axis][size], 4 << size);
    for (int large = 0; large < 2; large++)
        for (int flag = 0; flag < 2; flag++) {
            for (int i = 0; i < 3; i++) r->group[large][i][flag] = (uint16_t)dfy_bit_cost(&c->subblock[large][i], flag);
            for (int i = 0; i < 3; i++)
                for (int j = 0; j < 5; j++)
                    r->significant[large][i][j][flag] = (uint16_t)dfy_bit_cost(&c->significant[large][i][j], flag);
        }
    for (int large = 0; large < 2; large++)
        for (int group = 0; group < 3; group++) blank_rates(r->blank[large][group], r->significant[large], 4 * group);
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 5; j++) {
            uint32_t beyond = 256 + dfy_bit_cost(&c->greater1[i][j], 1);
            r->one[i][j] = (uint16_t)(256 + dfy_bit_cost(&c->greater1[i][j], 0));
            r->two[i][j] = (uint16_t)(beyond + dfy_bit_cost(&c->greater2[i][j], 0));
            r->more[i][j] = (uint16_t)(beyond + dfy_bit_cost(&c->greater2[i][j], 1));
        }
    for (int class = 0; class < 3; class ++) remainder_rates(r->remainder[class], c->remainder[class], class);
}

/* Rate of a magnitude that is not zero, with its sign. */
static uint32_t level_bits(const DfyLevelRates *r, int diagonal, const DfyTemplate *near, int magnitude) {
    if (magnitude == 1) return r->one[diagonal][near->beyond];
    if (magnitude == 2) return r->two[diagonal][near->beyond];
    int class = near->sum < 6 ? 0 : near->sum < 16 ? 1 : 2;
    unsigned shifted = ((unsigned)(magnitude - 3) >> (class == 2)) + 1;
    return r->more[diagonal][near->beyond] + r->remainder[class][31 - __builtin_clz(shifted)];
}

/* ---------------------------------------------------------------- levels */

/* What coding some coefficients adds to dropping them: squared error, at the coefficients' scale, and 1/256 bits. */
typedef struct Sum {
    int64_t error;
    uint32_t bits;
} Sum;

/* A level that was chosen, in coding order. */
typedef struct Level {
    Sum before;         /* of what is coded before it */
    uint32_t flag_bits; /* of its flag and its group's, which fall away where it is the last */
    int16_t magnitude;
    uint8_t x, y;
} Level;

typedef struct Quantiser {
    int scale, shift, step, down; /* level = (c * scale) >> shift; value = (level * step) >> down */
    int error_shift;              /* squared coefficient error >> this = squared pixel error */
    uint32_t lambda;
    int64_t bit_cost; /* of 1/256 bit, where an error of one costs 1 << 16 */
    int log2, large, half, turned;
    const DfyLevelRates *rates;
    const int16_t *coefficients;
    Sum sum; /* of what was coded so far */
    int count;
    uint8_t coded[9][9]; /* groups */
    DfyLevelMap *map;
    Level levels[32 * 32 + 64]; /* hiding signs adds one a group at the most */
} Quantiser;

static int64_t cost_of(const Quantiser *q, int64_t error, uint32_t bits) {
    return error * 65536 + q->bit_cost * (int64_t)bits;
}

/* What coding a coefficient as a level changes its squared error by: (m - v)^2 - m^2. */
static int64_t error_change(const Quantiser *q, int magnitude, int level) {
    int64_t value = ((uint32_t)level * (uint32_t)q->step + (1u << (q->down - 1))) >> q->down;
    return value * (value - 2 * magnitude);
}

/*
 * The level of a coefficient that is large enough for one, and in *change what it adds. flag: rates of its significance
 * flag.
 */
static int choose_level(const Quantiser *q, int magnitude, int diagonal, const uint16_t flag[2],
                        const DfyTemplate *near, Sum *change) {
    uint32_t scaled = (uint32_t)magnitude * (uint32_t)q->scale + (1u << (q->shift - 1));
    int most = (int)(scaled >> q->shift), least = most > 2 ? most - 1 : 1, chosen = 0;
    if (most > 32000) most = least = 32000;
    *change = (Sum){0, flag[0]};
    int64_t best = most > 2 ? INT64_MAX : cost_of(q, 0, flag[0]); /* never drop what is that large */
    for (int level = most; level >= least; level--) {
        uint32_t bits = flag[1] + level_bits(q->rates, diagonal, near, level);
        int64_t error = error_change(q, magnitude, level), cost = cost_of(q, error, bits);
        if (cost >= best) continue;
        best = cost;
        *change = (Sum){error, bits};
        chosen = level;
    }
    return chosen;
}

/* Whether there can be levels right of or below a group. */
static int has_neighbours(const Quantiser *q, int gx, int gy) {
    return q->coded[gy][gx + 1] | q->coded[gy + 1][gx] | q->coded[gy + 1][gx + 1];
}

/*
 * Chooses the levels of a group from `place` on; nonzero: a bit for each coefficient that may be one. The others have
 * only the rate of their flag, which is known in sum as long as there are no levels right of them or below.
 */
static void choose_group(Quantiser *q, int gx, int gy, int place, unsigned nonzero, int flagged) {
    static const uint16_t untold[2] = {0, 0};
    const uint16_t(*significant)[5][2] = q->rates->significant[q->large];
    const int16_t *coefficients = q->coefficients + ((4 * gy) << q->log2) + 4 * gx;
    uint16_t *map = q->map->level + 4 * (gy * DFY_LEVEL_STRIDE + gx);
    int base = 4 * (gx + gy), first = q->count;
    Sum sum = q->sum, change;
    const uint32_t *blank = q->rates->blank[q->large][gx + gy < 2 ? gx + gy : 2];
    int is_blank = !has_neighbours(q, gx, gy);
    for (; place >= 0; place--) {
        if (is_blank) { /* on to the next that may be a level */
            unsigned left = nonzero & ((2u << place) - 1);
            int next = left ? 31 - __builtin_clz(left) : -1;
            sum.bits += blank[place + 1] - blank[next + 1];
            if (next < 0) break;
            place = next;
        }
        int x = dfy_diagonal4[place][0], y = dfy_diagonal4[place][1], at = y * DFY_LEVEL_STRIDE + x;
        DfyTemplate near = dfy_template_at(map + at);
        const uint16_t *flag = significant[dfy_significant_class(base + x + y)][near.significant];
        if (!(nonzero >> place & 1)) {
            sum.bits += flag[0];
            continue;
        }
        if (!place && flagged && q->count == first) flag = untold; /* the only one of a flagged group has no flag */
        int magnitude = abs(coefficients[(y << q->log2) + x]);
        int level = choose_level(q, magnitude, dfy_diagonal_class(base + x + y), flag, &near, &change);
        if (level) {
            uint8_t in_x = (uint8_t)(gx * 4 + x), in_y = (uint8_t)(gy * 4 + y);
            q->levels[q->count++] = (Level){sum, flag[1], (int16_t)level, in_x, in_y};
            map[at] = dfy_level_mark(level);
            is_blank = 0;
        }
        sum.error += change.error;
        sum.bits += change.bits;
    }
    q->sum = sum;
}

/* Takes back the levels from `first` on. */
static void drop_levels(Quantiser *q, int first) {
    for (; q->count > first; q->count--) {
        const Level *l = &q->levels[q->count - 1];
        q->map->level[l->y * DFY_LEVEL_STRIDE + l->x] = 0;
    }
}

/* One group of those that carry a flag: it may be left out as a whole. */
static void choose_flagged_group(Quantiser *q, int gx, int gy, unsigned nonzero) {
    const uint16_t *flag = q->rates->group[q->large][q->coded[gy][gx + 1] + q->coded[gy + 1][gx]];
    Sum before = q->sum;
    int first = q->count;
    if (nonzero) choose_group(q, gx, gy, 15, nonzero, 1);
    int64_t with = cost_of(q, q->sum.error - before.error, q->sum.bits - before.bits + flag[1]);
    if (q->count == first || cost_of(q, 0, flag[0]) <= with) {
        drop_levels(q, first);
        q->sum = before;
        q->sum.bits += flag[0];
        return;
    }
    for (int i = first; i < q->count; i++) q->levels[i].flag_bits += flag[1];
    q->sum.bits += flag[1];
    q->coded[gy][gx] = 1;
}

/* The level to end with, NULL: better none. Everything before it costs its whole error and no bits. */
static const Level *choose_end(const Quantiser *q, Sum *sum) {
    const uint16_t(*last)[4][32] = q->rates->last;
    const Level *end = NULL;
    int64_t best = 0;
    for (const Level *l = q->levels; l < q->levels + q->count; l++) {
        uint32_t last_bits =
            (uint32_t)last[q->turned][q->log2 - 2][l->x] + last[!q->turned][q->log2 - 2 - q->half][l->y];
        uint32_t rest = q->sum.bits - l->before.bits - l->flag_bits + last_bits;
        int64_t error = q->sum.error - l->before.error, cost = cost_of(q, error, rest);
        if (cost < best) {
            best = cost;
            end = l;
            *sum = (Sum){error, rest};
        }
        if (l->magnitude > 1) break;
    }
    return end;
}

static void clear_mark(const Quantiser *q, const Level *l) {
    q->map->level[l->y * DFY_LEVEL_STRIDE + l->x] = 0;
}

/* ---------------------------------------------------------------- hidden signs */

/* A level's step up or down, and what it adds. */
typedef struct Step {
    int place, by;
    int64_t cost;
    Sum change;
} Step;

/* A group whose levels are to say a sign by their parity. */
typedef struct HidingGroup {
    int x, y;      /* in 4x4 groups */
    int highest;   /* place up to which there may be levels */
    int is_last;   /* the transform's last level is at `highest`: it must stay one */
    unsigned mask; /* places of levels */
    int sum;       /* of magnitudes */
} HidingGroup;

static int place_in(const Quantiser *q, const HidingGroup *g, int place) {
    return ((g->y * 4 + dfy_diagonal4[place][1]) << q->log2) + g->x * 4 + dfy_diagonal4[place][0];
}

static int is_negative(const Quantiser *q, const HidingGroup *g, int place) {
    return q->coefficients[place_in(q, g, place)] < 0;
}

/* What a level costs against none, as far as it goes alone: others' contexts are taken to stay. */
static Sum level_cost(const Quantiser *q, int magnitude, int diagonal, const uint16_t flag[2], const DfyTemplate *near,
                      int level) {
    if (!level) return (Sum){0, flag[0]};
    return (Sum){error_change(q, magnitude, level), flag[1] + level_bits(q->rates, diagonal, near, level)};
}

/* Whether the group says the right sign, or none, once the level at `place` is one up or down; *hides: which. */
static int is_right_after(const Quantiser *q, const HidingGroup *g, int place, int next, int *hides) {
    unsigned mask = next ? g->mask | 1u << place : g->mask & ~(1u << place);
    int last = __builtin_ctz(mask);
    *hides = dfy_hides_sign(31 - __builtin_clz(mask), last);
    return !*hides || ((g->sum + 1) & 1) == is_negative(q, g, last); /* a step changes what the parity says */
}

/* Takes a step of the level at `place` for the best so far, if it makes the group right and costs less. */
static void try_steps(const Quantiser *q, const HidingGroup *g, int place, int level, Step *best) {
    int at = place_in(q, g, place), x = at & ((1 << q->log2) - 1), y = at >> q->log2, hides;
    int magnitude = abs(q->coefficients[at]), diagonal = dfy_diagonal_class(x + y);
    DfyTemplate near = dfy_template(q->map, x, y);
    const uint16_t *flag = q->rates->significant[q->large][dfy_significant_class(x + y)][near.significant];
    Sum before = level_cost(q, magnitude, diagonal, flag, &near, level);
    for (int by = level ? -1 : 1; by <= 1; by += 2) {
        if (!(level + by) && g->is_last && place == g->highest) continue;
        if (!is_right_after(q, g, place, level + by, &hides)) continue;
        Sum after = level_cost(q, magnitude, diagonal, flag, &near, level + by);
        Sum change = {after.error - before.error, after.bits - before.bits + (hides ? 0 : 256)};
        int64_t cost = change.error * 65536 + q->bit_cost * (int32_t)change.bits;
        if (cost < best->cost) *best = (Step){place, by, cost, change};
    }
}

/* Makes a group's parity say the sign that it hides, by the step of one level that costs least. */
static void match_parity(Quantiser *q, const HidingGroup *g, int16_t *levels, Sum *sum) {
    int least = (q->step >> q->down) / 6; /* less is never worth a level */
    Step best = {.cost = INT64_MAX};
    for (int place = 0; place <= g->highest; place++) {
        int at = place_in(q, g, place), level = abs(levels[at]);
        if (level || abs(q->coefficients[at]) >= least) try_steps(q, g, place, level, &best);
    }
    int at = place_in(q, g, best.place), level = abs(levels[at]) + best.by;
    int x = at & ((1 << q->log2) - 1), y = at >> q->log2;
    levels[at] = (int16_t)(q->coefficients[at] < 0 ? -level : level);
    q->map->level[y * DFY_LEVEL_STRIDE + x] = level ? dfy_level_mark(level) : 0;
    if (best.by > 0 && level == 1) q->levels[q->count++] = (Level){.x = (uint8_t)x, .y = (uint8_t)y};
    sum->error += best.change.error;
    sum->bits += best.change.bits;
}

/* Of the transform that ends with the level `end`: of each group that hides a sign, its parity is made to say it. */
static void hide_signs(Quantiser *q, const Level *end, int16_t *levels, Sum *sum) {
    const Level *stop = q->levels + q->count, *next;
    if (stop - end < 2) return;
    for (const Level *l = end; l < stop; l = next) {
        HidingGroup g = {.x = l->x >> 2, .y = l->y >> 2, .highest = 15, .is_last = l == end};
        int first = dfy_place4[l->y & 3][l->x & 3], last = first;
        for (next = l; next < stop && next->x >> 2 == g.x && next->y >> 2 == g.y; next++) {
            last = dfy_place4[next->y & 3][next->x & 3];
            g.sum += next->magnitude;
            g.mask |= 1u << last;
        }
        if (!dfy_hides_sign(first, last)) continue;
        sum->bits -= 256;
        if (g.is_last) g.highest = first;
        if ((g.sum & 1) != is_negative(q, &g, last)) match_parity(q, &g, levels, sum);
    }
}

static uint32_t optimise(Quantiser *q, int16_t *levels, const uint16_t *nonzero, int64_t *gain) {
    const uint8_t(*order)[2] = dfy_group_order(q->log2);
    int side = 1 << q->log2, across = side / 4, g = across * across - 1, rows = across >> q->half;
    q->bit_cost = (int64_t)q->lambda << q->error_shift;
    memset(q->coded, 0, sizeof q->coded);
    q->sum = (Sum){0, 0};
    q->count = 0;
    while (!nonzero[order[g][1] * across + order[g][0]]) g--;
    for (int first = g; g >= 0; g--) {
        int gx = order[g][0], gy = order[g][1];
        if (gy >= rows) continue;
        unsigned here = nonzero[gy * across + gx];
        if (g && g != first) {
            choose_flagged_group(q, gx, gy, here);
            continue;
        }
        choose_group(q, gx, gy, g == first ? 31 - __builtin_clz(here) : 15, here, 0);
        q->coded[gy][gx] = 1;
    }
    Sum sum;
    const Level *end = choose_end(q, &sum);
    for (const Level *l = q->levels; l < (end ? end : q->levels + q->count); l++) clear_mark(q, l);
    if (!end) return 0;
    memset(levels, 0, sizeof *levels << (2 * q->log2 - q->half));
    for (const Level *l = end; l < q->levels + q->count; l++) {
        int at = (l->y << q->log2) + l->x;
        levels[at] = (int16_t)(q->coefficients[at] < 0 ? -l->magnitude : l->magnitude);
    }
    hide_signs(q, end, levels, &sum);
    for (const Level *l = end; l < q->levels + q->count; l++) clear_mark(q, l);
    *gain = -cost_of(q, sum.error, sum.bits) >> (q->error_shift + 8);
    return sum.bits ? sum.bits : 1;
}

static int quantiser_shift(int log2, int qp) {
    return 14 + qp / 6 + 7 - log2;
}

/* Least magnitude that rounds to one. */
static int threshold(int log2, int qp) {
    int scale = scales[qp % 6];
    return ((1 << (quantiser_shift(log2, qp) - 1)) + scale - 1) / scale;
}

/*
 * By Cauchy and Schwarz: a coefficient is at most the root of the squared error times the norms of its two rows of the
 * matrix, which are under 0.3 % above 2^(7 - log2) in all; rounding adds less than 1.25.
 */
int dfy_quantises_to_nothing(int log2, int half, int qp, uint64_t error) {
    int64_t least = threshold(log2, qp + 3 * half) - 2;
    return least > 0 && (error << (2 * (7 - log2) + half)) * 129 < (uint64_t)(least * least) * 128;
}

uint32_t dfy_quantise(const DfyKernels *kernels, int16_t *levels, const int16_t *coefficients, int log2, DfyPart shape,
                      int qp, uint32_t lambda, const DfyLevelRates *rates, DfyLevelMap *map, int64_t *gain) {
    uint16_t nonzero[64];
    Quantiser q;
    q.half = shape != DFY_PART_WHOLE;
    q.turned = shape == DFY_PART_COLUMNS;
    qp += 3 * q.half;
    if (!kernels->nonzero_mask(nonzero, coefficients, 1 << log2, threshold(log2, qp))) return 0;
    q.scale = scales[qp % 6];
    q.shift = quantiser_shift(log2, qp);
    q.step = dfy_quantiser_step(qp);
    q.down = log2 - 1;
    q.error_shift = 2 * (7 - log2) + q.half;
    q.lambda = lambda;
    q.log2 = log2;
    q.large = log2 > 3;
    q.rates = rates;
    q.coefficients = coefficients;
    q.map = map;
    *gain = 0;
    return optimise(&q, levels, nonzero, gain);
}
