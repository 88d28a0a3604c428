/*
 * Which kernels a processor gets: the reference, and over it what its instruction sets do faster. The tables are filled
 * once, all of them, by whoever asks first; from then on they are only read.
 */
#include "dsp/kernels.h"

#include <pthread.h>

#include "base/cpu.h"
#include "dsp/rgb_kernels.h"

/* 0 plain, 1 with the first set of instructions, 2 with what comes on top of that. */
#define LEVELS 3
static DfyKernels tables[LEVELS];
static DfyRgbKernels rgb_tables[LEVELS];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fill(void) {
    for (int level = 0; level < LEVELS; level++) {
        tables[level] = *dfy_kernels_c();
        rgb_tables[level] = *dfy_rgb_kernels_c();
#if DFY_CPU_BUILT & DFY_CPU_SSE41
        if (level >= 1) {
            dfy_kernels_add_sse41(&tables[level]);
            dfy_kernels_add_mctf_sse41(&tables[level]);
            dfy_rgb_kernels_add_sse41(&rgb_tables[level]);
        }
#endif
#if DFY_CPU_BUILT & DFY_CPU_NEON
        if (level >= 1) dfy_kernels_add_neon(&tables[level]);
#endif
#if DFY_CPU_BUILT & DFY_CPU_AVX2
        if (level >= 2) dfy_kernels_add_avx2(&tables[level]);
#endif
#if DFY_CPU_BUILT & DFY_CPU_WASM
        if (level >= 2) dfy_kernels_add_wasm(&tables[level]);
#endif
    }
}

static int level(unsigned flags) {
    pthread_once(&once, fill);
    return flags & (DFY_CPU_AVX2 | DFY_CPU_WASM) ? 2 : flags & (DFY_CPU_SSE41 | DFY_CPU_NEON) ? 1 : 0;
}

const DfyKernels *dfy_kernels(void) {
    return &tables[level(dfy_cpu_flags())];
}

const DfyRgbKernels *dfy_rgb_kernels(void) {
    return &rgb_tables[level(dfy_cpu_flags())];
}
