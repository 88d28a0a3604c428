#include "video/encode/lookahead/mctf.h"

#include <stdlib.h>
#include <string.h>

#include "dsp/copy.h"

#define SIDE DFY_MCTF_SIDE
#define DIFFERENT 400 /* mean squared difference of blocks that show different things */
#define LEAST_QP 14   /* finer pictures are to keep what they have */

typedef struct Filter {
    const DfyFrame *source;
    DfyFrame *out;
    DfyFrame *neighbours[2 * DFY_MCTF_REACH];
    int distances[2 * DFY_MCTF_REACH];
    int count;
    const DfyKernels *kernels;
    DfyMctfWeights weights[2][DFY_MCTF_REACH]; /* luma, chroma; by distance in frames - 1 */
} Filter;

static void make_weights(Filter *f, int qp) {
    static const uint8_t strength[DFY_MCTF_REACH] = {33, 22, 16, 13}; /* of 64; 16-bit sums hold 128 in all */
    for (int chroma = 0; chroma < 2; chroma++) {
        int sigma = chroma ? 60 : (qp - 10) * 6; /* eighths of a pixel value */
        for (int n = 0; n < DFY_MCTF_REACH; n++) dfy_mctf_weigh(&f->weights[chroma][n], sigma, strength[n]);
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

/* The pixels of a plane at a place of luma. */
static uint8_t *pixels_at(const DfyFrame *frame, int plane, int x, int y) {
    const DfyPlane *p = &frame->plane[plane];
    return p->pixels + (y >> (plane > 0)) * p->stride + (x >> (plane > 0));
}

/* Kernels take 8 or 16 columns: what lies beside a narrow block is filtered too, and dropped. */
static int columns(const int rectangle[4], int plane) {
    return rectangle[2] >> (plane > 0) > 8 ? 16 : 8;
}

/* What the neighbours show of the block, weighed, is added up; left: their motion at the block to the left, and here.
 */
static void add_neighbours(const Filter *f, const int rectangle[4], int16_t left[][2], uint16_t sum[3][SIDE * SIDE],
                           uint16_t weight[3][SIDE * SIDE]) {
    DfyPictureCoding picture = {.kernels = f->kernels, .reference_count = 1};
    for (int n = 0; n < f->count; n++) {
        picture.references[0] = f->neighbours[n];
        find(f, &picture, rectangle, left[n]);
        DfyMotion motion = {.mv = {{left[n][0], left[n][1]}}, .reference = {0, -1}};
        for (int p = 0; p < 3; p++) {
            uint8_t other[SIDE * SIDE] = {0};
            dfy_predict_rectangle(&picture, &motion, p, rectangle, other, SIDE);
            f->kernels->mctf_add(sum[p], weight[p], pixels_at(f->source, p, rectangle[0], rectangle[1]),
                                 f->source->plane[p].stride, other, columns(rectangle, p), rectangle[3] >> (p > 0),
                                 &f->weights[p > 0][f->distances[n] - 1]);
        }
    }
}

static void filter_row(void *context, int row, int thread) {
    const Filter *f = context;
    const DfyPlane *luma = &f->source->plane[0];
    int16_t left[2 * DFY_MCTF_REACH][2] = {{0}};
    int y = row * SIDE, height = luma->height - y < SIDE ? luma->height - y : SIDE;
    (void)thread;
    for (int x = 0; x < luma->width; x += SIDE) {
        int rectangle[4] = {x, y, luma->width - x < SIDE ? luma->width - x : SIDE, height};
        uint16_t sum[3][SIDE * SIDE] = {{0}}, weight[3][SIDE * SIDE] = {{0}};
        add_neighbours(f, rectangle, left, sum, weight);
        for (int p = 0; p < 3; p++) {
            uint8_t pixels[SIDE * SIDE];
            f->kernels->mctf_mean(pixels, SIDE, pixels_at(f->source, p, x, y), f->source->plane[p].stride, sum[p],
                                  weight[p], columns(rectangle, p), height >> (p > 0));
            dfy_copy_block(pixels_at(f->out, p, x, y), f->out->plane[p].stride, pixels, SIDE, rectangle[2] >> (p > 0),
                           height >> (p > 0));
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

int dfy_mctf(DfyPool *pool, DfyFrame *out, DfyFrame *const *sources, int number, int count, int qp, int reach) {
    Filter f = {.source = sources[number], .out = out, .kernels = dfy_kernels()};
    if (qp < LEAST_QP) return 0;
    for (int d = -reach; d <= reach; d++) {
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
