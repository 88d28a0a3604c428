/* What writing and reading a sequence share: a codec at work, and the stream's head. */
#ifndef DFY_SPLAT_SEQUENCE_H
#define DFY_SPLAT_SEQUENCE_H

#include "container/v2.h"
#include "splat/codec.h"
#include "splat/patches.h"

enum {
    DFY_SPLAT_STREAM_VERSION = 7,
    DFY_SPLAT_NAME = 31,
    /* Kinds of frames: on their own, after the frame before, or after the last key frame (see `access`). */
    DFY_SPLAT_KEY = 0,
    DFY_SPLAT_INTER = 1,
    DFY_SPLAT_ACCESS = 2
};

/* Sections of a frame before its codec's bytes, each its length and its bytes: a bit each in the frame's second byte.
 */
enum { DFY_SPLAT_PATCHED = 1, DFY_SPLAT_ORDERED = 2, DFY_SPLAT_SECTIONS = 2 };

/* A bit of the stream head's flags. */
enum { DFY_SPLAT_ORDER_KEPT = 1 };

/* A codec with its parts' contexts. */
typedef struct DfySplatWork {
    const DfySplatCodec *codec;
    void *contexts[2];
} DfySplatWork;

/* Opens the parts; settings are NULL when decoding. */
int dfy_splat_work_open(DfySplatWork *work, const DfySplatCodec *codec, const DfySplatSettings *settings,
                        DfyMessage *message);
void dfy_splat_work_close(DfySplatWork *work);

/* Whether frames can follow the key frame again with a codec. */
static inline int dfy_splat_has_access(const DfySplatCodec *codec) {
    return codec->parts[0]->decode_again && (!codec->parts[1] || codec->parts[1]->decode_again);
}

/* What stands beside the codec's context after a frame. All zero is nothing. */
typedef struct DfySplatBeside {
    DfySplatPatches patches;
    uint32_t *order; /* NULL: none */
    uint32_t order_count;
} DfySplatBeside;

int dfy_splat_beside_copy(DfySplatBeside *out, const DfySplatPatches *patches, const uint32_t *order,
                          uint32_t order_count);
void dfy_splat_beside_free(DfySplatBeside *beside);

/* Which attributes of the splats that dfy_splat_decoder_changed names may have changed, 1 << DFY_SPLAT_x each. */
unsigned dfy_splat_decoder_attributes(const DfySplatDecoder *decoder);

#endif
