/* The camera's noise: measured as it is, told in a chunk, and put back as strong as it was where that is asked for. */
#include "v2_clip.h"

#include <math.h>

#include "video/encode/noise_meter.h"
#include "video/syntax/mini_group.h"

enum { WIDTH = 256, HEIGHT = 192, FRAMES = 24 };

/* Gaussian noise with a standard deviation of 1, of a place alone. */
static double noise(uint32_t seed, int x, int y) {
    double sum = 0;
    for (uint32_t i = 0; i < 12; i++)
        sum += (double)clip_hash(clip_hash(seed * 16 + i) ^ (uint32_t)y << 12 ^ (uint32_t)x) / 4294967296.0;
    return sum - 6;
}

/* The same, in which neighbours left and right go together by a half. */
static double soft_noise(uint32_t seed, int x, int y) {
    return (noise(seed, x, y) + noise(seed, x + 1, y)) / sqrt(2);
}

static uint8_t rounded(double v) {
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : floor(v + 0.5));
}

/* Level in eight stripes from dark to bright; a gentle slope so that blocks are not all alike. */
static double level(int x, int width) {
    return 18 + x * 8 / width * 30 + x % (width / 8) * 8.0 / width;
}

static double sigma(double level) {
    return 2 + level / 64;
}

static void measures(void **state) {
    (void)state;
    DfyFrame *source = dfy_coded_frame_new(WIDTH * 2, HEIGHT), *decoded = dfy_coded_frame_new(WIDTH * 2, HEIGHT);
    DfyNoiseMeter meter;
    DfyNoiseSums sums[3][3];
    memset(&meter, 0, sizeof meter);
    memset(sums, 0, sizeof sums);
    for (uint32_t n = 0; n < 3; n++) {
        for (int p = 0; p < 3; p++)
            for (int y = 0; y < source->plane[p].height; y++)
                for (int x = 0; x < source->plane[p].width; x++) {
                    double v = p ? 128 : level(x, WIDTH * 2), s = p ? 1.5 * p : sigma(v);
                    decoded->plane[p].pixels[y * decoded->plane[p].stride + x] = rounded(v);
                    source->plane[p].pixels[y * source->plane[p].stride + x] =
                        rounded(rounded(v) + s * soft_noise(n * 3 + (uint32_t)p, x, y));
                }
        dfy_noise_measure(sums[n], source, decoded, WIDTH * 2, HEIGHT);
    }
    DfyGrain grain;
    dfy_noise_meter_join(&meter, sums, 3);
    dfy_noise_meter_read(&meter, &grain);
    for (int i = 0; i < DFY_GRAIN_LEVELS; i++) {
        double known = sigma(20 + 30 * i), found = (double)grain.luma[i] / DFY_GRAIN_UNITS;
        if (fabs(found - known) > 0.15 * known) fail_msg("level %d: %.2f, not %.2f", i, found, known);
    }
    for (int p = 0; p < 2; p++)
        if (fabs((double)grain.chroma[p] / DFY_GRAIN_UNITS - 1.5 * (p + 1)) > 0.15 * 1.5 * (p + 1))
            fail_msg("chroma %d: %d sixteenths", p, grain.chroma[p]);
    assert_in_range(grain.taps[0][0], 20, 45); /* the left neighbour by a half */
    assert_true(abs(grain.taps[0][2]) < 12);   /* the one above not at all */
    /* It is told once, and again when it changes. */
    assert_true(dfy_noise_meter_tells(&meter, &grain));
    assert_false(dfy_noise_meter_tells(&meter, &grain));
    dfy_frame_free(source);
    dfy_frame_free(decoded);
}

static void chunks(void **state) {
    (void)state;
    DfyGrain grain = {{1, 2, 3, 4, 5, 6, 7, 255}, {8, 9}, {{30, -30, 0, 0}, {-1, 2, -3, 54}}}, read;
    DfyBuffer buffer = {0};
    dfy_put_grain(&buffer, &grain);
    assert_int_equal(buffer.size, 18);
    for (size_t size = 0; size <= buffer.size; size++) {
        DfyBytes bytes = dfy_bytes(buffer.data, size);
        assert_int_equal(dfy_read_grain(&bytes, &read), size && size < 18 ? DFY_ERROR_DAMAGED : DFY_OK);
        assert_int_equal(dfy_grain_is_none(&read), size < 18);
    }
    assert_memory_equal(&read, &grain, sizeof grain);
    buffer.data[10] = 31; /* values would grow without bound */
    DfyBytes bytes = dfy_bytes(buffer.data, buffer.size);
    assert_int_equal(dfy_read_grain(&bytes, &read), DFY_ERROR_DAMAGED);
    assert_true(dfy_grain_is_none(&read));
    buffer.size = 0;
    dfy_put_grain(&buffer, &read);
    assert_int_equal(buffer.size, 0);
    dfy_buffer_free(&buffer);
}

/* The same bits everywhere: this is what every machine and build must make. */
static void same_everywhere(void **state) {
    (void)state;
    static DfyGrainField field;
    const DfyGrain grain = {{16, 24, 32, 40, 48, 56, 64, 200}, {20, 30}, {{24, -4, 20, 4}, {0, 0, 30, -30}}};
    DfyPicture picture = {0}, again = {0};
    assert_int_equal(dfy_picture_alloc(&picture, DFY_PIXELS_I420, 203, 101), DFY_OK);
    assert_int_equal(dfy_picture_alloc(&again, DFY_PIXELS_I420, 203, 101), DFY_OK);
    for (int p = 0; p < 3; p++)
        for (int y = 0; y < dfy_plane_rows(&picture, p); y++)
            for (int x = 0; x < (int)dfy_plane_row_bytes(&picture, p); x++)
                dfy_picture_pixels(&picture, p)[y * picture.stride_bytes[p] + x] = (uint8_t)(x + y);
    dfy_picture_copy(&again, &picture);
    dfy_grain_prepare(&field, &grain);
    dfy_grain_add(&field, &picture, 1000000007);
    assert_int_equal(picture_crc(&picture), 0xcd11858eu);
    uint32_t plain = picture_crc(&again);
    dfy_grain_add(&field, &again, 1000000008);
    assert_int_not_equal(picture_crc(&again), picture_crc(&picture));
    assert_int_not_equal(picture_crc(&again), plain);
    dfy_picture_free(&picture);
    dfy_picture_free(&again);
}

/* ---------------------------------------------------------------- whole files */

static void draw(DfyPicture *picture, int frame, double strength) {
    if (!picture->plane[0]) assert_int_equal(dfy_picture_alloc(picture, DFY_PIXELS_I420, WIDTH, HEIGHT), DFY_OK);
    for (int p = 0; p < 3; p++)
        for (int y = 0; y < dfy_plane_rows(picture, p); y++)
            for (int x = 0; x < (int)dfy_plane_row_bytes(picture, p); x++)
                dfy_picture_pixels(picture, p)[y * picture->stride_bytes[p] + x] =
                    rounded((p ? 120 : level(x, WIDTH)) +
                            strength / (1 + (p > 0)) * noise((uint32_t)(frame * 3 + p + 1), x, y));
    picture->pts = frame;
}

static void encode(MemoryFile *file, double strength, int quality, int access, int threads) {
    Clip size = {.width = WIDTH, .height = HEIGHT};
    DfyEncoderSettings settings = clip_settings(&size);
    DfyOutput output = {.write = memory_write, .opaque = file};
    DfyEncoder *encoder;
    DfyPicture picture = {0};
    settings.quality = quality;
    settings.access_pictures = access;
    settings.threads = threads;
    assert_int_equal(dfy_encoder_open(&encoder, &settings, &output), DFY_OK);
    for (int i = 0; i < FRAMES; i++) {
        draw(&picture, i, strength);
        assert_int_equal(dfy_encoder_push(encoder, &picture), DFY_OK);
    }
    assert_int_equal(dfy_encoder_finish(encoder, NULL), DFY_OK);
    dfy_encoder_close(&encoder);
    dfy_picture_free(&picture);
}

/* Variance of a plane within blocks of 8x8. */
static double variance(const DfyPicture *picture, int plane) {
    double sum = 0, blocks = 0;
    for (int y0 = 0; y0 + 8 <= dfy_plane_rows(picture, plane); y0 += 8)
        for (int x0 = 0; x0 + 8 <= (int)dfy_plane_row_bytes(picture, plane); x0 += 8, blocks++) {
            double s = 0, q = 0;
            for (int i = 0; i < 64; i++) {
                double v = picture->plane[plane][(y0 + i / 8) * picture->stride_bytes[plane] + x0 + i % 8];
                s += v;
                q += v * v;
            }
            sum += (q - s * s / 64) / 63;
        }
    return sum / blocks;
}

static int grain_chunks(DfyDecoder *decoder) {
    DfyChunk chunk;
    int count = 0;
    for (uint32_t i = 0; !dfy_decoder_chunk(decoder, i, &chunk); i++) count += chunk.type == DFY_CHUNK_GRAIN;
    return count;
}

static void as_strong(void **state) {
    (void)state;
    for (int quality = 20; quality <= 60; quality += 20) {
        static uint32_t crcs[FRAMES], plain[FRAMES];
        MemoryFile file = {0}, by_threads = {0};
        DfyPicture source = {0}, picture;
        double had[3] = {0}, has[3] = {0};
        encode(&file, 5, quality, 0, 1);
        encode(&by_threads, 5, quality, 0, 3);
        assert_int_equal(file.size, by_threads.size);
        assert_memory_equal(file.data, by_threads.data, file.size);
        assert_int_equal(decode_all(&file, FRAMES, plain, NULL), FRAMES);
        DfyDecoder *decoder = open_decoder(&file);
        assert_true(grain_chunks(decoder) >= 1);
        assert_int_equal(dfy_decoder_set_grain(decoder, 1), DFY_OK);
        for (int i = 0; i < FRAMES; i++) {
            draw(&source, i, 5);
            assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_OK);
            crcs[i] = picture_crc(&picture);
            for (int p = 0; p < 3; p++) {
                had[p] += variance(&source, p);
                has[p] += variance(&picture, p);
            }
        }
        for (int p = 0; p < 3; p++)
            if (fabs(has[p] / had[p] - 1) > 0.2)
                fail_msg("quality %d, plane %d: variance %.2f, not %.2f", quality, p, has[p] / FRAMES, had[p] / FRAMES);
        for (int i = FRAMES - 1; i > 0;
             i -= 5) { /* the same noise for a frame each time; without, nothing has changed */
            for (int on = 1; on >= 0; on--) {
                assert_int_equal(dfy_decoder_set_grain(decoder, on), DFY_OK);
                assert_int_equal(dfy_decoder_seek(decoder, (uint64_t)i), DFY_OK);
                assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_OK);
                assert_int_equal(picture_crc(&picture), on ? crcs[i] : plain[i]);
            }
        }
        dfy_decoder_close(&decoder);
        dfy_picture_free(&source);
        memory_free(&file);
        memory_free(&by_threads);
    }
}

static void not_told(void **state) {
    (void)state;
    static const struct {
        double strength;
        int quality, access;
    } cases[] = {{0, 30, 0}, {5, 30, 4}, {5, 100, 0}}; /* no noise; a data set; nothing is lost */
    for (size_t i = 0; i < 3; i++) {
        MemoryFile file = {0};
        encode(&file, cases[i].strength, cases[i].quality, cases[i].access, 1);
        DfyDecoder *decoder = open_decoder(&file);
        assert_int_equal(grain_chunks(decoder), 0);
        dfy_decoder_close(&decoder);
        memory_free(&file);
    }
}

/* What is joined behind a noisy recording gets none of its noise. */
static void joined(void **state) {
    (void)state;
    MemoryFile noisy = {0}, clean = {0}, both = {0};
    encode(&noisy, 5, 30, 0, 1);
    encode(&clean, 0, 30, 0, 1);
    join_two(&both, &noisy, &clean);
    DfyDecoder *decoder = open_decoder(&both);
    DfyPicture picture;
    assert_int_equal(dfy_decoder_set_grain(decoder, 1), DFY_OK);
    for (int i = 0; i < 2 * FRAMES; i++) {
        assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_OK);
        assert_true(i < FRAMES ? variance(&picture, 0) > 10 : variance(&picture, 0) < 2);
    }
    dfy_decoder_close(&decoder);
    memory_free(&noisy);
    memory_free(&clean);
    memory_free(&both);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measures),  cmocka_unit_test(chunks),   cmocka_unit_test(same_everywhere),
        cmocka_unit_test(as_strong), cmocka_unit_test(not_told), cmocka_unit_test(joined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
