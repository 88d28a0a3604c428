#include "libav_input.h"

#include <string.h>

#include "meaning.h"

enum { RATE_PACKETS = 300, RATE_BYTES = 32 << 20 };

static int open_failed(const LibavInput *input, const char *path, int error) {
    char text[AV_ERROR_MAX_STRING_SIZE];
    const char *name = source_name(path);
    if (error == AVERROR_INVALIDDATA && !memcmp(input->head + 4, "ftyp", 4))
        return complain("%s is incomplete: it ends before the list of its contents, like an interrupted copy or a "
                        "recording that never finished.",
                        name);
    libav.av_strerror(error, text, sizeof text);
    return complain("%s can't be read as video (%s): give a video, image, folder or zip of images, or .y4m.", name,
                    text);
}

/* What the container says itself, before pictures are looked at. */
static void note_vp8_matrix(LibavInput *input) {
    input->vp8_matrix = AVCOL_SPC_UNSPECIFIED;
    for (unsigned i = input->container->nb_streams; i-- > 0;) {
        const AVCodecParameters *codec = input->container->streams[i]->codecpar;
        if (codec->codec_id == AV_CODEC_ID_VP8) input->vp8_matrix = codec->color_space;
    }
}

int libav_input_open(LibavInput *input, const char *path) {
    int error = libav_container_open(input, path);
    if (error == LIBAV_TOLD) return STATUS_FAILED;
    if (error >= 0) note_vp8_matrix(input);
    if (error >= 0) error = libav.avformat_find_stream_info(input->container, NULL);
    return error < 0 ? open_failed(input, path, error) : STATUS_GOOD;
}

int libav_input_open_at(LibavInput *input, const char *path, int64_t skip_bytes) {
    *input = (LibavInput){.skip_bytes = skip_bytes, .vp8_matrix = AVCOL_SPC_UNSPECIFIED};
    int error = libav_container_open(input, path);
    if (error >= 0) error = libav.avformat_find_stream_info(input->container, NULL);
    return error;
}

void libav_input_close(LibavInput *input) {
    libav_container_close(input);
}

/*
 * Times of a stream's first packets that are shown; how many. Program streams say when few of their pictures are shown:
 * there those count at which they are decoded.
 */
static size_t first_times(AVFormatContext *container, int index, int64_t *times) {
    AVPacket *packet = libav.av_packet_alloc();
    static int64_t decoded[RATE_PACKETS];
    size_t count = 0, untold = 0;
    int64_t bytes = 0;
    while (packet && count + untold < RATE_PACKETS && bytes < RATE_BYTES &&
           libav.av_read_frame(container, packet) >= 0) {
        bytes += packet->size;
        if (packet->stream_index == index && !(packet->flags & AV_PKT_FLAG_DISCARD)) {
            if (packet->pts != AV_NOPTS_VALUE)
                times[count++] = packet->pts;
            else if (packet->dts != AV_NOPTS_VALUE)
                decoded[untold++] = packet->dts;
        }
        libav.av_packet_unref(packet);
    }
    libav.av_packet_free(&packet);
    if (untold <= count) return count;
    memcpy(times, decoded, untold * sizeof *times);
    return untold;
}

void libav_input_rate(const char *path, int index, int *num, int *den) {
    LibavInput input = {0};
    int64_t times[RATE_PACKETS];
    *num = *den = 0;
    if (libav_container_open(&input, path) < 0) return;
    size_t count = first_times(input.container, index, times);
    if ((unsigned)index < input.container->nb_streams)
        rate_from_times(times, count, av_q2d(input.container->streams[index]->time_base), num, den);
    libav_container_close(&input);
}
