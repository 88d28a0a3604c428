/*
 * The camera's motion between two pictures: a model is fitted robustly to the motion of blocks that the look-ahead has
 * found, then to the pixels themselves, in doubles and in a fixed order. What moves on its own counts little.
 */
#ifndef DFY_VIDEO_GLOBAL_MOTION_SEARCH_H
#define DFY_VIDEO_GLOBAL_MOTION_SEARCH_H

#include "video/encode/lookahead/propagation.h"

/*
 * Sets the picture's model against its reference `direction` (0: the picture before that encloses it, 1: the one
 * behind) where one pays. Its references, their models and its frame's place in time are there. source: frame `number`
 * of the mini-group looked at; lambda: absolute error worth a bit, times 256. turn: where the camera's gyroscope says
 * that a place of the picture, in pixels, lies in the reference, a homography row by row; NULL: there is none. 0 or
 * DFY_ERROR_MEMORY.
 */
int dfy_find_global_motion(DfyPictureCoding *picture, DfyContexts *contexts, const DfyFrame *source,
                           const DfyPropagation *propagation, int number, int direction, uint32_t lambda,
                           const double turn[9]);

#endif
