/*
 * Version 1, writing. The cycles of a recording are known only at its end, so all frames are held, as I420,
 * which takes half the room of RGB; everything is coded in finish.
 */
#include "v1/writer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "base/picture.h"
#include "v1/jpeg.h"

#define DEFAULT_MEMORY_LIMIT ((uint64_t)2 << 30)

static void v1_close(void *state) {
    DfyV1Writer *writer = state;
    for (uint64_t i = 0; i < writer->frames; i++) dfy_picture_free(&writer->frame[i]);
    for (uint32_t i = 0; writer->canonical_payload && i < writer->plan.canonicals; i++)
        dfy_buffer_free(&writer->canonical_payload[i]);
    free(writer->frame);
    free(writer->canonical_payload);
    free(writer->codebook.word);
    dfy_background_close(&writer->background);
    dfy_cycle_finder_close(&writer->finder);
    dfy_v1_plan_free(&writer->plan);
    dfy_buffer_free(&writer->imu);
    dfy_picture_free(&writer->plate);
    dfy_picture_free(&writer->plate_i420);
    dfy_picture_free(&writer->warped);
    free(writer);
}

/* What can fail or be refused before the first frame. */
static int prepare(DfyV1Writer *writer) {
    const DfyEncoderSettings *settings = &writer->settings;
    const int width = settings->width, height = settings->height;
    double fps = (double)settings->frame_rate_num / settings->frame_rate_den;
    if (settings->use_vq && !settings->use_temporal)
        return dfy_fail(writer->message, DFY_ERROR_ARGUMENT,
                        "Vector quantisation needs temporal coding: choose one of --vq and --no-temporal.");
    if (settings->has_imu && dfy_camera_matrix(writer->camera, settings->camera_matrix, width, height))
        return dfy_fail(writer->message, DFY_ERROR_ARGUMENT, "The camera matrix can't be inverted.");
    int status = dfy_background_open(&writer->background, width, height, settings->warmup_frames);
    if (!status) status = dfy_cycle_finder_open(&writer->finder, width, height, fps);
    if (!status && settings->has_imu) status = dfy_picture_alloc(&writer->warped, DFY_PIXELS_I420, width, height);
    if (status)
        return dfy_fail(writer->message, status, "There is no memory for the background of %d x %d pixels.", width,
                        height);
    return DFY_OK;
}

static int v1_open(void **state, const DfyEncoderSettings *settings, const DfyOutput *output, DfyMessage *message) {
    DfyV1Writer *writer = calloc(1, sizeof *writer);
    if (!writer) return dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for an encoder.");
    writer->settings = *settings;
    writer->output = *output;
    writer->message = message;
    if (!writer->settings.memory_limit_bytes) writer->settings.memory_limit_bytes = DEFAULT_MEMORY_LIMIT;
    writer->orientation = dfy_quaternion_identity();
    int status = prepare(writer);
    if (status) {
        v1_close(writer);
        return status;
    }
    *state = writer;
    return DFY_OK;
}

/* Room for one more frame in the list. */
static int grow(DfyV1Writer *writer) {
    if (writer->frames < writer->capacity) return DFY_OK;
    uint64_t capacity = writer->capacity ? writer->capacity * 2 : 256;
    DfyPicture *grown = realloc(writer->frame, capacity * sizeof *grown);
    if (!grown) return DFY_ERROR_MEMORY;
    writer->frame = grown;
    writer->capacity = capacity;
    return DFY_OK;
}

static int hold(DfyV1Writer *writer, const DfyPicture *picture) {
    const DfyEncoderSettings *settings = &writer->settings;
    uint64_t bytes = dfy_picture_bytes(DFY_PIXELS_I420, settings->width, settings->height);
    if ((writer->frames + 1) * bytes > settings->memory_limit_bytes)
        return dfy_fail(writer->message, DFY_ERROR_MEMORY,
                        "Version 1 holds all frames, and %llu of them fill the %llu MiB allowed: encode fewer or "
                        "smaller frames, raise the memory limit, or use format 2.",
                        (unsigned long long)writer->frames, (unsigned long long)(settings->memory_limit_bytes >> 20));
    if (grow(writer) ||
        dfy_picture_alloc(&writer->frame[writer->frames], DFY_PIXELS_I420, settings->width, settings->height))
        return dfy_fail(writer->message, DFY_ERROR_MEMORY, "There is no memory to hold frame %llu.",
                        (unsigned long long)writer->frames);
    DfyPicture *frame = &writer->frame[writer->frames++];
    frame->matrix = settings->matrix;
    frame->range = settings->range;
    int status = DFY_OK;
    if (picture->format == DFY_PIXELS_I420)
        dfy_picture_copy(frame, picture);
    else
        status = dfy_picture_convert(frame, picture);
    frame->matrix = settings->matrix;
    frame->range = settings->range;
    return status;
}

int dfy_v1_report(const DfyV1Writer *writer, DfyStage stage, uint64_t done, uint64_t total) {
    if (writer->settings.progress && writer->settings.progress(writer->settings.progress_opaque, stage, done, total))
        return dfy_fail(writer->message, DFY_ERROR_CANCELLED, "Encoding was cancelled.");
    return DFY_OK;
}

/* ---------------------------------------------------------------- orientation */

static int v1_push_gyro(void *state, const double xyz[3], double dt) {
    DfyV1Writer *writer = state;
    if (!isfinite(xyz[0] + xyz[1] + xyz[2] + dt) || dt < 0)
        return dfy_fail(writer->message, DFY_ERROR_ARGUMENT,
                        "A gyroscope sample is not a number or goes back in time.");
    writer->orientation = dfy_quaternion_integrate(writer->orientation, xyz, dt);
    return DFY_OK;
}

static DfyQuaternion stored_orientation(const DfyV1Writer *writer, uint64_t frame) {
    double value[4];
    for (size_t i = 0; i < 4; i++) {
        const uint8_t *half = writer->imu.data + (frame * 4 + i) * 2;
        value[i] = dfy_half_to_float((uint16_t)(half[0] | half[1] << 8));
    }
    return dfy_quaternion_normalise((DfyQuaternion){value[0], value[1], value[2], value[3]});
}

/* Notes the frame's orientation and turns the frame to the first one's, by the orientation that readers will have. */
static int turn_frame(DfyV1Writer *writer, DfyPicture *frame) {
    const double value[4] = {writer->orientation.x, writer->orientation.y, writer->orientation.z,
                             writer->orientation.w};
    for (int i = 0; i < 4; i++) dfy_put_u16le(&writer->imu, dfy_float_to_half((float)value[i]));
    if (writer->imu.failed) return dfy_fail(writer->message, DFY_ERROR_MEMORY, "There is no memory for orientations.");
    double homography[9];
    dfy_imu_homography(homography, writer->camera, stored_orientation(writer, writer->frames - 1),
                       stored_orientation(writer, 0), 0);
    dfy_imu_warp(&writer->warped, frame, homography, 0);
    dfy_picture_copy(frame, &writer->warped);
    return DFY_OK;
}

static int write_imu(DfyV1Writer *writer) {
    if (!writer->settings.has_imu) return DFY_OK;
    uLongf size = compressBound((uLong)writer->imu.size);
    uint8_t *deflated = malloc(size);
    int status = deflated && compress2(deflated, &size, writer->imu.data, (uLong)writer->imu.size, 9) == Z_OK
                     ? dfy_v1_chunk_write(&writer->output, DFY_V1_IMU_BLOCK, 1, deflated, size, writer->message)
                     : dfy_fail(writer->message, DFY_ERROR_MEMORY, "There is no memory for orientations.");
    free(deflated);
    return status;
}

/* ---------------------------------------------------------------- frames and the file */

static int v1_push(void *state, const DfyPicture *picture) {
    DfyV1Writer *writer = state;
    int status = hold(writer, picture);
    if (status) return status;
    DfyPicture *frame = &writer->frame[writer->frames - 1];
    if (writer->settings.has_imu) status = turn_frame(writer, frame);
    if (!status && dfy_cycle_finder_push(&writer->finder, frame))
        status = dfy_fail(writer->message, DFY_ERROR_MEMORY, "There is no memory for finding cycles.");
    if (status) return status;
    dfy_background_push(&writer->background, frame);
    return dfy_v1_report(writer, DFY_STAGE_BACKGROUND, writer->frames, writer->settings.expected_frames);
}

static int write_header(DfyV1Writer *writer) {
    const DfyEncoderSettings *settings = &writer->settings;
    DfyV1Header header = {.total_frames = writer->frames,
                          .fps = (float)settings->frame_rate_num / (float)settings->frame_rate_den,
                          .width = settings->width,
                          .height = settings->height,
                          .flags = settings->has_imu ? DFY_V1_HAS_IMU : 0};
    DfyBuffer bytes = {0};
    dfy_v1_put_header(&bytes, &header);
    int status = bytes.failed || writer->output.write(writer->output.opaque, bytes.data, bytes.size)
                     ? dfy_fail(writer->message, DFY_ERROR_IO, "The header could not be written.")
                     : DFY_OK;
    dfy_buffer_free(&bytes);
    return status;
}

/* The user's quality is that of the tables; the plate, on which everything is built, gets no less than this. */
static int jpeg_quality(int quality) {
    return quality <= 50 ? 85 : 85 + (quality - 50) / 4;
}

/* Writes the plate and keeps it as readers will decode it. */
static int write_background(DfyV1Writer *writer) {
    const DfyEncoderSettings *settings = &writer->settings;
    DfyPicture *plate = &writer->plate, *i420 = &writer->plate_i420;
    DfyBuffer jpeg = {0};
    int status = dfy_picture_alloc(i420, DFY_PIXELS_I420, settings->width, settings->height);
    if (!status) status = dfy_picture_alloc(plate, DFY_PIXELS_RGB, settings->width, settings->height);
    if (status) dfy_fail(writer->message, status, "There is no memory for the background.");
    if (!status) {
        dfy_background_plate(&writer->background, i420);
        i420->matrix = settings->matrix;
        i420->range = settings->range;
        dfy_picture_convert(plate, i420);
        status = dfy_v1_jpeg_write(&jpeg, plate, jpeg_quality(settings->quality), writer->message);
    }
    if (!status) status = dfy_v1_jpeg_read(plate, jpeg.data, jpeg.size, writer->message);
    if (!status) dfy_picture_convert(i420, plate);
    if (!status)
        status = dfy_v1_chunk_write(&writer->output, DFY_V1_BACKGROUND, 0, jpeg.data, jpeg.size, writer->message);
    dfy_buffer_free(&jpeg);
    return status;
}

static int v1_finish(void *state, DfyEncoderStats *stats) {
    DfyV1Writer *writer = state;
    int status = dfy_v1_plan_make(writer);
    if (!status) status = write_header(writer);
    if (!status) status = dfy_v1_write_metadata(writer);
    if (!status) status = write_background(writer);
    if (!status && writer->settings.use_vq) status = dfy_v1_write_codebook(writer);
    if (!status) status = write_imu(writer);
    if (!status) status = dfy_v1_write_pieces(writer);
    if (!status) status = dfy_v1_report(writer, DFY_STAGE_DONE, writer->frames, writer->frames);
    stats->cycles = writer->plan.cycles;
    stats->canonicals = writer->plan.followed;
    return status;
}

const DfyFormatWriter dfy_v1_writer = {
    .version = 1, .open = v1_open, .push = v1_push, .push_gyro = v1_push_gyro, .finish = v1_finish, .close = v1_close};
