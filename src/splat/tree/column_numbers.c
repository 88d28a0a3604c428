#include "splat/tree/column_numbers.h"

#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"
#include "diffy/diffy.h"
#include "splat/quant/trellis.h"

enum {
    NEAR_CLASSES = 8, /* of the neighbours' numbers in the same column */
    OWN_CLASSES = 4,  /* of the splat's numbers in the columns before */
    CLASSES = NEAR_CLASSES * OWN_CLASSES,
    ENERGIES = 8,    /* of its numbers in frames before, */
    BESIDE = 4,      /* together with classes of the neighbours' */
    LARGEST = 63,    /* size that is told apart */
    RUN_CLASSES = 4, /* of the last run's number */
    SKIPPED = 32,    /* splats under one flag that says whether any number is not 0 */
    BEFORE = 64,     /* zeros before the first splat's size: nearest splats are 40 before at most */
    TRUST = 6        /* uses that a model is said to have had when it begins as the last column's */
};

/* Models of a column's numbers, by quantiser. */
typedef struct ColumnModels {
    DfyTokenModel of[2][CLASSES], by_energy[2][ENERGIES * BESIDE], escaped;
    DfyBit any[4];
    int known;
} ColumnModels;

typedef struct DfyTreeModels {
    ColumnModels columns[DFY_TREE_COLUMNS];
    DfyTokenModel runs[3][RUN_CLASSES], escaped_runs[3];
} DfyTreeModels;

/* How much less likely than a number the next one is, by how large the neighbours' are. */
static const uint8_t ratios[NEAR_CLASSES] = {24, 64, 104, 150, 190, 219, 236, 246};

static void begin_column(ColumnModels *m) {
    for (int q = 0; q < 2; q++)
        for (int c = 0; c < CLASSES; c++) dfy_token_model(&m->of[q][c], ratios[c / OWN_CLASSES]);
    for (int q = 0; q < 2; q++)
        for (int c = 0; c < ENERGIES * BESIDE; c++) dfy_token_model(&m->by_energy[q][c], ratios[c % BESIDE * 2 + 1]);
    dfy_token_model(&m->escaped, 160);
    for (int i = 0; i < 4; i++) m->any[i] = DFY_BIT_EVEN;
    m->known = 1;
}

/* A column begins with what the one before has learnt, but learns fast. */
static void follow_column(ColumnModels *m, const ColumnModels *last) {
    *m = *last;
    for (int q = 0; q < 2; q++)
        for (int c = 0; c < CLASSES; c++)
            if (m->of[q][c].uses > TRUST) m->of[q][c].uses = TRUST;
    for (int q = 0; q < 2; q++)
        for (int c = 0; c < ENERGIES * BESIDE; c++)
            if (m->by_energy[q][c].uses > TRUST) m->by_energy[q][c].uses = TRUST;
}

DfyTreeModels *dfy_tree_models_new(void) {
    DfyTreeModels *models = calloc(1, sizeof *models);
    for (int k = 0; models && k < 3; k++) {
        for (int c = 0; c < RUN_CLASSES; c++) dfy_token_model(&models->runs[k][c], ratios[c + 2]);
        dfy_token_model(&models->escaped_runs[k], 160);
    }
    return models;
}

/* ---------------------------------------------------------------- a way through */

int dfy_tree_walk_open(DfyTreeWalk *w, DfyRangeCoder *coder, DfyTokens *tokens, const DfyTreeState *state) {
    size_t count = state->count, blocks = count / SKIPPED + 1;
    uint8_t *memory = calloc(BEFORE + 3 * count + blocks, 1);
    *w = (DfyTreeWalk){.coder = coder,
                       .tokens = tokens,
                       .models = state->past.models,
                       .back = (const uint8_t(*)[DFY_TREE_NEAR])state->past.back,
                       .count = state->count,
                       .memory = memory,
                       .energies = state->past.energy};
    if (!memory) return DFY_ERROR_MEMORY;
    w->size = memory + BEFORE;
    w->own = w->size + count;
    w->sum = w->own + count;
    w->skipped = w->sum + count;
    return DFY_OK;
}

void dfy_tree_walk_close(DfyTreeWalk *w) {
    free(w->memory);
    w->memory = NULL;
}

void dfy_tree_walk_begin(DfyTreeWalk *w, int kind) {
    memset(w->own, 0, 2 * (size_t)w->count); /* and w->sum */
    w->energy = kind == DFY_TREE_KINDS - 1 ? NULL : w->energies + (size_t)kind * w->count;
}

void dfy_tree_walk_end(DfyTreeWalk *w, int columns) {
    for (uint32_t i = 0; w->energy && columns && i < w->count; i++) {
        uint32_t now = dfy_min_count(w->sum[i] * (columns == 1 ? 8u : 3u), 255);
        w->energy[i] = (uint8_t)((3 * w->energy[i] + now + 2) / 4);
    }
}

/* ---------------------------------------------------------------- numbers */

/* Bits of a number, 0 of 0. */
static inline uint32_t bits_of(uint32_t value) {
    return (uint32_t)(31 - __builtin_clz(2 * value + 1));
}

/* The class of the neighbours' sizes. */
DFY_TOKEN_INLINE uint32_t around_of(const uint8_t *size, const uint8_t *back) {
    uint32_t sum = (uint32_t)size[-(int)back[0]] + size[-(int)back[1]] + size[-(int)back[2]] + size[-(int)back[3]];
    return dfy_min_count(bits_of(sum), NEAR_CLASSES - 1);
}

/* How numbers of a column are coded: with models that know frames before, or those of their column alone; and as a
 * trellis' multiples, or plainly. */
typedef struct Manner {
    int encoding, has_energy, has_trellis;
} Manner;

DFY_TOKEN_INLINE void code_some(DfyTreeWalk *w, DfyTokens *tokens, ColumnModels *m, int16_t *numbers, uint32_t from,
                                uint32_t to, int *trellis, Manner how) {
    int state = *trellis, most = DFY_TREE_NUMBER_MOST / (how.has_trellis ? 2 : 1);
    uint8_t *sizes = w->size, *owns = w->own, *sums = w->sum;
    const uint8_t *energies = w->energy, (*back)[DFY_TREE_NEAR] = w->back;
    for (uint32_t i = from; i < to; i++) {
        uint32_t around = around_of(sizes + i, back[i]), own = owns[i];
        DfyTokenModel *model = &m->of[state & 1][around * OWN_CLASSES + (bits_of(own) + 1) / 2];
        int32_t coded = !how.encoding ? 0 : how.has_trellis ? dfy_trellis_coded(state, numbers[i]) : numbers[i];
        if (how.has_energy) {
            uint32_t energy = dfy_min_count(bits_of(energies[i]), ENERGIES - 1);
            DfyTokenModel *other = &m->by_energy[state & 1][energy * BESIDE + around / 2];
            coded = dfy_token_mixed_number(tokens, model, other, &m->escaped, coded, how.encoding);
        } else {
            coded = dfy_token_number(tokens, model, &m->escaped, coded, how.encoding);
        }
        if (coded > most || coded < -most) coded = 0; /* only in damaged bytes */
        uint32_t size = (uint32_t)(coded < 0 ? -coded : coded);
        numbers[i] = (int16_t)(how.has_trellis ? dfy_trellis_value(state, coded) : coded);
        sizes[i] = (uint8_t)dfy_min_count(size, LARGEST);
        owns[i] = (uint8_t)(own / 2 + 2 * dfy_min_count(size, 15));
        if (how.has_energy) sums[i] = (uint8_t)(sums[i] + dfy_min_count(size, LARGEST));
        state = how.has_trellis ? dfy_trellis_next(state, coded) : 0;
    }
    *trellis = state;
}

static void code_zeros(DfyTreeWalk *w, int16_t *numbers, uint32_t from, uint32_t to, int *trellis) {
    memset(numbers + from, 0, (to - from) * sizeof *numbers);
    memset(w->size + from, 0, to - from);
    for (uint32_t i = from; i < to; i++) w->own[i] /= 2;
    for (uint32_t i = from; i < to; i++) *trellis = dfy_trellis_next(*trellis, 0); /* 0 stays */
}

static int any_number(const int16_t *numbers, uint32_t from, uint32_t to) {
    int any = 0;
    for (uint32_t i = from; i < to; i++) any |= numbers[i];
    return any != 0;
}

DFY_TOKEN_INLINE void code_column(DfyTreeWalk *w, ColumnModels *m, int16_t *numbers, int *trellis, Manner how) {
    uint32_t last = 0;
    DfyTokens tokens = *w->tokens; /* its own, so that it stays in registers */
    for (uint32_t from = 0, block = 0; from < w->count; from += SKIPPED, block++) {
        uint32_t to = w->count - from < SKIPPED ? w->count : from + SKIPPED;
        DfyBit *flag = &m->any[last * 2 + w->skipped[block]];
        uint32_t any = (uint32_t)dfy_code_bit(w->coder, flag, how.encoding ? any_number(numbers, from, to) : 0);
        w->skipped[block] = (uint8_t)!any;
        last = any;
        if (any)
            code_some(w, &tokens, m, numbers, from, to, trellis, how);
        else
            code_zeros(w, numbers, from, to, trellis);
    }
    *w->tokens = tokens;
}

/* The same where the manner is known. */
static void decode_with_energy(DfyTreeWalk *w, ColumnModels *m, int16_t *numbers, int *trellis, int has_trellis) {
    code_column(w, m, numbers, trellis, (Manner){0, 1, has_trellis});
}
static void decode_alone(DfyTreeWalk *w, ColumnModels *m, int16_t *numbers, int *trellis) {
    code_column(w, m, numbers, trellis, (Manner){0, 0, 1});
}
static void encode_any(DfyTreeWalk *w, ColumnModels *m, int16_t *numbers, int *trellis, int has_trellis) {
    code_column(w, m, numbers, trellis, (Manner){1, w->energy != NULL, has_trellis});
}

void dfy_tree_code_numbers(DfyTreeWalk *w, int column, int first, int16_t *numbers, int *trellis) {
    ColumnModels *m = &w->models->columns[column];
    int none = 0, has_trellis = trellis != NULL;
    if (!m->known && column > first)
        follow_column(m, m - 1);
    else if (!m->known)
        begin_column(m);
    if (!has_trellis) trellis = &none;
    if (DFY_SPLAT_ENCODES && w->coder->mode)
        encode_any(w, m, numbers, trellis, has_trellis);
    else if (w->energy)
        decode_with_energy(w, m, numbers, trellis, has_trellis);
    else
        decode_alone(w, m, numbers, trellis);
}

DFY_TOKEN_INLINE void code_runs(DfyTreeWalk *w, int16_t *runs, size_t count, int encoding) {
    DfyTreeModels *m = w->models;
    int32_t last[3] = {0, 0, 0};
    uint32_t class[3] = {0, 0, 0};
    for (size_t r = 0; r < count; r++)
        for (int k = 0; k < 3; k++) {
            int16_t *own = &runs[r * 3 + (size_t)k];
            int32_t more = dfy_token_number(w->tokens, &m->runs[k][class[k]], &m->escaped_runs[k],
                                            encoding ? *own - last[k] : 0, encoding);
            last[k] = dfy_within((int64_t)last[k] + more, DFY_TREE_NUMBER_MOST);
            *own = (int16_t)last[k];
            class[k] = dfy_min_count((bits_of((uint32_t)abs(more)) + 1) / 2, RUN_CLASSES - 1);
        }
}

void dfy_tree_code_runs(DfyTreeWalk *w, int16_t *runs, size_t count) {
    if (DFY_SPLAT_ENCODES && w->coder->mode)
        code_runs(w, runs, count, 1);
    else
        code_runs(w, runs, count, 0);
}
