/* PLY files as INRIA's trainer writes them, binary or text. */
#include <stdio.h>
#include <string.h>

#include "splat/formats/files.h"

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
