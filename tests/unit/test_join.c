/* Joining: pictures and times of the joined file are those of its parts, whatever these are; rubbish is refused. */
#include "v2_clip.h"

enum { PART_FRAMES = 40, PARTS = 3 };

static void encode_part(int part, MemoryFile *file) {
    Clip clip = {.width = 96, .height = 64, .frames = PART_FRAMES, .grain = 2, .dimmed = part == 1 ? 10 : 0};
    DfyEncoderSettings settings = clip_settings(&clip);
    settings.effort = 1;
    settings.segment_seconds = 0.5;
    clip_encode(&clip, &settings, file);
}

/* Joins the files, cut to so many bytes where most is not 0; the status. */
static int join(MemoryFile *files, int count, size_t most, MemoryFile *joined, DfyJoinStats *stats) {
    DfyOutput output = {.write = memory_write, .opaque = joined};
    DfyJoiner *joiner = NULL;
    assert_int_equal(dfy_joiner_open(&joiner, NULL, &output), DFY_OK);
    int status = DFY_OK;
    for (int i = 0; i < count && !status; i++) {
        DfyInput input = memory_input(&files[i]);
        if (most && most < input.size_bytes) input.size_bytes = most;
        status = dfy_joiner_add(joiner, &input);
    }
    if (!status) status = dfy_joiner_finish(joiner, stats);
    assert_true(!status || dfy_last_message(joiner)[0]);
    dfy_joiner_close(&joiner);
    assert_null(joiner);
    return status;
}

static void parts_follow_one_another(void **state) {
    (void)state;
    MemoryFile files[PARTS] = {0}, joined = {0};
    uint32_t alone[PARTS][PART_FRAMES], together[PARTS * PART_FRAMES];
    int64_t times[PARTS][PART_FRAMES], joined_times[PARTS * PART_FRAMES];
    DfyJoinStats stats;
    for (int i = 0; i < PARTS; i++) {
        encode_part(i, &files[i]);
        assert_int_equal(decode_all(&files[i], PART_FRAMES, alone[i], times[i]), PART_FRAMES);
    }
    assert_int_equal(join(files, PARTS, 0, &joined, &stats), DFY_OK);
    assert_int_equal(stats.frames, PARTS * PART_FRAMES);
    assert_int_equal(stats.bytes, joined.size);
    assert_int_equal(stats.damaged + stats.incomplete + stats.lost_bytes, 0);
    assert_int_equal(decode_all(&joined, PARTS * PART_FRAMES, together, joined_times), PARTS * PART_FRAMES);
    assert_memory_equal(together, alone, sizeof together);
    for (int i = 0; i < PARTS * PART_FRAMES; i++) assert_int_equal(joined_times[i], i);
    assert_seeks_to_and_fro(&joined, PARTS * PART_FRAMES, 7, together);
    for (int i = 0; i < PARTS; i++) memory_free(&files[i]);
    memory_free(&joined);
}

/* Wherever a file is cut, what is whole becomes a file that verifies; joined alone, a whole one stays as it is. */
static void a_file_cut_anywhere_is_repaired(void **state) {
    (void)state;
    MemoryFile file = {0};
    uint32_t all[PART_FRAMES], some[PART_FRAMES];
    encode_part(0, &file);
    decode_all(&file, PART_FRAMES, all, NULL);
    uint64_t last = 0;
    for (size_t size = 1; size <= file.size; size += size < file.size - 61 ? 61 : 1) {
        MemoryFile repaired = {0};
        DfyJoinStats stats = {0};
        if (!join(&file, 1, size, &repaired, &stats)) {
            assert_true(stats.frames >= last && stats.frames <= PART_FRAMES);
            last = stats.frames;
            DfyDecoder *decoder = open_decoder(&repaired);
            assert_int_equal(dfy_decoder_verify(decoder), DFY_OK);
            dfy_decoder_close(&decoder);
            assert_int_equal(decode_all(&repaired, PART_FRAMES, some, NULL), stats.frames);
            assert_memory_equal(some, all, stats.frames * sizeof *some);
        } else {
            assert_int_equal(last, 0);
        }
        if (size == file.size) {
            assert_int_equal(repaired.size, file.size);
            assert_memory_equal(repaired.data, file.data, file.size);
        }
        memory_free(&repaired);
    }
    assert_int_equal(last, PART_FRAMES);
    memory_free(&file);
}

/* Bytes that were changed anywhere cost what they stand in; nothing worse happens. */
static void damage_is_left_out(void **state) {
    (void)state;
    MemoryFile file = {0};
    encode_part(2, &file);
    for (uint32_t i = 0; i < 300; i++) {
        MemoryFile files[2] = {{0}, {0}}, joined = {0};
        DfyJoinStats stats = {0};
        for (int k = 0; k < 2; k++) memory_write(&files[k], file.data, file.size);
        for (uint32_t k = 0; k <= i % 4; k++)
            files[i % 2].data[clip_hash(8 * i + k) % file.size] ^= (uint8_t)(1 + clip_hash(8 * i + k + 4) % 255);
        if (!join(files, 2, 0, &joined, &stats)) {
            DfyDecoder *decoder = open_decoder(&joined);
            DfyPicture picture;
            int status;
            while ((status = dfy_decoder_next(decoder, &picture)) != DFY_END && status != DFY_ERROR_MEMORY) continue;
            assert_int_equal(status, DFY_END);
            dfy_decoder_close(&decoder);
        }
        for (int k = 0; k < 2; k++) memory_free(&files[k]);
        memory_free(&joined);
    }
    memory_free(&file);
}

static void what_does_not_belong_is_refused(void **state) {
    (void)state;
    MemoryFile files[2] = {{0}, {0}}, joined = {0};
    DfyJoinStats stats;
    encode_part(0, &files[0]);
    Clip other = {.width = 64, .height = 64, .frames = 5};
    DfyEncoderSettings settings = clip_settings(&other);
    clip_encode(&other, &settings, &files[1]);
    assert_int_equal(join(files, 2, 0, &joined, &stats), DFY_ERROR_ARGUMENT);
    memory_free(&joined);
    assert_int_equal(join(files, 1, 3, &joined, &stats), DFY_ERROR_FORMAT);
    memory_free(&joined);
    assert_int_equal(join(files, 0, 0, &joined, &stats), DFY_ERROR_FORMAT);
    for (int k = 0; k < 2; k++) memory_free(&files[k]);
    memory_free(&joined);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_follow_one_another),
        cmocka_unit_test(a_file_cut_anywhere_is_repaired),
        cmocka_unit_test(damage_is_left_out),
        cmocka_unit_test(what_does_not_belong_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
