/* The rows' loops for any processor, and the choice. */
#include "scene/rows_tmpl.h"

const RowKernels rows_plain = ROW_KERNELS;

const RowKernels *rows_best(void) {
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx2") ? &rows_avx2 : &rows_plain;
#else
    return &rows_plain;
#endif
}
