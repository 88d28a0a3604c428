/* tree-range: the way from indices to values and on to a model. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"
#include "splat/model/exact.h"
#include "splat/model/wide.h"
#include "splat/tree/tree.h"

int dfy_tree_axis(const DfyTreeSplat *s) {
    int axis = s->scale[1] < s->scale[0] ? 1 : 0;
    return s->scale[2] < s->scale[axis] ? 2 : axis;
}

void dfy_tree_alpha_range(DfyTreeGrid *g) {
    int32_t highest = (DFY_TREE_ONE + g->alpha_step - 1) / g->alpha_step + 2;
    g->alpha = (DfyTreeRange){-4, 0};
    while ((highest - g->alpha.low) >> 1 >> g->alpha.bits) g->alpha.bits++;
}

void dfy_tree_dc(const DfyTreeGrid *g, DfyTreeSplat *s) {
    for (int c = 0; c < 3; c++) {
        int64_t sum = (int64_t)g->dc_mean[c] * DFY_TREE_BASE_ONE + DFY_TREE_BASE_ONE / 2;
        for (int k = 0; k < 3; k++) sum += (int64_t)s->dc_part[k] * g->dc_base[k][c];
        s->dc[c] = dfy_within(sum >> 7, 1 << 28);
    }
}

void dfy_tree_scale_values(const DfyTreeGrid *g, const DfyTreeIndex *index, DfyTreeSplat *s) {
    for (int i = 0; i < 3; i++)
        s->scale[i] = dfy_within(((int64_t)g->scale[i].low + index->scale[i]) * g->scale_step, DFY_TREE_MOST_SCALE);
}

void dfy_tree_colour_values(const DfyTreeGrid *g, const DfyTreeIndex *index, DfyTreeSplat *s) {
    int64_t alpha = ((int64_t)g->alpha.low + index->alpha) * g->alpha_step;
    s->alpha = alpha < 0 ? 0 : alpha > DFY_TREE_ONE ? DFY_TREE_ONE : (int32_t)alpha;
    for (int i = 0; i < 3; i++) s->dc_part[i] = dfy_within((int64_t)index->dc[i] * g->dc_step, 1 << 28);
    dfy_tree_dc(g, s);
}

void dfy_tree_turn_values(const DfyTreeGrid *g, const DfyTreeIndex *index, const DfyTurnRing *ring, DfyTreeSplat *s) {
    dfy_turn_quaternion(s->turn, index->turn, dfy_tree_axis(s), &g->turns, ring);
    s->dirty = DFY_TREE_ALL;
}

/* Colours from coefficients, eight sums at a time; they are exact in double precision: below 2^53, and whole. */
enum { SUMS = 8, PADDED = (DFY_TREE_REST + SUMS - 1) / SUMS * SUMS };

typedef struct RestBase {
    double base[DFY_TREE_REST][PADDED], mean[PADDED], from_dc[3][PADDED];
} RestBase;

/* A whole number shifted right by 7: what is taken off first makes rounding to the nearest rounding down. */
static inline double shifted(double sum) {
    const double whole = 3.0 * (1LL << 51); /* numbers around it have no fraction */
    double part = sum * (1.0 / DFY_TREE_BASE_ONE) - (DFY_TREE_BASE_ONE - 1) / (2.0 * DFY_TREE_BASE_ONE);
    return part + whole - whole;
}

static inline int32_t limited(double value) {
    const double limit = 1 << 28;
    value = value < -limit ? -limit : value;
    return (int32_t)(value > limit ? limit : value);
}

/* Coefficients from what the first colour says of them and multiples of the step. */
static inline void parts_of_splat(double *part, const RestBase *b, const int32_t dc[3], const int16_t *sh, int step,
                                  int n) {
    for (int from = 0; from < n; from += SUMS)
        for (int i = from; i < from + SUMS; i++) {
            double foreseen = b->from_dc[0][i] * dc[0] + b->from_dc[1][i] * dc[1] + b->from_dc[2][i] * dc[2];
            part[i] = shifted(foreseen) + (double)sh[i] * step;
        }
}

static inline void rest_of_splat(int32_t *rest, const RestBase *b, const double *part, int n) {
    for (int from = 0; from < n; from += SUMS) {
        double sum[SUMS];
        int32_t whole[SUMS];
        for (int i = 0; i < SUMS; i++) sum[i] = b->mean[from + i];
        for (int k = 0; k < n; k++)
            for (int i = 0; i < SUMS; i++) sum[i] += part[k] * b->base[k][from + i];
        for (int i = 0; i < SUMS; i++) whole[i] = limited(shifted(sum[i]));
        memcpy(rest + from, whole, (size_t)(n - from < SUMS ? n - from : SUMS) * sizeof *rest);
    }
}

DFY_BODY void rest_of_splats_body(DfyTreeState *state, const RestBase *b, const int16_t *sh) {
    int n = dfy_tree_rest(&state->grid);
    int16_t multiples[PADDED] = {0};
    double part[PADDED];
    for (size_t i = 0; i < state->count; i++) {
        for (int k = 0; k < n; k++) multiples[k] = sh[(size_t)k * state->count + i];
        parts_of_splat(part, b, state->splats[i].dc_part, multiples, state->grid.sh_step, n);
        rest_of_splat(state->rest + i * (size_t)n, b, part, n);
    }
}
DFY_TWICE(rest_of_splats, (DfyTreeState * state, const RestBase *b, const int16_t *sh), (state, b, sh))

/* What multiples add to a prediction: sums of whole numbers, and which multiples are not 0. */
typedef struct AddedBase {
    int32_t base[DFY_TREE_REST][PADDED];
    int64_t largest[DFY_TREE_REST]; /* of a row */
} AddedBase;

typedef struct AddedParts {
    int count;
    int row[DFY_TREE_REST];
    int64_t part[DFY_TREE_REST];
} AddedParts;

/* Where sums have room in 32 bits. */
DFY_BODY void add_narrow_body(int32_t *rest, const AddedBase *b, const AddedParts *parts, int n) {
    for (int from = 0; from < n; from += SUMS) {
        int32_t sum[SUMS];
        for (int i = 0; i < SUMS; i++) sum[i] = DFY_TREE_BASE_ONE / 2;
        for (int k = 0; k < parts->count; k++) {
            const int32_t *row = b->base[parts->row[k]] + from;
            int32_t part = (int32_t)parts->part[k];
            for (int i = 0; i < SUMS; i++) sum[i] += part * row[i];
        }
        for (int i = 0; i < SUMS && from + i < n; i++)
            rest[from + i] = dfy_within((int64_t)rest[from + i] + (sum[i] >> 7), 1 << 28);
    }
}
DFY_TWICE(add_narrow, (int32_t * rest, const AddedBase *b, const AddedParts *parts, int n), (rest, b, parts, n))

static void add_wide(int32_t *rest, const AddedBase *b, const AddedParts *parts, int n) {
    for (int i = 0; i < n; i++) {
        int64_t sum = DFY_TREE_BASE_ONE / 2;
        for (int k = 0; k < parts->count; k++) sum += parts->part[k] * b->base[parts->row[k]][i];
        rest[i] = dfy_within(rest[i] + (sum >> 7), 1 << 28);
    }
}

void dfy_tree_add_rest(DfyTreeState *state, const int16_t *sh, int32_t step) {
    const DfyTreeGrid *g = &state->grid;
    int n = dfy_tree_rest(g);
    AddedBase b = {.largest = {0}};
    for (int k = 0; k < n; k++)
        for (int i = 0; i < n; i++) {
            b.base[k][i] = g->sh_base[k][i];
            if (abs(g->sh_base[k][i]) > b.largest[k]) b.largest[k] = abs(g->sh_base[k][i]);
        }
    for (size_t i = 0; i < state->count; i++) {
        AddedParts parts = {.count = 0};
        int64_t most = DFY_TREE_BASE_ONE;
        for (int k = 0; k < n; k++) {
            int32_t number = sh[(size_t)k * state->count + i];
            if (!number) continue;
            parts.row[parts.count] = k;
            parts.part[parts.count++] = (int64_t)number * step;
            most += llabs((int64_t)number * step) * b.largest[k];
        }
        if (!parts.count) continue;
        (most < INT32_MAX ? add_narrow : add_wide)(state->rest + i * (size_t)n, &b, &parts, n);
        state->splats[i].dirty |= DFY_TREE_SH;
    }
}

void dfy_tree_rest_values(DfyTreeState *state, const int16_t *sh) {
    const DfyTreeGrid *g = &state->grid;
    int n = dfy_tree_rest(g);
    RestBase b = {{{0}}, {0}, {{0}}};
    if (!n) return;
    for (int k = 0; k < n; k++) {
        b.mean[k] = (double)g->sh_mean[k] * DFY_TREE_BASE_ONE + DFY_TREE_BASE_ONE / 2;
        for (int i = 0; i < n; i++) b.base[k][i] = g->sh_base[k][i];
        for (int j = 0; j < 3; j++) b.from_dc[j][k] = g->sh_from_dc[k][j];
    }
    rest_of_splats(state, &b, sh);
}

/* ---------------------------------------------------------------- model */

/* Alphas of exactly 0 and 1 have no logit: they become those of half the smallest step from there. */
static float logit_of(int32_t alpha, int32_t step) {
    double edge = (double)step / 4, a = alpha;
    if (a < edge) a = edge;
    if (a > DFY_TREE_ONE - edge) a = DFY_TREE_ONE - edge;
    return (float)dfy_exact_ln(a / (DFY_TREE_ONE - a));
}

/* `what`: the attributes that changed. */
static void splat_to_frame(const DfyTreeState *state, DfySplats *out, size_t i, size_t at, size_t rest, int what) {
    const DfyTreeGrid *g = &state->grid;
    const DfyTreeSplat *s = &state->splats[i];
    for (size_t k = 0; what & DFY_TREE_PLACE && k < 3; k++) {
        double place = (double)s->place[k] / (1 << DFY_TREE_FRACTION) * (double)g->step;
        out->xyz[at * 3 + k] = (float)((double)g->origin[k] + place);
    }
    for (size_t k = 0; what & DFY_TREE_SCALE && k < 3; k++) out->scale[at * 3 + k] = (float)s->scale[k] / DFY_TREE_ONE;
    for (size_t k = 0; what & DFY_TREE_DC && k < 3; k++) out->dc[at * 3 + k] = (float)s->dc[k] / DFY_TREE_ONE;
    for (size_t k = 0; what & DFY_TREE_TURN && k < 4; k++) out->rotation[at * 4 + k] = (float)s->turn[k] / DFY_TURN_ONE;
    if (what & DFY_TREE_ALPHA) out->opacity[at] = logit_of(s->alpha, g->alpha_step);
    for (size_t k = 0; what & DFY_TREE_SH && k < rest; k++)
        out->rest[at * rest + k] = (float)state->rest[i * rest + k] / DFY_TREE_ONE;
}

int dfy_tree_to_frame(DfyTreeState *state, DfySplats *out, const uint32_t *to, DfyMessage *message) {
    int all = out->count != state->count || out->degree != state->grid.degree || !out->xyz;
    size_t rest = (size_t)dfy_tree_rest(&state->grid);
    if (all) {
        dfy_splats_free(out);
        int status = dfy_splats_alloc(out, state->count, state->grid.degree, message);
        if (status) return status;
    }
    for (size_t i = 0; i < state->count; i++) {
        int what = all ? DFY_TREE_ALL : state->splats[i].dirty;
        if (what) splat_to_frame(state, out, i, to ? to[i] : i, rest, what);
        state->splats[i].dirty = 0;
    }
    return DFY_OK;
}
