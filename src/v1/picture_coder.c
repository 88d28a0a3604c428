#include "v1/picture_coder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

/*
 * Error of a sample in luma and chroma: e_y^2 + CHROMA_WEIGHT (e_cb^2 + e_cr^2). With 1 the three channels' errors
 * would count alike; below 0.25 the blue channel becomes a cheap way to mend luma, and it shows.
 */
#define CHROMA_WEIGHT 0.4f
/* Squared error that a bit is worth, in squares of the luminance table's first step. */
#define LAMBDA 0.025f
/*
 * What deflate spends, as measured over whole chunks: two triplets a coefficient cost some 10 bits when it stands
 * alone, because of the zero run before it, and little more when its two other channels follow.
 */
#define RUN_BITS 8.0f
#define COEFFICIENT_BITS 1.5f
#define DOUBLING_BITS 2.0f /* each doubling of a level */
#define BLOCK_BITS 8.0f    /* a block's first coefficient breaks the run of empty blocks */
#define MOST_MOVES 5

static void multiply(float out[3][3], const float a[3][3], const float b[3][3]) {
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) out[i][j] = a[i][0] * b[0][j] + a[i][1] * b[1][j] + a[i][2] * b[2][j];
}

/*
 * The squared error of a coefficient in luma and chroma terms is e' W e, with e the error of R, G and B and
 * W = y y' + CHROMA_WEIGHT (u u' + v v'), of the rows of the transform to YCbCr. For channels that are themselves
 * a transform of R, G and B, W is taken there by the inverse transform.
 */
static void init_weights(DfyV1PictureCoder *coder) {
    static const float row[3][3] = {
        {0.299f, 0.587f, 0.114f}, {-0.168736f, -0.331264f, 0.5f}, {0.5f, -0.418688f, -0.081312f}};
    static const float to_rgb[3][3] = {{1, 1.7720025f, 0}, {1, -0.3441331f, -0.714138f}, {1, 0, 1.4019976f}};
    float weight[3][3], half[3][3], from_rgb[3][3];
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            weight[i][j] = row[0][i] * row[0][j] + CHROMA_WEIGHT * (row[1][i] * row[1][j] + row[2][i] * row[2][j]);
            from_rgb[i][j] = to_rgb[j][i];
        }
    if (coder->space == DFY_V1_SPACE_YCC_BGR) {
        multiply(half, (const float(*)[3])from_rgb, (const float(*)[3])weight);
        multiply(weight, (const float(*)[3])half, to_rgb);
    }
    memcpy(coder->weight, weight, sizeof weight);
}

int dfy_v1_picture_coder_open(DfyV1PictureCoder *coder, int width, int height, int quality, DfyV1Space space) {
    *coder = (DfyV1PictureCoder){.width = width, .height = height, .quality = quality, .space = space};
    coder->blocks_across = (width + 7) / 8;
    coder->blocks_down = (height + 7) / 8;
    dfy_v1_table_init(&coder->table, quality);
    float step = (float)coder->table.step[0][1];
    coder->lambda = LAMBDA * step * step;
    coder->skip_error = 2 * coder->lambda * (RUN_BITS + COEFFICIENT_BITS + BLOCK_BITS);
    init_weights(coder);
    size_t blocks = (size_t)coder->blocks_across * (size_t)coder->blocks_down;
    coder->level = malloc(blocks * 3 * 64 * sizeof *coder->level);
    coder->used = malloc(blocks);
    coder->word = malloc(blocks * 3);
    coder->left = calloc(blocks, sizeof *coder->left);
    return coder->level && coder->used && coder->word && coder->left ? DFY_OK : DFY_ERROR_MEMORY;
}

void dfy_v1_picture_coder_close(DfyV1PictureCoder *coder) {
    free(coder->level);
    free(coder->used);
    free(coder->word);
    free(coder->left);
    dfy_buffer_free(&coder->triplets);
    *coder = (DfyV1PictureCoder){0};
}

/* ---------------------------------------------------------------- one block */

/* In blocks. */
typedef struct BlockBox {
    int left, top, right, bottom;
} BlockBox;

/* A block's place; columns and rows of it that are inside the picture. */
typedef struct Place {
    int x, y, columns, rows;
} Place;

static uint32_t block_error(const DfyPicture *a, const DfyPicture *b, const Place *place) {
    uint32_t sum = 0;
    for (int row = 0; row < place->rows; row++) {
        const uint8_t *pa = a->plane[0] + (place->y + row) * a->stride_bytes[0] + 3 * place->x;
        const uint8_t *pb = b->plane[0] + (place->y + row) * b->stride_bytes[0] + 3 * place->x;
        if (place->columns == 8) {
            for (int i = 0; i < 24; i++) sum += (uint32_t)((pa[i] - pb[i]) * (pa[i] - pb[i]));
        } else {
            for (int i = 0; i < 3 * place->columns; i++) sum += (uint32_t)((pa[i] - pb[i]) * (pa[i] - pb[i]));
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

/* The library's YCbCr of a difference, channel 0 first. */
static void to_ycc(float difference[3][64]) {
    for (int i = 0; i < 64; i++) {
        float a = difference[0][i], b = difference[1][i], c = difference[2][i];
        difference[0][i] = 0.114f * a + 0.587f * b + 0.299f * c;
        difference[1][i] = 0.5f * a - 0.33126f * b - 0.16874f * c;
        difference[2][i] = -0.08131f * a - 0.41869f * b + 0.5f * c;
    }
}

static inline float level_bits(int level) {
    unsigned size = (unsigned)(level < 0 ? -level : level);
    if (!size) return 0;
    float bits = COEFFICIENT_BITS;
    for (; size > 1; size >>= 1) bits += DOUBLING_BITS;
    return bits;
}

static inline int nearest(float value) {
    return (int)(value < 0 ? value - 0.5f : value + 0.5f);
}

/* The best new level of one channel, and what it saves. pull: half the slope of the error against the channel. */
static float best_move(float pull, float weight, float step, int level, int alone, float lambda, int *moved) {
    float now = level_bits(level), best = 0;
    if (level && alone) now += RUN_BITS;
    int ideal = level + nearest(pull / (weight * step));
    int tries[3] = {ideal, ideal > 0 ? ideal - 1 : ideal + 1, 0};
    *moved = level;
    for (int i = 0; i < 3; i++) {
        float change = (float)(tries[i] - level) * step;
        float saved = 2 * change * pull - change * change * weight -
                      lambda * (level_bits(tries[i]) + (tries[i] && alone ? RUN_BITS : 0) - now);
        if (saved > best) {
            best = saved;
            *moved = tries[i];
        }
    }
    return best;
}

/*
 * Levels of one coefficient's three channels: from none, the single change that saves most, then the next, until
 * none saves. Returns what they save in all.
 */
static float choose_levels(const DfyV1PictureCoder *coder, const float target[3], const float step[3], int level[3]) {
    float error[3] = {target[0], target[1], target[2]}, total = 0;
    level[0] = level[1] = level[2] = 0;
    for (int move = 0; move < MOST_MOVES; move++) {
        float best = 0;
        int channel = 0, next = 0;
        for (int c = 0; c < 3; c++) {
            const float *w = coder->weight[c];
            int moved;
            float saved = best_move(w[0] * error[0] + w[1] * error[1] + w[2] * error[2], w[c], step[c], level[c],
                                    !level[(c + 1) % 3] && !level[(c + 2) % 3], coder->lambda, &moved);
            if (saved > best) {
                best = saved;
                channel = c;
                next = moved;
            }
        }
        if (best <= 0) break;
        error[channel] -= (float)(next - level[channel]) * step[channel];
        level[channel] = next;
        total += best;
    }
    return total;
}

/* Marks the coefficients that any level could pay for; returns whether there are some. */
static int find_candidates(const DfyV1PictureCoder *coder, uint8_t candidate[64], const float coefficient[3][64]) {
    const float least = coder->lambda * (RUN_BITS + COEFFICIENT_BITS);
    float gain[64] = {0};
    for (int c = 0; c < 3; c++) {
        const float *w = coder->weight[c], scale = 1 / w[c];
        for (int i = 0; i < 64; i++) {
            float pull = w[0] * coefficient[0][i] + w[1] * coefficient[1][i] + w[2] * coefficient[2][i];
            float possible = pull * pull * scale;
            gain[i] = possible > gain[i] ? possible : gain[i];
        }
    }
    int any = 0;
    for (int i = 0; i < 64; i++) {
        candidate[i] = gain[i] > least;
        any |= candidate[i];
    }
    return any;
}

static int16_t clip_level(int level) {
    return (int16_t)(level < -32767 ? -32767 : level > 32767 ? 32767 : level);
}

/* Fills the block's levels; returns whether sending them is worth its bits. */
static int quantise_block(const DfyV1PictureCoder *coder, int16_t level[3][64], const float difference[3][64]) {
    float coefficient[3][64], saved = 0;
    uint8_t candidate[64];
    for (int c = 0; c < 3; c++) dfy_v1_forward_dct(coefficient[c], difference[c]);
    if (!find_candidates(coder, candidate, (const float(*)[64])coefficient)) return 0;
    memset(level, 0, 3 * 64 * sizeof level[0][0]);
    for (int i = 0; i < 64; i++) {
        if (!candidate[i]) continue;
        float target[3] = {coefficient[0][i], coefficient[1][i], coefficient[2][i]};
        float step[3] = {coder->table.step[0][i], coder->table.step[1][i], coder->table.step[2][i]};
        int chosen[3];
        saved += choose_levels(coder, target, step, chosen);
        for (int c = 0; c < 3; c++) level[c][i] = clip_level(chosen[c]);
    }
    return saved > coder->lambda * BLOCK_BITS;
}

/* ---------------------------------------------------------------- vector quantisation */

/* The codeword that leaves the least error of a channel's coefficients. */
static uint8_t nearest_word(const DfyV1Codebook *codebook, const float coefficient[64], const uint8_t step[64]) {
    uint32_t best = 0;
    float least = -1;
    for (uint32_t word = 0; word < codebook->words; word++) {
        float sum = 0;
        for (int i = 0; i < 64 && (least < 0 || sum < least); i += 16)
            for (int k = i; k < i + 16; k++) {
                float difference = coefficient[k] - codebook->word[word][k] * step[k];
                sum += difference * difference;
            }
        if (least >= 0 && sum >= least) continue;
        least = sum;
        best = word;
    }
    return (uint8_t)best;
}

/* Word 0 is nothing, so that a block counts as used when any channel has another. */
static int choose_words(const DfyV1PictureCoder *coder, uint8_t word[3], const float difference[3][64]) {
    for (int c = 0; c < 3; c++) {
        float coefficient[64];
        dfy_v1_forward_dct(coefficient, difference[c]);
        word[c] = nearest_word(coder->codebook, coefficient, coder->table.step[c]);
    }
    return word[0] || word[1] || word[2];
}

static void reconstruct_words(const DfyV1PictureCoder *coder, DfyPicture *decoded, const uint8_t word[3],
                              const Place *place) {
    float sample[3][64], coefficient[64];
    for (int c = 0; c < 3; c++) {
        for (int i = 0; i < 64; i++) coefficient[i] = coder->codebook->word[word[c]][i] * coder->table.step[c][i];
        dfy_v1_inverse_dct(sample[c], coefficient);
    }
    dfy_v1_add_block(decoded, sample, place->x, place->y, coder->width, coder->height, coder->space);
}

static void put_words(DfyV1PictureCoder *coder, const BlockBox *box) {
    coder->triplets.size = 0;
    for (int c = 0; c < 3; c++)
        for (int by = box->top; by < box->bottom; by++)
            for (int bx = box->left; bx < box->right; bx++)
                dfy_put_u8(&coder->triplets, coder->word[(by * coder->blocks_across + bx) * 3 + c]);
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
    dfy_v1_add_block(decoded, sample, place->x, place->y, coder->width, coder->height, coder->space);
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
    if (coder->codebook) dfy_put_u8(payload, 1);
    if (framing != DFY_V1_FRAMING_PLAIN) {
        dfy_put_u16be(payload, (unsigned)coder->height);
        dfy_put_u16be(payload, (unsigned)coder->width);
        dfy_put_u16be(payload, (unsigned)box.top * 8);
        dfy_put_u16be(payload, (unsigned)box.left * 8);
        dfy_put_u16be(payload, height);
        dfy_put_u16be(payload, width);
    }
    if (coder->codebook) {
        dfy_put_u8(payload, (unsigned)coder->quality);
        dfy_put_u16be(payload, height);
        dfy_put_u16be(payload, width);
        dfy_put_u32be(payload, (uint32_t)((box.bottom - box.top) * (box.right - box.left)));
        put_words(coder, &box);
    } else {
        dfy_put_u16be(payload, height);
        dfy_put_u16be(payload, width);
        dfy_put_u8(payload, (unsigned)coder->quality);
        put_triplets(coder, &box);
    }
    return put_stream(payload, &coder->triplets);
}

/* Codes a block and corrects it in decoded. */
static int code_block(DfyV1PictureCoder *coder, DfyPicture *decoded, const DfyPicture *source, int block,
                      const Place *place) {
    float difference[3][64];
    load_difference(difference, source, decoded, place);
    if (coder->space == DFY_V1_SPACE_YCC_BGR) to_ycc(difference);
    if (coder->codebook) {
        uint8_t *word = coder->word + (size_t)block * 3;
        if (!choose_words(coder, word, (const float(*)[64])difference)) return 0;
        reconstruct_words(coder, decoded, word, place);
        return 1;
    }
    int16_t(*level)[64] = (int16_t(*)[64])(coder->level + (size_t)block * 192);
    if (!quantise_block(coder, level, (const float(*)[64])difference)) return 0;
    reconstruct(coder, decoded, (const int16_t(*)[64])level, place);
    return 1;
}

void dfy_v1_picture_coder_restart(DfyV1PictureCoder *coder) {
    memset(coder->left, 0, (size_t)coder->blocks_across * (size_t)coder->blocks_down * sizeof *coder->left);
}

int dfy_v1_code_picture(DfyV1PictureCoder *coder, DfyBuffer *payload, DfyPicture *decoded, const DfyPicture *source,
                        DfyV1Framing framing) {
    if (coder->codebook) memset(coder->word, 0, (size_t)coder->blocks_across * (size_t)coder->blocks_down * 3);
    for (int by = 0, block = 0; by < coder->blocks_down; by++)
        for (int bx = 0; bx < coder->blocks_across; bx++, block++) {
            Place place = {bx * 8, by * 8, limited(8, coder->width - bx * 8), limited(8, coder->height - by * 8)};
            uint32_t error = block_error(decoded, source, &place);
            coder->used[block] = 0;
            float skip_error = coder->skip_error * (float)(place.columns * place.rows) / 64;
            if ((float)error <= skip_error || error <= coder->left[block] + coder->left[block] / 8) continue;
            coder->used[block] = (uint8_t)code_block(coder, decoded, source, block, &place);
            coder->left[block] = coder->used[block] ? 0 : error;
        }
    return put_payload(coder, payload, framing);
}
