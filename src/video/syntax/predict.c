/* Inter prediction, residuals, and the block made of both. */
#include <string.h>

#include "dsp/copy.h"
#include "video/syntax/picture.h"

/* ---------------------------------------------------------------- inter */

/*
 * Where in a reference a rectangle comes from, the vector being in sixteenths (chroma: 32nds) of a sample. Positions
 * far outside are moved to where the border ends: all is flat there.
 */
static DfyPlace locate_finely(const DfyFrame *reference, int plane, int x, int y, int width, int height, int vx,
                              int vy) {
    const DfyPlane *p = &reference->plane[plane];
    int bits = plane ? 5 : 4, mask = (1 << bits) - 1, reach = plane ? DFY_FRAME_BORDER / 2 - 4 : DFY_FRAME_BORDER - 8;
    int sx = dfy_clamp(x + (vx >> bits), -reach, p->width + reach - width);
    int sy = dfy_clamp(y + (vy >> bits), -reach, p->height + reach - height);
    return (DfyPlace){p->pixels + sy * p->stride + sx, p->stride, vx & mask, vy & mask};
}

static DfyPlace locate(const DfyFrame *reference, int plane, int x, int y, int width, int height, const int16_t mv[2]) {
    return locate_finely(reference, plane, x, y, width, height, mv[0] * 4, mv[1] * 4);
}

static void interpolate(const DfyKernels *k, int plane, int16_t *dst, const DfyPlace *s, int width, int height) {
    (plane ? k->chroma : k->luma)(dst, s->pixels, s->stride, width, height, s->fx, s->fy);
}

/* Where the 8x8 square at luma place (x, y) comes from by global motion. */
static void locate_global(const DfyPictureCoding *picture, const DfyMotion *motion, int plane, int x, int y,
                          DfyPlace s[2]) {
    int side = plane ? 4 : 8, shift = plane > 0;
    for (int i = 0; i < 2 && motion->reference[i] >= 0; i++) {
        int vector[2], reference = motion->reference[i];
        dfy_global_vector(&picture->global[reference], picture->width, picture->height, x + 4, y + 4, vector);
        s[i] = locate_finely(picture->references[reference], plane, x >> shift, y >> shift, side, side, vector[0],
                             vector[1]);
    }
}

static void predict_global(const DfyPictureCoding *picture, const DfyMotion *motion, int plane, const int r[4],
                           uint8_t *dst, ptrdiff_t stride) {
    const DfyKernels *k = picture->kernels;
    int shift = plane > 0, side = 8 >> shift, two = motion->reference[1] >= 0;
    int16_t blend[2][8 * DFY_BLEND_STRIDE];
    for (int y = 0; y < r[3]; y += 8)
        for (int x = 0; x < r[2]; x += 8) {
            DfyPlace s[2];
            uint8_t *to = dst + (y >> shift) * stride + (x >> shift);
            locate_global(picture, motion, plane, r[0] + x, r[1] + y, s);
            for (int i = 0; i <= two; i++) interpolate(k, plane, blend[i], &s[i], side, side);
            if (two)
                k->store_mean(to, stride, blend[0], blend[1], side, side);
            else
                k->store(to, stride, blend[0], side, side);
        }
}

void dfy_predict_rectangle(const DfyPictureCoding *picture, const DfyMotion *motion, int plane, const int rectangle[4],
                           uint8_t *dst, ptrdiff_t stride) {
    const DfyKernels *k = picture->kernels;
    if (motion->global) {
        predict_global(picture, motion, plane, rectangle, dst, stride);
        return;
    }
    int shift = plane > 0, x = rectangle[0] >> shift, y = rectangle[1] >> shift;
    int width = rectangle[2] >> shift, height = rectangle[3] >> shift, two = motion->reference[1] >= 0;
    int16_t blend[2][64 * DFY_BLEND_STRIDE];
    DfyPlace s[2];
    for (int i = 0; i <= two; i++)
        s[i] = locate(picture->references[motion->reference[i]], plane, x, y, width, height, motion->mv[i]);
    int whole = !(s[0].fx | s[0].fy) && (!two || !(s[1].fx | s[1].fy));
    if (whole && !two) {
        dfy_copy_block(dst, stride, s[0].pixels, s[0].stride, width, height);
    } else if (whole) {
        k->mean(dst, stride, s[0].pixels, s[0].stride, s[1].pixels, s[1].stride, width, height);
    } else {
        for (int i = 0; i <= two; i++) interpolate(k, plane, blend[i], &s[i], width, height);
        if (two)
            k->store_mean(dst, stride, blend[0], blend[1], width, height);
        else
            k->store(dst, stride, blend[0], width, height);
    }
}

int dfy_uses_bdof(const DfyPictureCoding *picture, const DfyMotion *motion) {
    int first = motion->reference[0], second = motion->reference[1];
    if (second < 0 || picture->long_term[first] || picture->long_term[second]) return 0;
    int now = picture->frame->order;
    int before = picture->reference_order[first] - now, behind = picture->reference_order[second] - now;
    return before && before == -behind &&
           (motion->global || motion->mv[0][0] || motion->mv[0][1] || motion->mv[1][0] || motion->mv[1][1]);
}

/* The whole samples nearest to what is next to an interpolated block, its corners left out. */
static void frame_block(int16_t *block, const DfyPlace *s, int width, int height) {
    const uint8_t *pixels = s->pixels + (s->fy >> 3) * s->stride + (s->fx >> 3);
    int16_t *below = block + height * DFY_BLEND_STRIDE;
    for (int x = 0; x < width; x++) {
        block[x - DFY_BLEND_STRIDE] = (int16_t)(pixels[x - s->stride] << 6);
        below[x] = (int16_t)(pixels[x + height * s->stride] << 6);
    }
    for (int y = 0; y < height; y++, block += DFY_BLEND_STRIDE, pixels += s->stride) {
        block[-1] = (int16_t)(pixels[-1] << 6);
        block[width] = (int16_t)(pixels[width] << 6);
    }
}

/* As locate, the vectors being moved by a step of refinement. */
static DfyPlace locate_refined(const DfyPictureCoding *picture, const DfyMotion *motion, int i, int plane,
                               const int r[4], const int8_t step[2]) {
    int shift = plane > 0, sign = i ? -1 : 1;
    return locate_finely(picture->references[motion->reference[i]], plane, r[0] >> shift, r[1] >> shift, r[2] >> shift,
                         r[3] >> shift, motion->mv[i][0] * 4 + sign * step[0], motion->mv[i][1] * 4 + sign * step[1]);
}

/* A piece of luma that is predicted by optical flow: the part, the piece inside it, what it is made of. */
typedef struct Piece {
    const int *part;
    int x, y, width, height;
    DfyPlace at[2];
    int16_t *blend[2];
} Piece;

/* Side of the blocks along a side of a piece or part. */
static int refined_side(int side) {
    return side < DFY_REFINEMENT_SIDE ? side : DFY_REFINEMENT_SIDE;
}

/* Looks for steps where the interpolated references differ enough; returns whether any is not 0. */
static int refine_piece(const DfyKernels *k, const Piece *p, DfyRefinement *refinement) {
    uint8_t pixels[2][DFY_BDOF_SIDE * DFY_BLEND_STRIDE];
    int w = refined_side(p->width), h = refined_side(p->height), any = 0;
    for (int i = 0; i < 2; i++) k->store(pixels[i], DFY_BLEND_STRIDE, p->blend[i], p->width, p->height);
    for (int y = 0; y < p->height; y += h)
        for (int x = 0; x < p->width; x += w) {
            int from = y * DFY_BLEND_STRIDE + x;
            if (k->sad(pixels[0] + from, DFY_BLEND_STRIDE, pixels[1] + from, DFY_BLEND_STRIDE, w, h) <
                (uint32_t)(DFY_REFINEMENT_FROM * w * h))
                continue;
            DfyPlace at[2] = {p->at[0], p->at[1]};
            for (int i = 0; i < 2; i++) at[i].pixels += y * at[i].stride + x;
            any |= dfy_refine_block(
                k, at, w, h, refinement->step[(p->y + y) / DFY_REFINEMENT_SIDE][(p->x + x) / DFY_REFINEMENT_SIDE]);
        }
    return any;
}

/* Interpolates what a piece is made of and finishes it. */
static void flow(const DfyKernels *k, const Piece *p, uint8_t *dst, ptrdiff_t stride) {
    for (int i = 0; i < 2; i++) frame_block(p->blend[i], &p->at[i], p->width, p->height);
    k->bdof(dst, stride, p->blend[0], p->blend[1], p->width, p->height);
}

/* Each refined block of a piece alone. */
static void predict_refined(const DfyPictureCoding *picture, const DfyMotion *motion, const Piece *whole, uint8_t *dst,
                            ptrdiff_t stride, const DfyRefinement *refinement) {
    const DfyKernels *k = picture->kernels;
    Piece p = *whole;
    p.width = refined_side(whole->width);
    p.height = refined_side(whole->height);
    for (p.y = whole->y; p.y < whole->y + whole->height; p.y += p.height)
        for (p.x = whole->x; p.x < whole->x + whole->width; p.x += p.width) {
            const int r[4] = {p.part[0] + p.x, p.part[1] + p.y, p.width, p.height};
            const int8_t *step = refinement->step[p.y / DFY_REFINEMENT_SIDE][p.x / DFY_REFINEMENT_SIDE];
            for (int i = 0; i < 2; i++) {
                p.at[i] = locate_refined(picture, motion, i, 0, r, step);
                interpolate(k, 0, p.blend[i], &p.at[i], p.width, p.height);
            }
            flow(k, &p, dst + p.y * stride + p.x, stride);
        }
}

/* Luma from two pictures by bi-directional optical flow, in blocks of at most DFY_BDOF_SIDE. */
static void predict_bdof(const DfyPictureCoding *picture, const DfyMotion *motion, const int r[4], uint8_t *dst,
                         ptrdiff_t stride, DfyRefinement *refinement) {
    const DfyKernels *k = picture->kernels;
    enum { AT = DFY_BLEND_STRIDE + 8 };
    int16_t blend[2][(DFY_BDOF_SIDE + 2) * DFY_BLEND_STRIDE];
    Piece p = {.part = r,
               .width = r[2] < DFY_BDOF_SIDE ? r[2] : DFY_BDOF_SIDE,
               .height = r[3] < DFY_BDOF_SIDE ? r[3] : DFY_BDOF_SIDE,
               .blend = {blend[0] + AT, blend[1] + AT}};
    DfyPlace whole[2];
    for (int i = 0; i < 2; i++)
        whole[i] = locate(picture->references[motion->reference[i]], 0, r[0], r[1], r[2], r[3], motion->mv[i]);
    for (p.y = 0; p.y < r[3]; p.y += p.height)
        for (p.x = 0; p.x < r[2]; p.x += p.width) {
            for (int i = 0; i < 2; i++) {
                p.at[i] = whole[i];
                p.at[i].pixels += p.y * whole[i].stride + p.x;
                interpolate(k, 0, p.blend[i], &p.at[i], p.width, p.height);
            }
            if (refinement && refine_piece(k, &p, refinement)) {
                refinement->any = 1;
                predict_refined(picture, motion, &p, dst, stride, refinement);
            } else {
                flow(k, &p, dst + p.y * stride + p.x, stride);
            }
        }
}

/* Chroma of a part, block by block as luma was refined. */
static void predict_refined_chroma(const DfyPictureCoding *picture, const DfyMotion *motion, int plane, const int r[4],
                                   uint8_t *dst, ptrdiff_t stride, const DfyRefinement *refinement) {
    const DfyKernels *k = picture->kernels;
    int16_t blend[2][DFY_REFINEMENT_SIDE / 2 * DFY_BLEND_STRIDE];
    int w = refined_side(r[2]), h = refined_side(r[3]);
    for (int y = 0; y < r[3]; y += h)
        for (int x = 0; x < r[2]; x += w) {
            const int block[4] = {r[0] + x, r[1] + y, w, h};
            for (int i = 0; i < 2; i++) {
                DfyPlace at = locate_refined(picture, motion, i, plane, block,
                                             refinement->step[y / DFY_REFINEMENT_SIDE][x / DFY_REFINEMENT_SIDE]);
                interpolate(k, plane, blend[i], &at, w / 2, h / 2);
            }
            k->store_mean(dst + y / 2 * stride + x / 2, stride, blend[0], blend[1], w / 2, h / 2);
        }
}

/* The same of squares that follow global motion. */
static void predict_global_flow(const DfyPictureCoding *picture, const DfyMotion *motion, const int r[4], uint8_t *dst,
                                ptrdiff_t stride) {
    const DfyKernels *k = picture->kernels;
    enum { AT = DFY_BLEND_STRIDE + 8 };
    int16_t blend[2][10 * DFY_BLEND_STRIDE];
    for (int y = 0; y < r[3]; y += 8)
        for (int x = 0; x < r[2]; x += 8) {
            DfyPlace s[2];
            locate_global(picture, motion, 0, r[0] + x, r[1] + y, s);
            for (int i = 0; i < 2; i++) {
                interpolate(k, 0, blend[i] + AT, &s[i], 8, 8);
                frame_block(blend[i] + AT, &s[i], 8, 8);
            }
            k->bdof(dst + y * stride + x, stride, blend[0] + AT, blend[1] + AT, 8, 8);
        }
}

void dfy_predict_exactly(const DfyPictureCoding *picture, const DfyMotion *motion, int plane, const int rectangle[4],
                         uint8_t *dst, ptrdiff_t stride, DfyRefinement *refinement) {
    int bdof = dfy_uses_bdof(picture, motion);
    if (!plane && refinement) memset(refinement, 0, sizeof *refinement);
    if (!plane && bdof && motion->global)
        predict_global_flow(picture, motion, rectangle, dst, stride);
    else if (!plane && bdof)
        predict_bdof(picture, motion, rectangle, dst, stride, refinement);
    else if (plane && refinement && refinement->any)
        predict_refined_chroma(picture, motion, plane, rectangle, dst, stride, refinement);
    else
        dfy_predict_rectangle(picture, motion, plane, rectangle, dst, stride);
}

void dfy_predict_part(const DfyPictureCoding *picture, const DfyBlock *block, int part, uint8_t *const dst[3],
                      const ptrdiff_t stride[3]) {
    int r[4];
    DfyRefinement refinement;
    dfy_part_rectangle(block, part, r);
    for (int p = 0; p < 3; p++) {
        int shift = p > 0;
        uint8_t *at = dst[p] + ((r[1] - block->y) >> shift) * stride[p] + ((r[0] - block->x) >> shift);
        dfy_predict_exactly(picture, &block->motion[part], p, r, at, stride[p],
                            block->merge[part] ? &refinement : NULL);
    }
}

/* ---------------------------------------------------------------- residual */

int dfy_chroma_qp(int qp) {
    /* HEVC's 4:2:0 table (Rec. H.265 table 8-10): chroma is quantised a little finer at coarse quantisers. */
    static const uint8_t table[14] = {29, 30, 31, 32, 33, 33, 34, 34, 35, 35, 36, 36, 37, 37};
    return qp < 30 ? qp : qp < 44 ? table[qp - 30] : qp - 6;
}

int dfy_quantiser_step(int qp) {
    static const uint8_t steps[6] = {40, 45, 51, 57, 64, 72};
    return steps[qp % 6] << (qp / 6);
}

/*
 * Of a half, the levels are the even rows of the square that it makes with its mirror image, and larger by the root of
 * two: three quantisers. All products fit in 64 bits.
 */
static void dequantise(int16_t *coefficients, const int16_t *levels, int log2, int half, int qp, int *columns,
                       int *rows) {
    int side = 1 << log2, scale = dfy_quantiser_step(qp + 3 * half), shift = log2 - 1, round = 1 << (shift - 1);
    int most_x = 0, most_y = 0;
    memset(coefficients, 0, sizeof *coefficients << (2 * log2));
    for (int y = 0; y < side; y += 1 + half, levels += side, coefficients += side << half)
        for (int x = 0; x < side; x += 4) {
            uint64_t four;
            memcpy(&four, levels + x, sizeof four);
            if (!four) continue;
            most_y = y + 1;
            for (int i = x; i < x + 4; i++) {
                if (!levels[i]) continue;
                if (i >= most_x) most_x = i + 1;
                int64_t value = ((int64_t)levels[i] * scale + round) >> shift;
                coefficients[i] = (int16_t)(value < -32768 ? -32768 : value > 32767 ? 32767 : value);
            }
        }
    *columns = most_x;
    *rows = most_y;
}

void dfy_residual_of(const DfyKernels *kernels, int16_t *residual, const int16_t *levels, int log2, DfyPart shape,
                     int qp, DfyTransformKind kind) {
    int16_t coefficients[32 * 32], wide[32 * 32];
    int columns, rows, side = 1 << log2;
    dequantise(coefficients, levels, log2, shape != DFY_PART_WHOLE, qp, &columns, &rows);
    kernels->inverse(shape == DFY_PART_COLUMNS ? wide : residual, coefficients, log2, kind, columns, rows);
    if (shape == DFY_PART_COLUMNS)
        for (int y = 0; y < side; y++)
            for (int x = 0; x < side / 2; x++) residual[y * (side / 2) + x] = wide[x * side + y];
}

void dfy_add_residual(const DfyPictureCoding *picture, uint8_t *dst, ptrdiff_t stride, const int16_t *levels, int log2,
                      DfyPart shape, int qp, DfyTransformKind kind) {
    int16_t residual[32 * 32];
    dfy_residual_of(picture->kernels, residual, levels, log2, shape, qp, kind);
    picture->kernels->add(dst, stride, residual, dfy_shape_width(log2, shape), dfy_shape_height(log2, shape));
}

void dfy_reconstruct_block(const DfyPictureCoding *picture, const DfyBlock *block, const int16_t *coefficients) {
    if (block->kind != DFY_INTRA) {
        uint8_t *dst[3];
        ptrdiff_t stride[3];
        for (int p = 0; p < 3; p++) {
            const DfyPlane *plane = &picture->frame->plane[p];
            stride[p] = plane->stride;
            dst[p] = plane->pixels + (block->y >> (p > 0)) * plane->stride + (block->x >> (p > 0));
        }
        for (int part = 0; part < dfy_part_count(block); part++) dfy_predict_part(picture, block, part, dst, stride);
        if (block->kind == DFY_SKIP) return;
    }
    for (int plane = 0; plane < 3; plane++) {
        const DfyPlane *p = &picture->frame->plane[plane];
        int log2, count = dfy_transforms(block, plane, &log2), shift = plane > 0;
        int qp = plane ? dfy_chroma_qp(block->qp) : block->qp;
        for (int i = 0; i < count; i++) {
            int x, y;
            dfy_transform_place(block, i, &x, &y);
            uint8_t *dst = p->pixels + (y >> shift) * p->stride + (x >> shift);
            if (block->kind == DFY_INTRA) {
                int mode = plane ? dfy_chroma_mode(block) : block->intra[block->log2 == 3 && block->split ? i : 0];
                if (dfy_transform_shape(block, plane))
                    dfy_predict_half(picture, block, i, mode, dst, p->stride);
                else
                    dfy_predict_intra(picture, plane, x >> shift, y >> shift, log2, mode, dst, p->stride);
            }
            if (!(block->coded[plane] >> i & 1)) continue;
            DfyTransformKind kind = plane == 0 && block->dst >> i & 1 ? DFY_DST : DFY_DCT;
            dfy_add_residual(picture, dst, p->stride, coefficients + dfy_transform_offset(block, i, plane), log2,
                             dfy_transform_shape(block, plane), qp, kind);
        }
    }
}
