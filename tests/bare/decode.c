/*
 * Decodes a .dfy of version 2 to Y4M on stdout: a program that needs nothing but the C library, for machines that
 * nothing else is installed for.
 */
#include <stdio.h>

#include "diffy/diffy.h"

static int64_t read_at(void *opaque, uint64_t offset, uint8_t *data, size_t size_bytes) {
    if (fseek(opaque, (long)offset, SEEK_SET)) return -1;
    size_t got = fread(data, 1, size_bytes, opaque);
    return ferror((FILE *)opaque) ? -1 : (int64_t)got;
}

static int write_header(const DfyDecoder *decoder) {
    DfyInfo info;
    int status = dfy_decoder_info(decoder, &info);
    if (!status)
        printf("YUV4MPEG2 W%d H%d F%d:%d Ip C420jpeg\n", info.width, info.height, info.frame_rate_num,
               info.frame_rate_den);
    return status;
}

static int write_plane(const DfyPicture *picture, int plane, FILE *out) {
    size_t width = (size_t)(plane ? (picture->width + 1) / 2 : picture->width);
    int rows = plane ? (picture->height + 1) / 2 : picture->height;
    for (int y = 0; y < rows; y++)
        if (fwrite(picture->plane[plane] + y * picture->stride_bytes[plane], 1, width, out) != width) return -1;
    return 0;
}

int main(int argc, char **argv) {
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    if (!file || fseek(file, 0, SEEK_END)) return fputs("usage: decode FILE.dfy >OUTPUT.y4m\n", stderr), 2;
    DfyInput input = {.read = read_at, .size_bytes = (uint64_t)ftell(file), .opaque = file};
    DfyDecoder *decoder = NULL;
    int status = dfy_decoder_open(&decoder, &input, NULL);
    if (!status) status = write_header(decoder);
    DfyPicture picture;
    while (!status && !(status = dfy_decoder_next(decoder, &picture))) {
        fputs("FRAME\n", stdout);
        for (int plane = 0; plane < 3 && !status; plane++)
            if (write_plane(&picture, plane, stdout)) status = DFY_ERROR_IO;
    }
    if (status != DFY_END) fprintf(stderr, "%s: %s\n", argv[1], dfy_last_message(decoder));
    dfy_decoder_close(&decoder);
    return status != DFY_END;
}
