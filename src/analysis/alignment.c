#include "analysis/alignment.h"

#include <stdlib.h>

#define BAND_SHARE 2 /* of its length that a moment may be moved from where it would be at an even pace */
#define FAR (UINT32_MAX / 2)

enum { FROM_BOTH, FROM_OWN, FROM_OTHER };

void dfy_alignment_close(DfyAlignment *a) {
    free(a->cost);
    free(a->step);
    a->cost = NULL;
    a->step = NULL;
    a->capacity = 0;
}

static int reserve(DfyAlignment *a, size_t need) {
    if (need <= a->capacity) return DFY_OK;
    dfy_alignment_close(a);
    a->cost = malloc(need * sizeof *a->cost);
    a->step = malloc(need);
    if (!a->cost || !a->step) return DFY_ERROR_MEMORY;
    a->capacity = need;
    return DFY_OK;
}

/* Sum of differences, light that changed as a whole aside. */
static uint32_t apart(const DfyDescriptor *a, const DfyDescriptor *b) {
    int sum = 0, offset = 0;
    for (int k = 0; k < DFY_CELLS; k++) offset += a->cell[k] - b->cell[k];
    offset /= DFY_CELLS;
    for (int k = 0; k < DFY_CELLS; k++) sum += abs(a->cell[k] - b->cell[k] - offset);
    return (uint32_t)sum;
}

/* The cheapest way to moment m of a row from what was reached before; FAR: there is none. */
static uint32_t cheapest(const uint32_t *row, const uint32_t *before, uint32_t m, uint8_t *step) {
    uint32_t best = FAR;
    *step = FROM_BOTH;
    if (before && m && before[m - 1] < best) best = before[m - 1];
    if (before && before[m] < best) {
        best = before[m];
        *step = FROM_OWN;
    }
    if (m && row[m - 1] < best) {
        best = row[m - 1];
        *step = FROM_OTHER;
    }
    return best;
}

static void go_back(DfyAlignment *a, uint32_t frames, uint32_t width, uint32_t m, int open_start) {
    for (uint32_t t = frames - 1;;) {
        a->moment[t] = (uint16_t)m;
        uint8_t step = a->step[(size_t)t * width + m];
        if (!t && (!m || open_start)) return;
        if (step != FROM_OWN) m--;
        if (step != FROM_OTHER) t--;
    }
}

int dfy_align(DfyAlignment *a, const DfyDescriptor *own, uint32_t frames, const DfyDescriptor *other, uint32_t width,
              int open_start, int open_end) {
    if (reserve(a, (size_t)frames * width)) return DFY_ERROR_MEMORY;
    uint32_t band = width / BAND_SHARE + (frames > width ? frames - width : width - frames);
    uint32_t *row = a->cost, *before = NULL;
    for (uint32_t t = 0; t < frames; t++, before = row, row += width)
        for (uint32_t m = 0; m < width; m++) {
            uint32_t best = cheapest(row, before, m, &a->step[(size_t)t * width + m]);
            if (!t && (!m || open_start)) best = 0;
            int outside = !open_start && !open_end && (m > t + band || t > m + band);
            row[m] = best == FAR || outside ? FAR : best + apart(&own[t], &other[m]);
        }
    uint32_t end = width - 1;
    for (uint32_t m = 0; open_end && m < width; m++)
        if (before[m] < before[end]) end = m;
    go_back(a, frames, width, end, open_start);
    return DFY_OK;
}
