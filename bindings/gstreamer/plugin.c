#include "plugin.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

GST_DEBUG_CATEGORY(gst_dfy_debug);

/* ---------------------------------------------------------------- bytes in */

static int64_t read_file(int file, uint64_t offset, uint8_t *data, size_t size) {
    size_t got = 0;
    while (got < size) {
        ssize_t more = pread(file, data + got, size - got, (off_t)(offset + got));
        if (more < 0 && errno == EINTR) continue;
        if (more < 0) return -1;
        if (!more) break;
        got += (size_t)more;
    }
    return (int64_t)got;
}

static int64_t source_read(void *opaque, uint64_t offset, uint8_t *data, size_t size) {
    DfyGstSource *source = opaque;
    if (!source->pad) return read_file(source->file, offset, data, size);
    size_t got = 0;
    while (got < size) {
        GstBuffer *buffer = NULL;
        guint want = (guint)MIN(size - got, 1u << 24);
        GstFlowReturn flow = gst_pad_pull_range(source->pad, offset + got, want, &buffer);
        if (flow == GST_FLOW_EOS) break;
        if (flow != GST_FLOW_OK) return -1;
        gsize copied = gst_buffer_extract(buffer, 0, data + got, want);
        gst_buffer_unref(buffer);
        if (!copied) break;
        got += copied;
    }
    return (int64_t)got;
}

DfyInput gst_dfy_input(DfyGstSource *source) {
    return (DfyInput){.read = source_read, .size_bytes = source->size, .opaque = source};
}

/* ---------------------------------------------------------------- what a .dfy is */

/* Version 2 holds videos or splats: the first byte of its first chunk, STREAM (0x10), says which. */
static void find_type(GstTypeFind *find, gpointer unused) {
    const guint8 *data = gst_type_find_peek(find, 0, 4);
    (void)unused;
    if (!data || memcmp(data, "DFY", 3) || (data[3] != 1 && data[3] != 2)) return;
    if (data[3] == 2) {
        data = gst_type_find_peek(find, 4, 9);
        if (!data || data[0] != 0x10 || data[8] != 1) return;
    }
    gst_type_find_suggest_empty_simple(find, GST_TYPE_FIND_MAXIMUM, DFY_GST_CAPS);
}

gboolean gst_dfy_typefind_register(GstPlugin *plugin) {
    GstCaps *caps = gst_caps_new_empty_simple(DFY_GST_CAPS);
    gboolean done = gst_type_find_register(plugin, DFY_GST_CAPS, GST_RANK_PRIMARY, find_type, "dfy", caps, NULL, NULL);
    gst_caps_unref(caps);
    return done;
}

/* ---------------------------------------------------------------- caps */

/* Unknown points stay unknown to GStreamer, which then goes by the size as the codec does. */
static void set_colorimetry(GstVideoInfo *video, const DfyInfo *info) {
    GstVideoColorimetry *c = &video->colorimetry;
    c->range = info->range == DFY_RANGE_FULL ? GST_VIDEO_COLOR_RANGE_0_255 : GST_VIDEO_COLOR_RANGE_16_235;
    DfyMatrix matrix = info->matrix;
    if (matrix == DFY_MATRIX_UNKNOWN) matrix = info->height < 720 ? DFY_MATRIX_BT601 : DFY_MATRIX_BT709;
    c->matrix = gst_video_color_matrix_from_iso((guint)matrix);
    c->primaries = gst_video_color_primaries_from_iso((guint)info->primaries);
    c->transfer = gst_video_transfer_function_from_iso((guint)info->transfer);
}

GstCaps *gst_dfy_video_caps(const DfyInfo *info) {
    GstVideoInfo video;
    int rgb = info->native_format == DFY_PIXELS_RGB;
    gst_video_info_init(&video);
    gst_video_info_set_format(&video, rgb ? GST_VIDEO_FORMAT_RGB : GST_VIDEO_FORMAT_I420, (guint)info->width,
                              (guint)info->height);
    if (!rgb) set_colorimetry(&video, info);
    video.fps_n = info->frame_rate_num;
    video.fps_d = info->frame_rate_den;
    if (info->sample_aspect_num > 0 && info->sample_aspect_den > 0) {
        video.par_n = info->sample_aspect_num;
        video.par_d = info->sample_aspect_den;
    }
    return gst_video_info_to_caps(&video);
}

/* FFmpeg's names of codecs, as the file has them, and GStreamer's. */
static const struct {
    const char *codec, *caps;
} sounds[] = {
    {"aac", "audio/mpeg, mpegversion=(int)4, stream-format=(string)raw"},
    {"mp3", "audio/mpeg, mpegversion=(int)1, layer=(int)3, parsed=(boolean)true"},
    {"opus", "audio/x-opus, channel-mapping-family=(int)0"},
    {"ac3", "audio/x-ac3, framed=(boolean)true"},
    {"pcm_s16le", "audio/x-raw, format=(string)S16LE, layout=(string)interleaved"},
    {"pcm_alaw", "audio/x-alaw"},
    {"pcm_mulaw", "audio/x-mulaw"},
};

GstCaps *gst_dfy_sound_caps(const DfySound *sound) {
    GstCaps *caps = NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(sounds) && !caps; i++)
        if (!strcmp(sounds[i].codec, sound->codec)) caps = gst_caps_from_string(sounds[i].caps);
    if (!caps) return NULL;
    gst_caps_set_simple(caps, "rate", G_TYPE_INT, sound->sample_rate, "channels", G_TYPE_INT, sound->channels, NULL);
    if (sound->config_bytes) {
        GstBuffer *config = gst_buffer_new_memdup(sound->config, sound->config_bytes);
        gst_caps_set_simple(caps, "codec_data", GST_TYPE_BUFFER, config, NULL);
        gst_buffer_unref(config);
    }
    return caps;
}

void gst_dfy_settings_of_caps(DfyEncoderSettings *settings, const GstVideoInfo *info) {
    settings->width = GST_VIDEO_INFO_WIDTH(info);
    settings->height = GST_VIDEO_INFO_HEIGHT(info);
    if (info->fps_n > 0 && info->fps_d > 0) {
        settings->frame_rate_num = info->fps_n;
        settings->frame_rate_den = info->fps_d;
    }
    settings->sample_aspect_num = info->par_n;
    settings->sample_aspect_den = info->par_d;
    if (info->finfo->format != GST_VIDEO_FORMAT_I420) return;
    guint matrix = gst_video_color_matrix_to_iso(info->colorimetry.matrix);
    if (matrix == DFY_MATRIX_BT709 || matrix == DFY_MATRIX_BT2020) settings->matrix = (DfyMatrix)matrix;
    if (matrix == 5 || matrix == DFY_MATRIX_BT601) settings->matrix = DFY_MATRIX_BT601;
    if (info->colorimetry.range == GST_VIDEO_COLOR_RANGE_0_255) settings->range = DFY_RANGE_FULL;
    settings->primaries = (int)gst_video_color_primaries_to_iso(info->colorimetry.primaries);
    settings->transfer = (int)gst_video_transfer_function_to_iso(info->colorimetry.transfer);
}

/* ---------------------------------------------------------------- the plugin */

static gboolean plugin_init(GstPlugin *plugin) {
    GST_DEBUG_CATEGORY_INIT(gst_dfy_debug, "dfy", 0, "Diffy");
    return gst_dfy_typefind_register(plugin) &&
           gst_element_register(plugin, "dfyenc", GST_RANK_PRIMARY, gst_dfy_enc_get_type()) &&
           gst_element_register(plugin, "dfydemux", GST_RANK_PRIMARY, gst_dfy_demux_get_type()) &&
           gst_element_register(plugin, "dfydec", GST_RANK_MARGINAL, gst_dfy_dec_get_type());
}

#define PACKAGE "diffy"
GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, dfy, "Very small files from long video of repetitive work",
                  plugin_init, DFY_VERSION, "Apache 2.0", "Diffy", "https://diffy.example")
