/* Where the blocks of a decoded picture came from: told as the stream says, the same by playing and by seeking. */
#include "v2_clip.h"

#define MOST 200

/* What the cells of a picture say: how many have each bit, and how many have none. */
typedef struct Tally {
    int cells, earlier, later, plate, kept, skipped, intra;
} Tally;

static Tally tally(DfyDecoder *decoder, int width, int height) {
    DfyOrigins origins;
    assert_int_equal(dfy_decoder_origins(decoder, &origins), DFY_OK);
    assert_int_equal(origins.columns, (width + 7) / 8);
    assert_int_equal(origins.rows, (height + 7) / 8);
    Tally t = {.cells = origins.columns * origins.rows};
    for (int i = 0; i < t.cells; i++) {
        int cell = origins.cells[i];
        t.earlier += (cell & DFY_ORIGIN_EARLIER) != 0;
        t.later += (cell & DFY_ORIGIN_LATER) != 0;
        t.plate += (cell & DFY_ORIGIN_PLATE) != 0;
        t.kept += (cell & DFY_ORIGIN_KEPT) != 0;
        t.skipped += (cell & DFY_ORIGIN_SKIPPED) != 0;
        t.intra += cell == 0;
        assert_int_equal(cell & ~(1 | 2 | 4 | 8 | 128), 0);
    }
    return t;
}

static void play(const MemoryFile *file, const Clip *clip, Tally *tallies) {
    DfyDecoder *decoder = open_decoder((MemoryFile *)file);
    DfyPicture picture;
    for (int i = 0; i < clip->frames; i++) {
        assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_OK);
        tallies[i] = tally(decoder, clip->width, clip->height);
    }
    dfy_decoder_close(&decoder);
}

/* A square over a background: an access point knows the plate alone, the anchor after it nothing later, frames between
 * do. */
static void movement(void **state) {
    (void)state;
    Clip clip = {.width = 172, .height = 100, .frames = 49, .grain = 1};
    DfyEncoderSettings settings = clip_settings(&clip);
    MemoryFile file = {0};
    Tally tallies[MOST];
    clip_encode(&clip, &settings, &file);
    play(&file, &clip, tallies);
    assert_int_equal(tallies[0].earlier + tallies[0].later + tallies[0].kept, 0);
    assert_true(tallies[0].plate > tallies[0].cells / 2);
    assert_int_equal(tallies[0].plate + tallies[0].intra, tallies[0].cells);
    int later = 0, only_earlier = 0, skipped = 0;
    for (int i = 1; i < clip.frames; i++) {
        later += tallies[i].later > 0;
        only_earlier += !tallies[i].later;
        skipped += tallies[i].skipped > tallies[i].cells / 2;
    }
    assert_true(later > clip.frames / 2);         /* pictures inside groups */
    assert_in_range(only_earlier, 2, 2 * 49 / 8); /* anchors */
    assert_true(skipped > clip.frames / 2);
    memory_free(&file);
}

static void still_frames(void **state) {
    (void)state;
    Clip clip = {.width = 64, .height = 48, .frames = 80, .still = 1};
    DfyEncoderSettings settings = clip_settings(&clip);
    MemoryFile file = {0};
    Tally tallies[MOST];
    clip_encode(&clip, &settings, &file);
    play(&file, &clip, tallies);
    for (int i = 1; i < clip.frames; i++) {
        assert_int_equal(tallies[i].earlier, tallies[i].cells);
        assert_int_equal(tallies[i].skipped, tallies[i].cells);
        assert_int_equal(tallies[i].later + tallies[i].plate + tallies[i].kept, 0);
    }
    memory_free(&file);
}

/* Two scenes that the plate can't hold, by turns: when one comes back, it is taken from what was kept of it. */
static void a_scene_comes_back(void **state) {
    (void)state;
    enum { FRAMES = 160, TURN = 32, SIDE = 128 };
    Clip clip = {.width = SIDE, .height = SIDE, .frames = FRAMES};
    DfyEncoderSettings settings = clip_settings(&clip);
    MemoryFile file = {0};
    DfyOutput output = {.write = memory_write, .opaque = &file};
    DfyEncoder *encoder;
    DfyPicture picture = {0};
    assert_int_equal(dfy_picture_alloc(&picture, DFY_PIXELS_I420, SIDE, SIDE), DFY_OK);
    assert_int_equal(dfy_encoder_open(&encoder, &settings, &output), DFY_OK);
    for (int i = 0; i < FRAMES; i++) {
        uint32_t scene = (uint32_t)(i / TURN % 2 + 1);
        for (int p = 0; p < 3; p++)
            for (int y = 0; y < dfy_plane_rows(&picture, p); y++)
                for (int x = 0; x < (int)dfy_plane_row_bytes(&picture, p); x++)
                    dfy_picture_pixels(&picture, p)[y * picture.stride_bytes[p] + x] =
                        (uint8_t)(clip_hash(scene << 20 ^ (uint32_t)(y / 4) << 10 ^ (uint32_t)(x / 4)) % 200 + 20);
        picture.pts = i;
        assert_int_equal(dfy_encoder_push(encoder, &picture), DFY_OK);
    }
    assert_int_equal(dfy_encoder_finish(encoder, NULL), DFY_OK);
    dfy_encoder_close(&encoder);
    dfy_picture_free(&picture);
    Tally tallies[MOST];
    play(&file, &clip, tallies);
    int most_kept = 0, most_intra = 0;
    for (int i = 0; i < 2 * TURN; i++)
        if (tallies[i].intra > most_intra) most_intra = tallies[i].intra;
    for (int i = 2 * TURN; i < FRAMES; i++)
        if (tallies[i].kept > most_kept) most_kept = tallies[i].kept;
    assert_true(most_intra > tallies[0].cells / 16); /* elsewhere there are none; noise is as like other noise */
    assert_true(most_kept > tallies[0].cells / 2);
    memory_free(&file);
}

/* The frame sought is the one looked at, and nothing is told between seeking and the next picture. */
static void seeking(void **state) {
    (void)state;
    Clip clip = {.width = 96, .height = 64, .frames = 90, .grain = 2};
    DfyEncoderSettings settings = clip_settings(&clip);
    MemoryFile file = {0};
    Tally tallies[MOST];
    clip_encode(&clip, &settings, &file);
    play(&file, &clip, tallies);
    DfyDecoder *decoder = open_decoder(&file);
    DfyPicture picture;
    DfyOrigins origins;
    assert_int_equal(dfy_decoder_origins(decoder, &origins), DFY_ERROR_ARGUMENT);
    for (int k = 0; k < clip.frames; k++) {
        int frame = k * 37 % clip.frames;
        assert_int_equal(dfy_decoder_seek(decoder, (uint64_t)frame), DFY_OK);
        assert_int_equal(dfy_decoder_origins(decoder, &origins), DFY_ERROR_ARGUMENT);
        assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_OK);
        Tally t = tally(decoder, clip.width, clip.height);
        assert_memory_equal(&t, &tallies[frame], sizeof t);
    }
    assert_int_equal(dfy_decoder_origins(decoder, NULL), DFY_ERROR_ARGUMENT);
    dfy_decoder_close(&decoder);
    memory_free(&file);
}

static void files_without_blocks(void **state) {
    (void)state;
    Clip clip = {.width = 48, .height = 32, .frames = 12};
    for (int format = 1; format <= 2; format++) {
        DfyEncoderSettings settings = clip_settings(&clip);
        settings.format = format;
        if (format == 2) settings.quality = 100;
        MemoryFile file = {0};
        clip_encode(&clip, &settings, &file);
        DfyDecoder *decoder = open_decoder(&file);
        DfyPicture picture;
        DfyOrigins origins;
        assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_OK);
        assert_int_equal(dfy_decoder_origins(decoder, &origins), DFY_ERROR_UNSUPPORTED);
        assert_non_null(strstr(dfy_last_message(decoder), "blocks"));
        assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_OK); /* and it plays on */
        dfy_decoder_close(&decoder);
        memory_free(&file);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(movement), cmocka_unit_test(still_frames),         cmocka_unit_test(a_scene_comes_back),
        cmocka_unit_test(seeking),  cmocka_unit_test(files_without_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
