/*
 * A .dfy splat stream in, frames out. Decoding starts at a key frame, or at an access frame, which follows the last key
 * frame: that one's state is kept, as it is for players, who come back to it. Damage costs the frames up to the next of
 * these.
 */
#include <stdlib.h>
#include <string.h>

#include "splat/order.h"
#include "splat/patches.h"
#include "splat/sequence.h"

/* Without an index, bytes that belong to no chunk tell that a frame was there, and what builds on it is not known. */
enum { LOST_BASE = 1, LOST_CHUNK = 2 };

typedef struct Frame {
    size_t entry; /* of the container; of a lost chunk, the one after it */
    uint64_t key; /* the last key frame, or this one */
    int is_key, is_access, lost;
} Frame;

struct DfySplatDecoder {
    DfyMessage message;
    DfyV2Reader reader;
    DfySplatInfo info;
    const DfySplatCodec *extra;
    DfySplatWork work;
    Frame *frames;
    uint64_t count, position;
    uint64_t decoded;     /* the context holds frame decoded - 1; 0: none */
    uint64_t key_symbols; /* of the last key frame */
    DfySplats splats;
    DfyBuffer bytes;
    DfySplatPatches patches[2]; /* of the frame decoded last, and the one before: list says which is which */
    int list;
    uint32_t *order; /* of the frame decoded last: where each splat goes; NULL: where it is */
    uint32_t order_count;
    uint64_t kept;         /* the key frame whose state parts keep, plus 1; 0: none */
    DfySplatBeside beside; /* what stood beside that */
    int reordered;         /* since the last model was made */
    int key_made;          /* a key frame was decoded since */
    DfySplatPatches undo;  /* what stood where the last model was patched */
    DfySplatHistory history;
    uint64_t
        shown; /* `splats` is frame shown - 1; 0: none. With a history it may be one before the frame decoded last */
    uint64_t started;            /* frame of the model that the history begins with */
    DfySplatMarks changed, step; /* since the call before; by the frame being made */
};

/* ---------------------------------------------------------------- opening */

static int read_stream(DfySplatDecoder *d, size_t entry) {
    int status = dfy_v2_read_chunk(&d->reader, entry, &d->bytes, &d->message);
    if (status) return status;
    DfyBytes bytes = dfy_bytes(d->bytes.data, d->bytes.size);
    unsigned kind = dfy_read_u8(&bytes), version = dfy_read_u8(&bytes), length = dfy_read_u8(&bytes);
    if (kind != DFY_STREAM_SPLATS)
        return dfy_fail(&d->message, DFY_ERROR_FORMAT, "This .dfy file is a video, not a sequence of splat models.");
    if (version != DFY_SPLAT_STREAM_VERSION)
        return dfy_fail(&d->message, DFY_ERROR_UNSUPPORTED,
                        version < DFY_SPLAT_STREAM_VERSION
                            ? "This splat stream is of version %u, which was never released: make it anew."
                            : "This splat stream is of version %u: a newer Diffy is needed.",
                        version);
    const uint8_t *name = length <= DFY_SPLAT_NAME ? dfy_read_span(&bytes, length) : NULL;
    if (name) memcpy(d->info.codec, name, length);
    d->info.degree = dfy_read_u8(&bytes);
    d->info.frame_rate_num = dfy_read_u16be(&bytes);
    d->info.frame_rate_den = dfy_read_u16be(&bytes);
    d->info.order_kept = dfy_read_u8(&bytes) & DFY_SPLAT_ORDER_KEPT;
    for (int a = 0; a < DFY_SPLAT_ATTRIBUTES; a++) d->info.error[a] = dfy_read_f32be(&bytes);
    for (int a = 0; a < DFY_SPLAT_ATTRIBUTES; a++) d->info.max_error[a] = dfy_read_f32be(&bytes);
    d->info.access = dfy_read_u16be(&bytes);
    if (!name || bytes.overrun || d->info.degree > DFY_SPLAT_MAX_DEGREE || !d->info.frame_rate_num ||
        !d->info.frame_rate_den)
        return dfy_fail(&d->message, DFY_ERROR_DAMAGED, "The splat stream's head is damaged.");
    return DFY_OK;
}

/* Whether bytes before a chunk belong to none. */
static int is_gap(const DfyV2Reader *reader, size_t entry) {
    const DfyV2Row *row = &reader->rows[entry];
    return entry && row->offset_bytes > row[-1].offset_bytes + row[-1].payload_bytes + DFY_V2_OVERHEAD_BYTES;
}

/* Adds a frame; `lost` when its chunk is. */
static void list_frame(DfySplatDecoder *d, size_t entry, int lost) {
    const Frame *last = d->count ? &d->frames[d->count - 1] : NULL;
    int is_key = !lost && d->reader.rows[entry].flags & DFY_CHUNK_ACCESS_POINT;
    if (!lost && !is_key && last && last->lost) lost = LOST_BASE;
    uint64_t key = is_key || !last ? d->count : last->key;
    int is_access = !is_key && !lost && d->info.access && (d->count - key) % (uint64_t)d->info.access == 0;
    d->frames[d->count++] = (Frame){entry, key, is_key, is_access, lost};
    d->info.key_frames += is_key;
}

/* Takes in the container's chunks from number `from` on. */
static int list_frames(DfySplatDecoder *d, size_t from) {
    Frame *frames = realloc(d->frames, (d->reader.count * 2 + 1) * sizeof *frames);
    if (!frames) return dfy_fail(&d->message, DFY_ERROR_MEMORY, "There is no memory for the list of frames.");
    d->frames = frames;
    for (size_t i = from; i < d->reader.count; i++) {
        if (d->reader.rows[i].type != DFY_CHUNK_SEGMENT) continue;
        if (is_gap(&d->reader, i)) list_frame(d, i, LOST_CHUNK);
        list_frame(d, i, 0);
    }
    d->info.frames = d->count;
    d->info.complete = d->reader.complete;
    return DFY_OK;
}

static int find_stream(DfySplatDecoder *d) {
    for (size_t i = 0; i < d->reader.count; i++)
        if (d->reader.rows[i].type == DFY_CHUNK_STREAM) return read_stream(d, i);
    return dfy_fail(&d->message, DFY_ERROR_FORMAT, "This .dfy file has no stream head: it is cut or damaged.");
}

static int check_magic(DfySplatDecoder *d, const DfyInput *input) {
    uint8_t magic[4] = {0};
    if (input->read(input->opaque, 0, magic, sizeof magic) == 4 && !memcmp(magic, "DFY", 3)) {
        if (magic[3] == 2) return DFY_OK;
        if (magic[3] == 1)
            return dfy_fail(&d->message, DFY_ERROR_FORMAT,
                            "This .dfy file is a video, not a sequence of splat models.");
        return dfy_fail(&d->message, DFY_ERROR_UNSUPPORTED,
                        "This .dfy file is of version %d: a newer Diffy is needed to open it.", magic[3]);
    }
    return dfy_fail(&d->message, DFY_ERROR_FORMAT, "This is not a .dfy file: it does not begin with the letters DFY.");
}

int dfy_splat_decoder_open(DfySplatDecoder **decoder, const DfyInput *input, const DfySplatCodec *extra) {
    if (!decoder) return DFY_ERROR_ARGUMENT;
    DfySplatDecoder *d = *decoder = calloc(1, sizeof *d);
    if (!d) return DFY_ERROR_MEMORY;
    if (!input || !input->read) return dfy_fail(&d->message, DFY_ERROR_ARGUMENT, "A splat decoder needs an input.");
    d->extra = extra;
    d->info.bytes = input->size_bytes == DFY_FORWARD_ONLY ? 0 : input->size_bytes;
    int status = check_magic(d, input);
    if (!status) status = dfy_v2_reader_open(&d->reader, input, &d->message);
    if (!status) status = find_stream(d);
    if (!status) status = list_frames(d, 0);
    if (status) return status;
    const DfySplatCodec *codec = extra && !strcmp(extra->name, d->info.codec) ? extra : dfy_splat_codec(d->info.codec);
    if (!codec)
        return dfy_fail(&d->message, DFY_ERROR_UNSUPPORTED,
                        "This file's splat codec \"%s\" is unknown: a newer Diffy is needed.", d->info.codec);
    return dfy_splat_work_open(&d->work, codec, NULL, &d->message);
}

/* ---------------------------------------------------------------- frames */

static int damaged_frame(DfySplatDecoder *d, uint64_t number) {
    return dfy_fail(&d->message, DFY_ERROR_DAMAGED, "Frame %llu is damaged or the frame it builds on is lost.",
                    (unsigned long long)number);
}

/* A frame's parts. */
typedef struct Sections {
    DfyBytes section[DFY_SPLAT_SECTIONS];
    unsigned flags;
    const uint8_t *coded;
    size_t coded_bytes;
} Sections;

static int split_frame(const DfySplatDecoder *d, Sections *sections) {
    DfyBytes bytes = dfy_bytes(d->bytes.data, d->bytes.size);
    *sections = (Sections){.flags = 0};
    dfy_read_u8(&bytes);
    sections->flags = dfy_read_u8(&bytes);
    if (sections->flags >> DFY_SPLAT_SECTIONS) return 0;
    for (int i = 0; i < DFY_SPLAT_SECTIONS; i++) {
        if (!(sections->flags >> i & 1)) continue;
        uint64_t size = dfy_read_varint(&bytes);
        if (bytes.overrun || size > dfy_bytes_left(&bytes)) return 0;
        sections->section[i] = dfy_bytes(d->bytes.data + bytes.position, (size_t)size);
        dfy_read_span(&bytes, (size_t)size);
    }
    sections->coded = d->bytes.data + bytes.position;
    sections->coded_bytes = dfy_bytes_left(&bytes);
    return !bytes.overrun;
}

static int decode_coded(DfySplatDecoder *d, const Frame *frame, const Sections *sections) {
    const DfySplatCodec *codec = d->work.codec;
    DfySplatPayload payload = {0};
    payload.most = DFY_SPLAT_SYMBOLS + (frame->is_key ? (uint64_t)sections->coded_bytes * DFY_SPLAT_SYMBOLS_A_BYTE
                                                      : d->key_symbols * DFY_SPLAT_SYMBOLS_AGAIN);
    int status = codec->serialiser->read(&payload, sections->coded, sections->coded_bytes, &d->message);
    for (int p = 0; !status && p < 2 && codec->parts[p]; p++) {
        const DfySplatPart *part = codec->parts[p];
        status = (frame->is_key ? part->decode_key : part->decode_inter)(d->work.contexts[p], &payload, &d->message);
    }
    if (frame->is_key) d->key_symbols = dfy_payload_symbols(&payload);
    d->key_made |= frame->is_key;
    dfy_payload_free(&payload);
    return status;
}

/* The frame's order: a new one, or that of the frame before, which must have as many splats. */
static int decode_order(DfySplatDecoder *d, const Sections *sections, uint32_t count) {
    if (!(sections->flags & DFY_SPLAT_ORDERED))
        return !d->order || d->order_count == count ? DFY_OK : DFY_ERROR_DAMAGED;
    uint32_t *order = realloc(d->order, ((size_t)count + 1) * sizeof *order);
    if (!order) return DFY_ERROR_MEMORY;
    d->order = order;
    d->order_count = count;
    d->reordered = 1;
    const DfyBytes *bytes = &sections->section[1];
    return dfy_order_read(order, count, bytes->data, bytes->size);
}

static void forget_order(DfySplatDecoder *d) {
    d->reordered |= d->order != NULL;
    free(d->order);
    d->order = NULL;
}

/* The frame's patches, made of the last frame's. */
static int decode_patches(DfySplatDecoder *d, const Sections *sections, uint32_t count) {
    DfySplatPatches *last = &d->patches[d->list], *now = &d->patches[!d->list];
    if (!(sections->flags & DFY_SPLAT_PATCHED)) return DFY_OK;
    const DfyBytes *bytes = &sections->section[0];
    d->list = !d->list;
    return dfy_patches_read(now, last, bytes->data, bytes->size, count);
}

static int decode_sections(DfySplatDecoder *d, const Frame *frame, const Sections *sections) {
    const DfySplatPart *part = d->work.codec->parts[0];
    uint32_t count = part->count ? part->count(d->work.contexts[0]) : 0;
    if (frame->is_key) {
        dfy_patches_clear(&d->patches[d->list], 0);
        forget_order(d);
    }
    int status = decode_order(d, sections, count);
    return status ? status : decode_patches(d, sections, count);
}

/* The key frame's state is kept, for the access frames that follow it. */
static int keep_key(DfySplatDecoder *d, uint64_t number) {
    d->kept = 0;
    int status = dfy_splat_beside_copy(&d->beside, &d->patches[d->list], d->order, d->order_count);
    if (status) return dfy_fail(&d->message, status, "There is no memory for a frame's numbers.");
    for (int p = 0; !status && p < 2 && d->work.codec->parts[p]; p++)
        status = d->work.codec->parts[p]->keep_decoded(d->work.contexts[p], &d->message);
    d->kept = status ? 0 : number + 1;
    return status;
}

/* Makes everything what the key frame left. */
static int return_to_key(DfySplatDecoder *d) {
    DfySplatBeside now = {.order = NULL};
    const DfySplatBeside *kept = &d->beside;
    int status = dfy_splat_beside_copy(&now, &kept->patches, kept->order, kept->order_count);
    if (status) return dfy_fail(&d->message, status, "There is no memory for a frame's numbers.");
    d->reordered |=
        !d->order != !now.order || (now.order && (d->order_count != now.order_count ||
                                                  memcmp(d->order, now.order, now.order_count * sizeof *now.order)));
    dfy_patches_free(&d->patches[d->list]);
    d->patches[d->list] = now.patches;
    free(d->order);
    d->order = now.order;
    d->order_count = now.order_count;
    for (int p = 0; !status && p < 2 && d->work.codec->parts[p]; p++)
        status = d->work.codec->parts[p]->decode_again(d->work.contexts[p], &d->message);
    return status;
}

/* Whether the frame is, or follows, the key frame whose state is kept. */
static int is_by_kept(const DfySplatDecoder *d, uint64_t number) {
    const Frame *frame = &d->frames[number];
    return d->kept == frame->key + 1 && (frame->is_access || number <= frame->key + 1);
}

/* Whether what the frame builds on is there. */
static int has_base(const DfySplatDecoder *d, uint64_t number) {
    const Frame *frame = &d->frames[number];
    if (frame->lost) return 0;
    return frame->is_key || is_by_kept(d, number) || (d->decoded == number && !frame->is_access);
}

static int read_frame(DfySplatDecoder *d, uint64_t number) {
    const Frame *frame = &d->frames[number];
    Sections sections = {.flags = 0};
    int status = dfy_v2_read_chunk(&d->reader, frame->entry, &d->bytes, &d->message);
    int kind = frame->is_key ? DFY_SPLAT_KEY : frame->is_access ? DFY_SPLAT_ACCESS : DFY_SPLAT_INTER;
    if (!status && (!d->bytes.size || d->bytes.data[0] != kind || !split_frame(d, &sections)))
        status = damaged_frame(d, number);
    if (!status) status = decode_coded(d, frame, &sections);
    if (!status && (status = decode_sections(d, frame, &sections))) {
        damaged_frame(d, number);
        if (status == DFY_ERROR_MEMORY) dfy_fail(&d->message, status, "There is no memory for a frame's numbers.");
    }
    return status;
}

static int decode_frame(DfySplatDecoder *d, uint64_t number) {
    const Frame *frame = &d->frames[number];
    int status = has_base(d, number) ? DFY_OK : damaged_frame(d, number), known = is_by_kept(d, number);
    if (!status && known && (frame->is_access || d->decoded != number)) status = return_to_key(d);
    if (!status && !(known && frame->is_key)) status = read_frame(d, number);
    int keeps = frame->is_key && !known && dfy_splat_has_access(d->work.codec);
    if (!status && keeps && (d->info.access || d->history.limit)) status = keep_key(d, number);
    d->decoded = status ? 0 : number + 1;
    return status;
}

/* ---------------------------------------------------------------- models */

/* What making the frame will change; where that is not known, all. */
static int mark_step(DfySplatDecoder *d) {
    const DfySplatPart *part = d->work.codec->parts[0];
    const DfySplatPatches *patches = &d->patches[d->list];
    int status = dfy_marks_begin(&d->step, d->splats.count);
    d->step.all = !d->splats.count || d->reordered || d->key_made || !part->changes ||
                  part->count(d->work.contexts[0]) != d->splats.count;
    if (d->step.all) d->step.attributes = DFY_SPLAT_EVERY_ATTRIBUTE;
    if (status || d->step.all) return status;
    part->changes(d->work.contexts[0], d->order, &d->step);
    d->step.attributes |= dfy_patches_attributes(&d->undo) | dfy_patches_attributes(patches);
    for (uint32_t i = 0; i < d->undo.count; i++) dfy_marks_add(&d->step, d->undo.splats[i]);
    for (uint32_t i = 0; i < patches->count; i++)
        if (patches->splats[i] < d->splats.count)
            dfy_marks_add(&d->step, d->order ? d->order[patches->splats[i]] : patches->splats[i]);
    return DFY_OK;
}

/* The model before the step goes into the history, and the step into what changed since the last call. */
static int note_step(DfySplatDecoder *d) {
    int status = DFY_OK;
    if (d->splats.count && d->history.limit) {
        status = d->key_made || d->reordered ? dfy_history_take(&d->history, &d->splats)
                                             : dfy_history_add(&d->history, &d->splats, &d->step);
    } else {
        dfy_history_clear(&d->history);
    }
    d->started = d->decoded - 1 - d->history.count;
    if (d->step.all) d->changed.all = 1;
    d->changed.attributes |= d->step.attributes;
    for (uint32_t i = 0; !d->changed.all && i < d->step.count; i++) dfy_marks_add(&d->changed, d->step.list[i]);
    return status;
}

/* Makes the model of the frame decoded last, from that of the frame decoded before it. */
static int make_frame(DfySplatDecoder *d) {
    const DfySplatCodec *codec = d->work.codec;
    const DfySplatPatches *patches = &d->patches[d->list];
    int status = mark_step(d);
    if (!status) status = note_step(d);
    if (status) return dfy_fail(&d->message, DFY_ERROR_MEMORY, "There is no memory for a frame's numbers.");
    if (d->splats.count) dfy_patches_apply(&d->undo, &d->splats, NULL, NULL);
    dfy_patches_clear(&d->undo, 0);
    if (d->reordered) dfy_splats_free(&d->splats);
    d->reordered = d->key_made = 0;
    for (int p = 0; !status && p < 2 && codec->parts[p]; p++)
        status = codec->parts[p]->context_to_frame(d->work.contexts[p], &d->splats, d->order, &d->message);
    if (status) return status;
    d->shown = d->decoded;
    if (!patches->count) return DFY_OK;
    if (patches->rest != (size_t)dfy_splat_rest(d->splats.degree) * 3 ||
        patches->splats[patches->count - 1] >= d->splats.count)
        return damaged_frame(d, d->decoded - 1);
    dfy_patches_apply(patches, &d->splats, d->order, &d->undo);
    return d->undo.failed ? dfy_fail(&d->message, DFY_ERROR_MEMORY, "There is no memory for a frame's numbers.")
                          : DFY_OK;
}

/* Whether the history leads from the model to that of `frame`. */
static int is_remembered(const DfySplatDecoder *d, uint64_t frame) {
    return d->decoded && d->shown && d->history.limit && frame >= d->started && frame < d->decoded;
}

/* Goes through the history to the model of a frame that is in it. */
static int recall(DfySplatDecoder *d, uint64_t frame) {
    int status = DFY_OK;
    while (!status && d->shown - 1 != frame) {
        int back = d->shown - 1 > frame;
        uint64_t step = d->shown - 1 - d->started - (back ? 1 : 0);
        status = dfy_history_cross(&d->history, (size_t)step, &d->splats, &d->changed);
        d->shown = back ? d->shown - 1 : d->shown + 1;
    }
    return status;
}

/* Forgets models that what comes next does not follow. */
static void leave_history(DfySplatDecoder *d, uint64_t first) {
    dfy_history_clear(&d->history);
    d->started = first;
    d->changed.all = 1;
    d->changed.attributes = DFY_SPLAT_EVERY_ATTRIBUTE;
    dfy_splats_free(&d->splats);
    dfy_patches_clear(&d->undo, 0);
    d->shown = 0;
}

/* After damage: to the next frame that does not build on what is lost. */
static void skip_lost(DfySplatDecoder *d) {
    do d->position++;
    while (d->position < d->count && !d->frames[d->position].is_key && !is_by_kept(d, d->position));
}

/* Frames to be decoded for another: from first to last, and where there is a key frame to be decoded before, its
 * number. */
typedef struct Route {
    uint64_t first, key;
    int has_key;
} Route;

static Route route_to(const DfySplatDecoder *d, uint64_t frame) {
    Route route = {.first = frame};
    uint64_t access = frame;
    while (route.first > 0 && d->decoded != route.first && !d->frames[route.first].is_key &&
           !is_by_kept(d, route.first))
        route.first--;
    while (access > route.first && !d->frames[access].is_access) access--;
    if (access > route.first && d->frames[route.first].is_key) route = (Route){access, route.first, 1};
    return route;
}

/* Decodes up to the frame wanted. With a history each model on the way is made, without one the last alone. */
static int decode_to(DfySplatDecoder *d, uint64_t wanted) {
    Route route = route_to(d, wanted);
    uint64_t from = route.first;
    int status = DFY_OK, keeps = d->history.limit > 0;
    if (route.has_key) {
        if (keeps) leave_history(d, from);
        status = decode_frame(d, route.key);
    }
    if (status) return status;
    if (keeps && d->decoded && d->decoded == from && d->shown) status = recall(d, d->decoded - 1);
    if (keeps && d->decoded != from) leave_history(d, from);
    for (; !status && from <= wanted; from++) {
        status = decode_frame(d, from);
        if (!status && (keeps || from == wanted)) status = make_frame(d);
    }
    return status;
}

/* Chunks of a stream that goes forward, until one is the frame at the decoder's position or there are no more. */
static int read_on(DfySplatDecoder *d) {
    int status = DFY_OK;
    while (!status && d->position >= d->count) {
        size_t known = d->reader.count;
        status = dfy_v2_reader_more(&d->reader, &d->message);
        if (status < 0) return status;
        int listed = list_frames(d, known);
        if (listed) return listed;
    }
    return status;
}

int dfy_splat_decoder_next(DfySplatDecoder *d, const DfySplats **splats) {
    if (!d || !d->work.codec || !splats) return DFY_ERROR_ARGUMENT;
    if (d->reader.forward && d->position >= d->count) {
        int status = read_on(d);
        if (status) return status;
    }
    if (d->position >= d->count) return DFY_END;
    int status = dfy_marks_begin(&d->changed, d->splats.count);
    if (status) return dfy_fail(&d->message, status, "There is no memory for a frame's numbers.");
    status = is_remembered(d, d->position) ? recall(d, d->position) : decode_to(d, d->position);
    if (status) {
        leave_history(d, 0);
        d->decoded = 0;
        skip_lost(d);
        return status == DFY_ERROR_FORMAT ? DFY_ERROR_DAMAGED : status;
    }
    d->position++;
    *splats = &d->splats;
    return DFY_OK;
}

void dfy_splat_decoder_changed(const DfySplatDecoder *d, const uint32_t **splats, uint32_t *count) {
    int all = !d || d->changed.all || d->changed.count >= d->splats.count;
    *splats = all ? NULL : d->changed.list;
    *count = !all ? d->changed.count : d ? d->splats.count : 0;
}

unsigned dfy_splat_decoder_attributes(const DfySplatDecoder *d) {
    return d->changed.attributes;
}

void dfy_splat_decoder_remember(DfySplatDecoder *d, uint64_t limit_bytes) {
    if (!d) return;
    /* The model may be one that only the history leads on from. */
    if (d->shown != d->decoded || !limit_bytes) {
        leave_history(d, 0);
        d->decoded = 0;
    }
    d->started = d->decoded ? d->decoded - 1 : 0;
    dfy_history_clear(&d->history);
    d->history.limit = limit_bytes;
}

int dfy_splat_decoder_needs(const DfySplatDecoder *d, uint64_t frame, uint64_t *first, uint64_t *last, uint64_t *offset,
                            uint64_t *bytes) {
    if (!d || frame >= d->count || !first || !last || !offset || !bytes) return DFY_ERROR_ARGUMENT;
    *first = *last = frame;
    *offset = *bytes = 0;
    if (is_remembered(d, frame)) return DFY_OK;
    Route route = route_to(d, frame);
    *first = route.has_key ? route.key : route.first;
    if (route.has_key) *last = route.key;
    if (d->frames[*first].is_key && is_by_kept(d, *first)) return DFY_OK;
    const DfyV2Row *from = &d->reader.rows[d->frames[*first].entry], *to = &d->reader.rows[d->frames[*last].entry];
    *offset = from->offset_bytes;
    *bytes = to->offset_bytes + to->payload_bytes + DFY_V2_OVERHEAD_BYTES - from->offset_bytes;
    return DFY_OK;
}

int dfy_splat_decoder_grow(DfySplatDecoder *d, uint64_t size_bytes) {
    if (!d || !d->work.codec) return DFY_ERROR_ARGUMENT;
    size_t known = d->reader.count;
    int status = dfy_v2_reader_grow(&d->reader, size_bytes, &d->message);
    if (size_bytes > d->info.bytes && !d->reader.forward) d->info.bytes = size_bytes;
    int listed = list_frames(d, known);
    return status ? status : listed;
}

int dfy_splat_decoder_seek(DfySplatDecoder *d, uint64_t frame) {
    if (!d || !d->work.codec) return DFY_ERROR_ARGUMENT;
    if (frame >= d->count && !d->reader.forward)
        return dfy_fail(&d->message, DFY_ERROR_ARGUMENT, "There is no frame %llu: the file has %llu.",
                        (unsigned long long)frame, (unsigned long long)d->count);
    d->position = frame;
    return DFY_OK;
}

uint64_t dfy_splat_decoder_position(const DfySplatDecoder *d) {
    return d ? d->position : 0;
}

int dfy_splat_decoder_info(const DfySplatDecoder *d, DfySplatInfo *info) {
    if (!d || !d->work.codec || !info) return DFY_ERROR_ARGUMENT;
    *info = d->info;
    return DFY_OK;
}

int dfy_splat_decoder_frame(const DfySplatDecoder *d, uint64_t frame, uint64_t *bytes, int *is_key) {
    if (!d || frame >= d->count) return DFY_ERROR_ARGUMENT;
    const Frame *own = &d->frames[frame];
    uint64_t size = (uint64_t)d->reader.rows[own->entry].payload_bytes + DFY_V2_OVERHEAD_BYTES;
    if (bytes) *bytes = own->lost == LOST_CHUNK ? 0 : size;
    if (is_key) *is_key = own->is_key;
    return DFY_OK;
}

const char *dfy_splat_decoder_message(const DfySplatDecoder *d) {
    return d ? d->message.text : "There is no memory left for this.";
}

void dfy_splat_decoder_close(DfySplatDecoder **decoder) {
    if (!decoder || !*decoder) return;
    DfySplatDecoder *d = *decoder;
    if (d->work.codec) dfy_splat_work_close(&d->work);
    dfy_v2_reader_close(&d->reader);
    free(d->frames);
    dfy_splats_free(&d->splats);
    for (int i = 0; i < 2; i++) dfy_patches_free(&d->patches[i]);
    dfy_patches_free(&d->undo);
    dfy_splat_beside_free(&d->beside);
    dfy_history_free(&d->history);
    dfy_marks_free(&d->changed);
    dfy_marks_free(&d->step);
    free(d->order);
    dfy_buffer_free(&d->bytes);
    free(d);
    *decoder = NULL;
}
