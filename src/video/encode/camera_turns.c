#include "video/encode/camera_turns.h"

#include <stdlib.h>

#include "diffy/diffy.h"
#include "video/encode/lookahead/global_motion_search.h"

#define TURNS 4096 /* frames whose turn is known: more than the kept anchors reach back over */

int dfy_camera_turns_open(DfyCameraTurns *t, const double camera[9], int width, int height) {
    if (dfy_camera_matrix(t->camera, camera, width, height)) return DFY_OK;
    t->turned = calloc(TURNS, sizeof *t->turned);
    return t->turned ? DFY_OK : DFY_ERROR_MEMORY;
}

void dfy_camera_turns_close(DfyCameraTurns *t) {
    free(t->turned);
}

void dfy_camera_turns_note(DfyCameraTurns *t, const DfyOrientation *turned, int first, int frames) {
    for (int i = 0; i < frames && t->turned; i++) t->turned[(first + i) % TURNS] = turned[i];
}

const double *dfy_camera_turn_between(const DfyCameraTurns *t, double out[9], const DfyFrame *frame,
                                      const DfyFrame *reference) {
    if (!t->turned) return NULL;
    dfy_imu_homography(out, t->camera, dfy_quaternion_of(&t->turned[frame->order % TURNS]),
                       dfy_quaternion_of(&t->turned[reference->order % TURNS]), 1);
    return out;
}
