#include "container/inflate.h"

#include <zlib.h>

#include "diffy/diffy.h"

#define STEP 65536
#define LARGEST_INPUT 0x40000000u /* zlib counts in 32 bits */

static int inflate_steps(z_stream *zlib, DfyBuffer *out, size_t limit, DfyInflateWatch watch, void *opaque) {
    for (;;) {
        uint8_t *room = dfy_buffer_reserve(out, STEP);
        if (!room) return DFY_ERROR_MEMORY;
        zlib->next_out = room;
        zlib->avail_out = STEP;
        int status = inflate(zlib, Z_NO_FLUSH);
        size_t made = STEP - zlib->avail_out;
        out->size += made;
        if (out->size > limit) return DFY_ERROR_MEMORY;
        if (watch && made && watch(opaque, out)) return DFY_OK;
        if (status == Z_STREAM_END) return DFY_OK;
        if (status != Z_OK || !made) return DFY_ERROR_DAMAGED;
    }
}

int dfy_inflate(DfyBuffer *out, const uint8_t *data, size_t size, size_t limit, DfyInflateWatch watch, void *opaque) {
    if (size > LARGEST_INPUT) return DFY_ERROR_MEMORY;
    z_stream zlib = {.next_in = (Bytef *)data, .avail_in = (uInt)size}; /* zlib doesn't write through next_in */
    if (inflateInit(&zlib) != Z_OK) return DFY_ERROR_MEMORY;
    int status = inflate_steps(&zlib, out, limit, watch, opaque);
    inflateEnd(&zlib);
    return status;
}
