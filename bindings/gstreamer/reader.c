/*
 * dfydemux and dfydec: a .dfy in, pictures out, and with dfydemux its sound. They are one thing with two faces: dfydec
 * has a source pad at all times and no sound; dfydemux adds a pad for each stream that there is. Bytes are pulled where
 * upstream lets them be read anywhere; else they are collected in a temporary file first. Any frame can be sought.
 */
#include "plugin.h"

#include <gst/base/gstflowcombiner.h>
#include <string.h>
#include <unistd.h>

GST_DEBUG_CATEGORY_EXTERN(gst_dfy_debug);
#define GST_CAT_DEFAULT gst_dfy_debug

/* A source pad and what was sent on it. */
typedef struct Stream {
    GstPad *pad; /* NULL: there is none */
    gboolean ended, discont;
} Stream;

typedef struct GstDfyReader {
    GstElement element;
    GstPad *sink;
    Stream video, sound;
    GstFlowCombiner *flows;
    DfyGstSource source;
    gchar *collected; /* name of the temporary file */
    DfyDecoder *decoder;
    DfyInfo info;
    DfySound about_sound;
    gint64 start_ticks; /* time of the first frame: that of the stream begins there */
    GstSegment segment;
    gboolean new_segment;
    gint64 frame;        /* the next one; -1 or info.frames: none is left */
    gboolean has_packet; /* packet is the next one of the sound */
    DfySoundPacket packet;
    guint32 seqnum; /* of the seek that is played */
} GstDfyReader;

typedef struct GstDfyReaderClass {
    GstElementClass parent;
} GstDfyReaderClass;

typedef GstDfyReader GstDfyDec;
typedef GstDfyReaderClass GstDfyDecClass;
typedef GstDfyReader GstDfyDemux;
typedef GstDfyReaderClass GstDfyDemuxClass;

G_DEFINE_ABSTRACT_TYPE(GstDfyReader, gst_dfy_reader, GST_TYPE_ELEMENT)
G_DEFINE_TYPE(GstDfyDec, gst_dfy_dec, gst_dfy_reader_get_type())
G_DEFINE_TYPE(GstDfyDemux, gst_dfy_demux, gst_dfy_reader_get_type())

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(DFY_GST_CAPS));
#define VIDEO_CAPS GST_STATIC_CAPS("video/x-raw, format=(string){ I420, RGB }")
static GstStaticPadTemplate dec_template = GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, VIDEO_CAPS);
static GstStaticPadTemplate video_template =
    GST_STATIC_PAD_TEMPLATE("video_%u", GST_PAD_SRC, GST_PAD_SOMETIMES, VIDEO_CAPS);
static GstStaticPadTemplate sound_template =
    GST_STATIC_PAD_TEMPLATE("audio_%u", GST_PAD_SRC, GST_PAD_SOMETIMES, GST_STATIC_CAPS_ANY);

/* ---------------------------------------------------------------- times */

static GstClockTime scaled(gint64 ticks, int num, int den) {
    return ticks <= 0 ? 0 : gst_util_uint64_scale((guint64)ticks, (guint64)num * GST_SECOND, (guint64)den);
}

static GstClockTime time_of_ticks(const GstDfyReader *self, gint64 ticks) {
    return scaled(ticks - self->start_ticks, self->info.time_base_num, self->info.time_base_den);
}

static GstClockTime frame_duration(const GstDfyReader *self) {
    return gst_util_uint64_scale(GST_SECOND, (guint64)self->info.frame_rate_den, (guint64)self->info.frame_rate_num);
}

/* Of a frame whose part of the file is damaged, what its rate makes likely. */
static GstClockTime time_of_frame(GstDfyReader *self, gint64 frame) {
    int64_t ticks;
    if (dfy_decoder_time(self->decoder, (uint64_t)frame, &ticks)) return (GstClockTime)frame * frame_duration(self);
    return time_of_ticks(self, ticks);
}

static GstClockTime duration(GstDfyReader *self) {
    gint64 frames = (gint64)self->info.frames;
    return frames ? time_of_frame(self, frames - 1) + frame_duration(self) : 0;
}

/* The last frame that is shown at or before a time. */
static gint64 frame_at(GstDfyReader *self, GstClockTime time) {
    gint64 low = 0, high = (gint64)self->info.frames;
    while (high - low > 1) {
        gint64 middle = low + (high - low) / 2;
        /* Times are rounded down to nanoseconds: one more lets a frame be found by its own. */
        if (time_of_frame(self, middle) <= time + 1)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* ---------------------------------------------------------------- pads and events */

static gboolean src_event(GstPad *pad, GstObject *parent, GstEvent *event);
static gboolean src_query(GstPad *pad, GstObject *parent, GstQuery *query);

static void use_pad(GstDfyReader *self, Stream *stream, GstPad *pad, gboolean add) {
    stream->pad = pad;
    gst_pad_set_event_function(pad, src_event);
    gst_pad_set_query_function(pad, src_query);
    gst_pad_use_fixed_caps(pad);
    if (!add) return;
    gst_pad_set_active(pad, TRUE);
    gst_flow_combiner_add_pad(self->flows, pad);
}

/* Says what a stream is; `caps` is taken over. */
static void announce(GstDfyReader *self, Stream *stream, const char *name, GstCaps *caps) {
    gchar *id = gst_pad_create_stream_id(stream->pad, GST_ELEMENT(self), name);
    GstEvent *start = gst_event_new_stream_start(id);
    gst_event_set_group_id(start, gst_util_group_id_next());
    gst_pad_push_event(stream->pad, start);
    gst_pad_push_event(stream->pad, gst_event_new_caps(caps));
    gst_caps_unref(caps);
    g_free(id);
    stream->ended = FALSE;
    stream->discont = TRUE;
}

static gboolean is_demux(GstDfyReader *self) {
    return G_TYPE_CHECK_INSTANCE_TYPE(self, gst_dfy_demux_get_type());
}

static void push_all(GstDfyReader *self, GstEvent *event) {
    if (self->sound.pad) gst_pad_push_event(self->sound.pad, gst_event_ref(event));
    if (self->video.pad) gst_pad_push_event(self->video.pad, gst_event_ref(event));
    gst_event_unref(event);
}

/* EXIF's orientations, 1 to 8, under GStreamer's names. */
static const char *const orientations[9] = {NULL,         "rotate-0",        "flip-rotate-0",
                                            "rotate-180", "flip-rotate-180", "flip-rotate-270",
                                            "rotate-90",  "flip-rotate-90",  "rotate-270"};

static void push_tags(GstDfyReader *self) {
    GstTagList *tags = gst_tag_list_new(GST_TAG_CONTAINER_FORMAT, "Diffy", GST_TAG_VIDEO_CODEC, "Diffy", NULL);
    if (self->info.orientation > 1 && self->info.orientation <= 8)
        gst_tag_list_add(tags, GST_TAG_MERGE_REPLACE, GST_TAG_IMAGE_ORIENTATION, orientations[self->info.orientation],
                         NULL);
    push_all(self, gst_event_new_tag(tags));
}

/* ---------------------------------------------------------------- opening */

static void add_pads(GstDfyReader *self) {
    GstCaps *sound = NULL;
    if (is_demux(self)) {
        use_pad(self, &self->video, gst_pad_new_from_static_template(&video_template, "video_0"), TRUE);
        if (!dfy_decoder_sound(self->decoder, &self->about_sound)) sound = gst_dfy_sound_caps(&self->about_sound);
        if (sound) use_pad(self, &self->sound, gst_pad_new_from_static_template(&sound_template, "audio_0"), TRUE);
    }
    announce(self, &self->video, "video", gst_dfy_video_caps(&self->info));
    if (sound) announce(self, &self->sound, "audio", sound);
    if (!is_demux(self)) return;
    gst_element_add_pad(GST_ELEMENT(self), self->video.pad);
    if (self->sound.pad) gst_element_add_pad(GST_ELEMENT(self), self->sound.pad);
    gst_element_no_more_pads(GST_ELEMENT(self));
}

static gboolean open_decoder(GstDfyReader *self) {
    if (self->source.pad) {
        gint64 size = 0;
        if (!gst_pad_peer_query_duration(self->sink, GST_FORMAT_BYTES, &size) || size < 0) size = 0;
        self->source.size = (guint64)size;
    }
    DfyInput input = gst_dfy_input(&self->source);
    int status = dfy_decoder_open(&self->decoder, &input, NULL);
    if (!status) status = dfy_decoder_info(self->decoder, &self->info);
    if (status || !self->info.frames) {
        const char *why = dfy_last_message(self->decoder);
        GST_ELEMENT_ERROR(self, STREAM, DEMUX, ("%s", *why ? why : "The file holds no frames."), (NULL));
        dfy_decoder_close(&self->decoder);
        return FALSE;
    }
    if (!self->info.complete) GST_ELEMENT_WARNING(self, STREAM, DEMUX, ("%s", dfy_last_message(self->decoder)), (NULL));
    int64_t ticks = 0;
    self->start_ticks = dfy_decoder_time(self->decoder, 0, &ticks) ? 0 : ticks;
    add_pads(self);
    push_tags(self);
    self->segment.duration = duration(self);
    if (self->segment.stop == GST_CLOCK_TIME_NONE) self->segment.stop = self->segment.duration;
    return TRUE;
}

/* ---------------------------------------------------------------- streaming */

static GstBuffer *buffer_of(GstDfyReader *self, const DfyPicture *picture) {
    GstVideoInfo info;
    GstCaps *caps = gst_dfy_video_caps(&self->info);
    gst_video_info_from_caps(&info, caps);
    gst_caps_unref(caps);
    GstBuffer *buffer = gst_buffer_new_allocate(NULL, info.size, NULL);
    GstVideoFrame frame;
    if (!buffer || !gst_video_frame_map(&frame, &info, buffer, GST_MAP_WRITE)) return buffer;
    for (guint p = 0; p < GST_VIDEO_FRAME_N_PLANES(&frame); p++) {
        gsize row = (gsize)GST_VIDEO_FRAME_COMP_WIDTH(&frame, p) * (gsize)GST_VIDEO_FRAME_COMP_PSTRIDE(&frame, p);
        guint8 *to = GST_VIDEO_FRAME_PLANE_DATA(&frame, p);
        for (int y = 0; y < GST_VIDEO_FRAME_COMP_HEIGHT(&frame, p); y++)
            memcpy(to + y * GST_VIDEO_FRAME_PLANE_STRIDE(&frame, p), picture->plane[p] + y * picture->stride_bytes[p],
                   row);
    }
    gst_video_frame_unmap(&frame);
    return buffer;
}

static GstFlowReturn push(GstDfyReader *self, Stream *stream, GstBuffer *buffer) {
    if (stream->discont) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
    stream->discont = FALSE;
    GstFlowReturn flow = gst_pad_push(stream->pad, buffer);
    return gst_flow_combiner_update_pad_flow(self->flows, stream->pad, flow);
}

/* Steps over what is lost, forwards; backwards, over one frame at a time. */
static GstFlowReturn lose(GstDfyReader *self, const char *sentence) {
    GST_ELEMENT_WARNING(self, STREAM, DECODE, ("%s", sentence), (NULL));
    gint64 behind = (gint64)dfy_decoder_position(self->decoder);
    self->frame = self->segment.rate < 0 ? self->frame - 1 : MAX(behind, self->frame + 1);
    self->video.discont = TRUE;
    return GST_FLOW_OK;
}

static GstFlowReturn push_frame(GstDfyReader *self) {
    DfyPicture picture;
    int status = DFY_OK;
    if ((gint64)dfy_decoder_position(self->decoder) != self->frame)
        status = dfy_decoder_seek(self->decoder, (uint64_t)self->frame);
    if (!status) status = dfy_decoder_next(self->decoder, &picture);
    if (status == DFY_ERROR_DAMAGED) return lose(self, dfy_last_message(self->decoder));
    if (status) {
        if (GST_PAD_IS_FLUSHING(self->sink)) return GST_FLOW_FLUSHING;
        GST_ELEMENT_ERROR(self, STREAM, DECODE, ("%s", dfy_last_message(self->decoder)), (NULL));
        return GST_FLOW_ERROR;
    }
    GstBuffer *buffer = buffer_of(self, &picture);
    gint64 frames = (gint64)self->info.frames;
    GST_BUFFER_PTS(buffer) = time_of_ticks(self, picture.pts);
    GST_BUFFER_OFFSET(buffer) = (guint64)self->frame;
    GST_BUFFER_DURATION(buffer) =
        self->frame + 1 < frames ? time_of_frame(self, self->frame + 1) - GST_BUFFER_PTS(buffer) : frame_duration(self);
    self->segment.position = GST_BUFFER_PTS(buffer);
    self->frame += self->segment.rate < 0 ? -1 : 1;
    return push(self, &self->video, buffer);
}

static GstClockTime time_of_packet(const GstDfyReader *self) {
    GstClockTime start = scaled(self->start_ticks, self->info.time_base_num, self->info.time_base_den);
    GstClockTime time = scaled(self->packet.pts, self->about_sound.time_base_num, self->about_sound.time_base_den);
    return time > start ? time - start : 0;
}

static void next_packet(GstDfyReader *self) {
    int status = DFY_ERROR_DAMAGED;
    self->has_packet = FALSE;
    while (self->sound.pad && !self->sound.ended && status == DFY_ERROR_DAMAGED)
        status = dfy_decoder_next_sound(self->decoder, &self->packet);
    if (self->sound.pad && !self->sound.ended) self->has_packet = !status;
    if (self->has_packet && time_of_packet(self) >= self->segment.stop) self->has_packet = FALSE;
}

static GstFlowReturn push_packet(GstDfyReader *self) {
    GstBuffer *buffer = gst_buffer_new_memdup(self->packet.data, self->packet.size_bytes);
    GST_BUFFER_PTS(buffer) = time_of_packet(self);
    GST_BUFFER_DURATION(buffer) =
        scaled(self->packet.duration, self->about_sound.time_base_num, self->about_sound.time_base_den);
    GstFlowReturn flow = push(self, &self->sound, buffer);
    next_packet(self);
    return flow;
}

/* Goes to where the segment begins; played backwards, to where it ends. */
static void go_to_segment(GstDfyReader *self) {
    gboolean back = self->segment.rate < 0;
    GstClockTime at = back ? self->segment.stop : self->segment.position;
    self->frame = frame_at(self, back && at ? at - 1 : at);
    self->video.ended = FALSE;
    self->sound.ended = back; /* sound is not played backwards */
    self->video.discont = self->sound.discont = TRUE;
    if (self->sound.pad && !back) {
        GstClockTime start = scaled(self->start_ticks, self->info.time_base_num, self->info.time_base_den);
        gint64 ticks = (gint64)gst_util_uint64_scale(at + start, (guint64)self->about_sound.time_base_den,
                                                     (guint64)self->about_sound.time_base_num * GST_SECOND);
        int status = dfy_decoder_seek_sound(self->decoder, ticks);
        self->sound.ended = status && status != DFY_ERROR_DAMAGED;
    }
    next_packet(self);
}

static gboolean frame_is_left(GstDfyReader *self) {
    if (self->frame < 0 || self->frame >= (gint64)self->info.frames) return FALSE;
    if (self->segment.rate > 0) return time_of_frame(self, self->frame) < self->segment.stop;
    return self->frame + 1 == (gint64)self->info.frames || time_of_frame(self, self->frame + 1) > self->segment.start;
}

/* All is played: the end, or the end of a segment that goes on. */
static void end(GstDfyReader *self) {
    GstEvent *event;
    if (self->segment.flags & GST_SEGMENT_FLAG_SEGMENT) {
        gint64 at = (gint64)(self->segment.rate < 0 ? self->segment.start : self->segment.stop);
        GstMessage *message = gst_message_new_segment_done(GST_OBJECT(self), GST_FORMAT_TIME, at);
        gst_message_set_seqnum(message, self->seqnum);
        gst_element_post_message(GST_ELEMENT(self), message);
        event = gst_event_new_segment_done(GST_FORMAT_TIME, at);
    } else {
        event = gst_event_new_eos();
    }
    gst_event_set_seqnum(event, self->seqnum);
    push_all(self, event);
}

static void loop(gpointer data) {
    GstDfyReader *self = data;
    GstFlowReturn flow = GST_FLOW_OK;
    if (!self->decoder && !open_decoder(self)) flow = GST_FLOW_ERROR;
    if (flow == GST_FLOW_OK && self->new_segment) {
        GstEvent *event = gst_event_new_segment(&self->segment);
        gst_event_set_seqnum(event, self->seqnum);
        push_all(self, event);
        self->new_segment = FALSE;
        go_to_segment(self);
    }
    if (flow == GST_FLOW_OK) {
        gboolean video = frame_is_left(self);
        if (self->has_packet && (!video || time_of_packet(self) <= time_of_frame(self, self->frame)))
            flow = push_packet(self);
        else if (video)
            flow = push_frame(self);
        else
            flow = GST_FLOW_EOS;
    }
    if (flow == GST_FLOW_OK) return;
    gst_pad_pause_task(self->sink);
    if (flow == GST_FLOW_EOS) {
        end(self);
    } else if (flow == GST_FLOW_NOT_LINKED || flow < GST_FLOW_EOS) {
        if (self->decoder) GST_ELEMENT_FLOW_ERROR(self, flow);
        push_all(self, gst_event_new_eos());
    }
}

/* ---------------------------------------------------------------- seeking and asking */

static gboolean seek(GstDfyReader *self, GstEvent *event) {
    gdouble rate;
    GstFormat format;
    GstSeekFlags flags;
    GstSeekType start_type, stop_type;
    gint64 start, stop;
    gst_event_parse_seek(event, &rate, &format, &flags, &start_type, &start, &stop_type, &stop);
    if (format != GST_FORMAT_TIME || !self->decoder) return FALSE;
    gboolean flush = (flags & GST_SEEK_FLAG_FLUSH) != 0;
    guint32 seqnum = gst_event_get_seqnum(event);
    if (flush) {
        GstEvent *begin = gst_event_new_flush_start();
        gst_event_set_seqnum(begin, seqnum);
        push_all(self, begin);
    } else {
        gst_pad_pause_task(self->sink);
    }
    GST_PAD_STREAM_LOCK(self->sink);
    if (flush) {
        GstEvent *over = gst_event_new_flush_stop(TRUE);
        gst_event_set_seqnum(over, seqnum);
        push_all(self, over);
        gst_flow_combiner_reset(self->flows);
    }
    gboolean update, done = gst_segment_do_seek(&self->segment, rate, format, flags, start_type, (guint64)start,
                                                stop_type, (guint64)stop, &update);
    if (self->segment.stop == GST_CLOCK_TIME_NONE || self->segment.stop > self->segment.duration)
        self->segment.stop = self->segment.duration;
    self->seqnum = seqnum;
    self->new_segment = TRUE;
    gst_pad_start_task(self->sink, loop, self, NULL);
    GST_PAD_STREAM_UNLOCK(self->sink);
    return done;
}

static gboolean src_event(GstPad *pad, GstObject *parent, GstEvent *event) {
    gboolean done;
    switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_SEEK: done = seek((GstDfyReader *)parent, event); break;
    case GST_EVENT_QOS:
    case GST_EVENT_NAVIGATION:
    case GST_EVENT_LATENCY: done = TRUE; break; /* nothing upstream is about time */
    default: return gst_pad_event_default(pad, parent, event);
    }
    gst_event_unref(event);
    return done;
}

static gboolean src_query(GstPad *pad, GstObject *parent, GstQuery *query) {
    GstDfyReader *self = (GstDfyReader *)parent;
    GstFormat format;
    switch (GST_QUERY_TYPE(query)) {
    case GST_QUERY_DURATION:
        gst_query_parse_duration(query, &format, NULL);
        if (format != GST_FORMAT_TIME || !self->decoder) return FALSE;
        gst_query_set_duration(query, format, (gint64)self->segment.duration);
        return TRUE;
    case GST_QUERY_POSITION:
        gst_query_parse_position(query, &format, NULL);
        if (format != GST_FORMAT_TIME) return FALSE;
        gst_query_set_position(query, format, (gint64)self->segment.position);
        return TRUE;
    case GST_QUERY_SEEKING:
        gst_query_parse_seeking(query, &format, NULL, NULL, NULL);
        if (format != GST_FORMAT_TIME) return FALSE;
        gst_query_set_seeking(query, format, self->decoder != NULL, 0, (gint64)self->segment.duration);
        return TRUE;
    case GST_QUERY_SEGMENT:
        gst_query_set_segment(query, self->segment.rate, GST_FORMAT_TIME, (gint64)self->segment.start,
                              (gint64)self->segment.stop);
        return TRUE;
    default: return gst_pad_query_default(pad, parent, query);
    }
}

/* ---------------------------------------------------------------- bytes in */

static gboolean sink_activate(GstPad *pad, GstObject *parent) {
    GstQuery *query = gst_query_new_scheduling();
    (void)parent;
    gboolean pull = gst_pad_peer_query(pad, query) &&
                    gst_query_has_scheduling_mode_with_flags(query, GST_PAD_MODE_PULL, GST_SCHEDULING_FLAG_SEEKABLE);
    gst_query_unref(query);
    return gst_pad_activate_mode(pad, pull ? GST_PAD_MODE_PULL : GST_PAD_MODE_PUSH, TRUE);
}

static gboolean sink_activate_mode(GstPad *pad, GstObject *parent, GstPadMode mode, gboolean active) {
    GstDfyReader *self = (GstDfyReader *)parent;
    if (mode == GST_PAD_MODE_PUSH) return active || gst_pad_stop_task(pad);
    self->source.pad = active ? pad : NULL;
    return active ? gst_pad_start_task(pad, loop, self, NULL) : gst_pad_stop_task(pad);
}

static gboolean make_temporary(GstDfyReader *self) {
    GError *error = NULL;
    self->source.file = g_file_open_tmp("dfy-XXXXXX", &self->collected, &error);
    if (self->source.file >= 0) return TRUE;
    GST_ELEMENT_ERROR(self, RESOURCE, OPEN_WRITE, ("A temporary file can't be made: %s", error->message), (NULL));
    g_error_free(error);
    return FALSE;
}

static GstFlowReturn sink_chain(GstPad *pad, GstObject *parent, GstBuffer *buffer) {
    GstDfyReader *self = (GstDfyReader *)parent;
    GstMapInfo map;
    gboolean good = self->source.file >= 0 || make_temporary(self);
    (void)pad;
    if (good && gst_buffer_map(buffer, &map, GST_MAP_READ)) {
        for (gsize done = 0; good && done < map.size;) {
            ssize_t written = write(self->source.file, map.data + done, map.size - done);
            good = written > 0;
            if (good) done += (gsize)written;
        }
        self->source.size += map.size;
        gst_buffer_unmap(buffer, &map);
        if (!good) GST_ELEMENT_ERROR(self, RESOURCE, WRITE, ("The temporary file can't be written."), GST_ERROR_SYSTEM);
    }
    gst_buffer_unref(buffer);
    return good ? GST_FLOW_OK : GST_FLOW_ERROR;
}

static gboolean sink_event(GstPad *pad, GstObject *parent, GstEvent *event) {
    GstDfyReader *self = (GstDfyReader *)parent;
    if (GST_EVENT_TYPE(event) == GST_EVENT_EOS && self->source.size)
        gst_pad_start_task(pad, loop, self, NULL); /* all bytes are there: from now on as if they could be pulled */
    else if (GST_EVENT_TYPE(event) == GST_EVENT_EOS)
        GST_ELEMENT_ERROR(self, STREAM, WRONG_TYPE, ("The stream is empty: there is no .dfy file in it."), (NULL));
    gst_event_unref(event); /* what is said of bytes is not said of pictures */
    return TRUE;
}

/* ---------------------------------------------------------------- the element */

static void close_all(GstDfyReader *self) {
    dfy_decoder_close(&self->decoder);
    if (self->source.file >= 0) close(self->source.file);
    if (self->collected) unlink(self->collected);
    g_clear_pointer(&self->collected, g_free);
    self->source = (DfyGstSource){.file = -1};
    if (is_demux(self)) {
        Stream *streams[] = {&self->video, &self->sound};
        for (gsize i = 0; i < G_N_ELEMENTS(streams); i++) {
            if (!streams[i]->pad) continue;
            gst_flow_combiner_remove_pad(self->flows, streams[i]->pad);
            gst_element_remove_pad(GST_ELEMENT(self), streams[i]->pad);
            streams[i]->pad = NULL;
        }
    }
    gst_flow_combiner_reset(self->flows);
    gst_segment_init(&self->segment, GST_FORMAT_TIME);
    self->new_segment = TRUE;
    self->has_packet = FALSE;
    self->seqnum = gst_util_seqnum_next();
}

static GstStateChangeReturn change_state(GstElement *element, GstStateChange change) {
    GstStateChangeReturn result = GST_ELEMENT_CLASS(gst_dfy_reader_parent_class)->change_state(element, change);
    if (change == GST_STATE_CHANGE_PAUSED_TO_READY) close_all((GstDfyReader *)element);
    return result;
}

static void finalize(GObject *object) {
    GstDfyReader *self = (GstDfyReader *)object;
    dfy_decoder_close(&self->decoder);
    gst_flow_combiner_free(self->flows);
    G_OBJECT_CLASS(gst_dfy_reader_parent_class)->finalize(object);
}

static void gst_dfy_reader_class_init(GstDfyReaderClass *class) {
    GstElementClass *element = GST_ELEMENT_CLASS(class);
    G_OBJECT_CLASS(class)->finalize = finalize;
    element->change_state = change_state;
    gst_element_class_add_static_pad_template(element, &sink_template);
}

static void gst_dfy_reader_init(GstDfyReader *self) {
    self->flows = gst_flow_combiner_new();
    self->source.file = -1;
    self->sink = gst_pad_new_from_static_template(&sink_template, "sink");
    gst_pad_set_activate_function(self->sink, sink_activate);
    gst_pad_set_activatemode_function(self->sink, sink_activate_mode);
    gst_pad_set_chain_function(self->sink, sink_chain);
    gst_pad_set_event_function(self->sink, sink_event);
    gst_element_add_pad(GST_ELEMENT(self), self->sink);
    gst_segment_init(&self->segment, GST_FORMAT_TIME);
    self->new_segment = TRUE;
    self->seqnum = gst_util_seqnum_next();
}

static void gst_dfy_dec_class_init(GstDfyDecClass *class) {
    GstElementClass *element = GST_ELEMENT_CLASS(class);
    gst_element_class_add_static_pad_template(element, &dec_template);
    gst_element_class_set_static_metadata(element, "Diffy decoder", "Codec/Decoder/Video",
                                          "Plays the pictures of a .dfy", "Diffy");
}

static void gst_dfy_dec_init(GstDfyDec *self) {
    use_pad(self, &self->video, gst_pad_new_from_static_template(&dec_template, "src"), FALSE);
    gst_element_add_pad(GST_ELEMENT(self), self->video.pad);
    gst_flow_combiner_add_pad(self->flows, self->video.pad);
}

static void gst_dfy_demux_class_init(GstDfyDemuxClass *class) {
    GstElementClass *element = GST_ELEMENT_CLASS(class);
    gst_element_class_add_static_pad_template(element, &video_template);
    gst_element_class_add_static_pad_template(element, &sound_template);
    gst_element_class_set_static_metadata(element, "Diffy demuxer", "Codec/Demuxer",
                                          "Plays the pictures and the sound of a .dfy", "Diffy");
}

static void gst_dfy_demux_init(GstDfyDemux *self) {
    (void)self;
}
