#include "analysis/departures.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/alignment.h"
#include "base/numbers.h"

#define REFERENCES 16         /* cycles that one is compared with, as many before it as behind where there are */
#define AGREEING_SHARE 4      /* of them so many a one shows what is no departure: routine varies */
#define REACH 2               /* frames that the moment of the work may be off by */
#define TOLERANCE 64          /* 1/16 levels that a cell may be outside of them */
#define LEAST_LEVELS 14.0     /* of the farthest cell of a departure */
#define SHORTEST_SECONDS 0.15 /* that a cell is away for */
#define LEAST_SECONDS 0.6     /* of a departure */
#define GAP_SECONDS 0.7       /* in between, up to which it is one departure */
#define SLOW 1.35             /* times as long as usual */
#define LONGEST_MOMENT 3      /* frames that one moment counts for, since pauses do not make a cycle slow */
#define MOVING_SHARE 0.12f    /* of its strongest motion that a moment of work has at least */

/*
 * The figures are of the test scene with 5 % jitter, ten minutes of six seeds: 51 of 51 planted events were found, and
 * one thing more. Events had 17 levels or more; what was none had 13 at the most, or was gone after half a second.
 * Slow cycles took 1.6 times as long or more.
 */

typedef struct Search {
    const DfyCycleFinder *finder;
    const DfyRepeats *repeats;
    int starts; /* the film begins the recording */
    DfyAlignment alignment;
    int16_t *apart;   /* by frame, cell and reference: how far outside of what it shows */
    uint16_t *excess; /* by frame and cell: the same of nearly all of them */
    uint8_t *away;    /* by frame and cell: departed */
} Search;

static uint32_t frames_of(const DfyRepeat *repeat) {
    return (uint32_t)(repeat->frames < DFY_ALIGNED_FRAMES ? repeat->frames : DFY_ALIGNED_FRAMES);
}

/* Neither the first of a recording, which may have begun in the middle of it, nor the last. */
static int is_whole(const Search *s, uint32_t i) {
    return (i > 0 || !s->starts) && i + 1 < s->repeats->count;
}

static uint32_t in_frames(const Search *s, double seconds) {
    return (uint32_t)(seconds * s->finder->fps + 0.5);
}

/* ---------------------------------------------------------------- one cycle beside others */

/* By which the light has changed: the mean difference of cells that differ about as the mean of all does. */
static int light_between(const DfyDescriptor *a, const DfyDescriptor *b) {
    int sum = 0, near = 0, count = 1;
    for (int k = 0; k < DFY_CELLS; k++) sum += a->cell[k] - b->cell[k];
    const int mean = sum / DFY_CELLS;
    for (int k = 0; k < DFY_CELLS; k++) {
        int off = a->cell[k] - b->cell[k] - mean, alike = off <= TOLERANCE && -off <= TOLERANCE;
        near += alike ? off : 0;
        count += alike;
    }
    return mean + near / count;
}

/* How far each cell of a frame is outside what a reference of `width` frames shows about moment m. */
static void measure_apart(int16_t *apart, const DfyDescriptor *own, const DfyDescriptor *other, uint32_t width,
                          uint32_t m) {
    uint32_t from = m > REACH ? m - REACH : 0, to = m + REACH < width ? m + REACH : width - 1;
    int light = light_between(own, &other[m]);
    for (int k = 0; k < DFY_CELLS; k++) {
        int low = other[m].cell[k], high = low, value = own->cell[k] - light;
        for (uint32_t i = from; i <= to; i++) {
            int here = other[i].cell[k];
            if (here < low) low = here;
            if (here > high) high = here;
        }
        apart[k * REFERENCES] = (int16_t)(value > high ? value - high : value < low ? low - value : 0);
    }
}

/* Times as long as in another cycle that this one was on its way. */
static double pace_beside(const Search *s, const DfyRepeat *own, const DfyRepeat *other) {
    const float *energy = s->finder->energy + other->first;
    float most = 0, least = energy[0];
    for (uint32_t m = 0; m < frames_of(other); m++) {
        if (energy[m] > most) most = energy[m];
        if (energy[m] < least) least = energy[m];
    }
    float moving = least + MOVING_SHARE * (most - least);
    uint32_t usual = 0, count = 0, run = 0;
    for (uint32_t m = 0; m < frames_of(other); m++) usual += energy[m] > moving;
    for (uint32_t t = 0; t < frames_of(own); t++) {
        uint32_t m = s->alignment.moment[t];
        run = t && m == s->alignment.moment[t - 1] ? run + 1 : 1;
        count += run <= LONGEST_MOMENT && energy[m] > moving;
    }
    return usual ? (double)count / usual : 1;
}

/* The whole cycles around cycle i, the nearest first. */
static uint32_t choose_references(const Search *s, uint32_t i, uint32_t chosen[REFERENCES]) {
    uint32_t count = 0;
    for (uint32_t far = 1; far < s->repeats->count && count < REFERENCES; far++) {
        if (i >= far && is_whole(s, i - far)) chosen[count++] = i - far;
        if (count < REFERENCES && is_whole(s, i + far)) chosen[count++] = i + far;
    }
    return count;
}

/* The value that `lower` others are not above. */
static uint16_t ranked(const int16_t *values, uint32_t count, uint32_t lower) {
    int16_t least[REFERENCES / AGREEING_SHARE + 1];
    uint32_t kept = 0, zeros = 0;
    for (uint32_t i = 0; i < count; i++) zeros += !values[i];
    if (zeros > lower) return 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = kept <= lower ? kept++ : kept;
        for (; at > 0 && least[at - 1] > values[i]; at--)
            if (at <= lower) least[at] = least[at - 1];
        if (at <= lower) least[at] = values[i];
    }
    return (uint16_t)least[lower];
}

/* Marks cells that are away from nearly all references for long enough. */
static void mark_away(const Search *s, uint32_t frames, uint32_t references) {
    uint32_t shortest = in_frames(s, SHORTEST_SECONDS);
    for (size_t at = 0; at < (size_t)frames * DFY_CELLS; at++)
        s->excess[at] = ranked(s->apart + at * REFERENCES, references, references / AGREEING_SHARE);
    memset(s->away, 0, (size_t)frames * DFY_CELLS);
    for (size_t k = 0; k < DFY_CELLS; k++)
        for (uint32_t t = 0, run = 0; t <= frames; t++) {
            if (t < frames && s->excess[t * DFY_CELLS + k] > TOLERANCE) {
                run++;
                continue;
            }
            for (uint32_t i = t - run; run >= shortest && i < t; i++) s->away[i * DFY_CELLS + k] = 1;
            run = 0;
        }
}

/* Compares a cycle with others; *pace: times as long as usual that it takes. */
static int look_at_cycle(Search *s, uint32_t i, double *pace) {
    const DfyRepeats *r = s->repeats;
    const DfyRepeat *own = &r->at[i];
    const DfyDescriptor *descriptor = s->finder->descriptor;
    uint32_t chosen[REFERENCES], count = choose_references(s, i, chosen), frames = frames_of(own);
    double paces[REFERENCES];
    for (uint32_t n = 0; n < count; n++) {
        const DfyRepeat *other = &r->at[chosen[n]];
        uint32_t width = frames_of(other);
        int status = dfy_align(&s->alignment, descriptor + own->first, frames, descriptor + other->first, width,
                               !i && s->starts, i + 1 == r->count);
        if (status) return status;
        for (uint32_t t = 0; t < frames; t++)
            measure_apart(s->apart + (size_t)t * DFY_CELLS * REFERENCES + n, &descriptor[own->first + t],
                          descriptor + other->first, width, s->alignment.moment[t]);
        paces[n] = pace_beside(s, own, other);
    }
    mark_away(s, frames, count);
    *pace = dfy_median(paces, count);
    return DFY_OK;
}

/* ---------------------------------------------------------------- the departures */

/* What has departed in frame t of a cycle; frames 0: nothing. */
static DfyLoggedDeparture see(const Search *s, uint64_t frame, uint32_t t) {
    DfyLoggedDeparture d = {.first = frame, .left = DFY_CELLS_ACROSS, .top = DFY_CELLS_DOWN};
    for (int k = 0; k < DFY_CELLS; k++) {
        size_t at = (size_t)t * DFY_CELLS + (size_t)k;
        int x = k % DFY_CELLS_ACROSS, y = k / DFY_CELLS_ACROSS;
        if (!s->away[at]) continue;
        d.frames = 1;
        d.left = dfy_min(d.left, x);
        d.top = dfy_min(d.top, y);
        d.right = dfy_max(d.right, x + 1);
        d.bottom = y + 1;
        if (s->excess[at] / 16.0 > d.size) d.size = s->excess[at] / 16.0;
    }
    return d;
}

static void join(DfyLoggedDeparture *to, const DfyLoggedDeparture *next) {
    to->frames = next->first + next->frames - to->first;
    to->left = dfy_min(to->left, next->left);
    to->top = dfy_min(to->top, next->top);
    to->right = dfy_max(to->right, next->right);
    to->bottom = dfy_max(to->bottom, next->bottom);
    if (next->size > to->size) to->size = next->size;
}

/* Takes what was seen until now, if it is enough to be a departure. */
static int take_seen(const Search *s, DfyLoggedDeparture *seen, DfyDepartures *out) {
    int status = DFY_OK, of_start = s->starts && seen->first < s->repeats->at[0].frames;
    if (seen->frames && !of_start && seen->frames >= in_frames(s, LEAST_SECONDS) && seen->size >= LEAST_LEVELS)
        status = dfy_departures_append(out, seen);
    seen->frames = 0;
    return status;
}

static int by_first(const void *a, const void *b) {
    const DfyLoggedDeparture *x = a, *y = b;
    return x->first != y->first ? (x->first < y->first ? -1 : 1) : x->is_slow - y->is_slow;
}

static int search(Search *s, uint32_t count, DfyDepartures *out) {
    DfyLoggedDeparture seen = {0};
    int status = DFY_OK;
    for (uint32_t i = 0; i < count && !status; i++) {
        const DfyRepeat *cycle = &s->repeats->at[i];
        double pace = 1;
        status = look_at_cycle(s, i, &pace);
        for (uint32_t t = 0; t < frames_of(cycle) && !status; t++) {
            DfyLoggedDeparture now = see(s, cycle->first + t, t);
            if (!now.frames) continue;
            if (seen.frames && now.first > seen.first + seen.frames + in_frames(s, GAP_SECONDS))
                status = take_seen(s, &seen, out);
            if (seen.frames)
                join(&seen, &now);
            else
                seen = now;
        }
        DfyLoggedDeparture slow = {cycle->first, cycle->frames, 1, 0, 0, DFY_CELLS_ACROSS, DFY_CELLS_DOWN, pace};
        if (!status && is_whole(s, i) && pace >= SLOW) status = dfy_departures_append(out, &slow);
    }
    return status ? status : take_seen(s, &seen, out);
}

int dfy_find_departures(const DfyCycleFinder *finder, const DfyRepeats *repeats, uint32_t open, int starts,
                        DfyDepartures *departures) {
    if (repeats->count < DFY_ROUTINE_CYCLES + 2) return DFY_OK;
    Search *s = calloc(1, sizeof *s);
    if (!s) return DFY_ERROR_MEMORY;
    uint32_t before = departures->count;
    uint32_t longest = 0;
    for (uint32_t i = 0; i < repeats->count; i++)
        if (frames_of(&repeats->at[i]) > longest) longest = frames_of(&repeats->at[i]);
    const size_t cells = (size_t)longest * DFY_CELLS;
    s->finder = finder;
    s->repeats = repeats;
    s->starts = starts;
    s->apart = malloc(cells * REFERENCES * sizeof *s->apart);
    s->excess = malloc(cells * sizeof *s->excess);
    s->away = malloc(cells);
    int status = DFY_ERROR_MEMORY;
    if (s->apart && s->excess && s->away) status = search(s, repeats->count - open, departures);
    if (!status && departures->count > before)
        qsort(departures->at + before, departures->count - before, sizeof *departures->at, by_first);
    free(s->apart);
    free(s->excess);
    free(s->away);
    dfy_alignment_close(&s->alignment);
    free(s);
    return status;
}
