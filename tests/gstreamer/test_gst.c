/*
 * The GStreamer plugin: what dfyenc stores, what dfydec and dfydemux play and seek, cameras over RTSP. Argument: a
 * folder for files. GST_PLUGIN_PATH names the plugin's folder. Every wait is bounded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <gst/rtsp-server/rtsp-server.h>
#include <gst/video/video.h>

#include "diffy/diffy.h"

enum { FRAMES = 90, RATE = 30, WIDTH = 160, HEIGHT = 120, PICTURE = WIDTH * HEIGHT * 3 / 2 };

static const GstClockTime patience = 30 * GST_SECOND;
static char folder[512], film[600];

/* ---------------------------------------------------------------- pipelines */

static GstElement *launch(const char *format, ...) G_GNUC_PRINTF(1, 2);
static GstElement *launch(const char *format, ...) {
    GError *error = NULL;
    va_list arguments;
    va_start(arguments, format);
    gchar *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    GstElement *pipeline = gst_parse_launch(text, &error);
    if (error) fail_msg("%s: %s", text, error->message);
    g_free(text);
    return pipeline;
}

/* The next message of these types. */
static GstMessage *wait_for(GstElement *pipeline, GstMessageType types) {
    GstBus *bus = gst_element_get_bus(pipeline);
    GstMessage *message = gst_bus_timed_pop_filtered(bus, patience, types);
    gst_object_unref(bus);
    if (!message) fail_msg("nothing came of the pipeline in time");
    return message;
}

static void stop(GstElement *pipeline) {
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(pipeline);
}

/* Waits for the end, which must not be an error. */
static void assert_ends(GstElement *pipeline) {
    GstMessage *message = wait_for(pipeline, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
        GError *error;
        gchar *details;
        gst_message_parse_error(message, &error, &details);
        fail_msg("%s (%s)", error->message, details);
    }
    gst_message_unref(message);
}

/* Plays until the end; the sentence of an error, NULL when there was none. To be freed. */
static gchar *play(GstElement *pipeline) {
    gchar *sentence = NULL;
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    GstMessage *message = wait_for(pipeline, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
        GError *error;
        gst_message_parse_error(message, &error, NULL);
        sentence = g_strdup(error->message);
        g_error_free(error);
    }
    gst_message_unref(message);
    stop(pipeline);
    return sentence;
}

static void assert_plays(GstElement *pipeline) {
    gchar *sentence = play(pipeline);
    if (sentence) fail_msg("%s", sentence);
}

/* ---------------------------------------------------------------- files by the library */

static int64_t read_at(void *opaque, uint64_t offset, uint8_t *data, size_t size) {
    fseek(opaque, (long)offset, SEEK_SET);
    return (int64_t)fread(data, 1, size, opaque);
}

static DfyDecoder *open_file(const char *path, DfyInfo *info) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    DfyInput input = {.read = read_at, .size_bytes = (uint64_t)ftell(file), .opaque = file};
    DfyDecoder *decoder;
    if (dfy_decoder_open(&decoder, &input, NULL)) fail_msg("%s: %s", path, dfy_last_message(decoder));
    dfy_decoder_info(decoder, info);
    return decoder; /* the file stays open for it until the test ends */
}

static uint64_t frames_of(const char *path) {
    DfyInfo info;
    DfyDecoder *decoder = open_file(path, &info);
    assert_int_equal(dfy_decoder_verify(decoder), DFY_OK);
    dfy_decoder_close(&decoder);
    return info.frames;
}

/* Whether a buffer is the frame of that number. */
static void assert_frame(GstBuffer *buffer, int frame) {
    DfyInfo info;
    DfyPicture picture;
    GstMapInfo map;
    DfyDecoder *decoder = open_file(film, &info);
    assert_int_equal(dfy_decoder_seek(decoder, (uint64_t)frame), DFY_OK);
    assert_int_equal(dfy_decoder_next(decoder, &picture), DFY_OK);
    assert_true(gst_buffer_map(buffer, &map, GST_MAP_READ));
    assert_int_equal(map.size, PICTURE);
    const uint8_t *at = map.data;
    for (int p = 0; p < 3; p++)
        for (int y = 0; y < (p ? HEIGHT / 2 : HEIGHT); y++, at += p ? WIDTH / 2 : WIDTH)
            assert_memory_equal(at, picture.plane[p] + y * picture.stride_bytes[p], p ? WIDTH / 2 : WIDTH);
    gst_buffer_unmap(buffer, &map);
    dfy_decoder_close(&decoder);
}

static int make_film(void **state) {
    (void)state;
    g_snprintf(film, sizeof film, "%s/film.dfy", folder);
    assert_plays(launch("videotestsrc num-buffers=%d pattern=ball ! video/x-raw,format=I420,width=%d,height=%d,"
                        "framerate=%d/1 ! dfyenc quality=60 effort=1 segment-seconds=1 ! filesink location=%s",
                        FRAMES, WIDTH, HEIGHT, RATE, film));
    return 0;
}

/* ---------------------------------------------------------------- playing and seeking */

typedef struct Player {
    GstElement *pipeline;
    GstAppSink *sink;
} Player;

static Player open_player(const char *between, const char *path) {
    Player player = {
        .pipeline = launch("filesrc location=%s ! %s ! appsink name=sink sync=false max-buffers=2", path, between)};
    player.sink = GST_APP_SINK(gst_bin_get_by_name(GST_BIN(player.pipeline), "sink"));
    gst_element_set_state(player.pipeline, GST_STATE_PAUSED);
    assert_int_equal(gst_element_get_state(player.pipeline, NULL, NULL, patience), GST_STATE_CHANGE_SUCCESS);
    gst_element_set_state(player.pipeline, GST_STATE_PLAYING);
    return player;
}

static void close_player(Player *player) {
    gst_object_unref(player->sink);
    stop(player->pipeline);
}

static GstSample *next_sample(Player *player) {
    return gst_app_sink_try_pull_sample(player->sink, patience);
}

static void assert_next(Player *player, int frame) {
    GstSample *sample = next_sample(player);
    assert_non_null(sample);
    GstBuffer *buffer = gst_sample_get_buffer(sample);
    GstClockTime time = gst_util_uint64_scale((guint64)frame, GST_SECOND, RATE);
    assert_true(GST_BUFFER_PTS(buffer) + 1 >= time && GST_BUFFER_PTS(buffer) <= time + 1);
    assert_int_equal(GST_BUFFER_OFFSET(buffer), frame);
    assert_frame(buffer, frame);
    gst_sample_unref(sample);
}

static void seek(Player *player, double rate, GstSeekFlags flags, gint64 start, gint64 stop_at) {
    assert_true(gst_element_seek(player->pipeline, rate, GST_FORMAT_TIME, flags | GST_SEEK_FLAG_FLUSH,
                                 GST_SEEK_TYPE_SET, start, stop_at < 0 ? GST_SEEK_TYPE_NONE : GST_SEEK_TYPE_SET,
                                 stop_at));
}

static void seek_anywhere(const char *between) {
    static const int order[] = {70, 3, 89, 45, 46, 0, 88};
    Player player = open_player(between, film);
    for (size_t i = 0; i < G_N_ELEMENTS(order); i++) {
        seek(&player, 1, GST_SEEK_FLAG_ACCURATE, (gint64)gst_util_uint64_scale((guint64)order[i], GST_SECOND, RATE),
             -1);
        assert_next(&player, order[i]);
    }
    close_player(&player);
}

static void seeks_where_bytes_can_be_pulled(void **state) {
    (void)state;
    seek_anywhere("dfydec");
}

static void seeks_where_bytes_are_pushed(void **state) {
    (void)state;
    seek_anywhere("queue ! dfydec");
}

static void seeks_with_the_demuxer(void **state) {
    (void)state;
    seek_anywhere("dfydemux");
}

static void plays_a_part(void **state) {
    (void)state;
    Player player = open_player("dfydec", film);
    seek(&player, 1, GST_SEEK_FLAG_ACCURATE, GST_SECOND, 3 * GST_SECOND / 2);
    for (int frame = 30; frame < 45; frame++) assert_next(&player, frame);
    assert_null(next_sample(&player));
    assert_true(gst_app_sink_is_eos(player.sink));
    close_player(&player);
}

static void plays_backwards(void **state) {
    (void)state;
    Player player = open_player("dfydec", film);
    seek(&player, -1, GST_SEEK_FLAG_ACCURATE, GST_SECOND, 3 * GST_SECOND / 2);
    for (int frame = 44; frame >= 30; frame--) assert_next(&player, frame);
    assert_null(next_sample(&player));
    close_player(&player);
}

static void says_that_a_segment_is_done(void **state) {
    (void)state;
    Player player = open_player("dfydec", film);
    seek(&player, 1, GST_SEEK_FLAG_SEGMENT, 2 * GST_SECOND, -1);
    for (int frame = 60; frame < FRAMES; frame++) assert_next(&player, frame);
    gst_message_unref(wait_for(player.pipeline, GST_MESSAGE_SEGMENT_DONE));
    close_player(&player);
}

static void answers_questions(void **state) {
    (void)state;
    Player player = open_player("dfydec", film);
    gint64 duration = 0;
    assert_true(gst_element_query_duration(player.pipeline, GST_FORMAT_TIME, &duration));
    assert_in_range(duration, 3 * GST_SECOND - 2, 3 * GST_SECOND + 2);
    GstQuery *query = gst_query_new_seeking(GST_FORMAT_TIME);
    gboolean seekable = FALSE;
    assert_true(gst_element_query(player.pipeline, query));
    gst_query_parse_seeking(query, NULL, &seekable, NULL, NULL);
    assert_true(seekable);
    gst_query_unref(query);
    close_player(&player);
}

static void is_found_by_players(void **state) {
    (void)state;
    Player player = open_player("decodebin", film);
    seek(&player, 1, GST_SEEK_FLAG_ACCURATE, 2 * GST_SECOND, -1);
    assert_next(&player, 60);
    close_player(&player);
    assert_plays(launch("playbin uri=file://%s video-sink=fakesink audio-sink=fakesink", film));
}

static void steps_over_damage(void **state) {
    (void)state;
    char path[600];
    gchar *data;
    gsize size;
    g_snprintf(path, sizeof path, "%s/damaged.dfy", folder);
    assert_true(g_file_get_contents(film, &data, &size, NULL));
    memset(data + size / 2, 0xff, 8);
    assert_true(g_file_set_contents(path, data, (gssize)size, NULL));
    g_free(data);
    Player player = open_player("dfydec", path);
    int frames = 0;
    for (GstSample *sample; (sample = next_sample(&player)); frames++) gst_sample_unref(sample);
    assert_in_range(frames, 1, FRAMES - 1);
    gst_message_unref(wait_for(player.pipeline, GST_MESSAGE_WARNING));
    close_player(&player);
}

static void says_what_is_no_dfy(void **state) {
    char path[600];
    (void)state;
    g_snprintf(path, sizeof path, "%s/words.txt", folder);
    assert_true(g_file_set_contents(path, "These are words, no video.", -1, NULL));
    for (int pushed = 0; pushed < 2; pushed++) {
        gchar *sentence = play(launch("filesrc location=%s ! %s dfydec ! fakesink", path, pushed ? "queue !" : ""));
        assert_non_null(sentence);
        assert_non_null(strstr(sentence, "not a .dfy"));
        g_free(sentence);
    }
}

static void plays_sound(void **state) {
    (void)state;
    char path[600];
    g_snprintf(path, sizeof path, "%s/sound.dfy", folder);
    if (!g_file_test(path, G_FILE_TEST_EXISTS)) skip();
    GstElement *pipeline = launch("filesrc location=%s ! dfydemux name=d  d.video_0 ! queue ! fakesink sync=false  "
                                  "d.audio_0 ! queue ! appsink name=sink sync=false",
                                  path);
    GstAppSink *sink = GST_APP_SINK(gst_bin_get_by_name(GST_BIN(pipeline), "sink"));
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    int packets = 0;
    GstClockTime last = 0;
    for (GstSample *sample; (sample = gst_app_sink_try_pull_sample(sink, patience)); packets++) {
        const GstStructure *caps = gst_caps_get_structure(gst_sample_get_caps(sample), 0);
        assert_string_equal(gst_structure_get_name(caps), "audio/mpeg");
        assert_true(gst_structure_has_field(caps, "codec_data"));
        GstClockTime time = GST_BUFFER_PTS(gst_sample_get_buffer(sample));
        assert_true(time >= last);
        last = time;
        gst_sample_unref(sample);
    }
    assert_in_range(packets, 40, 200);
    assert_in_range(last, GST_SECOND, 3 * GST_SECOND);
    gst_object_unref(sink);
    stop(pipeline);
}

/* ---------------------------------------------------------------- encoding */

static void keeps_pictures_losslessly(void **state) {
    (void)state;
    char path[600];
    g_snprintf(path, sizeof path, "%s/lossless.dfy", folder);
    assert_plays(
        launch("videotestsrc num-buffers=5 pattern=snow ! video/x-raw,format=I420,width=%d,height=%d ! tee name=t "
               " t. ! queue ! dfyenc quality=100 ! filesink location=%s  t. ! queue ! filesink location=%s.yuv",
               WIDTH, HEIGHT, path, path));
    assert_plays(launch("filesrc location=%s ! dfydec ! filesink location=%s.back", path, path));
    gchar *names[2] = {g_strconcat(path, ".yuv", NULL), g_strconcat(path, ".back", NULL)}, *data[2];
    gsize sizes[2];
    for (int i = 0; i < 2; i++) assert_true(g_file_get_contents(names[i], &data[i], &sizes[i], NULL));
    assert_int_equal(sizes[0], 5 * PICTURE);
    assert_int_equal(sizes[1], sizes[0]);
    assert_memory_equal(data[0], data[1], sizes[0]);
    for (int i = 0; i < 2; i++) g_free(names[i]), g_free(data[i]);
}

static void takes_rgb(void **state) {
    (void)state;
    char path[600];
    g_snprintf(path, sizeof path, "%s/rgb.dfy", folder);
    assert_plays(launch("videotestsrc num-buffers=5 ! video/x-raw,format=RGB,width=51,height=37 ! dfyenc effort=1 ! "
                        "filesink location=%s",
                        path));
    assert_int_equal(frames_of(path), 5);
}

static void keeps_times_and_shape(void **state) {
    (void)state;
    char path[600];
    DfyInfo info;
    g_snprintf(path, sizeof path, "%s/times.dfy", folder);
    assert_plays(launch("videotestsrc num-buffers=12 ! video/x-raw,format=I420,width=64,height=48,framerate=25/1,"
                        "pixel-aspect-ratio=4/3 ! identity drop-probability=0 ! dfyenc effort=1 ! filesink location=%s",
                        path));
    DfyDecoder *decoder = open_file(path, &info);
    assert_int_equal(info.frame_rate_num, 25);
    assert_int_equal(info.sample_aspect_num * 3, info.sample_aspect_den * 4);
    for (uint64_t i = 0; i < info.frames; i++) {
        int64_t ticks;
        assert_int_equal(dfy_decoder_time(decoder, i, &ticks), DFY_OK);
        assert_int_equal(ticks * info.time_base_num * 25, (int64_t)i * info.time_base_den);
    }
    dfy_decoder_close(&decoder);
}

static void changing_sizes_are_refused(void **state) {
    (void)state;
    GstElement *pipeline =
        launch("videotestsrc ! capsfilter name=caps caps=video/x-raw,format=I420,width=64,height=48 ! "
               "dfyenc effort=1 ! fakesink");
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    g_usleep(200000);
    GstElement *filter = gst_bin_get_by_name(GST_BIN(pipeline), "caps");
    GstCaps *caps = gst_caps_from_string("video/x-raw,format=I420,width=80,height=48");
    g_object_set(filter, "caps", caps, NULL);
    gst_caps_unref(caps);
    gst_object_unref(filter);
    GstMessage *message = wait_for(pipeline, GST_MESSAGE_ERROR);
    GError *error;
    gst_message_parse_error(message, &error, NULL);
    assert_non_null(strstr(error->message, "64 x 48"));
    g_error_free(error);
    gst_message_unref(message);
    stop(pipeline);
}

static void settings_out_of_range_are_refused(void **state) {
    (void)state;
    GstElement *encoder = gst_element_factory_make("dfyenc", NULL);
    int quality = 0;
    g_object_set(encoder, "quality", 40, NULL);
    g_object_get(encoder, "quality", &quality, NULL);
    assert_int_equal(quality, 40);
    const GParamSpecInt *spec = (GParamSpecInt *)g_object_class_find_property(G_OBJECT_GET_CLASS(encoder), "quality");
    assert_int_equal(spec->maximum, 100);
    gst_object_unref(encoder);
}

static void nothing_in_nothing_out(void **state) {
    (void)state;
    gchar *sentence = play(launch("videotestsrc num-buffers=0 ! dfyenc ! fakesink"));
    assert_non_null(sentence);
    assert_non_null(strstr(sentence, "no picture"));
    g_free(sentence);
}

/* A live camera, ended by EOS as Ctrl-C does with gst-launch -e; and one that is cut off. */
static void records_live(void **state) {
    (void)state;
    char path[600];
    for (int cut = 0; cut < 2; cut++) {
        g_snprintf(path, sizeof path, "%s/live%d.dfy", folder, cut);
        GstElement *pipeline = launch("videotestsrc is-live=true ! video/x-raw,format=I420,width=64,height=48,"
                                      "framerate=60/1 ! dfyenc effort=1 segment-seconds=0.2 ! filesink location=%s",
                                      path);
        gst_element_set_state(pipeline, GST_STATE_PLAYING);
        g_usleep(2500000);
        if (!cut) {
            assert_true(gst_element_send_event(pipeline, gst_event_new_eos()));
            assert_ends(pipeline);
        }
        stop(pipeline);
        DfyInfo info;
        DfyDecoder *decoder = open_file(path, &info);
        assert_int_equal(info.complete, !cut);
        assert_in_range(info.frames, 20, 200);
        dfy_decoder_close(&decoder);
    }
}

/* ---------------------------------------------------------------- cameras over RTSP */

static gpointer run_loop(gpointer loop) {
    g_main_loop_run(loop);
    return NULL;
}

static void records_a_camera_over_rtsp(void **state) {
    (void)state;
    GMainLoop *loop = g_main_loop_new(NULL, FALSE);
    GstRTSPServer *server = gst_rtsp_server_new();
    GstRTSPMediaFactory *factory = gst_rtsp_media_factory_new();
    gst_rtsp_media_factory_set_launch(factory,
                                      "( videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=160,"
                                      "height=120,framerate=15/1 ! jpegenc ! rtpjpegpay name=pay0 pt=26 )");
    GstRTSPMountPoints *mounts = gst_rtsp_server_get_mount_points(server);
    gst_rtsp_mount_points_add_factory(mounts, "/camera", factory);
    g_object_unref(mounts);
    gst_rtsp_server_set_address(server, "127.0.0.1");
    gst_rtsp_server_set_service(server, "0");
    guint source = gst_rtsp_server_attach(server, NULL);
    assert_true(source > 0);
    GThread *thread = g_thread_new("server", run_loop, loop);
    char path[600];
    g_snprintf(path, sizeof path, "%s/camera.dfy", folder);
    GstElement *pipeline =
        launch("rtspsrc location=rtsp://127.0.0.1:%d/camera protocols=tcp latency=50 ! rtpjpegdepay ! "
               "jpegdec ! videoconvert ! video/x-raw,format=I420 ! dfyenc name=enc effort=1 "
               "segment-seconds=0.5 ! filesink location=%s",
               gst_rtsp_server_get_bound_port(server), path);
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    GstElement *encoder = gst_bin_get_by_name(GST_BIN(pipeline), "enc");
    guint64 bytes = 0;
    for (int i = 0; i < 200 && bytes < 1000; i++) {
        g_usleep(100000);
        g_object_get(encoder, "bytes-written", &bytes, NULL);
    }
    gst_object_unref(encoder);
    assert_true(gst_element_send_event(pipeline, gst_event_new_eos()));
    assert_ends(pipeline);
    stop(pipeline);
    assert_in_range(frames_of(path), 5, 400);
    g_main_loop_quit(loop);
    g_thread_join(thread);
    g_source_remove(source);
    g_object_unref(server);
    g_main_loop_unref(loop);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seeks_where_bytes_can_be_pulled),
        cmocka_unit_test(seeks_where_bytes_are_pushed),
        cmocka_unit_test(seeks_with_the_demuxer),
        cmocka_unit_test(plays_a_part),
        cmocka_unit_test(plays_backwards),
        cmocka_unit_test(says_that_a_segment_is_done),
        cmocka_unit_test(answers_questions),
        cmocka_unit_test(is_found_by_players),
        cmocka_unit_test(steps_over_damage),
        cmocka_unit_test(says_what_is_no_dfy),
        cmocka_unit_test(plays_sound),
        cmocka_unit_test(keeps_pictures_losslessly),
        cmocka_unit_test(takes_rgb),
        cmocka_unit_test(keeps_times_and_shape),
        cmocka_unit_test(changing_sizes_are_refused),
        cmocka_unit_test(settings_out_of_range_are_refused),
        cmocka_unit_test(nothing_in_nothing_out),
        cmocka_unit_test(records_live),
        cmocka_unit_test(records_a_camera_over_rtsp),
    };
    gst_init(&argc, &argv);
    g_snprintf(folder, sizeof folder, "%s", argc > 1 ? argv[1] : "/tmp");
    return cmocka_run_group_tests(tests, make_film, NULL);
}
