/*
 * Folders and zip archives of images, in natural order of their names. Where bad images are to be skipped, each is
 * shown as the one before it (the first as the one behind), so that the others keep their times.
 */
#include "archive.h"
#include "batch.h"
#include "folder.h"
#include "image.h"
#include "meaning.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LARGEST_IMAGE_BYTES = 512 << 20 };

typedef struct ImageSource {
    const char *path;
    zip_t *archive; /* NULL: a folder */
    char **names;
    size_t count, next, ready;
    size_t videos, zips; /* that lie among the images */
    const SourceOptions *options;
    ImageReading reading;
    OwnPicture picture, work; /* the last good one; what is decoded into */
    char first_problem[sizeof((ImageReading *)0)->problem];
    uint64_t skipped;
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

/* Whether it lies in the folder that was asked for. */
static int is_within(const ImageSource *source, const char *name) {
    const char *within = source->options->within, *slash = strrchr(name, '/');
    size_t length = slash ? (size_t)(slash - name) : 0;
    return !within || (strlen(within) == length && !strncmp(within, name, length));
}

static int add_name(void *context, const char *name) {
    ImageSource *source = context;
    if (is_clutter(name) || !is_within(source, name)) return STATUS_GOOD;
    source->videos += (size_t)is_video_name(name);
    source->zips += (size_t)has_extension(name, "zip");
    if (!image_kind_of_name(name)) return STATUS_GOOD;
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

/* Images in several folders are several recordings, and one .dfy holds one. */
static int check_one_recording(const ImageSource *source) {
    const char *first = source->names[0], *last = source->names[source->count - 1];
    size_t a = strrchr(first, '/') ? (size_t)(strrchr(first, '/') - first) : 0;
    size_t b = strrchr(last, '/') ? (size_t)(strrchr(last, '/') - last) : 0;
    if (a == b && !strncmp(first, last, a)) return STATUS_GOOD;
    return complain("%s contains several recordings (\"%.*s\" and \"%.*s\"): give an output folder, such as OUT/, to "
                    "encode each into its own file.",
                    source->path, (int)a, a ? first : "", (int)b, b ? last : "");
}

static int list_zip(ImageSource *source) {
    source->archive = archive_open(source->path);
    return source->archive ? archive_walk(source->archive, add_name, source) : STATUS_FAILED;
}

static int bad(ImageSource *source, const char *name, const char *text) {
    snprintf(source->reading.problem, sizeof source->reading.problem, "%.200s in %.100s %.160s", name, source->path,
             text);
    return STATUS_FAILED;
}

static int reserve(ImageSource *source, uint64_t size, const char *name) {
    if (size > LARGEST_IMAGE_BYTES) return bad(source, name, "is too large for an image.");
    if (size <= source->capacity) return STATUS_GOOD;
    uint8_t *data = realloc(source->data, (size_t)size);
    if (!data) return bad(source, name, "needs too much memory.");
    source->data = data;
    source->capacity = (size_t)size;
    return STATUS_GOOD;
}

static int read_from_zip(ImageSource *source, const char *name, size_t *size) {
    zip_stat_t facts = {0};
    zip_int64_t index = archive_find(source->archive, name), got = -1;
    int known = index >= 0 && !zip_stat_index(source->archive, (zip_uint64_t)index, 0, &facts);
    if (known && reserve(source, facts.valid & ZIP_STAT_SIZE ? facts.size : 0, name)) return STATUS_FAILED;
    zip_file_t *file = known ? zip_fopen_index(source->archive, (zip_uint64_t)index, 0) : NULL;
    if (file) got = zip_fread(file, source->data, facts.size);
    uint8_t more; /* only at the end is the checksum looked at */
    int bad_checksum = file && zip_fread(file, &more, 1) != 0;
    if (file) zip_fclose(file);
    *size = (size_t)got;
    if (got >= 0 && (zip_uint64_t)got == facts.size && !bad_checksum) return STATUS_GOOD;
    char problem[120];
    archive_problem(source->archive, index, problem, sizeof problem);
    return bad(source, name, problem);
}

static int read_from_folder(ImageSource *source, const char *name, size_t *size) {
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s", source->path, name) >= (int)sizeof path)
        return bad(source, name, "has a path that is too long.");
    struct stat facts;
    FILE *file = fopen(path, "rb");
    if (!file || fstat(fileno(file), &facts) || !S_ISREG(facts.st_mode)) {
        bad(source, name, "can't be read.");
        if (file) fclose(file);
        return STATUS_FAILED;
    }
    int status = reserve(source, (uint64_t)facts.st_size, name);
    if (!status) *size = fread(source->data, 1, (size_t)facts.st_size, file);
    if (!status && ferror(file)) status = bad(source, name, "can't be read to the end.");
    fclose(file);
    return status;
}

/* Into source->work; where that fails the problem is told in source->reading. */
static int decode_image(ImageSource *source, size_t index) {
    const char *name = source->names[index];
    size_t size = 0;
    source->reading.name = name;
    int status = source->archive ? read_from_zip(source, name, &size) : read_from_folder(source, name, &size);
    if (!status) status = image_decode(&source->work, source->data, size, &source->reading);
    const DfyPicture *work = &source->work.picture, *picture = &source->picture.picture;
    if (status || !source->picture.memory || (work->width == picture->width && work->height == picture->height))
        return status;
    char text[160];
    snprintf(text, sizeof text,
             "has %d x %d pixels, but the images before it have %d x %d: scale it, or encode it separately.",
             work->width, work->height, picture->width, picture->height);
    return bad(source, name, text);
}

/* Makes the image the picture that is shown, or lets the one before stand where it may be skipped. */
static int take_image(ImageSource *source, size_t index) {
    if (!decode_image(source, index)) {
        OwnPicture last = source->picture;
        source->picture = source->work;
        source->work = last;
        return STATUS_GOOD;
    }
    if (source->options->on_error != ON_ERROR_SKIP)
        return complain("%s Repair or delete it, or use --on-error skip.", source->reading.problem);
    if (!source->skipped++) memcpy(source->first_problem, source->reading.problem, sizeof source->first_problem);
    return STATUS_GOOD;
}

static int open_images(void **state, const char *path, const SourceOptions *options, SourceFacts *facts, int is_zip) {
    ImageSource *source = *state = calloc(1, sizeof *source);
    if (!source) return complain("There is no memory left to open %s.", path);
    source->path = path;
    source->options = options;
    source->reading.alpha_white = options->alpha_white;
    if (is_zip ? list_zip(source) : walk_folder(source->path, add_name, source)) return STATUS_FAILED;
    if (!source->count)
        return complain("%s contains no readable images such as .png or .jpg (for splat models use diffy splat)%s.",
                        path,
                        source->videos ? "; for its videos use --episodes or an output folder, such as OUT/"
                        : source->zips ? "; unpack the zips in it first"
                                       : "");
    qsort(source->names, source->count, sizeof *source->names, by_name);
    if (check_one_recording(source)) return STATUS_FAILED;
    if (source->videos && !options->within)
        warn("%s also contains %zu video%s, left out here: give an output folder, such as OUT/, to encode everything.",
             path, source->videos, source->videos > 1 ? "s" : "");
    if (source->zips && !options->within) warn_of_zips(path, source->zips);
    for (; source->next < source->count && !source->picture.memory; source->next++)
        if (take_image(source, source->next)) return STATUS_FAILED;
    if (!source->picture.memory) return complain("%s", source->first_problem);
    source->ready = source->next; /* images that the first good one stands for */
    source->next = 0;
    *facts = (SourceFacts){.width = source->picture.picture.width,
                           .height = source->picture.picture.height,
                           .expected_frames = source->count,
                           .format = DFY_PIXELS_RGB};
    colour_of_rgb(facts, facts->height);
    return STATUS_GOOD;
}

static int open_folder(void **state, const char *path, const SourceOptions *options, SourceFacts *facts) {
    return open_images(state, path, options, facts, 0);
}
static int open_zip(void **state, const char *path, const SourceOptions *options, SourceFacts *facts) {
    return open_images(state, path, options, facts, 1);
}

static int next_image(void *state, DfyPicture *picture) {
    ImageSource *source = state;
    if (source->next == source->count) return DFY_END;
    if (source->next >= source->ready && take_image(source, source->next)) return DFY_ERROR_FORMAT;
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
    own_picture_free(&source->work);
    if (source->archive) zip_discard(source->archive);
    free(source);
}

static uint64_t skipped_images(const void *state, const char **first) {
    const ImageSource *source = state;
    *first = source->first_problem;
    return source->skipped;
}

const SourceFormat source_folder = {.name = "folder of images",
                                    .probe = probe_folder,
                                    .open = open_folder,
                                    .next = next_image,
                                    .close = close_images,
                                    .skipped = skipped_images};
const SourceFormat source_zip = {.name = "zip of images",
                                 .probe = probe_zip,
                                 .open = open_zip,
                                 .next = next_image,
                                 .close = close_images,
                                 .skipped = skipped_images};
