/* What the parts of the version 2 file writer share. They keep its sentence for people where they fail. */
#ifndef DFY_VIDEO_WRITER_PARTS_H
#define DFY_VIDEO_WRITER_PARTS_H

#include "container/sound.h"
#include "video/encode/rate.h"
#include "video/encode/write/clone_writer.h"
#include "video/encode/write/cycle_writer.h"
#include "video/encode/write/episode_writer.h"
#include "video/encode/write/frame_input.h"
#include "video/encode/write/long_term_use.h"
#include "video/encode/write/lossless_writer.h"
#include "video/encode/write/orientation_writer.h"
#include "video/encode/write/plates.h"

typedef struct DfyWriter {
    DfyEncoderSettings settings;
    DfyStream stream;
    DfyLimits limits;
    DfySegments segments;
    DfyFrameInput input;
    DfyLosslessWriter lossless; /* without an encoder and what follows but cycles, episodes and sound */
    DfyVideoEncoder *encoder;
    DfyFrameQueue queue;
    DfyPlates plates;
    DfyBuffer background; /* a plate's code that was given to begin with */
    DfyLongTermUse long_term;
    DfyCloneWriter clones;
    DfyRate rate; /* for a stated size */
    DfyCycleWriter cycles;
    DfyEpisodeWriter episodes;
    DfySoundWriter sound;
    DfyNoiseMeter noise;
    DfyOrientationWriter orientations;
    int qp;
    uint64_t frames;             /* that came and were coded, or are clones */
    uint64_t since_access_point; /* frames, by what it costs to seek them */
    int64_t last_ticks;          /* that the last picture is shown; 0: not said */
} DfyWriter;

/* ---- writer.c ---- */

/* The sentence for DFY_ERROR_MEMORY, which it returns. */
int dfy_writer_no_memory(DfyWriter *writer);
/* Threads that it may use. */
int dfy_writer_threads(const DfyWriter *writer);

/* ---- writer_groups.c ---- */

/* Frames were coded: they are counted and progress is told. */
int dfy_writer_count_frames(DfyWriter *writer, uint64_t frames);
/* What is coded next can be begun with. */
void dfy_writer_begin_access_point(DfyWriter *writer);
/* Codes what is queued, leaving as much as later groups are to be seen with, unless `all`. */
int dfy_writer_code_queue(DfyWriter *writer, int all);
/* Looks whether the last frame of the queue, or more of them, are clones. */
int dfy_writer_look_for_clones(DfyWriter *writer);
/* Writes the clones that wait for more. */
int dfy_writer_write_clones(DfyWriter *writer);

#endif
