/* A scene that becomes another gets a plate of its own, and no picture is ever made on the wrong plate. */
#include "v2_clip.h"

/* Four frames a second: an access point every 33 frames; a plate may be followed by another four access points later.
 */
enum { FRAMES = 420, DIMMED = 100 };

static void encode(MemoryFile *file, int dimmed) {
    Clip clip = {.width = 72, .height = 40, .frames = FRAMES, .grain = 2, .dimmed = dimmed};
    DfyEncoderSettings settings = clip_settings(&clip);
    settings.frame_rate_num = 4;
    clip_encode(&clip, &settings, file);
}

/* Number, and where the last begins and how long it is. */
static int count_plates(MemoryFile *file, uint64_t *offset, uint64_t *bytes) {
    DfyDecoder *decoder = open_decoder(file);
    DfyChunk chunk;
    int count = 0;
    for (uint32_t i = 0; dfy_decoder_chunk(decoder, i, &chunk) == DFY_OK; i++) {
        if (chunk.type != DFY_CHUNK_BACKGROUND) continue;
        count++;
        *offset = chunk.offset_bytes;
        *bytes = chunk.payload_bytes;
    }
    dfy_decoder_close(&decoder);
    return count;
}

static void one_scene_one_plate(void **state) {
    (void)state;
    MemoryFile file = {0};
    uint64_t offset = 0, bytes = 0;
    encode(&file, 0);
    assert_int_equal(count_plates(&file, &offset, &bytes), 1);
    memory_free(&file);
}

static void new_light_new_plate(void **state) {
    (void)state;
    static uint32_t crcs[FRAMES];
    static int64_t pts[FRAMES];
    MemoryFile file = {0};
    uint64_t offset = 0, bytes = 0;
    encode(&file, DIMMED);
    assert_int_equal(count_plates(&file, &offset, &bytes), 2);
    assert_int_equal(decode_all(&file, FRAMES, crcs, pts), FRAMES);
    assert_seeks_to_and_fro(&file, FRAMES, 211, crcs); /* across the change */
    memory_free(&file);
}

/* With the second plate gone, with or without an index to miss it by, frames are lost, none is wrong. */
static void a_lost_plate(void **state) {
    (void)state;
    static uint32_t crcs[FRAMES];
    static int64_t pts[FRAMES];
    for (int index = 0; index < 2; index++)
        for (int where = 0; where < 2; where++) { /* in the head, in the payload */
            MemoryFile file = {0};
            uint64_t offset = 0, bytes = 0;
            encode(&file, DIMMED);
            assert_int_equal(decode_all(&file, FRAMES, crcs, pts), FRAMES);
            assert_int_equal(count_plates(&file, &offset, &bytes), 2);
            file.data[offset + (where ? 8 + bytes / 2 : 3)] ^= 0x55;
            if (!index) file.size -= 20;
            DfyDecoder *decoder = open_decoder(&file);
            DfyPicture picture;
            int played = 0, status;
            while ((status = dfy_decoder_next(decoder, &picture)) != DFY_END) {
                if (status) {
                    assert_int_equal(status, DFY_ERROR_DAMAGED);
                    continue;
                }
                assert_in_range(picture.pts, 0, FRAMES - 1);
                assert_int_equal(picture_crc(&picture), crcs[picture.pts]);
                played++;
            }
            assert_in_range(played, DIMMED, FRAMES - 1);
            dfy_decoder_close(&decoder);
            memory_free(&file);
        }
}

/* However many frames the caller expects, what is written is the same. */
static void expectation_changes_nothing(void **state) {
    (void)state;
    static const uint64_t expected[] = {0, 70, 1000, 5000};
    Clip clip = {.width = 96, .height = 72, .frames = 70, .grain = 3};
    DfyEncoderSettings settings = clip_settings(&clip);
    settings.frame_rate_num = 4;
    MemoryFile first = {0};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        MemoryFile file = {0};
        settings.expected_frames = expected[i];
        clip_encode(&clip, &settings, &file);
        if (i) {
            assert_int_equal(file.size, first.size);
            assert_memory_equal(file.data, first.data, file.size);
            memory_free(&file);
        } else {
            uint64_t offset, bytes;
            first = file;
            assert_true(count_plates(&first, &offset, &bytes) > 0);
        }
    }
    memory_free(&first);
}

/* What a file holds of a chunk's payload; NULL: it has no such chunk. */
static const uint8_t *payload_of(MemoryFile *file, const char *name, size_t *bytes) {
    DfyDecoder *decoder = open_decoder(file);
    DfyChunk chunk;
    const uint8_t *found = NULL;
    for (uint32_t i = 0; !found && !dfy_decoder_chunk(decoder, i, &chunk); i++)
        if (!strcmp(chunk.name, name)) {
            found = file->data + chunk.offset_bytes + 8;
            *bytes = (size_t)chunk.payload_bytes;
        }
    dfy_decoder_close(&decoder);
    return found;
}

/* A background that is given is taken where it is seen, and only there; whatever its bytes are. */
static void given(void **state) {
    (void)state;
    static uint32_t crcs[70];
    Clip clip = {.width = 160, .height = 96, .frames = 70, .grain = 3};
    DfyEncoderSettings settings = clip_settings(&clip);
    MemoryFile first = {0}, second = {0};
    size_t bytes = 0, other_bytes = 0;
    clip_encode(&clip, &settings, &first);
    const uint8_t *plate = payload_of(&first, "BACKGROUND", &bytes);
    assert_non_null(plate);
    settings.background = plate;
    settings.background_bytes = bytes;
    settings.quality = 60; /* at which its own would be another */
    clip_encode(&clip, &settings, &second);
    const uint8_t *other = payload_of(&second, "BACKGROUND", &other_bytes);
    assert_non_null(other);
    assert_int_equal(other_bytes, bytes);
    assert_memory_equal(other, plate, bytes);
    assert_int_equal(decode_all(&second, 70, crcs, NULL), 70);
    memory_free(&second);
    uint8_t *broken = malloc(bytes);
    assert_non_null(broken);
    for (size_t i = 0; i < bytes; i++) broken[i] = (uint8_t)(plate[i] ^ (i * 37 + 90));
    settings.background = broken;
    clip_encode(&clip, &settings, &second);
    other = payload_of(&second, "BACKGROUND", &other_bytes);
    assert_true(!other || other_bytes != bytes || memcmp(other, broken, bytes));
    assert_int_equal(decode_all(&second, 70, crcs, NULL), 70);
    memory_free(&second);
    free(broken);
    memory_free(&first);
}

static void refused(void **state) {
    (void)state;
    Clip clip = {.width = 64, .height = 48};
    for (int wrong = 0; wrong < 4; wrong++) {
        DfyEncoderSettings settings = clip_settings(&clip);
        settings.background = wrong == 0 ? NULL : (const uint8_t *)"plate";
        settings.background_bytes = 5;
        if (wrong == 1) settings.quality = 100;
        if (wrong == 2) settings.format = 1;
        if (wrong == 3) settings.target_size_bytes = 1000, settings.expected_frames = 10;
        assert_refused(&settings);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(expectation_changes_nothing),
                                       cmocka_unit_test(one_scene_one_plate),
                                       cmocka_unit_test(new_light_new_plate),
                                       cmocka_unit_test(a_lost_plate),
                                       cmocka_unit_test(given),
                                       cmocka_unit_test(refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
