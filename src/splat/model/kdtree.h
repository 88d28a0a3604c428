/* A k-d tree over points in space: nearest neighbours, the same ones on every machine. */
#ifndef DFY_SPLAT_KDTREE_H
#define DFY_SPLAT_KDTREE_H

#include "base/status.h"
#include "diffy/splat.h"

typedef struct DfyKdTree {
    const float *xyz;
    uint32_t count;
    uint32_t *points; /* in the tree's order: the middle one of a range splits it */
    uint8_t *axes;    /* of the point at each place */
} DfyKdTree;

/* The points stay the caller's and must outlive the tree. */
int dfy_kdtree_build(DfyKdTree *tree, const float *xyz, uint32_t count, DfyMessage *message);
void dfy_kdtree_free(DfyKdTree *tree);

typedef struct DfyNeighbour {
    double distance; /* squared */
    uint32_t point;
} DfyNeighbour;

/* The `wanted` nearest points to `at`, nearest first (ties by number); returns how many there are. */
int dfy_kdtree_nearest(const DfyKdTree *tree, const float at[3], int wanted, DfyNeighbour *found);

/*
 * Pairs two models' splats one to one by likeness of place and attributes: (*order)[j] is the reference's splat for
 * splat j of the other, UINT32_MAX when it has none. The caller frees *order. Pairs less alike than `limit` are not
 * made; 1 is a quarter of the usual distance between neighbours, and INFINITY pairs whatever is left in the end.
 */
int dfy_splats_match(const DfySplats *reference, const DfySplats *other, double limit, uint32_t **order,
                     DfyMessage *message);

#endif
