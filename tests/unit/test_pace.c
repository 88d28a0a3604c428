/* The effort of a recording from a camera: on machines that are too slow, have time again, or nearly enough of it. */
#include "v2_clip.h"

#include "diffy/pace.c"

/* A machine on which a picture takes as long as cost says at that effort; the camera gives ten a second. */
typedef struct Machine {
    Pace pace;
    double now, pictures;
} Machine;

static void run(Machine *m, double seconds, double slowness) {
    for (double end = m->now + seconds; m->now < end; m->pictures++) {
        double taken = m->pictures / 10, work = slowness * 0.02 * m->pace.effort;
        if (m->now < taken) m->now = taken; /* the next picture is waited for */
        pace_changes(&m->pace, m->now, taken - 1000);
        m->now += work;
        pace_worked(&m->pace, work);
    }
}

static Machine started(void) {
    Machine m = {.now = 1};
    m.pictures = 10;
    pace_begin(&m.pace, 5, m.now);
    return m;
}

static void stays_where_it_is_fast_enough(void **state) {
    (void)state;
    Machine m = started();
    run(&m, 300, 0.9);
    assert_int_equal(m.pace.effort, 5);
    assert_int_equal(m.pace.changes, 0);
}

static void goes_down_until_it_keeps_up(void **state) {
    (void)state;
    Machine m = started();
    run(&m, 300, 2);
    assert_in_range(m.pace.effort, 1, 2);
    assert_true(m.now - m.pictures / 10 < 1);
}

static void goes_up_again(void **state) {
    (void)state;
    Machine m = started();
    run(&m, 200, 3);
    assert_int_equal(m.pace.effort, 1);
    run(&m, 400, 0.5);
    assert_int_equal(m.pace.effort, 5);
    assert_int_equal(m.pace.lowest, 1);
}

/* What fits in only just is not tried again and again. */
static void does_not_swing(void **state) {
    (void)state;
    Machine m = started();
    run(&m, 300, 2);
    int before = m.pace.changes;
    run(&m, 3600, 1.2);
    assert_in_range(m.pace.effort, 2, 4);
    assert_true(m.pace.changes - before < 20);
}

/* Within a file, lossless ones too: what was pushed comes back whatever the effort was. */
static void changes_within_a_file(void **state) {
    (void)state;
    const Clip clip = {.width = 96, .height = 64, .frames = 150};
    const int qualities[] = {40, 100};
    for (int q = 0; q < 2; q++) {
        DfyEncoderSettings settings = clip_settings(&clip);
        settings.quality = qualities[q];
        DfyEncoder *encoder;
        DfyPicture picture = {0};
        MemoryFile file = {0};
        DfyOutput output = {.write = memory_write, .opaque = &file};
        assert_int_equal(dfy_encoder_open(&encoder, &settings, &output), DFY_OK);
        for (int i = 0; i < clip.frames; i++) {
            clip_draw(&clip, i, &picture);
            if (i % 10 == 0) assert_int_equal(dfy_encoder_set_effort(encoder, 1 + i / 10 * 5 % 9), DFY_OK);
            assert_int_equal(dfy_encoder_push(encoder, &picture), DFY_OK);
        }
        assert_int_equal(dfy_encoder_set_effort(encoder, 0), DFY_ERROR_ARGUMENT);
        assert_int_equal(dfy_encoder_set_effort(encoder, 10), DFY_ERROR_ARGUMENT);
        assert_int_equal(dfy_encoder_finish(encoder, NULL), DFY_OK);
        assert_int_equal(decode_all(&file, clip.frames, NULL, NULL), clip.frames);
        dfy_encoder_close(&encoder);
        dfy_picture_free(&picture);
        memory_free(&file);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stays_where_it_is_fast_enough),
        cmocka_unit_test(goes_down_until_it_keeps_up),
        cmocka_unit_test(goes_up_again),
        cmocka_unit_test(does_not_swing),
        cmocka_unit_test(changes_within_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
