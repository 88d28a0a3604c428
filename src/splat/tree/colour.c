/*
 * tree-range: colour coefficients, one after the other over all splats. So a coefficient's models are few and stay in
 * the fastest cache, and they begin as the last coefficient's ended, as coefficients are alike; what contexts know of
 * the coefficients before is kept for each splat.
 */
#include "splat/tree/colour.h"

#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"
#include "diffy/diffy.h"
#include "splat/quant/trellis.h"

enum {
    TRUST = 12,  /* uses that a model is said to have had when the next coefficient begins */
    AROUND = 16, /* classes of the neighbours' energy */
    NEAR = 6,    /* of their sizes in this column */
    TOTALS = 21, /* of the splat's energy so far */
    RECENT = 5,  /* of its last coefficients' sizes */
    BEFORE = 4   /* splats before the first, of which nothing is known */
};

/* What contexts know of a splat: its coefficients so far. */
typedef struct Seen {
    uint16_t sum; /* of magnitudes */
    uint8_t recent, energy, size;
} Seen;

typedef struct ColourCoder {
    DfyTokens *tokens;
    const uint8_t (*back)[DFY_TREE_NEAR];
    Seen *seen;
    int16_t *column;
    uint32_t count;
    int trellis;
    DfyTokenModel by_near[2][AROUND][NEAR], by_own[2][TOTALS][RECENT], escaped;
} ColourCoder;

static inline uint32_t bits_of(uint32_t value) {
    return (uint32_t)(31 - __builtin_clz(2 * value + 1));
}

DFY_TOKEN_INLINE int32_t code_one(ColourCoder *c, DfyTokens *tokens, uint32_t i, int32_t coded, int encoding) {
    const uint8_t *back = c->back[i];
    const Seen *seen = &c->seen[i];
    uint32_t near_size = 0, around = 0, quantiser = (uint32_t)c->trellis & 1;
    for (int j = 0; j < DFY_TREE_NEAR; j++) {
        const Seen *other = seen - back[j];
        near_size += other->size;
        around += other->energy;
    }
    around = dfy_min_count(around / 48, AROUND - 1);
    DfyTokenModel *near = &c->by_near[quantiser][around][dfy_min_count(bits_of(near_size), NEAR - 1)];
    DfyTokenModel *own = &c->by_own[quantiser][dfy_min_count(seen->energy / 8u, TOTALS - 1)]
                                   [dfy_min_count(bits_of(seen->recent), RECENT - 1)];
    return dfy_token_mixed_number(tokens, near, own, &c->escaped, coded, encoding);
}

DFY_TOKEN_INLINE void pass(ColourCoder *c, uint32_t i, int32_t coded) {
    Seen *seen = &c->seen[i];
    int32_t value = dfy_trellis_value(c->trellis, coded);
    uint32_t size = (uint32_t)abs(value);
    c->column[i] = (int16_t)value;
    seen->size = (uint8_t)dfy_min_count(size, 16);
    c->trellis = dfy_trellis_next(c->trellis, coded);
    seen->recent = (uint8_t)(seen->recent / 2 + dfy_min_count((uint32_t)abs(coded), 8) * 2);
    if (!coded) return;
    seen->sum = (uint16_t)(seen->sum + dfy_min_count(size, 64));
    seen->energy = (uint8_t)dfy_min_count((uint32_t)dfy_log2_16(seen->sum * 4u), 186);
}

DFY_TOKEN_INLINE void code_column_of(ColourCoder *c, int encoding) {
    DfyTokens tokens = *c->tokens; /* its own, so that it stays in registers */
    for (uint32_t i = 0; i < c->count; i++) {
        int32_t coded = code_one(c, &tokens, i, encoding ? dfy_trellis_coded(c->trellis, c->column[i]) : 0, encoding);
        pass(c, i, coded > 16383 || coded < -16383 ? 0 : coded); /* larger only in damaged bytes */
    }
    *c->tokens = tokens;
}
static void decode_column(ColourCoder *c) {
    code_column_of(c, 0);
}
static void encode_column(ColourCoder *c) {
    code_column_of(c, 1);
}

static void trust_less(DfyTokenModel *models, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (models[i].uses > TRUST) models[i].uses = TRUST;
}

static void begin_models(ColourCoder *c) {
    for (int q = 0; q < 2; q++) {
        for (int a = 0; a < AROUND; a++)
            for (int n = 0; n < NEAR; n++) dfy_token_model(&c->by_near[q][a][n], (uint32_t)(60 + 30 * n));
        for (int t = 0; t < TOTALS; t++)
            for (int r = 0; r < RECENT; r++) dfy_token_model(&c->by_own[q][t][r], (uint32_t)(80 + 30 * r));
    }
    dfy_token_model(&c->escaped, 160);
}

int dfy_tree_code_colours(DfyTokens *tokens, int encoding, const DfyTreeState *state,
                          const uint8_t (*back)[DFY_TREE_NEAR], int16_t *sh) {
    ColourCoder *c = malloc(sizeof *c);
    Seen *memory = calloc((size_t)state->count + BEFORE, sizeof *memory);
    int n = dfy_tree_rest(&state->grid), status = c && memory ? DFY_OK : DFY_ERROR_MEMORY;
    if (!status) {
        *c = (ColourCoder){.tokens = tokens, .back = back, .seen = memory + BEFORE, .count = state->count};
        begin_models(c);
    }
    for (int k = 0; !status && k < n; k++) {
        c->column = sh + (size_t)k * state->count;
        if (DFY_SPLAT_ENCODES && encoding)
            encode_column(c);
        else
            decode_column(c);
        trust_less(&c->by_near[0][0][0], sizeof c->by_near / sizeof c->escaped);
        trust_less(&c->by_own[0][0][0], sizeof c->by_own / sizeof c->escaped);
    }
    free(memory);
    free(c);
    return status;
}
