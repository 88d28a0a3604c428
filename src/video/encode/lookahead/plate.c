#include "video/encode/lookahead/plate.h"

#include <stdlib.h>
#include <string.h>

#include "dsp/kernels.h"

#define SAMPLES 33 /* most frames looked at */
#define NOISE 36   /* mean squared difference of blocks that show the same */

/* Mean of the values near their median, which is found by counting; all lie in least..most. */
static int usual_value(const uint8_t *values, int count, int least, int most) {
    uint8_t times[256];
    memset(times + least, 0, (size_t)(most - least + 1));
    for (int i = 0; i < count; i++) times[values[i]]++;
    int middle = least, sum = 0, kept = 0;
    for (int below = times[least]; below <= count / 2; below += times[middle]) middle++;
    for (int i = 0; i < count; i++) {
        int near = abs(values[i] - middle) <= 8;
        sum += near * values[i];
        kept += near;
    }
    return (sum + kept / 2) / kept;
}

#define SPAN 64 /* pixels looked at together */

/* Least, most and sum of each place, with one row more. GCC 12 takes two rows at once where it may, without SIMD. */
__attribute__((noinline)) static void add_row(uint8_t *restrict least, uint8_t *restrict most, uint16_t *restrict sum,
                                              const uint8_t *restrict row, int width) {
    for (int x = 0; x < width; x++) {
        least[x] = row[x] < least[x] ? row[x] : least[x];
        most[x] = row[x] > most[x] ? row[x] : most[x];
        sum[x] = (uint16_t)(sum[x] + row[x]);
    }
}

static void build_span(uint8_t *out, const uint8_t *const *rows, int count, int at, int width) {
    uint8_t least[SPAN], most[SPAN];
    uint16_t sum[SPAN] = {0};
    memset(least, 255, sizeof least);
    memset(most, 0, sizeof most);
    for (int i = 0; i < count; i++) add_row(least, most, sum, rows[i] + at, width);
    for (int x = 0; x < width; x++) {
        if (most[x] - least[x] > 12) { /* something passed here, or it is noise of an unusual size */
            uint8_t values[SAMPLES];
            for (int i = 0; i < count; i++) values[i] = rows[i][at + x];
            out[at + x] = (uint8_t)usual_value(values, count, least[x], most[x]);
        } else {
            out[at + x] = (uint8_t)((sum[x] + count / 2) / count);
        }
    }
}

static void build_row(uint8_t *out, const uint8_t *const *rows, int count, int width) {
    for (int at = 0; at < width; at += SPAN) build_span(out, rows, count, at, width - at < SPAN ? width - at : SPAN);
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

int dfy_plate_mean_share(const DfyFrame *plate, DfyFrame *const *frames, int count) {
    int sum = 0, looked = 0;
    for (int i = 0; i < count; i += 4, looked++) sum += dfy_plate_alike(plate, frames[i], NOISE);
    return sum / looked;
}

int dfy_build_plate(DfyFrame *plate, DfyFrame *const *frames, int count, int share) {
    if (count < 3) return 0;
    const uint8_t *rows[SAMPLES];
    if (count > SAMPLES) count = SAMPLES;
    for (int p = 0; p < 3; p++)
        for (int y = 0; y < plate->plane[p].height; y++) {
            for (int i = 0; i < count; i++) rows[i] = frames[i]->plane[p].pixels + y * frames[i]->plane[p].stride;
            build_row(plate->plane[p].pixels + y * plate->plane[p].stride, rows, count, plate->plane[p].width);
        }
    return dfy_plate_alike(plate, frames[0], NOISE) >= 50 && dfy_plate_mean_share(plate, frames, count) >= share;
}
