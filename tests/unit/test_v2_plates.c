/* A scene that becomes another gets a plate of its own, and no picture is ever made on the wrong plate. */
#include "v2_clip.h"

/* Four frames a second: an entry every 33 frames; a plate may be followed by another four entries later. */
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

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_scene_one_plate), cmocka_unit_test(new_light_new_plate),
                                       cmocka_unit_test(a_lost_plate)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
