/*
 * tree-range, encoder: what an inter frame has to say. A splat that did not change in the source is left alone; of
 * one that did, an attribute is corrected when it is farther off than rounding could have left it. Should all that
 * was left alone push an attribute's RMS error over the wanted one, less is left alone.
 */
#include "splat/tree/encode.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "container/v2.h"
#include "splat/formats/files.h"
#include "splat/model/exact.h"
#include "splat/model/kdtree.h"
#include "splat/tree/columns.h"
#include "splat/tree/motion.h"
#include "splat/tree/transform.h"

enum { TIGHTENINGS = 5, LOOSENINGS = 4, AHEAD = 6 };
/* Key frames aim a little below the wanted errors, so that what inter frames leave alone has room. */
#define MARGIN 0.999
#define SAME_SPLAT 80.0 /* pairs of frames with different counts less alike than this are different splats */

/* How far off a splat is, by attribute, in the steps that would correct it. */
typedef struct Off {
    double place[3], turn[3], scale[3], alpha, dc[3], sh[DFY_TREE_REST];
} Off;

/* ---------------------------------------------------------------- errors */

/* The angle of a correction's unit. */
static double turn_degrees(const DfyTreeGrid *g) {
    return (double)dfy_tree_turn_unit(g) / DFY_TURN_ONE * (360 / 3.14159265358979323846);
}

static void turn_off(const DfyTreeGrid *g, const DfyTreeSplat *s, const float *r, double off[3]) {
    double length = sqrt((double)r[0] * r[0] + (double)r[1] * r[1] + (double)r[2] * r[2] + (double)r[3] * r[3]);
    double a[4], b[4];
    for (int k = 0; k < 4; k++) {
        a[k] = r[k] / length;
        b[k] = (double)s->turn[k] / DFY_TURN_ONE;
    }
    double w = a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3];
    double v[3] = {-a[0] * b[1] + a[1] * b[0] - a[2] * b[3] + a[3] * b[2],
                   -a[0] * b[2] + a[1] * b[3] + a[2] * b[0] - a[3] * b[1],
                   -a[0] * b[3] - a[1] * b[2] + a[2] * b[1] + a[3] * b[0]};
    double unit = (double)dfy_tree_turn_unit(g) / DFY_TURN_ONE;
    if (fabs(w) < 1e-3) w = w < 0 ? -1e-3 : 1e-3;
    for (int k = 0; k < 3; k++) off[k] = v[k] / w / unit;
}

static double squares(const double *v, int n) {
    double sum = 0;
    for (int k = 0; k < n; k++) sum += v[k] * v[k];
    return sum;
}

static void multiply_part(double *out, const double *matrix, const double *in, int n) {
    for (int k = 0; k < n; k++) {
        out[k] = 0;
        for (int i = 0; i < n; i++) out[k] += matrix[k * n + i] * in[i];
    }
}

/* What splat i of the state lacks of splat j of the model. */
static void find_off(const DfyTreeEncoder *e, const DfyTreeState *state, uint32_t i, const DfySplats *in, size_t j,
                     Off *off) {
    const DfyTreeGrid *g = &state->grid;
    const DfyTreeSplat *s = &state->splats[i];
    int n = dfy_tree_rest(g);
    double dc[3], rest[DFY_TREE_REST], base[9], inverse[9];
    for (int k = 0; k < 3; k++) {
        size_t at = j * 3 + (size_t)k;
        double place = ((double)in->xyz[at] - g->origin[k]) / g->step * (1 << DFY_TREE_FRACTION);
        off->place[k] = (place - s->place[k]) / DFY_TREE_PLACE_UNIT;
        off->scale[k] = (in->scale[at] * (double)DFY_TREE_ONE - s->scale[k]) / dfy_tree_unit(g->scale_step);
        dc[k] = (in->dc[at] * (double)DFY_TREE_ONE - s->dc[k]) / dfy_tree_unit(g->dc_step);
    }
    for (int k = 0; k < 9; k++) base[k % 3 * 3 + k / 3] = (double)g->dc_base[k / 3][k % 3] / DFY_TREE_BASE_ONE;
    if (!dfy_invert(inverse, base, 3)) memset(inverse, 0, sizeof inverse);
    multiply_part(off->dc, inverse, dc, 3);
    off->alpha = (dfy_sigmoid(in->opacity[j]) * DFY_TREE_ONE - s->alpha) / dfy_tree_unit(g->alpha_step);
    turn_off(g, s, in->rotation + j * 4, off->turn);
    for (int k = 0; k < n; k++)
        rest[k] = (in->rest[j * (size_t)n + (size_t)k] * (double)DFY_TREE_ONE -
                   state->rest[(size_t)i * (size_t)n + (size_t)k]) /
                  g->sh_step;
    if (n) multiply_part(off->sh, e->analysis, rest, n);
}

/* Squared errors in the units of DfySplatErrors, position in steps. */
static void square_off(const DfyTreeGrid *g, const Off *off, float square[DFY_SPLAT_ATTRIBUTES]) {
    int n = dfy_tree_rest(g);
    double scale = (double)dfy_tree_unit(g->scale_step) / DFY_TREE_ONE,
           dc = (double)dfy_tree_unit(g->dc_step) / DFY_TREE_ONE;
    double alpha = (double)dfy_tree_unit(g->alpha_step) / DFY_TREE_ONE, sh = (double)g->sh_step / DFY_TREE_ONE,
           turn = turn_degrees(g);
    double place = (double)DFY_TREE_PLACE_UNIT / (1 << DFY_TREE_FRACTION);
    square[DFY_SPLAT_POSITION] = (float)(squares(off->place, 3) * place * place);
    square[DFY_SPLAT_SCALE] = (float)(squares(off->scale, 3) / 3 * scale * scale);
    square[DFY_SPLAT_ALPHA] = (float)(off->alpha * off->alpha * alpha * alpha);
    square[DFY_SPLAT_DC] = (float)(squares(off->dc, 3) / 3 * dc * dc);
    square[DFY_SPLAT_ROTATION] = (float)(squares(off->turn, 3) * turn * turn);
    square[DFY_SPLAT_SH] = n ? (float)(squares(off->sh, n) / n * sh * sh) : 0;
}

/* ---------------------------------------------------------------- corrections */

static const int kinds[DFY_SPLAT_ATTRIBUTES] = {DFY_TREE_PLACE, DFY_TREE_SCALE, DFY_TREE_ALPHA,
                                                DFY_TREE_DC,    DFY_TREE_TURN,  DFY_TREE_SH};

/* Rounds and leaves in v what rounding leaves. */
static int32_t take_steps(double *v) {
    double steps = fmin(fmax(rint(*v), -1000000), 1000000);
    *v -= steps;
    return (int32_t)steps;
}

static void correct(int kind, Off *off, DfyTreeUpdate *u, int n) {
    u->updates |= (uint8_t)kind;
    for (int k = 0; k < 3; k++) {
        if (kind == DFY_TREE_PLACE) u->place[k] = take_steps(&off->place[k]);
        if (kind == DFY_TREE_TURN) u->turn[k] = take_steps(&off->turn[k]);
        if (kind == DFY_TREE_SCALE) u->scale[k] = take_steps(&off->scale[k]);
        if (kind == DFY_TREE_DC) u->dc[k] = take_steps(&off->dc[k]);
    }
    if (kind == DFY_TREE_ALPHA) u->alpha = take_steps(&off->alpha);
    if (kind != DFY_TREE_SH) return;
    for (int k = 0; k < n; k++) {
        int32_t steps = (int32_t)fmin(fabs(off->sh[k]) + 0.4, 32767);
        u->sh[k] = (int16_t)(off->sh[k] < 0 ? -steps : steps);
        off->sh[k] -= u->sh[k];
    }
}

/* Whether an attribute is farther off than `slack` times what rounding can leave. */
static int too_far(int attribute, const Off *off, const DfyTreeGrid *g, double slack) {
    int n = dfy_tree_rest(g);
    double most = 0;
    switch (attribute) {
    case DFY_SPLAT_POSITION: return squares(off->place, 3) > 0.78 * slack * slack;
    case DFY_SPLAT_ROTATION: return squares(off->turn, 3) > 0.9 * slack * slack;
    case DFY_SPLAT_ALPHA: return fabs(off->alpha) > 0.53 * slack;
    case DFY_SPLAT_SH: return n && squares(off->sh, n) / n > 0.16 * slack * slack;
    default:
        for (int k = 0; k < 3; k++) most = fmax(most, fabs(attribute == DFY_SPLAT_SCALE ? off->scale[k] : off->dc[k]));
        return most > 0.55 * slack;
    }
}

typedef struct Plan {
    DfyTreeEncoder *encoder;
    const DfySplats *in;
    const uint32_t *order;
    const uint8_t *changed;
} Plan;

/* Fills in one attribute's corrections; returns the sum of its squared errors over all splats. */
static double correct_attribute(const Plan *plan, const DfyTreeState *state, DfyTreeInter *inter, Off *offs,
                                int attribute, double slack) {
    const DfyTreeGrid *g = &state->grid;
    DfyTreeEncoder *e = plan->encoder;
    double sum = 0;
    for (uint32_t i = 0, c = 0; i < state->count; i++) {
        if (plan->changed[i]) {
            Off off = offs[c++];
            DfyTreeUpdate *u = &inter->updates[i];
            float square[DFY_SPLAT_ATTRIBUTES];
            u->updates &= (uint8_t)~kinds[attribute];
            int moved = inter->labels[i] && (kinds[attribute] & (DFY_TREE_PLACE | DFY_TREE_TURN));
            if ((plan->changed[i] & kinds[attribute] || moved) && too_far(attribute, &off, g, slack))
                correct(kinds[attribute], &off, u, dfy_tree_rest(g));
            square_off(g, &off, square);
            e->square[i][attribute] = square[attribute];
        }
        sum += e->square[i][attribute];
    }
    return sum;
}

static double wanted_square(const DfyTreeEncoder *e, int attribute) {
    double wanted = attribute == DFY_SPLAT_POSITION ? e->place_error / MARGIN : e->errors[attribute];
    return wanted * wanted;
}

/*
 * Corrects what rounding alone would not have left so far off, and should the attribute's error still be too large, as
 * little more as makes it small enough: tighter and tighter until it is, then halfway back to what was too loose.
 */
static void correct_enough(const Plan *plan, const DfyTreeState *state, DfyTreeInter *inter, Off *offs, int attribute) {
    double most = wanted_square(plan->encoder, attribute) * state->count, slack = 1, loose = 1;
    double sum = correct_attribute(plan, state, inter, offs, attribute, slack);
    for (int i = 0; i < TIGHTENINGS && sum > most; i++) {
        loose = slack;
        slack *= 0.75;
        sum = correct_attribute(plan, state, inter, offs, attribute, slack);
    }
    if (slack == 1 || sum > most) return;
    for (int i = 0; i < LOOSENINGS; i++) {
        double middle = (slack + loose) / 2;
        sum = correct_attribute(plan, state, inter, offs, attribute, middle);
        *(sum > most ? &loose : &slack) = middle;
    }
    if (sum > most) correct_attribute(plan, state, inter, offs, attribute, slack);
}

/* The guess with the smallest numbers left to code. */
static int choose_guess(const DfyTreeState *state, const DfyTreeInter *inter) {
    double cost[DFY_TREE_GUESSES] = {0};
    int32_t last[3] = {0, 0, 0};
    int best = 0;
    for (uint32_t i = 0; i < state->count; i++) {
        const DfyTreeUpdate *u = &inter->updates[i];
        const DfyTreeSplat *s = &state->splats[i];
        if (!(u->updates & DFY_TREE_PLACE) || inter->labels[i]) continue;
        for (int k = 0; k < 3; k++) {
            cost[DFY_TREE_STAY] += dfy_exact_ln(1 + abs(u->place[k]));
            cost[DFY_TREE_GO_ON] += dfy_exact_ln(1 + abs(u->place[k] - dfy_tree_steps_of(s->velocity[k])));
            cost[DFY_TREE_FOLLOW] += dfy_exact_ln(1 + abs(u->place[k] - last[k]));
            last[k] = u->place[k];
        }
    }
    for (int g = 1; g < DFY_TREE_GUESSES; g++)
        if (cost[g] < cost[best]) best = g;
    return best;
}

/* Where so many splats are corrected at least, one of so many, columns are worth their while. */
enum { MANY_CORRECTED = 4 };
/* One splat of so many is looked at before all are, where these are enough; so large a part of them leaves no doubt. */
enum { LOOKED_APART = 16, LEAST_LOOKED_AT = 256, PLAINLY_MANY = 3 };

static int many_are_corrected(const DfyTreeState *state, const DfyTreeInter *inter) {
    uint32_t corrected = 0;
    for (uint32_t i = 0; i < state->count; i++) corrected += inter->updates[i].updates != 0;
    return corrected > state->count / MANY_CORRECTED;
}

/* Whether so many changed without following a motion that columns are a safe guess after a frame of columns. */
static int most_changed(const Plan *plan, const DfyTreeState *state, const DfyTreeInter *inter) {
    uint32_t changed = 0;
    for (uint32_t i = 0; i < state->count; i++) changed += plan->changed[i] && !inter->labels[i];
    return changed > state->count / 2;
}

/* Whether some of the splats say that many would be corrected, by all the corrections that rounding alone asks for. */
static int many_are_off(const Plan *plan, const DfyTreeState *state, const DfyTreeInter *inter) {
    uint32_t off = 0, looked_at = 0;
    for (uint32_t i = 0; i < state->count; i += LOOKED_APART, looked_at++) {
        Off own;
        int any = 0;
        if (!plan->changed[i]) continue;
        find_off(plan->encoder, state, i, plan->in, plan->order[i], &own);
        for (int a = 0; a < DFY_SPLAT_ATTRIBUTES && !any; a++) {
            int moved = inter->labels[i] && kinds[a] & (DFY_TREE_PLACE | DFY_TREE_TURN);
            any = (plan->changed[i] & kinds[a] || moved) && too_far(a, &own, &state->grid, 1);
        }
        off += (uint32_t)any;
    }
    return looked_at >= LEAST_LOOKED_AT && off > looked_at / PLAINLY_MANY;
}

static int plan_columns(const Plan *plan, DfyTreeState *state, DfyTreeInter *inter, DfyMessage *message) {
    DfyTreeEncoder *e = plan->encoder;
    double wanted[DFY_SPLAT_ATTRIBUTES];
    for (int a = 0; a < DFY_SPLAT_ATTRIBUTES; a++) wanted[a] = sqrt(wanted_square(e, a)) * MARGIN;
    e->columns = 1;
    return dfy_tree_choose_columns(inter->columns, state, plan->in, plan->order, wanted, e->analysis, e->effort,
                                   message);
}

static int plan_updates(void *opaque, DfyTreeState *state, DfyTreeInter *inter, DfyMessage *message) {
    const Plan *plan = opaque;
    DfyTreeEncoder *e = plan->encoder;
    size_t changed = 0, c = 0;
    if (e->columns && most_changed(plan, state, inter)) return plan_columns(plan, state, inter, message);
    e->columns = 0;
    if (many_are_off(plan, state, inter)) return plan_columns(plan, state, inter, message);
    for (uint32_t i = 0; i < state->count; i++) changed += plan->changed[i] != 0;
    Off *offs = malloc((changed ? changed : 1) * sizeof *offs);
    if (!offs) return dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for a frame of %u splats.", state->count);
    for (uint32_t i = 0; i < state->count; i++)
        if (plan->changed[i]) find_off(e, state, i, plan->in, plan->order[i], &offs[c++]);
    for (int a = 0; a < DFY_SPLAT_ATTRIBUTES; a++) correct_enough(plan, state, inter, offs, a);
    inter->guess = choose_guess(state, inter);
    free(offs);
    return many_are_corrected(state, inter) ? plan_columns(plan, state, inter, message) : DFY_OK;
}

/* ---------------------------------------------------------------- matching */

/* The attributes in which two splats differ at all, as bits. */
static uint8_t differences(const DfySplats *a, size_t i, const DfySplats *b, size_t j) {
    size_t rest = (size_t)dfy_splat_rest(a->degree) * 3;
    int bits = 0;
    if (memcmp(a->xyz + i * 3, b->xyz + j * 3, 12)) bits |= DFY_TREE_PLACE;
    if (memcmp(a->rotation + i * 4, b->rotation + j * 4, 16)) bits |= DFY_TREE_TURN;
    if (memcmp(a->scale + i * 3, b->scale + j * 3, 12)) bits |= DFY_TREE_SCALE;
    if (memcmp(a->opacity + i, b->opacity + j, 4)) bits |= DFY_TREE_ALPHA;
    if (memcmp(a->dc + i * 3, b->dc + j * 3, 12)) bits |= DFY_TREE_DC;
    if (rest && memcmp(a->rest + i * rest, b->rest + j * rest, rest * sizeof(float))) bits |= DFY_TREE_SH;
    return (uint8_t)bits;
}

typedef struct Match {
    uint32_t *next;     /* splat of the new frame for each splat of the state that stays */
    uint32_t *previous; /* and of the last frame */
    uint32_t *added;    /* splats of the new frame that are added */
    uint8_t *changed;   /* attributes that changed in the source, of those that stay */
    uint32_t kept, added_count;
} Match;

static void free_match(Match *m) {
    free(m->next);
    free(m->previous);
    free(m->added);
    free(m->changed);
}

/* partner[j] is the last frame's splat for splat j; NULL: the same number. */
static int fill_match(const DfyTreeEncoder *e, const DfySplats *in, const uint32_t *partner, Match *m,
                      DfyTreeInter *inter) {
    uint32_t count = e->state.count, *forward = malloc((count ? count : 1) * sizeof *forward);
    uint8_t *gone = calloc(count ? count : 1, 1);
    if (!forward || !gone) {
        free(forward);
        free(gone);
        return DFY_ERROR_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) forward[i] = partner ? UINT32_MAX : i;
    for (uint32_t j = 0; partner && j < in->count; j++) {
        if (partner[j] < count)
            forward[partner[j]] = j;
        else
            m->added[m->added_count++] = j;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t j = forward[e->order[i]];
        if (j == UINT32_MAX) {
            gone[i] = 1;
            inter->removed++;
            continue;
        }
        m->previous[m->kept] = e->order[i];
        m->next[m->kept] = j;
        memcpy(e->square[m->kept], e->square[i], sizeof e->square[i]);
        m->changed[m->kept++] = differences(&e->last, e->order[i], in, j);
    }
    free(forward);
    inter->gone = gone;
    return DFY_OK;
}

static int match_frames(const DfyTreeEncoder *e, const DfySplats *in, Match *m, DfyTreeInter *inter,
                        DfyMessage *message) {
    size_t n = e->state.count ? e->state.count : 1;
    uint32_t *partner = NULL;
    *m = (Match){malloc(n * sizeof(uint32_t)),
                 malloc(n * sizeof(uint32_t)),
                 malloc((in->count ? in->count : 1) * sizeof(uint32_t)),
                 calloc(n, 1),
                 0,
                 0};
    int status = m->next && m->previous && m->added && m->changed ? DFY_OK : DFY_ERROR_MEMORY;
    if (!status && in->count != e->last.count) status = dfy_splats_match(&e->last, in, SAME_SPLAT, &partner, message);
    if (!status) status = fill_match(e, in, partner, m, inter);
    free(partner);
    if (status) dfy_fail(message, status, "There is no memory to match frames of %u splats.", in->count);
    return status;
}

/* ---------------------------------------------------------------- motions */

static int find_motions(const DfyTreeEncoder *e, const DfySplats *in, const Match *m, DfyTreeInter *inter) {
    const DfyTreeGrid *g = &e->state.grid;
    DfyTreeState kept = {.grid = *g, .count = m->kept};
    DfyTreeWay *ways = malloc((m->kept ? m->kept : 1) * sizeof *ways);
    kept.splats = malloc((m->kept ? m->kept : 1) * sizeof *kept.splats);
    inter->updates = calloc(m->kept ? m->kept : 1, sizeof *inter->updates);
    inter->labels = calloc(m->kept ? m->kept : 1, 1);
    int status = ways && kept.splats && inter->updates && inter->labels ? DFY_OK : DFY_ERROR_MEMORY;
    size_t count = 0;
    for (uint32_t i = 0, to = 0; !status && i < e->state.count; i++)
        if (!inter->gone[i]) kept.splats[to++] = e->state.splats[i];
    for (uint32_t i = 0; !status && i < m->kept; i++) {
        const float *from = e->last.xyz + (size_t)m->previous[i] * 3, *to = in->xyz + (size_t)m->next[i] * 3;
        if (!m->changed[i] || !memcmp(from, to, 12)) continue;
        ways[count].splat = i;
        for (int k = 0; k < 3; k++) {
            ways[count].from[k] = ((double)from[k] - g->origin[k]) / g->step;
            ways[count].to[k] = ((double)to[k] - g->origin[k]) / g->step;
        }
        count++;
    }
    if (!status) dfy_tree_find_motions(inter, &kept, ways, count);
    free(ways);
    free(kept.splats);
    return status;
}

/* ---------------------------------------------------------------- frames */

static int put_code(DfyRangeCoder *coder, uint32_t splats, DfyBuffer *payload, DfyMessage *message) {
    dfy_range_encode_finish(coder);
    dfy_put_bytes(payload, coder->data, coder->size);
    for (size_t size = coder->size; size < splats / DFY_TREE_SPLATS_A_BYTE; size++) dfy_put_u8(payload, 0);
    int failed = coder->failed || payload->failed;
    return failed ? dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for a coded frame.") : DFY_OK;
}

/* Tokens, whose length goes before them, or 0. */
static int put_tokens(DfyTokens *tokens, DfyBuffer *payload, DfyMessage *message) {
    DfyBuffer bytes = {0};
    if (tokens->count || tokens->failed) dfy_tokens_write(tokens, &bytes);
    dfy_put_varint(payload, bytes.size);
    if (bytes.size) dfy_put_bytes(payload, bytes.data, bytes.size);
    int failed = bytes.failed || payload->failed;
    dfy_buffer_free(&bytes);
    return failed ? dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for a coded frame.") : DFY_OK;
}

static int remember(DfyTreeEncoder *e, const DfySplats *splats, DfyMessage *message) {
    dfy_splats_free(&e->last);
    return dfy_splats_copy(&e->last, splats, message);
}

/* Brings what is known of a splat near; splats that follow each other in space don't in memory. */
static inline void fetch(const DfySplats *s, size_t i, size_t rest) {
#ifdef __GNUC__
    __builtin_prefetch(s->xyz + i * 3);
    __builtin_prefetch(s->rotation + i * 4);
    __builtin_prefetch(s->scale + i * 3);
    __builtin_prefetch(s->opacity + i);
    __builtin_prefetch(s->dc + i * 3);
    for (size_t k = 0; k < rest; k += 16) __builtin_prefetch(s->rest + i * rest + k);
#endif
}

/* Squared errors of splats just coded, straight from their values. */
static void measure(DfyTreeEncoder *e, const DfySplats *splats, uint32_t from) {
    const DfyTreeGrid *g = &e->state.grid;
    size_t rest = (size_t)dfy_tree_rest(g);
    for (uint32_t i = from; i < e->state.count; i++) {
        const DfyTreeSplat *s = &e->state.splats[i];
        size_t j = e->order[i];
        if (i + AHEAD < e->state.count) fetch(splats, e->order[i + AHEAD], rest);
        double turn[3], place = 0, scale = 0, dc = 0, sh = 0, ring = turn_degrees(g);
        for (size_t k = 0; k < 3; k++) {
            double p = ((double)splats->xyz[j * 3 + k] - g->origin[k]) / g->step -
                       (double)s->place[k] / (1 << DFY_TREE_FRACTION);
            double c = splats->scale[j * 3 + k] - (double)s->scale[k] / DFY_TREE_ONE;
            double d = splats->dc[j * 3 + k] - (double)s->dc[k] / DFY_TREE_ONE;
            place += p * p;
            scale += c * c / 3;
            dc += d * d / 3;
        }
        for (size_t k = 0; k < rest; k++) {
            double d = splats->rest[j * rest + k] - (double)e->state.rest[i * rest + k] / DFY_TREE_ONE;
            sh += d * d;
        }
        double alpha = dfy_sigmoid(splats->opacity[j]) - (double)s->alpha / DFY_TREE_ONE;
        turn_off(g, s, splats->rotation + j * 4, turn);
        e->square[i][DFY_SPLAT_POSITION] = (float)place;
        e->square[i][DFY_SPLAT_SCALE] = (float)scale;
        e->square[i][DFY_SPLAT_ALPHA] = (float)(alpha * alpha);
        e->square[i][DFY_SPLAT_DC] = (float)dc;
        e->square[i][DFY_SPLAT_ROTATION] = (float)(squares(turn, 3) * ring * ring);
        e->square[i][DFY_SPLAT_SH] = rest ? (float)(sh / (double)rest) : 0;
    }
}

static int learn_analysis(DfyTreeEncoder *e) {
    int n = dfy_tree_rest(&e->state.grid);
    double *base = malloc((size_t)(n * n + 1) * sizeof *base);
    free(e->analysis);
    e->analysis = malloc((size_t)(n * n + 1) * sizeof *e->analysis);
    int status = base && e->analysis ? DFY_OK : DFY_ERROR_MEMORY;
    for (int k = 0; !status && k < n * n; k++)
        base[k % n * n + k / n] = (double)e->state.grid.sh_base[k / n][k % n] / DFY_TREE_BASE_ONE;
    if (!status && n && !dfy_invert(e->analysis, base, n)) status = DFY_ERROR_MEMORY;
    free(base);
    return status;
}

int dfy_tree_encode_key(DfyTreeEncoder *e, const DfySplats *splats, DfyBuffer *payload, DfyMessage *message) {
    DfyTreeChoice choice;
    DfyRangeCoder coder;
    DfyTokens tokens = {.turn = 0};
    dfy_tree_state_free(&e->state);
    DfyTreeHull hull = e->hull;
    double aimed[DFY_SPLAT_ATTRIBUTES];
    for (int a = 0; a < DFY_SPLAT_ATTRIBUTES; a++) aimed[a] = e->errors[a] * MARGIN;
    if (!hull.frames) dfy_tree_hull_add(&hull, splats);
    int status = dfy_tree_choose(&choice, &e->state.grid, splats, &hull, aimed, e->effort, message);
    if (status) return status;
    dfy_range_encode_start(&coder);
    dfy_tree_write_grid(&e->state.grid, payload);
    status = dfy_tree_state_alloc(&e->state, splats->count, message);
    if (!status)
        status = dfy_tree_code_body(&coder, &tokens, &e->state, choice.keys, choice.indices, choice.sh, 1, message);
    if (!status) status = put_tokens(&tokens, payload, message);
    dfy_tokens_free(&tokens);
    if (!status) status = put_code(&coder, splats->count, payload, message);
    dfy_range_free(&coder);
    free(e->order);
    free(e->square);
    free(e->sh);
    e->square = NULL;
    e->order = choice.order;
    e->sh = choice.sh;
    e->place_error = choice.place_error;
    choice.order = NULL;
    choice.sh = NULL;
    dfy_tree_choice_free(&choice);
    return status ? status : remember(e, splats, message);
}

/* What only inter frames need of the key frame before them: single models and last frames are done without. */
int dfy_tree_settle(DfyTreeEncoder *e, DfyMessage *message) {
    if (!e->sh) return DFY_OK;
    e->square = calloc(e->state.count ? e->state.count : 1, sizeof *e->square);
    if (!e->square || learn_analysis(e))
        return dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for a model of %u splats.", e->state.count);
    dfy_tree_rest_values(&e->state, e->sh);
    measure(e, &e->last, 0);
    free(e->sh);
    e->sh = NULL;
    return DFY_OK;
}

static int grow_order(DfyTreeEncoder *e, const Match *m, const uint32_t *added) {
    size_t count = (size_t)m->kept + m->added_count;
    uint32_t *order = realloc(e->order, (count ? count : 1) * sizeof *order);
    if (order) e->order = order;
    float(*square)[DFY_SPLAT_ATTRIBUTES] = realloc(e->square, (count ? count : 1) * sizeof *square);
    if (square) e->square = square;
    if (!order || !square) return DFY_ERROR_MEMORY;
    if (m->kept) memcpy(e->order, m->next, m->kept * sizeof *order);
    for (uint32_t i = 0; i < m->added_count; i++) e->order[m->kept + i] = added[i];
    return DFY_OK;
}

int dfy_tree_encode_inter(DfyTreeEncoder *e, const DfySplats *splats, DfyBuffer *payload, DfyMessage *message) {
    DfyTreeColumns columns = {.used = 0};
    DfyTokens tokens = {.turn = 0};
    DfyTreeInter inter = {.columns = &columns, .tokens = &tokens};
    Match match;
    DfyRangeCoder coder;
    int status = dfy_tree_settle(e, message);
    if (status) return status;
    dfy_range_encode_start(&coder);
    status = match_frames(e, splats, &match, &inter, message);
    if (!status && find_motions(e, splats, &match, &inter)) status = DFY_ERROR_MEMORY;
    if (!status) status = dfy_tree_place_added(&e->state.grid, splats, match.added, match.added_count, &inter, message);
    Plan plan = {e, splats, match.next, match.changed};
    if (!status) status = dfy_tree_code_inter(&coder, &e->state, &inter, plan_updates, &plan, message);
    if (!status) status = put_tokens(&tokens, payload, message);
    if (!status) status = put_code(&coder, inter.added, payload, message);
    if (!status && grow_order(e, &match, match.added))
        status = dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for a frame.");
    if (!status) measure(e, splats, columns.used ? 0 : match.kept);
    if (!status) status = remember(e, splats, message);
    dfy_range_free(&coder);
    dfy_tokens_free(&tokens);
    dfy_tree_inter_free(&inter);
    dfy_tree_columns_free(&columns);
    free_match(&match);
    return status;
}

static void free_kept(DfyTreeEncoder *e) {
    dfy_tree_state_free(&e->kept.state);
    dfy_splats_free(&e->kept.last);
    free(e->kept.order);
    free(e->kept.square);
    e->kept.order = NULL;
    e->kept.square = NULL;
}

/* A copy of order and squares: two arrays of as many entries as there are splats. */
static int copy_lists(uint32_t **order, float (**square)[DFY_SPLAT_ATTRIBUTES], const uint32_t *from,
                      const float (*from_square)[DFY_SPLAT_ATTRIBUTES], uint32_t count) {
    size_t n = count ? count : 1;
    uint32_t *new_order = realloc(*order, n * sizeof *new_order);
    if (new_order) *order = new_order;
    float(*new_square)[DFY_SPLAT_ATTRIBUTES] = realloc(*square, n * sizeof *new_square);
    if (new_square) *square = new_square;
    if (!new_order || !new_square) return DFY_ERROR_MEMORY;
    memcpy(new_order, from, count * sizeof *new_order);
    memcpy(new_square, from_square, count * sizeof *new_square);
    return DFY_OK;
}

int dfy_tree_encoder_keep(DfyTreeEncoder *e, DfyMessage *message) {
    int status = dfy_tree_settle(e, message);
    if (status) return status;
    free_kept(e);
    status = dfy_tree_state_copy(&e->kept.state, &e->state, message);
    if (!status) status = dfy_splats_copy(&e->kept.last, &e->last, message);
    if (!status && copy_lists(&e->kept.order, &e->kept.square, e->order,
                              (const float(*)[DFY_SPLAT_ATTRIBUTES])e->square, e->state.count))
        status =
            dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory to keep a model of %u splats.", e->state.count);
    return status;
}

int dfy_tree_encoder_return(DfyTreeEncoder *e, DfyMessage *message) {
    int status = dfy_tree_state_return(&e->state, &e->kept.state, message);
    if (!status) status = remember(e, &e->kept.last, message);
    if (!status && copy_lists(&e->order, &e->square, e->kept.order,
                              (const float(*)[DFY_SPLAT_ATTRIBUTES])e->kept.square, e->state.count))
        status = dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for a model of %u splats.", e->state.count);
    return status;
}

void dfy_tree_encoder_free(DfyTreeEncoder *e) {
    free_kept(e);
    dfy_tree_state_free(&e->state);
    dfy_splats_free(&e->last);
    free(e->order);
    free(e->square);
    free(e->analysis);
    free(e->sh);
    e->sh = NULL;
    e->order = NULL;
    e->square = NULL;
    e->analysis = NULL;
}
