/*
 * What crosses the border of the library: settings of older and newer programs, metadata, and pictures in memory of the
 * caller's.
 */
#include "v2_clip.h"

#include "base/json.h"

typedef struct Grown { /* a later version's settings */
    DfyEncoderSettings known;
    int newer;
} Grown;

static int open_with(void *settings, DfyMessage *message) {
    MemoryFile file = {0};
    DfyEncoder *encoder;
    DfyOutput output = {.write = memory_write, .opaque = &file};
    int status = dfy_encoder_open(&encoder, settings, &output);
    memcpy(message->text, dfy_last_message(encoder), sizeof message->text);
    dfy_encoder_close(&encoder);
    memory_free(&file);
    return status;
}

static void sizes_of_encoder_settings(void **state) {
    (void)state;
    DfyMessage message;
    Grown s = {0};
    s.known.width = s.known.height = 32;
    assert_int_equal(open_with(&s, &message), DFY_ERROR_ARGUMENT); /* not filled in */
    assert_non_null(strstr(message.text, "dfy_encoder_defaults"));
    dfy_encoder_defaults_of(&s.known, sizeof s);
    assert_int_equal(s.known.struct_size, sizeof s);
    assert_int_equal(s.known.quality, 25);
    s.known.width = s.known.height = 32;
    assert_int_equal(open_with(&s, &message), DFY_OK);
    s.newer = 1;
    assert_int_equal(open_with(&s, &message), DFY_ERROR_ARGUMENT);
    assert_non_null(strstr(message.text, DFY_VERSION));
}

/* A program that was compiled when the struct ended with the quality: nothing behind it is read or written. */
static void older_encoder_settings(void **state) {
    (void)state;
    DfyMessage message;
    DfyEncoderSettings s;
    memset(&s, 0xEE, sizeof s);
    size_t old = offsetof(DfyEncoderSettings, frame_rate_num);
    dfy_encoder_defaults_of(&s, old);
    assert_int_equal(s.struct_size, old);
    assert_int_equal(s.quality, 25);
    for (size_t i = old; i < sizeof s; i++) assert_int_equal(((uint8_t *)&s)[i], 0xEE);
    s.width = s.height = 32;
    assert_int_equal(open_with(&s, &message), DFY_OK);
    s.struct_size = sizeof s;
    assert_int_equal(open_with(&s, &message), DFY_ERROR_ARGUMENT); /* 0xEEEEEEEE frames per second */
}

static void encode_small(MemoryFile *file, const char *metadata) {
    Clip clip = {.width = 50, .height = 38, .frames = 9};
    DfyEncoderSettings settings = clip_settings(&clip);
    settings.metadata = metadata;
    clip_encode(&clip, &settings, file);
}

static void sizes_of_decoder_settings(void **state) {
    (void)state;
    MemoryFile file = {0};
    encode_small(&file, NULL);
    struct {
        DfyDecoderSettings known;
        int newer;
    } s = {0};
    DfyInput input = memory_input(&file);
    DfyDecoder *decoder;
    for (int round = 0; round < 4; round++) {
        memset(&s, 0, sizeof s);
        if (round) dfy_decoder_defaults_of(&s.known, round == 3 ? offsetof(DfyDecoderSettings, unwarp) : sizeof s);
        if (round == 2) s.newer = 1;
        if (round == 3) memset((uint8_t *)&s + s.known.struct_size, 0xEE, sizeof s - s.known.struct_size);
        int status = dfy_decoder_open(&decoder, &input, &s.known);
        assert_int_equal(status, round % 2 ? DFY_OK : DFY_ERROR_ARGUMENT);
        if (status) assert_non_null(strstr(dfy_last_message(decoder), "settings"));
        dfy_decoder_close(&decoder);
    }
    memory_free(&file);
}

static void versions_agree(void **state) {
    (void)state;
    assert_string_equal(dfy_version(), DFY_VERSION);
}

static void joiner_settings(void **state) {
    (void)state;
    MemoryFile file = {0};
    DfyOutput output = {.write = memory_write, .opaque = &file};
    DfyJoiner *joiner;
    DfyJoinerSettings settings = {0};
    assert_int_equal(dfy_joiner_open(&joiner, &settings, &output), DFY_ERROR_ARGUMENT);
    assert_non_null(strstr(dfy_last_message(joiner), "dfy_joiner_defaults"));
    dfy_joiner_close(&joiner);
    dfy_joiner_defaults(&settings);
    settings.metadata = "{";
    assert_int_equal(dfy_joiner_open(&joiner, &settings, &output), DFY_ERROR_ARGUMENT);
    assert_non_null(strstr(dfy_last_message(joiner), "JSON"));
    dfy_joiner_close(&joiner);
    settings.metadata = NULL;
    assert_int_equal(dfy_joiner_open(&joiner, &settings, &output), DFY_OK);
    DfyInput stream = {.read = memory_read, .size_bytes = DFY_FORWARD_ONLY, .opaque = &file};
    assert_int_equal(dfy_joiner_add(joiner, &stream), DFY_ERROR_UNSUPPORTED);
    dfy_joiner_close(&joiner);
    memory_free(&file);
}

static void json_objects(void **state) {
    (void)state;
    static const char *const good[] = {"{}",
                                       " {\n}\t",
                                       "{\"a\":1}",
                                       "{\"a\": [1, -0.5e+3, {\"b\": null}], \"c\": true}",
                                       "{\"\\u00e4\\n\": \"\xC3\xA4\xF0\x9F\x98\x80\"}",
                                       "{\"a\":[],\"b\":\"\"}"};
    static const char *const bad[] = {"",
                                      "[]",
                                      "1",
                                      "{",
                                      "{}}",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{\"a\":1,}",
                                      "{a:1}",
                                      "{\"a\":01}",
                                      "{\"a\":NaN}",
                                      "{\"a\":+1}",
                                      "{\"a\":1.}",
                                      "{\"a\":\"\n\"}",
                                      "{\"a\":\"\\x\"}",
                                      "{\"a\":\"\\u12g4\"}",
                                      "{\"a\":\"\xC0\x80\"}",
                                      "{\"a\":\"\xED\xA0\x80\"}",
                                      "{\"a\":\"\xF4\x90\x80\x80\"}",
                                      "{\"a\":\"\xE4\"}",
                                      "{\"a\":\"",
                                      "{\"a\":tru}",
                                      "{} x"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!dfy_is_json_object(good[i], strlen(good[i]))) fail_msg("refused: %s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (dfy_is_json_object(bad[i], strlen(bad[i]))) fail_msg("taken: %s", bad[i]);
    for (int depth = 10; depth < 5000; depth += depth == 10 ? 4000 : 1000) {
        char *text = malloc((size_t)depth * 2 + 8);
        strcpy(text, "{\"a\":");
        memset(text + 5, '[', (size_t)depth);
        memset(text + 5 + depth, ']', (size_t)depth);
        text[5 + 2 * depth] = '}';
        assert_int_equal(dfy_is_json_object(text, 6 + 2 * (size_t)depth), depth < DFY_JSON_DEPTH);
        free(text);
    }
}

static void metadata_come_back(void **state) {
    (void)state;
    static const char *const text = "{ \"station\": \"Pr\xC3\xBC"
                                    "fstand 4\", \"shift\": [1, 2] }";
    MemoryFile with = {0}, without = {0};
    encode_small(&with, text);
    encode_small(&without, NULL);
    DfyDecoder *decoder = open_decoder(&with);
    assert_string_equal(dfy_decoder_metadata(decoder), text);
    assert_int_equal(dfy_decoder_verify(decoder), DFY_OK);
    dfy_decoder_close(&decoder);
    uint32_t crcs[2][9];
    assert_int_equal(decode_all(&with, 9, crcs[0], NULL), 9);
    assert_int_equal(decode_all(&without, 9, crcs[1], NULL), 9);
    assert_memory_equal(crcs[0], crcs[1], sizeof crcs[0]);
    size_t at = 0;
    while (memcmp(with.data + at, "station", 7)) at++;
    with.data[at] = '"'; /* damaged, so left out */
    decoder = open_decoder(&with);
    assert_string_equal(dfy_decoder_metadata(decoder), "{}");
    dfy_decoder_close(&decoder);
    decoder = open_decoder(&without);
    assert_string_equal(dfy_decoder_metadata(decoder), "{}");
    dfy_decoder_close(&decoder);
    memory_free(&with);
    memory_free(&without);
}

static void bad_metadata_are_refused(void **state) {
    (void)state;
    DfyMessage message;
    DfyEncoderSettings s;
    dfy_encoder_defaults(&s);
    s.width = s.height = 32;
    s.metadata = "station 4";
    assert_int_equal(open_with(&s, &message), DFY_ERROR_ARGUMENT);
    assert_non_null(strstr(message.text, "JSON"));
    s.metadata = "{}";
    s.format = 1;
    assert_int_equal(open_with(&s, &message), DFY_ERROR_ARGUMENT);
    s.format = 2;
    char *large = malloc(3 << 20);
    memset(large, ' ', 3 << 20);
    large[0] = '{', large[(3 << 20) - 2] = '}', large[(3 << 20) - 1] = 0;
    s.metadata = large;
    assert_int_equal(open_with(&s, &message), DFY_ERROR_ARGUMENT);
    assert_non_null(strstr(message.text, "1 MiB"));
    free(large);
}

/* ---------------------------------------------------------------- pictures in the caller's memory */

#define KEPT 9

typedef struct Shelf {
    uint8_t *memory[KEPT + 1];
    int used, most;
} Shelf;

static int take(void *opaque, DfyPicture *picture) {
    Shelf *shelf = opaque;
    if (shelf->used >= shelf->most) return -1;
    size_t stride = 200, rows = (size_t)picture->height;
    uint8_t *at = shelf->memory[shelf->used++] = malloc(stride * rows * 3);
    for (int i = 0; i < dfy_plane_count(picture->format); i++) {
        picture->plane[i] = at + (size_t)i * stride * rows;
        picture->stride_bytes[i] = (ptrdiff_t)stride;
    }
    return 0;
}

/* All pictures of the file are kept, and are what they are when the decoder keeps them; then there is no room. */
static void pictures_are_kept(void **state) {
    (void)state;
    for (int format = 1; format <= 2; format++) {
        Clip clip = {.width = 50, .height = 38, .frames = KEPT};
        DfyEncoderSettings encoding = clip_settings(&clip);
        encoding.format = format;
        MemoryFile file = {0};
        clip_encode(&clip, &encoding, &file);
        uint32_t crcs[KEPT];
        assert_int_equal(decode_all(&file, KEPT, crcs, NULL), KEPT);
        Shelf shelf = {.most = KEPT};
        DfyDecoderSettings settings;
        dfy_decoder_defaults(&settings);
        settings.allocator = (DfyAllocator){.take = take, .opaque = &shelf};
        DfyInput input = memory_input(&file);
        DfyDecoder *decoder;
        DfyPicture picture[KEPT + 1];
        assert_int_equal(dfy_decoder_open(&decoder, &input, &settings), DFY_OK);
        for (int i = 0; i < KEPT; i++) assert_int_equal(dfy_decoder_next(decoder, &picture[i]), DFY_OK);
        assert_int_equal(dfy_decoder_seek(decoder, 2), DFY_OK);
        assert_int_equal(dfy_decoder_next(decoder, &picture[KEPT]), DFY_ERROR_MEMORY);
        assert_non_null(strstr(dfy_last_message(decoder), "allocator"));
        dfy_decoder_close(&decoder);
        for (int i = 0; i < KEPT; i++) {
            assert_ptr_equal(picture[i].plane[0], shelf.memory[i]);
            assert_int_equal(picture_crc(&picture[i]), crcs[i]);
            free(shelf.memory[i]);
        }
        memory_free(&file);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_of_encoder_settings), cmocka_unit_test(older_encoder_settings),
        cmocka_unit_test(sizes_of_decoder_settings), cmocka_unit_test(versions_agree),
        cmocka_unit_test(joiner_settings),           cmocka_unit_test(json_objects),
        cmocka_unit_test(metadata_come_back),        cmocka_unit_test(bad_metadata_are_refused),
        cmocka_unit_test(pictures_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
