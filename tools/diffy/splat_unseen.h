/* `diffy splat encode --drop-unseen`: splats that no view sees, and what leaving them out costs in pictures. */
#ifndef DIFFY_SPLAT_UNSEEN_H
#define DIFFY_SPLAT_UNSEEN_H

#include "diffy/splat.h"

typedef struct SplatUnseen SplatUnseen;

/*
 * views: "around", or a cameras.json as INRIA's training writes it. least: the part of a pixel, 0..1, from which on a
 * splat counts as seen. Complains by itself; NULL when it can't be opened.
 */
SplatUnseen *splat_unseen_open(const char *views, double least);
/* First all models are looked at, in order ... 0 or an exit status, after complaining. */
int splat_unseen_look(SplatUnseen *unseen, const DfySplats *splats);
/* ... then what is unseen in all of them is taken out of each (of each alone, where their counts differ). */
int splat_unseen_drop(SplatUnseen *unseen, DfySplats *splats);
/* Says how many were dropped, and how pictures changed. */
void splat_unseen_tell(const SplatUnseen *unseen);
void splat_unseen_close(SplatUnseen *unseen);

#endif
