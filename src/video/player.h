/*
 * Plays the coded frames of a version 2 file, that is what its segments hold: in order, or from any frame on. What
 * lies between the segments (clones, damage) is the reader's.
 */
#ifndef DFY_VIDEO_PLAYER_H
#define DFY_VIDEO_PLAYER_H

#include "container/v2.h"
#include "video/stream.h"
#include "video/syntax/frame.h"

typedef struct DfyPlayer DfyPlayer;

/* file, stream and message are borrowed. NULL when there is no memory. */
DfyPlayer *dfy_player_new(DfyV2Reader *file, const DfyStream *stream, DfyMessage *message);
void dfy_player_free(DfyPlayer *player);

/*
 * Decodes frame, by going on from where the player stands when that is near, else from the entry before it.
 * DFY_ERROR_DAMAGED, without a sentence, when that can't be done; DFY_ERROR_MEMORY and DFY_ERROR_IO with one.
 */
int dfy_player_go(DfyPlayer *player, uint64_t frame);

/* The same, but decodes little of what lies between, for one who will jump again. */
int dfy_player_jump(DfyPlayer *player, uint64_t frame);

/* The frame that the last dfy_player_go or dfy_player_jump was for, valid until the next; and its time. */
const DfyFrame *dfy_player_frame(const DfyPlayer *player);
int64_t dfy_player_pts(const DfyPlayer *player);

/* Bytes held at the worst. */
uint64_t dfy_player_bytes(const DfyStream *stream);

/* Chunks that hold frames. */
static inline int dfy_holds_frames(const DfyV2Entry *entry) {
    return entry->frames && (entry->type == DFY_CHUNK_SEGMENT || entry->type == DFY_CHUNK_CLONE);
}

#endif
