/*
 * Times every kernel beside the reference in C: a row for each, a column for every set of instructions that this
 * processor has, in nanoseconds a call. What a call writes must be what the reference writes; exit status 1 where it
 * isn't. `make kernels` runs it; it is no test, since times depend on the machine.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cpu.h"
#include "dsp/kernels.h"

#define STRIDE 160
#define OUT_BYTES (64 * 64 * 2)
static uint8_t a[STRIDE * 100], b[STRIDE * 100];
static int16_t blend[2][66 * DFY_BLEND_STRIDE], residual[64 * 64], coefficients[32 * 32];
static uint8_t out[OUT_BYTES];

/* Inputs that are readable before and behind what a kernel is asked for. */
#define A (a + 8 * STRIDE + 16)
#define B (b + 8 * STRIDE + 19)
#define BLEND(i) (blend[i] + DFY_BLEND_STRIDE + 8)

static void keep(uint32_t value) {
    memcpy(out, &value, sizeof value);
}

static void sad(const DfyKernels *k) {
    keep(k->sad(A, STRIDE, B, STRIDE, 16, 16));
}
static void sse(const DfyKernels *k) {
    keep(k->sse(A, STRIDE, B, STRIDE, 16, 16));
}
static void satd(const DfyKernels *k) {
    keep(k->satd(A, STRIDE, B, STRIDE, 16, 16));
}
static void luma_across(const DfyKernels *k) {
    k->luma((int16_t *)out, A, STRIDE, 16, 16, 4, 0);
}
static void luma_down(const DfyKernels *k) {
    k->luma((int16_t *)out, A, STRIDE, 16, 16, 0, 8);
}
static void luma_both(const DfyKernels *k) {
    k->luma((int16_t *)out, A, STRIDE, 16, 16, 12, 4);
}
static void chroma_both(const DfyKernels *k) {
    k->chroma((int16_t *)out, A, STRIDE, 8, 8, 3, 5);
}
static void store(const DfyKernels *k) {
    k->store(out, 64, BLEND(0), 16, 16);
}
static void store_mean(const DfyKernels *k) {
    k->store_mean(out, 64, BLEND(0), BLEND(1), 16, 16);
}
static void mean(const DfyKernels *k) {
    k->mean(out, 64, A, STRIDE, B, STRIDE, 16, 16);
}
static void bdof(const DfyKernels *k) {
    k->bdof(out, 64, BLEND(0), BLEND(1), 16, 16);
}
static void subtract(const DfyKernels *k) {
    k->subtract((int16_t *)out, A, STRIDE, B, STRIDE, 16, 16);
}
static void add(const DfyKernels *k) {
    memcpy(out, a, 16 * 16);
    k->add(out, 16, residual, 16, 16);
}
static void forward_8(const DfyKernels *k) {
    k->forward((int16_t *)out, residual, 3, DFY_DCT);
}
static void forward_32(const DfyKernels *k) {
    k->forward((int16_t *)out, residual, 5, DFY_DCT);
}
static void inverse_4(const DfyKernels *k) {
    k->inverse((int16_t *)out, coefficients, 2, DFY_DST, 4, 4);
}
static void inverse_8(const DfyKernels *k) {
    k->inverse((int16_t *)out, coefficients, 3, DFY_DCT, 8, 8);
}
static void inverse_16(const DfyKernels *k) {
    k->inverse((int16_t *)out, coefficients, 4, DFY_DCT, 16, 16);
}
static void inverse_32(const DfyKernels *k) {
    k->inverse((int16_t *)out, coefficients, 5, DFY_DCT, 32, 32);
}
static void nonzero_mask(const DfyKernels *k) {
    k->nonzero_mask((uint16_t *)out, coefficients, 16, 2);
}
static void intra_angular(const DfyKernels *k) {
    k->intra_angular(out, 64, A, 16, -13);
}
static void transpose(const DfyKernels *k) {
    k->transpose(out, 64, a, 16);
}
static void direction(const DfyKernels *k) {
    uint32_t variance;
    int found = k->direction(A, STRIDE, &variance);
    keep(variance + (uint32_t)found);
}
static void cdef_8(const DfyKernels *k) {
    k->cdef(out, 64, A, STRIDE, 8, 1, 4, 2, 5);
}
static void cdef_4(const DfyKernels *k) {
    k->cdef(out, 64, A, STRIDE, 4, 1, 4, 2, 5);
}
static void alf(const DfyKernels *k) {
    static const int8_t weights[DFY_ALF_TAPS] = {9, 3, -1, 2, 5, 8, 4, 1, 0, 2, 0, -1};
    k->alf(out, 64, A, STRIDE, weights);
}
static void alf_statistics(const DfyKernels *k) {
    static int32_t sums[DFY_ALF_VALUES][DFY_ALF_VALUES];
    k->alf_statistics(sums, A, STRIDE, B, STRIDE);
    for (int i = 0; i < DFY_ALF_TAPS; i++)
        memcpy(out + 64 * i, &sums[i][i], sizeof(int32_t) * (size_t)(DFY_ALF_VALUES - i));
}
static void deblock_across(const DfyKernels *k) {
    memcpy(out, a, 512);
    k->deblock(out + 200, 16, 1, 60, 20);
}
static void deblock_along(const DfyKernels *k) {
    memcpy(out, a, 512);
    k->deblock(out + 200, 1, 16, 60, 20);
}
static void scale(const DfyKernels *k) {
    k->scale(out, a, 160, 120, 500);
}

static void mctf(const DfyKernels *k) {
    uint16_t sum[256] = {0}, weight[256] = {0};
    DfyMctfWeights weights;
    dfy_mctf_weigh(&weights, 60, 33);
    k->mctf_add(sum, weight, A, STRIDE, b, 16, 16, &weights);
    k->mctf_mean(out, 16, A, STRIDE, sum, weight, 16, 16);
}

static const struct Case {
    const char *name;
    void (*run)(const DfyKernels *kernels);
} cases[] = {
    {"sad 16x16", sad},
    {"sse 16x16", sse},
    {"satd 16x16", satd},
    {"luma 16x16 across", luma_across},
    {"luma 16x16 down", luma_down},
    {"luma 16x16 both", luma_both},
    {"chroma 8x8 both", chroma_both},
    {"store 16x16", store},
    {"store_mean 16x16", store_mean},
    {"mean 16x16", mean},
    {"bdof 16x16", bdof},
    {"subtract 16x16", subtract},
    {"add 16x16", add},
    {"forward 8x8", forward_8},
    {"forward 32x32", forward_32},
    {"inverse 4x4", inverse_4},
    {"inverse 8x8", inverse_8},
    {"inverse 16x16", inverse_16},
    {"inverse 32x32", inverse_32},
    {"nonzero_mask 16x16", nonzero_mask},
    {"intra_angular 16x16", intra_angular},
    {"transpose 16x16", transpose},
    {"direction 8x8", direction},
    {"cdef 8x8", cdef_8},
    {"cdef 4x4", cdef_4},
    {"alf 8x8", alf},
    {"alf_statistics 8x8", alf_statistics},
    {"mctf 16x16", mctf},
    {"deblock across", deblock_across},
    {"deblock along", deblock_along},
    {"scale 160", scale},
};

static const struct Set {
    const char *name;
    unsigned flags;
} sets[] = {
    {"C", 0},
    {"SSE4.1", DFY_CPU_SSE41},
    {"AVX2", DFY_CPU_SSE41 | DFY_CPU_AVX2},
    {"WebAssembly", DFY_CPU_SSE41 | DFY_CPU_WASM},
    {"NEON", DFY_CPU_NEON},
};
#define SETS (sizeof sets / sizeof *sets)

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Nanoseconds of one call: the least of several rounds, which is what nothing else got in the way of. */
static double time_of(const struct Case *c, const DfyKernels *kernels) {
    double best = 1e18;
    int calls = 16;
    for (int round = 0; round < 8; round++) {
        double start = now();
        for (int i = 0; i < calls; i++) c->run(kernels);
        double taken = now() - start;
        if (taken / calls < best) best = taken / calls;
        if (taken < 1e6) calls *= 4;
    }
    return best;
}

static void fill(void) {
    uint32_t seed = 1;
#define NEXT ((seed = seed * 1664525u + 1013904223u) >> 8)
    for (size_t i = 0; i < sizeof a; i++) {
        a[i] = (uint8_t)(100 + NEXT % 12);
        b[i] = (uint8_t)(100 + NEXT % 40);
    }
    for (int i = 0; i < 66 * DFY_BLEND_STRIDE; i++)
        for (int n = 0; n < 2; n++) blend[n][i] = (int16_t)((100 << 6) + (int)(NEXT % 1000) + 20 * (i % 64));
    for (int i = 0; i < 64 * 64; i++) residual[i] = (int16_t)((int)(NEXT % 61) - 30);
    for (int i = 0; i < 32 * 32; i++) coefficients[i] = (int16_t)((int)(NEXT % 21) - 10);
}

int main(void) {
    int wrong = 0, used[SETS];
    fill();
    printf("%-20s", "nanoseconds per call");
    for (size_t s = 0; s < SETS; s++) {
        dfy_cpu_mask(sets[s].flags);
        used[s] = (sets[s].flags & DFY_CPU_BUILT) == sets[s].flags && dfy_cpu_flags() == sets[s].flags;
        if (used[s]) printf(s ? " %18s" : " %9s", sets[s].name);
    }
    putchar('\n');
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static uint8_t expected[OUT_BYTES];
        double reference = 0;
        printf("%-20s", cases[i].name);
        for (size_t s = 0; s < SETS; s++) {
            if (!used[s]) continue;
            dfy_cpu_mask(sets[s].flags);
            memset(out, 7, sizeof out);
            cases[i].run(dfy_kernels());
            if (!s) memcpy(expected, out, sizeof out);
            int same = !memcmp(expected, out, sizeof out);
            wrong |= !same;
            double nanoseconds = time_of(&cases[i], dfy_kernels());
            if (!s)
                printf(" %9.1f", reference = nanoseconds);
            else if (same)
                printf(" %9.1f (x %5.1f)", nanoseconds, reference / nanoseconds);
            else
                printf(" %18s", "WRONG");
        }
        putchar('\n');
    }
    return wrong;
}
