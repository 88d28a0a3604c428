/*
 * What the player has other threads decode ahead. Frames that are gone to in order are turned into tasks, those first
 * that lead to them. Whatever can't be done so (damaged, too far apart, no memory) is left to the player's own way,
 * which says what is wrong.
 */
#include "base/numbers.h"
#include "base/status.h"
#include "diffy/diffy.h"
#include "video/decode/player_parts.h"

#define MOST_ANCHORS_AHEAD 3 /* whose pasts are no more at hand */

/* A picture that is at hand (held) or being made; neither: there is none. */
typedef struct Source {
    const DfyFrame *frame;
    DfyTask *task;
} Source;

static void take_from(DfyTask *task, int which, const Source *source) {
    task->from[which].frame = source->frame;
    task->from[which].task = source->task;
}

static Source made_by(DfyTask *task) {
    return (Source){NULL, task};
}

/* A task for a picture of group `at`; *task NULL when there is no room for it. */
static int add(DfyPlayer *p, size_t at, uint64_t number, const DfyCodedPicture *coded, DfyTask **task) {
    DfyTask *t = *task = dfy_ahead_add(p->ahead, number);
    if (!t) return DFY_END;
    const DfyBuffer *payload;
    t->group = p->run.groups[at];
    t->coded = *coded;
    int status = dfy_player_describe(p, &t->group, at, &t->coded, &payload);
    if (status) return status;
    dfy_hold_frame(t->coded.plate);
    dfy_run_pin(&p->run, payload, 1);
    t->payload = payload;
    return DFY_OK;
}

static void release(DfyPlayer *p, const Source *source) {
    dfy_release_frame(p->decoder, source->frame);
}

static int plan_anchor(DfyPlayer *p, int32_t anchor, int depth, Source *source) {
    size_t at = (size_t)p->run.anchors[anchor];
    const DfyRunMiniGroup g = p->run.groups[at];
    uint64_t number = dfy_player_number_of(p, anchor);
    *source = (Source){dfy_player_anchor_at_hand(p, number), NULL};
    if (source->frame) return DFY_OK;
    if ((source->task = dfy_ahead_find(p->ahead, number))) return DFY_OK;
    if (g.broken) return DFY_ERROR_DAMAGED;
    if (depth == MOST_ANCHORS_AHEAD) return DFY_END;
    const DfyCodedPicture coded = dfy_player_anchor_place(p, &g);
    Source past = {0}, before = {0};
    int status = DFY_OK;
    if (g.past >= 0) status = plan_anchor(p, g.past, depth + 1, &past);
    if (!status && g.before >= 0) status = plan_anchor(p, g.before, depth + 1, &before);
    DfyTask *task;
    if (!status) status = add(p, at, number, &coded, &task);
    if (status) {
        release(p, &past);
        release(p, &before);
        return status;
    }
    take_from(task, DFY_FROM_PAST, &past);
    take_from(task, DFY_FROM_BEFORE, &before);
    if (g.past >= 0) task->models = DFY_FROM_PAST;
    dfy_ahead_post(p->ahead, task);
    *source = made_by(task);
    return DFY_OK;
}

/* Picture `number` of a group, 0 being the anchor before it; as dfy_player_go's own way gets it. */
static int plan_picture(DfyPlayer *p, size_t at, int number, Source *source) {
    const DfyRunMiniGroup g = p->run.groups[at];
    *source = (Source){0};
    if (g.still || number == g.frames) return plan_anchor(p, g.anchor, 0, source);
    if (!number) return g.anchor > 0 ? plan_anchor(p, g.anchor - 1, 0, source) : DFY_ERROR_DAMAGED;
    uint64_t frame = g.first + (uint64_t)number - 1;
    if ((source->frame = dfy_player_picture_at_hand(p, frame))) return DFY_OK;
    if ((source->task = dfy_ahead_find(p->ahead, frame))) return DFY_OK;
    const DfyCodedPicture coded = dfy_player_picture_place(p, &g, number);
    Source anchor = {0}, past = {0}, future = {0};
    DfyTask *task;
    int status = plan_anchor(p, g.anchor, 0, &anchor);
    if (!status) status = plan_picture(p, at, coded.place.past, &past);
    if (!status) status = plan_picture(p, at, coded.place.future, &future);
    if (!status) status = add(p, at, frame, &coded, &task);
    if (status) {
        release(p, &anchor);
        release(p, &past);
        release(p, &future);
        return status;
    }
    take_from(task, DFY_FROM_ANCHOR, &anchor);
    take_from(task, DFY_FROM_PAST, &past);
    take_from(task, DFY_FROM_FUTURE, &future);
    task->models = coded.place.models == coded.place.past ? DFY_FROM_PAST : DFY_FROM_FUTURE;
    dfy_ahead_post(p->ahead, task);
    *source = made_by(task);
    return DFY_OK;
}

/* ---------------------------------------------------------------- what only the player can fetch */

/* An anchor that may be in the making itself: then the task waits for it. */
static int answer_anchor(DfyPlayer *p, DfyTask *task) {
    int back = task->asked_back;
    if (!dfy_player_may_name_anchor(p, task->group.anchor, back)) return DFY_ERROR_DAMAGED;
    int32_t anchor = task->group.anchor - back;
    DfyTask *making = dfy_ahead_find(p->ahead, dfy_player_number_of(p, anchor));
    task->asked_back = 0;
    task->from[DFY_FROM_LONG_TERM_ANCHOR].task = making;
    return making ? DFY_OK : dfy_player_get_anchor(p, anchor, &task->from[DFY_FROM_LONG_TERM_ANCHOR].frame);
}

static int answer_long_term(DfyPlayer *p, DfyTask *task) {
    uint64_t first = p->run.segments[task->group.segment].head.long_term_first;
    int64_t index = task->asked_index;
    task->asked_index = -1;
    return dfy_player_get_long_term(p, first, (int32_t)index, &task->lent);
}

/* What goes wrong is told when the frame is gone to: the message is another frame's. */
static void answer(DfyPlayer *p, DfyTask *task) {
    DfyMessage message = *p->message;
    uint64_t limit = p->limit;
    int status = DFY_OK;
    p->limit = UINT64_MAX;
    if (task->asked_index >= 0) status = answer_long_term(p, task);
    if (!status && task->asked_back) status = answer_anchor(p, task);
    *p->message = message;
    p->limit = limit;
    dfy_ahead_answer(p->ahead, task, status);
}

/* ---------------------------------------------------------------- tasks that are done */

static int is_anchor(const DfyTask *task) {
    return task->coded.place.layer == 0;
}

static void keep_and_remove(DfyPlayer *p, DfyTask *task) {
    if (task->state == DFY_TASK_DONE) p->decoded++;
    if (task->frame && is_anchor(task))
        dfy_player_keep_anchor(p, task->number, task->frame);
    else if (task->frame)
        dfy_player_keep_picture(p, task->number, task->frame, &task->coded);
    dfy_run_pin(&p->run, task->payload, -1);
    dfy_ahead_remove(p->ahead, task);
}

/* Anchors are kept as soon as they are there, other pictures once they were shown. Failed ones stay to be found. */
static void harvest(DfyPlayer *p, uint64_t shown) {
    for (DfyTask *task = NULL; (task = dfy_ahead_done(p->ahead, task));)
        if (task->number < shown || (is_anchor(task) && task->frame)) keep_and_remove(p, task);
}

void dfy_player_stop_ahead(DfyPlayer *p) {
    dfy_ahead_stop(p->ahead);
    for (DfyTask *task; (task = dfy_ahead_any(p->ahead));) keep_and_remove(p, task);
}

/* ---------------------------------------------------------------- going */

/*
 * The anchors of the next groups: each is made from the one before, and takes longer than other pictures, so that they
 * are to be at work all the time.
 */
static void look_ahead_to_anchors(DfyPlayer *p, uint64_t frame) {
    size_t at;
    int status = dfy_run_find(&p->run, frame, &at);
    for (int k = 0; k < DFY_ANCHORS_AHEAD && !status; k++) {
        uint64_t next = p->run.groups[at].first + p->run.groups[at].frames;
        if (next >= p->run_end || p->in_order < dfy_ahead_reach(p->ahead)) return;
        Source source = {0};
        status = dfy_run_find(&p->run, next, &at);
        if (!status) status = plan_anchor(p, p->run.groups[at].anchor, 0, &source);
        release(p, &source);
    }
}

/* Turns the frame and those that follow into tasks, as far as they are known and there is room. */
static void look_ahead(DfyPlayer *p, uint64_t frame) {
    DfyMessage message = *p->message;
    int in_order = p->in_order > DFY_BEFORE_AHEAD ? p->in_order : 0, status = DFY_OK;
    uint64_t end = frame + 1 + (uint64_t)dfy_min(in_order, dfy_ahead_reach(p->ahead));
    for (uint64_t f = frame; f < end && f < p->run_end && !status; f++) {
        size_t at;
        Source source = {0};
        status = dfy_run_find(&p->run, f, &at);
        if (!status) status = plan_picture(p, at, (int)(f - p->run.groups[at].first) + 1, &source);
        release(p, &source);
    }
    look_ahead_to_anchors(p, frame);
    *p->message = message;
}

/* The frame's picture, held: at hand, or made by a task; NULL: neither. DFY_PLAYER_PAUSED: it is in the making. */
static int find(DfyPlayer *p, size_t at, uint64_t frame, const DfyFrame **found) {
    const DfyRunMiniGroup g = p->run.groups[at];
    int is_anchors = g.still || frame == g.first + g.frames - 1, in_parts = p->limit != UINT64_MAX;
    uint64_t number = is_anchors && g.anchor >= 0 ? dfy_player_number_of(p, g.anchor) : frame;
    DfyTask *asking, *task;
    while ((task = dfy_ahead_find(p->ahead, number))) {
        asking = NULL;
        int done = dfy_ahead_await(p->ahead, task, &asking, in_parts);
        if (asking) answer(p, asking);
        if (asking) continue;
        if (!done) return DFY_PLAYER_PAUSED;
        *found = dfy_hold_frame(task->frame);
        return DFY_OK;
    }
    *found = is_anchors ? dfy_player_anchor_at_hand(p, number) : dfy_player_picture_at_hand(p, number);
    return DFY_OK;
}

int dfy_player_get_ahead(DfyPlayer *p, uint64_t frame, const DfyFrame **found) {
    if (!p->ahead && !(p->ahead = dfy_ahead_new(p->decoder, p->threads))) {
        p->threads = 1;
        return DFY_ERROR_DAMAGED;
    }
    size_t at;
    int status = dfy_player_find_group(p, frame, &at);
    if (!status) {
        harvest(p, frame);
        if (p->in_order >= dfy_ahead_reach(p->ahead)) dfy_player_extend_run(p);
        look_ahead(p, frame);
        for (DfyTask *asking; (asking = dfy_ahead_asking(p->ahead));) answer(p, asking);
        status = find(p, at, frame, found);
    }
    if (*found || status == DFY_PLAYER_PAUSED) return status;
    dfy_player_stop_ahead(p);
    return status ? status : DFY_ERROR_DAMAGED;
}
