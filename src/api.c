/*
 * The front hall: checks arguments, picks the room by format or magic, keeps the last message.
 * Nothing here knows what a chunk or a block is.
 */
#include <stdlib.h>
#include <string.h>

#include "base/format.h"

/* Encoder and decoder both open with their message, so that dfy_last_message can take either. */
struct DfyEncoder {
    DfyMessage message;
    const DfyFormatWriter *room;
    void *state;
    DfyEncoderSettings settings;
    DfyOutput output;
    uint64_t bytes_written;
    uint64_t frames;
    int64_t last_pts;
    int finished;
    int failed; /* status of the first failure: everything after it fails the same way */
};

struct DfyDecoder {
    DfyMessage message;
    const DfyFormatReader *room;
    void *state;
};

static const DfyFormatWriter *const writers[] = {&dfy_v1_writer, &dfy_v2_writer};
static const DfyFormatReader *const readers[] = {&dfy_v1_reader, &dfy_v2_reader};

const char *dfy_last_message(const void *encoder_or_decoder) {
    return encoder_or_decoder ? ((const DfyMessage *)encoder_or_decoder)->text : "There is no memory left for this.";
}

/* ---------------------------------------------------------------- encoder */

void dfy_encoder_defaults(DfyEncoderSettings *settings) {
    *settings = (DfyEncoderSettings){
        .format = 2,
        .quality = 25,
        .frame_rate_num = 30,
        .frame_rate_den = 1,
        .mode = DFY_MODE_TRAINING,
        .matrix = DFY_MATRIX_UNKNOWN,
        .range = DFY_RANGE_LIMITED,
        .effort = 5,
        .clone_distance = 2.0,
        .warmup_frames = 300,
        .use_temporal = 1,
        .use_bbox = 1,
        .max_p_run = 25,
    };
}

static int check_settings(DfyMessage *message, const DfyEncoderSettings *s) {
    if (s->width < 1 || s->height < 1 || s->width > DFY_MAX_DIMENSION || s->height > DFY_MAX_DIMENSION)
        return dfy_fail(message, DFY_ERROR_ARGUMENT,
                        "Pictures of %d x %d pixels can't be encoded: width and height must be 1 to %d.", s->width,
                        s->height, DFY_MAX_DIMENSION);
    if (s->quality < 1 || s->quality > 100)
        return dfy_fail(message, DFY_ERROR_ARGUMENT, "Quality %d is out of range: choose 1 to 100.", s->quality);
    if (s->frame_rate_num < 1 || s->frame_rate_den < 1)
        return dfy_fail(message, DFY_ERROR_ARGUMENT, "The frame rate %d/%d is not a positive number.",
                        s->frame_rate_num, s->frame_rate_den);
    if (s->time_base_num < 0 || s->time_base_den < 0 || !s->time_base_num != !s->time_base_den)
        return dfy_fail(message, DFY_ERROR_ARGUMENT, "The time base %d/%d is not a positive number.", s->time_base_num,
                        s->time_base_den);
    if (s->effort < 1 || s->effort > 9)
        return dfy_fail(message, DFY_ERROR_ARGUMENT, "Effort %d is out of range: choose 1 to 9.", s->effort);
    if (s->threads < 0 || s->threads > 64)
        return dfy_fail(message, DFY_ERROR_ARGUMENT, "%d threads are out of range: choose 0 (automatic) to 64.",
                        s->threads);
    if (s->warmup_frames < 1 || s->max_p_run < 1)
        return dfy_fail(message, DFY_ERROR_ARGUMENT, "Warm-up frames and the longest P run must be at least 1.");
    if (!(s->clone_distance >= 0 && s->clone_distance <= 255))
        return dfy_fail(message, DFY_ERROR_ARGUMENT, "The clone distance must be 0 to 255 levels.");
    if (!(s->segment_seconds >= 0 && s->segment_seconds <= 3600))
        return dfy_fail(message, DFY_ERROR_ARGUMENT, "The longest segment must be 0 (the usual) to 3600 seconds.");
    if (s->mode != DFY_MODE_TRAINING && s->mode != DFY_MODE_UPLOAD)
        return dfy_fail(message, DFY_ERROR_ARGUMENT, "The mode must be training or upload.");
    return DFY_OK;
}

/* Counts what is written on its way to the caller's output. */
static int counted_write(void *opaque, const uint8_t *data, size_t size_bytes) {
    DfyEncoder *encoder = opaque;
    int status = encoder->output.write(encoder->output.opaque, data, size_bytes);
    if (!status) encoder->bytes_written += size_bytes;
    return status;
}

int dfy_encoder_open(DfyEncoder **encoder, const DfyEncoderSettings *settings, const DfyOutput *output) {
    if (!encoder) return DFY_ERROR_ARGUMENT;
    DfyEncoder *e = *encoder = calloc(1, sizeof *e);
    if (!e) return DFY_ERROR_MEMORY;
    if (!settings || !output || !output->write)
        return e->failed = dfy_fail(&e->message, DFY_ERROR_ARGUMENT, "An encoder needs settings and an output.");
    e->settings = *settings;
    e->output = *output;
    if (!e->settings.time_base_num) {
        e->settings.time_base_num = e->settings.frame_rate_den;
        e->settings.time_base_den = e->settings.frame_rate_num;
    }
    if ((e->failed = check_settings(&e->message, &e->settings))) return e->failed;
    for (size_t i = 0; i < sizeof writers / sizeof *writers; i++)
        if (writers[i]->version == settings->format) e->room = writers[i];
    if (!e->room)
        return e->failed = dfy_fail(&e->message, DFY_ERROR_ARGUMENT,
                                    "Format %d is unknown: this version writes 1 and 2.", settings->format);
    DfyOutput counted = {.write = counted_write, .opaque = e};
    return e->failed = e->room->open(&e->state, &e->settings, &counted, &e->message);
}

static int encoder_usable(DfyEncoder *e) {
    if (!e) return DFY_ERROR_ARGUMENT;
    if (e->failed) return e->failed;
    if (e->finished)
        return dfy_fail(&e->message, DFY_ERROR_ARGUMENT, "The encoder is finished: open another for more pictures.");
    return DFY_OK;
}

int dfy_encoder_push(DfyEncoder *e, const DfyPicture *picture) {
    int status = encoder_usable(e);
    if (status) return status;
    int planes = picture && picture->format == DFY_PIXELS_I420 ? 3 : 1;
    for (int i = 0; i < planes; i++)
        if (!picture || !picture->plane[i])
            return dfy_fail(&e->message, DFY_ERROR_ARGUMENT, "A picture without pixels was pushed.");
    if (picture->width != e->settings.width || picture->height != e->settings.height)
        return dfy_fail(&e->message, DFY_ERROR_ARGUMENT,
                        "Frame %llu is %d x %d pixels but the recording is %d x %d: scale it or encode it apart.",
                        (unsigned long long)e->frames, picture->width, picture->height, e->settings.width,
                        e->settings.height);
    if (e->frames && picture->pts <= e->last_pts)
        return dfy_fail(&e->message, DFY_ERROR_ARGUMENT,
                        "The time of frame %llu is not after that of the frame before it.",
                        (unsigned long long)e->frames);
    if ((e->failed = e->room->push(e->state, picture))) return e->failed;
    e->last_pts = picture->pts;
    e->frames++;
    return DFY_OK;
}

int dfy_encoder_push_gyro(DfyEncoder *e, const double xyz[3], double dt) {
    int status = encoder_usable(e);
    if (status) return status;
    if (!e->room->push_gyro || !e->settings.has_imu)
        return dfy_fail(&e->message, DFY_ERROR_UNSUPPORTED, "Gyroscope samples need format 1 and has_imu.");
    return e->failed = e->room->push_gyro(e->state, xyz, dt);
}

int dfy_encoder_finish(DfyEncoder *e, DfyEncoderStats *stats) {
    int status = encoder_usable(e);
    if (status) return status;
    if (!e->frames) return e->failed = dfy_fail(&e->message, DFY_ERROR_ARGUMENT, "There was no frame to encode.");
    DfyEncoderStats own = {0};
    if ((e->failed = e->room->finish(e->state, &own))) return e->failed;
    e->finished = 1;
    own.frames = e->frames;
    own.bytes = e->bytes_written;
    if (stats) *stats = own;
    return DFY_OK;
}

uint64_t dfy_encoder_bytes_written(const DfyEncoder *e) {
    return e ? e->bytes_written : 0;
}

void dfy_encoder_close(DfyEncoder **encoder) {
    if (!encoder || !*encoder) return;
    if ((*encoder)->state) (*encoder)->room->close((*encoder)->state);
    free(*encoder);
    *encoder = NULL;
}

/* ---------------------------------------------------------------- decoder */

void dfy_decoder_defaults(DfyDecoderSettings *settings) {
    *settings = (DfyDecoderSettings){.memory_limit_bytes = (uint64_t)1 << 30};
}

int dfy_decoder_open(DfyDecoder **decoder, const DfyInput *input, const DfyDecoderSettings *settings) {
    if (!decoder) return DFY_ERROR_ARGUMENT;
    DfyDecoder *d = *decoder = calloc(1, sizeof *d);
    if (!d) return DFY_ERROR_MEMORY;
    if (!input || !input->read) return dfy_fail(&d->message, DFY_ERROR_ARGUMENT, "A decoder needs an input.");
    DfyDecoderSettings own;
    dfy_decoder_defaults(&own);
    if (settings) {
        uint64_t limit = settings->memory_limit_bytes ? settings->memory_limit_bytes : own.memory_limit_bytes;
        own = *settings;
        own.memory_limit_bytes = limit;
    }
    uint8_t magic[4] = {0};
    int64_t got = input->read(input->opaque, 0, magic, sizeof magic);
    if (got < 0) return dfy_fail(&d->message, DFY_ERROR_IO, "The file can't be read.");
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++)
        if (got == 4 && !memcmp(magic, readers[i]->magic, 4)) d->room = readers[i];
    if (!d->room) {
        if (got == 4 && !memcmp(magic, "DFY", 3))
            return dfy_fail(&d->message, DFY_ERROR_UNSUPPORTED,
                            "This .dfy file is of version %d: a newer Diffy is needed to open it.", magic[3]);
        return dfy_fail(&d->message, DFY_ERROR_FORMAT, "This is not a .dfy file: it doesn't begin with \"DFY\".");
    }
    int status = d->room->open(&d->state, input, &own, &d->message);
    if (status && d->state) { /* only the message is left to ask for */
        d->room->close(d->state);
        d->state = NULL;
    }
    return status;
}

static int decoder_usable(const DfyDecoder *d) {
    return d && d->state ? DFY_OK : DFY_ERROR_ARGUMENT;
}

int dfy_decoder_info(const DfyDecoder *d, DfyInfo *info) {
    if (decoder_usable(d) || !info) return DFY_ERROR_ARGUMENT;
    *info = (DfyInfo){0};
    d->room->info(d->state, info);
    return DFY_OK;
}

int dfy_decoder_next(DfyDecoder *d, DfyPicture *picture) {
    if (decoder_usable(d) || !picture) return DFY_ERROR_ARGUMENT;
    return d->room->next(d->state, picture);
}

int dfy_decoder_seek(DfyDecoder *d, uint64_t frame) {
    if (decoder_usable(d)) return DFY_ERROR_ARGUMENT;
    DfyInfo info;
    dfy_decoder_info(d, &info);
    if (frame >= info.frames)
        return dfy_fail(&d->message, DFY_ERROR_ARGUMENT, "There is no frame %llu: the file has %llu.",
                        (unsigned long long)frame, (unsigned long long)info.frames);
    return d->room->seek(d->state, frame);
}

uint64_t dfy_decoder_position(const DfyDecoder *d) {
    return decoder_usable(d) ? 0 : d->room->position(d->state);
}

int dfy_decoder_origins(DfyDecoder *d, DfyOrigins *origins) {
    if (decoder_usable(d) || !origins) return DFY_ERROR_ARGUMENT;
    if (!d->room->origins)
        return dfy_fail(
            &d->message, DFY_ERROR_UNSUPPORTED,
            "Files of version 1 have no blocks whose origin could be told: encode in format 2 to see them.");
    return d->room->origins(d->state, origins);
}

int dfy_decoder_chunk(const DfyDecoder *d, uint32_t index, DfyChunk *chunk) {
    return decoder_usable(d) || !chunk ? DFY_ERROR_ARGUMENT : d->room->chunk(d->state, index, chunk);
}

int dfy_decoder_cycle(const DfyDecoder *d, uint32_t index, DfyCycle *cycle) {
    return decoder_usable(d) || !cycle ? DFY_ERROR_ARGUMENT : d->room->cycle(d->state, index, cycle);
}

int dfy_decoder_imu(const DfyDecoder *d, uint64_t frame, double quaternion[4]) {
    if (decoder_usable(d) || !quaternion || !d->room->imu) return DFY_ERROR_ARGUMENT;
    return d->room->imu(d->state, frame, quaternion);
}

const char *dfy_decoder_metadata(const DfyDecoder *d) {
    return decoder_usable(d) ? "{}" : d->room->metadata(d->state);
}

int dfy_decoder_verify(DfyDecoder *d) {
    return decoder_usable(d) ? DFY_ERROR_ARGUMENT : d->room->verify(d->state);
}

void dfy_decoder_close(DfyDecoder **decoder) {
    if (!decoder || !*decoder) return;
    if ((*decoder)->state) (*decoder)->room->close((*decoder)->state);
    free(*decoder);
    *decoder = NULL;
}
