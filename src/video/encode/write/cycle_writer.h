/* Looks for cycles of the work in the sources, and writes those that were found. */
#ifndef DFY_VIDEO_CYCLE_WRITER_H
#define DFY_VIDEO_CYCLE_WRITER_H

#include "analysis/cycle_log.h"
#include "video/encode/write/segments.h"

typedef struct DfyCycleWriter {
    DfySegments *segments; /* borrowed */
    DfyCycleLog log;
    uint32_t cycles, canonicals; /* told */
    int in_eighths;              /* they are looked for in means of 8x8 blocks */
} DfyCycleWriter;

/* 0 or a negative status with a sentence, all below too. */
int dfy_cycle_writer_open(DfyCycleWriter *cycles, DfySegments *segments);
void dfy_cycle_writer_close(DfyCycleWriter *cycles);
/* Looks at a source, which has a pyramid. */
int dfy_cycle_writer_push(DfyCycleWriter *cycles, const DfyFrame *frame);
/* No more sources come. */
int dfy_cycle_writer_finish(DfyCycleWriter *cycles);

#endif
