/*
 * Rotations through trellises, for the encoder: rings, then sectors, then twists, each over all splats. Where a
 * sector's middle lies depends on the ring, and the twist that is left on both; so what one leaves is the next one's to
 * mend.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "diffy/diffy.h"
#include "splat/model/exact.h"
#include "splat/quant/trellis.h"
#include "splat/quant/turn.h"

#define PI 3.14159265358979323846

/*
 * A number's candidates are the nearest values of each remainder by 4, which says quantiser (the low bit) and parity.
 */
enum { CLASSES = 4, RUN = DFY_TRELLIS_RUN };

/*
 * A rotation Rz(azimuth) Ry(polar) Rz(twist), with the sine and cosine of half the polar angle; and the squared sine of
 * half the angle by which the axis, then the whole rotation is missed.
 */
typedef struct Way {
    double azimuth, polar, twist, half_sine, half_cosine, missed;
} Way;

typedef struct Search {
    const DfyTurnGrid *grid;
    DfyTurnRing *rings;
    Way *ways;            /* of the splats */
    DfyTrellisEven *even; /* of each splat's number */
} Search;

static Way way_of(const double quaternion[4], int axis) {
    double q[4];
    dfy_turn_axes(q, quaternion, axis);
    double flat = sqrt(q[1] * q[1] + q[2] * q[2]), upright = sqrt(q[0] * q[0] + q[3] * q[3]);
    double sum = dfy_exact_atan2(q[3], q[0]),
           difference = dfy_exact_atan2(q[1], q[2]); /* half of twist + azimuth, of twist - azimuth */
    Way way = {sum - difference, 2 * dfy_exact_atan2(flat, upright), sum + difference, flat, upright, 0};
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
    double rings_sine = search->rings[ring].half_sine, rings_cosine = search->rings[ring].half_cosine;
    return (View){way->half_cosine * rings_cosine + way->half_sine * rings_sine,
                  way->half_cosine * rings_cosine - way->half_sine * rings_sine,
                  way->half_cosine * rings_sine + way->half_sine * rings_cosine,
                  way->half_sine * rings_cosine - way->half_cosine * rings_sine};
}

/* The squared sine of half the angle by which a cell's axis misses, `turn` away in azimuth; *left: the twist left. */
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
    return x * x + y * y;
}

/* The squared angle of a small squared sine of its half. */
static inline double squared_angle(double square) {
    return 4 * square * (1 + square * (1.0 / 3) * (1 + square * (8.0 / 15)));
}

static inline double place_of_ring(const Search *search, const Way *way) {
    return way->polar * search->grid->rings * (1 / PI) - 0.5;
}

static int32_t ring_of(const Search *search, double x, int class) {
    int32_t rings = search->grid->rings, ring = of_class(x, class);
    return ring < 0 ? ring + 4 : ring >= rings ? ring - 4 : ring; /* there are 7 rings at least */
}

/* ---------------------------------------------------------------- three trellises */

/* What one splat's choices cost, in squared rings, as the trellis wants it: by quantiser and parity. */
typedef float Costs[2][2];

static inline void set_cost(Costs cost, int32_t value, double squared) {
    cost[value & 1][value >> 1 & 1] = (float)squared;
}

/* One of the three, all of whose numbers are chosen alike. */
typedef struct Step {
    void (*weigh)(const Search *search, const DfyTurn *turns, size_t i, Costs cost);
    void (*take)(Search *search, DfyTurn *turns, size_t i, int class);
} Step;

static inline void walk(Search *search, DfyTurn *turns, size_t count, Step step) {
    DfyTrellisPaths paths;
    dfy_trellis_begin(&paths);
    for (size_t at = 0; at < count; at += RUN) {
        uint32_t more[RUN];
        size_t piece = count - at < RUN ? count - at : RUN;
        for (size_t i = 0; i < piece; i++) {
            Costs cost;
            step.weigh(search, turns, at + i, cost);
            more[i] = dfy_trellis_in_bytes((const float(*)[2])cost);
        }
        dfy_trellis_run(&paths, search->even + at, more, piece);
    }
    int state = dfy_trellis_end(&paths);
    for (size_t end = count, at; end > 0; end = at) {
        uint8_t way[RUN];
        at = (end - 1) / RUN * RUN;
        state = dfy_trellis_run_back(way, search->even + at, end - at, state);
        for (size_t i = end; i-- > at;) step.take(search, turns, i, (way[i - at] & 1) * 2 + (way[i - at] >> 1));
    }
}

static void weigh_rings(const Search *search, const DfyTurn *turns, size_t i, Costs cost) {
    double x = place_of_ring(search, &search->ways[i]);
    (void)turns;
    for (int c = 0; c < CLASSES; c++) {
        float off = (float)(x - ring_of(search, x, c));
        cost[c & 1][c >> 1] = off * off;
    }
}

static void take_ring(Search *search, DfyTurn *turns, size_t i, int class) {
    turns[i].ring = ring_of(search, place_of_ring(search, &search->ways[i]), class);
}

static void weigh_sectors(const Search *search, const DfyTurn *turns, size_t i, Costs cost) {
    const Way *way = &search->ways[i];
    double rings = search->grid->rings, scale = rings * rings / (PI * PI), left;
    int32_t sectors = dfy_turn_ring(search->rings, search->grid, turns[i].ring)->sectors;
    double around = place_on_circle(way->azimuth, sectors), size = 2 * PI / sectors;
    View view = view_from(search, way, turns[i].ring);
    int32_t first = four_around(around);
    for (int s = 0; s < CLASSES; s++)
        set_cost(cost, first + s, squared_angle(look_at(&view, (around - first - s) * size, &left)) * scale);
}

/* The twist of each way becomes what is left of it. */
static void take_sector(Search *search, DfyTurn *turns, size_t i, int class) {
    Way *way = &search->ways[i];
    int32_t sectors = search->rings[turns[i].ring].sectors;
    double around = place_on_circle(way->azimuth, sectors), left;
    int32_t sector = of_class(around, class);
    View view = view_from(search, way, turns[i].ring);
    way->missed = look_at(&view, (around - sector) * 2 * PI / sectors, &left);
    turns[i].sector = on_circle(sector, sectors);
    way->twist += left;
}

static void weigh_twists(const Search *search, const DfyTurn *turns, size_t i, Costs cost) {
    int32_t twists = search->grid->twists;
    float size = (float)(2.0 * search->grid->rings / twists);
    double about = place_on_circle(search->ways[i].twist, twists);
    int32_t first = four_around(about);
    float miss = (float)(about - first);
    (void)turns;
    for (int t = 0; t < CLASSES; t++, miss -= 1) set_cost(cost, first + t, miss * miss * size * size);
}

static void take_twist(Search *search, DfyTurn *turns, size_t i, int class) {
    int32_t twists = search->grid->twists;
    Way *way = &search->ways[i];
    double about = place_on_circle(way->twist, twists);
    int32_t twist = of_class(about, class);
    double sine = dfy_exact_sin((about - twist) * PI / twists);
    way->missed += sine * sine * (1 - way->missed);
    turns[i].twist = on_circle(twist, twists);
}

/* The mean of squared angles. */
static double mean_of(const Search *search, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        double square = search->ways[i].missed, half;
        if (square < 0.01) {
            sum += squared_angle(square);
        } else {
            half = dfy_exact_atan2(sqrt(square), sqrt(1 - fmin(square, 1)));
            sum += 4 * half * half;
        }
    }
    return count ? sum / (double)count : 0;
}

int dfy_turn_quantise(DfyTurn *turns, double *mean, const double (*quaternions)[4], const uint8_t *axes, size_t count,
                      const DfyTurnGrid *grid) {
    Search search = {.grid = grid};
    search.rings = calloc((size_t)grid->rings, sizeof *search.rings);
    search.even = malloc((count ? count : 1) * sizeof *search.even);
    search.ways = malloc((count ? count : 1) * sizeof *search.ways);
    int status = search.rings && search.even && search.ways ? DFY_OK : DFY_ERROR_MEMORY;
    for (size_t i = 0; !status && i < count; i++) search.ways[i] = way_of(quaternions[i], axes[i]);
    if (!status) {
        walk(&search, turns, count, (Step){weigh_rings, take_ring});
        walk(&search, turns, count, (Step){weigh_sectors, take_sector});
        walk(&search, turns, count, (Step){weigh_twists, take_twist});
        *mean = mean_of(&search, count);
    }
    free(search.rings);
    free(search.even);
    free(search.ways);
    return status;
}
