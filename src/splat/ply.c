/*
 * PLY files of splat models, as INRIA's trainer writes them: one element "vertex" whose scalar properties may come
 * in any order, among others that are ignored (normals). The count in a header is believed only as far as there
 * are bytes for it.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "splat/files.h"

/* ---------------------------------------------------------------- header */

typedef struct Line {
    char words[5][DFY_PLY_NAME];
    int count;
} Line;

/* The next line, split at blanks; longer words are cut, which then match nothing. 0 at the end of the file. */
static int next_line(DfyBytes *bytes, Line *line) {
    *line = (Line){.count = 0};
    size_t length = 0;
    int in_word = 0, any = 0;
    while (dfy_bytes_left(bytes)) {
        char c = (char)dfy_read_u8(bytes);
        any = 1;
        if (c == '\n') break;
        if (c == ' ' || c == '\t' || c == '\r') {
            in_word = 0;
            continue;
        }
        if (!in_word) {
            in_word = 1;
            length = 0;
            line->count++;
        }
        if (line->count <= 5 && length + 1 < DFY_PLY_NAME) line->words[line->count - 1][length++] = c;
    }
    return any;
}

static const uint8_t type_bytes[] = {1, 1, 2, 2, 4, 4, 4, 8};

static int type_of(const char *word) {
    static const char *const names[][2] = {{"char", "int8"},     {"uchar", "uint8"},   {"short", "int16"},
                                           {"ushort", "uint16"}, {"int", "int32"},     {"uint", "uint32"},
                                           {"float", "float32"}, {"double", "float64"}};
    for (int i = 0; i < 8; i++)
        if (!strcmp(word, names[i][0]) || !strcmp(word, names[i][1])) return i;
    return -1;
}

static int add_element(DfyPly *ply, const Line *line, DfyMessage *message) {
    char *end;
    unsigned long long count = strtoull(line->words[2], &end, 10);
    if (line->count != 3 || *end || line->words[2][0] == '-' || count > DFY_SPLAT_MAX_COUNT)
        return dfy_fail(message, DFY_ERROR_FORMAT, "The PLY header has an element \"%s\" with an impossible count.",
                        line->words[1]);
    if (ply->elements == DFY_PLY_ELEMENTS)
        return dfy_fail(message, DFY_ERROR_UNSUPPORTED, "The PLY header has more than %d elements.", DFY_PLY_ELEMENTS);
    DfyPlyElement *element = &ply->element[ply->elements++];
    memcpy(element->name, line->words[1], DFY_PLY_NAME);
    element->count = (uint32_t)count;
    return DFY_OK;
}

static int add_property(DfyPly *ply, const Line *line, DfyMessage *message) {
    if (!ply->elements) return dfy_fail(message, DFY_ERROR_FORMAT, "The PLY header has a property before any element.");
    DfyPlyElement *element = &ply->element[ply->elements - 1];
    int type = type_of(line->words[1]);
    if (line->count != 3 || type < 0)
        return dfy_fail(message, DFY_ERROR_UNSUPPORTED, "The PLY header has a property of type \"%s\", not a number.",
                        line->words[1]);
    if (element->properties == DFY_PLY_PROPERTIES)
        return dfy_fail(message, DFY_ERROR_UNSUPPORTED, "The PLY element \"%s\" has more than %d properties.",
                        element->name, DFY_PLY_PROPERTIES);
    DfyPlyProperty *property = &element->property[element->properties++];
    memcpy(property->name, line->words[2], DFY_PLY_NAME);
    property->type = (DfyPlyType)type;
    property->offset = element->row_bytes;
    element->row_bytes += type_bytes[type];
    return DFY_OK;
}

static int read_header(DfyPly *ply, DfyMessage *message) {
    Line line;
    int status = DFY_OK, format_seen = 0;
    while (!status) {
        if (!next_line(&ply->body, &line))
            return dfy_fail(message, DFY_ERROR_FORMAT, "The PLY header has no end_header: the file is cut.");
        if (!strcmp(line.words[0], "end_header")) break;
        if (!strcmp(line.words[0], "format")) {
            ply->ascii = !strcmp(line.words[1], "ascii");
            format_seen = 1;
            if (!ply->ascii && strcmp(line.words[1], "binary_little_endian"))
                return dfy_fail(message, DFY_ERROR_UNSUPPORTED,
                                "PLY of format \"%s\" is not supported: ascii or binary_little_endian.", line.words[1]);
        } else if (!strcmp(line.words[0], "element")) {
            status = add_element(ply, &line, message);
        } else if (!strcmp(line.words[0], "property")) {
            status = add_property(ply, &line, message);
        }
    }
    if (!status && !format_seen) return dfy_fail(message, DFY_ERROR_FORMAT, "The PLY header names no format.");
    return status;
}

/* Finds the rows of every element of a binary file and that they are there. */
static int place_rows(DfyPly *ply, DfyMessage *message) {
    for (int i = 0; i < ply->elements; i++) {
        DfyPlyElement *element = &ply->element[i];
        uint64_t size = (uint64_t)element->count * element->row_bytes;
        if (size > dfy_bytes_left(&ply->body))
            return dfy_fail(message, DFY_ERROR_DAMAGED,
                            "The PLY file is cut: %u rows of element \"%s\" need %llu bytes, there are %llu.",
                            element->count, element->name, (unsigned long long)size,
                            (unsigned long long)dfy_bytes_left(&ply->body));
        element->rows = dfy_read_span(&ply->body, (size_t)size);
    }
    return DFY_OK;
}

const DfyPlyElement *dfy_ply_element(const DfyPly *ply, const char *name) {
    for (int i = 0; i < ply->elements; i++)
        if (!strcmp(ply->element[i].name, name)) return &ply->element[i];
    return NULL;
}

int dfy_ply_property(const DfyPlyElement *element, const char *name) {
    for (int i = 0; i < element->properties; i++)
        if (!strcmp(element->property[i].name, name)) return i;
    return -1;
}

double dfy_ply_value(const DfyPlyElement *element, uint32_t row, int property) {
    const DfyPlyProperty *p = &element->property[property];
    DfyBytes at = dfy_bytes(element->rows + (size_t)row * element->row_bytes + p->offset, type_bytes[p->type]);
    switch (p->type) {
    case DFY_PLY_I8: return (int8_t)dfy_read_u8(&at);
    case DFY_PLY_U8: return dfy_read_u8(&at);
    case DFY_PLY_I16: return (int16_t)dfy_read_u16le(&at);
    case DFY_PLY_U16: return dfy_read_u16le(&at);
    case DFY_PLY_I32: return (int32_t)dfy_read_u32le(&at);
    case DFY_PLY_U32: return dfy_read_u32le(&at);
    case DFY_PLY_F32: return dfy_read_f32le(&at);
    default: {
        uint64_t bits = dfy_read_u64le(&at);
        double value;
        memcpy(&value, &bits, sizeof value);
        return value;
    }
    }
}

/* ---------------------------------------------------------------- rows */

/* Where each property goes: the array and the place in a splat's part of it. NULL: ignored. */
typedef struct Column {
    float *array;
    size_t stride, place;
} Column;

static int read_number(const char *name, const char *prefix, int limit) {
    size_t length = strlen(prefix);
    if (strncmp(name, prefix, length)) return -1;
    char *end;
    long number = strtol(name + length, &end, 10);
    return *end || end == name + length || number < 0 || number >= limit ? -1 : (int)number;
}

static Column column_of(const char *name, const DfySplats *s) {
    int k, rest = dfy_splat_rest(s->degree) * 3;
    if (strlen(name) == 1 && name[0] >= 'x' && name[0] <= 'z') return (Column){s->xyz, 3, (size_t)(name[0] - 'x')};
    if (!strcmp(name, "opacity")) return (Column){s->opacity, 1, 0};
    if ((k = read_number(name, "rot_", 4)) >= 0) return (Column){s->rotation, 4, (size_t)k};
    if ((k = read_number(name, "scale_", 3)) >= 0) return (Column){s->scale, 3, (size_t)k};
    if ((k = read_number(name, "f_dc_", 3)) >= 0) return (Column){s->dc, 3, (size_t)k};
    if ((k = read_number(name, "f_rest_", rest)) >= 0) return (Column){s->rest, (size_t)rest, (size_t)k};
    return (Column){0};
}

static int check_columns(const DfyPlyElement *vertex, int *degree, DfyMessage *message) {
    static const char *const needed[] = {"x",       "y",       "z",       "f_dc_0", "f_dc_1", "f_dc_2", "opacity",
                                         "scale_0", "scale_1", "scale_2", "rot_0",  "rot_1",  "rot_2",  "rot_3"};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (dfy_ply_property(vertex, needed[i]) < 0)
            return dfy_fail(message, DFY_ERROR_FORMAT, "The PLY file is no splat model: it has no property \"%s\".",
                            needed[i]);
    int rest = 0;
    for (int i = 0; i < vertex->properties; i++)
        if (read_number(vertex->property[i].name, "f_rest_", 1000) >= 0) rest++;
    for (*degree = 0; *degree <= DFY_SPLAT_MAX_DEGREE; ++*degree)
        if (rest == dfy_splat_rest(*degree) * 3) return DFY_OK;
    return dfy_fail(message, DFY_ERROR_UNSUPPORTED,
                    "The PLY file has %d f_rest properties: 0, 9, 24 or 45 are spherical harmonics.", rest);
}

/* Properties in a row that are floats and go into a row of the same array: most models are few such spans. */
typedef struct Span {
    Column to;
    uint32_t offset;
    int count;
} Span;

static int find_spans(Span *spans, const DfyPlyElement *vertex, const Column *columns) {
    int count = 0;
    for (int i = 0; i < vertex->properties; i++) {
        const DfyPlyProperty *property = &vertex->property[i];
        Span *last = count ? &spans[count - 1] : NULL;
        if (!columns[i].array || property->type != DFY_PLY_F32) continue;
        if (last && last->to.array == columns[i].array && last->to.place + (size_t)last->count == columns[i].place &&
            last->offset + 4u * (uint32_t)last->count == property->offset)
            last->count++;
        else
            spans[count++] = (Span){columns[i], property->offset, 1};
    }
    return count;
}

static void read_binary_rows(const DfyPlyElement *vertex, const Column *columns) {
    Span spans[DFY_PLY_PROPERTIES];
    int count = find_spans(spans, vertex, columns);
    for (uint32_t row = 0; row < vertex->count; row++)
        for (const Span *span = spans; span < spans + count; span++) {
            const uint8_t *from = vertex->rows + (size_t)row * vertex->row_bytes + span->offset;
            float *to = span->to.array + (size_t)row * span->to.stride + span->to.place;
            for (int k = 0; k < span->count; k++) to[k] = dfy_float_of_le(from + 4 * k);
        }
    for (int i = 0; i < vertex->properties; i++) {
        if (!columns[i].array || vertex->property[i].type == DFY_PLY_F32) continue;
        for (uint32_t row = 0; row < vertex->count; row++)
            columns[i].array[(size_t)row * columns[i].stride + columns[i].place] = (float)dfy_ply_value(vertex, row, i);
    }
}

/* The next number of a text body; 0 when there is none. */
static int next_number(DfyBytes *body, double *value) {
    char word[64];
    size_t length = 0;
    while (dfy_bytes_left(body)) {
        char c = (char)dfy_read_u8(body);
        int blank = c == ' ' || c == '\n' || c == '\t' || c == '\r';
        if (blank && length) break;
        if (blank) continue;
        if (length + 1 < sizeof word) word[length++] = c;
    }
    word[length] = 0;
    char *end;
    *value = strtod(word, &end);
    return length && !*end;
}

static int read_ascii_rows(DfyPly *ply, const DfyPlyElement *vertex, const Column *columns, DfyMessage *message) {
    for (const DfyPlyElement *element = ply->element; element <= vertex; element++)
        for (uint32_t row = 0; row < element->count; row++)
            for (int i = 0; i < element->properties; i++) {
                double value;
                if (!next_number(&ply->body, &value))
                    return dfy_fail(message, DFY_ERROR_DAMAGED,
                                    "The PLY file is cut or broken: row %u of element \"%s\" has no number for \"%s\".",
                                    row, element->name, element->property[i].name);
                if (element == vertex && columns[i].array)
                    columns[i].array[(size_t)row * columns[i].stride + columns[i].place] = (float)value;
            }
    return DFY_OK;
}

static int read_inria(DfySplats *splats, DfyPly *ply, const DfyPlyElement *vertex, DfyMessage *message) {
    int degree, status = check_columns(vertex, &degree, message);
    if (status) return status;
    /* In text a number takes two bytes at least, so the count can't call for more memory than the file is worth. */
    if (ply->ascii && (uint64_t)vertex->count * vertex->properties * 2 > (uint64_t)dfy_bytes_left(&ply->body) + 1)
        return dfy_fail(message, DFY_ERROR_DAMAGED, "The PLY file is cut: %u rows don't fit into it.", vertex->count);
    if ((status = dfy_splats_alloc(splats, vertex->count, degree, message))) return status;
    Column columns[DFY_PLY_PROPERTIES];
    for (int i = 0; i < vertex->properties; i++) columns[i] = column_of(vertex->property[i].name, splats);
    if (ply->ascii) return read_ascii_rows(ply, vertex, columns, message);
    read_binary_rows(vertex, columns);
    return DFY_OK;
}

int dfy_read_ply(DfySplats *splats, const uint8_t *data, size_t size_bytes, DfyMessage *message) {
    DfyPly *ply = calloc(1, sizeof *ply);
    if (!ply) return dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for a PLY header.");
    ply->body = dfy_bytes(data, size_bytes);
    int status = read_header(ply, message);
    if (!status && !ply->ascii) status = place_rows(ply, message);
    const DfyPlyElement *vertex = dfy_ply_element(ply, "vertex");
    if (!status && !vertex) status = dfy_fail(message, DFY_ERROR_FORMAT, "The PLY file has no element \"vertex\".");
    if (!status && dfy_ply_property(vertex, "packed_position") >= 0)
        status = dfy_read_compressed_ply(splats, ply, message);
    else if (!status)
        status = read_inria(splats, ply, vertex, message);
    free(ply);
    return status;
}

/* ---------------------------------------------------------------- writing */

static void put_text(DfyBuffer *buffer, const char *text) {
    dfy_put_bytes(buffer, text, strlen(text));
}

static void put_properties(DfyBuffer *buffer, const char *prefix, int count) {
    char line[64];
    for (int i = 0; i < count; i++) {
        snprintf(line, sizeof line, "property float %s%d\n", prefix, i);
        put_text(buffer, line);
    }
}

static void put_numbers(DfyBuffer *buffer, int ascii, const float *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!ascii) {
            dfy_put_f32le(buffer, values[i]);
            continue;
        }
        char word[40];
        snprintf(word, sizeof word, "%.9g ", (double)values[i]); /* nine digits bring every float back */
        put_text(buffer, word);
    }
}

int dfy_write_ply(const DfySplats *s, int ascii, DfyBuffer *buffer) {
    static const float normal[3] = {0, 0, 0};
    char line[96];
    size_t rest = (size_t)dfy_splat_rest(s->degree) * 3;
    put_text(buffer, ascii ? "ply\nformat ascii 1.0\n" : "ply\nformat binary_little_endian 1.0\n");
    snprintf(line, sizeof line, "element vertex %u\n", s->count);
    put_text(buffer, line);
    put_text(buffer, "property float x\nproperty float y\nproperty float z\n"
                     "property float nx\nproperty float ny\nproperty float nz\n");
    put_properties(buffer, "f_dc_", 3);
    put_properties(buffer, "f_rest_", (int)rest);
    put_text(buffer, "property float opacity\n");
    put_properties(buffer, "scale_", 3);
    put_properties(buffer, "rot_", 4);
    put_text(buffer, "end_header\n");
    for (size_t i = 0; i < s->count && !buffer->failed; i++) {
        put_numbers(buffer, ascii, s->xyz + i * 3, 3);
        put_numbers(buffer, ascii, normal, 3);
        put_numbers(buffer, ascii, s->dc + i * 3, 3);
        if (rest) put_numbers(buffer, ascii, s->rest + i * rest, rest);
        put_numbers(buffer, ascii, s->opacity + i, 1);
        put_numbers(buffer, ascii, s->scale + i * 3, 3);
        put_numbers(buffer, ascii, s->rotation + i * 4, 4);
        if (ascii) buffer->data[buffer->size - 1] = '\n';
    }
    return DFY_OK;
}
