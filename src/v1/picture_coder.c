#include "v1/picture_coder.h"

#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "base/numbers.h"
#include "base/picture.h"
#include "dsp/colour.h"

#define PIXELS_AT_A_TIME (1 << 22) /* of all pictures coded at a time */

/* What a thread needs for a row of blocks. */
struct DfyV1RowScratch {
    DfyPicture source; /* RGB, 8 rows */
    DfyV1Sent *line;   /* the coefficients of each of the 8 rows, a padded row's worth apart */
    uint32_t count[8];
};

static int open_coded(const DfyV1PictureCoder *coder, DfyV1CodedPicture *coded) {
    const size_t down = (size_t)coder->blocks_down, blocks = down * (size_t)coder->blocks_across;
    coded->row = calloc(down, sizeof *coded->row);
    coded->word = malloc(blocks * 3);
    coded->row_error = malloc(down * 8 * sizeof *coded->row_error);
    return coded->row && coded->word && coded->row_error ? DFY_OK : DFY_ERROR_MEMORY;
}

int dfy_v1_picture_coder_open(DfyV1PictureCoder *coder, int width, int height, int quality, int threads) {
    *coder = (DfyV1PictureCoder){.width = width, .height = height, .quality = quality, .threads = threads};
    coder->blocks_across = (width + 7) / 8;
    coder->blocks_down = (height + 7) / 8;
    coder->most_pictures = dfy_min(PIXELS_AT_A_TIME / (width * height), DFY_V1_MOST_PICTURES);
    if (coder->most_pictures < 1) coder->most_pictures = 1;
    const size_t across = (size_t)coder->blocks_across;
    coder->left = calloc(across * (size_t)coder->blocks_down, sizeof *coder->left);
    coder->scratch = calloc((size_t)threads, sizeof *coder->scratch);
    int status = dfy_picture_alloc(&coder->decoded, DFY_PIXELS_RGB, width, height);
    if (!coder->left || !coder->scratch) return DFY_ERROR_MEMORY;
    for (int i = 0; i < threads && !status; i++) {
        status = dfy_picture_alloc(&coder->scratch[i].source, DFY_PIXELS_RGB, width, 8);
        coder->scratch[i].line = malloc(8 * across * 24 * sizeof *coder->scratch[i].line);
        if (!coder->scratch[i].line) status = DFY_ERROR_MEMORY;
    }
    for (int i = 0; i < coder->most_pictures && !status; i++) status = open_coded(coder, &coder->coded[i]);
    return status;
}

static void close_coded(const DfyV1PictureCoder *coder, DfyV1CodedPicture *coded) {
    for (int by = 0; coded->row && by < coder->blocks_down; by++) free(coded->row[by].sent);
    free(coded->row);
    free(coded->word);
    free(coded->row_error);
    dfy_buffer_free(&coded->triplets);
    dfy_buffer_free(&coded->record);
}

void dfy_v1_picture_coder_close(DfyV1PictureCoder *coder) {
    for (int i = 0; i < DFY_V1_MOST_PICTURES; i++) close_coded(coder, &coder->coded[i]);
    for (int i = 0; coder->scratch && i < coder->threads; i++) {
        dfy_picture_free(&coder->scratch[i].source);
        free(coder->scratch[i].line);
    }
    free(coder->scratch);
    free(coder->left);
    dfy_picture_free(&coder->decoded);
    *coder = (DfyV1PictureCoder){0};
}

/* ---------------------------------------------------------------- a row of blocks */

/* Rows of an I420 picture from an even one on; the matrix is found by the height of the whole. */
static DfyPicture some_rows(const DfyPicture *picture, int top, int rows) {
    DfyPicture part = *picture;
    part.matrix = dfy_colour_resolve(picture->matrix, picture->height);
    part.height = rows;
    part.plane[0] += top * picture->stride_bytes[0];
    for (int plane = 1; plane < 3; plane++) part.plane[plane] += top / 2 * picture->stride_bytes[plane];
    return part;
}

/* The row's source as RGB, and its reference where decoded holds another. */
static void begin_row(DfyV1PictureCoder *coder, DfyV1RowScratch *scratch, const DfyV1Shot *shot, int by, int rows) {
    DfyPicture part = some_rows(shot->source, by * 8, rows), *decoded = &coder->decoded;
    scratch->source.height = rows;
    dfy_picture_convert(&scratch->source, &part);
    memset(scratch->count, 0, sizeof scratch->count);
    if (!shot->reference) return;
    for (int y = by * 8; y < by * 8 + rows; y++)
        memcpy(dfy_picture_pixels(decoded, 0) + y * decoded->stride_bytes[0],
               shot->reference->plane[0] + y * shot->reference->stride_bytes[0], (size_t)coder->width * 3);
    memset(coder->left + (size_t)by * (size_t)coder->blocks_across, 0,
           (size_t)coder->blocks_across * sizeof *coder->left);
}

static void keep_levels(const DfyV1PictureCoder *coder, DfyV1RowScratch *scratch, const DfyV1Levels *levels, int bx) {
    for (int i = 0; i < levels->count; i++) {
        int y = levels->at[i] >> 3, at = (bx * 8 + (levels->at[i] & 7)) * 3;
        DfyV1Sent *line = scratch->line + y * coder->blocks_across * 24;
        for (int c = 0; c < 3; c++)
            if (levels->level[i][c]) line[scratch->count[y]++] = (DfyV1Sent){(uint16_t)(at + c), levels->level[i][c]};
    }
}

/* Codes the blocks of a row into scratch. */
static void code_blocks(DfyV1PictureCoder *coder, DfyV1RowScratch *scratch, const DfyV1Way *way,
                        DfyV1CodedPicture *coded, int by, int rows) {
    DfyV1CodedRow *row = &coded->row[by];
    DfyPicture *source = &scratch->source, *decoded = &coder->decoded;
    uint32_t *left = coder->left + (size_t)by * (size_t)coder->blocks_across;
    uint8_t *word = coded->word + (size_t)by * (size_t)coder->blocks_across * 3;
    row->left = row->right = 0;
    if (way->codebook) memset(word, 0, (size_t)coder->blocks_across * 3);
    for (int bx = 0; bx < coder->blocks_across; bx++) {
        DfyV1Block block = {.source = source->plane[0] + bx * 24,
                            .decoded = dfy_picture_pixels(decoded, 0) + by * 8 * decoded->stride_bytes[0] + bx * 24,
                            .source_stride = source->stride_bytes[0],
                            .decoded_stride = decoded->stride_bytes[0],
                            .columns = dfy_min(8, coder->width - bx * 8),
                            .rows = rows};
        uint32_t error = dfy_v1_block_error(way->coder, &block);
        float skip_error = way->coder->skip_error * (float)(block.columns * block.rows) / 64;
        if ((float)error <= skip_error || error <= left[bx] + left[bx] / 8) continue;
        DfyV1Levels levels = {.count = 0};
        int used = way->codebook ? dfy_v1_code_block_vq(way->coder, word + bx * 3, &block, way->codebook)
                                 : dfy_v1_code_block(way->coder, &levels, &block);
        left[bx] = used ? 0 : error;
        if (!used) continue;
        if (!way->codebook) keep_levels(coder, scratch, &levels, bx);
        if (!row->right) row->left = bx;
        row->right = bx + 1;
    }
}

/* In luma and chroma terms, as the block coder of R, G and B weighs them. */
static double squared_error(const uint8_t *a, const uint8_t *b, int width, const float w[3][3]) {
    float sum = 0;
    for (int x = 0; x < width; x++, a += 3, b += 3) {
        float red = (float)(a[0] - b[0]), green = (float)(a[1] - b[1]), blue = (float)(a[2] - b[2]);
        sum += w[0][0] * red * red + w[1][1] * green * green + w[2][2] * blue * blue +
               2 * (w[0][1] * red * green + w[0][2] * red * blue + w[1][2] * green * blue);
    }
    return (double)sum;
}

static void measure_row(const DfyV1PictureCoder *coder, const DfyV1RowScratch *scratch, DfyV1CodedPicture *coded,
                        const float weight[3][3], int by, int rows) {
    const DfyPicture *source = &scratch->source, *decoded = &coder->decoded;
    for (int y = 0; y < rows; y++)
        coded->row_error[by * 8 + y] =
            squared_error(source->plane[0] + y * source->stride_bytes[0],
                          decoded->plane[0] + (by * 8 + y) * decoded->stride_bytes[0], coder->width, weight);
}

/* From scratch into the picture. */
static int keep_row(const DfyV1PictureCoder *coder, const DfyV1RowScratch *scratch, DfyV1CodedRow *row) {
    uint32_t total = 0;
    for (int y = 0; y < 8; y++) total += scratch->count[y];
    if (total > row->capacity) {
        DfyV1Sent *grown = realloc(row->sent, (total + total / 4) * sizeof *grown);
        if (!grown) return DFY_ERROR_MEMORY;
        row->sent = grown;
        row->capacity = total + total / 4;
    }
    DfyV1Sent *to = row->sent;
    for (int y = 0; y < 8; y++) {
        row->count[y] = scratch->count[y];
        if (!row->count[y]) continue; /* there may be no room at all */
        memcpy(to, scratch->line + y * coder->blocks_across * 24, row->count[y] * sizeof *to);
        to += row->count[y];
    }
    return DFY_OK;
}

int dfy_v1_code_row(DfyV1PictureCoder *coder, const DfyV1Way *way, const DfyV1Shot *shot, int shots, int row,
                    int thread) {
    DfyV1RowScratch *scratch = &coder->scratch[thread];
    const int rows = dfy_min(8, coder->height - row * 8);
    int status = DFY_OK;
    for (int i = 0; i < shots && !status; i++) {
        DfyV1CodedPicture *coded = &coder->coded[i];
        begin_row(coder, scratch, &shot[i], row, rows);
        code_blocks(coder, scratch, way, coded, row, rows);
        if (way->measure) measure_row(coder, scratch, coded, way->measure, row, rows);
        status = keep_row(coder, scratch, &coded->row[row]);
    }
    return status;
}

/* ---------------------------------------------------------------- a picture's record */

/* In blocks. */
typedef struct BlockBox {
    int left, top, right, bottom;
} BlockBox;

static BlockBox box_of_used(const DfyV1PictureCoder *coder, const DfyV1CodedPicture *coded, DfyV1Framing framing) {
    BlockBox all = {0, 0, coder->blocks_across, coder->blocks_down};
    BlockBox box = {coder->blocks_across, coder->blocks_down, 0, 0};
    if (framing != DFY_V1_FRAMING_BOX) return all;
    for (int y = 0; y < coder->blocks_down; y++) {
        const DfyV1CodedRow *row = &coded->row[y];
        if (!row->right) continue;
        if (row->left < box.left) box.left = row->left;
        if (row->right > box.right) box.right = row->right;
        if (y < box.top) box.top = y;
        box.bottom = y + 1;
    }
    return box.right ? box : (BlockBox){0, 0, 1, 1};
}

static uint8_t *put_triplet(uint8_t *to, int value, unsigned run) {
    to[0] = (uint8_t)((unsigned)value >> 8 & 255);
    to[1] = (uint8_t)((unsigned)value & 255);
    to[2] = (uint8_t)run;
    return to + 3;
}

static uint8_t *put_zeros(uint8_t *to, uint32_t zeros) {
    for (; zeros > 255; zeros -= 255) to = put_triplet(to, 0, 255);
    return zeros ? put_triplet(to, 0, zeros) : to;
}

/* The coefficients of one row of pixels in the box; *zeros came before them and come after. */
static void put_line(DfyBuffer *triplets, uint32_t *zeros, const DfyV1Sent *sent, uint32_t count, const BlockBox *box) {
    const uint32_t end = (uint32_t)box->right * 24;
    uint32_t at = (uint32_t)box->left * 24;
    uint8_t *room = dfy_buffer_reserve(triplets, 3 * ((size_t)(*zeros + end - at) / 255 + 2 * (size_t)count)),
            *to = room;
    if (!room) return;
    for (uint32_t i = 0; i < count; i++) {
        to = put_zeros(to, *zeros + sent[i].at - at);
        to = put_triplet(to, sent[i].level, 1);
        *zeros = 0;
        at = sent[i].at + 1u;
    }
    *zeros += end - at;
    triplets->size += (size_t)(to - room);
}

static void put_triplets(DfyV1CodedPicture *coded, const BlockBox *box) {
    DfyBuffer *triplets = &coded->triplets;
    uint32_t zeros = 0;
    for (int by = box->top; by < box->bottom; by++) {
        const DfyV1CodedRow *row = &coded->row[by];
        const DfyV1Sent *sent = row->sent;
        if (!row->right) {
            zeros += (uint32_t)(box->right - box->left) * 64 * 3;
            continue;
        }
        for (int y = 0; y < 8; sent += row->count[y++]) put_line(triplets, &zeros, sent, row->count[y], box);
    }
    uint8_t *room = dfy_buffer_reserve(triplets, 3 * ((size_t)zeros / 255 + 1));
    if (room) triplets->size += (size_t)(put_zeros(room, zeros) - room);
}

static void put_words(const DfyV1PictureCoder *coder, DfyV1CodedPicture *coded, const BlockBox *box) {
    for (int c = 0; c < 3; c++)
        for (int by = box->top; by < box->bottom; by++)
            for (int bx = box->left; bx < box->right; bx++)
                dfy_put_u8(&coded->triplets, coded->word[(by * coder->blocks_across + bx) * 3 + c]);
}

/*
 * The inner stream is stored, not compressed: the chunk around all pictures of a cycle is deflated as a whole,
 * and finds one set of statistics for all of them instead of a new one for each.
 */
static int put_stream(DfyBuffer *payload, const DfyBuffer *triplets) {
    uLong bound = compressBound((uLong)triplets->size);
    uint8_t *room = dfy_buffer_reserve(payload, bound);
    if (!room || triplets->failed) return DFY_ERROR_MEMORY;
    uLongf size = bound;
    if (compress2(room, &size, triplets->data, (uLong)triplets->size, 0) != Z_OK) return DFY_ERROR_MEMORY;
    payload->size += size;
    return DFY_OK;
}

static int put_payload(DfyV1PictureCoder *coder, DfyV1CodedPicture *coded, const DfyV1Way *way) {
    DfyBuffer *payload = &coded->record;
    BlockBox box = box_of_used(coder, coded, way->framing);
    int bottom = dfy_min(box.bottom * 8, coder->height), right = dfy_min(box.right * 8, coder->width);
    unsigned height = (unsigned)(bottom - box.top * 8), width = (unsigned)(right - box.left * 8);
    coded->triplets.size = 0;
    if (way->codebook) dfy_put_u8(payload, 1);
    if (way->framing != DFY_V1_FRAMING_PLAIN) {
        dfy_put_u16be(payload, (unsigned)coder->height);
        dfy_put_u16be(payload, (unsigned)coder->width);
        dfy_put_u16be(payload, (unsigned)box.top * 8);
        dfy_put_u16be(payload, (unsigned)box.left * 8);
        dfy_put_u16be(payload, height);
        dfy_put_u16be(payload, width);
    }
    if (way->codebook) {
        dfy_put_u8(payload, (unsigned)coder->quality);
        dfy_put_u16be(payload, height);
        dfy_put_u16be(payload, width);
        dfy_put_u32be(payload, (uint32_t)((box.bottom - box.top) * (box.right - box.left)));
        put_words(coder, coded, &box);
    } else {
        dfy_put_u16be(payload, height);
        dfy_put_u16be(payload, width);
        dfy_put_u8(payload, (unsigned)coder->quality);
        put_triplets(coded, &box);
    }
    return put_stream(payload, &coded->triplets);
}

int dfy_v1_make_record(DfyV1PictureCoder *coder, const DfyV1Way *way, const DfyV1Shot *shot, int i) {
    DfyV1CodedPicture *coded = &coder->coded[i];
    DfyBuffer *record = &coded->record;
    record->size = 0;
    if (way->temporal) dfy_put_u8(record, (unsigned)shot->predicted);
    const size_t at = record->size;
    dfy_put_u32be(record, 0);
    int status = put_payload(coder, coded, way);
    if (status || record->failed) return DFY_ERROR_MEMORY;
    size_t size = record->size - at - 4;
    for (int k = 0; k < 4; k++) record->data[at + (size_t)k] = (uint8_t)(size >> (24 - 8 * k));
    return DFY_OK;
}
