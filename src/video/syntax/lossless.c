#include "video/syntax/lossless.h"

#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"
#include "entropy/logistic.h"

enum {
    STEPS = 16,  /* decisions of a difference: zero?, sign, then > 1, > 2, ... */
    UNARY = 13,  /* magnitudes up to it go by ones */
    PAD = 4,     /* entries before and behind a line of differences */
    GUIDES = 4,  /* predictors that are blended */
    CLASSES = 4, /* luma or chroma; with or without a picture before */
    /* Contexts of each guess. */
    CONTEXTS_0 = 16 * 4,
    CONTEXTS_1 = 4 * 4 * 3 * 3,
    CONTEXTS_2 = 16 * 64,
    CONTEXTS_3 = 5 * 5 * 16,
    CONTEXTS_4 = 9 * 9 * 8,
    CONTEXTS_5 = 16 * 16 * 3,
    CONTEXTS = CONTEXTS_0 + CONTEXTS_1 + CONTEXTS_2 + CONTEXTS_3 + CONTEXTS_4 + CONTEXTS_5,
    BIASES = 1024
};

typedef struct Models {
    DfyBit same, skip[3], moved[3], vector[2][64], vector_sign[2], escape[2][64];
    DfyGuess guesses[CLASSES][CONTEXTS][STEPS];
    int32_t weights[CLASSES][5][STEPS][DFY_GUESSES];
    int32_t bias[CLASSES][BIASES], bias_uses[CLASSES][BIASES];
} Models;

struct DfyLossless {
    int width, height, columns, rows, has_reference;
    DfyFrame *reference, *current, *predicted;
    DfyLosslessBlock *blocks;
    int16_t *differences[3], *before[3]; /* of this picture and the one before, lines of stride[plane] */
    ptrdiff_t stride[3];
    uint8_t *errors[2][GUIDES]; /* of the predictors, this line and the one above */
    DfyLogistic tables;
    uint8_t log_class[2048]; /* 0..15 of a sum */
    uint16_t trust[1024];    /* weight of a predictor by the error it made near by */
    Models models;
};

static int plane_width(const DfyLossless *l, int plane) {
    return plane ? (l->width + 1) / 2 : l->width;
}
static int plane_height(const DfyLossless *l, int plane) {
    return plane ? (l->height + 1) / 2 : l->height;
}

static void build_tables(DfyLossless *l) {
    static const uint16_t bounds[15] = {1, 2, 3, 4, 5, 7, 9, 12, 16, 21, 28, 38, 54, 80, 130};
    int class = 0;
    for (int i = 0; i < 2048; i++) {
        while (class < 15 && i >= bounds[class]) class ++;
        l->log_class[i] = (uint8_t) class;
    }
    for (int i = 0; i < 1024; i++) l->trust[i] = (uint16_t)(1 + 60000 / ((i + 2) * (i + 2) / 4));
    dfy_logistic_build(&l->tables);
}

DfyLossless *dfy_lossless_new(int width, int height) {
    DfyLossless *l = calloc(1, sizeof *l);
    if (!l) return NULL;
    l->width = width;
    l->height = height;
    l->columns = (width + DFY_LOSSLESS_BLOCK - 1) / DFY_LOSSLESS_BLOCK;
    l->rows = (height + DFY_LOSSLESS_BLOCK - 1) / DFY_LOSSLESS_BLOCK;
    l->reference = dfy_frame_new(width, height);
    l->current = dfy_frame_new(width, height);
    l->predicted = dfy_frame_new(width, height);
    l->blocks = calloc((size_t)l->columns * (size_t)l->rows, sizeof *l->blocks);
    int ok = l->reference && l->current && l->predicted && l->blocks;
    for (int p = 0; p < 3; p++) {
        l->stride[p] = plane_width(l, p) + 2 * PAD;
        size_t entries = (size_t)l->stride[p] * (size_t)(plane_height(l, p) + 3);
        l->differences[p] = calloc(entries, sizeof *l->differences[p]);
        l->before[p] = calloc(entries, sizeof *l->before[p]);
        ok &= l->differences[p] && l->before[p];
    }
    for (int i = 0; i < 2 * GUIDES; i++) ok &= (l->errors[i & 1][i >> 1] = calloc(1, (size_t)width + 2 * PAD)) != NULL;
    if (!ok) {
        dfy_lossless_free(l);
        return NULL;
    }
    build_tables(l);
    dfy_lossless_begin_run(l);
    return l;
}

void dfy_lossless_free(DfyLossless *l) {
    if (!l) return;
    dfy_frame_free(l->reference);
    dfy_frame_free(l->current);
    dfy_frame_free(l->predicted);
    for (int p = 0; p < 3; p++) {
        free(l->differences[p]);
        free(l->before[p]);
    }
    for (int i = 0; i < 2 * GUIDES; i++) free(l->errors[i & 1][i >> 1]);
    free(l->blocks);
    free(l);
}

void dfy_lossless_begin_run(DfyLossless *l) {
    Models *m = &l->models;
    DfyBit *bits = (DfyBit *)m;
    memset(m, 0, sizeof *m);
    for (size_t i = 0; i < offsetof(Models, guesses) / sizeof *bits; i++) bits[i] = DFY_BIT_EVEN;
    DfyGuess *guess = &m->guesses[0][0][0];
    for (size_t i = 0; i < sizeof m->guesses / sizeof *guess; i++) guess[i].p = 32768;
    int32_t *weight = &m->weights[0][0][0][0];
    for (size_t i = 0; i < sizeof m->weights / sizeof *weight; i++) weight[i] = 65536 * 3 / 10;
    for (int p = 0; p < 3; p++)
        memset(l->before[p], 0, (size_t)l->stride[p] * (size_t)(plane_height(l, p) + 3) * sizeof *l->before[p]);
    l->has_reference = 0;
}

const DfyFrame *dfy_lossless_last(const DfyLossless *l) {
    return l->has_reference ? l->reference : NULL;
}
int dfy_lossless_columns(const DfyLossless *l) {
    return l->columns;
}
int dfy_lossless_rows(const DfyLossless *l) {
    return l->rows;
}

/* ---------------------------------------------------------------- blocks */

void dfy_lossless_predict(const DfyFrame *reference, int plane, int x, int y, int columns, int rows,
                          const DfyLosslessBlock *block, uint8_t *dst, ptrdiff_t stride) {
    const DfyPlane *p = &reference->plane[plane];
    int dx = block->dx, dy = block->dy, half_x = plane && (dx & 1), half_y = plane && (dy & 1);
    if (plane) {
        dx = (dx - half_x) / 2;
        dy = (dy - half_y) / 2;
    }
    const uint8_t *src = p->pixels + (y + dy) * p->stride + x + dx;
    for (int j = 0; j < rows; j++, src += p->stride, dst += stride) {
        const uint8_t *low = src + (half_y ? p->stride : 0);
        if (!half_x && !half_y)
            memcpy(dst, src, (size_t)columns);
        else if (half_x != half_y)
            for (int i = 0; i < columns; i++) dst[i] = (uint8_t)((src[i] + low[i + half_x] + 1) >> 1);
        else
            for (int i = 0; i < columns; i++) dst[i] = (uint8_t)((src[i] + src[i + 1] + low[i] + low[i + 1] + 2) >> 2);
    }
}

/* One component against its guess; what reaches too far is cut, so that no bytes can point outside the border. */
static int8_t code_component(DfyRangeCoder *coder, Models *m, int axis, int guess, int value) {
    int difference = value - guess, magnitude = difference < 0 ? -difference : difference;
    magnitude = (int)dfy_code_golomb(coder, m->vector[axis], 1, (uint32_t)magnitude);
    difference = dfy_clamp(dfy_code_sign(coder, &m->vector_sign[axis], magnitude, difference), -255, 255);
    return (int8_t)dfy_clamp(guess + difference, -DFY_LOSSLESS_REACH, DFY_LOSSLESS_REACH);
}

static void code_block(DfyLossless *l, DfyRangeCoder *coder, int column, int row) {
    static const DfyLosslessBlock none = {0};
    Models *m = &l->models;
    DfyLosslessBlock *s = &l->blocks[row * l->columns + column];
    const DfyLosslessBlock *left = column ? s - 1 : &none, *above = row ? s - l->columns : &none;
    s->skip = (uint8_t)dfy_code_bit(coder, &m->skip[left->skip + above->skip], s->skip);
    int context = (left->dx || left->dy) + (above->dx || above->dy);
    const DfyLosslessBlock *guess = context == 1 && !(left->dx || left->dy) ? above : left;
    int moved = dfy_code_bit(coder, &m->moved[context], s->dx != guess->dx || s->dy != guess->dy);
    if (moved) {
        s->dx = code_component(coder, m, 0, guess->dx, s->dx);
        s->dy = code_component(coder, m, 1, guess->dy, s->dy);
    } else {
        s->dx = guess->dx;
        s->dy = guess->dy;
    }
}

static void predict_blocks(DfyLossless *l, int row) {
    for (int plane = 0; plane < 3; plane++) {
        int side = DFY_LOSSLESS_BLOCK >> (plane > 0), y = row * side, rows = plane_height(l, plane) - y;
        DfyPlane *p = &l->predicted->plane[plane];
        if (rows > side) rows = side;
        for (int column = 0; column < l->columns; column++) {
            int x = column * side, columns = plane_width(l, plane) - x;
            if (columns > side) columns = side;
            dfy_lossless_predict(l->reference, plane, x, y, columns, rows, &l->blocks[row * l->columns + column],
                                 p->pixels + y * p->stride + x, p->stride);
        }
        for (int j = 0; j < rows; j++) { /* one more at both ends */
            uint8_t *line = p->pixels + (y + j) * p->stride;
            line[-1] = line[0];
            line[plane_width(l, plane)] = line[plane_width(l, plane) - 1];
        }
    }
}

/* ---------------------------------------------------------------- samples */

static inline int median(int a, int b, int c) {
    int least = a < b ? a : b, most = a < b ? b : a;
    return c < least ? least : c > most ? most : c;
}
static inline int magnitude_of(int value) {
    return value < 0 ? -value : value;
}
/* -4..4 as 0..8: how far apart, roughly. */
static inline int signed_class(int value) {
    int m = magnitude_of(value), class = m < 1 ? 0 : m < 2 ? 1 : m < 4 ? 2 : m < 9 ? 3 : 4;
    return value < 0 ? 4 - class : 4 + class;
}
static inline int small_class(int value) {
    return value < 1 ? 0 : value < 2 ? 1 : value < 4 ? 2 : value < 9 ? 3 : 4;
}

/* What is looked at to code one sample. */
typedef struct Line {
    uint8_t *x, *above, *above2; /* this picture */
    const uint8_t *t, *t_above;  /* predicted from the picture before */
    int16_t *d, *d_above, *d_above2;
    const int16_t *before, *other; /* differences of the picture before; of another plane at this place */
    int other_shift;
    uint8_t *e[GUIDES], *e_above[GUIDES];
    int y, inter, class;
} Line;

typedef struct Sample {
    int guide[GUIDES], prediction, exact, bias_class, matches;
    DfyGuess (*guesses[DFY_GUESSES])[STEPS];
    int32_t (*weights)[DFY_GUESSES];
} Sample;

static inline void find_guides(const Line *line, int i, Sample *s) {
    const uint8_t *x = line->x + i, *n = line->above + i;
    int w = x[-1], north = n[0], nw = n[-1], ne = n[1];
    int med = median(w, north, w + north - nw);
    if (line->inter) {
        const uint8_t *t = line->t + i, *tn = line->t_above + i;
        int dw = w - t[-1], dn = north - tn[0], dnw = nw - tn[-1], dne = ne - tn[1];
        s->matches = (dw == 0) + (dn == 0) * 2 + (dnw == 0) * 4 + (dne == 0) * 8;
        s->guide[0] = t[0];
        s->guide[1] = dfy_clamp_pixel(t[0] + median(dw, dn, dw + dn - dnw));
        s->guide[2] = med;
        s->guide[3] = dfy_clamp_pixel(t[0] + ((3 * dw + 3 * dn + dnw + dne + 4) >> 3));
    } else {
        s->matches = 0;
        s->guide[0] = med;
        s->guide[1] = dfy_clamp_pixel(((w + north) >> 1) + ((ne - nw) >> 2));
        s->guide[2] = dfy_clamp_pixel(w + ne - north);
        s->guide[3] = dfy_clamp_pixel(north + ((north - line->above2[i]) >> 1));
    }
}

static inline void predict(const DfyLossless *l, const Line *line, int i, Sample *s, int *least) {
    uint32_t sum = 0, all = 0;
    *least = 1023;
    for (int g = 0; g < GUIDES; g++) {
        const uint8_t *e = line->e[g] + i, *above = line->e_above[g] + i;
        int error = e[-1] * 2 + above[0] * 2 + above[-1] + above[1];
        if (error > 1023) error = 1023;
        if (error < *least) *least = error;
        sum += l->trust[error] * (uint32_t)s->guide[g];
        all += l->trust[error];
    }
    s->prediction = (int)((sum + all / 2) / all);
}

static inline void find_contexts(DfyLossless *l, const Line *line, int i, Sample *s, int least) {
    Models *m = &l->models;
    const int16_t *d = line->d + i, *n = line->d_above + i;
    int w = magnitude_of(d[-1]), north = magnitude_of(n[0]), nw = magnitude_of(n[-1]), ne = magnitude_of(n[1]);
    int activity = l->log_class[dfy_min(2 * w + 2 * north + nw + ne, 2047)];
    int far = dfy_min(magnitude_of(d[-2]) + magnitude_of(line->d_above2[i]), 3);
    int near = l->log_class[dfy_min(least, 2047)];
    DfyGuess(*base)[STEPS] = m->guesses[line->class];
    s->guesses[0] = base + activity * 4 + far;
    base += CONTEXTS_0;
    s->guesses[1] = base + ((dfy_min(w, 3) * 4 + dfy_min(north, 3)) * 3 + dfy_min(nw, 2)) * 3 + dfy_min(ne, 2);
    base += CONTEXTS_1;
    s->guesses[2] = base + s->matches * 64 + (line->y & 7) * 8 + (i & 7);
    base += CONTEXTS_2;
    const int16_t *b = line->before + i;
    int there = magnitude_of(b[0]) * 2 + magnitude_of(b[1]) + magnitude_of(b[-1]);
    int other = line->other ? magnitude_of(line->other[i << line->other_shift]) : far;
    s->guesses[3] = base + (small_class(there) * 5 + small_class(other)) * 16 + activity;
    base += CONTEXTS_3;
    s->guesses[4] = base +
                    (signed_class(s->guide[0] - s->prediction) * 9 + signed_class(s->guide[2] - s->prediction)) * 8 +
                    near / 2;
    base += CONTEXTS_4;
    int texture = line->inter ? magnitude_of(line->t[i + 1] - line->t[i - 1])
                              : magnitude_of(line->above[i + 1] - line->above[i - 1]);
    int signs = d[-1] < 0 ? 0 : d[-1] > 0 ? 2 : 1;
    s->guesses[5] = base + (l->log_class[texture] * 16 + near) * 3 + signs;
    int set = (s->matches & 1) + (s->matches >> 1 & 1) + (s->matches >> 2 & 1) + (s->matches >> 3);
    s->weights = m->weights[line->class][set];
    s->bias_class = (activity * 16 + (s->guide[0] > s->prediction) + 2 * (s->guide[2] > s->prediction) +
                     4 * (d[-1] > 0) + 8 * (n[0] > 0)) *
                        4 +
                    dfy_min(small_class(texture / 4), 3);
}

static inline int code_step(DfyLossless *l, DfyRangeCoder *coder, const Sample *s, int step, int bit) {
    DfyGuess *guesses[DFY_GUESSES];
    for (int i = 0; i < DFY_GUESSES; i++) guesses[i] = &(*s->guesses[i])[step];
    return dfy_code_mixed(coder, &l->tables, guesses, s->weights[step], bit);
}

static inline int code_difference(DfyLossless *l, DfyRangeCoder *coder, const Sample *s, int class, int value) {
    if (!code_step(l, coder, s, 0, value != 0)) return 0;
    int negative = code_step(l, coder, s, 1, value < 0), wanted = magnitude_of(value), magnitude = 1;
    while (magnitude <= UNARY && code_step(l, coder, s, magnitude + 1, wanted > magnitude)) magnitude++;
    if (magnitude > UNARY)
        magnitude += (int)dfy_code_golomb(coder, l->models.escape[class & 1], 2, (uint32_t)(wanted - magnitude)) & 255;
    return negative ? -magnitude : magnitude;
}

static inline void code_sample(DfyLossless *l, DfyRangeCoder *coder, const Line *line, int i) {
    Sample s;
    int least;
    find_guides(line, i, &s);
    predict(l, line, i, &s, &least);
    /* Where the picture before was right to the last level, a blend would only spoil it. */
    int exact = line->inter && (s.matches & 3) == 3;
    if (exact) s.prediction = s.guide[0];
    find_contexts(l, line, i, &s, least);
    int32_t *bias = &l->models.bias[line->class][s.bias_class], *uses = &l->models.bias_uses[line->class][s.bias_class];
    int prediction = s.prediction;
    if (!exact && *uses)
        prediction = dfy_clamp_pixel(prediction + (int)((*bias + (*bias < 0 ? -*uses / 2 : *uses / 2)) / *uses));
    uint8_t *x = line->x + i;
    int difference = code_difference(l, coder, &s, line->class, (int8_t)(*x - prediction));
    *x = (uint8_t)(prediction + difference);
    line->d[i] = (int16_t)difference;
    for (int g = 0; g < GUIDES; g++) line->e[g][i] = (uint8_t)magnitude_of(*x - s.guide[g]);
    if (exact) return;
    *bias += *x - s.prediction;
    if (++*uses == 128) {
        *bias /= 2;
        *uses = 64;
    }
}

/* Samples left of the line's first and right of the last one above, which neighbours of the outermost see. */
static void prepare_line(const DfyLossless *l, Line *line, int width) {
    (void)l;
    uint8_t first = line->y ? line->above[0] : 128;
    line->x[-1] = line->x[-2] = first;
    if (!line->y) {
        memset(line->above - 2, 128, (size_t)width + 4);
        memset(line->above2 - 2, 128, (size_t)width + 4);
    } else {
        line->above[width] = line->above[width + 1] = line->above[width - 1];
    }
    if (!line->inter) line->t = line->t_above = line->above;
    if (line->inter && !line->y) line->t_above = line->t;
}

static void code_line(DfyLossless *l, DfyRangeCoder *coder, int plane, int y) {
    const DfyPlane *p = &l->current->plane[plane], *t = &l->predicted->plane[plane];
    int width = plane_width(l, plane), side = DFY_LOSSLESS_BLOCK >> (plane > 0);
    ptrdiff_t stride = l->stride[plane];
    Line line = {.y = y, .inter = l->has_reference, .class = (plane > 0) + 2 * l->has_reference};
    line.x = p->pixels + y * p->stride;
    line.above = line.x - p->stride;
    line.above2 = line.above - p->stride;
    line.t = t->pixels + y * t->stride;
    line.t_above = line.t - t->stride;
    line.d = l->differences[plane] + (y + 2) * stride + PAD;
    line.d_above = line.d - stride;
    line.d_above2 = line.d_above - stride;
    line.before = l->before[plane] + (y + 2) * stride + PAD;
    if (plane == 1) {
        line.other = l->differences[0] + (2 * y + 2) * l->stride[0] + PAD;
        line.other_shift = 1;
    } else if (plane == 2) {
        line.other = l->differences[1] + (y + 2) * l->stride[1] + PAD;
    }
    for (int g = 0; g < GUIDES; g++) {
        line.e[g] = l->errors[y & 1][g] + PAD;
        line.e_above[g] = l->errors[!(y & 1)][g] + PAD;
        if (!y) memset(line.e_above[g] - PAD, 0, (size_t)width + 2 * PAD);
    }
    prepare_line(l, &line, width);
    for (int column = 0; column < l->columns; column++) {
        int from = column * side, to = dfy_min(from + side, width);
        if (from >= to) break;
        if (line.inter && l->blocks[y / side * l->columns + column].skip) {
            memcpy(line.x + from, line.t + from, (size_t)(to - from));
            memset(line.d + from, 0, (size_t)(to - from) * sizeof *line.d);
            for (int g = 0; g < GUIDES; g++) memset(line.e[g] + from, 0, (size_t)(to - from));
        } else {
            for (int i = from; i < to; i++) code_sample(l, coder, &line, i);
        }
    }
}

static void code_row(DfyLossless *l, DfyRangeCoder *coder, int row) {
    if (l->has_reference) {
        for (int column = 0; column < l->columns; column++) code_block(l, coder, column, row);
        predict_blocks(l, row);
    }
    for (int plane = 0; plane < 3; plane++) {
        int side = DFY_LOSSLESS_BLOCK >> (plane > 0);
        for (int y = row * side; y < (row + 1) * side && y < plane_height(l, plane); y++) code_line(l, coder, plane, y);
    }
}

/* Repeats the last column and row out to the coded size, as sources are filled. */
static void fill_out(DfyPlane *plane, int width, int height) {
    for (int y = 0; y < plane->height; y++) {
        uint8_t *row = plane->pixels + y * plane->stride;
        if (y < height)
            memset(row + width, row[width - 1], (size_t)(plane->width - width));
        else
            memcpy(row, row - plane->stride, (size_t)plane->width);
    }
}

static int same_samples(const DfyLossless *l, const DfyFrame *source) {
    for (int p = 0; p < 3; p++)
        for (int y = 0; y < plane_height(l, p); y++)
            if (memcmp(source->plane[p].pixels + y * source->plane[p].stride,
                       l->reference->plane[p].pixels + y * l->reference->plane[p].stride, (size_t)plane_width(l, p)))
                return 0;
    return 1;
}

void dfy_lossless_code(DfyLossless *l, DfyRangeCoder *coder, const DfyFrame *source, const DfyLosslessBlock *blocks) {
    if (l->has_reference && dfy_code_bit(coder, &l->models.same, source && same_samples(l, source))) return;
    if (source) dfy_frame_copy(l->current, source);
    if (source && blocks) memcpy(l->blocks, blocks, (size_t)l->columns * (size_t)l->rows * sizeof *blocks);
    for (int row = 0; row < l->rows; row++) code_row(l, coder, row);
    for (int p = 0; p < 3; p++) {
        fill_out(&l->current->plane[p], plane_width(l, p), plane_height(l, p));
        int16_t *differences = l->differences[p];
        l->differences[p] = l->before[p];
        l->before[p] = differences;
    }
    dfy_frame_extend(l->current);
    DfyFrame *frame = l->reference;
    l->reference = l->current;
    l->current = frame;
    l->has_reference = 1;
}
