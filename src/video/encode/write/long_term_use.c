#include "video/encode/write/long_term_use.h"

#include <stdlib.h>

#define LEAST_FRAMES 32 /* it begins to be looked at with */
#define MORE_ACCESS 2   /* times as many access points where it is in use: it makes them cheap, and seeking dear */
#define MOST_ACCESS_POINTS 64 /* it is in use for as many at the most, then the work may have become another */

uint64_t dfy_long_term_seeking(const DfyLongTermUse *u, uint64_t frames) {
    return dfy_long_term_in_use(u) ? MORE_ACCESS * frames : frames;
}

/* What the pictures of the next group would take from the set, by number. */
static void look(DfyLongTermUse *u, int frames, const DfyFrame *before,
                 DfyLongTermMatch match[DFY_MAX_MINI_GROUP + 1]) {
    DfyFrame *const *queue = u->queue->frames;
    DfyMiniGroupPicture pictures[DFY_MAX_MINI_GROUP];
    dfy_mini_group_order_pictures(pictures, frames, u->layers);
    for (int number = 1; number <= frames; number++) {
        const DfyMiniGroupPicture *place = &pictures[dfy_mini_group_place(pictures, number)];
        const DfyFrame *past = place->past ? queue[place->past - 1] : before;
        const DfyFrame *future = place->future > 0 ? queue[place->future - 1] : NULL;
        match[number] = dfy_long_term_find(u->set, queue[number - 1], past, future);
    }
}

/* Whether the first pictures of a group are less unlike by half with the set. */
static int gains(const DfyLongTermMatch match[DFY_MAX_MINI_GROUP + 1], int frames) {
    uint64_t before = 0, gain = 0;
    for (int i = 1; i <= frames; i++) {
        before += match[i].before;
        gain += match[i].gain;
    }
    return gain && 2 * gain >= before;
}

/* Whether most matches go on from the one before, to or fro, about as fast as the pictures do. */
static int goes_on(const DfyLongTermMatch match[DFY_MAX_MINI_GROUP + 1], int frames) {
    int last = 0, steps = 0, follow = 0;
    for (int i = 1; i <= frames; i++) {
        if (match[i].index < 0) continue;
        int far = last ? abs(match[i].index - match[last].index) : 0;
        steps += last > 0;
        follow += last > 0 && 2 * far >= i - last && far <= 2 * (i - last);
        last = i;
    }
    return 3 * follow >= 2 * steps;
}

static int fetch(void *context, int32_t index, const DfyFrame **found) {
    return dfy_long_term_fetch(context, index, found);
}

/* The encoder knows how many frames there are, and asks for those that it refers to. */
static void set_frames(DfyLongTermUse *u, int frames) {
    dfy_video_encoder_set_long_term(u->encoder, frames, (DfyLongTermSource){fetch, u->set});
}

static void lend(DfyLongTermUse *u, int frames, const DfyFrame *before) {
    DfyLongTermMatch match[DFY_MAX_MINI_GROUP + 1];
    look(u, frames, before, match);
    for (int i = 1; i <= frames; i++) {
        u->unlike += match[i].before;
        u->gain += match[i].gain;
        dfy_video_encoder_lend(u->encoder, i, match[i].index);
    }
}

int dfy_long_term_use_begin_run(DfyLongTermUse *u, uint64_t first) {
    if (!u->set) return DFY_OK;
    int serves = dfy_long_term_in_use(u) && u->gain && 4 * u->gain >= u->unlike;
    u->gain = u->unlike = 0;
    if (serves && ++u->access_points < MOST_ACCESS_POINTS) return DFY_OK;
    u->access_points = 0;
    set_frames(u, 0);
    return dfy_long_term_begin(u->set, first);
}

int dfy_long_term_use_begin_group(DfyLongTermUse *u, int frames, const DfyFrame *before) {
    if (!u->set) return DFY_OK;
    if (!dfy_long_term_in_use(u)) return dfy_long_term_note_frames(u->set, u->queue->frames, frames);
    lend(u, frames, before);
    return DFY_OK;
}

int dfy_long_term_use_pays(DfyLongTermUse *u, int frames, const DfyFrame *before) {
    DfyLongTermMatch match[DFY_MAX_MINI_GROUP + 1];
    if (!u->set || dfy_long_term_in_use(u) || dfy_long_term_frames(u->set) < LEAST_FRAMES) return 0;
    look(u, frames, before, match);
    return gains(match, frames) && gains(match, frames / 4) && goes_on(match, frames);
}

void dfy_long_term_use_close(DfyLongTermUse *u) {
    dfy_long_term_close(u->set);
    set_frames(u, dfy_long_term_frames(u->set));
}
