/*
 * Temporal filtering of anchors: many pictures are predicted from an anchor, so it had better hold the scene than one
 * frame's noise. Each pixel becomes a weighted mean of the frame's own and its neighbours' in time, moved by the motion
 * found for 16x16 blocks. After Wennersten et al., "Encoder-only GOP-based temporal filter" (JCTVC-AI0023, 2018).
 */
#ifndef DFY_VIDEO_MCTF_H
#define DFY_VIDEO_MCTF_H

#include "base/pool.h"
#include "video/encode/decide/motion_search.h"

#define DFY_MCTF_REACH 4 /* neighbours on either side */

/*
 * Fills out (of the same size) from `sources[number]`, number in 0..count-1, for coding with quantiser qp, looking at
 * `reach` (1..DFY_MCTF_REACH) neighbours on either side. The borders
 * of the sources near it are written to. Returns 0 when there is nothing to filter with, and out is not written.
 */
int dfy_mctf(DfyPool *pool, DfyFrame *out, DfyFrame *const *sources, int number, int count, int qp, int reach);

#endif
