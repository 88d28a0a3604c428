/* The player's state, and what its parts use of each other: one decodes when asked, one ahead. */
#ifndef DFY_VIDEO_PLAYER_PARTS_H
#define DFY_VIDEO_PLAYER_PARTS_H

#include "video/decode/ahead.h"
#include "video/decode/picture_decoder.h"
#include "video/decode/player.h"
#include "video/decode/run.h"
#include "video/syntax/lossless.h"

/* Pictures of groups at hand, anchors apart: those that enclose a leaf of the largest group, and the last few shown. */
#define DFY_PLAYER_PICTURES 8
#define DFY_ANCHORS_AHEAD 2
#define DFY_BEFORE_AHEAD 2                       /* frames gone to in order, before other threads decode ahead */
#define DFY_MORE_ANCHORS (2 + DFY_ANCHORS_AHEAD) /* than the stream keeps */

/* Neither done nor failed, DFY_OK, DFY_END nor an error: a picture more is to be decoded than the limit allows. */
#define DFY_PLAYER_PAUSED 3

/* A decoded picture at hand. */
typedef struct DfySlot {
    uint64_t number; /* of the frame, in the file */
    const DfyFrame *frame;
    uint64_t stamp; /* when it was wanted last; of a picture that is weighed, `worn` then and its cost */
    uint64_t cost;  /* of decoding it once more, 0: not weighed */
} DfySlot;

/* Lossless pictures follow one another: they are decoded in order. */
typedef struct DfyLosslessState {
    DfyLossless *pictures; /* NULL: the stream is not lossless */
    DfyRangeCoder coder;
    DfyBuffer payload;
    DfySegment segment;
    size_t chunk;
    uint64_t next; /* frame that the coder stands before */
    int open;      /* it stands somewhere */
    DfyTimes times;
} DfyLosslessState;

struct DfyPlayer {
    DfyV2Reader *file;
    const DfyStream *stream;
    DfyMessage *message;
    DfyPictureDecoder *decoder; /* NULL when the stream is lossless */
    DfyLosslessState lossless;
    DfyRun run;
    uint64_t run_first, run_end; /* frames from the run's random access point to the next one */
    uint64_t own_end;   /* for random access: where the segment ends that the run was begun for; run_end is behind it
                           once the run goes on */
    size_t plate_chunk; /* index of the plate's, 0: none */
    const DfyFrame *plate;
    DfyBuffer plate_bytes;
    DfySlot anchors[DFY_MAX_ANCHORS + DFY_MORE_ANCHORS], pictures[DFY_PLAYER_PICTURES + DFY_MAX_ANCHORS];
    uint64_t clock;
    uint64_t worn;        /* stamp of the weighed picture that went last */
    int depth;            /* of anchors being fetched by others */
    const DfyFrame *last; /* gone to, held */
    uint64_t gone;        /* the frame gone to last, once there is one */
    int in_order;         /* frames gone to one after the other up to it, 0: none */
    int64_t pts;
    uint64_t decoded;     /* pictures */
    uint64_t limit;       /* so many may be; what needs one more is put off: DFY_PLAYER_PAUSED */
    int repeats;          /* see dfy_player_repeats */
    DfyPlayer *long_term; /* plays what segments refer to; there once it is needed */
    int threads;          /* that may be used */
    int at_once;          /* from the first frame on, not only once frames are gone to in order */
    DfyAhead *ahead;      /* what they do; there once they are used */
    int is_long_term_set; /* it is such a player itself: what it plays refers to no long-term set */
};

/* ---- player.c ---- */

/* The sentence for DFY_ERROR_MEMORY, which it returns. */
int dfy_player_no_memory(DfyPlayer *player);
/* The number of an anchor's frame, in the file. */
uint64_t dfy_player_number_of(const DfyPlayer *player, int32_t anchor);
/* A group's anchor, or its picture `number`: its place in the group, and where what it refers to stands in time. */
DfyCodedPicture dfy_player_anchor_place(const DfyPlayer *player, const DfyRunMiniGroup *group);
DfyCodedPicture dfy_player_picture_place(const DfyPlayer *player, const DfyRunMiniGroup *group, int number);
/* Whether a picture's bytes may name the anchor so many back, of those that there are when it is coded. */
int dfy_player_may_name_anchor(const DfyPlayer *player, int32_t anchors, int back);
/* Fills in where the bytes of a picture of the group are, and what the stream says of it. */
int dfy_player_describe(DfyPlayer *player, const DfyRunMiniGroup *group, size_t at, DfyCodedPicture *coded,
                        const DfyBuffer **payload);
/* Decode what is asked for, unless it is at hand. Hold *frame. */
int dfy_player_get_anchor(DfyPlayer *player, int32_t anchor, const DfyFrame **frame);
int dfy_player_get_long_term(DfyPlayer *player, uint64_t segment_first, int32_t index, const DfyFrame **frame);

/* ---- player_find.c ---- */

/* Finds the frame's group, in the run that it belongs to. Errors are dfy_player_go's. */
int dfy_player_find_group(DfyPlayer *player, uint64_t frame, size_t *group);
/*
 * The segment to begin with for the frame, file.count when there is none; [*first, *end) are those it serves, as far as
 * is known: of a stream that only goes forward more may come.
 */
size_t dfy_player_access_point_before(const DfyPlayer *player, uint64_t frame, uint64_t *first, uint64_t *end);
/* For random access: lets a run that frames are gone to in order of go on up to the next random access point. */
void dfy_player_extend_run(DfyPlayer *player);
/* Of a run that went on, what was looked at is left: what lies behind takes fewer reads from its own segment. */
void dfy_player_end_run_here(DfyPlayer *player);

/* ---- player_slots.c ---- */

/* What is at hand, held; NULL: nothing. */
const DfyFrame *dfy_player_anchor_at_hand(DfyPlayer *player, uint64_t number);
const DfyFrame *dfy_player_picture_at_hand(DfyPlayer *player, uint64_t number);
int dfy_player_is_at_hand(const DfyPlayer *player, int32_t anchor);
/* Keeps what was decoded; the caller goes on holding it. */
void dfy_player_keep_anchor(DfyPlayer *player, uint64_t number, const DfyFrame *frame);
void dfy_player_keep_picture(DfyPlayer *player, uint64_t number, const DfyFrame *frame, const DfyCodedPicture *coded);
void dfy_player_forget_pictures(DfyPlayer *player);

/* ---- player_lossless.c ---- */

/* Decodes up to a lossless frame, and finds its time. Errors are dfy_player_go's. */
int dfy_player_go_lossless(DfyPlayer *player, uint64_t frame);

/* ---- player_ahead.c ---- */

/*
 * The frame as other threads make it, and more of those that follow; held. DFY_ERROR_DAMAGED: it can't be had so, and
 * nothing is at work any more. DFY_PLAYER_PAUSED: where there is a limit, a picture was waited for, and more are at
 * work.
 */
int dfy_player_get_ahead(DfyPlayer *player, uint64_t frame, const DfyFrame **found);
/* Ends all that is at work; what is done is kept. */
void dfy_player_stop_ahead(DfyPlayer *player);

#endif
