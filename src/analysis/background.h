/*
 * The background plate: a running mean and variance of every sample (Welford), learnt over the first frames
 * and then drifting slowly where a pixel shows the background. Works on I420 pictures.
 */
#ifndef DFY_ANALYSIS_BACKGROUND_H
#define DFY_ANALYSIS_BACKGROUND_H

#include "diffy/diffy.h"

typedef struct DfyBackground {
    int width, height;
    size_t samples;
    float *mean, *spread; /* spread: sum of squared deviations while learning, then the standard deviation */
    int frames, warmup_frames;
} DfyBackground;

int dfy_background_open(DfyBackground *background, int width, int height, int warmup_frames);
void dfy_background_close(DfyBackground *background);

/* The frame's I420 pixels. */
void dfy_background_push(DfyBackground *background, const DfyPicture *picture);

/* The plate so far; picture is I420 and of the same size. */
void dfy_background_plate(const DfyBackground *background, DfyPicture *picture);

#endif
