/* What JavaScript calls for sequences of splat models: diffy/splat.h with plain numbers, as exports.c does it. */
#include "base/status.h"
#include "diffy/splat.h"

#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "splat_results.h"
#include "splat_view.h"

/* ---------------------------------------------------------------- encoder */

typedef struct WebSplatEncoder {
    int id;
    DfySplatEncoder *encoder;
    DfySplatSettings settings;
    DfyMessage message; /* of reading a model */
    DfyMessage notes;   /* what the model pushed last holds and a sequence does not */
} WebSplatEncoder;

static int encoder_write(void *opaque, const uint8_t *data, size_t size_bytes) {
    return web_host_write(((WebSplatEncoder *)opaque)->id, data, size_bytes);
}

EXPORT WebSplatEncoder *web_splat_encoder_new(int id) {
    WebSplatEncoder *e = calloc(1, sizeof *e);
    if (!e) return NULL;
    e->id = id;
    dfy_splat_defaults(&e->settings);
    e->settings.memory_limit_bytes = (uint64_t)1 << 30;
    return e;
}

#define MOST_EXACT 9007199254740991.0 /* doubles are whole numbers up to there */

/* Settings by name, before opening; 0 when there is none of that name, or the number can't be one. */
EXPORT int web_splat_encoder_set(WebSplatEncoder *e, const char *name, double value) {
    DfySplatVqSettings *vq = &e->settings.vq;
    const struct {
        const char *name;
        int *whole;
        double *number;
    } known[] = {{"keepOrder", &e->settings.keep_order, NULL},
                 {"access", &e->settings.access, NULL},
                 {"twoPass", &e->settings.two_pass, NULL},
                 {"degree", &e->settings.degree, NULL},
                 {"clustersRotationRe", &vq->clusters_rotation_re, NULL},
                 {"clustersRotationIm", &vq->clusters_rotation_im, NULL},
                 {"clustersOpacity", &vq->clusters_opacity, NULL},
                 {"clustersScaling", &vq->clusters_scale, NULL},
                 {"clustersFeaturesDc", &vq->clusters_dc, NULL},
                 {"clustersFeaturesRest1", &vq->clusters_rest[0], NULL},
                 {"clustersFeaturesRest2", &vq->clusters_rest[1], NULL},
                 {"clustersFeaturesRest3", &vq->clusters_rest[2], NULL},
                 {"clustersFeaturesRest4", &vq->clusters_rest[3], NULL},
                 {"maxDegree", &vq->max_degree, NULL},
                 {"tol", NULL, &vq->tolerance},
                 {"maxIter", &vq->iterations, NULL},
                 {"k", &vq->neighbour, NULL},
                 {"quantile", NULL, &vq->quantile},
                 {"alpha", NULL, &vq->alpha},
                 {"minStep", NULL, &vq->min_step},
                 {"maxStep", NULL, &vq->max_step},
                 {"tolerance", NULL, &vq->xyz_tolerance},
                 {"zstdLevel", &vq->zstd_level, NULL}};
    if (!(value >= INT32_MIN && value <= MOST_EXACT)) return 0;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(name, known[i].name)) continue;
        if (known[i].whole && value > INT32_MAX) return 0;
        if (known[i].whole) *known[i].whole = (int)value;
        if (known[i].number) *known[i].number = value;
        return 1;
    }
    int is_seed = !strcmp(name, "seed");
    if ((!is_seed && strcmp(name, "sampleSize")) || value < 0 || (!is_seed && value > UINT32_MAX)) return 0;
    if (is_seed)
        vq->seed = (uint64_t)value;
    else
        vq->samples = (uint32_t)value;
    return 1;
}

/* The wanted RMS (largest 0) or the largest error of an attribute by name; 0 when there is none of that name. */
EXPORT int web_splat_encoder_error(WebSplatEncoder *e, const char *attribute, double value, int largest) {
    for (int a = 0; a < DFY_SPLAT_ATTRIBUTES; a++) {
        if (strcmp(attribute, dfy_splat_attribute_names[a])) continue;
        (largest ? e->settings.max_error : e->settings.error)[a] = value;
        return 1;
    }
    return 0;
}

/* Sets every error; to be called before single ones are. */
EXPORT int web_splat_encoder_quality(WebSplatEncoder *e, int quality) {
    int status = dfy_splat_set_quality(&e->settings, quality);
    return status ? dfy_fail(&e->message, status, "The quality %d is not one from 1 to 100.", quality) : DFY_OK;
}

/* key_interval < 0: the default. */
EXPORT int web_splat_encoder_open(WebSplatEncoder *e, int effort, int rate_num, int rate_den, int key_interval,
                                  int canonical, const char *codec) {
    DfyOutput output = {.write = encoder_write, .opaque = e};
    if (*codec && !(e->settings.codec = dfy_splat_codec(codec)))
        return dfy_fail(&e->message, DFY_ERROR_ARGUMENT, "There is no splat codec \"%s\".", codec);
    e->settings.effort = effort;
    e->settings.canonical = canonical;
    e->settings.frame_rate_num = rate_num;
    e->settings.frame_rate_den = rate_den;
    if (key_interval >= 0) e->settings.key_interval = key_interval;
    return dfy_splat_encoder_open(&e->encoder, &e->settings, &output);
}

/* Pushes a model file's bytes. result: splats, then how many have numbers that are kept exactly beside the codec's. */
EXPORT int web_splat_encoder_push(WebSplatEncoder *e, const uint8_t *data, size_t size_bytes) {
    DfySplats splats = {0};
    DfySplatOddities odd = {0};
    int status = dfy_splats_read(&splats, data, size_bytes, &e->notes, &e->message);
    if (status) return status;
    double *result = web_result();
    result[0] = splats.count;
    dfy_splats_look(&splats, &odd);
    result[1] = (double)(odd.not_finite + odd.rotation + odd.scale + odd.position + odd.colour);
    status = dfy_splat_encoder_push(e->encoder, &splats);
    dfy_splats_free(&splats);
    return status;
}

/* result: frames, key frames, bytes, splats, bytes of the order and of numbers kept exactly, models cut by degree,
 * wanted RMS of positions, whether the order is kept. */
EXPORT int web_splat_encoder_finish(WebSplatEncoder *e) {
    DfySplatStats stats = {0};
    int status = dfy_splat_encoder_finish(e->encoder, &stats);
    const double values[] = {(double)stats.frames,     (double)stats.key_frames,  (double)stats.bytes,
                             (double)stats.splats,     (double)stats.order_bytes, (double)stats.exact_bytes,
                             (double)stats.cut_models, stats.position_error,      stats.order_kept};
    memcpy(web_result(), values, sizeof values);
    return status;
}

EXPORT const char *web_splat_encoder_message(const WebSplatEncoder *e) {
    return e->message.text[0] || !e->encoder ? e->message.text : dfy_splat_encoder_message(e->encoder);
}

/* A sentence, or an empty one. */
EXPORT const char *web_splat_encoder_notes(const WebSplatEncoder *e) {
    return e->notes.text;
}

EXPORT void web_splat_encoder_close(WebSplatEncoder *e) {
    dfy_splat_encoder_close(&e->encoder);
    free(e);
}

/* ---------------------------------------------------------------- decoder */

typedef struct WebSplatDecoder {
    int id;
    DfySplatDecoder *decoder;
    const DfySplats *splats; /* the last frame, owned by the decoder */
    const DfySplats *shown;  /* the same, or usable, for a renderer */
    DfySplats usable;        /* a copy without NaN and the like, of frames that have such numbers */
    SplatView view;
    DfyMessage message, losses;
} WebSplatDecoder;

static int64_t decoder_read(void *opaque, uint64_t offset, uint8_t *data, size_t size_bytes) {
    return web_host_read(((WebSplatDecoder *)opaque)->id, offset, data, size_bytes);
}

static int decoder_write(void *opaque, const uint8_t *data, size_t size_bytes) {
    return web_host_write(((WebSplatDecoder *)opaque)->id, data, size_bytes);
}

EXPORT WebSplatDecoder *web_splat_decoder_new(int id) {
    WebSplatDecoder *d = calloc(1, sizeof *d);
    if (d) d->id = id;
    return d;
}

EXPORT int web_splat_decoder_open(WebSplatDecoder *d, double size_bytes) {
    DfyInput input = {.read = decoder_read, .size_bytes = (uint64_t)size_bytes, .opaque = d};
    return dfy_splat_decoder_open(&d->decoder, &input, NULL);
}

EXPORT const char *web_splat_decoder_info(const WebSplatDecoder *d) {
    return splat_info_result(d->decoder);
}

EXPORT int web_splat_decoder_frame(const WebSplatDecoder *d, double frame) {
    return splat_frame_result(d->decoder, frame);
}

/* What a renderer is given of the last frame. */
static int choose_shown(WebSplatDecoder *d) {
    DfySplatOddities odd = {0};
    d->shown = d->splats;
    dfy_splats_look(d->splats, &odd);
    if (!(odd.not_finite || odd.rotation || odd.scale || odd.position || odd.colour)) return DFY_OK;
    dfy_splats_free(&d->usable);
    int status = dfy_splats_copy(&d->usable, d->splats, &d->message);
    if (status) return status;
    dfy_splats_sanitise(&d->usable);
    d->shown = &d->usable;
    return DFY_OK;
}

/* result: splats, degree, then where the arrays are: xyz, rotation, scale, opacity, dc, rest. */
EXPORT int web_splat_decoder_next(WebSplatDecoder *d) {
    d->splats = NULL;
    int status = dfy_splat_decoder_next(d->decoder, &d->splats);
    if (!status) status = choose_shown(d);
    if (status) return status;
    const DfySplats *s = d->splats;
    double *result = web_result();
    const float *arrays[] = {s->xyz, s->rotation, s->scale, s->opacity, s->dc, s->rest};
    result[0] = s->count;
    result[1] = s->degree;
    for (int i = 0; i < 6; i++) result[2 + i] = (double)(uintptr_t)arrays[i];
    return DFY_OK;
}

/* Writes the last frame as a model file through the owner. */
EXPORT int web_splat_decoder_write(WebSplatDecoder *d, int format) {
    DfyOutput output = {.write = decoder_write, .opaque = d};
    if (!d->splats) return dfy_fail(&d->message, DFY_ERROR_ARGUMENT, "There is no frame yet: ask for one first.");
    return dfy_splats_write(d->splats, (DfySplatFormat)format, &output, &d->message);
}

/* What is lost in a format of the last frame: a sentence, or an empty one. */
EXPORT const char *web_splat_decoder_losses(WebSplatDecoder *d, int format) {
    d->losses.text[0] = 0;
    if (d->splats) dfy_splats_losses(d->splats, (DfySplatFormat)format, &d->losses);
    return d->losses.text;
}

EXPORT int web_splat_decoder_seek(WebSplatDecoder *d, double frame) {
    return dfy_splat_decoder_seek(d->decoder, (uint64_t)frame);
}
EXPORT double web_splat_decoder_position(const WebSplatDecoder *d) {
    return (double)dfy_splat_decoder_position(d->decoder);
}
EXPORT const char *web_splat_decoder_message(const WebSplatDecoder *d) {
    return d->message.text[0] ? d->message.text : dfy_splat_decoder_message(d->decoder);
}

EXPORT void web_splat_decoder_close(WebSplatDecoder *d) {
    splat_view_free(&d->view);
    dfy_splats_free(&d->usable);
    dfy_splat_decoder_close(&d->decoder);
    free(d);
}

/* ---------------------------------------------------------------- display */

/* The last frame's shapes for a renderer, 8 words a splat (see splat_view.h); NULL without a frame or memory. */
EXPORT const uint32_t *web_splat_decoder_shapes(WebSplatDecoder *d) {
    return d->splats ? splat_view_shapes(&d->view, d->shown) : NULL;
}
/* Colours as seen from a point, RGBA of 8 bits. */
EXPORT const uint8_t *web_splat_decoder_colours(WebSplatDecoder *d, float x, float y, float z) {
    const float eye[3] = {x, y, z};
    return d->splats ? splat_view_colours(&d->view, d->shown, eye) : NULL;
}
/* Splats from far to near along a direction. */
EXPORT const uint32_t *web_splat_decoder_order(WebSplatDecoder *d, float x, float y, float z) {
    const float forward[3] = {x, y, z};
    return d->splats ? splat_view_order(&d->view, d->shown, forward) : NULL;
}
/* result: a middle that outliers don't move (x, y, z), and the radius that holds nine splats of ten. */
EXPORT int web_splat_decoder_bounds(WebSplatDecoder *d) {
    return d->splats ? splat_view_bounds(&d->view, d->shown, web_result()) : DFY_ERROR_ARGUMENT;
}
