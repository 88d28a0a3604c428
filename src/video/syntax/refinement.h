/*
 * Decoder-side motion vector refinement: the vectors of merged motion against two pictures, one before and one behind
 * at equal distance, are moved to where both references agree best. Both sides do it, so that it costs no bits.
 */
#ifndef DFY_VIDEO_REFINEMENT_H
#define DFY_VIDEO_REFINEMENT_H

#include "dsp/kernels.h"

#define DFY_REFINEMENT_SIDE 16 /* of the blocks that are refined each on its own; smaller parts are one such block */
#define DFY_REFINEMENT_FROM 2  /* levels by which the references differ in the mean of a block that is refined */

/* A place in a plane of a reference, and the fraction beyond it: sixteenths of a sample, in chroma 32nds. */
typedef struct DfyPlace {
    const uint8_t *pixels;
    ptrdiff_t stride;
    int fx, fy;
} DfyPlace;

/* What is added to the first vector and taken from the second, in sixteenths of a luma sample: -40..40. */
typedef struct DfyRefinement {
    int8_t step[64 / DFY_REFINEMENT_SIDE][64 / DFY_REFINEMENT_SIDE][2]; /* by row and column; x, y */
    uint8_t any;                                                        /* not all are 0 */
} DfyRefinement;

/*
 * The step of one block whose luma lies at `at` in the two references: both are read 5 samples before and 6 behind the
 * block. Sides 8 or 16. Returns whether it is not 0.
 */
int dfy_refine_block(const DfyKernels *kernels, const DfyPlace at[2], int width, int height, int8_t step[2]);

#endif
