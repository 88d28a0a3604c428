/*
 * Anchors that no longer fit among those at hand: a frame asked for is made from the anchors before it, each decoded
 * once, whatever was asked for before. At 1080p a stream keeps eight; the runs here have many more, and their anchors
 * refer to ones several back. (Once they made room by use: then one of the last kept was gone now and then, decoded
 * anew with all that leads to it, and so on within that, for minutes.)
 */
#include "v2_clip.h"

#include "video/decode/player.h"
#include "video/encode/encoder.h"
#include "video/encode/lookahead/pyramid.h"

enum { WIDTH = 1920, HEIGHT = 1080, KEEP = 8, FRAMES = 30, VIEWS = 5 };

/* One of a few views, by turns, and a little that is the frame's own: anchors a round back are the most alike. */
static void draw(DfyFrame *frame, int number) {
    for (int p = 0; p < 3; p++) {
        DfyPlane *plane = &frame->plane[p];
        for (int y = 0; y < plane->height; y++) {
            uint8_t *row = plane->pixels + y * plane->stride;
            memset(row, 60 + number % VIEWS * 30 + p * 5, (size_t)plane->width);
            if (y < 16) memset(row + number * 16, 20, 16);
        }
    }
    assert_int_equal(dfy_pyramid_make(frame), DFY_OK);
}

static DfyStream stream_of_test(void) {
    return (DfyStream){.width = WIDTH,
                       .height = HEIGHT,
                       .frame_rate_num = 30,
                       .frame_rate_den = 1,
                       .time_base_num = 1,
                       .time_base_den = 30,
                       .primaries = 2,
                       .transfer = 2,
                       .matrix = DFY_MATRIX_BT709,
                       .orientation = 1,
                       .quality = 25,
                       .keep = KEEP};
}

/* A run of frames that are all anchors. */
static void write_run(DfyBuffer *groups) {
    DfyVideoEncoder *encoder = dfy_video_encoder_new(WIDTH, HEIGHT, 1, 1, KEEP);
    assert_non_null(encoder);
    dfy_video_encoder_begin_run(encoder);
    for (int i = 0; i < FRAMES; i++) {
        DfyFrame *frame = dfy_video_encoder_take(encoder);
        assert_non_null(frame);
        draw(frame, i);
        assert_int_equal(dfy_video_encode_mini_group(encoder, groups, &frame, 1, 0, 30), DFY_OK);
        dfy_video_encoder_give_back(encoder, frame);
    }
    dfy_video_encoder_free(encoder);
}

static void write_file(MemoryFile *file, const DfyStream *stream) {
    DfyOutput output = {.write = memory_write, .opaque = file};
    DfyV2Writer writer;
    DfyBuffer payload = {0}, groups = {0};
    DfySegment segment = {.frames = FRAMES};
    int64_t pts[FRAMES];
    for (int i = 0; i < FRAMES; i++) pts[i] = i;
    write_run(&groups);
    assert_int_equal(dfy_v2_writer_open(&writer, &output), DFY_OK);
    dfy_put_stream(&payload, stream);
    assert_int_equal(dfy_v2_write_chunk(&writer, DFY_CHUNK_STREAM, 0, payload.data, payload.size, 0, 0), DFY_OK);
    payload.size = 0;
    dfy_put_segment(&payload, &segment, pts, dfy_regular_ticks(stream));
    dfy_put_bytes(&payload, groups.data, groups.size);
    assert_int_equal(
        dfy_v2_write_chunk(&writer, DFY_CHUNK_SEGMENT, DFY_CHUNK_ACCESS_POINT, payload.data, payload.size, 0, FRAMES),
        DFY_OK);
    assert_int_equal(dfy_v2_writer_finish(&writer), DFY_OK);
    dfy_v2_writer_close(&writer);
    dfy_buffer_free(&payload);
    dfy_buffer_free(&groups);
}

static uint32_t frame_crc(const DfyFrame *frame) {
    const DfyPlane *p = &frame->plane[0];
    uint32_t crc = 0;
    for (int y = 0; y < p->height; y++) crc = dfy_crc32c(crc, p->pixels + y * p->stride, (size_t)p->width);
    return crc;
}

static void anchors_are_decoded_once(void **state) {
    (void)state;
    static const int asked[] = {29, 3, 28, 12, 2, 25, 29, 0};
    uint32_t crcs[FRAMES];
    MemoryFile file = {0};
    DfyMessage message;
    DfyStream stream = stream_of_test();
    write_file(&file, &stream);
    DfyInput input = memory_input(&file);
    DfyV2Reader reader;
    assert_int_equal(dfy_v2_reader_open(&reader, &input, &message), DFY_OK);
    DfyPlayer *player = dfy_player_new(&reader, &stream, &message);
    assert_non_null(player);
    for (int i = 0; i < FRAMES; i++) {
        assert_int_equal(dfy_player_go(player, (uint64_t)i), DFY_OK);
        crcs[i] = frame_crc(dfy_player_frame(player));
    }
    assert_int_equal(dfy_player_pictures(player), FRAMES); /* in order, nothing is decoded twice */
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        uint64_t before = dfy_player_pictures(player);
        assert_int_equal(dfy_player_go(player, (uint64_t)asked[i]), DFY_OK);
        assert_int_equal(frame_crc(dfy_player_frame(player)), crcs[asked[i]]);
        printf("frame %d: %d pictures\n", asked[i], (int)(dfy_player_pictures(player) - before));
        assert_true(dfy_player_pictures(player) - before <= (uint64_t)asked[i] + 1);
    }
    dfy_player_free(player);
    dfy_v2_reader_close(&reader);
    memory_free(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(anchors_are_decoded_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
