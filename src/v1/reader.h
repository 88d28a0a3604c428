/*
 * The reader of version 1, shared by its three parts:
 *   reader_index.c     chunks -> cycles in playing order
 *   reader_pictures.c  a picture of a cycle, through a bounded cache of decoded pictures
 *   reader.c           the table that api.c calls
 */
#ifndef DFY_V1_READER_H
#define DFY_V1_READER_H

#include "base/format.h"
#include "base/imu.h"
#include "container/chunks_v1.h"
#include "v1/metadata.h"
#include "v1/residual.h"

enum { DFY_V1_TEMPORAL = 1, DFY_V1_FLAG_BOXED = 2, DFY_V1_VQ = 4 };

/* One of the chunks CYCLE_CANON, CYCLE_DELTA, CYCLE_SKIP. */
typedef struct DfyV1Cycle {
    uint8_t type, flags; /* flags of a canonical */
    uint32_t chunk;      /* index into chunks */
    uint32_t canonical;  /* of a delta or clone: index into canonical[] */
    uint32_t frames;     /* whole picture records the chunk holds */
} DfyV1Cycle;

/* A cycle's place in the film. */
typedef struct DfyV1Play {
    uint32_t cycle;
    uint64_t first_frame;
} DfyV1Play;

/* One picture in a cycle's inflated payload. */
typedef struct DfyV1Record {
    size_t offset;
    uint32_t size;
    uint8_t predicted; /* a P picture */
} DfyV1Record;

/* A cycle's payload, inflated and taken apart. */
typedef struct DfyV1Loaded {
    uint32_t cycle;
    uint64_t used; /* when, for choosing which to replace; 0: empty */
    DfyBuffer payload;
    DfyV1Record *record;
    uint32_t records;
    uint8_t flags;
    uint32_t canonical, stated; /* from the payload's header */
} DfyV1Loaded;

/* A decoded picture; key (cycle, frame). */
typedef struct DfyV1Slot {
    DfyPicture picture;
    uint32_t cycle, frame;
    uint64_t used; /* 0: empty */
} DfyV1Slot;

#define DFY_V1_LOADED 2
#define DFY_V1_MOST_SLOTS 48

typedef struct DfyV1Reader {
    DfyInput input;
    DfyMessage *message;
    uint64_t memory_limit_bytes;
    DfyV1Chunks chunks;
    DfyV1Metadata metadata;
    DfyV1Cycle *cycle; /* all, in file order */
    uint32_t cycles;
    uint32_t *canonical; /* indices into cycle of the canonicals, then of the others */
    uint32_t *other;
    uint32_t canonicals, others;
    DfyV1Play *play;
    uint32_t plays;
    uint64_t frames;
    DfyQuaternion *imu;
    uint64_t imu_samples;
    DfyV1Codebook codebook;
    int damaged; /* something in the file couldn't be used */

    DfyPicture background;
    DfyV1Loaded loaded[DFY_V1_LOADED];
    DfyV1Slot slot[DFY_V1_MOST_SLOTS];
    int slots;
    uint64_t clock;
    DfyV1ResidualDecoder residual;

    uint64_t position;
    int unwarp;
    double camera[9];
    DfyPicture unwarped;
} DfyV1Reader;

/* ---- reader_index.c */
int dfy_v1_index(DfyV1Reader *reader);
void dfy_v1_index_free(DfyV1Reader *reader);
/* The payload as its reader wants it: inflated when it is compressed. */
int dfy_v1_payload(DfyV1Reader *reader, const DfyV1Chunk *chunk, DfyBuffer *payload, size_t limit);
int dfy_v1_load_records(DfyV1Reader *reader, DfyV1Loaded *loaded, const DfyV1Chunk *chunk);
/* It has pictures, and a repeat's canonical is there and has some too; if not, a message says so. */
int dfy_v1_playable(DfyV1Reader *reader, const DfyV1Cycle *cycle);
/* The play whose frames include this one. */
uint32_t dfy_v1_play_of(const DfyV1Reader *reader, uint64_t frame);

/* ---- reader_pictures.c */
int dfy_v1_pictures_open(DfyV1Reader *reader);
void dfy_v1_pictures_close(DfyV1Reader *reader);
/* The picture stays valid until the next call. */
int dfy_v1_picture(DfyV1Reader *reader, uint32_t cycle, uint32_t frame, const DfyPicture **picture);
/* The first frame of the cycle after frame that does not depend on it; the cycle's frames when there is none. */
uint32_t dfy_v1_next_entry(DfyV1Reader *reader, uint32_t cycle, uint32_t frame);

#endif
