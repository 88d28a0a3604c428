#include "splat/trellis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const uint8_t dfy_trellis_next[4][2] = {{0, 2}, {2, 0}, {1, 3}, {3, 1}};

enum {
    LEVELS = 16,  /* magnitudes with a rate of their own */
    CLASSES = 10, /* of rows, by their energy: a busy row's numbers cost less */
    MOST_N = 48,
    LARGEST = 16000 /* number: values must fit 16 bits */
};

/*
 * What a bit is worth, in squared steps: larger gives up more error for fewer bits, which a finer step makes good.
 * Tried from 0.15 to 1.2 on a scene from training, at errors from those of .spz to coarse: bytes at equal error are
 * fewest at 0.3, and within 0.3 % of that from 0.2 to 0.4.
 */
#define BIT_WORTH 0.3

typedef struct Rates {
    float bits[MOST_N][CLASSES][2][LEVELS];
} Rates;

/* Class of a row: how large its coefficients are, in steps, on a logarithmic scale. */
static int class_of(const double *row, int n, double step) {
    double sum = 0;
    for (int k = 0; k < n; k++) sum += fmin(fabs(row[k]) / step, 64);
    double mean = sum / n;
    int c = 0;
    for (double limit = 0.35; c < CLASSES - 1 && mean > limit; limit *= 1.4) c++;
    return c;
}

static int32_t nearest(int quantiser, double x) {
    int32_t k = (int32_t)(quantiser ? (x + 1) / 2 + 0.4 : x / 2 + 0.4); /* of magnitudes */
    return k > LARGEST ? LARGEST : k;
}

/* Rates from how often each number would be taken without a trellis. */
static void learn_rates(Rates *rates, const DfyTrellis *t, double step, size_t stride, uint8_t *classes) {
    memset(rates, 0, sizeof *rates);
    for (size_t i = 0; i < t->rows; i += stride) {
        const double *row = t->parts + i * (size_t)t->n;
        int c = classes[i / stride] = (uint8_t)class_of(row, t->n, step);
        for (int k = 0; k < t->n; k++)
            for (int q = 0; q < 2; q++) {
                double x = fabs(row[k]) / step;
                int32_t level = q && x < 0.6 ? 0 : nearest(q, x);
                rates->bits[k][c][q][level < LEVELS ? level : LEVELS - 1]++;
            }
    }
    for (int k = 0; k < t->n; k++)
        for (int c = 0; c < CLASSES; c++)
            for (int q = 0; q < 2; q++) {
                float *bits = rates->bits[k][c][q], total = 0;
                for (int l = 0; l < LEVELS; l++) total += bits[l] += 0.3f / (float)(1 + l);
                for (int l = 0; l < LEVELS; l++) bits[l] = log2f(total / bits[l]) + (l ? 1.0f : 0.0f);
            }
}

static float rate_of(const float bits[LEVELS], int32_t magnitude) {
    return magnitude < LEVELS ? bits[magnitude] : bits[LEVELS - 1] + (float)(magnitude - LEVELS + 1) * 0.2f;
}

/* The best number of each parity in one quantiser. */
typedef struct Choice {
    float cost[2];
    int16_t coded[2];
} Choice;

static void consider(Choice *choice, int32_t magnitude, int quantiser, float x, const float bits[LEVELS]) {
    float value = (float)(2 * magnitude - (quantiser && magnitude));
    float cost = (x - value) * (x - value) + (float)BIT_WORTH * rate_of(bits, magnitude);
    int parity = magnitude & 1;
    if (cost < choice->cost[parity]) {
        choice->cost[parity] = cost;
        choice->coded[parity] = (int16_t)magnitude;
    }
}

static Choice choose(int quantiser, float x, const float bits[LEVELS]) {
    Choice choice = {{INFINITY, INFINITY}, {0, 1}};
    int32_t low = (int32_t)(quantiser ? (x + 1) / 2 : x / 2);
    if (low > LARGEST) low = LARGEST;
    consider(&choice, low, quantiser, x, bits);
    consider(&choice, low + 1, quantiser, x, bits);
    if (low == 1 || low == 2) consider(&choice, low - 1, quantiser, x, bits);
    if (low == 2) consider(&choice, 0, quantiser, x, bits);
    return choice;
}

/* Into each state, the way that is cheapest so far: which state before it, which number. */
typedef struct Step {
    int16_t coded[4];
    uint8_t before[4];
} Step;

static void advance(Step *step, float cost[4], const Choice choices[2]) {
    float next[4] = {INFINITY, INFINITY, INFINITY, INFINITY};
    for (int state = 0; state < 4; state++)
        for (int parity = 0; parity < 2; parity++) {
            const Choice *choice = &choices[state >> 1];
            int to = dfy_trellis_next[state][parity];
            float sum = cost[state] + choice->cost[parity];
            if (sum >= next[to]) continue;
            next[to] = sum;
            step->coded[to] = choice->coded[parity];
            step->before[to] = (uint8_t)state;
        }
    float least = fminf(fminf(next[0], next[1]), fminf(next[2], next[3]));
    for (int state = 0; state < 4; state++) cost[state] = next[state] - least; /* keeps sums small */
}

static void walk_forward(Step *steps, const DfyTrellis *t, const Rates *rates, const uint8_t *classes, double step,
                         size_t stride) {
    float cost[4] = {0, INFINITY, INFINITY, INFINITY}, scale = (float)(1 / step);
    size_t at = 0;
    for (size_t i = 0; i < t->rows; i += stride)
        for (int k = 0; k < t->n; k++) {
            float x = fabsf((float)t->parts[i * (size_t)t->n + (size_t)k] * scale);
            const float(*bits)[LEVELS] = rates->bits[k][classes[i / stride]];
            Choice choices[2] = {choose(0, x, bits[0]), choose(1, x, bits[1])};
            advance(&steps[at++], cost, choices);
        }
    /* The last step's cheapest state is left where the way back begins. */
    int best = 0;
    for (int state = 1; state < 4; state++)
        if (cost[state] < cost[best]) best = state;
    steps[at].before[0] = (uint8_t)best;
}

static double walk_back(int16_t *values, size_t value_stride, const Step *steps, size_t count, const DfyTrellis *t,
                        double step, size_t stride) {
    int state = steps[count].before[0];
    size_t n = (size_t)t->n;
    double sum = 0;
    for (size_t at = count; at-- > 0;) {
        int32_t coded = steps[at].coded[state];
        state = steps[at].before[state];
        size_t row = at / n * stride, k = at % n;
        double part = t->parts[row * n + k];
        int32_t value = dfy_trellis_value(state, part < 0 ? -coded : coded);
        double error = part - value * step;
        sum += t->norm[k] * error * error;
        if (values) values[row * value_stride + k] = (int16_t)value;
    }
    return count ? sum / (double)count : 0;
}

double dfy_trellis_quantise(int16_t *values, size_t value_stride, const DfyTrellis *t, double step, size_t stride) {
    size_t rows = (t->rows + stride - 1) / stride, count = rows * (size_t)t->n;
    Rates *rates = malloc(sizeof *rates);
    uint8_t *classes = malloc(rows ? rows : 1);
    Step *steps = calloc(count + 1, sizeof *steps);
    double mean = -1;
    if (rates && classes && steps) {
        learn_rates(rates, t, step, stride, classes);
        walk_forward(steps, t, rates, classes, step, stride);
        mean = walk_back(values, value_stride, steps, count, t, step, stride);
    }
    free(rates);
    free(classes);
    free(steps);
    return mean;
}
