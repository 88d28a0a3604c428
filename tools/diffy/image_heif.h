/* AVIF and HEIC images, by libheif, which is loaded when the first is opened. */
#ifndef DIFFY_IMAGE_HEIF_H
#define DIFFY_IMAGE_HEIF_H

#include "image.h"

/* Whether libheif is there. */
int heif_is_there(void);

/* As image_decode: what the file turns is turned. */
int image_decode_heif(OwnPicture *own, const uint8_t *data, size_t size, ImageReading *reading);

#endif
