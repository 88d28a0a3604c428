/* What the parts of the version 2 file reader share. They keep its sentence for people where they fail. */
#ifndef DFY_VIDEO_READER_PARTS_H
#define DFY_VIDEO_READER_PARTS_H

#include "base/picture.h"
#include "container/sound.h"
#include "video/decode/player.h"
#include "video/decode/times.h"
#include "video/syntax/cycle_list.h"
#include "video/syntax/departure_list.h"
#include "video/syntax/episode_list.h"
#include "video/syntax/grain.h"
#include "video/syntax/orientation_list.h"

/* Noise that is put back at playback. */
typedef struct DfyReaderNoise {
    int wanted;
    size_t chunk;         /* that holds the pictures which `field` is for; 0: it is not ready */
    int any;              /* these have noise */
    DfyGrainField *field; /* there once it was needed */
    DfyPicture picture;   /* the one given last, with its noise */
} DfyReaderNoise;

/* The CLONE chunk played last. */
typedef struct DfyReaderClones {
    size_t chunk; /* 0: none */
    DfySegment head;
    int64_t *pts;
    uint64_t *sources;
    size_t capacity;
    DfyPlayer *player; /* of the sources; there once a clone was played */
} DfyReaderClones;

typedef struct DfyReader {
    DfyMessage *message;
    DfyDecoderSettings settings;
    DfyV2Reader file;
    DfySoundReader sound;
    DfyStream stream;
    DfyPlayer *player;
    int threads; /* that it decodes on; clones, which are few, on one */
    DfyReaderClones clones;
    DfyReaderNoise noise;
    DfyOrientationList orientations;
    DfyPicture turned; /* the picture given last, turned to where the camera looked at first */
    DfyBuffer payload, metadata;
    uint64_t frames; /* the end of the last chunk that holds any */
    uint64_t clone_frames;
    int told;           /* what dfy_reader_read_facts reads was read */
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
} DfyReader;

/* The sentence for DFY_ERROR_MEMORY, which it returns; and for what reading sound gave, which it returns. */
int dfy_reader_no_memory(DfyReader *reader);
int dfy_reader_sound_status(DfyReader *reader, int status);

/* ---------------------------------------------------------------- which chunk holds which frames (reader_index.c) */

int dfy_reader_is_timed(const DfyReader *reader, const DfyV2Row *row);
/* A walked file's rows know no frames: the head of each segment says them. From a row on, as below. */
int dfy_reader_fill_in_frames(DfyReader *reader, size_t from);
/* Finds out what is damaged, and how many frames there are. */
void dfy_reader_check_order(DfyReader *reader, size_t from);
/* The chunk that holds the frame; file.count when none does. */
size_t dfy_reader_chunk_of(DfyReader *reader, uint64_t frame);
/* DfyFormatReader.verify. */
int dfy_reader_verify(void *reader);

/* ---------------------------------------------------------------- clones (reader_clones.c) */

/* Reads a CLONE chunk, where it is not the one read last. */
int dfy_reader_load_clones(DfyReader *reader, size_t chunk);
/* Decodes what the clone shows. */
int dfy_reader_go_to_source(DfyReader *reader, size_t chunk, uint64_t frame);

/* ---------------------------------------------------------------- what is done to a picture that is given
 * (reader_finish.c) */

/* Puts noise on the picture at the position, in a copy. */
int dfy_reader_add_noise(DfyReader *reader, DfyPicture *picture);
/* Turns a picture, in a copy, to where the camera looked when its samples began. */
int dfy_reader_turn(DfyReader *reader, DfyPicture *picture);

/* ---------------------------------------------------------------- what the file says of itself (reader_facts.c) */

/* Reads what stands beside the pictures, as far as it is there. */
int dfy_reader_read_facts(DfyReader *reader);
/* As DfyFormatReader has them. */
void dfy_reader_info(const void *reader, DfyInfo *info);
int dfy_reader_chunk(const void *reader, uint32_t index, DfyChunk *chunk);
int dfy_reader_cycle(const void *reader, uint32_t index, DfyCycle *cycle);
int dfy_reader_departure(const void *reader, uint32_t index, DfyDeparture *departure);
int dfy_reader_episode(const void *reader, uint32_t index, DfyEpisode *episode);
int dfy_reader_imu(const void *reader, uint64_t frame, double quaternion[4]);
const char *dfy_reader_metadata(const void *reader);

#endif
