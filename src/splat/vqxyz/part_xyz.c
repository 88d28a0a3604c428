/*
 * vqxyz, positions: a uniform grid about the median, as fine as the splats are close together (a part of a small
 * quantile of the distances between neighbours). An inter frame codes the splats that moved.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "splat/codec.h"
#include "splat/model/kdtree.h"
#include "splat/vqxyz/vq.h"

enum { FURTHEST = 1 << 29 };

#define NEARLY_ALL 0.99

typedef struct XyzPart {
    DfySplatVqSettings settings;
    int learnt;
    float origin[3], step;
    uint32_t count;
    int32_t *now, *before; /* count x 3, steps from the origin */
} XyzPart;

static int xyz_open(void *context, const DfySplatSettings *settings, DfyMessage *message) {
    const DfySplatVqSettings *vq = &settings->vq;
    if (!(vq->alpha > 0) || !(vq->quantile >= 0 && vq->quantile <= 1) || vq->neighbour < 1 || vq->neighbour > 16 ||
        !vq->samples)
        return dfy_fail(message, DFY_ERROR_ARGUMENT, "The position grid's settings are out of range.");
    ((XyzPart *)context)->settings = *vq;
    return DFY_OK;
}

static int by_value(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return x < y ? -1 : x > y;
}

static float quantile(float *values, size_t count, double q) {
    if (!count) return 0;
    qsort(values, count, sizeof *values, by_value);
    return values[(size_t)(q * (double)(count - 1) + 0.5)];
}

/* Quantile of the distances of sampled splats to their k-th neighbours; 0 when there are none. */
static int neighbour_distance(const XyzPart *part, const DfySplats *frame, float *distance, DfyMessage *message) {
    const DfySplatVqSettings *s = &part->settings;
    DfyKdTree tree;
    uint64_t random = s->seed;
    uint32_t samples = frame->count < s->samples ? frame->count : s->samples, found = 0;
    float *distances = malloc((samples ? samples : 1) * sizeof *distances);
    if (!distances) return dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory to sample distances.");
    int status = dfy_kdtree_build(&tree, frame->xyz, frame->count, message);
    for (uint32_t i = 0; !status && i < samples; i++) {
        DfyNeighbour near[17];
        uint32_t at = samples == frame->count ? i : (uint32_t)(dfy_vq_random(&random) % frame->count);
        int got = dfy_kdtree_nearest(&tree, frame->xyz + (size_t)at * 3, s->neighbour + 1, near);
        if (got > s->neighbour && near[got - 1].distance > 0) distances[found++] = (float)sqrt(near[got - 1].distance);
    }
    if (!status) {
        *distance = quantile(distances, found, s->quantile);
        dfy_kdtree_free(&tree);
    }
    free(distances);
    return status;
}

static int choose_grid(XyzPart *part, const DfySplats *frame, DfyMessage *message) {
    float *axis = malloc((frame->count ? frame->count : 1) * sizeof *axis), distance = 0;
    if (!axis) return dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for a grid.");
    float most = 0;
    for (size_t k = 0; k < 3; k++) {
        for (size_t i = 0; i < frame->count; i++) axis[i] = frame->xyz[i * 3 + k];
        part->origin[k] = quantile(axis, frame->count, 0.5);
        for (size_t i = 0; i < frame->count; i++) axis[i] = fabsf(axis[i] - part->origin[k]);
        most = fmaxf(most, quantile(axis, frame->count, NEARLY_ALL));
    }
    free(axis);
    int status = neighbour_distance(part, frame, &distance, message);
    double step = distance * part->settings.alpha;
    if (step < part->settings.min_step) step = part->settings.min_step;
    if (part->settings.max_step > 0 && step > part->settings.max_step) step = part->settings.max_step;
    /* The grid must reach nearly all splats, and later ones ten times as far; the others are kept exactly. */
    part->step = (float)fmax(step, fmax(1e-9, 20.0 * most / FURTHEST));
    return status;
}

static int xyz_learn(void *context, const DfySplats *frames, uint32_t count, DfyMessage *message) {
    XyzPart *part = context;
    float step = INFINITY, origin[3] = {0, 0, 0};
    for (uint32_t i = 0; i < count; i++) {
        int status = choose_grid(part, &frames[i], message);
        if (status) return status;
        if (!i) memcpy(origin, part->origin, sizeof origin);
        step = fminf(step, part->step);
    }
    memcpy(part->origin, origin, sizeof origin);
    part->step = step;
    part->learnt = count > 0;
    return DFY_OK;
}

static int resize(XyzPart *part, uint32_t count, DfyMessage *message) {
    size_t n = count ? (size_t)count * 3 : 1;
    free(part->now);
    free(part->before);
    part->now = calloc(n, sizeof *part->now);
    part->before = calloc(n, sizeof *part->before);
    part->count = part->now && part->before ? count : 0;
    if (part->now && part->before) return DFY_OK;
    return dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for %u positions.", count);
}

static void quantise(XyzPart *part, const DfySplats *frame) {
    for (size_t i = 0; i < (size_t)part->count * 3; i++) {
        double q = rint(((double)frame->xyz[i] - part->origin[i % 3]) / part->step);
        part->now[i] = (int32_t)fmin(fmax(q, -FURTHEST), FURTHEST);
    }
}

static int xyz_key_to_context(void *context, const DfySplats *frame, DfyMessage *message) {
    XyzPart *part = context;
    int status = part->learnt ? DFY_OK : choose_grid(part, frame, message);
    if (!status) status = resize(part, frame->count, message);
    if (!status) quantise(part, frame);
    return status;
}

static int xyz_inter_to_context(void *context, const DfySplats *frame, DfyMessage *message) {
    XyzPart *part = context;
    if (frame->count != part->count)
        return dfy_fail(message, DFY_ERROR_UNSUPPORTED, "Another number of splats needs a key frame.");
    memcpy(part->before, part->now, (size_t)part->count * 3 * sizeof *part->now);
    quantise(part, frame);
    for (size_t i = 0; i < part->count; i++) {
        int32_t most = 0;
        for (size_t k = i * 3; k < i * 3 + 3; k++) {
            int32_t way = abs(part->now[k] - part->before[k]);
            if (way > most) most = way;
        }
        if (most <= part->settings.xyz_tolerance)
            memcpy(part->now + i * 3, part->before + i * 3, 3 * sizeof *part->now);
    }
    return DFY_OK;
}

static int done(const DfySplatPayload *payload, DfyMessage *message) {
    return payload->failed ? dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for a frame's symbols.") : DFY_OK;
}

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static int xyz_encode_key(void *context, DfySplatPayload *payload, DfyMessage *message) {
    const XyzPart *part = context;
    DfySplatStream *head = dfy_payload_add(payload, 0);
    for (int k = 0; k < 3; k++) dfy_payload_put(payload, head, bits_of(part->origin[k]));
    dfy_payload_put(payload, head, bits_of(part->step));
    DfySplatStream *places = dfy_payload_add(payload, 0);
    for (size_t i = 0; i < (size_t)part->count * 3; i++) dfy_payload_put(payload, places, dfy_fold(part->now[i]));
    return done(payload, message);
}

static int xyz_encode_inter(void *context, DfySplatPayload *payload, DfyMessage *message) {
    const XyzPart *part = context;
    DfySplatStream *mask = dfy_payload_add(payload, 2), *ways = dfy_payload_add(payload, 0);
    for (size_t i = 0; i < part->count; i++) {
        const int32_t *now = part->now + i * 3, *before = part->before + i * 3;
        int moved = memcmp(now, before, 3 * sizeof *now) != 0;
        dfy_payload_put(payload, mask, (uint32_t)moved);
        for (int k = 0; moved && k < 3; k++) dfy_payload_put(payload, ways, dfy_fold(now[k] - before[k]));
    }
    return done(payload, message);
}

static int broken(DfyMessage *message) {
    return dfy_fail(message, DFY_ERROR_DAMAGED, "A frame's positions are damaged.");
}

static int xyz_decode_key(void *context, DfySplatPayload *payload, DfyMessage *message) {
    XyzPart *part = context;
    const uint32_t *head = dfy_payload_take(payload, 4, 0);
    const DfySplatStream *places = dfy_payload_next(payload);
    if (!head || !places || places->count % 3 || places->count / 3 > DFY_SPLAT_MAX_COUNT) return broken(message);
    memcpy(part->origin, head, sizeof part->origin);
    memcpy(&part->step, head + 3, sizeof part->step);
    for (int k = 0; k < 3; k++)
        if (!(fabsf(part->origin[k]) < 1e9f)) return broken(message);
    if (!(part->step > 0 && part->step < 1e9f)) return broken(message);
    int status = resize(part, (uint32_t)(places->count / 3), message);
    for (size_t i = 0; !status && i < places->count; i++) {
        part->now[i] = dfy_unfold(places->symbols[i]);
        if (part->now[i] > FURTHEST || part->now[i] < -FURTHEST) return broken(message);
    }
    return status;
}

static int xyz_decode_inter(void *context, DfySplatPayload *payload, DfyMessage *message) {
    XyzPart *part = context;
    const uint32_t *mask = dfy_payload_take(payload, part->count, 2);
    const DfySplatStream *ways = dfy_payload_next(payload);
    size_t at = 0;
    if (!mask || !ways) return broken(message);
    for (size_t i = 0; i < part->count; i++) {
        if (!mask[i]) continue;
        if (at + 3 > ways->count) return broken(message);
        for (size_t k = 0; k < 3; k++) {
            int64_t place = (int64_t)part->now[i * 3 + k] + dfy_unfold(ways->symbols[at++]);
            if (place > FURTHEST || place < -FURTHEST) return broken(message);
            part->now[i * 3 + k] = (int32_t)place;
        }
    }
    return at == ways->count ? DFY_OK : broken(message);
}

static int xyz_context_to_frame(void *context, DfySplats *frame, const uint32_t *to, DfyMessage *message) {
    const XyzPart *part = context;
    if (frame->count != part->count || !frame->xyz) {
        dfy_splats_free(frame);
        int status = dfy_splats_alloc(frame, part->count, 0, message);
        if (status) return status;
    }
    for (size_t i = 0; i < part->count; i++)
        for (size_t k = 0; k < 3; k++)
            frame->xyz[(to ? to[i] : i) * 3 + k] =
                (float)((double)part->origin[k] + part->now[i * 3 + k] * (double)part->step);
    return DFY_OK;
}

/* What rounding on three axes leaves, and what counts as unmoved. */
static double xyz_farthest(const void *context) {
    const XyzPart *part = context;
    return part->step * (0.8661 + 1.7321 * fmax(part->settings.xyz_tolerance, 0)) + 1e-6 * part->step;
}

static uint32_t xyz_count(const void *context) {
    return ((const XyzPart *)context)->count;
}

static void xyz_close(void *context) {
    XyzPart *part = context;
    free(part->now);
    free(part->before);
}

const DfySplatPart dfy_part_xyz = {
    .context_bytes = sizeof(XyzPart),
    .open = DFY_SPLAT_ENCODER(xyz_open),
    .learn = DFY_SPLAT_ENCODER(xyz_learn),
    .key_to_context = DFY_SPLAT_ENCODER(xyz_key_to_context),
    .inter_to_context = DFY_SPLAT_ENCODER(xyz_inter_to_context),
    .encode_key = DFY_SPLAT_ENCODER(xyz_encode_key),
    .encode_inter = DFY_SPLAT_ENCODER(xyz_encode_inter),
    .decode_key = xyz_decode_key,
    .decode_inter = xyz_decode_inter,
    .context_to_frame = xyz_context_to_frame,
    .count = xyz_count,
    .farthest = DFY_SPLAT_ENCODER(xyz_farthest),
    .close = xyz_close,
};
