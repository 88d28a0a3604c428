/* The adaptive models of a video stream: one struct of nothing but DfyBit, so that it can be copied and reset whole. */
#ifndef DFY_VIDEO_CONTEXTS_H
#define DFY_VIDEO_CONTEXTS_H

#include "entropy/range.h"
#include "video/syntax/frame.h"
#include "video/syntax/global_motion.h"
#include "video/syntax/weighted_prediction.h"

#define DFY_MERGE_CANDIDATES 6
#define DFY_MOST_PROBABLE_MODES 6
#define DFY_ALF_STEPS 30      /* that a weight of the adaptive loop filter differs at the most from its origin */
#define DFY_PICTURE_CLASSES 3 /* anchors and plates; pictures others refer to; the rest */
/* Models tell anchors and plates from the rest: what nothing refers to hands on no models, so it must share them. */
#define DFY_MODEL_CLASSES 2

typedef struct DfyResidualContexts {
    DfyBit last[2][4][16];       /* x or y; by log2 - 2: position group in unary */
    DfyBit subblock[2][3];       /* large transform?; how many of the right and lower one are coded */
    DfyBit significant[2][3][5]; /* large transform?; diagonal class; neighbourhood */
    DfyBit greater1[4][5];       /* diagonal class; neighbourhood */
    DfyBit greater2[4][5];
    DfyBit remainder[3][64]; /* neighbourhood class */
} DfyResidualContexts;

typedef struct DfyAlfContexts {
    DfyBit on[DFY_MODEL_CLASSES], from[DFY_MODEL_CLASSES], changes[DFY_MODEL_CLASSES];
    DfyBit difference[DFY_ALF_TAPS][DFY_ALF_STEPS + 1]; /* magnitude in unary, then its sign */
} DfyAlfContexts;

typedef struct DfyContexts {
    /* groups of pictures */
    DfyBit group_qp[64];
    DfyBit anchor_repeats[1], picture_qp[DFY_MODEL_CLASSES][64], picture_flags[4], long_term_anchor[64];
    DfyBit long_term_named[2], long_term_step[64];
    DfyBit cdef[DFY_MODEL_CLASSES][2][8];
    DfyAlfContexts alf;
    DfyBit weighted[DFY_MODEL_CLASSES];
    DfyWeightContexts weight;
    DfyGlobalContexts global;
    /* blocks */
    DfyBit split[DFY_MODEL_CLASSES][3][3][4];   /* size; references busy there; neighbours smaller */
    DfyBit skip[DFY_MODEL_CLASSES][4][3][2][3]; /* size; references busy there; intra beside it; skipped beside it */
    DfyBit intra[DFY_MODEL_CLASSES][3];
    DfyBit part[4][2];
    DfyBit merge[4];
    /* skipped; references still there; the consensus of neighbours; the candidate stands still; its place */
    DfyBit merge_index[DFY_MODEL_CLASSES][2][3][4][3][DFY_MERGE_CANDIDATES];
    DfyBit two_references[DFY_MODEL_CLASSES][4];
    DfyBit reference[DFY_MODEL_CLASSES][3][DFY_MAX_REFERENCES]; /* the only one, the first or second of two */
    DfyBit predictor[1];
    DfyBit vector_zero[2][2], vector_size[2][2][64]; /* axis; the predictor is 0 */
    DfyBit intra_probable[2], intra_which[DFY_MOST_PROBABLE_MODES], intra_rest[32];
    DfyBit chroma_same[2], chroma_mode[4];
    DfyBit residual_any[3][4]; /* own motion, merged motion, intra; size */
    DfyBit transform_split[2][4];
    DfyBit coded_luma[2][2][4];   /* intra; split; log2 - 2 */
    DfyBit coded_chroma[3][2][4]; /* Cb, Cr without and with Cb; luma is coded; log2 - 2 */
    DfyBit dst[3];                /* log2 - 2 */
    DfyBit qp_delta[64], qp_sign;
    DfyResidualContexts residual[2][2]; /* luma or chroma; inter or intra */
    DfyBit intra_part[2][3][2];         /* with references; size */
} DfyContexts;

/* The state every independently decodable run of pictures begins with. */
void dfy_contexts_reset(DfyContexts *contexts);
#ifdef DFY_TRAIN
/* In a build for tools/train: a picture begins with models that another left, NULL: with new ones. */
void dfy_train_begin(const DfyContexts *models, const DfyContexts *from);
#endif

#endif
