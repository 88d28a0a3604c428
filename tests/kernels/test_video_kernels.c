/* Every kernel of every table that this processor can use against the C reference on random and extreme input: equal to
 * the bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "dsp/kernels.h"

#define STRIDE 160
static uint8_t a[STRIDE * 100], b[STRIDE * 100];
static uint32_t seed = 1;

static uint32_t next(void) {
    return seed = seed * 1664525u + 1013904223u, seed >> 8;
}

static void fill(int round) {
    for (size_t i = 0; i < sizeof a; i++) {
        a[i] = (uint8_t)(round == 0 ? 255 : round == 1 ? (i & 1) * 255 : next());
        b[i] = (uint8_t)(round == 0 ? 0 : round == 1 ? (~i & 1) * 255 : next());
    }
}

static void differences(void **state) {
    const DfyKernels *k = *state, *c = dfy_kernels_c();
    for (int round = 0; round < 20; round++) {
        fill(round);
        for (int w = 4; w <= 64; w += 4)
            for (int h = 4; h <= 64; h *= 2) {
                const uint8_t *p = a + next() % 16, *q = b + next() % 16;
                assert_int_equal(k->sad(p, STRIDE, q, STRIDE, w, h), c->sad(p, STRIDE, q, STRIDE, w, h));
                assert_int_equal(k->sse(p, STRIDE, q, STRIDE, w, h), c->sse(p, STRIDE, q, STRIDE, w, h));
                assert_int_equal(k->satd(p, STRIDE, q, STRIDE, w, h), c->satd(p, STRIDE, q, STRIDE, w, h));
                int16_t r[64 * 64], s[64 * 64];
                k->subtract(r, p, STRIDE, q, STRIDE, w, h);
                c->subtract(s, p, STRIDE, q, STRIDE, w, h);
                assert_memory_equal(r, s, (size_t)(w * h) * 2);
                uint8_t x[STRIDE * 64], y[STRIDE * 64];
                memcpy(x, p, sizeof x - 32);
                memcpy(y, p, sizeof y - 32);
                k->add(x, STRIDE, r, w, h);
                c->add(y, STRIDE, r, w, h);
                assert_memory_equal(x, y, sizeof x - 32);
                k->mean(x, STRIDE, p, STRIDE, q, STRIDE, w, h);
                c->mean(y, STRIDE, p, STRIDE, q, STRIDE, w, h);
                assert_memory_equal(x, y, sizeof x - 32);
            }
    }
}

static void same_rows(const int16_t *x, const int16_t *y, int w, int h) {
    for (int i = 0; i < h; i++) assert_memory_equal(x + i * DFY_BLEND_STRIDE, y + i * DFY_BLEND_STRIDE, (size_t)w * 2);
}

static void interpolation(void **state) {
    const DfyKernels *k = *state, *c = dfy_kernels_c();
    static int16_t x[2][64 * 64 + 8], y[2][64 * 64 + 8];
    for (int round = 0; round < 6; round++) {
        fill(round);
        for (int w = 4; w <= 64; w *= 2)
            for (int f = 0; f < 256; f++) {
                int h = 4 << next() % 5, fx = f & 15, fy = f >> 4;
                const uint8_t *p = a + 8 * STRIDE + 8 + next() % 8, *q = b + 8 * STRIDE + 8 + next() % 8;
                k->luma(x[0], p, STRIDE, w, h, fx, fy);
                c->luma(y[0], p, STRIDE, w, h, fx, fy);
                same_rows(x[0], y[0], w, h);
                int cx = 2 * fx + (int)(next() & 1), cy = 2 * fy + (int)(next() & 1);
                k->chroma(x[1], q, STRIDE, w, h, cx, cy);
                c->chroma(y[1], q, STRIDE, w, h, cx, cy);
                same_rows(x[1], y[1], w, h);
                static uint8_t m[64 * 64], n[64 * 64];
                memset(m, 7, sizeof m);
                memset(n, 7, sizeof n);
                k->store(m, 64, y[0], w, h);
                c->store(n, 64, y[0], w, h);
                assert_memory_equal(m, n, sizeof m);
                k->store_mean(m, 64, y[0], y[1], w, h);
                c->store_mean(n, 64, y[0], y[1], w, h);
                assert_memory_equal(m, n, sizeof m);
            }
    }
}

/* Any values, those of pixels, and slopes that lie a little apart. */
static void bdof(void **state) {
    const DfyKernels *k = *state, *c = dfy_kernels_c();
    static int16_t blend[2][(DFY_BDOF_SIDE + 2) * DFY_BLEND_STRIDE];
    int moved = 0;
    for (int round = 0; round < 60; round++) {
        for (int i = 0; i < 2; i++)
            for (int at = 0; at < (DFY_BDOF_SIDE + 2) * DFY_BLEND_STRIDE; at++) {
                int x = at % DFY_BLEND_STRIDE, y = at / DFY_BLEND_STRIDE, slope = (x + y / 2 + i) * 300;
                blend[i][at] = (int16_t)(round % 3 == 0   ? (int)(next() & 0xFFFF) - 32768
                                         : round % 3 == 1 ? (int)(next() & 0xFF) << 6
                                                          : slope % 16000 + (int)(next() % 200));
            }
        const int16_t *p = blend[0] + DFY_BLEND_STRIDE + 8, *q = blend[1] + DFY_BLEND_STRIDE + 8;
        for (int w = 8; w <= DFY_BDOF_SIDE; w *= 2)
            for (int h = 8; h <= DFY_BDOF_SIDE; h *= 2) {
                uint8_t x[32 * 40], y[32 * 40], plain[32 * 40];
                memset(x, 7, sizeof x);
                memset(y, 7, sizeof y);
                memset(plain, 7, sizeof plain);
                k->bdof(x, 40, p, q, w, h);
                c->bdof(y, 40, p, q, w, h);
                c->store_mean(plain, 40, p, q, w, h);
                assert_memory_equal(x, y, sizeof x);
                moved += memcmp(y, plain, sizeof y) != 0;
            }
    }
    assert_true(moved > 500);
}

static void transforms(void **state) {
    const DfyKernels *k = *state, *c = dfy_kernels_c();
    for (int round = 0; round < 400; round++) {
        int log2 = 2 + round % 4, count = 1 << (2 * log2), side = 1 << log2;
        DfyTransformKind kind = log2 < 5 && round & 8 ? DFY_DST : DFY_DCT;
        int16_t in[1024], x[1024], y[1024];
        for (int i = 0; i < count; i++)
            in[i] = (int16_t)(round < 8    ? (next() & 1 ? 255 : -255)
                              : round < 16 ? 255
                              : round & 16 ? (int)(next() % 511) - 255
                                           : (int)(next() % 21) - 10);
        k->forward(x, in, log2, kind);
        c->forward(y, in, log2, kind);
        assert_memory_equal(x, y, (size_t)count * 2);
        int columns = 1 + (int)(next() % (unsigned)side), rows = 1 + (int)(next() % (unsigned)side);
        for (int i = 0; i < count; i++) {
            int inside = i % side < columns && i / side < rows;
            in[i] = (int16_t)(!inside ? 0 : round & 1 ? (int)(next() & 0xFFFF) - 32768 : (int)(next() % 600) - 300);
        }
        k->inverse(x, in, log2, kind, columns, rows);
        c->inverse(y, in, log2, kind, columns, rows);
        assert_memory_equal(x, y, (size_t)count * 2);
    }
}

static void large_coefficients(void **state) {
    const DfyKernels *k = *state, *c = dfy_kernels_c();
    for (int round = 0; round < 2000; round++) {
        int side = 4 << round % 4, least = round & 4 ? 1 + (int)(next() % 32768) : 1 + (int)(next() % 20);
        int16_t in[1024];
        uint16_t x[64] = {0}, y[64] = {0};
        for (int i = 0; i < side * side; i++)
            in[i] = (int16_t)(round & 8 ? (int)(next() & 0xFFFF) - 32768 : (int)(next() % 41) - 20);
        in[next() % (unsigned)(side * side)] = -32768;
        if (round % 16 == 0) memset(in, 0, sizeof in);
        assert_int_equal(k->nonzero_mask(x, in, side, least), c->nonzero_mask(y, in, side, least));
        assert_memory_equal(x, y, sizeof x);
    }
}

static void intra(void **state) {
    const DfyKernels *k = *state, *c = dfy_kernels_c();
    for (int round = 0; round < 20; round++) {
        fill(round);
        for (int side = 4; side <= 32; side *= 2)
            for (int angle = -32; angle <= 32; angle++) {
                uint8_t x[64 * 32] = {0}, y[64 * 32] = {0};
                const uint8_t *line = a + 40 + next() % 16;
                k->intra_angular(x, 64, line, side, angle);
                c->intra_angular(y, 64, line, side, angle);
                assert_memory_equal(x, y, sizeof x);
                k->transpose(x, 64, line, side);
                c->transpose(y, 64, line, side);
                assert_memory_equal(x, y, sizeof x);
            }
    }
}

/* Edges of all heights between sides that are more or less smooth. */
static void deblocking(void **state) {
    const DfyKernels *k = *state, *c = dfy_kernels_c();
    int changed = 0;
    for (int i = 0; i < 20000; i++) {
        uint8_t x[16 * 16], y[16 * 16], before[16 * 16];
        int vertical = (int)(next() & 1), height = (int)(next() % 40), noise = 1 + (int)(next() % 8);
        for (int n = 0; n < 256; n++) {
            int behind = (vertical ? n % 16 : n / 16) >= 8;
            before[n] = dfy_clamp_pixel((i % 8 ? 100 : i % 16 ? 0 : 230) + behind * height + (int)(next() % noise));
        }
        memcpy(x, before, sizeof x);
        memcpy(y, before, sizeof y);
        int beta = (int)(next() % 65), tc = (int)(next() % 25), at = 8 * 16 + 4;
        if (vertical) at = 4 * 16 + 8;
        k->deblock(x + at, vertical ? 1 : 16, vertical ? 16 : 1, beta, tc);
        c->deblock(y + at, vertical ? 1 : 16, vertical ? 16 : 1, beta, tc);
        assert_memory_equal(x, y, sizeof x);
        changed += memcmp(x, before, sizeof x) != 0;
    }
    assert_in_range(changed, 2000, 18000);
}

static void scaling(void **state) {
    const DfyKernels *k = *state, *c = dfy_kernels_c();
    uint8_t src[256 + 7], x[256 + 7], y[256 + 7];
    for (int i = 0; i < (int)sizeof src; i++) src[i] = (uint8_t)i;
    for (int factor = 0; factor <= 192; factor += 3)
        for (int add = -8240; add <= 8240; add += 103) {
            k->scale(x, src, sizeof src, factor, add);
            c->scale(y, src, sizeof src, factor, add);
            assert_memory_equal(x, y, sizeof x);
            for (int i = 0; i < 256; i++) assert_int_equal(x[i], dfy_clamp_pixel((factor * i + add) >> 7));
        }
}

static void directed(void **state) {
    const DfyKernels *k = *state, *c = dfy_kernels_c();
    for (int round = 0; round < 20; round++) {
        fill(round);
        for (int i = 0; i < 500; i++) {
            const uint8_t *p = a + 3 * STRIDE + 3 + next() % 16;
            uint32_t variance[2];
            int direction = k->direction(p, STRIDE, &variance[0]);
            assert_int_equal(direction, c->direction(p, STRIDE, &variance[1]));
            assert_int_equal(variance[0], variance[1]);
            int side = next() & 1 ? 8 : 4, primary = (int)(next() % 16), secondary = (int)(next() % 5);
            int damping = 2 + (int)(next() % 5);
            uint8_t x[64] = {0}, y[64] = {0};
            k->cdef(x, 8, p, STRIDE, side, i & 7, primary, secondary, damping);
            c->cdef(y, 8, p, STRIDE, side, i & 7, primary, secondary, damping);
            assert_memory_equal(x, y, sizeof x);
            int8_t weights[DFY_ALF_TAPS];
            for (int n = 0; n < DFY_ALF_TAPS; n++) weights[n] = (int8_t)((int)(next() % 128) - 64);
            k->alf(x, 8, p, STRIDE, weights);
            c->alf(y, 8, p, STRIDE, weights);
            assert_memory_equal(x, y, sizeof x);
            int32_t m[DFY_ALF_VALUES][DFY_ALF_VALUES], n[DFY_ALF_VALUES][DFY_ALF_VALUES];
            k->alf_statistics(m, p, STRIDE, b, STRIDE);
            c->alf_statistics(n, p, STRIDE, b, STRIDE);
            for (int row = 0; row < DFY_ALF_TAPS; row++)
                assert_memory_equal(&m[row][row], &n[row][row], sizeof(int32_t) * (size_t)(DFY_ALF_VALUES - row));
        }
    }
}

/* Pixels of two other pictures, weighed by any strength, and what becomes of them; the extremes first. */
static void temporal_filter(void **state) {
    const DfyKernels *k = *state, *c = dfy_kernels_c();
    enum { SIZE = DFY_MCTF_SIDE * DFY_MCTF_SIDE };
    for (int round = 0; round < 300; round++) {
        fill(round % 30);
        int width = 8 << (round & 1), height = 4 * (1 + (int)(next() % 4));
        uint16_t sum[2][SIZE] = {{0}}, weight[2][SIZE] = {{0}};
        uint8_t out[2][SIZE] = {{0}};
        for (int n = 0; n < 2; n++) {
            DfyMctfWeights weights;
            dfy_mctf_weigh(&weights, 24 + (int)(next() % 400), 1 + (int)(next() % 64));
            const uint8_t *other = b + next() % 4000;
            k->mctf_add(sum[0], weight[0], a, STRIDE, other, width, height, &weights);
            c->mctf_add(sum[1], weight[1], a, STRIDE, other, width, height, &weights);
        }
        assert_memory_equal(sum[0], sum[1], sizeof sum[0]);
        assert_memory_equal(weight[0], weight[1], sizeof weight[0]);
        k->mctf_mean(out[0], DFY_MCTF_SIDE, a, STRIDE, sum[0], weight[0], width, height);
        c->mctf_mean(out[1], DFY_MCTF_SIDE, a, STRIDE, sum[1], weight[1], width, height);
        assert_memory_equal(out[0], out[1], sizeof out[0]);
    }
}

/* Lines of every direction are found, and flat squares have none. */
static void edges(void **state) {
    (void)state;
    const DfyKernels *c = dfy_kernels_c();
    for (int d = 0; d < 8; d++) {
        uint8_t square[64];
        for (int y = 0; y < 8; y++)
            for (int x = 0; x < 8; x++) { /* distance from the line through the middle, times 2 */
                static const int8_t across[8][2] = {{2, 2},  {1, 2},  {0, 2},  {-1, 2},
                                                    {-2, 2}, {-2, 1}, {-2, 0}, {-2, -1}};
                int distance = across[d][0] * (2 * x - 7) + across[d][1] * (2 * y - 7);
                square[y * 8 + x] = distance > 0 ? 200 : 50;
            }
        uint32_t variance;
        assert_int_equal(c->direction(square, 8, &variance), d);
        assert_true(variance > 64);
        memset(square, 77, sizeof square);
        c->direction(square, 8, &variance);
        assert_int_equal(variance, 0);
    }
}

/* The transform pair gives back what went in, but for rounding. */
static void round_trip(void **state) {
    const DfyKernels *k = *state;
    for (int log2 = 2; log2 <= 5; log2++) {
        int count = 1 << (2 * log2), side = 1 << log2;
        int16_t in[1024], coefficients[1024], out[1024];
        for (int i = 0; i < count; i++) in[i] = (int16_t)((int)(next() % 511) - 255);
        k->forward(coefficients, in, log2, DFY_DCT);
        k->inverse(out, coefficients, log2, DFY_DCT, side, side);
        for (int i = 0; i < count; i++) assert_in_range(out[i] - in[i] + 4, 0, 8);
    }
}

/* Every set of instructions that this build has kernels for, and of those the ones that this processor has. */
static int run(const char *name, unsigned flags) {
    if ((flags & DFY_CPU_BUILT) != flags) return 0;
    dfy_cpu_mask(flags);
    if (dfy_cpu_flags() != flags) {
        printf("skipped: %s, which this processor lacks\n", name);
        return 0;
    }
    static DfyKernels table;
    table = *dfy_kernels();
    const struct CMUnitTest tests[] = {
        {"differences", differences, NULL, NULL, &table},
        {"interpolation", interpolation, NULL, NULL, &table},
        {"bdof", bdof, NULL, NULL, &table},
        {"transforms", transforms, NULL, NULL, &table},
        {"large_coefficients", large_coefficients, NULL, NULL, &table},
        {"intra", intra, NULL, NULL, &table},
        {"directed", directed, NULL, NULL, &table},
        {"deblocking", deblocking, NULL, NULL, &table},
        {"temporal_filter", temporal_filter, NULL, NULL, &table},
        {"scaling", scaling, NULL, NULL, &table},
        {"round_trip", round_trip, NULL, NULL, &table},
        cmocka_unit_test(edges),
    };
    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

int main(void) {
    return run("C", 0) + run("SSE4.1", DFY_CPU_SSE41) + run("AVX2", DFY_CPU_SSE41 | DFY_CPU_AVX2) +
           run("WebAssembly", DFY_CPU_SSE41 | DFY_CPU_WASM) + run("NEON", DFY_CPU_NEON);
}
