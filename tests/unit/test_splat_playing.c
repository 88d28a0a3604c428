/* What players need of a splat decoder: steps back, what changed, files that are still coming, streams that go forward.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "splat_models.h"

enum { FRAMES = 14, SPLATS = 700 };

/* A sequence with everything that frames may do: still ones, a few splats that move, splats that come and go, NaN that
 * comes and goes, key frames. */
static void make_sequence(DfySplats *frames, int degree) {
    make_model(&frames[0], SPLATS, degree, 5);
    for (int i = 1; i < FRAMES; i++) {
        dfy_splats_copy(&frames[i], &frames[i - 1], NULL);
        if (i % 4) move_some(&frames[i], 20);
        if (i == 3) frames[i].opacity[17] = -0.0f / 0.0f;
        if (i == 5) frames[i].opacity[17] = 1;
        if (i == 9) frames[i].count -= 40;
    }
}

static DfyBuffer encode(const DfySplats *frames, const DfySplatCodec *codec, int keep_order, int access) {
    DfyBuffer file = {0};
    DfySplatSettings settings;
    DfyOutput output = {.write = memory_write, .opaque = &file};
    DfySplatEncoder *encoder = NULL;
    dfy_splat_defaults(&settings);
    settings.codec = codec;
    settings.key_interval = 6;
    settings.keep_order = keep_order;
    settings.access = access;
    settings.vq.iterations = 5;
    assert_int_equal(dfy_splat_encoder_open(&encoder, &settings, &output), DFY_OK);
    for (int i = 0; i < FRAMES; i++)
        if (dfy_splat_encoder_push(encoder, &frames[i])) fail_msg("%s", dfy_splat_encoder_message(encoder));
    assert_int_equal(dfy_splat_encoder_finish(encoder, NULL), DFY_OK);
    dfy_splat_encoder_close(&encoder);
    return file;
}

static DfySplatDecoder *open_input(const DfyInput *input) {
    DfySplatDecoder *decoder = NULL;
    if (dfy_splat_decoder_open(&decoder, input, NULL)) fail_msg("%s", dfy_splat_decoder_message(decoder));
    return decoder;
}

static DfySplatDecoder *open_file(DfyBuffer *file) {
    DfyInput input = memory_input(file);
    return open_input(&input);
}

static const DfySplats *next_frame(DfySplatDecoder *decoder) {
    const DfySplats *splats = NULL;
    if (dfy_splat_decoder_next(decoder, &splats)) fail_msg("%s", dfy_splat_decoder_message(decoder));
    return splats;
}

static int same_splat(const DfySplats *a, const DfySplats *b, size_t i) {
    size_t rest = (size_t)dfy_splat_rest(a->degree) * 3;
    return !memcmp(a->xyz + i * 3, b->xyz + i * 3, 12) && !memcmp(a->rotation + i * 4, b->rotation + i * 4, 16) &&
           !memcmp(a->scale + i * 3, b->scale + i * 3, 12) && !memcmp(a->opacity + i, b->opacity + i, 4) &&
           !memcmp(a->dc + i * 3, b->dc + i * 3, 12) &&
           (!rest || !memcmp(a->rest + i * rest, b->rest + i * rest, rest * sizeof(float)));
}

static void assert_same(const DfySplats *a, const DfySplats *b, int frame) {
    if (a->count != b->count || a->degree != b->degree) fail_msg("frame %d: another size", frame);
    for (size_t i = 0; i < a->count; i++)
        if (!same_splat(a, b, i)) fail_msg("frame %d: splat %zu differs", frame, i);
}

/* All frames, as a decoder without a history gives them. */
static void play_all(DfyBuffer *file, DfySplats *played) {
    DfySplatDecoder *decoder = open_file(file);
    for (int i = 0; i < FRAMES; i++) dfy_splats_copy(&played[i], next_frame(decoder), NULL);
    dfy_splat_decoder_close(&decoder);
}

static void free_frames(DfySplats *frames) {
    for (int i = 0; i < FRAMES; i++) dfy_splats_free(&frames[i]);
}

/* Goes here and there; every model is that of playing, and what is not said to have changed has not. */
static void wander(DfyBuffer *file, const DfySplats *played, uint64_t limit) {
    DfySplatDecoder *decoder = open_file(file);
    DfySplats before = {0};
    uint32_t seed = 3;
    int at = -1;
    dfy_splat_decoder_remember(decoder, limit);
    for (int step = 0; step < 120; step++) {
        int way = (int)(next_random(&seed) * 1.99f);
        at = step % 10 == 9 ? (int)((next_random(&seed) + 1) * FRAMES / 2.001f) : at + (way ? way : 1);
        at = at < 0 ? 0 : at >= FRAMES ? FRAMES - 1 : at;
        assert_int_equal(dfy_splat_decoder_seek(decoder, (uint64_t)at), DFY_OK);
        const DfySplats *now = next_frame(decoder);
        assert_same(now, &played[at], at);
        const uint32_t *changed;
        uint32_t count;
        dfy_splat_decoder_changed(decoder, &changed, &count);
        if (changed) {
            uint8_t said[SPLATS] = {0};
            assert_int_equal(now->count, before.count);
            for (uint32_t i = 0; i < count; i++) said[changed[i]]++;
            for (uint32_t i = 0; i < now->count; i++) {
                assert_in_range(said[i], 0, 1);
                if (!said[i] && !same_splat(now, &before, i)) fail_msg("step %d: splat %u changed unsaid", step, i);
            }
        } else {
            assert_int_equal(count, now->count);
        }
        dfy_splats_free(&before);
        dfy_splats_copy(&before, now, NULL);
    }
    dfy_splats_free(&before);
    dfy_splat_decoder_close(&decoder);
}

static void any_way_through_a_file_gives_the_same_models(void **state) {
    (void)state;
    const char *const codecs[] = {"tree-range", "vqxyz-range"};
    for (int c = 0; c < 2; c++)
        for (int way = 0; way < (c ? 2 : 6); way++) { /* in order or not, no access frames, every one, every third */
            DfySplats frames[FRAMES], played[FRAMES];
            static const int access[3] = {0, 1, 3};
            make_sequence(frames, 1 + c);
            DfyBuffer file = encode(frames, dfy_splat_codec(codecs[c]), way % 2, access[way / 2]);
            play_all(&file, played);
            for (uint64_t limit = 0; limit <= 1 << 24; limit = limit ? limit * 256 : 1 << 16)
                wander(&file, played, limit);
            dfy_buffer_free(&file);
            free_frames(frames);
            free_frames(played);
        }
}

/* Steps back need no byte of the file; frames where little moves name few splats. */
static void a_step_back_reads_nothing(void **state) {
    (void)state;
    DfySplats frames[FRAMES];
    make_sequence(frames, 1);
    DfyBuffer file = encode(frames, NULL, 1, 0);
    DfySplatDecoder *decoder = open_file(&file);
    uint64_t first, last, offset, bytes;
    const uint32_t *changed;
    uint32_t count;
    dfy_splat_decoder_remember(decoder, 1 << 24);
    assert_int_equal(dfy_splat_decoder_needs(decoder, 4, &first, &last, &offset, &bytes), DFY_OK);
    assert_int_equal(first, 0);
    assert_true(offset > 0 && bytes > 0 && offset + bytes < file.size);
    for (int i = 0; i < 4; i++) next_frame(decoder);
    dfy_splat_decoder_changed(decoder, &changed, &count);
    assert_non_null(changed);
    assert_in_range(count, 1, SPLATS / 10);
    assert_int_equal(dfy_splat_decoder_needs(decoder, 4, &first, &last, &offset, &bytes), DFY_OK);
    assert_int_equal(first, 4);
    assert_true(bytes > 0);
    assert_int_equal(dfy_splat_decoder_needs(decoder, 2, &first, &last, &offset, &bytes), DFY_OK);
    assert_int_equal(bytes, 0);
    assert_int_equal(dfy_splat_decoder_needs(decoder, FRAMES, &first, &last, &offset, &bytes), DFY_ERROR_ARGUMENT);
    memset(file.data, 0, file.size);
    for (uint64_t i = 3; i-- > 0;) {
        assert_int_equal(dfy_splat_decoder_seek(decoder, i), DFY_OK);
        next_frame(decoder);
        dfy_splat_decoder_changed(decoder, &changed, &count);
        assert_non_null(changed);
        assert_in_range(count, 0, SPLATS / 10);
    }
    dfy_splat_decoder_close(&decoder);
    dfy_buffer_free(&file);
    free_frames(frames);
}

/* With access frames a jump decodes the key frame, and then few; within the reach of a key frame at hand, few alone. */
static void a_jump_decodes_few_frames(void **state) {
    (void)state;
    DfySplats frames[FRAMES], played[FRAMES];
    make_sequence(frames, 1);
    DfyBuffer file = encode(frames, NULL, 1, 2);
    play_all(&file, played);
    DfySplatDecoder *decoder = open_file(&file);
    uint64_t first, last, offset, bytes, none;
    assert_int_equal(dfy_splat_decoder_needs(decoder, 5, &first, &last, &offset, &bytes), DFY_OK);
    assert_int_equal(first, 0);
    assert_int_equal(last, 0);
    next_frame(decoder);
    assert_int_equal(dfy_splat_decoder_needs(decoder, 5, &first, &last, &offset, &bytes), DFY_OK);
    assert_int_equal(first, 4);
    assert_int_equal(last, 5);
    assert_int_equal(dfy_splat_decoder_needs(decoder, 3, &none, &none, &first, &none), DFY_OK);
    memset(file.data + first, 0, offset - first); /* frames 2 and 3 */
    assert_int_equal(dfy_splat_decoder_seek(decoder, 5), DFY_OK);
    assert_same(next_frame(decoder), &played[5], 5);
    /* Back to the key frame, and on from it, takes no second decoding of it. */
    assert_int_equal(dfy_splat_decoder_needs(decoder, 0, &first, &last, &offset, &bytes), DFY_OK);
    assert_int_equal(bytes, 0);
    assert_int_equal(dfy_splat_decoder_needs(decoder, 1, &first, &last, &offset, &bytes), DFY_OK);
    assert_int_equal(first, 1);
    for (int i = 1; i >= 0; i--) {
        assert_int_equal(dfy_splat_decoder_seek(decoder, (uint64_t)i), DFY_OK);
        assert_same(next_frame(decoder), &played[i], i);
    }
    /* Damage ends where a frame returns to the key frame. */
    const DfySplats *splats;
    assert_int_equal(dfy_splat_decoder_seek(decoder, 2), DFY_OK);
    assert_int_equal(dfy_splat_decoder_next(decoder, &splats), DFY_ERROR_DAMAGED);
    assert_int_equal(dfy_splat_decoder_position(decoder), 4);
    for (int i = 4; i < FRAMES; i++) assert_same(next_frame(decoder), &played[i], i);
    dfy_splat_decoder_close(&decoder);
    dfy_buffer_free(&file);
    free_frames(frames);
    free_frames(played);
}

static void a_file_is_played_while_it_comes(void **state) {
    (void)state;
    DfySplats frames[FRAMES], played[FRAMES];
    make_sequence(frames, 0);
    DfyBuffer file = encode(frames, NULL, 1, 2);
    play_all(&file, played);
    DfyBuffer part = file;
    part.size = 0;
    DfySplatDecoder *decoder = NULL;
    DfySplatInfo info;
    int shown = 0;
    for (size_t size = 0; size <= file.size; size += size + 997 < file.size ? 997
                                                     : file.size > size     ? file.size - size
                                                                            : 1) {
        part.size = size;
        if (!decoder) {
            DfyInput input = memory_input(&part);
            if (!dfy_splat_decoder_open(&decoder, &input, NULL) && dfy_splat_decoder_info(decoder, &info) == DFY_OK &&
                info.frames)
                assert_int_equal(info.complete, 0);
            else
                dfy_splat_decoder_close(&decoder);
        }
        if (!decoder) continue;
        assert_int_equal(dfy_splat_decoder_grow(decoder, size), DFY_OK);
        const DfySplats *splats;
        while (dfy_splat_decoder_next(decoder, &splats) == DFY_OK) {
            assert_true(size < file.size || shown > 2);
            assert_same(splats, &played[shown], shown);
            shown++;
        }
    }
    assert_int_equal(shown, FRAMES);
    assert_int_equal(dfy_splat_decoder_info(decoder, &info), DFY_OK);
    assert_int_equal(info.complete, 1);
    assert_int_equal(info.frames, FRAMES);
    dfy_splat_decoder_close(&decoder);
    dfy_buffer_free(&file);
    free_frames(frames);
    free_frames(played);
}

typedef struct Pipe {
    const DfyBuffer *file;
    size_t at;
} Pipe;

static int64_t pipe_read(void *opaque, uint64_t offset, uint8_t *data, size_t size) {
    Pipe *pipe = opaque;
    assert_int_equal(offset, pipe->at);
    size_t left = pipe->file->size - pipe->at;
    size = size < left ? size : left;
    if (size) memcpy(data, pipe->file->data + pipe->at, size);
    pipe->at += size;
    return (int64_t)size;
}

static void a_stream_is_read_as_it_comes(void **state) {
    (void)state;
    DfySplats frames[FRAMES], played[FRAMES];
    make_sequence(frames, 2);
    DfyBuffer file = encode(frames, NULL, 0, 2);
    play_all(&file, played);
    Pipe pipe = {&file, 0};
    DfyInput input = {.read = pipe_read, .size_bytes = DFY_FORWARD_ONLY, .opaque = &pipe};
    DfySplatDecoder *decoder = open_input(&input);
    for (int i = 0; i < FRAMES; i++) {
        assert_same(next_frame(decoder), &played[i], i);
        assert_true(i == FRAMES - 1 || pipe.at < file.size);
    }
    const DfySplats *splats;
    assert_int_equal(dfy_splat_decoder_next(decoder, &splats), DFY_END);
    assert_int_equal(dfy_splat_decoder_seek(decoder, 2), DFY_OK);
    assert_same(next_frame(decoder), &played[2], 2);
    DfySplatInfo info;
    assert_int_equal(dfy_splat_decoder_info(decoder, &info), DFY_OK);
    assert_int_equal(info.complete, 1);
    dfy_splat_decoder_close(&decoder);
    dfy_buffer_free(&file);
    free_frames(frames);
    free_frames(played);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_way_through_a_file_gives_the_same_models),
        cmocka_unit_test(a_step_back_reads_nothing),
        cmocka_unit_test(a_jump_decodes_few_frames),
        cmocka_unit_test(a_file_is_played_while_it_comes),
        cmocka_unit_test(a_stream_is_read_as_it_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
