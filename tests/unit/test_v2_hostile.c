/* Files made to hurt: whatever a header claims, opening and playing take memory and time by what is really there. */
#include "v2_clip.h"

#include "base/bytes.h"
#include "video/syntax/stream.h"

static int open_status(MemoryFile *file, uint64_t memory_limit) {
    DfyDecoder *decoder;
    DfyInput input = memory_input(file);
    DfyDecoderSettings settings;
    dfy_decoder_defaults(&settings);
    if (memory_limit) settings.memory_limit_bytes = memory_limit;
    int status = dfy_decoder_open(&decoder, &input, &settings);
    if (status) {
        DfyPicture picture;
        assert_true(*dfy_last_message(decoder));
        assert_true(dfy_decoder_next(decoder, &picture) != DFY_OK); /* a decoder that did not open plays nothing */
        assert_true(dfy_decoder_seek(decoder, 0) != DFY_OK);
    }
    dfy_decoder_close(&decoder);
    return status;
}

static DfyStream stream_of(int width, int height) {
    return (DfyStream){.width = width,
                       .height = height,
                       .frame_rate_num = 30,
                       .frame_rate_den = 1,
                       .time_base_num = 1,
                       .time_base_den = 30,
                       .matrix = DFY_MATRIX_BT709,
                       .quality = 25,
                       .keep = 4};
}

/* A file with one segment whose head says so many frames and whose code is `code`. */
static void make_lying_file(MemoryFile *file, const DfyStream *stream, uint64_t first, uint64_t frames,
                            uint64_t frames_in_index, const uint8_t *code, size_t size) {
    DfyOutput output = {.write = memory_write, .opaque = file};
    DfyV2Writer writer;
    DfyBuffer payload = {0};
    assert_int_equal(dfy_v2_writer_open(&writer, &output), DFY_OK);
    dfy_put_stream(&payload, stream);
    assert_int_equal(dfy_v2_write_chunk(&writer, DFY_CHUNK_STREAM, 0, payload.data, payload.size, 0, 0), DFY_OK);
    payload.size = 0;
    dfy_put_varint(&payload, first);
    dfy_put_varint(&payload, frames);
    dfy_put_u8(&payload, 0);
    dfy_put_u16be(&payload, dfy_crc16(0, payload.data, payload.size));
    dfy_put_bytes(&payload, code, size);
    assert_int_equal(dfy_v2_write_chunk(&writer, DFY_CHUNK_SEGMENT, DFY_CHUNK_ACCESS_POINT, payload.data, payload.size,
                                        first, frames_in_index),
                     DFY_OK);
    assert_int_equal(dfy_v2_writer_finish(&writer), DFY_OK);
    dfy_v2_writer_close(&writer);
    dfy_buffer_free(&payload);
}

static void make_file(MemoryFile *file, const DfyStream *stream, uint64_t first, uint64_t frames, const uint8_t *code,
                      size_t size) {
    make_lying_file(file, stream, first, frames, frames, code, size);
}

static void huge_pictures(void **state) {
    (void)state;
    DfyStream stream = stream_of(DFY_MAX_DIMENSION, DFY_MAX_DIMENSION);
    MemoryFile file = {0};
    make_file(&file, &stream, 0, 60000, (const uint8_t *)"x", 1);
    assert_int_equal(open_status(&file, 64 << 20), DFY_ERROR_MEMORY);
    memory_free(&file);
    for (int bad = 0; bad < 3; bad++) {
        stream = stream_of(bad == 0 ? DFY_MAX_DIMENSION + 1 : 64, bad == 1 ? 0 : 64);
        if (bad == 2) stream.frame_rate_den = 0;
        make_file(&file, &stream, 0, 1, NULL, 0);
        assert_int_equal(open_status(&file, 0), DFY_ERROR_FORMAT);
        memory_free(&file);
    }
}

/* Frame numbers and counts beyond all reason are damage, not work. */
static void huge_counts(void **state) {
    (void)state;
    static const uint64_t numbers[][2] = {
        {0, UINT64_MAX}, {0, 1u << 30}, {UINT64_MAX - 5, 10}, {(uint64_t)1 << 50, 1}, {1u << 20, 4}};
    DfyStream stream = stream_of(64, 64);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        for (int index = 0; index < 2; index++) {
            MemoryFile file = {0};
            make_file(&file, &stream, numbers[i][0], numbers[i][1], (const uint8_t *)"abcdefgh", 8);
            if (!index) file.size -= 20;
            DfyInput input = memory_input(&file);
            DfyDecoder *decoder;
            if (dfy_decoder_open(&decoder, &input, NULL) == DFY_OK) {
                DfyPicture picture;
                int status, calls = 0;
                while ((status = dfy_decoder_next(decoder, &picture)) != DFY_END && calls < 100) calls++;
                assert_true(calls < 100);
                dfy_decoder_verify(decoder);
            }
            dfy_decoder_close(&decoder);
            memory_free(&file);
        }
}

/* Frames that the file says, opened with its index or without, and whether verify finds it whole. */
static uint64_t frames_of(MemoryFile *file, int index, int *whole) {
    if (!index) file->size -= 20;
    DfyDecoder *decoder = open_decoder(file);
    DfyInfo info;
    assert_int_equal(dfy_decoder_info(decoder, &info), DFY_OK);
    *whole = dfy_decoder_verify(decoder) == DFY_OK;
    dfy_decoder_close(&decoder);
    return info.frames;
}

/* A hundred bytes that begin at frame 2^31, or whose index says 2^32 frames, are no video of a year. */
static void few_bytes_many_frames(void **state) {
    (void)state;
    DfyStream stream = stream_of(64, 64);
    for (int index = 0; index < 2; index++) {
        MemoryFile file = {0};
        int whole;
        make_file(&file, &stream, (uint64_t)1 << 31, 4, (const uint8_t *)"abcdefgh", 8);
        assert_int_equal(frames_of(&file, index, &whole), 0);
        assert_false(whole);
        memory_free(&file);
        make_lying_file(&file, &stream, 0, 10, UINT32_MAX, (const uint8_t *)"abcdefgh", 8);
        assert_in_range(frames_of(&file, index, &whole), 0, 10);
        assert_false(whole);
        memory_free(&file);
        make_lying_file(&file, &stream, 0, 10, 11, (const uint8_t *)"abcdefgh", 8); /* they disagree by one */
        frames_of(&file, index, &whole);
        assert_false(whole);
        memory_free(&file);
    }
}

/* Bytes at random as the code of a segment: pictures or damage, never a hang. */
static void random_code(void **state) {
    (void)state;
    DfyStream stream = stream_of(130, 66);
    for (uint32_t seed = 0; seed < 60; seed++) {
        uint8_t code[400];
        for (size_t i = 0; i < sizeof code; i++)
            code[i] = seed % 4 == 0 ? (uint8_t)(seed & 8 ? 255 : 0) : (uint8_t)clip_hash(seed << 16 | (uint32_t)i);
        MemoryFile file = {0};
        make_file(&file, &stream, 0, 64, code, sizeof code);
        DfyDecoder *decoder = open_decoder(&file);
        DfyPicture picture;
        int status, calls = 0;
        while ((status = dfy_decoder_next(decoder, &picture)) != DFY_END) assert_true(++calls < 100);
        for (uint64_t frame = 0; frame < 64; frame += 13)
            if (dfy_decoder_seek(decoder, frame) == DFY_OK) dfy_decoder_next(decoder, &picture);
        dfy_decoder_close(&decoder);
        memory_free(&file);
    }
}

/* A file full of heads that claim the rest of the file is read a few times over, not once a head. */
static void many_heads(void **state) {
    (void)state;
    DfyBuffer bytes = {0};
    const uint32_t size = 1 << 20;
    dfy_put_bytes(&bytes, "DFY\2rubbish", 11);
    while (bytes.size + 8 < size) {
        uint8_t head[8] = {DFY_CHUNK_SEGMENT, 0};
        uint32_t claim = size - (uint32_t)bytes.size - 12;
        for (int i = 0; i < 4; i++) head[2 + i] = (uint8_t)(claim >> (24 - 8 * i));
        uint32_t check = dfy_crc32c(0, head, 6);
        head[6] = (uint8_t)(check >> 8);
        head[7] = (uint8_t)check;
        dfy_put_bytes(&bytes, head, 8);
    }
    MemoryFile file = {.data = bytes.data, .size = bytes.size};
    assert_int_equal(open_status(&file, 0), DFY_ERROR_FORMAT);
    if (file.reads > 10 * (uint64_t)size) fail_msg("%llu bytes read of %u", (unsigned long long)file.reads, size);
    dfy_buffer_free(&bytes);
}

/* An index that names more chunks, or larger ones, than the file has room for is no index. */
static void lying_index(void **state) {
    (void)state;
    Clip clip = {.width = 32, .height = 32, .frames = 20};
    DfyEncoderSettings settings = clip_settings(&clip);
    MemoryFile file = {0};
    clip_encode(&clip, &settings, &file);
    DfyOutput output = {.write = memory_write, .opaque = &file};
    for (int lie = 0; lie < 3; lie++) {
        DfyV2Writer writer;
        MemoryFile lying = {0};
        output.opaque = &lying;
        assert_int_equal(dfy_v2_writer_open(&writer, &output), DFY_OK);
        lying.size = 0;
        memory_write(&lying, file.data, file.size - 20); /* all but END */
        uint64_t at = lying.size;
        DfyBuffer index = {0}, end = {0};
        dfy_put_varint(&index, lie == 0 ? UINT64_MAX : 3);
        for (int i = 0; i < 3; i++) {
            dfy_put_u8(&index, i ? DFY_CHUNK_SEGMENT : DFY_CHUNK_STREAM);
            dfy_put_u8(&index, 1);
            dfy_put_varint(&index, lie == 1 ? (uint64_t)UINT32_MAX + 7 : 0);
            dfy_put_varint(&index, lie == 2 ? UINT64_MAX : 1);
            dfy_put_varint(&index, UINT64_MAX - 3);
        }
        dfy_v2_write_chunk(&writer, DFY_CHUNK_INDEX, 0, index.data, index.size, 0, 0);
        dfy_put_u64be(&end, at);
        dfy_v2_write_chunk(&writer, DFY_CHUNK_END, 0, end.data, end.size, 0, 0);
        assert_int_equal(decode_all(&lying, 1000, NULL, NULL), 20); /* walked instead */
        dfy_v2_writer_close(&writer);
        dfy_buffer_free(&index);
        dfy_buffer_free(&end);
        memory_free(&lying);
    }
    memory_free(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(huge_pictures), cmocka_unit_test(huge_counts), cmocka_unit_test(few_bytes_many_frames),
        cmocka_unit_test(random_code),   cmocka_unit_test(many_heads),  cmocka_unit_test(lying_index)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
