/*
 * Cycles by self-similarity.
 *
 * 1. Descriptors are freed of what never moves and of light that changes as a whole, and thinned to some ten a
 *    second.
 * 2. Windows of a second or two, taken here and there, are each compared with the whole film. The one that comes
 *    again most clearly and most evenly is the anchor; its recurrences mark the same moment of every cycle.
 * 3. Of all rests between recurrences, those that end at the same time before the next one, last long and differ
 *    in length are the wait between two cycles: where motion sets in behind them a cycle begins.
 * 4. The mean of the film around all those beginnings is the final template. Its best match near each beginning,
 *    first in the thinned film and then frame by frame, is the boundary.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/cycles.h"

#define THINNED_FPS 10.0
#define WINDOW_SECONDS 1.6
#define SHORTEST_SECONDS 1.5
#define ONSET_SECONDS 0.15 /* motion sets in so gently that it shows so much later */
#define MOST_ANCHORS 64
#define ANCHOR_FRAMES 4000 /* thinned frames that anchors are chosen from */
#define MATCH 0.45         /* similarity of a recurrence: 1 is the same, 0 what any two moments have */
#define WIDE_MATCH 0.35    /* tried where nothing is so similar: uneven speed and no pauses */
#define WEAK_MATCH 0.25    /* where one is missing in a row */
#define CAP 320            /* 20 levels: a passing van counts no more than a moving arm */
#define LEAST_MOTION 8.0   /* mean cell deviation, 16ths of a level; below it nothing moves but noise */

typedef struct Film {
    DfyDescriptor *frame;
    float *energy;
    int count;
    int step;   /* frames of the recording a thinned frame */
    int window; /* thinned frames */
    int shortest;
    double match; /* similarity of a recurrence */
} Film;

/* Recurrences of a window, and how good they are. */
typedef struct Recurrences {
    int *at;
    int count;
    double score, period;
} Recurrences;

static void film_free(Film *film) {
    free(film->frame);
    free(film->energy);
}

/* ---------------------------------------------------------------- 1. the film */

static int median_cell(const int16_t *cell) {
    int16_t sorted[DFY_CELLS];
    memcpy(sorted, cell, sizeof sorted);
    for (int gap = DFY_CELLS / 2; gap > 0; gap /= 2) /* Shell's sort: few and small */
        for (int i = gap; i < DFY_CELLS; i++) {
            int16_t value = sorted[i];
            int j = i;
            for (; j >= gap && sorted[j - gap] > value; j -= gap) sorted[j] = sorted[j - gap];
            sorted[j] = value;
        }
    return sorted[DFY_CELLS / 2];
}

/* Takes off each cell's mean over the film, then each frame's median: the light. */
static void remove_still(DfyDescriptor *frame, int count) {
    int64_t sum[DFY_CELLS] = {0};
    for (int t = 0; t < count; t++)
        for (int k = 0; k < DFY_CELLS; k++) sum[k] += frame[t].cell[k];
    for (int t = 0; t < count; t++) {
        for (int k = 0; k < DFY_CELLS; k++) frame[t].cell[k] = (int16_t)(frame[t].cell[k] - sum[k] / count);
        int light = median_cell(frame[t].cell);
        for (int k = 0; k < DFY_CELLS; k++) frame[t].cell[k] = (int16_t)(frame[t].cell[k] - light);
    }
}

static void thin_frame(DfyDescriptor *out, const DfyDescriptor *in, int step) {
    int sum[DFY_CELLS] = {0};
    for (int i = 0; i < step; i++)
        for (int k = 0; k < DFY_CELLS; k++) sum[k] += in[i].cell[k];
    for (int k = 0; k < DFY_CELLS; k++) out->cell[k] = (int16_t)(sum[k] / step);
}

static int make_film(Film *film, const DfyCycleFinder *finder) {
    *film = (Film){.step = (int)lrint(finder->fps / THINNED_FPS)};
    if (film->step < 1) film->step = 1;
    double fps = finder->fps / film->step;
    film->window = (int)ceil(WINDOW_SECONDS * fps);
    film->shortest = (int)ceil(SHORTEST_SECONDS * fps);
    uint64_t count = finder->frames / (uint64_t)film->step;
    if (count > INT32_MAX / 4) count = INT32_MAX / 4;
    film->count = (int)count;
    film->frame = calloc(count ? count : 1, sizeof *film->frame);
    film->energy = calloc(count ? count : 1, sizeof *film->energy);
    if (!film->frame || !film->energy) return DFY_ERROR_MEMORY;
    for (int t = 0; t < film->count; t++)
        thin_frame(&film->frame[t], &finder->descriptor[(size_t)t * (size_t)film->step], film->step);
    if (film->count) remove_still(film->frame, film->count);
    for (int t = 1; t < film->count; t++) {
        int sum = 0;
        for (int k = 0; k < DFY_CELLS; k++) sum += abs(film->frame[t].cell[k] - film->frame[t - 1].cell[k]);
        film->energy[t] = (float)sum / DFY_CELLS;
    }
    return DFY_OK;
}

/* ---------------------------------------------------------------- 2. recurrences */

static int descriptor_distance(const DfyDescriptor *a, const DfyDescriptor *b) {
    int sum = 0;
    for (int k = 0; k < DFY_CELLS; k++) {
        int difference = abs(a->cell[k] - b->cell[k]);
        sum += difference < CAP ? difference : CAP;
    }
    return sum;
}

/* distance[t] for windows that begin at from..from + count */
static void match_window(double *distance, const DfyDescriptor *window, int length, const DfyDescriptor *film,
                         int count) {
    for (int t = 0; t + length <= count; t++) {
        int64_t sum = 0;
        for (int i = 0; i < length; i++) sum += descriptor_distance(&window[i], &film[t + i]);
        distance[t] = (double)sum / length / DFY_CELLS;
    }
}

static int is_lowest_around(const double *distance, int count, int t, int reach) {
    int from = t > reach ? t - reach : 0, to = t + reach < count ? t + reach : count - 1;
    for (int i = from; i <= to; i++)
        if (distance[i] < distance[t] || (distance[i] == distance[t] && i < t)) return 0;
    return 1;
}

/* Similarities at the recurrences, to which `found` is set; scratch holds count doubles. */
static void find_recurrences(Recurrences *found, const double *distance, int count, int shortest, double match,
                             double *scratch) {
    memcpy(scratch, distance, (size_t)count * sizeof *scratch);
    double usual = dfy_median(scratch, (size_t)count), similarity = 0;
    found->count = 0;
    found->score = found->period = 0;
    if (usual < LEAST_MOTION) return;
    for (int t = 0; t < count; t++) {
        double here = 1 - distance[t] / usual;
        if (here < match || !is_lowest_around(distance, count, t, shortest * 2 / 3)) continue;
        found->at[found->count++] = t;
        similarity += here;
    }
    if (found->count < 3) return;
    int gaps = found->count - 1;
    for (int i = 0; i < gaps; i++) scratch[i] = found->at[i + 1] - found->at[i];
    found->period = dfy_median(scratch, (size_t)gaps);
    double unevenness = 0;
    for (int i = 0; i < gaps; i++) unevenness += fabs(scratch[i] - found->period) / found->period / gaps;
    double covered = (found->at[gaps] - found->at[0] + found->period) / (count + 1.0);
    found->score = similarity / found->count * (covered < 1 ? covered : 1) / (1 + 2 * unevenness);
}

/* Tries windows over the film; best gets the anchor's recurrences. */
static int choose_anchor(const Film *film, Recurrences *best, int *anchor) {
    int count = film->count < ANCHOR_FRAMES ? film->count : ANCHOR_FRAMES, places = count - film->window + 1;
    double *distance = malloc((size_t)count * sizeof *distance), *scratch = malloc((size_t)count * sizeof *scratch);
    Recurrences tried = {.at = malloc((size_t)count * sizeof *tried.at)};
    int status = distance && scratch && tried.at ? DFY_OK : DFY_ERROR_MEMORY;
    int anchors = places < MOST_ANCHORS ? places : MOST_ANCHORS;
    for (int i = 0; i < anchors && !status; i++) {
        int at = (int)((int64_t)i * places / anchors);
        match_window(distance, &film->frame[at], film->window, film->frame, count);
        find_recurrences(&tried, distance, places, film->shortest, film->match, scratch);
        if (tried.score <= best->score) continue;
        best->score = tried.score;
        best->period = tried.period;
        *anchor = at;
    }
    free(distance);
    free(scratch);
    free(tried.at);
    return status;
}

/* ---------------------------------------------------------------- 3. where a cycle begins */

/* Energy below which the work stands still: a fifth of the way from what a tenth of the film is below to the top tenth.
 */
static double still_energy(const Film *film, double *scratch) {
    for (int t = 0; t < film->count; t++) scratch[t] = film->energy[t];
    dfy_median(scratch, (size_t)film->count); /* sorts */
    double low = scratch[film->count / 10], high = scratch[film->count - 1 - film->count / 10];
    return low + 0.2 * (high - low);
}

/* A stretch of stillness between two recurrences. */
typedef struct Rest {
    int back;   /* from its end to the recurrence behind it */
    int length; /* thinned frames */
} Rest;

static int find_rests(const Film *film, const Recurrences *marks, double still, Rest *rest) {
    int count = 0;
    for (int i = 0; i + 1 < marks->count; i++)
        for (int t = marks->at[i], run = 0; t < marks->at[i + 1]; t++) {
            if (film->energy[t] < still) {
                run++;
            } else {
                if (run) rest[count++] = (Rest){marks->at[i + 1] - t, run};
                run = 0;
            }
        }
    return count;
}

/* How much the rests that end about so far back look like waiting: long in all, and above all of changing length. */
static double waiting(const Rest *rest, int count, int back, double *lengths) {
    double total = 0, excess = 0;
    size_t near = 0;
    for (int i = 0; i < count; i++)
        if (abs(rest[i].back - back) <= 2) {
            lengths[near++] = rest[i].length;
            total += rest[i].length;
        }
    double usual = dfy_median(lengths, near);
    for (size_t i = 0; i < near; i++)
        if (lengths[i] > usual * 1.3 + 1) excess += lengths[i] - usual;
    return total + 8 * excess;
}

/*
 * Offset from the recurrences at which motion sets in after the wait. Rests are placed by where they end, counted
 * back from the recurrence behind them: a wait of changing length smears what lies ahead of it, but not its own end.
 */
static int onset_offset(const Film *film, const Recurrences *marks, double *scratch) {
    Rest *rest = malloc((size_t)film->count * sizeof *rest);
    if (!rest) return 0;
    int count = find_rests(film, marks, still_energy(film, scratch), rest), best = 0;
    double most = 0;
    for (int back = 1; back <= 2 * (int)lrint(marks->period); back++) {
        double here = waiting(rest, count, back, scratch);
        if (here > most) {
            most = here;
            best = back;
        }
    }
    int sum = 0, near = 0; /* the middle of the rests that made it best */
    for (int i = 0; i < count; i++)
        if (abs(rest[i].back - best) <= 2) {
            sum += rest[i].back;
            near++;
        }
    free(rest);
    return near ? -(sum + near / 2) / near : 0;
}

/* ---------------------------------------------------------------- 4. boundaries */

/* Mean of the film around all marks + offset, from `before` frames ahead of them. */
static void mean_window(DfyDescriptor *window, const Film *film, const Recurrences *marks, int offset, int length) {
    for (int i = 0; i < length; i++) {
        int sum[DFY_CELLS] = {0}, seen = 0;
        for (int m = 0; m < marks->count; m++) {
            int t = marks->at[m] + offset + i;
            if (t < 0 || t >= film->count) continue;
            seen++;
            for (int k = 0; k < DFY_CELLS; k++) sum[k] += film->frame[t].cell[k];
        }
        for (int k = 0; k < DFY_CELLS && seen; k++) window[i].cell[k] = (int16_t)(sum[k] / seen);
    }
}

/* Marks that a row is missing get the best weak match in the middle of a gap of two periods. */
static void fill_gaps(Recurrences *marks, const double *distance, double usual, int capacity) {
    for (int i = 0; i + 1 < marks->count && marks->count < capacity; i++) {
        int gap = marks->at[i + 1] - marks->at[i], period = (int)lrint(marks->period), best = -1;
        if (gap < 17 * period / 10) continue;
        for (int t = marks->at[i] + 6 * period / 10; t <= marks->at[i + 1] - 6 * period / 10; t++)
            if (best < 0 || distance[t] < distance[best]) best = t;
        if (best < 0 || 1 - distance[best] / usual < WEAK_MATCH) continue;
        memmove(&marks->at[i + 2], &marks->at[i + 1], (size_t)(marks->count - i - 1) * sizeof *marks->at);
        marks->at[i + 1] = best;
        marks->count++;
    }
}

/* The mark nearest to frame by frame, where the recording's own descriptors agree best with the mean window. */
static uint64_t refine(const DfyCycleFinder *finder, const Film *film, const DfyDescriptor *window, int length,
                       int mark) {
    int64_t centre = (int64_t)mark * film->step, best = centre;
    double least = 0;
    for (int64_t start = centre - film->step; start <= centre + film->step; start++) {
        if (start < 0 || start + (int64_t)length * film->step > (int64_t)finder->frames) continue;
        double total = 0;
        for (int i = 0; i < length; i++) {
            DfyDescriptor thinned;
            int64_t mean = 0;
            thin_frame(&thinned, &finder->descriptor[start + (int64_t)i * film->step], film->step);
            /* The still parts aren't known here frame by frame; the thinned film's own frame gives them. */
            int near = (int)((start + (int64_t)i * film->step) / film->step);
            DfyDescriptor still;
            thin_frame(&still, &finder->descriptor[(int64_t)near * film->step], film->step);
            for (int k = 0; k < DFY_CELLS; k++) {
                int value = film->frame[near].cell[k] + thinned.cell[k] - still.cell[k];
                mean += abs(value - window[i].cell[k]);
            }
            total += (double)mean;
        }
        if (start == centre - film->step || total < least || least == 0) {
            least = total;
            best = start;
        }
    }
    return (uint64_t)best;
}

static int emit(const DfyCycleFinder *finder, const Film *film, const Recurrences *marks, const DfyDescriptor *window,
                int length, int lead, DfyBoundaries *boundaries) {
    uint64_t last = 0, onset = (uint64_t)lrint(ONSET_SECONDS * finder->fps);
    for (int i = 0; i < marks->count; i++) {
        uint64_t frame = refine(finder, film, window, length, marks->at[i]) + (uint64_t)lead * (uint64_t)film->step;
        if (frame <= last || frame >= finder->frames) continue;
        if (dfy_boundaries_append(boundaries, frame - (frame > onset ? onset : 0))) return DFY_ERROR_MEMORY;
        last = frame;
    }
    return DFY_OK;
}

static int locate(const DfyCycleFinder *finder, const Film *film, Recurrences *best, int anchor,
                  DfyBoundaries *boundaries) {
    const int lead = film->window / 4, length = film->window, count = film->count, places = count - length + 1;
    double *distance = malloc((size_t)count * sizeof *distance), *scratch = malloc((size_t)count * sizeof *scratch);
    DfyDescriptor *window = calloc((size_t)length, sizeof *window);
    Recurrences marks = {.at = malloc((size_t)count * sizeof *marks.at)};
    int status = distance && scratch && window && marks.at ? DFY_OK : DFY_ERROR_MEMORY;
    if (!status) {
        match_window(distance, &film->frame[anchor], length, film->frame, count);
        find_recurrences(&marks, distance, places, (int)(best->period * 0.6), film->match, scratch);
        marks.period = best->period;
    }
    for (int round = 0; round < 2 && !status && marks.count >= 2; round++) {
        int offset = round ? 0 : onset_offset(film, &marks, scratch) - lead;
        mean_window(window, film, &marks, offset, length);
        match_window(distance, window, length, film->frame, count);
        find_recurrences(&marks, distance, places, (int)(best->period * 0.75), film->match, scratch);
        if (marks.count < 0.6 * places / best->period)
            find_recurrences(&marks, distance, places, (int)(best->period * 0.75), WIDE_MATCH, scratch);
        if (marks.count >= 2) marks.period = best->period;
    }
    if (!status && marks.count >= 2) {
        memcpy(scratch, distance, (size_t)places * sizeof *scratch);
        fill_gaps(&marks, distance, dfy_median(scratch, (size_t)places), count);
        status = emit(finder, film, &marks, window, length, lead, boundaries);
    }
    free(distance);
    free(scratch);
    free(window);
    free(marks.at);
    return status;
}

int dfy_find_self_similarity(const DfyCycleFinder *finder, DfyBoundaries *boundaries) {
    Film film;
    Recurrences best = {0};
    int anchor = 0, status = make_film(&film, finder);
    if (!status && film.count >= 2 * film.window + film.shortest) {
        film.match = MATCH;
        status = choose_anchor(&film, &best, &anchor);
        if (!status && best.score <= 0) {
            film.match = WIDE_MATCH;
            status = choose_anchor(&film, &best, &anchor);
        }
        if (!status && best.score > 0) status = locate(finder, &film, &best, anchor, boundaries);
    }
    film_free(&film);
    return status;
}
