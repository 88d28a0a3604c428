/* Writes YUV4MPEG2. */
#include "diffy/y4m.h"

int y4m_write_header(FILE *stream, const SourceFacts *facts) {
    int num = facts->rate_num > 0 ? facts->rate_num : 30, den = facts->rate_num > 0 ? facts->rate_den : 1;
    return fprintf(stream, "YUV4MPEG2 W%d H%d F%d:%d Ip A0:0 C420jpeg%s\n", facts->width, facts->height, num, den,
                   facts->range == DFY_RANGE_FULL ? " XCOLORRANGE=FULL" : "") < 0;
}

int y4m_write_picture(FILE *stream, const DfyPicture *picture) {
    if (fputs("FRAME\n", stream) < 0) return -1;
    for (int i = 0; i < 3; i++) {
        size_t width = (size_t)(i ? (picture->width + 1) / 2 : picture->width);
        int height = i ? (picture->height + 1) / 2 : picture->height;
        for (int y = 0; y < height; y++)
            if (fwrite(picture->plane[i] + y * picture->stride_bytes[i], 1, width, stream) != width) return -1;
    }
    return 0;
}
