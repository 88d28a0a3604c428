/* Recordings without an end: a new file every hour, old ones deleted. */
#ifndef DIFFY_SPLITTING_H
#define DIFFY_SPLITTING_H

#include <stddef.h>
#include <stdint.h>

/* "90", "90s", "5m", "1h", "30d" in seconds; -1 for anything else. */
double seconds_from_text(const char *text);

/*
 * The name of one of OUTPUT.dfy's files: OUTPUT-20261129T083000Z.dfy by when it starts (microseconds since 1970), or
 * OUTPUT-0001.dfy by its number where that is not known.
 */
void split_name(char *name, size_t size, const char *output, int64_t start_unix_us, unsigned number);

/* Deletes the files of OUTPUT.dfy that started more than keep_seconds before now. Complains; 0 or STATUS_FAILED. */
int split_delete_old(const char *output, double keep_seconds);

#endif
