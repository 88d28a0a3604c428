/* Which kind of model file this is, and the way out through an output. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "splat/formats/files.h"
#include "splat/formats/zip.h"

#include "splat/model/exact.h"
#include "splat/model/odd.h"

double dfy_sigmoid(double x) {
    return 1 / (1 + dfy_exact_exp(-x));
}

double dfy_logit(double p) {
    const double edge = 1.1253516205509499e-7; /* sigmoid(-16) */
    if (!(p > edge)) return -16;
    if (p >= 1 - edge) return 16;
    return dfy_exact_ln(p / (1 - p));
}

uint8_t dfy_to_byte(double x) {
    return x >= 255 ? 255 : x > 0 ? (uint8_t)(x + 0.5) : 0;
}

void dfy_note(DfyMessage *notes, const char *format, ...) {
    static const char more[] = ", and more";
    size_t used = strlen(notes->text);
    if (used >= sizeof more && !strcmp(notes->text + used + 1 - sizeof more, more)) return;
    size_t left = sizeof notes->text - used - sizeof more;
    int wrote = snprintf(notes->text + used, left, "%s", used ? ", " : "Not kept: ");
    va_list arguments;
    va_start(arguments, format);
    int added = wrote >= 0 && (size_t)wrote < left
                    ? vsnprintf(notes->text + used + wrote, left - (size_t)wrote, format, arguments)
                    : -1;
    va_end(arguments);
    if (added < 0 || (size_t)(wrote + added) >= left) memcpy(notes->text + used, more, sizeof more);
}

/* What is plainly another kind of file, for the sentence that says so. */
static const char *other_kind(const uint8_t *data, size_t size) {
    static const struct {
        const char *start, *kind;
    } kinds[] = {{"<", "an HTML or XML page"}, {"{", "JSON"},     {"\x89PNG", "a PNG image"},
                 {"\xFF\xD8", "a JPEG image"}, {"%PDF", "a PDF"}, {"DFY", "a .dfy file"}};
    size_t blank = size >= 3 && !memcmp(data, "\xEF\xBB\xBF", 3) ? 3 : 0; /* a byte order mark, as pages have */
    while (blank < size && memchr(" \t\r\n", data[blank], 4)) blank++;
    data += blank;
    size -= blank;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (size >= strlen(kinds[i].start) && !memcmp(data, kinds[i].start, strlen(kinds[i].start)))
            return kinds[i].kind;
    return NULL;
}

static int read_by_content(DfySplats *splats, const uint8_t *data, size_t size, DfyMessage *notes,
                           DfyMessage *message) {
    if (size >= 4 && !memcmp(data, "ply", 3) && (data[3] == '\n' || data[3] == '\r'))
        return dfy_read_ply(splats, data, size, notes, message);
    if ((size >= 2 && data[0] == 0x1f && data[1] == 0x8b) || (size >= 4 && !memcmp(data, "NGSP", 4)))
        return dfy_read_spz(splats, data, size, notes, message);
    if (dfy_is_zip(data, size)) return dfy_read_sog(splats, data, size, notes, message);
    if (size >= 12 && !memcmp(data, "glTF", 4)) return dfy_read_gltf(splats, data, size, notes, message);
    const char *kind = other_kind(data, size);
    if (kind) return dfy_fail(message, DFY_ERROR_FORMAT, "This is not a splat model but %s.", kind);
    if (dfy_is_dotsplat(data, size)) return dfy_read_dotsplat(splats, data, size, message);
    return dfy_fail(message, DFY_ERROR_FORMAT,
                    "This is not a splat model: expected a .ply, .spz, .sog, .glb or .splat file that is whole.");
}

int dfy_splats_read(DfySplats *splats, const uint8_t *data, size_t size_bytes, DfyMessage *notes, DfyMessage *message) {
    DfyMessage unused;
    *splats = (DfySplats){0};
    if (!notes) notes = &unused;
    notes->text[0] = 0;
    int status = read_by_content(splats, data, size_bytes, notes, message);
    if (status) dfy_splats_free(splats);
    return status;
}

static int write_as(const DfySplats *splats, DfySplatFormat format, DfyBuffer *buffer) {
    switch (format) {
    case DFY_SPLAT_PLY: return dfy_write_ply(splats, 0, buffer);
    case DFY_SPLAT_PLY_ASCII: return dfy_write_ply(splats, 1, buffer);
    case DFY_SPLAT_DOTSPLAT: return dfy_write_dotsplat(splats, buffer);
    case DFY_SPLAT_SPZ: return dfy_write_spz(splats, 3, buffer);
    case DFY_SPLAT_SPZ2: return dfy_write_spz(splats, 2, buffer);
    case DFY_SPLAT_SPZ4: return dfy_write_spz(splats, 4, buffer);
    case DFY_SPLAT_SOG: return dfy_write_sog(splats, buffer);
    case DFY_SPLAT_GLB: return dfy_write_gltf(splats, 0, buffer);
    case DFY_SPLAT_GLB_SPZ: return dfy_write_gltf(splats, 1, buffer);
    default: return DFY_ERROR_ARGUMENT;
    }
}

/* Sizes as such, not as logarithms, in single precision. */
static void fit_sizes(DfySplats *s) {
    for (size_t i = 0; i < (size_t)s->count * 3; i++)
        s->scale[i] = fminf(fmaxf(s->scale[i], DFY_LEAST_SIZE), DFY_MOST_SIZE);
}

/* What the format has no room for is taken away or made a number first; dfy_splats_losses tells. */
static int write_fitting(const DfySplats *splats, DfySplatFormat format, DfyBuffer *buffer) {
    DfySplatOddities odd = {0};
    DfySplats fitting;
    int degree = dfy_format_degree(format);
    dfy_splats_look(splats, &odd);
    int usable =
        format == DFY_SPLAT_PLY || format == DFY_SPLAT_PLY_ASCII || !(odd.not_finite || odd.rotation || odd.scale);
    if (usable && splats->degree <= degree) return write_as(splats, format, buffer);
    int status = dfy_splats_copy(&fitting, splats, NULL);
    if (!status && !usable) dfy_splats_make_finite(&fitting);
    if (!status && !usable && (format == DFY_SPLAT_DOTSPLAT || format == DFY_SPLAT_GLB)) fit_sizes(&fitting);
    if (!status && fitting.degree > degree) status = dfy_splats_set_degree(&fitting, degree, NULL);
    if (!status) status = write_as(&fitting, format, buffer);
    dfy_splats_free(&fitting);
    return status;
}

int dfy_splats_write(const DfySplats *splats, DfySplatFormat format, const DfyOutput *output, DfyMessage *message) {
    DfyBuffer buffer = {0};
    int status = write_fitting(splats, format, &buffer);
    if (!status && buffer.failed) status = DFY_ERROR_MEMORY;
    if (status)
        dfy_fail(message, status, "The model of %u splats couldn't be written: %s.", splats->count,
                 status == DFY_ERROR_UNSUPPORTED ? "this build lacks what the format needs" : dfy_strstatus(status));
    /* A .splat file of no splats has no bytes. */
    if (!status && buffer.size && output->write(output->opaque, buffer.data, buffer.size))
        status = dfy_fail(message, DFY_ERROR_IO, "The model couldn't be written to its place.");
    dfy_buffer_free(&buffer);
    return status;
}
