/* Included by rows.c and rows_avx2.c, which name the table. Loops over short arrays, so that compilers take them apart.
 */
#include "scene/rows.h"

#include <math.h>
#ifdef __AVX2__
#include <immintrin.h>
#endif

enum { SPAN = 64 };

typedef struct Span {
    float along[SPAN], across[SPAN], distance[SPAN], value[SPAN];
} Span;

/* Places of the pixels along (u) and across (v) the shape. */
static void place(const Prepared *p, const Row *row, int from, int count, float *restrict u, float *restrict v) {
    const Shape *s = p->shape;
    float unit = 1 / row->scale, dy = row->py - s->y;
    for (int i = 0; i < count; i++) {
        float dx = ((float)(row->left + from + i) + 0.5f - row->offset_x) * unit - s->x;
        u[i] = dx * p->axis_x + dy * p->axis_y;
        v[i] = dy * p->axis_x - dx * p->axis_y;
    }
}

static void box_distance(const Shape *s, Span *span, int count) {
    float *restrict along = span->along, *restrict across = span->across, *restrict distance = span->distance;
    for (int i = 0; i < count; i++) {
        float v = across[i];
        float qx = fabsf(along[i]) - s->half_x + s->radius, qy = fabsf(v) - s->half_y + s->radius;
        float ox = qx > 0 ? qx : 0, oy = qy > 0 ? qy : 0;
        float nx = qx < 0 ? qx : 0, ny = qy < 0 ? qy : 0;
        across[i] = v / s->half_y;
        distance[i] = sqrtf(ox * ox + oy * oy) + (qx > qy ? nx : ny) - s->radius;
    }
}

static void capsule_distance(const Prepared *p, Span *span, int count) {
    const Shape *s = p->shape;
    float *restrict along = span->along, *restrict across = span->across, *restrict distance = span->distance;
    float *restrict part = span->value; /* of the way along, 0..1 */
    float length = p->length > 0 ? p->length : 1, grows = s->radius2 - s->radius;
    for (int i = 0; i < count; i++) part[i] = p->length > 0 ? along[i] / length : 0;
    for (int i = 0; i < count; i++) part[i] = part[i] < 0 ? 0 : part[i];
    for (int i = 0; i < count; i++) part[i] = part[i] > 1 ? 1 : part[i];
    for (int i = 0; i < count; i++) {
        float v = across[i], radius = s->radius + grows * part[i], off = along[i] - part[i] * p->length;
        across[i] = v / radius;
        distance[i] = sqrtf(off * off + v * v) - radius;
    }
}

static void measure(const Prepared *p, const Row *row, int from, int count, Span *span) {
    place(p, row, from, count, span->along, span->across);
    if (p->shape->kind == SHAPE_BOX)
        box_distance(p->shape, span, count);
    else
        capsule_distance(p, span, count);
}

static inline int floor_of(float value) {
    int whole = (int)value;
    return whole - (value < (float)whole);
}

/* texture_noise of a place, added to the sum with its strength. */
static inline void add_noise(float x, float y, float strength, float *sum) {
    const float *lattice = &texture_lattice[0][0];
    int cell_x = floor_of(x), cell_y = floor_of(y);
    float ax = x - (float)cell_x, ay = y - (float)cell_y;
    int ix = cell_x & 255, jx = ix + 1;
    int iy = (cell_y & 255) * LATTICE_STRIDE, jy = ((cell_y + 1) & 255) * LATTICE_STRIDE;
    ax = ax * ax * (3 - 2 * ax);
    ay = ay * ay * (3 - 2 * ay);
    float a = lattice[iy + ix], b = lattice[iy + jx], c = lattice[jy + ix], d = lattice[jy + jx];
    float top = a + (b - a) * ax, bottom = c + (d - c) * ax;
    *sum += strength * (top + (bottom - top) * ay);
}

#ifdef __AVX2__
static inline __m256 smooth(__m256 a) {
    __m256 rest = _mm256_sub_ps(_mm256_set1_ps(3), _mm256_mul_ps(_mm256_set1_ps(2), a));
    return _mm256_mul_ps(_mm256_mul_ps(a, a), rest);
}

static inline __m256 between_ps(__m256 a, __m256 b, __m256 x) {
    return _mm256_add_ps(a, _mm256_mul_ps(_mm256_sub_ps(b, a), x));
}

/* The numbers at eight places of the lattice, and those to the right of them: gathered in pairs. */
static inline void gather_pairs(const float *lattice, __m256i place, __m256 *left, __m256 *right) {
    place = _mm256_permutevar8x32_epi32(place, _mm256_setr_epi32(0, 1, 4, 5, 2, 3, 6, 7));
    const double *pairs = (const double *)(const void *)lattice;
    __m256 p = _mm256_castpd_ps(_mm256_i32gather_pd(pairs, _mm256_castsi256_si128(place), 4));
    __m256 q = _mm256_castpd_ps(_mm256_i32gather_pd(pairs, _mm256_extracti128_si256(place, 1), 4));
    *left = _mm256_shuffle_ps(p, q, 0x88);
    *right = _mm256_shuffle_ps(p, q, 0xdd);
}

/*
 * Eight places at once. Neighbours mostly lie in one cell of the lattice: then its corners are four numbers, else they
 * are gathered, which takes longer than all the rest.
 */
static inline void add_noise_8(const float *px, const float *py, float strength, float *sum) {
    const float *lattice = &texture_lattice[0][0];
    const __m256i mask = _mm256_set1_epi32(255), one = _mm256_set1_epi32(1), stride = _mm256_set1_epi32(LATTICE_STRIDE);
    __m256 x = _mm256_loadu_ps(px), y = _mm256_loadu_ps(py), fx = _mm256_floor_ps(x), fy = _mm256_floor_ps(y);
    __m256i ix = _mm256_and_si256(_mm256_cvttps_epi32(fx), mask), iy = _mm256_and_si256(_mm256_cvttps_epi32(fy), mask);
    __m256i jy = _mm256_and_si256(_mm256_add_epi32(iy, one), mask);
    __m256i upper = _mm256_add_epi32(_mm256_mullo_epi32(iy, stride), ix);
    __m256i lower = _mm256_add_epi32(_mm256_mullo_epi32(jy, stride), ix);
    __m256i same = _mm256_cmpeq_epi32(upper, _mm256_broadcastd_epi32(_mm256_castsi256_si128(upper)));
    __m256 a, b, c, d;
    if (_mm256_movemask_epi8(same) == -1) {
        const float *above = lattice + _mm256_extract_epi32(upper, 0),
                    *below = lattice + _mm256_extract_epi32(lower, 0);
        a = _mm256_set1_ps(above[0]), b = _mm256_set1_ps(above[1]);
        c = _mm256_set1_ps(below[0]), d = _mm256_set1_ps(below[1]);
    } else {
        gather_pairs(lattice, upper, &a, &b);
        gather_pairs(lattice, lower, &c, &d);
    }
    __m256 ax = smooth(_mm256_sub_ps(x, fx)), ay = smooth(_mm256_sub_ps(y, fy));
    __m256 value = between_ps(between_ps(a, b, ax), between_ps(c, d, ax), ay);
    _mm256_storeu_ps(sum, _mm256_add_ps(_mm256_loadu_ps(sum), _mm256_mul_ps(_mm256_set1_ps(strength), value)));
}
#endif

static void noise_span(const float *x, const float *y, float strength, float *sum, int count) {
    int i = 0;
#ifdef __AVX2__
    for (; i + 8 <= count; i += 8) add_noise_8(x + i, y + i, strength, sum + i);
#endif
    for (; i < count; i++) add_noise(x[i], y[i], strength, sum + i);
}

/* Two octaves of texture that moves with the shape. */
static void add_grain(const Material *m, Span *span, int count) {
    float x[SPAN], y[SPAN], sum[SPAN];
    for (int i = 0; i < count; i++) {
        x[i] = (span->along[i] + m->slide) / m->grain_size + 40;
        y[i] = span->across[i] * 3 + 40;
        sum[i] = 0;
    }
    noise_span(x, y, 0.6f, sum, count);
    for (int i = 0; i < count; i++) {
        x[i] = 2 * x[i] + 17.3f;
        y[i] = 2 * y[i] + 5.7f;
    }
    noise_span(x, y, 0.6f * 0.55f, sum, count);
    for (int i = 0; i < count; i++) span->value[i] += m->grain * sum[i];
}

static void add_stripes(const Material *m, Span *span, int count) {
    for (int i = 0; i < count; i++) {
        float at = (span->along[i] + m->slide + 6 * span->across[i]) / m->stripe_width;
        float dark = span->value[i] * 0.45f;
        span->value[i] = at - 2 * (float)floor_of(at / 2) > 1 ? dark : span->value[i];
    }
}

/* The material's luma at every pixel of the span. */
static void shade(const Material *m, Span *span, int count) {
    for (int i = 0; i < count; i++) span->value[i] = m->luma;
    if (m->grain > 0) add_grain(m, span, count);
    if (m->stripe_width > 0) add_stripes(m, span, count);
    float glance = 0.35f * m->round, edge = 1 - m->edge;
    for (int i = 0; i < count; i++) {
        float across = span->across[i], shine = across < -0.2f ? glance : 0;
        shine = across > -0.55f ? shine : 0;
        float light = 1 - m->round * across * across + shine;
        float rim = span->distance[i] > -1.6f ? edge : 1;
        span->value[i] *= light * rim;
    }
}

static void shape_row(const Prepared *p, const Row *row, float *restrict luma, float *restrict blue,
                      float *restrict red, float *restrict cover) {
    const Material *m = &p->shape->material;
    Span span;
    for (int from = 0; from < row->count; from += SPAN) {
        int count = row->count - from < SPAN ? row->count - from : SPAN;
        measure(p, row, from, count, &span);
        shade(m, &span, count);
        for (int i = 0; i < count; i++) {
            float own = 0.5f - span.distance[i] * row->scale;
            own = own > 0 ? own : 0;
            own = own > 1 ? 1 : own;
            float rest = 1 - own;
            luma[from + i] = luma[from + i] * rest + span.value[i] * own;
            blue[from + i] = blue[from + i] * rest + m->blue * own;
            red[from + i] = red[from + i] * rest + m->red * own;
            cover[from + i] = cover[from + i] * rest + own;
        }
    }
}

static void shadow_row(const Prepared *p, const Row *row, float *restrict cover, float softness, float darkness) {
    Span span;
    for (int from = 0; from < row->count; from += SPAN) {
        int count = row->count - from < SPAN ? row->count - from : SPAN;
        measure(p, row, from, count, &span);
        for (int i = 0; i < count; i++) {
            float t = 0.5f - span.distance[i] / (2 * softness);
            t = t > 0 ? t : 0;
            t = t > 1 ? 1 : t;
            float dark = darkness * t * t * (3 - 2 * t);
            cover[from + i] = dark > cover[from + i] ? dark : cover[from + i];
        }
    }
}

static void accumulate_row(float *restrict to, const float *restrict from, float weight, int count) {
    for (int i = 0; i < count; i++) to[i] += weight * from[i];
}

static void move_row(float *restrict to, float *restrict from, float weight, int count) {
    for (int i = 0; i < count; i++) {
        to[i] += weight * from[i];
        from[i] = 0;
    }
}

/* below may be value itself. */
static void cover_row(float *value, const float *below, const float *restrict colour, const float *restrict cover,
                      int count) {
    for (int i = 0; i < count; i++) value[i] = below[i] * (1 - cover[i]) + colour[i];
}

static void darken_row(float *restrict value, const float *restrict shadow, int count) {
    for (int i = 0; i < count; i++) value[i] *= 1 - shadow[i];
}

static inline uint8_t to_level(float value) {
    value = value > 0 ? value : 0;
    value = value < 254.5f ? value : 254.5f;
    return (uint8_t)(int)(value + 0.5f);
}

/* Light arrives in quanta: brighter pixels are noisier. */
static void luma_row(uint8_t *restrict out, const LumaRow *row, int count) {
    const float ambient = 0.62f, *value = row->value, *one = row->one, *two = row->two, *noise = row->noise;
    const float level_one = row->level_one, level_two = row->level_two, sigma = row->sigma;
    for (int i = 0; i < count; i++) {
        float lit = 16 + 0.86f * value[i] * (ambient + level_one * one[i] + level_two * two[i]);
        out[i] = to_level(lit + sigma * noise[i] * (0.6f + 0.0032f * lit));
    }
}

static void chroma_row(uint8_t *restrict out, const float *mean, const float *noise, float sigma, int count) {
    for (int i = 0; i < count; i++) out[i] = to_level(128 + mean[i] + sigma * noise[i]);
}

#define ROW_KERNELS                                                                                                    \
    { shape_row, shadow_row, accumulate_row, move_row, cover_row, darken_row, luma_row, chroma_row }
