#include "analysis/repeats.h"

#include <stdlib.h>

#define ALIGN_REACH 20    /* frames that a boundary may move */
#define USUAL_ENOUGH 1.04 /* times the least sum of distances */

static uint64_t shorter(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static double apart(const DfyCycleFinder *finder, const DfyRepeat *a, const DfyRepeat *b) {
    return dfy_cycle_distance(finder, a->first, b->first, shorter(a->frames, b->frames));
}

static int cut_repeats(const DfyCycleFinder *finder, DfyRepeats *repeats) {
    DfyBoundaries boundaries;
    int status = dfy_cycle_finder_find(finder, DFY_CYCLES_SELF_SIMILARITY, &boundaries);
    if (status) return status;
    repeats->at = calloc(boundaries.count + 1u, sizeof *repeats->at);
    for (uint32_t i = 0; repeats->at && i <= boundaries.count; i++) {
        uint64_t from = i ? boundaries.frame[i - 1] : 0;
        uint64_t to = i < boundaries.count ? boundaries.frame[i] : finder->frames;
        if (to > from) repeats->at[repeats->count++] = (DfyRepeat){.first = from, .frames = to - from};
    }
    dfy_boundaries_free(&boundaries);
    return repeats->at ? DFY_OK : DFY_ERROR_MEMORY;
}

/* Whole cycles: neither the first, which the recording may have begun in the middle of, nor the last. */
static int is_whole(const DfyRepeats *repeats, uint32_t i) {
    return repeats->count < 3 || (i > 0 && i + 1 < repeats->count);
}

/* How far a cycle is from some others in all. */
static double distance_to_others(const DfyCycleFinder *finder, const DfyRepeats *repeats, uint32_t i) {
    uint32_t stride = 1 + repeats->count / 32;
    double sum = 0;
    for (uint32_t k = stride / 2; k < repeats->count; k += stride)
        if (is_whole(repeats, k)) sum += apart(finder, &repeats->at[i], &repeats->at[k]);
    return sum;
}

/*
 * Of the cycles that are nearly least far from the others the longest: what a repeat has beyond its canonical's
 * length must be coded anew, and begins with an I picture.
 */
static uint32_t most_usual(const DfyCycleFinder *finder, DfyRepeats *repeats) {
    double least = -1;
    for (uint32_t i = 0; i < repeats->count; i++) {
        if (!is_whole(repeats, i)) continue;
        double sum = repeats->at[i].apart = distance_to_others(finder, repeats, i);
        if (least < 0 || sum < least) least = sum;
    }
    uint32_t best = 0;
    uint64_t longest = 0;
    for (uint32_t i = 0; i < repeats->count; i++) {
        const DfyRepeat *repeat = &repeats->at[i];
        if (!is_whole(repeats, i) || repeat->apart > USUAL_ENOUGH * least || repeat->frames <= longest) continue;
        longest = repeat->frames;
        best = i;
    }
    return best;
}

static void follow(const DfyCycleFinder *finder, DfyRepeats *repeats, uint32_t canonical) {
    DfyRepeat *chosen = &repeats->at[canonical];
    chosen->canonical = 1;
    for (uint32_t i = 0; i < repeats->count; i++) {
        DfyRepeat *repeat = &repeats->at[i];
        double distance = apart(finder, repeat, chosen);
        if (repeat->apart >= 0 && distance >= repeat->apart) continue;
        repeat->apart = distance;
        repeat->follows = canonical;
    }
}

static double usual_distance(const DfyRepeats *repeats) {
    double *distances = malloc(repeats->count * sizeof *distances), usual = 0;
    size_t count = 0;
    for (uint32_t i = 0; distances && i < repeats->count; i++)
        if (!repeats->at[i].canonical) distances[count++] = repeats->at[i].apart;
    if (distances) usual = dfy_median(distances, count);
    free(distances);
    return usual;
}

/* First the most usual cycle, then, while there is one that is far from all chosen, the farthest. */
static void choose_canonicals(const DfyCycleFinder *finder, DfyRepeats *repeats) {
    uint32_t first = most_usual(finder, repeats);
    for (uint32_t i = 0; i < repeats->count; i++) repeats->at[i].apart = -1;
    follow(finder, repeats, first);
    for (int chosen = 1; chosen < DFY_MOST_CANONICALS; chosen++) {
        uint32_t farthest = 0;
        double most = 0, usual = usual_distance(repeats);
        for (uint32_t i = 0; i < repeats->count; i++)
            if (is_whole(repeats, i) && !repeats->at[i].canonical && repeats->at[i].apart > most) {
                most = repeats->at[i].apart;
                farthest = i;
            }
        if (most < DFY_FAR_LEVELS || most < 2 * usual) break;
        follow(finder, repeats, farthest);
    }
}

/* Moves the start of a repeat to where it agrees best with its canonical; the cycle before it gives or takes. */
static void align(const DfyCycleFinder *finder, DfyRepeats *repeats, uint32_t i) {
    DfyRepeat *repeat = &repeats->at[i], *before = &repeats->at[i - 1];
    const DfyRepeat *canonical = &repeats->at[repeat->follows];
    uint64_t end = repeat->first + repeat->frames, best = repeat->first;
    double least = -1;
    for (int shift = -ALIGN_REACH; shift <= ALIGN_REACH; shift++) {
        int64_t first = (int64_t)repeat->first + shift;
        if (first <= (int64_t)before->first || first >= (int64_t)end) continue;
        uint64_t common = shorter(end - (uint64_t)first, canonical->frames);
        double distance = dfy_cycle_distance(finder, (uint64_t)first, canonical->first, common);
        if (least >= 0 && distance >= least) continue;
        least = distance;
        best = (uint64_t)first;
    }
    if (least >= 0) repeat->apart = least;
    before->frames = best - before->first;
    repeat->first = best;
    repeat->frames = end - best;
}

int dfy_find_repeats(const DfyCycleFinder *finder, DfyRepeats *repeats) {
    *repeats = (DfyRepeats){0};
    int status = cut_repeats(finder, repeats);
    if (status) return status;
    choose_canonicals(finder, repeats);
    for (uint32_t i = 1; i < repeats->count; i++)
        if (!repeats->at[i].canonical) align(finder, repeats, i);
    return DFY_OK;
}

void dfy_repeats_free(DfyRepeats *repeats) {
    free(repeats->at);
    *repeats = (DfyRepeats){0};
}
