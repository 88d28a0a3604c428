/*
 * PLY files of splat models: the element "vertex" with INRIA's properties in any order, among others. Variants: colours
 * as red, green, blue instead of f_dc; two scales, as of flat splats; any number type. What is not kept is told.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "splat/formats/files.h"

/* The third axis of splats that have two: as good as none. */
#define FLAT_SCALE (-11.512925f)

/* What single precision takes from numbers in double precision. */
typedef struct Rounding {
    double most[3], low[3], high[3]; /* of each axis: the largest change, and the range */
    uint32_t beyond;                 /* numbers that became infinite */
} Rounding;

/* Where each property goes: the array and the place in a splat's part of it. NULL: ignored. */
typedef struct Column {
    float *array;
    size_t stride, place;
    double factor;      /* of colours that are no coefficients; 0: the number as it is */
    Rounding *rounding; /* of properties in double precision, or NULL */
    int axis;           /* of positions; -1: another number */
} Column;

static int read_number(const char *name, const char *prefix, int limit) {
    size_t length = strlen(prefix);
    if (strncmp(name, prefix, length)) return -1;
    char *end;
    long number = strtol(name + length, &end, 10);
    return *end || end == name + length || number < 0 || number >= limit ? -1 : (int)number;
}

/* What a vertex element has. */
typedef struct Layout {
    int degree, rgb, flat;
} Layout;

/* Full scale of a colour by its type: bytes and words are parts of their largest, floats of 1. */
static double full_scale(DfyPlyType type) {
    static const double scales[] = {127, 255, 32767, 65535, 2147483647, 4294967295, 1, 1};
    return scales[type];
}

static Column column_of(const DfyPlyProperty *p, const DfySplats *s, const Layout *layout) {
    static const char *const colours[] = {"red", "green", "blue"};
    const char *name = p->name;
    int k, rest = dfy_splat_rest(s->degree) * 3;
    if (p->is_list) return (Column){0};
    if (strlen(name) == 1 && name[0] >= 'x' && name[0] <= 'z')
        return (Column){s->xyz, 3, (size_t)(name[0] - 'x'), 0, NULL, -1};
    if (!strcmp(name, "opacity")) return (Column){s->opacity, 1, 0, 0, NULL, -1};
    if ((k = read_number(name, "rot_", 4)) >= 0) return (Column){s->rotation, 4, (size_t)k, 0, NULL, -1};
    if ((k = read_number(name, "scale_", 3)) >= 0) return (Column){s->scale, 3, (size_t)k, 0, NULL, -1};
    if (!layout->rgb && (k = read_number(name, "f_dc_", 3)) >= 0) return (Column){s->dc, 3, (size_t)k, 0, NULL, -1};
    if ((k = read_number(name, "f_rest_", rest)) >= 0) return (Column){s->rest, (size_t)rest, (size_t)k, 0, NULL, -1};
    for (k = 0; k < 3 && layout->rgb; k++)
        if (!strcmp(name, colours[k])) return (Column){s->dc, 3, (size_t)k, 1 / full_scale(p->type), NULL, -1};
    return (Column){0};
}

static int has(const DfyPlyElement *vertex, const char *const *names, int count, const char **missing) {
    for (int i = 0; i < count; i++)
        if (dfy_ply_property(vertex, names[i]) < 0) {
            *missing = names[i];
            return 0;
        }
    return 1;
}

static int find_layout(const DfyPlyElement *vertex, Layout *layout, DfyMessage *message) {
    static const char *const needed[] = {"x",       "y",     "z",     "opacity", "scale_0",
                                         "scale_1", "rot_0", "rot_1", "rot_2",   "rot_3"};
    static const char *const coefficients[] = {"f_dc_0", "f_dc_1", "f_dc_2"}, *const rgb[] = {"red", "green", "blue"};
    const char *missing = NULL, *unused;
    *layout = (Layout){0};
    if (has(vertex, needed, 10, &missing) && !has(vertex, coefficients, 3, &missing) && has(vertex, rgb, 3, &unused)) {
        layout->rgb = 1;
        missing = NULL;
    }
    if (missing)
        return dfy_fail(message, DFY_ERROR_FORMAT, "The PLY file is no splat model: it has no property \"%s\".",
                        missing);
    layout->flat = dfy_ply_property(vertex, "scale_2") < 0;
    int rest = 0;
    for (int i = 0; i < vertex->properties; i++) rest += read_number(vertex->property[i].name, "f_rest_", 1000) >= 0;
    for (layout->degree = 0; layout->degree <= DFY_SPLAT_MAX_DEGREE; layout->degree++)
        if (rest == dfy_splat_rest(layout->degree) * 3) return DFY_OK;
    return dfy_fail(message, DFY_ERROR_UNSUPPORTED,
                    "The PLY file has %d f_rest properties: 0, 9, 24, 45 or 72 are spherical harmonics.", rest);
}

/* ---------------------------------------------------------------- rows */

static void note_rounding(const Column *column, double value) {
    Rounding *r = column->rounding;
    int axis = column->axis;
    if (!isfinite(value)) return;
    if (!isfinite((float)value)) {
        r->beyond++;
        return;
    }
    if (axis < 0) return;
    r->most[axis] = fmax(r->most[axis], fabs(value - (double)(float)value));
    r->low[axis] = fmin(r->low[axis], value);
    r->high[axis] = fmax(r->high[axis], value);
}

static inline void put_value(const Column *column, size_t row, double value) {
    if (!column->array) return;
    if (column->factor > 0) value = (value * column->factor - 0.5) / DFY_SH_C0;
    column->array[row * column->stride + column->place] = (float)value;
    if (column->rounding) note_rounding(column, value);
}

/* Properties in a row that are floats and go into a row of the same array: most models are few such spans. */
typedef struct Span {
    Column to;
    uint32_t offset;
    int count;
} Span;

static int is_plain(const DfyPlyElement *vertex, int i, const Column *columns) {
    return columns[i].array && vertex->property[i].type == DFY_PLY_F32 && !vertex->big_endian &&
           !(columns[i].factor > 0);
}

static int find_spans(Span *spans, const DfyPlyElement *vertex, const Column *columns) {
    int count = 0;
    for (int i = 0; i < vertex->properties; i++) {
        const DfyPlyProperty *property = &vertex->property[i];
        Span *last = count ? &spans[count - 1] : NULL;
        if (!is_plain(vertex, i, columns)) continue;
        if (last && last->to.array == columns[i].array && last->to.place + (size_t)last->count == columns[i].place &&
            last->offset + 4u * (uint32_t)last->count == property->offset)
            last->count++;
        else
            spans[count++] = (Span){columns[i], property->offset, 1};
    }
    return count;
}

static int read_binary_rows(const DfyPlyElement *vertex, const Column *columns) {
    Span *spans = malloc(((size_t)vertex->properties + 1) * sizeof *spans);
    if (!spans) return DFY_ERROR_MEMORY;
    int count = find_spans(spans, vertex, columns);
    for (uint32_t row = 0; row < vertex->count; row++)
        for (const Span *span = spans; span < spans + count; span++) {
            const uint8_t *from = vertex->rows + (size_t)row * vertex->row_bytes + span->offset;
            float *to = span->to.array + (size_t)row * span->to.stride + span->to.place;
            for (int k = 0; k < span->count; k++) to[k] = dfy_float_of_le(from + 4 * k);
        }
    free(spans);
    for (int i = 0; i < vertex->properties; i++) {
        if (!columns[i].array || is_plain(vertex, i, columns)) continue;
        for (uint32_t row = 0; row < vertex->count; row++) put_value(&columns[i], row, dfy_ply_value(vertex, row, i));
    }
    return DFY_OK;
}

/* Rows with lists, of which all are there. */
static void read_listed_rows(const DfyPly *ply, const DfyPlyElement *vertex, const Column *columns) {
    const uint8_t *end = ply->body.data + ply->body.size;
    DfyBytes body = dfy_bytes(vertex->rows, (size_t)(end - vertex->rows));
    for (uint32_t row = 0; row < vertex->count; row++)
        for (int i = 0; i < vertex->properties; i++) {
            const DfyPlyProperty *p = &vertex->property[i];
            double value = 0, count = 1;
            if (p->is_list) dfy_ply_next(&body, p->count_type, vertex->big_endian, &count);
            for (double k = 0; k < count; k++) dfy_ply_next(&body, p->type, vertex->big_endian, &value);
            if (!p->is_list) put_value(&columns[i], row, value);
        }
}

/* The numbers of one property in a text row, the last of them in *value; 0 when one is missing. */
static int read_text_property(DfyBytes *body, const DfyPlyProperty *p, double *value) {
    double count = 1;
    if (p->is_list && (!dfy_ply_next_text(body, &count) || !(count >= 0))) return 0;
    for (double k = 0; k < count; k++)
        if (!dfy_ply_next_text(body, value)) return 0;
    return 1;
}

static int read_text_rows(DfyPly *ply, const DfyPlyElement *vertex, const Column *columns, DfyMessage *message) {
    for (int e = 0; e < ply->elements; e++) {
        const DfyPlyElement *element = &ply->element[e];
        for (uint32_t row = 0; element->properties && row < element->count; row++)
            for (int i = 0; i < element->properties; i++) {
                double value = 0;
                if (!read_text_property(&ply->body, &element->property[i], &value))
                    return dfy_fail(message, DFY_ERROR_DAMAGED,
                                    "The PLY file is cut or broken: row %u of element \"%s\" has no number for \"%s\".",
                                    row, element->name, element->property[i].name);
                if (element == vertex) put_value(&columns[i], row, value);
            }
    }
    return DFY_OK;
}

/* ---------------------------------------------------------------- what is not kept */

static int is_normal(const char *name) {
    return strlen(name) == 2 && name[0] == 'n' && name[1] >= 'x' && name[1] <= 'z';
}

/* Whether a property of a binary element is 0 in all rows. */
static int is_all_zero(const DfyPlyElement *vertex, int property) {
    for (uint32_t row = 0; row < vertex->count; row++) {
        double value = dfy_ply_value(vertex, row, property);
        if (value > 0 || value < 0) return 0;
    }
    return 1;
}

/* Whether a property that goes nowhere has anything in it: normals are often there as zeros. */
static int is_lost(const DfyPly *ply, const DfyPlyElement *vertex, const Column *columns, int i) {
    if (columns[i].array) return 0;
    return !is_normal(vertex->property[i].name) || !(ply->ascii || vertex->lists || is_all_zero(vertex, i));
}

/* The number a name ends in, -1 when it ends in none; *stem: the characters before it. */
static long number_behind(const char *name, size_t *stem) {
    *stem = strlen(name);
    while (*stem && name[*stem - 1] >= '0' && name[*stem - 1] <= '9') --*stem;
    return name[*stem] && strlen(name + *stem) < 9 ? strtol(name + *stem, NULL, 10) : -1;
}

/* Whether b is named as a is, with the next number. */
static int follows(const char *a, const char *b) {
    size_t stem_a, stem_b;
    long number_a = number_behind(a, &stem_a), number_b = number_behind(b, &stem_b);
    return number_a >= 0 && number_b == number_a + 1 && stem_a == stem_b && !strncmp(a, b, stem_a);
}

static void tell_properties(const DfyPly *ply, const DfyPlyElement *vertex, const Column *columns, DfyMessage *notes) {
    int lost = 0;
    for (int i = 0; i < vertex->properties; i++) lost += is_lost(ply, vertex, columns, i);
    if (lost)
        dfy_note(notes, "%d %s of %u splats%s", lost, lost == 1 ? "property" : "properties", vertex->count,
                 lost == 1 ? "" : " each");
    for (int i = 0; i < vertex->properties; i++) {
        const char *name = vertex->property[i].name;
        int last = i;
        if (!is_lost(ply, vertex, columns, i)) continue;
        while (last + 1 < vertex->properties && is_lost(ply, vertex, columns, last + 1) &&
               follows(vertex->property[last].name, vertex->property[last + 1].name))
            last++;
        if (last == i)
            dfy_note(notes, "property %s", name);
        else
            dfy_note(notes, "properties %s to %s", name, vertex->property[last].name);
        i = last;
    }
}

/* A hundredth of about the distance between neighbours is told: no codec would keep less. */
static void tell_rounding(const Rounding *r, uint32_t count, DfyMessage *notes) {
    double most = 0, widest = 0;
    for (int k = 0; k < 3; k++) {
        most = fmax(most, r->most[k]);
        widest = fmax(widest, r->high[k] - r->low[k]);
    }
    if (r->beyond) dfy_note(notes, "%u numbers beyond single precision, which became infinite", r->beyond);
    if (most > 0.01 * widest / cbrt(count ? count : 1))
        dfy_note(notes, "positions finer than single precision: they moved by up to %.2g; move the model to its origin",
                 most);
}

static void tell(const DfyPly *ply, const DfyPlyElement *vertex, const Column *columns, const Layout *layout,
                 DfyMessage *notes) {
    tell_properties(ply, vertex, columns, notes);
    for (int i = 0; i < ply->elements; i++)
        if (&ply->element[i] != vertex && ply->element[i].count)
            dfy_note(notes, "element %s (%u rows)", ply->element[i].name, ply->element[i].count);
    if (layout->flat) dfy_note(notes, "nothing of the third scale, which flat splats do not have: it became ln 1e-5");
}

static int read_vertices(DfySplats *s, DfyPly *ply, const DfyPlyElement *vertex, DfyMessage *notes,
                         DfyMessage *message) {
    Layout layout;
    int status = find_layout(vertex, &layout, message);
    if (status) return status;
    /* In text a number takes two bytes at least, so the count can't call for more memory than the file is worth. */
    if (ply->ascii && (uint64_t)vertex->count * (uint64_t)vertex->properties * 2 > dfy_bytes_left(&ply->body) + 1)
        return dfy_fail(message, DFY_ERROR_DAMAGED, "The PLY file is cut: %u rows don't fit into it.", vertex->count);
    if ((status = dfy_splats_alloc(s, vertex->count, layout.degree, message))) return status;
    Column *columns = malloc(((size_t)vertex->properties + 1) * sizeof *columns);
    if (!columns) return dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for a PLY header.");
    Rounding rounding = {.low = {INFINITY, INFINITY, INFINITY}, .high = {-INFINITY, -INFINITY, -INFINITY}};
    for (int i = 0; i < vertex->properties; i++) {
        columns[i] = column_of(&vertex->property[i], s, &layout);
        if (vertex->property[i].type == DFY_PLY_F64) columns[i].rounding = &rounding;
        if (columns[i].array == s->xyz) columns[i].axis = (int)columns[i].place;
    }
    for (size_t i = 0; layout.flat && i < s->count; i++) s->scale[i * 3 + 2] = FLAT_SCALE;
    if (ply->ascii)
        status = read_text_rows(ply, vertex, columns, message);
    else if (vertex->lists)
        read_listed_rows(ply, vertex, columns);
    else if ((status = read_binary_rows(vertex, columns)))
        dfy_fail(message, status, "There is no memory for a PLY header.");
    if (!status) tell(ply, vertex, columns, &layout, notes);
    if (!status) tell_rounding(&rounding, s->count, notes);
    free(columns);
    return status;
}

int dfy_read_ply(DfySplats *s, const uint8_t *data, size_t size_bytes, DfyMessage *notes, DfyMessage *message) {
    DfyPly ply;
    int status = dfy_ply_open(&ply, data, size_bytes, message);
    const DfyPlyElement *vertex = dfy_ply_element(&ply, "vertex");
    if (!status && !vertex) status = dfy_fail(message, DFY_ERROR_FORMAT, "The PLY file has no element \"vertex\".");
    if (!status && dfy_ply_property(vertex, "packed_position") >= 0)
        status = dfy_read_compressed_ply(s, &ply, message);
    else if (!status)
        status = read_vertices(s, &ply, vertex, notes, message);
    dfy_ply_free(&ply);
    return status;
}
