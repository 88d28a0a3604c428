/* The background plate: what the camera sees where nothing moves, from many frames. */
#ifndef DFY_VIDEO_PLATE_H
#define DFY_VIDEO_PLATE_H

#include "video/syntax/frame.h"

/*
 * Fills plate from `count` frames: a pixel's median over time, then the mean of the values near it, so that neither
 * passing objects nor noise stay. Returns 1 when the plate is worth coding, 0 when the view isn't still enough for
 * one: frames must show it on `share` percent of their area on the average, and the first, which is coded after it, on
 * half. Negative without memory.
 */
int dfy_build_plate(DfyFrame *plate, DfyFrame *const *frames, int count, int share);

/* Of the blocks of the frames on the average, in percent, those that show the plate, noise aside. */
int dfy_plate_mean_share(const DfyFrame *plate, DfyFrame *const *frames, int count);

/* Share of 16x16 blocks in percent that differ by less than a mean squared error of `most`. */
int dfy_plate_alike(const DfyFrame *plate, const DfyFrame *frame, uint32_t most);

#endif
