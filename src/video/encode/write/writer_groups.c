/* How what waits is coded: plates, random access points, groups, repeats, clones, and with which quantiser. */
#include "base/numbers.h"
#include "base/status.h"
#include "video/encode/write/writer_parts.h"

#define STILL 8 /* as many frames that repeat the last anchor make a group of their own */

/* ---------------------------------------------------------------- quantisers */

/* The quantiser a stated size begins with. */
static int find_quantiser(DfyWriter *w, const DfyFrame *plate) {
    DfyRateTrial trial = {.width = w->settings.width,
                          .height = w->settings.height,
                          .effort = w->settings.effort,
                          .threads = dfy_writer_threads(w),
                          .keep = w->stream.keep,
                          .sources = w->queue.frames,
                          .count = w->queue.count,
                          .group = w->limits.group,
                          .plate = plate,
                          .plate_finer = dfy_plates_finer(&w->plates),
                          .access_interval = w->limits.access_interval};
    if (dfy_rate_begin(&w->rate, &trial)) return dfy_writer_no_memory(w);
    w->qp = w->rate.qp;
    return DFY_OK;
}

/* For a stated size: the quantiser of the next group. Near the end, where none will make up for it, by measuring it. */
static int choose_quantiser(DfyWriter *w, int frames, int ahead) {
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
static int write_plate(DfyWriter *w) {
    int useful, taken = 0, status = DFY_OK;
    if (!w->frames && w->background.size) status = dfy_plates_write_coded(&w->plates, &w->background, &taken);
    if (status || taken) return status;
    DfyFrame *plate = dfy_plates_build(&w->plates, w->frames, &useful);
    if (!plate) return dfy_writer_no_memory(w);
    if (w->rate.target_bytes && !w->frames) status = find_quantiser(w, useful ? plate : NULL);
    if (useful && !status && dfy_plates_is_stale(&w->plates, plate, w->qp))
        status = dfy_plates_write(&w->plates, plate, w->qp);
    dfy_video_encoder_give_back(w->encoder, plate);
    return status;
}

/* ---------------------------------------------------------------- groups */

static int tell_progress(DfyWriter *w) {
    if (w->settings.progress &&
        w->settings.progress(w->settings.progress_opaque, DFY_STAGE_FRAMES, w->frames, w->settings.expected_frames))
        return dfy_fail(w->segments.message, DFY_ERROR_CANCELLED, "Encoding was cancelled after %llu frames.",
                        (unsigned long long)w->frames);
    return DFY_OK;
}

int dfy_writer_count_frames(DfyWriter *w, uint64_t frames) {
    w->frames += frames;
    w->since_access_point += dfy_long_term_seeking(&w->long_term, frames);
    int status = tell_progress(w);
    return status ? status : dfy_segments_add(&w->segments, frames);
}

void dfy_writer_begin_access_point(DfyWriter *w) {
    w->segments.is_access_point = 1;
    w->since_access_point = 0;
}

/* The frame before the queue, as far as groups may refer to it. */
static const DfyFrame *frame_before(const DfyWriter *w) {
    return w->since_access_point ? w->queue.last : NULL;
}

/* Codes the first `frames` of the queue; `still`: all repeat the last anchor. */
static int code_group(DfyWriter *w, int frames, int still) {
    int status = w->stream.access && !still ? dfy_segments_flush(&w->segments) : DFY_OK; /* a segment each */
    if (status) return status;
    int64_t *pts = dfy_segments_begin_frames(&w->segments, w->frames);
    uint64_t before = dfy_segments_bytes(&w->segments);
    int ahead = dfy_min(w->queue.count - frames, w->limits.group);
    int refers = dfy_long_term_in_use(&w->long_term);
    if (!(refers && still) && dfy_long_term_use_begin_group(&w->long_term, frames, frame_before(w)))
        return dfy_writer_no_memory(w);
    dfy_video_encoder_turn(w->encoder, w->queue.turned, frames);
    if (w->rate.target_bytes && w->frames && !still && choose_quantiser(w, frames, ahead))
        return dfy_writer_no_memory(w);
    int coarser = !w->since_access_point && dfy_plates_show_next(&w->plates, w->qp) ? 6 : 0;
    status = still ? dfy_video_encode_still(w->encoder, &w->segments.groups, frames)
                   : dfy_video_encode_mini_group(w->encoder, &w->segments.groups, w->queue.frames, frames, ahead,
                                                 dfy_min(w->qp + coarser, DFY_MAX_QP));
    if (status) return dfy_writer_no_memory(w);
    uint64_t bytes = dfy_segments_bytes(&w->segments) - before;
    if (w->clones.finder && dfy_clone_finder_coded(w->clones.finder, frames, bytes)) return dfy_writer_no_memory(w);
    dfy_frame_queue_coded(&w->queue, frames, pts);
    if (w->rate.target_bytes && w->since_access_point)
        dfy_rate_learn(&w->rate, bytes, frames, w->frames + (uint64_t)frames);
    return dfy_writer_count_frames(w, (uint64_t)frames);
}

/* About the usual length, or what is left; the group may end a little sooner or later where a kept anchor is alike. */
static int group_length(const DfyWriter *w, int most) {
    most = dfy_min(most, dfy_mini_group_limit(&w->stream));
    int usual = dfy_min(w->limits.group, most);
    if (w->stream.access) return usual;
    return dfy_video_encoder_mini_group_length(w->encoder, w->queue.frames, most, usual, w->qp);
}

static int is_access_point_due(const DfyWriter *w) {
    uint64_t more = dfy_long_term_seeking(&w->long_term, (uint64_t)w->limits.group);
    return !w->frames || w->since_access_point + more > w->limits.access_interval;
}

/* A random access point, whose first group is one frame. */
static int code_access_point(DfyWriter *w) {
    int status = dfy_segments_flush(&w->segments);
    if (!status && w->frames && dfy_plates_due(&w->plates)) status = write_plate(w);
    if (status) return status;
    dfy_video_encoder_begin_run(w->encoder);
    dfy_writer_begin_access_point(w);
    return dfy_long_term_use_begin_run(&w->long_term, w->frames) ? dfy_writer_no_memory(w) : code_group(w, 1, 0);
}

/* Makes the frames since the access point the long-term set, where that pays. */
static int close_long_term(DfyWriter *w) {
    if (!dfy_long_term_use_pays(&w->long_term, dfy_min(w->queue.count, w->limits.group), frame_before(w)))
        return DFY_OK;
    int status = dfy_segments_flush(&w->segments);
    if (!status) dfy_long_term_use_close(&w->long_term);
    return status;
}

/* How many of the queue's first `most` frames make a group that repeats the last anchor. */
static int still_frames(const DfyWriter *w, int most) {
    /* For random access, the anchor that a still group shows must be in its own segment. */
    if (w->stream.access && !w->segments.frames) return 0;
    int still = dfy_frame_queue_repeats(&w->queue, dfy_min(most, dfy_mini_group_limit(&w->stream)));
    return still >= STILL || still == most ? still : 0;
}

/* Codes a group of the queue's first `most` frames. */
static int code_some(DfyWriter *w, int most) {
    if (is_access_point_due(w)) return code_access_point(w);
    int still = still_frames(w, most), status = close_long_term(w);
    if (status) return status;
    return still ? code_group(w, still, 1) : code_group(w, group_length(w, most), 0);
}

/*
 * Codes what is queued, leaving as much as later groups are to be seen with, unless `all`. What may turn out to be
 * clones waits as long as there is room for it.
 */
int dfy_writer_code_queue(DfyWriter *w, int all) {
    int status = DFY_OK;
    if (!w->frames && w->queue.count) status = write_plate(w);
    while (!status && w->queue.count >= (all ? 1 : w->limits.look_ahead - 1)) {
        int waiting = w->clones.finder && !all ? dfy_clone_finder_undecided(w->clones.finder) : 0;
        status = code_some(w, w->queue.count - (waiting < w->queue.count ? waiting : 0));
    }
    return status;
}

/* ---------------------------------------------------------------- clones */

int dfy_writer_write_clones(DfyWriter *w) {
    return dfy_clone_writer_write(&w->clones, w->frames);
}

/* The last `found` frames of the queue are clones: those before them are coded, and they need be no more. */
static int take_clones(DfyWriter *w, int found) {
    int status = DFY_OK;
    while (!status && w->queue.count > found) status = code_some(w, w->queue.count - found);
    if (!status) status = dfy_segments_flush(&w->segments);
    if (status) return status;
    if (w->long_term.set) dfy_long_term_note_gap(w->long_term.set);
    dfy_frame_queue_leave(&w->queue, found, w->segments.pts + w->clones.waiting);
    w->clones.waiting += (uint64_t)found;
    w->frames += (uint64_t)found;
    status = tell_progress(w);
    return !status && dfy_clone_writer_is_full(&w->clones, (uint64_t)found) ? dfy_writer_write_clones(w) : status;
}

int dfy_writer_look_for_clones(DfyWriter *w) {
    int found;
    if (!w->clones.finder) return DFY_OK;
    if (dfy_clone_finder_look(w->clones.finder, w->queue.frames[w->queue.count - 1], &found))
        return dfy_writer_no_memory(w);
    return found ? take_clones(w, found) : dfy_writer_write_clones(w);
}
