#include "video/player.h"

#include <stdlib.h>

#include "video/decoder.h"
#include "video/lossless.h"

#define NEAR_FRAMES 32 /* coded frames ahead that are reached by playing on: no farther than a group */

struct DfyPlayer {
    DfyV2Reader *file;
    const DfyStream *stream;
    DfyMessage *message;
    DfyVideoDecoder *decoder; /* NULL when the stream is lossless */
    DfyLossless *lossless;
    DfyRangeCoder lossless_coder;
    DfyBuffer payload;
    size_t plate_chunk; /* index of the plate decoded, 0: none */
    size_t chunk;       /* of the current segment */
    DfySegment segment;
    int64_t *pts;
    size_t pts_capacity;
    int in_segment;           /* payload holds it and the decoder reads from it */
    uint64_t group_first;     /* display number of the decoded group's first frame */
    int group_frames, single; /* single: only this number of the group has pixels, 0: all */
    int again;                /* the next decode_group is of the same group once more */
    uint64_t frame;           /* the one gone to */
    DfyPlayer *library;       /* plays what segments refer to; there once it is needed */
    int is_library;           /* it is such a player itself: what it plays refers to no library */
};

DfyPlayer *dfy_player_new(DfyV2Reader *file, const DfyStream *stream, DfyMessage *message) {
    DfyPlayer *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    p->file = file;
    p->stream = stream;
    p->message = message;
    if (stream->lossless)
        p->lossless = dfy_lossless_new(stream->width, stream->height);
    else
        p->decoder = dfy_video_decoder_new(stream->width, stream->height, stream->keep);
    if (p->lossless || p->decoder) return p;
    dfy_player_free(p);
    return NULL;
}

void dfy_player_free(DfyPlayer *p) {
    if (!p) return;
    dfy_player_free(p->library);
    dfy_video_decoder_free(p->decoder);
    dfy_lossless_free(p->lossless);
    dfy_buffer_free(&p->payload);
    free(p->pts);
    free(p);
}

/*
 * A group, the anchors kept, the plate, one in the making; where there is a library, another player, and as much of it
 * as a group refers to.
 */
uint64_t dfy_player_bytes(const DfyStream *stream) {
    uint64_t frame_bytes =
        (uint64_t)(stream->width + 2 * DFY_FRAME_BORDER) * (uint64_t)(stream->height + 2 * DFY_FRAME_BORDER) * 3 / 2;
    int group = dfy_group_limit(stream), alone = group + stream->keep + 4;
    return frame_bytes * (uint64_t)(stream->library ? 2 * alone + group : alone);
}

static int out_of_memory(DfyPlayer *p) {
    return dfy_fail(p->message, DFY_ERROR_MEMORY, "There is not enough memory to decode this file.");
}

/* ---------------------------------------------------------------- segments */

static int use_plate(DfyPlayer *p, size_t segment_chunk) {
    size_t wanted = segment_chunk;
    while (wanted > 0 && p->file->entries[wanted].type != DFY_CHUNK_BACKGROUND) wanted--;
    if (!wanted || wanted == p->plate_chunk) return DFY_OK; /* chunk 0 is the STREAM */
    int status = dfy_v2_read_chunk(p->file, wanted, &p->payload, p->message);
    if (status) return status;
    status = dfy_video_decode_plate(p->decoder, p->payload.data, p->payload.size);
    p->plate_chunk = status ? 0 : wanted;
    return status == DFY_ERROR_MEMORY ? out_of_memory(p) : status;
}

static unsigned plates_before(const DfyPlayer *p, size_t chunk) {
    unsigned count = 0;
    for (size_t i = 0; i < chunk; i++) count += p->file->entries[i].type == DFY_CHUNK_BACKGROUND;
    return count;
}

static int fetch_from_library(void *context, int32_t frame, int sparse, const DfyFrame **found) {
    DfyPlayer *p = context;
    if (!p->library) {
        p->library = dfy_player_new(p->file, p->stream, p->message);
        if (!p->library) return DFY_ERROR_MEMORY;
        p->library->is_library = 1;
    }
    uint64_t wanted = p->segment.library_first + (uint64_t)frame;
    int status = sparse ? dfy_player_jump(p->library, wanted) : dfy_player_go(p->library, wanted);
    if (!status) *found = dfy_player_frame(p->library);
    return status;
}

/* Tells the decoder which library the segment refers to. */
static int use_library(DfyPlayer *p) {
    if (p->segment.library_frames && (p->is_library || !p->stream->library)) return DFY_ERROR_DAMAGED;
    if (p->lossless) return DFY_OK;
    DfyLibrarySource source = {fetch_from_library, p, (int)p->segment.library_frames};
    dfy_video_decoder_set_library(p->decoder, &source);
    return DFY_OK;
}

/* Readies the decoder at the start of a segment; pictures of the one before must be there unless it is an entry. */
static int load_segment(DfyPlayer *p, size_t chunk) {
    const DfyV2Entry *e = &p->file->entries[chunk];
    p->in_segment = 0;
    int status = DFY_OK;
    if (e->flags & DFY_CHUNK_ENTRY && p->lossless) {
        dfy_lossless_enter(p->lossless);
    } else if (e->flags & DFY_CHUNK_ENTRY) {
        status = use_plate(p, chunk);
        if (status) return status;
        dfy_video_decoder_enter(p->decoder);
    }
    status = dfy_v2_read_chunk(p->file, chunk, &p->payload, p->message);
    if (status) return status;
    DfyBytes bytes = dfy_bytes(p->payload.data, p->payload.size);
    if (dfy_read_segment(&bytes, &p->segment) || p->segment.first_frame != e->first_frame ||
        p->segment.frames != e->frames)
        return DFY_ERROR_DAMAGED;
    if ((status = use_library(p))) return status;
    /* A plate that was lost must not be taken for the one before it. */
    if (p->segment.plates && p->segment.plates != plates_before(p, chunk)) return DFY_ERROR_DAMAGED;
    if (p->segment.frames > p->pts_capacity) {
        int64_t *grown = realloc(p->pts, (size_t)p->segment.frames * sizeof *grown);
        if (!grown) return out_of_memory(p);
        p->pts = grown;
        p->pts_capacity = (size_t)p->segment.frames;
    }
    dfy_read_times(&bytes, &p->segment, dfy_regular_ticks(p->stream), p->pts);
    if (bytes.overrun) return DFY_ERROR_DAMAGED;
    const uint8_t *code = bytes.data + bytes.position;
    if (p->lossless)
        dfy_range_decode_start(&p->lossless_coder, code, bytes.size - bytes.position);
    else
        dfy_video_decoder_read(p->decoder, code, bytes.size - bytes.position);
    p->chunk = chunk;
    p->in_segment = 1;
    p->group_first = p->segment.first_frame;
    p->group_frames = p->single = p->again = 0;
    return DFY_OK;
}

static uint64_t segment_end(const DfyPlayer *p) {
    return p->segment.first_frame + p->segment.frames;
}

static uint64_t group_end(const DfyPlayer *p) {
    return p->group_first + (uint64_t)p->group_frames;
}

/*
 * The segment that goes on where `chunk` ended, file.count when there is none: clones may lie between, anything else
 * that is missing there is an end.
 */
static size_t segment_after(const DfyPlayer *p, size_t chunk) {
    const DfyV2Entry *e = p->file->entries;
    uint64_t next = e[chunk].first_frame + e[chunk].frames;
    for (size_t i = chunk + 1; i < p->file->count; i++) {
        if (!dfy_holds_frames(&e[i])) continue;
        if (e[i].first_frame != next) break;
        if (e[i].type == DFY_CHUNK_SEGMENT) return i;
        next += e[i].frames;
    }
    return p->file->count;
}

static int load_next_segment(DfyPlayer *p) {
    size_t next = segment_after(p, p->chunk);
    return next < p->file->count ? load_segment(p, next) : DFY_ERROR_DAMAGED;
}

/* A lossless picture is a group by itself. */
static int decode_lossless(DfyPlayer *p) {
    p->group_first = group_end(p);
    p->group_frames = 1;
    p->single = p->again = 0;
    dfy_lossless_code(p->lossless, &p->lossless_coder, NULL, NULL);
    return DFY_OK;
}

static int decode_group(DfyPlayer *p, int want, int again) {
    if (p->lossless) return decode_lossless(p);
    uint64_t first = p->again ? p->group_first : group_end(p), left = segment_end(p) - first;
    int frames = 0, limit = dfy_group_limit(p->stream);
    if (left < (uint64_t)limit) limit = (int)left;
    int status = dfy_video_decode_group(p->decoder, want, limit, again, &frames);
    if (status == DFY_ERROR_MEMORY) return out_of_memory(p);
    if (status) return status;
    p->group_first = first;
    p->group_frames = frames;
    p->single = again ? want : 0;
    p->again = again;
    return DFY_OK;
}

/* ---------------------------------------------------------------- going */

/* Whether the frame is decoded and has pixels. */
static int is_there(const DfyPlayer *p, uint64_t frame) {
    if (!p->in_segment || frame < p->group_first || frame >= group_end(p)) return 0;
    return !p->again || frame - p->group_first + 1 == (uint64_t)p->single;
}

/* Whether playing on from here gets to the frame soon. */
static int is_near(const DfyPlayer *p, uint64_t frame) {
    if (!p->in_segment || frame < p->group_first) return 0;
    if (frame < segment_end(p)) return frame < group_end(p) + NEAR_FRAMES;
    size_t next = segment_after(p, p->chunk);
    if (next == p->file->count || frame < p->file->entries[next].first_frame) return 0;
    return frame - p->file->entries[next].first_frame + segment_end(p) - group_end(p) < NEAR_FRAMES;
}

/* A group of which less than all was decoded is left behind: its anchor is there. */
static void leave_group(DfyPlayer *p) {
    if (p->decoder) dfy_video_decoder_keep(p->decoder);
    p->again = p->single = 0;
}

static int play_on(DfyPlayer *p, uint64_t frame) {
    int status = DFY_OK;
    if (frame >= group_end(p)) leave_group(p);
    while (!status && !is_there(p, frame)) {
        if (!p->again && group_end(p) == segment_end(p)) status = load_next_segment(p);
        if (!status) status = decode_group(p, DFY_WANT_ALL, 0);
        if (!status && frame < p->group_first) status = DFY_ERROR_DAMAGED; /* it is no coded frame */
    }
    return status;
}

/* Decodes anchors up to the frame, and of its group what it is made of. */
static int decode_up_to(DfyPlayer *p, uint64_t frame) {
    for (;;) {
        int status = group_end(p) == segment_end(p) ? load_next_segment(p) : DFY_OK;
        /* Peek at the group's length by decoding its anchor alone; again with the frame when it lies inside. */
        if (!status) status = decode_group(p, DFY_WANT_ANCHOR, 1);
        if (status) return status;
        if (frame < p->group_first) return DFY_ERROR_DAMAGED; /* it is no coded frame */
        if (frame < group_end(p)) return p->lossless ? DFY_OK : decode_group(p, (int)(frame - p->group_first) + 1, 1);
        leave_group(p);
    }
}

/* The segment to begin with for the frame, file.count when there is none. */
static size_t entry_before(const DfyPlayer *p, uint64_t frame) {
    size_t entry = p->file->count;
    for (size_t i = 0; i < p->file->count; i++) {
        const DfyV2Entry *e = &p->file->entries[i];
        if (e->type != DFY_CHUNK_SEGMENT || !e->frames || e->first_frame > frame) continue;
        if (e->flags & DFY_CHUNK_ENTRY) entry = i;
    }
    return entry;
}

static int go_from_entry(DfyPlayer *p, uint64_t frame) {
    size_t entry = entry_before(p, frame);
    if (entry >= p->file->count) return DFY_ERROR_DAMAGED;
    int status = load_segment(p, entry);
    if (!status) status = frame == p->segment.first_frame ? decode_group(p, DFY_WANT_ALL, 0) : decode_up_to(p, frame);
    return status;
}

static int arrive(DfyPlayer *p, uint64_t frame, int status) {
    if (status) p->in_segment = 0;
    p->frame = frame;
    return status;
}

int dfy_player_go(DfyPlayer *p, uint64_t frame) {
    if (is_there(p, frame)) return arrive(p, frame, DFY_OK);
    return arrive(p, frame, is_near(p, frame) ? play_on(p, frame) : go_from_entry(p, frame));
}

int dfy_player_jump(DfyPlayer *p, uint64_t frame) {
    if (is_there(p, frame)) return arrive(p, frame, DFY_OK);
    int onward = p->in_segment && !p->lossless && frame >= p->group_first && entry_before(p, frame) <= p->chunk;
    if (!onward) return arrive(p, frame, go_from_entry(p, frame));
    if (frame < group_end(p)) return arrive(p, frame, decode_group(p, (int)(frame - p->group_first) + 1, 1));
    leave_group(p);
    return arrive(p, frame, decode_up_to(p, frame));
}

const DfyFrame *dfy_player_frame(const DfyPlayer *p) {
    return p->lossless ? dfy_lossless_last(p->lossless)
                       : dfy_video_decoder_frame(p->decoder, (int)(p->frame - p->group_first) + 1);
}

int64_t dfy_player_pts(const DfyPlayer *p) {
    return p->pts[p->frame - p->segment.first_frame];
}
