/*
 * The METADATA chunk: JSON that readers of version 1 take the playing order from. This project adds keys that
 * other readers ignore: "cycles" (a list of [first frame, frames, canonical, distance, kind], kind 0 canonical,
 * 1 repeat, 2 clone), "mode", "camera_matrix" and "writer".
 */
#ifndef DFY_V1_METADATA_H
#define DFY_V1_METADATA_H

#include "base/bytes.h"
#include "diffy/diffy.h"

typedef struct DfyV1MapEntry {
    uint32_t kind, index; /* kind 0: the index-th canonical; 1: the index-th delta or clone */
} DfyV1MapEntry;

typedef enum DfyV1CycleKind { DFY_V1_KIND_CANONICAL = 0, DFY_V1_KIND_REPEAT = 1, DFY_V1_KIND_CLONE = 2 } DfyV1CycleKind;

typedef struct DfyV1CycleFact {
    uint64_t first_frame, frames;
    uint32_t canonical;
    double distance; /* -1: not measured */
    DfyV1CycleKind kind;
} DfyV1CycleFact;

typedef struct DfyV1Metadata {
    double quality;
    int from_library; /* use_temporal or use_bbox is there: written by the Python library's rules */
    int upload;
    int has_map;
    DfyV1MapEntry *map;
    uint32_t map_entries;
    DfyV1CycleFact *cycle;
    uint32_t cycles;
    double camera_matrix[9]; /* all 0: not stated */
    char *json;              /* printed again, so that it is an object whatever the file had; may be NULL */
} DfyV1Metadata;

/* A text that isn't a JSON object leaves everything empty and returns DFY_ERROR_DAMAGED. */
int dfy_v1_metadata_read(DfyV1Metadata *metadata, const uint8_t *text, size_t size);
void dfy_v1_metadata_free(DfyV1Metadata *metadata);

#endif
