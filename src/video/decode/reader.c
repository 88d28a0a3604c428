/* The version 2 file reader: finds what holds frames, plays them in order. */
#include <stdlib.h>
#include <string.h>

#include "base/format.h"
#include "base/numbers.h"
#include "base/pool.h"
#include "video/decode/ahead.h"
#include "video/decode/reader_parts.h"

int dfy_reader_no_memory(DfyReader *r) {
    return dfy_fail(r->message, DFY_ERROR_MEMORY, "There is not enough memory to decode this file.");
}

int dfy_reader_sound_status(DfyReader *r, int status) {
    if (status == DFY_ERROR_MEMORY) return dfy_reader_no_memory(r);
    if (status == DFY_ERROR_IO) return dfy_fail(r->message, status, "The file can't be read.");
    if (status == DFY_ERROR_DAMAGED) return dfy_fail(r->message, status, "Some of the file's sound is damaged.");
    return status;
}

/* ---------------------------------------------------------------- opening */

/* Takes in the next chunk of a stream that only goes forward, or learns that there is none. */
static int take_in(DfyReader *r) {
    int status = dfy_v2_reader_more(&r->file, r->message);
    if (status == DFY_END) return dfy_reader_read_facts(r);
    if (!status) status = dfy_reader_fill_in_frames(r, r->file.count - 1);
    if (!status) dfy_reader_check_order(r, r->file.count - 1);
    return status;
}

static int reader_reach(void *state, uint64_t frame) {
    DfyReader *r = state;
    int status = DFY_OK;
    while (!status && r->frames <= frame && !r->file.ended) status = take_in(r);
    return status;
}

static uint64_t bytes_with(const DfyReader *r, int players, int threads) {
    return dfy_player_bytes(&r->stream, threads) + (uint64_t)(players - 1) * dfy_player_bytes(&r->stream, 1);
}

/* As many threads as the settings say and the memory limit lets have pictures of their own. */
static int most_threads(const DfyReader *r, int players) {
    int threads = r->settings.threads ? r->settings.threads : dfy_processors();
    threads = dfy_min(threads, DFY_AHEAD_THREADS);
    while (threads > 1 && bytes_with(r, players, threads) > r->settings.memory_limit_bytes) threads--;
    return threads;
}

static int open_file(DfyReader *r, const DfyInput *input, const DfyDecoderSettings *settings, DfyMessage *message) {
    int status = dfy_v2_reader_open(&r->file, input, message);
    if (!status && r->file.rows[0].type != DFY_CHUNK_STREAM)
        status = dfy_fail(message, DFY_ERROR_FORMAT, "The file doesn't begin with a STREAM chunk: it can't be played.");
    if (!status) status = dfy_v2_read_chunk(&r->file, 0, &r->payload, message);
    if (!status) {
        DfyBytes bytes = dfy_bytes(r->payload.data, r->payload.size);
        status = dfy_read_stream(&bytes, &r->stream, message);
    }
    if (!status && !r->file.complete) status = dfy_reader_fill_in_frames(r, 0);
    if (status) return status;
    dfy_reader_check_order(r, 0);
    int players = r->clone_frames || (r->file.forward && r->stream.clones) ? 2 : 1;
    r->threads = most_threads(r, players);
    if (bytes_with(r, players, r->threads) > settings->memory_limit_bytes)
        return dfy_fail(
            message, DFY_ERROR_MEMORY,
            "Pictures of %d x %d pixels need more than the memory limit of %llu MiB: raise it to open this file.",
            r->stream.width, r->stream.height, (unsigned long long)(settings->memory_limit_bytes >> 20));
    r->player = dfy_player_new(&r->file, &r->stream, message);
    if (!r->player) return dfy_reader_no_memory(r);
    dfy_player_use_threads(r->player, r->threads, settings->threads > 1);
    if (r->file.forward) {
        uint64_t limit = settings->memory_limit_bytes / 4;
        if (limit < r->file.forward->limit) r->file.forward->limit = limit;
        status = reader_reach(r, 0);
    }
    return status ? status : dfy_reader_read_facts(r);
}

static int reader_open(void **state, const DfyInput *input, const DfyDecoderSettings *settings, DfyMessage *message) {
    DfyReader *r = calloc(1, sizeof *r);
    if (!(*state = r)) return DFY_ERROR_MEMORY;
    r->message = message;
    r->settings = *settings;
    int status = open_file(r, input, settings, message);
    if (status) r->frames = 0; /* what did not open can't be played */
    return status;
}

/* ---------------------------------------------------------------- playing */

/* The first frame behind `from` that can be decoded, or may be: a clone's, a random access point, or a whole one. */
static uint64_t next_whole(const DfyReader *r, uint64_t from) {
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
static uint64_t next_clone(const DfyReader *r, size_t chunk) {
    const DfyV2Row *e = &r->file.rows[chunk];
    const DfyReaderClones *c = &r->clones;
    if (c->chunk != chunk) return e->first_frame + e->frames;
    uint64_t i = r->position - e->first_frame + 1;
    while (i < e->frames && !dfy_player_is_whole(c->player, c->sources[i])) i++;
    return e->first_frame + i;
}

/* Steps over what can't be played; chunk is where the position is, file.count in a hole. */
static int skip_damage(DfyReader *r, size_t chunk) {
    uint64_t from = r->position;
    int clone = chunk < r->file.count && r->file.rows[chunk].type == DFY_CHUNK_CLONE;
    r->position = clone ? next_clone(r, chunk) : next_whole(r, from);
    return dfy_fail(r->message, DFY_ERROR_DAMAGED, "Frames %llu to %llu are lost: their part of the file is damaged.",
                    (unsigned long long)from, (unsigned long long)(r->position - 1));
}

/* Decodes the picture at the position. */
static int decode(DfyReader *r) {
    size_t chunk = dfy_reader_chunk_of(r, r->position);
    int status = DFY_ERROR_DAMAGED;
    if (chunk < r->file.count && r->file.rows[chunk].type == DFY_CHUNK_SEGMENT)
        status = dfy_player_go(r->player, r->position);
    else if (chunk < r->file.count)
        status = dfy_reader_go_to_source(r, chunk, r->position);
    return status == DFY_ERROR_DAMAGED ? skip_damage(r, chunk) : status;
}

static void reader_set_grain(void *state, int on) {
    DfyReader *r = state;
    r->noise.wanted = on != 0;
}

static int reader_next(void *state, DfyPicture *picture) {
    DfyReader *r = state;
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
    if (r->settings.unwarp && r->position < r->orientations.count && (status = dfy_reader_turn(r, picture)))
        return status;
    if (r->noise.wanted && (status = dfy_reader_add_noise(r, picture))) return status;
    r->shown = frame;
    r->repeats = !clone && dfy_player_repeats(r->player);
    r->position++;
    return DFY_OK;
}

static int reader_seek(void *state, uint64_t frame) {
    DfyReader *r = state;
    r->shown = NULL;
    r->position = frame;
    return decode(r);
}

static int reader_approach(void *state, uint64_t frame) {
    DfyReader *r = state;
    DfyMessage message = *r->message;
    size_t chunk = dfy_reader_chunk_of(r, frame);
    DfyPlayer *player = r->player;
    uint64_t number = frame;
    r->shown = NULL;
    if (chunk == r->file.count) return DFY_END;
    if (r->file.rows[chunk].type == DFY_CHUNK_CLONE) {
        int status = dfy_reader_load_clones(r, chunk);
        *r->message = message;
        if (status || !(player = r->clones.player)) return DFY_END;
        number = r->clones.sources[frame - r->clones.head.first_frame];
    }
    return dfy_player_approach(player, number);
}

static uint64_t reader_position(const void *state) {
    return ((const DfyReader *)state)->position;
}

static int reader_time(void *state, uint64_t frame, int64_t *pts) {
    DfyReader *r = state;
    size_t chunk = dfy_reader_chunk_of(r, frame);
    int status = DFY_ERROR_DAMAGED;
    if (chunk < r->file.count) status = dfy_times_of(&r->times, &r->file, &r->stream, chunk, frame, pts, r->message);
    if (status != DFY_ERROR_DAMAGED) return status;
    return dfy_fail(r->message, status, "The time of frame %llu is lost: its part of the file is damaged.",
                    (unsigned long long)frame);
}

static int reader_origins(void *state, DfyOrigins *origins) {
    DfyReader *r = state;
    if (r->stream.lossless)
        return dfy_fail(r->message, DFY_ERROR_UNSUPPORTED,
                        "Lossless pictures are predicted pixel by pixel, so their blocks have no origins.");
    if (!r->shown) return dfy_fail(r->message, DFY_ERROR_ARGUMENT, "No picture has been decoded yet.");
    *origins = (DfyOrigins){
        .columns = r->shown->motion_stride, .rows = r->shown->plane[0].height / 8, .cells = r->shown->origins};
    if (!r->repeats) return DFY_OK;
    size_t cells = (size_t)origins->columns * (size_t)origins->rows;
    if (!r->repeated && !(r->repeated = malloc(cells))) return dfy_reader_no_memory(r);
    memset(r->repeated, DFY_ORIGIN_EARLIER | DFY_ORIGIN_SKIPPED, cells);
    origins->cells = r->repeated;
    return DFY_OK;
}

static int reader_tiles(void *state, DfyTiles *tiles) {
    DfyReader *r = state;
    if (r->stream.lossless)
        return dfy_fail(r->message, DFY_ERROR_UNSUPPORTED, "Lossless pictures have no tile identities.");
    if (!r->shown) return dfy_fail(r->message, DFY_ERROR_ARGUMENT, "No picture has been decoded yet.");
    if ((r->noise.wanted && r->noise.any) || (r->settings.unwarp && r->orientations.count))
        return dfy_fail(r->message, DFY_ERROR_UNSUPPORTED,
                        "Pictures with added noise or stabilisation have no tile identities.");
    *tiles = (DfyTiles){.columns = r->shown->tile_columns, .rows = r->shown->tile_rows, .identities = r->shown->tiles};
    return DFY_OK;
}

/* ---------------------------------------------------------------- sound */

static int reader_sound(const void *state, DfySound *sound) {
    const DfyReader *r = state;
    *sound = r->sound.sound;
    return r->sound.has_sound ? DFY_OK : DFY_END;
}

static int reader_seek_sound(void *state, int64_t ticks) {
    DfyReader *r = state;
    return dfy_reader_sound_status(r, dfy_sound_reader_seek(&r->sound, &r->file, ticks));
}

static int reader_next_sound(void *state, DfySoundPacket *packet) {
    DfyReader *r = state;
    int status = dfy_sound_reader_next(&r->sound, &r->file, packet);
    while (status == DFY_END && r->file.forward && !r->file.ended) {
        if ((status = take_in(r))) return status;
        status = dfy_sound_reader_next(&r->sound, &r->file, packet);
    }
    return dfy_reader_sound_status(r, status);
}

/* ---------------------------------------------------------------- the end */

static void reader_close(void *state) {
    DfyReader *r = state;
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
                                       .info = dfy_reader_info,
                                       .next = reader_next,
                                       .seek = reader_seek,
                                       .approach = reader_approach,
                                       .position = reader_position,
                                       .reach = reader_reach,
                                       .time = reader_time,
                                       .origins = reader_origins,
                                       .tiles = reader_tiles,
                                       .set_grain = reader_set_grain,
                                       .imu = dfy_reader_imu,
                                       .chunk = dfy_reader_chunk,
                                       .cycle = dfy_reader_cycle,
                                       .episode = dfy_reader_episode,
                                       .departure = dfy_reader_departure,
                                       .metadata = dfy_reader_metadata,
                                       .sound = reader_sound,
                                       .seek_sound = reader_seek_sound,
                                       .next_sound = reader_next_sound,
                                       .verify = dfy_reader_verify,
                                       .close = reader_close};
