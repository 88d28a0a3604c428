/*
 * tree-range, encoder: from a model and its wanted errors to a grid and indices, attribute by attribute. Scales and
 * alphas are chosen here; choose_places.c, choose_colours.c and choose_turns.c choose the others.
 */
#include "splat/tree/choose.h"

#include <math.h>
#include <stdlib.h>

#include "splat/formats/files.h"
#include "splat/tree/choose_parts.h"

/* What a bit is worth, see DfyTrellis. */
#define SCALE_WORTH 0.6f

static void span(float bounds[2][3], const float *values, size_t count, int first) {
    for (size_t i = 0; i < count * 3; i++) {
        float *low = &bounds[0][i % 3], *high = &bounds[1][i % 3], v = values[i];
        int begin = first && i < 3;
        if (begin || v < *low) *low = v;
        if (begin || v > *high) *high = v;
    }
}

void dfy_tree_hull_add(DfyTreeHull *hull, const DfySplats *s) {
    if (!s->count) return;
    int first = !hull->frames++;
    span(hull->xyz, s->xyz, s->count, first);
    span(hull->scale, s->scale, s->count, first);
    span(hull->dc, s->dc, s->count, first);
}

static int choose_scales(DfyTreeChoice *choice, DfyTreeGrid *g, const DfySplats *s, const DfyTreeHull *hull,
                         double error, float *work, int32_t *values) {
    size_t n = s->count;
    for (size_t i = 0; i < n * 3; i++) work[i] = s->scale[(size_t)choice->order[i / 3] * 3 + i % 3];
    DfyTrellis trellis = {.parts = work, .rows = n, .n = 3, .bit_worth = SCALE_WORTH};
    int status = dfy_tree_choose_step(&g->scale_step, values, &trellis, error, choice->effort);
    for (size_t k = 0; !status && k < 3; k++) {
        double bounds[2] = {hull->scale[0][k], hull->scale[1][k]};
        dfy_tree_choose_range(&g->scale[k], values + k, n, 3, hull->frames, bounds,
                              (double)g->scale_step / DFY_TREE_ONE, 0);
        for (size_t i = 0; i < n; i++) choice->indices[i].scale[k] = values[i * 3 + k] - g->scale[k].low;
    }
    return status;
}

static int choose_alphas(DfyTreeChoice *choice, DfyTreeGrid *g, const DfySplats *s, double error, float *work,
                         int32_t *values) {
    size_t n = s->count;
    for (size_t i = 0; i < n; i++) work[i] = (float)dfy_sigmoid(s->opacity[choice->order[i]]);
    DfyTrellis trellis = {.parts = work, .rows = n, .n = 1};
    int status = dfy_tree_choose_step(&g->alpha_step, values, &trellis, error, choice->effort);
    if (g->alpha_step > DFY_TREE_ONE) g->alpha_step = DFY_TREE_ONE;
    dfy_tree_alpha_range(g);
    for (size_t i = 0; !status && i < n; i++) choice->indices[i].alpha = values[i] - g->alpha.low;
    return status;
}

int dfy_tree_choose(DfyTreeChoice *choice, DfyTreeGrid *g, const DfySplats *s, const DfyTreeHull *hull,
                    const double errors[DFY_SPLAT_ATTRIBUTES], int effort, DfyMessage *message) {
    size_t n = s->count ? s->count : 1, rest = (size_t)dfy_splat_rest(s->degree) * 3;
    *g = (DfyTreeGrid){.count = s->count, .degree = s->degree, .sh_step = DFY_TREE_ONE};
    *choice = (DfyTreeChoice){malloc(n * sizeof *choice->order),
                              malloc(n * sizeof *choice->keys),
                              calloc(n, sizeof *choice->indices),
                              malloc(n * (rest + 1) * sizeof *choice->sh),
                              0,
                              effort};
    float *work = malloc(n * (rest > 3 ? rest : 3) * sizeof *work);
    int32_t *values = malloc(n * (rest > 3 ? rest : 3) * sizeof *values);
    int status =
        choice->order && choice->keys && choice->indices && choice->sh && work && values ? DFY_OK : DFY_ERROR_MEMORY;
    if (!status) {
        double wanted = errors[DFY_SPLAT_POSITION];
        status = dfy_tree_choose_places(choice, g, s, hull, wanted, work, values);
        choice->place_error = wanted / (double)g->step;
    }
    if (!status) status = choose_scales(choice, g, s, hull, errors[DFY_SPLAT_SCALE], work, values);
    if (!status) status = choose_alphas(choice, g, s, errors[DFY_SPLAT_ALPHA], work, values);
    if (!status) status = dfy_tree_choose_dc(choice, g, s, hull, errors[DFY_SPLAT_DC], work, values);
    if (!status) status = dfy_tree_choose_turns(choice, g, s, errors[DFY_SPLAT_ROTATION]);
    if (!status && rest) status = dfy_tree_choose_sh(choice, g, s, errors[DFY_SPLAT_SH], work, values);
    free(work);
    free(values);
    if (!status) return DFY_OK;
    dfy_tree_choice_free(choice);
    return dfy_fail(message, status, "There is no memory to quantise a model of %u splats.", s->count);
}

void dfy_tree_choice_free(DfyTreeChoice *choice) {
    free(choice->order);
    free(choice->keys);
    free(choice->indices);
    free(choice->sh);
    *choice = (DfyTreeChoice){0};
}
