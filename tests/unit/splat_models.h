/* Models for the splat tests: made from a seed, so that every run has the same. */
#ifndef TESTS_SPLAT_MODELS_H
#define TESTS_SPLAT_MODELS_H

#include <stdint.h>
#include <string.h>

#include "diffy/splat.h"
#include "memory_file.h"

static inline float next_random(uint32_t *seed) { /* -1 .. 1 */
    *seed = *seed * 1664525u + 1013904223u;
    return (float)(*seed >> 8) / 8388608.0f - 1;
}

/* A bumpy sheet of splats with plausible attributes. */
static inline void make_model(DfySplats *s, uint32_t count, int degree, uint32_t seed) {
    size_t rest = (size_t)dfy_splat_rest(degree) * 3;
    dfy_splats_alloc(s, count, degree, NULL);
    for (size_t i = 0; i < count; i++) {
        float u = next_random(&seed), v = next_random(&seed);
        s->xyz[i * 3] = u * 2;
        s->xyz[i * 3 + 1] = 0.3f * u * v + 0.02f * next_random(&seed);
        s->xyz[i * 3 + 2] = v * 2;
        for (size_t k = 0; k < 4; k++) s->rotation[i * 4 + k] = next_random(&seed);
        for (size_t k = 0; k < 3; k++) s->scale[i * 3 + k] = -5 + 2 * next_random(&seed);
        for (size_t k = 0; k < 3; k++) s->dc[i * 3 + k] = u + 0.5f * next_random(&seed);
        for (size_t k = 0; k < rest; k++) s->rest[i * rest + k] = 0.2f * next_random(&seed) * next_random(&seed);
        s->opacity[i] = 4 * next_random(&seed);
    }
}

/* Splats whose number is a multiple of `every` go round the vertical axis by about a degree and drift. */
static inline void move_some(DfySplats *s, uint32_t every) {
    for (size_t i = 0; i < s->count; i += every) {
        float x = s->xyz[i * 3], z = s->xyz[i * 3 + 2];
        s->xyz[i * 3] = 0.99985f * x - 0.01745f * z + 0.01f;
        s->xyz[i * 3 + 2] = 0.01745f * x + 0.99985f * z;
    }
}

#endif
