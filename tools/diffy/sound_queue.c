#include "sound_queue.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The track that belongs to a video stream, and what it is; NULL: none. */
static AVStream *find_sound(AVFormatContext *container, int video, DfySound *sound) {
    int index = libav.av_find_best_stream(container, AVMEDIA_TYPE_AUDIO, -1, video, NULL, 0);
    if (index < 0) return NULL;
    AVStream *stream = container->streams[index];
    const AVCodecParameters *codec = stream->codecpar;
    if (codec->codec_id == AV_CODEC_ID_NONE || codec->sample_rate < 1 || codec->ch_layout.nb_channels < 1) return NULL;
    *sound = (DfySound){.sample_rate = codec->sample_rate,
                        .channels = codec->ch_layout.nb_channels,
                        .time_base_num = stream->time_base.num,
                        .time_base_den = stream->time_base.den};
    strncpy(sound->codec, libav.avcodec_get_name(codec->codec_id), sizeof sound->codec - 1);
    return stream;
}

void sound_queue_open(SoundQueue *q, AVFormatContext *container, int video) {
    AVStream *stream = find_sound(container, video, &q->sound);
    if (!stream) return;
    size_t size = (size_t)stream->codecpar->extradata_size;
    uint8_t *config = size ? malloc(size) : NULL;
    if (size && !config) {
        q->sound.codec[0] = 0;
        return;
    }
    if (size) memcpy(config, stream->codecpar->extradata, size);
    q->sound.config = q->config = config;
    q->sound.config_bytes = size;
    stream->discard = AVDISCARD_DEFAULT;
    q->stream = stream;
    q->time_base = av_q2d(stream->time_base);
    q->clock = (Clock){.seconds_a_tick = q->time_base};
}

int sound_queue_move(SoundQueue *q, AVFormatContext *container, int video) {
    DfySound sound;
    AVStream *stream = q->stream ? find_sound(container, video, &sound) : NULL;
    int same = stream && !strcmp(sound.codec, q->sound.codec) && sound.sample_rate == q->sound.sample_rate &&
               sound.channels == q->sound.channels && sound.time_base_num == q->sound.time_base_num &&
               sound.time_base_den == q->sound.time_base_den;
    int goes_on = same || !q->stream;
    q->stream = same ? stream : NULL;
    if (same) stream->discard = AVDISCARD_DEFAULT;
    return goes_on;
}

static int grow(SoundQueue *q) {
    size_t capacity = q->capacity ? 2 * q->capacity : 64;
    AVPacket **packets = malloc(capacity * sizeof *packets);
    if (!packets) return -1;
    for (size_t i = 0; i < q->count; i++) packets[i] = q->packets[(q->first + i) % q->capacity];
    free(q->packets);
    q->packets = packets;
    q->first = 0;
    q->capacity = capacity;
    return 0;
}

int sound_queue_put(SoundQueue *q, AVPacket *packet, int clock_jumps) {
    int64_t time = packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts;
    if (!packet->size) return 0;
    if (clock_jumps && time != AV_NOPTS_VALUE) {
        clock_take(&q->clock, time, packet->duration);
        time += q->clock.offset;
    }
    packet->pts = time;
    if (q->count == q->capacity && grow(q)) return -1;
    AVPacket *own = libav.av_packet_alloc();
    if (!own) return -1;
    libav.av_packet_move_ref(own, packet);
    q->packets[(q->first + q->count++) % q->capacity] = own;
    return 0;
}

int sound_queue_describe(const SoundQueue *q, DfySound *sound) {
    if (!q->sound.codec[0]) return DFY_END;
    *sound = q->sound;
    return DFY_OK;
}

int sound_queue_take(SoundQueue *q, DfySoundPacket *packet, double zero_seconds) {
    libav.av_packet_free(&q->given);
    if (!q->count) return DFY_END;
    AVPacket *next = q->given = q->packets[q->first];
    q->first = (q->first + 1) % q->capacity;
    q->count--;
    int64_t zero = llrint(zero_seconds / q->time_base);
    int64_t pts = next->pts == AV_NOPTS_VALUE ? q->last_end : next->pts - zero;
    *packet = (DfySoundPacket){.data = next->data,
                               .size_bytes = (size_t)next->size,
                               .pts = pts,
                               .duration = next->duration > 0 ? next->duration : 0};
    q->last_end = pts + packet->duration;
    return DFY_OK;
}

void sound_queue_close(SoundQueue *q) {
    if (!libav.loaded) return;
    libav.av_packet_free(&q->given);
    for (size_t i = 0; i < q->count; i++) libav.av_packet_free(&q->packets[(q->first + i) % q->capacity]);
    free(q->packets);
    free(q->config);
}
