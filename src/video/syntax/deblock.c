/*
 * Deblocking: HEVC's filter (Rec. H.265 8.7.2) on the 8x8 grid. An edge is filtered where the blocks on its sides were
 * predicted apart or carry a residual; what was copied whole from an earlier picture is left alone, so that the
 * background is never smoothed twice.
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

static int strength(const DfyCell *p, const DfyCell *q, const DfyMotion *mp, const DfyMotion *mq) {
    if (p->kind == DFY_INTRA || q->kind == DFY_INTRA) return 2;
    return p->coded || q->coded || motion_differs(mp, mq);
}

#define P(i, line) s[-(i + 1) * across + (line)*along]
#define Q(i, line) s[(i)*across + (line)*along]
static void filter_chroma(uint8_t *s, ptrdiff_t across, ptrdiff_t along, int qp) {
    int tc = tc_table[dfy_clamp(dfy_chroma_qp(qp) + 2, 0, 53)];
    for (int line = 0; line < 4; line++) {
        int p0 = P(0, line), p1 = P(1, line), q0 = Q(0, line), q1 = Q(1, line);
        int delta = dfy_clamp((((q0 - p0) * 4) + p1 - q1 + 4) >> 3, -tc, tc);
        P(0, line) = dfy_clamp_pixel(p0 + delta);
        Q(0, line) = dfy_clamp_pixel(q0 - delta);
    }
}
#undef P
#undef Q

/* One 8-pixel edge of a cell: its left side (direction 0) or its upper (1). */
static void filter_edge(const DfyPictureCoding *picture, int cx, int cy, int direction) {
    int at = cy * picture->cell_stride + cx, before = direction ? at - picture->cell_stride : at - 1;
    const DfyCell *q = &picture->cells[at], *p = &picture->cells[before];
    const DfyMotion *motion = picture->frame->motion;
    int s = strength(p, q, &motion[before], &motion[at]);
    if (!s) return;
    int qp = (p->qp + q->qp + 1) >> 1;
    const DfyPlane *luma = &picture->frame->plane[0];
    uint8_t *y = luma->pixels + cy * 8 * luma->stride + cx * 8;
    ptrdiff_t across = direction ? luma->stride : 1, along = direction ? 1 : luma->stride;
    picture->kernels->deblock(y, across, along, beta_table[dfy_clamp(qp, 0, 51)],
                              tc_table[dfy_clamp(qp + 2 * (s - 1), 0, 53)]);
    if (s < 2 || ((direction ? cy : cx) & 1)) return; /* chroma: intra edges on its own 8x8 grid */
    for (int plane = 1; plane < 3; plane++) {
        const DfyPlane *chroma = &picture->frame->plane[plane];
        uint8_t *c = chroma->pixels + cy * 4 * chroma->stride + cx * 4;
        filter_chroma(c, direction ? chroma->stride : 1, direction ? 1 : chroma->stride, qp);
    }
}

void dfy_deblock(const DfyPictureCoding *picture) {
    int columns = picture->width / 8, rows = picture->height / 8;
    for (int direction = 0; direction < 2; direction++)
        for (int y = direction; y < rows; y++)
            for (int x = !direction; x < columns; x++)
                if (picture->cells[y * picture->cell_stride + x].edges >> direction & 1)
                    filter_edge(picture, x, y, direction);
}
