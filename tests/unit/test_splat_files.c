/* Model files: what is written comes back, other programs' layouts are understood, broken ones are refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "splat_models.h"

static DfyBuffer written(const DfySplats *splats, DfySplatFormat format) {
    DfyBuffer file = {0};
    DfyOutput output = {.write = memory_write, .opaque = &file};
    assert_int_equal(dfy_splats_write(splats, format, &output, NULL), DFY_OK);
    return file;
}

static void assert_same(const DfySplats *a, const DfySplats *b) {
    size_t rest = (size_t)dfy_splat_rest(a->degree) * 3;
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->degree, b->degree);
    assert_memory_equal(a->xyz, b->xyz, a->count * 12);
    assert_memory_equal(a->rotation, b->rotation, a->count * 16);
    assert_memory_equal(a->scale, b->scale, a->count * 12);
    assert_memory_equal(a->opacity, b->opacity, a->count * 4);
    assert_memory_equal(a->dc, b->dc, a->count * 12);
    if (rest) assert_memory_equal(a->rest, b->rest, a->count * rest * 4);
}

static void ply_comes_back_bit_for_bit(void **state) {
    (void)state;
    for (int degree = 0; degree <= 3; degree++)
        for (int format = DFY_SPLAT_PLY; format <= DFY_SPLAT_PLY_ASCII; format++) {
            DfySplats model, back;
            make_model(&model, 50, degree, 1);
            DfyBuffer file = written(&model, (DfySplatFormat)format);
            assert_int_equal(dfy_splats_read(&back, file.data, file.size, NULL, NULL), DFY_OK);
            assert_same(&model, &back);
            dfy_splats_free(&model);
            dfy_splats_free(&back);
            dfy_buffer_free(&file);
        }
}

/* Bounds are half of what the formats' steps are. */
static void spz_and_splat_come_back_within_their_steps(void **state) {
    (void)state;
    for (int degree = 0; degree <= 3; degree++)
        for (int format = DFY_SPLAT_DOTSPLAT; format <= DFY_SPLAT_SPZ; format++) {
            DfySplats model, back;
            DfySplatErrors errors;
            make_model(&model, 300, degree, 2);
            uint32_t order[300];
            for (uint32_t i = 0; i < 300; i++) order[i] = i;
            DfyBuffer file = written(&model, (DfySplatFormat)format);
            int spz = format == DFY_SPLAT_SPZ;
            assert_int_equal(dfy_splats_read(&back, file.data, file.size, NULL, NULL), DFY_OK);
            assert_int_equal(back.degree, spz ? degree : 0);
            if (!spz) assert_int_equal(dfy_splats_set_degree(&model, 0, NULL), DFY_OK);
            /* .splat clamps colours to 0..1: only those inside are compared. */
            for (size_t i = 0; !spz && i < 900; i++)
                if (fabsf(model.dc[i]) > 1.7f) model.dc[i] = back.dc[i];
            assert_int_equal(dfy_splats_compare(&model, &back, order, DFY_SPLAT_PAIR_AUTO, &errors, NULL), DFY_OK);
            assert_true(errors.max[DFY_SPLAT_POSITION] < (spz ? 1.0 / 4096 : 1e-6));
            assert_true(errors.max[DFY_SPLAT_SCALE] < (spz ? 0.5 / 16 + 1e-5 : 1e-5));
            assert_true(errors.max[DFY_SPLAT_ALPHA] < 0.5 / 255 + 1e-5);
            assert_true(errors.max[DFY_SPLAT_DC] < (spz ? 0.5 / 38.25 + 1e-5 : 0.5 / 255 / 0.28209 + 1e-5));
            assert_true(errors.max[DFY_SPLAT_ROTATION] < (spz ? 0.4 : 1.6));
            assert_true(errors.max[DFY_SPLAT_SH] < 8.5 / 128);
            dfy_splats_free(&model);
            dfy_splats_free(&back);
            dfy_buffer_free(&file);
        }
}

/* The same model with its properties in another order, as doubles, without normals, with a stranger in between. */
static void properties_come_in_any_order(void **state) {
    (void)state;
    static const char *const names[] = {"rot_3",    "opacity",  "z",        "f_rest_8", "f_dc_1",   "scale_2",
                                        "f_rest_0", "x",        "rot_0",    "f_dc_0",   "strange",  "scale_0",
                                        "f_rest_3", "f_rest_1", "y",        "rot_1",    "f_dc_2",   "rot_2",
                                        "scale_1",  "f_rest_2", "f_rest_4", "f_rest_5", "f_rest_6", "f_rest_7"};
    DfyBuffer file = {0};
    const char *head = "ply\r\nformat binary_little_endian 1.0\ncomment made by hand\nelement vertex 2\n";
    dfy_put_bytes(&file, head, strlen(head));
    for (int i = 0; i < 24; i++) {
        char line[64];
        snprintf(line, sizeof line, "property %s %s\n", i % 3 ? "float" : "double", names[i]);
        dfy_put_bytes(&file, line, strlen(line));
    }
    dfy_put_bytes(&file, "end_header\n", 11);
    for (int row = 0; row < 2; row++)
        for (int i = 0; i < 24; i++) {
            double value = i + 0.5 * row;
            uint64_t bits;
            memcpy(&bits, &value, 8);
            if (i % 3)
                dfy_put_f32le(&file, (float)value);
            else
                dfy_put_u64le(&file, bits);
        }
    DfySplats s;
    assert_int_equal(dfy_splats_read(&s, file.data, file.size, NULL, NULL), DFY_OK);
    assert_int_equal(s.count, 2);
    assert_int_equal(s.degree, 1);
    assert_float_equal(s.xyz[0], 7, 0);
    assert_float_equal(s.xyz[4], 14.5, 0);
    assert_float_equal(s.rotation[3], 0, 0);
    assert_float_equal(s.rest[8], 3, 0);
    assert_float_equal(s.rest[9], 6.5, 0);
    dfy_splats_free(&s);
    dfy_buffer_free(&file);
}

/* One chunk, two splats, packed by the format's rules, with known results. */
static void compressed_ply_is_unpacked(void **state) {
    (void)state;
    const char *head = "ply\nformat binary_little_endian 1.0\nelement chunk 1\n"
                       "property float min_x\nproperty float min_y\nproperty float min_z\n"
                       "property float max_x\nproperty float max_y\nproperty float max_z\n"
                       "property float min_scale_x\nproperty float min_scale_y\nproperty float min_scale_z\n"
                       "property float max_scale_x\nproperty float max_scale_y\nproperty float max_scale_z\n"
                       "element vertex 2\nproperty uint packed_position\nproperty uint packed_rotation\n"
                       "property uint packed_scale\nproperty uint packed_color\n"
                       "element sh 2\n";
    DfyBuffer file = {0};
    dfy_put_bytes(&file, head, strlen(head));
    for (int i = 0; i < 9; i++) {
        char line[48];
        snprintf(line, sizeof line, "property uchar f_rest_%d\n", i);
        dfy_put_bytes(&file, line, strlen(line));
    }
    dfy_put_bytes(&file, "end_header\n", 11);
    const float bounds[12] = {-1, -2, -3, 1, 2, 3, -8, -8, -8, -4, -4, -4};
    for (int i = 0; i < 12; i++) dfy_put_f32le(&file, bounds[i]);
    const uint32_t words[8] = {0,           0u << 30 | 512u << 20 | 512u << 10 | 512,  0xFFFFFFFFu, 255u << 24 | 128,
                               0xFFFFFFFFu, 3u << 30 | 1023u << 20 | 512u << 10 | 512, 0,           127u << 8 | 255};
    for (int i = 0; i < 8; i++) dfy_put_u32le(&file, words[i]);
    for (int i = 0; i < 18; i++) dfy_put_u8(&file, i == 0 ? 0 : i == 1 ? 255 : 128);
    DfySplats s;
    DfyMessage message = {""};
    assert_int_equal(dfy_splats_read(&s, file.data, file.size, NULL, &message), DFY_OK);
    assert_int_equal(s.degree, 1);
    assert_float_equal(s.xyz[0], -1, 1e-6);
    assert_float_equal(s.xyz[5], 3, 1e-6);
    assert_float_equal(s.scale[0], -4, 1e-6);
    assert_float_equal(s.scale[4], -8, 1e-6);
    assert_float_equal(s.rotation[0], 1, 1e-5);
    assert_float_equal(s.rotation[4], 0.7071, 1e-3);
    assert_float_equal(s.rotation[7], 0.7071, 1e-3);
    assert_float_equal(s.dc[0], 0.5 / 0.28209479, 1e-5);
    assert_float_equal(s.opacity[1], 16, 1e-6);
    assert_float_equal(s.rest[0], -4, 1e-6);
    assert_float_equal(s.rest[1], 4, 1e-6);
    dfy_splats_free(&s);
    /* A chunk too few is refused. */
    char *count = strstr((char *)file.data, "element vertex 2");
    memcpy(count, "element vertex 9", 16);
    assert_int_not_equal(dfy_splats_read(&s, file.data, file.size, NULL, &message), DFY_OK);
    dfy_buffer_free(&file);
}

static void spz_of_version_2_is_read(void **state) {
    (void)state;
    DfySplats model, back;
    make_model(&model, 1, 0, 3);
    DfyBuffer file = written(&model, DFY_SPLAT_SPZ);
    assert_int_equal(dfy_splats_read(&back, file.data, file.size, NULL, NULL), DFY_OK);
    dfy_splats_free(&back);
    /* The same by hand, unpacked in a stored gzip block: position 1, 2, -3; rotation about x by 90 degrees. */
    static const uint8_t gzip[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255};
    uint8_t body[35] = {'N', 'G',  'S',  'P', 2,    0,    0,    0,   1,   0,   0,   0,  0,  12, 0,   0,   0x00, 0x10,
                        0,   0x00, 0x20, 0,   0x00, 0xD0, 0xFF, 255, 128, 128, 128, 96, 96, 96, 218, 128, 128};
    DfyBuffer hand = {0};
    dfy_put_bytes(&hand, gzip, sizeof gzip);
    dfy_put_u8(&hand, 1);
    dfy_put_u16le(&hand, sizeof body);
    dfy_put_u16le(&hand, 65535 - sizeof body);
    dfy_put_bytes(&hand, body, sizeof body);
    uint32_t crc = 0xFFFFFFFFu;
    for (size_t i = 0; i < sizeof body; i++) {
        crc ^= body[i];
        for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (0xEDB88320u & (0u - (crc & 1)));
    }
    dfy_put_u32le(&hand, ~crc);
    dfy_put_u32le(&hand, sizeof body);
    assert_int_equal(dfy_splats_read(&back, hand.data, hand.size, NULL, NULL), DFY_OK);
    assert_float_equal(back.xyz[0], 1, 1e-6); /* y and z change sign: the format's axes are right, up, back */
    assert_float_equal(back.xyz[1], -2, 1e-6);
    assert_float_equal(back.xyz[2], 3, 1e-6);
    assert_float_equal(back.scale[0], -4, 1e-6);
    assert_float_equal(back.rotation[1], 0.7098, 1e-3);
    assert_float_equal(back.rotation[0], 0.7043, 1e-3);
    dfy_splats_free(&back);
    dfy_splats_free(&model);
    dfy_buffer_free(&file);
    dfy_buffer_free(&hand);
}

static void odd_numbers_are_read_as_they_are_and_counted(void **state) {
    (void)state;
    DfySplats model, back;
    DfySplatOddities odd = {0};
    DfyMessage text;
    make_model(&model, 10, 1, 4);
    model.xyz[0] = NAN;
    model.opacity[1] = INFINITY; /* fully there: nothing odd */
    model.opacity[2] = -INFINITY;
    memset(model.rotation + 12, 0, 16);
    model.rotation[16] = 1e-40f;
    model.rotation[17] = model.rotation[18] = model.rotation[19] = 0;
    model.scale[15] = -30;
    model.scale[18] = INFINITY;
    model.rest[70] = NAN;
    model.xyz[24] = 1e20f;
    model.dc[27] = -1e9f;
    DfyBuffer file = written(&model, DFY_SPLAT_PLY);
    assert_int_equal(dfy_splats_read(&back, file.data, file.size, NULL, NULL), DFY_OK);
    assert_same(&model, &back);
    dfy_splats_look(&back, &odd);
    assert_int_equal(odd.not_finite, 3);
    assert_int_equal(odd.rotation, 2);
    assert_int_equal(odd.scale, 1);
    assert_int_equal(odd.position, 1);
    assert_int_equal(odd.colour, 1);
    dfy_splat_oddities_text(&odd, &text);
    assert_non_null(strstr(text.text, "3 with NaN"));
    odd = (DfySplatOddities){0};
    dfy_splat_oddities_text(&odd, &text);
    assert_string_equal(text.text, "");
    dfy_splats_sanitise(&back);                  /* for a renderer */
    assert_float_equal(back.opacity[0], -16, 0); /* no place: not seen */
    assert_float_equal(back.opacity[1], 16, 0);
    assert_float_equal(back.rotation[12], 1, 0);
    assert_float_equal(back.scale[15], -24, 0);
    dfy_splats_look(&back, &odd);
    dfy_splat_oddities_text(&odd, &text);
    assert_string_equal(text.text, "");
    dfy_splats_free(&model);
    dfy_splats_free(&back);
    dfy_buffer_free(&file);
}

static void a_cut_file_is_refused_wherever_it_is_cut(void **state) {
    (void)state;
    DfySplats model, back;
    make_model(&model, 3, 1, 5);
    for (int format = DFY_SPLAT_PLY; format < DFY_SPLAT_FORMATS; format++) {
        DfyBuffer file = written(&model, (DfySplatFormat)format);
        for (size_t size = 0; size + 1 < file.size; size++) {
            if (format == DFY_SPLAT_DOTSPLAT && size % 32 == 0 && size) continue; /* fewer splats, no header to tell */
            uint8_t *cut = malloc(size + 1); /* so that reading past the end is seen by the sanitizers */
            assert_non_null(cut);
            memcpy(cut, file.data, size);
            DfyMessage message = {""};
            int status = dfy_splats_read(&back, cut, size, NULL, &message);
            if (format == DFY_SPLAT_PLY_ASCII && !status) { /* the last number lost digits, no more */
                assert_true(size + 40 > file.size);
                dfy_splats_free(&back);
            } else {
                assert_true(status < 0);
                assert_true(strlen(message.text) > 10);
            }
            free(cut);
        }
        dfy_buffer_free(&file);
    }
    dfy_splats_free(&model);
}

static void hostile_headers_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "ply\nformat binary_little_endian 1.0\nelement vertex 4000000000\nproperty float x\nend_header\n",
        "ply\nformat binary_little_endian 1.0\nelement vertex -1\nproperty float x\nend_header\n",
        "ply\nformat binary_pdp_endian 1.0\nelement vertex 1\nproperty float x\nend_header\n    ",
        "ply\nformat ascii 1.0\nelement vertex 60000000\nproperty float x\nproperty float y\nend_header\n1 2",
        "ply\nformat ascii 1.0\nelement vertex 1\nproperty list uchar int x\nend_header\n1 2",
        "ply\nproperty float x\nend_header\n",
        "ply\nelement vertex 1\nend_header\n",
        "ply\nformat ascii 1.0\nelement face 1\nproperty float x\nend_header\n1",
        "ply\nformat ascii 1.0\nelement vertex 0\nelement vertex 0\nelement a 0\nelement b 0\nelement c "
        "0\nend_header\n",
        "ply\nend_header\n",
        "ply\n",
        "GIF89a",
        "",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        DfySplats s;
        DfyMessage message = {""};
        assert_true(dfy_splats_read(&s, (const uint8_t *)bad[i], strlen(bad[i]), NULL, &message) < 0);
        assert_true(strlen(message.text) > 10);
        assert_null(s.xyz);
    }
}

static void degrees_are_padded_and_cut(void **state) {
    (void)state;
    DfySplats s, whole;
    make_model(&whole, 5, 3, 6);
    assert_int_equal(dfy_splats_copy(&s, &whole, NULL), DFY_OK);
    assert_int_equal(dfy_splats_set_degree(&s, 1, NULL), DFY_OK);
    assert_float_equal(s.rest[4 * 9 + 3], whole.rest[4 * 45 + 15], 0);
    assert_int_equal(dfy_splats_set_degree(&s, 2, NULL), DFY_OK);
    assert_float_equal(s.rest[4 * 24 + 8], whole.rest[4 * 45 + 15], 0);
    assert_float_equal(s.rest[4 * 24 + 8 + 3], 0, 0);
    assert_int_equal(dfy_splats_set_degree(&s, 0, NULL), DFY_OK);
    assert_null(s.rest);
    assert_int_equal(dfy_splats_set_degree(&s, DFY_SPLAT_MAX_DEGREE + 1, NULL), DFY_ERROR_ARGUMENT);
    dfy_splats_free(&s);
    dfy_splats_free(&whole);
}

/* Two splats at nearly the same place change numbers, and only their colours from other sides tell them apart. */
static void models_in_another_order_are_compared_pair_by_pair(void **state) {
    (void)state;
    DfySplats one, other;
    DfySplatErrors errors;
    assert_int_equal(dfy_splats_alloc(&one, 3, 2, NULL), DFY_OK);
    for (size_t i = 0; i < 3; i++) {
        one.xyz[i * 3] = i == 2 ? 5 : (float)i * 1e-3f;
        one.rotation[i * 4 + (i & 1)] = 1;
        for (size_t k = 0; k < 24; k++) one.rest[i * 24 + k] = i & 1 ? -0.5f : 0.5f;
    }
    assert_int_equal(dfy_splats_copy(&other, &one, NULL), DFY_OK);
    for (size_t i = 0; i < 2; i++) {
        other.xyz[i * 3] = i ? 0.6e-3f : 0.4e-3f; /* nearer to the wrong one */
        memcpy(other.rotation + i * 4, one.rotation + (1 - i) * 4, 4 * sizeof(float));
        memcpy(other.rest + i * 24, one.rest + (1 - i) * 24, 24 * sizeof(float));
    }
    assert_int_equal(dfy_splats_compare(&one, &other, NULL, DFY_SPLAT_PAIR_AUTO, &errors, NULL), DFY_OK);
    assert_int_equal(errors.compared, 3);
    assert_true(errors.max[DFY_SPLAT_ROTATION] < 1e-3);
    assert_true(errors.max[DFY_SPLAT_SH] < 1e-6);
    dfy_splats_free(&one);
    dfy_splats_free(&other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ply_comes_back_bit_for_bit),
        cmocka_unit_test(spz_and_splat_come_back_within_their_steps),
        cmocka_unit_test(properties_come_in_any_order),
        cmocka_unit_test(compressed_ply_is_unpacked),
        cmocka_unit_test(spz_of_version_2_is_read),
        cmocka_unit_test(odd_numbers_are_read_as_they_are_and_counted),
        cmocka_unit_test(a_cut_file_is_refused_wherever_it_is_cut),
        cmocka_unit_test(hostile_headers_are_refused),
        cmocka_unit_test(degrees_are_padded_and_cut),
        cmocka_unit_test(models_in_another_order_are_compared_pair_by_pair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
