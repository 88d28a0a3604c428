/*
 * Cycle detection on the test scene, whose true boundaries are known: precision, recall and boundary error under
 * sensor noise and uneven speed, of both methods, printed; self-similarity must be the better one and good.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "analysis/cycles.h"
#include "scene/scene.h"

#define WIDTH 160
#define HEIGHT 90
#define SECONDS 60
#define NEAR_FRAMES 15 /* half a second: a boundary so near to a true one has found it */

typedef struct Score {
    int found, right, truth;
    double error; /* frames, summed over the right ones */
} Score;

static void score(Score *score, const DfyBoundaries *found, Scene *scene, uint64_t frames) {
    SceneCycle cycle;
    for (uint64_t i = 1; scene_cycle(scene, i, &cycle) == 0 && cycle.first_frame + NEAR_FRAMES < frames; i++) {
        uint64_t least = frames;
        for (uint32_t k = 0; k < found->count; k++) {
            int64_t apart = (int64_t)found->frame[k] - (int64_t)cycle.first_frame;
            uint64_t distance = (uint64_t)(apart < 0 ? -apart : apart);
            if (distance < least) least = distance;
        }
        score->truth++;
        if (least > NEAR_FRAMES) continue;
        score->right++;
        score->error += (double)least;
    }
    score->found += (int)found->count;
}

static void push_scene(DfyCycleFinder *finder, Scene *scene, uint64_t frames) {
    for (uint64_t i = 0; i < frames; i++)
        assert_int_equal(dfy_cycle_finder_push(finder, scene_render(scene, i)), DFY_OK);
}

/* Both methods on two recordings. */
static void measure(Score scores[2], double noise, double jitter) {
    for (uint64_t seed = 1; seed <= 2; seed++) {
        SceneSettings settings;
        scene_defaults(&settings, "quiet");
        settings.width = WIDTH;
        settings.height = HEIGHT;
        settings.noise = noise;
        settings.jitter = jitter;
        settings.pause_chance = 0.4;
        settings.seed = seed;
        Scene *scene = scene_open(&settings);
        assert_non_null(scene);
        double fps = (double)settings.frame_rate_num / settings.frame_rate_den;
        uint64_t frames = (uint64_t)(SECONDS * fps);
        DfyCycleFinder finder;
        DfyBoundaries boundaries;
        assert_int_equal(dfy_cycle_finder_open(&finder, WIDTH, HEIGHT, fps), DFY_OK);
        push_scene(&finder, scene, frames);
        for (int method = 0; method < 2; method++) {
            assert_int_equal(dfy_cycle_finder_find(&finder, (DfyCycleMethod)method, &boundaries), DFY_OK);
            score(&scores[method], &boundaries, scene, frames);
            dfy_boundaries_free(&boundaries);
        }
        dfy_cycle_finder_close(&finder);
        scene_close(&scene);
    }
}

static double share(int part, int whole) {
    return whole ? (double)part / whole : 0;
}

static void test_against_the_truth(void **state) {
    (void)state;
    static const double noises[] = {0, 1, 3}, jitters[] = {0, 0.05, 0.15};
    static const char *const names[] = {"self-similarity", "energy valleys"};
    printf("# method           noise  jitter  precision  recall  error in frames\n");
    for (int n = 0; n < 3; n++)
        for (int j = 0; j < 3; j++) {
            Score scores[2] = {{0}};
            measure(scores, noises[n], jitters[j]);
            for (int m = 0; m < 2; m++)
                printf("# %-16s %5.0f %6.0f %% %9.2f %8.2f %8.1f\n", names[m], noises[n], jitters[j] * 100,
                       share(scores[m].right, scores[m].found), share(scores[m].right, scores[m].truth),
                       scores[m].right ? scores[m].error / scores[m].right : 0);
            assert_true(share(scores[0].right, scores[0].found) >= 0.9);
            assert_true(share(scores[0].right, scores[0].truth) >= 0.85);
            assert_true(scores[0].error <= 5 * scores[0].right);
            assert_true(share(scores[0].right, scores[0].truth) >= share(scores[1].right, scores[1].truth));
        }
}

/* Nothing repeats: there are no cycles, and none may be made up. */
static void test_no_cycles(void **state) {
    (void)state;
    DfyPicture picture = {.format = DFY_PIXELS_I420, .width = WIDTH, .height = HEIGHT};
    uint8_t *pixels = malloc((size_t)WIDTH * HEIGHT);
    picture.plane[0] = pixels;
    picture.stride_bytes[0] = WIDTH;
    DfyCycleFinder finder;
    DfyBoundaries boundaries;
    for (int kind = 0; kind < 3; kind++) { /* stillness, noise, a slow wipe */
        srand(3);
        assert_int_equal(dfy_cycle_finder_open(&finder, WIDTH, HEIGHT, 30), DFY_OK);
        for (int t = 0; t < 900; t++) {
            for (int i = 0; i < WIDTH * HEIGHT; i++)
                pixels[i] = (uint8_t)(kind == 0                     ? 90
                                      : kind == 1                   ? 90 + rand() % 5
                                      : i % WIDTH * 900 < t * WIDTH ? 60
                                                                    : 120);
            assert_int_equal(dfy_cycle_finder_push(&finder, &picture), DFY_OK);
        }
        assert_int_equal(dfy_cycle_finder_find(&finder, DFY_CYCLES_SELF_SIMILARITY, &boundaries), DFY_OK);
        assert_int_equal(boundaries.count, 0);
        assert_true(boundaries.period_frames == 0);
        dfy_boundaries_free(&boundaries);
        dfy_cycle_finder_close(&finder);
    }
    free(pixels);
}

static void test_short_and_tiny(void **state) {
    (void)state;
    uint8_t pixel[4] = {0};
    DfyPicture picture = {.format = DFY_PIXELS_I420, .width = 1, .height = 1, .plane = {pixel}, .stride_bytes = {1}};
    for (int frames = 0; frames < 60; frames += 7)
        for (int method = 0; method < 2; method++) {
            DfyCycleFinder finder;
            DfyBoundaries boundaries;
            assert_int_equal(dfy_cycle_finder_open(&finder, 1, 1, 30), DFY_OK);
            for (int t = 0; t < frames; t++) {
                pixel[0] = (uint8_t)(t * 31);
                assert_int_equal(dfy_cycle_finder_push(&finder, &picture), DFY_OK);
            }
            assert_int_equal(dfy_cycle_finder_find(&finder, (DfyCycleMethod)method, &boundaries), DFY_OK);
            for (uint32_t i = 0; i < boundaries.count; i++)
                assert_true(boundaries.frame[i] > 0 && boundaries.frame[i] < (uint64_t)frames);
            dfy_boundaries_free(&boundaries);
            dfy_cycle_finder_close(&finder);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_the_truth),
        cmocka_unit_test(test_no_cycles),
        cmocka_unit_test(test_short_and_tiny),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
