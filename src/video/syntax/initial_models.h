/*
 * What the models of a run of pictures begin with: small files are mostly the beginning, and a first picture's
 * decisions are made by these models too. In the order of DfyContexts a byte a model: 0 and a byte n mean n + 1 models
 * that say a half and learn as fast as can be; v from 1 to 248 means that it says place (v - 1) % 31 of a scale, and is
 * as sure of it as after as many uses as place (v - 1) / 31 of another scale says.
 */
#ifndef DFY_VIDEO_INITIAL_MODELS_H
#define DFY_VIDEO_INITIAL_MODELS_H

#include "entropy/range.h"

#define DFY_INITIAL_MODELS 5085 /* how many the bytes stand for */

#define DFY_INITIAL_VALUES 248

extern const uint8_t dfy_initial_models[];

/* The model that a value of 0 (as new as can be) to DFY_INITIAL_VALUES means. */
DfyBit dfy_initial_model(int value);

#endif
