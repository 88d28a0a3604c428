/* What the parts of the joiner share: it joins files without decoding them. They keep its sentence where they fail. */
#ifndef DFY_API_JOINER_PARTS_H
#define DFY_API_JOINER_PARTS_H

#include "base/bytes.h"
#include "base/status.h"
#include "container/v2.h"
#include "video/syntax/stream.h"

/* dfy_last_message takes it for a DfyMessage: that comes first. */
struct DfyJoiner {
    DfyMessage message;
    DfyJoinerSettings settings;
    DfyOutput output;
    DfyV2Writer file;
    DfyJoinStats stats;
    DfyBuffer stream;   /* the first input's STREAM, "" before it */
    DfyBuffer sound;    /* that of the sound */
    double sound_ticks; /* of the sound's time base per tick of the pictures' */
    DfyStream video;
    unsigned kind;   /* of stream */
    int failed;      /* status of the first failure */
    int has_plate;   /* the output has one in force */
    int has_grain;   /* and a GRAIN chunk that says of noise */
    DfyBuffer plate; /* whose bytes are these */
    unsigned plates;
    uint32_t canonicals;
    int64_t last_pts, last_ticks; /* of the last frame, and how long it is shown; 0: as long as usual */
    DfyBuffer pending;            /* of an encoder's output: less than a chunk */
    DfyBuffer payload;
    int64_t *pts;
    size_t pts_capacity;
    /* of the input that is being added */
    int inputs, magic_is_read, timed, own_plate, own_grain;
    unsigned own_plates;
    uint64_t first_frame; /* of the output, that its frame 0 becomes */
    uint32_t first_canonical;
    int64_t shift; /* of its times */
};

/* The sentence for DFY_ERROR_MEMORY, which it returns. */
int dfy_joiner_no_memory(DfyJoiner *joiner);
/* Writes a chunk of such frames, or of none. */
int dfy_joiner_write_chunk(DfyJoiner *joiner, unsigned type, unsigned flags, const uint8_t *data, size_t size,
                           uint64_t first, uint64_t frames);

/* ---- joiner_chunks.c: an input's chunks, in terms of the output ---- */

int dfy_joiner_take_chunk(DfyJoiner *joiner, unsigned type, unsigned flags, const uint8_t *data, size_t size);
/* A STREAM chunk, which must agree with the first input's. adopting: the output has it already. */
int dfy_joiner_take_stream(DfyJoiner *joiner, const uint8_t *data, size_t size, int adopting);
/* A plate comes into force. */
int dfy_joiner_keep_plate(DfyJoiner *joiner, const uint8_t *data, size_t size);
/* Reads a segment's times into joiner->pts, as the output has them. DFY_ERROR_DAMAGED without a sentence. */
int dfy_joiner_read_times(DfyJoiner *joiner, DfyBytes *bytes, const DfySegment *segment);

/* ---- joiner_facts.c: what stands beside the pictures ---- */

int dfy_joiner_take_cycles(DfyJoiner *joiner, const uint8_t *data, size_t size);
int dfy_joiner_take_episodes(DfyJoiner *joiner, const uint8_t *data, size_t size);
int dfy_joiner_take_departures(DfyJoiner *joiner, const uint8_t *data, size_t size);
int dfy_joiner_take_orientations(DfyJoiner *joiner, const uint8_t *data, size_t size);
int dfy_joiner_take_sound(DfyJoiner *joiner, const uint8_t *data, size_t size);
/* Only the last input's counts: it is written at the end. */
int dfy_joiner_take_last_ticks(DfyJoiner *joiner, const uint8_t *data, size_t size);
int dfy_joiner_write_last_ticks(DfyJoiner *joiner);

#endif
