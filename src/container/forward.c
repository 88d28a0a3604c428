#include "container/forward.h"

#include <stdlib.h>
#include <string.h>

#define STEP ((size_t)1 << 20) /* asked for at once: a chunk may say that it is large and not be there */

void dfy_forward_open(DfyForward *forward, const DfyInput *source, uint64_t offset) {
    *forward = (DfyForward){.source = *source, .at = offset, .limit = DFY_FORWARD_BYTES};
}

void dfy_forward_close(DfyForward *forward) {
    for (size_t i = 0; i < forward->count; i++) dfy_buffer_free(&forward->pieces[i].bytes);
    dfy_buffer_free(&forward->next);
    free(forward->pieces);
    *forward = (DfyForward){0};
}

int dfy_forward_take(DfyForward *forward, size_t size_bytes) {
    while (size_bytes) {
        size_t part = size_bytes < STEP ? size_bytes : STEP;
        uint8_t *to = dfy_buffer_reserve(&forward->next, part);
        if (!to) return DFY_ERROR_MEMORY;
        int64_t got = forward->source.read(forward->source.opaque, forward->at, to, part);
        if (got < 0 || (uint64_t)got > part) return DFY_ERROR_IO;
        forward->next.size += (size_t)got;
        forward->at += (uint64_t)got;
        if ((uint64_t)got < part) return DFY_END;
        size_bytes -= part;
    }
    return DFY_OK;
}

void dfy_forward_skip(DfyForward *forward, size_t size_bytes) {
    DfyBuffer *next = &forward->next;
    if (size_bytes > next->size) size_bytes = next->size;
    next->size -= size_bytes;
    if (next->size) memmove(next->data, next->data + size_bytes, next->size);
}

/* Gives up pieces, pinned ones in the second round, until the rest is within the limit; the last one always stays. */
static void give_up(DfyForward *forward) {
    for (int round = 0; round < 2 && forward->held > forward->limit; round++) {
        size_t i = round ? 1 : forward->oldest; /* piece 0 is what says what the stream is */
        for (; i + 1 < forward->count && forward->held > forward->limit; i++) {
            DfyForwardPiece *piece = &forward->pieces[i];
            if (piece->pinned && !round) continue;
            forward->held -= piece->bytes.size;
            dfy_buffer_free(&piece->bytes);
        }
        if (!round) forward->oldest = i;
    }
}

int dfy_forward_keep(DfyForward *forward, int pinned) {
    if (forward->count == forward->capacity) {
        size_t capacity = forward->capacity ? 2 * forward->capacity : 64;
        DfyForwardPiece *pieces = realloc(forward->pieces, capacity * sizeof *pieces);
        if (!pieces) return DFY_ERROR_MEMORY;
        forward->pieces = pieces;
        forward->capacity = capacity;
    }
    forward->pieces[forward->count++] =
        (DfyForwardPiece){.offset_bytes = forward->at - forward->next.size, .bytes = forward->next, .pinned = pinned};
    forward->held += forward->next.size;
    forward->next = (DfyBuffer){0};
    if (!forward->oldest) forward->oldest = 1;
    give_up(forward);
    return DFY_OK;
}

int64_t dfy_forward_read(void *opaque, uint64_t offset, uint8_t *data, size_t size_bytes) {
    const DfyForward *forward = opaque;
    size_t low = 0, high = forward->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        *(forward->pieces[middle].offset_bytes <= offset ? &low : &high) = middle;
    }
    if (!forward->count) return 0;
    const DfyForwardPiece *piece = &forward->pieces[low];
    if (offset < piece->offset_bytes || offset - piece->offset_bytes >= piece->bytes.size) return 0;
    size_t from = (size_t)(offset - piece->offset_bytes), left = piece->bytes.size - from;
    if (size_bytes > left) size_bytes = left;
    memcpy(data, piece->bytes.data + from, size_bytes);
    return (int64_t)size_bytes;
}
