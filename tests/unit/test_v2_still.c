/* What doesn't change costs next to nothing. */
#include "v2_clip.h"

static size_t size_of(int frames, int width, int height) {
    Clip clip = {.width = width, .height = height, .frames = frames, .still = 1, .grain = 5};
    DfyEncoderSettings settings = clip_settings(&clip);
    MemoryFile file = {0};
    clip_encode(&clip, &settings, &file);
    assert_int_equal(decode_all(&file, frames, NULL, NULL), frames);
    size_t size = file.size;
    memory_free(&file);
    return size;
}

static void identical_frames(void **state) {
    (void)state;
    size_t one = size_of(1, 192, 128), all = size_of(3000, 192, 128);
    double each = ((double)all - (double)one) / 2999;
    print_message("3,000 identical frames after the first: %.3f bytes each\n", each);
    assert_true(each < 0.15);
}

/* Movement, a long pause, movement again: the pause is a few bytes, and everything comes back as it was. */
static void a_pause(void **state) {
    (void)state;
    size_t sizes[2];
    for (int pause = 0; pause < 2; pause++) {
        Clip clip = {.width = 64, .height = 48, .frames = 48};
        DfyEncoderSettings settings = clip_settings(&clip);
        MemoryFile file = {0};
        DfyOutput output = {.write = memory_write, .opaque = &file};
        DfyEncoder *encoder;
        DfyPicture picture = {0};
        assert_int_equal(dfy_encoder_open(&encoder, &settings, &output), DFY_OK);
        for (int i = 0, time = 0; i < clip.frames; i++) {
            clip_draw(&clip, i, &picture);
            for (int times = i == 20 && pause ? 301 : 1; times > 0; times--) {
                picture.pts = time++;
                assert_int_equal(dfy_encoder_push(encoder, &picture), DFY_OK);
            }
        }
        assert_int_equal(dfy_encoder_finish(encoder, NULL), DFY_OK);
        dfy_encoder_close(&encoder);
        assert_int_equal(decode_all(&file, 1000, NULL, NULL), 48 + 300 * pause);
        DfyDecoder *decoder = open_decoder(&file);
        DfyPicture decoded;
        for (int i = 0; i < 48 + 300 * pause; i++) {
            assert_int_equal(dfy_decoder_next(decoder, &decoded), DFY_OK);
            clip_draw(&clip, !pause || i < 20 ? i : i < 320 ? 20 : i - 300, &picture);
            assert_true(picture_mse(&picture, &decoded) < 160);
        }
        dfy_decoder_close(&decoder);
        dfy_picture_free(&picture);
        sizes[pause] = file.size;
        memory_free(&file);
    }
    print_message("48 frames: %zu bytes, with a pause of 300 more: %zu\n", sizes[0], sizes[1]);
    assert_true(sizes[1] < sizes[0] + sizes[0] / 4 + 150);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(identical_frames), cmocka_unit_test(a_pause)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
