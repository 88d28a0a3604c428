#include "v1/block_coder.h"

#include <string.h>

#include "dsp/kernels.h"

/*
 * Error of a sample in luma and chroma: e_y^2 + CHROMA_WEIGHT (e_cb^2 + e_cr^2). With 1 the three channels' errors
 * would count alike; below 0.25 the blue channel becomes a cheap way to mend luma, and it shows.
 */
#define CHROMA_WEIGHT 0.4f
/* Squared error that a bit is worth, in squares of the luminance table's first step. */
#define LAMBDA 0.025f
#define BLOCK_BITS 8.0f /* a block's first coefficient breaks the run of empty blocks */

static void multiply(float out[3][3], const float a[3][3], const float b[3][3]) {
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) out[i][j] = a[i][0] * b[0][j] + a[i][1] * b[1][j] + a[i][2] * b[2][j];
}

/*
 * The squared error of a coefficient in luma and chroma terms is e' W e, with e the error of R, G and B and
 * W = y y' + CHROMA_WEIGHT (u u' + v v'), of the rows of the transform to YCbCr. For channels that are themselves
 * a transform of R, G and B, W is taken there by the inverse transform.
 */
static void init_weights(DfyV1BlockCoder *coder) {
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
    memcpy(coder->costs.weight, weight, sizeof weight);
}

void dfy_v1_block_coder_init(DfyV1BlockCoder *coder, int quality, DfyV1Space space) {
    *coder = (DfyV1BlockCoder){.space = space};
    dfy_v1_table_init(&coder->table, quality);
    float step = (float)coder->table.step[0][1];
    coder->costs.lambda = LAMBDA * step * step;
    coder->skip_error = 2 * coder->costs.lambda * (DFY_RUN_BITS + DFY_COEFFICIENT_BITS + BLOCK_BITS);
    init_weights(coder);
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < 64; i++) coder->step[c][i] = coder->table.step[c][i];
    coder->kernels = dfy_rgb_kernels();
    coder->sse = dfy_kernels()->sse;
}

/* ---------------------------------------------------------------- differences */

uint32_t dfy_v1_block_error(const DfyV1BlockCoder *coder, const DfyV1Block *block) {
    if (block->columns == 8 && block->rows == 8)
        return coder->sse(block->decoded, block->decoded_stride, block->source, block->source_stride, 24, 8);
    uint32_t sum = 0;
    for (int row = 0; row < block->rows; row++) {
        const uint8_t *a = block->decoded + row * block->decoded_stride;
        const uint8_t *b = block->source + row * block->source_stride;
        for (int i = 0; i < 3 * block->columns; i++) sum += (uint32_t)((a[i] - b[i]) * (a[i] - b[i]));
    }
    return sum;
}

/* Outside the picture the difference at its edge goes on: that costs fewer coefficients than a step to zero. */
static void load_difference(float difference[3][64], const DfyV1BlockCoder *coder, const DfyV1Block *block) {
    if (block->columns == 8 && block->rows == 8) {
        coder->kernels->difference(difference, block->source, block->source_stride, block->decoded,
                                   block->decoded_stride);
        return;
    }
    for (int row = 0; row < 8; row++) {
        int y = row < block->rows ? row : block->rows - 1;
        const uint8_t *s = block->source + y * block->source_stride;
        const uint8_t *r = block->decoded + y * block->decoded_stride;
        for (int column = 0; column < 8; column++) {
            int x = 3 * (column < block->columns ? column : block->columns - 1);
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

/* ---------------------------------------------------------------- levels */

static int16_t clip_level(int level) {
    return (int16_t)(level < -32767 ? -32767 : level > 32767 ? 32767 : level);
}

/* Fills the block's levels; returns whether sending them is worth its bits. */
static int quantise_block(const DfyV1BlockCoder *coder, DfyV1Levels *levels, const float difference[3][64]) {
    float coefficient[3][64], target[3][64], step[3][64], saved[64], total = 0;
    int32_t level[3][64];
    uint8_t at[64];
    for (int c = 0; c < 3; c++) coder->kernels->forward(coefficient[c], difference[c]);
    const int count = coder->kernels->candidates(at, (const float(*)[64])coefficient, &coder->costs);
    const int whole = (count + 3) & ~3;
    if (!count) return 0;
    for (int c = 0; c < 3; c++) {
        for (int i = 0; i < count; i++) target[c][i] = coefficient[c][at[i]], step[c][i] = coder->step[c][at[i]];
        for (int i = count; i < whole; i++) target[c][i] = 0, step[c][i] = 1;
    }
    coder->kernels->choose(level, saved, (const float(*)[64])target, (const float(*)[64])step, whole, &coder->costs);
    levels->count = 0;
    for (int i = 0; i < count; i++) {
        total += saved[i];
        if (!(level[0][i] | level[1][i] | level[2][i])) continue;
        levels->at[levels->count] = at[i];
        for (int c = 0; c < 3; c++) levels->level[levels->count][c] = clip_level(level[c][i]);
        levels->count++;
    }
    return total > coder->costs.lambda * BLOCK_BITS;
}

static void correct(const DfyV1BlockCoder *coder, const DfyV1Block *block, const float sample[3][64]) {
    DfyPicture rows = {.plane = {block->decoded}, .stride_bytes = {block->decoded_stride}};
    dfy_v1_add_block(&rows, sample, 0, 0, block->columns, block->rows, coder->space);
}

static void reconstruct(const DfyV1BlockCoder *coder, const DfyV1Block *block, const DfyV1Levels *levels) {
    float sample[3][64] = {{0}}, coefficient[64];
    for (int c = 0; c < 3; c++) {
        int any = 0;
        memset(coefficient, 0, sizeof coefficient);
        for (int i = 0; i < levels->count; i++) {
            coefficient[levels->at[i]] = (float)(levels->level[i][c] * coder->table.step[c][levels->at[i]]);
            any |= levels->level[i][c];
        }
        if (any) coder->kernels->inverse(sample[c], coefficient);
    }
    correct(coder, block, (const float(*)[64])sample);
}

int dfy_v1_code_block(const DfyV1BlockCoder *coder, DfyV1Levels *levels, const DfyV1Block *block) {
    float difference[3][64];
    load_difference(difference, coder, block);
    if (coder->space == DFY_V1_SPACE_YCC_BGR) to_ycc(difference);
    if (!quantise_block(coder, levels, (const float(*)[64])difference)) return 0;
    reconstruct(coder, block, levels);
    return 1;
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

int dfy_v1_code_block_vq(const DfyV1BlockCoder *coder, uint8_t word[3], const DfyV1Block *block,
                         const DfyV1Codebook *codebook) {
    float difference[3][64], sample[3][64], coefficient[64];
    load_difference(difference, coder, block);
    if (coder->space == DFY_V1_SPACE_YCC_BGR) to_ycc(difference);
    for (int c = 0; c < 3; c++) {
        dfy_v1_forward_dct(coefficient, difference[c]);
        word[c] = nearest_word(codebook, coefficient, coder->table.step[c]);
    }
    if (!(word[0] | word[1] | word[2])) return 0;
    for (int c = 0; c < 3; c++) {
        for (int i = 0; i < 64; i++) coefficient[i] = codebook->word[word[c]][i] * coder->table.step[c][i];
        dfy_v1_inverse_dct(sample[c], coefficient);
    }
    correct(coder, block, (const float(*)[64])sample);
    return 1;
}
