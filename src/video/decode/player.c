#include <stdlib.h>

#include "video/decode/player_parts.h"

#define SAME_COST 2000 /* what decoding any picture takes, in bytes of one */
#define DEEPEST 8      /* anchors that are decoded for one another's sake, out of their order */

DfyPlayer *dfy_player_new(DfyV2Reader *file, const DfyStream *stream, DfyMessage *message) {
    DfyPlayer *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    p->file = file;
    p->stream = stream;
    p->message = message;
    p->threads = 1;
    p->limit = UINT64_MAX;
    dfy_run_open(&p->run, file, stream, message);
    if (stream->lossless)
        p->lossless.pictures = dfy_lossless_new(stream->width, stream->height);
    else
        p->decoder = dfy_picture_decoder_new(stream->width, stream->height);
    if (p->lossless.pictures || p->decoder) return p;
    dfy_player_free(p);
    return NULL;
}

static void empty(DfyPlayer *p, DfySlot *slot) {
    dfy_release_frame(p->decoder, slot->frame);
    *slot = (DfySlot){0};
}

static void forget_pictures(DfyPlayer *p) {
    for (int i = 0; i < DFY_PLAYER_PICTURES + DFY_MAX_ANCHORS; i++) empty(p, &p->pictures[i]);
    for (int i = 0; i < DFY_MAX_ANCHORS + DFY_MORE_ANCHORS; i++) empty(p, &p->anchors[i]);
}

void dfy_player_free(DfyPlayer *p) {
    if (!p) return;
    if (p->ahead) dfy_player_stop_ahead(p);
    dfy_ahead_free(p->ahead);
    dfy_player_free(p->long_term);
    if (p->decoder) {
        forget_pictures(p);
        dfy_release_frame(p->decoder, p->last);
        dfy_release_frame(p->decoder, p->plate);
    }
    dfy_picture_decoder_free(p->decoder);
    dfy_lossless_free(p->lossless.pictures);
    dfy_buffer_free(&p->lossless.payload);
    dfy_times_free(&p->lossless.times);
    dfy_buffer_free(&p->plate_bytes);
    dfy_run_close(&p->run);
    free(p);
}

void dfy_player_use_threads(DfyPlayer *p, int threads, int at_once) {
    p->threads = p->decoder ? threads : 1;
    p->at_once = at_once;
}

/* Where frames are read in random order, as many more as there are anchors. */
static int most_pictures(const DfyStream *stream) {
    return stream->access ? DFY_PLAYER_PICTURES + stream->keep : DFY_PLAYER_PICTURES;
}

static int anchors_at_hand(const DfyStream *stream, int threads) {
    return stream->keep + DFY_MORE_ANCHORS - (threads > 1 ? 0 : DFY_ANCHORS_AHEAD);
}

/* Anchors, pictures of the group, the plate, one in the making with its weighted references; the long-term set's player
 * alike, on one thread. */
uint64_t dfy_player_bytes(const DfyStream *stream, int threads) {
    uint64_t frame_bytes =
        (uint64_t)(stream->width + 2 * DFY_FRAME_BORDER) * (uint64_t)(stream->height + 2 * DFY_FRAME_BORDER) * 3 / 2;
    int others = most_pictures(stream) + 6, alone = anchors_at_hand(stream, 1) + others;
    int with_threads = anchors_at_hand(stream, threads) + others + dfy_ahead_frames(threads);
    return frame_bytes * (uint64_t)(stream->long_term ? alone + with_threads : with_threads);
}

static int out_of_memory(DfyPlayer *p) {
    return dfy_fail(p->message, DFY_ERROR_MEMORY, "There is not enough memory to decode this file.");
}

/* ---------------------------------------------------------------- pictures at hand */

/* Holds the frame once more for the caller; NULL when it is not there. */
static const DfyFrame *find(DfyPlayer *p, DfySlot *slots, int count, uint64_t number) {
    for (int i = 0; i < count; i++) {
        if (!slots[i].frame || slots[i].number != number) continue;
        slots[i].stamp = slots[i].cost ? p->worn + slots[i].cost : ++p->clock;
        return dfy_hold_frame(slots[i].frame);
    }
    return NULL;
}

const DfyFrame *dfy_player_anchor_at_hand(DfyPlayer *p, uint64_t number) {
    return find(p, p->anchors, anchors_at_hand(p->stream, p->threads), number);
}

const DfyFrame *dfy_player_picture_at_hand(DfyPlayer *p, uint64_t number) {
    return find(p, p->pictures, most_pictures(p->stream), number);
}

/*
 * Keeps a frame, which the caller goes on holding, instead of the one not wanted for longest. With a cost, instead of
 * the one that it is cheapest to be without, which ages as others go (N. Young's "greedy dual").
 */
static void keep(DfyPlayer *p, DfySlot *slots, int count, uint64_t number, const DfyFrame *frame, uint64_t cost) {
    DfySlot *oldest = &slots[0];
    for (int i = 1; i < count; i++)
        if (slots[i].stamp < oldest->stamp) oldest = &slots[i];
    if (cost) p->worn = oldest->stamp;
    empty(p, oldest);
    *oldest = (DfySlot){number, dfy_hold_frame(frame), cost ? p->worn + cost : ++p->clock, cost};
}

/* Keeps a picture that is no anchor. Where frames are read in random order, what nothing refers to is not worth it. */
void dfy_player_keep_picture(DfyPlayer *p, uint64_t number, const DfyFrame *frame, const DfyCodedPicture *coded) {
    int weighed = p->stream->access > 0;
    if (weighed && !coded->place.referred) return;
    keep(p, p->pictures, most_pictures(p->stream), number, frame, weighed ? SAME_COST + coded->size : 0);
}

/*
 * Keeps an anchor instead of the one farthest from it. Anchors are decoded forward, and each may refer to any of the
 * last that the stream keeps: were the one not wanted for longest to go, as with other pictures, one of those would be
 * gone now and then, and be decoded anew with all that leads to it, and so on within that.
 */
void dfy_player_keep_anchor(DfyPlayer *p, uint64_t number, const DfyFrame *frame) {
    if (p->stream->access) { /* which needs no other */
        keep(p, p->anchors, anchors_at_hand(p->stream, p->threads), number, frame, 0);
        return;
    }
    DfySlot *farthest = &p->anchors[0];
    uint64_t most = 0;
    for (int i = 0; i < anchors_at_hand(p->stream, p->threads); i++) {
        DfySlot *slot = &p->anchors[i];
        uint64_t far = !slot->frame            ? UINT64_MAX
                       : slot->number > number ? slot->number - number
                                               : number - slot->number;
        if (far <= most) continue;
        most = far;
        farthest = slot;
    }
    empty(p, farthest);
    *farthest = (DfySlot){number, dfy_hold_frame(frame), ++p->clock, 0};
}

/* ---------------------------------------------------------------- what pictures refer to */

static int use_plate(DfyPlayer *p, size_t segment_chunk) {
    size_t wanted = segment_chunk;
    while (wanted > 0 && p->file->rows[wanted].type != DFY_CHUNK_BACKGROUND) wanted--;
    if (wanted == p->plate_chunk) return DFY_OK; /* chunk 0 is the STREAM: there is no plate, or no longer one */
    dfy_release_frame(p->decoder, p->plate);
    p->plate = NULL;
    p->plate_chunk = 0;
    if (!wanted) return DFY_OK;
    int status = dfy_v2_read_chunk(p->file, wanted, &p->plate_bytes, p->message);
    if (status) return status;
    if (p->plate_bytes.size) status = dfy_decode_plate(p->decoder, p->plate_bytes.data, p->plate_bytes.size, &p->plate);
    if (status) return out_of_memory(p);
    p->decoded += p->plate != NULL;
    p->plate_chunk = wanted;
    return DFY_OK;
}

static int get_frame(DfyPlayer *p, uint64_t number, const DfyFrame **frame);

/* What a picture being decoded fetches by itself. */
typedef struct Fetching {
    DfyPlayer *player;
    const DfyRunMiniGroup *group;
    int32_t anchors; /* anchors there are when it is coded */
} Fetching;

int dfy_player_get_long_term(DfyPlayer *p, uint64_t segment_first, int32_t index, const DfyFrame **frame) {
    if (p->is_long_term_set) return DFY_ERROR_DAMAGED;
    if (!p->long_term) {
        p->long_term = dfy_player_new(p->file, p->stream, p->message);
        if (!p->long_term) return out_of_memory(p);
        p->long_term->is_long_term_set = 1;
    }
    p->long_term->limit = p->limit == UINT64_MAX ? UINT64_MAX : p->long_term->decoded + 1;
    return get_frame(p->long_term, segment_first + (uint64_t)index, frame);
}

static int fetch_long_term(void *context, int32_t index, const DfyFrame **found) {
    const Fetching *f = context;
    uint64_t first = f->player->run.segments[f->group->segment].head.long_term_first;
    return dfy_player_get_long_term(f->player, first, index, found);
}

int dfy_player_may_name_anchor(const DfyPlayer *p, int32_t anchors, int back) {
    if (p->stream->access) return 0; /* no frame is to need more than two segments */
    return back <= anchors && back <= p->stream->keep;
}

static int fetch_long_term_anchor(void *context, int back, const DfyFrame **found) {
    const Fetching *f = context;
    DfyPlayer *p = f->player;
    if (!dfy_player_may_name_anchor(p, f->anchors, back) || p->depth >= DEEPEST) return DFY_ERROR_DAMAGED;
    p->depth++;
    int status = dfy_player_get_anchor(p, f->anchors - back, found);
    p->depth--;
    return status;
}

/* The number of an anchor's frame, in the file. */
uint64_t dfy_player_number_of(const DfyPlayer *p, int32_t anchor) {
    const DfyRunMiniGroup *g = &p->run.groups[p->run.anchors[anchor]];
    return g->first + g->frames - 1;
}

static int is_at_hand(const DfyPlayer *p, int32_t anchor) {
    uint64_t number = dfy_player_number_of(p, anchor);
    for (int i = 0; i < anchors_at_hand(p->stream, p->threads); i++)
        if (p->anchors[i].frame && p->anchors[i].number == number) return 1;
    return 0;
}

/* ---------------------------------------------------------------- decoding */

int dfy_player_describe(DfyPlayer *p, const DfyRunMiniGroup *group, size_t at, DfyCodedPicture *coded,
                        const DfyBuffer **payload) {
    DfyMiniGroupPicture order[DFY_MAX_MINI_GROUP];
    DfyMiniGroupRecord record;
    int status = dfy_run_record(&p->run, at, &record, payload);
    if (status) return status;
    dfy_mini_group_order_pictures(order, group->frames, dfy_most_layers(p->stream));
    int place = dfy_mini_group_place(order, coded->place.number);
    if (group->damaged >> place & 1) return DFY_ERROR_DAMAGED;
    coded->size = record.bytes[place];
    coded->data = (*payload)->data + record.offset[place];
    coded->frames = group->frames;
    coded->long_term_frames = (int)p->run.segments[group->segment].head.long_term_frames;
    coded->order = group->base + coded->place.number;
    coded->plate = p->plate;
    return DFY_OK;
}

/* Decodes a picture of group `at`; coded has what is around it. Holds *frame for the caller. */
static int decode(DfyPlayer *p, size_t at, DfyCodedPicture *coded, const DfyFrame **frame) {
    const DfyBuffer *payload;
    const DfyRunMiniGroup group = p->run.groups[at]; /* a copy: fetching may find more groups */
    if (p->decoded >= p->limit) return DFY_PLAYER_PAUSED;
    int status = dfy_player_describe(p, &group, at, coded, &payload);
    if (status) return status;
    Fetching fetching = {p, &group, group.anchor}; /* which joins those kept when the group is over */
    coded->fetch = (DfyPictureFetch){fetch_long_term, fetch_long_term_anchor, &fetching};
    dfy_run_pin(&p->run, payload, 1); /* what is fetched takes room for other bytes */
    status = dfy_decode_picture(p->decoder, coded, frame);
    dfy_run_pin(&p->run, payload, -1);
    p->decoded++;
    return status == DFY_ERROR_MEMORY ? out_of_memory(p) : status;
}

/* Where an anchor stands in time once others follow it: still groups move it on. */
static int32_t place_of(const DfyPlayer *p, int32_t anchor) {
    return p->run.groups[p->run.anchors[anchor + 1]].base;
}

DfyCodedPicture dfy_player_anchor_place(const DfyPlayer *p, const DfyRunMiniGroup *group) {
    DfyCodedPicture coded = {.place = {.number = group->frames, .future = -1, .referred = 1}};
    if (group->past >= 0) coded.past.order = place_of(p, group->past);
    if (group->before >= 0) coded.before.order = place_of(p, group->before);
    return coded;
}

DfyCodedPicture dfy_player_picture_place(const DfyPlayer *p, const DfyRunMiniGroup *group, int number) {
    DfyMiniGroupPicture order[DFY_MAX_MINI_GROUP];
    dfy_mini_group_order_pictures(order, group->frames, dfy_most_layers(p->stream));
    DfyCodedPicture coded = {.place = order[dfy_mini_group_place(order, number)]};
    coded.past.order = group->base + coded.place.past;
    coded.future.order = group->base + coded.place.future;
    return coded;
}

/* Decodes an anchor whose past is at hand. */
static int decode_anchor(DfyPlayer *p, int32_t anchor) {
    size_t at = (size_t)p->run.anchors[anchor];
    const DfyRunMiniGroup *g = &p->run.groups[at];
    uint64_t number = dfy_player_number_of(p, anchor);
    DfyCodedPicture coded = dfy_player_anchor_place(p, g);
    int status = DFY_OK;
    int32_t past = g->past, before = g->before;
    coded.models = p->plate;
    if (past >= 0) status = dfy_player_get_anchor(p, past, &coded.past.frame);
    if (!status && before >= 0) status = dfy_player_get_anchor(p, before, &coded.before.frame);
    if (coded.past.frame) coded.models = coded.past.frame;
    const DfyFrame *frame = NULL;
    if (!status) status = decode(p, at, &coded, &frame);
    if (!status) dfy_player_keep_anchor(p, number, frame);
    dfy_release_frame(p->decoder, frame);
    dfy_release_frame(p->decoder, coded.past.frame);
    dfy_release_frame(p->decoder, coded.before.frame);
    return status;
}

/* Decodes what leads to an anchor, from the last one at hand on. Holds *frame for the caller. */
int dfy_player_get_anchor(DfyPlayer *p, int32_t anchor, const DfyFrame **frame) {
    const DfyRunMiniGroup *g = &p->run.groups[p->run.anchors[anchor]];
    uint64_t number = dfy_player_number_of(p, anchor);
    if ((*frame = dfy_player_anchor_at_hand(p, number))) return DFY_OK;
    if (g->broken) return DFY_ERROR_DAMAGED;
    int32_t steps = 0;
    for (int32_t a = anchor; a >= 0 && !is_at_hand(p, a); a = p->run.groups[p->run.anchors[a]].past) steps++;
    int32_t *path = malloc((size_t)steps * sizeof *path);
    if (!path) return out_of_memory(p);
    for (int32_t i = steps, a = anchor; i > 0; a = p->run.groups[p->run.anchors[a]].past) path[--i] = a;
    int status = DFY_OK;
    for (int32_t i = 0; i < steps && !status; i++)
        if (!is_at_hand(p, path[i])) status = decode_anchor(p, path[i]);
    free(path);
    if (status) return status;
    *frame = dfy_player_anchor_at_hand(p, number);
    return *frame ? DFY_OK : DFY_ERROR_DAMAGED;
}

/* Picture `number` of a group, 0 being the anchor before it. Holds *frame for the caller. */
static int get_picture(DfyPlayer *p, size_t at, int number, const DfyFrame **frame) {
    const DfyRunMiniGroup group = p->run.groups[at];
    if (group.still || number == group.frames) return dfy_player_get_anchor(p, group.anchor, frame);
    if (!number) return group.anchor > 0 ? dfy_player_get_anchor(p, group.anchor - 1, frame) : DFY_ERROR_DAMAGED;
    if ((*frame = dfy_player_picture_at_hand(p, group.first + (uint64_t)number - 1))) return DFY_OK;
    DfyCodedPicture coded = dfy_player_picture_place(p, &group, number);
    const DfyFrame *anchor = NULL;
    int status = dfy_player_get_anchor(p, group.anchor, &anchor);
    if (!status) status = get_picture(p, at, coded.place.past, &coded.past.frame);
    if (!status) status = get_picture(p, at, coded.place.future, &coded.future.frame);
    if (!status) {
        coded.models = coded.place.models == coded.place.past ? coded.past.frame : coded.future.frame;
        coded.group = &anchor->state->group;
        status = decode(p, at, &coded, frame);
    }
    if (!status) dfy_player_keep_picture(p, group.first + (uint64_t)number - 1, *frame, &coded);
    dfy_release_frame(p->decoder, coded.past.frame);
    dfy_release_frame(p->decoder, coded.future.frame);
    dfy_release_frame(p->decoder, anchor);
    return status;
}

/* ---------------------------------------------------------------- finding */

/*
 * The segment to begin with for the frame, file.count when there is none; [*first, *end) are those it serves, as far as
 * is known: of a stream that only goes forward more may come.
 */
static size_t access_point_before(const DfyPlayer *p, uint64_t frame, uint64_t *first, uint64_t *end) {
    size_t access_point = p->file->count;
    uint64_t known = 0;
    *first = *end = 0;
    for (size_t i = 0; i < p->file->count; i++) {
        const DfyV2Row *e = &p->file->rows[i];
        if (e->frames) known = e->first_frame + e->frames;
        if (e->type != DFY_CHUNK_SEGMENT || !e->frames || !(e->flags & DFY_CHUNK_ACCESS_POINT)) continue;
        *end = e->first_frame;
        if (e->first_frame > frame) return access_point;
        *first = e->first_frame;
        access_point = i;
    }
    *end = p->file->forward && !p->file->ended ? known : UINT64_MAX;
    return access_point;
}

/* Begins at a segment that is not a random access point itself; places in time are counted from that point on. */
static void begin_within(DfyPlayer *p, size_t chunk, size_t access_point) {
    uint64_t frames = p->file->rows[chunk].first_frame - p->file->rows[access_point].first_frame;
    dfy_run_begin(&p->run, chunk, (int32_t)(frames & 0x3fffffff));
}

/*
 * For random access: a run of the frame's own segment and the one before, which has the anchor before it. Where that is
 * lost, the own segment's anchor is still there.
 */
static int find_in_own_segment(DfyPlayer *p, uint64_t frame, size_t access_point, size_t *at) {
    const DfyV2Row *rows = p->file->rows;
    size_t own = access_point, before = access_point;
    for (; own < p->file->count; own++) {
        if (rows[own].type != DFY_CHUNK_SEGMENT || !rows[own].frames) continue;
        if (rows[own].first_frame + rows[own].frames > frame) break;
        before = own;
    }
    p->run_first = frame;
    p->run_end = p->own_end = frame + 1;
    if (own == p->file->count || rows[own].first_frame > frame) return DFY_ERROR_DAMAGED;
    p->run_first = rows[own].first_frame;
    p->run_end = p->own_end = p->run_first + rows[own].frames;
    if (before != own && rows[before].first_frame + rows[before].frames == p->run_first) {
        begin_within(p, before, access_point);
        int status = dfy_run_find(&p->run, frame, at);
        if (status != DFY_ERROR_DAMAGED) return status;
    }
    begin_within(p, own, access_point);
    return dfy_run_find(&p->run, frame, at);
}

void dfy_player_extend_run(DfyPlayer *p) {
    uint64_t first;
    if (p->stream->access && p->run_end == p->own_end) access_point_before(p, p->gone, &first, &p->run_end);
}

/* Of a run that went on, what was looked at is left: what lies behind takes fewer reads from its own segment. */
static void end_run_here(DfyPlayer *p) {
    if (!p->stream->access || p->run_end == p->own_end) return;
    p->run_end = p->run.end > p->own_end ? p->run.end : p->own_end;
    p->own_end = p->run_end;
}

/* Finds the frame's group, in the run that it belongs to. */
int dfy_player_find_group(DfyPlayer *p, uint64_t frame, size_t *at) {
    if (p->stream->access && frame >= p->own_end && frame < p->run_end) {
        int status = dfy_run_find(&p->run, frame, at);
        if (status != DFY_ERROR_DAMAGED) return status;
        p->run_end = p->own_end; /* its own segment may be whole */
    }
    if (frame < p->run_first || frame >= p->run_end) {
        size_t access_point = access_point_before(p, frame, &p->run_first, &p->run_end);
        if (access_point >= p->file->count) return DFY_ERROR_DAMAGED;
        int goes_on = p->file->forward && !p->stream->access && p->run.segment_count;
        if (goes_on && access_point == p->run.access_point) {
            p->run.ended = 0;
            return dfy_run_find(&p->run, frame, at);
        }
        if (p->ahead) dfy_player_stop_ahead(p); /* it counts by the run that there was */
        int status = use_plate(p, access_point);
        if (status) {
            p->run_first = p->run_end = 0;
            return status;
        }
        if (p->stream->access) return find_in_own_segment(p, frame, access_point, at);
        dfy_run_begin(&p->run, access_point, 0);
    }
    return dfy_run_find(&p->run, frame, at);
}

static int get_frame(DfyPlayer *p, uint64_t number, const DfyFrame **frame) {
    size_t at;
    int status = dfy_player_find_group(p, number, &at);
    if (status) return status;
    return get_picture(p, at, (int)(number - p->run.groups[at].first) + 1, frame);
}

int dfy_player_is_whole(DfyPlayer *p, uint64_t frame) {
    size_t at;
    if (!p->decoder || dfy_player_find_group(p, frame, &at)) return 0;
    const DfyRunMiniGroup *g = &p->run.groups[at];
    DfyMiniGroupPicture order[DFY_MAX_MINI_GROUP];
    if (g->broken) return 0;
    int alone = g->anchor == 0; /* then what lies before the anchor is lost */
    if (g->still || (!g->damaged && !alone)) return 1;
    dfy_mini_group_order_pictures(order, g->frames, dfy_most_layers(p->stream));
    uint8_t damaged[DFY_MAX_MINI_GROUP + 1] = {(uint8_t)alone};
    for (int i = 0; i < g->frames; i++) { /* pictures come after what they refer to */
        const DfyMiniGroupPicture *o = &order[i];
        damaged[o->number] = g->damaged >> i & 1;
        if (o->layer) damaged[o->number] |= damaged[o->past] | damaged[o->future];
    }
    return !damaged[frame - g->first + 1];
}

/* ---------------------------------------------------------------- lossless */

static int load_lossless(DfyPlayer *p, size_t chunk) {
    DfyLosslessState *l = &p->lossless;
    const DfyV2Row *e = &p->file->rows[chunk];
    l->open = 0;
    if (e->flags & DFY_CHUNK_ACCESS_POINT) dfy_lossless_begin_run(l->pictures);
    int status = dfy_v2_read_chunk(p->file, chunk, &l->payload, p->message);
    if (status) return status;
    DfyBytes bytes = dfy_bytes(l->payload.data, l->payload.size);
    if (dfy_read_segment(&bytes, &l->segment) || l->segment.first_frame != e->first_frame ||
        l->segment.frames != e->frames || dfy_read_times(&bytes, &l->segment, dfy_regular_ticks(p->stream), NULL))
        return DFY_ERROR_DAMAGED;
    dfy_range_decode_start(&l->coder, bytes.data + bytes.position, bytes.size - bytes.position);
    l->chunk = chunk;
    l->next = e->first_frame;
    l->open = 1;
    return DFY_OK;
}

/* Behind a segment's last frame: the next one, which must go on there and be no other run's. */
static int load_next_lossless(DfyPlayer *p) {
    const DfyV2Row *e = p->file->rows;
    for (size_t i = p->lossless.chunk + 1; i < p->file->count; i++) {
        if (!dfy_holds_frames(&e[i])) continue;
        return e[i].first_frame == p->lossless.next && !(e[i].flags & DFY_CHUNK_ACCESS_POINT) ? load_lossless(p, i)
                                                                                              : DFY_ERROR_DAMAGED;
    }
    return DFY_ERROR_DAMAGED;
}

static int go_lossless(DfyPlayer *p, uint64_t frame) {
    DfyLosslessState *l = &p->lossless;
    uint64_t first, end;
    size_t access_point = access_point_before(p, frame, &first, &end);
    if (access_point >= p->file->count) return DFY_ERROR_DAMAGED;
    int status = DFY_OK, shown = l->open && l->next == frame + 1;
    int onward = l->open && l->next <= frame && first < l->next;
    if (!shown && !onward) status = load_lossless(p, access_point);
    while (!status && l->next <= frame) {
        if (l->next == l->segment.first_frame + l->segment.frames) status = load_next_lossless(p);
        if (status) break;
        dfy_lossless_code(l->pictures, &l->coder, NULL, NULL);
        l->next++;
    }
    if (!status) status = dfy_times_of(&l->times, p->file, p->stream, l->chunk, frame, &p->pts, p->message);
    if (status) l->open = 0;
    return status;
}

/* ---------------------------------------------------------------- going */

static int go(DfyPlayer *p, uint64_t frame) {
    if (p->lossless.pictures) return go_lossless(p, frame);
    if (p->last && p->gone == frame) return DFY_OK; /* it is not kept where nothing refers to it */
    const DfyFrame *found = NULL;
    size_t at;
    int status = DFY_ERROR_DAMAGED, same = p->in_order && frame == p->gone,
        onward = p->in_order && frame == p->gone + 1;
    if (p->ahead && !same && !onward) dfy_player_stop_ahead(p);
    if (!same && !onward) end_run_here(p);
    p->in_order = same ? p->in_order : onward ? p->in_order + 1 : 1;
    p->gone = frame;
    if (p->threads > 1 && (p->at_once || p->in_order > DFY_BEFORE_AHEAD))
        status = dfy_player_get_ahead(p, frame, &found);
    if (status == DFY_ERROR_DAMAGED) status = get_frame(p, frame, &found);
    if (!status) status = dfy_run_find(&p->run, frame, &at);
    if (!status) status = dfy_run_time(&p->run, at, frame, &p->pts);
    if (!status) p->repeats = p->run.groups[at].still;
    dfy_release_frame(p->decoder, p->last);
    p->last = found;
    return status;
}

int dfy_player_go(DfyPlayer *p, uint64_t frame) {
    p->limit = UINT64_MAX;
    return go(p, frame);
}

int dfy_player_approach(DfyPlayer *p, uint64_t frame) {
    if (p->lossless.pictures) return DFY_END;
    DfyMessage message = *p->message;
    p->limit = p->decoded + 1;
    int status = go(p, frame);
    *p->message = message;
    return status == DFY_PLAYER_PAUSED ? DFY_OK : DFY_END;
}

const DfyFrame *dfy_player_frame(const DfyPlayer *p) {
    return p->lossless.pictures ? dfy_lossless_last(p->lossless.pictures) : p->last;
}

int dfy_player_repeats(const DfyPlayer *p) {
    return p->repeats;
}

uint64_t dfy_player_pictures(const DfyPlayer *p) {
    return p->decoded;
}

int64_t dfy_player_pts(const DfyPlayer *p) {
    return p->pts;
}
