/* tree-range, encoder: frames to bytes. */
#ifndef DFY_SPLAT_TREE_ENCODE_H
#define DFY_SPLAT_TREE_ENCODE_H

#include "splat/tree/choose.h"

typedef struct DfyTreeEncoder {
    double errors[DFY_SPLAT_ATTRIBUTES]; /* wanted RMS */
    int effort;                          /* 1..9 */
    double place_error;                  /* aimed at in the last key frame, in steps */
    int columns;                         /* the last frame was coded in columns */
    DfyTreeHull hull;                    /* of all frames, when they were looked at; else empty */
    DfyTreeState state;                  /* what the decoder will hold; its colours, once sh is gone */
    int16_t *sh;     /* of a key frame without an inter frame behind it so far, see dfy_tree_settle */
    uint32_t *order; /* splat i of the state is splat order[i] of the last frame */
    DfySplats last;  /* the last frame as it came */
    float (*square)[DFY_SPLAT_ATTRIBUTES]; /* each splat's squared errors, as they count into the RMS; NULL before
                                              dfy_tree_settle */
    double *analysis;                      /* from colour coefficients to the grid's transform */
    struct {                               /* what the key frame left, see dfy_tree_encoder_keep */
        DfyTreeState state;
        uint32_t *order;
        DfySplats last;
        float (*square)[DFY_SPLAT_ATTRIBUTES];
    } kept;
} DfyTreeEncoder;

/* Appends a frame's bytes to payload. An inter frame needs a frame before it, of the same degree. */
int dfy_tree_encode_key(DfyTreeEncoder *encoder, const DfySplats *splats, DfyBuffer *payload, DfyMessage *message);
int dfy_tree_encode_inter(DfyTreeEncoder *encoder, const DfySplats *splats, DfyBuffer *payload, DfyMessage *message);
/* Colours of a key frame and its splats' errors, which are not made before they are needed; 0 or a status. */
int dfy_tree_settle(DfyTreeEncoder *encoder, DfyMessage *message);
/* Keeps what the key frame left that was coded last; makes it what the next inter frame follows. */
int dfy_tree_encoder_keep(DfyTreeEncoder *encoder, DfyMessage *message);
int dfy_tree_encoder_return(DfyTreeEncoder *encoder, DfyMessage *message);
void dfy_tree_encoder_free(DfyTreeEncoder *encoder);

/* The decoder's half. */
int dfy_tree_decode_key(DfyTreeState *state, const uint8_t *data, size_t size_bytes, DfyMessage *message);
int dfy_tree_decode_inter(DfyTreeState *state, const uint8_t *data, size_t size_bytes, DfyMessage *message);

#endif
