/*
 * Any video that libav reads. Planar 4:2:0 with 8 bits goes through untouched; everything else is converted by
 * libswscale, keeping the matrix and range. The rotation that a phone wrote beside the pictures is carried out.
 */
#include "libav.h"
#include "source.h"

#include <stdlib.h>
#include <string.h>

typedef struct VideoSource {
    const char *path;
    AVFormatContext *container;
    AVCodecContext *decoder;
    AVStream *stream;
    AVPacket *packet;
    AVFrame *frame;
    struct SwsContext *conversion;
    int converted_from_width, converted_from_height, converted_from_format;
    OwnPicture converted, rotated;
    int quarter_turns; /* clockwise */
    int width, height; /* as coded, before turning */
    DfyMatrix matrix;
    DfyRange range;
    int64_t first_pts, last_pts, frame_ticks, frames;
    int64_t read_until; /* where the packets read so far end, in ticks */
    int draining, broke_off, damaged_packets;
} VideoSource;

static int probe_video(const SourceProbe *probe) {
    return !probe->is_stdin && !probe->is_folder;
}

static int open_failed(const char *path, int error) {
    char text[AV_ERROR_MAX_STRING_SIZE];
    libav.av_strerror(error, text, sizeof text);
    return complain("%s can't be read as video (%s): is it a video, image folder or zip, or .y4m?", path, text);
}

static int open_decoder(VideoSource *source) {
    const AVCodec *codec = NULL;
    int index = libav.av_find_best_stream(source->container, AVMEDIA_TYPE_VIDEO, -1, -1, &codec, 0);
    if (index == AVERROR_STREAM_NOT_FOUND) return complain("%s holds no video.", source->path);
    if (index < 0 || !codec) return complain("%s holds video of a kind that this build can't decode.", source->path);
    source->stream = source->container->streams[index];
    for (unsigned i = 0; i < source->container->nb_streams; i++)
        if ((int)i != index) source->container->streams[i]->discard = AVDISCARD_ALL;
    source->decoder = libav.avcodec_alloc_context3(codec);
    if (!source->decoder) return complain("There is no memory left to decode %s.", source->path);
    int error = libav.avcodec_parameters_to_context(source->decoder, source->stream->codecpar);
    source->decoder->pkt_timebase = source->stream->time_base;
    source->decoder->thread_count = 0;
    if (error >= 0) error = libav.avcodec_open2(source->decoder, codec, NULL);
    return error < 0 ? open_failed(source->path, error) : STATUS_GOOD;
}

static DfyMatrix matrix_of(enum AVColorSpace space) {
    switch (space) {
    case AVCOL_SPC_BT709: return DFY_MATRIX_BT709;
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M: return DFY_MATRIX_BT601;
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL: return DFY_MATRIX_BT2020;
    default: return DFY_MATRIX_UNKNOWN;
    }
}

static int is_full_range(enum AVPixelFormat pixels, enum AVColorRange range) {
    return range == AVCOL_RANGE_JPEG || pixels == AV_PIX_FMT_YUVJ420P || pixels == AV_PIX_FMT_YUVJ422P ||
           pixels == AV_PIX_FMT_YUVJ444P || pixels == AV_PIX_FMT_YUVJ440P;
}

static int turns_of(const AVStream *stream) {
    size_t size = 0;
    const uint8_t *matrix = libav.av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
    if (!matrix || size < 9 * sizeof(int32_t)) return 0;
    double degrees = libav.av_display_rotation_get((const int32_t *)matrix); /* counter-clockwise, NaN when singular */
    if (!(degrees >= -360 && degrees <= 360)) return 0;
    return ((int)(degrees >= 0 ? -degrees / 90 - 0.5 : -degrees / 90 + 0.5) % 4 + 4) % 4;
}

static void fill_facts(VideoSource *source, SourceFacts *facts) {
    const AVCodecContext *decoder = source->decoder;
    const AVStream *stream = source->stream;
    source->width = decoder->width;
    source->height = decoder->height;
    source->quarter_turns = turns_of(stream);
    source->matrix = matrix_of(decoder->colorspace);
    source->range = is_full_range(decoder->pix_fmt, decoder->color_range) ? DFY_RANGE_FULL : DFY_RANGE_LIMITED;
    AVRational rate = libav.av_guess_frame_rate(source->container, source->stream, NULL);
    if (rate.num <= 0 || rate.den <= 0) rate = (AVRational){30, 1};
    int sideways = source->quarter_turns & 1;
    *facts = (SourceFacts){.width = sideways ? source->height : source->width,
                           .height = sideways ? source->width : source->height,
                           .rate_num = rate.num,
                           .rate_den = rate.den,
                           .time_base_num = stream->time_base.num,
                           .time_base_den = stream->time_base.den,
                           .matrix = source->matrix,
                           .range = source->range};
    AVRational ticks = libav.av_div_q(av_inv_q(rate), stream->time_base);
    source->frame_ticks = ticks.num > ticks.den ? ticks.num / ticks.den : 1;
    if (stream->nb_frames > 0)
        facts->expected_frames = (uint64_t)stream->nb_frames;
    else if (source->container->duration > 0)
        facts->expected_frames = (uint64_t)((double)source->container->duration / AV_TIME_BASE * av_q2d(rate) + 0.5);
}

static int open_video(void **state, const char *path, SourceFacts *facts) {
    if (libav_load()) return STATUS_FAILED;
    VideoSource *source = *state = calloc(1, sizeof *source);
    if (!source) return complain("There is no memory left to open %s.", path);
    source->path = path;
    int error = libav.avformat_open_input(&source->container, path, NULL, NULL);
    if (error >= 0) error = libav.avformat_find_stream_info(source->container, NULL);
    if (error < 0) return open_failed(path, error);
    if (open_decoder(source)) return STATUS_FAILED;
    source->packet = libav.av_packet_alloc();
    source->frame = libav.av_frame_alloc();
    if (!source->packet || !source->frame) return complain("There is no memory left to decode %s.", path);
    fill_facts(source, facts);
    return STATUS_GOOD;
}

/* Gives the decoder the next packet of the stream, or the end. */
static int feed_decoder(VideoSource *source) {
    for (;;) {
        int error = libav.av_read_frame(source->container, source->packet);
        if (error == AVERROR(EAGAIN)) continue;
        if (error < 0) {
            source->broke_off = error != AVERROR_EOF;
            source->draining = 1;
            libav.avcodec_send_packet(source->decoder, NULL);
            return DFY_OK;
        }
        int wanted = source->packet->stream_index == source->stream->index;
        int64_t end = source->packet->pts == AV_NOPTS_VALUE ? 0 : source->packet->pts + source->packet->duration;
        if (wanted && end > source->read_until) source->read_until = end;
        if (wanted && libav.avcodec_send_packet(source->decoder, source->packet) < 0) source->damaged_packets++;
        libav.av_packet_unref(source->packet);
        if (wanted) return DFY_OK;
    }
}

/* The frame as I420 of the size that was announced, from whatever the decoder gave. */
static int as_i420(VideoSource *source, DfyPicture *picture) {
    AVFrame *frame = source->frame;
    int planar = frame->format == AV_PIX_FMT_YUV420P || frame->format == AV_PIX_FMT_YUVJ420P;
    *picture = (DfyPicture){.format = DFY_PIXELS_I420, .width = source->width, .height = source->height};
    if (planar && frame->width == source->width && frame->height == source->height) {
        for (int i = 0; i < 3; i++) {
            picture->plane[i] = frame->data[i];
            picture->stride_bytes[i] = frame->linesize[i];
        }
        return DFY_OK;
    }
    if (!source->converted.memory &&
        own_picture_alloc(&source->converted, DFY_PIXELS_I420, source->width, source->height))
        return DFY_ERROR_MEMORY;
    source->conversion = libav.sws_getCachedContext(source->conversion, frame->width, frame->height, frame->format,
                                                    source->width, source->height, AV_PIX_FMT_YUV420P,
                                                    SWS_BICUBIC | SWS_ACCURATE_RND, NULL, NULL, NULL);
    if (!source->conversion) {
        complain("%s has pixels of a kind that can't be converted to 4:2:0.", source->path);
        return DFY_ERROR_UNSUPPORTED;
    }
    /* Range and matrix stay what they are: only sampling and depth change. RGB becomes what the facts say. */
    const int *table = libav.sws_getCoefficients(source->matrix == DFY_MATRIX_BT709 ? SWS_CS_ITU709 : SWS_CS_ITU601);
    int full = source->range == DFY_RANGE_FULL;
    const AVPixFmtDescriptor *pixels = libav.av_pix_fmt_desc_get(frame->format);
    int from_full = pixels && (pixels->flags & AV_PIX_FMT_FLAG_RGB) ? 1 : full;
    libav.sws_setColorspaceDetails(source->conversion, table, from_full, table, full, 0, 1 << 16, 1 << 16);
    *picture = source->converted.picture;
    int strides[3] = {(int)picture->stride_bytes[0], (int)picture->stride_bytes[1], (int)picture->stride_bytes[2]};
    libav.sws_scale(source->conversion, (const uint8_t *const *)frame->data, frame->linesize, 0, frame->height,
                    picture->plane, strides);
    return DFY_OK;
}

static void turn_plane(uint8_t *to, ptrdiff_t to_stride, const uint8_t *from, ptrdiff_t from_stride, int width,
                       int height, int turns) {
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            int tx = turns == 1 ? height - 1 - y : turns == 2 ? width - 1 - x : y;
            int ty = turns == 1 ? x : turns == 2 ? height - 1 - y : width - 1 - x;
            to[ty * to_stride + tx] = from[y * from_stride + x];
        }
}

static int turn(VideoSource *source, DfyPicture *picture) {
    if (!source->quarter_turns) return DFY_OK;
    int sideways = source->quarter_turns & 1;
    int width = sideways ? picture->height : picture->width, height = sideways ? picture->width : picture->height;
    if (!source->rotated.memory && own_picture_alloc(&source->rotated, DFY_PIXELS_I420, width, height))
        return DFY_ERROR_MEMORY;
    for (int i = 0; i < 3; i++)
        turn_plane(source->rotated.picture.plane[i], source->rotated.picture.stride_bytes[i], picture->plane[i],
                   picture->stride_bytes[i], i ? (picture->width + 1) / 2 : picture->width,
                   i ? (picture->height + 1) / 2 : picture->height, source->quarter_turns);
    *picture = source->rotated.picture;
    return DFY_OK;
}

/* Seconds that the file says its video takes; 0 where it doesn't say. */
static double stated_seconds(const VideoSource *source) {
    const AVFormatContext *container = source->container;
    if (source->stream->duration > 0) return (double)source->stream->duration * av_q2d(source->stream->time_base);
    int said = container->duration > 0 && container->duration_estimation_method == AVFMT_DURATION_FROM_STREAM;
    return said ? (double)container->duration / AV_TIME_BASE : 0;
}

/* A file that ends before its own end was cut, as a copy that was broken off: what is missing is said. */
static void tell_what_is_missing(const VideoSource *source) {
    int64_t start = source->stream->start_time == AV_NOPTS_VALUE ? 0 : source->stream->start_time;
    double stated = stated_seconds(source),
           there = (double)(source->read_until - start) * av_q2d(source->stream->time_base);
    double missing = stated - there, rounding = stated / 20 > 0.5 ? stated / 20 : 0.5;
    if (source->broke_off || (source->read_until && missing > rounding))
        warn("%s ends early, after %lld frames and %.1f of its %.1f s: it was cut or is damaged.", source->path,
             (long long)source->frames, there, stated > there ? stated : there);
    if (source->damaged_packets) warn("%s: %d damaged packets were left out.", source->path, source->damaged_packets);
}

static int next_video(void *state, DfyPicture *picture) {
    VideoSource *source = state;
    int error;
    while ((error = libav.avcodec_receive_frame(source->decoder, source->frame)) < 0) {
        if (error == AVERROR_EOF || source->draining) {
            tell_what_is_missing(source);
            return DFY_END;
        }
        feed_decoder(source);
    }
    if (source->decoder->color_range == AVCOL_RANGE_JPEG) source->range = DFY_RANGE_FULL;
    int status = as_i420(source, picture);
    if (!status) status = turn(source, picture);
    if (status) return status;
    int64_t pts = source->frame->best_effort_timestamp;
    if (pts == AV_NOPTS_VALUE) pts = source->frames ? source->last_pts + source->frame_ticks : 0;
    if (!source->frames) source->first_pts = pts;
    source->last_pts = pts;
    picture->pts = pts - source->first_pts;
    picture->matrix = source->matrix;
    picture->range = source->range;
    source->frames++;
    return DFY_OK;
}

static void close_video(void *state) {
    VideoSource *source = state;
    libav.sws_freeContext(source->conversion);
    own_picture_free(&source->converted);
    own_picture_free(&source->rotated);
    libav.av_frame_free(&source->frame);
    libav.av_packet_free(&source->packet);
    libav.avcodec_free_context(&source->decoder);
    libav.avformat_close_input(&source->container);
    free(source);
}

const SourceFormat source_video = {"video", probe_video, open_video, next_video, close_video};
