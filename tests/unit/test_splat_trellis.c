/* The trellis of splats' numbers: its machine, its inner loop against the reference, and what it is there for. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "splat/quant/trellis.h"
#include "splat/quant/turn.h"
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

/* Choices of any cost, some of them equal, through every run of this machine beside the reference. */
static void every_run_equals_the_reference(void **state) {
    (void)state;
    enum { COUNT = 5 * DFY_TRELLIS_RUN + 77 };
    static uint32_t more[COUNT];
    static DfyTrellisEven even[COUNT], expected[COUNT];
    DfyTrellisRun runs[DFY_TRELLIS_RUNS];
    DfyTrellisPaths reference, paths;
    int count = dfy_trellis_runs(runs);
    uint32_t seed = 11;
    for (size_t i = 0; i < COUNT; i++) {
        float cost[2][2];
        for (int k = 0; k < 4; k++)
            cost[k / 2][k % 2] = i % 5 ? (float)(next_random(&seed) + 1) * (i % 100 ? 2.0f : 90.0f) : 1;
        more[i] = dfy_trellis_in_bytes((const float(*)[2])cost);
        for (int k = 0; k < 4; k++) assert_in_range(more[i] >> 8 * k & 255, 0, DFY_TRELLIS_DEAREST);
        if (i % 9 == 4 || i % 300 < 40) more[i] = 0xFF00FF00u + (uint32_t)(i % 2); /* odd numbers are out of question */
    }
    assert_true(count > 0);
    for (int r = count; r-- > 0;) {
        dfy_trellis_begin(&paths);
        for (size_t at = 0; at < COUNT; at += DFY_TRELLIS_RUN) {
            size_t some = COUNT - at < DFY_TRELLIS_RUN ? COUNT - at : DFY_TRELLIS_RUN;
            runs[r](&paths, even + at, more + at, some);
        }
        if (r == count - 1) {
            reference = paths;
            memcpy(expected, even, sizeof even);
        }
        assert_memory_equal(paths.cost, reference.cost, sizeof paths.cost);
        assert_memory_equal(even, expected, sizeof even);
    }
}

/* A way traced back goes through states that follow on each other. */
static void ways_go_from_state_to_state(void **state) {
    (void)state;
    enum { COUNT = 200 };
    uint32_t more[COUNT];
    DfyTrellisEven even[COUNT];
    DfyTrellisPaths paths;
    uint8_t way[COUNT];
    uint32_t seed = 5;
    for (size_t i = 0; i < COUNT; i++) {
        float cost[2][2];
        for (int k = 0; k < 4; k++) cost[k / 2][k % 2] = (float)(next_random(&seed) + 1);
        more[i] = dfy_trellis_in_bytes((const float(*)[2])cost);
    }
    dfy_trellis_begin(&paths);
    dfy_trellis_run(&paths, even, more, COUNT);
    assert_int_equal(dfy_trellis_run_back(way, even, COUNT, dfy_trellis_end(&paths)), 0);
    for (int i = 0, at = 0; i < COUNT; i++) {
        assert_int_equal(way[i] >> 1, at & 1);
        at = dfy_trellis_next(at, way[i] & 1);
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
    assert_float_equal(sqrt(sum / (ROWS * N)), error, 1e-6);
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
        double mean;
        DfyTurnRing *rings = calloc((size_t)grids[g].rings, sizeof *rings);
        assert_non_null(rings);
        assert_int_equal(dfy_turn_quantise(turns, &mean, (const double(*)[4])q, axes, COUNT, &grids[g]), 0);
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
            dfy_turn_quaternion(coded, turns[i], axes[i], &grids[g], dfy_turn_ring(rings, &grids[g], turns[i].ring));
            for (int k = 0; k < 4; k++) dot += q[i][k] * coded[k] / DFY_TURN_ONE;
            double angle = 2 * acos(fmin(fabs(dot), 1));
            sum += angle * angle;
        }
        free(rings);
        assert_float_equal(sqrt(sum / COUNT), sqrt(mean), 1e-4 * sqrt(mean));
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
        cmocka_unit_test(every_run_equals_the_reference),
        cmocka_unit_test(ways_go_from_state_to_state),
        cmocka_unit_test(errors_are_smaller_than_rounding_leaves),
        cmocka_unit_test(rotations_are_cells_that_the_machine_reaches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
