/*
 * The small interface between the front hall (api.c) and the rooms that know a file format.
 * A room fills one DfyFormatWriter and one DfyFormatReader; api.c picks by version or magic.
 *
 * Every function gets the room's own state. `message` is the place for the sentence that explains a failure;
 * it outlives the state, so open may fail and still explain itself. Arguments were checked by api.c against
 * diffy.h: sizes in range, non-NULL pictures of the declared size, strictly increasing pts.
 */
#ifndef DFY_BASE_FORMAT_H
#define DFY_BASE_FORMAT_H

#include "base/status.h"
#include "diffy.h"

typedef struct DfyFormatWriter {
    int version;
    int (*open)(void **state, const DfyEncoderSettings *settings, const DfyOutput *output, DfyMessage *message);
    int (*push)(void *state, const DfyPicture *picture);
    int (*push_gyro)(void *state, const double xyz[3], double dt); /* NULL: the format has no IMU */
    int (*finish)(void *state, DfyEncoderStats *stats);
    void (*close)(void *state);
} DfyFormatWriter;

typedef struct DfyFormatReader {
    uint8_t magic[4];
    int (*open)(void **state, const DfyInput *input, const DfyDecoderSettings *settings, DfyMessage *message);
    void (*info)(const void *state, DfyInfo *info);
    int (*next)(void *state, DfyPicture *picture);
    int (*seek)(void *state, uint64_t frame);
    uint64_t (*position)(const void *state);
    int (*origins)(const void *state, DfyOrigins *origins); /* NULL: the format's blocks have none */
    int (*chunk)(const void *state, uint32_t index, DfyChunk *chunk);
    int (*cycle)(const void *state, uint32_t index, DfyCycle *cycle);
    int (*imu)(const void *state, uint64_t frame, double quaternion[4]);
    const char *(*metadata)(const void *state);
    int (*verify)(void *state);
    void (*close)(void *state);
} DfyFormatReader;

/* The rooms' tables; v1 and video define them. */
extern const DfyFormatWriter dfy_v1_writer, dfy_v2_writer;
extern const DfyFormatReader dfy_v1_reader, dfy_v2_reader;

#endif
