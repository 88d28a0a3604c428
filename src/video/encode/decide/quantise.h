/*
 * Quantisation by rate and distortion: every coefficient may be rounded down or dropped, a 4x4 group left out, and the
 * end moved forward, when the bits saved are worth more than the error made.
 */
#ifndef DFY_VIDEO_QUANTISE_H
#define DFY_VIDEO_QUANTISE_H

#include "dsp/kernels.h"
#include "video/syntax/picture.h"
#include "video/syntax/residual.h"

/* What the parts of a residual cost under models as they stand, in 1/256 bits: made once for many transforms. */
typedef struct DfyLevelRates {
    uint16_t last[2][4][32];          /* x or y; by log2 - 2; place of the last coefficient */
    uint16_t group[2][3][2];          /* as contexts->subblock; the flag */
    uint16_t significant[2][3][5][2]; /* as contexts->significant; the flag */
    uint32_t blank[2][3][17];         /* large; 4x4 groups from the first, at most 2; flags of so many places */
    uint16_t one[4][5], two[4][5];    /* as contexts->greater1: magnitudes 1 and 2, with the sign */
    uint16_t more[4][5];              /* larger ones, without their remainder */
    uint16_t remainder[3][16];        /* neighbourhood class; bits in unary */
} DfyLevelRates;

/* Under contexts as they stand. */
void dfy_level_rates(DfyLevelRates *rates, const DfyResidualContexts *contexts);

/* Whether no coefficient of a residual with that squared error can be large enough for a level. half: it is a half's.
 */
int dfy_quantises_to_nothing(int log2, int half, int qp, uint64_t error);

/*
 * Quantises one transform's coefficients and returns the rate in 1/256 bits of coding them: 0 when nothing is left, and
 * levels were not set then. *gain: the cost (see dfy_cost) that they save against coding nothing.
 * shape: a half's coefficients lie in the upper half of the square. map: of zeros, and so it is left.
 */
uint32_t dfy_quantise(const DfyKernels *kernels, int16_t *levels, const int16_t *coefficients, int log2, DfyPart shape,
                      int qp, uint32_t lambda, const DfyLevelRates *rates, DfyLevelMap *map, int64_t *gain);

#endif
