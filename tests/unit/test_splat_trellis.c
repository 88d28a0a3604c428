/* The trellis of splats' numbers: its machine, its inner loop against the reference, and what it is there for. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "splat/trellis.h"
#include "splat/turn.h"
#include "splat_models.h"

static void two_states_lead_to_each_and_back(void **state) {
    (void)state;
    int from[DFY_TRELLIS_STATES] = {0};
    for (int s = 0; s < DFY_TRELLIS_STATES; s++)
        for (int number = -3; number <= 3; number++) {
            int next = dfy_trellis_next(s, number);
            assert_in_range(next, 0, DFY_TRELLIS_STATES - 1);
            assert_int_equal(dfy_trellis_before(next, number & 1), s);
            assert_int_equal(dfy_trellis_quantiser_before(next), s & 1);
            from[next] += number == 0 || number == 1;
        }
    for (int s = 0; s < DFY_TRELLIS_STATES; s++) assert_int_equal(from[s], 2);
    for (int s = 0; s < DFY_TRELLIS_STATES; s++)
        for (int number = -9; number <= 9; number++)
            assert_int_equal(dfy_trellis_coded(s, dfy_trellis_value(s, number)), number);
}

static void a_short_step_equals_the_reference(void **state) {
    (void)state;
    uint32_t seed = 11;
    DfyTrellisShort fast, slow;
    for (int i = 0; i < DFY_TRELLIS_STATES; i++) fast.of[i] = i ? INT16_MAX : 0;
    slow = fast;
    for (int round = 0; round < 5000; round++) {
        DfyTrellisOdd a, b;
        int16_t more[2][2];
        for (int i = 0; i < 4; i++)
            more[i / 2][i % 2] = round % 5 ? (int16_t)((next_random(&seed) + 1) * (DFY_TRELLIS_DEAREST / 2)) : 1;
        dfy_trellis_short_step(&fast, &a, (const int16_t(*)[2])more);
        dfy_trellis_short_step_c(&slow, &b, (const int16_t(*)[2])more);
        assert_memory_equal(&fast, &slow, sizeof fast);
        assert_memory_equal(&a, &b, sizeof a);
        if (round % 16 == 15 || (round > 4000 && round % 3)) {
            dfy_trellis_short_lower(&fast);
            dfy_trellis_short_lower(&slow);
        }
    }
}

/* Follows the machine as a decoder does. */
static void check_reachable(const int32_t *values, size_t count, int centred) {
    int at = 0;
    for (size_t i = 0; i < count; i++) {
        int32_t number = centred ? dfy_trellis_coded(at, values[i]) : (values[i] - (at & 1)) / 2;
        assert_int_equal(centred ? dfy_trellis_value(at, number) : 2 * number + (at & 1), values[i]);
        at = dfy_trellis_next(at, number);
    }
}

static void errors_are_smaller_than_rounding_leaves(void **state) {
    (void)state;
    enum { ROWS = 4000, N = 3 };
    float *parts = malloc(ROWS * N * sizeof *parts);
    int32_t *values = malloc(ROWS * N * sizeof *values);
    uint32_t seed = 3;
    for (int i = 0; i < ROWS * N; i++) parts[i] = 500 + 400 * next_random(&seed);
    DfyTrellis plain = {.parts = parts, .rows = ROWS, .n = N};
    /* Rounding to every other multiple, which costs as many bits, leaves 0.577. */
    double error = sqrt(dfy_trellis_quantise(values, &plain, 1, 1));
    assert_true(error < 0.515 && error > 0.45);
    check_reachable(values, ROWS * N, 0);
    double sum = 0;
    for (int i = 0; i < ROWS * N; i++) sum += ((double)parts[i] - values[i]) * ((double)parts[i] - values[i]);
    assert_float_equal(sqrt(sum / (ROWS * N)), error, 1e-9);
    const int32_t limits[N] = {8, 4, 2};
    for (int i = 0; i < ROWS * N; i++) parts[i] = (1 + next_random(&seed)) * (float)limits[i % N] - 0.5f;
    DfyTrellis limited = {.parts = parts, .rows = ROWS, .n = N, .limits = limits};
    dfy_trellis_quantise(values, &limited, 1, 1);
    check_reachable(values, ROWS * N, 0);
    for (int i = 0; i < ROWS * N; i++) assert_in_range(values[i], 0, 2 * limits[i % N] - 1);
    for (int i = 0; i < ROWS * N; i++) parts[i] -= 4;
    DfyTrellis centred = {.parts = parts, .rows = ROWS, .n = N, .centred = 1, .bit_worth = 0.3f};
    assert_true(dfy_trellis_quantise(values, &centred, 1, 1) > 0);
    check_reachable(values, ROWS * N, 1);
    for (int i = 0; i < ROWS * N; i++) values[i] = 0;
    centred.by_column = 1;
    assert_true(dfy_trellis_quantise(values, &centred, 1, 1) > 0);
    check_reachable(values, ROWS * N, 1);
    free(parts);
    free(values);
}

static void rotations_are_cells_that_the_machine_reaches(void **state) {
    (void)state;
    enum { COUNT = 3000 };
    const DfyTurnGrid grids[3] = {{7, 12, 16}, {40, 80, 84}, {3000, 6000, 6000}};
    double(*q)[4] = malloc(COUNT * sizeof *q);
    uint8_t *axes = malloc(COUNT);
    DfyTurn *turns = malloc(COUNT * sizeof *turns);
    uint32_t seed = 11;
    for (int i = 0; i < COUNT; i++) {
        double length = 0;
        for (int k = 0; k < 4; k++) {
            q[i][k] = next_random(&seed);
            length += q[i][k] * q[i][k];
        }
        for (int k = 0; k < 4; k++) q[i][k] /= sqrt(length);
        axes[i] = (uint8_t)(i % 3);
    }
    for (int g = 0; g < 3; g++) {
        int at[3] = {0};
        double sum = 0;
        assert_int_equal(dfy_turn_quantise(turns, (const double(*)[4])q, axes, COUNT, &grids[g]), 0);
        for (int i = 0; i < COUNT; i++) {
            const int32_t numbers[3] = {turns[i].ring, turns[i].sector, turns[i].twist};
            assert_in_range(turns[i].ring, 0, grids[g].rings - 1);
            assert_in_range(turns[i].sector, 0, dfy_turn_sectors(&grids[g], turns[i].ring) - 1);
            assert_in_range(turns[i].twist, 0, grids[g].twists - 1);
            for (int k = 0; k < 3; k++) {
                assert_int_equal(numbers[k] & 1, at[k] & 1);
                at[k] = dfy_trellis_next(at[k], numbers[k] >> 1);
            }
            int32_t coded[4];
            double dot = 0;
            dfy_turn_quaternion(coded, turns[i], axes[i], &grids[g]);
            for (int k = 0; k < 4; k++) dot += q[i][k] * coded[k] / DFY_TURN_ONE;
            sum += 4 * (1 - fmin(fabs(dot), 1)) * 2; /* squared angle, nearly */
        }
        /* As three errors of a little over half a step each. */
        double step = 3.14159 / grids[g].rings;
        assert_true(sqrt(sum / COUNT) < step * (g ? 0.95 : 1.1));
    }
    free(q);
    free(axes);
    free(turns);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_states_lead_to_each_and_back),
        cmocka_unit_test(a_short_step_equals_the_reference),
        cmocka_unit_test(errors_are_smaller_than_rounding_leaves),
        cmocka_unit_test(rotations_are_cells_that_the_machine_reaches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
