/*
 * tree-range, encoder: rotations. The grid is the one of fewest cells whose RMS angle is the wanted one: a rule tells
 * what it should be, and the data how far the rule is off.
 */
#include <math.h>
#include <stdlib.h>

#include "splat/model/exact.h"
#include "splat/tree/choose_parts.h"

enum { AIMS = 8 }; /* of a search */

/* Of the wanted error: what is not improved on. */
#define NEAR 0.99
#define NEAR_IN_HASTE 0.975

/* The grid of fewest cells that should have this error, were its cells near cubes. */
static void find_grid(DfyTurnGrid *grid, double error) {
    double best = INFINITY, left = error * DFY_TREE_FIRST_STEP; /* root of the sum of three squared steps */
    int32_t middle = (int32_t)fmin(fmax(180 * sqrt(3) / left, 7), DFY_TURN_MAX_RINGS - 4);
    *grid = (DfyTurnGrid){middle, middle / 2 * 4, middle / 2 * 4}; /* for errors too small or large for any */
    for (int32_t rings = middle > 10 ? middle - 3 : 7; rings <= middle + 3; rings++)
        for (int32_t fours = middle > 9 ? middle / 2 - 4 : 1; fours <= middle / 2 + 4; fours++) {
            double ring = 180.0 / rings, sector = 90.0 / fours, rest = left * left - ring * ring - sector * sector;
            double twists = rest > 0 ? ceil(90 / sqrt(rest)) : INFINITY;
            if (4 * fours > 2 * DFY_TURN_MAX_RINGS || 4 * twists > 2 * DFY_TURN_MAX_RINGS) continue;
            if (twists * rings * fours >= best) continue;
            best = twists * rings * fours;
            *grid = (DfyTurnGrid){rings, fours * 4, (int32_t)twists * 4};
        }
}

void dfy_tree_turns_free(DfyTreeTurns *t) {
    free(t->quaternions);
    free(t->axes);
    free(t->cells);
}

int dfy_tree_turns_gather(DfyTreeTurns *t, const DfyTreeGrid *g, const DfySplats *s, const uint32_t *order,
                          const DfyTreeIndex *indices, size_t count, size_t stride) {
    size_t room = (count + stride - 1) / stride;
    *t = (DfyTreeTurns){malloc((room ? room : 1) * sizeof *t->quaternions), malloc(room ? room : 1),
                        malloc((room ? room : 1) * sizeof *t->cells), room, 0};
    if (!t->quaternions || !t->axes || !t->cells) return DFY_ERROR_MEMORY;
    for (size_t i = 0; i < room; i++) {
        const float *r = s->rotation + (size_t)order[i * stride] * 4;
        DfyTreeSplat splat = {.alpha = 0};
        double length = sqrt((double)r[0] * r[0] + (double)r[1] * r[1] + (double)r[2] * r[2] + (double)r[3] * r[3]);
        for (int k = 0; k < 4; k++) t->quaternions[i][k] = r[k] / length;
        dfy_tree_scale_values(g, &indices[i * stride], &splat);
        t->axes[i] = (uint8_t)dfy_tree_axis(&splat);
    }
    return DFY_OK;
}

int dfy_tree_turns_quantise(DfyTreeTurns *t, const DfyTurnGrid *grid) {
    double mean = 0;
    int status = dfy_turn_quantise(t->cells, &mean, (const double(*)[4])t->quaternions, t->axes, t->count, grid);
    t->error = sqrt(mean) * (180 / 3.14159265358979323846);
    return status;
}

static int same_grid(const DfyTurnGrid *a, const DfyTurnGrid *b) {
    return a->rings == b->rings && a->sectors == b->sectors && a->twists == b->twists;
}

/*
 * Finds how much larger the data's error is than the rule's; *aim becomes what the rule must be given. Coarse grids are
 * few, so that several aims are answered by one: it isn't tried again.
 */
static int try_turns(DfyTreeTurns *turns, double *aim, double error, double from, double to) {
    DfyTurnGrid grids[AIMS];
    double ratios[AIMS], good = 0, bad = 0;
    int status = DFY_OK, tried = 0;
    for (int i = 0; !status && i < AIMS; i++) {
        int known = 0;
        find_grid(&grids[tried], *aim);
        while (!same_grid(&grids[known], &grids[tried])) known++;
        if (known == tried) {
            if (tried == DFY_TREE_REFINEMENTS) break;
            status = dfy_tree_turns_quantise(turns, &grids[tried]);
            ratios[tried] = turns->error / error;
            tried++;
        }
        if (ratios[known] >= from && ratios[known] <= to) return status;
        *(ratios[known] <= to ? &good : &bad) = *aim;
        *aim = good > 0 && bad > 0 ? (good + bad) / 2 : *aim * fmin((from + to) / 2 / fmax(ratios[known], 0.25), 2);
    }
    if (good > 0) *aim = good;
    return status;
}

/* On all rotations: the coarsest of a few grids whose error is small enough; in haste the first that is near. */
static int settle_turns(DfyTreeChoice *choice, DfyTreeGrid *g, DfyTreeTurns *turns, double aim, double error) {
    int status = DFY_OK, found = 0;
    double fewest = INFINITY, near = dfy_tree_haste(choice->effort) ? NEAR_IN_HASTE : NEAR;
    for (int i = 0; !status && i < 2 * DFY_TREE_REFINEMENTS && (!found || i < DFY_TREE_REFINEMENTS - 1); i++) {
        DfyTurnGrid grid;
        find_grid(&grid, aim);
        double cells = (double)grid.rings * grid.sectors * grid.twists;
        if (found && cells >= fewest) break;
        status = dfy_tree_turns_quantise(turns, &grid);
        double ratio = turns->error / error;
        if (ratio <= 1 || !found) {
            g->turns = grid;
            for (size_t k = 0; k < turns->count; k++) choice->indices[k].turn = turns->cells[k];
        }
        if (ratio <= 1) {
            found = 1;
            fewest = cells;
        }
        if (ratio <= 1 && (ratio > near || i > 0)) break;
        aim *= fmin(0.997 / fmax(ratio, 0.25), 2);
    }
    return status;
}

int dfy_tree_choose_turns(DfyTreeChoice *choice, DfyTreeGrid *g, const DfySplats *s, double error) {
    double aim = error;
    int status = DFY_OK;
    size_t stride = s->count / DFY_TREE_SAMPLE_ROWS + 1;
    DfyTreeTurns turns;
    if (stride > 1) {
        status = dfy_tree_turns_gather(&turns, g, s, choice->order, choice->indices, s->count, stride);
        if (!status) status = try_turns(&turns, &aim, error, 0.99, 1);
        dfy_tree_turns_free(&turns);
    }
    if (status) return status;
    status = dfy_tree_turns_gather(&turns, g, s, choice->order, choice->indices, s->count, 1);
    if (!status) status = settle_turns(choice, g, &turns, aim, error);
    dfy_tree_turns_free(&turns);
    return status;
}
