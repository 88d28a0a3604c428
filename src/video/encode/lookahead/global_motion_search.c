#include "video/encode/lookahead/global_motion_search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "diffy/diffy.h"
#include "video/syntax/global_motion.h"

enum {
    BLOCK = 16,                           /* of the look-ahead */
    COMPARED = 1 << 13,                   /* pixels that models are compared by, at the most */
    FITTED = 5,                           /* one in so many of them is what models are fitted to */
    UNKNOWNS = DFY_GLOBAL_PARAMETERS + 1, /* and a difference of brightness */
    FAR = 16,                             /* a difference of pixels beyond which one is as bad as another */
    FLAT = 6,                             /* slopes that say nothing of motion, halves of a level a pixel */
    LEAST_BLOCKS = 16,                    /* whose motion is known, for a model to be looked for */
    OWN_VECTOR_BITS = 3                   /* that a block takes which does not follow the model */
};

/* A pixel with its slopes. */
typedef struct Sample {
    int16_t x, y, across, down; /* slopes: halves of a level a pixel */
    int16_t value;
    int block;
} Sample;

/* A model as it is fitted: pixels, at the reach; last the brightness. */
typedef struct Fit {
    double p[UNKNOWNS];
} Fit;

/* A block's motion as the look-ahead has found it. */
typedef struct Vector {
    float x, y; /* of its middle from the picture's, in reaches */
    float v[2];
    int known;
} Vector;

typedef struct Search {
    DfyPictureCoding *picture;
    DfyContexts *contexts;
    const DfyPlane *reference;
    int direction, width, height, reach;
    double bit;   /* absolute error that a bit is worth */
    double scale; /* pixels that a sample stands for */
    Sample *samples;
    int count, columns, blocks;
    Vector *vectors; /* by block */
    float *alone;    /* by block: what is left when it stands still or has its own motion */
    float *followed; /* by block: what is left by the model looked at */
} Search;

static void place_samples(Search *s, const DfyPlane *p) {
    int step = 2;
    while (p->width / step * (p->height / step) > COMPARED) step++;
    s->scale = step * step;
    for (int y = step; y < p->height - 1; y += step)
        for (int x = step; x < p->width - 1; x += step) {
            const uint8_t *at = p->pixels + y * p->stride + x;
            int across = at[1] - at[-1], down = at[p->stride] - at[-p->stride];
            if (abs(across) + abs(down) < FLAT) continue;
            s->samples[s->count++] = (Sample){(int16_t)x,    (int16_t)y, (int16_t)across,
                                              (int16_t)down, *at,        y / BLOCK * s->columns + x / BLOCK};
        }
}

static void vector_at(const Search *s, const Fit *f, int x, int y, double v[2]) {
    double across = (double)(x - s->width / 2) / s->reach, down = (double)(y - s->height / 2) / s->reach;
    double bend = f->p[6] * across + f->p[7] * down;
    v[0] = f->p[0] + f->p[2] * across + f->p[3] * down + bend * across;
    v[1] = f->p[1] + f->p[4] * across + f->p[5] * down + bend * down;
}

/* The reference at a place between pixels; negative outside. */
static double pixel_at(const DfyPlane *p, double x, double y) {
    if (x < 0 || y < 0 || x >= p->width - 1 || y >= p->height - 1) return -1;
    int ix = (int)x, iy = (int)y;
    const uint8_t *at = p->pixels + iy * p->stride + ix;
    double fx = x - ix, fy = y - iy;
    double above = at[0] + fx * (at[1] - at[0]), below = at[p->stride] + fx * (at[p->stride + 1] - at[p->stride]);
    return above + fy * (below - above);
}

/* Solves a symmetric positive system of n unknowns into b; a is lost. Returns 0 where it is singular. */
static int solve(double a[UNKNOWNS][UNKNOWNS], double b[UNKNOWNS], int n) {
    for (int i = 0; i < n; i++) {
        if (a[i][i] < 1e-9) return 0;
        for (int j = i + 1; j < n; j++) {
            double f = a[j][i] / a[i][i];
            for (int k = i; k < n; k++) a[j][k] -= f * a[i][k];
            b[j] -= f * b[i];
        }
    }
    for (int i = n - 1; i >= 0; i--) {
        for (int k = i + 1; k < n; k++) b[i] -= a[i][k] * b[k];
        b[i] /= a[i][i];
    }
    return 1;
}

/* ---------------------------------------------------------------- motion of blocks */

/* Gets the blocks' vectors; returns whether enough of them are known and move. */
static int get_vectors(Search *s, const DfyPropagation *propagation, int number) {
    int known = 0, moving = 0;
    for (int i = 0; i < s->blocks; i++) {
        int x = i % s->columns * BLOCK, y = i / s->columns * BLOCK;
        int16_t v[2];
        Vector *vector = &s->vectors[i];
        vector->known = dfy_propagated_vector(propagation, number, s->direction, x, y, v) > 0;
        vector->x = (float)(x + BLOCK / 2 - s->width / 2) / (float)s->reach;
        vector->y = (float)(y + BLOCK / 2 - s->height / 2) / (float)s->reach;
        for (int d = 0; d < 2; d++) vector->v[d] = v[d];
        known += vector->known;
        moving += vector->known && (v[0] || v[1]);
    }
    return known >= LEAST_BLOCKS && moving * 4 > known;
}

static int by_size(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static float middle_vector(const Search *s, int axis) {
    float *sorted = s->followed; /* not in use yet */
    size_t n = 0;
    for (int i = 0; i < s->blocks; i++)
        if (s->vectors[i].known) sorted[n++] = s->vectors[i].v[axis];
    qsort(sorted, n, sizeof *sorted, by_size);
    return sorted[n / 2];
}

/* Least squares of an affine model with the vectors that lie no farther from f than about `spread`. */
static int fit_once(const Search *s, Fit *f, double spread) {
    double a[2][UNKNOWNS][UNKNOWNS] = {{{0}}}, b[2][UNKNOWNS] = {{0}};
    for (int i = 0; i < s->blocks; i++) {
        const Vector *v = &s->vectors[i];
        const double one[3] = {1, (double)v->x, (double)v->y};
        if (!v->known) continue;
        double ex = (double)v->v[0] - (f->p[0] + f->p[2] * one[1] + f->p[3] * one[2]);
        double ey = (double)v->v[1] - (f->p[1] + f->p[4] * one[1] + f->p[5] * one[2]);
        double w = 1 / (1 + (ex * ex + ey * ey) / (spread * spread));
        w *= w;
        for (int j = 0; j < 3; j++) {
            for (int k = 0; k < 3; k++) a[0][j][k] += w * one[j] * one[k];
            for (int d = 0; d < 2; d++) b[d][j] += w * one[j] * (double)v->v[d];
        }
    }
    memcpy(a[1], a[0], sizeof a[0]);
    for (int d = 0; d < 2; d++) {
        if (!solve(a[d], b[d], 3)) return 0;
        f->p[d] = b[d][0];
        f->p[2 + 2 * d] = b[d][1];
        f->p[3 + 2 * d] = b[d][2];
    }
    return 1;
}

/* The affine model that most blocks agree with: from their middle on, looking ever closer. */
static int fit_vectors(const Search *s, Fit *f) {
    *f = (Fit){{(double)middle_vector(s, 0), (double)middle_vector(s, 1)}};
    for (double spread = 8; spread > 0.7; spread /= 1.5)
        if (!fit_once(s, f, spread)) return 0;
    return 1;
}

/*
 * The model that a turn of the camera makes, by least squares over the picture. In a view that shakes it is nearer than
 * the blocks' vectors, which fail where much moves far: 33 frames of a clip shaken by half a degree a frame took 9 %
 * fewer bytes with it (docs/CODEC.md).
 */
static int fit_turn(const Search *s, Fit *f, const double h[9]) {
    enum { POINTS = 8, N = DFY_GLOBAL_PARAMETERS };
    double a[UNKNOWNS][UNKNOWNS] = {{0}}, b[UNKNOWNS] = {0};
    for (int i = 0; i <= POINTS; i++)
        for (int k = 0; k <= POINTS; k++) {
            double x = (double)(s->width * k) / POINTS, y = (double)(s->height * i) / POINTS;
            double w = h[6] * x + h[7] * y + h[8];
            double across = (x - s->width / 2) / s->reach, down = (y - s->height / 2) / s->reach;
            if (!(w > 0.1)) return 0; /* turned away */
            for (int d = 0; d < 2; d++) {
                double v = (h[3 * d] * x + h[3 * d + 1] * y + h[3 * d + 2]) / w - (d ? y : x), row[N] = {0};
                row[d] = 1;
                row[2 + 2 * d] = across;
                row[3 + 2 * d] = down;
                row[6] = across * (d ? down : across);
                row[7] = down * (d ? down : across);
                for (int m = 0; m < N; m++) {
                    for (int n = 0; n < N; n++) a[m][n] += row[m] * row[n];
                    b[m] += row[m] * v;
                }
            }
        }
    for (int m = 0; m < N; m++) a[m][m] += 1e-6;
    if (!solve(a, b, N)) return 0;
    *f = (Fit){{0}};
    memcpy(f->p, b, N * sizeof *b);
    return 1;
}

/* ---------------------------------------------------------------- pixels */

/* Parameters of each kind of model, and the brightness. */
static const uint8_t unknowns[4][UNKNOWNS] = {{8}, {0, 1, 8}, {0, 1, 2, 3, 4, 5, 8}, {0, 1, 2, 3, 4, 5, 6, 7, 8}};

/* Gauss-Newton rounds on the pixels; those that differ by much count little. */
static void fit_pixels(const Search *s, Fit *f, int kind, int rounds) {
    int n = dfy_global_parameters(kind) + 1;
    const uint8_t *of = unknowns[kind];
    for (int round = 0; round < rounds; round++) {
        double a[UNKNOWNS][UNKNOWNS] = {{0}}, b[UNKNOWNS] = {0}, soft = round < 2 ? 10 : 5;
        for (int i = 0; i < s->count; i += FITTED) {
            const Sample *at = &s->samples[i];
            double v[2];
            vector_at(s, f, at->x, at->y, v);
            double there = pixel_at(s->reference, at->x + v[0], at->y + v[1]);
            if (there < 0) continue;
            double across = (double)(at->x - s->width / 2) / s->reach,
                   down = (double)(at->y - s->height / 2) / s->reach;
            double e = at->value - there - f->p[8], gx = 0.5 * at->across, gy = 0.5 * at->down;
            double w = 1 / (1 + e * e / (soft * soft)), bend = gx * across + gy * down;
            const double full[UNKNOWNS] = {
                gx, gy, gx * across, gx * down, gy * across, gy * down, bend * across, bend * down, 1};
            w *= w;
            for (int j = 0; j < n; j++) {
                double weighted = w * full[of[j]];
                for (int k = j; k < n; k++) a[j][k] += weighted * full[of[k]];
                b[j] += weighted * e;
            }
        }
        for (int j = 0; j < n; j++) {
            a[j][j] = a[j][j] * 1.0001 + 1; /* what nothing is known of stays as it is */
            for (int k = 0; k < j; k++) a[j][k] = a[k][j];
        }
        if (!solve(a, b, n)) return;
        for (int j = 0; j < n; j++) f->p[of[j]] += b[j];
    }
}

/* Adds what a model leaves of a sample to its block. */
static void add_error(const Search *s, float *sums, const Sample *at, double x, double y, double brightness) {
    double there = pixel_at(s->reference, x, y), e = fabs(at->value - there - brightness);
    sums[at->block] += (float)(s->scale * (there < 0 || e > FAR ? FAR : e));
}

/* What is left of each block that stands still, or moves by itself where that is better. */
static void look_at_blocks(const Search *s, double brightness) {
    float own = (float)(s->bit * OWN_VECTOR_BITS);
    memset(s->alone, 0, (size_t)s->blocks * sizeof *s->alone);
    memset(s->followed, 0, (size_t)s->blocks * sizeof *s->followed);
    for (int i = 0; i < s->count; i++) {
        const Sample *at = &s->samples[i];
        const Vector *v = &s->vectors[at->block];
        add_error(s, s->alone, at, at->x, at->y, brightness);
        add_error(s, s->followed, at, at->x + (double)v->v[0], at->y + (double)v->v[1], brightness);
    }
    for (int i = 0; i < s->blocks; i++)
        if (s->followed[i] + own < s->alone[i]) s->alone[i] = s->followed[i] + own;
}

/* What the whole picture costs with a model, each block following it or not, and the bits of the model; in bits. */
static double cost_of(const Search *s, const DfyGlobalMotion *model, double brightness) {
    DfyRangeCoder measure = {.mode = DFY_MEASURE};
    double sum = 0, own = s->bit * OWN_VECTOR_BITS;
    Fit f = {{0}};
    for (int k = 0; k < DFY_GLOBAL_PARAMETERS; k++) f.p[k] = model->parameter[k] / 16.0;
    memset(s->followed, 0, (size_t)s->blocks * sizeof *s->followed);
    for (int i = 0; i < s->count; i++) {
        const Sample *at = &s->samples[i];
        double v[2];
        vector_at(s, &f, at->x, at->y, v);
        add_error(s, s->followed, at, at->x + v[0], at->y + v[1], brightness);
    }
    for (int i = 0; i < s->blocks; i++) sum += fmin((double)s->followed[i], (double)s->alone[i] + own);
    s->picture->global[s->direction] = *model;
    dfy_code_global_model(&measure, s->contexts, s->picture, s->direction);
    return sum / s->bit + (double)measure.cost / 256;
}

static DfyGlobalMotion rounded(const Fit *f, int kind) {
    DfyGlobalMotion model = {.kind = (int16_t)kind};
    for (int k = 0; k < dfy_global_parameters(kind); k++)
        model.parameter[k] = (int16_t)dfy_clamp((int)lrint(fmin(fmax(16 * f->p[k], -8191), 8191)), -8191, 8191);
    return model;
}

/* Models that start from a turn: as it says, and fitted to the pixels. Returns how many. */
static int try_turn(const Search *s, DfyGlobalMotion *tries, const Fit *turned) {
    Fit affine = *turned, full = *turned;
    tries[0] = rounded(turned, DFY_GLOBAL_PERSPECTIVE);
    fit_pixels(s, &affine, DFY_GLOBAL_AFFINE, 4);
    tries[1] = rounded(&affine, DFY_GLOBAL_AFFINE);
    fit_pixels(s, &full, DFY_GLOBAL_PERSPECTIVE, 4);
    tries[2] = rounded(&full, DFY_GLOBAL_PERSPECTIVE);
    return 3;
}

/*
 * The best of no model, the one that is guessed without a bit, and those that are fitted, from the blocks' vectors and
 * from what the gyroscope says (NULL: nothing).
 */
static void choose(Search *s, Fit *straight, const Fit *turned) {
    Fit shift = {{straight->p[0], straight->p[1]}};
    DfyGlobalMotion tries[7], best = {0}, guessed = dfy_guess_global_motion(s->picture, s->direction);
    int count = 0;
    double least = 0;
    fit_pixels(s, straight, DFY_GLOBAL_AFFINE, 4);
    shift.p[8] = straight->p[8];
    fit_pixels(s, &shift, DFY_GLOBAL_SHIFT, 3);
    tries[count++] = rounded(&shift, DFY_GLOBAL_SHIFT);
    tries[count++] = rounded(straight, DFY_GLOBAL_AFFINE);
    fit_pixels(s, straight, DFY_GLOBAL_PERSPECTIVE, 3);
    tries[count++] = rounded(straight, DFY_GLOBAL_PERSPECTIVE);
    if (guessed.kind) tries[count++] = guessed;
    if (turned) count += try_turn(s, tries + count, turned);
    look_at_blocks(s, straight->p[8]);
    for (int i = 0; i < s->blocks; i++) least += (double)s->alone[i] / s->bit;
    for (int i = 0; i < count; i++) {
        double cost = cost_of(s, &tries[i], straight->p[8]);
        if (cost >= least) continue;
        least = cost;
        best = tries[i];
    }
    s->picture->global[s->direction] = best;
}

int dfy_find_global_motion(DfyPictureCoding *picture, DfyContexts *contexts, const DfyFrame *source,
                           const DfyPropagation *propagation, int number, int direction, uint32_t lambda,
                           const double turn[9]) {
    const DfyPlane *luma = &source->plane[0];
    Search s = {.picture = picture,
                .contexts = contexts,
                .reference = &picture->references[direction]->plane[0],
                .direction = direction,
                .width = luma->width,
                .height = luma->height,
                .reach = 1 << dfy_global_reach(luma->width, luma->height),
                .bit = fmax(lambda / 256.0, 1),
                .columns = (luma->width + BLOCK - 1) / BLOCK};
    s.blocks = s.columns * ((luma->height + BLOCK - 1) / BLOCK);
    size_t blocks = (size_t)s.blocks;
    s.vectors = malloc(blocks * sizeof *s.vectors);
    s.alone = malloc(blocks * sizeof *s.alone);
    s.followed = malloc(blocks * sizeof *s.followed);
    s.samples = malloc(COMPARED * sizeof *s.samples);
    int ok = s.vectors && s.alone && s.followed && s.samples;
    Fit straight, turned;
    int turns = ok && turn && fit_turn(&s, &turned, turn);
    int moves = ok && get_vectors(&s, propagation, number) && fit_vectors(&s, &straight);
    if (turns && !moves) straight = turned;
    if (turns || moves) {
        place_samples(&s, luma);
        if (s.count > UNKNOWNS * FITTED) choose(&s, &straight, turns ? &turned : NULL);
    }
    free(s.vectors);
    free(s.alone);
    free(s.followed);
    free(s.samples);
    return ok ? DFY_OK : DFY_ERROR_MEMORY;
}
