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

#endif
