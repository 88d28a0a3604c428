/* What the readers and writers of model files share; each format is one file behind these calls. */
#ifndef DFY_SPLAT_FILES_H
#define DFY_SPLAT_FILES_H

#include "base/bytes.h"
#include "base/status.h"
#include "diffy/splat.h"

#define DFY_SH_C0 0.28209479177387814

/* Bounds on a PLY header: what is longer is no splat model. */
enum { DFY_PLY_ELEMENTS = 1024, DFY_PLY_PROPERTIES = 4096, DFY_PLY_NAME = 64 };

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
    int is_list;
    DfyPlyType count_type; /* of a list */
    uint32_t offset;       /* bytes into the row, where no list is before it */
} DfyPlyProperty;

typedef struct DfyPlyElement {
    char name[DFY_PLY_NAME];
    uint32_t count, row_bytes; /* of rows without lists */
    int properties, capacity, lists, big_endian;
    DfyPlyProperty *property;
    const uint8_t *rows; /* of binary files: all of them are there */
} DfyPlyElement;

typedef struct DfyPly {
    int ascii, big_endian, elements, capacity;
    DfyPlyElement *element;
    DfyBytes body;
} DfyPly;

/* The header, and in binary files where the rows are; a cut file is refused. dfy_ply_free in any case. */
int dfy_ply_open(DfyPly *ply, const uint8_t *data, size_t size_bytes, DfyMessage *message);
void dfy_ply_free(DfyPly *ply);
const DfyPlyElement *dfy_ply_element(const DfyPly *ply, const char *name);
/* Index of a property, -1 when there is none. */
int dfy_ply_property(const DfyPlyElement *element, const char *name);
/* Of an element without lists. */
double dfy_ply_value(const DfyPlyElement *element, uint32_t row, int property);
/* The next number of a binary body, or of a text one; 0 when there is none. */
int dfy_ply_next(DfyBytes *body, DfyPlyType type, int big_endian, double *value);
int dfy_ply_next_text(DfyBytes *body, double *value);
int dfy_ply_type_bytes(DfyPlyType type);

/* Natural logarithms of sizes that single precision has, for formats with sizes as such. */
#define DFY_LEAST_SIZE (-87.0f)
#define DFY_MOST_SIZE 88.0f

/* Appends to a list in a note: "Not kept: a, b"; what has no room becomes "and more". */
void dfy_note(DfyMessage *notes, const char *format, ...) __attribute__((format(printf, 2, 3)));

int dfy_read_ply(DfySplats *splats, const uint8_t *data, size_t size_bytes, DfyMessage *notes, DfyMessage *message);
int dfy_read_compressed_ply(DfySplats *splats, const DfyPly *ply, DfyMessage *message);
int dfy_read_dotsplat(DfySplats *splats, const uint8_t *data, size_t size_bytes, DfyMessage *message);
/* Whether bytes may be a .splat file at all: its length and the numbers in it. */
int dfy_is_dotsplat(const uint8_t *data, size_t size_bytes);
int dfy_read_spz(DfySplats *splats, const uint8_t *data, size_t size_bytes, DfyMessage *notes, DfyMessage *message);
int dfy_read_sog(DfySplats *splats, const uint8_t *data, size_t size_bytes, DfyMessage *notes, DfyMessage *message);
int dfy_read_gltf(DfySplats *splats, const uint8_t *data, size_t size_bytes, DfyMessage *notes, DfyMessage *message);

/* The highest degree of colours that a format has. */
int dfy_format_degree(DfySplatFormat format);

/* Writers fill a buffer; dfy_splats_write passes it on. */
int dfy_write_ply(const DfySplats *splats, int ascii, DfyBuffer *buffer);
int dfy_write_dotsplat(const DfySplats *splats, DfyBuffer *buffer);
int dfy_write_spz(const DfySplats *splats, int version, DfyBuffer *buffer);
int dfy_write_sog(const DfySplats *splats, DfyBuffer *buffer);
/* Sign of colour coefficient k beyond the first, between models here and those of glTF. */
int dfy_gltf_turn_rest(size_t k);
int dfy_write_gltf(const DfySplats *splats, int spz, DfyBuffer *buffer);

double dfy_sigmoid(double x);
/* Inverse of the sigmoid; 0 and 1 give the largest logits that models keep. */
double dfy_logit(double p);
/* Rounds to 0..255. */
uint8_t dfy_to_byte(double x);

#endif
