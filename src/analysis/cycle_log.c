#include "analysis/cycle_log.h"

#include <stdlib.h>
#include <string.h>

int dfy_cycle_log_open(DfyCycleLog *log, int width, int height, double fps) {
    *log = (DfyCycleLog){.chapter_frames = DFY_CHAPTER_FRAMES};
    return dfy_cycle_finder_open(&log->finder, width, height, fps);
}

void dfy_cycle_log_close(DfyCycleLog *log) {
    for (uint32_t i = 0; i < log->canonicals; i++) free(log->canonical[i]);
    free(log->cycle);
    dfy_departures_free(&log->departures);
    dfy_cycle_finder_close(&log->finder);
    *log = (DfyCycleLog){0};
}

static uint64_t shorter(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static double apart(const DfyCycleLog *log, const DfyRepeat *repeat, uint32_t canonical) {
    uint64_t common = shorter(repeat->frames, log->canonical_frames[canonical]);
    return dfy_descriptor_distance(log->finder.descriptor + repeat->first, log->canonical[canonical], common);
}

/* The canonical of the recording that is nearest; there is one. */
static uint32_t nearest(const DfyCycleLog *log, const DfyRepeat *repeat, double *distance) {
    uint32_t best = 0;
    *distance = apart(log, repeat, 0);
    for (uint32_t i = 1; i < log->canonicals; i++) {
        double here = apart(log, repeat, i);
        if (here >= *distance) continue;
        *distance = here;
        best = i;
    }
    return best;
}

/* Adds a canonical to the recording's. */
static int add_canonical(DfyCycleLog *log, const DfyRepeat *repeat) {
    uint64_t frames = shorter(repeat->frames, DFY_CANONICAL_FRAMES);
    DfyDescriptor *copy = malloc((size_t)frames * sizeof *copy);
    if (!copy) return DFY_ERROR_MEMORY;
    memcpy(copy, log->finder.descriptor + repeat->first, (size_t)frames * sizeof *copy);
    log->canonical[log->canonicals] = copy;
    log->canonical_frames[log->canonicals++] = frames;
    return DFY_OK;
}

/* Whether a chapter's canonical is one of the recording's too: at first all are, later only other kinds of work. */
static int is_new(const DfyCycleLog *log, const DfyRepeat *repeat, uint32_t known) {
    double distance;
    if (!repeat->canonical || log->canonicals == DFY_MOST_CANONICALS) return 0;
    if (!known) return 1;
    if (repeat->frames == log->finder.frames) return 0; /* what is left of a recording */
    nearest(log, repeat, &distance);
    return distance >= DFY_FAR_LEVELS;
}

static int tell(DfyCycleLog *log, const DfyRepeats *repeats, uint32_t count) {
    uint32_t known = log->canonicals;
    log->cycle = malloc((size_t)count * sizeof *log->cycle);
    if (!log->cycle) return DFY_ERROR_MEMORY;
    for (uint32_t i = 0; i < repeats->count; i++) {
        const DfyRepeat *repeat = &repeats->at[i];
        int chosen = is_new(log, repeat, known);
        if (chosen && add_canonical(log, repeat)) return DFY_ERROR_MEMORY;
        if (i < count) log->cycle[i] = (DfyLoggedCycle){.is_canonical = chosen, .canonical = log->canonicals - 1};
    }
    for (uint32_t i = 0; i < count; i++) { /* the canonicals are all there now */
        const DfyRepeat *repeat = &repeats->at[i];
        DfyLoggedCycle *cycle = &log->cycle[i];
        cycle->first = log->before + repeat->first;
        cycle->frames = repeat->frames;
        if (!cycle->is_canonical) cycle->canonical = nearest(log, repeat, &cycle->distance);
    }
    log->cycles = count;
    return DFY_OK;
}

#define SHIFTS 32  /* tried to either side */
#define SAMPLES 12 /* cycles looked at for each */

/* How far some of a chapter's cycles are from the recording's canonicals when all begin so much later. */
static double distance_shifted(const DfyCycleLog *log, const DfyRepeats *repeats, int64_t shift) {
    double sum = 0, distance;
    uint32_t step = repeats->count / SAMPLES + 1;
    for (uint32_t i = 1; i + 1 < repeats->count; i += step) {
        DfyRepeat moved = repeats->at[i]; /* its length is right, and behind it comes another */
        moved.first = (uint64_t)((int64_t)moved.first + shift);
        moved.frames = shorter(moved.frames, log->finder.frames - moved.first);
        nearest(log, &moved, &distance);
        sum += distance;
    }
    return sum;
}

/* Which moment of the work a chapter's cycles begin at may differ from chapter to chapter: moves them to the first's.
 */
static void shift_to_known(const DfyCycleLog *log, DfyRepeats *repeats) {
    if (!log->canonicals || repeats->count < 3) return;
    const DfyRepeat *first = &repeats->at[1], *last = &repeats->at[repeats->count - 1];
    int64_t period = (int64_t)((last->first - first->first) / (repeats->count - 2)), best = 0;
    double least = distance_shifted(log, repeats, 0);
    for (int64_t i = -SHIFTS; i <= SHIFTS; i++) {
        int64_t shift = i * period / (2 * SHIFTS);
        if ((int64_t)first->first + shift <= 0 || shift >= (int64_t)last->frames) continue;
        double here = distance_shifted(log, repeats, shift);
        if (here >= least) continue;
        least = here;
        best = shift;
    }
    repeats->at[0].frames += (uint64_t)best;
    for (uint32_t i = 1; i < repeats->count; i++) repeats->at[i].first += (uint64_t)best;
    repeats->at[repeats->count - 1].frames -= (uint64_t)best;
}

/* What departs in the cycles that are told. */
static int look_for_departures(DfyCycleLog *log, const DfyRepeats *repeats) {
    DfyDepartures *d = &log->departures;
    int status = dfy_find_departures(&log->finder, repeats, (uint32_t)log->open, !log->before, d);
    for (uint32_t i = 0; i < d->count; i++) d->at[i].first += log->before;
    return status;
}

/* Tells the cycles found so far; the last of them begins the next chapter unless this is the end. */
static int end_chapter(DfyCycleLog *log, int last) {
    DfyRepeats repeats;
    int status = dfy_find_repeats(&log->finder, &repeats);
    uint64_t done = log->finder.frames;
    int rest = last && log->open;
    log->open = 0;
    if (!status && (repeats.count > 1 || rest)) {
        shift_to_known(log, &repeats);
        const DfyRepeat *end = &repeats.at[repeats.count - 1];
        log->open = !last && !end->canonical && end->frames < done / 2;
        if (log->open) done = end->first;
        status = tell(log, &repeats, repeats.count - (uint32_t)log->open);
        if (!status) status = look_for_departures(log, &repeats);
    }
    dfy_repeats_free(&repeats);
    if (status) return status;
    dfy_cycle_finder_drop(&log->finder, done);
    log->before += done;
    return DFY_OK;
}

static void forget_told(DfyCycleLog *log) {
    free(log->cycle);
    log->cycle = NULL;
    log->cycles = 0;
    dfy_departures_free(&log->departures);
}

int dfy_cycle_log_push(DfyCycleLog *log, const DfyPicture *picture) {
    forget_told(log);
    int status = dfy_cycle_finder_push(&log->finder, picture);
    return !status && log->finder.frames >= log->chapter_frames ? end_chapter(log, 0) : status;
}

int dfy_cycle_log_finish(DfyCycleLog *log) {
    forget_told(log);
    return log->finder.frames ? end_chapter(log, 1) : DFY_OK;
}
