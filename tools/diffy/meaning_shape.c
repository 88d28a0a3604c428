/* Shape of a source: its eight orientations, bars round pictures of another shape, the size that is wanted. */
#include "meaning.h"

#include "libav.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- orientation */

/* Where a pixel comes from: bit 0 mirrors x of the source, bit 1 mirrors its y, bit 2 exchanges the axes. */
static const uint8_t moves[9] = {0, 0, 1, 3, 2, 4, 6, 7, 5};

int orientation_is_sideways(int orientation) {
    return orientation >= 5 && orientation <= 8;
}

int orientation_of_matrix(const int32_t matrix[9]) {
    /* x' = a x + c y, y' = b x + d y, of which two are 0 and two are not where the turn is a right one. */
    int a = (matrix[0] > 0) - (matrix[0] < 0), b = (matrix[1] > 0) - (matrix[1] < 0);
    int c = (matrix[3] > 0) - (matrix[3] < 0), d = (matrix[4] > 0) - (matrix[4] < 0);
    if (a && d && !b && !c) return a > 0 ? (d > 0 ? 1 : 4) : d > 0 ? 2 : 3;
    if (b && c && !a && !d) return b > 0 ? (c > 0 ? 5 : 6) : c > 0 ? 8 : 7;
    return 1;
}

void matrix_of_orientation(int orientation, int width, int height, int32_t matrix[9]) {
    static const int8_t parts[9][4] = {{1, 0, 0, 1}, {1, 0, 0, 1},  {-1, 0, 0, 1},  {-1, 0, 0, -1}, {1, 0, 0, -1},
                                       {0, 1, 1, 0}, {0, 1, -1, 0}, {0, -1, -1, 0}, {0, -1, 1, 0}};
    const int8_t *part = parts[orientation];
    int x = (part[0] < 0 ? width : 0) + (part[2] < 0 ? height : 0);
    int y = (part[1] < 0 ? width : 0) + (part[3] < 0 ? height : 0);
    const int32_t whole[9] = {part[0] * 65536, part[1] * 65536, 0,      part[2] * 65536, part[3] * 65536, 0,
                              x * 65536,       y * 65536,       1 << 30};
    memcpy(matrix, whole, sizeof whole);
}

static unsigned number(const uint8_t *at, int bytes, int big) {
    unsigned value = 0;
    for (int i = 0; i < bytes; i++) value |= (unsigned)at[i] << 8 * (big ? bytes - 1 - i : i);
    return value;
}

int orientation_of_exif(const uint8_t *data, size_t size) {
    if (size < 14 || (memcmp(data, "II*", 4) && memcmp(data, "MM\0*", 4))) return 1;
    int big = data[0] == 'M';
    size_t at = number(data + 4, 4, big);
    if (at > size - 2) return 1;
    unsigned entries = number(data + at, 2, big);
    at += 2;
    for (unsigned i = 0; i < entries && at + 12 <= size; i++, at += 12) {
        if (number(data + at, 2, big) != 0x112) continue;
        unsigned orientation = number(data + at + 8, 2, big);
        return orientation >= 1 && orientation <= 8 ? (int)orientation : 1;
    }
    return 1;
}

static void orient_plane(uint8_t *to, ptrdiff_t to_stride, int to_width, int to_height, const uint8_t *from,
                         ptrdiff_t from_stride, int bytes, int move) {
    int width = move & 4 ? to_height : to_width, height = move & 4 ? to_width : to_height;
    for (int y = 0; y < to_height; y++)
        for (int x = 0; x < to_width; x++) {
            int sx = move & 4 ? y : x, sy = move & 4 ? x : y;
            if (move & 1) sx = width - 1 - sx;
            if (move & 2) sy = height - 1 - sy;
            const uint8_t *pixel = from + sy * from_stride + (ptrdiff_t)sx * bytes;
            uint8_t *place = to + y * to_stride + (ptrdiff_t)x * bytes;
            for (int i = 0; i < bytes; i++) place[i] = pixel[i];
        }
}

int picture_orient(DfyPicture *picture, OwnPicture *own, int orientation) {
    if (orientation < 2 || orientation > 8) return STATUS_GOOD;
    int sideways = orientation_is_sideways(orientation);
    int width = sideways ? picture->height : picture->width, height = sideways ? picture->width : picture->height;
    if (own->memory && (own->picture.width != width || own->picture.height != height)) own_picture_free(own);
    if (!own->memory && own_picture_alloc(own, picture->format, width, height)) return STATUS_FAILED;
    DfyPicture *to = &own->picture;
    int planar = picture->format == DFY_PIXELS_I420;
    int bytes = planar ? 1 : picture->format == DFY_PIXELS_RGB ? 3 : 4;
    for (int i = 0; i < (planar ? 3 : 1); i++)
        orient_plane(dfy_picture_pixels(to, i), to->stride_bytes[i], i ? (width + 1) / 2 : width,
                     i ? (height + 1) / 2 : height, picture->plane[i], picture->stride_bytes[i], bytes,
                     moves[orientation]);
    to->pts = picture->pts;
    to->matrix = picture->matrix;
    to->range = picture->range;
    *picture = *to;
    return STATUS_GOOD;
}

void facts_orient(SourceFacts *facts, int orientation) {
    if (!orientation_is_sideways(orientation)) return;
    int width = facts->width, num = facts->sample_aspect_num;
    facts->width = facts->height;
    facts->height = width;
    facts->sample_aspect_num = facts->sample_aspect_den;
    facts->sample_aspect_den = num;
}

/* ---------------------------------------------------------------- bars */

struct Fitter {
    Scaler *scaler;
    int from_width, from_height;
    DfyPixelFormat from_format;
    OwnPicture boxed;
};

static void paint_black(DfyPicture *picture) {
    int planar = picture->format == DFY_PIXELS_I420;
    for (int i = 0; i < (planar ? 3 : 1); i++) {
        int value = i ? 128 : planar && picture->range == DFY_RANGE_LIMITED ? 16 : 0;
        memset(dfy_picture_pixels(picture, i), value,
               (size_t)picture->stride_bytes[i] * (size_t)(i ? (picture->height + 1) / 2 : picture->height));
    }
}

/* Copies a picture into another at an even place. */
static void place(DfyPicture *to, const DfyPicture *from, int left, int top) {
    int planar = to->format == DFY_PIXELS_I420, bytes = planar ? 1 : to->format == DFY_PIXELS_RGB ? 3 : 4;
    for (int i = 0; i < (planar ? 3 : 1); i++) {
        int half = i > 0, width = (from->width + half) >> half, height = (from->height + half) >> half;
        uint8_t *at =
            dfy_picture_pixels(to, i) + (top >> half) * to->stride_bytes[i] + (ptrdiff_t)(left >> half) * bytes;
        for (int y = 0; y < height; y++)
            memcpy(at + y * to->stride_bytes[i], from->plane[i] + y * from->stride_bytes[i], (size_t)(width * bytes));
    }
}

static int new_fit(Fitter *f, const DfyPicture *picture, int width, int height) {
    scaler_close(&f->scaler);
    own_picture_free(&f->boxed);
    f->from_width = picture->width;
    f->from_height = picture->height;
    f->from_format = picture->format;
    int inner_width = width, inner_height = (int)((int64_t)picture->height * width / picture->width);
    if (inner_height > height) {
        inner_width = (int)((int64_t)picture->width * height / picture->height);
        inner_height = height;
    }
    if (inner_width < width) inner_width &= ~1;
    if (inner_height < height) inner_height &= ~1;
    inner_width = inner_width < 1 ? 1 : inner_width;
    inner_height = inner_height < 1 ? 1 : inner_height;
    SourceFacts facts = {.width = picture->width, .height = picture->height, .format = picture->format};
    if (own_picture_alloc(&f->boxed, picture->format, width, height)) return STATUS_FAILED;
    f->boxed.picture.range = picture->range;
    paint_black(&f->boxed.picture);
    return scaler_open(&f->scaler, &facts, inner_width, inner_height);
}

int picture_fit(DfyPicture *picture, Fitter **fitter, int width, int height) {
    if (picture->width == width && picture->height == height) return STATUS_GOOD;
    if (!*fitter && !(*fitter = calloc(1, sizeof **fitter))) return complain("There is no memory left for scaling.");
    Fitter *f = *fitter;
    if (f->from_width != picture->width || f->from_height != picture->height || f->from_format != picture->format)
        if (new_fit(f, picture, width, height)) return STATUS_FAILED;
    DfyPicture inner;
    if (scaler_run(f->scaler, &inner, picture)) return STATUS_FAILED;
    DfyPicture *boxed = &f->boxed.picture;
    place(boxed, &inner, (width - inner.width) / 2 & ~1, (height - inner.height) / 2 & ~1);
    boxed->pts = picture->pts;
    boxed->matrix = picture->matrix;
    boxed->range = picture->range;
    *picture = *boxed;
    return STATUS_GOOD;
}

void fitter_free(Fitter **fitter) {
    if (!*fitter) return;
    scaler_close(&(*fitter)->scaler);
    own_picture_free(&(*fitter)->boxed);
    free(*fitter);
    *fitter = NULL;
}

/* ---------------------------------------------------------------- size */

static int even(double size) {
    int pairs = (int)(size / 2 + 0.5);
    return pairs < 1 ? 2 : pairs * 2;
}

void size_wanted(const SourceFacts *facts, int max_width, int square, int *width, int *height) {
    double w = facts->width, h = facts->height;
    int num = facts->sample_aspect_num, den = facts->sample_aspect_den;
    int change = square && num > 0 && den > 0 && num != den;
    if (change && num > den) w = w * num / den;
    if (change && num < den) h = h * den / num;
    if (max_width > 0 && w > max_width) {
        h = h * max_width / w;
        w = max_width;
        change = 1;
    }
    if (w > DFY_MAX_DIMENSION) h = h * DFY_MAX_DIMENSION / w, w = DFY_MAX_DIMENSION;
    if (h > DFY_MAX_DIMENSION) w = w * DFY_MAX_DIMENSION / h, h = DFY_MAX_DIMENSION;
    *width = change ? even(w) : facts->width;
    *height = change ? even(h) : facts->height;
}
