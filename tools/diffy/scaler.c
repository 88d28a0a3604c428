/* Scaling down for --max-width, through libswscale. */
#include "libav.h"
#include "source.h"

#include <stdlib.h>

struct Scaler {
    struct SwsContext *context;
    OwnPicture scaled;
};

int scaler_open(Scaler **scaler, const SourceFacts *facts, int width, int height) {
    if (libav_load()) return STATUS_FAILED;
    Scaler *own = *scaler = calloc(1, sizeof *own);
    if (!own) return complain("There is no memory left for scaling.");
    enum AVPixelFormat pixels = facts->format == DFY_PIXELS_I420  ? AV_PIX_FMT_YUV420P
                                : facts->format == DFY_PIXELS_RGB ? AV_PIX_FMT_RGB24
                                                                  : AV_PIX_FMT_RGBA;
    own->context = libav.sws_getContext(facts->width, facts->height, pixels, width, height, pixels,
                                        SWS_AREA | SWS_ACCURATE_RND, NULL, NULL, NULL);
    if (!own->context) return complain("Pictures can't be scaled to %d x %d pixels.", width, height);
    return own_picture_alloc(&own->scaled, facts->format, width, height);
}

int scaler_run(Scaler *scaler, DfyPicture *out, const DfyPicture *picture) {
    const uint8_t *from[4] = {picture->plane[0], picture->plane[1], picture->plane[2]};
    int from_strides[4], to_strides[4] = {0};
    DfyPicture *to = &scaler->scaled.picture;
    for (int i = 0; i < 3; i++) {
        from_strides[i] = (int)picture->stride_bytes[i];
        to_strides[i] = (int)to->stride_bytes[i];
    }
    uint8_t *planes[4] = {dfy_picture_pixels(to, 0), dfy_picture_pixels(to, 1), dfy_picture_pixels(to, 2)};
    if (libav.sws_scale(scaler->context, from, from_strides, 0, picture->height, planes, to_strides) != to->height)
        return complain("A picture can't be scaled.");
    to->pts = picture->pts;
    to->matrix = picture->matrix;
    to->range = picture->range;
    *out = *to;
    return STATUS_GOOD;
}

void scaler_close(Scaler **scaler) {
    if (!*scaler) return;
    if ((*scaler)->context) libav.sws_freeContext((*scaler)->context);
    own_picture_free(&(*scaler)->scaled);
    free(*scaler);
    *scaler = NULL;
}
