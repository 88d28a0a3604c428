/* tree-range, encoder: indices on a grid that stands, for the splats that an inter frame adds. */
#include <stdlib.h>
#include <string.h>

#include "splat/formats/files.h"
#include "splat/tree/choose_parts.h"
#include "splat/tree/transform.h"

/* Where one of a splat's indices is kept. */
typedef int32_t *(*Column)(DfyTreeIndex *index, int k);

static int32_t *scale_column(DfyTreeIndex *index, int k) {
    return &index->scale[k];
}
static int32_t *dc_column(DfyTreeIndex *index, int k) {
    return &index->dc[k];
}
static int32_t *alpha_column(DfyTreeIndex *index, int k) {
    (void)k;
    return &index->alpha;
}

/* Quantises rows of n numbers on a grid that stands: 1, 0 when one does not fit, or negative without memory. */
static int fit_numbers(DfyTreeInter *inter, const float *rows, int n, int32_t step, const DfyTreeRange *ranges,
                       Column column, int32_t *values) {
    int centred = column == dc_column;
    DfyTrellis trellis = {.parts = rows, .rows = inter->added, .n = n, .centred = centred};
    if (dfy_trellis_quantise(values, &trellis, (double)step / DFY_TREE_ONE, 1) < 0) return -1;
    for (uint32_t i = 0; i < inter->added; i++)
        for (int k = 0; k < n; k++) {
            int64_t index = values[i * (uint32_t)n + (uint32_t)k];
            int64_t number = centred ? index / 2 - 1 - ranges[k].low : (index - ranges[k].low) >> 1;
            if (number < 0 || (number + 2 * centred) >> ranges[k].bits) return 0;
            if (!centred) index -= ranges[k].low;
            *column(&inter->added_indices[i], k) = (int32_t)index;
        }
    return 1;
}

/* Colours beyond the first; the others are known. 1, or negative without memory. */
static int fit_colours(DfyTreeInter *inter, const DfyTreeGrid *g, const DfySplats *s, const uint32_t *added,
                       const double *analysis, float *rows, int32_t *values) {
    size_t count = inter->added, n = (size_t)dfy_tree_rest(g);
    int32_t(*dc)[3] = malloc((count ? count : 1) * sizeof *dc);
    double norm[DFY_TREE_REST];
    if (!dc) return -1;
    for (size_t i = 0; i < count; i++) {
        DfyTreeSplat splat;
        dfy_tree_colour_values(g, &inter->added_indices[i], &splat);
        memcpy(dc[i], splat.dc_part, sizeof *dc);
    }
    dfy_tree_colour_parts(rows, g, s, added, count, analysis, (const int32_t(*)[3])dc);
    free(dc);
    DfyTrellis trellis = dfy_tree_rest_trellis(g, norm, rows, count);
    if (dfy_trellis_quantise(values, &trellis, (double)g->sh_step / DFY_TREE_ONE, 1) < 0) return -1;
    for (size_t i = 0; i < count * n; i++) inter->added_sh[i] = (int16_t)values[i];
    return 1;
}

/* All but the positions. */
static int fit_added(DfyTreeInter *inter, const DfyTreeGrid *g, const DfySplats *s, const uint32_t *added,
                     const double *dc_analysis, const double *analysis, float *rows, int32_t *values) {
    size_t count = inter->added, n = (size_t)dfy_tree_rest(g);
    DfyTreeTurns turns = {0};
    for (size_t i = 0; i < count * 3; i++) rows[i] = s->scale[(size_t)added[i / 3] * 3 + i % 3];
    int good = fit_numbers(inter, rows, 3, g->scale_step, g->scale, scale_column, values);
    for (size_t i = 0; i < count; i++) rows[i] = (float)dfy_sigmoid(s->opacity[added[i]]);
    if (good > 0) good = fit_numbers(inter, rows, 1, g->alpha_step, &g->alpha, alpha_column, values);
    for (size_t i = 0; i < count; i++) dfy_tree_dc_row(rows + i * 3, g, s->dc + (size_t)added[i] * 3, dc_analysis);
    if (good > 0) good = fit_numbers(inter, rows, 3, g->dc_step, g->dc, dc_column, values);
    if (good > 0 && (dfy_tree_turns_gather(&turns, g, s, added, inter->added_indices, count, 1) ||
                     dfy_tree_turns_quantise(&turns, &g->turns)))
        good = -1;
    for (size_t i = 0; good > 0 && i < count; i++) inter->added_indices[i].turn = turns.cells[i];
    dfy_tree_turns_free(&turns);
    return good > 0 && n ? fit_colours(inter, g, s, added, analysis, rows, values) : good;
}

/* What undoes a transform; 0 when nothing does. */
static int undo_base(double *analysis, const int16_t *base, size_t stride, int n) {
    double matrix[DFY_TREE_REST * DFY_TREE_REST];
    for (int k = 0; k < n; k++)
        for (int i = 0; i < n; i++)
            matrix[i * n + k] = (double)base[(size_t)k * stride + (size_t)i] / DFY_TREE_BASE_ONE;
    return dfy_invert(analysis, matrix, n);
}

int dfy_tree_place_added(const DfyTreeGrid *g, const DfySplats *s, uint32_t *added, uint32_t count, DfyTreeInter *inter,
                         DfyMessage *message) {
    size_t rows_of = (size_t)dfy_tree_rest(g) > 3 ? (size_t)dfy_tree_rest(g) : 3, room = count ? count : 1;
    double dc_analysis[9], *analysis = malloc(DFY_TREE_REST * DFY_TREE_REST * sizeof *analysis);
    float *rows = calloc(room, rows_of * sizeof *rows);
    int32_t *values = calloc(room, rows_of * sizeof *values);
    inter->added = count;
    inter->added_keys = malloc(room * sizeof *inter->added_keys);
    inter->added_indices = calloc(room, sizeof *inter->added_indices);
    inter->added_sh = calloc(room, rows_of * sizeof *inter->added_sh);
    int good = analysis && rows && values && inter->added_keys && inter->added_indices && inter->added_sh ? 1 : -1;
    if (good > 0)
        good = undo_base(dc_analysis, g->dc_base[0], 3, 3) &&
               undo_base(analysis, g->sh_base[0], DFY_TREE_REST, dfy_tree_rest(g));
    if (good > 0) good = dfy_tree_place_splats(g, s, added, count, inter->added_keys, inter->added_indices);
    if (good > 0) good = fit_added(inter, g, s, added, dc_analysis, analysis, rows, values);
    free(analysis);
    free(rows);
    free(values);
    if (good < 0) return dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for %u more splats.", count);
    if (good) return DFY_OK;
    return dfy_fail(message, DFY_ERROR_UNSUPPORTED, "An added splat is outside the key frame's grid.");
}
