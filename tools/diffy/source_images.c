/* Folders and zip archives of PNG and JPEG images, in natural order of their names. */
#include "image.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <zip.h>

enum { LARGEST_IMAGE_BYTES = 512 << 20 };

typedef struct ImageSource {
    const char *path;
    zip_t *archive; /* NULL: a folder */
    char **names;
    size_t count, next;
    OwnPicture picture;
    uint8_t *data;
    size_t capacity;
} ImageSource;

static int probe_folder(const SourceProbe *probe) {
    return probe->is_folder;
}
static int probe_zip(const SourceProbe *probe) {
    return !memcmp(probe->head, "PK\3\4", 4) || !memcmp(probe->head, "PK\5\6", 4);
}

static int by_name(const void *a, const void *b) {
    return natural_order(*(char *const *)a, *(char *const *)b);
}

static int is_hidden(const char *name) {
    const char *base = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
    return base[0] == '.' || !strncmp(name, "__MACOSX/", 9);
}

static int add_name(ImageSource *source, const char *name) {
    if (!image_kind_of_name(name) || is_hidden(name)) return STATUS_GOOD;
    if ((source->count & (source->count + 1)) == 0) { /* full at 0, 1, 3, 7, ... names: doubles */
        char **names = realloc(source->names, (source->count + 1) * 2 * sizeof *names);
        if (!names) return complain("There is no memory left for the names in %s.", source->path);
        source->names = names;
    }
    char *copy = strdup(name);
    if (!copy) return complain("There is no memory left for the names in %s.", source->path);
    source->names[source->count++] = copy;
    return STATUS_GOOD;
}

static int list_folder(ImageSource *source) {
    DIR *folder = opendir(source->path);
    if (!folder) return complain("%s can't be opened (%s).", source->path, strerror(errno));
    int status = STATUS_GOOD;
    for (struct dirent *entry; !status && (entry = readdir(folder));) status = add_name(source, entry->d_name);
    closedir(folder);
    return status;
}

/* Frames in several folders of one archive are several recordings, and one .dfy holds one. */
static int check_one_recording(const ImageSource *source) {
    const char *first = source->names[0], *last = source->names[source->count - 1];
    size_t a = strrchr(first, '/') ? (size_t)(strrchr(first, '/') - first) : 0;
    size_t b = strrchr(last, '/') ? (size_t)(strrchr(last, '/') - last) : 0;
    if (a == b && !strncmp(first, last, a)) return STATUS_GOOD;
    return complain("%s holds several recordings (\"%.*s\" and \"%.*s\"): unpack it and encode each folder apart.",
                    source->path, (int)a, first, (int)b, last);
}

static int list_zip(ImageSource *source) {
    int error = 0;
    source->archive = zip_open(source->path, ZIP_RDONLY, &error);
    if (!source->archive) {
        zip_error_t details;
        zip_error_init_with_code(&details, error);
        complain("%s can't be read as zip (%s).", source->path, zip_error_strerror(&details));
        zip_error_fini(&details);
        return STATUS_FAILED;
    }
    zip_int64_t entries = zip_get_num_entries(source->archive, 0);
    for (zip_int64_t i = 0; i < entries; i++) {
        const char *name = zip_get_name(source->archive, (zip_uint64_t)i, 0);
        if (name && add_name(source, name)) return STATUS_FAILED;
    }
    return STATUS_GOOD;
}

static int reserve(ImageSource *source, uint64_t size, const char *name) {
    if (size > LARGEST_IMAGE_BYTES) return complain("%s in %s is too large for an image.", name, source->path);
    if (size <= source->capacity) return STATUS_GOOD;
    uint8_t *data = realloc(source->data, (size_t)size);
    if (!data) return complain("There is no memory left to read %s in %s.", name, source->path);
    source->data = data;
    source->capacity = (size_t)size;
    return STATUS_GOOD;
}

static int read_from_zip(ImageSource *source, const char *name, size_t *size) {
    zip_stat_t facts;
    if (zip_stat(source->archive, name, 0, &facts) || !(facts.valid & ZIP_STAT_SIZE))
        return complain("%s in %s can't be read.", name, source->path);
    if (reserve(source, facts.size, name)) return STATUS_FAILED;
    zip_file_t *file = zip_fopen(source->archive, name, 0);
    if (!file) return complain("%s in %s can't be read (%s).", name, source->path, zip_strerror(source->archive));
    zip_int64_t got = zip_fread(file, source->data, facts.size);
    int bad_checksum = zip_fclose(file) != 0;
    if (got < 0 || (zip_uint64_t)got != facts.size || bad_checksum)
        return complain("%s in %s is damaged.", name, source->path);
    *size = (size_t)got;
    return STATUS_GOOD;
}

static int read_from_folder(ImageSource *source, const char *name, size_t *size) {
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s", source->path, name) >= (int)sizeof path)
        return complain("%s/%s: the path is too long.", source->path, name);
    struct stat facts;
    FILE *file = fopen(path, "rb");
    if (!file || fstat(fileno(file), &facts) || !S_ISREG(facts.st_mode)) {
        complain("%s can't be read (%s).", path, strerror(errno));
        if (file) fclose(file);
        return STATUS_FAILED;
    }
    int status = reserve(source, (uint64_t)facts.st_size, name);
    if (!status) *size = fread(source->data, 1, (size_t)facts.st_size, file);
    fclose(file);
    return status;
}

static int decode_image(ImageSource *source, size_t index) {
    const char *name = source->names[index];
    size_t size = 0;
    int status = source->archive ? read_from_zip(source, name, &size) : read_from_folder(source, name, &size);
    return status ? status : image_decode(&source->picture, source->data, size, name);
}

static int open_images(void **state, const char *path, SourceFacts *facts, int is_zip) {
    ImageSource *source = *state = calloc(1, sizeof *source);
    if (!source) return complain("There is no memory left to open %s.", path);
    source->path = path;
    if (is_zip ? list_zip(source) : list_folder(source)) return STATUS_FAILED;
    if (!source->count)
        return complain("%s holds no .png or .jpg images (models of splats are for diffy splat).", path);
    qsort(source->names, source->count, sizeof *source->names, by_name);
    if (check_one_recording(source) || decode_image(source, 0)) return STATUS_FAILED;
    *facts = (SourceFacts){.width = source->picture.picture.width,
                           .height = source->picture.picture.height,
                           .expected_frames = source->count,
                           .matrix = DFY_MATRIX_UNKNOWN,
                           .format = DFY_PIXELS_RGB};
    return STATUS_GOOD;
}

static int open_folder(void **state, const char *path, SourceFacts *facts) {
    return open_images(state, path, facts, 0);
}
static int open_zip(void **state, const char *path, SourceFacts *facts) {
    return open_images(state, path, facts, 1);
}

static int next_image(void *state, DfyPicture *picture) {
    ImageSource *source = state;
    if (source->next == source->count) return DFY_END;
    /* The first was decoded when opening, for its size. */
    if (source->next > 0 && decode_image(source, source->next)) return DFY_ERROR_FORMAT;
    *picture = source->picture.picture;
    picture->pts = (int64_t)source->next++;
    return DFY_OK;
}

static void close_images(void *state) {
    ImageSource *source = state;
    for (size_t i = 0; i < source->count; i++) free(source->names[i]);
    free(source->names);
    free(source->data);
    own_picture_free(&source->picture);
    if (source->archive) zip_discard(source->archive);
    free(source);
}

const SourceFormat source_folder = {"folder of images", probe_folder, open_folder, next_image, close_images};
const SourceFormat source_zip = {"zip of images", probe_zip, open_zip, next_image, close_images};
