/*
 * Orientation: gyroscope samples integrated to unit quaternions (x, y, z, w), and pictures warped by the
 * homography K R K^-1 that a pure rotation of the camera makes of them.
 */
#ifndef DFY_BASE_IMU_H
#define DFY_BASE_IMU_H

#include "diffy/diffy.h"

typedef struct DfyQuaternion {
    double x, y, z, w;
} DfyQuaternion;

DfyQuaternion dfy_quaternion_identity(void);
/* orientation after turning at xyz rad/s for dt seconds */
DfyQuaternion dfy_quaternion_integrate(DfyQuaternion orientation, const double xyz[3], double dt);
DfyQuaternion dfy_quaternion_normalise(DfyQuaternion q); /* the identity when q has no direction */

/* matrix as given, or for an all-zero one 90 degrees of horizontal view; DFY_ERROR_ARGUMENT when singular */
int dfy_camera_matrix(double out[9], const double matrix[9], int width, int height);

/*
 * With H = K R K^-1, R the turn from the first frame's orientation to this one's: where to sample a frame to see it
 * as the first frame's camera would, H^-1, or, with unwarp, H, which undoes that.
 */
void dfy_imu_homography(double out[9], const double camera[9], DfyQuaternion orientation, DfyQuaternion first,
                        int unwarp);

/*
 * Bilinear; what lies outside takes the nearest edge pixel, or is black. RGB or I420 (chroma planes at half size), for
 * black I420.
 */
void dfy_imu_warp(DfyPicture *dst, const DfyPicture *src, const double homography[9], int black);

#endif
