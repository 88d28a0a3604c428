/* Images that are told apart by their first bytes, and those that libav decodes: TIFF and BMP. */
#include "image_libav.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "frames.h"
#include "png_chunks.h"

/* A still picture in a box of MP4's kind; sequences ("avis", "hevc", "msf1") are videos. */
static int is_heif(const uint8_t *head, size_t size) {
    static const char brands[][5] = {"avif", "heic", "heix", "heim", "heis", "mif1"};
    if (size < 12 || memcmp(head + 4, "ftyp", 4)) return 0;
    for (size_t i = 0; i < sizeof brands / sizeof *brands; i++)
        if (!memcmp(head + 8, brands[i], 4)) return 1;
    return 0;
}

ImageKind image_kind_of_data(const uint8_t *head, size_t size) {
    if (size >= 8 && !memcmp(head, "\x89PNG\r\n\x1a\n", 8)) return IMAGE_PNG;
    if (size >= 3 && !memcmp(head, "\xff\xd8\xff", 3)) return IMAGE_JPEG;
    if (size >= 12 && !memcmp(head, "RIFF", 4) && !memcmp(head + 8, "WEBP", 4)) return IMAGE_WEBP;
    if (is_heif(head, size)) return IMAGE_HEIF;
    if (size >= 8 && (!memcmp(head, "II*", 4) || !memcmp(head, "MM\0*", 4))) return IMAGE_TIFF;
    return size >= 26 && !memcmp(head, "BM", 2) && head[15] == 0 && head[14] >= 12 ? IMAGE_BMP : IMAGE_NONE;
}

int image_bad(ImageReading *reading, const char *format, ...) {
    char text[360];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    snprintf(reading->problem, sizeof reading->problem, "%.100s%s %s", strlen(reading->name) > 100 ? "..." : "",
             strlen(reading->name) > 100 ? reading->name + strlen(reading->name) - 100 : reading->name, text);
    return STATUS_FAILED;
}

/* Makes own a picture of that size. */
int image_room(OwnPicture *own, unsigned width, unsigned height, ImageReading *reading) {
    if (width < 1 || height < 1 || width > DFY_MAX_DIMENSION || height > DFY_MAX_DIMENSION)
        return image_bad(reading, "has %u x %u pixels: only 1 to %d are supported.", width, height, DFY_MAX_DIMENSION);
    if (own->memory && own->picture.width == (int)width && own->picture.height == (int)height) return STATUS_GOOD;
    own_picture_free(own);
    if (own_picture_make(own, DFY_PIXELS_RGB, (int)width, (int)height))
        return image_bad(reading, "needs too much memory.");
    return STATUS_GOOD;
}

const uint8_t *image_png_hdr(const uint8_t *data, size_t size) {
    size_t length = 0;
    const uint8_t *points = png_chunk(data, size, "cICP", &length);
    return points && length == 4 && is_hdr(points[1]) ? points : NULL;
}

static unsigned long tiff_number(const uint8_t *at, int bytes, int big) {
    unsigned long value = 0;
    for (int i = 0; i < bytes; i++) value |= (unsigned long)at[i] << 8 * (big ? bytes - 1 - i : i);
    return value;
}

/* Directories of a classic TIFF, one a page, up to `most`; where the last of them begins. */
static int tiff_pages(const uint8_t *data, size_t size, int most, size_t *place) {
    int big = data[0] == 'M', pages = 0;
    for (size_t at = 4; at + 4 <= size && pages < most; pages++) {
        size_t next = tiff_number(data + at, 4, big);
        if (next < 8 || next + 2 > size || (pages && next <= at)) break; /* only forwards: no loop */
        *place = next;
        at = next + 2 + 12 * tiff_number(data + next, 2, big);
    }
    return pages;
}

int image_pages(const uint8_t *data, size_t size) {
    size_t place = 0;
    int pages = image_kind_of_data(data, size) == IMAGE_TIFF ? tiff_pages(data, size, 1 << 20, &place) : 1;
    return pages < 1 ? 1 : pages;
}

/* libav finds only pages that are numbered, which most are not: the one that is wanted becomes the first. */
static void put_page_first(uint8_t *data, size_t size, int page) {
    size_t place = 4;
    if (tiff_pages(data, size, page + 1, &place) != page + 1) return;
    for (int i = 0; i < 4; i++) data[4 + i] = (uint8_t)(place >> 8 * (data[0] == 'M' ? 3 - i : i));
}

static int keep_profile(ImageReading *reading, const AVFrame *frame) {
    const AVFrameSideData *side = libav.av_frame_get_side_data(frame, AV_FRAME_DATA_ICC_PROFILE);
    image_reading_free(reading);
    if (!side || !side->size) return STATUS_GOOD;
    reading->profile = malloc(side->size);
    if (!reading->profile) return image_bad(reading, "needs too much memory.");
    memcpy(reading->profile, side->data, reading->profile_size = side->size);
    return STATUS_GOOD;
}

void image_tell_hdr(ImageReading *reading, int transfer) {
    if (!reading->hdr_said++)
        warn("%s is HDR (%s): tone-mapping it to BT.709.", reading->name, transfer_name(transfer));
}

void image_reading_free(ImageReading *reading) {
    free(reading->profile);
    reading->profile = NULL;
    reading->profile_size = 0;
}

/* TIFF and BMP, and PNG with PQ or HLG, by libav's decoder. */
int image_decode_by_libav(OwnPicture *own, const uint8_t *data, size_t size, ImageReading *reading, enum AVCodecID id,
                          const uint8_t *points) {
    if (libav_load()) return image_bad(reading, "can't be read without FFmpeg's libraries.");
    const AVCodec *codec = libav.avcodec_find_decoder(id);
    AVCodecContext *decoder = codec ? libav.avcodec_alloc_context3(codec) : NULL;
    AVPacket *packet = libav.av_packet_alloc();
    AVFrame *frame = libav.av_frame_alloc();
    Frames frames = {.path = reading->name, .alpha_white = reading->alpha_white};
    int error = !decoder || !packet || !frame || libav.av_new_packet(packet, (int)size) < 0 ? -1 : 0;
    if (!error) memcpy(packet->data, data, size);
    if (!error && id == AV_CODEC_ID_TIFF && reading->page) put_page_first(packet->data, size, reading->page);
    if (!error) error = libav.avcodec_open2(decoder, codec, NULL);
    if (error >= 0) error = libav.avcodec_send_packet(decoder, packet);
    if (error >= 0) error = libav.avcodec_receive_frame(decoder, frame);
    int status = error < 0 ? image_bad(reading, "is damaged, cut off, or an unsupported kind of image.") : STATUS_GOOD;
    SourceFacts facts = {0};
    DfyPicture picture;
    if (!status) status = keep_profile(reading, frame);
    if (!status && points) {
        frame->color_primaries = points[0];
        frame->color_trc = points[1];
    }
    if (!status) status = image_room(own, (unsigned)frame->width, (unsigned)frame->height, reading);
    frames.quiet_hdr = 1;
    if (!status && (frames_settle(&frames, frame, &facts, 0) || frames_picture(&frames, frame, &picture) ||
                    dfy_picture_convert(&own->picture, &picture)))
        status = image_bad(reading, "can't be converted.");
    if (frames.tone_map && !status) image_tell_hdr(reading, points[1]);
    frames_free(&frames);
    libav.av_frame_free(&frame);
    libav.av_packet_free(&packet);
    libav.avcodec_free_context(&decoder);
    return status;
}
