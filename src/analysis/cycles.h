/*
 * Finds the repetitions of the work. Every frame leaves a small descriptor (mean luma of 16 x 9 cells) and its
 * motion energy; from these, at the end or at any time before, the boundaries between cycles are found. A boundary
 * is the first frame of a cycle: where motion sets in after the quietest moment of the work.
 *
 * Two methods. Energy valleys: a boundary wherever the smoothed energy falls far enough; it needs a pause in every
 * cycle. Self-similarity: a stretch of film that comes again and again is looked for, and its recurrences carry the
 * boundaries; it needs no pause, and neither noise, drifting light nor changing speed disturb it much.
 *
 * Memory is 292 bytes a frame. Any I420 picture of one size will do, a thumbnail too.
 */
#ifndef DFY_ANALYSIS_CYCLES_H
#define DFY_ANALYSIS_CYCLES_H

#include "diffy/diffy.h"

#define DFY_CELLS_ACROSS 16
#define DFY_CELLS_DOWN 9
#define DFY_CELLS (DFY_CELLS_ACROSS * DFY_CELLS_DOWN)

/* A cell's mean luma, in sixteenths of a level. */
typedef struct DfyDescriptor {
    int16_t cell[DFY_CELLS];
} DfyDescriptor;

typedef struct DfyCycleFinder {
    int width, height;
    double fps;
    DfyDescriptor *descriptor;
    float *energy; /* mean absolute difference to the frame before, in levels; frame 0 has 0 */
    uint64_t frames, capacity;
    uint8_t *grid, *grid_before; /* finer cells, that energy is measured on */
    int grid_across, grid_down;
} DfyCycleFinder;

typedef enum DfyCycleMethod { DFY_CYCLES_SELF_SIMILARITY = 0, DFY_CYCLES_ENERGY_VALLEYS = 1 } DfyCycleMethod;

typedef struct DfyBoundaries {
    uint64_t *frame; /* rising, each the first of a cycle, none of them 0 */
    uint32_t count;
    double period_frames; /* median length of a cycle; 0 when there are no cycles */
} DfyBoundaries;

int dfy_cycle_finder_open(DfyCycleFinder *finder, int width, int height, double fps);
void dfy_cycle_finder_close(DfyCycleFinder *finder);
/* Looks at plane 0 only. 0 or DFY_ERROR_MEMORY. */
int dfy_cycle_finder_push(DfyCycleFinder *finder, const DfyPicture *picture);

/* 0 or DFY_ERROR_MEMORY; no cycles is a result like any other. Free with dfy_boundaries_free. */
int dfy_cycle_finder_find(const DfyCycleFinder *finder, DfyCycleMethod method, DfyBoundaries *boundaries);
void dfy_boundaries_free(DfyBoundaries *boundaries);

/* Forgets the first `frames`, at most all: those that follow count from 0 now. */
void dfy_cycle_finder_drop(DfyCycleFinder *finder, uint64_t frames);

/* Mean absolute difference, in levels, of length frames from a and from b on, light that changed as a whole aside. */
double dfy_cycle_distance(const DfyCycleFinder *finder, uint64_t a, uint64_t b, uint64_t length);

/* The same of descriptors wherever they are. */
double dfy_descriptor_distance(const DfyDescriptor *a, const DfyDescriptor *b, uint64_t length);

/* The parts the methods share. */
int dfy_boundaries_append(DfyBoundaries *boundaries, uint64_t frame);
int dfy_find_energy_valleys(const DfyCycleFinder *finder, DfyBoundaries *boundaries);
int dfy_find_self_similarity(const DfyCycleFinder *finder, DfyBoundaries *boundaries);
double dfy_median(double *values, size_t count); /* reorders values; 0 of none */

#endif
