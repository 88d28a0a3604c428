/* PNG and JPEG pictures, through libpng and libjpeg-turbo. */
#ifndef DIFFY_IMAGE_H
#define DIFFY_IMAGE_H

#include "source.h"

typedef enum ImageKind { IMAGE_NONE, IMAGE_PNG, IMAGE_JPEG } ImageKind;

ImageKind image_kind_of_name(const char *name);

/* Decodes into own (RGB; allocated when empty, else of the same size or it complains). name is for messages. */
int image_decode(OwnPicture *own, const uint8_t *data, size_t size, const char *name);

/* Writes an RGB picture. */
int image_write(FILE *stream, const DfyPicture *picture, ImageKind kind);

/* "frame_9" before "frame_10": runs of digits compare as numbers. */
int natural_order(const char *a, const char *b);

#endif
