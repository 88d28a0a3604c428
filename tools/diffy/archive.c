#include "archive.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"

zip_t *archive_open(const char *path) {
    int error = 0;
    zip_t *archive = zip_open(path, ZIP_RDONLY, &error);
    if (archive) return archive;
    zip_error_t details;
    zip_error_init_with_code(&details, error);
    if (error == ZIP_ER_NOZIP || error == ZIP_ER_INCONS)
        complain("%s is damaged or cut off: the list of contents at the end of the zip is missing or wrong.", path);
    else
        complain("%s can't be read as a zip (%s).", path, zip_error_strerror(&details));
    zip_error_fini(&details);
    return NULL;
}

/* A copy with one kind of slash instead of the other; NULL: no memory. */
static char *with_slashes(const char *name, char from, char to) {
    char *copy = strdup(name);
    for (char *c = copy; c && *c; c++)
        if (*c == from) *c = to;
    return copy;
}

int archive_walk(zip_t *archive, int (*add)(void *context, const char *name), void *context) {
    int status = STATUS_GOOD;
    zip_int64_t count = zip_get_num_entries(archive, 0);
    for (zip_int64_t i = 0; !status && i < count; i++) {
        const char *name = zip_get_name(archive, (zip_uint64_t)i, 0);
        if (!name || !name[0]) continue;
        char *path = with_slashes(name, '\\', '/'); /* some programs of Windows write theirs */
        if (!path) return complain("There is no memory left for the names in a zip.");
        if (path[strlen(path) - 1] != '/') status = add(context, path);
        free(path);
    }
    return status;
}

zip_int64_t archive_find(zip_t *archive, const char *name) {
    zip_int64_t index = zip_name_locate(archive, name, 0);
    char *other = index < 0 ? with_slashes(name, '/', '\\') : NULL;
    if (other) index = zip_name_locate(archive, other, 0);
    free(other);
    for (zip_int64_t i = 0; index < 0 && i < zip_get_num_entries(archive, 0); i++) { /* both kinds in one name */
        const char *own = zip_get_name(archive, (zip_uint64_t)i, 0);
        char *path = own ? with_slashes(own, '\\', '/') : NULL;
        if (path && !strcmp(path, name)) index = i;
        free(path);
    }
    return index;
}

static const char *method_name(zip_uint16_t method) {
    switch (method) {
    case ZIP_CM_DEFLATE64: return "Deflate64";
    case ZIP_CM_BZIP2: return "bzip2";
    case ZIP_CM_LZMA: return "LZMA";
    case 93: return "Zstandard"; /* newer than the oldest libzip that is built with */
    case ZIP_CM_XZ: return "XZ";
    case ZIP_CM_PPMD: return "PPMd";
    default: return "an unknown method";
    }
}

void archive_problem(zip_t *archive, zip_int64_t index, char *text, size_t size) {
    zip_stat_t facts;
    if (index < 0 || zip_stat_index(archive, (zip_uint64_t)index, 0, &facts))
        snprintf(text, size, "can't be found in the zip.");
    else if (facts.valid & ZIP_STAT_ENCRYPTION_METHOD && facts.encryption_method != ZIP_EM_NONE)
        snprintf(text, size, "is encrypted: unpack the zip first.");
    else if (facts.valid & ZIP_STAT_COMP_METHOD && !zip_compression_method_supported(facts.comp_method, 0))
        snprintf(text, size, "is compressed by %s, which can't be read here: unpack the zip first.",
                 method_name(facts.comp_method));
    else
        snprintf(text, size, "is damaged.");
}
