/*
 * The still picture: a concrete floor with a marked way, a steel table with bolt holes and scratches, boxes, trays
 * full of screws, cables and labels. Fine texture everywhere, so that coding it costs what a real plate costs.
 */
#include "scene/plate.h"

#include <stdlib.h>

#include "scene/random.h"

static const float way_bottom = 62, table_top = 70;

typedef struct Colour {
    float luma, blue, red;
} Colour;

static Colour floor_colour(float x, float y, float shift) {
    float luma = 104 + 13 * texture_fractal(x / 38 + shift, y / 38, 6) + 5 * texture_noise(x * 1.7f, y * 1.7f + shift);
    Colour c = {luma, -3, 4};
    if (y > way_bottom - 9 && y < way_bottom - 3) { /* a worn yellow line along the way */
        float wear = texture_fractal(x / 9 + shift, y / 5, 3);
        if (wear < 0.32f) c = (Colour){luma * 0.4f + 96, -44, 14};
    }
    float joint = x / 118 + 0.02f * texture_noise(x / 50, y / 20);
    if (fabsf(joint - roundf(joint)) < 0.007f) c.luma -= 26;
    return c;
}

static Colour table_colour(float x, float y, float shift) {
    float brushed = texture_fractal(x / 46 + shift, y * 1.3f, 4); /* long in x, short in y */
    Colour c = {138 + 8 * brushed + 7 * texture_fractal(x / 70, y / 70 + shift, 4), 3, -2};
    float scratch = texture_noise(x / 60 + 0.9f * y / 30 + shift, y / 2.1f - x / 24);
    if (scratch > 0.72f) c.luma += 60 * (scratch - 0.72f);
    float hx = x / 26 - 0.5f, hy = y / 26 - 0.3f; /* threaded holes */
    float dx = (hx - roundf(hx)) * 26, dy = (hy - roundf(hy)) * 26, d = sqrtf(dx * dx + dy * dy);
    if (d < 2.4f) c.luma = d < 1.6f ? 52 : c.luma * (0.55f + 0.25f * (dy > 0));
    float stain = texture_fractal(x / 55 + 90 + shift, y / 47, 3);
    if (stain > 0.4f) c.luma -= 28 * (stain - 0.4f);
    return c;
}

static Colour ground_colour(float x, float y, float shift) {
    if (y < table_top - 4) return floor_colour(x, y, shift);
    if (y < table_top) { /* the table's edge, striped yellow and black */
        float stripe = (x + 2 * y) / 13;
        return stripe - 2 * floorf(stripe / 2) > 1 ? (Colour){40, 0, 1} : (Colour){172, -58, 16};
    }
    return table_colour(x, y, shift);
}

static void paint_ground(Plate *plate, const View *view, float shift) {
    const int sub = 2; /* 2 x 2 samples a pixel: the ground has edges too */
    for (int y = 0; y < plate->height; y++)
        for (int x = 0; x < plate->width; x++) {
            Colour sum = {0};
            for (int i = 0; i < sub * sub; i++) {
                float px = (float)x + ((float)(i % sub) + 0.5f) / (float)sub - view->offset_x;
                float py = (float)y + ((float)(i / sub) + 0.5f) / (float)sub - view->offset_y;
                Colour c = ground_colour(px / view->scale, py / view->scale, shift);
                sum.luma += c.luma / (float)(sub * sub);
                sum.blue += c.blue / (float)(sub * sub);
                sum.red += c.red / (float)(sub * sub);
            }
            size_t at = (size_t)y * (size_t)plate->width + (size_t)x;
            plate->luma[at] = sum.luma;
            plate->blue[at] = sum.blue;
            plate->red[at] = sum.red;
        }
}

/* ---------------------------------------------------------------- things */

typedef struct Brush {
    Layer *things, *shadows;
    const View *view;
} Brush;

static void put(const Brush *brush, const Shape *shape, float height) {
    draw_shadow(brush->shadows, brush->view, shape, 0.5f * height, 0.7f * height, 2 + 0.4f * height, 0.45f);
    draw_shape(brush->things, brush->view, shape);
}

static Shape box(float x, float y, float half_x, float half_y, float angle, Material material) {
    return (Shape){.kind = SHAPE_BOX,
                   .x = x,
                   .y = y,
                   .half_x = half_x,
                   .half_y = half_y,
                   .angle = angle,
                   .radius = 2,
                   .material = material};
}

static Shape rod(float x, float y, float x2, float y2, float radius, Material material) {
    return (Shape){.x = x, .y = y, .x2 = x2, .y2 = y2, .radius = radius, .radius2 = radius, .material = material};
}

static const Material cardboard = {132, -20, 16, 14, 5, 0, .25f, 0, 0};
static const Material plastic_blue = {84, 34, -16, 5, 7, .1f, .3f, 0, 0};
static const Material plastic_grey = {78, 2, -1, 6, 5, .15f, .3f, 0, 0};
static const Material paper = {206, -2, 1, 4, 3, 0, .12f, 0, 0};
static const Material dark = {38, 1, 0, 3, 4, .2f, .2f, 0, 0};
static const Material brass = {150, -32, 12, 16, 2, .5f, .3f, 0, 0};
static const Material steel = {158, 2, -1, 14, 2, .5f, .3f, 0, 0};

/* A tray full of screws, every one somewhere else. */
static void put_screws(const Brush *brush, float x, float y, float half_x, float half_y, Material material,
                       uint64_t seed) {
    Shape tray = box(x, y, half_x + 3, half_y + 3, 0, plastic_grey);
    put(brush, &tray, 5);
    for (uint64_t i = 0; i < 70; i++) {
        float sx = x + half_x * (float)(2 * uniform_of(seed, 3 * i) - 1),
              angle = (float)(6.28 * uniform_of(seed, 3 * i + 2));
        float sy = y + half_y * (float)(2 * uniform_of(seed, 3 * i + 1) - 1);
        Material own = material;
        own.luma *= 0.7f + 0.5f * (float)uniform_of(seed, 500 + i);
        Shape screw = rod(sx, sy, sx + 4 * cosf(angle), sy + 4 * sinf(angle), 1.2f, own);
        put(brush, &screw, 1.5f);
    }
}

/* A sheet with lines of something written. */
static void put_sheet(const Brush *brush, float x, float y, float angle, uint64_t seed) {
    Shape sheet = box(x, y, 19, 25, angle, paper);
    put(brush, &sheet, 1);
    float c = cosf(angle), s = sinf(angle);
    for (int line = 0; line < 12; line++) {
        float from = -15;
        for (uint64_t word = 0; word < 6 && from < 13; word++) {
            float length = 2 + 6 * (float)uniform_of(seed, (uint64_t)line * 8 + word), to = from + length;
            if (to > 15) break;
            float v = -20 + 3.4f * (float)line;
            Shape mark =
                rod(x + from * c - v * s, y + from * s + v * c, x + to * c - v * s, y + to * s + v * c, 0.55f, dark);
            draw_shape(brush->things, brush->view, &mark);
            from = to + 1.8f;
        }
    }
}

static void put_cable(const Brush *brush, const float (*points)[2], int count, Material material) {
    for (int i = 0; i + 1 < count; i++)
        for (int j = 0; j < 12; j++) { /* Catmull-Rom through the points */
            float ends[2][2];
            for (int e = 0; e < 2; e++) {
                float t = (float)(j + e) / 12;
                const float *p0 = points[i ? i - 1 : 0], *p1 = points[i], *p2 = points[i + 1];
                const float *p3 = points[i + 2 < count ? i + 2 : count - 1];
                for (int k = 0; k < 2; k++)
                    ends[e][k] =
                        0.5f * (2 * p1[k] + (p2[k] - p0[k]) * t + (2 * p0[k] - 5 * p1[k] + 4 * p2[k] - p3[k]) * t * t +
                                (3 * p1[k] - p0[k] - 3 * p2[k] + p3[k]) * t * t * t);
            }
            Shape piece = rod(ends[0][0], ends[0][1], ends[1][0], ends[1][1], 2.1f, material);
            put(brush, &piece, 2);
        }
}

/* The frame that a belt runs in; the belt itself is drawn with what moves. */
static void put_belt_frame(const Brush *brush, float left, float right) {
    Shape frame = box((left + right) / 2, 236, (right - left) / 2 + 4, 29, 0, plastic_grey);
    put(brush, &frame, 7);
    for (float x = left + 12; x < right; x += 31) {
        Shape upper = rod(x, 211, x, 211, 1.5f, steel), lower = rod(x, 261, x, 261, 1.5f, steel);
        draw_shape(brush->things, brush->view, &upper);
        draw_shape(brush->things, brush->view, &lower);
    }
}

static void put_control_box(const Brush *brush) {
    Shape body = box(560, 128, 44, 25, 0.04f, (Material){146, -6, 2, 6, 6, .05f, .3f, 0, 0});
    put(brush, &body, 9);
    Shape screen = box(545, 124, 20, 14, 0.04f, (Material){58, 18, -10, 8, 2, 0, .3f, 5, 0});
    draw_shape(brush->things, brush->view, &screen);
    for (int i = 0; i < 6; i++) {
        float x = 575 + 11 * (float)(i % 3), y = 120 + 13 * (float)(i / 3);
        Material knob = i == 2   ? (Material){92, -16, 74, 0, 1, .3f, .3f, 0, 0}
                        : i == 4 ? (Material){130, -38, -52, 0, 1, .3f, .3f, 0, 0}
                                 : dark;
        Shape button = rod(x, y, x, y, 3.6f, knob);
        put(brush, &button, 1.5f);
    }
}

static void put_things(const Brush *brush, uint64_t seed) {
    static const float cable_one[][2] = {{338, 70}, {392, 96}, {436, 90}, {472, 132}, {516, 134}};
    static const float cable_two[][2] = {{300, 70}, {236, 88}, {214, 132}, {150, 126}, {96, 148}, {20, 138}};
    put_cable(brush, cable_one, 5, dark);
    put_cable(brush, cable_two, 6, (Material){62, -4, 30, 6, 3, .4f, .2f, 0, 0});
    put_control_box(brush);
    put_screws(brush, 78, 322, 34, 20, brass, hash_of(seed, 1));
    put_screws(brush, 552, 320, 30, 22, steel, hash_of(seed, 2));
    put_sheet(brush, 402, 322, -0.22f, hash_of(seed, 3));
    put_sheet(brush, 70, 108, 0.3f, hash_of(seed, 4));
    Shape carton = box(176, 326, 30, 22, 0.16f, cardboard), flap = box(176, 326, 30, 1, 0.16f, paper);
    put(brush, &carton, 14);
    draw_shape(brush->things, brush->view, &flap);
    Shape crate = box(472, 96, 26, 15, -0.1f, plastic_blue), inside = box(472, 96, 21, 10, -0.1f, dark);
    put(brush, &crate, 10);
    draw_shape(brush->things, brush->view, &inside);
    put_belt_frame(brush, -40, 196);
    put_belt_frame(brush, 446, 690);
    Shape socket = rod(320, 92, 320, 92, 27, (Material){70, 1, -1, 5, 5, .2f, .3f, 0, 0});
    put(brush, &socket, 6);
    for (int i = 0; i < 8; i++) {
        float a = 0.785f * (float)i, x = 320 + 22 * cosf(a), y = 92 + 22 * sinf(a);
        Shape bolt = rod(x, y, x, y, 2.2f, steel);
        draw_shape(brush->things, brush->view, &bolt);
    }
}

static int paint_things(Plate *plate, const View *view, uint64_t seed) {
    Layer things = {0}, shadows = {0};
    int failed = layer_open(&things, plate->width, plate->height) || layer_open(&shadows, plate->width, plate->height);
    if (!failed) {
        put_things(&(Brush){&things, &shadows, view}, seed);
        size_t size = (size_t)plate->width * (size_t)plate->height;
        for (size_t i = 0; i < size; i++) {
            float rest = 1 - things.cover[i];
            plate->luma[i] = plate->luma[i] * (1 - shadows.cover[i]) * rest + things.luma[i];
            plate->blue[i] = plate->blue[i] * rest + things.blue[i];
            plate->red[i] = plate->red[i] * rest + things.red[i];
        }
    }
    layer_close(&things);
    layer_close(&shadows);
    return failed ? -1 : 0;
}

/* A lamp's pool of light: bright below it, falling off with the square of the distance from its bulb. */
static void light(Plate *plate, const View *view) {
    static const float at_x[LAMPS] = {170, 505}, at_y[LAMPS] = {30, 300}, hung[LAMPS] = {190, 230},
                       power[LAMPS] = {.46f, .52f};
    for (int i = 0; i < LAMPS; i++)
        for (int y = 0; y < plate->height; y++)
            for (int x = 0; x < plate->width; x++) {
                float dx = ((float)x - view->offset_x) / view->scale - at_x[i];
                float dy = ((float)y - view->offset_y) / view->scale - at_y[i];
                float fall = 1 + (dx * dx + dy * dy) / (hung[i] * hung[i]);
                plate->lamp[i][(size_t)y * (size_t)plate->width + (size_t)x] = power[i] / (fall * sqrtf(fall));
            }
}

/* What chroma has of the plate, at its own size: the sum is in the order in which a frame's is taken. */
static void halve(float *half, const float *full, int width, int height) {
    for (int y = 0; y < (height + 1) / 2; y++)
        for (int x = 0; x < (width + 1) / 2; x++) {
            int right = 2 * x + 1 < width ? 2 * x + 1 : 2 * x, below = 2 * y + 1 < height ? 2 * y + 1 : 2 * y;
            const float *a = full + (size_t)(2 * y) * (size_t)width, *b = full + (size_t)below * (size_t)width;
            *half++ = (a[2 * x] + a[right] + b[2 * x] + b[right]) / 4;
        }
}

int plate_open(Plate *plate, int width, int height, const View *view, uint64_t seed) {
    size_t size = (size_t)width * (size_t)height, half = (size_t)((width + 1) / 2) * (size_t)((height + 1) / 2);
    *plate =
        (Plate){.width = width, .height = height, .memory = malloc(((3 + LAMPS) * size + 2 * half) * sizeof(float))};
    if (!plate->memory) return -1;
    plate->half_blue = plate->memory + (3 + LAMPS) * size;
    plate->half_red = plate->half_blue + half;
    plate->luma = plate->memory;
    plate->blue = plate->luma + size;
    plate->red = plate->blue + size;
    for (int i = 0; i < LAMPS; i++) plate->lamp[i] = plate->red + (size_t)(i + 1) * size;
    paint_ground(plate, view, (float)(200 * uniform_of(seed, 0)));
    light(plate, view);
    if (paint_things(plate, view, seed)) return -1;
    halve(plate->half_blue, plate->blue, width, height);
    halve(plate->half_red, plate->red, width, height);
    return 0;
}

void plate_close(Plate *plate) {
    free(plate->memory);
    *plate = (Plate){0};
}
