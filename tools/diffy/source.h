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
    DfyMatrix matrix;
    DfyRange range;
    DfyPixelFormat format; /* of the pictures that next gives */
} SourceFacts;

/* What probing looks at; head is zero-filled past the end. */
typedef struct SourceProbe {
    const char *path;
    int is_folder, is_stdin;
    uint8_t head[16];
} SourceProbe;

typedef struct SourceFormat {
    const char *name;
    int (*probe)(const SourceProbe *probe);
    /* Complains by itself; on failure *state may be set and is closed all the same. */
    int (*open)(void **state, const char *path, SourceFacts *facts);
    /* DFY_OK, DFY_END or, having complained, a negative status. The picture is valid until the next call. */
    int (*next)(void *state, DfyPicture *picture);
    void (*close)(void *state);
} SourceFormat;

extern const SourceFormat source_dfy, source_y4m, source_folder, source_zip, source_video;

typedef struct Source {
    const SourceFormat *format;
    void *state;
    SourceFacts facts;
    int64_t frames, last_pts;
} Source;

int source_open(Source *source, const char *path); /* complains by itself */
/* As SourceFormat's next; also makes pts strictly increasing from 0, which encoders need. */
int source_next(Source *source, DfyPicture *picture);
void source_close(Source *source);

/* ---------------------------------------------------------------- pictures (pictures.c) */

/* A picture that owns its planes. */
typedef struct OwnPicture {
    DfyPicture picture;
    uint8_t *memory;
} OwnPicture;

int own_picture_alloc(OwnPicture *own, DfyPixelFormat format, int width, int height); /* complains by itself */
void own_picture_free(OwnPicture *own);

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
