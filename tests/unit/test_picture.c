/* Pictures the library owns, and colour: right to a level, grey stays grey, and there and back is the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/picture.h"
#include "dsp/colour.h"

static void fill(DfyPicture *picture, int y, int u, int v) {
    int value[3] = {y, u, v};
    for (int plane = 0; plane < dfy_plane_count(picture->format); plane++)
        for (int row = 0; row < dfy_plane_rows(picture, plane); row++)
            for (size_t x = 0; x < dfy_plane_row_bytes(picture, plane); x++)
                dfy_picture_pixels(picture, plane)[row * picture->stride_bytes[plane] + (ptrdiff_t)x] =
                    (uint8_t)value[picture->format == DFY_PIXELS_I420 ? (size_t)plane : x % 3];
}

static void test_allocation(void **state) {
    (void)state;
    DfyPicture picture;
    assert_int_equal(dfy_picture_alloc(&picture, DFY_PIXELS_I420, 0, 5), DFY_ERROR_ARGUMENT);
    assert_int_equal(dfy_picture_alloc(&picture, DFY_PIXELS_I420, 5, DFY_MAX_DIMENSION + 1), DFY_ERROR_ARGUMENT);
    assert_int_equal(dfy_picture_bytes(DFY_PIXELS_RGB, -1, 5), 0);
    assert_int_equal(dfy_picture_alloc(&picture, DFY_PIXELS_I420, 53, 37), DFY_OK);
    assert_int_equal(dfy_plane_row_bytes(&picture, 1), 27);
    assert_int_equal(dfy_plane_rows(&picture, 2), 19);
    assert_true(picture.stride_bytes[0] >= 53 && picture.stride_bytes[1] >= 27);
    fill(&picture, 1, 2, 3);
    dfy_picture_free(&picture);
    assert_null(picture.plane[0]);
    dfy_picture_free(&picture);
}

/* Known colours: red, green, blue, white and black of BT.601 and BT.709, by their published values. */
static void test_known_colours(void **state) {
    (void)state;
    static const struct {
        DfyMatrix matrix;
        DfyRange range;
        int rgb[3], yuv[3];
    } known[] = {
        {DFY_MATRIX_BT601, DFY_RANGE_LIMITED, {255, 0, 0}, {81, 90, 240}},
        {DFY_MATRIX_BT601, DFY_RANGE_LIMITED, {0, 255, 0}, {145, 54, 34}},
        {DFY_MATRIX_BT601, DFY_RANGE_LIMITED, {0, 0, 255}, {41, 240, 110}},
        {DFY_MATRIX_BT601, DFY_RANGE_FULL, {255, 0, 0}, {76, 85, 255}},
        {DFY_MATRIX_BT709, DFY_RANGE_LIMITED, {255, 0, 0}, {63, 102, 240}},
        {DFY_MATRIX_BT709, DFY_RANGE_LIMITED, {0, 255, 0}, {173, 42, 26}},
        {DFY_MATRIX_BT709, DFY_RANGE_LIMITED, {255, 255, 255}, {235, 128, 128}},
        {DFY_MATRIX_BT2020, DFY_RANGE_LIMITED, {255, 0, 0}, {74, 97, 240}},
        {DFY_MATRIX_BT2020, DFY_RANGE_FULL, {0, 0, 0}, {0, 128, 128}},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        DfyPicture rgb, yuv, back;
        dfy_picture_alloc(&rgb, DFY_PIXELS_RGB, 9, 5);
        dfy_picture_alloc(&back, DFY_PIXELS_RGBA, 9, 5);
        dfy_picture_alloc(&yuv, DFY_PIXELS_I420, 9, 5);
        yuv.matrix = known[i].matrix;
        yuv.range = known[i].range;
        fill(&rgb, known[i].rgb[0], known[i].rgb[1], known[i].rgb[2]);
        assert_int_equal(dfy_picture_convert(&yuv, &rgb), DFY_OK);
        assert_int_equal(dfy_picture_convert(&back, &yuv), DFY_OK);
        for (int c = 0; c < 3; c++) {
            assert_in_range(yuv.plane[c][1] + 1, known[i].yuv[c], known[i].yuv[c] + 2);
            assert_in_range(back.plane[0][4 + c] + 3, known[i].rgb[c], known[i].rgb[c] + 6);
        }
        assert_int_equal(back.plane[0][3], 255);
        dfy_picture_free(&rgb);
        dfy_picture_free(&yuv);
        dfy_picture_free(&back);
    }
}

static void test_there_and_back(void **state) {
    (void)state;
    DfyPicture first, rgb, again;
    dfy_picture_alloc(&first, DFY_PIXELS_I420, 54, 38);
    dfy_picture_alloc(&again, DFY_PIXELS_I420, 54, 38);
    dfy_picture_alloc(&rgb, DFY_PIXELS_RGB, 54, 38);
    srand(1);
    for (int plane = 0; plane < 3; plane++)
        for (int i = 0; i < dfy_plane_rows(&first, plane) * (int)first.stride_bytes[plane]; i++)
            dfy_picture_pixels(&first, plane)[i] = (uint8_t)(plane ? 108 + rand() % 40 : 80 + rand() % 90);
    assert_int_equal(dfy_picture_convert(&rgb, &first), DFY_OK);
    assert_int_equal(dfy_picture_convert(&again, &rgb), DFY_OK);
    for (int plane = 0; plane < 3; plane++)
        for (int y = 0; y < dfy_plane_rows(&first, plane); y++)
            for (size_t x = 0; x < dfy_plane_row_bytes(&first, plane); x++) {
                ptrdiff_t at = y * first.stride_bytes[plane] + (ptrdiff_t)x;
                assert_in_range(again.plane[plane][at] + 1, first.plane[plane][at], first.plane[plane][at] + 2);
            }
    dfy_picture_free(&first);
    dfy_picture_free(&rgb);
    dfy_picture_free(&again);
}

static void test_what_can_not_be_converted(void **state) {
    (void)state;
    DfyPicture a, b;
    dfy_picture_alloc(&a, DFY_PIXELS_I420, 8, 8);
    dfy_picture_alloc(&b, DFY_PIXELS_RGB, 8, 9);
    assert_int_equal(dfy_picture_convert(&b, &a), DFY_ERROR_ARGUMENT);
    assert_int_equal(dfy_picture_convert(NULL, &a), DFY_ERROR_ARGUMENT);
    b.height = 8;
    assert_int_equal(dfy_picture_convert(&b, &a), DFY_OK);
    dfy_picture_free(&a);
    dfy_picture_free(&b);
}

/* From full range to limited: 255 becomes 235, and a target that knows no matrix keeps the source's. */
static void test_between_ranges(void **state) {
    (void)state;
    DfyPicture full, limited;
    dfy_picture_alloc(&full, DFY_PIXELS_I420, 16, 16);
    dfy_picture_alloc(&limited, DFY_PIXELS_I420, 16, 16);
    full.matrix = limited.matrix = DFY_MATRIX_BT709;
    full.range = DFY_RANGE_FULL;
    fill(&full, 255, 128, 128);
    assert_int_equal(dfy_picture_convert(&limited, &full), DFY_OK);
    assert_int_equal(limited.plane[0][0], 235);
    limited.matrix = DFY_MATRIX_UNKNOWN;
    assert_int_equal(dfy_picture_convert(&limited, &full), DFY_OK);
    assert_int_equal(limited.plane[0][0], 255);
    assert_int_equal(limited.range, DFY_RANGE_FULL);
    dfy_picture_free(&full);
    dfy_picture_free(&limited);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_allocation),     cmocka_unit_test(test_known_colours),
        cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_what_can_not_be_converted),
        cmocka_unit_test(test_between_ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
