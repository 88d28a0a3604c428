#include "archive.h"

#include <string.h>

#include "cli.h"

zip_t *archive_open(const char *path) {
    int error = 0;
    zip_t *archive = zip_open(path, ZIP_RDONLY, &error);
    if (archive) return archive;
    zip_error_t details;
    zip_error_init_with_code(&details, error);
    complain("%s can't be read as a zip (%s).", path, zip_error_strerror(&details));
    zip_error_fini(&details);
    return NULL;
}

int archive_walk(zip_t *archive, int (*add)(void *context, const char *name), void *context) {
    int status = STATUS_GOOD;
    zip_int64_t count = zip_get_num_entries(archive, 0);
    for (zip_int64_t i = 0; !status && i < count; i++) {
        const char *name = zip_get_name(archive, (zip_uint64_t)i, 0);
        if (name && name[0] && name[strlen(name) - 1] != '/') status = add(context, name);
    }
    return status;
}
