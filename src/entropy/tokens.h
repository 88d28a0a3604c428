/*
 * Small whole numbers under adaptive models, where there are many of them: a token of eight in one step, where the
 * range coder asks a question for each bit. Codes are rANS (J. Duda, "Asymmetric numeral systems", 2013) with four
 * states in turn, so that a decoder need not wait for one token before it begins with the next. Bits that no model
 * knows lie apart.
 *
 * One DfyTokens encodes or decodes, and syntax is written once: dfy_token(tokens, model, token, encoding) encodes
 * `token` or ignores it and decodes; `encoding` is known where it is put in place. An encoder only lists what it is
 * given: codes are made from the last to the first in dfy_tokens_write. A decoder that runs past its bytes reads zeros.
 */
#ifndef DFY_ENTROPY_TOKENS_H
#define DFY_ENTROPY_TOKENS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/bytes.h"

enum {
    DFY_TOKENS = 8,      /* values of a token */
    DFY_TOKEN_BITS = 15, /* of a probability */
    DFY_TOKEN_STATES = 4,
    DFY_TOKEN_DIRECT = DFY_TOKENS - 1, /* smaller numbers are tokens; larger ones are escaped */
    DFY_TOKEN_MOST = DFY_TOKEN_DIRECT + 65535,
    DFY_TOKEN_SETTLED = 63 /* uses after which a model learns no slower */
};

/* Vectors of eight, which need not be aligned. */
typedef int16_t DfyTokenLanes __attribute__((vector_size(2 * DFY_TOKENS), aligned(2)));
typedef uint16_t DfyTokenCounts __attribute__((vector_size(2 * DFY_TOKENS), aligned(2)));

/* What is below each token in 1/2^DFY_TOKEN_BITS. */
typedef struct DfyTokenModel {
    DfyTokenLanes below;
    uint16_t uses, unused[DFY_TOKENS - 1]; /* so that none lies across two lines of a cache */
} DfyTokenModel;

typedef struct DfyTokens {
    uint32_t state[DFY_TOKEN_STATES], turn; /* decoder */
    const uint8_t *words, *words_end;
    const uint8_t *bits, *bits_end;
    uint64_t held; /* bits: decoder: next ones, the lowest first; encoder: not yet in `raw` */
    int held_bits;
    uint32_t *list; /* encoder: first and size of each token's part, 16 bits each */
    size_t count, capacity;
    DfyBuffer raw;
    int failed; /* encoder: no memory */
} DfyTokens;

/* A decoder of what dfy_tokens_write made; 0, or -1 when the bytes can't be that. They are borrowed. */
int dfy_tokens_read(DfyTokens *tokens, const uint8_t *data, size_t size);
/* Appends what an encoder was given; the tokens' lengths come first. */
void dfy_tokens_write(DfyTokens *tokens, DfyBuffer *out);
void dfy_tokens_free(DfyTokens *tokens);
/* Room for more in an encoder's list; 0 when there is none. */
int dfy_tokens_grow(DfyTokens *tokens);

/* A model of numbers of which each is `ratio` / 256 as likely as the one before. */
void dfy_token_model(DfyTokenModel *model, uint32_t ratio);

/* By uses: how fast a model learns, as a shift. */
extern const uint8_t dfy_token_rates[DFY_TOKEN_SETTLED + 1];
/* By token: where the estimates go, and -1 in the lanes that grow. */
extern const DfyTokenLanes dfy_token_aims[DFY_TOKENS], dfy_token_above[DFY_TOKENS];

/* In place wherever they are called: what is known there leaves most of them out. */
#ifdef __GNUC__
#define DFY_TOKEN_INLINE static inline __attribute__((always_inline))
#else
#define DFY_TOKEN_INLINE static inline
#endif

DFY_TOKEN_INLINE DfyTokenLanes dfy_token_shift(DfyTokenLanes lanes, int rate) {
#ifdef __SSE2__
    return (DfyTokenLanes)_mm_sra_epi16((__m128i)lanes, _mm_cvtsi32_si128(rate));
#else
    return lanes >> (int16_t)rate;
#endif
}

/* Brings what is below the tokens nearer to where it is certain, by 1/2^rate of the way, rounded away from 0, so that
 * it gets there. */
DFY_TOKEN_INLINE void dfy_token_learn(DfyTokenModel *model, int token) {
    DfyTokenLanes above = dfy_token_above[token], way = ((dfy_token_aims[token] - model->below) ^ above) - above;
    model->below += (dfy_token_shift(way, dfy_token_rates[model->uses]) ^ above) - above;
    model->uses = (uint16_t)(model->uses + (model->uses < DFY_TOKEN_SETTLED));
}

/* The token whose part holds `at`: how many begin at or below it, less 1. */
DFY_TOKEN_INLINE int dfy_token_at(DfyTokenLanes below, uint32_t at) {
#ifdef __SSE2__
    __m128i later = _mm_cmpgt_epi16((__m128i)below, _mm_set1_epi16((short)at));
    return (__builtin_ctz((unsigned)_mm_movemask_epi8(later) | 1u << 16) >> 1) - 1;
#else
    int token = 0;
    for (int i = 1; i < DFY_TOKENS; i++) token += below[i] <= (int16_t)at;
    return token;
#endif
}

DFY_TOKEN_INLINE uint32_t dfy_tokens_word(DfyTokens *t) {
    if (t->words_end - t->words < 2) return 0;
    uint32_t word = t->words[0] | (uint32_t)t->words[1] << 8;
    t->words += 2;
    return word;
}

/* A token by what is below each. */
DFY_TOKEN_INLINE int dfy_token_by(DfyTokens *t, DfyTokenLanes below, int token, int encoding) {
    uint16_t first[DFY_TOKENS + 1];
    memcpy(first, &below, sizeof below);
    first[DFY_TOKENS] = 1 << DFY_TOKEN_BITS;
    if (encoding) {
        uint32_t size = (uint32_t)(first[token + 1] - first[token]);
        if (t->count < t->capacity || dfy_tokens_grow(t)) t->list[t->count++] = first[token] | size << 16;
    } else {
        uint32_t *state = &t->state[t->turn++ % DFY_TOKEN_STATES], at = *state & ((1u << DFY_TOKEN_BITS) - 1);
        token = dfy_token_at(below, at);
        uint32_t start = first[token], size = first[token + 1] - start;
        uint32_t next = size * (*state >> DFY_TOKEN_BITS) + at - start;
        *state = next < 1u << 16 ? next << 16 | dfy_tokens_word(t) : next;
    }
    return token;
}

DFY_TOKEN_INLINE int dfy_token(DfyTokens *t, DfyTokenModel *model, int token, int encoding) {
    token = dfy_token_by(t, model->below, token, encoding);
    dfy_token_learn(model, token);
    return token;
}

/* Under two models at once: by their mean, rounded down. */
DFY_TOKEN_INLINE int dfy_token_mixed(DfyTokens *t, DfyTokenModel *a, DfyTokenModel *b, int token, int encoding) {
    DfyTokenCounts below = ((DfyTokenCounts)a->below + (DfyTokenCounts)b->below) >> 1;
    token = dfy_token_by(t, (DfyTokenLanes)below, token, encoding);
    dfy_token_learn(a, token);
    dfy_token_learn(b, token);
    return token;
}

/* The `count` (0..16) low bits of value, each as likely 0 as 1. */
DFY_TOKEN_INLINE uint32_t dfy_token_even(DfyTokens *t, int count, uint32_t value, int encoding) {
    uint32_t mask = (1u << count) - 1;
    if (encoding) {
        t->held |= (uint64_t)(value & mask) << t->held_bits;
        for (t->held_bits += count; t->held_bits >= 8; t->held_bits -= 8) {
            dfy_put_u8(&t->raw, (unsigned)(t->held & 255));
            t->held >>= 8;
        }
        return value & mask;
    }
    while (t->held_bits < count) {
        t->held |= (uint64_t)(t->bits < t->bits_end ? *t->bits++ : 0) << t->held_bits;
        t->held_bits += 8;
    }
    value = (uint32_t)t->held & mask;
    t->held >>= count;
    t->held_bits -= count;
    return value;
}

/* What a number is beyond the direct ones: a token of how many bits it has, 16 for all from 64 on, and those. */
DFY_TOKEN_INLINE uint32_t dfy_token_escaped(DfyTokens *t, DfyTokenModel *model, uint32_t more, int encoding) {
    int bits = more ? 32 - __builtin_clz(more) : 0;
    int token = dfy_token(t, model, bits < DFY_TOKENS - 1 ? bits : DFY_TOKENS - 1, encoding);
    if (token < 2) return (uint32_t)token;
    if (token == DFY_TOKENS - 1) return dfy_token_even(t, 16, more, encoding);
    return 1u << (token - 1) | dfy_token_even(t, token - 1, more, encoding);
}

/* What is left of a number behind its first token. */
DFY_TOKEN_INLINE int32_t dfy_token_rest(DfyTokens *t, int token, DfyTokenModel *escaped, int32_t number, int encoding) {
    uint32_t size = (uint32_t)(number < 0 ? -number : number);
    if (!token) return 0;
    if (token == DFY_TOKEN_DIRECT)
        size = DFY_TOKEN_DIRECT + dfy_token_escaped(t, escaped, size - DFY_TOKEN_DIRECT, encoding);
    else
        size = (uint32_t)token;
    return dfy_token_even(t, 1, number < 0, encoding) ? -(int32_t)size : (int32_t)size;
}

DFY_TOKEN_INLINE int dfy_token_of(int32_t number) {
    uint32_t size = (uint32_t)(number < 0 ? -number : number);
    return size < DFY_TOKEN_DIRECT ? (int)size : DFY_TOKEN_DIRECT;
}

/* A number within DFY_TOKEN_MOST of 0: its size, then its sign. */
DFY_TOKEN_INLINE int32_t dfy_token_number(DfyTokens *t, DfyTokenModel *model, DfyTokenModel *escaped, int32_t number,
                                          int encoding) {
    int token = dfy_token(t, model, dfy_token_of(number), encoding);
    return dfy_token_rest(t, token, escaped, number, encoding);
}
DFY_TOKEN_INLINE int32_t dfy_token_mixed_number(DfyTokens *t, DfyTokenModel *a, DfyTokenModel *b,
                                                DfyTokenModel *escaped, int32_t number, int encoding) {
    int token = dfy_token_mixed(t, a, b, dfy_token_of(number), encoding);
    return dfy_token_rest(t, token, escaped, number, encoding);
}

#endif
