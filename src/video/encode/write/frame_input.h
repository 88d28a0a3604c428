/* Pictures as they are given, into frames of the coded size. */
#ifndef DFY_VIDEO_FRAME_INPUT_H
#define DFY_VIDEO_FRAME_INPUT_H

#include "diffy/diffy.h"
#include "video/encode/lookahead/pyramid.h"

typedef struct DfyFrameInput {
    DfyMatrix matrix; /* that RGB is converted with */
    DfyRange range;
    DfyPicture converted; /* for RGB; zeros before the first */
} DfyFrameInput;

/*
 * Fills a frame and reduces it while it is at hand. before: the frame filled before it, much of which it may show once
 * more; NULL: none. 0 or DFY_ERROR_MEMORY.
 */
int dfy_frame_input_fill(DfyFrameInput *input, DfyFrame *frame, const DfyPicture *picture, const DfyFrame *before);
void dfy_frame_input_close(DfyFrameInput *input);

#endif
