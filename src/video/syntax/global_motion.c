#include "video/syntax/global_motion.h"

#include <string.h>

#include "base/numbers.h"
#include "video/syntax/picture.h"

#define MOST_GLOBAL 16383 /* of a parameter's size */

int dfy_global_reach(int width, int height) {
    int reach = 6;
    while (2 << reach < width || 2 << reach < height) reach++;
    return reach;
}

void dfy_global_vector(const DfyGlobalMotion *model, int width, int height, int x, int y, int vector[2]) {
    const int16_t *p = model->parameter;
    x -= width / 2;
    y -= height / 2;
    int reach = dfy_global_reach(width, height), half = 1 << (reach - 1);
    int64_t bend = (int64_t)p[6] * x + (int64_t)p[7] * y, round = (int64_t)1 << (2 * reach - 1);
    int vx = p[0] + ((p[2] * x + p[3] * y + half) >> reach) + (int)((bend * x + round) >> (2 * reach));
    int vy = p[1] + ((p[4] * x + p[5] * y + half) >> reach) + (int)((bend * y + round) >> (2 * reach));
    vector[0] = dfy_clamp(vx, -65536, 65536);
    vector[1] = dfy_clamp(vy, -65536, 65536);
}

static int16_t held(int64_t parameter) {
    return (int16_t)(parameter < -MOST_GLOBAL ? -MOST_GLOBAL : parameter > MOST_GLOBAL ? MOST_GLOBAL : parameter);
}

/* A model whose parameters are not all 0, or none. */
static DfyGlobalMotion model_if_any(DfyGlobalMotion model) {
    model.kind = DFY_GLOBAL_NONE;
    for (int k = 0; k < DFY_GLOBAL_PARAMETERS; k++)
        if (model.parameter[k]) model.kind = DFY_GLOBAL_PERSPECTIVE;
    return model;
}

/* The same motion over another time. */
static DfyGlobalMotion scaled(const DfyGlobalMotion *model, int wanted, int span) {
    DfyGlobalMotion out = {0};
    for (int k = 0; k < DFY_GLOBAL_PARAMETERS; k++)
        out.parameter[k] = held((int64_t)model->parameter[k] * wanted / span);
    return model_if_any(out);
}

/* The motion from one reference to another, given those to both. */
static DfyGlobalMotion difference(const DfyGlobalMotion *model, const DfyGlobalMotion *between) {
    DfyGlobalMotion out = {0};
    for (int k = 0; k < DFY_GLOBAL_PARAMETERS; k++)
        out.parameter[k] = held(model->parameter[k] - between->parameter[k]);
    return model_if_any(out);
}

/* A model of a reference against a picture at that place in time, NULL: it has none. */
static const DfyGlobalMotion *model_to(const DfyFrame *reference, int32_t order) {
    for (int i = 0; i < 2; i++)
        if (reference->global[i].kind && !reference->reference_long_term[i] && reference->reference_order[i] == order)
            return &reference->global[i];
    return NULL;
}

/* Any model of a reference, and the time that it spans; NULL: it has none. */
static const DfyGlobalMotion *any_model(const DfyFrame *reference, int *span) {
    for (int i = 0; i < 2; i++) {
        *span = reference->reference_order[i] - reference->order;
        if (reference->global[i].kind && !reference->reference_long_term[i] && *span) return &reference->global[i];
    }
    return NULL;
}

DfyGlobalMotion dfy_guess_global_motion(const DfyPictureCoding *picture, int reference) {
    int now = picture->frame->order, wanted = picture->reference_order[reference] - now, span;
    const DfyGlobalMotion *first = &picture->global[0], *model;
    if (picture->long_term[reference]) return (DfyGlobalMotion){0};
    if (reference && first->kind) {
        model = model_to(picture->references[1], picture->reference_order[0]);
        if (model) return difference(first, model);
        span = picture->reference_order[0] - now;
        if (span) return scaled(first, wanted, span);
    }
    for (int i = picture->reference_count > 1; i >= 0; i--) {
        model = picture->long_term[i] ? NULL : any_model(picture->references[i], &span);
        if (model) return scaled(model, wanted, span);
    }
    return (DfyGlobalMotion){0};
}

static int code_parameter(DfyRangeCoder *coder, DfyBit models[64], DfyBit *negative, int from, int value) {
    int difference = value - from;
    uint32_t size = dfy_code_golomb(coder, models, 0, (uint32_t)(difference < 0 ? -difference : difference));
    if (size > 2 * MOST_GLOBAL) size = 2 * MOST_GLOBAL;
    difference = dfy_code_sign(coder, negative, (int)size, difference);
    return dfy_clamp(from + difference, -MOST_GLOBAL, MOST_GLOBAL);
}

static void code_parameters(DfyRangeCoder *coder, DfyGlobalContexts *c, const DfyGlobalMotion *guessed, int other,
                            DfyGlobalMotion *model) {
    int count = dfy_global_parameters(model->kind);
    for (int k = 0; k < count; k++)
        model->parameter[k] = (int16_t)code_parameter(coder, c->size[other][k], &c->negative[other][k],
                                                      guessed->parameter[k], model->parameter[k]);
    for (int k = count; k < DFY_GLOBAL_PARAMETERS; k++) model->parameter[k] = 0;
}

void dfy_code_global_model(DfyRangeCoder *coder, DfyContexts *contexts, DfyPictureCoding *picture, int reference) {
    DfyGlobalContexts *c = &contexts->global;
    DfyGlobalMotion *model = &picture->global[reference], guessed;
    int class = picture->model_class, other = reference && picture->global[0].kind;
    if (!dfy_code_bit(coder, &c->used[class][reference], model->kind != DFY_GLOBAL_NONE)) {
        *model = (DfyGlobalMotion){0};
        return;
    }
    guessed = dfy_guess_global_motion(picture, reference);
    if (guessed.kind && dfy_code_bit(coder, &c->guessed[class][reference], !memcmp(model, &guessed, sizeof guessed))) {
        *model = guessed;
        return;
    }
    model->kind = (int16_t)(1 + dfy_code_unary(coder, c->kind, 2, model->kind - 1));
    code_parameters(coder, c, &guessed, other, model);
}

void dfy_code_global_motion(DfyRangeCoder *coder, DfyContexts *contexts, DfyPictureCoding *picture) {
    for (int i = 0; i < 2 && i < picture->reference_count; i++)
        if (!picture->long_term[i]) dfy_code_global_model(coder, contexts, picture, i);
}
