/* Vector quantisation: codebooks by k-means. */
#ifndef DFY_SPLAT_VQ_H
#define DFY_SPLAT_VQ_H

#include "diffy/diffy.h"

typedef struct DfyVqSettings {
    int clusters, iterations;
    double tolerance; /* stop when no centre moves farther (squared, of the data's variance) */
    uint64_t seed;
} DfyVqSettings;

/*
 * Fits a codebook of at most settings->clusters vectors of `dimensions` floats to count vectors, by k-means++ and
 * mini-batches; codebook holds clusters x dimensions. Returns how many there are, or a negative status. The same
 * input gives the same codebook.
 */
int dfy_vq_fit(float *codebook, const float *vectors, size_t count, int dimensions, const DfyVqSettings *settings);

/* The number of the entry nearest to each of count vectors, the lowest of equals; 0 or DFY_ERROR_MEMORY. */
int dfy_vq_nearest(uint32_t *nearest, const float *codebook, int entries, const float *vectors, size_t count,
                   int dimensions);

/* Deterministic random numbers (splitmix64). */
uint64_t dfy_vq_random(uint64_t *state);

#endif
