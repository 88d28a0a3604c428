/* The pictures of a chunk: canonicals from the plate and from each other, deltas from the decoded canonical. */
#include <stdlib.h>
#include <string.h>

#include "base/picture.h"
#include "v1/reader.h"
#include "v1/writer.h"

#define SMALL_PICTURE 8192 /* bytes before deflate; level 8 takes twice as long as 7, for 3 percent: it is for */
#define SMALL_LEVEL 8      /* cycles whose pictures are small in the mean, which are soon done */
#define LARGE_LEVEL 7
#define EXCESS_ALLOWED 200u /* as the plan has it */
#define TRIAL_FRAMES 10
#define BIT_WORTH 10.0 /* lambdas: what a bit less costs in error along the whole curve of qualities, as measured */
#define INTRA_ADVANTAGE 0.7 /* an I picture is taken when the plate differs by so much less than the picture before */

typedef struct CycleCoder {
    DfyV1Writer *writer;
    DfyV1PictureCoder temporal, still, delta; /* still: of cycles whose pictures all build on the plate */
    DfyPicture source, decoded;               /* RGB */
    DfyBuffer payload;
} CycleCoder;

/* How a chunk's pictures are coded. */
typedef struct Way {
    DfyV1PictureCoder *coder;
    DfyV1Framing framing;
    uint8_t flags;
} Way;

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
    *coder = (CycleCoder){.writer = writer};
    int status = dfy_v1_picture_coder_open(&coder->temporal, width, height, quality, DFY_V1_SPACE_RGB);
    if (!status) status = dfy_v1_picture_coder_open(&coder->still, width, height, quality, DFY_V1_SPACE_YCC_BGR);
    if (!status) status = dfy_v1_picture_coder_open(&coder->delta, width, height, quality, DFY_V1_SPACE_RGB);
    if (!status) status = dfy_picture_alloc(&coder->source, DFY_PIXELS_RGB, width, height);
    if (!status) status = dfy_picture_alloc(&coder->decoded, DFY_PIXELS_RGB, width, height);
    if (writer->codebook.words) coder->temporal.codebook = &writer->codebook;
    return status ? dfy_fail(writer->message, status, "There is no memory for coding pictures.") : DFY_OK;
}

static void coder_close(CycleCoder *coder) {
    dfy_v1_picture_coder_close(&coder->temporal);
    dfy_v1_picture_coder_close(&coder->still);
    dfy_v1_picture_coder_close(&coder->delta);
    dfy_picture_free(&coder->source);
    dfy_picture_free(&coder->decoded);
    dfy_buffer_free(&coder->payload);
}

static Way temporal_way(CycleCoder *coder) {
    const DfyV1Writer *writer = coder->writer;
    int boxed = writer->settings.use_bbox;
    return (Way){
        &coder->temporal, boxed ? DFY_V1_FRAMING_BOX : DFY_V1_FRAMING_PLAIN,
        (uint8_t)(DFY_V1_TEMPORAL | (boxed ? DFY_V1_FLAG_BOXED : 0) | (writer->codebook.words ? DFY_V1_VQ : 0))};
}

static Way still_way(CycleCoder *coder) {
    return (Way){&coder->still, DFY_V1_FRAMING_PLAIN, 0};
}

/* Deltas are boxed in any case: nothing in the file says whether they are, and one reader takes it for granted. */
static Way delta_way(CycleCoder *coder) {
    return (Way){&coder->delta, coder->writer->settings.use_bbox ? DFY_V1_FRAMING_BOX : DFY_V1_FRAMING_FULL_BOX, 0};
}

/* Codes the source against what is in decoded, and appends u32 size and the payload. */
static int put_picture(CycleCoder *coder, const Way *way) {
    size_t at = coder->payload.size;
    dfy_put_u32be(&coder->payload, 0);
    int status = dfy_v1_code_picture(way->coder, &coder->payload, &coder->decoded, &coder->source, way->framing);
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

static int put_canonical_picture(CycleCoder *coder, const Way *way, uint64_t frame, int predicted) {
    if (!predicted) {
        dfy_picture_copy(&coder->decoded, &coder->writer->plate);
        dfy_v1_picture_coder_restart(way->coder);
    }
    if (way->flags & DFY_V1_TEMPORAL) dfy_put_u8(&coder->payload, (unsigned)predicted);
    dfy_picture_convert(&coder->source, &coder->writer->frame[frame]);
    return put_picture(coder, way);
}

/* ---------------------------------------------------------------- the better way for a cycle */

/* In luma and chroma terms, as the picture coder weighs them. */
static double squared_error(const DfyPicture *a, const DfyPicture *b, const float w[3][3]) {
    double total = 0;
    for (int y = 0; y < a->height; y++) {
        const uint8_t *ra = a->plane[0] + y * a->stride_bytes[0], *rb = b->plane[0] + y * b->stride_bytes[0];
        float sum = 0;
        for (int x = 0; x < a->width; x++, ra += 3, rb += 3) {
            float r = (float)(ra[0] - rb[0]), g = (float)(ra[1] - rb[1]), blue = (float)(ra[2] - rb[2]);
            sum += w[0][0] * r * r + w[1][1] * g * g + w[2][2] * blue * blue +
                   2 * (w[0][1] * r * g + w[0][2] * r * blue + w[1][2] * g * blue);
        }
        total += (double)sum;
    }
    return total;
}

static double deflated_bits(const DfyBuffer *payload) {
    uLongf size = compressBound((uLong)payload->size);
    uint8_t *deflated = malloc(size);
    if (!deflated || compress2(deflated, &size, payload->data, (uLong)payload->size, 6) != Z_OK)
        size = (uLongf)payload->size;
    free(deflated);
    return 8.0 * (double)size;
}

/* Rate and distortion a picture of some frames from first on; the first, an I picture, counts as one in a full run. */
static int try_way(CycleCoder *coder, const Way *way, uint64_t first, uint32_t frames, double *cost) {
    double bits[2] = {0}, error = 0;
    int status = DFY_OK, temporal = way->flags & DFY_V1_TEMPORAL;
    coder->payload.size = 0;
    for (uint32_t i = 0; i < frames && !status; i++) {
        status = put_canonical_picture(coder, way, first + i, temporal && i > 0);
        error += squared_error(&coder->source, &coder->decoded, coder->temporal.weight) / frames;
        if (i && i + 1 < frames) continue;
        bits[i > 0] = deflated_bits(&coder->payload);
        coder->payload.size = 0;
    }
    double share = temporal && frames > 1 ? 1.0 / (coder->writer->settings.max_p_run + 1) : 1.0 / frames;
    double rate = bits[0] * share + (frames > 1 ? bits[1] / (frames - 1) * (1 - share) : 0);
    *cost = error + BIT_WORTH * (double)way->coder->lambda * rate;
    return status;
}

/*
 * Predicting from the picture before is better where little moves; but it works on R, G and B. Building every
 * picture on the plate works on luma and chroma, which is cheaper for what moves all the time. A stretch from the
 * middle of the cycle is coded both ways.
 */
static int choose_way(CycleCoder *coder, const DfyV1Piece *piece, Way *way) {
    const DfyEncoderSettings *settings = &coder->writer->settings;
    Way temporal = temporal_way(coder), still = still_way(coder);
    *way = settings->use_temporal ? temporal : still;
    if (!settings->use_temporal || coder->writer->codebook.words || piece->frames < 2 * TRIAL_FRAMES) return DFY_OK;
    double temporal_cost, still_cost;
    uint64_t middle = piece->first_frame + piece->frames / 2;
    int status = try_way(coder, &temporal, middle, TRIAL_FRAMES, &temporal_cost);
    if (!status) status = try_way(coder, &still, middle, TRIAL_FRAMES, &still_cost);
    if (!status && still_cost < temporal_cost) *way = still;
    return status;
}

static int code_canonical(CycleCoder *coder, const DfyV1Piece *piece) {
    DfyV1Writer *writer = coder->writer;
    Way way;
    int status = choose_way(coder, piece, &way);
    coder->payload.size = 0;
    dfy_put_u32be(&coder->payload, piece->frames);
    dfy_put_u8(&coder->payload, way.flags);
    for (uint32_t i = 0, run = 0; i < piece->frames && !status; i++) {
        uint64_t frame = piece->first_frame + i;
        int predicted = (way.flags & DFY_V1_TEMPORAL) && is_predicted(writer, frame, run);
        run = predicted ? run + 1 : 1;
        status = put_canonical_picture(coder, &way, frame, predicted);
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
    Way way = delta_way(coder);
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
        status = put_picture(coder, &way);
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
    int level = payload->size / piece->frames < SMALL_PICTURE ? SMALL_LEVEL : LARGE_LEVEL;
    int status = deflated && compress2(deflated, &size, payload->data, (uLong)payload->size, level) == Z_OK
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
