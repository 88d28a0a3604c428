/* How the camera was turned at the latest frames, where a gyroscope has told. */
#ifndef DFY_VIDEO_CAMERA_TURNS_H
#define DFY_VIDEO_CAMERA_TURNS_H

#include "video/syntax/frame.h"
#include "video/syntax/orientation_list.h"

typedef struct DfyCameraTurns {
    DfyOrientation
        *turned;      /* by place in time, of as many of the latest as anchors are kept for; NULL: none is known */
    double camera[9]; /* matrix for pictures of the coded size */
} DfyCameraTurns;

/* camera: matrix in pixels; one that says nothing leaves all unknown. 0 or DFY_ERROR_MEMORY. */
int dfy_camera_turns_open(DfyCameraTurns *turns, const double camera[9], int width, int height);
void dfy_camera_turns_close(DfyCameraTurns *turns);

/* How it was turned at the frames from place `first` on. Ignored where turns are not known. */
void dfy_camera_turns_note(DfyCameraTurns *turns, const DfyOrientation *turned, int first, int frames);
/* Where a frame's places lie in a reference by the camera's turn, in out, which is returned; NULL: nothing is known. */
const double *dfy_camera_turn_between(const DfyCameraTurns *turns, double out[9], const DfyFrame *frame,
                                      const DfyFrame *reference);

#endif
