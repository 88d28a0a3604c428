#include "splat/tree/columns.h"

#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"
#include "splat/model/wide.h"
#include "splat/quant/trellis.h"
#include "splat/tree/colour.h"

enum {
    NEAR_CLASSES = 8, /* of the neighbours' numbers in the same column */
    OWN_CLASSES = 4,  /* of the splat's numbers in the columns before */
    STEPS = 18,       /* questions with a model: is it 0? is it 1? then how many bits the number has */
    MEAN_SHIFT_MOST = 3,
    FURTHEST = 1 << 30,
    COLUMNS = 13 + DFY_TREE_REST, /* of all attributes */
    SKIPPED = 32,                 /* splats under one flag that says whether any number is not 0 */
    UNIT_BITS = 16,
    STEP_BITS = 25
};

/* First column of each attribute. */
static const int first_column[DFY_TREE_KINDS] = {0, 3, 6, 9, 10, 13};

/* Models of a column's numbers, by quantiser. */
typedef struct DfyTreeModels {
    DfyBit of[COLUMNS][2][NEAR_CLASSES * OWN_CLASSES][STEPS];
    DfyBit any[COLUMNS][4];
} DfyTreeModels;

int dfy_tree_column_count(const DfyTreeGrid *g, int kind) {
    static const int counts[DFY_TREE_KINDS - 1] = {3, 3, 3, 1, 3};
    return kind == DFY_TREE_KINDS - 1 ? dfy_tree_rest(g) : counts[kind];
}

/* ---------------------------------------------------------------- the past */

void dfy_tree_past_free(DfyTreePast *past) {
    free(past->means);
    free(past->rest);
    free(past->near);
    free(past->models);
    *past = (DfyTreePast){0};
}

static void begin_means(DfyTreeState *state) {
    DfyTreePast *past = &state->past;
    size_t n = (size_t)dfy_tree_rest(&state->grid);
    for (uint32_t i = 0; i < state->count; i++) {
        const DfyTreeSplat *s = &state->splats[i];
        DfyTreeMean *m = &past->means[i];
        memcpy(m->place, s->place, sizeof m->place);
        memcpy(m->turn, s->turn, sizeof m->turn);
        memcpy(m->scale, s->scale, sizeof m->scale);
        memcpy(m->dc_part, s->dc_part, sizeof m->dc_part);
        m->alpha = s->alpha;
        past->near[i].count = dfy_tree_near(state, i, past->near[i].splats);
    }
    if (n && state->count) memcpy(past->rest, state->rest, n * state->count * sizeof *past->rest);
}

static void begin_models(DfyTreeModels *models) {
    DfyBit *bits = &models->of[0][0][0][0];
    for (size_t i = 0; i < sizeof models->of / sizeof *bits; i++) bits[i] = DFY_BIT_EVEN;
    for (int c = 0; c < COLUMNS; c++)
        for (int k = 0; k < 4; k++) models->any[c][k] = DFY_BIT_EVEN;
}

int dfy_tree_columns_begin(DfyTreeState *state, DfyMessage *message) {
    DfyTreePast *past = &state->past;
    size_t n = state->count ? state->count : 1, rest = (size_t)dfy_tree_rest(&state->grid);
    if (past->count && past->count == state->count) return DFY_OK;
    dfy_tree_past_free(past);
    past->means = malloc(n * sizeof *past->means);
    past->rest = malloc((n * rest + 1) * sizeof *past->rest);
    past->near = malloc(n * sizeof *past->near);
    past->models = malloc(sizeof *past->models);
    if (!past->means || !past->rest || !past->near || !past->models) {
        dfy_tree_past_free(past);
        return dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for a frame of %u splats.", state->count);
    }
    begin_means(state);
    begin_models(past->models);
    past->count = state->count;
    return DFY_OK;
}

/* ---------------------------------------------------------------- numbers */

static uint32_t bits_of(uint32_t value) {
    return value ? (uint32_t)(32 - __builtin_clz(value)) : 0;
}

/* A number under its models; every length is bounded. */
static inline int32_t code_number(DfyRangeCoder *coder, DfyBit *models, int32_t number) {
    uint32_t size = (uint32_t)abs(number);
    if (!dfy_code_bit(coder, &models[0], size != 0)) return 0;
    int negative = dfy_code_with(coder, 32768, number < 0);
    if (!dfy_code_bit(coder, &models[1], size > 1)) return negative ? -1 : 1;
    uint32_t more = size - 1, bits = 1; /* 1 and up: its bits but the first */
    while (bits < 15 && dfy_code_bit(coder, &models[1 + bits], more >> bits != 0)) bits++;
    if (bits > 1) more = 1u << (bits - 1) | dfy_code_raw(coder, (int)bits - 1, more & ((1u << (bits - 1)) - 1));
    size = bits > 1 ? more + 1 : 2;
    if (size > DFY_TREE_NUMBER_MOST) size = DFY_TREE_NUMBER_MOST;
    return negative ? -(int32_t)size : (int32_t)size;
}

/* What contexts know of the splats: numbers of this column, and of those before. */
typedef struct Walk {
    DfyRangeCoder *coder;
    DfyTreeState *state;
    uint8_t *size, *own;
    uint8_t *skipped; /* of blocks of splats: no number of the last column was other than 0 */
} Walk;

static inline uint32_t context_of(const Walk *w, uint32_t i) {
    const DfyTreeNear *near = &w->state->past.near[i];
    uint32_t sum = 0;
    for (int j = 0; j < near->count; j++) sum += w->size[near->splats[j]];
    uint32_t around = bits_of(sum), before = bits_of(w->own[i]);
    around = around < NEAR_CLASSES ? around : NEAR_CLASSES - 1;
    before = (before + 1) / 2;
    return around * OWN_CLASSES + (before < OWN_CLASSES ? before : OWN_CLASSES - 1);
}

static inline void note_number(Walk *w, uint32_t i, int32_t number) {
    uint32_t size = (uint32_t)abs(number);
    w->size[i] = (uint8_t)(size < 63 ? size : 63);
    size = size < 15 ? size : 15;
    w->own[i] = (uint8_t)(w->own[i] / 2 + size * 2);
}

static int any_number(const int16_t *numbers, uint32_t from, uint32_t to) {
    int any = 0;
    for (uint32_t i = from; i < to; i++) any |= numbers[i];
    return any != 0;
}

/* A column of a trellis' multiples. */
static void code_column(Walk *w, int column, int16_t *numbers, int *trellis) {
    DfyTreeModels *models = w->state->past.models;
    uint32_t count = w->state->count, last = 0;
    for (uint32_t from = 0, block = 0; from < count; from += SKIPPED, block++) {
        uint32_t to = count - from < SKIPPED ? count : from + SKIPPED;
        DfyBit *flag = &models->any[column][last * 2 + w->skipped[block]];
        uint32_t any = (uint32_t)dfy_code_bit(w->coder, flag, w->coder->mode ? any_number(numbers, from, to) : 0);
        w->skipped[block] = (uint8_t)!any;
        last = any;
        for (uint32_t i = from; i < to; i++) {
            int32_t coded = 0;
            if (any) {
                DfyBit *own = models->of[column][*trellis & 1][context_of(w, i)];
                coded = code_number(w->coder, own, w->coder->mode ? dfy_trellis_coded(*trellis, numbers[i]) : 0);
                if (abs(coded) > DFY_TREE_NUMBER_MOST / 2) coded = 0; /* only in damaged bytes */
                numbers[i] = (int16_t)dfy_trellis_value(*trellis, coded);
            } else {
                numbers[i] = 0;
            }
            note_number(w, i, coded);
            *trellis = dfy_trellis_next(*trellis, coded);
        }
    }
}

/* ---------------------------------------------------------------- positions */

void dfy_tree_predict_place(const DfyTreeState *state, const DfyTreeColumns *columns, const int32_t (*moved)[3],
                            uint32_t i, int32_t base[3], int32_t predicted[3]) {
    static const int weights[DFY_TREE_NEAR] = {4, 3, 2, 2};
    const DfyTreeSplat *s = &state->splats[i];
    const DfyTreeNear *near = &state->past.near[i];
    int move = columns->move, on = move == DFY_TREE_MOVE_ON || move == DFY_TREE_MOVE_BOTH;
    int by_near = move == DFY_TREE_MOVE_NEAR || move == DFY_TREE_MOVE_BOTH;
    for (int k = 0; k < 3; k++) {
        int64_t sum = 0, total = 0;
        for (int j = 0; by_near && j < near->count; j++) {
            uint32_t other = near->splats[j];

            sum += (int64_t)weights[j] * moved[other][k];
            total += weights[j];
        }
        base[k] = columns->of[0].from_mean ? state->past.means[i].place[k] : s->place[k];
        int64_t way = (total ? sum / total : 0) + (on ? s->velocity[k] : 0);
        predicted[k] = dfy_within(base[k] + way, FURTHEST);
    }
}

/* Moves splat i to where it is now; velocity becomes its move, and *extra what the neighbours of later ones see of it.
 */
static void place_splat(DfyTreeState *state, const DfyTreeColumns *columns, uint32_t i, const int32_t base[3],
                        const int32_t predicted[3], const int32_t numbers[3], int32_t extra[3]) {
    DfyTreeSplat *s = &state->splats[i];
    DfyTreeMean *mean = &state->past.means[i];
    int shift = state->past.age < 1 ? 1 : state->past.age < 3 ? 2 : MEAN_SHIFT_MOST;
    for (int k = 0; k < 3; k++) {
        int32_t now = dfy_within(predicted[k] + (int64_t)numbers[k] * columns->of[0].step, FURTHEST);
        int32_t move = dfy_within((int64_t)now - base[k], FURTHEST), before = s->velocity[k];
        int32_t expected =
            columns->of[0].from_mean ? predicted[k] : dfy_within((int64_t)mean->place[k] + move, FURTHEST);
        extra[k] = columns->move == DFY_TREE_MOVE_BOTH ? dfy_within((int64_t)move - before, FURTHEST) : move;
        mean->place[k] = dfy_within(expected + (((int64_t)now - expected) >> shift), FURTHEST);
        s->velocity[k] = move;
        s->place[k] = now;
    }
    s->dirty = 1;
}

static void code_places(Walk *w, DfyTreeColumns *columns, int32_t (*moved)[3], uint8_t *sizes) {
    DfyTreeState *state = w->state;
    DfyTreeColumn *own = &columns->of[0];
    size_t count = state->count;
    for (uint32_t i = 0; i < state->count; i++) {
        int32_t base[3], predicted[3], numbers[3] = {0, 0, 0};
        dfy_tree_predict_place(state, columns, (const int32_t(*)[3])moved, i, base, predicted);
        for (int k = 0; own->present && k < 3; k++) {
            w->size = sizes + (size_t)k * count;
            DfyBit *models = state->past.models->of[k][0][context_of(w, i)];
            numbers[k] = code_number(w->coder, models, w->coder->mode ? own->numbers[(size_t)i * 3 + (size_t)k] : 0);
            note_number(w, i, numbers[k]);
        }
        place_splat(state, columns, i, base, predicted, numbers, moved[i]);
    }
}

/* ---------------------------------------------------------------- values */

static void turn_splat(DfyTreeSplat *s, const int32_t predicted[4], const int16_t *numbers, size_t count, size_t i,
                       int32_t step) {
    int64_t v[4] = {DFY_TURN_ONE}, most = DFY_TURN_ONE;
    int32_t q[4], turned[4];
    for (size_t k = 0; k < 3; k++) {
        v[k + 1] = (int64_t)numbers[k * count + i] * step * (DFY_TURN_ONE >> DFY_TREE_TURN_FRACTION);
        if (llabs(v[k + 1]) > most) most = llabs(v[k + 1]);
    }
    int shift = 0;
    while (most >> shift > DFY_TURN_ONE) shift++;
    for (int k = 0; k < 4; k++) v[k] >>= shift;
    dfy_turn_normalise(q, v);
    dfy_turn_multiply(turned, q, predicted);
    memcpy(s->turn, turned, sizeof turned);
}

static int32_t moved_to(int32_t predicted, int32_t number, int32_t step, int32_t limit) {
    return dfy_within(predicted + (int64_t)number * step, limit);
}

/* Predictions and what is coded beyond them, of one attribute of all splats. */
static void apply_column(DfyTreeState *state, const DfyTreeColumn *c, int kind) {
    size_t count = state->count;
    const int16_t *n = c->numbers;
    for (size_t i = 0; i < count; i++) {
        DfyTreeSplat *s = &state->splats[i];
        const DfyTreeMean *m = &state->past.means[i];
        if (kind == 1 && c->from_mean) memcpy(s->turn, m->turn, sizeof s->turn);
        if (kind == 2 && c->from_mean) memcpy(s->scale, m->scale, sizeof s->scale);
        if (kind == 3 && c->from_mean) s->alpha = m->alpha;
        if (kind == 4 && c->from_mean) memcpy(s->dc_part, m->dc_part, sizeof s->dc_part);
        if (c->present && kind == 1 && (n[i] || n[count + i] || n[2 * count + i]))
            turn_splat(s, s->turn, n, count, i, c->step);
        for (size_t k = 0; c->present && k < 3; k++) {
            if (kind == 2) s->scale[k] = moved_to(s->scale[k], n[k * count + i], c->step, DFY_TREE_MOST_SCALE);
            if (kind == 4) s->dc_part[k] = moved_to(s->dc_part[k], n[k * count + i], c->step, 1 << 28);
        }
        if (c->present && kind == 3) s->alpha = moved_to(s->alpha, n[i], c->step, DFY_TREE_ONE);
        if (s->alpha < 0) s->alpha = 0;
        if (kind == 4) dfy_tree_dc(&state->grid, s);
    }
}

static void apply_rest(DfyTreeState *state, const DfyTreeColumn *c) {
    size_t values = (size_t)dfy_tree_rest(&state->grid) * state->count;
    if (c->from_mean && values) memcpy(state->rest, state->past.rest, values * sizeof *state->rest);
    if (c->present) dfy_tree_add_rest(state, c->numbers, c->step);
}

/* ---------------------------------------------------------------- means */

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
    dfy_turn_normalise(mean, sum);
}

/* Values are below 2^28, so that differences have 32 bits. */
DFY_BODY void mean_of_rest_body(int32_t *mean, const int32_t *rest, size_t count, int shift) {
    for (size_t i = 0; i < count; i++) mean[i] += (rest[i] - mean[i]) >> shift;
}
DFY_TWICE(mean_of_rest, (int32_t * mean, const int32_t *rest, size_t count, int shift), (mean, rest, count, shift))

static void update_means(DfyTreeState *state) {
    DfyTreePast *past = &state->past;
    int shift = past->age < 1 ? 1 : past->age < 3 ? 2 : MEAN_SHIFT_MOST;
    for (size_t i = 0; i < state->count; i++) {
        const DfyTreeSplat *s = &state->splats[i];
        DfyTreeMean *m = &past->means[i];
        mean_of_turn(m->turn, s->turn, shift);
        for (int k = 0; k < 3; k++) {
            m->scale[k] = nearer(m->scale[k], s->scale[k], shift);
            m->dc_part[k] = nearer(m->dc_part[k], s->dc_part[k], shift);
        }
        m->alpha = nearer(m->alpha, s->alpha, shift);
    }
    mean_of_rest(past->rest, state->rest, state->count * (size_t)dfy_tree_rest(&state->grid), shift);
    past->age++;
}

/* ---------------------------------------------------------------- frame */

static int alloc_numbers(DfyTreeColumn *c, const DfyTreeState *state, int kind) {
    size_t values = (size_t)state->count * (size_t)dfy_tree_column_count(&state->grid, kind);
    if (!c->numbers) c->numbers = calloc(values ? values : 1, sizeof *c->numbers);
    return c->numbers ? DFY_OK : DFY_ERROR_MEMORY;
}

static int code_heads(DfyRangeCoder *coder, const DfyTreeState *state, DfyTreeColumns *columns) {
    int status = DFY_OK;
    columns->move = (int)dfy_code_raw(coder, 2, (uint32_t)columns->move);
    for (int kind = 0; !status && kind < DFY_TREE_KINDS; kind++) {
        DfyTreeColumn *c = &columns->of[kind];
        c->present = (int)dfy_code_raw(coder, 1, (uint32_t)c->present);
        c->from_mean = (int)dfy_code_raw(coder, 1, (uint32_t)c->from_mean);
        if (!c->present) continue;
        c->step = (int32_t)dfy_code_raw(coder, kind ? STEP_BITS : UNIT_BITS, (uint32_t)c->step);
        status = alloc_numbers(c, state, kind);
    }
    return status;
}

int dfy_tree_code_columns(DfyRangeCoder *coder, DfyTreeState *state, DfyTreeColumns *columns, DfyMessage *message) {
    size_t count = state->count ? state->count : 1;
    int32_t(*moved)[3] = malloc(count * sizeof *moved);
    uint8_t *bytes = calloc(count, 4 + 1);
    Walk w = {coder, state, bytes, bytes + 3 * count, bytes + 4 * count};
    int status = moved && bytes ? dfy_tree_columns_begin(state, message) : DFY_ERROR_MEMORY;
    if (!status) status = code_heads(coder, state, columns);
    if (!status) code_places(&w, columns, moved, bytes);
    for (int kind = 1; !status && kind < DFY_TREE_KINDS; kind++) {
        DfyTreeColumn *c = &columns->of[kind];
        int trellis = 0;
        w.size = bytes;
        memset(w.own, 0, count);
        for (int k = 0; c->present && k < dfy_tree_column_count(&state->grid, kind); k++)
            code_column(&w, first_column[kind] + k, c->numbers + (size_t)k * state->count, &trellis);
        if (kind < DFY_TREE_KINDS - 1)
            apply_column(state, c, kind);
        else
            apply_rest(state, c);
    }
    if (!status) update_means(state);
    free(moved);
    free(bytes);
    if (status) return dfy_fail(message, status, "There is no memory for a frame of %u splats.", state->count);
    return DFY_OK;
}

void dfy_tree_columns_free(DfyTreeColumns *columns) {
    for (int kind = 0; kind < DFY_TREE_KINDS; kind++) free(columns->of[kind].numbers);
    *columns = (DfyTreeColumns){.used = 0};
}
