/*
 * Sequences of 3D Gaussian-splat models ("volumetric video"): reading and writing models, and coding sequences.
 *
 * Synopsis (compiles as it stands, with a `write_to_file` of your own; `data`, `size` are a file's bytes):
 *
 *     DfySplats splats = {0};
 *     DfyMessage notes = {{0}};
 *     DfyMessage message = {{0}};
 *     if (dfy_splats_read(&splats, data, size, &notes, &message) != DFY_OK)
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
 * Parts: models, model files, errors between models, pictures of models, encoder, decoder.
 *
 * A model's numbers are those of training (INRIA's PLY): scales as natural logarithms, opacity before the sigmoid,
 * quaternions w x y z of any length, colour as spherical harmonics; x right, y down, z forward. Every call
 * returns a DfyStatus as in diffy.h.
 */
#ifndef DIFFY_SPLAT_H
#define DIFFY_SPLAT_H

#include "diffy/diffy.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DFY_SPLAT_MAX_COUNT (1u << 26) /* splats in a model */
#define DFY_SPLAT_MAX_DEGREE 4

/* ---------------------------------------------------------------- models */

/* One model. All zero is an empty one; the arrays are owned, see dfy_splats_alloc. */
typedef struct DfySplats {
    uint32_t count;
    int degree;      /* of the spherical harmonics, 0..4 */
    float *xyz;      /* count x 3 */
    float *rotation; /* count x 4: w, x, y, z */
    float *scale;    /* count x 3, ln */
    float *opacity;  /* count, logit */
    float *dc;       /* count x 3 */
    float *rest;     /* count x 3 x K, K = (degree + 1)^2 - 1: K of red, K of green, K of blue; NULL at degree 0 */
} DfySplats;

/*
 * What a model holds that codecs have no code for: how many splats have each. A sequence keeps such numbers exactly,
 * as they are, beside the coded ones; nothing is clamped or dropped.
 */
typedef struct DfySplatOddities {
    uint64_t not_finite; /* NaN in any number, infinity in any but the opacity, where it means fully there or not */
    uint64_t rotation;   /* a quaternion of (nearly) zero length, or of one beyond 1e17 */
    uint64_t scale;      /* a scale outside -12..12 */
    uint64_t position;   /* a coordinate beyond +-9e8 */
    uint64_t colour;     /* a colour coefficient beyond +-64 */
} DfySplatOddities;

/* Coefficients a colour channel has beyond the first. */
static inline int dfy_splat_rest(int degree) {
    return (degree + 1) * (degree + 1) - 1;
}

DFY_API int dfy_splats_alloc(DfySplats *splats, uint32_t count, int degree, DfyMessage *message);
DFY_API void dfy_splats_free(DfySplats *splats);
DFY_API int dfy_splats_copy(DfySplats *out, const DfySplats *in, DfyMessage *message);
/* Changes the degree: new coefficients are 0, those above are dropped. */
DFY_API int dfy_splats_set_degree(DfySplats *splats, int degree, DfyMessage *message);

/* Counts what is odd, adding to *oddities. */
DFY_API void dfy_splats_look(const DfySplats *splats, DfySplatOddities *oddities);
/* One sentence on *oddities for people; empty when there were none. */
DFY_API void dfy_splat_oddities_text(const DfySplatOddities *oddities, DfyMessage *text);
/* Makes every number usable for a renderer: what is odd becomes an invisible splat, a rotation of none, a limit. */
DFY_API void dfy_splats_sanitise(DfySplats *splats);

/* ---------------------------------------------------------------- model files */

typedef enum DfySplatFormat {
    DFY_SPLAT_PLY = 0,       /* INRIA, binary little-endian */
    DFY_SPLAT_PLY_ASCII = 1, /* INRIA, text */
    DFY_SPLAT_DOTSPLAT = 2,  /* .splat, 32 bytes a splat, degree 0 */
    DFY_SPLAT_SPZ = 3,       /* Niantic .spz, version 3 */
    DFY_SPLAT_SPZ2 = 4,      /* and the others */
    DFY_SPLAT_SPZ4 = 5,      /* needs zstd */
    DFY_SPLAT_SOG = 6,       /* PlayCanvas .sog, bundled; needs libwebp */
    DFY_SPLAT_GLB = 7,       /* binary glTF with KHR_gaussian_splatting */
    DFY_SPLAT_GLB_SPZ = 8,   /* the same with KHR_gaussian_splatting_compression_spz_2 */
    DFY_SPLAT_FORMATS = 9
} DfySplatFormat;

/*
 * Reads a model from a file's bytes; the kind is told by content: PLY (INRIA's properties in any order, with any number
 * of other elements; text, either byte order; colours as f_dc or red green blue; two scales as of flat splats;
 * PlayCanvas compressed), .spz of versions 2 to 4, .sog, glTF (.glb) with KHR_gaussian_splatting or its SPZ extension,
 * .splat. *splats must be empty; numbers come as they are in the file. *notes (may be NULL) gets sentences on what the
 * file holds and a model does not: unknown properties by name, other elements; empty when there is nothing.
 */
DFY_API int dfy_splats_read(DfySplats *splats, const uint8_t *data, size_t size_bytes, DfyMessage *notes,
                            DfyMessage *message);
/* What is lost when the model is written in a format, one sentence; empty when nothing but rounding is. */
DFY_API void dfy_splats_losses(const DfySplats *splats, DfySplatFormat format, DfyMessage *text);
DFY_API int dfy_splats_write(const DfySplats *splats, DfySplatFormat format, const DfyOutput *output,
                             DfyMessage *message);

/* ---------------------------------------------------------------- errors between models */

enum {
    DFY_SPLAT_POSITION, /* distance, in the model's unit */
    DFY_SPLAT_SCALE,    /* a component of ln scale */
    DFY_SPLAT_ALPHA,    /* after the sigmoid */
    DFY_SPLAT_DC,       /* a component of the first colour coefficient */
    DFY_SPLAT_ROTATION, /* angle, degrees */
    DFY_SPLAT_SH,       /* any other colour coefficient */
    DFY_SPLAT_ATTRIBUTES
};

/* "position", "scale", "alpha", "dc", "rotation", "sh". */
extern DFY_API const char *const dfy_splat_attribute_names[DFY_SPLAT_ATTRIBUTES];

typedef struct DfySplatErrors {
    double rms[DFY_SPLAT_ATTRIBUTES], p99[DFY_SPLAT_ATTRIBUTES], max[DFY_SPLAT_ATTRIBUTES];
    double diagonal;           /* of the reference's bounding box, its finite coordinates */
    uint32_t compared;         /* splats paired */
    uint32_t missing, surplus; /* of the reference without partner; of the other without partner */
    uint32_t other_forms;      /* pairs that were compared with the axes named in another order or reversed */
    uint32_t not_finite;       /* pairs in which a number was NaN or infinite in one but not the same in the other */
    int by_order;              /* splat i was compared with splat i */
} DfySplatErrors;

/* How splats are paired. */
typedef enum DfySplatPairing {
    DFY_SPLAT_PAIR_AUTO = 0,  /* by order where the two are plainly in the same order, else by place */
    DFY_SPLAT_PAIR_ORDER = 1, /* splat i with splat i */
    DFY_SPLAT_PAIR_PLACE = 2  /* searched: nearest first */
} DfySplatPairing;

/*
 * Pairs the splats of two models one to one and measures against the reference as it is. With `order` not NULL, splat
 * order[i] of the reference is splat i of the other, else pairing says how. A Gaussian can be written down in 24 forms,
 * by the order and direction of its axes: the other's is compared in the one nearest to the reference, and counted when
 * that is not as it stands. What is not finite and the same in both is no error.
 */
DFY_API int dfy_splats_compare(const DfySplats *reference, const DfySplats *other, const uint32_t *order,
                               DfySplatPairing pairing, DfySplatErrors *errors, DfyMessage *message);

/*
 * How close splats are together: that quantile (0..1) of the distances from splats to their nearest neighbours, those
 * of the same place left out. 0 when there are no two places, negative when there is no memory.
 */
DFY_API double dfy_splats_spacing(const DfySplats *splats, double quantile);

/* ---------------------------------------------------------------- pictures of models */

#define DFY_SPLAT_WIDEST_VIEW 8192

/*
 * A camera: with (X, Y, Z) = turn x (point - position), x right, y down, z forward, a point is seen at
 * (focal[0] x X / Z + width / 2, focal[1] x Y / Z + height / 2).
 */
typedef struct DfySplatCamera {
    double position[3], turn[9]; /* turn: row by row */
    double focal[2];             /* pixels */
    int width, height;           /* 1..DFY_SPLAT_WIDEST_VIEW */
} DfySplatCamera;

/*
 * `count` cameras spread evenly around a model, which look at its middle from outside, each with a picture of size x
 * size pixels; between: from other directions than those without. 0 or DFY_ERROR_MEMORY.
 */
DFY_API int dfy_splat_cameras_around(DfySplatCamera *cameras, int count, int between, int size_px,
                                     const DfySplats *splats);
/*
 * Draws a model on black. pixels (may be NULL) gets red, green, blue of each pixel as 0 (black) to 1 and beyond. seen
 * (may be NULL; a number a splat) grows to the largest part, 0..1, that a splat has in any pixel: 0 of what no camera
 * can see (NaN, an alpha below 1/255); of splats that are wholly outside of the picture it stays as it is.
 */
DFY_API int dfy_splats_render(const DfySplats *splats, const DfySplatCamera *camera, float *pixels, float *seen,
                              DfyMessage *message);
/* Takes out the splats whose flag is 0; the others keep their order. */
DFY_API void dfy_splats_keep(DfySplats *splats, const uint8_t *flags);

/* ---------------------------------------------------------------- sequences */

typedef struct DfySplatCodec DfySplatCodec; /* splat/codec.h; named in splat/registry.c */

/* NULL when there is none of that name. dfy_splat_codec_at lists them, the default first; NULL behind the last. */
DFY_API const DfySplatCodec *dfy_splat_codec(const char *name);
DFY_API const DfySplatCodec *dfy_splat_codec_at(int index);
DFY_API const char *dfy_splat_codec_name(const DfySplatCodec *codec);
DFY_API const char *dfy_splat_codec_description(const DfySplatCodec *codec);

/* Of the vqxyz codecs; the meanings and defaults are those of gsvvcompressor. */
typedef struct DfySplatVqSettings {
    int clusters_rotation_re, clusters_rotation_im, clusters_opacity, clusters_scale, clusters_dc; /* 256 each */
    int clusters_rest[4]; /* of each band of the spherical harmonics, 256 each */
    int max_degree;       /* higher degrees are dropped; 4 */
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
    int zstd_level;            /* of the codecs with zstd, 1..22: 7 */
} DfySplatVqSettings;

/* dfy_splat_defaults fills it in, its size first, as with DfyEncoderSettings. */
typedef struct DfySplatSettings {
    size_t struct_size;
    const DfySplatCodec *codec; /* NULL: the default */
    /* Default codec: wanted RMS of each attribute, as DfySplatErrors has it. A position error of 0 (the default) is
     * position_part of the first model's spacing, see dfy_splats_spacing and DFY_SPLAT_SPACING. */
    double error[DFY_SPLAT_ATTRIBUTES], position_part;
    /*
     * The largest error of each attribute, which the wanted RMS shrinks with where need be; 0 (the default): none, but
     * for positions with the default codec, which are at most DFY_SPLAT_FARTHEST times the wanted RMS off. The encoder
     * checks what the decoder will give, and keeps exactly what is farther off.
     */
    double max_error[DFY_SPLAT_ATTRIBUTES];
    /* Splats come back in the models' order: 1, 0, or -1 (default): where the second model has as many splats as the
     * first, so that they are the same ones by number. */
    int keep_order;
    int effort;                         /* 1 (fastest) .. 9 (smallest), default 5; default codec */
    int key_interval;                   /* frames from key frame to key frame at most, 90; 0: only where needed */
    int two_pass;                       /* keep all frames, look at all, then code; default 0 */
    int canonical;                      /* splats may change to an equal form (see DfySplatErrors): fewer bytes; 0 */
    int degree;                         /* of all models; -1 (default): their own, or that of one before */
    int frame_rate_num, frame_rate_den; /* recorded for players; 30/1 */
    uint64_t memory_limit_bytes;        /* of frames kept for two passes; 0: 2 GiB */
    DfySplatVqSettings vq;
    /* Every so many frames after a key frame one follows the key frame, not the frame before it, so that with the key
     * frame at hand no frame takes the decoding of more than so many: 1..65535, 8 by default; 0: none does. Codecs
     * other than the default have no such frames. */
    int access;
} DfySplatSettings;

/* As dfy_encoder_defaults_of and dfy_encoder_defaults. */
DFY_API void dfy_splat_defaults_of(DfySplatSettings *settings, size_t struct_size);
static inline void dfy_splat_defaults(DfySplatSettings *settings) {
    dfy_splat_defaults_of(settings, sizeof *settings);
}

/* Quantile of the distances between neighbours that positions' errors are parts of. */
#define DFY_SPLAT_SPACING 0.25
#define DFY_SPLAT_FARTHEST 1.65

/* Sets all errors for a quality of 1 (coarsest) to 100; 50 is the errors of .spz, 25 about those of vector
 * quantisation. */
DFY_API int dfy_splat_set_quality(DfySplatSettings *settings, int quality);

typedef struct DfySplatStats {
    uint64_t frames, key_frames, bytes, last_frame_bytes, splats;
    uint64_t order_bytes; /* what keeping the order took */
    uint64_t exact_bytes; /* what keeping numbers exactly took */
    uint64_t cut_models;  /* models whose degree settings.degree cut */
    int order_kept;
    double position_error; /* the wanted RMS, in the models' unit; 0 with codecs that have none */
    DfySplatOddities oddities;
} DfySplatStats;

typedef struct DfySplatEncoder DfySplatEncoder;

/* As with the video encoder: close it even after a failure, its message says why. */
DFY_API int dfy_splat_encoder_open(DfySplatEncoder **encoder, const DfySplatSettings *settings,
                                   const DfyOutput *output);
/* Takes a copy. A model of a lower degree than one before is padded with zeros; a higher one begins with a key frame.
 */
DFY_API int dfy_splat_encoder_push(DfySplatEncoder *encoder, const DfySplats *splats);
DFY_API int dfy_splat_encoder_finish(DfySplatEncoder *encoder, DfySplatStats *stats);
DFY_API void dfy_splat_encoder_stats(const DfySplatEncoder *encoder, DfySplatStats *stats);
/* Without keep_order: which splat of the model pushed last each decoded one is; NULL: the same, or not coded yet. */
DFY_API const uint32_t *dfy_splat_encoder_order(const DfySplatEncoder *encoder);
DFY_API const char *dfy_splat_encoder_message(const DfySplatEncoder *encoder);
DFY_API void dfy_splat_encoder_close(DfySplatEncoder **encoder);

typedef struct DfySplatInfo {
    char codec[32];
    int degree; /* of the first frame; later ones may have a higher one */
    int order_kept;
    /* What the encoder was asked for; 0: not stated. */
    double error[DFY_SPLAT_ATTRIBUTES], max_error[DFY_SPLAT_ATTRIBUTES];
    uint64_t frames, key_frames, bytes;
    int frame_rate_num, frame_rate_den;
    int complete; /* 0: the file was cut or never finished */
    int access;   /* as in the settings */
} DfySplatInfo;

typedef struct DfySplatDecoder DfySplatDecoder;

/*
 * extra: a codec beside the registry's, may be NULL. An input of DFY_FORWARD_ONLY is read as it comes: what is known of
 * it grows with it, and seeking back goes as far as the latest 128 MB.
 */
DFY_API int dfy_splat_decoder_open(DfySplatDecoder **decoder, const DfyInput *input, const DfySplatCodec *extra);
DFY_API int dfy_splat_decoder_info(const DfySplatDecoder *decoder, DfySplatInfo *info);
/* Bytes of a frame in the file, and whether decoding can begin with it. */
DFY_API int dfy_splat_decoder_frame(const DfySplatDecoder *decoder, uint64_t frame, uint64_t *bytes, int *is_key);
/*
 * The next frame, or DFY_END. *splats is the decoder's, valid until its next call. DFY_ERROR_DAMAGED means that
 * frames were lost: the call after it goes on with the next key frame.
 */
DFY_API int dfy_splat_decoder_next(DfySplatDecoder *decoder, const DfySplats **splats);
/* Makes `frame` the next one. */
DFY_API int dfy_splat_decoder_seek(DfySplatDecoder *decoder, uint64_t frame);
/*
 * Which splats of the model that was given last differ from the one given before it. *splats is the decoder's, valid
 * until its next call, in no order; NULL when all of them may (*count is the model's then).
 */
DFY_API void dfy_splat_decoder_changed(const DfySplatDecoder *decoder, const uint32_t **splats, uint32_t *count);
/*
 * Keeps what changed from frame to frame, so that going back, and forward again, needs no decoding; the oldest is
 * dropped beyond so many bytes, and at least one step is kept. 0 (the default): nothing is kept.
 */
DFY_API void dfy_splat_decoder_remember(DfySplatDecoder *decoder, uint64_t limit_bytes);
/*
 * What giving `frame` next will read: bytes of the file from *offset on (none: *bytes is 0), to decode the frames from
 * *first to *last. Where *last is before `frame`, it is a key frame that others return to: once it is decoded, ask
 * again. For those who fetch a file's bytes before they are asked for.
 */
DFY_API int dfy_splat_decoder_needs(const DfySplatDecoder *decoder, uint64_t frame, uint64_t *first, uint64_t *last,
                                    uint64_t *offset, uint64_t *bytes);
/*
 * A file that is still being fetched or written has now so many bytes: the frames that are whole by now can be decoded.
 * The decoder must have been opened on a part of it that has the first frame.
 */
DFY_API int dfy_splat_decoder_grow(DfySplatDecoder *decoder, uint64_t size_bytes);
DFY_API uint64_t dfy_splat_decoder_position(const DfySplatDecoder *decoder);
DFY_API const char *dfy_splat_decoder_message(const DfySplatDecoder *decoder);
DFY_API void dfy_splat_decoder_close(DfySplatDecoder **decoder);

#ifdef __cplusplus
}
#endif
#endif
