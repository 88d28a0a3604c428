/* One way to code a block, measured: its prediction, its transforms, its rate. */

#include "video/encode/decide/decider.h"

uint64_t dfy_plane_error(const DfyDecider *d, const DfyBlock *block, int plane, const uint8_t *pixels) {
    int shift = plane > 0, side = 1 << (block->log2 - shift);
    return d->picture->kernels->sse(dfy_source_at(d, plane, block->x >> shift, block->y >> shift),
                                    dfy_source_stride(d, plane), pixels, dfy_stride_of(plane), side, side);
}

int dfy_is_near(const DfyDecider *d, int plane, int x, int y, int side, int unit, const uint8_t *pixels,
                ptrdiff_t stride, uint32_t most) {
    for (int j = 0; j < side; j += unit)
        for (int i = 0; i < side; i += unit)
            if (d->picture->kernels->sse(dfy_source_at(d, plane, x + i, y + j), dfy_source_stride(d, plane),
                                         pixels + j * stride + i, stride, unit, unit) > most)
                return 0;
    return 1;
}

int dfy_is_even(const DfyDecider *d, const DfyCandidate *c, int quarters) {
    uint32_t most = (uint32_t)(quarters / 4.0 * d->noise[0]);
    return dfy_is_near(d, 0, c->block.x, c->block.y, 1 << c->block.log2, 8, c->pixels.luma, 64, most);
}

static void copy_block(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src, ptrdiff_t src_stride, int side) {
    dfy_copy_block(dst, dst_stride, src, src_stride, side, side);
}

void dfy_pixels_to_frame(DfyDecider *d, const DfyBlock *block, DfyPixels *pixels) {
    for (int p = 0; p < 3; p++) {
        DfyPlane *plane = &d->picture->frame->plane[p];
        int shift = p > 0;
        copy_block(plane->pixels + (block->y >> shift) * plane->stride + (block->x >> shift), plane->stride,
                   dfy_plane_of(pixels, p), dfy_stride_of(p), 1 << (block->log2 - shift));
    }
}

void dfy_frame_to_pixels(DfyDecider *d, const DfyBlock *block, DfyPixels *pixels) {
    for (int p = 0; p < 3; p++) {
        DfyPlane *plane = &d->picture->frame->plane[p];
        int shift = p > 0;
        copy_block(dfy_plane_of(pixels, p), dfy_stride_of(p),
                   plane->pixels + (block->y >> shift) * plane->stride + (block->x >> shift), plane->stride,
                   1 << (block->log2 - shift));
    }
}

/* Coefficients of a block are one run a plane, since they lie in coding order. */
void dfy_move_coefficients(const DfyBlock *block, int16_t *dst, const int16_t *src) {
    for (int p = 0; p < 3; p++) {
        int at = dfy_coefficient_offset(block->x, block->y, p);
        memcpy(dst + at, src + at, sizeof *dst << (2 * (block->log2 - (p > 0))));
    }
}

DfyBlock dfy_new_block(int x, int y, int log2) {
    DfyBlock block;
    memset(&block, 0, sizeof block);
    block.x = (uint16_t)x;
    block.y = (uint16_t)y;
    block.log2 = (uint8_t)log2;
    block.motion[0].reference[0] = block.motion[0].reference[1] = -1;
    block.motion[1] = block.motion[0];
    block.intra[0] = block.intra[1] = block.intra[2] = block.intra[3] = DFY_DC;
    return block;
}

/* ---------------------------------------------------------------- rates */

uint64_t dfy_syntax_bits(DfyDecider *d, DfyBlock *block) {
    DfyRangeCoder measure = {.mode = DFY_MEASURE};
    DfyWalk walk = {.picture = d->picture, .coder = &measure, .qp = d->qp, .next = block};
    dfy_walk_block(&walk, block);
    return measure.cost;
}

/* ---------------------------------------------------------------- residuals */

/*
 * A half is transformed as the square that it makes with its mirror image: even frequencies are its own times the root
 * of two, odd ones are zero. What stands upright is laid down first.
 */
static void transform_half(const DfyKernels *k, int16_t *coefficients, const int16_t *residual, int log2,
                           DfyPart shape) {
    int side = 1 << log2, half = side / 2;
    int16_t square[32 * 32]; /* filled below */
    for (int y = 0; y < half; y++) {
        int16_t *row = square + y * side;
        if (shape == DFY_PART_ROWS)
            memcpy(row, residual + y * side, sizeof *row * (size_t)side);
        else
            for (int x = 0; x < side; x++) row[x] = residual[x * half + y];
        memcpy(square + (side - 1 - y) * side, row, sizeof *row * (size_t)side);
    }
    k->forward(coefficients, square, log2, DFY_DCT);
    for (int y = 1; y < half; y++)
        memcpy(coefficients + y * side, coefficients + 2 * y * side, sizeof *square * (size_t)side);
    memset(coefficients + half * side, 0, sizeof *square * (size_t)(half * side));
}

/* Transforms and quantises as one kind; returns the rate, 0 for nothing, and *gain, the cost saved by coding it. */
static uint32_t quantise_as(DfyDecider *d, const DfyTransform *t, DfyTransformKind kind, const int16_t *residual,
                            int16_t *levels, int64_t *gain) {
    const DfyKernels *k = d->picture->kernels;
    int16_t coefficients[32 * 32];
    if (t->shape)
        transform_half(k, coefficients, residual, t->log2, t->shape);
    else
        k->forward(coefficients, residual, t->log2, kind);
    uint32_t bits = dfy_quantise(k, levels, coefficients, t->log2, t->shape, t->qp, d->lambda,
                                 &d->rates[t->plane > 0][t->intra], &d->levels, gain);
    if (!bits || !t->kinds) return bits;
    uint32_t kind_bits = dfy_bit_cost(&d->picture->contexts->dst[t->log2 - 2], kind == DFY_DST);
    *gain -= dfy_cost(0, d->lambda, kind_bits);
    return bits + kind_bits;
}

/* Sets levels, kind and bits, of the kind that gains more. 4x4 blocks are mostly better as DSTs, larger as DCTs. */
static void choose_levels(DfyDecider *d, DfyTransform *t, const int16_t *residual) {
    int16_t other[16 * 16];
    int64_t gain, other_gain;
    t->kind = t->kinds && t->log2 == 2 ? DFY_DST : DFY_DCT;
    t->bits = quantise_as(d, t, t->kind, residual, t->levels, &gain);
    if (!t->kinds || !t->bits) return;
    uint32_t bits = quantise_as(d, t, !t->kind, residual, other, &other_gain);
    if (!bits || other_gain <= gain) return;
    memcpy(t->levels, other, sizeof *other << 2 * t->log2);
    t->kind = !t->kind;
    t->bits = bits;
}

/*
 * Whether an inter residual is noise that quantises to nothing, which spares its transform. Of 97 frames of car that
 * took 2.4 % more bytes at equal PSNR at effort 5, of delta, franka and vtest up to 0.3 % either way.
 */
static int is_noise(const DfyDecider *d, const DfyTransform *t) {
    static const double factors[DFY_PICTURE_CLASSES] = {1.7, 1.7, 1.7};
    int side = 1 << t->log2, unit = dfy_min(side, 8);
    uint32_t most = dfy_quiet_error(d, factors, t->plane) * (uint32_t)(unit * unit) / 64;
    return !t->intra && !t->shape &&
           dfy_is_near(d, t->plane, t->x, t->y, side, unit, t->predicted, t->predicted_stride, most);
}

int64_t dfy_code_transform(DfyDecider *d, DfyTransform *t) {
    const DfyKernels *k = d->picture->kernels;
    int width = dfy_shape_width(t->log2, t->shape), height = dfy_shape_height(t->log2, t->shape);
    int16_t residual[32 * 32];
    const uint8_t *source = dfy_source_at(d, t->plane, t->x, t->y);
    ptrdiff_t stride = dfy_source_stride(d, t->plane);
    uint64_t before = k->sse(source, stride, t->predicted, t->predicted_stride, width, height);
    dfy_copy_block(t->out, t->out_stride, t->predicted, t->predicted_stride, width, height);
    t->qp = t->plane ? dfy_chroma_qp(d->qp) : d->qp;
    t->bits = 0;
    t->error = before;
    if (dfy_quantises_to_nothing(t->log2, t->shape != DFY_PART_WHOLE, t->qp, before) ||
        (d->effort->skip_noise && is_noise(d, t)))
        return dfy_cost(before, d->lambda, 0);
    k->subtract(residual, source, stride, t->predicted, t->predicted_stride, width, height);
    choose_levels(d, t, residual);
    if (!t->bits) return dfy_cost(before, d->lambda, 0);
    dfy_residual_of(k, residual, t->levels, t->log2, t->shape, t->qp, t->kind);
    k->add(t->out, t->out_stride, residual, width, height);
    t->error = k->sse(source, stride, t->out, t->out_stride, width, height);
    int64_t cost = dfy_cost(t->error, d->lambda, t->bits);
    if (cost < dfy_cost(before, d->lambda, 0)) return cost;
    dfy_copy_block(t->out, t->out_stride, t->predicted, t->predicted_stride, width, height);
    t->bits = 0;
    t->error = before;
    return dfy_cost(before, d->lambda, 0);
}

/*
 * All transforms of an inter block with the given split, from d->predicted, into the candidate: bits in *total. Gives
 * up and returns 0 as soon as they cost `limit` or more.
 */
static int code_inter_planes(DfyDecider *d, DfyCandidate *c, int64_t limit, uint64_t *total) {
    int64_t cost = 0;
    *total = 0;
    c->distortion = 0;
    for (int plane = 0; plane < 3; plane++) {
        int log2, count = dfy_transforms(&c->block, plane, &log2), shift = plane > 0;
        c->block.coded[plane] = 0;
        for (int i = 0; i < count; i++) {
            int x, y;
            dfy_transform_place(&c->block, i, &x, &y);
            ptrdiff_t stride = dfy_stride_of(plane),
                      at = ((y - c->block.y) >> shift) * stride + ((x - c->block.x) >> shift);
            DfyTransform t = {.plane = plane,
                              .x = x >> shift,
                              .y = y >> shift,
                              .log2 = log2,
                              .shape = dfy_transform_shape(&c->block, plane),
                              .predicted = dfy_plane_of(&d->predicted, plane) + at,
                              .predicted_stride = stride,
                              .out = dfy_plane_of(&c->pixels, plane) + at,
                              .out_stride = stride,
                              .levels = c->coefficients + dfy_transform_offset(&c->block, i, plane)};
            cost += dfy_code_transform(d, &t);
            if (cost >= limit) return 0;
            if (t.bits) c->block.coded[plane] |= (uint8_t)(1 << i);
            *total += t.bits;
            c->distortion += t.error;
        }
    }
    return 1;
}

/* ---------------------------------------------------------------- candidates */

void dfy_keep_better(DfyDecider *d, const DfyPixels *pixels, DfyCandidate *best) {
    if (d->trial.cost >= best->cost) return;
    best->block = d->trial.block;
    best->cost = d->trial.cost;
    best->distortion = d->trial.distortion;
    int side = 1 << best->block.log2;
    copy_block(best->pixels.luma, 64, pixels->luma, 64, side);
    for (int p = 0; p < 2; p++) copy_block(best->pixels.chroma[p], 32, pixels->chroma[p], 32, side / 2);
    if (dfy_any_coded(&best->block)) dfy_move_coefficients(&best->block, best->coefficients, d->trial.coefficients);
}

void dfy_try_skip(DfyDecider *d, const DfyBlock *block, DfyCandidate *best) {
    d->trial.block = *block;
    d->trial.block.kind = DFY_SKIP;
    d->trial.block.split = 0;
    memset(d->trial.block.coded, 0, 3);
    d->trial.distortion = 0;
    for (int p = 0; p < 3; p++) d->trial.distortion += dfy_plane_error(d, block, p, dfy_plane_of(&d->predicted, p));
    d->trial.cost = dfy_cost(d->trial.distortion, d->lambda, dfy_syntax_bits(d, &d->trial.block));
    dfy_keep_better(d, &d->predicted, best);
}

/* Rate in 1/256 bits of a residual below which splitting its transform is not tried. */
#define WORTH_SPLITTING (32 * 256)

void dfy_try_inter(DfyDecider *d, const DfyBlock *block, DfyCandidate *best) {
    if (block->part == DFY_PART_WHOLE && block->merge[0]) dfy_try_skip(d, block, best);
    int splits = block->log2 == 6 ? 2 : d->effort->transform_split ? 2 : 1;
    for (int split = block->log2 == 6; split < splits; split++) {
        d->trial.block = *block;
        d->trial.block.kind = DFY_INTER;
        d->trial.block.split = (uint8_t)split;
        uint64_t bits;
        if (!code_inter_planes(d, &d->trial, best->cost, &bits)) return;
        if (!dfy_any_coded(&d->trial.block)) {
            if (block->part == DFY_PART_WHOLE && block->merge[0]) return; /* that is skip, measured above */
            d->trial.block.split = 0;
        }
        d->trial.cost = dfy_cost(d->trial.distortion, d->lambda, bits + dfy_syntax_bits(d, &d->trial.block));
        dfy_keep_better(d, &d->trial.pixels, best);
        if (bits < WORTH_SPLITTING) return;
    }
}
