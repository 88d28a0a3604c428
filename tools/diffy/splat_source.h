/* Where splat models come from: a folder, a zip, a numbered pattern, one model file, or a .dfy splat stream. */
#ifndef DIFFY_SPLAT_SOURCE_H
#define DIFFY_SPLAT_SOURCE_H

#include "cli.h"
#include "diffy/splat.h"

typedef struct SplatSource SplatSource;

/* Complains by itself; NULL when it can't be opened. */
SplatSource *splat_source_open(const char *path);
/*
 * first, then pattern with the numbers from start on (negative: 0, or behind the first), for as long as there are such
 * files; first may be NULL. A number that is missing before others is an error.
 */
SplatSource *splat_source_pattern(const char *first, const char *pattern, int start);
/* Frames, 0 when not known before the end. */
uint64_t splat_source_frames(const SplatSource *source);
/* The next model, which the caller frees: 0, 1 at the end, or -1 after complaining. */
int splat_source_next(SplatSource *source, DfySplats *splats);
/* Complains that it ended before the wanted number of frames. */
int splat_source_lacks(const SplatSource *source, uint64_t got, uint64_t wanted);
/* quiet: what files hold and models do not was told already. */
void splat_source_hush(SplatSource *source, int quiet);
void splat_source_close(SplatSource *source);

/* Whether a name is a model's: .ply, .spz, .sog, .glb or .splat. */
int is_splat_name(const char *name);
/* Whether pattern holds exactly one %d (with width and zeros at most). */
int is_number_pattern(const char *pattern);

#endif
