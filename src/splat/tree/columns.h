/*
 * tree-range, inter frames in which most splats change: attributes as columns of numbers, one after the other over all
 * splats. What is coded is the way from a prediction: the last frame's value, or the mean of the last frames', which
 * noise that is new in every frame does not reach. Numbers are a trellis', so that most can be 0; positions are
 * rounded, as their largest error counts.
 *
 *   columns.c         the frame: heads, values from numbers
 *   column_numbers.c  numbers, under models that know their neighbours
 *   column_past.c     the means of frames before
 */
#ifndef DFY_SPLAT_TREE_COLUMNS_H
#define DFY_SPLAT_TREE_COLUMNS_H

#include "entropy/tokens.h"
#include "splat/tree/tree.h"

enum {
    DFY_TREE_NUMBER_MOST = 32000, /* numbers have 16 bits */
    DFY_TREE_TURN_FRACTION = 20,  /* a rotation's step is in 1/2^20 */
    DFY_TREE_RUN_LEAST = 5,       /* bits of the shortest run of splats */
    DFY_TREE_RUNS = 4,            /* lengths of runs, each twice the one before */
    DFY_TREE_COLUMNS = 13 + DFY_TREE_REST
};

/* How an attribute is predicted and what is coded of it. */
typedef struct DfyTreeColumn {
    int present;      /* anything is coded */
    int from_mean;    /* of the mean, not of the last value */
    int learns;       /* this frame's values go into the means; else those are forgotten */
    int32_t step;     /* position: 1/256 of the grid's; rotation: 1/2^20; others 1/65536 */
    int16_t *numbers; /* multiples of the step: number k of splat i at k x count + i */
} DfyTreeColumn;

/* What a position's move is predicted to be: nothing, the velocity, the neighbours', or one told for each run of
 * splats; and the last two beyond the velocity. */
enum {
    DFY_TREE_MOVE_NONE,
    DFY_TREE_MOVE_ON,
    DFY_TREE_MOVE_NEAR,
    DFY_TREE_MOVE_NEAR_ON,
    DFY_TREE_MOVE_RUN,
    DFY_TREE_MOVE_RUN_ON,
    DFY_TREE_MOVES
};

typedef struct DfyTreeColumns {
    int used;
    int move;
    int smooth, steady, gentle;       /* shifts: how much neighbours' moves, means and velocities take of what is new */
    int run_bits;                     /* of the splats in a run */
    int16_t *runs;                    /* their moves in steps of positions, three a run */
    DfyTreeColumn of[DFY_TREE_KINDS]; /* place, turn, scale, alpha, first colour, others: as the bits of updates */
} DfyTreeColumns;

static inline int dfy_tree_moves_on(int move) {
    return move % 2;
}
static inline int dfy_tree_moves_near(int move) {
    return move / 2 == DFY_TREE_MOVE_NEAR / 2;
}
static inline int dfy_tree_moves_runs(int move) {
    return move / 2 == DFY_TREE_MOVE_RUN / 2;
}
static inline size_t dfy_tree_run_count(const DfyTreeColumns *columns, uint32_t splats) {
    return ((size_t)splats + (1u << columns->run_bits) - 1) >> columns->run_bits;
}

/* Means of the last frames' values. */
typedef struct DfyTreeMean {
    int32_t place[3], turn[4], scale[3], alpha, dc_part[3];
} DfyTreeMean;

int dfy_tree_column_count(const DfyTreeGrid *grid, int kind);

/* Makes the means and the rest ready for a frame; called before the encoder chooses. */
int dfy_tree_columns_begin(DfyTreeState *state, DfyMessage *message);
void dfy_tree_past_free(DfyTreePast *past);
/* How much of the way to a frame's value the mean goes, as a shift. */
int dfy_tree_mean_shift(const DfyTreePast *past, int kind);
/* After a frame: the means of an attribute but positions learn of the state, or are forgotten. */
void dfy_tree_learn_means(DfyTreeState *state, const DfyTreeColumn *column, int kind);

/*
 * Codes the columns and brings the state on. Decoding, numbers are allocated here; dfy_tree_columns_free in any case.
 */
int dfy_tree_code_columns(DfyRangeCoder *coder, DfyTokens *tokens, DfyTreeState *state, DfyTreeColumns *columns,
                          DfyMessage *message);
void dfy_tree_columns_free(DfyTreeColumns *columns);

/* What neighbours see of a splat's move: what was foreseen, and some of what is new; but for the velocity it goes on
 * with. */
static inline int32_t dfy_tree_seen_move(const DfyTreeColumns *columns, int32_t foreseen, int32_t news,
                                         int32_t velocity) {
    int64_t own = (int64_t)foreseen - (dfy_tree_moves_on(columns->move) ? velocity : 0) + (news >> columns->smooth);
    return (int32_t)(own < -(1 << 30) ? -(1 << 30) : own > 1 << 30 ? 1 << 30 : own);
}

/* The prediction of splat i's position; moved: the splats' moves before it in this frame, from what they began at. */
void dfy_tree_predict_place(const DfyTreeState *state, const DfyTreeColumns *columns, const int32_t (*moved)[3],
                            uint32_t i, int32_t base[3], int32_t predicted[3]);

#endif
