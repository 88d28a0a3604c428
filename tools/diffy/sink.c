/* Picks the output by its name and hands it pictures of the pixel format it wants; Y4M needs no more than a file. */
#include "sink.h"
#include "meaning.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "y4m.h"

static const SinkFormat *const formats[] = {&sink_y4m, &sink_mp4, &sink_zip, &sink_folder};

int sink_open(Sink *sink, const char *path, const SourceFacts *facts, const SinkOptions *options) {
    *sink = (Sink){.facts = *facts};
    for (size_t i = 0; i < sizeof formats / sizeof *formats && !sink->format; i++)
        if (formats[i]->matches(path)) sink->format = formats[i];
    if (!sink->format)
        return complain_usage("%s is not an output format: choose .y4m, .mp4, .html or .zip (of images), a folder/ for "
                              "images, or - for Y4M on stdout.",
                              path);
    if (!sink->format->turns) { /* it can't say how pictures are to be turned: they are */
        sink->turn = sink->facts.orientation;
        facts_orient(&sink->facts, sink->turn);
        sink->facts.orientation = 1;
    }
    return sink->format->open(&sink->state, path, &sink->facts, options);
}

int sink_push(Sink *sink, const DfyPicture *picture) {
    DfyPicture fitting;
    if (picture_as(&fitting, &sink->converted, picture, sink->format->pixels, sink->facts.matrix, sink->facts.range))
        return STATUS_FAILED;
    if (sink->turn && picture_orient(&fitting, &sink->turned, sink->turn)) return STATUS_FAILED;
    return sink->format->push(sink->state, &fitting);
}

int sink_has_sound(const Sink *sink) {
    return sink->format->push_sound != NULL;
}

int sink_push_sound(Sink *sink, const DfySoundPacket *packet) {
    return sink->format->push_sound(sink->state, packet);
}

int sink_keep(Sink *sink) {
    return sink->format->keep(sink->state);
}

void sink_close(Sink *sink) {
    if (sink->state) sink->format->close(sink->state);
    own_picture_free(&sink->converted);
    own_picture_free(&sink->turned);
    *sink = (Sink){0};
}

/* ---------------------------------------------------------------- Y4M */

static int matches_y4m(const char *path) {
    return !strcmp(path, "-") || has_extension(path, "y4m");
}

static int open_y4m(void **state, const char *path, const SourceFacts *facts, const SinkOptions *options) {
    (void)options;
    OutputFile *file = *state = calloc(1, sizeof *file);
    if (!file) return complain("There is no memory left to write %s.", path);
    if (output_open(file, path)) return STATUS_FAILED;
    return y4m_write_header(file->stream, facts) ? complain("%s can't be written (%s).", path, strerror(errno))
                                                 : STATUS_GOOD;
}

static int push_y4m(void *state, const DfyPicture *picture) {
    OutputFile *file = state;
    if (!y4m_write_picture(file->stream, picture)) return STATUS_GOOD;
    return complain("%s can't be written (%s).", file->path, strerror(errno));
}

static int keep_y4m(void *state) {
    return output_keep(state);
}

static void close_y4m(void *state) {
    output_drop(state);
    free(state);
}

const SinkFormat sink_y4m = {"Y4M", matches_y4m, DFY_PIXELS_I420, open_y4m, push_y4m, NULL, keep_y4m, close_y4m, 0};
