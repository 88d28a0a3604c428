/* Splat sequences: every codec's round trip within its bounds, splats that come and go, cuts, damage, determinism. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "splat/codec.h"
#include "splat/model/forms.h"
#include "splat_models.h"

/* Pushes frames one by one, with their order in the file when the codec has one. */
typedef struct Coded {
    DfyBuffer file;
    DfySplatStats stats;
    uint32_t *order[16];
} Coded;

/* The wanted RMS of an attribute. */
static double wanted_of(const Coded *coded, const DfySplatSettings *settings, int attribute) {
    return attribute == DFY_SPLAT_POSITION ? coded->stats.position_error : settings->error[attribute];
}

/* Without the models' order unless that is asked for. */
static Coded encode(const DfySplats *frames, int count, const DfySplatSettings *wanted) {
    Coded coded = {0};
    DfySplatSettings own = *wanted, *settings = &own;
    if (own.keep_order < 0) own.keep_order = 0;
    DfyOutput output = {.write = memory_write, .opaque = &coded.file};
    DfySplatEncoder *encoder = NULL;
    assert_int_equal(dfy_splat_encoder_open(&encoder, settings, &output), DFY_OK);
    for (int i = 0; i < count; i++) {
        if (dfy_splat_encoder_push(encoder, &frames[i])) fail_msg("%s", dfy_splat_encoder_message(encoder));
        const uint32_t *order = settings->two_pass ? NULL : dfy_splat_encoder_order(encoder);
        size_t bytes = (frames[i].count ? frames[i].count : 1) * sizeof *order;
        coded.order[i] = malloc(bytes);
        for (uint32_t k = 0; k < frames[i].count; k++) coded.order[i][k] = order ? order[k] : k;
    }
    if (dfy_splat_encoder_finish(encoder, &coded.stats)) fail_msg("%s", dfy_splat_encoder_message(encoder));
    dfy_splat_encoder_close(&encoder);
    return coded;
}

static void free_coded(Coded *coded) {
    dfy_buffer_free(&coded->file);
    for (int i = 0; i < 16; i++) free(coded->order[i]);
}

static DfySplatDecoder *open_file(DfyBuffer *file) {
    DfyInput input = memory_input(file);
    DfySplatDecoder *decoder = NULL;
    if (dfy_splat_decoder_open(&decoder, &input, NULL)) fail_msg("%s", dfy_splat_decoder_message(decoder));
    return decoder;
}

static const DfySplats *next_frame(DfySplatDecoder *decoder) {
    const DfySplats *splats = NULL;
    if (dfy_splat_decoder_next(decoder, &splats)) fail_msg("%s", dfy_splat_decoder_message(decoder));
    return splats;
}

static void make_sequence(DfySplats *frames, int count, uint32_t splats, int degree) {
    make_model(&frames[0], splats, degree, 11);
    for (int i = 1; i < count; i++) {
        dfy_splats_copy(&frames[i], &frames[i - 1], NULL);
        move_some(&frames[i], 5);
    }
}

static void free_sequence(DfySplats *frames, int count) {
    for (int i = 0; i < count; i++) dfy_splats_free(&frames[i]);
}

/* ---------------------------------------------------------------- round trips */

/* tree-range promises each attribute's RMS error, in every frame, at every degree, quality and effort. */
static void the_default_codec_keeps_its_stated_errors(void **state) {
    (void)state;
    for (int degree = 0; degree <= DFY_SPLAT_MAX_DEGREE; degree++)
        for (int quality = 10; quality <= 90; quality += 40) {
            DfySplats frames[4];
            DfySplatSettings settings;
            make_sequence(frames, 4, 3000, degree);
            dfy_splat_defaults(&settings);
            dfy_splat_set_quality(&settings, quality);
            settings.effort = 1 + 4 * ((degree + quality / 40) % 3);
            Coded coded = encode(frames, 4, &settings);
            DfySplatDecoder *decoder = open_file(&coded.file);
            for (int i = 0; i < 4; i++) {
                DfySplatErrors errors;
                const DfySplats *back = next_frame(decoder);
                assert_int_equal(back->degree, degree);
                assert_int_equal(
                    dfy_splats_compare(&frames[i], back, coded.order[i], DFY_SPLAT_PAIR_AUTO, &errors, NULL), DFY_OK);
                assert_int_equal(errors.missing + errors.surplus, 0);
                for (int a = 0; a < DFY_SPLAT_ATTRIBUTES; a++)
                    if (errors.rms[a] > wanted_of(&coded, &settings, a) * 1.0005)
                        fail_msg("degree %d quality %d effort %d frame %d: %s %g, wanted %g", degree, quality,
                                 settings.effort, i, dfy_splat_attribute_names[a], errors.rms[a],
                                 wanted_of(&coded, &settings, a));
            }
            assert_int_equal(coded.stats.key_frames, 1);
            dfy_splat_decoder_close(&decoder);
            free_coded(&coded);
            free_sequence(frames, 4);
        }
}

/* With as many clusters as splats, vector quantisation is exact but for the clustering; with few it is coarse. */
static void vector_quantisation_errs_less_with_more_clusters(void **state) {
    (void)state;
    for (int index = 1; dfy_splat_codec_at(index); index++)
        for (int degree = 0; degree <= 3; degree += 3) {
            double before[DFY_SPLAT_ATTRIBUTES] = {0};
            for (int clusters = 16; clusters <= 256; clusters *= 16) {
                DfySplats frames[3];
                DfySplatSettings settings;
                DfySplatErrors errors;
                make_sequence(frames, 3, 800, degree);
                dfy_splat_defaults(&settings);
                settings.codec = dfy_splat_codec_at(index);
                settings.vq.iterations = 40;
                settings.vq.clusters_rotation_re = settings.vq.clusters_rotation_im = clusters;
                settings.vq.clusters_opacity = settings.vq.clusters_scale = settings.vq.clusters_dc = clusters;
                for (int i = 0; i < 4; i++) settings.vq.clusters_rest[i] = clusters;
                Coded coded = encode(frames, 3, &settings);
                DfySplatDecoder *decoder = open_file(&coded.file);
                for (int i = 0; i < 3; i++) {
                    const DfySplats *back = next_frame(decoder);
                    assert_int_equal(
                        dfy_splats_compare(&frames[i], back, coded.order[i], DFY_SPLAT_PAIR_AUTO, &errors, NULL),
                        DFY_OK);
                    assert_true(errors.rms[DFY_SPLAT_POSITION] < 0.011);
                    assert_true(errors.rms[DFY_SPLAT_ALPHA] < (clusters == 16 ? 0.05 : 0.003));
                    assert_true(errors.rms[DFY_SPLAT_SCALE] < (clusters == 16 ? 0.8 : 0.35));
                    assert_true(errors.rms[DFY_SPLAT_DC] < (clusters == 16 ? 0.35 : 0.15));
                    assert_true(errors.rms[DFY_SPLAT_SH] < 0.08);
                }
                for (int a = DFY_SPLAT_SCALE; a < DFY_SPLAT_ATTRIBUTES; a++) {
                    if (clusters == 256 && before[a] > 0) assert_true(errors.rms[a] < before[a]);
                    before[a] = errors.rms[a];
                }
                dfy_splat_decoder_close(&decoder);
                free_coded(&coded);
                free_sequence(frames, 3);
            }
        }
}

static void two_passes_code_all_frames_within_the_errors(void **state) {
    (void)state;
    for (int index = 0; index < 2; index++) {
        DfySplats frames[4];
        DfySplatSettings settings;
        make_sequence(frames, 4, 1000, 1);
        frames[3].xyz[2] += 3; /* outside what the first frame spans */
        frames[2].count -= 7;
        frames[3].count -= 2;
        dfy_splat_defaults(&settings);
        settings.codec = dfy_splat_codec_at(index);
        settings.two_pass = 1;
        settings.vq.iterations = 20;
        Coded coded = encode(frames, 4, &settings);
        assert_int_equal(coded.stats.frames, 4);
        if (!index) assert_int_equal(coded.stats.key_frames, 1);
        DfySplatDecoder *decoder = open_file(&coded.file);
        for (int i = 0; i < 4; i++) assert_int_equal(next_frame(decoder)->count, frames[i].count);
        dfy_splat_decoder_close(&decoder);
        free_coded(&coded);
        settings.memory_limit_bytes = 100000;
        DfyBuffer none = {0};
        DfyOutput output = {.write = memory_write, .opaque = &none};
        DfySplatEncoder *encoder = NULL;
        assert_int_equal(dfy_splat_encoder_open(&encoder, &settings, &output), DFY_OK);
        assert_int_equal(dfy_splat_encoder_push(encoder, &frames[0]), DFY_OK);
        assert_int_equal(dfy_splat_encoder_push(encoder, &frames[1]), DFY_ERROR_MEMORY);
        dfy_splat_encoder_close(&encoder);
        dfy_buffer_free(&none);
        frames[2].count += 7;
        frames[3].count += 2;
        free_sequence(frames, 4);
    }
}

/* ---------------------------------------------------------------- equal forms */

/* The matrix whose entries draw the splat: R S^2 R^T. */
static void covariance_of(double out[3][3], const DfyForm *form) {
    double q[4], length = 0, m[3][3];
    for (int i = 0; i < 4; i++) length += (double)form->rotation[i] * form->rotation[i];
    for (int i = 0; i < 4; i++) q[i] = form->rotation[i] / sqrt(length);
    double w = q[0], x = q[1], y = q[2], z = q[3];
    const double rows[3][3] = {{1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)},
                               {2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)},
                               {2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)}};
    memcpy(m, rows, sizeof m);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            out[i][j] = 0;
            for (int k = 0; k < 3; k++) out[i][j] += m[i][k] * exp(2.0 * form->scale[k]) * m[j][k];
        }
}

static void all_forms_are_the_same_gaussian(void **state) {
    (void)state;
    uint32_t seed = 7;
    for (int round = 0; round < 200; round++) {
        DfyForm form;
        double wanted[3][3], got[3][3];
        for (int k = 0; k < 4; k++) form.rotation[k] = next_random(&seed);
        for (int k = 0; k < 3; k++) form.scale[k] = next_random(&seed);
        if (round % 4 == 1) form.scale[1] = form.scale[2];
        if (round % 4 == 2) form.scale[0] = form.scale[1] = form.scale[2];
        covariance_of(wanted, &form);
        DfyForm canonical = dfy_form_turned(&form, dfy_form_canonical(&form));
        assert_true(canonical.scale[0] >= canonical.scale[1] && canonical.scale[1] >= canonical.scale[2]);
        for (int number = 0; number < DFY_SPLAT_FORMS; number++) {
            DfyForm other = dfy_form_turned(&form, number);
            covariance_of(got, &other);
            for (int i = 0; i < 9; i++) assert_true(fabs(got[i / 3][i % 3] - wanted[i / 3][i % 3]) < 1e-5);
            DfyForm back = dfy_form_turned(&other, dfy_form_nearest(&form, &other));
            assert_true(dfy_form_distance(&form, &back) < 1e-10);
            if (number) assert_true(dfy_form_distance(&form, &other) > 1);
            back = dfy_form_turned(&other, dfy_form_canonical(&other));
            if (round % 4 == 0) assert_true(dfy_form_distance(&canonical, &back) < 1e-10);
        }
    }
}

/* Turns some splats a little, and writes others down in another form, as a training that begins anew might. */
static void disturb_forms(DfySplats *s, uint32_t *seed) {
    for (size_t i = 0; i < s->count; i += 7)
        for (size_t k = 0; k < 4; k++) s->rotation[i * 4 + k] += 0.02f * next_random(seed);
    for (size_t i = 3; i < s->count; i += 7) {
        DfyForm form = dfy_form_of(s, i), other = dfy_form_turned(&form, 1 + (int)(i % 23));
        dfy_form_set(s, i, &other);
    }
}

static void canonical_forms_are_smaller_and_as_near(void **state) {
    (void)state;
    for (int index = 0; index < 2; index++) {
        DfySplats frames[5];
        DfySplatSettings settings;
        uint64_t bytes[2];
        uint32_t seed = 5;
        make_sequence(frames, 4, 3000, 1);
        for (size_t i = 0; i < 3000; i += 5) frames[0].scale[i * 3 + 1] = frames[0].scale[i * 3];
        for (int i = 1; i < 4; i++) {
            memcpy(frames[i].scale, frames[0].scale, 3000 * 3 * sizeof(float));
            memcpy(frames[i].rotation, frames[i - 1].rotation, 3000 * 4 * sizeof(float));
            disturb_forms(&frames[i], &seed);
        }
        dfy_splats_copy(&frames[4], &frames[3], NULL);
        frames[4].count -= 11; /* matched by likeness, not by number */
        dfy_splat_defaults(&settings);
        settings.codec = dfy_splat_codec_at(index);
        settings.vq.iterations = 20;
        for (settings.canonical = 0; settings.canonical < 2; settings.canonical++) {
            Coded coded = encode(frames, 5, &settings);
            DfySplatDecoder *decoder = open_file(&coded.file);
            bytes[settings.canonical] = coded.stats.bytes;
            for (int i = 0; i < 5; i++) {
                DfySplatErrors errors;
                assert_int_equal(dfy_splats_compare(&frames[i], next_frame(decoder), coded.order[i],
                                                    DFY_SPLAT_PAIR_AUTO, &errors, NULL),
                                 DFY_OK);
                assert_int_equal(errors.missing + errors.surplus, 0);
                if (settings.canonical) assert_true(errors.other_forms > 2500);
                if (!settings.canonical && !index) assert_int_equal(errors.other_forms, 0);
                for (int a = 0; a < DFY_SPLAT_ATTRIBUTES && !index; a++)
                    if (errors.rms[a] > wanted_of(&coded, &settings, a) * 1.0005)
                        fail_msg("canonical %d frame %d: %s %g, wanted %g", settings.canonical, i,
                                 dfy_splat_attribute_names[a], errors.rms[a], wanted_of(&coded, &settings, a));
            }
            if (!index && settings.canonical) assert_int_equal(coded.stats.key_frames, 1);
            dfy_splat_decoder_close(&decoder);
            free_coded(&coded);
        }
        if (!index) assert_true(bytes[1] * 100 < bytes[0] * 97);
        free_sequence(frames, 5);
    }
}

/* Comparing in equal forms must not excuse what is not one: a wrong scale, a wrong turn, axes without their scales. */
static void what_is_no_equal_form_is_an_error(void **state) {
    (void)state;
    DfySplats one, two;
    DfySplatErrors errors;
    make_model(&one, 500, 0, 31);
    for (int kind = 0; kind < 4; kind++) {
        dfy_splats_copy(&two, &one, NULL);
        for (size_t i = 0; i < 500; i++) {
            DfyForm form = dfy_form_of(&two, i), other = dfy_form_turned(&form, 20);
            if (kind == 1) memcpy(other.scale, form.scale, sizeof form.scale); /* the rotation alone changed */
            if (kind == 2) memcpy(other.rotation, form.rotation, sizeof form.rotation);
            if (kind == 3) other.rotation[0] += 0.1f;
            dfy_form_set(&two, i, &other);
        }
        assert_int_equal(dfy_splats_compare(&one, &two, NULL, DFY_SPLAT_PAIR_AUTO, &errors, NULL), DFY_OK);
        double wrong = fmax(errors.rms[DFY_SPLAT_ROTATION] / 5, errors.rms[DFY_SPLAT_SCALE]);
        if (kind == 0) assert_true(wrong < 1e-4 && errors.other_forms == 500);
        if (kind > 0) assert_true(wrong > 0.5);
        dfy_splats_free(&two);
    }
    dfy_splats_free(&one);
}

/* ---------------------------------------------------------------- what changes between frames */

static void still_frames_cost_next_to_nothing(void **state) {
    (void)state;
    DfySplats frames[3];
    DfySplatSettings settings;
    make_sequence(frames, 1, 5000, 2);
    for (int i = 1; i < 3; i++) dfy_splats_copy(&frames[i], &frames[0], NULL);
    dfy_splat_defaults(&settings);
    Coded coded = encode(frames, 3, &settings);
    assert_true(coded.stats.last_frame_bytes < 36);
    free_coded(&coded);
    free_sequence(frames, 3);
}

static void a_rigid_motion_costs_little(void **state) {
    (void)state;
    DfySplats frames[4];
    DfySplatSettings settings;
    make_sequence(frames, 4, 5000, 0);
    dfy_splat_defaults(&settings);
    Coded coded = encode(frames, 4, &settings);
    assert_true(coded.stats.last_frame_bytes < 5000 / 5 / 2); /* a thousand moved: half a byte each at most */
    free_coded(&coded);
    free_sequence(frames, 4);
}

/* Splats leave and come, in the middle of the numbering: whoever stays is matched, and no error grows. */
/*
 * Noise on everything, new in every frame: errors are met, the mean of frames is a better prediction than the last one,
 * and bytes fall as it is learnt; seeking gives what playing gives.
 */
static void noise_on_everything_is_told_from_motion(void **state) {
    (void)state;
    enum { FRAMES = 6, SPLATS = 4000 };
    DfySplats frames[FRAMES], played[FRAMES], base;
    DfySplatSettings settings;
    uint32_t seed = 3;
    make_model(&base, SPLATS, 2, 4);
    for (int i = 0; i < FRAMES; i++) {
        dfy_splats_copy(&frames[i], &base, NULL);
        for (size_t k = 0; k < SPLATS * 3; k++) {
            frames[i].xyz[k] += 0.01f * (float)i * (k % 3 == 1) + 0.004f * next_random(&seed);
            frames[i].scale[k] += 0.1f * next_random(&seed);
            frames[i].dc[k] += 0.2f * next_random(&seed);
        }
        for (size_t k = 0; k < SPLATS * 4; k++) frames[i].rotation[k] += 0.05f * next_random(&seed);
        for (size_t k = 0; k < SPLATS * 24; k++) frames[i].rest[k] += 0.1f * next_random(&seed);
        for (size_t k = 0; k < SPLATS; k++) frames[i].opacity[k] += 0.1f * next_random(&seed);
    }
    /* One turns by a half, which no number of a column reaches. */
    for (size_t k = 0; k < 4; k++) frames[3].rotation[400 + k] = (float[4]){0, 1, 0, 0}[k];
    for (size_t k = 0; k < 4; k++) frames[2].rotation[400 + k] = (float[4]){1, 0, 0, 0}[k];
    dfy_splat_defaults(&settings);
    settings.effort = 3;
    Coded coded = encode(frames, FRAMES, &settings);
    assert_int_equal(coded.stats.key_frames, 1);
    DfySplatDecoder *decoder = open_file(&coded.file);
    uint64_t bytes[FRAMES];
    for (int i = 0; i < FRAMES; i++) {
        DfySplatErrors errors;
        const DfySplats *back = next_frame(decoder);
        dfy_splat_decoder_frame(decoder, (uint64_t)i, &bytes[i], NULL);
        dfy_splats_compare(&frames[i], back, coded.order[i], DFY_SPLAT_PAIR_AUTO, &errors, NULL);
        for (int a = 0; a < DFY_SPLAT_ATTRIBUTES; a++)
            if (errors.rms[a] > wanted_of(&coded, &settings, a) * 1.001)
                fail_msg("frame %d: %s %g, wanted %g", i, dfy_splat_attribute_names[a], errors.rms[a],
                         wanted_of(&coded, &settings, a));
        assert_true(errors.max[DFY_SPLAT_ROTATION] < 2);
        dfy_splats_copy(&played[i], back, NULL);
    }
    assert_true(bytes[5] * 100 < bytes[1] * 97);
    for (int i = FRAMES - 1; i >= 0; i--) {
        assert_int_equal(dfy_splat_decoder_seek(decoder, (uint64_t)i), DFY_OK);
        const DfySplats *back = next_frame(decoder);
        assert_memory_equal(back->xyz, played[i].xyz, SPLATS * 12);
        assert_memory_equal(back->rest, played[i].rest, SPLATS * 96);
    }
    dfy_splat_decoder_close(&decoder);
    free_coded(&coded);
    free_sequence(frames, FRAMES);
    free_sequence(played, FRAMES);
    dfy_splats_free(&base);
}

static void splats_may_be_added_and_removed(void **state) {
    (void)state;
    DfySplats whole, frames[4];
    DfySplatSettings settings;
    make_model(&whole, 2000, 1, 21);
    for (int i = 0; i < 4; i++) {
        uint32_t from = i == 1 ? 300 : 0, count = i == 2 ? 1500 : i == 3 ? 1990 : 2000 - from;
        dfy_splats_alloc(&frames[i], count, 1, NULL);
        for (uint32_t k = 0; k < count; k++) {
            uint32_t j = k + from;
            memcpy(frames[i].xyz + k * 3, whole.xyz + j * 3, 12);
            memcpy(frames[i].rotation + k * 4, whole.rotation + j * 4, 16);
            memcpy(frames[i].scale + k * 3, whole.scale + j * 3, 12);
            memcpy(frames[i].dc + k * 3, whole.dc + j * 3, 12);
            memcpy(frames[i].rest + k * 9, whole.rest + j * 9, 36);
            frames[i].opacity[k] = whole.opacity[j];
        }
    }
    for (int index = 0; dfy_splat_codec_at(index); index++) {
        dfy_splat_defaults(&settings);
        settings.codec = dfy_splat_codec_at(index);
        settings.vq.iterations = 20;
        Coded coded = encode(frames, 4, &settings);
        DfySplatDecoder *decoder = open_file(&coded.file);
        for (int i = 0; i < 4; i++) {
            DfySplatErrors errors;
            const DfySplats *back = next_frame(decoder);
            assert_int_equal(back->count, frames[i].count);
            assert_int_equal(dfy_splats_compare(&frames[i], back, coded.order[i], DFY_SPLAT_PAIR_AUTO, &errors, NULL),
                             DFY_OK);
            assert_true(errors.max[DFY_SPLAT_POSITION] < 0.01);
            for (int a = 0; a < DFY_SPLAT_ATTRIBUTES && !index; a++)
                assert_true(errors.rms[a] < wanted_of(&coded, &settings, a) * 1.05);
        }
        if (!index) assert_int_equal(coded.stats.key_frames, 1);
        dfy_splat_decoder_close(&decoder);
        free_coded(&coded);
    }
    dfy_splats_free(&whole);
    free_sequence(frames, 4);
}

static void a_cut_brings_a_key_frame(void **state) {
    (void)state;
    DfySplats frames[4];
    DfySplatSettings settings;
    make_sequence(frames, 2, 1000, 1);
    make_model(&frames[2], 1000, 1, 99);
    make_model(&frames[3], 1000, 1, 99);
    dfy_splat_defaults(&settings);
    Coded coded = encode(frames, 4, &settings);
    assert_int_equal(coded.stats.key_frames, 2);
    DfySplatDecoder *decoder = open_file(&coded.file);
    for (uint64_t i = 0; i < 4; i++) {
        int key = -1;
        assert_int_equal(dfy_splat_decoder_frame(decoder, i, NULL, &key), DFY_OK);
        assert_int_equal(key != 0, i == 0 || i == 2);
    }
    dfy_splat_decoder_close(&decoder);
    free_coded(&coded);
    free_sequence(frames, 4);
}

static void degrees_may_be_mixed(void **state) {
    (void)state;
    DfySplats frames[3];
    DfySplatSettings settings;
    make_model(&frames[0], 100, 2, 5);
    make_model(&frames[1], 100, 0, 5);
    make_model(&frames[2], 100, 3, 5);
    dfy_splat_defaults(&settings);
    Coded coded = encode(frames, 3, &settings);
    DfySplatDecoder *decoder = open_file(&coded.file);
    static const int degrees[3] = {2, 2, 3}; /* never a lower one than before, and nothing is cut */
    for (int i = 0; i < 3; i++) assert_int_equal(next_frame(decoder)->degree, degrees[i]);
    dfy_splat_decoder_close(&decoder);
    free_coded(&coded);
    free_sequence(frames, 3);
}

/* ---------------------------------------------------------------- errors in absolute terms */

/* One splat far away costs bytes, not the others' accuracy; it comes back where it was. */
static void a_far_floater_costs_no_accuracy(void **state) {
    (void)state;
    static const float places[] = {300, 3000, 1e7f, -1e12f, NAN};
    for (int index = 0; index < 2; index++)
        for (int i = 0; i < 5; i++) {
            DfySplats frames[2];
            DfySplatSettings settings;
            DfySplatErrors errors;
            make_sequence(frames, 2, 3000, 1);
            frames[0].xyz[3 * 700] = frames[1].xyz[3 * 700] = places[i];
            dfy_splat_defaults(&settings);
            settings.codec = dfy_splat_codec_at(index);
            settings.vq.iterations = 5;
            settings.keep_order = 1;
            Coded coded = encode(frames, 2, &settings);
            DfySplatDecoder *decoder = open_file(&coded.file);
            for (int f = 0; f < 2; f++) {
                const DfySplats *back = next_frame(decoder);
                assert_int_equal(dfy_splats_compare(&frames[f], back, NULL, DFY_SPLAT_PAIR_ORDER, &errors, NULL),
                                 DFY_OK);
                assert_int_equal(errors.not_finite, 0);
                assert_true(errors.max[DFY_SPLAT_POSITION] < (index ? 0.01 : 0.002));
            }
            dfy_splat_decoder_close(&decoder);
            free_coded(&coded);
            free_sequence(frames, 2);
        }
}

static void no_error_is_above_the_largest_one(void **state) {
    (void)state;
    static const double most[DFY_SPLAT_ATTRIBUTES] = {0.001, 0.03, 0.002, 0.08, 0.15, 0.06};
    for (int index = 0; index < 2; index++) {
        DfySplats frames[3];
        DfySplatSettings settings;
        make_sequence(frames, 3, 2000, 2);
        dfy_splat_defaults(&settings);
        settings.codec = dfy_splat_codec_at(index);
        settings.vq.iterations = 5;
        memcpy(settings.max_error, most, sizeof most);
        Coded coded = encode(frames, 3, &settings);
        DfySplatDecoder *decoder = open_file(&coded.file);
        DfySplatInfo info;
        dfy_splat_decoder_info(decoder, &info);
        for (int i = 0; i < 3; i++) {
            DfySplatErrors errors;
            const DfySplats *back = next_frame(decoder);
            dfy_splats_compare(&frames[i], back, coded.order[i], DFY_SPLAT_PAIR_AUTO, &errors, NULL);
            for (int a = 0; a < DFY_SPLAT_ATTRIBUTES; a++) {
                assert_true(errors.max[a] <= most[a] * 1.00001);
                assert_float_equal(info.max_error[a], most[a], 1e-6);
            }
        }
        assert_true(coded.stats.exact_bytes > 0);
        dfy_splat_decoder_close(&decoder);
        free_coded(&coded);
        free_sequence(frames, 3);
    }
}

/* The largest error of positions is bounded by itself, in key frames and others, and keeps to the spacing's scale. */
static void positions_err_by_a_part_of_the_spacing(void **state) {
    (void)state;
    double before = 0;
    for (int scaled = 0; scaled < 2; scaled++) {
        DfySplats frames[3];
        DfySplatSettings settings;
        make_sequence(frames, 3, 3000, 0);
        for (int i = 0; scaled && i < 3; i++)
            for (size_t k = 0; k < 9000; k++) frames[i].xyz[k] *= 1000;
        dfy_splat_defaults(&settings);
        Coded coded = encode(frames, 3, &settings);
        DfySplatDecoder *decoder = open_file(&coded.file);
        for (int i = 0; i < 3; i++) {
            DfySplatErrors errors;
            const DfySplats *back = next_frame(decoder);
            dfy_splats_compare(&frames[i], back, coded.order[i], DFY_SPLAT_PAIR_AUTO, &errors, NULL);
            assert_true(errors.rms[DFY_SPLAT_POSITION] <= coded.stats.position_error * 1.0005);
            assert_true(errors.max[DFY_SPLAT_POSITION] <= coded.stats.position_error * DFY_SPLAT_FARTHEST * 1.001);
        }
        if (scaled) assert_float_equal(coded.stats.position_error / before, 1000, 1);
        before = coded.stats.position_error;
        dfy_splat_decoder_close(&decoder);
        free_coded(&coded);
        free_sequence(frames, 3);
    }
}

/* ---------------------------------------------------------------- order */

static void the_order_is_kept_where_it_is_wanted(void **state) {
    (void)state;
    for (int index = 0; index < 2; index++)
        for (int kept = -1; kept <= 1; kept++)
            for (int count = 1; count <= 3; count += 2) {
                DfySplats frames[3];
                DfySplatSettings settings;
                DfyBuffer file = {0};
                DfyOutput output = {.write = memory_write, .opaque = &file};
                DfySplatEncoder *encoder = NULL;
                DfySplatStats stats;
                make_sequence(frames, 3, 1500, 1);
                dfy_splat_defaults(&settings);
                settings.codec = dfy_splat_codec_at(index);
                settings.vq.iterations = 5;
                settings.keep_order = kept;
                settings.key_interval = 2;
                assert_int_equal(dfy_splat_encoder_open(&encoder, &settings, &output), DFY_OK);
                for (int i = 0; i < count; i++) assert_int_equal(dfy_splat_encoder_push(encoder, &frames[i]), DFY_OK);
                assert_int_equal(dfy_splat_encoder_finish(encoder, &stats), DFY_OK);
                dfy_splat_encoder_close(&encoder);
                int ordered = index || kept == 1 || (kept < 0 && count > 1);
                assert_int_equal(stats.order_bytes > 0, !index && ordered);
                DfySplatDecoder *decoder = open_file(&file);
                for (int i = 0; i < count; i++) {
                    DfySplatErrors errors;
                    const DfySplats *back = next_frame(decoder);
                    dfy_splats_compare(&frames[i], back, NULL, DFY_SPLAT_PAIR_ORDER, &errors, NULL);
                    assert_int_equal(errors.max[DFY_SPLAT_POSITION] < 0.02, ordered);
                }
                /* Two key frames of 1,500 splats: 2 x log2(1500!) bits. */
                if (stats.order_bytes) assert_true(stats.order_bytes < (count > 1 ? 3550 : 1780));
                dfy_splat_decoder_close(&decoder);
                dfy_buffer_free(&file);
                free_sequence(frames, 3);
            }
}

/* Splats that come and go, with the order kept through it. */
static void the_order_is_kept_when_splats_come_and_go(void **state) {
    (void)state;
    DfySplats frames[4], whole;
    DfySplatSettings settings;
    make_model(&whole, 2000, 0, 8);
    for (int i = 0; i < 4; i++) {
        uint32_t left_out = (uint32_t)(i * 13 + 1), k = 0;
        dfy_splats_alloc(&frames[i], 2000, 0, NULL);
        for (uint32_t j = 0; j < 2000; j++) {
            if (j % 97 < (uint32_t)i || j == left_out) continue;
            memcpy(frames[i].xyz + k * 3, whole.xyz + j * 3, 12);
            memcpy(frames[i].rotation + k * 4, whole.rotation + j * 4, 16);
            memcpy(frames[i].scale + k * 3, whole.scale + j * 3, 12);
            memcpy(frames[i].dc + k * 3, whole.dc + j * 3, 12);
            frames[i].opacity[k++] = whole.opacity[j];
        }
        frames[i].count = k;
    }
    dfy_splat_defaults(&settings);
    settings.keep_order = 1;
    Coded coded = encode(frames, 4, &settings);
    DfySplatDecoder *decoder = open_file(&coded.file);
    for (uint64_t seek = 0; seek < 2; seek++)
        for (int i = 0; i < 4; i++) {
            DfySplatErrors errors;
            if (seek) assert_int_equal(dfy_splat_decoder_seek(decoder, (uint64_t)(3 - i)), DFY_OK);
            const DfySplats *back = next_frame(decoder), *own = &frames[seek ? 3 - i : i];
            assert_int_equal(back->count, own->count);
            dfy_splats_compare(own, back, NULL, DFY_SPLAT_PAIR_ORDER, &errors, NULL);
            assert_true(errors.max[DFY_SPLAT_POSITION] < 0.01);
        }
    dfy_splat_decoder_close(&decoder);
    free_coded(&coded);
    free_sequence(frames, 4);
    dfy_splats_free(&whole);
}

/* ---------------------------------------------------------------- odd models */

static void odd_models_survive(void **state) {
    (void)state;
    for (int index = 0; dfy_splat_codec_at(index); index++)
        for (int kind = 0; kind < 6; kind++) {
            DfySplats frames[2];
            DfySplatSettings settings;
            uint32_t count = kind == 0 ? 0 : kind == 1 ? 1 : 600;
            make_model(&frames[0], count, 1, 3);
            if (kind == 2) /* all splats alike */
                for (size_t i = 0; i < count; i++) {
                    memcpy(frames[0].xyz + i * 3, frames[0].xyz, 12);
                    memcpy(frames[0].rotation + i * 4, frames[0].rotation, 16);
                    memcpy(frames[0].scale + i * 3, frames[0].scale, 12);
                    memcpy(frames[0].dc + i * 3, frames[0].dc, 12);
                    memcpy(frames[0].rest + i * 9, frames[0].rest, 36);
                    frames[0].opacity[i] = frames[0].opacity[0];
                }
            if (kind == 3) /* nothing finite */
                for (size_t i = 0; i < count; i++) {
                    for (size_t k = 0; k < 3; k++) frames[0].xyz[i * 3 + k] = frames[0].scale[i * 3 + k] = NAN;
                    for (size_t k = 0; k < 4; k++) frames[0].rotation[i * 4 + k] = INFINITY;
                    frames[0].opacity[i] = INFINITY;
                }
            if (kind == 4) frames[0].xyz[7] = 9e7f; /* one far away */
            if (kind == 5)                          /* extremes everywhere */
                for (size_t i = 0; i < (size_t)count * 9; i++) frames[0].rest[i] = i % 2 ? 3e38f : -3e38f;
            dfy_splats_copy(&frames[1], &frames[0], NULL);
            dfy_splat_defaults(&settings);
            settings.codec = dfy_splat_codec_at(index);
            settings.vq.iterations = 10;
            Coded coded = encode(frames, 2, &settings);
            DfySplatDecoder *decoder = open_file(&coded.file);
            for (int i = 0; i < 2; i++) {
                DfySplatErrors errors;
                const DfySplats *back = next_frame(decoder);
                assert_int_equal(back->count, count);
                assert_int_equal(
                    dfy_splats_compare(&frames[i], back, coded.order[i], DFY_SPLAT_PAIR_AUTO, &errors, NULL), DFY_OK);
                assert_int_equal(errors.not_finite, 0); /* NaN and infinities come back as they are */
                if (count > 1 && !index)
                    assert_true(errors.max[DFY_SPLAT_POSITION] <=
                                DFY_SPLAT_FARTHEST * coded.stats.position_error * 1.01);
            }
            if (kind == 3) assert_int_equal(coded.stats.oddities.not_finite, 2 * count);
            dfy_splat_decoder_close(&decoder);
            free_coded(&coded);
            free_sequence(frames, 2);
        }
}

/* ---------------------------------------------------------------- files */

static void the_same_frames_give_the_same_bytes(void **state) {
    (void)state;
    for (int index = 0; dfy_splat_codec_at(index); index++) {
        DfySplats frames[3];
        DfySplatSettings settings;
        make_sequence(frames, 3, 700, 1);
        dfy_splat_defaults(&settings);
        settings.codec = dfy_splat_codec_at(index);
        settings.vq.iterations = 20;
        Coded one = encode(frames, 3, &settings), two = encode(frames, 3, &settings);
        assert_int_equal(one.file.size, two.file.size);
        assert_memory_equal(one.file.data, two.file.data, one.file.size);
        free_coded(&one);
        free_coded(&two);
        free_sequence(frames, 3);
    }
}

/* Seeking to any frame gives the very model that playing to it gives. */
static void seeking_equals_playing(void **state) {
    (void)state;
    DfySplats frames[8], played[8];
    DfySplatSettings settings;
    make_sequence(frames, 8, 500, 1);
    dfy_splat_defaults(&settings);
    settings.key_interval = 3;
    Coded coded = encode(frames, 8, &settings);
    assert_int_equal(coded.stats.key_frames, 3);
    DfySplatDecoder *decoder = open_file(&coded.file);
    for (int i = 0; i < 8; i++) dfy_splats_copy(&played[i], next_frame(decoder), NULL);
    for (uint64_t i = 0; i < 8; i++) {
        uint64_t frame = i * 5 % 8;
        assert_int_equal(dfy_splat_decoder_seek(decoder, frame), DFY_OK);
        const DfySplats *back = next_frame(decoder);
        assert_memory_equal(back->xyz, played[frame].xyz, 500 * 12);
        assert_memory_equal(back->rotation, played[frame].rotation, 500 * 16);
        assert_memory_equal(back->rest, played[frame].rest, 500 * 36);
    }
    assert_int_equal(dfy_splat_decoder_seek(decoder, 8), DFY_ERROR_ARGUMENT);
    dfy_splat_decoder_close(&decoder);
    free_sequence(played, 8);
    free_coded(&coded);
    free_sequence(frames, 8);
}

/* A damaged frame costs what follows up to the next key frame; a file cut anywhere opens or says why not. */
static void damage_costs_frames_up_to_the_next_key_frame(void **state) {
    (void)state;
    DfySplats frames[6];
    DfySplatSettings settings;
    make_sequence(frames, 6, 200, 0);
    dfy_splat_defaults(&settings);
    settings.key_interval = 3;
    Coded coded = encode(frames, 6, &settings);
    DfySplatDecoder *decoder = open_file(&coded.file);
    uint64_t first_bytes;
    dfy_splat_decoder_frame(decoder, 0, &first_bytes, NULL);
    dfy_splat_decoder_close(&decoder);
    coded.file.data[4 + 12 + 17 + first_bytes / 2] ^= 3; /* behind magic and head, inside frame 0 */
    decoder = open_file(&coded.file);
    const DfySplats *splats;
    assert_int_equal(dfy_splat_decoder_next(decoder, &splats), DFY_ERROR_DAMAGED);
    assert_int_equal(dfy_splat_decoder_position(decoder), 3);
    for (int i = 3; i < 6; i++) next_frame(decoder);
    assert_int_equal(dfy_splat_decoder_next(decoder, &splats), DFY_END);
    dfy_splat_decoder_close(&decoder);
    for (size_t size = 0; size < coded.file.size; size += 13) {
        DfyBuffer cut = {.data = malloc(size + 1), .size = size};
        memcpy(cut.data, coded.file.data, size);
        DfyInput input = {.read = memory_read, .size_bytes = size, .opaque = &cut};
        if (!dfy_splat_decoder_open(&decoder, &input, NULL)) {
            DfySplatInfo info;
            assert_int_equal(dfy_splat_decoder_info(decoder, &info), DFY_OK);
            assert_int_equal(info.complete, 0);
            for (int status = 0, n = 0; status != DFY_END; n++) {
                status = dfy_splat_decoder_next(decoder, &splats);
                assert_true(n < 8);
            }
        } else {
            assert_true(strlen(dfy_splat_decoder_message(decoder)) > 10);
        }
        dfy_splat_decoder_close(&decoder);
        free(cut.data);
    }
    free_coded(&coded);
    free_sequence(frames, 6);
}

/* Where chunk `wanted` of a type begins. */
static size_t chunk_at(const DfyBuffer *file, int type, int wanted) {
    size_t at = 4;
    while (file->data[at] != type || wanted-- > 0) {
        const uint8_t *size = file->data + at + 2;
        at += 12 + ((size_t)size[0] << 24 | (size_t)size[1] << 16 | (size_t)size[2] << 8 | size[3]);
        assert_true(at < file->size);
    }
    return at;
}

/* Without an index, the bytes of a lost chunk tell that frames are missing: what follows builds on what isn't there. */
static void a_chunk_that_is_lost_without_an_index_is_missed(void **state) {
    (void)state;
    enum { SEGMENT = 0x11, INDEX = 0x12 };
    DfySplats frames[6];
    DfySplatSettings settings;
    const DfySplats *splats;
    make_sequence(frames, 6, 200, 0);
    dfy_splat_defaults(&settings);
    settings.key_interval = 3;
    settings.keep_order = 1;
    Coded coded = encode(frames, 6, &settings);
    coded.file.size = chunk_at(&coded.file, INDEX, 0);
    for (int lost = 0; lost < 6; lost++) {
        size_t at = chunk_at(&coded.file, SEGMENT, lost);
        uint8_t head[8];
        memcpy(head, coded.file.data + at, sizeof head);
        memset(coded.file.data + at, 0x5A, sizeof head);
        DfySplatDecoder *decoder = open_file(&coded.file);
        int next_key = lost < 3 ? 3 : 6, followed = lost < 5;
        for (int i = 0; i < lost; i++) next_frame(decoder);
        if (followed) assert_int_equal(dfy_splat_decoder_next(decoder, &splats), DFY_ERROR_DAMAGED);
        if (followed) assert_int_equal(dfy_splat_decoder_position(decoder), next_key);
        for (int i = next_key; i < 6; i++) {
            DfySplatErrors errors;
            assert_int_equal(
                dfy_splats_compare(&frames[i], next_frame(decoder), NULL, DFY_SPLAT_PAIR_ORDER, &errors, NULL), DFY_OK);
            assert_true(errors.rms[DFY_SPLAT_POSITION] < 0.01);
        }
        assert_int_equal(dfy_splat_decoder_next(decoder, &splats), DFY_END);
        dfy_splat_decoder_close(&decoder);
        memcpy(coded.file.data + at, head, sizeof head);
    }
    free_coded(&coded);
    free_sequence(frames, 6);
}

static void settings_out_of_range_are_refused(void **state) {
    (void)state;
    DfyBuffer file = {0};
    DfyOutput output = {.write = memory_write, .opaque = &file};
    for (int kind = 0; kind < 8; kind++) {
        DfySplatSettings settings;
        DfySplatEncoder *encoder = NULL;
        dfy_splat_defaults(&settings);
        if (kind == 0) settings.error[DFY_SPLAT_ALPHA] = 0;
        if (kind == 1) settings.error[DFY_SPLAT_POSITION] = NAN;
        if (kind == 2) settings.degree = DFY_SPLAT_MAX_DEGREE + 1;
        if (kind == 3) settings.frame_rate_den = 0;
        if (kind == 4) settings.codec = dfy_splat_codec("vqxyz-range"), settings.vq.clusters_dc = 0;
        if (kind == 5) settings.codec = dfy_splat_codec("vqxyz-range"), settings.vq.alpha = -1;
        if (kind == 6) settings.effort = 0;
        if (kind == 7) settings.effort = 10;
        assert_int_equal(dfy_splat_encoder_open(&encoder, &settings, &output), DFY_ERROR_ARGUMENT);
        assert_true(strlen(dfy_splat_encoder_message(encoder)) > 10);
        dfy_splat_encoder_close(&encoder);
    }
    assert_null(dfy_splat_codec("no-such-codec"));
    dfy_buffer_free(&file);
}

/* ---------------------------------------------------------------- a codec of one's own */

/* Positions alone, as they are: the smallest part that works. Every frame stands for itself. */
typedef struct RawPart {
    DfySplats now;
} RawPart;

static int raw_to_context(void *context, const DfySplats *frame, DfyMessage *message) {
    RawPart *part = context;
    dfy_splats_free(&part->now);
    return dfy_splats_copy(&part->now, frame, message);
}

static int raw_encode(void *context, DfySplatPayload *payload, DfyMessage *message) {
    const RawPart *part = context;
    (void)message;
    DfySplatStream *stream = dfy_payload_add(payload, 0);
    for (size_t i = 0; i < (size_t)part->now.count * 3; i++) {
        uint32_t bits;
        memcpy(&bits, &part->now.xyz[i], sizeof bits);
        dfy_payload_put(payload, stream, bits);
    }
    return payload->failed ? DFY_ERROR_MEMORY : DFY_OK;
}

static int raw_decode(void *context, DfySplatPayload *payload, DfyMessage *message) {
    RawPart *part = context;
    const DfySplatStream *stream = dfy_payload_next(payload);
    if (!stream || stream->count % 3) return dfy_fail(message, DFY_ERROR_DAMAGED, "The positions are damaged.");
    dfy_splats_free(&part->now);
    int status = dfy_splats_alloc(&part->now, (uint32_t)(stream->count / 3), 0, message);
    if (!status && stream->count) memcpy(part->now.xyz, stream->symbols, stream->count * sizeof(float));
    return status;
}

static int raw_to_frame(void *context, DfySplats *frame, const uint32_t *to, DfyMessage *message) {
    assert_null(to); /* it has no order of its own */
    dfy_splats_free(frame);
    return dfy_splats_copy(frame, &((RawPart *)context)->now, message);
}

static uint32_t raw_count(const void *context) {
    return ((const RawPart *)context)->now.count;
}

static void raw_close(void *context) {
    dfy_splats_free(&((RawPart *)context)->now);
}

static const DfySplatPart raw_part = {
    .context_bytes = sizeof(RawPart),
    .key_to_context = raw_to_context,
    .inter_to_context = raw_to_context,
    .encode_key = raw_encode,
    .encode_inter = raw_encode,
    .decode_key = raw_decode,
    .decode_inter = raw_decode,
    .context_to_frame = raw_to_frame,
    .count = raw_count,
    .close = raw_close,
};

static void a_new_codec_is_a_table_and_a_name(void **state) {
    (void)state;
    const DfySplatCodec mine = {"raw-zlib", "positions alone", {&raw_part, NULL}, &dfy_serialiser_zlib};
    DfySplats frames[2];
    DfySplatSettings settings;
    make_sequence(frames, 2, 100, 0);
    dfy_splat_defaults(&settings);
    settings.codec = &mine;
    Coded coded = encode(frames, 2, &settings);
    DfyInput input = memory_input(&coded.file);
    DfySplatDecoder *decoder = NULL;
    assert_int_equal(dfy_splat_decoder_open(&decoder, &input, NULL), DFY_ERROR_UNSUPPORTED);
    assert_non_null(strstr(dfy_splat_decoder_message(decoder), "raw-zlib"));
    dfy_splat_decoder_close(&decoder);
    assert_int_equal(dfy_splat_decoder_open(&decoder, &input, &mine), DFY_OK);
    for (int i = 0; i < 2; i++) assert_memory_equal(next_frame(decoder)->xyz, frames[i].xyz, 1200);
    dfy_splat_decoder_close(&decoder);
    free_coded(&coded);
    free_sequence(frames, 2);
}

/* ---------------------------------------------------------------- a real sequence */

static int load_frame(DfySplats *splats, int number) {
    char path[1024];
    const char *shared = getenv("DIFFY_SHARED");
    snprintf(path, sizeof path, "%s/splats/playbot/frame_%04d.ply", shared ? shared : "../shared", number);
    FILE *file = fopen(path, "rb");
    if (!file) return 0;
    DfyBuffer bytes = {0};
    size_t got = 1;
    while (got) {
        uint8_t *room = dfy_buffer_reserve(&bytes, 65536);
        got = room ? fread(room, 1, 65536, file) : 0;
        bytes.size += got;
    }
    fclose(file);
    int status = dfy_splats_read(splats, bytes.data, bytes.size, NULL, NULL);
    dfy_buffer_free(&bytes);
    return !status;
}

/* Corrections cost bytes, so that a frame has hardly fewer errors than it may. */
static void a_drift_is_corrected_no_more_than_it_takes(void **state) {
    (void)state;
    const double wanted = 5e-4;
    DfySplats frames[2] = {{0}};
    DfySplatSettings settings;
    DfySplatErrors errors;
    uint32_t seed = 9;
    for (int i = 0; i < 2; i++) make_model(&frames[i], 4000, 0, 5);
    for (uint32_t k = 0; k < frames[1].count * 3; k++) frames[1].xyz[k] += 0.002f * next_random(&seed);
    dfy_splat_defaults(&settings);
    settings.error[DFY_SPLAT_POSITION] = wanted;
    Coded coded = encode(frames, 2, &settings);
    assert_int_equal(coded.stats.key_frames, 1);
    DfySplatDecoder *decoder = open_file(&coded.file);
    next_frame(decoder);
    dfy_splats_compare(&frames[1], next_frame(decoder), coded.order[1], DFY_SPLAT_PAIR_AUTO, &errors, NULL);
    assert_true(errors.rms[DFY_SPLAT_POSITION] <= wanted);
    assert_true(errors.rms[DFY_SPLAT_POSITION] > 0.99 * wanted);
    dfy_splat_decoder_close(&decoder);
    free_coded(&coded);
    for (int i = 0; i < 2; i++) dfy_splats_free(&frames[i]);
}

/* Most alphas of a trained scene are nearly 1, beyond the last multiple of a coarse step. */
static void alphas_near_one_keep_their_error(void **state) {
    (void)state;
    static const double wanted[] = {0.002, 0.01, 0.03, 0.1};
    for (int i = 0; i < 4; i++) {
        DfySplats frame = {0};
        DfySplatSettings settings;
        DfySplatErrors errors;
        make_model(&frame, 4000, 0, 5);
        for (uint32_t k = 0; k < frame.count; k++) frame.opacity[k] = k % 4 ? 7 : frame.opacity[k];
        dfy_splat_defaults(&settings);
        settings.error[DFY_SPLAT_ALPHA] = wanted[i];
        Coded coded = encode(&frame, 1, &settings);
        DfySplatDecoder *decoder = open_file(&coded.file);
        dfy_splats_compare(&frame, next_frame(decoder), coded.order[0], DFY_SPLAT_PAIR_AUTO, &errors, NULL);
        assert_true(errors.rms[DFY_SPLAT_ALPHA] <= wanted[i]);
        dfy_splat_decoder_close(&decoder);
        free_coded(&coded);
        dfy_splats_free(&frame);
    }
}

/* No attribute worse than what vector quantisation with 256 clusters makes of it, at well under half the bytes. */
static void a_real_sequence_is_small_at_the_wanted_errors(void **state) {
    (void)state;
    static const double wanted[DFY_SPLAT_ATTRIBUTES] = {1.94e-4 * 0.870919, 0.432, 0.0015, 0.1135, 10.3, 0.078};
    DfySplats frames[8];
    DfySplatSettings settings;
    for (int i = 0; i < 8; i++)
        if (!load_frame(&frames[i], i)) {
            print_message("skipped: the sequence playbot isn't there (DIFFY_SHARED)\n");
            free_sequence(frames, i);
            skip();
        }
    dfy_splat_defaults(&settings);
    memcpy(settings.error, wanted, sizeof wanted);
    Coded coded = encode(frames, 8, &settings);
    assert_true(coded.stats.bytes < 97000);
    assert_true(coded.stats.last_frame_bytes < 600);
    DfySplatDecoder *decoder = open_file(&coded.file);
    for (int i = 0; i < 8; i++) {
        DfySplatErrors errors;
        dfy_splats_compare(&frames[i], next_frame(decoder), coded.order[i], DFY_SPLAT_PAIR_AUTO, &errors, NULL);
        for (int a = 0; a < DFY_SPLAT_ATTRIBUTES; a++) assert_true(errors.rms[a] <= wanted[a]);
    }
    dfy_splat_decoder_close(&decoder);
    free_coded(&coded);
    free_sequence(frames, 8);
}

/* All-alike symbols shrink to nothing: encoders fill up what readers would otherwise not believe. */
static void many_symbols_need_some_bytes(void **state) {
    (void)state;
    const DfySplatSerialiser *const serialisers[] = {&dfy_serialiser_range, &dfy_serialiser_zlib, &dfy_serialiser_zstd};
    enum { COUNT = 2 * DFY_SPLAT_SYMBOLS };
    DfyMessage message = {{0}};
    for (int i = 0; i < 3; i++) {
        DfySplatPayload payload = {0}, back = {0};
        DfyBuffer bytes = {0};
        DfySplatStream *stream = dfy_payload_add(&payload, 256);
        for (int k = 0; k < COUNT; k++) dfy_payload_put(&payload, stream, 7);
        assert_int_equal(serialisers[i]->write(&payload, &bytes, &message), DFY_OK);
        back.most = DFY_SPLAT_SYMBOLS + (uint64_t)bytes.size * DFY_SPLAT_SYMBOLS_A_BYTE;
        assert_int_equal(serialisers[i]->read(&back, bytes.data, bytes.size, &message), DFY_OK);
        const uint32_t *symbols = dfy_payload_take(&back, COUNT, 256);
        assert_non_null(symbols);
        for (int k = 0; k < COUNT; k++) assert_int_equal(symbols[k], 7);
        dfy_payload_free(&back);
        back.most = COUNT - 1;
        assert_int_equal(serialisers[i]->read(&back, bytes.data, bytes.size, &message), DFY_ERROR_DAMAGED);
        assert_non_null(strstr(message.text, "more than its bytes can stand for"));
        dfy_payload_free(&back);
        dfy_payload_free(&payload);
        dfy_buffer_free(&bytes);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_codec_keeps_its_stated_errors),
        cmocka_unit_test(vector_quantisation_errs_less_with_more_clusters),
        cmocka_unit_test(two_passes_code_all_frames_within_the_errors),
        cmocka_unit_test(all_forms_are_the_same_gaussian),
        cmocka_unit_test(canonical_forms_are_smaller_and_as_near),
        cmocka_unit_test(what_is_no_equal_form_is_an_error),
        cmocka_unit_test(still_frames_cost_next_to_nothing),
        cmocka_unit_test(a_rigid_motion_costs_little),
        cmocka_unit_test(noise_on_everything_is_told_from_motion),
        cmocka_unit_test(splats_may_be_added_and_removed),
        cmocka_unit_test(a_cut_brings_a_key_frame),
        cmocka_unit_test(degrees_may_be_mixed),
        cmocka_unit_test(a_far_floater_costs_no_accuracy),
        cmocka_unit_test(no_error_is_above_the_largest_one),
        cmocka_unit_test(positions_err_by_a_part_of_the_spacing),
        cmocka_unit_test(the_order_is_kept_where_it_is_wanted),
        cmocka_unit_test(the_order_is_kept_when_splats_come_and_go),
        cmocka_unit_test(odd_models_survive),
        cmocka_unit_test(the_same_frames_give_the_same_bytes),
        cmocka_unit_test(seeking_equals_playing),
        cmocka_unit_test(damage_costs_frames_up_to_the_next_key_frame),
        cmocka_unit_test(a_chunk_that_is_lost_without_an_index_is_missed),
        cmocka_unit_test(settings_out_of_range_are_refused),
        cmocka_unit_test(a_new_codec_is_a_table_and_a_name),
        cmocka_unit_test(a_drift_is_corrected_no_more_than_it_takes),
        cmocka_unit_test(alphas_near_one_keep_their_error),
        cmocka_unit_test(a_real_sequence_is_small_at_the_wanted_errors),
        cmocka_unit_test(many_symbols_need_some_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
