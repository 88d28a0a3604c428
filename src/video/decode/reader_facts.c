/* What a file says of itself beside its pictures: read once its end is known, told by index. */
#include "base/status.h"
#include "video/decode/reader_parts.h"

/* ---------------------------------------------------------------- reading */

/* Reads a chunk of one of the lists; what another chunk holds is none. */
static int read_list(DfyReader *r, size_t chunk) {
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
static int read_lists(DfyReader *r) {
    DfyMessage message = *r->message;
    int status = DFY_OK;
    for (size_t i = 0; i < r->file.count && status != DFY_ERROR_MEMORY; i++)
        if (is_list(r->file.rows[i].type)) status = read_list(r, i);
    *r->message = message;
    return status == DFY_ERROR_MEMORY ? dfy_reader_no_memory(r) : DFY_OK;
}

/* A damaged chunk is left out: the last picture then lasts as long as usual. */
static void read_last_ticks(DfyReader *r) {
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
static void mark_clones(DfyReader *r) {
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

/* What the file says beside its pictures. */
int dfy_reader_read_facts(DfyReader *r) {
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
    int status = r->sound.has_sound ? DFY_OK : dfy_reader_sound_status(r, dfy_sound_reader_open(&r->sound, &r->file));
    if (status) return status;
    if (r->told || (r->file.forward && !r->file.ended)) return DFY_OK; /* the rest stands at the end */
    r->told = 1;
    read_last_ticks(r);
    status = read_lists(r);
    mark_clones(r);
    return status;
}

/* ---------------------------------------------------------------- telling */

void dfy_reader_info(const void *state, DfyInfo *info) {
    const DfyReader *r = state;
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

int dfy_reader_chunk(const void *state, uint32_t index, DfyChunk *chunk) {
    const DfyReader *r = state;
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

int dfy_reader_cycle(const void *state, uint32_t index, DfyCycle *cycle) {
    const DfyReader *r = state;
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

int dfy_reader_departure(const void *state, uint32_t index, DfyDeparture *departure) {
    const DfyReader *r = state;
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

const char *dfy_reader_metadata(const void *state) {
    const DfyReader *r = state;
    return r->metadata.size ? (const char *)r->metadata.data : "{}";
}

int dfy_reader_episode(const void *state, uint32_t index, DfyEpisode *episode) {
    const DfyReader *r = state;
    if (index >= r->episodes.count) return DFY_ERROR_ARGUMENT;
    const DfyListedEpisode *e = &r->episodes.episode[index];
    *episode = (DfyEpisode){.name = e->name, .first_frame = e->first, .frames = e->frames};
    return DFY_OK;
}

int dfy_reader_imu(const void *state, uint64_t frame, double quaternion[4]) {
    const DfyReader *r = state;
    if (frame >= r->orientations.count) return DFY_ERROR_ARGUMENT;
    DfyQuaternion q = dfy_quaternion_of(&r->orientations.at[frame]);
    quaternion[0] = q.x;
    quaternion[1] = q.y;
    quaternion[2] = q.z;
    quaternion[3] = q.w;
    return DFY_OK;
}
