/* What the readers and writers of model files share; each format is one file behind these calls. */
#ifndef DFY_SPLAT_FILES_H
#define DFY_SPLAT_FILES_H

#include "base/bytes.h"
#include "splat/splat.h"

#define DFY_SH_C0 0.28209479177387814

/* A PLY header: elements of scalar properties. Longer files are not splat models. */
enum { DFY_PLY_ELEMENTS = 4, DFY_PLY_PROPERTIES = 96, DFY_PLY_NAME = 24 };

typedef enum DfyPlyType {
    DFY_PLY_I8,
    DFY_PLY_U8,
    DFY_PLY_I16,
    DFY_PLY_U16,
    DFY_PLY_I32,
    DFY_PLY_U32,
    DFY_PLY_F32,
    DFY_PLY_F64
} DfyPlyType;

typedef struct DfyPlyProperty {
    char name[DFY_PLY_NAME];
    DfyPlyType type;
    uint32_t offset; /* bytes into the row */
} DfyPlyProperty;

typedef struct DfyPlyElement {
    char name[DFY_PLY_NAME];
    uint32_t count, row_bytes;
    int properties;
    DfyPlyProperty property[DFY_PLY_PROPERTIES];
    const uint8_t *rows; /* of binary files, count x row_bytes that are there */
} DfyPlyElement;

typedef struct DfyPly {
    int ascii, elements;
    DfyPlyElement element[DFY_PLY_ELEMENTS];
    DfyBytes body;
} DfyPly;

const DfyPlyElement *dfy_ply_element(const DfyPly *ply, const char *name);
/* Index of a property, -1 when there is none. */
int dfy_ply_property(const DfyPlyElement *element, const char *name);
double dfy_ply_value(const DfyPlyElement *element, uint32_t row, int property);

int dfy_read_ply(DfySplats *splats, const uint8_t *data, size_t size_bytes, DfyMessage *message);
int dfy_read_compressed_ply(DfySplats *splats, const DfyPly *ply, DfyMessage *message);
int dfy_read_dotsplat(DfySplats *splats, const uint8_t *data, size_t size_bytes, DfyMessage *message);
int dfy_read_spz(DfySplats *splats, const uint8_t *data, size_t size_bytes, DfyMessage *message);

/* Writers fill a buffer; dfy_splats_write passes it on. */
int dfy_write_ply(const DfySplats *splats, int ascii, DfyBuffer *buffer);
int dfy_write_dotsplat(const DfySplats *splats, DfyBuffer *buffer);
int dfy_write_spz(const DfySplats *splats, DfyBuffer *buffer);

double dfy_sigmoid(double x);
/* Inverse of the sigmoid; 0 and 1 give the largest logits that models keep. */
double dfy_logit(double p);
/* Rounds to 0..255. */
uint8_t dfy_to_byte(double x);

#endif
