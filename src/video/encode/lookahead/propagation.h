/*
 * Quality propagation: how much of each block's information later pictures take over, and so how much finer it, and
 * its picture, deserve to be quantised. The idea of x264's macroblock tree (Garrett-Glaser, "A novel macroblock-tree
 * algorithm for high-performance optimization of dependent video coding", 2009) on the group's own reference
 * structure.
 */
#ifndef DFY_VIDEO_PROPAGATION_H
#define DFY_VIDEO_PROPAGATION_H

#include "base/pool.h"
#include "video/syntax/mini_group.h"

#define DFY_MAX_AHEAD (2 * DFY_MAX_MINI_GROUP)

typedef struct DfyPropagation DfyPropagation;

DfyPropagation *dfy_propagation_new(int width, int height);
void dfy_propagation_free(DfyPropagation *propagation);

/*
 * Looks at a group of `frames` source pictures after `anchor` (NULL at an access point), and `ahead` more of the next
 * group (0 at the end of the video); sources[0..frames + ahead). layers: as of dfy_mini_group_order_pictures; where
 * they are limited, anchors take nothing from each other.
 */
void dfy_propagate(DfyPropagation *propagation, DfyPool *pool, const DfyFrame *anchor, DfyFrame *const *sources,
                   int frames, int ahead, int layers);

/*
 * How much of `source` would have to be coded anew after `past`, of what it takes alone: 0 nothing, 1 all of it. qp: of
 * the group.
 */
float dfy_newness(DfyPropagation *propagation, DfyPool *pool, const DfyFrame *source, const DfyFrame *past, int qp);

/* Offset to the group's quantiser of the whole of frame `number` (1..frames); coarsest where nothing refers to it. */
int dfy_propagated_step(const DfyPropagation *propagation, int number);

/* Offset to the quantiser of the 32x32 block at (x, y) of frame `number` (1..frames) relative to the picture's mean.
 */
int dfy_propagated_offset(const DfyPropagation *propagation, int number, int x, int y);

/*
 * Where the 16x16 square at (x, y) of frame `number` was found in the picture before (direction 0) or behind it (1)
 * that encloses it, in whole pixels. Returns how much better than from itself it is predicted from there; 0: not at
 * all.
 */
uint32_t dfy_propagated_vector(const DfyPropagation *propagation, int number, int direction, int x, int y,
                               int16_t vector[2]);

#endif
