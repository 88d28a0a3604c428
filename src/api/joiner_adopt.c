/* Going on with a file that was broken off: what of it is whole stays, and joining goes on behind it. */
#include <string.h>

#include "api/joiner_parts.h"
#include "video/syntax/cycle_list.h"

/*
 * Leaves of the chunks those that are whole and follow one another from the beginning, with the frames they hold: what
 * comes behind a gap was never written in this order.
 */
static int keep_whole_chunks(DfyJoiner *j, DfyV2Reader *reader, DfyAdoption *adoption) {
    DfyBuffer payload = {0};
    uint64_t offset = 4; /* behind the magic */
    int status = DFY_OK;
    size_t i = 0;
    for (; i < reader->count; i++) {
        DfyV2Row *e = &reader->rows[i];
        DfySegment s = {0};
        status = e->offset_bytes == offset ? dfy_v2_read_chunk(reader, i, &payload, &j->message) : DFY_ERROR_DAMAGED;
        DfyBytes bytes = dfy_bytes(payload.data, payload.size);
        int holds = e->type == DFY_CHUNK_SEGMENT || e->type == DFY_CHUNK_CLONE;
        if (!status && holds) status = dfy_read_segment(&bytes, &s);
        if (status) break;
        e->first_frame = s.first_frame;
        e->frames = s.frames;
        offset = e->offset_bytes + e->payload_bytes + DFY_V2_OVERHEAD_BYTES;
        if (holds) adoption->frames = s.first_frame + s.frames;
    }
    dfy_buffer_free(&payload);
    reader->count = i;
    adoption->whole_bytes = offset;
    return status == DFY_ERROR_DAMAGED ? DFY_OK : status;
}

/* The first chunk of the last stretch that has begun; its plate, and what it says of noise, come before its frames. */
static size_t last_stretch(const DfyV2Reader *reader, uint64_t stretch_frames, uint64_t *first_frame) {
    size_t found = 0;
    uint64_t frames = 0;
    for (size_t i = 0; i < reader->count; i++) {
        const DfyV2Row *e = &reader->rows[i];
        int begins = e->type == DFY_CHUNK_BACKGROUND || e->type == DFY_CHUNK_GRAIN || e->type == DFY_CHUNK_SEGMENT;
        if (begins && frames % stretch_frames == 0 && frames > *first_frame) {
            found = i;
            *first_frame = frames;
        }
        if (e->frames) frames = e->first_frame + e->frames;
    }
    return found;
}

/* What the chunks before `end` leave behind for those that follow. */
static int adopt_chunks(DfyJoiner *j, DfyV2Reader *reader, size_t end) {
    DfyBuffer payload = {0};
    int status = DFY_OK;
    for (size_t i = 0; i < end && !status; i++) {
        const DfyV2Row *e = &reader->rows[i];
        status = dfy_v2_read_chunk(reader, i, &payload, &j->message);
        DfyBytes bytes = dfy_bytes(payload.data, payload.size);
        DfyCycleList list = {0};
        if (!status && e->type == DFY_CHUNK_STREAM) status = dfy_joiner_take_stream(j, payload.data, payload.size, 1);
        if (!status && e->type == DFY_CHUNK_CYCLES && dfy_read_cycles(&bytes, (uint64_t)1 << 40, &list))
            status = dfy_joiner_no_memory(j);
        for (uint32_t k = 0; k < list.count; k++) j->canonicals += list.cycle[k].is_canonical != 0;
        dfy_cycle_list_free(&list);
        if (!status && e->type == DFY_CHUNK_BACKGROUND) status = dfy_joiner_keep_plate(j, payload.data, payload.size);
        if (e->type == DFY_CHUNK_GRAIN) j->has_grain = e->payload_bytes > 0;
        if (e->frames) {
            DfySegment s;
            j->stats.frames = e->first_frame + e->frames;
            if (!status && !dfy_read_segment(&bytes, &s)) status = dfy_joiner_read_times(j, &bytes, &s);
            if (!status) j->last_pts = j->pts[s.frames - 1];
        }
        if (!status && dfy_v2_adopt_chunk(&j->file, e)) status = dfy_joiner_no_memory(j);
    }
    dfy_buffer_free(&payload);
    return status;
}

int dfy_joiner_adopt(DfyJoiner *j, const DfyInput *input, uint64_t stretch_frames, DfyAdoption *adoption) {
    if (!j || !input || !input->read || !adoption || j->inputs || !stretch_frames) return DFY_ERROR_ARGUMENT;
    static const uint8_t magic[4] = {'D', 'F', 'Y', 2};
    DfyV2Reader reader = {0};
    uint8_t head[4];
    *adoption = (DfyAdoption){0};
    int64_t got = input->read(input->opaque, 0, head, sizeof head);
    if (got < 0) return j->failed = dfy_fail(&j->message, DFY_ERROR_IO, "The file can't be read.");
    if (memcmp(head, magic, (size_t)got))
        return j->failed = dfy_fail(&j->message, DFY_ERROR_FORMAT, "It is not a .dfy file of version 2.");
    int status = dfy_v2_reader_open(&reader, input, &j->message);
    if (status == DFY_ERROR_FORMAT) { /* nothing whole is in it yet */
        dfy_v2_reader_close(&reader);
        return DFY_OK;
    }
    if (!status) status = keep_whole_chunks(j, &reader, adoption);
    size_t end = status ? 0 : last_stretch(&reader, stretch_frames, &adoption->first_frame);
    if (!status && adoption->first_frame) {
        j->file.output = j->output;
        status = adopt_chunks(j, &reader, end);
        j->inputs = (int)(adoption->first_frame / stretch_frames);
        adoption->offset_bytes = j->file.offset_bytes;
    }
    dfy_v2_reader_close(&reader);
    return dfy_told(&j->message, j->failed = status);
}
