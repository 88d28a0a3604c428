/*
 * The codebook of vector quantisation: 256 words, each a block's quantised coefficients, learnt from the moving
 * blocks of the first canonical cycle by k-means++ and Lloyd's iterations. Deterministic: the same frames give the
 * same words. Word 0 is made nothing at all, because most blocks of a picture are.
 */
#include <stdlib.h>
#include <string.h>

#include "base/picture.h"
#include "v1/writer.h"

#define WORDS 256
#define MOST_BLOCKS 5000
#define MOST_ITERATIONS 50
#define MOST_PICTURES 24
#define EXCESS_ALLOWED 200u

typedef float Block[64];

typedef struct Sample {
    Block *block;
    uint32_t blocks;
    uint32_t *word;  /* nearest, of each */
    float *distance; /* to it */
    Block *sum;      /* of the blocks of each word */
} Sample;

/* xorshift: chance that is the same everywhere */
static uint32_t next_random(uint32_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static float squared_distance(const float *a, const float *b) {
    float sum = 0;
    for (int i = 0; i < 64; i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum;
}

/* ---------------------------------------------------------------- blocks to learn from */

static void add_block(Sample *sample, const DfyPicture *frame, const DfyPicture *reference, int x, int y,
                      const DfyV1Table *table) {
    float difference[64], coefficient[64];
    uint32_t squares = 0;
    for (int row = 0; row < 8; row++)
        for (int column = 0; column < 8; column++) {
            int a = frame->plane[0][(y + row) * frame->stride_bytes[0] + x + column];
            int b = reference->plane[0][(y + row) * reference->stride_bytes[0] + x + column];
            difference[row * 8 + column] = (float)(a - b);
            squares += (uint32_t)((a - b) * (a - b));
        }
    if (squares < EXCESS_ALLOWED || sample->blocks == MOST_BLOCKS) return;
    dfy_v1_forward_dct(coefficient, difference);
    const uint8_t *step = table->step[sample->blocks & 1]; /* words serve all channels, of either table */
    float *block = sample->block[sample->blocks++];
    for (int i = 0; i < 64; i++) block[i] = coefficient[i] / step[i];
}

/* Differences from the plate and from the frame before, as I and P pictures have them. */
static void gather(Sample *sample, const DfyV1Writer *writer, const DfyV1Piece *piece, const DfyV1Table *table) {
    uint32_t step = piece->frames / MOST_PICTURES + 1;
    for (uint32_t i = 0; i < piece->frames; i += step) {
        const DfyPicture *frame = &writer->frame[piece->first_frame + i];
        const DfyPicture *reference = i ? frame - 1 : &writer->plate_i420;
        for (int y = 0; y + 8 <= frame->height; y += 8)
            for (int x = 0; x + 8 <= frame->width; x += 8) {
                if (sample->blocks >= MOST_BLOCKS * (i + step) / (piece->frames + step)) break;
                add_block(sample, frame, reference, x, y, table);
            }
    }
}

/* ---------------------------------------------------------------- k-means++ and Lloyd */

static void assign(Sample *sample, const float *word, uint32_t number) {
    for (uint32_t i = 0; i < sample->blocks; i++) {
        float distance = squared_distance(sample->block[i], word);
        if (number && distance >= sample->distance[i]) continue;
        sample->distance[i] = distance;
        sample->word[i] = number;
    }
}

/* Each further word is a block, drawn with a chance that grows with the square of its distance to all words. */
static void seed_words(Sample *sample, Block *word) {
    uint32_t state = 2463534242u;
    memcpy(word[0], sample->block[next_random(&state) % sample->blocks], sizeof(Block));
    assign(sample, word[0], 0);
    for (uint32_t k = 1; k < WORDS; k++) {
        double total = 0, drawn;
        for (uint32_t i = 0; i < sample->blocks; i++) total += sample->distance[i];
        drawn = total * (next_random(&state) / 4294967296.0);
        uint32_t chosen = 0;
        for (; chosen + 1 < sample->blocks && drawn >= sample->distance[chosen]; chosen++)
            drawn -= sample->distance[chosen];
        memcpy(word[k], sample->block[chosen], sizeof(Block));
        assign(sample, word[k], k);
    }
}

/* Moves every word to the mean of its blocks; returns whether any block changed its word afterwards. */
static int improve(Sample *sample, Block *word) {
    uint32_t count[WORDS] = {0};
    Block *sum = sample->sum;
    uint32_t changed = 0;
    memset(sum, 0, WORDS * sizeof *sum);
    for (uint32_t i = 0; i < sample->blocks; i++) {
        count[sample->word[i]]++;
        for (int k = 0; k < 64; k++) sum[sample->word[i]][k] += sample->block[i][k];
    }
    for (uint32_t k = 0; k < WORDS; k++)
        for (int i = 0; i < 64 && count[k]; i++) word[k][i] = sum[k][i] / (float)count[k];
    for (uint32_t i = 0; i < sample->blocks; i++) {
        uint32_t before = sample->word[i], best = 0;
        float least = squared_distance(sample->block[i], word[0]);
        for (uint32_t k = 1; k < WORDS; k++) {
            float distance = squared_distance(sample->block[i], word[k]);
            if (distance >= least) continue;
            least = distance;
            best = k;
        }
        sample->word[i] = best;
        changed += best != before;
    }
    return changed != 0;
}

static void clear_first_word(Block *word) {
    static const Block nothing = {0};
    uint32_t nearest = 0;
    for (uint32_t k = 1; k < WORDS; k++)
        if (squared_distance(word[k], nothing) < squared_distance(word[nearest], nothing)) nearest = k;
    memcpy(word[nearest], word[0], sizeof(Block));
    memset(word[0], 0, sizeof(Block));
}

static void learn(Sample *sample, Block *word) {
    if (!sample->blocks) return; /* nothing moves: all words stay nothing */
    seed_words(sample, word);
    for (int i = 0; i < MOST_ITERATIONS && improve(sample, word); i++) {
    }
    clear_first_word(word);
}

/* ---------------------------------------------------------------- the chunk */

/* Writes the words as halves, and keeps what readers will read. */
static int write_words(DfyV1Writer *writer, Block *word) {
    DfyBuffer data = {0};
    dfy_put_u16be(&data, WORDS);
    dfy_put_u16be(&data, 64);
    for (int k = 0; k < WORDS; k++)
        for (int i = 0; i < 64; i++) {
            uint16_t half = dfy_float_to_half(word[k][i]);
            dfy_put_u16le(&data, half);
            word[k][i] = dfy_half_to_float(half);
        }
    int status = data.failed
                     ? dfy_fail(writer->message, DFY_ERROR_MEMORY, "There is no memory for the codebook.")
                     : dfy_v1_chunk_write(&writer->output, DFY_V1_CODEBOOK, 0, data.data, data.size, writer->message);
    dfy_buffer_free(&data);
    return status;
}

int dfy_v1_write_codebook(DfyV1Writer *writer) {
    const DfyV1Plan *plan = &writer->plan;
    const DfyV1Piece *first = plan->piece;
    while (first->type != DFY_V1_CYCLE_CANON) first++; /* there is always one */
    DfyV1Table table;
    dfy_v1_table_init(&table, writer->settings.quality);
    Sample sample = {.block = malloc(MOST_BLOCKS * sizeof *sample.block),
                     .word = malloc(MOST_BLOCKS * sizeof *sample.word),
                     .distance = malloc(MOST_BLOCKS * sizeof *sample.distance),
                     .sum = malloc(WORDS * sizeof *sample.sum)};
    writer->codebook.word = calloc(WORDS, sizeof *writer->codebook.word);
    int status = DFY_OK;
    if (!sample.block || !sample.word || !sample.distance || !sample.sum || !writer->codebook.word) {
        status = dfy_fail(writer->message, DFY_ERROR_MEMORY, "There is no memory for the codebook.");
    } else {
        gather(&sample, writer, first, &table);
        learn(&sample, writer->codebook.word);
        writer->codebook.words = WORDS;
        status = write_words(writer, writer->codebook.word);
    }
    free(sample.block);
    free(sample.word);
    free(sample.distance);
    free(sample.sum);
    return status;
}
