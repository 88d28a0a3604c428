/* Still images to RGB and back: PNG and JPEG through their libraries, WebP, TIFF, BMP, AVIF and HEIC (reading) through
 * others. */
#ifndef DIFFY_IMAGE_H
#define DIFFY_IMAGE_H

#include "source.h"

typedef enum ImageKind { IMAGE_NONE, IMAGE_PNG, IMAGE_JPEG, IMAGE_WEBP, IMAGE_TIFF, IMAGE_BMP, IMAGE_HEIF } ImageKind;

ImageKind image_kind_of_name(const char *name);
ImageKind image_kind_of_data(const uint8_t *head, size_t size);

typedef struct ImageReading {
    const char *name; /* for the sentence */
    int alpha_white;  /* white shows through transparent pixels, instead of black */
    int page;         /* of a TIFF, from 0 */
    int hdr_said;     /* that such images are tone-mapped */
    uint8_t *profile; /* that libav found in the last image, which the reading owns; NULL: none */
    size_t profile_size;
    char problem[480]; /* one sentence on what failed */
} ImageReading;

/*
 * Decodes into own (RGB; allocated anew where the size is another), turned as its EXIF says. STATUS_FAILED with
 * reading->problem filled for what is damaged, cut or of no known kind; then own is what it was or half a picture.
 */
int image_decode(OwnPicture *own, const uint8_t *data, size_t size, ImageReading *reading);
void image_reading_free(ImageReading *reading);

/* Pages of a TIFF, 1 for other images. */
int image_pages(const uint8_t *data, size_t size);
/* Whether a PNG holds an animation. */
int image_is_apng(const uint8_t *data, size_t size);

/* Writes an RGB picture, with what facts tell of its colour and pixels. */
int image_write(FILE *stream, const DfyPicture *picture, ImageKind kind, const SourceFacts *facts);

/* "frame_9" before "frame_10": runs of digits compare as numbers. */
int natural_order(const char *a, const char *b);

#endif
