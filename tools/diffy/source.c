/* Opens an input by what it is, and keeps its timestamps usable. */
#include "source.h"
#include "splat_source.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* In the order of certainty: libav guesses, so it comes last. */
static const SourceFormat *const formats[] = {&source_dfy, &source_y4m, &source_folder, &source_zip, &source_video};

static int look(SourceProbe *probe, const char *path) {
    *probe = (SourceProbe){.path = path, .is_stdin = !strcmp(path, "-")};
    if (probe->is_stdin) return STATUS_GOOD;
    struct stat facts;
    if (stat(path, &facts)) return complain("%s can't be opened (%s).", path, strerror(errno));
    probe->is_folder = S_ISDIR(facts.st_mode);
    if (!S_ISREG(facts.st_mode)) return STATUS_GOOD;
    FILE *file = fopen(path, "rb");
    if (!file) return complain("%s can't be opened (%s).", path, strerror(errno));
    size_t got = fread(probe->head, 1, sizeof probe->head, file);
    fclose(file);
    return got > 0 ? STATUS_GOOD : complain("%s is empty: there is nothing to read.", path);
}

int source_open(Source *source, const char *path) {
    *source = (Source){.last_pts = -1};
    SourceProbe probe;
    if (look(&probe, path)) return STATUS_FAILED;
    if (!probe.is_folder && is_splat_name(path))
        return complain("%s is a model of splats, not a video: see diffy splat --help.", path);
    for (size_t i = 0; i < sizeof formats / sizeof *formats && !source->format; i++)
        if (formats[i]->probe(&probe)) source->format = formats[i];
    if (!source->format) return complain("%s is no video, Y4M, folder or zip of images.", path);
    if (source->format->open(&source->state, path, &source->facts)) return STATUS_FAILED;
    const SourceFacts *facts = &source->facts;
    if (facts->width < 1 || facts->height < 1 || facts->width > DFY_MAX_DIMENSION || facts->height > DFY_MAX_DIMENSION)
        return complain("%s has pictures of %d x %d pixels: only 1 to %d are possible.", path, facts->width,
                        facts->height, DFY_MAX_DIMENSION);
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

void source_close(Source *source) {
    if (source->format && source->state) source->format->close(source->state);
    source->state = NULL;
}
