/* What writing and reading a sequence share: a codec at work, and the stream's head. */
#ifndef DFY_SPLAT_SEQUENCE_H
#define DFY_SPLAT_SEQUENCE_H

#include "container/v2.h"
#include "splat/codec.h"

enum { DFY_SPLAT_STREAM_VERSION = 6, DFY_SPLAT_NAME = 31, DFY_SPLAT_KEY = 0, DFY_SPLAT_INTER = 1 };

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

/* Which attributes of the splats that dfy_splat_decoder_changed names may have changed, 1 << DFY_SPLAT_x each. */
unsigned dfy_splat_decoder_attributes(const DfySplatDecoder *decoder);

#endif
