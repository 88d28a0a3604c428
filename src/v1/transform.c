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

/* cos(k pi / 16) / 2, and sqrt(1 / 8) */
#define C1 0.490392640202f
#define C2 0.461939766256f
#define C3 0.415734806151f
#define C4 0.353553390593f
#define C5 0.277785116510f
#define C6 0.191341716183f
#define C7 0.097545161008f

/*
 * One dimension, down the columns: all eight columns at once, each line below being a vector operation. The sums
 * and differences of mirrored rows halve the multiplications.
 */
static inline void forward_columns(float *restrict out, const float *restrict in) {
    for (int i = 0; i < 8; i++) {
        float s0 = in[i] + in[56 + i], d0 = in[i] - in[56 + i];
        float s1 = in[8 + i] + in[48 + i], d1 = in[8 + i] - in[48 + i];
        float s2 = in[16 + i] + in[40 + i], d2 = in[16 + i] - in[40 + i];
        float s3 = in[24 + i] + in[32 + i], d3 = in[24 + i] - in[32 + i];
        float e0 = s0 + s3, e1 = s1 + s2, o0 = s0 - s3, o1 = s1 - s2;
        out[i] = C4 * (e0 + e1);
        out[8 + i] = C1 * d0 + C3 * d1 + C5 * d2 + C7 * d3;
        out[16 + i] = C2 * o0 + C6 * o1;
        out[24 + i] = C3 * d0 - C7 * d1 - C1 * d2 - C5 * d3;
        out[32 + i] = C4 * (e0 - e1);
        out[40 + i] = C5 * d0 - C1 * d1 + C7 * d2 + C3 * d3;
        out[48 + i] = C6 * o0 - C2 * o1;
        out[56 + i] = C7 * d0 - C5 * d1 + C3 * d2 - C1 * d3;
    }
}

static inline void inverse_columns(float *restrict out, const float *restrict in) {
    for (int i = 0; i < 8; i++) {
        float a = C4 * (in[i] + in[32 + i]), b = C4 * (in[i] - in[32 + i]);
        float c = C2 * in[16 + i] + C6 * in[48 + i], d = C6 * in[16 + i] - C2 * in[48 + i];
        float e0 = a + c, e3 = a - c, e1 = b + d, e2 = b - d;
        float x1 = in[8 + i], x3 = in[24 + i], x5 = in[40 + i], x7 = in[56 + i];
        float o0 = C1 * x1 + C3 * x3 + C5 * x5 + C7 * x7, o1 = C3 * x1 - C7 * x3 - C1 * x5 - C5 * x7;
        float o2 = C5 * x1 - C1 * x3 + C7 * x5 + C3 * x7, o3 = C7 * x1 - C5 * x3 + C3 * x5 - C1 * x7;
        out[i] = e0 + o0;
        out[8 + i] = e1 + o1;
        out[16 + i] = e2 + o2;
        out[24 + i] = e3 + o3;
        out[32 + i] = e3 - o3;
        out[40 + i] = e2 - o2;
        out[48 + i] = e1 - o1;
        out[56 + i] = e0 - o0;
    }
}

static inline void transpose(float *restrict out, const float *restrict in) {
    for (int y = 0; y < 8; y++)
        for (int x = 0; x < 8; x++) out[y * 8 + x] = in[x * 8 + y];
}

void dfy_v1_inverse_dct(float out[64], const float in[64]) {
    float a[64], b[64];
    inverse_columns(a, in);
    transpose(b, a);
    inverse_columns(a, b);
    transpose(out, a);
}

void dfy_v1_forward_dct(float out[64], const float in[64]) {
    float a[64], b[64];
    forward_columns(a, in);
    transpose(b, a);
    forward_columns(a, b);
    transpose(out, a);
}
