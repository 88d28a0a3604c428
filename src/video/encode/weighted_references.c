/* References with the light of the picture that refers to them. */
#include <stdlib.h>

#include "diffy/diffy.h"
#include "video/encode/decide/weight_search.h"
#include "video/encode/group_task.h"
#include "video/encode/lookahead/pyramid.h"

#define MAX_WEIGHTED 2        /* weighted references of one picture */
#define BRIGHTNESS_CHANGES 12 /* 1/64 levels by which sources differ where the light has changed */

/*
 * Bits that weighting a reference must save. Between two pictures, their mean hides half of what each differs
 * by, and a long-term reference is seldom needed at all. Of 1, 1 to 8, 4 times as much these were best on six
 * clips.
 */
static uint32_t least_saving(const DfyPictureCoding *picture, int reference) {
    if (!picture->picture_class) return 48;
    return picture->long_term[reference] ? 8 * 48 : 4 * 48;
}

/* The mean difference of so many means from others in 1/64 level, where nothing moves: by no more than 8 levels. */
static int brightness_difference(const uint8_t *a, const uint8_t *b, size_t count) {
    int sum = 0, near_count = 1;
    for (size_t i = 0; i < count; i++) {
        int difference = a[i] - b[i], near = difference >= -8 && difference <= 8;
        sum += near * difference;
        near_count += near;
    }
    return abs(64 * sum / near_count);
}

/* Whether the light may have changed between a picture and those that enclose it, or before, by their sources. */
static int brightness_may_differ(const DfyGroupTask *group, const DfyMiniGroupPicture *place) {
    const DfyVideoEncoder *e = group->encoder;
    const size_t means = e->anchors.means;
    const uint8_t *own = group->sources[place->number - 1]->pyramid->eighths;
    const DfyFrame *past = place->past ? group->sources[place->past - 1] : e->anchor_source;
    const DfyFrame *future = place->future > 0 ? group->sources[place->future - 1] : NULL;
    if (!past || brightness_difference(own, past->pyramid->eighths, means) > BRIGHTNESS_CHANGES) return 1;
    return future && brightness_difference(own, future->pyramid->eighths, means) > BRIGHTNESS_CHANGES;
}

int dfy_lend_weighted_references(const DfyGroupTask *group, const DfyMiniGroupPicture *place, DfyFrameTask *task) {
    DfyVideoEncoder *e = group->encoder;
    DfyPictureCoding *p = &task->picture;
    uint32_t lambda = dfy_lambda(task->header.qp, p->picture_class);
    if (e->effort.weight_by_sources && !brightness_may_differ(group, place)) return DFY_OK;
    for (int i = 0, count = 0; i < p->reference_count && count < MAX_WEIGHTED; i++) {
        DfyWeight *weight = &task->header.weight[i];
        *weight = dfy_find_weight(task->source, p->references[i], lambda, least_saving(p, i));
        if (!dfy_weight_changes(weight)) continue;
        DfyFrame *weighted = dfy_frame_pool_take(&e->frames);
        if (!weighted) return DFY_ERROR_MEMORY;
        dfy_lend_weighted(p, &task->weighted, i, weighted, weight);
        count++;
    }
    return DFY_OK;
}

void dfy_give_back_weighted_references(DfyVideoEncoder *e, DfyFrameTask *task) {
    for (int i = 0; i < DFY_MAX_REFERENCES; i++)
        dfy_frame_pool_give_back(&e->frames, dfy_return_weighted(&task->picture, &task->weighted, i));
}
