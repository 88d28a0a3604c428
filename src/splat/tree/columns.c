#include "splat/tree/columns.h"

#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"
#include "splat/tree/column_numbers.h"

enum { FURTHEST = 1 << 30, MOVE_BITS = 3, SHIFT_BITS = 2, RUN_LENGTH_BITS = 2, UNIT_BITS = 16, STEP_BITS = 25 };

/* First column of each attribute. */
static const int first_column[DFY_TREE_KINDS] = {0, 3, 6, 9, 10, 13};

int dfy_tree_column_count(const DfyTreeGrid *g, int kind) {
    static const int counts[DFY_TREE_KINDS - 1] = {3, 3, 3, 1, 3};
    return kind == DFY_TREE_KINDS - 1 ? dfy_tree_rest(g) : counts[kind];
}

/* ---------------------------------------------------------------- positions */

/* The mean of the neighbours' moves, the nearest most. */
static void move_of_near(const DfyTreeState *state, const int32_t (*moved)[3], uint32_t i, int64_t way[3]) {
    static const int weights[DFY_TREE_NEAR] = {4, 3, 2, 2};
    enum { ALL_WEIGHTS = 4 + 3 + 2 + 2 };
    const uint8_t *back = state->past.back[i];
    int total = 0;
    for (int j = 0; j < DFY_TREE_NEAR; j++) {
        if (back[j] > i) continue;
        total += weights[j];
        for (int k = 0; k < 3; k++) way[k] += (int64_t)weights[j] * moved[i - back[j]][k];
    }
    for (int k = 0; total && k < 3; k++) /* a constant is divided by much faster */
        way[k] = total == ALL_WEIGHTS ? way[k] / ALL_WEIGHTS : way[k] / total;
}

void dfy_tree_predict_place(const DfyTreeState *state, const DfyTreeColumns *columns, const int32_t (*moved)[3],
                            uint32_t i, int32_t base[3], int32_t predicted[3]) {
    const DfyTreeSplat *s = &state->splats[i];
    const int16_t *run =
        dfy_tree_moves_runs(columns->move) ? columns->runs + (size_t)(i >> columns->run_bits) * 3 : NULL;
    int64_t way[3] = {0, 0, 0};
    if (dfy_tree_moves_near(columns->move)) move_of_near(state, moved, i, way);
    for (int k = 0; k < 3; k++) {
        if (run) way[k] = (int64_t)run[k] * columns->of[0].step;
        if (dfy_tree_moves_on(columns->move)) way[k] += s->velocity[k];
        base[k] = columns->of[0].from_mean ? state->past.means[i].place[k] : s->place[k];
        predicted[k] = dfy_within(base[k] + way[k], FURTHEST);
    }
}

/* Where splat i is now and what its neighbours, its mean and its velocity take of that. learns: the mean does. */
static void place_splat(DfyTreeState *state, const DfyTreeColumns *columns, uint32_t i, const int32_t base[3],
                        const int32_t predicted[3], int32_t extra[3], int learns, int shift) {
    DfyTreeSplat *s = &state->splats[i];
    DfyTreeMean *mean = &state->past.means[i];
    const DfyTreeColumn *own = &columns->of[0];
    for (int k = 0; k < 3; k++) {
        int32_t number = own->present ? own->numbers[(size_t)k * state->count + i] : 0;
        int32_t now = dfy_within(predicted[k] + (int64_t)number * own->step, FURTHEST), news = now - predicted[k];
        int32_t expected = dfy_within((int64_t)mean->place[k] + predicted[k] - base[k], FURTHEST);
        extra[k] = dfy_tree_seen_move(columns, predicted[k] - base[k], news, s->velocity[k]);
        if (learns) mean->place[k] = shift ? expected + (int32_t)(((int64_t)now - expected) >> shift) : now;
        s->velocity[k] = dfy_within((int64_t)predicted[k] - base[k] + (news >> columns->gentle), FURTHEST);
        s->place[k] = now;
    }
    s->dirty |= DFY_TREE_PLACE;
}

static void place_all(DfyTreeState *state, const DfyTreeColumns *columns, int32_t (*moved)[3]) {
    int shift = dfy_min(dfy_tree_mean_shift(&state->past, 0), columns->steady);
    for (uint32_t i = 0; i < state->count; i++) {
        int32_t base[3], predicted[3];
        dfy_tree_predict_place(state, columns, (const int32_t(*)[3])moved, i, base, predicted);
        place_splat(state, columns, i, base, predicted, moved[i], columns->of[0].learns, shift);
    }
}

static void code_places(DfyTreeWalk *w, DfyTreeState *state, DfyTreeColumns *columns, int32_t (*moved)[3]) {
    DfyTreeColumn *own = &columns->of[0];
    if (dfy_tree_moves_runs(columns->move))
        dfy_tree_code_runs(w, columns->runs, dfy_tree_run_count(columns, state->count));
    dfy_tree_walk_begin(w, 0);
    for (int k = 0; own->present && k < 3; k++)
        dfy_tree_code_numbers(w, k, 0, own->numbers + (size_t)k * state->count, NULL);
    dfy_tree_walk_end(w, own->present ? 3 : 0);
    place_all(state, columns, moved);
}

/* ---------------------------------------------------------------- values */

static void turn_splat(DfyTreeSplat *s, const int16_t *numbers, size_t count, size_t i, int32_t step) {
    int64_t v[4] = {DFY_TURN_ONE}, most = DFY_TURN_ONE;
    int32_t q[4], turned[4];
    for (size_t k = 0; k < 3; k++) {
        v[k + 1] = (int64_t)numbers[k * count + i] * step * (DFY_TURN_ONE >> DFY_TREE_TURN_FRACTION);
        if (llabs(v[k + 1]) > most) most = llabs(v[k + 1]);
    }
    int shift = 0;
    while (most >> shift > DFY_TURN_ONE) shift++;
    for (int k = 0; k < 4; k++) v[k] >>= shift;
    dfy_turn_normalise_near(q, v);
    dfy_turn_multiply_near(turned, q, s->turn);
    memcpy(s->turn, turned, sizeof turned);
}

static int32_t moved_to(int32_t predicted, int32_t number, int32_t step, int32_t limit) {
    return dfy_within(predicted + (int64_t)number * step, limit);
}

/* Predictions and what is coded beyond them, of one attribute of a splat; whether anything may have changed. */
static int apply_to(const DfyTreeGrid *g, DfyTreeSplat *s, const DfyTreeMean *m, const DfyTreeColumn *c, int kind,
                    size_t i, size_t count) {
    const int16_t *n = c->numbers;
    size_t columns = kind == 3 ? 1 : 3;
    int any = 0;
    for (size_t k = 0; c->present && k < columns; k++) any |= n[k * count + i];
    if (!any && !c->from_mean) return 0;
    if (kind == 1) {
        if (c->from_mean) memcpy(s->turn, m->turn, sizeof s->turn);
        if (any) turn_splat(s, n, count, i, c->step);
    } else if (kind == 3) {
        s->alpha = moved_to(c->from_mean ? m->alpha : s->alpha, any ? n[i] : 0, c->step, DFY_TREE_ONE);
        if (s->alpha < 0) s->alpha = 0;
    } else {
        int32_t *values = kind == 2 ? s->scale : s->dc_part, limit = kind == 2 ? DFY_TREE_MOST_SCALE : 1 << 28;
        const int32_t *means = kind == 2 ? m->scale : m->dc_part;
        for (size_t k = 0; k < 3; k++)
            values[k] = moved_to(c->from_mean ? means[k] : values[k], any ? n[k * count + i] : 0, c->step, limit);
        if (kind == 4) dfy_tree_dc(g, s);
    }
    return 1;
}

static void apply_column(DfyTreeState *state, const DfyTreeColumn *c, int kind) {
    for (size_t i = 0; (c->present || c->from_mean) && i < state->count; i++)
        if (apply_to(&state->grid, &state->splats[i], &state->past.means[i], c, kind, i, state->count))
            state->splats[i].dirty |= (uint8_t)(1 << kind);
}

static void apply_rest(DfyTreeState *state, const DfyTreeColumn *c) {
    size_t values = (size_t)dfy_tree_rest(&state->grid) * state->count;
    if (c->from_mean && values) {
        memcpy(state->rest, state->past.rest, values * sizeof *state->rest);
        for (uint32_t i = 0; i < state->count; i++) state->splats[i].dirty |= DFY_TREE_SH;
    }
    if (c->present) dfy_tree_add_rest(state, c->numbers, c->step);
}

/* ---------------------------------------------------------------- frame */

static int alloc_numbers(int16_t **numbers, size_t count) {
    if (!*numbers) *numbers = malloc((count ? count : 1) * sizeof **numbers);
    return *numbers ? DFY_OK : DFY_ERROR_MEMORY;
}

static int code_heads(DfyRangeCoder *coder, const DfyTreeState *state, DfyTreeColumns *columns) {
    int status = DFY_OK;
    columns->move = (int)dfy_code_raw(coder, MOVE_BITS, (uint32_t)columns->move) % DFY_TREE_MOVES;
    columns->smooth = (int)dfy_code_raw(coder, SHIFT_BITS, (uint32_t)columns->smooth);
    columns->steady = (int)dfy_code_raw(coder, SHIFT_BITS, (uint32_t)columns->steady);
    columns->gentle = (int)dfy_code_raw(coder, SHIFT_BITS, (uint32_t)columns->gentle);
    if (dfy_tree_moves_runs(columns->move)) {
        uint32_t length = (uint32_t)(columns->run_bits - DFY_TREE_RUN_LEAST);
        columns->run_bits = (int)dfy_code_raw(coder, RUN_LENGTH_BITS, length) + DFY_TREE_RUN_LEAST;
        status = alloc_numbers(&columns->runs, dfy_tree_run_count(columns, state->count) * 3);
    }
    for (int kind = 0; !status && kind < DFY_TREE_KINDS; kind++) {
        DfyTreeColumn *c = &columns->of[kind];
        c->present = (int)dfy_code_raw(coder, 1, (uint32_t)c->present);
        c->from_mean = (int)dfy_code_raw(coder, 1, (uint32_t)c->from_mean);
        c->learns = (int)dfy_code_raw(coder, 1, (uint32_t)c->learns);
        int has_step = c->present || (!kind && dfy_tree_moves_runs(columns->move));
        if (has_step) c->step = (int32_t)dfy_code_raw(coder, kind ? STEP_BITS : UNIT_BITS, (uint32_t)c->step);
        if (c->present)
            status =
                alloc_numbers(&c->numbers, (size_t)state->count * (size_t)dfy_tree_column_count(&state->grid, kind));
    }
    return status;
}

static void code_kind(DfyTreeWalk *w, DfyTreeState *state, const DfyTreeColumn *c, int kind) {
    int trellis = 0, columns = c->present ? dfy_tree_column_count(&state->grid, kind) : 0;
    dfy_tree_walk_begin(w, kind);
    for (int k = 0; k < columns; k++)
        dfy_tree_code_numbers(w, first_column[kind] + k, first_column[kind], c->numbers + (size_t)k * state->count,
                              &trellis);
    dfy_tree_walk_end(w, columns);
    if (kind < DFY_TREE_KINDS - 1)
        apply_column(state, c, kind);
    else
        apply_rest(state, c);
}

int dfy_tree_code_columns(DfyRangeCoder *coder, DfyTokens *tokens, DfyTreeState *state, DfyTreeColumns *columns,
                          DfyMessage *message) {
    int32_t(*moved)[3] = malloc((state->count ? state->count : 1) * sizeof *moved);
    DfyTreeWalk w = {.memory = NULL};
    int status = moved ? dfy_tree_columns_begin(state, message) : DFY_ERROR_MEMORY;
    if (!status) status = dfy_tree_walk_open(&w, coder, tokens, state);
    if (!status) status = code_heads(coder, state, columns);
    if (!status) code_places(&w, state, columns, moved);
    for (int kind = 1; !status && kind < DFY_TREE_KINDS; kind++) code_kind(&w, state, &columns->of[kind], kind);
    for (int kind = 0; !status && kind < DFY_TREE_KINDS; kind++) dfy_tree_learn_means(state, &columns->of[kind], kind);
    dfy_tree_walk_close(&w);
    free(moved);
    if (status) return dfy_fail(message, status, "There is no memory for a frame of %u splats.", state->count);
    return DFY_OK;
}

void dfy_tree_columns_free(DfyTreeColumns *columns) {
    for (int kind = 0; kind < DFY_TREE_KINDS; kind++) free(columns->of[kind].numbers);
    free(columns->runs);
    *columns = (DfyTreeColumns){.used = 0};
}
