/*
 * One image file: a still picture, the pages of a TIFF, or an animated WebP. Animated PNG and GIF are left to libav,
 * which takes them for videos.
 */
#include "image_heif.h"
#include "meaning.h"

#include <stdlib.h>
#include <string.h>

#include <webp/demux.h>

enum { LARGEST_FILE_BYTES = 1 << 30 };

typedef struct ImageFile {
    const char *path;
    uint8_t *data;
    size_t size;
    ImageReading reading;
    OwnPicture picture;
    int pages, next;
    WebPAnimDecoder *animation; /* NULL: no animated WebP */
    int64_t time, last_ms;      /* when the next picture begins, how long the last one lasts */
} ImageFile;

/* Whether a file is a PNG with more than one picture, which its name and head don't tell. */
static int is_animated_png(const char *path) {
    enum { HEAD_BYTES = 1 << 20 }; /* a colour profile may lie in front of what tells it */
    uint8_t *head = malloc(HEAD_BYTES);
    FILE *file = head ? fopen(path, "rb") : NULL;
    int animated = file && image_is_apng(head, fread(head, 1, HEAD_BYTES, file));
    if (file) fclose(file);
    free(head);
    return animated;
}

static int probe_image(const SourceProbe *probe) {
    ImageKind kind = image_kind_of_data(probe->head, probe->size);
    if (probe->is_stdin || probe->is_folder || !kind) return 0;
    if (kind == IMAGE_HEIF && !heif_is_there()) return 0; /* libav reads AVIF, too */
    return kind != IMAGE_PNG || !is_animated_png(probe->path);
}

static int read_whole(ImageFile *image) {
    FILE *file = fopen(image->path, "rb");
    if (!file || fseeko(file, 0, SEEK_END)) {
        if (file) fclose(file);
        return complain("%s can't be read.", image->path);
    }
    off_t size = ftello(file);
    rewind(file);
    if (size > 0 && size <= LARGEST_FILE_BYTES) image->data = malloc((size_t)size);
    image->size = image->data ? fread(image->data, 1, (size_t)size, file) : 0;
    fclose(file);
    return image->size ? STATUS_GOOD : complain("%s is too large for an image.", image->path);
}

static int is_animated_webp(const ImageFile *image) {
    const WebPData data = {image->data, image->size};
    WebPDemuxer *demuxer = image_kind_of_data(image->data, image->size) == IMAGE_WEBP ? WebPDemux(&data) : NULL;
    int frames = demuxer ? (int)WebPDemuxGetI(demuxer, WEBP_FF_FRAME_COUNT) : 0;
    WebPDemuxDelete(demuxer);
    return frames > 1;
}

static int next_still(ImageFile *image) {
    image->reading.page = image->next;
    if (image_decode(&image->picture, image->data, image->size, &image->reading))
        return complain("%s", image->reading.problem);
    return STATUS_GOOD;
}

static int open_animation(ImageFile *image, SourceFacts *facts) {
    const WebPData data = {image->data, image->size};
    WebPAnimDecoderOptions options;
    WebPAnimDecoderOptionsInit(&options);
    options.color_mode = MODE_RGBA;
    image->animation = WebPAnimDecoderNew(&data, &options);
    WebPAnimInfo info;
    if (!image->animation || !WebPAnimDecoderGetInfo(image->animation, &info))
        return complain("%s is damaged or cut off.", image->path);
    if (info.canvas_width > DFY_MAX_DIMENSION || info.canvas_height > DFY_MAX_DIMENSION)
        return complain("%s has %u x %u pixels: only 1 to %d are supported.", image->path, info.canvas_width,
                        info.canvas_height, DFY_MAX_DIMENSION);
    if (own_picture_alloc(&image->picture, DFY_PIXELS_RGB, (int)info.canvas_width, (int)info.canvas_height))
        return STATUS_FAILED;
    image->pages = (int)info.frame_count;
    facts->time_base_num = 1;
    facts->time_base_den = 1000;
    const WebPDemuxer *demuxer = WebPAnimDecoderGetDemuxer(image->animation);
    WebPIterator frame;
    int64_t *times = calloc((size_t)image->pages + 1, sizeof *times);
    size_t count = 0;
    for (int i = 1; times && i <= image->pages && WebPDemuxGetFrame(demuxer, i, &frame); i++) {
        times[count + 1] = times[count] + (frame.duration > 0 ? frame.duration : 100);
        count++;
        WebPDemuxReleaseIterator(&frame);
    }
    if (times) rate_from_times(times, count + 1, 0.001, &facts->rate_num, &facts->rate_den);
    free(times);
    return STATUS_GOOD;
}

static int open_image(void **state, const char *path, const SourceOptions *options, SourceFacts *facts) {
    ImageFile *image = *state = calloc(1, sizeof *image);
    if (!image) return complain("There is no memory left to open %s.", path);
    image->path = image->reading.name = path;
    image->reading.alpha_white = options->alpha_white;
    if (read_whole(image)) return STATUS_FAILED;
    *facts = (SourceFacts){.format = DFY_PIXELS_RGB};
    if (is_animated_webp(image)) {
        if (open_animation(image, facts)) return STATUS_FAILED;
    } else {
        image->pages = image_pages(image->data, image->size);
        if (next_still(image)) return STATUS_FAILED;
    }
    facts->width = image->picture.picture.width;
    facts->height = image->picture.picture.height;
    facts->expected_frames = (uint64_t)image->pages;
    colour_of_rgb(facts, facts->height);
    return STATUS_GOOD;
}

static int next_frame_of_animation(ImageFile *image, DfyPicture *picture) {
    uint8_t *pixels;
    int end;
    if (!WebPAnimDecoderHasMoreFrames(image->animation)) return DFY_END;
    if (!WebPAnimDecoderGetNext(image->animation, &pixels, &end)) {
        warn("%s is damaged or cut off after %d of its %d pictures.", image->path, image->next, image->pages);
        return image->next ? DFY_END : DFY_ERROR_FORMAT;
    }
    DfyPicture *to = &image->picture.picture;
    const DfyPicture from = {.format = DFY_PIXELS_RGBA,
                             .width = to->width,
                             .height = to->height,
                             .plane = {pixels},
                             .stride_bytes = {4 * (ptrdiff_t)to->width}};
    picture_blend(to, &from, image->reading.alpha_white);
    *picture = *to;
    picture->pts = image->time;
    image->last_ms = end > image->time ? end - image->time : 100;
    image->time += image->last_ms;
    image->next++;
    return DFY_OK;
}

static int next_of_image(void *state, DfyPicture *picture) {
    ImageFile *image = state;
    if (image->animation) return next_frame_of_animation(image, picture);
    if (image->next == image->pages) return DFY_END;
    int width = image->picture.picture.width, height = image->picture.picture.height;
    if (image->next && next_still(image)) return DFY_ERROR_FORMAT;
    if (image->picture.picture.width != width || image->picture.picture.height != height) {
        complain("%s has pages of different sizes: they can't be frames of one recording.", image->path);
        return DFY_ERROR_FORMAT;
    }
    *picture = image->picture.picture;
    picture->pts = image->next++;
    return DFY_OK;
}

static void close_image(void *state) {
    ImageFile *image = state;
    if (image->animation) WebPAnimDecoderDelete(image->animation);
    own_picture_free(&image->picture);
    free(image->data);
    free(image);
}

static int64_t last_ticks_of_image(const void *state) {
    const ImageFile *image = state;
    return image->animation ? image->last_ms : 0;
}

const SourceFormat source_image = {.name = "image",
                                   .probe = probe_image,
                                   .open = open_image,
                                   .next = next_of_image,
                                   .close = close_image,
                                   .last_ticks = last_ticks_of_image};
