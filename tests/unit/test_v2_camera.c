/* A camera that moves: drifts, turns and comes nearer before a textured wall. */
#include <math.h>

#include "v2_clip.h"
#include "video/syntax/global_motion.h"

enum { WIDTH = 200, HEIGHT = 120, TURN_BYTES = 3800 };

/* What the camera does from frame to frame. */
typedef struct Camera {
    double drift, turn, zoom; /* pixels, radians, relative size */
    int frames, stands;       /* so many it stands still before */
} Camera;

/* Smooth noise: values at whole places, and between them. */
static double noise(double x, double y, uint32_t seed) {
    int ix = (int)floor(x), iy = (int)floor(y);
    double fx = x - ix, fy = y - iy, corner[4];
    fx *= fx * (3 - 2 * fx);
    fy *= fy * (3 - 2 * fy);
    for (int i = 0; i < 4; i++)
        corner[i] =
            clip_hash((uint32_t)(ix + (i & 1) + 5000) * 7919u ^ (uint32_t)(iy + (i >> 1) + 5000) << 15 ^ seed) % 256;
    double above = corner[0] + fx * (corner[1] - corner[0]), below = corner[2] + fx * (corner[3] - corner[2]);
    return above + fy * (below - above);
}

static void draw(const Camera *camera, int number, DfyPicture *picture) {
    int frame = number < camera->stands ? 0 : number - camera->stands;
    double angle = camera->turn * frame, size = 1 - camera->zoom * frame, drift = camera->drift * frame;
    for (int p = 0; p < 3; p++)
        for (int y = 0; y < dfy_plane_rows(picture, p); y++)
            for (int x = 0; x < (int)dfy_plane_row_bytes(picture, p); x++) {
                double across = (p ? 2 * x + 0.5 : x) - WIDTH / 2, down = (p ? 2 * y + 0.5 : y) - HEIGHT / 2;
                double wx = size * (cos(angle) * across - sin(angle) * down) + drift;
                double wy = size * (sin(angle) * across + cos(angle) * down) + drift / 2;
                double value = p ? 96 + noise(wx / 40, wy / 40, (uint32_t)p) / 4
                                 : 40 + 0.4 * noise(wx / 17, wy / 17, 3) + 0.25 * noise(wx / 5, wy / 5, 4);
                dfy_picture_pixels(picture, p)[y * picture->stride_bytes[p] + x] = (uint8_t)(value + 0.5);
            }
    picture->pts = number;
}

static void encode(const Camera *camera, MemoryFile *file) {
    Clip clip = {.width = WIDTH, .height = HEIGHT};
    DfyEncoderSettings settings = clip_settings(&clip);
    settings.effort = 4;
    settings.expected_frames = (uint64_t)camera->frames;
    DfyEncoder *encoder;
    DfyPicture picture = {0};
    DfyOutput output = {.write = memory_write, .opaque = file};
    assert_int_equal(dfy_picture_alloc(&picture, DFY_PIXELS_I420, WIDTH, HEIGHT), DFY_OK);
    assert_int_equal(dfy_encoder_open(&encoder, &settings, &output), DFY_OK);
    for (int i = 0; i < camera->frames; i++) {
        draw(camera, i, &picture);
        assert_int_equal(dfy_encoder_push(encoder, &picture), DFY_OK);
    }
    assert_int_equal(dfy_encoder_finish(encoder, NULL), DFY_OK);
    dfy_encoder_close(&encoder);
    dfy_picture_free(&picture);
}

static int count_plates(MemoryFile *file) {
    DfyDecoder *decoder = open_decoder(file);
    DfyChunk chunk;
    int count = 0;
    for (uint32_t i = 0; dfy_decoder_chunk(decoder, i, &chunk) == DFY_OK; i++)
        count += chunk.type == DFY_CHUNK_BACKGROUND;
    dfy_decoder_close(&decoder);
    return count;
}

/* A plate that frames soon have nothing in common with is not coded. */
static void no_plate_where_the_view_moves(void **state) {
    (void)state;
    static const Camera still = {.frames = 50}, leaves = {.frames = 50, .stands = 20, .drift = 2};
    MemoryFile files[2] = {{0}, {0}};
    encode(&still, &files[0]);
    encode(&leaves, &files[1]);
    assert_int_equal(count_plates(&files[0]), 1);
    assert_int_equal(count_plates(&files[1]), 0);
    for (int i = 0; i < 2; i++) memory_free(&files[i]);
}

/* Every frame decodes alike wherever reading begins, whatever the camera does. */
static void frames_are_the_same_from_everywhere(void **state) {
    (void)state;
    static const Camera cameras[4] = {{.frames = 70, .drift = 1.3},
                                      {.frames = 70, .turn = 0.004},
                                      {.frames = 70, .zoom = 0.004},
                                      {.frames = 70, .drift = 6, .turn = 0.01, .zoom = 0.003}};
    uint32_t crcs[70];
    int64_t pts[70];
    for (int i = 0; i < 4; i++) {
        MemoryFile file = {0};
        encode(&cameras[i], &file);
        assert_int_equal(decode_all(&file, 70, crcs, pts), 70);
        assert_seeks_to_and_fro(&file, 70, 17, crcs);
        memory_free(&file);
    }
}

/* The motion of a camera that turns is in the header, not in every block: without, this takes 4233 bytes. */
static void a_turn_is_followed(void **state) {
    (void)state;
    static const Camera turns = {.frames = 65, .turn = 0.006, .zoom = 0.002};
    MemoryFile file = {0};
    encode(&turns, &file);
    if (file.size > TURN_BYTES) fail_msg("%zu bytes", file.size);
    memory_free(&file);
}

/* The model at places that can be reckoned by hand. */
static void vectors_of_a_model(void **state) {
    (void)state;
    static const DfyGlobalMotion turn = {DFY_GLOBAL_AFFINE, {16, -8, 0, -64, 64, 0, 0, 0}};
    static const DfyGlobalMotion bend = {DFY_GLOBAL_PERSPECTIVE, {0, 0, 0, 0, 0, 0, 32, 0}};
    int v[2];
    assert_int_equal(dfy_global_reach(200, 120), 7);
    dfy_global_vector(&turn, 200, 120, 100, 60, v); /* the middle */
    assert_int_equal(v[0], 16);
    assert_int_equal(v[1], -8);
    dfy_global_vector(&turn, 200, 120, 100 + 64, 60 - 32, v);
    assert_int_equal(v[0], 16 + 16);
    assert_int_equal(v[1], -8 + 32);
    dfy_global_vector(&bend, 200, 120, 100 - 64, 60 + 64, v);
    assert_int_equal(v[0], 8);
    assert_int_equal(v[1], -8);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_plate_where_the_view_moves),
                                       cmocka_unit_test(frames_are_the_same_from_everywhere),
                                       cmocka_unit_test(a_turn_is_followed), cmocka_unit_test(vectors_of_a_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
