/* Binary glTF with KHR_gaussian_splatting, writing: attributes as floats, or an .spz file; see gltf.c. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "splat/formats/files.h"
#include "splat/formats/json_out.h"

enum { POINTS = 0, FLOAT = 5126, UBYTE = 5121, ARRAY_BUFFER = 34962 };
#define SPLATTING "KHR_gaussian_splatting"
#define SPZ SPLATTING "_compression_spz_2"

typedef struct Writer {
    const DfySplats *s;
    DfyBuffer bin;
    cJSON *json, *views, *accessors, *attributes;
    int failed; /* there was no memory for some of the JSON */
} Writer;

static cJSON *put_object(Writer *w, cJSON *parent, const char *key) {
    return dfy_json_put(&w->failed, parent, key, cJSON_CreateObject());
}

static cJSON *put_array(Writer *w, cJSON *parent, const char *key) {
    return dfy_json_put(&w->failed, parent, key, cJSON_CreateArray());
}

static void put_number(Writer *w, cJSON *parent, const char *key, double number) {
    dfy_json_put(&w->failed, parent, key, cJSON_CreateNumber(number));
}

static void put_text(Writer *w, cJSON *parent, const char *key, const char *text) {
    dfy_json_put(&w->failed, parent, key, cJSON_CreateString(text));
}

static void align(DfyBuffer *buffer, unsigned with) {
    while (buffer->size % 4 && !buffer->failed) dfy_put_u8(buffer, with);
}

static int put_view(Writer *w, size_t from, int target) {
    cJSON *view = put_object(w, w->views, NULL);
    put_number(w, view, "buffer", 0);
    put_number(w, view, "byteOffset", (double)from);
    put_number(w, view, "byteLength", (double)(w->bin.size - from));
    if (target) put_number(w, view, "target", target);
    return cJSON_GetArraySize(w->views) - 1;
}

/* An attribute whose numbers are in the buffer from `from` on; without bytes it only says what there will be. */
static cJSON *put_attribute(Writer *w, const char *name, const char *type, int component, size_t from, int viewed) {
    put_number(w, w->attributes, name, cJSON_GetArraySize(w->accessors));
    cJSON *accessor = put_object(w, w->accessors, NULL);
    if (viewed) put_number(w, accessor, "bufferView", put_view(w, from, ARRAY_BUFFER));
    put_number(w, accessor, "componentType", component);
    put_number(w, accessor, "count", w->s->count);
    put_text(w, accessor, "type", type);
    return accessor;
}

/* glTF wants the bounds of positions. */
static void put_bounds(Writer *w, cJSON *accessor) {
    const DfySplats *s = w->s;
    static const int sign[3] = {-1, -1, 1};
    float low[3] = {0, 0, 0}, high[3] = {0, 0, 0};
    for (size_t k = 0; k < 3; k++)
        for (size_t i = 0; i < s->count; i++) {
            float x = s->xyz[i * 3 + k] * (float)sign[k];
            if (!i || x < low[k]) low[k] = x;
            if (!i || x > high[k]) high[k] = x;
        }
    dfy_json_put(&w->failed, accessor, "min", cJSON_CreateFloatArray(low, 3));
    dfy_json_put(&w->failed, accessor, "max", cJSON_CreateFloatArray(high, 3));
}

static void put_shapes(Writer *w, int viewed) {
    const DfySplats *s = w->s;
    size_t from = w->bin.size;
    for (size_t i = 0; viewed && i < s->count; i++) {
        dfy_put_f32le(&w->bin, -s->xyz[i * 3]);
        dfy_put_f32le(&w->bin, -s->xyz[i * 3 + 1]);
        dfy_put_f32le(&w->bin, s->xyz[i * 3 + 2]);
    }
    put_bounds(w, put_attribute(w, "POSITION", "VEC3", FLOAT, from, viewed));
    from = w->bin.size;
    for (size_t i = 0; viewed && i < s->count; i++) {
        const float *q = s->rotation + i * 4;
        double length = sqrt((double)q[0] * q[0] + (double)q[1] * q[1] + (double)q[2] * q[2] + (double)q[3] * q[3]);
        const float turned[4] = {q[2], -q[1], -q[0], q[3]};
        for (int k = 0; k < 4; k++) dfy_put_f32le(&w->bin, (float)(turned[k] / length));
    }
    put_attribute(w, SPLATTING ":ROTATION", "VEC4", FLOAT, from, viewed);
    from = w->bin.size;
    for (size_t i = 0; viewed && i < (size_t)s->count * 3; i++) dfy_put_f32le(&w->bin, expf(s->scale[i]));
    put_attribute(w, SPLATTING ":SCALE", "VEC3", FLOAT, from, viewed);
    from = w->bin.size;
    for (size_t i = 0; viewed && i < s->count; i++) dfy_put_f32le(&w->bin, (float)dfy_sigmoid(s->opacity[i]));
    put_attribute(w, SPLATTING ":OPACITY", "SCALAR", FLOAT, from, viewed);
}

static void put_colours(Writer *w, int viewed) {
    const DfySplats *s = w->s;
    size_t rest = (size_t)dfy_splat_rest(s->degree);
    size_t from = w->bin.size;
    for (size_t i = 0; viewed && i < (size_t)s->count * 3; i++) dfy_put_f32le(&w->bin, s->dc[i]);
    put_attribute(w, SPLATTING ":SH_DEGREE_0_COEF_0", "VEC3", FLOAT, from, viewed);
    for (size_t k = 0; k < rest; k++) {
        char name[64];
        int degree = 1;
        while (dfy_splat_rest(degree) <= (int)k) degree++;
        from = w->bin.size;
        for (size_t i = 0; viewed && i < s->count; i++)
            for (size_t c = 0; c < 3; c++)
                dfy_put_f32le(&w->bin, s->rest[(i * 3 + c) * rest + k] * (float)dfy_gltf_turn_rest(k));
        snprintf(name, sizeof name, SPLATTING ":SH_DEGREE_%d_COEF_%d", degree, (int)k - dfy_splat_rest(degree - 1));
        put_attribute(w, name, "VEC3", FLOAT, from, viewed);
    }
    from = w->bin.size;
    for (size_t i = 0; viewed && i < s->count; i++) {
        for (size_t c = 0; c < 3; c++) dfy_put_u8(&w->bin, dfy_to_byte((0.5 + DFY_SH_C0 * s->dc[i * 3 + c]) * 255));
        dfy_put_u8(&w->bin, dfy_to_byte(dfy_sigmoid(s->opacity[i]) * 255));
    }
    cJSON *colour = put_attribute(w, "COLOR_0", "VEC4", UBYTE, from, viewed);
    dfy_json_put(&w->failed, colour, "normalized", cJSON_CreateBool(1));
}

/* The extension's object on the primitive. */
static int put_extension(Writer *w, cJSON *primitive, int spz) {
    cJSON *extension = put_object(w, put_object(w, primitive, "extensions"), SPLATTING);
    put_text(w, extension, "kernel", "ellipse");
    put_text(w, extension, "colorSpace", "srgb_rec709_display");
    put_text(w, extension, "sortingMethod", "cameraDistance");
    put_text(w, extension, "projection", "perspective");
    if (!spz) return DFY_OK;
    cJSON *inner = put_object(w, put_object(w, extension, "extensions"), SPZ);
    size_t from = w->bin.size;
    int status = dfy_write_spz(w->s, 2, &w->bin);
    put_number(w, inner, "bufferView", put_view(w, from, 0));
    return status;
}

static void put_used(Writer *w, const char *key, int spz) {
    cJSON *names = put_array(w, w->json, key);
    put_text(w, names, NULL, SPLATTING);
    if (spz) put_text(w, names, NULL, SPZ);
}

static int build(Writer *w, int spz) {
    cJSON *asset = put_object(w, w->json, "asset");
    put_text(w, asset, "version", "2.0");
    put_text(w, asset, "generator", "diffy");
    put_used(w, "extensionsUsed", spz);
    if (spz) put_used(w, "extensionsRequired", 1);
    put_number(w, w->json, "scene", 0);
    static const int zero = 0;
    cJSON *scene = put_object(w, put_array(w, w->json, "scenes"), NULL);
    dfy_json_put(&w->failed, scene, "nodes", cJSON_CreateIntArray(&zero, 1));
    put_number(w, put_object(w, put_array(w, w->json, "nodes"), NULL), "mesh", 0);
    cJSON *mesh = put_object(w, put_array(w, w->json, "meshes"), NULL);
    cJSON *primitive = put_object(w, put_array(w, mesh, "primitives"), NULL);
    w->attributes = put_object(w, primitive, "attributes");
    put_number(w, primitive, "mode", POINTS);
    w->views = put_array(w, w->json, "bufferViews");
    w->accessors = put_array(w, w->json, "accessors");
    put_shapes(w, !spz);
    put_colours(w, !spz);
    int status = put_extension(w, primitive, spz);
    put_number(w, put_object(w, put_array(w, w->json, "buffers"), NULL), "byteLength", (double)w->bin.size);
    align(&w->bin, 0);
    return !status && w->failed ? DFY_ERROR_MEMORY : status;
}

int dfy_write_gltf(const DfySplats *s, int spz, DfyBuffer *out) {
    Writer w = {.s = s, .json = cJSON_CreateObject()};
    int status = w.json ? build(&w, spz) : DFY_ERROR_MEMORY;
    char *text = status ? NULL : cJSON_PrintUnformatted(w.json);
    if (!status && (!text || w.bin.failed)) status = DFY_ERROR_MEMORY;
    if (!status) {
        DfyBuffer json = {0};
        dfy_put_bytes(&json, text, strlen(text));
        align(&json, ' ');
        dfy_put_u32le(out, 0x46546c67u);
        dfy_put_u32le(out, 2);
        dfy_put_u32le(out, (uint32_t)(12 + 8 + json.size + 8 + w.bin.size));
        dfy_put_u32le(out, (uint32_t)json.size);
        dfy_put_u32le(out, 0x4e4f534au);
        dfy_put_bytes(out, json.data, json.size);
        dfy_put_u32le(out, (uint32_t)w.bin.size);
        dfy_put_u32le(out, 0x004e4942u);
        dfy_put_bytes(out, w.bin.data, w.bin.size);
        out->failed |= json.failed;
        dfy_buffer_free(&json);
    }
    cJSON_free(text);
    cJSON_Delete(w.json);
    dfy_buffer_free(&w.bin);
    return status;
}
