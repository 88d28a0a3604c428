#include "base/imu.h"

#include <math.h>
#include <string.h>

#include "base/numbers.h"
#include "base/picture.h"

DfyQuaternion dfy_quaternion_identity(void) {
    return (DfyQuaternion){0, 0, 0, 1};
}

DfyQuaternion dfy_quaternion_normalise(DfyQuaternion q) {
    double length = sqrt(q.x * q.x + q.y * q.y + q.z * q.z + q.w * q.w);
    if (!(length > 1e-12) || !isfinite(length)) return dfy_quaternion_identity();
    return (DfyQuaternion){q.x / length, q.y / length, q.z / length, q.w / length};
}

static DfyQuaternion product(DfyQuaternion a, DfyQuaternion b) {
    return (DfyQuaternion){a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y, a.w * b.y - a.x * b.z + a.y * b.w + a.z * b.x,
                           a.w * b.z + a.x * b.y - a.y * b.x + a.z * b.w,
                           a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z};
}

DfyQuaternion dfy_quaternion_integrate(DfyQuaternion orientation, const double xyz[3], double dt) {
    double rate = sqrt(xyz[0] * xyz[0] + xyz[1] * xyz[1] + xyz[2] * xyz[2]), half = rate * dt / 2;
    double scale = rate > 1e-12 ? sin(half) / rate : dt / 2;
    DfyQuaternion turn = {xyz[0] * scale, xyz[1] * scale, xyz[2] * scale, cos(half)};
    return dfy_quaternion_normalise(product(orientation, turn));
}

static void rotation(double out[9], DfyQuaternion q) {
    double x = q.x, y = q.y, z = q.z, w = q.w;
    double r[9] = {1 - 2 * (y * y + z * z), 2 * (x * y - z * w),     2 * (x * z + y * w),
                   2 * (x * y + z * w),     1 - 2 * (x * x + z * z), 2 * (y * z - x * w),
                   2 * (x * z - y * w),     2 * (y * z + x * w),     1 - 2 * (x * x + y * y)};
    memcpy(out, r, sizeof r);
}

static void multiply(double out[9], const double a[9], const double b[9]) {
    double sum[9];
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            sum[3 * i + j] = a[3 * i] * b[j] + a[3 * i + 1] * b[3 + j] + a[3 * i + 2] * b[6 + j];
    memcpy(out, sum, sizeof sum);
}

/* 0 when it has no inverse */
static int invert(double out[9], const double m[9]) {
    double a = m[4] * m[8] - m[5] * m[7], b = m[5] * m[6] - m[3] * m[8], c = m[3] * m[7] - m[4] * m[6];
    double determinant = m[0] * a + m[1] * b + m[2] * c;
    if (!(fabs(determinant) > 1e-12) || !isfinite(determinant)) return 0;
    double adjugate[9] = {a, m[2] * m[7] - m[1] * m[8], m[1] * m[5] - m[2] * m[4],
                          b, m[0] * m[8] - m[2] * m[6], m[2] * m[3] - m[0] * m[5],
                          c, m[1] * m[6] - m[0] * m[7], m[0] * m[4] - m[1] * m[3]};
    for (int i = 0; i < 9; i++) out[i] = adjugate[i] / determinant;
    return 1;
}

int dfy_camera_matrix(double out[9], const double matrix[9], int width, int height) {
    int given = 0;
    for (int i = 0; i < 9; i++) given |= matrix[i] != 0;
    double focal = width / 2.0; /* half the width at 45 degrees from the axis */
    double assumed[9] = {focal, 0, width / 2.0, 0, focal, height / 2.0, 0, 0, 1}, inverse[9];
    memcpy(out, given ? matrix : assumed, sizeof assumed);
    return invert(inverse, out) ? DFY_OK : DFY_ERROR_ARGUMENT;
}

void dfy_imu_homography(double out[9], const double camera[9], DfyQuaternion orientation, DfyQuaternion first,
                        int unwarp) {
    DfyQuaternion back = {-first.x, -first.y, -first.z, first.w};
    DfyQuaternion turn = dfy_quaternion_normalise(product(back, orientation));
    if (!unwarp) turn = (DfyQuaternion){-turn.x, -turn.y, -turn.z, turn.w};
    double r[9], camera_inverse[9], product_kr[9];
    rotation(r, turn);
    invert(camera_inverse, camera);
    multiply(product_kr, camera, r);
    multiply(out, product_kr, camera_inverse);
}

typedef struct Plane {
    int outside; /* what lies there; negative: the nearest pixel */
    uint8_t *pixels;
    ptrdiff_t stride;
    int width, height, channels;
} Plane;

/* Position in 1/256 pixel; far outside is kept within what an int holds. */
static int fixed(double value) {
    if (!(value > -1e6)) return -256000000; /* also what is not a number */
    return value > 1e6 ? 256000000 : (int)floor(value * 256 + 0.5);
}

static void sample(uint8_t *out, const Plane *src, double x, double y) {
    int fx = fixed(x), fy = fixed(y);
    int x0 = fx >> 8, y0 = fy >> 8, wx = fx & 255, wy = fy & 255;
    if (src->outside >= 0 && (x0 < -1 || y0 < -1 || x0 >= src->width || y0 >= src->height)) {
        *out = (uint8_t)src->outside;
        return;
    }
    const uint8_t *top = src->pixels + dfy_clamp(y0, 0, src->height - 1) * src->stride;
    const uint8_t *bottom = src->pixels + dfy_clamp(y0 + 1, 0, src->height - 1) * src->stride;
    int left = dfy_clamp(x0, 0, src->width - 1) * src->channels,
        right = dfy_clamp(x0 + 1, 0, src->width - 1) * src->channels;
    for (int c = 0; c < src->channels; c++) {
        int upper = top[left + c] * (256 - wx) + top[right + c] * wx;
        int lower = bottom[left + c] * (256 - wx) + bottom[right + c] * wx;
        out[c] = (uint8_t)((upper * (256 - wy) + lower * wy + 32768) >> 16);
    }
}

/* scale: luma pixels a pixel of this plane */
static void warp_plane(const Plane *dst, const Plane *src, const double h[9], double scale) {
    double centre = (scale - 1) / 2;
    for (int y = 0; y < dst->height; y++) {
        uint8_t *out = dst->pixels + y * dst->stride;
        for (int x = 0; x < dst->width; x++, out += dst->channels) {
            double px = x * scale + centre, py = y * scale + centre;
            double w = h[6] * px + h[7] * py + h[8];
            if (fabs(w) < 1e-9) w = 1e-9;
            sample(out, src, ((h[0] * px + h[1] * py + h[2]) / w - centre) / scale,
                   ((h[3] * px + h[4] * py + h[5]) / w - centre) / scale);
        }
    }
}

void dfy_imu_warp(DfyPicture *dst, const DfyPicture *src, const double homography[9], int black) {
    for (int i = 0; i < dfy_plane_count(src->format); i++) {
        int half = i > 0, channels = src->format == DFY_PIXELS_RGB ? 3 : 1;
        int outside = !black ? -1 : half ? 128 : src->range == DFY_RANGE_FULL ? 0 : 16;
        Plane from = {outside,
                      dfy_picture_pixels(src, i),
                      src->stride_bytes[i],
                      half ? dfy_chroma_size(src->width) : src->width,
                      half ? dfy_chroma_size(src->height) : src->height,
                      channels};
        Plane to = from;
        to.pixels = dfy_picture_pixels(dst, i);
        to.stride = dst->stride_bytes[i];
        warp_plane(&to, &from, homography, half ? 2 : 1);
    }
    dst->pts = src->pts;
}
