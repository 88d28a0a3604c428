#include "video/encode/lookahead/clone_finder.h"

#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"
#include "diffy/diffy.h"
#include "video/encode/lookahead/pyramid.h"

#define COLUMNS 64 /* of luma cells, at the most */
#define ROWS 36
#define COARSE_COLUMNS 16
#define COARSE_ROWS 9
#define BLOCK 256       /* frames of history that memory is taken for at a time */
#define RING 64         /* frames that are undecided or not traced back yet, at the most */
#define PATHS 24        /* ways that a frame can be reached, at the most */
#define FAMILY 8        /* of them that began at one frame's one source */
#define STARTS 4        /* sources at which a stretch may begin, for each frame */
#define APART 32        /* of so many sources in a row only the best is one of them */
#define TRACE 32        /* frames after which the best way so far is settled on */
#define JUMP_COST 48    /* of going on somewhere else */
#define STEP_COST 4     /* of any step but one frame forward, in 1/16 level */
#define MOVES 3         /* times as far as from its sources a stretch is from its first frame (squares) */
#define WORTH_BYTES 160 /* stretches whose sources took less when coded cost little more themselves */

/* The best way known to repeat the latest frames so that the last of them shows source `serial`. */
typedef struct Path {
    uint64_t serial; /* sources are counted as they are coded */
    uint64_t number; /* the frame that the source is */
    uint64_t start;  /* frame at which it began */
    uint64_t family; /* ways from the same start have the same */
    uint32_t cost;   /* sum of distances, and of step costs, in 1/16 level */
    int16_t parent;  /* among the paths of the frame before, -1: none */
    int16_t still;   /* steps of none in a row */
    int16_t piece;   /* frames since it began or jumped, as far as it matters */
} Path;

typedef struct Paths {
    Path path[PATHS]; /* the best first */
    int count;
} Paths;

struct DfyCloneFinder {
    int columns, rows, chroma_columns, chroma_rows, coarse_columns, coarse_rows;
    size_t cells, luma_cells, coarse_cells; /* of a signature: luma, chroma, and luma again in a coarse grid */
    uint32_t most_mean;                     /* sum of luma differences */
    int most_cell;
    int least, most_still;
    uint8_t *block[DFY_CLONE_HISTORY / BLOCK]; /* signatures of coded frames, by serial */
    uint64_t number[DFY_CLONE_HISTORY];        /* which frames they are */
    uint32_t bytes[DFY_CLONE_HISTORY];         /* what each took, in 1/16 byte */
    uint64_t coded;                            /* how many there were in all */
    uint8_t *held;                             /* signatures of the latest frames, by frame */
    Paths paths[RING];                         /* by frame */
    uint64_t next, first_held;                 /* the next frame to be looked at; the first neither coded nor clone */
    uint64_t families;
    int cloning;
    uint64_t traced; /* cloning: the first frame whose source is not settled */
    uint64_t *sources;
    size_t source_count, source_capacity;
};

DfyCloneFinder *dfy_clone_finder_new(int width, int height, double distance, int least) {
    DfyCloneFinder *f = calloc(1, sizeof *f);
    if (!f) return NULL;
    f->columns = dfy_min(dfy_coded_size(width) / 8, COLUMNS);
    f->rows = dfy_min(dfy_coded_size(height) / 8, ROWS);
    f->chroma_columns = (f->columns + 1) / 2;
    f->chroma_rows = (f->rows + 1) / 2;
    f->coarse_columns = dfy_min(f->columns, COARSE_COLUMNS);
    f->coarse_rows = dfy_min(f->rows, COARSE_ROWS);
    f->luma_cells = (size_t)(f->columns * f->rows);
    f->coarse_cells = (size_t)(f->coarse_columns * f->coarse_rows);
    f->cells = f->luma_cells + 2 * (size_t)(f->chroma_columns * f->chroma_rows) + f->coarse_cells;
    f->most_mean = (uint32_t)(distance * (double)f->luma_cells);
    f->most_cell = (int)(distance * DFY_CLONE_CELL + 0.5);
    f->least = dfy_min(least, DFY_CLONE_LONGEST_LEAST);
    f->most_still = f->least / 2 + 1;
    f->held = malloc(RING * f->cells);
    if (f->held) return f;
    dfy_clone_finder_free(f);
    return NULL;
}

void dfy_clone_finder_free(DfyCloneFinder *f) {
    if (!f) return;
    for (int i = 0; i < DFY_CLONE_HISTORY / BLOCK; i++) free(f->block[i]);
    free(f->held);
    free(f->sources);
    free(f);
}

/* ---------------------------------------------------------------- signatures */

/* Means of the cells that columns x rows divide a plane into; a cell has at least one pixel. */
static void divide(uint8_t *out, const uint8_t *pixels, ptrdiff_t stride, int width, int height, int columns,
                   int rows) {
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < columns; c++) {
            int left = c * width / columns, right = (c + 1) * width / columns;
            int top = r * height / rows, bottom = (r + 1) * height / rows;
            uint32_t sum = 0, area = (uint32_t)((right - left) * (bottom - top));
            for (int y = top; y < bottom; y++)
                for (int x = left; x < right; x++) sum += pixels[y * stride + x];
            *out++ = (uint8_t)((sum + area / 2) / area);
        }
}

static void sign(const DfyCloneFinder *f, const DfyFrame *frame, uint8_t *out) {
    const DfyPyramid *shown = frame->pyramid;
    divide(out, shown->eighths, shown->columns, shown->columns, shown->rows, f->columns, f->rows);
    out += f->luma_cells;
    for (int p = 1; p < 3; p++, out += f->chroma_columns * f->chroma_rows) {
        const DfyPlane *plane = &frame->plane[p];
        divide(out, plane->pixels, plane->stride, plane->width, plane->height, f->chroma_columns, f->chroma_rows);
    }
    divide(out, shown->eighths, shown->columns, shown->columns, shown->rows, f->coarse_columns, f->coarse_rows);
}

static uint8_t *held_signature(const DfyCloneFinder *f, uint64_t frame) {
    return f->held + frame % RING * f->cells;
}

static uint8_t *source_signature(const DfyCloneFinder *f, uint64_t serial) {
    return f->block[serial % DFY_CLONE_HISTORY / BLOCK] + serial % BLOCK * f->cells;
}

static uint64_t oldest(const DfyCloneFinder *f) {
    return f->coded > DFY_CLONE_HISTORY ? f->coded - DFY_CLONE_HISTORY : 0;
}

static uint64_t number_of(const DfyCloneFinder *f, uint64_t serial) {
    return f->number[serial % DFY_CLONE_HISTORY];
}

/* Whether `step` frames behind source `serial` there is another, of the same stretch of film. */
static int goes_on(const DfyCloneFinder *f, uint64_t serial, unsigned step) {
    return serial >= oldest(f) && serial + step < f->coded &&
           number_of(f, serial + step) - number_of(f, serial) == step;
}

static uint32_t sum_apart(const uint8_t *a, const uint8_t *b, size_t count) {
    uint32_t sum = 0;
    for (size_t i = 0; i < count; i++) sum += (uint32_t)abs(a[i] - b[i]);
    return sum;
}

static uint8_t lower(uint8_t a, uint8_t b) {
    return a < b ? a : b;
}
static uint8_t higher(uint8_t a, uint8_t b) {
    return a > b ? a : b;
}

/* The most that any cell is outside what it shows in the source or the frames beside it. */
static int worst_cell(const uint8_t *own, const uint8_t *source, const uint8_t *before, const uint8_t *behind,
                      size_t count) {
    uint8_t worst = 0;
    for (size_t i = 0; i < count; i++) {
        uint8_t low = lower(source[i], lower(before[i], behind[i]));
        uint8_t high = higher(source[i], higher(before[i], behind[i]));
        uint8_t above = (uint8_t)(own[i] > high ? own[i] - high : 0),
                below = (uint8_t)(low > own[i] ? low - own[i] : 0);
        worst = higher(worst, higher(above, below));
    }
    return worst;
}

/* How far a frame is from a source in 1/16 level, -1: too far to be its clone. */
static int compare(const DfyCloneFinder *f, const uint8_t *own, uint64_t serial) {
    const uint8_t *source = source_signature(f, serial), *before = source, *behind = source;
    uint32_t sum = sum_apart(own, source, f->luma_cells);
    if (sum > f->most_mean) return -1;
    if (serial > oldest(f) && goes_on(f, serial - 1, 1)) before = source_signature(f, serial - 1);
    if (goes_on(f, serial, 1)) behind = source_signature(f, serial + 1);
    if (worst_cell(own, source, before, behind, f->cells) > f->most_cell) return -1;
    return (int)(sum * 16 / f->luma_cells);
}

/* ---------------------------------------------------------------- paths */

/* What is considered for a frame before the best are chosen. */
typedef struct Offers {
    Path path[PATHS * (DFY_CLONE_MOST_STEP + 1) + STARTS];
    int count;
} Offers;

static int is_better(const Path *a, const Path *b) {
    if (a->start != b->start) return a->start < b->start;
    return a->cost != b->cost ? a->cost < b->cost : a->serial < b->serial;
}

/* Adds a way to reach a source unless a better one to the same is there. */
static void offer(Offers *offers, const Path *path) {
    for (int i = 0; i < offers->count; i++) {
        if (offers->path[i].serial != path->serial) continue;
        if (is_better(path, &offers->path[i])) offers->path[i] = *path;
        return;
    }
    offers->path[offers->count++] = *path;
}

/* The ways on from those to the frame before. */
static void offer_steps(const DfyCloneFinder *f, const Paths *before, Offers *offers) {
    for (int i = 0; i < before->count; i++)
        for (unsigned step = 0; step <= DFY_CLONE_MOST_STEP; step++) {
            Path path = before->path[i];
            if (!goes_on(f, path.serial, step) || (!step && path.still >= f->most_still)) continue;
            path.serial += step;
            path.number += step;
            path.parent = (int16_t)i;
            path.still = (int16_t)(step ? 0 : path.still + 1);
            path.piece = (int16_t)dfy_min(path.piece + 1, DFY_CLONE_LONGEST_LEAST);
            path.cost += step == 1 ? 0 : STEP_COST;
            offer(offers, &path);
        }
}

/*
 * Offers a source to begin at, and to jump to for the best way that has not jumped just before: every jump is a seek
 * for a reader.
 */
static void offer_start(DfyCloneFinder *f, const Paths *before, uint64_t serial, Offers *offers) {
    Path path = {.serial = serial,
                 .number = number_of(f, serial),
                 .start = f->next,
                 .family = f->families++,
                 .parent = -1,
                 .piece = 1};
    if (!f->cloning) offer(offers, &path);
    int i = 0;
    while (i < before->count && before->path[i].piece < f->least / 2) i++;
    if (i == before->count) return;
    path.parent = (int16_t)i;
    path.start = before->path[i].start;
    path.family = before->path[i].family;
    path.cost = before->path[i].cost + JUMP_COST;
    offer(offers, &path);
}

/* Sources that are much like the frame in the coarse grid: something may begin there. */
static void offer_starts(DfyCloneFinder *f, const uint8_t *own, const Paths *before, Offers *offers) {
    const size_t coarse = f->cells - f->coarse_cells;
    uint32_t least[STARTS], most = (uint32_t)((f->most_mean + f->luma_cells / 2) * f->coarse_cells / f->luma_cells);
    uint64_t best[STARTS];
    int count = 0;
    for (uint64_t from = oldest(f); from < f->coded; from += APART) {
        uint64_t here = from;
        uint32_t distance = UINT32_MAX;
        for (uint64_t i = from; i < from + APART && i < f->coded; i++) {
            uint32_t sum = sum_apart(own + coarse, source_signature(f, i) + coarse, f->coarse_cells);
            if (sum >= distance) continue;
            distance = sum;
            here = i;
        }
        int at = count < STARTS ? count : STARTS;
        while (at > 0 && least[at - 1] > distance) at--;
        if (at == STARTS || distance > most) continue;
        if (count < STARTS) count++;
        for (int i = count - 1; i > at; i--) least[i] = least[i - 1], best[i] = best[i - 1];
        least[at] = distance;
        best[at] = here;
    }
    for (int i = 0; i < count; i++) offer_start(f, before, best[i], offers);
}

static int by_merit(const void *a, const void *b) {
    return is_better(a, b) ? -1 : 1; /* no two are of one source */
}

/* Keeps of the ways offered those that lead to a frame alike, the longest first, and of one beginning not too many. */
static void choose_paths(const DfyCloneFinder *f, const uint8_t *own, Offers *offers, Paths *paths) {
    int alike = 0;
    for (int i = 0; i < offers->count; i++) {
        int distance = compare(f, own, offers->path[i].serial);
        if (distance < 0) continue;
        offers->path[alike] = offers->path[i];
        offers->path[alike++].cost += (uint32_t)distance;
    }
    qsort(offers->path, (size_t)alike, sizeof *offers->path, by_merit);
    paths->count = 0;
    for (int i = 0; i < alike && paths->count < PATHS; i++) {
        int relatives = 0;
        for (int k = 0; k < paths->count; k++) relatives += paths->path[k].family == offers->path[i].family;
        if (relatives < FAMILY) paths->path[paths->count++] = offers->path[i];
    }
}

static Paths *paths_of(DfyCloneFinder *f, uint64_t frame) {
    return &f->paths[frame % RING];
}

/* ---------------------------------------------------------------- stretches */

/* Settles the sources up to `last` by the best way to it, from which alone is gone on. */
static int trace(DfyCloneFinder *f, uint64_t last) {
    size_t count = (size_t)(last + 1 - f->traced);
    if (f->source_count + count > f->source_capacity) {
        size_t capacity = 2 * (f->source_count + count);
        uint64_t *grown = realloc(f->sources, capacity * sizeof *grown);
        if (!grown) return DFY_ERROR_MEMORY;
        f->sources = grown;
        f->source_capacity = capacity;
    }
    const Path *path = &paths_of(f, last)->path[0];
    for (size_t i = count; i-- > 0;) {
        f->sources[f->source_count + i] = path->number;
        if (i) path = &paths_of(f, f->traced + i - 1)->path[path->parent];
    }
    f->source_count += count;
    f->traced = last + 1;
    paths_of(f, last)->count = 1;
    paths_of(f, last)->path[0].cost = 0; /* what is compared later has it in common */
    return DFY_OK;
}

static uint64_t start_of(const DfyCloneFinder *f, const Path *path) {
    return path->start > f->first_held ? path->start : f->first_held;
}

static uint64_t squares(const uint8_t *a, const uint8_t *b, size_t count) {
    int64_t sum;
    return dfy_squared_differences(a, b, count, &sum);
}

/*
 * Whether the best way's stretch is a repetition of work, which its sources show better than a picture standing still
 * would, and one that takes enough to code, to judge by what its sources took.
 */
static int is_worth_it(DfyCloneFinder *f) {
    const Path *path = &paths_of(f, f->next)->path[0];
    uint64_t start = start_of(f, path), bytes = 0, apart = 0, moved = 0;
    for (uint64_t frame = f->next;; frame--) {
        const uint8_t *own = held_signature(f, frame);
        moved += squares(own, held_signature(f, start), f->luma_cells);
        if (path->serial >= oldest(f)) apart += squares(own, source_signature(f, path->serial), f->luma_cells);
        bytes += f->bytes[path->serial % DFY_CLONE_HISTORY];
        if (frame == start) break;
        path = &paths_of(f, frame - 1)->path[path->parent];
    }
    return bytes >= 16 * WORTH_BYTES && apart * MOVES < moved;
}

/* A frame behind clones: either one more or the first that is none. */
static int go_on(DfyCloneFinder *f, int *found) {
    Paths *paths = paths_of(f, f->next);
    if (!paths->count) {
        f->cloning = 0;
        return f->traced < f->next ? trace(f, f->next - 1) : DFY_OK;
    }
    *found = 1;
    return f->next + 1 - f->traced >= TRACE ? trace(f, f->next) : DFY_OK;
}

/* Whether a stretch is now long enough to be settled. */
static int begin(DfyCloneFinder *f, int *found) {
    Paths *paths = paths_of(f, f->next);
    if (!paths->count) return DFY_OK;
    uint64_t start = start_of(f, &paths->path[0]);
    if (f->next + 1 - start < (uint64_t)f->least || !is_worth_it(f)) return DFY_OK;
    *found = (int)(f->next + 1 - start);
    f->cloning = 1;
    f->traced = start;
    return trace(f, f->next);
}

int dfy_clone_finder_look(DfyCloneFinder *f, const DfyFrame *frame, int *found) {
    uint8_t *own = held_signature(f, f->next);
    static const Paths none;
    const Paths *before = f->next ? paths_of(f, f->next - 1) : &none;
    Paths *paths = paths_of(f, f->next);
    Offers offers;
    int status = DFY_OK;
    offers.count = 0;
    *found = 0;
    sign(f, frame, own);
    if (f->cloning) f->first_held = f->next;
    offer_steps(f, before, &offers);
    offer_starts(f, own, before, &offers);
    choose_paths(f, own, &offers, paths);
    if (f->cloning) {
        status = go_on(f, found);
        if (!status && !f->cloning) { /* from here on nothing leads back */
            offers.count = 0;
            offer_starts(f, own, &none, &offers);
            choose_paths(f, own, &offers, paths);
        }
    } else {
        status = begin(f, found);
    }
    f->next++;
    return status;
}

int dfy_clone_finder_undecided(const DfyCloneFinder *f) {
    const Paths *paths = &f->paths[(f->next + RING - 1) % RING];
    if (f->cloning || !f->next || !paths->count) return 0;
    uint64_t start = start_of(f, &paths->path[0]);
    return start < f->next ? (int)(f->next - start) : 0;
}

int dfy_clone_finder_coded(DfyCloneFinder *f, int frames, uint64_t bytes) {
    for (int i = 0; i < frames; i++) {
        uint64_t at = f->coded % DFY_CLONE_HISTORY;
        uint8_t **block = &f->block[at / BLOCK];
        if (!*block) *block = malloc(BLOCK * f->cells);
        if (!*block) return DFY_ERROR_MEMORY;
        memcpy(source_signature(f, f->coded), held_signature(f, f->first_held), f->cells);
        f->number[at] = f->first_held++;
        f->bytes[at] = (uint32_t)(bytes * 16 / (uint64_t)frames < 1 << 20 ? bytes * 16 / (uint64_t)frames : 1 << 20);
        f->coded++;
    }
    return DFY_OK;
}

const uint64_t *dfy_clone_finder_sources(DfyCloneFinder *f, uint64_t *count) {
    *count = 0;
    if (f->cloning && f->traced < f->next && trace(f, f->next - 1)) return NULL;
    *count = f->source_count;
    f->source_count = 0;
    return f->sources;
}
