/* Zip files, as the command line goes through them. */
#ifndef DIFFY_ARCHIVE_H
#define DIFFY_ARCHIVE_H

#include <zip.h>

/* Opens one for reading; NULL after a complaint. */
zip_t *archive_open(const char *path);

/*
 * Gives the name of every file in it to `add`, in their order there. Stops at what is not STATUS_GOOD, and returns it.
 */
int archive_walk(zip_t *archive, int (*add)(void *context, const char *name), void *context);

/* Where an entry is, by the name that archive_walk gave; -1: nowhere. */
zip_int64_t archive_find(zip_t *archive, const char *name);

/* Why an entry that can't be read can't be, as the end of a sentence that begins with its name. */
void archive_problem(zip_t *archive, zip_int64_t index, char *text, size_t size);

#endif
