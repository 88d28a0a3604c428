/* What the encoder chooses of the filters in the loop: both look at the blocks that a filter applies to. */
#ifndef DFY_VIDEO_FILTER_SEARCH_H
#define DFY_VIDEO_FILTER_SEARCH_H

#include "video/syntax/alf.h"

/*
 * The strengths of the second filter, luma's and chroma's, by squared error; the picture's frame is deblocked and
 * extended.
 */
void dfy_choose_cdef(uint8_t strength[2], const DfyPictureCoding *picture, const DfyFrame *source);

/*
 * The adaptive filter that brings the picture's frame, otherwise finished and extended, nearest to `source` at its cost
 * in bits under the picture's models; or none.
 */
DfyAlf dfy_choose_alf(const DfyPictureCoding *picture, const DfyFrame *source);

#endif
