/*
 * The encoder of a video stream: takes source frames in order, gives coded groups. Knows nothing of files.
 */
#ifndef DFY_VIDEO_ENCODER_H
#define DFY_VIDEO_ENCODER_H

#include "base/bytes.h"
#include "base/pool.h"
#include "video/encode/decide/superblock.h"
#include "video/encode/noise_meter.h"
#include "video/syntax/mini_group.h"
#include "video/syntax/orientation_list.h"

typedef struct DfyVideoEncoder DfyVideoEncoder;

/* keep: anchors kept as references, 2..DFY_MAX_ANCHORS. */
DfyVideoEncoder *dfy_video_encoder_new(int width, int height, int effort, int threads, int keep);
void dfy_video_encoder_free(DfyVideoEncoder *encoder);

/* From the next group on: 1..9. */
void dfy_video_encoder_set_effort(DfyVideoEncoder *encoder, int effort);

/* A frame to fill with source pixels of the coded size; NULL when there is no memory. */
DfyFrame *dfy_video_encoder_take(DfyVideoEncoder *encoder);
void dfy_video_encoder_give_back(DfyVideoEncoder *encoder, DfyFrame *frame);

/* From now on some pictures of each group are measured; NULL: none. The meter is the caller's. */
void dfy_video_encoder_measure_noise(DfyVideoEncoder *encoder, DfyNoiseMeter *meter);

/* From the beginning on, how the camera was turned is told; camera: its matrix in pixels. 0 or DFY_ERROR_MEMORY. */
int dfy_video_encoder_expect_turns(DfyVideoEncoder *encoder, const double camera[9]);
/* How it was turned at the frames of the next group. Ignored where it was not expected. */
void dfy_video_encoder_turn(DfyVideoEncoder *encoder, const DfyOrientation *turned, int frames);

/* Codes an intra picture of `source` as the plate from now on; its bytes are added to `out`. */
int dfy_video_encode_plate(DfyVideoEncoder *encoder, DfyBuffer *out, const DfyFrame *source, int qp);

/* A plate that was coded before, decoded, is the plate from now on. 0 or DFY_ERROR_MEMORY. */
int dfy_video_encoder_set_plate(DfyVideoEncoder *encoder, const DfyFrame *decoded);

/* The plate as decoders have it, NULL: none yet. */
const DfyFrame *dfy_video_encoder_plate(const DfyVideoEncoder *encoder);

/* Forgets all pictures but the plate, and what the models have learnt: decoding can begin at the next group. */
void dfy_video_encoder_begin_run(DfyVideoEncoder *encoder);

/* For random access, from the beginning on: anchors refer to the plate alone, and there are so many layers besides. */
void dfy_video_encoder_set_layers(DfyVideoEncoder *encoder, int layers);

/*
 * Where frames of the long-term set come from, decoded: *found is valid until the next call, and no two are made at a
 * time, but from any thread. 0 or DFY_ERROR_MEMORY.
 */
typedef struct DfyLongTermSource {
    int (*fetch)(void *context, int32_t index, const DfyFrame **found);
    void *context;
} DfyLongTermSource;

/* From now on there is a long-term set of so many frames, 0: none. */
void dfy_video_encoder_set_long_term(DfyVideoEncoder *encoder, int frames, DfyLongTermSource source);

/* Picture `number` (1..DFY_MAX_MINI_GROUP) of the next group may refer to that frame of the long-term set. */
void dfy_video_encoder_lend(DfyVideoEncoder *encoder, int number, int32_t index);

/*
 * How long the next group had best be: about `usual` frames (the most there are is count), and ending where its anchor
 * is much like one that is kept.
 */
int dfy_video_encoder_mini_group_length(DfyVideoEncoder *encoder, DfyFrame *const *sources, int count, int usual,
                                        int qp);

/*
 * Codes a group of frames (1..DFY_MAX_MINI_GROUP), which have pyramids; an access point's first group has one.
 * sources has `ahead` more after them, which are only looked at. The group's record is added to `out`. The encoder goes
 * on holding the last source, whose pixels must stay.
 */
int dfy_video_encode_mini_group(DfyVideoEncoder *encoder, DfyBuffer *out, DfyFrame *const *sources, int frames,
                                int ahead, int qp);

/* Bytes that a group would take; the encoder is afterwards as it was. */
int dfy_video_encoder_measure(DfyVideoEncoder *encoder, DfyFrame *const *sources, int frames, int ahead, int qp,
                              uint64_t *bytes);

/* Codes a group whose frames are all the anchor before it once more; the source must be the same, too. */
int dfy_video_encode_still(DfyVideoEncoder *encoder, DfyBuffer *out, int frames);

#endif
