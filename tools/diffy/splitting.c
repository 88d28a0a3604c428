#include "splitting.h"

#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

double seconds_from_text(const char *text) {
    char *end;
    double value = strtod(text, &end);
    if (end == text || !(value > 0 && value < 1e9)) return -1;
    static const struct {
        char letter;
        double seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    if (!*end) return value;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (*end == units[i].letter && !end[1]) return value * units[i].seconds;
    return -1;
}

/* Length of the output's name without .dfy. */
static int stem_length(const char *output) {
    return (int)strlen(output) - (has_extension(output, "dfy") ? 4 : 0);
}

void split_name(char *name, size_t size, const char *output, int64_t start_unix_us, unsigned number) {
    time_t seconds = (time_t)(start_unix_us / 1000000);
    struct tm parts;
    if (start_unix_us <= 0 || !gmtime_r(&seconds, &parts)) {
        snprintf(name, size, "%.*s-%04u.dfy", stem_length(output), output, number);
        return;
    }
    char text[32];
    strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &parts);
    snprintf(name, size, "%.*s-%s.dfy", stem_length(output), output, text);
}

/* Days since 1970 of a date of the Gregorian calendar. */
static int64_t days_of(int year, int month, int day) {
    int64_t y = month > 2 ? year : year - 1, m = month > 2 ? month - 3 : month + 9; /* years from March */
    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 719469;
}

/* When a file of this stem started, by its name; 0 for other files. */
static int64_t start_of(const char *name, const char *stem, size_t length) {
    int year, month, day, hour, minute, second, end = 0;
    if (strncmp(name, stem, length) || strlen(name) != length + strlen("-YYYYMMDDTHHMMSSZ.dfy")) return 0;
    if (sscanf(name + length, "-%4d%2d%2dT%2d%2d%2dZ.dfy%n", &year, &month, &day, &hour, &minute, &second, &end) != 6 ||
        name[length + (size_t)end])
        return 0;
    return days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
}

int split_delete_old(const char *output, double keep_seconds) {
    char *folder = strdup(output), *file = strdup(output);
    int status = STATUS_GOOD;
    const char *where = folder ? dirname(folder) : NULL;
    const char *stem = file ? basename(file) : NULL;
    DIR *list = where && stem ? opendir(where) : NULL;
    size_t length = stem ? (size_t)stem_length(stem) : 0;
    int64_t oldest = (int64_t)time(NULL) - (int64_t)keep_seconds;
    for (struct dirent *entry; list && !status && (entry = readdir(list));) {
        int64_t start = start_of(entry->d_name, stem, length);
        if (!start || start >= oldest) continue;
        if (unlinkat(dirfd(list), entry->d_name, 0) && errno != ENOENT)
            status =
                complain("%s/%s is past --keep, but can't be deleted (%s).", where, entry->d_name, strerror(errno));
    }
    if (list) closedir(list);
    free(folder);
    free(file);
    return status;
}
