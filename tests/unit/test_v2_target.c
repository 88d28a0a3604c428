/* A stated size is met within five percent, the same bytes every time. */
#include "scene/scene.h"
#include "v2_clip.h"

#define FRAMES 110

static void encode_scene(const char *preset, uint64_t target, MemoryFile *file) {
    SceneSettings scene_settings;
    assert_int_equal(scene_defaults(&scene_settings, preset), 0);
    scene_settings.width = 160;
    scene_settings.height = 96;
    scene_settings.frame_rate_num = 10;
    scene_settings.frame_rate_den = 1;
    Scene *scene = scene_open(&scene_settings);
    assert_non_null(scene);
    Clip clip = {.width = 160, .height = 96};
    DfyEncoderSettings settings = clip_settings(&clip);
    settings.effort = 1;
    settings.frame_rate_num = 10;
    settings.target_size_bytes = target;
    settings.expected_frames = FRAMES;
    DfyOutput output = {.write = memory_write, .opaque = file};
    DfyEncoder *encoder;
    assert_int_equal(dfy_encoder_open(&encoder, &settings, &output), DFY_OK);
    for (uint64_t i = 0; i < FRAMES; i++) {
        DfyPicture picture = *scene_render(scene, i);
        picture.pts = (int64_t)i;
        assert_int_equal(dfy_encoder_push(encoder, &picture), DFY_OK);
    }
    assert_int_equal(dfy_encoder_finish(encoder, NULL), DFY_OK);
    dfy_encoder_close(&encoder);
    scene_close(&scene);
}

static void assert_hits(const char *preset, uint64_t target) {
    MemoryFile file = {0}, again = {0};
    encode_scene(preset, target, &file);
    encode_scene(preset, target, &again);
    assert_int_equal(file.size, again.size);
    assert_memory_equal(file.data, again.data, file.size);
    assert_int_equal(decode_all(&file, 1000, NULL, NULL), FRAMES);
    double miss = (double)file.size / (double)target - 1;
    if (miss < -0.05 || miss > 0.05) fail_msg("%s: %zu bytes of %llu", preset, file.size, (unsigned long long)target);
    memory_free(&file);
    memory_free(&again);
}

static void quiet(void **state) {
    (void)state;
    assert_hits("quiet", 12000);
    assert_hits("quiet", 24000);
}

static void busy(void **state) {
    (void)state;
    assert_hits("busy", 15000);
    assert_hits("busy", 60000);
}

/* Without the number of frames there is nothing to divide by. */
static void unknown_length(void **state) {
    (void)state;
    Clip clip = {.width = 32, .height = 32};
    DfyEncoderSettings settings = clip_settings(&clip);
    settings.target_size_bytes = 5000;
    MemoryFile file = {0};
    DfyOutput output = {.write = memory_write, .opaque = &file};
    DfyEncoder *encoder;
    assert_int_equal(dfy_encoder_open(&encoder, &settings, &output), DFY_ERROR_ARGUMENT);
    assert_non_null(strstr(dfy_last_message(encoder), "frames"));
    dfy_encoder_close(&encoder);
    memory_free(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(quiet), cmocka_unit_test(busy),
                                       cmocka_unit_test(unknown_length)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
