/* The picture's cells, and what follows from the coding order. */
#include "video/syntax/picture.h"

#include "diffy.h"

#include <stdlib.h>
#include <string.h>

int dfy_picture_coding_open(DfyPictureCoding *picture, int width, int height) {
    memset(picture, 0, sizeof *picture);
    picture->width = dfy_coded_size(width);
    picture->height = dfy_coded_size(height);
    picture->columns = (picture->width + DFY_SUPERBLOCK - 1) / DFY_SUPERBLOCK;
    picture->rows = (picture->height + DFY_SUPERBLOCK - 1) / DFY_SUPERBLOCK;
    picture->cell_stride = picture->width / 8;
    picture->kernels = dfy_kernels();
    size_t cells = (size_t)picture->cell_stride * (size_t)(picture->height / 8);
    picture->cells = calloc(cells, sizeof *picture->cells);
    picture->modes = calloc(cells, 4);
    return picture->cells && picture->modes ? DFY_OK : DFY_ERROR_MEMORY;
}

void dfy_picture_coding_close(DfyPictureCoding *picture) {
    free(picture->cells);
    free(picture->modes);
    picture->cells = NULL;
    picture->modes = NULL;
}

void dfy_picture_coding_begin(DfyPictureCoding *picture, DfyFrame *frame) {
    size_t cells = (size_t)picture->cell_stride * (size_t)(picture->height / 8);
    picture->frame = frame;
    memset(picture->cells, 0, cells * sizeof *picture->cells);
    memset(picture->modes, DFY_DC, cells * 4);
    for (int i = 0; i < DFY_MAX_REFERENCES; i++) {
        int used = i < picture->reference_count;
        frame->reference_order[i] = used ? picture->references[i]->order : 0;
        frame->reference_timeless[i] = used ? picture->timeless[i] : 1;
    }
}

const uint8_t dfy_spread[16] = {0, 1, 4, 5, 16, 17, 20, 21, 64, 65, 68, 69, 80, 81, 84, 85};

void dfy_part_rectangle(const DfyBlock *block, int part, int rectangle[4]) {
    int side = 1 << block->log2;
    rectangle[0] = block->x;
    rectangle[1] = block->y;
    rectangle[2] = rectangle[3] = side;
    if (block->part == DFY_PART_ROWS) {
        rectangle[3] = side / 2;
        rectangle[1] += part * side / 2;
    } else if (block->part == DFY_PART_COLUMNS) {
        rectangle[2] = side / 2;
        rectangle[0] += part * side / 2;
    }
}

int dfy_transforms(const DfyBlock *block, int plane, int *log2) {
    if (!block->split) {
        *log2 = block->log2 - (plane > 0);
        return 1;
    }
    if (plane && block->log2 == 3) { /* chroma of an 8x8 block is one 4x4 */
        *log2 = 2;
        return 1;
    }
    *log2 = block->log2 - 1 - (plane > 0);
    return 4;
}

/* With a side known where it is compiled, a row is a store or two. */
static inline void fill_square(uint8_t *out, ptrdiff_t stride, int value, int side) {
    for (int y = 0; y < side; y++) memset(out + y * stride, value, (size_t)side);
}

static void note_modes(DfyPictureCoding *picture, const DfyBlock *block) {
    int side = 1 << (block->log2 - 2), stride = picture->cell_stride * 2;
    int mode = block->kind == DFY_INTRA ? block->intra[0] : DFY_DC;
    uint8_t *modes = &picture->modes[(block->y >> 2) * stride + (block->x >> 2)];
    if (block->kind == DFY_INTRA && block->log2 == 3 && block->split)
        for (int i = 0; i < 4; i++) modes[(i >> 1) * stride + (i & 1)] = block->intra[i];
    else if (side == 2)
        fill_square(modes, stride, mode, 2);
    else if (side == 4)
        fill_square(modes, stride, mode, 4);
    else
        fill_square(modes, stride, mode, side);
}

/* Cells in a row that are alike but for the left edge of the first. */
static void note_run(DfyCell *cell, DfyMotion *motion, int count, DfyCell alike, const DfyMotion *moved) {
    for (int i = 0; i < count; i++) {
        cell[i] = alike;
        motion[i] = *moved;
    }
    cell->edges |= 1;
}

void dfy_picture_note(DfyPictureCoding *picture, const DfyBlock *block) {
    int cells = 1 << (block->log2 - 3), half = cells / 2, split = block->split && cells > 1;
    int run = half && (split || block->part == DFY_PART_COLUMNS) ? half : cells;
    int middle = half && (split || block->part == DFY_PART_ROWS) ? half : 0;
    for (int y = 0; y < cells; y++) {
        DfyCell *cell = &picture->cells[((block->y >> 3) + y) * picture->cell_stride + (block->x >> 3)];
        DfyMotion *motion =
            &picture->frame->motion[((block->y >> 3) + y) * picture->frame->motion_stride + (block->x >> 3)];
        int upper = y == 0 || y == middle;
        for (int x = 0; x < cells; x += run) {
            int which = split ? (y >= half) * 2 + (x >= half) : 0;
            int part = block->part == DFY_PART_ROWS ? y >= half : block->part == DFY_PART_COLUMNS ? x >= half : 0;
            int coded = block->log2 == 3 ? block->coded[0] != 0 : block->coded[0] >> which & 1;
            DfyCell alike = {block->kind, block->log2, block->qp, (uint8_t)(upper << 1), (uint8_t)coded, 0};
            note_run(cell + x, motion + x, run, alike, &block->motion[part]);
        }
    }
    note_modes(picture, block);
}
