/* Any bytes as a splat model: an error or a model of usable numbers that every writer takes. */
#include <math.h>
#include <stdlib.h>

#include "splat/splat.h"

static int swallow(void *opaque, const uint8_t *data, size_t size_bytes) {
    (void)data;
    *(size_t *)opaque += size_bytes;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    DfySplats splats;
    DfySplatRepairs repairs;
    DfyMessage message = {""};
    if (dfy_splats_read(&splats, data, size, &repairs, &message)) return 0;
    for (size_t i = 0; i < (size_t)splats.count * 3; i++)
        if (!isfinite(splats.xyz[i]) || !isfinite(splats.scale[i]) || !isfinite(splats.dc[i])) abort();
    size_t written = 0;
    DfyOutput output = {.write = swallow, .opaque = &written};
    for (int format = DFY_SPLAT_PLY; format <= DFY_SPLAT_SPZ && splats.count < 4096; format++)
        if (dfy_splats_write(&splats, (DfySplatFormat)format, &output, &message)) abort();
    dfy_splats_free(&splats);
    return 0;
}
