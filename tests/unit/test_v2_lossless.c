/* Quality 100 gives back every sample, of every size, from every access point. */
#include "v2_clip.h"

static void assert_exact(const Clip *clip, const DfyEncoderSettings *settings) {
    MemoryFile file = {0};
    clip_encode(clip, settings, &file);
    DfyDecoder *decoder = open_decoder(&file);
    DfyInfo info;
    DfyPicture picture, source = {0};
    dfy_decoder_info(decoder, &info);
    assert_int_equal(info.lossless, 1);
    assert_int_equal(info.frames, clip->frames);
    for (int k = 0; k < 2 * clip->frames; k++) { /* in order, then from the last to the first */
        int i = k < clip->frames ? k : 2 * clip->frames - 1 - k;
        if (k >= clip->frames) assert_int_equal(dfy_decoder_seek(decoder, (uint64_t)i), DFY_OK);
        assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_OK);
        clip_draw(clip, i, &source);
        if (picture_crc(&picture) != picture_crc(&source))
            fail_msg("%d x %d: frame %d differs", clip->width, clip->height, i);
        assert_int_equal(picture.pts, clip_pts(clip, i));
    }
    dfy_decoder_close(&decoder);
    dfy_picture_free(&source);
    memory_free(&file);
}

static void every_size(void **state) {
    (void)state;
    static const int sizes[][2] = {{1, 1}, {2, 2}, {3, 200}, {8, 8}, {16, 16}, {53, 37}, {65, 130}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int grain = 0; grain < 60; grain += 7) {
            Clip clip = {
                .width = sizes[s][0], .height = sizes[s][1], .frames = 12, .grain = grain, .irregular = grain == 7};
            DfyEncoderSettings settings = clip_settings(&clip);
            settings.quality = 100;
            settings.frame_rate_num = 2;
            assert_exact(&clip, &settings);
        }
}

/* Samples at the ends of their range, and noise over all of it. */
static void extremes(void **state) {
    (void)state;
    for (int round = 0; round < 3; round++) {
        MemoryFile file = {0};
        Clip clip = {.width = 45, .height = 30, .frames = 9};
        DfyEncoderSettings settings = clip_settings(&clip);
        settings.quality = 100;
        DfyOutput output = {.write = memory_write, .opaque = &file};
        DfyEncoder *encoder;
        DfyPicture picture = {0}, decoded;
        uint32_t crcs[9];
        assert_int_equal(dfy_picture_alloc(&picture, DFY_PIXELS_I420, 45, 30), DFY_OK);
        assert_int_equal(dfy_encoder_open(&encoder, &settings, &output), DFY_OK);
        for (int i = 0; i < 9; i++) {
            for (int p = 0; p < 3; p++)
                for (int y = 0; y < dfy_plane_rows(&picture, p); y++)
                    for (int x = 0; x < (int)dfy_plane_row_bytes(&picture, p); x++) {
                        uint32_t noise = clip_hash((uint32_t)(i << 20 ^ p << 16 ^ y << 8 ^ x));
                        dfy_picture_pixels(&picture, p)[y * picture.stride_bytes[p] + x] =
                            (uint8_t)(round == 0   ? noise
                                      : round == 1 ? (noise & 1) * 255
                                                   : (unsigned)((x ^ y ^ i) & 1) * 255);
                    }
            picture.pts = i;
            crcs[i] = picture_crc(&picture);
            assert_int_equal(dfy_encoder_push(encoder, &picture), DFY_OK);
        }
        assert_int_equal(dfy_encoder_finish(encoder, NULL), DFY_OK);
        dfy_encoder_close(&encoder);
        DfyDecoder *decoder = open_decoder(&file);
        for (int i = 0; i < 9; i++) {
            assert_int_equal(dfy_decoder_next(decoder, &decoded), DFY_OK);
            assert_int_equal(picture_crc(&decoded), crcs[i]);
        }
        dfy_decoder_close(&decoder);
        dfy_picture_free(&picture);
        memory_free(&file);
    }
}

static void identical_frames(void **state) {
    (void)state;
    Clip one = {.width = 64, .height = 48, .frames = 1, .still = 1, .grain = 5}, many = one;
    many.frames = 50;
    size_t sizes[2];
    for (int i = 0; i < 2; i++) {
        MemoryFile file = {0};
        DfyEncoderSettings settings = clip_settings(&one);
        settings.quality = 100;
        clip_encode(i ? &many : &one, &settings, &file);
        sizes[i] = file.size;
        memory_free(&file);
    }
    assert_true(sizes[1] < sizes[0] + 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_size), cmocka_unit_test(extremes),
                                       cmocka_unit_test(identical_frames)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
