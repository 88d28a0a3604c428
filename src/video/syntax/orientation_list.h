/*
 * The IMU_BLOCK chunks of a video: how the camera was turned at each frame, by its gyroscope; FORMAT.md has the layout.
 * Facts beside the pictures, which are as the camera saw them.
 */
#ifndef DFY_VIDEO_ORIENTATION_LIST_H
#define DFY_VIDEO_ORIENTATION_LIST_H

#include "base/bytes.h"
#include "base/imu.h"

#define DFY_ORIENTATIONS 256 /* frames of a chunk, at the most */

/* A unit quaternion x, y, z, w in 1/32767. */
typedef struct DfyOrientation {
    int16_t part[4];
} DfyOrientation;

typedef struct DfyOrientationList {
    DfyOrientation *at; /* by frame number */
    uint64_t count, capacity;
    double camera[9]; /* matrix in pixels, all 0: not said */
} DfyOrientationList;

DfyOrientation dfy_orientation_of(DfyQuaternion q);
DfyQuaternion dfy_quaternion_of(const DfyOrientation *orientation);

/* A chunk of the orientations of `count` frames (1..DFY_ORIENTATIONS) from `first` on. */
void dfy_put_orientations(DfyBuffer *buffer, const double camera[9], uint64_t first, const DfyOrientation *at,
                          uint64_t count);
void dfy_put_orientations_head(DfyBuffer *buffer, const double camera[9], uint64_t first, uint64_t count);
/* A chunk's numbers, for one that is copied: how many frames it tells of; 0 for what makes no sense. */
uint64_t dfy_read_orientations_head(DfyBytes *bytes, double camera[9], uint64_t *first);
/*
 * Takes a chunk's orientations in, as far as they make sense and lie within the video's frames. Frames that nothing was
 * told of are turned as those before them. 0 or DFY_ERROR_MEMORY.
 */
int dfy_read_orientations(DfyBytes *bytes, uint64_t frames, DfyOrientationList *list);
void dfy_orientation_list_free(DfyOrientationList *list);

#endif
