/*
 * PLY files: any number of elements of scalar or list properties, as text or binary in either byte order. The counts in
 * a header are believed only as far as there are bytes for them.
 */
#include <stdlib.h>
#include <string.h>

#include "splat/formats/files.h"

enum { WORDS = 5 };

typedef struct Line {
    char words[WORDS][DFY_PLY_NAME];
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
        if (line->count <= WORDS && length + 1 < DFY_PLY_NAME) line->words[line->count - 1][length++] = c;
    }
    return any;
}

static int type_of(const char *word) {
    static const char *const names[][2] = {{"char", "int8"},     {"uchar", "uint8"},   {"short", "int16"},
                                           {"ushort", "uint16"}, {"int", "int32"},     {"uint", "uint32"},
                                           {"float", "float32"}, {"double", "float64"}};
    for (int i = 0; i < 8; i++)
        if (!strcmp(word, names[i][0]) || !strcmp(word, names[i][1])) return i;
    return -1;
}

int dfy_ply_type_bytes(DfyPlyType type) {
    static const uint8_t bytes[] = {1, 1, 2, 2, 4, 4, 4, 8};
    return bytes[type];
}

static int no_memory(DfyMessage *message) {
    return dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for a PLY header.");
}

static int add_element(DfyPly *ply, const Line *line, DfyMessage *message) {
    char *end;
    unsigned long long count = strtoull(line->words[2], &end, 10);
    if (line->count != 3 || *end || line->words[2][0] == '-' || count > DFY_SPLAT_MAX_COUNT)
        return dfy_fail(message, DFY_ERROR_FORMAT, "The PLY header has an element \"%s\" with an impossible count.",
                        line->words[1]);
    if (ply->elements == DFY_PLY_ELEMENTS)
        return dfy_fail(message, DFY_ERROR_UNSUPPORTED, "The PLY header has more than %d elements.", DFY_PLY_ELEMENTS);
    if (ply->elements == ply->capacity) {
        int capacity = ply->capacity ? ply->capacity * 2 : 8;
        DfyPlyElement *grown = realloc(ply->element, (size_t)capacity * sizeof *grown);
        if (!grown) return no_memory(message);
        ply->element = grown;
        ply->capacity = capacity;
    }
    DfyPlyElement *element = &ply->element[ply->elements++];
    *element = (DfyPlyElement){.count = (uint32_t)count};
    memcpy(element->name, line->words[1], DFY_PLY_NAME);
    return DFY_OK;
}

/* Room for one more property; NULL after failing. */
static DfyPlyProperty *new_property(DfyPly *ply, DfyMessage *message) {
    DfyPlyElement *element = &ply->element[ply->elements - 1];
    if (element->properties == DFY_PLY_PROPERTIES) {
        dfy_fail(message, DFY_ERROR_UNSUPPORTED, "The PLY element \"%s\" has more than %d properties.", element->name,
                 DFY_PLY_PROPERTIES);
        return NULL;
    }
    if (element->properties == element->capacity) {
        int capacity = element->capacity ? element->capacity * 2 : 16;
        DfyPlyProperty *grown = realloc(element->property, (size_t)capacity * sizeof *grown);
        if (!grown) {
            no_memory(message);
            return NULL;
        }
        element->property = grown;
        element->capacity = capacity;
    }
    DfyPlyProperty *property = &element->property[element->properties++];
    *property = (DfyPlyProperty){.offset = element->row_bytes};
    return property;
}

static int add_property(DfyPly *ply, const Line *line, DfyMessage *message) {
    if (!ply->elements) return dfy_fail(message, DFY_ERROR_FORMAT, "The PLY header has a property before any element.");
    DfyPlyElement *element = &ply->element[ply->elements - 1];
    int is_list = !strcmp(line->words[1], "list"), at = is_list ? 3 : 1;
    int type = type_of(line->words[at]), count_type = is_list ? type_of(line->words[2]) : 0;
    if (line->count != at + 2 || type < 0 || count_type < 0)
        return dfy_fail(message, DFY_ERROR_UNSUPPORTED, "The PLY header has a property of type \"%s\", not a number.",
                        line->words[at]);
    DfyPlyProperty *property = new_property(ply, message);
    if (!property) return DFY_ERROR_UNSUPPORTED;
    memcpy(property->name, line->words[at + 1], DFY_PLY_NAME);
    property->type = (DfyPlyType)type;
    property->is_list = is_list;
    property->count_type = (DfyPlyType)count_type;
    element->lists |= is_list;
    if (!is_list) element->row_bytes += (uint32_t)dfy_ply_type_bytes((DfyPlyType)type);
    return DFY_OK;
}

static int read_format(DfyPly *ply, const char *word, DfyMessage *message) {
    ply->ascii = !strcmp(word, "ascii");
    ply->big_endian = !strcmp(word, "binary_big_endian");
    if (ply->ascii || ply->big_endian || !strcmp(word, "binary_little_endian")) return DFY_OK;
    return dfy_fail(message, DFY_ERROR_UNSUPPORTED,
                    "PLY of format \"%s\" is not supported: ascii, binary_little_endian or binary_big_endian.", word);
}

static int read_header(DfyPly *ply, DfyMessage *message) {
    Line line;
    int status = DFY_OK, format_seen = 0;
    while (!status) {
        if (!next_line(&ply->body, &line))
            return dfy_fail(message, DFY_ERROR_FORMAT, "The PLY header has no end_header: the file is cut.");
        if (!strcmp(line.words[0], "end_header")) break;
        if (!strcmp(line.words[0], "format")) {
            status = read_format(ply, line.words[1], message);
            format_seen = 1;
        } else if (!strcmp(line.words[0], "element")) {
            status = add_element(ply, &line, message);
        } else if (!strcmp(line.words[0], "property")) {
            status = add_property(ply, &line, message);
        }
    }
    if (!status && !format_seen) return dfy_fail(message, DFY_ERROR_FORMAT, "The PLY header names no format.");
    for (int i = 0; i < ply->elements; i++) ply->element[i].big_endian = ply->big_endian;
    return status;
}

/* ---------------------------------------------------------------- numbers */

static double value_at(const uint8_t *data, DfyPlyType type, int big_endian) {
    uint8_t bytes[8];
    int size = dfy_ply_type_bytes(type);
    for (int i = 0; i < size; i++) bytes[i] = data[big_endian ? size - 1 - i : i];
    DfyBytes at = dfy_bytes(bytes, (size_t)size);
    switch (type) {
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

int dfy_ply_next(DfyBytes *body, DfyPlyType type, int big_endian, double *value) {
    const uint8_t *data = dfy_read_span(body, (size_t)dfy_ply_type_bytes(type));
    *value = data ? value_at(data, type, big_endian) : 0;
    return data != NULL;
}

int dfy_ply_next_text(DfyBytes *body, double *value) {
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

/* ---------------------------------------------------------------- rows */

/* Steps over one row with lists; 0 when the file ends before. */
static int skip_row(DfyBytes *body, const DfyPlyElement *element) {
    for (int i = 0; i < element->properties; i++) {
        const DfyPlyProperty *p = &element->property[i];
        double count = 1;
        if (p->is_list && (!dfy_ply_next(body, p->count_type, element->big_endian, &count) ||
                           !(count >= 0 && count < (double)INT32_MAX)))
            return 0;
        if (!dfy_read_span(body, (size_t)count * (size_t)dfy_ply_type_bytes(p->type)) && count > 0) return 0;
    }
    return 1;
}

static int place_listed(DfyPly *ply, DfyPlyElement *element, DfyMessage *message) {
    element->rows = ply->body.data + ply->body.position;
    for (uint32_t row = 0; row < element->count; row++)
        if (!skip_row(&ply->body, element))
            return dfy_fail(message, DFY_ERROR_DAMAGED,
                            "The PLY file is cut: of %u rows of element \"%s\" there are %u.", element->count,
                            element->name, row);
    return DFY_OK;
}

/* Finds the rows of every element of a binary file and that they are there. */
static int place_rows(DfyPly *ply, DfyMessage *message) {
    for (int i = 0; i < ply->elements; i++) {
        DfyPlyElement *element = &ply->element[i];
        if (element->lists) {
            int status = place_listed(ply, element, message);
            if (status) return status;
            continue;
        }
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

/* ---------------------------------------------------------------- files */

int dfy_ply_open(DfyPly *ply, const uint8_t *data, size_t size_bytes, DfyMessage *message) {
    *ply = (DfyPly){.body = dfy_bytes(data, size_bytes)};
    int status = read_header(ply, message);
    return status || ply->ascii ? status : place_rows(ply, message);
}

void dfy_ply_free(DfyPly *ply) {
    for (int i = 0; i < ply->elements; i++) free(ply->element[i].property);
    free(ply->element);
    *ply = (DfyPly){0};
}

const DfyPlyElement *dfy_ply_element(const DfyPly *ply, const char *name) {
    for (int i = 0; i < ply->elements; i++)
        if (!strcmp(ply->element[i].name, name)) return &ply->element[i];
    return NULL;
}

int dfy_ply_property(const DfyPlyElement *element, const char *name) {
    for (int i = 0; i < element->properties; i++)
        if (!element->property[i].is_list && !strcmp(element->property[i].name, name)) return i;
    return -1;
}

double dfy_ply_value(const DfyPlyElement *element, uint32_t row, int property) {
    const DfyPlyProperty *p = &element->property[property];
    return value_at(element->rows + (size_t)row * element->row_bytes + p->offset, p->type, element->big_endian);
}
