/* A recording that is cut off: what a crash loses is no more than the setting says, and the look-ahead. */
#include "v2_clip.h"

#define RATE 30
#define LOOK_AHEAD 33

/* The most frames that were pushed and not yet to be had from what was written, at any time of the encoding. */
static int most_lost(const Clip *clip, const DfyEncoderSettings *settings, size_t *size) {
    DfyEncoder *encoder;
    DfyPicture picture = {0};
    MemoryFile file = {0};
    DfyOutput output = {.write = memory_write, .opaque = &file};
    int most = 0, there = 0;
    size_t looked = 0;
    assert_int_equal(dfy_encoder_open(&encoder, settings, &output), DFY_OK);
    for (int i = 0; i < clip->frames; i++) {
        clip_draw(clip, i, &picture);
        assert_int_equal(dfy_encoder_push(encoder, &picture), DFY_OK);
        if (file.size != looked) there = decode_all(&file, clip->frames, NULL, NULL);
        looked = file.size;
        if (i + 1 - there > most) most = i + 1 - there;
    }
    assert_int_equal(dfy_encoder_finish(encoder, NULL), DFY_OK);
    assert_int_equal(decode_all(&file, clip->frames, NULL, NULL), clip->frames);
    *size = file.size;
    dfy_encoder_close(&encoder);
    dfy_picture_free(&picture);
    memory_free(&file);
    return most;
}

static void check(const char *what, const Clip *clip, int quality, int seconds, int look_ahead) {
    DfyEncoderSettings settings = clip_settings(clip);
    size_t usual_size, size;
    settings.quality = quality;
    int usual = most_lost(clip, &settings, &usual_size);
    settings.segment_seconds = seconds;
    int lost = most_lost(clip, &settings, &size);
    print_message("%s: at most %d frames lost, %d with segments of %d s; %zu bytes, %zu\n", what, usual, lost, seconds,
                  usual_size, size);
    assert_true(usual > seconds * RATE + look_ahead);
    assert_true(lost <= seconds * RATE + look_ahead);
    assert_true(size < usual_size + 32 * (size_t)clip->frames / RATE + 64);
}

static void a_still_picture(void **state) {
    (void)state;
    Clip clip = {.width = 64, .height = 48, .frames = 900, .still = 1};
    check("still", &clip, 25, 2, LOOK_AHEAD);
}

static void a_moving_one(void **state) {
    (void)state;
    Clip clip = {.width = 64, .height = 48, .frames = 400};
    check("moving", &clip, 1, 2, LOOK_AHEAD);
}

static void lossless(void **state) {
    (void)state;
    Clip clip = {.width = 64, .height = 48, .frames = 900, .still = 1};
    check("lossless", &clip, 100, 1, 0);
}

/* Frames that come slower than the nominal rate says: time counts, not frames. */
static void slow_frames(void **state) {
    (void)state;
    Clip clip = {.width = 64, .height = 48, .frames = 200, .still = 1, .irregular = 1};
    DfyEncoderSettings settings = clip_settings(&clip);
    size_t size;
    settings.frame_rate_num = 60;
    settings.segment_seconds = 2;
    int lost = most_lost(&clip, &settings, &size);
    assert_true(lost <= 2 * 25 + LOOK_AHEAD);
}

static void only_sensible_lengths(void **state) {
    (void)state;
    Clip clip = {.width = 64, .height = 48};
    const double wrong[] = {-1, 3601, 0.0 / 0.0};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        DfyEncoderSettings settings = clip_settings(&clip);
        settings.segment_seconds = wrong[i];
        assert_refused(&settings);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_still_picture), cmocka_unit_test(a_moving_one),
                                       cmocka_unit_test(lossless), cmocka_unit_test(slow_frames),
                                       cmocka_unit_test(only_sensible_lengths)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
