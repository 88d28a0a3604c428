/* Version 1 written by several threads: the same bytes as by one, and deflated as zlib does it in one go. */
#include "v1_film.h"

#include <zlib.h>

#include "container/chunks_v1.h"
#include "v1/packer.h"

static uint32_t seed = 1;

static uint32_t next(void) {
    return seed = seed * 1664525u + 1013904223u, seed >> 8;
}

/* ---------------------------------------------------------------- deflating what grows */

/* Repeats of what came before, broken by chance: what deflate has something to choose from in. */
static void fill(DfyBuffer *buffer, size_t size) {
    buffer->size = 0;
    while (buffer->size < size) {
        size_t length = 1 + next() % 300, from = buffer->size ? next() % buffer->size : 0;
        for (size_t i = 0; i < length && buffer->size < size; i++)
            dfy_put_u8(buffer, from + i < buffer->size && next() % 40 ? buffer->data[from + i] : next() & 15);
    }
}

/* Packs the bytes as so many pictures of chance sizes, packing some of what is there after each. */
static void pack(DfyV1Packer *packer, const DfyBuffer *bytes, uint32_t pictures) {
    dfy_v1_packer_begin(packer, pictures);
    for (uint32_t i = 0; i < pictures; i++) {
        size_t left = bytes->size - packer->payload.size, size = left ? next() % (2 * left / (pictures - i) + 1) : 0;
        if (size > left || i + 1 == pictures) size = left;
        dfy_put_bytes(&packer->payload, bytes->data + packer->payload.size, size);
        dfy_v1_packer_grown(packer, i + 1);
        for (uint32_t steps = next() % 4; steps && dfy_v1_packer_ready(packer); steps--)
            assert_int_equal(dfy_v1_packer_step(packer), DFY_OK);
    }
    while (dfy_v1_packer_ready(packer)) assert_int_equal(dfy_v1_packer_step(packer), DFY_OK);
    assert_true(packer->done);
}

static void test_slices_make_the_same_stream(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 5, 32767, 32768, 32769, 65535, 65536, 65537, 98304, 200000, 600000};
    DfyV1Packer packer = {.level = 0};
    DfyBuffer bytes = {0};
    int levels[10] = {0};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (uint32_t pictures = 1; pictures <= 64; pictures *= 4) {
            fill(&bytes, sizes[i]);
            pack(&packer, &bytes, pictures);
            uLongf size = compressBound((uLong)bytes.size);
            uint8_t *whole = malloc(size);
            assert_int_equal(compress2(whole, &size, bytes.data, (uLong)bytes.size, packer.level), Z_OK);
            assert_int_equal(packer.deflated.size, size);
            assert_memory_equal(packer.deflated.data, whole, size);
            free(whole);
            levels[packer.level]++;
        }
    assert_true(levels[7] > 5 && levels[8] > 5);
    dfy_v1_packer_free(&packer);
    dfy_buffer_free(&bytes);
}

/* The mean size falls or rises across the bound after the level was foreseen. */
static void test_a_wrong_guess_is_mended(void **state) {
    (void)state;
    DfyV1Packer packer = {.level = 0};
    DfyBuffer bytes = {0};
    for (int growing = 0; growing < 2; growing++) {
        fill(&bytes, 400000);
        dfy_v1_packer_begin(&packer, 40);
        for (uint32_t i = 0; i < 40; i++) {
            size_t size = (i < 20) == growing ? 1000 : growing ? 19000 : 15000;
            dfy_put_bytes(&packer.payload, bytes.data + packer.payload.size, size);
            dfy_v1_packer_grown(&packer, i + 1);
            if (i == 15) assert_int_equal(packer.level, growing ? 8 : 7);
            while (dfy_v1_packer_ready(&packer)) assert_int_equal(dfy_v1_packer_step(&packer), DFY_OK);
        }
        assert_int_equal(packer.level, growing ? 7 : 8);
        uLongf size = compressBound((uLong)packer.payload.size);
        uint8_t *whole = malloc(size);
        assert_int_equal(compress2(whole, &size, bytes.data, (uLong)packer.payload.size, packer.level), Z_OK);
        assert_int_equal(packer.deflated.size, size);
        assert_memory_equal(packer.deflated.data, whole, size);
        free(whole);
    }
    dfy_v1_packer_free(&packer);
    dfy_buffer_free(&bytes);
}

/* ---------------------------------------------------------------- threads */

/* The film with a camera's noise, so that deltas have something to hold. */
static int encode_noisy(DfyBuffer *file, const DfyEncoderSettings *settings, uint64_t frames, int period) {
    DfyOutput output = {.write = memory_write, .opaque = file};
    DfyEncoder *encoder;
    DfyPicture picture;
    assert_int_equal(dfy_encoder_open(&encoder, settings, &output), DFY_OK);
    assert_int_equal(dfy_picture_alloc(&picture, DFY_PIXELS_I420, settings->width, settings->height), DFY_OK);
    int status = DFY_OK;
    seed = 7;
    for (uint64_t i = 0; i < frames && !status; i++) {
        draw_frame(&picture, i, period);
        for (int y = 0; y < picture.height; y++)
            for (int x = 0; x < picture.width; x++)
                picture.plane[0][y * picture.stride_bytes[0] + x] += (uint8_t)(next() % (y % 16 ? 5 : 30));
        status = dfy_encoder_push(encoder, &picture);
    }
    if (!status) status = dfy_encoder_finish(encoder, NULL);
    dfy_picture_free(&picture);
    dfy_encoder_close(&encoder);
    return status;
}

static int chunks_of(DfyBuffer *file, DfyV1ChunkType type) {
    DfyInput input = memory_input(file);
    DfyDecoder *decoder;
    DfyChunk chunk;
    int found = 0;
    assert_int_equal(dfy_decoder_open(&decoder, &input, NULL), DFY_OK);
    for (uint32_t i = 0; dfy_decoder_chunk(decoder, i, &chunk) == DFY_OK; i++) found += chunk.type == type;
    dfy_decoder_close(&decoder);
    return found;
}

/* The file has a chunk of that type. */
static void check_threads(DfyEncoderSettings settings, uint64_t frames, int period, DfyV1ChunkType type) {
    DfyBuffer one = {0}, many = {0};
    settings.threads = 1;
    assert_int_equal(encode_noisy(&one, &settings, frames, period), DFY_OK);
    assert_true(chunks_of(&one, type) > 0);
    for (int threads = 2; threads <= 5; threads += 3) {
        settings.threads = threads;
        many.size = 0;
        assert_int_equal(encode_noisy(&many, &settings, frames, period), DFY_OK);
        assert_int_equal(many.size, one.size);
        assert_memory_equal(many.data, one.data, one.size);
    }
    dfy_buffer_free(&one);
    dfy_buffer_free(&many);
}

static void test_canonicals(void **state) {
    (void)state;
    for (int way = 0; way < 8; way++) {
        DfyEncoderSettings settings = film_settings(way & 1 ? 128 : 101, way & 1 ? 96 : 75);
        settings.use_temporal = !(way & 2);
        settings.use_bbox = !(way & 4);
        settings.quality = way & 1 ? 80 : 25;
        check_threads(settings, 83, 60, DFY_V1_CYCLE_CANON);
    }
}

static void test_cycles(void **state) {
    (void)state;
    for (int way = 0; way < 4; way++) {
        DfyEncoderSettings settings = film_settings(80, 56);
        settings.mode = way & 1 ? DFY_MODE_UPLOAD : DFY_MODE_TRAINING;
        settings.clone_distance = 5;
        settings.use_bbox = way >> 1;
        check_threads(settings, 620, 90, way & 1 ? DFY_V1_CYCLE_SKIP : DFY_V1_CYCLE_DELTA);
    }
}

static void test_words(void **state) {
    (void)state;
    DfyEncoderSettings settings = film_settings(96, 64);
    settings.use_vq = 1;
    check_threads(settings, 300, 90, DFY_V1_CODEBOOK);
}

static void test_shapes(void **state) {
    (void)state;
    static const int size[][2] = {{1, 1}, {8, 300}, {300, 8}, {7, 9}, {2500, 1700}};
    for (size_t i = 0; i < sizeof size / sizeof *size; i++)
        check_threads(film_settings(size[i][0], size[i][1]), 4, 3, DFY_V1_CYCLE_CANON);
}

static int stop_at(void *opaque, DfyStage stage, uint64_t done, uint64_t total) {
    int *calls = opaque;
    (void)stage;
    (void)done;
    (void)total;
    return --*calls == 0;
}

static void test_cancel(void **state) {
    (void)state;
    for (int calls = 610; calls < 1200; calls += 77) {
        DfyEncoderSettings settings = film_settings(64, 48);
        DfyBuffer file = {0};
        int left = calls;
        settings.threads = 3;
        settings.progress = stop_at;
        settings.progress_opaque = &left;
        assert_int_equal(encode_noisy(&file, &settings, 600, 90), DFY_ERROR_CANCELLED);
        dfy_buffer_free(&file);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slices_make_the_same_stream),
        cmocka_unit_test(test_a_wrong_guess_is_mended),
        cmocka_unit_test(test_canonicals),
        cmocka_unit_test(test_cycles),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_cancel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
