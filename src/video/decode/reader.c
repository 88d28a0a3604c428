/* The version 2 file reader: finds what holds frames, plays them in order, tells what the file says of itself. */
#include <stdlib.h>
#include <string.h>

#include "base/format.h"
#include "base/numbers.h"
#include "base/picture.h"
#include "base/pool.h"
#include "container/sound.h"
#include "video/decode/ahead.h"
#include "video/decode/player.h"
#include "video/decode/times.h"
#include "video/syntax/clones.h"
#include "video/syntax/cycle_list.h"
#include "video/syntax/departure_list.h"
#include "video/syntax/episode_list.h"
#include "video/syntax/grain.h"
#include "video/syntax/orientation_list.h"

/* Noise that is put back at playback. */
typedef struct Noise {
    int wanted;
    size_t chunk;         /* that holds the pictures which `field` is for; 0: it is not ready */
    int any;              /* these have noise */
    DfyGrainField *field; /* there once it was needed */
    DfyPicture picture;   /* the one given last, with its noise */
} Noise;

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
    DfySoundReader sound;
    DfyStream stream;
    DfyPlayer *player;
    int threads; /* that it decodes on; clones, which are few, on one */
    Clones clones;
    Noise noise;
    DfyOrientationList orientations;
    DfyPicture turned; /* the picture given last, turned to where the camera looked at first */
    DfyBuffer payload, metadata;
    uint64_t frames; /* the end of the last chunk that holds any */
    uint64_t clone_frames;
    int told;           /* what read_facts reads was read */
    uint64_t others;    /* chunks that hold no frames, or none that are sound */
    int64_t last_ticks; /* that the last picture is shown; 0: not said */
    uint64_t position;
    size_t chunk;          /* where the position was found last */
    const DfyFrame *shown; /* the picture given last, NULL: none since the last seek or failure */
    int repeats;           /* it is the one before once more */
    uint8_t *repeated;     /* origins of such a picture; there once they were asked for */
    DfyCycleList cycles;
    DfyEpisodeList episodes;
    DfyDepartures departures;
    DfyTimes times;
} Reader;

static int out_of_memory(Reader *r) {
    return dfy_fail(r->message, DFY_ERROR_MEMORY, "There is not enough memory to decode this file.");
}

/* ---------------------------------------------------------------- opening */

static int is_timed(const Reader *r, const DfyV2Row *row) {
    return row->type == DFY_CHUNK_SEGMENT || (row->type == DFY_CHUNK_CLONE && r->stream.clones);
}

/* A walked file's rows know no frames: the head of each segment says them. */
static int fill_in_frames(Reader *r, size_t from) {
    for (size_t i = from; i < r->file.count; i++) {
        DfyV2Row *e = &r->file.rows[i];
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

/*
 * Segments and clones must come in order; what does not is treated as damaged, and other chunks hold no frames. Frames
 * may be missing between them only as far as what is lost there could have held them: a few bytes don't make a video of
 * a year.
 */
static void check_order(Reader *r, size_t from) {
    const uint64_t skipped = r->file.skipped_bytes / DFY_V2_OVERHEAD_BYTES; /* chunks that may have stood there */
    for (size_t i = from; i < r->file.count; i++) {
        DfyV2Row *e = &r->file.rows[i];
        if (!is_timed(r, e)) e->frames = 0;
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

/* Reads a chunk of one of the lists; what another chunk holds is none. */
static int read_list(Reader *r, size_t chunk) {
    int status = dfy_v2_read_chunk(&r->file, chunk, &r->payload, r->message);
    if (status) return status;
    DfyBytes bytes = dfy_bytes(r->payload.data, r->payload.size);
    switch (r->file.rows[chunk].type) {
    case DFY_CHUNK_CYCLES: return dfy_read_cycles(&bytes, r->frames, &r->cycles);
    case DFY_CHUNK_DEPARTURES:
        return dfy_read_departures(&bytes, r->frames, r->stream.width, r->stream.height, &r->departures);
    case DFY_CHUNK_EPISODES: return dfy_read_episodes(&bytes, r->frames, &r->episodes);
    default: return dfy_read_orientations(&bytes, r->frames, &r->orientations);
    }
}

static int is_list(unsigned type) {
    return type == DFY_CHUNK_CYCLES || type == DFY_CHUNK_DEPARTURES || type == DFY_CHUNK_EPISODES ||
           type == DFY_CHUNK_IMU;
}

/*
 * Cycles, departures, episodes and how the camera was turned are facts beside the pictures: a damaged list is left out,
 * and the rest of the file plays.
 */
static int read_lists(Reader *r) {
    DfyMessage message = *r->message;
    int status = DFY_OK;
    for (size_t i = 0; i < r->file.count && status != DFY_ERROR_MEMORY; i++)
        if (is_list(r->file.rows[i].type)) status = read_list(r, i);
    *r->message = message;
    return status == DFY_ERROR_MEMORY ? out_of_memory(r) : DFY_OK;
}

/* A damaged chunk is left out: the last picture then lasts as long as usual. */
static void read_last_ticks(Reader *r) {
    DfyMessage message;
    for (size_t i = 0; i < r->file.count; i++) {
        if (r->file.rows[i].type != DFY_CHUNK_LAST || dfy_v2_read_chunk(&r->file, i, &r->payload, &message)) continue;
        DfyBytes bytes = dfy_bytes(r->payload.data, r->payload.size);
        uint64_t ticks = dfy_read_varint(&bytes);
        r->last_ticks = bytes.overrun || ticks > INT64_MAX / 4 ? 0 : (int64_t)ticks;
    }
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
            const DfyV2Row *e = &r->file.rows[chunk];
            if (e->type == DFY_CHUNK_CLONE) clones += common(cycle->first, cycle->frames, e->first_frame, e->frames);
            if (e->frames && e->first_frame + e->frames > end) break; /* it reaches into the next cycle */
        }
        cycle->is_clone = clones * 2 > cycle->frames;
    }
}

static int sound_status(Reader *r, int status) {
    if (status == DFY_ERROR_MEMORY) return out_of_memory(r);
    if (status == DFY_ERROR_IO) return dfy_fail(r->message, status, "The file can't be read.");
    if (status == DFY_ERROR_DAMAGED) return dfy_fail(r->message, status, "Some of the file's sound is damaged.");
    return status;
}

/* What the file says beside its pictures. */
static int read_facts(Reader *r) {
    if (!r->file.complete && !(r->file.forward && !r->file.ended))
        dfy_fail(r->message, DFY_OK, "The file is incomplete: %llu frames can be played.",
                 (unsigned long long)r->frames);
    for (size_t i = 0; i < r->file.count && !r->metadata.size; i++) {
        if (r->file.rows[i].type != DFY_CHUNK_METADATA) continue;
        if (!dfy_v2_read_chunk(&r->file, i, &r->metadata, r->message))
            dfy_put_u8(&r->metadata, 0);
        else
            r->metadata.size = 0;
    }
    int status = r->sound.has_sound ? DFY_OK : sound_status(r, dfy_sound_reader_open(&r->sound, &r->file));
    if (status) return status;
    if (r->told || (r->file.forward && !r->file.ended)) return DFY_OK; /* the rest stands at the end */
    r->told = 1;
    read_last_ticks(r);
    status = read_lists(r);
    mark_clones(r);
    return status;
}

/* Takes in the next chunk of a stream that only goes forward, or learns that there is none. */
static int take_in(Reader *r) {
    int status = dfy_v2_reader_more(&r->file, r->message);
    if (status == DFY_END) return read_facts(r);
    if (!status) status = fill_in_frames(r, r->file.count - 1);
    if (!status) check_order(r, r->file.count - 1);
    return status;
}

static int reader_reach(void *state, uint64_t frame) {
    Reader *r = state;
    int status = DFY_OK;
    while (!status && r->frames <= frame && !r->file.ended) status = take_in(r);
    return status;
}

static uint64_t bytes_with(const Reader *r, int players, int threads) {
    return dfy_player_bytes(&r->stream, threads) + (uint64_t)(players - 1) * dfy_player_bytes(&r->stream, 1);
}

/* As many threads as the settings say and the memory limit lets have pictures of their own. */
static int most_threads(const Reader *r, int players) {
    int threads = r->settings.threads ? r->settings.threads : dfy_processors();
    threads = dfy_min(threads, DFY_AHEAD_THREADS);
    while (threads > 1 && bytes_with(r, players, threads) > r->settings.memory_limit_bytes) threads--;
    return threads;
}

static int open_file(Reader *r, const DfyInput *input, const DfyDecoderSettings *settings, DfyMessage *message) {
    int status = dfy_v2_reader_open(&r->file, input, message);
    if (!status && r->file.rows[0].type != DFY_CHUNK_STREAM)
        status = dfy_fail(message, DFY_ERROR_FORMAT, "The file doesn't begin with a STREAM chunk: it can't be played.");
    if (!status) status = dfy_v2_read_chunk(&r->file, 0, &r->payload, message);
    if (!status) {
        DfyBytes bytes = dfy_bytes(r->payload.data, r->payload.size);
        status = dfy_read_stream(&bytes, &r->stream, message);
    }
    if (!status && !r->file.complete) status = fill_in_frames(r, 0);
    if (status) return status;
    check_order(r, 0);
    int players = r->clone_frames || (r->file.forward && r->stream.clones) ? 2 : 1;
    r->threads = most_threads(r, players);
    if (bytes_with(r, players, r->threads) > settings->memory_limit_bytes)
        return dfy_fail(
            message, DFY_ERROR_MEMORY,
            "Pictures of %d x %d pixels need more than the memory limit of %llu MiB: raise it to open this file.",
            r->stream.width, r->stream.height, (unsigned long long)(settings->memory_limit_bytes >> 20));
    r->player = dfy_player_new(&r->file, &r->stream, message);
    if (!r->player) return out_of_memory(r);
    dfy_player_use_threads(r->player, r->threads, settings->threads > 1);
    if (r->file.forward) {
        uint64_t limit = settings->memory_limit_bytes / 4;
        if (limit < r->file.forward->limit) r->file.forward->limit = limit;
        status = reader_reach(r, 0);
    }
    return status ? status : read_facts(r);
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
                      .access_pictures = s->access,
                      .episodes = r->episodes.count,
                      .mode = s->mode,
                      .matrix = s->matrix,
                      .range = s->range,
                      .bit_depth = DFY_BIT_DEPTH,
                      .chroma_format = DFY_CHROMA_420,
                      .primaries = s->primaries,
                      .transfer = s->transfer,
                      .sample_aspect_num = s->sample_aspect_num,
                      .sample_aspect_den = s->sample_aspect_den,
                      .orientation = s->orientation,
                      .start_unix_us = s->start_unix_us,
                      .last_frame_ticks = r->last_ticks,
                      .native_format = DFY_PIXELS_I420,
                      .chunks = (uint32_t)r->file.count,
                      .cycles = r->cycles.count,
                      .canonicals = r->cycles.canonicals,
                      .clone_frames = r->clone_frames,
                      .imu_samples = r->orientations.count,
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
    const DfyV2Row *e = &r->file.rows[chunk];
    Clones *c = &r->clones;
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
    const DfyV2Row *e = r->file.rows;
    size_t i = r->chunk;
    if (i >= r->file.count || !dfy_holds_frames(&e[i]) || e[i].first_frame > frame) i = 0;
    while (i < r->file.count && (!dfy_holds_frames(&e[i]) || e[i].first_frame + e[i].frames <= frame)) i++;
    if (i < r->file.count && e[i].first_frame <= frame) return r->chunk = i;
    return r->file.count;
}

/* The first frame behind `from` that can be decoded, or may be: a clone's, a random access point, or a whole one. */
static uint64_t next_whole(const Reader *r, uint64_t from) {
    for (size_t i = 0; i < r->file.count; i++) {
        const DfyV2Row *e = &r->file.rows[i];
        if (!dfy_holds_frames(e) || e->first_frame + e->frames <= from + 1) continue;
        uint64_t first = e->first_frame > from ? e->first_frame : from + 1, end = e->first_frame + e->frames;
        if (e->first_frame > from && (e->type == DFY_CHUNK_CLONE || e->flags & DFY_CHUNK_ACCESS_POINT)) return first;
        for (uint64_t f = first; f < end && e->type == DFY_CHUNK_SEGMENT; f++)
            if (dfy_player_is_whole(r->player, f)) return f;
    }
    return r->frames;
}

/* Of a stretch of clones is lost what shows lost frames, or all when it is damaged itself. */
static uint64_t next_clone(const Reader *r, size_t chunk) {
    const DfyV2Row *e = &r->file.rows[chunk];
    const Clones *c = &r->clones;
    if (c->chunk != chunk) return e->first_frame + e->frames;
    uint64_t i = r->position - e->first_frame + 1;
    while (i < e->frames && !dfy_player_is_whole(c->player, c->sources[i])) i++;
    return e->first_frame + i;
}

/* Steps over what can't be played; chunk is where the position is, file.count in a hole. */
static int skip_damage(Reader *r, size_t chunk) {
    uint64_t from = r->position;
    int clone = chunk < r->file.count && r->file.rows[chunk].type == DFY_CHUNK_CLONE;
    r->position = clone ? next_clone(r, chunk) : next_whole(r, from);
    return dfy_fail(r->message, DFY_ERROR_DAMAGED, "Frames %llu to %llu are lost: their part of the file is damaged.",
                    (unsigned long long)from, (unsigned long long)(r->position - 1));
}

/* Decodes the picture at the position. */
static int decode(Reader *r) {
    size_t chunk = chunk_of(r, r->position);
    int status = DFY_ERROR_DAMAGED;
    if (chunk < r->file.count && r->file.rows[chunk].type == DFY_CHUNK_SEGMENT)
        status = dfy_player_go(r->player, r->position);
    else if (chunk < r->file.count)
        status = go_to_source(r, chunk, r->position);
    return status == DFY_ERROR_DAMAGED ? skip_damage(r, chunk) : status;
}

/* The GRAIN chunk in force for what a chunk holds; 0: none. */
static size_t grain_of(const Reader *r, size_t chunk) {
    while (chunk && r->file.rows[chunk].type != DFY_CHUNK_GRAIN) chunk--;
    return chunk;
}

/* Makes the noise of a chunk's pictures ready; a damaged GRAIN chunk is as none. */
static int prepare_noise(Reader *r, size_t chunk) {
    Noise *n = &r->noise;
    DfyMessage message;
    DfyGrain grain = {0};
    size_t told = grain_of(r, chunk);
    n->chunk = 0;
    if (told) {
        int status = dfy_v2_read_chunk(&r->file, told, &r->payload, &message);
        if (status && status != DFY_ERROR_DAMAGED) return status == DFY_ERROR_MEMORY ? out_of_memory(r) : status;
        DfyBytes bytes = dfy_bytes(r->payload.data, r->payload.size);
        if (!status) dfy_read_grain(&bytes, &grain);
    }
    n->any = !dfy_grain_is_none(&grain);
    if (!n->any) {
        n->chunk = chunk;
        return DFY_OK;
    }
    int begun = n->field != NULL;
    if (!begun && !(n->field = malloc(sizeof *n->field))) return out_of_memory(r);
    if (!n->picture.plane[0] && dfy_picture_alloc(&n->picture, DFY_PIXELS_I420, r->stream.width, r->stream.height))
        return out_of_memory(r);
    if (!begun || memcmp(&n->field->grain, &grain, sizeof grain)) dfy_grain_prepare(n->field, &grain);
    n->chunk = chunk;
    return DFY_OK;
}

/* Puts noise on the picture at the position, in a copy. */
static int add_noise(Reader *r, DfyPicture *picture) {
    Noise *n = &r->noise;
    int status = n->chunk == r->chunk ? DFY_OK : prepare_noise(r, r->chunk);
    if (status || !n->any) return status;
    dfy_picture_copy(&n->picture, picture);
    dfy_grain_add(n->field, &n->picture, r->position);
    *picture = n->picture;
    return DFY_OK;
}

static void reader_set_grain(void *state, int on) {
    Reader *r = state;
    r->noise.wanted = on != 0;
}

/* Turns a picture, in a copy, to where the camera looked when its samples began. */
static int turn(Reader *r, DfyPicture *picture) {
    double camera[9], homography[9];
    if (!r->turned.plane[0] && dfy_picture_alloc(&r->turned, DFY_PIXELS_I420, r->stream.width, r->stream.height))
        return out_of_memory(r);
    if (dfy_camera_matrix(camera, r->orientations.camera, r->stream.width, r->stream.height)) return DFY_OK;
    DfyQuaternion q = dfy_quaternion_of(&r->orientations.at[r->position]);
    dfy_imu_homography(homography, camera, q, dfy_quaternion_identity(), 0);
    dfy_imu_warp(&r->turned, picture, homography, 1);
    r->turned.matrix = picture->matrix;
    r->turned.range = picture->range;
    *picture = r->turned;
    return DFY_OK;
}

static int reader_next(void *state, DfyPicture *picture) {
    Reader *r = state;
    r->shown = NULL;
    int status = r->file.forward ? reader_reach(r, r->position) : DFY_OK;
    if (status) return status;
    if (r->position >= r->frames) return DFY_END;
    status = decode(r);
    if (status) return status;
    int clone = r->file.rows[r->chunk].type == DFY_CHUNK_CLONE;
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
    if (r->settings.unwarp && r->position < r->orientations.count && (status = turn(r, picture))) return status;
    if (r->noise.wanted && (status = add_noise(r, picture))) return status;
    r->shown = frame;
    r->repeats = !clone && dfy_player_repeats(r->player);
    r->position++;
    return DFY_OK;
}

static int reader_seek(void *state, uint64_t frame) {
    Reader *r = state;
    r->shown = NULL;
    r->position = frame;
    return decode(r);
}

static int reader_approach(void *state, uint64_t frame) {
    Reader *r = state;
    DfyMessage message = *r->message;
    size_t chunk = chunk_of(r, frame);
    DfyPlayer *player = r->player;
    uint64_t number = frame;
    r->shown = NULL;
    if (chunk == r->file.count) return DFY_END;
    if (r->file.rows[chunk].type == DFY_CHUNK_CLONE) {
        int status = load_clones(r, chunk);
        *r->message = message;
        if (status || !(player = r->clones.player)) return DFY_END;
        number = r->clones.sources[frame - r->clones.head.first_frame];
    }
    return dfy_player_approach(player, number);
}

static uint64_t reader_position(const void *state) {
    return ((const Reader *)state)->position;
}

static int reader_time(void *state, uint64_t frame, int64_t *pts) {
    Reader *r = state;
    size_t chunk = chunk_of(r, frame);
    int status = DFY_ERROR_DAMAGED;
    if (chunk < r->file.count) status = dfy_times_of(&r->times, &r->file, &r->stream, chunk, frame, pts, r->message);
    if (status != DFY_ERROR_DAMAGED) return status;
    return dfy_fail(r->message, status, "The time of frame %llu is lost: its part of the file is damaged.",
                    (unsigned long long)frame);
}

static int reader_origins(void *state, DfyOrigins *origins) {
    Reader *r = state;
    if (r->stream.lossless)
        return dfy_fail(r->message, DFY_ERROR_UNSUPPORTED,
                        "Lossless pictures are predicted pixel by pixel, so their blocks have no origins.");
    if (!r->shown) return dfy_fail(r->message, DFY_ERROR_ARGUMENT, "No picture has been decoded yet.");
    *origins = (DfyOrigins){
        .columns = r->shown->motion_stride, .rows = r->shown->plane[0].height / 8, .cells = r->shown->origins};
    if (!r->repeats) return DFY_OK;
    size_t cells = (size_t)origins->columns * (size_t)origins->rows;
    if (!r->repeated && !(r->repeated = malloc(cells))) return out_of_memory(r);
    memset(r->repeated, DFY_ORIGIN_EARLIER | DFY_ORIGIN_SKIPPED, cells);
    origins->cells = r->repeated;
    return DFY_OK;
}

static int reader_tiles(void *state, DfyTiles *tiles) {
    Reader *r = state;
    if (r->stream.lossless)
        return dfy_fail(r->message, DFY_ERROR_UNSUPPORTED, "Lossless pictures have no tile identities.");
    if (!r->shown) return dfy_fail(r->message, DFY_ERROR_ARGUMENT, "No picture has been decoded yet.");
    if ((r->noise.wanted && r->noise.any) || (r->settings.unwarp && r->orientations.count))
        return dfy_fail(r->message, DFY_ERROR_UNSUPPORTED,
                        "Pictures with added noise or stabilisation have no tile identities.");
    *tiles = (DfyTiles){.columns = r->shown->tile_columns, .rows = r->shown->tile_rows, .identities = r->shown->tiles};
    return DFY_OK;
}

/* ---------------------------------------------------------------- facts */

static int reader_chunk(const void *state, uint32_t index, DfyChunk *chunk) {
    const Reader *r = state;
    if (index >= r->file.count) return DFY_ERROR_ARGUMENT;
    const DfyV2Row *e = &r->file.rows[index];
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

static int reader_departure(const void *state, uint32_t index, DfyDeparture *departure) {
    const Reader *r = state;
    if (index >= r->departures.count) return DFY_ERROR_ARGUMENT;
    const DfyLoggedDeparture *own = &r->departures.at[index];
    double rate = (double)r->stream.frame_rate_num / r->stream.frame_rate_den;
    *departure = (DfyDeparture){.first_frame = own->first,
                                .frames = own->frames,
                                .start_seconds = (double)own->first / rate,
                                .seconds = (double)own->frames / rate,
                                .is_slow = own->is_slow,
                                .left = own->left,
                                .top = own->top,
                                .right = own->right,
                                .bottom = own->bottom,
                                .size = own->size};
    return DFY_OK;
}

static const char *reader_metadata(const void *state) {
    const Reader *r = state;
    return r->metadata.size ? (const char *)r->metadata.data : "{}";
}

/* Whether a chunk's own head says the frames that the index does. */
static int agrees(const Reader *r, const DfyV2Row *e, const DfyBuffer *payload) {
    DfyBytes bytes = dfy_bytes(payload->data, payload->size);
    DfySegment head;
    if (!is_timed(r, e)) return 1;
    return !dfy_read_segment(&bytes, &head) && head.first_frame == e->first_frame && head.frames == e->frames;
}

/* ---------------------------------------------------------------- sound */

static int reader_sound(const void *state, DfySound *sound) {
    const Reader *r = state;
    *sound = r->sound.sound;
    return r->sound.has_sound ? DFY_OK : DFY_END;
}

static int reader_seek_sound(void *state, int64_t ticks) {
    Reader *r = state;
    return sound_status(r, dfy_sound_reader_seek(&r->sound, &r->file, ticks));
}

static int reader_episode(const void *state, uint32_t index, DfyEpisode *episode) {
    const Reader *r = state;
    if (index >= r->episodes.count) return DFY_ERROR_ARGUMENT;
    const DfyListedEpisode *e = &r->episodes.episode[index];
    *episode = (DfyEpisode){.name = e->name, .first_frame = e->first, .frames = e->frames};
    return DFY_OK;
}

static int reader_imu(const void *state, uint64_t frame, double quaternion[4]) {
    const Reader *r = state;
    if (frame >= r->orientations.count) return DFY_ERROR_ARGUMENT;
    DfyQuaternion q = dfy_quaternion_of(&r->orientations.at[frame]);
    quaternion[0] = q.x;
    quaternion[1] = q.y;
    quaternion[2] = q.z;
    quaternion[3] = q.w;
    return DFY_OK;
}

static int reader_next_sound(void *state, DfySoundPacket *packet) {
    Reader *r = state;
    int status = dfy_sound_reader_next(&r->sound, &r->file, packet);
    while (status == DFY_END && r->file.forward && !r->file.ended) {
        if ((status = take_in(r))) return status;
        status = dfy_sound_reader_next(&r->sound, &r->file, packet);
    }
    return sound_status(r, status);
}

static int reader_verify(void *state) {
    Reader *r = state;
    if (r->file.forward)
        return dfy_fail(r->message, DFY_ERROR_UNSUPPORTED,
                        "A stream that only goes forward can't be verified: save it as a file first.");
    DfyBuffer payload = {0};
    DfyMessage first;
    int result = DFY_OK, bad = 0;
    for (size_t i = 0; i < r->file.count; i++) {
        int status = dfy_v2_read_chunk(&r->file, i, &payload, r->message);
        if (!status && (r->file.rows[i].damaged || !agrees(r, &r->file.rows[i], &payload))) {
            r->file.rows[i].damaged = 1;
            status =
                dfy_fail(r->message, DFY_ERROR_DAMAGED,
                         "The chunk at byte %llu has different frames from those in the index: decode what is intact.",
                         (unsigned long long)r->file.rows[i].offset_bytes);
        }
        if (!status && r->file.rows[i].mended) {
            r->file.rows[i].damaged = 1;
            status =
                dfy_fail(r->message, DFY_ERROR_DAMAGED,
                         "One bit of the %s chunk at byte %llu is wrong: it plays all the same, but copy what is "
                         "going bad.",
                         dfy_v2_chunk_name(r->file.rows[i].type), (unsigned long long)r->file.rows[i].offset_bytes);
        }
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
                          "%llu bytes of the file belong to no chunk: part of it was overwritten or cut off.",
                          (unsigned long long)r->file.skipped_bytes);
    else if (!r->file.complete)
        result = dfy_fail(r->message, DFY_ERROR_DAMAGED,
                          "The file is intact, but its end is missing: %llu frames can be played.",
                          (unsigned long long)r->frames);
    return result;
}

static void reader_close(void *state) {
    Reader *r = state;
    free(r->repeated);
    dfy_player_free(r->player);
    dfy_player_free(r->clones.player);
    dfy_sound_reader_close(&r->sound);
    dfy_v2_reader_close(&r->file);
    dfy_buffer_free(&r->payload);
    dfy_buffer_free(&r->metadata);
    dfy_cycle_list_free(&r->cycles);
    dfy_episode_list_free(&r->episodes);
    dfy_departures_free(&r->departures);
    dfy_times_free(&r->times);
    dfy_picture_free(&r->noise.picture);
    dfy_picture_free(&r->turned);
    dfy_orientation_list_free(&r->orientations);
    free(r->noise.field);
    free(r->clones.pts);
    free(r->clones.sources);
    free(r);
}

const DfyFormatReader dfy_v2_reader = {.magic = {'D', 'F', 'Y', 2},
                                       .open = reader_open,
                                       .info = reader_info,
                                       .next = reader_next,
                                       .seek = reader_seek,
                                       .approach = reader_approach,
                                       .position = reader_position,
                                       .reach = reader_reach,
                                       .time = reader_time,
                                       .origins = reader_origins,
                                       .tiles = reader_tiles,
                                       .set_grain = reader_set_grain,
                                       .imu = reader_imu,
                                       .chunk = reader_chunk,
                                       .cycle = reader_cycle,
                                       .episode = reader_episode,
                                       .departure = reader_departure,
                                       .metadata = reader_metadata,
                                       .sound = reader_sound,
                                       .seek_sound = reader_seek_sound,
                                       .next_sound = reader_next_sound,
                                       .verify = reader_verify,
                                       .close = reader_close};
