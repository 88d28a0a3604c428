/*
 * FFmpeg's libraries, loaded when the first video, MP4 or unusual Y4M is opened: they bring more than a hundred others
 * with them, which take longer to link than a short .dfy file takes to decode.
 */
#ifndef DIFFY_LIBAV_H
#define DIFFY_LIBAV_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/display.h>
#include <libavutil/imgutils.h>
#include <libavutil/log.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

/* clang-format off */
#define LIBAVUTIL_FUNCTIONS(F) \
    F(av_div_q) F(av_frame_alloc) F(av_frame_free) F(av_frame_get_buffer) \
    F(av_frame_make_writable) F(av_image_fill_arrays) F(av_image_get_buffer_size) F(av_log_set_level) \
    F(av_opt_set) F(av_opt_set_int) F(av_malloc) F(av_mallocz) F(av_channel_layout_default) F(av_freep) F(av_dict_get) F(av_dict_set) F(av_dict_free) F(av_frame_get_side_data) F(av_frame_unref) F(av_pix_fmt_desc_get) F(av_strerror)

#define LIBAVCODEC_FUNCTIONS(F) \
    F(av_packet_alloc) F(av_packet_move_ref) F(av_new_packet) F(avcodec_find_decoder) F(av_packet_free) F(av_packet_rescale_ts) F(av_packet_unref) F(avcodec_alloc_context3) F(avcodec_flush_buffers) \
    F(avcodec_find_encoder) F(avcodec_get_name) F(avcodec_descriptor_get_by_name) F(avcodec_find_encoder_by_name) F(avcodec_free_context) F(avcodec_open2) \
    F(avcodec_parameters_from_context) F(avcodec_parameters_to_context) F(avcodec_receive_frame) \
    F(avcodec_receive_packet) F(avcodec_send_frame) F(avcodec_send_packet)

#define LIBAVFORMAT_FUNCTIONS(F) \
    F(av_find_best_stream) F(av_find_input_format) F(av_stream_new_side_data) F(avio_alloc_context) F(avio_context_free) F(avformat_alloc_context) F(av_guess_frame_rate) F(av_interleaved_write_frame) F(av_read_frame) \
    F(av_stream_get_side_data) F(av_write_trailer) F(avformat_alloc_output_context2) F(avformat_close_input) \
    F(avformat_find_stream_info) F(avformat_index_get_entries_count) F(avformat_free_context) F(avformat_new_stream) F(avformat_query_codec) F(avformat_open_input) \
    F(avformat_write_header) F(avio_closep) F(avio_open) F(avio_read) F(avio_seek)

#define LIBSWSCALE_FUNCTIONS(F) \
    F(sws_freeContext) F(sws_getCachedContext) F(sws_getCoefficients) F(sws_getContext) F(sws_scale) \
    F(sws_setColorspaceDetails)
/* clang-format on */

/* Their functions by their own names, once libav_load has succeeded. */
typedef struct Libav {
    int loaded;
#define MEMBER(name) __typeof__(&name) name;
    LIBAVUTIL_FUNCTIONS(MEMBER)
    LIBAVCODEC_FUNCTIONS(MEMBER)
    LIBAVFORMAT_FUNCTIONS(MEMBER)
    LIBSWSCALE_FUNCTIONS(MEMBER)
#undef MEMBER
} Libav;

extern Libav libav;

/* A device's format by its name, from libavdevice; NULL where that or the format isn't there. */
const AVInputFormat *libav_device_format(const char *name);

/* To be called before each use. Complains where they are missing. */
int libav_load(void);

#endif
