/* Version 2 there and back: as many frames as went in, at their times, looking like them, whatever the size. */
#include "v2_clip.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

static void assert_round_trip(const Clip *clip, const DfyEncoderSettings *settings, double most_error) {
    MemoryFile file = {0};
    clip_encode(clip, settings, &file);
    DfyDecoder *decoder = open_decoder(&file);
    DfyInfo info;
    assert_int_equal(dfy_decoder_info(decoder, &info), DFY_OK);
    assert_int_equal(info.frames, clip->frames);
    assert_int_equal(info.width, clip->width);
    assert_int_equal(info.height, clip->height);
    assert_int_equal(info.complete, 1);
    DfyPicture picture, source = {0};
    Clip planar = *clip;
    double sum = 0;
    for (int i = 0; i < clip->frames; i++) {
        assert_int_equal(dfy_decoder_position(decoder), i);
        assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_OK);
        assert_int_equal(picture.pts, clip_pts(clip, i));
        assert_int_equal(picture.width, clip->width);
        assert_int_equal(picture.height, clip->height);
        if (clip->rgb) continue;
        clip_draw(&planar, i, &source);
        sum += picture_mse(&source, &picture);
    }
    assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_END);
    if (sum / clip->frames > most_error)
        fail_msg("%d x %d, %d frames: mean squared error %.1f", clip->width, clip->height, clip->frames,
                 sum / clip->frames);
    assert_int_equal(dfy_decoder_verify(decoder), DFY_OK);
    dfy_decoder_close(&decoder);
    dfy_picture_free(&source);
    memory_free(&file);
}

static const int sizes[][2] = {{1, 1}, {2, 2}, {8, 8}, {53, 37}, {64, 64}, {65, 130}, {200, 3}};

static void every_size(void **state) {
    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int irregular = 0; irregular < 2; irregular++) {
            Clip clip = {.width = sizes[s][0], .height = sizes[s][1], .frames = 37, .grain = 1, .irregular = irregular};
            DfyEncoderSettings settings = clip_settings(&clip);
            settings.quality = 60;
            assert_round_trip(&clip, &settings, 40);
        }
}

static void every_length(void **state) {
    (void)state;
    for (int frames = 1; frames <= 40; frames++) {
        Clip clip = {.width = 53, .height = 37, .frames = frames, .irregular = frames & 1};
        DfyEncoderSettings settings = clip_settings(&clip);
        assert_round_trip(&clip, &settings, 120);
    }
}

static void every_quality(void **state) {
    (void)state;
    double before = 1e9;
    for (int quality = 1; quality <= 99; quality += 14) {
        Clip clip = {.width = 96, .height = 80, .frames = 34, .grain = 2};
        DfyEncoderSettings settings = clip_settings(&clip);
        settings.quality = quality;
        MemoryFile file = {0};
        clip_encode(&clip, &settings, &file);
        DfyDecoder *decoder = open_decoder(&file);
        DfyPicture picture, source = {0};
        double error = 0;
        for (int i = 0; i < clip.frames; i++) {
            assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_OK);
            clip_draw(&clip, i, &source);
            error += picture_mse(&source, &picture);
        }
        assert_true(error < before * 1.02); /* better quality is never visibly worse */
        before = error;
        dfy_decoder_close(&decoder);
        dfy_picture_free(&source);
        memory_free(&file);
    }
}

static void colour_input(void **state) {
    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        Clip clip = {.width = sizes[s][0], .height = sizes[s][1], .frames = 20, .rgb = 1};
        DfyEncoderSettings settings = clip_settings(&clip);
        assert_round_trip(&clip, &settings, 0);
    }
}

/* The same bytes every time, whatever the number of threads. */
static void deterministic(void **state) {
    (void)state;
    Clip clip = {.width = 200, .height = 200, .frames = 50, .grain = 3};
    for (int effort = 1; effort <= 9; effort += 4) {
        DfyEncoderSettings settings = clip_settings(&clip);
        settings.effort = effort;
        MemoryFile one = {0}, two = {0}, again = {0};
        clip_encode(&clip, &settings, &one);
        clip_encode(&clip, &settings, &again);
        settings.threads = 2;
        clip_encode(&clip, &settings, &two);
        assert_int_equal(one.size, again.size);
        assert_memory_equal(one.data, again.data, one.size);
        assert_int_equal(one.size, two.size);
        assert_memory_equal(one.data, two.data, one.size);
        memory_free(&one);
        memory_free(&two);
        memory_free(&again);
    }
}

static int cancel_at_eighty(void *opaque, DfyStage stage, uint64_t done, uint64_t total) {
    (void)stage;
    (void)total;
    ++*(int *)opaque;
    return done >= 80;
}

/* A cancelled encoder says so, takes nothing more, and what it wrote can be played. */
static void cancelled(void **state) {
    (void)state;
    Clip clip = {.width = 64, .height = 48, .frames = 200, .grain = 4};
    DfyEncoderSettings settings = clip_settings(&clip);
    int calls = 0, status = DFY_OK;
    settings.progress = cancel_at_eighty;
    settings.progress_opaque = &calls;
    settings.quality = 95;
    MemoryFile file = {0};
    DfyOutput output = {.write = memory_write, .opaque = &file};
    DfyEncoder *encoder;
    DfyPicture picture = {0};
    assert_int_equal(dfy_encoder_open(&encoder, &settings, &output), DFY_OK);
    for (int i = 0; i < clip.frames && !status; i++) {
        clip_draw(&clip, i, &picture);
        status = dfy_encoder_push(encoder, &picture);
    }
    assert_int_equal(status, DFY_ERROR_CANCELLED);
    assert_true(calls > 0);
    assert_non_null(strstr(dfy_last_message(encoder), "cancelled"));
    assert_int_equal(dfy_encoder_push(encoder, &picture), DFY_ERROR_CANCELLED);
    assert_int_equal(dfy_encoder_finish(encoder, NULL), DFY_ERROR_CANCELLED);
    dfy_encoder_close(&encoder);
    dfy_picture_free(&picture);
    DfyDecoder *decoder = open_decoder(&file);
    DfyInfo info;
    dfy_decoder_info(decoder, &info);
    assert_int_equal(info.complete, 0);
    int frames = 0;
    while (dfy_decoder_next(decoder, &picture) == DFY_OK) frames++;
    assert_int_equal(frames, info.frames);
    assert_true(frames > 0);
    dfy_decoder_close(&decoder);
    memory_free(&file);
}

static int no_room(void *opaque, const uint8_t *data, size_t size) {
    (void)data;
    size_t *left = opaque;
    if (size > *left) return -1;
    *left -= size;
    return 0;
}

/* A disk that fills up is an error with a sentence, wherever it happens. */
static void full_disk(void **state) {
    (void)state;
    Clip clip = {.width = 64, .height = 48, .frames = 60, .grain = 2};
    DfyEncoderSettings settings = clip_settings(&clip);
    MemoryFile file = {0};
    clip_encode(&clip, &settings, &file);
    for (size_t room = 0; room < file.size; room += 1 + file.size / 37) {
        size_t left = room;
        DfyOutput output = {.write = no_room, .opaque = &left};
        DfyEncoder *encoder;
        DfyPicture picture = {0};
        int status = dfy_encoder_open(&encoder, &settings, &output);
        for (int i = 0; i < clip.frames && !status; i++) {
            clip_draw(&clip, i, &picture);
            status = dfy_encoder_push(encoder, &picture);
        }
        if (!status) status = dfy_encoder_finish(encoder, NULL);
        assert_int_equal(status, DFY_ERROR_IO);
        assert_true(*dfy_last_message(encoder));
        dfy_encoder_close(&encoder);
        dfy_picture_free(&picture);
    }
    memory_free(&file);
}

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)
/* What is allocated after 150 frames is all that 900 frames take. */
static void bounded_memory(void **state) {
    (void)state;
    Clip clip = {.width = 64, .height = 64, .frames = 2400, .grain = 2};
    DfyEncoderSettings settings = clip_settings(&clip);
    size_t left = SIZE_MAX, most[2] = {0, 0};
    DfyOutput output = {.write = no_room, .opaque = &left};
    DfyEncoder *encoder;
    DfyPicture picture = {0};
    assert_int_equal(dfy_encoder_open(&encoder, &settings, &output), DFY_OK);
    for (int i = 0; i < clip.frames; i++) {
        clip_draw(&clip, i, &picture);
        assert_int_equal(dfy_encoder_push(encoder, &picture), DFY_OK);
        size_t used = mallinfo2().uordblks + mallinfo2().hblkhd;
        if (used > most[i >= 1200]) most[i >= 1200] = used;
    }
    /* All anchors that are kept are there by then; the index grows by 48 bytes a segment. */
    assert_true(most[1] < most[0] + most[0] / 8 + 65536);
    dfy_encoder_close(&encoder);
    dfy_picture_free(&picture);
}
#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size),
        cmocka_unit_test(every_length),
        cmocka_unit_test(every_quality),
        cmocka_unit_test(colour_input),
        cmocka_unit_test(deterministic),
        cmocka_unit_test(cancelled),
        cmocka_unit_test(full_disk),
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)
        cmocka_unit_test(bounded_memory),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
