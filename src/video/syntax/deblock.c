/*
 * Deblocking: HEVC's filter (Rec. H.265 8.7.2) on the 8x8 grid. An edge is filtered where the blocks on its sides were
 * predicted apart or carry a residual. A side that is a still copy of an earlier picture is left as it is: the
 * background is never smoothed twice, and what is still stays the same to the bit.
 */
#include <stdlib.h>

#include "video/syntax/picture.h"

static const uint8_t tc_table[54] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  0,  0,  0,  0,  0,  0,  0,  0,
                                     1, 1, 1, 1, 1, 1, 1, 1, 1, 2,  2,  2,  2,  3,  3,  3,  3,  4,
                                     4, 4, 5, 5, 6, 6, 7, 8, 9, 10, 11, 13, 14, 16, 18, 20, 22, 24};
static const uint8_t beta_table[52] = {0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  6,  7,
                                       8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 20, 22, 24, 26, 28, 30, 32,
                                       34, 36, 38, 40, 42, 44, 46, 48, 50, 52, 54, 56, 58, 60, 62, 64};

static int vectors_differ(const int16_t a[2], const int16_t b[2]) {
    return abs(a[0] - b[0]) >= 4 || abs(a[1] - b[1]) >= 4;
}

static int motion_differs(const DfyMotion *a, const DfyMotion *b) {
    int two = a->reference[1] >= 0;
    if (two != (b->reference[1] >= 0)) return 1;
    if (!two) return a->reference[0] != b->reference[0] || vectors_differ(a->mv[0], b->mv[0]);
    if (a->reference[0] == b->reference[0] && a->reference[1] == b->reference[1] &&
        !vectors_differ(a->mv[0], b->mv[0]) && !vectors_differ(a->mv[1], b->mv[1]))
        return 0;
    return !(a->reference[0] == b->reference[1] && a->reference[1] == b->reference[0] &&
             !vectors_differ(a->mv[0], b->mv[1]) && !vectors_differ(a->mv[1], b->mv[0]));
}

static int strength(const DfyBlock8 *p, const DfyBlock8 *q, const DfyMotion *mp, const DfyMotion *mq) {
    if (p->kind == DFY_INTRA || q->kind == DFY_INTRA) return 2;
    return p->coded || q->coded || motion_differs(mp, mq);
}

#define P(i, line) s[-(i + 1) * across + (line)*along]
#define Q(i, line) s[(i)*across + (line)*along]
/* keep: bit 0, the side before the edge stays as it is; bit 1, the one behind it does. */
static void filter_chroma(uint8_t *s, ptrdiff_t across, ptrdiff_t along, int qp, int keep) {
    int tc = tc_table[dfy_clamp(dfy_chroma_qp(qp) + 2, 0, 53)];
    for (int line = 0; line < 4; line++) {
        int p0 = P(0, line), p1 = P(1, line), q0 = Q(0, line), q1 = Q(1, line);
        int delta = dfy_clamp((((q0 - p0) * 4) + p1 - q1 + 4) >> 3, -tc, tc);
        if (!(keep & 1)) P(0, line) = dfy_clamp_pixel(p0 + delta);
        if (!(keep & 2)) Q(0, line) = dfy_clamp_pixel(q0 - delta);
    }
}
#undef P
#undef Q

/* The three pixels that the filter may change on one side of an 8-pixel edge. */
typedef struct Side {
    uint8_t *first; /* the nearest pixel of the first line */
    ptrdiff_t across, along;
    uint8_t pixels[8][3];
} Side;

static void save_side(Side *s, uint8_t *first, ptrdiff_t across, ptrdiff_t along) {
    s->first = first;
    s->across = across;
    s->along = along;
    for (int line = 0; line < 8; line++)
        for (int i = 0; i < 3; i++) s->pixels[line][i] = first[line * along + i * across];
}

static void restore_side(const Side *s) {
    for (int line = 0; line < 8; line++)
        for (int i = 0; i < 3; i++) s->first[line * s->along + i * s->across] = s->pixels[line][i];
}

/* One 8-pixel edge of an 8x8 block: its left side (direction 0) or its upper (1). */
static void filter_edge(const DfyPictureCoding *picture, int cx, int cy, int direction) {
    int at = cy * picture->stride8 + cx, before = direction ? at - picture->stride8 : at - 1;
    const DfyBlock8 *q = &picture->blocks8[at], *p = &picture->blocks8[before];
    const DfyMotion *motion = picture->frame->motion;
    int keep = dfy_is_still(p->kind, &motion[before]) | dfy_is_still(q->kind, &motion[at]) << 1;
    int s = keep == 3 ? 0 : strength(p, q, &motion[before], &motion[at]);
    if (!s) return;
    int qp = (p->qp + q->qp + 1) >> 1;
    const DfyPlane *luma = &picture->frame->plane[0];
    uint8_t *y = luma->pixels + cy * 8 * luma->stride + cx * 8;
    ptrdiff_t across = direction ? luma->stride : 1, along = direction ? 1 : luma->stride;
    Side kept;
    if (keep) save_side(&kept, keep == 1 ? y - across : y, keep == 1 ? -across : across, along);
    picture->kernels->deblock(y, across, along, beta_table[dfy_clamp(qp, 0, 51)],
                              tc_table[dfy_clamp(qp + 2 * (s - 1), 0, 53)]);
    if (keep) restore_side(&kept);
    if (s < 2 || ((direction ? cy : cx) & 1)) return; /* chroma: intra edges on its own 8x8 grid */
    for (int plane = 1; plane < 3; plane++) {
        const DfyPlane *chroma = &picture->frame->plane[plane];
        uint8_t *c = chroma->pixels + cy * 4 * chroma->stride + cx * 4;
        filter_chroma(c, direction ? chroma->stride : 1, direction ? 1 : chroma->stride, qp, keep);
    }
}

/* Whether a superblock has edges to filter: it or what lies before it was made anew. */
static int has_edges(const DfyPictureCoding *picture, int column, int row, int direction) {
    const uint8_t *touched = &picture->touched[row * picture->columns + column];
    if (*touched) return 1;
    return direction ? row && touched[-picture->columns] : column && touched[-1];
}

void dfy_deblock(const DfyPictureCoding *picture) {
    int columns = picture->width / 8, rows = picture->height / 8;
    for (int direction = 0; direction < 2; direction++)
        for (int y = direction; y < rows; y++)
            for (int x = 0; x < columns; x++) {
                if (!has_edges(picture, x >> 3, y >> 3, direction)) {
                    x |= 7;
                    continue;
                }
                if ((x || direction) && picture->blocks8[y * picture->stride8 + x].edges >> direction & 1)
                    filter_edge(picture, x, y, direction);
            }
}
