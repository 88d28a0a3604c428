/* Where a frame is: the run that it belongs to, its group there, and whether that is whole. */
#include "video/decode/player_parts.h"

static int use_plate(DfyPlayer *p, size_t segment_chunk) {
    size_t wanted = segment_chunk;
    while (wanted > 0 && p->file->rows[wanted].type != DFY_CHUNK_BACKGROUND) wanted--;
    if (wanted == p->plate_chunk) return DFY_OK; /* chunk 0 is the STREAM: there is no plate, or no longer one */
    dfy_release_frame(p->decoder, p->plate);
    p->plate = NULL;
    p->plate_chunk = 0;
    if (!wanted) return DFY_OK;
    int status = dfy_v2_read_chunk(p->file, wanted, &p->plate_bytes, p->message);
    if (status) return status;
    if (p->plate_bytes.size) status = dfy_decode_plate(p->decoder, p->plate_bytes.data, p->plate_bytes.size, &p->plate);
    if (status) return dfy_player_no_memory(p);
    p->decoded += p->plate != NULL;
    p->plate_chunk = wanted;
    return DFY_OK;
}

size_t dfy_player_access_point_before(const DfyPlayer *p, uint64_t frame, uint64_t *first, uint64_t *end) {
    size_t access_point = p->file->count;
    uint64_t known = 0;
    *first = *end = 0;
    for (size_t i = 0; i < p->file->count; i++) {
        const DfyV2Row *e = &p->file->rows[i];
        if (e->frames) known = e->first_frame + e->frames;
        if (e->type != DFY_CHUNK_SEGMENT || !e->frames || !(e->flags & DFY_CHUNK_ACCESS_POINT)) continue;
        *end = e->first_frame;
        if (e->first_frame > frame) return access_point;
        *first = e->first_frame;
        access_point = i;
    }
    *end = p->file->forward && !p->file->ended ? known : UINT64_MAX;
    return access_point;
}

/* Begins at a segment that is not a random access point itself; places in time are counted from that point on. */
static void begin_within(DfyPlayer *p, size_t chunk, size_t access_point) {
    uint64_t frames = p->file->rows[chunk].first_frame - p->file->rows[access_point].first_frame;
    dfy_run_begin(&p->run, chunk, (int32_t)(frames & 0x3fffffff));
}

/*
 * For random access: a run of the frame's own segment and the one before, which has the anchor before it. Where that is
 * lost, the own segment's anchor is still there.
 */
static int find_in_own_segment(DfyPlayer *p, uint64_t frame, size_t access_point, size_t *at) {
    const DfyV2Row *rows = p->file->rows;
    size_t own = access_point, before = access_point;
    for (; own < p->file->count; own++) {
        if (rows[own].type != DFY_CHUNK_SEGMENT || !rows[own].frames) continue;
        if (rows[own].first_frame + rows[own].frames > frame) break;
        before = own;
    }
    p->run_first = frame;
    p->run_end = p->own_end = frame + 1;
    if (own == p->file->count || rows[own].first_frame > frame) return DFY_ERROR_DAMAGED;
    p->run_first = rows[own].first_frame;
    p->run_end = p->own_end = p->run_first + rows[own].frames;
    if (before != own && rows[before].first_frame + rows[before].frames == p->run_first) {
        begin_within(p, before, access_point);
        int status = dfy_run_find(&p->run, frame, at);
        if (status != DFY_ERROR_DAMAGED) return status;
    }
    begin_within(p, own, access_point);
    return dfy_run_find(&p->run, frame, at);
}

void dfy_player_extend_run(DfyPlayer *p) {
    uint64_t first;
    if (p->stream->access && p->run_end == p->own_end) dfy_player_access_point_before(p, p->gone, &first, &p->run_end);
}

void dfy_player_end_run_here(DfyPlayer *p) {
    if (!p->stream->access || p->run_end == p->own_end) return;
    p->run_end = p->run.end > p->own_end ? p->run.end : p->own_end;
    p->own_end = p->run_end;
}

int dfy_player_find_group(DfyPlayer *p, uint64_t frame, size_t *at) {
    if (p->stream->access && frame >= p->own_end && frame < p->run_end) {
        int status = dfy_run_find(&p->run, frame, at);
        if (status != DFY_ERROR_DAMAGED) return status;
        p->run_end = p->own_end; /* its own segment may be whole */
    }
    if (frame < p->run_first || frame >= p->run_end) {
        size_t access_point = dfy_player_access_point_before(p, frame, &p->run_first, &p->run_end);
        if (access_point >= p->file->count) return DFY_ERROR_DAMAGED;
        int goes_on = p->file->forward && !p->stream->access && p->run.segment_count;
        if (goes_on && access_point == p->run.access_point) {
            p->run.ended = 0;
            return dfy_run_find(&p->run, frame, at);
        }
        if (p->ahead) dfy_player_stop_ahead(p); /* it counts by the run that there was */
        int status = use_plate(p, access_point);
        if (status) {
            p->run_first = p->run_end = 0;
            return status;
        }
        if (p->stream->access) return find_in_own_segment(p, frame, access_point, at);
        dfy_run_begin(&p->run, access_point, 0);
    }
    return dfy_run_find(&p->run, frame, at);
}

int dfy_player_is_whole(DfyPlayer *p, uint64_t frame) {
    size_t at;
    if (!p->decoder || dfy_player_find_group(p, frame, &at)) return 0;
    const DfyRunMiniGroup *g = &p->run.groups[at];
    DfyMiniGroupPicture order[DFY_MAX_MINI_GROUP];
    if (g->broken) return 0;
    int alone = g->anchor == 0; /* then what lies before the anchor is lost */
    if (g->still || (!g->damaged && !alone)) return 1;
    dfy_mini_group_order_pictures(order, g->frames, dfy_most_layers(p->stream));
    uint8_t damaged[DFY_MAX_MINI_GROUP + 1] = {(uint8_t)alone};
    for (int i = 0; i < g->frames; i++) { /* pictures come after what they refer to */
        const DfyMiniGroupPicture *o = &order[i];
        damaged[o->number] = g->damaged >> i & 1;
        if (o->layer) damaged[o->number] |= damaged[o->past] | damaged[o->future];
    }
    return !damaged[frame - g->first + 1];
}
