#include "video/encode/write/clone_writer.h"

#include "video/syntax/clones.h"

int dfy_clone_writer_is_full(const DfyCloneWriter *c, uint64_t found) {
    return c->waiting >= c->segments->most || dfy_segments_too_long(c->segments, c->waiting, found);
}

int dfy_clone_writer_write(DfyCloneWriter *c, uint64_t frames) {
    DfySegments *s = c->segments;
    if (!c->waiting) return DFY_OK;
    uint64_t first = frames - c->waiting, count;
    const uint64_t *sources = dfy_clone_finder_sources(c->finder, &count);
    if (!sources || count != c->waiting) return dfy_segments_no_memory(s);
    for (uint64_t from = 0, i = 1; i <= count; i++) {
        if (i < count && sources[i] >= sources[i - 1]) continue;
        DfySegment segment = {.first_frame = first + from, .frames = i - from};
        dfy_put_clones(&s->payload, &segment, s->pts + from, dfy_regular_ticks(s->stream), sources + from);
        int status = dfy_segments_write_chunk(s, DFY_CHUNK_CLONE, 0, segment.first_frame, segment.frames);
        if (status) return status;
        from = i;
    }
    c->waiting = 0;
    return DFY_OK;
}
