/* The levels of transforms come back as they went in, where groups hide a sign and where they do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "video/syntax/contexts.h"
#include "video/syntax/picture.h"
#include "video/syntax/residual.h"

static uint32_t seed;
static uint32_t chance(uint32_t below) {
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % below;
}

static int place_of(int log2, int group, int place) {
    const uint8_t(*order)[2] = dfy_group_order(log2);
    int x = order[group][0] * 4 + dfy_diagonal4[place][0], y = order[group][1] * 4 + dfy_diagonal4[place][1];
    return (y << log2) + x;
}

/* Makes the sign that each group hides the one that its parity says, as an encoder's choice of levels would. */
static int settle(int16_t *levels, int log2, int half) {
    int hidden = 0;
    for (int g = 0; g < 1 << (2 * (log2 - 2)); g++) {
        if (dfy_group_order(log2)[g][1] >= 1 << (log2 - 2 - half)) continue;
        int first = -1, last = 0, sum = 0;
        for (int place = 15; place >= 0; place--) {
            int level = levels[place_of(log2, g, place)];
            if (!level) continue;
            if (first < 0) first = place;
            last = place;
            sum += abs(level);
        }
        if (first < 0 || !dfy_hides_sign(first, last)) continue;
        int16_t *level = &levels[place_of(log2, g, last)];
        *level = (int16_t)(sum & 1 ? -abs(*level) : abs(*level));
        hidden++;
    }
    return hidden;
}

/* Codes the levels under new models; back: what a reader makes of them. */
static void code(const int16_t *levels, int log2, DfyPart shape, int16_t *back) {
    DfyContexts contexts;
    DfyRangeCoder writer, reader;
    int16_t copy[32 * 32];
    memcpy(copy, levels, sizeof *copy << (2 * log2 - (shape > 0)));
    dfy_contexts_reset(&contexts);
    dfy_range_encode_start(&writer);
    dfy_code_residual(&writer, &contexts.residual[0][0], copy, log2, shape);
    dfy_range_encode_finish(&writer);
    dfy_contexts_reset(&contexts);
    dfy_range_decode_start(&reader, writer.data, writer.size);
    memset(back, 0, sizeof *back << (2 * log2));
    dfy_code_residual(&reader, &contexts.residual[0][0], back, log2, shape);
    dfy_range_free(&writer);
}

static void levels_come_back(void **state) {
    (void)state;
    int hidden = 0, shown = 0;
    for (seed = 1; seed < 400;) {
        uint32_t start = seed++;
        seed = start * 977;
        int log2 = 2 + (int)chance(4), half = log2 > 2 && start % 3 == 0, size = 1 << (2 * log2 - half);
        int count = 1 + (int)chance((uint32_t)size / 2);
        DfyPart shape = !half ? DFY_PART_WHOLE : start & 1 ? DFY_PART_ROWS : DFY_PART_COLUMNS;
        int16_t levels[32 * 32] = {0}, back[32 * 32];
        while (count-- > 0) {
            int magnitude = chance(8) ? 1 + (int)chance(3) : 1 + (int)chance(32000);
            levels[chance((uint32_t)size)] = (int16_t)(chance(2) ? magnitude : -magnitude);
        }
        int hides = settle(levels, log2, half);
        hidden += hides > 0;
        shown += hides == 0;
        code(levels, log2, shape, back);
        assert_memory_equal(back, levels, sizeof *levels << (2 * log2)); /* and nothing beyond a half */
        seed = start + 1;
    }
    assert_true(hidden > 50 && shown > 5);
}

/* Two ones: the sign of the lower is coded where they are near each other, and a matter of parity where they are not.
 */
static void a_sign_is_hidden_from_four_places_on(void **state) {
    (void)state;
    for (int apart = 1; apart < 16; apart++) {
        int16_t levels[16] = {0}, back[16];
        levels[place_of(2, 0, apart)] = 1;
        levels[place_of(2, 0, 0)] = -1; /* the sum is even, so that a hidden sign is positive */
        code(levels, 2, DFY_PART_WHOLE, back);
        assert_int_equal(back[0], apart < 4 ? -1 : 1);
        levels[place_of(2, 0, apart)] = 2;
        code(levels, 2, DFY_PART_WHOLE, back);
        assert_int_equal(back[0], -1);
        assert_int_equal(back[place_of(2, 0, apart)], 2);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_come_back),
        cmocka_unit_test(a_sign_is_hidden_from_four_places_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
