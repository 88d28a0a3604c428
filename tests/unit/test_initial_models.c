/* What models begin with: as many as there are, each one that the coder can use, and read as it is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "video/syntax/contexts.h"
#include "video/syntax/initial_models.h"

/* As FORMAT.md says it: nothing of contexts.c is used. */
static void as_written(void **state) {
    (void)state;
    static const uint16_t p[31] = {256,   360,   506,   711,   996,   1390,  1930,  2660,  3650,  4980,  6800,
                                   9250,  12550, 16900, 23500, 32768, 42036, 48636, 52986, 56286, 58736, 60556,
                                   61886, 62876, 63606, 64146, 64540, 64825, 65030, 65176, 65280};
    static const uint8_t uses[8] = {1, 2, 4, 6, 9, 13, 18, 28};
    DfyContexts contexts;
    memset(&contexts, 0xFF, sizeof contexts);
    dfy_contexts_reset(&contexts);
    const DfyBit *bits = (const DfyBit *)&contexts;
    const uint8_t *at = dfy_initial_models;
    size_t count = sizeof contexts / sizeof *bits, i = 0, told = 0;
    while (i < count) {
        int v = *at++;
        if (v) {
            assert_in_range(v, 1, 248);
            assert_int_equal(bits[i].fast, p[(v - 1) % 31]);
            assert_int_equal(bits[i].slow, p[(v - 1) % 31]);
            assert_int_equal(bits[i].uses, uses[(v - 1) / 31]);
            i++;
            told++;
            continue;
        }
        for (int n = *at++ + 1; n; n--, i++) {
            assert_in_range(i, 0, count - 1); /* a run ends where the models end */
            assert_int_equal(bits[i].fast, 32768);
            assert_int_equal(bits[i].slow, 32768);
            assert_int_equal(bits[i].uses, 0);
        }
    }
    assert_int_equal(i, count);
    assert_true(told > 1000);
}

/* What every recording has in common is known: in still pictures most blocks are skipped, and cost little from the
 * first on. */
static void knows_the_usual(void **state) {
    (void)state;
    DfyContexts contexts;
    dfy_contexts_reset(&contexts);
    assert_true(dfy_bit_cost(&contexts.skip[1][3][0][0][2], 1) < 64);
    assert_true(dfy_bit_cost(&contexts.split[1][2][0][0], 0) < 128);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_written),
        cmocka_unit_test(knows_the_usual),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
