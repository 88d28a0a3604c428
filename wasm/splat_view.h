/* A frame made ready for drawing: shapes and colours as textures want them, and the order to draw in. */
#ifndef DFY_WASM_SPLAT_VIEW_H
#define DFY_WASM_SPLAT_VIEW_H

#include "diffy/splat.h"

/* Memory that is kept from frame to frame. All zero is an empty one. */
typedef struct SplatView {
    uint32_t capacity;
    uint32_t *shapes, *order;
    uint16_t *depths;
    uint8_t *colours;
} SplatView;

void splat_view_free(SplatView *view);

/*
 * Eight words a splat: x, y, z and a factor as floats, then the covariance over that factor as six half floats
 * (xx xy, xz yy, yz zz), then 0. Halves alone would lose the small splats.
 */
const uint32_t *splat_view_shapes(SplatView *view, const DfySplats *splats);
/* Red, green, blue, alpha a splat, as seen from `eye`. */
const uint8_t *splat_view_colours(SplatView *view, const DfySplats *splats, const float eye[3]);
/* Far to near along `forward`; splats behind each other by less than 1/65536 of the depth keep their order. */
const uint32_t *splat_view_order(SplatView *view, const DfySplats *splats, const float forward[3]);
/* Medians of x, y, z, and the distance from there that 90 of 100 splats keep. DFY_ERROR_MEMORY when there is none. */
int splat_view_bounds(SplatView *view, const DfySplats *splats, double bounds[4]);

#endif
