/*
 * The public API in both formats: as many pictures out as in, whatever their size and number, and a status with a
 * sentence for everything that is wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "diffy/diffy.h"
#include "scene/scene.h"

/* A file in memory. */
typedef struct MemoryFile {
    uint8_t *data;
    size_t size, capacity;
    size_t full_at; /* writes past this many bytes fail; 0: never */
} MemoryFile;

static int append(void *opaque, const uint8_t *data, size_t size_bytes) {
    MemoryFile *file = opaque;
    if (file->full_at && file->size + size_bytes > file->full_at) return -1;
    if (file->size + size_bytes > file->capacity) {
        file->capacity = 2 * (file->size + size_bytes);
        file->data = realloc(file->data, file->capacity);
        assert_non_null(file->data);
    }
    memcpy(file->data + file->size, data, size_bytes);
    file->size += size_bytes;
    return 0;
}

static int64_t read_at(void *opaque, uint64_t offset, uint8_t *data, size_t size_bytes) {
    const MemoryFile *file = opaque;
    if (offset >= file->size) return 0;
    if (size_bytes > file->size - offset) size_bytes = (size_t)(file->size - offset);
    memcpy(data, file->data + offset, size_bytes);
    return (int64_t)size_bytes;
}

static Scene *open_scene(int width, int height) {
    SceneSettings settings;
    scene_defaults(&settings, "busy");
    settings.width = width;
    settings.height = height;
    Scene *scene = scene_open(&settings);
    assert_non_null(scene);
    return scene;
}

static DfyEncoderSettings settings_of(int format, int width, int height) {
    DfyEncoderSettings settings;
    dfy_encoder_defaults(&settings);
    settings.format = format;
    settings.width = width;
    settings.height = height;
    settings.quality = 60;
    return settings;
}

/* Encodes the scene's first frames, whose times are frame x step. */
static void encode_scene(MemoryFile *file, const DfyEncoderSettings *settings, int frames, int64_t step) {
    Scene *scene = open_scene(settings->width, settings->height);
    DfyEncoder *encoder;
    DfyOutput output = {.write = append, .opaque = file};
    assert_int_equal(dfy_encoder_open(&encoder, settings, &output), DFY_OK);
    for (int i = 0; i < frames; i++) {
        DfyPicture picture = *scene_render(scene, (uint64_t)i);
        picture.pts = i * step;
        assert_int_equal(dfy_encoder_push(encoder, &picture), DFY_OK);
    }
    DfyEncoderStats stats;
    uint64_t coded, bytes;
    dfy_encoder_coded(encoder, &coded, &bytes);
    assert_in_range(coded, 0, frames);
    assert_true(bytes >= file->size);
    assert_int_equal(dfy_encoder_finish(encoder, &stats), DFY_OK);
    assert_int_equal(stats.frames, frames);
    assert_int_equal(stats.bytes, file->size);
    dfy_encoder_coded(encoder, &coded, &bytes);
    assert_int_equal(coded, frames);
    assert_int_equal(bytes, file->size);
    assert_int_equal(dfy_encoder_bytes_written(encoder), file->size);
    dfy_encoder_close(&encoder);
    assert_null(encoder);
    scene_close(&scene);
}

static DfyDecoder *open_file(MemoryFile *file, DfyInfo *info) {
    DfyDecoder *decoder;
    DfyInput input = {.read = read_at, .size_bytes = file->size, .opaque = file};
    assert_int_equal(dfy_decoder_open(&decoder, &input, NULL), DFY_OK);
    assert_int_equal(dfy_decoder_info(decoder, info), DFY_OK);
    return decoder;
}

static int count_pictures(DfyDecoder *decoder, int width, int height) {
    DfyPicture picture;
    int count = 0, status;
    while ((status = dfy_decoder_next(decoder, &picture)) == DFY_OK) {
        assert_int_equal(picture.width, width);
        assert_int_equal(picture.height, height);
        assert_int_equal(dfy_decoder_position(decoder), ++count);
    }
    assert_int_equal(status, DFY_END);
    return count;
}

static void goes_there_and_back(int format, int width, int height, int frames) {
    MemoryFile file = {0};
    DfyEncoderSettings settings = settings_of(format, width, height);
    encode_scene(&file, &settings, frames, 1);
    DfyInfo info;
    DfyDecoder *decoder = open_file(&file, &info);
    assert_int_equal(info.format, format);
    assert_int_equal(info.width, width);
    assert_int_equal(info.height, height);
    assert_int_equal(info.frames, frames);
    assert_true(info.complete);
    assert_int_equal(count_pictures(decoder, width, height), frames);
    assert_int_equal(dfy_decoder_verify(decoder), DFY_OK);
    dfy_decoder_close(&decoder);
    assert_null(decoder);
    free(file.data);
}

static void no_frame_is_lost(void **state) {
    (void)state;
    static const int sizes[][3] = {{1, 1, 3}, {53, 37, 1}, {53, 37, 40}, {8, 200, 2}, {129, 66, 7}, {64, 64, 17}};
    for (int format = 1; format <= 2; format++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            goes_there_and_back(format, sizes[i][0], sizes[i][1], sizes[i][2]);
}

static void the_widest_and_highest_pictures_work(void **state) {
    (void)state;
    for (int format = 1; format <= 2; format++) {
        goes_there_and_back(format, DFY_MAX_DIMENSION, 2, 1);
        goes_there_and_back(format, 3, DFY_MAX_DIMENSION, 1);
    }
}

static void times_are_kept(void **state) {
    (void)state;
    MemoryFile file = {0};
    DfyEncoderSettings settings = settings_of(2, 32, 24);
    settings.time_base_num = 1;
    settings.time_base_den = 90000;
    encode_scene(&file, &settings, 12, 3754);
    DfyInfo info;
    DfyDecoder *decoder = open_file(&file, &info);
    assert_int_equal(info.time_base_den, 90000);
    for (int i = 0; i < 12; i++) {
        DfyPicture picture;
        assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_OK);
        assert_int_equal(picture.pts, i * 3754);
    }
    dfy_decoder_close(&decoder);
    free(file.data);
}

static void seeking_past_the_end_is_refused(void **state) {
    (void)state;
    for (int format = 1; format <= 2; format++) {
        MemoryFile file = {0};
        DfyEncoderSettings settings = settings_of(format, 48, 32);
        encode_scene(&file, &settings, 9, 1);
        DfyInfo info;
        DfyDecoder *decoder = open_file(&file, &info);
        assert_int_equal(dfy_decoder_seek(decoder, 9), DFY_ERROR_ARGUMENT);
        assert_true(strlen(dfy_last_message(decoder)) > 0);
        assert_int_equal(dfy_decoder_seek(decoder, 8), DFY_OK);
        assert_int_equal(dfy_decoder_position(decoder), 8);
        DfyPicture picture;
        assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_OK);
        assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_END);
        dfy_decoder_close(&decoder);
        free(file.data);
    }
}

static void settings_out_of_range_are_explained(void **state) {
    (void)state;
    MemoryFile file = {0};
    DfyOutput output = {.write = append, .opaque = &file};
    for (int which = 0; which < 8; which++) {
        DfyEncoderSettings s = settings_of(2, 64, 48);
        if (which == 0) s.width = 0;
        if (which == 1) s.height = DFY_MAX_DIMENSION + 1;
        if (which == 2) s.quality = 101;
        if (which == 3) s.format = 3;
        if (which == 4) s.frame_rate_den = 0;
        if (which == 5) s.effort = 10;
        if (which == 6) s.threads = -1;
        if (which == 7) s.time_base_num = -1;
        DfyEncoder *encoder;
        assert_int_equal(dfy_encoder_open(&encoder, &s, &output), DFY_ERROR_ARGUMENT);
        assert_true(strlen(dfy_last_message(encoder)) > 10);
        dfy_encoder_close(&encoder);
    }
    assert_int_equal(file.size, 0);
    free(file.data);
}

static void wrong_pictures_are_refused_and_the_rest_goes_on(void **state) {
    (void)state;
    for (int format = 1; format <= 2; format++) {
        MemoryFile file = {0};
        DfyOutput output = {.write = append, .opaque = &file};
        DfyEncoderSettings settings = settings_of(format, 64, 48);
        Scene *scene = open_scene(64, 48), *larger = open_scene(66, 48);
        DfyEncoder *encoder;
        assert_int_equal(dfy_encoder_open(&encoder, &settings, &output), DFY_OK);
        DfyPicture picture = *scene_render(scene, 0), other = *scene_render(larger, 1);
        assert_int_equal(dfy_encoder_push(encoder, &picture), DFY_OK);
        assert_int_equal(dfy_encoder_push(encoder, &other), DFY_ERROR_ARGUMENT);
        assert_non_null(strstr(dfy_last_message(encoder), "66 x 48"));
        assert_int_equal(dfy_encoder_push(encoder, &picture), DFY_ERROR_ARGUMENT); /* the same time again */
        picture.pts = 5;
        assert_int_equal(dfy_encoder_push(encoder, &picture), DFY_OK);
        picture.plane[1] = NULL;
        picture.pts = 6;
        assert_int_equal(dfy_encoder_push(encoder, &picture), DFY_ERROR_ARGUMENT);
        DfyEncoderStats stats;
        assert_int_equal(dfy_encoder_finish(encoder, &stats), DFY_OK);
        assert_int_equal(stats.frames, 2);
        assert_int_equal(dfy_encoder_finish(encoder, &stats), DFY_ERROR_ARGUMENT);
        dfy_encoder_close(&encoder);
        scene_close(&scene);
        scene_close(&larger);
        free(file.data);
    }
}

static void an_empty_clip_is_an_error(void **state) {
    (void)state;
    for (int format = 1; format <= 2; format++) {
        MemoryFile file = {0};
        DfyOutput output = {.write = append, .opaque = &file};
        DfyEncoderSettings settings = settings_of(format, 64, 48);
        DfyEncoder *encoder;
        assert_int_equal(dfy_encoder_open(&encoder, &settings, &output), DFY_OK);
        assert_int_equal(dfy_encoder_finish(encoder, NULL), DFY_ERROR_ARGUMENT);
        assert_true(strlen(dfy_last_message(encoder)) > 10);
        dfy_encoder_close(&encoder);
        free(file.data);
    }
}

static void a_full_disk_is_told(void **state) {
    (void)state;
    for (int format = 1; format <= 2; format++) {
        MemoryFile file = {.full_at = 60};
        DfyOutput output = {.write = append, .opaque = &file};
        DfyEncoderSettings settings = settings_of(format, 64, 48);
        Scene *scene = open_scene(64, 48);
        DfyEncoder *encoder;
        int status = dfy_encoder_open(&encoder, &settings, &output);
        for (uint64_t i = 0; i < 40 && !status; i++) status = dfy_encoder_push(encoder, scene_render(scene, i));
        if (!status) status = dfy_encoder_finish(encoder, NULL);
        assert_int_equal(status, DFY_ERROR_IO);
        assert_true(strlen(dfy_last_message(encoder)) > 10);
        dfy_encoder_close(&encoder);
        scene_close(&scene);
        free(file.data);
    }
}

static int refuse(void *opaque, DfyStage stage, uint64_t done, uint64_t total) {
    (void)opaque;
    (void)stage;
    (void)total;
    return done > 5;
}

static void progress_can_cancel(void **state) {
    (void)state;
    for (int format = 1; format <= 2; format++) {
        MemoryFile file = {0};
        DfyOutput output = {.write = append, .opaque = &file};
        DfyEncoderSettings settings = settings_of(format, 64, 48);
        settings.progress = refuse;
        Scene *scene = open_scene(64, 48);
        DfyEncoder *encoder;
        int status = dfy_encoder_open(&encoder, &settings, &output);
        for (uint64_t i = 0; i < 60 && !status; i++) status = dfy_encoder_push(encoder, scene_render(scene, i));
        if (!status) status = dfy_encoder_finish(encoder, NULL);
        assert_int_equal(status, DFY_ERROR_CANCELLED);
        dfy_encoder_close(&encoder);
        scene_close(&scene);
        free(file.data);
    }
}

static void what_is_no_dfy_file_is_refused(void **state) {
    (void)state;
    static const char *const contents[] = {"", "DF", "RIFF....", "DFY\x09 from the future", "DFY\x01", "DFY\x02"};
    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
        MemoryFile file = {.data = (uint8_t *)contents[i], .size = strlen(contents[i])};
        DfyInput input = {.read = read_at, .size_bytes = file.size, .opaque = &file};
        DfyDecoder *decoder;
        assert_true(dfy_decoder_open(&decoder, &input, NULL) < 0);
        assert_true(strlen(dfy_last_message(decoder)) > 10);
        DfyPicture picture;
        assert_true(dfy_decoder_next(decoder, &picture) < 0);
        dfy_decoder_close(&decoder);
    }
}

static void nothing_at_all_is_survived(void **state) {
    (void)state;
    DfyEncoder *encoder = NULL;
    DfyDecoder *decoder = NULL;
    DfyPicture picture = {0};
    DfyInfo info;
    assert_int_equal(dfy_encoder_push(NULL, &picture), DFY_ERROR_ARGUMENT);
    assert_int_equal(dfy_encoder_finish(NULL, NULL), DFY_ERROR_ARGUMENT);
    assert_int_equal(dfy_decoder_next(NULL, &picture), DFY_ERROR_ARGUMENT);
    assert_int_equal(dfy_decoder_info(NULL, &info), DFY_ERROR_ARGUMENT);
    assert_int_equal(dfy_encoder_open(&encoder, NULL, NULL), DFY_ERROR_ARGUMENT);
    dfy_encoder_close(&encoder);
    assert_int_equal(dfy_decoder_open(&decoder, NULL, NULL), DFY_ERROR_ARGUMENT);
    dfy_decoder_close(&decoder);
    dfy_encoder_close(NULL);
    dfy_decoder_close(&decoder);
    assert_non_null(dfy_last_message(NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_frame_is_lost),
        cmocka_unit_test(the_widest_and_highest_pictures_work),
        cmocka_unit_test(times_are_kept),
        cmocka_unit_test(seeking_past_the_end_is_refused),
        cmocka_unit_test(settings_out_of_range_are_explained),
        cmocka_unit_test(wrong_pictures_are_refused_and_the_rest_goes_on),
        cmocka_unit_test(an_empty_clip_is_an_error),
        cmocka_unit_test(a_full_disk_is_told),
        cmocka_unit_test(progress_can_cancel),
        cmocka_unit_test(what_is_no_dfy_file_is_refused),
        cmocka_unit_test(nothing_at_all_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
