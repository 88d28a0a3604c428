#include "part_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static const double sync_seconds = 1;                    /* least time between two; a segment is seconds long */
static const uint64_t little_space = (uint64_t)64 << 20; /* bytes: said once */

/* ---------------------------------------------------------------- what to say */

/* A name as a shell takes it. */
static const char *quoted(const char *path, char *to, size_t size) {
    int plain = path[0] && strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./_-:@%+=,") ==
                               strlen(path);
    snprintf(to, size, plain ? "%s" : "'%s'", path);
    return to;
}

static int write_advice(PartFile *file, int resumable) {
    enum { LONGEST = 4 * 4096 };
    static const char *const ways[] = {"finish it",
                                       "continue with \"diffy encode --resume\" and the same options, or finish it"};
    char part[4100], path[4100];
    quoted(file->part_path, part, sizeof part);
    quoted(file->path, path, sizeof path);
    for (int i = 0; i < 2; i++) {
        file->advices[i] = malloc(LONGEST);
        if (!file->advices[i]) return complain("There is no memory left to write %s.", file->path);
        snprintf(file->advices[i], LONGEST, "The frames so far are in %s: %s with \"diffy repair %s %s\".",
                 file->part_path, ways[i], part, path);
    }
    file->advice = file->advices[resumable];
    return STATUS_GOOD;
}

void part_not_resumable(PartFile *file) {
    if (!file->advices[0] || file->advice == file->advices[0]) return;
    file->advice = file->advices[0];
    if (file->has_frames && file->keeps) interrupt_says(file->advice);
}

static const char *tail_of_complaints(const void *opaque) {
    const PartFile *file = opaque;
    return file->is_open && file->keeps && file->has_frames && !file->differs ? file->advice : NULL;
}

/* ---------------------------------------------------------------- opening */

/* Whether there is something in a part that was left: frames, or what isn't ours to remove. */
static int is_worth_keeping(const char *path) {
    struct stat facts;
    if (stat(path, &facts) || !facts.st_size) return 0;
    DfyDecoder *decoder = NULL;
    DfyInput input;
    DfyInfo info = {0};
    if (input_open(&input, path)) return 1;
    uint8_t magic[3] = {0};
    int ours = input.read(input.opaque, 0, magic, 3) == 3 && !memcmp(magic, "DFY", 3);
    int playable = !dfy_decoder_open(&decoder, &input, NULL) && !dfy_decoder_info(decoder, &info) && info.frames;
    dfy_decoder_close(&decoder);
    input_close(&input);
    return !ours || playable;
}

static int refuse_old_part(PartFile *file, int resumable) {
    write_advice(file, resumable);
    return complain("An interrupted encode left %s, which would be lost. %s Or delete it.", file->part_path,
                    file->advice ? file->advice : "");
}

static int open_part(PartFile *file, int resume, int resumable) {
    char *part = malloc(strlen(file->path) + sizeof ".part");
    if (!part) return complain("There is no memory left to write %s.", file->path);
    file->part_path = strcat(strcpy(part, file->path), ".part");
    file->handle = open(part, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (file->handle < 0) return complain("%s can't be written (%s): choose another place.", part, strerror(errno));
    if (flock(file->handle, LOCK_EX | LOCK_NB))
        return complain("%s is being written by another diffy: wait for it, or give the output another name.", part);
    if (!resume && is_worth_keeping(part)) return refuse_old_part(file, resumable);
    file->is_open = 1;
    if (write_advice(file, resumable)) return STATUS_FAILED;
    if (!resume && ftruncate(file->handle, 0)) return complain("%s can't be written (%s).", part, strerror(errno));
    complaints_end_with(tail_of_complaints, file);
    return STATUS_GOOD;
}

int part_open(PartFile *file, const char *path, int keeps, int resume, int resumable) {
    *file = (PartFile){.path = path, .handle = -1, .keeps = keeps};
    struct stat facts;
    if (!path[0]) return complain("The output name is empty: give the name of a file to write.");
    if (!strcmp(path, "-") && isatty(STDOUT_FILENO))
        return complain("stdout is a terminal: redirect it to a file or a pipe.");
    if (!stat(path, &facts) && S_ISDIR(facts.st_mode))
        return complain("%s is a folder: give the name of a file to write.", path);
    if (!is_written_in_place(path)) return open_part(file, resume, resumable);
    if (resume) return complain_usage("%s is not a file on disk: only a file can be resumed.", path);
    file->handle = strcmp(path, "-") ? open(path, O_WRONLY | O_CLOEXEC) : STDOUT_FILENO;
    if (file->handle < 0) return complain("%s can't be written (%s): choose another place.", path, strerror(errno));
    file->is_open = 1;
    return STATUS_GOOD;
}

void part_go_on(PartFile *file, uint64_t offset, uint64_t whole) {
    file->offset = offset;
    file->whole = whole;
    file->has_frames = 1;
}

/* ---------------------------------------------------------------- writing */

/* Says that the disk will be full before it is. */
static void look_at_space(PartFile *file) {
    struct statvfs disk;
    if (file->told_full || fstatvfs(file->handle, &disk)) return;
    uint64_t room = (uint64_t)disk.f_bavail * disk.f_frsize, rest = 0;
    double done = file->share_done;
    if (done > 0.01) rest = (uint64_t)((double)file->offset * (1 - done) / done);
    if (room >= rest && (rest || room >= little_space)) return;
    file->told_full = 1;
    if (rest)
        warn("The disk with %s has %.1f MB free, but the rest will take about %.1f MB: free some space.", file->path,
             (double)room / 1e6, (double)rest / 1e6);
    else
        warn("The disk with %s has only %.1f MB free: free some space.", file->path, (double)room / 1e6);
}

/* What is written is on the disk within a second or with the next chunk, whichever is later. */
static int sync_now_and_then(PartFile *file) {
    double now = seconds_now();
    if (!file->part_path || (file->synced > 0 && now - file->synced < sync_seconds)) return 0;
    int first = file->synced <= 0;
    file->synced = now;
    file->sync_at = file->offset;
    look_at_space(file);
    return fdatasync(file->handle) || (first && sync_folder_of(file->part_path));
}

/* Compares with what is there; what reaches beyond it is written. The bytes left, or -1. */
static int64_t compare(PartFile *file, const uint8_t *data, size_t size) {
    uint8_t there[4096];
    size_t done = 0;
    while (done < size && file->offset < file->whole) {
        size_t step = size - done < sizeof there ? size - done : sizeof there;
        if (step > file->whole - file->offset) step = (size_t)(file->whole - file->offset);
        ssize_t got = pread(file->handle, there, step, (off_t)file->offset);
        if (got != (ssize_t)step) return -1;
        if (memcmp(there, data + done, step)) {
            file->differs = 1;
            return -1;
        }
        done += step;
        file->offset += step;
    }
    return (int64_t)(size - done);
}

/* What was torn off stands behind what is whole: it goes once that has proved to be of this recording. */
static int cut_off_rest(PartFile *file) {
    if (!file->part_path || file->is_cut) return 0;
    file->is_cut = 1;
    return ftruncate(file->handle, (off_t)file->offset);
}

static int put(PartFile *file, const uint8_t *data, size_t size) {
    if (cut_off_rest(file)) {
        file->error = errno;
        return -1;
    }
    for (size_t done = 0; done < size;) {
        ssize_t got = file->part_path ? pwrite(file->handle, data + done, size - done, (off_t)(file->offset + done))
                                      : write(file->handle, data + done, size - done);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) {
            file->error = got < 0 ? errno : EIO;
            /* The part ends with a whole chunk again. */
            if (file->part_path && ftruncate(file->handle, (off_t)file->offset)) return -1;
            return -1;
        }
        done += (size_t)got;
    }
    file->offset += size;
    return 0;
}

static int write_part(void *opaque, const uint8_t *data, size_t size) {
    enum { SEGMENT = 0x11 };
    PartFile *file = opaque;
    int64_t left = compare(file, data, size);
    if (left < 0) {
        if (!file->differs) file->error = errno ? errno : EIO;
        return -1;
    }
    if (left && put(file, data + size - (size_t)left, (size_t)left)) return -1;
    file->has_frames |= size > 0 && data[0] == SEGMENT;
    if (file->has_frames && file->keeps) interrupt_says(file->advice);
    if (left && sync_now_and_then(file)) {
        file->error = errno;
        return -1;
    }
    return 0;
}

DfyOutput part_output(PartFile *file) {
    return (DfyOutput){.write = write_part, .opaque = file};
}

int part_failed(const PartFile *file) {
    if (file->differs) {
        complain("%s does not match this input and these options: it differs at byte %llu. Give the same input and "
                 "options, or finish it as it is with diffy repair.",
                 file->part_path, (unsigned long long)file->offset);
        return 1;
    }
    if (!file->error) return 0;
    complain("%s can't be written (%s): %s.", file->path, strerror(file->error), remedy(file->error));
    return 1;
}

/* ---------------------------------------------------------------- the end */

int part_keep(PartFile *file) {
    int failed = file->part_path && fsync(file->handle);
    interrupt_cuts(-1, 0);
    if (!failed && file->part_path) failed = rename(file->part_path, file->path) || sync_folder_of(file->path);
    if (failed) return complain("%s can't be completed (%s): %s.", file->path, strerror(errno), remedy(errno));
    part_leave(file);
    return STATUS_GOOD;
}

void part_leave(PartFile *file) {
    int useless = file->is_open && file->part_path && !(file->keeps && file->has_frames);
    struct stat own, named;
    /* Under its final name it stays, as does what somebody put in its place. */
    if (useless && !fstat(file->handle, &own) && !stat(file->part_path, &named) && own.st_ino == named.st_ino)
        unlink(file->part_path);
    else if (file->is_open && file->part_path)
        fdatasync(file->handle);
    complaints_end_with(NULL, NULL);
    interrupt_says(NULL);
    interrupt_cuts(-1, 0);
    if (file->handle > STDERR_FILENO) close(file->handle);
    free(file->part_path);
    free(file->advices[0]);
    free(file->advices[1]);
    *file = (PartFile){.handle = -1};
}
