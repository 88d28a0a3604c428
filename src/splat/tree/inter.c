/*
 * tree-range: an inter frame's syntax, written once for both directions. What happens to most splats is nothing, and
 * to most of the others the same rigid motion as to their neighbours: so a frame carries a few motions, a label a
 * splat that says which one it follows, and corrections where that isn't enough. Flags for blocks of splats keep
 * still parts free; contexts are the last frame's flags and the neighbours'.
 */
#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"
#include "splat/tree/columns.h"

enum {
    SLOT_BITS = 16,
    FURTHEST = 1 << 30, /* limit of coordinates, in 1/256 of a step */
    MAX_STEPS = 1 << 20 /* limit of a correction */
};

enum { SET_FLAG = 0, SET_LABEL = 16, SET_UPDATE = 32, SET_VALUE = 64, SET_SH = 256 };
enum { TAG_FLAG = 1 << 20, TAG_LABEL = 2 << 20, TAG_UPDATE = 3 << 20, TAG_VALUE = 4 << 20, TAG_GONE = 5 << 20 };

typedef struct InterCoder {
    DfyMixer *mixer;
    DfyTreeState *state;
    DfyTreeInter *inter;
} InterCoder;

static int code_flag(DfyMixer *mixer, uint32_t tag, uint32_t a, uint32_t b, int set, int bit) {
    uint32_t contexts[2] = {dfy_mix_hash(tag, a), dfy_mix_hash(tag + 1, a << 8 | b)};
    return dfy_mix_bit(mixer, contexts, 2, set, bit);
}

static int32_t code_value(DfyMixer *mixer, uint32_t kind, uint32_t context, int32_t value) {
    uint32_t contexts[2] = {dfy_mix_hash(TAG_VALUE, kind), dfy_mix_hash(TAG_VALUE + 1, kind << 8 | context)};
    value =
        dfy_mix_signed(mixer, contexts, 2, SET_VALUE + (int)(kind % 20) * 8, dfy_mix_hash(TAG_VALUE + 2, kind), value);
    return value > MAX_STEPS ? MAX_STEPS : value < -MAX_STEPS ? -MAX_STEPS : value;
}

static uint32_t code_count(DfyRangeCoder *coder, uint32_t value) {
    int bits = 0;
    while (bits < 31 && dfy_code_with(coder, 32768, value >> bits != 0)) bits++;
    return bits ? 1u << (bits - 1) | dfy_code_raw(coder, bits - 1, value & ((1u << (bits - 1)) - 1)) : 0;
}

/* ---------------------------------------------------------------- motions */

static int32_t code_raw_signed(DfyRangeCoder *coder, int bits, int32_t value) {
    uint32_t raw = dfy_code_raw(coder, bits, (uint32_t)value & (bits < 32 ? (1u << bits) - 1 : UINT32_MAX));
    uint32_t sign = 1u << (bits - 1);
    return (int32_t)((raw ^ sign) - sign);
}

static void code_motion(DfyRangeCoder *coder, DfyTreeMotion *m) {
    m->precision = (int)dfy_code_raw(coder, 4, (uint32_t)(m->precision - 4)) + 4;
    for (int i = 0; i < 3; i++) {
        int bits =
            (int)dfy_code_raw(coder, 5, (uint32_t)(m->turn[i] ? 33 - __builtin_clz((uint32_t)abs(m->turn[i])) : 0));
        m->turn[i] = bits ? code_raw_signed(coder, bits, m->turn[i]) : 0;
    }
    for (int i = 0; i < 3; i++) {
        int bits =
            (int)dfy_code_raw(coder, 5, (uint32_t)(m->shift[i] ? 33 - __builtin_clz((uint32_t)abs(m->shift[i])) : 0));
        m->shift[i] = bits ? code_raw_signed(coder, bits, m->shift[i]) : 0;
    }
}

/* The motion's unit quaternion; vectors longer than 1 (only in damaged bytes) are a half turn. */
static void quaternion_of(const DfyTreeMotion *m, int32_t q[4]) {
    int64_t sum = 0, v[4];
    for (int i = 0; i < 3; i++) {
        int64_t part = (int64_t)m->turn[i] * (1 << (30 - m->precision));
        v[i + 1] = part > DFY_TURN_ONE ? DFY_TURN_ONE : part < -DFY_TURN_ONE ? -DFY_TURN_ONE : part;
        sum += v[i + 1] * v[i + 1];
    }
    int64_t one = (int64_t)DFY_TURN_ONE * DFY_TURN_ONE;
    v[0] = sum < one ? dfy_isqrt((uint64_t)(one - sum)) : 0;
    if (v[0] > DFY_TURN_ONE) v[0] = DFY_TURN_ONE;
    dfy_turn_normalise(q, v);
}

/* Rows of the rotation's matrix in 1/2^30. */
static void matrix_of(const int32_t q[4], int64_t m[3][3]) {
    int64_t w = q[0], x = q[1], y = q[2], z = q[3], one = DFY_TURN_ONE;
    m[0][0] = one - ((y * y + z * z) >> 29);
    m[0][1] = (x * y - w * z) >> 29;
    m[0][2] = (x * z + w * y) >> 29;
    m[1][0] = (x * y + w * z) >> 29;
    m[1][1] = one - ((x * x + z * z) >> 29);
    m[1][2] = (y * z - w * x) >> 29;
    m[2][0] = (x * z - w * y) >> 29;
    m[2][1] = (y * z + w * x) >> 29;
    m[2][2] = one - ((x * x + y * y) >> 29);
}

/* A motion ready to be applied. */
typedef struct Moving {
    int32_t turn[4];
    int64_t matrix[3][3], centre[3], shift[3];
} Moving;

static void move(const Moving *moving, DfyTreeSplat *s) {
    int32_t turned[4];
    int64_t d[3];
    for (int i = 0; i < 3; i++) d[i] = s->place[i] - moving->centre[i];
    for (int i = 0; i < 3; i++) {
        const int64_t *row = moving->matrix[i];
        int64_t sum = row[0] * d[0] + row[1] * d[1] + row[2] * d[2];
        s->place[i] = dfy_within(moving->centre[i] + ((sum + (1 << 29)) >> 30) + moving->shift[i], FURTHEST);
    }
    dfy_turn_multiply(turned, moving->turn, s->turn);
    memcpy(s->turn, turned, sizeof turned);
    s->dirty |= DFY_TREE_PLACE | DFY_TREE_TURN;
}

/* What is known of a splat's past moves with it. */
static void move_mean(DfyTreeMean *mean, const Moving *moving, const DfyTreeSplat *s, const int32_t before[3]) {
    int32_t turned[4];
    for (int k = 0; k < 3; k++)
        mean->place[k] = dfy_within((int64_t)mean->place[k] + s->place[k] - before[k], FURTHEST);
    dfy_turn_multiply(turned, moving->turn, mean->turn);
    memcpy(mean->turn, turned, sizeof turned);
}

/* The mean place of the splats that follow each motion. */
static void find_centres(Moving moving[DFY_TREE_MOTIONS], const DfyTreeState *state, const DfyTreeInter *inter) {
    int64_t count[DFY_TREE_MOTIONS] = {0};
    for (uint32_t i = 0; i < state->count; i++) {
        int label = inter->labels[i];
        if (!label) continue;
        count[label - 1]++;
        for (int k = 0; k < 3; k++) moving[label - 1].centre[k] += state->splats[i].place[k];
    }
    for (int g = 0; g < DFY_TREE_MOTIONS; g++)
        for (int k = 0; k < 3; k++) moving[g].centre[k] /= count[g] ? count[g] : 1;
}

static void move_all(DfyTreeState *state, const DfyTreeInter *inter) {
    Moving moving[DFY_TREE_MOTIONS];
    memset(moving, 0, sizeof moving);
    find_centres(moving, state, inter);
    for (int g = 0; g < inter->motion_count; g++) {
        quaternion_of(&inter->motions[g], moving[g].turn);
        matrix_of(moving[g].turn, moving[g].matrix);
        for (int k = 0; k < 3; k++) moving[g].shift[k] = (int64_t)inter->motions[g].shift[k] * 16;
    }
    for (uint32_t i = 0; i < state->count; i++) {
        DfyTreeSplat *s = &state->splats[i];
        const Moving *own = &moving[inter->labels[i] ? inter->labels[i] - 1 : 0];
        int32_t before[3] = {s->place[0], s->place[1], s->place[2]};
        s->label = inter->labels[i];
        if (!s->label) continue;
        move(own, s);
        if (state->past.count == state->count) move_mean(&state->past.means[i], own, s, before);
    }
}

/* ---------------------------------------------------------------- labels */

/* Whether a splat of the block followed a motion in the last frame. */
static uint32_t block_followed(const DfyTreeState *state, uint32_t from, uint32_t to) {
    for (uint32_t i = from; i < to; i++)
        if (state->splats[i].label) return 1;
    return 0;
}

static int block_follows(const DfyTreeInter *inter, uint32_t from, uint32_t to) {
    for (uint32_t i = from; i < to; i++)
        if (inter->labels[i]) return 1;
    return 0;
}

/* followers: whether each of the splats before follows a motion, a bit each, the last one lowest. */
static void code_label(InterCoder *c, uint32_t i, uint32_t followers, uint32_t *last) {
    uint8_t *own = &c->inter->labels[i];
    uint32_t had = c->state->splats[i].label, known = had && had <= (uint32_t)c->inter->motion_count, label = *own;
    uint32_t contexts[4] = {
        dfy_mix_hash(TAG_LABEL, known << 8 | (followers & 255)),
        dfy_mix_hash(TAG_LABEL + 1, known * 16 + (uint32_t)__builtin_popcount(followers & 4095)),
        dfy_mix_hash(TAG_LABEL + 2, known * 2u + (followers & 1)),
        dfy_mix_hash(TAG_LABEL + 3, known),
    };
    if (!dfy_mix_bit(c->mixer, contexts, 4, SET_LABEL + (int)known, label != 0)) {
        *own = 0;
        return;
    }
    uint32_t guess = known ? had : *last;
    if (c->inter->motion_count > 1 && code_flag(c->mixer, TAG_LABEL + 8, known, 0, SET_LABEL + 4, label != guess)) {
        label = dfy_code_raw(c->mixer->coder, 4, label);
        if (!label || label > (uint32_t)c->inter->motion_count) label = 1; /* only in damaged bytes */
    } else {
        label = guess;
    }
    *own = (uint8_t)label;
    *last = label;
}

static void code_labels(InterCoder *c) {
    uint32_t last = 1, before = 0, followers = 0;
    for (uint32_t from = 0; from < c->state->count; from += DFY_TREE_BLOCK) {
        uint32_t to = c->state->count - from < DFY_TREE_BLOCK ? c->state->count : from + DFY_TREE_BLOCK;
        uint32_t had = block_followed(c->state, from, to);
        int now = c->mixer->coder->mode ? block_follows(c->inter, from, to) : 0;
        now = code_flag(c->mixer, TAG_FLAG, had * 2 + before, 0, SET_FLAG, now);
        if (!now) followers = 0;
        for (uint32_t i = from; now && i < to; i++) {
            code_label(c, i, followers, &last);
            followers = followers << 1 | (c->inter->labels[i] != 0);
        }
        before = (uint32_t)now;
    }
}

/* ---------------------------------------------------------------- corrections */

static void update_turn(const DfyTreeGrid *g, DfyTreeSplat *s, const int32_t steps[3]) {
    int64_t unit = dfy_tree_turn_unit(g), v[4] = {DFY_TURN_ONE};
    int32_t q[4], turned[4];
    int64_t most = DFY_TURN_ONE;
    for (int i = 0; i < 3; i++) {
        v[i + 1] = steps[i] * unit;
        if (llabs(v[i + 1]) > most) most = llabs(v[i + 1]);
    }
    int shift = 0; /* keeps the components in range for the largest turns */
    while (most >> shift > DFY_TURN_ONE) shift++;
    for (int i = 0; i < 4; i++) v[i] >>= shift;
    dfy_turn_normalise(q, v);
    dfy_turn_multiply(turned, q, s->turn);
    memcpy(s->turn, turned, sizeof turned);
}

static int32_t add_steps(int32_t value, int32_t steps, int32_t step, int32_t limit) {
    int64_t sum = value + (int64_t)steps * step;
    return (int32_t)(sum > limit ? limit : sum < -limit ? -limit : sum);
}

static void update_sh(DfyTreeState *state, uint32_t i, const int16_t *sh) {
    const DfyTreeGrid *g = &state->grid;
    int n = dfy_tree_rest(g);
    int32_t *rest = state->rest + (size_t)i * (size_t)n;
    for (int k = 0; k < n; k++) {
        if (!sh[k]) continue;
        int64_t part = (int64_t)sh[k] * g->sh_step;
        for (int j = 0; j < n; j++) {
            int64_t sum = rest[j] + (part * g->sh_base[k][j] >> 7);
            rest[j] = (int32_t)(sum > 1 << 28 ? 1 << 28 : sum < -(1 << 28) ? -(1 << 28) : sum);
        }
    }
}

static void apply_update(DfyTreeState *state, uint32_t i, const DfyTreeUpdate *u, const int32_t guess[3]) {
    const DfyTreeGrid *g = &state->grid;
    DfyTreeSplat *s = &state->splats[i];
    s->updates = u->updates;
    for (int k = 0; k < 3; k++) s->velocity[k] = 0;
    if (!u->updates) return;
    s->dirty |= u->updates;
    if (u->updates & DFY_TREE_PLACE)
        for (int k = 0; k < 3; k++) {
            s->velocity[k] = dfy_within(((int64_t)u->place[k] + guess[k]) * DFY_TREE_PLACE_UNIT, FURTHEST);
            s->place[k] = dfy_within((int64_t)s->place[k] + s->velocity[k], FURTHEST);
        }
    if (u->updates & DFY_TREE_TURN) update_turn(g, s, u->turn);
    if (u->updates & DFY_TREE_SCALE)
        for (int k = 0; k < 3; k++)
            s->scale[k] = add_steps(s->scale[k], u->scale[k], dfy_tree_unit(g->scale_step), DFY_TREE_MOST_SCALE);
    if (u->updates & DFY_TREE_ALPHA) {
        s->alpha = add_steps(s->alpha, u->alpha, dfy_tree_unit(g->alpha_step), DFY_TREE_ONE);
        if (s->alpha < 0) s->alpha = 0;
    }
    if (u->updates & DFY_TREE_DC) {
        for (int k = 0; k < 3; k++)
            s->dc_part[k] = add_steps(s->dc_part[k], u->dc[k], dfy_tree_unit(g->dc_step), 1 << 28);
        dfy_tree_dc(g, s);
    }
    if (u->updates & DFY_TREE_SH) update_sh(state, i, u->sh);
}

static uint32_t code_mask(InterCoder *c, uint32_t i, uint32_t before, uint32_t mask) {
    const DfyTreeSplat *s = &c->state->splats[i];
    uint32_t had = s->updates, moved = s->label != 0, out = 0;
    if (!code_flag(c->mixer, TAG_UPDATE, (had != 0) * 4u + (before != 0) * 2u + moved, had, SET_UPDATE, mask != 0))
        return 0;
    for (uint32_t k = 0; k < DFY_TREE_KINDS; k++) {
        uint32_t own = (had >> k & 1) * 2 + (before >> k & 1);
        out |= (uint32_t)code_flag(c->mixer, TAG_UPDATE + 4 + k * 4, own * 2 + moved, out, SET_UPDATE + 1 + (int)k,
                                   (int)(mask >> k & 1))
               << k;
    }
    return out;
}

static void code_vector(DfyMixer *mixer, uint32_t kind, int32_t v[3]) {
    uint32_t size = 0;
    for (uint32_t k = 0; k < 3; k++) {
        v[k] = code_value(mixer, kind * 3 + k, size, v[k]);
        size = size / 2 + (uint32_t)(abs(v[k]) > 7 ? 7 : abs(v[k]));
    }
}

static void code_values(InterCoder *c, DfyTreeUpdate *u) {
    if (u->updates & DFY_TREE_PLACE) code_vector(c->mixer, 0, u->place);
    if (u->updates & DFY_TREE_TURN) code_vector(c->mixer, 1, u->turn);
    if (u->updates & DFY_TREE_SCALE) code_vector(c->mixer, 2, u->scale);
    if (u->updates & DFY_TREE_DC) code_vector(c->mixer, 3, u->dc);
    if (u->updates & DFY_TREE_ALPHA) u->alpha = code_value(c->mixer, 12, 0, u->alpha);
    if (!(u->updates & DFY_TREE_SH)) return;
    uint32_t recent = 0, n = (uint32_t)dfy_tree_rest(&c->state->grid);
    for (uint32_t k = 0; k < n; k++) {
        int32_t value = code_value(c->mixer, 64 + k * 20 + 13, recent, u->sh[k]);
        u->sh[k] = (int16_t)(value > 32767 ? 32767 : value < -32767 ? -32767 : value);
        recent = recent / 2 + (uint32_t)(abs(value) > 7 ? 7 : abs(value)) * 2;
    }
}

/* The guess of a correction to a position, in steps. */
static void guess_of(const InterCoder *c, const DfyTreeSplat *s, const int32_t last[3], int32_t guess[3]) {
    for (int k = 0; k < 3; k++) {
        guess[k] = 0;
        if (s->label) continue;
        if (c->inter->guess == DFY_TREE_GO_ON) guess[k] = dfy_tree_steps_of(s->velocity[k]);
        if (c->inter->guess == DFY_TREE_FOLLOW) guess[k] = last[k];
    }
}

static void code_block(InterCoder *c, uint32_t from, uint32_t to, uint32_t *before, int32_t last[3]) {
    for (uint32_t i = from; i < to; i++) {
        DfyTreeUpdate own = {.updates = 0}, *u = c->inter->updates ? &c->inter->updates[i] : &own;
        const DfyTreeSplat *s = &c->state->splats[i];
        int32_t guess[3];
        guess_of(c, s, last, guess);
        if (c->mixer->coder->mode && u->updates & DFY_TREE_PLACE)
            for (int k = 0; k < 3; k++) u->place[k] -= guess[k];
        u->updates = (uint8_t)code_mask(c, i, *before, u->updates);
        *before = u->updates;
        code_values(c, u);
        if (u->updates & DFY_TREE_PLACE && !s->label)
            for (int k = 0; k < 3; k++) last[k] = dfy_within((int64_t)u->place[k] + guess[k], FURTHEST);
        apply_update(c->state, i, u, guess);
    }
}

static uint32_t block_was_updated(const DfyTreeState *state, uint32_t from, uint32_t to) {
    for (uint32_t i = from; i < to; i++)
        if (state->splats[i].updates) return 1;
    return 0;
}

static int block_is_updated(const DfyTreeInter *inter, uint32_t from, uint32_t to) {
    for (uint32_t i = from; i < to; i++)
        if (inter->updates[i].updates) return 1;
    return 0;
}

static void code_updates(InterCoder *c) {
    static const DfyTreeUpdate nothing;
    static const int32_t no_guess[3] = {0, 0, 0};
    uint32_t any_before = 0, before = 0;
    int32_t last[3] = {0, 0, 0};
    for (uint32_t from = 0; from < c->state->count; from += DFY_TREE_BLOCK) {
        uint32_t to = c->state->count - from < DFY_TREE_BLOCK ? c->state->count : from + DFY_TREE_BLOCK;
        uint32_t had = block_was_updated(c->state, from, to);
        int now = c->mixer->coder->mode ? block_is_updated(c->inter, from, to) : 0;
        now = code_flag(c->mixer, TAG_FLAG + 8, had * 2 + any_before, 0, SET_FLAG + 1, now);
        any_before = (uint32_t)now;
        if (now)
            code_block(c, from, to, &before, last);
        else if (had)
            for (uint32_t i = from; i < to; i++) apply_update(c->state, i, &nothing, no_guess);
    }
}

/* ---------------------------------------------------------------- removed and added splats */

static int code_gone(InterCoder *c, DfyMessage *message) {
    DfyTreeState *state = c->state;
    DfyTreeInter *inter = c->inter;
    size_t rest = (size_t)dfy_tree_rest(&state->grid);
    inter->removed = code_count(c->mixer->coder, inter->removed);
    if (!inter->removed) return DFY_OK;
    dfy_tree_past_free(&state->past);
    if (!inter->gone && !(inter->gone = calloc(state->count ? state->count : 1, 1)))
        return dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for a frame of %u splats.", state->count);
    uint32_t to = 0, before = 0;
    for (uint32_t i = 0; i < state->count; i++) {
        uint32_t gone = (uint32_t)code_flag(c->mixer, TAG_GONE, before & 1, before & 7, SET_FLAG + 4, inter->gone[i]);
        before = before << 1 | gone;
        if (gone) continue;
        state->splats[to] = state->splats[i];
        state->splats[to].dirty = DFY_TREE_ALL;
        if (rest && to != i) memcpy(state->rest + to * rest, state->rest + i * rest, rest * sizeof *state->rest);
        to++;
    }
    state->count = to;
    return DFY_OK;
}

/* Memory for `added` more splats; so many that a damaged number can't claim memory without bytes. */
static int grow(DfyTreeState *state, uint32_t added, DfyMessage *message) {
    size_t rest = (size_t)dfy_tree_rest(&state->grid), count = (size_t)state->count + added;
    if (count > DFY_SPLAT_MAX_COUNT) return dfy_fail(message, DFY_ERROR_DAMAGED, "A frame adds too many splats.");
    if (count <= state->capacity) return DFY_OK;
    if (count > SIZE_MAX / (sizeof(DfyTreeSplat) + DFY_TREE_REST * sizeof(int32_t)))
        return dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for %zu splats.", count);
    DfyTreeSplat *splats = realloc(state->splats, count * sizeof *splats);
    if (splats) state->splats = splats;
    int32_t *values = realloc(state->rest, count * (rest ? rest : 1) * sizeof *values);
    if (values) state->rest = values;
    if (!splats || !values) return dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for %zu splats.", count);
    state->capacity = (uint32_t)count;
    return DFY_OK;
}

/* Added splats are coded as a key frame of their own on the same grid and appended. */
static int code_added(InterCoder *c, DfyMessage *message) {
    DfyTreeInter *inter = c->inter;
    DfyTreeState *state = c->state, fresh = {.grid = state->grid};
    DfyRangeCoder *coder = c->mixer->coder;
    inter->added = code_count(coder, inter->added);
    if (!inter->added) return DFY_OK;
    if (!coder->mode && (inter->added > DFY_SPLAT_MAX_COUNT || inter->added / DFY_TREE_SPLATS_A_BYTE > coder->size))
        return dfy_fail(message, DFY_ERROR_DAMAGED, "A frame claims to add %u splats: its bytes are damaged.",
                        inter->added);
    int status = grow(state, inter->added, message);
    if (status) return status;
    dfy_tree_past_free(&state->past);
    if (!coder->mode) {
        inter->added_keys = calloc(inter->added, sizeof *inter->added_keys);
        inter->added_indices = calloc(inter->added, sizeof *inter->added_indices);
        inter->added_sh = calloc(inter->added, (size_t)(dfy_tree_rest(&state->grid) + 1) * sizeof *inter->added_sh);
        if (!inter->added_keys || !inter->added_indices || !inter->added_sh)
            return dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for %u more splats.", inter->added);
    }
    fresh.grid.count = inter->added;
    status = dfy_tree_state_alloc(&fresh, inter->added, message);
    if (!status)
        status = dfy_tree_code_body(coder, inter->tokens, &fresh, inter->added_keys, inter->added_indices,
                                    inter->added_sh, 0, message);
    if (!status) {
        size_t rest = (size_t)dfy_tree_rest(&state->grid);
        dfy_tree_rest_values(&fresh, inter->added_sh);
        memcpy(state->splats + state->count, fresh.splats, inter->added * sizeof *fresh.splats);
        if (rest) memcpy(state->rest + state->count * rest, fresh.rest, inter->added * rest * sizeof *fresh.rest);
        for (uint32_t i = 0; i < inter->added; i++) state->splats[state->count + i].dirty = DFY_TREE_ALL;
        state->count += inter->added;
    }
    dfy_tree_state_free(&fresh);
    return status;
}

/* ---------------------------------------------------------------- frame */

static int open_coder(InterCoder *c, DfyRangeCoder *coder, DfyMessage *message) {
    DfyTreeState *state = c->state;
    c->mixer = &state->mixer;
    if (!state->mixer_open && dfy_mixer_open(&state->mixer, coder, SLOT_BITS))
        return dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for an inter frame's models.");
    state->mixer_open = 1;
    state->mixer.coder = coder;
    return DFY_OK;
}

static int alloc_labels(InterCoder *c, DfyMessage *message) {
    if (!c->inter->labels) c->inter->labels = calloc(c->state->count ? c->state->count : 1, 1);
    if (c->inter->labels) return DFY_OK;
    return dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for a frame of %u splats.", c->state->count);
}

int dfy_tree_code_inter(DfyRangeCoder *coder, DfyTreeState *state, DfyTreeInter *inter, DfyTreePlan plan, void *opaque,
                        DfyMessage *message) {
    InterCoder c = {NULL, state, inter};
    int status = open_coder(&c, coder, message);
    if (!status) status = code_gone(&c, message);
    if (!status) status = alloc_labels(&c, message);
    if (status) return status;
    inter->motion_count = (int)dfy_code_raw(coder, 4, (uint32_t)inter->motion_count);
    for (int i = 0; i < inter->motion_count; i++) code_motion(coder, &inter->motions[i]);
    if (inter->motion_count) code_labels(&c);
    move_all(state, inter);
    if (plan) status = plan(opaque, state, inter, message);
    DfyTreeColumns own = {.used = 0}, *columns = inter->columns ? inter->columns : &own;
    if (!status) columns->used = (int)dfy_code_raw(coder, 1, (uint32_t)columns->used);
    if (!status && columns->used) {
        status = dfy_tree_code_columns(coder, inter->tokens, state, columns, message);
    } else if (!status) {
        inter->guess = (int)dfy_code_raw(coder, 2, (uint32_t)inter->guess);
        code_updates(&c);
    }
    dfy_tree_columns_free(&own);
    return status ? status : code_added(&c, message);
}

void dfy_tree_inter_free(DfyTreeInter *inter) {
    free(inter->gone);
    free(inter->labels);
    free(inter->updates);
    free(inter->added_keys);
    free(inter->added_indices);
    free(inter->added_sh);
    *inter = (DfyTreeInter){0};
}
