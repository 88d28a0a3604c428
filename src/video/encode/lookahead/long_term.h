/*
 * The long-term reference set: frames of one run of groups, coded without any such set, that later groups may take
 * whole pictures from, such as the same moment of an earlier cycle. While the run is coded its code is noted, and what
 * its sources look like; once it is closed, the frame most like a new one is found by looks and decoded from the code,
 * as a reader of the file does. No picture is held, so that a cycle may be long.
 */
#ifndef DFY_VIDEO_LONG_TERM_H
#define DFY_VIDEO_LONG_TERM_H

#include "video/syntax/frame.h"
#include "video/syntax/stream.h"

typedef struct DfyLongTermSet DfyLongTermSet;

/* stream and message are borrowed. NULL when there is no memory. */
DfyLongTermSet *dfy_long_term_new(const DfyStream *stream, DfyMessage *message);
void dfy_long_term_free(DfyLongTermSet *set);

/* A plate was written, the `plates`-th of the file. 0 or DFY_ERROR_MEMORY, as all below. */
int dfy_long_term_note_plate(DfyLongTermSet *set, const uint8_t *data, size_t size, unsigned plates);
/* A random access point: what was noted of the run before is forgotten, and this frame is the first of another. */
int dfy_long_term_begin(DfyLongTermSet *set, uint64_t first_frame);
/* The next frames of the run, which have pyramids, are coded; and a segment of it is written. */
int dfy_long_term_note_frames(DfyLongTermSet *set, DfyFrame *const *sources, int frames);
int dfy_long_term_note_segment(DfyLongTermSet *set, const DfyBuffer *payload, unsigned flags,
                               const DfySegment *segment);
/* Frames of the run were left out, as clones are: it will be no set, whose frames follow one another. */
void dfy_long_term_note_gap(DfyLongTermSet *set);
/* The run is the long-term set from now on; its segments are written. */
void dfy_long_term_close(DfyLongTermSet *set);

int dfy_long_term_is_closed(const DfyLongTermSet *set);
uint64_t dfy_long_term_first(const DfyLongTermSet *set);
/* Frames noted; 0 when they were too many, or their code too long, to be a long-term set. */
int dfy_long_term_frames(const DfyLongTermSet *set);

/* What a picture might take from the long-term set. */
typedef struct DfyLongTermMatch {
    int32_t index;         /* 0..frames - 1, -1: nothing */
    uint64_t before, gain; /* how unlike those that enclose it the picture is, and by how much less unlike the match */
} DfyLongTermMatch;

/*
 * The noted frame that a picture might be predicted from: nearer to it, by looks, than those that enclose it (NULL:
 * none) are.
 */
DfyLongTermMatch dfy_long_term_find(DfyLongTermSet *set, const DfyFrame *source, const DfyFrame *past,
                                    const DfyFrame *future);

/* Decodes a frame of a closed long-term set; *found is valid until the next call. DFY_ERROR_MEMORY with a sentence. */
int dfy_long_term_fetch(DfyLongTermSet *set, int32_t index, const DfyFrame **found);

#endif
