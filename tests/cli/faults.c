/*
 * Faults that a test wants, preloaded: FAULT_FILE is the end of a file's name. FAULT_WRITE bytes can be written to it,
 * then its disk is full; FAULT_READ bytes can be read of it, then reading fails; its disk has FAULT_ROOM bytes left;
 * it takes FAULT_SLEEP seconds to be written to the disk at its end.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int is_it(const char *path) {
    const char *wanted = getenv("FAULT_FILE");
    size_t length = wanted ? strlen(wanted) : 0, own = path ? strlen(path) : 0;
    return length && own >= length && !strcmp(path + own - length, wanted);
}

static int is_handle(int handle) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return is_it(path);
}

static long long limit(const char *name) {
    const char *text = getenv(name);
    return text ? atoll(text) : -1;
}

ssize_t pwrite64(int handle, const void *data, size_t size, off64_t offset) {
    long long most = limit("FAULT_WRITE");
    if (most >= 0 && is_handle(handle) && offset + (long long)size > most) {
        size = offset < most ? (size_t)(most - offset) : 0;
        if (!size) {
            errno = ENOSPC;
            return -1;
        }
    }
    return REAL(pwrite64)(handle, data, size, offset);
}

ssize_t read(int handle, void *data, size_t size) {
    long long most = limit("FAULT_READ");
    if (most >= 0 && is_handle(handle)) {
        long long at = lseek64(handle, 0, SEEK_CUR);
        if (at + (long long)size > most) size = at < most ? (size_t)(most - at) : 0;
        if (!size) {
            errno = EIO;
            return -1;
        }
    }
    return REAL(read)(handle, data, size);
}

int fsync(int handle) {
    long long seconds = limit("FAULT_SLEEP");
    for (long long i = 0; i < 10 * seconds && is_handle(handle); i++) usleep(100000);
    return REAL(fsync)(handle);
}

/* The C library's own streams don't read through `read`. */
static ssize_t read_stream(void *cookie, char *data, size_t size) {
    return read(fileno(cookie), data, size);
}

static int seek_stream(void *cookie, off64_t *offset, int whence) {
    off64_t at = lseek64(fileno(cookie), *offset, whence);
    return at < 0 ? -1 : (*offset = at, 0);
}

FILE *fopen64(const char *path, const char *mode) {
    FILE *file = REAL(fopen64)(path, mode);
    if (!file || !is_it(path) || limit("FAULT_READ") < 0) return file;
    return fopencookie(file, mode, (cookie_io_functions_t){.read = read_stream, .seek = seek_stream});
}

int fstatvfs64(int handle, struct statvfs64 *disk) {
    int status = REAL(fstatvfs64)(handle, disk);
    long long room = limit("FAULT_ROOM");
    if (!status && room >= 0 && is_handle(handle)) disk->f_bavail = (fsblkcnt64_t)room / disk->f_frsize;
    return status;
}
