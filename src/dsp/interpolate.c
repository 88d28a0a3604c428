/* Fractional-sample interpolation: separable 8-tap (luma) and 4-tap (chroma) filters of Rec. H.265, table 8-11/12. */
#include "dsp/reference.h"

const int8_t dfy_luma_taps[4][8] = {{0, 0, 0, 64, 0, 0, 0, 0},
                                    {-1, 4, -10, 58, 17, -5, 1, 0},
                                    {-1, 4, -11, 40, 40, -11, 4, -1},
                                    {0, 1, -5, 17, 58, -10, 4, -1}};
const int8_t dfy_chroma_taps[8][4] = {{0, 64, 0, 0},    {-2, 58, 10, -2}, {-4, 54, 16, -2}, {-6, 46, 28, -4},
                                      {-4, 36, 36, -4}, {-4, 28, 46, -6}, {-2, 16, 54, -4}, {-2, 10, 58, -2}};

/*
 * 8-bit input keeps its full precision after the first pass (no shift); the second pass shifts by 6, so both leave
 * 14 bits. Whole positions are scaled by 64 to the same 14 bits.
 */
static void interpolate(int16_t *dst, const uint8_t *src, ptrdiff_t stride, int width, int height,
                        const int8_t *horizontal, const int8_t *vertical, int taps) {
    int before = taps / 2 - 1;
    int16_t rows[(64 + 7) * 64];
    int first = vertical ? before : 0, count = height + (vertical ? taps - 1 : 0);
    src -= first * stride;
    for (int y = 0; y < count; y++, src += stride)
        for (int x = 0; x < width; x++) {
            int sum = 0;
            if (horizontal)
                for (int t = 0; t < taps; t++) sum += horizontal[t] * src[x + t - before];
            else
                sum = vertical ? src[x] : src[x] << 6;
            rows[y * 64 + x] = (int16_t)sum;
        }
    int shift = horizontal ? 6 : 0;
    for (int y = 0; y < height; y++, dst += DFY_BLEND_STRIDE)
        for (int x = 0; x < width; x++) {
            int sum = 0;
            if (vertical) {
                for (int t = 0; t < taps; t++) sum += vertical[t] * rows[(y + t) * 64 + x];
                sum >>= shift;
            } else {
                sum = rows[y * 64 + x];
            }
            dst[x] = (int16_t)sum;
        }
}

void dfy_interpolate_luma(int16_t *dst, const uint8_t *src, ptrdiff_t stride, int width, int height, int fx, int fy) {
    interpolate(dst, src, stride, width, height, fx ? dfy_luma_taps[fx] : 0, fy ? dfy_luma_taps[fy] : 0, 8);
}

void dfy_interpolate_chroma(int16_t *dst, const uint8_t *src, ptrdiff_t stride, int width, int height, int fx, int fy) {
    interpolate(dst, src, stride, width, height, fx ? dfy_chroma_taps[fx] : 0, fy ? dfy_chroma_taps[fy] : 0, 4);
}
