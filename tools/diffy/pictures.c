/* Pictures that own their planes, and conversion between I420 and RGB through the library. */
#include "source.h"

#include <math.h>
#include <stdlib.h>

int own_picture_alloc(OwnPicture *own, DfyPixelFormat format, int width, int height) {
    size_t w = (size_t)width, h = (size_t)height, cw = (w + 1) / 2, ch = (h + 1) / 2;
    size_t pixel = format == DFY_PIXELS_RGB ? 3 : format == DFY_PIXELS_RGBA ? 4 : 1;
    size_t size = w * h * pixel + (format == DFY_PIXELS_I420 ? 2 * cw * ch : 0);
    *own = (OwnPicture){.memory = malloc(size)};
    if (!own->memory) return complain("There is no memory left for a picture of %d x %d pixels.", width, height);
    own->picture = (DfyPicture){.format = format, .width = width, .height = height, .matrix = DFY_MATRIX_UNKNOWN};
    own->picture.plane[0] = own->memory;
    own->picture.stride_bytes[0] = (ptrdiff_t)(w * pixel);
    if (format == DFY_PIXELS_I420) {
        own->picture.plane[1] = own->memory + w * h;
        own->picture.plane[2] = own->picture.plane[1] + cw * ch;
        own->picture.stride_bytes[1] = own->picture.stride_bytes[2] = (ptrdiff_t)cw;
    }
    return STATUS_GOOD;
}

void own_picture_free(OwnPicture *own) {
    free(own->memory);
    *own = (OwnPicture){0};
}

int picture_as(DfyPicture *out, OwnPicture *own, const DfyPicture *source, DfyPixelFormat format, DfyMatrix matrix,
               DfyRange range) {
    if (source->format == format) {
        *out = *source;
        return STATUS_GOOD;
    }
    if (!own->memory && own_picture_alloc(own, format, source->width, source->height)) return STATUS_FAILED;
    DfyPicture from = *source;
    if (from.format != DFY_PIXELS_I420) {
        from.matrix = matrix;
        from.range = range;
    }
    own->picture.pts = source->pts;
    own->picture.matrix = matrix;
    own->picture.range = range;
    int status = dfy_picture_convert(&own->picture, &from);
    if (status) return complain("A picture can't be converted: %s.", dfy_strstatus(status));
    *out = own->picture;
    return STATUS_GOOD;
}

void rate_from_number(double rate, int *num, int *den) {
    double film = rate * 1001 / 1000;
    if (fabs(rate - round(rate)) < 1e-4 * rate) {
        *num = (int)round(rate);
        *den = 1;
    } else if (fabs(film - round(film)) < 1e-4 * film) {
        *num = (int)round(film) * 1000;
        *den = 1001;
    } else {
        *num = (int)round(rate * 1000);
        *den = 1000;
    }
    if (*num < 1) *num = 1;
}
