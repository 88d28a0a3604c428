/*
 * tree-range, inter frames in which most splats change: attributes as columns of numbers, one after the other over all
 * splats. What is coded is the way from a prediction: the last frame's value, or the mean of the last frames', which
 * noise that is new in every frame does not reach. Numbers are a trellis', so that most can be 0; positions are rounded
 * one by one, as their predictions follow the neighbours' moves in the same frame.
 */
#ifndef DFY_SPLAT_TREE_COLUMNS_H
#define DFY_SPLAT_TREE_COLUMNS_H

#include "splat/tree/tree.h"

enum {
    DFY_TREE_COLUMNS_MOST = DFY_TREE_REST,
    DFY_TREE_NUMBER_MOST = 32000, /* numbers have 16 bits */
    DFY_TREE_TURN_FRACTION = 20   /* a rotation's step is in 1/2^20 */
};

/* How an attribute is predicted and what is coded of it. */
typedef struct DfyTreeColumn {
    int present;      /* anything is coded */
    int from_mean;    /* of the mean, not of the last value */
    int32_t step;     /* position: 1/256 of the grid's; rotation: 1/2^20; others 1/65536 */
    int16_t *numbers; /* multiples of the step: number k of splat i at k x count + i, of positions at 3 i + k */
} DfyTreeColumn;

/* What a position's move is predicted to be. */
enum { DFY_TREE_MOVE_NONE, DFY_TREE_MOVE_ON, DFY_TREE_MOVE_NEAR, DFY_TREE_MOVE_BOTH, DFY_TREE_MOVES };

typedef struct DfyTreeColumns {
    int used;
    int move;
    DfyTreeColumn of[DFY_TREE_KINDS]; /* place, turn, scale, alpha, first colour, others: as the bits of updates */
} DfyTreeColumns;

/* Means of the last frames' values; what splats know of their neighbours; the models. Made when first needed. */
typedef struct DfyTreeMean {
    int32_t place[3], turn[4], scale[3], alpha, dc_part[3];
} DfyTreeMean;

int dfy_tree_column_count(const DfyTreeGrid *grid, int kind);

/* Makes the means and the rest ready for a frame; called before the encoder chooses. */
int dfy_tree_columns_begin(DfyTreeState *state, DfyMessage *message);
void dfy_tree_past_free(DfyTreePast *past);
/* Codes the columns and brings the state on. Decoding, numbers are allocated here; dfy_tree_columns_free in any case.
 */
int dfy_tree_code_columns(DfyRangeCoder *coder, DfyTreeState *state, DfyTreeColumns *columns, DfyMessage *message);
void dfy_tree_columns_free(DfyTreeColumns *columns);

/* The prediction of splat i's position; moved: the splats' moves before it in this frame, from what they began at. */
void dfy_tree_predict_place(const DfyTreeState *state, const DfyTreeColumns *columns, const int32_t (*moved)[3],
                            uint32_t i, int32_t base[3], int32_t predicted[3]);

#endif
