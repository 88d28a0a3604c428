/*
 * The version 2 file writer: gathers pictures into groups, groups into segments, segments into the file. What it holds
 * is bounded by the look-ahead, whatever the length of the video.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/format.h"
#include "base/picture.h"
#include "container/v2.h"
#include "video/clones.h"
#include "video/cycle_list.h"
#include "video/encode/clone_finder.h"
#include "video/encode/encoder.h"
#include "video/encode/library.h"
#include "video/encode/lossless_search.h"
#include "video/encode/plate.h"
#include "video/encode/rate.h"
#include "video/player.h"
#include "video/stream.h"

#define GROUP 32        /* frames from anchor to anchor: 1.5 % fewer bytes than 16, and faster */
#define SHORT_GROUP 16  /* of large pictures, and where little may be held back */
#define PLATE_ENTRIES 4 /* a plate is in force for as many entries at least, or it would not pay */
#define LOOK_AHEAD 49   /* frames held: a group, and half of the next one, which tells what this one is worth */
#define LOOK_AHEAD_BYTES ((int64_t)94 << 20)
#define LIBRARY_FRAME_BYTES ((int64_t)2 << 20) /* 1280 x 720 */
#define LIBRARY_LEAST 32                       /* frames it begins to be looked at with */
#define LIBRARY_MORE 2     /* times as many entries where it is in use: it makes them cheap, and seeking dear */
#define LIBRARY_ENTRIES 64 /* it is in use for as many at the most, then the work may have become another */
#define STILL 8            /* as many frames that repeat the last anchor make a group of their own */
#define SEGMENT_BYTES 4096 /* a segment this large is written; smaller, its 20 bytes of framing would tell */
#define SEGMENT_SECONDS 10 /* or this long, so that a crash loses no more, where the settings say nothing else */
#define SHORTEST_CLONES 8  /* frames that a stretch of clones has, however slow they come */
#define QUIET_BYTES 128    /* a segment of so few bytes may last three times as long: little happens in it */

typedef struct Writer {
    DfyEncoderSettings settings;
    DfyMessage *message;
    DfyV2Writer file;
    DfyStream stream;
    DfyVideoEncoder *encoder; /* NULL when lossless */
    DfyLossless *lossless;    /* quality 100: pictures one by one, no queue */
    DfySquare *squares;
    DfyFrame *source;
    DfyFrame *queue[LOOK_AHEAD + 1];
    int64_t queue_pts[LOOK_AHEAD + 1];
    uint8_t queue_repeats[LOOK_AHEAD + 1]; /* the source is that of the frame before once more */
    DfyFrame *last_source;                 /* of the last frame coded, NULL before the first */
    int queued;
    DfyCloneFinder *finder; /* NULL: no clones are made */
    uint64_t clones;        /* found and not written yet; no segment is begun then, and their times are in pts */
    DfyPicture converted;   /* for RGB input */
    DfyRangeCoder coder;
    DfyBuffer payload;
    int qp;
    DfyRate rate;                   /* for a stated size */
    unsigned plates, plate_entries; /* written, and entries since the last */
    int plate_of_still;             /* the last plate was made where nothing changed */
    int group, look_ahead;          /* GROUP and LOOK_AHEAD, less for very large pictures */
    int64_t *pts;                   /* of the segment's frames, or the clones' */
    uint64_t segment_first, segment_frames, segment_most, frames;
    uint64_t since_entry, entry_interval; /* frames, by what it costs to seek them */
    int segment_entry;
    DfyLibrary *library;   /* NULL: none is made */
    uint64_t unlike, gain; /* of the pictures since the entry: see DfyLibraryMatch */
    int library_entries;   /* since it is in use */
    DfyCycleLog cycles;
    uint32_t cycles_told, canonicals_told;
    int in_thumbnails; /* cycles are looked for in thumbnails of the frames */
} Writer;

static int out_of_memory(Writer *w) {
    return dfy_fail(w->message, DFY_ERROR_MEMORY, "There is not enough memory to encode pictures of %d x %d pixels.",
                    w->settings.width, w->settings.height);
}

static int write_chunk(Writer *w, unsigned type, unsigned flags, uint64_t first, uint64_t frames) {
    int status = w->payload.failed
                     ? DFY_ERROR_MEMORY
                     : dfy_v2_write_chunk(&w->file, type, flags, w->payload.data, w->payload.size, first, frames);
    w->payload.size = 0;
    if (status == DFY_ERROR_IO) return dfy_fail(w->message, status, "The output can't be written: is the disk full?");
    return status ? out_of_memory(w) : DFY_OK;
}

/*
 * Quality 1..99 as a quantiser: 48 at 1, 28 at 25 (about 38 dB on recordings of factories and streets), 8 at 99.
 */
static int quantiser_of(int quality) {
    return quality < 25 ? 48 - (quality - 1) * 20 / 24 : 28 - (quality - 25) * 20 / 74;
}

/* ---------------------------------------------------------------- cycles */

/* Large enough a thumbnail tells as much of cycles as the picture does. */
static int open_cycles(Writer *w, double rate) {
    int width = dfy_coded_size(w->settings.width), height = dfy_coded_size(w->settings.height);
    w->in_thumbnails = width >= 512 && height >= 256;
    return dfy_cycle_log_open(&w->cycles, w->in_thumbnails ? width / 8 : width, w->in_thumbnails ? height / 8 : height,
                              rate);
}

static int write_cycles(Writer *w) {
    const DfyCycleLog *log = &w->cycles;
    if (!log->cycles) return DFY_OK;
    w->cycles_told += log->cycles;
    w->canonicals_told = log->canonicals;
    dfy_put_cycles(&w->payload, log->cycle, log->cycles);
    return write_chunk(w, DFY_CHUNK_CYCLES, 0, 0, 0);
}

/* Looks at a source, whose thumbnail was made, for what it tells of cycles. */
static int look_for_cycles(Writer *w, const DfyFrame *frame) {
    const DfyPlane *p = &frame->plane[0];
    DfyPicture picture = {.plane = {w->in_thumbnails ? frame->thumbnail : p->pixels},
                          .stride_bytes = {w->in_thumbnails ? p->width / 8 : p->stride}};
    if (dfy_cycle_log_push(&w->cycles, &picture)) return out_of_memory(w);
    return write_cycles(w);
}

/* ---------------------------------------------------------------- opening */

static int64_t frame_bytes(const DfyEncoderSettings *settings) {
    return (int64_t)(settings->width + 2 * DFY_FRAME_BORDER) * (settings->height + 2 * DFY_FRAME_BORDER) * 3 / 2;
}

/* As many anchors as fit in 40 MiB: ten at 1080p, whole cycles at the sizes of most cameras. */
static int anchors_to_keep(const DfyEncoderSettings *settings) {
    return dfy_clamp((int)(((int64_t)40 << 20) / frame_bytes(settings)), 2, DFY_MAX_KEPT);
}

/* As far as LOOK_AHEAD_BYTES let it look, at least a group: so that 1080p stays under 256 MiB in all. */
static int frames_in_budget(const DfyEncoderSettings *settings) {
    return (int)(LOOK_AHEAD_BYTES / frame_bytes(settings));
}

static int group_frames(const DfyEncoderSettings *settings) {
    return frames_in_budget(settings) >= LOOK_AHEAD && settings->segment_seconds <= 0 ? GROUP : SHORT_GROUP;
}

static int look_ahead(const DfyEncoderSettings *settings, int group) {
    int usual = group == GROUP ? LOOK_AHEAD : 2 * SHORT_GROUP + 1;
    return dfy_clamp(frames_in_budget(settings), group + 1, usual);
}

static int open_lossless(Writer *w, double rate) {
    w->entry_interval = (uint64_t)dfy_clamp((int)(2 * rate), 1, 2000); /* all of it is decoded to reach its last */
    w->lossless = dfy_lossless_new(w->settings.width, w->settings.height);
    w->source = dfy_frame_new(w->settings.width, w->settings.height);
    if (!w->lossless || !w->source) return DFY_ERROR_MEMORY;
    size_t count = (size_t)dfy_lossless_columns(w->lossless) * (size_t)dfy_lossless_rows(w->lossless);
    w->squares = calloc(count, sizeof *w->squares);
    return w->squares ? DFY_OK : DFY_ERROR_MEMORY;
}

/*
 * Clones are made in upload mode, of stretches of a second, or as much of one as can be looked ahead; not where a
 * reader, who decodes their sources apart, would need more than it takes by default.
 */
static int open_clones(Writer *w, double rate) {
    if (!w->stream.clones) return DFY_OK;
    int least = dfy_clamp((int)(rate < 1000 ? rate : 1000), SHORTEST_CLONES, w->look_ahead - 1);
    w->finder = dfy_clone_finder_new(w->settings.width, w->settings.height, w->settings.clone_distance, least);
    return w->finder ? DFY_OK : DFY_ERROR_MEMORY;
}

/* Where frames are small enough for a second decoder and what it lends to a group; the fastest efforts look at less. */
static int can_have_library(const DfyEncoderSettings *settings, int lossless) {
    return settings->mode == DFY_MODE_TRAINING && !lossless && settings->effort > 1 &&
           frame_bytes(settings) <= LIBRARY_FRAME_BYTES;
}

static int writer_open(void **state, const DfyEncoderSettings *settings, const DfyOutput *output, DfyMessage *message) {
    Writer *w = calloc(1, sizeof *w);
    if (!(*state = w)) return DFY_ERROR_MEMORY;
    w->settings = *settings;
    w->message = message;
    w->stream = (DfyStream){.width = settings->width,
                            .height = settings->height,
                            .frame_rate_num = settings->frame_rate_num,
                            .frame_rate_den = settings->frame_rate_den,
                            .time_base_num = settings->time_base_num,
                            .time_base_den = settings->time_base_den,
                            .matrix = settings->matrix,
                            .range = settings->range,
                            .quality = settings->quality,
                            .mode = settings->mode,
                            .lossless = settings->quality == 100 && !settings->target_size_bytes,
                            .keep = anchors_to_keep(settings)};
    w->stream.library = can_have_library(settings, w->stream.lossless);
    w->stream.clones = settings->mode == DFY_MODE_UPLOAD && !w->stream.lossless &&
                       2 * dfy_player_bytes(&w->stream) <= (uint64_t)1 << 30;
    w->qp = quantiser_of(settings->quality);
    if (settings->target_size_bytes && settings->expected_frames)
        w->rate =
            (DfyRate){.target_bytes = settings->target_size_bytes, .frames = settings->expected_frames, .qp = w->qp};
    else if (settings->target_size_bytes)
        return dfy_fail(message, DFY_ERROR_ARGUMENT,
                        "A size can be aimed at only when the number of frames is known beforehand.");
    w->group = group_frames(settings);
    if (w->group > dfy_group_limit(&w->stream)) w->group = dfy_group_limit(&w->stream);
    w->look_ahead = look_ahead(settings, w->group);
    double rate = (double)settings->frame_rate_num / settings->frame_rate_den;
    /*
     * Two seconds of pictures are the anchors since the entry and the few that lead to one frame of a group. Longer
     * groups would allow for fewer entries, but what is damaged is lost to the next one.
     */
    int chain = (int)(2 * (rate < 1000 ? rate : 1000)) - 6;
    w->entry_interval = (uint64_t)(chain < 1 ? 1 : chain) * SHORT_GROUP + 1;
    w->segment_most = (uint64_t)dfy_clamp((int)(rate < 1000 ? rate * SEGMENT_SECONDS : 10000), GROUP, 10000);
    w->pts = malloc((size_t)(3 * w->segment_most + DFY_MAX_GROUP) * sizeof *w->pts);
    if (open_cycles(w, rate)) return out_of_memory(w);
    int threads = settings->threads ? settings->threads : dfy_processors();
    if (w->stream.lossless) {
        if (!w->pts || open_lossless(w, rate)) return out_of_memory(w);
    } else {
        w->encoder =
            dfy_video_encoder_new(settings->width, settings->height, settings->effort, threads, w->stream.keep);
        if (!w->pts || !w->encoder || open_clones(w, rate)) return out_of_memory(w);
        if (w->stream.library && !(w->library = dfy_library_new(&w->stream, message))) return out_of_memory(w);
    }
    dfy_range_encode_start(&w->coder);
    int status = dfy_v2_writer_open(&w->file, output);
    if (status) return dfy_fail(message, status, "The output can't be written.");
    dfy_put_stream(&w->payload, &w->stream);
    return write_chunk(w, DFY_CHUNK_STREAM, 0, 0, 0);
}

/* Copies a plane and repeats its last column and row out to the coded size. */
static void fill_plane(DfyPlane *plane, const uint8_t *pixels, ptrdiff_t stride, int width, int height) {
    for (int y = 0; y < plane->height; y++) {
        uint8_t *row = plane->pixels + y * plane->stride;
        if (y >= height) {
            memcpy(row, row - plane->stride, (size_t)plane->width);
            continue;
        }
        memcpy(row, pixels + y * stride, (size_t)width);
        memset(row + width, row[width - 1], (size_t)(plane->width - width));
    }
}

static int fill_frame(Writer *w, DfyFrame *frame, const DfyPicture *picture) {
    if (picture->format != DFY_PIXELS_I420) {
        if (!w->converted.plane[0] &&
            dfy_picture_alloc(&w->converted, DFY_PIXELS_I420, picture->width, picture->height))
            return out_of_memory(w);
        w->converted.matrix = w->settings.matrix;
        w->converted.range = w->settings.range;
        dfy_picture_convert(&w->converted, picture);
        picture = &w->converted;
    }
    for (int p = 0; p < 3; p++)
        fill_plane(&frame->plane[p], picture->plane[p], picture->stride_bytes[p],
                   p ? (picture->width + 1) / 2 : picture->width, p ? (picture->height + 1) / 2 : picture->height);
    return DFY_OK;
}

/* ---------------------------------------------------------------- segments */

static int uses_library(const Writer *w) {
    return w->library && dfy_library_is_closed(w->library);
}

/* As so many frames without a library cost. */
static uint64_t cost_of_seeking(const Writer *w, uint64_t frames) {
    return uses_library(w) ? LIBRARY_MORE * frames : frames;
}

static int flush_segment(Writer *w) {
    if (!w->segment_frames) return DFY_OK;
    dfy_range_encode_finish(&w->coder);
    DfySegment segment = {.first_frame = w->segment_first, .frames = w->segment_frames, .plates = w->plates};
    unsigned flags = w->segment_entry ? DFY_CHUNK_ENTRY : 0;
    if (uses_library(w)) {
        segment.library_first = dfy_library_first(w->library);
        segment.library_frames = (uint64_t)dfy_library_frames(w->library);
    }
    dfy_put_segment(&w->payload, &segment, w->pts, dfy_regular_ticks(&w->stream));
    dfy_put_bytes(&w->payload, w->coder.data, w->coder.size);
    if (w->library && !uses_library(w) && dfy_library_note_segment(w->library, &w->payload, flags, &segment))
        return out_of_memory(w);
    int status = write_chunk(w, DFY_CHUNK_SEGMENT, flags, segment.first_frame, segment.frames);
    dfy_range_encode_restart(&w->coder);
    w->segment_frames = 0;
    w->segment_entry = 0;
    return status;
}

/* Whether every queued frame is the one before once more. */
static int queue_is_still(const Writer *w) {
    for (int i = 1; i < w->queued; i++)
        if (!w->queue_repeats[i]) return 0;
    return 1;
}

/*
 * The plate's quantiser below the groups': what is coded once may cost the more the more pictures show it. On 81 to
 * 300 frames of seven clips 4, 8 and 10 were worse than 7; on 1394 frames 9 took 6 % fewer bytes, 11 took 10 %. One
 * frame again and again is to cost what the frame alone costs.
 */
static int plate_finer(const Writer *w) {
    uint64_t frames = w->settings.expected_frames;
    if (queue_is_still(w)) return 0;
    return frames <= 700 ? 7 : frames <= 2000 ? 9 : 11; /* not known: 0 */
}

/* The quantiser a stated size begins with. */
static int find_quantiser(Writer *w, const DfyFrame *plate) {
    DfyRateTrial trial = {.width = w->settings.width,
                          .height = w->settings.height,
                          .effort = w->settings.effort,
                          .threads = w->settings.threads ? w->settings.threads : dfy_processors(),
                          .keep = w->stream.keep,
                          .sources = w->queue,
                          .count = w->queued,
                          .group = w->group,
                          .plate = plate,
                          .plate_finer = plate_finer(w),
                          .entry_interval = w->entry_interval};
    if (dfy_rate_begin(&w->rate, &trial)) return out_of_memory(w);
    w->qp = w->rate.qp;
    return DFY_OK;
}

/* Percent of the squares of a frame that are the plate's, but for what quantising has done to it, with a margin. */
static int plate_shows(const Writer *w, const DfyFrame *now) {
    const DfyFrame *plate = dfy_video_encoder_plate(w->encoder);
    double step = exp2((w->qp - 4) / 3.0); /* squared */
    return plate ? dfy_plate_alike(plate, now, 2 + (uint32_t)(step / (w->plate_of_still ? 8 : 48))) : 0;
}

/* Whether the plate was coded for a still picture that moves by now. */
static int is_too_coarse(const Writer *w) {
    return w->plate_of_still && !queue_is_still(w);
}

/*
 * Whether the scene has become another since the plate was made, as when the light changed: a quarter of the squares
 * are so far from it that they would have to be coded again at every entry. Anything less is left to the anchors.
 */
static int is_stale(const Writer *w, const DfyFrame *now) {
    return is_too_coarse(w) || plate_shows(w, now) < 75;
}

/* Whether the frame to enter with is what the plate was made of: whatever quantising left out was not worth coding. */
static int enters_with_plate(const Writer *w) {
    return !w->since_entry && w->plate_of_still && queue_is_still(w) && plate_shows(w, w->queue[0]) == 100;
}

static int encode_plate(Writer *w, const DfyFrame *plate) {
    DfyRangeCoder coder;
    dfy_range_encode_start(&coder);
    int status = dfy_video_encode_plate(w->encoder, &coder, plate, dfy_clamp(w->qp - plate_finer(w), 0, DFY_MAX_QP));
    dfy_range_encode_finish(&coder);
    dfy_put_bytes(&w->payload, coder.data, coder.size);
    dfy_range_free(&coder);
    w->plates++;
    w->plate_entries = 0;
    w->plate_of_still = queue_is_still(w);
    if (!status && w->library) status = dfy_library_note_plate(w->library, w->payload.data, w->payload.size, w->plates);
    return status ? status : write_chunk(w, DFY_CHUNK_BACKGROUND, 0, 0, 0);
}

/* Makes a plate of the frames in the queue; after the first only where it says something new. */
static int write_plate(Writer *w) {
    DfyFrame *plate = dfy_video_encoder_take(w->encoder);
    if (!plate) return out_of_memory(w);
    int useful = dfy_build_plate(plate, w->queue, w->queued), status = DFY_OK;
    if (useful >= 0 && w->rate.target_bytes && !w->frames) status = find_quantiser(w, useful ? plate : NULL);
    if (useful > 0 && !status && is_stale(w, plate)) status = encode_plate(w, plate);
    dfy_video_encoder_give_back(w->encoder, plate);
    return useful < 0 ? out_of_memory(w) : status;
}

/* Takes the first `frames` off the queue; their times go to pts. */
static void leave_queue(Writer *w, int frames, int64_t *pts) {
    memcpy(pts, w->queue_pts, (size_t)frames * sizeof *pts);
    for (int i = 0; i < frames; i++) dfy_video_encoder_give_back(w->encoder, w->queue[i]);
    w->queued -= frames;
    memmove(w->queue, w->queue + frames, (size_t)w->queued * sizeof *w->queue);
    memmove(w->queue_pts, w->queue_pts + frames, (size_t)w->queued * sizeof *w->queue_pts);
    memmove(w->queue_repeats, w->queue_repeats + frames, (size_t)w->queued);
}

static int tell_progress(Writer *w) {
    if (w->settings.progress &&
        w->settings.progress(w->settings.progress_opaque, DFY_STAGE_FRAMES, w->frames, w->settings.expected_frames))
        return dfy_fail(w->message, DFY_ERROR_CANCELLED, "Encoding was cancelled after %llu frames.",
                        (unsigned long long)w->frames);
    return DFY_OK;
}

/* Whether frames whose times are in pts, and as many more as came last, are longer than the settings let them be. */
static int too_long(const Writer *w, uint64_t frames, uint64_t last) {
    uint64_t ticks = frames ? (uint64_t)w->pts[frames - 1] - (uint64_t)w->pts[0] : 0;
    double seconds = (double)ticks * w->settings.time_base_num / w->settings.time_base_den;
    return w->settings.segment_seconds > 0 &&
           seconds * (double)(frames + last) > w->settings.segment_seconds * (double)frames;
}

/* Frames were coded: they are counted, progress is told, and the segment written when it is large or long enough. */
static int count_frames(Writer *w, uint64_t frames) {
    w->segment_frames += frames;
    w->frames += frames;
    w->since_entry += cost_of_seeking(w, frames);
    if (tell_progress(w)) return DFY_ERROR_CANCELLED;
    uint64_t most = w->coder.size < QUIET_BYTES ? 3 * w->segment_most : w->segment_most;
    if (w->coder.size >= SEGMENT_BYTES || w->segment_frames >= most || too_long(w, w->segment_frames, frames))
        return flush_segment(w);
    return DFY_OK;
}

static uint64_t bytes_so_far(const Writer *w) {
    return w->file.offset_bytes + w->coder.size + w->coder.pending;
}

/* For a stated size: the quantiser of the next group. Near the end, where none will make up for it, by measuring it. */
static int choose_quantiser(Writer *w, int frames, int ahead) {
    uint64_t bytes = bytes_so_far(w), measured;
    w->qp = dfy_rate_next(&w->rate, bytes, w->frames);
    if (w->frames + DFY_RATE_CALM < w->rate.frames) return DFY_OK;
    DfyRateSearch search = DFY_RATE_SEARCH;
    do {
        int status = dfy_video_encoder_measure(w->encoder, w->queue, frames, ahead, w->rate.qp, &measured);
        if (status) return status;
    } while (dfy_rate_correct(&w->rate, &search, measured, frames, bytes, w->frames));
    w->qp = w->rate.qp;
    return DFY_OK;
}

/* ---------------------------------------------------------------- the library */

/* What the pictures of the next group would take from the library, by number. */
static void look_into_library(Writer *w, int frames, DfyLibraryMatch match[DFY_MAX_GROUP + 1]) {
    DfyGroupPicture pictures[DFY_MAX_GROUP];
    const DfyGroupPicture *place[DFY_MAX_GROUP + 1];
    dfy_group_order_pictures(pictures, frames);
    for (int i = 0; i < frames; i++) place[pictures[i].number] = &pictures[i];
    for (int i = 1; i <= frames; i++) {
        const DfyFrame *past = place[i]->past ? w->queue[place[i]->past - 1] : w->since_entry ? w->last_source : NULL;
        const DfyFrame *future = place[i]->future > 0 ? w->queue[place[i]->future - 1] : NULL;
        match[i] = dfy_library_find(w->library, w->queue[i - 1], past, future);
    }
}

/* Whether the first pictures of a group are less unlike by half with the library. */
static int gains(const DfyLibraryMatch match[DFY_MAX_GROUP + 1], int frames) {
    uint64_t before = 0, gain = 0;
    for (int i = 1; i <= frames; i++) {
        before += match[i].before;
        gain += match[i].gain;
    }
    return gain && 2 * gain >= before;
}

/* Whether most matches go on from the one before, to or fro, about as fast as the pictures do. */
static int goes_on(const DfyLibraryMatch match[DFY_MAX_GROUP + 1], int frames) {
    int last = 0, steps = 0, follow = 0;
    for (int i = 1; i <= frames; i++) {
        if (match[i].index < 0) continue;
        int far = last ? abs(match[i].index - match[last].index) : 0;
        steps += last > 0;
        follow += last > 0 && 2 * far >= i - last && far <= 2 * (i - last);
        last = i;
    }
    return 3 * follow >= 2 * steps;
}

/* Lends the pictures of the next group what they may refer to. */
static int lend_from_library(Writer *w, int frames) {
    DfyLibraryMatch match[DFY_MAX_GROUP + 1];
    int32_t left[DFY_MAX_GROUP + 1];
    look_into_library(w, frames, match);
    for (int i = 1; i <= frames; i++) {
        w->unlike += match[i].before;
        w->gain += match[i].gain;
        left[i] = match[i].index;
    }
    for (int i; (i = dfy_earliest_of_library(left, frames)) > 0; left[i] = -1) {
        const DfyFrame *found;
        int status = dfy_library_fetch(w->library, left[i], &found);
        if (!status) status = dfy_video_encoder_lend(w->encoder, i, left[i], found);
        if (status) return status;
    }
    return DFY_OK;
}

/* An entry: the library stays where it is of use, else what is coded from now on may become another. */
static int enter_library(Writer *w) {
    if (!w->library) return DFY_OK;
    int serves = uses_library(w) && w->gain && 4 * w->gain >= w->unlike;
    w->gain = w->unlike = 0;
    if (serves && ++w->library_entries < LIBRARY_ENTRIES) return DFY_OK;
    w->library_entries = 0;
    dfy_video_encoder_set_library(w->encoder, 0);
    return dfy_library_begin(w->library, w->frames);
}

/*
 * Makes a library of the frames since the entry, where the next group goes through them once more, and does so from
 * its beginning, or the first cycle would not be whole. What is alike here and there costs a reader more than it saves.
 */
static int close_library(Writer *w) {
    DfyLibraryMatch match[DFY_MAX_GROUP + 1];
    int frames = w->queued < w->group ? w->queued : w->group;
    if (!w->library || uses_library(w) || dfy_library_frames(w->library) < LIBRARY_LEAST) return DFY_OK;
    look_into_library(w, frames, match);
    if (!gains(match, frames) || !gains(match, frames / 4) || !goes_on(match, frames)) return DFY_OK;
    int status = flush_segment(w);
    if (status) return status;
    dfy_library_close(w->library);
    dfy_video_encoder_set_library(w->encoder, dfy_library_frames(w->library));
    return DFY_OK;
}

/* Codes the first `frames` of the queue; `still`: all repeat the last anchor. */
static int code_group(Writer *w, int frames, int still) {
    if (!w->segment_frames) w->segment_first = w->frames;
    uint64_t before = bytes_so_far(w);
    int ahead = w->queued - frames < w->group ? w->queued - frames : w->group;
    if (uses_library(w) && !still && lend_from_library(w, frames)) return out_of_memory(w);
    if (w->library && !uses_library(w) && dfy_library_note_frames(w->library, w->queue, frames))
        return out_of_memory(w);
    if (w->rate.target_bytes && w->frames && !still && choose_quantiser(w, frames, ahead)) return out_of_memory(w);
    int qp = enters_with_plate(w) ? dfy_clamp(w->qp + 6, 0, DFY_MAX_QP) : w->qp;
    int status = still ? dfy_video_encode_still(w->encoder, &w->coder, frames)
                       : dfy_video_encode_group(w->encoder, &w->coder, w->queue, frames, ahead, qp);
    if (status) return out_of_memory(w);
    uint64_t bytes = bytes_so_far(w) - before;
    if (w->finder && dfy_clone_finder_coded(w->finder, frames, bytes)) return out_of_memory(w);
    dfy_video_encoder_give_back(w->encoder, w->last_source);
    w->last_source = w->queue[frames - 1];
    w->queue[frames - 1] = NULL;
    leave_queue(w, frames, w->pts + w->segment_frames);
    if (w->rate.target_bytes && w->since_entry) dfy_rate_learn(&w->rate, bytes, frames, w->frames + (uint64_t)frames);
    return count_frames(w, (uint64_t)frames);
}

/* Of the first `most` frames of the queue those that repeat the last one coded. */
static int repeats(const Writer *w, int most) {
    int count = 0;
    while (count < most && count < dfy_group_limit(&w->stream) && w->queue_repeats[count]) count++;
    return count;
}

/* About the usual length, or what is left; the group may end a little sooner or later where a kept anchor is alike. */
static int group_length(const Writer *w, int most) {
    if (most > dfy_group_limit(&w->stream)) most = dfy_group_limit(&w->stream);
    return dfy_video_encoder_group_length(w->encoder, w->queue, most, w->group < most ? w->group : most);
}

static int is_entry_due(const Writer *w) {
    return !w->frames || w->since_entry + cost_of_seeking(w, (uint64_t)w->group) > w->entry_interval;
}

/* Codes a group of the queue's first `most` frames. */
static int code_some(Writer *w, int most) {
    if (is_entry_due(w)) { /* its first group is one frame */
        int status = flush_segment(w);
        int due = w->frames && (++w->plate_entries >= PLATE_ENTRIES || is_too_coarse(w));
        if (!status && due) status = write_plate(w);
        if (status) return status;
        dfy_video_encoder_enter(w->encoder);
        w->segment_entry = 1;
        w->since_entry = 0;
        return enter_library(w) ? out_of_memory(w) : code_group(w, 1, 0);
    }
    int still = repeats(w, most), status = close_library(w);
    if (status) return status;
    return still >= STILL || still == most ? code_group(w, still, 1) : code_group(w, group_length(w, most), 0);
}

/*
 * Codes what is queued, leaving as much as later groups are to be seen with, unless `all`. What may turn out to be
 * clones waits as long as there is room for it.
 */
static int code_queue(Writer *w, int all) {
    int status = DFY_OK;
    if (!w->frames && w->queued) status = write_plate(w);
    while (!status && w->queued >= (all ? 1 : w->look_ahead - 1)) {
        int waiting = w->finder && !all ? dfy_clone_finder_undecided(w->finder) : 0;
        status = code_some(w, w->queued - (waiting < w->queued ? waiting : 0));
    }
    return status;
}

/* ---------------------------------------------------------------- clones */

/* Writes the clones found, a chunk for each stretch whose sources do not jump back. */
static int write_clones(Writer *w) {
    if (!w->clones) return DFY_OK;
    uint64_t first = w->frames - w->clones, count;
    const uint64_t *sources = dfy_clone_finder_sources(w->finder, &count);
    if (!sources || count != w->clones) return out_of_memory(w);
    for (uint64_t from = 0, i = 1; i <= count; i++) {
        if (i < count && sources[i] >= sources[i - 1]) continue;
        DfySegment segment = {.first_frame = first + from, .frames = i - from};
        dfy_put_clones(&w->payload, &segment, w->pts + from, dfy_regular_ticks(&w->stream), sources + from);
        int status = write_chunk(w, DFY_CHUNK_CLONE, 0, segment.first_frame, segment.frames);
        if (status) return status;
        from = i;
    }
    w->clones = 0;
    return DFY_OK;
}

/* The last `found` frames of the queue are clones: those before them are coded, and they need be no more. */
static int take_clones(Writer *w, int found) {
    int status = DFY_OK;
    while (!status && w->queued > found) status = code_some(w, w->queued - found);
    if (!status) status = flush_segment(w);
    if (status) return status;
    leave_queue(w, found, w->pts + w->clones);
    w->clones += (uint64_t)found;
    w->frames += (uint64_t)found;
    status = tell_progress(w);
    int enough = w->clones >= w->segment_most || too_long(w, w->clones, (uint64_t)found);
    return !status && enough ? write_clones(w) : status;
}

/* Looks whether the last frame of the queue, or more of them, are clones. */
static int look_for_clones(Writer *w) {
    int found;
    if (!w->finder) return DFY_OK;
    if (dfy_clone_finder_look(w->finder, w->queue[w->queued - 1], &found)) return out_of_memory(w);
    return found ? take_clones(w, found) : write_clones(w);
}

/* ---------------------------------------------------------------- pushing */

static int push_lossless(Writer *w, const DfyPicture *picture) {
    int status = fill_frame(w, w->source, picture);
    if (!status && dfy_frame_make_thumbnail(w->source)) status = out_of_memory(w);
    if (!status) status = look_for_cycles(w, w->source);
    if (status) return status;
    if (!w->frames || w->since_entry >= w->entry_interval) {
        if ((status = flush_segment(w))) return status;
        dfy_lossless_enter(w->lossless);
        w->segment_entry = 1;
        w->since_entry = 0;
    } else {
        dfy_lossless_search(w->lossless, w->source, w->settings.width, w->settings.height, w->settings.effort,
                            w->squares);
    }
    if (!w->segment_frames) w->segment_first = w->frames;
    w->pts[w->segment_frames] = picture->pts;
    dfy_lossless_code(w->lossless, &w->coder, w->source, w->squares);
    return w->coder.failed ? out_of_memory(w) : count_frames(w, 1);
}

static int writer_push(void *state, const DfyPicture *picture) {
    Writer *w = state;
    if (w->lossless) return push_lossless(w, picture);
    DfyFrame *frame = dfy_video_encoder_take(w->encoder);
    if (!frame) return out_of_memory(w);
    int status = fill_frame(w, frame, picture);
    if (!status && dfy_frame_make_thumbnail(frame)) status = out_of_memory(w);
    if (!status) status = look_for_cycles(w, frame);
    const DfyFrame *before = w->queued ? w->queue[w->queued - 1] : w->last_source;
    w->queue_pts[w->queued] = picture->pts;
    w->queue_repeats[w->queued] = before && dfy_frame_same(before, frame);
    w->queue[w->queued++] = frame;
    if (!status) status = look_for_clones(w);
    if (!status && w->queued >= w->look_ahead) status = code_queue(w, 0);
    return status;
}

static int writer_finish(void *state, DfyEncoderStats *stats) {
    Writer *w = state;
    int status = write_clones(w);
    if (!status) status = code_queue(w, 1);
    if (!status) status = flush_segment(w);
    if (!status && dfy_cycle_log_finish(&w->cycles)) status = out_of_memory(w);
    if (!status) status = write_cycles(w);
    stats->cycles = w->cycles_told;
    stats->canonicals = w->canonicals_told;
    if (!status && dfy_v2_writer_finish(&w->file))
        status = dfy_fail(w->message, DFY_ERROR_IO, "The output can't be written: is the disk full?");
    if (!status && w->settings.progress)
        w->settings.progress(w->settings.progress_opaque, DFY_STAGE_DONE, w->frames, w->frames);
    return status;
}

static void writer_close(void *state) {
    Writer *w = state;
    for (int i = 0; i < w->queued; i++) dfy_video_encoder_give_back(w->encoder, w->queue[i]);
    dfy_video_encoder_give_back(w->encoder, w->last_source);
    dfy_video_encoder_free(w->encoder);
    dfy_clone_finder_free(w->finder);
    dfy_library_free(w->library);
    dfy_lossless_free(w->lossless);
    dfy_frame_free(w->source);
    dfy_cycle_log_close(&w->cycles);
    free(w->squares);
    dfy_v2_writer_close(&w->file);
    dfy_range_free(&w->coder);
    dfy_buffer_free(&w->payload);
    dfy_picture_free(&w->converted);
    free(w->pts);
    free(w);
}

const DfyFormatWriter dfy_v2_writer = {
    .version = 2, .open = writer_open, .push = writer_push, .finish = writer_finish, .close = writer_close};
