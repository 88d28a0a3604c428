/*
 * The pictures of a chunk: canonicals from the plate and from each other, deltas from the decoded canonical.
 *
 * Pictures are coded a few at a time by a pool of threads, which then deflates chunks that are whole. They are written
 * in their order by the caller's thread, and the bytes are those that one thread writes.
 */
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "base/picture.h"
#include "base/pool.h"
#include "v1/packer.h"
#include "v1/picture_coder.h"
#include "v1/reader.h"
#include "v1/writer.h"

#define EXCESS_ALLOWED 200u /* as the plan has it */
#define TRIAL_FRAMES 10
#define TRIAL_LEVEL 6
#define BIT_WORTH 10.0 /* lambdas: what a bit less costs in error along the whole curve of qualities, as measured */
#define INTRA_ADVANTAGE 0.7 /* an I picture is taken when the plate differs by so much less than the picture before */

/* A coded canonical, decoded again picture by picture. */
typedef struct Replay {
    DfyBytes in;
    uint8_t flags;
    DfyPicture picture;
    DfyV1ResidualDecoder residual;
    DfyPicture shown[2][DFY_V1_MOST_PICTURES]; /* what is being coded from, and what will be next */
    int current;
    uint32_t left; /* pictures still to be shown */
    int status;
} Replay;

typedef struct CycleCoder {
    DfyV1Writer *writer;
    DfyPool *pool;
    DfyV1BlockCoder rgb, ycc;
    DfyV1PictureCoder pictures;
    Replay replay;
    DfyV1Packer packer;
    /* What the jobs of a run share. */
    const DfyV1Way *way;
    const DfyV1Shot *shot;
    int shots, replays;
    int *row_done;
    int failed;
} CycleCoder;

static int coder_open(CycleCoder *coder, DfyV1Writer *writer) {
    const DfyEncoderSettings *settings = &writer->settings;
    const int width = settings->width, height = settings->height;
    *coder = (CycleCoder){.writer = writer};
    coder->pool = dfy_pool_new(settings->threads ? settings->threads : dfy_processors());
    if (!coder->pool) return dfy_fail(writer->message, DFY_ERROR_MEMORY, "There is no memory for coding pictures.");
    coder->packer.writer = writer;
    coder->packer.pool = coder->pool;
    dfy_v1_block_coder_init(&coder->rgb, settings->quality, DFY_V1_SPACE_RGB);
    dfy_v1_block_coder_init(&coder->ycc, settings->quality, DFY_V1_SPACE_YCC_BGR);
    int status =
        dfy_v1_picture_coder_open(&coder->pictures, width, height, settings->quality, dfy_pool_threads(coder->pool));
    coder->row_done = calloc((size_t)(height + 7) / 8, sizeof *coder->row_done);
    if (!coder->row_done) status = DFY_ERROR_MEMORY;
    return status ? dfy_fail(writer->message, status, "There is no memory for coding pictures.") : DFY_OK;
}

static void replay_close(Replay *replay) {
    dfy_picture_free(&replay->picture);
    for (int i = 0; i < 2 * DFY_V1_MOST_PICTURES; i++)
        dfy_picture_free(&replay->shown[i / DFY_V1_MOST_PICTURES][i % DFY_V1_MOST_PICTURES]);
    dfy_v1_residual_decoder_free(&replay->residual);
}

static void coder_close(CycleCoder *coder) {
    dfy_pool_free(coder->pool);
    dfy_v1_picture_coder_close(&coder->pictures);
    replay_close(&coder->replay);
    dfy_v1_packer_free(&coder->packer);
    free(coder->row_done);
}

static DfyV1Way temporal_way(const CycleCoder *coder) {
    const DfyV1Writer *writer = coder->writer;
    int boxed = writer->settings.use_bbox, vq = writer->codebook.words > 0;
    return (DfyV1Way){
        .coder = &coder->rgb,
        .codebook = vq ? &writer->codebook : NULL,
        .framing = boxed ? DFY_V1_FRAMING_BOX : DFY_V1_FRAMING_PLAIN,
        .temporal = 1,
        .flags = (uint8_t)(DFY_V1_TEMPORAL | (boxed ? DFY_V1_FLAG_BOXED : 0) | (vq ? DFY_V1_VQ : 0)),
    };
}

/* Of cycles whose pictures all build on the plate. */
static DfyV1Way still_way(const CycleCoder *coder) {
    return (DfyV1Way){.coder = &coder->ycc, .framing = DFY_V1_FRAMING_PLAIN};
}

/* Deltas are boxed in any case: nothing in the file says whether they are, and one reader takes it for granted. */
static DfyV1Way delta_way(const CycleCoder *coder) {
    return (DfyV1Way){.coder = &coder->rgb,
                      .framing = coder->writer->settings.use_bbox ? DFY_V1_FRAMING_BOX : DFY_V1_FRAMING_FULL_BOX};
}

/* ---------------------------------------------------------------- the canonical that deltas follow */

/* Pictures that an earlier delta needed serve again. */
static int replay_open(Replay *replay, const DfyV1Writer *writer, const DfyV1Piece *piece, int most_pictures) {
    const DfyBuffer *payload = &writer->canonical_payload[piece->canonical];
    const int width = writer->settings.width, height = writer->settings.height;
    replay->in = dfy_bytes(payload->data, payload->size);
    dfy_read_u32be(&replay->in);
    replay->flags = dfy_read_u8(&replay->in);
    replay->left = piece->frames;
    replay->current = 0;
    int status = DFY_OK;
    if (!replay->picture.plane[0]) status = dfy_picture_alloc(&replay->picture, DFY_PIXELS_RGB, width, height);
    for (int i = 0; i < 2 * most_pictures && !status; i++) {
        DfyPicture *shown = &replay->shown[i & 1][i / 2];
        if (!shown->plane[0]) status = dfy_picture_alloc(shown, DFY_PIXELS_RGB, width, height);
    }
    return status;
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

/* The next pictures to be coded from. */
static void replay_some(Replay *replay, const DfyV1Writer *writer, int most_pictures) {
    DfyPicture *shown = replay->shown[1 - replay->current];
    for (int i = 0; i < most_pictures && replay->left && !replay->status; i++, replay->left--) {
        replay->status = replay_next(replay, writer);
        if (!replay->status) dfy_picture_copy(&shown[i], &replay->picture);
    }
}

/* ---------------------------------------------------------------- jobs */

static void note_failure(CycleCoder *coder, int status) {
    if (!status) return;
    dfy_pool_lock(coder->pool);
    coder->failed = status;
    dfy_pool_unlock(coder->pool);
}

static void code_some(CycleCoder *coder, int row, int thread) {
    note_failure(coder, dfy_v1_code_row(&coder->pictures, coder->way, coder->shot, coder->shots, row, thread));
    dfy_pool_advance(coder->pool, &coder->row_done[row], 1);
}

/* A record needs all rows, which were all begun before it. */
static void record_one(CycleCoder *coder, int number) {
    for (int row = 0; row < coder->pictures.blocks_down; row++) dfy_pool_wait(coder->pool, &coder->row_done[row], 1);
    note_failure(coder, dfy_v1_make_record(&coder->pictures, coder->way, &coder->shot[number], number));
}

static void do_job(void *context, int number, int thread) {
    CycleCoder *coder = context;
    if (number < coder->replays) {
        replay_some(&coder->replay, coder->writer, coder->pictures.most_pictures);
        return;
    }
    number -= coder->replays;
    if (number < coder->pictures.blocks_down)
        code_some(coder, number, thread);
    else
        record_one(coder, number - coder->pictures.blocks_down);
}

/* Codes some pictures into records and, for deltas, decodes the next references. */
static int run(CycleCoder *coder, const DfyV1Way *way, const DfyV1Shot *shot, int shots, int replays) {
    const int rows = coder->pictures.blocks_down;
    coder->way = way;
    coder->shot = shot;
    coder->shots = shots;
    coder->replays = replays;
    memset(coder->row_done, 0, (size_t)rows * sizeof *coder->row_done);
    dfy_pool_run(coder->pool, replays + rows + shots, do_job, coder);
    if (coder->failed || coder->replay.status)
        return dfy_fail(coder->writer->message, coder->failed ? coder->failed : coder->replay.status,
                        "There is no memory for coding pictures.");
    return DFY_OK;
}

/* Appends the records of a run to the chunk. */
static int take_records(CycleCoder *coder, DfyStage stage) {
    DfyV1Writer *writer = coder->writer;
    DfyBuffer *payload = &coder->packer.payload;
    int status = DFY_OK;
    for (int i = 0; i < coder->shots && !status; i++) {
        const DfyBuffer *record = &coder->pictures.coded[i].record;
        dfy_put_bytes(payload, record->data, record->size);
        if (payload->failed)
            status = dfy_fail(writer->message, DFY_ERROR_MEMORY, "There is no memory for the coded pictures.");
        else
            status = dfy_v1_report(writer, stage, ++writer->coded, writer->frames);
    }
    return status;
}

/* ---------------------------------------------------------------- the better way for a cycle */

/* A way that is tried: what it codes, deflated for its length. */
typedef struct Trial {
    DfyBuffer payload[2]; /* the first picture; those that follow */
    double bits[2], error;
} Trial;

/* Ten pictures, or as many at a time as there is room for. */
static int try_way(CycleCoder *coder, Trial *trial, const DfyV1Way *way, uint64_t first) {
    const DfyV1Writer *writer = coder->writer;
    DfyV1Way measured = *way;
    int status = DFY_OK;
    measured.measure = (const float(*)[3])coder->rgb.costs.weight;
    for (uint32_t at = 0; at < TRIAL_FRAMES && !status;) {
        DfyV1Shot shot[DFY_V1_MOST_PICTURES];
        int shots = 0;
        for (; shots < coder->pictures.most_pictures && at + (uint32_t)shots < TRIAL_FRAMES; shots++) {
            int predicted = way->temporal && at + (uint32_t)shots > 0;
            shot[shots] =
                (DfyV1Shot){&writer->frame[first + at + (uint32_t)shots], predicted ? NULL : &writer->plate, predicted};
        }
        status = run(coder, &measured, shot, shots, 0);
        for (int i = 0; i < shots && !status; i++) {
            const DfyV1CodedPicture *coded = &coder->pictures.coded[i];
            double error = 0;
            for (int y = 0; y < coder->pictures.height; y++) error += coded->row_error[y];
            trial->error += error / TRIAL_FRAMES;
            dfy_put_bytes(&trial->payload[at + (uint32_t)i > 0], coded->record.data, coded->record.size);
        }
        at += (uint32_t)shots;
    }
    return status;
}

static double deflated_bits(const DfyBuffer *payload) {
    uLongf size = compressBound((uLong)payload->size);
    uint8_t *deflated = malloc(size);
    if (!deflated || compress2(deflated, &size, payload->data, (uLong)payload->size, TRIAL_LEVEL) != Z_OK)
        size = (uLongf)payload->size;
    free(deflated);
    return 8.0 * (double)size;
}

/* The long ones, of the pictures that follow, are begun first. */
static void weigh_one(void *context, int number, int thread) {
    Trial *trial = (Trial *)context + (number & 1);
    int following = number < 2;
    (void)thread;
    trial->bits[following] = deflated_bits(&trial->payload[following]);
}

/* Rate and distortion a picture; the first, an I picture, counts as one in a full run. */
static double trial_cost(const CycleCoder *coder, const Trial *trial, const DfyV1Way *way) {
    double share = way->temporal ? 1.0 / (coder->writer->settings.max_p_run + 1) : 1.0 / TRIAL_FRAMES;
    double rate = trial->bits[0] * share + trial->bits[1] / (TRIAL_FRAMES - 1) * (1 - share);
    return trial->error + BIT_WORTH * (double)way->coder->costs.lambda * rate;
}

/*
 * Predicting from the picture before is better where little moves; but it works on R, G and B. Building every
 * picture on the plate works on luma and chroma, which is cheaper for what moves all the time. A stretch from the
 * middle of the cycle is coded both ways.
 */
static int choose_way(CycleCoder *coder, const DfyV1Piece *piece, DfyV1Way *way) {
    const DfyEncoderSettings *settings = &coder->writer->settings;
    const DfyV1Way ways[2] = {temporal_way(coder), still_way(coder)};
    *way = ways[!settings->use_temporal];
    if (!settings->use_temporal || coder->writer->codebook.words || piece->frames < 2 * TRIAL_FRAMES) return DFY_OK;
    Trial trial[2] = {{.error = 0}};
    uint64_t middle = piece->first_frame + piece->frames / 2;
    int status = DFY_OK;
    for (int i = 0; i < 2 && !status; i++) status = try_way(coder, &trial[i], &ways[i], middle);
    if (!status) {
        dfy_pool_run(coder->pool, 4, weigh_one, trial);
        *way = ways[trial_cost(coder, &trial[1], &ways[1]) < trial_cost(coder, &trial[0], &ways[0])];
    }
    for (int i = 0; i < 4; i++) {
        if (trial[i / 2].payload[i & 1].failed && !status)
            status = dfy_fail(coder->writer->message, DFY_ERROR_MEMORY, "There is no memory for coding pictures.");
        dfy_buffer_free(&trial[i / 2].payload[i & 1]);
    }
    return status;
}

/* ---------------------------------------------------------------- canonicals */

/* How far frames of a cycle are from the plate and from the frame before. */
typedef struct Distances {
    const DfyV1Writer *writer;
    uint64_t first_frame;
    uint64_t (*excess)[2];
} Distances;

static void measure_one(void *context, int number, int thread) {
    const Distances *distances = context;
    const DfyV1Writer *writer = distances->writer;
    const DfyPicture *frame = &writer->frame[distances->first_frame + (uint64_t)number];
    (void)thread;
    distances->excess[number][0] = dfy_v1_excess(frame, &writer->plate_i420, EXCESS_ALLOWED);
    distances->excess[number][1] = number ? dfy_v1_excess(frame, frame - 1, EXCESS_ALLOWED) : 0;
}

/* Which pictures are predicted: an I picture is at the start, after the longest run, and where the plate is nearer. */
static int choose_predicted(CycleCoder *coder, const DfyV1Piece *piece, uint8_t *predicted) {
    const DfyV1Writer *writer = coder->writer;
    Distances distances = {writer, piece->first_frame, malloc(piece->frames * sizeof *distances.excess)};
    if (!distances.excess) return DFY_ERROR_MEMORY;
    dfy_pool_run(coder->pool, (int)piece->frames, measure_one, &distances);
    for (uint32_t i = 0, run_length = 0; i < piece->frames; i++) {
        const uint64_t *excess = distances.excess[i];
        predicted[i] = run_length && run_length <= (uint32_t)writer->settings.max_p_run &&
                       (double)excess[0] >= INTRA_ADVANTAGE * (double)excess[1];
        run_length = predicted[i] ? run_length + 1 : 1;
    }
    free(distances.excess);
    return DFY_OK;
}

static int code_frames(CycleCoder *coder, const DfyV1Piece *piece, const DfyV1Way *way, const uint8_t *predicted) {
    const DfyV1Writer *writer = coder->writer;
    int status = DFY_OK;
    for (uint32_t at = 0; at < piece->frames && !status;) {
        DfyV1Shot shot[DFY_V1_MOST_PICTURES];
        int shots = 0;
        for (; shots < coder->pictures.most_pictures && at < piece->frames; shots++, at++)
            shot[shots] = (DfyV1Shot){&writer->frame[piece->first_frame + at], predicted[at] ? NULL : &writer->plate,
                                      predicted[at]};
        status = run(coder, way, shot, shots, 0);
        if (!status) status = take_records(coder, DFY_STAGE_FRAMES);
    }
    return status;
}

/* What deltas will be coded from. */
static int keep_payload(CycleCoder *coder, const DfyV1Piece *piece) {
    const DfyV1Packer *packer = &coder->packer;
    const size_t start = packer->chunk[packer->chunks - 1].start;
    DfyBuffer *kept = &coder->writer->canonical_payload[piece->canonical];
    dfy_put_bytes(kept, packer->payload.data + start, packer->payload.size - start);
    return kept->failed
               ? dfy_fail(coder->writer->message, DFY_ERROR_MEMORY, "There is no memory for the coded pictures.")
               : DFY_OK;
}

static int code_canonical(CycleCoder *coder, const DfyV1Piece *piece) {
    DfyV1Way way;
    DfyBuffer *payload = &coder->packer.payload;
    int status = choose_way(coder, piece, &way);
    if (!status) status = dfy_v1_packer_begin(&coder->packer, piece->type);
    if (status) return status;
    uint8_t *predicted = calloc(piece->frames, 1);
    if (!predicted || (way.temporal && choose_predicted(coder, piece, predicted)))
        status = dfy_fail(coder->writer->message, DFY_ERROR_MEMORY, "There is no memory for coding pictures.");
    dfy_put_u32be(payload, piece->frames);
    dfy_put_u8(payload, way.flags);
    if (!status) status = code_frames(coder, piece, &way, predicted);
    free(predicted);
    dfy_v1_packer_end(&coder->packer, piece->frames);
    if (!status && piece->repeated) status = keep_payload(coder, piece);
    return status;
}

/* ---------------------------------------------------------------- deltas */

static int code_delta(CycleCoder *coder, const DfyV1Piece *piece) {
    const DfyV1Writer *writer = coder->writer;
    const DfyV1Way way = delta_way(coder);
    const int most = coder->pictures.most_pictures;
    Replay *replay = &coder->replay;
    DfyBuffer *payload = &coder->packer.payload;
    int status = dfy_v1_packer_begin(&coder->packer, piece->type);
    if (status) return status;
    dfy_put_u16be(payload, piece->canonical);
    dfy_put_u32be(payload, piece->frames);
    if (replay_open(replay, writer, piece, most))
        return dfy_fail(writer->message, DFY_ERROR_MEMORY, "There is no memory for coding pictures.");
    replay_some(replay, writer, most);
    for (uint32_t at = 0; at < piece->frames && !status;) {
        DfyV1Shot shot[DFY_V1_MOST_PICTURES];
        int shots = 0;
        replay->current = 1 - replay->current;
        for (; shots < most && at < piece->frames; shots++, at++)
            shot[shots] =
                (DfyV1Shot){&writer->frame[piece->first_frame + at], &replay->shown[replay->current][shots], 1};
        status = run(coder, &way, shot, shots, replay->left > 0);
        if (!status) status = take_records(coder, DFY_STAGE_CYCLES);
    }
    dfy_v1_packer_end(&coder->packer, piece->frames);
    return status;
}

/* Clones have no pictures. */
static int code_clone(CycleCoder *coder, const DfyV1Piece *piece) {
    DfyV1Writer *writer = coder->writer;
    int status = dfy_v1_packer_begin(&coder->packer, piece->type);
    if (status) return status;
    dfy_put_u16be(&coder->packer.payload, piece->canonical);
    dfy_put_u16be(&coder->packer.payload, piece->frames);
    dfy_v1_packer_end(&coder->packer, 0);
    if (coder->packer.payload.failed)
        return dfy_fail(writer->message, DFY_ERROR_MEMORY, "There is no memory for the coded pictures.");
    writer->coded += piece->frames;
    return dfy_v1_report(writer, DFY_STAGE_CYCLES, writer->coded, writer->frames);
}

int dfy_v1_write_pieces(DfyV1Writer *writer) {
    const DfyV1Plan *plan = &writer->plan;
    CycleCoder *coder = malloc(sizeof *coder);
    writer->canonical_payload = calloc(plan->canonicals, sizeof *writer->canonical_payload);
    if (!coder || !writer->canonical_payload) {
        free(coder);
        return dfy_fail(writer->message, DFY_ERROR_MEMORY, "There is no memory for the coded pictures.");
    }
    int status = coder_open(coder, writer);
    for (uint32_t i = 0; i < plan->pieces && !status; i++)
        if (plan->piece[i].type == DFY_V1_CYCLE_CANON) status = code_canonical(coder, &plan->piece[i]);
    for (uint32_t i = 0; i < plan->pieces && !status; i++) {
        if (plan->piece[i].type == DFY_V1_CYCLE_SKIP) status = code_clone(coder, &plan->piece[i]);
        if (plan->piece[i].type == DFY_V1_CYCLE_DELTA) status = code_delta(coder, &plan->piece[i]);
    }
    if (!status) status = dfy_v1_packer_flush(&coder->packer);
    coder_close(coder);
    free(coder);
    return status;
}
