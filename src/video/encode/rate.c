#include "video/encode/rate.h"

#include <math.h>

#include "diffy/diffy.h"

enum {
    TRIALS = 5,
    MEASURES = 5,
    MOST_STEP = 5,        /* of the quantiser from group to group */
    SEGMENT_FRAMING = 24, /* bytes of a segment's head, checksums and index row */
    SEGMENT_BYTES = 4096,
    MOST_QP = 56
};

typedef struct Sizes {
    double plate, access_point, frame; /* bytes of the plate, of an access point's frame, of a frame of the groups */
} Sizes;

static int code_trial(const DfyRateTrial *t, int qp, Sizes *sizes) {
    DfyVideoEncoder *encoder = dfy_video_encoder_new(t->width, t->height, t->effort, t->threads, t->keep);
    DfyBuffer out = {0};
    if (!encoder) return DFY_ERROR_MEMORY;
    *sizes = (Sizes){0};
    int status = DFY_OK, done = 1;
    if (t->plate)
        status = dfy_video_encode_plate(encoder, &out, t->plate, dfy_clamp(qp - t->plate_finer, 0, DFY_MAX_QP));
    sizes->plate = (double)out.size;
    dfy_video_encoder_begin_run(encoder);
    if (!status) status = dfy_video_encode_mini_group(encoder, &out, t->sources, 1, 0, qp);
    sizes->access_point = (double)out.size - sizes->plate;
    while (!status && done < t->count) {
        int frames = t->count - done < t->group ? t->count - done : t->group;
        int ahead = t->count - done - frames < t->group ? t->count - done - frames : t->group;
        status = dfy_video_encode_mini_group(encoder, &out, t->sources + done, frames, ahead, qp);
        done += frames;
    }
    if (done > 1) sizes->frame = ((double)out.size - sizes->access_point - sizes->plate) / (done - 1);
    dfy_buffer_free(&out);
    dfy_video_encoder_free(encoder);
    return status;
}

/*
 * Bytes of the whole file if the rest is like the beginning. What is coded once, plate and first frame, may take half
 * of them: where little moves at first, more will move later.
 */
static double whole(const DfyRate *rate, const DfyRateTrial *t, const Sizes *s) {
    double access_points = 1 + (double)((rate->frames - 1) / t->access_interval),
           frames = (double)rate->frames - access_points;
    double code = s->plate + s->access_point * access_points + s->frame * (frames > 0 ? frames : 0);
    double once = 2 * (s->plate + s->access_point);
    if (code < once) code = once;
    return 80 + code + SEGMENT_FRAMING * (access_points + code / SEGMENT_BYTES);
}

int dfy_rate_begin(DfyRate *rate, const DfyRateTrial *trial) {
    double best = 1e30, last = 0, last_frame = 0, frame = 0;
    int qp = rate->qp, last_qp = -1, best_qp = qp;
    rate->slope = 5;
    for (int i = 0; i < TRIALS; i++) {
        Sizes sizes;
        int status = code_trial(trial, qp, &sizes);
        if (status) return status;
        double size = whole(rate, trial, &sizes), miss = log2(size / (double)rate->target_bytes), slope = 5;
        if (last_qp >= 0 && fabs(log2(last / size)) > 0.05) slope = (qp - last_qp) / log2(last / size);
        if (last_qp >= 0 && last_frame > 0 && sizes.frame > 0 && fabs(log2(last_frame / sizes.frame)) > 0.05)
            rate->slope = (qp - last_qp) / log2(last_frame / sizes.frame);
        if (fabs(miss) < best) {
            best = fabs(miss);
            best_qp = qp;
            frame = sizes.frame;
        }
        slope = slope < 2 ? 2 : slope > 10 ? 10 : slope;
        int next = dfy_clamp(qp + (int)lrint(miss * slope), 0, MOST_QP);
        last = size;
        last_qp = qp;
        last_frame = sizes.frame;
        if (next == qp) break;
        qp = next;
    }
    rate->slope = rate->slope < 2.5 ? 2.5 : rate->slope > 9 ? 9 : rate->slope;
    rate->qp = best_qp;
    rate->complexity = (frame > 0.05 ? frame : 0.05) * exp2(best_qp / rate->slope);
    return DFY_OK;
}

/* Bytes that the frames still to come may take in all. */
static double bytes_left(const DfyRate *rate, uint64_t bytes) {
    double left = (double)rate->target_bytes - (double)bytes - 40; /* index and end */
    return left * SEGMENT_BYTES / (SEGMENT_BYTES + SEGMENT_FRAMING);
}

static double frames_left(const DfyRate *rate, uint64_t frames_done) {
    return frames_done < rate->frames ? (double)(rate->frames - frames_done) : 1;
}

/* The quantiser at which so much (bytes at quantiser 0) takes what is left. */
static int quantiser_for(const DfyRate *rate, double complexity, double left) {
    if (left < 1) return MOST_QP;
    return dfy_clamp((int)lrint(rate->slope * log2(complexity / left)), 0, MOST_QP);
}

int dfy_rate_next(DfyRate *rate, uint64_t bytes, uint64_t frames_done) {
    double all = rate->complexity * frames_left(rate, frames_done);
    int wanted = quantiser_for(rate, all, bytes_left(rate, bytes));
    return rate->qp = dfy_clamp(wanted, rate->qp - MOST_STEP, rate->qp + MOST_STEP);
}

int dfy_rate_correct(DfyRate *rate, DfyRateSearch *search, uint64_t measured, int frames, uint64_t bytes,
                     uint64_t frames_done) {
    double behind = frames_left(rate, frames_done) - frames, left = bytes_left(rate, bytes);
    if (behind < 0) behind = 0;
    double all = (double)measured * exp2(rate->qp / rate->slope) + rate->complexity * behind;
    int wanted = quantiser_for(rate, all, left);
    double size = all * exp2(-rate->qp / rate->slope), miss = left > 1 ? fabs(log2((size + 1) / left)) : size;
    if (miss < search->miss) {
        search->miss = miss;
        search->best = rate->qp;
    }
    if (size > left && rate->qp > search->over) search->over = rate->qp;
    if (size <= left && rate->qp < search->under) search->under = rate->qp;
    /* Bytes don't fall evenly: the next guess lies between what is known to be too much and too little. */
    if (wanted <= search->over) wanted = search->over + 1;
    if (wanted >= search->under) wanted = search->under - 1;
    int more = ++search->tries < MEASURES && wanted > search->over && wanted >= 0 && wanted <= MOST_QP &&
               wanted != rate->qp && miss > 0.004;
    rate->qp = more ? wanted : search->best;
    return more;
}

void dfy_rate_learn(DfyRate *rate, uint64_t bytes, int frames, uint64_t frames_done) {
    double each = (double)bytes / frames, left = frames_done < rate->frames ? (double)(rate->frames - frames_done) : 1;
    double seen = (each > 0.05 ? each : 0.05) * exp2(rate->qp / rate->slope);
    /* With few groups to go the last one counts for half; with many a calm average keeps the quality steady. */
    double weight = 3.0 * frames / left;
    weight = weight > 0.5 ? 0.5 : weight < 0.08 ? 0.08 : weight;
    rate->complexity = exp2(log2(rate->complexity) * (1 - weight) + log2(seen) * weight);
}
