/* Models from folders, archives, numbered files and splat streams, behind one call. */
#include "splat_source.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zip.h>

#include "image.h"

enum { LARGEST_MODEL_BYTES = INT32_MAX };

struct SplatSource {
    const char *path;
    zip_t *archive;
    char **names; /* of a folder's or an archive's models, or files as they are */
    size_t count, capacity, next;
    const char *pattern;
    int number;
    DfyInput input;
    DfySplatDecoder *decoder;
    uint64_t decoder_frames;
};

int is_splat_name(const char *name) {
    return has_extension(name, "ply") || has_extension(name, "spz") || has_extension(name, "splat");
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

static int list_archive(SplatSource *s) {
    int error = 0, status = STATUS_GOOD;
    s->archive = zip_open(s->path, ZIP_RDONLY, &error);
    if (!s->archive) return complain("%s can't be read as zip (error %d).", s->path, error);
    zip_int64_t entries = zip_get_num_entries(s->archive, 0);
    for (zip_int64_t i = 0; !status && i < entries; i++) {
        const char *name = zip_get_name(s->archive, (zip_uint64_t)i, 0);
        if (name && usable_name(name)) status = add_name(s, name);
    }
    return status;
}

/* ---------------------------------------------------------------- opening */

static int open_stream(SplatSource *s) {
    DfySplatInfo info;
    if (input_open(&s->input, s->path)) return STATUS_FAILED;
    if (dfy_splat_decoder_open(&s->decoder, &s->input, NULL))
        return complain("%s: %s", s->path, dfy_splat_decoder_message(s->decoder));
    dfy_splat_decoder_info(s->decoder, &info);
    s->decoder_frames = info.frames;
    return STATUS_GOOD;
}

static int open_source(SplatSource *s) {
    struct stat facts;
    if (stat(s->path, &facts)) return complain("%s can't be opened (%s).", s->path, strerror(errno));
    if (!S_ISDIR(facts.st_mode) && has_extension(s->path, "dfy")) return open_stream(s);
    int status = S_ISDIR(facts.st_mode)          ? list_folder(s)
                 : has_extension(s->path, "zip") ? list_archive(s)
                 : is_splat_name(s->path)        ? add_name(s, s->path)
                                                 : complain("%s is no splat model: expected .ply, .spz, .splat, .zip, "
                                                                   ".dfy or a folder of models.",
                                                            s->path);
    if (!status && !s->count) return complain("%s holds no .ply, .spz or .splat file.", s->path);
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

SplatSource *splat_source_pattern(const char *first, const char *pattern, int start) {
    SplatSource *s = calloc(1, sizeof *s);
    if (!s) {
        complain("There is no memory left to open %s.", pattern);
        return NULL;
    }
    s->path = pattern;
    s->pattern = pattern;
    s->number = start;
    if (!first || !add_name(s, first)) return s;
    splat_source_close(s);
    return NULL;
}

uint64_t splat_source_frames(const SplatSource *s) {
    return s->decoder ? s->decoder_frames : s->pattern ? 0 : s->count;
}

/* ---------------------------------------------------------------- models */

static int parse(DfySplats *splats, const char *name, const uint8_t *data, size_t size) {
    DfySplatRepairs repairs;
    DfyMessage message = {{0}};
    if (dfy_splats_read(splats, data, size, &repairs, &message)) {
        complain("%s: %s", name, message.text);
        return -1;
    }
    dfy_splat_repairs_text(&repairs, &message);
    if (message.text[0]) warn("%s: %s", name, message.text);
    return 0;
}

static int read_file(DfySplats *splats, const char *name) {
    DfyInput input;
    if (input_open(&input, name)) return -1;
    int status = -1;
    uint8_t *data = input.size_bytes <= LARGEST_MODEL_BYTES ? malloc((size_t)input.size_bytes + 1) : NULL;
    if (!data)
        complain("%s is too large for one model.", name);
    else if (input.read(input.opaque, 0, data, (size_t)input.size_bytes) != (int64_t)input.size_bytes)
        complain("%s can't be read.", name);
    else
        status = parse(splats, name, data, (size_t)input.size_bytes);
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
        status = parse(splats, name, data, (size_t)facts.size);
    free(data);
    if (file) zip_fclose(file);
    return status;
}

static int next_numbered(SplatSource *s, DfySplats *splats) {
    char name[4096];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(name, sizeof name, s->pattern, s->number); /* is_number_pattern: exactly one %d */
#pragma GCC diagnostic pop
    struct stat facts;
    if (stat(name, &facts)) return 1;
    s->number++;
    return read_file(splats, name);
}

static int next_decoded(SplatSource *s, DfySplats *splats) {
    const DfySplats *decoded;
    DfyMessage message = {{0}};
    int status = dfy_splat_decoder_next(s->decoder, &decoded);
    if (status == DFY_END) return 1;
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
    return s->archive ? read_archived(s, splats, name) : read_file(splats, name);
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
