/*
 * The table of cases through the C API: api IN.dfy OUT.dfy. Decodes a file and encodes its pictures once more, with
 * nothing but what the API tells of them; the file that comes out is held against the same row of the table.
 */
#include <stdio.h>
#include <stdlib.h>

#include "diffy/diffy.h"

static int64_t read_at(void *opaque, uint64_t offset, uint8_t *data, size_t size) {
    FILE *file = opaque;
    if (fseek(file, (long)offset, SEEK_SET)) return -1;
    size_t got = fread(data, 1, size, file);
    return ferror(file) ? -1 : (int64_t)got;
}

static int write_on(void *opaque, const uint8_t *data, size_t size) {
    return fwrite(data, 1, size, opaque) != size;
}

static int fail(const char *what, const void *who) {
    fprintf(stderr, "%s: %s\n", what, dfy_last_message(who));
    return 1;
}

static void settle(DfyEncoderSettings *s, const DfyInfo *i) {
    dfy_encoder_defaults(s);
    s->width = i->width;
    s->height = i->height;
    s->quality = 95;
    s->effort = 1;
    s->frame_rate_num = i->frame_rate_num;
    s->frame_rate_den = i->frame_rate_den;
    s->time_base_num = i->time_base_num;
    s->time_base_den = i->time_base_den;
    s->primaries = i->primaries;
    s->transfer = i->transfer;
    s->matrix = i->matrix;
    s->range = i->range;
    s->sample_aspect_num = i->sample_aspect_num;
    s->sample_aspect_den = i->sample_aspect_den;
    s->orientation = i->orientation;
    s->start_unix_us = i->start_unix_us;
    s->expected_frames = i->frames;
}

static int copy_sound(DfyDecoder *decoder, DfyEncoder *encoder) {
    DfySound sound;
    DfySoundPacket packet;
    if (dfy_decoder_sound(decoder, &sound)) return 0;
    if (dfy_encoder_sound(encoder, &sound)) return fail("sound", encoder);
    while (!dfy_decoder_next_sound(decoder, &packet))
        if (dfy_encoder_push_sound(encoder, &packet)) return fail("packet", encoder);
    return 0;
}

static int copy(DfyDecoder *decoder, FILE *to) {
    DfyInfo info;
    DfyEncoderSettings settings;
    DfyEncoder *encoder = NULL;
    DfyPicture picture;
    DfyOutput output = {.write = write_on, .opaque = to};
    dfy_decoder_info(decoder, &info);
    settle(&settings, &info);
    int status = dfy_encoder_open(&encoder, &settings, &output), got = DFY_OK;
    if (!status) status = copy_sound(decoder, encoder);
    while (!status && !(got = dfy_decoder_next(decoder, &picture))) status = dfy_encoder_push(encoder, &picture);
    if (got < 0) return fail("decoding", decoder);
    if (!status && info.last_frame_ticks) status = dfy_encoder_last_ticks(encoder, info.last_frame_ticks);
    if (!status) status = dfy_encoder_finish(encoder, NULL);
    if (status) fail("encoding", encoder);
    dfy_encoder_close(&encoder);
    return status != 0;
}

int main(int argc, char **argv) {
    FILE *from = argc == 3 ? fopen(argv[1], "rb") : NULL, *to = argc == 3 ? fopen(argv[2], "wb") : NULL;
    if (!from || !to || fseek(from, 0, SEEK_END)) return 2;
    DfyInput input = {.read = read_at, .size_bytes = (uint64_t)ftell(from), .opaque = from};
    DfyDecoder *decoder = NULL;
    int status = dfy_decoder_open(&decoder, &input, NULL) ? fail("opening", decoder) : copy(decoder, to);
    dfy_decoder_close(&decoder);
    fclose(from);
    return fclose(to) ? 1 : status;
}
