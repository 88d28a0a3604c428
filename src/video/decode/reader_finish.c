/* What is done to a decoded picture before it is given: noise put back, the camera's turning taken out. */
#include <stdlib.h>
#include <string.h>

#include "base/imu.h"
#include "base/status.h"
#include "video/decode/reader_parts.h"

/* ---------------------------------------------------------------- noise */

/* The GRAIN chunk in force for what a chunk holds; 0: none. */
static size_t grain_of(const DfyReader *r, size_t chunk) {
    while (chunk && r->file.rows[chunk].type != DFY_CHUNK_GRAIN) chunk--;
    return chunk;
}

/* Makes the noise of a chunk's pictures ready; a damaged GRAIN chunk is as none. */
static int prepare_noise(DfyReader *r, size_t chunk) {
    DfyReaderNoise *n = &r->noise;
    DfyMessage message;
    DfyGrain grain = {0};
    size_t told = grain_of(r, chunk);
    n->chunk = 0;
    if (told) {
        int status = dfy_v2_read_chunk(&r->file, told, &r->payload, &message);
        if (status && status != DFY_ERROR_DAMAGED) return status == DFY_ERROR_MEMORY ? dfy_reader_no_memory(r) : status;
        DfyBytes bytes = dfy_bytes(r->payload.data, r->payload.size);
        if (!status) dfy_read_grain(&bytes, &grain);
    }
    n->any = !dfy_grain_is_none(&grain);
    if (!n->any) {
        n->chunk = chunk;
        return DFY_OK;
    }
    int begun = n->field != NULL;
    if (!begun && !(n->field = malloc(sizeof *n->field))) return dfy_reader_no_memory(r);
    if (!n->picture.plane[0] && dfy_picture_alloc(&n->picture, DFY_PIXELS_I420, r->stream.width, r->stream.height))
        return dfy_reader_no_memory(r);
    if (!begun || memcmp(&n->field->grain, &grain, sizeof grain)) dfy_grain_prepare(n->field, &grain);
    n->chunk = chunk;
    return DFY_OK;
}

/* Puts noise on the picture at the position, in a copy. */
int dfy_reader_add_noise(DfyReader *r, DfyPicture *picture) {
    DfyReaderNoise *n = &r->noise;
    int status = n->chunk == r->chunk ? DFY_OK : prepare_noise(r, r->chunk);
    if (status || !n->any) return status;
    dfy_picture_copy(&n->picture, picture);
    dfy_grain_add(n->field, &n->picture, r->position);
    *picture = n->picture;
    return DFY_OK;
}

/* ---------------------------------------------------------------- the camera */

/* Turns a picture, in a copy, to where the camera looked when its samples began. */
int dfy_reader_turn(DfyReader *r, DfyPicture *picture) {
    double camera[9], homography[9];
    if (!r->turned.plane[0] && dfy_picture_alloc(&r->turned, DFY_PIXELS_I420, r->stream.width, r->stream.height))
        return dfy_reader_no_memory(r);
    if (dfy_camera_matrix(camera, r->orientations.camera, r->stream.width, r->stream.height)) return DFY_OK;
    DfyQuaternion q = dfy_quaternion_of(&r->orientations.at[r->position]);
    dfy_imu_homography(homography, camera, q, dfy_quaternion_identity(), 0);
    dfy_imu_warp(&r->turned, picture, homography, 1);
    r->turned.matrix = picture->matrix;
    r->turned.range = picture->range;
    *picture = r->turned;
    return DFY_OK;
}
