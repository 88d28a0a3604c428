/* Version 1 there and back: every frame comes out, in order, near what went in, whatever the settings. */
#include "v1_film.h"

#include "container/chunks_v1.h"

/* Decodes all frames and checks each against the film. */
static void check_film(DfyBuffer *file, uint64_t frames, int period, double allowed) {
    DfyInput input = memory_input(file);
    DfyDecoder *decoder;
    DfyPicture picture;
    DfyInfo info;
    assert_int_equal(dfy_decoder_open(&decoder, &input, NULL), DFY_OK);
    dfy_decoder_info(decoder, &info);
    assert_int_equal(info.frames, frames);
    assert_int_equal(info.frames_stated, frames);
    assert_true(info.complete);
    for (uint64_t i = 0; i < frames; i++) {
        assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_OK);
        assert_int_equal(picture.pts, i);
        double error = film_error(&picture, i, period);
        if (error > allowed) fail_msg("frame %d has a squared error of %.1f", (int)i, error);
    }
    assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_END);
    assert_int_equal(dfy_decoder_verify(decoder), DFY_OK);
    dfy_decoder_close(&decoder);
}

static void round_trip(DfyEncoderSettings settings, uint64_t frames, int period, double allowed) {
    DfyBuffer file = {0};
    assert_int_equal(encode_film(&file, &settings, frames, period), DFY_OK);
    check_film(&file, frames, period, allowed);
    dfy_buffer_free(&file);
}

static void test_sizes(void **state) {
    (void)state;
    static const int sizes[][2] = {{1, 1}, {2, 1}, {1, 9}, {7, 7}, {8, 8}, {53, 37}, {96, 64}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        DfyEncoderSettings settings = film_settings(sizes[i][0], sizes[i][1]);
        settings.quality = 75;
        round_trip(settings, 20, 12, 70);
    }
}

static void test_lengths(void **state) {
    (void)state;
    static const uint64_t lengths[] = {1, 2, 27, 299, 301};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) round_trip(film_settings(48, 32), lengths[i], 60, 60);
}

static void test_ways_of_coding(void **state) {
    (void)state;
    for (int way = 0; way < 8; way++) {
        DfyEncoderSettings settings = film_settings(96, 64);
        settings.use_temporal = way & 1;
        settings.use_bbox = way >> 1 & 1;
        settings.quality = way & 4 ? 90 : 30;
        round_trip(settings, 500, 75, 60);
    }
}

static void test_vector_quantisation(void **state) {
    (void)state;
    DfyEncoderSettings settings = film_settings(96, 64);
    settings.use_vq = 1;
    round_trip(settings, 400, 75, 800); /* coarse by design */
}

static void test_better_quality_is_nearer(void **state) {
    (void)state;
    double error[2] = {0};
    size_t size[2];
    for (int i = 0; i < 2; i++) {
        DfyEncoderSettings settings = film_settings(96, 64);
        settings.quality = i ? 95 : 10;
        DfyBuffer file = {0};
        assert_int_equal(encode_film(&file, &settings, 60, 50), DFY_OK);
        DfyInput input = memory_input(&file);
        DfyDecoder *decoder;
        DfyPicture picture;
        assert_int_equal(dfy_decoder_open(&decoder, &input, NULL), DFY_OK);
        for (uint64_t k = 0; dfy_decoder_next(decoder, &picture) == DFY_OK; k++)
            error[i] += film_error(&picture, k, 50);
        dfy_decoder_close(&decoder);
        size[i] = file.size;
        dfy_buffer_free(&file);
    }
    assert_true(error[1] * 4 < error[0]);
    assert_true(size[1] > size[0]);
}

/* An exact machine: its cycles are found, coded as deltas, or in upload mode as clones. */
static uint32_t chunks_of(DfyDecoder *decoder, uint32_t type) {
    uint32_t found = 0;
    DfyChunk chunk;
    for (uint32_t i = 0; dfy_decoder_chunk(decoder, i, &chunk) == DFY_OK; i++) found += chunk.type == type;
    return found;
}

static void test_cycles_become_deltas_or_clones(void **state) {
    (void)state;
    for (int upload = 0; upload < 2; upload++) {
        DfyEncoderSettings settings = film_settings(96, 64);
        settings.mode = upload ? DFY_MODE_UPLOAD : DFY_MODE_TRAINING;
        DfyBuffer file = {0};
        assert_int_equal(encode_film(&file, &settings, 600, 90), DFY_OK);
        DfyInput input = memory_input(&file);
        DfyDecoder *decoder;
        DfyCycle cycle;
        DfyInfo info;
        assert_int_equal(dfy_decoder_open(&decoder, &input, NULL), DFY_OK);
        dfy_decoder_info(decoder, &info);
        assert_int_equal(info.mode, upload ? DFY_MODE_UPLOAD : DFY_MODE_TRAINING);
        assert_true(info.cycles >= 6);
        assert_int_equal(info.canonicals, 1);
        assert_true(chunks_of(decoder, upload ? DFY_V1_CYCLE_SKIP : DFY_V1_CYCLE_DELTA) >= 5);
        uint64_t next = 0;
        for (uint32_t i = 0; i < info.cycles; i++) {
            assert_int_equal(dfy_decoder_cycle(decoder, i, &cycle), DFY_OK);
            assert_int_equal(cycle.first_frame, next);
            assert_true(cycle.distance >= 0 && cycle.distance < 1);
            assert_true(cycle.is_canonical || cycle.is_clone == upload);
            next += cycle.frames;
        }
        assert_int_equal(next, 600);
        assert_int_equal(dfy_decoder_cycle(decoder, info.cycles, &cycle), DFY_ERROR_ARGUMENT);
        dfy_decoder_close(&decoder);
        check_film(&file, 600, 90, 60);
        dfy_buffer_free(&file);
    }
}

/* ---------------------------------------------------------------- random access */

static void test_seek_gives_the_same_pictures(void **state) {
    (void)state;
    DfyEncoderSettings settings = film_settings(96, 64);
    DfyBuffer file = {0};
    assert_int_equal(encode_film(&file, &settings, 500, 90), DFY_OK);
    DfyInput input = memory_input(&file);
    DfyDecoder *playing, *jumping;
    DfyDecoderSettings small = {.struct_size = sizeof small,
                                .memory_limit_bytes = 1 << 20}; /* hardly room for three pictures */
    DfyPicture a, b;
    assert_int_equal(dfy_decoder_open(&playing, &input, NULL), DFY_OK);
    assert_int_equal(dfy_decoder_open(&jumping, &input, &small), DFY_OK);
    for (uint64_t frame = 0; frame < 500; frame++) {
        assert_int_equal(dfy_decoder_next(playing, &a), DFY_OK);
        if (frame % 7) continue;
        assert_int_equal(dfy_decoder_seek(jumping, 499 - frame), DFY_OK);
        assert_int_equal(dfy_decoder_next(jumping, &b), DFY_OK);
        assert_int_equal(dfy_decoder_seek(jumping, frame), DFY_OK);
        assert_int_equal(dfy_decoder_position(jumping), frame);
        assert_int_equal(dfy_decoder_next(jumping, &b), DFY_OK);
        for (int y = 0; y < a.height; y++)
            assert_memory_equal(a.plane[0] + y * a.stride_bytes[0], b.plane[0] + y * b.stride_bytes[0],
                                (size_t)a.width * 3);
    }
    assert_int_equal(dfy_decoder_seek(jumping, 500), DFY_ERROR_ARGUMENT);
    dfy_decoder_close(&playing);
    dfy_decoder_close(&jumping);
    dfy_buffer_free(&file);
}

/* ---------------------------------------------------------------- refusals */

static void test_refusals(void **state) {
    (void)state;
    DfyBuffer file = {0};
    DfyOutput output = {.write = memory_write, .opaque = &file};
    DfyEncoderSettings settings = film_settings(64, 48);
    DfyEncoder *encoder;
    assert_int_equal(dfy_encoder_open(&encoder, &settings, &output), DFY_OK);
    DfyPicture wrong;
    dfy_picture_alloc(&wrong, DFY_PIXELS_RGB, 64, 47);
    assert_int_equal(dfy_encoder_push(encoder, &wrong), DFY_ERROR_ARGUMENT);
    assert_int_equal(dfy_encoder_finish(encoder, NULL), DFY_ERROR_ARGUMENT); /* no frame at all */
    assert_true(strlen(dfy_last_message(encoder)) > 10);
    dfy_encoder_close(&encoder);
    dfy_picture_free(&wrong);
    settings.use_vq = 1;
    settings.use_temporal = 0;
    assert_int_equal(dfy_encoder_open(&encoder, &settings, &output), DFY_ERROR_ARGUMENT);
    dfy_encoder_close(&encoder);
    dfy_buffer_free(&file);
}

static void test_memory_limit(void **state) {
    (void)state;
    DfyBuffer file = {0};
    DfyEncoderSettings settings = film_settings(64, 48);
    settings.memory_limit_bytes = 20 * dfy_picture_bytes(DFY_PIXELS_I420, 64, 48);
    assert_int_equal(encode_film(&file, &settings, 20, 10), DFY_OK);
    file.size = 0;
    assert_int_equal(encode_film(&file, &settings, 21, 10), DFY_ERROR_MEMORY);
    dfy_buffer_free(&file);
}

typedef struct Watch {
    uint64_t calls, stop_at;
    DfyStage last;
} Watch;

static int watch_progress(void *opaque, DfyStage stage, uint64_t done, uint64_t total) {
    Watch *watch = opaque;
    (void)total;
    (void)done;
    if (stage < watch->last) return -1; /* stages never go back */
    watch->last = stage;
    return ++watch->calls == watch->stop_at;
}

static void test_progress_and_cancel(void **state) {
    (void)state;
    DfyBuffer file = {0};
    Watch watch = {0};
    DfyEncoderSettings settings = film_settings(64, 48);
    settings.progress = watch_progress;
    settings.progress_opaque = &watch;
    assert_int_equal(encode_film(&file, &settings, 300, 60), DFY_OK);
    assert_int_equal(watch.last, DFY_STAGE_DONE);
    assert_true(watch.calls >= 600);
    watch = (Watch){.stop_at = 450};
    file.size = 0;
    assert_int_equal(encode_film(&file, &settings, 300, 60), DFY_ERROR_CANCELLED);
    dfy_buffer_free(&file);
}

static int full_disk(void *opaque, const uint8_t *data, size_t size) {
    (void)opaque;
    (void)data;
    (void)size;
    return 1;
}

static void test_output_failure(void **state) {
    (void)state;
    DfyEncoderSettings settings = film_settings(32, 32);
    DfyOutput output = {.write = full_disk};
    DfyEncoder *encoder;
    DfyPicture picture;
    dfy_picture_alloc(&picture, DFY_PIXELS_I420, 32, 32);
    assert_int_equal(dfy_encoder_open(&encoder, &settings, &output), DFY_OK);
    assert_int_equal(dfy_encoder_push(encoder, &picture), DFY_OK);
    assert_int_equal(dfy_encoder_finish(encoder, NULL), DFY_ERROR_IO);
    dfy_encoder_close(&encoder);
    dfy_picture_free(&picture);
}

/* ---------------------------------------------------------------- orientation */

static void test_gyroscope(void **state) {
    (void)state;
    DfyBuffer file = {0};
    DfyOutput output = {.write = memory_write, .opaque = &file};
    DfyEncoderSettings settings = film_settings(96, 64);
    settings.has_imu = 1;
    settings.quality = 90;
    DfyEncoder *encoder;
    DfyPicture picture;
    dfy_picture_alloc(&picture, DFY_PIXELS_I420, 96, 64);
    assert_int_equal(dfy_encoder_open(&encoder, &settings, &output), DFY_OK);
    for (uint64_t i = 0; i < 20; i++) {
        draw_frame(&picture, i, 40);
        assert_int_equal(dfy_encoder_push(encoder, &picture), DFY_OK);
        for (int k = 0; k < 7; k++)
            assert_int_equal(dfy_encoder_push_gyro(encoder, (const double[3]){0, 0.05, 0}, 0.005), DFY_OK);
    }
    assert_int_equal(dfy_encoder_finish(encoder, NULL), DFY_OK);
    dfy_encoder_close(&encoder);
    DfyInput input = memory_input(&file);
    DfyDecoderSettings unwarping = {.struct_size = sizeof unwarping, .unwarp = 1};
    DfyDecoder *decoder;
    DfyInfo info;
    double q[4];
    assert_int_equal(dfy_decoder_open(&decoder, &input, &unwarping), DFY_OK);
    dfy_decoder_info(decoder, &info);
    assert_int_equal(info.imu_samples, 20);
    assert_int_equal(dfy_decoder_imu(decoder, 19, q), DFY_OK);
    assert_float_equal(q[1], 19 * 7 * 0.05 * 0.005 / 2, 1e-4); /* small angles: half the turn about y */
    assert_float_equal(q[3], 1, 1e-3);
    assert_int_equal(dfy_decoder_imu(decoder, 20, q), DFY_ERROR_ARGUMENT);
    DfyPicture decoded;
    for (uint64_t i = 0; i < 20; i++) { /* unwarped, it is the film again but for two interpolations and edges */
        assert_int_equal(dfy_decoder_next(decoder, &decoded), DFY_OK);
        assert_true(film_error(&decoded, i, 40) < 120);
    }
    dfy_decoder_close(&decoder);
    dfy_picture_free(&picture);
    dfy_buffer_free(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_ways_of_coding),
        cmocka_unit_test(test_vector_quantisation),
        cmocka_unit_test(test_better_quality_is_nearer),
        cmocka_unit_test(test_cycles_become_deltas_or_clones),
        cmocka_unit_test(test_seek_gives_the_same_pictures),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_memory_limit),
        cmocka_unit_test(test_progress_and_cancel),
        cmocka_unit_test(test_output_failure),
        cmocka_unit_test(test_gyroscope),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
