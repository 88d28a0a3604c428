/*
 * Any bytes as a version 1 file: open, facts, every picture, jumps, verify. The first four bytes are made the magic,
 * so that the fuzzer's time goes behind it.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "../unit/memory_file.h"

#define LARGEST_FILE 65536
#define MOST_PICTURES 64

static void look(DfyDecoder *decoder) {
    DfyInfo info;
    DfyChunk chunk;
    DfyCycle cycle;
    DfyPicture picture;
    double quaternion[4];
    dfy_decoder_info(decoder, &info);
    for (uint32_t i = 0; dfy_decoder_chunk(decoder, i, &chunk) == DFY_OK; i++) {
    }
    for (uint32_t i = 0; dfy_decoder_cycle(decoder, i, &cycle) == DFY_OK; i++) {
    }
    for (uint64_t i = 0; dfy_decoder_imu(decoder, i, quaternion) == DFY_OK; i++) {
    }
    for (int i = 0; i < MOST_PICTURES && dfy_decoder_next(decoder, &picture) != DFY_END; i++) {
    }
    for (uint64_t i = 1; i < 8 && info.frames; i++)
        if (dfy_decoder_seek(decoder, info.frames * i / 8) == DFY_OK) dfy_decoder_next(decoder, &picture);
    if (info.frames < MOST_PICTURES) dfy_decoder_verify(decoder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t file[LARGEST_FILE];
    if (size < 21 || size > sizeof file) return 0;
    memcpy(file, data, size);
    memcpy(file, "DFY\x01", 4);
    file[16] = file[18] = 0; /* at most 255 x 255 pixels: larger ones only take longer */
    DfyBuffer memory = {.data = file, .size = size};
    DfyInput input = memory_input(&memory);
    DfyDecoderSettings settings = {.memory_limit_bytes = 16 << 20, .unwarp = data[0] & 1};
    DfyDecoder *decoder;
    if (dfy_decoder_open(&decoder, &input, &settings) == DFY_OK) look(decoder);
    dfy_decoder_close(&decoder);
    return 0;
}
