/* tree-range: the colour coefficients beyond the first of a key frame, in both directions. */
#ifndef DFY_SPLAT_TREE_COLOUR_H
#define DFY_SPLAT_TREE_COLOUR_H

#include "splat/tree/tree.h"

/* The neighbours of one splat: splats coded before it. */
typedef struct DfyTreeNear {
    uint32_t splats[DFY_TREE_NEAR];
    int count;
} DfyTreeNear;

/*
 * Codes the multiples, sh[k * count + i] of coefficient k of splat i, or decodes them. The splats' other attributes are
 * known; near has an entry a splat.
 */
int dfy_tree_code_colours(DfyRangeCoder *coder, const DfyTreeState *state, const DfyTreeIndex *indices,
                          const DfyTreeNear *near, int16_t *sh);

#endif
