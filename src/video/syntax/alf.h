/*
 * The third filter in the loop: an adaptive one for luma, symmetric about each pixel, whose weights the encoder fits so
 * that they bring the picture nearest to its source (Tsai et al., "Adaptive loop filtering for video coding", 2013;
 * Rec. H.266, 8.8.5). One filter a picture, for the 8x8 blocks that were coded anew or moved; weights go on from those
 * of a picture that it refers to.
 */
#ifndef DFY_VIDEO_ALF_H
#define DFY_VIDEO_ALF_H

#include "video/syntax/picture.h"

#define DFY_ALF_MOST 63 /* magnitude of a weight */

typedef struct DfyAlf {
    uint8_t on;
    uint8_t from; /* which of the first two references the weights go on from */
    int8_t weights[DFY_ALF_TAPS];
} DfyAlf;

/* Codes it for `picture`, whose references are set: from 0 where there are none. */
void dfy_code_alf(DfyRangeCoder *coder, DfyContexts *contexts, const DfyPictureCoding *picture, DfyAlf *alf);

/* The weights that `from` stands for. */
const int8_t *dfy_alf_origin(const DfyPictureCoding *picture, int from);

/* Notes in a frame of the picture what others go on from: its weights, or without a filter those of its origin. */
void dfy_note_alf(DfyFrame *frame, const DfyPictureCoding *picture, const DfyAlf *alf);

/* Whether the 8x8 block of that column and row is filtered. */
int dfy_alf_applies(const DfyPictureCoding *picture, int cx, int cy);

/* Filters a picture whose frame is extended near. scratch is a frame of the same size. */
void dfy_alf(const DfyPictureCoding *picture, const DfyAlf *alf, DfyFrame *scratch);

#endif
