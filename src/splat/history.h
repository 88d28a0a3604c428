/*
 * Models that a decoder gave before, kept as what changed from one to the next, so that a step back costs no decoding.
 *
 * A step between two models holds the changed splats' numbers as they are in the one of the two that the caller does
 * not have. Going over a step swaps them with the caller's, so that the same step leads back again.
 */
#ifndef DFY_SPLAT_HISTORY_H
#define DFY_SPLAT_HISTORY_H

#include "base/status.h"
#include "diffy/splat.h"

/* Splats of a model, each once. All zero is an empty set. */
typedef struct DfySplatMarks {
    uint8_t *marked; /* a flag a splat */
    uint32_t *list;  /* those marked, in the order they were */
    uint32_t count, capacity;
    int all;             /* every splat; the list may be empty then */
    unsigned attributes; /* that may have changed, 1 << DFY_SPLAT_x each */
} DfySplatMarks;

enum { DFY_SPLAT_EVERY_ATTRIBUTE = (1 << DFY_SPLAT_ATTRIBUTES) - 1 };

/* Empties the set and makes room for so many splats; 0 or DFY_ERROR_MEMORY. */
int dfy_marks_begin(DfySplatMarks *marks, uint32_t splats);
void dfy_marks_free(DfySplatMarks *marks);
static inline void dfy_marks_add(DfySplatMarks *marks, uint32_t splat) {
    if (marks->all || splat >= marks->capacity || marks->marked[splat]) return;
    marks->marked[splat] = 1;
    marks->list[marks->count++] = splat;
}

typedef struct DfySplatStep {
    DfySplats numbers;   /* of the changed splats, or of all; other attributes have no arrays */
    unsigned attributes; /* as in marks */
    uint32_t *list;      /* NULL: all splats */
    uint64_t bytes;
} DfySplatStep;

typedef struct DfySplatHistory {
    DfySplatStep *steps; /* between models next to each other, the oldest first */
    size_t count, capacity;
    uint64_t bytes, limit; /* limit 0: nothing is kept */
} DfySplatHistory;

void dfy_history_clear(DfySplatHistory *history);
void dfy_history_free(DfySplatHistory *history);

/* Before the caller changes the marked splats of *model: keeps their numbers as a step, dropping the oldest steps
 * beyond the limit. 0 or DFY_ERROR_MEMORY. */
int dfy_history_add(DfySplatHistory *history, DfySplats *model, const DfySplatMarks *changed);
/* Takes *model, which is empty then, as a step to another model. */
int dfy_history_take(DfySplatHistory *history, DfySplats *model);
/* Goes over a step, whichever side *model is on, and adds what changed to *changed, which may be NULL. */
int dfy_history_cross(DfySplatHistory *history, size_t step, DfySplats *model, DfySplatMarks *changed);

#endif
