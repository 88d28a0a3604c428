#include "splat/model/kdtree.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- building */

static int before(const float *xyz, uint32_t a, uint32_t b, int axis) {
    float x = xyz[(size_t)a * 3 + (size_t)axis], y = xyz[(size_t)b * 3 + (size_t)axis];
    return x < y || (x == y && a < b);
}

/* Brings the point that belongs at `middle` there, smaller ones before it (Hoare's selection). */
static void select_middle(const float *xyz, uint32_t *points, uint32_t low, uint32_t high, uint32_t middle, int axis) {
    while (low < high) {
        uint32_t pivot = points[low + (high - low) / 2], i = low, j = high;
        for (;;) {
            while (before(xyz, points[i], pivot, axis)) i++;
            while (before(xyz, pivot, points[j], axis)) j--;
            if (i >= j) break;
            uint32_t swap = points[i];
            points[i++] = points[j];
            points[j--] = swap;
        }
        /* Numbers break ties, so i and j meet at the pivot or pass each other by one. */
        if (i == j) {
            if (middle == i) return;
            if (middle < i)
                high = i - 1;
            else
                low = i + 1;
        } else if (middle <= j) {
            high = j;
        } else {
            low = i;
        }
    }
}

static int widest_axis(const DfyKdTree *tree, uint32_t low, uint32_t high) {
    float least[3], most[3];
    for (int k = 0; k < 3; k++) least[k] = most[k] = tree->xyz[(size_t)tree->points[low] * 3 + (size_t)k];
    for (uint32_t i = low + 1; i <= high; i++)
        for (int k = 0; k < 3; k++) {
            float v = tree->xyz[(size_t)tree->points[i] * 3 + (size_t)k];
            least[k] = v < least[k] ? v : least[k];
            most[k] = v > most[k] ? v : most[k];
        }
    int axis = 0;
    for (int k = 1; k < 3; k++)
        if (most[k] - least[k] > most[axis] - least[axis]) axis = k;
    return axis;
}

static void build(DfyKdTree *tree, uint32_t low, uint32_t high) {
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int axis = widest_axis(tree, low, high);
        select_middle(tree->xyz, tree->points, low, high, middle, axis);
        tree->axes[middle] = (uint8_t)axis;
        if (middle > low) build(tree, low, middle - 1);
        low = middle + 1;
    }
}

int dfy_kdtree_build(DfyKdTree *tree, const float *xyz, uint32_t count, DfyMessage *message) {
    *tree = (DfyKdTree){.xyz = xyz, .count = count};
    tree->points = malloc((count ? count : 1) * sizeof *tree->points);
    tree->axes = calloc(count ? count : 1, 1);
    if (!tree->points || !tree->axes) {
        dfy_kdtree_free(tree);
        return dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for a tree of %u points.", count);
    }
    for (uint32_t i = 0; i < count; i++) tree->points[i] = i;
    if (count) build(tree, 0, count - 1);
    return DFY_OK;
}

void dfy_kdtree_free(DfyKdTree *tree) {
    free(tree->points);
    free(tree->axes);
    *tree = (DfyKdTree){0};
}

/* ---------------------------------------------------------------- searching */

typedef struct Search {
    const DfyKdTree *tree;
    const float *at;
    int wanted, count;
    DfyNeighbour *found;
} Search;

static int nearer(DfyNeighbour a, DfyNeighbour b) {
    return a.distance < b.distance || (a.distance == b.distance && a.point < b.point);
}

static void offer(Search *search, uint32_t point) {
    DfyNeighbour candidate = {0, point};
    for (int k = 0; k < 3; k++) {
        double d = (double)search->tree->xyz[(size_t)point * 3 + (size_t)k] - search->at[k];
        candidate.distance += d * d;
    }
    if (search->count == search->wanted && !nearer(candidate, search->found[search->count - 1])) return;
    int at = search->count < search->wanted ? search->count++ : search->wanted - 1;
    for (; at > 0 && nearer(candidate, search->found[at - 1]); at--) search->found[at] = search->found[at - 1];
    search->found[at] = candidate;
}

static void look(Search *search, int64_t low, int64_t high) {
    while (low <= high) {
        int64_t middle = low + (high - low) / 2;
        uint32_t point = search->tree->points[middle];
        int axis = search->tree->axes[middle];
        offer(search, point);
        double gap = (double)search->at[axis] - search->tree->xyz[(size_t)point * 3 + (size_t)axis];
        int64_t far_low = gap < 0 ? middle + 1 : low, far_high = gap < 0 ? high : middle - 1;
        if (gap < 0)
            look(search, low, middle - 1);
        else
            look(search, middle + 1, high);
        if (search->count == search->wanted && gap * gap > search->found[search->count - 1].distance) return;
        low = far_low;
        high = far_high;
    }
}

int dfy_kdtree_nearest(const DfyKdTree *tree, const float at[3], int wanted, DfyNeighbour *found) {
    Search search = {tree, at, wanted, 0, found};
    if (wanted > 0) look(&search, 0, (int64_t)tree->count - 1);
    return search.count;
}

/* ---------------------------------------------------------------- pairing */

enum { CANDIDATES = 12 };

#define FAR_AWAY 1e30f

typedef struct Pair {
    double cost;
    uint32_t reference, other;
} Pair;

/* From the smallest to the largest: the axes of one Gaussian can be named in any order. */
static void sorted_scales(double out[3], const float scale[3]) {
    double low = fmin(scale[0], scale[1]), high = fmax(scale[0], scale[1]);
    out[0] = fmin(low, scale[2]);
    out[1] = fmax(low, fmin(high, scale[2]));
    out[2] = fmax(high, scale[2]);
}

/* Attributes count beside distance, in units of what they usually differ by, so that close splats aren't confused. */
static double likeness(const DfySplats *a, size_t i, const DfySplats *b, size_t j, double distance, double unit) {
    double cost = distance / (unit * unit), scale_a[3], scale_b[3];
    sorted_scales(scale_a, a->scale + i * 3);
    sorted_scales(scale_b, b->scale + j * 3);
    for (size_t k = 0; k < 3; k++) {
        double dc = (double)a->dc[i * 3 + k] - b->dc[j * 3 + k], ds = scale_a[k] - scale_b[k];
        cost += dc * dc * 16 + ds * ds * 4;
    }
    double da = (double)a->opacity[i] - b->opacity[j], rest = 0;
    size_t n = a->degree == b->degree ? (size_t)dfy_splat_rest(a->degree) * 3 : 0;
    for (size_t k = 0; k < n; k++) {
        double d = (double)a->rest[i * n + k] - b->rest[j * n + k];
        rest += d * d;
    }
    return cost + da * da * 4 + (n ? rest * 48 / (double)n : 0); /* as much as the first colour */
}

static int by_cost(const void *a, const void *b) {
    const Pair *x = a, *y = b;
    if (x->cost != y->cost) return x->cost < y->cost ? -1 : 1;
    if (x->other != y->other) return x->other < y->other ? -1 : 1;
    return x->reference < y->reference ? -1 : x->reference > y->reference;
}

enum { TYPICAL_SAMPLES = 512 };

static int by_distance(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Typical distance between neighbours: the median of a sample, which no floater moves. */
static double spacing(const DfyKdTree *tree) {
    DfyNeighbour two[2];
    double distances[TYPICAL_SAMPLES];
    size_t count = 0;
    uint32_t step = tree->count / TYPICAL_SAMPLES + 1;
    for (uint32_t i = 0; i < tree->count; i += step)
        if (dfy_kdtree_nearest(tree, tree->xyz + (size_t)i * 3, 2, two) == 2 && two[1].distance > 0)
            distances[count++] = sqrt(two[1].distance);
    if (!count) return 1;
    qsort(distances, count, sizeof *distances, by_distance);
    return distances[count / 2];
}

/* Takes the likest pairs first; each splat once. */
static uint32_t take_pairs(uint32_t *order, uint8_t *taken, Pair *pairs, size_t count) {
    uint32_t made = 0;
    qsort(pairs, count, sizeof *pairs, by_cost);
    for (size_t p = 0; p < count; p++) {
        if (order[pairs[p].other] != UINT32_MAX || taken[pairs[p].reference]) continue;
        order[pairs[p].other] = pairs[p].reference;
        taken[pairs[p].reference] = 1;
        made++;
    }
    return made;
}

/* Splats left over by the first round (their candidates were all taken) are paired by order of number. */
static void pair_rest(uint32_t *order, const uint8_t *taken, uint32_t references, uint32_t others) {
    uint32_t i = 0;
    for (uint32_t j = 0; j < others; j++) {
        if (order[j] != UINT32_MAX) continue;
        while (i < references && taken[i]) i++;
        if (i == references) return;
        order[j] = i++;
    }
}

/* A model's positions for a tree, in which every number has its place; those that are none are far away. */
static float *places_of(const DfySplats *s) {
    size_t n = (size_t)s->count * 3;
    float *xyz = malloc((n + 1) * sizeof *xyz);
    for (size_t i = 0; xyz && i < n; i++)
        xyz[i] = isnan(s->xyz[i]) ? FAR_AWAY : fmaxf(fminf(s->xyz[i], FAR_AWAY), -FAR_AWAY);
    return xyz;
}

static double lesser(double a, double b) {
    return a < b ? a : b;
}

/* Pairs that are likely, nearest first of each splat of `other`. */
static size_t find_pairs(Pair *pairs, const DfyKdTree *tree, const DfySplats *reference, const DfySplats *other,
                         const float *places, double limit) {
    double unit = spacing(tree) / 4;
    size_t count = 0;
    for (uint32_t j = 0; j < other->count; j++) {
        DfyNeighbour found[CANDIDATES];
        int got = dfy_kdtree_nearest(tree, places + (size_t)j * 3, CANDIDATES, found);
        for (int k = 0; k < got; k++) {
            double cost = likeness(reference, found[k].point, other, j, found[k].distance, unit);
            if (isnan(cost)) cost = found[k].distance / (unit * unit);
            cost = lesser(cost, 1e300);
            if (cost <= limit) pairs[count++] = (Pair){cost, found[k].point, j};
        }
    }
    return count;
}

int dfy_splats_match(const DfySplats *reference, const DfySplats *other, double limit, uint32_t **order,
                     DfyMessage *message) {
    DfyKdTree tree = {0};
    float *own = places_of(reference), *theirs = places_of(other);
    size_t n = other->count ? other->count : 1;
    uint8_t *taken = calloc(reference->count ? reference->count : 1, 1);
    Pair *pairs = calloc(n, CANDIDATES * sizeof *pairs);
    int status = own ? dfy_kdtree_build(&tree, own, reference->count, message) : DFY_ERROR_MEMORY;
    *order = malloc(n * sizeof **order);
    if (!status && theirs && taken && pairs && *order) {
        memset(*order, 0xFF, n * sizeof **order);
        size_t count = find_pairs(pairs, &tree, reference, other, theirs, limit);
        take_pairs(*order, taken, pairs, count);
        if (isinf(limit)) pair_rest(*order, taken, reference->count, other->count);
    } else {
        free(*order);
        *order = NULL;
        status = dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory to pair %u splats.", other->count);
    }
    free(taken);
    free(pairs);
    free(own);
    free(theirs);
    dfy_kdtree_free(&tree);
    return status;
}

/* ---------------------------------------------------------------- spacing */

enum { SPACING_SAMPLES = 4000, SPACING_NEAR = 4 };

double dfy_splats_spacing(const DfySplats *s, double quantile) {
    DfyKdTree tree = {0};
    float *places = places_of(s);
    double *distances = malloc(SPACING_SAMPLES * sizeof *distances), found = -1;
    int built = places && distances && !dfy_kdtree_build(&tree, places, s->count, NULL);
    size_t count = 0, step = s->count / SPACING_SAMPLES + 1;
    for (size_t i = 0; built && i < s->count; i += step) {
        DfyNeighbour near[SPACING_NEAR];
        int got = dfy_kdtree_nearest(&tree, places + i * 3, SPACING_NEAR, near), k = 0;
        if (fabsf(places[i * 3]) >= FAR_AWAY) continue;
        while (k < got && !(near[k].distance > 0)) k++;
        if (k < got) distances[count++] = sqrt(near[k].distance);
    }
    if (built) found = 0;
    if (count) {
        qsort(distances, count, sizeof *distances, by_distance);
        found = distances[(size_t)(quantile * (double)(count - 1) + 0.5)];
    }
    dfy_kdtree_free(&tree);
    free(places);
    free(distances);
    return found;
}
