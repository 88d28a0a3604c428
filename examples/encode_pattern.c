/* Encodes two seconds of a moving square: cc encode_pattern.c $(pkg-config --cflags --libs diffy); a.out OUTPUT.dfy */
#include <stdio.h>
#include <string.h>

#include "diffy/diffy.h"

enum { WIDTH = 96, HEIGHT = 64 };

static int append(void *file, const uint8_t *data, size_t size) {
    return fwrite(data, 1, size, file) != size;
}

int main(int argc, char **argv) {
    static uint8_t luma[WIDTH * HEIGHT], chroma[2][WIDTH / 2 * HEIGHT / 2];
    FILE *file = argc == 2 ? fopen(argv[1], "wb") : NULL;
    if (!file) return fputs("usage: encode_pattern OUTPUT.dfy\n", stderr), 2;
    DfyEncoderSettings settings;
    dfy_encoder_defaults(&settings);
    settings.width = WIDTH;
    settings.height = HEIGHT;
    DfyOutput output = {.write = append, .opaque = file};
    DfyPicture picture = {.format = DFY_PIXELS_I420,
                          .width = WIDTH,
                          .height = HEIGHT,
                          .plane = {luma, chroma[0], chroma[1]},
                          .stride_bytes = {WIDTH, WIDTH / 2, WIDTH / 2}};
    memset(chroma, 128, sizeof chroma);
    DfyEncoder *encoder;
    int status = dfy_encoder_open(&encoder, &settings, &output);
    for (; !status && picture.pts < 60; picture.pts++) {
        memset(luma, 90, sizeof luma);
        for (int y = 20; y < 36; y++) memset(luma + y * WIDTH + picture.pts, 200, 16);
        status = dfy_encoder_push(encoder, &picture);
    }
    if (!status) status = dfy_encoder_finish(encoder, NULL);
    if (status) fprintf(stderr, "%s\n", dfy_last_message(encoder));
    dfy_encoder_close(&encoder);
    return fclose(file) || status;
}
