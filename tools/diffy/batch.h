/* Several recordings in one folder or zip: each folder that holds images is one, and each video. */
#ifndef DIFFY_BATCH_H
#define DIFFY_BATCH_H

#include "source.h"

typedef struct BatchItem {
    char *name;   /* of the recording, without an extension and slashes */
    char *path;   /* to open; of a video in a zip where it is unpacked to, for now NULL */
    char *within; /* images: their folder in the zip or "" ; NULL: a video */
    char *entry;  /* a video's name in the zip; NULL: no zip */
} BatchItem;

typedef struct Batch {
    const char *path;
    int is_zip;
    BatchItem *items;
    size_t count;
    size_t zips; /* in it, which are left out */
} Batch;

/* Whether a file is called like a video. */
int is_video_name(const char *name);
/* Whether a path in a folder or zip is of what systems leave there: hidden, or macOS's. */
int is_clutter(const char *name);
/* Says that zips in a folder or zip are left out. */
void warn_of_zips(const char *path, size_t count);
/* Whether the output's name asks for a folder of files: it ends with a slash, or is a folder. */
int batch_wanted(const char *output);
/* Finds the recordings, in natural order; complains by itself. Free it in any case. */
int batch_open(Batch *batch, const char *path);
/* Makes the item's path one that can be opened: unpacks a video, to a file that batch_done removes. */
int batch_ready(const Batch *batch, BatchItem *item);
void batch_done(BatchItem *item);
void batch_free(Batch *batch);

#endif
