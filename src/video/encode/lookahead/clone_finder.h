/*
 * Finds stretches of film that repeat what was coded before, so closely that the earlier frames may be shown in their
 * place, at a speed of their own. Frames are compared by means: of 64 x 36 cells of luma and 32 x 18 of each chroma
 * (fewer, of at least 8 x 8 pixels, in small pictures). A frame may take the place of another when
 *
 *  - the mean difference of their luma cells is at most `distance` levels, and
 *  - no cell differs by more than DFY_CLONE_CELL times that from what it shows there or a frame before or behind: what
 *    moves is not in the same place to the pixel, but what was never there is found out, however small its share.
 *
 * The signatures of the last DFY_CLONE_HISTORY coded frames are kept, at most 15 MB. Integers only: the same stretches
 * are found on every machine.
 */
#ifndef DFY_VIDEO_CLONE_FINDER_H
#define DFY_VIDEO_CLONE_FINDER_H

#include "video/syntax/frame.h"

#define DFY_CLONE_CELL 8
#define DFY_CLONE_HISTORY 4096
#define DFY_CLONE_MOST_STEP 3 /* frames that one frame may go on in what it repeats */

typedef struct DfyCloneFinder DfyCloneFinder;

/* least: frames that a stretch has, at most DFY_CLONE_LONGEST_LEAST. NULL when there is no memory. */
#define DFY_CLONE_LONGEST_LEAST 48
DfyCloneFinder *dfy_clone_finder_new(int width, int height, double distance, int least);
void dfy_clone_finder_free(DfyCloneFinder *finder);

/*
 * Looks at the next frame, which has a pyramid. *found: how many of the latest frames, this one among them, have
 * turned out to be clones now; after 0 it is not known yet. 0 or DFY_ERROR_MEMORY.
 */
int dfy_clone_finder_look(DfyCloneFinder *finder, const DfyFrame *frame, int *found);

/* How many of the latest frames may still turn out to be clones. */
int dfy_clone_finder_undecided(const DfyCloneFinder *finder);

/* The first frames that were looked at and are neither coded nor clones were coded, in so many bytes. */
int dfy_clone_finder_coded(DfyCloneFinder *finder, int frames, uint64_t bytes);

/* The sources of the clones found since the last call, *count many; valid until the next frame is looked at. */
const uint64_t *dfy_clone_finder_sources(DfyCloneFinder *finder, uint64_t *count);

#endif
