/* PNG and JPEG to RGB and back. Sizes are checked before anything of that size is allocated. */
#include "image.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <png.h>

enum { JPEG_OUT_QUALITY = 95 };

ImageKind image_kind_of_name(const char *name) {
    if (has_extension(name, "png")) return IMAGE_PNG;
    return has_extension(name, "jpg") || has_extension(name, "jpeg") ? IMAGE_JPEG : IMAGE_NONE;
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

/* Makes room for the first image; every other must have its size. */
static int fit(OwnPicture *own, unsigned width, unsigned height, const char *name) {
    if (width < 1 || height < 1 || width > DFY_MAX_DIMENSION || height > DFY_MAX_DIMENSION)
        return complain("%s has %u x %u pixels: only 1 to %d are possible.", name, width, height, DFY_MAX_DIMENSION);
    if (!own->memory) return own_picture_alloc(own, DFY_PIXELS_RGB, (int)width, (int)height);
    if (own->picture.width != (int)width || own->picture.height != (int)height)
        return complain("%s has %u x %u pixels but the images before it %d x %d: scale it or encode it apart.", name,
                        width, height, own->picture.width, own->picture.height);
    return STATUS_GOOD;
}

static int decode_png(OwnPicture *own, const uint8_t *data, size_t size, const char *name) {
    png_image image = {.version = PNG_IMAGE_VERSION};
    if (!png_image_begin_read_from_memory(&image, data, size))
        return complain("%s is no PNG that can be read (%s).", name, image.message);
    image.format = PNG_FORMAT_RGB;
    if (fit(own, image.width, image.height, name)) {
        png_image_free(&image);
        return STATUS_FAILED;
    }
    const png_color behind = {0, 0, 0}; /* what shows through transparent pixels */
    if (!png_image_finish_read(&image, &behind, own->memory, (png_int_32)own->picture.stride_bytes[0], NULL))
        return complain("%s is damaged (%s).", name, image.message);
    return STATUS_GOOD;
}

typedef struct JpegError {
    struct jpeg_error_mgr base;
    jmp_buf back;
} JpegError;

static void on_jpeg_error(j_common_ptr codec) {
    longjmp(((JpegError *)codec->err)->back, 1);
}
static void ignore_jpeg_message(j_common_ptr codec) {
    (void)codec;
}

static struct jpeg_error_mgr *jpeg_errors(JpegError *error) {
    jpeg_std_error(&error->base);
    error->base.error_exit = on_jpeg_error;
    error->base.output_message = ignore_jpeg_message;
    return &error->base;
}

static int decode_jpeg(OwnPicture *own, const uint8_t *data, size_t size, const char *name) {
    struct jpeg_decompress_struct jpeg;
    JpegError error;
    jpeg.err = jpeg_errors(&error);
    if (setjmp(error.back)) {
        char text[JMSG_LENGTH_MAX];
        error.base.format_message((j_common_ptr)&jpeg, text);
        jpeg_destroy_decompress(&jpeg);
        return complain("%s is no JPEG that can be read (%s).", name, text);
    }
    jpeg_create_decompress(&jpeg);
    jpeg_mem_src(&jpeg, data, (unsigned long)size);
    jpeg_read_header(&jpeg, TRUE);
    if (fit(own, jpeg.image_width, jpeg.image_height, name)) {
        jpeg_destroy_decompress(&jpeg);
        return STATUS_FAILED;
    }
    jpeg.out_color_space = JCS_RGB;
    jpeg_start_decompress(&jpeg);
    while (jpeg.output_scanline < jpeg.output_height) {
        JSAMPROW row = own->memory + (size_t)jpeg.output_scanline * (size_t)own->picture.stride_bytes[0];
        jpeg_read_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_decompress(&jpeg);
    jpeg_destroy_decompress(&jpeg);
    return STATUS_GOOD;
}

int image_decode(OwnPicture *own, const uint8_t *data, size_t size, const char *name) {
    if (size >= 8 && !memcmp(data, "\x89PNG", 4)) return decode_png(own, data, size, name);
    if (size >= 3 && !memcmp(data, "\xff\xd8\xff", 3)) return decode_jpeg(own, data, size, name);
    return complain("%s is neither PNG nor JPEG, whatever its name says.", name);
}

static int write_jpeg(FILE *stream, const DfyPicture *picture) {
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
    jpeg_start_compress(&jpeg, TRUE);
    while (jpeg.next_scanline < jpeg.image_height) {
        JSAMPROW row = picture->plane[0] + (ptrdiff_t)jpeg.next_scanline * picture->stride_bytes[0];
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    return 0;
}

int image_write(FILE *stream, const DfyPicture *picture, ImageKind kind) {
    if (kind == IMAGE_JPEG) return write_jpeg(stream, picture);
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)picture->width,
                       .height = (png_uint_32)picture->height,
                       .format = PNG_FORMAT_RGB,
                       .flags = PNG_IMAGE_FLAG_FAST}; /* half the time for a few percent more bytes */
    return png_image_write_to_stdio(&image, stream, 0, picture->plane[0], (png_int_32)picture->stride_bytes[0], NULL)
               ? 0
               : -1;
}
