#include "v1/block_coder.h"

#include <string.h>

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
    memcpy(coder->weight, weight, sizeof weight);
}

void dfy_v1_block_coder_init(DfyV1BlockCoder *coder, int quality, DfyV1Space space) {
    *coder = (DfyV1BlockCoder){.space = space};
    dfy_v1_table_init(&coder->table, quality);
    float step = (float)coder->table.step[0][1];
    coder->lambda = LAMBDA * step * step;
    coder->skip_error = 2 * coder->lambda * (RUN_BITS + COEFFICIENT_BITS + BLOCK_BITS);
    init_weights(coder);
}

/* ---------------------------------------------------------------- differences */

uint32_t dfy_v1_block_error(const DfyV1Block *block) {
    uint32_t sum = 0;
    for (int row = 0; row < block->rows; row++) {
        const uint8_t *a = block->decoded + row * block->decoded_stride;
        const uint8_t *b = block->source + row * block->source_stride;
        if (block->columns == 8) {
            for (int i = 0; i < 24; i++) sum += (uint32_t)((a[i] - b[i]) * (a[i] - b[i]));
        } else {
            for (int i = 0; i < 3 * block->columns; i++) sum += (uint32_t)((a[i] - b[i]) * (a[i] - b[i]));
        }
    }
    return sum;
}

/* Outside the picture the difference at its edge goes on: that costs fewer coefficients than a step to zero. */
static void load_difference(float difference[3][64], const DfyV1Block *block) {
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
static float choose_levels(const DfyV1BlockCoder *coder, const float target[3], const float step[3], int level[3]) {
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
static int find_candidates(const DfyV1BlockCoder *coder, uint8_t candidate[64], const float coefficient[3][64]) {
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
static int quantise_block(const DfyV1BlockCoder *coder, DfyV1Levels *levels, const float difference[3][64]) {
    float coefficient[3][64], saved = 0;
    uint8_t candidate[64];
    for (int c = 0; c < 3; c++) dfy_v1_forward_dct(coefficient[c], difference[c]);
    if (!find_candidates(coder, candidate, (const float(*)[64])coefficient)) return 0;
    levels->count = 0;
    for (int i = 0; i < 64; i++) {
        if (!candidate[i]) continue;
        float target[3] = {coefficient[0][i], coefficient[1][i], coefficient[2][i]};
        float step[3] = {coder->table.step[0][i], coder->table.step[1][i], coder->table.step[2][i]};
        int chosen[3];
        saved += choose_levels(coder, target, step, chosen);
        if (!(chosen[0] | chosen[1] | chosen[2])) continue;
        levels->at[levels->count] = (uint8_t)i;
        for (int c = 0; c < 3; c++) levels->level[levels->count][c] = clip_level(chosen[c]);
        levels->count++;
    }
    return saved > coder->lambda * BLOCK_BITS;
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
        if (any) dfy_v1_inverse_dct(sample[c], coefficient);
    }
    correct(coder, block, (const float(*)[64])sample);
}

int dfy_v1_code_block(const DfyV1BlockCoder *coder, DfyV1Levels *levels, const DfyV1Block *block) {
    float difference[3][64];
    load_difference(difference, block);
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
    load_difference(difference, block);
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
