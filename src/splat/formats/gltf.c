/*
 * Binary glTF (.glb) with KHR_gaussian_splatting: attributes of a mesh primitive, or an .spz file in a buffer view by
 * KHR_gaussian_splatting_compression_spz_2. glTF's axes are left, up, forward as the extension has it: models here are
 * turned by half about z from there, which changes the sign of x and y and of colours of odd order.
 */
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "splat/formats/files.h"

enum { BYTE = 5120, UBYTE = 5121, SHORT = 5122, USHORT = 5123, UINT = 5125, FLOAT = 5126 };
#define GLB_MAGIC 0x46546c67u
#define JSON_CHUNK 0x4e4f534au
#define BIN_CHUNK 0x004e4942u
#define SPLATTING "KHR_gaussian_splatting"

typedef struct Gltf {
    cJSON *json;
    const uint8_t *bin;
    size_t bin_bytes;
    DfyMessage *message;
} Gltf;

static int broken(const Gltf *g, const char *what) {
    return dfy_fail(g->message, DFY_ERROR_DAMAGED, "The .glb file is damaged or cut: %s.", what);
}

static const cJSON *get(const cJSON *object, const char *key) {
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

/* A whole number not below 0; `otherwise` when it is not there, -1 when it is none. */
static int64_t whole(const cJSON *object, const char *key, int64_t otherwise) {
    const cJSON *item = get(object, key);
    if (!item) return otherwise;
    return cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble < 9e15 ? (int64_t)item->valuedouble : -1;
}

static int open_glb(Gltf *g, const uint8_t *data, size_t size_bytes) {
    DfyBytes bytes = dfy_bytes(data, size_bytes);
    dfy_read_u32le(&bytes);
    uint32_t version = dfy_read_u32le(&bytes), length = dfy_read_u32le(&bytes);
    if (version != 2)
        return dfy_fail(g->message, DFY_ERROR_UNSUPPORTED, "This .glb file is of version %u, not 2.", version);
    if (length > size_bytes) return broken(g, "it is shorter than its head says");
    uint32_t json_bytes = dfy_read_u32le(&bytes), kind = dfy_read_u32le(&bytes);
    const uint8_t *json = dfy_read_span(&bytes, json_bytes);
    if (bytes.overrun || kind != JSON_CHUNK) return broken(g, "its JSON is not there");
    g->json = cJSON_ParseWithLength((const char *)json, json_bytes);
    if (!g->json) return broken(g, "its JSON can't be read");
    if (!dfy_bytes_left(&bytes)) return DFY_OK;
    uint32_t bin_bytes = dfy_read_u32le(&bytes);
    if (dfy_read_u32le(&bytes) != BIN_CHUNK) return DFY_OK;
    g->bin = dfy_read_span(&bytes, bin_bytes);
    g->bin_bytes = g->bin ? bin_bytes : 0;
    return bytes.overrun ? broken(g, "its binary part is not all there") : DFY_OK;
}

/* ---------------------------------------------------------------- buffers */

/* A buffer view's bytes; NULL after failing. */
static const uint8_t *view_of(const Gltf *g, int64_t number, size_t *bytes, size_t *stride) {
    const cJSON *view = number >= 0 ? cJSON_GetArrayItem(get(g->json, "bufferViews"), (int)number) : NULL;
    int64_t buffer = whole(view, "buffer", -1), offset = whole(view, "byteOffset", 0);
    int64_t length = whole(view, "byteLength", -1), step = whole(view, "byteStride", 0);
    const cJSON *uri = get(cJSON_GetArrayItem(get(g->json, "buffers"), (int)buffer), "uri");
    if (uri) {
        dfy_fail(g->message, DFY_ERROR_UNSUPPORTED,
                 "This .glb file has its numbers in another file: pack them into one .glb.");
        return NULL;
    }
    if (buffer || offset < 0 || length < 0 || step < 0 || step > 4096 || !g->bin || (uint64_t)offset > g->bin_bytes ||
        (uint64_t)length > g->bin_bytes - (uint64_t)offset) {
        broken(g, "a buffer view is outside of its binary part");
        return NULL;
    }
    *bytes = (size_t)length;
    *stride = (size_t)step;
    return g->bin + offset;
}

typedef struct Accessor {
    const uint8_t *data;
    size_t stride;
    uint32_t count;
    int type, components, normalised;
} Accessor;

static int type_bytes(int type) {
    return type == BYTE || type == UBYTE     ? 1
           : type == SHORT || type == USHORT ? 2
           : type == UINT || type == FLOAT   ? 4
                                             : 0;
}

static int components_of(const char *type) {
    static const char *const names[] = {"SCALAR", "VEC2", "VEC3", "VEC4"};
    for (int i = 0; type && i < 4; i++)
        if (!strcmp(type, names[i])) return i + 1;
    return 0;
}

static int open_accessor(const Gltf *g, Accessor *a, int64_t number) {
    const cJSON *json = number >= 0 ? cJSON_GetArrayItem(get(g->json, "accessors"), (int)number) : NULL;
    int64_t count = whole(json, "count", -1), offset = whole(json, "byteOffset", 0);
    size_t bytes, stride;
    if (get(json, "sparse"))
        return dfy_fail(g->message, DFY_ERROR_UNSUPPORTED,
                        "This .glb file has sparse numbers, which is not supported.");
    a->type = (int)whole(json, "componentType", 0);
    a->components = components_of(cJSON_GetStringValue(get(json, "type")));
    a->normalised = cJSON_IsTrue(get(json, "normalized"));
    int row = type_bytes(a->type) * a->components;
    if (!json || count < 0 || count > DFY_SPLAT_MAX_COUNT || offset < 0 || row <= 0)
        return broken(g, "an accessor is not as it should be");
    const uint8_t *view = view_of(g, whole(json, "bufferView", -1), &bytes, &stride);
    if (!view) return DFY_ERROR_DAMAGED;
    a->stride = stride ? stride : (size_t)row;
    a->count = (uint32_t)count;
    if ((uint64_t)offset > bytes ||
        (count && (uint64_t)(count - 1) * a->stride + (uint64_t)row > bytes - (uint64_t)offset))
        return broken(g, "an accessor is longer than its buffer view");
    a->data = view + offset;
    return DFY_OK;
}

static double number_at(const Accessor *a, size_t i, int component) {
    DfyBytes at = dfy_bytes(a->data + i * a->stride + (size_t)(component * type_bytes(a->type)), 4);
    switch (a->type) {
    case BYTE: {
        double value = (int8_t)dfy_read_u8(&at);
        return a->normalised ? fmax(value / 127, -1) : value;
    }
    case UBYTE: return dfy_read_u8(&at) / (a->normalised ? 255.0 : 1);
    case SHORT: {
        double value = (int16_t)dfy_read_u16le(&at);
        return a->normalised ? fmax(value / 32767, -1) : value;
    }
    case USHORT: return dfy_read_u16le(&at) / (a->normalised ? 65535.0 : 1);
    case UINT: return dfy_read_u32le(&at);
    default: return dfy_read_f32le(&at);
    }
}

/* ---------------------------------------------------------------- splats */

/* Signs of the axes, and of colour coefficient k beyond the first. */
static const int8_t turn_axis[3] = {-1, -1, 1};

int dfy_gltf_turn_rest(size_t k) {
    int degree = 1;
    while (dfy_splat_rest(degree) <= (int)k) degree++;
    return ((int)k - dfy_splat_rest(degree - 1) - degree) & 1 ? -1 : 1;
}

/* An attribute with so many components for each splat; 0 when there is none of that name, negative after failing. */
static int open_attribute(const Gltf *g, Accessor *a, const cJSON *attributes, const char *name, int components,
                          uint32_t count) {
    const cJSON *number = get(attributes, name);
    if (!cJSON_IsNumber(number)) return 0;
    if (open_accessor(g, a, (int64_t)number->valuedouble)) return -1;
    if (a->components < components || a->count != count) {
        dfy_fail(g->message, DFY_ERROR_DAMAGED, "The .glb file's attribute %s does not fit its splats.", name);
        return -1;
    }
    return 1;
}

static int need_attribute(const Gltf *g, Accessor *a, const cJSON *attributes, const char *name, int components,
                          uint32_t count) {
    int found = open_attribute(g, a, attributes, name, components, count);
    if (found > 0) return DFY_OK;
    return found < 0 ? DFY_ERROR_DAMAGED
                     : dfy_fail(g->message, DFY_ERROR_FORMAT, "The .glb file's splats have no attribute %s.", name);
}

static int find_degree(const cJSON *attributes) {
    char name[64];
    int degree = 0;
    for (;; degree++) {
        snprintf(name, sizeof name, SPLATTING ":SH_DEGREE_%d_COEF_0", degree + 1);
        if (degree == DFY_SPLAT_MAX_DEGREE || !get(attributes, name)) return degree;
    }
}

/* Scales are sizes; writers of the extension's drafts have logarithms of them, of which some are below 0. */
static void read_scales(DfySplats *s, const Accessor *a) {
    int logarithms = 0;
    for (size_t i = 0; i < (size_t)s->count * 3; i++) logarithms |= number_at(a, i / 3, (int)(i % 3)) < 0;
    for (size_t i = 0; i < (size_t)s->count * 3; i++) {
        double value = number_at(a, i / 3, (int)(i % 3));
        s->scale[i] = (float)(logarithms ? value : log(value));
    }
}

static int read_shapes(const Gltf *g, DfySplats *s, const cJSON *attributes) {
    Accessor place, turn, scale, opacity;
    int status = need_attribute(g, &place, attributes, "POSITION", 3, s->count);
    if (!status) status = need_attribute(g, &turn, attributes, SPLATTING ":ROTATION", 4, s->count);
    if (!status) status = need_attribute(g, &scale, attributes, SPLATTING ":SCALE", 3, s->count);
    if (!status) status = need_attribute(g, &opacity, attributes, SPLATTING ":OPACITY", 1, s->count);
    if (status) return status;
    read_scales(s, &scale);
    for (size_t i = 0; i < s->count; i++) {
        float *q = s->rotation + i * 4;
        for (int k = 0; k < 3; k++) s->xyz[i * 3 + (size_t)k] = (float)number_at(&place, i, k) * turn_axis[k];
        /* x, y, z, w there; here half a turn about z before. */
        q[0] = -(float)number_at(&turn, i, 2);
        q[1] = -(float)number_at(&turn, i, 1);
        q[2] = (float)number_at(&turn, i, 0);
        q[3] = (float)number_at(&turn, i, 3);
        s->opacity[i] = (float)dfy_logit(number_at(&opacity, i, 0));
    }
    return DFY_OK;
}

static int read_colours(const Gltf *g, DfySplats *s, const cJSON *attributes) {
    Accessor a;
    size_t rest = (size_t)dfy_splat_rest(s->degree);
    int found = open_attribute(g, &a, attributes, SPLATTING ":SH_DEGREE_0_COEF_0", 3, s->count), colour = 0;
    if (!found) found = colour = open_attribute(g, &a, attributes, "COLOR_0", 3, s->count);
    if (found < 0) return DFY_ERROR_DAMAGED;
    if (!found) return dfy_fail(g->message, DFY_ERROR_FORMAT, "The .glb file's splats have no colours.");
    for (size_t i = 0; i < (size_t)s->count * 3; i++) {
        double value = number_at(&a, i / 3, (int)(i % 3));
        s->dc[i] = (float)(colour ? (value - 0.5) / DFY_SH_C0 : value);
    }
    for (size_t k = 0; k < rest; k++) {
        char name[64];
        int degree = 1;
        while (dfy_splat_rest(degree) <= (int)k) degree++;
        snprintf(name, sizeof name, SPLATTING ":SH_DEGREE_%d_COEF_%d", degree, (int)k - dfy_splat_rest(degree - 1));
        int status = need_attribute(g, &a, attributes, name, 3, s->count);
        if (status) return status;
        for (size_t i = 0; i < s->count; i++)
            for (size_t c = 0; c < 3; c++)
                s->rest[(i * 3 + c) * rest + k] = (float)number_at(&a, i, (int)c) * (float)dfy_gltf_turn_rest(k);
    }
    return DFY_OK;
}

static int read_attributes(const Gltf *g, DfySplats *s, const cJSON *primitive) {
    const cJSON *attributes = get(primitive, "attributes");
    Accessor place;
    int status = open_accessor(g, &place, whole(attributes, "POSITION", -1));
    if (!status) status = dfy_splats_alloc(s, place.count, find_degree(attributes), g->message);
    if (!status) status = read_shapes(g, s, attributes);
    return status ? status : read_colours(g, s, attributes);
}

/* The .spz file of a primitive, by the extension or one of its drafts' names; NULL when there is none. */
static const cJSON *spz_of(const cJSON *primitive) {
    static const char *const names[] = {SPLATTING "_compression_spz_2", SPLATTING "_compression_spz"};
    const cJSON *extensions = get(primitive, "extensions"), *inner = get(get(extensions, SPLATTING), "extensions");
    for (int i = 0; i < 2; i++) {
        if (get(inner, names[i])) return get(inner, names[i]);
        if (get(extensions, names[i])) return get(extensions, names[i]);
    }
    return get(extensions, "KHR_spz_gaussian_splats_compression");
}

static int is_splats(const cJSON *primitive) {
    return get(get(primitive, "extensions"), SPLATTING) || spz_of(primitive);
}

/* Whether a node that shows a mesh is moved, turned or scaled. */
static int any_moved(const Gltf *g) {
    const cJSON *node;
    int moved = 0;
    cJSON_ArrayForEach(node, get(g->json, "nodes")) moved |=
        get(node, "matrix") || get(node, "translation") || get(node, "rotation") || get(node, "scale");
    return moved;
}

/* The first primitive of splats, and how many there are. */
static const cJSON *find_splats(const Gltf *g, int *count) {
    const cJSON *mesh, *primitive, *first = NULL;
    cJSON_ArrayForEach(mesh, get(g->json, "meshes")) cJSON_ArrayForEach(primitive, get(mesh, "primitives")) {
        if (!is_splats(primitive)) continue;
        if (!first) first = primitive;
        ++*count;
    }
    return first;
}

static int read_first(const Gltf *g, DfySplats *s, DfyMessage *notes) {
    int count = 0;
    const cJSON *primitive = find_splats(g, &count), *spz = primitive ? spz_of(primitive) : NULL;
    size_t bytes, stride;
    if (!primitive)
        return dfy_fail(g->message, DFY_ERROR_FORMAT, "This .glb file holds no splats: no mesh has " SPLATTING ".");
    if (count > 1)
        return dfy_fail(g->message, DFY_ERROR_UNSUPPORTED,
                        "This .glb file holds %d models of splats: split them into a file each.", count);
    if (any_moved(g)) dfy_note(notes, "the .glb file's node transforms: splats are as in the mesh itself");
    if (!spz) return read_attributes(g, s, primitive);
    const uint8_t *data = view_of(g, whole(spz, "bufferView", -1), &bytes, &stride);
    return data ? dfy_read_spz(s, data, bytes, notes, g->message) : DFY_ERROR_DAMAGED;
}

int dfy_read_gltf(DfySplats *s, const uint8_t *data, size_t size_bytes, DfyMessage *notes, DfyMessage *message) {
    Gltf g = {.message = message};
    int status = open_glb(&g, data, size_bytes);
    if (!status) status = read_first(&g, s, notes);
    cJSON_Delete(g.json);
    return status;
}
