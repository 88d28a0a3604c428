/*
 * What the processor does beyond its plain instructions, as far as this build has kernels for it; and a mask, so that
 * tests can do without. All that depends on the processor asks here.
 */
#ifndef DFY_BASE_CPU_H
#define DFY_BASE_CPU_H

#define DFY_CPU_SSE41 1u /* of x86; WebAssembly's SIMD has it too, as Emscripten translates it */
#define DFY_CPU_AVX2 2u  /* on top of SSE4.1 */
#define DFY_CPU_WASM 4u  /* WebAssembly's own SIMD, on top of SSE4.1 */
#define DFY_CPU_NEON 8u  /* of 64-bit ARM, where every processor has it */

/* What this build has kernels for. */
#if defined __x86_64__ || defined __i386__
#define DFY_CPU_BUILT (DFY_CPU_SSE41 | DFY_CPU_AVX2)
#elif defined __wasm_simd128__
#define DFY_CPU_BUILT (DFY_CPU_SSE41 | DFY_CPU_WASM)
#elif defined __aarch64__
#define DFY_CPU_BUILT DFY_CPU_NEON
#else
#define DFY_CPU_BUILT 0u
#endif

/* The flags of this processor that the mask leaves. */
unsigned dfy_cpu_flags(void);

/* Which flags may be used from now on; all of them at first. Encoders and decoders that are open may keep what they
 * have. */
void dfy_cpu_mask(unsigned flags);

#endif
