/*
 * Where pictures come from: one file a kind of input behind a small table. source_open picks the kind by what the
 * file is, not by its name.
 */
#ifndef DIFFY_SOURCE_H
#define DIFFY_SOURCE_H

#include "cli.h"

/* What is known before the first picture. */
typedef struct SourceFacts {
    int width, height;
    int rate_num, rate_den;           /* nominal frames a second; 0: the input has none (images) */
    int time_base_num, time_base_den; /* seconds a pts tick */
    uint64_t expected_frames;         /* 0: unknown */
    int primaries, transfer;          /* H.273; 2 or 0: unknown */
    DfyMatrix matrix;
    DfyRange range;
    int sample_aspect_num, sample_aspect_den; /* width of a pixel to its height; 0/0: unknown */
    int orientation;       /* that a player is to apply: only .dfy files leave it to players; 0: none */
    int64_t start_unix_us; /* wall clock at the first picture; 0: unknown */
    int64_t last_ticks;    /* that the last picture is shown, for outputs; 0: as usual */
    DfyPixelFormat format; /* of the pictures that next gives */
    int is_live;           /* pictures come as time goes by, and never end by themselves */
} SourceFacts;

/* How inputs are read. All 0: what is usual. */
typedef struct SourceOptions {
    int on_error;       /* ON_ERROR_USUAL: a bad image ends the job, a damaged packet of a video does not */
    int alpha_white;    /* white shows through transparent pixels, instead of black */
    const char *within; /* of a folder or zip of images: those of this folder in it alone; NULL: all */
    int no_audio;       /* sound is left out */
    int keep_hdr;       /* PQ and HLG keep their values and tags, instead of being tone-mapped */
} SourceOptions;

enum { ON_ERROR_USUAL, ON_ERROR_STOP, ON_ERROR_SKIP };

/* What probing looks at; head is zero-filled past the end. */
typedef struct SourceProbe {
    const char *path;
    int is_folder, is_stdin;
    size_t size; /* of the head */
    uint8_t head[64];
} SourceProbe;

typedef struct SourceFormat {
    const char *name;
    int (*probe)(const SourceProbe *probe);
    /* Complains by itself; on failure *state may be set and is closed all the same. */
    int (*open)(void **state, const char *path, const SourceOptions *options, SourceFacts *facts);
    /* DFY_OK, DFY_END or, having complained, a negative status. The picture is valid until the next call. */
    int (*next)(void *state, DfyPicture *picture);
    void (*close)(void *state);
    /* After DFY_END: ticks that the last picture is shown; NULL or 0: as long as usual. */
    int64_t (*last_ticks)(const void *state);
    /* Pieces that were bad and are left out or shown as their neighbour, and the first one's name; NULL: none. */
    uint64_t (*skipped)(const void *state, const char **first);
    /* DFY_END: there is none. NULL the same. */
    int (*sound)(const void *state, DfySound *sound);
    /* Packets that belong to the pictures so far, DFY_END when there is no more of them yet; valid until the next call.
     */
    int (*next_sound)(void *state, DfySoundPacket *packet);
    /* Name of the episode that the picture given last begins, NULL: none. NULL the same. */
    const char *(*episode)(const void *state);
} SourceFormat;

extern const SourceFormat source_live, source_dfy, source_y4m, source_folder, source_zip, source_image, source_video;

/*
 * What was read of stdin to see what it is: readers of "-" take this first. A named pipe, as of <(...) in a shell,
 * takes stdin's place; then that is its path.
 */
extern SourceProbe source_stdin;

/* An input's name for people: "-" is stdin, or the pipe in its place. */
const char *source_name(const char *path);

typedef struct Source {
    const SourceFormat *format;
    void *state;
    SourceFacts facts;
    int64_t frames, last_pts;
} Source;

/* Complains by itself. options may be NULL. */
int source_open(Source *source, const char *path, const SourceOptions *options);
/* As SourceFormat's next; also makes pts strictly increasing from 0, which encoders need. */
int source_next(Source *source, DfyPicture *picture);
/* After DFY_END, as in SourceFormat; 0 for none. */
int64_t source_last_ticks(const Source *source);
int source_sound(const Source *source, DfySound *sound);
const char *source_episode(const Source *source);
int source_next_sound(Source *source, DfySoundPacket *packet);
uint64_t source_skipped(const Source *source, const char **first);
void source_close(Source *source);

/* ---------------------------------------------------------------- pictures (pictures.c) */

/* A picture that owns its planes. */
typedef struct OwnPicture {
    DfyPicture picture;
    uint8_t *memory;
} OwnPicture;

int own_picture_make(OwnPicture *own, DfyPixelFormat format, int width, int height);  /* says nothing */
int own_picture_alloc(OwnPicture *own, DfyPixelFormat format, int width, int height); /* complains by itself */
void own_picture_free(OwnPicture *own);

/* RGBA over black, or white, to RGB of the same size. */
void picture_blend(DfyPicture *rgb, const DfyPicture *rgba, int white);

/*
 * *out becomes source itself when it already has the format, else own converted from it (allocated when needed).
 * matrix and range are those of the I420 side when only one side is I420.
 */
int picture_as(DfyPicture *out, OwnPicture *own, const DfyPicture *source, DfyPixelFormat format, DfyMatrix matrix,
               DfyRange range);

/* Nearest fraction of a frame rate given as a number, knowing 24000/1001 and its kin. */
void rate_from_number(double rate, int *num, int *den);

/* Scales pictures down to a width, keeping their proportions; see scaler.c. */
typedef struct Scaler Scaler;
int scaler_open(Scaler **scaler, const SourceFacts *facts, int width, int height);
int scaler_run(Scaler *scaler, DfyPicture *out, const DfyPicture *picture);
void scaler_close(Scaler **scaler);

#endif
