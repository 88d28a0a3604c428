/*
 * Global motion: how the whole picture moved against a reference when the camera moved, as a model of few parameters in
 * the picture's header (as in the AV1 specification, 5.9.24, and the sprites of MPEG-4 part 2). A block that follows it
 * is predicted in 8x8 squares, each with the model's vector at its centre in sixteenths of a pixel.
 */
#ifndef DFY_VIDEO_GLOBAL_MOTION_H
#define DFY_VIDEO_GLOBAL_MOTION_H

#include "entropy/range.h"
#include "video/syntax/frame.h"

/* What a model can do; each kind has the parameters of those before it. */
typedef enum DfyGlobalKind {
    DFY_GLOBAL_NONE = 0, /* no model: what does not move stands still */
    DFY_GLOBAL_SHIFT = 1,
    DFY_GLOBAL_AFFINE = 2,
    DFY_GLOBAL_PERSPECTIVE = 3
} DfyGlobalKind;

typedef struct DfyGlobalContexts {
    DfyBit used[2][2];    /* class; reference */
    DfyBit guessed[2][2]; /* class; reference */
    DfyBit kind[2];       /* unary beyond a shift */
    DfyBit size[2][DFY_GLOBAL_PARAMETERS][64],
        negative[2][DFY_GLOBAL_PARAMETERS]; /* predicted by the other reference? */
} DfyGlobalContexts;

/* The model's vector at a place of a picture of that size (luma pixels), in sixteenths of a luma pixel. */
void dfy_global_vector(const DfyGlobalMotion *model, int width, int height, int x, int y, int vector[2]);

/* Number of parameters of a kind. */
static inline int dfy_global_parameters(int kind) {
    return kind == DFY_GLOBAL_NONE ? 0 : kind == DFY_GLOBAL_SHIFT ? 2 : kind == DFY_GLOBAL_AFFINE ? 6 : 8;
}

/* log2 of the distance from the centre at which slopes are told. */
int dfy_global_reach(int width, int height);

#endif
