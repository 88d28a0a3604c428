/*
 * k-means in mini-batches (D. Sculley, "Web-scale k-means clustering", 2010), begun by k-means++ on a sample (Arthur
 * and Vassilvitskii, 2007). A batch costs the same whatever the number of vectors, and the codebook is as good as
 * full passes make it to within a percent of distortion.
 */
#include "splat/vqxyz/vq.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "splat/model/wide.h"

enum {
    TOGETHER = 32, /* entries that a vector is compared with at once: compilers undo loops of fewer */
    BATCH = 512,   /* vectors an iteration looks at */
    SAMPLE = 8192, /* vectors the first centres are drawn from */
    QUIET = 10     /* iterations without movement before stopping */
};

uint64_t dfy_vq_random(uint64_t *state) {
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static float distance(const float *a, const float *b, int dimensions) {
    float sum = 0;
    for (int k = 0; k < dimensions; k++) sum += (a[k] - b[k]) * (a[k] - b[k]);
    return sum;
}

/* ---------------------------------------------------------------- the nearest entry */

/* TOGETHER entries of a codebook side by side, then the next ones; places without an entry are far from everything. */
static void put_side_by_side(float *columns, const float *codebook, int entries, int dimensions) {
    for (int first = 0; first < entries; first += TOGETHER)
        for (int k = 0; k < dimensions; k++)
            for (int i = first; i < first + TOGETHER; i++)
                *columns++ = i < entries ? codebook[(size_t)i * (size_t)dimensions + (size_t)k] : 1e30f;
}

DFY_BODY void find_nearest_body(uint32_t *nearest, const float *columns, int blocks, const float *vector,
                                int dimensions) {
    float least[TOGETHER];
    int32_t block[TOGETHER] = {0};
    for (int i = 0; i < TOGETHER; i++) least[i] = FLT_MAX;
    for (int b = 0; b < blocks; b++) {
        float sum[TOGETHER] = {0};
        for (int k = 0; k < dimensions; k++, columns += TOGETHER)
            for (int i = 0; i < TOGETHER; i++) sum[i] += (vector[k] - columns[i]) * (vector[k] - columns[i]);
        for (int i = 0; i < TOGETHER; i++) {
            block[i] = sum[i] < least[i] ? b : block[i];
            least[i] = sum[i] < least[i] ? sum[i] : least[i];
        }
    }
    int best = 0;
    for (int i = 1; i < TOGETHER; i++)
        if (least[i] < least[best] || (!(least[best] < least[i]) && block[i] < block[best])) best = i;
    *nearest = (uint32_t)(block[best] * TOGETHER + best);
}
DFY_TWICE(find_nearest, (uint32_t * nearest, const float *columns, int blocks, const float *vector, int dimensions),
          (nearest, columns, blocks, vector, dimensions))

int dfy_vq_nearest(uint32_t *nearest, const float *codebook, int entries, const float *vectors, size_t count,
                   int dimensions) {
    int blocks = (entries + TOGETHER - 1) / TOGETHER;
    float *columns = malloc(((size_t)blocks * TOGETHER * (size_t)dimensions + 1) * sizeof *columns);
    if (!columns) return DFY_ERROR_MEMORY;
    put_side_by_side(columns, codebook, entries, dimensions);
    for (size_t i = 0; i < count; i++)
        find_nearest(&nearest[i], columns, blocks, vectors + i * (size_t)dimensions, dimensions);
    free(columns);
    return DFY_OK;
}

/* ---------------------------------------------------------------- fitting */

typedef struct Fit {
    float *codebook;
    const float *vectors;
    size_t count;
    int dimensions, entries;
    uint64_t random;
    float *columns; /* the codebook side by side */
} Fit;

static const float *draw(Fit *fit) {
    return fit->vectors + (size_t)(dfy_vq_random(&fit->random) % fit->count) * (size_t)fit->dimensions;
}

/* Centres far from those already chosen, by chance in proportion to the squared distance. */
static int seed_centres(Fit *fit, int clusters) {
    size_t sample = fit->count < SAMPLE ? fit->count : SAMPLE, bytes = (size_t)fit->dimensions * sizeof(float);
    const float **points = malloc(sample * sizeof *points);
    float *nearest = malloc(sample * sizeof *nearest);
    if (points && nearest) {
        for (size_t i = 0; i < sample; i++) {
            points[i] = sample == fit->count ? fit->vectors + i * (size_t)fit->dimensions : draw(fit);
            nearest[i] = FLT_MAX;
        }
        const float *next = points[dfy_vq_random(&fit->random) % sample];
        while (next && fit->entries < clusters) {
            float *centre = fit->codebook + (size_t)fit->entries++ * (size_t)fit->dimensions;
            double sum = 0;
            memcpy(centre, next, bytes);
            for (size_t i = 0; i < sample; i++) {
                float d = distance(points[i], centre, fit->dimensions);
                if (d < nearest[i]) nearest[i] = d;
                sum += nearest[i];
            }
            double at = (double)(dfy_vq_random(&fit->random) >> 11) / 9007199254740992.0 * sum;
            next = NULL;
            for (size_t i = 0; i < sample && sum > 0; i++)
                if (nearest[i] > 0 && (next = points[i]) && (at -= nearest[i]) <= 0) break;
        }
    }
    int good = points && nearest;
    free(points);
    free(nearest);
    return good;
}

/* One batch; returns the farthest squared way a centre moved. */
static float run_batch(Fit *fit, uint32_t *uses, uint32_t *owner, const float **points) {
    float farthest = 0;
    put_side_by_side(fit->columns, fit->codebook, fit->entries, fit->dimensions);
    for (int i = 0; i < BATCH; i++) {
        points[i] = draw(fit);
        find_nearest(&owner[i], fit->columns, (fit->entries + TOGETHER - 1) / TOGETHER, points[i], fit->dimensions);
    }
    for (int i = 0; i < BATCH; i++) {
        float *centre = fit->codebook + (size_t)owner[i] * (size_t)fit->dimensions, moved = 0;
        float rate = 1.0f / (float)++uses[owner[i]];
        for (int k = 0; k < fit->dimensions; k++) {
            float step = rate * (points[i][k] - centre[k]);
            centre[k] += step;
            moved += step * step;
        }
        if (moved > farthest) farthest = moved;
    }
    return farthest;
}

static double variance_of(const Fit *fit) {
    double sum = 0;
    for (int k = 0; k < fit->dimensions; k++) {
        double mean = 0, square = 0;
        for (size_t i = 0; i < fit->count; i++) {
            double v = fit->vectors[i * (size_t)fit->dimensions + (size_t)k];
            mean += v;
            square += v * v;
        }
        mean /= (double)fit->count;
        sum += square / (double)fit->count - mean * mean;
    }
    return sum;
}

int dfy_vq_fit(float *codebook, const float *vectors, size_t count, int dimensions, const DfyVqSettings *settings) {
    Fit fit = {codebook, vectors, count, dimensions, 0, settings->seed, NULL};
    if (!count || settings->clusters < 1) return 0;
    if (!seed_centres(&fit, settings->clusters)) return DFY_ERROR_MEMORY;
    uint32_t *uses = calloc((size_t)fit.entries, sizeof *uses), *owner = malloc(BATCH * sizeof *owner);
    const float **points = malloc(BATCH * sizeof *points);
    fit.columns = malloc((size_t)(fit.entries + TOGETHER) * (size_t)dimensions * sizeof *fit.columns);
    int good = uses && owner && points && fit.columns, quiet = 0;
    double still = settings->tolerance * variance_of(&fit);
    for (int i = 0; good && i < settings->iterations && quiet < QUIET; i++)
        quiet = run_batch(&fit, uses, owner, points) <= still ? quiet + 1 : 0;
    free(uses);
    free(owner);
    free(points);
    free(fit.columns);
    return good ? fit.entries : DFY_ERROR_MEMORY;
}
