/* How far two pictures are apart: squared error of each plane, and structural similarity. */
#ifndef DIFFY_MEASURE_H
#define DIFFY_MEASURE_H

#include <stdint.h>

#include "diffy/diffy.h"

typedef struct Measure {
    uint64_t squared_error[3], samples[3];
    double ssim_sum; /* of luma, by measure_moving alone */
    uint64_t windows;
} Measure;

/* Both I420 and of equal size. */
void measure_squared_error(Measure *measure, const DfyPicture *a, const DfyPicture *b);
/*
 * Squared error of luma in the blocks of 16x16 in which a has moved: by 4 levels in the mean since `before`, rows of
 * a's width; and the SSIM of the windows that lie within one of them. Samples and windows are 0 where nothing has.
 */
void measure_moving(Measure *measure, const uint8_t *before, const DfyPicture *a, const DfyPicture *b);
void measure_add(Measure *total, const Measure *measure);
double measure_mse(const Measure *measure, int plane);
double measure_psnr(const Measure *measure, int plane); /* dB; infinity when equal */

/*
 * Mean structural similarity of luma: Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error
 * visibility to structural similarity", IEEE Transactions on Image Processing 13(4), 2004, with their constants (K1
 * .01, K2 .03), in windows of 8x8 every 4 pixels without weights, as x264's and ffmpeg's.
 */
double measure_ssim(const DfyPicture *a, const DfyPicture *b);

#endif
