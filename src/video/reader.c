/* The version 2 file reader: finds what holds frames, plays them in order, tells what the file says of itself. */
#include <stdlib.h>
#include <string.h>

#include "base/format.h"
#include "container/v2.h"
#include "video/clones.h"
#include "video/cycle_list.h"
#include "video/player.h"

/* The CLONE chunk played last. */
typedef struct Clones {
    size_t chunk; /* 0: none */
    DfySegment head;
    int64_t *pts;
    uint64_t *sources;
    size_t capacity;
    DfyPlayer *player; /* of the sources; there once a clone was played */
} Clones;

typedef struct Reader {
    DfyMessage *message;
    DfyDecoderSettings settings;
    DfyV2Reader file;
    DfyStream stream;
    DfyPlayer *player;
    Clones clones;
    DfyBuffer payload, metadata;
    uint64_t frames; /* the end of the last chunk that holds any */
    uint64_t clone_frames;
    uint64_t position;
    size_t chunk;          /* where the position was found last */
    const DfyFrame *shown; /* the picture given last, NULL: none since the last seek or failure */
    DfyCycleList cycles;
} Reader;

static int out_of_memory(Reader *r) {
    return dfy_fail(r->message, DFY_ERROR_MEMORY, "There is not enough memory to decode this file.");
}

/* ---------------------------------------------------------------- opening */

static int is_timed(const Reader *r, const DfyV2Entry *entry) {
    return entry->type == DFY_CHUNK_SEGMENT || (entry->type == DFY_CHUNK_CLONE && r->stream.clones);
}

/* A walked file's entries know no frames: the head of each segment says them. */
static int fill_in_frames(Reader *r) {
    for (size_t i = 0; i < r->file.count; i++) {
        DfyV2Entry *e = &r->file.entries[i];
        if (!is_timed(r, e)) continue;
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

/* Segments and clones must come in order; what does not is treated as damaged, and other chunks hold no frames. */
static void check_order(Reader *r) {
    for (size_t i = 0; i < r->file.count; i++) {
        DfyV2Entry *e = &r->file.entries[i];
        if (!is_timed(r, e)) e->frames = 0;
        if (!e->frames) continue;
        if (e->first_frame < r->frames || e->first_frame > (uint64_t)1 << 40) {
            e->frames = 0;
            e->damaged = 1;
            continue;
        }
        r->frames = e->first_frame + e->frames;
        if (e->type == DFY_CHUNK_CLONE) r->clone_frames += e->frames;
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

static uint64_t common(uint64_t a, uint64_t a_frames, uint64_t b, uint64_t b_frames) {
    uint64_t first = a > b ? a : b, end = a + a_frames < b + b_frames ? a + a_frames : b + b_frames;
    return first < end ? end - first : 0;
}

/* Both cycles and clones are in order. */
static void mark_clones(Reader *r) {
    size_t chunk = 0;
    for (uint32_t i = 0; i < r->cycles.count; i++) {
        DfyLoggedCycle *cycle = &r->cycles.cycle[i];
        uint64_t clones = 0, end = cycle->first + cycle->frames;
        for (; chunk < r->file.count; chunk++) {
            const DfyV2Entry *e = &r->file.entries[chunk];
            if (e->type == DFY_CHUNK_CLONE) clones += common(cycle->first, cycle->frames, e->first_frame, e->frames);
            if (e->frames && e->first_frame + e->frames > end) break; /* it reaches into the next cycle */
        }
        cycle->is_clone = clones * 2 > cycle->frames;
    }
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
    if (dfy_player_bytes(&r->stream) * (r->clone_frames ? 2 : 1) > settings->memory_limit_bytes)
        return dfy_fail(
            message, DFY_ERROR_MEMORY,
            "Pictures of %d x %d pixels need more than the memory limit of %llu MiB: raise it to open this file.",
            r->stream.width, r->stream.height, (unsigned long long)(settings->memory_limit_bytes >> 20));
    r->player = dfy_player_new(&r->file, &r->stream, message);
    if (!r->player) return out_of_memory(r);
    if (!r->file.complete)
        dfy_fail(message, DFY_OK, "The file is incomplete: %llu frames can be played.", (unsigned long long)r->frames);
    for (size_t i = 0; i < r->file.count; i++) {
        if (r->file.entries[i].type != DFY_CHUNK_METADATA) continue;
        if (!dfy_v2_read_chunk(&r->file, i, &r->metadata, message)) break;
        r->metadata.size = 0;
    }
    if (r->metadata.size) dfy_put_u8(&r->metadata, 0);
    status = read_cycle_lists(r);
    mark_clones(r);
    return status;
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
                      .clone_frames = r->clone_frames,
                      .lossless = s->lossless,
                      .complete = r->file.complete};
}

/* ---------------------------------------------------------------- clones */

static int room_for_clones(Reader *r, size_t frames) {
    Clones *c = &r->clones;
    if (frames <= c->capacity) return DFY_OK;
    int64_t *pts = realloc(c->pts, frames * sizeof *pts);
    if (pts) c->pts = pts;
    uint64_t *sources = realloc(c->sources, frames * sizeof *sources);
    if (sources) c->sources = sources;
    if (!pts || !sources) return out_of_memory(r);
    c->capacity = frames;
    return DFY_OK;
}

static int load_clones(Reader *r, size_t chunk) {
    const DfyV2Entry *e = &r->file.entries[chunk];
    Clones *c = &r->clones;
    if (c->chunk == chunk) return DFY_OK;
    c->chunk = 0; /* that is the STREAM */
    int status = dfy_v2_read_chunk(&r->file, chunk, &r->payload, r->message);
    if (status) return status;
    DfyBytes bytes = dfy_bytes(r->payload.data, r->payload.size);
    if (dfy_read_segment(&bytes, &c->head) || c->head.first_frame != e->first_frame || c->head.frames != e->frames)
        return DFY_ERROR_DAMAGED;
    if (room_for_clones(r, (size_t)c->head.frames)) return DFY_ERROR_MEMORY;
    dfy_read_times(&bytes, &c->head, dfy_regular_ticks(&r->stream), c->pts);
    if (bytes.overrun || dfy_read_sources(&bytes, &c->head, c->sources)) return DFY_ERROR_DAMAGED;
    c->chunk = chunk;
    return DFY_OK;
}

/* Decodes what the clone shows. */
static int go_to_source(Reader *r, size_t chunk, uint64_t frame) {
    Clones *c = &r->clones;
    int status = load_clones(r, chunk);
    if (status) return status;
    if (!c->player) c->player = dfy_player_new(&r->file, &r->stream, r->message);
    return c->player ? dfy_player_go(c->player, c->sources[frame - c->head.first_frame]) : out_of_memory(r);
}

/* ---------------------------------------------------------------- playing */

/* Finds the chunk that holds the frame; file.count when none does. */
static size_t chunk_of(Reader *r, uint64_t frame) {
    const DfyV2Entry *e = r->file.entries;
    size_t i = r->chunk;
    if (i >= r->file.count || !dfy_holds_frames(&e[i]) || e[i].first_frame > frame) i = 0;
    while (i < r->file.count && (!dfy_holds_frames(&e[i]) || e[i].first_frame + e[i].frames <= frame)) i++;
    if (i < r->file.count && e[i].first_frame <= frame) return r->chunk = i;
    return r->file.count;
}

/* The first frame behind `from` at which playing can begin: an entry's, or a clone's if asked for; else the end. */
static uint64_t next_start(const Reader *r, uint64_t from, int clones) {
    for (size_t i = 0; i < r->file.count; i++) {
        const DfyV2Entry *e = &r->file.entries[i];
        if (!dfy_holds_frames(e) || e->first_frame <= from) continue;
        if (e->type == DFY_CHUNK_CLONE ? clones : e->flags & DFY_CHUNK_ENTRY) return e->first_frame;
    }
    return r->frames;
}

/* Of a stretch of clones is lost what shows lost frames, or all when it is damaged itself. */
static uint64_t next_clone(const Reader *r, size_t chunk) {
    const DfyV2Entry *e = &r->file.entries[chunk];
    const Clones *c = &r->clones;
    if (c->chunk != chunk) return e->first_frame + e->frames;
    uint64_t i = r->position - e->first_frame, sound = next_start(r, c->sources[i], 0);
    while (i < e->frames && c->sources[i] < sound) i++;
    return e->first_frame + i;
}

/* Steps over what can't be played; chunk is where the position is, file.count in a hole. */
static int skip_damage(Reader *r, size_t chunk) {
    uint64_t from = r->position;
    int clone = chunk < r->file.count && r->file.entries[chunk].type == DFY_CHUNK_CLONE;
    r->position = clone ? next_clone(r, chunk) : next_start(r, from, 1);
    return dfy_fail(r->message, DFY_ERROR_DAMAGED, "Frames %llu to %llu are lost: their part of the file is damaged.",
                    (unsigned long long)from, (unsigned long long)(r->position - 1));
}

/* Decodes the picture at the position. */
static int decode(Reader *r) {
    size_t chunk = chunk_of(r, r->position);
    int status = DFY_ERROR_DAMAGED;
    if (chunk < r->file.count && r->file.entries[chunk].type == DFY_CHUNK_SEGMENT)
        status = dfy_player_go(r->player, r->position);
    else if (chunk < r->file.count)
        status = go_to_source(r, chunk, r->position);
    return status == DFY_ERROR_DAMAGED ? skip_damage(r, chunk) : status;
}

static int reader_next(void *state, DfyPicture *picture) {
    Reader *r = state;
    r->shown = NULL;
    if (r->position >= r->frames) return DFY_END;
    int status = decode(r);
    if (status) return status;
    int clone = r->file.entries[r->chunk].type == DFY_CHUNK_CLONE;
    const DfyFrame *frame = dfy_player_frame(clone ? r->clones.player : r->player);
    *picture = (DfyPicture){.format = DFY_PIXELS_I420,
                            .width = r->stream.width,
                            .height = r->stream.height,
                            .matrix = r->stream.matrix,
                            .range = r->stream.range};
    for (int p = 0; p < 3; p++) {
        picture->plane[p] = frame->plane[p].pixels;
        picture->stride_bytes[p] = frame->plane[p].stride;
    }
    picture->pts = clone ? r->clones.pts[r->position - r->clones.head.first_frame] : dfy_player_pts(r->player);
    r->shown = frame;
    r->position++;
    return DFY_OK;
}

static int reader_seek(void *state, uint64_t frame) {
    Reader *r = state;
    r->shown = NULL;
    r->position = frame;
    return decode(r);
}

static uint64_t reader_position(const void *state) {
    return ((const Reader *)state)->position;
}

static int reader_origins(const void *state, DfyOrigins *origins) {
    const Reader *r = state;
    if (r->stream.lossless)
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
                        .is_clone = own->is_clone,
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
    dfy_player_free(r->player);
    dfy_player_free(r->clones.player);
    dfy_v2_reader_close(&r->file);
    dfy_buffer_free(&r->payload);
    dfy_buffer_free(&r->metadata);
    dfy_cycle_list_free(&r->cycles);
    free(r->clones.pts);
    free(r->clones.sources);
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
