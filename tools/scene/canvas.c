/*
 * Shapes by signed distance: coverage falls from 1 to 0 over the pixel that the outline crosses. A shape is drawn row
 * by row, only where it may lie: a slanting arm's bounding box is mostly not arm.
 */
#include "scene/canvas.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "scene/rows.h"

static const RowKernels *rows;

int layer_open(Layer *layer, int width, int height) {
    size_t size = (size_t)width * (size_t)height;
    rows = rows_best();
    *layer = (Layer){.width = width, .height = height, .last = height, .luma = calloc(4 * size, sizeof(float))};
    layer->row = malloc((size_t)height * sizeof *layer->row);
    if (!layer->luma || !layer->row) return -1;
    layer->blue = layer->luma + size;
    layer->red = layer->blue + size;
    layer->cover = layer->red + size;
    layer->top = height;
    for (int y = 0; y < height; y++) layer->row[y] = (LayerRow){width, 0};
    return 0;
}

void layer_clear(Layer *layer) {
    for (int y = layer->top; y < layer->bottom; y++) {
        LayerRow *row = &layer->row[y];
        if (row->left >= row->right) continue;
        size_t at = (size_t)y * (size_t)layer->width + (size_t)row->left;
        size_t bytes = (size_t)(row->right - row->left) * sizeof(float);
        memset(layer->luma + at, 0, bytes);
        memset(layer->blue + at, 0, bytes);
        memset(layer->red + at, 0, bytes);
        memset(layer->cover + at, 0, bytes);
        *row = (LayerRow){layer->width, 0};
    }
    layer->top = layer->height;
    layer->bottom = 0;
}

void layer_close(Layer *layer) {
    free(layer->luma);
    free(layer->row);
    *layer = (Layer){0};
}

LayerRow layer_row(const Layer *layer, int y) {
    return y >= layer->top && y < layer->bottom ? layer->row[y] : (LayerRow){layer->width, 0};
}

static void touch(Layer *layer, int y, int left, int right) {
    LayerRow *row = &layer->row[y];
    if (left < row->left) row->left = left;
    if (right > row->right) row->right = right;
    if (y < layer->top) layer->top = y;
    if (y >= layer->bottom) layer->bottom = y + 1;
}

static int clamp(float value, int low, int high) {
    return value < (float)low ? low : value > (float)high ? high : (int)value;
}

static Prepared prepare(const Shape *s) {
    Prepared p = {.shape = s};
    if (s->kind == SHAPE_BOX) {
        p.axis_x = cosf(s->angle);
        p.axis_y = sinf(s->angle);
    } else {
        float dx = s->x2 - s->x, dy = s->y2 - s->y;
        p.length = sqrtf(dx * dx + dy * dy);
        p.axis_x = p.length > 0 ? dx / p.length : 1;
        p.axis_y = p.length > 0 ? dy / p.length : 0;
    }
    return p;
}

/* The upright box around a shape with a margin; the shape's own box that lies along it is what spans come from. */
typedef struct Reach {
    int top, bottom;             /* rows */
    float low_u, high_u, high_v; /* scene units along and across, v from -high_v */
} Reach;

static Reach reach_of(const Layer *layer, const View *view, const Prepared *p, float margin) {
    const Shape *s = p->shape;
    float radius = fmaxf(s->radius, s->radius2), high = s->y, low = s->y;
    Reach r;
    margin += 1 / view->scale; /* more than rounding can move an outline */
    if (s->kind == SHAPE_BOX) {
        r.high_u = s->half_x + margin;
        r.low_u = -r.high_u;
        r.high_v = s->half_y + margin;
        radius = fabsf(p->axis_y) * r.high_u + fabsf(p->axis_x) * r.high_v;
    } else {
        r.low_u = -radius - margin;
        r.high_u = p->length + radius + margin;
        r.high_v = radius += margin;
        low = fminf(s->y, s->y2);
        high = fmaxf(s->y, s->y2);
    }
    r.top = clamp((low - radius) * view->scale + view->offset_y - 1, layer->first, layer->last);
    r.bottom = clamp((high + radius) * view->scale + view->offset_y + 2, layer->first, layer->last);
    return r;
}

/* Narrows low..high to where least <= base + slope * x <= most. */
static void narrow(float *low, float *high, float base, float slope, float least, float most) {
    const float level = 1e-3f; /* so flat a line says nothing about x */
    if (fabsf(slope) < level) return;
    float a = (least - base) / slope, b = (most - base) / slope;
    *low = fmaxf(*low, fminf(a, b));
    *high = fminf(*high, fmaxf(a, b));
}

/* The pixels of row y that the shape may touch; 0 when there are none. */
static int row_of(const Layer *layer, const View *view, const Prepared *p, const Reach *r, int y, Row *row) {
    float py = ((float)y + 0.5f - view->offset_y) * (1 / view->scale), dy = py - p->shape->y;
    float low = -1e6f, high = 1e6f;
    narrow(&low, &high, dy * p->axis_y, p->axis_x, r->low_u, r->high_u);
    narrow(&low, &high, -dy * p->axis_x, p->axis_y, -r->high_v, r->high_v);
    int left = clamp((p->shape->x + low) * view->scale + view->offset_x - 1, 0, layer->width);
    int right = clamp((p->shape->x + high) * view->scale + view->offset_x + 2, 0, layer->width);
    *row = (Row){.left = left, .count = right - left, .py = py, .offset_x = view->offset_x, .scale = view->scale};
    return left < right;
}

void draw_shape(Layer *layer, const View *view, const Shape *shape) {
    Prepared p = prepare(shape);
    Reach reach = reach_of(layer, view, &p, 0.5f / view->scale);
    Row row;
    for (int y = reach.top; y < reach.bottom; y++) {
        if (!row_of(layer, view, &p, &reach, y, &row)) continue;
        size_t at = (size_t)y * (size_t)layer->width + (size_t)row.left;
        rows->shape(&p, &row, layer->luma + at, layer->blue + at, layer->red + at, layer->cover + at);
        touch(layer, y, row.left, row.left + row.count);
    }
}

void draw_shadow(Layer *layer, const View *view, const Shape *shape, float dx, float dy, float softness,
                 float darkness) {
    Shape moved = *shape;
    moved.x += dx;
    moved.x2 += dx;
    moved.y += dy;
    moved.y2 += dy;
    Prepared p = prepare(&moved);
    Reach reach = reach_of(layer, view, &p, softness);
    Row row;
    for (int y = reach.top; y < reach.bottom; y++) {
        if (!row_of(layer, view, &p, &reach, y, &row)) continue;
        rows->shadow(&p, &row, layer->cover + (size_t)y * (size_t)layer->width + (size_t)row.left, softness, darkness);
        touch(layer, y, row.left, row.left + row.count);
    }
}

void layer_accumulate(Layer *target, const Layer *source, float weight) {
    for (int y = source->top; y < source->bottom; y++) {
        LayerRow row = source->row[y];
        if (row.left >= row.right) continue;
        size_t at = (size_t)y * (size_t)source->width + (size_t)row.left;
        int count = row.right - row.left;
        rows->accumulate(target->luma + at, source->luma + at, weight, count);
        rows->accumulate(target->blue + at, source->blue + at, weight, count);
        rows->accumulate(target->red + at, source->red + at, weight, count);
        rows->accumulate(target->cover + at, source->cover + at, weight, count);
        touch(target, y, row.left, row.right);
    }
}

void layer_move(Layer *target, Layer *source, float weight) {
    for (int y = source->top; y < source->bottom; y++) {
        LayerRow row = source->row[y];
        if (row.left >= row.right) continue;
        size_t at = (size_t)y * (size_t)source->width + (size_t)row.left;
        int count = row.right - row.left;
        rows->move(target->luma + at, source->luma + at, weight, count);
        rows->move(target->blue + at, source->blue + at, weight, count);
        rows->move(target->red + at, source->red + at, weight, count);
        rows->move(target->cover + at, source->cover + at, weight, count);
        touch(target, y, row.left, row.right);
        source->row[y] = (LayerRow){source->width, 0};
    }
    source->top = source->height;
    source->bottom = 0;
}
