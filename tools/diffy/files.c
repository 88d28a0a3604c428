/* Files: an output that appears under its name only when complete, and a .dfy file opened for reading. */
#include "cli.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
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
int is_written_in_place(const char *path) {
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
        if (handle >= 0) {
            close(handle);
            unlink(part);
        }
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

int output_spares(const char *path, const char *input) {
    struct stat a, b;
    if (!strcmp(path, "-") || !strcmp(input, "-") || stat(path, &a) || stat(input, &b)) return STATUS_GOOD;
    if (a.st_dev != b.st_dev || a.st_ino != b.st_ino || !S_ISREG(a.st_mode)) return STATUS_GOOD;
    return complain("%s is also the input: give the output another name.", path);
}

/* Something that isn't a .dfy file and would be lost; an empty file, as mktemp makes them, would not. */
static int is_other_file(const char *path) {
    char head[3];
    struct stat facts;
    if (stat(path, &facts) || !S_ISREG(facts.st_mode) || !facts.st_size || has_extension(path, "dfy")) return 0;
    FILE *file = fopen(path, "rb");
    int other = file && (fread(head, 1, sizeof head, file) != sizeof head || memcmp(head, "DFY", sizeof head));
    if (file) fclose(file);
    return other;
}

int dfy_output_spares(const char *path, const char *input) {
    static const char *const others[] = {"mp4", "m4v",  "mov", "mkv", "webm", "avi", "ts",    "y4m", "zip",
                                         "png", "jpeg", "jpg", "gif", "ply",  "spz", "splat", "sog", "glb"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (has_extension(path, others[i]))
            return complain_usage("%s is not the name of a .dfy file: the output comes last, as in INPUT OUTPUT.dfy.",
                                  path);
    if (output_spares(path, input)) return STATUS_FAILED;
    if (!is_other_file(path)) return STATUS_GOOD;
    return complain("%s already exists and is not a .dfy file: give another name, or delete it first.", path);
}

/* What to do about an output that can't be written. */
const char *remedy(int error) {
    return error == ENOSPC || error == EDQUOT ? "free some space, or choose another place" : "choose another place";
}

int output_failed(const OutputFile *file) {
    if (!file->error) return 0;
    complain("%s can't be written (%s): %s.", file->path, strerror(file->error), remedy(file->error));
    return 1;
}

int output_open(OutputFile *file, const char *path) {
    *file = (OutputFile){.path = path};
    struct stat facts;
    if (!path[0]) return complain("The output name is empty: give the name of a file to write.");
    if (!strcmp(path, "-") && isatty(STDOUT_FILENO))
        return complain("stdout is a terminal: redirect it to a file or a pipe.");
    if (!stat(path, &facts) && S_ISDIR(facts.st_mode))
        return complain("%s is a folder: give the name of a file to write.", path);
    if (!strcmp(path, "-"))
        file->stream = stdout;
    else if (is_written_in_place(path))
        file->stream = fopen(path, "wb");
    else
        file->stream = open_part(path, &file->part_path);
    if (!file->stream) return complain("%s can't be written (%s): %s.", path, strerror(errno), remedy(errno));
    interrupt_removes(file->part_path);
    return STATUS_GOOD;
}

int output_keep(OutputFile *file) {
    int failed = fflush(file->stream) != 0, error = failed ? errno : file->error ? file->error : EIO;
    failed |= ferror(file->stream);
    if (file->stream != stdout && fclose(file->stream) && !failed) failed = 1, error = errno;
    file->stream = NULL;
    if (!failed && file->part_path && rename(file->part_path, file->path)) failed = 1, error = errno;
    if (failed) {
        complain("%s can't be completed (%s): %s.", file->path, strerror(error), remedy(error));
        output_drop(file);
        return STATUS_FAILED;
    }
    interrupt_removes(NULL);
    free(file->part_path);
    file->part_path = NULL;
    return STATUS_GOOD;
}

int sync_folder_of(const char *path) {
    char *copy = strdup(path);
    int handle = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    int failed = handle >= 0 && fsync(handle) && errno != EINVAL && errno != EROFS;
    if (handle >= 0) close(handle);
    free(copy);
    return failed ? -1 : 0;
}

int output_keep_safely(OutputFile *file) {
    int on_disk = file->part_path != NULL;
    if (on_disk && (fflush(file->stream) || fsync(fileno(file->stream))) && !file->error) file->error = errno;
    if (output_failed(file) || output_keep(file)) return STATUS_FAILED;
    if (on_disk && sync_folder_of(file->path))
        return complain("%s was written, but its folder can't be synced.", file->path);
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
    OutputFile *file = opaque;
    if (fwrite(data, 1, size_bytes, file->stream) == size_bytes) return 0;
    if (!file->error) file->error = errno ? errno : EIO;
    return -1;
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

/* As read_at, of something that only goes forward. */
static int64_t read_on(void *opaque, uint64_t offset, uint8_t *data, size_t size_bytes) {
    (void)offset;
    int handle = *(const int *)opaque;
    size_t done = 0;
    while (done < size_bytes) {
        ssize_t got = read(handle, data + done, size_bytes - done);
        if (got < 0 && errno == EINTR && !interrupted()) continue;
        if (got < 0) return -1;
        if (got == 0) break;
        done += (size_t)got;
    }
    return (int64_t)done;
}

int input_open_stdin(DfyInput *input) {
    if (isatty(STDIN_FILENO)) return complain("stdin is a terminal: pipe a .dfy file into it, as in `cat x.dfy |`.");
    int *own = malloc(sizeof *own);
    if (!own) return complain("There is no memory left to read stdin.");
    *own = STDIN_FILENO;
    *input = (DfyInput){.read = read_on, .size_bytes = DFY_FORWARD_ONLY, .opaque = own};
    return STATUS_GOOD;
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
    if (input->size_bytes != DFY_FORWARD_ONLY) close(*(int *)input->opaque);
    free(input->opaque);
    input->opaque = NULL;
}

int decoder_open(DfyDecoder **decoder, DfyInput *input, const char *path, const DfyDecoderSettings *settings) {
    *decoder = NULL;
    if (input_open(input, path)) return STATUS_FAILED;
    if (dfy_decoder_open(decoder, input, settings)) return complain("%s: %s", path, dfy_last_message(*decoder));
    return STATUS_GOOD;
}
