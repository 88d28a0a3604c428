/* The walker: superblocks, the quadtree, and what a block says of itself. Written once for reading and writing. */
#include <string.h>

#include "video/syntax/picture.h"

static const DfyBlock8 *block8_at(const DfyPictureCoding *picture, int x, int y, int nx, int ny) {
    return dfy_available(picture, x, y, nx, ny) ? &picture->blocks8[(ny >> 3) * picture->stride8 + (nx >> 3)] : NULL;
}

/* How many of the two are of a kind. */
static int both_of(const DfyBlock8 *left, const DfyBlock8 *above, DfyBlockKind kind) {
    return (left && left->kind == kind) + (above && above->kind == kind);
}

void dfy_code_split(const DfyPictureCoding *picture, DfyRangeCoder *coder, int x, int y, int log2, int *split) {
    int side = 1 << log2;
    if (log2 == 3) {
        *split = 0;
        return;
    }
    if (x + side > picture->width || y + side > picture->height) {
        *split = 1; /* a block never sticks out of the picture */
        return;
    }
    const DfyBlock8 *left = block8_at(picture, x, y, x - 1, y), *above = block8_at(picture, x, y, x, y - 1);
    int context = (left && left->log2 < log2) + (above && above->log2 < log2);
    if (context == 2 && left->log2 + above->log2 <= 2 * log2 - 4) context = 3;
    DfyBit(*models)[4] = picture->contexts->split[picture->model_class][log2 - 4];
    *split = dfy_code_bit(coder, &models[dfy_past(picture, x, y, log2).busy][context], *split);
}

/* ---------------------------------------------------------------- motion */

static int16_t code_component(DfyRangeCoder *coder, DfyContexts *c, int axis, int other_zero, int from_zero,
                              int value) {
    if (dfy_code_bit(coder, &c->vector_zero[axis][other_zero], value == 0)) return 0;
    int magnitude = 1 + (int)dfy_code_golomb(coder, c->vector_size[axis][from_zero], 0,
                                             (uint32_t)((value < 0 ? -value : value) - 1));
    int negative = (int)dfy_code_raw(coder, 1, value < 0);
    return (int16_t)(negative ? -magnitude : magnitude);
}

static void code_vector(DfyWalk *walk, DfyBlock *block, int part, int direction) {
    DfyPictureCoding *picture = walk->picture;
    DfyMotion *motion = &block->motion[part];
    int16_t predictors[2][2];
    dfy_vector_predictors(picture, block, part, motion->reference[direction], predictors);
    uint8_t *which = &block->predictor[part][direction];
    if (memcmp(predictors[0], predictors[1], sizeof predictors[0]))
        *which = (uint8_t)dfy_code_bit(walk->coder, &picture->contexts->predictor[0], *which);
    else
        *which = 0;
    const int16_t *from = predictors[*which];
    int16_t *mv = motion->mv[direction];
    int from_zero = !from[0] && !from[1];
    int dx = code_component(walk->coder, picture->contexts, 0, 0, from_zero, mv[0] - from[0]);
    int dy = code_component(walk->coder, picture->contexts, 1, dx == 0, from_zero, mv[1] - from[1]);
    mv[0] = (int16_t)(from[0] + dx);
    mv[1] = (int16_t)(from[1] + dy);
}

static void code_reference(DfyWalk *walk, int which, int8_t *reference) {
    DfyPictureCoding *picture = walk->picture;
    *reference = (int8_t)dfy_code_unary(walk->coder, picture->contexts->reference[picture->model_class][which],
                                        picture->reference_count - 1, *reference);
}

static void code_merge_index(DfyWalk *walk, DfyBlock *block, int part) {
    DfyPictureCoding *picture = walk->picture;
    DfyMotion candidates[DFY_MERGE_CANDIDATES];
    DfyConsensus consensus;
    int count = dfy_merge_candidates(picture, block, part, candidates, DFY_MERGE_CANDIDATES, &consensus), index = 0;
    DfyBit(*models)[DFY_MERGE_CANDIDATES] =
        picture->contexts->merge_index[picture->model_class][block->kind == DFY_SKIP][walk->past.still][consensus];
    while (index < count - 1 &&
           dfy_code_bit(walk->coder,
                        &models[candidates[index].global ? 2 : dfy_stands_still(&candidates[index])][index],
                        index < block->merge_index[part]))
        index++;
    block->merge_index[part] = (uint8_t)index;
    block->motion[part] = candidates[index];
}

static void code_part(DfyWalk *walk, DfyBlock *block, int part) {
    DfyPictureCoding *picture = walk->picture;
    DfyContexts *c = picture->contexts;
    int size = block->log2 - 3;
    block->merge[part] = (uint8_t)dfy_code_bit(walk->coder, &c->merge[size], block->merge[part]);
    if (block->merge[part]) {
        code_merge_index(walk, block, part);
        return;
    }
    DfyMotion *motion = &block->motion[part];
    int two = motion->reference[1] >= 0;
    two = dfy_code_bit(walk->coder, &c->two_references[picture->model_class][size], two);
    if (walk->coder->mode == DFY_DECODE) *motion = (DfyMotion){.reference = {0, (int8_t)(two ? 0 : -1)}};
    for (int d = 0; d <= two; d++) {
        code_reference(walk, two + d, &motion->reference[d]);
        code_vector(walk, block, part, d);
    }
}

/* ---------------------------------------------------------------- intra */

/* The mode number `rest` of those not in the list; one beyond the last is the last. */
static int nth_remaining_mode(const uint8_t probable[DFY_MOST_PROBABLE_MODES], int rest) {
    uint64_t taken = 0;
    for (int i = 0; i < DFY_MOST_PROBABLE_MODES; i++) taken |= (uint64_t)1 << probable[i];
    int last = 0;
    for (int mode = 0; mode < DFY_INTRA_MODES; mode++) {
        if (taken >> mode & 1) continue;
        last = mode;
        if (!rest--) break;
    }
    return last;
}

static void code_luma_mode(DfyWalk *walk, DfyBlock *block, int which) {
    DfyPictureCoding *picture = walk->picture;
    DfyContexts *c = picture->contexts;
    int x = block->x + (which & 1) * 4, y = block->y + (which >> 1) * 4;
    uint8_t probable[DFY_MOST_PROBABLE_MODES], *mode = &block->intra[which];
    int place = 0;
    dfy_most_probable_modes(picture, x, y, probable);
    while (place < DFY_MOST_PROBABLE_MODES && probable[place] != *mode) place++;
    if (dfy_code_bit(walk->coder, &c->intra_probable[block->log2 == 3], place < DFY_MOST_PROBABLE_MODES)) {
        *mode = probable[dfy_code_unary(walk->coder, c->intra_which, DFY_MOST_PROBABLE_MODES - 1, place)];
    } else {
        int rest = *mode; /* its number among the modes that are not most probable */
        for (int i = 0; i < DFY_MOST_PROBABLE_MODES; i++) rest -= probable[i] < *mode;
        rest = (int)dfy_code_tree(walk->coder, c->intra_rest, 5, (uint32_t)rest);
        *mode = (uint8_t)nth_remaining_mode(probable, rest);
    }
    /* Later blocks of a split block look at the earlier ones. */
    picture->modes[(y >> 2) * picture->stride8 * 2 + (x >> 2)] = *mode;
}

static void code_intra(DfyWalk *walk, DfyBlock *block) {
    DfyContexts *c = walk->picture->contexts;
    block->split = block->log2 == 6 || dfy_code_bit(walk->coder, &c->transform_split[1][block->log2 - 3], block->split);
    int modes = block->log2 == 3 && block->split ? 4 : 1;
    if (block->split)
        block->part = DFY_PART_WHOLE;
    else
        block->part = (uint8_t)dfy_code_unary(
            walk->coder, c->intra_part[walk->picture->reference_count > 0][block->log2 - 3], 2, block->part);
    for (int i = 0; i < modes; i++) code_luma_mode(walk, block, i);
    if (dfy_code_bit(walk->coder, &c->chroma_same[0], block->intra_chroma == 0))
        block->intra_chroma = 0;
    else
        block->intra_chroma =
            (uint8_t)(1 + dfy_code_tree(walk->coder, c->chroma_mode, 2, (uint32_t)(block->intra_chroma - 1)));
}

/* ---------------------------------------------------------------- residual */

static void code_qp(DfyWalk *walk, DfyBlock *block) {
    DfyContexts *c = walk->picture->contexts;
    if (walk->picture->variable_qp && walk->qp_pending) {
        int delta = dfy_code_signed(walk->coder, c->qp_delta, DFY_MAX_QP, &c->qp_sign, block->qp - walk->qp);
        walk->qp = dfy_clamp(walk->qp + delta, 0, DFY_MAX_QP);
        walk->qp_pending = 0;
    }
    block->qp = (uint8_t)walk->qp;
}

static void code_coefficients(DfyWalk *walk, DfyBlock *block) {
    DfyContexts *c = walk->picture->contexts;
    int intra = block->kind == DFY_INTRA;
    for (int plane = 0; plane < 3; plane++) {
        DfyPart shape = dfy_transform_shape(block, plane);
        int log2, count = dfy_transforms(block, plane, &log2);
        uint8_t coded = 0, dst = 0;
        for (int i = 0; i < count; i++) {
            int bit = block->coded[plane] >> i & 1;
            int which = plane == 2 ? 1 + (block->coded[1] >> i & 1) : 0;
            DfyBit *model = plane ? &c->coded_chroma[which][block->coded[0] != 0][log2 - 2]
                                  : &c->coded_luma[intra][block->split || shape][log2 - 2];
            /* A block that has a residual, in none of its chroma or earlier luma transforms, has it here. */
            if (!dfy_code_bit(walk->coder, model, bit)) continue;
            coded |= (uint8_t)(1 << i);
            if (!walk->coefficients) continue; /* measuring a block whose coefficients were measured apart */
            if (dfy_transform_has_kinds(block, plane, log2))
                dst |= (uint8_t)(dfy_code_bit(walk->coder, &c->dst[log2 - 2], block->dst >> i & 1) << i);
            int16_t *levels = walk->coefficients + dfy_transform_offset(block, i, plane);
            if (walk->coder->mode == DFY_DECODE) memset(levels, 0, sizeof *levels << (2 * log2 - (shape > 0)));
            dfy_code_residual(walk->coder, &c->residual[plane > 0][intra], levels, log2, shape);
        }
        block->coded[plane] = coded;
        if (plane == 0 && walk->coefficients) block->dst = dst;
    }
}

static void code_inter(DfyWalk *walk, DfyBlock *block) {
    DfyContexts *c = walk->picture->contexts;
    int size = block->log2 - 3;
    if (block->log2 > 3)
        block->part = (uint8_t)dfy_code_unary(walk->coder, c->part[size], 2, block->part);
    else
        block->part = DFY_PART_WHOLE;
    for (int part = 0; part < dfy_part_count(block); part++) code_part(walk, block, part);
    if (block->part == DFY_PART_WHOLE) block->motion[1] = block->motion[0];
    block->intra[0] = DFY_DC;
}

static void code_kind(DfyWalk *walk, DfyBlock *block) {
    DfyPictureCoding *picture = walk->picture;
    DfyContexts *c = picture->contexts;
    if (picture->reference_count == 0) {
        block->kind = DFY_INTRA;
        return;
    }
    const DfyBlock8 *left = block8_at(picture, block->x, block->y, block->x - 1, block->y);
    const DfyBlock8 *above = block8_at(picture, block->x, block->y, block->x, block->y - 1);
    int class = picture->model_class, intras = both_of(left, above, DFY_INTRA);
    walk->past = dfy_past(picture, block->x, block->y, block->log2);
    DfyBit *skip = c->skip[class][block->log2 - 3][walk->past.busy][intras > 0];
    if (dfy_code_bit(walk->coder, &skip[both_of(left, above, DFY_SKIP)], block->kind == DFY_SKIP))
        block->kind = DFY_SKIP;
    else
        block->kind =
            dfy_code_bit(walk->coder, &c->intra[class][intras], block->kind == DFY_INTRA) ? DFY_INTRA : DFY_INTER;
}

void dfy_walk_block(DfyWalk *walk, DfyBlock *block) {
    DfyPictureCoding *picture = walk->picture;
    DfyContexts *c = picture->contexts;
    int size = block->log2 - 3, residual = 1;
    code_kind(walk, block);
    if (block->kind == DFY_SKIP) {
        block->part = DFY_PART_WHOLE;
        block->merge[0] = 1;
        code_merge_index(walk, block, 0);
        block->motion[1] = block->motion[0];
        residual = 0;
    } else if (block->kind == DFY_INTRA) {
        block->motion[0] = block->motion[1] = (DfyMotion){.reference = {-1, -1}};
        code_intra(walk, block);
    } else {
        code_inter(walk, block);
    }
    if (residual) {
        int merged = block->part == DFY_PART_WHOLE && block->merge[0]; /* without a residual it could be skipped */
        DfyBit *any = c->residual_any[block->kind == DFY_INTRA ? 2 : merged];
        residual = dfy_code_bit(walk->coder, &any[size], dfy_any_coded(block));
    }
    if (!residual) {
        if (block->kind != DFY_INTRA) block->split = 0;
        block->coded[0] = block->coded[1] = block->coded[2] = 0;
        block->qp = (uint8_t)picture->qp;
        return;
    }
    if (block->kind == DFY_INTER)
        block->split = block->log2 == 6 || dfy_code_bit(walk->coder, &c->transform_split[0][size], block->split);
    code_qp(walk, block);
    code_coefficients(walk, block);
}

/* ---------------------------------------------------------------- the tree */

static void walk_tree(DfyWalk *walk, int x, int y, int log2) {
    DfyPictureCoding *picture = walk->picture;
    if (x >= picture->width || y >= picture->height) return;
    int writing = walk->coder->mode != DFY_DECODE;
    int split = writing ? walk->next->log2 < log2 : 0;
    if (log2 >= DFY_QUANT_GROUP_LOG2) walk->qp_pending = 1;
    dfy_code_split(picture, walk->coder, x, y, log2, &split);
    if (split) {
        int half = 1 << (log2 - 1);
        for (int i = 0; i < 4; i++) walk_tree(walk, x + (i & 1) * half, y + (i >> 1) * half, log2 - 1);
        return;
    }
    DfyBlock block;
    if (writing) {
        block = *walk->next++;
    } else {
        memset(&block, 0, sizeof block);
        block.x = (uint16_t)x;
        block.y = (uint16_t)y;
        block.log2 = (uint8_t)log2;
    }
    dfy_walk_block(walk, &block);
    if (!writing) dfy_picture_note(picture, &block); /* what is written was noted when it was decided */
    if (walk->block_done) walk->block_done(walk, &block);
}

void dfy_walk_superblock(DfyWalk *walk, int column, int row) {
    walk_tree(walk, column * DFY_SUPERBLOCK, row * DFY_SUPERBLOCK, 6);
}
