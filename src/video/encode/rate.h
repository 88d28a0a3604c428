/*
 * Rate control for a stated size, in one pass: the first frames are coded for trial at a few quantisers, which tells
 * where to begin and how fast bytes fall as the quantiser grows; from then on each group's quantiser is the one that
 * would spend what is left over the frames that are left.
 */
#ifndef DFY_VIDEO_RATE_H
#define DFY_VIDEO_RATE_H

#include "video/encode/encoder.h"

typedef struct DfyRate {
    uint64_t target_bytes, frames; /* 0: no control */
    double slope;                  /* quantiser steps that halve a group's bytes */
    double complexity;             /* bytes a frame of late, at quantiser 0 */
    int qp;
} DfyRate;

/* What the trial is made with: the encoder's settings and the first frames. */
typedef struct DfyRateTrial {
    int width, height, effort, threads, keep;
    DfyFrame *const *sources;
    int count, group;
    const DfyFrame *plate; /* NULL: none is coded */
    int plate_finer;
    uint64_t access_interval;
} DfyRateTrial;

/* Chooses where to begin, from rate->qp as a first guess. DFY_ERROR_MEMORY. */
int dfy_rate_begin(DfyRate *rate, const DfyRateTrial *trial);

/* Quantiser of the next group when so many bytes and frames are done. */
int dfy_rate_next(DfyRate *rate, uint64_t bytes, uint64_t frames_done);

/* Frames behind a group from which on groups are not measured first: many more will make up for its surprises. */
#define DFY_RATE_CALM 600

/* What measuring a group has shown so far. */
typedef struct DfyRateSearch {
    int over, under; /* quantisers known to give too many bytes and too few */
    int best, tries;
    double miss; /* of the best */
} DfyRateSearch;
#define DFY_RATE_SEARCH ((DfyRateSearch){.over = -1, .under = 99, .miss = 1e9})

/*
 * The next group is known to take `measured` bytes at rate->qp: sets rate->qp and returns 1 when another is to be
 * measured, 0 when it is the one to use.
 */
int dfy_rate_correct(DfyRate *rate, DfyRateSearch *search, uint64_t measured, int frames, uint64_t bytes,
                     uint64_t frames_done);

/* Learns from a group that was coded with rate->qp. */
void dfy_rate_learn(DfyRate *rate, uint64_t bytes, int frames, uint64_t frames_done);

#endif
