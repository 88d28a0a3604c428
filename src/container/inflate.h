/* zlib streams of unknown size, inflated under a limit: what a few bytes can grow to is for the caller to bound. */
#ifndef DFY_CONTAINER_INFLATE_H
#define DFY_CONTAINER_INFLATE_H

#include "base/bytes.h"

/*
 * Looks at what was inflated so far; returns 0 to go on or anything else to stop. Called every 64 KiB.
 */
typedef int (*DfyInflateWatch)(void *opaque, const DfyBuffer *inflated);

/*
 * Appends the stream's bytes to out. DFY_ERROR_DAMAGED: the stream is broken or cut, and out has what came
 * before that; DFY_ERROR_MEMORY: it would pass limit bytes. A watch that stops it is no error. watch may be NULL.
 */
int dfy_inflate(DfyBuffer *out, const uint8_t *data, size_t size, size_t limit, DfyInflateWatch watch, void *opaque);

#endif
