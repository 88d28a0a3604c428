/* What a splat looks like. */
#ifndef DFY_SPLAT_APPEARANCE_H
#define DFY_SPLAT_APPEARANCE_H

#include <stddef.h>

#include "diffy/splat.h"

/* R S S' R' of a splat's rotation (w x y z) and scales (ln), the upper half: xx xy xz yy yz zz. */
void dfy_splat_covariance(float out[6], const float *rotation, const float *scale);
/* Red, green, blue of splat i as seen from `eye`; black is 0 and white 1, but they may be beyond. */
void dfy_splat_colour(float colour[3], const DfySplats *splats, size_t i, const float eye[3]);

#endif
