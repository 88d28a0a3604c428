#include "splat/formats/webp.h"

#include <stdlib.h>

#include "diffy/diffy.h"

#ifndef DFY_WITHOUT_WEBP
#include <webp/decode.h>
#endif

int dfy_webp_read(DfyImage *image, const uint8_t *data, size_t size_bytes, uint64_t most) {
#ifdef DFY_WITHOUT_WEBP
    (void)image, (void)data, (void)size_bytes, (void)most;
    return DFY_ERROR_UNSUPPORTED;
#else
    int width = 0, height = 0;
    if (!WebPGetInfo(data, size_bytes, &width, &height) || width < 1 || height < 1) return DFY_ERROR_DAMAGED;
    size_t row = (size_t)width * 4, size = row * (size_t)height;
    if ((uint64_t)width * (uint64_t)height > most) return DFY_ERROR_DAMAGED;
    *image = (DfyImage){malloc(size), (uint32_t)width, (uint32_t)height};
    if (!image->rgba) return DFY_ERROR_MEMORY;
    return WebPDecodeRGBAInto(data, size_bytes, image->rgba, size, (int)row) ? DFY_OK : DFY_ERROR_DAMAGED;
#endif
}

#ifdef DFY_WITHOUT_WEBP

int dfy_webp_write(const DfyImage *image, DfyBuffer *buffer) {
    (void)image, (void)buffer;
    return DFY_ERROR_UNSUPPORTED;
}

#else

#include <webp/encode.h>

static int put_webp(const uint8_t *data, size_t size, const WebPPicture *picture) {
    DfyBuffer *buffer = picture->custom_ptr;
    dfy_put_bytes(buffer, data, size);
    return !buffer->failed;
}

int dfy_webp_write(const DfyImage *image, DfyBuffer *buffer) {
    WebPConfig config;
    WebPPicture picture;
    if (!WebPConfigInit(&config) || !WebPPictureInit(&picture)) return DFY_ERROR_MEMORY;
    config.lossless = 1;
    config.exact = 1; /* colours under a transparent alpha are numbers as well */
    config.quality = 75;
    config.method = 4;
    picture.use_argb = 1;
    picture.width = (int)image->width;
    picture.height = (int)image->height;
    picture.writer = put_webp;
    picture.custom_ptr = buffer;
    int good = WebPPictureImportRGBA(&picture, image->rgba, (int)image->width * 4) && WebPEncode(&config, &picture);
    WebPPictureFree(&picture);
    return good ? DFY_OK : DFY_ERROR_MEMORY;
}

#endif
