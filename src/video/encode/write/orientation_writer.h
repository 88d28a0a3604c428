/* How the camera was turned at each frame, from the gyroscope's samples that come between them. */
#ifndef DFY_VIDEO_ORIENTATION_WRITER_H
#define DFY_VIDEO_ORIENTATION_WRITER_H

#include "video/encode/write/segments.h"
#include "video/syntax/orientation_list.h"

typedef struct DfyOrientationWriter {
    DfySegments *segments; /* borrowed; NULL: nothing is noted */
    const double *camera;  /* matrix, borrowed */
    DfyQuaternion turned;
    DfyOrientation at[DFY_ORIENTATIONS];
    uint64_t first, count; /* noted and not yet written */
} DfyOrientationWriter;

void dfy_orientation_writer_open(DfyOrientationWriter *orientations, DfySegments *segments, const double camera[9]);
/* A sample. */
void dfy_orientation_writer_turn(DfyOrientationWriter *orientations, const double xyz[3], double dt);
/* The next frame came. 0 or a negative status with a sentence, below too. */
int dfy_orientation_writer_note(DfyOrientationWriter *orientations);
int dfy_orientation_writer_finish(DfyOrientationWriter *orientations);

#endif
