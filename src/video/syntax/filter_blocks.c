#include "video/syntax/filter_blocks.h"

#include "dsp/copy.h"

static void filter_row(const DfyBlockFilter *filter, const DfyPictureCoding *picture, DfyFrame *scratch, int cy) {
    DfyBlock8 *blocks8 = picture->blocks8 + cy * picture->stride8;
    for (int cx = 0; cx < picture->width / 8; cx++) {
        if (!dfy_is_touched(picture, cx, cy)) {
            cx |= 7;
            continue;
        }
        blocks8[cx].filtered = (uint8_t)filter->applies(picture, cx, cy);
        if (blocks8[cx].filtered) filter->block(filter, picture, scratch, cx, cy);
    }
}

static void put_plane(const DfyPictureCoding *picture, const DfyFrame *scratch, int plane, int cy) {
    const DfyBlock8 *blocks8 = picture->blocks8 + cy * picture->stride8;
    const DfyPlane *to = &picture->frame->plane[plane];
    int side = plane ? 4 : 8, columns = picture->width / 8;
    ptrdiff_t row = cy * side * to->stride; /* both frames are laid out alike */
    for (int cx = 0; cx < columns; cx++) {
        int first = cx;
        if (!dfy_is_touched(picture, cx, cy)) {
            cx |= 7;
            continue;
        }
        while (cx < columns && dfy_is_touched(picture, cx, cy) && blocks8[cx].filtered) cx++;
        if (cx > first)
            dfy_copy_block(to->pixels + row + first * side, to->stride,
                           scratch->plane[plane].pixels + row + first * side, to->stride, (cx - first) * side, side);
    }
}

static void put_row(const DfyBlockFilter *filter, const DfyPictureCoding *picture, const DfyFrame *scratch, int cy) {
    for (int plane = 0; plane < 3; plane++)
        if (plane ? filter->chroma : filter->luma) put_plane(picture, scratch, plane, cy);
}

void dfy_filter_blocks(const DfyBlockFilter *filter, const DfyPictureCoding *picture, DfyFrame *scratch) {
    int rows = picture->height / 8;
    for (int cy = 0; cy < rows; cy++) {
        filter_row(filter, picture, scratch, cy);
        if (cy) put_row(filter, picture, scratch, cy - 1); /* nobody looks at it as it was any more */
    }
    put_row(filter, picture, scratch, rows - 1);
}
