#include "analysis/background.h"

#include <math.h>
#include <stdlib.h>

#include "base/picture.h"

#define DRIFT 0.002f         /* share of a new frame after the warm-up */
#define FAR_LEVELS 25.0f     /* differs by more: foreground */
#define FAR_DEVIATIONS 3.5f  /* or by more than so many standard deviations, */
#define LEAST_DEVIATION 2.0f /* none of which counts as smaller than this */

int dfy_background_open(DfyBackground *background, int width, int height, int warmup_frames) {
    *background = (DfyBackground){.width = width, .height = height, .warmup_frames = warmup_frames};
    size_t chroma = (size_t)dfy_chroma_size(width) * (size_t)dfy_chroma_size(height);
    background->samples = (size_t)width * (size_t)height + 2 * chroma;
    background->mean = calloc(background->samples, sizeof *background->mean);
    background->spread = calloc(background->samples, sizeof *background->spread);
    return background->mean && background->spread ? DFY_OK : DFY_ERROR_MEMORY;
}

void dfy_background_close(DfyBackground *background) {
    free(background->mean);
    free(background->spread);
    *background = (DfyBackground){0};
}

static void learn_row(float *restrict mean, float *restrict spread, const uint8_t *restrict row, size_t count,
                      float share) {
    for (size_t i = 0; i < count; i++) {
        float before = (float)row[i] - mean[i];
        mean[i] += before * share;
        spread[i] += before * ((float)row[i] - mean[i]);
    }
}

static void drift_row(float *restrict mean, const float *restrict spread, const uint8_t *restrict row, size_t count) {
    for (size_t i = 0; i < count; i++) {
        float difference = (float)row[i] - mean[i], far = FAR_DEVIATIONS * spread[i];
        far = far < FAR_LEVELS ? far : FAR_LEVELS;
        mean[i] += fabsf(difference) > far ? 0 : DRIFT * difference;
    }
}

static void settle(DfyBackground *background) {
    for (size_t i = 0; i < background->samples; i++) {
        float deviation = sqrtf(background->spread[i] / (float)background->frames);
        background->spread[i] = deviation > LEAST_DEVIATION ? deviation : LEAST_DEVIATION;
    }
}

void dfy_background_push(DfyBackground *background, const DfyPicture *picture) {
    int learning = background->frames < background->warmup_frames;
    float *mean = background->mean, *spread = background->spread;
    background->frames += learning;
    for (int plane = 0; plane < 3; plane++) {
        size_t count = dfy_plane_row_bytes(picture, plane);
        for (int y = 0; y < dfy_plane_rows(picture, plane); y++, mean += count, spread += count) {
            const uint8_t *row = picture->plane[plane] + y * picture->stride_bytes[plane];
            if (learning)
                learn_row(mean, spread, row, count, 1.0f / (float)background->frames);
            else
                drift_row(mean, spread, row, count);
        }
    }
    if (learning && background->frames == background->warmup_frames) settle(background);
}

void dfy_background_plate(const DfyBackground *background, DfyPicture *picture) {
    const float *mean = background->mean;
    for (int plane = 0; plane < 3; plane++) {
        size_t count = dfy_plane_row_bytes(picture, plane);
        for (int y = 0; y < dfy_plane_rows(picture, plane); y++, mean += count) {
            uint8_t *row = dfy_picture_pixels(picture, plane) + y * picture->stride_bytes[plane];
            for (size_t i = 0; i < count; i++) row[i] = (uint8_t)(mean[i] + 0.5f);
        }
    }
}
