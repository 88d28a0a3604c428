/*
 * Lossless pictures: every sample predicted from its neighbours, from the picture before and from both, the difference
 * coded under contexts whose guesses are mixed. Written once for reading and writing, in the manner of dfy_code_bit.
 *
 * A picture is cut in blocks of 16x16. Each says how it moved, in whole pixels, and whether it is the picture before
 * once more; the samples of the other blocks follow, plane by plane for a row of blocks, along the lines.
 */
#ifndef DFY_VIDEO_LOSSLESS_H
#define DFY_VIDEO_LOSSLESS_H

#include "entropy/range.h"
#include "video/syntax/frame.h"

#define DFY_LOSSLESS_BLOCK 16
#define DFY_LOSSLESS_REACH 40 /* longest motion, in luma pixels */

typedef struct DfyLosslessBlock {
    int8_t dx, dy; /* luma pixels */
    uint8_t skip;  /* all its samples are the predicted ones */
} DfyLosslessBlock;

typedef struct DfyLossless DfyLossless;

/* NULL when there is no memory. */
DfyLossless *dfy_lossless_new(int width, int height);
void dfy_lossless_free(DfyLossless *lossless);

/* Forgets the picture before and what the models have learnt: reading can begin at the next picture. */
void dfy_lossless_begin_run(DfyLossless *lossless);

/* The picture coded last, its border filled; NULL at an access point. */
const DfyFrame *dfy_lossless_last(const DfyLossless *lossless);

/* Blocks of a row and rows of them. */
int dfy_lossless_columns(const DfyLossless *lossless);
int dfy_lossless_rows(const DfyLossless *lossless);

/*
 * The prediction of a block of a plane from `reference`, columns x rows samples at (x, y) of the plane: what motion
 * search compares.
 */
void dfy_lossless_predict(const DfyFrame *reference, int plane, int x, int y, int columns, int rows,
                          const DfyLosslessBlock *block, uint8_t *dst, ptrdiff_t stride);

/*
 * Codes one picture. Writing: source has its samples, blocks what was found out about motion (not looked at when
 * there is no picture before). Reading: both are NULL. Afterwards it is dfy_lossless_last.
 */
void dfy_lossless_code(DfyLossless *lossless, DfyRangeCoder *coder, const DfyFrame *source,
                       const DfyLosslessBlock *blocks);

#endif
