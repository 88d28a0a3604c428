/* The background plate: what the camera sees where nothing moves, from many frames. */
#ifndef DFY_VIDEO_PLATE_H
#define DFY_VIDEO_PLATE_H

#include "video/syntax/frame.h"

/*
 * Fills plate from `count` frames: a pixel's median over time, then the mean of the values near it, so that neither
 * passing objects nor noise stay. Returns 1 when the plate is worth coding, 0 when the view isn't still enough for
 * one, negative without memory.
 */
int dfy_build_plate(DfyFrame *plate, DfyFrame *const *frames, int count);

/* Share of 16x16 squares in percent that differ by less than a mean squared error of `most`. */
int dfy_plate_alike(const DfyFrame *plate, const DfyFrame *frame, uint32_t most);

#endif
