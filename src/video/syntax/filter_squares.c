#include "video/syntax/filter_squares.h"

#include "dsp/copy.h"

static void filter_row(const DfySquareFilter *filter, const DfyPictureCoding *picture, DfyFrame *scratch, int cy) {
    DfyCell *cells = picture->cells + cy * picture->cell_stride;
    for (int cx = 0; cx < picture->width / 8; cx++) {
        cells[cx].filtered = (uint8_t)filter->applies(picture, cx, cy);
        if (cells[cx].filtered) filter->square(filter, picture, scratch, cx, cy);
    }
}

static void put_plane(const DfyPictureCoding *picture, const DfyFrame *scratch, int plane, int cy) {
    const DfyCell *cells = picture->cells + cy * picture->cell_stride;
    const DfyPlane *to = &picture->frame->plane[plane];
    int side = plane ? 4 : 8, columns = picture->width / 8;
    ptrdiff_t row = cy * side * to->stride; /* both frames are laid out alike */
    for (int cx = 0; cx < columns; cx++) {
        int first = cx;
        while (cx < columns && cells[cx].filtered) cx++;
        if (cx > first)
            dfy_copy_block(to->pixels + row + first * side, to->stride,
                           scratch->plane[plane].pixels + row + first * side, to->stride, (cx - first) * side, side);
    }
}

static void put_row(const DfySquareFilter *filter, const DfyPictureCoding *picture, const DfyFrame *scratch, int cy) {
    for (int plane = 0; plane < 3; plane++)
        if (plane ? filter->chroma : filter->luma) put_plane(picture, scratch, plane, cy);
}

void dfy_filter_squares(const DfySquareFilter *filter, const DfyPictureCoding *picture, DfyFrame *scratch) {
    int rows = picture->height / 8;
    for (int cy = 0; cy < rows; cy++) {
        filter_row(filter, picture, scratch, cy);
        if (cy) put_row(filter, picture, scratch, cy - 1); /* nobody looks at it as it was any more */
    }
    put_row(filter, picture, scratch, rows - 1);
}
