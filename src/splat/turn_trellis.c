/*
 * Rotations through the trellis, for the encoder: ring, sector and twist are three numbers in a row. Where a sector's
 * middle lies depends on the ring, and the twist that is left on both, so every state carries its own cell along.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "diffy.h"
#include "splat/exact.h"
#include "splat/trellis.h"
#include "splat/turn.h"

#define PI 3.14159265358979323846

/*
 * A number's candidates are the nearest values of each remainder by 4, which says quantiser (the low bit) and parity:
 * CLASSES of them, and so many ring classes x sector classes of cells from which a twist is left.
 */
enum { STATES = DFY_TRELLIS_STATES, CLASSES = 4, CELLS = CLASSES * CLASSES, LOWERED = 16 /* splats */ };

/* A rotation Rz(azimuth) Ry(polar) Rz(twist), with the sine and cosine of half the polar angle. */
typedef struct Way {
    double azimuth, polar, twist, half_sine, half_cosine;
} Way;

/* The squared errors that each choice adds for one splat. */
typedef struct Options {
    float ring_cost[CLASSES], sector_cost[CELLS], twist_cost[CELLS][CLASSES];
} Options;

typedef struct Search {
    const DfyTurnGrid *grid;
    double *half_sine, *half_cosine; /* of half the rings' angles */
    int32_t *sectors;                /* of the rings */
    DfyTrellisCosts costs;
    DfyTrellisOdd (*odd)[3]; /* of each splat's numbers */
    uint8_t cells[STATES];   /* the class of ring, then of the cell, that each state has taken */
} Search;

static Way way_of(const double quaternion[4], int axis) {
    double q[4];
    dfy_turn_axes(q, quaternion, axis);
    double flat = sqrt(q[1] * q[1] + q[2] * q[2]), upright = sqrt(q[0] * q[0] + q[3] * q[3]);
    double sum = dfy_exact_atan2(q[3], q[0]),
           difference = dfy_exact_atan2(q[1], q[2]); /* half of twist + azimuth, of twist - azimuth */
    Way way = {sum - difference, 2 * dfy_exact_atan2(flat, upright), sum + difference, flat, upright};
    return way;
}

static inline int32_t floor_of(double x) {
    int32_t whole = (int32_t)x;
    return whole - (x < whole);
}

static inline double place_on_circle(double angle, int32_t count) {
    double turns = angle * (1 / (2 * PI));
    return (turns - floor_of(turns)) * count - 0.5;
}

/* The four values around x, of which each class has one: the first of them. */
static inline int32_t four_around(double x) {
    return floor_of(x) - 1;
}

static inline int32_t of_class(double x, int class) {
    int32_t first = four_around(x);
    return first + ((class - first) & 3);
}

static int32_t on_circle(int32_t value, int32_t count) {
    return value < 0 ? value + count : value >= count ? value - count : value;
}

/* A rotation seen from a ring: products of the sines and cosines of half their polar angles. */
typedef struct View {
    double same, other, sum, difference; /* cosine of the difference and of the sum, sine of both */
} View;

static View view_from(const Search *search, const Way *way, int32_t ring) {
    double rings_sine = search->half_sine[ring], rings_cosine = search->half_cosine[ring];
    return (View){way->half_cosine * rings_cosine + way->half_sine * rings_sine,
                  way->half_cosine * rings_cosine - way->half_sine * rings_sine,
                  way->half_cosine * rings_sine + way->half_sine * rings_cosine,
                  way->half_sine * rings_cosine - way->half_cosine * rings_sine};
}

/* The squared angle by which a cell's axis misses, `turn` away in azimuth; *left is what is to be turned about it. */
static inline double look_at(const View *view, double turn, double *left) {
    double d = turn / 2, sine, cosine, half;
    if (fabs(d) < 0.25) {
        double square = d * d;
        sine = d * (1 - square * (1.0 / 6) * (1 - square * (1.0 / 20)));
        cosine = 1 - square * 0.5 * (1 - square * (1.0 / 12));
    } else {
        sine = dfy_exact_sin(d);
        cosine = dfy_exact_cos(d);
    }
    double w = cosine * view->same, x = sine * view->sum, y = cosine * view->difference, z = sine * view->other;
    if (fabs(z) < 0.25 * w) {
        double t = z / w, square = t * t;
        half = t * (1 - square * (1.0 / 3 - square * 0.2));
    } else {
        half = dfy_exact_atan2(z, w);
    }
    *left = 2 * half;
    double square = x * x + y * y; /* sine of half the angle, squared */
    return 4 * square * (1 + square * (1.0 / 3) * (1 + square * (8.0 / 15)));
}

static inline double place_of_ring(const Search *search, const Way *way) {
    return way->polar * search->grid->rings * (1 / PI) - 0.5;
}

static int32_t ring_of(const Search *search, double x, int class) {
    int32_t rings = search->grid->rings, ring = of_class(x, class);
    return ring < 0 ? ring + 4 : ring >= rings ? ring - 4 : ring; /* there are 7 rings at least */
}

static void find_twists(const Search *search, double angle, float cost[CLASSES]) {
    int32_t twists = search->grid->twists;
    double about = place_on_circle(angle, twists), size = 2 * PI / twists;
    int32_t first = four_around(about);
    float miss = (float)((about - first) * size), next = (float)size;
    for (int t = 0; t < CLASSES; t++, miss -= next) cost[(first + t) & 3] = miss * miss;
}

static void find_options(const Search *search, const Way *way, Options *o) {
    double ring_size = PI / search->grid->rings, x = place_of_ring(search, way);
    for (int r = 0; r < CLASSES; r++) {
        int32_t ring = ring_of(search, x, r), sectors = search->sectors[ring];
        double off = (x - ring) * ring_size, square = off * off, size = 2 * PI / sectors;
        double around = place_on_circle(way->azimuth, sectors);
        View view = view_from(search, way, ring);
        int32_t first = four_around(around);
        o->ring_cost[r] = (float)square;
        for (int s = 0; s < CLASSES; s++) {
            int cell = r * CLASSES + ((first + s) & 3);
            double left;
            o->sector_cost[cell] = (float)(look_at(&view, (around - first - s) * size, &left) - square);
            find_twists(search, way->twist + left, o->twist_cost[cell]);
        }
    }
}

/* A number whose cost depends on the cell that a state has taken. */
static void step_cells(Search *search, const float (*costs)[CLASSES], DfyTrellisOdd *odd) {
    DfyTrellisCosts even_ways, odd_ways;
    for (int state = 0; state < STATES; state++) {
        const float *more = &costs[search->cells[state]][state & 1];
        even_ways.of[state] = search->costs.of[state] + more[0];
        odd_ways.of[state] = search->costs.of[state] + more[2];
    }
    dfy_trellis_merge(&search->costs, odd, &even_ways, &odd_ways);
}

/* Cells follow the cheapest ways. */
static void follow(Search *search, const DfyTrellisOdd *odd) {
    uint8_t cells[STATES];
    for (int half = 0; half < 2; half++) {
        uint64_t bits = odd->of[half];
        for (int state = half * STATES / 2; state < (half + 1) * STATES / 2; state++, bits >>= 1) {
            int is_odd = (int)(bits & 1), from = dfy_trellis_before(state, 0) ^ (-is_odd & 2 * DFY_TRELLIS_BY_PARITY);
            cells[state] = (uint8_t)(search->cells[from] * CLASSES + 2 * is_odd + half);
        }
    }
    memcpy(search->cells, cells, sizeof cells);
}

static void step_splat(Search *search, const Options *o, DfyTrellisOdd odd[3]) {
    const float rings[2][2] = {{o->ring_cost[0], o->ring_cost[2]}, {o->ring_cost[1], o->ring_cost[3]}};
    dfy_trellis_step(&search->costs, &odd[0], rings);
    memset(search->cells, 0, sizeof search->cells);
    follow(search, &odd[0]);
    step_cells(search, (const float(*)[CLASSES])o->sector_cost, &odd[1]);
    follow(search, &odd[1]);
    step_cells(search, o->twist_cost, &odd[2]);
}

/* Goes back over a splat's three numbers: its cell. */
static DfyTurn take_back(const Search *search, const Way *way, const DfyTrellisOdd odd[3], int *state) {
    int class[3];
    DfyTurn turn;
    double left;
    for (int number = 2; number >= 0; number--) {
        int parity = dfy_trellis_is_odd(&odd[number], *state);
        class[number] = 2 * parity + dfy_trellis_quantiser_before(*state);
        *state = dfy_trellis_before(*state, parity);
    }
    turn.ring = ring_of(search, place_of_ring(search, way), class[0]);
    int32_t sectors = search->sectors[turn.ring], twists = search->grid->twists;
    double around = place_on_circle(way->azimuth, sectors);
    int32_t sector = of_class(around, class[1]);
    View view = view_from(search, way, turn.ring);
    look_at(&view, (around - sector) * 2 * PI / sectors, &left);
    turn.sector = on_circle(sector, sectors);
    turn.twist = on_circle(of_class(place_on_circle(way->twist + left, twists), class[2]), twists);
    return turn;
}

static void walk(Search *search, DfyTurn *turns, const double (*quaternions)[4], const uint8_t *axes, size_t count) {
    int state = 0;
    Options options;
    for (int s = 0; s < STATES; s++) search->costs.of[s] = s ? 1e30f : 0;
    for (size_t i = 0; i < count; i++) {
        Way way = way_of(quaternions[i], axes[i]);
        find_options(search, &way, &options);
        step_splat(search, &options, search->odd[i]);
        if (i % LOWERED == 0) dfy_trellis_lower(&search->costs);
    }
    for (int s = 1; s < STATES; s++)
        if (search->costs.of[s] < search->costs.of[state]) state = s;
    for (size_t i = count; i-- > 0;) {
        Way way = way_of(quaternions[i], axes[i]);
        turns[i] = take_back(search, &way, search->odd[i], &state);
    }
}

int dfy_turn_quantise(DfyTurn *turns, const double (*quaternions)[4], const uint8_t *axes, size_t count,
                      const DfyTurnGrid *grid) {
    size_t rings = (size_t)grid->rings;
    Search search = {.grid = grid};
    search.half_sine = malloc(rings * sizeof(double));
    search.half_cosine = malloc(rings * sizeof(double));
    search.sectors = malloc(rings * sizeof(int32_t));
    search.odd = malloc((count ? count : 1) * sizeof *search.odd);
    int status = search.half_sine && search.half_cosine && search.sectors && search.odd ? DFY_OK : DFY_ERROR_MEMORY;
    for (size_t i = 0; !status && i < rings; i++) {
        double angle = ((double)i + 0.5) * PI / (double)rings;
        search.half_sine[i] = dfy_exact_sin(angle / 2);
        search.half_cosine[i] = dfy_exact_cos(angle / 2);
        search.sectors[i] = dfy_turn_sectors(grid, (int32_t)i);
    }
    if (!status) walk(&search, turns, quaternions, axes, count);
    free(search.half_sine);
    free(search.half_cosine);
    free(search.sectors);
    free(search.odd);
    return status;
}
