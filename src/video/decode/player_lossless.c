/* Playing lossless pictures, each of which is made from the one before. */
#include "base/status.h"
#include "video/decode/player_parts.h"

static int load_lossless(DfyPlayer *p, size_t chunk) {
    DfyLosslessState *l = &p->lossless;
    const DfyV2Row *e = &p->file->rows[chunk];
    l->open = 0;
    if (e->flags & DFY_CHUNK_ACCESS_POINT) dfy_lossless_begin_run(l->pictures);
    int status = dfy_v2_read_chunk(p->file, chunk, &l->payload, p->message);
    if (status) return status;
    DfyBytes bytes = dfy_bytes(l->payload.data, l->payload.size);
    if (dfy_read_segment(&bytes, &l->segment) || l->segment.first_frame != e->first_frame ||
        l->segment.frames != e->frames || dfy_read_times(&bytes, &l->segment, dfy_regular_ticks(p->stream), NULL))
        return DFY_ERROR_DAMAGED;
    dfy_range_decode_start(&l->coder, bytes.data + bytes.position, bytes.size - bytes.position);
    l->chunk = chunk;
    l->next = e->first_frame;
    l->open = 1;
    return DFY_OK;
}

/* Behind a segment's last frame: the next one, which must go on there and be no other run's. */
static int load_next_lossless(DfyPlayer *p) {
    const DfyV2Row *e = p->file->rows;
    for (size_t i = p->lossless.chunk + 1; i < p->file->count; i++) {
        if (!dfy_holds_frames(&e[i])) continue;
        return e[i].first_frame == p->lossless.next && !(e[i].flags & DFY_CHUNK_ACCESS_POINT) ? load_lossless(p, i)
                                                                                              : DFY_ERROR_DAMAGED;
    }
    return DFY_ERROR_DAMAGED;
}

int dfy_player_go_lossless(DfyPlayer *p, uint64_t frame) {
    DfyLosslessState *l = &p->lossless;
    uint64_t first, end;
    size_t access_point = dfy_player_access_point_before(p, frame, &first, &end);
    if (access_point >= p->file->count) return DFY_ERROR_DAMAGED;
    int status = DFY_OK, shown = l->open && l->next == frame + 1;
    int onward = l->open && l->next <= frame && first < l->next;
    if (!shown && !onward) status = load_lossless(p, access_point);
    while (!status && l->next <= frame) {
        if (l->next == l->segment.first_frame + l->segment.frames) status = load_next_lossless(p);
        if (status) break;
        dfy_lossless_code(l->pictures, &l->coder, NULL, NULL);
        l->next++;
    }
    if (!status) status = dfy_times_of(&l->times, p->file, p->stream, l->chunk, frame, &p->pts, p->message);
    if (status) l->open = 0;
    return status;
}
