/*
 * Splats as renderers' textures want them, four numbers a texel; the layout is PlayCanvas' for uncompressed splats, so
 * that its shaders, three.js' and our own read the same arrays:
 *
 *   transforms  x, y, z as floats; halves of the quaternion's x (low) and y
 *   scales      halves of the three scales and of the quaternion's z; w is what is left of its length, and not negative
 *   colours     halves of red, green, blue without a view (0.5 + the first coefficient's share) and of the opacity
 *   harmonics   up to four planes of words: the largest coefficient as a float, then for each coefficient 11 bits of
 * red, 10 of green, 11 of blue, from minus that largest to plus it; 3, 8 or 15 of them
 *
 * A splat with a number that no renderer can use becomes invisible.
 */
#ifndef DFY_WASM_SPLAT_PACK_H
#define DFY_WASM_SPLAT_PACK_H

#include "diffy/splat.h"

enum { SPLAT_PLANES = 4 };

/* Memory that is kept from frame to frame. All zero is an empty one. */
typedef struct SplatPack {
    uint32_t capacity;
    uint32_t *transforms; /* 4 a splat */
    uint16_t *scales, *colours;
    uint32_t *harmonics[SPLAT_PLANES];
    uint8_t *usable; /* a flag a splat: harmonics with numbers that can be used, and 2: all numbers */
    uint32_t whole;  /* splats of the model that was packed last, if all of it was; else 0 */
    int degree;      /* of that model */
} SplatPack;

void splat_pack_free(SplatPack *pack);
/* Planes of harmonics that a degree needs: 0, 1, 3 or 4; of degree 4 the first three bands are used. */
int splat_pack_planes(int degree);
/*
 * Packs the splats of a list (NULL: all), one after another; 0 or DFY_ERROR_MEMORY. attributes: those that changed
 * since the last call, 1 << DFY_SPLAT_x each; where all splats are packed again, the others stay.
 */
int splat_pack(SplatPack *pack, const DfySplats *splats, const uint32_t *list, uint32_t count, unsigned attributes);

#endif
