/* Drawing with distance functions: anti-aliased shapes with a material, and their soft shadows. */
#ifndef DIFFY_SCENE_CANVAS_H
#define DIFFY_SCENE_CANVAS_H

#include <stdint.h>

/* ---------------------------------------------------------------- texture (texture.c) */

void texture_prepare(void);
/* Smooth noise, -1..1, one lattice cell a unit; octaves add finer detail at half the strength each. */
float texture_noise(float x, float y);
float texture_fractal(float x, float y, int octaves);

/* ---------------------------------------------------------------- canvas (canvas.c) */

/* Columns of a row that were touched; none where left >= right. */
typedef struct LayerRow {
    int left, right;
} LayerRow;

/* A part of the picture that shapes are drawn on: luma, two chroma (around 0) and coverage, premultiplied. */
typedef struct Layer {
    int width, height;                /* of the picture */
    int first, last;                  /* rows that are drawn at all, last is the first beyond; open: every row */
    int top, bottom;                  /* the rows that were touched */
    LayerRow *row;                    /* height of them */
    float *luma, *blue, *red, *cover; /* width x height */
} Layer;

typedef struct Material {
    float luma, blue, red;   /* base colour: luma 0..255, chroma around 0 */
    float grain, grain_size; /* strength in levels, and size in scene units, of a texture that moves with the shape */
    float round;             /* how much darker the sides are, as of a tube, 0..1 */
    float edge;              /* how much darker the outline is, 0..1 */
    float stripe_width;      /* of dark diagonal stripes; 0: none */
    float slide;             /* moves the texture along the shape */
} Material;

typedef enum ShapeKind { SHAPE_CAPSULE, SHAPE_BOX } ShapeKind;

/*
 * A capsule from (x, y) to (x2, y2) whose radius goes from radius to radius2 (a circle when the ends are one), or a
 * box around (x, y) of half size (half_x, half_y), turned by angle, with corners of the given radius. Scene units.
 */
typedef struct Shape {
    ShapeKind kind;
    float x, y, x2, y2, radius, radius2;
    float half_x, half_y, angle;
    Material material;
} Shape;

/* From scene units to pixels: pixel = unit * scale + offset. */
typedef struct View {
    float scale, offset_x, offset_y;
} View;

int layer_open(Layer *layer, int width, int height);
void layer_clear(Layer *layer); /* what was touched */
void layer_close(Layer *layer);
LayerRow layer_row(const Layer *layer, int y); /* of any row */

void draw_shape(Layer *layer, const View *view, const Shape *shape);

/* Adds the shape's shadow to a map of darkness (0..1; the darkest wins); softness is the penumbra in scene units. */
void draw_shadow(Layer *layer, const View *view, const Shape *shape, float dx, float dy, float softness,
                 float darkness);

/* Adds weight x source to target. */
void layer_accumulate(Layer *target, const Layer *source, float weight);
void layer_move(Layer *target, Layer *source, float weight); /* the same, and clears the source */

#endif
