/* tree-range, encoder: what the files choose*.c know of each other. */
#ifndef DFY_SPLAT_TREE_CHOOSE_PARTS_H
#define DFY_SPLAT_TREE_CHOOSE_PARTS_H

#include "splat/quant/trellis.h"
#include "splat/tree/choose.h"

enum {
    DFY_TREE_REFINEMENTS = 4,   /* tries of a search */
    DFY_TREE_SAMPLE_ROWS = 1500 /* splats that a search looks at first */
};

/* Times the wanted error: the trellis' step for many levels. */
#define DFY_TREE_FIRST_STEP 2.0

/* ---------------------------------------------------------------- choose_step.c */

/* How a step is searched for with few tries. */
typedef struct DfyTreeHaste {
    size_t sample_rows; /* that are looked at first */
    double aim, enough; /* of the wanted error: what is aimed at, and what is not improved on */
} DfyTreeHaste;

/* NULL: as many tries as it takes to meet the wanted error nearly exactly. */
const DfyTreeHaste *dfy_tree_haste(int effort);

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

/* The largest step whose RMS error is at most the wanted one, in 1/65536; values (rows x n) gets the multiples. */
int dfy_tree_choose_step(int32_t *chosen, int32_t *values, DfyTrellis *trellis, double error, int effort);
/* The range for one frame's `count` numbers, `stride` apart, or for all frames' within the bounds. */
void dfy_tree_choose_range(DfyTreeRange *range, const int32_t *values, size_t count, size_t stride, int frames,
                           const double bounds[2], double step, int centred);

/* ---------------------------------------------------------------- choose_places.c */

/*
 * The grid, the order, the keys and the tails for a wanted RMS distance. work and values hold 3 a
 * splat.
 */
int dfy_tree_choose_places(DfyTreeChoice *choice, DfyTreeGrid *grid, const DfySplats *splats, const DfyTreeHull *hull,
                           double wanted, float *work, int32_t *values);
/* On a grid that stands, `list` put in order: 1, 0 when more than a few splats are outside of it, negative without
 * memory. */
int dfy_tree_place_splats(const DfyTreeGrid *grid, const DfySplats *splats, uint32_t *list, uint32_t count,
                          uint64_t *keys, DfyTreeIndex *indices);

/* ---------------------------------------------------------------- choose_colours.c */

/* The first colour and, once its indices are known, the others; work and values hold a number a coefficient and splat.
 */
int dfy_tree_choose_dc(DfyTreeChoice *choice, DfyTreeGrid *grid, const DfySplats *splats, const DfyTreeHull *hull,
                       double error, float *work, int32_t *values);
int dfy_tree_choose_sh(DfyTreeChoice *choice, DfyTreeGrid *grid, const DfySplats *splats, double error, float *work,
                       int32_t *values);
/* The first colour's coefficients. */
void dfy_tree_dc_row(float row[3], const DfyTreeGrid *grid, const float dc[3], const double analysis[9]);
/* Weights of the first colour's coefficients. */
void dfy_tree_dc_norm(const DfyTreeGrid *grid, double norm[3]);
/* What is to be coded of each splat's other colours, column by column; dc: the first colour's decoded coefficients. */
void dfy_tree_colour_parts(float *parts, const DfyTreeGrid *grid, const DfySplats *splats, const uint32_t *order,
                           size_t count, const double *analysis, const int32_t (*dc)[3]);
/* The trellis of those parts; norm is filled for it. */
DfyTrellis dfy_tree_rest_trellis(const DfyTreeGrid *grid, double norm[DFY_TREE_REST], const float *parts, size_t count);

/* ---------------------------------------------------------------- choose_turns.c */

/* Rotations to be quantised. */
typedef struct DfyTreeTurns {
    double (*quaternions)[4];
    uint8_t *axes;
    DfyTurn *cells;
    size_t count;
    double error; /* RMS angle in degrees from the cells */
} DfyTreeTurns;

/* Every stride-th of `count` splats of the model; their scales are known. dfy_tree_turns_free in any case. */
int dfy_tree_turns_gather(DfyTreeTurns *turns, const DfyTreeGrid *grid, const DfySplats *splats, const uint32_t *order,
                          const DfyTreeIndex *indices, size_t count, size_t stride);
/* The cells and the error. */
int dfy_tree_turns_quantise(DfyTreeTurns *turns, const DfyTurnGrid *grid);
void dfy_tree_turns_free(DfyTreeTurns *turns);
/* The grid and all indices, with the scales known. */
int dfy_tree_choose_turns(DfyTreeChoice *choice, DfyTreeGrid *grid, const DfySplats *splats, double error);

#endif
