/* Pictures the library owns: one allocation, planes with padded rows so that kernels may run past a row's end. */
#ifndef DFY_BASE_PICTURE_H
#define DFY_BASE_PICTURE_H

#include "diffy/diffy.h"

#define DFY_ROW_ALIGNMENT 32

/* Columns or rows of a chroma plane of a picture with size luma columns or rows. */
static inline int dfy_chroma_size(int size) {
    return (size + 1) / 2;
}

/* Planes of a format: 3 or 1. */
static inline int dfy_plane_count(DfyPixelFormat format) {
    return format == DFY_PIXELS_I420 ? 3 : 1;
}

/* Bytes that matter in a row of plane (without padding), and a plane's rows. */
size_t dfy_plane_row_bytes(const DfyPicture *picture, int plane);
int dfy_plane_rows(const DfyPicture *picture, int plane);

/* Bytes that dfy_picture_alloc would take; 0 when the size is out of range. */
size_t dfy_picture_bytes(DfyPixelFormat format, int width, int height);

/* Sets every field (pixels zero, pts 0, matrix unknown, limited range). DFY_ERROR_ARGUMENT or DFY_ERROR_MEMORY. */
int dfy_picture_alloc(DfyPicture *picture, DfyPixelFormat format, int width, int height);
/* Only for pictures from dfy_picture_alloc; leaves the picture zeroed, and a zeroed one is fine. */
void dfy_picture_free(DfyPicture *picture);

/* Copies the pixels of one format and size, row by row, and pts, matrix and range. */
void dfy_picture_copy(DfyPicture *dst, const DfyPicture *src);

#endif
