/*
 * Planar 4:2:0 with 8 bits goes through untouched. Grey becomes luma of full range, whatever it comes in. RGB, palettes
 * and what is transparent become RGB, which the library turns into YCbCr by the matrix that the source's size asks for.
 * Other YCbCr keeps its matrix and range: libswscale changes only sampling and depth, dithering to 8 bits.
 */
#include "frames.h"

#include "dsp/colour.h"

#include <stdlib.h>
#include <string.h>

typedef enum PixelKind { KIND_I420, KIND_YCBCR, KIND_GREY, KIND_RGB, KIND_CLEAR } PixelKind;

static PixelKind kind_of(int format) {
    const AVPixFmtDescriptor *pixels = libav.av_pix_fmt_desc_get(format);
    if (format == AV_PIX_FMT_YUV420P || format == AV_PIX_FMT_YUVJ420P) return KIND_I420;
    if (!pixels) return KIND_YCBCR;
    int rgb = (pixels->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL)) || !strncmp(pixels->name, "xyz", 3);
    if (pixels->flags & (AV_PIX_FMT_FLAG_ALPHA | AV_PIX_FMT_FLAG_PAL)) return KIND_CLEAR;
    if (rgb) return KIND_RGB;
    return pixels->nb_components == 1 ? KIND_GREY : KIND_YCBCR;
}

static int is_full_range(const AVFrame *frame) {
    int f = frame->format;
    return frame->color_range == AVCOL_RANGE_JPEG || f == AV_PIX_FMT_YUVJ420P || f == AV_PIX_FMT_YUVJ422P ||
           f == AV_PIX_FMT_YUVJ444P || f == AV_PIX_FMT_YUVJ440P || f == AV_PIX_FMT_YUVJ411P;
}

/* libav counts as H.273 does. BT.470BG is BT.601 under another number; RGB and unknown ones are not told. */
static DfyMatrix matrix_of(enum AVColorSpace space) {
    switch (space) {
    case AVCOL_SPC_BT470BG: return DFY_MATRIX_BT601;
    case AVCOL_SPC_BT2020_CL: return DFY_MATRIX_BT2020;
    case AVCOL_SPC_BT709:
    case AVCOL_SPC_FCC:
    case AVCOL_SPC_SMPTE170M:
    case AVCOL_SPC_SMPTE240M:
    case AVCOL_SPC_BT2020_NCL: return (DfyMatrix)space;
    default: return DFY_MATRIX_UNKNOWN;
    }
}

int frames_settle(Frames *f, const AVFrame *first, SourceFacts *facts, int keep_hdr) {
    PixelKind kind = kind_of(first->format);
    facts->width = f->width = first->width;
    facts->height = f->height = first->height;
    facts->primaries = first->color_primaries;
    facts->transfer = first->color_trc;
    facts->matrix = matrix_of(first->colorspace);
    facts->range = is_full_range(first) || kind == KIND_GREY ? DFY_RANGE_FULL : DFY_RANGE_LIMITED;
    facts->format = kind == KIND_RGB || kind == KIND_CLEAR ? DFY_PIXELS_RGB : DFY_PIXELS_I420;
    if (is_hdr(facts->transfer) && !keep_hdr) {
        f->tone_map = tone_map_new(facts->transfer, facts->primaries);
        if (!f->tone_map) return complain("There is no memory left to open %s.", f->path);
        if (!f->quiet_hdr)
            warn("%s is HDR (%s): tone-mapping it to BT.709; --hdr keep preserves values and tags.", f->path,
                 transfer_name(facts->transfer));
        facts->primaries = facts->transfer = H273_BT709;
        facts->matrix = DFY_MATRIX_BT709;
        facts->range = DFY_RANGE_LIMITED;
        facts->format = DFY_PIXELS_RGB;
    } else if (facts->format == DFY_PIXELS_RGB) {
        colour_of_rgb(facts, first->height);
    }
    colour_settle(facts, first->height);
    f->format = facts->format;
    f->primaries = facts->primaries;
    f->transfer = facts->transfer;
    f->matrix = facts->matrix;
    f->range = facts->range;
    return STATUS_GOOD;
}

/* Makes own a picture of that format and size. */
static int room(OwnPicture *own, DfyPixelFormat format, int width, int height) {
    if (own->memory && own->picture.format == format && own->picture.width == width && own->picture.height == height)
        return STATUS_GOOD;
    own_picture_free(own);
    return own_picture_alloc(own, format, width, height);
}

static int table_of(DfyMatrix matrix) {
    return matrix == DFY_MATRIX_BT709    ? SWS_CS_ITU709
           : matrix == DFY_MATRIX_BT2020 ? SWS_CS_BT2020
           : (int)matrix == 7            ? SWS_CS_SMPTE240M
           : (int)matrix == 4            ? SWS_CS_FCC
                                         : SWS_CS_ITU601;
}

/* Pixels of another format, of the same size; YCbCr and the matrix it had, RGB of full range. */
static int convert(Frames *f, const AVFrame *frame, enum AVPixelFormat to, uint8_t *const planes[],
                   const int strides[]) {
    f->conversion = libav.sws_getCachedContext(f->conversion, frame->width, frame->height, frame->format, frame->width,
                                               frame->height, to, SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT,
                                               NULL, NULL, NULL);
    if (!f->conversion)
        return complain("%s has an unsupported pixel format (%s).", f->path,
                        libav.av_pix_fmt_desc_get(frame->format) ? libav.av_pix_fmt_desc_get(frame->format)->name
                                                                 : "unknown");
    PixelKind kind = kind_of(frame->format);
    int full = kind == KIND_GREY || kind == KIND_RGB || is_full_range(frame);
    DfyMatrix own = matrix_of(frame->colorspace);
    if (own == DFY_MATRIX_UNKNOWN)
        own = frame->height == f->height ? f->matrix : dfy_colour_resolve(own, frame->height);
    const int *table = libav.sws_getCoefficients(table_of(own));
    int to_full = to == AV_PIX_FMT_YUV420P ? full : 1;
    libav.sws_setColorspaceDetails(f->conversion, table, full, table, to_full, 0, 1 << 16, 1 << 16);
    libav.sws_scale(f->conversion, (const uint8_t *const *)frame->data, frame->linesize, 0, frame->height, planes,
                    strides);
    return STATUS_GOOD;
}

static int to_own(Frames *f, const AVFrame *frame, OwnPicture *own, DfyPixelFormat format, enum AVPixelFormat pixels,
                  DfyPicture *picture) {
    if (room(own, format, frame->width, frame->height)) return STATUS_FAILED;
    int strides[4] = {0};
    uint8_t *planes[4] = {0};
    for (int i = 0; i < 3; i++) {
        planes[i] = dfy_picture_pixels(&own->picture, i);
        strides[i] = (int)own->picture.stride_bytes[i];
    }
    *picture = own->picture;
    return convert(f, frame, pixels, planes, strides);
}

static int planar(const AVFrame *frame, DfyPicture *picture) {
    *picture = (DfyPicture){.format = DFY_PIXELS_I420, .width = frame->width, .height = frame->height};
    for (int i = 0; i < 3; i++) {
        picture->plane[i] = frame->data[i];
        picture->stride_bytes[i] = frame->linesize[i];
    }
    return STATUS_GOOD;
}

static int grey(Frames *f, const AVFrame *frame, DfyPicture *picture) {
    if (room(&f->converted, DFY_PIXELS_I420, frame->width, frame->height)) return STATUS_FAILED;
    DfyPicture *to = &f->converted.picture;
    uint8_t *planes[4] = {dfy_picture_pixels(to, 0)};
    int strides[4] = {(int)to->stride_bytes[0]};
    if (convert(f, frame, AV_PIX_FMT_GRAY8, planes, strides)) return STATUS_FAILED;
    for (int i = 1; i < 3; i++)
        memset(dfy_picture_pixels(to, i), 128, (size_t)to->stride_bytes[i] * (size_t)((to->height + 1) / 2));
    *picture = *to;
    return STATUS_GOOD;
}

static int clear(Frames *f, const AVFrame *frame, DfyPicture *picture) {
    if (to_own(f, frame, &f->wide, DFY_PIXELS_RGBA, AV_PIX_FMT_RGBA, picture) ||
        room(&f->rgb, DFY_PIXELS_RGB, frame->width, frame->height))
        return STATUS_FAILED;
    picture_blend(&f->rgb.picture, &f->wide.picture, f->alpha_white);
    *picture = f->rgb.picture;
    return STATUS_GOOD;
}

static int tone_mapped(Frames *f, const AVFrame *frame, DfyPicture *picture) {
    if (frame->width != f->rgb48_width || frame->height != f->rgb48_height) {
        free(f->rgb48);
        f->rgb48 = malloc((size_t)frame->width * (size_t)frame->height * 6);
        if (!f->rgb48) return complain("There is no memory left to convert %s.", f->path);
        f->rgb48_width = frame->width;
        f->rgb48_height = frame->height;
    }
    uint8_t *planes[4] = {(uint8_t *)f->rgb48};
    int strides[4] = {frame->width * 6};
    if (convert(f, frame, AV_PIX_FMT_RGB48, planes, strides) ||
        room(&f->rgb, DFY_PIXELS_RGB, frame->width, frame->height))
        return STATUS_FAILED;
    *picture = f->rgb.picture;
    for (int y = 0; y < frame->height; y++)
        tone_map_row(f->tone_map, dfy_picture_pixels(picture, 0) + y * picture->stride_bytes[0],
                     f->rgb48 + (size_t)y * (size_t)frame->width * 3, frame->width);
    return STATUS_GOOD;
}

/* What a frame in mid-stream is of another kind than the first: by way of the format that was announced. */
static int as_announced(Frames *f, DfyPicture *picture) {
    if (picture->format == f->format) return STATUS_GOOD;
    OwnPicture *own = f->format == DFY_PIXELS_I420 ? &f->converted : &f->rgb;
    if (room(own, f->format, picture->width, picture->height)) return STATUS_FAILED;
    own->picture.matrix = picture->matrix = f->matrix;
    own->picture.range = picture->range = f->range;
    if (dfy_picture_convert(&own->picture, picture)) return complain("%s can't be converted.", f->path);
    *picture = own->picture;
    return STATUS_GOOD;
}

/* Whether YCbCr in mid-stream has another matrix or range than the first had, as where a change of size brings them. */
static int has_other_colour(const Frames *f, const AVFrame *frame, PixelKind kind) {
    if (kind != KIND_I420 && kind != KIND_YCBCR) return 0;
    if (f->format != DFY_PIXELS_I420) return 0;
    DfyMatrix own = dfy_colour_resolve(matrix_of(frame->colorspace), frame->height);
    int unsaid = matrix_of(frame->colorspace) == DFY_MATRIX_UNKNOWN && frame->height == f->height;
    return (!unsaid && own != f->matrix) || is_full_range(frame) != (f->range == DFY_RANGE_FULL);
}

int frames_picture(Frames *f, const AVFrame *frame, DfyPicture *picture) {
    PixelKind kind = kind_of(frame->format);
    int status;
    if (f->tone_map)
        status = tone_mapped(f, frame, picture);
    else if (has_other_colour(f, frame, kind))
        status = to_own(f, frame, &f->rgb, DFY_PIXELS_RGB, AV_PIX_FMT_RGB24, picture);
    else if (kind == KIND_I420)
        status = planar(frame, picture);
    else if (kind == KIND_GREY && f->range == DFY_RANGE_FULL && f->format == DFY_PIXELS_I420)
        status = grey(f, frame, picture);
    else if (kind == KIND_CLEAR)
        status = clear(f, frame, picture);
    else if (kind == KIND_RGB)
        status = to_own(f, frame, &f->rgb, DFY_PIXELS_RGB, AV_PIX_FMT_RGB24, picture);
    else
        status = to_own(f, frame, &f->converted, DFY_PIXELS_I420, AV_PIX_FMT_YUV420P, picture);
    if (!status) status = as_announced(f, picture);
    if (status) return status;
    picture->matrix = f->matrix;
    picture->range = f->range;
    if (picture->width != f->width || picture->height != f->height)
        if (!f->refitted++)
            warn("%s changes from %d x %d to %d x %d pixels: frames of other sizes are fitted with bars.", f->path,
                 f->width, f->height, picture->width, picture->height);
    return picture_fit(picture, &f->fitter, f->width, f->height);
}

void frames_free(Frames *f) {
    if (f->conversion) libav.sws_freeContext(f->conversion);
    own_picture_free(&f->converted);
    own_picture_free(&f->wide);
    own_picture_free(&f->rgb);
    free(f->rgb48);
    fitter_free(&f->fitter);
    tone_map_free(f->tone_map);
}
