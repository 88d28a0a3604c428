/* Opens an input by what it is, and keeps its timestamps usable. */
#include "source.h"
#include "splat_source.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* In the order of certainty: libav guesses, so it comes last. */
static const SourceFormat *const formats[] = {&source_live, &source_dfy,   &source_y4m,  &source_folder,
                                              &source_zip,  &source_image, &source_video};

SourceProbe source_stdin;

const char *source_name(const char *path) {
    if (strcmp(path, "-")) return path;
    return source_stdin.path && strcmp(source_stdin.path, "-") ? source_stdin.path : "stdin";
}

/* Kinds that are read from their end, or back and forth. */
static const char *kind_that_needs_a_file(const SourceProbe *probe) {
    if (source_zip.probe(probe)) return "zip";
    if (source_dfy.probe(probe)) return ".dfy file";
    return NULL;
}

static int look_at_stdin(SourceProbe *probe) {
    if (source_stdin.size)
        return complain("%s can't be read besides %s: only one input can come through a pipe.", probe->path,
                        source_name("-"));
    probe->is_stdin = 1;
    probe->size = fread(probe->head, 1, sizeof probe->head, stdin);
    source_stdin = *probe;
    if (!probe->size) return complain("%s is empty: there is nothing to read.", source_name("-"));
    const char *kind = kind_that_needs_a_file(probe);
    if (kind)
        return complain("%s is a %s, which can't be read from a pipe: save it as a file first.", source_name("-"),
                        kind);
    probe->path = "-";
    return STATUS_GOOD;
}

static int look(SourceProbe *probe, const char *path) {
    *probe = (SourceProbe){.path = path};
    if (!strcmp(path, "-")) return look_at_stdin(probe);
    if (strstr(path, "://")) return STATUS_GOOD; /* a stream: libav opens it */
    struct stat facts;
    if (stat(path, &facts)) return complain("%s can't be opened (%s).", path, strerror(errno));
    if (S_ISFIFO(facts.st_mode) || S_ISSOCK(facts.st_mode)) {
        if (!source_stdin.size && !freopen(path, "rb", stdin))
            return complain("%s can't be opened (%s).", path, strerror(errno));
        return look_at_stdin(probe);
    }
    probe->is_folder = S_ISDIR(facts.st_mode);
    if (!S_ISREG(facts.st_mode)) return STATUS_GOOD;
    FILE *file = fopen(path, "rb");
    if (!file) return complain("%s can't be opened (%s).", path, strerror(errno));
    probe->size = fread(probe->head, 1, sizeof probe->head, file);
    fclose(file);
    return probe->size ? STATUS_GOOD : complain("%s is empty: there is nothing to read.", path);
}

int source_open(Source *source, const char *path, const SourceOptions *options) {
    static const SourceOptions usual;
    *source = (Source){.last_pts = -1};
    SourceProbe probe;
    if (look(&probe, path)) return STATUS_FAILED;
    if (!probe.is_folder && is_splat_name(path))
        return complain("%s is a splat model, not a video: see diffy splat --help.", path);
    for (size_t i = 0; i < sizeof formats / sizeof *formats && !source->format; i++)
        if (formats[i]->probe(&probe)) source->format = formats[i];
    if (!source->format) return complain("%s is not a video, Y4M, image, folder or zip of images.", path);
    path = probe.path;
    if (source->format->open(&source->state, path, options ? options : &usual, &source->facts)) return STATUS_FAILED;
    const SourceFacts *facts = &source->facts;
    if (facts->width < 1 || facts->height < 1 || facts->width > DFY_MAX_DIMENSION || facts->height > DFY_MAX_DIMENSION)
        return complain("%s has pictures of %d x %d pixels: only 1 to %d are supported.", source_name(path),
                        facts->width, facts->height, DFY_MAX_DIMENSION);
    return STATUS_GOOD;
}

int source_next(Source *source, DfyPicture *picture) {
    int status = source->format->next(source->state, picture);
    if (status != DFY_OK) return status;
    if (picture->pts <= source->last_pts) picture->pts = source->last_pts + 1;
    source->last_pts = picture->pts;
    source->frames++;
    return DFY_OK;
}

int64_t source_last_ticks(const Source *source) {
    return source->format->last_ticks ? source->format->last_ticks(source->state) : 0;
}

const char *source_episode(const Source *source) {
    return source->format->episode ? source->format->episode(source->state) : NULL;
}

int source_sound(const Source *source, DfySound *sound) {
    return source->format->sound ? source->format->sound(source->state, sound) : DFY_END;
}

int source_next_sound(Source *source, DfySoundPacket *packet) {
    return source->format->next_sound ? source->format->next_sound(source->state, packet) : DFY_END;
}

uint64_t source_skipped(const Source *source, const char **first) {
    return source->format->skipped ? source->format->skipped(source->state, first) : 0;
}

void source_close(Source *source) {
    if (source->format && source->state) source->format->close(source->state);
    source->state = NULL;
}
