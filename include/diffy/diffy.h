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
 * sequences have their own header, diffy/splat.h.
 *
 * Every call returns 0 (DFY_OK), a positive state (DFY_END) or a negative DfyStatus; the sentence for people
 * is dfy_last_message(). The library opens no file, reads no clock and prints nothing. One encoder or decoder
 * may be used by one thread at a time; different ones are independent.
 */
#ifndef DIFFY_H
#define DIFFY_H

#include <stddef.h>
#include <stdint.h>

#include "diffy/version.h"

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

/* A sentence for people, cut where it would be longer. */
typedef struct DfyMessage {
    char text[320];
} DfyMessage;

/* DFY_VERSION of the library that is linked, which may be another than that of the headers. */
DFY_API const char *dfy_version(void);

/* Short English name of a status, never NULL; for example "out of memory". */
DFY_API const char *dfy_strstatus(int status);

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
    int width, height;       /* pixels, 1..DFY_MAX_DIMENSION */
    const uint8_t *plane[3]; /* whoever owns the memory writes it by a pointer of its own, or dfy_picture_pixels */
    ptrdiff_t stride_bytes[3];
    int64_t pts;      /* in ticks of the stream's time base; encoders need it strictly increasing */
    DfyMatrix matrix; /* of I420 pixels; RGB input is converted with the settings' matrix */
    DfyRange range;
} DfyPicture;

/* A plane of a picture whose memory is yours to write. */
static inline uint8_t *dfy_picture_pixels(const DfyPicture *picture, int plane) {
    return (uint8_t *)picture->plane[plane];
}

/*
 * Converts src into dst, whose format, size, planes and strides the caller has set; sizes must agree.
 * matrix and range of whichever side is I420 choose the transform (unknown: BT.601 below 720 rows, else BT.709).
 */
DFY_API int dfy_picture_convert(DfyPicture *dst, const DfyPicture *src);

/* ---------------------------------------------------------------- sound */

/*
 * Sound is kept as it came: packets of the source's codec, not decoded and not made smaller. The codec goes by FFmpeg's
 * name ("aac", "opus", "mp3", "flac", "pcm_s16le"), config is what its decoder must know beforehand (AAC's
 * AudioSpecificConfig, OpusHead, FLAC's STREAMINFO; empty for others).
 */
typedef struct DfySound {
    char codec[32];
    int sample_rate, channels;
    int time_base_num, time_base_den; /* seconds a tick of the packets' times */
    const uint8_t *config;
    size_t config_bytes;
} DfySound;

typedef struct DfySoundPacket {
    const uint8_t *data;
    size_t size_bytes;
    int64_t pts, duration; /* ticks; pts 0 is where the pictures' is, earlier ones are negative */
} DfySoundPacket;

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

/*
 * dfy_encoder_defaults fills it in, its size first: programs that were compiled with an older, smaller struct go on
 * working with newer libraries, and new fields are added at the end.
 */
typedef struct DfyEncoderSettings {
    size_t struct_size;                 /* of this struct, as the caller was compiled with it */
    int width, height;                  /* pixels; must be set */
    int format;                         /* 1 or 2: the file's version */
    int quality;                        /* 1..100, default 25; in version 2, 100 is lossless */
    int frame_rate_num, frame_rate_den; /* nominal frames a second, default 30/1 */
    int time_base_num, time_base_den;   /* seconds a pts tick; 0/0 (default): one nominal frame a tick */
    DfyMode mode;
    DfyMatrix matrix; /* colour of I420 input, recorded in the file */
    DfyRange range;
    /*
     * Version 2 keeps these in the file and changes no pixel by them. Primaries and transfer are code points of H.273,
     * 2 (default) or 0 for unknown. The sample aspect is the width of a pixel to its height, 1/1 for square, 0/0
     * (default) for unknown. The orientation is EXIF's, 1 (default, or 0: upright) to 8: what a player does to a
     * picture before it shows it. The start is the wall clock at pts 0 in microseconds since 1970 UTC, 0 for unknown.
     */
    int primaries, transfer; /* 0..255 */
    int sample_aspect_num, sample_aspect_den;
    int orientation;
    int64_t start_unix_us;      /* 0 or later */
    int effort;                 /* 1 (fastest) .. 9 (smallest), default 5; version 2 */
    int threads;                /* 0: as many as there are processors */
    uint64_t target_size_bytes; /* 0: constant quality; version 2 */
    /* 0: unknown. For progress and the target size; else it never changes what is written. */
    uint64_t expected_frames;
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
    int has_imu;             /* gyroscope samples will be pushed; version 1 warps pictures by them, 2 only keeps them */
    double camera_matrix[9]; /* row by row, pixels; all 0: 90 degrees horizontal field of view */
    DfyProgress progress;    /* may be NULL */
    void *progress_opaque;
    /*
     * Version 2: what else the file is to say of itself, a JSON object of up to 1 MiB that ends with a zero byte, or
     * NULL; dfy_decoder_metadata gives it back as it is. Read by dfy_encoder_open alone.
     */
    const char *metadata;
    /*
     * Version 2: no frame needs more than so many coded pictures (2..7) beside the background and the two anchors
     * around it, one in 32 frames (8 at 2, 16 at 3 and in large pictures); for files that are read in random order.
     * What a frame needs lies in three stretches of the file. Files are larger the fewer these are. 0 (default): as
     * many as it takes. No clones are made and nothing is taken from earlier cycles then.
     */
    int access_pictures;
    /*
     * Version 2: payload of a BACKGROUND chunk of another file, of pictures of this size, that the file is to begin
     * with where four fifths of its first frames show it. Files that begin with the same share it when they are joined.
     * NULL, 0 (default): the first frames' own. Read by dfy_encoder_open alone.
     */
    const uint8_t *background;
    size_t background_bytes;
} DfyEncoderSettings;

typedef struct DfyEncoderStats {
    uint64_t frames;             /* pictures pushed, all of them in the file */
    uint64_t bytes;              /* written through the output */
    uint32_t cycles, canonicals; /* found */
} DfyEncoderStats;

typedef struct DfyEncoder DfyEncoder;

/* Sets all fields, of a struct of so many bytes: dfy_encoder_defaults passes the size that the caller's struct has. */
DFY_API void dfy_encoder_defaults_of(DfyEncoderSettings *settings, size_t struct_size);
static inline void dfy_encoder_defaults(DfyEncoderSettings *settings) {
    dfy_encoder_defaults_of(settings, sizeof *settings);
}

/*
 * Opens an encoder; settings and output are copied. On failure *encoder may still be set, so that
 * dfy_last_message can say why: close it in any case.
 */
DFY_API int dfy_encoder_open(DfyEncoder **encoder, const DfyEncoderSettings *settings, const DfyOutput *output);

/* Takes a copy of what it needs; the picture's size must be the settings'. */
DFY_API int dfy_encoder_push(DfyEncoder *encoder, const DfyPicture *picture);

/*
 * One gyroscope sample: angular velocity in rad/s, and the seconds since the sample before. It tells how the camera has
 * turned when the next frame is pushed.
 */
DFY_API int dfy_encoder_push_gyro(DfyEncoder *encoder, const double xyz[3], double dt);

/*
 * The file will have sound: before its first packet. DFY_ERROR_UNSUPPORTED in version 1. A file without sound is the
 * same to the byte as one of which nothing was said.
 */
DFY_API int dfy_encoder_sound(DfyEncoder *encoder, const DfySound *sound);

/* Takes a copy of a packet. They come in order, about when the pictures of their time do. */
DFY_API int dfy_encoder_push_sound(DfyEncoder *encoder, const DfySoundPacket *packet);

/*
 * The next picture begins an episode of that name: a range of frames that goes on to the next one, or to the end of the
 * file. Episodes of one camera in one file share its backgrounds, and each is found by its name. Frames and times count
 * on from one to the next. A name is UTF-8 of 1 to 255 bytes without control characters, and no other episode's;
 * DFY_ERROR_UNSUPPORTED in version 1.
 */
DFY_API int dfy_encoder_begin_episode(DfyEncoder *encoder, const char *name);

/*
 * Works harder or less hard at what is coded from now on: 1..9, as in the settings, for recordings that must keep up
 * with a camera. Version 1, whose effort is one, ignores it.
 */
DFY_API int dfy_encoder_set_effort(DfyEncoder *encoder, int effort);

/*
 * How long the last picture is shown, in ticks: otherwise as long as a frame at the nominal rate. Before finish;
 * version 1 has no place for it and ignores it.
 */
DFY_API int dfy_encoder_last_ticks(DfyEncoder *encoder, int64_t ticks);

/* Writes all that is still held. stats may be NULL. Nothing may be pushed afterwards. */
DFY_API int dfy_encoder_finish(DfyEncoder *encoder, DfyEncoderStats *stats);

/* Frees the encoder and sets *encoder to NULL; NULL is fine. */
DFY_API void dfy_encoder_close(DfyEncoder **encoder);

/* Bytes written so far. */
DFY_API uint64_t dfy_encoder_bytes_written(const DfyEncoder *encoder);

/*
 * How many of the frames pushed are coded, and the bytes that the file has with them, written or still held: what the
 * rest will take can be foretold from it. Frames that are looked ahead at count in neither. Version 1 codes all of them
 * at the end.
 */
DFY_API void dfy_encoder_coded(const DfyEncoder *encoder, uint64_t *frames, uint64_t *bytes);

/* ---------------------------------------------------------------- decoder */

/*
 * The size_bytes of a stream that only goes forward, such as a pipe. Each read then goes on where the one before ended;
 * it waits for what it was asked for. Pictures are given as soon as what they need has come; DfyInfo and cycles tell
 * what came so far; dfy_decoder_seek skips to what has not come yet. The last 128 MiB are kept, or a quarter of the
 * memory limit where that is less: a frame that is made from older bytes than those is lost. Version 1, and files of
 * splats, can't be played so: version 1 is read to its end first, within the memory limit.
 */
#define DFY_FORWARD_ONLY UINT64_MAX

/* Reads up to size bytes at offset; returns the bytes read (fewer only at the end) or -1. */
typedef struct DfyInput {
    int64_t (*read)(void *opaque, uint64_t offset, uint8_t *data, size_t size_bytes);
    uint64_t size_bytes; /* of the file, or DFY_FORWARD_ONLY */
    void *opaque;
} DfyInput;

/*
 * Where decoded pictures go, when the decoder is not to keep them. take is called with a picture whose format and size
 * are set: it sets the planes and strides to memory that can be written, or returns non-zero when there is none. What
 * it gave is the caller's from then on, to be freed whenever it likes; the decoder writes it once and forgets it.
 */
typedef struct DfyAllocator {
    int (*take)(void *opaque, DfyPicture *picture);
    void *opaque;
} DfyAllocator;

/* dfy_decoder_defaults fills it in, its size first, as with DfyEncoderSettings. */
typedef struct DfyDecoderSettings {
    size_t struct_size;
    /*
     * 0: as many as there are processors; 1: no other than the caller's. Others decode the pictures that follow
     * (version 2), once three were asked for in order: up to twice their number, two and what leads to them more are
     * held then. With a number from 2 on, they also share what leads to a single picture. At most 8 are used, and only
     * as many as memory_limit_bytes leaves room for. The input is read by the caller's alone.
     */
    int threads;
    uint64_t memory_limit_bytes; /* 0: 1 GiB; a file that needs more is refused with a sentence */
    /*
     * With IMU: version 1 undoes the encoder's warp. Version 2 turns each picture to where the camera looked when its
     * samples began, black where it saw nothing; the view stands still as far as the camera turned on the spot.
     */
    int unwarp;
    DfyAllocator allocator; /* take is NULL (default): pictures stay the decoder's; else each is copied once */
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
    int bit_depth;                            /* of what is coded: 8 */
    int chroma_format;                        /* 1: 4:2:0, as H.264 numbers them */
    int primaries, transfer;                  /* of the encoder's settings; 2 for unknown */
    int sample_aspect_num, sample_aspect_den; /* 0/0: unknown */
    int orientation;                          /* 1..8 */
    int64_t start_unix_us;                    /* 0: unknown */
    int64_t last_frame_ticks;     /* how long the last picture is shown; 0: as a frame at the nominal rate */
    DfyPixelFormat native_format; /* what dfy_decoder_next gives: RGB for version 1, I420 for version 2 */
    uint32_t chunks, cycles, canonicals;
    uint64_t imu_samples; /* quaternions, one a frame; 0: none */
    int lossless;
    int complete;          /* 0: the file was cut or never finished */
    uint64_t clone_frames; /* version 2, upload mode: frames that show an earlier one */
    int access_pictures;   /* version 2: as the encoder's setting, 0: not limited */
    uint32_t episodes;     /* version 2: ranges of frames that have names */
} DfyInfo;

typedef struct DfyDecoder DfyDecoder;

/* As dfy_encoder_defaults_of and dfy_encoder_defaults. */
DFY_API void dfy_decoder_defaults_of(DfyDecoderSettings *settings, size_t struct_size);
static inline void dfy_decoder_defaults(DfyDecoderSettings *settings) {
    dfy_decoder_defaults_of(settings, sizeof *settings);
}

/* settings may be NULL for the defaults. As with the encoder, close it even after a failure. */
DFY_API int dfy_decoder_open(DfyDecoder **decoder, const DfyInput *input, const DfyDecoderSettings *settings);
DFY_API int dfy_decoder_info(const DfyDecoder *decoder, DfyInfo *info);

/*
 * The next picture in playing order, or DFY_END. The planes belong to the decoder and stay valid until its next call,
 * or are the caller's where the settings have an allocator. DFY_ERROR_DAMAGED means that pictures were lost here: the
 * call after it goes on behind them.
 */
DFY_API int dfy_decoder_next(DfyDecoder *decoder, DfyPicture *picture);

/* Makes frame (0 is the first) the next picture; DFY_ERROR_ARGUMENT past the end. */
DFY_API int dfy_decoder_seek(DfyDecoder *decoder, uint64_t frame);

/*
 * For programs that must not wait long in one call: does a part of what dfy_decoder_seek(frame) takes, or
 * dfy_decoder_next where it is the next one, that is, decodes one picture of those that lead to it. DFY_OK: there is
 * more to be done, so call it again; DFY_END: nothing is left to decode, or the other call will say what is wrong. What
 * was done for a frame that is wanted no longer is
 * not lost where the next one needs it too. The picture given last is valid no more; dfy_decoder_position stays.
 */
DFY_API int dfy_decoder_approach(DfyDecoder *decoder, uint64_t frame);

/*
 * From the next picture on, noise like the camera's is put back (on: 1) or not (0, as at first): for people who watch,
 * not for data sets. Of how strong it was the file says (GRAIN chunks); one that says nothing gives its pictures as
 * they are. The noise of a frame is the same each time, and on every machine. DFY_ERROR_UNSUPPORTED in version 1.
 */
DFY_API int dfy_decoder_set_grain(DfyDecoder *decoder, int on);

/* Frame number that dfy_decoder_next will give. */
DFY_API uint64_t dfy_decoder_position(const DfyDecoder *decoder);

/*
 * Time of a frame in ticks of the time base, from the file's lists: no picture is decoded, and what dfy_decoder_next
 * gives does not change. DFY_ERROR_ARGUMENT past the end; DFY_ERROR_DAMAGED where that part of the file is damaged.
 */
DFY_API int dfy_decoder_time(DfyDecoder *decoder, uint64_t frame, int64_t *pts);
DFY_API void dfy_decoder_close(DfyDecoder **decoder);

/* The file's sound, DFY_END when it has none. config is the decoder's, until it closes. */
DFY_API int dfy_decoder_sound(const DfyDecoder *decoder, DfySound *sound);

/* Makes the packet that is heard at `ticks` of the sound's time base, or the next after it, the next one. */
DFY_API int dfy_decoder_seek_sound(DfyDecoder *decoder, int64_t ticks);

/*
 * The next packet of sound, or DFY_END; pictures are not touched. Its data is valid until the next call about sound.
 * DFY_ERROR_DAMAGED means that packets were lost here: the call after it goes on behind them.
 */
DFY_API int dfy_decoder_next_sound(DfyDecoder *decoder, DfySoundPacket *packet);

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
DFY_API int dfy_decoder_origins(DfyDecoder *decoder, DfyOrigins *origins);

/*
 * Which pixels of a decoded picture are those of another: each tile, 64x64 pixels of luma and what belongs to them of
 * chroma, has an identity. Tiles at the same place whose identities are the same, and not 0, are equal to the bit in
 * any two pictures that one decoder gave: they need not be converted, uploaded or drawn again.
 */
typedef struct DfyTiles {
    int columns, rows;          /* width and height divided by 64, rounded up */
    const uint64_t *identities; /* columns * rows; 0: not known. The decoder owns them */
} DfyTiles;

/* The tiles of the picture that dfy_decoder_next gave last, valid and refused as dfy_decoder_origins' are. */
DFY_API int dfy_decoder_tiles(DfyDecoder *decoder, DfyTiles *tiles);

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
    double start_seconds, seconds; /* by the frames' times, from the first frame on */
    uint32_t canonical;            /* the canonical it follows, counted from 0 */
    int is_canonical, is_clone;    /* is_clone, in version 2: most of its frames are clones */
    double distance;               /* from its canonical, mean absolute level difference; -1: not recorded */
} DfyCycle;

/* A departure: the work left its routine. */
typedef struct DfyDeparture {
    uint64_t first_frame, frames;
    double start_seconds, seconds;
    int is_slow;                  /* a cycle that took longer, else something seen that is no part of the routine */
    int left, top, right, bottom; /* pixels it is seen in; right and bottom are the first beyond */
    double size; /* the largest difference from the routine, in levels of a sixteenth of the picture's width and a ninth
                    of its height; of a slow cycle, how many times as long as usual it took */
} DfyDeparture;

DFY_API int dfy_decoder_chunk(const DfyDecoder *decoder, uint32_t index, DfyChunk *chunk);
DFY_API int dfy_decoder_cycle(const DfyDecoder *decoder, uint32_t index, DfyCycle *cycle);
/* By their first frames; DFY_ERROR_ARGUMENT past the last one. Version 1 has none. */
DFY_API int dfy_decoder_departure(const DfyDecoder *decoder, uint32_t index, DfyDeparture *departure);

/* A range of frames that has a name: see dfy_encoder_begin_episode. */
typedef struct DfyEpisode {
    const char *name; /* the decoder's, until it closes */
    uint64_t first_frame, frames;
    double start_seconds, seconds; /* by the frames' times, from the first frame of the file on */
} DfyEpisode;

/* Episodes are numbered in the order of their frames, and do not overlap. DFY_ERROR_ARGUMENT where there is none. */
DFY_API int dfy_decoder_episode(const DfyDecoder *decoder, uint32_t index, DfyEpisode *episode);

/* The episode of that name, or DFY_ERROR_ARGUMENT with a sentence. */
DFY_API int dfy_decoder_find_episode(DfyDecoder *decoder, const char *name, DfyEpisode *episode);

/* Unit quaternion x, y, z, w of a frame. */
DFY_API int dfy_decoder_imu(const DfyDecoder *decoder, uint64_t frame, double quaternion[4]);

/* The file's metadata as a JSON object; never NULL. The decoder owns it. */
DFY_API const char *dfy_decoder_metadata(const DfyDecoder *decoder);

/* Reads the whole file and checks every checksum (version 1: that every chunk parses). */
DFY_API int dfy_decoder_verify(DfyDecoder *decoder);

/* ---------------------------------------------------------------- joining and repairing */

/*
 * Makes one file of several that follow one another, without decoding: frames are counted on, everything else stays.
 * A file that was cut, or never finished, gives what is whole of it; so a single one is repaired by being joined alone.
 * Version 2 only; videos must agree in size, rates and settings, and a sequence of splats is taken alone.
 *
 *     DfyJoiner *joiner;
 *     dfy_joiner_open(&joiner, NULL, &output);
 *     dfy_joiner_add(joiner, &first);
 *     dfy_joiner_add(joiner, &second);
 *     dfy_joiner_finish(joiner, &stats);
 *     dfy_joiner_close(&joiner);
 */
typedef struct DfyJoiner DfyJoiner;

typedef struct DfyJoinStats {
    uint64_t frames;     /* in the joined file */
    uint64_t bytes;      /* of it, as far as it is written */
    uint64_t lost_bytes; /* of the inputs that belonged to no whole chunk */
    uint32_t damaged;    /* chunks of the inputs that were left out because their checksum is wrong */
    uint32_t incomplete; /* inputs without an end of their own */
} DfyJoinStats;

/* dfy_joiner_defaults fills it in, its size first, as with DfyEncoderSettings. */
typedef struct DfyJoinerSettings {
    size_t struct_size;
    const char *metadata; /* a JSON object that becomes the file's instead of the first input's; NULL: that one's */
    int drop_metadata;    /* no input's metadata is kept */
} DfyJoinerSettings;

/* As dfy_encoder_defaults_of and dfy_encoder_defaults. */
DFY_API void dfy_joiner_defaults_of(DfyJoinerSettings *settings, size_t struct_size);
static inline void dfy_joiner_defaults(DfyJoinerSettings *settings) {
    dfy_joiner_defaults_of(settings, sizeof *settings);
}

/*
 * Output and settings (NULL: the defaults) are copied, the metadata is not. DFY_ERROR_MEMORY, or DFY_ERROR_ARGUMENT
 * with a sentence. Close it in any case.
 */
DFY_API int dfy_joiner_open(DfyJoiner **joiner, const DfyJoinerSettings *settings, const DfyOutput *output);

/* Appends a whole file. */
DFY_API int dfy_joiner_add(DfyJoiner *joiner, const DfyInput *input);

/*
 * Where an encoder's output may go, so that what it writes is appended as it comes: call dfy_joiner_begin before each
 * encoder, and give it this output. Each write to the joiner's own output is then one whole chunk.
 */
DFY_API int dfy_joiner_begin(DfyJoiner *joiner);
DFY_API DfyOutput dfy_joiner_output(DfyJoiner *joiner);

/* What can be kept of a file that was broken off. */
typedef struct DfyAdoption {
    uint64_t first_frame;  /* to encode from: the first of the last stretch that has begun */
    uint64_t offset_bytes; /* where its chunks begin in the file */
    uint64_t whole_bytes;  /* of the file, up to the end of the last whole chunk; behind it is what was torn off */
    uint64_t frames;       /* up to there */
} DfyAdoption;

/*
 * Goes on with a file that was broken off, and was joined of stretches whose first frames are multiples of
 * stretch_frames: the chunks before its last stretch count as written. What that stretch has already is to be coded
 * once more, from adoption->first_frame on, since only an encoder that saw it can go on; the bytes must come out the
 * same. Only right after opening.
 */
DFY_API int dfy_joiner_adopt(DfyJoiner *joiner, const DfyInput *input, uint64_t stretch_frames, DfyAdoption *adoption);

DFY_API void dfy_joiner_stats(const DfyJoiner *joiner, DfyJoinStats *stats);

/* Writes the index and the end. stats may be NULL. */
DFY_API int dfy_joiner_finish(DfyJoiner *joiner, DfyJoinStats *stats);
DFY_API void dfy_joiner_close(DfyJoiner **joiner);

/* ---------------------------------------------------------------- messages */

/*
 * One sentence on the last failure or warning of this encoder, decoder or joiner: what, where, what to do. Empty when
 * there was none. Takes a DfyEncoder *, DfyDecoder * or DfyJoiner *; NULL gives a sentence on memory.
 */
DFY_API const char *dfy_last_message(const void *encoder_or_decoder);

#ifdef __cplusplus
}
#endif
#endif
