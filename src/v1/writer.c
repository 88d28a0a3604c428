/*
 * Version 1, writing. The cycles of a recording are known only at its end, so all frames are held, as I420,
 * which takes half the room of RGB; everything is coded in finish.
 */
#include "v1/writer.h"

#include <stdlib.h>
#include <string.h>

#include "base/picture.h"
#include "v1/jpeg.h"

#define DEFAULT_MEMORY_LIMIT ((uint64_t)2 << 30)

static void v1_close(void *state) {
    DfyV1Writer *writer = state;
    for (uint64_t i = 0; i < writer->frames; i++) dfy_picture_free(&writer->frame[i]);
    free(writer->frame);
    dfy_background_close(&writer->background);
    dfy_picture_free(&writer->plate);
    free(writer);
}

static int v1_open(void **state, const DfyEncoderSettings *settings, const DfyOutput *output, DfyMessage *message) {
    DfyV1Writer *writer = calloc(1, sizeof *writer);
    if (!writer) return dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for an encoder.");
    writer->settings = *settings;
    writer->output = *output;
    writer->message = message;
    if (!writer->settings.memory_limit_bytes) writer->settings.memory_limit_bytes = DEFAULT_MEMORY_LIMIT;
    if (dfy_background_open(&writer->background, settings->width, settings->height, settings->warmup_frames)) {
        v1_close(writer);
        return dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for the background of %d x %d pixels.",
                        settings->width, settings->height);
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

static int report(DfyV1Writer *writer, DfyStage stage, uint64_t done, uint64_t total) {
    if (writer->settings.progress && writer->settings.progress(writer->settings.progress_opaque, stage, done, total))
        return dfy_fail(writer->message, DFY_ERROR_CANCELLED, "Encoding was cancelled.");
    return DFY_OK;
}

static int v1_push(void *state, const DfyPicture *picture) {
    DfyV1Writer *writer = state;
    int status = hold(writer, picture);
    if (status) return status;
    dfy_background_push(&writer->background, &writer->frame[writer->frames - 1]);
    return report(writer, DFY_STAGE_BACKGROUND, writer->frames, writer->settings.expected_frames);
}

static int write_header(DfyV1Writer *writer) {
    const DfyEncoderSettings *settings = &writer->settings;
    DfyV1Header header = {.total_frames = writer->frames,
                          .fps = (float)settings->frame_rate_num / (float)settings->frame_rate_den,
                          .width = settings->width,
                          .height = settings->height};
    DfyBuffer bytes = {0};
    dfy_v1_put_header(&bytes, &header);
    int status = bytes.failed || writer->output.write(writer->output.opaque, bytes.data, bytes.size)
                     ? dfy_fail(writer->message, DFY_ERROR_IO, "The header could not be written.")
                     : DFY_OK;
    dfy_buffer_free(&bytes);
    return status;
}

/* Writes the plate and keeps it as readers will decode it. */
static int write_background(DfyV1Writer *writer) {
    const DfyEncoderSettings *settings = &writer->settings;
    DfyPicture mean = {0};
    DfyBuffer jpeg = {0};
    int status = dfy_picture_alloc(&mean, DFY_PIXELS_I420, settings->width, settings->height);
    if (!status) status = dfy_picture_alloc(&writer->plate, DFY_PIXELS_RGB, settings->width, settings->height);
    if (status) dfy_fail(writer->message, status, "There is no memory for the background.");
    if (!status) {
        dfy_background_plate(&writer->background, &mean);
        mean.matrix = settings->matrix;
        mean.range = settings->range;
        status = dfy_picture_convert(&writer->plate, &mean);
    }
    if (!status) status = dfy_v1_jpeg_write(&jpeg, &writer->plate, DFY_V1_JPEG_QUALITY, writer->message);
    if (!status) status = dfy_v1_jpeg_read(&writer->plate, jpeg.data, jpeg.size, writer->message);
    if (!status)
        status = dfy_v1_chunk_write(&writer->output, DFY_V1_BACKGROUND, 0, jpeg.data, jpeg.size, writer->message);
    dfy_picture_free(&mean);
    dfy_buffer_free(&jpeg);
    return status;
}

static int write_cycles(DfyV1Writer *writer) {
    const DfyEncoderSettings *settings = &writer->settings;
    DfyV1PictureCoder coder;
    DfyPicture source = {0}, decoded = {0};
    DfyBuffer payload = {0}, record = {0};
    int status =
        dfy_v1_picture_coder_open(&coder, settings->width, settings->height, settings->quality, DFY_V1_SPACE_RGB);
    if (!status) status = dfy_picture_alloc(&source, DFY_PIXELS_RGB, settings->width, settings->height);
    if (!status) status = dfy_picture_alloc(&decoded, DFY_PIXELS_RGB, settings->width, settings->height);
    if (status) dfy_fail(writer->message, status, "There is no memory for an encoder.");
    dfy_put_u32be(&payload, (uint32_t)writer->frames);
    dfy_put_u8(&payload, 3);
    for (uint64_t i = 0; i < writer->frames && !status; i++) {
        DfyV1CodedPicture coded;
        int predicted = i % (unsigned)(settings->max_p_run + 1) != 0;
        if (!predicted) dfy_picture_copy(&decoded, &writer->plate);
        status = dfy_picture_convert(&source, &writer->frame[i]);
        record.size = 0;
        if (!status) status = dfy_v1_code_picture(&coder, &record, &decoded, &source, DFY_V1_FRAMING_BOX, &coded);
        dfy_put_u8(&payload, (unsigned)predicted);
        dfy_put_u32be(&payload, (uint32_t)record.size);
        dfy_put_bytes(&payload, record.data, record.size);
        if (!status) status = report(writer, DFY_STAGE_FRAMES, i + 1, writer->frames);
    }
    if (!status && payload.failed) status = dfy_fail(writer->message, DFY_ERROR_MEMORY, "There is no memory.");
    if (!status) {
        uLongf size = compressBound((uLong)payload.size);
        uint8_t *data = malloc(size);
        compress2(data, &size, payload.data, payload.size, 8);
        status = dfy_v1_chunk_write(&writer->output, DFY_V1_CYCLE_CANON, 1, data, size, writer->message);
        free(data);
    }
    dfy_buffer_free(&payload);
    dfy_buffer_free(&record);
    dfy_picture_free(&source);
    dfy_picture_free(&decoded);
    dfy_v1_picture_coder_close(&coder);
    return status;
}

static int v1_finish(void *state, DfyEncoderStats *stats) {
    DfyV1Writer *writer = state;
    static const char text[] = "{\"use_temporal\":true,\"use_bbox\":true,\"cycle_map\":[[0,0]]}";
    int status = write_header(writer);
    if (!status)
        status = dfy_v1_chunk_write(&writer->output, DFY_V1_METADATA, 0, (const uint8_t *)text, strlen(text),
                                    writer->message);
    if (!status) status = write_background(writer);
    if (!status) status = write_cycles(writer);
    if (!status) status = report(writer, DFY_STAGE_DONE, writer->frames, writer->frames);
    stats->cycles = stats->canonicals = 1;
    return status;
}

const DfyFormatWriter dfy_v1_writer = {
    .version = 1, .open = v1_open, .push = v1_push, .finish = v1_finish, .close = v1_close};
