/* `diffy encode`: any input to a .dfy file, streaming; Ctrl-C finishes the file with the frames so far. */
#include "source.h"

#include <stdlib.h>
#include <string.h>

#include "gyro.h"

typedef struct EncodeOptions {
    const char *mode, *progress, *imu, *camera;
    int format, no_temporal, no_bbox, max_width, frames; /* format 0: not said */
    double fps;
    DfyEncoderSettings settings;
} EncodeOptions;

typedef struct Encoding {
    EncodeOptions options;
    Source source;
    Scaler *scaler;
    OutputFile file;
    DfyEncoder *encoder;
    GyroLog gyro;
    Progress progress;
    uint64_t pushed;
    int stage; /* of the library; -1 before it told one */
} Encoding;

static const char usage_text[] =
    "INPUT   any video that libav reads, .y4m, - (Y4M on stdin), a folder or .zip of PNG or JPEG images, or a .dfy\n"
    "OUTPUT  the .dfy file; it appears under its name only when it is complete. Ctrl-C completes it with the frames\n"
    "        so far; a second Ctrl-C gives up.\n";

/* Options that only version 1 has choose it, and contradict version 2. */
static int choose_format(EncodeOptions *o) {
    const char *own = o->imu               ? "--imu"
                      : o->settings.use_vq ? "--vq"
                      : o->no_temporal     ? "--no-temporal"
                      : o->no_bbox         ? "--no-bbox"
                                           : NULL;
    if (own && o->format > 1) return complain_usage("%s needs --format 1: version 2 has nothing like it.", own);
    if (own || o->format) o->settings.format = own ? 1 : o->format;
    return PARSE_GO_ON;
}

static int parse(EncodeOptions *o, int argc, char **argv, const char **paths) {
    DfyEncoderSettings *s = &o->settings;
    dfy_encoder_defaults(s);
    o->mode = "training";
    o->progress = "auto";
    double most = INT32_MAX;
    const Option options[] = {
        {"--quality", "-q", OPTION_INT, &s->quality, "1..100",
         "1 smallest, 100 best and in format 2 lossless (default 25)", 1, 100},
        {"--format", NULL, OPTION_INT, &o->format, "1|2",
         "version of the file format (default 2; 1 for its own options)", 1, 2},
        {"--mode", NULL, OPTION_TEXT, &o->mode, "training|upload",
         "training keeps every frame's own pixels (default);\n" //
         "                             upload shows a repetition that is near enough as what it repeats,\n"
         "                             not its own pixels: what differed is lost",
         0, 0},
        {"--clone-distance", NULL, OPTION_NUMBER, &s->clone_distance, "D",
         "upload: largest mean difference of a clone from what it shows, in 8-bit levels (default\n"
         "                             2); in format 2 at most 8 D in any of 64 x 36 cells",
         0, 255},
        {"--effort", NULL, OPTION_INT, &s->effort, "1..9", "1 fastest, 9 smallest (default 5)", 1, 9},
        {"--target-size", NULL, OPTION_BYTES, &s->target_size_bytes, "BYTES", "size to reach, as 200k or 10M", 0, 0},
        {"--threads", NULL, OPTION_INT, &s->threads, "N", "0: as many as there are processors (default)", 0, 64},
        {"--max-width", NULL, OPTION_INT, &o->max_width, "PX", "scales wider input down to this width", 1,
         DFY_MAX_DIMENSION},
        {"--frames", NULL, OPTION_INT, &o->frames, "N", "stops after N frames", 1, most},
        {"--fps", NULL, OPTION_NUMBER, &o->fps, "F", "frame rate of images (default 30), or instead of the input's",
         0.001, 1000},
        {"--imu", NULL, OPTION_TEXT, &o->imu, "CSV", "gyroscope samples, columns t,x,y,z in s and rad/s (format 1)", 0,
         0},
        {"--camera", NULL, OPTION_TEXT, &o->camera, "FX,FY,CX,CY", "camera matrix in pixels, for --imu", 0, 0},
        {"--warmup-frames", NULL, OPTION_INT, &s->warmup_frames, "N",
         "frames the background is learnt from (default 300)", 1, most},
        {"--no-temporal", NULL, OPTION_FLAG, &o->no_temporal, NULL, "format 1: no P pictures", 0, 0},
        {"--no-bbox", NULL, OPTION_FLAG, &o->no_bbox, NULL, "format 1: code whole pictures, not the foreground's box",
         0, 0},
        {"--vq", NULL, OPTION_FLAG, &s->use_vq, NULL, "format 1: vector-quantised canonical cycles", 0, 0},
        {"--memory-limit", NULL, OPTION_BYTES, &s->memory_limit_bytes, "BYTES", "what may be held, as 4G (default 2G)",
         0, 0},
        {"--progress", NULL, OPTION_TEXT, &o->progress, "auto|always|never", "the line on the terminal", 0, 0},
    };
    const Usage usage = {"diffy encode [options] INPUT OUTPUT.dfy", usage_text, options,
                         sizeof options / sizeof *options,          2,          2};
    int status = parse_options(&usage, argc, argv, paths);
    if (status != PARSE_GO_ON) return status;
    status = choose_format(o);
    if (status != PARSE_GO_ON) return status;
    s->mode = !strcmp(o->mode, "upload") ? DFY_MODE_UPLOAD : DFY_MODE_TRAINING;
    s->use_temporal = !o->no_temporal;
    s->use_bbox = !o->no_bbox;
    s->has_imu = o->imu != NULL;
    double *k = s->camera_matrix;
    if (o->camera && sscanf(o->camera, "%lf,%lf,%lf,%lf", &k[0], &k[4], &k[2], &k[5]) != 4)
        return complain_usage("--camera %s is not FX,FY,CX,CY.", o->camera);
    if (o->camera && !o->imu) return complain_usage("--camera is of use only together with --imu.");
    if (o->camera) k[8] = 1;
    return PARSE_GO_ON;
}

static const char *const stage_names[] = {"background model", "frame encoding", "cycle compression", "done"};

static int on_progress(void *opaque, DfyStage stage, uint64_t done, uint64_t total) {
    Encoding *e = opaque;
    if ((int)stage != e->stage && e->stage >= 0) progress_start(&e->progress, e->options.progress);
    e->stage = (int)stage;
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
    s->width = facts->width;
    s->height = facts->height;
    s->frame_rate_num = facts->rate_num;
    s->frame_rate_den = facts->rate_den;
    s->time_base_num = facts->time_base_num;
    s->time_base_den = facts->time_base_den;
    s->matrix = facts->matrix;
    s->range = facts->range;
    s->expected_frames = facts->expected_frames;
    if (e->options.frames > 0 && (!s->expected_frames || s->expected_frames > (uint64_t)e->options.frames))
        s->expected_frames = facts->expected_frames ? (uint64_t)e->options.frames : 0;
    s->progress = on_progress;
    s->progress_opaque = e;
    if (e->options.max_width < 1 || facts->width <= e->options.max_width) return STATUS_GOOD;
    s->width = e->options.max_width;
    s->height = (int)((int64_t)facts->height * s->width / facts->width / 2 * 2);
    if (s->height < 1) s->height = 1;
    return scaler_open(&e->scaler, facts, s->width, s->height);
}

static int library_failed(const Encoding *e, const char *path) {
    if (output_failed(&e->file)) return STATUS_FAILED;
    return complain("%s: %s", path, dfy_last_message(e->encoder));
}

/* Gyroscope samples up to the time of the frame that comes next. */
static int push_gyro_until(Encoding *e, double seconds, const char *path) {
    const GyroSample *sample;
    double dt;
    while ((sample = gyro_log_until(&e->gyro, seconds, &dt)))
        if (dfy_encoder_push_gyro(e->encoder, sample->rate, dt)) return library_failed(e, path);
    return STATUS_GOOD;
}

static int push_one(Encoding *e, DfyPicture *picture, const char *path) {
    const DfyEncoderSettings *s = &e->options.settings;
    if (e->scaler && scaler_run(e->scaler, picture, picture)) return STATUS_FAILED;
    if (e->options.fps > 0) picture->pts = (int64_t)e->pushed;
    double seconds = (double)picture->pts * s->time_base_num / s->time_base_den;
    if (e->options.imu && push_gyro_until(e, seconds, path)) return STATUS_FAILED;
    if (dfy_encoder_push(e->encoder, picture)) return library_failed(e, path);
    e->pushed++;
    if (e->stage < 0) progress_show(&e->progress, "reading", e->pushed, s->expected_frames);
    return STATUS_GOOD;
}

static int push_all(Encoding *e, const char *path) {
    DfyPicture picture;
    while (!interrupted() && (e->options.frames < 1 || e->pushed < (uint64_t)e->options.frames)) {
        int status = source_next(&e->source, &picture);
        if (status == DFY_END) break;
        if (status < 0 || push_one(e, &picture, path)) return STATUS_FAILED;
    }
    if (!e->pushed) return complain("%s: no frame was read, so there is nothing to encode.", path);
    return STATUS_GOOD;
}

static void tell_result(const Encoding *e, const DfyEncoderStats *stats, const char *output, double seconds) {
    if (!e->progress.visible) return;
    const DfyEncoderSettings *s = &e->options.settings;
    double raw =
        (double)stats->frames * ((double)s->width * s->height + 2.0 * ((s->width + 1) / 2) * ((s->height + 1) / 2));
    fprintf(stderr, "%s: %llu frames, %llu bytes (%.0f a frame, 1:%.0f), %u cycles, %.1f s, %.0f fps\n", output,
            (unsigned long long)stats->frames, (unsigned long long)stats->bytes,
            (double)stats->bytes / (double)stats->frames, raw / (double)stats->bytes, stats->cycles, seconds,
            (double)stats->frames / seconds);
}

/* A size that even the lowest quality doesn't come down to. */
static void tell_missed_target(const Encoding *e, const DfyEncoderStats *stats, const char *output) {
    uint64_t target = e->options.settings.target_size_bytes;
    if (!target || stats->bytes <= target + target / 10) return;
    warn("%s has %llu bytes instead of %llu: a smaller picture (--max-width) or fewer frames would take less.", output,
         (unsigned long long)stats->bytes, (unsigned long long)target);
}

static int encode(Encoding *e, const char *input, const char *output) {
    int status = dfy_output_spares(output, input);
    if (status) return status;
    if (source_open(&e->source, input)) return STATUS_FAILED;
    if (settle(e)) return STATUS_FAILED;
    if (e->options.imu && gyro_log_open(&e->gyro, e->options.imu)) return STATUS_FAILED;
    if (output_open(&e->file, output)) return STATUS_FAILED;
    interrupt_watch();
    progress_start(&e->progress, e->options.progress);
    double start = seconds_now();
    DfyOutput to = output_for_encoder(&e->file);
    if (dfy_encoder_open(&e->encoder, &e->options.settings, &to)) return library_failed(e, input);
    DfyEncoderStats stats;
    if (push_all(e, input)) return STATUS_FAILED;
    if (dfy_encoder_finish(e->encoder, &stats)) return library_failed(e, output);
    progress_end(&e->progress);
    if (output_keep(&e->file)) return STATUS_FAILED;
    tell_result(e, &stats, output, seconds_now() - start);
    tell_missed_target(e, &stats, output);
    if (interrupted())
        return complain("Stopped after frame %llu: %s is complete up to there.", (unsigned long long)e->pushed, output);
    return STATUS_GOOD;
}

int run_encode(int argc, char **argv) {
    Encoding e = {.stage = -1};
    const char *paths[2];
    int status = parse(&e.options, argc, argv, paths);
    if (status != PARSE_GO_ON) return status;
    status = encode(&e, paths[0], paths[1]);
    progress_end(&e.progress);
    dfy_encoder_close(&e.encoder);
    output_drop(&e.file);
    gyro_log_close(&e.gyro);
    scaler_close(&e.scaler);
    source_close(&e.source);
    return status;
}
