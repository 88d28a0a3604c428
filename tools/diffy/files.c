/* Files: an output that appears under its name only when complete, and a .dfy file opened for reading. */
#include "cli.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

int has_extension(const char *path, const char *extension) {
    size_t length = strlen(path), tail = strlen(extension);
    return length > tail && path[length - tail - 1] == '.' && !strcasecmp(path + length - tail, extension);
}

/* ---------------------------------------------------------------- output */

/* Devices and pipes can't be replaced by a rename. */
static int written_in_place(const char *path) {
    struct stat facts;
    return !strcmp(path, "-") || (!stat(path, &facts) && !S_ISREG(facts.st_mode) && !S_ISDIR(facts.st_mode));
}

char *part_template(const char *path) {
    static const char suffix[] = ".part-XXXXXX"; /* mkstemp and mkdtemp fill the end */
    char *part = malloc(strlen(path) + sizeof suffix);
    if (part) strcat(strcpy(part, path), suffix);
    return part;
}

static FILE *open_part(const char *path, char **part_path) {
    char *part = part_template(path);
    if (!part) return NULL;
    int handle = mkstemp(part);
    FILE *stream = handle >= 0 ? fdopen(handle, "wb") : NULL;
    if (!stream) {
        int error = errno;
        if (handle >= 0) close(handle);
        free(part);
        errno = error;
        return NULL;
    }
    mode_t mask = umask(0);
    umask(mask);
    fchmod(handle, 0666 & ~mask); /* mkstemp's 0600 is for secrets */
    *part_path = part;
    return stream;
}

int output_open(OutputFile *file, const char *path) {
    *file = (OutputFile){.path = path};
    struct stat facts;
    if (!stat(path, &facts) && S_ISDIR(facts.st_mode))
        return complain("%s is a folder: give a file's name to write.", path);
    if (!strcmp(path, "-"))
        file->stream = stdout;
    else if (written_in_place(path))
        file->stream = fopen(path, "wb");
    else
        file->stream = open_part(path, &file->part_path);
    if (!file->stream) return complain("%s can't be written (%s): choose another place.", path, strerror(errno));
    interrupt_removes(file->part_path);
    return STATUS_GOOD;
}

int output_keep(OutputFile *file) {
    int failed = fflush(file->stream) || ferror(file->stream);
    if (file->stream != stdout) failed |= fclose(file->stream) != 0;
    file->stream = NULL;
    if (!failed && file->part_path && rename(file->part_path, file->path)) failed = 1;
    if (failed) {
        complain("%s can't be completed (%s): is the disk full?", file->path, strerror(errno));
        output_drop(file);
        return STATUS_FAILED;
    }
    interrupt_removes(NULL);
    free(file->part_path);
    file->part_path = NULL;
    return STATUS_GOOD;
}

void output_drop(OutputFile *file) {
    if (file->stream && file->stream != stdout) fclose(file->stream);
    file->stream = NULL;
    interrupt_removes(NULL);
    if (file->part_path) unlink(file->part_path);
    free(file->part_path);
    file->part_path = NULL;
}

static int write_output(void *opaque, const uint8_t *data, size_t size_bytes) {
    return fwrite(data, 1, size_bytes, ((OutputFile *)opaque)->stream) == size_bytes ? 0 : -1;
}

DfyOutput output_for_encoder(OutputFile *file) {
    return (DfyOutput){.write = write_output, .opaque = file};
}

/* ---------------------------------------------------------------- input */

static int64_t read_at(void *opaque, uint64_t offset, uint8_t *data, size_t size_bytes) {
    int handle = *(const int *)opaque;
    size_t done = 0;
    while (done < size_bytes) {
        ssize_t got = pread(handle, data + done, size_bytes - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -1;
        if (got == 0) break;
        done += (size_t)got;
    }
    return (int64_t)done;
}

int input_open(DfyInput *input, const char *path) {
    *input = (DfyInput){.read = read_at};
    struct stat facts;
    int handle = open(path, O_RDONLY | O_CLOEXEC);
    if (handle < 0 || fstat(handle, &facts)) {
        complain("%s can't be opened (%s).", path, strerror(errno));
        if (handle >= 0) close(handle);
        return STATUS_FAILED;
    }
    if (!S_ISREG(facts.st_mode)) {
        close(handle);
        return complain("%s is not a file: give a .dfy file on disk.", path);
    }
    int *own = malloc(sizeof *own);
    if (!own) {
        close(handle);
        return complain("There is no memory left to open %s.", path);
    }
    *own = handle;
    input->opaque = own;
    input->size_bytes = (uint64_t)facts.st_size;
    return STATUS_GOOD;
}

void input_close(DfyInput *input) {
    if (!input->opaque) return;
    close(*(int *)input->opaque);
    free(input->opaque);
    input->opaque = NULL;
}

int decoder_open(DfyDecoder **decoder, DfyInput *input, const char *path, const DfyDecoderSettings *settings) {
    *decoder = NULL;
    if (input_open(input, path)) return STATUS_FAILED;
    if (dfy_decoder_open(decoder, input, settings)) return complain("%s: %s", path, dfy_last_message(*decoder));
    return STATUS_GOOD;
}
