/*
 * What the tests of version 2 share: files in memory, a moving picture that is cheap to draw at any size, and whole
 * encodings and decodings with a checksum of every frame.
 */
#ifndef DIFFY_TESTS_V2_CLIP_H
#define DIFFY_TESTS_V2_CLIP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/picture.h"
#include "container/v2.h"
#include "diffy/diffy.h"

typedef struct MemoryFile {
    uint8_t *data;
    size_t size, capacity;
    uint64_t reads; /* bytes asked for */
} MemoryFile;

static inline int memory_write(void *opaque, const uint8_t *data, size_t size) {
    MemoryFile *file = opaque;
    if (file->size + size > file->capacity) {
        file->capacity = (file->size + size) * 2;
        file->data = realloc(file->data, file->capacity);
        assert_non_null(file->data);
    }
    memcpy(file->data + file->size, data, size);
    file->size += size;
    return 0;
}

static inline int64_t memory_read(void *opaque, uint64_t offset, uint8_t *data, size_t size) {
    MemoryFile *file = opaque;
    if (offset >= file->size) return 0;
    if (size > file->size - offset) size = (size_t)(file->size - offset);
    memcpy(data, file->data + offset, size);
    file->reads += size;
    return (int64_t)size;
}

static inline DfyInput memory_input(MemoryFile *file) {
    return (DfyInput){.read = memory_read, .size_bytes = file->size, .opaque = file};
}

static inline void memory_free(MemoryFile *file) {
    free(file->data);
    *file = (MemoryFile){0};
}

/* What the clip shows: a textured background, a square that moves over it, grain of an amplitude in levels. */
typedef struct Clip {
    int width, height, frames, grain;
    int irregular; /* times that no rate explains */
    int rgb;
    int still;   /* every frame is the first, but for its light */
    int dimmed;  /* the light goes down at this frame, 0: never */
    int flicker; /* percent by which luma swings up and down with the light */
} Clip;

static inline int64_t clip_pts(const Clip *clip, int frame) {
    return clip->irregular ? (int64_t)frame * 40 + frame % 7 * 3 - (frame > 20 ? 0 : 5) : frame;
}

static inline uint32_t clip_hash(uint32_t x) {
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    return x ^ x >> 16;
}

static inline uint8_t clip_sample(const Clip *clip, int frame, int plane, int x, int y, int size) {
    int swing = frame % 7 - 3;
    if (clip->still) frame = 0;
    int side = size / 4 + 1, at = frame * size / 50 % (size + 1);
    int inside = x >= at && x < at + side && y >= at / 2 && y < at / 2 + side;
    int value = inside ? 60 + plane * 50 + ((x - at) & 7) * 6 : 90 + plane * 20 + (x * 3 + y * 5) % 64 / (plane + 1);
    if (clip->dimmed && frame >= clip->dimmed) value -= 25;
    if (clip->flicker && !plane) value += value * clip->flicker * swing / 300;
    if (clip->grain)
        value += (int)(clip_hash((uint32_t)(frame * 3 + plane) << 22 ^ (uint32_t)y << 11 ^ (uint32_t)x) %
                       (2u * clip->grain + 1)) -
                 clip->grain;
    return (uint8_t)value;
}

static inline void clip_draw(const Clip *clip, int frame, DfyPicture *picture) {
    if (!picture->plane[0])
        assert_int_equal(
            dfy_picture_alloc(picture, clip->rgb ? DFY_PIXELS_RGB : DFY_PIXELS_I420, clip->width, clip->height),
            DFY_OK);
    for (int p = 0; p < dfy_plane_count(picture->format); p++)
        for (int y = 0; y < dfy_plane_rows(picture, p); y++)
            for (int x = 0; x < (int)dfy_plane_row_bytes(picture, p); x++)
                dfy_picture_pixels(picture, p)[y * picture->stride_bytes[p] + x] =
                    clip->rgb ? clip_sample(clip, frame, x % 3, x / 3, y, clip->width)
                              : clip_sample(clip, frame, p, x, y, p ? (clip->width + 1) / 2 : clip->width);
    picture->pts = clip_pts(clip, frame);
}

static inline DfyEncoderSettings clip_settings(const Clip *clip) {
    DfyEncoderSettings settings;
    dfy_encoder_defaults(&settings);
    settings.format = 2;
    settings.width = clip->width;
    settings.height = clip->height;
    settings.effort = 3;
    settings.threads = 1;
    if (clip->irregular) {
        settings.time_base_num = 1;
        settings.time_base_den = 1000;
    }
    return settings;
}

static inline void clip_encode(const Clip *clip, const DfyEncoderSettings *settings, MemoryFile *file) {
    DfyEncoder *encoder;
    DfyPicture picture = {0};
    DfyEncoderStats stats;
    DfyOutput output = {.write = memory_write, .opaque = file};
    assert_int_equal(dfy_encoder_open(&encoder, settings, &output), DFY_OK);
    for (int i = 0; i < clip->frames; i++) {
        clip_draw(clip, i, &picture);
        assert_int_equal(dfy_encoder_push(encoder, &picture), DFY_OK);
    }
    assert_int_equal(dfy_encoder_finish(encoder, &stats), DFY_OK);
    assert_int_equal(stats.frames, clip->frames);
    assert_int_equal(stats.bytes, file->size);
    dfy_encoder_close(&encoder);
    dfy_picture_free(&picture);
}

static inline void assert_refused(const DfyEncoderSettings *settings) {
    DfyEncoder *encoder;
    MemoryFile file = {0};
    DfyOutput output = {.write = memory_write, .opaque = &file};
    assert_int_equal(dfy_encoder_open(&encoder, settings, &output), DFY_ERROR_ARGUMENT);
    dfy_encoder_close(&encoder);
    memory_free(&file);
}

static inline void join_two(MemoryFile *both, MemoryFile *first, MemoryFile *second) {
    DfyOutput output = {.write = memory_write, .opaque = both};
    DfyInput inputs[2] = {memory_input(first), memory_input(second)};
    DfyJoiner *joiner;
    assert_int_equal(dfy_joiner_open(&joiner, NULL, &output), DFY_OK);
    for (int i = 0; i < 2; i++) assert_int_equal(dfy_joiner_add(joiner, &inputs[i]), DFY_OK);
    assert_int_equal(dfy_joiner_finish(joiner, NULL), DFY_OK);
    dfy_joiner_close(&joiner);
}

static inline uint32_t picture_crc(const DfyPicture *picture) {
    uint32_t crc = 0;
    for (int p = 0; p < dfy_plane_count(picture->format); p++)
        for (int y = 0; y < dfy_plane_rows(picture, p); y++)
            crc = dfy_crc32c(crc, picture->plane[p] + y * picture->stride_bytes[p], dfy_plane_row_bytes(picture, p));
    return crc;
}

/* Mean squared error over all planes of two pictures of one format and size. */
static inline double picture_mse(const DfyPicture *a, const DfyPicture *b) {
    double sum = 0, count = 0;
    for (int p = 0; p < dfy_plane_count(a->format); p++)
        for (int y = 0; y < dfy_plane_rows(a, p); y++)
            for (size_t x = 0; x < dfy_plane_row_bytes(a, p); x++, count++) {
                double d = a->plane[p][y * a->stride_bytes[p] + (ptrdiff_t)x] -
                           b->plane[p][y * b->stride_bytes[p] + (ptrdiff_t)x];
                sum += d * d;
            }
    return sum / count;
}

static inline DfyDecoder *open_decoder(MemoryFile *file) {
    DfyDecoder *decoder;
    DfyInput input = memory_input(file);
    int status = dfy_decoder_open(&decoder, &input, NULL);
    if (status) fail_msg("open: %s", dfy_last_message(decoder));
    return decoder;
}

/* Decodes all frames, at most `most`; their checksums and times go where they are wanted. Returns how many. */
static inline int decode_all(MemoryFile *file, int most, uint32_t *crcs, int64_t *pts) {
    DfyDecoder *decoder = open_decoder(file);
    DfyPicture picture;
    int frames = 0, status;
    while ((status = dfy_decoder_next(decoder, &picture)) == DFY_OK && frames < most) {
        if (crcs) crcs[frames] = picture_crc(&picture);
        if (pts) pts[frames] = picture.pts;
        frames++;
    }
    if (status != DFY_END) fail_msg("frame %d: %s", frames, dfy_last_message(decoder));
    dfy_decoder_close(&decoder);
    return frames;
}

/*
 * Seeks to every frame, `step` apart (no divisor of frames), and finds the pictures that playing gave, at the times
 * that were told before any was decoded.
 */
static inline void assert_seeks_to_and_fro(MemoryFile *file, int frames, int step, const uint32_t *crcs) {
    DfyDecoder *decoder = open_decoder(file);
    DfyPicture picture;
    for (int k = 0; k < frames; k++) {
        int frame = k * step % frames;
        int64_t pts;
        assert_int_equal(dfy_decoder_time(decoder, (uint64_t)frame, &pts), DFY_OK);
        assert_int_equal(dfy_decoder_seek(decoder, (uint64_t)frame), DFY_OK);
        assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_OK);
        assert_int_equal(picture_crc(&picture), crcs[frame]);
        assert_int_equal(picture.pts, pts);
        assert_int_equal(dfy_decoder_position(decoder), frame + 1);
    }
    int64_t none;
    assert_int_equal(dfy_decoder_time(decoder, (uint64_t)frames, &none), DFY_ERROR_ARGUMENT);
    dfy_decoder_close(&decoder);
}

#endif
