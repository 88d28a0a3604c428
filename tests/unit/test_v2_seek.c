/* Seeking gives the pixels and times that playing gives, for every frame, from wherever the decoder stands. */
#include "v2_clip.h"

#define MOST 400

static void assert_seeks(const Clip *clip, const DfyEncoderSettings *settings, int step, int least_segments) {
    static uint32_t crcs[MOST];
    static int64_t pts[MOST];
    MemoryFile file = {0};
    clip_encode(clip, settings, &file);
    assert_int_equal(decode_all(&file, MOST, crcs, pts), clip->frames);
    DfyDecoder *decoder = open_decoder(&file);
    DfyPicture picture;
    int segments = 0;
    DfyChunk chunk;
    for (uint32_t i = 0; dfy_decoder_chunk(decoder, i, &chunk) == DFY_OK; i++)
        segments += chunk.type == DFY_CHUNK_SEGMENT;
    if (segments < least_segments) fail_msg("the clip has %d segments only", segments);
    for (int k = 0; k < clip->frames; k++) {
        int frame = (int)((int64_t)k * step % clip->frames);
        if (dfy_decoder_seek(decoder, (uint64_t)frame)) fail_msg("seek %d: %s", frame, dfy_last_message(decoder));
        assert_int_equal(dfy_decoder_position(decoder), frame);
        for (int i = frame; i < frame + 1 + k % 4 && i < clip->frames; i++) { /* and on from there */
            assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_OK);
            if (picture_crc(&picture) != crcs[i] || picture.pts != pts[i])
                fail_msg("frame %d after seeking to %d is another than when playing", i, frame);
        }
    }
    assert_int_equal(dfy_decoder_seek(decoder, (uint64_t)clip->frames), DFY_ERROR_ARGUMENT);
    assert_int_equal(dfy_decoder_seek(decoder, (uint64_t)clip->frames - 1), DFY_OK);
    assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_OK);
    assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_END);
    dfy_decoder_close(&decoder);
    memory_free(&file);
}

/* Four frames a second: an access point every 33 frames. */
static void many_access_points(void **state) {
    (void)state;
    Clip clip = {.width = 72, .height = 40, .frames = 230, .grain = 2};
    DfyEncoderSettings settings = clip_settings(&clip);
    settings.frame_rate_num = 4;
    for (int step = 1; step < 120; step += 58) assert_seeks(&clip, &settings, step, 7);
}

static void one_access_point_many_segments(void **state) {
    (void)state;
    Clip clip = {.width = 96, .height = 96, .frames = 120, .grain = 8, .irregular = 1};
    DfyEncoderSettings settings = clip_settings(&clip);
    settings.quality = 90;
    assert_seeks(&clip, &settings, 67, 5);
}

static void still_frames(void **state) {
    (void)state;
    Clip clip = {.width = 64, .height = 64, .frames = 100, .still = 1};
    DfyEncoderSettings settings = clip_settings(&clip);
    assert_seeks(&clip, &settings, 41, 1);
}

/* Light that swings: pictures refer to others weighted, and take their filters' weights from them as they are. */
static void other_light(void **state) {
    (void)state;
    Clip clip = {.width = 192, .height = 136, .frames = 100, .grain = 2, .flicker = 12};
    DfyEncoderSettings settings = clip_settings(&clip);
    settings.quality = 60;
    assert_seeks(&clip, &settings, 37, 1);
}

static void short_files(void **state) {
    (void)state;
    for (int frames = 1; frames < 36; frames += 3) {
        Clip clip = {.width = 40, .height = 24, .frames = frames, .grain = 1};
        DfyEncoderSettings settings = clip_settings(&clip);
        assert_seeks(&clip, &settings, 1, 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_access_points), cmocka_unit_test(one_access_point_many_segments),
        cmocka_unit_test(still_frames),       cmocka_unit_test(other_light),
        cmocka_unit_test(short_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
