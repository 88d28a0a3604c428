#include "splat/model/appearance.h"

#include <math.h>

#define SH_C0 0.28209479177387814f
#define HARMONICS 24 /* beyond the first, to degree 4 */

void dfy_splat_covariance(float out[6], const float *rotation, const float *scale) {
    float w = rotation[0], x = rotation[1], y = rotation[2], z = rotation[3];
    float length = sqrtf(w * w + x * x + y * y + z * z), s = length > 0 ? 1 / length : 0;
    w *= s, x *= s, y *= s, z *= s;
    const float r[3][3] = {{1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)},
                           {2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)},
                           {2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)}};
    float variance[3];
    for (int k = 0; k < 3; k++) variance[k] = expf(2 * scale[k]);
    int n = 0;
    for (int i = 0; i < 3; i++)
        for (int j = i; j < 3; j++, n++) {
            out[n] = 0;
            for (int k = 0; k < 3; k++) out[n] += r[i][k] * variance[k] * r[j][k];
        }
}

/* The spherical harmonics beyond the first, up to degree 4, in a direction (of length 1 or 0); INRIA's order and signs.
 */
static void harmonics(float out[HARMONICS], int degree, float x, float y, float z) {
    out[0] = -0.4886025f * y;
    out[1] = 0.4886025f * z;
    out[2] = -0.4886025f * x;
    if (degree < 2) return;
    float xx = x * x, yy = y * y, zz = z * z;
    out[3] = 1.0925484f * x * y;
    out[4] = -1.0925484f * y * z;
    out[5] = 0.3153916f * (2 * zz - xx - yy);
    out[6] = -1.0925484f * x * z;
    out[7] = 0.5462742f * (xx - yy);
    if (degree < 3) return;
    out[8] = -0.5900436f * y * (3 * xx - yy);
    out[9] = 2.8906114f * x * y * z;
    out[10] = -0.4570458f * y * (4 * zz - xx - yy);
    out[11] = 0.3731763f * z * (2 * zz - 3 * xx - 3 * yy);
    out[12] = -0.4570458f * x * (4 * zz - xx - yy);
    out[13] = 1.4453057f * z * (xx - yy);
    out[14] = -0.5900436f * x * (xx - 3 * yy);
    if (degree < 4) return;
    out[15] = 2.5033430f * x * y * (xx - yy);
    out[16] = -1.7701308f * y * z * (3 * xx - yy);
    out[17] = 0.9461747f * x * y * (7 * zz - 1);
    out[18] = -0.6690465f * y * z * (7 * zz - 3);
    out[19] = 0.1057855f * (zz * (35 * zz - 30) + 3);
    out[20] = -0.6690465f * x * z * (7 * zz - 3);
    out[21] = 0.4730873f * (xx - yy) * (7 * zz - 1);
    out[22] = -1.7701308f * x * z * (xx - 3 * yy);
    out[23] = 0.6258357f * (xx * (xx - 3 * yy) - yy * (3 * xx - yy));
}

void dfy_splat_colour(float colour[3], const DfySplats *splats, size_t i, const float eye[3]) {
    int rest = dfy_splat_rest(splats->degree);
    const float *at = splats->xyz + i * 3;
    float x = at[0] - eye[0], y = at[1] - eye[1], z = at[2] - eye[2], h[HARMONICS];
    float length = sqrtf(x * x + y * y + z * z), s = length > 0 ? 1 / length : 0;
    if (rest) harmonics(h, splats->degree, x * s, y * s, z * s);
    for (size_t c = 0; c < 3; c++) {
        const float *coefficients = rest ? splats->rest + (i * 3 + c) * (size_t)rest : NULL;
        colour[c] = 0.5f + SH_C0 * splats->dc[i * 3 + c];
        for (int k = 0; k < rest; k++) colour[c] += h[k] * coefficients[k];
    }
}
