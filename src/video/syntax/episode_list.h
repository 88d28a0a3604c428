/* The EPISODES chunks of a video: ranges of frames that have names of their own; FORMAT.md has the layout. */
#ifndef DFY_VIDEO_EPISODE_LIST_H
#define DFY_VIDEO_EPISODE_LIST_H

#include "base/bytes.h"

#define DFY_MOST_EPISODES ((uint32_t)1 << 16) /* of a file */
#define DFY_EPISODE_NAME 255                  /* bytes of a name at the most, without the zero behind it */

typedef struct DfyListedEpisode {
    uint64_t first, frames;
    char *name; /* UTF-8 */
} DfyListedEpisode;

/* In order; they do not overlap, and may leave frames between them. */
typedef struct DfyEpisodeList {
    DfyListedEpisode *episode;
    uint32_t count, capacity;
} DfyEpisodeList;

/* Whether a name of so many bytes can be an episode's: UTF-8 without control characters, not empty, not too long. */
int dfy_is_episode_name(const char *name, size_t size);

/* Appends a copy; 0, DFY_ERROR_MEMORY, or DFY_ERROR_ARGUMENT when the list is full. */
int dfy_add_episode(DfyEpisodeList *list, uint64_t first, uint64_t frames, const char *name, size_t size);

/* Number of the first episode of that name, list->count: none. */
uint32_t dfy_find_episode(const DfyEpisodeList *list, const char *name);

/* Writes the episodes from number `from` on. */
void dfy_put_episodes(DfyBuffer *buffer, const DfyEpisodeList *list, uint32_t from);

/*
 * Appends a chunk's episodes as far as they make sense: in order, within the video's frames. 0 or DFY_ERROR_MEMORY.
 */
int dfy_read_episodes(DfyBytes *bytes, uint64_t frames, DfyEpisodeList *list);
void dfy_episode_list_free(DfyEpisodeList *list);

#endif
