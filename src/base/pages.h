/* Memory for pictures: large, and mostly touched from end to end. */
#ifndef DFY_BASE_PAGES_H
#define DFY_BASE_PAGES_H

#include <stddef.h>
#include <stdint.h>

typedef struct DfyPages {
    uint8_t *bytes;
    void *whole; /* what they lie in */
} DfyPages;

/* So many bytes that are 0; where the system has them, in pages so large that touching them takes few faults. Returns 0
 * or DFY_ERROR_MEMORY; free in any case, zeros too. */
int dfy_pages_new(DfyPages *pages, size_t bytes);
void dfy_pages_free(DfyPages *pages);

#endif
