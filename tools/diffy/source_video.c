/*
 * Any video that libav reads. This file brings packets, frames and what the container says; what that means is decided
 * in meaning.h and frames.h.
 */
#include "frames.h"
#include "libav_input.h"
#include "sound_queue.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct VideoSource {
    const char *input_path; /* as the input is opened */
    const char *path;       /* for people */
    const SourceOptions *options;
    LibavInput input;
    AVCodecContext *decoder;
    AVStream *stream;
    unsigned streams; /* when it was opened */
    SoundQueue sound;
    AVPacket *packet;
    AVFrame *frame;
    int frame_waits; /* the first frame was decoded when opening */
    Frames frames;
    OwnPicture turned;
    int orientation;
    Clock clock;
    int jumps; /* whether the container's clock may */
    int64_t first_pts, last_pts, last_ticks, frame_ticks, count;
    int64_t read_until; /* where the packets read so far end, in ticks */
    int64_t packets;
    int draining, broke_off, cut_packet; /* the last packet is not whole */
    int64_t position;                    /* of the last packet, in bytes */
    int looks;                           /* how often it was looked whether another codec begins */
    LibavInput next;                     /* where the video goes on, with its stream and decoder */
    AVStream *next_stream;
    int64_t next_position;
    AVCodecContext *next_decoder; /* NULL: nowhere else */
    unsigned changes;             /* of that kind */
    int sound_lost;
    char change[100]; /* the first, for people */
    int failure;      /* libav's number of what reading failed with; 0: nothing */
    uint64_t damaged_packets, damaged_frames, other_packets;
    char problem[200]; /* of the first damaged piece */
} VideoSource;

static int probe_video(const SourceProbe *probe) {
    return !probe->is_folder;
}

/* ---------------------------------------------------------------- opening */

/* A decoder of a stream; NULL where that does not work. */
static AVCodecContext *decoder_of(const AVStream *stream, const AVCodec *codec) {
    AVCodecContext *decoder = libav.avcodec_alloc_context3(codec);
    if (!decoder) return NULL;
    int error = libav.avcodec_parameters_to_context(decoder, stream->codecpar);
    decoder->pkt_timebase = stream->time_base;
    decoder->thread_count = 0;
    if (error >= 0) error = libav.avcodec_open2(decoder, codec, NULL);
    if (error < 0) libav.avcodec_free_context(&decoder);
    return decoder;
}

/* Of a transport stream all videos are read: one may take the place of another. */
static void discard_unless_video(AVStream *stream, int index, int jumps) {
    int wanted = stream->index == index || (jumps && stream->codecpar->codec_type == AVMEDIA_TYPE_VIDEO);
    stream->discard = wanted ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
}

static int is_in_a_program(const AVFormatContext *container, const AVStream *stream) {
    for (unsigned i = 0; i < container->nb_programs; i++)
        for (unsigned j = 0; j < container->programs[i]->nb_stream_indexes; j++)
            if ((int)container->programs[i]->stream_index[j] == stream->index) return 1;
    return 0;
}

/* Whether a program goes on without the stream that is read: its recorder was set anew. */
static int stream_is_gone(const VideoSource *source) {
    const AVFormatContext *container = source->input.container;
    return container->nb_programs > 0 && !is_in_a_program(container, source->stream);
}

/* Other cameras' or other programs' videos. */
static unsigned other_videos(const VideoSource *source) {
    const AVFormatContext *container = source->input.container;
    unsigned others = 0;
    if (stream_is_gone(source)) return 0; /* what took its place is followed */
    for (unsigned i = 0; i < container->nb_streams; i++) {
        const AVStream *stream = container->streams[i];
        int is_video = stream->codecpar->codec_type == AVMEDIA_TYPE_VIDEO && stream->codecpar->codec_id;
        if (stream == source->stream || !is_video || stream->disposition & AV_DISPOSITION_ATTACHED_PIC) continue;
        others += !container->nb_programs || is_in_a_program(container, stream);
    }
    return others;
}

static int open_decoder(VideoSource *source) {
    AVFormatContext *container = source->input.container;
    const AVCodec *codec = NULL;
    int index = libav.av_find_best_stream(container, AVMEDIA_TYPE_VIDEO, -1, -1, &codec, 0);
    if (index == AVERROR_STREAM_NOT_FOUND) return complain("%s contains no video.", source->path);
    if (index < 0 || !codec) return complain("%s contains video that this build can't decode.", source->path);
    source->stream = container->streams[index];
    source->streams = container->nb_streams;
    if (source->stream->disposition & AV_DISPOSITION_ATTACHED_PIC)
        return complain("%s contains no video, only sound with a cover picture.", source->path);
    int jumps = (container->iformat->flags & AVFMT_TS_DISCONT) != 0;
    for (unsigned i = 0; i < container->nb_streams; i++) discard_unless_video(container->streams[i], index, jumps);
    if (!source->options->no_audio) sound_queue_open(&source->sound, container, index);
    source->decoder = decoder_of(source->stream, codec);
    if (!source->decoder) return complain("%s can't be decoded.", source->path);
    unsigned others = other_videos(source);
    if (others)
        warn("%s contains %u videos: only one of them, of %d x %d pixels, is encoded.", source->path, others + 1,
             source->decoder->width, source->decoder->height);
    return STATUS_GOOD;
}

/* The measured rate, unless the container states one that is as good as that: its fraction is exact. */
static void find_rate(VideoSource *source, SourceFacts *facts) {
    AVRational stated = libav.av_guess_frame_rate(source->input.container, source->stream, NULL);
    int num = 0, den = 0;
    if (source->input.is_file) libav_input_rate(source->input_path, source->stream->index, &num, &den);
    double measured = num > 0 ? (double)num / den : 0;
    int usable = stated.num > 0 && stated.den > 0;
    if (!measured || (usable && fabs(av_q2d(stated) / measured - 1) < 0.02)) {
        num = usable ? stated.num : 30;
        den = usable ? stated.den : 1;
    }
    facts->rate_num = num;
    facts->rate_den = den;
}

static void find_shape(VideoSource *source, SourceFacts *facts) {
    size_t size = 0;
    const uint8_t *matrix = libav.av_stream_get_side_data(source->stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
    const AVFrameSideData *own = libav.av_frame_get_side_data(source->frame, AV_FRAME_DATA_DISPLAYMATRIX);
    if ((!matrix || size < 9 * sizeof(int32_t)) && own) matrix = own->data;
    source->orientation = matrix ? orientation_of_matrix((const int32_t *)matrix) : 1;
    AVRational aspect = source->stream->sample_aspect_ratio;
    if (aspect.num <= 0) aspect = source->frame->sample_aspect_ratio;
    if (aspect.num > 0 && aspect.den > 0) {
        facts->sample_aspect_num = aspect.num;
        facts->sample_aspect_den = aspect.den;
    }
    facts_orient(facts, source->orientation);
}

/* "2026-11-29T12:30:00.000000Z", as MP4 and Matroska say when a recording was made. */
static int64_t start_of(const AVFormatContext *container) {
    const AVDictionaryEntry *entry = libav.av_dict_get(container->metadata, "creation_time", NULL, 0);
    int year, month, day, hour, minute;
    double second;
    if (!entry || sscanf(entry->value, "%d-%d-%dT%d:%d:%lf", &year, &month, &day, &hour, &minute, &second) != 6)
        return 0;
    int64_t y = month > 2 ? year : year - 1, m = month > 2 ? month - 3 : month + 9; /* years from March */
    int64_t days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 719469;
    int64_t us = ((days * 24 + hour) * 60 + minute) * 60 * 1000000 + (int64_t)(second * 1e6 + 0.5);
    return year >= 1971 && us > 0 ? us : 0;
}

static int next_decoded(VideoSource *source);

static int fill_facts(VideoSource *source, SourceFacts *facts) {
    const AVStream *stream = source->stream;
    const AVFormatContext *container = source->input.container;
    *facts = (SourceFacts){.time_base_num = stream->time_base.num, .time_base_den = stream->time_base.den};
    find_rate(source, facts);
    AVRational ticks = libav.av_div_q((AVRational){facts->rate_den, facts->rate_num}, stream->time_base);
    source->frame_ticks = ticks.num > ticks.den ? ticks.num / ticks.den : 1;
    source->jumps = (container->iformat->flags & AVFMT_TS_DISCONT) != 0;
    source->clock = (Clock){.seconds_a_tick = av_q2d(stream->time_base), .frame_ticks = source->frame_ticks};
    int status = next_decoded(source);
    if (status == DFY_END) return complain("%s contains no picture that can be decoded.", source->path);
    if (status) return STATUS_FAILED;
    source->frame_waits = 1;
    if (frames_settle(&source->frames, source->frame, facts, source->options->keep_hdr)) return STATUS_FAILED;
    find_shape(source, facts);
    facts->start_unix_us = start_of(container);
    double rate = (double)facts->rate_num / facts->rate_den;
    if (stream->nb_frames > 0)
        facts->expected_frames = (uint64_t)stream->nb_frames;
    else if (container->duration > 0 && !source->jumps)
        facts->expected_frames = (uint64_t)((double)container->duration / AV_TIME_BASE * rate + 0.5);
    if (source->stream->codecpar->field_order > AV_FIELD_PROGRESSIVE)
        warn("%s is interlaced: each pair of fields is encoded as one picture.", source->path);
    return STATUS_GOOD;
}

static int open_video(void **state, const char *path, const SourceOptions *options, SourceFacts *facts) {
    if (libav_load()) return STATUS_FAILED;
    VideoSource *source = *state = calloc(1, sizeof *source);
    if (!source) return complain("There is no memory left to open %s.", path);
    source->input_path = path;
    source->path = source->frames.path = source_name(path);
    source->options = options;
    source->frames.alpha_white = options->alpha_white;
    if (libav_input_open(&source->input, path) || open_decoder(source)) return STATUS_FAILED;
    source->packet = libav.av_packet_alloc();
    source->frame = libav.av_frame_alloc();
    if (!source->packet || !source->frame) return complain("There is no memory left to decode %s.", path);
    return fill_facts(source, facts);
}

/* ---------------------------------------------------------------- other codecs in mid-stream */

/*
 * Recorders that are set anew, and files laid end to end, go on with another codec under the same number, which libav
 * goes on taking for the first: all of it is damaged to that one's decoder. Where damage begins, the file is opened
 * once more from there on, by what it says there; if that is another codec, it is read on from there. Looked for some
 * times at most.
 */
enum { LOOKS = 16 };

static double seconds_read(const VideoSource *source) {
    double seconds = (double)(source->read_until - source->first_pts) * source->clock.seconds_a_tick;
    return seconds > 0 ? seconds : 0;
}

/* Reads on in the container that was found, once the decoder has given all that it held. */
static void move_on(VideoSource *source) {
    AVFormatContext *container = source->next.container;
    AVCodecContext *decoder = source->next_decoder;
    AVStream *stream = source->next_stream;
    if (!source->changes++)
        snprintf(source->change, sizeof source->change, "%s after %s at %.1f s",
                 libav.avcodec_get_name(decoder->codec_id), libav.avcodec_get_name(source->decoder->codec_id),
                 seconds_read(source));
    for (unsigned i = 0; i < container->nb_streams; i++) discard_unless_video(container->streams[i], stream->index, 1);
    if (!sound_queue_move(&source->sound, container, stream->index)) source->sound_lost = 1;
    libav.avcodec_free_context(&source->decoder);
    libav_input_close(&source->input);
    source->input = source->next;
    source->stream = stream;
    source->streams = container->nb_streams;
    source->decoder = decoder;
    source->next_decoder = NULL;
    source->position = 0;
    source->draining = 0;
}

/* Where the tables nearest to a byte of a transport stream begin, before it and behind it; 0 where there are none. */
static void find_tables(const char *path, int64_t position, int64_t *before, int64_t *behind) {
    enum { AROUND = 256 << 10, PACKET = 188 };
    int64_t start = position > AROUND ? position - AROUND : 0;
    uint8_t *data = malloc(2 * AROUND);
    int size = data ? (int)libav_input_peek(path, start, data, 2 * AROUND) : 0;
    *before = *behind = 0;
    for (int i = 0; i + PACKET < size; i++) {
        if (data[i] != 0x47 || (data[i + 1] & 0x5f) != 0x40 || data[i + 2]) continue; /* begins a table of PID 0 */
        if (data[i + PACKET] != 0x47 && (i + PACKET + 4 >= size || data[i + PACKET + 4] != 0x47)) continue;
        if (start + i < position) *before = start + i;
        if (start + i >= position && !*behind) *behind = start + i;
    }
    free(data);
}

/* Whether video `id` that begins at a byte is another than the one that is read; then it is the next. */
static int follow_at(VideoSource *source, int64_t position, int id) {
    LibavInput *next = &source->next;
    AVStream *stream = NULL;
    int open = libav_input_open_at(next, source->input_path, position) >= 0;
    for (unsigned i = 0; open && i < next->container->nb_streams; i++)
        if (next->container->streams[i]->id == id) stream = next->container->streams[i];
    if (stream && stream->codecpar->codec_type != AVMEDIA_TYPE_VIDEO) stream = NULL;
    enum AVCodecID was = source->decoder->codec_id, is = stream ? stream->codecpar->codec_id : AV_CODEC_ID_NONE;
    const AVCodec *codec = is != was || id != source->stream->id ? libav.avcodec_find_decoder(is) : NULL;
    AVCodecContext *decoder = codec ? decoder_of(stream, codec) : NULL;
    source->next_decoder = decoder;
    source->next_stream = stream;
    if (!decoder) libav_input_close(next);
    return decoder != NULL;
}

/* Whether the file goes on with another video about where it is read; then that is read on. */
static int follow_change(VideoSource *source, int64_t position, int id) {
    if (!source->jumps || !source->input.can_reopen || position <= 0 || source->looks >= LOOKS) return 0;
    source->looks++;
    int64_t before = 0, behind = 0;
    find_tables(source->input_path, position, &before, &behind);
    int first_before = before && (!behind || position - before <= behind - position);
    int64_t places[3] = {first_before ? before : behind, first_before ? behind : before, position};
    for (int i = 0; i < 3; i++)
        if (places[i] && follow_at(source, places[i], id)) return 1;
    return 0;
}

/* ---------------------------------------------------------------- decoding */

/* Counts a damaged piece; whether to go on. */
static int go_on_after(VideoSource *source, uint64_t *count, const char *what) {
    if (!source->damaged_packets && !source->damaged_frames)
        snprintf(source->problem, sizeof source->problem, "%s at %.1f s", what, seconds_read(source));
    ++*count;
    if (source->options->on_error != ON_ERROR_STOP) return 1;
    complain("%s is damaged: %s can't be decoded; --on-error skip continues after it.", source->path, source->problem);
    return 0;
}

/* Makes the clock of a transport stream run on where it jumps. */
static void set_clock(VideoSource *source) {
    AVPacket *packet = source->packet;
    int64_t time = packet->dts != AV_NOPTS_VALUE ? packet->dts : packet->pts;
    if (!source->jumps || time == AV_NOPTS_VALUE) return;
    clock_take(&source->clock, time, packet->duration);
    if (packet->dts != AV_NOPTS_VALUE) packet->dts += source->clock.offset;
    if (packet->pts != AV_NOPTS_VALUE) packet->pts += source->clock.offset;
}

/* Nothing more comes for this decoder: it gives what it holds. */
static void end_decoder(VideoSource *source) {
    source->draining = 1;
    libav.avcodec_send_packet(source->decoder, NULL);
}

/* Hands the packet to the decoder. */
static int take_packet(VideoSource *source) {
    set_clock(source);
    AVPacket *packet = source->packet;
    int64_t end = packet->pts == AV_NOPTS_VALUE ? 0 : packet->pts + packet->duration;
    if (end > source->read_until) source->read_until = end;
    source->packets++;
    int bad = libav.avcodec_send_packet(source->decoder, packet) < 0;
    if (packet->pos > 0) source->position = packet->pos + source->input.base;
    libav.av_packet_unref(packet);
    if (bad && !source->next_decoder && follow_change(source, source->position, source->stream->id)) {
        end_decoder(source);
        return DFY_OK;
    }
    return bad && !go_on_after(source, &source->damaged_packets, "a packet") ? DFY_ERROR_DAMAGED : DFY_OK;
}

/* Demuxers often take a failed read for the end: what was read through knows better. */
static void note_end(VideoSource *source, int error) {
    const AVIOContext *io = source->input.container->pb;
    source->broke_off = error != AVERROR_EOF || source->cut_packet;
    if (io && io->error < 0 && io->error != AVERROR_EOF) source->failure = io->error;
    if (!io && error != AVERROR_EOF) source->failure = error;
}

static int read_failed(const VideoSource *source) {
    char text[AV_ERROR_MAX_STRING_SIZE];
    libav.av_strerror(source->failure, text, sizeof text);
    complain("%s can't be read after frame %lld (%s).", source->path, (long long)source->count, text);
    return DFY_ERROR_IO;
}

static int read_no_more(void *opaque, uint8_t *data, int size) {
    (void)opaque;
    (void)data;
    (void)size;
    return AVERROR_EOF;
}

/* What a container still holds of the pictures before a byte comes at its end. */
static void end_container(VideoSource *source, int64_t position) {
    source->input.container->pb->read_packet = read_no_more;
    source->next_position = position;
}

/* Gives the decoder the next packet of the stream, or the end. */
static int feed_decoder(VideoSource *source) {
    for (;;) {
        libav_input_wait(&source->input);
        int error = libav.av_read_frame(source->input.container, source->packet);
        if (error == AVERROR(EAGAIN)) continue;
        if (error < 0) {
            if (!source->next_decoder) note_end(source, error);
            end_decoder(source);
            return DFY_OK;
        }
        int index = source->packet->stream_index;
        source->cut_packet = source->packet->flags & AV_PKT_FLAG_CORRUPT && !source->jumps;
        int64_t position = source->packet->pos + source->input.base;
        int late = source->next_decoder && position > source->next_position;
        if (index == source->stream->index && !late) return take_packet(source);
        if (!late && source->sound.stream && index == source->sound.stream->index &&
            sound_queue_put(&source->sound, source->packet, source->jumps)) {
            complain("There is no memory left for the sound of %s.", source->path);
            return DFY_ERROR_MEMORY;
        }
        int other = source->input.container->streams[index]->codecpar->codec_type == AVMEDIA_TYPE_VIDEO;
        libav.av_packet_unref(source->packet);
        other = other && !source->next_decoder &&
                (stream_is_gone(source) || (!source->jumps && index >= (int)source->streams));
        if (other && follow_change(source, position, source->input.container->streams[index]->id))
            end_container(source, position);
        else
            source->other_packets += (uint64_t)other;
    }
}

/* Decodes the next frame into source->frame. */
static int next_decoded(VideoSource *source) {
    int error;
    while ((error = libav.avcodec_receive_frame(source->decoder, source->frame)) < 0) {
        if (error == AVERROR_EOF && source->next_decoder) {
            move_on(source);
            continue;
        }
        if (error == AVERROR_EOF) return DFY_END;
        if (error != AVERROR(EAGAIN) && source->next_decoder && source->draining)
            continue; /* what is not of its codec leaves it with errors */
        if (error != AVERROR(EAGAIN) && !go_on_after(source, &source->damaged_frames, "a picture"))
            return DFY_ERROR_DAMAGED;
        if (error == AVERROR(EAGAIN) && source->draining) return DFY_END;
        int status = source->draining ? DFY_OK : feed_decoder(source);
        if (status) return status;
    }
    if (source->decoder->codec_id == AV_CODEC_ID_VP8 && source->input.vp8_matrix != AVCOL_SPC_UNSPECIFIED)
        source->frame->colorspace = source->input.vp8_matrix;
    int concealed = source->frame->decode_error_flags || (source->frame->flags & AV_FRAME_FLAG_CORRUPT);
    if (concealed && !(source->next_decoder && source->draining) &&
        !go_on_after(source, &source->damaged_frames, "a picture"))
        return DFY_ERROR_DAMAGED;
    return DFY_OK;
}

/* ---------------------------------------------------------------- the end */

/* Seconds that the file says its video takes; 0 where it doesn't say. */
static double stated_seconds(const VideoSource *source) {
    const AVFormatContext *container = source->input.container;
    if (source->jumps) return 0;
    if (source->stream->duration > 0) return (double)source->stream->duration * av_q2d(source->stream->time_base);
    int said = container->duration > 0 && container->duration_estimation_method == AVFMT_DURATION_FROM_STREAM;
    return said ? (double)container->duration / AV_TIME_BASE : 0;
}

/* Packets that an MP4's tables tell of; 0 where there are none. */
static int64_t listed_packets(const VideoSource *source) {
    int is_mp4 = strstr(source->input.container->iformat->name, "mp4") != NULL;
    return is_mp4 ? libav.avformat_index_get_entries_count(source->stream) : 0;
}

/* All of them were there: then it ends where it says, however long its last picture lasts. */
static int is_whole(const VideoSource *source) {
    int64_t listed = listed_packets(source);
    return !source->broke_off && listed > 0 && source->packets >= listed;
}

/* A file that ends before its own end was cut, as a copy that was broken off: what is missing is said. */
static void tell_what_is_missing(VideoSource *source) {
    int64_t start = source->stream->start_time == AV_NOPTS_VALUE ? 0 : source->stream->start_time;
    double stated = stated_seconds(source),
           there = (double)(source->read_until - start) * av_q2d(source->stream->time_base);
    /* Matroska's length may count from 0 on, wherever its first picture is. */
    double end = (double)source->read_until * av_q2d(source->stream->time_base);
    double missing = stated - (end > there && source->stream->duration <= 0 ? end : there),
           rounding = stated / 20 > 0.5 ? stated / 20 : 0.5;
    char all[40] = "";
    if (stated > there) snprintf(all, sizeof all, " of its %.1f", stated);
    int lacks = source->packets < listed_packets(source);
    if (source->broke_off || lacks || (source->read_until && missing > rounding && !is_whole(source)))
        warn("%s ends early, after %lld frames and %.1f%s s: it is cut off or damaged.", source->path,
             (long long)source->count, there, all);
    if (source->other_packets)
        warn("%s continues with a different kind of video, which is left out: %llu packets.", source->path,
             (unsigned long long)source->other_packets);
    uint64_t damaged = source->damaged_packets + source->damaged_frames;
    if (damaged && source->options->on_error != ON_ERROR_SKIP)
        warn("%s is damaged in %llu place%s, first %s: the pictures there are left out or incomplete.", source->path,
             (unsigned long long)damaged, damaged > 1 ? "s" : "", source->problem);
    if (source->changes)
        warn("%s continues with different video, %s%s: decoding continues with that%s.", source->path, source->change,
             source->changes > 1 ? " and again later" : "", source->sound_lost ? ", but its sound ends there" : "");
    if (source->clock.resets)
        warn("The clock of %s jumps %u time%s: the jumps are removed.", source->path, source->clock.resets,
             source->clock.resets > 1 ? "s" : "");
}

/*
 * The container's own end counts where the last packet does not say how long it lasts: in MP4, and in Ogg, where
 * pictures that repeat are no packets.
 */
static void find_last_ticks(VideoSource *source) {
    const AVStream *stream = source->stream;
    int is_ogg = !strcmp(source->input.container->iformat->name, "ogg");
    int told = is_ogg ? !source->broke_off && !source->clock.resets : !source->jumps && is_whole(source);
    int64_t start = stream->start_time == AV_NOPTS_VALUE ? 0 : stream->start_time;
    int64_t rest = stream->duration > 0 ? start + stream->duration - source->last_pts : 0;
    if (told && rest > source->frame_ticks + source->frame_ticks / 2) source->last_ticks = rest;
}

static int next_video(void *state, DfyPicture *picture) {
    VideoSource *source = state;
    int status = source->frame_waits ? DFY_OK : next_decoded(source);
    source->frame_waits = 0;
    if (status == DFY_END && source->failure) return interrupted() ? DFY_END : read_failed(source);
    if (status == DFY_END) {
        find_last_ticks(source);
        tell_what_is_missing(source);
    }
    if (status) return status;
    AVFrame *frame = source->frame;
    if (frames_picture(&source->frames, frame, picture) ||
        picture_orient(picture, &source->turned, source->orientation))
        return DFY_ERROR_UNSUPPORTED;
    int64_t pts = frame->best_effort_timestamp;
    if (pts == AV_NOPTS_VALUE) pts = source->count ? source->last_pts + source->frame_ticks : 0;
    if (!source->count) source->first_pts = pts;
    source->last_pts = pts;
    source->last_ticks = frame->pkt_duration;
    picture->pts = pts - source->first_pts;
    source->count++;
    return DFY_OK;
}

static void close_video(void *state) {
    VideoSource *source = state;
    sound_queue_close(&source->sound);
    frames_free(&source->frames);
    own_picture_free(&source->turned);
    libav.av_frame_free(&source->frame);
    libav.av_packet_free(&source->packet);
    libav.avcodec_free_context(&source->decoder);
    libav_input_close(&source->input);
    if (source->next_decoder) libav_input_close(&source->next);
    libav.avcodec_free_context(&source->next_decoder);
    free(source);
}

static int sound_of_video(const void *state, DfySound *sound) {
    return sound_queue_describe(&((const VideoSource *)state)->sound, sound);
}

static int next_sound_of_video(void *state, DfySoundPacket *packet) {
    VideoSource *source = state;
    if (!source->count) return DFY_END; /* only the first picture tells what time is 0 */
    return sound_queue_take(&source->sound, packet, (double)source->first_pts * source->clock.seconds_a_tick);
}

static int64_t last_ticks_of_video(const void *state) {
    return ((const VideoSource *)state)->last_ticks;
}

static uint64_t skipped_of_video(const void *state, const char **first) {
    const VideoSource *source = state;
    *first = source->problem;
    return source->damaged_packets + source->damaged_frames;
}

const SourceFormat source_video = {.name = "video",
                                   .probe = probe_video,
                                   .open = open_video,
                                   .next = next_video,
                                   .close = close_video,
                                   .last_ticks = last_ticks_of_video,
                                   .skipped = skipped_of_video,
                                   .sound = sound_of_video,
                                   .next_sound = next_sound_of_video};
