#include "v1/picture_coder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

/* Error of a sample in luma and chroma terms: e_y^2 + CHROMA_WEIGHT (e_cb^2 + e_cr^2). */
#define CHROMA_WEIGHT 0.25f
/* Bits that deflate spends: a coefficient's triplet and its share of the zero run before it, and a bit a doubling. */
#define COEFFICIENT_BITS 11.0f
#define DOUBLING_BITS 2.0f
#define BLOCK_BITS 8.0f

int dfy_v1_picture_coder_open(DfyV1PictureCoder *coder, int width, int height, int quality) {
    *coder = (DfyV1PictureCoder){.width = width, .height = height, .quality = quality};
    coder->blocks_across = (width + 7) / 8;
    coder->blocks_down = (height + 7) / 8;
    dfy_v1_table_init(&coder->table, quality);
    float step = (float)coder->table.step[0][1];
    coder->lambda = 0.1f * step * step;
    coder->skip_error = 64 * 2.0f;
    size_t blocks = (size_t)coder->blocks_across * (size_t)coder->blocks_down;
    coder->level = malloc(blocks * 3 * 64 * sizeof *coder->level);
    coder->used = malloc(blocks);
    return coder->level && coder->used ? DFY_OK : DFY_ERROR_MEMORY;
}

void dfy_v1_picture_coder_close(DfyV1PictureCoder *coder) {
    free(coder->level);
    free(coder->used);
    dfy_buffer_free(&coder->triplets);
    *coder = (DfyV1PictureCoder){0};
}

/* ---------------------------------------------------------------- one block */

/* A block's place; columns and rows of it that are inside the picture. */
typedef struct Place {
    int x, y, columns, rows;
} Place;

static int block_error(const DfyPicture *a, const DfyPicture *b, const Place *place) {
    int sum = 0;
    for (int row = 0; row < place->rows; row++) {
        const uint8_t *pa = a->plane[0] + (place->y + row) * a->stride_bytes[0] + 3 * place->x;
        const uint8_t *pb = b->plane[0] + (place->y + row) * b->stride_bytes[0] + 3 * place->x;
        if (place->columns == 8) {
            for (int i = 0; i < 24; i++) sum += (pa[i] - pb[i]) * (pa[i] - pb[i]);
        } else {
            for (int i = 0; i < 3 * place->columns; i++) sum += (pa[i] - pb[i]) * (pa[i] - pb[i]);
        }
    }
    return sum;
}

/* Outside the picture the difference at its edge goes on: that costs fewer coefficients than a step to zero. */
static void load_difference(float difference[3][64], const DfyPicture *source, const DfyPicture *reference,
                            const Place *place) {
    for (int row = 0; row < 8; row++) {
        int y = place->y + (row < place->rows ? row : place->rows - 1);
        const uint8_t *s = source->plane[0] + y * source->stride_bytes[0];
        const uint8_t *r = reference->plane[0] + y * reference->stride_bytes[0];
        for (int column = 0; column < 8; column++) {
            int x = 3 * (place->x + (column < place->columns ? column : place->columns - 1));
            for (int c = 0; c < 3; c++) difference[c][row * 8 + column] = (float)(s[x + c] - r[x + c]);
        }
    }
}

static inline float weighted_error(float r, float g, float b) {
    float y = 0.299f * r + 0.587f * g + 0.114f * b;
    float cb = 0.564f * (b - y), cr = 0.713f * (r - y);
    return y * y + CHROMA_WEIGHT * (cb * cb + cr * cr);
}

static inline float level_bits(int level) {
    int size = level < 0 ? -level : level;
    if (!size) return 0;
    float bits = COEFFICIENT_BITS;
    for (; size > 1; size >>= 1) bits += DOUBLING_BITS;
    return bits;
}

/* Cost of one coefficient's three levels. */
static float coefficient_cost(const float target[3], const float step[3], const int level[3], float lambda) {
    return weighted_error(target[0] - (float)level[0] * step[0], target[1] - (float)level[1] * step[1],
                          target[2] - (float)level[2] * step[2]) +
           lambda * (level_bits(level[0]) + level_bits(level[1]) + level_bits(level[2]));
}

/* Moves one channel's level at a time to where the cost is least, from each start, until nothing moves. */
static float descend(const float target[3], const float step[3], int level[3], float lambda) {
    float best = coefficient_cost(target, step, level, lambda);
    for (int pass = 0, moved = 1; moved && pass < 3; pass++) {
        moved = 0;
        for (int c = 0; c < 3; c++) {
            int tries[3] = {0, level[c] - 1, level[c] + 1}, kept = level[c];
            for (int i = 0; i < 3; i++) {
                level[c] = tries[i];
                float cost = coefficient_cost(target, step, level, lambda);
                if (cost < best) {
                    best = cost;
                    kept = tries[i];
                    moved = 1;
                }
            }
            level[c] = kept;
        }
    }
    return best;
}

/* Levels of one coefficient; returns what they save against none. */
static float choose_levels(const float target[3], const float step[3], int level[3], float lambda) {
    float none = weighted_error(target[0], target[1], target[2]);
    level[0] = level[1] = level[2] = 0;
    if (none <= lambda * COEFFICIENT_BITS) return 0;
    int start[3] = {(int)lrintf(target[0] / step[0]), (int)lrintf(target[1] / step[1]),
                    (int)lrintf(target[2] / step[2])};
    float luma = 0.299f * target[0] + 0.587f * target[1] + 0.114f * target[2];
    int green[3] = {0, (int)lrintf(luma / (0.587f * step[1])), 0};
    float cost = descend(target, step, start, lambda), green_cost = descend(target, step, green, lambda);
    const int *chosen = cost <= green_cost ? start : green;
    float least = cost <= green_cost ? cost : green_cost;
    if (least >= none) return 0;
    memcpy(level, chosen, 3 * sizeof *level);
    return none - least;
}

static int16_t clip_level(int level) {
    return (int16_t)(level < -32767 ? -32767 : level > 32767 ? 32767 : level);
}

/* Fills the block's levels; returns whether sending them is worth its bits. */
static int quantise_block(const DfyV1PictureCoder *coder, int16_t level[3][64], const float difference[3][64],
                          double *bits) {
    float coefficient[3][64], saved = 0, spent = 0;
    for (int c = 0; c < 3; c++) dfy_v1_forward_dct(coefficient[c], difference[c]);
    for (int i = 0; i < 64; i++) {
        float target[3] = {coefficient[0][i], coefficient[1][i], coefficient[2][i]};
        float step[3] = {coder->table.step[0][i], coder->table.step[1][i], coder->table.step[2][i]};
        int chosen[3];
        saved += choose_levels(target, step, chosen, coder->lambda);
        for (int c = 0; c < 3; c++) {
            level[c][i] = clip_level(chosen[c]);
            spent += level_bits(chosen[c]);
        }
    }
    if (saved <= coder->lambda * BLOCK_BITS) return 0;
    *bits += spent + BLOCK_BITS;
    return 1;
}

static void reconstruct(const DfyV1PictureCoder *coder, DfyPicture *decoded, const int16_t level[3][64],
                        const Place *place) {
    float sample[3][64] = {{0}}, coefficient[64];
    for (int c = 0; c < 3; c++) {
        int any = 0;
        for (int i = 0; i < 64; i++) {
            coefficient[i] = (float)(level[c][i] * coder->table.step[c][i]);
            any |= level[c][i];
        }
        if (any) dfy_v1_inverse_dct(sample[c], coefficient);
    }
    dfy_v1_add_block(decoded, sample, place->x, place->y, coder->width, coder->height, DFY_V1_SPACE_RGB);
}

/* ---------------------------------------------------------------- triplets */

typedef struct TripletRun {
    DfyBuffer *out;
    uint32_t zeros;
} TripletRun;

static void put_triplet(DfyBuffer *out, int value, unsigned run) {
    uint8_t bytes[3] = {(uint8_t)((unsigned)value >> 8 & 255), (uint8_t)((unsigned)value & 255), (uint8_t)run};
    dfy_put_bytes(out, bytes, 3);
}

static void flush_zeros(TripletRun *run) {
    for (; run->zeros; run->zeros -= run->zeros < 255 ? run->zeros : 255)
        put_triplet(run->out, 0, run->zeros < 255 ? run->zeros : 255);
}

static void put_block_row(TripletRun *run, const int16_t (*level)[64], int row) {
    for (int i = row * 8; i < row * 8 + 8; i++)
        for (int c = 0; c < 3; c++) {
            if (!level[c][i]) {
                run->zeros++;
                continue;
            }
            flush_zeros(run);
            put_triplet(run->out, level[c][i], 1);
        }
}

/* In blocks. */
typedef struct BlockBox {
    int left, top, right, bottom;
} BlockBox;

static void put_triplets(DfyV1PictureCoder *coder, const BlockBox *box) {
    coder->triplets.size = 0;
    TripletRun run = {.out = &coder->triplets};
    const uint32_t across = (uint32_t)(box->right - box->left);
    for (int by = box->top; by < box->bottom; by++) {
        const uint8_t *used = coder->used + by * coder->blocks_across;
        if (!memchr(used + box->left, 1, across)) {
            run.zeros += across * 64 * 3;
            continue;
        }
        for (int row = 0; row < 8; row++)
            for (int bx = box->left; bx < box->right; bx++) {
                if (used[bx])
                    put_block_row(&run,
                                  (const int16_t(*)[64])(coder->level + (size_t)(by * coder->blocks_across + bx) * 192),
                                  row);
                else
                    run.zeros += 24;
            }
    }
    flush_zeros(&run);
}

/* ---------------------------------------------------------------- one picture */

static BlockBox box_of_used(const DfyV1PictureCoder *coder, DfyV1Framing framing) {
    BlockBox all = {0, 0, coder->blocks_across, coder->blocks_down};
    BlockBox box = {coder->blocks_across, coder->blocks_down, 0, 0};
    if (framing != DFY_V1_FRAMING_BOX) return all;
    for (int y = 0; y < coder->blocks_down; y++)
        for (int x = 0; x < coder->blocks_across; x++) {
            if (!coder->used[y * coder->blocks_across + x]) continue;
            if (x < box.left) box.left = x;
            if (y < box.top) box.top = y;
            if (x >= box.right) box.right = x + 1;
            box.bottom = y + 1;
        }
    return box.right ? box : (BlockBox){0, 0, 1, 1};
}

static int limited(int value, int most) {
    return value < most ? value : most;
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

static int put_payload(DfyV1PictureCoder *coder, DfyBuffer *payload, DfyV1Framing framing) {
    BlockBox box = box_of_used(coder, framing);
    int bottom = limited(box.bottom * 8, coder->height), right = limited(box.right * 8, coder->width);
    unsigned height = (unsigned)(bottom - box.top * 8), width = (unsigned)(right - box.left * 8);
    if (framing != DFY_V1_FRAMING_PLAIN) {
        dfy_put_u16be(payload, (unsigned)coder->height);
        dfy_put_u16be(payload, (unsigned)coder->width);
        dfy_put_u16be(payload, (unsigned)box.top * 8);
        dfy_put_u16be(payload, (unsigned)box.left * 8);
        dfy_put_u16be(payload, height);
        dfy_put_u16be(payload, width);
    }
    dfy_put_u16be(payload, height);
    dfy_put_u16be(payload, width);
    dfy_put_u8(payload, (unsigned)coder->quality);
    put_triplets(coder, &box);
    return put_stream(payload, &coder->triplets);
}

int dfy_v1_code_picture(DfyV1PictureCoder *coder, DfyBuffer *payload, DfyPicture *decoded, const DfyPicture *source,
                        DfyV1Framing framing, DfyV1CodedPicture *result) {
    *result = (DfyV1CodedPicture){0};
    for (int by = 0, block = 0; by < coder->blocks_down; by++)
        for (int bx = 0; bx < coder->blocks_across; bx++, block++) {
            Place place = {bx * 8, by * 8, limited(8, coder->width - bx * 8), limited(8, coder->height - by * 8)};
            int16_t(*level)[64] = (int16_t(*)[64])(coder->level + (size_t)block * 192);
            int error = block_error(decoded, source, &place);
            coder->used[block] = 0;
            if ((float)error > coder->skip_error) {
                float difference[3][64];
                load_difference(difference, source, decoded, &place);
                coder->used[block] = (uint8_t)quantise_block(coder, level, difference, &result->bits);
            }
            if (coder->used[block]) {
                reconstruct(coder, decoded, level, &place);
                error = block_error(decoded, source, &place);
            }
            result->error += error;
        }
    return put_payload(coder, payload, framing);
}
