#include "splat/history.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- marks */

int dfy_marks_begin(DfySplatMarks *marks, uint32_t splats) {
    for (uint32_t i = 0; i < marks->count; i++) marks->marked[marks->list[i]] = 0;
    marks->count = 0;
    marks->all = 0;
    marks->attributes = 0;
    if (splats <= marks->capacity) return DFY_OK;
    dfy_marks_free(marks);
    marks->marked = calloc(splats, sizeof *marks->marked);
    marks->list = malloc(splats * sizeof *marks->list);
    if (!marks->marked || !marks->list) {
        dfy_marks_free(marks);
        return DFY_ERROR_MEMORY;
    }
    marks->capacity = splats;
    return DFY_OK;
}

void dfy_marks_free(DfySplatMarks *marks) {
    free(marks->marked);
    free(marks->list);
    *marks = (DfySplatMarks){0};
}

/* ---------------------------------------------------------------- steps */

/* An attribute's array, and its numbers a splat. */
static float **array_of(DfySplats *s, int attribute, size_t *size) {
    float **arrays[DFY_SPLAT_ATTRIBUTES] = {&s->xyz, &s->scale, &s->opacity, &s->dc, &s->rotation, &s->rest};
    const size_t sizes[DFY_SPLAT_ATTRIBUTES] = {3, 3, 1, 3, 4, (size_t)dfy_splat_rest(s->degree) * 3};
    *size = sizes[attribute];
    return arrays[attribute];
}

static uint64_t bytes_of(const DfySplatStep *step) {
    DfySplats s = step->numbers;
    uint64_t floats = 0;
    for (int a = 0; a < DFY_SPLAT_ATTRIBUTES; a++) {
        size_t size;
        array_of(&s, a, &size);
        if (step->attributes >> a & 1) floats += size;
    }
    return s.count * (floats * sizeof(float) + (step->list ? sizeof *step->list : 0)) + sizeof *step;
}

static void free_step(DfySplatStep *step) {
    dfy_splats_free(&step->numbers);
    free(step->list);
    *step = (DfySplatStep){.bytes = 0};
}

void dfy_history_clear(DfySplatHistory *history) {
    for (size_t i = 0; i < history->count; i++) free_step(&history->steps[i]);
    history->count = 0;
    history->bytes = 0;
}

void dfy_history_free(DfySplatHistory *history) {
    dfy_history_clear(history);
    free(history->steps);
    *history = (DfySplatHistory){.limit = history->limit};
}

/* Drops the oldest steps until `more` bytes have room, and makes room for one step. */
static int make_room(DfySplatHistory *history, uint64_t more) {
    size_t gone = 0;
    while (gone < history->count && history->bytes + more > history->limit) {
        history->bytes -= history->steps[gone].bytes;
        free_step(&history->steps[gone++]);
    }
    history->count -= gone;
    if (gone && history->count) memmove(history->steps, history->steps + gone, history->count * sizeof *history->steps);
    if (history->count < history->capacity) return DFY_OK;
    size_t capacity = history->capacity ? history->capacity * 2 : 64;
    DfySplatStep *steps = realloc(history->steps, capacity * sizeof *steps);
    if (!steps) return DFY_ERROR_MEMORY;
    history->steps = steps;
    history->capacity = capacity;
    return DFY_OK;
}

static void append(DfySplatHistory *history, const DfySplatStep *step) {
    history->steps[history->count++] = *step;
    history->bytes += step->bytes;
}

int dfy_history_take(DfySplatHistory *history, DfySplats *model) {
    DfySplatStep step = {.numbers = *model, .attributes = DFY_SPLAT_EVERY_ATTRIBUTE};
    step.bytes = bytes_of(&step);
    if (make_room(history, step.bytes)) return DFY_ERROR_MEMORY;
    *model = (DfySplats){0};
    append(history, &step);
    return DFY_OK;
}

/* Numbers of some splats: number i of one array and number list[i] of the other change places. */
static void swap_listed(float *a, float *b, const uint32_t *list, size_t count, size_t size) {
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < size; k++) {
            float kept = a[i * size + k];
            a[i * size + k] = b[list[i] * size + k];
            b[list[i] * size + k] = kept;
        }
}

static void copy_listed(float *out, const float *in, const uint32_t *list, size_t count, size_t size) {
    for (size_t i = 0; i < count; i++) memcpy(out + i * size, in + list[i] * size, size * sizeof *out);
}

/* The marked splats' numbers, or those of all where the list would save nothing. */
static int keep(DfySplatStep *step, DfySplats *model, const DfySplatMarks *changed) {
    int all = changed->all || changed->count >= model->count;
    uint32_t count = all ? model->count : changed->count;
    step->attributes = changed->attributes;
    step->numbers = (DfySplats){.count = count, .degree = model->degree};
    if (!all && !(step->list = malloc(count ? count * sizeof *step->list : 1))) return DFY_ERROR_MEMORY;
    if (!all && count) memcpy(step->list, changed->list, count * sizeof *step->list);
    for (int a = 0; a < DFY_SPLAT_ATTRIBUTES; a++) {
        size_t size;
        float **own = array_of(&step->numbers, a, &size), *from = *array_of(model, a, &size);
        if (!(step->attributes >> a & 1) || !size || !count) continue;
        if (!(*own = malloc(count * size * sizeof **own))) return DFY_ERROR_MEMORY;
        if (all)
            memcpy(*own, from, count * size * sizeof **own);
        else
            copy_listed(*own, from, step->list, count, size);
    }
    return DFY_OK;
}

int dfy_history_add(DfySplatHistory *history, DfySplats *model, const DfySplatMarks *changed) {
    DfySplatStep step = {.bytes = 0};
    int status = keep(&step, model, changed);
    step.bytes = bytes_of(&step);
    if (!status) status = make_room(history, step.bytes);
    if (status) {
        free_step(&step);
        return DFY_ERROR_MEMORY;
    }
    append(history, &step);
    return DFY_OK;
}

/* A whole model for another, which may have another number of splats. */
static void swap_models(DfySplatHistory *history, DfySplatStep *step, DfySplats *model) {
    DfySplats other = step->numbers;
    history->bytes -= step->bytes;
    step->numbers = *model;
    step->bytes = bytes_of(step);
    history->bytes += step->bytes;
    *model = other;
}

int dfy_history_cross(DfySplatHistory *history, size_t at, DfySplats *model, DfySplatMarks *changed) {
    DfySplatStep *step = &history->steps[at];
    int whole = !step->list && step->attributes == DFY_SPLAT_EVERY_ATTRIBUTE;
    if (whole) swap_models(history, step, model);
    for (int a = 0; !whole && a < DFY_SPLAT_ATTRIBUTES; a++) {
        size_t size;
        float **own = array_of(&step->numbers, a, &size), **other = array_of(model, a, &size), *kept = *own;
        if (!(step->attributes >> a & 1)) continue;
        if (step->list) {
            swap_listed(*own, *other, step->list, step->numbers.count, size);
        } else {
            *own = *other;
            *other = kept;
        }
    }
    if (!changed) return DFY_OK;
    if (model->count > changed->capacity && dfy_marks_begin(changed, model->count)) return DFY_ERROR_MEMORY;
    if (!step->list) changed->all = 1;
    for (uint32_t i = 0; step->list && i < step->numbers.count; i++) dfy_marks_add(changed, step->list[i]);
    changed->attributes |= step->attributes;
    return DFY_OK;
}
