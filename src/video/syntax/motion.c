/*
 * Guesses at a block's motion: from its neighbours, from the same place in another picture, and standing still.
 * The lists follow the spirit of HEVC's merge mode and vector prediction (Rec. H.265 8.5.3.2) with still candidates
 * for every reference, the plate among them, since in a fixed view nearly every block stands still.
 */
#include <string.h>

#include "video/syntax/picture.h"

static const DfyMotion *motion_at(const DfyPictureCoding *picture, int x, int y) {
    return &picture->frame->motion[(y >> 3) * picture->frame->motion_stride + (x >> 3)];
}

/* Whether the place lies in the other half, the first, of the block whose second half is r. */
static int in_first_half(const DfyBlock *block, const int r[4], int x, int y) {
    return x >= block->x && y >= block->y && x < r[0] + r[2] && y < r[1] + r[3] && (x < r[0] || y < r[1]);
}

/* The five neighbours of a part, left before above; NULL where there is none with motion. */
static void neighbours(const DfyPictureCoding *picture, const DfyBlock *block, const int r[4],
                       const DfyMotion *found[5]) {
    int left = r[0] - 1, above = r[1] - 1, right = r[0] + r[2], below = r[1] + r[3];
    const int places[5][2] = {{left, below - 1}, {right - 1, above}, {right, above}, {left, below}, {left, above}};
    for (int i = 0; i < 5; i++) {
        found[i] = NULL;
        if (in_first_half(block, r, places[i][0], places[i][1])) {
            if (!block->motion[0].global) found[i] = &block->motion[0];
            continue;
        }
        if (!dfy_available(picture, block->x, block->y, places[i][0], places[i][1])) continue;
        const DfyMotion *motion = motion_at(picture, places[i][0], places[i][1]);
        if (motion->reference[0] >= 0) found[i] = motion;
    }
}

static int16_t scaled(int value, int numerator, int denominator) {
    int64_t v = (int64_t)value * numerator / denominator; /* times may lie far apart */
    return (int16_t)(v < -32768 ? -32768 : v > 32767 ? 32767 : v);
}

/* A vector of another picture's block, and the time it spans; 0 when that block has none. */
static int vector_there(const DfyFrame *other, int x, int y, const int16_t **vector, int *span) {
    const DfyMotion *motion = &other->motion[(y >> 3) * other->motion_stride + (x >> 3)];
    for (int i = 0; i < 2; i++) {
        int reference = motion->reference[i];
        if (reference < 0 || other->reference_long_term[reference]) continue;
        *span = other->reference_order[reference] - other->order;
        if (*span) {
            *vector = motion->mv[i];
            return 1;
        }
    }
    return 0;
}

static int temporal_vector(const DfyPictureCoding *picture, const int r[4], int reference, int16_t out[2]) {
    if (picture->long_term[reference]) return 0;
    int x = r[0] + r[2] / 2, y = r[1] + r[3] / 2;
    if (x >= picture->width || y >= picture->height) return 0;
    for (int i = picture->reference_count > 1 ? 1 : 0; i >= 0; i--) {
        const int16_t *vector;
        int span;
        if (picture->long_term[i] || !vector_there(picture->references[i], x, y, &vector, &span)) continue;
        int wanted = picture->reference_order[reference] - picture->frame->order;
        out[0] = scaled(vector[0], wanted, span);
        out[1] = scaled(vector[1], wanted, span);
        return 1;
    }
    return 0;
}

/* What follows global motion is alike everywhere. */
static int same_motion(const DfyMotion *a, const DfyMotion *b) {
    if (a->global && b->global) return !memcmp(a->reference, b->reference, sizeof a->reference);
    return !memcmp(a, b, sizeof *a);
}

DfyPast dfy_past(const DfyPictureCoding *picture, int x, int y, int log2) {
    DfyPast past = {0, 0};
    int near = 1 << (log2 - 2), far = 3 << (log2 - 2);
    for (int i = 0; i < picture->reference_count && i < 2; i++) {
        if (picture->long_term[i]) continue;
        const DfyFrame *there = picture->references[i];
        const DfyMotion *above = there->motion + ((y + near) >> 3) * there->motion_stride;
        const DfyMotion *below = there->motion + ((y + far) >> 3) * there->motion_stride;
        const DfyMotion *first = &above[(x + near) >> 3];
        if (first->reference[0] < 0 || !same_motion(first, &above[(x + far) >> 3]) ||
            !same_motion(first, &below[(x + near) >> 3]) || !same_motion(first, &below[(x + far) >> 3]))
            past.busy++;
        else
            past.still += first->global || dfy_stands_still(first);
    }
    return past;
}

static int add_candidate(DfyMotion *list, int count, const DfyMotion *motion) {
    for (int i = 0; i < count; i++)
        if (!memcmp(&list[i], motion, sizeof *motion)) return count;
    list[count] = *motion;
    return count + 1;
}

static DfyMotion still(int first, int second) {
    return (DfyMotion){.reference = {(int8_t)first, (int8_t)second}};
}

/* Whether the first two references enclose the picture in time, so that their mean is a good guess. */
static int two_sided(const DfyPictureCoding *picture) {
    if (picture->reference_count < 2) return 0;
    return !picture->long_term[0] && !picture->long_term[1];
}

int dfy_has_global(const DfyPictureCoding *picture, const DfyMotion *motion) {
    for (int d = 0; d < 2; d++)
        if (motion->reference[d] >= 0 && (motion->reference[d] > 1 || !picture->global[motion->reference[d]].kind))
            return 0;
    return motion->reference[0] >= 0;
}

void dfy_follow_global(const DfyPictureCoding *picture, const int rectangle[4], DfyMotion *motion) {
    motion->global = 1;
    for (int d = 0; d < 2; d++) {
        int vector[2];
        if (motion->reference[d] < 0) continue;
        dfy_global_vector(&picture->global[motion->reference[d]], picture->width, picture->height,
                          rectangle[0] + rectangle[2] / 2, rectangle[1] + rectangle[3] / 2, vector);
        for (int i = 0; i < 2; i++) motion->mv[d][i] = (int16_t)((vector[i] + 2) >> 2);
    }
}

/* Standing still, or what stands still before a camera that moves. */
static DfyMotion background(const DfyPictureCoding *picture, const int r[4], int first, int second) {
    DfyMotion motion = still(first, second);
    if (dfy_has_global(picture, &motion)) dfy_follow_global(picture, r, &motion);
    return motion;
}

int dfy_merge_candidates(const DfyPictureCoding *picture, const DfyBlock *block, int part,
                         DfyMotion candidates[DFY_MERGE_CANDIDATES], int limit, DfyConsensus *consensus) {
    int r[4], count = 0, there = 0, alike = 0;
    const DfyMotion *near[5];
    DfyMotion own[5]; /* of those that follow global motion: their vector, for what is near moves on its own here */
    dfy_part_rectangle(block, part, r);
    neighbours(picture, block, r, near);
    for (int i = 0; i < 5; i++) {
        if (!near[i]) continue;
        own[i] = *near[i];
        own[i].global = 0;
        if (count < limit && count < 4) count = add_candidate(candidates, count, &own[i]);
    }
    for (int i = 0; i < 5; i++) {
        if (!near[i]) continue;
        there++;
        alike += !memcmp(&own[i], candidates, sizeof *candidates);
    }
    *consensus = !there               ? DFY_NO_NEIGHBOURS
                 : alike == there     ? DFY_ALL_AGREE
                 : 2 * alike >= there ? DFY_HALF_AGREE
                                      : DFY_FEW_AGREE;
    int both = two_sided(picture);
    if (count < limit) {
        DfyMotion temporal = still(0, both ? 1 : -1);
        if (temporal_vector(picture, r, 0, temporal.mv[0]) && (!both || temporal_vector(picture, r, 1, temporal.mv[1])))
            count = add_candidate(candidates, count, &temporal);
    }
    if (both && count < limit) {
        DfyMotion motion = background(picture, r, 0, 1);
        count = add_candidate(candidates, count, &motion);
    }
    for (int i = 0; i < picture->reference_count && count < limit; i++) {
        DfyMotion motion = background(picture, r, i, -1);
        count = add_candidate(candidates, count, &motion);
    }
    return count;
}

static int add_vector(int16_t list[2][2], int count, const int16_t vector[2]) {
    if (count == 2 || (count == 1 && list[0][0] == vector[0] && list[0][1] == vector[1])) return count;
    list[count][0] = vector[0];
    list[count][1] = vector[1];
    return count + 1;
}

void dfy_vector_predictors(const DfyPictureCoding *picture, const DfyBlock *block, int part, int reference,
                           int16_t predictors[2][2]) {
    int r[4], count = 0;
    const DfyMotion *near[5];
    dfy_part_rectangle(block, part, r);
    neighbours(picture, block, r, near);
    for (int i = 0; i < 5 && count < 2; i++)
        for (int d = 0; near[i] && d < 2; d++)
            if (near[i]->reference[d] == reference) count = add_vector(predictors, count, near[i]->mv[d]);
    int16_t vector[2];
    if (count < 2 && temporal_vector(picture, r, reference, vector)) count = add_vector(predictors, count, vector);
    int wanted = picture->reference_order[reference] - picture->frame->order;
    for (int i = 0; i < 5 && count < 2 && !picture->long_term[reference]; i++)
        for (int d = 0; near[i] && d < 2; d++) { /* a neighbour's motion to another reference, scaled by time */
            int other = near[i]->reference[d];
            if (other < 0 || other == reference || picture->long_term[other]) continue;
            int span = picture->reference_order[other] - picture->frame->order;
            if (!span) continue;
            vector[0] = scaled(near[i]->mv[d][0], wanted, span);
            vector[1] = scaled(near[i]->mv[d][1], wanted, span);
            count = add_vector(predictors, count, vector);
        }
    DfyMotion motion = background(picture, r, reference, -1);
    if (count < 2) count = add_vector(predictors, count, motion.mv[0]);
    while (count < 2) { /* both may end up equal: then the second is never chosen */
        predictors[count][0] = predictors[count][1] = 0;
        count++;
    }
}

/* Appends a mode that isn't in the list yet. */
static int add_mode(uint8_t probable[DFY_MOST_PROBABLE_MODES], int count, int mode) {
    for (int i = 0; i < count; i++)
        if (probable[i] == mode) return count;
    if (count < DFY_MOST_PROBABLE_MODES) probable[count++] = (uint8_t)mode;
    return count;
}

void dfy_most_probable_modes(const DfyPictureCoding *picture, int x, int y, uint8_t probable[DFY_MOST_PROBABLE_MODES]) {
    int stride = picture->stride8 * 2, near[2] = {DFY_DC, DFY_DC}, count = 0;
    if (dfy_available(picture, x, y, x - 1, y)) near[0] = picture->modes[(y >> 2) * stride + ((x - 1) >> 2)];
    if (dfy_available(picture, x, y, x, y - 1)) near[1] = picture->modes[((y - 1) >> 2) * stride + (x >> 2)];
    const int further[6] = {DFY_PLANAR, DFY_DC, DFY_VERTICAL, DFY_HORIZONTAL, DFY_VERTICAL - 4, DFY_VERTICAL + 4};
    for (int i = 0; i < 2; i++) count = add_mode(probable, count, near[i]);
    for (int i = 0; i < 2; i++) count = add_mode(probable, count, further[i]);
    for (int i = 0; i < 2; i++) {
        if (near[i] < 2) continue;
        count = add_mode(probable, count, 2 + (near[i] + 29) % 32); /* the directions beside it */
        count = add_mode(probable, count, 2 + (near[i] - 1) % 32);
    }
    for (int i = 2; i < 6; i++) count = add_mode(probable, count, further[i]);
}

int dfy_chroma_mode(const DfyBlock *block) {
    static const uint8_t modes[4] = {DFY_PLANAR, DFY_VERTICAL, DFY_HORIZONTAL, DFY_DC};
    return block->intra_chroma ? modes[block->intra_chroma - 1] : block->intra[0];
}
