#include "splat_pack.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SH_C0 0.28209479177387814f

typedef float Floats __attribute__((vector_size(16)));
typedef int32_t Words __attribute__((vector_size(16)));

void splat_pack_free(SplatPack *pack) {
    free(pack->transforms);
    free(pack->scales);
    free(pack->colours);
    free(pack->usable);
    for (int i = 0; i < SPLAT_PLANES; i++) free(pack->harmonics[i]);
    *pack = (SplatPack){.capacity = 0};
}

int splat_pack_planes(int degree) {
    static const int planes[] = {0, 1, 3, 4, 4};
    return planes[degree];
}

static int make_room(SplatPack *pack, uint32_t count, int planes) {
    int whole = pack->transforms && pack->capacity >= count;
    for (int i = 0; i < planes; i++) whole &= pack->harmonics[i] != NULL;
    if (whole) return DFY_OK;
    uint32_t capacity = count > pack->capacity ? count : pack->capacity;
    size_t texels = (size_t)(capacity ? capacity : 1) * 4;
    splat_pack_free(pack);
    pack->transforms = malloc(texels * sizeof *pack->transforms);
    pack->scales = malloc(texels * sizeof *pack->scales);
    pack->colours = malloc(texels * sizeof *pack->colours);
    pack->usable = malloc(texels / 4);
    whole = pack->transforms && pack->scales && pack->colours && pack->usable;
    for (int i = 0; i < planes; i++)
        whole &= (pack->harmonics[i] = malloc(texels * sizeof *pack->harmonics[i])) != NULL;
    pack->capacity = capacity;
    if (whole) return DFY_OK;
    splat_pack_free(pack);
    return DFY_ERROR_MEMORY;
}

/* ---------------------------------------------------------------- numbers */

static uint32_t float_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The nearest half float; what is too large becomes the largest. */
static uint16_t half_of(float value) {
    uint32_t bits = float_bits(value), sign = bits >> 16 & 0x8000, size = bits & 0x7fffffff;
    if (size >= 0x477ff000) return (uint16_t)(sign | 0x7bff);
    if (size < 0x38800000) /* below 2^-14: steps of 2^-24, which adding 0.5 rounds to */
        return (uint16_t)(sign | (float_bits(float_of(size) + 0.5f) - 0x3f000000));
    return (uint16_t)(sign | ((size - 0x38000000 + 0xfff + (size >> 13 & 1)) >> 13));
}

/* e^x to five digits, between what halves can hold. */
static float exponential(float x) {
    float t = x * 1.44269504f;
    t = t < -30 ? -30 : t > 16 ? 16 : t;
    float whole = floorf(t), part = t - whole;
    float power =
        1 + part * (0.69315308f +
                    part * (0.24015361f + part * (0.05582632f + part * 0.00898934f + part * part * 0.00187758f)));
    return power * float_of((uint32_t)((int)whole + 127) << 23);
}

static int is_finite(float value) {
    return (float_bits(value) & 0x7f800000) != 0x7f800000;
}

/* ---------------------------------------------------------------- splats */

static void pack_turn(uint32_t *transform, uint16_t *scale, const float *q) {
    float length = sqrtf(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3]);
    float s = length > 1e-30f ? (q[0] < 0 ? -1 : 1) / length : 0;
    transform[3] = half_of(q[1] * s) | (uint32_t)half_of(q[2] * s) << 16;
    scale[3] = half_of(q[3] * s);
}

/* Whether all of a splat's numbers but those of harmonics can be used. */
static int is_usable(const DfySplats *splats, size_t i) {
    float sum = 0;
    for (size_t k = 0; k < 3; k++)
        sum += splats->xyz[i * 3 + k] * 0 + splats->scale[i * 3 + k] * 0 + splats->dc[i * 3 + k] * 0;
    for (size_t k = 0; k < 4; k++) sum += splats->rotation[i * 4 + k] * 0;
    float opacity = splats->opacity[i];
    return is_finite(sum) && opacity <= opacity;
}

static int has_usable_harmonics(const DfySplats *splats, size_t i, size_t rest) {
    float sum = 0;
    for (size_t k = 0; k < rest; k++) sum += splats->rest[i * rest + k] * 0;
    return is_finite(sum);
}

enum {
    PLACED = 1 << DFY_SPLAT_POSITION,
    SCALED = 1 << DFY_SPLAT_SCALE,
    FADED = 1 << DFY_SPLAT_ALPHA,
    COLOURED = 1 << DFY_SPLAT_DC,
    TURNED = 1 << DFY_SPLAT_ROTATION,
    HARMONICS = 1 << DFY_SPLAT_SH,
    EVERYTHING = (1 << DFY_SPLAT_ATTRIBUTES) - 1
};

static void pack_plain(SplatPack *pack, size_t at, const DfySplats *splats, size_t i, int usable, unsigned what) {
    uint32_t *transform = pack->transforms + at * 4;
    uint16_t *scale = pack->scales + at * 4, *colour = pack->colours + at * 4;
    if (!usable) {
        memset(transform, 0, 4 * sizeof *transform);
        memset(scale, 0, 4 * sizeof *scale);
        memset(colour, 0, 4 * sizeof *colour);
        return;
    }
    if (what & PLACED) memcpy(transform, splats->xyz + i * 3, 3 * sizeof *transform);
    for (size_t k = 0; what & SCALED && k < 3; k++) scale[k] = half_of(exponential(splats->scale[i * 3 + k]));
    for (size_t k = 0; what & COLOURED && k < 3; k++) colour[k] = half_of(0.5f + SH_C0 * splats->dc[i * 3 + k]);
    if (what & TURNED) pack_turn(transform, scale, splats->rotation + i * 4);
    float opacity = splats->opacity[i];
    if (what & FADED) colour[3] = half_of(opacity > 20 ? 1 : 1 / (1 + exponential(-opacity)));
}

enum { MOST = 15 };

/* The larger of two, of which the first is a number. */
static inline float larger(float a, float b) {
    return b > a ? b : a;
}

/* The largest of a channel's coefficients; whole fours by vectors. */
static float largest_of(const float *values, int count) {
    float largest = 0;
    for (int k = 0; k < count; k++) largest = larger(largest, fabsf(values[k]));
    return largest;
}

static Words level_of(const float *values, float factor, int most) {
    Floats v;
    memcpy(&v, values, sizeof v);
    v = (v * factor + 0.5f) * (float)most + 0.5f;
    Words level = __builtin_convertvector(v, Words);
    level = ((level > most) & most) | ((level <= most) & level);
    return level & (level > 0);
}

/* rest: per channel in the model; used: of these, up to MOST. */
static void pack_harmonics(SplatPack *pack, size_t at, const float *values, int rest, int used, int usable) {
    uint32_t words[16] = {0};
    float padded[3][MOST + 1] = {{0}};
    for (int c = 0; c < 3; c++) memcpy(padded[c], values + c * rest, (size_t)used * sizeof(float));
    float largest =
        larger(larger(largest_of(padded[0], used), largest_of(padded[1], used)), largest_of(padded[2], used));
    if (!usable || !(largest > 1e-30f)) largest = 0;
    float factor = largest > 0 ? 0.5f / largest : 0;
    words[0] = float_bits(largest);
    for (int k = 0; largest > 0 && k < used; k += 4) {
        Words word = level_of(padded[0] + k, factor, 2047) << 21 | level_of(padded[1] + k, factor, 1023) << 11 |
                     level_of(padded[2] + k, factor, 2047);
        int fit = used - k < 4 ? used - k : 4;
        memcpy(words + 1 + k, &word, (size_t)fit * sizeof *words);
    }
    for (int plane = 0; plane < (used + 4) / 4; plane++)
        memcpy(pack->harmonics[plane] + at * 4, words + plane * 4, 4 * sizeof *words);
}

/* What of the last model's pack does not stand any more. */
static unsigned changed_of(const SplatPack *pack, const DfySplats *splats, const uint32_t *list, unsigned attributes) {
    int stays = !list && pack->whole == splats->count && pack->degree == splats->degree;
    return stays ? attributes : EVERYTHING;
}

int splat_pack(SplatPack *pack, const DfySplats *splats, const uint32_t *list, uint32_t count, unsigned attributes) {
    int rest = dfy_splat_rest(splats->degree), used = rest < MOST ? rest : MOST;
    if (make_room(pack, count, splat_pack_planes(splats->degree))) return DFY_ERROR_MEMORY;
    unsigned changed = changed_of(pack, splats, list, attributes);
    for (size_t at = 0; at < count; at++) {
        size_t i = list ? list[at] : at;
        unsigned what = changed, had = pack->usable[at];
        int harmonics = what & HARMONICS ? has_usable_harmonics(splats, i, (size_t)rest * 3) : (int)(had & 1);
        int usable = harmonics && is_usable(splats, i);
        if (usable != (int)(had >> 1)) what = EVERYTHING;
        pack_plain(pack, at, splats, i, usable, what);
        if (used && what & HARMONICS) pack_harmonics(pack, at, splats->rest + i * (size_t)rest * 3, rest, used, usable);
        pack->usable[at] = (uint8_t)(harmonics | usable << 1);
    }
    pack->whole = list ? 0 : splats->count;
    pack->degree = splats->degree;
    return DFY_OK;
}
