/* Version 1 written by several threads: the same bytes as by one, in streams that zlib inflates. */
#include "v1_film.h"

#include <zlib.h>

#include "container/chunks_v1.h"
#include "v1/packer.h"

static uint32_t seed = 1;

static uint32_t next(void) {
    return seed = seed * 1664525u + 1013904223u, seed >> 8;
}

/* ---------------------------------------------------------------- deflating in segments */

#define MOST_CHUNKS 200

/* What goes into a packer, and where each chunk's payload begins. */
typedef struct Chunks {
    DfyBuffer bytes;
    uint32_t frames[MOST_CHUNKS]; /* 0: not deflated */
    size_t start[MOST_CHUNKS + 1];
    int count;
} Chunks;

/* Repeats of what came before, broken by chance: what deflate has something to choose from in. */
static void add_chunk(Chunks *chunks, size_t size, uint32_t frames) {
    DfyBuffer *bytes = &chunks->bytes;
    const size_t start = bytes->size;
    chunks->frames[chunks->count] = frames;
    while (bytes->size < start + size) {
        size_t length = 1 + next() % 300, back = bytes->size > start ? 1 + next() % (bytes->size - start) : 0;
        if (back > 1000 && next() % 2) back = 1 + back % 1000;
        for (size_t i = 0; i < length && bytes->size < start + size; i++)
            dfy_put_u8(bytes, back && next() % 40 ? bytes->data[bytes->size - back] : next() & 15);
    }
    chunks->start[++chunks->count] = bytes->size;
}

static int stop_at(void *opaque, DfyStage stage, uint64_t done, uint64_t total) {
    int *left = opaque;
    (void)stage;
    (void)done;
    (void)total;
    return --*left == 0;
}

/* Into a file, which is emptied; at most so many reports, after which it is cancelled. */
static int pack(DfyBuffer *file, const Chunks *chunks, int threads, int reports) {
    DfyMessage message;
    DfyV1Writer writer = {.output = {.write = memory_write, .opaque = file}, .message = &message};
    DfyV1Packer *packer = calloc(1, sizeof *packer);
    int status = DFY_OK;
    file->size = 0;
    writer.settings.progress = stop_at;
    writer.settings.progress_opaque = &reports;
    packer->writer = &writer;
    packer->pool = dfy_pool_new(threads);
    for (int i = 0; i < chunks->count && !status; i++) {
        const size_t start = chunks->start[i];
        status = dfy_v1_packer_begin(packer, chunks->frames[i] ? DFY_V1_CYCLE_CANON : DFY_V1_CYCLE_SKIP);
        if (status) break;
        dfy_put_bytes(&packer->payload, chunks->bytes.data + start, chunks->start[i + 1] - start);
        dfy_v1_packer_end(packer, chunks->frames[i]);
    }
    if (!status) status = dfy_v1_packer_flush(packer);
    dfy_pool_free(packer->pool);
    dfy_v1_packer_free(packer);
    free(packer);
    return status;
}

/* That the next chunk of the file holds this payload, and how far it is from what zlib makes of it in one go. */
static void check_chunk(DfyBytes *file, const uint8_t *payload, size_t size, uint32_t frames) {
    assert_int_equal(dfy_read_u8(file), frames ? DFY_V1_CYCLE_CANON : DFY_V1_CYCLE_SKIP);
    assert_int_equal(dfy_read_u8(file), frames > 0);
    const uint32_t length = dfy_read_u32be(file);
    const uint8_t *data = dfy_read_span(file, length);
    assert_non_null(data);
    if (!frames) {
        assert_int_equal(length, size);
        assert_memory_equal(data, payload, size);
        return;
    }
    uLongf inflated_size = (uLongf)size, whole_size = compressBound((uLong)size);
    uint8_t *inflated = malloc(size), *whole = malloc(whole_size);
    assert_int_equal(uncompress(inflated, &inflated_size, data, length), Z_OK);
    assert_int_equal(inflated_size, size);
    assert_memory_equal(inflated, payload, size);
    assert_int_equal(compress2(whole, &whole_size, payload, (uLong)size, size / frames < 8192 ? 8 : 7), Z_OK);
    if (size <= DFY_V1_SEGMENT_BYTES) {
        assert_int_equal(length, whole_size);
        assert_memory_equal(data, whole, length);
    }
    assert_in_range(length, 1, whole_size + whole_size / 250);
    free(inflated);
    free(whole);
}

static void check_packing(const Chunks *chunks) {
    DfyBuffer file = {0}, other = {0};
    assert_int_equal(pack(&file, chunks, 1, -1), DFY_OK);
    DfyBytes bytes = dfy_bytes(file.data, file.size);
    for (int i = 0; i < chunks->count; i++)
        check_chunk(&bytes, chunks->bytes.data + chunks->start[i], chunks->start[i + 1] - chunks->start[i],
                    chunks->frames[i]);
    assert_int_equal(dfy_bytes_left(&bytes), 0);
    for (int threads = 2; threads <= 5; threads += 3) {
        assert_int_equal(pack(&other, chunks, threads, -1), DFY_OK);
        assert_int_equal(other.size, file.size);
        assert_memory_equal(other.data, file.data, file.size);
    }
    dfy_buffer_free(&file);
    dfy_buffer_free(&other);
}

static void test_segments_make_one_stream(void **state) {
    (void)state;
    static const size_t segment = DFY_V1_SEGMENT_BYTES;
    const size_t sizes[] = {1,
                            5,
                            32768,
                            65537,
                            segment - 1,
                            segment,
                            segment + 1,
                            2 * segment,
                            2 * segment + 9,
                            5 * segment - 40000,
                            9 * segment,
                            40 * segment + 77};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (uint32_t frames = 2; frames <= 2000; frames *= 1000) {
            Chunks chunks = {.count = 0};
            add_chunk(&chunks, sizes[i], frames);
            check_packing(&chunks);
            dfy_buffer_free(&chunks.bytes);
        }
}

/* More than are held at a time, small ones and large ones, and some that are not deflated. */
static void test_chunks_keep_their_order(void **state) {
    (void)state;
    Chunks chunks = {.count = 0};
    for (int i = 0; i < MOST_CHUNKS; i++) {
        int kind = (int)(next() % 20);
        add_chunk(&chunks, kind < 6 ? 4 : kind < 19 ? 1 + next() % 20000 : 1 + next() % 700000, kind < 6 ? 0 : 9);
    }
    check_packing(&chunks);
    dfy_buffer_free(&chunks.bytes);
}

static void test_packing_is_cancelled(void **state) {
    (void)state;
    Chunks chunks = {.count = 0};
    DfyBuffer file = {0};
    add_chunk(&chunks, (DFY_V1_MOST_SEGMENTS + 1) * DFY_V1_SEGMENT_BYTES, 2000);
    assert_int_equal(pack(&file, &chunks, 2, 1), DFY_ERROR_CANCELLED);
    assert_int_equal(file.size, 0);
    dfy_buffer_free(&chunks.bytes);
    dfy_buffer_free(&file);
}

/* ---------------------------------------------------------------- threads */

/* The film with a camera's noise, so that deltas have something to hold. */
static void draw_noisy(DfyPicture *picture, uint64_t frame, int period) {
    draw_frame(picture, frame, period);
    for (int y = 0; y < picture->height; y++)
        for (int x = 0; x < picture->width; x++)
            dfy_picture_pixels(picture, 0)[y * picture->stride_bytes[0] + x] += (uint8_t)(next() % (y % 16 ? 5 : 30));
}

static int encode_noisy(DfyBuffer *file, const DfyEncoderSettings *settings, uint64_t frames, int period) {
    seed = 7;
    return encode_drawn(file, settings, frames, period, draw_noisy);
}

static int chunks_of(DfyBuffer *file, DfyV1ChunkType type) {
    DfyInput input = memory_input(file);
    DfyDecoder *decoder;
    DfyChunk chunk;
    int found = 0;
    assert_int_equal(dfy_decoder_open(&decoder, &input, NULL), DFY_OK);
    for (uint32_t i = 0; dfy_decoder_chunk(decoder, i, &chunk) == DFY_OK; i++) found += chunk.type == type;
    dfy_decoder_close(&decoder);
    return found;
}

/* The file has a chunk of that type. */
static void check_threads(DfyEncoderSettings settings, uint64_t frames, int period, DfyV1ChunkType type) {
    DfyBuffer one = {0}, many = {0};
    settings.threads = 1;
    assert_int_equal(encode_noisy(&one, &settings, frames, period), DFY_OK);
    assert_true(chunks_of(&one, type) > 0);
    for (int threads = 2; threads <= 5; threads += 3) {
        settings.threads = threads;
        many.size = 0;
        assert_int_equal(encode_noisy(&many, &settings, frames, period), DFY_OK);
        assert_int_equal(many.size, one.size);
        assert_memory_equal(many.data, one.data, one.size);
    }
    dfy_buffer_free(&one);
    dfy_buffer_free(&many);
}

static void test_canonicals(void **state) {
    (void)state;
    for (int way = 0; way < 8; way++) {
        DfyEncoderSettings settings = film_settings(way & 1 ? 128 : 101, way & 1 ? 96 : 75);
        settings.use_temporal = !(way & 2);
        settings.use_bbox = !(way & 4);
        settings.quality = way & 1 ? 80 : 25;
        check_threads(settings, 83, 60, DFY_V1_CYCLE_CANON);
    }
}

static void test_cycles(void **state) {
    (void)state;
    for (int way = 0; way < 4; way++) {
        DfyEncoderSettings settings = film_settings(80, 56);
        settings.mode = way & 1 ? DFY_MODE_UPLOAD : DFY_MODE_TRAINING;
        settings.clone_distance = 5;
        settings.use_bbox = way >> 1;
        check_threads(settings, 620, 90, way & 1 ? DFY_V1_CYCLE_SKIP : DFY_V1_CYCLE_DELTA);
    }
}

static void test_words(void **state) {
    (void)state;
    DfyEncoderSettings settings = film_settings(96, 64);
    settings.use_vq = 1;
    check_threads(settings, 300, 90, DFY_V1_CODEBOOK);
}

static void test_shapes(void **state) {
    (void)state;
    static const int size[][2] = {{1, 1}, {8, 300}, {300, 8}, {7, 9}, {2500, 1700}};
    for (size_t i = 0; i < sizeof size / sizeof *size; i++)
        check_threads(film_settings(size[i][0], size[i][1]), 4, 3, DFY_V1_CYCLE_CANON);
}

static void test_cancel(void **state) {
    (void)state;
    for (int calls = 610; calls < 1200; calls += 77) {
        DfyEncoderSettings settings = film_settings(64, 48);
        DfyBuffer file = {0};
        int left = calls;
        settings.threads = 3;
        settings.progress = stop_at;
        settings.progress_opaque = &left;
        assert_int_equal(encode_noisy(&file, &settings, 600, 90), DFY_ERROR_CANCELLED);
        dfy_buffer_free(&file);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_segments_make_one_stream),
        cmocka_unit_test(test_chunks_keep_their_order),
        cmocka_unit_test(test_packing_is_cancelled),
        cmocka_unit_test(test_canonicals),
        cmocka_unit_test(test_cycles),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_cancel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
