/* Frames in, a .dfy splat stream out: when a key frame is due, two passes, the container. */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/settings.h"
#include "splat/model/exact.h"
#include "splat/model/forms.h"
#include "splat/model/kdtree.h"
#include "splat/model/odd.h"
#include "splat/order.h"
#include "splat/sequence.h"

#define DEFAULT_MEMORY ((uint64_t)2 << 30)
/* An inter frame of more than this part of the last key frame shows a cut: a key frame is worth more then. */
#define CUT_NUMERATOR 3
#define CUT_DENOMINATOR 4
/* Of the largest position error: so far apart on each axis, what is nudged comes near enough. */
#define NUDGE_UNIT 1.1
/* Of the wanted RMS: what nothing but a number without room can be off by. */
#define OUT_OF_RANGE 12
/*
 * What is farther off than the largest error is kept exactly, in many more bits than the codec's. So the wanted RMS is
 * at most that error over this: fewest bytes on a model and on a sequence in which everything moves.
 */
static const double most_a_rms[DFY_SPLAT_ATTRIBUTES] = {1.5, 3, 3, 3, 2, 3.75};
/* Splats of frames with different counts less alike than this are different ones. */
#define SAME_SPLAT 80.0

/* A coded frame on its way into the file. */
typedef struct Piece {
    DfyBuffer coded, patches;
    int kind, patched;
} Piece;

struct DfySplatEncoder {
    DfyMessage message;
    DfySplatSettings settings;
    DfyV2Writer writer;
    DfySplatWork work;
    DfySplats *held; /* two passes: the frames so far */
    DfySplatPatches *held_odd;
    size_t held_count, held_capacity;
    uint64_t held_bytes;
    DfySplats last; /* canonical forms: the last frame as it was coded */
    uint64_t since_key, key_bytes;
    DfySplatBeside beside; /* access frames: what stood beside the last key frame, and its forms */
    DfySplats key_forms;
    DfySplatStats stats;
    DfySplats decoded;          /* what the codec gives of the last frame, in its order */
    DfySplatPatches patches[2]; /* of the last frame, and of this one: list says which is which */
    int list;
    int degree;       /* of the last frame; later ones have no lower one */
    int coded_degree; /* of the last one coded */
    int keep_order;   /* -1: not known before the second model */
    uint32_t *order;  /* as last written, or of the first frame until it is known whether it is */
    uint32_t order_count;
    int waiting; /* the first frame, for that */
    uint32_t first_count;
    Piece first;
    int begun, resolved, finished, failed;
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

static DfySplatSettings defaults(void) {
    DfySplatSettings settings = {
        .struct_size = sizeof settings,
        .effort = 5,
        .key_interval = 90,
        .degree = -1,
        .keep_order = -1,
        .frame_rate_num = 30,
        .frame_rate_den = 1,
        .vq = {.clusters_rotation_re = 256,
               .clusters_rotation_im = 256,
               .clusters_opacity = 256,
               .clusters_scale = 256,
               .clusters_dc = 256,
               .clusters_rest = {256, 256, 256, 256},
               .max_degree = DFY_SPLAT_MAX_DEGREE,
               .tolerance = 1e-6,
               .iterations = 500,
               .neighbour = 1,
               .samples = 10000,
               .seed = 42,
               .quantile = 0.05,
               .alpha = 0.2,
               .zstd_level = 7},
        .access = 8,
    };
    dfy_splat_set_quality(&settings, 50);
    return settings;
}

void dfy_splat_defaults_of(DfySplatSettings *settings, size_t struct_size) {
    DfySplatSettings own = defaults();
    dfy_give_defaults(settings, struct_size, &own, sizeof own);
}

/* Parts of the spacing that positions are off by, RMS, at quality 50. */
#define PART_AT_50 0.0163

/* Ten steps of quality halve or double every error. */
int dfy_splat_set_quality(DfySplatSettings *settings, int quality) {
    static const double at_50[DFY_SPLAT_ATTRIBUTES] = {0, 0.018, 0.001, 0.053, 0.09, 0.041};
    if (quality < 1 || quality > 100) return DFY_ERROR_ARGUMENT;
    static const double part[10] = {1,        0.933033, 0.870551, 0.812252, 0.757858,
                                    0.707107, 0.659754, 0.615572, 0.574349, 0.535887};
    double factor = part[(quality + 50) % 10];
    for (int k = (quality + 50) / 10; k > 10; k--) factor /= 2;
    for (int k = (quality + 50) / 10; k < 10; k++) factor *= 2;
    for (int a = 0; a < DFY_SPLAT_ATTRIBUTES; a++) settings->error[a] = at_50[a] * factor;
    settings->position_part = PART_AT_50 * factor;
    return DFY_OK;
}

int dfy_splat_encoder_open(DfySplatEncoder **encoder, const DfySplatSettings *settings, const DfyOutput *output) {
    if (!encoder) return DFY_ERROR_ARGUMENT;
    DfySplatEncoder *e = *encoder = calloc(1, sizeof *e);
    if (!e) return DFY_ERROR_MEMORY;
    if (!settings || !output || !output->write)
        return e->failed = dfy_fail(&e->message, DFY_ERROR_ARGUMENT, "A splat encoder needs settings and an output.");
    e->settings = defaults();
    e->failed = dfy_take_settings(&e->settings, sizeof e->settings, offsetof(DfySplatSettings, codec), settings,
                                  "The splat encoder's settings", "dfy_splat_defaults", &e->message);
    if (e->failed) return e->failed;
    settings = &e->settings;
    e->keep_order = settings->keep_order;
    if (!e->settings.codec) e->settings.codec = dfy_splat_codec_at(0);
    if (settings->degree < -1 || settings->degree > DFY_SPLAT_MAX_DEGREE || settings->key_interval < 0 ||
        settings->effort < 1 || settings->effort > 9 || settings->frame_rate_num < 1 || settings->keep_order < -1 ||
        settings->keep_order > 1 || settings->access < 0 || settings->access > 65535 ||
        settings->frame_rate_num > 65535 || settings->frame_rate_den < 1 || settings->frame_rate_den > 65535 ||
        strlen(e->settings.codec->name) > DFY_SPLAT_NAME)
        return e->failed = dfy_fail(
                   &e->message, DFY_ERROR_ARGUMENT,
                   "A splat encoder's setting is out of range: degree, effort, key interval, access or frame rate.");
    if (!dfy_splat_has_access(e->settings.codec)) e->settings.access = 0;
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

static int write_head(DfySplatEncoder *e) {
    DfyBuffer head = {0};
    const char *name = e->settings.codec->name;
    int states_errors = !strcmp(name, dfy_splat_codec_at(0)->name);
    dfy_put_u8(&head, DFY_STREAM_SPLATS);
    dfy_put_u8(&head, DFY_SPLAT_STREAM_VERSION);
    dfy_put_u8(&head, (unsigned)strlen(name));
    dfy_put_bytes(&head, name, strlen(name));
    dfy_put_u8(&head, (unsigned)e->coded_degree);
    dfy_put_u16be(&head, (unsigned)e->settings.frame_rate_num);
    dfy_put_u16be(&head, (unsigned)e->settings.frame_rate_den);
    dfy_put_u8(&head, e->keep_order > 0 ? DFY_SPLAT_ORDER_KEPT : 0);
    for (int a = 0; a < DFY_SPLAT_ATTRIBUTES; a++)
        dfy_put_f32be(&head, states_errors ? (float)e->settings.error[a] : 0);
    for (int a = 0; a < DFY_SPLAT_ATTRIBUTES; a++) dfy_put_f32be(&head, (float)e->settings.max_error[a]);
    dfy_put_u16be(&head, (unsigned)e->settings.access);
    int status = write_chunk(e, DFY_CHUNK_STREAM, 0, &head, 0);
    dfy_buffer_free(&head);
    e->begun = !status;
    return status;
}

/* What a position error is a part of, where a model is a single place: about its splats' size. */
static double usual_size(const DfySplats *s) {
    double sum = 0;
    for (size_t i = 0; i < (size_t)s->count * 3; i++) sum += s->scale[i];
    return s->count ? dfy_exact_exp(sum / (3.0 * s->count)) : 1;
}

/* Settings that the first model gives. */
static int resolve(DfySplatEncoder *e, const DfySplats *first) {
    DfySplatSettings *settings = &e->settings;
    const DfySplatCodec *codec = e->work.codec;
    int status = DFY_OK;
    if (!(settings->error[DFY_SPLAT_POSITION] > 0)) {
        double spacing = dfy_splats_spacing(first, DFY_SPLAT_SPACING);
        if (spacing < 0) return dfy_fail(&e->message, DFY_ERROR_MEMORY, "There is no memory to measure the model.");
        if (!(spacing > 0)) spacing = usual_size(first);
        settings->error[DFY_SPLAT_POSITION] = fmax(spacing * settings->position_part, 1e-9);
    }
    for (int a = 0; a < DFY_SPLAT_ATTRIBUTES; a++)
        if (settings->max_error[a] > 0)
            settings->error[a] = fmin(settings->error[a], settings->max_error[a] / most_a_rms[a]);
    for (int p = 0; !status && p < 2 && codec->parts[p]; p++)
        if (codec->parts[p]->open) status = codec->parts[p]->open(e->work.contexts[p], settings, &e->message);
    if (codec == dfy_splat_codec_at(0)) e->stats.position_error = settings->error[DFY_SPLAT_POSITION];
    e->resolved = !status;
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
    DfySplatPayload symbols = {.level = codec->serialiser == &dfy_serialiser_zstd ? e->settings.vq.zstd_level : 0};
    int status = DFY_OK;
    payload->size = 0;
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

/* ---------------------------------------------------------------- sections */

static const uint32_t *codec_order(const DfySplatEncoder *e) {
    const DfySplatPart *part = e->work.codec->parts[0];
    return part->order ? part->order(e->work.contexts[0]) : NULL;
}

/* What the codec alone gives of the frame just coded. */
static int decode_own(DfySplatEncoder *e, int rest) {
    const DfySplatCodec *codec = e->work.codec;
    int status = DFY_OK;
    for (int p = 0; !status && p < 2 && codec->parts[p]; p++) {
        const DfySplatPart *part = codec->parts[p];
        void *context = e->work.contexts[p];
        status = part->encoded_to_frame ? part->encoded_to_frame(context, &e->decoded, rest, &e->message)
                                        : part->context_to_frame(context, &e->decoded, NULL, &e->message);
    }
    return status;
}

/*
 * Numbers in inter frames have 16 bits, which the largest of turns and, at the finest errors, of scales and colours
 * have no room in.
 */
static void bound_others(const DfySplatSettings *settings, double most[DFY_SPLAT_ATTRIBUTES]) {
    static const double finest[DFY_SPLAT_ATTRIBUTES] = {0, 1e-3, 0, 3e-3, INFINITY, 3e-3};
    for (int a = 0; a < DFY_SPLAT_ATTRIBUTES; a++)
        if (!(most[a] > 0) && settings->error[a] < finest[a]) most[a] = OUT_OF_RANGE * settings->error[a];
}

/* Compares the frame just coded with what it should be, and lists what has to be kept exactly. */
static int find_patches(DfySplatEncoder *e, const DfySplats *frame, const DfySplatPatches *odd, Piece *piece) {
    const DfySplatPart *part = e->work.codec->parts[0];
    double most[DFY_SPLAT_ATTRIBUTES];
    memcpy(most, e->settings.max_error, sizeof most);
    if (!(most[DFY_SPLAT_POSITION] > 0) && part->farthest)
        most[DFY_SPLAT_POSITION] = part->farthest(e->work.contexts[0]);
    if (part->encoded_to_frame) bound_others(&e->settings, most);
    int status = decode_own(e, most[DFY_SPLAT_SH] > 0);
    DfySplatPatches *last = &e->patches[e->list], *now = &e->patches[!e->list];
    if (piece->kind == DFY_SPLAT_KEY) dfy_patches_clear(last, odd->rest);
    float unit = (float)(most[DFY_SPLAT_POSITION] * NUDGE_UNIT);
    if (!status && dfy_patches_find(now, frame, odd, &e->decoded, codec_order(e), most, unit))
        status = dfy_fail(&e->message, DFY_ERROR_MEMORY, "There is no memory for a frame's numbers.");
    if (status) return status;
    piece->patched = now->count || last->count;
    if (piece->patched) dfy_patches_write(now, last, &piece->patches);
    e->list = !e->list;
    return DFY_OK;
}

/* Whether the order has to be written, which is then the one last written. */
static int order_changed(DfySplatEncoder *e, uint32_t count, int kind, int *status) {
    const uint32_t *order = codec_order(e);
    if (!order || e->keep_order == 0) return 0;
    size_t bytes = (size_t)count * sizeof *order;
    if (kind != DFY_SPLAT_KEY && e->order && e->order_count == count && !memcmp(e->order, order, bytes)) return 0;
    uint32_t *own = realloc(e->order, bytes + 1);
    if (!own) {
        *status = dfy_fail(&e->message, DFY_ERROR_MEMORY, "There is no memory for the order of %u splats.", count);
        return 0;
    }
    e->order = memcpy(own, order, bytes);
    e->order_count = count;
    return 1;
}

static void put_section(DfyBuffer *buffer, const DfyBuffer *section) {
    dfy_put_varint(buffer, section->size);
    dfy_put_bytes(buffer, section->data, section->size);
    buffer->failed |= section->failed;
}

/* ordered: e->order belongs to this frame. */
static int write_frame(DfySplatEncoder *e, const Piece *piece, int ordered) {
    DfyBuffer payload = {0}, order = {0};
    int status = e->begun ? DFY_OK : write_head(e);
    if (!status && ordered && dfy_order_write(e->order, e->order_count, &order))
        status =
            dfy_fail(&e->message, DFY_ERROR_MEMORY, "There is no memory for the order of %u splats.", e->order_count);
    dfy_put_u8(&payload, (unsigned)piece->kind);
    dfy_put_u8(&payload, (piece->patched ? DFY_SPLAT_PATCHED : 0) | (ordered ? DFY_SPLAT_ORDERED : 0));
    if (piece->patched) put_section(&payload, &piece->patches);
    if (ordered) put_section(&payload, &order);
    dfy_put_bytes(&payload, piece->coded.data, piece->coded.size);
    if (!status)
        status =
            write_chunk(e, DFY_CHUNK_SEGMENT, piece->kind == DFY_SPLAT_KEY ? DFY_CHUNK_ACCESS_POINT : 0, &payload, 1);
    if (!status) {
        e->stats.frames++;
        e->stats.key_frames += piece->kind == DFY_SPLAT_KEY;
        e->stats.last_frame_bytes = payload.size + DFY_V2_OVERHEAD_BYTES;
        e->stats.order_bytes += order.size;
        e->stats.exact_bytes += piece->patches.size;
        e->stats.order_kept |= ordered;
    }
    dfy_buffer_free(&payload);
    dfy_buffer_free(&order);
    return status;
}

static void free_piece(Piece *piece) {
    dfy_buffer_free(&piece->coded);
    dfy_buffer_free(&piece->patches);
    *piece = (Piece){.kind = 0};
}

/* The first frame waited to know whether a second one has as many splats. */
static int write_waiting(DfySplatEncoder *e, int same_count) {
    if (!e->waiting) return DFY_OK;
    e->keep_order = same_count && e->order;
    e->waiting = 0;
    int status = write_frame(e, &e->first, e->keep_order);
    free_piece(&e->first);
    return status;
}

/* Keeps what the key frame just coded left. */
static int keep_key(DfySplatEncoder *e) {
    const DfySplatCodec *codec = e->work.codec;
    int status = dfy_splat_beside_copy(&e->beside, &e->patches[e->list], e->order, e->order_count);
    if (status) return dfy_fail(&e->message, status, "There is no memory for a frame's numbers.");
    dfy_splats_free(&e->key_forms);
    if (e->settings.canonical) status = dfy_splats_copy(&e->key_forms, &e->last, &e->message);
    for (int p = 0; !status && p < 2 && codec->parts[p]; p++)
        status = codec->parts[p]->keep_encoded(e->work.contexts[p], &e->message);
    return status;
}

/* Makes everything what the key frame left. */
static int return_to_key(DfySplatEncoder *e) {
    const DfySplatCodec *codec = e->work.codec;
    DfySplatBeside now = {.order = NULL};
    int status = dfy_splat_beside_copy(&now, &e->beside.patches, e->beside.order, e->beside.order_count);
    if (status) return dfy_fail(&e->message, status, "There is no memory for a frame's numbers.");
    dfy_patches_free(&e->patches[e->list]);
    e->patches[e->list] = now.patches;
    free(e->order);
    e->order = now.order;
    e->order_count = now.order_count;
    if (e->settings.canonical) status = remember_forms(e, &e->key_forms);
    for (int p = 0; !status && p < 2 && codec->parts[p]; p++)
        status = codec->parts[p]->encode_again(e->work.contexts[p], &e->message);
    return status;
}

/* What a frame is to be, by its place in the sequence. */
static int kind_by_place(const DfySplatEncoder *e, const DfySplats *frame) {
    uint64_t interval = (uint64_t)e->settings.key_interval, access = (uint64_t)e->settings.access;
    int first = !e->stats.frames && !e->waiting;
    if (first || (interval && e->since_key >= interval) || frame->degree != e->coded_degree) return DFY_SPLAT_KEY;
    return access && e->since_key % access == 0 ? DFY_SPLAT_ACCESS : DFY_SPLAT_INTER;
}

/* A key frame, or an inter frame unless that turns out to be none. */
static int choose_kind(DfySplatEncoder *e, DfySplats *frame, Piece *piece) {
    int status = DFY_OK;
    piece->kind = kind_by_place(e, frame);
    if (piece->kind != DFY_SPLAT_KEY) {
        if (e->settings.access && e->since_key == 1) status = keep_key(e);
        if (!status && piece->kind == DFY_SPLAT_ACCESS) status = return_to_key(e);
        if (!status && e->settings.canonical) status = keep_forms(e, frame);
        if (!status) status = code_frame(e, frame, piece->kind, &piece->coded);
        size_t size = piece->coded.size;
        int cut = !status && size * CUT_DENOMINATOR > e->key_bytes * CUT_NUMERATOR && size > 256;
        if (status == DFY_ERROR_UNSUPPORTED || cut) {
            piece->kind = DFY_SPLAT_KEY;
            if (e->settings.canonical) make_canonical(frame);
        }
    }
    if (piece->kind == DFY_SPLAT_KEY) status = code_frame(e, frame, DFY_SPLAT_KEY, &piece->coded);
    return status;
}

/* A frame to be coded; the forms of its splats may change. */
static int encode(DfySplatEncoder *e, DfySplats *frame, const DfySplatPatches *odd) {
    Piece piece = {.kind = 0};
    int first = !e->stats.frames && !e->waiting, status = write_waiting(e, frame->count == e->first_count);
    if (first) e->first_count = frame->count;
    if (!status) status = choose_kind(e, frame, &piece);
    e->coded_degree = frame->degree;
    if (!status) status = find_patches(e, frame, odd, &piece);
    int ordered = !status && order_changed(e, frame->count, piece.kind, &status);
    if (!status && e->settings.canonical) status = remember_forms(e, frame);
    if (!status) {
        e->since_key = piece.kind == DFY_SPLAT_KEY ? 1 : e->since_key + 1;
        if (piece.kind == DFY_SPLAT_KEY) e->key_bytes = piece.coded.size;
        e->stats.splats = frame->count;
        e->waiting = first && e->keep_order < 0;
        if (e->waiting) {
            e->first = piece;
            return DFY_OK;
        }
        status = write_frame(e, &piece, ordered);
    }
    free_piece(&piece);
    return status;
}

static int hold(DfySplatEncoder *e, DfySplats *frame, DfySplatPatches *odd) {
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
        DfySplatPatches *held_odd = realloc(e->held_odd, capacity * sizeof *held_odd);
        if (!held_odd) return dfy_fail(&e->message, DFY_ERROR_MEMORY, "There is no memory for another frame.");
        e->held_odd = held_odd;
        e->held_capacity = capacity;
    }
    e->held_odd[e->held_count] = *odd;
    e->held[e->held_count++] = *frame;
    *odd = (DfySplatPatches){0};
    *frame = (DfySplats){0};
    return DFY_OK;
}

/* The degree asked for, or that of the highest so far. */
static int fit_degree(DfySplatEncoder *e, DfySplats *frame) {
    int asked = e->settings.degree;
    if (asked >= 0 && frame->degree > asked) e->stats.cut_models++;
    if (frame->degree > e->degree) e->degree = frame->degree;
    if (asked >= 0) e->degree = asked;
    return dfy_splats_set_degree(frame, e->degree, &e->message);
}

int dfy_splat_encoder_push(DfySplatEncoder *e, const DfySplats *splats) {
    if (!e) return DFY_ERROR_ARGUMENT;
    if (e->failed) return e->failed;
    if (e->finished || !splats)
        return dfy_fail(&e->message, DFY_ERROR_ARGUMENT,
                        "No frame can be pushed: the encoder is finished or there is none.");
    DfySplats frame;
    DfySplatPatches odd = {0};
    int status = dfy_splats_copy(&frame, splats, &e->message);
    if (!status) status = fit_degree(e, &frame);
    if (!status && dfy_splats_tame(&frame, &odd, &e->stats.oddities))
        status = dfy_fail(&e->message, DFY_ERROR_MEMORY, "There is no memory for a frame's numbers.");
    if (!status && !e->resolved) status = resolve(e, &frame);
    if (!status && e->settings.canonical) make_canonical(&frame);
    if (!status) status = e->settings.two_pass ? hold(e, &frame, &odd) : encode(e, &frame, &odd);
    dfy_splats_free(&frame);
    dfy_patches_free(&odd);
    return e->failed = status;
}

/* Odd numbers of a model whose degree was raised. */
static int refit_odd(DfySplatPatches *odd, const DfySplats *frame) {
    DfySplatPatches fitted = {.rest = (size_t)dfy_splat_rest(frame->degree) * 3};
    DfySplats model;
    if (!odd->count || odd->rest == fitted.rest) return DFY_OK;
    int degree = 0, status = DFY_OK;
    while ((size_t)dfy_splat_rest(degree) * 3 < odd->rest) degree++;
    if ((status = dfy_splats_alloc(&model, frame->count, degree, NULL))) return status;
    dfy_patches_apply(odd, &model, NULL, NULL);
    status = dfy_splats_set_degree(&model, frame->degree, NULL);
    for (uint32_t i = 0; !status && i < odd->count; i++)
        dfy_patches_add(&fitted, odd->splats[i], odd->attributes[i], &model, odd->splats[i]);
    if (!status && fitted.failed) status = DFY_ERROR_MEMORY;
    dfy_splats_free(&model);
    dfy_patches_free(odd);
    *odd = fitted;
    return status;
}

static int encode_held(DfySplatEncoder *e) {
    const DfySplatCodec *codec = e->work.codec;
    int status = DFY_OK;
    for (size_t i = 0; !status && i < e->held_count; i++) {
        status = dfy_splats_set_degree(&e->held[i], e->degree, &e->message);
        if (!status && refit_odd(&e->held_odd[i], &e->held[i]))
            status = dfy_fail(&e->message, DFY_ERROR_MEMORY, "There is no memory for a frame's numbers.");
    }
    for (int p = 0; !status && p < 2 && codec->parts[p]; p++)
        if (codec->parts[p]->learn)
            status = codec->parts[p]->learn(e->work.contexts[p], e->held, (uint32_t)e->held_count, &e->message);
    for (size_t i = 0; !status && i < e->held_count; i++) {
        status = encode(e, &e->held[i], &e->held_odd[i]);
        dfy_splats_free(&e->held[i]);
    }
    return status;
}

int dfy_splat_encoder_finish(DfySplatEncoder *e, DfySplatStats *stats) {
    if (!e) return DFY_ERROR_ARGUMENT;
    if (e->failed) return e->failed;
    if (e->finished) return dfy_fail(&e->message, DFY_ERROR_ARGUMENT, "The encoder is finished already.");
    if (!e->resolved) return e->failed = dfy_fail(&e->message, DFY_ERROR_ARGUMENT, "There was no frame to encode.");
    if (e->held_count && (e->failed = encode_held(e))) return e->failed;
    if ((e->failed = write_waiting(e, 0))) return e->failed;
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
    return e && e->work.codec && e->keep_order < 1 ? codec_order(e) : NULL;
}

const char *dfy_splat_encoder_message(const DfySplatEncoder *e) {
    return e ? e->message.text : "There is no memory left for this.";
}

void dfy_splat_encoder_close(DfySplatEncoder **encoder) {
    if (!encoder || !*encoder) return;
    DfySplatEncoder *e = *encoder;
    if (e->work.codec) dfy_splat_work_close(&e->work);
    for (size_t i = 0; i < e->held_count; i++) {
        dfy_splats_free(&e->held[i]);
        dfy_patches_free(&e->held_odd[i]);
    }
    free(e->held);
    free(e->held_odd);
    for (int i = 0; i < 2; i++) dfy_patches_free(&e->patches[i]);
    dfy_splats_free(&e->decoded);
    free(e->order);
    free_piece(&e->first);
    dfy_splats_free(&e->last);
    dfy_splats_free(&e->key_forms);
    dfy_splat_beside_free(&e->beside);
    dfy_v2_writer_close(&e->writer);
    free(e);
    *encoder = NULL;
}
