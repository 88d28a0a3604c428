/*
 * Files of version 1 that are cut, damaged or made to do harm: each gives a message and the pictures that are whole,
 * within the memory that was allowed.
 */
#include "v1_film.h"

#include <zlib.h>

#include "container/chunks_v1.h"

typedef struct Outcome {
    int opened;       /* status */
    uint64_t decoded; /* pictures */
    uint64_t damaged; /* times that some were lost */
    DfyInfo info;
} Outcome;

static Outcome play(DfyBuffer *file) {
    Outcome outcome = {0};
    DfyInput input = memory_input(file);
    DfyDecoderSettings settings = {.struct_size = sizeof settings, .memory_limit_bytes = 64 << 20};
    DfyDecoder *decoder;
    DfyPicture picture;
    outcome.opened = dfy_decoder_open(&decoder, &input, &settings);
    if (outcome.opened) {
        assert_true(strlen(dfy_last_message(decoder)) > 10);
    } else {
        dfy_decoder_info(decoder, &outcome.info);
        for (int status = 0; status != DFY_END && outcome.damaged < 1000;) {
            status = dfy_decoder_next(decoder, &picture);
            outcome.decoded += status == DFY_OK;
            outcome.damaged += status < 0;
            if (status < 0) assert_true(strlen(dfy_last_message(decoder)) > 10);
        }
    }
    dfy_decoder_close(&decoder);
    return outcome;
}

static DfyBuffer film_file(uint64_t frames) {
    DfyBuffer file = {0};
    DfyEncoderSettings settings = film_settings(64, 48);
    assert_int_equal(encode_film(&file, &settings, frames, 60), DFY_OK);
    return file;
}

static void test_cut_anywhere(void **state) {
    (void)state;
    DfyBuffer file = film_file(120);
    size_t whole = file.size;
    uint64_t most = 0;
    for (size_t size = 0; size < whole; size += 1 + whole / 150) {
        file.size = size;
        Outcome outcome = play(&file);
        assert_true(outcome.decoded >= most); /* more of the file never gives fewer pictures */
        if (!outcome.opened) assert_false(outcome.info.complete);
        most = outcome.decoded;
    }
    assert_true(most > 0 && most < 120);
    file.size = whole;
    assert_int_equal(play(&file).decoded, 120);
    dfy_buffer_free(&file);
}

static void test_flipped_bytes(void **state) {
    (void)state;
    DfyBuffer file = film_file(60);
    for (size_t at = DFY_V1_HEADER_BYTES; at < file.size; at += 1 + file.size / 400) {
        file.data[at] ^= 0x55;
        Outcome outcome = play(&file);
        assert_true(outcome.decoded <= 60);
        file.data[at] ^= 0x55;
    }
    assert_int_equal(play(&file).decoded, 60);
    dfy_buffer_free(&file);
}

/* ---------------------------------------------------------------- files made by hand */

static void put_chunk(DfyBuffer *file, unsigned type, unsigned compressed, const DfyBuffer *payload) {
    dfy_put_u8(file, type);
    dfy_put_u8(file, compressed);
    dfy_put_u32be(file, (uint32_t)payload->size);
    dfy_put_bytes(file, payload->data, payload->size);
}

/* Header, metadata and background of a 64 x 48 film, without its cycles. */
static DfyBuffer beginning(void) {
    DfyBuffer file = film_file(2);
    DfyBytes in = dfy_bytes(file.data, file.size);
    dfy_read_span(&in, DFY_V1_HEADER_BYTES);
    while (dfy_bytes_left(&in)) {
        size_t at = in.position;
        uint8_t type = dfy_read_u8(&in);
        dfy_read_u8(&in);
        dfy_read_span(&in, dfy_read_u32be(&in));
        if (type == DFY_V1_METADATA) file.data[at] = 0x70; /* a type nobody knows: cycles in the order of the file */
        if (type != DFY_V1_CYCLE_CANON) continue;
        file.size = at;
        break;
    }
    return file;
}

static DfyBuffer deflated(const DfyBuffer *data) {
    DfyBuffer out = {0};
    uLongf size = compressBound((uLong)data->size);
    assert_non_null(dfy_buffer_reserve(&out, size));
    assert_int_equal(compress2(out.data, &size, data->data, (uLong)data->size, 9), Z_OK);
    out.size = size;
    return out;
}

static void test_more_pictures_stated_than_there_are(void **state) {
    (void)state;
    DfyBuffer file = beginning(), payload = {0};
    dfy_put_u32be(&payload, UINT32_MAX);
    dfy_put_u8(&payload, 3);
    put_chunk(&file, DFY_V1_CYCLE_CANON, 0, &payload);
    assert_int_equal(play(&file).decoded, 0);
    dfy_buffer_free(&payload);
    dfy_buffer_free(&file);
}

/* Two hundred megabytes of zeros in two hundred kilobytes: no record is that small, so that reading stops at once. */
static void test_chunk_that_inflates_without_end(void **state) {
    (void)state;
    DfyBuffer file = beginning(), zeros = {0};
    size_t size = (size_t)200 << 20;
    assert_non_null(dfy_buffer_reserve(&zeros, size));
    memset(zeros.data, 0, size);
    zeros.data[0] = 0x7F; /* of how many pictures */
    zeros.size = size;
    DfyBuffer bomb = deflated(&zeros);
    put_chunk(&file, DFY_V1_CYCLE_CANON, 1, &bomb);
    put_chunk(&file, DFY_V1_IMU_BLOCK, 1, &bomb);
    put_chunk(&file, DFY_V1_METADATA, 1, &bomb);
    Outcome outcome = play(&file);
    assert_int_equal(outcome.decoded, 0);
    dfy_buffer_free(&bomb);
    dfy_buffer_free(&zeros);
    dfy_buffer_free(&file);
}

/* A picture whose own stream goes on for ever is read up to its last coefficient. */
static void test_picture_that_inflates_without_end(void **state) {
    (void)state;
    DfyBuffer file = beginning(), zeros = {0}, payload = {0};
    size_t size = (size_t)16 << 20;
    assert_non_null(dfy_buffer_reserve(&zeros, size));
    memset(zeros.data, 1, size);
    zeros.size = size;
    DfyBuffer bomb = deflated(&zeros);
    dfy_put_u32be(&payload, 1);
    dfy_put_u8(&payload, 0);
    dfy_put_u32be(&payload, (uint32_t)bomb.size + 5);
    dfy_put_u16be(&payload, 48);
    dfy_put_u16be(&payload, 64);
    dfy_put_u8(&payload, 50);
    dfy_put_bytes(&payload, bomb.data, bomb.size);
    put_chunk(&file, DFY_V1_CYCLE_CANON, 0, &payload);
    Outcome outcome = play(&file);
    assert_int_equal(outcome.opened, DFY_OK);
    assert_int_equal(outcome.decoded + outcome.damaged, 1);
    dfy_buffer_free(&bomb);
    dfy_buffer_free(&zeros);
    dfy_buffer_free(&payload);
    dfy_buffer_free(&file);
}

static void test_repeats_of_nothing(void **state) {
    (void)state;
    DfyBuffer file = beginning(), payload = {0};
    dfy_put_u16be(&payload, 9);
    dfy_put_u16be(&payload, 65535);
    put_chunk(&file, DFY_V1_CYCLE_SKIP, 0, &payload);
    payload.size = 0;
    dfy_put_u16be(&payload, 65535);
    dfy_put_u32be(&payload, 3);
    put_chunk(&file, DFY_V1_CYCLE_DELTA, 0, &payload);
    Outcome outcome = play(&file);
    assert_int_equal(outcome.decoded, 0);
    assert_false(outcome.info.complete);
    dfy_buffer_free(&payload);
    dfy_buffer_free(&file);
}

static void test_background_of_another_size(void **state) {
    (void)state;
    DfyBuffer file = film_file(2);
    file.data[17] = 65; /* the header's width becomes 65 */
    assert_int_equal(play(&file).opened, DFY_ERROR_FORMAT);
    dfy_buffer_free(&file);
}

static void test_size_beyond_memory(void **state) {
    (void)state;
    DfyBuffer file = film_file(2);
    file.data[16] = file.data[18] = 0x20; /* 8192 + something */
    file.data[17] = file.data[19] = 0;
    assert_true(play(&file).opened < 0);
    dfy_buffer_free(&file);
}

static void test_chunk_of_four_gigabytes(void **state) {
    (void)state;
    DfyBuffer file = beginning();
    dfy_put_u8(&file, DFY_V1_CYCLE_CANON);
    dfy_put_u8(&file, 1);
    dfy_put_u32be(&file, UINT32_MAX);
    dfy_put_u32be(&file, 0);
    Outcome outcome = play(&file);
    assert_int_equal(outcome.decoded, 0);
    assert_false(outcome.info.complete);
    dfy_buffer_free(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_flipped_bytes),
        cmocka_unit_test(test_more_pictures_stated_than_there_are),
        cmocka_unit_test(test_chunk_that_inflates_without_end),
        cmocka_unit_test(test_picture_that_inflates_without_end),
        cmocka_unit_test(test_repeats_of_nothing),
        cmocka_unit_test(test_background_of_another_size),
        cmocka_unit_test(test_size_beyond_memory),
        cmocka_unit_test(test_chunk_of_four_gigabytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
