/*
 * Tiles of a picture: blocks of 64x64 whose pixels have an identity. A tile that is a reference's once more keeps its
 * identity, so that what did not change need not be copied, filtered or looked at again: a frame that is used anew for
 * the next picture mostly holds its still tiles already.
 */
#ifndef DFY_VIDEO_TILES_H
#define DFY_VIDEO_TILES_H

#include "video/syntax/frame.h"

#define DFY_TILE 64 /* pixels of luma; a superblock */

/* Identities that no tile has had before, the first of `count` that follow one another. Thread-safe. */
uint64_t dfy_new_tiles(int count);

/* Gives all tiles of a frame whose pixels were made anew new identities, or (unknown) none: 0. */
void dfy_renew_tiles(DfyFrame *frame);
void dfy_forget_tiles(DfyFrame *frame);

/* Which of frames (count of them) has most tiles that are `like`'s, the last one where `like` is NULL; -1: there is
 * none. */
int dfy_most_alike(DfyFrame *const *frames, int count, const DfyFrame *like);

/* Makes tile (column, row) of dst that of src, the border next to it too. */
void dfy_copy_tile(DfyFrame *dst, const DfyFrame *src, int column, int row);

/* Repeats the outermost pixels of a tile at the picture's side into the border there, so many luma pixels far. */
void dfy_extend_tile(DfyFrame *frame, int column, int row, int border);

/* Makes all pixels of dst those of src, copying only tiles that are not known to be the same. */
void dfy_frame_become(DfyFrame *dst, const DfyFrame *src);

#endif
