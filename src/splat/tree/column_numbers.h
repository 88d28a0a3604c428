/* tree-range: the numbers of columns, in both directions. */
#ifndef DFY_SPLAT_TREE_COLUMN_NUMBERS_H
#define DFY_SPLAT_TREE_COLUMN_NUMBERS_H

#include "splat/tree/columns.h"

struct DfyTreeModels;

/* New models; NULL when there is no memory. */
struct DfyTreeModels *dfy_tree_models_new(void);

/* A way through the columns of a frame. */
typedef struct DfyTreeWalk {
    DfyRangeCoder *coder;
    DfyTokens *tokens;
    struct DfyTreeModels *models;
    const uint8_t (*back)[DFY_TREE_NEAR]; /* how far before a splat its neighbours are */
    uint32_t count;
    uint8_t *memory, *size, *own, *skipped;
    uint8_t *sum;    /* of sizes in this attribute's columns */
    uint8_t *energy; /* of this attribute in frames before; NULL: it isn't looked at */
    uint8_t *energies;
} DfyTreeWalk;

/* 0 or DFY_ERROR_MEMORY. */
int dfy_tree_walk_open(DfyTreeWalk *walk, DfyRangeCoder *coder, DfyTokens *tokens, const DfyTreeState *state);
void dfy_tree_walk_close(DfyTreeWalk *walk);
/* Another attribute begins, and ends after so many columns. */
void dfy_tree_walk_begin(DfyTreeWalk *walk, int kind);
void dfy_tree_walk_end(DfyTreeWalk *walk, int columns);

/* A column's numbers: multiples of a trellis whose state is *trellis, or plain ones where that is NULL. `first` is the
 * attribute's first column. */
void dfy_tree_code_numbers(DfyTreeWalk *walk, int column, int first, int16_t *numbers, int *trellis);

/* The moves of runs, three of each. */
void dfy_tree_code_runs(DfyTreeWalk *walk, int16_t *runs, size_t count);

#endif
