/* Pictures that other threads decode ahead are those that one thread decodes; what is damaged is told alike. */
#define _POSIX_C_SOURCE 200809L
#include "v2_clip.h"

#include <time.h>

#include "video/decode/player_parts.h"

#define MOST 400

static DfyDecoder *open_with(MemoryFile *file, int threads) {
    DfyDecoder *decoder;
    DfyInput input = memory_input(file);
    DfyDecoderSettings settings;
    dfy_decoder_defaults(&settings);
    settings.threads = threads;
    int status = dfy_decoder_open(&decoder, &input, &settings);
    if (status) fail_msg("open: %s", dfy_last_message(decoder));
    return decoder;
}

/* All that playing tells: of each step its status, where it leads, the picture or the sentence. Returns the steps. */
static int play(MemoryFile *file, int threads, uint32_t *told) {
    DfyDecoder *decoder = open_with(file, threads);
    DfyPicture picture;
    int steps = 0, status;
    while ((status = dfy_decoder_next(decoder, &picture)) != DFY_END) {
        assert_true(steps < MOST);
        const char *sentence = status ? dfy_last_message(decoder) : "";
        uint32_t crc = status ? dfy_crc32c(0, (const uint8_t *)sentence, strlen(sentence)) : picture_crc(&picture);
        told[steps++] = crc ^ (uint32_t)(dfy_decoder_position(decoder) << 20) ^ (uint32_t)status;
    }
    dfy_decoder_close(&decoder);
    return steps;
}

static void assert_same(MemoryFile *file) {
    static uint32_t alone[MOST], told[MOST];
    int steps = play(file, 1, alone);
    for (int threads = 2; threads <= 5; threads += 3) {
        assert_int_equal(play(file, threads, told), steps);
        assert_memory_equal(told, alone, (size_t)steps * sizeof *told);
    }
}

static MemoryFile encode(const Clip *clip, int effort, int quality, int access) {
    MemoryFile file = {0};
    DfyEncoderSettings settings = clip_settings(clip);
    settings.effort = effort;
    settings.quality = quality;
    settings.access_pictures = access;
    settings.frame_rate_num = 4; /* an access point every 33 frames */
    clip_encode(clip, &settings, &file);
    return file;
}

static const Clip clips[] = {
    {.width = 150, .height = 90, .frames = 70, .grain = 2},
    {.width = 96, .height = 96, .frames = 50, .grain = 6, .irregular = 1},
    {.width = 136, .height = 72, .frames = 40, .grain = 2, .flicker = 12},
    {.width = 72, .height = 72, .frames = 50, .still = 1},
};

static void as_on_one_thread(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof clips / sizeof *clips; i++)
        for (int access = 0; access < 5; access += 4) {
            MemoryFile file = encode(&clips[i], 3, 60, access);
            assert_same(&file);
            memory_free(&file);
        }
}

/* The swinging clip comes again every seven frames: its pictures refer to a long-term set, and to old anchors. */
static void long_term(void **state) {
    (void)state;
    Clip clip = {.width = 150, .height = 90, .frames = 200, .grain = 1};
    MemoryFile file = {0};
    DfyEncoderSettings settings = clip_settings(&clip);
    settings.effort = 4;
    clip_encode(&clip, &settings, &file);
    assert_same(&file);
    memory_free(&file);
}

static void damaged(void **state) {
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        MemoryFile file = encode(&clips[i / 2], 2, 50, i % 2 ? 4 : 0);
        for (int k = 1; k < 8; k += 2) {
            size_t at = file.size * (size_t)k / 8;
            file.data[at] ^= (uint8_t)(3 << k % 7);
            assert_same(&file);
            file.data[at] ^= (uint8_t)(3 << k % 7);
        }
        memory_free(&file);
    }
}

static void assert_seeks(int access, int most_in_order) {
    static uint32_t crcs[MOST];
    MemoryFile file = encode(&clips[0], 3, 60, access);
    int frames = decode_all(&file, MOST, crcs, NULL);
    DfyDecoder *decoder = open_with(&file, 3);
    DfyPicture picture;
    for (int k = 0; k < 30; k++) {
        int frame = k * 67 % frames, given_up = (frame + 31) % frames, parts = 0;
        if (k % 2) dfy_decoder_approach(decoder, (uint64_t)given_up);
        while (k % 3 && !dfy_decoder_approach(decoder, (uint64_t)frame)) assert_true(parts++ < 100);
        assert_int_equal(dfy_decoder_seek(decoder, (uint64_t)frame), DFY_OK);
        for (int i = frame; i < frame + k % most_in_order && i < frames; i++) {
            assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_OK);
            assert_int_equal(picture_crc(&picture), crcs[i]);
        }
    }
    dfy_decoder_close(&decoder);
    memory_free(&file);
}

static void seeks(void **state) {
    (void)state;
    assert_seeks(0, 9);
    assert_seeks(4, 9);
    assert_seeks(4, 40); /* beyond the segment that the run was begun for */
}

/* Whether a picture beyond `shown` gets done while this thread sleeps; some seconds are waited. */
static int others_work(DfyPlayer *player, uint64_t shown) {
    for (int i = 0; i < 2000; i++) {
        for (DfyTask *task = NULL; (task = dfy_ahead_done(player->ahead, task));)
            if (task->number > shown) return 1;
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    return 0;
}

static void by_other_threads(void **state) {
    (void)state;
    MemoryFile file = encode(&clips[0], 3, 60, 0);
    DfyInput input = memory_input(&file);
    DfyV2Reader reader = {0};
    DfyMessage message;
    DfyStream stream;
    DfyBuffer payload = {0};
    assert_int_equal(dfy_v2_reader_open(&reader, &input, &message), DFY_OK);
    assert_int_equal(dfy_v2_read_chunk(&reader, 0, &payload, &message), DFY_OK);
    DfyBytes bytes = dfy_bytes(payload.data, payload.size);
    assert_int_equal(dfy_read_stream(&bytes, &stream, &message), DFY_OK);
    DfyPlayer *player = dfy_player_new(&reader, &stream, &message);
    dfy_player_use_threads(player, 2, 0);
    for (uint64_t frame = 0; frame < 6; frame++) assert_int_equal(dfy_player_go(player, frame), DFY_OK);
    assert_non_null(player->ahead);
    assert_true(others_work(player, 5));
    dfy_player_free(player);
    dfy_buffer_free(&payload);
    dfy_v2_reader_close(&reader);
    memory_free(&file);
}

/* Fewer threads are used rather than more memory. */
static void memory_limit(void **state) {
    (void)state;
    MemoryFile file = encode(&clips[0], 2, 30, 0);
    DfyDecoder *decoder;
    DfyInput input = memory_input(&file);
    DfyDecoderSettings settings;
    dfy_decoder_defaults(&settings);
    settings.threads = 1;
    while (settings.memory_limit_bytes /= 2) { /* the least that one thread does with, to a half */
        if (dfy_decoder_open(&decoder, &input, &settings)) break;
        dfy_decoder_close(&decoder);
    }
    dfy_decoder_close(&decoder);
    settings.memory_limit_bytes *= 2;
    settings.threads = 8;
    assert_int_equal(dfy_decoder_open(&decoder, &input, &settings), DFY_OK);
    DfyPicture picture;
    for (int i = 0; i < 40; i++) assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_OK);
    dfy_decoder_close(&decoder);
    memory_free(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_on_one_thread), cmocka_unit_test(long_term),
                                       cmocka_unit_test(damaged),          cmocka_unit_test(seeks),
                                       cmocka_unit_test(by_other_threads), cmocka_unit_test(memory_limit)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
