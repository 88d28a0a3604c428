/*
 * The version 2 file writer: gathers pictures into groups, groups into segments, segments into the file. What it holds
 * is bounded by the look-ahead, whatever the length of the video.
 */
#include <stdlib.h>
#include <string.h>

#include "base/format.h"
#include "video/encode/write/writer_parts.h"

int dfy_writer_no_memory(DfyWriter *w) {
    return dfy_segments_no_memory(&w->segments);
}

int dfy_writer_threads(const DfyWriter *w) {
    return w->settings.threads ? w->settings.threads : dfy_processors();
}

/* ---------------------------------------------------------------- opening */

static int open_rate(DfyWriter *w) {
    if (!w->settings.target_size_bytes) return DFY_OK;
    if (!w->settings.expected_frames)
        return dfy_fail(w->segments.message, DFY_ERROR_ARGUMENT,
                        "A target size needs a number of frames that is known in advance.");
    w->rate = (DfyRate){
        .target_bytes = w->settings.target_size_bytes, .frames = w->settings.expected_frames, .qp = w->limits.qp};
    return DFY_OK;
}

/* What lossy pictures are coded with. 0 or DFY_ERROR_MEMORY. */
static int open_encoder(DfyWriter *w) {
    const DfyEncoderSettings *s = &w->settings;
    w->encoder = dfy_video_encoder_new(s->width, s->height, s->effort, dfy_writer_threads(w), w->stream.keep);
    if (!w->encoder) return DFY_ERROR_MEMORY;
    w->long_term.layers = dfy_most_layers(&w->stream);
    dfy_video_encoder_set_layers(w->encoder, w->long_term.layers);
    if (s->has_imu && dfy_video_encoder_expect_turns(w->encoder, s->camera_matrix)) return DFY_ERROR_MEMORY;
    w->queue.encoder = w->plates.encoder = w->long_term.encoder = w->encoder;
    w->plates.queue = w->long_term.queue = &w->queue;
    w->plates.segments = w->clones.segments = &w->segments;
    w->plates.random_access = s->access_pictures;
    if (!w->stream.access) { /* data sets are read so: they get no noise that no camera saw */
        w->segments.noise = &w->noise;
        dfy_video_encoder_measure_noise(w->encoder, &w->noise);
    }
    if (w->stream.clones) {
        w->clones.finder = dfy_clone_finder_new(s->width, s->height, s->clone_distance, w->limits.shortest_clones);
        if (!w->clones.finder) return DFY_ERROR_MEMORY;
    }
    if (!w->stream.long_term) return DFY_OK;
    w->segments.long_term = w->long_term.set = dfy_long_term_new(&w->stream, w->segments.message);
    return w->long_term.set ? DFY_OK : DFY_ERROR_MEMORY;
}

static int writer_open(void **state, const DfyEncoderSettings *settings, const DfyOutput *output, DfyMessage *message) {
    DfyWriter *w = calloc(1, sizeof *w);
    if (!(*state = w)) return DFY_ERROR_MEMORY;
    w->settings = *settings;
    w->stream = dfy_stream_of(settings);
    w->limits = dfy_limits_of(settings, &w->stream);
    w->qp = w->limits.qp;
    w->segments.stream = &w->stream;
    w->segments.message = message;
    w->segments.most = w->limits.segment_most;
    w->segments.longest_seconds = settings->segment_seconds;
    w->input.matrix = settings->matrix;
    w->input.range = settings->range;
    w->episodes.segments = &w->segments;
    if (settings->has_imu) dfy_orientation_writer_open(&w->orientations, &w->segments, w->settings.camera_matrix);
    int status = open_rate(w);
    if (!status) status = dfy_cycle_writer_open(&w->cycles, &w->segments);
    if (status) return status;
    status = w->stream.lossless ? dfy_lossless_writer_open(&w->lossless, &w->stream) : open_encoder(w);
    if (status) return dfy_writer_no_memory(w);
    status = dfy_segments_open(&w->segments, output);
    dfy_put_bytes(&w->background, settings->background, settings->background_bytes);
    if (!status && w->background.failed) return dfy_writer_no_memory(w);
    if (status || !settings->metadata) return status;
    dfy_put_bytes(&w->segments.payload, (const uint8_t *)settings->metadata, strlen(settings->metadata));
    return dfy_segments_write_chunk(&w->segments, DFY_CHUNK_METADATA, 0, 0, 0);
}

/* ---------------------------------------------------------------- pushing */

static int push_lossless(DfyWriter *w, const DfyPicture *picture) {
    int status = dfy_frame_input_fill(&w->input, w->lossless.source, picture, NULL) ? dfy_writer_no_memory(w) : DFY_OK;
    if (!status) status = dfy_cycle_writer_push(&w->cycles, w->lossless.source);
    int due = !w->frames || w->since_access_point >= w->limits.access_interval;
    if (!status && due) status = dfy_segments_flush(&w->segments);
    if (status) return status;
    if (due) dfy_writer_begin_access_point(w);
    *dfy_segments_begin_frames(&w->segments, w->frames) = picture->pts;
    if (dfy_lossless_writer_code(&w->lossless, &w->segments, w->settings.effort)) return dfy_writer_no_memory(w);
    return dfy_writer_count_frames(w, 1);
}

static int writer_push_gyro(void *state, const double xyz[3], double dt) {
    DfyWriter *w = state;
    dfy_orientation_writer_turn(&w->orientations, xyz, dt);
    return DFY_OK;
}

static int writer_push(void *state, const DfyPicture *picture) {
    DfyWriter *w = state;
    int status = dfy_orientation_writer_note(&w->orientations);
    if (status) return status;
    if (w->stream.lossless) return push_lossless(w, picture);
    DfyFrame *frame = dfy_video_encoder_take(w->encoder);
    if (!frame) return dfy_writer_no_memory(w);
    const DfyFrame *before = dfy_frame_queue_newest(&w->queue);
    if (dfy_frame_input_fill(&w->input, frame, picture, before)) {
        dfy_video_encoder_give_back(w->encoder, frame);
        return dfy_writer_no_memory(w);
    }
    status = dfy_cycle_writer_push(&w->cycles, frame);
    dfy_frame_queue_push(&w->queue, frame, picture->pts, dfy_orientation_of(w->orientations.turned));
    if (!status) status = dfy_writer_look_for_clones(w);
    if (!status && w->queue.count >= w->limits.look_ahead) status = dfy_writer_code_queue(w, 0);
    return status;
}

/* ---------------------------------------------------------------- beside the pictures */

static int write_fact(DfyWriter *w, unsigned type) {
    return dfy_segments_write_chunk(&w->segments, type, 0, 0, 0);
}

static int writer_sound(void *state, const DfySound *sound) {
    DfyWriter *w = state;
    if (dfy_sound_writer_open(&w->sound, sound)) return dfy_writer_no_memory(w);
    dfy_put_sound_stream(&w->segments.payload, sound);
    return write_fact(w, DFY_CHUNK_STREAM);
}

static int write_sound(DfyWriter *w) {
    if (!w->sound.packets) return DFY_OK;
    dfy_sound_writer_flush(&w->sound, &w->segments.payload);
    return write_fact(w, DFY_CHUNK_SOUND);
}

static int writer_push_sound(void *state, const DfySoundPacket *packet) {
    DfyWriter *w = state;
    if (dfy_sound_writer_push(&w->sound, packet)) return dfy_writer_no_memory(w);
    return dfy_sound_writer_is_full(&w->sound) ? write_sound(w) : DFY_OK;
}

static void writer_set_effort(void *state, int effort) {
    DfyWriter *w = state;
    w->settings.effort = effort;
    if (w->encoder) dfy_video_encoder_set_effort(w->encoder, effort);
}

static void writer_last_ticks(void *state, int64_t ticks) {
    DfyWriter *w = state;
    w->last_ticks = ticks;
}

static void writer_coded(const void *state, uint64_t *frames, uint64_t *bytes) {
    const DfyWriter *w = state;
    *frames = w->frames;
    *bytes = dfy_segments_bytes(&w->segments);
}

static int write_last_ticks(DfyWriter *w) {
    if (w->last_ticks < 1 || w->last_ticks == dfy_regular_ticks(&w->stream)) return DFY_OK;
    dfy_put_varint(&w->segments.payload, (uint64_t)w->last_ticks);
    return write_fact(w, DFY_CHUNK_LAST);
}

/* Codes and writes all that waits. */
static int write_all(DfyWriter *w) {
    int status = dfy_writer_write_clones(w);
    if (!status) status = dfy_writer_code_queue(w, 1);
    return status ? status : dfy_segments_flush(&w->segments);
}

/*
 * An episode is a name and no more: groups reach from one into the next. Where each had anchors of its own, at its
 * first and last frame, 50 pieces of a recording took more bytes in one file than in 50.
 */
static int writer_begin_episode(void *state, const char *name) {
    DfyWriter *w = state;
    int status = dfy_episode_writer_check(&w->episodes, name);
    return status ? status : dfy_episode_writer_begin(&w->episodes, name, w->frames + (uint64_t)w->queue.count);
}

/* ---------------------------------------------------------------- the end */

static int writer_finish(void *state, DfyEncoderStats *stats) {
    DfyWriter *w = state;
    int status = write_all(w);
    if (!status) status = dfy_cycle_writer_finish(&w->cycles);
    if (!status) status = write_sound(w);
    if (!status) status = dfy_orientation_writer_finish(&w->orientations);
    if (!status) status = dfy_episode_writer_finish(&w->episodes, w->frames);
    if (!status) status = write_last_ticks(w);
    stats->cycles = w->cycles.cycles;
    stats->canonicals = w->cycles.canonicals;
    if (!status && dfy_v2_writer_finish(&w->segments.file)) status = dfy_segments_no_output(&w->segments, DFY_ERROR_IO);
    if (!status && w->settings.progress)
        w->settings.progress(w->settings.progress_opaque, DFY_STAGE_DONE, w->frames, w->frames);
    return status;
}

static void writer_close(void *state) {
    DfyWriter *w = state;
    dfy_frame_queue_close(&w->queue);
    dfy_buffer_free(&w->background);
    dfy_video_encoder_free(w->encoder);
    dfy_clone_finder_free(w->clones.finder);
    dfy_long_term_free(w->long_term.set);
    dfy_lossless_writer_close(&w->lossless);
    dfy_cycle_writer_close(&w->cycles);
    dfy_episode_writer_close(&w->episodes);
    dfy_sound_writer_close(&w->sound);
    dfy_segments_close(&w->segments);
    dfy_frame_input_close(&w->input);
    free(w);
}

const DfyFormatWriter dfy_v2_writer = {.version = 2,
                                       .open = writer_open,
                                       .push = writer_push,
                                       .push_gyro = writer_push_gyro,
                                       .sound = writer_sound,
                                       .push_sound = writer_push_sound,
                                       .set_effort = writer_set_effort,
                                       .last_ticks = writer_last_ticks,
                                       .begin_episode = writer_begin_episode,
                                       .coded = writer_coded,
                                       .finish = writer_finish,
                                       .close = writer_close};
