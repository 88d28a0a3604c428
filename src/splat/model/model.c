/* Splat models in memory: allocation, degrees. */
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "diffy/splat.h"

const char *const dfy_splat_attribute_names[DFY_SPLAT_ATTRIBUTES] = {"position", "scale",    "alpha",
                                                                     "dc",       "rotation", "sh"};

static int allocate(DfySplats *splats, uint32_t count, int degree, int zeroed, DfyMessage *message) {
    *splats = (DfySplats){.count = count, .degree = degree};
    if (degree < 0 || degree > DFY_SPLAT_MAX_DEGREE)
        return dfy_fail(message, DFY_ERROR_UNSUPPORTED, "Spherical harmonics of degree %d are not supported: 0 to %d.",
                        degree, DFY_SPLAT_MAX_DEGREE);
    if (count > DFY_SPLAT_MAX_COUNT)
        return dfy_fail(message, DFY_ERROR_UNSUPPORTED, "A model of %u splats is too large: at most %u.", count,
                        DFY_SPLAT_MAX_COUNT);
    size_t n = count ? count : 1;
    size_t rest = (size_t)dfy_splat_rest(degree) * 3;
    const size_t sizes[6] = {3, 4, 3, 1, 3, rest};
    float **arrays[6] = {&splats->xyz, &splats->rotation, &splats->scale, &splats->opacity, &splats->dc, &splats->rest};
    for (int i = 0; i < 6; i++)
        if (sizes[i]) *arrays[i] = zeroed ? calloc(n, sizes[i] * sizeof(float)) : malloc(n * sizes[i] * sizeof(float));
    if (splats->xyz && splats->rotation && splats->scale && splats->opacity && splats->dc && (!rest || splats->rest))
        return DFY_OK;
    dfy_splats_free(splats);
    return dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for a model of %u splats.", count);
}

int dfy_splats_alloc(DfySplats *splats, uint32_t count, int degree, DfyMessage *message) {
    return allocate(splats, count, degree, 1, message);
}

void dfy_splats_free(DfySplats *splats) {
    free(splats->xyz);
    free(splats->rotation);
    free(splats->scale);
    free(splats->opacity);
    free(splats->dc);
    free(splats->rest);
    *splats = (DfySplats){0};
}

int dfy_splats_copy(DfySplats *out, const DfySplats *in, DfyMessage *message) {
    int status = allocate(out, in->count, in->degree, 0, message);
    if (status) return status;
    size_t n = in->count;
    if (!n) return DFY_OK;
    memcpy(out->xyz, in->xyz, n * 3 * sizeof(float));
    memcpy(out->rotation, in->rotation, n * 4 * sizeof(float));
    memcpy(out->scale, in->scale, n * 3 * sizeof(float));
    memcpy(out->opacity, in->opacity, n * sizeof(float));
    memcpy(out->dc, in->dc, n * 3 * sizeof(float));
    if (in->rest) memcpy(out->rest, in->rest, n * 3 * (size_t)dfy_splat_rest(in->degree) * sizeof(float));
    return DFY_OK;
}

int dfy_splats_set_degree(DfySplats *splats, int degree, DfyMessage *message) {
    if (degree == splats->degree) return DFY_OK;
    if (degree < 0 || degree > DFY_SPLAT_MAX_DEGREE)
        return dfy_fail(message, DFY_ERROR_ARGUMENT, "Spherical harmonics have degree 0 to %d, not %d.",
                        DFY_SPLAT_MAX_DEGREE, degree);
    size_t was = (size_t)dfy_splat_rest(splats->degree), is = (size_t)dfy_splat_rest(degree);
    size_t kept = was < is ? was : is;
    float *rest = NULL;
    if (is && !(rest = calloc(splats->count ? splats->count : 1, is * 3 * sizeof(float))))
        return dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for a model of %u splats.", splats->count);
    for (size_t row = 0; kept && row < (size_t)splats->count * 3; row++)
        memcpy(rest + row * is, splats->rest + row * was, kept * sizeof(float));
    free(splats->rest);
    splats->rest = rest;
    splats->degree = degree;
    return DFY_OK;
}

static void keep_rows(float *rows, size_t numbers, const uint8_t *flags, uint32_t count) {
    size_t to = 0;
    for (size_t i = 0; numbers && i < count; i++)
        if (flags[i]) memmove(rows + to++ * numbers, rows + i * numbers, numbers * sizeof *rows);
}

void dfy_splats_keep(DfySplats *splats, const uint8_t *flags) {
    uint32_t count = splats->count, kept = 0;
    keep_rows(splats->xyz, 3, flags, count);
    keep_rows(splats->rotation, 4, flags, count);
    keep_rows(splats->scale, 3, flags, count);
    keep_rows(splats->opacity, 1, flags, count);
    keep_rows(splats->dc, 3, flags, count);
    keep_rows(splats->rest, (size_t)dfy_splat_rest(splats->degree) * 3, flags, count);
    for (uint32_t i = 0; i < count; i++) kept += flags[i] != 0;
    splats->count = kept;
}
