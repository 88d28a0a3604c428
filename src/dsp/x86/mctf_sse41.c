/* SSE4.1 loops of the motion-compensated temporal filter. */
#include <smmintrin.h>

#include "dsp/kernels.h"

static __m128i load8(const void *p) {
    return _mm_loadl_epi64((const __m128i *)p);
}
static __m128i load16(const void *p) {
    return _mm_loadu_si128((const __m128i *)p);
}
static void save16(void *p, __m128i v) {
    _mm_storeu_si128((__m128i *)p, v);
}

/* bell[min(difference * 16 * scale >> 16, 31)] of eight differences of 16 bits. */
static __m128i weigh(__m128i difference, __m128i scale, __m128i near, __m128i far) {
    __m128i step = _mm_mulhi_epu16(_mm_slli_epi16(difference, 4), scale);
    step = _mm_min_epu16(step, _mm_set1_epi16(31));
    step = _mm_packus_epi16(step, step);
    __m128i is_far = _mm_cmpgt_epi8(step, _mm_set1_epi8(15)), place = _mm_and_si128(step, _mm_set1_epi8(15));
    /* No _mm_blendv_epi8: GCC 12 compiles it into nothing where char is unsigned. */
    return _mm_cvtepu8_epi16(_mm_or_si128(_mm_andnot_si128(is_far, _mm_shuffle_epi8(near, place)),
                                          _mm_and_si128(is_far, _mm_shuffle_epi8(far, place))));
}

static void mctf_add(uint16_t *sum, uint16_t *weight, const uint8_t *own, ptrdiff_t stride, const uint8_t *other,
                     int width, int height, const DfyMctfWeights *weights) {
    const __m128i scale = _mm_set1_epi16((short)weights->scale), near = load16(weights->bell),
                  far = load16(weights->bell + 16);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x += 8) {
            int at = y * DFY_MCTF_SIDE + x;
            __m128i a = _mm_cvtepu8_epi16(load8(own + y * stride + x)), b = _mm_cvtepu8_epi16(load8(other + at));
            __m128i w = weigh(_mm_abs_epi16(_mm_sub_epi16(a, b)), scale, near, far);
            save16(sum + at, _mm_add_epi16(load16(sum + at), _mm_mullo_epi16(w, b)));
            save16(weight + at, _mm_add_epi16(load16(weight + at), w));
        }
}

/* Four quotients of numbers below 65536 by such as 64 to 192: single precision rounds none of them up to the next. */
static __m128i quotients(__m128i numbers, __m128i by) {
    return _mm_cvttps_epi32(_mm_div_ps(_mm_cvtepi32_ps(numbers), _mm_cvtepi32_ps(by)));
}

static void mctf_mean(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *own, ptrdiff_t stride, const uint16_t *sum,
                      const uint16_t *weight, int width, int height) {
    const __m128i zero = _mm_setzero_si128();
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x += 8) {
            int at = y * DFY_MCTF_SIDE + x;
            __m128i a = _mm_cvtepu8_epi16(load8(own + y * stride + x));
            __m128i all = _mm_add_epi16(load16(weight + at), _mm_set1_epi16(64));
            __m128i n = _mm_add_epi16(load16(sum + at), _mm_slli_epi16(a, 6));
            n = _mm_add_epi16(n, _mm_srli_epi16(all, 1));
            __m128i low = quotients(_mm_unpacklo_epi16(n, zero), _mm_unpacklo_epi16(all, zero));
            __m128i high = quotients(_mm_unpackhi_epi16(n, zero), _mm_unpackhi_epi16(all, zero));
            __m128i pixels = _mm_packus_epi32(low, high);
            _mm_storel_epi64((__m128i *)(dst + y * dst_stride + x), _mm_packus_epi16(pixels, pixels));
        }
}

void dfy_kernels_add_mctf_sse41(DfyKernels *kernels) {
    kernels->mctf_add = mctf_add;
    kernels->mctf_mean = mctf_mean;
}
