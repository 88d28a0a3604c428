/* Whether a reference is better under another light. */
#ifndef DFY_VIDEO_LIGHTING_H
#define DFY_VIDEO_LIGHTING_H

#include "video/syntax/light.h"

/* The light under which `reference` resembles what stands still in `source`; none where it saves less than `bits`. */
DfyLight dfy_find_light(const DfyFrame *source, const DfyFrame *reference, uint32_t lambda, uint32_t bits);

#endif
