/* Where libav's bytes come from on the site: a file of the browser's, read in place. */
#include "diffy/libav_input.h"

#include <stdlib.h>
#include <string.h>

#include "media.h"

enum { IO_BYTES = 256 << 10 };

typedef struct BrowserFile {
    int file;
    double size_bytes, position;
} BrowserFile;

static int read_file(void *opaque, uint8_t *data, int size) {
    BrowserFile *own = opaque;
    int got = media_read(own->file, own->position, data, size);
    own->position += got > 0 ? got : 0;
    return got > 0 ? got : got < 0 ? AVERROR(EIO) : AVERROR_EOF;
}

static int64_t seek_file(void *opaque, int64_t offset, int whence) {
    BrowserFile *own = opaque;
    if (whence & AVSEEK_SIZE) return (int64_t)own->size_bytes;
    whence &= ~AVSEEK_FORCE;
    own->position = (double)offset + (whence == SEEK_CUR ? own->position : whence == SEEK_END ? own->size_bytes : 0);
    return (int64_t)own->position;
}

int libav_container_open(LibavInput *input, const char *path) {
    BrowserFile *own = calloc(1, sizeof *own);
    uint8_t *buffer = libav.av_malloc(IO_BYTES);
    input->container = libav.avformat_alloc_context();
    if (own && buffer && input->container)
        input->io = libav.avio_alloc_context(buffer, IO_BYTES, 0, own, read_file, NULL, seek_file);
    if (!input->io) {
        free(own);
        libav.av_freep(&buffer);
        return AVERROR(ENOMEM);
    }
    media_parse_path(path, &own->file, &own->size_bytes);
    if (media_read(own->file, 0, input->head, sizeof input->head) < (int)sizeof input->head) input->head[4] = 0;
    input->is_file = input->can_reopen = 1;
    input->container->pb = input->io;
    input->container->skip_initial_bytes = input->skip_bytes;
    return libav.avformat_open_input(&input->container, NULL, NULL, NULL);
}

size_t libav_input_peek(const char *path, int64_t position, uint8_t *data, size_t size) {
    int file, got;
    double size_bytes;
    media_parse_path(path, &file, &size_bytes);
    got = media_read(file, (double)position, data, (int)size);
    return got > 0 ? (size_t)got : 0;
}

void libav_container_close(LibavInput *input) {
    libav.avformat_close_input(&input->container);
    if (!input->io) return;
    free(input->io->opaque);
    libav.av_freep(&input->io->buffer);
    libav.avio_context_free(&input->io);
}

/* Files don't keep anyone waiting. */
void libav_input_wait(LibavInput *input) {
    (void)input;
}
