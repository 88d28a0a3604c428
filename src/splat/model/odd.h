/*
 * Numbers that no codec has a code for: NaN, infinities, coordinates beyond any grid. A model is tamed before it is
 * coded: each such number gets a stand-in that costs next to nothing, and what stood there is remembered exactly.
 */
#ifndef DFY_SPLAT_ODD_H
#define DFY_SPLAT_ODD_H

#include "diffy/splat.h"
#include "splat/patches.h"

/* Attributes (1 << DFY_SPLAT_x) of splat i that are odd. */
unsigned dfy_splat_odd(const DfySplats *splats, size_t i);

/* Puts stand-ins in, adding what stood there to *odd (by splat, ascending) and counting it. DFY_ERROR_MEMORY or 0. */
int dfy_splats_tame(DfySplats *splats, DfySplatPatches *odd, DfySplatOddities *oddities);

/* For files: what is no number becomes one, as for a renderer, and a rotation of no length none; the rest stays. */
void dfy_splats_make_finite(DfySplats *splats);

#endif
