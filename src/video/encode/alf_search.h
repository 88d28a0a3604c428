/* Chooses the weights of the adaptive loop filter. */
#ifndef DFY_VIDEO_ALF_SEARCH_H
#define DFY_VIDEO_ALF_SEARCH_H

#include "video/syntax/alf.h"

/*
 * The filter that brings the picture's frame, otherwise finished and extended, nearest to `source` at its cost in bits
 * under the picture's models; or none.
 */
DfyAlf dfy_choose_alf(const DfyPictureCoding *picture, const DfyFrame *source);

#endif
