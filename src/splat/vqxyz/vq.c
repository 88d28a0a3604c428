/*
 * k-means in mini-batches (D. Sculley, "Web-scale k-means clustering", 2010), begun by k-means++ on a sample (Arthur
 * and Vassilvitskii, 2007). A batch costs the same whatever the number of vectors, and the codebook is as good as
 * full passes make it to within a percent of distortion.
 */
#include "splat/vqxyz/vq.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

enum {
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

uint32_t dfy_vq_nearest(const float *codebook, int entries, const float *vector, int dimensions) {
    uint32_t best = 0;
    float least = FLT_MAX;
    for (int i = 0; i < entries; i++) {
        float d = distance(codebook + (size_t)i * (size_t)dimensions, vector, dimensions);
        if (d < least) {
            least = d;
            best = (uint32_t)i;
        }
    }
    return best;
}

typedef struct Fit {
    float *codebook;
    const float *vectors;
    size_t count;
    int dimensions, entries;
    uint64_t random;
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
    for (int i = 0; i < BATCH; i++) {
        points[i] = draw(fit);
        owner[i] = dfy_vq_nearest(fit->codebook, fit->entries, points[i], fit->dimensions);
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
    Fit fit = {codebook, vectors, count, dimensions, 0, settings->seed};
    if (!count || settings->clusters < 1) return 0;
    if (!seed_centres(&fit, settings->clusters)) return DFY_ERROR_MEMORY;
    uint32_t *uses = calloc((size_t)fit.entries, sizeof *uses), *owner = malloc(BATCH * sizeof *owner);
    const float **points = malloc(BATCH * sizeof *points);
    int good = uses && owner && points, quiet = 0;
    double still = settings->tolerance * variance_of(&fit);
    for (int i = 0; good && i < settings->iterations && quiet < QUIET; i++)
        quiet = run_batch(&fit, uses, owner, points) <= still ? quiet + 1 : 0;
    free(uses);
    free(owner);
    free(points);
    return good ? fit.entries : DFY_ERROR_MEMORY;
}
