#include "base/cpu.h"

static unsigned mask = ~0u;

static unsigned detected(void) {
#if defined __x86_64__ || defined __i386__
    __builtin_cpu_init();
    return (__builtin_cpu_supports("sse4.1") ? DFY_CPU_SSE41 : 0) | (__builtin_cpu_supports("avx2") ? DFY_CPU_AVX2 : 0);
#else
    return DFY_CPU_BUILT;
#endif
}

unsigned dfy_cpu_flags(void) {
    unsigned flags = detected() & __atomic_load_n(&mask, __ATOMIC_RELAXED);
    return flags & DFY_CPU_SSE41 ? flags : flags & ~(DFY_CPU_AVX2 | DFY_CPU_WASM);
}

void dfy_cpu_mask(unsigned flags) {
    __atomic_store_n(&mask, flags, __ATOMIC_RELAXED);
}
