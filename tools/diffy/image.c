/* Sizes are checked before anything of that size is allocated. */
#include "image.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <png.h>
#include <webp/decode.h>

#include "icc.h"
#include "image_heif.h"
#include "image_libav.h"
#include "meaning.h"
#include "png_chunks.h"

enum { JPEG_OUT_QUALITY = 95 };

ImageKind image_kind_of_name(const char *name) {
    static const struct {
        const char *extension;
        ImageKind kind;
    } kinds[] = {{"png", IMAGE_PNG},   {"jpg", IMAGE_JPEG},  {"jpeg", IMAGE_JPEG}, {"webp", IMAGE_WEBP},
                 {"tif", IMAGE_TIFF},  {"tiff", IMAGE_TIFF}, {"bmp", IMAGE_BMP},   {"avif", IMAGE_HEIF},
                 {"heic", IMAGE_HEIF}, {"heif", IMAGE_HEIF}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (has_extension(name, kinds[i].extension)) return kinds[i].kind;
    return IMAGE_NONE;
}

int natural_order(const char *a, const char *b) {
    while (*a && *b) {
        if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
            while (*a == '0') a++;
            while (*b == '0') b++;
            size_t la = strspn(a, "0123456789"), lb = strspn(b, "0123456789");
            if (la != lb) return la < lb ? -1 : 1;
            int order = strncmp(a, b, la);
            if (order) return order;
            a += la;
            b += lb;
        } else if (*a != *b) {
            return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
        } else {
            a++;
            b++;
        }
    }
    return *a ? 1 : *b ? -1 : 0;
}

/* ---------------------------------------------------------------- reading */

int image_is_apng(const uint8_t *data, size_t size) {
    size_t length;
    return png_chunk(data, size, "acTL", &length) != NULL;
}

/* What a PNG says its colours are; the first of these that is there counts. */
typedef struct PngColours {
    const uint8_t *points;         /* cICP */
    const uint8_t *profile;        /* iCCP */
    const uint8_t *chromaticities; /* cHRM, with gAMA, unless it is sRGB that is said */
    double power;
} PngColours;

/* Then only gAMA counts, which libpng knows, for 16 bits as well. */
static int chromaticities_are_srgb(const uint8_t *xy) {
    static const long points[8] = {31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000};
    int same = 1;
    for (int i = 0; i < 8; i++) same &= labs((long)png_u32(xy + 4 * i) - points[i]) < 500;
    return same;
}

static PngColours png_colours(const uint8_t *data, size_t size) {
    PngColours c = {0};
    size_t length = 0, gamma_length = 0;
    c.points = png_chunk(data, size, "cICP", &length);
    if (c.points && length == 4) return c;
    c = (PngColours){.profile = png_chunk(data, size, "iCCP", &length)};
    if (c.profile || png_chunk(data, size, "sRGB", &length)) return c;
    const uint8_t *gamma = png_chunk(data, size, "gAMA", &gamma_length);
    const uint8_t *xy = png_chunk(data, size, "cHRM", &length);
    if (gamma && gamma_length == 4 && png_u32(gamma) && xy && length == 32 && !chromaticities_are_srgb(xy)) {
        c.chromaticities = xy;
        c.power = 1e5 / (double)png_u32(gamma);
    }
    return c;
}

/* A copy of a PNG without what would make libpng change its values; NULL: no memory. */
static uint8_t *png_as_it_is(const uint8_t *data, size_t *size) {
    static const char types[][5] = {"gAMA", "cHRM", "sRGB", "iCCP"};
    uint8_t *copy = malloc(*size);
    size_t to = 8;
    if (!copy) return NULL;
    memcpy(copy, data, 8);
    for (size_t at = 8; at < *size;) {
        size_t length = *size - at, left_out = 0;
        if (length >= 12 && png_u32(data + at) <= length - 12) length = png_u32(data + at) + 12;
        for (size_t i = 0; length >= 12 && i < sizeof types / sizeof *types; i++)
            left_out |= !memcmp(data + at + 4, types[i], 4);
        if (!left_out) memcpy(copy + to, data + at, length);
        to += left_out ? 0 : length;
        at += length;
    }
    *size = to;
    return copy;
}

static void apply_png_colours(DfyPicture *rgb, const PngColours *colours) {
    double xy[8];
    if (colours->points) points_to_srgb(rgb, colours->points[0], colours->points[1]);
    if (!colours->chromaticities) return;
    int good = 1;
    for (int i = 0; i < 8; i++) {
        xy[i] = (double)png_u32(colours->chromaticities + 4 * i) / 1e5;
        good &= xy[i] <= 1 && (xy[i] > 0 || !(i & 1));
    }
    if (good) chromaticities_to_srgb(rgb, xy, colours->power);
}

static int decode_png_pixels(OwnPicture *own, const uint8_t *data, size_t size, ImageReading *reading) {
    png_image image = {.version = PNG_IMAGE_VERSION};
    if (!png_image_begin_read_from_memory(&image, data, size))
        return image_bad(reading, "is not a readable PNG (%s).", image.message);
    int clear = (image.format & PNG_FORMAT_FLAG_ALPHA) != 0;
    image.format = clear ? PNG_FORMAT_RGBA : PNG_FORMAT_RGB;
    image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB; /* 16 bits are sRGB as 8 are, unless a gAMA chunk says otherwise */
    OwnPicture with_alpha = {0};
    int status = image_room(own, image.width, image.height, reading);
    if (!status && clear && own_picture_make(&with_alpha, DFY_PIXELS_RGBA, (int)image.width, (int)image.height))
        status = image_bad(reading, "needs too much memory.");
    if (status) {
        png_image_free(&image);
        return status;
    }
    const OwnPicture *to = clear ? &with_alpha : own;
    int good = png_image_finish_read(&image, NULL, to->memory, (png_int_32)to->picture.stride_bytes[0], NULL);
    if (good && clear) picture_blend(&own->picture, &with_alpha.picture, reading->alpha_white);
    own_picture_free(&with_alpha);
    return good ? STATUS_GOOD : image_bad(reading, "is damaged or cut off (%s).", image.message);
}

static int decode_png(OwnPicture *own, const uint8_t *data, size_t size, ImageReading *reading, int *orientation) {
    PngColours colours = png_colours(data, size);
    size_t length = size;
    const uint8_t *hdr = image_png_hdr(data, size);
    uint8_t *copy = NULL;
    int status;
    if (hdr) {
        status = image_decode_by_libav(own, data, size, reading, AV_CODEC_ID_PNG, hdr);
    } else {
        if (colours.points || colours.profile || colours.chromaticities) {
            copy = png_as_it_is(data, &length);
            if (!copy) return image_bad(reading, "needs too much memory.");
        }
        status = decode_png_pixels(own, copy ? copy : data, length, reading);
        if (!status) apply_png_colours(&own->picture, &colours);
        free(copy);
    }
    if (status) return status;
    const uint8_t *exif = png_chunk(data, size, "eXIf", &length);
    if (exif) *orientation = orientation_of_exif(exif, length);
    return STATUS_GOOD;
}

typedef struct JpegError {
    struct jpeg_error_mgr base;
    jmp_buf back;
    int damaged; /* a warning that pixels were lost */
} JpegError;

static void on_jpeg_error(j_common_ptr codec) {
    longjmp(((JpegError *)codec->err)->back, 1);
}
static void ignore_jpeg_message(j_common_ptr codec) {
    (void)codec;
}
/* Numbers of jerror.h: data ends early, a marker in the middle of it, a code that does not exist, lost restart. */
static void on_jpeg_message(j_common_ptr codec, int level) {
    static const char *const losses[] = {"remature end", "Corrupt JPEG data"};
    if (level >= 0) return;
    const char *text = codec->err->jpeg_message_table[codec->err->msg_code];
    for (size_t i = 0; text && i < sizeof losses / sizeof *losses; i++)
        if (strstr(text, losses[i]) && !strstr(text, "extraneous")) ((JpegError *)codec->err)->damaged = 1;
}

static struct jpeg_error_mgr *jpeg_errors(JpegError *error) {
    jpeg_std_error(&error->base);
    error->base.error_exit = on_jpeg_error;
    error->base.output_message = ignore_jpeg_message;
    error->base.emit_message = on_jpeg_message;
    error->damaged = 0;
    return &error->base;
}

/* Adobe's CMYK is stored inverted: 255 is no ink. */
static void rgb_of_cmyk(uint8_t *rgb, const uint8_t *cmyk, int width, int inverted) {
    for (int x = 0; x < width; x++, cmyk += 4, rgb += 3)
        for (int c = 0; c < 3; c++) {
            int ink = inverted ? cmyk[c] : 255 - cmyk[c], black = inverted ? cmyk[3] : 255 - cmyk[3];
            rgb[c] = (uint8_t)((ink * black + 127) / 255);
        }
}

static void read_jpeg_rows(struct jpeg_decompress_struct *jpeg, OwnPicture *own, uint8_t *cmyk) {
    while (jpeg->output_scanline < jpeg->output_height) {
        uint8_t *to = own->memory + (size_t)jpeg->output_scanline * (size_t)own->picture.stride_bytes[0];
        JSAMPROW row = cmyk ? cmyk : to;
        jpeg_read_scanlines(jpeg, &row, 1);
        if (cmyk) rgb_of_cmyk(to, cmyk, own->picture.width, jpeg->saw_Adobe_marker);
    }
}

static int jpeg_orientation(const struct jpeg_decompress_struct *jpeg) {
    for (jpeg_saved_marker_ptr marker = jpeg->marker_list; marker; marker = marker->next)
        if (marker->data_length > 6 && !memcmp(marker->data, "Exif\0", 6))
            return orientation_of_exif(marker->data + 6, marker->data_length - 6);
    return 1;
}

static int decode_jpeg(OwnPicture *own, const uint8_t *data, size_t size, ImageReading *reading, int *orientation) {
    struct jpeg_decompress_struct jpeg;
    JpegError error;
    uint8_t *volatile cmyk = NULL;
    jpeg.err = jpeg_errors(&error);
    if (setjmp(error.back)) {
        char text[JMSG_LENGTH_MAX];
        error.base.format_message((j_common_ptr)&jpeg, text);
        jpeg_destroy_decompress(&jpeg);
        free(cmyk);
        return image_bad(reading, "is not a readable JPEG (%s).", text);
    }
    jpeg_create_decompress(&jpeg);
    jpeg_mem_src(&jpeg, data, (unsigned long)size);
    jpeg_save_markers(&jpeg, JPEG_APP0 + 1, 65535);
    jpeg_read_header(&jpeg, TRUE);
    int four = jpeg.num_components == 4;
    if (four) cmyk = malloc(4 * (size_t)jpeg.image_width);
    if (image_room(own, jpeg.image_width, jpeg.image_height, reading) || (four && !cmyk)) {
        jpeg_destroy_decompress(&jpeg);
        free(cmyk);
        return STATUS_FAILED;
    }
    jpeg.out_color_space = four ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(&jpeg);
    *orientation = jpeg_orientation(&jpeg);
    read_jpeg_rows(&jpeg, own, cmyk);
    jpeg_finish_decompress(&jpeg);
    jpeg_destroy_decompress(&jpeg);
    free(cmyk);
    return error.damaged ? image_bad(reading, "is damaged or cut off: part of the picture is missing.") : STATUS_GOOD;
}

static int webp_orientation(const uint8_t *data, size_t size) {
    for (size_t at = 12; at + 8 <= size;) {
        size_t length =
            (size_t)data[at + 4] | (size_t)data[at + 5] << 8 | (size_t)data[at + 6] << 16 | (size_t)data[at + 7] << 24;
        if (length > size - at - 8) return 1;
        if (!memcmp(data + at, "EXIF", 4)) {
            int tagged = length > 6 && !memcmp(data + at + 8, "Exif\0", 6);
            return orientation_of_exif(data + at + (tagged ? 14 : 8), length - (tagged ? 6 : 0));
        }
        at += 8 + length + (length & 1);
    }
    return 1;
}

static int decode_webp(OwnPicture *own, const uint8_t *data, size_t size, ImageReading *reading, int *orientation) {
    int width, height;
    if (!WebPGetInfo(data, size, &width, &height)) return image_bad(reading, "is not a readable WebP.");
    if (image_room(own, (unsigned)width, (unsigned)height, reading)) return STATUS_FAILED;
    OwnPicture clear;
    if (own_picture_make(&clear, DFY_PIXELS_RGBA, width, height)) return image_bad(reading, "needs too much memory.");
    uint8_t *good = WebPDecodeRGBAInto(data, size, clear.memory, (size_t)width * (size_t)height * 4, width * 4);
    if (good) picture_blend(&own->picture, &clear.picture, reading->alpha_white);
    own_picture_free(&clear);
    *orientation = webp_orientation(data, size);
    return good ? STATUS_GOOD : image_bad(reading, "is damaged or cut off.");
}

static void apply_profile(OwnPicture *own, const uint8_t *data, size_t size) {
    size_t profile_size = 0;
    ImageKind kind = image_kind_of_data(data, size);
    int is_png = kind == IMAGE_PNG && !png_colours(data, size).points;
    uint8_t *profile = is_png               ? icc_of_png(data, size, &profile_size)
                       : kind == IMAGE_JPEG ? icc_of_jpeg(data, size, &profile_size)
                       : kind == IMAGE_WEBP ? icc_of_webp(data, size, &profile_size)
                                            : NULL;
    if (profile) icc_to_srgb(&own->picture, profile, profile_size);
    free(profile);
}

int image_decode(OwnPicture *own, const uint8_t *data, size_t size, ImageReading *reading) {
    int orientation = 1, status;
    reading->problem[0] = 0;
    if (!size) return image_bad(reading, "is empty.");
    switch (image_kind_of_data(data, size)) {
    case IMAGE_PNG: status = decode_png(own, data, size, reading, &orientation); break;
    case IMAGE_JPEG: status = decode_jpeg(own, data, size, reading, &orientation); break;
    case IMAGE_WEBP: status = decode_webp(own, data, size, reading, &orientation); break;
    case IMAGE_TIFF:
        status = image_decode_by_libav(own, data, size, reading, AV_CODEC_ID_TIFF, NULL);
        if (!status && reading->profile) icc_to_srgb(&own->picture, reading->profile, reading->profile_size);
        image_reading_free(reading);
        orientation = orientation_of_exif(data, size);
        break;
    case IMAGE_HEIF: return image_decode_heif(own, data, size, reading);
    case IMAGE_BMP: status = image_decode_by_libav(own, data, size, reading, AV_CODEC_ID_BMP, NULL); break;
    default: return image_bad(reading, "is not a readable image, whatever its name says.");
    }
    if (!status) apply_profile(own, data, size);
    if (status || orientation < 2) return status;
    OwnPicture turned = {0};
    DfyPicture picture = own->picture;
    complaints_pause(1); /* what is wrong with an image is said once, by who reads it */
    int failed = picture_orient(&picture, &turned, orientation);
    complaints_pause(0);
    if (failed) return image_bad(reading, "needs too much memory.");
    own_picture_free(own);
    *own = turned;
    return STATUS_GOOD;
}

/* ---------------------------------------------------------------- writing */

static int has_pixel_shape(const SourceFacts *facts) {
    return facts->sample_aspect_num > 0 && facts->sample_aspect_num != facts->sample_aspect_den;
}

static int write_jpeg(FILE *stream, const DfyPicture *picture, const SourceFacts *facts) {
    struct jpeg_compress_struct jpeg;
    JpegError error;
    jpeg.err = jpeg_errors(&error);
    if (setjmp(error.back)) {
        jpeg_destroy_compress(&jpeg);
        return -1;
    }
    jpeg_create_compress(&jpeg);
    jpeg_stdio_dest(&jpeg, stream);
    jpeg.image_width = (JDIMENSION)picture->width;
    jpeg.image_height = (JDIMENSION)picture->height;
    jpeg.input_components = 3;
    jpeg.in_color_space = JCS_RGB;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, JPEG_OUT_QUALITY, TRUE);
    if (has_pixel_shape(facts) && facts->sample_aspect_num < 65536 && facts->sample_aspect_den < 65536) {
        jpeg.density_unit = 0; /* no unit: a pixel is Y_density wide where it is X_density high */
        jpeg.X_density = (UINT16)facts->sample_aspect_den;
        jpeg.Y_density = (UINT16)facts->sample_aspect_num;
    }
    jpeg_start_compress(&jpeg, TRUE);
    while (jpeg.next_scanline < jpeg.image_height) {
        JSAMPROW row = dfy_picture_pixels(picture, 0) + (ptrdiff_t)jpeg.next_scanline * picture->stride_bytes[0];
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    return 0;
}

/* Colour: sRGB is said as such, what else is known by its code points (the cICP chunk of PNG's third edition). */
static void write_png_facts(png_structp png, png_infop info, const SourceFacts *facts) {
    int primaries = facts->primaries, transfer = facts->transfer;
    int known = primaries && primaries != H273_UNKNOWN && transfer && transfer != H273_UNKNOWN;
    if (has_pixel_shape(facts))
        png_set_pHYs(png, info, (png_uint_32)facts->sample_aspect_den, (png_uint_32)facts->sample_aspect_num,
                     PNG_RESOLUTION_UNKNOWN);
    if (!known || (primaries == H273_BT709 && (transfer == H273_SRGB || transfer == H273_BT709)))
        png_set_sRGB(png, info, PNG_sRGB_INTENT_PERCEPTUAL);
    png_write_info(png, info);
    const png_byte points[4] = {(png_byte)primaries, (png_byte)transfer, 0, 1};
    if (known) png_write_chunk(png, (png_const_bytep) "cICP", points, 4);
}

static void fail_png(png_structp png, png_const_charp text) {
    (void)text;
    longjmp(png_jmpbuf(png), 1);
}
static void ignore_png_message(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

static int write_png(FILE *stream, const DfyPicture *picture, const SourceFacts *facts) {
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, fail_png, ignore_png_message);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!info || setjmp(png_jmpbuf(png))) {
        if (png) png_destroy_write_struct(&png, &info);
        return -1;
    }
    png_init_io(png, stream);
    png_set_IHDR(png, info, (png_uint_32)picture->width, (png_uint_32)picture->height, 8, PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_compression_level(png, 3); /* half the time for a few percent more bytes */
    png_set_filter(png, 0, PNG_FILTER_SUB);
    write_png_facts(png, info, facts);
    for (int y = 0; y < picture->height; y++) png_write_row(png, picture->plane[0] + y * picture->stride_bytes[0]);
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    return 0;
}

int image_write(FILE *stream, const DfyPicture *picture, ImageKind kind, const SourceFacts *facts) {
    return kind == IMAGE_JPEG ? write_jpeg(stream, picture, facts) : write_png(stream, picture, facts);
}
