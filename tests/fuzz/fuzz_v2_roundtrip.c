/* Any film and settings of version 2: as many frames come out as went in, verify finds nothing, lossless is lossless.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/memory_file.h"

enum { MOST_FRAMES = 10, MOST_SIDE = 40 };

static DfyEncoderSettings settings_of(DfyBytes *in) {
    DfyEncoderSettings settings;
    dfy_encoder_defaults(&settings);
    unsigned way = dfy_read_u8(in), more = dfy_read_u8(in);
    settings.width = 1 + dfy_read_u8(in) % MOST_SIDE;
    settings.height = 1 + dfy_read_u8(in) % MOST_SIDE;
    settings.quality = way & 1 ? 100 : 1 + dfy_read_u8(in) % 100;
    settings.effort = more % 4 == 3 ? 8 : 1 + (int)(more % 4); /* 8: it tries halves, too */
    settings.threads = 1;
    settings.frame_rate_num = 1 + dfy_read_u8(in) % 60;
    settings.time_base_num = 1;
    settings.time_base_den = 1000;
    settings.segment_seconds = more & 64 ? 0.2 : 0;
    if (way & 2 && settings.quality < 100)
        settings.mode = DFY_MODE_UPLOAD;
    else if (way & 4 && settings.quality < 100)
        settings.access_pictures = 2 + (int)(more >> 4 & 3);
    return settings;
}

/* A picture of the input's bytes; every `period` frames the same, moved and lighter by what the input says. */
static void draw(uint8_t *pixels, size_t count, const uint8_t *data, size_t size, int frame, int period,
                 unsigned light) {
    size_t start = size ? (size_t)(frame % period) * 5 % size : 0;
    for (size_t i = 0; i < count; i++) {
        unsigned value = (size ? data[(start + i / 3) % size] : 0u) + light * (unsigned)frame;
        pixels[i] = (uint8_t)(value > 255 ? 255 : value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t pixels[MOST_FRAMES][MOST_SIDE * MOST_SIDE * 2];
    DfyBytes in = dfy_bytes(data, size);
    DfyEncoderSettings settings = settings_of(&in);
    int frames = 1 + dfy_read_u8(&in) % MOST_FRAMES, period = 1 + dfy_read_u8(&in) % 16;
    unsigned light = dfy_read_u8(&in) % 4, step = 1 + dfy_read_u8(&in) % 90u;
    size_t left = dfy_bytes_left(&in);
    const uint8_t *rest = dfy_read_span(&in, left);
    ptrdiff_t w = settings.width, cw = (w + 1) / 2, ch = (settings.height + 1) / 2, luma = w * settings.height;
    DfyPicture picture = {
        .format = DFY_PIXELS_I420, .width = settings.width, .height = settings.height, .stride_bytes = {w, cw, cw}};
    DfyBuffer file = {0};
    DfyOutput output = {.write = memory_write, .opaque = &file};
    DfyEncoder *encoder;
    if (dfy_encoder_open(&encoder, &settings, &output)) abort();
    for (int i = 0; i < frames; i++) {
        draw(pixels[i], (size_t)(luma + 2 * cw * ch), rest, left, i, period, light);
        picture.plane[0] = pixels[i];
        picture.plane[1] = pixels[i] + luma;
        picture.plane[2] = pixels[i] + luma + cw * ch;
        picture.pts = (int64_t)step * i;
        if (dfy_encoder_push(encoder, &picture)) abort();
    }
    if (dfy_encoder_finish(encoder, NULL)) abort();
    dfy_encoder_close(&encoder);
    DfyInput input = memory_input(&file);
    DfyDecoder *decoder;
    if (dfy_decoder_open(&decoder, &input, NULL)) abort();
    for (int i = 0; i < frames; i++) {
        if (dfy_decoder_next(decoder, &picture) || picture.pts != (int64_t)step * i) abort();
        for (int y = 0; settings.quality == 100 && y < settings.height; y++)
            if (memcmp(picture.plane[0] + y * picture.stride_bytes[0], pixels[i] + y * w, (size_t)w)) abort();
    }
    if (dfy_decoder_next(decoder, &picture) != DFY_END || dfy_decoder_verify(decoder)) abort();
    dfy_decoder_close(&decoder);
    dfy_buffer_free(&file);
    return 0;
}
