/* tree-range, encoder: from a model and wanted errors to a grid and indices. */
#ifndef DFY_SPLAT_TREE_CHOOSE_H
#define DFY_SPLAT_TREE_CHOOSE_H

#include "splat/tree/tree.h"

/* What a key frame is coded from; all arrays in the order of the keys. */
typedef struct DfyTreeChoice {
    uint32_t *order; /* splat i is splat order[i] of the model */
    uint64_t *keys;
    DfyTreeIndex *indices;
    int16_t *sh;        /* coefficient k of splat i at k x count + i */
    double place_error; /* the wanted one, in steps */
    int effort;         /* 1..9 */
} DfyTreeChoice;

/* What all frames of a sequence span, so that splats added later fit the grid; grows by dfy_tree_hull_add. */
typedef struct DfyTreeHull {
    int frames;
    float xyz[2][3], scale[2][3], dc[2][3]; /* lowest, highest */
} DfyTreeHull;

void dfy_tree_hull_add(DfyTreeHull *hull, const DfySplats *splats);

/*
 * errors: wanted RMS of each attribute, as DfySplatErrors measures it; effort 1..9. Sets *grid and *choice, which
 * dfy_tree_choice_free releases. The hull holds at least this model.
 */
int dfy_tree_choose(DfyTreeChoice *choice, DfyTreeGrid *grid, const DfySplats *splats, const DfyTreeHull *hull,
                    const double errors[DFY_SPLAT_ATTRIBUTES], int effort, DfyMessage *message);
void dfy_tree_choice_free(DfyTreeChoice *choice);

/*
 * Indices on a grid that stands, for splats an inter frame adds: `added` (splats of the model, put in the order of
 * their keys) and inter->added*. DFY_ERROR_UNSUPPORTED when one does not fit the grid: then a key frame is due.
 */
int dfy_tree_place_added(const DfyTreeGrid *grid, const DfySplats *splats, uint32_t *added, uint32_t count,
                         DfyTreeInter *inter, DfyMessage *message);

/*
 * Columns for a frame in which most splats changed: splat i of the state is splat order[i] of the model. wanted: RMS of
 * each attribute, position in grid steps; analysis: from other colours to the grid's transform.
 */
int dfy_tree_choose_columns(struct DfyTreeColumns *columns, DfyTreeState *state, const DfySplats *splats,
                            const uint32_t *order, const double wanted[DFY_SPLAT_ATTRIBUTES], const double *analysis,
                            int effort, DfyMessage *message);

#endif
