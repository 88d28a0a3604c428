#include "v1/residual.h"

#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"
#include "dsp/rgb_kernels.h"

#define WINDOW 8192 /* inflated bytes at a time */

/* ---------------------------------------------------------------- taking a payload apart */

static int has_zlib_header(const uint8_t *bytes) {
    return (bytes[0] & 15) == 8 && bytes[0] >> 4 <= 7 && (bytes[0] * 256 + bytes[1]) % 31 == 0;
}

/* The 12 bytes u16 full_H, full_W, y0, x0, crop_H, crop_W. */
static int read_box(DfyV1Box *box, DfyBytes *in, int width, int height) {
    int full_height = dfy_read_u16be(in), full_width = dfy_read_u16be(in);
    box->y = dfy_read_u16be(in);
    box->x = dfy_read_u16be(in);
    box->height = dfy_read_u16be(in);
    box->width = dfy_read_u16be(in);
    return !in->overrun && full_height == height && full_width == width && box->height > 0 && box->width > 0 &&
           box->y + box->height <= height && box->x + box->width <= width;
}

static int read_plain(DfyV1Residual *residual, DfyBytes *in, DfyV1Box box) {
    int height = dfy_read_u16be(in), width = dfy_read_u16be(in), quality = dfy_read_u8(in);
    size_t left = dfy_bytes_left(in);
    if (in->overrun || height != box.height || width != box.width || left < 2) return 0;
    const uint8_t *stream = dfy_read_span(in, left);
    if (!has_zlib_header(stream) || quality < 1 || quality > 100) return 0;
    *residual = (DfyV1Residual){.box = box, .quality = quality, .stream = stream, .stream_bytes = left};
    return 1;
}

int dfy_v1_residual_parse(DfyV1Residual *residual, const uint8_t *payload, size_t size, int width, int height,
                          DfyV1Boxed boxed) {
    DfyV1Box box;
    DfyBytes in = dfy_bytes(payload, size);
    if (boxed != DFY_V1_PLAIN && read_box(&box, &in, width, height) && read_plain(residual, &in, box)) return DFY_OK;
    in = dfy_bytes(payload, size);
    box = (DfyV1Box){0, 0, height, width};
    if (boxed != DFY_V1_BOXED && read_plain(residual, &in, box)) return DFY_OK;
    return DFY_ERROR_DAMAGED;
}

static uint32_t blocks_along(int size) {
    return (uint32_t)(size + 7) / 8;
}

int dfy_v1_residual_parse_vq(DfyV1Residual *residual, const uint8_t *payload, size_t size, int width, int height,
                             DfyV1Boxed boxed) {
    DfyBytes in = dfy_bytes(payload, size);
    DfyV1Box box = {0, 0, height, width};
    if (dfy_read_u8(&in) != 1) return DFY_ERROR_DAMAGED;
    if (boxed == DFY_V1_BOXED && !read_box(&box, &in, width, height)) return DFY_ERROR_DAMAGED;
    int quality = dfy_read_u8(&in), box_height = dfy_read_u16be(&in), box_width = dfy_read_u16be(&in);
    uint32_t blocks = dfy_read_u32be(&in);
    size_t left = dfy_bytes_left(&in);
    if (in.overrun || box_height != box.height || box_width != box.width || quality < 1 || quality > 100 ||
        blocks != blocks_along(box.width) * blocks_along(box.height))
        return DFY_ERROR_DAMAGED;
    *residual = (DfyV1Residual){
        .box = box, .quality = quality, .vq = 1, .stream = dfy_read_span(&in, left), .stream_bytes = left};
    return DFY_OK;
}

/* ---------------------------------------------------------------- blocks into the picture */

/* Away from zero by a half: truncated, that is the nearest integer. */
static float half_more(float value) {
    return value < 0 ? value - 0.5f : value + 0.5f;
}

/* The web page's: BT.601 as JPEG has it, channel 0 red. */
static void ycc_round_to_rgb(float rgb[3][64], const float ycc[3][64]) {
    const float *y = ycc[0], *cb = ycc[1], *cr = ycc[2];
    for (int i = 0; i < 64; i++) {
        rgb[0][i] = half_more(y[i] + 1.402f * cr[i]);
        rgb[1][i] = half_more(y[i] - 0.34414f * cb[i] - 0.71414f * cr[i]);
        rgb[2][i] = half_more(y[i] + 1.772f * cb[i]);
    }
}

/* The inverse of (.114 .587 .299; .5 -.33126 -.16874; -.08131 -.41869 .5), channel 0 first. */
static void ycc_bgr_to_rgb(float rgb[3][64], const float ycc[3][64]) {
    const float *y = ycc[0], *cb = ycc[1], *cr = ycc[2];
    for (int i = 0; i < 64; i++) {
        rgb[0][i] = y[i] + 1.7720025f * cb[i] + 0.0000154f * cr[i];
        rgb[1][i] = y[i] - 0.3441331f * cb[i] - 0.7141380f * cr[i];
        rgb[2][i] = y[i] - 0.0000072f * cb[i] + 1.4019976f * cr[i];
    }
}

/* A block that the picture's edge cuts. */
static void add_part(uint8_t *pixels, ptrdiff_t stride, const float sample[3][64], int columns, int rows) {
    for (int row = 0; row < rows; row++, pixels += stride)
        for (int i = 0; i < columns; i++)
            for (int c = 0; c < 3; c++)
                pixels[3 * i + c] = dfy_clamp_pixel(pixels[3 * i + c] + (int)sample[c][row * 8 + i]);
}

void dfy_v1_add_block(DfyPicture *picture, const float sample[3][64], int x, int y, int width, int height,
                      DfyV1Space space) {
    const int columns = width - x < 8 ? width - x : 8, rows = height - y < 8 ? height - y : 8;
    const ptrdiff_t stride = picture->stride_bytes[0];
    uint8_t *pixels = dfy_picture_pixels(picture, 0) + y * stride + 3 * x;
    float rgb[3][64];
    if (space == DFY_V1_SPACE_YCC_ROUND) ycc_round_to_rgb(rgb, sample);
    if (space == DFY_V1_SPACE_YCC_BGR) ycc_bgr_to_rgb(rgb, sample);
    if (space != DFY_V1_SPACE_RGB) sample = (const float(*)[64])rgb;
    if (columns == 8 && rows == 8)
        dfy_rgb_kernels()->add(pixels, stride, sample);
    else
        add_part(pixels, stride, sample, columns, rows);
}

static void dequantise(float out[64], const int16_t level[64], const uint8_t step[64]) {
    for (int i = 0; i < 64; i++) out[i] = (float)(level[i] * step[i]);
}

/* Adds every block of the band that has a coefficient, and clears the band. */
static void add_band(DfyV1ResidualDecoder *decoder, DfyPicture *picture, const DfyV1Box *box, uint32_t band,
                     DfyV1Space space) {
    uint32_t across = blocks_along(box->width);
    for (uint32_t block = 0; block < across; block++) {
        if (!decoder->used[block]) continue;
        float sample[3][64] = {{0}}, coefficient[64];
        for (int c = 0; c < 3; c++) {
            int16_t *level = decoder->band + (block * 3 + (uint32_t)c) * 64;
            if (!(decoder->used[block] >> c & 1)) continue;
            dequantise(coefficient, level, decoder->table.step[c]);
            dfy_v1_inverse_dct(sample[c], coefficient);
            memset(level, 0, 64 * sizeof *level);
        }
        decoder->used[block] = 0;
        dfy_v1_add_block(picture, sample, box->x + (int)block * 8, box->y + (int)band * 8, box->x + box->width,
                         box->y + box->height, space);
    }
}

/* ---------------------------------------------------------------- streams */

static int prepare(DfyV1ResidualDecoder *decoder, const DfyV1Residual *residual) {
    size_t across = blocks_along(residual->box.width);
    if (across > decoder->band_blocks) {
        free(decoder->band);
        free(decoder->used);
        decoder->band = calloc(across * 3 * 64, sizeof *decoder->band);
        decoder->used = calloc(across, sizeof *decoder->used);
        decoder->band_blocks = decoder->band && decoder->used ? across : 0;
        if (!decoder->band_blocks) return DFY_ERROR_MEMORY;
    } else { /* a damaged picture may have left something behind */
        for (size_t block = 0; block < across; block++)
            if (decoder->used[block]) memset(decoder->band + block * 3 * 64, 0, 3 * 64 * sizeof *decoder->band);
        memset(decoder->used, 0, across);
    }
    if (decoder->table_quality != residual->quality) {
        dfy_v1_table_init(&decoder->table, residual->quality);
        decoder->table_quality = residual->quality;
    }
    int status = decoder->zlib_ready ? inflateReset(&decoder->zlib) : inflateInit(&decoder->zlib);
    if (status != Z_OK) return DFY_ERROR_MEMORY;
    decoder->zlib_ready = 1;
    decoder->zlib.next_in = (Bytef *)residual->stream; /* zlib doesn't write through it */
    decoder->zlib.avail_in = (uInt)residual->stream_bytes;
    return DFY_OK;
}

/* Inflates up to room bytes; the number made, 0 at the stream's end, or -1. */
static int inflate_some(DfyV1ResidualDecoder *decoder, uint8_t *out, unsigned room) {
    decoder->zlib.next_out = out;
    decoder->zlib.avail_out = room;
    int status = inflate(&decoder->zlib, Z_NO_FLUSH);
    int made = (int)(room - decoder->zlib.avail_out);
    if (made || status == Z_STREAM_END) return made;
    return -1;
}

/* Where the next coefficient goes: the flat order is [row][column][channel] of the padded box. */
typedef struct Cursor {
    uint32_t band, bands;
    uint32_t at, band_size, row_size;
} Cursor;

static void put_level(DfyV1ResidualDecoder *decoder, const Cursor *cursor, int16_t level) {
    uint32_t row = cursor->at / cursor->row_size, in_row = cursor->at % cursor->row_size;
    uint32_t column = in_row / 3, channel = in_row % 3, block = column / 8;
    decoder->band[(block * 3 + channel) * 64 + row * 8 + column % 8] = level;
    decoder->used[block] |= (uint8_t)(1u << channel);
}

/* One triplet; moves over finished bands. */
static void take_triplet(DfyV1ResidualDecoder *decoder, DfyPicture *picture, const DfyV1Residual *residual,
                         DfyV1Space space, Cursor *cursor, const uint8_t triplet[3]) {
    int16_t level = (int16_t)(triplet[0] << 8 | triplet[1]);
    uint32_t run = triplet[2];
    while (run && cursor->band < cursor->bands) {
        uint32_t step = 1;
        if (level)
            put_level(decoder, cursor, level);
        else
            step = run < cursor->band_size - cursor->at ? run : cursor->band_size - cursor->at;
        run -= step;
        cursor->at += step;
        if (cursor->at == cursor->band_size) {
            add_band(decoder, picture, &residual->box, cursor->band++, space);
            cursor->at = 0;
        }
    }
}

static int add_coefficients(DfyV1ResidualDecoder *decoder, DfyPicture *picture, const DfyV1Residual *residual,
                            DfyV1Space space) {
    uint32_t row_size = blocks_along(residual->box.width) * 8 * 3;
    Cursor cursor = {.bands = blocks_along(residual->box.height), .band_size = row_size * 8, .row_size = row_size};
    uint8_t window[WINDOW + 2];
    unsigned kept = 0;
    while (cursor.band < cursor.bands) {
        int made = inflate_some(decoder, window + kept, WINDOW);
        if (made <= 0) return DFY_ERROR_DAMAGED;
        unsigned size = kept + (unsigned)made, at = 0;
        for (; at + 3 <= size; at += 3) take_triplet(decoder, picture, residual, space, &cursor, window + at);
        kept = size - at;
        memmove(window, window + at, kept);
    }
    return DFY_OK;
}

/* Codebook indices come a whole channel at a time, so that all three are held: 3 bytes a block. */
static int add_words(DfyV1ResidualDecoder *decoder, DfyPicture *picture, const DfyV1Residual *residual,
                     DfyV1Space space, const DfyV1Codebook *codebook) {
    const DfyV1Box *box = &residual->box;
    uint32_t across = blocks_along(box->width), blocks = across * blocks_along(box->height);
    if (!codebook->words) return DFY_ERROR_DAMAGED;
    uint8_t *index = malloc((size_t)blocks * 3);
    if (!index) return DFY_ERROR_MEMORY;
    int status = inflate_some(decoder, index, blocks * 3) == (int)(blocks * 3) ? DFY_OK : DFY_ERROR_DAMAGED;
    for (uint32_t block = 0; !status && block < blocks; block++) {
        float sample[3][64], coefficient[64];
        for (uint32_t c = 0; c < 3 && !status; c++) {
            uint8_t word = index[c * blocks + block];
            if (word >= codebook->words) status = DFY_ERROR_DAMAGED;
            for (int i = 0; i < 64 && !status; i++)
                coefficient[i] = codebook->word[word][i] * decoder->table.step[c][i];
            if (!status) dfy_v1_inverse_dct(sample[c], coefficient);
        }
        if (!status)
            dfy_v1_add_block(picture, sample, box->x + (int)(block % across) * 8, box->y + (int)(block / across) * 8,
                             box->x + box->width, box->y + box->height, space);
    }
    free(index);
    return status;
}

int dfy_v1_residual_add(DfyV1ResidualDecoder *decoder, DfyPicture *picture, const DfyV1Residual *residual,
                        DfyV1Space space, const DfyV1Codebook *codebook) {
    int status = prepare(decoder, residual);
    if (status) return status;
    return residual->vq ? add_words(decoder, picture, residual, space, codebook)
                        : add_coefficients(decoder, picture, residual, space);
}

void dfy_v1_residual_decoder_free(DfyV1ResidualDecoder *decoder) {
    if (decoder->zlib_ready) inflateEnd(&decoder->zlib);
    free(decoder->band);
    free(decoder->used);
    *decoder = (DfyV1ResidualDecoder){0};
}
