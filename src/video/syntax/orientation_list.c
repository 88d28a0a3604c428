#include "video/syntax/orientation_list.h"

#include <math.h>
#include <stdlib.h>

#include "base/numbers.h"
#include "container/v2.h"

#define ONE 32767

DfyOrientation dfy_orientation_of(DfyQuaternion q) {
    const double part[4] = {q.x, q.y, q.z, q.w};
    DfyOrientation o;
    for (int i = 0; i < 4; i++) o.part[i] = (int16_t)dfy_clamp((int)floor(part[i] * ONE + 0.5), -ONE, ONE);
    return o;
}

DfyQuaternion dfy_quaternion_of(const DfyOrientation *o) {
    return dfy_quaternion_normalise((DfyQuaternion){o->part[0], o->part[1], o->part[2], o->part[3]});
}

/* A part's difference: what is far beyond any is as if the bytes had ended. */
static int read_difference(DfyBytes *bytes) {
    int64_t v = dfy_read_signed_varint(bytes);
    if (v < -4 * ONE || v > 4 * ONE) bytes->overrun = 1;
    return bytes->overrun ? 0 : (int)v;
}

/* What is told of a part: its difference from where the two before it lead. */
static int guess(const DfyOrientation *at, uint64_t i, int part) {
    return i > 1 ? 2 * at[i - 1].part[part] - at[i - 2].part[part] : i ? at[0].part[part] : 0;
}

void dfy_put_orientations_head(DfyBuffer *buffer, const double camera[9], uint64_t first, uint64_t count) {
    int told = 0;
    for (int i = 0; i < 9; i++) told |= camera[i] != 0;
    dfy_put_u8(buffer, (unsigned)told);
    for (int i = 0; told && i < 9; i++) dfy_put_f32be(buffer, (float)camera[i]);
    dfy_put_varint(buffer, first);
    dfy_put_varint(buffer, count);
}

void dfy_put_orientations(DfyBuffer *buffer, const double camera[9], uint64_t first, const DfyOrientation *at,
                          uint64_t count) {
    dfy_put_orientations_head(buffer, camera, first, count);
    for (uint64_t i = 0; i < count; i++)
        for (int part = 0; part < 4; part++) dfy_put_signed_varint(buffer, at[i].part[part] - guess(at, i, part));
}

uint64_t dfy_read_orientations_head(DfyBytes *bytes, double camera[9], uint64_t *first) {
    double read[9] = {0};
    int told = dfy_read_u8(bytes) & 1;
    for (int i = 0; told && i < 9; i++) read[i] = dfy_read_f32be(bytes);
    *first = dfy_read_varint(bytes);
    uint64_t count = dfy_read_varint(bytes);
    for (int i = 0; i < 9; i++)
        if (!isfinite(read[i])) return 0;
    for (int i = 0; told && i < 9; i++) camera[i] = read[i];
    return bytes->overrun || count > DFY_ORIENTATIONS || *first > (uint64_t)1 << 40 ? 0 : count;
}

static int make_room(DfyOrientationList *list, uint64_t count) {
    if (count <= list->capacity) return DFY_OK;
    uint64_t capacity = list->capacity ? list->capacity : DFY_ORIENTATIONS;
    while (capacity < count) capacity *= 2;
    if (capacity > SIZE_MAX / sizeof *list->at) return DFY_ERROR_MEMORY;
    DfyOrientation *at = realloc(list->at, (size_t)capacity * sizeof *at);
    if (!at) return DFY_ERROR_MEMORY;
    list->at = at;
    list->capacity = capacity;
    return DFY_OK;
}

int dfy_read_orientations(DfyBytes *bytes, uint64_t frames, DfyOrientationList *list) {
    const DfyOrientation none = {{0, 0, 0, ONE}};
    DfyOrientation at[DFY_ORIENTATIONS];
    uint64_t first, count = dfy_read_orientations_head(bytes, list->camera, &first), good = 0;
    for (; good < count; good++) {
        int odd = 0;
        for (int part = 0; part < 4; part++) {
            int value = guess(at, good, part) + read_difference(bytes);
            odd |= value < -ONE || value > ONE;
            at[good].part[part] = (int16_t)dfy_clamp(value, -ONE, ONE);
        }
        if (odd || bytes->overrun) break;
    }
    if (first > frames) return DFY_OK;
    if (good > frames - first) good = frames - first;
    if (!good || first < list->count) return DFY_OK;
    if (make_room(list, first + good)) return DFY_ERROR_MEMORY;
    DfyOrientation last = list->count ? list->at[list->count - 1] : none;
    while (list->count < first) list->at[list->count++] = last;
    for (uint64_t i = 0; i < good; i++) list->at[list->count++] = at[i];
    return DFY_OK;
}

void dfy_orientation_list_free(DfyOrientationList *list) {
    free(list->at);
    *list = (DfyOrientationList){0};
}
