/* The test scene is what other tests measure by: it must be repeatable, and its cycles where it says they are. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scene/rows.h"
#include "scene/scene.h"

static SceneSettings small_scene(const char *preset) {
    SceneSettings settings;
    assert_int_equal(scene_defaults(&settings, preset), 0);
    settings.width = 160;
    settings.height = 90;
    return settings;
}

static uint32_t sum_of(const DfyPicture *picture) {
    uint32_t sum = 1;
    for (int i = 0; i < 3; i++)
        for (int y = 0; y < (i ? (picture->height + 1) / 2 : picture->height); y++)
            for (int x = 0; x < (i ? (picture->width + 1) / 2 : picture->width); x++)
                sum = sum * 31 + picture->plane[i][y * picture->stride_bytes[i] + x];
    return sum;
}

typedef struct Area {
    int left, top, right, bottom; /* pixels */
} Area;

/* Of a 160 x 90 picture: where the arm moves but no belt, and around the cup. */
static const Area arm_area = {50, 17, 110, 50}, cup_area = {54, 70, 76, 88};

/* Mean absolute difference of the luma of two frames, in an area. */
static double difference(Scene *scene, uint64_t a, uint64_t b, Area area) {
    const DfyPicture *picture = scene_render(scene, a);
    size_t size = (size_t)picture->width * (size_t)picture->height;
    uint8_t *kept = malloc(size);
    assert_non_null(kept);
    memcpy(kept, picture->plane[0], size);
    picture = scene_render(scene, b);
    double sum = 0;
    for (int y = area.top; y < area.bottom; y++)
        for (int x = area.left; x < area.right; x++)
            sum += abs(kept[y * picture->width + x] - picture->plane[0][y * picture->width + x]);
    free(kept);
    return sum / ((area.right - area.left) * (area.bottom - area.top));
}

static void a_frame_is_the_same_in_any_order(void **state) {
    (void)state;
    SceneSettings settings = small_scene("busy");
    Scene *scene = scene_open(&settings), *other = scene_open(&settings);
    assert_non_null(scene);
    assert_non_null(other);
    uint32_t sums[40];
    for (uint64_t i = 0; i < 40; i++) sums[i] = sum_of(scene_render(scene, i));
    for (uint64_t i = 40; i-- > 0;) assert_int_equal(sum_of(scene_render(other, i)), sums[i]);
    assert_int_not_equal(sums[0], sums[39]);
    scene_close(&scene);
    scene_close(&other);
}

static void another_seed_is_another_recording(void **state) {
    (void)state;
    SceneSettings settings = small_scene("quiet");
    Scene *scene = scene_open(&settings);
    uint32_t first = sum_of(scene_render(scene, 5));
    scene_close(&scene);
    settings.seed = 2;
    scene = scene_open(&settings);
    assert_int_not_equal(sum_of(scene_render(scene, 5)), first);
    scene_close(&scene);
}

static void cycles_follow_each_other_without_a_gap(void **state) {
    (void)state;
    SceneSettings settings = small_scene("busy");
    Scene *scene = scene_open(&settings);
    uint64_t next = 0;
    double end = 0;
    for (uint64_t i = 0; i < 50; i++) {
        SceneCycle cycle;
        assert_int_equal(scene_cycle(scene, i, &cycle), 0);
        assert_int_equal(cycle.first_frame, next);
        assert_true(cycle.start_seconds >= end - 1e-9 && cycle.start_seconds <= end + 1e-9);
        assert_true(cycle.seconds > 0.5 * settings.cycle_seconds && cycle.seconds < 2 * settings.cycle_seconds + 3);
        next = cycle.first_frame + cycle.frames;
        end = cycle.start_seconds + cycle.seconds;
    }
    scene_close(&scene);
}

static void without_jitter_cycles_repeat_exactly_but_for_light(void **state) {
    (void)state;
    SceneSettings settings = small_scene("quiet");
    settings.cycle_seconds = 2;
    settings.jitter = settings.noise = settings.light_drift = settings.pause_chance = 0;
    settings.moved_at = -1;
    Scene *scene = scene_open(&settings);
    for (uint64_t i = 0; i < 60; i += 7) assert_true(difference(scene, 360 + i, 420 + i, arm_area) < 0.02);
    assert_true(difference(scene, 360, 380, arm_area) > 5);
    scene_close(&scene);
}

static void the_cup_is_moved_once_and_stays(void **state) {
    (void)state;
    SceneSettings settings = small_scene("quiet");
    settings.cycle_seconds = 2;
    settings.jitter = settings.noise = settings.light_drift = settings.pause_chance = 0;
    settings.moved_at = 15;
    Scene *scene = scene_open(&settings);
    assert_true(difference(scene, 425, 485, cup_area) > 5);    /* before and after */
    assert_true(difference(scene, 485, 545, cup_area) < 0.02); /* after and later */
    scene_close(&scene);
}

static void any_size_renders(void **state) {
    (void)state;
    static const int sizes[][2] = {{1, 1}, {53, 37}, {2, 300}, {301, 3}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        SceneSettings settings = small_scene("noisy");
        settings.width = sizes[i][0];
        settings.height = sizes[i][1];
        Scene *scene = scene_open(&settings);
        assert_non_null(scene);
        const DfyPicture *picture = scene_render(scene, 3);
        assert_non_null(picture);
        assert_int_equal(picture->width, sizes[i][0]);
        assert_int_equal(picture->height, sizes[i][1]);
        scene_close(&scene);
    }
}

static void settings_out_of_range_are_refused(void **state) {
    (void)state;
    SceneSettings settings = small_scene("quiet");
    settings.width = 0;
    assert_null(scene_open(&settings));
    settings.width = 160;
    settings.noise = -1;
    assert_null(scene_open(&settings));
    assert_int_equal(scene_defaults(&settings, "loud"), -1);
}

/* Every event is where the truth says: the picture differs there from the same recording without it. */
static void events_are_seen_where_they_are_told(void **state) {
    (void)state;
    SceneSettings settings = small_scene("quiet");
    settings.cycle_seconds = 2;
    settings.noise = settings.light_drift = settings.pause_chance = 0;
    Scene *plain = scene_open(&settings);
    settings.planted = 1;
    Scene *scene = scene_open(&settings);
    int seen[4] = {0};
    uint64_t slow = 0; /* from the first slow cycle on, times are others */
    for (uint64_t i = 0; i < 60; i++) {
        SceneEvent e;
        int found = scene_event(scene, i, &e);
        assert_true(found == 0 || found == 1);
        assert_true(i % 3 == 0 ? found || !i : !found);
        if (!found) continue;
        seen[e.kind]++;
        assert_true(e.frames > 5 && e.right > e.left && e.bottom > e.top);
        assert_true(e.right <= settings.width && e.bottom <= settings.height);
        if (slow || (slow = e.kind == SCENE_SLOW ? e.first_frame + 1 : 0)) continue;
        const DfyPicture *a = scene_render(plain, e.first_frame + e.frames / 2);
        const DfyPicture *b = scene_render(scene, e.first_frame + e.frames / 2);
        int most = 0;
        for (int y = e.top; y < e.bottom; y++)
            for (int x = e.left; x < e.right; x++) {
                int d = abs(a->plane[0][y * a->width + x] - b->plane[0][y * a->width + x]);
                most = d > most ? d : most;
            }
        assert_true(most > 25);
    }
    for (int kind = 0; kind < 4; kind++) assert_true(seen[kind] > 0);
    scene_close(&plain);
    scene_close(&scene);
}

/* A shape, and light and noise, by both sets of loops. */
static void the_rows_loops_agree_to_the_bit(void **state) {
    (void)state;
    enum { WIDE = 203 };
    static float a[4][WIDE], b[4][WIDE], one[WIDE], noise[WIDE];
    uint8_t plain[WIDE], best[WIDE];
    Material material = {90, 12, -7, 14, 5, .4f, .3f, 7, 11};
    const Shape shapes[] = {{SHAPE_CAPSULE, 40, 30, 150, 44, 22, 15, 0, 0, 0, material},
                            {SHAPE_BOX, 100, 34, 0, 0, 3, 0, 80, 19, 0.2f, material}};
    texture_prepare();
    for (int i = 0; i < WIDE; i++) one[i] = 0.3f + 0.001f * (float)i, noise[i] = 3 * sinf((float)(i * i));
    for (int k = 0; k < 2; k++) {
        const Shape *s = &shapes[k];
        float length = hypotf(s->x2 - s->x, s->y2 - s->y);
        Prepared p = {s, k ? cosf(s->angle) : (s->x2 - s->x) / length, k ? sinf(s->angle) : (s->y2 - s->y) / length,
                      length};
        Row row = {0, WIDE, 33.5f, 0.25f, 1.5f};
        LumaRow light = {NULL, one, one, noise, 1.01f, 0.98f, 2};
        rows_plain.shape(&p, &row, a[0], a[1], a[2], a[3]);
        rows_best()->shape(&p, &row, b[0], b[1], b[2], b[3]);
        assert_memory_equal(a, b, sizeof a);
        assert_true(a[3][100] > 0.9f);
        light.value = a[0];
        rows_plain.luma(plain, &light, WIDE);
        rows_best()->luma(best, &light, WIDE);
        assert_memory_equal(plain, best, sizeof plain);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_is_the_same_in_any_order),
        cmocka_unit_test(another_seed_is_another_recording),
        cmocka_unit_test(cycles_follow_each_other_without_a_gap),
        cmocka_unit_test(without_jitter_cycles_repeat_exactly_but_for_light),
        cmocka_unit_test(the_cup_is_moved_once_and_stays),
        cmocka_unit_test(any_size_renders),
        cmocka_unit_test(settings_out_of_range_are_refused),
        cmocka_unit_test(events_are_seen_where_they_are_told),
        cmocka_unit_test(the_rows_loops_agree_to_the_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
