/* A .dfy splat stream in, frames out; damage costs the frames up to the next key frame, and seeking starts at one. */
#include <stdlib.h>
#include <string.h>

#include "splat/sequence.h"

typedef struct Frame {
    size_t entry; /* of the container */
    int is_key;
} Frame;

struct DfySplatDecoder {
    DfyMessage message;
    DfyV2Reader reader;
    DfySplatInfo info;
    const DfySplatCodec *extra;
    DfySplatWork work;
    Frame *frames;
    uint64_t count, position;
    uint64_t decoded;     /* the context holds frame decoded - 1; 0: none */
    uint64_t key_symbols; /* of the last key frame */
    DfySplats splats;
    DfyBuffer bytes;
};

/* ---------------------------------------------------------------- opening */

static int read_stream(DfySplatDecoder *d, size_t entry) {
    int status = dfy_v2_read_chunk(&d->reader, entry, &d->bytes, &d->message);
    if (status) return status;
    DfyBytes bytes = dfy_bytes(d->bytes.data, d->bytes.size);
    unsigned kind = dfy_read_u8(&bytes), version = dfy_read_u8(&bytes), length = dfy_read_u8(&bytes);
    if (kind != DFY_STREAM_SPLATS)
        return dfy_fail(&d->message, DFY_ERROR_FORMAT, "This .dfy file is a video, not a sequence of splat models.");
    if (version != DFY_SPLAT_STREAM_VERSION)
        return dfy_fail(&d->message, DFY_ERROR_UNSUPPORTED,
                        version < DFY_SPLAT_STREAM_VERSION
                            ? "This splat stream is of version %u, which was never released: make it anew."
                            : "This splat stream is of version %u: a newer Diffy is needed.",
                        version);
    const uint8_t *name = length <= DFY_SPLAT_NAME ? dfy_read_span(&bytes, length) : NULL;
    if (name) memcpy(d->info.codec, name, length);
    d->info.degree = dfy_read_u8(&bytes);
    d->info.frame_rate_num = dfy_read_u16be(&bytes);
    d->info.frame_rate_den = dfy_read_u16be(&bytes);
    if (!name || bytes.overrun || d->info.degree > DFY_SPLAT_MAX_DEGREE || !d->info.frame_rate_num ||
        !d->info.frame_rate_den)
        return dfy_fail(&d->message, DFY_ERROR_DAMAGED, "The splat stream's head is damaged.");
    return DFY_OK;
}

static int list_frames(DfySplatDecoder *d) {
    d->frames = calloc(d->reader.count ? d->reader.count : 1, sizeof *d->frames);
    if (!d->frames) return dfy_fail(&d->message, DFY_ERROR_MEMORY, "There is no memory for the list of frames.");
    for (size_t i = 0; i < d->reader.count; i++) {
        const DfyV2Entry *entry = &d->reader.entries[i];
        if (entry->type != DFY_CHUNK_SEGMENT) continue;
        d->frames[d->count++] = (Frame){i, entry->flags & DFY_CHUNK_ENTRY};
        d->info.key_frames += (entry->flags & DFY_CHUNK_ENTRY) != 0;
    }
    d->info.frames = d->count;
    d->info.complete = d->reader.complete;
    return DFY_OK;
}

static int find_stream(DfySplatDecoder *d) {
    for (size_t i = 0; i < d->reader.count; i++)
        if (d->reader.entries[i].type == DFY_CHUNK_STREAM) return read_stream(d, i);
    return dfy_fail(&d->message, DFY_ERROR_FORMAT, "This .dfy file has no stream head: it is cut or damaged.");
}

static int check_magic(DfySplatDecoder *d, const DfyInput *input) {
    uint8_t magic[4] = {0};
    if (input->read(input->opaque, 0, magic, sizeof magic) == 4 && !memcmp(magic, "DFY", 3)) {
        if (magic[3] == 2) return DFY_OK;
        if (magic[3] == 1)
            return dfy_fail(&d->message, DFY_ERROR_FORMAT,
                            "This .dfy file is a video, not a sequence of splat models.");
        return dfy_fail(&d->message, DFY_ERROR_UNSUPPORTED,
                        "This .dfy file is of version %d: a newer Diffy is needed to open it.", magic[3]);
    }
    return dfy_fail(&d->message, DFY_ERROR_FORMAT, "This is not a .dfy file: it does not begin with the letters DFY.");
}

int dfy_splat_decoder_open(DfySplatDecoder **decoder, const DfyInput *input, const DfySplatCodec *extra) {
    if (!decoder) return DFY_ERROR_ARGUMENT;
    DfySplatDecoder *d = *decoder = calloc(1, sizeof *d);
    if (!d) return DFY_ERROR_MEMORY;
    if (!input || !input->read) return dfy_fail(&d->message, DFY_ERROR_ARGUMENT, "A splat decoder needs an input.");
    d->extra = extra;
    d->info.bytes = input->size_bytes;
    int status = check_magic(d, input);
    if (!status) status = dfy_v2_reader_open(&d->reader, input, &d->message);
    if (!status) status = find_stream(d);
    if (!status) status = list_frames(d);
    if (status) return status;
    const DfySplatCodec *codec = extra && !strcmp(extra->name, d->info.codec) ? extra : dfy_splat_codec(d->info.codec);
    if (!codec)
        return dfy_fail(&d->message, DFY_ERROR_UNSUPPORTED,
                        "This file's splat codec \"%s\" is unknown: a newer Diffy is needed.", d->info.codec);
    return dfy_splat_work_open(&d->work, codec, NULL, &d->message);
}

/* ---------------------------------------------------------------- frames */

static int decode_frame(DfySplatDecoder *d, uint64_t number) {
    const DfySplatCodec *codec = d->work.codec;
    const Frame *frame = &d->frames[number];
    DfySplatPayload payload = {0};
    int status = dfy_v2_read_chunk(&d->reader, frame->entry, &d->bytes, &d->message);
    int kind = frame->is_key ? DFY_SPLAT_KEY : DFY_SPLAT_INTER;
    if (!status && (!d->bytes.size || d->bytes.data[0] != kind || (!frame->is_key && d->decoded != number)))
        status = dfy_fail(&d->message, DFY_ERROR_DAMAGED, "Frame %llu is damaged or the frame it builds on is lost.",
                          (unsigned long long)number);
    payload.most = DFY_SPLAT_SYMBOLS + (frame->is_key ? (uint64_t)d->bytes.size * DFY_SPLAT_SYMBOLS_A_BYTE
                                                      : d->key_symbols * DFY_SPLAT_SYMBOLS_AGAIN);
    if (!status) status = codec->serialiser->read(&payload, d->bytes.data + 1, d->bytes.size - 1, &d->message);
    for (int p = 0; !status && p < 2 && codec->parts[p]; p++) {
        const DfySplatPart *part = codec->parts[p];
        status = (frame->is_key ? part->decode_key : part->decode_inter)(d->work.contexts[p], &payload, &d->message);
    }
    if (frame->is_key) d->key_symbols = dfy_payload_symbols(&payload);
    dfy_payload_free(&payload);
    d->decoded = status ? 0 : number + 1;
    return status;
}

static int make_frame(DfySplatDecoder *d) {
    const DfySplatCodec *codec = d->work.codec;
    int status = DFY_OK;
    for (int p = 0; !status && p < 2 && codec->parts[p]; p++)
        status = codec->parts[p]->context_to_frame(d->work.contexts[p], &d->splats, &d->message);
    return status;
}

static void skip_to_key(DfySplatDecoder *d) {
    do d->position++;
    while (d->position < d->count && !d->frames[d->position].is_key);
}

int dfy_splat_decoder_next(DfySplatDecoder *d, const DfySplats **splats) {
    if (!d || !d->work.codec || !splats) return DFY_ERROR_ARGUMENT;
    if (d->position >= d->count) return DFY_END;
    uint64_t from = d->position;
    while (from > 0 && d->decoded != from && !d->frames[from].is_key) from--;
    int status = DFY_OK;
    while (!status && from <= d->position) status = decode_frame(d, from++);
    if (!status) status = make_frame(d);
    if (status) {
        d->decoded = 0;
        skip_to_key(d);
        return status == DFY_ERROR_FORMAT ? DFY_ERROR_DAMAGED : status;
    }
    d->position++;
    *splats = &d->splats;
    return DFY_OK;
}

int dfy_splat_decoder_seek(DfySplatDecoder *d, uint64_t frame) {
    if (!d || !d->work.codec) return DFY_ERROR_ARGUMENT;
    if (frame >= d->count)
        return dfy_fail(&d->message, DFY_ERROR_ARGUMENT, "There is no frame %llu: the file has %llu.",
                        (unsigned long long)frame, (unsigned long long)d->count);
    d->position = frame;
    return DFY_OK;
}

uint64_t dfy_splat_decoder_position(const DfySplatDecoder *d) {
    return d ? d->position : 0;
}

int dfy_splat_decoder_info(const DfySplatDecoder *d, DfySplatInfo *info) {
    if (!d || !d->work.codec || !info) return DFY_ERROR_ARGUMENT;
    *info = d->info;
    return DFY_OK;
}

int dfy_splat_decoder_frame(const DfySplatDecoder *d, uint64_t frame, uint64_t *bytes, int *is_key) {
    if (!d || frame >= d->count) return DFY_ERROR_ARGUMENT;
    if (bytes) *bytes = (uint64_t)d->reader.entries[d->frames[frame].entry].payload_bytes + DFY_V2_OVERHEAD_BYTES;
    if (is_key) *is_key = d->frames[frame].is_key;
    return DFY_OK;
}

const char *dfy_splat_decoder_message(const DfySplatDecoder *d) {
    return d ? d->message.text : "There is no memory left for this.";
}

void dfy_splat_decoder_close(DfySplatDecoder **decoder) {
    if (!decoder || !*decoder) return;
    DfySplatDecoder *d = *decoder;
    if (d->work.codec) dfy_splat_work_close(&d->work);
    dfy_v2_reader_close(&d->reader);
    free(d->frames);
    dfy_splats_free(&d->splats);
    dfy_buffer_free(&d->bytes);
    free(d);
    *decoder = NULL;
}
