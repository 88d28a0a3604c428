#include "video/encode/decide/weight_search.h"

#include <math.h>
#include <stdlib.h>

enum {
    STEP = 8,  /* pixels between samples, each way */
    NEAR = 12, /* levels from the fit within which a sample is taken for something that stands still */
    ROUNDS = 3 /* of fitting */
};

/* Sums over samples near the fit: x of the reference, y of the source. */
typedef struct Sums {
    int64_t count, x, y, xx, yy;
} Sums;

static Sums gather(const DfyPlane *source, const DfyPlane *reference, const DfyWeight *fit) {
    DfyWeightScale scale = dfy_luma_scale(fit);
    Sums s = {0};
    for (int y = STEP / 2; y < source->height; y += STEP)
        for (int x = STEP / 2; x < source->width; x += STEP) {
            int to = source->pixels[y * source->stride + x], from = reference->pixels[y * reference->stride + x];
            int error = to - dfy_weighted(scale, from);
            if (error < -NEAR || error > NEAR) continue;
            s.count++;
            s.x += from;
            s.y += to;
            s.xx += from * from;
            s.yy += to * to;
        }
    return s;
}

/* Squared errors, each as large as of something that moves at the most: less by the change of light. */
static int64_t saved(const DfyPlane *source, const DfyPlane *reference, const DfyWeight *weight) {
    DfyWeightScale scale = dfy_luma_scale(weight);
    int64_t sum = 0;
    for (int y = STEP / 2; y < source->height; y += STEP)
        for (int x = STEP / 2; x < source->width; x += STEP) {
            int to = source->pixels[y * source->stride + x], from = reference->pixels[y * reference->stride + x];
            int before = abs(to - from), after = abs(to - dfy_weighted(scale, from));
            before = before > NEAR ? NEAR : before;
            after = after > NEAR ? NEAR : after;
            sum += before * before - after * after;
        }
    return sum * STEP * STEP;
}

/* The middle difference of all samples: where to begin. */
static int middle_difference(const DfyPlane *source, const DfyPlane *reference) {
    int counts[511] = {0}, total = 0, at = 0;
    for (int y = STEP / 2; y < source->height; y += STEP)
        for (int x = STEP / 2; x < source->width; x += STEP, total++)
            counts[255 + source->pixels[y * source->stride + x] - reference->pixels[y * reference->stride + x]]++;
    for (int seen = counts[0]; seen * 2 < total; seen += counts[++at]) {
    }
    return at - 255;
}

/*
 * The straight line whose slope is the ratio of the deviations. Least squares would lean towards the flat where the two
 * differ by anything but light, and so find dimmer lamps in every noise.
 */
static DfyWeight line(const Sums *s) {
    int64_t from = s->count * s->xx - s->x * s->x, to = s->count * s->yy - s->y * s->y;
    int gain = from > 0 ? (int)(128 * sqrt((double)to / (double)from) + 0.5) - 128 : 0;
    gain = dfy_clamp(gain, -DFY_MAX_WEIGHT_GAIN, DFY_MAX_WEIGHT_GAIN);
    int offset = (int)((s->y * 8 - (s->x * (128 + gain) >> 4)) / (s->count ? s->count : 1));
    return (DfyWeight){(int16_t)gain, (int16_t)dfy_clamp(offset, -DFY_MAX_WEIGHT_OFFSET, DFY_MAX_WEIGHT_OFFSET), 0};
}

/* Whether colour is nearer when it is scaled too. */
static int chroma_follows(const DfyFrame *source, const DfyFrame *reference, const DfyWeight *weight) {
    DfyWeightScale scale = dfy_chroma_scale(weight);
    int64_t plain = 0, scaled = 0;
    for (int p = 1; p < 3; p++) {
        const DfyPlane *to = &source->plane[p], *from = &reference->plane[p];
        for (int y = STEP / 4; y < to->height; y += STEP / 2)
            for (int x = STEP / 4; x < to->width; x += STEP / 2) {
                int value = from->pixels[y * from->stride + x], wanted = to->pixels[y * to->stride + x];
                int a = abs(wanted - value), b = abs(wanted - dfy_weighted(scale, value));
                plain += a > NEAR ? NEAR : a;
                scaled += b > NEAR ? NEAR : b;
            }
    }
    return scaled < plain;
}

DfyWeight dfy_find_weight(const DfyFrame *source, const DfyFrame *reference, uint32_t lambda, uint32_t bits) {
    const DfyPlane *to = &source->plane[0], *from = &reference->plane[0];
    DfyWeight weight = {
        .offset = (int16_t)dfy_clamp(8 * middle_difference(to, from), -DFY_MAX_WEIGHT_OFFSET, DFY_MAX_WEIGHT_OFFSET)};
    for (int round = 0; round < ROUNDS; round++) {
        Sums sums = gather(to, from, &weight);
        if (sums.count < 64) return (DfyWeight){0};
        weight = line(&sums);
    }
    if (saved(to, from, &weight) * 256 < (int64_t)lambda * bits) return (DfyWeight){0};
    weight.chroma = (uint8_t)(weight.gain && chroma_follows(source, reference, &weight));
    return weight;
}
