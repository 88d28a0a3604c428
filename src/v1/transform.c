#include "v1/transform.h"

/* ITU-T T.81, tables K.1 and K.2. */
static const uint8_t luminance[64] = {16, 11, 10, 16, 24,  40,  51,  61,  12, 12, 14, 19, 26,  58,  60,  55,
                                      14, 13, 16, 24, 40,  57,  69,  56,  14, 17, 22, 29, 51,  87,  80,  62,
                                      18, 22, 37, 56, 68,  109, 103, 77,  24, 35, 55, 64, 81,  104, 113, 92,
                                      49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99};
static const uint8_t chrominance[64] = {17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99,
                                        24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
                                        99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
                                        99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99};

static uint8_t scaled(int base, int quality) {
    int scale = quality < 50 ? 5000 / quality : 200 - 2 * quality;
    int step = (base * scale + 50) / 100;
    return (uint8_t)(step < 1 ? 1 : step > 255 ? 255 : step);
}

void dfy_v1_table_init(DfyV1Table *table, int quality) {
    for (int i = 0; i < 64; i++) {
        table->step[0][i] = scaled(luminance[i], quality);
        table->step[1][i] = table->step[2][i] = scaled(chrominance[i], quality);
    }
}

/* basis[u][x] = c(u) / 2 * cos((2x + 1) u pi / 16) */
#define A 0.353553390593f
#define B 0.490392640202f
#define C 0.461939766256f
#define D 0.415734806151f
#define E 0.277785116510f
#define F 0.191341716183f
#define G 0.097545161008f
static const float basis[8][8] = {{A, A, A, A, A, A, A, A},     {B, D, E, G, -G, -E, -D, -B},
                                  {C, F, -F, -C, -C, -F, F, C}, {D, -G, -B, -E, E, B, G, -D},
                                  {A, -A, -A, A, A, -A, -A, A}, {E, -B, G, D, -D, -G, B, -E},
                                  {F, -C, C, -F, -F, C, -C, F}, {G, -E, D, -B, B, -D, E, -G}};
static const float transposed[8][8] = {{A, B, C, D, A, E, F, G},     {A, D, F, -G, -A, -B, -C, -E},
                                       {A, E, -F, -B, -A, G, C, D},  {A, G, -C, -E, A, D, -F, -B},
                                       {A, -G, -C, E, A, -D, -F, B}, {A, -E, -F, B, -A, -G, C, -D},
                                       {A, -D, F, G, -A, B, -C, E},  {A, -B, C, -D, A, -E, F, -G}};

/* out = left * in * right, each 8x8: rows of eight that a compiler turns into vector multiply-adds. */
static inline void multiply(float *restrict out, const float *restrict in, const float left[8][8],
                            const float right[8][8]) {
    float half[64];
    for (int row = 0; row < 8; row++) {
        float sum[8] = {0};
        for (int k = 0; k < 8; k++) {
            const float value = in[row * 8 + k];
            for (int x = 0; x < 8; x++) sum[x] += value * right[k][x];
        }
        for (int x = 0; x < 8; x++) half[row * 8 + x] = sum[x];
    }
    for (int row = 0; row < 8; row++) {
        float sum[8] = {0};
        for (int k = 0; k < 8; k++) {
            const float value = left[row][k];
            for (int x = 0; x < 8; x++) sum[x] += value * half[k * 8 + x];
        }
        for (int x = 0; x < 8; x++) out[row * 8 + x] = sum[x];
    }
}

void dfy_v1_inverse_dct(float out[64], const float in[64]) {
    multiply(out, in, transposed, basis);
}
void dfy_v1_forward_dct(float out[64], const float in[64]) {
    multiply(out, in, basis, transposed);
}
