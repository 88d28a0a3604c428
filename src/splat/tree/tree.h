/*
 * The codec "tree-range": what a decoder keeps between frames, and the parts that work on it.
 *
 *   grid.c     the key frame's header
 *   values.c   the way from indices to values and on to a model
 *   state.c    a state's memory, and back to what the key frame left
 *   choose*.c  encoder: steps from the wanted errors, transforms, indices
 *   key.c      a key frame's syntax
 *   inter.c    an inter frame's syntax, and motion.c how an encoder finds rigid motions
 *
 * Values are fixed-point integers everywhere between the bytes and the finished model, so that encoder and decoder,
 * native or in WebAssembly, hold the same ones.
 */
#ifndef DFY_SPLAT_TREE_H
#define DFY_SPLAT_TREE_H

#include "base/bytes.h"
#include "base/status.h"
#include "diffy/splat.h"
#include "entropy/tokens.h"
#include "splat/quant/turn.h"
#include "splat/tree/mix.h"
#include "splat/tree/places.h"

enum {
    DFY_TREE_REST = 72,            /* most colour coefficients beyond the first, of all channels */
    DFY_TREE_ONE = 65536,          /* scales, alphas, colours */
    DFY_TREE_FRACTION = 8,         /* bits of a position below the grid's step */
    DFY_TREE_MOST_SCALE = 1 << 21, /* either way */
    DFY_TREE_BASE_ONE = 128,       /* entries of the colour transforms */
    /* A frame has a byte for so many splats at least, so that few bytes cannot claim much memory. */
    DFY_TREE_SPLATS_A_BYTE = 32
};

/* Attributes, as bits. */
enum {
    DFY_TREE_PLACE = 1,
    DFY_TREE_TURN = 2,
    DFY_TREE_SCALE = 4,
    DFY_TREE_ALPHA = 8,
    DFY_TREE_DC = 16,
    DFY_TREE_SH = 32,
    DFY_TREE_ALL = 63,
    DFY_TREE_KINDS = 6
};

enum { DFY_TREE_NEAR = 4 }; /* neighbours that contexts know */

/* value = (low + index) * step; an index is coded as number index >> 1, below 2^bits, and a quantiser, see trellis.h.
 */
typedef struct DfyTreeRange {
    int32_t low;
    int bits;
} DfyTreeRange;

typedef struct DfyTreeGrid {
    uint32_t count;
    int degree;
    int place_bits[3], tail_bits[3];                  /* of the coarse cell, of the number within it */
    float origin[3], step;                            /* position = origin + step x place */
    int32_t scale_step, alpha_step, dc_step, sh_step; /* 1/65536 */
    DfyTurnGrid turns;
    DfyTreeRange scale[3], dc[3], alpha;
    int32_t dc_mean[3], sh_mean[DFY_TREE_REST];
    int16_t dc_base[3][3]; /* row k: what coefficient k adds to each channel; 1/DFY_TREE_BASE_ONE */
    int16_t sh_base[DFY_TREE_REST][DFY_TREE_REST];
    int16_t sh_from_dc[DFY_TREE_REST][3]; /* prediction of coefficient k from those of the first colour */
} DfyTreeGrid;

/* Indices of one splat, in the order they are coded. */
typedef struct DfyTreeIndex {
    int32_t tail[3]; /* place within the coarse cell, in multiples: two a number */
    int32_t scale[3], alpha, dc[3];
    DfyTurn turn;
} DfyTreeIndex;

/* Values of one splat: what both sides know. Velocity is the last frame's motion. */
typedef struct DfyTreeSplat {
    int32_t place[3], velocity[3];  /* 1/256 of a grid step; velocity: the last correction of place */
    int32_t turn[4];                /* 1/DFY_TURN_ONE */
    int32_t scale[3], alpha, dc[3]; /* 1/65536 */
    int32_t dc_part[3];             /* dc under the transform, before the mean */
    uint8_t label;                  /* rigid motion it followed in the last frame, 0: none */
    uint8_t updates;                /* attributes the last frame corrected, a bit each */
    uint8_t dirty;                  /* attributes that changed since the last model was made of the state */
} DfyTreeSplat;

/* What frames before tell columns, see columns.h. */
typedef struct DfyTreePast {
    struct DfyTreeMean *means;
    int32_t *rest;                  /* means of the other colours, as DfyTreeState.rest */
    uint8_t (*back)[DFY_TREE_NEAR]; /* how far before each splat its neighbours are */
    struct DfyTreeModels *models;
    float (*off)[3];               /* encoder: what the means of positions were off by in the last frame */
    int32_t steps[DFY_TREE_KINDS]; /* encoder: of the last frame's columns, 0: there were none */
    int steady, went;              /* encoder: see DfyTreeColumns; and how far means went, as a shift */
    uint8_t *energy;               /* of each attribute and splat: how large its numbers were */
    uint32_t count;                /* splats that this is of; 0: there is none */
    uint8_t ages[DFY_TREE_KINDS];  /* frames in the means of each attribute; 0: there are no means */
    uint8_t pauses[DFY_TREE_KINDS], last_pauses[DFY_TREE_KINDS]; /* encoder: frames until means are tried again */
} DfyTreePast;

typedef struct DfyTreeState {
    DfyTreeGrid grid;
    uint32_t count, capacity;
    DfyTreeSplat *splats;
    int32_t *rest;  /* count x coefficients, 1/65536 */
    DfyMixer mixer; /* of inter frames: it learns from the key frame on */
    int mixer_open;
    DfyTreePast past;
} DfyTreeState;

static inline int dfy_tree_rest(const DfyTreeGrid *grid) {
    return dfy_splat_rest(grid->degree) * 3;
}

int dfy_tree_state_alloc(DfyTreeState *state, uint32_t count, DfyMessage *message);
void dfy_tree_state_free(DfyTreeState *state);
/* Without what inter frames learnt. *out must be empty. */
int dfy_tree_state_copy(DfyTreeState *out, const DfyTreeState *in, DfyMessage *message);
/* Makes the state what was copied of it; splats that become others are dirty. */
int dfy_tree_state_return(DfyTreeState *state, const DfyTreeState *copy, DfyMessage *message);

/* The header before a key frame's coded part. Reading checks every field. */
void dfy_tree_write_grid(const DfyTreeGrid *grid, DfyBuffer *buffer);
int dfy_tree_read_grid(DfyTreeGrid *grid, DfyBytes *bytes, DfyMessage *message);

/* Values from indices. */
void dfy_tree_dc(const DfyTreeGrid *grid, DfyTreeSplat *splat); /* dc from dc_part */
void dfy_tree_scale_values(const DfyTreeGrid *grid, const DfyTreeIndex *index, DfyTreeSplat *splat);
void dfy_tree_colour_values(const DfyTreeGrid *grid, const DfyTreeIndex *index, DfyTreeSplat *splat); /* alpha, dc */
/* After scales; ring is the cell's. */
void dfy_tree_turn_values(const DfyTreeGrid *grid, const DfyTreeIndex *index, const DfyTurnRing *ring,
                          DfyTreeSplat *splat);
/* Of all splats, whose first colours are known; sh[k * count + i] is a multiple of the step. */
void dfy_tree_rest_values(DfyTreeState *state, const int16_t *sh);
/* Adds to all splats' other colours: sh[k * count + i] multiples of a step. */
void dfy_tree_add_rest(DfyTreeState *state, const int16_t *sh, int32_t step);
/* A multiple of the trellis of positions, of which 7/4 are a step. */
static inline double dfy_tree_place_step(float step) {
    return (double)step * 4 / 7;
}
/* The range of alpha, which its step gives. */
void dfy_tree_alpha_range(DfyTreeGrid *grid);
/* What corrections in inter frames are multiples of: what rounding to them leaves is what a trellis with this step
 * does.
 */
static inline int32_t dfy_tree_unit(int32_t step) {
    return step + (int32_t)((int64_t)step * 23 >> 5);
}
/* The same for positions, in 1/256 of a grid step. */
enum { DFY_TREE_PLACE_UNIT = 251 };
/* The same for rotations, of the vector part of their quaternion in 1/DFY_TURN_ONE: half the angle. */
static inline int32_t dfy_tree_turn_unit(const DfyTreeGrid *grid) {
    return (int32_t)(1686629713LL * 55 / 32 / grid->turns.rings); /* pi / 2 */
}
/* Corrections of the last frame that a velocity is. */
static inline int32_t dfy_tree_steps_of(int32_t velocity) {
    int32_t unit = DFY_TREE_PLACE_UNIT;
    return (velocity + (velocity < 0 ? -unit / 2 : unit / 2)) / unit;
}
/* The axis whose direction a rotation is coded by: that of the smallest scale. */
int dfy_tree_axis(const DfyTreeSplat *splat);

/*
 * Brings *splats up to date: all of it when its size is another, else the splats that changed since the last call.
 * Splat i goes to to[i]; NULL: to i.
 */
int dfy_tree_to_frame(DfyTreeState *state, DfySplats *splats, const uint32_t *to, DfyMessage *message);

/*
 * Codes a key frame but for its header; splats are in the order of their keys. Encoding, state->grid, keys and indices
 * are set; decoding, they and the state are filled, but for the colours that dfy_tree_rest_values makes. transforms:
 * whether the colour transforms are coded too (they are not with the splats that an inter frame adds).
 */
int dfy_tree_code_body(DfyRangeCoder *coder, DfyTokens *tokens, DfyTreeState *state, uint64_t *keys,
                       DfyTreeIndex *indices, int16_t *sh, int transforms, DfyMessage *message);

/* ---------------------------------------------------------------- inter frames */

enum {
    DFY_TREE_MOTIONS = 15, /* rigid motions a frame can have */
    DFY_TREE_BLOCK = 32    /* splats under one flag that says whether anything happened */
};

/* place -> centre + turn (place - centre) + shift, where the centre is the mean of the splats that follow. */
typedef struct DfyTreeMotion {
    int precision;    /* bits of turn's fraction, 4..24 */
    int32_t turn[3];  /* vector part of the unit quaternion, 1/2^precision */
    int32_t shift[3]; /* 1/16 of a grid step */
} DfyTreeMotion;

/* What an inter frame does to one splat, in steps. */
typedef struct DfyTreeUpdate {
    int32_t place[3], turn[3], scale[3], alpha, dc[3];
    int16_t sh[DFY_TREE_REST];
    uint8_t updates;
} DfyTreeUpdate;

/* How far before each splat its nearest of the 40 splats before are, nearest first; ones that there aren't, of the
 * first few splats, are just before the first. */
void dfy_tree_neighbours(const DfyTreeState *state, uint8_t (*back)[DFY_TREE_NEAR]);

/* How positions that follow no motion are predicted: stay, go on as in the last frame, or as the one before them. */
enum { DFY_TREE_STAY, DFY_TREE_GO_ON, DFY_TREE_FOLLOW, DFY_TREE_GUESSES };

struct DfyTreeColumns;

typedef struct DfyTreeInter {
    DfyTokens *tokens;
    struct DfyTreeColumns *columns; /* used or not; decoding, NULL */
    int guess;
    DfyTreeMotion motions[DFY_TREE_MOTIONS];
    int motion_count;
    uint8_t *gone; /* a flag a splat of the state: removed */
    uint32_t removed;
    uint8_t *labels;        /* motion each splat of the state follows, after removal; 0: none */
    DfyTreeUpdate *updates; /* encoder: what is corrected of each */
    uint32_t added;
    uint64_t *added_keys; /* sorted */
    DfyTreeIndex *added_indices;
    int16_t *added_sh;
} DfyTreeInter;

/* The encoder's moment between labels and corrections: the state is moved, updates or columns are to be filled in. 0 or
 * a status. */
typedef int (*DfyTreePlan)(void *opaque, DfyTreeState *state, DfyTreeInter *inter, DfyMessage *message);

/*
 * An inter frame's syntax; the state becomes the new frame's. Encoding, *inter is set but for what plan fills in;
 * decoding, plan is NULL and *inter empty. dfy_tree_inter_free releases what either way allocated.
 */
int dfy_tree_code_inter(DfyRangeCoder *coder, DfyTreeState *state, DfyTreeInter *inter, DfyTreePlan plan, void *opaque,
                        DfyMessage *message);
void dfy_tree_inter_free(DfyTreeInter *inter);

#endif
