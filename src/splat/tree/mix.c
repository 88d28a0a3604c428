#include "splat/tree/mix.h"

#include <stdlib.h>
#include <string.h>

#include "diffy/diffy.h"
#include "entropy/logistic.h"
#include "splat/model/wide.h"

enum {
    GOLOMB_FROM = 18,
    PAYS = 4, /* 1/256 bit */
    CONTEXTS = DFY_MIX_OF_NUMBER,
    LINE = 64 /* bytes of a cache line: a context's 16 slots lie in one */
};

/* The first line's start in memory that has one byte to spare for each of a line. */
static void *aligned(void *memory) {
    return memory ? (void *)(((uintptr_t)memory + LINE - 1) & ~(uintptr_t)(LINE - 1)) : NULL;
}

int dfy_mixer_open(DfyMixer *mixer, DfyRangeCoder *coder, int slot_bits) {
    size_t slots = (size_t)1 << slot_bits;
    mixer->coder = coder;
    mixer->slot_mask = slots - 1;
    mixer->memory = malloc(slots * sizeof *mixer->slots + LINE);
    mixer->slots = aligned(mixer->memory);
    mixer->weight_memory = malloc(DFY_MIX_SETS * sizeof *mixer->weights + LINE);
    mixer->weights = aligned(mixer->weight_memory);
    if (!mixer->slots || !mixer->weights) {
        dfy_mixer_close(mixer);
        return DFY_ERROR_MEMORY;
    }
    for (size_t i = 0; i < slots; i++) mixer->slots[i] = 1u << 31;
    for (int i = 0; i < DFY_MIX_SETS; i++)
        for (int j = 0; j < DFY_MIX_LANES; j++) mixer->weights[i][j] = DFY_MIX_WEIGHT;
    dfy_logistic_curve(mixer->squash, mixer->stretch, DFY_MIX_MARGIN);
    for (uint32_t uses = 0; uses <= DFY_MIX_SETTLED; uses++) mixer->by_uses[uses] = dfy_mix_by_uses(uses);
    return DFY_OK;
}

void dfy_mixer_close(DfyMixer *mixer) {
    free(mixer->memory);
    free(mixer->weight_memory);
    mixer->memory = mixer->weight_memory = NULL;
    mixer->slots = NULL;
    mixer->weights = NULL;
}

/* A bit under contexts whose number is known where this is put in place. */
DFY_BODY void bit_body(int *out, DfyMixer *mixer, const uint32_t *contexts, int count, int set, int bit) {
    uint32_t p;
    if (count == 2)
        *out = dfy_mix_in_place(mixer, contexts, 2, set, bit, &p);
    else if (count == 4)
        *out = dfy_mix_in_place(mixer, contexts, 4, set, bit, &p);
    else
        *out = dfy_mix_in_place(mixer, contexts, count, set, bit, &p);
}
DFY_TWICE(bit, (int *out, DfyMixer *mixer, const uint32_t *contexts, int count, int set, int bit),
          (out, mixer, contexts, count, set, bit))

int dfy_mix_bit(DfyMixer *mixer, const uint32_t *contexts, int count, int set, int bit_in) {
    int out;
    bit(&out, mixer, contexts, count, set, bit_in);
    return out;
}

/* How far the middle of 2^bits values is from a prediction, in quarters of half of them: 0..31. */
static inline uint32_t relative_place(int32_t middle_16, int bits, int32_t prediction) {
    int32_t distance = (middle_16 - prediction) * 4, sign = distance >> 31;
    uint32_t place = (uint32_t)((distance ^ sign) - sign) >> (bits + 3);
    return ((place > 15 ? 15 : place) ^ (uint32_t)sign) + 16;
}

/* The low bits of each of which mixing saved less than PAYS. */
static int not_worth_mixing(const DfyMixDepth *depth) {
    int even = 0;
    while (even < DFY_MIX_BITS && depth->saved[even] < DFY_MIX_TRIAL * PAYS) even++;
    return even;
}

/* A number's contexts and where their slots begin, in memory of its own: what learns is known not to change it. */
typedef struct Slots {
    uint32_t hash[CONTEXTS], base[CONTEXTS];
    int32_t prediction[CONTEXTS];
} Slots;

/* The slots of the question whether a number is in the upper half of 2^left values from `low`. */
DFY_BODY void find_slots(uint32_t *slots, Slots *s, int level, int32_t low, int left, unsigned relative) {
    uint32_t depth = (uint32_t)level & 3, prefix = (uint32_t)low >> left;
    uint32_t node = 1u << depth | (prefix & ((1u << depth) - 1));
    int32_t middle_16 = low * 16 + (8 << left) - 8;
    for (int i = 0; i < CONTEXTS; i++) {
        if (relative >> i & 1) {
            slots[i] = s->base[i] + (uint32_t)level * 32 + relative_place(middle_16, left, s->prediction[i]);
        } else {
            if (!depth) s->base[i] = dfy_mix_hash(s->hash[i], prefix * 8 + (uint32_t)level / 4) & ~15u;
            slots[i] = s->base[i] + node;
        }
    }
}

/* Four levels of a number at once: those whose slots a plain context has side by side. */
enum { LEVELS = DFY_MIX_LANES, MOST_LEVELS = (DFY_MIX_BITS + LEVELS - 1) / LEVELS * LEVELS };

/*
 * The same for all questions about a number that is known, an encoder's: where a level's interval begins, the number's
 * higher bits tell.
 */
DFY_BODY void find_all_slots(DfyMixSlots slots[CONTEXTS][MOST_LEVELS / LEVELS], const Slots *s, int levels, int bits,
                             int32_t value, unsigned relative) {
    const DfyMixLanes numbers = {0, 1, 2, 3}, leading = {1, 2, 4, 8};
    for (int first = 0; first < levels; first += LEVELS) {
        DfyMixLanes left = bits - first - numbers;
        left &= left > 0;
        DfyMixLanes prefix = value >> left, node = leading + (prefix & (leading - 1));
        DfyMixLanes middle_16 = (prefix << left) * 16 + (8 << left) - 8;
        for (int i = 0; i < CONTEXTS; i++) {
            DfyMixLanes all;
            if (relative >> i & 1) {
                DfyMixLanes distance = (middle_16 - s->prediction[i]) * 4, sign = distance >> 31;
                DfyMixLanes place = ((distance ^ sign) - sign) >> (left + 3), near = place < 15;
                place = ((place & near) | (15 & ~near)) ^ sign;
                all = place + 16 + (int32_t)s->base[i] + (first + numbers) * 32;
            } else {
                uint32_t group = (uint32_t)(value >> (bits - first)) * 8 + (uint32_t)first / 4;
                all = (int32_t)(dfy_mix_hash(s->hash[i], group) & ~15u) + node;
            }
            slots[i][first / LEVELS] = (DfyMixSlots)all;
        }
    }
}

/* relative: a bit a context, known where this is put in place, as is whether this is an encoder. */
DFY_BODY int32_t number_of(DfyMixer *mixer, DfyMixDepth *depth, const DfyMixContext *contexts, unsigned relative,
                           int set, int bits, int32_t value, int encoding) {
    DfyMixSlots all[CONTEXTS][MOST_LEVELS / LEVELS];
    uint32_t slots[CONTEXTS], p;
    int32_t low = 0;
    int on_trial = depth->numbers < DFY_MIX_TRIAL, even = on_trial ? 0 : depth->even < bits ? depth->even : bits;
    Slots s;
    for (int i = 0; i < CONTEXTS; i++) {
        s.hash[i] = contexts[i].hash;
        s.base[i] = contexts[i].hash & ~31u;
        s.prediction[i] = contexts[i].prediction;
    }
    if (encoding) {
        value = value < 0 ? 0 : value >> bits ? (1 << bits) - 1 : value;
        find_all_slots(all, &s, bits - even, bits, value, relative);
    }
    for (int level = 0, left = bits; left > even; level++, left--) {
        int32_t middle = low + (1 << (left - 1));
        for (int i = 0; encoding && i < CONTEXTS; i++) slots[i] = ((const uint32_t *)all[i])[level];
        if (!encoding) find_slots(slots, &s, level, low, left, relative);
        int upper = dfy_mix_in_place(mixer, slots, CONTEXTS, set + (level < 12 ? level : 12), value >= middle, &p);
        low = upper ? middle : low;
        if (on_trial) depth->saved[left - 1] += 256 - dfy_bit_costs[(upper ? p : 65536 - p) >> 7];
    }
    return low + (int32_t)dfy_mix_even(mixer->coder, even, (uint32_t)value);
}

DFY_BODY int32_t number_in_shape(DfyMixer *mixer, DfyMixDepth *depth, const DfyMixContext *contexts, DfyMixShape shape,
                                 int set, int bits, int32_t value, int encoding) {
    if (shape == DFY_MIX_PLAIN) return number_of(mixer, depth, contexts, 0, set, bits, value, encoding);
    if (shape == DFY_MIX_PLAIN_FIRST) return number_of(mixer, depth, contexts, 6, set, bits, value, encoding);
    return number_of(mixer, depth, contexts, 3, set, bits, value, encoding);
}

DFY_BODY void number_body(int32_t *value, DfyMixer *mixer, DfyMixDepth *depth, const DfyMixContext *contexts,
                          DfyMixShape shape, int set, int bits) {
    if (!DFY_SPLAT_ENCODES || mixer->coder->mode == DFY_DECODE)
        *value = number_in_shape(mixer, depth, contexts, shape, set, bits, *value, 0);
    else
        *value = number_in_shape(mixer, depth, contexts, shape, set, bits, *value, 1);
}
DFY_TWICE(number,
          (int32_t * value, DfyMixer *mixer, DfyMixDepth *depth, const DfyMixContext *contexts, DfyMixShape shape,
           int set, int bits),
          (value, mixer, depth, contexts, shape, set, bits))

int32_t dfy_mix_number(DfyMixer *mixer, DfyMixDepth *depth, const DfyMixContext contexts[DFY_MIX_OF_NUMBER],
                       DfyMixShape shape, int set, int bits, int32_t value) {
    number(&value, mixer, depth, contexts, shape, set, bits);
    if (++depth->numbers == DFY_MIX_TRIAL) {
        depth->even = not_worth_mixing(depth);
        memset(depth->saved, 0, sizeof depth->saved);
    }
    if (depth->numbers == DFY_MIX_PERIOD) depth->numbers = 0;
    return value;
}

DFY_BODY int step_in_place(DfyMixer *mixer, const uint32_t *contexts, int count, int set, uint32_t step, int bit) {
    uint32_t slots[DFY_MIX_LANES], p;
    if (step >= DFY_MIX_STEPS) step = DFY_MIX_STEPS - 1;
    for (int i = 0; i < count; i++) slots[i] = (contexts[i] & ~(DFY_MIX_STEPS - 1u)) + step;
    return dfy_mix_in_place(mixer, slots, count, set, bit, &p);
}

DFY_BODY int32_t not_zero_of(DfyMixer *mixer, const uint32_t *contexts, int count, int sets, uint32_t sign,
                             int32_t value) {
    int negative = sign ? dfy_mix_alone(mixer, sign, value < 0) : dfy_code_with(mixer->coder, 32768, value < 0);
    int32_t magnitude = 1, wanted = abs(value);
    while (magnitude < GOLOMB_FROM) {
        int set = sets + (magnitude < 7 ? magnitude : 7);
        if (!step_in_place(mixer, contexts, count, set, (uint32_t)magnitude, wanted > magnitude)) break;
        magnitude++;
    }
    if (magnitude == GOLOMB_FROM) {
        uint32_t more = (uint32_t)(wanted - GOLOMB_FROM) + 1;
        int bits = 0;
        while (bits < 24 && dfy_code_with(mixer->coder, 32768, more >> (bits + 1) != 0)) bits++;
        more = (dfy_code_raw(mixer->coder, bits, more) & ((1u << bits) - 1)) | 1u << bits;
        magnitude = (int32_t)(GOLOMB_FROM + more - 1);
    }
    return negative ? -magnitude : magnitude;
}

DFY_BODY void not_zero_body(int32_t *value, DfyMixer *mixer, const uint32_t *contexts, int count, int sets,
                            uint32_t sign) {
    *value = count == 4 ? not_zero_of(mixer, contexts, 4, sets, sign, *value)
                        : not_zero_of(mixer, contexts, count, sets, sign, *value);
}
DFY_TWICE(not_zero, (int32_t * value, DfyMixer *mixer, const uint32_t *contexts, int count, int sets, uint32_t sign),
          (value, mixer, contexts, count, sets, sign))

int32_t dfy_mix_not_zero(DfyMixer *mixer, const uint32_t *contexts, int count, int sets, uint32_t sign, int32_t value) {
    not_zero(&value, mixer, contexts, count, sets, sign);
    return value;
}

int32_t dfy_mix_signed(DfyMixer *mixer, const uint32_t *contexts, int count, int sets, uint32_t sign, int32_t value) {
    if (!step_in_place(mixer, contexts, count, sets, 0, value != 0)) return 0;
    return dfy_mix_not_zero(mixer, contexts, count, sets, sign, value);
}
