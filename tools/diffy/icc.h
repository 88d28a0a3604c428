/* Colour profiles of images: what they describe becomes sRGB, as browsers do it. */
#ifndef DIFFY_ICC_H
#define DIFFY_ICC_H

#include "source.h"

/* The profile within an image's bytes, which the caller frees; NULL: there is none, or none that can be read. */
uint8_t *icc_of_png(const uint8_t *data, size_t size, size_t *profile_size);
uint8_t *icc_of_jpeg(const uint8_t *data, size_t size, size_t *profile_size);
uint8_t *icc_of_webp(const uint8_t *data, size_t size, size_t *profile_size);

/*
 * Changes an RGB picture from a profile's colours to sRGB. Profiles that are no RGB device's, or broken, change
 * nothing: such pixels are taken for sRGB, as those without a profile are.
 */
void icc_to_srgb(DfyPicture *rgb, const uint8_t *profile, size_t size);

/* As icc_to_srgb, from colours that H.273's code points name; BT.709's curve is taken for sRGB's, as players do. */
void points_to_srgb(DfyPicture *rgb, int primaries, int transfer);
/* The same from x and y of white, red, green and blue, and the power that makes light of a value. */
void chromaticities_to_srgb(DfyPicture *rgb, const double xy[8], double power);

#endif
