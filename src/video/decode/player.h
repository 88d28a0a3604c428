/*
 * Decodes the coded frames of a version 2 file, that is what its segments hold, in any order: a frame takes those that
 * it refers to and no others. What is likely to be wanted again is kept. What lies between the segments (clones,
 * damage) is the reader's.
 */
#ifndef DFY_VIDEO_PLAYER_H
#define DFY_VIDEO_PLAYER_H

#include "container/v2.h"
#include "video/syntax/frame.h"
#include "video/syntax/stream.h"

typedef struct DfyPlayer DfyPlayer;

/* file, stream and message are borrowed. NULL when there is no memory. */
DfyPlayer *dfy_player_new(DfyV2Reader *file, const DfyStream *stream, DfyMessage *message);
void dfy_player_free(DfyPlayer *player);

/*
 * Threads to decode on, the caller's own among them: once frames are gone to in order, others decode ahead. at_once:
 * from the first frame on they share what leads to it.
 */
void dfy_player_use_threads(DfyPlayer *player, int threads, int at_once);

/*
 * Decodes frame. DFY_ERROR_DAMAGED, without a sentence, when that can't be done; DFY_ERROR_MEMORY and DFY_ERROR_IO with
 * one.
 */
int dfy_player_go(DfyPlayer *player, uint64_t frame);

/*
 * Does a part of what dfy_player_go does: decodes one picture, or a few where they are small parts. DFY_OK: there is
 * more to be done; DFY_END: dfy_player_go has nothing left to decode, or will say what is wrong.
 */
int dfy_player_approach(DfyPlayer *player, uint64_t frame);

/* The frame that the last dfy_player_go was for, valid until the next; and its time. */
const DfyFrame *dfy_player_frame(const DfyPlayer *player);
int64_t dfy_player_pts(const DfyPlayer *player);

/* Whether that frame is the one before it once more, by the file's own word. */
int dfy_player_repeats(const DfyPlayer *player);

/* Whether the bytes of the frame, and of all that it is made from, are whole as far as checks tell. */
int dfy_player_is_whole(DfyPlayer *player, uint64_t frame);

/* Bytes held at the worst, on so many threads. */
uint64_t dfy_player_bytes(const DfyStream *stream, int threads);

/* Chunks that hold frames. */
static inline int dfy_holds_frames(const DfyV2Row *row) {
    return row->frames && (row->type == DFY_CHUNK_SEGMENT || row->type == DFY_CHUNK_CLONE);
}

/* Pictures decoded so far, plates included: for tests of what a frame costs. */
uint64_t dfy_player_pictures(const DfyPlayer *player);

#endif
