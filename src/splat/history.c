#include "splat/history.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- marks */

int dfy_marks_begin(DfySplatMarks *marks, uint32_t splats) {
    for (uint32_t i = 0; i < marks->count; i++) marks->marked[marks->list[i]] = 0;
    marks->count = 0;
    marks->all = 0;
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

static uint64_t bytes_of(const DfySplats *s) {
    return (uint64_t)s->count * (uint64_t)(14 + 3 * dfy_splat_rest(s->degree)) * sizeof(float);
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
    DfySplatStep step = {.numbers = *model, .bytes = bytes_of(model)};
    if (make_room(history, step.bytes)) return DFY_ERROR_MEMORY;
    *model = (DfySplats){0};
    append(history, &step);
    return DFY_OK;
}

/* Numbers of splat i of one model and splat j of the other change places. */
static void swap_floats(float *a, float *b, size_t count) {
    for (size_t k = 0; k < count; k++) {
        float kept = a[k];
        a[k] = b[k];
        b[k] = kept;
    }
}

static void swap_splat(DfySplats *a, size_t i, DfySplats *b, size_t j) {
    size_t rest = (size_t)dfy_splat_rest(a->degree) * 3;
    swap_floats(a->xyz + i * 3, b->xyz + j * 3, 3);
    swap_floats(a->rotation + i * 4, b->rotation + j * 4, 4);
    swap_floats(a->scale + i * 3, b->scale + j * 3, 3);
    swap_floats(a->opacity + i, b->opacity + j, 1);
    swap_floats(a->dc + i * 3, b->dc + j * 3, 3);
    if (rest) swap_floats(a->rest + i * rest, b->rest + j * rest, rest);
}

static void copy_splat(DfySplats *a, size_t i, const DfySplats *b, size_t j) {
    size_t rest = (size_t)dfy_splat_rest(a->degree) * 3;
    memcpy(a->xyz + i * 3, b->xyz + j * 3, 3 * sizeof(float));
    memcpy(a->rotation + i * 4, b->rotation + j * 4, 4 * sizeof(float));
    memcpy(a->scale + i * 3, b->scale + j * 3, 3 * sizeof(float));
    a->opacity[i] = b->opacity[j];
    memcpy(a->dc + i * 3, b->dc + j * 3, 3 * sizeof(float));
    if (rest) memcpy(a->rest + i * rest, b->rest + j * rest, rest * sizeof(float));
}

/* The marked splats' numbers, or all of them where the list would save nothing. */
static int keep(DfySplatStep *step, const DfySplats *model, const DfySplatMarks *changed) {
    if (changed->all || changed->count >= model->count) return dfy_splats_copy(&step->numbers, model, NULL);
    size_t bytes = (size_t)changed->count * sizeof *step->list;
    step->list = malloc(bytes ? bytes : 1);
    if (!step->list) return DFY_ERROR_MEMORY;
    int status = dfy_splats_alloc(&step->numbers, changed->count, model->degree, NULL);
    if (status) return status;
    if (bytes) memcpy(step->list, changed->list, bytes);
    for (uint32_t i = 0; i < changed->count; i++) copy_splat(&step->numbers, i, model, changed->list[i]);
    return DFY_OK;
}

int dfy_history_add(DfySplatHistory *history, const DfySplats *model, const DfySplatMarks *changed) {
    DfySplatStep step = {.bytes = 0};
    int status = keep(&step, model, changed);
    step.bytes = bytes_of(&step.numbers) + step.numbers.count * (step.list ? sizeof *step.list : 0) + sizeof step;
    if (!status) status = make_room(history, step.bytes);
    if (status) {
        free_step(&step);
        return DFY_ERROR_MEMORY;
    }
    append(history, &step);
    return DFY_OK;
}

int dfy_history_cross(DfySplatHistory *history, size_t at, DfySplats *model, DfySplatMarks *changed) {
    DfySplatStep *step = &history->steps[at];
    if (!step->list) {
        DfySplats other = step->numbers;
        history->bytes -= step->bytes;
        step->numbers = *model;
        step->bytes = bytes_of(model) + sizeof *step;
        history->bytes += step->bytes;
        *model = other;
        if (changed && model->count > changed->capacity && dfy_marks_begin(changed, model->count))
            return DFY_ERROR_MEMORY;
        if (changed) changed->all = 1;
        return DFY_OK;
    }
    for (uint32_t i = 0; i < step->numbers.count; i++) {
        swap_splat(&step->numbers, i, model, step->list[i]);
        if (changed) dfy_marks_add(changed, step->list[i]);
    }
    return DFY_OK;
}
