#include "v1/jpeg.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

#include <jerror.h>

#define MOST_SCANS 100 /* a progressive JPEG of a few kilobytes can ask for thousands of passes over the picture */

/* libjpeg leaves on errors by longjmp; nothing is printed. */
typedef struct ErrorExit {
    struct jpeg_error_mgr manager;
    jmp_buf jump;
    char text[JMSG_LENGTH_MAX];
} ErrorExit;

static void leave(j_common_ptr info) {
    ErrorExit *error = (ErrorExit *)info->err;
    info->err->format_message(info, error->text);
    longjmp(error->jump, 1);
}

static void stay_silent(j_common_ptr info, int level) {
    (void)info;
    (void)level;
}

static void count_scans(j_common_ptr info) {
    if (((j_decompress_ptr)info)->input_scan_number <= MOST_SCANS) return;
    ErrorExit *error = (ErrorExit *)info->err;
    snprintf(error->text, sizeof error->text, "it has too many scans");
    longjmp(error->jump, 1);
}

static void set_errors(ErrorExit *error) {
    jpeg_std_error(&error->manager);
    error->manager.error_exit = leave;
    error->manager.emit_message = stay_silent;
    error->text[0] = 0;
}

/* What made it leave. */
static int failed_for(const ErrorExit *error) {
    return error->manager.msg_code == JERR_OUT_OF_MEMORY ? DFY_ERROR_MEMORY : DFY_ERROR_DAMAGED;
}

static void read_rows(j_decompress_ptr info, DfyPicture *picture) {
    info->out_color_space = JCS_RGB;
    jpeg_start_decompress(info);
    while (info->output_scanline < info->output_height) {
        JSAMPROW row = dfy_picture_pixels(picture, 0) + (ptrdiff_t)info->output_scanline * picture->stride_bytes[0];
        jpeg_read_scanlines(info, &row, 1);
    }
    jpeg_finish_decompress(info);
}

int dfy_v1_jpeg_read(DfyPicture *picture, const uint8_t *data, size_t size, DfyMessage *message) {
    struct jpeg_decompress_struct info = {0}; /* to be destroyed even if it can't be created */
    struct jpeg_progress_mgr progress = {.progress_monitor = count_scans};
    ErrorExit error;
    info.err = &error.manager;
    set_errors(&error);
    volatile int status = DFY_OK;
    if (setjmp(error.jump)) {
        status = dfy_fail(message, failed_for(&error), "The background picture can't be decoded: %.200s.", error.text);
    } else {
        jpeg_create_decompress(&info);
        info.progress = &progress;
        jpeg_mem_src(&info, data, (unsigned long)size);
        jpeg_read_header(&info, TRUE);
        if ((int)info.image_width != picture->width || (int)info.image_height != picture->height)
            status = dfy_fail(message, DFY_ERROR_FORMAT,
                              "The background picture has %u x %u pixels but the recording %d x %d.", info.image_width,
                              info.image_height, picture->width, picture->height);
        else
            read_rows(&info, picture);
    }
    jpeg_destroy_decompress(&info);
    return status;
}

static void write_rows(j_compress_ptr info, const DfyPicture *picture, int quality) {
    info->image_width = (JDIMENSION)picture->width;
    info->image_height = (JDIMENSION)picture->height;
    info->input_components = 3;
    info->in_color_space = JCS_RGB;
    jpeg_set_defaults(info);
    jpeg_set_quality(info, quality, TRUE);
    info->optimize_coding = TRUE;
    info->dct_method = JDCT_ISLOW;
    jpeg_start_compress(info, TRUE);
    while (info->next_scanline < info->image_height) {
        JSAMPROW row = dfy_picture_pixels(picture, 0) + (ptrdiff_t)info->next_scanline * picture->stride_bytes[0];
        jpeg_write_scanlines(info, &row, 1);
    }
    jpeg_finish_compress(info);
}

int dfy_v1_jpeg_write(DfyBuffer *out, const DfyPicture *picture, int quality, DfyMessage *message) {
    struct jpeg_compress_struct info = {0}; /* to be destroyed even if it can't be created */
    ErrorExit error;
    info.err = &error.manager;
    set_errors(&error);
    unsigned char *data = NULL;
    unsigned long size = 0;
    volatile int status = DFY_OK;
    if (setjmp(error.jump)) {
        status = dfy_fail(message, DFY_ERROR_MEMORY, "The background picture can't be coded: %.200s.", error.text);
    } else {
        jpeg_create_compress(&info);
        jpeg_mem_dest(&info, &data, &size);
        write_rows(&info, picture, quality);
    }
    jpeg_destroy_compress(&info);
    if (!status) dfy_put_bytes(out, data, size);
    free(data);
    return out->failed && !status ? dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for the background.")
                                  : status;
}
