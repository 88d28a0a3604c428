/*
 * Statistics of cycles. An outlier is a cycle whose length is further from the median than 3.5 deviations, the
 * deviation estimated from the median distance (x 1.4826), so that the outliers themselves don't hide it. Below a
 * twentieth of the median nothing counts as an outlier: very even work would otherwise report single frames.
 */
#include "cycles.h"

#include <math.h>
#include <stdlib.h>

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count) {
    qsort(values, count, sizeof *values, by_value);
    return count & 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static void measure_lengths(CycleReport *r) {
    r->shortest = INFINITY;
    for (size_t i = 0; i < r->count; i++) {
        double seconds = r->cycles[i].seconds;
        r->mean += seconds / (double)r->count;
        r->shortest = fmin(r->shortest, seconds);
        r->longest = fmax(r->longest, seconds);
    }
    for (size_t i = 0; i < r->count; i++) {
        double off = r->cycles[i].seconds - r->mean;
        r->deviation += off * off / (double)r->count;
    }
    r->deviation = sqrt(r->deviation);
}

static int mark_outliers(CycleReport *r) {
    double *values = malloc(r->count * sizeof *values);
    if (!values) return -1;
    for (size_t i = 0; i < r->count; i++) values[i] = r->cycles[i].seconds;
    double middle = median(values, r->count);
    for (size_t i = 0; i < r->count; i++) values[i] = fabs(r->cycles[i].seconds - middle);
    double limit = fmax(3.5 * 1.4826 * median(values, r->count), middle / 20);
    free(values);
    for (size_t i = 0; i < r->count; i++)
        if (r->count > 2 && fabs(r->cycles[i].seconds - middle) > limit) {
            r->is_outlier[i] = 1;
            r->outliers++;
        }
    return 0;
}

int cycle_report_make(CycleReport *report, const DfyDecoder *decoder) {
    *report = (CycleReport){0};
    DfyInfo info;
    if (dfy_decoder_info(decoder, &info) || !info.cycles) return STATUS_GOOD;
    report->cycles = calloc(info.cycles, sizeof *report->cycles);
    report->is_outlier = calloc(info.cycles, 1);
    if (!report->cycles || !report->is_outlier) return complain("There is no memory left for %u cycles.", info.cycles);
    for (uint32_t i = 0; i < info.cycles; i++)
        if (!dfy_decoder_cycle(decoder, i, &report->cycles[report->count])) report->count++;
    if (!report->count) return STATUS_GOOD;
    measure_lengths(report);
    if (mark_outliers(report)) return complain("There is no memory left for %u cycles.", info.cycles);
    return STATUS_GOOD;
}

void cycle_report_free(CycleReport *report) {
    free(report->cycles);
    free(report->is_outlier);
    *report = (CycleReport){0};
}
