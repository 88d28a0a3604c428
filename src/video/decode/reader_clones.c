/* Clones: stretches that show earlier frames once more. */
#include <stdlib.h>

#include "base/status.h"
#include "video/decode/reader_parts.h"
#include "video/syntax/clones.h"

static int room_for_clones(DfyReader *r, size_t frames) {
    DfyReaderClones *c = &r->clones;
    if (frames <= c->capacity) return DFY_OK;
    int64_t *pts = realloc(c->pts, frames * sizeof *pts);
    if (pts) c->pts = pts;
    uint64_t *sources = realloc(c->sources, frames * sizeof *sources);
    if (sources) c->sources = sources;
    if (!pts || !sources) return dfy_reader_no_memory(r);
    c->capacity = frames;
    return DFY_OK;
}

int dfy_reader_load_clones(DfyReader *r, size_t chunk) {
    const DfyV2Row *e = &r->file.rows[chunk];
    DfyReaderClones *c = &r->clones;
    if (c->chunk == chunk) return DFY_OK;
    c->chunk = 0; /* that is the STREAM */
    int status = dfy_v2_read_chunk(&r->file, chunk, &r->payload, r->message);
    if (status) return status;
    DfyBytes bytes = dfy_bytes(r->payload.data, r->payload.size);
    if (dfy_read_segment(&bytes, &c->head) || c->head.first_frame != e->first_frame || c->head.frames != e->frames)
        return DFY_ERROR_DAMAGED;
    if (room_for_clones(r, (size_t)c->head.frames)) return DFY_ERROR_MEMORY;
    if (dfy_read_times(&bytes, &c->head, dfy_regular_ticks(&r->stream), c->pts) ||
        dfy_read_sources(&bytes, &c->head, c->sources))
        return DFY_ERROR_DAMAGED;
    c->chunk = chunk;
    return DFY_OK;
}

/* Decodes what the clone shows. */
int dfy_reader_go_to_source(DfyReader *r, size_t chunk, uint64_t frame) {
    DfyReaderClones *c = &r->clones;
    int status = dfy_reader_load_clones(r, chunk);
    if (status) return status;
    if (!c->player) c->player = dfy_player_new(&r->file, &r->stream, r->message);
    return c->player ? dfy_player_go(c->player, c->sources[frame - c->head.first_frame]) : dfy_reader_no_memory(r);
}
