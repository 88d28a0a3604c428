#include "video/encode/decide/superblock.h"

#include <math.h>
#include <stdlib.h>

#include "video/encode/decide/decider.h"
#include "video/syntax/tiles.h"

DfyDecider *dfy_decider_new(void) {
    return calloc(1, sizeof(DfyDecider));
}
void dfy_decider_free(DfyDecider *decider) {
    free(decider);
}

/*
 * The usual exponential in the quantiser; pictures that others lean on deserve a smaller factor. On 97 frames of delta,
 * car and franka 0.5, 0.75, 1.5, beside which these lie, took 1.4 % fewer bytes at equal luma (0.1 with colour) than
 * 0.5, 1, 1.75; it is the second factor that matters. On 300 frames less is gained.
 */
static double lambda_factor(int picture_class) {
    static const double factors[DFY_PICTURE_CLASSES] = {0.52, 0.77, 1.6};
    return factors[picture_class];
}

uint32_t dfy_lambda(int qp, int picture_class) {
    return (uint32_t)(256 * lambda_factor(picture_class) * pow(2, (qp - 12) / 3.0) + 0.5);
}

uint32_t dfy_lambda_absolute(int qp, int picture_class) {
    return (uint32_t)(256 * sqrt(lambda_factor(picture_class) * pow(2, (qp - 12) / 3.0)) + 0.5);
}

static void set_quantiser(DfyDecider *d, int qp) {
    d->qp = qp;
    d->noise[0] = pow(2, (qp - 4) / 3.0);
    d->noise[1] = pow(2, (dfy_chroma_qp(qp) - 4) / 3.0);
    d->lambda = dfy_lambda(qp, d->picture->picture_class);
    d->lambda_absolute = dfy_lambda_absolute(qp, d->picture->picture_class);
}

/* ---------------------------------------------------------------- what stands still */

/* Whether every 8x8 block of the superblock is as near to a frame as quantising would leave it. */
static int is_quiet_beside(const DfyDecider *d, const DfyFrame *frame, int x, int y) {
    static const double factors[DFY_PICTURE_CLASSES] = {0.4, 0.85, 0.85};
    for (int plane = 0; plane < 3; plane++) {
        const DfyPlane *p = &frame->plane[plane];
        int shift = plane > 0;
        if (!dfy_is_near(d, plane, x >> shift, y >> shift, DFY_SUPERBLOCK >> shift, 8,
                         p->pixels + (y >> shift) * p->stride + (x >> shift), p->stride,
                         dfy_quiet_error(d, factors, plane)))
            return 0;
    }
    return 1;
}

/* The finest of the superblock's quantisers: what is quiet enough for it is for all. */
static int finest(const DfyDecider *d) {
    int qp = d->qps[0];
    for (int i = 1; i < 4; i++) qp = dfy_min(qp, d->qps[i]);
    return qp;
}

/*
 * A superblock that shows what a reference shows at the same place is that reference's tile once more, and nothing else
 * is tried: it stays the same to the bit, for the next pictures too. Returns whether it is one.
 */
static int decide_still(DfyDecider *d, int x, int y) {
    DfyPictureCoding *p = d->picture;
    if (!d->effort->still_first || !p->reference_count || x + DFY_SUPERBLOCK > p->width ||
        y + DFY_SUPERBLOCK > p->height)
        return 0;
    DfyMotion list[DFY_MERGE_CANDIDATES];
    DfyConsensus consensus;
    int column = x / DFY_SUPERBLOCK, row = y / DFY_SUPERBLOCK, tile = row * p->columns + column;
    DfyBlock block = dfy_new_block(x, y, 6);
    set_quantiser(d, finest(d));
    block.kind = DFY_SKIP;
    block.qp = (uint8_t)p->qp; /* as the walker has it for blocks without a residual */
    block.merge[0] = 1;
    int count = dfy_merge_candidates(p, &block, 0, list, DFY_MERGE_CANDIDATES, &consensus);
    for (int i = 0; i < count; i++) {
        if (!dfy_stands_still(&list[i])) continue;
        block.merge_index[0] = (uint8_t)i;
        block.motion[0] = block.motion[1] = list[i];
        uint64_t identity = dfy_still_tile(p, &block, tile);
        if (!identity) continue; /* the mean of two that differ, or a weighted one */
        const DfyFrame *from = p->references[list[i].reference[0]];
        if (!is_quiet_beside(d, from, x, y)) return 0;
        if (p->before[tile] != identity) dfy_copy_tile(p->frame, from, column, row);
        dfy_picture_note(p, &block);
        d->plan->blocks[d->plan->count++] = block;
        return 1;
    }
    return 0;
}

/* ---------------------------------------------------------------- the tree */

/* Rate in 1/256 bits of a whole block that its quarters will not beat by much. */
#define HARDLY_ANY (10 * 256)

static uint64_t split_bits(DfyDecider *d, int x, int y, int log2, int split) {
    DfyRangeCoder measure = {.mode = DFY_MEASURE};
    dfy_code_split(d->picture, &measure, x, y, log2, &split);
    return measure.cost;
}

#define SURE_OF_SPLIT 49 /* 1/256 bits that a split takes when it has 7/8 */

/* Whether the whole block is only tried as a merged one, since the models are sure that it will be split. */
static int will_be_split(DfyDecider *d, int x, int y, int log2) {
    return d->effort->guess_splits && log2 > 3 && d->picture->reference_count &&
           split_bits(d, x, y, log2, 1) < SURE_OF_SPLIT;
}

/* Everything but merging. */
static void try_all(DfyDecider *d, DfyBlock block, DfyCandidate *best, int64_t absolute) {
    if (d->picture->reference_count) {
        int64_t found = dfy_try_motion(d, block, DFY_PART_WHOLE, absolute, best);
        if (found < absolute) absolute = found;
        if (d->effort->parts && block.log2 > 3 && best->block.kind != DFY_SKIP) {
            dfy_try_motion(d, block, DFY_PART_ROWS, absolute, best);
            dfy_try_motion(d, block, DFY_PART_COLUMNS, absolute, best);
        }
    }
    if (best->cost == INT64_MAX || dfy_any_coded(&best->block)) dfy_try_intra(d, block, best, absolute);
}

/* Finds the best way to code the block whole, into best[log2 - 3]; returns whether its quarters need not be tried. */
static int decide_leaf(DfyDecider *d, int x, int y, int log2) {
    DfyCandidate *best = &d->best[log2 - 3];
    DfyBlock block = dfy_new_block(x, y, log2);
    block.qp = (uint8_t)d->qp;
    best->cost = INT64_MAX;
    int64_t absolute = INT64_MAX / 4;
    if (d->picture->reference_count && dfy_try_merge(d, block, best, &absolute)) return 1;
    if (!will_be_split(d, x, y, log2))
        try_all(d, block, best, absolute);
    else /* its quarters begin to search where it would have */
        memcpy(d->parent_vectors[log2 - 3], d->parent_vectors[log2 - 2], sizeof d->parent_vectors[0]);
    if (best->cost == INT64_MAX) return 0; /* an intra picture's 64x64 */
    int64_t rate_cost = best->cost - (int64_t)(best->distortion << 8);
    if (log2 == 4 && d->picture->reference_count &&
        rate_cost < dfy_cost(0, d->lambda, (uint64_t)d->effort->worth_quarters * 256))
        return 1;
    return d->effort->uneven && rate_cost < dfy_cost(0, d->lambda, HARDLY_ANY) &&
           dfy_is_even(d, best, d->effort->uneven);
}

static void accept(DfyDecider *d, const DfyCandidate *c) {
    dfy_pixels_to_frame(d, &c->block, (DfyPixels *)(uintptr_t)&c->pixels);
    if (dfy_any_coded(&c->block)) dfy_move_coefficients(&c->block, d->plan->coefficients, c->coefficients);
    dfy_picture_note(d->picture, &c->block);
    d->plan->blocks[d->plan->count++] = c->block;
}

static int64_t decide_tree(DfyDecider *d, int x, int y, int log2) {
    int side = 1 << log2;
    if (x >= d->picture->width || y >= d->picture->height) return 0;
    if (log2 == DFY_QUANT_GROUP_LOG2) set_quantiser(d, d->qps[(y >> 5 & 1) * 2 + (x >> 5 & 1)]);
    if (log2 > DFY_QUANT_GROUP_LOG2) set_quantiser(d, d->qps[0]);
    int fits = x + side <= d->picture->width && y + side <= d->picture->height, done = 0;
    int64_t whole = INT64_MAX;
    DfyCandidate *leaf = &d->best[log2 - 3];
    if (fits) {
        done = decide_leaf(d, x, y, log2);
        if (leaf->cost < INT64_MAX) whole = leaf->cost + dfy_cost(0, d->lambda, split_bits(d, x, y, log2, 0));
        if (log2 == 3 || done) {
            accept(d, leaf);
            return whole;
        }
    } else {
        memset(d->parent_vectors[log2 - 3], 0, sizeof d->parent_vectors[0]);
    }
    int first = d->plan->count, half = side / 2;
    int64_t parts = fits ? dfy_cost(0, d->lambda, split_bits(d, x, y, log2, 1)) : 0;
    for (int i = 0; i < 4 && parts < whole; i++)
        parts += decide_tree(d, x + (i & 1) * half, y + (i >> 1) * half, log2 - 1);
    if (parts < whole) return parts;
    d->plan->count = first;
    accept(d, leaf);
    return whole;
}

void dfy_decide_superblock(DfyDecider *d, DfyPictureCoding *picture, const DfyFrame *source, const DfyEffort *effort,
                           const DfyLevelRates (*rates)[2], int column, int row, const uint8_t qp[4], DfyPlan *plan) {
    d->rates = rates;
    d->picture = picture;
    d->source = source;
    d->effort = effort->thorough_intra && !picture->reference_count ? dfy_effort(9) : effort;
    d->plan = plan;
    d->qps = qp;
    plan->count = 0;
    memset(d->parent_vectors[4], 0, sizeof d->parent_vectors[4]);
    if (!decide_still(d, column * DFY_SUPERBLOCK, row * DFY_SUPERBLOCK))
        decide_tree(d, column * DFY_SUPERBLOCK, row * DFY_SUPERBLOCK, 6);
}
