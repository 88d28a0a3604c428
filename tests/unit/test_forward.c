/*
 * Streams that only go forward: what comes is what the file gives, reads never go back, little is kept, and what is
 * hostile gets a sentence.
 */
#include "v2_clip.h"

#include "container/forward.h"

#define FRAMES 150

typedef struct Pipe {
    MemoryFile *file;
    uint64_t at, end; /* taken; where the stream ends, or fails if `fails` */
    int fails;
} Pipe;

static int64_t pipe_read(void *opaque, uint64_t offset, uint8_t *data, size_t size) {
    Pipe *pipe = opaque;
    assert_int_equal(offset, pipe->at);
    uint64_t end = pipe->end < pipe->file->size ? pipe->end : pipe->file->size;
    if (size > end - offset) {
        if (pipe->fails) return -1;
        size = (size_t)(end - offset);
    }
    memcpy(data, pipe->file->data + offset, size);
    pipe->at += size;
    return (int64_t)size;
}

static int open_pipe(DfyDecoder **decoder, Pipe *pipe) {
    DfyInput input = {.read = pipe_read, .size_bytes = DFY_FORWARD_ONLY, .opaque = pipe};
    return dfy_decoder_open(decoder, &input, NULL);
}

static void encode_film(MemoryFile *file, DfyMode mode, int format) {
    Clip clip = {.width = 96, .height = 64, .frames = FRAMES, .grain = 3};
    DfyEncoderSettings settings = clip_settings(&clip);
    settings.format = format;
    settings.effort = 1;
    settings.mode = mode;
    settings.quality = 60;
    settings.segment_seconds = 0.5;
    if (format == 2) settings.metadata = "{\"a\": 1}";
    clip_encode(&clip, &settings, file);
}

static void as_from_a_file(void **state) {
    (void)state;
    for (int format = 1; format <= 2; format++) {
        MemoryFile file = {0};
        uint32_t crcs[FRAMES];
        encode_film(&file, DFY_MODE_TRAINING, format);
        assert_int_equal(decode_all(&file, FRAMES, crcs, NULL), FRAMES);
        Pipe pipe = {.file = &file, .end = UINT64_MAX};
        DfyDecoder *decoder;
        DfyPicture picture;
        DfyInfo info;
        assert_int_equal(open_pipe(&decoder, &pipe), DFY_OK);
        if (format == 2) assert_true(pipe.at < file.size / 2);
        if (format == 2) assert_string_equal(dfy_decoder_metadata(decoder), "{\"a\": 1}");
        for (int i = 0; i < FRAMES; i++) {
            assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_OK);
            assert_int_equal(picture_crc(&picture), crcs[i]);
        }
        assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_END);
        dfy_decoder_info(decoder, &info);
        assert_int_equal(info.frames, FRAMES);
        assert_int_equal(info.complete || format == 1, 1);
        for (int frame = FRAMES - 1; frame >= 0; frame -= 37) { /* back among what is kept */
            assert_int_equal(dfy_decoder_seek(decoder, (uint64_t)frame), DFY_OK);
            assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_OK);
            assert_int_equal(picture_crc(&picture), crcs[frame]);
        }
        if (format == 2) assert_int_equal(dfy_decoder_verify(decoder), DFY_ERROR_UNSUPPORTED);
        dfy_decoder_close(&decoder);
        memory_free(&file);
    }
}

static void skipping_ahead(void **state) {
    (void)state;
    MemoryFile file = {0};
    uint32_t crcs[FRAMES];
    encode_film(&file, DFY_MODE_TRAINING, 2);
    decode_all(&file, FRAMES, crcs, NULL);
    Pipe pipe = {.file = &file, .end = UINT64_MAX};
    DfyDecoder *decoder;
    DfyPicture picture;
    assert_int_equal(open_pipe(&decoder, &pipe), DFY_OK);
    for (int frame = 10; frame < FRAMES; frame += 45) {
        assert_int_equal(dfy_decoder_seek(decoder, (uint64_t)frame), DFY_OK);
        assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_OK);
        assert_int_equal(picture_crc(&picture), crcs[frame]);
    }
    assert_int_equal(dfy_decoder_seek(decoder, FRAMES), DFY_ERROR_ARGUMENT);
    dfy_decoder_close(&decoder);
    memory_free(&file);
}

/* Cut or failing anywhere: as many frames as are whole, and never a crash. */
static void cut_anywhere(void **state) {
    (void)state;
    MemoryFile file = {0};
    encode_film(&file, DFY_MODE_UPLOAD, 2);
    for (int fails = 0; fails < 2; fails++)
        for (uint64_t end = 0; end < file.size; end += 1 + file.size / 41) {
            Pipe pipe = {.file = &file, .end = end, .fails = fails};
            DfyDecoder *decoder;
            DfyPicture picture;
            int status = open_pipe(&decoder, &pipe), frames = 0;
            while (!status && !(status = dfy_decoder_next(decoder, &picture))) frames++;
            if (status != DFY_END) assert_true(*dfy_last_message(decoder));
            assert_true(frames < FRAMES);
            dfy_decoder_close(&decoder);
        }
    memory_free(&file);
}

/* Rubbish in the middle costs what it overwrote. */
static void rubbish_between(void **state) {
    (void)state;
    MemoryFile file = {0};
    encode_film(&file, DFY_MODE_TRAINING, 2);
    memset(file.data + file.size / 2, 0x5A, 40);
    Pipe pipe = {.file = &file, .end = UINT64_MAX};
    DfyDecoder *decoder;
    DfyPicture picture;
    assert_int_equal(open_pipe(&decoder, &pipe), DFY_OK);
    int status, frames = 0, calls = 0;
    while ((status = dfy_decoder_next(decoder, &picture)) != DFY_END && ++calls < 2 * FRAMES) frames += !status;
    assert_int_equal(status, DFY_END);
    assert_true(frames >= FRAMES / 3);
    dfy_decoder_close(&decoder);
    memory_free(&file);
}

/* The oldest pieces are given up, those that are pinned last, and the first never. */
static void little_is_kept(void **state) {
    (void)state;
    MemoryFile file = {.size = 100 * 100};
    file.data = malloc(file.size);
    for (size_t i = 0; i < file.size; i++) file.data[i] = (uint8_t)(i / 100);
    Pipe pipe = {.file = &file, .end = UINT64_MAX};
    DfyInput input = {.read = pipe_read, .size_bytes = DFY_FORWARD_ONLY, .opaque = &pipe};
    DfyForward forward;
    dfy_forward_open(&forward, &input, 0);
    forward.limit = 1000;
    uint8_t byte;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(dfy_forward_take(&forward, 100), DFY_OK);
        assert_int_equal(dfy_forward_keep(&forward, i % 30 == 5), DFY_OK);
        assert_true(forward.held <= 1000);
    }
    assert_int_equal(dfy_forward_take(&forward, 1), DFY_END);
    for (int i = 0; i < 100; i++) {
        int kept = i == 0 || i % 30 == 5 || i >= 94;
        assert_int_equal(dfy_forward_read(&forward, (uint64_t)i * 100 + 50, &byte, 1), kept);
        if (kept) assert_int_equal(byte, i);
    }
    forward.limit = 250;
    dfy_put_u8(&forward.next, 1);
    assert_int_equal(dfy_forward_keep(&forward, 0), DFY_OK);
    assert_true(forward.held <= 250);
    dfy_forward_close(&forward);
    memory_free(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_from_a_file), cmocka_unit_test(skipping_ahead),
                                       cmocka_unit_test(cut_anywhere), cmocka_unit_test(rubbish_between),
                                       cmocka_unit_test(little_is_kept)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
