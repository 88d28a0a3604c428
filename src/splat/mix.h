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
    DFY_MIX_TABLE = 4096
};

typedef struct DfyMixer {
    DfyRangeCoder *coder;
    uint32_t *slots; /* probability of a 1 in the upper 22 bits, uses in the lower 10; by hash, collisions unchecked */
    void *memory;    /* that the slots are in */
    uint32_t slot_mask;
    int32_t (*weights)[DFY_MIX_INPUTS]; /* 1/65536 */
    int16_t stretch[DFY_MIX_TABLE];     /* of probability / 4096 */
    uint16_t squash[DFY_MIX_TABLE];     /* of logit + 2048 */
    uint16_t reciprocal[1024];          /* 65536 / (n + 1.5) */
} DfyMixer;

/* Allocates 2^slot_bits slots; DFY_ERROR_MEMORY when there are none. */
int dfy_mixer_open(DfyMixer *mixer, DfyRangeCoder *coder, int slot_bits);
void dfy_mixer_close(DfyMixer *mixer);

/* Codes one bit under `count` contexts, given as hashes, with the weights of `set`. */
int dfy_mix_bit(DfyMixer *mixer, const uint32_t *contexts, int count, int set, int bit);

/* Brings a context's slots near before they are asked for. */
static inline void dfy_mix_fetch(const DfyMixer *mixer, uint32_t context) {
#ifdef __GNUC__
    __builtin_prefetch(&mixer->slots[context & mixer->slot_mask & ~15u]);
#endif
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

int32_t dfy_mix_number(DfyMixer *mixer, const DfyMixContext *contexts, int count, int set, int bits, int32_t value);

/*
 * A signed number that is mostly 0: zero?, sign, then ones until it is reached; 18 and more in the manner of
 * exponential Golomb. `sets` is the first of 8 sets of weights. `sign_hash` is the context of the sign;
 * with 0 both signs are as likely.
 */
int32_t dfy_mix_signed(DfyMixer *mixer, const uint32_t *contexts, int count, int sets, uint32_t sign_hash,
                       int32_t value);

/* log2(value) in 1/16, 0 for 0. */
static inline int dfy_log2_16(uint32_t value) {
    if (!value) return 0;
    int top = 31 - __builtin_clz(value);
    uint32_t fraction = top >= 4 ? value >> (top - 4) & 15 : value << (4 - top) & 15;
    return top * 16 + (int)fraction;
}

#endif
