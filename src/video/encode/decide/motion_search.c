#include "video/encode/decide/motion_search.h"

#include <stdlib.h>
#include <string.h>

static uint32_t component_bits(int difference) {
    unsigned v = (unsigned)abs(difference);
    if (!v) return 128;
    return (2 + 2 * (unsigned)(31 - __builtin_clz(v))) * 256 - 128;
}

uint32_t dfy_vector_bits(const int16_t predictors[2][2], const int16_t vector[2], uint8_t *which) {
    uint32_t best = UINT32_MAX;
    for (int i = 0; i < 2; i++) {
        uint32_t bits = component_bits(vector[0] - predictors[i][0]) + component_bits(vector[1] - predictors[i][1]);
        if (bits >= best) continue;
        best = bits;
        if (which) *which = (uint8_t)i;
    }
    return best;
}

static int64_t rate(const DfySearch *s, const int16_t vector[2]) {
    return (int64_t)(((uint64_t)s->lambda * dfy_vector_bits(s->predictors, vector, NULL)) >> 8);
}

/* Whole-pixel cost by plain differences. */
static int64_t whole_cost(const DfySearch *s, int x, int y) {
    const int *r = s->rectangle;
    const DfyPlane *from = &s->picture->references[s->reference]->plane[0], *source = &s->source->plane[0];
    int reach = DFY_FRAME_BORDER - 8;
    if (r[0] + x < -reach || r[1] + y < -reach || r[0] + x + r[2] > from->width + reach ||
        r[1] + y + r[3] > from->height + reach)
        return INT64_MAX;
    uint32_t sad =
        s->picture->kernels->sad(source->pixels + r[1] * source->stride + r[0], source->stride,
                                 from->pixels + (r[1] + y) * from->stride + r[0] + x, from->stride, r[2], r[3]);
    int16_t vector[2] = {(int16_t)(x * 4), (int16_t)(y * 4)};
    return ((int64_t)sad << 8) + rate(s, vector);
}

static int64_t fine_cost(const DfySearch *s, const int16_t vector[2]) {
    const int *r = s->rectangle;
    const DfyPlane *source = &s->source->plane[0];
    uint8_t predicted[64 * 64];
    DfyMotion motion = {.reference = {(int8_t)s->reference, -1}};
    motion.mv[0][0] = vector[0];
    motion.mv[0][1] = vector[1];
    dfy_predict_rectangle(s->picture, &motion, 0, r, predicted, 64);
    if (s->other) s->picture->kernels->mean(predicted, 64, predicted, 64, s->other, 64, r[2], r[3]);
    uint32_t satd = s->picture->kernels->satd(source->pixels + r[1] * source->stride + r[0], source->stride, predicted,
                                              64, r[2], r[3]);
    return ((int64_t)satd << 8) + rate(s, vector);
}

/* Places around a vector, the diagonal ones last. */
static const int8_t around[8][2] = {{-1, 0}, {1, 0}, {0, -1}, {0, 1}, {-1, -1}, {1, -1}, {-1, 1}, {1, 1}};

/* Looks round the vector at a distance of `step`, at places from..to - 1. */
static int64_t refine(const DfySearch *s, int16_t vector[2], int64_t best, int step, int from, int to) {
    int16_t centre[2] = {vector[0], vector[1]};
    for (int i = from; i < to; i++) {
        int16_t trial[2] = {(int16_t)(centre[0] + around[i][0] * step), (int16_t)(centre[1] + around[i][1] * step)};
        int64_t cost = fine_cost(s, trial);
        if (cost >= best) continue;
        best = cost;
        vector[0] = trial[0];
        vector[1] = trial[1];
    }
    return best;
}

/* What the places before and behind a vector cost, along x and y; INT64_MAX: not known. */
typedef struct Beside {
    int64_t cost[2][2];
} Beside;

/*
 * The same at fast efforts: along x, then along y from there. Where it is known what the sides cost, only the cheaper
 * one is looked at, else both, or only the first if that is better.
 */
static int64_t refine_quickly(const DfySearch *s, int16_t vector[2], int64_t best, int step, Beside *beside) {
    for (int axis = 0; axis < 2; axis++) {
        int64_t centre = best, *known = beside->cost[axis], cost[2] = {INT64_MAX, INT64_MAX};
        int place = vector[axis], side = known[1] < known[0], nothing_known = known[side] == INT64_MAX;
        for (int i = 0; i < 1 + nothing_known; i++, side = !side) {
            int16_t trial[2] = {vector[0], vector[1]};
            trial[axis] = (int16_t)(place + (side ? step : -step));
            cost[side] = fine_cost(s, trial);
            if (cost[side] >= centre) continue;
            best = cost[side];
            vector[axis] = trial[axis];
            cost[!side] = centre;
            cost[side] = INT64_MAX;
            break;
        }
        memcpy(known, cost, sizeof cost);
    }
    return best;
}

/* Looks at whole-pixel places round the best one so far, which moves there where one costs less. */
static int64_t look_round(const DfySearch *s, const int8_t (*places)[2], int count, int best_at[2], int64_t best) {
    int x = best_at[0], y = best_at[1];
    for (int i = 0; i < count; i++) {
        int64_t cost = whole_cost(s, x + places[i][0], y + places[i][1]);
        if (cost >= best) continue;
        best = cost;
        best_at[0] = x + places[i][0];
        best_at[1] = y + places[i][1];
    }
    return best;
}

/* The best whole-pixel vector: from the best guess in hexagons, then the nearest eight places. */
static void search_whole(const DfySearch *s, int16_t vector[2]) {
    static const int8_t hexagon[6][2] = {{-2, 0}, {-1, -2}, {1, -2}, {2, 0}, {1, 2}, {-1, 2}};
    static const int8_t square[8][2] = {{-1, 0}, {1, 0}, {0, -1}, {0, 1}, {-1, -1}, {1, -1}, {-1, 1}, {1, 1}};
    int at[2] = {0, 0};
    int64_t best = whole_cost(s, 0, 0);
    for (int i = 0; i < s->start_count + 2; i++) {
        const int16_t *start = i < 2 ? s->predictors[i] : s->starts[i - 2];
        int x = (start[0] + 2) >> 2, y = (start[1] + 2) >> 2;
        if (x == at[0] && y == at[1]) continue;
        int64_t cost = whole_cost(s, x, y);
        if (cost >= best) continue;
        best = cost;
        at[0] = x;
        at[1] = y;
    }
    for (int step = 0; step < s->steps; step++) { /* few: motion is small here, and the guesses are good */
        int x = at[0], y = at[1];
        best = look_round(s, hexagon, 6, at, best);
        if (at[0] == x && at[1] == y) break;
    }
    look_round(s, square, 8, at, best);
    vector[0] = (int16_t)(at[0] * 4);
    vector[1] = (int16_t)(at[1] * 4);
}

/* From a whole-pixel vector and its cost to fractions of a pixel. */
static int64_t search_fractions(const DfySearch *s, int16_t vector[2], int64_t best) {
    /* A guess may be exact at a fraction of a pixel, and then needs no search at half pixels. */
    for (int i = 0; i < 2 + (s->start_count > 0); i++) {
        const int16_t *guess = i < 2 ? s->predictors[i] : s->starts[0];
        if (!((guess[0] | guess[1]) & 3)) continue;
        int64_t cost = fine_cost(s, guess);
        if (cost >= best) continue;
        best = cost;
        vector[0] = guess[0];
        vector[1] = guess[1];
    }
    if (s->all_places) return refine(s, vector, refine(s, vector, best, 2, 0, 8), 1, 0, 8);
    Beside beside = {{{INT64_MAX, INT64_MAX}, {INT64_MAX, INT64_MAX}}};
    if (!((vector[0] | vector[1]) & 3)) best = refine_quickly(s, vector, best, 2, &beside);
    best = refine_quickly(s, vector, best, 1, &beside);
    return s->diagonals ? refine(s, vector, best, 1, 4, 8) : best;
}

int64_t dfy_search(const DfySearch *s, int16_t vector[2]) {
    search_whole(s, vector);
    int64_t best = fine_cost(s, vector);
    /* Far worse than what another reference gives: finer positions will not make up for it. */
    if (s->give_up && s->known < INT64_MAX && best - best / 4 > s->known) return best;
    return search_fractions(s, vector, best);
}

int64_t dfy_search_beside(const DfySearch *s, int16_t vector[2]) {
    int64_t best = fine_cost(s, vector);
    return refine(s, vector, best, 1, 0, s->all_places ? 8 : 4);
}
