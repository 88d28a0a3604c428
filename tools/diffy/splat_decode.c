/*
 * `diffy splat decode`: a .dfy splat stream back into models. A folder is all or nothing: the files are made in one
 * beside it and get their names when all of them are there.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "splat_cli.h"

static const struct {
    const char *name, *extension;
    DfySplatFormat format;
} formats[] = {
    {"ply", "ply", DFY_SPLAT_PLY},   {"ascii", "ply", DFY_SPLAT_PLY_ASCII}, {"spz", "spz", DFY_SPLAT_SPZ},
    {"spz2", "spz", DFY_SPLAT_SPZ2}, {"spz4", "spz", DFY_SPLAT_SPZ4},       {"splat", "splat", DFY_SPLAT_DOTSPLAT},
    {"sog", "sog", DFY_SPLAT_SOG},   {"glb", "glb", DFY_SPLAT_GLB},         {"glb-spz", "glb", DFY_SPLAT_GLB_SPZ}};

typedef struct Job {
    DfySplatDecoder *decoder;
    const char *path; /* the output */
    char *folder;     /* where files are made; NULL: one model, at path */
    int format, partial, overwrite;
    uint64_t first, end, lost; /* end: UINT64_MAX for a stream's, which is not known */
    int told;                  /* what the format has no room for */
} Job;

/* Endings of files that somebody might expect, which are not written; a folder would get the name. */
static int is_other_file(const char *path) {
    static const char *const extensions[] = {"gltf", "ksplat", "zip", "dfy", "usd", "usdz", "obj", "html", "mp4"};
    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++)
        if (has_extension(path, extensions[i])) return 1;
    return 0;
}

static int format_of(const char *name, const char *path) {
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (name ? !strcmp(name, formats[i].name) : has_extension(path, formats[i].extension)) return (int)i;
    return 0;
}

static int write_model(const DfySplats *splats, Job *job, uint64_t frame, const char *path) {
    OutputFile file;
    DfyMessage message = {{0}};
    DfySplatFormat format = formats[job->format].format;
    dfy_splats_losses(splats, format, &message);
    if (message.text[0] && !job->told++) warn("frame %llu: %s", (unsigned long long)frame, message.text);
    if (output_open(&file, path)) return STATUS_FAILED;
    DfyOutput output = output_for_encoder(&file);
    if (dfy_splats_write(splats, format, &output, &message)) {
        if (!output_failed(&file)) complain("%s: %s", path, message.text);
        output_drop(&file);
        return STATUS_FAILED;
    }
    return output_keep(&file);
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

/* ---------------------------------------------------------------- folders */

/* The name of a frame's file in a folder. */
static void frame_name(char *name, size_t size, const char *folder, const Job *job, uint64_t frame) {
    snprintf(name, size, "%s/frame_%04llu.%s", folder, (unsigned long long)frame, formats[job->format].extension);
}

static int holds_files(const char *path) {
    DIR *folder = opendir(path);
    int holds = 0;
    for (struct dirent *entry; folder && (entry = readdir(folder));)
        holds |= strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
    if (folder) closedir(folder);
    return holds;
}

/* Asks on a terminal; elsewhere --overwrite is the answer. */
static int may_overwrite(const Job *job, const char *what) {
    char answer[16] = "";
    if (job->overwrite) return 1;
    if (isatty(STDIN_FILENO) && isatty(STDERR_FILENO)) {
        fprintf(stderr, "%s %s: write over it? [y/N] ", job->path, what);
        return fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
    }
    return 0;
}

/* 0 when the output's place may be taken. */
static int check_place(const Job *job, int single) {
    struct stat facts;
    if (stat(job->path, &facts))
        return is_other_file(job->path)
                   ? complain("%s can't be written: OUTPUT is a folder, or a .ply, .spz, .sog, .glb or .splat file.",
                              job->path)
                   : STATUS_GOOD;
    if (single && S_ISREG(facts.st_mode) && facts.st_size && !may_overwrite(job, "already exists"))
        return complain("%s already exists: give another name, or --overwrite.", job->path);
    if (!single && !S_ISDIR(facts.st_mode))
        return complain("%s is not a folder: give the name of a folder, or of a model such as model.ply.", job->path);
    if (!single && holds_files(job->path) && !may_overwrite(job, "is not empty"))
        return complain("The folder %s is not empty: give another one, or --overwrite.", job->path);
    return STATUS_GOOD;
}

static void remove_folder(const char *path) {
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        char name[4096];
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        if (snprintf(name, sizeof name, "%s/%s", path, entry->d_name) < (int)sizeof name) unlink(name);
    }
    if (folder) closedir(folder);
    rmdir(path);
}

static int make_folder(Job *job) {
    job->folder = part_template(job->path);
    if (!job->folder) return complain("There is no memory left for this.");
    mode_t mask = umask(0);
    umask(mask);
    if (mkdtemp(job->folder) && !chmod(job->folder, 0777 & ~mask)) return STATUS_GOOD;
    int status = complain("The folder %s can't be created (%s).", job->path, strerror(errno));
    free(job->folder);
    job->folder = NULL;
    return status;
}

/* Frames that a longer sequence left in the folder would be taken for this one's. */
static void tell_left_over(const Job *job) {
    DIR *folder = opendir(job->path);
    unsigned others = 0;
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        char *end;
        if (strncmp(entry->d_name, "frame_", 6) || !has_extension(entry->d_name, formats[job->format].extension))
            continue;
        uint64_t number = strtoull(entry->d_name + 6, &end, 10);
        others += end > entry->d_name + 6 && *end == '.' && (number < job->first || number >= job->end);
    }
    if (folder) closedir(folder);
    if (others) warn("%s still has %u frames of another sequence.", job->path, others);
}

/* Gives the finished folder its name; into one that stands, its files. */
static int keep_folder(Job *job) {
    if (!rename(job->folder, job->path)) return STATUS_GOOD;
    if (errno != EEXIST && errno != ENOTEMPTY)
        return complain("The folder %s can't be created (%s).", job->path, strerror(errno));
    for (uint64_t i = job->first; i < job->end; i++) {
        char from[4096], to[4096];
        struct stat facts;
        frame_name(from, sizeof from, job->folder, job, i);
        frame_name(to, sizeof to, job->path, job, i);
        if (!stat(from, &facts) && rename(from, to)) return complain("%s can't be written (%s).", to, strerror(errno));
    }
    tell_left_over(job);
    return STATUS_GOOD;
}

/* ---------------------------------------------------------------- frames */

/* A frame that is damaged, and those that build on it. */
static int lose(Job *job, uint64_t at) {
    uint64_t until = dfy_splat_decoder_position(job->decoder);
    job->lost += (until < job->end ? until : job->end) - at;
    warn("frames %llu to %llu are lost: %s", (unsigned long long)at, (unsigned long long)until - 1,
         dfy_splat_decoder_message(job->decoder));
    return STATUS_GOOD;
}

/* A stream has ended, before frame `at`. */
static int end_stream(Job *job, uint64_t at) {
    DfySplatInfo info = {.complete = 0};
    dfy_splat_decoder_info(job->decoder, &info);
    if (job->end != UINT64_MAX)
        return complain("The stream ends before frame %llu: nothing was written.", (unsigned long long)job->end - 1);
    job->end = at;
    if (info.complete || job->partial) return STATUS_GOOD;
    return complain(
        "The stream is cut off or was never finished: nothing was written; --partial writes the %llu intact frames.",
        (unsigned long long)at);
}

static int decode_frames(Job *job) {
    DfySplatDecoder *d = job->decoder;
    if (job->first < job->end && dfy_splat_decoder_seek(d, job->first))
        return complain("%s", dfy_splat_decoder_message(d));
    for (;;) {
        uint64_t at = dfy_splat_decoder_position(d);
        const DfySplats *splats;
        char name[4096];
        if (at >= job->end || interrupted()) break;
        int status = dfy_splat_decoder_next(d, &splats);
        if (status == DFY_END) return end_stream(job, at);
        if (status == DFY_ERROR_DAMAGED && job->partial) {
            lose(job, at);
            continue;
        }
        if (status)
            return complain("%s Nothing was written: --partial writes the intact frames.",
                            dfy_splat_decoder_message(d));
        if (job->folder)
            frame_name(name, sizeof name, job->folder, job, at);
        else
            snprintf(name, sizeof name, "%s", job->path);
        if (write_model(splats, job, at, name)) return STATUS_FAILED;
    }
    if (interrupted()) return complain("Stopped: nothing was written to %s.", job->path);
    return STATUS_GOOD;
}

static int decode_all(Job *job, int single) {
    int status = check_place(job, single);
    if (!status && !single) status = make_folder(job);
    if (!status) status = decode_frames(job);
    if (!status && job->folder) status = keep_folder(job);
    if (job->folder) remove_folder(job->folder);
    free(job->folder);
    if (!status && job->lost)
        status = complain("%llu frames were damaged and are missing.", (unsigned long long)job->lost);
    return status;
}

/* A file that ends too early; without --partial and without a range nothing is made of it. */
static int check_complete(const Job *job, const DfySplatInfo *info, const char *path, const char *range) {
    if (info->complete || job->end == UINT64_MAX) return STATUS_GOOD;
    unsigned long long frames = (unsigned long long)info->frames;
    if (!frames) return complain("%s is cut off, or was never finished, before its first frame.", path);
    if (job->partial || range) return STATUS_GOOD;
    return complain(
        "%s is cut off or was never finished: frames 0 to %llu are intact, the rest is missing; --partial writes them.",
        path, frames - 1);
}

int run_splat_decode(int argc, char **argv) {
    const char *range = NULL, *format = NULL, *paths[2];
    Job job = {.decoder = NULL};
    const Option options[] = {
        {"--frames", NULL, OPTION_TEXT, &range, "A:B", "frames A up to but not including B, counted from 0", 0, 0},
        {"--models", NULL, OPTION_TEXT, &format, "ply|ascii|spz|spz2|spz4|splat|sog|glb|glb-spz",
         "format to write; default: by OUTPUT's name, or ply", 0, 0},
        {"--overwrite", NULL, OPTION_FLAG, &job.overwrite, NULL,
         "write into a folder that is not empty, or over a file", 0, 0},
        {"--partial", NULL, OPTION_FLAG, &job.partial, NULL,
         "write what is intact of a damaged or cut-off file; the exit status stays 1", 0, 0},
    };
    const Usage usage = {"diffy splat decode [options] INPUT.dfy OUTPUT",
                         "Turns a .dfy splat stream back into models. OUTPUT is a folder, for one file per frame, or a "
                         ".ply, .spz, .sog,\n.glb or .splat file, for a single frame. A folder appears only when it is "
                         "complete. INPUT - is stdin.\n",
                         options,
                         sizeof options / sizeof *options,
                         2,
                         2};
    int status = parse_options(&usage, argc, argv, paths);
    if (status != PARSE_GO_ON) return status;
    DfyInput input = {0};
    DfySplatInfo info;
    interrupt_watch();
    job.path = paths[1];
    job.format = format_of(format, paths[1]);
    status = splat_decoder_open(&job.decoder, &input, &info, paths[0]);
    int is_stream = input.size_bytes == DFY_FORWARD_ONLY;
    if (is_stream) job.end = UINT64_MAX;
    if (!status) status = check_complete(&job, &info, paths[0], range);
    if (!status) status = parse_range(range, is_stream ? UINT64_MAX : info.frames, &job.first, &job.end);
    int single = is_splat_name(paths[1]);
    if (!status && single && job.end - job.first != 1)
        status = complain("%s can hold only one frame: give a folder, or --frames N:N+1.", paths[1]);
    if (!status) status = decode_all(&job, single);
    if (!status && is_stream) dfy_splat_decoder_info(job.decoder, &info);
    if (!status && !info.complete && !info.frames)
        status = complain("%s is cut off, or was never finished, before its first frame.", paths[0]);
    else if (!status && !info.complete && !(is_stream && range))
        status = complain("%s is cut off or was never finished: frames 0 to %llu are intact, the rest is missing.",
                          paths[0], (unsigned long long)info.frames - 1);
    dfy_splat_decoder_close(&job.decoder);
    input_close(&input);
    return status;
}

int splat_decoder_open(DfySplatDecoder **decoder, DfyInput *input, DfySplatInfo *info, const char *path) {
    if (strcmp(path, "-") ? input_open(input, path) : input_open_stdin(input)) return STATUS_FAILED;
    if (dfy_splat_decoder_open(decoder, input, NULL) || dfy_splat_decoder_info(*decoder, info))
        return complain("%s: %s", path, dfy_splat_decoder_message(*decoder));
    return STATUS_GOOD;
}
