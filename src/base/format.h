/*
 * The small interface between the dispatcher (src/api) and those who know a file format. Each fills one
 * DfyFormatWriter and one DfyFormatReader; api/encoder.c picks by version, api/decoder.c by magic. Two tables that no
 * third one names: so a program that only decodes links nothing that encodes.
 *
 * Every function gets the format's own state. `message` is the place for the sentence that explains a failure;
 * it outlives the state, so open may fail and still explain itself. Arguments were checked by src/api against
 * diffy.h: sizes in range, non-NULL pictures of the declared size, strictly increasing pts.
 */
#ifndef DFY_BASE_FORMAT_H
#define DFY_BASE_FORMAT_H

#include "base/status.h"
#include "diffy/diffy.h"

/* Whether this build has version 1; `make V1=0` leaves it out. */
#ifndef DFY_V1
#define DFY_V1 1
#endif

typedef struct DfyFormatWriter {
    int version;
    int (*open)(void **state, const DfyEncoderSettings *settings, const DfyOutput *output, DfyMessage *message);
    int (*push)(void *state, const DfyPicture *picture);
    int (*push_gyro)(void *state, const double xyz[3], double dt); /* NULL: the format has no IMU */
    int (*sound)(void *state, const DfySound *sound);              /* NULL: the format has none */
    int (*push_sound)(void *state, const DfySoundPacket *packet);
    void (*set_effort)(void *state, int effort);                         /* NULL: the format has one only */
    void (*last_ticks)(void *state, int64_t ticks);                      /* NULL: the format has no place for it */
    int (*begin_episode)(void *state, const char *name);                 /* NULL: the format has none */
    void (*coded)(const void *state, uint64_t *frames, uint64_t *bytes); /* NULL: what is written is all */
    int (*finish)(void *state, DfyEncoderStats *stats);
    void (*close)(void *state);
} DfyFormatWriter;

typedef struct DfyFormatReader {
    uint8_t magic[4];
    int (*open)(void **state, const DfyInput *input, const DfyDecoderSettings *settings, DfyMessage *message);
    void (*info)(const void *state, DfyInfo *info);
    int (*next)(void *state, DfyPicture *picture);
    int (*seek)(void *state, uint64_t frame);
    int (*approach)(void *state, uint64_t frame); /* NULL: seeking is quick, or can't be done in parts */
    uint64_t (*position)(const void *state);
    /* Of a stream that only goes forward: takes in what comes until the frame is there, or the end. NULL: never asked.
     */
    int (*reach)(void *state, uint64_t frame);
    int (*time)(void *state, uint64_t frame, int64_t *pts); /* NULL: frame n is shown at tick n */
    int (*origins)(void *state, DfyOrigins *origins);       /* NULL: the format's blocks have none */
    int (*tiles)(void *state, DfyTiles *tiles);             /* NULL: the format's pictures have none */
    void (*set_grain)(void *state, int on);                 /* NULL: the format knows of none */
    int (*chunk)(const void *state, uint32_t index, DfyChunk *chunk);
    int (*cycle)(const void *state, uint32_t index, DfyCycle *cycle);
    int (*episode)(const void *state, uint32_t index, DfyEpisode *episode);       /* NULL: the format has none */
    int (*departure)(const void *state, uint32_t index, DfyDeparture *departure); /* NULL: the format has none */
    int (*imu)(const void *state, uint64_t frame, double quaternion[4]);
    const char *(*metadata)(const void *state);
    int (*sound)(const void *state, DfySound *sound); /* NULL: the format has none */
    int (*seek_sound)(void *state, int64_t ticks);
    int (*next_sound)(void *state, DfySoundPacket *packet);
    int (*verify)(void *state);
    void (*close)(void *state);
} DfyFormatReader;

/* The formats' tables; v1 and video define them. */
extern const DfyFormatWriter dfy_v1_writer, dfy_v2_writer;
extern const DfyFormatReader dfy_v1_reader, dfy_v2_reader;

#endif
