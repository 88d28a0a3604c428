/* How the squares of a lossless picture moved since the picture before. */
#ifndef DFY_VIDEO_LOSSLESS_SEARCH_H
#define DFY_VIDEO_LOSSLESS_SEARCH_H

#include "video/lossless.h"

/* Fills squares (columns * rows of them); effort 1..9 as in the settings. */
void dfy_lossless_search(const DfyLossless *lossless, const DfyFrame *source, int width, int height, int effort,
                         DfySquare *squares);

#endif
