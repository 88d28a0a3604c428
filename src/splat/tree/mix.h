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

/* A player's build leaves encoders out. */
#ifdef DFY_SPLAT_DECODER_ONLY
enum { DFY_SPLAT_ENCODES = 0 };
#else
enum { DFY_SPLAT_ENCODES = 1 };
#endif

enum {
    DFY_MIX_LANES = 4,      /* contexts a decision may have */
    DFY_MIX_BIAS = 256,     /* what goes into the last lane when no context needs it */
    DFY_MIX_WEIGHT = 22000, /* at first, of 65536: a little more than an equal share, as contexts tend to agree */
    DFY_MIX_SETS = 2048,    /* sets of weights, chosen by the caller's small context */
    DFY_MIX_STRETCH = 2047, /* largest logit, in 1/256 */
    DFY_MIX_TABLE = 4096,
    DFY_MIX_FRACTION = 22, /* bits of a slot's probability; the others count its uses */
    DFY_MIX_USES = (1 << (32 - DFY_MIX_FRACTION)) - 1,
    DFY_MIX_COARSE = 15,   /* bits of a probability that learning looks at */
    DFY_MIX_SETTLED = 160, /* uses after which a slot learns no slower: models are nearly stationary */
    DFY_MIX_MARGIN = 16,   /* of probabilities from 0 and 65536 */
    DFY_MIX_LEARNING = 10, /* of the weights; larger learns faster and settles worse */
    DFY_MIX_FURTHEST = 1 << 26,
    DFY_MIX_STEPS = 8 /* slots of a signed number's context */
};

/* What a decision's contexts have side by side: vectors of four, which every machine has in some way. */
typedef int32_t DfyMixLanes __attribute__((vector_size(4 * DFY_MIX_LANES)));
typedef uint32_t DfyMixSlots __attribute__((vector_size(4 * DFY_MIX_LANES)));

typedef struct DfyMixer {
    DfyRangeCoder *coder;
    uint32_t *slots;      /* probability of a 1 and count of uses; by hash (collisions unchecked) or by number */
    DfyMixLanes *weights; /* 1/65536 */
    void *memory, *weight_memory; /* that slots and weights are in */
    size_t slot_mask;
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
    return 65536 / (2 * uses + 3) | trust << 16 | (uint32_t)(uses < DFY_MIX_SETTLED) << 24;
}
static inline int32_t dfy_mix_rate(uint32_t by_uses) { /* 32768 / (uses + 1.5) */
    return (int32_t)(by_uses & 0xFFFF);
}
static inline uint32_t dfy_mix_more(uint32_t by_uses) {
    return by_uses >> 24;
}

/* The coarse probability of what certainly came. */
static inline int32_t dfy_mix_aim(int bit) {
    return bit ? (1 << DFY_MIX_COARSE) - 1 : 0;
}

enum { DFY_MIX_TO_COARSE = 32 - DFY_MIX_COARSE, DFY_MIX_FROM_RATE = 15 - (DFY_MIX_FRACTION - DFY_MIX_COARSE) };

/* A slot after a bit: nearer to certainty by 1/(uses + 1.5). */
static inline uint32_t dfy_mix_towards(uint32_t slot, uint32_t by_uses, int bit) {
    int32_t change = (dfy_mix_aim(bit) - (int32_t)(slot >> DFY_MIX_TO_COARSE)) * dfy_mix_rate(by_uses);
    return slot + ((uint32_t)(change >> DFY_MIX_FROM_RATE) << (32 - DFY_MIX_FRACTION)) + dfy_mix_more(by_uses);
}

/*
 * Codes one bit under `count` contexts (hashes, or numbers of slots) with the weights of `set`, and sets *p to what
 * its probability was. With a count that is known where this is put in place, its loops unroll.
 */
static inline __attribute__((always_inline)) int dfy_mix_in_place(DfyMixer *mixer, const uint32_t *contexts, int count,
                                                                  int set, int bit, uint32_t *probability) {
    uint32_t *slot[DFY_MIX_LANES];
    DfyMixSlots seen = {0}, by_uses = {0};
    DfyMixLanes input = {0}, weights = mixer->weights[set];
    for (int i = 0; i < count; i++) {
        slot[i] = &mixer->slots[contexts[i] & mixer->slot_mask];
        seen[i] = *slot[i];
        by_uses[i] = mixer->by_uses[*slot[i] & DFY_MIX_USES];
        input[i] = mixer->stretch[*slot[i] >> 20];
    }
    input = input * (DfyMixLanes)(by_uses >> 16 & 0xFF) >> 2;
    DfyMixSlots used = (DfyMixSlots)weights;
    if (count < DFY_MIX_LANES) {
        input[DFY_MIX_LANES - 1] = DFY_MIX_BIAS;
        used[DFY_MIX_LANES - 1] -= DFY_MIX_WEIGHT; /* a bias begins as none */
    }
    DfyMixSlots parts = used * (DfyMixSlots)input;
    parts += __builtin_shufflevector(parts, parts, 2, 3, 0, 1);
    parts += __builtin_shufflevector(parts, parts, 1, 0, 3, 2);
    int32_t logit = (int32_t)parts[0] >> 16;
    logit = logit > DFY_MIX_STRETCH ? DFY_MIX_STRETCH : logit < -DFY_MIX_STRETCH ? -DFY_MIX_STRETCH : logit;
    uint32_t p = *probability = mixer->squash[logit + 2048];
    bit = dfy_code_with(mixer->coder, p, bit);
    int32_t error = (((bit << 16) - (int32_t)p) >> 2) * DFY_MIX_LEARNING;
    mixer->weights[set] = (DfyMixLanes)((DfyMixSlots)weights + (DfyMixSlots)((input * error + (1 << 15)) >> 16));
    /* As dfy_mix_towards. Should two contexts share a slot, the last one has it. */
    DfyMixLanes change =
        (dfy_mix_aim(bit) - (DfyMixLanes)(seen >> DFY_MIX_TO_COARSE)) * (DfyMixLanes)(by_uses & 0xFFFF);
    seen += ((DfyMixSlots)(change >> DFY_MIX_FROM_RATE) << (32 - DFY_MIX_FRACTION)) + (by_uses >> 24);
    for (int i = 0; i < count; i++) *slot[i] = seen[i];
    return bit;
}

int dfy_mix_bit(DfyMixer *mixer, const uint32_t *contexts, int count, int set, int bit);

/* The same under one context alone, whose probability is taken as it is. */
static inline int dfy_mix_alone(DfyMixer *mixer, uint32_t context, int bit) {
    uint32_t *slot = &mixer->slots[context & mixer->slot_mask], p = *slot >> 16;
    p = p < DFY_MIX_MARGIN ? DFY_MIX_MARGIN : p > 65536 - DFY_MIX_MARGIN ? 65536 - DFY_MIX_MARGIN : p;
    bit = dfy_code_with(mixer->coder, p, bit);
    *slot = dfy_mix_towards(*slot, mixer->by_uses[*slot & DFY_MIX_USES], bit);
    return bit;
}

/* The `count` (0..32) low bits of value, each as likely 0 as 1, highest first and up to DFY_MIX_EVEN at once. */
enum { DFY_MIX_EVEN = 8 };
static inline uint32_t dfy_mix_even(DfyRangeCoder *coder, int count, uint32_t value) {
    uint32_t out = 0;
    while (count > 0) {
        int some = count < DFY_MIX_EVEN ? count : DFY_MIX_EVEN;
        count -= some;
        out = out << some | dfy_code_even(coder, some, value >> count & ((1u << some) - 1));
    }
    return out;
}

static inline uint32_t dfy_mix_hash(uint32_t a, uint32_t b) {
    uint32_t h = a * 0x9E3779B1u ^ (b + 0x7F4A7C15u) * 0x85EBCA6Bu;
    h = (h ^ h >> 15) * 0x2C1B3C6Du;
    return h ^ h >> 16;
}

/*
 * A number 0..2^bits-1 by bisection: is it in the upper half of what is left? A context either sees how far the
 * middle lies from its prediction (then it learns that prediction's spread), or, a plain one, the middle itself.
 */
enum { DFY_MIX_OF_NUMBER = 3 }; /* contexts */
typedef struct DfyMixContext {
    uint32_t hash;      /* what else the context knows */
    int32_t prediction; /* in 1/16 of a step, within DFY_MIX_FURTHEST; plain contexts have none */
} DfyMixContext;

/* Which contexts are plain: all, the first alone, the last alone. */
typedef enum DfyMixShape { DFY_MIX_PLAIN, DFY_MIX_PLAIN_FIRST, DFY_MIX_PLAIN_LAST } DfyMixShape;

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

int32_t dfy_mix_number(DfyMixer *mixer, DfyMixDepth *depth, const DfyMixContext contexts[DFY_MIX_OF_NUMBER],
                       DfyMixShape shape, int set, int bits, int32_t value);

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
