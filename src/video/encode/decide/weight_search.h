/* Whether a reference is better weighted. */
#ifndef DFY_VIDEO_WEIGHT_SEARCH_H
#define DFY_VIDEO_WEIGHT_SEARCH_H

#include "video/syntax/weighted_prediction.h"

/* The weight with which `reference` resembles what stands still in `source`; none where it saves less than `bits`. */
DfyWeight dfy_find_weight(const DfyFrame *source, const DfyFrame *reference, uint32_t lambda, uint32_t bits);

#endif
