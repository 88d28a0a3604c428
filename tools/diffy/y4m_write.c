/* Writes YUV4MPEG2. */
#include "diffy/y4m.h"

static int point(int value) {
    return value > 0 ? value : 2;
}

int y4m_write_header(FILE *stream, const SourceFacts *facts) {
    int num = facts->rate_num > 0 ? facts->rate_num : 30, den = facts->rate_num > 0 ? facts->rate_den : 1;
    fprintf(stream, "YUV4MPEG2 W%d H%d F%d:%d Ip A%d:%d C420jpeg XCOLORRANGE=%s", facts->width, facts->height, num, den,
            facts->sample_aspect_num, facts->sample_aspect_den, facts->range == DFY_RANGE_FULL ? "FULL" : "LIMITED");
    /* In one short tag: FFmpeg refuses a header of more than 95 bytes. */
    int primaries = point(facts->primaries), transfer = point(facts->transfer), matrix = point((int)facts->matrix);
    if (primaries != 2 || transfer != 2 || matrix != 2) fprintf(stream, " XH273=%d/%d/%d", primaries, transfer, matrix);
    return fputc('\n', stream) == EOF || ferror(stream);
}

int y4m_write_picture(FILE *stream, const DfyPicture *picture) {
    if (fputs("FRAME\n", stream) < 0) return -1;
    for (int i = 0; i < 3; i++) {
        size_t width = (size_t)(i ? (picture->width + 1) / 2 : picture->width);
        size_t height = (size_t)(i ? (picture->height + 1) / 2 : picture->height);
        if (picture->stride_bytes[i] == (ptrdiff_t)width) { /* at once: nothing is copied on the way */
            if (fwrite(picture->plane[i], 1, width * height, stream) != width * height) return -1;
            continue;
        }
        for (size_t y = 0; y < height; y++)
            if (fwrite(picture->plane[i] + (ptrdiff_t)y * picture->stride_bytes[i], 1, width, stream) != width)
                return -1;
    }
    return 0;
}
