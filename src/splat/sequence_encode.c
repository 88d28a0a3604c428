/* Frames in, a .dfy splat stream out: when a key frame is due, two passes, the container. */
#include <stdlib.h>
#include <string.h>

#include "splat/forms.h"
#include "splat/kdtree.h"
#include "splat/sequence.h"

#define DEFAULT_MEMORY ((uint64_t)2 << 30)
/* An inter frame of more than this part of the last key frame shows a cut: a key frame is worth more then. */
#define CUT_NUMERATOR 3
#define CUT_DENOMINATOR 4
/* Splats of frames with different counts less alike than this are different ones. */
#define SAME_SPLAT 80.0

struct DfySplatEncoder {
    DfyMessage message;
    DfySplatSettings settings;
    DfyV2Writer writer;
    DfySplatWork work;
    DfySplats *held; /* two passes: the frames so far */
    size_t held_count, held_capacity;
    uint64_t held_bytes;
    DfySplats last; /* canonical forms: the last frame as it was coded */
    uint64_t since_key, key_bytes;
    DfySplatStats stats;
    int begun, finished, failed;
};

/* ---------------------------------------------------------------- codec at work */

int dfy_splat_work_open(DfySplatWork *work, const DfySplatCodec *codec, const DfySplatSettings *settings,
                        DfyMessage *message) {
    *work = (DfySplatWork){.codec = codec};
    for (int p = 0; p < 2 && codec->parts[p]; p++) {
        work->contexts[p] = calloc(1, codec->parts[p]->context_bytes);
        if (!work->contexts[p]) return dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for a splat codec.");
        int status =
            settings && codec->parts[p]->open ? codec->parts[p]->open(work->contexts[p], settings, message) : DFY_OK;
        if (status) return status;
    }
    return DFY_OK;
}

void dfy_splat_work_close(DfySplatWork *work) {
    for (int p = 0; p < 2; p++) {
        if (!work->contexts[p]) continue;
        work->codec->parts[p]->close(work->contexts[p]);
        free(work->contexts[p]);
        work->contexts[p] = NULL;
    }
}

/* ---------------------------------------------------------------- settings */

void dfy_splat_defaults(DfySplatSettings *settings) {
    *settings = (DfySplatSettings){
        .effort = 5,
        .key_interval = 90,
        .degree = -1,
        .frame_rate_num = 30,
        .frame_rate_den = 1,
        .vq = {.clusters_rotation_re = 256,
               .clusters_rotation_im = 256,
               .clusters_opacity = 256,
               .clusters_scale = 256,
               .clusters_dc = 256,
               .clusters_rest = {256, 256, 256},
               .max_degree = 3,
               .tolerance = 1e-6,
               .iterations = 500,
               .neighbour = 1,
               .samples = 10000,
               .seed = 42,
               .quantile = 0.05,
               .alpha = 0.2},
    };
    dfy_splat_set_quality(settings, 50);
}

/* Ten steps of quality halve or double every error. */
int dfy_splat_set_quality(DfySplatSettings *settings, int quality) {
    static const double at_50[DFY_SPLAT_ATTRIBUTES] = {5.6e-5, 0.018, 0.001, 0.053, 0.09, 0.041};
    if (quality < 1 || quality > 100) return DFY_ERROR_ARGUMENT;
    static const double part[10] = {1,        0.933033, 0.870551, 0.812252, 0.757858,
                                    0.707107, 0.659754, 0.615572, 0.574349, 0.535887};
    double factor = part[(quality + 50) % 10];
    for (int k = (quality + 50) / 10; k > 10; k--) factor /= 2;
    for (int k = (quality + 50) / 10; k < 10; k++) factor *= 2;
    for (int a = 0; a < DFY_SPLAT_ATTRIBUTES; a++) settings->error[a] = at_50[a] * factor;
    return DFY_OK;
}

int dfy_splat_encoder_open(DfySplatEncoder **encoder, const DfySplatSettings *settings, const DfyOutput *output) {
    if (!encoder) return DFY_ERROR_ARGUMENT;
    DfySplatEncoder *e = *encoder = calloc(1, sizeof *e);
    if (!e) return DFY_ERROR_MEMORY;
    if (!settings || !output || !output->write)
        return e->failed = dfy_fail(&e->message, DFY_ERROR_ARGUMENT, "A splat encoder needs settings and an output.");
    e->settings = *settings;
    if (!e->settings.codec) e->settings.codec = dfy_splat_codec_at(0);
    if (settings->degree < -1 || settings->degree > DFY_SPLAT_MAX_DEGREE || settings->key_interval < 0 ||
        settings->effort < 1 || settings->effort > 9 || settings->frame_rate_num < 1 ||
        settings->frame_rate_num > 65535 || settings->frame_rate_den < 1 || settings->frame_rate_den > 65535 ||
        strlen(e->settings.codec->name) > DFY_SPLAT_NAME)
        return e->failed =
                   dfy_fail(&e->message, DFY_ERROR_ARGUMENT,
                            "A splat encoder's setting is out of range: degree, effort, key interval or frame rate.");
    e->failed = dfy_splat_work_open(&e->work, e->settings.codec, &e->settings, &e->message);
    if (!e->failed && (e->failed = dfy_v2_writer_open(&e->writer, output)))
        dfy_fail(&e->message, e->failed, "The file can't be written.");
    return e->failed;
}

/* ---------------------------------------------------------------- frames */

static int write_chunk(DfySplatEncoder *e, unsigned type, unsigned flags, const DfyBuffer *payload, uint64_t frames) {
    if (payload->failed) return dfy_fail(&e->message, DFY_ERROR_MEMORY, "There is no memory for a coded frame.");
    int status = dfy_v2_write_chunk(&e->writer, type, flags, payload->data, payload->size, e->stats.frames, frames);
    if (status)
        return dfy_fail(&e->message, status, "The file can't be written at frame %llu.",
                        (unsigned long long)e->stats.frames);
    return DFY_OK;
}

static int begin(DfySplatEncoder *e, const DfySplats *first) {
    DfyBuffer head = {0};
    const char *name = e->settings.codec->name;
    if (e->settings.degree < 0) e->settings.degree = first->degree;
    dfy_put_u8(&head, DFY_STREAM_SPLATS);
    dfy_put_u8(&head, DFY_SPLAT_STREAM_VERSION);
    dfy_put_u8(&head, (unsigned)strlen(name));
    dfy_put_bytes(&head, name, strlen(name));
    dfy_put_u8(&head, (unsigned)e->settings.degree);
    dfy_put_u16be(&head, (unsigned)e->settings.frame_rate_num);
    dfy_put_u16be(&head, (unsigned)e->settings.frame_rate_den);
    int status = write_chunk(e, DFY_CHUNK_STREAM, 0, &head, 0);
    dfy_buffer_free(&head);
    e->begun = !status;
    return status;
}

/* ---------------------------------------------------------------- forms */

static void make_canonical(DfySplats *frame) {
    for (size_t i = 0; i < frame->count; i++) {
        DfyForm form = dfy_form_of(frame, i), canonical = dfy_form_turned(&form, dfy_form_canonical(&form));
        dfy_form_set(frame, i, &canonical);
    }
}

/* Splats keep the form they had in the last frame, where a canonical one would make a small motion a large one. */
static int keep_forms(DfySplatEncoder *e, DfySplats *frame) {
    uint32_t *partner = NULL;
    int status = DFY_OK;
    if (frame->count != e->last.count) status = dfy_splats_match(&e->last, frame, SAME_SPLAT, &partner, &e->message);
    for (uint32_t i = 0; !status && i < frame->count; i++) {
        uint32_t j = partner ? partner[i] : i;
        if (j >= e->last.count) continue;
        DfyForm form = dfy_form_of(frame, i), before = dfy_form_of(&e->last, j);
        DfyForm near = dfy_form_turned(&form, dfy_form_nearest(&before, &form));
        dfy_form_set(frame, i, &near);
    }
    free(partner);
    return status;
}

static int remember_forms(DfySplatEncoder *e, const DfySplats *frame) {
    dfy_splats_free(&e->last);
    return dfy_splats_copy(&e->last, frame, &e->message);
}

/* Codes a frame as one kind into payload. */
static int code_frame(DfySplatEncoder *e, const DfySplats *frame, int kind, DfyBuffer *payload) {
    const DfySplatCodec *codec = e->work.codec;
    DfySplatPayload symbols = {0};
    int status = DFY_OK;
    payload->size = 0;
    dfy_put_u8(payload, (unsigned)kind);
    for (int p = 0; !status && p < 2 && codec->parts[p]; p++) {
        const DfySplatPart *part = codec->parts[p];
        status = (kind == DFY_SPLAT_KEY ? part->key_to_context : part->inter_to_context)(e->work.contexts[p], frame,
                                                                                         &e->message);
        if (!status)
            status = (kind == DFY_SPLAT_KEY ? part->encode_key : part->encode_inter)(e->work.contexts[p], &symbols,
                                                                                     &e->message);
    }
    if (!status) status = codec->serialiser->write(&symbols, payload, &e->message);
    dfy_payload_free(&symbols);
    return status;
}

/* A frame to be coded; the forms of its splats may change. */
static int encode(DfySplatEncoder *e, DfySplats *frame) {
    DfyBuffer payload = {0};
    uint64_t interval = (uint64_t)e->settings.key_interval;
    int kind = !e->stats.frames || (interval && e->since_key >= interval) ? DFY_SPLAT_KEY : DFY_SPLAT_INTER,
        status = DFY_OK;
    if (kind == DFY_SPLAT_INTER) {
        if (e->settings.canonical) status = keep_forms(e, frame);
        if (!status) status = code_frame(e, frame, kind, &payload);
        int cut = !status && payload.size * CUT_DENOMINATOR > e->key_bytes * CUT_NUMERATOR && payload.size > 256;
        if (status == DFY_ERROR_UNSUPPORTED || cut) {
            kind = DFY_SPLAT_KEY;
            if (e->settings.canonical) make_canonical(frame);
        }
    }
    if (kind == DFY_SPLAT_KEY) status = code_frame(e, frame, kind, &payload);
    if (!status && e->settings.canonical) status = remember_forms(e, frame);
    if (!status) status = write_chunk(e, DFY_CHUNK_SEGMENT, kind == DFY_SPLAT_KEY ? DFY_CHUNK_ENTRY : 0, &payload, 1);
    if (!status) {
        e->stats.frames++;
        e->stats.last_frame_bytes = payload.size + DFY_V2_OVERHEAD_BYTES;
        e->stats.splats = frame->count;
        e->since_key = kind == DFY_SPLAT_KEY ? 1 : e->since_key + 1;
        if (kind == DFY_SPLAT_KEY) {
            e->stats.key_frames++;
            e->key_bytes = payload.size;
        }
    }
    dfy_buffer_free(&payload);
    return status;
}

static int hold(DfySplatEncoder *e, DfySplats *frame) {
    uint64_t limit = e->settings.memory_limit_bytes ? e->settings.memory_limit_bytes : DEFAULT_MEMORY;
    e->held_bytes += (uint64_t)frame->count * (uint64_t)(14 + 3 * dfy_splat_rest(frame->degree)) * sizeof(float);
    if (e->held_bytes > limit)
        return dfy_fail(&e->message, DFY_ERROR_MEMORY,
                        "Two passes over these frames need more than %llu MiB: raise the limit or use one pass.",
                        (unsigned long long)(limit >> 20));
    if (e->held_count == e->held_capacity) {
        size_t capacity = e->held_capacity ? e->held_capacity * 2 : 16;
        DfySplats *held = realloc(e->held, capacity * sizeof *held);
        if (!held) return dfy_fail(&e->message, DFY_ERROR_MEMORY, "There is no memory for another frame.");
        e->held = held;
        e->held_capacity = capacity;
    }
    e->held[e->held_count++] = *frame;
    *frame = (DfySplats){0};
    return DFY_OK;
}

int dfy_splat_encoder_push(DfySplatEncoder *e, const DfySplats *splats) {
    if (!e) return DFY_ERROR_ARGUMENT;
    if (e->failed) return e->failed;
    if (e->finished || !splats)
        return dfy_fail(&e->message, DFY_ERROR_ARGUMENT,
                        "No frame can be pushed: the encoder is finished or there is none.");
    DfySplats frame;
    int status = dfy_splats_copy(&frame, splats, &e->message);
    if (!status) {
        dfy_splats_sanitise(&frame, &e->stats.repairs);
        if (!e->begun) status = begin(e, &frame);
        if (!status) status = dfy_splats_set_degree(&frame, e->settings.degree, &e->message);
        if (!status && e->settings.canonical) make_canonical(&frame);
        if (!status) status = e->settings.two_pass ? hold(e, &frame) : encode(e, &frame);
        dfy_splats_free(&frame);
    }
    return e->failed = status;
}

static int encode_held(DfySplatEncoder *e) {
    const DfySplatCodec *codec = e->work.codec;
    int status = DFY_OK;
    for (int p = 0; !status && p < 2 && codec->parts[p]; p++)
        if (codec->parts[p]->learn)
            status = codec->parts[p]->learn(e->work.contexts[p], e->held, (uint32_t)e->held_count, &e->message);
    for (size_t i = 0; !status && i < e->held_count; i++) {
        status = encode(e, &e->held[i]);
        dfy_splats_free(&e->held[i]);
    }
    return status;
}

int dfy_splat_encoder_finish(DfySplatEncoder *e, DfySplatStats *stats) {
    if (!e) return DFY_ERROR_ARGUMENT;
    if (e->failed) return e->failed;
    if (e->finished) return dfy_fail(&e->message, DFY_ERROR_ARGUMENT, "The encoder is finished already.");
    if (!e->begun) return e->failed = dfy_fail(&e->message, DFY_ERROR_ARGUMENT, "There was no frame to encode.");
    if (e->held_count && (e->failed = encode_held(e))) return e->failed;
    if ((e->failed = dfy_v2_writer_finish(&e->writer)))
        return dfy_fail(&e->message, e->failed, "The end of the file can't be written.");
    e->finished = 1;
    dfy_splat_encoder_stats(e, stats);
    return DFY_OK;
}

void dfy_splat_encoder_stats(const DfySplatEncoder *e, DfySplatStats *stats) {
    if (!e || !stats) return;
    *stats = e->stats;
    stats->bytes = e->writer.offset_bytes;
}

const uint32_t *dfy_splat_encoder_order(const DfySplatEncoder *e) {
    const DfySplatPart *part = e && e->work.codec ? e->work.codec->parts[0] : NULL;
    return part && part->order ? part->order(e->work.contexts[0]) : NULL;
}

const char *dfy_splat_encoder_message(const DfySplatEncoder *e) {
    return e ? e->message.text : "There is no memory left for this.";
}

void dfy_splat_encoder_close(DfySplatEncoder **encoder) {
    if (!encoder || !*encoder) return;
    DfySplatEncoder *e = *encoder;
    if (e->work.codec) dfy_splat_work_close(&e->work);
    for (size_t i = 0; i < e->held_count; i++) dfy_splats_free(&e->held[i]);
    free(e->held);
    dfy_splats_free(&e->last);
    dfy_v2_writer_close(&e->writer);
    free(e);
    *encoder = NULL;
}
