/* Episodes: ranges of frames with names, in every mode; what names may be; what joining and damage leave of them. */
#include "v2_clip.h"

#include "video/syntax/episode_list.h"

enum { FRAMES = 90 };

/* Encodes a clip, of which an episode begins at each of the frames (ascending, -1 behind the last). */
static void encode_episodes(const Clip *clip, const DfyEncoderSettings *settings, const int *begins, MemoryFile *file) {
    DfyOutput output = {.write = memory_write, .opaque = file};
    DfyEncoder *encoder = NULL;
    DfyPicture picture = {.format = DFY_PIXELS_I420};
    assert_int_equal(dfy_encoder_open(&encoder, settings, &output), DFY_OK);
    for (int i = 0, k = 0; i < clip->frames; i++) {
        char name[32];
        snprintf(name, sizeof name, "episode %d", k);
        if (begins[k] == i) assert_int_equal(dfy_encoder_begin_episode(encoder, name), DFY_OK), k++;
        clip_draw(clip, i, &picture);
        assert_int_equal(dfy_encoder_push(encoder, &picture), DFY_OK);
    }
    assert_int_equal(dfy_encoder_finish(encoder, NULL), DFY_OK);
    dfy_encoder_close(&encoder);
    dfy_picture_free(&picture);
}

static uint32_t episode_count(DfyDecoder *decoder) {
    DfyInfo info;
    assert_int_equal(dfy_decoder_info(decoder, &info), DFY_OK);
    return info.episodes;
}

static void assert_episode(DfyDecoder *decoder, uint32_t index, const char *name, uint64_t first, uint64_t frames) {
    DfyEpisode episode, found;
    assert_int_equal(dfy_decoder_episode(decoder, index, &episode), DFY_OK);
    assert_string_equal(episode.name, name);
    assert_int_equal(episode.first_frame, first);
    assert_int_equal(episode.frames, frames);
    assert_int_equal(dfy_decoder_find_episode(decoder, name, &found), DFY_OK);
    assert_int_equal(found.first_frame, first);
}

static void assert_file(const MemoryFile *file, const Clip *clip) {
    static uint32_t crcs[FRAMES];
    MemoryFile copy = *file;
    assert_int_equal(decode_all(&copy, clip->frames, crcs, NULL), clip->frames);
    assert_seeks_to_and_fro(&copy, clip->frames, 31, crcs);
    DfyDecoder *decoder = open_decoder(&copy);
    assert_int_equal(dfy_decoder_verify(decoder), DFY_OK);
    assert_int_equal(episode_count(decoder), 4);
    assert_episode(decoder, 0, "episode 0", 0, 41);
    assert_episode(decoder, 1, "episode 1", 41, 1);
    assert_episode(decoder, 2, "episode 2", 42, 30);
    assert_episode(decoder, 3, "episode 3", 72, 18);
    DfyEpisode episode;
    assert_int_equal(dfy_decoder_episode(decoder, 2, &episode), DFY_OK);
    assert_true(episode.start_seconds > 42 / 30.0 - 1e-9 && episode.start_seconds < 42 / 30.0 + 1e-9);
    assert_true(episode.seconds > 1 - 1e-9 && episode.seconds < 1 + 1e-9);
    assert_int_equal(dfy_decoder_episode(decoder, 4, &episode), DFY_ERROR_ARGUMENT);
    assert_int_equal(dfy_decoder_find_episode(decoder, "episode 4", &episode), DFY_ERROR_ARGUMENT);
    assert_non_null(strstr(dfy_last_message(decoder), "no episode episode 4"));
    dfy_decoder_close(&decoder);
}

static void every_mode(void **state) {
    (void)state;
    static const int begins[] = {0, 41, 42, 72, -1};
    for (int mode = 0; mode < 4; mode++) {
        Clip clip = {.width = 96, .height = 64, .frames = FRAMES, .grain = 2, .still = mode == 3};
        DfyEncoderSettings settings = clip_settings(&clip);
        MemoryFile file = {0};
        settings.effort = 1;
        if (mode == 1) settings.access_pictures = 4;
        if (mode == 2) settings.quality = 100;
        if (mode == 3) settings.mode = DFY_MODE_UPLOAD;
        encode_episodes(&clip, &settings, begins, &file);
        assert_file(&file, &clip);
        memory_free(&file);
    }
}

/* More than a chunk's; the first may begin behind frame 0. */
static void many(void **state) {
    (void)state;
    int begins[72];
    for (int i = 0; i < 71; i++) begins[i] = 5 + i;
    begins[71] = -1;
    Clip clip = {.width = 32, .height = 32, .frames = FRAMES};
    DfyEncoderSettings settings = clip_settings(&clip);
    MemoryFile file = {0};
    settings.effort = 1;
    encode_episodes(&clip, &settings, begins, &file);
    DfyDecoder *decoder = open_decoder(&file);
    assert_int_equal(episode_count(decoder), 71);
    assert_episode(decoder, 0, "episode 0", 5, 1);
    assert_episode(decoder, 70, "episode 70", 75, 15);
    DfyInfo info;
    DfyChunk chunk;
    int chunks = 0;
    dfy_decoder_info(decoder, &info);
    for (uint32_t i = 0; i < info.chunks; i++)
        chunks += !dfy_decoder_chunk(decoder, i, &chunk) && chunk.type == DFY_CHUNK_EPISODES;
    assert_int_equal(chunks, 3);
    dfy_decoder_close(&decoder);
    memory_free(&file);
}

static void names(void **state) {
    (void)state;
    Clip clip = {.width = 32, .height = 32, .frames = 1};
    DfyEncoderSettings settings = clip_settings(&clip);
    MemoryFile file = {0};
    DfyOutput output = {.write = memory_write, .opaque = &file};
    DfyEncoder *encoder = NULL;
    DfyPicture picture = {.format = DFY_PIXELS_I420};
    char longest[258];
    static const char *const bad[] = {"",    "a\nb", "\x7f", "\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                      "\xc3"};
    memset(longest, 'n', sizeof longest);
    longest[256] = 0;
    assert_int_equal(dfy_encoder_open(&encoder, &settings, &output), DFY_OK);
    assert_int_equal(dfy_encoder_begin_episode(encoder, longest), DFY_ERROR_ARGUMENT);
    assert_int_equal(dfy_encoder_begin_episode(encoder, NULL), DFY_ERROR_ARGUMENT);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(dfy_encoder_begin_episode(encoder, bad[i]), DFY_ERROR_ARGUMENT);
    assert_true(dfy_last_message(encoder)[0]);
    assert_int_equal(dfy_encoder_begin_episode(encoder, "nobody's"), DFY_OK); /* of no frames: there is none */
    longest[255] = 0;
    assert_int_equal(dfy_encoder_begin_episode(encoder, longest), DFY_OK);
    clip_draw(&clip, 0, &picture);
    assert_int_equal(dfy_encoder_push(encoder, &picture), DFY_OK);
    assert_int_equal(dfy_encoder_begin_episode(encoder, longest), DFY_ERROR_ARGUMENT);
    assert_int_equal(dfy_encoder_begin_episode(encoder, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), DFY_OK);
    assert_int_equal(dfy_encoder_finish(encoder, NULL), DFY_OK);
    dfy_encoder_close(&encoder);
    DfyDecoder *decoder = open_decoder(&file);
    assert_int_equal(episode_count(decoder), 1);
    assert_episode(decoder, 0, longest, 0, 1);
    dfy_decoder_close(&decoder);
    dfy_picture_free(&picture);
    memory_free(&file);
}

static void joined(void **state) {
    (void)state;
    static const int begins[] = {0, 41, 42, 72, -1};
    Clip clip = {.width = 96, .height = 64, .frames = FRAMES};
    DfyEncoderSettings settings = clip_settings(&clip);
    MemoryFile file = {0}, both = {0};
    settings.effort = 1;
    encode_episodes(&clip, &settings, begins, &file);
    join_two(&both, &file, &file);
    DfyDecoder *decoder = open_decoder(&both);
    DfyEpisode episode;
    assert_int_equal(episode_count(decoder), 8);
    assert_episode(decoder, 0, "episode 0", 0, 41);
    assert_int_equal(dfy_decoder_episode(decoder, 6, &episode), DFY_OK);
    assert_int_equal(episode.first_frame, FRAMES + 42);
    dfy_decoder_close(&decoder);
    /* Of a cut file the names are lost, not the frames. */
    size_t at = 4;
    while (both.data[at] != DFY_CHUNK_EPISODES)
        at += 12 +
              ((size_t)both.data[at + 2] << 24 | both.data[at + 3] << 16 | both.data[at + 4] << 8 | both.data[at + 5]);
    both.size = at + 20;
    decoder = open_decoder(&both);
    assert_int_equal(episode_count(decoder), 0);
    DfyInfo info;
    dfy_decoder_info(decoder, &info);
    assert_int_equal(info.frames, FRAMES);
    dfy_decoder_close(&decoder);
    memory_free(&file);
    memory_free(&both);
}

/* Lists that nobody wrote: read as far as they make sense. */
static void hostile_lists(void **state) {
    (void)state;
    static const uint8_t good[] = {0, 10, 1, 'a', 5, 10, 2, 'b', 'c'};
    static const struct {
        uint8_t bytes[16];
        size_t size;
        uint32_t count;
    } lists[] = {
        {{0, 10, 1, 'a', 5, 10, 2, 'b', 'c'}, 9, 2},
        {{0, 10, 1, 'a', 5, 86, 1, 'b'}, 8, 1},
        {{0, 0, 1, 'a'}, 4, 0},
        {{0, 1, 0}, 3, 0},
        {{0, 1, 200, 1, 'a'}, 5, 0},
        {{0, 1, 1, 0xff}, 4, 0},
        {{101, 1, 1, 'a'}, 4, 0},
        {{0, 101, 1, 'a'}, 4, 0},
        {{0, 100, 1, 'a'}, 4, 1},
        {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 1, 1, 'a'}, 13, 0},
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        DfyEpisodeList list = {0};
        DfyBytes bytes = dfy_bytes(lists[i].bytes, lists[i].size);
        assert_int_equal(dfy_read_episodes(&bytes, 100, &list), DFY_OK);
        assert_int_equal(list.count, lists[i].count);
        dfy_episode_list_free(&list);
    }
    DfyEpisodeList list = {0};
    for (int twice = 0; twice < 2; twice++) { /* a second list that goes back is not taken */
        DfyBytes bytes = dfy_bytes(good, sizeof good);
        assert_int_equal(dfy_read_episodes(&bytes, 100, &list), DFY_OK);
        assert_int_equal(list.count, 2);
    }
    DfyBuffer again = {0};
    dfy_put_episodes(&again, &list, 0);
    assert_int_equal(again.size, sizeof good);
    assert_memory_equal(again.data, good, sizeof good);
    dfy_buffer_free(&again);
    dfy_episode_list_free(&list);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_mode), cmocka_unit_test(many), cmocka_unit_test(names),
                                       cmocka_unit_test(joined), cmocka_unit_test(hostile_lists)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
