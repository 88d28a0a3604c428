/*
 * Long-term references: later cycles of the work take their pictures from an earlier one. That it pays, that every
 * frame is the same however one gets to it, that threads change nothing, and that a file which names what is not there
 * loses frames and no more.
 */
#include "v2_clip.h"

#include "base/bytes.h"
#include "video/syntax/stream.h"

#define CYCLE 45
#define FRAMES 400
#define WIDTH 96
#define HEIGHT 64

static MemoryFile whole;
static uint32_t crcs[FRAMES];

/* The same film again and again from where `again` says, under other noise. */
static void encode_film(const DfyEncoderSettings *settings, int frames, int cycle, MemoryFile *file) {
    Clip film = {.width = WIDTH, .height = HEIGHT};
    DfyEncoder *encoder;
    DfyPicture picture = {0};
    DfyOutput output = {.write = memory_write, .opaque = file};
    assert_int_equal(dfy_encoder_open(&encoder, settings, &output), DFY_OK);
    for (int i = 0; i < frames; i++) {
        clip_draw(&film, i % cycle, &picture);
        picture.pts = i;
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++)
                dfy_picture_pixels(&picture, 0)[y * picture.stride_bytes[0] + x] +=
                    clip_hash((uint32_t)(i << 16 | y << 8 | x)) % 4;
        assert_int_equal(dfy_encoder_push(encoder, &picture), DFY_OK);
    }
    assert_int_equal(dfy_encoder_finish(encoder, NULL), DFY_OK);
    dfy_encoder_close(&encoder);
    dfy_picture_free(&picture);
}

static DfyEncoderSettings film_settings(void) {
    Clip film = {.width = WIDTH, .height = HEIGHT};
    DfyEncoderSettings settings = clip_settings(&film);
    settings.effort = 4;
    settings.frame_rate_num = 15; /* an access point every 13 seconds, every 6 with a long-term set */
    settings.quality = 60;
    return settings;
}

static int make_whole(void **state) {
    (void)state;
    DfyEncoderSettings settings = film_settings();
    encode_film(&settings, FRAMES, CYCLE, &whole);
    return decode_all(&whole, FRAMES, crcs, NULL) != FRAMES;
}

static int free_whole(void **state) {
    (void)state;
    memory_free(&whole);
    return 0;
}

/* What a file's segments say of long-term references. */
typedef struct Told {
    int segments, access_points; /* that have a long-term set; and those that decoding can begin at */
    uint64_t bytes;              /* of them */
    size_t first;                /* index of the first chunk that has one */
    size_t before;               /* and of the segment before it, which is in the set */
    DfySegment segment;
} Told;

static Told look(MemoryFile *file) {
    Told told = {0};
    DfyV2Reader reader;
    DfyInput input = memory_input(file);
    DfyMessage message;
    DfyBuffer payload = {0};
    assert_int_equal(dfy_v2_reader_open(&reader, &input, &message), DFY_OK);
    for (size_t i = 0; i < reader.count; i++) {
        if (reader.rows[i].type != DFY_CHUNK_SEGMENT) continue;
        assert_int_equal(dfy_v2_read_chunk(&reader, i, &payload, &message), DFY_OK);
        DfyBytes bytes = dfy_bytes(payload.data, payload.size);
        DfySegment segment;
        assert_int_equal(dfy_read_segment(&bytes, &segment), DFY_OK);
        if (!told.segments && !segment.long_term_frames) told.before = i;
        if (!segment.long_term_frames) continue;
        if (!told.segments++) {
            told.first = i;
            told.segment = segment;
        }
        told.access_points += reader.rows[i].flags & DFY_CHUNK_ACCESS_POINT;
        told.bytes += payload.size;
    }
    dfy_buffer_free(&payload);
    dfy_v2_reader_close(&reader);
    return told;
}

static void pays(void **state) {
    (void)state;
    Told told = look(&whole);
    assert_true(told.segments > 1);
    assert_true(told.access_points > 0); /* entered again without being made again */
    assert_int_equal(told.segment.long_term_first, 0);
    assert_in_range(told.segment.long_term_frames, CYCLE, 4 * CYCLE);
    assert_int_equal(told.segment.first_frame, told.segment.long_term_frames);
    uint64_t later = FRAMES - told.segment.first_frame, before = whole.size - told.bytes;
    /* A frame costs less than half of one of the first cycles'. */
    assert_true(2 * told.bytes * told.segment.long_term_frames < before * later);
}

static void seeking(void **state) {
    (void)state;
    for (int step = 7; step < 400; step += 196) assert_seeks_to_and_fro(&whole, FRAMES, step, crcs);
    DfyDecoder *decoder = open_decoder(&whole);
    DfyPicture picture;
    for (int frame = FRAMES - 1; frame > 0; frame -= 23) { /* and on from there, across groups and access points */
        assert_int_equal(dfy_decoder_seek(decoder, (uint64_t)frame), DFY_OK);
        for (int i = frame; i < frame + 70 && i < FRAMES; i++) {
            assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_OK);
            assert_int_equal(picture_crc(&picture), crcs[i]);
        }
    }
    dfy_decoder_close(&decoder);
}

/* In upload mode a set serves what is no clone; a clone's source may refer to it, and none lies among its frames. */
static void beside_clones(void **state) {
    (void)state;
    const double distances[] = {0.1, 6}; /* hardly any frame is near enough to be a clone; nearly all are */
    int sets = 0;
    uint64_t clones = 0;
    for (int i = 0; i < 2; i++) {
        MemoryFile file = {0};
        static uint32_t own[FRAMES];
        DfyEncoderSettings settings = film_settings();
        settings.mode = DFY_MODE_UPLOAD;
        settings.clone_distance = distances[i];
        encode_film(&settings, FRAMES, CYCLE, &file);
        assert_int_equal(decode_all(&file, FRAMES, own, NULL), FRAMES);
        assert_seeks_to_and_fro(&file, FRAMES, 97, own);
        DfyDecoder *decoder = open_decoder(&file);
        DfyInfo info;
        assert_int_equal(dfy_decoder_info(decoder, &info), DFY_OK);
        clones += info.clone_frames;
        sets += look(&file).segments;
        printf("distance %.1f: %d segments with a set, %d clones, %zu bytes\n", distances[i], look(&file).segments,
               (int)info.clone_frames, file.size);
        dfy_decoder_close(&decoder);
        memory_free(&file);
    }
    assert_true(sets > 0);
    assert_true(clones > 0);
}

static void threads(void **state) {
    (void)state;
    MemoryFile file = {0};
    DfyEncoderSettings settings = film_settings();
    settings.threads = 3;
    encode_film(&settings, FRAMES, CYCLE, &file);
    assert_int_equal(file.size, whole.size);
    assert_memory_equal(file.data, whole.data, whole.size);
    memory_free(&file);
}

/* For a stated size groups are coded more than once near the end. */
static void stated_size(void **state) {
    (void)state;
    MemoryFile file = {0};
    DfyEncoderSettings settings = film_settings();
    settings.target_size_bytes = 12000;
    settings.expected_frames = FRAMES;
    encode_film(&settings, FRAMES, CYCLE, &file);
    assert_true(look(&file).segments > 0);
    assert_in_range(file.size, 10000, 13000);
    assert_int_equal(decode_all(&file, FRAMES, NULL, NULL), FRAMES);
    memory_free(&file);
}

/* What does not come again, what shows earlier frames itself, and what loses nothing have none. */
static void none(void **state) {
    (void)state;
    MemoryFile file = {0};
    DfyEncoderSettings settings = film_settings();
    Clip clip = {.width = WIDTH, .height = HEIGHT, .frames = 200, .grain = 2, .still = 1};
    clip_encode(&clip, &settings, &file);
    assert_int_equal(look(&file).segments, 0);
    memory_free(&file);
    settings.mode = DFY_MODE_UPLOAD;
    encode_film(&settings, FRAMES, CYCLE, &file);
    assert_int_equal(look(&file).segments, 0);
    memory_free(&file);
    settings.mode = DFY_MODE_TRAINING;
    settings.quality = 100;
    encode_film(&settings, 3 * CYCLE, CYCLE, &file);
    assert_int_equal(look(&file).segments, 0);
    memory_free(&file);
}

/* ---------------------------------------------------------------- files that are not as they should be */

/* Plays to the end: pictures are the original's or lost. Returns how many play. */
static int play(MemoryFile *file) {
    DfyDecoder *decoder = open_decoder(file);
    DfyPicture picture;
    int frames = 0, status;
    for (int calls = 0; (status = dfy_decoder_next(decoder, &picture)) != DFY_END; calls++) {
        assert_true(calls < 2 * FRAMES);
        if (status) assert_int_equal(status, DFY_ERROR_DAMAGED);
        if (status) continue;
        assert_int_equal(picture_crc(&picture), crcs[dfy_decoder_position(decoder) - 1]);
        frames++;
    }
    for (uint64_t i = 3; i < FRAMES; i += 41)
        if (!dfy_decoder_seek(decoder, i)) dfy_decoder_next(decoder, &picture);
    dfy_decoder_close(&decoder);
    return frames;
}

/* A copy of the file in which the segments that have a long-term set say another. */
static MemoryFile with_long_term(uint64_t back, uint64_t frames, int broken_chunk) {
    MemoryFile file = {0};
    DfyV2Reader reader;
    DfyV2Writer writer;
    DfyInput input = memory_input(&whole);
    DfyOutput output = {.write = memory_write, .opaque = &file};
    DfyMessage message;
    DfyBuffer payload = {0};
    assert_int_equal(dfy_v2_reader_open(&reader, &input, &message), DFY_OK);
    assert_int_equal(dfy_v2_writer_open(&writer, &output), DFY_OK);
    for (size_t i = 0; i < reader.count; i++) {
        const DfyV2Row *e = &reader.rows[i];
        DfySegment segment;
        assert_int_equal(dfy_v2_read_chunk(&reader, i, &payload, &message), DFY_OK);
        DfyBytes bytes = dfy_bytes(payload.data, payload.size);
        DfyBuffer changed = {0};
        if (e->type == DFY_CHUNK_SEGMENT && !dfy_read_segment(&bytes, &segment) && segment.long_term_frames && frames) {
            dfy_put_varint(&changed, segment.first_frame);
            dfy_put_varint(&changed, segment.frames);
            dfy_put_u8(&changed, segment.flags);
            if (segment.plates) dfy_put_varint(&changed, segment.plates);
            dfy_put_varint(&changed, back ? back : segment.first_frame - segment.long_term_first);
            dfy_put_varint(&changed, frames);
            dfy_put_u16be(&changed, dfy_crc16(0, changed.data, changed.size)); /* no times come between */
            dfy_put_bytes(&changed, payload.data + bytes.position + 2, payload.size - bytes.position - 2);
        } else {
            dfy_put_bytes(&changed, payload.data, payload.size);
        }
        dfy_v2_write_chunk(&writer, e->type, e->flags, changed.data, changed.size, e->first_frame, e->frames);
        if ((int)i == broken_chunk) file.data[file.size - 4 - changed.size] ^= 3; /* its head: all of it is lost */
        dfy_buffer_free(&changed);
    }
    assert_int_equal(dfy_v2_writer_finish(&writer), DFY_OK);
    dfy_v2_writer_close(&writer);
    dfy_v2_reader_close(&reader);
    dfy_buffer_free(&payload);
    return file;
}

static void hostile(void **state) {
    (void)state;
    Told told = look(&whole);
    int plain = (int)told.segment.first_frame;
    MemoryFile file = with_long_term(0, 0, -1);
    assert_int_equal(play(&file), FRAMES);
    memory_free(&file);
    static const uint64_t sets[][2] = {
        {0, 1},          /* shorter than what is named */
        {0, 1 << 20},    /* longer than there may be */
        {1, 2},          /* not yet there */
        {1 << 20, 50},   /* before the first frame */
        {UINT64_MAX, 9}, /* and far before */
    };
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        file = with_long_term(sets[i][0], sets[i][1], -1);
        assert_in_range(play(&file), plain,
                        i ? plain : plain + 1); /* a first frame that is the long-term set's first plays */
        memory_free(&file);
    }
    /* Other frames than were meant, in segments that have a long-term set themselves: wrong pictures at the worst. */
    for (uint64_t back = 1; back < 40; back += 6) {
        file = with_long_term(back, back, -1);
        DfyDecoder *decoder = open_decoder(&file);
        DfyPicture picture;
        int calls = 0;
        while (dfy_decoder_next(decoder, &picture) != DFY_END) assert_true(++calls < 2 * FRAMES);
        dfy_decoder_close(&decoder);
        memory_free(&file);
    }
}

/* Where the long-term set itself is damaged, so is what refers to it, and nothing else. */
static void damaged(void **state) {
    (void)state;
    Told told = look(&whole);
    MemoryFile file = with_long_term(0, 0, (int)told.before);
    assert_true(play(&file) < (int)told.segment.first_frame);
    memory_free(&file);
    file = with_long_term(0, 0, (int)told.first); /* the first that refers to it */
    int frames = play(&file);
    assert_in_range(frames, told.segment.first_frame, FRAMES - told.segment.frames);
    memory_free(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pays),    cmocka_unit_test(seeking),     cmocka_unit_test(beside_clones),
        cmocka_unit_test(threads), cmocka_unit_test(stated_size), cmocka_unit_test(none),
        cmocka_unit_test(hostile), cmocka_unit_test(damaged),
    };
    return cmocka_run_group_tests(tests, make_whole, free_whole);
}
