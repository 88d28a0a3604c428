/*
 * vqxyz, attributes: each is a number in a codebook, fitted to the key frame (or to all frames in two passes). An
 * inter frame codes the numbers that changed, under a mask an attribute or one mask for all.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "splat/codec.h"
#include "splat/model/exact.h"
#include "splat/vqxyz/vq.h"

enum {
    ROTATION_RE,
    ROTATION_IM,
    OPACITY,
    SCALE,
    DC,
    BAND,
    GROUPS = BAND + DFY_SPLAT_MAX_DEGREE,
    MOST_DIMENSIONS = 27,
    MOST_CLUSTERS = 65536
};

typedef struct Group {
    int dimensions, clusters, entries;
    float *codebook;
    uint32_t *now, *before; /* entry of each splat */
} Group;

typedef struct VqPart {
    DfySplatVqSettings settings;
    int learnt, degree;
    uint32_t count;
    Group groups[GROUPS];
} VqPart;

static const int dimensions_of[GROUPS] = {1, 3, 1, 3, 3, 9, 15, 21, 27};

static int vq_open(void *context, const DfySplatSettings *settings, DfyMessage *message) {
    VqPart *part = context;
    const DfySplatVqSettings *s = &settings->vq;
    const int clusters[GROUPS] = {s->clusters_rotation_re, s->clusters_rotation_im, s->clusters_opacity,
                                  s->clusters_scale,       s->clusters_dc,          s->clusters_rest[0],
                                  s->clusters_rest[1],     s->clusters_rest[2],     s->clusters_rest[3]};
    part->settings = *s;
    for (int g = 0; g < GROUPS; g++) {
        part->groups[g].dimensions = dimensions_of[g];
        part->groups[g].clusters = clusters[g];
        if (clusters[g] < 1 || clusters[g] > MOST_CLUSTERS)
            return dfy_fail(message, DFY_ERROR_ARGUMENT, "A codebook has 1 to %d clusters, not %d.", MOST_CLUSTERS,
                            clusters[g]);
    }
    return DFY_OK;
}

static int groups_of(const VqPart *part) {
    return BAND + part->degree;
}

/* The unit quaternion with w >= 0. */
static void unit_rotation(const float *r, float q[4]) {
    float length = sqrtf(r[0] * r[0] + r[1] * r[1] + r[2] * r[2] + r[3] * r[3]);
    if (r[0] < 0) length = -length;
    for (int k = 0; k < 4; k++) q[k] = r[k] / length;
}

/* A band's coefficients in a splat's colours: of each channel, those from band^2 - 1 on. */
static size_t band_place(const DfySplats *frame, size_t i, int band, int c) {
    size_t rest = (size_t)dfy_splat_rest(frame->degree);
    return (i * 3 + (size_t)c) * rest + (size_t)(band * band - 1);
}

static void vector_of(const DfySplats *frame, size_t i, int group, float *v) {
    float q[4];
    int band = group - BAND + 1;
    switch (group) {
    case ROTATION_RE:
    case ROTATION_IM:
        unit_rotation(frame->rotation + i * 4, q);
        memcpy(v, group == ROTATION_RE ? q : q + 1, (group == ROTATION_RE ? 1 : 3) * sizeof *v);
        break;
    case OPACITY: v[0] = 1 / (1 + expf(-frame->opacity[i])); break;
    case SCALE: memcpy(v, frame->scale + i * 3, 3 * sizeof *v); break;
    case DC: memcpy(v, frame->dc + i * 3, 3 * sizeof *v); break;
    default:
        for (int c = 0; c < 3; c++)
            memcpy(v + c * (2 * band + 1), frame->rest + band_place(frame, i, band, c),
                   (size_t)(2 * band + 1) * sizeof *v);
    }
}

static int degree_of(const VqPart *part, const DfySplats *frame) {
    return frame->degree < part->settings.max_degree ? frame->degree : part->settings.max_degree;
}

static int no_memory(DfyMessage *message) {
    return dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for codebooks.");
}

/* Fits a group's codebook to the splats of all frames. */
static int fit_group(VqPart *part, int g, const DfySplats *frames, uint32_t frame_count) {
    Group *group = &part->groups[g];
    size_t d = (size_t)group->dimensions, count = 0, at = 0;
    for (uint32_t f = 0; f < frame_count; f++) count += frames[f].count;
    float *vectors = malloc((count ? count : 1) * d * sizeof *vectors);
    free(group->codebook);
    group->codebook = malloc((size_t)group->clusters * d * sizeof *group->codebook);
    int entries = DFY_ERROR_MEMORY;
    if (vectors && group->codebook) {
        for (uint32_t f = 0; f < frame_count; f++)
            for (size_t i = 0; i < frames[f].count; i++) vector_of(&frames[f], i, g, vectors + d * at++);
        DfyVqSettings settings = {group->clusters, part->settings.iterations, part->settings.tolerance,
                                  part->settings.seed};
        entries = dfy_vq_fit(group->codebook, vectors, count, group->dimensions, &settings);
    }
    free(vectors);
    group->entries = entries < 0 ? 0 : entries;
    return entries < 0 ? entries : DFY_OK;
}

static int vq_learn(void *context, const DfySplats *frames, uint32_t count, DfyMessage *message) {
    VqPart *part = context;
    part->degree = count ? degree_of(part, &frames[0]) : 0; /* all have the same */
    for (int g = 0; g < groups_of(part); g++)
        if (fit_group(part, g, frames, count)) return no_memory(message);
    part->learnt = count > 0;
    return DFY_OK;
}

static int resize(VqPart *part, uint32_t count, DfyMessage *message) {
    size_t n = count ? count : 1;
    part->count = count;
    for (int g = 0; g < groups_of(part); g++) {
        Group *group = &part->groups[g];
        free(group->now);
        free(group->before);
        group->now = calloc(n, sizeof *group->now);
        group->before = calloc(n, sizeof *group->before);
        if (!group->now || !group->before) return no_memory(message);
    }
    return DFY_OK;
}

static int assign(VqPart *part, const DfySplats *frame, DfyMessage *message) {
    float *vectors = malloc(((size_t)part->count * MOST_DIMENSIONS + 1) * sizeof *vectors);
    int status = vectors ? DFY_OK : DFY_ERROR_MEMORY;
    for (int g = 0; !status && g < groups_of(part); g++) {
        Group *group = &part->groups[g];
        for (size_t i = 0; i < part->count; i++) vector_of(frame, i, g, vectors + i * (size_t)group->dimensions);
        status = dfy_vq_nearest(group->now, group->codebook, group->entries, vectors, part->count, group->dimensions);
    }
    free(vectors);
    return status ? no_memory(message) : DFY_OK;
}

static int vq_key_to_context(void *context, const DfySplats *frame, DfyMessage *message) {
    VqPart *part = context;
    int status = DFY_OK;
    if (!part->learnt) {
        status = vq_learn(part, frame, 1, message);
        part->learnt = 0; /* the next key frame is a new scene: it gets its own codebooks */
    }
    if (!status) status = resize(part, frame->count, message);
    return status ? status : assign(part, frame, message);
}

static int vq_inter_to_context(void *context, const DfySplats *frame, DfyMessage *message) {
    VqPart *part = context;
    if (frame->count != part->count)
        return dfy_fail(message, DFY_ERROR_UNSUPPORTED, "Another number of splats needs a key frame.");
    for (int g = 0; g < groups_of(part); g++) {
        Group *group = &part->groups[g];
        size_t bytes = part->count * sizeof(uint32_t);
        /* A state that was decoded has no room for the one before it yet. */
        if (!group->before && !(group->before = malloc(bytes ? bytes : 1))) return no_memory(message);
        if (bytes) memcpy(group->before, group->now, bytes);
    }
    return assign(part, frame, message);
}

static int done(const DfySplatPayload *payload, DfyMessage *message) {
    return payload->failed ? no_memory(message) : DFY_OK;
}

static int vq_encode_key(void *context, DfySplatPayload *payload, DfyMessage *message) {
    const VqPart *part = context;
    DfySplatStream *head = dfy_payload_add(payload, 0);
    dfy_payload_put(payload, head, part->count);
    dfy_payload_put(payload, head, (uint32_t)part->degree);
    for (int g = 0; g < groups_of(part); g++) {
        const Group *group = &part->groups[g];
        DfySplatStream *codebook = dfy_payload_add(payload, 0);
        for (int i = 0; i < group->entries * group->dimensions; i++) {
            uint32_t bits;
            memcpy(&bits, &group->codebook[i], sizeof bits);
            dfy_payload_put(payload, codebook, bits);
        }
        DfySplatStream *entries = dfy_payload_add(payload, (uint32_t)(group->entries ? group->entries : 1));
        for (size_t i = 0; i < part->count; i++) dfy_payload_put(payload, entries, group->now[i]);
    }
    return done(payload, message);
}

/* One mask for all attributes takes along entries that did not change: they are coded as differences, which are 0 then.
 */
static int encode_changes(const VqPart *part, int merged, DfySplatPayload *payload, DfyMessage *message) {
    DfySplatStream *mask = NULL;
    for (int g = 0; g < groups_of(part); g++) {
        const Group *group = &part->groups[g];
        int own = !merged || !g;
        if (own) mask = dfy_payload_add(payload, 2);
        DfySplatStream *entries = dfy_payload_add(payload, (uint32_t)(group->entries ? group->entries : 1));
        for (size_t i = 0; i < part->count; i++) {
            int changed = group->now[i] != group->before[i];
            for (int other = 0; merged && other < groups_of(part); other++)
                changed |= part->groups[other].now[i] != part->groups[other].before[i];
            if (own) dfy_payload_put(payload, mask, (uint32_t)changed);
            uint32_t now = group->now[i], before = group->before[i];
            if (merged) now = now < before ? now + (uint32_t)group->entries - before : now - before;
            if (changed) dfy_payload_put(payload, entries, now);
        }
    }
    return done(payload, message);
}

static int vq_encode_inter(void *context, DfySplatPayload *payload, DfyMessage *message) {
    return encode_changes(context, 0, payload, message);
}

static int vq_encode_inter_merged(void *context, DfySplatPayload *payload, DfyMessage *message) {
    return encode_changes(context, 1, payload, message);
}

/* ---------------------------------------------------------------- decoding */

static int broken(DfyMessage *message) {
    return dfy_fail(message, DFY_ERROR_DAMAGED, "A frame's attributes are damaged.");
}

static int decode_codebook(Group *group, DfySplatPayload *payload) {
    const DfySplatStream *codebook = dfy_payload_next(payload);
    size_t d = (size_t)group->dimensions;
    if (!codebook || codebook->count % d || codebook->count / d > MOST_CLUSTERS) return DFY_ERROR_DAMAGED;
    free(group->codebook);
    group->codebook = malloc((codebook->count ? codebook->count : 1) * sizeof *group->codebook);
    group->entries = group->codebook ? (int)(codebook->count / d) : 0;
    if (!group->codebook) return DFY_ERROR_MEMORY;
    for (size_t i = 0; i < codebook->count; i++) {
        memcpy(&group->codebook[i], &codebook->symbols[i], sizeof(float));
        if (!isfinite(group->codebook[i])) return DFY_ERROR_DAMAGED;
    }
    return DFY_OK;
}

static int vq_decode_key(void *context, DfySplatPayload *payload, DfyMessage *message) {
    VqPart *part = context;
    const uint32_t *head = dfy_payload_take(payload, 2, 0);
    if (!head || head[1] > DFY_SPLAT_MAX_DEGREE) return broken(message);
    /* Memory is asked for only when the first stream shows that there are so many splats. */
    uint32_t count = head[0];
    part->count = 0;
    part->degree = (int)head[1];
    for (int g = 0; g < groups_of(part); g++) {
        Group *group = &part->groups[g];
        group->dimensions = dimensions_of[g];
        int status = decode_codebook(group, payload);
        if (status == DFY_ERROR_MEMORY) return no_memory(message);
        const uint32_t *entries = dfy_payload_take(payload, count, (uint32_t)(group->entries ? group->entries : 1));
        if (status || !entries || (count && !group->entries)) return broken(message);
        free(group->now);
        group->now = malloc((count ? count : 1) * sizeof *group->now);
        if (!group->now) return no_memory(message);
        if (count) memcpy(group->now, entries, count * sizeof *entries);
    }
    part->count = count;
    return DFY_OK;
}

static int decode_changes(VqPart *part, int merged, DfySplatPayload *payload, DfyMessage *message) {
    const uint32_t *mask = NULL;
    for (int g = 0; g < groups_of(part); g++) {
        Group *group = &part->groups[g];
        if (!merged || !g) mask = dfy_payload_take(payload, part->count, 2);
        const DfySplatStream *entries = dfy_payload_next(payload);
        size_t at = 0;
        if (!mask || !entries) return broken(message);
        for (size_t i = 0; i < part->count; i++) {
            if (!mask[i]) continue;
            if (at == entries->count || entries->symbols[at] >= (uint32_t)group->entries) return broken(message);
            uint32_t symbol = entries->symbols[at++];
            group->now[i] = merged ? (group->now[i] + symbol) % (uint32_t)group->entries : symbol;
        }
        if (at != entries->count) return broken(message);
    }
    return DFY_OK;
}

static int vq_decode_inter(void *context, DfySplatPayload *payload, DfyMessage *message) {
    return decode_changes(context, 0, payload, message);
}

static int vq_decode_inter_merged(void *context, DfySplatPayload *payload, DfyMessage *message) {
    return decode_changes(context, 1, payload, message);
}

static const float *entry(const VqPart *part, int group, size_t i) {
    const Group *g = &part->groups[group];
    return g->codebook + (size_t)g->now[i] * (size_t)g->dimensions;
}

static void rotation_to_frame(const VqPart *part, size_t i, float *out) {
    float q[4] = {entry(part, ROTATION_RE, i)[0]};
    memcpy(q + 1, entry(part, ROTATION_IM, i), 3 * sizeof *q);
    float length = sqrtf(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3]);
    for (int k = 0; k < 4; k++) out[k] = length > 1e-12f ? q[k] / length : (float)(k == 0);
}

static int vq_context_to_frame(void *context, DfySplats *frame, const uint32_t *to, DfyMessage *message) {
    const VqPart *part = context;
    if (frame->count != part->count) return broken(message);
    int status = dfy_splats_set_degree(frame, part->degree, message);
    for (size_t i = 0; !status && i < part->count; i++) {
        size_t at = to ? to[i] : i;
        rotation_to_frame(part, i, frame->rotation + at * 4);
        frame->opacity[at] = (float)dfy_exact_logit(entry(part, OPACITY, i)[0]);
        memcpy(frame->scale + at * 3, entry(part, SCALE, i), 3 * sizeof(float));
        memcpy(frame->dc + at * 3, entry(part, DC, i), 3 * sizeof(float));
        for (int band = 1; band <= part->degree; band++)
            for (int c = 0; c < 3; c++)
                memcpy(frame->rest + band_place(frame, at, band, c),
                       entry(part, BAND + band - 1, i) + c * (2 * band + 1), (size_t)(2 * band + 1) * sizeof(float));
    }
    return status;
}

static void vq_close(void *context) {
    VqPart *part = context;
    for (int g = 0; g < GROUPS; g++) {
        free(part->groups[g].codebook);
        free(part->groups[g].now);
        free(part->groups[g].before);
    }
}

#define VQ_PART(inter_encoder, inter_decoder)                                                                          \
    {                                                                                                                  \
        .context_bytes = sizeof(VqPart), .open = DFY_SPLAT_ENCODER(vq_open), .learn = DFY_SPLAT_ENCODER(vq_learn),     \
        .key_to_context = DFY_SPLAT_ENCODER(vq_key_to_context),                                                        \
        .inter_to_context = DFY_SPLAT_ENCODER(vq_inter_to_context), .encode_key = DFY_SPLAT_ENCODER(vq_encode_key),    \
        .encode_inter = DFY_SPLAT_ENCODER(inter_encoder), .decode_key = vq_decode_key, .decode_inter = inter_decoder,  \
        .context_to_frame = vq_context_to_frame, .close = vq_close                                                     \
    }

const DfySplatPart dfy_part_vq = VQ_PART(vq_encode_inter, vq_decode_inter);
const DfySplatPart dfy_part_vq_merged = VQ_PART(vq_encode_inter_merged, vq_decode_inter_merged);
