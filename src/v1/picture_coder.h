/*
 * Codes pictures against references, and makes the pictures that every reader will decode, so that what is predicted
 * from them later starts from the same pixels.
 *
 * Nothing in the format reaches from one row of blocks to another, and nothing from one picture to the next but the
 * pixels of the same block. So a few pictures are coded at a time, and each row of blocks of all of them is a job of
 * its own; then each picture's payload is. Which thread does which never shows in the bytes.
 */
#ifndef DFY_V1_PICTURE_CODER_H
#define DFY_V1_PICTURE_CODER_H

#include "base/bytes.h"
#include "v1/block_coder.h"

#define DFY_V1_MOST_PICTURES 10 /* coded at a time */

/* Without a box; with one around what is sent; with one around everything. */
typedef enum DfyV1Framing { DFY_V1_FRAMING_PLAIN, DFY_V1_FRAMING_BOX, DFY_V1_FRAMING_FULL_BOX } DfyV1Framing;

/* A picture to code. */
typedef struct DfyV1Shot {
    const DfyPicture *source;    /* I420 */
    const DfyPicture *reference; /* RGB, or NULL: the picture decoded before */
    int predicted;               /* what a temporal record says of it */
} DfyV1Shot;

/* How pictures are coded. */
typedef struct DfyV1Way {
    const DfyV1BlockCoder *coder;
    const DfyV1Codebook *codebook; /* vector quantisation, or NULL */
    DfyV1Framing framing;
    int temporal;              /* a record begins with the picture's kind */
    uint8_t flags;             /* of a chunk of such pictures */
    const float (*measure)[3]; /* weights of row errors; NULL: none are wanted */
} DfyV1Way;

/* A coefficient of a row of blocks: 3 * column + channel in the picture's padded row. */
typedef struct DfyV1Sent {
    uint16_t at;
    int16_t level;
} DfyV1Sent;

/* A row of blocks of a coded picture. */
typedef struct DfyV1CodedRow {
    int left, right;   /* blocks that are sent, from left up to right; right 0: none */
    uint32_t count[8]; /* coefficients of each row of pixels, */
    DfyV1Sent *sent;   /* one row after the other */
    uint32_t capacity;
} DfyV1CodedRow;

typedef struct DfyV1CodedPicture {
    DfyV1CodedRow *row;
    uint8_t *word;     /* [block][channel] of the codebook */
    double *row_error; /* of every row of pixels, as the weights of a coder have it */
    DfyBuffer triplets, record;
} DfyV1CodedPicture;

typedef struct DfyV1RowScratch DfyV1RowScratch;

typedef struct DfyV1PictureCoder {
    int width, height, quality;
    int blocks_across, blocks_down;
    int most_pictures;  /* at a time, which memory bounds */
    DfyPicture decoded; /* RGB: the last picture, in the rows that are done */
    uint32_t *left;     /* error at which a block was last found not worth coding: looked at again when it grows */
    DfyV1CodedPicture coded[DFY_V1_MOST_PICTURES];
    DfyV1RowScratch *scratch; /* one a thread */
    int threads;
} DfyV1PictureCoder;

int dfy_v1_picture_coder_open(DfyV1PictureCoder *coder, int width, int height, int quality, int threads);
void dfy_v1_picture_coder_close(DfyV1PictureCoder *coder);

/* Codes one row of blocks of all pictures, in their order. DFY_ERROR_MEMORY or DFY_OK. */
int dfy_v1_code_row(DfyV1PictureCoder *coder, const DfyV1Way *way, const DfyV1Shot *shot, int shots, int row,
                    int thread);
/* When all rows are done: picture number i's record (its kind if temporal, u32 size, payload) into its buffer. */
int dfy_v1_make_record(DfyV1PictureCoder *coder, const DfyV1Way *way, const DfyV1Shot *shot, int i);

#endif
