/*
 * Every reference file of version 1, of both producers, decodes to its pictures: the right number of them, each
 * within the rounding of the float transform. Skipped, visibly, where the files aren't there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include <cjson/cJSON.h>

#include "../unit/memory_file.h"

#define MOST_MEAN 0.6
#define MOST_LEVELS 6

static int read_file(DfyBuffer *buffer, const char *name, const char *ending) {
    const char *shared = getenv("DIFFY_SHARED");
    char path[1024];
    snprintf(path, sizeof path, "%s/vectors/v1/%s%s", shared ? shared : "../shared", name, ending);
    FILE *file = fopen(path, "rb");
    if (!file) return 0;
    uint8_t block[65536];
    for (size_t got; (got = fread(block, 1, sizeof block, file)) > 0;) dfy_put_bytes(buffer, block, got);
    fclose(file);
    return 1;
}

typedef struct Vector {
    DfyBuffer file, pictures, facts;
    cJSON *json;
    size_t picture_bytes, frames, stride;
    uint8_t *expected; /* every stride-th picture */
} Vector;

static size_t number(const Vector *vector, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(vector->json, key);
    assert_true(cJSON_IsNumber(item));
    return (size_t)item->valuedouble;
}

static int vector_open(Vector *vector, const char *name) {
    *vector = (Vector){0};
    if (!read_file(&vector->file, name, ".dfy")) return 0;
    assert_true(read_file(&vector->pictures, name, ".rgb.zz"));
    assert_true(read_file(&vector->facts, name, ".json"));
    vector->json = cJSON_ParseWithLength((const char *)vector->facts.data, vector->facts.size);
    assert_non_null(vector->json);
    vector->picture_bytes = number(vector, "width") * number(vector, "height") * 3;
    vector->frames = number(vector, "frames");
    vector->stride = number(vector, "stride");
    uLongf size = (uLongf)((vector->frames + vector->stride - 1) / vector->stride * vector->picture_bytes);
    uLongf whole = size;
    vector->expected = malloc(size);
    assert_int_equal(uncompress(vector->expected, &size, vector->pictures.data, (uLong)vector->pictures.size), Z_OK);
    assert_int_equal(size, whole);
    return 1;
}

static void vector_close(Vector *vector) {
    free(vector->expected);
    cJSON_Delete(vector->json);
    dfy_buffer_free(&vector->file);
    dfy_buffer_free(&vector->pictures);
    dfy_buffer_free(&vector->facts);
}

static void compare(const Vector *vector, const DfyPicture *picture, size_t frame) {
    const uint8_t *expected = vector->expected + frame / vector->stride * vector->picture_bytes;
    int most = 0;
    double sum = 0;
    for (int y = 0; y < picture->height; y++)
        for (int x = 0; x < picture->width * 3; x++) {
            int error = abs(picture->plane[0][y * picture->stride_bytes[0] + x] - *expected++);
            sum += error;
            if (error > most) most = error;
        }
    if (most > MOST_LEVELS || sum / (double)vector->picture_bytes > MOST_MEAN)
        fail_msg("picture %d is off by %d levels, %.3f in the mean", (int)frame, most,
                 sum / (double)vector->picture_bytes);
}

static void check_imu(const Vector *vector, const DfyDecoder *decoder) {
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(vector->json, "imu");
    double q[4];
    for (int frame = 0; frame < cJSON_GetArraySize(list); frame++) {
        assert_int_equal(dfy_decoder_imu(decoder, (uint64_t)frame, q), DFY_OK);
        for (int i = 0; i < 4; i++)
            assert_float_equal(q[i], cJSON_GetArrayItem(cJSON_GetArrayItem(list, frame), i)->valuedouble, 1e-9);
    }
}

static void check_vector(void **state) {
    Vector vector;
    if (!vector_open(&vector, *state)) {
        skip();
        return;
    }
    DfyInput input = memory_input(&vector.file);
    DfyDecoder *decoder;
    DfyPicture picture;
    DfyInfo info;
    assert_int_equal(dfy_decoder_open(&decoder, &input, NULL), DFY_OK);
    dfy_decoder_info(decoder, &info);
    assert_int_equal(info.frames, vector.frames);
    for (size_t frame = 0; frame < vector.frames; frame++) {
        assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_OK);
        assert_int_equal(picture.format, DFY_PIXELS_RGB);
        if (frame % vector.stride == 0) compare(&vector, &picture, frame);
    }
    assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_END);
    for (size_t frame = (vector.frames - 1) / vector.stride * vector.stride; frame > 0; frame -= vector.stride) {
        assert_int_equal(dfy_decoder_seek(decoder, frame), DFY_OK); /* and backwards, by seeking */
        assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_OK);
        compare(&vector, &picture, frame);
    }
    check_imu(&vector, decoder);
    assert_int_equal(dfy_decoder_verify(decoder), DFY_OK);
    dfy_decoder_close(&decoder);
    vector_close(&vector);
}

#define VECTOR(name)                                                                                                   \
    { #name, check_vector, NULL, NULL, (void *)#name }

int main(void) {
    const struct CMUnitTest tests[] = {
        VECTOR(browser_q50),       VECTOR(clone_cycles),        VECTOR(imu_q40),         VECTOR(legacy_q50),
        VECTOR(no_cycle_map),      VECTOR(odd_size_q90),        VECTOR(short_12_frames), VECTOR(single_frame),
        VECTOR(temporal_bbox_q25), VECTOR(temporal_nobbox_q75), VECTOR(vq_q60),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
