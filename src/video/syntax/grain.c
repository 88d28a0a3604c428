#include "video/syntax/grain.h"

#include "base/numbers.h"
#include "base/picture.h"

#define MARGIN 8 /* rows and columns that the filter runs in before what is kept */
#define RUN_IN (DFY_GRAIN_SIDE + 2 * MARGIN)

/* ---------------------------------------------------------------- the chunk */

int dfy_grain_is_none(const DfyGrain *grain) {
    int any = grain->chroma[0] | grain->chroma[1];
    for (int i = 0; i < DFY_GRAIN_LEVELS; i++) any |= grain->luma[i];
    return !any;
}

void dfy_put_grain(DfyBuffer *buffer, const DfyGrain *grain) {
    if (dfy_grain_is_none(grain)) return;
    dfy_put_bytes(buffer, grain->luma, sizeof grain->luma);
    dfy_put_bytes(buffer, grain->chroma, sizeof grain->chroma);
    dfy_put_bytes(buffer, grain->taps, sizeof grain->taps);
}

static int is_bounded(const int8_t taps[DFY_GRAIN_TAPS]) {
    int sum = 0;
    for (int i = 0; i < DFY_GRAIN_TAPS; i++) sum += taps[i] < 0 ? -taps[i] : taps[i];
    return sum <= DFY_GRAIN_REACH;
}

int dfy_read_grain(DfyBytes *bytes, DfyGrain *grain) {
    *grain = (DfyGrain){0};
    if (!dfy_bytes_left(bytes)) return DFY_OK;
    DfyGrain read;
    for (int i = 0; i < DFY_GRAIN_LEVELS; i++) read.luma[i] = dfy_read_u8(bytes);
    for (int i = 0; i < 2; i++) read.chroma[i] = dfy_read_u8(bytes);
    for (int i = 0; i < 2 * DFY_GRAIN_TAPS; i++) {
        int value = dfy_read_u8(bytes);
        read.taps[i / DFY_GRAIN_TAPS][i % DFY_GRAIN_TAPS] = (int8_t)(value < 128 ? value : value - 256);
    }
    if (bytes->overrun || !is_bounded(read.taps[0]) || !is_bounded(read.taps[1])) return DFY_ERROR_DAMAGED;
    *grain = read;
    return DFY_OK;
}

/* ---------------------------------------------------------------- making noise */

/* xorshift32 */
static uint32_t next(uint32_t *state) {
    uint32_t x = *state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

/* The sum of eight numbers of 0 to 255, less its mean: nearly Gaussian, with a standard deviation of 209. */
static int32_t gaussian(uint32_t *state) {
    int32_t sum = -1020;
    for (int i = 0; i < 2; i++) {
        uint32_t x = next(state);
        sum += (int32_t)((x & 255) + (x >> 8 & 255) + (x >> 16 & 255) + (x >> 24));
    }
    return sum;
}

static uint32_t square_root(uint64_t v) {
    uint64_t root = 0;
    for (uint64_t bit = (uint64_t)1 << 31; bit; bit >>= 1)
        if ((root + bit) * (root + bit) <= v) root += bit;
    return (uint32_t)root;
}

/* Towards zero would make small values smaller on both sides. */
static int32_t rounded(int32_t value, int32_t divisor) {
    return (value < 0 ? value - divisor / 2 : value + divisor / 2) / divisor;
}

static void make_values(int8_t *values, const int8_t taps[DFY_GRAIN_TAPS], uint32_t seed) {
    int32_t rows[2][RUN_IN + 2] = {{0}};
    int16_t raw[DFY_GRAIN_SIDE * DFY_GRAIN_SIDE];
    uint64_t squares = 0;
    for (int y = 0; y < DFY_GRAIN_SIDE + MARGIN; y++) {
        const int32_t *above = rows[(y + 1) & 1] + 1;
        int32_t *row = rows[y & 1] + 1;
        for (int x = 0; x < RUN_IN; x++) {
            int32_t sum = taps[0] * row[x - 1] + taps[1] * above[x - 1] + taps[2] * above[x] + taps[3] * above[x + 1];
            row[x] = gaussian(&seed) + rounded(sum, DFY_GRAIN_ONE);
            if (y < MARGIN || x < MARGIN || x >= MARGIN + DFY_GRAIN_SIDE) continue;
            raw[(y - MARGIN) * DFY_GRAIN_SIDE + x - MARGIN] = (int16_t)row[x]; /* at most 1020 * 64 / (64 - 60) */
            squares += (uint64_t)((int64_t)row[x] * row[x]);
        }
    }
    int32_t deviation = (int32_t)square_root(squares / (DFY_GRAIN_SIDE * DFY_GRAIN_SIDE));
    for (int i = 0; i < DFY_GRAIN_SIDE * DFY_GRAIN_SIDE; i++) {
        values[i] = (int8_t)dfy_clamp(rounded(raw[i] * DFY_GRAIN_SIGMA, deviation), -127, 127);
    }
}

void dfy_grain_prepare(DfyGrainField *field, const DfyGrain *grain) {
    enum { FIRST = 16, STEP = 32 };
    field->grain = *grain;
    for (int v = 0; v < 256; v++) {
        int at = v < FIRST ? 0 : v - FIRST, i = at / STEP, rest = at % STEP;
        int a = grain->luma[i], b = grain->luma[i + 1 < DFY_GRAIN_LEVELS ? i + 1 : i];
        field->strength[v] = (uint8_t)((a * (STEP - rest) + b * rest + STEP / 2) / STEP);
    }
    for (uint32_t p = 0; p < 3; p++) make_values(field->values[p], grain->taps[p > 0], 0x2545f491u * (p + 1));
}

/* ---------------------------------------------------------------- adding it */

/* Where in the square a block's noise is cut from: a number made of the frame's, the block's and the plane's. */
static uint32_t place(uint64_t frame, int column, int row, int plane) {
    uint64_t x = frame * 0x9e3779b97f4a7c15u + ((uint64_t)(uint32_t)row << 34) + ((uint64_t)(uint32_t)column << 2) +
                 (uint64_t)(uint32_t)plane + 1;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)(x >> 40);
}

/* Noise of a block; strength NULL: the same at all levels. */
static void add_block(uint8_t *pixels, ptrdiff_t stride, const int8_t *values, const uint8_t *strength, int same,
                      int width, int height) {
    const int one = DFY_GRAIN_SIGMA * DFY_GRAIN_UNITS;
    for (int y = 0; y < height; y++, pixels += stride, values += DFY_GRAIN_SIDE)
        for (int x = 0; x < width; x++) {
            int product = values[x] * (strength ? strength[pixels[x]] : same);
            pixels[x] = dfy_clamp_pixel(pixels[x] + ((product + one / 2 + (one << 8)) / one - (1 << 8)));
        }
}

void dfy_grain_add(const DfyGrainField *field, DfyPicture *picture, uint64_t frame) {
    for (int p = 0; p < 3; p++) {
        int side = p ? DFY_GRAIN_BLOCK / 2 : DFY_GRAIN_BLOCK, room = DFY_GRAIN_SIDE - side + 1;
        int width = p ? dfy_chroma_size(picture->width) : picture->width;
        int height = p ? dfy_chroma_size(picture->height) : picture->height;
        if (p && !field->grain.chroma[p - 1]) continue;
        for (int y = 0; y < height; y += side)
            for (int x = 0; x < width; x += side) {
                uint32_t at = place(frame, x / side, y / side, p);
                int left = (int)((at & 0xfff) * (uint32_t)room >> 12), top = (int)((at >> 12) * (uint32_t)room >> 12);
                add_block(dfy_picture_pixels(picture, p) + (ptrdiff_t)y * picture->stride_bytes[p] + x,
                          picture->stride_bytes[p], field->values[p] + top * DFY_GRAIN_SIDE + left,
                          p ? NULL : field->strength, p ? field->grain.chroma[p - 1] : 0, dfy_min(width - x, side),
                          dfy_min(height - y, side));
            }
    }
}
