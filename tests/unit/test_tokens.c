/* The coder of small numbers: what goes in comes out, at about its entropy, and damaged bytes give some numbers. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "entropy/tokens.h"

enum { COUNT = 40000, MODELS = 3 };

typedef struct Coder {
    DfyTokens tokens;
    DfyTokenModel models[MODELS], escaped;
} Coder;

static void begin(Coder *c) {
    for (int m = 0; m < MODELS; m++) dfy_token_model(&c->models[m], (uint32_t)(60 + 80 * m));
    dfy_token_model(&c->escaped, 160);
}

/* Numbers of three kinds in turn: mostly 0, small, and up to the largest. */
static int32_t some_number(uint32_t *seed, int kind) {
    *seed = *seed * 1664525u + 1013904223u;
    int32_t size = 0, sign = *seed >> 31 ? -1 : 1;
    uint32_t dice = *seed >> 8 & 0xFFFFF;
    if (kind == 0) return dice % 50 ? 0 : sign;
    if (kind == 1)
        while (dice & 1 && size < 12) dice >>= 1, size++;
    else
        size = (int32_t)(dice % 7 ? dice % 20 : dice % (DFY_TOKEN_MOST + 1));
    return sign * size;
}

static int32_t code(Coder *c, uint32_t i, int32_t number, int encoding) {
    DfyTokenModel *own = &c->models[i % MODELS], *next = &c->models[(i + 1) % MODELS];
    if (i % 5) return dfy_token_number(&c->tokens, own, &c->escaped, number, encoding);
    return dfy_token_mixed_number(&c->tokens, own, next, &c->escaped, number, encoding);
}

static void encode(Coder *c, DfyBuffer *out, uint32_t count) {
    uint32_t seed = 5;
    *c = (Coder){.tokens = {.turn = 0}};
    begin(c);
    for (uint32_t i = 0; i < count; i++) code(c, i, some_number(&seed, (int)(i % MODELS)), 1);
    dfy_tokens_write(&c->tokens, out);
    assert_false(c->tokens.failed || out->failed);
    dfy_tokens_free(&c->tokens);
}

static void numbers_come_back(void **state) {
    (void)state;
    const uint32_t counts[] = {0, 1, 3, 4, 5, COUNT};
    for (size_t n = 0; n < sizeof counts / sizeof *counts; n++) {
        Coder c;
        DfyBuffer out = {0};
        uint32_t seed = 5;
        encode(&c, &out, counts[n]);
        begin(&c);
        assert_int_equal(dfy_tokens_read(&c.tokens, out.data, out.size), 0);
        for (uint32_t i = 0; i < counts[n]; i++)
            assert_int_equal(code(&c, i, 0, 0), some_number(&seed, (int)(i % MODELS)));
        dfy_buffer_free(&out);
    }
}

static void the_largest_come_back(void **state) {
    (void)state;
    const int32_t numbers[] = {0, 6, 7, 8, -70, 71, -DFY_TOKEN_MOST, DFY_TOKEN_MOST};
    enum { NUMBERS = sizeof numbers / sizeof *numbers };
    Coder c = {.tokens = {.turn = 0}};
    DfyBuffer out = {0};
    begin(&c);
    for (uint32_t i = 0; i < NUMBERS; i++) code(&c, i, numbers[i], 1);
    dfy_tokens_write(&c.tokens, &out);
    dfy_tokens_free(&c.tokens);
    begin(&c);
    assert_int_equal(dfy_tokens_read(&c.tokens, out.data, out.size), 0);
    for (uint32_t i = 0; i < NUMBERS; i++) assert_int_equal(code(&c, i, 0, 0), numbers[i]);
    dfy_buffer_free(&out);
}

/* A two in a hundred chance: 0.1414 bits and 0.02 for the sign. */
static void bytes_are_near_the_entropy(void **state) {
    (void)state;
    Coder c = {.tokens = {.turn = 0}};
    DfyBuffer out = {0};
    uint32_t seed = 9;
    begin(&c);
    for (uint32_t i = 0; i < COUNT; i++)
        dfy_token_number(&c.tokens, &c.models[0], &c.escaped, some_number(&seed, 0), 1);
    dfy_tokens_write(&c.tokens, &out);
    dfy_tokens_free(&c.tokens);
    assert_in_range(out.size, COUNT * 0.155 / 8, COUNT * 0.19 / 8);
    dfy_buffer_free(&out);
}

/* Every token stays possible, whatever came before. */
static void models_stay_whole(void **state) {
    (void)state;
    uint32_t seed = 3;
    DfyTokenModel model;
    dfy_token_model(&model, 1);
    for (int i = 0; i < COUNT; i++) {
        seed = seed * 1664525u + 1013904223u;
        dfy_token_learn(&model, i % 4000 < 2000 ? i / 4000 % DFY_TOKENS : (int)(seed >> 29));
        DfyTokenLanes below = model.below;
        assert_int_equal(below[0], 0);
        for (int k = 1; k < DFY_TOKENS; k++) assert_true(below[k] > below[k - 1]);
        assert_true(below[DFY_TOKENS - 1] < 1 << DFY_TOKEN_BITS);
    }
}

static void damaged_bytes_give_some_numbers(void **state) {
    (void)state;
    Coder c;
    DfyBuffer out = {0};
    encode(&c, &out, 2000);
    for (size_t size = 0; size < out.size; size += 1 + size / 9) {
        begin(&c);
        int refused = dfy_tokens_read(&c.tokens, out.data, size);
        if (size < 20) assert_int_equal(refused, -1);
        for (uint32_t i = 0; !refused && i < 4000; i++) assert_true(abs(code(&c, i, 0, 0)) <= DFY_TOKEN_MOST);
    }
    for (size_t at = 0; at < out.size; at += 7) {
        out.data[at] ^= 0x5A;
        begin(&c);
        if (!dfy_tokens_read(&c.tokens, out.data, out.size))
            for (uint32_t i = 0; i < 2000; i++) assert_true(abs(code(&c, i, 0, 0)) <= DFY_TOKEN_MOST);
    }
    dfy_buffer_free(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_come_back),
        cmocka_unit_test(the_largest_come_back),
        cmocka_unit_test(bytes_are_near_the_entropy),
        cmocka_unit_test(models_stay_whole),
        cmocka_unit_test(damaged_bytes_give_some_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
