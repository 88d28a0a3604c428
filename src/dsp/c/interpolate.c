/* Fractional-sample interpolation: separable 8-tap (luma) and 4-tap (chroma) filters. Quarters (eighths of
 * chroma) are those of Rec. H.265, tables 8-11 and 8-12; what lies between them is of Rec. H.266, tables 27 and 33.
 */
#include "dsp/reference.h"

const int8_t dfy_luma_taps[16][8] = {
    {0, 0, 0, 64, 0, 0, 0, 0},        {0, 1, -3, 63, 4, -2, 1, 0},      {-1, 2, -5, 62, 8, -3, 1, 0},
    {-1, 3, -8, 60, 13, -4, 1, 0},    {-1, 4, -10, 58, 17, -5, 1, 0},   {-1, 4, -11, 52, 26, -8, 3, -1},
    {-1, 3, -9, 47, 31, -10, 4, -1},  {-1, 4, -11, 45, 34, -10, 4, -1}, {-1, 4, -11, 40, 40, -11, 4, -1},
    {-1, 4, -10, 34, 45, -11, 4, -1}, {-1, 4, -10, 31, 47, -9, 3, -1},  {-1, 3, -8, 26, 52, -11, 4, -1},
    {0, 1, -5, 17, 58, -10, 4, -1},   {0, 1, -4, 13, 60, -8, 3, -1},    {0, 1, -3, 8, 62, -5, 2, -1},
    {0, 1, -2, 4, 63, -3, 1, 0}};
const int8_t dfy_chroma_taps[32][4] = {
    {0, 64, 0, 0},    {-1, 63, 2, 0},   {-2, 62, 4, 0},   {-2, 60, 7, -1},  {-2, 58, 10, -2}, {-3, 57, 12, -2},
    {-4, 56, 14, -2}, {-4, 55, 15, -2}, {-4, 54, 16, -2}, {-5, 53, 18, -2}, {-6, 52, 20, -2}, {-6, 49, 24, -3},
    {-6, 46, 28, -4}, {-5, 44, 29, -4}, {-4, 42, 30, -4}, {-4, 39, 33, -4}, {-4, 36, 36, -4}, {-4, 33, 39, -4},
    {-4, 30, 42, -4}, {-4, 29, 44, -5}, {-4, 28, 46, -6}, {-3, 24, 49, -6}, {-2, 20, 52, -6}, {-2, 18, 53, -5},
    {-2, 16, 54, -4}, {-2, 15, 55, -4}, {-2, 14, 56, -4}, {-2, 12, 57, -3}, {-2, 10, 58, -2}, {-1, 7, 60, -2},
    {0, 4, 62, -2},   {0, 2, 63, -1}};

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
