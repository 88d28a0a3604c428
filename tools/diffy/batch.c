#include "batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive.h"
#include "folder.h"
#include "image.h"

enum { PIECE_BYTES = 1 << 16 };

int batch_wanted(const char *output) {
    struct stat facts;
    size_t length = strlen(output);
    return (length && output[length - 1] == '/') || (!stat(output, &facts) && S_ISDIR(facts.st_mode));
}

int is_video_name(const char *name) {
    static const char *const extensions[] = {"mp4", "m4v",  "mov", "mkv", "webm", "avi",  "ts",  "mts",  "m2ts",
                                             "mpg", "mpeg", "flv", "wmv", "y4m",  "h264", "264", "hevc", "ogv"};
    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++)
        if (has_extension(name, extensions[i])) return 1;
    return 0;
}

int is_clutter(const char *name) {
    for (const char *part = name; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL) {
        size_t length = strcspn(part, "/");
        int upwards = part[length] && length <= 2 && !strncmp(part, "..", length);
        if ((part[0] == '.' && !upwards) || !strncmp(part, "__MACOSX/", 9)) return 1;
    }
    return 0;
}

/* "left/take 1.mp4" becomes "left_take 1"; of images the folder's name, or the input's own where they lie in it. */
static char *name_of(const Batch *batch, const char *path, size_t length, int is_video) {
    const char *own =
        strrchr(batch->path, '/') && strrchr(batch->path, '/')[1] ? strrchr(batch->path, '/') + 1 : batch->path;
    char *name = length ? strndup(path, length) : strdup(own);
    if (!name) return NULL;
    char *dot = strrchr(name, '.');
    if (dot && dot != name && (is_video || !length)) *dot = 0;
    for (char *c = name; *c; c++)
        if (*c == '/') *c = '_';
    return name;
}

static int add(Batch *batch, BatchItem item) {
    BatchItem *items = realloc(batch->items, (batch->count + 1) * sizeof *items);
    if (items) batch->items = items;
    if (!items || !item.name || (item.entry == NULL && !item.path)) {
        free(item.name);
        free(item.path);
        free(item.within);
        free(item.entry);
        return complain("There is no memory left for the recordings in %s.", batch->path);
    }
    batch->items[batch->count++] = item;
    return STATUS_GOOD;
}

/* The folder of an image, once. */
static int add_images(Batch *batch, const char *name) {
    const char *slash = strrchr(name, '/');
    size_t length = slash ? (size_t)(slash - name) : 0;
    for (size_t i = batch->count; i-- > 0;) {
        const char *within = batch->items[i].within;
        if (within && strlen(within) == length && !strncmp(within, name, length)) return STATUS_GOOD;
    }
    return add(batch, (BatchItem){.name = name_of(batch, name, length, 0),
                                  .path = strdup(batch->path),
                                  .within = strndup(name, length)});
}

static int add_file(void *context, const char *name) {
    Batch *batch = context;
    char path[4096];
    if (is_clutter(name)) return STATUS_GOOD;
    batch->zips += (size_t)has_extension(name, "zip");
    if (image_kind_of_name(name)) return add_images(batch, name);
    if (!is_video_name(name)) return STATUS_GOOD;
    snprintf(path, sizeof path, "%s/%s", batch->path, name);
    return add(batch, (BatchItem){.name = name_of(batch, name, strlen(name), 1),
                                  .path = batch->is_zip ? NULL : strdup(path),
                                  .entry = batch->is_zip ? strdup(name) : NULL});
}

void warn_of_zips(const char *path, size_t count) {
    warn("%s contains %zu zip%s, left out here: unpack %s first.", path, count, count > 1 ? "s" : "",
         count > 1 ? "them" : "it");
}

static int list_zip(Batch *batch) {
    zip_t *archive = archive_open(batch->path);
    if (!archive) return STATUS_FAILED;
    int status = archive_walk(archive, add_file, batch);
    zip_discard(archive);
    return status;
}

static int by_name(const void *a, const void *b) {
    return natural_order(((const BatchItem *)a)->name, ((const BatchItem *)b)->name);
}

/* Two videos may differ in their extension or folder alone: a number tells their outputs apart. */
static int tell_apart(Batch *batch) {
    for (size_t i = batch->count; i-- > 1;) {
        size_t before = 0; /* items of the same name; equal ones lie together */
        while (before < i && !strcmp(batch->items[i].name, batch->items[i - 1 - before].name)) before++;
        if (!before) continue;
        char *name = malloc(strlen(batch->items[i].name) + 24);
        if (!name) return complain("There is no memory left for the recordings in %s.", batch->path);
        sprintf(name, "%s-%zu", batch->items[i].name, before + 1);
        free(batch->items[i].name);
        batch->items[i].name = name;
    }
    return STATUS_GOOD;
}

int batch_open(Batch *batch, const char *path) {
    struct stat facts;
    uint8_t head[4] = {0};
    *batch = (Batch){.path = path};
    if (stat(path, &facts)) return complain("%s can't be opened (%s).", path, strerror(errno));
    FILE *file = S_ISREG(facts.st_mode) ? fopen(path, "rb") : NULL;
    batch->is_zip = file && fread(head, 1, sizeof head, file) == sizeof head && !memcmp(head, "PK\3\4", 4);
    if (file) fclose(file);
    if (!batch->is_zip && !S_ISDIR(facts.st_mode))
        return complain("%s is a single recording: name a .dfy file as the output, not a folder.", path);
    if (batch->is_zip ? list_zip(batch) : walk_folder(batch->path, add_file, batch)) return STATUS_FAILED;
    if (!batch->count)
        return complain("%s contains no videos or images%s.", path, batch->zips ? "; unpack the zips in it first" : "");
    if (batch->zips) warn_of_zips(path, batch->zips);
    qsort(batch->items, batch->count, sizeof *batch->items, by_name);
    return tell_apart(batch);
}

static int unpack(zip_file_t *from, FILE *to) {
    static uint8_t piece[PIECE_BYTES];
    zip_int64_t got;
    while ((got = zip_fread(from, piece, sizeof piece)) > 0)
        if (fwrite(piece, 1, (size_t)got, to) != (size_t)got) return -1;
    return got < 0 ? -1 : 0;
}

int batch_ready(const Batch *batch, BatchItem *item) {
    if (!item->entry) return STATUS_GOOD;
    const char *folder = getenv("TMPDIR");
    char path[4096];
    int error = 0;
    snprintf(path, sizeof path, "%s/diffy-XXXXXX", folder && *folder ? folder : "/tmp");
    int handle = mkstemp(path);
    FILE *to = handle >= 0 ? fdopen(handle, "wb") : NULL;
    if (!to) return complain("%s can't be unpacked to %s (%s).", item->entry, path, strerror(errno));
    item->path = strdup(path);
    zip_t *archive = zip_open(batch->path, ZIP_RDONLY, &error);
    zip_int64_t index = archive ? archive_find(archive, item->entry) : -1;
    zip_file_t *from = index >= 0 ? zip_fopen_index(archive, (zip_uint64_t)index, 0) : NULL;
    int failed = !item->path || !from || unpack(from, to);
    int is_full = ferror(to);
    if (from) failed |= zip_fclose(from) != 0;
    is_full |= fclose(to) != 0;
    char problem[120] = "can't be unpacked: there is not enough room for it.";
    if (archive && !is_full) archive_problem(archive, index, problem, sizeof problem);
    if (archive) zip_discard(archive);
    return failed || is_full ? complain("%s in %s %s", item->entry, batch->path, problem) : STATUS_GOOD;
}

void batch_done(BatchItem *item) {
    if (!item->entry || !item->path) return;
    unlink(item->path);
    free(item->path);
    item->path = NULL;
}

void batch_free(Batch *batch) {
    for (size_t i = 0; i < batch->count; i++) {
        batch_done(&batch->items[i]);
        free(batch->items[i].name);
        free(batch->items[i].path);
        free(batch->items[i].within);
        free(batch->items[i].entry);
    }
    free(batch->items);
}
