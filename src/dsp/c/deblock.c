/* Deblocking of luma: HEVC's decisions and filters (Rec. H.265 8.7.2.5.3, 8.7.2.5.6 and 8.7.2.5.7). */
#include <stdlib.h>

#include "dsp/reference.h"

#define P(i, line) s[-(i + 1) * across + (line)*along]
#define Q(i, line) s[(i)*across + (line)*along]
/* Four lines across an edge: `across` steps over it, `along` goes to the next line. */
static void deblock4(uint8_t *s, ptrdiff_t across, ptrdiff_t along, int beta, int tc) {
    int dp0 = abs(P(2, 0) - 2 * P(1, 0) + P(0, 0)), dp3 = abs(P(2, 3) - 2 * P(1, 3) + P(0, 3));
    int dq0 = abs(Q(2, 0) - 2 * Q(1, 0) + Q(0, 0)), dq3 = abs(Q(2, 3) - 2 * Q(1, 3) + Q(0, 3));
    if (dp0 + dq0 + dp3 + dq3 >= beta) return;
    int strong = 1;
    for (int line = 0; line < 4; line += 3) {
        int flat = line ? dp3 + dq3 : dp0 + dq0;
        strong &= 2 * flat < beta >> 2 && abs(P(3, line) - P(0, line)) + abs(Q(0, line) - Q(3, line)) < beta >> 3 &&
                  abs(P(0, line) - Q(0, line)) < (5 * tc + 1) >> 1;
    }
    int side_p = dp0 + dp3 < (beta + (beta >> 1)) >> 3, side_q = dq0 + dq3 < (beta + (beta >> 1)) >> 3;
    for (int line = 0; line < 4; line++) {
        int p0 = P(0, line), p1 = P(1, line), p2 = P(2, line), p3 = P(3, line);
        int q0 = Q(0, line), q1 = Q(1, line), q2 = Q(2, line), q3 = Q(3, line);
        if (strong) {
            P(0, line) = (uint8_t)dfy_clamp((p2 + 2 * p1 + 2 * p0 + 2 * q0 + q1 + 4) >> 3, p0 - 2 * tc, p0 + 2 * tc);
            P(1, line) = (uint8_t)dfy_clamp((p2 + p1 + p0 + q0 + 2) >> 2, p1 - 2 * tc, p1 + 2 * tc);
            P(2, line) = (uint8_t)dfy_clamp((2 * p3 + 3 * p2 + p1 + p0 + q0 + 4) >> 3, p2 - 2 * tc, p2 + 2 * tc);
            Q(0, line) = (uint8_t)dfy_clamp((p1 + 2 * p0 + 2 * q0 + 2 * q1 + q2 + 4) >> 3, q0 - 2 * tc, q0 + 2 * tc);
            Q(1, line) = (uint8_t)dfy_clamp((p0 + q0 + q1 + q2 + 2) >> 2, q1 - 2 * tc, q1 + 2 * tc);
            Q(2, line) = (uint8_t)dfy_clamp((p0 + q0 + q1 + 3 * q2 + 2 * q3 + 4) >> 3, q2 - 2 * tc, q2 + 2 * tc);
            continue;
        }
        int delta = (9 * (q0 - p0) - 3 * (q1 - p1) + 8) >> 4;
        if (abs(delta) >= tc * 10) continue;
        delta = dfy_clamp(delta, -tc, tc);
        P(0, line) = dfy_clamp_pixel(p0 + delta);
        Q(0, line) = dfy_clamp_pixel(q0 - delta);
        if (side_p)
            P(1, line) = dfy_clamp_pixel(p1 + dfy_clamp((((p2 + p0 + 1) >> 1) - p1 + delta) >> 1, -(tc >> 1), tc >> 1));
        if (side_q)
            Q(1, line) = dfy_clamp_pixel(q1 + dfy_clamp((((q2 + q0 + 1) >> 1) - q1 - delta) >> 1, -(tc >> 1), tc >> 1));
    }
}
#undef P
#undef Q

void dfy_deblock_luma(uint8_t *s, ptrdiff_t across, ptrdiff_t along, int beta, int tc) {
    deblock4(s, across, along, beta, tc);
    deblock4(s + 4 * along, across, along, beta, tc);
}
