#include "image_heif.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include <libheif/heif.h>

#include "icc.h"
#include "image_libav.h"
#include "meaning.h"

#define FUNCTIONS(F)                                                                                                   \
    F(heif_context_alloc)                                                                                              \
    F(heif_context_free)                                                                                               \
    F(heif_context_read_from_memory_without_copy)                                                                      \
    F(heif_context_get_primary_image_handle)                                                                           \
    F(heif_image_handle_release)                                                                                       \
    F(heif_image_handle_get_width)                                                                                     \
    F(heif_image_handle_get_height)                                                                                    \
    F(heif_image_handle_get_raw_color_profile_size)                                                                    \
    F(heif_image_handle_get_raw_color_profile)                                                                         \
    F(heif_image_handle_get_nclx_color_profile)                                                                        \
    F(heif_nclx_color_profile_free)                                                                                    \
    F(heif_decode_image)                                                                                               \
    F(heif_image_get_plane_readonly)                                                                                   \
    F(heif_image_get_width)                                                                                            \
    F(heif_image_get_height)                                                                                           \
    F(heif_image_release)

static struct {
    int loaded;
#define MEMBER(name) __typeof__(&name) name;
    FUNCTIONS(MEMBER)
#undef MEMBER
} heif;

int heif_is_there(void) {
    static const struct {
        const char *name;
        size_t place;
    } functions[] = {
#define ENTRY(name) {#name, offsetof(__typeof__(heif), name)},
        FUNCTIONS(ENTRY)
#undef ENTRY
    };
    if (heif.loaded) return heif.loaded > 0;
    void *library = dlopen("libheif.so.1", RTLD_LAZY);
    heif.loaded = library ? 1 : -1;
    for (size_t i = 0; library && i < sizeof functions / sizeof *functions; i++) {
        void *function = dlsym(library, functions[i].name);
        if (!function) heif.loaded = -1;
        memcpy((char *)&heif + functions[i].place, &function, sizeof function);
    }
    return heif.loaded > 0;
}

/* RGBA pixels of an image over black or white. */
static int take_pixels(OwnPicture *own, const struct heif_image *image, ImageReading *reading) {
    int stride, width = heif.heif_image_get_width(image, heif_channel_interleaved);
    int height = heif.heif_image_get_height(image, heif_channel_interleaved);
    const uint8_t *pixels = heif.heif_image_get_plane_readonly(image, heif_channel_interleaved, &stride);
    if (!pixels || width < 1 || height < 1) return image_bad(reading, "can't be converted.");
    if (image_room(own, (unsigned)width, (unsigned)height, reading)) return STATUS_FAILED;
    const DfyPicture from = {
        .format = DFY_PIXELS_RGBA, .width = width, .height = height, .plane = {pixels}, .stride_bytes = {stride}};
    picture_blend(&own->picture, &from, reading->alpha_white);
    return STATUS_GOOD;
}

/* PQ and HLG, whose values have 8 bits by now, to BT.709. */
static int tone_map(DfyPicture *rgb, int primaries, int transfer, ImageReading *reading) {
    ToneMap *map = tone_map_new(transfer, primaries);
    uint16_t *row = malloc((size_t)rgb->width * 3 * sizeof *row);
    int status = map && row ? STATUS_GOOD : image_bad(reading, "needs too much memory.");
    for (int y = 0; !status && y < rgb->height; y++) {
        uint8_t *pixels = dfy_picture_pixels(rgb, 0) + y * rgb->stride_bytes[0];
        for (int i = 0; i < 3 * rgb->width; i++) row[i] = (uint16_t)(pixels[i] * 257);
        tone_map_row(map, pixels, row, rgb->width);
    }
    free(row);
    tone_map_free(map);
    if (!status) image_tell_hdr(reading, transfer);
    return status;
}

static int take_colours(OwnPicture *own, const struct heif_image_handle *handle, ImageReading *reading) {
    size_t size = heif.heif_image_handle_get_raw_color_profile_size(handle);
    uint8_t *profile = size && size < ((size_t)16 << 20) ? malloc(size) : NULL;
    struct heif_color_profile_nclx *points = NULL;
    int status = STATUS_GOOD;
    if (profile && heif.heif_image_handle_get_raw_color_profile(handle, profile).code == heif_error_Ok)
        icc_to_srgb(&own->picture, profile, size);
    else if (heif.heif_image_handle_get_nclx_color_profile(handle, &points).code == heif_error_Ok && points) {
        int primaries = (int)points->color_primaries, transfer = (int)points->transfer_characteristics;
        if (is_hdr(transfer))
            status = tone_map(&own->picture, primaries, transfer, reading);
        else
            points_to_srgb(&own->picture, primaries, transfer);
    }
    if (points) heif.heif_nclx_color_profile_free(points);
    free(profile);
    return status;
}

int image_decode_heif(OwnPicture *own, const uint8_t *data, size_t size, ImageReading *reading) {
    if (!heif_is_there()) return image_bad(reading, "can't be read without libheif: install libheif1.");
    struct heif_context *context = heif.heif_context_alloc();
    struct heif_image_handle *handle = NULL;
    struct heif_image *image = NULL;
    struct heif_error error = {.code = heif_error_Memory_allocation_error};
    if (context) error = heif.heif_context_read_from_memory_without_copy(context, data, size, NULL);
    if (!error.code) error = heif.heif_context_get_primary_image_handle(context, &handle);
    int status = error.code ? image_bad(reading, "is damaged, cut off, or an unsupported kind of image.") : STATUS_GOOD;
    if (!status) /* before it is decoded: what is too large is not */
        status = image_room(own, (unsigned)heif.heif_image_handle_get_width(handle),
                            (unsigned)heif.heif_image_handle_get_height(handle), reading);
    if (!status) {
        error = heif.heif_decode_image(handle, &image, heif_colorspace_RGB, heif_chroma_interleaved_RGBA, NULL);
        if (error.code) status = image_bad(reading, "is damaged, cut off, or an unsupported kind of image.");
    }
    if (!status) status = take_pixels(own, image, reading);
    if (!status) status = take_colours(own, handle, reading);
    if (image) heif.heif_image_release(image);
    if (handle) heif.heif_image_handle_release(handle);
    if (context) heif.heif_context_free(context);
    return status;
}
