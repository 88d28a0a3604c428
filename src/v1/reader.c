/* Version 1, reading: the table that api.c calls. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/picture.h"
#include "v1/reader.h"

static void v1_close(void *state) {
    DfyV1Reader *reader = state;
    dfy_v1_pictures_close(reader);
    dfy_v1_index_free(reader);
    free(reader);
}

static int open_unwarp(DfyV1Reader *reader) {
    reader->unwarp = reader->unwarp && reader->imu_samples;
    if (!reader->unwarp) return DFY_OK;
    const DfyV1Header *header = &reader->chunks.header;
    if (dfy_camera_matrix(reader->camera, reader->metadata.camera_matrix, header->width, header->height))
        return dfy_fail(reader->message, DFY_ERROR_FORMAT, "The file's camera matrix can't be inverted.");
    if (dfy_picture_alloc(&reader->unwarped, DFY_PIXELS_RGB, header->width, header->height))
        return dfy_fail(reader->message, DFY_ERROR_MEMORY, "There is no memory for a decoded picture.");
    return DFY_OK;
}

static int v1_open(void **state, const DfyInput *input, const DfyDecoderSettings *settings, DfyMessage *message) {
    DfyV1Reader *reader = calloc(1, sizeof *reader);
    if (!reader) return dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for a decoder.");
    reader->input = *input;
    reader->message = message;
    reader->memory_limit_bytes = settings->memory_limit_bytes;
    reader->unwarp = settings->unwarp;
    int status = dfy_v1_index(reader);
    if (!status) status = open_unwarp(reader);
    if (!status) status = dfy_v1_pictures_open(reader);
    if (status) {
        v1_close(reader);
        return status;
    }
    *state = reader;
    return DFY_OK;
}

/* ---------------------------------------------------------------- facts */

/* The header's float as a fraction: the television rates exactly, others to a thousandth. */
static void frame_rate(const DfyV1Reader *reader, int *num, int *den) {
    float fps = reader->chunks.header.fps;
    *num = 30;
    *den = 1;
    if (!isfinite(fps) || fps < 0.001f || fps > 100000.0f) return;
    double rounded = floor(fps + 0.5);
    if (fabs(fps - rounded * 1000 / 1001) < 1e-4 && fabs(fps - rounded) > 1e-4) {
        *num = (int)rounded * 1000;
        *den = 1001;
        return;
    }
    int a = (int)floor(fps * 1000.0 + 0.5), b = 1000;
    int x = a, y = b;
    while (y) {
        int rest = x % y;
        x = y;
        y = rest;
    }
    *num = a / x;
    *den = b / x;
}

/* Canonical cycles; a cycle that was stored in parts counts once where the metadata tells. */
static uint32_t canonicals_of(const DfyV1Reader *reader) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < reader->metadata.cycles; i++)
        count += reader->metadata.cycle[i].kind == DFY_V1_KIND_CANONICAL;
    return reader->metadata.cycles ? count : reader->canonicals;
}

static void v1_info(const void *state, DfyInfo *info) {
    const DfyV1Reader *reader = state;
    info->format = 1;
    info->width = reader->chunks.header.width;
    info->height = reader->chunks.header.height;
    info->frames = reader->frames;
    info->frames_stated = reader->chunks.header.total_frames;
    frame_rate(reader, &info->frame_rate_num, &info->frame_rate_den);
    info->time_base_num = info->frame_rate_den;
    info->time_base_den = info->frame_rate_num;
    info->quality =
        reader->metadata.quality >= 1 && reader->metadata.quality <= 100 ? (int)reader->metadata.quality : 0;
    info->mode = reader->metadata.upload ? DFY_MODE_UPLOAD : DFY_MODE_TRAINING;
    info->matrix = DFY_MATRIX_BT601;
    info->range = DFY_RANGE_FULL;
    info->native_format = DFY_PIXELS_RGB;
    info->chunks = reader->chunks.count;
    info->cycles = reader->metadata.cycles ? reader->metadata.cycles : reader->plays;
    info->canonicals = canonicals_of(reader);
    info->imu_samples = reader->imu_samples;
    info->complete = !reader->chunks.cut && !reader->damaged;
    for (uint32_t i = 0; i < reader->cycles; i++)
        if (reader->cycle[i].type == DFY_V1_CYCLE_SKIP) info->mode = DFY_MODE_UPLOAD;
}

static int v1_chunk(const void *state, uint32_t index, DfyChunk *chunk) {
    const DfyV1Reader *reader = state;
    if (index >= reader->chunks.count) return DFY_ERROR_ARGUMENT;
    const DfyV1Chunk *own = &reader->chunks.chunk[index];
    *chunk = (DfyChunk){.type = own->type,
                        .name = dfy_v1_chunk_name(own->type),
                        .offset_bytes = own->offset,
                        .payload_bytes = own->length,
                        .damaged = own->damaged};
    return DFY_OK;
}

/* Facts that the writer stored; they tell more than the chunks do, because a repeat may be stored in parts. */
static void cycle_of_metadata(const DfyV1Reader *reader, uint32_t index, DfyCycle *cycle) {
    const DfyV1CycleFact *fact = &reader->metadata.cycle[index];
    *cycle = (DfyCycle){.first_frame = fact->first_frame,
                        .frames = fact->frames,
                        .canonical = fact->canonical,
                        .is_canonical = fact->kind == DFY_V1_KIND_CANONICAL,
                        .is_clone = fact->kind == DFY_V1_KIND_CLONE,
                        .distance = fact->distance};
}

static void cycle_of_chunks(const DfyV1Reader *reader, uint32_t index, DfyCycle *cycle) {
    const DfyV1Play *play = &reader->play[index];
    const DfyV1Cycle *own = &reader->cycle[play->cycle];
    *cycle = (DfyCycle){.first_frame = play->first_frame,
                        .frames = own->frames,
                        .canonical = own->canonical,
                        .is_canonical = own->type == DFY_V1_CYCLE_CANON,
                        .is_clone = own->type == DFY_V1_CYCLE_SKIP,
                        .distance = -1};
    for (uint32_t i = 0; cycle->is_canonical && i < reader->canonicals; i++)
        if (reader->canonical[i] == play->cycle) cycle->canonical = i;
}

static int v1_cycle(const void *state, uint32_t index, DfyCycle *cycle) {
    const DfyV1Reader *reader = state;
    if (index >= (reader->metadata.cycles ? reader->metadata.cycles : reader->plays)) return DFY_ERROR_ARGUMENT;
    if (reader->metadata.cycles)
        cycle_of_metadata(reader, index, cycle);
    else
        cycle_of_chunks(reader, index, cycle);
    int num, den;
    frame_rate(reader, &num, &den);
    cycle->start_seconds = (double)cycle->first_frame * den / num;
    cycle->seconds = (double)cycle->frames * den / num;
    return DFY_OK;
}

static int v1_imu(const void *state, uint64_t frame, double quaternion[4]) {
    const DfyV1Reader *reader = state;
    if (frame >= reader->imu_samples) return DFY_ERROR_ARGUMENT;
    const DfyQuaternion *q = &reader->imu[frame];
    quaternion[0] = q->x;
    quaternion[1] = q->y;
    quaternion[2] = q->z;
    quaternion[3] = q->w;
    return DFY_OK;
}

static const char *v1_metadata(const void *state) {
    const DfyV1Reader *reader = state;
    return reader->metadata.json ? reader->metadata.json : "{}";
}

/* ---------------------------------------------------------------- pictures */

static void unwarp(DfyV1Reader *reader, const DfyPicture **picture) {
    if (!reader->unwarp || reader->position >= reader->imu_samples) return;
    DfyQuaternion first = dfy_quaternion_normalise(reader->imu[0]);
    DfyQuaternion turned = dfy_quaternion_normalise(reader->imu[reader->position]);
    double homography[9];
    dfy_imu_homography(homography, reader->camera, turned, first, 1);
    dfy_imu_warp(&reader->unwarped, *picture, homography, 0);
    *picture = &reader->unwarped;
}

static int v1_next(void *state, DfyPicture *picture) {
    DfyV1Reader *reader = state;
    if (reader->position >= reader->frames) return DFY_END;
    uint32_t play = dfy_v1_play_of(reader, reader->position), cycle = reader->play[play].cycle;
    uint32_t frame = (uint32_t)(reader->position - reader->play[play].first_frame);
    const DfyPicture *decoded;
    int status = dfy_v1_picture(reader, cycle, frame, &decoded);
    if (status == DFY_ERROR_DAMAGED)
        reader->position = reader->play[play].first_frame + dfy_v1_next_entry(reader, cycle, frame);
    if (status) return status;
    unwarp(reader, &decoded);
    *picture = *decoded;
    picture->pts = (int64_t)reader->position++;
    picture->matrix = DFY_MATRIX_UNKNOWN;
    picture->range = DFY_RANGE_FULL;
    return DFY_OK;
}

static int v1_seek(void *state, uint64_t frame) {
    ((DfyV1Reader *)state)->position = frame;
    return DFY_OK;
}

static uint64_t v1_position(const void *state) {
    return ((const DfyV1Reader *)state)->position;
}

/* There are no checksums, so that the proof of a file is to decode every picture of every cycle once. */
static int v1_verify(void *state) {
    DfyV1Reader *reader = state;
    DfyMessage first = {{0}};
    for (uint32_t cycle = 0; cycle < reader->cycles; cycle++) {
        const DfyV1Cycle *own = &reader->cycle[cycle];
        if (!dfy_v1_playable(reader, own)) continue;
        for (uint32_t frame = 0; frame < own->frames && own->type != DFY_V1_CYCLE_SKIP;) {
            const DfyPicture *picture;
            int status = dfy_v1_picture(reader, cycle, frame, &picture);
            if (status && status != DFY_ERROR_DAMAGED) return status;
            if (status && !first.text[0]) first = *reader->message;
            frame = status ? dfy_v1_next_entry(reader, cycle, frame) : frame + 1;
        }
    }
    if (first.text[0]) *reader->message = first;
    if (reader->chunks.cut || reader->damaged) return DFY_ERROR_DAMAGED;
    return DFY_OK;
}

const DfyFormatReader dfy_v1_reader = {
    .magic = {'D', 'F', 'Y', 1},
    .open = v1_open,
    .info = v1_info,
    .next = v1_next,
    .seek = v1_seek,
    .position = v1_position,
    .chunk = v1_chunk,
    .cycle = v1_cycle,
    .imu = v1_imu,
    .metadata = v1_metadata,
    .verify = v1_verify,
    .close = v1_close,
};
