/*
 * The version 2 file writer: gathers pictures into groups, groups into segments, segments into the file. What it holds
 * is bounded by the look-ahead, whatever the length of the video.
 */
#include <stdlib.h>
#include <string.h>

#include "base/format.h"
#include "container/sound.h"
#include "video/encode/rate.h"
#include "video/encode/write/clone_writer.h"
#include "video/encode/write/cycle_writer.h"
#include "video/encode/write/episode_writer.h"
#include "video/encode/write/frame_input.h"
#include "video/encode/write/long_term_use.h"
#include "video/encode/write/lossless_writer.h"
#include "video/encode/write/orientation_writer.h"
#include "video/encode/write/plates.h"

#define STILL 8 /* as many frames that repeat the last anchor make a group of their own */

typedef struct Writer {
    DfyEncoderSettings settings;
    DfyStream stream;
    DfyLimits limits;
    DfySegments segments;
    DfyFrameInput input;
    DfyLosslessWriter lossless; /* without an encoder and what follows but cycles, episodes and sound */
    DfyVideoEncoder *encoder;
    DfyFrameQueue queue;
    DfyPlates plates;
    DfyBuffer background; /* a plate's code that was given to begin with */
    DfyLongTermUse long_term;
    DfyCloneWriter clones;
    DfyRate rate; /* for a stated size */
    DfyCycleWriter cycles;
    DfyEpisodeWriter episodes;
    DfySoundWriter sound;
    DfyNoiseMeter noise;
    DfyOrientationWriter orientations;
    int qp;
    uint64_t frames;             /* that came and were coded, or are clones */
    uint64_t since_access_point; /* frames, by what it costs to seek them */
    int64_t last_ticks;          /* that the last picture is shown; 0: not said */
} Writer;

static int out_of_memory(Writer *w) {
    return dfy_segments_no_memory(&w->segments);
}

static int threads_of(const Writer *w) {
    return w->settings.threads ? w->settings.threads : dfy_processors();
}

/* ---------------------------------------------------------------- opening */

static int open_rate(Writer *w) {
    if (!w->settings.target_size_bytes) return DFY_OK;
    if (!w->settings.expected_frames)
        return dfy_fail(w->segments.message, DFY_ERROR_ARGUMENT,
                        "A target size needs a number of frames that is known in advance.");
    w->rate = (DfyRate){
        .target_bytes = w->settings.target_size_bytes, .frames = w->settings.expected_frames, .qp = w->limits.qp};
    return DFY_OK;
}

/* What lossy pictures are coded with. 0 or DFY_ERROR_MEMORY. */
static int open_encoder(Writer *w) {
    const DfyEncoderSettings *s = &w->settings;
    w->encoder = dfy_video_encoder_new(s->width, s->height, s->effort, threads_of(w), w->stream.keep);
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
    Writer *w = calloc(1, sizeof *w);
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
    if (status) return out_of_memory(w);
    status = dfy_segments_open(&w->segments, output);
    dfy_put_bytes(&w->background, settings->background, settings->background_bytes);
    if (!status && w->background.failed) return out_of_memory(w);
    if (status || !settings->metadata) return status;
    dfy_put_bytes(&w->segments.payload, (const uint8_t *)settings->metadata, strlen(settings->metadata));
    return dfy_segments_write_chunk(&w->segments, DFY_CHUNK_METADATA, 0, 0, 0);
}

/* ---------------------------------------------------------------- quantisers */

/* The quantiser a stated size begins with. */
static int find_quantiser(Writer *w, const DfyFrame *plate) {
    DfyRateTrial trial = {.width = w->settings.width,
                          .height = w->settings.height,
                          .effort = w->settings.effort,
                          .threads = threads_of(w),
                          .keep = w->stream.keep,
                          .sources = w->queue.frames,
                          .count = w->queue.count,
                          .group = w->limits.group,
                          .plate = plate,
                          .plate_finer = dfy_plates_finer(&w->plates),
                          .access_interval = w->limits.access_interval};
    if (dfy_rate_begin(&w->rate, &trial)) return out_of_memory(w);
    w->qp = w->rate.qp;
    return DFY_OK;
}

/* For a stated size: the quantiser of the next group. Near the end, where none will make up for it, by measuring it. */
static int choose_quantiser(Writer *w, int frames, int ahead) {
    uint64_t bytes = dfy_segments_bytes(&w->segments), measured;
    w->qp = dfy_rate_next(&w->rate, bytes, w->frames);
    if (w->frames + DFY_RATE_CALM < w->rate.frames) return DFY_OK;
    DfyRateSearch search = DFY_RATE_SEARCH;
    do {
        int status = dfy_video_encoder_measure(w->encoder, w->queue.frames, frames, ahead, w->rate.qp, &measured);
        if (status) return status;
    } while (dfy_rate_correct(&w->rate, &search, measured, frames, bytes, w->frames));
    w->qp = w->rate.qp;
    return DFY_OK;
}

/* Makes a plate of the frames in the queue; after the first only where it says something new. */
static int write_plate(Writer *w) {
    int useful, taken = 0, status = DFY_OK;
    if (!w->frames && w->background.size) status = dfy_plates_write_coded(&w->plates, &w->background, &taken);
    if (status || taken) return status;
    DfyFrame *plate = dfy_plates_build(&w->plates, w->frames, &useful);
    if (!plate) return out_of_memory(w);
    if (w->rate.target_bytes && !w->frames) status = find_quantiser(w, useful ? plate : NULL);
    if (useful && !status && dfy_plates_is_stale(&w->plates, plate, w->qp))
        status = dfy_plates_write(&w->plates, plate, w->qp);
    dfy_video_encoder_give_back(w->encoder, plate);
    return status;
}

/* ---------------------------------------------------------------- groups */

static int tell_progress(Writer *w) {
    if (w->settings.progress &&
        w->settings.progress(w->settings.progress_opaque, DFY_STAGE_FRAMES, w->frames, w->settings.expected_frames))
        return dfy_fail(w->segments.message, DFY_ERROR_CANCELLED, "Encoding was cancelled after %llu frames.",
                        (unsigned long long)w->frames);
    return DFY_OK;
}

/* Frames were coded: they are counted and progress is told. */
static int count_frames(Writer *w, uint64_t frames) {
    w->frames += frames;
    w->since_access_point += dfy_long_term_seeking(&w->long_term, frames);
    int status = tell_progress(w);
    return status ? status : dfy_segments_add(&w->segments, frames);
}

static void begin_access_point(Writer *w) {
    w->segments.is_access_point = 1;
    w->since_access_point = 0;
}

/* The frame before the queue, as far as groups may refer to it. */
static const DfyFrame *frame_before(const Writer *w) {
    return w->since_access_point ? w->queue.last : NULL;
}

/* Codes the first `frames` of the queue; `still`: all repeat the last anchor. */
static int code_group(Writer *w, int frames, int still) {
    int status = w->stream.access && !still ? dfy_segments_flush(&w->segments) : DFY_OK; /* a segment each */
    if (status) return status;
    int64_t *pts = dfy_segments_begin_frames(&w->segments, w->frames);
    uint64_t before = dfy_segments_bytes(&w->segments);
    int ahead = dfy_min(w->queue.count - frames, w->limits.group);
    int refers = dfy_long_term_in_use(&w->long_term);
    if (!(refers && still) && dfy_long_term_use_begin_group(&w->long_term, frames, frame_before(w)))
        return out_of_memory(w);
    dfy_video_encoder_turn(w->encoder, w->queue.turned, frames);
    if (w->rate.target_bytes && w->frames && !still && choose_quantiser(w, frames, ahead)) return out_of_memory(w);
    int coarser = !w->since_access_point && dfy_plates_show_next(&w->plates, w->qp) ? 6 : 0;
    status = still ? dfy_video_encode_still(w->encoder, &w->segments.groups, frames)
                   : dfy_video_encode_mini_group(w->encoder, &w->segments.groups, w->queue.frames, frames, ahead,
                                                 dfy_min(w->qp + coarser, DFY_MAX_QP));
    if (status) return out_of_memory(w);
    uint64_t bytes = dfy_segments_bytes(&w->segments) - before;
    if (w->clones.finder && dfy_clone_finder_coded(w->clones.finder, frames, bytes)) return out_of_memory(w);
    dfy_frame_queue_coded(&w->queue, frames, pts);
    if (w->rate.target_bytes && w->since_access_point)
        dfy_rate_learn(&w->rate, bytes, frames, w->frames + (uint64_t)frames);
    return count_frames(w, (uint64_t)frames);
}

/* About the usual length, or what is left; the group may end a little sooner or later where a kept anchor is alike. */
static int group_length(const Writer *w, int most) {
    most = dfy_min(most, dfy_mini_group_limit(&w->stream));
    int usual = dfy_min(w->limits.group, most);
    if (w->stream.access) return usual;
    return dfy_video_encoder_mini_group_length(w->encoder, w->queue.frames, most, usual, w->qp);
}

static int is_access_point_due(const Writer *w) {
    uint64_t more = dfy_long_term_seeking(&w->long_term, (uint64_t)w->limits.group);
    return !w->frames || w->since_access_point + more > w->limits.access_interval;
}

/* A random access point, whose first group is one frame. */
static int code_access_point(Writer *w) {
    int status = dfy_segments_flush(&w->segments);
    if (!status && w->frames && dfy_plates_due(&w->plates)) status = write_plate(w);
    if (status) return status;
    dfy_video_encoder_begin_run(w->encoder);
    begin_access_point(w);
    return dfy_long_term_use_begin_run(&w->long_term, w->frames) ? out_of_memory(w) : code_group(w, 1, 0);
}

/* Makes the frames since the access point the long-term set, where that pays. */
static int close_long_term(Writer *w) {
    if (!dfy_long_term_use_pays(&w->long_term, dfy_min(w->queue.count, w->limits.group), frame_before(w)))
        return DFY_OK;
    int status = dfy_segments_flush(&w->segments);
    if (!status) dfy_long_term_use_close(&w->long_term);
    return status;
}

/* How many of the queue's first `most` frames make a group that repeats the last anchor. */
static int still_frames(const Writer *w, int most) {
    /* For random access, the anchor that a still group shows must be in its own segment. */
    if (w->stream.access && !w->segments.frames) return 0;
    int still = dfy_frame_queue_repeats(&w->queue, dfy_min(most, dfy_mini_group_limit(&w->stream)));
    return still >= STILL || still == most ? still : 0;
}

/* Codes a group of the queue's first `most` frames. */
static int code_some(Writer *w, int most) {
    if (is_access_point_due(w)) return code_access_point(w);
    int still = still_frames(w, most), status = close_long_term(w);
    if (status) return status;
    return still ? code_group(w, still, 1) : code_group(w, group_length(w, most), 0);
}

/*
 * Codes what is queued, leaving as much as later groups are to be seen with, unless `all`. What may turn out to be
 * clones waits as long as there is room for it.
 */
static int code_queue(Writer *w, int all) {
    int status = DFY_OK;
    if (!w->frames && w->queue.count) status = write_plate(w);
    while (!status && w->queue.count >= (all ? 1 : w->limits.look_ahead - 1)) {
        int waiting = w->clones.finder && !all ? dfy_clone_finder_undecided(w->clones.finder) : 0;
        status = code_some(w, w->queue.count - (waiting < w->queue.count ? waiting : 0));
    }
    return status;
}

/* ---------------------------------------------------------------- clones */

static int write_clones(Writer *w) {
    return dfy_clone_writer_write(&w->clones, w->frames);
}

/* The last `found` frames of the queue are clones: those before them are coded, and they need be no more. */
static int take_clones(Writer *w, int found) {
    int status = DFY_OK;
    while (!status && w->queue.count > found) status = code_some(w, w->queue.count - found);
    if (!status) status = dfy_segments_flush(&w->segments);
    if (status) return status;
    if (w->long_term.set) dfy_long_term_note_gap(w->long_term.set);
    dfy_frame_queue_leave(&w->queue, found, w->segments.pts + w->clones.waiting);
    w->clones.waiting += (uint64_t)found;
    w->frames += (uint64_t)found;
    status = tell_progress(w);
    return !status && dfy_clone_writer_is_full(&w->clones, (uint64_t)found) ? write_clones(w) : status;
}

/* Looks whether the last frame of the queue, or more of them, are clones. */
static int look_for_clones(Writer *w) {
    int found;
    if (!w->clones.finder) return DFY_OK;
    if (dfy_clone_finder_look(w->clones.finder, w->queue.frames[w->queue.count - 1], &found)) return out_of_memory(w);
    return found ? take_clones(w, found) : write_clones(w);
}

/* ---------------------------------------------------------------- pushing */

static int push_lossless(Writer *w, const DfyPicture *picture) {
    int status = dfy_frame_input_fill(&w->input, w->lossless.source, picture, NULL) ? out_of_memory(w) : DFY_OK;
    if (!status) status = dfy_cycle_writer_push(&w->cycles, w->lossless.source);
    int due = !w->frames || w->since_access_point >= w->limits.access_interval;
    if (!status && due) status = dfy_segments_flush(&w->segments);
    if (status) return status;
    if (due) begin_access_point(w);
    *dfy_segments_begin_frames(&w->segments, w->frames) = picture->pts;
    if (dfy_lossless_writer_code(&w->lossless, &w->segments, w->settings.effort)) return out_of_memory(w);
    return count_frames(w, 1);
}

static int writer_push_gyro(void *state, const double xyz[3], double dt) {
    Writer *w = state;
    dfy_orientation_writer_turn(&w->orientations, xyz, dt);
    return DFY_OK;
}

static int writer_push(void *state, const DfyPicture *picture) {
    Writer *w = state;
    int status = dfy_orientation_writer_note(&w->orientations);
    if (status) return status;
    if (w->stream.lossless) return push_lossless(w, picture);
    DfyFrame *frame = dfy_video_encoder_take(w->encoder);
    if (!frame) return out_of_memory(w);
    const DfyFrame *before = dfy_frame_queue_newest(&w->queue);
    status = dfy_frame_input_fill(&w->input, frame, picture, before) ? out_of_memory(w) : DFY_OK;
    if (!status) status = dfy_cycle_writer_push(&w->cycles, frame);
    dfy_frame_queue_push(&w->queue, frame, picture->pts, dfy_orientation_of(w->orientations.turned));
    if (!status) status = look_for_clones(w);
    if (!status && w->queue.count >= w->limits.look_ahead) status = code_queue(w, 0);
    return status;
}

/* ---------------------------------------------------------------- beside the pictures */

static int write_fact(Writer *w, unsigned type) {
    return dfy_segments_write_chunk(&w->segments, type, 0, 0, 0);
}

static int writer_sound(void *state, const DfySound *sound) {
    Writer *w = state;
    if (dfy_sound_writer_open(&w->sound, sound)) return out_of_memory(w);
    dfy_put_sound_stream(&w->segments.payload, sound);
    return write_fact(w, DFY_CHUNK_STREAM);
}

static int write_sound(Writer *w) {
    if (!w->sound.packets) return DFY_OK;
    dfy_sound_writer_flush(&w->sound, &w->segments.payload);
    return write_fact(w, DFY_CHUNK_SOUND);
}

static int writer_push_sound(void *state, const DfySoundPacket *packet) {
    Writer *w = state;
    if (dfy_sound_writer_push(&w->sound, packet)) return out_of_memory(w);
    return dfy_sound_writer_is_full(&w->sound) ? write_sound(w) : DFY_OK;
}

static void writer_set_effort(void *state, int effort) {
    Writer *w = state;
    w->settings.effort = effort;
    if (w->encoder) dfy_video_encoder_set_effort(w->encoder, effort);
}

static void writer_last_ticks(void *state, int64_t ticks) {
    Writer *w = state;
    w->last_ticks = ticks;
}

static void writer_coded(const void *state, uint64_t *frames, uint64_t *bytes) {
    const Writer *w = state;
    *frames = w->frames;
    *bytes = dfy_segments_bytes(&w->segments);
}

static int write_last_ticks(Writer *w) {
    if (w->last_ticks < 1 || w->last_ticks == dfy_regular_ticks(&w->stream)) return DFY_OK;
    dfy_put_varint(&w->segments.payload, (uint64_t)w->last_ticks);
    return write_fact(w, DFY_CHUNK_LAST);
}

/* Codes and writes all that waits. */
static int write_all(Writer *w) {
    int status = write_clones(w);
    if (!status) status = code_queue(w, 1);
    return status ? status : dfy_segments_flush(&w->segments);
}

/*
 * An episode is a name and no more: groups reach from one into the next. Where each had anchors of its own, at its
 * first and last frame, 50 pieces of a recording took more bytes in one file than in 50.
 */
static int writer_begin_episode(void *state, const char *name) {
    Writer *w = state;
    int status = dfy_episode_writer_check(&w->episodes, name);
    return status ? status : dfy_episode_writer_begin(&w->episodes, name, w->frames + (uint64_t)w->queue.count);
}

/* ---------------------------------------------------------------- the end */

static int writer_finish(void *state, DfyEncoderStats *stats) {
    Writer *w = state;
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
    Writer *w = state;
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
