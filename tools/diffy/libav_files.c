/* Where libav's bytes come from on the command line: files, addresses and stdin. */
#include "libav_input.h"
#include "live.h"

#include <stdlib.h>
#include <string.h>

enum { IO_BYTES = 64 << 10 };
static const double patience = 10; /* seconds without a sign of a camera */

static int read_stdin(void *opaque, uint8_t *data, int size) {
    LibavInput *input = opaque;
    size_t wanted = (size_t)size, got = 0;
    if (input->spool) {
        got = fread(data, 1, wanted, input->spool);
        return got ? (int)got : AVERROR_EOF;
    }
    while (got < wanted && input->head_used < source_stdin.size) data[got++] = source_stdin.head[input->head_used++];
    if (!got) got = fread(data, 1, wanted, stdin);
    return got ? (int)got : AVERROR_EOF;
}

static int64_t seek_spool(void *opaque, int64_t offset, int whence) {
    FILE *spool = ((LibavInput *)opaque)->spool;
    if (whence & AVSEEK_SIZE) {
        off_t here = ftello(spool), size = fseeko(spool, 0, SEEK_END) ? -1 : ftello(spool);
        fseeko(spool, here, SEEK_SET);
        return size;
    }
    return fseeko(spool, offset, whence & ~AVSEEK_FORCE) ? -1 : ftello(spool);
}

/* MP4 and its kin tell at the end where everything is: they are kept in a temporary file. */
static int must_be_spooled(void) {
    return source_stdin.size >= 12 && !memcmp(source_stdin.head + 4, "ftyp", 4);
}

static int spool_stdin(LibavInput *input) {
    static uint8_t buffer[IO_BYTES];
    input->spool = tmpfile();
    if (!input->spool) return complain("stdin needs a temporary file, which can't be created: give a file instead.");
    size_t got = source_stdin.size;
    memcpy(buffer, source_stdin.head, got);
    do {
        if (fwrite(buffer, 1, got, input->spool) != got)
            return complain("stdin needs a temporary file, and there is not enough room for it: give a file instead.");
    } while ((got = fread(buffer, 1, sizeof buffer, stdin)));
    rewind(input->spool);
    return STATUS_GOOD;
}

static int open_stdin(LibavInput *input) {
    if (must_be_spooled() && spool_stdin(input)) return STATUS_FAILED;
    uint8_t *buffer = libav.av_malloc(IO_BYTES);
    input->container = libav.avformat_alloc_context();
    if (buffer && input->container)
        input->io =
            libav.avio_alloc_context(buffer, IO_BYTES, 0, input, read_stdin, NULL, input->spool ? seek_spool : NULL);
    if (!input->io) {
        libav.av_freep(&buffer);
        return complain("There is no memory left to read stdin.");
    }
    input->container->pb = input->io;
    return STATUS_GOOD;
}

/* ---------------------------------------------------------------- cameras */

static int must_stop(void *opaque) {
    const LibavInput *input = opaque;
    return interrupted() || seconds_now() > input->deadline;
}

void libav_input_wait(LibavInput *input) {
    input->deadline = seconds_now() + patience;
}

/* A camera's packets come over TCP, so that none is lost; waiting for it ends with an interrupt. */
static int open_camera(LibavInput *input, const char *path, const AVInputFormat **format, AVDictionary **options) {
    if (path[0] == '/' && !(*format = libav_device_format("v4l2")))
        return complain("%s can't be read: FFmpeg's libavdevice with Video4Linux is not installed.", path);
    input->container = libav.avformat_alloc_context();
    if (!input->container) return complain("There is no memory left to open %s.", path);
    input->container->interrupt_callback = (AVIOInterruptCB){must_stop, input};
    libav_input_wait(input);
    if (!strncmp(path, "rtsp", 4)) libav.av_dict_set(options, "rtsp_transport", "tcp", 0);
    return STATUS_GOOD;
}

/* ---------------------------------------------------------------- opening */

/* A name that libav takes for a file even where it has a colon in it, as times have; to be freed. */
static char *name_for_libav(const char *path, int is_file) {
    char *name = malloc(strlen(path) + sizeof "file:");
    if (name) sprintf(name, "%s%s", is_file ? "file:" : "", path);
    return name;
}

int libav_container_open(LibavInput *input, const char *path) {
    int is_stdin = !strcmp(path, "-"), live = !is_stdin && is_live(path);
    const AVInputFormat *format = NULL;
    AVDictionary *options = NULL;
    input->is_file = !is_stdin && !live && !strstr(path, "://");
    if (live && open_camera(input, path, &format, &options)) return LIBAV_TOLD;
    if (is_stdin) memcpy(input->head, source_stdin.head, sizeof input->head);
    FILE *file = input->is_file ? fopen(path, "rb") : NULL;
    if (file) {
        if (fread(input->head, 1, sizeof input->head, file) != sizeof input->head) input->head[4] = 0;
        fclose(file);
    }
    if (is_stdin && open_stdin(input)) return LIBAV_TOLD;
    if (input->skip_bytes && !input->container) {
        input->container = libav.avformat_alloc_context();
        if (!input->container) return AVERROR(ENOMEM);
        input->container->skip_initial_bytes = input->skip_bytes;
    }
    char *name = name_for_libav(path, input->is_file);
    if (!name) return AVERROR(ENOMEM);
    int error = libav.avformat_open_input(&input->container, is_stdin ? NULL : name, format, &options);
    libav.av_dict_free(&options);
    free(name);
    return error;
}

void libav_container_close(LibavInput *input) {
    libav.avformat_close_input(&input->container);
    if (input->io) {
        libav.av_freep(&input->io->buffer);
        libav.avio_context_free(&input->io);
    }
    if (input->spool) fclose(input->spool);
}
