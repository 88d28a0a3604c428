/* `diffy splat encode`: a .dfy file of a sequence of splat models. */
#include <stdlib.h>
#include <string.h>

#include "splat_cli.h"
#include "splat_unseen.h"

typedef struct EncodeOptions {
    const char *codec, *errors, *max_errors, *first, *next, *progress, *unit, *clusters, *seed, *views;
    int quality, effort, key_interval, two_pass, canonical, degree, start, frames;
    int keep_order, any_order, access, max_degree, iterations, neighbour, samples, zstd_level;
    double fps, unseen, tolerance, xyz_alpha, xyz_quantile, min_step, max_step, xyz_tolerance;
} EncodeOptions;

static const EncodeOptions usual = {.progress = "auto",
                                    .unit = "m",
                                    .seed = "42",
                                    .start = -1,
                                    .quality = 50,
                                    .effort = 5,
                                    .key_interval = 90,
                                    .access = 8,
                                    .degree = -1,
                                    .max_degree = DFY_SPLAT_MAX_DEGREE,
                                    .iterations = 500,
                                    .neighbour = 1,
                                    .samples = 10000,
                                    .zstd_level = 7,
                                    .fps = 30,
                                    .unseen = 0.002,
                                    .tolerance = 1e-6,
                                    .xyz_alpha = 0.2,
                                    .xyz_quantile = 0.05};

/* ---------------------------------------------------------------- settings */

static int set_clusters(void *opaque, const char *name, size_t length, const char *text) {
    DfySplatVqSettings *vq = opaque;
    const struct {
        const char *name;
        int *value;
    } books[] = {{"rotation_re", &vq->clusters_rotation_re}, {"rotation_im", &vq->clusters_rotation_im},
                 {"opacity", &vq->clusters_opacity},         {"scaling", &vq->clusters_scale},
                 {"features_dc", &vq->clusters_dc},          {"features_rest", &vq->clusters_rest[0]},
                 {"features_rest_1", &vq->clusters_rest[0]}, {"features_rest_2", &vq->clusters_rest[1]},
                 {"features_rest_3", &vq->clusters_rest[2]}, {"features_rest_4", &vq->clusters_rest[3]}};
    char *end;
    long value = strtol(text, &end, 10);
    if (end == text || (*end && *end != ',') || value < 1 || value > 65536) return STATUS_USAGE;
    for (size_t i = 0; i < sizeof books / sizeof *books; i++) {
        if (strlen(books[i].name) != length || strncmp(books[i].name, name, length)) continue;
        *books[i].value = (int)value;
        for (int band = 1; !strcmp(books[i].name, "features_rest") && band < 4; band++)
            vq->clusters_rest[band] = (int)value;
        return STATUS_GOOD;
    }
    return STATUS_USAGE;
}

/* "256", or "opacity=64,features_dc=512" with 256 for the others. */
static int parse_clusters(DfySplatVqSettings *vq, const char *text) {
    static const char *const all[] = {
        "rotation_re=", "rotation_im=", "opacity=", "scaling=", "features_dc=", "features_rest="};
    if (strchr(text, '=')) {
        if (!parse_named_list(text, set_clusters, vq)) return STATUS_GOOD;
    } else {
        int status = STATUS_GOOD;
        for (size_t i = 0; !status && i < sizeof all / sizeof *all; i++)
            status = set_clusters(vq, all[i], strlen(all[i]) - 1, text);
        if (!status) return STATUS_GOOD;
    }
    return complain_usage(
        "--clusters %s is neither a number from 1 to 65536 nor a list like opacity=64,scaling=512: the "
        "names are rotation_re, rotation_im, opacity, scaling, features_dc, features_rest, and of its bands "
        "features_rest_1 to features_rest_4.",
        text);
}

static int vq_settings_of(DfySplatVqSettings *vq, const EncodeOptions *o) {
    char *end;
    vq->max_degree = o->max_degree;
    vq->tolerance = o->tolerance;
    vq->iterations = o->iterations;
    vq->neighbour = o->neighbour;
    vq->samples = (uint32_t)o->samples;
    vq->quantile = o->xyz_quantile;
    vq->alpha = o->xyz_alpha;
    vq->min_step = o->min_step;
    vq->max_step = o->max_step;
    vq->xyz_tolerance = o->xyz_tolerance;
    vq->zstd_level = o->zstd_level;
    vq->seed = strtoull(o->seed, &end, 10);
    if (!*o->seed || *end) return complain_usage("--seed %s is not a whole number.", o->seed);
    return o->clusters ? parse_clusters(vq, o->clusters) : STATUS_GOOD;
}

static int find_codec(DfySplatSettings *settings, const char *name) {
    if (!name || (settings->codec = dfy_splat_codec(name))) return STATUS_GOOD;
    complain_usage("There is no splat codec \"%s\". There are:", name);
    for (int i = 0; dfy_splat_codec_at(i); i++)
        fprintf(stderr, "  %-18s %s\n", dfy_splat_codec_name(dfy_splat_codec_at(i)),
                dfy_splat_codec_description(dfy_splat_codec_at(i)));
    return STATUS_USAGE;
}

/* Whether an option of the vqxyz codecs was given; one that says what is usual does no harm. */
static int any_vq_option(const EncodeOptions *o) {
    return o->clusters || strcmp(o->seed, usual.seed) || o->max_degree != usual.max_degree ||
           o->iterations != usual.iterations || o->neighbour != usual.neighbour || o->samples != usual.samples ||
           o->zstd_level != usual.zstd_level || o->tolerance < usual.tolerance || o->tolerance > usual.tolerance ||
           o->xyz_alpha < usual.xyz_alpha || o->xyz_alpha > usual.xyz_alpha || o->xyz_quantile < usual.xyz_quantile ||
           o->xyz_quantile > usual.xyz_quantile || o->min_step > 0 || o->max_step > 0 || o->xyz_tolerance > 0;
}

/* Options that the codec would not look at are no one's wish. */
static int check_codec(const EncodeOptions *o) {
    int is_vq = o->codec && strcmp(o->codec, dfy_splat_codec_name(dfy_splat_codec_at(0)));
    if (!is_vq && any_vq_option(o))
        return complain_usage("--clusters, --tol, --xyz-alpha and the other options of vqxyz codecs need one: give "
                              "--codec vqxyz-zstd, or another of them.");
    if (is_vq && (o->errors || o->quality != usual.quality))
        return complain_usage("%s goes without --%s: its errors follow from --clusters and --xyz-alpha; --max-error "
                              "bounds them.",
                              o->codec, o->errors ? "error" : "quality");
    if (is_vq && (o->canonical || o->effort != usual.effort))
        return complain_usage("%s goes without --%s, which is tree-range's.", o->codec,
                              o->canonical ? "canonical" : "effort");
    return STATUS_GOOD;
}

static int settings_of(DfySplatSettings *settings, const EncodeOptions *o) {
    double unit = !strcmp(o->unit, "mm") ? 1e-3 : !strcmp(o->unit, "cm") ? 1e-2 : 1;
    dfy_splat_defaults(settings);
    int status = find_codec(settings, o->codec);
    if (!status) status = check_codec(o);
    if (status) return status;
    if (o->keep_order && o->any_order) return complain_usage("--keep-order and --any-order can't be combined.");
    dfy_splat_set_quality(settings, o->quality);
    settings->effort = o->effort;
    settings->key_interval = o->key_interval;
    settings->access = o->access;
    settings->two_pass = o->two_pass;
    settings->canonical = o->canonical;
    settings->degree = o->degree;
    settings->keep_order = o->keep_order ? 1 : o->any_order ? 0 : -1;
    settings->frame_rate_num = (int)(o->fps * 100 + 0.5);
    settings->frame_rate_den = 100;
    if (settings->frame_rate_num % 100 == 0) {
        settings->frame_rate_num /= 100;
        settings->frame_rate_den = 1;
    }
    status = vq_settings_of(&settings->vq, o);
    if (!status && o->errors) status = parse_attribute_list(settings->error, o->errors, "--error", unit);
    if (!status && o->max_errors)
        status = parse_attribute_list(settings->max_error, o->max_errors, "--max-error", unit);
    return status;
}

/* ---------------------------------------------------------------- encoding */

static int encoder_failed(const DfySplatEncoder *encoder, const OutputFile *file) {
    if (output_failed(file)) return STATUS_FAILED;
    return complain("%s: %s", file->path, dfy_splat_encoder_message(encoder));
}

/* A way through all models. */
typedef struct Way {
    SplatUnseen *unseen;      /* what is dropped, or NULL */
    DfySplatEncoder *encoder; /* NULL: models are only looked at, for what is unseen */
    const OutputFile *file;
} Way;

static int take_model(const Way *way, DfySplats *splats) {
    if (!way->encoder) return splat_unseen_look(way->unseen, splats);
    int status = way->unseen ? splat_unseen_drop(way->unseen, splats) : STATUS_GOOD;
    if (!status && dfy_splat_encoder_push(way->encoder, splats)) status = encoder_failed(way->encoder, way->file);
    return status;
}

static int go_through(const Way *way, SplatSource *source, const EncodeOptions *o) {
    Progress progress = {0};
    uint64_t total = o->frames ? (uint64_t)o->frames : splat_source_frames(source), done = 0;
    int status = STATUS_GOOD;
    progress_start(&progress, o->progress);
    while (!status && !interrupted() && (!o->frames || done < total)) {
        DfySplats splats;
        int got = splat_source_next(source, &splats);
        if (got > 0 && o->frames) status = splat_source_lacks(source, done, total);
        if (got > 0) break;
        status = got < 0 ? STATUS_FAILED : take_model(way, &splats);
        dfy_splats_free(&splats);
        progress_show(&progress, way->encoder ? "splats" : "looking", ++done, total);
    }
    progress_end(&progress);
    return status;
}

/* What was done, in sentences. */
static void tell(const char *path, const DfySplatStats *stats, double seconds) {
    DfyMessage odd = {{0}};
    dfy_splat_oddities_text(&stats->oddities, &odd);
    printf("%s: %llu frames (%llu key), %llu bytes, %.2f s", path, (unsigned long long)stats->frames,
           (unsigned long long)stats->key_frames, (unsigned long long)stats->bytes, seconds);
    if (stats->position_error > 0) printf("; positions within %.4g RMS", stats->position_error);
    if (stats->order_kept)
        printf("; the order takes %llu bytes (%.1f %%)", (unsigned long long)stats->order_bytes,
               100.0 * (double)stats->order_bytes / (double)stats->bytes);
    printf("\n");
    if (odd.text[0]) printf("Kept exactly, over all frames: %s\n", odd.text);
    if (stats->exact_bytes) printf("Numbers kept exactly take %llu bytes.\n", (unsigned long long)stats->exact_bytes);
    if (stats->cut_models)
        warn("--degree cut the colours of %llu models to a lower degree.", (unsigned long long)stats->cut_models);
}

static int encode_to(const char *path, SplatSource *source, SplatUnseen *unseen, const DfySplatSettings *settings,
                     const EncodeOptions *o) {
    OutputFile file;
    DfySplatEncoder *encoder = NULL;
    DfySplatStats stats = {0};
    double start = seconds_now();
    interrupt_watch();
    if (output_open(&file, path)) return STATUS_FAILED;
    DfyOutput output = output_for_encoder(&file);
    int status = dfy_splat_encoder_open(&encoder, settings, &output) ? encoder_failed(encoder, &file) : STATUS_GOOD;
    if (!status) status = go_through(&(Way){unseen, encoder, &file}, source, o);
    if (!status && dfy_splat_encoder_finish(encoder, &stats)) status = encoder_failed(encoder, &file);
    dfy_splat_encoder_close(&encoder);
    if (!status) status = output_keep(&file);
    if (status) output_drop(&file);
    if (!status && strcmp(path, "-")) tell(path, &stats, seconds_now() - start);
    if (!status && unseen && strcmp(path, "-")) splat_unseen_tell(unseen);
    if (!status && interrupted())
        return complain("Stopped after frame %llu: %s is complete up to there.", (unsigned long long)stats.frames,
                        path);
    return status;
}

static SplatSource *open_source(const char *const paths[2], const EncodeOptions *o) {
    return o->next ? splat_source_pattern(o->first, o->next, o->start) : splat_source_open(paths[0]);
}

/* The first of two ways through all models. */
static int look_for_unseen(SplatUnseen *unseen, const char *const paths[2], const EncodeOptions *o) {
    SplatSource *source = open_source(paths, o);
    if (!source) return STATUS_FAILED;
    interrupt_watch();
    int status = go_through(&(Way){.unseen = unseen}, source, o);
    splat_source_close(source);
    if (!status && interrupted()) status = complain("Stopped before anything was written.");
    return status;
}

static int run_with(EncodeOptions *o, const Usage *usage, int argc, char **argv) {
    const char *paths[2] = {NULL, NULL};
    DfySplatSettings settings;
    int status = parse_options(usage, argc, argv, paths);
    if (status != PARSE_GO_ON) return status;
    if (!paths[1] == !o->next) return complain_usage("Give either INPUT OUTPUT.dfy, or --next PATTERN OUTPUT.dfy.");
    if (o->next && !is_number_pattern(o->next))
        return complain_usage("--next %s needs exactly one %%d, as in frame_%%04d.ply.", o->next);
    if ((status = settings_of(&settings, o))) return status;
    if ((status = dfy_output_spares(o->next ? paths[0] : paths[1], o->next ? "-" : paths[0]))) return status;
    SplatUnseen *unseen = o->views ? splat_unseen_open(o->views, o->unseen) : NULL;
    if (o->views && (!unseen || look_for_unseen(unseen, paths, o))) status = STATUS_FAILED;
    SplatSource *source = status ? NULL : open_source(paths, o);
    if (source) splat_source_hush(source, unseen != NULL);
    status = source ? encode_to(o->next ? paths[0] : paths[1], source, unseen, &settings, o) : STATUS_FAILED;
    splat_source_close(source);
    splat_unseen_close(unseen);
    return status;
}

int run_splat_encode(int argc, char **argv) {
    EncodeOptions o = usual;
    const Option options[] = {
        {"--codec", NULL, OPTION_TEXT, &o.codec, "NAME", "tree-range (default), vqxyz-range, vqxyz-zstd ...", 0, 0},
        {"--quality", "-q", OPTION_INT, &o.quality, "N", "1..100, sets every error; adding 10 halves them; default 50",
         1, 100},
        {"--error", NULL, OPTION_TEXT, &o.errors, "NAME=RMS,...",
         "target RMS: position (a length, such as 0.002 or 2mm) scale alpha dc rotation sh", 0, 0},
        {"--max-error", NULL, OPTION_TEXT, &o.max_errors, "NAME=X,...",
         "the largest error of any splat, checked on the decoded values", 0, 0},
        {"--unit", NULL, OPTION_TEXT, &o.unit, "m|cm|mm", "the models' unit, for errors given in mm etc.", 0, 0},
        {"--keep-order", NULL, OPTION_FLAG, &o.keep_order, NULL,
         "keep the order of splats; default where the second model has as many as the first", 0, 0},
        {"--any-order", NULL, OPTION_FLAG, &o.any_order, NULL, "do not keep the order: about 2 bytes per splat less", 0,
         0},
        {"--effort", NULL, OPTION_INT, &o.effort, "1..9", "1 fastest, 9 smallest (default 5)", 1, 9},
        {"--first", NULL, OPTION_TEXT, &o.first, "FILE", "the first model, before those of --next", 0, 0},
        {"--next", NULL, OPTION_TEXT, &o.next, "PATTERN", "numbered models, like frame_%04d.ply, instead of INPUT", 0,
         0},
        {"--start", NULL, OPTION_INT, &o.start, "N",
         "the first number of --next; default 0, or with --first the first number of another file", -1, 1e9},
        {"--frames", NULL, OPTION_INT, &o.frames, "N", "stop after N frames", 1, 1e9},
        {"--key-interval", NULL, OPTION_INT, &o.key_interval, "N",
         "at most this many frames between key frames, default 90; 0: no limit", 0, 1e9},
        {"--access", NULL, OPTION_INT, &o.access, "N",
         "fast seeking: with its key frame decoded, no frame takes the decoding of more than N, default 8; 0: not "
         "limited",
         0, 65535},
        {"--two-pass", NULL, OPTION_FLAG, &o.two_pass, NULL, "read all frames before choosing grids and codebooks", 0,
         0},
        {"--canonical", NULL, OPTION_FLAG, &o.canonical, NULL,
         "sort each splat's axes by size: same picture, different numbers, 4 % smaller", 0, 0},
        {"--degree", NULL, OPTION_INT, &o.degree, "N", "degree of the spherical harmonics; default: that of the models",
         0, DFY_SPLAT_MAX_DEGREE},
        {"--fps", NULL, OPTION_NUMBER, &o.fps, "F", "frames per second, stored for players, default 30", 0.01, 600},
        {"--drop-unseen", NULL, OPTION_TEXT, &o.views, "VIEWS",
         "leave out splats that no view sees in any frame, and say how pictures change; VIEWS is the training's "
         "cameras.json, or around: from outside only",
         0, 0},
        {"--unseen", NULL, OPTION_NUMBER, &o.unseen, "PART",
         "with --drop-unseen: seen is what has this part of some pixel, default 0.002", 0, 1},
        {"--clusters", NULL, OPTION_TEXT, &o.clusters, "N",
         "vqxyz: entries of each codebook, default 256; or rotation_re=N,opacity=N,...", 0, 0},
        {"--max-degree", NULL, OPTION_INT, &o.max_degree, "N", "vqxyz: degree of the colours that are coded", 0,
         DFY_SPLAT_MAX_DEGREE},
        {"--tol", NULL, OPTION_NUMBER, &o.tolerance, "T", "vqxyz: where clustering stops, default 1e-6", 0, 1},
        {"--iterations", NULL, OPTION_INT, &o.iterations, "N",
         "vqxyz: at most this many rounds of clustering, default 500", 1, 100000},
        {"--seed", NULL, OPTION_TEXT, &o.seed, "N", "vqxyz: seed of random choices, default 42", 0, 0},
        {"--xyz-k", NULL, OPTION_INT, &o.neighbour, "K", "vqxyz: the neighbour whose distance counts, default 1", 1,
         16},
        {"--xyz-samples", NULL, OPTION_INT, &o.samples, "N", "vqxyz: splats asked for it, default 10000", 1, 1e9},
        {"--xyz-alpha", NULL, OPTION_NUMBER, &o.xyz_alpha, "A",
         "vqxyz: step in distances between neighbours, default 0.2", 1e-6, 1e6},
        {"--xyz-quantile", NULL, OPTION_NUMBER, &o.xyz_quantile, "Q", "vqxyz: which of these distances, default 0.05",
         0, 1},
        {"--xyz-min-step", NULL, OPTION_NUMBER, &o.min_step, "S", "vqxyz: bounds of the step, default none", 0, 1e9},
        {"--xyz-max-step", NULL, OPTION_NUMBER, &o.max_step, "S", "vqxyz: the same", 0, 1e9},
        {"--xyz-tolerance", NULL, OPTION_NUMBER, &o.xyz_tolerance, "T",
         "vqxyz: steps a splat may move and count as unmoved, default 0", 0, 1e6},
        {"--zstd-level", NULL, OPTION_INT, &o.zstd_level, "N", "vqxyz-zstd: 1..22, default 7", 1, 22},
        {"--progress", NULL, OPTION_TEXT, &o.progress, "auto|always|never", "progress line on the terminal", 0, 0},
    };
    const Usage usage = {
        "diffy splat encode [options] [INPUT] OUTPUT.dfy",
        "Makes a .dfy file from a sequence of splat models. INPUT is a folder or .zip of .ply, .spz, .sog, .glb\nor "
        ".splat files (in natural order), one such file, or a .dfy (- is one from stdin); or use --first and "
        "--next\ninstead. Position "
        "errors are distances, by default a fraction of the distance between neighbours.\n",
        options,
        sizeof options / sizeof *options,
        1,
        2};
    return run_with(&o, &usage, argc, argv);
}
