/* The background's JPEG, by libjpeg-turbo. */
#ifndef DFY_V1_JPEG_H
#define DFY_V1_JPEG_H

#include "base/bytes.h"
#include "base/status.h"

/* Decodes into an RGB picture whose size the JPEG must have. */
int dfy_v1_jpeg_read(DfyPicture *picture, const uint8_t *data, size_t size, DfyMessage *message);

/* Baseline, three components, optimised Huffman tables. */
int dfy_v1_jpeg_write(DfyBuffer *out, const DfyPicture *picture, int quality, DfyMessage *message);

#endif
