/* Any bytes as a .dfy file through the public interface: open, play, seek, verify. */
#include <string.h>

#include "../unit/memory_file.h"
#include "container/v2.h"

/* Reads all of a picture, so that a plane too small for it is found out. */
static unsigned touch(const DfyPicture *picture) {
    unsigned sum = 0;
    for (int p = 0; p < 3; p++)
        for (int y = 0; y < (p ? (picture->height + 1) / 2 : picture->height); y++)
            for (int x = 0; x < (p ? (picture->width + 1) / 2 : picture->width); x++)
                sum += picture->plane[p][y * picture->stride_bytes[p] + x];
    return sum;
}

static unsigned touch_origins(DfyDecoder *decoder) {
    DfyOrigins origins;
    unsigned sum = 0;
    if (dfy_decoder_origins(decoder, &origins)) return 0;
    for (int i = 0; i < origins.columns * origins.rows; i++) sum += origins.cells[i];
    return sum;
}

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);
/* A mutation that is found out by its checksum teaches nothing: seven in eight times the checksums are made right. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed) {
    size = LLVMFuzzerMutate(data, size, most);
    if (seed % 8 == 0 || size < 4) return size;
    memcpy(data, "DFY\2", 4);
    for (size_t at = 4; at + DFY_V2_OVERHEAD_BYTES <= size;) {
        uint8_t *head = data + at;
        size_t left = size - at - DFY_V2_OVERHEAD_BYTES;
        size_t claim = (size_t)head[2] << 24 | (size_t)head[3] << 16 | (size_t)head[4] << 8 | head[5];
        if (claim > left) claim = left;
        for (int i = 0; i < 4; i++) head[2 + i] = (uint8_t)(claim >> (24 - 8 * i));
        uint32_t check = dfy_crc32c(0, head, 6);
        head[6] = (uint8_t)(check >> 8);
        head[7] = (uint8_t)check;
        uint32_t crc = dfy_crc32c(0, head, DFY_V2_HEAD_BYTES + claim);
        for (int i = 0; i < 4; i++) head[DFY_V2_HEAD_BYTES + claim + (size_t)i] = (uint8_t)(crc >> (24 - 8 * i));
        at += claim + DFY_V2_OVERHEAD_BYTES;
    }
    return size;
}

volatile unsigned sum; /* so that the pictures are really looked at */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    DfyBuffer bytes = {.data = (uint8_t *)(uintptr_t)data, .size = size};
    if (size < 4 || memcmp(data, "DFY\2", 4)) return -1;
    DfyInput input = memory_input(&bytes);
    if (size % 2) input.size_bytes = DFY_FORWARD_ONLY; /* every second one as a stream */
    DfyDecoderSettings settings;
    dfy_decoder_defaults(&settings);
    settings.threads = 1;
    settings.unwarp = size % 3 == 0;
    settings.memory_limit_bytes = 8 << 20; /* small pictures only: as many rules, more inputs a second */
    DfyDecoder *decoder;
    DfyInfo info;
    DfyPicture picture;
    if (dfy_decoder_open(&decoder, &input, &settings) == DFY_OK && dfy_decoder_info(decoder, &info) == DFY_OK) {
        int status = DFY_OK;
        double turned[4];
        dfy_decoder_set_grain(decoder, size % 4 < 2);
        for (uint64_t i = 0; i < info.imu_samples && i < 400; i++) dfy_decoder_imu(decoder, i, turned);
        for (int i = 0; i < 40 && status != DFY_END; i++)
            if ((status = dfy_decoder_next(decoder, &picture)) == DFY_OK)
                sum += touch(&picture) + touch_origins(decoder);
        for (uint64_t i = 0; i < 4 && info.frames && info.frames < 400; i++) {
            if (dfy_decoder_seek(decoder, info.frames * (3 - i) / 4) == DFY_OK)
                for (int k = 0; k < 3; k++)
                    if (dfy_decoder_next(decoder, &picture) == DFY_OK) sum += touch(&picture);
        }
        DfyChunk chunk;
        for (uint32_t i = 0; dfy_decoder_chunk(decoder, i, &chunk) == DFY_OK; i++) sum += chunk.type;
        DfyCycle cycle;
        for (uint32_t i = 0; dfy_decoder_cycle(decoder, i, &cycle) == DFY_OK; i++) sum += cycle.canonical;
        sum += (unsigned)strlen(dfy_decoder_metadata(decoder));
        dfy_decoder_verify(decoder);
    }
    dfy_decoder_close(&decoder);
    return 0;
}
