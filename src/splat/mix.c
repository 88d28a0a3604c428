#include "splat/mix.h"

#include <stdlib.h>

#include "diffy.h"
#include "entropy/logistic.h"

enum {
    LOW_BITS = 22,     /* of a slot's probability */
    COUNT_LIMIT = 400, /* uses after which a slot learns no slower: models are nearly stationary */
    GOLOMB_FROM = 18,
    FIRST_WEIGHT = 22000, /* of 65536: a little more than an equal share, as contexts tend to agree */
    MARGIN = 16,          /* of probabilities from 0 and 65536 */
    LEARNING = 10,        /* of the weights; larger learns faster and settles worse */
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
    dfy_logistic_curve(mixer->squash, mixer->stretch, MARGIN);
    for (int i = 0; i < 1024; i++) mixer->reciprocal[i] = (uint16_t)(131072 / (2 * i + 3));
    return DFY_OK;
}

void dfy_mixer_close(DfyMixer *mixer) {
    free(mixer->memory);
    free(mixer->weights);
    mixer->memory = NULL;
    mixer->slots = NULL;
    mixer->weights = NULL;
}

/* New slot after a bit: nearer to it by 1/(uses + 1.5). */
static inline uint32_t learn(const DfyMixer *mixer, uint32_t slot, uint32_t target) {
    uint32_t uses = slot & 1023;
    int32_t p = (int32_t)(slot >> 10);
    p += (int32_t)(((int64_t)((int32_t)target - p) * mixer->reciprocal[uses]) >> 16);
    return (uint32_t)p << 10 | (uses + (uses < COUNT_LIMIT));
}

/* With a count that is known where this is put in place, its loops unroll. */
static inline int mix(DfyMixer *mixer, const uint32_t *contexts, int count, int set, int bit) {
    uint32_t *slot[DFY_MIX_INPUTS], seen[DFY_MIX_INPUTS];
    int32_t input[DFY_MIX_INPUTS], *weights = mixer->weights[set];
    int64_t sum = 0;
    for (int i = 0; i < count; i++) slot[i] = &mixer->slots[contexts[i] & mixer->slot_mask];
    for (int i = 0; i < count; i++) seen[i] = *slot[i];
    for (int i = 0; i < count; i++) {
        int32_t uses = (int32_t)(seen[i] & 1023);
        /* What was seen fewer than four times is hearsay. */
        input[i] = mixer->stretch[seen[i] >> 20] * (uses < 4 ? uses : 4) >> 2;
        sum += (int64_t)weights[i] * input[i];
    }
    int32_t logit = (int32_t)(sum >> 16);
    logit = logit > DFY_MIX_STRETCH ? DFY_MIX_STRETCH : logit < -DFY_MIX_STRETCH ? -DFY_MIX_STRETCH : logit;
    uint32_t p = mixer->squash[logit + 2048];
    bit = dfy_code_with(mixer->coder, p, bit);
    int32_t error = (((bit << 16) - (int32_t)p) >> 2) * LEARNING;
    uint32_t target = ((uint32_t)bit << LOW_BITS) - (uint32_t)bit;
    for (int i = 0; i < count; i++) weights[i] += (input[i] * error + (1 << 15)) >> 16;
    /* From memory, as two contexts may share a slot. */
    for (int i = 0; i < count; i++) *slot[i] = learn(mixer, *slot[i], target);
    return bit;
}

int dfy_mix_bit(DfyMixer *mixer, const uint32_t *contexts, int count, int set, int bit) {
    switch (count) {
    case 1: return mix(mixer, contexts, 1, set, bit);
    case 3: return mix(mixer, contexts, 3, set, bit);
    case 4: return mix(mixer, contexts, 4, set, bit);
    case 5: return mix(mixer, contexts, 5, set, bit);
    case 6: return mix(mixer, contexts, 6, set, bit);
    default: return mix(mixer, contexts, count, set, bit);
    }
}

/* How far the middle of `size` values from `low` is from a prediction, in quarters of half the size: 0..31. */
static uint32_t relative_place(int32_t low, int32_t size, int32_t prediction) {
    int64_t distance = ((int64_t)(low + size / 2) * 16 - 8 - prediction) * 4;
    int64_t limit = (int64_t)size * 8 * 15;
    if (distance > limit) distance = limit;
    if (distance < -limit) distance = -limit;
    int32_t place = (int32_t)distance / (size * 8);
    return (uint32_t)(distance < 0 ? place + 15 : place + 16);
}

int32_t dfy_mix_number(DfyMixer *mixer, const DfyMixContext *contexts, int count, int set, int bits, int32_t value) {
    uint32_t hash[DFY_MIX_INPUTS], base[DFY_MIX_INPUTS];
    int32_t low = 0;
    for (int level = 0; level < bits; level++) {
        int32_t size = (int32_t)1 << (bits - level);
        uint32_t node = 1u << (level & 3) | ((uint32_t)low >> (bits - level) & ((1u << (level & 3)) - 1));
        for (int i = 0; i < count; i++) {
            if (contexts[i].relative) {
                uint32_t block = dfy_mix_hash(contexts[i].hash, (uint32_t)level) & ~31u;
                hash[i] = block + relative_place(low, size, contexts[i].prediction);
            } else {
                if (!(level & 3))
                    base[i] =
                        dfy_mix_hash(contexts[i].hash, (uint32_t)(low >> (bits - level)) * 8 + (uint32_t)level / 4) &
                        ~15u;
                hash[i] = base[i] + node;
            }
        }
        if (dfy_mix_bit(mixer, hash, count, set + (level < 12 ? level : 12), value >= low + size / 2)) low += size / 2;
    }
    return low;
}

static int mix_step(DfyMixer *mixer, const uint32_t *contexts, int count, int set, uint32_t step, int bit) {
    uint32_t hash[DFY_MIX_INPUTS];
    for (int i = 0; i < count; i++) hash[i] = step < 8 ? (contexts[i] & ~7u) | step : dfy_mix_hash(contexts[i], step);
    return dfy_mix_bit(mixer, hash, count, set, bit);
}

int32_t dfy_mix_signed(DfyMixer *mixer, const uint32_t *contexts, int count, int sets, uint32_t sign_hash,
                       int32_t value) {
    if (!mix_step(mixer, contexts, count, sets, 0, value != 0)) return 0;
    int negative = sign_hash ? dfy_mix_bit(mixer, &sign_hash, 1, sets + 7, value < 0)
                             : dfy_code_with(mixer->coder, 32768, value < 0);
    int32_t magnitude = 1, wanted = abs(value);
    while (magnitude < GOLOMB_FROM) {
        int set = sets + (magnitude < 6 ? magnitude : 6);
        if (!mix_step(mixer, contexts, count, set, (uint32_t)magnitude, wanted > magnitude)) break;
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
