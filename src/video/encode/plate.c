#include "video/encode/plate.h"

#include <stdlib.h>
#include <string.h>

#include "dsp/kernels.h"

#define SAMPLES 33 /* most frames looked at */

/* Median by counting out: the few values are put in order. */
static int median(uint8_t *values, int count) {
    for (int i = 1; i < count; i++) {
        uint8_t value = values[i];
        int at = i;
        for (; at > 0 && values[at - 1] > value; at--) values[at] = values[at - 1];
        values[at] = value;
    }
    return values[count / 2];
}

static void build_row(uint8_t *out, const uint8_t *const *rows, int count, int width) {
    uint8_t values[SAMPLES];
    for (int x = 0; x < width; x++) {
        int least = 255, most = 0, sum = 0;
        for (int i = 0; i < count; i++) {
            int v = rows[i][x];
            values[i] = (uint8_t)v;
            sum += v;
            if (v < least) least = v;
            if (v > most) most = v;
        }
        if (most - least > 12) { /* something passed here, or it is noise of an unusual size */
            int middle = median(values, count), kept = 0;
            sum = 0;
            for (int i = 0; i < count; i++)
                if (abs(values[i] - middle) <= 8) {
                    sum += values[i];
                    kept++;
                }
            out[x] = (uint8_t)((sum + kept / 2) / kept);
        } else {
            out[x] = (uint8_t)((sum + count / 2) / count);
        }
    }
}

int dfy_plate_alike(const DfyFrame *plate, const DfyFrame *frame, uint32_t most) {
    const DfyPlane *a = &plate->plane[0], *b = &frame->plane[0];
    const DfyKernels *k = dfy_kernels();
    int same = 0, all = 0;
    for (int y = 0; y + 16 <= a->height; y += 16)
        for (int x = 0; x + 16 <= a->width; x += 16, all++)
            same += k->sse(a->pixels + y * a->stride + x, a->stride, b->pixels + y * b->stride + x, b->stride, 16, 16) <
                    256 * most;
    return all ? same * 100 / all : 0;
}

int dfy_build_plate(DfyFrame *plate, DfyFrame *const *frames, int count) {
    if (count < 3) return 0;
    const uint8_t *rows[SAMPLES];
    if (count > SAMPLES) count = SAMPLES;
    for (int p = 0; p < 3; p++)
        for (int y = 0; y < plate->plane[p].height; y++) {
            for (int i = 0; i < count; i++) rows[i] = frames[i]->plane[p].pixels + y * frames[i]->plane[p].stride;
            build_row(plate->plane[p].pixels + y * plate->plane[p].stride, rows, count, plate->plane[p].width);
        }
    return dfy_plate_alike(plate, frames[0], 36) >= 50;
}
