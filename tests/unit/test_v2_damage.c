/* Cut and damaged files of version 2: all that is whole plays, and what is lost is named. */
#include "v2_clip.h"

#define FRAMES 120
static MemoryFile whole;
static uint32_t crcs[FRAMES];
static int64_t times[FRAMES];

/* Five frames a second and a quality that fills several segments between access points. */
static int make_file(void **state) {
    (void)state;
    Clip clip = {.width = 96, .height = 64, .frames = FRAMES, .grain = 6};
    DfyEncoderSettings settings = clip_settings(&clip);
    settings.frame_rate_num = 5;
    settings.quality = 70;
    clip_encode(&clip, &settings, &whole);
    return decode_all(&whole, FRAMES, crcs, times) != FRAMES;
}

static int free_file(void **state) {
    (void)state;
    memory_free(&whole);
    return 0;
}

static MemoryFile copy_of(size_t size) {
    MemoryFile file = {.data = malloc(size + 1), .size = size};
    assert_non_null(file.data);
    memcpy(file.data, whole.data, size);
    return file;
}

/* Plays what there is; every picture must be one of the original's, at its time. Returns pictures and failures. */
static int play(DfyDecoder *decoder, int *failures, uint8_t shown[FRAMES]) {
    DfyPicture picture;
    int frames = 0, calls = 0, status;
    *failures = 0;
    while ((status = dfy_decoder_next(decoder, &picture)) != DFY_END) {
        assert_true(++calls < 4 * FRAMES);
        if (status) {
            assert_int_equal(status, DFY_ERROR_DAMAGED);
            assert_non_null(strstr(dfy_last_message(decoder), "lost"));
            ++*failures;
            continue;
        }
        uint64_t number = dfy_decoder_position(decoder) - 1;
        assert_true(number < FRAMES);
        assert_int_equal(picture_crc(&picture), crcs[number]);
        assert_int_equal(picture.pts, times[number]);
        int64_t told;
        assert_int_equal(dfy_decoder_time(decoder, number, &told), DFY_OK);
        assert_int_equal(told, times[number]);
        if (shown) shown[number] = 1;
        frames++;
    }
    return frames;
}

static void truncated(void **state) {
    (void)state;
    int before = 0;
    for (size_t size = 0; size < whole.size; size += size < 200 ? 1 : whole.size / 149) {
        MemoryFile file = copy_of(size);
        DfyInput input = memory_input(&file);
        DfyDecoder *decoder;
        int status = dfy_decoder_open(&decoder, &input, NULL);
        if (status) {
            assert_int_equal(status, DFY_ERROR_FORMAT);
            assert_true(size < 60); /* the STREAM chunk at least */
        } else {
            DfyInfo info;
            int failures;
            dfy_decoder_info(decoder, &info);
            assert_int_equal(info.complete, 0);
            assert_true(*dfy_last_message(decoder));
            int frames = play(decoder, &failures, NULL);
            assert_int_equal(failures, 0);
            assert_int_equal(frames, info.frames);
            assert_true(frames >= before);
            assert_int_equal(dfy_decoder_verify(decoder), DFY_ERROR_DAMAGED);
            before = frames;
        }
        dfy_decoder_close(&decoder);
        memory_free(&file);
    }
    MemoryFile file = copy_of(whole.size - 1); /* cut behind the last segment nothing is lost */
    assert_int_equal(decode_all(&file, FRAMES, NULL, NULL), FRAMES);
    memory_free(&file);
}

/* Wrong bits anywhere are found; the chunk's frames up to the next access point are lost and the rest plays. */
static void flipped_by(unsigned bits) {
    for (size_t at = 4; at < whole.size; at += at < 100 ? 1 : whole.size / 211) {
        MemoryFile file = copy_of(whole.size);
        file.data[at] ^= (uint8_t)(bits << at % 7);
        DfyInput input = memory_input(&file);
        DfyDecoder *decoder;
        int status = dfy_decoder_open(&decoder, &input, NULL), failures;
        if (!status) {
            uint8_t shown[FRAMES] = {0};
            int frames = play(decoder, &failures, shown);
            assert_true(frames == FRAMES || failures > 0);
            assert_int_equal(dfy_decoder_verify(decoder), DFY_ERROR_DAMAGED);
            if (at > whole.size / 2) assert_true(frames >= FRAMES / 3);
            /* Seeking finds the same: a frame that played is reached, a lost one is an error. */
            for (int frame = 0; frame < FRAMES; frame += 17) {
                DfyPicture picture;
                status = dfy_decoder_seek(decoder, (uint64_t)frame);
                if (shown[frame]) {
                    assert_int_equal(status, DFY_OK);
                    assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_OK);
                    assert_int_equal(picture_crc(&picture), crcs[frame]);
                } else if ((uint64_t)frame < dfy_decoder_position(decoder)) {
                    assert_int_equal(status, DFY_ERROR_DAMAGED);
                }
            }
        } else {
            assert_true(at < 60);
        }
        dfy_decoder_close(&decoder);
        memory_free(&file);
    }
}

static void flipped(void **state) {
    (void)state;
    flipped_by(1);
    flipped_by(3);
}

/* Of one wrong bit, wherever but in the magic, the checksum tells which it is: nothing is lost, and verify says so. */
static void one_bit(void **state) {
    (void)state;
    for (size_t at = 4; at < whole.size; at += at < 100 ? 1 : whole.size / 211) {
        MemoryFile file = copy_of(whole.size);
        file.data[at] ^= (uint8_t)(1 << at % 8);
        DfyDecoder *decoder = open_decoder(&file);
        int failures, frames = play(decoder, &failures, NULL);
        if (frames != FRAMES) fail_msg("a wrong bit in byte %zu costs %d frames", at, FRAMES - frames);
        assert_int_equal(dfy_decoder_verify(decoder), DFY_ERROR_DAMAGED);
        dfy_decoder_close(&decoder);
        memory_free(&file);
    }
}

/* The same where nothing moves: groups that stand still have neither pieces nor checks of their own. */
static void one_bit_of_still(void **state) {
    (void)state;
    Clip clip = {.width = 96, .height = 64, .frames = FRAMES, .still = 1};
    DfyEncoderSettings settings = clip_settings(&clip);
    MemoryFile still = {0};
    uint32_t before[FRAMES], after[FRAMES];
    clip_encode(&clip, &settings, &still);
    assert_int_equal(decode_all(&still, FRAMES, before, NULL), FRAMES);
    for (size_t at = 4; at < still.size; at += at < still.size / 2 ? 17 : 1) {
        still.data[at] ^= (uint8_t)(1 << at % 8);
        assert_int_equal(decode_all(&still, FRAMES, after, NULL), FRAMES);
        assert_memory_equal(before, after, sizeof before);
        still.data[at] ^= (uint8_t)(1 << at % 8);
    }
    memory_free(&still);
}

/* With index and end overwritten by rubbish the file is walked, rubbish and all. */
static void rubbish_behind(void **state) {
    (void)state;
    MemoryFile file = copy_of(whole.size);
    for (size_t i = whole.size - 60; i < whole.size; i++) file.data[i] = (uint8_t)clip_hash((uint32_t)i);
    DfyDecoder *decoder = open_decoder(&file);
    int failures;
    assert_int_equal(play(decoder, &failures, NULL), FRAMES);
    assert_int_equal(dfy_decoder_verify(decoder), DFY_ERROR_DAMAGED);
    dfy_decoder_close(&decoder);
    memory_free(&file);
}

/* A stretch of zeros in coded groups, no plate among them, costs what it covers, with or without the index. */
static void hole(void **state) {
    (void)state;
    for (int index = 0; index < 2; index++) {
        MemoryFile file = copy_of(whole.size);
        memset(file.data + whole.size / 4, 0, 3000);
        if (!index) file.size -= 25;
        DfyDecoder *decoder = open_decoder(&file);
        int failures, frames = play(decoder, &failures, NULL);
        /* In the groups that it touches some pictures are whole: what is lost comes in a few stretches. */
        assert_true(failures >= 1 && failures <= 6);
        if (frames <= FRAMES / 4 || frames >= FRAMES) fail_msg("%d of %d frames play", frames, FRAMES);
        dfy_decoder_close(&decoder);
        memory_free(&file);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(truncated),      cmocka_unit_test(flipped),
                                       cmocka_unit_test(one_bit),        cmocka_unit_test(one_bit_of_still),
                                       cmocka_unit_test(rubbish_behind), cmocka_unit_test(hole)};
    return cmocka_run_group_tests(tests, make_file, free_file);
}
