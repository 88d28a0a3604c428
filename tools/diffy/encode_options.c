#include "encode_options.h"

#include <stddef.h>
#include <string.h>

#include "cli.h"
#include "meaning.h"
#include "splitting.h"

static const char usage_text[] =
    "INPUT   any video that FFmpeg's libraries read, .y4m, - (stdin), a folder or .zip of images (PNG, JPEG, WebP, "
    "TIFF, BMP,\n"
    "        AVIF, HEIC), an image with several pictures (GIF, APNG, WebP, TIFF), or a .dfy\n"
    "        A folder or .zip with several recordings (videos, folders of images) is encoded into an OUTPUT/ folder, "
    "one\n        file each, or with --episodes into one OUTPUT.dfy.\n"
    "OUTPUT  the .dfy file. Until it is complete it is called OUTPUT.dfy.part, which can be played. Ctrl-C completes "
    "it\n        with the frames so far. After a second Ctrl-C, a crash, a full disk or a failing input the part file "
    "stays:\n        continue with --resume, or finish it with diffy repair.\n";

#define AT(member) ((void *)offsetof(EncodeOptions, member))
static const Option table[] = {
    {"--quality", "-q", OPTION_INT, AT(settings.quality), "1..100",
     "1 is smallest, 100 best (lossless in format 2); default 25", 1, 100},
    {"--format", NULL, OPTION_INT, AT(format), "1|2",
     "version of the file format (default 2, or 1 with options that only it has)", 1, 2},
    {"--mode", NULL, OPTION_TEXT, AT(mode), "training|upload",
     "training: keep every frame as filmed (default);\n" //
     "                             upload: show the routine once; repeats that look alike show the\n                   "
     "          earlier frames, and small differences are lost",
     0, 0},
    {"--clone-distance", NULL, OPTION_NUMBER, AT(settings.clone_distance), "D",
     "upload: largest mean difference between a repeat and the frames shown for it, in 8-bit\n                         "
     "    levels (default 2); in format 2 also at most 8 D in any of 64 x 36 cells",
     0, 255},
    {"--effort", NULL, OPTION_INT, AT(settings.effort), "1..9", "1 is fastest, 9 smallest (default 5)", 1, 9},
    {"--access", NULL, OPTION_INT, AT(settings.access_pictures), "N",
     "for reading frames in random order: no frame needs more than N pictures (2 to 7) besides the\n                   "
     "          background and the two anchors around it (one frame in 32 is an anchor)",
     2, 7},
    {"--preset", NULL, OPTION_TEXT, AT(preset), "draft|balanced|hq|dataset",
     "quality 10, 25 or 60 and effort 2, 5 or 7; dataset: quality 25, effort 5 and\n"
     "                             --access 4. Explicit options override the preset",
     0, 0},
    {"--target-size", NULL, OPTION_BYTES, AT(settings.target_size_bytes), "BYTES",
     "target file size, such as 200k or 10M", 0, 0},
    {"--threads", NULL, OPTION_INT, AT(settings.threads), "N", "0: one per processor (default)", 0, 64},
    {"--max-width", NULL, OPTION_INT, AT(max_width), "PX", "scale wider input down to this width", 1,
     DFY_MAX_DIMENSION},
    {"--frames", NULL, OPTION_INT, AT(frames), "N", "stop after N frames", 1, INT32_MAX},
    {"--fps", NULL, OPTION_NUMBER, AT(fps), "F",
     "frame rate of images (default 30); overrides the frame rate of a video", 0.001, 1000},
    {"--imu", NULL, OPTION_TEXT, AT(imu), "CSV",
     "gyroscope samples, columns t,x,y,z in s and rad/s: store each frame's orientation; format 1 warps by it", 0, 0},
    {"--on-error", NULL, OPTION_TEXT, AT(on_error), "stop|skip",
     "stop at unreadable input, or skip it: the previous image is shown instead, and the exit\n                        "
     "     status is 1 (default: stop at images, skip damaged video packets)",
     0, 0},
    {"--no-audio", NULL, OPTION_FLAG, AT(source.no_audio), NULL, "leave the sound out", 0, 0},
    {"--alpha", NULL, OPTION_TEXT, AT(alpha), "black|white", "what shows through transparent pixels (default black)", 0,
     0},
    {"--hdr", NULL, OPTION_TEXT, AT(hdr), "tonemap|keep",
     "PQ and HLG: tone-map to BT.709 (default), or keep values and tags", 0, 0},
    {"--pixels", NULL, OPTION_TEXT, AT(pixels), "keep|square",
     "keep the pixel aspect ratio and store it (default), or scale to square pixels", 0, 0},
    {"--camera", NULL, OPTION_TEXT, AT(camera), "FX,FY,CX,CY", "camera matrix in pixels, for --imu", 0, 0},
    {"--warmup-frames", NULL, OPTION_INT, AT(settings.warmup_frames), "N",
     "frames for learning the background (default 300)", 1, INT32_MAX},
    {"--no-temporal", NULL, OPTION_FLAG, AT(no_temporal), NULL, "format 1: no P pictures", 0, 0},
    {"--no-bbox", NULL, OPTION_FLAG, AT(no_bbox), NULL, "format 1: code whole pictures, not just the foreground's box",
     0, 0},
    {"--vq", NULL, OPTION_FLAG, AT(settings.use_vq), NULL, "format 1: vector-quantised canonical cycles", 0, 0},
    {"--memory-limit", NULL, OPTION_BYTES, AT(settings.memory_limit_bytes), "BYTES",
     "memory limit, such as 4G (default 2G)", 0, 0},
    {"--segment-seconds", NULL, OPTION_NUMBER, AT(segment_seconds), "S",
     "the most that a crash may lose (default 10, live 2)", 0.1, 3600},
    {"--stretch-seconds", NULL, OPTION_NUMBER, AT(stretch_seconds), "S",
     "distance between points where --resume can continue (default 1800)", 1, 1e9},
    {"--split", NULL, OPTION_TEXT, AT(split_text), "TIME",
     "start a new file at this interval, such as 1h or 10m, named by its start:\n                             "
     "OUTPUT-20261129T083000Z.dfy",
     0, 0},
    {"--keep", NULL, OPTION_TEXT, AT(keep_text), "TIME",
     "with --split: delete files that started longer ago, such as 30d", 0, 0},
    {"--episodes", NULL, OPTION_FLAG, AT(episodes), NULL,
     "put all recordings in a folder or zip, from one camera, into one file: each becomes an\n                         "
     "    episode with the recording's name. They share backgrounds; sound is left out",
     0, 0},
    {"--episode-starts", NULL, OPTION_TEXT, AT(starts_path), "CSV",
     "where the episodes of one recording begin, and their names: lines of SECONDS,NAME", 0, 0},
    {"--resume", NULL, OPTION_FLAG, AT(resume), NULL, "continue OUTPUT.dfy.part: give the same input and options", 0,
     0},
    {"--part", NULL, OPTION_TEXT, AT(part_text), "I/N",
     "encode only part I of N, for diffy join; every machine cuts the input at the same places", 0, 0},
    {"--parts", NULL, OPTION_INT, AT(parts), "N", "encode all N parts, into the file that joining them would give", 1,
     1000},
    {"--analysis", NULL, OPTION_TEXT, AT(analysis_path), "FILE",
     "result of diffy analyse with the same -q: all parts start with its background", 0, 0},
    {"--progress", NULL, OPTION_TEXT, AT(progress), "auto|always|never", "progress line on the terminal", 0, 0},
};
#undef AT

/* Options that only version 1 has choose it, and contradict version 2. */
static int choose_format(EncodeOptions *o) {
    const char *own = o->settings.use_vq ? "--vq" : o->no_temporal ? "--no-temporal" : o->no_bbox ? "--no-bbox" : NULL;
    if (own && o->format > 1) return complain_usage("%s needs --format 1: format 2 does not have it.", own);
    if (own || o->format) o->settings.format = own ? 1 : o->format;
    return PARSE_GO_ON;
}

/* What a preset stands for, where no option says otherwise; the first three are those of the encode page. */
static int apply_preset(EncodeOptions *o, const DfyEncoderSettings *usual) {
    static const struct {
        const char *name;
        int quality, effort, access;
    } presets[] = {{"draft", 10, 2, 0}, {"balanced", 25, 5, 0}, {"hq", 60, 7, 0}, {"dataset", 25, 5, 4}};
    DfyEncoderSettings *s = &o->settings;
    size_t count = sizeof presets / sizeof *presets, i = 0;
    while (o->preset && i < count && strcmp(presets[i].name, o->preset)) i++;
    if (i == count) return complain_usage("--preset %s is unknown: choose draft, balanced, hq or dataset.", o->preset);
    if (!s->quality) s->quality = o->preset ? presets[i].quality : usual->quality;
    if (!s->effort) s->effort = o->preset ? presets[i].effort : usual->effort;
    if (!s->access_pictures && o->preset) s->access_pictures = presets[i].access;
    return PARSE_GO_ON;
}

/* What is written as text: a part, times, a camera matrix. */
static int read_texts(EncodeOptions *o) {
    char rest;
    if (o->part_text && (sscanf(o->part_text, "%d/%d%c", &o->part, &o->parts, &rest) != 2 || o->part < 1 ||
                         o->parts > 1000 || o->part > o->parts))
        return complain_usage("--part %s is not I/N: the first of eight is 1/8.", o->part_text);
    if (o->split_text && (o->split_seconds = seconds_from_text(o->split_text)) < 1)
        return complain_usage("--split %s is not a duration: give seconds, or 10m, 1h, 1d.", o->split_text);
    if (o->keep_text && (o->keep_seconds = seconds_from_text(o->keep_text)) < 1)
        return complain_usage("--keep %s is not a duration: give 12h or 30d.", o->keep_text);
    double *k = o->settings.camera_matrix;
    if (o->camera && sscanf(o->camera, "%lf,%lf,%lf,%lf", &k[0], &k[4], &k[2], &k[5]) != 4)
        return complain_usage("--camera %s is not FX,FY,CX,CY.", o->camera);
    if (o->camera) k[8] = 1;
    return PARSE_GO_ON;
}

/* Options that contradict each other, or are of use only together. */
static int check_combinations(const EncodeOptions *o) {
    const DfyEncoderSettings *s = &o->settings;
    if (o->camera && !o->imu) return complain_usage("--camera works only with --imu.");
    if (o->keep_text && !o->split_text) return complain_usage("--keep works only with --split.");
    if (o->split_text && (o->parts || o->resume || s->format == 1 || s->target_size_bytes))
        return complain_usage("--split can't be combined with --part, --parts, --resume, --target-size or --format 1.");
    if (o->episodes && (o->parts || o->resume || o->split_text || s->format == 1 || o->imu || o->fps > 0))
        return complain_usage(
            "--episodes can't be combined with --part, --parts, --resume, --split, --fps or --format 1.");
    if (o->starts_path && (o->episodes || o->parts || o->resume || o->split_text || s->format == 1))
        return complain_usage(
            "--episode-starts can't be combined with --episodes, --part, --parts, --resume, --split or --format 1.");
    if (o->analysis_path && (s->format == 1 || s->target_size_bytes || s->quality == 100))
        return complain_usage("--analysis can't be combined with --target-size, --format 1 or lossless quality 100.");
    if (o->analyses && s->quality == 100)
        return complain_usage("Lossless video has no background to share: -q must be below 100.");
    if (o->parts && s->format == 1) return complain_usage("Only format 2 can be encoded in parts.");
    if (o->resume && s->format == 1) return complain_usage("Only format 2 can be resumed: leave out --resume.");
    return PARSE_GO_ON;
}

/* Settings that words stand for. */
static void apply_words(EncodeOptions *o) {
    DfyEncoderSettings *s = &o->settings;
    s->mode = !strcmp(o->mode, "upload") ? DFY_MODE_UPLOAD : DFY_MODE_TRAINING;
    s->use_temporal = !o->no_temporal;
    s->use_bbox = !o->no_bbox;
    if (o->on_error) o->source.on_error = !strcmp(o->on_error, "skip") ? ON_ERROR_SKIP : ON_ERROR_STOP;
    o->source.alpha_white = o->alpha && !strcmp(o->alpha, "white");
    o->source.keep_hdr = o->hdr && !strcmp(o->hdr, "keep");
    s->has_imu = o->imu != NULL;
}

static const char analyse_text[] =
    "Finds the background of a recording before its parts are encoded on several machines. It looks at frames spread\n"
    "over the whole recording and keeps what stays the same. With diffy encode --part I/N --analysis OUTPUT.dfya each "
    "part\n"
    "starts with that background, and diffy join stores it once. Use the same options here as for the encode.\n"
    "INPUT   the same as for diffy encode; if its length is unknown, only the first 22 seconds are examined\n"
    "OUTPUT  a .dfy file of those frames; it may have any name\n";

/* Of the options those that change what frames look like. */
static int parse_analyse_options(EncodeOptions *o, int argc, char **argv, const char *paths[2]) {
    static const char *const names[] = {"--quality", "--threads", "--max-width", "--frames",  "--fps",
                                        "--alpha",   "--hdr",     "--pixels",    "--on-error"};
    enum { COUNT = sizeof names / sizeof *names };
    Option own[COUNT];
    for (size_t i = 0, k; i < COUNT; own[i++] = table[k])
        for (k = 0; strcmp(table[k].name, names[i]); k++) continue;
    const Usage usage = {"diffy analyse [options] INPUT OUTPUT.dfya", analyse_text, own, COUNT, 2, 2};
    o->source.no_audio = 1;
    return parse_options_at(&usage, o, argc, argv, paths);
}

int parse_encode_options(EncodeOptions *o, int argc, char **argv, const char *paths[2]) {
    static const Usage usage = {
        "diffy encode [options] INPUT OUTPUT.dfy", usage_text, table, sizeof table / sizeof *table, 2, 2};
    dfy_encoder_defaults(&o->settings);
    const DfyEncoderSettings usual = o->settings;
    o->settings.quality = o->settings.effort = 0; /* not said */
    o->mode = "training";
    o->progress = "auto";
    int status =
        o->analyses ? parse_analyse_options(o, argc, argv, paths) : parse_options_at(&usage, o, argc, argv, paths);
    if (status == PARSE_GO_ON) status = choose_format(o);
    if (status == PARSE_GO_ON) status = read_texts(o);
    if (status == PARSE_GO_ON) status = check_combinations(o);
    if (status == PARSE_GO_ON) status = apply_preset(o, &usual);
    if (status == PARSE_GO_ON) apply_words(o);
    return status;
}
