/*
 * Groups of pictures: the frames after one anchor up to and including the next, coded anchor first and then by halves,
 * so that every other picture lies between two that are known. What is said of groups and pictures, apart from their
 * blocks, is written and read here.
 */
#ifndef DFY_VIDEO_GROUP_H
#define DFY_VIDEO_GROUP_H

#include "video/syntax/alf.h"
#include "video/syntax/light.h"
#include "video/syntax/picture.h"

#define DFY_MAX_GROUP 32 /* frames */
#define DFY_MAX_KEPT 64  /* anchors */

typedef struct DfyGroupHeader {
    int frames; /* 1..DFY_MAX_GROUP */
    int still;  /* every frame is the anchor before it once more: nothing else follows */
    int qp;
} DfyGroupHeader;

/* One picture of a group in coding order; numbers count frames after the anchor before the group. */
typedef struct DfyGroupPicture {
    int number;       /* 1..frames */
    int past, future; /* the coded pictures that enclose it; for the anchor past = 0, future = -1 */
    int level;        /* 0: the anchor, 1: the middle, ... */
    int referred;     /* other pictures are predicted from it */
} DfyGroupPicture;

/*
 * The frame of a library (frames that were coded before, such as an earlier cycle's) that each picture of a group may
 * refer to.
 */
typedef struct DfyLibraryMap {
    int frames;                       /* of the library, 0: there is none */
    int32_t index[DFY_MAX_GROUP + 1]; /* by number of the picture: 0..frames - 1, -1: none */
    int32_t last;                     /* what the next index is guessed to follow; 0 at an entry */
} DfyLibraryMap;

/* Fills pictures (frames of them) in coding order. */
void dfy_group_order_pictures(DfyGroupPicture pictures[DFY_MAX_GROUP], int frames);

void dfy_code_group(DfyRangeCoder *coder, DfyContexts *contexts, DfyGroupHeader *header, int previous_qp);

/* The map of a group of so many frames; DFY_ERROR_DAMAGED when it leads out of the library. */
int dfy_code_library_map(DfyRangeCoder *coder, DfyContexts *contexts, DfyLibraryMap *map, int frames);

/* The picture that takes the earliest frame of the library, so that it is played in its order; 0: none takes any. */
int dfy_earliest_of_library(const int32_t index[DFY_MAX_GROUP + 1], int frames);

typedef struct DfyPictureHeader {
    int copy; /* the picture is its first reference once more: no blocks follow */
    int qp;
    int variable_qp;
    int plate;       /* the plate is one of its references */
    uint8_t cdef[2]; /* strengths of the second filter: luma, chroma */
    DfyAlf alf;
    int stored; /* so is the anchor this many before the end of what is kept (1: the last), 0: none */
    DfyLight light[DFY_MAX_REFERENCES]; /* that each reference is used under */
} DfyPictureHeader;

/* level_qp: what qp is coded against. */
void dfy_code_picture(DfyRangeCoder *coder, DfyContexts *contexts, int picture_class, DfyPictureHeader *header,
                      int level_qp);

/* The filters in the loop, on a picture whose blocks are all there; its border is made too. scratch: of the same size.
 */
void dfy_filter_picture(const DfyPictureCoding *picture, const DfyPictureHeader *header, DfyFrame *scratch);

/* Decoded pictures that the next one may refer to. */
typedef struct DfyStore {
    DfyFrame *plate;                      /* NULL: none */
    DfyFrame *kept[DFY_MAX_KEPT];         /* anchors since the entry, the last kept_count of them, oldest first */
    int kept_count, keep;                 /* keep: how many at the most */
    DfyFrame *group[DFY_MAX_GROUP + 1];   /* by number; [0] is the last anchor, NULL at an entry */
    DfyFrame *library[DFY_MAX_GROUP + 1]; /* by number: what the map gives the picture, NULL: nothing */
} DfyStore;

/* What the header says of its references' light, read or written once they are set. */
void dfy_code_lights(DfyRangeCoder *coder, DfyContexts *contexts, int picture_class, int references,
                     DfyPictureHeader *header);

/* References that a picture has under another light while its blocks are predicted. */
typedef struct DfyLitReferences {
    DfyFrame *lit[DFY_MAX_REFERENCES];         /* frames that stand in for them, NULL: they are as they are */
    const DfyFrame *plain[DFY_MAX_REFERENCES]; /* those as they are */
} DfyLitReferences;

/* Makes `frame` reference i under that light, and lends it to the picture. */
void dfy_lend_lit(DfyPictureCoding *picture, DfyLitReferences *references, int i, DfyFrame *frame,
                  const DfyLight *light);
/* Puts reference i back as it is; returns the frame that stood in for it, or NULL. */
DfyFrame *dfy_return_lit(DfyPictureCoding *picture, DfyLitReferences *references, int i);

/* Makes frame what a picture takes from the library: the pixels of `decoded`, and nothing else that was coded with
 * them. */
void dfy_library_picture(DfyFrame *frame, const DfyFrame *decoded);

/* Sets the references of picture from the store: the nearest in time first. A library's stands for a stored one. */
void dfy_picture_references(DfyPictureCoding *picture, const DfyStore *store, const DfyGroupPicture *place,
                            const DfyPictureHeader *header);

/* Keeps a new anchor, which becomes group[0]; returns the one that had to make room, or NULL. */
DfyFrame *dfy_store_keep(DfyStore *store, DfyFrame *anchor);

/* Makes frame a copy of picture's first reference, as if every block were skipped. */
void dfy_picture_repeat(DfyPictureCoding *picture, DfyFrame *frame);

/* The quantiser that a picture's own is coded against. */
static inline int dfy_level_qp(int group_qp, const DfyGroupPicture *place) {
    return group_qp + place->level;
}

static inline int dfy_picture_class(const DfyGroupPicture *picture) {
    return picture->level == 0 ? 0 : picture->referred ? 1 : 2;
}

#endif
