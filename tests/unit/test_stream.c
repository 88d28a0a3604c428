/* The STREAM header of a video: what is kept, what a later version may add, what is refused. */
#include "v2_clip.h"

#include "video/syntax/stream.h"

static DfyStream stream_of(void) {
    return (DfyStream){.width = 1920,
                       .height = 1080,
                       .frame_rate_num = 30000,
                       .frame_rate_den = 1001,
                       .time_base_num = 1,
                       .time_base_den = 90000,
                       .primaries = 9,
                       .transfer = 16,
                       .matrix = DFY_MATRIX_BT2020,
                       .range = DFY_RANGE_FULL,
                       .sample_aspect_num = 16,
                       .sample_aspect_den = 11,
                       .orientation = 6,
                       .start_unix_us = 1795953000123456,
                       .quality = 25,
                       .keep = 4};
}

static int read_back(const DfyBuffer *buffer, DfyStream *stream, DfyMessage *message) {
    DfyBytes bytes = dfy_bytes(buffer->data, buffer->size);
    message->text[0] = 0;
    return dfy_read_stream(&bytes, stream, message);
}

static void kept(void **state) {
    (void)state;
    DfyStream written = stream_of(), read = {0};
    DfyBuffer buffer = {0};
    DfyMessage message;
    dfy_put_stream(&buffer, &written);
    assert_int_equal(read_back(&buffer, &read, &message), DFY_OK);
    assert_memory_equal(&read, &written, sizeof read);
    dfy_buffer_free(&buffer);
}

/* Optional features and fields at the end are a later version's: this one plays the file without them. */
static void later_versions(void **state) {
    (void)state;
    DfyStream written = stream_of(), read = {0};
    DfyBuffer buffer = {0};
    DfyMessage message;
    dfy_put_stream(&buffer, &written);
    buffer.data[4] = 0x55;                          /* optional features */
    buffer.data[2] = (uint8_t)(buffer.data[2] + 3); /* three more bytes of fields, and two behind them */
    dfy_put_bytes(&buffer, "\1\2\3\4\5", 5);
    assert_int_equal(read_back(&buffer, &read, &message), DFY_OK);
    assert_memory_equal(&read, &written, sizeof read);
    dfy_buffer_free(&buffer);
}

static void refused(void **state) {
    (void)state;
    static const struct {
        size_t at;
        uint8_t value;
        int status;
    } cases[] = {
        {0, 2, DFY_ERROR_UNSUPPORTED},                     /* splats */
        {0, 9, DFY_ERROR_UNSUPPORTED},                     /* a kind to come */
        {1, DFY_VIDEO_VERSION - 1, DFY_ERROR_UNSUPPORTED}, /* a draft */
        {1, DFY_VIDEO_VERSION + 1, DFY_ERROR_UNSUPPORTED}, /* a later version */
        {2, 127, DFY_ERROR_FORMAT},                        /* fields beyond the end */
        {2, 10, DFY_ERROR_FORMAT},                         /* fields left out */
        {3, 0x48, DFY_ERROR_UNSUPPORTED},                  /* a required feature that is unknown */
        {3, 6, DFY_ERROR_FORMAT},                          /* lossless and long-term references */
        {18, 10, DFY_ERROR_UNSUPPORTED},                   /* ten bits */
        {19, 3, DFY_ERROR_UNSUPPORTED},                    /* 4:4:4 */
    };
    DfyStream written = stream_of(), read;
    DfyMessage message;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        DfyBuffer buffer = {0};
        dfy_put_stream(&buffer, &written);
        assert_int_equal(buffer.data[18], 8);
        buffer.data[cases[i].at] = cases[i].value;
        assert_int_equal(read_back(&buffer, &read, &message), cases[i].status);
        assert_true(strlen(message.text) > 20 && message.text[strlen(message.text) - 1] == '.');
        dfy_buffer_free(&buffer);
    }
}

/* Through the public calls: what the settings say, dfy_decoder_info gives back. */
static void through_the_api(void **state) {
    (void)state;
    MemoryFile file = {0};
    DfyOutput output = {.write = memory_write, .opaque = &file};
    DfyEncoderSettings settings;
    dfy_encoder_defaults(&settings);
    settings.width = settings.height = 16;
    settings.primaries = 1;
    settings.transfer = 13;
    settings.sample_aspect_num = 4;
    settings.sample_aspect_den = 3;
    settings.orientation = 8;
    settings.start_unix_us = 1;
    uint8_t grey[256];
    memset(grey, 99, sizeof grey);
    DfyPicture picture = {
        .format = DFY_PIXELS_I420, .width = 16, .height = 16, .plane = {grey, grey, grey}, .stride_bytes = {16, 8, 8}};
    DfyEncoder *encoder;
    assert_int_equal(dfy_encoder_open(&encoder, &settings, &output), DFY_OK);
    assert_int_equal(dfy_encoder_push(encoder, &picture), DFY_OK);
    assert_int_equal(dfy_encoder_finish(encoder, NULL), DFY_OK);
    dfy_encoder_close(&encoder);
    DfyInput input = memory_input(&file);
    DfyDecoder *decoder;
    DfyInfo info;
    assert_int_equal(dfy_decoder_open(&decoder, &input, NULL), DFY_OK);
    assert_int_equal(dfy_decoder_info(decoder, &info), DFY_OK);
    assert_int_equal(info.primaries, 1);
    assert_int_equal(info.transfer, 13);
    assert_int_equal(info.sample_aspect_num, 4);
    assert_int_equal(info.sample_aspect_den, 3);
    assert_int_equal(info.orientation, 8);
    assert_int_equal(info.start_unix_us, 1);
    assert_int_equal(info.bit_depth, 8);
    assert_int_equal(info.chroma_format, 1);
    dfy_decoder_close(&decoder);
    memory_free(&file);
    settings.orientation = 9;
    assert_int_equal(dfy_encoder_open(&encoder, &settings, &output), DFY_ERROR_ARGUMENT);
    dfy_encoder_close(&encoder);
}

/* The checksum of RFC 3720, whatever the length, and in pieces as in one. */
static void checksums(void **state) {
    (void)state;
    static const uint8_t digits[] = "123456789";
    uint8_t data[67];
    assert_int_equal(dfy_crc32c(0, digits, 9), 0xe3069283);
    for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * 37 + i / 5);
    for (size_t size = 0; size <= sizeof data; size++) {
        uint32_t slow = ~0u;
        for (size_t i = 0; i < size; i++) {
            slow ^= data[i];
            for (int bit = 0; bit < 8; bit++) slow = slow >> 1 ^ (slow & 1 ? 0x82f63b78u : 0);
        }
        assert_int_equal(dfy_crc32c(0, data, size), ~slow);
        assert_int_equal(dfy_crc32c(dfy_crc32c(0, data, size / 3), data + size / 3, size - size / 3), ~slow);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checksums),       cmocka_unit_test(kept),
        cmocka_unit_test(later_versions),  cmocka_unit_test(refused),
        cmocka_unit_test(through_the_api),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
