/*
 * Deflates a chunk's payload while it still grows, a slice at a time, so that one thread compresses pictures while
 * others code the next. What comes out is what compress2 makes of the whole payload: a slice is as long as what zlib
 * takes into its window at once, so that it meets the same states.
 */
#ifndef DFY_V1_PACKER_H
#define DFY_V1_PACKER_H

#include <zlib.h>

#include "base/bytes.h"

typedef struct DfyV1Packer {
    DfyBuffer payload;  /* appended to between slices, by whoever packs */
    DfyBuffer deflated; /* the zlib stream, when done */
    uint32_t frames;    /* of the chunk */
    int level;          /* 0: not yet chosen */
    int complete, done; /* payload is whole; deflated is */
    size_t taken;       /* bytes of the payload that are deflated */
    z_stream zlib;
    int zlib_ready;
} DfyV1Packer;

/* Zero-initialise; begin empties it for the next chunk. */
void dfy_v1_packer_begin(DfyV1Packer *packer, uint32_t frames);
void dfy_v1_packer_free(DfyV1Packer *packer);

/*
 * After pictures were appended, `coded` of the chunk's frames in all. The level follows from the mean size of all its
 * pictures; it is foreseen from those that are there, and when that was wrong, packing starts again at the end.
 */
void dfy_v1_packer_grown(DfyV1Packer *packer, uint32_t coded);

/* Whether there is a slice to deflate. */
int dfy_v1_packer_ready(const DfyV1Packer *packer);
/* Deflates a slice. DFY_ERROR_MEMORY or DFY_OK. */
int dfy_v1_packer_step(DfyV1Packer *packer);

#endif
