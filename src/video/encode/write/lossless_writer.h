/* Quality 100: pictures are coded one by one as they come. */
#ifndef DFY_VIDEO_LOSSLESS_WRITER_H
#define DFY_VIDEO_LOSSLESS_WRITER_H

#include "video/encode/write/segments.h"
#include "video/syntax/lossless.h"

typedef struct DfyLosslessWriter {
    DfyLossless *lossless; /* NULL: not such a file */
    DfyLosslessBlock *blocks;
    DfyFrame *source; /* to be filled before each picture is coded */
} DfyLosslessWriter;

/* 0 or DFY_ERROR_MEMORY; to be closed in any case. */
int dfy_lossless_writer_open(DfyLosslessWriter *writer, const DfyStream *stream);
void dfy_lossless_writer_close(DfyLosslessWriter *writer);

/* Codes the source into a segment's coder; effort 1..9 as in the settings. 0 or DFY_ERROR_MEMORY. */
int dfy_lossless_writer_code(DfyLosslessWriter *writer, DfySegments *segments, int effort);

#endif
