/* What `diffy analyse` finds out of a recording for all that encode parts of it: its background. */
#ifndef DIFFY_ANALYSIS_H
#define DIFFY_ANALYSIS_H

#include "cli.h"

enum { ANALYSIS_SAMPLES = 22 }; /* as many frames as an encoder of 1080p makes a background of */

typedef struct Analysis {
    uint8_t *background;
    size_t background_bytes;
    uint32_t check; /* of these bytes: parts of one recording have the same */
} Analysis;

/* Reads what an analysis found, for a recording with such settings (NULL: any). Complains by itself: 0 or
 * STATUS_FAILED. */
int analysis_read(Analysis *analysis, const char *path, const DfyEncoderSettings *settings);
void analysis_free(Analysis *analysis);

#endif
