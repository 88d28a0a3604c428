#include "entropy/logistic.h"

/* e^(1/256): additions, multiplications and divisions of IEEE numbers in a fixed order are the same everywhere. */
#define STEP 1.00391388933834757

void dfy_logistic_build(DfyLogistic *tables) {
    double power = 1; /* e^(i / 256) */
    for (int i = 0; i < 2048; i++) {
        double p = power / (1 + power) * 65536;
        uint32_t upper = p > 65535 - 24 ? 65535 - 24 : (uint32_t)p;
        tables->squash[2048 + i] = (uint16_t)upper;
        tables->squash[2048 - i] = (uint16_t)(65536 - upper);
        power *= STEP;
    }
    tables->squash[0] = tables->squash[1];
    int logit = -2047;
    for (int i = 0; i < 4096; i++) {
        while (logit < 2047 && tables->squash[logit + 2048] < i * 16 + 8) logit++;
        tables->stretch[i] = (int16_t)logit;
    }
    for (int i = 0; i < 256; i++) tables->step[i] = (uint16_t)(131072 / (2 * i + 3));
}
