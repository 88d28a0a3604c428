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
#include "splat/model/wide.h"
#include "splat/quant/trellis.h"

enum {
    CONTEXTS = 4,
    SLOT_BITS = 15,
    TRUST = 12, /* uses that a slot is said to have had when the next coefficient begins */
    /* A coefficient that is 0 but for one in RARE, by a slot of PROVEN uses, is coded by that alone: as few bytes. */
    RARE = 16,
    PROVEN = 30
};

/* First slot of each kind of context; a context has slots for either quantiser. */
enum {
    SLOTS = 2 * DFY_MIX_STEPS,
    BY_TOTAL = 0,
    TOTALS = 21,
    AROUND = 32, /* classes of the neighbours' energy, and sets of weights for them */
    SETS_AROUND = 8,
    BY_NEAR = BY_TOTAL + TOTALS * SLOTS,
    BY_RECENT = BY_NEAR + AROUND * 32 * SLOTS,
    BY_COLOUR = BY_RECENT + 16 * TOTALS * SLOTS,
    BY_SIGN = BY_COLOUR + 512 * SLOTS,
    ALL_SLOTS = BY_SIGN + 16
};
_Static_assert(ALL_SLOTS <= 1 << SLOT_BITS, "the slots have room");

/* What contexts know of a splat: its first colour, and its coefficients so far. */
typedef struct Seen {
    uint16_t colour, recent;
    uint16_t sum;          /* of magnitudes */
    uint8_t total, energy; /* its logarithm, coarse and fine */
    int16_t value;         /* the last one */
    uint16_t size;         /* its magnitude, 16 at most */
} Seen;

typedef struct ColourCoder {
    DfyMixer mixer;
    const DfyTreeNear *near;
    Seen *seen;
    int16_t *column;
    int trellis;
} ColourCoder;

/* Whether a coefficient is 0 or not. */
DFY_BODY int code_any(DfyMixer *mixer, const uint32_t contexts[CONTEXTS], int set, int any) {
    uint32_t slot = mixer->slots[contexts[0]], p;
    if (slot < UINT32_MAX / RARE && (slot & DFY_MIX_USES) > PROVEN) return dfy_mix_alone(mixer, contexts[0], any);
    return dfy_mix_in_place(mixer, contexts, CONTEXTS, set, any, &p);
}

DFY_BODY int32_t code_one(ColourCoder *c, uint32_t i, int32_t coded) {
    const DfyTreeNear *near = &c->near[i];
    const Seen *seen = &c->seen[i];
    uint32_t near_size = 0, around = 0;
    int32_t lean = 0;
    for (int j = 0; j < near->count; j++) {
        const Seen *other = &c->seen[near->splats[j]];
        near_size += other->size;
        around += other->energy;
        lean += other->value;
    }
    if (near->count == DFY_TREE_NEAR) /* a constant is divided by much faster */
        around = around / DFY_TREE_NEAR / 6;
    else
        around = near->count ? around / (uint32_t)near->count / 6 : AROUND - 1;
    uint32_t quantiser = (uint32_t)c->trellis & 1, of_quantiser = quantiser * DFY_MIX_STEPS;
    uint32_t contexts[CONTEXTS] = {
        BY_RECENT + (dfy_min_count(seen->recent, 15) * TOTALS + seen->total) * SLOTS + of_quantiser,
        BY_NEAR + (around * 32 + dfy_min_count(near_size, 31)) * SLOTS + of_quantiser,
        BY_TOTAL + seen->total * SLOTS + of_quantiser,
        BY_COLOUR + seen->colour * SLOTS + of_quantiser,
    };
    int sets = (int)(around / (AROUND / SETS_AROUND) * 2 + quantiser) * DFY_MIX_STEPS;
    if (!code_any(&c->mixer, contexts, sets, coded != 0)) return 0;
    uint32_t sign = lean > 4 ? 2 : lean > 1 ? 1 : lean < -4 ? 4 : lean < -1 ? 3 : 0;
    coded = dfy_mix_not_zero(&c->mixer, contexts, CONTEXTS, sets, sign ? BY_SIGN + sign : 0, coded);
    return coded > 16383 ? 16383 : coded < -16383 ? -16383 : coded;
}

DFY_BODY void pass(ColourCoder *c, uint32_t i, int32_t coded) {
    Seen *seen = &c->seen[i];
    int32_t value = dfy_trellis_value(c->trellis, coded);
    c->column[i] = seen->value = (int16_t)value;
    seen->size = (uint16_t)dfy_min_count((uint32_t)abs(value), 16);
    c->trellis = dfy_trellis_next(c->trellis, coded);
    seen->recent = (uint16_t)(seen->recent / 2 + dfy_min_count((uint32_t)abs(coded), 8) * 2);
    if (!coded) return;
    seen->sum = (uint16_t)(seen->sum + dfy_min_count((uint32_t)abs(value), 64));
    uint32_t size = (uint32_t)dfy_log2_16(seen->sum * 4u);
    seen->total = (uint8_t)dfy_min_count(size / 8, TOTALS - 1);
    seen->energy = (uint8_t)dfy_min_count(size, 186);
}

DFY_BODY void code_column_body(ColourCoder *c, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) pass(c, i, code_one(c, i, dfy_trellis_coded(c->trellis, c->column[i])));
    for (int s = 0; s < ALL_SLOTS; s++) {
        uint32_t slot = c->mixer.slots[s];
        if ((slot & DFY_MIX_USES) > TRUST) c->mixer.slots[s] = (slot & ~(uint32_t)DFY_MIX_USES) | TRUST;
    }
}

DFY_TWICE(code_column, (ColourCoder * c, uint32_t count), (c, count))

int dfy_tree_code_colours(DfyRangeCoder *coder, const DfyTreeState *state, const DfyTreeIndex *indices,
                          const DfyTreeNear *near, int16_t *sh) {
    ColourCoder *c = calloc(1, sizeof *c);
    int n = dfy_tree_rest(&state->grid), status = c ? dfy_mixer_open(&c->mixer, coder, SLOT_BITS) : DFY_ERROR_MEMORY;
    if (!status) {
        c->near = near;
        c->seen = calloc(state->count ? state->count : 1, sizeof *c->seen);
        if (!c->seen) status = DFY_ERROR_MEMORY;
    }
    for (uint32_t i = 0; !status && i < state->count; i++) {
        const int32_t *dc = indices[i].dc;
        c->seen[i].colour =
            (uint16_t)(dfy_min_count((uint32_t)abs(dc[0]) / 4, 7) << 6 |
                       dfy_min_count((uint32_t)abs(dc[1]) / 2, 7) << 3 | dfy_min_count((uint32_t)abs(dc[2]) / 2, 7));
    }
    for (int k = 0; !status && k < n; k++) {
        c->column = sh + (size_t)k * state->count;
        code_column(c, state->count);
    }
    if (c) {
        dfy_mixer_close(&c->mixer);
        free(c->seen);
    }
    free(c);
    return status;
}
