/* Any film and settings: what is encoded must decode, as many frames as were pushed, and verify. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/memory_file.h"

#define MOST_FRAMES 200

static DfyEncoderSettings settings_of(DfyBytes *in) {
    DfyEncoderSettings settings;
    dfy_encoder_defaults(&settings);
    unsigned way = dfy_read_u8(in);
    settings.format = 1;
    settings.width = 1 + dfy_read_u8(in) % 40;
    settings.height = 1 + dfy_read_u8(in) % 40;
    settings.quality = 1 + dfy_read_u8(in) % 100;
    settings.frame_rate_num = 1 + dfy_read_u8(in) % 60;
    settings.use_vq = (way & 15) == 15; /* seldom: learning the codebook takes long */
    settings.use_temporal = settings.use_vq || (way & 1);
    settings.use_bbox = way >> 1 & 1;
    settings.mode = way & 4 ? DFY_MODE_UPLOAD : DFY_MODE_TRAINING;
    settings.max_p_run = 1 + (way >> 4);
    settings.warmup_frames = 1 + (way >> 3);
    settings.has_imu = (way & 0x90) == 0x90;
    return settings;
}

/* The input's bytes as luma, beginning elsewhere in each frame; `period` frames later they come again. */
static int push_frames(DfyEncoder *encoder, const DfyEncoderSettings *settings, DfyBytes *in) {
    static uint8_t pixels[40 * 40 * 3];
    int frames = 1 + dfy_read_u8(in) % MOST_FRAMES, period = 1 + dfy_read_u8(in) % 64;
    size_t left = dfy_bytes_left(in);
    const uint8_t *data = dfy_read_span(in, left);
    DfyPicture picture = {.format = DFY_PIXELS_RGB,
                          .width = settings->width,
                          .height = settings->height,
                          .plane = {pixels},
                          .stride_bytes = {settings->width * 3}};
    for (int frame = 0; frame < frames; frame++) {
        size_t start = left ? (size_t)(frame % period) * 7 % left : 0;
        for (int i = 0; i < settings->width * settings->height * 3; i++)
            pixels[i] = left ? data[(start + (size_t)i) % left] : 0;
        picture.pts = frame;
        if (settings->has_imu && dfy_encoder_push_gyro(encoder, (const double[3]){.1, -.2, .3}, .005)) abort();
        if (dfy_encoder_push(encoder, &picture)) abort();
    }
    return frames;
}

static void check(DfyBuffer *file, int frames) {
    DfyInput input = memory_input(file);
    DfyDecoder *decoder;
    DfyPicture picture;
    if (dfy_decoder_open(&decoder, &input, NULL)) abort();
    for (int i = 0; i < frames; i++)
        if (dfy_decoder_next(decoder, &picture) != DFY_OK) abort();
    if (dfy_decoder_next(decoder, &picture) != DFY_END || dfy_decoder_verify(decoder)) abort();
    dfy_decoder_close(&decoder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    DfyBytes in = dfy_bytes(data, size);
    DfyEncoderSettings settings = settings_of(&in);
    DfyBuffer file = {0};
    DfyOutput output = {.write = memory_write, .opaque = &file};
    DfyEncoder *encoder;
    if (dfy_encoder_open(&encoder, &settings, &output)) abort();
    int frames = push_frames(encoder, &settings, &in);
    if (dfy_encoder_finish(encoder, NULL)) abort();
    dfy_encoder_close(&encoder);
    check(&file, frames);
    dfy_buffer_free(&file);
    return 0;
}
