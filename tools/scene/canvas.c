/* Shapes by signed distance: coverage falls from 1 to 0 over the pixel that the outline crosses. */
#include "scene/canvas.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int layer_open(Layer *layer, int width, int height) {
    size_t size = (size_t)width * (size_t)height;
    *layer = (Layer){.width = width, .height = height, .luma = calloc(4 * size, sizeof(float))};
    if (!layer->luma) return -1;
    layer->blue = layer->luma + size;
    layer->red = layer->blue + size;
    layer->cover = layer->red + size;
    layer->left = width;
    layer->top = height;
    return 0;
}

void layer_clear(Layer *layer) {
    for (int y = layer->top; y < layer->bottom; y++) {
        size_t at = (size_t)y * (size_t)layer->width + (size_t)layer->left;
        size_t bytes = (size_t)(layer->right - layer->left) * sizeof(float);
        memset(layer->luma + at, 0, bytes);
        memset(layer->blue + at, 0, bytes);
        memset(layer->red + at, 0, bytes);
        memset(layer->cover + at, 0, bytes);
    }
    layer->left = layer->width;
    layer->top = layer->height;
    layer->right = layer->bottom = 0;
}

void layer_close(Layer *layer) {
    free(layer->luma);
    *layer = (Layer){0};
}

/* The pixels that a shape with a margin can touch; also notes them as touched. */
typedef struct Bounds {
    int left, top, right, bottom;
} Bounds;

static int clamp(float value, int low, int high) {
    return value < (float)low ? low : value > (float)high ? high : (int)value;
}

static Bounds bounds_of(Layer *layer, const View *view, const Shape *s, float margin) {
    float reach_x, reach_y, low_x = s->x, low_y = s->y, high_x = s->x, high_y = s->y;
    if (s->kind == SHAPE_BOX) {
        float c = fabsf(cosf(s->angle)), n = fabsf(sinf(s->angle));
        reach_x = s->half_x * c + s->half_y * n + s->radius;
        reach_y = s->half_x * n + s->half_y * c + s->radius;
    } else {
        reach_x = reach_y = fmaxf(s->radius, s->radius2);
        low_x = fminf(s->x, s->x2);
        high_x = fmaxf(s->x, s->x2);
        low_y = fminf(s->y, s->y2);
        high_y = fmaxf(s->y, s->y2);
    }
    float k = view->scale, m = margin * k + 2;
    Bounds b = {clamp((low_x - reach_x) * k + view->offset_x - m, 0, layer->width),
                clamp((low_y - reach_y) * k + view->offset_y - m, 0, layer->height),
                clamp((high_x + reach_x) * k + view->offset_x + m, 0, layer->width),
                clamp((high_y + reach_y) * k + view->offset_y + m, 0, layer->height)};
    if (b.left < b.right && b.top < b.bottom) {
        if (b.left < layer->left) layer->left = b.left;
        if (b.top < layer->top) layer->top = b.top;
        if (b.right > layer->right) layer->right = b.right;
        if (b.bottom > layer->bottom) layer->bottom = b.bottom;
    }
    return b;
}

/* A shape made ready for many pixels. */
typedef struct Prepared {
    const Shape *shape;
    float axis_x, axis_y, length; /* along the shape */
} Prepared;

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

/* Distance from the outline (negative inside) of a point, whose place along and across the shape comes out too. */
static float distance_to(const Prepared *p, float px, float py, float *along, float *across) {
    const Shape *s = p->shape;
    float dx = px - s->x, dy = py - s->y;
    float u = dx * p->axis_x + dy * p->axis_y, v = dy * p->axis_x - dx * p->axis_y;
    *along = u;
    if (s->kind == SHAPE_BOX) {
        float qx = fabsf(u) - s->half_x + s->radius, qy = fabsf(v) - s->half_y + s->radius;
        float ox = qx > 0 ? qx : 0, oy = qy > 0 ? qy : 0;
        *across = v / s->half_y;
        return sqrtf(ox * ox + oy * oy) + (qx > qy ? (qx < 0 ? qx : 0) : (qy < 0 ? qy : 0)) - s->radius;
    }
    float h = p->length > 0 ? u / p->length : 0;
    h = h < 0 ? 0 : h > 1 ? 1 : h;
    float radius = s->radius + (s->radius2 - s->radius) * h, off = u - h * p->length;
    *across = v / radius;
    return sqrtf(off * off + v * v) - radius;
}

static float shade(const Material *m, float along, float across, float distance) {
    float luma = m->luma;
    if (m->grain > 0) luma += m->grain * texture_fractal((along + m->slide) / m->grain_size + 40, across * 3 + 40, 2);
    if (m->stripe_width > 0) {
        float place = (along + m->slide + 6 * across) / m->stripe_width;
        if (place - 2 * floorf(place / 2) > 1) luma *= 0.45f;
    }
    float light = 1 - m->round * across * across + 0.35f * m->round * (across < -0.2f && across > -0.55f);
    if (distance > -1.6f) light *= 1 - m->edge;
    return luma * light;
}

void draw_shape(Layer *layer, const View *view, const Shape *shape) {
    Bounds b = bounds_of(layer, view, shape, 0);
    Prepared p = prepare(shape);
    const Material *m = &shape->material;
    float unit = 1 / view->scale;
    for (int y = b.top; y < b.bottom; y++) {
        float py = ((float)y + 0.5f - view->offset_y) * unit;
        size_t at = (size_t)y * (size_t)layer->width + (size_t)b.left;
        for (int x = b.left; x < b.right; x++, at++) {
            float along, across, px = ((float)x + 0.5f - view->offset_x) * unit;
            float distance = distance_to(&p, px, py, &along, &across);
            float cover = 0.5f - distance * view->scale;
            if (cover <= 0) continue;
            if (cover > 1) cover = 1;
            float rest = 1 - cover, value = shade(m, along, across, distance);
            layer->luma[at] = layer->luma[at] * rest + value * cover;
            layer->blue[at] = layer->blue[at] * rest + m->blue * cover;
            layer->red[at] = layer->red[at] * rest + m->red * cover;
            layer->cover[at] = layer->cover[at] * rest + cover;
        }
    }
}

void draw_shadow(Layer *layer, const View *view, const Shape *shape, float dx, float dy, float softness,
                 float darkness) {
    Shape moved = *shape;
    moved.x += dx;
    moved.x2 += dx;
    moved.y += dy;
    moved.y2 += dy;
    Bounds b = bounds_of(layer, view, &moved, softness);
    Prepared p = prepare(&moved);
    float unit = 1 / view->scale;
    for (int y = b.top; y < b.bottom; y++) {
        float py = ((float)y + 0.5f - view->offset_y) * unit;
        float *row = layer->cover + (size_t)y * (size_t)layer->width;
        for (int x = b.left; x < b.right; x++) {
            float along, across, px = ((float)x + 0.5f - view->offset_x) * unit;
            float t = 0.5f - distance_to(&p, px, py, &along, &across) / (2 * softness);
            if (t <= 0) continue;
            if (t > 1) t = 1;
            float dark = darkness * t * t * (3 - 2 * t);
            if (dark > row[x]) row[x] = dark;
        }
    }
}

void layer_accumulate(Layer *target, const Layer *source, float weight) {
    if (source->left < target->left) target->left = source->left;
    if (source->top < target->top) target->top = source->top;
    if (source->right > target->right) target->right = source->right;
    if (source->bottom > target->bottom) target->bottom = source->bottom;
    for (int y = source->top; y < source->bottom; y++) {
        size_t from = (size_t)y * (size_t)source->width + (size_t)source->left;
        size_t to = from + (size_t)(source->right - source->left);
        for (size_t i = from; i < to; i++) {
            target->luma[i] += weight * source->luma[i];
            target->blue[i] += weight * source->blue[i];
            target->red[i] += weight * source->red[i];
            target->cover[i] += weight * source->cover[i];
        }
    }
}
