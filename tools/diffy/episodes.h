/* Several recordings of one camera as episodes of one file. */
#ifndef DIFFY_EPISODES_H
#define DIFFY_EPISODES_H

#include "batch.h"

/* A source of all recordings in a folder or zip, each an episode. Complains by itself; options->within is not used. */
int episodes_open(Source *source, const char *path, const SourceOptions *options);

/* Where the episodes of one recording begin, as a file of lines SECONDS,NAME says, in order. */
typedef struct EpisodeStarts {
    struct EpisodeStart {
        double seconds;
        char *name;
    } * starts;
    size_t count, next;
} EpisodeStarts;

/* Complains by itself. Free in any case. */
int episode_starts_read(EpisodeStarts *starts, const char *path);
/* Name of the episode that begins at or before that time and has not begun yet; the last one, if more do. Else NULL. */
const char *episode_starts_at(EpisodeStarts *starts, double seconds);
void episode_starts_free(EpisodeStarts *starts);

#endif
