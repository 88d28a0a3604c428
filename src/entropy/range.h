/*
 * Adaptive binary range coder: the one entropy coder of the house, for video and splats alike.
 *
 * The coder is the carry-propagating range coder of G. N. N. Martin ("Range encoding", 1979) on binary
 * decisions: a 32-bit range is split in proportion to the probability that the bit is 1. A model keeps that
 * probability twice, with a fast and a slow rate of learning, and codes with their mean; both begin with the
 * rate 1/n, so that a context seen three times already predicts well. Everything is integer and the same on
 * every machine.
 *
 * One DfyRangeCoder encodes, decodes or measures. Syntax is written once: dfy_code_bit(coder, model, bit) encodes
 * `bit`, or ignores it and decodes, or adds what it would cost to `cost` and leaves the model as it is; it returns
 * the bit in every case. A decoder that runs past its bytes reads
 * zeros, never memory; a caller checks what it decoded, as bytes are not trusted.
 */
#ifndef DFY_ENTROPY_RANGE_H
#define DFY_ENTROPY_RANGE_H

#include <stddef.h>
#include <stdint.h>

/* Probability of a 1 in 1/65536, fast and slow estimate, and how often the model was used (saturating). */
typedef struct DfyBit {
    uint16_t fast, slow;
    uint8_t uses, slow_rate; /* slow_rate: shift of the slow estimate once it has settled, 0 = the default */
} DfyBit;

typedef enum DfyCoderMode { DFY_DECODE = 0, DFY_ENCODE = 1, DFY_MEASURE = 2 } DfyCoderMode;

typedef struct DfyRangeCoder {
    DfyCoderMode mode;
    uint64_t cost; /* measuring: 1/256 bits so far */
    int failed;    /* encoder: no memory for the bytes; decoder: never set */
    uint32_t range;
    uint64_t low;     /* encoder: lower end with carry in bit 32; decoder: code value */
    uint64_t pending; /* encoder: bytes held back because a carry may still change them */
    uint8_t held;     /* encoder: the first of them */
    uint8_t *data;    /* encoder: owned, grows; decoder: borrowed */
    size_t size, capacity, position;
} DfyRangeCoder;

#define DFY_BIT_EVEN ((DfyBit){32768, 32768, 0, 0})

/* Starts an encoder; its bytes grow by malloc. dfy_range_free releases them. */
void dfy_range_encode_start(DfyRangeCoder *coder);
/* Ends it: afterwards data[0..size) is the whole code, with no trailing byte that zeros could stand for. */
void dfy_range_encode_finish(DfyRangeCoder *coder);
void dfy_range_free(DfyRangeCoder *coder);
/* Forgets the bytes written but keeps the memory, for the next piece. */
void dfy_range_encode_restart(DfyRangeCoder *coder);

/* Decodes data[0..size), borrowed until decoding ends. */
void dfy_range_decode_start(DfyRangeCoder *coder, const uint8_t *data, size_t size);

/* Appends the encoder's settled high byte; internal to the inline functions below. */
void dfy_range_shift_low(DfyRangeCoder *coder);

extern const uint8_t dfy_bit_rates[32][2];

/* Probability of a 1, kept inside 32/65536 .. 65504/65536 so that no bit can cost more than 11 bits. */
static inline uint32_t dfy_bit_probability(const DfyBit *model) {
    uint32_t p = ((uint32_t)model->fast + model->slow) >> 1;
    return p < 32 ? 32 : p > 65504 ? 65504 : p;
}

static inline void dfy_bit_update(DfyBit *model, int bit) {
    const uint8_t *rate = dfy_bit_rates[model->uses];
    if (bit) {
        model->fast = (uint16_t)(model->fast + ((65535 - model->fast) >> rate[0]));
        model->slow = (uint16_t)(model->slow + ((65535 - model->slow) >> rate[1]));
    } else {
        model->fast = (uint16_t)(model->fast - (model->fast >> rate[0]));
        model->slow = (uint16_t)(model->slow - (model->slow >> rate[1]));
    }
    if (model->uses < 31) model->uses++;
}

/* Cost in 1/256 bits of a bit of probability p/65536, by p / 128. */
extern const uint16_t dfy_bit_costs[512];

/* Cost of coding `bit` in 1/256 bits, from the model as it stands. */
static inline uint32_t dfy_bit_cost(const DfyBit *model, int bit) {
    uint32_t p = dfy_bit_probability(model);
    return dfy_bit_costs[(bit ? p : 65536 - p) >> 7];
}

/* After each step the range is made wide again: the decoder takes bytes in, the encoder moves them out. */
static inline void dfy_range_refill(DfyRangeCoder *coder) {
    while (coder->range < (1u << 24)) {
        coder->range <<= 8;
        coder->low = coder->low << 8 | (coder->position < coder->size ? coder->data[coder->position] : 0);
        coder->position++;
    }
}

static inline void dfy_range_shift(DfyRangeCoder *coder) {
    while (coder->range < (1u << 24)) {
        coder->range <<= 8;
        dfy_range_shift_low(coder);
    }
}

/* Codes a bit whose probability of being 1 is p/65536, 0 < p < 65536; the model is the caller's. */
static inline int dfy_code_with(DfyRangeCoder *coder, uint32_t p, int bit) {
    uint32_t bound = (uint32_t)(((uint64_t)coder->range * p) >> 16);
    if (coder->mode != DFY_DECODE) {
        if (bit) {
            coder->range = bound;
        } else {
            coder->low += bound;
            coder->range -= bound;
        }
        dfy_range_shift(coder);
        return bit;
    }
    bit = coder->low < bound;
    if (bit) {
        coder->range = bound;
    } else {
        coder->low -= bound;
        coder->range -= bound;
    }
    dfy_range_refill(coder);
    return bit;
}

#ifdef DFY_TRAIN
/* In a build for tools/train: tells it which bit a model met. */
void dfy_train_note(const DfyRangeCoder *coder, const DfyBit *model, int bit);
#endif

static inline int dfy_code_bit(DfyRangeCoder *coder, DfyBit *model, int bit) {
    if (coder->mode == DFY_MEASURE) {
        coder->cost += dfy_bit_cost(model, bit);
        return bit;
    }
    bit = dfy_code_with(coder, dfy_bit_probability(model), bit);
    dfy_bit_update(model, bit);
#ifdef DFY_TRAIN
    dfy_train_note(coder, model, bit);
#endif
    return bit;
}

/* The `count` (0..32) low bits of value, each as likely 0 as 1, highest first. */
static inline uint32_t dfy_code_raw(DfyRangeCoder *coder, int count, uint32_t value) {
    uint32_t out = 0;
    if (coder->mode == DFY_MEASURE) {
        coder->cost += (uint64_t)count << 8;
        return value;
    }
    while (count-- > 0) out = out << 1 | (uint32_t)dfy_code_with(coder, 32768, (int)(value >> count & 1));
    return out;
}

/* The same of 0..8 bits in one step; what is coded so, isn't what dfy_code_raw codes. */
static inline uint32_t dfy_code_even(DfyRangeCoder *coder, int count, uint32_t value) {
    uint32_t part = coder->range >> count, last = (1u << count) - 1;
    if (coder->mode == DFY_DECODE) {
        uint64_t found = coder->low / part;
        value = found < last ? (uint32_t)found : last;
        coder->low -= (uint64_t)value * part;
        coder->range = part;
        dfy_range_refill(coder);
        return value;
    }
    coder->low += (uint64_t)value * part;
    coder->range = part;
    dfy_range_shift(coder);
    return value;
}

/* A number 0..2^bits-1 as a binary tree of models; models holds 2^bits of them. */
static inline uint32_t dfy_code_tree(DfyRangeCoder *coder, DfyBit *models, int bits, uint32_t value) {
    uint32_t node = 1;
    while (bits-- > 0) node = node << 1 | (uint32_t)dfy_code_bit(coder, &models[node], (int)(value >> bits & 1));
    return node & ~(1u << (31 - __builtin_clz(node)));
}

/* A number 0..count as ones ended by a zero (left out at count); one model a position. */
static inline int dfy_code_unary(DfyRangeCoder *coder, DfyBit *models, int count, int value) {
    int i = 0;
    while (i < count && dfy_code_bit(coder, &models[i], i < value)) i++;
    return i;
}

/* The sign of `value`, none where its magnitude is 0; returns the number that both make. */
static inline int dfy_code_sign(DfyRangeCoder *coder, DfyBit *negative, int magnitude, int value) {
    return magnitude && dfy_code_bit(coder, negative, value < 0) ? -magnitude : magnitude;
}

/* A number -most..most: its magnitude in unary, then its sign. */
static inline int dfy_code_signed(DfyRangeCoder *coder, DfyBit *models, int most, DfyBit *negative, int value) {
    return dfy_code_sign(coder, negative, dfy_code_unary(coder, models, most, value < 0 ? -value : value), value);
}

/*
 * A number 0..2^30-1 in the manner of exponential Golomb codes of order k: how many more bits it takes goes in
 * unary with a model each (32 models), the leading one of them under a model too (models 32..63), the rest raw.
 */
uint32_t dfy_code_golomb(DfyRangeCoder *coder, DfyBit models[64], int k, uint32_t value);

#endif
