/* Pictures that own their planes, and conversion between I420 and RGB through the library. */
#include "source.h"

#include <math.h>
#include <stdlib.h>

/* libswscale writes whole vectors: so many bytes behind a plane may be written to, and belong to nobody. */
#define BEHIND_PLANE 128

int own_picture_make(OwnPicture *own, DfyPixelFormat format, int width, int height) {
    size_t w = (size_t)width, h = (size_t)height, cw = (w + 1) / 2, ch = (h + 1) / 2;
    size_t pixel = format == DFY_PIXELS_RGB ? 3 : format == DFY_PIXELS_RGBA ? 4 : 1;
    size_t first = w * h * pixel + BEHIND_PLANE, other = cw * ch + BEHIND_PLANE;
    size_t size = first + (format == DFY_PIXELS_I420 ? 2 * other : 0);
    *own = (OwnPicture){.memory = malloc(size)};
    if (!own->memory) return STATUS_FAILED;
    own->picture = (DfyPicture){.format = format, .width = width, .height = height, .matrix = DFY_MATRIX_UNKNOWN};
    own->picture.plane[0] = own->memory;
    own->picture.stride_bytes[0] = (ptrdiff_t)(w * pixel);
    if (format == DFY_PIXELS_I420) {
        own->picture.plane[1] = own->memory + first;
        own->picture.plane[2] = own->picture.plane[1] + other;
        own->picture.stride_bytes[1] = own->picture.stride_bytes[2] = (ptrdiff_t)cw;
    }
    return STATUS_GOOD;
}

int own_picture_alloc(OwnPicture *own, DfyPixelFormat format, int width, int height) {
    if (!own_picture_make(own, format, width, height)) return STATUS_GOOD;
    return complain("There is no memory left for a picture of %d x %d pixels.", width, height);
}

void own_picture_free(OwnPicture *own) {
    free(own->memory);
    *own = (OwnPicture){0};
}

void picture_blend(DfyPicture *rgb, const DfyPicture *rgba, int white) {
    for (int y = 0; y < rgb->height; y++) {
        uint8_t *to = dfy_picture_pixels(rgb, 0) + y * rgb->stride_bytes[0];
        const uint8_t *from = rgba->plane[0] + y * rgba->stride_bytes[0];
        for (int x = 0; x < rgb->width; x++, from += 4, to += 3)
            for (int c = 0; c < 3; c++)
                to[c] = (uint8_t)((from[c] * from[3] + (white ? 255 * (255 - from[3]) : 0) + 127) / 255);
    }
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
    double film = rate * 1001 / 1000, slow = 1 / rate;
    if (rate >= 1 && fabs(rate - round(rate)) < 1e-4 * rate) {
        *num = (int)round(rate);
        *den = 1;
    } else if (rate >= 1 && fabs(film - round(film)) < 1e-4 * film) {
        *num = (int)round(film) * 1000;
        *den = 1001;
    } else if (rate < 1 && slow < INT32_MAX && fabs(slow - round(slow)) < 1e-4 * slow) {
        *num = 1;
        *den = (int)round(slow);
    } else {
        *den = rate < 1 ? 1000000 : 1000;
        *num = rate * *den < INT32_MAX ? (int)round(rate * *den) : INT32_MAX;
    }
    if (*num < 1) *num = 1;
}
