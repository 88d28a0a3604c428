#include "video/encode/noise_meter.h"

#include <math.h>
#include <stdlib.h>

#include "base/numbers.h"
#include "base/picture.h"

#define SIDE 8
#define EVERY 7                  /* one block of so many is looked at, others in each line */
#define MOST_GRADIENT 1024       /* steps of flatness that are told apart */
#define FLAT_SHARE 4             /* of the blocks one in so many is flat enough */
#define FEW_BLOCKS 24            /* of a level: fewer say nothing */
#define ROUNDING (1.0 / 12)      /* variance that rounding source values to whole levels adds */
#define LEAST_STRENGTH 8         /* half a level: weaker noise is not worth a chunk */
#define JOINT_STRENGTH 16        /* the same where few blocks of each level were seen */
#define NOTABLE(a) (4 + (a) / 5) /* changes that are told: by more than a quarter of a level and a fifth */

/* Right and down, in pixels, of the covariances that neighbours left, above left, above and above right need. */
static const int lags[DFY_NOISE_LAGS][2] = {{0, 0}, {1, 0}, {0, 1}, {1, 1}, {-1, 1}, {2, 0}, {-2, 1}};

/* The blocks looked at lie in other columns in each line. */
static int first_in_line(int y) {
    return y * 3 % EVERY;
}

static const uint8_t *block_at(const DfyPlane *plane, int x, int y) {
    return plane->pixels + (ptrdiff_t)y * SIDE * plane->stride + x * SIDE;
}

/* A column more than the block has counts nothing, so that eight are added at a time. */
static int gradient(const uint8_t *p, ptrdiff_t stride) {
    int16_t sums[SIDE] = {0};
    int sum = 0;
    for (int y = 0; y + 1 < SIDE; y++, p += stride) {
        const uint8_t *down = p + stride, *right = p + 1;
        for (int x = 0; x < SIDE; x++) sums[x] = (int16_t)(sums[x] + abs(right[x] - p[x]) + abs(down[x] - p[x]));
    }
    for (int x = 0; x + 1 < SIDE; x++) sum += sums[x];
    return dfy_min(sum / 4, MOST_GRADIENT - 1);
}

/* The difference of a block, its mean aside; returns how much more source varies. *level: the decoded block's mean. */
static double difference(double d[SIDE * SIDE], const uint8_t *source, ptrdiff_t source_stride, const uint8_t *decoded,
                         ptrdiff_t decoded_stride, int *level) {
    int a_sum = 0, b_sum = 0, squares = 0;
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            int a = source[y * source_stride + x], b = decoded[y * decoded_stride + x];
            a_sum += a;
            b_sum += b;
            squares += a * a - b * b;
            d[y * SIDE + x] = a - b;
        }
    double mean = (double)(a_sum - b_sum) / (SIDE * SIDE);
    for (int i = 0; i < SIDE * SIDE; i++) d[i] -= mean;
    *level = b_sum / (SIDE * SIDE);
    return (squares - mean * (a_sum + b_sum)) / (SIDE * SIDE - 1);
}

static void add_covariance(DfyNoiseSums *sums, const double d[SIDE * SIDE]) {
    for (int i = 0; i < DFY_NOISE_LAGS; i++) {
        int right = lags[i][0], down = lags[i][1], from = right < 0 ? -right : 0;
        int across = SIDE - abs(right);
        double sum = 0;
        for (int y = 0; y + down < SIDE; y++)
            for (int x = from; x < from + across; x++) sum += d[y * SIDE + x] * d[(y + down) * SIDE + x + right];
        sums->covariance[i] += sum / (across * (SIDE - down));
    }
}

/* Gradient up to which a plane's blocks count as flat: that of one in so many of those looked at. */
static int flat_gradient(const DfyPlane *decoded, int across, int down) {
    int counts[MOST_GRADIENT] = {0}, blocks = 0, flat = 0;
    for (int y = 0; y < down; y++)
        for (int x = first_in_line(y); x < across; x += EVERY, blocks++)
            counts[gradient(block_at(decoded, x, y), decoded->stride)]++;
    for (int left = blocks / FLAT_SHARE; flat < MOST_GRADIENT - 1 && (left -= counts[flat]) > 0;) flat++;
    return flat;
}

static void add_plane(DfyNoiseSums *sums, const DfyPlane *source, const DfyPlane *decoded, int width, int height,
                      int by_level) {
    int across = width / SIDE, down = height / SIDE, flat = flat_gradient(decoded, across, down);
    double d[SIDE * SIDE];
    for (int y = 0; y < down; y++)
        for (int x = first_in_line(y); x < across; x += EVERY) {
            const uint8_t *a = block_at(source, x, y), *b = block_at(decoded, x, y);
            int level;
            if (gradient(b, decoded->stride) > flat) continue;
            double variance = difference(d, a, source->stride, b, decoded->stride, &level);
            if (level < 4 || level > 251) continue; /* clipped: there is less noise than elsewhere */
            level = by_level ? level * DFY_GRAIN_LEVELS / 256 : 0;
            sums->blocks[level]++;
            sums->variance[level] += variance;
            add_covariance(sums, d);
        }
}

void dfy_noise_measure(DfyNoiseSums sums[3], const DfyFrame *source, const DfyFrame *decoded, int width, int height) {
    for (int p = 0; p < 3; p++)
        add_plane(&sums[p], &source->plane[p], &decoded->plane[p], p ? dfy_chroma_size(width) : width,
                  p ? dfy_chroma_size(height) : height, !p);
}

void dfy_noise_meter_join(DfyNoiseMeter *m, DfyNoiseSums (*pictures)[3], int count) {
    for (int n = 0; n < count; n++)
        for (int p = 0; p < 3; p++) {
            for (int i = 0; i < DFY_GRAIN_LEVELS; i++) {
                m->sums[p].blocks[i] += pictures[n][p].blocks[i];
                m->sums[p].variance[i] += pictures[n][p].variance[i];
            }
            for (int i = 0; i < DFY_NOISE_LAGS; i++) m->sums[p].covariance[i] += pictures[n][p].covariance[i];
        }
}

static uint8_t strength(double variance) {
    variance -= ROUNDING;
    if (variance <= 0) return 0;
    double value = sqrt(variance) * DFY_GRAIN_UNITS + 0.5;
    return (uint8_t)(value < 255 ? value : 255);
}

/* The known level nearest to level i, -1: none is. */
static int nearest_known(const DfyNoiseSums *s, int levels, int i) {
    int best = -1;
    for (int k = 0; k < levels; k++)
        if (s->blocks[k] >= FEW_BLOCKS && (best < 0 || abs(k - i) < abs(best - i))) best = k;
    return best;
}

/* What all levels together say, where none says anything alone: 0 unless it is clearly noise. */
static uint8_t joint_strength(const DfyNoiseSums *s, int levels) {
    double blocks = 0, variance = 0;
    for (int i = 0; i < levels; i++) {
        blocks += s->blocks[i];
        variance += s->variance[i];
    }
    uint8_t all = blocks >= FEW_BLOCKS ? strength(variance / blocks) : 0;
    return all < JOINT_STRENGTH ? 0 : all;
}

/* Levels that nothing is known of are as the nearest that something is, or as all together. */
static void read_levels(uint8_t *out, const DfyNoiseSums *s, int levels) {
    uint8_t joint = joint_strength(s, levels);
    for (int i = 0; i < levels; i++) {
        int known = nearest_known(s, levels, i);
        out[i] = known < 0 ? joint : strength(s->variance[known] / s->blocks[known]);
    }
}

/* Solves the four equations of Yule and Walker by elimination; they are positive definite. */
static void read_taps(int8_t *taps, const double *r) {
    enum { N = DFY_GRAIN_TAPS };
    double a[N][N + 1] = {{r[0], r[2], r[4], r[6], r[1]},  /* left: with itself, above left, above, above right */
                          {r[2], r[0], r[1], r[5], r[3]},  /* above left */
                          {r[4], r[1], r[0], r[1], r[2]},  /* above */
                          {r[6], r[5], r[1], r[0], r[4]}}; /* above right */
    double sum = 0, value[N];
    if (r[0] <= 0) return;
    for (int i = 0; i < N; i++) a[i][i] += r[0] / 64;
    for (int i = 0; i < N; i++)
        for (int k = i + 1; k < N; k++) {
            double factor = a[k][i] / a[i][i];
            for (int j = i; j <= N; j++) a[k][j] -= factor * a[i][j];
        }
    for (int i = N - 1; i >= 0; i--) {
        value[i] = a[i][N];
        for (int j = i + 1; j < N; j++) value[i] -= a[i][j] * value[j];
        value[i] /= a[i][i];
        if (!(fabs(value[i]) < 2)) return; /* no model of noise */
    }
    for (int i = 0; i < N; i++) sum += fabs(value[i]) * DFY_GRAIN_ONE + 0.5;
    double less = sum > DFY_GRAIN_REACH ? DFY_GRAIN_REACH / sum : 1;
    for (int i = 0; i < N; i++) taps[i] = (int8_t)(value[i] * less * DFY_GRAIN_ONE + (value[i] < 0 ? -0.5 : 0.5));
}

void dfy_noise_meter_read(const DfyNoiseMeter *m, DfyGrain *grain) {
    double chroma[DFY_NOISE_LAGS];
    *grain = (DfyGrain){0};
    read_levels(grain->luma, &m->sums[0], DFY_GRAIN_LEVELS);
    for (int p = 0; p < 2; p++) read_levels(&grain->chroma[p], &m->sums[1 + p], 1);
    for (int i = 0; i < DFY_NOISE_LAGS; i++) chroma[i] = m->sums[1].covariance[i] + m->sums[2].covariance[i];
    read_taps(grain->taps[0], m->sums[0].covariance);
    read_taps(grain->taps[1], chroma);
}

static int differ(int a, int b) {
    return abs(a - b) > NOTABLE(b);
}

int dfy_noise_meter_tells(DfyNoiseMeter *m, DfyGrain *grain) {
    int strongest = 0, notable = 0, all_joint = nearest_known(&m->sums[0], DFY_GRAIN_LEVELS, 0) < 0;
    dfy_noise_meter_read(m, grain);
    for (int i = 0; i < DFY_GRAIN_LEVELS; i++) {
        strongest = dfy_max(strongest, grain->luma[i]);
        notable |= (all_joint || m->sums[0].blocks[i] >= FEW_BLOCKS) && differ(grain->luma[i], m->told.luma[i]);
    }
    if (strongest < LEAST_STRENGTH) *grain = (DfyGrain){0};
    for (int p = 0; p < 2; p++) notable |= differ(grain->chroma[p], m->told.chroma[p]);
    if (dfy_grain_is_none(grain) != dfy_grain_is_none(&m->told)) notable = 1;
    if (dfy_grain_is_none(grain) && dfy_grain_is_none(&m->told)) notable = 0;
    for (int p = 0; p < 3; p++) {
        for (int i = 0; i < DFY_GRAIN_LEVELS; i++) {
            m->sums[p].blocks[i] /= 2;
            m->sums[p].variance[i] /= 2;
        }
        for (int i = 0; i < DFY_NOISE_LAGS; i++) m->sums[p].covariance[i] /= 2;
    }
    if (notable) m->told = *grain;
    return notable;
}
