/* Where two references agree best: Rec. H.266 8.5.3 in spirit, by a walk of a few steps instead of a full search. */
#include <string.h>

#include "video/syntax/refinement.h"

#define REACH 2 /* whole samples */
#define MOVES 2
#define STRIDE DFY_BLEND_STRIDE
#define UNKNOWN UINT32_MAX

typedef struct Match {
    const DfyKernels *kernels;
    int width, height;
    uint8_t pixels[2][(DFY_REFINEMENT_SIDE + 2 * REACH) * STRIDE]; /* interpolated, with what is within reach */
    uint32_t cost[2 * REACH + 1][2 * REACH + 1];
} Match;

/* How much the references differ where the vectors are moved by (x, y); standing still is preferred. */
static uint32_t cost_at(Match *m, int x, int y) {
    if (x < -REACH || x > REACH || y < -REACH || y > REACH) return UNKNOWN;
    uint32_t *cost = &m->cost[REACH + y][REACH + x];
    if (*cost == UNKNOWN) {
        *cost = m->kernels->sad(m->pixels[0] + (REACH + y) * STRIDE + REACH + x, STRIDE,
                                m->pixels[1] + (REACH - y) * STRIDE + REACH - x, STRIDE, m->width, m->height);
        if (!x && !y) *cost -= *cost >> 2;
    }
    return *cost;
}

/* Where the parabola through three costs is lowest, in sixteenths of a sample. */
static int lowest(uint32_t before, uint32_t middle, uint32_t behind) {
    if (before == UNKNOWN || behind == UNKNOWN) return 0;
    int slope = 8 * ((int)before - (int)behind), curve = (int)(before + behind) - 2 * (int)middle;
    if (curve <= 0) return 0;
    return dfy_clamp((slope + (slope < 0 ? -curve : curve) / 2) / curve, -8, 8);
}

int dfy_refine_block(const DfyKernels *kernels, const DfyPlace at[2], int width, int height, int8_t step[2]) {
    static const int8_t sides[4][2] = {{-1, 0}, {1, 0}, {0, -1}, {0, 1}};
    Match m; /* filled below as far as it is read */
    int16_t blend[(DFY_REFINEMENT_SIDE + 2 * REACH) * STRIDE];
    for (int i = 0; i < 2; i++) {
        kernels->luma(blend, at[i].pixels - REACH * at[i].stride - REACH, at[i].stride, width + 2 * REACH,
                      height + 2 * REACH, at[i].fx, at[i].fy);
        kernels->store(m.pixels[i], STRIDE, blend, width + 2 * REACH, height + 2 * REACH);
    }
    m.kernels = kernels;
    m.width = width;
    m.height = height;
    memset(m.cost, 0xff, sizeof m.cost);
    int x = 0, y = 0;
    for (int moves = 0;; moves++) {
        int best = -1;
        uint32_t least = cost_at(&m, x, y);
        for (int i = 0; i < 4; i++) {
            uint32_t cost = cost_at(&m, x + sides[i][0], y + sides[i][1]);
            if (cost >= least) continue;
            least = cost;
            best = i;
        }
        if (best < 0 || moves == MOVES) break;
        x += sides[best][0];
        y += sides[best][1];
    }
    uint32_t here = cost_at(&m, x, y);
    step[0] = (int8_t)(16 * x + lowest(cost_at(&m, x - 1, y), here, cost_at(&m, x + 1, y)));
    step[1] = (int8_t)(16 * y + lowest(cost_at(&m, x, y - 1), here, cost_at(&m, x, y + 1)));
    return step[0] || step[1];
}
