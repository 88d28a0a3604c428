/* Decoder-side refinement of vectors: against a plain model of it, what it gains, and at the edges of the picture. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "between_two.h"

/* Waves, moved by so many pixels to the left and half as many upwards. */
static DfyFrame *draw(double moved) {
    DfyFrame *frame = dfy_frame_new(SIDE, SIDE);
    assert_non_null(frame);
    for (int p = 0; p < 3; p++) {
        DfyPlane *plane = &frame->plane[p];
        double scale = p ? 2 : 1;
        for (int y = 0; y < plane->height; y++)
            for (int x = 0; x < plane->width; x++) {
                double u = x * scale + moved, v = y * scale + moved / 2;
                plane->pixels[y * plane->stride + x] =
                    (uint8_t)lrint(128 + 60 * sin(u * 0.4 + v * 0.2) + 40 * sin(v * 0.5 - u * 0.2));
            }
    }
    dfy_frame_extend(frame);
    return frame;
}

static void fill_noise(DfyFrame *frame, unsigned seed) {
    for (int p = 0; p < 3; p++)
        for (int y = 0; y < frame->plane[p].height; y++)
            for (int x = 0; x < frame->plane[p].width; x++) {
                seed = seed * 1664525u + 1013904223u;
                frame->plane[p].pixels[y * frame->plane[p].stride + x] = (uint8_t)(seed >> 24);
            }
    dfy_frame_extend(frame);
}

static void open_scene(Scene *s, double moved) {
    scene_open(s, draw(0), draw(moved), draw(-moved));
}

static uint32_t error_of(const Scene *s, int plane, const int r[4], const uint8_t *pixels) {
    const DfyPlane *p = &s->frame->plane[plane];
    int shift = plane > 0;
    return s->picture.kernels->sse(p->pixels + (r[1] >> shift) * p->stride + (r[0] >> shift), p->stride, pixels, 64,
                                   r[2] >> shift, r[3] >> shift);
}

/* Vectors that are 1.5 pixels wrong in both references are found; motion of its own stays as it is. */
static void gains(void **state) {
    (void)state;
    Scene s;
    open_scene(&s, 3.5);
    static const DfyMotion off = {.mv = {{-8, -8}, {8, 8}}, .reference = {0, 1}};
    for (int side = 8; side <= 64; side *= 2) {
        int r[4] = {32, 24, side, side};
        uint8_t plain[64 * 64], refined[64 * 64];
        DfyRefinement refinement;
        for (int p = 0; p < 3; p++) {
            dfy_predict_exactly(&s.picture, &off, p, r, plain, 64, NULL);
            dfy_predict_exactly(&s.picture, &off, p, r, refined, 64, &refinement);
            assert_true(refinement.any);
            assert_true(2 * error_of(&s, p, r, refined) < error_of(&s, p, r, plain));
        }
    }
    scene_close(&s);
}

/* References that agree leave the vectors alone, and so does global motion. */
static void leaves_alone(void **state) {
    (void)state;
    Scene s;
    open_scene(&s, 0);
    static const DfyMotion same = {.mv = {{4, 4}, {4, 4}}, .reference = {0, 1}};
    int r[4] = {32, 32, 32, 32};
    uint8_t plain[64 * 64], refined[64 * 64];
    DfyRefinement refinement;
    dfy_predict_exactly(&s.picture, &same, 0, r, plain, 64, NULL);
    dfy_predict_exactly(&s.picture, &same, 0, r, refined, 64, &refinement);
    assert_false(refinement.any);
    for (int y = 0; y < 32; y++) assert_memory_equal(plain + y * 64, refined + y * 64, 32);
    scene_close(&s);
}

/* Cost of the references at a step, as the description has it. */
static long model_cost(const DfyKernels *k, const DfyPlace at[2], int w, int h, int x, int y) {
    int16_t blend[64 * DFY_BLEND_STRIDE];
    uint8_t pixels[2][32 * 32];
    long sum = 0;
    for (int i = 0; i < 2; i++) {
        int sign = i ? -1 : 1;
        k->luma(blend, at[i].pixels + sign * (y * at[i].stride + x), at[i].stride, w, h, at[i].fx, at[i].fy);
        k->store(pixels[i], 32, blend, w, h);
    }
    for (int v = 0; v < h; v++)
        for (int u = 0; u < w; u++) sum += abs(pixels[0][v * 32 + u] - pixels[1][v * 32 + u]);
    return x || y ? sum : sum - (sum >> 2);
}

static int model_fraction(long before, long here, long behind) {
    long c = before + behind - 2 * here, s = before - behind;
    if (c <= 0) return 0;
    long grows = (8 * labs(s) + (c >> 1)) / c;
    if (grows > 8) grows = 8;
    return (int)(s < 0 ? -grows : grows);
}

static void model_step(const DfyKernels *k, const DfyPlace at[2], int w, int h, int step[2]) {
    int x = 0, y = 0;
    for (int move = 0; move < 2; move++) {
        long least = model_cost(k, at, w, h, x, y), here = least;
        int to_x = x, to_y = y;
        for (int i = 0; i < 4; i++) {
            int nx = x + (i == 1) - (i == 0), ny = y + (i == 3) - (i == 2);
            long cost = model_cost(k, at, w, h, nx, ny);
            if (cost >= least) continue;
            least = cost;
            to_x = nx;
            to_y = ny;
        }
        if (least == here) break;
        x = to_x;
        y = to_y;
    }
    long here = model_cost(k, at, w, h, x, y);
    step[0] = 16 * x;
    step[1] = 16 * y;
    if (abs(x) < 2)
        step[0] += model_fraction(model_cost(k, at, w, h, x - 1, y), here, model_cost(k, at, w, h, x + 1, y));
    if (abs(y) < 2)
        step[1] += model_fraction(model_cost(k, at, w, h, x, y - 1), here, model_cost(k, at, w, h, x, y + 1));
}

/* Every kernel's step is the model's, of noise and of waves. */
static void as_described(void **state) {
    (void)state;
    Scene s;
    const DfyKernels *tables[2] = {dfy_kernels_c(), dfy_kernels()};
    for (int round = 0; round < 200; round++) {
        open_scene(&s, round % 50 * 0.1);
        if (round % 4 == 0) fill_noise(s.before, (unsigned)round);
        int w = round & 1 ? 8 : 16, h = round & 2 ? 8 : 16, wanted[2];
        const DfyPlane *a = &s.before->plane[0], *b = &s.behind->plane[0];
        int place = 40 + round % 7;
        DfyPlace at[2] = {{a->pixels + place * a->stride + place, a->stride, round * 5 % 16, round * 3 % 16},
                          {b->pixels + place * b->stride + place + 1, b->stride, round * 7 % 16, round * 11 % 16}};
        model_step(tables[0], at, w, h, wanted);
        for (int i = 0; i < 2; i++) {
            int8_t step[2];
            assert_int_equal(dfy_refine_block(tables[i], at, w, h, step), wanted[0] || wanted[1]);
            assert_int_equal(step[0], wanted[0]);
            assert_int_equal(step[1], wanted[1]);
        }
        scene_close(&s);
    }
}

/*
 * Vectors to and beyond the border, of any part, read nothing outside of the frame (sanitizers look), and a large part
 * there equals its pieces.
 */
static void edges(void **state) {
    (void)state;
    static const int16_t far[] = {-32768, -400, -330, -3, 5, 330, 400, 32767};
    Scene s;
    open_scene(&s, 1);
    fill_noise(s.before, 1);
    fill_noise(s.behind, 2);
    for (int i = 0; i < 8 * 8; i++) {
        DfyMotion motion = {.mv = {{far[i % 8], far[i / 8]}, {far[i / 8], far[(i + 3) % 8]}}, .reference = {0, 1}};
        for (int corner = 0; corner < 4; corner++) {
            int r[4] = {corner & 1 ? SIDE - 64 : 0, corner & 2 ? SIDE - 64 : 0, 64, 64};
            for (int p = 0; p < 3; p++) {
                uint8_t whole[64 * 64], pieces[64 * 64];
                DfyRefinement refinement, of_piece[4];
                memset(whole, 0, sizeof whole);
                memset(pieces, 0, sizeof pieces);
                dfy_predict_exactly(&s.picture, &motion, 0, r, whole, 64, &refinement);
                if (p) dfy_predict_exactly(&s.picture, &motion, p, r, whole, 64, &refinement);
                for (int j = 0; j < 4; j++) {
                    int x = j % 2 * 32, y = j / 2 * 32, q[4] = {r[0] + x, r[1] + y, 32, 32};
                    dfy_predict_exactly(&s.picture, &motion, 0, q, pieces + y * 64 + x, 64, &of_piece[j]);
                }
                for (int j = 0; j < 4 && p; j++) {
                    int x = j % 2 * 32, y = j / 2 * 32, q[4] = {r[0] + x, r[1] + y, 32, 32};
                    dfy_predict_exactly(&s.picture, &motion, p, q, pieces + (y * 64 + x) / 2, 64, &of_piece[j]);
                }
                for (int y = 0; y < 64 >> (p > 0); y++)
                    assert_memory_equal(whole + y * 64, pieces + y * 64, (size_t)(64 >> (p > 0)));
            }
        }
    }
    scene_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(gains), cmocka_unit_test(leaves_alone),
                                       cmocka_unit_test(as_described), cmocka_unit_test(edges)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
