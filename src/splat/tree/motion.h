/* tree-range, encoder: rigid motions that many splats share. */
#ifndef DFY_SPLAT_TREE_MOTION_H
#define DFY_SPLAT_TREE_MOTION_H

#include "splat/tree/tree.h"

/* A splat's way from the last frame to this one, in grid steps from the grid's origin. */
typedef struct DfyTreeWay {
    double from[3], to[3];
    uint32_t splat; /* of the state */
} DfyTreeWay;

/*
 * Finds motions among count ways and labels the splats that follow one (inter->labels, inter->motions).
 * Motions of the last frame are tried first, on the splats that followed them.
 */
void dfy_tree_find_motions(DfyTreeInter *inter, const DfyTreeState *state, const DfyTreeWay *ways, size_t count);

#endif
