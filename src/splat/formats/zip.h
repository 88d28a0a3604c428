/* Small .zip files in memory: members stored or deflated, by name. */
#ifndef DFY_SPLAT_ZIP_H
#define DFY_SPLAT_ZIP_H

#include "base/bytes.h"

/*
 * Unpacks a member into *out (appended). 0, DFY_ERROR_ARGUMENT when there is none of that name, DFY_ERROR_DAMAGED,
 * DFY_ERROR_MEMORY. Memory follows the data, up to `most` bytes.
 */
int dfy_zip_read(DfyBuffer *out, const uint8_t *data, size_t size_bytes, const char *name, size_t most);
/* Whether bytes begin as a zip's do. */
int dfy_is_zip(const uint8_t *data, size_t size_bytes);

/* Writing: members are added one by one, stored; then the directory. */
typedef struct DfyZip {
    DfyBuffer *out;
    size_t start; /* of the zip in out */
    DfyBuffer directory;
    unsigned count;
} DfyZip;

void dfy_zip_begin(DfyZip *zip, DfyBuffer *out);
void dfy_zip_add(DfyZip *zip, const char *name, const uint8_t *data, size_t size_bytes);
void dfy_zip_end(DfyZip *zip);

#endif
