/* The writer of version 1, shared by its parts. */
#ifndef DFY_V1_WRITER_H
#define DFY_V1_WRITER_H

#include "analysis/background.h"
#include "base/format.h"
#include "container/chunks_v1.h"
#include "v1/picture_coder.h"

#define DFY_V1_JPEG_QUALITY 85

typedef struct DfyV1Writer {
    DfyEncoderSettings settings;
    DfyOutput output;
    DfyMessage *message;
    DfyPicture *frame; /* held, I420 */
    uint64_t frames, capacity;
    DfyBackground background;
    DfyPicture plate; /* RGB, as decoded */
} DfyV1Writer;

#endif
