#include <stdlib.h>
#include <string.h>

#include "splat/model/wide.h"
#include "splat/tree/column_numbers.h"

enum { MEAN_SHIFT_MOST = 4 };

void dfy_tree_past_free(DfyTreePast *past) {
    free(past->means);
    free(past->rest);
    free(past->back);
    free(past->models);
    free(past->energy);
    free(past->off);
    *past = (DfyTreePast){0};
}

static void begin_means(DfyTreeState *state) {
    DfyTreePast *past = &state->past;
    size_t values = state->count * (size_t)dfy_tree_rest(&state->grid);
    for (uint32_t i = 0; i < state->count; i++) {
        const DfyTreeSplat *s = &state->splats[i];
        DfyTreeMean *m = &past->means[i];
        memcpy(m->place, s->place, sizeof m->place);
        memcpy(m->turn, s->turn, sizeof m->turn);
        memcpy(m->scale, s->scale, sizeof m->scale);
        memcpy(m->dc_part, s->dc_part, sizeof m->dc_part);
        m->alpha = s->alpha;
    }
    if (values) memcpy(past->rest, state->rest, values * sizeof *past->rest);
    for (int kind = 0; kind < DFY_TREE_KINDS; kind++) past->ages[kind] = 1;
}

int dfy_tree_columns_begin(DfyTreeState *state, DfyMessage *message) {
    DfyTreePast *past = &state->past;
    size_t n = state->count ? state->count : 1, rest = (size_t)dfy_tree_rest(&state->grid);
    if (past->count && past->count == state->count) return DFY_OK;
    dfy_tree_past_free(past);
    past->means = malloc(n * sizeof *past->means);
    past->rest = malloc((n * rest + 1) * sizeof *past->rest);
    past->back = malloc(n * sizeof *past->back);
    past->models = dfy_tree_models_new();
    past->energy = calloc(n, DFY_TREE_KINDS);
    if (!past->means || !past->rest || !past->back || !past->models || !past->energy) {
        dfy_tree_past_free(past);
        return dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for a frame of %u splats.", state->count);
    }
    dfy_tree_neighbours(state, past->back);
    begin_means(state);
    past->count = state->count;
    return DFY_OK;
}

/* ---------------------------------------------------------------- means */

int dfy_tree_mean_shift(const DfyTreePast *past, int kind) {
    int age = past->ages[kind];
    return age < 2 ? age : age < 4 ? 2 : age < 16 ? 3 : MEAN_SHIFT_MOST;
}

static inline int32_t nearer(int32_t mean, int32_t value, int shift) {
    return mean + (int32_t)(((int64_t)value - mean) >> shift);
}

static void mean_of_turn(int32_t mean[4], const int32_t turn[4], int shift) {
    int64_t sum[4], dot = 0;
    for (int k = 0; k < 4; k++) dot += (int64_t)mean[k] * turn[k] >> 30;
    for (int k = 0; k < 4; k++) {
        int64_t own = dot < 0 ? -(int64_t)turn[k] : turn[k];
        sum[k] = mean[k] + ((own - mean[k]) >> shift);
    }
    dfy_turn_normalise_near(mean, sum);
}

/* Values are below 2^28, so that differences have 32 bits. */
DFY_BODY void mean_of_rest_body(int32_t *mean, const int32_t *rest, size_t count, int shift) {
    for (size_t i = 0; i < count; i++) mean[i] += (rest[i] - mean[i]) >> shift;
}
DFY_TWICE(mean_of_rest, (int32_t * mean, const int32_t *rest, size_t count, int shift), (mean, rest, count, shift))

static void learn_rest(DfyTreeState *state, int shift) {
    size_t values = state->count * (size_t)dfy_tree_rest(&state->grid);
    if (!values) return;
    if (shift)
        mean_of_rest(state->past.rest, state->rest, values, shift);
    else
        memcpy(state->past.rest, state->rest, values * sizeof *state->rest);
}

static void learn_splat(DfyTreeMean *m, const DfyTreeSplat *s, int kind, int shift) {
    if (kind == 1 && shift) mean_of_turn(m->turn, s->turn, shift);
    if (kind == 1 && !shift) memcpy(m->turn, s->turn, sizeof m->turn);
    if (kind == 3) m->alpha = nearer(m->alpha, s->alpha, shift);
    for (int k = 0; k < 3; k++) {
        if (kind == 2) m->scale[k] = nearer(m->scale[k], s->scale[k], shift);
        if (kind == 4) m->dc_part[k] = nearer(m->dc_part[k], s->dc_part[k], shift);
    }
}

void dfy_tree_learn_means(DfyTreeState *state, const DfyTreeColumn *column, int kind) {
    DfyTreePast *past = &state->past;
    int shift = dfy_tree_mean_shift(past, kind);
    if (!column->learns) {
        past->ages[kind] = 0;
        return;
    }
    if (kind == DFY_TREE_KINDS - 1)
        learn_rest(state, shift);
    else if (kind)
        for (size_t i = 0; i < state->count; i++) learn_splat(&past->means[i], &state->splats[i], kind, shift);
    if (past->ages[kind] < UINT8_MAX) past->ages[kind]++;
}
