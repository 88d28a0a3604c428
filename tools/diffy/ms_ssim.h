/*
 * Multi-scale structural similarity of luma: Wang, Simoncelli and Bovik, "Multi-scale structural similarity for image
 * quality assessment", Asilomar 2003. At five scales, each half the size of the one before (means of 2x2), windows are
 * weighed by a Gaussian of 11x11 with a standard deviation of 1.5 that lies wholly in the picture, as in Wang, Bovik,
 * Sheikh and Simoncelli, "Image quality assessment: from error visibility to structural similarity", 2004. The mean
 * contrast and structure of each scale, at the last one with the luminance, are raised to the paper's exponents.
 */
#ifndef DIFFY_MS_SSIM_H
#define DIFFY_MS_SSIM_H

#include "diffy/diffy.h"

/* What is held from picture to picture: some 10 bytes a pixel. Begins as zeros. */
typedef struct MsSsim {
    int width, height;
    float *pixels; /* both pictures at two scales at a time, and the rows of sums */
} MsSsim;

/*
 * 1 for equal pictures. Of a small picture only the scales count that a window fits in, their exponents scaled to a sum
 * of 1; NaN where a side is shorter than 11 pixels, and negative when there is no memory.
 */
double measure_ms_ssim(MsSsim *m, const DfyPicture *a, const DfyPicture *b);
void ms_ssim_free(MsSsim *m);

#endif
