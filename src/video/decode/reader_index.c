/* Which chunk of a file holds which frames, and whether they hold what they should. */
#include "base/status.h"
#include "video/decode/reader_parts.h"

int dfy_reader_is_timed(const DfyReader *r, const DfyV2Row *row) {
    return row->type == DFY_CHUNK_SEGMENT || (row->type == DFY_CHUNK_CLONE && r->stream.clones);
}

/* A walked file's rows know no frames: the head of each segment says them. */
int dfy_reader_fill_in_frames(DfyReader *r, size_t from) {
    for (size_t i = from; i < r->file.count; i++) {
        DfyV2Row *e = &r->file.rows[i];
        if (!dfy_reader_is_timed(r, e)) continue;
        uint8_t head[32];
        size_t size = e->payload_bytes < sizeof head ? e->payload_bytes : sizeof head;
        if (r->file.input.read(r->file.input.opaque, e->offset_bytes + DFY_V2_HEAD_BYTES, head, size) != (int64_t)size)
            return dfy_fail(r->message, DFY_ERROR_IO, "The file can't be read.");
        DfyBytes bytes = dfy_bytes(head, size);
        DfySegment segment;
        if (dfy_read_segment(&bytes, &segment)) continue;
        e->first_frame = segment.first_frame;
        e->frames = segment.frames;
    }
    return DFY_OK;
}

/*
 * Segments and clones must come in order; what does not is treated as damaged, and other chunks hold no frames. Frames
 * may be missing between them only as far as what is lost there could have held them: a few bytes don't make a video of
 * a year.
 */
void dfy_reader_check_order(DfyReader *r, size_t from) {
    const uint64_t skipped = r->file.skipped_bytes / DFY_V2_OVERHEAD_BYTES; /* chunks that may have stood there */
    for (size_t i = from; i < r->file.count; i++) {
        DfyV2Row *e = &r->file.rows[i];
        if (!dfy_reader_is_timed(r, e)) e->frames = 0;
        if (!e->frames) {
            r->others++;
            continue;
        }
        if (e->first_frame < r->frames || e->first_frame > (uint64_t)1 << 40 || e->frames > DFY_SEGMENT_FRAMES ||
            (e->first_frame - r->frames) / DFY_SEGMENT_FRAMES > skipped + r->others) {
            e->frames = 0;
            e->damaged = 1;
            continue;
        }
        r->frames = e->first_frame + e->frames;
        if (e->type == DFY_CHUNK_CLONE) r->clone_frames += e->frames;
    }
}

/* Finds the chunk that holds the frame; file.count when none does. */
size_t dfy_reader_chunk_of(DfyReader *r, uint64_t frame) {
    const DfyV2Row *e = r->file.rows;
    size_t i = r->chunk;
    if (i >= r->file.count || !dfy_holds_frames(&e[i]) || e[i].first_frame > frame) i = 0;
    while (i < r->file.count && (!dfy_holds_frames(&e[i]) || e[i].first_frame + e[i].frames <= frame)) i++;
    if (i < r->file.count && e[i].first_frame <= frame) return r->chunk = i;
    return r->file.count;
}

/* ---------------------------------------------------------------- verifying */

/* Whether a chunk's own head says the frames that the index does. */
static int agrees(const DfyReader *r, const DfyV2Row *e, const DfyBuffer *payload) {
    DfyBytes bytes = dfy_bytes(payload->data, payload->size);
    DfySegment head;
    if (!dfy_reader_is_timed(r, e)) return 1;
    return !dfy_read_segment(&bytes, &head) && head.first_frame == e->first_frame && head.frames == e->frames;
}

/* What is wrong with a chunk beyond its checksum: other frames than the index has, or a bit that was mended. */
static int verify_chunk(DfyReader *r, DfyV2Row *row, const DfyBuffer *payload) {
    if (row->damaged || !agrees(r, row, payload)) {
        row->damaged = 1;
        return dfy_fail(r->message, DFY_ERROR_DAMAGED,
                        "The chunk at byte %llu has different frames from those in the index: decode what is intact.",
                        (unsigned long long)row->offset_bytes);
    }
    if (!row->mended) return DFY_OK;
    row->damaged = 1;
    return dfy_fail(r->message, DFY_ERROR_DAMAGED,
                    "One bit of the %s chunk at byte %llu is wrong: it plays all the same, but copy what is "
                    "going bad.",
                    dfy_v2_chunk_name(row->type), (unsigned long long)row->offset_bytes);
}

/* All chunks; of what fails the first is told. */
static int verify_chunks(DfyReader *r) {
    DfyBuffer payload = {0};
    DfyMessage first;
    int result = DFY_OK;
    for (size_t i = 0; i < r->file.count; i++) {
        int status = dfy_v2_read_chunk(&r->file, i, &payload, r->message);
        if (!status) status = verify_chunk(r, &r->file.rows[i], &payload);
        if (!status || result) continue;
        first = *r->message;
        result = status;
    }
    dfy_buffer_free(&payload);
    if (result) *r->message = first;
    return result;
}

int dfy_reader_verify(void *state) {
    DfyReader *r = state;
    if (r->file.forward)
        return dfy_fail(r->message, DFY_ERROR_UNSUPPORTED,
                        "A stream that only goes forward can't be verified: save it as a file first.");
    int status = verify_chunks(r);
    if (status) return status;
    if (r->file.skipped_bytes)
        return dfy_fail(r->message, DFY_ERROR_DAMAGED,
                        "%llu bytes of the file belong to no chunk: part of it was overwritten or cut off.",
                        (unsigned long long)r->file.skipped_bytes);
    if (r->file.complete) return DFY_OK;
    return dfy_fail(r->message, DFY_ERROR_DAMAGED,
                    "The file is intact, but its end is missing: %llu frames can be played.",
                    (unsigned long long)r->frames);
}
