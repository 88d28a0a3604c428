/*
 * Decodes pictures of a video stream, each from its own bytes and the pictures that it refers to. Knows nothing of
 * files and of what is kept.
 */
#ifndef DFY_VIDEO_PICTURE_DECODER_H
#define DFY_VIDEO_PICTURE_DECODER_H

#include "base/pool.h"
#include "video/syntax/mini_group.h"

typedef struct DfyPictureDecoder DfyPictureDecoder;

/* NULL when there is no memory. */
DfyPictureDecoder *dfy_picture_decoder_new(int width, int height);
void dfy_picture_decoder_free(DfyPictureDecoder *decoder);

/*
 * One more, for another thread: frames are both's, and go back to either. It is freed before the first. From `share` on
 * (with the pool of those threads, which outlives both) they may be used side by side.
 */
DfyPictureDecoder *dfy_picture_decoder_beside(DfyPictureDecoder *decoder);
void dfy_picture_decoder_share(DfyPictureDecoder *decoder, DfyPool *pool);

/*
 * Decoded frames belong to the decoder and are lent out, counted: each call that gives one is to be answered by a
 * release. NULL can be released.
 */
DfyFrame *dfy_hold_frame(const DfyFrame *frame);
void dfy_release_frame(DfyPictureDecoder *decoder, const DfyFrame *frame);

/* Where pictures that only a picture's own bytes name come from. */
typedef struct DfyPictureFetch {
    /*
     * Sets *found, held, to frame `index` of the long-term set; or to the anchor `back` before the end of those kept
     * when the picture is coded (1: the last). Otherwise DFY_ERROR_DAMAGED, DFY_ERROR_MEMORY, DFY_ERROR_IO, or what the
     * caller of dfy_decode_picture is to be given instead.
     */
    int (*long_term)(void *context, int32_t index, const DfyFrame **found);
    int (*long_term_anchor)(void *context, int back, const DfyFrame **found);
    void *context;
} DfyPictureFetch;

/* One picture's bytes and what is around it. */
typedef struct DfyCodedPicture {
    const uint8_t *data; /* size 0: it is its past picture once more */
    size_t size;
    DfyMiniGroupPicture place;
    int frames;                      /* of its group */
    int long_term_frames;            /* of its segment's long-term set, 0: there is none */
    int32_t order;                   /* place in time, in coded frames since the random access point */
    DfyReference past, future;       /* those that enclose it; an anchor's future is NULL, its past may be */
    DfyReference before;             /* of anchors: the one before the past */
    const DfyFrame *plate;           /* NULL: none */
    const DfyFrame *models;          /* the picture whose models it begins with, NULL: new ones */
    const DfyMiniGroupHeader *group; /* said by its group's anchor; NULL for anchors, which say it themselves */
    DfyPictureFetch fetch;
} DfyCodedPicture;

/* Sets *frame, held. Negative: DFY_ERROR_DAMAGED, DFY_ERROR_MEMORY, or what fetching gave. */
int dfy_decode_picture(DfyPictureDecoder *decoder, const DfyCodedPicture *coded, const DfyFrame **frame);

/* Decodes a plate from its bytes. Sets *frame, held. */
int dfy_decode_plate(DfyPictureDecoder *decoder, const uint8_t *data, size_t size, const DfyFrame **frame);

#endif
