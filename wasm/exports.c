/*
 * What JavaScript calls: diffy.h with plain numbers for arguments. Structs stay on this side; a struct's values
 * come back through web_result(), an array of doubles (53 bits are enough for every count and offset here).
 * Pictures are handed over in a staging buffer that JavaScript fills in place, so that a VideoFrame's planes are
 * copied once. Reading, writing and progress call back into the module's `callbacks` object by the owner's id.
 */
#include "host.h"

#include <stdlib.h>
#include <string.h>

#include "diffy.h"

/* Formats of the staging buffer: those of DfyPixelFormat, and what some hardware decoders give. */
enum { STAGE_NV12 = 3 };

EM_JS(int, js_write, (int id, const uint8_t *data, size_t size_bytes),
      { return Module["callbacks"].write(id, data >>> 0, size_bytes >>> 0); });
EM_JS(int, js_read, (int id, double offset, uint8_t *data, size_t size_bytes),
      { return Module["callbacks"].read(id, offset, data >>> 0, size_bytes >>> 0); });
EM_JS(int, js_progress, (int id, int stage, double done, double total),
      { return Module["callbacks"].progress(id, stage, done, total); });

int web_host_write(int id, const uint8_t *data, size_t size_bytes) {
    return js_write(id, data, size_bytes);
}
int web_host_read(int id, uint64_t offset, uint8_t *data, size_t size_bytes) {
    return js_read(id, (double)offset, data, size_bytes);
}

static double result[32];

EXPORT double *web_result(void) {
    return result;
}
EXPORT void *web_malloc(size_t size_bytes) {
    return malloc(size_bytes);
}
EXPORT void web_free(void *memory) {
    free(memory);
}
EXPORT const char *web_strstatus(int status) {
    return dfy_strstatus(status);
}

/* ---------------------------------------------------------------- pictures */

/* A picture with its own memory, tightly packed, that grows when a larger one is asked for. */
typedef struct Buffer {
    uint8_t *data;
    size_t size_bytes;
    DfyPicture picture;
} Buffer;

static size_t picture_bytes(int format, int width, int height) {
    size_t area = (size_t)width * (size_t)height;
    size_t chroma = ((size_t)width + 1) / 2 * (((size_t)height + 1) / 2);
    if (format == DFY_PIXELS_RGB) return area * 3;
    if (format == DFY_PIXELS_RGBA) return area * 4;
    return area + 2 * chroma;
}

static int prepare(Buffer *buffer, int format, int width, int height) {
    if (width < 1 || height < 1 || width > DFY_MAX_DIMENSION || height > DFY_MAX_DIMENSION) return DFY_ERROR_ARGUMENT;
    size_t needed = picture_bytes(format, width, height);
    if (needed > buffer->size_bytes) {
        free(buffer->data);
        buffer->data = malloc(needed);
        buffer->size_bytes = buffer->data ? needed : 0;
        if (!buffer->data) return DFY_ERROR_MEMORY;
    }
    size_t luma = (size_t)width * (size_t)height, chroma_width = ((size_t)width + 1) / 2;
    size_t chroma = chroma_width * (((size_t)height + 1) / 2);
    DfyPicture *p = &buffer->picture;
    *p = (DfyPicture){.width = width, .height = height, .matrix = DFY_MATRIX_UNKNOWN};
    p->plane[0] = buffer->data;
    p->format = format == STAGE_NV12 ? DFY_PIXELS_I420 : (DfyPixelFormat)format;
    if (p->format == DFY_PIXELS_I420) {
        p->plane[1] = buffer->data + luma;
        p->plane[2] = p->plane[1] + chroma;
        p->stride_bytes[0] = width;
        p->stride_bytes[1] = p->stride_bytes[2] = (ptrdiff_t)chroma_width;
    } else {
        p->stride_bytes[0] = (ptrdiff_t)width * (format == DFY_PIXELS_RGB ? 3 : 4);
    }
    return DFY_OK;
}

/* Splits NV12's interleaved chroma (in `from`) into the two planes of `to`. */
static void split_chroma(Buffer *to, const Buffer *from) {
    size_t luma = (size_t)from->picture.width * (size_t)from->picture.height;
    size_t chroma = (size_t)to->picture.stride_bytes[1] * (((size_t)to->picture.height + 1) / 2);
    memcpy(to->picture.plane[0], from->data, luma);
    for (size_t i = 0; i < chroma; i++) {
        to->picture.plane[1][i] = from->data[luma + 2 * i];
        to->picture.plane[2][i] = from->data[luma + 2 * i + 1];
    }
}

/* Turns a plane clockwise by quarter turns, then mirrors it; width and height are the source's. */
static void turn_plane(uint8_t *to, const uint8_t *from, int width, int height, int bytes, int quarters, int mirror) {
    int to_width = quarters & 1 ? height : width, to_height = quarters & 1 ? width : height;
    for (int y = 0; y < to_height; y++) {
        for (int x = 0; x < to_width; x++) {
            int tx = mirror ? to_width - 1 - x : x, sx, sy;
            if (quarters == 1)
                sx = y, sy = height - 1 - tx;
            else if (quarters == 2)
                sx = width - 1 - tx, sy = height - 1 - y;
            else if (quarters == 3)
                sx = width - 1 - y, sy = tx;
            else
                sx = tx, sy = y;
            memcpy(to + ((size_t)y * (size_t)to_width + (size_t)x) * (size_t)bytes,
                   from + ((size_t)sy * (size_t)width + (size_t)sx) * (size_t)bytes, (size_t)bytes);
        }
    }
}

static void turn_picture(Buffer *to, const Buffer *from, int quarters, int mirror) {
    const DfyPicture *p = &from->picture;
    int bytes = p->format == DFY_PIXELS_RGB ? 3 : p->format == DFY_PIXELS_RGBA ? 4 : 1;
    turn_plane(to->picture.plane[0], p->plane[0], p->width, p->height, bytes, quarters, mirror);
    for (int i = 1; i < 3 && p->format == DFY_PIXELS_I420; i++)
        turn_plane(to->picture.plane[i], p->plane[i], (p->width + 1) / 2, (p->height + 1) / 2, 1, quarters, mirror);
}

/* ---------------------------------------------------------------- encoder */

typedef struct WebEncoder {
    int id;
    DfyEncoder *encoder;
    DfyEncoderSettings settings;
    int stage_format;
    Buffer stage, split, turned;
} WebEncoder;

static int encoder_write(void *opaque, const uint8_t *data, size_t size_bytes) {
    return js_write(((WebEncoder *)opaque)->id, data, size_bytes);
}

static int encoder_progress(void *opaque, DfyStage stage, uint64_t done, uint64_t total) {
    return js_progress(((WebEncoder *)opaque)->id, (int)stage, (double)done, (double)total);
}

EXPORT WebEncoder *web_encoder_new(int id) {
    WebEncoder *e = calloc(1, sizeof *e);
    if (!e) return NULL;
    e->id = id;
    dfy_encoder_defaults(&e->settings);
    e->settings.threads = 1;
    e->settings.memory_limit_bytes = (uint64_t)1 << 30;
    e->settings.progress = encoder_progress;
    e->settings.progress_opaque = e;
    return e;
}

enum { INT, UINT64, DOUBLE };
static const struct {
    const char *name;
    size_t offset;
    int type;
} setting_names[] = {
#define SETTING(member, type)                                                                                          \
    { #member, offsetof(DfyEncoderSettings, member), type }
    SETTING(width, INT),
    SETTING(height, INT),
    SETTING(format, INT),
    SETTING(quality, INT),
    SETTING(frame_rate_num, INT),
    SETTING(frame_rate_den, INT),
    SETTING(time_base_num, INT),
    SETTING(time_base_den, INT),
    SETTING(mode, INT),
    SETTING(matrix, INT),
    SETTING(range, INT),
    SETTING(effort, INT),
    SETTING(threads, INT),
    SETTING(target_size_bytes, UINT64),
    SETTING(expected_frames, UINT64),
    SETTING(memory_limit_bytes, UINT64),
    SETTING(clone_distance, DOUBLE),
    SETTING(segment_seconds, DOUBLE),
    SETTING(warmup_frames, INT),
    SETTING(use_temporal, INT),
    SETTING(use_bbox, INT),
    SETTING(use_vq, INT),
    SETTING(max_p_run, INT),
    SETTING(has_imu, INT),
#undef SETTING
};

/* Sets one setting by its name in DfyEncoderSettings; DFY_ERROR_ARGUMENT for a name that isn't one. */
EXPORT int web_encoder_set(WebEncoder *e, const char *name, double value) {
    for (size_t i = 0; i < sizeof setting_names / sizeof *setting_names; i++) {
        if (strcmp(name, setting_names[i].name)) continue;
        void *member = (char *)&e->settings + setting_names[i].offset;
        if (setting_names[i].type == INT)
            *(int *)member = (int)value;
        else if (setting_names[i].type == UINT64)
            *(uint64_t *)member = (uint64_t)value;
        else
            *(double *)member = value;
        return DFY_OK;
    }
    return DFY_ERROR_ARGUMENT;
}

/* Element 0..8 of the camera matrix, row by row. */
EXPORT int web_encoder_set_camera(WebEncoder *e, int element, double value) {
    if (element < 0 || element > 8) return DFY_ERROR_ARGUMENT;
    e->settings.camera_matrix[element] = value;
    return DFY_OK;
}

EXPORT int web_encoder_open(WebEncoder *e) {
    DfyOutput output = {.write = encoder_write, .opaque = e};
    result[0] = e->settings.format;
    return dfy_encoder_open(&e->encoder, &e->settings, &output);
}

/* Where to put the next picture's pixels, tightly packed; NULL when there is no memory or the size is absurd. */
EXPORT uint8_t *web_encoder_stage(WebEncoder *e, int format, int width, int height) {
    if (format < 0 || format > STAGE_NV12) return NULL;
    e->stage_format = format;
    return prepare(&e->stage, format, width, height) == DFY_OK ? e->stage.data : NULL;
}

/* Pushes the staged picture, first turned clockwise by quarter turns and mirrored as asked. */
EXPORT int web_encoder_push(WebEncoder *e, double pts, int matrix, int range, int quarters, int mirror) {
    Buffer *from = &e->stage;
    int width = from->picture.width, height = from->picture.height, status;
    if (e->stage_format == STAGE_NV12) {
        if ((status = prepare(&e->split, DFY_PIXELS_I420, width, height))) return status;
        split_chroma(&e->split, from);
        from = &e->split;
    }
    if (quarters || mirror) {
        int turn = quarters & 1;
        status = prepare(&e->turned, (int)from->picture.format, turn ? height : width, turn ? width : height);
        if (status) return status;
        turn_picture(&e->turned, from, quarters & 3, mirror);
        from = &e->turned;
    }
    from->picture.pts = (int64_t)pts;
    from->picture.matrix = (DfyMatrix)matrix;
    from->picture.range = (DfyRange)range;
    return dfy_encoder_push(e->encoder, &from->picture);
}

EXPORT int web_encoder_push_gyro(WebEncoder *e, double x, double y, double z, double dt) {
    double xyz[3] = {x, y, z};
    return dfy_encoder_push_gyro(e->encoder, xyz, dt);
}

/* result: frames, bytes, cycles, canonicals. */
EXPORT int web_encoder_finish(WebEncoder *e) {
    DfyEncoderStats stats = {0};
    int status = dfy_encoder_finish(e->encoder, &stats);
    result[0] = (double)stats.frames;
    result[1] = (double)stats.bytes;
    result[2] = stats.cycles;
    result[3] = stats.canonicals;
    return status;
}

EXPORT double web_encoder_bytes_written(const WebEncoder *e) {
    return (double)dfy_encoder_bytes_written(e->encoder);
}
EXPORT const char *web_encoder_message(const WebEncoder *e) {
    return dfy_last_message(e->encoder);
}

EXPORT void web_encoder_close(WebEncoder *e) {
    dfy_encoder_close(&e->encoder);
    free(e->stage.data);
    free(e->split.data);
    free(e->turned.data);
    free(e);
}

/* ---------------------------------------------------------------- decoder */

typedef struct WebDecoder {
    int id;
    DfyDecoder *decoder;
    DfyPicture native; /* the last picture, owned by the decoder */
    Buffer converted;
} WebDecoder;

static int64_t decoder_read(void *opaque, uint64_t offset, uint8_t *data, size_t size_bytes) {
    return js_read(((WebDecoder *)opaque)->id, (double)offset, data, size_bytes);
}

EXPORT WebDecoder *web_decoder_new(int id) {
    WebDecoder *d = calloc(1, sizeof *d);
    if (d) d->id = id;
    return d;
}

/* memory_limit_bytes 0: the library's default. */
EXPORT int web_decoder_open(WebDecoder *d, double size_bytes, int threads, double memory_limit_bytes, int unwarp) {
    DfyInput input = {.read = decoder_read, .size_bytes = (uint64_t)size_bytes, .opaque = d};
    DfyDecoderSettings settings;
    dfy_decoder_defaults(&settings);
    settings.threads = threads;
    if (memory_limit_bytes > 0) settings.memory_limit_bytes = (uint64_t)memory_limit_bytes;
    settings.unwarp = unwarp;
    return dfy_decoder_open(&d->decoder, &input, &settings);
}

/* result: the members of DfyInfo in their order. */
EXPORT int web_decoder_info(const WebDecoder *d) {
    DfyInfo info;
    int status = dfy_decoder_info(d->decoder, &info);
    if (status) return status;
    const double values[] = {
        info.format,
        info.width,
        info.height,
        (double)info.frames,
        (double)info.frames_stated,
        info.frame_rate_num,
        info.frame_rate_den,
        info.time_base_num,
        info.time_base_den,
        info.quality,
        info.mode,
        info.matrix,
        info.range,
        info.native_format,
        info.chunks,
        info.cycles,
        info.canonicals,
        (double)info.imu_samples,
        info.lossless,
        info.complete,
        (double)info.clone_frames,
    };
    memcpy(result, values, sizeof values);
    return DFY_OK;
}

/* result: format, width, height, pts, matrix, range of the picture. */
EXPORT int web_decoder_next(WebDecoder *d) {
    int status = dfy_decoder_next(d->decoder, &d->native);
    if (status) return status;
    result[0] = d->native.format;
    result[1] = d->native.width;
    result[2] = d->native.height;
    result[3] = (double)d->native.pts;
    result[4] = d->native.matrix;
    result[5] = d->native.range;
    return DFY_OK;
}

/* The last picture in another format or its own, tightly packed; NULL when there is no memory. */
EXPORT uint8_t *web_decoder_picture(WebDecoder *d, int format) {
    if (!d->native.plane[0] || prepare(&d->converted, format, d->native.width, d->native.height)) return NULL;
    d->converted.picture.matrix = d->native.matrix;
    /* What comes from RGB becomes what cameras and video encoders use. */
    int own_range = d->native.format == DFY_PIXELS_I420;
    d->converted.picture.range = own_range ? d->native.range : DFY_RANGE_LIMITED;
    return dfy_picture_convert(&d->converted.picture, &d->native) == DFY_OK ? d->converted.data : NULL;
}

/* The origins of the last picture's blocks, DFY_ORIGIN_ bits row by row; NULL: not known. result: columns, rows. */
EXPORT const uint8_t *web_decoder_origins(WebDecoder *d) {
    DfyOrigins origins;
    if (dfy_decoder_origins(d->decoder, &origins)) return NULL;
    result[0] = origins.columns;
    result[1] = origins.rows;
    return origins.cells;
}

EXPORT int web_decoder_seek(WebDecoder *d, double frame) {
    return dfy_decoder_seek(d->decoder, (uint64_t)frame);
}
EXPORT double web_decoder_position(const WebDecoder *d) {
    return (double)dfy_decoder_position(d->decoder);
}

/* result: type, offset, payload bytes, has checksum, damaged. Returns the name, NULL past the end. */
EXPORT const char *web_decoder_chunk(const WebDecoder *d, unsigned index) {
    DfyChunk chunk;
    if (dfy_decoder_chunk(d->decoder, index, &chunk)) return NULL;
    result[0] = chunk.type;
    result[1] = (double)chunk.offset_bytes;
    result[2] = (double)chunk.payload_bytes;
    result[3] = chunk.has_checksum;
    result[4] = chunk.damaged;
    return chunk.name;
}

/* result: the members of DfyCycle in their order. */
EXPORT int web_decoder_cycle(const WebDecoder *d, unsigned index) {
    DfyCycle cycle;
    int status = dfy_decoder_cycle(d->decoder, index, &cycle);
    if (status) return status;
    const double values[] = {
        (double)cycle.first_frame, (double)cycle.frames, cycle.start_seconds, cycle.seconds,
        cycle.canonical,           cycle.is_canonical,   cycle.is_clone,      cycle.distance,
    };
    memcpy(result, values, sizeof values);
    return DFY_OK;
}

/* result: x, y, z, w. */
EXPORT int web_decoder_imu(const WebDecoder *d, double frame) {
    return dfy_decoder_imu(d->decoder, (uint64_t)frame, result);
}

EXPORT const char *web_decoder_metadata(const WebDecoder *d) {
    return dfy_decoder_metadata(d->decoder);
}
EXPORT int web_decoder_verify(WebDecoder *d) {
    return dfy_decoder_verify(d->decoder);
}
EXPORT const char *web_decoder_message(const WebDecoder *d) {
    return dfy_last_message(d->decoder);
}

EXPORT void web_decoder_close(WebDecoder *d) {
    dfy_decoder_close(&d->decoder);
    free(d->converted.data);
    free(d);
}
