/* The temporal filter: it takes noise away, leaves clean pictures alone, and does not smear what moves or is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "video/encode/lookahead/mctf.h"

enum { WIDTH = 120, HEIGHT = 72, COUNT = 9, QP = 28 };

static uint32_t state;

/* About normal, deviation 3: a sum of uniform numbers. */
static int noise(void) {
    int sum = 0;
    for (int i = 0; i < 4; i++) {
        state = state * 1664525u + 1013904223u;
        sum += (int)(state >> 24) % 11 - 5;
    }
    return sum / 2;
}

/* A textured scene with a bright square that moves three pixels a frame; scene 1 is another place. */
static int scene_at(int scene, int frame, int plane, int x, int y) {
    int size = plane ? 8 : 16, left = (10 + 3 * frame) >> (plane > 0), top = 24 >> (plane > 0);
    if (x >= left && x < left + size && y >= top && y < top + size) return 200 - ((x - left) * 3 + (y - top) * 2) % 40;
    return 90 + ((x * 7 + y * (scene ? 13 : 3)) % 50) + scene * 60;
}

static DfyFrame *make(int scene, int frame, int noisy) {
    DfyFrame *f = dfy_frame_new(WIDTH, HEIGHT);
    assert_non_null(f);
    for (int p = 0; p < 3; p++)
        for (int y = 0; y < f->plane[p].height; y++)
            for (int x = 0; x < f->plane[p].width; x++)
                f->plane[p].pixels[y * f->plane[p].stride + x] =
                    (uint8_t)(scene_at(scene, frame, p, x, y) + (noisy ? noise() : 0));
    return f;
}

static uint64_t distance(const DfyFrame *a, const DfyFrame *b) {
    uint64_t sum = 0;
    for (int p = 0; p < 3; p++)
        for (int y = 0; y < a->plane[p].height; y++)
            for (int x = 0; x < a->plane[p].width; x++) {
                int d = a->plane[p].pixels[y * a->plane[p].stride + x] - b->plane[p].pixels[y * b->plane[p].stride + x];
                sum += (uint64_t)(d * d);
            }
    return sum;
}

/* Filters the middle of nine frames; `cut`: only the middle one is of scene 0. Tells the error before and after. */
static int run(int noisy, int cut, uint64_t *before, uint64_t *after) {
    DfyPool *pool = dfy_pool_new(2);
    DfyFrame *frames[COUNT], *out = make(0, 0, 0), *clean = make(0, COUNT / 2, 0);
    state = 7;
    for (int i = 0; i < COUNT; i++) frames[i] = make(cut && i != COUNT / 2, i, noisy);
    int filtered = dfy_mctf(pool, out, frames, COUNT / 2, COUNT, QP, DFY_MCTF_REACH);
    *before = distance(frames[COUNT / 2], clean);
    *after = distance(out, clean);
    for (int i = 0; i < COUNT; i++) dfy_frame_free(frames[i]);
    dfy_frame_free(out);
    dfy_frame_free(clean);
    dfy_pool_free(pool);
    return filtered;
}

static void takes_noise_away(void **s) {
    uint64_t before, after;
    (void)s;
    assert_int_equal(run(1, 0, &before, &after), 1);
    assert_true(after * 2 < before);
}

static void leaves_clean_pictures_nearly_alone(void **s) {
    uint64_t before, after;
    (void)s;
    assert_int_equal(run(0, 0, &before, &after), 1);
    assert_int_equal(before, 0);
    assert_true(after < WIDTH * HEIGHT * 3 / 4); /* what the square uncovers may change a little */
}

static void does_not_mix_scenes(void **s) {
    uint64_t before, after;
    (void)s;
    assert_int_equal(run(0, 1, &before, &after), 0);
}

static void needs_neighbours_and_coarse_steps(void **s) {
    DfyPool *pool = dfy_pool_new(1);
    DfyFrame *frames[2] = {make(0, 0, 1), make(0, 1, 1)}, *out = make(0, 0, 0);
    (void)s;
    assert_int_equal(dfy_mctf(pool, out, frames, 0, 1, QP, DFY_MCTF_REACH), 0);
    assert_int_equal(dfy_mctf(pool, out, frames, 0, 2, 8, DFY_MCTF_REACH), 0);
    assert_int_equal(dfy_mctf(pool, out, frames, 1, 2, QP, DFY_MCTF_REACH), 1);
    dfy_frame_free(frames[0]);
    dfy_frame_free(frames[1]);
    dfy_frame_free(out);
    dfy_pool_free(pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_noise_away),
        cmocka_unit_test(leaves_clean_pictures_nearly_alone),
        cmocka_unit_test(does_not_mix_scenes),
        cmocka_unit_test(needs_neighbours_and_coarse_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
