/*
 * What JavaScript calls: diffy.h with plain numbers for arguments. Structs stay on this side; a struct's values
 * come back through web_result(), an array of doubles (53 bits are enough for every count and offset here).
 * Pictures are handed over in a staging buffer that JavaScript fills in place, so that a VideoFrame's planes are
 * copied once. Reading, writing and progress call back into the module's `callbacks` object by the owner's id.
 * With DECODER_ONLY defined it is what a player needs, which links no encoder.
 */
#include "host.h"

#include <stdlib.h>
#include <string.h>

#include "diffy/diffy.h"

/* Formats of the staging buffer: those of DfyPixelFormat, and what some hardware decoders give. */
enum { STAGE_NV12 = 3 };

EM_JS(int, js_progress, (int id, int stage, double done, double total),
      { return Module["callbacks"].progress(id, stage, done, total); });

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

/* A player needs nothing of what follows up to the decoder. */
#ifndef DECODER_ONLY

/* Splits NV12's interleaved chroma (in `from`) into the two planes of `to`. */
static void split_chroma(Buffer *to, const Buffer *from) {
    size_t luma = (size_t)from->picture.width * (size_t)from->picture.height;
    size_t chroma = (size_t)to->picture.stride_bytes[1] * (((size_t)to->picture.height + 1) / 2);
    memcpy(dfy_picture_pixels(&to->picture, 0), from->data, luma);
    uint8_t *u = dfy_picture_pixels(&to->picture, 1), *v = dfy_picture_pixels(&to->picture, 2);
    for (size_t i = 0; i < chroma; i++) {
        u[i] = from->data[luma + 2 * i];
        v[i] = from->data[luma + 2 * i + 1];
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
    turn_plane(dfy_picture_pixels(&to->picture, 0), p->plane[0], p->width, p->height, bytes, quarters, mirror);
    for (int i = 1; i < 3 && p->format == DFY_PIXELS_I420; i++)
        turn_plane(dfy_picture_pixels(&to->picture, i), p->plane[i], (p->width + 1) / 2, (p->height + 1) / 2, 1,
                   quarters, mirror);
}

/* ---------------------------------------------------------------- encoder */

typedef struct WebEncoder {
    int id;
    DfyEncoder *encoder;
    DfyJoiner *joiner;    /* where it goes on with a file that was broken off */
    DfyJoinStats adopted; /* what that file had */
    DfyEncoderSettings settings;
    char *metadata; /* a copy of what the settings point to */
    int stage_format;
    Buffer stage, split, turned;
} WebEncoder;

static int encoder_write(void *opaque, const uint8_t *data, size_t size_bytes) {
    return web_host_write(((WebEncoder *)opaque)->id, data, size_bytes);
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

enum { INT, UINT64, INT64, DOUBLE };
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
    SETTING(primaries, INT),
    SETTING(transfer, INT),
    SETTING(sample_aspect_num, INT),
    SETTING(sample_aspect_den, INT),
    SETTING(orientation, INT),
    SETTING(start_unix_us, INT64),
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
        else if (setting_names[i].type == INT64)
            *(int64_t *)member = (int64_t)value;
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

/* Takes a copy of the JSON object that the file is to say of itself. */
EXPORT int web_encoder_set_metadata(WebEncoder *e, const char *json) {
    free(e->metadata);
    e->settings.metadata = e->metadata = malloc(strlen(json) + 1);
    return e->metadata ? (strcpy(e->metadata, json), DFY_OK) : DFY_ERROR_MEMORY;
}

static int64_t encoder_read(void *opaque, uint64_t offset, uint8_t *data, size_t size_bytes) {
    return web_host_read(((WebEncoder *)opaque)->id, offset, data, size_bytes);
}

/* Before opening: what is whole of a file that was broken off is written first. result: its frames. */
EXPORT int web_encoder_go_on(WebEncoder *e, double size_bytes) {
    DfyOutput output = {.write = encoder_write, .opaque = e};
    DfyInput input = {.read = encoder_read, .size_bytes = (uint64_t)size_bytes, .opaque = e};
    int status = dfy_joiner_open(&e->joiner, NULL, &output);
    if (!status) status = dfy_joiner_add(e->joiner, &input);
    if (!status) dfy_joiner_stats(e->joiner, &e->adopted);
    web_result()[0] = (double)e->adopted.frames;
    return status;
}

EXPORT int web_encoder_open(WebEncoder *e) {
    DfyOutput output = {.write = encoder_write, .opaque = e};
    if (e->joiner) {
        int status = dfy_joiner_begin(e->joiner);
        if (status) return status;
        output = dfy_joiner_output(e->joiner);
    }
    return dfy_encoder_open(&e->encoder, &e->settings, &output);
}

/* Where to put the next picture's pixels, tightly packed; NULL when there is no memory or the size is absurd. */
EXPORT uint8_t *web_encoder_stage(WebEncoder *e, int format, int width, int height) {
    if (format < 0 || format > STAGE_NV12) return NULL;
    e->stage_format = format;
    return prepare(&e->stage, format, width, height) == DFY_OK ? e->stage.data : NULL;
}

/* Makes RGB the YCbCr again that it was made of, by that matrix and range. */
static int unmake(Buffer *to, const DfyPicture *rgb, int matrix, int range) {
    int status = prepare(to, DFY_PIXELS_I420, rgb->width, rgb->height);
    to->picture.matrix = (DfyMatrix)matrix;
    to->picture.range = (DfyRange)range;
    return status ? status : dfy_picture_convert(&to->picture, rgb);
}

/*
 * Pushes the staged picture, first turned clockwise by quarter turns and mirrored as asked. made_matrix is not 0 for
 * RGB that a browser made of YCbCr: it becomes what it was before.
 */
EXPORT int web_encoder_push(WebEncoder *e, double pts, int matrix, int range, int quarters, int mirror, int made_matrix,
                            int made_range) {
    Buffer *from = &e->stage;
    int width = from->picture.width, height = from->picture.height, status;
    if (e->stage_format == STAGE_NV12) {
        if ((status = prepare(&e->split, DFY_PIXELS_I420, width, height))) return status;
        split_chroma(&e->split, from);
        from = &e->split;
    } else if (made_matrix && e->stage_format != DFY_PIXELS_I420) {
        if ((status = unmake(&e->split, &from->picture, made_matrix, made_range))) return status;
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

EXPORT int web_encoder_begin_episode(WebEncoder *e, const char *name) {
    return dfy_encoder_begin_episode(e->encoder, name);
}

EXPORT int web_encoder_last_ticks(WebEncoder *e, double ticks) {
    return dfy_encoder_last_ticks(e->encoder, (int64_t)ticks);
}

EXPORT int web_encoder_sound(WebEncoder *e, const char *codec, int sample_rate, int channels, int time_base_num,
                             int time_base_den, const uint8_t *config, size_t config_bytes) {
    DfySound sound = {.sample_rate = sample_rate,
                      .channels = channels,
                      .time_base_num = time_base_num,
                      .time_base_den = time_base_den,
                      .config = config,
                      .config_bytes = config_bytes};
    strncpy(sound.codec, codec, sizeof sound.codec - 1);
    return dfy_encoder_sound(e->encoder, &sound);
}

EXPORT int web_encoder_push_sound(WebEncoder *e, const uint8_t *data, size_t size_bytes, double pts, double duration) {
    DfySoundPacket packet = {
        .data = data, .size_bytes = size_bytes, .pts = (int64_t)pts, .duration = (int64_t)duration};
    return dfy_encoder_push_sound(e->encoder, &packet);
}

/* result: frames, bytes, cycles, canonicals. */
EXPORT int web_encoder_finish(WebEncoder *e) {
    DfyEncoderStats stats = {0};
    int status = e->encoder ? dfy_encoder_finish(e->encoder, &stats) : DFY_OK;
    if (!status && e->joiner) {
        DfyJoinStats joined = {0};
        status = dfy_joiner_finish(e->joiner, &joined);
        stats.frames = joined.frames;
        stats.bytes = joined.bytes;
    }
    web_result()[0] = (double)stats.frames;
    web_result()[1] = (double)stats.bytes;
    web_result()[2] = stats.cycles;
    web_result()[3] = stats.canonicals;
    return status;
}

EXPORT double web_encoder_bytes_written(const WebEncoder *e) {
    DfyJoinStats joined = {0};
    if (e->joiner) dfy_joiner_stats(e->joiner, &joined);
    return e->joiner ? (double)joined.bytes : (double)dfy_encoder_bytes_written(e->encoder);
}
/* result: frames coded, and the bytes that the file has with them. */
EXPORT void web_encoder_coded(const WebEncoder *e) {
    uint64_t frames, bytes;
    dfy_encoder_coded(e->encoder, &frames, &bytes);
    web_result()[0] = (double)(e->adopted.frames + frames);
    web_result()[1] = (double)(e->adopted.bytes + bytes);
}
EXPORT const char *web_encoder_message(const WebEncoder *e) {
    const char *joining = e->joiner ? dfy_last_message(e->joiner) : "";
    return *joining ? joining : dfy_last_message(e->encoder);
}

EXPORT void web_encoder_close(WebEncoder *e) {
    dfy_encoder_close(&e->encoder);
    dfy_joiner_close(&e->joiner);
    free(e->stage.data);
    free(e->split.data);
    free(e->turned.data);
    free(e->metadata);
    free(e);
}

#endif /* DECODER_ONLY */

/* ---------------------------------------------------------------- decoder */

typedef struct WebDecoder {
    int id;
    DfyDecoder *decoder;
    DfyPicture native; /* the last picture, owned by the decoder */
    Buffer converted;
    uint64_t *shown; /* identities of the tiles that `converted` has, where its format is `shown_format` */
    int shown_format;
    size_t tiles;
    double *identities; /* of the last picture's tiles, as JavaScript's numbers */
} WebDecoder;

static int64_t decoder_read(void *opaque, uint64_t offset, uint8_t *data, size_t size_bytes) {
    return web_host_read(((WebDecoder *)opaque)->id, offset, data, size_bytes);
}

EXPORT WebDecoder *web_decoder_new(int id) {
    WebDecoder *d = calloc(1, sizeof *d);
    if (!d) return NULL;
    d->id = id;
    d->shown_format = -1;
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

EXPORT int web_decoder_set_grain(WebDecoder *d, int on) {
    return dfy_decoder_set_grain(d->decoder, on);
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
        info.primaries,
        info.transfer,
        info.sample_aspect_num,
        info.sample_aspect_den,
        info.orientation,
        (double)info.start_unix_us,
        (double)info.last_frame_ticks,
    };
    memcpy(web_result(), values, sizeof values);
    return DFY_OK;
}

/* result: format, width, height, pts, matrix, range of the picture. */
EXPORT int web_decoder_next(WebDecoder *d) {
    int status = dfy_decoder_next(d->decoder, &d->native);
    if (status) return status;
    web_result()[0] = d->native.format;
    web_result()[1] = d->native.width;
    web_result()[2] = d->native.height;
    web_result()[3] = (double)d->native.pts;
    web_result()[4] = d->native.matrix;
    web_result()[5] = d->native.range;
    return DFY_OK;
}

/* A rectangle of a picture; its corner is even. */
static DfyPicture part_of(const DfyPicture *whole, int x, int y, int width, int height) {
    DfyPicture part = *whole;
    int planar = whole->format == DFY_PIXELS_I420;
    int bytes = whole->format == DFY_PIXELS_RGBA ? 4 : whole->format == DFY_PIXELS_RGB ? 3 : 1;
    for (int i = 0; i < (planar ? 3 : 1); i++) {
        int half = i > 0;
        part.plane[i] += (ptrdiff_t)(y >> half) * part.stride_bytes[i] + (ptrdiff_t)(x >> half) * bytes;
    }
    part.width = width;
    part.height = height;
    return part;
}

/* Room for what is known of the tiles of `converted`: nothing at first. */
static int remember_tiles(WebDecoder *d, const DfyTiles *now, int format) {
    size_t count = (size_t)now->columns * (size_t)now->rows;
    if (count != d->tiles) {
        free(d->shown);
        d->shown = calloc(count, sizeof *d->shown);
        d->tiles = d->shown ? count : 0;
    }
    if (format != d->shown_format) memset(d->shown, 0, d->tiles * sizeof *d->shown);
    d->shown_format = format;
    return d->tiles > 0;
}

/* Converts the tiles that are others than those of the picture before, neighbours of a row at once. */
static int convert_tiles(WebDecoder *d, const DfyTiles *now) {
    const DfyPicture *to = &d->converted.picture;
    DfyPicture from = d->native;
    int status = DFY_OK;
    /* What is unknown follows from the size of the whole, not of a tile. */
    int known = from.matrix == DFY_MATRIX_BT709 || from.matrix == DFY_MATRIX_BT601 || from.matrix == DFY_MATRIX_BT2020;
    if (!known) from.matrix = from.height < 720 ? DFY_MATRIX_BT601 : DFY_MATRIX_BT709;
    for (int row = 0; row < now->rows; row++) {
        const uint64_t *is = now->identities + (size_t)row * (size_t)now->columns;
        uint64_t *was = d->shown + (size_t)row * (size_t)now->columns;
        for (int column = 0, end; column < now->columns && !status; column = end + 1) {
            for (end = column; end < now->columns && (!is[end] || is[end] != was[end]); end++) was[end] = is[end];
            if (end == column) continue;
            int x = column * 64, y = row * 64;
            int width = end * 64 < to->width ? end * 64 - x : to->width - x;
            int height = to->height - y < 64 ? to->height - y : 64;
            if (width < 1 || height < 1) continue; /* what is coded may reach beyond the picture */
            DfyPicture target = part_of(to, x, y, width, height), source = part_of(&from, x, y, width, height);
            target.matrix = from.matrix;
            status = dfy_picture_convert(&target, &source);
        }
    }
    return status;
}

/* The last picture in another format or its own, tightly packed; NULL when there is no memory. */
EXPORT uint8_t *web_decoder_picture(WebDecoder *d, int format) {
    const uint8_t *before = d->converted.data;
    DfyTiles now;
    if (!d->native.plane[0] || prepare(&d->converted, format, d->native.width, d->native.height)) return NULL;
    if (before != d->converted.data) d->shown_format = -1;
    d->converted.picture.matrix = d->native.matrix;
    /* What comes from RGB becomes what cameras and video encoders use. */
    int own_range = d->native.format == DFY_PIXELS_I420;
    d->converted.picture.range = own_range ? d->native.range : DFY_RANGE_LIMITED;
    int tiled = !dfy_decoder_tiles(d->decoder, &now) && remember_tiles(d, &now, format);
    if (!tiled) d->shown_format = -1;
    int status = tiled ? convert_tiles(d, &now) : dfy_picture_convert(&d->converted.picture, &d->native);
    return status == DFY_OK ? d->converted.data : NULL;
}

/* Identities of the last picture's tiles, row by row; NULL: not known. result: columns, rows. */
EXPORT const double *web_decoder_tiles(WebDecoder *d) {
    DfyTiles tiles;
    if (dfy_decoder_tiles(d->decoder, &tiles)) return NULL;
    size_t count = (size_t)tiles.columns * (size_t)tiles.rows;
    double *grown = realloc(d->identities, count * sizeof *grown);
    if (!grown) return NULL;
    d->identities = grown;
    for (size_t i = 0; i < count; i++) grown[i] = (double)tiles.identities[i];
    web_result()[0] = tiles.columns;
    web_result()[1] = tiles.rows;
    return grown;
}

/* The origins of the last picture's blocks, DFY_ORIGIN_ bits row by row; NULL: not known. result: columns, rows. */
EXPORT const uint8_t *web_decoder_origins(WebDecoder *d) {
    DfyOrigins origins;
    if (dfy_decoder_origins(d->decoder, &origins)) return NULL;
    web_result()[0] = origins.columns;
    web_result()[1] = origins.rows;
    return origins.cells;
}

EXPORT int web_decoder_seek(WebDecoder *d, double frame) {
    return dfy_decoder_seek(d->decoder, (uint64_t)frame);
}
EXPORT int web_decoder_approach(WebDecoder *d, double frame) {
    return dfy_decoder_approach(d->decoder, (uint64_t)frame);
}
/* result: the frame's time in ticks. */
EXPORT int web_decoder_time(WebDecoder *d, double frame) {
    int64_t pts = 0;
    int status = dfy_decoder_time(d->decoder, (uint64_t)frame, &pts);
    web_result()[0] = (double)pts;
    return status;
}
EXPORT double web_decoder_position(const WebDecoder *d) {
    return (double)dfy_decoder_position(d->decoder);
}

/* result: type, offset, payload bytes, has checksum, damaged. Returns the name, NULL past the end. */
EXPORT const char *web_decoder_chunk(const WebDecoder *d, unsigned index) {
    DfyChunk chunk;
    if (dfy_decoder_chunk(d->decoder, index, &chunk)) return NULL;
    web_result()[0] = chunk.type;
    web_result()[1] = (double)chunk.offset_bytes;
    web_result()[2] = (double)chunk.payload_bytes;
    web_result()[3] = chunk.has_checksum;
    web_result()[4] = chunk.damaged;
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
    memcpy(web_result(), values, sizeof values);
    return DFY_OK;
}

/* result: the members of DfyDeparture in their order. */
EXPORT int web_decoder_departure(const WebDecoder *d, unsigned index) {
    DfyDeparture departure;
    int status = dfy_decoder_departure(d->decoder, index, &departure);
    if (status) return status;
    const double values[] = {
        (double)departure.first_frame,
        (double)departure.frames,
        departure.start_seconds,
        departure.seconds,
        departure.is_slow,
        departure.left,
        departure.top,
        departure.right,
        departure.bottom,
        departure.size,
    };
    memcpy(web_result(), values, sizeof values);
    return DFY_OK;
}

/* An episode's name, or NULL for no such. result: first frame, frames, start, seconds. */
EXPORT const char *web_decoder_episode(const WebDecoder *d, unsigned index) {
    DfyEpisode episode;
    if (dfy_decoder_episode(d->decoder, index, &episode)) return NULL;
    const double values[] = {
        (double)episode.first_frame,
        (double)episode.frames,
        episode.start_seconds,
        episode.seconds,
    };
    memcpy(web_result(), values, sizeof values);
    return episode.name;
}

/* result: x, y, z, w. */
EXPORT int web_decoder_imu(const WebDecoder *d, double frame) {
    return dfy_decoder_imu(d->decoder, (uint64_t)frame, web_result());
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

/* The codec's name, or NULL for no sound. result: sample rate, channels, time base, where its configuration is, bytes.
 */
EXPORT const char *web_decoder_sound(const WebDecoder *d) {
    static DfySound sound;
    if (dfy_decoder_sound(d->decoder, &sound)) return NULL;
    web_result()[0] = sound.sample_rate;
    web_result()[1] = sound.channels;
    web_result()[2] = sound.time_base_num;
    web_result()[3] = sound.time_base_den;
    web_result()[4] = (double)(uintptr_t)sound.config;
    web_result()[5] = (double)sound.config_bytes;
    return sound.codec;
}

EXPORT int web_decoder_seek_sound(WebDecoder *d, double ticks) {
    return dfy_decoder_seek_sound(d->decoder, (int64_t)ticks);
}

/* result: where the packet is, bytes, time, duration. */
EXPORT int web_decoder_next_sound(WebDecoder *d) {
    DfySoundPacket packet;
    int status = dfy_decoder_next_sound(d->decoder, &packet);
    if (status) return status;
    web_result()[0] = (double)(uintptr_t)packet.data;
    web_result()[1] = (double)packet.size_bytes;
    web_result()[2] = (double)packet.pts;
    web_result()[3] = (double)packet.duration;
    return DFY_OK;
}

EXPORT void web_decoder_close(WebDecoder *d) {
    dfy_decoder_close(&d->decoder);
    free(d->converted.data);
    free(d->shown);
    free(d->identities);
    free(d);
}
