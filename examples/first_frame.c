/* Writes the first frame of a .dfy file as a PPM picture on stdout: cc first_frame.c $(pkg-config --cflags --libs diffy) */
#include <stdio.h>
#include <stdlib.h>

#include "diffy/diffy.h"

static int64_t read_at(void *file, uint64_t offset, uint8_t *data, size_t size) {
    return fseek(file, (long)offset, SEEK_SET) ? -1 : (int64_t)fread(data, 1, size, file);
}

int main(int argc, char **argv) {
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    if (!file || fseek(file, 0, SEEK_END)) return fputs("usage: first_frame FILE.dfy >frame.ppm\n", stderr), 2;
    DfyInput input = {.read = read_at, .size_bytes = (uint64_t)ftell(file), .opaque = file};
    DfyDecoder *decoder;
    DfyPicture picture;
    if (dfy_decoder_open(&decoder, &input, NULL) || dfy_decoder_next(decoder, &picture))
        return fprintf(stderr, "%s\n", dfy_last_message(decoder)), 1;
    uint8_t *pixels = malloc((size_t)picture.width * (size_t)picture.height * 3);
    DfyPicture rgb = {.format = DFY_PIXELS_RGB, .width = picture.width, .height = picture.height};
    rgb.plane[0] = pixels;
    rgb.stride_bytes[0] = picture.width * 3;
    if (!pixels || dfy_picture_convert(&rgb, &picture)) return 1;
    printf("P6 %d %d 255\n", rgb.width, rgb.height);
    fwrite(pixels, 3, (size_t)rgb.width * (size_t)rgb.height, stdout);
    free(pixels);
    dfy_decoder_close(&decoder);
    return fclose(file) != 0;
}
