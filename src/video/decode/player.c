#include <stdlib.h>

#include "video/decode/player_parts.h"

#define DEEPEST 8 /* anchors that are decoded for one another's sake, out of their order */

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

void dfy_player_free(DfyPlayer *p) {
    if (!p) return;
    if (p->ahead) dfy_player_stop_ahead(p);
    dfy_ahead_free(p->ahead);
    dfy_player_free(p->long_term);
    if (p->decoder) {
        dfy_player_forget_pictures(p);
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

int dfy_player_no_memory(DfyPlayer *p) {
    return dfy_fail(p->message, DFY_ERROR_MEMORY, "There is not enough memory to decode this file.");
}

/* ---------------------------------------------------------------- what pictures refer to */

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
        if (!p->long_term) return dfy_player_no_memory(p);
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

uint64_t dfy_player_number_of(const DfyPlayer *p, int32_t anchor) {
    const DfyRunMiniGroup *g = &p->run.groups[p->run.anchors[anchor]];
    return g->first + g->frames - 1;
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
    return status == DFY_ERROR_MEMORY ? dfy_player_no_memory(p) : status;
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
    for (int32_t a = anchor; a >= 0 && !dfy_player_is_at_hand(p, a); a = p->run.groups[p->run.anchors[a]].past) steps++;
    int32_t *path = malloc((size_t)steps * sizeof *path);
    if (!path) return dfy_player_no_memory(p);
    for (int32_t i = steps, a = anchor; i > 0; a = p->run.groups[p->run.anchors[a]].past) path[--i] = a;
    int status = DFY_OK;
    for (int32_t i = 0; i < steps && !status; i++)
        if (!dfy_player_is_at_hand(p, path[i])) status = decode_anchor(p, path[i]);
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

static int get_frame(DfyPlayer *p, uint64_t number, const DfyFrame **frame) {
    size_t at;
    int status = dfy_player_find_group(p, number, &at);
    if (status) return status;
    return get_picture(p, at, (int)(number - p->run.groups[at].first) + 1, frame);
}

/* ---------------------------------------------------------------- going */

static int go(DfyPlayer *p, uint64_t frame) {
    if (p->lossless.pictures) return dfy_player_go_lossless(p, frame);
    if (p->last && p->gone == frame) return DFY_OK; /* it is not kept where nothing refers to it */
    const DfyFrame *found = NULL;
    size_t at;
    int status = DFY_ERROR_DAMAGED, same = p->in_order && frame == p->gone,
        onward = p->in_order && frame == p->gone + 1;
    if (p->ahead && !same && !onward) dfy_player_stop_ahead(p);
    if (!same && !onward) dfy_player_end_run_here(p);
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
