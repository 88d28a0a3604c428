#include "video/decode/run.h"

#include <stdlib.h>

#include "video/decode/player.h"
#include "video/syntax/stream.h"

void dfy_run_open(DfyRun *run, DfyV2Reader *file, const DfyStream *stream, DfyMessage *message) {
    *run = (DfyRun){.file = file, .stream = stream, .message = message};
    dfy_run_begin(run, file->count, 0);
}

void dfy_run_close(DfyRun *run) {
    for (int i = 0; i < DFY_RUN_PAYLOADS; i++) dfy_buffer_free(&run->payloads[i].bytes);
    free(run->segments);
    free(run->groups);
    free(run->anchors);
    dfy_times_free(&run->times);
}

void dfy_run_begin(DfyRun *run, size_t access_point, int32_t base) {
    run->base = base;
    run->access_point = access_point;
    run->segment_count = run->group_count = run->anchor_count = 0;
    run->ended = access_point >= run->file->count;
    run->end = run->ended ? 0 : run->file->rows[access_point].first_frame;
}

static int out_of_memory(DfyRun *run) {
    return dfy_fail(run->message, DFY_ERROR_MEMORY, "There is not enough memory to decode this file.");
}

/* Makes room for one more of `size` bytes in a list. */
static int grow(void **list, size_t count, size_t *room, size_t size) {
    if (count < *room) return DFY_OK;
    size_t more = *room ? 2 * *room : 16;
    void *grown = realloc(*list, more * size);
    if (!grown) return DFY_ERROR_MEMORY;
    *list = grown;
    *room = more;
    return DFY_OK;
}

/* ---------------------------------------------------------------- bytes */

/* Of those that nobody has pinned, who are fewer than there are; of the first few but for random access, if any can. */
static struct DfyRunPayload *oldest_payload(DfyRun *run) {
    struct DfyRunPayload *oldest = NULL;
    int count = run->stream->access ? DFY_RUN_PAYLOADS : DFY_RUN_PAYLOADS / 4;
    for (int i = 0; i < DFY_RUN_PAYLOADS && (i < count || !oldest); i++) {
        struct DfyRunPayload *payload = &run->payloads[i];
        if (!payload->pins && (!oldest || payload->stamp < oldest->stamp)) oldest = payload;
    }
    return oldest;
}

void dfy_run_pin(DfyRun *run, const DfyBuffer *payload, int pins) {
    for (int i = 0; i < DFY_RUN_PAYLOADS; i++)
        if (&run->payloads[i].bytes == payload) run->payloads[i].pins += pins;
}

/*
 * Reads a segment's bytes; *suspect where the checksum was wrong, though all of them are there. Those at hand stay so
 * when another run begins, which may be one of the same segments.
 */
static int read_payload(DfyRun *run, size_t chunk, const DfyBuffer **payload, int *suspect) {
    for (int i = 0; i < DFY_RUN_PAYLOADS; i++) {
        if (!run->payloads[i].stamp || run->payloads[i].chunk != chunk) continue;
        run->payloads[i].stamp = ++run->clock;
        *payload = &run->payloads[i].bytes;
        *suspect = run->payloads[i].suspect;
        return DFY_OK;
    }
    struct DfyRunPayload *room = oldest_payload(run);
    if (!room) return DFY_ERROR_DAMAGED;
    room->stamp = 0;
    int status = dfy_v2_read_chunk(run->file, chunk, &room->bytes, run->message);
    const DfyV2Row *row = &run->file->rows[chunk];
    *suspect = row->mended || (status == DFY_ERROR_DAMAGED && room->bytes.size == row->payload_bytes);
    if (status && !*suspect) return status;
    room->chunk = chunk;
    room->suspect = *suspect;
    room->stamp = ++run->clock;
    *payload = &room->bytes;
    return DFY_OK;
}

int dfy_run_payload(DfyRun *run, size_t segment, const DfyBuffer **payload) {
    int suspect;
    return read_payload(run, run->segments[segment].chunk, payload, &suspect);
}

/* ---------------------------------------------------------------- groups */

/* Whether an anchor is whole: in range and not broken. */
static int is_whole(const DfyRun *run, int32_t anchor) {
    return anchor >= 0 && !run->groups[run->anchors[anchor]].broken;
}

/* Which anchors a group's anchor is made from, and whether it can be made at all. */
static int find_anchors(const DfyRun *run, const DfyMiniGroupRecord *record, DfyRunMiniGroup *group) {
    int32_t last = (int32_t)run->anchor_count - 1;
    group->past = group->before = -1;
    if (record->still) {
        group->anchor = last;
        group->broken = (uint8_t)!is_whole(run, last);
        return last < 0 ? DFY_ERROR_DAMAGED : DFY_OK;
    }
    group->anchor = last + 1;
    /* For random access anchors have no past, and a run may begin anywhere: frames that need more than it has are lost.
     */
    if (run->stream->access) return (record->names_past ? record->past > 0 : last >= 0) ? DFY_ERROR_DAMAGED : DFY_OK;
    if (last < 0) return record->frames == 1 && !record->names_past ? DFY_OK : DFY_ERROR_DAMAGED;
    if ((int64_t)record->past > last + 1) return DFY_ERROR_DAMAGED;
    if (record->past) group->past = last + 1 - (int32_t)record->past;
    if (!record->names_past) group->before = last - 1; /* -1: none */
    if (group->past >= 0 && !is_whole(run, group->past)) group->broken = 1;
    return DFY_OK;
}

static int add_group(DfyRun *run, const DfyMiniGroupRecord *record, const DfyRunSegment *segment,
                     const uint8_t *payload) {
    const DfyRunMiniGroup *last = run->group_count ? &run->groups[run->group_count - 1] : NULL;
    DfyRunMiniGroup group = {.first = run->end,
                             .segment = run->segment_count - 1,
                             .position = record->first_byte,
                             .base = last ? last->base + last->frames : run->base,
                             .frames = (uint8_t)record->frames,
                             .still = (uint8_t)record->still};
    if (find_anchors(run, record, &group)) return DFY_ERROR_DAMAGED;
    if (segment->suspect) group.damaged = dfy_find_damage(payload, record);
    if (group.damaged & 1) return DFY_ERROR_DAMAGED; /* nor are its lengths to be trusted */
    if (grow((void **)&run->groups, run->group_count, &run->group_room, sizeof *run->groups) ||
        grow((void **)&run->anchors, run->anchor_count, &run->anchor_room, sizeof *run->anchors))
        return out_of_memory(run);
    if (!group.still) run->anchors[run->anchor_count++] = (int32_t)run->group_count;
    run->groups[run->group_count++] = group;
    run->end += (uint64_t)record->frames;
    return DFY_OK;
}

/* ---------------------------------------------------------------- segments */

static unsigned plates_before(const DfyRun *run, size_t chunk) {
    unsigned count = 0;
    for (size_t i = 0; i < chunk; i++) count += run->file->rows[i].type == DFY_CHUNK_BACKGROUND;
    return count;
}

/*
 * The segment that goes on where the run ended, file.count when there is none: clones may lie between, anything else
 * that is missing there is an end, and so is another random access point.
 */
static size_t next_segment(const DfyRun *run) {
    const DfyV2Row *e = run->file->rows;
    if (!run->segment_count) return run->access_point;
    uint64_t next = run->end;
    for (size_t i = run->segments[run->segment_count - 1].chunk + 1; i < run->file->count; i++) {
        if (!dfy_holds_frames(&e[i])) continue;
        if (e[i].first_frame != next) break;
        if (e[i].type == DFY_CHUNK_SEGMENT) return e[i].flags & DFY_CHUNK_ACCESS_POINT ? run->file->count : i;
        next += e[i].frames;
    }
    return run->file->count;
}

/* What the head says must be what the index, or the first look at the file, says; and no plate may be missing. */
static int check_head(const DfyRun *run, size_t chunk, const DfySegment *head) {
    const DfyV2Row *e = &run->file->rows[chunk];
    if (head->first_frame != e->first_frame || head->frames != e->frames) return DFY_ERROR_DAMAGED;
    if (head->long_term_frames && !run->stream->long_term) return DFY_ERROR_DAMAGED;
    if (head->plates && head->plates != plates_before(run, chunk)) return DFY_ERROR_DAMAGED;
    return DFY_OK;
}

/* Looks at the next segment; run->end stays where it is no further use. */
static int look_at_segment(DfyRun *run) {
    size_t chunk = next_segment(run);
    if (chunk >= run->file->count) return DFY_ERROR_DAMAGED;
    if (grow((void **)&run->segments, run->segment_count, &run->segment_room, sizeof *run->segments))
        return out_of_memory(run);
    DfyRunSegment *segment = &run->segments[run->segment_count];
    const DfyBuffer *payload;
    *segment = (DfyRunSegment){.chunk = chunk};
    int status = read_payload(run, chunk, &payload, &segment->suspect);
    if (status) return status;
    DfyBytes bytes = dfy_bytes(payload->data, payload->size);
    if (dfy_read_segment(&bytes, &segment->head) || check_head(run, chunk, &segment->head) ||
        dfy_read_times(&bytes, &segment->head, dfy_regular_ticks(run->stream), NULL))
        return DFY_ERROR_DAMAGED;
    run->segment_count++;
    run->end = segment->head.first_frame;
    uint64_t end = run->end + segment->head.frames;
    while (run->end < end && !status) {
        DfyMiniGroupRecord record;
        uint64_t left = end - run->end, limit = (uint64_t)dfy_mini_group_limit(run->stream);
        status = dfy_read_mini_group_record(&bytes, left < limit ? left : limit, &record);
        if (!status) status = add_group(run, &record, segment, payload->data);
    }
    return status;
}

int dfy_run_find(DfyRun *run, uint64_t frame, size_t *group) {
    while (frame >= run->end && !run->ended) {
        int status = look_at_segment(run);
        if (status == DFY_ERROR_MEMORY || status == DFY_ERROR_IO) return status;
        run->ended = status != DFY_OK;
    }
    size_t low = 0, high = run->group_count;
    while (low < high) { /* the first group that ends behind the frame */
        size_t middle = (low + high) / 2;
        if (run->groups[middle].first + run->groups[middle].frames <= frame)
            low = middle + 1;
        else
            high = middle;
    }
    *group = low;
    return low < run->group_count && run->groups[low].first <= frame ? DFY_OK : DFY_ERROR_DAMAGED;
}

int dfy_run_record(DfyRun *run, size_t group, DfyMiniGroupRecord *record, const DfyBuffer **payload) {
    const DfyRunMiniGroup *g = &run->groups[group];
    int status = dfy_run_payload(run, g->segment, payload);
    if (status) return status;
    DfyBytes bytes = dfy_bytes((*payload)->data, (*payload)->size);
    bytes.position = g->position;
    return dfy_read_mini_group_record(&bytes, g->frames, record);
}

int dfy_run_time(DfyRun *run, size_t group, uint64_t frame, int64_t *pts) {
    size_t segment = run->groups[group].segment;
    const DfyBuffer *payload;
    int status = dfy_run_payload(run, segment, &payload);
    if (status) return status;
    return dfy_times_in(&run->times, payload, run->stream, run->segments[segment].chunk, frame, pts, run->message);
}
