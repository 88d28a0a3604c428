/* Files that are read in random order: every frame needs a bounded number of pictures, whatever was read before. */
#include "v2_clip.h"

#include "video/decode/player.h"

#define FRAMES 150

static void assert_access(int pictures, int still) {
    static uint32_t crcs[FRAMES];
    Clip clip = {.width = 96, .height = 72, .frames = FRAMES, .grain = 3, .still = still};
    DfyEncoderSettings settings = clip_settings(&clip);
    MemoryFile file = {0};
    settings.access_pictures = pictures;
    clip_encode(&clip, &settings, &file);
    assert_int_equal(decode_all(&file, FRAMES, crcs, NULL), FRAMES);
    assert_seeks_to_and_fro(&file, FRAMES, 67, crcs);
    DfyDecoder *decoder = open_decoder(&file);
    DfyInfo info;
    assert_int_equal(dfy_decoder_info(decoder, &info), DFY_OK);
    assert_int_equal(info.access_pictures, pictures);
    dfy_decoder_close(&decoder);
    for (int frame = 5; frame < FRAMES; frame += 48) { /* each from a file just opened */
        decoder = open_decoder(&file);
        DfyPicture picture;
        assert_int_equal(dfy_decoder_seek(decoder, (uint64_t)frame), DFY_OK);
        assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_OK);
        assert_int_equal(picture_crc(&picture), crcs[frame]);
        dfy_decoder_close(&decoder);
    }
    memory_free(&file);
}

static void every_limit(void **state) {
    (void)state;
    for (int pictures = 2; pictures <= 7; pictures++) assert_access(pictures, 0);
}

static void still_frames(void **state) {
    (void)state;
    assert_access(4, 1);
}

/* A file whose reads are counted. */
typedef struct Counted {
    MemoryFile *file;
    int reads;
} Counted;

static int64_t counted_read(void *opaque, uint64_t offset, uint8_t *data, size_t size) {
    Counted *counted = opaque;
    counted->reads++;
    return memory_read(counted->file, offset, data, size);
}

/* A player on a file just opened, and what it stands on. */
typedef struct Opened {
    Counted counted;
    DfyV2Reader reader;
    DfyStream stream;
    DfyMessage message;
    DfyPlayer *player;
} Opened;

static void open_player(Opened *o, MemoryFile *file) {
    *o = (Opened){.counted = {.file = file}};
    DfyInput input = {.read = counted_read, .size_bytes = file->size, .opaque = &o->counted};
    DfyBuffer payload = {0};
    assert_int_equal(dfy_v2_reader_open(&o->reader, &input, &o->message), DFY_OK);
    assert_int_equal(dfy_v2_read_chunk(&o->reader, 0, &payload, &o->message), DFY_OK);
    DfyBytes bytes = dfy_bytes(payload.data, payload.size);
    assert_int_equal(dfy_read_stream(&bytes, &o->stream, &o->message), DFY_OK);
    dfy_buffer_free(&payload);
    o->player = dfy_player_new(&o->reader, &o->stream, &o->message);
    assert_non_null(o->player);
    o->counted.reads = 0;
}

static void close_player(Opened *o) {
    dfy_player_free(o->player);
    dfy_v2_reader_close(&o->reader);
}

/* What any frame costs: of a file just opened N + 3 pictures and three reads, later on N pictures. */
static void assert_cost(MemoryFile *file, int pictures, int least_cold) {
    Opened o;
    int dearest = 0;
    for (int frame = 0; frame < FRAMES; frame++) {
        open_player(&o, file);
        assert_int_equal(dfy_player_go(o.player, (uint64_t)frame), DFY_OK);
        int decoded = (int)dfy_player_pictures(o.player);
        if (decoded > dearest) dearest = decoded;
        if (decoded > pictures + 3 || o.counted.reads > 3)
            fail_msg("N = %d: frame %d of a file just opened took %d pictures and %d reads", pictures, frame, decoded,
                     o.counted.reads);
        close_player(&o);
    }
    assert_true(dearest >= least_cold); /* or nothing was counted */
    open_player(&o, file);
    for (int frame = 0; frame < FRAMES; frame++) assert_int_equal(dfy_player_go(o.player, (uint64_t)frame), DFY_OK);
    for (int k = 0; k < FRAMES; k++) {
        uint64_t before = dfy_player_pictures(o.player);
        assert_int_equal(dfy_player_go(o.player, (uint64_t)(k * 67 % FRAMES)), DFY_OK);
        assert_true(dfy_player_pictures(o.player) - before <= (uint64_t)pictures);
    }
    uint64_t bytes = file->size - 20 - o.reader.rows[o.reader.count - 1].offset_bytes -
                     o.reader.rows[o.reader.count - 1].payload_bytes - DFY_V2_OVERHEAD_BYTES;
    assert_true(bytes <= 2 * FRAMES); /* the index */
    close_player(&o);
}

static void costs(void **state) {
    (void)state;
    for (int pictures = 2; pictures <= 7; pictures++)
        for (int still = 0; still < 2; still++) {
            Clip clip = {.width = 96, .height = 72, .frames = FRAMES, .grain = 3, .still = still};
            DfyEncoderSettings settings = clip_settings(&clip);
            MemoryFile file = {0};
            settings.access_pictures = pictures;
            settings.effort = 1;
            clip_encode(&clip, &settings, &file);
            assert_cost(&file, pictures, still ? 1 : dfy_min(pictures, 5) + 2);
            memory_free(&file);
        }
}

/*
 * A frame that is gone to in parts: each part decodes little, and nothing is left in the end. Giving up half way for
 * another frame harms nothing. To go to a frame twice costs nothing more.
 */
static void assert_parts(MemoryFile *file, const uint32_t *crcs, uint64_t most) {
    DfyDecoder *decoder = open_decoder(file);
    DfyPicture picture;
    Opened o;
    open_player(&o, file);
    for (int k = 0, parts = 0; k < 2 * FRAMES; k++, parts = 0) {
        uint64_t frame = (uint64_t)(k * 67 % FRAMES), before = dfy_player_pictures(o.player), last = before;
        for (int more = 1; more; parts++) {
            more = !dfy_player_approach(o.player, frame);
            assert_true(dfy_player_pictures(o.player) - last <= most && parts < 60);
            last = dfy_player_pictures(o.player);
            if (k % 3 == 1 && parts == 1) break;
        }
        if (k % 3 == 1) continue;
        assert_int_equal(dfy_player_go(o.player, frame), DFY_OK);
        assert_int_equal(dfy_player_go(o.player, frame), DFY_OK);
        assert_true(dfy_player_pictures(o.player) == last);
        while (dfy_decoder_approach(decoder, frame) == DFY_OK) {
        }
        assert_int_equal(dfy_decoder_seek(decoder, frame), DFY_OK);
        assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_OK);
        assert_int_equal(picture_crc(&picture), crcs[frame]);
    }
    assert_int_equal(dfy_decoder_approach(decoder, FRAMES), DFY_END);
    dfy_decoder_close(&decoder);
    close_player(&o);
}

static void in_parts(void **state) {
    (void)state;
    for (int access = 0; access <= 4; access += 4) {
        static uint32_t crcs[FRAMES];
        Clip clip = {.width = 96, .height = 72, .frames = FRAMES, .grain = 3};
        DfyEncoderSettings settings = clip_settings(&clip);
        MemoryFile file = {0};
        settings.access_pictures = access;
        settings.effort = 3;
        clip_encode(&clip, &settings, &file);
        assert_int_equal(decode_all(&file, FRAMES, crcs, NULL), FRAMES);
        assert_parts(&file, crcs, access ? 1 : 2);
        memory_free(&file);
    }
}

/* Two bits wrong cost what refers to it: with key anchors that is less than two stretches between them. */
static void damage(void **state) {
    (void)state;
    Clip clip = {.width = 96, .height = 72, .frames = FRAMES, .grain = 3};
    DfyEncoderSettings settings = clip_settings(&clip);
    MemoryFile file = {0};
    static uint32_t crcs[FRAMES];
    settings.access_pictures = 4;
    settings.quality = 60;
    clip_encode(&clip, &settings, &file);
    assert_int_equal(decode_all(&file, FRAMES, crcs, NULL), FRAMES);
    for (int place = 1; place <= 3; place++) {
        size_t at = file.size / 2 + (size_t)place * file.size / 10;
        file.data[at] ^= 9;
        DfyDecoder *decoder = open_decoder(&file);
        DfyPicture picture;
        int played = 0, status;
        while ((status = dfy_decoder_next(decoder, &picture)) != DFY_END) {
            if (status) continue;
            assert_int_equal(picture_crc(&picture), crcs[dfy_decoder_position(decoder) - 1]);
            played++;
        }
        assert_in_range(played, FRAMES - 2 * 32, FRAMES - 1);
        dfy_decoder_close(&decoder);
        file.data[at] ^= 9;
    }
    memory_free(&file);
}

static void refused(void **state) {
    (void)state;
    Clip clip = {.width = 64, .height = 48};
    for (int wrong = 0; wrong < 4; wrong++) {
        DfyEncoderSettings settings = clip_settings(&clip);
        settings.access_pictures = wrong == 0 ? 1 : wrong == 1 ? 8 : 4;
        if (wrong == 2) settings.quality = 100;
        if (wrong == 3) settings.mode = DFY_MODE_UPLOAD;
        assert_refused(&settings);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_limit), cmocka_unit_test(still_frames),
                                       cmocka_unit_test(costs),       cmocka_unit_test(in_parts),
                                       cmocka_unit_test(damage),      cmocka_unit_test(refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
