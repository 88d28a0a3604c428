/*
 * Clones in version 2 files: in upload mode repetitions show what they repeat, whatever their speed; no frame and no
 * time is lost, nothing that was not there before is hidden, and seeking, damage and hostile chunks are as elsewhere.
 */
#include "v2_clip.h"
#include "video/syntax/stream.h"

#include <math.h>

#include "video/encode/lookahead/clone_finder.h"
#include "video/encode/lookahead/pyramid.h"
#include "video/syntax/clones.h"

#define WIDTH 160
#define HEIGHT 96
#define MOST 500
#define PI 3.14159265358979

/* A disc goes round and round, never twice at the same speed; in one round something small crosses the picture. */
typedef struct Film {
    int rounds, intruder; /* the round that it comes in, -1: none */
    int grain;
} Film;

static const int round_frames[] = {60, 64, 75, 45, 60, 58, 70};

static int film_frames(const Film *film) {
    int frames = 0;
    for (int i = 0; i < film->rounds; i++) frames += round_frames[i];
    return frames;
}

/* The round that a frame lies in; *phase: how far, 0 to 1. */
static int round_of(int frame, double *phase) {
    int i = 0;
    while (frame >= round_frames[i]) frame -= round_frames[i++];
    *phase = (double)frame / round_frames[i];
    return i;
}

static int has_intruder(const Film *film, int frame) {
    double phase;
    return round_of(frame, &phase) == film->intruder && phase > 0.3 && phase < 0.8;
}

/* Where the disc and the intruder are in a frame. */
typedef struct Places {
    float x, y, intruder_x;
    int has_intruder;
} Places;

static Places places_of(const Film *film, int frame) {
    double phase;
    round_of(frame, &phase);
    return (Places){.x = (float)(80 + 50 * cos(2 * PI * phase)),
                    .y = (float)(48 + 24 * sin(2 * PI * phase)),
                    .intruder_x = (float)(10 + 140 * phase),
                    .has_intruder = has_intruder(film, frame)};
}

static int film_sample(const Film *film, const Places *at, int frame, int plane, int x, int y) {
    float size = plane ? 0.5f : 1, dx = (float)x - size * at->x, dy = (float)y - size * at->y;
    int value = 90 + 10 * plane + (x * 3 + y * 5) % 32;
    if (dx * dx + dy * dy < size * size * 256) value = 40 + 40 * plane + ((int)(dx + 64) & 3) * 4;
    if (at->has_intruder && fabsf((float)x - size * at->intruder_x) < 7 * size &&
        fabsf((float)y - size * 12) < 7 * size)
        value += 45;
    if (film->grain)
        value += (int)(clip_hash((uint32_t)(frame * 3 + plane) << 22 ^ (uint32_t)y << 11 ^ (uint32_t)x) %
                       (2u * (unsigned)film->grain + 1)) -
                 film->grain;
    return value;
}

static int64_t film_pts(int frame) {
    return (int64_t)frame * 40 + frame % 7 * 3 - (frame > 20 ? 0 : 5);
}

static void film_draw(const Film *film, int frame, DfyPicture *picture) {
    if (!picture->plane[0]) assert_int_equal(dfy_picture_alloc(picture, DFY_PIXELS_I420, WIDTH, HEIGHT), DFY_OK);
    Places at = places_of(film, frame);
    for (int p = 0; p < 3; p++)
        for (int y = 0; y < dfy_plane_rows(picture, p); y++)
            for (int x = 0; x < (int)dfy_plane_row_bytes(picture, p); x++)
                dfy_picture_pixels(picture, p)[y * picture->stride_bytes[p] + x] =
                    (uint8_t)film_sample(film, &at, frame, p, x, y);
    picture->pts = film_pts(frame);
}

static DfyEncoderSettings film_settings(DfyMode mode) {
    DfyEncoderSettings settings;
    dfy_encoder_defaults(&settings);
    settings.width = WIDTH;
    settings.height = HEIGHT;
    settings.effort = 1;
    settings.threads = 1;
    settings.mode = mode;
    settings.time_base_num = 1;
    settings.time_base_den = 1200;
    return settings;
}

static void film_encode(const Film *film, const DfyEncoderSettings *settings, MemoryFile *file) {
    DfyEncoder *encoder;
    DfyPicture picture = {0};
    DfyEncoderStats stats;
    DfyOutput output = {.write = memory_write, .opaque = file};
    assert_int_equal(dfy_encoder_open(&encoder, settings, &output), DFY_OK);
    for (int i = 0; i < film_frames(film); i++) {
        film_draw(film, i, &picture);
        assert_int_equal(dfy_encoder_push(encoder, &picture), DFY_OK);
    }
    assert_int_equal(dfy_encoder_finish(encoder, &stats), DFY_OK);
    assert_int_equal(stats.frames, film_frames(film));
    dfy_encoder_close(&encoder);
    dfy_picture_free(&picture);
}

/* Which frame each frame of a file shows: itself, or a clone's source. Returns how many are clones. */
static int read_map(MemoryFile *file, int frames, int map[MOST]) {
    DfyV2Reader reader;
    DfyInput input = memory_input(file);
    DfyMessage message;
    DfyBuffer payload = {0};
    int clones = 0;
    for (int i = 0; i < frames; i++) map[i] = i;
    assert_int_equal(dfy_v2_reader_open(&reader, &input, &message), DFY_OK);
    for (size_t i = 0; i < reader.count; i++) {
        if (reader.rows[i].type != DFY_CHUNK_CLONE) continue;
        DfySegment head;
        int64_t pts[MOST];
        uint64_t sources[MOST];
        assert_int_equal(dfy_v2_read_chunk(&reader, i, &payload, &message), DFY_OK);
        DfyBytes bytes = dfy_bytes(payload.data, payload.size);
        assert_int_equal(dfy_read_segment(&bytes, &head), DFY_OK);
        assert_int_equal(head.first_frame, reader.rows[i].first_frame);
        assert_int_equal(head.frames, reader.rows[i].frames);
        assert_true(head.first_frame + head.frames <= (uint64_t)frames);
        dfy_read_times(&bytes, &head, 40, pts);
        assert_int_equal(dfy_read_sources(&bytes, &head, sources), DFY_OK);
        for (uint64_t k = 0; k < head.frames; k++) map[head.first_frame + k] = (int)sources[k];
        clones += (int)head.frames;
    }
    dfy_buffer_free(&payload);
    dfy_v2_reader_close(&reader);
    return clones;
}

static double cell_mean(const DfyPicture *picture, int left, int top) {
    int sum = 0;
    for (int y = top; y < top + 8; y++)
        for (int x = left; x < left + 8; x++) sum += picture->plane[0][y * picture->stride_bytes[0] + x];
    return sum / 64.0;
}

/* What is promised of a clone, for pictures that have a cell for each 8 x 8 pixels. */
static void assert_alike(const Film *film, int frame, int source) {
    static DfyPicture picture[4];
    double sum = 0;
    int cells = 0;
    film_draw(film, frame, &picture[0]);
    for (int i = 0; i < 3; i++) film_draw(film, source - 1 + i < 0 ? 0 : source - 1 + i, &picture[1 + i]);
    for (int y = 0; y < HEIGHT; y += 8)
        for (int x = 0; x < WIDTH; x += 8, cells++) {
            double own = cell_mean(&picture[0], x, y), low = 255, high = 0;
            for (int i = 1; i < 4; i++) {
                low = fmin(low, cell_mean(&picture[i], x, y));
                high = fmax(high, cell_mean(&picture[i], x, y));
            }
            sum += fabs(own - cell_mean(&picture[2], x, y));
            if (own > high + 2 * DFY_CLONE_CELL + 1.5 || own < low - 2 * DFY_CLONE_CELL - 1.5)
                fail_msg("frame %d differs too much from its source %d at %d, %d", frame, source, x, y);
        }
    if (sum / cells > 2.5) fail_msg("frame %d is %.2f from its source %d", frame, sum / cells, source);
}

/* The film comes back whole: all frames, their times, and each clone is the picture of its source. */
static int assert_whole(const Film *film, MemoryFile *file, int map[MOST]) {
    static uint32_t crcs[MOST];
    static int64_t pts[MOST];
    int frames = film_frames(film), clones = read_map(file, frames, map);
    assert_int_equal(decode_all(file, MOST, crcs, pts), frames);
    for (int i = 0; i < frames; i++) {
        assert_int_equal(pts[i], film_pts(i));
        if (map[i] == i) continue;
        assert_true(map[i] < i);
        assert_int_equal(map[map[i]], map[i]);
        assert_int_equal(crcs[i], crcs[map[i]]);
        assert_alike(film, i, map[i]);
    }
    DfyDecoder *decoder = open_decoder(file);
    DfyInfo info;
    assert_int_equal(dfy_decoder_info(decoder, &info), DFY_OK);
    assert_int_equal(info.frames, frames);
    assert_int_equal(info.clone_frames, clones);
    assert_int_equal(dfy_decoder_verify(decoder), DFY_OK);
    DfyCycle cycle;
    for (uint32_t i = 0; i < info.cycles; i++) {
        int shown = 0;
        assert_int_equal(dfy_decoder_cycle(decoder, i, &cycle), DFY_OK);
        for (uint64_t k = cycle.first_frame; k < cycle.first_frame + cycle.frames; k++) shown += map[k] != (int)k;
        assert_int_equal(cycle.is_clone, (uint64_t)shown * 2 > cycle.frames);
    }
    dfy_decoder_close(&decoder);
    return clones;
}

static void rounds_become_clones(void **state) {
    (void)state;
    int map[MOST];
    for (int grain = 0; grain < 5; grain += 4) {
        Film film = {.rounds = 7, .intruder = -1, .grain = grain};
        size_t bytes[2];
        for (int mode = 0; mode < 2; mode++) {
            DfyEncoderSettings settings = film_settings(mode ? DFY_MODE_UPLOAD : DFY_MODE_TRAINING);
            MemoryFile file = {0};
            film_encode(&film, &settings, &file);
            int clones = assert_whole(&film, &file, map);
            if (mode ? clones < 250 : clones > 0) fail_msg("mode %d, grain %d: %d clones", mode, grain, clones);
            bytes[mode] = file.size;
            memory_free(&file);
        }
        if (bytes[1] * 3 > bytes[0] * 2) fail_msg("%zu bytes with clones, %zu without", bytes[1], bytes[0]);
    }
}

static void intruders_are_shown(void **state) {
    (void)state;
    for (int round = 0; round < 4; round += 3) {
        Film film = {.rounds = 6, .intruder = round, .grain = 2};
        DfyEncoderSettings settings = film_settings(DFY_MODE_UPLOAD);
        MemoryFile file = {0};
        int map[MOST];
        film_encode(&film, &settings, &file);
        assert_true(assert_whole(&film, &file, map) > 100);
        for (int i = 0; i < film_frames(&film); i++)
            if (map[i] != i && has_intruder(&film, i)) fail_msg("the intruder of frame %d is not shown", i);
        memory_free(&file);
    }
}

/* Only exactly equal frames are clones at distance 0; and at any, a lossless file has none. */
static void no_clones(void **state) {
    (void)state;
    Film film = {.rounds = 3, .intruder = -1, .grain = 3};
    int map[MOST];
    for (int lossless = 0; lossless < 2; lossless++) {
        DfyEncoderSettings settings = film_settings(DFY_MODE_UPLOAD);
        MemoryFile file = {0};
        if (lossless)
            settings.quality = 100;
        else
            settings.clone_distance = 0;
        film_encode(&film, &settings, &file);
        assert_int_equal(assert_whole(&film, &file, map), 0);
        memory_free(&file);
    }
}

/* Work that is never the same, low rates, a stated size, few frames: nothing is lost. */
static void other_films(void **state) {
    (void)state;
    int map[MOST];
    for (int kind = 0; kind < 5; kind++) {
        Film film = {.rounds = kind == 3 ? 1 : 5, .intruder = -1, .grain = kind == 4 ? 30 : 1};
        DfyEncoderSettings settings = film_settings(DFY_MODE_UPLOAD);
        MemoryFile file = {0};
        if (kind == 0) settings.frame_rate_num = 3;
        if (kind == 1) settings.frame_rate_num = 240;
        if (kind == 2) {
            settings.target_size_bytes = 20000;
            settings.expected_frames = (uint64_t)film_frames(&film);
        }
        film_encode(&film, &settings, &file);
        assert_whole(&film, &file, map);
        if (kind == 2) assert_in_range(file.size, 2000, 20500);
        memory_free(&file);
    }
}

/* ---------------------------------------------------------------- seeking and damage */

static MemoryFile whole;
static uint32_t whole_crcs[MOST];
static int64_t whole_pts[MOST];
static int whole_map[MOST], whole_frames;

static int make_whole(void **state) {
    (void)state;
    Film film = {.rounds = 6, .intruder = 3, .grain = 2};
    DfyEncoderSettings settings = film_settings(DFY_MODE_UPLOAD);
    settings.frame_rate_num = 10; /* short stretches, an access point every 225 frames */
    film_encode(&film, &settings, &whole);
    whole_frames = decode_all(&whole, MOST, whole_crcs, whole_pts);
    assert_true(read_map(&whole, whole_frames, whole_map) > 100);
    return 0;
}

static int free_whole(void **state) {
    (void)state;
    memory_free(&whole);
    return 0;
}

static void seeking(void **state) {
    (void)state;
    static const int steps[] = {7, 211};
    DfyDecoder *decoder = open_decoder(&whole);
    DfyPicture picture;
    DfyOrigins origins;
    for (size_t s = 0; s < sizeof steps / sizeof *steps; s++)
        for (int k = 0; k < whole_frames; k++) {
            int frame = k * steps[s] % whole_frames;
            if (dfy_decoder_seek(decoder, (uint64_t)frame)) fail_msg("seek %d: %s", frame, dfy_last_message(decoder));
            assert_int_equal(dfy_decoder_position(decoder), frame);
            for (int i = frame; i < frame + 1 + k % 4 && i < whole_frames; i++) {
                assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_OK);
                if (picture_crc(&picture) != whole_crcs[i] || picture.pts != whole_pts[i])
                    fail_msg("frame %d after seeking to %d is another than when playing", i, frame);
                assert_int_equal(dfy_decoder_origins(decoder, &origins), DFY_OK);
                assert_int_equal(origins.columns, WIDTH / 8);
            }
        }
    dfy_decoder_close(&decoder);
}

/* Backwards and in pieces: what is decoded for a frame stays within two seconds and what leads to one frame. */
static void seeking_reads_little(void **state) {
    (void)state;
    DfyDecoder *decoder = open_decoder(&whole);
    DfyPicture picture;
    for (int frame = whole_frames - 1; frame >= 0; frame--) {
        uint64_t before = whole.reads;
        assert_int_equal(dfy_decoder_seek(decoder, (uint64_t)frame), DFY_OK);
        assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_OK);
        assert_int_equal(picture_crc(&picture), whole_crcs[frame]);
        assert_true(whole.reads - before < 2 * whole.size);
    }
    dfy_decoder_close(&decoder);
}

/* Plays a file to its end: what plays is right, and what does not is told. Returns the frames that play. */
static int play(MemoryFile *file, int *failures) {
    DfyInput input = memory_input(file);
    DfyDecoder *decoder;
    DfyPicture picture;
    int frames = 0, calls = 0, status = dfy_decoder_open(&decoder, &input, NULL);
    uint8_t shown[MOST] = {0};
    *failures = 0;
    while (!status || status == DFY_ERROR_DAMAGED) {
        uint64_t at = dfy_decoder_position(decoder);
        status = dfy_decoder_next(decoder, &picture);
        assert_true(++calls < 2 * MOST);
        if (status == DFY_ERROR_DAMAGED) {
            ++*failures;
            assert_true(dfy_decoder_position(decoder) > at);
            assert_non_null(strstr(dfy_last_message(decoder), "lost"));
        } else if (status == DFY_OK) {
            assert_true(at < (uint64_t)whole_frames);
            if (picture_crc(&picture) != whole_crcs[at] || picture.pts != whole_pts[at])
                fail_msg("frame %llu of a damaged file is wrong", (unsigned long long)at);
            shown[at] = 1;
            frames++;
        }
    }
    for (int frame = 0; calls && frame < whole_frames; frame += 13) { /* seeking finds the same */
        if (!shown[frame]) continue;
        assert_int_equal(dfy_decoder_seek(decoder, (uint64_t)frame), DFY_OK);
        assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_OK);
        assert_int_equal(picture_crc(&picture), whole_crcs[frame]);
    }
    dfy_decoder_close(&decoder);
    return frames;
}

static MemoryFile copy_of(size_t size) {
    MemoryFile copy = {0};
    memory_write(&copy, whole.data, size);
    return copy;
}

static void truncated(void **state) {
    (void)state;
    int before = 0, failures;
    for (size_t size = 5; size < whole.size; size += 1 + whole.size / 90) {
        MemoryFile file = copy_of(size);
        int frames = play(&file, &failures);
        assert_int_equal(failures, 0); /* what a clone shows lies before it */
        assert_true(frames >= before);
        before = frames;
        memory_free(&file);
    }
    MemoryFile file = copy_of(whole.size - 1);
    assert_int_equal(play(&file, &failures), whole_frames);
    memory_free(&file);
}

static void flipped(void **state) {
    (void)state;
    for (int index = 0; index < 2; index++)
        for (size_t at = 64; at + 80 < whole.size; at += 1 + whole.size / 83) {
            MemoryFile file = copy_of(index ? whole.size : whole.size - 25);
            file.data[at] ^= (uint8_t)(1 << at % 8);
            int failures, frames = play(&file, &failures);
            memory_free(&file);
            if (!index && at > whole.size / 2) continue; /* where a walked file ends only its last chunk knows */
            if (frames != whole_frames && !failures) fail_msg("flipped at %zu %d frames are lost unsaid", at, frames);
        }
}

/* A damaged CLONE chunk loses its own frames alone. */
static void flipped_clones(void **state) {
    (void)state;
    DfyDecoder *decoder = open_decoder(&whole);
    DfyChunk chunk;
    for (uint32_t i = 0; dfy_decoder_chunk(decoder, i, &chunk) == DFY_OK; i++) {
        if (chunk.type != DFY_CHUNK_CLONE) continue;
        assert_string_equal(chunk.name, "CLONE");
        MemoryFile file = copy_of(whole.size);
        file.data[chunk.offset_bytes + DFY_V2_HEAD_BYTES + 3] ^= 5;
        int failures, frames = play(&file, &failures);
        assert_int_equal(failures, 1);
        assert_true(frames < whole_frames && frames >= whole_frames - 100);
        memory_free(&file);
    }
    dfy_decoder_close(&decoder);
}

/* ---------------------------------------------------------------- hostile chunks */

static int copy_chunks(DfyV2Writer *writer, unsigned features, const DfyBuffer *clone, uint64_t first,
                       uint64_t frames) {
    DfyV2Reader reader;
    DfyInput input = memory_input(&whole);
    DfyMessage message;
    DfyBuffer payload = {0};
    int copied = 0;
    uint64_t end = 0;
    assert_int_equal(dfy_v2_reader_open(&reader, &input, &message), DFY_OK);
    for (size_t i = 0; i < reader.count && reader.rows[i].type != DFY_CHUNK_CLONE; i++) {
        const DfyV2Row *e = &reader.rows[i];
        assert_int_equal(dfy_v2_read_chunk(&reader, i, &payload, &message), DFY_OK);
        if (!i) {
            assert_int_equal(payload.data[3], DFY_FEATURE_CLONES);
            payload.data[3] = (uint8_t)features;
        }
        dfy_v2_write_chunk(writer, e->type, e->flags, payload.data, payload.size, e->first_frame, e->frames);
        if (e->frames) end = e->first_frame + e->frames;
        copied++;
    }
    if (first == UINT64_MAX) first = end;
    dfy_v2_write_chunk(writer, DFY_CHUNK_CLONE, 0, clone->data, clone->size, first, frames);
    dfy_buffer_free(&payload);
    dfy_v2_reader_close(&reader);
    return (int)end;
}

/* The first coded stretch of the film with one CLONE chunk behind it. Returns the frames that play. */
static int play_hostile(const DfyBuffer *clone, unsigned features, uint64_t first, uint64_t frames, int index) {
    MemoryFile file = {0};
    DfyOutput output = {.write = memory_write, .opaque = &file};
    DfyV2Writer writer;
    assert_int_equal(dfy_v2_writer_open(&writer, &output), DFY_OK);
    copy_chunks(&writer, features, clone, first, frames);
    assert_int_equal(dfy_v2_writer_finish(&writer), DFY_OK);
    dfy_v2_writer_close(&writer);
    if (!index) file.size -= 20;
    DfyInput input = memory_input(&file);
    DfyDecoder *decoder;
    DfyPicture picture;
    int played = 0, failures = 0, status = dfy_decoder_open(&decoder, &input, NULL);
    while (!status || status == DFY_ERROR_DAMAGED) {
        status = dfy_decoder_next(decoder, &picture);
        played += status == DFY_OK;
        failures += status == DFY_ERROR_DAMAGED;
        assert_true(failures < 100);
    }
    if (status == DFY_END)
        for (uint64_t i = 0; i < 400; i += 23)
            if (!dfy_decoder_seek(decoder, i)) dfy_decoder_next(decoder, &picture);
    dfy_decoder_close(&decoder);
    memory_free(&file);
    return played;
}

static int first_clone(void) {
    int i = 0;
    while (whole_map[i] == i) i++;
    return i;
}

/* With its check, where no times follow. */
static void put_head(DfyBuffer *buffer, uint64_t first, uint64_t frames, unsigned flags) {
    buffer->size = 0;
    dfy_put_varint(buffer, first);
    dfy_put_varint(buffer, frames);
    dfy_put_u8(buffer, flags);
    if (!flags) dfy_put_u16be(buffer, dfy_crc16(0, buffer->data, buffer->size));
}

static void hostile(void **state) {
    (void)state;
    DfyBuffer clone = {0};
    uint64_t end = (uint64_t)first_clone();
    static const uint64_t backs[] = {0, 1, 5, UINT64_MAX};
    for (int index = 0; index < 2; index++) {
        for (size_t i = 0; i < sizeof backs / sizeof *backs; i++) { /* sources that are not there, or not earlier */
            put_head(&clone, end, 20, 0);
            dfy_put_varint(&clone, backs[i] ? backs[i] : 0);
            assert_int_equal(play_hostile(&clone, DFY_FEATURE_CLONES, end, 20, index), end);
        }
        put_head(&clone, end, 65536, 0); /* a long still picture of three bytes is allowed */
        dfy_put_varint(&clone, end);
        for (int i = 0; i < 4; i++) dfy_put_u8(&clone, 0);
        play_hostile(&clone, DFY_FEATURE_CLONES, end, 65536, index);
        put_head(&clone, end, (uint64_t)1 << 40, 0); /* more than there may be */
        dfy_put_varint(&clone, 1);
        assert_int_equal(play_hostile(&clone, DFY_FEATURE_CLONES, end, 1000, index), end);
        put_head(&clone, end, 30, 1); /* times that end before they have begun */
        dfy_put_varint(&clone, 7);
        assert_int_equal(play_hostile(&clone, DFY_FEATURE_CLONES, end, 30, index), end);
        put_head(&clone, 0, 3, 0); /* before everything */
        dfy_put_varint(&clone, 1);
        play_hostile(&clone, DFY_FEATURE_CLONES, 0, 3, index);
        put_head(&clone, end + 1000, 3, 0); /* a hole before it, and sources in the hole */
        dfy_put_varint(&clone, 500);
        assert_int_equal(play_hostile(&clone, DFY_FEATURE_CLONES, end + 1000, 3, index), end);
        for (uint32_t seed = 0; seed < 30; seed++) { /* anything at all */
            put_head(&clone, end, 1 + seed * 5, seed & 1);
            for (uint32_t i = 0; i < seed; i++) dfy_put_u8(&clone, clip_hash(seed << 8 | i) & 255);
            play_hostile(&clone, DFY_FEATURE_CLONES, end, 1 + seed * 5, index);
        }
    }
    dfy_buffer_free(&clone);
}

/* Streams without clones have none, whatever chunks are in them; and what comes after is told plainly. */
static void features(void **state) {
    (void)state;
    DfyBuffer clone = {0};
    uint64_t end = (uint64_t)first_clone();
    put_head(&clone, end, 10, 0);
    dfy_put_varint(&clone, end);
    for (int i = 0; i < 12; i++) dfy_put_u8(&clone, 255); /* ones: a frame forward each time */
    assert_int_equal(play_hostile(&clone, DFY_FEATURE_CLONES, end, 10, 1), end + 10);
    assert_int_equal(play_hostile(&clone, 0, end, 10, 1), end);
    assert_int_equal(play_hostile(&clone, 0, end, 10, 0), end);
    assert_int_equal(play_hostile(&clone, DFY_FEATURES_KNOWN + 1, end, 10, 1), 0);
    dfy_buffer_free(&clone);
}

/* ---------------------------------------------------------------- parts */

static void maps(void **state) {
    (void)state;
    for (uint32_t seed = 0; seed < 50; seed++) {
        uint64_t sources[400], back[400];
        int64_t pts[400];
        uint64_t at = seed;
        for (uint32_t i = 0; i < 400; i++) {
            uint32_t kind = clip_hash(seed << 16 | i) % 100;
            pts[i] = (int64_t)i + 1000000;
            sources[i] = at += seed % 3 == 0 ? 1 : kind < 60 ? 1 : kind < 80 ? 0 : kind < 99 ? kind % 5 : kind * 31;
        }
        DfySegment segment = {.first_frame = 1000000, .frames = 1 + seed * 8}, head;
        DfyBuffer buffer = {0};
        dfy_put_clones(&buffer, &segment, pts, 1, sources);
        if (seed % 3 == 0) assert_true(buffer.size < 20);
        DfyBytes bytes = dfy_bytes(buffer.data, buffer.size);
        assert_int_equal(dfy_read_segment(&bytes, &head), DFY_OK);
        dfy_read_times(&bytes, &head, 1, pts);
        assert_int_equal(dfy_read_sources(&bytes, &head, back), DFY_OK);
        assert_memory_equal(sources, back, (size_t)segment.frames * sizeof *back);
        dfy_buffer_free(&buffer);
    }
}

/* A frame of a film in which a bar sweeps over another texture in each sweep of 50 frames. */
static void fill_sweep(DfyFrame *frame, int number, int jitter) {
    int sweep = number / 50, at = number % 50;
    for (int p = 0; p < 3; p++)
        for (int y = 0; y < frame->plane[p].height; y++)
            for (int x = 0; x < frame->plane[p].width; x++) {
                int inside = x * (p ? 2 : 1) / 2 + 4 >= at && x * (p ? 2 : 1) / 2 < at + 4;
                int value = inside ? 220 : 40 + (int)(clip_hash((uint32_t)(sweep * 97 + x / 8 * 13 + y / 8)) % 100);
                frame->plane[p].pixels[y * frame->plane[p].stride + x] = (uint8_t)(value + jitter * ((x + y) & 1));
            }
    assert_int_equal(dfy_pyramid_make(frame), DFY_OK);
}

static int look_at_sweep(DfyCloneFinder *finder, DfyFrame *frame, int sweep, int known) {
    int clones = 0, found = 0, coded = 0;
    for (int i = 0; i < 50; i++) {
        fill_sweep(frame, sweep * 50 + i, known);
        assert_int_equal(dfy_clone_finder_look(finder, frame, &found), DFY_OK);
        clones += found;
        if (!clones && dfy_clone_finder_undecided(finder) == 0) { /* as a writer does, who waits for the rest */
            assert_int_equal(dfy_clone_finder_coded(finder, i + 1 - coded, 100 * (uint64_t)(i + 1 - coded)), DFY_OK);
            coded = i + 1;
        }
    }
    if (clones) {
        uint64_t count;
        assert_non_null(dfy_clone_finder_sources(finder, &count));
        assert_int_equal(count, clones);
    } else {
        assert_int_equal(coded, 50);
    }
    return clones;
}

/* What was coded longest ago is given up: memory has a limit. What is still known is found again. */
static void history_is_bounded(void **state) {
    (void)state;
    const int sweeps = DFY_CLONE_HISTORY / 50 + 10;
    DfyCloneFinder *finder = dfy_clone_finder_new(96, 64, 2, 24);
    DfyFrame *frame = dfy_frame_new(96, 64);
    assert_non_null(finder);
    assert_non_null(frame);
    for (int i = 0; i < sweeps; i++) assert_int_equal(look_at_sweep(finder, frame, i, 0), 0);
    assert_true(look_at_sweep(finder, frame, sweeps - 1, 1) > 40);
    assert_true(look_at_sweep(finder, frame, 20, 1) > 40);
    assert_int_equal(look_at_sweep(finder, frame, 2, 1), 0);
    dfy_frame_free(frame);
    dfy_clone_finder_free(finder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounds_become_clones),
        cmocka_unit_test(intruders_are_shown),
        cmocka_unit_test(no_clones),
        cmocka_unit_test(other_films),
        cmocka_unit_test(seeking),
        cmocka_unit_test(seeking_reads_little),
        cmocka_unit_test(truncated),
        cmocka_unit_test(flipped),
        cmocka_unit_test(flipped_clones),
        cmocka_unit_test(hostile),
        cmocka_unit_test(features),
        cmocka_unit_test(maps),
        cmocka_unit_test(history_is_bounded),
    };
    return cmocka_run_group_tests(tests, make_whole, free_whole);
}
