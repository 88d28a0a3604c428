/* Every RGB kernel against the C reference on random and extreme input: equal to the bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dsp/rgb_kernels.h"

#define STRIDE 72
static uint8_t a[STRIDE * 20], b[STRIDE * 20];
static uint32_t seed = 1;

static uint32_t next(void) {
    return seed = seed * 1664525u + 1013904223u, seed >> 8;
}

static float between(float low, float high) {
    return low + (high - low) * (float)(next() % 65536) / 65535;
}

static void fill(int round) {
    for (size_t i = 0; i < sizeof a; i++) {
        a[i] = (uint8_t)(round == 0 ? 255 : round == 1 ? (i & 1) * 255 : next());
        b[i] = (uint8_t)(round == 0 ? 0 : round == 1 ? (~i & 1) * 255 : next());
    }
}

static void pixels(void **state) {
    const DfyRgbKernels *k = *state, *c = dfy_rgb_kernels_c();
    for (int round = 0; round < 400; round++) {
        float x[3][64], y[3][64];
        uint8_t p[sizeof a], q[sizeof a];
        fill(round);
        const size_t at = next() % 48;
        k->difference(x, a + at, STRIDE, b + at, STRIDE);
        c->difference(y, a + at, STRIDE, b + at, STRIDE);
        assert_memory_equal(x, y, sizeof x);
        const float most = round & 1 ? 3 : round & 2 ? 300 : 1e6f;
        for (int i = 0; i < 192; i++) x[i / 64][i % 64] = between(-most, most);
        memcpy(p, a, sizeof p);
        memcpy(q, a, sizeof q);
        k->add(p + at, STRIDE, (const float(*)[64])x);
        c->add(q + at, STRIDE, (const float(*)[64])x);
        assert_memory_equal(p, q, sizeof p);
    }
}

static void transforms(void **state) {
    const DfyRgbKernels *k = *state, *c = dfy_rgb_kernels_c();
    for (int round = 0; round < 400; round++) {
        float in[64], x[64], y[64], back[64];
        for (int i = 0; i < 64; i++)
            in[i] = round < 2 ? (round && (i & 1) ? -255.0f : 255.0f) : (float)(int)(next() % 511) - 255;
        k->forward(x, in);
        c->forward(y, in);
        assert_memory_equal(x, y, sizeof x);
        k->inverse(back, x);
        for (int i = 0; i < 64; i++) assert_true(back[i] - in[i] < 0.01f && in[i] - back[i] < 0.01f);
        for (int i = 0; i < 64; i++) in[i] = next() % 4 ? 0 : (float)(int)(next() % 20001) - 10000;
        k->inverse(x, in);
        c->inverse(y, in);
        assert_memory_equal(x, y, sizeof x);
    }
}

/* Weights of R, G and B like version 1's, and of channels that hardly touch each other. */
static DfyLevelCosts some_costs(int round) {
    static const float weight[2][3][3] = {
        {{0.201f, 0.122f, -0.0034f}, {0.122f, 0.4586f, -0.0291f}, {-0.0034f, -0.0291f, 0.1157f}},
        {{1, 0, 0.01f}, {0, 0.8f, 0.02f}, {0.01f, 0.02f, 1.3f}}};
    DfyLevelCosts costs = {.lambda = between(0.01f, round & 2 ? 300 : 10)};
    memcpy(costs.weight, weight[round & 1], sizeof costs.weight);
    return costs;
}

static void levels(void **state) {
    const DfyRgbKernels *k = *state, *c = dfy_rgb_kernels_c();
    uint32_t sent = 0, alone = 0;
    for (int round = 0; round < 4000; round++) {
        DfyLevelCosts costs = some_costs(round);
        const float most = round % 7 == 0 ? 2040 : round % 7 == 1 ? 300 : 40;
        float coefficient[3][64], step[3][64], saved[2][64];
        int32_t level[2][3][64];
        uint8_t at[2][64];
        for (int i = 0; i < 192; i++) {
            coefficient[i / 64][i % 64] = next() % 9 ? between(-most, most) : 0;
            step[i / 64][i % 64] = (float)(1 + next() % (round % 5 ? 60 : 255));
        }
        const float(*in)[64] = (const float(*)[64])coefficient, (*steps)[64] = (const float(*)[64])step;
        int count = c->candidates(at[1], in, &costs);
        assert_int_equal(k->candidates(at[0], in, &costs), count);
        assert_memory_equal(at[0], at[1], (size_t)count);
        count = 4 * (int)(1 + next() % 16);
        k->choose(level[0], saved[0], in, steps, count, &costs);
        c->choose(level[1], saved[1], in, steps, count, &costs);
        assert_memory_equal(saved[0], saved[1], (size_t)count * sizeof(float));
        for (int channel = 0; channel < 3; channel++)
            assert_memory_equal(level[0][channel], level[1][channel], (size_t)count * sizeof(int32_t));
        for (int i = 0; i < count; i++) {
            int channels = !!level[1][0][i] + !!level[1][1][i] + !!level[1][2][i];
            sent += channels > 0;
            alone += channels == 1;
        }
    }
    assert_true(sent > 1000 && alone > 100 && sent - alone > 100);
}

static void colours(void **state) {
    const DfyRgbKernels *k = *state, *c = dfy_rgb_kernels_c();
    for (int round = 0; round < 600; round++) {
        static const DfyMatrix matrix[] = {DFY_MATRIX_UNKNOWN, DFY_MATRIX_BT709, DFY_MATRIX_BT601, DFY_MATRIX_BT2020};
        DfyColour colour;
        dfy_colour_init(&colour, matrix[round % 4], round & 4 ? DFY_RANGE_FULL : DFY_RANGE_LIMITED, 100);
        uint8_t x[3 * 80], y[3 * 80];
        int count = 1 + (int)(next() % 80);
        fill(round);
        memset(x, 7, sizeof x);
        memset(y, 7, sizeof y);
        k->row_to_rgb(x, a, b, b + 100, count, &colour);
        c->row_to_rgb(y, a, b, b + 100, count, &colour);
        assert_memory_equal(x, y, sizeof x);
    }
}

int main(void) {
    static DfyRgbKernels own;
    own = *dfy_rgb_kernels();
    const struct CMUnitTest tests[] = {
        {"pixels", pixels, NULL, NULL, &own},
        {"transforms", transforms, NULL, NULL, &own},
        {"levels", levels, NULL, NULL, &own},
        {"colours", colours, NULL, NULL, &own},
    };
    return cmocka_run_group_tests_name("RGB", tests, NULL, NULL);
}
