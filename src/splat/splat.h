/*
 * Sequences of 3D Gaussian-splat models ("volumetric video"): reading and writing models, and coding sequences.
 *
 * Synopsis (compiles as it stands, with a `write_to_file` of your own; `data`, `size` are a file's bytes):
 *
 *     DfySplats splats = {0};
 *     DfySplatRepairs repairs;
 *     DfyMessage message = {{0}};
 *     if (dfy_splats_read(&splats, data, size, &repairs, &message) != DFY_OK)
 *         puts(message.text);
 *     DfySplatSettings settings;
 *     dfy_splat_defaults(&settings);
 *     DfyOutput output = { .write = write_to_file, .opaque = file };
 *     DfySplatEncoder *encoder = NULL;
 *     dfy_splat_encoder_open(&encoder, &settings, &output);
 *     dfy_splat_encoder_push(encoder, &splats);           // once a frame
 *     dfy_splat_encoder_finish(encoder, NULL);
 *     dfy_splat_encoder_close(&encoder);
 *     dfy_splats_free(&splats);
 *
 * Parts: models, model files, errors between models, encoder, decoder.
 *
 * A model's numbers are those of training (INRIA's PLY): scales as natural logarithms, opacity before the sigmoid,
 * quaternions w x y z of any length, colour as spherical harmonics; x right, y down, z forward. Every call
 * returns a DfyStatus as in diffy.h.
 */
#ifndef DIFFY_SPLAT_H
#define DIFFY_SPLAT_H

#include "base/status.h"
#include "diffy.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DFY_SPLAT_MAX_COUNT (1u << 26) /* splats in a model */
#define DFY_SPLAT_MAX_DEGREE 3

/* ---------------------------------------------------------------- models */

/* One model. All zero is an empty one; the arrays are owned, see dfy_splats_alloc. */
typedef struct DfySplats {
    uint32_t count;
    int degree;      /* of the spherical harmonics, 0..3 */
    float *xyz;      /* count x 3 */
    float *rotation; /* count x 4: w, x, y, z */
    float *scale;    /* count x 3, ln */
    float *opacity;  /* count, logit */
    float *dc;       /* count x 3 */
    float *rest;     /* count x 3 x K, K = (degree + 1)^2 - 1: K of red, K of green, K of blue; NULL at degree 0 */
} DfySplats;

/* What was made safe on reading or encoding: how many splats had each fault. */
typedef struct DfySplatRepairs {
    uint64_t not_finite; /* NaN or infinity in any number */
    uint64_t rotation;   /* a quaternion of (nearly) zero length: made 1 0 0 0 */
    uint64_t scale;      /* a scale outside -12..12: clamped */
    uint64_t position;   /* a coordinate beyond +-1e6: clamped */
    uint64_t range;      /* an opacity beyond +-16 or a colour beyond +-64: clamped */
} DfySplatRepairs;

/* Coefficients a colour channel has beyond the first. */
static inline int dfy_splat_rest(int degree) {
    return (degree + 1) * (degree + 1) - 1;
}

int dfy_splats_alloc(DfySplats *splats, uint32_t count, int degree, DfyMessage *message);
void dfy_splats_free(DfySplats *splats);
int dfy_splats_copy(DfySplats *out, const DfySplats *in, DfyMessage *message);
/* Changes the degree: new coefficients are 0, those above are dropped. */
int dfy_splats_set_degree(DfySplats *splats, int degree, DfyMessage *message);

/* Makes every number usable (see DfySplatRepairs), adding to *repairs, which may be NULL. */
void dfy_splats_sanitise(DfySplats *splats, DfySplatRepairs *repairs);
/* One sentence on *repairs for people; empty when there were none. */
void dfy_splat_repairs_text(const DfySplatRepairs *repairs, DfyMessage *text);

/* ---------------------------------------------------------------- model files */

typedef enum DfySplatFormat {
    DFY_SPLAT_PLY = 0,       /* INRIA, binary little-endian */
    DFY_SPLAT_PLY_ASCII = 1, /* INRIA, text */
    DFY_SPLAT_DOTSPLAT = 2,  /* .splat, 32 bytes a splat, degree 0 */
    DFY_SPLAT_SPZ = 3        /* Niantic .spz, version 3 */
} DfySplatFormat;

/*
 * Reads a model from a file's bytes: PLY (INRIA in any property order, PlayCanvas compressed), .spz, .splat; the
 * kind is told by content. The model is sanitised and *repairs (may be NULL) set. *splats must be empty.
 */
int dfy_splats_read(DfySplats *splats, const uint8_t *data, size_t size_bytes, DfySplatRepairs *repairs,
                    DfyMessage *message);
int dfy_splats_write(const DfySplats *splats, DfySplatFormat format, const DfyOutput *output, DfyMessage *message);

/* ---------------------------------------------------------------- errors between models */

enum {
    DFY_SPLAT_POSITION, /* distance, in parts of the reference's bounding-box diagonal */
    DFY_SPLAT_SCALE,    /* a component of ln scale */
    DFY_SPLAT_ALPHA,    /* after the sigmoid */
    DFY_SPLAT_DC,       /* a component of the first colour coefficient */
    DFY_SPLAT_ROTATION, /* angle, degrees */
    DFY_SPLAT_SH,       /* any other colour coefficient */
    DFY_SPLAT_ATTRIBUTES
};

/* "position", "scale", "alpha", "dc", "rotation", "sh". */
extern const char *const dfy_splat_attribute_names[DFY_SPLAT_ATTRIBUTES];

typedef struct DfySplatErrors {
    double rms[DFY_SPLAT_ATTRIBUTES], max[DFY_SPLAT_ATTRIBUTES];
    uint32_t compared;         /* splats paired */
    uint32_t missing, surplus; /* of the reference without partner; of the other without partner */
    uint32_t other_forms;      /* pairs that were compared with the axes named in another order or reversed */
} DfySplatErrors;

/*
 * Pairs the splats of two models one to one (coded models come back in another order) and measures. With `order`,
 * splat order[i] of the reference is splat i of the other; with NULL, pairs are searched: nearest first. A Gaussian
 * can be written down in 24 forms, by the order and direction of its axes: the other's is compared in the one nearest
 * to the reference, and counted when that is not as it stands.
 */
int dfy_splats_compare(const DfySplats *reference, const DfySplats *other, const uint32_t *order,
                       DfySplatErrors *errors, DfyMessage *message);

/* ---------------------------------------------------------------- sequences */

typedef struct DfySplatCodec DfySplatCodec; /* splat/codec.h; named in splat/registry.c */

/* NULL when there is none of that name. dfy_splat_codec_at lists them, the default first; NULL behind the last. */
const DfySplatCodec *dfy_splat_codec(const char *name);
const DfySplatCodec *dfy_splat_codec_at(int index);
const char *dfy_splat_codec_name(const DfySplatCodec *codec);
const char *dfy_splat_codec_description(const DfySplatCodec *codec);

/* Of the vqxyz codecs; the meanings and defaults are those of gsvvcompressor. */
typedef struct DfySplatVqSettings {
    int clusters_rotation_re, clusters_rotation_im, clusters_opacity, clusters_scale, clusters_dc; /* 256 each */
    int clusters_rest[3]; /* of each band of the spherical harmonics, 256 each */
    int max_degree;       /* higher degrees are dropped; 3 */
    double tolerance;     /* at which clustering stops, 1e-6 */
    int iterations;       /* at most, 500 */
    /* Position: step = alpha x the quantile of distances to the k-th neighbours of `samples` splats. */
    int neighbour;             /* k, 1 */
    uint32_t samples;          /* 10,000 */
    uint64_t seed;             /* 42 */
    double quantile;           /* 0.05 */
    double alpha;              /* 0.2 */
    double min_step, max_step; /* limits of the step; 0: none */
    double xyz_tolerance;      /* steps a position may move and count as unmoved, 0 */
} DfySplatVqSettings;

typedef struct DfySplatSettings {
    const DfySplatCodec *codec;         /* NULL: the default */
    double error[DFY_SPLAT_ATTRIBUTES]; /* wanted RMS of each attribute, as DfySplatErrors has it; default codec */
    int effort;                         /* 1 (fastest) .. 9 (smallest), default 5; default codec */
    int key_interval;                   /* frames from key frame to key frame at most, 90; 0: only where needed */
    int two_pass;                       /* keep all frames, look at all, then code; default 0 */
    int canonical;                      /* splats may change to an equal form (see DfySplatErrors): fewer bytes; 0 */
    int degree;                         /* of the sequence; -1 (default): the first frame's */
    int frame_rate_num, frame_rate_den; /* recorded for players; 30/1 */
    uint64_t memory_limit_bytes;        /* of frames kept for two passes; 0: 2 GiB */
    DfySplatVqSettings vq;
} DfySplatSettings;

void dfy_splat_defaults(DfySplatSettings *settings);
/* Sets all errors for a quality of 1 (coarsest) to 100; 50 is the errors of .spz, 25 about those of vector
 * quantisation. */
int dfy_splat_set_quality(DfySplatSettings *settings, int quality);

typedef struct DfySplatStats {
    uint64_t frames, key_frames, bytes, last_frame_bytes, splats;
    DfySplatRepairs repairs;
} DfySplatStats;

typedef struct DfySplatEncoder DfySplatEncoder;

/* As with the video encoder: close it even after a failure, its message says why. */
int dfy_splat_encoder_open(DfySplatEncoder **encoder, const DfySplatSettings *settings, const DfyOutput *output);
/* Takes a copy; models of another degree than the sequence's are padded or cut. */
int dfy_splat_encoder_push(DfySplatEncoder *encoder, const DfySplats *splats);
int dfy_splat_encoder_finish(DfySplatEncoder *encoder, DfySplatStats *stats);
void dfy_splat_encoder_stats(const DfySplatEncoder *encoder, DfySplatStats *stats);
/* Which splat of the model pushed last each decoded one is, for measuring; NULL: the same, or not coded yet. */
const uint32_t *dfy_splat_encoder_order(const DfySplatEncoder *encoder);
const char *dfy_splat_encoder_message(const DfySplatEncoder *encoder);
void dfy_splat_encoder_close(DfySplatEncoder **encoder);

typedef struct DfySplatInfo {
    char codec[32];
    int degree;
    uint64_t frames, key_frames, bytes;
    int frame_rate_num, frame_rate_den;
    int complete; /* 0: the file was cut or never finished */
} DfySplatInfo;

typedef struct DfySplatDecoder DfySplatDecoder;

/* extra: a codec beside the registry's, may be NULL. */
int dfy_splat_decoder_open(DfySplatDecoder **decoder, const DfyInput *input, const DfySplatCodec *extra);
int dfy_splat_decoder_info(const DfySplatDecoder *decoder, DfySplatInfo *info);
/* Bytes of a frame in the file, and whether decoding can begin with it. */
int dfy_splat_decoder_frame(const DfySplatDecoder *decoder, uint64_t frame, uint64_t *bytes, int *is_key);
/*
 * The next frame, or DFY_END. *splats is the decoder's, valid until its next call. DFY_ERROR_DAMAGED means that
 * frames were lost: the call after it goes on with the next key frame.
 */
int dfy_splat_decoder_next(DfySplatDecoder *decoder, const DfySplats **splats);
/* Makes `frame` the next one. */
int dfy_splat_decoder_seek(DfySplatDecoder *decoder, uint64_t frame);
uint64_t dfy_splat_decoder_position(const DfySplatDecoder *decoder);
const char *dfy_splat_decoder_message(const DfySplatDecoder *decoder);
void dfy_splat_decoder_close(DfySplatDecoder **decoder);

#ifdef __cplusplus
}
#endif
#endif
