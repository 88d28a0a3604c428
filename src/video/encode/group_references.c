/* What the pictures of a mini-group refer to, and what of that the encoder has to find first. */
#include "diffy/diffy.h"
#include "video/encode/group_task.h"
#include "video/encode/lookahead/global_motion_search.h"

#include <string.h>

/* ---------------------------------------------------------------- the long-term set */

void dfy_copy_reference(DfyFrame *frame, const DfyFrame *decoded) {
    dfy_frame_copy(frame, decoded);
    memcpy(frame->alf, decoded->alf, sizeof frame->alf);
}

int dfy_fetch_lent(DfyVideoEncoder *e, int number) {
    DfyLentFrames *lent = &e->lent;
    const DfyFrame *found;
    DfyFrame *frame = dfy_frame_pool_take(&e->frames);
    if (!frame) return DFY_ERROR_MEMORY;
    dfy_pool_lock(e->pool);
    int turn = lent->fetches++;
    dfy_pool_unlock(e->pool);
    dfy_pool_wait(e->pool, &lent->fetched, turn);
    int status = lent->source.fetch(lent->source.context, lent->index[number], &found);
    if (!status) dfy_copy_reference(frame, found);
    dfy_pool_count(e->pool, &lent->fetched);
    lent->frames[number] = frame;
    return status;
}

void dfy_give_back_lent(DfyVideoEncoder *e, int number) {
    dfy_frame_pool_give_back(&e->frames, e->lent.frames[number]);
    e->lent.frames[number] = NULL;
}

/* ---------------------------------------------------------------- anchors */

DfyReference dfy_anchor_past(const DfyVideoEncoder *e) {
    return e->layers ? (DfyReference){NULL, 0} : dfy_last_anchor(&e->anchors);
}

int dfy_find_long_term_anchor(const DfyGroupTask *group, const DfyMiniGroupPicture *place) {
    const DfyVideoEncoder *e = group->encoder;
    uint64_t least, nearest = UINT64_MAX;
    const DfyFrame *own = group->sources[place->number - 1];
    int found = dfy_most_alike_anchor(&e->anchors, own, &least);
    for (int d = 0; found && d < 2; d++) {
        int number = d ? place->future : place->past;
        if (number < 0 || (number == 0 && !e->anchor_source)) continue;
        const DfyFrame *other = number ? group->sources[number - 1] : e->anchor_source;
        uint64_t distance = dfy_unlike_sources(&e->anchors, own, other);
        if (distance < nearest) nearest = distance;
    }
    return least < nearest / 5 * 4 ? found : 0;
}

/* ---------------------------------------------------------------- all of them */

/* Picture `number` of the group as a reference, 0 being the anchor before it. */
static DfyReference reference_to(const DfyVideoEncoder *e, int number) {
    return (DfyReference){e->group[number], e->frame_number + number};
}

void dfy_set_references(const DfyVideoEncoder *e, DfyFrameTask *task, const DfyMiniGroupPicture *place) {
    const DfyKeptAnchors *kept = &e->anchors;
    int long_term_anchor = task->header.long_term_anchor;
    DfyReferenceSources sources = {.past = place->layer ? reference_to(e, place->past) : dfy_anchor_past(e),
                                   .long_term = e->lent.frames[place->number],
                                   .plate = task->header.plate ? e->plate : NULL,
                                   .long_term_anchor =
                                       long_term_anchor ? kept->frames[kept->count - long_term_anchor] : NULL};
    if (place->future >= 0)
        sources.future = reference_to(e, place->future);
    else if (kept->count > 1 && !e->layers)
        sources.before = (DfyReference){kept->frames[kept->count - 2], kept->order[kept->count - 2]};
    dfy_picture_references(&task->picture, &sources);
}

const DfyContexts *dfy_models_for(const DfyVideoEncoder *e, const DfyMiniGroupPicture *place) {
    const DfyFrame *frame = place->layer ? e->group[place->models] : dfy_anchor_past(e).frame;
    if (!frame) frame = e->plate;
    return frame ? &frame->state->models : NULL;
}

/* ---------------------------------------------------------------- the camera's motion */

/*
 * Whether three tenths of a picture's references follow global motion. Where less does, as before a view with depth,
 * the pictures that nothing refers to are better off without: on 97 head-mounted frames by 1 to 2 %.
 */
static int follows_camera(const DfyPictureCoding *p) {
    int blocks = p->width / 8 * (p->height / 8), following = 0;
    for (int i = 0; i < p->reference_count && i < 2; i++)
        for (int b = 0; b < blocks; b++) following += p->references[i]->motion[b].global;
    return following * 5 > blocks * 3;
}

int dfy_find_camera_motion(DfyVideoEncoder *e, DfyFrameTask *task, const DfyMiniGroupPicture *place) {
    DfyPictureCoding *p = &task->picture;
    uint32_t lambda = dfy_lambda_absolute(task->header.qp, p->picture_class);
    if (p->picture_class == 2 && !follows_camera(p)) return DFY_OK;
    /* The look-ahead has compared the sources of so many. */
    int status = DFY_OK, enclosing = place->layer ? 2 : dfy_anchor_past(e).frame && e->anchor_source;
    double turn[9];
    for (int i = 0; i < p->reference_count && i < enclosing && !status; i++)
        if (!p->long_term[i])
            status = dfy_find_global_motion(p, &task->contexts, task->source, e->propagation, place->number, i, lambda,
                                            dfy_camera_turn_between(&e->turns, turn, p->frame, p->references[i]));
    return status;
}
