/* Bi-directional optical flow between two references: where it is used, what it gains, and that large parts are made of
 * pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "between_two.h"

/* A pattern of waves, moved to the left by so many pixels. */
static DfyFrame *draw(double moved) {
    DfyFrame *frame = dfy_frame_new(SIDE, SIDE);
    assert_non_null(frame);
    DfyPlane *luma = &frame->plane[0];
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            luma->pixels[y * luma->stride + x] =
                (uint8_t)lrint(128 + 60 * sin((x + moved) * 0.9 + y * 0.2) + 40 * sin(y * 0.6 - (x + moved) * 0.3));
    dfy_frame_extend(frame);
    return frame;
}

/* The picture lies halfway between two, and moves by 1.4 pixels from each to the next. */
static void open_scene(Scene *s) {
    scene_open(s, draw(0), draw(1.4), draw(-1.4));
}

/* A pixel there and back: 0.4 of one less than it should be. */
static const DfyMotion apart = {.mv = {{-4, 0}, {4, 0}}, .reference = {0, 1}};

static void where(void **state) {
    (void)state;
    Scene s;
    open_scene(&s);
    assert_true(dfy_uses_bdof(&s.picture, &apart));
    DfyMotion backwards = {.mv = {{4, 0}, {-4, 0}}, .reference = {1, 0}}, still = {.reference = {0, 1}};
    DfyMotion single = {.mv = {{-4, 0}}, .reference = {0, -1}}, twice = {.mv = {{-4, 0}, {4, 0}}};
    DfyMotion half_still = {.mv = {{0, 0}, {0, 1}}, .reference = {0, 1}};
    assert_true(dfy_uses_bdof(&s.picture, &backwards));
    assert_true(dfy_uses_bdof(&s.picture, &half_still));
    assert_false(dfy_uses_bdof(&s.picture, &still));
    assert_false(dfy_uses_bdof(&s.picture, &single));
    assert_false(dfy_uses_bdof(&s.picture, &twice));
    s.picture.reference_order[1] = 25;
    assert_false(dfy_uses_bdof(&s.picture, &apart));
    s.picture.reference_order[1] = 16;
    assert_false(dfy_uses_bdof(&s.picture, &apart));
    s.picture.reference_order[0] = s.picture.reference_order[1] = 20;
    assert_false(dfy_uses_bdof(&s.picture, &apart));
    s.picture.reference_order[0] = 16;
    s.picture.reference_order[1] = 24;
    for (int i = 0; i < 2; i++) {
        s.picture.long_term[i] = 1;
        assert_false(dfy_uses_bdof(&s.picture, &apart));
        s.picture.long_term[i] = 0;
    }
    scene_close(&s);
}

static void gains(void **state) {
    (void)state;
    Scene s;
    open_scene(&s);
    for (int side = 8; side <= 64; side *= 2) {
        int r[4] = {32, 24, side, side};
        uint8_t plain[64 * 64], exact[64 * 64];
        const DfyPlane *luma = &s.frame->plane[0];
        const uint8_t *wanted = luma->pixels + r[1] * luma->stride + r[0];
        dfy_predict_rectangle(&s.picture, &apart, 0, r, plain, 64);
        dfy_predict_exactly(&s.picture, &apart, 0, r, exact, 64, NULL);
        uint32_t mean = s.picture.kernels->sse(wanted, luma->stride, plain, 64, side, side);
        uint32_t flowing = s.picture.kernels->sse(wanted, luma->stride, exact, 64, side, side);
        printf("side %2d: squared error %6u with the mean, %6u with optical flow\n", side, mean, flowing);
        assert_true(3 * flowing < 2 * mean);
    }
    scene_close(&s);
}

/* What is wider or higher than 32 is predicted as if it were several parts; chroma has no optical flow. */
static void pieces(void **state) {
    (void)state;
    Scene s;
    open_scene(&s);
    static const DfyMotion motions[] = {{.mv = {{-4, 0}, {4, 0}}, .reference = {0, 1}},
                                        {.mv = {{-6, 3}, {5, -1}}, .reference = {0, 1}}};
    for (int i = 0; i < 2; i++) {
        int whole[4] = {64, 64, 64, 64};
        uint8_t at_once[64 * 64], in_pieces[64 * 64];
        dfy_predict_exactly(&s.picture, &motions[i], 0, whole, at_once, 64, NULL);
        for (int y = 0; y < 64; y += 32)
            for (int x = 0; x < 64; x += 32) {
                int r[4] = {64 + x, 64 + y, 32, 32};
                dfy_predict_exactly(&s.picture, &motions[i], 0, r, in_pieces + y * 64 + x, 64, NULL);
            }
        assert_memory_equal(at_once, in_pieces, sizeof at_once);
        uint8_t chroma[2][32 * 32];
        dfy_predict_exactly(&s.picture, &motions[i], 1, whole, chroma[0], 32, NULL);
        dfy_predict_rectangle(&s.picture, &motions[i], 1, whole, chroma[1], 32);
        assert_memory_equal(chroma[0], chroma[1], sizeof chroma[0]);
    }
    scene_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(where), cmocka_unit_test(gains), cmocka_unit_test(pieces)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
