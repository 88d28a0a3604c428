#include "v1/transform.h"

#include "dsp/rgb_kernels.h"

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

void dfy_v1_inverse_dct(float out[64], const float in[64]) {
    dfy_rgb_kernels()->inverse(out, in);
}

void dfy_v1_forward_dct(float out[64], const float in[64]) {
    dfy_rgb_kernels()->forward(out, in);
}
