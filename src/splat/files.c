/* Which kind of model file this is, and the way out through an output. */
#include <math.h>
#include <string.h>

#include "splat/files.h"

#include "splat/exact.h"

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

static int read_by_content(DfySplats *splats, const uint8_t *data, size_t size, DfyMessage *message) {
    if (size >= 4 && !memcmp(data, "ply", 3) && (data[3] == '\n' || data[3] == '\r'))
        return dfy_read_ply(splats, data, size, message);
    if (size >= 2 && data[0] == 0x1f && data[1] == 0x8b) return dfy_read_spz(splats, data, size, message);
    if (size && size % 32 == 0) return dfy_read_dotsplat(splats, data, size, message);
    return dfy_fail(message, DFY_ERROR_FORMAT, "This is not a splat model: expected a .ply, .spz or .splat file.");
}

int dfy_splats_read(DfySplats *splats, const uint8_t *data, size_t size_bytes, DfySplatRepairs *repairs,
                    DfyMessage *message) {
    *splats = (DfySplats){0};
    if (repairs) *repairs = (DfySplatRepairs){0};
    int status = read_by_content(splats, data, size_bytes, message);
    if (status) {
        dfy_splats_free(splats);
        return status;
    }
    dfy_splats_sanitise(splats, repairs);
    return DFY_OK;
}

int dfy_splats_write(const DfySplats *splats, DfySplatFormat format, const DfyOutput *output, DfyMessage *message) {
    DfyBuffer buffer = {0};
    int status = DFY_ERROR_ARGUMENT;
    switch (format) {
    case DFY_SPLAT_PLY: status = dfy_write_ply(splats, 0, &buffer); break;
    case DFY_SPLAT_PLY_ASCII: status = dfy_write_ply(splats, 1, &buffer); break;
    case DFY_SPLAT_DOTSPLAT: status = dfy_write_dotsplat(splats, &buffer); break;
    case DFY_SPLAT_SPZ: status = dfy_write_spz(splats, &buffer); break;
    }
    if (!status && buffer.failed) status = DFY_ERROR_MEMORY;
    if (status)
        dfy_fail(message, status, "The model of %u splats couldn't be written: %s.", splats->count,
                 dfy_strstatus(status));
    if (!status && output->write(output->opaque, buffer.data, buffer.size))
        status = dfy_fail(message, DFY_ERROR_IO, "The model couldn't be written to its place.");
    dfy_buffer_free(&buffer);
    return status;
}
