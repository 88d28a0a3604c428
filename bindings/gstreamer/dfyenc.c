/*
 * dfyenc: raw video in, the bytes of a .dfy out, which any sink may store. Pictures are encoded as they come, with
 * their times; what is written is only ever appended, so that a recording that breaks off plays up to there.
 */
#include "plugin.h"

GST_DEBUG_CATEGORY_EXTERN(gst_dfy_debug);
#define GST_CAT_DEFAULT gst_dfy_debug

enum { TICKS = 90000 /* a second */ };

typedef struct GstDfyEnc {
    GstElement element;
    GstPad *sink, *src;
    /* Properties; they take effect when the first picture comes. */
    int quality, effort, threads, mode;
    double segment_seconds, clone_distance;
    guint64 target_size;
    DfyEncoder *encoder;
    GstVideoInfo info;
    gboolean has_caps;
    GstClockTime first, last_given; /* times of the first picture and of the last */
    int64_t last_ticks;
    guint64 frames, bytes;
    GstFlowReturn flow; /* of the last push downstream */
} GstDfyEnc;

typedef struct GstDfyEncClass {
    GstElementClass parent;
} GstDfyEncClass;

G_DEFINE_TYPE(GstDfyEnc, gst_dfy_enc, GST_TYPE_ELEMENT)

enum { PROP_0, QUALITY, EFFORT, THREADS, MODE, SEGMENT_SECONDS, CLONE_DISTANCE, TARGET_SIZE, BYTES_WRITTEN };

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS,
                            GST_STATIC_CAPS("video/x-raw, format=(string){ I420, RGB, RGBA }, width=(int)[ 1, 8192 ], "
                                            "height=(int)[ 1, 8192 ], framerate=(fraction)[ 0, 2147483647 ]"));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(DFY_GST_CAPS));

/* ---------------------------------------------------------------- out */

static int push_bytes(void *opaque, const uint8_t *data, size_t size) {
    GstDfyEnc *self = opaque;
    GstBuffer *buffer = gst_buffer_new_memdup(data, size);
    GST_BUFFER_OFFSET(buffer) = self->bytes;
    GST_BUFFER_OFFSET_END(buffer) = self->bytes + size;
    GST_BUFFER_DTS(buffer) = self->last_given;
    self->bytes += size;
    self->flow = gst_pad_push(self->src, buffer);
    return self->flow != GST_FLOW_OK;
}

static void push_beginning(GstDfyEnc *self) {
    GstSegment segment;
    GstCaps *caps = gst_caps_new_empty_simple(DFY_GST_CAPS);
    gchar *id = gst_pad_create_stream_id(self->src, GST_ELEMENT(self), NULL);
    gst_pad_push_event(self->src, gst_event_new_stream_start(id));
    gst_pad_push_event(self->src, gst_event_new_caps(caps));
    gst_segment_init(&segment, GST_FORMAT_BYTES);
    gst_pad_push_event(self->src, gst_event_new_segment(&segment));
    gst_caps_unref(caps);
    g_free(id);
}

/* A failure of the codec, or what downstream said. */
static GstFlowReturn failed(GstDfyEnc *self, int status) {
    if (status == DFY_ERROR_IO && self->flow != GST_FLOW_OK) return self->flow;
    GST_ELEMENT_ERROR(self, STREAM, ENCODE, ("%s", dfy_last_message(self->encoder)), (NULL));
    return GST_FLOW_ERROR;
}

/* ---------------------------------------------------------------- in */

static int open_encoder(GstDfyEnc *self) {
    DfyEncoderSettings settings;
    DfyOutput output = {.write = push_bytes, .opaque = self};
    dfy_encoder_defaults(&settings);
    gst_dfy_settings_of_caps(&settings, &self->info);
    settings.quality = self->quality;
    settings.effort = self->effort;
    settings.threads = self->threads;
    settings.mode = (DfyMode)self->mode;
    settings.segment_seconds = self->segment_seconds;
    settings.clone_distance = self->clone_distance;
    settings.target_size_bytes = self->target_size;
    settings.time_base_num = 1;
    settings.time_base_den = TICKS;
    push_beginning(self);
    return dfy_encoder_open(&self->encoder, &settings, &output);
}

/* The picture's time from the first one's; FALSE when it is not after the one before it. */
static gboolean ticks_of(GstDfyEnc *self, GstBuffer *buffer, int64_t *ticks) {
    GstClockTime time = GST_BUFFER_PTS(buffer);
    if (!GST_CLOCK_TIME_IS_VALID(time)) {
        int num = self->info.fps_n > 0 ? self->info.fps_n : 30, den = self->info.fps_n > 0 ? self->info.fps_d : 1;
        time = self->frames ? self->last_given + gst_util_uint64_scale(GST_SECOND, (guint64)den, (guint64)num) : 0;
    }
    if (!self->frames) self->first = time;
    if (time < self->first) return FALSE;
    *ticks = (int64_t)gst_util_uint64_scale_round(time - self->first, TICKS, GST_SECOND);
    if (self->frames && *ticks <= self->last_ticks) return FALSE;
    self->last_given = time;
    self->last_ticks = *ticks;
    return TRUE;
}

static GstFlowReturn encode(GstDfyEnc *self, GstBuffer *buffer, int64_t ticks) {
    GstVideoFrame frame;
    if (!gst_video_frame_map(&frame, &self->info, buffer, GST_MAP_READ)) {
        GST_ELEMENT_ERROR(self, STREAM, FORMAT, ("A picture can't be read: it is not what its caps say."), (NULL));
        return GST_FLOW_ERROR;
    }
    DfyPicture picture = {.width = self->info.width, .height = self->info.height, .pts = ticks};
    GstVideoFormat format = GST_VIDEO_INFO_FORMAT(&self->info);
    picture.format = format == GST_VIDEO_FORMAT_I420  ? DFY_PIXELS_I420
                     : format == GST_VIDEO_FORMAT_RGB ? DFY_PIXELS_RGB
                                                      : DFY_PIXELS_RGBA;
    for (guint p = 0; p < GST_VIDEO_FRAME_N_PLANES(&frame) && p < 3; p++) {
        picture.plane[p] = GST_VIDEO_FRAME_PLANE_DATA(&frame, p);
        picture.stride_bytes[p] = GST_VIDEO_FRAME_PLANE_STRIDE(&frame, p);
    }
    DfyEncoderSettings colour = {.matrix = DFY_MATRIX_UNKNOWN};
    gst_dfy_settings_of_caps(&colour, &self->info);
    picture.matrix = colour.matrix;
    picture.range = colour.range;
    self->flow = GST_FLOW_OK;
    int status = dfy_encoder_push(self->encoder, &picture);
    gst_video_frame_unmap(&frame);
    self->frames++;
    return status ? failed(self, status) : GST_FLOW_OK;
}

static GstFlowReturn chain(GstPad *pad, GstObject *parent, GstBuffer *buffer) {
    GstDfyEnc *self = (GstDfyEnc *)parent;
    GstFlowReturn flow = GST_FLOW_OK;
    int64_t ticks;
    (void)pad;
    if (!self->has_caps) flow = GST_FLOW_NOT_NEGOTIATED;
    if (flow == GST_FLOW_OK && !self->encoder) {
        int status = open_encoder(self);
        if (status) flow = failed(self, status);
    }
    if (flow == GST_FLOW_OK && ticks_of(self, buffer, &ticks))
        flow = encode(self, buffer, ticks);
    else if (flow == GST_FLOW_OK)
        GST_ELEMENT_WARNING(self, STREAM, ENCODE,
                            ("A picture is left out: its time is not after that of the picture before it."), (NULL));
    gst_buffer_unref(buffer);
    return flow;
}

static gboolean set_caps(GstDfyEnc *self, GstCaps *caps) {
    GstVideoInfo info;
    if (!gst_video_info_from_caps(&info, caps)) return FALSE;
    if (self->encoder && (info.width != self->info.width || info.height != self->info.height ||
                          info.finfo->format != self->info.finfo->format)) {
        GST_ELEMENT_ERROR(self, STREAM, FORMAT,
                          ("The pictures change from %d x %d to %d x %d: scale them, or record each apart.",
                           self->info.width, self->info.height, info.width, info.height),
                          (NULL));
        return FALSE;
    }
    self->info = info;
    self->has_caps = TRUE;
    return TRUE;
}

/* Completes the file. */
static gboolean finish(GstDfyEnc *self, GstEvent *event) {
    if (!self->encoder) {
        GST_ELEMENT_ERROR(self, STREAM, ENCODE, ("There was no picture to encode."), (NULL));
    } else {
        self->flow = GST_FLOW_OK;
        int status = dfy_encoder_finish(self->encoder, NULL);
        if (status) failed(self, status);
        dfy_encoder_close(&self->encoder);
    }
    return gst_pad_push_event(self->src, event);
}

static gboolean sink_event(GstPad *pad, GstObject *parent, GstEvent *event) {
    GstDfyEnc *self = (GstDfyEnc *)parent;
    GstCaps *caps;
    gboolean done = TRUE;
    switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_CAPS:
        gst_event_parse_caps(event, &caps);
        done = set_caps(self, caps);
        break;
    case GST_EVENT_EOS: return finish(self, event);
    case GST_EVENT_STREAM_START:
    case GST_EVENT_SEGMENT:
    case GST_EVENT_TAG:
    case GST_EVENT_GAP: break; /* of the pictures, not of the bytes */
    default: return gst_pad_event_default(pad, parent, event);
    }
    gst_event_unref(event);
    return done;
}

/* ---------------------------------------------------------------- the element */

static void reset(GstDfyEnc *self) {
    dfy_encoder_close(&self->encoder);
    self->has_caps = FALSE;
    self->frames = self->bytes = 0;
    self->flow = GST_FLOW_OK;
    self->first = self->last_given = 0;
    self->last_ticks = 0;
}

static GstStateChangeReturn change_state(GstElement *element, GstStateChange change) {
    if (change == GST_STATE_CHANGE_READY_TO_PAUSED) reset((GstDfyEnc *)element);
    GstStateChangeReturn result = GST_ELEMENT_CLASS(gst_dfy_enc_parent_class)->change_state(element, change);
    /* What was not ended by EOS stays as it is: it plays up to the last whole piece. */
    if (change == GST_STATE_CHANGE_PAUSED_TO_READY) dfy_encoder_close(&((GstDfyEnc *)element)->encoder);
    return result;
}

static void set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec) {
    GstDfyEnc *self = (GstDfyEnc *)object;
    GST_OBJECT_LOCK(self);
    switch (id) {
    case QUALITY: self->quality = g_value_get_int(value); break;
    case EFFORT: self->effort = g_value_get_int(value); break;
    case THREADS: self->threads = g_value_get_int(value); break;
    case MODE: self->mode = g_value_get_enum(value); break;
    case SEGMENT_SECONDS: self->segment_seconds = g_value_get_double(value); break;
    case CLONE_DISTANCE: self->clone_distance = g_value_get_double(value); break;
    case TARGET_SIZE: self->target_size = g_value_get_uint64(value); break;
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    }
    GST_OBJECT_UNLOCK(self);
}

static void get_property(GObject *object, guint id, GValue *value, GParamSpec *spec) {
    GstDfyEnc *self = (GstDfyEnc *)object;
    GST_OBJECT_LOCK(self);
    switch (id) {
    case QUALITY: g_value_set_int(value, self->quality); break;
    case EFFORT: g_value_set_int(value, self->effort); break;
    case THREADS: g_value_set_int(value, self->threads); break;
    case MODE: g_value_set_enum(value, self->mode); break;
    case SEGMENT_SECONDS: g_value_set_double(value, self->segment_seconds); break;
    case CLONE_DISTANCE: g_value_set_double(value, self->clone_distance); break;
    case TARGET_SIZE: g_value_set_uint64(value, self->target_size); break;
    case BYTES_WRITTEN: g_value_set_uint64(value, self->bytes); break;
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    }
    GST_OBJECT_UNLOCK(self);
}

static void finalize(GObject *object) {
    dfy_encoder_close(&((GstDfyEnc *)object)->encoder);
    G_OBJECT_CLASS(gst_dfy_enc_parent_class)->finalize(object);
}

static GType mode_type(void) {
    static const GEnumValue modes[] = {{DFY_MODE_TRAINING, "Every frame keeps its own pixels", "training"},
                                       {DFY_MODE_UPLOAD, "A repetition shows what it repeats", "upload"},
                                       {0, NULL, NULL}};
    static gsize type = 0;
    if (g_once_init_enter(&type)) g_once_init_leave(&type, g_enum_register_static("GstDfyEncMode", modes));
    return (GType)type;
}

static void gst_dfy_enc_class_init(GstDfyEncClass *class) {
    GObjectClass *object = G_OBJECT_CLASS(class);
    GstElementClass *element = GST_ELEMENT_CLASS(class);
    const GParamFlags both = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;
    object->set_property = set_property;
    object->get_property = get_property;
    object->finalize = finalize;
    element->change_state = change_state;
#define PROPERTY(id, spec) g_object_class_install_property(object, id, spec)
    PROPERTY(QUALITY, g_param_spec_int("quality", "Quality", "1 smallest, 100 lossless", 1, 100, 25, both));
    PROPERTY(EFFORT, g_param_spec_int("effort", "Effort", "1 fastest, 9 smallest", 1, 9, 5, both));
    PROPERTY(THREADS, g_param_spec_int("threads", "Threads", "0: as many as there are processors", 0, 64, 0, both));
    PROPERTY(MODE, g_param_spec_enum("mode", "Mode", "What is kept of repetitions", mode_type(), 0, both));
    PROPERTY(SEGMENT_SECONDS,
             g_param_spec_double("segment-seconds", "Segment seconds",
                                 "Longest time that bytes wait for more; 0: the usual. 2 suits a live recording", 0,
                                 3600, 0, both));
    PROPERTY(CLONE_DISTANCE,
             g_param_spec_double("clone-distance", "Clone distance",
                                 "Mode upload: largest mean difference of a repetition, in levels", 0, 255, 2, both));
    PROPERTY(TARGET_SIZE, g_param_spec_uint64("target-size", "Target size", "Bytes to reach; 0: constant quality", 0,
                                              G_MAXUINT64, 0, both));
    PROPERTY(BYTES_WRITTEN, g_param_spec_uint64("bytes-written", "Bytes written", "Bytes of the file so far", 0,
                                                G_MAXUINT64, 0, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
#undef PROPERTY
    gst_element_class_add_static_pad_template(element, &sink_template);
    gst_element_class_add_static_pad_template(element, &src_template);
    gst_element_class_set_static_metadata(element, "Diffy encoder", "Codec/Encoder/Video",
                                          "Encodes video of a camera that hardly moves into a .dfy file", "Diffy");
    gst_type_mark_as_plugin_api(mode_type(), 0);
}

static void gst_dfy_enc_init(GstDfyEnc *self) {
    self->sink = gst_pad_new_from_static_template(&sink_template, "sink");
    gst_pad_set_chain_function(self->sink, chain);
    gst_pad_set_event_function(self->sink, sink_event);
    gst_element_add_pad(GST_ELEMENT(self), self->sink);
    self->src = gst_pad_new_from_static_template(&src_template, "src");
    gst_pad_use_fixed_caps(self->src);
    gst_element_add_pad(GST_ELEMENT(self), self->src);
    self->quality = 25;
    self->effort = 5;
    self->clone_distance = 2;
    reset(self);
}
