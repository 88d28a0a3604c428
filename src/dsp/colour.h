/*
 * Colour: YCbCr <-> RGB in fixed point, for BT.601, BT.709 and BT.2020, limited and full range.
 *
 * Chroma is repeated when it grows and averaged over its 2x2 pixels when it shrinks: then I420 -> RGB -> I420
 * gives the first picture again but for rounding, which an interpolating pair would not.
 */
#ifndef DFY_DSP_COLOUR_H
#define DFY_DSP_COLOUR_H

#include "diffy/diffy.h"

#define DFY_COLOUR_FRACTION 13
#define DFY_COLOUR_HALF (1 << (DFY_COLOUR_FRACTION - 1))

/* Coefficients times 2^13; they fit 16 bits so that compilers use 16-bit multiplications. */
typedef struct DfyColour {
    int16_t y_scale, r_from_v, g_from_u, g_from_v, b_from_u; /* to RGB */
    int16_t to_y[3], to_u[3], to_v[3];                       /* from R, G, B */
    int16_t y_offset;                                        /* 16 or 0 */
} DfyColour;

/* Unknown matrices become BT.601 below 720 rows, else BT.709. */
DfyMatrix dfy_colour_resolve(DfyMatrix matrix, int height);
void dfy_colour_init(DfyColour *colour, DfyMatrix matrix, DfyRange range, int height);

/* dfy_picture_convert, of two pictures that can be converted. */
int dfy_colour_convert(DfyPicture *dst, const DfyPicture *src);

#endif
