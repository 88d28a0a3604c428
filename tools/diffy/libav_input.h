/*
 * Opens a container with libav: a file whatever its name, a stream by its address, or what comes on stdin. Where the
 * bytes come from is in libav_files.c; the site reads a file of the browser's instead (wasm/media/files.c).
 */
#ifndef DIFFY_LIBAV_INPUT_H
#define DIFFY_LIBAV_INPUT_H

#include "libav.h"
#include "source.h"

typedef struct LibavInput {
    AVFormatContext *container;
    AVIOContext *io;              /* NULL where libav reads by itself */
    AVIOContext *file;            /* libav's own, of a file */
    int64_t skip_bytes;           /* that are passed over first */
    int64_t base;                 /* what its positions are counted from */
    int is_file;                  /* it can be opened a second time */
    int can_reopen;               /* from a byte on that was read lately: files, and what comes on stdin */
    enum AVColorSpace vp8_matrix; /* that the container states; VP8's decoder knows BT.601 alone */
    double deadline;              /* of a camera: until then something must come */
    uint8_t head[12];
} LibavInput;

/* Complains by itself. Close it in any case. */
int libav_input_open(LibavInput *input, const char *path);
void libav_input_close(LibavInput *input);
/* Opens what can be opened again from some byte on, without a word: 0, or a libav error. Close it in any case. */
int libav_input_open_at(LibavInput *input, const char *path, int64_t skip_bytes);

/* Bytes of what can be opened again, from some byte on; how many there are. */
size_t libav_input_peek(const char *path, int64_t position, uint8_t *data, size_t size);

/*
 * Nominal rate of a file's video stream `index`, from the times of its first packets, which are read apart and not
 * decoded; 0/0 where they don't tell it or the file can't be opened again.
 */
void libav_input_rate(const char *path, int index, int *num, int *den);

/*
 * Opens the container itself and fills in is_file, can_reopen and head: 0, a libav error, or, having complained,
 * LIBAV_TOLD. Closed by libav_input_close.
 */
enum { LIBAV_TOLD = 1 };
int libav_container_open(LibavInput *input, const char *path);
void libav_container_close(LibavInput *input);

/* Before each read of a camera, which fails when nothing comes for 10 s, or after an interrupt. */
void libav_input_wait(LibavInput *input);

#endif
