/* Two cycles side by side in time: which moment of one shows what a frame of the other does (dynamic time warping). */
#ifndef DFY_ANALYSIS_ALIGNMENT_H
#define DFY_ANALYSIS_ALIGNMENT_H

#include "analysis/cycles.h"

#define DFY_ALIGNED_FRAMES 2048u /* the most of a cycle that is aligned */

typedef struct DfyAlignment {
    uint16_t moment[DFY_ALIGNED_FRAMES]; /* of each frame: a frame of the other cycle */
    uint32_t *cost;                      /* scratch: frames x width */
    uint8_t *step;
    size_t capacity;
} DfyAlignment;

/* Zeros are an alignment to begin with; close frees what it took. */
void dfy_alignment_close(DfyAlignment *alignment);

/*
 * Finds alignment->moment of `frames` of a cycle beside `width` of another, both at most DFY_ALIGNED_FRAMES.
 * open_start: the first frame may show any moment, as when a recording begins within a cycle; open_end: so may the
 * last. 0 or DFY_ERROR_MEMORY.
 */
int dfy_align(DfyAlignment *alignment, const DfyDescriptor *own, uint32_t frames, const DfyDescriptor *other,
              uint32_t width, int open_start, int open_end);

#endif
