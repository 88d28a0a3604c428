/*
 * What an encoder knows of a library: frames of one run of groups, coded without any, that later groups may take whole
 * pictures from, such as the same moment of an earlier cycle. While the run is coded its code is noted, and what its
 * sources look like; once it is closed, the frame most like a new one is found by looks and decoded from the code, as a
 * reader of the file does. No picture is held, so that a cycle may be long.
 */
#ifndef DFY_VIDEO_LIBRARY_H
#define DFY_VIDEO_LIBRARY_H

#include "video/stream.h"
#include "video/syntax/frame.h"

typedef struct DfyLibrary DfyLibrary;

/* stream and message are borrowed. NULL when there is no memory. */
DfyLibrary *dfy_library_new(const DfyStream *stream, DfyMessage *message);
void dfy_library_free(DfyLibrary *library);

/* A plate was written, the `plates`-th of the file. 0 or DFY_ERROR_MEMORY, as all below. */
int dfy_library_note_plate(DfyLibrary *library, const uint8_t *data, size_t size, unsigned plates);
/* An entry: what was noted of the run before is forgotten, and this frame is the first of another. */
int dfy_library_begin(DfyLibrary *library, uint64_t first_frame);
/* The next frames of the run, whose thumbnails were made, are coded; and a segment of it is written. */
int dfy_library_note_frames(DfyLibrary *library, DfyFrame *const *sources, int frames);
int dfy_library_note_segment(DfyLibrary *library, const DfyBuffer *payload, unsigned flags, const DfySegment *segment);
/* The run is the library from now on; its segments are written. */
void dfy_library_close(DfyLibrary *library);

int dfy_library_is_closed(const DfyLibrary *library);
uint64_t dfy_library_first(const DfyLibrary *library);
/* Frames noted; 0 when they were too many, or their code too long, to be a library. */
int dfy_library_frames(const DfyLibrary *library);

/* What a picture might take from the library. */
typedef struct DfyLibraryMatch {
    int32_t index;         /* 0..frames - 1, -1: nothing */
    uint64_t before, gain; /* how unlike those that enclose it the picture is, and by how much less unlike the match */
} DfyLibraryMatch;

/*
 * The noted frame that a picture might be predicted from: nearer to it, by looks, than those that enclose it (NULL:
 * none) are.
 */
DfyLibraryMatch dfy_library_find(DfyLibrary *library, const DfyFrame *source, const DfyFrame *past,
                                 const DfyFrame *future);

/* Decodes a frame of a closed library; *found is valid until the next call. DFY_ERROR_MEMORY with a sentence. */
int dfy_library_fetch(DfyLibrary *library, int32_t index, const DfyFrame **found);

#endif
