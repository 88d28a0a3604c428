#include "splat/patches.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "container/v2.h"
#include "splat/formats/files.h"

#include "splat/model/forms.h"

enum { ALL = (1 << (DFY_SPLAT_NUDGE + 1)) - 1, NUDGE = 1 << DFY_SPLAT_NUDGE, NUDGES = 3 };

void dfy_patches_free(DfySplatPatches *p) {
    free(p->splats);
    free(p->attributes);
    free(p->values);
    *p = (DfySplatPatches){0};
}

void dfy_patches_clear(DfySplatPatches *p, size_t rest) {
    p->count = 0;
    p->value_count = 0;
    p->rest = rest;
    p->failed = 0;
}

int dfy_patches_copy(DfySplatPatches *out, const DfySplatPatches *in) {
    DfySplatPatches copy = {.count = in->count, .capacity = in->count, .value_count = in->value_count};
    copy.value_capacity = in->value_count;
    copy.rest = in->rest;
    copy.unit = in->unit;
    copy.splats = malloc((size_t)in->count * sizeof *copy.splats + 1);
    copy.attributes = malloc((size_t)in->count + 1);
    copy.values = malloc(in->value_count * sizeof *copy.values + 1);
    if (!copy.splats || !copy.attributes || !copy.values) {
        dfy_patches_free(&copy);
        return DFY_ERROR_MEMORY;
    }
    if (in->count) memcpy(copy.splats, in->splats, in->count * sizeof *copy.splats);
    if (in->count) memcpy(copy.attributes, in->attributes, in->count);
    if (in->value_count) memcpy(copy.values, in->values, in->value_count * sizeof *copy.values);
    dfy_patches_free(out);
    *out = copy;
    return DFY_OK;
}

/* How many numbers an attribute has. */
static size_t size_of(int attribute, size_t rest) {
    static const size_t sizes[DFY_SPLAT_SH] = {3, 3, 1, 3, 4};
    return attribute == DFY_SPLAT_SH ? rest : sizes[attribute];
}

/* Where an attribute of splat i stands, and how many numbers it has. */
static float *part_of(const DfySplats *s, size_t i, int attribute, size_t rest, size_t *size) {
    float *const arrays[DFY_SPLAT_ATTRIBUTES] = {s->xyz, s->scale, s->opacity, s->dc, s->rotation, s->rest};
    *size = size_of(attribute, rest);
    return *size ? arrays[attribute] + i * *size : NULL;
}

static size_t values_of(unsigned attributes, size_t rest) {
    size_t sum = 0;
    for (int a = 0; a < DFY_SPLAT_ATTRIBUTES; a++)
        if (attributes >> a & 1) sum += size_of(a, rest);
    return sum + (attributes & NUDGE ? NUDGES : 0);
}

/* Room for one more patch with so many values. */
static int reserve(DfySplatPatches *p, size_t values) {
    if (p->count == p->capacity) {
        uint32_t capacity = p->capacity ? p->capacity * 2 : 64;
        uint32_t *splats = realloc(p->splats, capacity * sizeof *splats);
        if (splats) p->splats = splats;
        uint8_t *attributes = realloc(p->attributes, capacity);
        if (attributes) p->attributes = attributes;
        if (!splats || !attributes) return 0;
        p->capacity = capacity;
    }
    if (!p->values || p->value_count + values > p->value_capacity) {
        size_t capacity = (p->value_count + values) * 2 + 64;
        float *grown = realloc(p->values, capacity * sizeof *grown);
        if (!grown) return 0;
        p->values = grown;
        p->value_capacity = capacity;
    }
    return 1;
}

/* The values of a new patch, to be filled in; NULL without memory. */
static float *append(DfySplatPatches *p, uint32_t splat, unsigned attributes) {
    size_t size = values_of(attributes, p->rest);
    if (!reserve(p, size)) {
        p->failed = 1;
        return NULL;
    }
    float *values = p->values + p->value_count;
    p->splats[p->count] = splat;
    p->attributes[p->count++] = (uint8_t)attributes;
    p->value_count += size;
    return values;
}

void dfy_patches_add(DfySplatPatches *p, uint32_t splat, unsigned attributes, const DfySplats *model, size_t i) {
    float *values = append(p, splat, attributes);
    for (int a = 0; values && a < DFY_SPLAT_ATTRIBUTES; a++) {
        size_t size;
        if (!(attributes >> a & 1)) continue;
        const float *part = part_of(model, i, a, p->rest, &size);
        if (size) memcpy(values, part, size * sizeof *values);
        values += size;
    }
}

/* ---------------------------------------------------------------- finding */

static int far_apart(const float *a, const float *b, size_t count, double most) {
    int off = 0;
    for (size_t k = 0; k < count; k++) off |= !(fabs((double)a[k] - b[k]) <= most);
    return off;
}

static int distant(const float a[3], const float b[3], double most) {
    double sum = 0;
    for (int k = 0; k < 3; k++) sum += ((double)a[k] - b[k]) * ((double)a[k] - b[k]);
    return !(sum <= most * most);
}

/* Attributes of splat i of `got` that are too far from those of splat j of `wanted`. */
static unsigned off_by_more(const DfySplats *wanted, size_t j, const DfySplats *got, size_t i, const double *most) {
    size_t rest = (size_t)dfy_splat_rest(wanted->degree) * 3;
    unsigned off = 0;
    if (most[DFY_SPLAT_POSITION] > 0 && distant(wanted->xyz + j * 3, got->xyz + i * 3, most[DFY_SPLAT_POSITION]))
        off |= 1u << DFY_SPLAT_POSITION;
    if (most[DFY_SPLAT_SCALE] > 0 && far_apart(wanted->scale + j * 3, got->scale + i * 3, 3, most[DFY_SPLAT_SCALE]))
        off |= 1u << DFY_SPLAT_SCALE;
    if (most[DFY_SPLAT_ALPHA] > 0 &&
        !(fabs(dfy_sigmoid(wanted->opacity[j]) - dfy_sigmoid(got->opacity[i])) <= most[DFY_SPLAT_ALPHA]))
        off |= 1u << DFY_SPLAT_ALPHA;
    if (most[DFY_SPLAT_DC] > 0 && far_apart(wanted->dc + j * 3, got->dc + i * 3, 3, most[DFY_SPLAT_DC]))
        off |= 1u << DFY_SPLAT_DC;
    if (most[DFY_SPLAT_ROTATION] > 0 &&
        !(dfy_angle_between(wanted->rotation + j * 4, got->rotation + i * 4) <= most[DFY_SPLAT_ROTATION]))
        off |= 1u << DFY_SPLAT_ROTATION;
    if (rest && most[DFY_SPLAT_SH] > 0 &&
        far_apart(wanted->rest + j * rest, got->rest + i * rest, rest, most[DFY_SPLAT_SH]))
        off |= 1u << DFY_SPLAT_SH;
    return off;
}

/* The patch of a splat, or count. */
static uint32_t find_splat(const DfySplatPatches *p, uint32_t splat) {
    uint32_t low = 0, high = p->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (p->splats[middle] < splat)
            low = middle + 1;
        else
            high = middle;
    }
    return low < p->count && p->splats[low] == splat ? low : p->count;
}

/* Where each patch's values begin; the caller frees it. */
static size_t *starts_of(const DfySplatPatches *p) {
    size_t *starts = malloc(((size_t)p->count + 1) * sizeof *starts), at = 0;
    for (uint32_t i = 0; starts && i < p->count; i++) {
        starts[i] = at;
        at += values_of(p->attributes[i], p->rest);
    }
    return starts;
}

/* Where a position is put by a nudge. */
static float nudged(float from, float steps, float unit) {
    return (float)((double)from + (double)steps * unit);
}

/* The nudge that brings a position near enough; 0 when none does. */
static int find_nudge(float steps[NUDGES], const float wanted[3], const float got[3], double most, float unit) {
    float there[3];
    for (int k = 0; k < 3; k++) {
        steps[k] = (float)rint(((double)wanted[k] - got[k]) / unit);
        if (!(fabsf(steps[k]) <= DFY_SPLAT_NUDGE_MOST)) return 0;
        there[k] = nudged(got[k], steps[k], unit);
    }
    return !distant(wanted, there, most);
}

/* A patch of what is odd, and of what is too far off in the model. */
static void add_both(DfySplatPatches *p, uint32_t splat, unsigned off, const DfySplats *wanted, size_t j, unsigned odd,
                     const float *odd_values, const float *nudge) {
    float *values = append(p, splat, off | odd | (nudge ? NUDGE : 0u));
    for (int a = 0; values && a < DFY_SPLAT_ATTRIBUTES; a++) {
        size_t size;
        const float *part = part_of(wanted, j, a, p->rest, &size);
        int is_odd = odd >> a & 1;
        if (!size || !((off | odd) >> a & 1)) continue;
        memcpy(values, is_odd ? odd_values : part, size * sizeof *values);
        values += size;
        if (is_odd) odd_values += size;
    }
    if (values && nudge) memcpy(values, nudge, NUDGES * sizeof *values);
}

int dfy_patches_find(DfySplatPatches *p, const DfySplats *wanted, const DfySplatPatches *odd, const DfySplats *decoded,
                     const uint32_t *order, const double most[DFY_SPLAT_ATTRIBUTES], float unit) {
    size_t *starts = odd->count ? starts_of(odd) : NULL;
    int any = 0;
    dfy_patches_clear(p, (size_t)dfy_splat_rest(wanted->degree) * 3);
    p->unit = unit;
    if (odd->count && !starts) return DFY_ERROR_MEMORY;
    for (int a = 0; a < DFY_SPLAT_ATTRIBUTES; a++) any |= most[a] > 0;
    for (uint32_t i = 0; (any || odd->count) && i < decoded->count; i++) {
        uint32_t j = order ? order[i] : i, at = odd->count ? find_splat(odd, j) : 0;
        unsigned is_odd = at < odd->count ? odd->attributes[at] : 0;
        unsigned off = any ? off_by_more(wanted, j, decoded, i, most) & ~is_odd : 0;
        float nudge[NUDGES];
        int is_nudge = off & 1u << DFY_SPLAT_POSITION && unit > 0 &&
                       find_nudge(nudge, wanted->xyz + (size_t)j * 3, decoded->xyz + (size_t)i * 3,
                                  most[DFY_SPLAT_POSITION], unit);
        if (is_nudge) off &= ~(1u << DFY_SPLAT_POSITION);
        if (off | is_odd || is_nudge)
            add_both(p, i, off, wanted, j, is_odd, is_odd ? odd->values + starts[at] : NULL, is_nudge ? nudge : NULL);
    }
    free(starts);
    return p->failed ? DFY_ERROR_MEMORY : DFY_OK;
}

/* ---------------------------------------------------------------- in a frame */

/* Whether patch i of a and j of b are the same. */
static int same(const DfySplatPatches *a, uint32_t i, const float *av, const DfySplatPatches *b, uint32_t j,
                const float *bv) {
    return a->splats[i] == b->splats[j] && a->attributes[i] == b->attributes[j] &&
           !memcmp(av, bv, values_of(a->attributes[i], a->rest) * sizeof *av);
}

/* The values that are floats, and those that are nudges, in one go over the patches. */
typedef void (*EachValue)(void *opaque, float *value);

static void each_value(const DfySplatPatches *p, int nudges, EachValue call, void *opaque) {
    float *values = p->values;
    for (uint32_t i = 0; i < p->count; i++) {
        size_t all = values_of(p->attributes[i], p->rest), last = p->attributes[i] & NUDGE ? NUDGES : 0;
        for (size_t k = nudges ? all - last : 0; k < (nudges ? all : all - last); k++) call(opaque, values + k);
        values += all;
    }
}

typedef struct Plane {
    DfyBuffer *buffer;
    int shift;
} Plane;

static void put_part(void *opaque, float *value) {
    const Plane *plane = opaque;
    uint32_t bits;
    memcpy(&bits, value, sizeof bits);
    dfy_put_u8(plane->buffer, bits >> plane->shift & 255);
}

static void put_nudge(void *opaque, float *value) {
    dfy_put_u8(((const Plane *)opaque)->buffer, (unsigned)(int)*value & 255);
}

/* Nudges, then floats, the highest bytes of all first, so that like stands by like. */
static void put_values(DfyBuffer *buffer, const DfySplatPatches *p) {
    Plane plane = {buffer, 0};
    each_value(p, 1, put_nudge, &plane);
    for (plane.shift = 24; plane.shift >= 0; plane.shift -= 8) each_value(p, 0, put_part, &plane);
}

static void take_part(void *opaque, float *value) {
    Plane *plane = opaque;
    uint32_t bits;
    memcpy(&bits, value, sizeof bits);
    bits |= (uint32_t)*plane->buffer->data++ << plane->shift;
    memcpy(value, &bits, sizeof bits);
}

static void take_nudge(void *opaque, float *value) {
    *value = (float)(int8_t) * ((Plane *)opaque)->buffer->data++;
}

static void put_list(DfyBuffer *buffer, const DfySplatPatches *dropped, const DfySplatPatches *added) {
    uint32_t before = 0;
    dfy_put_varint(buffer, dropped->count);
    for (uint32_t i = 0; i < dropped->count; before = dropped->splats[i++] + 1)
        dfy_put_varint(buffer, dropped->splats[i] - before);
    before = 0;
    dfy_put_varint(buffer, added->count);
    for (uint32_t i = 0; i < added->count; before = added->splats[i++] + 1)
        dfy_put_varint(buffer, added->splats[i] - before);
    dfy_put_bytes(buffer, added->attributes, added->count);
    put_values(buffer, added);
}

/* Splits what changed from last to now; dropped has numbers in last's list for splats. */
static void compare_lists(const DfySplatPatches *now, const DfySplatPatches *last, DfySplatPatches *dropped,
                          DfySplatPatches *added) {
    const float *nv = now->values, *lv = last->values;
    uint32_t i = 0, j = 0;
    while (i < now->count || j < last->count) {
        int take_now = i < now->count && (j == last->count || now->splats[i] <= last->splats[j]);
        int take_last = j < last->count && (i == now->count || last->splats[j] <= now->splats[i]);
        size_t n = take_now ? values_of(now->attributes[i], now->rest) : 0;
        size_t l = take_last ? values_of(last->attributes[j], last->rest) : 0;
        int equal = take_now && take_last && same(now, i, nv, last, j, lv);
        if (take_last && !equal) append(dropped, j, 0);
        float *values = take_now && !equal ? append(added, now->splats[i], now->attributes[i]) : NULL;
        if (values && n) memcpy(values, nv, n * sizeof *values);
        if (take_now) nv += n;
        if (take_last) lv += l;
        i += (uint32_t)take_now;
        j += (uint32_t)take_last;
    }
}

void dfy_patches_write(const DfySplatPatches *p, const DfySplatPatches *last, DfyBuffer *buffer) {
    DfySplatPatches dropped = {0}, added = {.rest = p->rest};
    DfyBuffer raw = {0};
    compare_lists(p, last, &dropped, &added);
    put_list(&raw, &dropped, &added);
    uLongf size = compressBound((uLong)raw.size);
    int degree = 0;
    while ((size_t)dfy_splat_rest(degree) * 3 < p->rest) degree++;
    dfy_put_u8(buffer, (unsigned)degree);
    dfy_put_f32be(buffer, p->unit);
    dfy_put_varint(buffer, raw.size);
    uint8_t *room = raw.failed || dropped.failed || added.failed ? NULL : dfy_buffer_reserve(buffer, size);
    if (room && compress2(room, &size, raw.data, (uLong)raw.size, 9) == Z_OK)
        buffer->size += size;
    else
        buffer->failed = 1;
    dfy_buffer_free(&raw);
    dfy_patches_free(&dropped);
    dfy_patches_free(&added);
}

/* count numbers below `limit`, each larger than the one before. */
static int read_numbers(DfyBytes *bytes, uint32_t *numbers, uint64_t count, uint64_t limit) {
    uint64_t at = 0;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t gap = dfy_read_varint(bytes);
        if (bytes->overrun || gap >= limit || (at += gap) >= limit) return 0;
        numbers[i] = (uint32_t)at++;
    }
    return 1;
}

/* All values of patches that have room for them. */
static int read_values(DfySplatPatches *added, DfyBytes *bytes) {
    size_t nudges = 0;
    for (uint32_t i = 0; i < added->count; i++) nudges += added->attributes[i] & NUDGE ? NUDGES : 0;
    size_t size = nudges + (added->value_count - nudges) * 4;
    const uint8_t *values = dfy_read_span(bytes, size);
    if (!values && size) return DFY_ERROR_DAMAGED;
    DfyBuffer from = {.data = (uint8_t *)(uintptr_t)values};
    Plane plane = {&from, 0};
    for (size_t i = 0; i < added->value_count; i++) added->values[i] = 0;
    each_value(added, 1, take_nudge, &plane);
    for (plane.shift = 24; plane.shift >= 0; plane.shift -= 8) each_value(added, 0, take_part, &plane);
    return DFY_OK;
}

static int read_added(DfySplatPatches *added, DfyBytes *bytes, uint32_t splats) {
    uint64_t count = dfy_read_varint(bytes);
    if (bytes->overrun || count > splats || count > dfy_bytes_left(bytes)) return DFY_ERROR_DAMAGED;
    uint32_t *numbers = malloc((size_t)(count ? count : 1) * sizeof *numbers);
    if (!numbers) return DFY_ERROR_MEMORY;
    const uint8_t *attributes =
        read_numbers(bytes, numbers, count, splats) ? dfy_read_span(bytes, (size_t)count) : NULL;
    int status = attributes || !count ? DFY_OK : DFY_ERROR_DAMAGED;
    for (uint64_t i = 0; !status && i < count; i++) {
        int moved_twice = attributes[i] & NUDGE && attributes[i] & 1u << DFY_SPLAT_POSITION;
        if (!attributes[i] || attributes[i] > ALL || moved_twice) status = DFY_ERROR_DAMAGED;
        if (!status) append(added, numbers[i], attributes[i]);
    }
    if (added->failed) status = DFY_ERROR_MEMORY;
    free(numbers);
    return status ? status : read_values(added, bytes);
}

/* The last list without what was dropped, and what was added, by splat. */
static int merge(DfySplatPatches *out, const DfySplatPatches *last, const uint32_t *dropped, uint64_t dropped_count,
                 const DfySplatPatches *added, uint32_t splats) {
    const float *lv = last->values, *av = added->values;
    uint64_t d = 0;
    for (uint32_t i = 0, j = 0; i < added->count || j < last->count;) {
        int from_last = j < last->count && (i == added->count || last->splats[j] < added->splats[i]);
        int gone = j < last->count && d < dropped_count && dropped[d] == j;
        if (gone) {
            lv += values_of(last->attributes[j++], last->rest);
            d++;
            continue;
        }
        const DfySplatPatches *from = from_last ? last : added;
        uint32_t at = from_last ? j++ : i++;
        size_t n = values_of(from->attributes[at], from->rest);
        if (from->splats[at] >= splats || (out->count && from->splats[at] <= out->splats[out->count - 1]))
            return DFY_ERROR_DAMAGED;
        float *values = append(out, from->splats[at], from->attributes[at]);
        if (!values) return DFY_ERROR_MEMORY;
        if (n) memcpy(values, from_last ? lv : av, n * sizeof *values);
        *(from_last ? &lv : &av) += n;
    }
    return DFY_OK;
}

static int read_list(DfySplatPatches *p, const DfySplatPatches *last, DfyBytes *bytes, uint32_t splats) {
    DfySplatPatches added = {.rest = p->rest};
    uint64_t dropped_count = dfy_read_varint(bytes);
    if (bytes->overrun || dropped_count > last->count) return DFY_ERROR_DAMAGED;
    uint32_t *dropped = malloc((size_t)(dropped_count ? dropped_count : 1) * sizeof *dropped);
    int status = dropped ? DFY_OK : DFY_ERROR_MEMORY;
    if (!status && !read_numbers(bytes, dropped, dropped_count, last->count)) status = DFY_ERROR_DAMAGED;
    if (!status) status = read_added(&added, bytes, splats);
    if (!status) status = merge(p, last, dropped, dropped_count, &added, splats);
    free(dropped);
    dfy_patches_free(&added);
    return status;
}

int dfy_patches_read(DfySplatPatches *p, const DfySplatPatches *last, const uint8_t *data, size_t size_bytes,
                     uint32_t splats) {
    DfyBytes bytes = dfy_bytes(data, size_bytes);
    int degree = dfy_read_u8(&bytes);
    if (degree > DFY_SPLAT_MAX_DEGREE) return DFY_ERROR_DAMAGED;
    dfy_patches_clear(p, (size_t)dfy_splat_rest(degree) * 3);
    p->unit = dfy_read_f32be(&bytes);
    if (!(p->unit >= 0 && p->unit < 1e9f)) return DFY_ERROR_DAMAGED;
    if (last->count && last->rest != p->rest) return DFY_ERROR_DAMAGED;
    uint64_t raw_size = dfy_read_varint(&bytes), left = dfy_bytes_left(&bytes);
    /* zlib makes at most 1032 bytes of one, and a patch has so many bytes at most. */
    if (bytes.overrun || raw_size > left * 1032 ||
        raw_size > ((uint64_t)splats + last->count + 2) * (20 + p->rest * 4 + 56))
        return DFY_ERROR_DAMAGED;
    uint8_t *raw = malloc((size_t)raw_size + 1);
    if (!raw) return DFY_ERROR_MEMORY;
    uLongf size = (uLongf)raw_size;
    int status = uncompress(raw, &size, data + bytes.position, (uLong)left) == Z_OK && size == raw_size
                     ? DFY_OK
                     : DFY_ERROR_DAMAGED;
    bytes = dfy_bytes(raw, (size_t)raw_size);
    if (!status) status = read_list(p, last, &bytes, splats);
    free(raw);
    return status;
}

unsigned dfy_patches_attributes(const DfySplatPatches *p) {
    unsigned any = 0;
    for (uint32_t i = 0; i < p->count; i++) any |= p->attributes[i];
    return any & NUDGE ? (any & (NUDGE - 1u)) | 1u << DFY_SPLAT_POSITION : any;
}

void dfy_patches_apply(const DfySplatPatches *p, DfySplats *model, const uint32_t *to, DfySplatPatches *undo) {
    const float *values = p->values;
    if (undo) dfy_patches_clear(undo, p->rest);
    for (uint32_t i = 0; i < p->count; i++) {
        size_t at = to ? to[p->splats[i]] : p->splats[i];
        unsigned touched = p->attributes[i] & (NUDGE - 1u);
        if (p->attributes[i] & NUDGE) touched |= 1u << DFY_SPLAT_POSITION;
        if (undo) dfy_patches_add(undo, (uint32_t)at, touched, model, at);
        for (int a = 0; a < DFY_SPLAT_ATTRIBUTES; a++) {
            size_t size;
            if (!(p->attributes[i] >> a & 1)) continue;
            float *part = part_of(model, at, a, p->rest, &size);
            if (size) memcpy(part, values, size * sizeof *part);
            values += size;
        }
        for (size_t k = 0; p->attributes[i] & NUDGE && k < NUDGES; k++, values++)
            model->xyz[at * 3 + k] = nudged(model->xyz[at * 3 + k], *values, p->unit);
    }
}
