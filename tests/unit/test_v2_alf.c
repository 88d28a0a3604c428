/* The adaptive loop filter: found where a picture is a filter away from its source, and read as it was written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "video/encode/decide/filter_search.h"

#define WIDTH 96
#define HEIGHT 64

typedef struct Scene {
    DfyPictureCoding picture;
    DfyContexts contexts;
    DfyFrame *frame, *source, *scratch;
} Scene;

/* A picture of noise, all of it coded anew. */
static void open_scene(Scene *s) {
    uint32_t random = 7;
    s->frame = dfy_frame_new(WIDTH, HEIGHT);
    s->source = dfy_frame_new(WIDTH, HEIGHT);
    s->scratch = dfy_frame_new(WIDTH, HEIGHT);
    assert_non_null(s->frame);
    assert_non_null(s->source);
    assert_non_null(s->scratch);
    assert_int_equal(dfy_picture_coding_open(&s->picture, WIDTH, HEIGHT), 0);
    dfy_contexts_reset(&s->contexts);
    s->picture.contexts = &s->contexts;
    s->picture.qp = 20;
    dfy_picture_coding_begin(&s->picture, s->frame);
    for (int i = 0; i < s->picture.stride8 * (HEIGHT / 8); i++) s->picture.blocks8[i].kind = DFY_INTER;
    DfyPlane *luma = &s->frame->plane[0];
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            random = random * 1664525u + 1013904223u;
            luma->pixels[y * luma->stride + x] = (uint8_t)(64 + (random >> 25));
        }
    dfy_frame_extend(s->frame);
}

static void close_scene(Scene *s) {
    dfy_frame_free(s->frame);
    dfy_frame_free(s->source);
    dfy_frame_free(s->scratch);
    dfy_picture_coding_close(&s->picture);
}

static uint64_t luma_error(const Scene *s) {
    const DfyPlane *a = &s->frame->plane[0], *b = &s->source->plane[0];
    return s->picture.kernels->sse(a->pixels, a->stride, b->pixels, b->stride, 64, HEIGHT);
}

/* A filter is fitted by models that expect none in particular. */
static void test_fit(void **state) {
    (void)state;
    static const DfyAlf true_filter = {.on = 1, .weights = {20, -6, 0, 3, -8, 16, 0, 0, 0, -4, 0, 2}};
    Scene s = {.frame = NULL};
    open_scene(&s);
    for (size_t i = 0; i < sizeof s.contexts.alf / sizeof(DfyBit); i++) ((DfyBit *)&s.contexts.alf)[i] = DFY_BIT_EVEN;
    dfy_frame_copy(s.source, s.frame);
    s.picture.frame = s.source;
    dfy_alf(&s.picture, &true_filter, s.scratch);
    s.picture.frame = s.frame;
    assert_true(luma_error(&s) > 10000);
    DfyAlf found = dfy_choose_alf(&s.picture, s.source);
    assert_true(found.on);
    for (int k = 0; k < DFY_ALF_TAPS; k++) assert_in_range(found.weights[k] - true_filter.weights[k] + 1, 0, 2);
    dfy_alf(&s.picture, &found, s.scratch);
    assert_true(luma_error(&s) < 2000);
    found = dfy_choose_alf(&s.picture, s.source); /* nothing is left to gain */
    assert_false(found.on);
    close_scene(&s);
}

/* What stands still is left alone, even where the picture has a filter. */
static void test_still_squares(void **state) {
    (void)state;
    Scene s = {.frame = NULL};
    open_scene(&s);
    static const DfyAlf filter = {.on = 1, .weights = {30}};
    DfyMotion *moved = &s.frame->motion[2];
    for (int i = 0; i < s.picture.stride8 * (HEIGHT / 8); i++) s.picture.blocks8[i].kind = DFY_SKIP;
    for (int i = 0; i < s.frame->motion_stride * (HEIGHT / 8); i++)
        s.frame->motion[i] = (DfyMotion){.reference = {0, -1}};
    moved->mv[0][0] = 1;
    dfy_frame_copy(s.source, s.frame);
    dfy_alf(&s.picture, &filter, s.scratch);
    const DfyPlane *a = &s.frame->plane[0], *b = &s.source->plane[0];
    for (int cy = 0; cy < HEIGHT / 8; cy++)
        for (int cx = 0; cx < WIDTH / 8; cx++) {
            ptrdiff_t at = cy * 8 * a->stride + cx * 8;
            uint64_t error = s.picture.kernels->sse(a->pixels + at, a->stride, b->pixels + at, b->stride, 8, 8);
            assert_int_equal(error > 0, cy == 0 && cx == 2);
        }
    close_scene(&s);
}

/* Written and read again, from each of two references and without a change. */
static void test_code(void **state) {
    (void)state;
    Scene s = {.frame = NULL};
    open_scene(&s);
    s.picture.references[0] = s.source;
    s.picture.references[1] = s.scratch;
    s.picture.reference_count = 2;
    for (int k = 0; k < DFY_ALF_TAPS; k++) {
        s.source->alf[k] = (int8_t)(k - 6);
        s.scratch->alf[k] = (int8_t)(k % 2 ? DFY_ALF_MOST : -DFY_ALF_MOST);
    }
    DfyAlf filters[4] = {{0}, {.on = 1}, {.on = 1, .from = 1}, {.on = 1, .from = 1}};
    memcpy(filters[2].weights, s.scratch->alf, DFY_ALF_TAPS);
    for (int k = 0; k < DFY_ALF_TAPS; k++)
        filters[3].weights[k] = (int8_t)(s.scratch->alf[k] - (k % 2 ? DFY_ALF_STEPS : -k));
    DfyRangeCoder coder;
    dfy_range_encode_start(&coder);
    for (int i = 0; i < 4; i++) dfy_code_alf(&coder, &s.contexts, &s.picture, &filters[i]);
    dfy_range_encode_finish(&coder);
    dfy_contexts_reset(&s.contexts);
    DfyRangeCoder reader;
    dfy_range_decode_start(&reader, coder.data, coder.size);
    for (int i = 0; i < 4; i++) {
        DfyAlf read = {0};
        dfy_code_alf(&reader, &s.contexts, &s.picture, &read);
        assert_memory_equal(&read, &filters[i], sizeof read);
        dfy_note_alf(s.frame, &s.picture, &read);
        assert_memory_equal(s.frame->alf, i ? filters[i].weights : s.source->alf, DFY_ALF_TAPS);
    }
    dfy_range_free(&coder);
    close_scene(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fit), cmocka_unit_test(test_still_squares),
                                       cmocka_unit_test(test_code)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
