/* Pictures as they are given, into frames of the coded size. */
#ifndef DFY_VIDEO_FRAME_INPUT_H
#define DFY_VIDEO_FRAME_INPUT_H

#include "diffy/diffy.h"
#include "video/syntax/frame.h"

typedef struct DfyFrameInput {
    DfyMatrix matrix; /* that RGB is converted with */
    DfyRange range;
    DfyPicture converted; /* for RGB; zeros before the first */
} DfyFrameInput;

/* Fills a frame and makes its thumbnail. 0 or DFY_ERROR_MEMORY. */
int dfy_frame_input_fill(DfyFrameInput *input, DfyFrame *frame, const DfyPicture *picture);
void dfy_frame_input_close(DfyFrameInput *input);

#endif
