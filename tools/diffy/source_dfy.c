/* A .dfy file as an input like any other: to compare it, or to encode it again. */
#include "source.h"

#include <stdlib.h>
#include <string.h>

typedef struct DfySource {
    DfyInput input;
    DfyDecoder *decoder;
    const char *path;
} DfySource;

static int probe_dfy(const SourceProbe *probe) {
    return !memcmp(probe->head, "DFY", 3) && probe->head[3] < 32;
}

static int open_dfy(void **state, const char *path, SourceFacts *facts) {
    DfySource *source = *state = calloc(1, sizeof *source);
    if (!source) return complain("There is no memory left to open %s.", path);
    source->path = path;
    if (decoder_open(&source->decoder, &source->input, path, NULL)) return STATUS_FAILED;
    DfyInfo info;
    dfy_decoder_info(source->decoder, &info);
    *facts = (SourceFacts){.width = info.width,
                           .height = info.height,
                           .rate_num = info.frame_rate_num,
                           .rate_den = info.frame_rate_den,
                           .time_base_num = info.time_base_num,
                           .time_base_den = info.time_base_den,
                           .expected_frames = info.frames,
                           .matrix = info.matrix,
                           .range = info.range,
                           .format = info.native_format};
    return STATUS_GOOD;
}

static int next_dfy(void *state, DfyPicture *picture) {
    DfySource *source = state;
    int status = dfy_decoder_next(source->decoder, picture);
    if (status < 0) complain("%s: %s", source->path, dfy_last_message(source->decoder));
    return status;
}

static void close_dfy(void *state) {
    DfySource *source = state;
    dfy_decoder_close(&source->decoder);
    input_close(&source->input);
    free(source);
}

const SourceFormat source_dfy = {".dfy", probe_dfy, open_dfy, next_dfy, close_dfy};
