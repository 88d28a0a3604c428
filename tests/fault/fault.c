/*
 * Runs a program over and over, in a process tree of its own, and lets the n-th call of one kind fail each time. Linked
 * in front of the C library in one of two ways: preloaded (all calls count, those of other libraries too), or by the
 * linker's --wrap into a build with sanitizers (FAULT_WRAP; the program's own calls count). tests/fault/README.md tells
 * how it is used, tests/fault/run.sh is the test.
 *
 *   FAULT_KIND   alloc, open, read, write, flush, close, rename or thread
 *   FAULT_MOST   so many n are tried, evenly spread over all calls; 0 (default): every one
 *   FAULT_AT     this n alone; FAULT_TRACE=1 tells where that call was
 *   FAULT_ALL    1: not only the n-th call fails but all from then on
 *   FAULT_TIMED  1: stdout tells how long it took, so that it is not compared
 *   FAULT_MANY   1: the job is made of several: of one that failed, the others' outputs may be there, and a line is for
 * each
 *
 * It works in the current folder: what is in `old` is there as `out` before every run, and must be there again after
 * one that failed, with nothing beside it. A run that succeeded must have left what a run without faults leaves. The
 * last line says how many runs there were, how many of them failed as they should, and how many did not.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ALLOC, OPEN, READ, WRITE, FLUSH, CLOSE, RENAME, THREAD, KINDS };
static const char *const kind_names[KINDS] = {"alloc", "open", "read", "write", "flush", "close", "rename", "thread"};

/* Seen by the run and by who watches it. */
typedef struct Shared {
    unsigned long calls; /* of the kind */
} Shared;

static Shared *shared; /* NULL outside of runs: nothing fails then, nothing counts */
static int fault_kind, fault_all, fault_trace;
static unsigned long fault_at; /* 0: none */

static void tell_where(void) {
    void *frames[24];
    backtrace_symbols_fd(frames, backtrace(frames, 24), STDERR_FILENO);
}

/*
 * Where the program and the libraries that it was linked with are. What is loaded later (FFmpeg's libraries, and all
 * that comes along with them) does not always live through a failed allocation; that is not looked at here. Nor is what
 * happens while it is loaded: libgcrypt then reads a file through the C library, and aborts where it can't.
 */
static __thread int loading;
static struct { uintptr_t from, to; } modules[512];
static int module_count;

static int note_module(struct dl_phdr_info *module, size_t size, void *opaque) {
    (void)size, (void)opaque;
    for (int i = 0; i < module->dlpi_phnum && module_count < 512; i++) {
        if (module->dlpi_phdr[i].p_type != PT_LOAD || strstr(module->dlpi_name, "/ld-linux")) continue;
        modules[module_count].from = module->dlpi_addr + module->dlpi_phdr[i].p_vaddr;
        modules[module_count].to = modules[module_count].from + module->dlpi_phdr[i].p_memsz;
        module_count++;
    }
    return 0;
}

static int is_noted(const void *caller) {
    for (int i = 0; i < module_count; i++)
        if ((uintptr_t)caller >= modules[i].from && (uintptr_t)caller < modules[i].to) return 1;
    return 0;
}

/* Whether this call is to fail. */
#define fails(kind) fails_for(kind, __builtin_return_address(0))
static int fails_for(int kind, const void *caller) {
    if (!shared || loading || kind != fault_kind || !is_noted(caller)) return 0;
    unsigned long n = __atomic_add_fetch(&shared->calls, 1, __ATOMIC_RELAXED);
    if (!fault_at || (fault_all ? n < fault_at : n != fault_at)) return 0;
    if (fault_trace && n == fault_at) {
        Shared *own = shared;
        shared = NULL;
        tell_where();
        shared = own;
    }
    return 1;
}

/* ---------------------------------------------------------------- what fails */

#ifdef FAULT_WRAP
#define NAME(f) __wrap_##f
#define REAL(f) __real_##f
#define DECLARE(type, f, ...)                                                                                          \
    type __real_##f(__VA_ARGS__);                                                                                      \
    type __wrap_##f(__VA_ARGS__)
#else
#define NAME(f) f
#define REAL(f) ((__typeof__(&f))dlsym(RTLD_NEXT, #f))
#define DECLARE(type, f, ...) type f(__VA_ARGS__)
#endif

#ifdef FAULT_WRAP
#define real_malloc __real_malloc
#define real_calloc __real_calloc
#define real_realloc __real_realloc
#else
/* dlsym allocates itself: these have names of their own. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
#define real_malloc __libc_malloc
#define real_calloc __libc_calloc
#define real_realloc __libc_realloc
#endif

DECLARE(void *, malloc, size_t size);
DECLARE(void *, calloc, size_t count, size_t size);
DECLARE(void *, realloc, void *old, size_t size);
DECLARE(int, posix_memalign, void **to, size_t alignment, size_t size);
DECLARE(void *, aligned_alloc, size_t alignment, size_t size);
DECLARE(char *, strdup, const char *text);

DECLARE(void *, dlopen, const char *file, int flags);

void *NAME(dlopen)(const char *file, int flags) {
    loading++;
    void *library = REAL(dlopen)(file, flags);
    loading--;
    return library;
}

static void *no_memory(void) {
    errno = ENOMEM;
    return NULL;
}

void *NAME(malloc)(size_t size) {
    return fails(ALLOC) ? no_memory() : real_malloc(size);
}

void *NAME(calloc)(size_t count, size_t size) {
    return fails(ALLOC) ? no_memory() : real_calloc(count, size);
}

void *NAME(realloc)(void *old, size_t size) {
    return fails(ALLOC) ? no_memory() : real_realloc(old, size);
}

int NAME(posix_memalign)(void **to, size_t alignment, size_t size) {
    return fails(ALLOC) ? ENOMEM : REAL(posix_memalign)(to, alignment, size);
}

void *NAME(aligned_alloc)(size_t alignment, size_t size) {
    return fails(ALLOC) ? no_memory() : REAL(aligned_alloc)(alignment, size);
}

char *NAME(strdup)(const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = fails(ALLOC) ? no_memory() : real_malloc(size);
    return copy ? memcpy(copy, text, size) : NULL;
}

static int fault(int error) {
    errno = error;
    return -1;
}

#define OPENS(f)                                                                                                       \
    DECLARE(FILE *, f, const char *path, const char *how);                                                             \
    FILE *NAME(f)(const char *path, const char *how) {                                                                 \
        if (!fails(OPEN)) return REAL(f)(path, how);                                                                   \
        errno = EMFILE;                                                                                                \
        return NULL;                                                                                                   \
    }
OPENS(fopen)
OPENS(fopen64)

#define OPENS_HANDLE(f)                                                                                                \
    DECLARE(int, f, const char *path, int how, ...);                                                                   \
    int NAME(f)(const char *path, int how, ...) {                                                                      \
        va_list more;                                                                                                  \
        va_start(more, how);                                                                                           \
        mode_t mode = va_arg(more, mode_t);                                                                            \
        va_end(more);                                                                                                  \
        if (fails(OPEN)) return fault(EMFILE);                                                                         \
        return REAL(f)(path, how, mode);                                                                               \
    }
OPENS_HANDLE(open)
OPENS_HANDLE(open64)

#define MAKES(f)                                                                                                       \
    DECLARE(int, f, char *path);                                                                                       \
    int NAME(f)(char *path) {                                                                                          \
        if (fails(OPEN)) return fault(EMFILE);                                                                         \
        return REAL(f)(path);                                                                                          \
    }
MAKES(mkstemp)
MAKES(mkstemp64)

DECLARE(char *, mkdtemp, char *path);
char *NAME(mkdtemp)(char *path) {
    if (!fails(OPEN)) return REAL(mkdtemp)(path);
    errno = ENOSPC;
    return NULL;
}

/* The C library's streams do not go through read and write: their own calls fail, with the stream's mark of an error.
 */
static void mark(FILE *stream, int error) {
    stream->_flags |= 0x20; /* _IO_ERR_SEEN */
    errno = error;
}

DECLARE(ssize_t, read, int handle, void *data, size_t size);
DECLARE(ssize_t, pread, int handle, void *data, size_t size, off_t at);
DECLARE(ssize_t, pread64, int handle, void *data, size_t size, off64_t at);
DECLARE(size_t, fread, void *data, size_t size, size_t count, FILE *stream);
DECLARE(char *, fgets, char *line, int size, FILE *stream);
DECLARE(int, fgetc, FILE *stream);
DECLARE(int, getc, FILE *stream);
DECLARE(ssize_t, write, int handle, const void *data, size_t size);
DECLARE(ssize_t, pwrite, int handle, const void *data, size_t size, off_t at);
DECLARE(ssize_t, pwrite64, int handle, const void *data, size_t size, off64_t at);
DECLARE(size_t, fwrite, const void *data, size_t size, size_t count, FILE *stream);
DECLARE(int, ftruncate, int handle, off_t size);
DECLARE(int, ftruncate64, int handle, off64_t size);
DECLARE(int, fputs, const char *text, FILE *stream);
DECLARE(int, puts, const char *text);
DECLARE(int, vfprintf, FILE *stream, const char *format, va_list values);
DECLARE(int, printf, const char *format, ...);
DECLARE(int, fprintf, FILE *stream, const char *format, ...);
DECLARE(int, __printf_chk, int level, const char *format, ...);
DECLARE(int, __fprintf_chk, FILE *stream, int level, const char *format, ...);
DECLARE(int, fflush, FILE *stream);
DECLARE(int, fsync, int handle);
DECLARE(int, fdatasync, int handle);
DECLARE(int, close, int handle);
DECLARE(int, fclose, FILE *stream);
DECLARE(int, rename, const char *from, const char *to);
DECLARE(int, pthread_create, pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *opaque);

ssize_t NAME(read)(int handle, void *data, size_t size) {
    return fails(READ) ? fault(EIO) : REAL(read)(handle, data, size);
}

ssize_t NAME(pread)(int handle, void *data, size_t size, off_t at) {
    return fails(READ) ? fault(EIO) : REAL(pread)(handle, data, size, at);
}

ssize_t NAME(pread64)(int handle, void *data, size_t size, off64_t at) {
    return fails(READ) ? fault(EIO) : REAL(pread64)(handle, data, size, at);
}

size_t NAME(fread)(void *data, size_t size, size_t count, FILE *stream) {
    if (!fails(READ)) return REAL(fread)(data, size, count, stream);
    mark(stream, EIO);
    return 0;
}

char *NAME(fgets)(char *line, int size, FILE *stream) {
    if (!fails(READ)) return REAL(fgets)(line, size, stream);
    mark(stream, EIO);
    return NULL;
}

int NAME(fgetc)(FILE *stream) {
    if (!fails(READ)) return REAL(fgetc)(stream);
    mark(stream, EIO);
    return EOF;
}

int NAME(getc)(FILE *stream) {
    if (!fails(READ)) return REAL(getc)(stream);
    mark(stream, EIO);
    return EOF;
}

/* What a program says of its own trouble always gets through. */
ssize_t NAME(write)(int handle, const void *data, size_t size) {
    return handle != STDERR_FILENO && fails(WRITE) ? fault(ENOSPC) : REAL(write)(handle, data, size);
}

ssize_t NAME(pwrite)(int handle, const void *data, size_t size, off_t at) {
    return fails(WRITE) ? fault(ENOSPC) : REAL(pwrite)(handle, data, size, at);
}

ssize_t NAME(pwrite64)(int handle, const void *data, size_t size, off64_t at) {
    return fails(WRITE) ? fault(ENOSPC) : REAL(pwrite64)(handle, data, size, at);
}

int NAME(ftruncate)(int handle, off_t size) {
    return fails(WRITE) ? fault(EIO) : REAL(ftruncate)(handle, size);
}

int NAME(ftruncate64)(int handle, off64_t size) {
    return fails(WRITE) ? fault(EIO) : REAL(ftruncate64)(handle, size);
}

static int stream_fails(FILE *stream) {
    if (stream == stderr || !fails(WRITE)) return 0;
    mark(stream, ENOSPC);
    return 1;
}

size_t NAME(fwrite)(const void *data, size_t size, size_t count, FILE *stream) {
    return stream_fails(stream) ? 0 : REAL(fwrite)(data, size, count, stream);
}

int NAME(fputs)(const char *text, FILE *stream) {
    return stream_fails(stream) ? EOF : REAL(fputs)(text, stream);
}

int NAME(puts)(const char *text) {
    return stream_fails(stdout) ? EOF : REAL(puts)(text);
}

int NAME(vfprintf)(FILE *stream, const char *format, va_list values) {
    return stream_fails(stream) ? -1 : REAL(vfprintf)(stream, format, values);
}

#define PRINTS(stream)                                                                                                 \
    va_list values;                                                                                                    \
    va_start(values, format);                                                                                          \
    int printed = NAME(vfprintf)(stream, format, values);                                                              \
    va_end(values);                                                                                                    \
    return printed

int NAME(printf)(const char *format, ...) {
    PRINTS(stdout);
}

int NAME(fprintf)(FILE *stream, const char *format, ...) {
    PRINTS(stream);
}

int NAME(__printf_chk)(int level, const char *format, ...) {
    (void)level;
    PRINTS(stdout);
}

int NAME(__fprintf_chk)(FILE *stream, int level, const char *format, ...) {
    (void)level;
    PRINTS(stream);
}

/* The same as programs compiled with _FORTIFY_SOURCE call them. */
DECLARE(ssize_t, __read_chk, int handle, void *data, size_t size, size_t room);
DECLARE(ssize_t, __pread64_chk, int handle, void *data, size_t size, off64_t at, size_t room);
DECLARE(size_t, __fread_chk, void *data, size_t room, size_t size, size_t count, FILE *stream);
DECLARE(char *, __fgets_chk, char *line, size_t room, int size, FILE *stream);
DECLARE(int, __vfprintf_chk, FILE *stream, int level, const char *format, va_list values);
DECLARE(int, __vprintf_chk, int level, const char *format, va_list values);

ssize_t NAME(__read_chk)(int handle, void *data, size_t size, size_t room) {
    return fails(READ) ? fault(EIO) : REAL(__read_chk)(handle, data, size, room);
}

ssize_t NAME(__pread64_chk)(int handle, void *data, size_t size, off64_t at, size_t room) {
    return fails(READ) ? fault(EIO) : REAL(__pread64_chk)(handle, data, size, at, room);
}

size_t NAME(__fread_chk)(void *data, size_t room, size_t size, size_t count, FILE *stream) {
    if (!fails(READ)) return REAL(__fread_chk)(data, room, size, count, stream);
    mark(stream, EIO);
    return 0;
}

char *NAME(__fgets_chk)(char *line, size_t room, int size, FILE *stream) {
    if (!fails(READ)) return REAL(__fgets_chk)(line, room, size, stream);
    mark(stream, EIO);
    return NULL;
}

int NAME(__vfprintf_chk)(FILE *stream, int level, const char *format, va_list values) {
    return stream_fails(stream) ? -1 : REAL(__vfprintf_chk)(stream, level, format, values);
}

int NAME(__vprintf_chk)(int level, const char *format, va_list values) {
    return stream_fails(stdout) ? -1 : REAL(__vprintf_chk)(level, format, values);
}

int NAME(fflush)(FILE *stream) {
    if (!stream || stream == stderr || !fails(FLUSH)) return REAL(fflush)(stream);
    mark(stream, ENOSPC);
    return EOF;
}

/* The disk is not waited for. */
int NAME(fsync)(int handle) {
    (void)handle;
    return fails(FLUSH) ? fault(EIO) : 0;
}

int NAME(fdatasync)(int handle) {
    (void)handle;
    return fails(FLUSH) ? fault(EIO) : 0;
}

/* What fails to close is closed all the same. */
int NAME(close)(int handle) {
    int status = REAL(close)(handle);
    return fails(CLOSE) ? fault(EIO) : status;
}

int NAME(fclose)(FILE *stream) {
    int failed = fails(CLOSE), status = REAL(fclose)(stream);
    return failed ? fault(ENOSPC) : status;
}

int NAME(rename)(const char *from, const char *to) {
    return fails(RENAME) ? fault(EACCES) : REAL(rename)(from, to);
}

int NAME(pthread_create)(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *opaque) {
    return fails(THREAD) ? EAGAIN : REAL(pthread_create)(thread, attributes, start, opaque);
}

/* ---------------------------------------------------------------- folders */

typedef struct Digest {
    unsigned long long sum; /* of names and bytes; in any order */
    int files, parts;       /* parts: names that end with .part, which are not in the sum */
} Digest;

static unsigned long long hash(unsigned long long h, const void *data, size_t size) {
    const unsigned char *p = data;
    for (size_t i = 0; i < size; i++) h = (h ^ p[i]) * 0x100000001b3;
    return h;
}

static unsigned long long hash_file(unsigned long long h, const char *path) {
    char block[1 << 16];
    size_t got;
    FILE *file = fopen(path, "rb");
    if (!file) return h;
    while ((got = fread(block, 1, sizeof block, file)) > 0) h = hash(h, block, got);
    fclose(file);
    return h;
}

static void for_each(const char *folder, void (*visit)(const char *path, const char *name, void *opaque),
                     void *opaque) {
    DIR *d = opendir(folder);
    struct dirent *e;
    while (d && (e = readdir(d))) {
        char path[4096];
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        visit(path, e->d_name, opaque);
    }
    if (d) closedir(d);
}

static int is_folder(const char *path) {
    struct stat facts;
    return !lstat(path, &facts) && S_ISDIR(facts.st_mode);
}

static int ends_with(const char *text, const char *end) {
    size_t a = strlen(text), b = strlen(end);
    return a >= b && !strcmp(text + a - b, end);
}

static void digest(const char *path, const char *name, void *opaque) {
    Digest *to = opaque;
    to->files++;
    if (is_folder(path)) {
        Digest inside = {0};
        for_each(path, digest, &inside);
        to->sum += hash(inside.sum ^ 0xcbf29ce484222325, name, strlen(name));
        to->parts += inside.parts;
    } else if (ends_with(name, ".part")) {
        to->parts++;
    } else {
        to->sum += hash_file(hash(0xcbf29ce484222325, name, strlen(name)), path);
    }
}

static Digest digest_of(const char *folder) {
    Digest d = {0};
    for_each(folder, digest, &d);
    return d;
}

static void remove_all(const char *path, const char *name, void *opaque) {
    (void)name;
    if (is_folder(path)) for_each(path, remove_all, opaque);
    remove(path);
}

static void copy_to_out(const char *path, const char *name, void *opaque) {
    char to[4096], block[1 << 16];
    snprintf(to, sizeof to, "%s/%s", (const char *)opaque, name);
    if (is_folder(path)) {
        mkdir(to, 0777);
        for_each(path, copy_to_out, to);
        return;
    }
    FILE *in = fopen(path, "rb"), *out = fopen(to, "wb");
    size_t got;
    while (in && out && (got = fread(block, 1, sizeof block, in)) > 0) fwrite(block, 1, got, out);
    if (in) fclose(in);
    if (out) fclose(out);
}

static void lay_out(void) {
    for_each("out", remove_all, NULL);
    mkdir("out", 0777);
    for_each("old", copy_to_out, (void *)"out");
}

/* ---------------------------------------------------------------- runs */

typedef int Main(int argc, char **argv, char **environment);
static Main *real_main;

typedef struct Run {
    int status; /* as of waitpid */
    Digest out;
    unsigned long long said; /* stdout */
    unsigned long calls;
    int sentences, warnings, others; /* lines of stderr */
    char words[1024];                /* of stderr, the first */
    int tells_part;
} Run;

static void read_words(Run *run) {
    char line[8192];
    FILE *file = fopen("stderr.txt", "r");
    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        size_t used = strlen(run->words);
        snprintf(run->words + used, sizeof run->words - used, "%s%s", used ? " | " : "", line);
        if (!strncmp(line, "diffy: warning: ", 16))
            run->warnings++;
        else if (!strncmp(line, "diffy: ", 7) && (ends_with(line, ".") || ends_with(line, "?")))
            run->sentences++;
        else
            run->others++;
        run->tells_part |= strstr(line, ".part") != NULL;
    }
    if (file) fclose(file);
}

static void to_file(const char *path, int handle) {
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    dup2(file, handle);
    close(file);
}

static Run run_once(int argc, char **argv, char **environment, int kind, unsigned long at) {
    Run run = {0};
    Shared *page = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    lay_out();
    pid_t child = fork();
    if (!child) {
        to_file("stdout.txt", STDOUT_FILENO);
        to_file("stderr.txt", STDERR_FILENO);
        int nothing = open("/dev/null", O_RDONLY);
        dup2(nothing, STDIN_FILENO);
        close(nothing);
        alarm(60);
        fault_kind = kind;
        fault_at = at;
        shared = page;
        int status = real_main(argc, argv, environment);
        shared = NULL;
        exit(status);
    }
    waitpid(child, &run.status, 0);
    run.calls = page->calls;
    munmap(page, sizeof *page);
    run.out = digest_of("out");
    run.said = hash_file(0xcbf29ce484222325, "stdout.txt");
    read_words(&run);
    return run;
}

static long number(const char *name) {
    const char *text = getenv(name);
    return text ? atol(text) : 0;
}

/* What is wrong with a run, or NULL. */
static const char *wrong(const Run *run, const Run *good, const Digest *old) {
    if (WIFSIGNALED(run->status)) return WTERMSIG(run->status) == SIGALRM ? "hangs" : "crashes";
    int code = WEXITSTATUS(run->status);
    if (code == 0) {
        if (run->out.sum != good->out.sum || run->out.parts != good->out.parts) return "exits 0 with another output";
        return run->said != good->said && !number("FAULT_TIMED") ? "exits 0 but prints something else" : NULL;
    }
    if (code != 1) return "does not exit with 1";
    if (run->others) return "prints what is no sentence";
    if (number("FAULT_MANY")) return run->sentences ? NULL : "says nothing";
    if (run->sentences != 1) return run->sentences ? "prints more than one sentence" : "says nothing";
    /* A run may fail after all its work is done and in place: the folder can't be synchronised, stdout can't be closed.
     */
    if (run->out.sum != old->sum && run->out.sum != good->out.sum) return "the old output is gone, or there is litter";
    if (run->out.parts && !run->tells_part) return "leaves a part and does not say so";
    return NULL;
}

static int watch(int argc, char **argv, char **environment) {
    const char *wanted = getenv("FAULT_KIND");
    int kind = 0;
    while (kind < KINDS && (!wanted || strcmp(wanted, kind_names[kind]))) kind++;
    if (kind == KINDS) return fprintf(stderr, "FAULT_KIND is not one of alloc, open, read, ...\n"), 2;
    fault_all = number("FAULT_ALL") != 0;
    fault_trace = number("FAULT_TRACE") != 0;
    dl_iterate_phdr(note_module, NULL);
    if (fault_trace) tell_where(); /* its first call loads what it needs */
    Digest old = digest_of("old");
    Run good = run_once(argc, argv, environment, kind, 0);
    if (good.status) return printf("without faults: status %d: %s\n", good.status, good.words), 1;
    unsigned long most = (unsigned long)number("FAULT_MOST"), at = (unsigned long)number("FAULT_AT");
    unsigned long runs = 0, failed = 0, bad = 0, wanted_runs = !most || most > good.calls ? good.calls : most;
    for (unsigned long i = 0; i < wanted_runs; i++) {
        unsigned long n = at ? at : 1 + i * good.calls / wanted_runs;
        Run run = run_once(argc, argv, environment, kind, n);
        const char *fault_found = wrong(&run, &good, &old);
        runs++;
        failed += run.status != 0;
        if (fault_found && ++bad <= 20)
            printf("%s %lu of %lu %s (status %d): %s\n", kind_names[kind], n, good.calls, fault_found, run.status,
                   run.words);
        fflush(stdout);
        if (at) break;
    }
    printf("%s: %lu of %lu calls, %lu runs failed, %lu badly\n", kind_names[kind], runs, good.calls, failed, bad);
    return bad != 0;
}

#ifdef FAULT_WRAP
int __real_main(int argc, char **argv);
int __wrap_main(int argc, char **argv, char **environment);

static int call_main(int argc, char **argv, char **environment) {
    (void)environment;
    return __real_main(argc, argv);
}

int __wrap_main(int argc, char **argv, char **environment) {
    real_main = call_main;
    return getenv("FAULT_KIND") ? watch(argc, argv, environment) : __real_main(argc, argv);
}
#else
typedef int StartMain(Main *main, int argc, char **argv, void (*init)(void), void (*fini)(void), void (*loader)(void),
                      void *stack);
int __libc_start_main(Main *main, int argc, char **argv, void (*init)(void), void (*fini)(void), void (*loader)(void),
                      void *stack);

int __libc_start_main(Main *main, int argc, char **argv, void (*init)(void), void (*fini)(void), void (*loader)(void),
                      void *stack) {
    StartMain *start = (StartMain *)dlsym(RTLD_NEXT, "__libc_start_main");
    real_main = main;
    return start(getenv("FAULT_KIND") ? watch : main, argc, argv, init, fini, loader, stack);
}
#endif
