/*
 * libdiffy: long video of repetitive work from a camera that hardly moves, made very small.
 *
 * Synopsis (compiles as it stands, with a `write_to_file` and a `read_at` of your own):
 *
 *     DfyEncoderSettings settings;
 *     dfy_encoder_defaults(&settings);
 *     settings.width = 640;  settings.height = 360;  settings.quality = 25;
 *     DfyOutput output = { .write = write_to_file, .opaque = file };
 *     DfyEncoder *encoder = NULL;
 *     if (dfy_encoder_open(&encoder, &settings, &output) != DFY_OK)
 *         puts(dfy_last_message(encoder));
 *     while (next_picture(&picture))
 *         dfy_encoder_push(encoder, &picture);
 *     DfyEncoderStats stats;
 *     dfy_encoder_finish(encoder, &stats);
 *     dfy_encoder_close(&encoder);
 *
 *     DfyInput input = { .read = read_at, .size_bytes = size, .opaque = file };
 *     DfyDecoder *decoder = NULL;
 *     dfy_decoder_open(&decoder, &input, NULL);
 *     DfyPicture decoded;
 *     while (dfy_decoder_next(decoder, &decoded) == DFY_OK)
 *         show(&decoded);
 *     dfy_decoder_close(&decoder);
 *
 * Parts: pictures, encoder, decoder, facts about a file (chunks, cycles, IMU), messages. Gaussian-splat
 * sequences have their own header, splat/splat.h.
 *
 * Every call returns 0 (DFY_OK), a positive state (DFY_END) or a negative DfyStatus; the sentence for people
 * is dfy_last_message(). The library opens no file, reads no clock and prints nothing. One encoder or decoder
 * may be used by one thread at a time; different ones are independent.
 */
#ifndef DIFFY_H
#define DIFFY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DFY_MAX_DIMENSION 8192 /* widest and highest picture, in pixels */

typedef enum DfyStatus {
    DFY_OK = 0,
    DFY_END = 1,                /* no more pictures */
    DFY_ERROR_ARGUMENT = -1,    /* a setting or argument out of range */
    DFY_ERROR_MEMORY = -2,      /* no memory, or a stated memory limit was reached */
    DFY_ERROR_IO = -3,          /* a read or write callback failed */
    DFY_ERROR_FORMAT = -4,      /* not a .dfy file, or one that breaks the format's rules */
    DFY_ERROR_DAMAGED = -5,     /* a chunk's checksum or content is wrong; what is whole still decodes */
    DFY_ERROR_UNSUPPORTED = -6, /* a valid file or setting that this build can't handle */
    DFY_ERROR_CANCELLED = -7    /* the progress callback asked to stop */
} DfyStatus;

/* Short English name of a status, never NULL; for example "out of memory". */
const char *dfy_strstatus(int status);

/* Of the library and the command line; package.json has the same. */
#define DFY_VERSION "0.1.0"

/* ---------------------------------------------------------------- pictures */

typedef enum DfyPixelFormat {
    DFY_PIXELS_I420 = 0, /* three planes, chroma (w+1)/2 x (h+1)/2 */
    DFY_PIXELS_RGB = 1,  /* plane[0], 3 bytes a pixel: R, G, B */
    DFY_PIXELS_RGBA = 2  /* plane[0], 4 bytes a pixel; alpha is ignored on input and 255 on output */
} DfyPixelFormat;

/* ITU-T H.273 code points of the matrices that occur in practice. */
typedef enum DfyMatrix {
    DFY_MATRIX_UNKNOWN = 2,
    DFY_MATRIX_BT709 = 1,
    DFY_MATRIX_BT601 = 6,
    DFY_MATRIX_BT2020 = 9
} DfyMatrix;
typedef enum DfyRange { DFY_RANGE_LIMITED = 0, DFY_RANGE_FULL = 1 } DfyRange;

/* A picture someone else owns. Strides are in bytes and may be larger than a row. */
typedef struct DfyPicture {
    DfyPixelFormat format;
    int width, height; /* pixels, 1..DFY_MAX_DIMENSION */
    uint8_t *plane[3]; /* read only where a function takes const DfyPicture * */
    ptrdiff_t stride_bytes[3];
    int64_t pts;      /* in ticks of the stream's time base; encoders need it strictly increasing */
    DfyMatrix matrix; /* of I420 pixels; RGB input is converted with the settings' matrix */
    DfyRange range;
} DfyPicture;

/*
 * Converts src into dst, whose format, size, planes and strides the caller has set; sizes must agree.
 * matrix and range of whichever side is I420 choose the transform (unknown: BT.601 below 720 rows, else BT.709).
 */
int dfy_picture_convert(DfyPicture *dst, const DfyPicture *src);

/* ---------------------------------------------------------------- encoder */

typedef enum DfyMode {
    DFY_MODE_TRAINING = 0, /* every frame keeps its own pixels */
    DFY_MODE_UPLOAD = 1    /* repetitions within clone_distance show what they repeat; none at quality 100 */
} DfyMode;

/* What an encoder is doing; version 1 goes through all, version 2 is in FRAMES until the end. */
typedef enum DfyStage {
    DFY_STAGE_BACKGROUND = 0,
    DFY_STAGE_FRAMES = 1,
    DFY_STAGE_CYCLES = 2,
    DFY_STAGE_DONE = 3
} DfyStage;

/* done and total in frames (total 0 when unknown). Return non-zero to cancel. */
typedef int (*DfyProgress)(void *opaque, DfyStage stage, uint64_t done, uint64_t total);

/* Appends size bytes; returns 0, or non-zero when they can't be kept. Files only ever grow. */
typedef struct DfyOutput {
    int (*write)(void *opaque, const uint8_t *data, size_t size_bytes);
    void *opaque;
} DfyOutput;

typedef struct DfyEncoderSettings {
    int width, height;                  /* pixels; must be set */
    int format;                         /* 1 or 2: the file's version */
    int quality;                        /* 1..100, default 25; in version 2, 100 is lossless */
    int frame_rate_num, frame_rate_den; /* nominal frames a second, default 30/1 */
    int time_base_num, time_base_den;   /* seconds a pts tick; 0/0 (default): one nominal frame a tick */
    DfyMode mode;
    DfyMatrix matrix; /* colour of I420 input, recorded in the file */
    DfyRange range;
    int effort;                  /* 1 (fastest) .. 9 (smallest), default 5; version 2 */
    int threads;                 /* 0: as many as there are processors */
    uint64_t target_size_bytes;  /* 0: constant quality; version 2 */
    uint64_t expected_frames;    /* 0: unknown; used by target size and by progress */
    uint64_t memory_limit_bytes; /* 0: the default, 2 GiB; version 1 holds all frames within it */
    /*
     * Upload mode: largest mean absolute difference of a clone from what it shows, in 8-bit levels; default 2. In
     * version 2 no cell of a grid of 64 x 36 may differ by more than 8 times that, but for what moves by a frame.
     */
    double clone_distance;
    /*
     * Version 2: longest time in seconds that the file waits for pictures already coded; 0: the usual 10, and 30 where
     * nothing moves. What a crash loses is that and the look-ahead of up to 33 frames. 2 suits a live recording.
     */
    double segment_seconds;
    int warmup_frames;       /* frames the first background is learnt from, default 300 */
    int use_temporal;        /* version 1: I/P coding of cycles, default 1; 0 writes "legacy" cycles */
    int use_bbox;            /* version 1: code only the foreground's box, default 1 */
    int use_vq;              /* version 1: vector-quantised canonicals, default 0 */
    int max_p_run;           /* version 1: longest run of P pictures, default 25 */
    int has_imu;             /* version 1: gyroscope samples will be pushed; warp pictures by them */
    double camera_matrix[9]; /* row by row, pixels; all 0: 90 degrees horizontal field of view */
    DfyProgress progress;    /* may be NULL */
    void *progress_opaque;
} DfyEncoderSettings;

typedef struct DfyEncoderStats {
    uint64_t frames;             /* pictures pushed, all of them in the file */
    uint64_t bytes;              /* written through the output */
    uint32_t cycles, canonicals; /* found */
} DfyEncoderStats;

typedef struct DfyEncoder DfyEncoder;

void dfy_encoder_defaults(DfyEncoderSettings *settings);

/*
 * Opens an encoder; settings and output are copied. On failure *encoder may still be set, so that
 * dfy_last_message can say why: close it in any case.
 */
int dfy_encoder_open(DfyEncoder **encoder, const DfyEncoderSettings *settings, const DfyOutput *output);

/* Takes a copy of what it needs; the picture's size must be the settings'. */
int dfy_encoder_push(DfyEncoder *encoder, const DfyPicture *picture);

/* One gyroscope sample: angular velocity in rad/s, and the seconds since the sample before. */
int dfy_encoder_push_gyro(DfyEncoder *encoder, const double xyz[3], double dt);

/* Writes all that is still held. stats may be NULL. Nothing may be pushed afterwards. */
int dfy_encoder_finish(DfyEncoder *encoder, DfyEncoderStats *stats);

/* Frees the encoder and sets *encoder to NULL; NULL is fine. */
void dfy_encoder_close(DfyEncoder **encoder);

/* Bytes written so far. */
uint64_t dfy_encoder_bytes_written(const DfyEncoder *encoder);

/* ---------------------------------------------------------------- decoder */

/* Reads up to size bytes at offset; returns the bytes read (fewer only at the end) or -1. */
typedef struct DfyInput {
    int64_t (*read)(void *opaque, uint64_t offset, uint8_t *data, size_t size_bytes);
    uint64_t size_bytes;
    void *opaque;
} DfyInput;

typedef struct DfyDecoderSettings {
    int threads;                 /* 0: as many as there are processors */
    uint64_t memory_limit_bytes; /* 0: 1 GiB; a file that needs more is refused with a sentence */
    int unwarp;                  /* version 1 with IMU: undo the encoder's warp */
} DfyDecoderSettings;

typedef struct DfyInfo {
    int format;             /* 1 or 2 */
    int width, height;      /* pixels */
    uint64_t frames;        /* that the file holds, which for old files isn't what their header says */
    uint64_t frames_stated; /* what the header says */
    int frame_rate_num, frame_rate_den;
    int time_base_num, time_base_den;
    int quality;
    DfyMode mode;
    DfyMatrix matrix;
    DfyRange range;
    DfyPixelFormat native_format; /* what dfy_decoder_next gives: RGB for version 1, I420 for version 2 */
    uint32_t chunks, cycles, canonicals;
    uint64_t imu_samples; /* quaternions, one a frame; 0: none */
    int lossless;
    int complete;          /* 0: the file was cut or never finished */
    uint64_t clone_frames; /* version 2, upload mode: frames that show an earlier one */
} DfyInfo;

typedef struct DfyDecoder DfyDecoder;

void dfy_decoder_defaults(DfyDecoderSettings *settings);

/* settings may be NULL for the defaults. As with the encoder, close it even after a failure. */
int dfy_decoder_open(DfyDecoder **decoder, const DfyInput *input, const DfyDecoderSettings *settings);
int dfy_decoder_info(const DfyDecoder *decoder, DfyInfo *info);

/*
 * The next picture in playing order, or DFY_END. The planes belong to the decoder and stay valid until its
 * next call. DFY_ERROR_DAMAGED means that pictures were lost here: the call after it goes on behind them.
 */
int dfy_decoder_next(DfyDecoder *decoder, DfyPicture *picture);

/* Makes frame (0 is the first) the next picture; DFY_ERROR_ARGUMENT past the end. */
int dfy_decoder_seek(DfyDecoder *decoder, uint64_t frame);

/* Frame number that dfy_decoder_next will give. */
uint64_t dfy_decoder_position(const DfyDecoder *decoder);
void dfy_decoder_close(DfyDecoder **decoder);

/*
 * Where an 8x8 block of a decoded picture came from: the pictures it was predicted from (two where they were blended,
 * none where it was made of the picture itself), and whether anything was coded for it.
 */
enum {
    DFY_ORIGIN_EARLIER = 1,  /* a picture shortly before */
    DFY_ORIGIN_LATER = 2,    /* a picture after it, which is decoded first */
    DFY_ORIGIN_PLATE = 4,    /* the background */
    DFY_ORIGIN_KEPT = 8,     /* a picture kept from longer ago, such as the same moment of an earlier cycle */
    DFY_ORIGIN_SKIPPED = 128 /* nothing was coded but where it came from: no difference, no motion of its own */
};

/* The blocks of a picture row by row; those at the right and lower side may reach beyond it. */
typedef struct DfyOrigins {
    int columns, rows;    /* width and height divided by 8, rounded up */
    const uint8_t *cells; /* columns * rows of DFY_ORIGIN_ bits; the decoder owns them */
} DfyOrigins;

/*
 * The origins of the picture that dfy_decoder_next gave last, valid as long as its planes. DFY_ERROR_UNSUPPORTED where
 * there are no such blocks (version 1, lossless files), DFY_ERROR_ARGUMENT when no picture was given since the last
 * opening, seek or failure. A clone's are those of the picture it shows.
 */
int dfy_decoder_origins(DfyDecoder *decoder, DfyOrigins *origins);

/* ---------------------------------------------------------------- facts about a file */

typedef struct DfyChunk {
    uint32_t type;
    const char *name;      /* "BACKGROUND", "SEGMENT", ... or "unknown"; static */
    uint64_t offset_bytes; /* of the chunk's own header */
    uint64_t payload_bytes;
    int has_checksum; /* version 1 has none */
    int damaged;      /* after dfy_decoder_verify: its checksum or content is wrong */
} DfyChunk;

/* One repetition of the work. */
typedef struct DfyCycle {
    uint64_t first_frame, frames;
    double start_seconds, seconds;
    uint32_t canonical;         /* the canonical it follows, counted from 0 */
    int is_canonical, is_clone; /* is_clone, in version 2: most of its frames are clones */
    double distance;            /* from its canonical, mean absolute level difference; -1: not recorded */
} DfyCycle;

int dfy_decoder_chunk(const DfyDecoder *decoder, uint32_t index, DfyChunk *chunk);
int dfy_decoder_cycle(const DfyDecoder *decoder, uint32_t index, DfyCycle *cycle);

/* Unit quaternion x, y, z, w of a frame. */
int dfy_decoder_imu(const DfyDecoder *decoder, uint64_t frame, double quaternion[4]);

/* The file's metadata as a JSON object; never NULL. The decoder owns it. */
const char *dfy_decoder_metadata(const DfyDecoder *decoder);

/* Reads the whole file and checks every checksum (version 1: that every chunk parses). */
int dfy_decoder_verify(DfyDecoder *decoder);

/* ---------------------------------------------------------------- messages */

/*
 * One sentence on the last failure or warning of this encoder or decoder: what, where, what to do. Empty when
 * there was none. Takes a DfyEncoder * or a DfyDecoder *; NULL gives a sentence on memory.
 */
const char *dfy_last_message(const void *encoder_or_decoder);

#ifdef __cplusplus
}
#endif
#endif
