#include "video/encode/propagate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/kernels.h"

#define SIDE 16      /* pixels of a block */
#define BEYOND 12.0f /* frames that the last anchor seen is thought to serve further; 8 and 16 are as good */
/* Quantiser steps for a doubling of worth: between the squares of a picture (1.5 is as good), and between pictures. */
#define STRENGTH 1.0f
#define PICTURE_STRENGTH 3.0f
#define MOST 8 /* largest offset */
/*
 * The quantiser of a picture that nothing is known to take from, above the group's. On 300 frames of five clips this
 * and a strength of 3 took 4.5 % fewer bytes than steps by level did, 9.5 and 2.4, which was better on 81 frames, less
 * than 2 %: over many groups a lower one codes the noise of what stands still once a group.
 */
#define WORTHLESS 13.0f

/* What is known of a block: costs in absolute Hadamard differences, and where it would be predicted from. */
typedef struct Look {
    uint32_t intra, inter;
    int16_t vector[2][2]; /* to the past and the future picture, whole pixels */
    uint8_t uses;         /* bit 0: past, bit 1: future */
} Look;

/* A picture looked at and those that enclosed it, by what their luma hashes to; 0: none. */
typedef struct Key {
    uint64_t source, past, future;
} Key;

struct DfyPropagation {
    int columns, rows, width, height;
    Look *looks[DFY_MAX_AHEAD + 1];       /* by number */
    Key keys[DFY_MAX_AHEAD + 1];          /* of the looks */
    float *importance[DFY_MAX_AHEAD + 1]; /* information that later pictures take from the block */
    float mean[DFY_MAX_AHEAD + 1];        /* worth of its blocks */
    int alone;                            /* there is one picture and no other to compare it with */
};

/* A picture to look at, with those that would enclose it; NULL: none. */
typedef struct View {
    const DfyFrame *source, *past, *future;
    Look *out;
} View;

/* All the pictures to look at. */
typedef struct Views {
    const DfyPropagation *propagation;
    View view[2 * DFY_MAX_GROUP];
} Views;

DfyPropagation *dfy_propagation_new(int width, int height) {
    DfyPropagation *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    p->width = dfy_coded_size(width);
    p->height = dfy_coded_size(height);
    p->columns = (p->width + SIDE - 1) / SIDE;
    p->rows = (p->height + SIDE - 1) / SIDE;
    size_t count = (size_t)(p->columns * p->rows);
    for (int i = 0; i <= DFY_MAX_AHEAD; i++) {
        p->looks[i] = calloc(count, sizeof *p->looks[i]);
        p->importance[i] = calloc(count, sizeof *p->importance[i]);
        if (p->looks[i] && p->importance[i]) continue;
        dfy_propagation_free(p);
        return NULL;
    }
    return p;
}

void dfy_propagation_free(DfyPropagation *p) {
    if (!p) return;
    for (int i = 0; i <= DFY_MAX_AHEAD; i++) {
        free(p->looks[i]);
        free(p->importance[i]);
    }
    free(p);
}

/* ---------------------------------------------------------------- looking */

static int clamp_place(int value, int limit) {
    return dfy_clamp(value, 0, limit);
}

static const uint8_t *at(const DfyFrame *frame, int x, int y) {
    return frame->plane[0].pixels + y * frame->plane[0].stride + x;
}

/* Whole-pixel search by hexagons from the neighbours' vectors; blocks stay inside the picture. */
static uint32_t search(const DfyPropagation *p, const DfyFrame *source, const DfyFrame *from, int x, int y, int w,
                       int h, const int16_t starts[3][2], int16_t vector[2]) {
    static const int8_t hexagon[6][2] = {{-2, 0}, {-1, -2}, {1, -2}, {2, 0}, {1, 2}, {-1, 2}};
    static const int8_t cross[4][2] = {{-1, 0}, {1, 0}, {0, -1}, {0, 1}};
    const DfyKernels *k = dfy_kernels();
    ptrdiff_t stride = source->plane[0].stride;
    const uint8_t *block = at(source, x, y);
    int bx = x, by = y;
    uint32_t best = k->sad(block, stride, at(from, x, y), stride, w, h);
    if (best > (uint32_t)(w * h)) {
        for (int i = 0; i < 3; i++) {
            int cx = clamp_place(x + starts[i][0], p->width - w), cy = clamp_place(y + starts[i][1], p->height - h);
            uint32_t cost = k->sad(block, stride, at(from, cx, cy), stride, w, h);
            if (cost < best) best = cost, bx = cx, by = cy;
        }
        for (int step = 0, moved = 1; step < 16 && moved; step++) {
            int ox = bx, oy = by;
            moved = 0;
            for (int i = 0; i < 6; i++) {
                int cx = clamp_place(ox + hexagon[i][0], p->width - w),
                    cy = clamp_place(oy + hexagon[i][1], p->height - h);
                uint32_t cost = k->sad(block, stride, at(from, cx, cy), stride, w, h);
                if (cost < best) best = cost, bx = cx, by = cy, moved = 1;
            }
        }
        int ox = bx, oy = by;
        for (int i = 0; i < 4; i++) {
            int cx = clamp_place(ox + cross[i][0], p->width - w), cy = clamp_place(oy + cross[i][1], p->height - h);
            uint32_t cost = k->sad(block, stride, at(from, cx, cy), stride, w, h);
            if (cost < best) best = cost, bx = cx, by = cy;
        }
    }
    vector[0] = (int16_t)(bx - x);
    vector[1] = (int16_t)(by - y);
    return k->satd(block, stride, at(from, bx, by), stride, w, h);
}

/* Intra cost: against the flat block and against the row above and the column left, from the source itself. */
static uint32_t look_intra(const DfyFrame *source, int x, int y, int w, int h) {
    const DfyKernels *k = dfy_kernels();
    ptrdiff_t stride = source->plane[0].stride;
    const uint8_t *block = at(source, x, y);
    uint8_t guess[3][SIDE * SIDE];
    unsigned sum = 0;
    for (int j = 0; j < h; j++)
        for (int i = 0; i < w; i++) sum += block[j * stride + i];
    memset(guess[0], (int)(sum / (unsigned)(w * h)), sizeof guess[0]);
    uint32_t best = k->satd(block, stride, guess[0], SIDE, w, h);
    for (int j = 0; j < h; j++) {
        memset(guess[1] + j * SIDE, block[j * stride - (x > 0)], (size_t)w);
        memcpy(guess[2] + j * SIDE, block - (y > 0 ? stride : 0), (size_t)w);
    }
    for (int g = 1; g < 3; g++) {
        uint32_t cost = k->satd(block, stride, guess[g], SIDE, w, h);
        if (cost < best) best = cost;
    }
    return best;
}

/* The block's costs and vectors; `look` lies in its row after those of the blocks to its left. */
static void look_at_block(const DfyPropagation *p, const View *view, int x, int y, Look *look) {
    const DfyKernels *k = dfy_kernels();
    const Look *left = x ? look - 1 : look;
    int w = p->width - x < SIDE ? p->width - x : SIDE, h = p->height - y < SIDE ? p->height - y : SIDE;
    memset(look, 0, sizeof *look);
    look->intra = look_intra(view->source, x, y, w, h) + (uint32_t)(w * h) / 4;
    look->inter = look->intra;
    const DfyFrame *from[2] = {view->past, view->future};
    for (int d = 0; d < 2; d++) {
        if (!from[d]) continue;
        int16_t starts[3][2] = {{left->vector[d][0], left->vector[d][1]}, {0, 0}, {0, 0}};
        if (d && view->past) starts[1][0] = (int16_t)-look->vector[0][0], starts[1][1] = (int16_t)-look->vector[0][1];
        if (x > SIDE) memcpy(starts[2], (look - 2)->vector[d], sizeof starts[2]);
        uint32_t cost = search(p, view->source, from[d], x, y, w, h, (const int16_t(*)[2])starts, look->vector[d]);
        if (cost >= look->inter) continue;
        look->inter = cost;
        look->uses = (uint8_t)(1 << d);
    }
    if (!view->past || !view->future) return;
    uint8_t mixed[SIDE * SIDE];
    ptrdiff_t stride = view->source->plane[0].stride;
    k->mean(mixed, SIDE, at(view->past, x + look->vector[0][0], y + look->vector[0][1]), stride,
            at(view->future, x + look->vector[1][0], y + look->vector[1][1]), stride, w, h);
    uint32_t both = k->satd(at(view->source, x, y), stride, mixed, SIDE, w, h);
    if (both >= look->inter) return;
    look->inter = both;
    look->uses = 3;
}

static void look_at_row(void *context, int number, int thread) {
    const Views *views = context;
    const DfyPropagation *p = views->propagation;
    const View *view = &views->view[number / p->rows];
    int row = number % p->rows;
    (void)thread;
    for (int column = 0; column < p->columns; column++)
        look_at_block(p, view, column * SIDE, row * SIDE, &view->out[row * p->columns + column]);
}

static uint64_t hash_luma(const DfyPropagation *p, const DfyFrame *frame) {
    uint64_t hash = 14695981039346656037u; /* FNV-1a's, of eight pixels at a time */
    for (int y = 0; y < p->height; y++)
        for (int x = 0; x < p->width; x += 8) {
            uint64_t pixels;
            memcpy(&pixels, at(frame, x, y), sizeof pixels);
            hash = (hash ^ pixels) * 1099511628211u;
            hash ^= hash >> 32;
        }
    return hash | 1;
}

/*
 * Gives each picture's number the look that was had at it before, between the same pictures: those of a group were seen
 * when it lay ahead. What is to be looked at goes to views; returns how many that are.
 */
static int keep_looks(DfyPropagation *p, const View *wanted, const int *numbers, const Key *keys, int count,
                      View *views) {
    Look *looks[DFY_MAX_AHEAD + 1] = {NULL};
    int fresh[2 * DFY_MAX_GROUP], missing = 0;
    for (int i = 0; i < count; i++) {
        int j = 0;
        while (j <= DFY_MAX_AHEAD && (!p->looks[j] || memcmp(&p->keys[j], &keys[i], sizeof keys[i]) != 0)) j++;
        if (j <= DFY_MAX_AHEAD) {
            looks[numbers[i]] = p->looks[j];
            p->looks[j] = NULL;
        } else {
            fresh[missing++] = i;
        }
    }
    for (int n = 0, j = 0; n <= DFY_MAX_AHEAD; n++) {
        if (looks[n]) continue;
        while (!p->looks[j]) j++;
        looks[n] = p->looks[j++];
    }
    memcpy(p->looks, looks, sizeof looks);
    memset(p->keys, 0, sizeof p->keys);
    for (int i = 0; i < count; i++) p->keys[numbers[i]] = keys[i];
    for (int i = 0; i < missing; i++) {
        views[i] = wanted[fresh[i]];
        views[i].out = p->looks[numbers[fresh[i]]];
    }
    return missing;
}

/* Looks at all pictures; what is seen of one is not needed for another. */
static void look_at_pictures(DfyPropagation *p, DfyPool *pool, const DfyGroupPicture *pictures, int count,
                             const DfyFrame *anchor, DfyFrame *const *sources) {
    Views views = {.propagation = p};
    View wanted[2 * DFY_MAX_GROUP];
    Key keys[2 * DFY_MAX_GROUP];
    int numbers[2 * DFY_MAX_GROUP];
    uint64_t hashes[DFY_MAX_AHEAD + 1] = {anchor ? hash_luma(p, anchor) : 0};
    for (int i = 1; i <= count; i++) hashes[i] = hash_luma(p, sources[i - 1]);
    for (int i = 0; i < count; i++) {
        int past = pictures[i].past, future = pictures[i].future;
        numbers[i] = pictures[i].number;
        wanted[i] = (View){.source = sources[numbers[i] - 1],
                           .past = past ? sources[past - 1] : anchor,
                           .future = future >= 0 ? sources[future - 1] : NULL};
        keys[i] = (Key){hashes[numbers[i]], hashes[past], future >= 0 ? hashes[future] : 0};
    }
    int missing = keep_looks(p, wanted, numbers, keys, count, views.view);
    dfy_pool_run(pool, missing * p->rows, look_at_row, &views);
}

/* ---------------------------------------------------------------- propagating */

/* Adds `amount` to the blocks that the moved block lies on, by area. */
static void give(const DfyPropagation *p, float *importance, int x, int y, float amount) {
    int cx = x / SIDE, cy = y / SIDE, fx = x % SIDE, fy = y % SIDE;
    for (int j = 0; j < 2; j++)
        for (int i = 0; i < 2; i++) {
            int share = (i ? fx : SIDE - fx) * (j ? fy : SIDE - fy);
            if (!share || cx + i >= p->columns || cy + j >= p->rows) continue;
            importance[(cy + j) * p->columns + cx + i] += amount * (float)share / (SIDE * SIDE);
        }
}

static void propagate_picture(DfyPropagation *p, int number, int past, int future) {
    const Look *look = p->looks[number];
    const float *own = p->importance[number];
    for (int row = 0; row < p->rows; row++)
        for (int column = 0; column < p->columns; column++, look++, own++) {
            if (!look->uses) continue;
            float amount = ((float)look->intra + *own) * (1.0f - (float)look->inter / (float)look->intra);
            if (look->uses == 3) amount *= 0.5f;
            for (int d = 0; d < 2; d++)
                if (look->uses >> d & 1)
                    give(p, p->importance[d ? future : past], column * SIDE + look->vector[d][0],
                         row * SIDE + look->vector[d][1], amount);
        }
}

/* log2(1 + importance / information) of a block. */
static float worth(const DfyPropagation *p, int number, int i) {
    return log2f(1.0f + p->importance[number][i] / (float)p->looks[number][i].intra);
}

void dfy_propagate(DfyPropagation *p, DfyPool *pool, const DfyFrame *anchor, DfyFrame *const *sources, int frames,
                   int ahead) {
    DfyGroupPicture pictures[2 * DFY_MAX_GROUP];
    int count = frames + ahead, blocks = p->columns * p->rows;
    dfy_group_order_pictures(pictures, frames);
    if (ahead) dfy_group_order_pictures(pictures + frames, ahead);
    for (int i = frames; i < count; i++) {
        pictures[i].number += frames;
        pictures[i].past += frames;
        if (pictures[i].future >= 0) pictures[i].future += frames;
    }
    for (int i = 0; i <= count; i++) memset(p->importance[i], 0, (size_t)blocks * sizeof(float));
    look_at_pictures(p, pool, pictures, count, anchor, sources);
    if (ahead) /* beyond what is seen, what was predictable will go on being so */
        for (int i = 0; i < blocks; i++) {
            const Look *look = &p->looks[count][i];
            p->importance[count][i] = BEYOND * (float)(look->intra - look->inter);
        }
    for (int i = count - 1; i >= 0; i--)
        propagate_picture(p, pictures[i].number, pictures[i].past, pictures[i].future >= 0 ? pictures[i].future : 0);
    p->alone = count == 1 && !anchor;
    for (int n = 1; n <= frames; n++) {
        double sum = 0, weight = 0;
        for (int i = 0; i < blocks; i++) {
            sum += (double)worth(p, n, i) * p->looks[n][i].intra;
            weight += p->looks[n][i].intra;
        }
        p->mean[n] = (float)(sum / weight);
    }
}

int dfy_propagated_step(const DfyPropagation *p, int number) {
    if (p->alone) return 0;
    return dfy_clamp((int)lrintf(WORTHLESS - p->mean[number] * PICTURE_STRENGTH), -MOST, MOST);
}

int dfy_propagated_offset(const DfyPropagation *p, int number, int x, int y) {
    float sum = 0, weight = 0;
    for (int row = y / SIDE; row < y / SIDE + 2 && row < p->rows; row++)
        for (int column = x / SIDE; column < x / SIDE + 2 && column < p->columns; column++) {
            int i = row * p->columns + column;
            sum += worth(p, number, i) * (float)p->looks[number][i].intra;
            weight += (float)p->looks[number][i].intra;
        }
    if (weight <= 0) return 0;
    float offset = (p->mean[number] - sum / weight) * STRENGTH;
    return dfy_clamp((int)lrintf(offset), -MOST, MOST);
}
