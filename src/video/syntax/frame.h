/*
 * Decoded pictures as the codec keeps them: planar 4:2:0 with a border that motion may point into, and the motion
 * they were made with, which predicts the motion of pictures that refer to them.
 */
#ifndef DFY_VIDEO_FRAME_H
#define DFY_VIDEO_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "base/pages.h"
#include "dsp/kernels.h"

#define DFY_MAX_REFERENCES 4 /* of one picture */
#define DFY_FRAME_BORDER 80  /* luma pixels round the picture: a 64-pixel block, 8 filter taps, alignment */
#define DFY_FRAME_NEAR 8     /* of them, those that filters in the loop look at: 3, in chroma as well */

typedef struct DfyPlane {
    uint8_t *pixels; /* the top left pixel of the picture, inside the border */
    ptrdiff_t stride;
    int width, height; /* coded size: luma a multiple of 8 */
} DfyPlane;

/* How a block is predicted from other pictures; mv in quarters of a luma pixel, x then y. */
typedef struct DfyMotion {
    int16_t mv[2][2];
    int8_t reference[2]; /* index into the picture's references, -1: none; both -1: intra */
    uint8_t global; /* it follows the picture's global motion; mv is then that at the middle, to the nearest quarter */
    uint8_t zero;   /* no padding: motion is compared as bytes */
} DfyMotion;

#define DFY_GLOBAL_PARAMETERS 8

/* How a picture moved against a reference as a whole; see global_motion.h. */
typedef struct DfyGlobalMotion {
    int16_t kind;
    /* Shift x y; what x adds to the vector's x, y to its x, x to its y, y to its y; perspective by x and y: sixteenths
     * of a pixel at the reach. */
    int16_t parameter[DFY_GLOBAL_PARAMETERS];
} DfyGlobalMotion;

typedef struct DfyFrame {
    DfyPlane plane[3];
    DfyPages pages;     /* that the planes lie in, with their borders */
    size_t pages_bytes; /* of them */
    uint64_t *tiles;    /* identities of the pixels of its 64x64 blocks, row by row; 0: unknown. See tiles.h */
    int tile_columns, tile_rows;
    DfyMotion *motion; /* one an 8x8 block, rows of motion_stride */
    int motion_stride;
    uint8_t *origins;         /* where each 8x8 block came from, rows of motion_stride; NULL but in a decoder */
    int8_t alf[DFY_ALF_TAPS]; /* weights that the filters of pictures which refer to it go on from */
    int32_t order;            /* place in time when it was coded, in coded frames since the random access point */
    int32_t reference_order[DFY_MAX_REFERENCES]; /* places in time of what motion refers to */
    uint8_t reference_long_term[DFY_MAX_REFERENCES];
    DfyGlobalMotion global[2];   /* against the first two references */
    struct DfyCodedState *state; /* what coding it has left for those that build on it; NULL in sources */
    int users;                   /* those that hold it; its owner counts them */
    struct DfyPyramid *pyramid;  /* of a source, one allocation: see encode/lookahead/pyramid.h; else NULL */
} DfyFrame;

/* Coded sizes: the picture's rounded up to whole 8x8 blocks. */
static inline int dfy_coded_size(int pixels) {
    return (pixels + 7) & ~7;
}

/* A frame for pictures of that size in pixels; NULL when there is no memory. */
DfyFrame *dfy_frame_new(int width, int height);
void dfy_frame_free(DfyFrame *frame);

/* Repeats the outermost pixels into the border, for pictures that refer to it; call when the picture is done. */
void dfy_frame_extend(DfyFrame *frame);
/* All pixels and identities of tiles. */
void dfy_frame_copy(DfyFrame *dst, const DfyFrame *src);
/* Whether the coded pixels of two frames of one size are equal. */
int dfy_frame_same(const DfyFrame *a, const DfyFrame *b);

#endif
