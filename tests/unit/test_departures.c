/*
 * Departures from the routine, on the test scene with planted events: at least 95 % of them must be found, with at most
 * one false alarm in ten minutes. And the list of them in a file, whole and damaged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "analysis/cycle_log.h"
#include "scene/scene.h"
#include "video/syntax/departure_list.h"

#define WIDTH 160
#define HEIGHT 90
#ifdef __SANITIZE_ADDRESS__ /* which takes ten times as long */
#define SEEDS 1
#else
#define SEEDS 3
#endif
#define FRAMES 7200    /* four minutes */
#define CHAPTER 3700   /* fewer frames than a recording's chapters have, so that there are several */
#define NEAR_FRAMES 15 /* of an event: no false alarm */

typedef struct Score {
    int events, found, false_alarms;
} Score;

static int overlap(uint64_t a, uint64_t a_end, uint64_t b, uint64_t b_end) {
    return a < b_end && b < a_end;
}

static uint64_t end_of(const SceneEvent *e) {
    return e->first_frame + e->frames + e->aftermath_frames;
}

static int finds(const DfyDepartures *d, const SceneEvent *e) {
    for (uint32_t i = 0; i < d->count; i++)
        if (overlap(d->at[i].first, d->at[i].first + d->at[i].frames, e->first_frame, end_of(e))) return 1;
    return 0;
}

static int is_false(Scene *scene, const DfyLoggedDeparture *d) {
    SceneCycle c;
    SceneEvent e;
    for (uint64_t i = 0; !scene_cycle(scene, i, &c) && c.first_frame < FRAMES; i++)
        if (scene_event(scene, i, &e) > 0 &&
            overlap(d->first, d->first + d->frames + NEAR_FRAMES,
                    e.first_frame > NEAR_FRAMES ? e.first_frame - NEAR_FRAMES : 0, end_of(&e) + NEAR_FRAMES))
            return 0;
    return 1;
}

static void gather(DfyDepartures *all, const DfyCycleLog *log) {
    for (uint32_t i = 0; i < log->departures.count; i++)
        assert_int_equal(dfy_departures_append(all, &log->departures.at[i]), DFY_OK);
}

static void judge(Score *score, uint64_t seed) {
    SceneSettings settings;
    scene_defaults(&settings, "quiet");
    settings.width = WIDTH;
    settings.height = HEIGHT;
    settings.jitter = 0.05;
    settings.pause_chance = 0.4;
    settings.planted = 0.3;
    settings.seed = seed;
    Scene *scene = scene_open(&settings);
    DfyCycleLog log;
    DfyDepartures all = {0};
    assert_int_equal(dfy_cycle_log_open(&log, WIDTH, HEIGHT, 30), DFY_OK);
    log.chapter_frames = CHAPTER;
    for (uint64_t i = 0; i < FRAMES; i++) {
        assert_int_equal(dfy_cycle_log_push(&log, scene_render(scene, i)), DFY_OK);
        gather(&all, &log);
    }
    assert_int_equal(dfy_cycle_log_finish(&log), DFY_OK);
    gather(&all, &log);
    SceneCycle c;
    SceneEvent e;
    for (uint64_t i = 0; !scene_cycle(scene, i, &c) && c.first_frame < FRAMES; i++) {
        if (scene_event(scene, i, &e) < 1 || e.first_frame + e.frames > FRAMES) continue;
        int found = finds(&all, &e);
        score->events++;
        score->found += found;
        if (!found)
            printf("seed %d: nothing of the event at frame %d (%s)\n", (int)seed, (int)e.first_frame,
                   scene_event_name(e.kind));
    }
    for (uint32_t i = 0; i < all.count; i++) {
        if (!is_false(scene, &all.at[i])) continue;
        score->false_alarms++;
        printf("seed %d: a false alarm at frame %d, %d frames, size %.1f\n", (int)seed, (int)all.at[i].first,
               (int)all.at[i].frames, all.at[i].size);
    }
    dfy_departures_free(&all);
    dfy_cycle_log_close(&log);
    scene_close(&scene);
}

static void planted_events_are_found(void **state) {
    (void)state;
    Score score = {0};
    for (uint64_t seed = 1; seed <= SEEDS; seed++) judge(&score, seed);
    printf("%d of %d events found, %d false alarms in %.1f minutes\n", score.found, score.events, score.false_alarms,
           SEEDS * FRAMES / 1800.0);
    assert_true(score.events > 5 * SEEDS);
    assert_true(score.found >= 0.95 * score.events);
    assert_true(score.false_alarms <= SEEDS * FRAMES / 18000);
}

/* Nothing that only repeats departs, and a few cycles are no routine. */
static void routine_is_no_departure(void **state) {
    (void)state;
    SceneSettings settings;
    scene_defaults(&settings, "quiet");
    settings.width = WIDTH;
    settings.height = HEIGHT;
    Scene *scene = scene_open(&settings);
    DfyCycleLog log;
    assert_int_equal(dfy_cycle_log_open(&log, WIDTH, HEIGHT, 30), DFY_OK);
    for (uint64_t i = 0; i < 2400; i++) assert_int_equal(dfy_cycle_log_push(&log, scene_render(scene, i)), DFY_OK);
    assert_int_equal(dfy_cycle_log_finish(&log), DFY_OK);
    assert_true(log.cycles > DFY_ROUTINE_CYCLES);
    assert_int_equal(log.departures.count, 0);
    dfy_cycle_log_close(&log);
    scene_close(&scene);
}

static DfyDepartures two(void) {
    DfyDepartures d = {0};
    const DfyLoggedDeparture seen = {100, 30, 0, 2, 3, 5, 6, 17.25}, slow = {120, 200, 1, 0, 0, 16, 9, 1.8};
    assert_int_equal(dfy_departures_append(&d, &seen), DFY_OK);
    assert_int_equal(dfy_departures_append(&d, &slow), DFY_OK);
    return d;
}

static void a_list_comes_back(void **state) {
    (void)state;
    DfyDepartures d = two(), back = {0}, moved = {0};
    DfyBuffer buffer = {0}, later = {0};
    dfy_put_departures(&buffer, &d, 320, 180);
    DfyBytes bytes = dfy_bytes(buffer.data, buffer.size);
    assert_int_equal(dfy_read_departures(&bytes, 1000, 320, 180, &back), DFY_OK);
    assert_int_equal(back.count, 2);
    assert_int_equal(back.at[0].first, 100);
    assert_int_equal(back.at[0].frames, 30);
    assert_int_equal(back.at[0].left, 40);
    assert_int_equal(back.at[0].bottom, 120);
    assert_true(back.at[0].size > 17.24 && back.at[0].size < 17.26);
    assert_int_equal(back.at[1].first, 120);
    assert_int_equal(back.at[1].is_slow, 1);
    assert_int_equal(back.at[1].right, 320);
    dfy_move_departures(&later, &back, 5000);
    bytes = dfy_bytes(later.data, later.size);
    assert_int_equal(dfy_read_departures(&bytes, 6000, 320, 180, &moved), DFY_OK);
    assert_int_equal(moved.at[1].first, 5120);
    dfy_departures_free(&d);
    dfy_departures_free(&back);
    dfy_departures_free(&moved);
    dfy_buffer_free(&buffer);
    dfy_buffer_free(&later);
}

/* Cut anywhere or changed anywhere, what is read lies within the video and its pictures. */
static void a_damaged_list_stays_within(void **state) {
    (void)state;
    DfyDepartures d = two();
    DfyBuffer buffer = {0};
    dfy_put_departures(&buffer, &d, 320, 180);
    for (size_t at = 0; at < buffer.size; at++)
        for (int change = 0; change < 256; change++) {
            DfyDepartures back = {0};
            buffer.data[at] ^= (uint8_t)change;
            DfyBytes bytes = dfy_bytes(buffer.data, change ? buffer.size : at);
            assert_int_equal(dfy_read_departures(&bytes, 1000, 320, 180, &back), DFY_OK);
            for (uint32_t i = 0; i < back.count; i++) {
                assert_true(back.at[i].first + back.at[i].frames <= 1000);
                assert_true(back.at[i].right <= 320 && back.at[i].bottom <= 180);
                assert_true(back.at[i].left >= 0 && back.at[i].top >= 0);
            }
            dfy_departures_free(&back);
            buffer.data[at] ^= (uint8_t)change;
        }
    dfy_departures_free(&d);
    dfy_buffer_free(&buffer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(planted_events_are_found),
        cmocka_unit_test(routine_is_no_departure),
        cmocka_unit_test(a_list_comes_back),
        cmocka_unit_test(a_damaged_list_stays_within),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
