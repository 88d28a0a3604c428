/* How the filters in the loop that look round an 8x8 block change a picture: a row of blocks late. */
#ifndef DFY_VIDEO_FILTER_BLOCKS_H
#define DFY_VIDEO_FILTER_BLOCKS_H

#include "video/syntax/picture.h"

typedef struct DfyBlockFilter {
    int (*applies)(const DfyPictureCoding *picture, int cx, int cy);
    /* Puts the block of that column and row into `out`, at the same place, the frame being as it was. */
    void (*block)(const struct DfyBlockFilter *filter, const DfyPictureCoding *picture, DfyFrame *out, int cx, int cy);
    const void *settings;
    int luma, chroma; /* planes that it changes */
} DfyBlockFilter;

/* Blocks look at most 3 pixels beyond themselves, in every plane: see dfy_extend_changed. */
void dfy_filter_blocks(const DfyBlockFilter *filter, const DfyPictureCoding *picture, DfyFrame *scratch);

#endif
