/*
 * Quality propagation: how much of each block's information later pictures take over, and so how much finer it, and
 * its picture, deserve to be quantised. The idea of x264's macroblock tree (Garrett-Glaser, "A novel macroblock-tree
 * algorithm for high-performance optimization of dependent video coding", 2009) on the group's own reference
 * structure.
 */
#ifndef DFY_VIDEO_PROPAGATE_H
#define DFY_VIDEO_PROPAGATE_H

#include "base/pool.h"
#include "video/syntax/group.h"

#define DFY_MAX_AHEAD (2 * DFY_MAX_GROUP)

typedef struct DfyPropagation DfyPropagation;

DfyPropagation *dfy_propagation_new(int width, int height);
void dfy_propagation_free(DfyPropagation *propagation);

/*
 * Looks at a group of `frames` source pictures after `anchor` (NULL at an entry), and `ahead` more of the next group
 * (0 at the end of the video); sources[0..frames + ahead).
 */
void dfy_propagate(DfyPropagation *propagation, DfyPool *pool, const DfyFrame *anchor, DfyFrame *const *sources,
                   int frames, int ahead);

/* Offset to the group's quantiser of the whole of frame `number` (1..frames); coarsest where nothing refers to it. */
int dfy_propagated_step(const DfyPropagation *propagation, int number);

/* Offset to the quantiser of the 32x32 square at (x, y) of frame `number` (1..frames) relative to the picture's mean.
 */
int dfy_propagated_offset(const DfyPropagation *propagation, int number, int x, int y);

#endif
