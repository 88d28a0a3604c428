/*
 * The file that an encoder's output grows in: OUT.dfy.part, which can be played, finished and gone on with at any
 * moment, until it is complete and becomes OUT.dfy. Each write is one whole chunk, and is on the disk soon.
 */
#ifndef DIFFY_PART_FILE_H
#define DIFFY_PART_FILE_H

#include "cli.h"

typedef struct PartFile {
    const char *path;
    char *part_path;  /* NULL when written in place: stdout, a pipe, a device */
    char *advice;     /* what to do with the part */
    char *advices[2]; /* when it can only be finished, and when it can be resumed, too */
    int handle, is_open;
    int keeps;              /* the part stays when it holds frames; else it is removed */
    uint64_t offset, whole; /* bytes; those up to `whole` are there already, and must be written the same */
    int has_frames, differs, is_cut, error;
    int told_full;
    uint64_t sync_at;  /* bytes on the disk for certain */
    double synced;     /* when */
    double share_done; /* 0..1, set by the caller; 0: not known */
} PartFile;

/*
 * Opens OUT.dfy.part, or with resume what there is of it. Complains by itself, also when there is a part already that
 * holds frames and is not to be gone on with, or another process writes it. resumable: --resume could go on with it.
 */
int part_open(PartFile *file, const char *path, int keeps, int resume, int resumable);

/* --resume can't go on with it any more: what people are told to do changes. */
void part_not_resumable(PartFile *file);

/* Goes on at offset; up to whole the bytes are compared, then what lies behind it is cut off. */
void part_go_on(PartFile *file, uint64_t offset, uint64_t whole);

/* A DfyOutput; opaque is the file. */
DfyOutput part_output(PartFile *file);

/* Whether a write failed, and then complains about it. */
int part_failed(const PartFile *file);

/* Writes all to the disk and gives the file its name. */
int part_keep(PartFile *file);

/* Closes; the part stays if it is of use. Fine after part_keep. */
void part_leave(PartFile *file);

#endif
