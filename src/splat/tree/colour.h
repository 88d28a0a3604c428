/* tree-range: the colour coefficients beyond the first of a key frame, in both directions. */
#ifndef DFY_SPLAT_TREE_COLOUR_H
#define DFY_SPLAT_TREE_COLOUR_H

#include "entropy/tokens.h"
#include "splat/tree/tree.h"

/*
 * Codes the multiples, sh[k * count + i] of coefficient k of splat i, or decodes them. back: of each splat how far
 * before it its neighbours are, see dfy_tree_neighbours.
 */
int dfy_tree_code_colours(DfyTokens *tokens, int encoding, const DfyTreeState *state,
                          const uint8_t (*back)[DFY_TREE_NEAR], int16_t *sh);

#endif
