#include "entropy/tokens.h"

#include <stdlib.h>

enum { LOWEST = 1 << 16 }; /* of a state between tokens */

#define EIGHT(rate) rate, rate, rate, rate, rate, rate, rate, rate
const uint8_t dfy_token_rates[DFY_TOKEN_SETTLED + 1] = {
    2, 2, 3, 3, 3, 3, EIGHT(4), EIGHT(5), EIGHT(5), EIGHT(6), EIGHT(6), EIGHT(6), EIGHT(6), 6, 7,
};

/* What is below the lanes that grow ends 1 apart below the whole, what is below the others 1 apart above 0. */
#define TOP(lane) (int16_t)((1 << DFY_TOKEN_BITS) - DFY_TOKENS + (lane))
const DfyTokenLanes dfy_token_aims[DFY_TOKENS] = {
    {0, TOP(1), TOP(2), TOP(3), TOP(4), TOP(5), TOP(6), TOP(7)},
    {0, 1, TOP(2), TOP(3), TOP(4), TOP(5), TOP(6), TOP(7)},
    {0, 1, 2, TOP(3), TOP(4), TOP(5), TOP(6), TOP(7)},
    {0, 1, 2, 3, TOP(4), TOP(5), TOP(6), TOP(7)},
    {0, 1, 2, 3, 4, TOP(5), TOP(6), TOP(7)},
    {0, 1, 2, 3, 4, 5, TOP(6), TOP(7)},
    {0, 1, 2, 3, 4, 5, 6, TOP(7)},
    {0, 1, 2, 3, 4, 5, 6, 7},
};
const DfyTokenLanes dfy_token_above[DFY_TOKENS] = {
    {0, -1, -1, -1, -1, -1, -1, -1}, {0, 0, -1, -1, -1, -1, -1, -1}, {0, 0, 0, -1, -1, -1, -1, -1},
    {0, 0, 0, 0, -1, -1, -1, -1},    {0, 0, 0, 0, 0, -1, -1, -1},    {0, 0, 0, 0, 0, 0, -1, -1},
    {0, 0, 0, 0, 0, 0, 0, -1},       {0, 0, 0, 0, 0, 0, 0, 0},
};

void dfy_token_model(DfyTokenModel *model, uint32_t ratio) {
    uint32_t beyond = 1u << DFY_TOKEN_BITS;
    *model = (DfyTokenModel){.uses = 0};
    for (unsigned i = 1; i < DFY_TOKENS; i++) {
        uint32_t least = DFY_TOKENS - i;
        beyond = beyond * ratio >> 8;
        if (beyond < least) beyond = least;
        model->below[i] = (int16_t)((1u << DFY_TOKEN_BITS) - beyond);
    }
}

/* ---------------------------------------------------------------- decoder */

int dfy_tokens_read(DfyTokens *t, const uint8_t *data, size_t size) {
    DfyBytes bytes = dfy_bytes(data, size);
    size_t words = dfy_read_u32be(&bytes);
    *t = (DfyTokens){.turn = 0};
    for (int i = 0; i < DFY_TOKEN_STATES; i++) t->state[i] = dfy_read_u32le(&bytes);
    const uint8_t *from = words <= dfy_bytes_left(&bytes) ? dfy_read_span(&bytes, words) : NULL;
    if (!from || bytes.overrun) return -1;
    t->words = from;
    t->words_end = t->bits = from + words;
    t->bits_end = data + size;
    return 0;
}

/* ---------------------------------------------------------------- encoder */

int dfy_tokens_grow(DfyTokens *t) {
    size_t capacity = t->capacity ? t->capacity * 2 : 1 << 16;
    uint32_t *list = t->failed ? NULL : realloc(t->list, capacity * sizeof *list);
    if (!list) {
        t->failed = 1;
        return 0;
    }
    t->list = list;
    t->capacity = capacity;
    return 1;
}

/* A state before the token that it is after. */
static uint32_t before(uint32_t state, uint32_t part, uint16_t *words, size_t *count) {
    uint32_t first = part & 0xFFFF, size = part >> 16;
    if (state >= size << (32 - DFY_TOKEN_BITS)) {
        words[(*count)++] = (uint16_t)state;
        state >>= 16;
    }
    return ((state / size) << DFY_TOKEN_BITS) + state % size + first;
}

void dfy_tokens_write(DfyTokens *t, DfyBuffer *out) {
    uint16_t *words = malloc((t->count + 1) * sizeof *words);
    uint32_t state[DFY_TOKEN_STATES];
    size_t count = 0;
    if (!words || t->failed) {
        free(words);
        out->failed = t->failed = 1;
        return;
    }
    for (int i = 0; i < DFY_TOKEN_STATES; i++) state[i] = LOWEST;
    for (size_t i = t->count; i-- > 0;) {
        uint32_t *own = &state[i % DFY_TOKEN_STATES];
        *own = before(*own, t->list[i], words, &count);
    }
    if (t->held_bits) dfy_put_u8(&t->raw, (unsigned)t->held);
    dfy_put_u32be(out, (uint32_t)(count * 2));
    for (int i = 0; i < DFY_TOKEN_STATES; i++) dfy_put_u32le(out, state[i]);
    while (count > 0) dfy_put_u16le(out, words[--count]);
    if (t->raw.size) dfy_put_bytes(out, t->raw.data, t->raw.size);
    if (t->raw.failed) out->failed = 1;
    free(words);
}

void dfy_tokens_free(DfyTokens *t) {
    free(t->list);
    dfy_buffer_free(&t->raw);
    *t = (DfyTokens){.turn = 0};
}
