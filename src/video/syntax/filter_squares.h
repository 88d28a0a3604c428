/* How the filters in the loop that look round an 8x8 square change a picture: a row of squares late. */
#ifndef DFY_VIDEO_FILTER_SQUARES_H
#define DFY_VIDEO_FILTER_SQUARES_H

#include "video/syntax/picture.h"

typedef struct DfySquareFilter {
    int (*applies)(const DfyPictureCoding *picture, int cx, int cy);
    /* Puts the square of that column and row into `out`, at the same place, the frame being as it was. */
    void (*square)(const struct DfySquareFilter *filter, const DfyPictureCoding *picture, DfyFrame *out, int cx,
                   int cy);
    const void *settings;
    int luma, chroma; /* planes that it changes */
} DfySquareFilter;

/* Squares look at most 3 pixels beyond themselves, in every plane: see dfy_frame_extend_near. */
void dfy_filter_squares(const DfySquareFilter *filter, const DfyPictureCoding *picture, DfyFrame *scratch);

#endif
