/*
 * What a .dfy file on stdin decodes to, a line a picture or model: its number, its time and a CRC-32 of its samples.
 * tests/vectors/pictures.txt holds these lines for every vector, and every build of the decoder must print them. It
 * needs nothing but the C library, and with BARE defined leaves splats out. `scalar` as its argument: without the
 * processor's extra instructions.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "diffy/diffy.h"
#ifndef BARE
#include "diffy/splat.h"
#endif

typedef struct File {
    uint8_t *data;
    size_t size;
} File;

static uint32_t crc32_of(uint32_t crc, const void *data, size_t size) {
    const uint8_t *bytes = data;
    crc = ~crc;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (0xedb88320u & (0u - (crc & 1)));
    }
    return ~crc;
}

static int read_stdin(File *file) {
    size_t capacity = 0, got = 1;
    while (got) {
        if (file->size == capacity) {
            capacity = capacity ? capacity * 2 : 65536;
            uint8_t *grown = realloc(file->data, capacity);
            if (!grown) return -1;
            file->data = grown;
        }
        got = fread(file->data + file->size, 1, capacity - file->size, stdin);
        file->size += got;
    }
    return 0;
}

static int64_t read_at(void *opaque, uint64_t offset, uint8_t *data, size_t size) {
    const File *file = opaque;
    if (offset >= file->size) return 0;
    if (size > file->size - offset) size = (size_t)(file->size - offset);
    memcpy(data, file->data + offset, size);
    return (int64_t)size;
}

/* ---------------------------------------------------------------- videos */

static uint32_t crc_of_picture(const DfyPicture *p) {
    uint32_t crc = 0;
    int planes = p->format == DFY_PIXELS_I420 ? 3 : 1, bytes = p->format == DFY_PIXELS_RGB ? 3 : 1;
    for (int i = 0; i < planes; i++) {
        int width = i ? (p->width + 1) / 2 : p->width * bytes, height = i ? (p->height + 1) / 2 : p->height;
        for (int y = 0; y < height; y++) crc = crc32_of(crc, p->plane[i] + y * p->stride_bytes[i], (size_t)width);
    }
    return crc;
}

static void print_facts(DfyDecoder *decoder) {
    DfyInfo i;
    dfy_decoder_info(decoder, &i);
    printf("format %d, %d x %d, %" PRIu64 " frames, rate %d/%d, time base %d/%d, colour %d %d %d %d, aspect %d:%d, "
           "orientation %d, start %" PRId64 ", last %" PRId64 ", quality %d, chunks %u, cycles %u, clones %" PRIu64
           ", lossless %d, complete %d, access %d, quaternions %" PRIu64 "\n",
           i.format, i.width, i.height, i.frames, i.frame_rate_num, i.frame_rate_den, i.time_base_num, i.time_base_den,
           i.primaries, i.transfer, (int)i.matrix, (int)i.range, i.sample_aspect_num, i.sample_aspect_den,
           i.orientation, i.start_unix_us, i.last_frame_ticks, i.quality, i.chunks, i.cycles, i.clone_frames,
           i.lossless, i.complete, i.access_pictures, i.imu_samples);
    const char *metadata = dfy_decoder_metadata(decoder);
    printf("metadata %08" PRIx32 "\n", crc32_of(0, metadata, strlen(metadata)));
}

static void print_sound(DfyDecoder *decoder) {
    DfySound sound;
    DfySoundPacket packet;
    if (dfy_decoder_sound(decoder, &sound)) return;
    printf("sound %s, %d, %d, time base %d/%d, %08" PRIx32 "\n", sound.codec, sound.sample_rate, sound.channels,
           sound.time_base_num, sound.time_base_den, crc32_of(0, sound.config, sound.config_bytes));
    while (!dfy_decoder_next_sound(decoder, &packet))
        printf("packet %" PRId64 " %" PRId64 " %08" PRIx32 "\n", packet.pts, packet.duration,
               crc32_of(0, packet.data, packet.size_bytes));
}

static int print_video(const DfyInput *input) {
    DfyDecoder *decoder = NULL;
    DfyPicture picture;
    int status = dfy_decoder_open(&decoder, input, NULL);
    if (!status) print_facts(decoder);
    while (status >= 0 && status != DFY_END) {
        uint64_t at = dfy_decoder_position(decoder);
        status = dfy_decoder_next(decoder, &picture);
        if (!status) printf("%" PRIu64 " %" PRId64 " %08" PRIx32 "\n", at, picture.pts, crc_of_picture(&picture));
        if (status == DFY_ERROR_DAMAGED) {
            printf("%" PRIu64 "..%" PRIu64 " lost\n", at, dfy_decoder_position(decoder) - 1);
            status = DFY_OK;
        }
    }
    if (status == DFY_END) print_sound(decoder);
    printf("%s\n", status == DFY_END ? "end" : dfy_last_message(decoder));
    dfy_decoder_close(&decoder);
    return 0;
}

/* ---------------------------------------------------------------- splats */

#ifndef BARE
static uint32_t crc_of_model(const DfySplats *s) {
    size_t n = s->count, rest = (size_t)((s->degree + 1) * (s->degree + 1) - 1) * 3;
    const struct {
        const float *values;
        size_t count;
    } parts[] = {{s->xyz, 3}, {s->rotation, 4}, {s->scale, 3}, {s->opacity, 1}, {s->dc, 3}, {s->rest, rest}};
    uint32_t crc = 0;
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++)
        for (size_t i = 0; i < n * parts[p].count; i++) { /* the same whichever end of a number comes first */
            uint32_t bits;
            memcpy(&bits, &parts[p].values[i], 4);
            const uint8_t bytes[4] = {(uint8_t)bits, (uint8_t)(bits >> 8), (uint8_t)(bits >> 16),
                                      (uint8_t)(bits >> 24)};
            crc = crc32_of(crc, bytes, 4);
        }
    return crc;
}

static int print_splats(const DfyInput *input) {
    DfySplatDecoder *decoder = NULL;
    const DfySplats *model;
    DfySplatInfo info;
    int status = dfy_splat_decoder_open(&decoder, input, NULL);
    if (!status && !(status = dfy_splat_decoder_info(decoder, &info)))
        printf("splats, %" PRIu64 " frames\n", info.frames);
    while (!status) {
        uint64_t at = dfy_splat_decoder_position(decoder);
        status = dfy_splat_decoder_next(decoder, &model);
        if (!status) printf("%" PRIu64 " %u %d %08" PRIx32 "\n", at, model->count, model->degree, crc_of_model(model));
    }
    printf("%s\n", status == DFY_END ? "end" : dfy_splat_decoder_message(decoder));
    dfy_splat_decoder_close(&decoder);
    return 0;
}
#endif

int main(int argc, char **argv) {
    File file = {NULL, 0};
    if (argc > 1 && !strcmp(argv[1], "scalar")) dfy_cpu_mask(0);
    if (read_stdin(&file)) return 1;
    DfyInput input = {.read = read_at, .size_bytes = file.size, .opaque = &file};
#ifndef BARE
    /* "DFY", 2, the STREAM chunk's head of 8 bytes, then what kind of stream it is: 2 is splats. */
    int splats = file.size > 12 && !memcmp(file.data, "DFY\2", 4) && file.data[12] == 2;
    int status = splats ? print_splats(&input) : print_video(&input);
#else
    int status = print_video(&input);
#endif
    free(file.data);
    return status;
}
