/* Bi-directional optical flow; see kernels.h. */
#include <stdlib.h>

#include "dsp/reference.h"

/* How a prediction rises across and down at a place, in pixel values over two pixels. */
static int across(const int16_t *p) {
    return (p[1] >> 6) - (p[-1] >> 6);
}
static int down(const int16_t *p) {
    return (p[DFY_BLEND_STRIDE] >> 6) - (p[-DFY_BLEND_STRIDE] >> 6);
}

/* a if sign is above 0, -a below, 0 at 0. */
static int signed_as(int value, int sign) {
    return sign > 0 ? value : sign < 0 ? -value : 0;
}

/* Adds up what the block at (x0, y0) is judged by: itself and the pixels next to it, as far as the block goes. */
static void gather(DfyBdof *f, const int16_t *a, const int16_t *b, int width, int height, int x0, int y0) {
    *f = (DfyBdof){0};
    for (int y = y0 - 1; y <= y0 + 4; y++)
        for (int x = x0 - 1; x <= x0 + 4; x++) {
            ptrdiff_t at = dfy_clamp(y, 0, height - 1) * DFY_BLEND_STRIDE + dfy_clamp(x, 0, width - 1);
            int slope_x = (across(a + at) + across(b + at)) >> 1, slope_y = (down(a + at) + down(b + at)) >> 1;
            int misses = (a[at] >> 4) - (b[at] >> 4);
            f->steep_x += abs(slope_x);
            f->steep_y += abs(slope_y);
            f->shared += signed_as(slope_x, slope_y);
            f->misses_x += signed_as(misses, slope_x);
            f->misses_y += signed_as(misses, slope_y);
        }
}

void dfy_bdof_mean(uint8_t *dst, ptrdiff_t stride, const int16_t *a, const int16_t *b, int width, int height) {
    for (int y0 = 0; y0 < height; y0 += 4)
        for (int x0 = 0; x0 < width; x0 += 4) {
            DfyBdof sums;
            int v[2];
            gather(&sums, a, b, width, height, x0, y0);
            dfy_bdof_motion(&sums, v);
            for (int y = y0; y < y0 + 4; y++)
                for (int x = x0; x < x0 + 4; x++) {
                    ptrdiff_t at = y * DFY_BLEND_STRIDE + x;
                    int moved = v[0] * (across(a + at) - across(b + at)) + v[1] * (down(a + at) - down(b + at));
                    dst[y * stride + x] = dfy_clamp_pixel((a[at] + b[at] + moved + 64) >> 7);
                }
        }
}
