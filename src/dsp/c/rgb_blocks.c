/* The reference's table of RGB kernels. */
#include "dsp/rgb_kernels.h"

#include "dsp/kernels.h"

/* ---------------------------------------------------------------- pixels */

static void difference(float out[3][64], const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride) {
    for (int y = 0; y < 8; y++, a += a_stride, b += b_stride)
        for (int x = 0; x < 8; x++)
            for (int c = 0; c < 3; c++) out[c][y * 8 + x] = (float)(a[3 * x + c] - b[3 * x + c]);
}

static void add(uint8_t *pixels, ptrdiff_t stride, const float sample[3][64]) {
    for (int y = 0; y < 8; y++, pixels += stride)
        for (int x = 0; x < 8; x++)
            for (int c = 0; c < 3; c++)
                pixels[3 * x + c] = dfy_clamp_pixel(pixels[3 * x + c] + (int)sample[c][y * 8 + x]);
}

/* ---------------------------------------------------------------- transform */

/*
 * One dimension, down the columns: all eight columns at once, each line below being a vector operation. The sums
 * and differences of mirrored rows halve the multiplications.
 */
static inline void forward_columns(float *restrict out, const float *restrict in) {
    for (int i = 0; i < 8; i++) {
        float s0 = in[i] + in[56 + i], d0 = in[i] - in[56 + i];
        float s1 = in[8 + i] + in[48 + i], d1 = in[8 + i] - in[48 + i];
        float s2 = in[16 + i] + in[40 + i], d2 = in[16 + i] - in[40 + i];
        float s3 = in[24 + i] + in[32 + i], d3 = in[24 + i] - in[32 + i];
        float e0 = s0 + s3, e1 = s1 + s2, o0 = s0 - s3, o1 = s1 - s2;
        out[i] = DFY_C4 * (e0 + e1);
        out[8 + i] = DFY_C1 * d0 + DFY_C3 * d1 + DFY_C5 * d2 + DFY_C7 * d3;
        out[16 + i] = DFY_C2 * o0 + DFY_C6 * o1;
        out[24 + i] = DFY_C3 * d0 - DFY_C7 * d1 - DFY_C1 * d2 - DFY_C5 * d3;
        out[32 + i] = DFY_C4 * (e0 - e1);
        out[40 + i] = DFY_C5 * d0 - DFY_C1 * d1 + DFY_C7 * d2 + DFY_C3 * d3;
        out[48 + i] = DFY_C6 * o0 - DFY_C2 * o1;
        out[56 + i] = DFY_C7 * d0 - DFY_C5 * d1 + DFY_C3 * d2 - DFY_C1 * d3;
    }
}

static inline void inverse_columns(float *restrict out, const float *restrict in) {
    for (int i = 0; i < 8; i++) {
        float a = DFY_C4 * (in[i] + in[32 + i]), b = DFY_C4 * (in[i] - in[32 + i]);
        float c = DFY_C2 * in[16 + i] + DFY_C6 * in[48 + i], d = DFY_C6 * in[16 + i] - DFY_C2 * in[48 + i];
        float e0 = a + c, e3 = a - c, e1 = b + d, e2 = b - d;
        float x1 = in[8 + i], x3 = in[24 + i], x5 = in[40 + i], x7 = in[56 + i];
        float o0 = DFY_C1 * x1 + DFY_C3 * x3 + DFY_C5 * x5 + DFY_C7 * x7,
              o1 = DFY_C3 * x1 - DFY_C7 * x3 - DFY_C1 * x5 - DFY_C5 * x7;
        float o2 = DFY_C5 * x1 - DFY_C1 * x3 + DFY_C7 * x5 + DFY_C3 * x7,
              o3 = DFY_C7 * x1 - DFY_C5 * x3 + DFY_C3 * x5 - DFY_C1 * x7;
        out[i] = e0 + o0;
        out[8 + i] = e1 + o1;
        out[16 + i] = e2 + o2;
        out[24 + i] = e3 + o3;
        out[32 + i] = e3 - o3;
        out[40 + i] = e2 - o2;
        out[48 + i] = e1 - o1;
        out[56 + i] = e0 - o0;
    }
}

static inline void transpose(float *restrict out, const float *restrict in) {
    for (int y = 0; y < 8; y++)
        for (int x = 0; x < 8; x++) out[y * 8 + x] = in[x * 8 + y];
}

static void inverse(float out[64], const float in[64]) {
    float a[64], b[64];
    inverse_columns(a, in);
    transpose(b, a);
    inverse_columns(a, b);
    transpose(out, a);
}

static void forward(float out[64], const float in[64]) {
    float a[64], b[64];
    forward_columns(a, in);
    transpose(b, a);
    forward_columns(a, b);
    transpose(out, a);
}

/* ---------------------------------------------------------------- levels */

static inline float level_bits(int level) {
    unsigned size = (unsigned)(level < 0 ? -level : level);
    if (!size) return 0;
    float bits = DFY_COEFFICIENT_BITS;
    for (; size > 1; size >>= 1) bits += DFY_DOUBLING_BITS;
    return bits;
}

static inline int nearest(float value) {
    return (int)(value < 0 ? value - 0.5f : value + 0.5f);
}

/* The best new level of one channel, and what it saves. pull: half the slope of the error against the channel. */
static float best_move(float pull, float weight, float step, int level, int alone, float lambda, int *moved) {
    float now = level_bits(level), best = 0;
    if (level && alone) now += DFY_RUN_BITS;
    int ideal = level + nearest(pull / (weight * step));
    int tries[3] = {ideal, ideal > 0 ? ideal - 1 : ideal + 1, 0};
    *moved = level;
    for (int i = 0; i < 3; i++) {
        float change = (float)(tries[i] - level) * step;
        float saved = 2 * change * pull - change * change * weight -
                      lambda * (level_bits(tries[i]) + (tries[i] && alone ? DFY_RUN_BITS : 0) - now);
        if (saved > best) {
            best = saved;
            *moved = tries[i];
        }
    }
    return best;
}

/*
 * Levels of one coefficient's three channels: from none, the single change that saves most, then the next, until
 * none saves. Returns what they save in all.
 */
static float choose_levels(const DfyLevelCosts *costs, const float target[3], const float step[3], int level[3]) {
    float error[3] = {target[0], target[1], target[2]}, total = 0;
    level[0] = level[1] = level[2] = 0;
    for (int move = 0; move < DFY_MOST_MOVES; move++) {
        float best = 0;
        int channel = 0, next = 0;
        for (int c = 0; c < 3; c++) {
            const float *w = costs->weight[c];
            int moved;
            float saved = best_move(w[0] * error[0] + w[1] * error[1] + w[2] * error[2], w[c], step[c], level[c],
                                    !level[(c + 1) % 3] && !level[(c + 2) % 3], costs->lambda, &moved);
            if (saved > best) {
                best = saved;
                channel = c;
                next = moved;
            }
        }
        if (best <= 0) break;
        error[channel] -= (float)(next - level[channel]) * step[channel];
        level[channel] = next;
        total += best;
    }
    return total;
}

static int candidates(uint8_t at[64], const float coefficient[3][64], const DfyLevelCosts *costs) {
    const float least = costs->lambda * (DFY_RUN_BITS + DFY_COEFFICIENT_BITS);
    int count = 0;
    for (int i = 0; i < 64; i++) {
        float gain = 0;
        for (int c = 0; c < 3; c++) {
            const float *w = costs->weight[c], scale = 1 / w[c];
            float pull = w[0] * coefficient[0][i] + w[1] * coefficient[1][i] + w[2] * coefficient[2][i];
            float possible = pull * pull * scale;
            gain = possible > gain ? possible : gain;
        }
        if (gain > least) at[count++] = (uint8_t)i;
    }
    return count;
}

static void choose(int32_t level[3][64], float saved[64], const float coefficient[3][64], const float step[3][64],
                   int count, const DfyLevelCosts *costs) {
    for (int i = 0; i < count; i++) {
        float target[3] = {coefficient[0][i], coefficient[1][i], coefficient[2][i]};
        float steps[3] = {step[0][i], step[1][i], step[2][i]};
        int chosen[3];
        saved[i] = choose_levels(costs, target, steps, chosen);
        for (int c = 0; c < 3; c++) level[c][i] = chosen[c];
    }
}

/* ---------------------------------------------------------------- colour */

static void row_to_rgb(uint8_t *rgb, const uint8_t *y, const uint8_t *u, const uint8_t *v, int count,
                       const DfyColour *colour) {
    for (int x = 0; x < count; x++, rgb += 3) {
        int luma = (y[x] - colour->y_offset) * colour->y_scale + DFY_COLOUR_HALF;
        int cb = u[x / 2] - 128, cr = v[x / 2] - 128;
        rgb[0] = dfy_clamp_pixel((luma + cr * colour->r_from_v) >> DFY_COLOUR_FRACTION);
        rgb[1] = dfy_clamp_pixel((luma + cb * colour->g_from_u + cr * colour->g_from_v) >> DFY_COLOUR_FRACTION);
        rgb[2] = dfy_clamp_pixel((luma + cb * colour->b_from_u) >> DFY_COLOUR_FRACTION);
    }
}

static const DfyRgbKernels reference = {difference, add, forward, inverse, candidates, choose, row_to_rgb};

const DfyRgbKernels *dfy_rgb_kernels_c(void) {
    return &reference;
}
