#include "video/encode/write/episode_writer.h"

#include <stdlib.h>
#include <string.h>

#define EPISODES_AT_ONCE 32 /* in a chunk: as many names are lost with a crash */

static int write_listed(DfyEpisodeWriter *e) {
    DfyBuffer *payload = &e->segments->payload;
    dfy_put_episodes(payload, &e->list, e->told);
    e->told = e->list.count;
    int any = payload->size || payload->failed;
    return any ? dfy_segments_write_chunk(e->segments, DFY_CHUNK_EPISODES, 0, 0, 0) : DFY_OK;
}

/* The episode that is open ends before frame `end`; one without frames is none. */
static void end_episode(DfyEpisodeWriter *e, uint64_t end) {
    if (e->list.count == e->told) return;
    DfyListedEpisode *last = &e->list.episode[e->list.count - 1];
    last->frames = end - last->first;
    if (last->frames) return;
    free(last->name);
    e->list.count--;
}

int dfy_episode_writer_check(const DfyEpisodeWriter *e, const char *name) {
    DfyMessage *message = e->segments->message;
    if (!dfy_is_episode_name(name, strlen(name)))
        return dfy_fail(message, DFY_ERROR_ARGUMENT,
                        "An episode's name must be 1 to %d bytes of UTF-8 without control characters.",
                        DFY_EPISODE_NAME);
    if (dfy_find_episode(&e->list, name) < e->list.count)
        return dfy_fail(message, DFY_ERROR_ARGUMENT, "There is already an episode %s: give each episode its own name.",
                        name);
    if (e->list.count == DFY_MOST_EPISODES)
        return dfy_fail(message, DFY_ERROR_ARGUMENT, "A file holds at most %u episodes: begin another one.",
                        DFY_MOST_EPISODES);
    return DFY_OK;
}

int dfy_episode_writer_begin(DfyEpisodeWriter *e, const char *name, uint64_t first) {
    end_episode(e, first);
    int status = e->list.count - e->told >= EPISODES_AT_ONCE ? write_listed(e) : DFY_OK;
    if (!status && dfy_add_episode(&e->list, first, 0, name, strlen(name)))
        status = dfy_segments_no_memory(e->segments);
    return status;
}

int dfy_episode_writer_finish(DfyEpisodeWriter *e, uint64_t end) {
    end_episode(e, end);
    return write_listed(e);
}

void dfy_episode_writer_close(DfyEpisodeWriter *e) {
    dfy_episode_list_free(&e->list);
}
