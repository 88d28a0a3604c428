/*
 * The list of cycles in version 2 files: true to the scene, in bounded memory, nothing for clips without cycles, and
 * never in the way of the pictures.
 */
#include "v2_clip.h"

#include "scene/scene.h"
#include "video/syntax/cycle_list.h"

#define WIDTH 160
#define HEIGHT 90
#define NEAR_FRAMES 15 /* half a second: a boundary so near to a true one has found it */

static Scene *open_scene(void) {
    SceneSettings settings;
    scene_defaults(&settings, "quiet");
    settings.width = WIDTH;
    settings.height = HEIGHT;
    settings.pause_chance = 0.4;
    Scene *scene = scene_open(&settings);
    assert_non_null(scene);
    return scene;
}

/* The camera gave half the frames it says, and slept for 300 ticks behind frame 450. */
static int64_t slow_pts(int frame) {
    return 77 + 2 * frame + (frame > 450 ? 300 : 0);
}

static void encode_times(MemoryFile *file, int frames, int quality, DfyMode mode, int slow, DfyEncoderStats *stats) {
    Scene *scene = open_scene();
    DfyEncoderSettings settings;
    dfy_encoder_defaults(&settings);
    settings.width = WIDTH;
    settings.height = HEIGHT;
    settings.effort = 1;
    settings.quality = quality;
    settings.mode = mode;
    DfyEncoder *encoder;
    DfyOutput output = {.write = memory_write, .opaque = file};
    assert_int_equal(dfy_encoder_open(&encoder, &settings, &output), DFY_OK);
    for (int i = 0; i < frames; i++) {
        DfyPicture picture = *scene_render(scene, (uint64_t)i);
        picture.pts = slow ? slow_pts(i) : i;
        assert_int_equal(dfy_encoder_push(encoder, &picture), DFY_OK);
    }
    assert_int_equal(dfy_encoder_finish(encoder, stats), DFY_OK);
    dfy_encoder_close(&encoder);
    scene_close(&scene);
}

static void encode_scene(MemoryFile *file, int frames, int quality, DfyMode mode, DfyEncoderStats *stats) {
    encode_times(file, frames, quality, mode, 0, stats);
}

/* How many true boundaries before `frames` have one of the firsts near them; *truth: of how many. */
static int count_found(const uint64_t *first, uint32_t count, uint64_t frames, int *truth) {
    Scene *scene = open_scene();
    SceneCycle cycle;
    int found = 0;
    *truth = 0;
    for (uint64_t i = 1; !scene_cycle(scene, i, &cycle) && cycle.first_frame + NEAR_FRAMES < frames; i++) {
        int here = 0;
        for (uint32_t k = 0; k < count; k++)
            here |= first[k] < cycle.first_frame + NEAR_FRAMES && cycle.first_frame < first[k] + NEAR_FRAMES;
        found += here;
        ++*truth;
    }
    scene_close(&scene);
    return found;
}

static void assert_list(MemoryFile *file, int frames, const DfyEncoderStats *stats) {
    DfyDecoder *decoder = open_decoder(file);
    DfyInfo info;
    DfyCycle cycle;
    uint64_t first[64], end = 0;
    uint32_t canonicals = 0;
    int truth;
    assert_int_equal(dfy_decoder_info(decoder, &info), DFY_OK);
    assert_in_range(info.cycles, 5, 64);
    assert_int_equal(info.cycles, stats->cycles);
    assert_int_equal(info.canonicals, stats->canonicals);
    for (uint32_t i = 0; i < info.cycles; i++) {
        assert_int_equal(dfy_decoder_cycle(decoder, i, &cycle), DFY_OK);
        assert_int_equal(cycle.first_frame, end);
        assert_true(cycle.frames > 0);
        assert_true(cycle.canonical < info.canonicals);
        assert_true(cycle.start_seconds == (double)cycle.first_frame / 30);
        assert_true(cycle.seconds == (double)cycle.frames / 30);
        assert_true(cycle.is_canonical ? cycle.distance == 0 : cycle.distance > 0 && cycle.distance < 10);
        canonicals += (uint32_t)cycle.is_canonical;
        first[i] = cycle.first_frame;
        end = cycle.first_frame + cycle.frames;
    }
    assert_int_equal(end, frames);
    assert_int_equal(canonicals, info.canonicals);
    assert_int_equal(dfy_decoder_cycle(decoder, info.cycles, &cycle), DFY_ERROR_ARGUMENT);
    int found = count_found(first, info.cycles, (uint64_t)frames, &truth);
    if (found * 10 < truth * 9) fail_msg("of %d true boundaries %d are in the list", truth, found);
    dfy_decoder_close(&decoder);
}

static void true_to_the_scene(void **state) {
    (void)state;
    for (int mode = 0; mode < 2; mode++) {
        MemoryFile file = {0};
        DfyEncoderStats stats;
        encode_scene(&file, 1800, 25, (DfyMode)mode, &stats);
        assert_list(&file, 1800, &stats);
        memory_free(&file);
    }
}

static void lossless_too(void **state) {
    (void)state;
    MemoryFile file = {0};
    DfyEncoderStats stats;
    encode_scene(&file, 1800, 100, DFY_MODE_TRAINING, &stats);
    assert_list(&file, 1800, &stats);
    memory_free(&file);
}

static uint32_t count_chunks(MemoryFile *file, uint32_t type, DfyChunk *last) {
    DfyDecoder *decoder = open_decoder(file);
    DfyChunk chunk;
    uint32_t count = 0;
    for (uint32_t i = 0; dfy_decoder_chunk(decoder, i, &chunk) == DFY_OK; i++)
        if (chunk.type == type) {
            count++;
            *last = chunk;
        }
    dfy_decoder_close(&decoder);
    return count;
}

static void nothing_for_no_cycles(void **state) {
    (void)state;
    MemoryFile file = {0};
    DfyChunk chunk = {0};
    DfyEncoderStats stats;
    encode_scene(&file, 50, 25, DFY_MODE_TRAINING, &stats);
    assert_int_equal(stats.cycles, 0);
    assert_int_equal(count_chunks(&file, DFY_CHUNK_CYCLES, &chunk), 0);
    memory_free(&file);
}

/* A damaged list is left out; the pictures play. */
static void damaged_list(void **state) {
    (void)state;
    MemoryFile file = {0};
    DfyChunk chunk = {0};
    DfyEncoderStats stats;
    DfyInfo info;
    encode_scene(&file, 600, 25, DFY_MODE_TRAINING, &stats);
    assert_int_equal(count_chunks(&file, DFY_CHUNK_CYCLES, &chunk), 1);
    assert_true(chunk.payload_bytes <= 8 * (uint64_t)stats.cycles);
    file.data[chunk.offset_bytes + DFY_V2_HEAD_BYTES] ^= 3;
    DfyDecoder *decoder = open_decoder(&file);
    assert_int_equal(dfy_decoder_info(decoder, &info), DFY_OK);
    assert_int_equal(info.cycles, 0);
    assert_int_equal(dfy_decoder_verify(decoder), DFY_ERROR_DAMAGED);
    dfy_decoder_close(&decoder);
    assert_int_equal(decode_all(&file, 1000, NULL, NULL), 600);
    memory_free(&file);
}

/* Chapter after chapter: no more is held than a chapter, and all cycles follow the first chapter's canonical. */
static void chapters(void **state) {
    (void)state;
    enum { FRAMES = 5400, CHAPTER = 1800 };
    Scene *scene = open_scene();
    DfyCycleLog log;
    uint64_t first[128], end = 0;
    uint32_t count = 0, canonicals = 0;
    int truth;
    assert_int_equal(dfy_cycle_log_open(&log, WIDTH, HEIGHT, 30), DFY_OK);
    log.chapter_frames = CHAPTER;
    for (uint64_t t = 0; t <= FRAMES; t++) {
        if (t < FRAMES)
            assert_int_equal(dfy_cycle_log_push(&log, scene_render(scene, t)), DFY_OK);
        else
            assert_int_equal(dfy_cycle_log_finish(&log), DFY_OK);
        assert_true(log.finder.frames < CHAPTER);
        for (uint32_t i = 0; i < log.cycles && count < 128; i++) {
            const DfyLoggedCycle *cycle = &log.cycle[i];
            if (cycle->first < end) fail_msg("a cycle begins at %d within the one before", (int)cycle->first);
            canonicals += (uint32_t)cycle->is_canonical;
            first[count++] = cycle->first;
            end = cycle->first + cycle->frames;
        }
    }
    assert_int_equal(end, FRAMES);
    assert_int_equal(canonicals, log.canonicals);
    assert_int_equal(log.canonicals, 1);
    int found = count_found(first, count, FRAMES, &truth);
    if (found * 10 < truth * 8) fail_msg("of %d true boundaries %d are in the list", truth, found);
    dfy_cycle_log_close(&log);
    scene_close(&scene);
}

/* Reads a list made of numbers; returns how many cycles were kept of a video of 1000 frames. */
static uint32_t read_numbers(const uint64_t *number, int count) {
    DfyBuffer buffer = {0};
    DfyCycleList list = {0};
    for (int i = 0; i < count; i++) dfy_put_varint(&buffer, number[i]);
    DfyBytes bytes = dfy_bytes(buffer.data, buffer.size);
    assert_int_equal(dfy_read_cycles(&bytes, 1000, &list), DFY_OK);
    for (uint32_t i = 0; i < list.count; i++)
        assert_true(list.cycle[i].frames > 0 && list.cycle[i].first + list.cycle[i].frames <= 1000);
    uint32_t kept = list.count;
    dfy_cycle_list_free(&list);
    dfy_buffer_free(&buffer);
    return kept;
}

/* What makes no sense ends the list: gap, frames, canonical << 1 | is canonical, distance unless it is. */
static void hostile_lists(void **state) {
    (void)state;
    assert_int_equal(read_numbers((const uint64_t[]){0, 500, 1, 0, 500, 0, 30}, 7), 2);
    assert_int_equal(read_numbers((const uint64_t[]){0, 500, 1, 0, 501, 0, 30}, 7), 1);
    assert_int_equal(read_numbers((const uint64_t[]){0, 500, 1, 501, 1, 0, 30}, 7), 1);
    assert_int_equal(read_numbers((const uint64_t[]){0, 500, 1, 0, 0, 0, 30}, 7), 1);
    assert_int_equal(read_numbers((const uint64_t[]){0, 500, 1, UINT64_MAX, 1, 0, 30}, 7), 1);
    assert_int_equal(read_numbers((const uint64_t[]){0, 500, 1, 1, UINT64_MAX, 0, 30}, 7), 1);
    assert_int_equal(read_numbers((const uint64_t[]){0, 500, 1, 0, 500, UINT64_MAX - 1, 30}, 7), 1);
    assert_int_equal(read_numbers((const uint64_t[]){0, 500, 1, 0, 500, 0, UINT64_MAX}, 7), 1);
    assert_int_equal(read_numbers((const uint64_t[]){0, 500, 1, 0, 500, 0}, 6), 1);
    assert_int_equal(read_numbers((const uint64_t[]){0}, 0), 0);
}

/* Cycles begin and last as the frames' times say, not as so many frames of the nominal rate. */
static void times_of_cycles(void **state) {
    (void)state;
    enum { FRAMES = 900 };
    MemoryFile file = {0};
    DfyInfo info;
    DfyCycle cycle;
    int gaps = 0;
    encode_times(&file, FRAMES, 25, DFY_MODE_TRAINING, 1, NULL);
    DfyDecoder *decoder = open_decoder(&file);
    assert_int_equal(dfy_decoder_info(decoder, &info), DFY_OK);
    assert_true(info.cycles >= 4);
    for (uint32_t i = 0; i < info.cycles; i++) {
        assert_int_equal(dfy_decoder_cycle(decoder, i, &cycle), DFY_OK);
        int first = (int)cycle.first_frame, end = first + (int)cycle.frames;
        double seconds = end < FRAMES ? (double)(slow_pts(end) - slow_pts(first)) / 30
                                      : (double)(slow_pts(end - 1) + 2 - slow_pts(first)) / 30;
        assert_float_equal(cycle.start_seconds, (double)(slow_pts(first) - slow_pts(0)) / 30, 1e-9);
        if (end < FRAMES || first > 450) assert_float_equal(cycle.seconds, seconds, 1e-9);
        gaps += first <= 450 && end > 451;
    }
    assert_int_equal(gaps, 1);
    dfy_decoder_close(&decoder);
    memory_free(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(true_to_the_scene), cmocka_unit_test(lossless_too), cmocka_unit_test(nothing_for_no_cycles),
        cmocka_unit_test(damaged_list),      cmocka_unit_test(chapters),     cmocka_unit_test(hostile_lists),
        cmocka_unit_test(times_of_cycles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
