/* What the tests of version 1 share: a file in memory, a small moving film, and a whole round trip. */
#ifndef DIFFY_TESTS_V1_FILM_H
#define DIFFY_TESTS_V1_FILM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/picture.h"
#include "memory_file.h"

/* A square that goes to and fro over a texture, once every `period` frames, and rests for the last third. */
static inline void draw_frame(DfyPicture *picture, uint64_t frame, int period) {
    int phase = (int)(frame % (uint64_t)period), moving = period - period / 3, side = picture->width / 6 + 1;
    int way = phase < moving ? (phase < moving / 2 ? phase : moving - phase) : 0;
    int left = moving > 1 ? way * (picture->width - side) / (moving / 2 + 1) : 0, top = picture->height / 3;
    for (int plane = 0; plane < 3; plane++)
        for (int y = 0; y < dfy_plane_rows(picture, plane); y++)
            for (size_t x = 0; x < dfy_plane_row_bytes(picture, plane); x++)
                dfy_picture_pixels(picture, plane)[y * picture->stride_bytes[plane] + (ptrdiff_t)x] =
                    (uint8_t)(plane ? 120 + plane * 8 : 70 + ((int)x * 5 + y * 3) % 40);
    for (int y = top; y < top + side && y < picture->height; y++)
        for (int x = left; x < left + side && x < picture->width; x++)
            dfy_picture_pixels(picture, 0)[y * picture->stride_bytes[0] + x] = 200;
    picture->pts = (int64_t)frame;
}

static inline DfyEncoderSettings film_settings(int width, int height) {
    DfyEncoderSettings settings;
    dfy_encoder_defaults(&settings);
    settings.format = 1;
    settings.width = width;
    settings.height = height;
    settings.matrix = DFY_MATRIX_BT601;
    return settings;
}

/* Encodes so many frames, each drawn by `draw`, and returns finish's status. */
static inline int encode_drawn(DfyBuffer *file, const DfyEncoderSettings *settings, uint64_t frames, int period,
                               void (*draw)(DfyPicture *picture, uint64_t frame, int period)) {
    DfyOutput output = {.write = memory_write, .opaque = file};
    DfyEncoder *encoder;
    DfyPicture picture;
    assert_int_equal(dfy_encoder_open(&encoder, settings, &output), DFY_OK);
    assert_int_equal(dfy_picture_alloc(&picture, DFY_PIXELS_I420, settings->width, settings->height), DFY_OK);
    int status = DFY_OK;
    for (uint64_t i = 0; i < frames && !status; i++) {
        draw(&picture, i, period);
        status = dfy_encoder_push(encoder, &picture);
    }
    if (!status) status = dfy_encoder_finish(encoder, NULL);
    dfy_picture_free(&picture);
    dfy_encoder_close(&encoder);
    return status;
}

static inline int encode_film(DfyBuffer *file, const DfyEncoderSettings *settings, uint64_t frames, int period) {
    return encode_drawn(file, settings, frames, period, draw_frame);
}

/* Mean squared luma error of a decoded RGB picture against frame `frame` of the film. */
static inline double film_error(const DfyPicture *decoded, uint64_t frame, int period) {
    DfyPicture drawn, back;
    assert_int_equal(dfy_picture_alloc(&drawn, DFY_PIXELS_I420, decoded->width, decoded->height), DFY_OK);
    assert_int_equal(dfy_picture_alloc(&back, DFY_PIXELS_I420, decoded->width, decoded->height), DFY_OK);
    draw_frame(&drawn, frame, period);
    back.matrix = DFY_MATRIX_BT601;
    assert_int_equal(dfy_picture_convert(&back, decoded), DFY_OK);
    double sum = 0;
    for (int y = 0; y < drawn.height; y++)
        for (int x = 0; x < drawn.width; x++) {
            double e = drawn.plane[0][y * drawn.stride_bytes[0] + x] - back.plane[0][y * back.stride_bytes[0] + x];
            sum += e * e;
        }
    sum /= (double)drawn.width * drawn.height;
    dfy_picture_free(&drawn);
    dfy_picture_free(&back);
    return sum;
}

#endif
