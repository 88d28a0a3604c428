/* Descriptors, motion energy, and the baseline method: valleys of the energy. */
#include "analysis/cycles.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"
#define GRID_ACROSS 64
#define GRID_DOWN 36

#define SMOOTHING 15          /* frames to either side */
#define SHORTEST_SECONDS 3.0  /* of the baseline's cycles */
#define LONGEST_SECONDS 120.0 /* behind so many the next cycle is begun by force */
#define VALLEY_SHARE 0.25f    /* of the running maximum */

int dfy_cycle_finder_open(DfyCycleFinder *finder, int width, int height, double fps) {
    *finder = (DfyCycleFinder){.width = width, .height = height, .fps = fps > 0 ? fps : 30};
    finder->grid_across = dfy_min(width, GRID_ACROSS);
    finder->grid_down = dfy_min(height, GRID_DOWN);
    finder->grid = calloc(GRID_ACROSS * GRID_DOWN, 1);
    finder->grid_before = calloc(GRID_ACROSS * GRID_DOWN, 1);
    return finder->grid && finder->grid_before ? DFY_OK : DFY_ERROR_MEMORY;
}

void dfy_cycle_finder_close(DfyCycleFinder *finder) {
    free(finder->descriptor);
    free(finder->energy);
    free(finder->grid);
    free(finder->grid_before);
    *finder = (DfyCycleFinder){0};
}

static int grow(DfyCycleFinder *finder) {
    if (finder->frames < finder->capacity) return DFY_OK;
    uint64_t capacity = finder->capacity ? finder->capacity * 2 : 512;
    DfyDescriptor *descriptor = realloc(finder->descriptor, capacity * sizeof *descriptor);
    if (descriptor) finder->descriptor = descriptor;
    float *energy = realloc(finder->energy, capacity * sizeof *energy);
    if (energy) finder->energy = energy;
    if (!descriptor || !energy) return DFY_ERROR_MEMORY;
    finder->capacity = capacity;
    return DFY_OK;
}

/* First pixel of part i of so many. */
static int part(int i, int parts, int size) {
    return (int)((int64_t)i * size / parts);
}

static void fill_grid(DfyCycleFinder *finder, const DfyPicture *picture) {
    int left[GRID_ACROSS + 1];
    for (int gx = 0; gx <= finder->grid_across; gx++) left[gx] = part(gx, finder->grid_across, finder->width);
    for (int gy = 0; gy < finder->grid_down; gy++) {
        int top = part(gy, finder->grid_down, finder->height), bottom = part(gy + 1, finder->grid_down, finder->height);
        uint32_t sum[GRID_ACROSS] = {0};
        for (int y = top; y < bottom; y++) {
            const uint8_t *row = picture->plane[0] + y * picture->stride_bytes[0];
            for (int gx = 0; gx < finder->grid_across; gx++) {
                uint32_t cell = 0;
                for (int x = left[gx]; x < left[gx + 1]; x++) cell += row[x];
                sum[gx] += cell;
            }
        }
        for (int gx = 0; gx < finder->grid_across; gx++) {
            uint32_t area = (uint32_t)(left[gx + 1] - left[gx]) * (uint32_t)(bottom - top);
            finder->grid[gy * GRID_ACROSS + gx] = (uint8_t)((sum[gx] + area / 2) / area);
        }
    }
}

static void fill_descriptor(DfyDescriptor *descriptor, const DfyCycleFinder *finder) {
    for (int cy = 0; cy < DFY_CELLS_DOWN; cy++)
        for (int cx = 0; cx < DFY_CELLS_ACROSS; cx++) {
            int sum = 0, count = 0;
            int bottom = part(cy + 1, DFY_CELLS_DOWN, finder->grid_down);
            int right = part(cx + 1, DFY_CELLS_ACROSS, finder->grid_across);
            for (int y = part(cy, DFY_CELLS_DOWN, finder->grid_down); y < bottom; y++)
                for (int x = part(cx, DFY_CELLS_ACROSS, finder->grid_across); x < right; x++, count++)
                    sum += finder->grid[y * GRID_ACROSS + x];
            descriptor->cell[cy * DFY_CELLS_ACROSS + cx] = (int16_t)(count ? sum * 16 / count : 0);
        }
}

static float grid_difference(const DfyCycleFinder *finder) {
    int sum = 0;
    for (int i = 0; i < GRID_ACROSS * GRID_DOWN; i++) sum += abs(finder->grid[i] - finder->grid_before[i]);
    return (float)sum / (float)(finder->grid_across * finder->grid_down);
}

int dfy_cycle_finder_push(DfyCycleFinder *finder, const DfyPicture *picture) {
    if (grow(finder)) return DFY_ERROR_MEMORY;
    fill_grid(finder, picture);
    fill_descriptor(&finder->descriptor[finder->frames], finder);
    finder->energy[finder->frames] = finder->frames ? grid_difference(finder) : 0;
    uint8_t *before = finder->grid_before;
    finder->grid_before = finder->grid;
    finder->grid = before;
    finder->frames++;
    return DFY_OK;
}

void dfy_cycle_finder_drop(DfyCycleFinder *finder, uint64_t frames) {
    finder->frames -= frames;
    memmove(finder->descriptor, finder->descriptor + frames, finder->frames * sizeof *finder->descriptor);
    memmove(finder->energy, finder->energy + frames, finder->frames * sizeof *finder->energy);
}

double dfy_descriptor_distance(const DfyDescriptor *a, const DfyDescriptor *b, uint64_t length) {
    double total = 0;
    for (uint64_t i = 0; i < length; i++) {
        const int16_t *ca = a[i].cell, *cb = b[i].cell;
        int sum = 0, offset = 0;
        for (int k = 0; k < DFY_CELLS; k++) offset += ca[k] - cb[k];
        offset /= DFY_CELLS;
        for (int k = 0; k < DFY_CELLS; k++) sum += abs(ca[k] - cb[k] - offset);
        total += sum;
    }
    return length ? total / (double)length / DFY_CELLS / 16 : 0;
}

double dfy_cycle_distance(const DfyCycleFinder *finder, uint64_t a, uint64_t b, uint64_t length) {
    return dfy_descriptor_distance(finder->descriptor + a, finder->descriptor + b, length);
}

/* ---------------------------------------------------------------- boundaries */

int dfy_boundaries_append(DfyBoundaries *boundaries, uint64_t frame) {
    if (!(boundaries->count & (boundaries->count + 1))) { /* full at 0, 1, 3, 7 ... */
        size_t capacity = (size_t)boundaries->count * 2 + 1;
        uint64_t *grown = realloc(boundaries->frame, capacity * sizeof *grown);
        if (!grown) return DFY_ERROR_MEMORY;
        boundaries->frame = grown;
    }
    boundaries->frame[boundaries->count++] = frame;
    return DFY_OK;
}

void dfy_boundaries_free(DfyBoundaries *boundaries) {
    free(boundaries->frame);
    *boundaries = (DfyBoundaries){0};
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double dfy_median(double *values, size_t count) {
    if (!count) return 0;
    qsort(values, count, sizeof *values, by_value);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static int measure_period(DfyBoundaries *boundaries) {
    boundaries->period_frames = 0;
    if (boundaries->count < 2) return DFY_OK;
    double *lengths = malloc(boundaries->count * sizeof *lengths);
    if (!lengths) return DFY_ERROR_MEMORY;
    for (uint32_t i = 1; i < boundaries->count; i++)
        lengths[i - 1] = (double)(boundaries->frame[i] - boundaries->frame[i - 1]);
    boundaries->period_frames = dfy_median(lengths, boundaries->count - 1);
    free(lengths);
    return DFY_OK;
}

int dfy_cycle_finder_find(const DfyCycleFinder *finder, DfyCycleMethod method, DfyBoundaries *boundaries) {
    *boundaries = (DfyBoundaries){0};
    int status = method == DFY_CYCLES_ENERGY_VALLEYS ? dfy_find_energy_valleys(finder, boundaries)
                                                     : dfy_find_self_similarity(finder, boundaries);
    if (!status) status = measure_period(boundaries);
    if (status) dfy_boundaries_free(boundaries);
    return status;
}

/* ---------------------------------------------------------------- energy valleys */

static void smooth(float *out, const float *in, uint64_t count) {
    float weight[2 * SMOOTHING + 1];
    for (int i = -SMOOTHING; i <= SMOOTHING; i++)
        weight[i + SMOOTHING] = expf(-0.5f * (float)(i * i) / (SMOOTHING / 3.0f * SMOOTHING / 3.0f));
    for (uint64_t t = 0; t < count; t++) {
        float sum = 0, weights = 0;
        for (int i = -SMOOTHING; i <= SMOOTHING; i++) {
            if ((int64_t)t + i < 0 || t + (uint64_t)i >= count) continue;
            sum += weight[i + SMOOTHING] * in[t + (uint64_t)i];
            weights += weight[i + SMOOTHING];
        }
        out[t] = sum / weights;
    }
}

int dfy_find_energy_valleys(const DfyCycleFinder *finder, DfyBoundaries *boundaries) {
    if (finder->frames < 3) return DFY_OK;
    float *energy = malloc(finder->frames * sizeof *energy);
    if (!energy) return DFY_ERROR_MEMORY;
    smooth(energy, finder->energy, finder->frames);
    float highest = 0;
    uint64_t last = 0;
    int status = DFY_OK;
    for (uint64_t t = 1; t + 1 < finder->frames && !status; t++) {
        double seconds = (double)(t - last) / finder->fps;
        if (energy[t] > highest) highest = energy[t];
        int valley = energy[t] <= energy[t - 1] && energy[t] < energy[t + 1] && energy[t] < VALLEY_SHARE * highest;
        if ((valley && seconds >= SHORTEST_SECONDS) || seconds >= LONGEST_SECONDS) {
            status = dfy_boundaries_append(boundaries, t);
            last = t;
        }
    }
    free(energy);
    return status;
}
