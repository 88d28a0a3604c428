/*
 * Rigid motions: fitted by Horn's method ("Closed-form solution of absolute orientation using unit quaternions",
 * 1987) to a few neighbouring splats, then to all that agree. A motion costs about as much as the corrections of
 * ten splats, so one is worth having from a small crowd on.
 */
#include "splat/tree/motion.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "splat/tree/transform.h"

enum {
    CROWD = 16,    /* fewest splats worth a motion */
    SEED = 10,     /* neighbouring splats a motion is first fitted to */
    ATTEMPTS = 40, /* seeds tried in a frame */
    MANY = 8192,   /* ways of which one in SAMPLE is looked at first */
    SAMPLE = 16
};
#define AGREES 0.25 /* steps a splat may end beside where its motion takes it */

typedef struct Rigid {
    double q[4], from[3], to[3]; /* to + q (x - from) */
} Rigid;

static void turn_vector(const double q[4], const double v[3], double out[3]) {
    double w = q[0], x = q[1], y = q[2], z = q[3];
    out[0] = v[0] * (1 - 2 * (y * y + z * z)) + v[1] * 2 * (x * y - w * z) + v[2] * 2 * (x * z + w * y);
    out[1] = v[0] * 2 * (x * y + w * z) + v[1] * (1 - 2 * (x * x + z * z)) + v[2] * 2 * (y * z - w * x);
    out[2] = v[0] * 2 * (x * z - w * y) + v[1] * 2 * (y * z + w * x) + v[2] * (1 - 2 * (x * x + y * y));
}

static double miss(const Rigid *r, const DfyTreeWay *way) {
    double v[3], out[3], sum = 0;
    for (int k = 0; k < 3; k++) v[k] = way->from[k] - r->from[k];
    turn_vector(r->q, v, out);
    for (int k = 0; k < 3; k++) {
        double d = r->to[k] + out[k] - way->to[k];
        sum += d * d;
    }
    return sum;
}

/* The best motion for the ways listed in members. */
static void fit(Rigid *r, const DfyTreeWay *ways, const uint32_t *members, size_t count) {
    double s[3][3] = {{0}}, n[16], vectors[16];
    for (int k = 0; k < 3; k++) {
        r->from[k] = r->to[k] = 0;
        for (size_t i = 0; i < count; i++) {
            r->from[k] += ways[members[i]].from[k];
            r->to[k] += ways[members[i]].to[k];
        }
        r->from[k] /= (double)count;
        r->to[k] /= (double)count;
    }
    for (size_t i = 0; i < count; i++)
        for (int a = 0; a < 3; a++)
            for (int b = 0; b < 3; b++)
                s[a][b] += (ways[members[i]].from[a] - r->from[a]) * (ways[members[i]].to[b] - r->to[b]);
    const double m[16] = {
        s[0][0] + s[1][1] + s[2][2], s[1][2] - s[2][1], s[2][0] - s[0][2], s[0][1] - s[1][0], s[1][2] - s[2][1],
        s[0][0] - s[1][1] - s[2][2], s[0][1] + s[1][0], s[2][0] + s[0][2], s[2][0] - s[0][2], s[0][1] + s[1][0],
        s[1][1] - s[0][0] - s[2][2], s[1][2] + s[2][1], s[0][1] - s[1][0], s[2][0] + s[0][2], s[1][2] + s[2][1],
        s[2][2] - s[0][0] - s[1][1]};
    memcpy(n, m, sizeof n);
    dfy_principal_axes(vectors, n, 4);
    for (int k = 0; k < 4; k++) r->q[k] = vectors[0] < 0 ? -vectors[k] : vectors[k];
}

typedef struct Hunt {
    const DfyTreeWay *ways;
    size_t count;
    uint8_t *label; /* of each way */
    uint32_t *members;
} Hunt;

/* Free ways that agree with r; where there are many, none when none of some do. */
static size_t followers(const Hunt *hunt, const Rigid *r) {
    size_t found = 0, some = 0;
    for (size_t i = 0; hunt->count > MANY && i < hunt->count; i += SAMPLE)
        some += !hunt->label[i] && miss(r, &hunt->ways[i]) <= AGREES * AGREES;
    if (hunt->count > MANY && !some) return 0;
    for (size_t i = 0; i < hunt->count; i++)
        if (!hunt->label[i] && miss(r, &hunt->ways[i]) <= AGREES * AGREES) hunt->members[found++] = (uint32_t)i;
    return found;
}

/* Grows a first guess to all that follow it; how many those are, listed in hunt->members. */
static size_t grow(const Hunt *hunt, Rigid *r) {
    size_t found = followers(hunt, r);
    for (int round = 0; round < 3 && found >= CROWD / 2; round++) {
        fit(r, hunt->ways, hunt->members, found);
        size_t more = followers(hunt, r);
        if (more <= found) return more;
        found = more;
    }
    return found;
}

/* Fixed-point motion about the centre of its followers; finer the farther they are from it. */
static DfyTreeMotion round_motion(const Rigid *r, const Hunt *hunt, size_t count) {
    DfyTreeMotion m = {.precision = 4};
    double radius = 1;
    for (size_t i = 0; i < count; i++) {
        double d = 0;
        for (int k = 0; k < 3; k++) {
            double v = hunt->ways[hunt->members[i]].from[k] - r->from[k];
            d += v * v;
        }
        if (sqrt(d) > radius) radius = sqrt(d);
    }
    while (m.precision < 19 && radius / (1 << m.precision) > 0.03) m.precision++;
    for (int k = 0; k < 3; k++) {
        m.turn[k] = (int32_t)rint(r->q[k + 1] * (1 << m.precision));
        m.shift[k] = (int32_t)fmin(fmax(rint((r->to[k] - r->from[k]) * 16), -(1 << 28)), 1 << 28);
    }
    return m;
}

static void accept(DfyTreeInter *inter, const Hunt *hunt, const Rigid *r, size_t count) {
    inter->motions[inter->motion_count++] = round_motion(r, hunt, count);
    for (size_t i = 0; i < count; i++) {
        hunt->label[hunt->members[i]] = (uint8_t)inter->motion_count;
        inter->labels[hunt->ways[hunt->members[i]].splat] = (uint8_t)inter->motion_count;
    }
}

/* Groups of the last frame that go on together keep their order, so that labels predict themselves. */
static void try_known(DfyTreeInter *inter, const DfyTreeState *state, const Hunt *hunt) {
    for (int label = 1; label <= DFY_TREE_MOTIONS; label++) {
        size_t count = 0;
        for (size_t i = 0; i < hunt->count; i++)
            if (!hunt->label[i] && state->splats[hunt->ways[i].splat].label == label)
                hunt->members[count++] = (uint32_t)i;
        if (count < CROWD) continue;
        Rigid r;
        fit(&r, hunt->ways, hunt->members, count);
        size_t found = grow(hunt, &r);
        if (found >= CROWD) accept(inter, hunt, &r, found);
    }
}

void dfy_tree_find_motions(DfyTreeInter *inter, const DfyTreeState *state, const DfyTreeWay *ways, size_t count) {
    Hunt hunt = {ways, count, calloc(count ? count : 1, 1), malloc((count ? count : 1) * sizeof(uint32_t))};
    if (hunt.label && hunt.members) {
        try_known(inter, state, &hunt);
        size_t stride = count / ATTEMPTS + 1;
        for (size_t at = 0; at < count && inter->motion_count < DFY_TREE_MOTIONS; at += stride) {
            size_t near = 0;
            for (size_t i = at; i < count && near < SEED && i < at + 4 * SEED; i++)
                if (!hunt.label[i]) hunt.members[near++] = (uint32_t)i;
            if (near < SEED) continue;
            Rigid r;
            fit(&r, ways, hunt.members, near);
            size_t found = grow(&hunt, &r);
            if (found >= CROWD) accept(inter, &hunt, &r, found);
        }
    }
    free(hunt.label);
    free(hunt.members);
}
