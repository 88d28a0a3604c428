/*
 * MP4 through libavcodec: H.264 where the build has an encoder, else MPEG-4. Timestamps stay as they are. Odd sizes
 * grow by the copied last row or column, because 4:2:0 H.264 has even sizes.
 */
#include "libav.h"
#include "meaning.h"
#include "sink.h"
#include "sound_flac.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct Mp4Sink {
    const char *path;
    OutputFile file; /* only for its temporary name and rename */
    AVFormatContext *container;
    AVCodecContext *encoder;
    AVStream *stream, *sound; /* sound: NULL for none */
    AVRational sound_base;
    int sound_rate;
    SoundFlac *flac; /* NULL: packets are copied */
    AVFrame *frame;
    AVPacket *packet, *pending; /* pending: the last one that came, not yet written */
    int header_written;
    int64_t last_pts, last_ticks, frame_ticks; /* how long the last picture is shown, 0: as the others; a usual one */
} Mp4Sink;

static int matches_mp4(const char *path) {
    return has_extension(path, "mp4");
}

static int mp4_failed(const Mp4Sink *sink, int error) {
    char text[AV_ERROR_MAX_STRING_SIZE];
    libav.av_strerror(error, text, sizeof text);
    return complain("%s can't be written as MP4 (%s).", sink->path, text);
}

static int open_encoder(Mp4Sink *sink, const SourceFacts *facts) {
    const AVCodec *codec = libav.avcodec_find_encoder_by_name("libx264");
    if (!codec) codec = libav.avcodec_find_encoder(AV_CODEC_ID_H264);
    if (!codec) codec = libav.avcodec_find_encoder(AV_CODEC_ID_MPEG4);
    if (!codec) return complain("This build's libavcodec has no H.264 or MPEG-4 encoder: write .y4m or images.");
    AVCodecContext *encoder = sink->encoder = libav.avcodec_alloc_context3(codec);
    if (!encoder) return complain("There is no memory left to write %s.", sink->path);
    encoder->width = (facts->width + 1) & ~1;
    encoder->height = (facts->height + 1) & ~1;
    encoder->pix_fmt = AV_PIX_FMT_YUV420P;
    encoder->time_base = (AVRational){facts->time_base_num, facts->time_base_den};
    encoder->framerate =
        (AVRational){facts->rate_num > 0 ? facts->rate_num : 30, facts->rate_num > 0 ? facts->rate_den : 1};
    encoder->color_range = facts->range == DFY_RANGE_FULL ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
    encoder->colorspace = (enum AVColorSpace)facts->matrix; /* libav counts as H.273 does */
    encoder->color_primaries = (enum AVColorPrimaries)facts->primaries;
    encoder->color_trc = (enum AVColorTransferCharacteristic)facts->transfer;
    if (facts->sample_aspect_num > 0)
        encoder->sample_aspect_ratio = (AVRational){facts->sample_aspect_num, facts->sample_aspect_den};
    if (sink->container->oformat->flags & AVFMT_GLOBALHEADER) encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    if (codec->id == AV_CODEC_ID_MPEG4) {
        encoder->flags |= AV_CODEC_FLAG_QSCALE;
        encoder->global_quality = 2 * FF_QP2LAMBDA;
    }
    libav.av_opt_set(encoder->priv_data, "crf", "16", 0); /* hardly a loss beside what was lost already */
    int error = libav.avcodec_open2(encoder, codec, NULL);
    return error < 0 ? mp4_failed(sink, error) : STATUS_GOOD;
}

/* The name may have a colon in it, which libav would take for a protocol's. */
static int open_file(Mp4Sink *sink, const char *path) {
    char *name = malloc(strlen(path) + sizeof "file:");
    if (!name) return AVERROR(ENOMEM);
    strcat(strcpy(name, "file:"), path);
    int error = libav.avio_open(&sink->container->pb, name, AVIO_FLAG_WRITE);
    free(name);
    return error;
}

/* What is written beside the pictures: how a player turns them, and when the first was taken. */
static int tell_turn_and_start(Mp4Sink *sink, const SourceFacts *facts) {
    if (facts->orientation > 1) {
        uint8_t *matrix =
            (uint8_t *)libav.av_stream_new_side_data(sink->stream, AV_PKT_DATA_DISPLAYMATRIX, 9 * sizeof(int32_t));
        if (!matrix) return -1;
        matrix_of_orientation(facts->orientation, facts->width, facts->height, (int32_t *)matrix);
    }
    if (!facts->start_unix_us) return 0;
    time_t seconds = (time_t)(facts->start_unix_us / 1000000);
    struct tm parts;
    char text[64];
    if (!gmtime_r(&seconds, &parts)) return 0;
    size_t size = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text + size, sizeof text - size, ".%06dZ", (int)(facts->start_unix_us % 1000000));
    return libav.av_dict_set(&sink->container->metadata, "creation_time", text, 0) < 0 ? -1 : 0;
}

/* FLAC in MP4 is still called experimental by this libavformat; players read it. */
static int flac_packet(void *opaque, AVPacket *packet) {
    Mp4Sink *sink = opaque;
    packet->stream_index = sink->sound->index;
    libav.av_packet_rescale_ts(packet, (AVRational){1, sink->sound_rate}, sink->sound->time_base);
    return libav.av_interleaved_write_frame(sink->container, packet);
}

/* What the track holds: the packets' own codec or, where PCM must become FLAC, that. */
static int describe_sound(Mp4Sink *sink, const DfySound *sound, enum AVCodecID id) {
    AVCodecParameters *parameters = sink->sound->codecpar;
    if (sink->flac) return libav.avcodec_parameters_from_context(parameters, sound_flac_encoder(sink->flac));
    parameters->codec_type = AVMEDIA_TYPE_AUDIO;
    parameters->codec_id = id;
    parameters->sample_rate = sound->sample_rate;
    libav.av_channel_layout_default(&parameters->ch_layout, sound->channels);
    if (!sound->config_bytes) return 0;
    parameters->extradata = libav.av_mallocz(sound->config_bytes + AV_INPUT_BUFFER_PADDING_SIZE);
    if (!parameters->extradata) return AVERROR(ENOMEM);
    memcpy(parameters->extradata, sound->config, sound->config_bytes);
    parameters->extradata_size = (int)sound->config_bytes;
    return 0;
}

/* Another track with the packets as they are, where MP4 has a place for the codec. */
static int open_sound(Mp4Sink *sink, const DfySound *sound) {
    const AVCodecDescriptor *codec = libav.avcodec_descriptor_get_by_name(sound->codec);
    sink->container->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
    sink->sound_rate = sound->sample_rate;
    sink->sound_base = (AVRational){sound->time_base_num, sound->time_base_den};
    int fits = codec && libav.avformat_query_codec(sink->container->oformat, codec->id, FF_COMPLIANCE_NORMAL) == 1;
    if (!fits) sink->flac = sound_flac_open(sound, flac_packet, sink);
    if (!fits && !sink->flac) {
        warn("%s is written without sound: MP4 can't store %s.", sink->path, sound->codec);
        return STATUS_GOOD;
    }
    sink->sound = libav.avformat_new_stream(sink->container, NULL);
    if (!sink->sound) return complain("There is no memory left to write %s.", sink->path);
    sink->sound->time_base = (AVRational){1, sound->sample_rate};
    int error = describe_sound(sink, sound, codec ? codec->id : AV_CODEC_ID_NONE);
    return error < 0 ? mp4_failed(sink, error) : STATUS_GOOD;
}

static int push_sound_mp4(void *state, const DfySoundPacket *sound) {
    Mp4Sink *sink = state;
    if (!sink->sound) return STATUS_GOOD;
    int error = sink->flac ? sound_flac_push(sink->flac, sound) : 0;
    if (sink->flac) return error < 0 ? mp4_failed(sink, error) : STATUS_GOOD;
    AVPacket *packet = libav.av_packet_alloc();
    error = packet ? libav.av_new_packet(packet, (int)sound->size_bytes) : AVERROR(ENOMEM);
    if (error >= 0) {
        memcpy(packet->data, sound->data, sound->size_bytes);
        packet->pts = packet->dts = sound->pts;
        packet->duration = sound->duration;
        packet->stream_index = sink->sound->index;
        packet->flags |= AV_PKT_FLAG_KEY;
        libav.av_packet_rescale_ts(packet, sink->sound_base, sink->sound->time_base);
        error = libav.av_interleaved_write_frame(sink->container, packet);
    }
    libav.av_packet_free(&packet);
    return error < 0 ? mp4_failed(sink, error) : STATUS_GOOD;
}

static int open_container(Mp4Sink *sink, const SourceFacts *facts, const DfySound *sound) {
    const char *part = sink->file.part_path ? sink->file.part_path : sink->path;
    sink->stream = libav.avformat_new_stream(sink->container, NULL);
    if (!sink->stream) return complain("There is no memory left to write %s.", sink->path);
    sink->stream->time_base = sink->encoder->time_base;
    sink->stream->avg_frame_rate = sink->encoder->framerate;
    sink->stream->sample_aspect_ratio = sink->encoder->sample_aspect_ratio;
    if (sound && open_sound(sink, sound)) return STATUS_FAILED;
    if (tell_turn_and_start(sink, facts)) return complain("There is no memory left to write %s.", sink->path);
    int error = libav.avcodec_parameters_from_context(sink->stream->codecpar, sink->encoder);
    if (error >= 0) error = open_file(sink, part);
    if (error >= 0) error = libav.avformat_write_header(sink->container, NULL);
    if (error < 0) return mp4_failed(sink, error);
    sink->header_written = 1;
    return STATUS_GOOD;
}

static int open_mp4(void **state, const char *path, const SourceFacts *facts, const SinkOptions *options) {
    if (libav_load()) return STATUS_FAILED;
    Mp4Sink *sink = *state = calloc(1, sizeof *sink);
    if (!sink) return complain("There is no memory left to write %s.", path);
    sink->path = path;
    if (output_open(&sink->file, path)) return STATUS_FAILED;
    int error = libav.avformat_alloc_output_context2(&sink->container, NULL, "mp4", path);
    if (error < 0) return mp4_failed(sink, error);
    if (open_encoder(sink, facts) || open_container(sink, facts, options->sound)) return STATUS_FAILED;
    sink->frame = libav.av_frame_alloc();
    sink->packet = libav.av_packet_alloc();
    sink->pending = libav.av_packet_alloc();
    if (!sink->frame || !sink->packet || !sink->pending) return complain("There is no memory left to write %s.", path);
    sink->frame->format = AV_PIX_FMT_YUV420P;
    sink->last_ticks = facts->last_ticks;
    sink->frame_ticks = (int64_t)((double)sink->encoder->framerate.den / sink->encoder->framerate.num /
                                      av_q2d(sink->encoder->time_base) +
                                  0.5);
    sink->frame->width = sink->encoder->width;
    sink->frame->height = sink->encoder->height;
    error = libav.av_frame_get_buffer(sink->frame, 0);
    return error < 0 ? mp4_failed(sink, error) : STATUS_GOOD;
}

/*
 * Writes the packet that was held back. Packets last until the next one, but for the last: in playing order and, with
 * B-frames another one, in decoding order. Both end where the last picture does.
 */
static int write_pending(Mp4Sink *sink, int is_last) {
    AVPacket *packet = sink->pending;
    if (!packet->data) return STATUS_GOOD;
    int64_t end = sink->last_pts + (sink->last_ticks > 0 ? sink->last_ticks : sink->frame_ticks);
    packet->duration = is_last || packet->pts == sink->last_pts ? end - packet->pts : sink->frame_ticks;
    libav.av_packet_rescale_ts(packet, sink->encoder->time_base, sink->stream->time_base);
    packet->stream_index = sink->stream->index;
    int error = libav.av_interleaved_write_frame(sink->container, packet);
    return error < 0 ? mp4_failed(sink, error) : STATUS_GOOD;
}

/* Hands frame (NULL: the end) to the encoder and writes what comes out. */
static int encode_frame(Mp4Sink *sink, AVFrame *frame) {
    int error = libav.avcodec_send_frame(sink->encoder, frame);
    while (error >= 0) {
        error = libav.avcodec_receive_packet(sink->encoder, sink->packet);
        if (error == AVERROR(EAGAIN) || error == AVERROR_EOF) return STATUS_GOOD;
        if (error < 0) break;
        if (write_pending(sink, 0)) return STATUS_FAILED;
        libav.av_packet_move_ref(sink->pending, sink->packet);
    }
    return error < 0 ? mp4_failed(sink, error) : STATUS_GOOD;
}

static void copy_plane(uint8_t *to, int to_stride, int to_width, int to_height, const uint8_t *from,
                       ptrdiff_t from_stride, int width, int height) {
    for (int y = 0; y < to_height; y++) {
        uint8_t *row = to + (ptrdiff_t)y * to_stride;
        memcpy(row, from + (y < height ? y : height - 1) * from_stride, (size_t)width);
        memset(row + width, row[width - 1], (size_t)(to_width - width));
    }
}

static int push_mp4(void *state, const DfyPicture *picture) {
    Mp4Sink *sink = state;
    AVFrame *frame = sink->frame;
    int error = libav.av_frame_make_writable(frame);
    if (error < 0) return mp4_failed(sink, error);
    for (int i = 0; i < 3; i++) {
        int half = i > 0;
        copy_plane(frame->data[i], frame->linesize[i], frame->width >> half, frame->height >> half, picture->plane[i],
                   picture->stride_bytes[i], (picture->width + half) >> half, (picture->height + half) >> half);
    }
    frame->pts = sink->last_pts = picture->pts;
    return encode_frame(sink, frame);
}

static int keep_mp4(void *state) {
    Mp4Sink *sink = state;
    if (encode_frame(sink, NULL) || write_pending(sink, 1)) return STATUS_FAILED;
    int error = sink->flac ? sound_flac_finish(sink->flac) : 0;
    if (error < 0) return mp4_failed(sink, error);
    error = libav.av_write_trailer(sink->container);
    sink->header_written = 0;
    int close_error = libav.avio_closep(&sink->container->pb);
    if (error < 0 || close_error < 0) return mp4_failed(sink, error < 0 ? error : close_error);
    return output_keep(&sink->file);
}

static void close_mp4(void *state) {
    Mp4Sink *sink = state;
    if (sink->container) {
        if (sink->container->pb) libav.avio_closep(&sink->container->pb);
        libav.avformat_free_context(sink->container);
    }
    libav.avcodec_free_context(&sink->encoder);
    libav.av_frame_free(&sink->frame);
    libav.av_packet_free(&sink->packet);
    libav.av_packet_free(&sink->pending);
    sound_flac_close(&sink->flac);
    output_drop(&sink->file);
    free(sink);
}

const SinkFormat sink_mp4 = {"MP4",          matches_mp4, DFY_PIXELS_I420, open_mp4, push_mp4,
                             push_sound_mp4, keep_mp4,    close_mp4,       1};
