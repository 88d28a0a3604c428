/*
 * The writer of version 1, shared by its parts:
 *   writer.c           the table that api.c calls; holding frames; the order of the file
 *   plan.c             which frames become which chunk
 *   cycle_coder.c      a chunk's pictures, on several threads
 *   picture_coder.c    a few pictures, row by row of blocks
 *   block_coder.c      one block
 *   packer.c           deflating and writing chunks
 *   metadata_write.c   the JSON
 */
#ifndef DFY_V1_WRITER_H
#define DFY_V1_WRITER_H

#include "analysis/background.h"
#include "analysis/cycles.h"
#include "base/format.h"
#include "base/imu.h"
#include "container/chunks_v1.h"
#include "v1/metadata.h"
#include "v1/residual.h"

/* A run of frames that becomes one chunk; type is CYCLE_CANON, CYCLE_DELTA or CYCLE_SKIP. */
typedef struct DfyV1Piece {
    DfyV1ChunkType type;
    uint64_t first_frame;
    uint32_t frames;
    uint32_t canonical; /* number of this canonical, or of the one that a delta or clone follows */
    int repeated;       /* a canonical that deltas refer to */
} DfyV1Piece;

/* Pieces in playing order, and the cycles they came from. */
typedef struct DfyV1Plan {
    DfyV1Piece *piece;
    uint32_t pieces, canonicals;
    DfyV1CycleFact *cycle;
    uint32_t cycles, followed; /* followed: canonical cycles that others are told apart by */
} DfyV1Plan;

typedef struct DfyV1Writer {
    DfyEncoderSettings settings;
    DfyOutput output;
    DfyMessage *message;
    DfyPicture *frame; /* held, I420 */
    uint64_t frames, capacity;
    DfyBackground background;
    DfyCycleFinder finder;
    DfyPicture plate;      /* RGB, as decoded */
    DfyPicture plate_i420; /* the same, for choosing between I and P pictures */
    DfyV1Plan plan;
    DfyBuffer *canonical_payload; /* of repeated canonicals, before deflate */
    DfyV1Codebook codebook;
    uint64_t coded; /* frames, for progress */
    double camera[9];
    DfyQuaternion orientation;
    DfyBuffer imu; /* half floats, four a frame */
    DfyPicture warped;
} DfyV1Writer;

int dfy_v1_report(const DfyV1Writer *writer, DfyStage stage, uint64_t done, uint64_t total);

int dfy_v1_plan_make(DfyV1Writer *writer);
void dfy_v1_plan_free(DfyV1Plan *plan);

/* Squared luma differences of two pictures in 8x8 blocks, as far as each block exceeds `allowed`. */
uint64_t dfy_v1_excess(const DfyPicture *a, const DfyPicture *b, uint32_t allowed);

int dfy_v1_write_metadata(DfyV1Writer *writer);
/* Codes and writes all canonicals, then all deltas and clones. */
int dfy_v1_write_pieces(DfyV1Writer *writer);
/* Learns the codebook of vector quantisation and writes it. */
int dfy_v1_write_codebook(DfyV1Writer *writer);

#endif
