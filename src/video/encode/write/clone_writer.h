/* Clones that were found and are not written yet: they wait for those that go on with them. */
#ifndef DFY_VIDEO_CLONE_WRITER_H
#define DFY_VIDEO_CLONE_WRITER_H

#include "video/encode/lookahead/clone_finder.h"
#include "video/encode/write/segments.h"

typedef struct DfyCloneWriter {
    DfyCloneFinder *finder; /* NULL: no clones are made */
    DfySegments *segments;  /* borrowed: their times are in its pts, and no segment is begun while there are any */
    uint64_t waiting;
} DfyCloneWriter;

/* Whether so many are to be written at once, the last `found` of them being new. */
int dfy_clone_writer_is_full(const DfyCloneWriter *clones, uint64_t found);

/* Writes them, a chunk for each stretch whose sources do not jump back; frames: those that came, coded or clones. */
int dfy_clone_writer_write(DfyCloneWriter *clones, uint64_t frames);

#endif
