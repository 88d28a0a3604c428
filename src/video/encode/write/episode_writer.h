/* Episodes that the caller names: each is listed once the next one begins, or the video ends. */
#ifndef DFY_VIDEO_EPISODE_WRITER_H
#define DFY_VIDEO_EPISODE_WRITER_H

#include "video/encode/write/segments.h"
#include "video/syntax/episode_list.h"

typedef struct DfyEpisodeWriter {
    DfySegments *segments; /* borrowed */
    DfyEpisodeList list;
    uint32_t told; /* as many are in chunks */
} DfyEpisodeWriter;

/* Whether the name can be that of the next episode. DFY_ERROR_ARGUMENT with a sentence. */
int dfy_episode_writer_check(const DfyEpisodeWriter *episodes, const char *name);
/* Ends the one before, and begins one with frame `first`. 0 or a negative status with a sentence, below too. */
int dfy_episode_writer_begin(DfyEpisodeWriter *episodes, const char *name, uint64_t first);
/* Ends the last one before frame `end` and writes what was not. */
int dfy_episode_writer_finish(DfyEpisodeWriter *episodes, uint64_t end);
void dfy_episode_writer_close(DfyEpisodeWriter *episodes);

#endif
