#include "video/encode/temporal.h"

#include <stdlib.h>
#include <string.h>

#define SIDE 16
#define DIFFERENT 400 /* mean squared difference of squares that show different things */
#define LEAST_QP 14   /* finer pictures are to keep what they have */

typedef struct Filter {
    const DfyFrame *source;
    DfyFrame *out;
    DfyFrame *neighbours[2 * DFY_FILTER_REACH];
    int distances[2 * DFY_FILTER_REACH];
    int count;
    const DfyKernels *kernels;
    uint8_t weights[2][DFY_FILTER_REACH][256]; /* luma, chroma; by distance in frames - 1 and difference of pixels */
} Filter;

/* 64 exp(-(d / sigma)^2 / 2), in steps of sigma / 8. */
static const uint8_t bell[32] = {64, 64, 62, 60, 56, 53, 48, 44, 39, 34, 29, 25, 21, 17, 14, 11,
                                 9,  7,  5,  4,  3,  2,  1,  1,  1,  0,  0,  0,  0,  0,  0,  0};

static void make_weights(Filter *f, int qp) {
    static const uint8_t strength[DFY_FILTER_REACH] = {33, 22, 16, 13}; /* of 64; 16-bit sums hold 128 in all */
    for (int chroma = 0; chroma < 2; chroma++) {
        int sigma = chroma ? 60 : (qp - 10) * 6; /* eighths of a pixel value */
        for (int n = 0; n < DFY_FILTER_REACH; n++)
            for (int d = 0; d < 256; d++) {
                int at = d * 64 / sigma;
                f->weights[chroma][n][d] = at < 32 ? (uint8_t)((bell[at] * strength[n] + 32) / 64) : 0;
            }
    }
}

/* Where the block at (x, y) lies in a neighbour. */
static void find(const Filter *f, const DfyPictureCoding *picture, const int rectangle[4], int16_t left[2]) {
    static const int16_t none[2][2];
    const DfyPlane *p = &f->source->plane[0], *q = &picture->references[0]->plane[0];
    ptrdiff_t at = rectangle[1] * p->stride + rectangle[0];
    int area = rectangle[2] * rectangle[3];
    if (f->kernels->sad(p->pixels + at, p->stride, q->pixels + at, q->stride, rectangle[2], rectangle[3]) <
        (uint32_t)area * 3 / 2) {
        left[0] = left[1] = 0;
        return;
    }
    int16_t starts[1][2] = {{left[0], left[1]}};
    DfySearch search = {.picture = picture,
                        .source = f->source,
                        .lambda = 0,
                        .steps = 8,
                        .reference = 0,
                        .starts = (const int16_t(*)[2])starts,
                        .start_count = 1,
                        .known = INT64_MAX};
    memcpy(search.rectangle, rectangle, sizeof search.rectangle);
    memcpy(search.predictors, none, sizeof none);
    dfy_search(&search, left);
}

static void add(const uint8_t weights[256], const uint8_t *own, ptrdiff_t stride, const uint8_t *other, int width,
                int height, uint16_t *sum, uint16_t *weight) {
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            int w = weights[abs(own[y * stride + x] - other[y * SIDE + x])];
            sum[y * SIDE + x] = (uint16_t)(sum[y * SIDE + x] + w * other[y * SIDE + x]);
            weight[y * SIDE + x] = (uint16_t)(weight[y * SIDE + x] + w);
        }
}

static void filter_row(void *context, int row, int thread) {
    const Filter *f = context;
    const DfyPlane *luma = &f->source->plane[0];
    int16_t left[2 * DFY_FILTER_REACH][2] = {{0}};
    int y = row * SIDE, height = luma->height - y < SIDE ? luma->height - y : SIDE;
    DfyPictureCoding picture = {.kernels = f->kernels, .reference_count = 1};
    (void)thread;
    for (int x = 0; x < luma->width; x += SIDE) {
        int rectangle[4] = {x, y, luma->width - x < SIDE ? luma->width - x : SIDE, height};
        uint16_t sum[3][SIDE * SIDE] = {{0}}, weight[3][SIDE * SIDE] = {{0}};
        for (int n = 0; n < f->count; n++) {
            picture.references[0] = f->neighbours[n];
            find(f, &picture, rectangle, left[n]);
            DfyMotion motion = {.mv = {{left[n][0], left[n][1]}}, .reference = {0, -1}};
            for (int p = 0; p < 3; p++) {
                const DfyPlane *plane = &f->source->plane[p];
                uint8_t other[SIDE * SIDE];
                dfy_predict_rectangle(&picture, &motion, p, rectangle, other, SIDE);
                add(f->weights[p > 0][f->distances[n] - 1],
                    plane->pixels + (y >> (p > 0)) * plane->stride + (x >> (p > 0)), plane->stride, other,
                    rectangle[2] >> (p > 0), height >> (p > 0), sum[p], weight[p]);
            }
        }
        for (int p = 0; p < 3; p++) {
            const DfyPlane *from = &f->source->plane[p], *to = &f->out->plane[p];
            int shift = p > 0;
            for (int j = 0; j < height >> shift; j++)
                for (int i = 0; i < rectangle[2] >> shift; i++) {
                    int at = j * SIDE + i, all = weight[p][at] + 64;
                    int own = from->pixels[((y >> shift) + j) * from->stride + (x >> shift) + i];
                    to->pixels[((y >> shift) + j) * to->stride + (x >> shift) + i] =
                        (uint8_t)((sum[p][at] + 64 * own + all / 2) / all);
                }
        }
    }
}

/* Whether most of the view is another: not for what moves before the camera, however large it is. */
static int is_cut(const Filter *f, const DfyFrame *other) {
    const DfyPlane *a = &f->source->plane[0], *b = &other->plane[0];
    int differ = 0, all = 0;
    for (int y = 0; y + 8 <= a->height; y += 16)
        for (int x = 0; x + 8 <= a->width; x += 16, all++)
            differ += f->kernels->sse(a->pixels + y * a->stride + x, a->stride, b->pixels + y * b->stride + x,
                                      b->stride, 8, 8) > 64 * DIFFERENT;
    return differ * 4 > all * 3;
}

int dfy_temporal_filter(DfyPool *pool, DfyFrame *out, DfyFrame *const *sources, int number, int count, int qp) {
    Filter f = {.source = sources[number], .out = out, .kernels = dfy_kernels()};
    if (qp < LEAST_QP) return 0;
    for (int d = -DFY_FILTER_REACH; d <= DFY_FILTER_REACH; d++) {
        if (!d || number + d < 0 || number + d >= count) continue;
        if (is_cut(&f, sources[number + d])) continue;
        dfy_frame_extend(sources[number + d]);
        f.neighbours[f.count] = sources[number + d];
        f.distances[f.count++] = abs(d);
    }
    if (!f.count) return 0;
    make_weights(&f, qp);
    dfy_pool_run(pool, (f.source->plane[0].height + SIDE - 1) / SIDE, filter_row, &f);
    return 1;
}
