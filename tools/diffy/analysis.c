/*
 * An analysis is a .dfy file of frames from all over a recording. Its BACKGROUND chunk is what parts of the recording
 * begin with, and since all have the same bytes there, joining writes it once.
 */
#include "analysis.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK_HEAD = 8 }; /* bytes before a chunk's payload: docs/FORMAT.md */

static int check_facts(const char *path, const DfyInfo *info, const DfyEncoderSettings *s) {
    if (info->width != s->width || info->height != s->height)
        return complain("%s has %d x %d pixels, but the recording has %d x %d: analyse that recording.", path,
                        info->width, info->height, s->width, s->height);
    if (info->quality != s->quality)
        return complain("%s was made at quality %d: give diffy analyse the -q %d of the encode.", path, info->quality,
                        s->quality);
    return STATUS_GOOD;
}

/* FNV-1a. */
static uint32_t check_of(const uint8_t *data, size_t size) {
    uint32_t check = 2166136261u;
    for (size_t i = 0; i < size; i++) check = (check ^ data[i]) * 16777619u;
    return check;
}

static int read_background(Analysis *a, const char *path, const DfyDecoder *decoder, const DfyInput *input,
                           uint32_t chunks) {
    DfyChunk chunk;
    for (uint32_t i = 0; i < chunks; i++) {
        if (dfy_decoder_chunk(decoder, i, &chunk) || strcmp(chunk.name, "BACKGROUND") || !chunk.payload_bytes) continue;
        a->background_bytes = (size_t)chunk.payload_bytes;
        if (!(a->background = malloc(a->background_bytes))) return complain("There is no memory left for %s.", path);
        int64_t got = input->read(input->opaque, chunk.offset_bytes + CHUNK_HEAD, a->background, a->background_bytes);
        if (got != (int64_t)a->background_bytes) return complain("%s can't be read to its end.", path);
        a->check = check_of(a->background, a->background_bytes);
        return STATUS_GOOD;
    }
    return complain("%s has no background: too little of the view stays the same, and parts have nothing to share.",
                    path);
}

int analysis_read(Analysis *a, const char *path, const DfyEncoderSettings *settings) {
    DfyDecoder *decoder;
    DfyInput input;
    DfyInfo info;
    *a = (Analysis){0};
    int status = decoder_open(&decoder, &input, path, NULL);
    if (!status && (dfy_decoder_info(decoder, &info) || dfy_decoder_verify(decoder)))
        status = complain("%s: %s", path, dfy_last_message(decoder));
    if (!status && settings) status = check_facts(path, &info, settings);
    if (!status) status = read_background(a, path, decoder, &input, info.chunks);
    dfy_decoder_close(&decoder);
    input_close(&input);
    return status;
}

void analysis_free(Analysis *a) {
    free(a->background);
    *a = (Analysis){0};
}
