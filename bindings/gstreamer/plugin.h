/* The GStreamer plugin dfy: dfyenc, dfydec, dfydemux, and how a .dfy is told from other files. */
#ifndef DFY_GST_PLUGIN_H
#define DFY_GST_PLUGIN_H

#include <gst/gst.h>
#include <gst/video/video.h>

#include "diffy/diffy.h"

#define DFY_GST_CAPS "application/x-dfy"

GType gst_dfy_enc_get_type(void);
GType gst_dfy_dec_get_type(void);
GType gst_dfy_demux_get_type(void);
gboolean gst_dfy_typefind_register(GstPlugin *plugin);

/* Where a reader finds its bytes: upstream, or a temporary file into which they were collected. */
typedef struct DfyGstSource {
    GstPad *pad; /* in pull mode; NULL: read from `file` */
    int file;    /* -1: none */
    guint64 size;
} DfyGstSource;

DfyInput gst_dfy_input(DfyGstSource *source);

/* Caps of a file's pictures, and of its sound (NULL where GStreamer has no name for its codec). */
GstCaps *gst_dfy_video_caps(const DfyInfo *info);
GstCaps *gst_dfy_sound_caps(const DfySound *sound);

/* What the encoder's settings take over from caps. */
void gst_dfy_settings_of_caps(DfyEncoderSettings *settings, const GstVideoInfo *info);

#endif
