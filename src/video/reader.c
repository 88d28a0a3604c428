/* The version 2 file reader: finds segments, decodes forwards, seeks by the nearest entry. */
#include <stdlib.h>
#include <string.h>

#include "base/format.h"
#include "container/v2.h"
#include "video/cycle_list.h"
#include "video/decoder.h"
#include "video/lossless.h"
#include "video/stream.h"

typedef struct Reader {
    DfyMessage *message;
    DfyDecoderSettings settings;
    DfyV2Reader file;
    DfyStream stream;
    DfyVideoDecoder *decoder; /* NULL when the stream is lossless */
    DfyLossless *lossless;
    DfyRangeCoder lossless_coder;
    DfyBuffer payload, metadata;
    uint64_t frames; /* the last segment's end */
    size_t chunk;    /* of the current segment */
    DfySegment segment;
    int64_t *pts;
    size_t pts_capacity;
    int in_segment;           /* payload holds it and the decoder reads from it */
    uint64_t group_first;     /* display number of the decoded group's first frame */
    int group_frames, single; /* single: only this number of the group has pixels, 0: all */
    int again;                /* the next decode_group is of the same group once more */
    uint64_t position;
    const DfyFrame *shown; /* the picture given last, NULL: none since the last seek or failure */
    size_t plate_chunk;    /* index of the plate decoded, 0: none */
    DfyCycleList cycles;
} Reader;

static int damaged(Reader *r, uint64_t first, uint64_t end) {
    return dfy_fail(r->message, DFY_ERROR_DAMAGED, "Frames %llu to %llu are lost: their part of the file is damaged.",
                    (unsigned long long)first, (unsigned long long)(end - 1));
}

/* A walked file's entries know no frames: the head of each segment says them. */
static int fill_in_frames(Reader *r) {
    for (size_t i = 0; i < r->file.count; i++) {
        DfyV2Entry *e = &r->file.entries[i];
        if (e->type != DFY_CHUNK_SEGMENT) continue;
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

/* Segments must come in order; one that does not is treated as damaged. */
static void check_order(Reader *r) {
    for (size_t i = 0; i < r->file.count; i++) {
        DfyV2Entry *e = &r->file.entries[i];
        if (e->type != DFY_CHUNK_SEGMENT || !e->frames) continue;
        if (e->first_frame < r->frames || e->first_frame > (uint64_t)1 << 40) {
            e->frames = 0;
            e->damaged = 1;
            continue;
        }
        r->frames = e->first_frame + e->frames;
    }
}

/* Cycles are facts beside the pictures: a damaged list is left out, and the rest of the file plays. */
static int read_cycle_lists(Reader *r) {
    int status = DFY_OK;
    DfyMessage message = *r->message;
    for (size_t i = 0; i < r->file.count && status != DFY_ERROR_MEMORY; i++) {
        if (r->file.entries[i].type != DFY_CHUNK_CYCLES) continue;
        status = dfy_v2_read_chunk(&r->file, i, &r->payload, r->message);
        DfyBytes bytes = dfy_bytes(r->payload.data, r->payload.size);
        if (!status) status = dfy_read_cycles(&bytes, r->frames, &r->cycles);
    }
    *r->message = message;
    return status == DFY_ERROR_MEMORY
               ? dfy_fail(r->message, status, "There is not enough memory for the list of cycles.")
               : DFY_OK;
}

static int open_file(Reader *r, const DfyInput *input, const DfyDecoderSettings *settings, DfyMessage *message) {
    int status = dfy_v2_reader_open(&r->file, input, message);
    if (!status && r->file.entries[0].type != DFY_CHUNK_STREAM)
        status = dfy_fail(message, DFY_ERROR_FORMAT, "The file doesn't begin with a STREAM chunk: it can't be played.");
    if (!status) status = dfy_v2_read_chunk(&r->file, 0, &r->payload, message);
    if (!status) {
        DfyBytes bytes = dfy_bytes(r->payload.data, r->payload.size);
        status = dfy_read_stream(&bytes, &r->stream, message);
    }
    if (!status && !r->file.complete) status = fill_in_frames(r);
    if (status) return status;
    check_order(r);
    /* Held at the worst: a group, the anchors kept, the plate, one in the making. */
    uint64_t frame_bytes = (uint64_t)(r->stream.width + 2 * DFY_FRAME_BORDER) *
                           (uint64_t)(r->stream.height + 2 * DFY_FRAME_BORDER) * 3 / 2;
    if (frame_bytes * (uint64_t)(dfy_group_limit(&r->stream) + r->stream.keep + 4) > settings->memory_limit_bytes)
        return dfy_fail(
            message, DFY_ERROR_MEMORY,
            "Pictures of %d x %d pixels need more than the memory limit of %llu MiB: raise it to open this file.",
            r->stream.width, r->stream.height, (unsigned long long)(settings->memory_limit_bytes >> 20));
    if (r->stream.lossless)
        r->lossless = dfy_lossless_new(r->stream.width, r->stream.height);
    else
        r->decoder = dfy_video_decoder_new(r->stream.width, r->stream.height, r->stream.keep);
    if (!r->decoder && !r->lossless)
        return dfy_fail(message, DFY_ERROR_MEMORY, "There is not enough memory to decode this file.");
    if (!r->file.complete)
        dfy_fail(message, DFY_OK, "The file is incomplete: %llu frames can be played.", (unsigned long long)r->frames);
    for (size_t i = 0; i < r->file.count; i++) {
        if (r->file.entries[i].type != DFY_CHUNK_METADATA) continue;
        if (!dfy_v2_read_chunk(&r->file, i, &r->metadata, message)) break;
        r->metadata.size = 0;
    }
    if (r->metadata.size) dfy_put_u8(&r->metadata, 0);
    return read_cycle_lists(r);
}

static int reader_open(void **state, const DfyInput *input, const DfyDecoderSettings *settings, DfyMessage *message) {
    Reader *r = calloc(1, sizeof *r);
    if (!(*state = r)) return DFY_ERROR_MEMORY;
    r->message = message;
    r->settings = *settings;
    int status = open_file(r, input, settings, message);
    if (status) r->frames = 0; /* what did not open can't be played */
    return status;
}

static void reader_info(const void *state, DfyInfo *info) {
    const Reader *r = state;
    const DfyStream *s = &r->stream;
    *info = (DfyInfo){.format = 2,
                      .width = s->width,
                      .height = s->height,
                      .frames = r->frames,
                      .frames_stated = r->frames,
                      .frame_rate_num = s->frame_rate_num,
                      .frame_rate_den = s->frame_rate_den,
                      .time_base_num = s->time_base_num,
                      .time_base_den = s->time_base_den,
                      .quality = s->quality,
                      .mode = s->mode,
                      .matrix = s->matrix,
                      .range = s->range,
                      .native_format = DFY_PIXELS_I420,
                      .chunks = (uint32_t)r->file.count,
                      .cycles = r->cycles.count,
                      .canonicals = r->cycles.canonicals,
                      .lossless = s->lossless,
                      .complete = r->file.complete};
}

/* ---------------------------------------------------------------- segments */

static int use_plate(Reader *r, size_t segment_chunk) {
    size_t wanted = segment_chunk;
    while (wanted > 0 && r->file.entries[wanted].type != DFY_CHUNK_BACKGROUND) wanted--;
    if (!wanted || wanted == r->plate_chunk) return DFY_OK; /* chunk 0 is the STREAM */
    int status = dfy_v2_read_chunk(&r->file, wanted, &r->payload, r->message);
    if (!status) status = dfy_video_decode_plate(r->decoder, r->payload.data, r->payload.size);
    r->plate_chunk = status ? 0 : wanted;
    return status;
}

/* Readies the decoder at the start of a segment; pictures of the one before must be there unless it is an entry. */
static int load_segment(Reader *r, size_t chunk) {
    const DfyV2Entry *e = &r->file.entries[chunk];
    r->in_segment = 0;
    int status = DFY_OK;
    if (e->flags & DFY_CHUNK_ENTRY && r->lossless) {
        dfy_lossless_enter(r->lossless);
    } else if (e->flags & DFY_CHUNK_ENTRY) {
        status = use_plate(r, chunk);
        if (status) return status;
        dfy_video_decoder_enter(r->decoder);
    }
    status = dfy_v2_read_chunk(&r->file, chunk, &r->payload, r->message);
    if (status) return status;
    DfyBytes bytes = dfy_bytes(r->payload.data, r->payload.size);
    if (dfy_read_segment(&bytes, &r->segment) || r->segment.first_frame != e->first_frame ||
        r->segment.frames != e->frames)
        return DFY_ERROR_DAMAGED;
    if (r->segment.frames > r->pts_capacity) {
        int64_t *grown = realloc(r->pts, (size_t)r->segment.frames * sizeof *grown);
        if (!grown) return dfy_fail(r->message, DFY_ERROR_MEMORY, "There is not enough memory to decode this file.");
        r->pts = grown;
        r->pts_capacity = (size_t)r->segment.frames;
    }
    dfy_read_times(&bytes, &r->segment, dfy_regular_ticks(&r->stream), r->pts);
    if (bytes.overrun) return DFY_ERROR_DAMAGED;
    const uint8_t *code = bytes.data + bytes.position;
    if (r->lossless)
        dfy_range_decode_start(&r->lossless_coder, code, bytes.size - bytes.position);
    else
        dfy_video_decoder_read(r->decoder, code, bytes.size - bytes.position);
    r->chunk = chunk;
    r->in_segment = 1;
    r->group_first = r->segment.first_frame;
    r->group_frames = 0;
    r->again = 0;
    return DFY_OK;
}

/* The first segment at or after `from` that holds frames, entries only if asked; file.count when there is none. */
static size_t next_segment(const Reader *r, size_t from, int entry) {
    while (from < r->file.count && (r->file.entries[from].type != DFY_CHUNK_SEGMENT || !r->file.entries[from].frames ||
                                    (entry && !(r->file.entries[from].flags & DFY_CHUNK_ENTRY))))
        from++;
    return from;
}

/* Steps over what can't be decoded: goes on at the next entry, or at the end. */
static int skip_damage(Reader *r, size_t chunk) {
    uint64_t from = r->position;
    size_t next = next_segment(r, chunk + 1, 1);
    r->in_segment = 0;
    r->chunk = next - 1;
    r->position = next < r->file.count ? r->file.entries[next].first_frame : r->frames;
    return damaged(r, from, r->position > from ? r->position : from + 1);
}

/* A lossless picture is a group by itself. */
static int decode_lossless(Reader *r) {
    r->group_first += (uint64_t)r->group_frames;
    r->group_frames = 1;
    r->single = r->again = 0;
    dfy_lossless_code(r->lossless, &r->lossless_coder, NULL, NULL);
    return DFY_OK;
}

static int decode_group(Reader *r, int want, int again) {
    if (r->lossless) return decode_lossless(r);
    uint64_t end = r->segment.first_frame + r->segment.frames,
             first = r->group_first + (uint64_t)(r->again ? 0 : r->group_frames);
    uint64_t left = end - first;
    int frames = 0, limit = dfy_group_limit(&r->stream);
    if (left < (uint64_t)limit) limit = (int)left;
    int status = dfy_video_decode_group(r->decoder, want, limit, again, &frames);
    if (status) return status;
    r->group_first = first;
    r->group_frames = frames;
    r->single = again ? want : 0;
    r->again = again;
    return DFY_OK;
}

/* Moves on to the segment after the current one. */
static int next_in_order(Reader *r) {
    size_t chunk = next_segment(r, r->in_segment || r->position ? r->chunk + 1 : 0, 0);
    if (chunk >= r->file.count) return DFY_END;
    const DfyV2Entry *e = &r->file.entries[chunk];
    int whole = e->first_frame == r->position && (r->in_segment || (e->flags & DFY_CHUNK_ENTRY));
    if (!whole && (e->flags & DFY_CHUNK_ENTRY) && e->first_frame > r->position) { /* a hole in the file */
        uint64_t from = r->position;
        r->position = e->first_frame;
        r->chunk = chunk - 1;
        r->in_segment = 0;
        return damaged(r, from, r->position);
    }
    int status = whole ? load_segment(r, chunk) : DFY_ERROR_DAMAGED;
    return status == DFY_ERROR_DAMAGED ? skip_damage(r, chunk) : status;
}

static void show(Reader *r, DfyPicture *picture) {
    const DfyFrame *frame = r->lossless ? dfy_lossless_last(r->lossless)
                                        : dfy_video_decoder_frame(r->decoder, (int)(r->position - r->group_first) + 1);
    *picture = (DfyPicture){.format = DFY_PIXELS_I420,
                            .width = r->stream.width,
                            .height = r->stream.height,
                            .matrix = r->stream.matrix,
                            .range = r->stream.range};
    for (int p = 0; p < 3; p++) {
        picture->plane[p] = frame->plane[p].pixels;
        picture->stride_bytes[p] = frame->plane[p].stride;
    }
    r->shown = frame;
    picture->pts = r->pts[r->position - r->segment.first_frame];
    r->position++;
}

static int reader_next(void *state, DfyPicture *picture) {
    Reader *r = state;
    r->shown = NULL;
    if (r->position >= r->frames) return DFY_END;
    if (r->in_segment && r->group_frames && r->position < r->group_first + (uint64_t)r->group_frames) {
        if (!r->single || r->position == r->group_first + (uint64_t)r->single - 1) {
            show(r, picture);
            return DFY_OK;
        }
    }
    if (!r->in_segment || (!r->single && r->position >= r->segment.first_frame + r->segment.frames)) {
        int status = next_in_order(r);
        if (status) return status;
    }
    int status = decode_group(r, DFY_WANT_ALL, 0);
    if (status == DFY_ERROR_DAMAGED) return skip_damage(r, r->chunk);
    if (status) return dfy_fail(r->message, status, "There is not enough memory to decode this file.");
    return reader_next(r, picture);
}

/* Decodes anchors from the entry on, and of the wanted frame's group what that frame is made of. */
static int reader_seek(void *state, uint64_t frame) {
    Reader *r = state;
    r->shown = NULL;
    if (r->in_segment && !r->single && r->group_frames && frame >= r->group_first &&
        frame < r->group_first + (uint64_t)r->group_frames) {
        r->position = frame;
        return DFY_OK;
    }
    size_t entry = r->file.count;
    for (size_t i = 0; i < r->file.count; i++) {
        const DfyV2Entry *e = &r->file.entries[i];
        if (e->type != DFY_CHUNK_SEGMENT || !e->frames || e->first_frame > frame) continue;
        if (e->flags & DFY_CHUNK_ENTRY) entry = i;
    }
    if (entry >= r->file.count)
        return dfy_fail(r->message, DFY_ERROR_DAMAGED, "Frame %llu can't be reached: what comes before it is damaged.",
                        (unsigned long long)frame);
    size_t at = entry;
    r->position = r->file.entries[at].first_frame;
    r->single = 0;
    int status = load_segment(r, at);
    while (!status) {
        uint64_t end = r->segment.first_frame + r->segment.frames;
        while (!status && r->group_first + (uint64_t)r->group_frames < end) {
            /* Peek at the group's length by decoding its anchor alone; again with the frame when it lies inside. */
            status = decode_group(r, DFY_WANT_ANCHOR, 1);
            if (status) break;
            uint64_t last = r->group_first + (uint64_t)r->group_frames;
            if (frame < last && r->lossless) {
                r->position = frame;
                return DFY_OK;
            }
            if (frame < last) {
                int number = (int)(frame - r->group_first) + 1;
                status = decode_group(r, number, 1);
                r->position = frame;
                return status == DFY_ERROR_DAMAGED ? skip_damage(r, at) : status;
            }
            if (r->decoder) dfy_video_decoder_keep(r->decoder);
            r->again = r->single = 0;
        }
        if (status) break;
        r->position = end;
        at = next_segment(r, at + 1, 0);
        if (at >= r->file.count || r->file.entries[at].first_frame != end) {
            status = DFY_ERROR_DAMAGED;
            break;
        }
        status = load_segment(r, at);
    }
    if (status == DFY_ERROR_DAMAGED) return skip_damage(r, at);
    return status;
}

static uint64_t reader_position(const void *state) {
    return ((const Reader *)state)->position;
}

static int reader_origins(const void *state, DfyOrigins *origins) {
    const Reader *r = state;
    if (r->lossless)
        return dfy_fail(r->message, DFY_ERROR_UNSUPPORTED,
                        "Lossless pictures are predicted pixel by pixel: they have no blocks of one origin.");
    if (!r->shown) return dfy_fail(r->message, DFY_ERROR_ARGUMENT, "No picture was decoded yet.");
    *origins = (DfyOrigins){
        .columns = r->shown->motion_stride, .rows = r->shown->plane[0].height / 8, .cells = r->shown->origins};
    return DFY_OK;
}

/* ---------------------------------------------------------------- facts */

static int reader_chunk(const void *state, uint32_t index, DfyChunk *chunk) {
    const Reader *r = state;
    if (index >= r->file.count) return DFY_ERROR_ARGUMENT;
    const DfyV2Entry *e = &r->file.entries[index];
    *chunk = (DfyChunk){.type = e->type,
                        .name = dfy_v2_chunk_name(e->type),
                        .offset_bytes = e->offset_bytes,
                        .payload_bytes = e->payload_bytes,
                        .has_checksum = 1,
                        .damaged = e->damaged};
    return DFY_OK;
}

static int reader_cycle(const void *state, uint32_t index, DfyCycle *cycle) {
    const Reader *r = state;
    if (index >= r->cycles.count) return DFY_ERROR_ARGUMENT;
    const DfyLoggedCycle *own = &r->cycles.cycle[index];
    double rate = (double)r->stream.frame_rate_num / r->stream.frame_rate_den;
    *cycle = (DfyCycle){.first_frame = own->first,
                        .frames = own->frames,
                        .start_seconds = (double)own->first / rate,
                        .seconds = (double)own->frames / rate,
                        .canonical = own->canonical,
                        .is_canonical = own->is_canonical,
                        .distance = own->distance};
    return DFY_OK;
}

static const char *reader_metadata(const void *state) {
    const Reader *r = state;
    return r->metadata.size ? (const char *)r->metadata.data : "{}";
}

static int reader_verify(void *state) {
    Reader *r = state;
    DfyBuffer payload = {0};
    DfyMessage first;
    int result = DFY_OK, bad = 0;
    for (size_t i = 0; i < r->file.count; i++) {
        int status = dfy_v2_read_chunk(&r->file, i, &payload, r->message);
        if (status && !bad++) {
            first = *r->message;
            result = status;
        }
    }
    dfy_buffer_free(&payload);
    if (bad)
        *r->message = first;
    else if (r->file.skipped_bytes)
        result = dfy_fail(r->message, DFY_ERROR_DAMAGED,
                          "%llu bytes of the file belong to no chunk: part of it was overwritten or cut.",
                          (unsigned long long)r->file.skipped_bytes);
    else if (!r->file.complete)
        result = dfy_fail(r->message, DFY_ERROR_DAMAGED,
                          "The file is whole up to its end, but the end is missing: %llu frames can be played.",
                          (unsigned long long)r->frames);
    return result;
}

static void reader_close(void *state) {
    Reader *r = state;
    dfy_video_decoder_free(r->decoder);
    dfy_lossless_free(r->lossless);
    dfy_v2_reader_close(&r->file);
    dfy_buffer_free(&r->payload);
    dfy_buffer_free(&r->metadata);
    dfy_cycle_list_free(&r->cycles);
    free(r->pts);
    free(r);
}

const DfyFormatReader dfy_v2_reader = {.magic = {'D', 'F', 'Y', 2},
                                       .open = reader_open,
                                       .info = reader_info,
                                       .next = reader_next,
                                       .seek = reader_seek,
                                       .position = reader_position,
                                       .origins = reader_origins,
                                       .chunk = reader_chunk,
                                       .cycle = reader_cycle,
                                       .metadata = reader_metadata,
                                       .verify = reader_verify,
                                       .close = reader_close};
