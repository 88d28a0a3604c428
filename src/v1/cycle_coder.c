/* The pictures of a chunk: canonicals from the plate and from each other, deltas from the decoded canonical. */
#include <stdlib.h>
#include <string.h>

#include "base/picture.h"
#include "v1/reader.h"
#include "v1/writer.h"

#define LEVEL 8             /* of the chunk's zlib stream; 9 takes half as long again for a tenth of a percent */
#define EXCESS_ALLOWED 200u /* as the plan has it */
#define INTRA_ADVANTAGE 0.7 /* an I picture is taken when the plate differs by so much less than the picture before */

typedef struct CycleCoder {
    DfyV1Writer *writer;
    DfyV1PictureCoder canonical, delta; /* they differ in colour space when cycles are not temporal */
    DfyPicture source, decoded;         /* RGB */
    DfyBuffer payload;
} CycleCoder;

/* A coded canonical, decoded again picture by picture. */
typedef struct Replay {
    DfyBytes in;
    uint8_t flags;
    DfyPicture picture;
    DfyV1ResidualDecoder residual;
} Replay;

static int coder_open(CycleCoder *coder, DfyV1Writer *writer) {
    const DfyEncoderSettings *settings = &writer->settings;
    const int width = settings->width, height = settings->height, quality = settings->quality;
    DfyV1Space space = settings->use_temporal ? DFY_V1_SPACE_RGB : DFY_V1_SPACE_YCC_BGR;
    *coder = (CycleCoder){.writer = writer};
    int status = dfy_v1_picture_coder_open(&coder->canonical, width, height, quality, space);
    if (!status) status = dfy_v1_picture_coder_open(&coder->delta, width, height, quality, DFY_V1_SPACE_RGB);
    if (!status) status = dfy_picture_alloc(&coder->source, DFY_PIXELS_RGB, width, height);
    if (!status) status = dfy_picture_alloc(&coder->decoded, DFY_PIXELS_RGB, width, height);
    if (writer->codebook.words) coder->canonical.codebook = &writer->codebook;
    return status ? dfy_fail(writer->message, status, "There is no memory for coding pictures.") : DFY_OK;
}

static void coder_close(CycleCoder *coder) {
    dfy_v1_picture_coder_close(&coder->canonical);
    dfy_v1_picture_coder_close(&coder->delta);
    dfy_picture_free(&coder->source);
    dfy_picture_free(&coder->decoded);
    dfy_buffer_free(&coder->payload);
}

static uint8_t canonical_flags(const DfyV1Writer *writer) {
    const DfyEncoderSettings *settings = &writer->settings;
    if (!settings->use_temporal) return 0;
    return (uint8_t)(DFY_V1_TEMPORAL | (settings->use_bbox ? DFY_V1_FLAG_BOXED : 0) |
                     (writer->codebook.words ? DFY_V1_VQ : 0));
}

/* Deltas are boxed in any case: nothing in the file says whether they are, and one reader takes it for granted. */
static DfyV1Framing framing_of(const DfyV1Writer *writer, DfyV1ChunkType type) {
    const DfyEncoderSettings *settings = &writer->settings;
    if (type == DFY_V1_CYCLE_DELTA) return settings->use_bbox ? DFY_V1_FRAMING_BOX : DFY_V1_FRAMING_FULL_BOX;
    return settings->use_bbox && settings->use_temporal ? DFY_V1_FRAMING_BOX : DFY_V1_FRAMING_PLAIN;
}

/* Codes the source against what is in decoded, and appends u32 size and the payload. */
static int put_picture(CycleCoder *coder, DfyV1ChunkType type) {
    DfyV1PictureCoder *picture_coder = type == DFY_V1_CYCLE_DELTA ? &coder->delta : &coder->canonical;
    size_t at = coder->payload.size;
    dfy_put_u32be(&coder->payload, 0);
    int status = dfy_v1_code_picture(picture_coder, &coder->payload, &coder->decoded, &coder->source,
                                     framing_of(coder->writer, type));
    if (status || coder->payload.failed)
        return dfy_fail(coder->writer->message, DFY_ERROR_MEMORY, "There is no memory for the coded pictures.");
    size_t size = coder->payload.size - at - 4;
    for (int i = 0; i < 4; i++) coder->payload.data[at + (size_t)i] = (uint8_t)(size >> (24 - 8 * i));
    return DFY_OK;
}

/* An I picture at the start, after the longest run, and where the plate is the better reference. */
static int is_predicted(const DfyV1Writer *writer, uint64_t frame, uint32_t run) {
    if (!run || run > (uint32_t)writer->settings.max_p_run) return 0;
    uint64_t intra = dfy_v1_excess(&writer->frame[frame], &writer->plate_i420, EXCESS_ALLOWED);
    uint64_t inter = dfy_v1_excess(&writer->frame[frame], &writer->frame[frame - 1], EXCESS_ALLOWED);
    return (double)intra >= INTRA_ADVANTAGE * (double)inter;
}

static int code_canonical(CycleCoder *coder, const DfyV1Piece *piece) {
    DfyV1Writer *writer = coder->writer;
    uint8_t flags = canonical_flags(writer);
    coder->payload.size = 0;
    dfy_put_u32be(&coder->payload, piece->frames);
    dfy_put_u8(&coder->payload, flags);
    int status = DFY_OK;
    uint32_t run = 0;
    for (uint32_t i = 0; i < piece->frames && !status; i++) {
        uint64_t frame = piece->first_frame + i;
        int predicted = (flags & DFY_V1_TEMPORAL) && is_predicted(writer, frame, run);
        run = predicted ? run + 1 : 1;
        if (!predicted) {
            dfy_picture_copy(&coder->decoded, &writer->plate);
            dfy_v1_picture_coder_restart(&coder->canonical);
        }
        if (flags & DFY_V1_TEMPORAL) dfy_put_u8(&coder->payload, (unsigned)predicted);
        dfy_picture_convert(&coder->source, &writer->frame[frame]);
        status = put_picture(coder, DFY_V1_CYCLE_CANON);
        if (!status) status = dfy_v1_report(writer, DFY_STAGE_FRAMES, ++writer->coded, writer->frames);
    }
    return status;
}

/* ---------------------------------------------------------------- deltas */

static int replay_open(Replay *replay, const DfyV1Writer *writer, uint32_t canonical) {
    const DfyBuffer *payload = &writer->canonical_payload[canonical];
    *replay = (Replay){.in = dfy_bytes(payload->data, payload->size)};
    dfy_read_u32be(&replay->in);
    replay->flags = dfy_read_u8(&replay->in);
    return dfy_picture_alloc(&replay->picture, DFY_PIXELS_RGB, writer->settings.width, writer->settings.height);
}

static int replay_next(Replay *replay, const DfyV1Writer *writer) {
    const int width = writer->settings.width, height = writer->settings.height;
    int predicted = replay->flags & DFY_V1_TEMPORAL ? dfy_read_u8(&replay->in) : 0;
    uint32_t size = dfy_read_u32be(&replay->in);
    const uint8_t *record = dfy_read_span(&replay->in, size);
    if (!record) return DFY_ERROR_DAMAGED;
    if (!predicted) dfy_picture_copy(&replay->picture, &writer->plate);
    DfyV1Boxed boxed = replay->flags & DFY_V1_FLAG_BOXED ? DFY_V1_BOXED : DFY_V1_PLAIN;
    DfyV1Residual residual;
    int status = replay->flags & DFY_V1_VQ ? dfy_v1_residual_parse_vq(&residual, record, size, width, height, boxed)
                                           : dfy_v1_residual_parse(&residual, record, size, width, height, boxed);
    if (status) return status;
    return dfy_v1_residual_add(&replay->residual, &replay->picture, &residual,
                               replay->flags ? DFY_V1_SPACE_RGB : DFY_V1_SPACE_YCC_BGR, &writer->codebook);
}

static void replay_close(Replay *replay) {
    dfy_picture_free(&replay->picture);
    dfy_v1_residual_decoder_free(&replay->residual);
}

static int code_delta(CycleCoder *coder, const DfyV1Piece *piece) {
    DfyV1Writer *writer = coder->writer;
    Replay replay;
    coder->payload.size = 0;
    dfy_put_u16be(&coder->payload, piece->canonical);
    dfy_put_u32be(&coder->payload, piece->frames);
    int status = replay_open(&replay, writer, piece->canonical);
    for (uint32_t i = 0; i < piece->frames && !status; i++) {
        status = replay_next(&replay, writer);
        if (status) break;
        dfy_picture_copy(&coder->decoded, &replay.picture);
        dfy_v1_picture_coder_restart(&coder->delta);
        dfy_picture_convert(&coder->source, &writer->frame[piece->first_frame + i]);
        status = put_picture(coder, DFY_V1_CYCLE_DELTA);
        if (!status) status = dfy_v1_report(writer, DFY_STAGE_CYCLES, ++writer->coded, writer->frames);
    }
    replay_close(&replay);
    if (status == DFY_ERROR_MEMORY) dfy_fail(writer->message, status, "There is no memory for coding pictures.");
    return status;
}

/* ---------------------------------------------------------------- chunks */

static int write_payload(CycleCoder *coder, const DfyV1Piece *piece) {
    DfyV1Writer *writer = coder->writer;
    const DfyBuffer *payload = &coder->payload;
    uLongf size = compressBound((uLong)payload->size);
    uint8_t *deflated = malloc(size);
    int status = deflated && compress2(deflated, &size, payload->data, (uLong)payload->size, LEVEL) == Z_OK
                     ? dfy_v1_chunk_write(&writer->output, piece->type, 1, deflated, size, writer->message)
                     : dfy_fail(writer->message, DFY_ERROR_MEMORY, "There is no memory for the coded pictures.");
    free(deflated);
    return status;
}

static int write_clone(DfyV1Writer *writer, const DfyV1Piece *piece) {
    uint8_t data[4] = {(uint8_t)(piece->canonical >> 8), (uint8_t)piece->canonical, (uint8_t)(piece->frames >> 8),
                       (uint8_t)piece->frames};
    writer->coded += piece->frames;
    int status = dfy_v1_report(writer, DFY_STAGE_CYCLES, writer->coded, writer->frames);
    return status ? status : dfy_v1_chunk_write(&writer->output, DFY_V1_CYCLE_SKIP, 0, data, 4, writer->message);
}

static int write_canonical(CycleCoder *coder, const DfyV1Piece *piece) {
    DfyV1Writer *writer = coder->writer;
    int status = code_canonical(coder, piece);
    if (!status) status = write_payload(coder, piece);
    if (status || !piece->repeated) return status;
    DfyBuffer *kept = &writer->canonical_payload[piece->canonical];
    dfy_put_bytes(kept, coder->payload.data, coder->payload.size);
    return kept->failed ? dfy_fail(writer->message, DFY_ERROR_MEMORY, "There is no memory for the coded pictures.")
                        : DFY_OK;
}

int dfy_v1_write_pieces(DfyV1Writer *writer) {
    const DfyV1Plan *plan = &writer->plan;
    CycleCoder coder;
    int status = coder_open(&coder, writer);
    writer->canonical_payload = calloc(plan->canonicals, sizeof *writer->canonical_payload);
    if (!writer->canonical_payload && !status)
        status = dfy_fail(writer->message, DFY_ERROR_MEMORY, "There is no memory for the coded pictures.");
    for (uint32_t i = 0; i < plan->pieces && !status; i++)
        if (plan->piece[i].type == DFY_V1_CYCLE_CANON) status = write_canonical(&coder, &plan->piece[i]);
    for (uint32_t i = 0; i < plan->pieces && !status; i++) {
        const DfyV1Piece *piece = &plan->piece[i];
        if (piece->type == DFY_V1_CYCLE_SKIP) status = write_clone(writer, piece);
        if (piece->type != DFY_V1_CYCLE_DELTA) continue;
        status = code_delta(&coder, piece);
        if (!status) status = write_payload(&coder, piece);
    }
    coder_close(&coder);
    return status;
}
