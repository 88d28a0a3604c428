/*
 * tree-range: a key frame's syntax, written once for both directions. Positions first; then each splat's attributes,
 * under contexts from the four nearest of the splats just before it (the order is spatial, so near ones are) and from
 * the splat's own attributes coded so far.
 */
#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"
#include "splat/quant/trellis.h"
#include "splat/tree/colour.h"

enum {
    LEAST_SLOT_BITS = 12,
    MOST_SLOT_BITS = 20,
    SLOTS_A_SPLAT = 32,
    WINDOW = 40, /* splats before this one that are looked at for neighbours */
    NEAR = DFY_TREE_NEAR,
    COARSE = 16, /* parts of a half circle and of a circle that contexts tell apart */
    CONTEXTS = DFY_MIX_OF_NUMBER
};

/* First set of weights of each kind of decision. */
enum { SET_PLACE = 0, SET_SCALE = 16, SET_ALPHA = 64, SET_DC = 80, SET_TURN = 128, SET_SH = 192, SET_BASE = 1920 };

/* Tags that keep the contexts of different attributes apart in the common table. */
enum {
    TAG_SCALE = 1 << 20,
    TAG_ALPHA = 2 << 20,
    TAG_DC = 3 << 20,
    TAG_TURN = 4 << 20,
    TAG_SH = 5 << 20,
    TAG_BASE = 6 << 20
};

enum { N_SCALE, N_ALPHA = 3, N_DC, N_TURN = N_DC + 3, NUMBERS = N_TURN + 3 };

/* What has a trellis of its own. */
enum { OF_SCALE, OF_ALPHA, OF_DC, OF_RING, OF_SECTOR, OF_TWIST, KINDS };

typedef struct KeyCoder {
    DfyMixer mixer;
    DfyTreeState *state;
    DfyTreeIndex *indices;
    DfyTurnRing *rings;
    int trellis[KINDS]; /* states of the quantisers */
    DfyMixDepth depths[NUMBERS];
    uint32_t near[NEAR];
    int near_count;
} KeyCoder;

/* ---------------------------------------------------------------- transforms */

static int32_t code_entry(KeyCoder *key, uint32_t tag, int32_t value) {
    uint32_t context[2] = {dfy_mix_hash(TAG_BASE, tag), dfy_mix_hash(TAG_BASE + 1, 0)};
    return dfy_mix_signed(&key->mixer, context, 2, SET_BASE, dfy_mix_hash(TAG_BASE + 2, tag), value);
}

static void code_transforms(KeyCoder *key) {
    DfyTreeGrid *g = &key->state->grid;
    int n = dfy_tree_rest(g);
    for (int k = 0; k < n; k++) {
        for (int i = 0; i < n; i++)
            g->sh_base[k][i] = (int16_t)code_entry(key, (uint32_t)(i % (n / 3) == k % (n / 3)), g->sh_base[k][i]);
        for (int j = 0; j < 3; j++) g->sh_from_dc[k][j] = (int16_t)code_entry(key, 2, g->sh_from_dc[k][j]);
    }
}

/* ---------------------------------------------------------------- neighbours */

/* The nearest of the splats coded just before splat i, nearest first; returns how many. */
static int find_near(const DfyTreeState *state, uint32_t i, uint32_t near[DFY_TREE_NEAR]) {
    const DfyTreeSplat *splats = state->splats, *here = &splats[i];
    uint64_t distance[DFY_TREE_NEAR];
    int count = 0;
    for (uint32_t j = i; j-- > 0 && i - j <= WINDOW;) {
        int64_t dx = (int64_t)splats[j].place[0] - here->place[0], dy = (int64_t)splats[j].place[1] - here->place[1];
        int64_t dz = (int64_t)splats[j].place[2] - here->place[2];
        uint64_t d = (uint64_t)(dx * dx) + (uint64_t)(dy * dy) + (uint64_t)(dz * dz);
        if (count == DFY_TREE_NEAR && d >= distance[DFY_TREE_NEAR - 1]) continue;
        int at = count < DFY_TREE_NEAR ? count++ : DFY_TREE_NEAR - 1;
        for (; at > 0 && distance[at - 1] > d; at--) {
            distance[at] = distance[at - 1];
            near[at] = near[at - 1];
        }
        distance[at] = d;
        near[at] = j;
    }
    return count;
}

void dfy_tree_neighbours(const DfyTreeState *state, uint8_t (*back)[DFY_TREE_NEAR]) {
    for (uint32_t i = 0; i < state->count; i++) {
        uint32_t near[DFY_TREE_NEAR];
        int count = find_near(state, i, near);
        for (int k = 0; k < DFY_TREE_NEAR; k++) back[i][k] = (uint8_t)(k < count ? i - near[k] : i + 1);
    }
}

/* Weighted mean and spread of a value of the neighbours, nearest most; `first` is that of the nearest. */
typedef struct Near {
    int32_t mean, first;
    uint32_t spread; /* class 0..7: difference of the neighbours, in steps */
} Near;

static Near near_of(const int32_t *values, int count, int32_t step, int32_t fallback) {
    static const int weight[NEAR] = {4, 3, 2, 2};
    int64_t sum = 0, total = 0, low = INT32_MAX, high = INT32_MIN;
    if (!count) return (Near){fallback, fallback, 7};
    for (int i = 0; i < count; i++) {
        sum += (int64_t)values[i] * weight[i];
        total += weight[i];
        if (values[i] < low) low = values[i];
        if (values[i] > high) high = values[i];
    }
    int spread = dfy_log2_16((uint32_t)((high - low) * 4 / step)) / 16;
    int64_t mean = count == NEAR ? sum / (4 + 3 + 2 + 2) : sum / total; /* a constant is divided by much faster */
    return (Near){(int32_t)mean, values[0], (uint32_t)(spread > 6 ? 6 : spread)};
}

/* A value in 1/16 of an index. */
static int32_t in_indices(int64_t value, int32_t step, int32_t low) {
    return dfy_within(value * 16 / step - (int64_t)low * 16, DFY_MIX_FURTHEST);
}

/* ---------------------------------------------------------------- attributes */

/* An index in a range under contexts that have predictions of it in 1/16. */
static int32_t code_index(KeyCoder *key, int kind, int number_of, DfyMixContext contexts[CONTEXTS], DfyMixShape shape,
                          int set, int bits, int32_t index) {
    int *state = &key->trellis[kind], odd = *state & 1;
    for (int i = 0; i < CONTEXTS; i++) contexts[i].prediction = (contexts[i].prediction - 16 * odd) >> 1;
    int32_t number = dfy_mix_number(&key->mixer, &key->depths[number_of], contexts, shape, set, bits, index >> 1);
    *state = dfy_trellis_next(*state, number);
    return 2 * number + odd;
}

static uint32_t size_of(int32_t scale, int shift) {
    int32_t size = scale + 13 * DFY_TREE_ONE;
    return size > 0 ? (uint32_t)size >> shift : 0;
}

static void code_scales(KeyCoder *key, DfyTreeIndex *index) {
    const DfyTreeGrid *g = &key->state->grid;
    const DfyTreeSplat *splats = key->state->splats;
    int32_t size[NEAR], done[3] = {0, 0, 0};
    for (int k = 0; k < key->near_count; k++) {
        const int32_t *s = splats[key->near[k]].scale;
        size[k] = (s[0] + s[1] + s[2]) / 3;
    }
    Near near = near_of(size, key->near_count, g->scale_step, -6 * DFY_TREE_ONE);
    for (uint32_t c = 0; c < 3; c++) {
        int32_t step = g->scale_step, low = g->scale[c].low;
        int32_t larger = done[c > 1 && done[1] > done[0]], smaller = done[c > 1 && done[1] <= done[0]];
        uint32_t a = c > 0 ? size_of(larger, 16) : 0, b = c > 1 ? size_of(smaller, 16) : 0; /* axes have no order */
        int32_t own = c == 2 ? (done[0] + done[1]) / 2 : c == 1 ? done[0] : near.mean;
        DfyMixContext contexts[CONTEXTS] = {
            {dfy_mix_hash(TAG_SCALE + 0, c), 0},
            {dfy_mix_hash(TAG_SCALE + 3, c * 4096 + a * 64 + b), in_indices(near.mean, step, low)},
            {dfy_mix_hash(TAG_SCALE + 4, c * 256 + (uint32_t)(abs(done[0] - done[1]) >> 15)),
             in_indices(own, step, low)},
        };
        index->scale[c] = code_index(key, OF_SCALE, N_SCALE + (int)c, contexts, DFY_MIX_PLAIN_FIRST,
                                     SET_SCALE + (int)c * 13, g->scale[c].bits, index->scale[c]);
        done[c] = dfy_within(((int64_t)low + index->scale[c]) * step, DFY_TREE_MOST_SCALE);
    }
}

static uint32_t size_class(const DfyTreeSplat *s, int shift) {
    int32_t largest = s->scale[0] > s->scale[1] ? s->scale[0] : s->scale[1];
    if (s->scale[2] > largest) largest = s->scale[2];
    return size_of(largest, shift);
}

static void code_alpha(KeyCoder *key, const DfyTreeSplat *splat, DfyTreeIndex *index) {
    const DfyTreeGrid *g = &key->state->grid;
    int32_t alpha[NEAR];
    for (int k = 0; k < key->near_count; k++) alpha[k] = key->state->splats[key->near[k]].alpha;
    Near near = near_of(alpha, key->near_count, DFY_TREE_ONE / 64, DFY_TREE_ONE / 2);
    int64_t sum = ((int64_t)splat->scale[0] + splat->scale[1] + splat->scale[2] + 39 * DFY_TREE_ONE) >> 16;
    DfyMixContext contexts[CONTEXTS] = {
        {dfy_mix_hash(TAG_ALPHA, 0), 0},
        {dfy_mix_hash(TAG_ALPHA + 4, (uint32_t)sum), 0},
        {dfy_mix_hash(TAG_ALPHA + 5, size_class(splat, 16) * 16 + (uint32_t)(near.mean >> 13)), 0},
    };
    index->alpha = code_index(key, OF_ALPHA, N_ALPHA, contexts, DFY_MIX_PLAIN, SET_ALPHA, g->alpha.bits, index->alpha);
}

/* A value in 1/16 of a centred number. */
static int32_t in_numbers(int64_t value, int32_t step, int32_t low, int state) {
    int64_t fine = dfy_within(value * 16 / step, 1 << 29);
    if (state & 1) fine += fine > 16 ? 16 : fine < -16 ? -16 : fine;
    return dfy_within(fine / 2 - (int64_t)low * 16, DFY_MIX_FURTHEST);
}

static void code_dc(KeyCoder *key, const DfyTreeSplat *splat, DfyTreeIndex *index) {
    const DfyTreeGrid *g = &key->state->grid;
    uint32_t alpha = (uint32_t)splat->alpha >> 14, before = 0;
    for (uint32_t c = 0; c < 3; c++) {
        int32_t part[NEAR], step = g->dc_step, low = g->dc[c].low;
        for (int k = 0; k < key->near_count; k++) part[k] = key->state->splats[key->near[k]].dc_part[c];
        Near near = near_of(part, key->near_count, step, 0);
        int32_t *state = &key->trellis[OF_DC], mean = in_numbers(near.mean, step, low, *state);
        DfyMixContext contexts[CONTEXTS] = {
            {dfy_mix_hash(TAG_DC, c * 8 + near.spread), mean},
            {dfy_mix_hash(TAG_DC + 3, c * 1024 + alpha * 64 + size_class(splat, 16)), mean},
            {dfy_mix_hash(TAG_DC + 4 + c * 16, before), 0},
        };
        int32_t number = dfy_trellis_coded(*state, index->dc[c]) - low;
        number = dfy_mix_number(&key->mixer, &key->depths[N_DC + c], contexts, DFY_MIX_PLAIN_LAST, SET_DC + (int)c * 13,
                                g->dc[c].bits, number);
        index->dc[c] = dfy_trellis_value(*state, number + low);
        *state = dfy_trellis_next(*state, number + low);
        before = before * 64 + (uint32_t)number / 2 + 1;
    }
}

static int bits_for(int32_t count) {
    return count > 1 ? 32 - __builtin_clz((uint32_t)count - 1) : 0;
}

/* The neighbours' thinnest axes, summed with the sign that makes them agree; a hint where this one's lies. */
static uint32_t near_normal(const KeyCoder *key, int32_t normal[3]) {
    int64_t sum[3] = {0, 0, 0};
    for (int k = 0; k < key->near_count; k++) {
        const DfyTreeSplat *s = &key->state->splats[key->near[k]];
        int32_t direction[3];
        dfy_turn_axis(direction, s->turn, dfy_tree_axis(s));
        int64_t dot = sum[0] * direction[0] + sum[1] * direction[1] + sum[2] * direction[2];
        for (int i = 0; i < 3; i++) sum[i] += dot < 0 ? -direction[i] : direction[i];
    }
    int64_t length = dfy_isqrt((uint64_t)(sum[0] * sum[0] + sum[1] * sum[1] + sum[2] * sum[2]));
    for (int i = 0; i < 3; i++) normal[i] = (int32_t)sum[i];
    return key->near_count ? (uint32_t)(length * 8 / (16384LL * key->near_count)) : 0; /* agreement 0..8 */
}

static void code_turn(KeyCoder *key, const DfyTreeSplat *splat, DfyTreeIndex *index) {
    const DfyTreeGrid *g = &key->state->grid;
    int32_t normal[3], ring_16, turn_16384, other_ring, other_turn;
    uint32_t agreement = near_normal(key, normal), axis = (uint32_t)dfy_tree_axis(splat);
    int32_t opposite[3] = {-normal[0], -normal[1], -normal[2]};
    dfy_turn_place(&ring_16, &turn_16384, normal, g->turns.rings);
    dfy_turn_place(&other_ring, &other_turn, opposite, g->turns.rings);
    int32_t s[3] = {splat->scale[0], splat->scale[1], splat->scale[2]};
    int32_t gap = INT32_MAX;
    for (uint32_t i = 0; i < 3; i++)
        if (i != axis && s[i] - s[axis] < gap) gap = s[i] - s[axis];
    uint32_t flat = (uint32_t)(gap >> 16 > 3 ? 3 : gap >> 16);
    DfyMixContext ring[CONTEXTS] = {
        {dfy_mix_hash(TAG_TURN, 0), 0},
        {dfy_mix_hash(TAG_TURN + 1, agreement * 4 + flat), ring_16},
        {dfy_mix_hash(TAG_TURN + 2, agreement * 4 + flat), other_ring},
    };
    DfyTurn *turn = &index->turn;
    int32_t rings = g->turns.rings, twists = g->turns.twists;
    turn->ring =
        code_index(key, OF_RING, N_TURN, ring, DFY_MIX_PLAIN_FIRST, SET_TURN, bits_for((rings + 1) / 2), turn->ring);
    if (turn->ring >= rings) turn->ring = rings - 1; /* only damaged bytes get here */
    int32_t sectors = dfy_turn_ring(key->rings, &g->turns, turn->ring)->sectors;
    uint32_t latitude = (uint32_t)(turn->ring * COARSE / rings);
    int32_t way = abs(turn->ring * 16 + 8 - ring_16), other_way = abs(turn->ring * 16 + 8 - other_ring);
    uint32_t match = (uint32_t)(way / 16 > 7 ? 7 : way / 16) * 8 + (uint32_t)(other_way / 16 > 7 ? 7 : other_way / 16);
    DfyMixContext sector[CONTEXTS] = {
        {dfy_mix_hash(TAG_TURN + 4, latitude), 0},
        {dfy_mix_hash(TAG_TURN + 5, match * 64 + agreement * 4 + flat), (int32_t)((int64_t)turn_16384 * sectors >> 10)},
        {dfy_mix_hash(TAG_TURN + 6, match * 64 + agreement * 4 + flat), (int32_t)((int64_t)other_turn * sectors >> 10)},
    };
    turn->sector = code_index(key, OF_SECTOR, N_TURN + 1, sector, DFY_MIX_PLAIN_FIRST, SET_TURN + 16,
                              bits_for(sectors / 2), turn->sector);
    if (turn->sector >= sectors) turn->sector = sectors - 1;
    uint32_t longitude = (uint32_t)(turn->sector * COARSE / sectors);
    int32_t ahead = s[(axis + 1) % 3] - s[(axis + 2) % 3]; /* of the two other axes */
    uint32_t longer = (uint32_t)((ahead > 0) + (ahead > DFY_TREE_ONE / 2) + (ahead >= -DFY_TREE_ONE / 2));
    DfyMixContext twist[CONTEXTS] = {
        {dfy_mix_hash(TAG_TURN + 8, longer), 0},
        {dfy_mix_hash(TAG_TURN + 9, latitude * 4 + longer), 0},
        {dfy_mix_hash(TAG_TURN + 10, (latitude * COARSE + longitude) * 4 + longer), 0},
    };
    turn->twist =
        code_index(key, OF_TWIST, N_TURN + 2, twist, DFY_MIX_PLAIN, SET_TURN + 32, bits_for(twists / 2), turn->twist);
    if (turn->twist >= twists) turn->twist = twists - 1;
}

/* ---------------------------------------------------------------- frame */

static void look(KeyCoder *key, uint32_t i, const uint8_t back[NEAR]) {
    for (int j = 0; j < NEAR; j++) key->near[j] = i - back[j];
    key->near_count = i < NEAR ? (int)i : NEAR;
}

static int code_splats(KeyCoder *key, DfyTokens *tokens, int16_t *sh) {
    DfyTreeState *state = key->state;
    size_t rest = (size_t)dfy_tree_rest(&state->grid);
    uint8_t(*back)[NEAR] = malloc((state->count ? state->count : 1) * sizeof *back);
    if (!back) return DFY_ERROR_MEMORY;
    dfy_tree_neighbours(state, back);
    for (uint32_t i = 0; i < state->count; i++) {
        look(key, i, back[i]);
        code_scales(key, &key->indices[i]);
        dfy_tree_scale_values(&state->grid, &key->indices[i], &state->splats[i]);
    }
    for (uint32_t i = 0; i < state->count; i++) {
        look(key, i, back[i]);
        code_alpha(key, &state->splats[i], &key->indices[i]);
        dfy_tree_colour_values(&state->grid, &key->indices[i], &state->splats[i]);
    }
    for (uint32_t i = 0; i < state->count; i++) {
        look(key, i, back[i]);
        code_dc(key, &state->splats[i], &key->indices[i]);
        dfy_tree_colour_values(&state->grid, &key->indices[i], &state->splats[i]);
    }
    for (uint32_t i = 0; i < state->count; i++) {
        look(key, i, back[i]);
        code_turn(key, &state->splats[i], &key->indices[i]);
        dfy_tree_turn_values(&state->grid, &key->indices[i], &key->rings[key->indices[i].turn.ring], &state->splats[i]);
    }
    int status = DFY_OK, encoding = key->mixer.coder->mode != DFY_DECODE;
    if (rest) status = dfy_tree_code_colours(tokens, encoding, state, (const uint8_t(*)[NEAR])back, sh);
    free(back);
    return status;
}

/* Where in their coarse cells the splats are. */
static void code_tails(KeyCoder *key) {
    const DfyTreeGrid *g = &key->state->grid;
    int state = 0;
    for (uint32_t i = 0; i < key->state->count; i++)
        for (int k = 0; k < 3; k++) {
            int32_t *tail = &key->indices[i].tail[k];
            if (!g->tail_bits[k]) continue;
            uint32_t number = dfy_mix_even(key->mixer.coder, g->tail_bits[k], (uint32_t)*tail >> 1);
            *tail = (int32_t)(2 * number) + (state & 1);
            state = dfy_trellis_next(state, (int32_t)number);
        }
}

static void set_places(DfyTreeState *state, const uint64_t *keys, const DfyTreeIndex *indices) {
    uint8_t axes[3 * DFY_PLACE_BITS];
    const DfyTreeGrid *g = &state->grid;
    int levels = dfy_place_axes(g->place_bits, axes);
    for (uint32_t i = 0; i < state->count; i++) {
        uint32_t cell[3];
        dfy_place_of_key(axes, levels, keys[i], cell);
        for (int k = 0; k < 3; k++) {
            int64_t multiple = ((int64_t)cell[k] << (g->tail_bits[k] + 1)) + indices[i].tail[k];
            state->splats[i].place[k] = (int32_t)(multiple * (4 << DFY_TREE_FRACTION) / 7);
        }
    }
}

static int slot_bits_for(uint32_t count) {
    int bits = LEAST_SLOT_BITS;
    while (bits < MOST_SLOT_BITS && (uint64_t)1 << bits < (uint64_t)count * SLOTS_A_SPLAT) bits++;
    return bits;
}

int dfy_tree_code_body(DfyRangeCoder *coder, DfyTokens *tokens, DfyTreeState *state, uint64_t *keys,
                       DfyTreeIndex *indices, int16_t *sh, int transforms, DfyMessage *message) {
    KeyCoder *key = calloc(1, sizeof *key);
    int status = key ? dfy_mixer_open(&key->mixer, coder, slot_bits_for(state->count)) : DFY_ERROR_MEMORY;
    if (!status) {
        key->state = state;
        key->indices = indices;
        key->rings = calloc((size_t)state->grid.turns.rings, sizeof *key->rings);
        if (!key->rings) status = DFY_ERROR_MEMORY;
    }
    if (!status) {
        if (!status && state->count) status = dfy_code_places(&key->mixer, state->grid.place_bits, state->count, keys);
        if (!status) {
            code_tails(key);
            set_places(state, keys, indices);
            if (transforms) code_transforms(key);
            status = code_splats(key, tokens, sh);
        }
    }
    if (key) {
        dfy_mixer_close(&key->mixer);
        free(key->rings);
    }
    free(key);
    if (status) return dfy_fail(message, status, "There is no memory to code a key frame of %u splats.", state->count);
    return DFY_OK;
}
