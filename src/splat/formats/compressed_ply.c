/*
 * PlayCanvas compressed.ply: 16 bytes a splat, packed against the bounds of its chunk of 256 splats; colour
 * coefficients beyond the first, when there, are bytes in an element of their own.
 */
#include <math.h>

#include "splat/formats/files.h"

enum { CHUNK_SPLATS = 256 };

/* Columns of the element "chunk": lower bounds, then upper ones, of position, scale and colour. */
typedef struct Bounds {
    int low[3], high[3];
} Bounds;

static int find_bounds(const DfyPlyElement *chunk, Bounds *bounds, const char *const names[6]) {
    for (int i = 0; i < 3; i++) {
        bounds->low[i] = dfy_ply_property(chunk, names[i]);
        bounds->high[i] = dfy_ply_property(chunk, names[i + 3]);
        if (bounds->low[i] < 0 || bounds->high[i] < 0) return 0;
    }
    return 1;
}

/* The `bits` of value above `shift` as 0..1. */
static double part(uint32_t value, int shift, int bits) {
    uint32_t mask = (1u << bits) - 1;
    return (double)(value >> shift & mask) / mask;
}

static void unpack_vector(uint32_t packed, const DfyPlyElement *chunk, uint32_t row, const Bounds *bounds,
                          float out[3]) {
    double t[3] = {part(packed, 21, 11), part(packed, 11, 10), part(packed, 0, 11)};
    for (int i = 0; i < 3; i++) {
        double low = dfy_ply_value(chunk, row, bounds->low[i]), high = dfy_ply_value(chunk, row, bounds->high[i]);
        out[i] = (float)(low * (1 - t[i]) + high * t[i]);
    }
}

/* Two bits name the largest component, the others follow in order, ten bits each. */
static void unpack_rotation(uint32_t packed, float out[4]) {
    double small[3] = {part(packed, 20, 10), part(packed, 10, 10), part(packed, 0, 10)}, sum = 0;
    int largest = (int)(packed >> 30);
    for (int i = 0, j = 0; i < 4; i++) {
        if (i == largest) continue;
        double value = (small[j++] - 0.5) * sqrt(2);
        sum += value * value;
        out[i] = (float)value;
    }
    out[largest] = (float)sqrt(sum < 1 ? 1 - sum : 0);
}

static void unpack_colour(uint32_t packed, const DfyPlyElement *chunk, uint32_t row, const Bounds *bounds,
                          float out[3]) {
    for (int i = 0; i < 3; i++) {
        double value = part(packed, 24 - 8 * i, 8);
        if (bounds) {
            double low = dfy_ply_value(chunk, row, bounds->low[i]), high = dfy_ply_value(chunk, row, bounds->high[i]);
            value = low * (1 - value) + high * value;
        }
        out[i] = (float)((value - 0.5) / DFY_SH_C0);
    }
}

static int unpack_rest(DfySplats *s, const DfyPlyElement *sh) {
    int count = dfy_splat_rest(s->degree) * 3;
    for (uint32_t row = 0; row < s->count; row++)
        for (int i = 0; i < count; i++) {
            double byte = dfy_ply_value(sh, row, i);
            double value = byte <= 0 ? 0 : byte >= 255 ? 1 : (byte + 0.5) / 256;
            s->rest[(size_t)row * count + i] = (float)((value - 0.5) * 8);
        }
    return DFY_OK;
}

int dfy_read_compressed_ply(DfySplats *s, const DfyPly *ply, DfyMessage *message) {
    static const char *const places[] = {"min_x", "min_y", "min_z", "max_x", "max_y", "max_z"};
    static const char *const scales[] = {"min_scale_x", "min_scale_y", "min_scale_z",
                                         "max_scale_x", "max_scale_y", "max_scale_z"};
    static const char *const colours[] = {"min_r", "min_g", "min_b", "max_r", "max_g", "max_b"};
    static const char *const packed[] = {"packed_position", "packed_rotation", "packed_scale", "packed_color"};
    const DfyPlyElement *vertex = dfy_ply_element(ply, "vertex"), *chunk = dfy_ply_element(ply, "chunk");
    const DfyPlyElement *sh = dfy_ply_element(ply, "sh");
    Bounds place, scale, colour;
    int column[4], degree = 0;
    if (ply->ascii || vertex->lists || (chunk && chunk->lists) || (sh && sh->lists))
        return dfy_fail(message, DFY_ERROR_UNSUPPORTED, "A compressed PLY must be binary and without lists.");
    for (int i = 0; i < 4; i++)
        if ((column[i] = dfy_ply_property(vertex, packed[i])) < 0)
            return dfy_fail(message, DFY_ERROR_FORMAT, "The compressed PLY has no property \"%s\".", packed[i]);
    if (!chunk || !find_bounds(chunk, &place, places) || !find_bounds(chunk, &scale, scales) ||
        (uint64_t)chunk->count * CHUNK_SPLATS < vertex->count)
        return dfy_fail(message, DFY_ERROR_FORMAT, "The compressed PLY lacks the bounds of some of its chunks.");
    int coloured = find_bounds(chunk, &colour, colours);
    if (sh) {
        while (degree <= DFY_SPLAT_MAX_DEGREE && dfy_splat_rest(degree) * 3 != sh->properties) degree++;
        if (degree > DFY_SPLAT_MAX_DEGREE || sh->count != vertex->count)
            return dfy_fail(message, DFY_ERROR_FORMAT, "The compressed PLY's element \"sh\" doesn't fit its splats.");
    }
    int status = dfy_splats_alloc(s, vertex->count, degree, message);
    if (status) return status;
    for (uint32_t i = 0; i < s->count; i++) {
        uint32_t word[4], row = i / CHUNK_SPLATS;
        for (int j = 0; j < 4; j++) {
            double value = dfy_ply_value(vertex, i, column[j]);
            word[j] = value >= 0 && value <= UINT32_MAX ? (uint32_t)value : 0;
        }
        unpack_vector(word[0], chunk, row, &place, s->xyz + (size_t)i * 3);
        unpack_rotation(word[1], s->rotation + (size_t)i * 4);
        unpack_vector(word[2], chunk, row, &scale, s->scale + (size_t)i * 3);
        unpack_colour(word[3], chunk, row, coloured ? &colour : NULL, s->dc + (size_t)i * 3);
        s->opacity[i] = (float)dfy_logit(part(word[3], 0, 8));
    }
    return degree ? unpack_rest(s, sh) : DFY_OK;
}
