#include "sound_flac.h"

#include <stdlib.h>
#include <string.h>

struct SoundFlac {
    AVCodecContext *decoder, *encoder;
    AVFrame *decoded, *frame;
    AVPacket *packet;
    FlacOutput output;
    void *opaque;
    AVRational time_base;        /* of the packets that come */
    uint8_t *samples;            /* decoded, not yet encoded; interleaved */
    size_t used, capacity, step; /* bytes; step: of one sample of all channels */
    int64_t next;                /* its time */
    int begun;
};

static int open_codecs(SoundFlac *f, const DfySound *sound) {
    const AVCodecDescriptor *pcm = libav.avcodec_descriptor_get_by_name(sound->codec);
    const AVCodec *decoder = pcm ? libav.avcodec_find_decoder(pcm->id) : NULL;
    const AVCodec *encoder = libav.avcodec_find_encoder(AV_CODEC_ID_FLAC);
    if (!decoder || !encoder) return -1;
    f->decoder = libav.avcodec_alloc_context3(decoder);
    f->encoder = libav.avcodec_alloc_context3(encoder);
    if (!f->decoder || !f->encoder) return -1;
    f->decoder->sample_rate = sound->sample_rate;
    libav.av_channel_layout_default(&f->decoder->ch_layout, sound->channels);
    if (libav.avcodec_open2(f->decoder, decoder, NULL) < 0) return -1;
    if (f->decoder->sample_fmt != AV_SAMPLE_FMT_S16 && f->decoder->sample_fmt != AV_SAMPLE_FMT_S32) return -1;
    f->encoder->sample_rate = sound->sample_rate;
    libav.av_channel_layout_default(&f->encoder->ch_layout, sound->channels);
    f->encoder->sample_fmt = f->decoder->sample_fmt;
    f->encoder->time_base = (AVRational){1, sound->sample_rate};
    if (f->decoder->sample_fmt == AV_SAMPLE_FMT_S32) f->encoder->bits_per_raw_sample = 24;
    f->encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    f->step = (f->decoder->sample_fmt == AV_SAMPLE_FMT_S16 ? 2u : 4u) * (size_t)sound->channels;
    return libav.avcodec_open2(f->encoder, encoder, NULL) < 0 ? -1 : 0;
}

SoundFlac *sound_flac_open(const DfySound *sound, FlacOutput output, void *opaque) {
    SoundFlac *f = strncmp(sound->codec, "pcm_", 4) ? NULL : calloc(1, sizeof *f);
    if (!f) return NULL;
    f->output = output;
    f->opaque = opaque;
    f->time_base = (AVRational){sound->time_base_num, sound->time_base_den};
    f->decoded = libav.av_frame_alloc();
    f->frame = libav.av_frame_alloc();
    f->packet = libav.av_packet_alloc();
    if (!f->decoded || !f->frame || !f->packet || open_codecs(f, sound)) sound_flac_close(&f);
    return f;
}

const AVCodecContext *sound_flac_encoder(const SoundFlac *f) {
    return f->encoder;
}

/* Hands a frame (NULL: the end) to the encoder and on what comes out. */
static int encode(SoundFlac *f, AVFrame *frame) {
    int error = libav.avcodec_send_frame(f->encoder, frame);
    while (error >= 0) {
        error = libav.avcodec_receive_packet(f->encoder, f->packet);
        if (error == AVERROR(EAGAIN) || error == AVERROR_EOF) return 0;
        if (error >= 0) error = f->output(f->opaque, f->packet);
    }
    return error;
}

/* Encodes whole blocks of what has come, at the end also the rest. */
static int encode_blocks(SoundFlac *f, int at_end) {
    size_t block = (size_t)f->encoder->frame_size * f->step, done = 0;
    int error = 0;
    while (error >= 0 && (f->used - done >= block || (at_end && f->used > done))) {
        size_t bytes = f->used - done < block ? f->used - done : block;
        AVFrame *frame = f->frame;
        libav.av_frame_unref(frame);
        frame->nb_samples = (int)(bytes / f->step);
        frame->format = f->encoder->sample_fmt;
        frame->sample_rate = f->encoder->sample_rate;
        libav.av_channel_layout_default(&frame->ch_layout, f->encoder->ch_layout.nb_channels);
        frame->pts = f->next;
        error = libav.av_frame_get_buffer(frame, 0);
        if (error < 0) break;
        memcpy(frame->data[0], f->samples + done, bytes);
        error = encode(f, frame);
        f->next += frame->nb_samples;
        done += bytes;
    }
    memmove(f->samples, f->samples + done, f->used - done);
    f->used -= done;
    return error;
}

static int keep_samples(SoundFlac *f, const AVFrame *frame) {
    size_t bytes = (size_t)frame->nb_samples * f->step;
    if (f->used + bytes > f->capacity) {
        size_t capacity = 2 * (f->used + bytes);
        uint8_t *samples = realloc(f->samples, capacity);
        if (!samples) return AVERROR(ENOMEM);
        f->samples = samples;
        f->capacity = capacity;
    }
    memcpy(f->samples + f->used, frame->data[0], bytes);
    f->used += bytes;
    return 0;
}

int sound_flac_push(SoundFlac *f, const DfySoundPacket *packet) {
    if (!f->begun++)
        f->next = (int64_t)((double)packet->pts * av_q2d(f->time_base) * f->encoder->sample_rate +
                            (packet->pts < 0 ? -0.5 : 0.5));
    AVPacket *own = f->packet;
    int error = libav.av_new_packet(own, (int)packet->size_bytes);
    if (error < 0) return error;
    memcpy(own->data, packet->data, packet->size_bytes);
    error = libav.avcodec_send_packet(f->decoder, own);
    libav.av_packet_unref(own);
    while (error >= 0) {
        error = libav.avcodec_receive_frame(f->decoder, f->decoded);
        if (error == AVERROR(EAGAIN)) return encode_blocks(f, 0);
        if (error >= 0) error = keep_samples(f, f->decoded);
    }
    return error;
}

int sound_flac_finish(SoundFlac *f) {
    int error = encode_blocks(f, 1);
    return error < 0 ? error : encode(f, NULL);
}

void sound_flac_close(SoundFlac **flac) {
    SoundFlac *f = *flac;
    if (!f) return;
    libav.avcodec_free_context(&f->decoder);
    libav.avcodec_free_context(&f->encoder);
    libav.av_frame_free(&f->decoded);
    libav.av_frame_free(&f->frame);
    libav.av_packet_free(&f->packet);
    free(f->samples);
    free(f);
    *flac = NULL;
}
