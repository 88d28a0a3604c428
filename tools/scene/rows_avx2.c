/* The rows' loops, compiled for AVX2. */
#if defined(__x86_64__)
#include "scene/rows_tmpl.h"

const RowKernels rows_avx2 = ROW_KERNELS;
#else
typedef int rows_avx2_is_for_x86;
#endif
