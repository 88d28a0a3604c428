/* The picture's 8x8 blocks, and what follows from the coding order. */
#include "video/syntax/picture.h"

#include "diffy/diffy.h"
#include "video/syntax/tiles.h"

#include <stdlib.h>
#include <string.h>

int dfy_picture_coding_open(DfyPictureCoding *picture, int width, int height) {
    memset(picture, 0, sizeof *picture);
    picture->width = dfy_coded_size(width);
    picture->height = dfy_coded_size(height);
    picture->columns = (picture->width + DFY_SUPERBLOCK - 1) / DFY_SUPERBLOCK;
    picture->rows = (picture->height + DFY_SUPERBLOCK - 1) / DFY_SUPERBLOCK;
    picture->stride8 = picture->width / 8;
    picture->kernels = dfy_kernels();
    size_t blocks8 = (size_t)picture->stride8 * (size_t)(picture->height / 8);
    picture->blocks8 = calloc(blocks8, sizeof *picture->blocks8);
    picture->modes = calloc(blocks8, 4);
    size_t tiles = (size_t)picture->columns * (size_t)picture->rows;
    picture->touched = calloc(tiles, 1);
    picture->before = calloc(tiles, sizeof *picture->before);
    int ok = picture->blocks8 && picture->modes && picture->touched && picture->before;
    return ok ? DFY_OK : DFY_ERROR_MEMORY;
}

void dfy_picture_coding_close(DfyPictureCoding *picture) {
    free(picture->blocks8);
    free(picture->modes);
    free(picture->touched);
    free(picture->before);
    picture->touched = NULL;
    picture->before = NULL;
    picture->blocks8 = NULL;
    picture->modes = NULL;
}

void dfy_picture_coding_begin(DfyPictureCoding *picture, DfyFrame *frame) {
    size_t blocks8 = (size_t)picture->stride8 * (size_t)(picture->height / 8);
    picture->frame = frame;
    memset(picture->blocks8, 0, blocks8 * sizeof *picture->blocks8);
    memset(picture->modes, DFY_DC, blocks8 * 4);
    size_t tiles = (size_t)picture->columns * (size_t)picture->rows;
    memset(picture->touched, 1, tiles);
    if (!picture->reference_count) memset(picture->global, 0, sizeof picture->global);
    memcpy(frame->global, picture->global, sizeof frame->global);
    memcpy(picture->before, frame->tiles, tiles * sizeof *frame->tiles);
    dfy_renew_tiles(frame);
    for (int i = 0; i < DFY_MAX_REFERENCES; i++) {
        int used = i < picture->reference_count;
        frame->reference_order[i] = used ? picture->reference_order[i] : 0;
        frame->reference_long_term[i] = used ? picture->long_term[i] : 1;
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
        return plane && block->kind == DFY_INTRA ? 1 : dfy_part_count(block);
    }
    if (plane && block->log2 == 3) { /* chroma of an 8x8 block is one 4x4 */
        *log2 = 2;
        return 1;
    }
    *log2 = block->log2 - 1 - (plane > 0);
    return 4;
}

/* With a side known where it is compiled, a row is a store or two. */
static inline void fill_block(uint8_t *out, ptrdiff_t stride, int value, int side) {
    for (int y = 0; y < side; y++) memset(out + y * stride, value, (size_t)side);
}

static void note_modes(DfyPictureCoding *picture, const DfyBlock *block) {
    int side = 1 << (block->log2 - 2), stride = picture->stride8 * 2;
    int mode = block->kind == DFY_INTRA ? block->intra[0] : DFY_DC;
    uint8_t *modes = &picture->modes[(block->y >> 2) * stride + (block->x >> 2)];
    if (block->kind == DFY_INTRA && block->log2 == 3 && block->split)
        for (int i = 0; i < 4; i++) modes[(i >> 1) * stride + (i & 1)] = block->intra[i];
    else if (side == 2)
        fill_block(modes, stride, mode, 2);
    else if (side == 4)
        fill_block(modes, stride, mode, 4);
    else
        fill_block(modes, stride, mode, side);
}

/* Blocks in a row that are alike but for the left edge of the first. */
static void note_run(DfyBlock8 *block, DfyMotion *motion, int count, DfyBlock8 alike, const DfyMotion *moved) {
    for (int i = 0; i < count; i++) {
        block[i] = alike;
        motion[i] = *moved;
    }
    block->edges |= 1;
}

/* Each square of a part that follows global motion has the vector that is in force there. */
static void note_global(DfyPictureCoding *picture, const DfyBlock *block, int part) {
    int r[4];
    dfy_part_rectangle(block, part, r);
    for (int y = r[1]; y < r[1] + r[3]; y += 8)
        for (int x = r[0]; x < r[0] + r[2]; x += 8) {
            const int square[4] = {x, y, 8, 8};
            dfy_follow_global(picture, square,
                              &picture->frame->motion[(y >> 3) * picture->frame->motion_stride + (x >> 3)]);
        }
}

void dfy_picture_note(DfyPictureCoding *picture, const DfyBlock *block) {
    int blocks8 = 1 << (block->log2 - 3), half = blocks8 / 2, split = block->split && blocks8 > 1;
    int run = half && (split || block->part == DFY_PART_COLUMNS) ? half : blocks8;
    int middle = half && (split || block->part == DFY_PART_ROWS) ? half : 0;
    for (int y = 0; y < blocks8; y++) {
        DfyBlock8 *noted = &picture->blocks8[((block->y >> 3) + y) * picture->stride8 + (block->x >> 3)];
        DfyMotion *motion =
            &picture->frame->motion[((block->y >> 3) + y) * picture->frame->motion_stride + (block->x >> 3)];
        int upper = y == 0 || y == middle;
        for (int x = 0; x < blocks8; x += run) {
            int part = block->part == DFY_PART_ROWS ? y >= half : block->part == DFY_PART_COLUMNS ? x >= half : 0;
            int which = split ? (y >= half) * 2 + (x >= half) : part;
            int coded = block->log2 == 3 ? block->coded[0] != 0 : block->coded[0] >> which & 1;
            DfyBlock8 alike = {block->kind, block->log2, block->qp, (uint8_t)(upper << 1), (uint8_t)coded, 0};
            note_run(noted + x, motion + x, run, alike, &block->motion[part]);
        }
    }
    for (int part = 0; part < dfy_part_count(block); part++)
        if (block->motion[part].global) note_global(picture, block, part);
    note_modes(picture, block);
}

uint64_t dfy_still_tile(const DfyPictureCoding *picture, const DfyBlock *block, int tile) {
    const DfyMotion *m = &block->motion[0];
    if (!dfy_is_still(block->kind, m)) return 0;
    uint64_t first = picture->references[m->reference[0]]->tiles[tile];
    if (m->reference[1] < 0) return first;
    return picture->references[m->reference[1]]->tiles[tile] == first ? first : 0; /* the mean of equals */
}

void dfy_note_tile(DfyPictureCoding *picture, int tile, uint64_t identity) {
    if (!identity) return;
    picture->touched[tile] = 0;
    picture->frame->tiles[tile] = identity;
}

void dfy_extend_changed(const DfyPictureCoding *picture, int border) {
    for (int row = 0, i = 0; row < picture->rows; row++)
        for (int column = 0; column < picture->columns; column++, i++)
            if (picture->frame->tiles[i] != picture->before[i]) dfy_extend_tile(picture->frame, column, row, border);
}
