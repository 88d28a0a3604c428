/* Pictures as callers hand them over: what is wrong with one is found here, before any pixel is touched. */
#include "base/picture.h"

#include "dsp/colour.h"

static int convertible(const DfyPicture *picture) {
    int known =
        picture->format == DFY_PIXELS_I420 || picture->format == DFY_PIXELS_RGB || picture->format == DFY_PIXELS_RGBA;
    for (int i = 0; known && i < dfy_plane_count(picture->format); i++) known = picture->plane[i] != NULL;
    return known && picture->width >= 1 && picture->height >= 1;
}

int dfy_picture_convert(DfyPicture *dst, const DfyPicture *src) {
    if (!dst || !src || dst->width != src->width || dst->height != src->height || !convertible(dst) ||
        !convertible(src))
        return DFY_ERROR_ARGUMENT;
    return dfy_colour_convert(dst, src);
}
