#include "entropy/logistic.h"

/* e^(1/256): additions, multiplications and divisions of IEEE numbers in a fixed order are the same everywhere. */
#define STEP 1.00391388933834757

void dfy_logistic_curve(uint16_t squash[4096], int16_t stretch[4096], int margin) {
    double power = 1; /* e^(i / 256) */
    for (int i = 0; i < 2048; i++) {
        double p = power / (1 + power) * 65536;
        uint32_t upper = p > 65535 - margin ? (uint32_t)(65535 - margin) : (uint32_t)p;
        squash[2048 + i] = (uint16_t)upper;
        squash[2048 - i] = (uint16_t)(65536 - upper);
        power *= STEP;
    }
    squash[0] = squash[1];
    int logit = -2047;
    for (int i = 0; i < 4096; i++) {
        while (logit < 2047 && squash[logit + 2048] < i * 16 + 8) logit++;
        stretch[i] = (int16_t)logit;
    }
}

void dfy_logistic_build(DfyLogistic *tables) {
    dfy_logistic_curve(tables->squash, tables->stretch, 24);
    for (int i = 0; i < 256; i++) tables->step[i] = (uint16_t)(131072 / (2 * i + 3));
}
