/* What JavaScript calls for sequences of splat models: splat/splat.h with plain numbers, as exports.c does it. */
#include "splat/splat.h"

#include <stdlib.h>

#include "host.h"
#include "splat_view.h"

/* ---------------------------------------------------------------- encoder */

typedef struct WebSplatEncoder {
    int id;
    DfySplatEncoder *encoder;
    DfySplatSettings settings;
    DfyMessage message; /* of reading a model */
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

/* key_interval < 0: the default. */
EXPORT int web_splat_encoder_open(WebSplatEncoder *e, int quality, int effort, int rate_num, int rate_den,
                                  int key_interval, int canonical, const char *codec) {
    DfyOutput output = {.write = encoder_write, .opaque = e};
    if (*codec && !(e->settings.codec = dfy_splat_codec(codec)))
        return dfy_fail(&e->message, DFY_ERROR_ARGUMENT, "There is no splat codec \"%s\".", codec);
    int status = dfy_splat_set_quality(&e->settings, quality);
    if (status) return dfy_fail(&e->message, status, "The quality %d is not one from 1 to 100.", quality);
    e->settings.effort = effort;
    e->settings.canonical = canonical;
    e->settings.frame_rate_num = rate_num;
    e->settings.frame_rate_den = rate_den;
    if (key_interval >= 0) e->settings.key_interval = key_interval;
    return dfy_splat_encoder_open(&e->encoder, &e->settings, &output);
}

/* Pushes a model file's bytes. result: splats, then how many splats were made safe. */
EXPORT int web_splat_encoder_push(WebSplatEncoder *e, const uint8_t *data, size_t size_bytes) {
    DfySplats splats = {0};
    DfySplatRepairs repairs = {0};
    int status = dfy_splats_read(&splats, data, size_bytes, &repairs, &e->message);
    if (status) return status;
    double *result = web_result();
    result[0] = splats.count;
    result[1] = (double)(repairs.not_finite + repairs.rotation + repairs.scale + repairs.position + repairs.range);
    status = dfy_splat_encoder_push(e->encoder, &splats);
    dfy_splats_free(&splats);
    return status;
}

/* result: frames, key frames, bytes, splats. */
EXPORT int web_splat_encoder_finish(WebSplatEncoder *e) {
    DfySplatStats stats = {0};
    int status = dfy_splat_encoder_finish(e->encoder, &stats);
    const double values[] = {(double)stats.frames, (double)stats.key_frames, (double)stats.bytes, (double)stats.splats};
    for (int i = 0; i < 4; i++) web_result()[i] = values[i];
    return status;
}

EXPORT const char *web_splat_encoder_message(const WebSplatEncoder *e) {
    return e->message.text[0] || !e->encoder ? e->message.text : dfy_splat_encoder_message(e->encoder);
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
    SplatView view;
    DfyMessage message;
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

/* result: degree, frames, key frames, bytes, frame rate as a fraction, complete. Returns the codec's name or NULL. */
EXPORT const char *web_splat_decoder_info(WebSplatDecoder *d) {
    static DfySplatInfo info;
    if (dfy_splat_decoder_info(d->decoder, &info)) return NULL;
    const double values[] = {info.degree,        (double)info.frames, (double)info.key_frames,
                             (double)info.bytes, info.frame_rate_num, info.frame_rate_den,
                             info.complete};
    for (int i = 0; i < 7; i++) web_result()[i] = values[i];
    return info.codec;
}

/* result: bytes of a frame in the file, and whether it is a key frame. */
EXPORT int web_splat_decoder_frame(const WebSplatDecoder *d, double frame) {
    uint64_t bytes = 0;
    int is_key = 0;
    int status = dfy_splat_decoder_frame(d->decoder, (uint64_t)frame, &bytes, &is_key);
    web_result()[0] = (double)bytes;
    web_result()[1] = is_key;
    return status;
}

/* result: splats, degree, then where the arrays are: xyz, rotation, scale, opacity, dc, rest. */
EXPORT int web_splat_decoder_next(WebSplatDecoder *d) {
    d->splats = NULL;
    int status = dfy_splat_decoder_next(d->decoder, &d->splats);
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
    dfy_splat_decoder_close(&d->decoder);
    free(d);
}

/* ---------------------------------------------------------------- display */

/* The last frame's shapes for a renderer, 8 words a splat (see splat_view.h); NULL without a frame or memory. */
EXPORT const uint32_t *web_splat_decoder_shapes(WebSplatDecoder *d) {
    return d->splats ? splat_view_shapes(&d->view, d->splats) : NULL;
}
/* Colours as seen from a point, RGBA of 8 bits. */
EXPORT const uint8_t *web_splat_decoder_colours(WebSplatDecoder *d, float x, float y, float z) {
    const float eye[3] = {x, y, z};
    return d->splats ? splat_view_colours(&d->view, d->splats, eye) : NULL;
}
/* Splats from far to near along a direction. */
EXPORT const uint32_t *web_splat_decoder_order(WebSplatDecoder *d, float x, float y, float z) {
    const float forward[3] = {x, y, z};
    return d->splats ? splat_view_order(&d->view, d->splats, forward) : NULL;
}
/* result: a middle that outliers don't move (x, y, z), and the radius that holds nine splats of ten. */
EXPORT int web_splat_decoder_bounds(WebSplatDecoder *d) {
    return d->splats ? splat_view_bounds(&d->view, d->splats, web_result()) : DFY_ERROR_ARGUMENT;
}
