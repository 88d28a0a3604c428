/*
 * The innermost loops: one row of a shape, a shadow, a layer or the finished picture. Plain C, written once in
 * rows_tmpl.h and compiled twice; both give the same bits, since every step is one IEEE operation.
 */
#ifndef DIFFY_SCENE_ROWS_H
#define DIFFY_SCENE_ROWS_H

#include "scene/canvas.h"

/* A shape made ready for many pixels. */
typedef struct Prepared {
    const Shape *shape;
    float axis_x, axis_y, length; /* along the shape */
} Prepared;

/* Pixels from `left` on, `count` of them, in the row whose middle is py scene units down. */
typedef struct Row {
    int left, count;
    float py, offset_x, scale;
} Row;

/* One row of a picture's pixels made of composed values, the lamps' light and the sensor's noise. */
typedef struct LumaRow {
    const float *value, *one, *two, *noise;
    float level_one, level_two, sigma;
} LumaRow;

typedef struct RowKernels {
    /* Blends the shape over the row; the four pointers are at its first pixel. */
    void (*shape)(const Prepared *p, const Row *row, float *luma, float *blue, float *red, float *cover);
    void (*shadow)(const Prepared *p, const Row *row, float *cover, float softness, float darkness);
    void (*accumulate)(float *to, const float *from, float weight, int count);
    void (*move)(float *to, float *from, float weight, int count); /* the same, and from becomes 0 */
    void (*cover)(float *value, const float *below, const float *colour, const float *cover, int count);
    void (*darken)(float *value, const float *shadow, int count);
    void (*luma)(uint8_t *out, const LumaRow *row, int count);
    void (*chroma)(uint8_t *out, const float *mean, const float *noise, float sigma, int count);
} RowKernels;

enum { LATTICE_CELLS = 256, LATTICE_STRIDE = 257 };    /* the first column comes again behind the last */
extern const float (*texture_lattice)[LATTICE_STRIDE]; /* texture.c */
extern const RowKernels rows_plain, rows_avx2;
/* Those that suit this processor. */
const RowKernels *rows_best(void);

#endif
