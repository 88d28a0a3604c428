/* The adaptive loop filter on one block; see kernels.h. */
#include <string.h>

#include "dsp/reference.h"

const int8_t dfy_alf_places[DFY_ALF_TAPS][2] = {{1, 0}, {2, 0}, {3, 0},  {-2, 1}, {-1, 1}, {0, 1},
                                                {1, 1}, {2, 1}, {-1, 2}, {0, 2},  {1, 2},  {0, 3}};

void dfy_alf_block(uint8_t *dst, ptrdiff_t stride, const uint8_t *src, ptrdiff_t src_stride,
                   const int8_t weights[DFY_ALF_TAPS]) {
    for (int y = 0; y < 8; y++, dst += stride, src += src_stride)
        for (int x = 0; x < 8; x++) {
            int sum = 64;
            for (int k = 0; k < DFY_ALF_TAPS; k++) {
                ptrdiff_t place = dfy_alf_places[k][1] * src_stride + dfy_alf_places[k][0];
                sum += weights[k] * (src[x + place] + src[x - place] - 2 * src[x]);
            }
            dst[x] = dfy_clamp_pixel(src[x] + (sum >> 7));
        }
}

void dfy_alf_statistics(int32_t sums[DFY_ALF_VALUES][DFY_ALF_VALUES], const uint8_t *src, ptrdiff_t stride,
                        const uint8_t *wanted, ptrdiff_t wanted_stride) {
    memset(sums, 0, sizeof *sums * DFY_ALF_VALUES);
    for (int y = 0; y < 8; y++, src += stride, wanted += wanted_stride)
        for (int x = 0; x < 8; x++) {
            int values[DFY_ALF_VALUES];
            for (int k = 0; k < DFY_ALF_TAPS; k++) {
                ptrdiff_t place = dfy_alf_places[k][1] * stride + dfy_alf_places[k][0];
                values[k] = src[x + place] + src[x - place] - 2 * src[x];
            }
            values[DFY_ALF_TAPS] = wanted[x] - src[x];
            for (int i = 0; i < DFY_ALF_TAPS; i++)
                for (int j = i; j < DFY_ALF_VALUES; j++) sums[i][j] += values[i] * values[j];
        }
}
