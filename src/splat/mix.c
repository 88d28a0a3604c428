#include "splat/mix.h"

#include <stdlib.h>
#include <string.h>

#include "diffy.h"
#include "entropy/logistic.h"

enum {
    GOLOMB_FROM = 18,
    FIRST_WEIGHT = 22000, /* of 65536: a little more than an equal share, as contexts tend to agree */
    PAYS = 4,             /* 1/256 bit */
    LINE = 64             /* bytes of a cache line: a context's 16 slots lie in one */
};

int dfy_mixer_open(DfyMixer *mixer, DfyRangeCoder *coder, int slot_bits) {
    size_t slots = (size_t)1 << slot_bits;
    mixer->coder = coder;
    mixer->slot_mask = (uint32_t)slots - 1;
    mixer->memory = malloc(slots * sizeof *mixer->slots + LINE);
    mixer->slots = mixer->memory ? (uint32_t *)(((uintptr_t)mixer->memory + LINE - 1) & ~(uintptr_t)(LINE - 1)) : NULL;
    mixer->weights = malloc(DFY_MIX_SETS * sizeof *mixer->weights);
    if (!mixer->slots || !mixer->weights) {
        dfy_mixer_close(mixer);
        return DFY_ERROR_MEMORY;
    }
    for (size_t i = 0; i < slots; i++) mixer->slots[i] = 1u << 31;
    for (int i = 0; i < DFY_MIX_SETS; i++)
        for (int j = 0; j < DFY_MIX_INPUTS; j++) mixer->weights[i][j] = FIRST_WEIGHT;
    dfy_logistic_curve(mixer->squash, mixer->stretch, DFY_MIX_MARGIN);
    for (uint32_t uses = 0; uses <= DFY_MIX_SETTLED; uses++) mixer->by_uses[uses] = dfy_mix_by_uses(uses);
    return DFY_OK;
}

void dfy_mixer_close(DfyMixer *mixer) {
    free(mixer->memory);
    free(mixer->weights);
    mixer->memory = NULL;
    mixer->slots = NULL;
    mixer->weights = NULL;
}

int dfy_mix_bit(DfyMixer *mixer, const uint32_t *contexts, int count, int set, int bit) {
    uint32_t p;
    switch (count) {
    case 2: return dfy_mix_in_place(mixer, contexts, 2, set, bit, &p);
    case 4: return dfy_mix_in_place(mixer, contexts, 4, set, bit, &p);
    default: return dfy_mix_in_place(mixer, contexts, count, set, bit, &p);
    }
}

/* How far the middle of 2^bits values is from a prediction, in quarters of half of them: 0..31. */
static inline uint32_t relative_place(int64_t middle_16, int bits, int32_t prediction) {
    int64_t distance = (middle_16 - prediction) * 4, sign = distance >> 63;
    uint64_t place = (uint64_t)((distance ^ sign) - sign) >> (bits + 3);
    return ((place > 15 ? 15 : (uint32_t)place) ^ (uint32_t)sign) + 16;
}

/* The low bits of each of which mixing saved less than PAYS. */
static int not_worth_mixing(const DfyMixDepth *depth) {
    int even = 0;
    while (even < DFY_MIX_BITS && depth->saved[even] < DFY_MIX_TRIAL * PAYS) even++;
    return even;
}

/* The slots of the question whether a number is in the upper half of 2^left values from `low`. */
static inline void find_slots(uint32_t *slots, uint32_t *base, const DfyMixContext *contexts, int count, int level,
                              int32_t low, int left, unsigned relative) {
    uint32_t depth = (uint32_t)level & 3, prefix = (uint32_t)low >> left;
    uint32_t node = 1u << depth | (prefix & ((1u << depth) - 1));
    int64_t middle_16 = (int64_t)low * 16 + ((int64_t)8 << left) - 8;
    for (int i = 0; i < count; i++) {
        uint32_t hash = contexts[i].hash;
        if (relative >> i & 1) {
            slots[i] = (hash & ~31u) + (uint32_t)level * 32 + relative_place(middle_16, left, contexts[i].prediction);
        } else {
            if (!depth) base[i] = dfy_mix_hash(hash, prefix * 8 + (uint32_t)level / 4) & ~15u;
            slots[i] = base[i] + node;
        }
    }
}

/* relative: a bit a context. */
static inline __attribute__((always_inline)) int32_t number(DfyMixer *mixer, DfyMixDepth *depth,
                                                            const DfyMixContext *contexts, int count, unsigned relative,
                                                            int set, int bits, int32_t value) {
    uint32_t slots[DFY_MIX_INPUTS], base[DFY_MIX_INPUTS] = {0}, p;
    int32_t low = 0;
    int on_trial = depth->numbers < DFY_MIX_TRIAL, even = on_trial ? 0 : depth->even < bits ? depth->even : bits;
    for (int level = 0, left = bits; left > even; level++, left--) {
        find_slots(slots, base, contexts, count, level, low, left, relative);
        int32_t middle = low + (1 << (left - 1));
        int upper = dfy_mix_in_place(mixer, slots, count, set + (level < 12 ? level : 12), value >= middle, &p);
        low = upper ? middle : low;
        if (on_trial) depth->saved[left - 1] += 256 - dfy_bit_costs[(upper ? p : 65536 - p) >> 7];
    }
    return low + (int32_t)dfy_code_raw(mixer->coder, even, (uint32_t)value);
}

int32_t dfy_mix_number(DfyMixer *mixer, DfyMixDepth *depth, const DfyMixContext *contexts, int count, int set, int bits,
                       int32_t value) {
    unsigned relative = 0;
    for (int i = 0; i < count; i++) relative |= (unsigned)(contexts[i].relative != 0) << i;
    if (count == 3 && relative == 6) /* what is known where number is put in place, need not be asked */
        value = number(mixer, depth, contexts, 3, 6, set, bits, value);
    else if (count == 3 && relative == 3)
        value = number(mixer, depth, contexts, 3, 3, set, bits, value);
    else if (count == 3 && !relative)
        value = number(mixer, depth, contexts, 3, 0, set, bits, value);
    else
        value = number(mixer, depth, contexts, count, relative, set, bits, value);
    if (++depth->numbers == DFY_MIX_TRIAL) {
        depth->even = not_worth_mixing(depth);
        memset(depth->saved, 0, sizeof depth->saved);
    }
    if (depth->numbers == DFY_MIX_PERIOD) depth->numbers = 0;
    return value;
}

static inline int step_in_place(DfyMixer *mixer, const uint32_t *contexts, int count, int set, uint32_t step, int bit) {
    uint32_t slots[DFY_MIX_INPUTS], p;
    if (step >= DFY_MIX_STEPS) step = DFY_MIX_STEPS - 1;
    for (int i = 0; i < count; i++) slots[i] = (contexts[i] & ~(DFY_MIX_STEPS - 1u)) + step;
    return dfy_mix_in_place(mixer, slots, count, set, bit, &p);
}

static inline int32_t not_zero(DfyMixer *mixer, const uint32_t *contexts, int count, int sets, uint32_t sign,
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

int32_t dfy_mix_not_zero(DfyMixer *mixer, const uint32_t *contexts, int count, int sets, uint32_t sign, int32_t value) {
    return count == 4 ? not_zero(mixer, contexts, 4, sets, sign, value)
                      : not_zero(mixer, contexts, count, sets, sign, value);
}

int32_t dfy_mix_signed(DfyMixer *mixer, const uint32_t *contexts, int count, int sets, uint32_t sign, int32_t value) {
    if (!step_in_place(mixer, contexts, count, sets, 0, value != 0)) return 0;
    return dfy_mix_not_zero(mixer, contexts, count, sets, sign, value);
}
