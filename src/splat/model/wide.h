/*
 * Loops of plain C that are compiled a second time with AVX2, for processors that have it. The body is put in place in
 * both: DFY_TWICE(f, parameters, arguments) makes f(parameters) of `static inline void f_body(parameters)`. Both do the
 * same additions and multiplications in the same order, so results are the same too.
 */
#ifndef DFY_SPLAT_WIDE_H
#define DFY_SPLAT_WIDE_H

#if defined(__x86_64__) && defined(__GNUC__)
#define DFY_WITH_AVX2
#define DFY_AVX2 __attribute__((target("avx2,bmi,bmi2")))
#define DFY_BODY static inline __attribute__((always_inline))
static inline int dfy_is_wide(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
}
#define DFY_TWICE(name, parameters, arguments)                                                                         \
    DFY_AVX2 static void name##_wide parameters {                                                                      \
        name##_body arguments;                                                                                         \
    }                                                                                                                  \
    static void name##_narrow parameters {                                                                             \
        name##_body arguments;                                                                                         \
    }                                                                                                                  \
    static void name parameters {                                                                                      \
        (dfy_is_wide() ? name##_wide : name##_narrow) arguments;                                                       \
    }
#else
#define DFY_BODY static inline
#define DFY_TWICE(name, parameters, arguments)                                                                         \
    static void name parameters {                                                                                      \
        name##_body arguments;                                                                                         \
    }
#endif

#endif
