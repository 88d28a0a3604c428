/* What the readers of images share: see image.h for those that others call. */
#ifndef DIFFY_IMAGE_LIBAV_H
#define DIFFY_IMAGE_LIBAV_H

#include "image.h"
#include "libav.h"

/* Fills in the reading's sentence, "NAME is ...", and returns STATUS_FAILED. */
int image_bad(ImageReading *reading, const char *format, ...) PRINTF_LIKE(2, 3);
/* Says once for all images of a reading that it is tone-mapped. */
void image_tell_hdr(ImageReading *reading, int transfer);
/* Makes own an RGB picture of that size. */
int image_room(OwnPicture *own, unsigned width, unsigned height, ImageReading *reading);
/*
 * As image_decode, by a decoder of libav's; not turned, and a profile is left to the reading. PQ and HLG are
 * tone-mapped: points are H.273's primaries and transfer where the caller knows them, else NULL.
 */
int image_decode_by_libav(OwnPicture *own, const uint8_t *data, size_t size, ImageReading *reading, enum AVCodecID id,
                          const uint8_t *points);
/* A PNG's primaries and transfer as its cICP chunk names them, where those are PQ's or HLG's; else NULL. */
const uint8_t *image_png_hdr(const uint8_t *data, size_t size);

#endif
