/* A gyroscope's samples: kept in both formats, through joins and damage; in format 2 the picture is steadied by them.
 */
#include "v2_clip.h"

#include <math.h>

#include "base/imu.h"
#include "video/syntax/orientation_list.h"

enum { WIDTH = 160, HEIGHT = 128, FRAMES = 40 };

/* Angular velocity between frames i - 1 and i, in rad/s at 30 frames a second: a hand that shakes about three axes. */
static void rate_at(int i, double xyz[3]) {
    xyz[0] = 0.4 * sin(i * 0.9);
    xyz[1] = 0.5 * cos(i * 0.7);
    xyz[2] = 0.3 * sin(i * 0.4);
}

/* A frame of the clip as a camera that is turned so sees it. */
static void draw_shaken(DfyPicture *picture, DfyPicture *still, int frame, DfyQuaternion turned) {
    Clip clip = {.width = WIDTH, .height = HEIGHT, .still = 1};
    double none[9] = {0}, camera[9], homography[9];
    clip_draw(&clip, 0, still);
    if (!picture->plane[0]) assert_int_equal(dfy_picture_alloc(picture, DFY_PIXELS_I420, WIDTH, HEIGHT), DFY_OK);
    assert_int_equal(dfy_camera_matrix(camera, none, WIDTH, HEIGHT), DFY_OK);
    dfy_imu_homography(homography, camera, turned, dfy_quaternion_identity(), 1);
    dfy_imu_warp(picture, still, homography, 0);
    picture->pts = frame;
}

static void encode(MemoryFile *file, int quality, int has_imu) {
    Clip size = {.width = WIDTH, .height = HEIGHT};
    DfyEncoderSettings settings = clip_settings(&size);
    DfyOutput output = {.write = memory_write, .opaque = file};
    DfyEncoder *encoder;
    DfyPicture picture = {0}, still = {0};
    DfyQuaternion turned = dfy_quaternion_identity();
    settings.quality = quality;
    settings.has_imu = has_imu;
    assert_int_equal(dfy_encoder_open(&encoder, &settings, &output), DFY_OK);
    for (int i = 0; i < FRAMES; i++) {
        double xyz[3];
        rate_at(i, xyz);
        if (i) {
            turned = dfy_quaternion_integrate(turned, xyz, 1 / 30.0);
            if (has_imu) assert_int_equal(dfy_encoder_push_gyro(encoder, xyz, 1 / 30.0), DFY_OK);
        }
        draw_shaken(&picture, &still, i, turned);
        assert_int_equal(dfy_encoder_push(encoder, &picture), DFY_OK);
    }
    assert_int_equal(dfy_encoder_finish(encoder, NULL), DFY_OK);
    dfy_encoder_close(&encoder);
    dfy_picture_free(&picture);
    dfy_picture_free(&still);
}

static void assert_orientations(DfyDecoder *decoder, uint64_t from) {
    DfyQuaternion turned = dfy_quaternion_identity();
    for (int i = 0; i < FRAMES; i++) {
        double xyz[3], q[4];
        rate_at(i, xyz);
        if (i) turned = dfy_quaternion_integrate(turned, xyz, 1 / 30.0);
        assert_int_equal(dfy_decoder_imu(decoder, from + (uint64_t)i, q), DFY_OK);
        assert_true(fabs(q[0] - turned.x) + fabs(q[1] - turned.y) + fabs(q[2] - turned.z) + fabs(q[3] - turned.w) <
                    2e-4);
    }
}

static uint64_t samples(DfyDecoder *decoder) {
    DfyInfo info;
    assert_int_equal(dfy_decoder_info(decoder, &info), DFY_OK);
    return info.imu_samples;
}

static void kept(void **state) {
    (void)state;
    for (int quality = 50; quality <= 100; quality += 50) {
        MemoryFile file = {0}, both = {0};
        double q[4];
        encode(&file, quality, 1);
        DfyDecoder *decoder = open_decoder(&file);
        assert_int_equal(samples(decoder), FRAMES);
        assert_orientations(decoder, 0);
        assert_int_equal(dfy_decoder_imu(decoder, FRAMES, q), DFY_ERROR_ARGUMENT);
        dfy_decoder_close(&decoder);
        join_two(&both, &file, &file);
        decoder = open_decoder(&both);
        assert_int_equal(samples(decoder), 2 * FRAMES);
        assert_orientations(decoder, 0);
        assert_orientations(decoder, FRAMES);
        dfy_decoder_close(&decoder);
        memory_free(&file);
        memory_free(&both);
    }
}

/* Mean squared error of luma in the middle of two pictures. */
static double error(const DfyPicture *a, const DfyPicture *b) {
    double sum = 0, count = 0;
    for (int y = HEIGHT / 4; y < HEIGHT * 3 / 4; y++)
        for (int x = WIDTH / 4; x < WIDTH * 3 / 4; x++, count++) {
            double d = a->plane[0][y * a->stride_bytes[0] + x] - b->plane[0][y * b->stride_bytes[0] + x];
            sum += d * d;
        }
    return sum / count;
}

static void steadied(void **state) {
    (void)state;
    MemoryFile file = {0};
    encode(&file, 80, 1);
    DfyDecoderSettings settings;
    DfyInput input = memory_input(&file);
    DfyDecoder *steady, *plain = open_decoder(&file);
    DfyPicture still = {0}, a, b;
    Clip clip = {.width = WIDTH, .height = HEIGHT, .still = 1};
    double shaken = 0, left = 0;
    int black = 0;
    clip_draw(&clip, 0, &still);
    dfy_decoder_defaults(&settings);
    settings.unwarp = 1;
    assert_int_equal(dfy_decoder_open(&steady, &input, &settings), DFY_OK);
    for (int i = 0; i < FRAMES; i++) {
        DfyTiles tiles;
        assert_int_equal(dfy_decoder_next(steady, &a), DFY_OK);
        assert_int_equal(dfy_decoder_next(plain, &b), DFY_OK);
        assert_int_equal(a.pts, b.pts);
        left += error(&a, &still);
        shaken += error(&b, &still);
        black += a.plane[0][0] == 16 && a.plane[1][0] == 128;
        assert_int_equal(dfy_decoder_tiles(steady, &tiles), DFY_ERROR_UNSUPPORTED);
        assert_int_equal(dfy_decoder_tiles(plain, &tiles), DFY_OK);
    }
    if (!(left * 4 < shaken)) fail_msg("the error is %.1f steadied, %.1f as it was", left / FRAMES, shaken / FRAMES);
    assert_true(black > 5 && black < FRAMES);
    dfy_decoder_close(&steady);
    dfy_decoder_close(&plain);
    dfy_picture_free(&still);
    memory_free(&file);
}

/* The search for the camera's motion starts from the gyroscope's turn: where it shakes much, that is found. */
static void smaller(void **state) {
    (void)state;
    MemoryFile with = {0}, without = {0};
    encode(&with, 40, 1);
    encode(&without, 40, 0);
    if (!(with.size * 20 < without.size * 19))
        fail_msg("%zu bytes with the gyroscope, %zu without", with.size, without.size);
    memory_free(&with);
    memory_free(&without);
}

/* More frames than a chunk takes; gaps; what makes no sense. */
static void lists(void **state) {
    (void)state;
    DfyOrientation at[DFY_ORIENTATIONS];
    double camera[9] = {100, 0, 80, 0, 100, 64, 0, 0, 1};
    for (int i = 0; i < DFY_ORIENTATIONS; i++)
        at[i] = (DfyOrientation){{(int16_t)(i * 100), (int16_t)-i, (int16_t)(i % 2 ? 32767 : -32767), 5}};
    DfyBuffer buffer = {0};
    DfyOrientationList list = {0};
    dfy_put_orientations(&buffer, camera, 10, at, DFY_ORIENTATIONS);
    for (size_t size = 0; size <= buffer.size; size++) { /* however it is cut */
        DfyOrientationList part = {0};
        DfyBytes bytes = dfy_bytes(buffer.data, size);
        assert_int_equal(dfy_read_orientations(&bytes, 1000, &part), DFY_OK);
        assert_true(part.count <= 10 + DFY_ORIENTATIONS);
        dfy_orientation_list_free(&part);
    }
    DfyBytes bytes = dfy_bytes(buffer.data, buffer.size), again = bytes;
    assert_int_equal(dfy_read_orientations(&bytes, 200, &list), DFY_OK);
    assert_int_equal(list.count, 200); /* as far as the video goes */
    assert_int_equal(list.at[9].part[3], 32767);
    assert_memory_equal(list.at + 10, at, 190 * sizeof *at);
    assert_true(list.camera[0] > 99 && list.camera[0] < 101);
    assert_int_equal(dfy_read_orientations(&again, 1000, &list), DFY_OK); /* they are told already */
    assert_int_equal(list.count, 200);
    dfy_orientation_list_free(&list);
    buffer.size = 0;
    at[0].part[0] = INT16_MIN; /* beyond 1 */
    dfy_put_orientations(&buffer, camera, 0, at, 1);
    bytes = dfy_bytes(buffer.data, buffer.size);
    assert_int_equal(dfy_read_orientations(&bytes, 1000, &list), DFY_OK);
    assert_int_equal(list.count, 0);
    dfy_buffer_free(&buffer);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(kept), cmocka_unit_test(steadied), cmocka_unit_test(smaller),
                                       cmocka_unit_test(lists)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
