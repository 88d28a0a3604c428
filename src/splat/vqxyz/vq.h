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

/* Number of the nearest entry. */
uint32_t dfy_vq_nearest(const float *codebook, int entries, const float *vector, int dimensions);

/* Deterministic random numbers (splitmix64). */
uint64_t dfy_vq_random(uint64_t *state);

#endif
