/* How the blocks of a lossless picture moved since the picture before. */
#ifndef DFY_VIDEO_LOSSLESS_SEARCH_H
#define DFY_VIDEO_LOSSLESS_SEARCH_H

#include "video/syntax/lossless.h"

/* Fills blocks (columns * rows of them); effort 1..9 as in the settings. */
void dfy_lossless_search(const DfyLossless *lossless, const DfyFrame *source, int width, int height, int effort,
                         DfyLosslessBlock *blocks);

#endif
