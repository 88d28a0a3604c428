/*
 * The encoder's dispatcher: checks arguments, picks the format's writer, keeps the last message. It knows no chunk and
 * no block. Nothing that decodes alone may link this file, nor what it names.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/format.h"
#include "base/json.h"
#include "base/settings.h"

/* dfy_last_message takes it for a DfyMessage: that comes first. */
struct DfyEncoder {
    DfyMessage message;
    const DfyFormatWriter *format;
    void *state;
    DfyEncoderSettings settings;
    DfyOutput output;
    uint64_t bytes_written;
    uint64_t frames;
    int64_t last_pts;
    int has_sound;
    int finished;
    int failed; /* status of the first failure: everything after it fails the same way */
};

#if DFY_V1
#define FORMATS "1 and 2"
#else
#define FORMATS "2 alone"
#endif

static const DfyFormatWriter *const writers[] = {
#if DFY_V1
    &dfy_v1_writer,
#endif
    &dfy_v2_writer,
};

#define MAX_SOUND_BYTES ((size_t)16 << 20) /* of a packet */
#define MAX_SOUND_TICKS ((int64_t)1 << 60)
#define MAX_METADATA ((size_t)1 << 20)

static const DfyEncoderSettings defaults = {
    .struct_size = sizeof(DfyEncoderSettings),
    .format = 2,
    .quality = 25,
    .frame_rate_num = 30,
    .frame_rate_den = 1,
    .mode = DFY_MODE_TRAINING,
    .matrix = DFY_MATRIX_UNKNOWN,
    .range = DFY_RANGE_LIMITED,
    .primaries = 2,
    .transfer = 2,
    .orientation = 1,
    .effort = 5,
    .clone_distance = 2.0,
    .warmup_frames = 300,
    .use_temporal = 1,
    .use_bbox = 1,
    .max_p_run = 25,
};

void dfy_encoder_defaults_of(DfyEncoderSettings *settings, size_t struct_size) {
    dfy_give_defaults(settings, struct_size, &defaults, sizeof defaults);
}

/* What the file only carries for whoever shows its pictures. */
static int check_facts(DfyMessage *message, const DfyEncoderSettings *s) {
    if (s->primaries < 0 || s->primaries > 255 || s->transfer < 0 || s->transfer > 255 || (int)s->matrix < 0 ||
        (int)s->matrix > 255)
        return dfy_fail(message, DFY_ERROR_ARGUMENT,
                        "The colour %d/%d/%d is not one of H.273: its code points are 0 to 255.", s->primaries,
                        s->transfer, (int)s->matrix);
    if (s->sample_aspect_num < 0 || s->sample_aspect_den < 0 || !s->sample_aspect_num != !s->sample_aspect_den)
        return dfy_fail(message, DFY_ERROR_ARGUMENT,
                        "The sample aspect %d/%d is not a positive number: use 0/0 where it is unknown.",
                        s->sample_aspect_num, s->sample_aspect_den);
    if (s->orientation < 0 || s->orientation > 8)
        return dfy_fail(message, DFY_ERROR_ARGUMENT, "Orientation %d is out of range: choose 1 (upright) to 8.",
                        s->orientation);
    if (s->metadata && s->format < 2)
        return dfy_fail(message, DFY_ERROR_ARGUMENT, "Format 1 can't store the caller's metadata: use format 2.");
    if (s->metadata && strlen(s->metadata) > MAX_METADATA)
        return dfy_fail(message, DFY_ERROR_ARGUMENT, "The metadata is longer than 1 MiB: keep it in another file.");
    if (s->metadata && !dfy_is_json_object(s->metadata, strlen(s->metadata)))
        return dfy_fail(message, DFY_ERROR_ARGUMENT,
                        "The metadata is not a JSON object: it must look like {\"name\": \"value\"}.");
    if (s->start_unix_us < 0)
        return dfy_fail(message, DFY_ERROR_ARGUMENT, "The start must be 0 (unknown) or a time after 1970.");
    return DFY_OK;
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
        return dfy_fail(message, DFY_ERROR_ARGUMENT, "The longest segment must be 0 (default) to 3600 seconds.");
    if (s->access_pictures && (s->access_pictures < 2 || s->access_pictures > 7))
        return dfy_fail(message, DFY_ERROR_ARGUMENT,
                        "Access %d is out of range: choose 2 to 7 pictures, or 0 for no limit.", s->access_pictures);
    if (s->access_pictures && (s->format < 2 || s->quality == 100 || s->mode == DFY_MODE_UPLOAD))
        return dfy_fail(message, DFY_ERROR_ARGUMENT,
                        "Random access needs format 2, mode training and a lossy quality.");
    if (s->background_bytes &&
        (!s->background || s->format < 2 || s->quality == 100 || s->target_size_bytes || s->background_bytes > 1 << 28))
        return dfy_fail(message, DFY_ERROR_ARGUMENT,
                        "A background needs format 2, a lossy quality and no target size.");
    if (s->mode != DFY_MODE_TRAINING && s->mode != DFY_MODE_UPLOAD)
        return dfy_fail(message, DFY_ERROR_ARGUMENT, "The mode must be training or upload.");
    return check_facts(message, s);
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
    e->settings = defaults;
    e->failed = dfy_take_settings(&e->settings, sizeof e->settings, offsetof(DfyEncoderSettings, format), settings,
                                  "The encoder's settings", "dfy_encoder_defaults", &e->message);
    if (e->failed) return e->failed;
    e->output = *output;
    if (!e->settings.time_base_num) {
        e->settings.time_base_num = e->settings.frame_rate_den;
        e->settings.time_base_den = e->settings.frame_rate_num;
    }
    if ((e->failed = check_settings(&e->message, &e->settings))) return e->failed;
    for (size_t i = 0; i < sizeof writers / sizeof *writers; i++)
        if (writers[i]->version == e->settings.format) e->format = writers[i];
    if (!e->format)
        return e->failed = dfy_fail(&e->message, DFY_ERROR_ARGUMENT,
                                    "Format %d is unknown: this version writes " FORMATS ".", e->settings.format);
    DfyOutput counted = {.write = counted_write, .opaque = e};
    e->failed = e->format->open(&e->state, &e->settings, &counted, &e->message);
    e->settings.metadata = NULL; /* which were the caller's */
    e->settings.background = NULL;
    return dfy_told(&e->message, e->failed);
}

static int encoder_usable(DfyEncoder *e) {
    if (!e) return DFY_ERROR_ARGUMENT;
    if (e->failed) return e->failed;
    if (e->finished)
        return dfy_fail(&e->message, DFY_ERROR_ARGUMENT,
                        "The encoder is finished: open another one for more pictures.");
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
                        "Frame %llu is %d x %d pixels but the recording is %d x %d: scale it, or encode it separately.",
                        (unsigned long long)e->frames, picture->width, picture->height, e->settings.width,
                        e->settings.height);
    if (e->frames && picture->pts <= e->last_pts)
        return dfy_fail(&e->message, DFY_ERROR_ARGUMENT, "Frame %llu is not later than the frame before it.",
                        (unsigned long long)e->frames);
    if ((e->failed = e->format->push(e->state, picture))) return dfy_told(&e->message, e->failed);
    e->last_pts = picture->pts;
    e->frames++;
    return DFY_OK;
}

int dfy_encoder_push_gyro(DfyEncoder *e, const double xyz[3], double dt) {
    int status = encoder_usable(e);
    if (status) return status;
    if (!e->format->push_gyro || !e->settings.has_imu)
        return dfy_fail(&e->message, DFY_ERROR_UNSUPPORTED, "Gyroscope samples need the setting has_imu.");
    return dfy_told(&e->message, e->failed = e->format->push_gyro(e->state, xyz, dt));
}

int dfy_encoder_sound(DfyEncoder *e, const DfySound *sound) {
    int status = encoder_usable(e);
    if (status) return status;
    if (!e->format->sound)
        return dfy_fail(&e->message, DFY_ERROR_UNSUPPORTED, "Format 1 can't store sound: use format 2.");
    if (!sound || !sound->codec[0] || memchr(sound->codec, 0, sizeof sound->codec) == NULL || sound->sample_rate < 1 ||
        sound->channels < 1 || sound->time_base_num < 1 || sound->time_base_den < 1 ||
        (sound->config_bytes && !sound->config) || sound->config_bytes > MAX_SOUND_BYTES)
        return dfy_fail(&e->message, DFY_ERROR_ARGUMENT,
                        "Sound needs a codec's name, a sample rate, channels and a time base.");
    if (e->has_sound)
        return dfy_fail(&e->message, DFY_ERROR_ARGUMENT, "The file already has sound: it can hold only one track.");
    if ((e->failed = e->format->sound(e->state, sound))) return dfy_told(&e->message, e->failed);
    e->has_sound = 1;
    return DFY_OK;
}

int dfy_encoder_push_sound(DfyEncoder *e, const DfySoundPacket *packet) {
    int status = encoder_usable(e);
    if (status) return status;
    if (!e->has_sound)
        return dfy_fail(&e->message, DFY_ERROR_ARGUMENT, "A packet of sound came before dfy_encoder_sound.");
    if (!packet || !packet->data || !packet->size_bytes || packet->size_bytes > MAX_SOUND_BYTES ||
        packet->duration < 0 || packet->pts > MAX_SOUND_TICKS || packet->pts < -MAX_SOUND_TICKS ||
        packet->duration > MAX_SOUND_TICKS)
        return dfy_fail(&e->message, DFY_ERROR_ARGUMENT,
                        "A packet of sound is empty, larger than 16 MiB, or has an impossible time.");
    return dfy_told(&e->message, e->failed = e->format->push_sound(e->state, packet));
}

int dfy_encoder_begin_episode(DfyEncoder *e, const char *name) {
    int status = encoder_usable(e);
    if (status) return status;
    if (!e->format->begin_episode)
        return dfy_fail(&e->message, DFY_ERROR_UNSUPPORTED, "Format 1 has no episodes: use format 2.");
    if (!name) return dfy_fail(&e->message, DFY_ERROR_ARGUMENT, "An episode needs a name.");
    status = e->format->begin_episode(e->state, name);
    if (status != DFY_ERROR_ARGUMENT) e->failed = status; /* a name can be given again */
    return status;
}

int dfy_encoder_set_effort(DfyEncoder *e, int effort) {
    int status = encoder_usable(e);
    if (status) return status;
    if (effort < 1 || effort > 9)
        return dfy_fail(&e->message, DFY_ERROR_ARGUMENT, "Effort %d is out of range: choose 1 to 9.", effort);
    if (e->format->set_effort) e->format->set_effort(e->state, effort);
    return DFY_OK;
}

int dfy_encoder_last_ticks(DfyEncoder *e, int64_t ticks) {
    int status = encoder_usable(e);
    if (status) return status;
    if (ticks < 1)
        return dfy_fail(&e->message, DFY_ERROR_ARGUMENT, "The last picture must be shown for at least one tick.");
    if (e->format->last_ticks) e->format->last_ticks(e->state, ticks);
    return DFY_OK;
}

int dfy_encoder_finish(DfyEncoder *e, DfyEncoderStats *stats) {
    int status = encoder_usable(e);
    if (status) return status;
    if (!e->frames) return e->failed = dfy_fail(&e->message, DFY_ERROR_ARGUMENT, "There was no frame to encode.");
    DfyEncoderStats own = {0};
    if ((e->failed = e->format->finish(e->state, &own))) return dfy_told(&e->message, e->failed);
    e->finished = 1;
    own.frames = e->frames;
    own.bytes = e->bytes_written;
    if (stats) *stats = own;
    return DFY_OK;
}

void dfy_encoder_coded(const DfyEncoder *e, uint64_t *frames, uint64_t *bytes) {
    *frames = e && e->finished ? e->frames : 0;
    *bytes = dfy_encoder_bytes_written(e);
    if (e && !e->finished && !e->failed && e->format->coded) e->format->coded(e->state, frames, bytes);
}

uint64_t dfy_encoder_bytes_written(const DfyEncoder *e) {
    return e ? e->bytes_written : 0;
}

void dfy_encoder_close(DfyEncoder **encoder) {
    if (!encoder || !*encoder) return;
    if ((*encoder)->state) (*encoder)->format->close((*encoder)->state);
    free(*encoder);
    *encoder = NULL;
}
