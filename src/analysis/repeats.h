/*
 * What the boundaries between cycles leave: the cycles themselves. A few of them, each as usual as its kind has any,
 * become the canonicals; every other one follows the canonical it is nearest to, and is moved to agree with it best.
 */
#ifndef DFY_ANALYSIS_REPEATS_H
#define DFY_ANALYSIS_REPEATS_H

#include "analysis/cycles.h"

#define DFY_MOST_CANONICALS 5
#define DFY_FAR_LEVELS 1.5 /* descriptors farther apart than this and than twice the usual are another kind of work */

typedef struct DfyRepeat {
    uint64_t first, frames;
    uint32_t follows; /* the canonical, counted among all */
    double apart;     /* descriptor distance to it */
    int canonical;
} DfyRepeat;

/* They cover the film: the first and the last are mostly parts of a cycle. A film without cycles is one of them. */
typedef struct DfyRepeats {
    DfyRepeat *at;
    uint32_t count;
} DfyRepeats;

/* 0 or DFY_ERROR_MEMORY; free with dfy_repeats_free in any case. */
int dfy_find_repeats(const DfyCycleFinder *finder, DfyRepeats *repeats);
void dfy_repeats_free(DfyRepeats *repeats);

#endif
