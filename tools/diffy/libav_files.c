/* Where libav's bytes come from on the command line: files, addresses and stdin. */
#include "libav_input.h"
#include "live.h"

#include <stdlib.h>
#include <string.h>

enum { IO_BYTES = 64 << 10 };
static const double patience = 10; /* seconds without a sign of a camera */

/* ---------------------------------------------------------------- stdin */

/*
 * What comes on stdin comes once. The last of it is kept, so that a video which goes on with another codec can be
 * opened again where that begins; MP4 and its kin, which tell at the end where everything is, are kept whole in a
 * temporary file.
 */
enum { KEPT_BYTES = 8 << 20 };

static struct {
    uint8_t *data; /* byte n of the stream is at n % KEPT_BYTES */
    int64_t end;   /* bytes that have come */
} kept;

typedef struct PipeReader {
    FILE *spool; /* NULL: as it comes */
    int64_t position;
} PipeReader;

/* Some bytes that have not come yet. */
static size_t read_new(uint8_t *data, size_t size) {
    size_t got = 0;
    while (got < size && kept.end + (int64_t)got < (int64_t)source_stdin.size)
        data[got] = source_stdin.head[kept.end + (int64_t)got], got++;
    if (!got) got = fread(data, 1, size, stdin);
    if (!kept.data) kept.data = malloc(KEPT_BYTES);
    for (size_t i = 0; kept.data && i < got; i++) kept.data[(kept.end + (int64_t)i) % KEPT_BYTES] = data[i];
    kept.end += (int64_t)got;
    return got;
}

/* Bytes from a place of stdin on; 0: that is past its end, or gone. */
static size_t read_at(int64_t position, uint8_t *data, size_t size) {
    if (position == kept.end) return read_new(data, size);
    if (!kept.data || position > kept.end || position < kept.end - KEPT_BYTES) return 0;
    if ((int64_t)size > kept.end - position) size = (size_t)(kept.end - position);
    for (size_t i = 0; i < size; i++) data[i] = kept.data[(position + (int64_t)i) % KEPT_BYTES];
    return size;
}

static int read_stdin(void *opaque, uint8_t *data, int size) {
    PipeReader *reader = opaque;
    size_t got =
        reader->spool ? fread(data, 1, (size_t)size, reader->spool) : read_at(reader->position, data, (size_t)size);
    reader->position += (int64_t)got;
    return got ? (int)got : AVERROR_EOF;
}

static int64_t seek_spool(void *opaque, int64_t offset, int whence) {
    FILE *spool = ((PipeReader *)opaque)->spool;
    if (whence & AVSEEK_SIZE) {
        off_t here = ftello(spool), size = fseeko(spool, 0, SEEK_END) ? -1 : ftello(spool);
        fseeko(spool, here, SEEK_SET);
        return size;
    }
    return fseeko(spool, offset, whence & ~AVSEEK_FORCE) ? -1 : ftello(spool);
}

/* MP4, and QuickTime of the time before files began by saying their type. */
static int must_be_spooled(void) {
    static const char types[][5] = {"ftyp", "moov", "mdat", "wide", "free", "skip", "pnot"};
    for (size_t i = 0; source_stdin.size >= 12 && i < sizeof types / sizeof *types; i++)
        if (!memcmp(source_stdin.head + 4, types[i], 4)) return 1;
    return 0;
}

static FILE *spool_stdin(void) {
    static uint8_t buffer[IO_BYTES];
    FILE *spool = tmpfile();
    int full = 0;
    size_t got = source_stdin.size;
    memcpy(buffer, source_stdin.head, got);
    for (; spool && got && !full; got = fread(buffer, 1, sizeof buffer, stdin))
        full = fwrite(buffer, 1, got, spool) != got;
    if (!spool)
        complain("%s needs a temporary file, which can't be created: give a file instead.", source_name("-"));
    else if (full)
        complain("%s needs a temporary file, and there is not enough room for it: give a file instead.",
                 source_name("-"));
    if (full) fclose(spool);
    if (full || !spool) return NULL;
    rewind(spool);
    return spool;
}

static int open_stdin(LibavInput *input) {
    PipeReader *reader = calloc(1, sizeof *reader);
    uint8_t *buffer = libav.av_malloc(IO_BYTES);
    input->container = libav.avformat_alloc_context();
    int status = reader && buffer && input->container
                     ? STATUS_GOOD
                     : complain("There is no memory left to read %s.", source_name("-"));
    if (!status && must_be_spooled() && !(reader->spool = spool_stdin())) status = STATUS_FAILED;
    if (!status)
        input->io =
            libav.avio_alloc_context(buffer, IO_BYTES, 0, reader, read_stdin, NULL, reader->spool ? seek_spool : NULL);
    if (!input->io) {
        if (reader && reader->spool) fclose(reader->spool);
        free(reader);
        libav.av_freep(&buffer);
        return STATUS_FAILED;
    }
    input->can_reopen = !reader->spool;
    reader->position = input->base = input->skip_bytes;
    input->container->pb = input->io;
    return STATUS_GOOD;
}

size_t libav_input_peek(const char *path, int64_t position, uint8_t *data, size_t size) {
    size_t got = 0, more;
    if (strcmp(path, "-")) {
        FILE *file = fopen(path, "rb");
        if (file && !fseeko(file, position, SEEK_SET)) got = fread(data, 1, size, file);
        if (file) fclose(file);
        return got;
    }
    while (got < size && (more = read_at(position + (int64_t)got, data + got, size - got))) got += more;
    return got;
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

/* Opened here, since libav takes a name with %d in it for those of many images; from then on it has another. */
static int open_file(LibavInput *input, char *name) {
    input->container = libav.avformat_alloc_context();
    int error = input->container ? libav.avio_open(&input->file, name, AVIO_FLAG_READ) : AVERROR(ENOMEM);
    if (error < 0) return error;
    for (char *c = name; *c; c++)
        if (*c == '%') *c = '_';
    input->container->pb = input->file;
    input->container->skip_initial_bytes = input->skip_bytes;
    return 0;
}

int libav_container_open(LibavInput *input, const char *path) {
    int is_stdin = !strcmp(path, "-"), live = !is_stdin && is_live(path);
    const AVInputFormat *format = NULL;
    AVDictionary *options = NULL;
    input->is_file = input->can_reopen = !is_stdin && !live && !strstr(path, "://");
    if (live && open_camera(input, path, &format, &options)) return LIBAV_TOLD;
    if (is_stdin) memcpy(input->head, source_stdin.head, sizeof input->head);
    if (input->is_file && libav_input_peek(path, 0, input->head, sizeof input->head) != sizeof input->head)
        input->head[4] = 0;
    if (is_stdin && open_stdin(input)) return LIBAV_TOLD;
    char *name = name_for_libav(path, input->is_file);
    int error = name ? 0 : AVERROR(ENOMEM);
    if (!error && input->is_file) error = open_file(input, name);
    if (!error) error = libav.avformat_open_input(&input->container, is_stdin ? NULL : name, format, &options);
    libav.av_dict_free(&options);
    free(name);
    return error;
}

void libav_container_close(LibavInput *input) {
    if (input->container && !input->container->iformat) { /* never opened */
        libav.avformat_free_context(input->container);
        input->container = NULL;
    }
    libav.avformat_close_input(&input->container);
    if (input->file) libav.avio_closep(&input->file);
    if (!input->io) return;
    PipeReader *reader = input->io->opaque;
    if (reader->spool) fclose(reader->spool);
    free(reader);
    libav.av_freep(&input->io->buffer);
    libav.avio_context_free(&input->io);
}
