/*
 * Encodes a Y4M of 4:2:0 at 10 frames per second to a .dfy of version 2: a program that needs nothing but the C
 * library, as decode.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diffy/diffy.h"

static int write_to_file(void *opaque, const uint8_t *data, size_t size_bytes) {
    return fwrite(data, 1, size_bytes, opaque) != size_bytes;
}

/* The number behind " W" and the like in a Y4M's first line. */
static int field(const char *line, const char *name) {
    const char *at = strstr(line, name);
    return at ? atoi(at + strlen(name)) : 0;
}

static int encode(DfyEncoder *encoder, FILE *in, int width, int height) {
    size_t luma = (size_t)width * (size_t)height, chroma = (size_t)((width + 1) / 2) * (size_t)((height + 1) / 2);
    uint8_t *pixels = malloc(luma + 2 * chroma);
    DfyPicture picture = {.format = DFY_PIXELS_I420,
                          .width = width,
                          .height = height,
                          .plane = {pixels, pixels + luma, pixels + luma + chroma},
                          .stride_bytes = {width, (width + 1) / 2, (width + 1) / 2}};
    char line[64];
    int status = pixels ? DFY_OK : DFY_ERROR_MEMORY;
    while (!status && fgets(line, sizeof line, in) && fread(pixels, 1, luma + 2 * chroma, in) == luma + 2 * chroma) {
        status = dfy_encoder_push(encoder, &picture);
        picture.pts++;
    }
    free(pixels);
    return status ? status : dfy_encoder_finish(encoder, NULL);
}

int main(int argc, char **argv) {
    char line[256];
    FILE *in = argc == 6 ? fopen(argv[1], "rb") : NULL, *out = in ? fopen(argv[2], "wb") : NULL;
    if (!out || !fgets(line, sizeof line, in))
        return fputs("usage: encode INPUT.y4m OUTPUT.dfy QUALITY EFFORT training|upload\n", stderr), 2;
    DfyEncoderSettings settings;
    dfy_encoder_defaults(&settings);
    settings.width = field(line, " W");
    settings.height = field(line, " H");
    settings.frame_rate_num = 10;
    settings.quality = atoi(argv[3]);
    settings.effort = atoi(argv[4]);
    settings.threads = 1;
    if (!strcmp(argv[5], "upload")) settings.mode = DFY_MODE_UPLOAD;
    DfyOutput output = {.write = write_to_file, .opaque = out};
    DfyEncoder *encoder;
    int status = dfy_encoder_open(&encoder, &settings, &output);
    if (!status) status = encode(encoder, in, settings.width, settings.height);
    if (status) fprintf(stderr, "%s: %s\n", argv[1], dfy_last_message(encoder));
    dfy_encoder_close(&encoder);
    return fclose(out) || status;
}
