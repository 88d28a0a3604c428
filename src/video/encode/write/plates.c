#include "video/encode/write/plates.h"

#include <math.h>

#include "video/decode/picture_decoder.h"
#include "video/encode/lookahead/plate.h"

#define LEAST_ACCESS_POINTS 4 /* a plate is in force for as many at least, or it would not pay */
#define FINER 7               /* its quantiser below the groups' */
#define SHOWN_BY_MOST 80      /* percent of the area, see least_share */

/*
 * Percent of the frames' area that must show the first plate for it to pay: what is coded of it and seldom shown is
 * lost. Over 289 frames plates that 75 and 67 % showed cost 2.5 and 1.5 % more than none; over 97 frames one that 94 %
 * showed saved 14 %. What has lasted for a random access point may come back to its plate at each, and where frames are
 * read in random order they rest on it.
 */
static int least_share(const DfyPlates *p, uint64_t frames) {
    if (p->random_access) return 0;
    return frames || p->segments->plates ? 50 : SHOWN_BY_MOST;
}

DfyFrame *dfy_plates_build(const DfyPlates *p, uint64_t frames, int *useful) {
    DfyFrame *plate = dfy_video_encoder_take(p->encoder);
    *useful =
        plate ? dfy_build_plate(plate, p->queue->frames, p->queue->count, least_share(p, frames)) : DFY_ERROR_MEMORY;
    if (*useful >= 0) return plate;
    dfy_video_encoder_give_back(p->encoder, plate);
    return NULL;
}

/*
 * What is coded once may cost the more the more pictures show it: at equal luma 5 took 0.3 to 2.5 % fewer bytes than 7
 * over 100 and 150 frames of three clips and 2.4 % more of a fourth, 1.1 and 1.6 % more over 795 and 1394 frames of
 * two, where 9 took 0.2 % fewer. One frame again and again is to cost what the frame alone costs.
 */
int dfy_plates_finer(const DfyPlates *p) {
    return dfy_frame_queue_is_still(p->queue) ? 0 : FINER;
}

/* Percent of the blocks of a frame that are the plate's, but for what quantising has done to it, with a margin. */
static int plate_shows(const DfyPlates *p, const DfyFrame *now, int qp) {
    const DfyFrame *plate = dfy_video_encoder_plate(p->encoder);
    double step = exp2((qp - 4) / 3.0); /* squared */
    return plate ? dfy_plate_alike(plate, now, 2 + (uint32_t)(step / (p->of_still ? 8 : 48))) : 0;
}

/* Whether the plate was coded for a still picture that moves by now. */
static int is_too_coarse(const DfyPlates *p) {
    return p->of_still && !dfy_frame_queue_is_still(p->queue);
}

int dfy_plates_due(DfyPlates *p) {
    return !p->segments->plates || ++p->access_points >= LEAST_ACCESS_POINTS || is_too_coarse(p);
}

/*
 * As when the light changed: a quarter of the blocks are so far from it that they would have to be coded again at every
 * access point. Anything less is left to the anchors.
 */
int dfy_plates_is_stale(const DfyPlates *p, const DfyFrame *now, int qp) {
    return is_too_coarse(p) || plate_shows(p, now, qp) < 75;
}

int dfy_plates_show_next(const DfyPlates *p, int qp) {
    return p->of_still && dfy_frame_queue_is_still(p->queue) && plate_shows(p, p->queue->frames[0], qp) == 100;
}

/* Writes what lies in the payload, the encoder's plate. */
static int write_payload(DfyPlates *p) {
    DfySegments *s = p->segments;
    int status = DFY_OK;
    s->plates++;
    p->access_points = 0;
    if (s->long_term) status = dfy_long_term_note_plate(s->long_term, s->payload.data, s->payload.size, s->plates);
    return status ? status : dfy_segments_write_chunk(s, DFY_CHUNK_BACKGROUND, 0, 0, 0);
}

int dfy_plates_write(DfyPlates *p, const DfyFrame *plate, int qp) {
    int finer = dfy_clamp(qp - dfy_plates_finer(p), 0, DFY_MAX_QP);
    int status = dfy_video_encode_plate(p->encoder, &p->segments->payload, plate, finer);
    p->of_still = dfy_frame_queue_is_still(p->queue);
    return status ? status : write_payload(p);
}

int dfy_plates_write_coded(DfyPlates *p, const DfyBuffer *coded, int *taken) {
    const DfyStream *stream = p->segments->stream;
    const DfyFrame *plate = NULL;
    DfyPictureDecoder *decoder = dfy_picture_decoder_new(stream->width, stream->height);
    int status = decoder ? dfy_decode_plate(decoder, coded->data, coded->size, &plate) : DFY_ERROR_MEMORY;
    *taken = !status && dfy_plate_mean_share(plate, p->queue->frames, p->queue->count) >= SHOWN_BY_MOST;
    if (*taken) status = dfy_video_encoder_set_plate(p->encoder, plate);
    dfy_release_frame(decoder, plate);
    dfy_picture_decoder_free(decoder);
    if (status) return dfy_segments_no_memory(p->segments);
    if (!*taken) return DFY_OK;
    dfy_put_bytes(&p->segments->payload, coded->data, coded->size);
    return write_payload(p);
}
