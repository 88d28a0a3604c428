/* Any bytes as a splat model: an error, or a model that every writer takes and that can be made usable. */
#include <math.h>
#include <stdlib.h>

#include "diffy/splat.h"
#include "repair.h"

/* .spz is a gzip stream, .sog a zip: what is inside is what is to be changed. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed) {
    return repair_mutate(data, size, most, seed);
}

static int swallow(void *opaque, const uint8_t *data, size_t size_bytes) {
    (void)data;
    *(size_t *)opaque += size_bytes;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    DfySplats splats;
    DfyMessage message = {""}, notes = {""};
    if (dfy_splats_read(&splats, data, size, &notes, &message)) {
        if (!message.text[0]) abort();
        return 0;
    }
    size_t written = 0;
    DfyOutput output = {.write = swallow, .opaque = &written};
    for (int format = DFY_SPLAT_PLY; format < DFY_SPLAT_FORMATS && splats.count < 200; format++) {
        dfy_splats_losses(&splats, (DfySplatFormat)format, &notes);
        if (dfy_splats_write(&splats, (DfySplatFormat)format, &output, &message)) abort();
    }
    dfy_splats_sanitise(&splats);
    for (size_t i = 0; i < (size_t)splats.count * 3; i++)
        if (!isfinite(splats.xyz[i]) || !isfinite(splats.scale[i]) || !isfinite(splats.dc[i])) abort();
    dfy_splats_free(&splats);
    return 0;
}
