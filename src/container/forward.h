/*
 * A stream that only goes forward, such as a pipe, read a chunk at a time; and the chunks that came last, which can be
 * read again as a file can: decoding looks back, though seldom far.
 */
#ifndef DFY_CONTAINER_FORWARD_H
#define DFY_CONTAINER_FORWARD_H

#include "base/bytes.h"
#include "base/status.h"

/* Bytes of chunks that are kept at the most; the oldest are given up first. Hours of most recordings. */
#define DFY_FORWARD_BYTES ((uint64_t)128 << 20)

typedef struct DfyForwardPiece {
    uint64_t offset_bytes;
    DfyBuffer bytes; /* empty: given up */
    int pinned;
} DfyForwardPiece;

typedef struct DfyForward {
    DfyInput source;
    uint64_t at;    /* bytes taken from the source */
    uint64_t held;  /* of all pieces */
    uint64_t limit; /* DFY_FORWARD_BYTES */
    DfyForwardPiece *pieces;
    size_t count, capacity;
    size_t oldest;  /* none before it can be given up */
    DfyBuffer next; /* the piece under way, which ends at `at` */
} DfyForward;

/* offset: how much of the source was read already. */
void dfy_forward_open(DfyForward *forward, const DfyInput *source, uint64_t offset);
void dfy_forward_close(DfyForward *forward);

/*
 * Takes bytes from the source, behind those under way: DFY_END when it has fewer (those that are there are taken),
 * DFY_ERROR_IO, DFY_ERROR_MEMORY. Memory grows with what comes, not with what is asked for.
 */
int dfy_forward_take(DfyForward *forward, size_t size_bytes);
/* Leaves out the first bytes of those under way. */
void dfy_forward_skip(DfyForward *forward, size_t size_bytes);
/* What is under way becomes a piece; a pinned one is given up only when nothing else is left. */
int dfy_forward_keep(DfyForward *forward, int pinned);

/* Reads what pieces hold, as DfyInput's read: fewer bytes, or none, of what was given up. */
int64_t dfy_forward_read(void *forward, uint64_t offset, uint8_t *data, size_t size_bytes);

#endif
