/* How a block is predicted from its neighbours in the picture. */
#include "video/encode/decide/decider.h"

static uint32_t mode_bits(DfyDecider *d, int mode, const uint8_t probable[DFY_MOST_PROBABLE_MODES], int small) {
    const DfyContexts *c = d->picture->contexts;
    uint32_t bits = dfy_bit_cost(&c->intra_probable[small], 1);
    for (int i = 0; i < DFY_MOST_PROBABLE_MODES; i++) {
        const DfyBit *which = &c->intra_which[i];
        if (mode == probable[i]) return bits + (i < DFY_MOST_PROBABLE_MODES - 1 ? dfy_bit_cost(which, 0) : 0);
        bits += dfy_bit_cost(which, 1);
    }
    return dfy_bit_cost(&c->intra_probable[small], 0) + 5 * 256;
}

typedef struct Ranked {
    int64_t cost;
    int mode;
} Ranked;

/* A block whose modes are being ranked. */
typedef struct Ranking {
    DfyDecider *d;
    const DfyIntraBorder *border;
    uint8_t probable[DFY_MOST_PROBABLE_MODES];
    int x, y, log2, small;
    uint64_t seen; /* modes, a bit each */
    Ranked *ranked;
    int count, most;
} Ranking;

/* The border of the whole block at hand in one plane. */
static const DfyIntraBorder *border_of(DfyDecider *d, int plane, int x, int y, int log2) {
    if (!d->has_border[plane]) dfy_intra_border(d->picture, plane, x, y, log2, &d->borders[plane]);
    d->has_border[plane] = 1;
    return &d->borders[plane];
}

static void rank_mode(Ranking *r, int mode) {
    uint8_t pixels[32 * 32];
    DfyDecider *d = r->d;
    int side = 1 << r->log2;
    if (mode < 0 || mode >= DFY_INTRA_MODES || r->seen >> mode & 1) return;
    r->seen |= (uint64_t)1 << mode;
    dfy_predict_mode(d->picture->kernels, r->border, 0, r->log2, mode, pixels, side);
    uint32_t satd =
        d->picture->kernels->satd(dfy_source_at(d, 0, r->x, r->y), dfy_source_stride(d, 0), pixels, side, side, side);
    int64_t cost = dfy_cost(satd, d->lambda_absolute, mode_bits(d, mode, r->probable, r->small));
    int at = r->count < r->most ? r->count++ : r->most;
    while (at > 0 && cost < r->ranked[at - 1].cost) {
        if (at < r->most) r->ranked[at] = r->ranked[at - 1];
        at--;
    }
    if (at < r->most) r->ranked[at] = (Ranked){cost, mode};
}

/*
 * The most promising modes of a block by Hadamard difference, best first: the probable ones (planar and DC always are)
 * and every fourth direction (eighth, or none for 4x4, where the effort says so), then the neighbours of the best.
 * Stops early, with none, when even the best of the first is far worse than `limit`.
 */
static int rank_modes(DfyDecider *d, int x, int y, int log2, int small, Ranked *ranked, int most, int64_t limit) {
    DfyIntraBorder own;
    Ranking r = {.d = d, .x = x, .y = y, .log2 = log2, .small = small, .ranked = ranked, .most = most, .border = &own};
    dfy_most_probable_modes(d->picture, x, y, r.probable);
    if (small)
        dfy_intra_border(d->picture, 0, x, y, log2, &own);
    else
        r.border = border_of(d, 0, x, y, log2);
    for (int i = 0; i < DFY_MOST_PROBABLE_MODES; i++) rank_mode(&r, r.probable[i]);
    int coarse = d->effort->coarse_intra, step = d->effort->intra_step;
    for (int mode = 2; mode < DFY_INTRA_MODES && !(coarse && small); mode += step) rank_mode(&r, mode);
    if (ranked[0].cost / 2 > limit) return 0;
    for (step = d->effort->intra_step / 2; step >= 1; step /= 2) {
        int best = ranked[0].mode;
        if (best < 2) break;
        rank_mode(&r, best - step < 2 ? 2 : best - step);
        rank_mode(&r, best + step);
    }
    return r.count;
}

/* What a mode may cost at first and still be worth a second look, when the best so far costs that much. */
static int64_t quarter_more(int64_t cost) {
    return cost == INT64_MAX ? cost : cost + cost / 4;
}

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/*
 * Predicts and codes every transform of the block in place; pixels end up in the frame. Gives up at `limit`, with a
 * cost of INT64_MAX.
 */
static void measure_intra(DfyDecider *d, DfyBlock *block, int choose_modes, int64_t limit) {
    DfyPictureCoding *p = d->picture;
    uint64_t bits = 0, distortion = 0;
    int64_t cost = 0;
    DfyCandidate *c = &d->trial;
    c->block = *block;
    for (int plane = 0; plane < 3; plane++) {
        int log2, count = dfy_transforms(block, plane, &log2), shift = plane > 0;
        DfyPlane *out = &p->frame->plane[plane];
        c->block.coded[plane] = 0;
        for (int i = 0; i < count; i++) {
            int x, y;
            dfy_transform_place(block, i, &x, &y);
            int px = x >> shift, py = y >> shift, which = block->log2 == 3 && block->split ? i : 0;
            uint8_t predicted[32 * 32];
            if (plane == 0 && choose_modes && log2 == 2) {
                Ranked ranked[2];
                rank_modes(d, x, y, 2, 1, ranked, 1, INT64_MAX);
                c->block.intra[which] = (uint8_t)ranked[0].mode;
                p->modes[(y >> 2) * p->stride8 * 2 + (x >> 2)] = c->block.intra[which];
            }
            int mode = plane ? dfy_chroma_mode(&c->block) : c->block.intra[which];
            DfyPart shape = dfy_transform_shape(block, plane);
            if (shape)
                dfy_predict_half(p, block, i, mode, predicted, 1 << log2);
            else if (block->split)
                dfy_predict_intra(p, plane, px, py, log2, mode, predicted, 1 << log2);
            else
                dfy_predict_mode(p->kernels, border_of(d, plane, px, py, log2), plane, log2, mode, predicted,
                                 1 << log2);
            DfyTransform t = {.plane = plane,
                              .x = px,
                              .y = py,
                              .log2 = log2,
                              .shape = shape,
                              .intra = 1,
                              .kinds = dfy_transform_has_kinds(block, plane, log2),
                              .predicted = predicted,
                              .predicted_stride = 1 << log2,
                              .out = out->pixels + py * out->stride + px,
                              .out_stride = out->stride,
                              .levels = c->coefficients + dfy_transform_offset(block, i, plane)};
            cost += dfy_code_transform(d, &t);
            if (cost >= limit) {
                c->cost = INT64_MAX;
                return;
            }
            if (t.bits) c->block.coded[plane] |= (uint8_t)(1 << i);
            if (t.kind == DFY_DST) c->block.dst |= (uint8_t)(1 << i);
            bits += t.bits;
            distortion += t.error;
        }
    }
    c->distortion = distortion;
    c->cost = dfy_cost(distortion, d->lambda, bits + dfy_syntax_bits(d, &c->block));
}

/* Keeps the block as measured, whose pixels lie in the frame, where it costs less. */
static void keep_intra(DfyDecider *d, const DfyBlock *block, DfyCandidate *best) {
    if (d->trial.cost >= best->cost) return;
    dfy_frame_to_pixels(d, block, &d->trial.pixels);
    dfy_keep_better(d, &d->trial.pixels, best);
}

/* Whether a block's best mode is so far from it that a low effort goes on to smaller ones at once. */
static int is_hopeless(const DfyDecider *d, const DfyBlock *block, const Ranked *ranked) {
    int64_t pixels = (int64_t)1 << (2 * block->log2), most = d->effort->hopeless_intra;
    return most && block->log2 > 3 && !d->picture->reference_count &&
           ranked->cost > most * d->lambda_absolute * pixels / 16;
}

void dfy_try_intra(DfyDecider *d, DfyBlock block, DfyCandidate *best, int64_t inter_absolute) {
    int plain = d->effort->plain_intra && d->picture->reference_count;
    if (block.log2 > 5 || (plain && block.log2 == 3 && d->picture->picture_class == 2)) return;
    memset(d->has_border, 0, sizeof d->has_border);
    block.kind = DFY_INTRA;
    block.motion[0] = block.motion[1] = (DfyMotion){.reference = {-1, -1}};
    Ranked ranked[8];
    int tries = d->effort->intra_tries,
        count = rank_modes(d, block.x, block.y, block.log2, 0, ranked, tries, inter_absolute);
    if (!count || is_hopeless(d, &block, ranked)) return;
    int64_t allowance = inter_absolute / d->effort->intra_slack;
    if (ranked[0].cost > inter_absolute + allowance && d->picture->reference_count) return;
    int best_mode = ranked[0].mode;
    int64_t best_cost = INT64_MAX;
    for (int i = 0; i < count; i++) {
        block.split = 0;
        block.intra[0] = block.intra[1] = block.intra[2] = block.intra[3] = (uint8_t)ranked[i].mode;
        measure_intra(d, &block, 0, least(best_cost, quarter_more(best->cost)));
        if (d->trial.cost < best_cost) {
            best_cost = d->trial.cost;
            best_mode = ranked[i].mode;
        }
        keep_intra(d, &block, best);
    }
    block.intra[0] = block.intra[1] = block.intra[2] = block.intra[3] = (uint8_t)best_mode;
    if (best_cost > quarter_more(best->cost)) return;
    for (int chroma = 1; chroma <= 4 && d->effort->chroma_modes; chroma++) {
        block.intra_chroma = (uint8_t)chroma;
        if (dfy_chroma_mode(&block) == best_mode) continue;
        measure_intra(d, &block, 0, quarter_more(best->cost));
        keep_intra(d, &block, best);
    }
    block.intra_chroma = best->block.kind == DFY_INTRA ? best->block.intra_chroma : 0;
    for (int part = DFY_PART_ROWS; part <= DFY_PART_COLUMNS && d->effort->intra_halves; part++) {
        block.part = (uint8_t)part;
        measure_intra(d, &block, 0, best->cost);
        keep_intra(d, &block, best);
    }
    block.part = DFY_PART_WHOLE;
    if (d->effort->transform_split || (block.log2 == 3 && !plain)) {
        block.split = 1;
        measure_intra(d, &block, block.log2 == 3, best->cost);
        keep_intra(d, &block, best);
    }
}
