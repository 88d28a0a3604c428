/*
 * Mini-groups of pictures: the frames after one anchor up to and including the next, coded anchor first and then by
 * halves, so that every other picture lies between two that are known. Each picture is coded by itself: it needs those
 * that it refers to and the models that one of them has left, nothing else. What is said of groups and pictures, apart
 * from their blocks, is written and read here; where their bytes lie is said in mini_group_record.h.
 */
#ifndef DFY_VIDEO_MINI_GROUP_H
#define DFY_VIDEO_MINI_GROUP_H

#include "video/syntax/alf.h"
#include "video/syntax/picture.h"
#include "video/syntax/weighted_prediction.h"

#define DFY_MAX_MINI_GROUP 32 /* frames */
#define DFY_MAX_ANCHORS 64    /* kept as references */

/* One picture of a group in coding order; numbers count frames after the anchor before the group, which is 0. */
typedef struct DfyMiniGroupPicture {
    int number;       /* 1..frames */
    int past, future; /* the coded pictures that enclose it; for the anchor past = 0, future = -1 */
    int models;       /* it begins with the models that this picture has left: the one of the two coded last */
    int layer;        /* the temporal layer, 0: the anchor, 1: the middle, ... */
    int referred;     /* other pictures are predicted from it */
} DfyMiniGroupPicture;

/*
 * Fills pictures (frames of them) in coding order. layers: how many there are at the most besides the anchor's, the
 * last of which takes all that halving has left; 0: as many as it takes.
 */
void dfy_mini_group_order_pictures(DfyMiniGroupPicture pictures[DFY_MAX_MINI_GROUP], int frames, int layers);

/* The place of picture `number` (1..frames) among the pictures in coding order. */
int dfy_mini_group_place(const DfyMiniGroupPicture pictures[DFY_MAX_MINI_GROUP], int number);

/*
 * The frame of the long-term reference set (frames that were coded before, such as an earlier cycle's) that each
 * picture of a group may refer to.
 */
typedef struct DfyLongTermMap {
    int frames;                            /* of the long-term set, 0: there is none */
    int32_t index[DFY_MAX_MINI_GROUP + 1]; /* by number of the picture: 0..frames - 1, -1: none */
    int32_t last;                          /* what the next index is guessed to follow */
} DfyLongTermMap;

/* What an anchor's bytes say of its group. */
typedef struct DfyMiniGroupHeader {
    int qp;
    DfyLongTermMap map;
} DfyMiniGroupHeader;

#define DFY_FIRST_QP 32 /* that the first group's and a plate's quantisers are told against */

/*
 * What coding a picture has left for those that build on it: the models as they were at its end, and, of an anchor,
 * what it said of its group.
 */
typedef struct DfyCodedState {
    DfyContexts models;
    DfyMiniGroupHeader group;
} DfyCodedState;

/* A frame with room for such a state, NULL when there is no memory. */
DfyFrame *dfy_coded_frame_new(int width, int height);

/*
 * The header of a group of so many frames. before: of the anchor that the group's anchor refers to, NULL: none.
 * long_term_frames: of the segment. DFY_ERROR_DAMAGED when its map leads out of the long-term set.
 */
int dfy_code_mini_group(DfyRangeCoder *coder, DfyContexts *contexts, DfyMiniGroupHeader *header, int frames,
                        const DfyMiniGroupHeader *before, int long_term_frames);

typedef struct DfyPictureHeader {
    int qp;
    int variable_qp;
    int plate;       /* the plate is one of its references */
    uint8_t cdef[2]; /* strengths of the second filter: luma, chroma */
    DfyAlf alf;
    int long_term_anchor; /* so is the anchor this many before the end of those kept (1: the last), 0: none */
    DfyWeight weight[DFY_MAX_REFERENCES]; /* that each reference is used with */
} DfyPictureHeader;

/* Whether an anchor is its first reference once more: no header and no blocks follow then. */
int dfy_code_repeats(DfyRangeCoder *coder, DfyContexts *contexts, int repeats);

/* layer_qp: what qp is coded against. */
void dfy_code_picture(DfyRangeCoder *coder, DfyContexts *contexts, int model_class, DfyPictureHeader *header,
                      int layer_qp);

/* The filters in the loop, on a picture whose blocks are all there; its border is made too. scratch: of the same size.
 */
void dfy_filter_picture(const DfyPictureCoding *picture, const DfyPictureHeader *header, DfyFrame *scratch);

/* The weights of the header's references, read or written once they are set. */
void dfy_code_weights(DfyRangeCoder *coder, DfyContexts *contexts, int model_class, int references,
                      DfyPictureHeader *header);

/* The weighted references of a picture while its blocks are predicted. */
typedef struct DfyWeightedReferences {
    DfyFrame *frames[DFY_MAX_REFERENCES];      /* frames that stand in for them, NULL: they are as they are */
    const DfyFrame *plain[DFY_MAX_REFERENCES]; /* those as they are */
} DfyWeightedReferences;

/* Makes `frame` reference i with that weight, and lends it to the picture. */
void dfy_lend_weighted(DfyPictureCoding *picture, DfyWeightedReferences *references, int i, DfyFrame *frame,
                       const DfyWeight *weight);
/* Puts reference i back as it is; returns the frame that stood in for it, or NULL. */
DfyFrame *dfy_return_weighted(DfyPictureCoding *picture, DfyWeightedReferences *references, int i);

/* A picture that may be referred to, and its place in time; frame NULL: there is none. */
typedef struct DfyReference {
    const DfyFrame *frame;
    int32_t order;
} DfyReference;

/* All that a picture may refer to. */
typedef struct DfyReferenceSources {
    DfyReference past, future;                /* those that enclose it; no future: it is an anchor */
    DfyReference before;                      /* of anchors that refer to the one before: the one before that */
    const DfyFrame *long_term;                /* that the group's map names */
    const DfyFrame *plate, *long_term_anchor; /* those that its header names */
} DfyReferenceSources;

/* Sets the references of picture: the nearest in time first. The long-term set's frame stands for a kept anchor. */
void dfy_picture_references(DfyPictureCoding *picture, const DfyReferenceSources *sources);

/* Makes frame a copy of picture's first reference, as if every block were skipped. */
void dfy_picture_repeat(DfyPictureCoding *picture, DfyFrame *frame);

/* The quantiser that a picture's own is coded against. */
static inline int dfy_layer_qp(int group_qp, const DfyMiniGroupPicture *place) {
    return group_qp + place->layer;
}

static inline int dfy_picture_class(const DfyMiniGroupPicture *picture) {
    return picture->layer == 0 ? 0 : picture->referred ? 1 : 2;
}

#endif
