/* What a model file's format cannot hold of a model, told before it is written. */
#include <math.h>

#include "splat/formats/files.h"
#include "splat/model/odd.h"

/* Bounds of a format; 0: none. */
typedef struct Bounds {
    const char *name;
    int degree, finite;
    double coordinate, least_scale, most_scale, dc, rest;
} Bounds;

static const Bounds bounds_of[DFY_SPLAT_FORMATS] = {
    [DFY_SPLAT_PLY] = {"PLY", DFY_SPLAT_MAX_DEGREE, 0, 0, 0, 0, 0, 0},
    [DFY_SPLAT_PLY_ASCII] = {"PLY", DFY_SPLAT_MAX_DEGREE, 0, 0, 0, 0, 0, 0},
    [DFY_SPLAT_DOTSPLAT] = {".splat", 0, 1, 0, DFY_LEAST_SIZE, DFY_MOST_SIZE, 1.78, 0},
    [DFY_SPLAT_SPZ] = {".spz", 4, 1, 8388607, -10.04, 5.97, 3.34, 1.01},
    [DFY_SPLAT_SPZ2] = {".spz", 3, 1, 8388607, -10.04, 5.97, 3.34, 1.01},
    [DFY_SPLAT_SPZ4] = {".spz", 4, 1, 8388607, -10.04, 5.97, 3.34, 1.01},
    [DFY_SPLAT_SOG] = {".sog", 3, 1, 0, 0, 0, 0, 0},
    [DFY_SPLAT_GLB] = {"glTF", 3, 1, 0, DFY_LEAST_SIZE, DFY_MOST_SIZE, 0, 0},
    [DFY_SPLAT_GLB_SPZ] = {"glTF with .spz", 3, 1, 8388607, -10.04, 5.97, 3.34, 1.01},
};

int dfy_format_degree(DfySplatFormat format) {
    return (int)format >= 0 && format < DFY_SPLAT_FORMATS ? bounds_of[format].degree : 0;
}

static int all_finite(const float *values, size_t count) {
    int finite = 1;
    for (size_t i = 0; i < count; i++) finite &= isfinite(values[i]);
    return finite;
}

static int any_beyond(const float *values, size_t count, double low, double high) {
    int beyond = 0;
    for (size_t i = 0; i < count; i++) beyond |= values[i] < low || values[i] > high;
    return high > low && beyond;
}

static void note_count(DfyMessage *text, uint32_t count, const char *what) {
    if (count) dfy_note(text, "%u splat%s %s", count, count == 1 ? "" : "s", what);
}

/* A short model's coordinates lose nothing but rounding; a wide one's step grows with it. */
static double spz_step(const DfySplats *s) {
    double most = 0;
    for (size_t i = 0; i < (size_t)s->count * 3; i++)
        if (isfinite(s->xyz[i])) most = fmax(most, fabs((double)s->xyz[i]));
    double step = 1.0 / 4096;
    while (step < 1 && most / step > 8388607) step *= 2;
    return step;
}

/* Positions of .sog are steps of ln(1 + |x|), which a splat far away makes large: a step's part of a distance. */
static double sog_step(const DfySplats *s) {
    double widest = 0;
    for (size_t k = 0; k < 3; k++) {
        double low = 0, high = 0;
        for (size_t i = k; i < (size_t)s->count * 3; i += 3) {
            if (!isfinite(s->xyz[i])) continue;
            low = fmin(low, s->xyz[i]);
            high = fmax(high, s->xyz[i]);
        }
        widest = fmax(widest, log(1 + high) + log(1 - low));
    }
    return widest / 65535;
}

/* Coordinates to 10,000 on both sides: that much the format is made for. */
#define USUAL_SOG_STEP 3e-4

/* What one splat that is far away takes from all. */
static void note_steps(const DfySplats *s, DfySplatFormat format, const Bounds *b, DfyMessage *text) {
    double step = b->coordinate > 0 ? spz_step(s) : 0, part = format == DFY_SPLAT_SOG ? sog_step(s) : 0;
    if (step > 1.0 / 4096) dfy_note(text, "positions finer than %.3g, as the farthest splat takes the bits", step);
    if (part > USUAL_SOG_STEP)
        dfy_note(text, "positions finer than %.2g %% of their distance, as the farthest splat takes the bits",
                 100 * part);
}

void dfy_splats_losses(const DfySplats *s, DfySplatFormat format, DfyMessage *text) {
    text->text[0] = 0;
    if ((int)format < 0 || format >= DFY_SPLAT_FORMATS) return;
    const Bounds *b = &bounds_of[format];
    size_t rest = (size_t)dfy_splat_rest(s->degree) * 3;
    uint32_t broken = 0, turned = 0, far = 0, size = 0, colour = 0;
    for (size_t i = 0; i < s->count; i++) {
        broken += b->finite && !(all_finite(s->xyz + i * 3, 3) && all_finite(s->rotation + i * 4, 4) &&
                                 all_finite(s->scale + i * 3, 3) && all_finite(s->dc + i * 3, 3) &&
                                 !isnan(s->opacity[i]) && (!rest || all_finite(s->rest + i * rest, rest)));
        turned += b->finite && all_finite(s->rotation + i * 4, 4) && dfy_splat_odd(s, i) >> DFY_SPLAT_ROTATION & 1;
        far += (uint32_t)any_beyond(s->xyz + i * 3, 3, -b->coordinate, b->coordinate);
        size += (uint32_t)any_beyond(s->scale + i * 3, 3, b->least_scale, b->most_scale);
        colour += (uint32_t)(any_beyond(s->dc + i * 3, 3, -b->dc, b->dc) ||
                             (rest && any_beyond(s->rest + i * rest, rest, -b->rest, b->rest)));
    }
    if (s->degree > b->degree)
        dfy_note(text, "colours of degree %d, as %s ends at degree %d", s->degree, b->name, b->degree);
    note_count(text, broken, "with NaN or infinity");
    note_count(text, turned, "with a rotation of no length, which became none");
    note_count(text, far, "farther away than the format's numbers reach");
    note_count(text, size, "smaller or larger than the format's numbers reach");
    note_count(text, colour, "with colours beyond the format's numbers");
    note_steps(s, format, b, text);
}
