/*
 * Binary decisions with mixed models, for splats' attributes: several contexts each give a probability, and a small
 * logistic network, which learns as it codes, weighs them (M. Mahoney, "Adaptive weighing of context models for
 * lossless data compression", 2005). Twelve thousand splats are few to learn from: no single context has seen
 * enough to be right, but the blend of coarse and fine ones is.
 *
 * Everything after the tables is integer; the tables are built with IEEE additions, multiplications and divisions in
 * a fixed order, so they are the same on every machine.
 */
#ifndef DFY_SPLAT_MIX_H
#define DFY_SPLAT_MIX_H

#include "entropy/range.h"

enum {
    DFY_MIX_INPUTS = 8,     /* contexts a decision may have */
    DFY_MIX_SETS = 2048,    /* sets of weights, chosen by the caller's small context */
    DFY_MIX_STRETCH = 2047, /* largest logit, in 1/256 */
    DFY_MIX_TABLE = 4096,
    DFY_MIX_FRACTION = 22, /* bits of a slot's probability; the others count its uses */
    DFY_MIX_USES = (1 << (32 - DFY_MIX_FRACTION)) - 1,
    DFY_MIX_SETTLED = 160, /* uses after which a slot learns no slower: models are nearly stationary */
    DFY_MIX_MARGIN = 16,   /* of probabilities from 0 and 65536 */
    DFY_MIX_LEARNING = 10, /* of the weights; larger learns faster and settles worse */
    DFY_MIX_STEPS = 8      /* slots of a signed number's context */
};

typedef struct DfyMixer {
    DfyRangeCoder *coder;
    uint32_t *slots; /* probability of a 1 and count of uses; by hash (collisions unchecked) or by number */
    void *memory;    /* that the slots are in */
    uint32_t slot_mask;
    int32_t (*weights)[DFY_MIX_INPUTS];    /* 1/65536 */
    int16_t stretch[DFY_MIX_TABLE];        /* of probability / 4096 */
    uint16_t squash[DFY_MIX_TABLE];        /* of logit + 2048 */
    uint32_t by_uses[DFY_MIX_SETTLED + 1]; /* see dfy_mix_rate, dfy_mix_trust and dfy_mix_more */
} DfyMixer;

/* Allocates 2^slot_bits slots; DFY_ERROR_MEMORY when there are none. */
int dfy_mixer_open(DfyMixer *mixer, DfyRangeCoder *coder, int slot_bits);
void dfy_mixer_close(DfyMixer *mixer);

/* What follows from a slot's uses: how fast it learns, how far it is believed, and whether uses are still counted. */
static inline uint32_t dfy_mix_by_uses(uint32_t uses) {
    uint32_t trust = uses < 4 ? uses : 4; /* of 4: what was seen fewer times is hearsay */
    return 131072 / (2 * uses + 3) | trust << 16 | (uint32_t)(uses < DFY_MIX_SETTLED) << 24;
}
static inline uint32_t dfy_mix_rate(uint32_t by_uses) { /* 65536 / (uses + 1.5) */
    return by_uses & 0xFFFF;
}
static inline int32_t dfy_mix_trust(uint32_t by_uses) {
    return (int32_t)(by_uses >> 16 & 0xFF);
}
static inline uint32_t dfy_mix_more(uint32_t by_uses) {
    return by_uses >> 24;
}

/* A slot after a bit, `aim` being the probability of certainty: nearer to it by 1/(uses + 1.5). */
static inline uint32_t dfy_mix_towards(uint32_t slot, uint32_t by_uses, int64_t aim) {
    int64_t change = (aim - (slot >> (32 - DFY_MIX_FRACTION))) * dfy_mix_rate(by_uses);
    return slot + ((uint32_t)(change >> (16 - (32 - DFY_MIX_FRACTION))) & ~(uint32_t)DFY_MIX_USES) +
           dfy_mix_more(by_uses);
}

static inline int64_t dfy_mix_aim(int bit) {
    return bit ? (1 << DFY_MIX_FRACTION) - 1 : 0;
}

/*
 * Codes one bit under `count` contexts (hashes, or numbers of slots) with the weights of `set`, and sets *p to what
 * its probability was. With a count that is known where this is put in place, its loops unroll.
 */
static inline int dfy_mix_in_place(DfyMixer *mixer, const uint32_t *contexts, int count, int set, int bit,
                                   uint32_t *probability) {
    uint32_t *slot[DFY_MIX_INPUTS], seen[DFY_MIX_INPUTS], by_uses[DFY_MIX_INPUTS];
    int32_t input[DFY_MIX_INPUTS], *weights = mixer->weights[set];
    int64_t sum = 0;
    for (int i = 0; i < count; i++) {
        slot[i] = &mixer->slots[contexts[i] & mixer->slot_mask];
        seen[i] = *slot[i];
        by_uses[i] = mixer->by_uses[seen[i] & DFY_MIX_USES];
        input[i] = mixer->stretch[seen[i] >> 20] * dfy_mix_trust(by_uses[i]) >> 2;
        sum += (int64_t)weights[i] * input[i];
    }
    int32_t logit = (int32_t)(sum >> 16);
    logit = logit > DFY_MIX_STRETCH ? DFY_MIX_STRETCH : logit < -DFY_MIX_STRETCH ? -DFY_MIX_STRETCH : logit;
    uint32_t p = *probability = mixer->squash[logit + 2048];
    bit = dfy_code_with(mixer->coder, p, bit);
    int32_t error = (((bit << 16) - (int32_t)p) >> 2) * DFY_MIX_LEARNING;
    int64_t aim = dfy_mix_aim(bit);
    /* Should two contexts share a slot, the last one has it. */
    for (int i = 0; i < count; i++) {
        weights[i] += (input[i] * error + (1 << 15)) >> 16;
        *slot[i] = dfy_mix_towards(seen[i], by_uses[i], aim);
    }
    return bit;
}

int dfy_mix_bit(DfyMixer *mixer, const uint32_t *contexts, int count, int set, int bit);

/* The same under one context alone, whose probability is taken as it is. */
static inline int dfy_mix_alone(DfyMixer *mixer, uint32_t context, int bit) {
    uint32_t *slot = &mixer->slots[context & mixer->slot_mask], p = *slot >> 16;
    p = p < DFY_MIX_MARGIN ? DFY_MIX_MARGIN : p > 65536 - DFY_MIX_MARGIN ? 65536 - DFY_MIX_MARGIN : p;
    bit = dfy_code_with(mixer->coder, p, bit);
    *slot = dfy_mix_towards(*slot, mixer->by_uses[*slot & DFY_MIX_USES], dfy_mix_aim(bit));
    return bit;
}

static inline uint32_t dfy_mix_hash(uint32_t a, uint32_t b) {
    uint32_t h = a * 0x9E3779B1u ^ (b + 0x7F4A7C15u) * 0x85EBCA6Bu;
    h = (h ^ h >> 15) * 0x2C1B3C6Du;
    return h ^ h >> 16;
}

/*
 * A number 0..2^bits-1 by bisection: is it in the upper half of what is left? A context either sees how far the
 * middle lies from its prediction (then it learns that prediction's spread), or the middle itself.
 */
typedef struct DfyMixContext {
    uint32_t hash;      /* what else the context knows */
    int relative;       /* sees the middle relative to `prediction` */
    int32_t prediction; /* in 1/16 of a step */
} DfyMixContext;

/*
 * The low bits of a fine number are noise. So that they cost little time, the first DFY_MIX_TRIAL of each
 * DFY_MIX_PERIOD numbers of a kind are mixed and what mixing saves of each bit is added up; of the others the low bits,
 * on which it doesn't pay, go as even ones.
 */
enum { DFY_MIX_TRIAL = 512, DFY_MIX_PERIOD = 8 * DFY_MIX_TRIAL, DFY_MIX_BITS = 20 };
typedef struct DfyMixDepth {
    uint32_t numbers;            /* of this period so far */
    int32_t saved[DFY_MIX_BITS]; /* 1/256 bit, in this trial, the lowest bit first */
    int even;                    /* low bits that are not mixed behind the trial */
} DfyMixDepth;

int32_t dfy_mix_number(DfyMixer *mixer, DfyMixDepth *depth, const DfyMixContext *contexts, int count, int set, int bits,
                       int32_t value);

/*
 * A signed number that is mostly 0: zero?, sign, then ones until it is reached; 18 and more in the manner of
 * exponential Golomb. A context is the first of DFY_MIX_STEPS slots, `sets` the first of 8 sets of weights. `sign` is
 * the sign's context; with 0 both signs are as likely.
 */
int32_t dfy_mix_signed(DfyMixer *mixer, const uint32_t *contexts, int count, int sets, uint32_t sign, int32_t value);
/* All but its first question. */
int32_t dfy_mix_not_zero(DfyMixer *mixer, const uint32_t *contexts, int count, int sets, uint32_t sign, int32_t value);

/* log2(value) in 1/16, 0 for 0. */
static inline int dfy_log2_16(uint32_t value) {
    if (!value) return 0;
    int top = 31 - __builtin_clz(value);
    uint32_t fraction = top >= 4 ? value >> (top - 4) & 15 : value << (4 - top) & 15;
    return top * 16 + (int)fraction;
}

#endif
