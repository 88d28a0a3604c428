/* How far two pictures are apart: squared error of each plane, and structural similarity. */
#ifndef DIFFY_MEASURE_H
#define DIFFY_MEASURE_H

#include <stdint.h>

#include "diffy.h"

typedef struct Measure {
    uint64_t squared_error[3], samples[3];
} Measure;

/* Both I420 and of equal size. */
void measure_squared_error(Measure *measure, const DfyPicture *a, const DfyPicture *b);
void measure_add(Measure *total, const Measure *measure);
double measure_mse(const Measure *measure, int plane);
double measure_psnr(const Measure *measure, int plane); /* dB; infinity when equal */

/* Mean SSIM of the luma in 8x8 windows every 4 pixels, with the usual constants (K1 .01, K2 .03). */
double measure_ssim(const DfyPicture *a, const DfyPicture *b);

#endif
