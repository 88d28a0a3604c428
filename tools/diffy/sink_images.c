/*
 * Folders and zip archives of images. Both are filled in a temporary folder beside the output: libzip wants every
 * entry's data until the archive is closed, and files keep that out of memory.
 */
#include "sink.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zip.h>

typedef struct ImageSink {
    char *path;   /* without trailing slashes */
    char *folder; /* the temporary one; NULL once it is gone */
    ImageKind kind;
    uint64_t first, count;
    SourceFacts facts;
} ImageSink;

static int matches_zip(const char *path) {
    return has_extension(path, "zip");
}

/* "name/", a folder that is there, or a name without an extension. */
static int matches_folder(const char *path) {
    struct stat facts;
    const char *base = strrchr(path, '/');
    if (!stat(path, &facts)) return S_ISDIR(facts.st_mode);
    return (base && !base[1]) || !strchr(base ? base + 1 : path, '.');
}

static int is_empty_folder(const char *path) {
    DIR *folder = opendir(path);
    if (!folder) return 0;
    int entries = 0;
    while (readdir(folder)) entries++;
    closedir(folder);
    return entries <= 2; /* itself and its parent */
}

static void image_name(const ImageSink *sink, uint64_t index, char *name, size_t size) {
    snprintf(name, size, "frame_%06llu.%s", (unsigned long long)(sink->first + index),
             sink->kind == IMAGE_JPEG ? "jpg" : "png");
}

static int image_path(const ImageSink *sink, uint64_t index, char *path, size_t size) {
    char name[64];
    image_name(sink, index, name, sizeof name);
    return snprintf(path, size, "%s/%s", sink->folder, name) < (int)size ? STATUS_GOOD
                                                                         : complain("%s is too long.", sink->folder);
}

static int open_images(void **state, const char *path, const SourceFacts *facts, const SinkOptions *options) {
    ImageSink *sink = *state = calloc(1, sizeof *sink);
    if (!sink) return complain("There is no memory left to write %s.", path);
    sink->kind = options->images;
    sink->facts = *facts;
    sink->first = options->first_frame;
    sink->path = strdup(path);
    for (size_t end = sink->path ? strlen(sink->path) : 0; end > 1 && sink->path[end - 1] == '/';)
        sink->path[--end] = 0;
    char *folder = sink->path ? part_template(sink->path) : NULL;
    if (!folder) return complain("There is no memory left to write %s.", path);
    if (!mkdtemp(folder)) {
        free(folder);
        return complain("%s can't be written (%s): choose another place.", path, strerror(errno));
    }
    sink->folder = folder;
    return STATUS_GOOD;
}

static int open_zip(void **state, const char *path, const SourceFacts *facts, const SinkOptions *options) {
    return open_images(state, path, facts, options);
}

static int open_folder(void **state, const char *path, const SourceFacts *facts, const SinkOptions *options) {
    struct stat there;
    if (!stat(path, &there) && !is_empty_folder(path))
        return complain("%s already exists and is not empty: choose another name, or empty it.", path);
    return open_images(state, path, facts, options);
}

static int push_image(void *state, const DfyPicture *picture) {
    ImageSink *sink = state;
    char path[4096];
    if (image_path(sink, sink->count, path, sizeof path)) return STATUS_FAILED;
    FILE *file = fopen(path, "wb");
    if (!file) return complain("%s can't be written (%s).", path, strerror(errno));
    int failed = image_write(file, picture, sink->kind, &sink->facts);
    if (fclose(file) || failed) return complain("%s can't be written (%s): is the disk full?", path, strerror(errno));
    sink->count++;
    return STATUS_GOOD;
}

static void remove_folder(ImageSink *sink) {
    char path[4096];
    for (uint64_t i = 0; i <= sink->count; i++) /* one more: the image that failed */
        if (!image_path(sink, i, path, sizeof path)) unlink(path);
    rmdir(sink->folder);
    free(sink->folder);
    sink->folder = NULL;
}

static int keep_folder(void *state) {
    ImageSink *sink = state;
    mode_t mask = umask(0);
    umask(mask);
    chmod(sink->folder, 0777 & ~mask);
    rmdir(sink->path); /* an empty folder gives way; anything else makes the rename fail */
    if (rename(sink->folder, sink->path)) return complain("%s can't be completed (%s).", sink->path, strerror(errno));
    free(sink->folder);
    sink->folder = NULL;
    return STATUS_GOOD;
}

enum { FIRST_OF_1980 = 1 << 5 | 1 }; /* as MS-DOS writes it */

static int add_images(const ImageSink *sink, zip_t *archive) {
    for (uint64_t i = 0; i < sink->count; i++) {
        char path[4096], name[64];
        if (image_path(sink, i, path, sizeof path)) return STATUS_FAILED;
        image_name(sink, i, name, sizeof name);
        zip_source_t *file = zip_source_file(archive, path, 0, -1);
        zip_int64_t index = file ? zip_file_add(archive, name, file, ZIP_FL_ENC_UTF_8) : -1;
        if (index < 0) {
            if (file) zip_source_free(file);
            return complain("%s can't be added to %s (%s).", name, sink->path, zip_strerror(archive));
        }
        zip_file_set_dostime(archive, (zip_uint64_t)index, 0, FIRST_OF_1980, 0); /* the same zip whenever it is made */
        zip_set_file_compression(archive, (zip_uint64_t)index, ZIP_CM_STORE, 0); /* images are compressed already */
    }
    return STATUS_GOOD;
}

/* libzip itself writes to a temporary file beside the archive and renames it. */
static int keep_zip(void *state) {
    ImageSink *sink = state;
    int error = 0;
    zip_t *archive = zip_open(sink->path, ZIP_CREATE | ZIP_TRUNCATE, &error);
    if (!archive) return complain("%s can't be written (libzip error %d).", sink->path, error);
    if (add_images(sink, archive)) {
        zip_discard(archive);
        return STATUS_FAILED;
    }
    if (zip_close(archive)) {
        complain("%s can't be completed (%s).", sink->path, zip_strerror(archive));
        zip_discard(archive);
        return STATUS_FAILED;
    }
    remove_folder(sink);
    return STATUS_GOOD;
}

static void close_images(void *state) {
    ImageSink *sink = state;
    if (sink->folder) remove_folder(sink);
    free(sink->path);
    free(sink);
}

const SinkFormat sink_zip = {
    "zip of images", matches_zip, DFY_PIXELS_RGB, open_zip, push_image, NULL, keep_zip, close_images, 0};
const SinkFormat sink_folder = {
    "folder of images", matches_folder, DFY_PIXELS_RGB, open_folder, push_image, NULL, keep_folder, close_images, 0};
