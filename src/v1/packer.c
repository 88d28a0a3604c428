#include "v1/packer.h"

#include "base/status.h"

#define SMALL_PICTURE 8192 /* bytes before deflate; level 8 takes twice as long as 7, for 3 percent: it is for */
#define SMALL_LEVEL 8      /* cycles whose pictures are small in the mean, which are soon done */
#define LARGE_LEVEL 7
#define SLICE 32768     /* half of zlib's window, which is what it reads on to */
#define FORESEEN_FROM 4 /* a quarter of a chunk's pictures tells what the level will be */

void dfy_v1_packer_begin(DfyV1Packer *packer, uint32_t frames) {
    packer->payload.size = packer->deflated.size = packer->taken = 0;
    packer->frames = frames;
    packer->level = packer->complete = packer->done = 0;
}

void dfy_v1_packer_free(DfyV1Packer *packer) {
    if (packer->zlib_ready) deflateEnd(&packer->zlib);
    dfy_buffer_free(&packer->payload);
    dfy_buffer_free(&packer->deflated);
    *packer = (DfyV1Packer){0};
}

void dfy_v1_packer_grown(DfyV1Packer *packer, uint32_t coded) {
    packer->complete = coded == packer->frames;
    if (!packer->complete && packer->level) return;
    if (packer->complete || coded >= packer->frames / FORESEEN_FROM + 1) {
        int level = packer->payload.size / coded < SMALL_PICTURE ? SMALL_LEVEL : LARGE_LEVEL;
        if (level != packer->level) packer->taken = packer->deflated.size = 0;
        packer->level = level;
    } else if (packer->payload.size / packer->frames >= SMALL_PICTURE) {
        packer->level = LARGE_LEVEL;
    }
}

int dfy_v1_packer_ready(const DfyV1Packer *packer) {
    return packer->level && !packer->done && (packer->complete || packer->payload.size - packer->taken >= SLICE);
}

/* A stream of the packer's level. */
static int begin_stream(DfyV1Packer *packer) {
    if (packer->zlib_ready) deflateEnd(&packer->zlib);
    packer->zlib = (z_stream){0};
    packer->zlib_ready = deflateInit(&packer->zlib, packer->level) == Z_OK;
    return packer->zlib_ready ? DFY_OK : DFY_ERROR_MEMORY;
}

int dfy_v1_packer_step(DfyV1Packer *packer) {
    if (!packer->taken && begin_stream(packer)) return DFY_ERROR_MEMORY;
    z_stream *zlib = &packer->zlib;
    size_t left = packer->payload.size - packer->taken, slice = left < SLICE ? left : SLICE;
    int flush = packer->complete && slice == left ? Z_FINISH : Z_NO_FLUSH;
    zlib->next_in = packer->payload.data + packer->taken;
    zlib->avail_in = (uInt)slice;
    packer->taken += slice;
    do {
        uint8_t *room = dfy_buffer_reserve(&packer->deflated, SLICE);
        if (!room) return DFY_ERROR_MEMORY;
        zlib->next_out = room;
        zlib->avail_out = SLICE;
        int status = deflate(zlib, flush);
        packer->deflated.size += SLICE - zlib->avail_out;
        packer->done = status == Z_STREAM_END;
        if (status == Z_STREAM_ERROR) return DFY_ERROR_MEMORY;
    } while (!zlib->avail_out && !packer->done);
    return DFY_OK;
}
