/* Models from folders, archives, numbered files and splat streams, behind one call. */
#include "splat_source.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "archive.h"
#include "image.h"

enum { LARGEST_MODEL_BYTES = INT32_MAX };

struct SplatSource {
    const char *path;
    zip_t *archive;
    char **names; /* of a folder's or an archive's models, or files as they are */
    size_t count, capacity, next;
    const char *pattern;
    int number, start;
    int told; /* files whose peculiarities were told */
    DfyInput input;
    DfySplatDecoder *decoder;
    uint64_t decoder_frames;
};

int is_splat_name(const char *name) {
    static const char *const extensions[] = {"ply", "spz", "splat", "sog", "glb"};
    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++)
        if (has_extension(name, extensions[i])) return 1;
    return 0;
}

int is_number_pattern(const char *pattern) {
    const char *percent = strchr(pattern, '%');
    if (!percent || strchr(percent + 1, '%')) return 0;
    for (percent++; isdigit((unsigned char)*percent);) percent++;
    return *percent == 'd' && strlen(pattern) < 3000;
}

/* ---------------------------------------------------------------- names */

static int add_name(SplatSource *s, const char *name) {
    if (s->count == s->capacity) {
        size_t capacity = s->capacity ? s->capacity * 2 : 64;
        char **names = realloc(s->names, capacity * sizeof *names);
        if (!names) return complain("There is no memory left for the names in %s.", s->path);
        s->names = names;
        s->capacity = capacity;
    }
    s->names[s->count] = strdup(name);
    if (!s->names[s->count]) return complain("There is no memory left for the names in %s.", s->path);
    s->count++;
    return STATUS_GOOD;
}

static int by_name(const void *a, const void *b) {
    return natural_order(*(char *const *)a, *(char *const *)b);
}

static int usable_name(const char *name) {
    const char *base = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
    return is_splat_name(name) && base[0] != '.' && strncmp(name, "__MACOSX/", 9);
}

static int list_folder(SplatSource *s) {
    DIR *folder = opendir(s->path);
    if (!folder) return complain("%s can't be opened (%s).", s->path, strerror(errno));
    int status = STATUS_GOOD;
    for (struct dirent *entry; !status && (entry = readdir(folder));) {
        if (!usable_name(entry->d_name)) continue;
        size_t size = strlen(s->path) + strlen(entry->d_name) + 2;
        char *name = malloc(size);
        if (name) snprintf(name, size, "%s/%s", s->path, entry->d_name);
        status = name ? add_name(s, name) : complain("There is no memory left for the names in %s.", s->path);
        free(name);
    }
    closedir(folder);
    return status;
}

static int add_usable(void *context, const char *name) {
    return usable_name(name) ? add_name(context, name) : STATUS_GOOD;
}

static int list_archive(SplatSource *s) {
    s->archive = archive_open(s->path);
    return s->archive ? archive_walk(s->archive, add_usable, s) : STATUS_FAILED;
}

/* ---------------------------------------------------------------- opening */

static int is_stdin(const SplatSource *s) {
    return !strcmp(s->path, "-");
}

static int open_stream(SplatSource *s) {
    DfySplatInfo info;
    if (is_stdin(s) ? input_open_stdin(&s->input) : input_open(&s->input, s->path)) return STATUS_FAILED;
    if (dfy_splat_decoder_open(&s->decoder, &s->input, NULL))
        return complain("%s: %s", s->path, dfy_splat_decoder_message(s->decoder));
    dfy_splat_decoder_info(s->decoder, &info);
    if (is_stdin(s)) return STATUS_GOOD; /* it is read as it comes */
    s->decoder_frames = info.frames;
    if (info.complete) return STATUS_GOOD;
    if (!info.frames) return complain("%s is cut off, or was never finished, before its first frame.", s->path);
    return complain("%s is cut off or was never finished: frames 0 to %llu are intact, the rest is missing; extract "
                    "them with diffy splat decode --partial.",
                    s->path, (unsigned long long)info.frames - 1);
}

static int open_source(SplatSource *s) {
    struct stat facts;
    if (is_stdin(s)) return open_stream(s);
    if (stat(s->path, &facts)) return complain("%s can't be opened (%s).", s->path, strerror(errno));
    if (!S_ISDIR(facts.st_mode) && has_extension(s->path, "dfy")) return open_stream(s);
    int status = S_ISDIR(facts.st_mode)          ? list_folder(s)
                 : has_extension(s->path, "zip") ? list_archive(s)
                 : is_splat_name(s->path)        ? add_name(s, s->path)
                                                 : complain("%s is not a splat model: expected .ply, .spz, .sog, .glb, "
                                                                   ".splat, .zip, .dfy or a folder of models.",
                                                            s->path);
    if (!status && !s->count) return complain("%s contains no .ply, .spz, .sog, .glb or .splat file.", s->path);
    if (!status) qsort(s->names, s->count, sizeof *s->names, by_name);
    return status;
}

SplatSource *splat_source_open(const char *path) {
    SplatSource *s = calloc(1, sizeof *s);
    if (!s) {
        complain("There is no memory left to open %s.", path);
        return NULL;
    }
    s->path = path;
    if (!open_source(s)) return s;
    splat_source_close(s);
    return NULL;
}

static void name_numbered(const SplatSource *s, char *name, size_t size, int number) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(name, size, s->pattern, number); /* is_number_pattern: exactly one %d */
#pragma GCC diagnostic pop
}

/* Where numbers begin that nobody gave: at 0, or behind the first model when that is number 0 itself. */
static int usual_start(const SplatSource *s, const char *first) {
    char name[4096];
    struct stat zero, own;
    name_numbered(s, name, sizeof name, 0);
    if (!first) return 0;
    if (stat(name, &zero)) return 1;
    return !stat(first, &own) && own.st_dev == zero.st_dev && own.st_ino == zero.st_ino;
}

SplatSource *splat_source_pattern(const char *first, const char *pattern, int start) {
    SplatSource *s = calloc(1, sizeof *s);
    if (!s) {
        complain("There is no memory left to open %s.", pattern);
        return NULL;
    }
    s->path = pattern;
    s->pattern = pattern;
    s->number = s->start = start < 0 ? usual_start(s, first) : start;
    if (!first || !add_name(s, first)) return s;
    splat_source_close(s);
    return NULL;
}

uint64_t splat_source_frames(const SplatSource *s) {
    return s->decoder ? s->decoder_frames : s->pattern ? 0 : s->count;
}

/* ---------------------------------------------------------------- models */

enum { MOST_TOLD = 5 /* files of which notes are shown */ };

void splat_source_hush(SplatSource *s, int quiet) {
    s->told = quiet ? MOST_TOLD + 1 : 0;
}

static void tell(SplatSource *s, const char *name, const char *sentence) {
    if (!sentence[0] || s->told > MOST_TOLD) return;
    if (s->told++ == MOST_TOLD)
        warn("%s and later files have more such notes, not shown here.", name);
    else
        warn("%s: %s", name, sentence);
}

static int parse(SplatSource *s, DfySplats *splats, const char *name, const uint8_t *data, size_t size) {
    DfySplatOddities odd = {0};
    DfyMessage message = {{0}}, notes = {{0}};
    if (dfy_splats_read(splats, data, size, &notes, &message)) {
        complain("%s: %s", name, message.text);
        return -1;
    }
    dfy_splats_look(splats, &odd);
    dfy_splat_oddities_text(&odd, &message);
    tell(s, name, notes.text);
    tell(s, name, message.text);
    return 0;
}

static int read_file(SplatSource *s, DfySplats *splats, const char *name) {
    DfyInput input;
    if (input_open(&input, name)) return -1;
    int status = -1;
    uint8_t *data = input.size_bytes <= LARGEST_MODEL_BYTES ? malloc((size_t)input.size_bytes + 1) : NULL;
    if (!data)
        complain("%s is too large for one model.", name);
    else if (input.read(input.opaque, 0, data, (size_t)input.size_bytes) != (int64_t)input.size_bytes)
        complain("%s can't be read.", name);
    else
        status = parse(s, splats, name, data, (size_t)input.size_bytes);
    free(data);
    input_close(&input);
    return status;
}

static int read_archived(SplatSource *s, DfySplats *splats, const char *name) {
    zip_stat_t facts;
    zip_file_t *file = zip_fopen(s->archive, name, 0);
    int status = -1;
    uint8_t *data = NULL;
    if (file && !zip_stat(s->archive, name, 0, &facts) && facts.size <= LARGEST_MODEL_BYTES)
        data = malloc((size_t)facts.size + 1);
    if (!data || zip_fread(file, data, facts.size) != (zip_int64_t)facts.size)
        complain("%s in %s can't be unpacked.", name, s->path);
    else
        status = parse(s, splats, name, data, (size_t)facts.size);
    free(data);
    if (file) zip_fclose(file);
    return status;
}

enum { LOOKED_BEHIND = 10000 /* numbers behind a missing one that are looked for */ };

/* At a number without a file: the end, unless there are higher ones. */
static int end_of_numbers(const SplatSource *s, const char *missing) {
    char name[4096];
    struct stat facts;
    if (s->number == s->start) {
        complain("There is no file %s: numbers begin at %d unless --start says otherwise.", missing, s->start);
        return -1;
    }
    for (int i = 1; i <= LOOKED_BEHIND && s->number <= INT32_MAX - i; i++) {
        name_numbered(s, name, sizeof name, s->number + i);
        if (stat(name, &facts)) continue;
        complain("%s is missing, but %s is there: bring the missing file back, or stop before it with --frames.",
                 missing, name);
        return -1;
    }
    return 1;
}

static int next_numbered(SplatSource *s, DfySplats *splats) {
    char name[4096];
    struct stat facts;
    name_numbered(s, name, sizeof name, s->number);
    if (stat(name, &facts)) return end_of_numbers(s, name);
    s->number++;
    return read_file(s, splats, name);
}

int splat_source_lacks(const SplatSource *s, uint64_t got, uint64_t wanted) {
    char name[4096];
    if (!s->pattern)
        return complain("%s has %llu frames, not the %llu of --frames.", s->path, (unsigned long long)got,
                        (unsigned long long)wanted);
    name_numbered(s, name, sizeof name, s->number);
    return complain("%s is missing: there are %llu frames before it, not the %llu of --frames.", name,
                    (unsigned long long)got, (unsigned long long)wanted);
}

/* 1, or -1 where a stream that was read as it came is not whole. */
static int end_of_stream(const SplatSource *s) {
    DfySplatInfo info;
    if (!dfy_splat_decoder_info(s->decoder, &info) && info.complete) return 1;
    complain("The stream is cut off or was never finished.");
    return -1;
}

static int next_decoded(SplatSource *s, DfySplats *splats) {
    const DfySplats *decoded;
    DfyMessage message = {{0}};
    int status = dfy_splat_decoder_next(s->decoder, &decoded);
    if (status == DFY_END) return is_stdin(s) ? end_of_stream(s) : 1;
    if (!status) status = dfy_splats_copy(splats, decoded, &message);
    if (!status) return 0;
    complain("%s: %s", s->path, message.text[0] ? message.text : dfy_splat_decoder_message(s->decoder));
    return -1;
}

int splat_source_next(SplatSource *s, DfySplats *splats) {
    *splats = (DfySplats){0};
    if (s->decoder) return next_decoded(s, splats);
    if (s->next == s->count) return s->pattern ? next_numbered(s, splats) : 1;
    const char *name = s->names[s->next++];
    return s->archive ? read_archived(s, splats, name) : read_file(s, splats, name);
}

void splat_source_close(SplatSource *s) {
    if (!s) return;
    for (size_t i = 0; i < s->count; i++) free(s->names[i]);
    free(s->names);
    if (s->archive) zip_discard(s->archive);
    dfy_splat_decoder_close(&s->decoder);
    input_close(&s->input);
    free(s);
}
