/*
 * Any bytes as the frames of a splat stream. The container's checksums would stop nearly all of them, so the target
 * builds a sound container around them: first byte the codec (+ 64: every second frame after a key frame returns to it;
 * + 128: as players read it, there and back, while the file comes), then for each frame a byte of flags, two of length.
 */
#include <stdlib.h>
#include <string.h>

#include "container/v2.h"
#include "diffy/splat.h"
#include "splat/sequence.h"

static int append(void *opaque, const uint8_t *data, size_t size_bytes) {
    DfyBuffer *file = opaque;
    dfy_put_bytes(file, data, size_bytes);
    return file->failed;
}

static int64_t read_at(void *opaque, uint64_t offset, uint8_t *data, size_t size_bytes) {
    const DfyBuffer *file = opaque;
    if (offset >= file->size) return 0;
    if (size_bytes > file->size - offset) size_bytes = file->size - (size_t)offset;
    memcpy(data, file->data + offset, size_bytes);
    return (int64_t)size_bytes;
}

static void build(DfyBuffer *file, const uint8_t *data, size_t size) {
    DfyV2Writer writer;
    DfyOutput output = {.write = append, .opaque = file};
    int codecs = 0;
    while (dfy_splat_codec_at(codecs)) codecs++;
    const char *name = dfy_splat_codec_name(dfy_splat_codec_at(data[0] % 64 % codecs));
    DfyBuffer head = {0};
    dfy_put_u8(&head, DFY_STREAM_SPLATS);
    dfy_put_u8(&head, DFY_SPLAT_STREAM_VERSION);
    dfy_put_u8(&head, (unsigned)strlen(name));
    dfy_put_bytes(&head, name, strlen(name));
    dfy_put_u8(&head, 2);
    dfy_put_u16be(&head, 30);
    dfy_put_u16be(&head, 1);
    dfy_put_u8(&head, 0); /* no order kept, no errors stated */
    for (int i = 0; i < 2 * DFY_SPLAT_ATTRIBUTES; i++) dfy_put_f32be(&head, 0);
    dfy_put_u16be(&head, data[0] & 64 ? 2 : 0);
    dfy_v2_writer_open(&writer, &output);
    dfy_v2_write_chunk(&writer, DFY_CHUNK_STREAM, 0, head.data, head.size, 0, 0);
    uint64_t frame = 0;
    for (size_t at = 1; at + 3 <= size && frame < 6;) {
        size_t length = (size_t)(data[at + 1] << 8 | data[at + 2]), left = size - at - 3;
        if (length > left) length = left;
        dfy_v2_write_chunk(&writer, DFY_CHUNK_SEGMENT, data[at] & 1, data + at + 3, length, frame++, 1);
        at += 3 + length;
    }
    dfy_v2_writer_finish(&writer);
    dfy_v2_writer_close(&writer);
    dfy_buffer_free(&head);
}

static void play(DfySplatDecoder *decoder) {
    const DfySplats *splats;
    for (int status = 0; status != DFY_END && status != DFY_ERROR_MEMORY;)
        status = dfy_splat_decoder_next(decoder, &splats);
}

/* Every number of the changed splats can be read. */
static void look(const DfySplatDecoder *decoder, const DfySplats *splats) {
    const uint32_t *changed;
    uint32_t count;
    volatile float sum = 0;
    dfy_splat_decoder_changed(decoder, &changed, &count);
    for (uint32_t i = 0; i < count; i++) sum += splats->opacity[changed ? changed[i] : i];
}

/* As players do: part of the file first, then all of it, and back and forth with a history of one step, or of many. */
static void wander(DfyInput input, uint8_t way) {
    uint64_t size = input.size_bytes, first, last, offset, bytes;
    DfySplatDecoder *decoder = NULL;
    DfySplatInfo info;
    const DfySplats *splats;
    input.size_bytes = size / 2;
    if (!dfy_splat_decoder_open(&decoder, &input, NULL)) {
        dfy_splat_decoder_remember(decoder, way & 1 ? 1 << 20 : 1);
        play(decoder);
        dfy_splat_decoder_grow(decoder, size);
        dfy_splat_decoder_info(decoder, &info);
        for (uint64_t step = 0; info.frames && step < 12; step++) {
            uint64_t frame = (step & 1 ? step * way : info.frames * 4 - step) % info.frames;
            dfy_splat_decoder_needs(decoder, frame, &first, &last, &offset, &bytes);
            dfy_splat_decoder_seek(decoder, frame);
            if (!dfy_splat_decoder_next(decoder, &splats)) look(decoder, splats);
        }
    }
    dfy_splat_decoder_close(&decoder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!size) return 0;
    DfyBuffer file = {0};
    build(&file, data, size);
    DfyInput input = {.read = read_at, .size_bytes = file.size, .opaque = &file};
    DfySplatDecoder *decoder = NULL;
    if (data[0] & 128) {
        wander(input, data[size - 1]);
    } else {
        if (!dfy_splat_decoder_open(&decoder, &input, NULL)) play(decoder);
        dfy_splat_decoder_close(&decoder);
    }
    dfy_buffer_free(&file);
    return 0;
}
