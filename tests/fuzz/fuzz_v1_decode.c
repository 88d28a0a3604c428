/*
 * Any bytes as a version 1 file: open, facts, every picture, jumps, verify. The first four bytes are made the magic,
 * so that the fuzzer's time goes behind it.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "../unit/memory_file.h"
#include "repair.h"

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

/* Three times in four one chunk's payload is changed inside its zlib stream. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed) {
    static uint8_t stream[REPAIR_MOST], rest[REPAIR_MOST];
    enum { HEADER = 21, HEAD = 6 };
    size_t chosen = 0, at = HEADER, behind = 0;
    for (unsigned i = 0; seed % 4 && at + HEAD <= size; i++) {
        size_t length = repair_be(data + at + 2);
        if (length > size - at - HEAD) break;
        if (data[at + 1] == 1 && (!chosen || (seed >> i & 1))) chosen = at;
        at += HEAD + length;
    }
    if (!chosen) return LLVMFuzzerMutate(data, size, most);
    size_t length = repair_be(data + chosen + 2), from = chosen + HEAD + length;
    behind = size - from;
    if (length > sizeof stream || behind > sizeof rest || most < chosen + HEAD + behind)
        return LLVMFuzzerMutate(data, size, most);
    memcpy(stream, data + chosen + HEAD, length);
    memcpy(rest, data + from, behind);
    size_t room = most - chosen - HEAD - behind;
    length = repair_deflated(stream, length, room < sizeof stream ? room : sizeof stream, 15);
    if (!length) return LLVMFuzzerMutate(data, size, most);
    repair_put_be(data + chosen + 2, (uint32_t)length);
    memcpy(data + chosen + HEAD, stream, length);
    memcpy(data + chosen + HEAD + length, rest, behind);
    return chosen + HEAD + length + behind;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t file[LARGEST_FILE];
    if (size < 21 || size > sizeof file) return 0;
    memcpy(file, data, size);
    memcpy(file, "DFY\x01", 4);
    file[16] = file[18] = 0; /* at most 255 x 255 pixels: larger ones only take longer */
    DfyBuffer memory = {.data = file, .size = size};
    DfyInput input = memory_input(&memory);
    DfyDecoderSettings settings = {
        .struct_size = sizeof settings, .memory_limit_bytes = 16 << 20, .unwarp = data[0] & 1};
    DfyDecoder *decoder;
    if (dfy_decoder_open(&decoder, &input, &settings) == DFY_OK) look(decoder);
    dfy_decoder_close(&decoder);
    return 0;
}
