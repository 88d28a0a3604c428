/*
 * Where decoded pictures go: one file a kind of output behind a small table; the kind is chosen by the output's name.
 * Nothing appears under that name before keep.
 */
#ifndef DIFFY_SINK_H
#define DIFFY_SINK_H

#include "image.h"
#include "source.h"

typedef struct SinkOptions {
    ImageKind images;      /* of folders and zips */
    uint64_t first_frame;  /* number in the first image's name */
    const DfySound *sound; /* that comes with the pictures; NULL: none */
} SinkOptions;

typedef struct SinkFormat {
    const char *name;
    int (*matches)(const char *path);
    DfyPixelFormat pixels; /* what push wants */
    int (*open)(void **state, const char *path, const SourceFacts *facts, const SinkOptions *options);
    int (*push)(void *state, const DfyPicture *picture);
    int (*push_sound)(void *state, const DfySoundPacket *packet); /* NULL: there is no place for sound */
    int (*keep)(void *state);                                     /* completes the output */
    void (*close)(void *state); /* frees; without keep before, also removes what was written */
    int turns;                  /* it has a place for the orientation; else pictures are turned before they come */
} SinkFormat;

extern const SinkFormat sink_y4m, sink_mp4, sink_zip, sink_folder;

typedef struct Sink {
    const SinkFormat *format;
    void *state;
    SourceFacts facts;
    OwnPicture converted, turned;
    int turn; /* what is done to pictures on the way */
} Sink;

/* All complain by themselves. */
int sink_open(Sink *sink, const char *path, const SourceFacts *facts, const SinkOptions *options);
int sink_push(Sink *sink, const DfyPicture *picture);
int sink_push_sound(Sink *sink, const DfySoundPacket *packet);
int sink_has_sound(const Sink *sink); /* whether it takes any */
int sink_keep(Sink *sink);
void sink_close(Sink *sink);

#endif
