#include "video/syntax/tiles.h"

#include <stdatomic.h>
#include <string.h>

uint64_t dfy_new_tiles(int count) {
    static _Atomic uint64_t next = 1;
    return atomic_fetch_add_explicit(&next, (uint64_t)count, memory_order_relaxed);
}

static int tile_count(const DfyFrame *frame) {
    return frame->tile_columns * frame->tile_rows;
}

void dfy_renew_tiles(DfyFrame *frame) {
    int count = tile_count(frame);
    uint64_t first = dfy_new_tiles(count);
    for (int i = 0; i < count; i++) frame->tiles[i] = first + (uint64_t)i;
}

void dfy_forget_tiles(DfyFrame *frame) {
    memset(frame->tiles, 0, (size_t)tile_count(frame) * sizeof *frame->tiles);
}

/* Tiles of two frames of one size that are known to be the same. */
static int count_same_tiles(const DfyFrame *a, const DfyFrame *b) {
    int same = 0, count = tile_count(a);
    for (int i = 0; i < count; i++) same += a->tiles[i] == b->tiles[i] && a->tiles[i];
    return same;
}

int dfy_most_alike(DfyFrame *const *frames, int count, const DfyFrame *like) {
    int best = count - 1, most = -1;
    for (int i = 0; like && i < count; i++) {
        int same = count_same_tiles(frames[i], like);
        if (same <= most) continue;
        most = same;
        best = i;
    }
    return best;
}

/* A tile in one plane: pixels from (left, top) up to (right, bottom), and at which of the picture's sides it lies. */
typedef struct Area {
    int left, top, right, bottom;
    int at_left, at_top, at_right, at_bottom;
} Area;

static Area area_of(const DfyFrame *frame, int plane, int column, int row) {
    const DfyPlane *p = &frame->plane[plane];
    int side = DFY_TILE >> (plane > 0);
    Area s = {.left = column * side, .top = row * side, .right = (column + 1) * side, .bottom = (row + 1) * side};
    if (s.right > p->width) s.right = p->width;
    if (s.bottom > p->height) s.bottom = p->height;
    s.at_left = column == 0;
    s.at_top = row == 0;
    s.at_right = s.right == p->width;
    s.at_bottom = s.bottom == p->height;
    return s;
}

void dfy_copy_tile(DfyFrame *dst, const DfyFrame *src, int column, int row) {
    for (int plane = 0; plane < 3; plane++) {
        const DfyPlane *to = &dst->plane[plane], *from = &src->plane[plane];
        Area s = area_of(dst, plane, column, row);
        int border = DFY_FRAME_BORDER >> (plane > 0);
        int x = s.left - s.at_left * border, width = s.right + s.at_right * border - x;
        for (int y = s.top - s.at_top * border; y < s.bottom + s.at_bottom * border; y++)
            memcpy(to->pixels + y * to->stride + x, from->pixels + y * from->stride + x, (size_t)width);
    }
}

/* Rows first, then from the outermost row as wide as it has become. */
static void extend_area(const DfyPlane *p, const Area *s, int border) {
    for (int y = s->top; y < s->bottom; y++) {
        uint8_t *row = p->pixels + y * p->stride;
        if (s->at_left) memset(row - border, row[0], (size_t)border);
        if (s->at_right) memset(row + p->width, row[p->width - 1], (size_t)border);
    }
    int x = s->left - s->at_left * border;
    size_t width = (size_t)(s->right + s->at_right * border - x);
    const uint8_t *first = p->pixels + s->top * p->stride + x, *last = p->pixels + (s->bottom - 1) * p->stride + x;
    for (int y = 1; y <= border; y++) {
        if (s->at_top) memcpy(p->pixels + (s->top - y) * p->stride + x, first, width);
        if (s->at_bottom) memcpy(p->pixels + (s->bottom - 1 + y) * p->stride + x, last, width);
    }
}

void dfy_extend_tile(DfyFrame *frame, int column, int row, int border) {
    if (column && row && column < frame->tile_columns - 1 && row < frame->tile_rows - 1) return;
    for (int plane = 0; plane < 3; plane++) {
        Area s = area_of(frame, plane, column, row);
        extend_area(&frame->plane[plane], &s, border >> (plane > 0));
    }
}

void dfy_frame_become(DfyFrame *dst, const DfyFrame *src) {
    for (int row = 0, i = 0; row < dst->tile_rows; row++)
        for (int column = 0; column < dst->tile_columns; column++, i++) {
            if (dst->tiles[i] == src->tiles[i] && dst->tiles[i]) continue;
            dfy_copy_tile(dst, src, column, row);
            dst->tiles[i] = src->tiles[i];
        }
}
