/* AV1's constrained directional enhancement filter on one block (AV1 specification, sections 7.15.2 and 7.15.3). */
#include <stdlib.h>
#include <string.h>

#include "dsp/reference.h"

/* First and second step along each direction: y, x. */
const int8_t dfy_directions[8][2][2] = {{{-1, 1}, {-2, 2}}, {{0, 1}, {-1, 2}}, {{0, 1}, {0, 2}}, {{0, 1}, {1, 2}},
                                        {{1, 1}, {2, 2}},   {{1, 0}, {2, 1}},  {{1, 0}, {2, 0}}, {{1, 0}, {2, -1}}};

/* Sums along the lines of each direction; what a direction's lines have in common makes their squares large. */
int dfy_edge_direction(const uint8_t *src, ptrdiff_t stride, uint32_t *variance) {
    static const int16_t weights[9] = {0, 840, 420, 280, 210, 168, 140, 120, 105}; /* 840 / pixels of a line */
    int32_t sums[8][15], cost[8] = {0};
    memset(sums, 0, sizeof sums);
    for (int i = 0; i < 8; i++, src += stride)
        for (int j = 0; j < 8; j++) {
            int v = src[j] - 128;
            sums[0][i + j] += v;
            sums[1][i + j / 2] += v;
            sums[2][i] += v;
            sums[3][3 + i - j / 2] += v;
            sums[4][7 + i - j] += v;
            sums[5][3 - i / 2 + j] += v;
            sums[6][j] += v;
            sums[7][i / 2 + j] += v;
        }
    for (int i = 0; i < 8; i++) {
        cost[2] += sums[2][i] * sums[2][i] * weights[8];
        cost[6] += sums[6][i] * sums[6][i] * weights[8];
    }
    for (int d = 0; d < 8; d += 4) {
        for (int i = 0; i < 7; i++)
            cost[d] += (sums[d][i] * sums[d][i] + sums[d][14 - i] * sums[d][14 - i]) * weights[i + 1];
        cost[d] += sums[d][7] * sums[d][7] * weights[8];
    }
    for (int d = 1; d < 8; d += 2) {
        for (int i = 3; i < 8; i++) cost[d] += sums[d][i] * sums[d][i] * weights[8];
        for (int i = 0; i < 3; i++)
            cost[d] += (sums[d][i] * sums[d][i] + sums[d][10 - i] * sums[d][10 - i]) * weights[2 * i + 2];
    }
    int best = 0;
    for (int d = 1; d < 8; d++)
        if (cost[d] > cost[best]) best = d;
    *variance = (uint32_t)(cost[best] - cost[(best + 4) & 7]) >> 10;
    return best;
}

/* A difference as far as it counts: large ones are the picture's own edges and count less. */
static int constrain(int difference, int threshold, int shift) {
    int magnitude = abs(difference), most = threshold - (magnitude >> shift);
    if (most < 0) most = 0;
    if (magnitude > most) magnitude = most;
    return difference < 0 ? -magnitude : magnitude;
}

void dfy_filter_directed(uint8_t *dst, ptrdiff_t stride, const uint8_t *src, ptrdiff_t src_stride, int side,
                         int direction, int primary, int secondary, int damping) {
    const int taps[2] = {primary & 1 ? 3 : 4, primary & 1 ? 3 : 2};
    int shifts[2] = {primary ? dfy_directed_shift(damping, primary) : 0,
                     secondary ? dfy_directed_shift(damping, secondary) : 0};
    for (int y = 0; y < side; y++, dst += stride, src += src_stride)
        for (int x = 0; x < side; x++) {
            int here = src[x], low = here, high = here, sum = 0;
            for (int k = 0; k < 2; k++)
                for (int line = 0; line < 3; line++) { /* along the direction, and 45 degrees to either side */
                    int threshold = line ? secondary : primary;
                    if (!threshold) continue;
                    ptrdiff_t at = dfy_directed_place(direction + (line == 1 ? 2 : line == 2 ? 6 : 0), k, src_stride);
                    for (int sign = 0; sign < 2; sign++) {
                        int there = src[sign ? x - at : x + at];
                        sum += (line ? 2 - k : taps[k]) * constrain(there - here, threshold, shifts[line > 0]);
                        low = there < low ? there : low;
                        high = there > high ? there : high;
                    }
                }
            dst[x] = (uint8_t)dfy_clamp(here + ((8 + sum - (sum < 0)) >> 4), low, high);
        }
}
