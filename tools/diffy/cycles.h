/* The cycles of a file with their lengths' statistics. */
#ifndef DIFFY_CYCLES_H
#define DIFFY_CYCLES_H

#include "cli.h"

typedef struct CycleReport {
    DfyCycle *cycles;
    unsigned char *is_outlier; /* in length: see cycles.c */
    size_t count, outliers;
    double mean, deviation, shortest, longest; /* seconds */
} CycleReport;

int cycle_report_make(CycleReport *report, const DfyDecoder *decoder); /* complains by itself */
void cycle_report_free(CycleReport *report);

#endif
