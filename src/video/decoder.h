/* The decoder of a video stream: groups in, frames out. Knows nothing of files. */
#ifndef DFY_VIDEO_DECODER_H
#define DFY_VIDEO_DECODER_H

#include "video/syntax/group.h"

/* What of a group is wanted as pixels; the rest is only parsed. */
enum { DFY_WANT_ANCHOR = 0, DFY_WANT_ALL = -1 /* else: the number of one frame, 1..frames */ };

typedef struct DfyVideoDecoder DfyVideoDecoder;

/* keep: anchors kept as references, 2..DFY_MAX_KEPT, as the stream says. */
DfyVideoDecoder *dfy_video_decoder_new(int width, int height, int keep);
void dfy_video_decoder_free(DfyVideoDecoder *decoder);

/* Decodes a plate from its own code, data[0..size). Negative: DFY_ERROR_DAMAGED or DFY_ERROR_MEMORY. */
int dfy_video_decode_plate(DfyVideoDecoder *decoder, const uint8_t *data, size_t size);

/* Begins at an entry: forgets all pictures but the plate. */
void dfy_video_decoder_enter(DfyVideoDecoder *decoder);

/* Where frames of a library come from. */
typedef struct DfyLibrarySource {
    /*
     * Decodes frame 0..frames - 1 and sets *found, valid until the next call; sparse: those between the last one and
     * this need not be decoded. Negative: DFY_ERROR_DAMAGED, DFY_ERROR_MEMORY or DFY_ERROR_IO.
     */
    int (*fetch)(void *context, int32_t frame, int sparse, const DfyFrame **found);
    void *context;
    int frames; /* 0: there is no library */
} DfyLibrarySource;

/* The library that groups refer to from now on. */
void dfy_video_decoder_set_library(DfyVideoDecoder *decoder, const DfyLibrarySource *library);

/* Reads from now on from a segment's code, borrowed. */
void dfy_video_decoder_read(DfyVideoDecoder *decoder, const uint8_t *data, size_t size);

/*
 * Decodes the next group, whose frames (at most `limit`, else the code is damaged) are then *frames many and stay until
 * the next call. Parsing leaves the decoder behind the group unless `again` is set: then the same group comes next.
 */
int dfy_video_decode_group(DfyVideoDecoder *decoder, int want, int limit, int again, int *frames);

/* The group decoded last with `again` set is kept after all: the one behind it comes next. */
void dfy_video_decoder_keep(DfyVideoDecoder *decoder);

/* Frame number 1..frames of the last group. */
const DfyFrame *dfy_video_decoder_frame(const DfyVideoDecoder *decoder, int number);

#endif
