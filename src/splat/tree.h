/*
 * The codec "tree-range": what a decoder keeps between frames, and the parts that work on it.
 *
 *   tree_grid.c     the key frame's header and the way from indices to values
 *   tree_choose.c   encoder: steps from the wanted errors, transforms, indices
 *   tree_key.c      a key frame's syntax
 *   tree_inter.c    an inter frame's syntax, and tree_motion.c how an encoder finds rigid motions
 *
 * Values are fixed-point integers everywhere between the bytes and the finished model, so that encoder and decoder,
 * native or in WebAssembly, hold the same ones.
 */
#ifndef DFY_SPLAT_TREE_H
#define DFY_SPLAT_TREE_H

#include "base/bytes.h"
#include "splat/mix.h"
#include "splat/places.h"
#include "splat/splat.h"
#include "splat/turn.h"

enum {
    DFY_TREE_REST = 45,     /* most colour coefficients beyond the first, of all channels */
    DFY_TREE_ONE = 65536,   /* scales, alphas, colours */
    DFY_TREE_FRACTION = 8,  /* bits of a position below the grid's step */
    DFY_TREE_BASE_ONE = 128 /* entries of the colour transforms */
};

/* A uniform quantiser: value = (low + index) * step, index in 0..2^bits-1. */
typedef struct DfyTreeRange {
    int32_t low;
    int bits;
} DfyTreeRange;

typedef struct DfyTreeGrid {
    uint32_t count;
    int degree;
    int place_bits[3];
    float origin[3], step;                            /* position = origin + step x place */
    int32_t scale_step, alpha_step, dc_step, sh_step; /* 1/65536 */
    int32_t rings, twists;                            /* see turn.h */
    DfyTreeRange scale[3], dc[3];
    int alpha_bits;
    int32_t dc_mean[3], sh_mean[DFY_TREE_REST];
    int16_t dc_base[3][3]; /* row k: what coefficient k adds to each channel; 1/DFY_TREE_BASE_ONE */
    int16_t sh_base[DFY_TREE_REST][DFY_TREE_REST];
    int16_t sh_from_dc[DFY_TREE_REST][3]; /* prediction of coefficient k from those of the first colour */
    int sh_shrink[2];                     /* magnitude 1 and more are this many 1/64 of a step nearer to 0 */
} DfyTreeGrid;

/* Indices of one splat, in the order they are coded. */
typedef struct DfyTreeIndex {
    int32_t scale[3], alpha, dc[3];
    DfyTurn turn;
    int16_t sh[DFY_TREE_REST];
} DfyTreeIndex;

/* Values of one splat: what both sides know. Velocity is the last frame's motion. */
typedef struct DfyTreeSplat {
    int32_t place[3], velocity[3];  /* 1/256 of a grid step */
    int32_t turn[4];                /* 1/DFY_TURN_ONE */
    int32_t scale[3], alpha, dc[3]; /* 1/65536 */
    int32_t dc_part[3];             /* dc under the transform, before the mean */
} DfyTreeSplat;

typedef struct DfyTreeState {
    DfyTreeGrid grid;
    uint32_t count, capacity;
    DfyTreeSplat *splats;
    int32_t *rest;  /* count x coefficients, 1/65536 */
    uint8_t *label; /* rigid motion a splat followed in the last frame, 0: none */
} DfyTreeState;

static inline int dfy_tree_rest(const DfyTreeGrid *grid) {
    return dfy_splat_rest(grid->degree) * 3;
}

int dfy_tree_state_alloc(DfyTreeState *state, uint32_t count, DfyMessage *message);
void dfy_tree_state_free(DfyTreeState *state);
int dfy_tree_state_copy(DfyTreeState *out, const DfyTreeState *in, DfyMessage *message);

/* The header before a key frame's coded part. Reading checks every field. */
void dfy_tree_write_grid(const DfyTreeGrid *grid, DfyBuffer *buffer);
int dfy_tree_read_grid(DfyTreeGrid *grid, DfyBytes *bytes, DfyMessage *message);

/* Values from indices. */
void dfy_tree_values(const DfyTreeGrid *grid, const DfyTreeIndex *index, DfyTreeSplat *splat);
void dfy_tree_rest_values(const DfyTreeGrid *grid, const DfyTreeIndex *index, const DfyTreeSplat *splat, int32_t *rest);
/* The axis whose direction a rotation is coded by: that of the smallest scale. */
int dfy_tree_axis(const DfyTreeSplat *splat);

int dfy_tree_to_frame(const DfyTreeState *state, DfySplats *splats, DfyMessage *message);

/*
 * Codes grid and indices; decoding fills both and the state. Splats are in the order of their keys. On the encoder's
 * side state->grid, indices and keys are set.
 */
int dfy_tree_code_key(DfyRangeCoder *coder, DfyTreeState *state, uint64_t *keys, DfyTreeIndex *indices,
                      DfyMessage *message);

#endif
