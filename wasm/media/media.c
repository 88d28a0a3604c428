/*
 * Videos that the browser can't read by itself, read on the site by the very code of the command line: what JavaScript
 * calls. Sentences are kept for it instead of being printed.
 */
#include "media.h"

#include <emscripten.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "diffy/image_libav.h"
#include "diffy/meaning.h"

#define EXPORT EMSCRIPTEN_KEEPALIVE

EM_JS(int, js_media_read, (int file, double offset, uint8_t *data, int size),
      { return Module["readFile"](file, offset, data >>> 0, size); });

int media_read(int file, double offset, uint8_t *data, int size) {
    return js_media_read(file, offset, data, size);
}

void media_parse_path(const char *path, int *file, double *size_bytes) {
    char *end;
    *file = (int)strtol(path, &end, 10);
    *size_bytes = *end ? strtod(end + 1, NULL) : 0;
}

/* ---------------------------------------------------------------- sentences */

static char problem[1024], warnings[2048];

/* Paths are numbers in front of a name: only the name is for people. */
static void say(char *text, size_t size, const char *format, va_list arguments) {
    char sentence[900];
    vsnprintf(sentence, sizeof sentence, format, arguments);
    size_t used = strlen(text);
    if (used && used + 2 < size) text[used++] = '\n', text[used] = 0;
    for (const char *from = sentence; *from && used + 1 < size;) {
        const char *name = strstr(from, "::");
        const char *number = name;
        while (number && number > from && ((number[-1] >= '0' && number[-1] <= '9') || number[-1] == ':')) number--;
        size_t count = name ? (size_t)(number - from) : strlen(from);
        if (used + count + 1 > size) count = size - used - 1;
        memcpy(text + used, from, count);
        used += count;
        from = name ? name + 2 : from + strlen(from);
    }
    text[used] = 0;
}

int complain(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    problem[0] = 0;
    say(problem, sizeof problem, format, arguments);
    va_end(arguments);
    return STATUS_FAILED;
}

void warn(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say(warnings, sizeof warnings, format, arguments);
    va_end(arguments);
}

const char *source_name(const char *path) {
    return path;
}

/* Nothing interrupts a worker but its end. */
int interrupted(void) {
    return 0;
}

EXPORT const char *media_problem(void) {
    return problem;
}
EXPORT const char *media_warnings(void) {
    return warnings;
}

/* ---------------------------------------------------------------- videos */

typedef struct Media {
    char *path;
    void *state;
    SourceOptions options;
    SourceFacts facts;
    Scaler *scaler;
    int width, height; /* of the pictures that are given */
    int64_t last_pts;
    uint8_t *packed;
    DfySoundPacket sound;
} Media;

static double result[24];

EXPORT double *media_result(void) {
    return result;
}
EXPORT void *media_malloc(size_t size) {
    return malloc(size);
}
EXPORT void media_free(void *memory) {
    free(memory);
}

EXPORT void media_close(Media *media) {
    if (media->state) source_video.close(media->state);
    scaler_close(&media->scaler);
    free(media->packed);
    free(media->path);
    free(media);
}

static int open_video(Media *media, int max_width) {
    if (source_video.open(&media->state, media->path, &media->options, &media->facts)) return STATUS_FAILED;
    const SourceFacts *f = &media->facts;
    if (f->width > DFY_MAX_DIMENSION || f->height > DFY_MAX_DIMENSION)
        return complain("Pictures of %d x %d pixels are too large: only 1 to %d are possible.", f->width, f->height,
                        DFY_MAX_DIMENSION);
    size_wanted(f, max_width, 0, &media->width, &media->height);
    if (media->width != f->width || media->height != f->height)
        if (scaler_open(&media->scaler, f, media->width, media->height)) return STATUS_FAILED;
    media->packed = malloc((size_t)media->width * (size_t)media->height * 3 + 6);
    return media->packed ? STATUS_GOOD : complain("There is no memory left for these pictures.");
}

/* Takes the path over, memory of media_malloc. NULL: media_problem tells why. result: the facts below. */
EXPORT Media *media_open(char *path, int max_width) {
    Media *media = calloc(1, sizeof *media);
    problem[0] = warnings[0] = 0;
    if (!media) return NULL;
    media->path = path;
    media->last_pts = -1;
    if (open_video(media, max_width)) {
        media_close(media);
        return NULL;
    }
    const SourceFacts *f = &media->facts;
    const double values[] = {media->width,
                             media->height,
                             f->rate_num,
                             f->rate_den,
                             f->time_base_num,
                             f->time_base_den,
                             (double)f->expected_frames,
                             f->primaries,
                             f->transfer,
                             (double)f->matrix,
                             (double)f->range,
                             f->sample_aspect_num,
                             f->sample_aspect_den,
                             (double)f->start_unix_us,
                             (double)f->format};
    memcpy(result, values, sizeof values);
    return media;
}

/* Lays the picture's planes out without gaps. */
static size_t pack(Media *media, const DfyPicture *picture) {
    int planar = picture->format == DFY_PIXELS_I420;
    uint8_t *to = media->packed;
    for (int i = 0; i < (planar ? 3 : 1); i++) {
        size_t row = planar ? (size_t)(i ? (picture->width + 1) / 2 : picture->width) : 3 * (size_t)picture->width;
        for (int y = 0; y < (i ? (picture->height + 1) / 2 : picture->height); y++, to += row)
            memcpy(to, picture->plane[i] + y * picture->stride_bytes[i], row);
    }
    return (size_t)(to - media->packed);
}

/* A status; result: time in ticks, where the pixels are, how many bytes. */
EXPORT int media_next(Media *media) {
    DfyPicture picture;
    int status = source_video.next(media->state, &picture);
    if (status) return status;
    if (media->scaler && scaler_run(media->scaler, &picture, &picture)) return DFY_ERROR_MEMORY;
    if (picture.pts <= media->last_pts) picture.pts = media->last_pts + 1;
    media->last_pts = picture.pts;
    result[0] = (double)picture.pts;
    result[1] = (double)(uintptr_t)media->packed;
    result[2] = (double)pack(media, &picture);
    return DFY_OK;
}

/* After the end: ticks that the last picture is shown, 0 for as long as usual. */
EXPORT double media_last_ticks(const Media *media) {
    return (double)source_video.last_ticks(media->state);
}

/* The codec's name, or NULL for no sound. result: sample rate, channels, time base, where its configuration is, bytes.
 */
EXPORT const char *media_sound(const Media *media) {
    static DfySound sound;
    if (source_video.sound(media->state, &sound)) return NULL;
    result[0] = sound.sample_rate;
    result[1] = sound.channels;
    result[2] = sound.time_base_num;
    result[3] = sound.time_base_den;
    result[4] = (double)(uintptr_t)sound.config;
    result[5] = (double)sound.config_bytes;
    return sound.codec;
}

/* The next packet that has come with the pictures so far, or DFY_END. result: where it is, bytes, time, duration. */
EXPORT int media_next_sound(Media *media) {
    int status = source_video.next_sound(media->state, &media->sound);
    if (status) return status;
    result[0] = (double)(uintptr_t)media->sound.data;
    result[1] = (double)media->sound.size_bytes;
    result[2] = (double)media->sound.pts;
    result[3] = (double)media->sound.duration;
    return DFY_OK;
}

/* ---------------------------------------------------------------- images */

static OwnPicture image;

/* A page of a TIFF, or a PNG with PQ or HLG, as RGB. A status; result: width, height, where the pixels are, pages,
 * orientation, where its profile is and how long. The name is for sentences. */
EXPORT int media_image(const uint8_t *data, size_t size, const char *name, int page) {
    static ImageReading reading;
    reading.name = name;
    reading.page = page;
    problem[0] = warnings[0] = reading.problem[0] = 0;
    reading.hdr_said = 0;
    const uint8_t *hdr = image_kind_of_data(data, size) == IMAGE_PNG ? image_png_hdr(data, size) : NULL;
    int status = image_decode_by_libav(&image, data, size, &reading, hdr ? AV_CODEC_ID_PNG : AV_CODEC_ID_TIFF, hdr);
    if (status) return complain("%s", reading.problem);
    result[0] = image.picture.width;
    result[1] = image.picture.height;
    result[2] = (double)(uintptr_t)image.memory;
    result[3] = image_pages(data, size);
    result[4] = hdr ? 1 : orientation_of_exif(data, size);
    result[5] = (double)(uintptr_t)reading.profile;
    result[6] = (double)reading.profile_size;
    return DFY_OK;
}
