/* `diffy splat`: sequences of Gaussian-splat models to .dfy and back, facts about them, and errors between them. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "splat_source.h"

/* ---------------------------------------------------------------- encode */

typedef struct EncodeOptions {
    const char *codec, *errors, *first, *next, *progress;
    int quality, effort, key_interval, two_pass, canonical, degree, start, clusters, iterations;
    int frames;
    double fps, xyz_alpha, xyz_quantile;
} EncodeOptions;

static int attribute_of(const char *name, size_t length) {
    for (int a = 0; a < DFY_SPLAT_ATTRIBUTES; a++)
        if (strlen(dfy_splat_attribute_names[a]) == length && !strncmp(dfy_splat_attribute_names[a], name, length))
            return a;
    return -1;
}

/* "position=1e-4,rotation=0.5" */
static int parse_errors(DfySplatSettings *settings, const char *text) {
    while (*text) {
        const char *equals = strchr(text, '=');
        int attribute = equals ? attribute_of(text, (size_t)(equals - text)) : -1;
        char *end = NULL;
        double value = equals ? strtod(equals + 1, &end) : 0;
        if (attribute < 0 || end == equals + 1 || !(value > 0 && value < 1e6) || (*end && *end != ','))
            return complain_usage("--error %s is not a list like position=1e-4,rotation=0.5: the names are position, "
                                  "scale, alpha, dc, rotation and sh.",
                                  text);
        settings->error[attribute] = value;
        text = *end ? end + 1 : end;
    }
    return STATUS_GOOD;
}

static int settings_of(DfySplatSettings *settings, const EncodeOptions *o) {
    dfy_splat_defaults(settings);
    if (o->codec && !(settings->codec = dfy_splat_codec(o->codec))) {
        complain_usage("There is no splat codec \"%s\". There are:", o->codec);
        for (int i = 0; dfy_splat_codec_at(i); i++)
            fprintf(stderr, "  %-18s %s\n", dfy_splat_codec_name(dfy_splat_codec_at(i)),
                    dfy_splat_codec_description(dfy_splat_codec_at(i)));
        return STATUS_USAGE;
    }
    dfy_splat_set_quality(settings, o->quality);
    settings->effort = o->effort;
    settings->key_interval = o->key_interval;
    settings->two_pass = o->two_pass;
    settings->canonical = o->canonical;
    settings->degree = o->degree;
    settings->frame_rate_num = (int)(o->fps * 100 + 0.5);
    settings->frame_rate_den = 100;
    if (settings->frame_rate_num % 100 == 0) {
        settings->frame_rate_num /= 100;
        settings->frame_rate_den = 1;
    }
    DfySplatVqSettings *vq = &settings->vq;
    vq->clusters_rotation_re = vq->clusters_rotation_im = vq->clusters_opacity = vq->clusters_scale = vq->clusters_dc =
        o->clusters;
    for (int i = 0; i < 3; i++) vq->clusters_rest[i] = o->clusters;
    vq->iterations = o->iterations;
    vq->alpha = o->xyz_alpha;
    vq->quantile = o->xyz_quantile;
    return o->errors ? parse_errors(settings, o->errors) : STATUS_GOOD;
}

static int encoder_failed(const DfySplatEncoder *encoder, const OutputFile *file) {
    if (output_failed(file)) return STATUS_FAILED;
    return complain("%s: %s", file->path, dfy_splat_encoder_message(encoder));
}

static int push_frames(DfySplatEncoder *encoder, SplatSource *source, const EncodeOptions *o, const OutputFile *file) {
    Progress progress = {0};
    uint64_t total = o->frames ? (uint64_t)o->frames : splat_source_frames(source), done = 0;
    int status = STATUS_GOOD;
    progress_start(&progress, o->progress);
    while (!status && !interrupted() && (!o->frames || done < total)) {
        DfySplats splats;
        int got = splat_source_next(source, &splats);
        if (got > 0) break;
        if (got < 0) status = STATUS_FAILED;
        if (!got && dfy_splat_encoder_push(encoder, &splats)) status = encoder_failed(encoder, file);
        dfy_splats_free(&splats);
        progress_show(&progress, "splats", ++done, total);
    }
    progress_end(&progress);
    return status;
}

static int encode_to(const char *path, SplatSource *source, const DfySplatSettings *settings, const EncodeOptions *o) {
    OutputFile file;
    DfySplatEncoder *encoder = NULL;
    DfySplatStats stats = {0};
    double start = seconds_now();
    interrupt_watch();
    if (output_open(&file, path)) return STATUS_FAILED;
    DfyOutput output = output_for_encoder(&file);
    int status = dfy_splat_encoder_open(&encoder, settings, &output) ? encoder_failed(encoder, &file) : STATUS_GOOD;
    if (!status) status = push_frames(encoder, source, o, &file);
    if (!status && dfy_splat_encoder_finish(encoder, &stats)) status = encoder_failed(encoder, &file);
    dfy_splat_encoder_close(&encoder);
    if (!status) status = output_keep(&file);
    if (status) output_drop(&file);
    if (!status && strcmp(path, "-"))
        printf("%s: %llu frames (%llu key), %llu bytes, %.2f s\n", path, (unsigned long long)stats.frames,
               (unsigned long long)stats.key_frames, (unsigned long long)stats.bytes, seconds_now() - start);
    if (!status && interrupted())
        return complain("Stopped after frame %llu: %s is complete up to there.", (unsigned long long)stats.frames,
                        path);
    return status;
}

static int run_splat_encode(int argc, char **argv) {
    EncodeOptions o = {.progress = "auto",
                       .quality = 50,
                       .effort = 5,
                       .key_interval = 90,
                       .degree = -1,
                       .clusters = 256,
                       .iterations = 500,
                       .fps = 30,
                       .xyz_alpha = 0.2,
                       .xyz_quantile = 0.05};
    const Option options[] = {
        {"--codec", NULL, OPTION_TEXT, &o.codec, "NAME", "tree-range (default), vqxyz-range, vqxyz-zstd ...", 0, 0},
        {"--quality", "-q", OPTION_INT, &o.quality, "N", "1..100, sets every error; 10 more halve them, default 50", 1,
         100},
        {"--error", NULL, OPTION_TEXT, &o.errors, "NAME=RMS,...", "wanted RMS: position scale alpha dc rotation sh", 0,
         0},
        {"--effort", NULL, OPTION_INT, &o.effort, "1..9", "1 fastest, 9 smallest (default 5)", 1, 9},
        {"--first", NULL, OPTION_TEXT, &o.first, "FILE", "the first model, before those of --next", 0, 0},
        {"--next", NULL, OPTION_TEXT, &o.next, "PATTERN", "numbered models, like frame_%04d.ply, instead of INPUT", 0,
         0},
        {"--start", NULL, OPTION_INT, &o.start, "N", "the first number of --next, default 0", 0, 1e9},
        {"--frames", NULL, OPTION_INT, &o.frames, "N", "stop after N frames", 1, 1e9},
        {"--key-interval", NULL, OPTION_INT, &o.key_interval, "N",
         "frames between key frames at most, default 90; 0: none", 0, 1e9},
        {"--two-pass", NULL, OPTION_FLAG, &o.two_pass, NULL, "look at all frames before choosing grids and codebooks",
         0, 0},
        {"--canonical", NULL, OPTION_FLAG, &o.canonical, NULL,
         "sort each splat's axes by size: the same picture, other numbers, 4 % smaller", 0, 0},
        {"--degree", NULL, OPTION_INT, &o.degree, "N", "degree of the spherical harmonics, default the first model's",
         0, 3},
        {"--fps", NULL, OPTION_NUMBER, &o.fps, "F", "frames a second, recorded for players, default 30", 0.01, 600},
        {"--clusters", NULL, OPTION_INT, &o.clusters, "N", "vqxyz: entries of each codebook, default 256", 1, 65536},
        {"--iterations", NULL, OPTION_INT, &o.iterations, "N", "vqxyz: rounds of clustering at most, default 500", 1,
         100000},
        {"--xyz-alpha", NULL, OPTION_NUMBER, &o.xyz_alpha, "A",
         "vqxyz: step in distances between neighbours, default 0.2", 1e-6, 1e6},
        {"--xyz-quantile", NULL, OPTION_NUMBER, &o.xyz_quantile, "Q", "vqxyz: which of these distances, default 0.05",
         0, 1},
        {"--progress", NULL, OPTION_TEXT, &o.progress, "auto|always|never", "the progress line", 0, 0},
    };
    const Usage usage = {
        "diffy splat encode [options] [INPUT] OUTPUT.dfy",
        "Makes a .dfy file from a sequence of splat models. INPUT is a folder or .zip of .ply, .spz or\n"
        ".splat files (in natural order), one such file, or a .dfy; --first and --next stand for it.\n",
        options,
        sizeof options / sizeof *options,
        1,
        2};
    const char *paths[2] = {NULL, NULL};
    DfySplatSettings settings;
    int status = parse_options(&usage, argc, argv, paths);
    if (status != PARSE_GO_ON) return status;
    if (!paths[1] == !o.next) return complain_usage("Give either INPUT OUTPUT.dfy, or --next PATTERN OUTPUT.dfy.");
    if (o.next && !is_number_pattern(o.next))
        return complain_usage("--next %s needs exactly one %%d, as in frame_%%04d.ply.", o.next);
    if ((status = settings_of(&settings, &o))) return status;
    if ((status = dfy_output_spares(o.next ? paths[0] : paths[1], o.next ? "-" : paths[0]))) return status;
    SplatSource *source = o.next ? splat_source_pattern(o.first, o.next, o.start) : splat_source_open(paths[0]);
    if (!source) return STATUS_FAILED;
    status = encode_to(o.next ? paths[0] : paths[1], source, &settings, &o);
    splat_source_close(source);
    return status;
}

/* ---------------------------------------------------------------- decode */

static int write_model(const DfySplats *splats, DfySplatFormat format, const char *path) {
    OutputFile file;
    DfyMessage message = {{0}};
    if (output_open(&file, path)) return STATUS_FAILED;
    DfyOutput output = output_for_encoder(&file);
    if (dfy_splats_write(splats, format, &output, &message)) {
        if (!output_failed(&file)) complain("%s: %s", path, message.text);
        output_drop(&file);
        return STATUS_FAILED;
    }
    return output_keep(&file);
}

static const struct {
    const char *name, *extension;
    DfySplatFormat format;
} formats[] = {{"ply", "ply", DFY_SPLAT_PLY},
               {"ascii", "ply", DFY_SPLAT_PLY_ASCII},
               {"spz", "spz", DFY_SPLAT_SPZ},
               {"splat", "splat", DFY_SPLAT_DOTSPLAT}};

static int format_of(const char *name, const char *path) {
    for (int i = 0; i < 4; i++)
        if (name ? !strcmp(name, formats[i].name) : has_extension(path, formats[i].extension)) return i;
    return 0;
}

static int parse_range(const char *text, uint64_t frames, uint64_t *first, uint64_t *end) {
    char *colon, *tail;
    *first = 0;
    *end = frames;
    if (!text) return STATUS_GOOD;
    *first = strtoull(text, &colon, 10);
    *end = colon > text && *colon == ':' ? strtoull(colon + 1, &tail, 10) : 0;
    if (colon == text || *colon != ':' || tail == colon + 1 || *tail)
        return complain_usage("--frames %s is not A:B, two frame numbers counted from 0.", text);
    if (*first >= *end || *end > frames)
        return complain("The file has frames 0 to %llu: --frames %s is outside.",
                        (unsigned long long)(frames ? frames - 1 : 0), text);
    return STATUS_GOOD;
}

/* Writes frames first..end-1; damaged ones are stepped over with a warning. */
static int decode_frames(DfySplatDecoder *d, const char *path, uint64_t first, uint64_t end, int format, int single) {
    uint64_t lost = 0;
    if (first < end && dfy_splat_decoder_seek(d, first)) return complain("%s", dfy_splat_decoder_message(d));
    for (;;) {
        uint64_t at = dfy_splat_decoder_position(d);
        const DfySplats *splats;
        if (at >= end || interrupted()) break;
        int status = dfy_splat_decoder_next(d, &splats);
        if (status == DFY_END) break;
        if (status == DFY_ERROR_DAMAGED) {
            uint64_t until = dfy_splat_decoder_position(d);
            lost += (until < end ? until : end) - at;
            warn("frames %llu to %llu are lost: %s", (unsigned long long)at, (unsigned long long)until - 1,
                 dfy_splat_decoder_message(d));
            continue;
        }
        if (status) return complain("%s", dfy_splat_decoder_message(d));
        char name[4096];
        if (single)
            snprintf(name, sizeof name, "%s", path);
        else
            snprintf(name, sizeof name, "%s/frame_%04llu.%s", path, (unsigned long long)at, formats[format].extension);
        if (write_model(splats, formats[format].format, name)) return STATUS_FAILED;
    }
    if (lost) return complain("%llu frames were damaged and are missing.", (unsigned long long)lost);
    if (interrupted())
        return complain("Stopped before frame %llu: %s has those before it.",
                        (unsigned long long)dfy_splat_decoder_position(d), path);
    return STATUS_GOOD;
}

static int run_splat_decode(int argc, char **argv) {
    const char *range = NULL, *format = NULL, *paths[2];
    const Option options[] = {
        {"--frames", NULL, OPTION_TEXT, &range, "A:B", "frames A up to, not including, B; the first is 0", 0, 0},
        {"--models", NULL, OPTION_TEXT, &format, "ply|ascii|spz|splat",
         "what to write, default by OUTPUT's name or ply", 0, 0},
    };
    const Usage usage = {
        "diffy splat decode [options] INPUT.dfy OUTPUT",
        "Turns a .dfy splat stream back into models: OUTPUT is a folder, or for one frame a .ply, .spz or\n"
        ".splat file.\n",
        options,
        sizeof options / sizeof *options,
        2,
        2};
    int status = parse_options(&usage, argc, argv, paths);
    if (status != PARSE_GO_ON) return status;
    DfyInput input = {0};
    DfySplatDecoder *decoder = NULL;
    DfySplatInfo info;
    uint64_t first, end;
    interrupt_watch();
    if (input_open(&input, paths[0])) return STATUS_FAILED;
    status = dfy_splat_decoder_open(&decoder, &input, NULL)
                 ? complain("%s: %s", paths[0], dfy_splat_decoder_message(decoder))
                 : STATUS_GOOD;
    if (!status) dfy_splat_decoder_info(decoder, &info);
    if (!status) status = parse_range(range, info.frames, &first, &end);
    int single = is_splat_name(paths[1]);
    if (!status && single && end - first != 1)
        status = complain("%s can hold one frame: give a folder, or --frames N:N+1.", paths[1]);
    if (!status && !single && mkdir(paths[1], 0777) && errno != EEXIST)
        status = complain("The folder %s can't be made (%s).", paths[1], strerror(errno));
    if (!status) status = decode_frames(decoder, paths[1], first, end, format_of(format, paths[1]), single);
    dfy_splat_decoder_close(&decoder);
    input_close(&input);
    return status;
}

/* ---------------------------------------------------------------- info */

static void print_info(const char *path, const DfySplatDecoder *d, const DfySplatInfo *info, int json) {
    if (json) {
        printf("{\"codec\":\"%s\",\"degree\":%d,\"frames\":%llu,\"key_frames\":%llu,\"bytes\":%llu,\"fps\":%.6g,"
               "\"complete\":%s,\"frame_bytes\":[",
               info->codec, info->degree, (unsigned long long)info->frames, (unsigned long long)info->key_frames,
               (unsigned long long)info->bytes, (double)info->frame_rate_num / info->frame_rate_den,
               info->complete ? "true" : "false");
    } else {
        printf("%s: splat stream, codec %s, degree %d\n%llu frames (%llu key) at %.6g a second, %llu bytes%s\n", path,
               info->codec, info->degree, (unsigned long long)info->frames, (unsigned long long)info->key_frames,
               (double)info->frame_rate_num / info->frame_rate_den, (unsigned long long)info->bytes,
               info->complete ? "" : ", cut or never finished");
    }
    for (uint64_t i = 0; i < info->frames; i++) {
        uint64_t bytes = 0;
        int key = 0;
        dfy_splat_decoder_frame(d, i, &bytes, &key);
        if (json)
            printf("%s%llu", i ? "," : "", (unsigned long long)bytes);
        else
            printf("  frame %llu: %llu bytes%s\n", (unsigned long long)i, (unsigned long long)bytes,
                   key ? ", key" : "");
    }
    if (json) printf("]}\n");
}

static int run_splat_info(int argc, char **argv) {
    int json = 0;
    const char *path;
    const Option options[] = {{"--json", NULL, OPTION_FLAG, &json, NULL, "machine-readable", 0, 0}};
    const Usage usage = {
        "diffy splat info [--json] INPUT.dfy", "Tells what a .dfy splat stream holds.\n", options, 1, 1, 1};
    int status = parse_options(&usage, argc, argv, &path);
    if (status != PARSE_GO_ON) return status;
    DfyInput input = {0};
    DfySplatDecoder *decoder = NULL;
    DfySplatInfo info;
    if (input_open(&input, path)) return STATUS_FAILED;
    if (dfy_splat_decoder_open(&decoder, &input, NULL) || dfy_splat_decoder_info(decoder, &info))
        status = complain("%s: %s", path, dfy_splat_decoder_message(decoder));
    else
        status = STATUS_GOOD;
    if (!status) print_info(path, decoder, &info, json);
    dfy_splat_decoder_close(&decoder);
    input_close(&input);
    return status;
}

/* ---------------------------------------------------------------- compare */

static void print_errors(const DfySplatErrors *e, const char *label, int json) {
    if (json)
        printf("%s", label);
    else
        printf("%s\n", label);
    for (int a = 0; a < DFY_SPLAT_ATTRIBUTES; a++) {
        if (json)
            printf("\"%s\":{\"rms\":%.6g,\"max\":%.6g},", dfy_splat_attribute_names[a], e->rms[a], e->max[a]);
        else
            printf("  %-9s rms %-12.6g max %.6g\n", dfy_splat_attribute_names[a], e->rms[a], e->max[a]);
    }
    if (json)
        printf("\"compared\":%u,\"missing\":%u,\"surplus\":%u,\"other_forms\":%u}", e->compared, e->missing, e->surplus,
               e->other_forms);
    else if (e->missing || e->surplus)
        printf("  %u splats missing, %u too many\n", e->missing, e->surplus);
    if (!json && e->other_forms)
        printf("  %u splats compared in an equal form: their axes are named in another order or direction\n",
               e->other_forms);
}

static void accumulate(DfySplatErrors *all, const DfySplatErrors *one) {
    for (int a = 0; a < DFY_SPLAT_ATTRIBUTES; a++) {
        all->rms[a] += one->rms[a] * one->rms[a];
        if (one->max[a] > all->max[a]) all->max[a] = one->max[a];
    }
    all->compared += one->compared;
    all->missing += one->missing;
    all->surplus += one->surplus;
    all->other_forms += one->other_forms;
}

static int compare_sources(SplatSource *reference, SplatSource *other, int json) {
    DfySplatErrors all = {0};
    int frames = 0, got[2] = {0, 0}, status = STATUS_GOOD;
    for (;; frames++) {
        DfySplats a, b;
        DfySplatErrors errors;
        DfyMessage message = {{0}};
        got[0] = splat_source_next(reference, &a);
        got[1] = splat_source_next(other, &b);
        if (!got[0] && !got[1] && dfy_splats_compare(&a, &b, NULL, &errors, &message))
            status = complain("%s", message.text);
        dfy_splats_free(&a);
        dfy_splats_free(&b);
        if (status || got[0] || got[1]) break;
        char label[64];
        snprintf(label, sizeof label, json ? "%s{\"frame\":%d," : "%sframe %d",
                 json ? (frames ? "," : "{\"frames\":[") : "", frames);
        print_errors(&errors, label, json);
        accumulate(&all, &errors);
    }
    for (int a = 0; a < DFY_SPLAT_ATTRIBUTES && frames; a++) all.rms[a] = sqrt(all.rms[a] / frames);
    if (frames) print_errors(&all, json ? "],\"all\":{" : "all frames", json);
    if (json && frames) printf("}\n");
    if (got[0] < 0 || got[1] < 0 || status) return STATUS_FAILED;
    if (got[0] != got[1]) return complain("The two have different numbers of frames: compared the first %d.", frames);
    return STATUS_GOOD;
}

static int run_splat_compare(int argc, char **argv) {
    int json = 0;
    const char *paths[2];
    const Option options[] = {{"--json", NULL, OPTION_FLAG, &json, NULL, "machine-readable", 0, 0}};
    const Usage usage = {
        "diffy splat compare [--json] REFERENCE OTHER",
        "Measures RMS and largest error of each attribute: position (of the bounding box's diagonal), scale\n"
        "(ln), alpha, dc, rotation (degrees), sh. Each is a model, a folder or .zip of models, or a .dfy.\n"
        "A Gaussian whose axes come in another order or direction is the same: it is compared so, and counted.\n",
        options,
        1,
        2,
        2};
    int status = parse_options(&usage, argc, argv, paths);
    if (status != PARSE_GO_ON) return status;
    SplatSource *reference = splat_source_open(paths[0]), *other = reference ? splat_source_open(paths[1]) : NULL;
    status = reference && other ? compare_sources(reference, other, json) : STATUS_FAILED;
    splat_source_close(reference);
    splat_source_close(other);
    return status;
}

/* ---------------------------------------------------------------- the command */

static const Command commands[] = {
    {"encode", "makes a .dfy file from a sequence of splat models", run_splat_encode},
    {"decode", "turns a .dfy splat stream back into models", run_splat_decode},
    {"info", "tells what a .dfy splat stream holds", run_splat_info},
    {"compare", "measures each attribute's error between two sequences", run_splat_compare},
};

int run_splat(int argc, char **argv) {
    int help = argc > 0 && (!strcmp(argv[0], "--help") || !strcmp(argv[0], "-h"));
    keep_memory();
    for (size_t i = 0; argc > 0 && i < sizeof commands / sizeof *commands; i++)
        if (!strcmp(argv[0], commands[i].name)) return commands[i].run(argc - 1, argv + 1);
    if (argc > 0 && !help)
        return complain_usage(
            "There is no command \"splat %s\"%s: see diffy splat --help.", argv[0],
            did_you_mean(argv[0], &commands[0].name, sizeof commands / sizeof *commands, sizeof *commands));
    FILE *stream = help ? stdout : stderr;
    fputs("usage: diffy splat COMMAND [options] ...\n\n", stream);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(stream, "  %-9s %s\n", commands[i].name, commands[i].summary);
    fputs("\n`diffy splat COMMAND --help` explains a command.\n", stream);
    return help ? STATUS_GOOD : STATUS_USAGE;
}
