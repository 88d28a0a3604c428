/*
 * Any bytes as the frames of a splat stream. The container's checksums would stop nearly all of them, so the target
 * builds a sound container around them: first byte the codec, then for each frame a byte of flags, two of length.
 */
#include <stdlib.h>
#include <string.h>

#include "container/v2.h"
#include "splat/sequence.h"
#include "splat/splat.h"

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
    const char *name = dfy_splat_codec_name(dfy_splat_codec_at(data[0] % codecs));
    DfyBuffer head = {0};
    dfy_put_u8(&head, DFY_STREAM_SPLATS);
    dfy_put_u8(&head, DFY_SPLAT_STREAM_VERSION);
    dfy_put_u8(&head, (unsigned)strlen(name));
    dfy_put_bytes(&head, name, strlen(name));
    dfy_put_u8(&head, 2);
    dfy_put_u16be(&head, 30);
    dfy_put_u16be(&head, 1);
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!size) return 0;
    DfyBuffer file = {0};
    build(&file, data, size);
    DfyInput input = {.read = read_at, .size_bytes = file.size, .opaque = &file};
    DfySplatDecoder *decoder = NULL;
    const DfySplats *splats;
    if (!dfy_splat_decoder_open(&decoder, &input, NULL))
        for (int status = 0; status != DFY_END && status != DFY_ERROR_MEMORY;)
            status = dfy_splat_decoder_next(decoder, &splats);
    dfy_splat_decoder_close(&decoder);
    dfy_buffer_free(&file);
    return 0;
}
