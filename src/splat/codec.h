/*
 * How splat codecs are made and found.
 *
 * A part is a small table of functions on a context: the quantised frame, the same on both sides, so that errors do
 * not accumulate. A codec is one or two parts (positions and attributes), a serialiser that turns their payload into
 * bytes, and a name; registry.c lists them. To add a codec: write its part in a file of its own, declare it here, and
 * name it in the registry's list.
 */
#ifndef DFY_SPLAT_CODEC_H
#define DFY_SPLAT_CODEC_H

#include "base/bytes.h"
#include "base/status.h"
#include "diffy/splat.h"
#include "splat/history.h"

/* ---------------------------------------------------------------- payloads */

/* Numbers below `limit` (0: all 32 bits). */
typedef struct DfySplatStream {
    uint32_t *symbols;
    size_t count, capacity;
    uint32_t limit;
} DfySplatStream;

enum { DFY_SPLAT_STREAMS = 24 };

/* What a frame is made of: streams in the order they were added, then bytes of parts that code for themselves. */
typedef struct DfySplatPayload {
    DfySplatStream streams[DFY_SPLAT_STREAMS];
    int count, next; /* next: the stream read next */
    DfyBuffer coded;
    uint64_t most; /* reading: symbols of all streams that are believed */
    int level;     /* writing: of zstd or zlib, 0: the usual */
    int failed;    /* no memory, or too many streams */
} DfySplatPayload;

/*
 * Streams shrink without end when all is alike, so few hostile bytes could ask for hours of decoding. A key frame is
 * believed so many symbols and so many more for each of its bytes, which encoders fill up where need be; an inter frame
 * so many, and so many times those of its key frame.
 */
enum { DFY_SPLAT_SYMBOLS = 1 << 20, DFY_SPLAT_SYMBOLS_A_BYTE = 512, DFY_SPLAT_SYMBOLS_AGAIN = 2 };
/* Of all streams. */
uint64_t dfy_payload_symbols(const DfySplatPayload *payload);

void dfy_payload_free(DfySplatPayload *payload);
/* A new stream to append to; NULL (and payload->failed) when there is no room. */
DfySplatStream *dfy_payload_add(DfySplatPayload *payload, uint32_t limit);
void dfy_payload_put(DfySplatPayload *payload, DfySplatStream *stream, uint32_t symbol);
/* The next stream as it is; NULL when there is none. */
const DfySplatStream *dfy_payload_next(DfySplatPayload *payload);
/* The symbols of the next stream, which must have `count` symbols below `limit` (0: any); NULL when it has not. */
const uint32_t *dfy_payload_take(DfySplatPayload *payload, size_t count, uint32_t limit);

/* Small signed numbers as small unsigned ones: 0, -1, 1, -2 ... */
static inline uint32_t dfy_fold(int32_t value) {
    return (uint32_t)value << 1 ^ (uint32_t)(value >> 31);
}
static inline int32_t dfy_unfold(uint32_t value) {
    return (int32_t)(value >> 1) ^ -(int32_t)(value & 1);
}

typedef struct DfySplatSerialiser {
    const char *name;
    int (*write)(const DfySplatPayload *payload, DfyBuffer *buffer, DfyMessage *message);
    int (*read)(DfySplatPayload *payload, const uint8_t *data, size_t size_bytes, DfyMessage *message);
} DfySplatSerialiser;

/* range: adaptive models and the house's range coder; zlib; zstd (where it is built in); coded: as it is. */
extern const DfySplatSerialiser dfy_serialiser_range, dfy_serialiser_zlib, dfy_serialiser_zstd, dfy_serialiser_coded;

/* ---------------------------------------------------------------- parts */

/* A player's build leaves encoders out: their places in the tables are empty there. */
#ifdef DFY_SPLAT_DECODER_ONLY
#define DFY_SPLAT_ENCODER(function) (0 ? (function) : 0)
#else
#define DFY_SPLAT_ENCODER(function) function
#endif

typedef struct DfySplatPart {
    size_t context_bytes; /* of a context, which begins as zeros */
    int (*open)(void *context, const DfySplatSettings *settings, DfyMessage *message);
    /* Looks at all frames of a two-pass encoding before the first is coded; may be NULL. */
    int (*learn)(void *context, const DfySplats *frames, uint32_t count, DfyMessage *message);

    /* Encoder: a frame becomes the context, coded on its own or after the one before; then its payload. */
    int (*key_to_context)(void *context, const DfySplats *frame, DfyMessage *message);
    int (*inter_to_context)(void *context, const DfySplats *frame, DfyMessage *message);
    int (*encode_key)(void *context, DfySplatPayload *payload, DfyMessage *message);
    int (*encode_inter)(void *context, DfySplatPayload *payload, DfyMessage *message);

    /* Of parts whose inter frames may follow their key frame again; NULL: this one's may not. Keeps the context as the
     * key frame left it, which was coded last; makes it so again. Encoder's and decoder's. */
    int (*keep_encoded)(void *context, DfyMessage *message);
    int (*encode_again)(void *context, DfyMessage *message);
    int (*keep_decoded)(void *context, DfyMessage *message);
    int (*decode_again)(void *context, DfyMessage *message);

    /* Decoder: payload to context; both sides: context to a frame, filling what the part is about. */
    int (*decode_key)(void *context, DfySplatPayload *payload, DfyMessage *message);
    int (*decode_inter)(void *context, DfySplatPayload *payload, DfyMessage *message);
    /* Splat i goes to splat to[i] of the frame; NULL: to i. A frame of another size or degree is made anew. */
    int (*context_to_frame)(void *context, DfySplats *frame, const uint32_t *to, DfyMessage *message);
    uint32_t (*count)(const void *context); /* splats, once decoded */
    /* Marks what context_to_frame would change in a frame of the same size, given the same `to`; NULL: all. */
    void (*changes)(const void *context, const uint32_t *to, DfySplatMarks *marks);

    /* Encoder: a distance that positions are kept within, by patches where need be; may be NULL. */
    double (*farthest)(const void *context);
    /* Encoder: what a decoder will give, in the context's order; colours beyond the first only with `rest`. NULL:
     * context_to_frame does it. */
    int (*encoded_to_frame)(void *context, DfySplats *frame, int rest, DfyMessage *message);

    /* Encoder: which splat of the frame each one of the context is; NULL: the same. */
    const uint32_t *(*order)(const void *context);
    void (*close)(void *context);
} DfySplatPart;

struct DfySplatCodec {
    const char *name;             /* in the file; at most 31 bytes */
    const char *description;      /* one line for people */
    const DfySplatPart *parts[2]; /* the second may be NULL */
    const DfySplatSerialiser *serialiser;
};

extern const DfySplatPart dfy_part_tree, dfy_part_xyz, dfy_part_vq, dfy_part_vq_merged;

#endif
