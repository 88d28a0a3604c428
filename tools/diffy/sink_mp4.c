/*
 * MP4 through libavcodec: H.264 where the build has an encoder, else MPEG-4. Timestamps stay as they are. Odd sizes
 * grow by the copied last row or column, because 4:2:0 H.264 has even sizes.
 */
#include "libav.h"
#include "sink.h"

#include <stdlib.h>
#include <string.h>

typedef struct Mp4Sink {
    const char *path;
    OutputFile file; /* only for its temporary name and rename */
    AVFormatContext *container;
    AVCodecContext *encoder;
    AVStream *stream;
    AVFrame *frame;
    AVPacket *packet;
    int header_written;
} Mp4Sink;

static int matches_mp4(const char *path) {
    return has_extension(path, "mp4");
}

static int mp4_failed(const Mp4Sink *sink, int error) {
    char text[AV_ERROR_MAX_STRING_SIZE];
    libav.av_strerror(error, text, sizeof text);
    return complain("%s can't be written as MP4 (%s).", sink->path, text);
}

static enum AVColorSpace space_of(DfyMatrix matrix) {
    switch (matrix) {
    case DFY_MATRIX_BT709: return AVCOL_SPC_BT709;
    case DFY_MATRIX_BT601: return AVCOL_SPC_SMPTE170M;
    case DFY_MATRIX_BT2020: return AVCOL_SPC_BT2020_NCL;
    default: return AVCOL_SPC_UNSPECIFIED;
    }
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
    encoder->colorspace = space_of(facts->matrix);
    if (sink->container->oformat->flags & AVFMT_GLOBALHEADER) encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    if (codec->id == AV_CODEC_ID_MPEG4) {
        encoder->flags |= AV_CODEC_FLAG_QSCALE;
        encoder->global_quality = 2 * FF_QP2LAMBDA;
    }
    libav.av_opt_set(encoder->priv_data, "crf", "16", 0); /* hardly a loss beside what was lost already */
    int error = libav.avcodec_open2(encoder, codec, NULL);
    return error < 0 ? mp4_failed(sink, error) : STATUS_GOOD;
}

static int open_container(Mp4Sink *sink) {
    const char *part = sink->file.part_path ? sink->file.part_path : sink->path;
    sink->stream = libav.avformat_new_stream(sink->container, NULL);
    if (!sink->stream) return complain("There is no memory left to write %s.", sink->path);
    sink->stream->time_base = sink->encoder->time_base;
    sink->stream->avg_frame_rate = sink->encoder->framerate;
    int error = libav.avcodec_parameters_from_context(sink->stream->codecpar, sink->encoder);
    if (error >= 0) error = libav.avio_open(&sink->container->pb, part, AVIO_FLAG_WRITE);
    if (error >= 0) error = libav.avformat_write_header(sink->container, NULL);
    if (error < 0) return mp4_failed(sink, error);
    sink->header_written = 1;
    return STATUS_GOOD;
}

static int open_mp4(void **state, const char *path, const SourceFacts *facts, const SinkOptions *options) {
    (void)options;
    if (libav_load()) return STATUS_FAILED;
    Mp4Sink *sink = *state = calloc(1, sizeof *sink);
    if (!sink) return complain("There is no memory left to write %s.", path);
    sink->path = path;
    if (output_open(&sink->file, path)) return STATUS_FAILED;
    int error = libav.avformat_alloc_output_context2(&sink->container, NULL, "mp4", path);
    if (error < 0) return mp4_failed(sink, error);
    if (open_encoder(sink, facts) || open_container(sink)) return STATUS_FAILED;
    sink->frame = libav.av_frame_alloc();
    sink->packet = libav.av_packet_alloc();
    if (!sink->frame || !sink->packet) return complain("There is no memory left to write %s.", path);
    sink->frame->format = AV_PIX_FMT_YUV420P;
    sink->frame->width = sink->encoder->width;
    sink->frame->height = sink->encoder->height;
    error = libav.av_frame_get_buffer(sink->frame, 0);
    return error < 0 ? mp4_failed(sink, error) : STATUS_GOOD;
}

/* Hands frame (NULL: the end) to the encoder and writes what comes out. */
static int encode_frame(Mp4Sink *sink, AVFrame *frame) {
    int error = libav.avcodec_send_frame(sink->encoder, frame);
    while (error >= 0) {
        error = libav.avcodec_receive_packet(sink->encoder, sink->packet);
        if (error == AVERROR(EAGAIN) || error == AVERROR_EOF) return STATUS_GOOD;
        if (error < 0) break;
        libav.av_packet_rescale_ts(sink->packet, sink->encoder->time_base, sink->stream->time_base);
        sink->packet->stream_index = sink->stream->index;
        error = libav.av_interleaved_write_frame(sink->container, sink->packet);
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
    frame->pts = picture->pts;
    return encode_frame(sink, frame);
}

static int keep_mp4(void *state) {
    Mp4Sink *sink = state;
    if (encode_frame(sink, NULL)) return STATUS_FAILED;
    int error = libav.av_write_trailer(sink->container);
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
    output_drop(&sink->file);
    free(sink);
}

const SinkFormat sink_mp4 = {"MP4", matches_mp4, DFY_PIXELS_I420, open_mp4, push_mp4, keep_mp4, close_mp4};
