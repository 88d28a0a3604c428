/* What writing and reading a sequence share. */
#include "splat/sequence.h"

#include <stdlib.h>
#include <string.h>

int dfy_splat_beside_copy(DfySplatBeside *out, const DfySplatPatches *patches, const uint32_t *order,
                          uint32_t order_count) {
    uint32_t *copy = order ? malloc((size_t)order_count * sizeof *copy + 1) : NULL;
    if ((order && !copy) || dfy_patches_copy(&out->patches, patches)) {
        free(copy);
        return DFY_ERROR_MEMORY;
    }
    if (copy) memcpy(copy, order, (size_t)order_count * sizeof *copy);
    free(out->order);
    out->order = copy;
    out->order_count = order ? order_count : 0;
    return DFY_OK;
}

void dfy_splat_beside_free(DfySplatBeside *beside) {
    dfy_patches_free(&beside->patches);
    free(beside->order);
    *beside = (DfySplatBeside){.order = NULL};
}
