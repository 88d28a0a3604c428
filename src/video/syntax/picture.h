/*
 * One picture while it is coded: what its blocks know of each other, and the walker that reads or writes them.
 *
 * The picture is cut in superblocks of 64x64, each a quadtree of blocks down to 8x8. A block is skipped (merged motion,
 * no residual), inter or intra. Availability of neighbours follows from the coding order alone, so that reading,
 * writing and measuring see the same picture.
 */
#ifndef DFY_VIDEO_PICTURE_H
#define DFY_VIDEO_PICTURE_H

#include "dsp/kernels.h"
#include "video/syntax/contexts.h"
#include "video/syntax/frame.h"
#include "video/syntax/refinement.h"

#define DFY_SUPERBLOCK 64
#define DFY_SUPERBLOCK_COEFFICIENTS (64 * 64 * 3 / 2)
#define DFY_QUANT_GROUP_LOG2 5 /* blocks inside one of this size share a quantiser */
#define DFY_MAX_QP 63

typedef enum DfyBlockKind { DFY_SKIP = 0, DFY_INTER = 1, DFY_INTRA = 2 } DfyBlockKind;
typedef enum DfyPart { DFY_PART_WHOLE = 0, DFY_PART_ROWS = 1 /* upper and lower half */, DFY_PART_COLUMNS = 2 } DfyPart;

enum { DFY_PLANAR = 0, DFY_DC = 1, DFY_HORIZONTAL = 10, DFY_VERTICAL = 26, DFY_INTRA_MODES = 35 };

typedef struct DfyBlock {
    uint16_t x, y; /* luma pixels */
    uint8_t log2;  /* 3..6 */
    uint8_t kind, part;
    uint8_t merge[2]; /* a part: motion is a merge candidate's */
    uint8_t merge_index[2];
    uint8_t predictor[2][2]; /* a part and direction: which of two predictors the vector is coded against */
    DfyMotion motion[2];     /* a part */
    uint8_t intra[4];        /* luma mode; four when an 8x8 block is split in 4x4 */
    uint8_t intra_chroma;    /* 0: as luma, 1..4: planar, vertical, horizontal, DC */
    uint8_t split;           /* transforms of half the side */
    uint8_t coded[3];        /* a plane: bit i, transform i has coefficients */
    uint8_t dst;             /* bit i: luma transform i is a DST */
    uint8_t qp;
} DfyBlock;

/* What is known of 8x8 pixels of the picture once their block is coded. */
typedef struct DfyBlock8 {
    uint8_t kind, log2, qp;
    uint8_t edges;    /* bit 0: its left side, bit 1: its upper side is an edge of a transform or part */
    uint8_t coded;    /* its luma transform has coefficients */
    uint8_t filtered; /* the filter in the loop that is at work changes it */
} DfyBlock8;

typedef struct DfyPicture_ DfyPictureCoding;
struct DfyPicture_ {
    int width, height; /* coded size in luma pixels, multiples of 8 */
    int columns, rows; /* superblocks */
    int stride8;
    DfyBlock8 *blocks8;
    uint8_t *modes;   /* intra luma mode of each 4x4, DFY_DC where not intra; rows of 2 * cell_stride */
    uint8_t *touched; /* a superblock: its pixels are made anew, and not all a reference's; the filters look there */
    uint64_t *before; /* identities of the frame's tiles as they were when it was taken: what it still shows */
    DfyFrame *frame;  /* being made */
    const DfyFrame *references[DFY_MAX_REFERENCES];
    uint8_t long_term[DFY_MAX_REFERENCES];       /* long-term references: motion to them says nothing of speed */
    int32_t reference_order[DFY_MAX_REFERENCES]; /* places in time of the references, as frame->order */
    int reference_count;                         /* 0: an intra picture */
    DfyGlobalMotion global[2];                   /* of the whole picture against the first two references */
    int picture_class, model_class;              /* see dfy_set_class */
    int qp;                                      /* that quantiser groups start from */
    int variable_qp;                             /* quantiser groups carry differences */
    DfyContexts *contexts;
    const DfyKernels *kernels;
};

/*
 * Of the first two references, as far as they have a time: at how many the motion of a block's quarters differs or is
 * none, and at how many all of it stands still.
 */
typedef struct DfyPast {
    int busy, still;
} DfyPast;

/* Where the walker is: the pieces of state that follow the coding order. */
typedef struct DfyWalk {
    DfyPictureCoding *picture;
    DfyRangeCoder *coder;
    int qp;                /* of the quantiser group last coded */
    int qp_pending;        /* the current group has had no residual yet */
    const DfyBlock *next;  /* writing: blocks in coding order */
    DfyPast past;          /* of the block at hand */
    int16_t *coefficients; /* of the superblock, DFY_SUPERBLOCK_COEFFICIENTS */
    /* reading: what to do with each block once it is known; NULL when only parsing */
    void (*block_done)(struct DfyWalk *walk, const DfyBlock *block);
    void *context; /* for block_done */
    int failed;    /* reading: the bytes break a rule */
} DfyWalk;

/* 0: an anchor or plate, 1: one that others refer to, 2: the rest. Models know the last two as one. */
static inline void dfy_set_class(DfyPictureCoding *picture, int picture_class) {
    picture->picture_class = picture_class;
    picture->model_class = picture_class > 0;
}

int dfy_picture_coding_open(DfyPictureCoding *picture, int width, int height);
void dfy_picture_coding_close(DfyPictureCoding *picture);
/* Readies it for a picture into `frame`; references, class and qp are set by the caller. */
void dfy_picture_coding_begin(DfyPictureCoding *picture, DfyFrame *frame);

/* Whether a filter may change pixels of the superblock that the 8x8 block lies in. */
static inline int dfy_is_touched(const DfyPictureCoding *picture, int cx, int cy) {
    return picture->touched[(cy >> 3) * picture->columns + (cx >> 3)];
}

/* Reads or writes one superblock. What is read is noted in the picture; what is written was, when it was decided. */
void dfy_walk_superblock(DfyWalk *walk, int column, int row);

/* The pieces of the walk that an encoder measures alone. */
void dfy_walk_block(DfyWalk *walk, DfyBlock *block);
void dfy_code_split(const DfyPictureCoding *picture, DfyRangeCoder *coder, int x, int y, int log2, int *split);
/* shape: of the transform; those of halves have log2 of their longer side, and their levels lie. */
void dfy_code_residual(DfyRangeCoder *coder, DfyResidualContexts *contexts, int16_t *coefficients, int log2,
                       DfyPart shape);

/* Notes a block in the 8x8 blocks, modes and motion of the picture. */
void dfy_picture_note(DfyPictureCoding *picture, const DfyBlock *block);

/* Place of a 4x4 block inside its superblock along the coding order: the bits of x and y interleaved. */
extern const uint8_t dfy_spread[16];
static inline unsigned dfy_z_order(int x, int y) {
    return dfy_spread[x >> 2 & 15] | (unsigned)dfy_spread[y >> 2 & 15] << 1;
}

/* Whether the 8x8 block at (nx, ny) was coded before the block at (x, y); all luma pixels, any value. */
static inline int dfy_available(const DfyPictureCoding *picture, int x, int y, int nx, int ny) {
    if (nx < 0 || ny < 0 || nx >= picture->width || ny >= picture->height) return 0;
    int sx = x >> 6, sy = y >> 6, nsx = nx >> 6, nsy = ny >> 6;
    if (sx == nsx && sy == nsy) return dfy_z_order(nx, ny) < dfy_z_order(x, y);
    /* One superblock beyond the right end of the row above is the farthest that rows coded side by side can see. */
    return nsy < sy ? nsx <= sx + 1 : nsy == sy && nsx < sx;
}

/* Offset in a superblock's coefficients of the transform at luma position (x, y). */
static inline int dfy_coefficient_offset(int x, int y, int plane) {
    int luma = (int)dfy_z_order(x, y) * 16;
    return plane == 0 ? luma : 4096 + (plane - 1) * 1024 + luma / 4;
}

/* Rectangle of part i of a block: x, y, width, height in luma pixels. */
void dfy_part_rectangle(const DfyBlock *block, int part, int rectangle[4]);
static inline int dfy_part_count(const DfyBlock *block) {
    return block->part == DFY_PART_WHOLE ? 1 : 2;
}

/* Whether any transform of the block has coefficients. */
static inline int dfy_any_coded(const DfyBlock *block) {
    return block->coded[0] || block->coded[1] || block->coded[2];
}

/* What the references say of the place of a block. */
DfyPast dfy_past(const DfyPictureCoding *picture, int x, int y, int log2);

static inline int dfy_stands_still(const DfyMotion *motion) {
    return !motion->global && !motion->mv[0][0] && !motion->mv[0][1] &&
           (motion->reference[1] < 0 || (!motion->mv[1][0] && !motion->mv[1][1]));
}

/* Whether the block is a copy that no filter may change: what is still is to stay the same to the bit. */
static inline int dfy_is_still(int kind, const DfyMotion *motion) {
    return kind == DFY_SKIP && dfy_stands_still(motion);
}

/* Whether the picture has a model of global motion for every reference that the motion uses. */
int dfy_has_global(const DfyPictureCoding *picture, const DfyMotion *motion);
/* Motion that follows global motion, as it is at the middle of a rectangle. */
void dfy_follow_global(const DfyPictureCoding *picture, const int rectangle[4], DfyMotion *motion);
/* What a model is told against, from the references' and from that against the first reference; no kind: nothing. */
DfyGlobalMotion dfy_guess_global_motion(const DfyPictureCoding *picture, int reference);
/* What the header says of global motion, once the references and the frame's place in time are set; and of one model.
 */
void dfy_code_global_motion(DfyRangeCoder *coder, DfyContexts *contexts, DfyPictureCoding *picture);
void dfy_code_global_model(DfyRangeCoder *coder, DfyContexts *contexts, DfyPictureCoding *picture, int reference);

/* Neighbour consensus: how many of the neighbours that have motion have that of the first candidate. */
typedef enum DfyConsensus {
    DFY_NO_NEIGHBOURS = 0,
    DFY_ALL_AGREE = 1,
    DFY_HALF_AGREE = 2,
    DFY_FEW_AGREE = 3
} DfyConsensus;

/* Motion candidates, best guess first. Merge: as many as `limit` (at least 1), returns how many. */
int dfy_merge_candidates(const DfyPictureCoding *picture, const DfyBlock *block, int part,
                         DfyMotion candidates[DFY_MERGE_CANDIDATES], int limit, DfyConsensus *consensus);
/* Two vector predictors for a reference. */
void dfy_vector_predictors(const DfyPictureCoding *picture, const DfyBlock *block, int part, int reference,
                           int16_t predictors[2][2]);

/* The most probable luma modes of the 4x4 block at (x, y), all different. */
void dfy_most_probable_modes(const DfyPictureCoding *picture, int x, int y, uint8_t probable[DFY_MOST_PROBABLE_MODES]);
int dfy_chroma_mode(const DfyBlock *block); /* the mode chroma is predicted with */

/* ---- pixels ---- */

int dfy_chroma_qp(int qp);
/* What a level stands for, in 1/2^(log2 - 1) of a coefficient. */
int dfy_quantiser_step(int qp);
/* Inter prediction of part of the block into three planes laid out like a frame's (dst at the block's place). */
void dfy_predict_part(const DfyPictureCoding *picture, const DfyBlock *block, int part, uint8_t *const dst[3],
                      const ptrdiff_t stride[3]);
/* Whether luma is predicted by bi-directional optical flow: between two pictures of equal distance before and behind.
 */
int dfy_uses_bdof(const DfyPictureCoding *picture, const DfyMotion *motion);
/*
 * One plane of a part, luma first. refinement: merged motion; luma's vectors are refined where optical flow is used,
 * and it is set; chroma follows what it says. NULL: motion of its own, which is used as it is.
 */
void dfy_predict_exactly(const DfyPictureCoding *picture, const DfyMotion *motion, int plane, const int rectangle[4],
                         uint8_t *dst, ptrdiff_t stride, DfyRefinement *refinement);
/* The same for any rectangle and without refinement and optical flow, nearly as good for less time: what motion search
 * looks at. */
void dfy_predict_rectangle(const DfyPictureCoding *picture, const DfyMotion *motion, int plane, const int rectangle[4],
                           uint8_t *dst, ptrdiff_t stride);
/*
 * Pixels round a block: `side` below left going up, `side` left, the corner, `side` above, `side` above right; plain,
 * and smoothed where a luma mode wants that.
 */
typedef struct DfyIntraBorder {
    uint8_t plain[4 * 32 + 16], smooth[4 * 32 + 16];
} DfyIntraBorder;

/* x and y in pixels of the plane. */
void dfy_intra_border(const DfyPictureCoding *picture, int plane, int x, int y, int log2, DfyIntraBorder *border);
void dfy_predict_mode(const DfyKernels *kernels, const DfyIntraBorder *border, int plane, int log2, int mode,
                      uint8_t *dst, ptrdiff_t stride);
/*
 * Luma of half i of an intra block: what a square as long as it would be predicted as, cut; all of the first half is
 * known to the second.
 */
void dfy_predict_half(const DfyPictureCoding *picture, const DfyBlock *block, int i, int mode, uint8_t *dst,
                      ptrdiff_t stride);
/* Both in one: intra prediction of a transform block. */
void dfy_predict_intra(const DfyPictureCoding *picture, int plane, int x, int y, int log2, int mode, uint8_t *dst,
                       ptrdiff_t stride);
/* Adds the residual of one transform to dst. */
void dfy_add_residual(const DfyPictureCoding *picture, uint8_t *dst, ptrdiff_t stride, const int16_t *levels, int log2,
                      DfyPart shape, int qp, DfyTransformKind kind);
/* The residual of one transform, in rows of its own width; halves are DCTs. */
void dfy_residual_of(const DfyKernels *kernels, int16_t *residual, const int16_t *levels, int log2, DfyPart shape,
                     int qp, DfyTransformKind kind);
/* Prediction and residual of a block into the frame. */
void dfy_reconstruct_block(const DfyPictureCoding *picture, const DfyBlock *block, const int16_t *coefficients);
/* Number of transforms and their log2 for a plane of a block. */
int dfy_transforms(const DfyBlock *block, int plane, int *log2);
/* Whether the transforms of a plane of a block may be either kind; else they are DCTs. */
static inline int dfy_transform_has_kinds(const DfyBlock *block, int plane, int log2) {
    return block->kind == DFY_INTRA && plane == 0 && log2 <= 4 && block->part == DFY_PART_WHOLE;
}
/*
 * The halves of a block have a transform each, twice as long as wide, unless it is split in squares, and but for chroma
 * of intra blocks: which half of the square with the log2 of dfy_transforms.
 */
static inline DfyPart dfy_transform_shape(const DfyBlock *block, int plane) {
    return block->split || (plane && block->kind == DFY_INTRA) ? DFY_PART_WHOLE : (DfyPart)block->part;
}
static inline int dfy_shape_width(int log2, DfyPart shape) {
    return 1 << (log2 - (shape == DFY_PART_COLUMNS));
}
static inline int dfy_shape_height(int log2, DfyPart shape) {
    return 1 << (log2 - (shape == DFY_PART_ROWS));
}
/* Luma place of transform i of a block. */
static inline void dfy_transform_place(const DfyBlock *block, int i, int *x, int *y) {
    int half = 1 << (block->log2 - 1);
    if (dfy_transform_shape(block, 0) == DFY_PART_ROWS) i *= 2;
    *x = block->x + (i & 1) * half;
    *y = block->y + (i >> 1) * half;
}
/* Offset of its levels in the superblock's coefficients: those of an upright half are transposed. */
static inline int dfy_transform_offset(const DfyBlock *block, int i, int plane) {
    int half = 1 << (block->log2 - 1);
    if (dfy_transform_shape(block, 0)) i *= 2;
    return dfy_coefficient_offset(block->x + (i & 1) * half, block->y + (i >> 1) * half, plane);
}

/*
 * What superblock `tile` is known to be, as far as that block says: the identity of a reference's tile that it copies,
 * 0 where it is none.
 */
uint64_t dfy_still_tile(const DfyPictureCoding *picture, const DfyBlock *block, int tile);
/* Says of a superblock all blocks of which are known that it is such a tile, or (0) made anew. */
void dfy_note_tile(DfyPictureCoding *picture, int tile, uint64_t identity);
/*
 * Extends the picture so far, where the frame's pixels have changed since it was taken. DFY_FRAME_NEAR is as far as the
 * second and the third filter look, before each of them; the first looks at no border.
 */
void dfy_extend_changed(const DfyPictureCoding *picture, int border);

/* Filters the edges of a finished picture. */
void dfy_deblock(const DfyPictureCoding *picture);

#define DFY_CDEF_STRENGTHS 8 /* 0: off */

/*
 * The second filter, on a deblocked picture that is extended near; strengths of luma and chroma. scratch is a frame of
 * the same size.
 */
void dfy_cdef(const DfyPictureCoding *picture, const uint8_t strength[2], DfyFrame *scratch);

/* ---- its parts, for whoever chooses the strengths ---- */

typedef struct DfyDirection {
    int index; /* of the strongest edge: 0..7, from 45 degrees upward clockwise in steps of 22.5 */
    uint32_t variance;
} DfyDirection;

/* Whether the 8x8 block of that column and row is filtered. */
int dfy_cdef_applies(const DfyPictureCoding *picture, int cx, int cy);
DfyDirection dfy_cdef_direction(const DfyPictureCoding *picture, const DfyFrame *source, int cx, int cy);
/* The block of a plane, filtered into dst. */
void dfy_cdef_block(const DfyPictureCoding *picture, int plane, int cx, int cy, int strength, const DfyFrame *source,
                    const DfyDirection *direction, uint8_t *dst, ptrdiff_t stride);

#endif
