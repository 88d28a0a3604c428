/*
 * Several guesses at one bit mixed into a better one: each is turned into a logit, the logits are added under weights
 * that learn as they are used, and the sum is turned back (M. Mahoney, "Adaptive weighing of context models for
 * lossless data compression", 2005). Integers throughout; the tables are the same on every machine.
 */
#ifndef DFY_ENTROPY_LOGISTIC_H
#define DFY_ENTROPY_LOGISTIC_H

#include "entropy/range.h"

#define DFY_GUESSES 6

/* A probability of 1 in 1/65536 that settles: each use moves it by less, down to 1/limit of the way. */
typedef struct DfyGuess {
    uint16_t p;
    uint8_t uses;
} DfyGuess;

typedef struct DfyLogistic {
    int16_t stretch[4096]; /* logit in 1/256 of probability / 4096 */
    uint16_t squash[4096]; /* probability of logit + 2048 */
    uint16_t step[256];    /* 65536 / (uses + 1.5) */
} DfyLogistic;

/*
 * The curve and its inverse: squash of logit + 2048 (logits in 1/256), stretch of probability / 4096. No probability
 * is nearer to 0 or 65536 than `margin`.
 */
void dfy_logistic_curve(uint16_t squash[4096], int16_t stretch[4096], int margin);
void dfy_logistic_build(DfyLogistic *tables);

#define DFY_GUESS_LIMIT 250

/* Codes a bit under guesses[0..DFY_GUESSES) with weights in 1/65536; all of them learn. */
static inline int dfy_code_mixed(DfyRangeCoder *coder, const DfyLogistic *tables, DfyGuess *const *guesses,
                                 int32_t *weights, int bit) {
    int32_t input[DFY_GUESSES], sum = 0;
    for (int i = 0; i < DFY_GUESSES; i++) {
        input[i] = tables->stretch[guesses[i]->p >> 4];
        sum += (weights[i] >> 2) * input[i] >> 6; /* 256ths of a logit, times 256 */
    }
    sum >>= 8;
    sum = sum > 2047 ? 2047 : sum < -2047 ? -2047 : sum;
    int32_t p = tables->squash[sum + 2048];
    bit = dfy_code_with(coder, (uint32_t)p, bit);
    int32_t error = (bit << 16) - p;
    for (int i = 0; i < DFY_GUESSES; i++) {
        weights[i] += (input[i] * (error >> 4) + (1 << 9)) >> 10;
        weights[i] = weights[i] > 1 << 18 ? 1 << 18 : weights[i] < -(1 << 18) ? -(1 << 18) : weights[i];
        DfyGuess *guess = guesses[i];
        int32_t target = bit ? 65535 : 0;
        guess->p = (uint16_t)(guess->p + (((target - guess->p) * (int32_t)(tables->step[guess->uses] >> 1)) >> 15));
        guess->uses = (uint8_t)(guess->uses + (guess->uses < DFY_GUESS_LIMIT));
    }
    return bit;
}

#endif
