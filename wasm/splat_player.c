/*
 * What a player of splat sequences calls: a decoder that keeps what changed, and frames packed for textures. Nothing
 * here reaches an encoder, so that the build without one stays small.
 */
#include "base/status.h"
#include "diffy/splat.h"

#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "splat/history.h"
#include "splat/sequence.h"
#include "splat_pack.h"
#include "splat_results.h"

typedef struct WebSplatPlayer {
    int id;
    DfySplatDecoder *decoder;
    const DfySplats *splats; /* of the last frame, owned by the decoder */
    DfySplatMarks changed;   /* since they were last taken */
    SplatPack pack;
    float *attributes[6];
} WebSplatPlayer;

static int64_t player_read(void *opaque, uint64_t offset, uint8_t *data, size_t size_bytes) {
    return web_host_read(((WebSplatPlayer *)opaque)->id, offset, data, size_bytes);
}

static void all_changed(WebSplatPlayer *p) {
    p->changed.all = 1;
    p->changed.attributes = DFY_SPLAT_EVERY_ATTRIBUTE;
}

EXPORT WebSplatPlayer *web_splat_player_new(int id) {
    WebSplatPlayer *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    p->id = id;
    all_changed(p);
    return p;
}

/* May be called again after a failure: what had to be read was not there. */
EXPORT int web_splat_player_open(WebSplatPlayer *p, double size_bytes, double remembered_bytes) {
    DfyInput input = {.read = player_read, .size_bytes = (uint64_t)size_bytes, .opaque = p};
    dfy_splat_decoder_close(&p->decoder);
    int status = dfy_splat_decoder_open(&p->decoder, &input, NULL);
    if (!status) dfy_splat_decoder_remember(p->decoder, (uint64_t)remembered_bytes);
    return status;
}

EXPORT const char *web_splat_player_info(const WebSplatPlayer *p) {
    return splat_info_result(p->decoder);
}

EXPORT int web_splat_player_frame(const WebSplatPlayer *p, double frame) {
    return splat_frame_result(p->decoder, frame);
}

/* result: the first and the last frame to be decoded for this one, and the bytes of the file that takes: their offset,
 * how many. */
EXPORT int web_splat_player_needs(const WebSplatPlayer *p, double frame) {
    uint64_t first = 0, last = 0, offset = 0, bytes = 0;
    int status = dfy_splat_decoder_needs(p->decoder, (uint64_t)frame, &first, &last, &offset, &bytes);
    const double values[] = {(double)first, (double)last, (double)offset, (double)bytes};
    for (int i = 0; i < 4; i++) web_result()[i] = values[i];
    return status;
}

EXPORT int web_splat_player_grow(WebSplatPlayer *p, double size_bytes) {
    return dfy_splat_decoder_grow(p->decoder, (uint64_t)size_bytes);
}

static int note_changes(WebSplatPlayer *p) {
    const uint32_t *list;
    uint32_t count;
    dfy_splat_decoder_changed(p->decoder, &list, &count);
    if (p->splats->count > p->changed.capacity) {
        if (dfy_marks_begin(&p->changed, p->splats->count)) return DFY_ERROR_MEMORY;
        all_changed(p);
    }
    if (!list) p->changed.all = 1;
    p->changed.attributes |= dfy_splat_decoder_attributes(p->decoder);
    for (uint32_t i = 0; list && i < count; i++) dfy_marks_add(&p->changed, list[i]);
    return DFY_OK;
}

/* Decodes a frame, which is the one to be taken then. result: splats, degree. */
EXPORT int web_splat_player_decode(WebSplatPlayer *p, double frame) {
    p->splats = NULL;
    int status = dfy_splat_decoder_seek(p->decoder, (uint64_t)frame);
    if (!status) status = dfy_splat_decoder_next(p->decoder, &p->splats);
    if (!status) status = note_changes(p);
    if (status) {
        all_changed(p);
        return status;
    }
    web_result()[0] = p->splats->count;
    web_result()[1] = p->splats->degree;
    return DFY_OK;
}

/* Makes the next frame taken a whole one: what was taken last is not what its owner has. */
EXPORT void web_splat_player_forget(WebSplatPlayer *p) {
    all_changed(p);
}

/* What changed since the last frame taken, NULL and *count of all splats where a list would save nothing. */
static const uint32_t *take_changes(WebSplatPlayer *p, uint32_t *count) {
    int all = p->changed.all || p->changed.count >= p->splats->count;
    *count = all ? p->splats->count : p->changed.count;
    return all ? NULL : p->changed.list;
}

/* The changes are taken: those after this are told anew. */
EXPORT int web_splat_player_taken(WebSplatPlayer *p) {
    return dfy_marks_begin(&p->changed, p->splats ? p->splats->count : 0);
}

/*
 * Packs what changed since the last frame taken. result: how many splats, whether that is all of them, where the list
 * of their numbers is, transforms, scales, colours, planes of harmonics, and those planes.
 */
EXPORT int web_splat_player_textures(WebSplatPlayer *p) {
    uint32_t count;
    if (!p->splats) return DFY_ERROR_ARGUMENT;
    const uint32_t *list = take_changes(p, &count);
    int status = splat_pack(&p->pack, p->splats, list, count, p->changed.attributes);
    int planes = splat_pack_planes(p->splats->degree);
    double *result = web_result();
    result[0] = count;
    result[1] = !list;
    result[2] = (double)(uintptr_t)list;
    result[3] = (double)(uintptr_t)p->pack.transforms;
    result[4] = (double)(uintptr_t)p->pack.scales;
    result[5] = (double)(uintptr_t)p->pack.colours;
    result[6] = planes;
    for (int i = 0; i < planes; i++) result[7 + i] = (double)(uintptr_t)p->pack.harmonics[i];
    return status;
}

/* The numbers of training of what changed. result: how many splats, whether all, the list, then xyz, rotation, scale,
 * opacity, dc, rest. */
EXPORT int web_splat_player_attributes(WebSplatPlayer *p) {
    uint32_t count;
    if (!p->splats) return DFY_ERROR_ARGUMENT;
    const uint32_t *list = take_changes(p, &count);
    p->pack.whole = 0; /* what is taken now is not packed */
    const DfySplats *s = p->splats;
    const float *arrays[] = {s->xyz, s->rotation, s->scale, s->opacity, s->dc, s->rest};
    const size_t sizes[] = {3, 4, 3, 1, 3, (size_t)dfy_splat_rest(s->degree) * 3};
    double *result = web_result();
    result[0] = count;
    result[1] = !list;
    result[2] = (double)(uintptr_t)list;
    for (int a = 0; a < 6; a++) {
        const float *from = arrays[a];
        if (list && sizes[a]) {
            float *own = realloc(p->attributes[a], ((size_t)count * sizes[a] + 1) * sizeof *own);
            if (!own) return DFY_ERROR_MEMORY;
            for (size_t i = 0; i < count; i++)
                memcpy(own + i * sizes[a], from + list[i] * sizes[a], sizes[a] * sizeof *own);
            from = p->attributes[a] = own;
        }
        result[3 + a] = (double)(uintptr_t)from;
    }
    return DFY_OK;
}

EXPORT const char *web_splat_player_message(const WebSplatPlayer *p) {
    return dfy_splat_decoder_message(p->decoder);
}

EXPORT void web_splat_player_close(WebSplatPlayer *p) {
    dfy_splat_decoder_close(&p->decoder);
    dfy_marks_free(&p->changed);
    splat_pack_free(&p->pack);
    for (int a = 0; a < 6; a++) free(p->attributes[a]);
    free(p);
}
