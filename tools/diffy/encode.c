/* `diffy encode`: any input to a .dfy file, streaming; Ctrl-C finishes the file with the frames so far. */
#include "meaning.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analysis.h"
#include "encode_options.h"
#include "episodes.h"
#include "gyro.h"
#include "live.h"
#include "pace.h"
#include "recording.h"
#include "splitting.h"

#define STRETCH_SECONDS 1800.0 /* see make_plan */
#define LIVE_SECONDS 2.0       /* that a crash of a recording from a camera loses */
#define LOOK_AHEAD_FRAMES 33   /* that an encoder holds back besides a segment, when that is short */

typedef struct Encoding {
    EncodeOptions options;
    Source source;
    Scaler *scaler;
    Recording recording;
    GyroLog gyro;
    Progress progress;
    uint64_t pushed;
    int has_sound;
    DfySound sound;
    int stage;                  /* of the library; -1 before it told one */
    char metadata[140];         /* of a part */
    Analysis analysis;          /* given by --analysis */
    uint64_t step;              /* frames from one that is taken to the next, for `diffy analyse` */
    const char *input, *output; /* as they were given */
    char name[4200];            /* of the file being written */
    unsigned files;             /* that are complete */
    int64_t base_pts;           /* of the input, that the file begins with */
    double opened;              /* seconds by the clock */
    Pace pace;                  /* of a camera */
} Encoding;

static const char *const stage_names[] = {"background model", "frame encoding", "cycle compression", "done"};

static int on_progress(void *opaque, DfyStage stage, uint64_t done, uint64_t total) {
    Encoding *e = opaque;
    if ((int)stage != e->stage && e->stage >= 0) progress_start(&e->progress, e->options.progress);
    e->stage = (int)stage;
    done += e->recording.stretch;
    progress_show(&e->progress, stage_names[stage], done, total ? total : e->options.settings.expected_frames);
    return 0;
}

/* Settings that follow from the input: size, rate, time base, colour, length. */
static int settle(Encoding *e) {
    SourceFacts *facts = &e->source.facts;
    DfyEncoderSettings *s = &e->options.settings;
    if (e->options.fps > 0)
        rate_from_number(e->options.fps, &facts->rate_num, &facts->rate_den);
    else if (facts->rate_num < 1)
        facts->rate_num = 30, facts->rate_den = 1;
    if (e->options.fps > 0 || facts->time_base_num < 1) {
        facts->time_base_num = facts->rate_den;
        facts->time_base_den = facts->rate_num;
    }
    int square = e->options.pixels && !strcmp(e->options.pixels, "square");
    size_wanted(facts, e->options.max_width, square, &s->width, &s->height);
    s->frame_rate_num = facts->rate_num;
    s->frame_rate_den = facts->rate_den;
    s->time_base_num = facts->time_base_num;
    s->time_base_den = facts->time_base_den;
    s->primaries = facts->primaries;
    s->transfer = facts->transfer;
    s->matrix = facts->matrix;
    s->range = facts->range;
    s->sample_aspect_num = square ? 1 : facts->sample_aspect_num;
    s->sample_aspect_den = square ? 1 : facts->sample_aspect_den;
    s->orientation = facts->orientation;
    s->start_unix_us = facts->start_unix_us;
    s->expected_frames = facts->expected_frames;
    if (e->options.frames > 0 && (!s->expected_frames || s->expected_frames > (uint64_t)e->options.frames))
        s->expected_frames = facts->expected_frames ? (uint64_t)e->options.frames : 0;
    double lost = e->options.segment_seconds > 0 ? e->options.segment_seconds : facts->is_live ? LIVE_SECONDS : 0;
    double ahead = (double)LOOK_AHEAD_FRAMES * s->frame_rate_den / s->frame_rate_num;
    s->segment_seconds = lost > 1.25 * ahead ? lost - ahead : 0.2 * lost;
    s->progress = on_progress;
    s->progress_opaque = e;
    if (s->width == facts->width && s->height == facts->height) return STATUS_GOOD;
    return scaler_open(&e->scaler, facts, s->width, s->height);
}

/* Gyroscope samples up to the time of the frame that comes next. */
static int push_gyro_until(Encoding *e, double seconds) {
    const GyroSample *sample;
    double dt;
    while ((sample = gyro_log_until(&e->gyro, seconds, &dt)))
        if (recording_push_gyro(&e->recording, sample->rate, dt)) return STATUS_FAILED;
    return STATUS_GOOD;
}

/* Whether the file will have sound: where the input has, and times stay as they are. */
static int find_sound(Encoding *e, const char *path) {
    if (source_sound(&e->source, &e->sound)) return STATUS_GOOD;
    if (e->options.settings.format == 1 || e->options.fps > 0) {
        warn("The sound of %s is left out: %s.", path,
             e->options.fps > 0 ? "--fps changes the frame times" : "format 1 can't store sound");
        return STATUS_GOOD;
    }
    e->has_sound = 1;
    return STATUS_GOOD;
}

/* A file's times begin with its first picture. */
static int push_shifted(Encoding *e, DfySoundPacket *packet) {
    const DfyEncoderSettings *s = &e->options.settings;
    double seconds = (double)e->base_pts * s->time_base_num / s->time_base_den;
    packet->pts -= (int64_t)(seconds * e->sound.time_base_den / e->sound.time_base_num + 0.5);
    return recording_push_sound(&e->recording, packet);
}

/* Copies the packets that have come with the pictures so far; those of frames before a part belong to another. */
static int push_sound(Encoding *e) {
    DfySoundPacket packet;
    while (e->has_sound && !source_next_sound(&e->source, &packet))
        if (e->pushed > e->recording.plan.first_frame && push_shifted(e, &packet)) return STATUS_FAILED;
    return STATUS_GOOD;
}

static void tell_result(const Encoding *e, const DfyEncoderStats *stats, const char *output, double seconds) {
    if (!e->progress.visible) return;
    const DfyEncoderSettings *s = &e->options.settings;
    double raw =
        (double)stats->frames * ((double)s->width * s->height + 2.0 * ((s->width + 1) / 2) * ((s->height + 1) / 2));
    char effort[80] = "";
    if (e->pace.changes)
        snprintf(effort, sizeof effort, ", effort %d to %d (%d changes, to keep up)", e->pace.lowest, e->pace.most,
                 e->pace.changes);
    fprintf(stderr, "%s: %llu frames, %llu bytes (%.0f per frame, 1:%.0f), %u cycles, %.1f s, %.0f fps%s\n", output,
            (unsigned long long)stats->frames, (unsigned long long)stats->bytes,
            (double)stats->bytes / (double)stats->frames, raw / (double)stats->bytes, stats->cycles, seconds,
            (double)stats->frames / seconds, effort);
}

/* A size that even the lowest quality doesn't come down to. */
static void tell_missed_target(const Encoding *e, const DfyEncoderStats *stats, const char *output) {
    uint64_t target = e->options.settings.target_size_bytes;
    if (!target || stats->bytes <= target + target / 10) return;
    warn("%s has %llu bytes instead of %llu: use a smaller picture (--max-width) or fewer frames.", output,
         (unsigned long long)stats->bytes, (unsigned long long)target);
}

/*
 * Where the input is cut into stretches. --parts says it; else they are so long that what each costs, a background and
 * the first of what repeats, does not tell, and a crash of a day's work costs no more than encoding one of them again.
 */
static int make_plan(Encoding *e, const char *input, const char *output, RecordingPlan *plan) {
    const EncodeOptions *o = &e->options;
    const DfyEncoderSettings *s = &o->settings;
    uint64_t frames = s->expected_frames;
    double stretch = o->stretch_seconds > 0 ? o->stretch_seconds : STRETCH_SECONDS;
    *plan = (RecordingPlan){.input = input,
                            .output = output,
                            .settings = *s,
                            .resume = o->resume,
                            .resumable = !o->episodes && !o->starts_path && !o->split_text && !e->source.facts.is_live,
                            .sound = e->has_sound ? &e->sound : NULL};
    if (s->format == 1 || s->target_size_bytes)
        plan->stretch_frames = 0;
    else if (!o->parts)
        plan->stretch_frames = (uint64_t)(stretch * s->frame_rate_num / s->frame_rate_den) + 1;
    else if (frames)
        plan->stretch_frames = (frames + (uint64_t)o->parts - 1) / (uint64_t)o->parts;
    if (!o->parts) return STATUS_GOOD;
    if (!plan->stretch_frames)
        return complain(
            "%s can't be encoded in parts: the number of frames must be known, and --target-size can't be used.",
            input);
    if (!o->part) return STATUS_GOOD;
    plan->first_frame = (uint64_t)(o->part - 1) * plan->stretch_frames;
    char analysis[40] = "";
    if (e->analysis.background)
        snprintf(analysis, sizeof analysis, ", \"analysis\": \"%08x\"", (unsigned)e->analysis.check);
    snprintf(e->metadata, sizeof e->metadata, "{\"part\": %d, \"parts\": %d, \"first_frame\": %llu%s}", o->part,
             o->parts, (unsigned long long)plan->first_frame, analysis);
    plan->metadata = e->metadata;
    return STATUS_GOOD;
}

/* Ends the file that is being written. */
static int finish_file(Encoding *e, double start) {
    DfyEncoderStats stats;
    if (recording_finish(&e->recording, &stats)) return STATUS_FAILED;
    progress_end(&e->progress);
    tell_result(e, &stats, e->name, seconds_now() - start);
    tell_missed_target(e, &stats, e->name);
    e->files++;
    return e->options.keep_seconds > 0 ? split_delete_old(e->output, e->options.keep_seconds) : STATUS_GOOD;
}

/* Opens the file that begins with the picture at these ticks. */
static int open_file(Encoding *e, int64_t pts) {
    const DfyEncoderSettings *s = &e->options.settings;
    RecordingPlan plan;
    e->base_pts = pts;
    snprintf(e->name, sizeof e->name, "%s", e->output);
    if (make_plan(e, e->input, e->name, &plan)) return STATUS_FAILED;
    if (e->options.split_seconds > 0) {
        double seconds = (double)pts * s->time_base_num / s->time_base_den;
        if (s->start_unix_us) plan.settings.start_unix_us = s->start_unix_us + (int64_t)(seconds * 1e6);
        split_name(e->name, sizeof e->name, e->output, plan.settings.start_unix_us, e->files + 1);
        plan.settings.expected_frames = 0;
    }
    return recording_open(&e->recording, &plan);
}

/* Begins another file where it is time. */
static int split(Encoding *e, int64_t pts) {
    const DfyEncoderSettings *s = &e->options.settings;
    double seconds = (double)(pts - e->base_pts) * s->time_base_num / s->time_base_den;
    if (e->options.split_seconds <= 0 || seconds < e->options.split_seconds) return STATUS_GOOD;
    if (finish_file(e, e->opened)) return STATUS_FAILED;
    recording_close(&e->recording);
    e->opened = seconds_now();
    return open_file(e, pts);
}

/* A camera does not wait: the effort follows from how the machine keeps up. seconds: the picture's time. */
static int keep_up(Encoding *e, double seconds) {
    int before = e->pace.effort;
    if (!e->source.facts.is_live || !pace_changes(&e->pace, seconds_now(), seconds)) return STATUS_GOOD;
    int effort = e->options.settings.effort = e->pace.effort;
    warn(effort < before ? "This machine can't keep up with %s: lowering the effort from frame %llu on to %d."
                         : "This machine has time to spare for %s: raising the effort from frame %llu on to %d.",
         e->input, (unsigned long long)e->pushed, effort);
    return recording_set_effort(&e->recording, effort);
}

/* Where stretches begin by frames, or files by time, an episode of the input could not be kept whole. */
static int keeps_episodes(const EncodeOptions *o) {
    return !o->parts && !o->resume && o->split_seconds <= 0 && o->settings.format > 1;
}

static int push_one(Encoding *e, DfyPicture *picture) {
    const DfyEncoderSettings *s = &e->options.settings;
    int passed_over = e->recording.pushed < e->recording.skip;
    if (e->scaler && !passed_over && scaler_run(e->scaler, picture, picture)) return STATUS_FAILED;
    if (e->options.fps > 0) picture->pts = (int64_t)e->pushed;
    double seconds = (double)picture->pts * s->time_base_num / s->time_base_den;
    if (e->options.imu && push_gyro_until(e, seconds)) return STATUS_FAILED;
    if (keep_up(e, seconds)) return STATUS_FAILED;
    if (split(e, picture->pts)) return STATUS_FAILED;
    if (e->options.split_seconds > 0) picture->pts -= e->base_pts;
    const char *episode = keeps_episodes(&e->options) ? source_episode(&e->source) : NULL;
    double frame = (double)s->frame_rate_den / s->frame_rate_num;
    if (e->options.starts_path) episode = episode_starts_at(&e->options.starts, seconds + frame / 2);
    if (episode && recording_begin_episode(&e->recording, episode)) return STATUS_FAILED;
    double began = seconds_now();
    if (recording_push(&e->recording, picture)) return STATUS_FAILED;
    pace_worked(&e->pace, seconds_now() - began);
    e->pushed++;
    if (push_sound(e)) return STATUS_FAILED;
    if (e->stage < 0) progress_show(&e->progress, "reading", e->pushed, s->expected_frames);
    return STATUS_GOOD;
}

/* The input ended by itself: how long its last picture is shown. */
static int tell_last_ticks(Encoding *e) {
    if (push_sound(e)) return STATUS_FAILED;
    int64_t ticks = e->options.fps > 0 ? 0 : source_last_ticks(&e->source);
    return ticks < 1 ? STATUS_GOOD : recording_last_ticks(&e->recording, ticks);
}

/* The frame to stop before; 0: none. */
static uint64_t end_frame(const Encoding *e) {
    const EncodeOptions *o = &e->options;
    uint64_t end = o->frames > 0 ? (uint64_t)o->frames : 0;
    if (o->analyses && (!end || end > e->step * ANALYSIS_SAMPLES)) end = e->step * ANALYSIS_SAMPLES;
    if (o->part && o->part < o->parts) end = e->recording.plan.first_frame + e->recording.plan.stretch_frames;
    return end;
}

static int push_all(Encoding *e, const char *path) {
    DfyPicture picture;
    uint64_t first = e->recording.plan.first_frame, end = end_frame(e);
    int ended = 0;
    while (!interrupted() && (!end || e->pushed < end)) {
        int status = source_next(&e->source, &picture);
        if (status == DFY_END) {
            ended = 1;
            break;
        }
        if (status < 0) return STATUS_FAILED;
        if (e->pushed < first || e->pushed % e->step) {
            e->pushed++;
            if (push_sound(e)) return STATUS_FAILED;
        } else if (push_one(e, &picture))
            return STATUS_FAILED;
    }
    if (hung_up() && !e->source.facts.is_live)
        return complain("The terminal was closed after frame %llu.", (unsigned long long)e->pushed);
    if (e->pushed <= first && first)
        return complain("%s has no frame %llu, so it has no part %d.", path, (unsigned long long)first,
                        e->options.part);
    if (!e->pushed) return complain("%s: no frame was read, so there is nothing to encode.", path);
    return ended ? tell_last_ticks(e) : STATUS_GOOD;
}

/* With --resume: a file that is complete needs nothing more. */
static int is_done(const Encoding *e, const char *output) {
    struct stat facts;
    char part[4100];
    snprintf(part, sizeof part, "%s.part", output);
    if (!e->options.resume || stat(output, &facts) || !S_ISREG(facts.st_mode) || !stat(part, &facts)) return 0;
    if (e->progress.visible) fprintf(stderr, "%s is already complete\n", output);
    return 1;
}

/* What was found before; or, for one that finds it, which frames it looks at. */
static int use_analysis(Encoding *e) {
    DfyEncoderSettings *s = &e->options.settings;
    uint64_t length = s->expected_frames ? s->expected_frames : (uint64_t)e->options.frames;
    double rate = (double)s->frame_rate_num / s->frame_rate_den;
    e->step = 1;
    if (e->options.analyses && length) e->step = length / ANALYSIS_SAMPLES;
    if (e->options.analyses && !length) e->step = (uint64_t)(rate + 0.5);
    if (!e->step) e->step = 1;
    if (!e->options.analysis_path) return STATUS_GOOD;
    if (analysis_read(&e->analysis, e->options.analysis_path, s)) return STATUS_FAILED;
    s->background = e->analysis.background;
    s->background_bytes = e->analysis.background_bytes;
    return STATUS_GOOD;
}

static int encode(Encoding *e, const char *input, const char *output) {
    int status = dfy_output_spares(output, input);
    if (status) return status;
    if (is_done(e, output)) return STATUS_GOOD;
    if (e->options.resume && is_live(input))
        return complain_usage("A camera can't be rewound: finish %s.part with diffy repair.", output);
    interrupt_wakes();
    int opened = e->options.episodes ? episodes_open(&e->source, input, &e->options.source)
                                     : source_open(&e->source, input, &e->options.source);
    if (opened) return STATUS_FAILED;
    if (settle(e)) return STATUS_FAILED;
    if (e->options.imu && gyro_log_open(&e->gyro, e->options.imu)) return STATUS_FAILED;
    if (find_sound(e, input) || use_analysis(e)) return STATUS_FAILED;
    e->input = input;
    e->output = output;
    if (open_file(e, 0)) return STATUS_FAILED;
    progress_start(&e->progress, e->options.progress);
    e->opened = seconds_now();
    pace_begin(&e->pace, e->options.settings.effort, e->opened);
    if (push_all(e, input) || finish_file(e, e->opened)) return STATUS_FAILED;
    const char *first;
    uint64_t skipped = e->options.source.on_error == ON_ERROR_SKIP ? source_skipped(&e->source, &first) : 0;
    if (skipped)
        return complain("%s is complete, but %llu unreadable piece%s of %s %s skipped. The first: %s", output,
                        (unsigned long long)skipped, skipped == 1 ? "" : "s", input, skipped == 1 ? "was" : "were",
                        first);
    if (interrupted() && !e->source.facts.is_live)
        return complain("Stopped after frame %llu: %s is complete up to there.", (unsigned long long)e->pushed,
                        e->name);
    return STATUS_GOOD;
}

/* One recording, from an input to an output. */
static int encode_one(const EncodeOptions *options, const char *input, const char *output) {
    Encoding e = {.options = *options, .stage = -1, .recording.file.handle = -1};
    int status = encode(&e, input, output);
    progress_end(&e.progress);
    recording_close(&e.recording);
    gyro_log_close(&e.gyro);
    scaler_close(&e.scaler);
    source_close(&e.source);
    analysis_free(&e.analysis);
    return status;
}

/* Each recording of a folder or zip into a file of its own; one that fails is told, and the others go on. */
static int encode_batch(const EncodeOptions *options, const char *input, const char *folder) {
    Batch batch;
    size_t failed = 0;
    int status = batch_open(&batch, input);
    if (!status && mkdir(folder, 0777) && errno != EEXIST)
        status = complain("%s can't be made (%s).", folder, strerror(errno));
    size_t length = strlen(folder);
    for (size_t i = 0; i < batch.count && !status && !interrupted(); i++) {
        BatchItem *item = &batch.items[i];
        EncodeOptions own = *options;
        char output[4096];
        own.source.within = item->within;
        snprintf(output, sizeof output, "%s%s%s.dfy", folder, length && folder[length - 1] == '/' ? "" : "/",
                 item->name);
        failed += batch_ready(&batch, item) || encode_one(&own, item->path, output) != STATUS_GOOD;
        batch_done(item);
    }
    if (!status && failed)
        status =
            complain("%zu of %zu recordings in %s could not be encoded, or only in part.", failed, batch.count, input);
    batch_free(&batch);
    return status;
}

int run_encode(int argc, char **argv) {
    EncodeOptions options = {0};
    const char *paths[2];
    int status = parse_encode_options(&options, argc, argv, paths);
    if (status != PARSE_GO_ON) return status;
    if (options.starts_path && batch_wanted(paths[1]))
        return complain_usage("With --episode-starts, OUTPUT must be a .dfy file, not a folder.");
    if (options.starts_path && episode_starts_read(&options.starts, options.starts_path)) return STATUS_FAILED;
    if (options.starts_path) {
        status = encode_one(&options, paths[0], paths[1]);
        episode_starts_free(&options.starts);
        return status;
    }
    if (options.episodes && batch_wanted(paths[1]))
        return complain_usage("With --episodes, OUTPUT must be a .dfy file, not a folder.");
    return batch_wanted(paths[1]) ? encode_batch(&options, paths[0], paths[1])
                                  : encode_one(&options, paths[0], paths[1]);
}

int run_analyse(int argc, char **argv) {
    EncodeOptions options = {.analyses = 1};
    const char *paths[2];
    int status = parse_encode_options(&options, argc, argv, paths);
    if (status != PARSE_GO_ON) return status;
    status = encode_one(&options, paths[0], paths[1]);
    if (status) return status;
    Analysis found;
    status = analysis_read(&found, paths[1], NULL);
    analysis_free(&found);
    if (status) unlink(paths[1]);
    return status;
}
