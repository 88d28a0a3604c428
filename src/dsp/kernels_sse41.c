/* SSE4.1 kernels; Emscripten compiles the same source to WebAssembly SIMD. */
#include "dsp/kernels.h"

#ifdef __SSE4_1__
void dfy_kernels_add_sse41(DfyKernels *kernels) {
    (void)kernels;
}
#else
void dfy_kernels_add_sse41(DfyKernels *kernels) {
    (void)kernels;
}
#endif
