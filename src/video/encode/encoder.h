/*
 * The encoder of a video stream: takes source frames in order, gives coded groups. Knows nothing of files.
 */
#ifndef DFY_VIDEO_ENCODER_H
#define DFY_VIDEO_ENCODER_H

#include "base/pool.h"
#include "video/encode/decide.h"
#include "video/syntax/group.h"

typedef struct DfyVideoEncoder DfyVideoEncoder;

/* keep: anchors kept as references, 2..DFY_MAX_KEPT. */
DfyVideoEncoder *dfy_video_encoder_new(int width, int height, int effort, int threads, int keep);
void dfy_video_encoder_free(DfyVideoEncoder *encoder);

/* A frame to fill with source pixels of the coded size; NULL when there is no memory. */
DfyFrame *dfy_video_encoder_take(DfyVideoEncoder *encoder);
void dfy_video_encoder_give_back(DfyVideoEncoder *encoder, DfyFrame *frame);

/*
 * Codes an intra picture of `source` as the plate from now on; coder receives it, with models of its own.
 */
int dfy_video_encode_plate(DfyVideoEncoder *encoder, DfyRangeCoder *coder, const DfyFrame *source, int qp);

/* The plate as decoders have it, NULL: none yet. */
const DfyFrame *dfy_video_encoder_plate(const DfyVideoEncoder *encoder);

/* Forgets all pictures but the plate, and what the models have learnt: decoding can begin at the next group. */
void dfy_video_encoder_enter(DfyVideoEncoder *encoder);

/* From now on there is a library of so many frames, 0: none. */
void dfy_video_encoder_set_library(DfyVideoEncoder *encoder, int frames);

/*
 * Picture `number` (1..DFY_MAX_GROUP) of the next group may refer to that frame of the library, decoded. 0 or
 * DFY_ERROR_MEMORY.
 */
int dfy_video_encoder_lend(DfyVideoEncoder *encoder, int number, int32_t index, const DfyFrame *decoded);

/*
 * How long the next group had best be: about `usual` frames (the most there are is count), and ending where its anchor
 * is much like one that is kept.
 */
int dfy_video_encoder_group_length(DfyVideoEncoder *encoder, DfyFrame *const *sources, int count, int usual);

/*
 * Codes a group of frames (1..DFY_MAX_GROUP), whose thumbnails were made; an entry's first group has one. sources has
 * `ahead` more after them, which are only looked at.
 */
int dfy_video_encode_group(DfyVideoEncoder *encoder, DfyRangeCoder *coder, DfyFrame *const *sources, int frames,
                           int ahead, int qp);

/* Bytes that a group would take; the encoder is afterwards as it was. */
int dfy_video_encoder_measure(DfyVideoEncoder *encoder, DfyFrame *const *sources, int frames, int ahead, int qp,
                              uint64_t *bytes);

/* Codes a group whose frames are all the anchor before it once more; the source must be the same, too. */
int dfy_video_encode_still(DfyVideoEncoder *encoder, DfyRangeCoder *coder, int frames);

#endif
