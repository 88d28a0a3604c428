/*
 * .splat files: 32 bytes a splat (position and scale as floats, colour and opacity as bytes, rotation as bytes
 * about 128), no header, no spherical harmonics beyond the first.
 */
#include <math.h>

#include "splat/formats/files.h"

enum { SPLAT_BYTES = 32, LOOKED_AT = 4096, ODD_PART = 16 };

/* Positions and sizes are numbers such as models have, and the rotation's length is about 128. */
static int is_plausible(const uint8_t *splat) {
    DfyBytes bytes = dfy_bytes(splat, SPLAT_BYTES);
    for (int k = 0; k < 6; k++) {
        float value = dfy_read_f32le(&bytes);
        if (!(k < 3 ? fabsf(value) < 1e9f && !(fabsf(value) > 0 && fabsf(value) < 1e-30f) : value >= 0 && value < 1e6f))
            return 0;
    }
    const uint8_t *turn = splat + 28;
    double length = 0;
    for (int k = 0; k < 4; k++) length += (turn[k] - 128.0) * (turn[k] - 128.0);
    return length >= 64 * 64 && length <= 192 * 192;
}

/*
 * There is no mark to tell the format by: its length is a multiple of 32, and splats are plausible, which text and
 * other files' bytes are not for long. Writers leave a few splats without a rotation or with numbers beyond all bounds.
 */
int dfy_is_dotsplat(const uint8_t *data, size_t size_bytes) {
    size_t count = size_bytes / SPLAT_BYTES, step = count / LOOKED_AT + 1, looked = 0, odd = 0;
    if (!size_bytes || size_bytes % SPLAT_BYTES) return 0;
    for (size_t i = 0; i < count; i += step, looked++) odd += !is_plausible(data + i * SPLAT_BYTES);
    return odd <= looked / ODD_PART;
}

int dfy_read_dotsplat(DfySplats *s, const uint8_t *data, size_t size_bytes, DfyMessage *message) {
    size_t count = size_bytes / SPLAT_BYTES;
    if (count > DFY_SPLAT_MAX_COUNT)
        return dfy_fail(message, DFY_ERROR_UNSUPPORTED, "A .splat file of %llu splats is too large: at most %u.",
                        (unsigned long long)count, DFY_SPLAT_MAX_COUNT);
    int status = dfy_splats_alloc(s, (uint32_t)count, 0, message);
    if (status) return status;
    DfyBytes bytes = dfy_bytes(data, size_bytes);
    for (size_t i = 0; i < count; i++) {
        for (int k = 0; k < 3; k++) s->xyz[i * 3 + k] = dfy_read_f32le(&bytes);
        for (int k = 0; k < 3; k++) s->scale[i * 3 + k] = logf(dfy_read_f32le(&bytes));
        for (int k = 0; k < 3; k++) s->dc[i * 3 + k] = (float)((dfy_read_u8(&bytes) / 255.0 - 0.5) / DFY_SH_C0);
        s->opacity[i] = (float)dfy_logit(dfy_read_u8(&bytes) / 255.0);
        for (int k = 0; k < 4; k++) s->rotation[i * 4 + k] = (float)((dfy_read_u8(&bytes) - 128) / 128.0);
    }
    return DFY_OK;
}

int dfy_write_dotsplat(const DfySplats *s, DfyBuffer *buffer) {
    for (size_t i = 0; i < s->count; i++) {
        const float *q = s->rotation + i * 4;
        double length = sqrt((double)q[0] * q[0] + (double)q[1] * q[1] + (double)q[2] * q[2] + (double)q[3] * q[3]);
        for (int k = 0; k < 3; k++) dfy_put_f32le(buffer, s->xyz[i * 3 + k]);
        for (int k = 0; k < 3; k++) dfy_put_f32le(buffer, expf(s->scale[i * 3 + k]));
        for (int k = 0; k < 3; k++) dfy_put_u8(buffer, dfy_to_byte((0.5 + DFY_SH_C0 * s->dc[i * 3 + k]) * 255));
        dfy_put_u8(buffer, dfy_to_byte(dfy_sigmoid(s->opacity[i]) * 255));
        for (int k = 0; k < 4; k++) dfy_put_u8(buffer, dfy_to_byte(q[k] / length * 128 + 128));
    }
    return DFY_OK;
}
