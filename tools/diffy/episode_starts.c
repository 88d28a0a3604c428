#include "episodes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int add(EpisodeStarts *s, double seconds, const char *name) {
    struct EpisodeStart *grown = realloc(s->starts, (s->count + 1) * sizeof *grown);
    if (!grown) return -1;
    s->starts = grown;
    grown[s->count] = (struct EpisodeStart){seconds, strdup(name)};
    if (!grown[s->count].name) return -1;
    s->count++;
    return 0;
}

static int read_lines(EpisodeStarts *s, FILE *file, const char *path) {
    char line[1024];
    int number = 0, status = STATUS_GOOD;
    while (!status && fgets(line, sizeof line, file)) {
        char *end;
        line[strcspn(line, "\r\n")] = 0;
        number++;
        if (!line[0]) continue;
        double seconds = strtod(line, &end);
        if (end == line || *end != ',' || !end[1] || !(seconds >= 0 && seconds < 1e9))
            status = complain("Line %d of %s is not SECONDS,NAME.", number, path);
        else if (s->count && seconds <= s->starts[s->count - 1].seconds)
            status = complain("Line %d of %s: episodes must be in order of time.", number, path);
        else if (add(s, seconds, end + 1))
            status = complain("There is no memory left for the episodes of %s.", path);
    }
    if (!status && ferror(file)) status = complain("%s can't be read (%s).", path, strerror(errno));
    if (!status && !s->count) status = complain("%s lists no episodes.", path);
    return status;
}

int episode_starts_read(EpisodeStarts *s, const char *path) {
    *s = (EpisodeStarts){0};
    FILE *file = fopen(path, "r");
    if (!file) return complain("%s can't be opened (%s).", path, strerror(errno));
    int status = read_lines(s, file, path);
    fclose(file);
    if (status) episode_starts_free(s);
    return status;
}

const char *episode_starts_at(EpisodeStarts *s, double seconds) {
    const char *name = NULL;
    while (s->next < s->count && s->starts[s->next].seconds <= seconds) name = s->starts[s->next++].name;
    return name;
}

void episode_starts_free(EpisodeStarts *s) {
    for (size_t i = 0; i < s->count; i++) free(s->starts[i].name);
    free(s->starts);
    *s = (EpisodeStarts){0};
}
