#include "video/encode/lighting.h"

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

static Sums gather(const DfyPlane *source, const DfyPlane *reference, const DfyLight *fit) {
    DfyLightScale scale = dfy_luma_scale(fit);
    Sums s = {0};
    for (int y = STEP / 2; y < source->height; y += STEP)
        for (int x = STEP / 2; x < source->width; x += STEP) {
            int to = source->pixels[y * source->stride + x], from = reference->pixels[y * reference->stride + x];
            int error = to - dfy_lit(scale, from);
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
static int64_t saved(const DfyPlane *source, const DfyPlane *reference, const DfyLight *light) {
    DfyLightScale scale = dfy_luma_scale(light);
    int64_t sum = 0;
    for (int y = STEP / 2; y < source->height; y += STEP)
        for (int x = STEP / 2; x < source->width; x += STEP) {
            int to = source->pixels[y * source->stride + x], from = reference->pixels[y * reference->stride + x];
            int before = abs(to - from), after = abs(to - dfy_lit(scale, from));
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
static DfyLight line(const Sums *s) {
    int64_t from = s->count * s->xx - s->x * s->x, to = s->count * s->yy - s->y * s->y;
    int gain = from > 0 ? (int)(128 * sqrt((double)to / (double)from) + 0.5) - 128 : 0;
    gain = dfy_clamp(gain, -DFY_MAX_LIGHT_GAIN, DFY_MAX_LIGHT_GAIN);
    int offset = (int)((s->y * 8 - (s->x * (128 + gain) >> 4)) / (s->count ? s->count : 1));
    return (DfyLight){(int16_t)gain, (int16_t)dfy_clamp(offset, -DFY_MAX_LIGHT_OFFSET, DFY_MAX_LIGHT_OFFSET), 0};
}

/* Whether colour is nearer when it is scaled too. */
static int chroma_follows(const DfyFrame *source, const DfyFrame *reference, const DfyLight *light) {
    DfyLightScale scale = dfy_chroma_scale(light);
    int64_t plain = 0, scaled = 0;
    for (int p = 1; p < 3; p++) {
        const DfyPlane *to = &source->plane[p], *from = &reference->plane[p];
        for (int y = STEP / 4; y < to->height; y += STEP / 2)
            for (int x = STEP / 4; x < to->width; x += STEP / 2) {
                int value = from->pixels[y * from->stride + x], wanted = to->pixels[y * to->stride + x];
                int a = abs(wanted - value), b = abs(wanted - dfy_lit(scale, value));
                plain += a > NEAR ? NEAR : a;
                scaled += b > NEAR ? NEAR : b;
            }
    }
    return scaled < plain;
}

DfyLight dfy_find_light(const DfyFrame *source, const DfyFrame *reference, uint32_t lambda, uint32_t bits) {
    const DfyPlane *to = &source->plane[0], *from = &reference->plane[0];
    DfyLight light = {
        .offset = (int16_t)dfy_clamp(8 * middle_difference(to, from), -DFY_MAX_LIGHT_OFFSET, DFY_MAX_LIGHT_OFFSET)};
    for (int round = 0; round < ROUNDS; round++) {
        Sums sums = gather(to, from, &light);
        if (sums.count < 64) return (DfyLight){0};
        light = line(&sums);
    }
    if (saved(to, from, &light) * 256 < (int64_t)lambda * bits) return (DfyLight){0};
    light.chroma = (uint8_t)(light.gain && chroma_follows(source, reference, &light));
    return light;
}
