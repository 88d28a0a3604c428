/* tree-range, encoder: from a model and wanted errors to a grid and indices. */
#ifndef DFY_SPLAT_TREE_CHOOSE_H
#define DFY_SPLAT_TREE_CHOOSE_H

#include "splat/tree.h"

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

/* How a step is searched for with few tries. */
typedef struct DfyTreeHaste {
    size_t sample_rows; /* that are looked at first */
    double aim, enough; /* of the wanted error: what is aimed at, and what is not improved on */
} DfyTreeHaste;

/* NULL: as many tries as it takes to meet the wanted error nearly exactly. */
const DfyTreeHaste *dfy_tree_haste(int effort);

/*
 * errors: wanted RMS of each attribute, as DfySplatErrors measures it; effort 1..9. Sets *grid and *choice, which
 * dfy_tree_choice_free releases. The hull holds at least this model.
 */
int dfy_tree_choose(DfyTreeChoice *choice, DfyTreeGrid *grid, const DfySplats *splats, const DfyTreeHull *hull,
                    const double errors[DFY_SPLAT_ATTRIBUTES], int effort, DfyMessage *message);
/*
 * Indices on a grid that stands, for splats an inter frame adds: `added` (splats of the model, put in the order of
 * their keys) and inter->added*. DFY_ERROR_UNSUPPORTED when one does not fit the grid: then a key frame is due.
 */
int dfy_tree_place_added(const DfyTreeGrid *grid, const DfySplats *splats, uint32_t *added, uint32_t count,
                         DfyTreeInter *inter, DfyMessage *message);
/*
 * The search for the step whose error is the wanted one, but for a thousandth or two: on a sample first, then on all.
 * The error is taken to grow with a power of the step, which is learnt.
 */
typedef struct DfyTreeSearch {
    double step, power;
    size_t stride;        /* every so many rows are tried: a sample, then half of them, then all */
    int tries;            /* with this stride */
    double before, ratio; /* the last step tried and its error, in parts of the wanted one */
    const DfyTreeHaste *haste;
} DfyTreeSearch;

/* Takes in the error with search->step (in parts of the wanted one) and sets the next step; 0: step is the one. */
int dfy_tree_search_on(DfyTreeSearch *search, double ratio);

/*
 * tree_choose_places.c: the grid, the order, the keys and the tails for a wanted RMS distance. work and values hold 3 a
 * splat.
 */
int dfy_tree_choose_places(DfyTreeChoice *choice, DfyTreeGrid *grid, const DfySplats *splats, const DfyTreeHull *hull,
                           double wanted, float *work, int32_t *values);
/* On a grid that stands, `list` put in order: 1, 0 when a splat is outside of it, negative without memory. */
int dfy_tree_place_splats(const DfyTreeGrid *grid, const DfySplats *splats, uint32_t *list, uint32_t count,
                          uint64_t *keys, DfyTreeIndex *indices);

void dfy_tree_choice_free(DfyTreeChoice *choice);

#endif
