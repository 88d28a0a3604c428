/* Where the blocks of a decoded picture came from, as diffy.h tells it: for looking at, never for decoding. */
#ifndef DFY_VIDEO_ORIGINS_H
#define DFY_VIDEO_ORIGINS_H

#include "video/syntax/mini_group.h"

/* Fills the frame of a picture whose blocks are all known, repeated pictures included; its references are `sources`. */
void dfy_note_origins(const DfyPictureCoding *picture, const DfyReferenceSources *sources);

#endif
