/* Files in memory, for what the library reads and writes through callbacks. */
#ifndef DIFFY_TESTS_MEMORY_FILE_H
#define DIFFY_TESTS_MEMORY_FILE_H

#include <string.h>

#include "base/bytes.h"
#include "diffy/diffy.h"

static inline int memory_write(void *opaque, const uint8_t *data, size_t size) {
    dfy_put_bytes(opaque, data, size);
    return ((DfyBuffer *)opaque)->failed;
}

static inline int64_t memory_read(void *opaque, uint64_t offset, uint8_t *data, size_t size) {
    const DfyBuffer *buffer = opaque;
    if (offset >= buffer->size) return 0;
    if (size > buffer->size - offset) size = buffer->size - (size_t)offset;
    memcpy(data, buffer->data + offset, size);
    return (int64_t)size;
}

static inline DfyInput memory_input(DfyBuffer *buffer) {
    return (DfyInput){.read = memory_read, .size_bytes = buffer->size, .opaque = buffer};
}

#endif
